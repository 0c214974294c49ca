//! Tests of the ledger from outside.

mod bytes;
mod golden;
mod model;
mod script;
mod stored;
mod tables;
