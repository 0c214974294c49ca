//! The messages of this crate against published files and vectors.

mod card;
mod chip;
mod clearing;
mod iso20022;
mod iso8583;
mod national;
mod qr;
mod samples;
mod signing;
