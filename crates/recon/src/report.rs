//! Everything that a run leaves behind: `summary.json`, the tables of breaks, matches, open items and
//! rejected rows, `plan.json` and `report.html`. `docs/reference/output.md` describes each file.
//!
//! Three beats. While the cascade decides, each thread pushes its verdicts into an [`OutcomeSink`],
//! which counts them and keeps their rows in compact form within a memory budget. At the end
//! [`write_tables`] merges all sinks into one order and writes the tables. Then [`Summary`] and the
//! HTML page are made from the counts, which are plain values.
//!
//! The bytes of every file but timings depend on the inputs and rules alone: not on threads, memory
//! budget or plan.

mod breaks;
mod csv;
mod html;
mod in_order;
mod names;
mod parquet;
mod row;
mod sort;
mod staged;
mod summary;
mod tables;
mod tally;

pub use breaks::{Carried, RAW_BYTES_MAX, RejectedRow};
pub use html::{Lang, render_html, write_html};
pub use names::Shape;
pub use staged::OutputFile;
pub use summary::{
    Bridge, BridgeLine, Imbalance, InputFile, Money, MoneyByCurrency, Named, Ordered, OutcomeAmounts,
    OutcomeSummary, Phase, RulesRef, RunFacts, RunVerdict, SUMMARY_SCHEMA, SideFacts, SideSummary, Summary,
};
pub use tables::{RowSample, Written, prepare_output, write_tables};
pub use tally::{AMOUNT_BUCKETS, Class, Days, Outcome, ReportStats, amount_bucket};

use crate::outcome::Verdict;
use crate::record::{RecordId, Records};
use breaks::Tables;
use std::path::{Path, PathBuf};

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file of the output could not be written.
    #[error("cannot write {path}: check that the directory is there, may be written and has room")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Rows could not be put aside on disk.
    #[error("cannot use temporary files in {dir}: check its free room, or give more memory")]
    Spill {
        /// The directory.
        dir: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A Parquet file could not be written.
    #[error("cannot write {path}")]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What the Parquet library says.
        source: ::parquet::errors::ParquetError,
    },
    /// A value could not be written as JSON.
    #[error("cannot write {name} as JSON")]
    Json {
        /// The file.
        name: &'static str,
        /// What the JSON library says.
        source: serde_json::Error,
    },
}

/// How a sink keeps its rows.
#[derive(Debug, Clone)]
pub struct SinkOptions {
    /// Directory for unnamed temporary files, usually the output directory.
    pub spill_dir: PathBuf,
    /// Rows beyond this much memory go to disk.
    pub memory_bytes: usize,
    /// Whether matched records are kept, for `matched.parquet`.
    pub matched: bool,
    /// The business date of the run (days since 1970-01-01): when today's open items were first seen.
    pub run_date: Option<i32>,
}

/// Takes the outcomes of one thread.
#[derive(Debug)]
pub struct OutcomeSink {
    tables: Tables,
    stats: ReportStats,
    memory_bytes: usize,
}

impl OutcomeSink {
    /// Makes an empty sink. All sinks of a run have clones of the same shape.
    #[must_use]
    pub fn new(shape: &Shape, options: &SinkOptions) -> OutcomeSink {
        OutcomeSink {
            tables: Tables::new(shape.clone(), &options.spill_dir, options.run_date, options.matched),
            stats: ReportStats::default(),
            memory_bytes: options.memory_bytes,
        }
    }

    /// Takes a verdict about records of today. Breaks, pending and (where kept) matched records
    /// become rows; all are counted.
    ///
    /// # Errors
    /// When temporary files cannot be written.
    ///
    /// # Panics
    /// On a verdict without records.
    pub fn push(&mut self, records: &Records, verdict: &Verdict) -> Result<(), ReportError> {
        self.push_carried(records, verdict, |_| None)
    }

    /// Takes a verdict whose records may be open items of earlier runs: `carried` says where each
    /// first came from.
    ///
    /// # Errors
    /// When temporary files cannot be written.
    ///
    /// # Panics
    /// On a verdict without records.
    pub fn push_carried<'c>(
        &mut self,
        records: &Records,
        verdict: &Verdict,
        carried: impl Fn(RecordId) -> Option<Carried<'c>>,
    ) -> Result<(), ReportError> {
        self.stats.add(records, verdict);
        self.tables.push(records, verdict, carried)?;
        self.keep_budget()
    }

    /// Takes a row that was refused.
    ///
    /// # Errors
    /// When temporary files cannot be written.
    pub fn reject(&mut self, row: &RejectedRow<'_>) -> Result<(), ReportError> {
        self.stats.add_rejected(row.side);
        self.tables.push_rejected(row)?;
        self.keep_budget()
    }

    /// Returns the counts.
    #[must_use]
    pub fn stats(&self) -> &ReportStats {
        &self.stats
    }

    /// Gives access to the counts, for what is closed in bulk.
    pub fn stats_mut(&mut self) -> &mut ReportStats {
        &mut self.stats
    }

    fn keep_budget(&mut self) -> Result<(), ReportError> {
        if self.tables.bytes() > self.memory_bytes { self.tables.spill() } else { Ok(()) }
    }
}

/// Writes a value as indented JSON into `dir`: `plan.json`, for one.
///
/// # Errors
/// When the value has no JSON form or the file cannot be written.
pub fn write_json(
    dir: &Path,
    name: &'static str,
    value: &impl serde::Serialize,
) -> Result<OutputFile, ReportError> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(|source| ReportError::Json { name, source })?;
    bytes.push(b'\n');
    staged::write_file(dir, name, &bytes)
}

#[cfg(test)]
mod tests;
