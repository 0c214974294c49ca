//! Measures roots over small leaves, and the index of ids: sealing, merging, looking up.
//!
//! `cargo run --release -p suanpan-ledger --example merkle_rate`
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program for the terminal")]
#![allow(clippy::float_arithmetic, reason = "figures for people, no money")]

use std::{collections::BTreeMap, convert::Infallible, time::Instant};
use suanpan_ledger::{
    history::{PageSource, RunId},
    ids::{IdMerge, IdRow, IdRun, What, find, seal_ids},
    merkle::root,
};

const ENTRIES: u64 = 262_144;
const BATCH: usize = 8_190;

#[derive(Default)]
struct Memory(BTreeMap<RunId, Vec<Vec<u8>>>, usize);

impl PageSource for Memory {
    type Page = Vec<u8>;
    type Error = Infallible;

    fn page(&mut self, run: RunId, index: u32) -> Result<Vec<u8>, Infallible> {
        self.1 += 1;
        Ok(self.0[&run][index as usize].clone())
    }
}

fn main() {
    for size in [32, 48, 63, 64, 100, 127] {
        let leaves: Vec<Vec<u8>> = (0..BATCH).map(|at| vec![at as u8; size]).collect();
        let begun = Instant::now();
        let mut last = [0; 32];
        for _ in 0..100 {
            last = root(leaves.iter().map(Vec::as_slice));
        }
        let rate = 100.0 * BATCH as f64 / begun.elapsed().as_secs_f64();
        println!("root over {BATCH} leaves of {size} bytes: {:.2} M leaves/s ({:02x})", rate / 1e6, last[0]);
    }
    for (name, id) in [("growing", growing as fn(u64) -> u128), ("random", random)] {
        ids(name, id);
    }
}

fn mixed(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

/// Like UUIDs of version 7 at half a million in a second.
fn growing(number: u64) -> u128 {
    (u128::from(1_700_000_000_000 + number / 500) << 80) | u128::from(mixed(number))
}

fn random(number: u64) -> u128 {
    (u128::from(mixed(number + 1)) << 64) | u128::from(mixed(number + (1 << 60)))
}

fn ids(name: &str, id: fn(u64) -> u128) {
    let (mut memory, mut runs) = (Memory::default(), Vec::new());
    let mut sealing = std::time::Duration::ZERO;
    for run in 0..16 {
        let range = run * ENTRIES..(run + 1) * ENTRIES;
        let rows =
            range.clone().map(|ordinal| IdRow { id: id(ordinal), ordinal, what: What::Entry }).collect();
        let begun = Instant::now();
        let mut pages = Vec::new();
        runs.push(seal_ids(RunId(run), (range.start, range.end), rows, |page| pages.push(page)).unwrap());
        sealing += begun.elapsed();
        memory.0.insert(RunId(run), pages);
    }
    let begun = Instant::now();
    let olds: Vec<IdRun> = runs.drain(..8).collect();
    let mut merge = IdMerge::new(RunId(99), olds).unwrap();
    let mut pages = Vec::new();
    while let Some(page) = merge.next_page(&mut memory).unwrap() {
        pages.push(page);
    }
    let merged = merge.finish().unwrap();
    let (rows, bytes) = (merged.rows as f64, merged.bytes() as f64);
    let merging = rows / begun.elapsed().as_secs_f64() / 1e6;
    memory.0.insert(RunId(99), pages);
    runs.insert(0, merged);
    println!(
        "ids, {name}: seal {:.1} M/s, merge {merging:.1} M/s, {:.1} bytes/id",
        16.0 * ENTRIES as f64 / sealing.as_secs_f64() / 1e6,
        bytes / rows
    );
    runs.iter_mut().for_each(|run| run.load_filters(&mut memory).unwrap());
    for (what, from) in [("absent", 1 << 40), ("present, old", 1_000)] {
        let ids: Vec<u128> = (from..from + BATCH as u64).map(id).collect();
        memory.1 = 0;
        let begun = Instant::now();
        let found = find(&ids, runs.iter().rev(), &mut memory).unwrap().iter().flatten().count();
        println!(
            "  {BATCH} ids {what}: {found} found in {:.2} ms, {} pages of {} runs",
            begun.elapsed().as_secs_f64() * 1e3,
            memory.1,
            runs.len()
        );
    }
}
