//! Double-entry books as a pure state machine.

pub mod account;
pub mod book;
pub mod entry;
pub mod error;
pub mod limits;
pub mod record;
pub mod rejection;
pub mod snapshot;
pub mod trial;
