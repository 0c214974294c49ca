//! Double-entry books as a pure state machine.

pub mod account;
pub mod book;
pub mod entry;
pub mod error;
pub mod history;
pub mod ids;
pub mod limits;
pub mod record;
pub mod rejection;
