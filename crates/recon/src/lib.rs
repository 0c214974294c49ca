//! Reconciliation: matches the records of two sides exactly, fast, and with evidence.

#![warn(unsafe_code)]

mod arena;
pub mod csv;
pub mod digest;
pub mod outcome;
pub mod record;
pub mod report;
pub mod rule;
pub mod time;
