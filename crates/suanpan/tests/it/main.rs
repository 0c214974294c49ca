//! The built binary, run as people and scripts run it.

mod bad_input;
mod documents;
mod help;
mod interrupt;
mod missing;
mod output;
mod same;
mod sketches;
mod start;
mod world;
