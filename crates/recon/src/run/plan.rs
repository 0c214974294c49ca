//! How a run goes about its work: chosen from sizes and the memory limit, never from what would
//! change an outcome.

use super::Options;
use crate::error::ReconError;
use crate::input::{Access, Input, TextFormat};
use crate::rule::PassKind;
use crate::store::{LOC_MAX, PARTITION_BITS_MAX, Shape};
use serde::{Deserialize, Serialize};

/// Ways to find the rows that need a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// All rows in compact partitions in memory; on disk what does not fit.
    Memory,
    /// A sketch of the difference first, then a second reading for the keys that it names. Falls
    /// back to [`Strategy::Spill`] when there are more differences than the sketch bears.
    Sketch,
    /// Compact partitions within a small memory, most of them on disk.
    Spill,
    /// Every row in full, through the passes alone.
    Full,
}

/// Rows and bytes as far as they can be told before reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Estimate {
    /// Bytes of all inputs as stored.
    pub bytes: u64,
    /// Rows of both sides.
    pub rows: u64,
}

/// The plan of a run, as written to `plan.json`.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// What was planned.
    pub strategy: Strategy,
    /// What was done in the end, when the plan had to change.
    pub done: Strategy,
    /// Why, in sentences.
    pub reasons: Vec<String>,
    /// Sizes as estimated.
    pub estimate: Estimate,
    /// Bits of the key hash by which rows are partitioned.
    pub partition_bits: u32,
    /// Worker threads.
    pub threads: usize,
    /// Instructions used.
    pub kernel: &'static str,
    /// The memory limit.
    pub memory_bytes: usize,
    /// Bytes for records in full before they go to disk.
    pub pool_bytes: usize,
    /// Cells of a sketch.
    pub sketch_cells: usize,
    /// Most rows of a table of classes at a time.
    pub table_rows_max: usize,
    /// Rows of one key above which it is treated as hot.
    pub hot_rows: u64,
    /// Keys that did not agree.
    pub dirty_keys: u64,
    /// Of these, hot ones.
    pub hot_keys: u64,
    /// Buckets of keys that were compared by fingerprint.
    pub buckets: u64,
    /// Buckets that did not agree.
    pub dirty_buckets: u64,
    /// Files of compact rows written to disk.
    pub run_files: u64,
    /// Partitions that needed more than one round.
    pub extra_rounds: u64,
    /// What the memory limit leaves for rows and records.
    #[serde(skip)]
    usable_bytes: usize,
}

/// What a run learned on the way.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) dirty_keys: u64,
    pub(crate) hot_keys: u64,
    pub(crate) buckets: u64,
    pub(crate) dirty_buckets: u64,
    pub(crate) run_files: u64,
    pub(crate) extra_rounds: u64,
    pub(crate) sketch_failed: bool,
}

/// Memory that a process needs before any data: code, stacks, readers.
const BASE_BYTES: usize = 10 << 20;
/// Buffers of one worker: text, positions, batch.
const WORKER_BYTES: usize = 3 << 20;
/// Buffers of one worker that writes a report: a batch of rows, and these in each form.
const REPORT_WORKER_BYTES: usize = 28 << 20;
/// The least room of one worker for rows and records.
const WORKER_USABLE_BYTES_MIN: usize = 1 << 20;
/// A sketch of this many cells stays in a core's second-level cache.
const CELLS_IN_CACHE: usize = 48 << 10;
/// Rows of a partition, both sides: its tables stay in the second-level cache.
const PARTITION_ROWS: u64 = 24 << 10;

/// Compact rows beyond this go through files even where memory would hold them: taking fresh memory
/// from the system costs more than writing to and reading from its page cache (measured: decision 0005).
const IN_MEMORY_BYTES_MAX: usize = 256 << 20;
/// The most memory for compact rows on their way to files.
const SPILL_STORE_BYTES_MAX: usize = 16 << 20;

fn spill_store_bytes(usable: usize) -> usize {
    (usable / 3).min(SPILL_STORE_BYTES_MAX)
}

/// Returns how many bytes may be written to a folder's disk; nothing where that cannot be told.
fn disk_room(folder: &std::path::Path) -> u64 {
    rustix::fs::statvfs(folder).map_or(0, |s| s.f_bavail.saturating_mul(s.f_frsize))
}

/// Returns the least memory limit that so many threads can work within.
#[must_use]
pub const fn least_memory_bytes(threads: usize) -> usize {
    fixed_bytes(threads).saturating_add(threads.saturating_mul(WORKER_USABLE_BYTES_MIN))
}

/// Memory that is not for rows and records.
const fn fixed_bytes(threads: usize) -> usize {
    BASE_BYTES.saturating_add(threads.saturating_mul(WORKER_BYTES))
}

/// Returns the most threads that can work within a memory limit, at least one.
#[must_use]
pub const fn threads_within(memory_bytes: usize) -> usize {
    let threads = memory_bytes.saturating_sub(BASE_BYTES) / (WORKER_BYTES + WORKER_USABLE_BYTES_MIN);
    if threads == 0 { 1 } else { threads }
}

/// Returns with how many of `threads` a report is best written within a memory limit, at least one.
#[must_use]
pub const fn report_threads(memory_bytes: usize, threads: usize) -> usize {
    let within = memory_bytes.saturating_sub(BASE_BYTES) / REPORT_WORKER_BYTES;
    if within == 0 {
        1
    } else if within < threads {
        within
    } else {
        threads
    }
}

/// Checks a memory limit, and returns what it leaves for rows and records.
///
/// # Errors
/// [`ReconError::MemoryTooSmall`] names the least.
pub fn usable_bytes(memory_bytes: usize, threads: usize) -> Result<usize, ReconError> {
    let least = least_memory_bytes(threads);
    if memory_bytes < least {
        return Err(ReconError::MemoryTooSmall { limit: memory_bytes, threads, least });
    }
    Ok(memory_bytes - fixed_bytes(threads))
}

impl Plan {
    /// Makes a plan, or says that the memory limit is below what any plan needs.
    pub(crate) fn new(options: &Options, inputs: &[Input]) -> Result<Plan, ReconError> {
        let threads = options.threads.max(1);
        let estimate = estimate(inputs);
        let usable = usable_bytes(options.memory_bytes, threads)?;
        let wanted_bits = (estimate.rows / PARTITION_ROWS).checked_ilog2().map_or(0, |b| b + 1);
        // Each partition keeps one open block a side and thread.
        let block_cost = threads * 2 * crate::arena::BLOCK * 3;
        let affordable = |bytes: usize| (bytes / block_cost).checked_ilog2().unwrap_or(0);
        let bits = wanted_bits.min(affordable(usable / 4)).min(PARTITION_BITS_MAX);
        let entry_bytes = estimate.rows as usize * 16 + estimate.rows as usize / 2 + (block_cost << bits);
        let exact = matches!(options.rules.passes.first().map(|p| &p.kind), Some(PassKind::Exact { .. }));
        let mut reasons = Vec::new();
        let chosen = if !exact || options.matched {
            reasons.push(if exact {
                "matched records were asked for, so every row is looked at in full".to_owned()
            } else {
                "the first pass is not `exact`, so every row is looked at in full".to_owned()
            });
            Strategy::Full
        } else {
            let fits = entry_bytes + usable / 10 <= usable;
            let room = disk_room(&options.work_dir);
            let mib = entry_bytes >> 20;
            if fits && (entry_bytes <= IN_MEMORY_BYTES_MAX || room < 2 * entry_bytes as u64) {
                reasons.push(format!("about {mib} MiB of compact rows fit in memory"));
                Strategy::Memory
            } else if room >= 2 * entry_bytes as u64 || options.rules.flag_duplicates_on_both_sides {
                reasons.push(format!(
                    "about {mib} MiB of compact rows go through files: a small memory stays fast"
                ));
                Strategy::Spill
            } else {
                reasons.push(format!(
                    "about {mib} MiB of compact rows have no room in memory or on disk, so a sketch of the difference comes first"
                ));
                Strategy::Sketch
            }
        };
        let strategy = match options.strategy {
            Some(asked) if chosen != Strategy::Full => {
                reasons.push("this strategy was asked for".to_owned());
                asked
            }
            _ => chosen,
        };
        // Files are cut from a small store, whose open blocks must fit in it.
        let bits =
            if strategy == Strategy::Spill { bits.min(affordable(spill_store_bytes(usable))) } else { bits };
        let in_memory = if strategy == Strategy::Memory { entry_bytes } else { usable / 4 };
        let pool_bytes = (usable.saturating_sub(in_memory) / 2).clamp(64 << 10, 8 << 30);
        let cells = (usable / 4 / threads / 32).clamp(300, CELLS_IN_CACHE);
        Ok(Plan {
            strategy,
            done: strategy,
            reasons,
            estimate,
            partition_bits: bits,
            threads,
            kernel: options.kernel.name(),
            memory_bytes: options.memory_bytes,
            pool_bytes,
            sketch_cells: cells,
            table_rows_max: (usable / 4 / threads / 24).clamp(512, 1 << 26),
            hot_rows: 65_536,
            dirty_keys: 0,
            hot_keys: 0,
            buckets: 0,
            dirty_buckets: 0,
            run_files: 0,
            extra_rounds: 0,
            usable_bytes: usable,
        })
    }

    pub(crate) fn shape(&self) -> Shape {
        Shape { bits: self.partition_bits }
    }

    /// Returns how much memory compact rows may take. A state to resume from says how many partitions
    /// there are, so a run with a smaller limit may not have room for them.
    pub(crate) fn store_bytes(&self, strategy: Strategy) -> Result<usize, ReconError> {
        let open_blocks = self.threads * self.shape().partitions() * 2 * crate::arena::BLOCK;
        let needed = open_blocks + open_blocks / 16;
        if needed > self.usable_bytes / 2 {
            let least = fixed_bytes(self.threads) + 2 * needed;
            return Err(ReconError::MemoryTooSmall {
                limit: self.memory_bytes,
                threads: self.threads,
                least,
            });
        }
        let usable = self.usable_bytes;
        let wanted =
            if strategy == Strategy::Memory { usable - usable / 12 } else { spill_store_bytes(usable) };
        Ok(wanted.max(needed))
    }

    /// Notes what a run learned.
    pub(crate) fn note(&mut self, done: Strategy, notes: &Notes) {
        if notes.sketch_failed {
            self.reasons.push(
                "the sketch could not bear the differences, so all rows were partitioned on disk".to_owned(),
            );
        }
        self.done = done;
        self.dirty_keys = notes.dirty_keys;
        self.hot_keys = notes.hot_keys;
        self.buckets = notes.buckets;
        self.dirty_buckets = notes.dirty_buckets;
        self.run_files = notes.run_files;
        self.extra_rounds = notes.extra_rounds;
    }
}

/// Estimates rows from the mean length of the first rows of each plain file; compressed text is taken
/// to be a fifth of its content.
fn estimate(inputs: &[Input]) -> Estimate {
    let mut estimate = Estimate { bytes: 0, rows: 0 };
    for input in inputs {
        estimate.bytes += input.bytes;
        estimate.rows += match (&input.access, &input.format) {
            (Access::RowGroups { rows }, _) => rows.iter().sum(),
            (Access::Plain { .. }, _) => input.bytes / input.row_bytes_mean.max(1),
            (Access::Stream, TextFormat::Parquet) => 0,
            (Access::Stream, _) => input.bytes * 5 / input.row_bytes_mean.max(1),
        };
    }
    estimate
}

impl Plan {
    /// Returns the plan in a sentence, for people.
    #[must_use]
    pub fn sentence(&self) -> String {
        let done = match self.done {
            Strategy::Memory => "compact rows in memory",
            Strategy::Sketch => "a sketch of the difference, then a second reading",
            Strategy::Spill => "compact rows, most of them on disk",
            Strategy::Full => "every row in full",
        };
        let parts = 1_u64 << self.partition_bits;
        format!(
            "{done}; {parts} parts, {} threads, {} instructions; {}",
            self.threads,
            self.kernel,
            self.reasons.join("; ")
        )
    }
}

/// Says whether every row of a side can be read by its location.
pub(crate) fn by_location(inputs: &[Input], side: crate::record::Side) -> bool {
    let own: Vec<&Input> = inputs.iter().filter(|i| i.side == side).collect();
    let bytes: u64 = own.iter().map(|i| i.base + i.locations()).max().unwrap_or(0);
    bytes <= LOC_MAX && own.iter().all(|i| i.by_location())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_fit_into_the_memory_that_they_are_told_to_fit_into() {
        for threads in 1..2_000 {
            let least = least_memory_bytes(threads);
            assert!(usable_bytes(least, threads).is_ok());
            assert!(matches!(
                usable_bytes(least - 1, threads),
                Err(ReconError::MemoryTooSmall { least: named, .. }) if named == least
            ));
            assert_eq!(threads_within(least), threads);
            // The fewest partitions have room in the store.
            let blocks = threads * Shape { bits: 0 }.partitions() * 2 * crate::arena::BLOCK;
            assert!(blocks + blocks / 16 <= usable_bytes(least, threads).unwrap() / 2);
        }
        for memory in (0..4_096).map(|mib| mib << 20) {
            let threads = threads_within(memory);
            assert!(threads == 1 || least_memory_bytes(threads) <= memory, "{memory}");
        }
    }
}
