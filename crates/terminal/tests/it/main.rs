//! The kernel against traces of real cards, tables of odd ones, and the simulated one over a socket.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod cards;
mod kernel;
mod odd;
mod socket;
