//! The project's chores, as one program: `cargo xtask NAME`.
//!
//! Logic lives here and not in shell scripts, so that it is typed, tested and the same everywhere.
//! `justfile` is only a menu of these commands.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a chore talks to the person who runs it")]

mod bench;
mod browser;
mod chores;
mod examples;
mod licences;
mod needs;
mod steps;
mod tidy;
mod workspace;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask NAME

  check           what CI runs, without the slow suites: format, lints, tidy, licences, docs, tests
  test            check, then the slow suites: all that CI runs
  tidy            rules of the source tree that the compiler does not know
  licences        licences, duplicates and sources of all dependencies, without network
  deny            the same and known advisories, by cargo-deny (installed when missing)
  fuzz SECONDS    feed mutated inputs to everything that reads outside bytes
  sanitize        tests of the modules with unsafe code under AddressSanitizer (needs a nightly toolchain)
  bench NAME …    one table of bench/RESULTS.md; `bench list` names them
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let passed = match words.as_slice() {
        ["check"] => chores::check(),
        ["test"] => chores::test(),
        ["tidy"] => tidy::run(),
        ["licences"] => licences::run(),
        ["deny"] => chores::deny(),
        ["sanitize"] => chores::sanitize(),
        ["fuzz", seconds] if seconds.parse::<u32>().is_ok() => chores::fuzz(seconds),
        ["bench", rest @ ..] if !rest.is_empty() => bench::run(rest),
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        other => {
            eprintln!("error: unknown chore: {}\n\n{HELP}", other.join(" "));
            return ExitCode::from(2);
        }
    };
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
