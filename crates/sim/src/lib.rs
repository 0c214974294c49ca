//! Simulation: made-up business days with known truth, for tests, benchmarks and demonstrations.
//!
//! [`day::generate`] writes the two sides of one business day, the rules that reconcile them and
//! the outcome that a correct reconciliation must report. It shares no code with the engine, so
//! that an error in one cannot hide in the other.

pub mod day;
