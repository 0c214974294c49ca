//! Reconciliation: matches the records of two sides exactly, fast, and with evidence.

pub mod outcome;
pub mod record;
pub mod rule;
pub mod source;
