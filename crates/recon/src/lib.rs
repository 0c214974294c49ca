//! Reconciliation: matches the records of two sides exactly, fast, and with evidence.

pub mod cascade;
pub mod invariants;
pub mod outcome;
pub mod record;
pub mod rule;
