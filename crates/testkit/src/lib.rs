//! Servers that tests start and stop by themselves. Development only.

mod postgres;

pub use postgres::{Cluster, Setting, cluster};
