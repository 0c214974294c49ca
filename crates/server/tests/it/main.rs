//! Tests of the server over real sockets.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bank_agreements;
mod books;
mod checkout;
mod client;
mod connections;
mod conventions;
mod description;
mod guards;
mod payments;
mod routing;
mod strangers;
