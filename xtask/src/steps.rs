//! Runs steps one after the other, says what each does, and sums up at the end.

use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

/// The steps of one chore.
pub(crate) struct Steps {
    chore: &'static str,
    done: Vec<(String, Duration, bool)>,
}

impl Steps {
    pub(crate) fn new(chore: &'static str) -> Steps {
        Steps { chore, done: Vec::new() }
    }

    /// Runs a step. Later steps run even when one fails, so that one run shows everything.
    pub(crate) fn step(&mut self, what: &str, run: impl FnOnce() -> bool) -> bool {
        println!("\n=== {what}");
        let start = Instant::now();
        let passed = run();
        self.done.push((what.to_owned(), start.elapsed(), passed));
        if !passed {
            println!("=== FAILED: {what}");
        }
        passed
    }

    /// Runs a command as a step.
    pub(crate) fn command(&mut self, what: &str, command: &mut Command) -> bool {
        self.step(what, || run(command))
    }

    /// Prints the summary and says whether everything passed.
    pub(crate) fn finish(self) -> bool {
        println!("\n{}:", self.chore);
        for (what, took, passed) in &self.done {
            println!("  {} {:>5} s  {what}", if *passed { "ok    " } else { "FAILED" }, took.as_secs());
        }
        let failed = self.done.iter().filter(|(_, _, passed)| !passed).count();
        match failed {
            0 => println!("{}: all {} steps passed", self.chore, self.done.len()),
            _ => println!("{}: {failed} of {} steps failed", self.chore, self.done.len()),
        }
        failed == 0
    }
}

/// Prints a command, runs it, and says whether it succeeded.
pub(crate) fn run(command: &mut Command) -> bool {
    status(command).is_some_and(|status| status.success())
}

/// Prints a command, runs it, and returns how it ended, or `None` when it could not be started.
pub(crate) fn status(command: &mut Command) -> Option<ExitStatus> {
    let words: Vec<String> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    println!("$ {}", words.join(" "));
    match command.status() {
        Ok(status) => Some(status),
        Err(error) => {
            println!("error: {} did not start: {error}", words[0]);
            None
        }
    }
}

/// Says whether a program can be started.
pub(crate) fn has(program: &str, argument: &str) -> bool {
    Command::new(program).arg(argument).output().is_ok_and(|output| output.status.success())
}
