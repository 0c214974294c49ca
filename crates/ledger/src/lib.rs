//! Double-entry books as a pure state machine.

pub mod account;
pub mod book;
pub mod checkpoint;
pub mod entry;
pub mod error;
pub mod history;
pub mod ids;
pub mod limits;
pub mod merkle;
pub mod proof;
pub mod record;
pub mod rejection;
pub mod snapshot;
pub mod trial;
