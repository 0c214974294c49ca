//! The messages of this crate against published files and vectors.

mod card;
mod qr;
mod samples;
