//! Double-entry books as a pure state machine.

pub mod account;
pub mod checkpoint;
pub mod entry;
pub mod history;
pub mod ids;
pub mod merkle;
pub mod proof;
