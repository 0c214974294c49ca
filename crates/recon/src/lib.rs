//! Reconciliation: matches the records of two sides exactly, fast, and with evidence.

#![warn(unsafe_code)]

mod ahead;
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
mod open_items;
pub mod outcome;
pub mod party;
mod pool;
mod quotes;
mod reader;
pub mod record;
pub mod report;
pub mod rule;
pub mod run;
mod scan;
mod sift;
mod sizes;
pub mod sketch;
pub mod source;
mod store;
mod tags;
pub mod time;

pub use error::ReconError;
pub use layout::LayoutError;
pub use reader::RowError;
