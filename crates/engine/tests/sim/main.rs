//! Thousands of runs of the core over a store that breaks, each decided by an auditor.
//!
//! A seed that fails is repeated, step by step, with
//! `cargo run -p suanpan-engine --example sim -- --seed 7`.

#[path = "simulate.rs"]
mod simulate;

use simulate::{Lie, Outcome, Run, run};
use std::time::Instant;

/// Seeds that are run each time.
const SEEDS: u64 = 2_000;

fn quiet(seed: u64) -> Run {
    Run { seed, lie: None, loud: false }
}

/// Runs seeds on two threads and returns what each came to.
fn runs(seeds: std::ops::Range<u64>) -> Vec<(u64, Result<Outcome, String>)> {
    let some = |odd: u64| {
        let seeds = seeds.clone().filter(move |seed| seed % 2 == odd);
        std::thread::spawn(move || seeds.map(|seed| (seed, run(quiet(seed)))).collect::<Vec<_>>())
    };
    let halves = [some(0), some(1)];
    halves.into_iter().flat_map(|half| half.join().expect("a run panicked")).collect()
}

#[test]
fn nothing_acknowledged_is_lost_doubled_or_made_up() {
    let first = std::env::var("SUANPAN_SIM_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    let count = std::env::var("SUANPAN_SIM_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(SEEDS);
    let began = Instant::now();
    let mut sum = Outcome::default();
    let mut failed = Vec::new();
    for (seed, outcome) in runs(first..first + count) {
        match outcome {
            Ok(outcome) => {
                sum.summary.acks += outcome.summary.acks;
                sum.summary.entries += outcome.summary.entries;
                sum.summary.records += outcome.summary.records;
                sum.summary.intents += outcome.summary.intents;
                sum.summary.combined += outcome.summary.combined;
                sum.crashes += outcome.crashes;
                sum.fences += outcome.fences;
                sum.forks += outcome.forks;
            }
            Err(why) => failed.push(format!("seed {seed}: {why}")),
        }
    }
    let took = began.elapsed();
    println!("{count} seeds in {:.1} s: {sum:?}", took.as_secs_f64());
    assert!(
        failed.is_empty(),
        "{} of {count} seeds failed:\n{}",
        failed.len(),
        failed[..failed.len().min(10)].join("\n")
    );
    // A simulator that does nothing finds nothing.
    assert!(sum.summary.acks > 20 * count && sum.summary.intents > count && sum.summary.entries > 10 * count);
    assert!(sum.summary.combined > count / 10, "{sum:?}");
    assert!(sum.crashes > count && sum.fences > count / 20 && sum.forks > count / 20, "{sum:?}");
}

#[test]
fn a_seed_is_repeated_exactly() {
    for seed in [3, 77, 1_234] {
        let (one, two) = (run(quiet(seed)).unwrap_or_default(), run(quiet(seed)).unwrap_or_default());
        assert_eq!(format!("{one:?}"), format!("{two:?}"));
        assert_ne!(one.digest, 0);
    }
}

/// Returns how many of some seeds find a store out that lies.
fn found(lie: Lie) -> usize {
    // What the engine itself asserts counts as found: it panics, and the process would end.
    let caught = |seed| {
        let run = std::panic::catch_unwind(move || run(Run { seed, lie: Some(lie), loud: false }));
        !matches!(run, Ok(Ok(_)))
    };
    (0..60).filter(|&seed| caught(seed)).count()
}

#[test]
fn a_store_without_a_fence_is_found_out() {
    assert!(found(Lie::NoFence) > 5);
}

#[test]
fn a_store_that_acknowledges_before_it_commits_is_found_out() {
    assert!(found(Lie::NotDone) > 20);
}

#[test]
fn a_store_that_does_not_find_kept_answers_is_found_out() {
    assert!(found(Lie::NoAnswers) > 20);
}

#[test]
fn a_store_that_loses_rows_is_found_out() {
    assert!(found(Lie::LosesAccounts) > 20);
}
