//! Integration tests of the reconciliation crate, in one binary to link once.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod cascade;
