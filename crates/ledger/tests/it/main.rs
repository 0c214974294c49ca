//! Tests of the ledger from outside.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bytes;
mod golden;
mod model;
mod order;
mod script;
mod stored;
mod tables;
