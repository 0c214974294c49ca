//! Chip cards: commands, answers, lists and objects, and the cryptograms by which card and issuer know one another.

pub mod answer;
pub mod apdu;
pub mod bits;
pub mod cryptogram;
pub mod data;
pub mod dol;
pub mod script;
pub mod tags;
pub mod track;
