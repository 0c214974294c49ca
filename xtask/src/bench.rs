//! Runs one table of `bench/`.

use crate::steps;
use crate::workspace::{cargo, root};
use std::process::Command;

/// Builds the binary as users have it and hands over to `bench/run.py`.
pub(crate) fn run(words: &[&str]) -> bool {
    steps::run(&mut cargo(&["build", "--release", "--package", "suanpan"]))
        && steps::run(Command::new("python3").arg("bench/run.py").args(words).current_dir(root()))
}
