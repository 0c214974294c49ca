//! Use cases of the engine over both databases, with a clock that stands until it is moved.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod balance;
mod books;
mod card_network;
mod clearing;
mod combined;
mod dialects;
mod flash;
mod forget;
mod frozen;
mod history;
mod idempotency;
mod outside;
mod payments;
mod restart;
mod routing;
mod wallet;
mod webhooks;
mod world;
