//! The messages of this crate against published files and vectors.

mod qr;
mod samples;
