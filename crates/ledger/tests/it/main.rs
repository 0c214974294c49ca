//! Tests of the books as their users see them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod history;
mod ids;
mod merkle;
mod proof;
