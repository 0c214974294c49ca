//! The readers against real files, and against the golden files of this crate.

mod golden;
