//! Tests of the ledger from outside.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bytes;
mod golden;
mod history;
mod ids;
mod merkle;
mod model;
mod order;
mod proof;
mod script;
mod stored;
mod tables;
