//! Chip cards: the cryptograms by which card and issuer know one another.

pub mod cryptogram;
