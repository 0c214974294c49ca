//! Feeds mutated inputs to everything that reads outside bytes, on a stable toolchain.
//!
//! `cargo xtask fuzz SECONDS` runs it. Each target is a function from bytes to a *trait*: a number
//! that tells kinds of answer apart, such as which error was given. An input whose trait was not
//! seen before joins the corpus, so the search is led by what the code answers, not by coverage.
//! That finds less than a coverage-guided fuzzer does, and needs no nightly compiler.
//!
//! A target fails by a panic, by dying, or by taking longer than ten seconds. The input is then in
//! `fuzz/artifacts/`; `--target NAME --input FILE` runs it again, and moving it to
//! `fuzz/seeds/NAME/` keeps it for ever: the tests run every seed.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it talks to the person who runs it")]

mod chips;
mod clearing;
mod engine;
mod messages;
mod platform;
mod signatures;
mod statements;
mod targets;
mod wallets;

use engine::{Fuzzer, Outcome, failure, run_one};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus};
use std::time::{Duration, Instant};
use targets::Target;

/// One input may take this long before it counts as a hang.
const INPUT_SECONDS_MAX: u64 = 10;

const HELP: &str = "\
suanpan-fuzz --seconds N [--seed N] [--target NAME]
suanpan-fuzz --target NAME --input FILE
";

/// Runs what the words of a command line ask for; see the head of this file.
#[must_use]
pub fn run(words: impl Iterator<Item = String>) -> ExitCode {
    let options = match Options::parse(words) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("error: {error}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    let passed = match (&options.input, options.target) {
        (Some(input), Some(target)) => again(target, input),
        (_, Some(target)) => hunt(target, &options),
        (_, None) => all(&options),
    };
    targets::clean_up();
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

struct Options {
    seconds: u64,
    seed: u64,
    target: Option<&'static Target>,
    input: Option<PathBuf>,
}

impl Options {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Options, String> {
        let mut options = Options { seconds: 0, seed: 1, target: None, input: None };
        while let Some(word) = words.next() {
            let value = words.next().ok_or(format!("{word} needs a value"))?;
            let number = || value.parse::<u64>().map_err(|_| format!("{word}: not a number: {value}"));
            match word.as_str() {
                "--seconds" => options.seconds = number()?,
                "--seed" => options.seed = number()?,
                "--input" => options.input = Some(PathBuf::from(&value)),
                "--target" => {
                    let found = targets::all().find(|target| target.name == value);
                    options.target = Some(found.ok_or(format!("no target {value}; there are: {}", names()))?);
                }
                _ => return Err(format!("unknown option {word}")),
            }
        }
        match &options {
            Options { input: Some(_), target: None, .. } => Err("--input needs --target".to_owned()),
            Options { input: None, seconds: 0, .. } => Err("--seconds must be at least 1".to_owned()),
            _ => Ok(options),
        }
    }
}

fn names() -> String {
    targets::all().map(|target| target.name).collect::<Vec<_>>().join(", ")
}

/// Gives each target its share of the time, in a process of its own, so that one that dies does not
/// take the others along.
fn all(options: &Options) -> bool {
    let share = options.seconds.div_ceil(targets::all().count() as u64);
    let mut passed = true;
    for target in targets::all() {
        let status = std::env::current_exe().and_then(|program| {
            let seed = options.seed.to_string();
            Command::new(program)
                .args(["--target", target.name, "--seconds", &share.to_string(), "--seed", &seed])
                .status()
        });
        passed &= match status {
            Ok(status) if status.success() => true,
            Ok(status) => {
                explain(target, status);
                false
            }
            Err(error) => {
                eprintln!("{}: did not start: {error}", target.name);
                false
            }
        };
    }
    passed
}

/// A target that failed by itself has said so and ended with 1; any other end is the target's death.
fn explain(target: &Target, status: ExitStatus) {
    if status.code() != Some(1) {
        eprintln!("{}: died ({status}); its last input is {}", target.name, last_input(target).display());
    }
}

/// Mutates inputs of one target until the time is over or one fails.
fn hunt(target: &'static Target, options: &Options) -> bool {
    let last = last_input(target);
    let seeds = match seeds(target) {
        Ok(seeds) => seeds,
        Err(error) => {
            eprintln!("{}: {error}", target.name);
            return false;
        }
    };
    let mut fuzzer = match Fuzzer::new(target, seeds, options.seed, &last) {
        Ok(fuzzer) => fuzzer,
        Err(error) => {
            eprintln!("{}: {}: {error}", target.name, last.display());
            return false;
        }
    };
    let watch = fuzzer.watch(Duration::from_secs(INPUT_SECONDS_MAX));
    let end = Instant::now() + Duration::from_secs(options.seconds);
    let outcome = fuzzer.run(|| Instant::now() < end);
    watch.stop();
    println!(
        "{}: {} inputs, {} kinds of answer, {} inputs kept",
        target.name,
        fuzzer.tried(),
        fuzzer.traits(),
        fuzzer.kept()
    );
    match outcome {
        Outcome::Held => {
            // Nothing to keep: what is left there is no failure.
            std::fs::remove_file(&last).ok();
            true
        }
        Outcome::Failed { input, message } => {
            let path = last.with_file_name(format!("{}-{:016x}", target.name, engine::digest(&input)));
            match std::fs::write(&path, &input) {
                Ok(()) => eprintln!("{}: {message}\n  input: {}", target.name, path.display()),
                Err(error) => eprintln!("{}: {message}\n  {}: {error}", target.name, path.display()),
            }
            false
        }
    }
}

/// Runs one stored input.
fn again(target: &Target, input: &Path) -> bool {
    match std::fs::read(input) {
        Ok(bytes) => match run_one(target, &bytes) {
            Ok(found) => {
                println!("{}: holds, trait {found}", target.name);
                true
            }
            Err(panic) => {
                eprintln!("{}: {}", target.name, failure(&*panic));
                false
            }
        },
        Err(error) => {
            eprintln!("{}: {error}", input.display());
            false
        }
    }
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn last_input(target: &Target) -> PathBuf {
    folder("artifacts").join(format!("{}.last", target.name))
}

fn seeds(target: &Target) -> Result<Vec<Vec<u8>>, String> {
    let folder = folder("seeds").join(target.name);
    let say = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(say)? {
        paths.push(entry.map_err(say)?.path());
    }
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).map_err(say)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_of_every_target_holds() {
        for target in targets::all() {
            let seeds = seeds(target).unwrap();
            assert!(!seeds.is_empty(), "{}: no seeds", target.name);
            for seed in seeds {
                assert!(run_one(target, &seed).is_ok(), "{}: {seed:?}", target.name);
            }
        }
        targets::clean_up();
    }
}
