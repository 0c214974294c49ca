//! The built binary, run as people and scripts run it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod api_simulator;
mod bad_input;
mod books;
mod documents;
mod events;
mod flash;
mod help;
mod interrupt;
mod missing;
mod output;
mod same;
mod serving;
mod sketches;
mod start;
mod statements;
mod world;
