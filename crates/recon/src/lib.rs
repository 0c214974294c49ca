//! Reconciliation: matches the records of two sides exactly, fast, and with evidence.

#![warn(unsafe_code)]

mod arena;
pub mod cascade;
pub mod csv;
pub mod digest;
mod error;
mod fetch;
mod input;
pub mod invariants;
mod layout;
pub mod limits;
pub mod outcome;
mod pool;
mod reader;
pub mod record;
pub mod report;
pub mod rule;
mod scan;
mod sift;
pub mod sketch;
pub mod source;
mod store;
pub mod time;

pub use error::ReconError;
pub use layout::LayoutError;
pub use reader::RowError;
