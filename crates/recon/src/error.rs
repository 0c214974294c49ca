//! What can go wrong in a run. Bad rows are not errors here: they are rejected, counted and kept.

use crate::invariants::Violation;
use crate::layout::LayoutError;
use crate::source::SourceError;
use std::path::PathBuf;

/// Why a run gave no result.
#[derive(Debug, thiserror::Error)]
pub enum ReconError {
    /// An input cannot be opened or read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The rules do not fit an input.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The header of a file cannot be used.
    #[error("{file}: {message}")]
    Header {
        /// The file.
        file: String,
        /// What is wrong.
        message: String,
    },
    /// A file could not be read or written.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// An input is not what it was when the run began.
    #[error("{file} changed while it was read; run again when it is complete")]
    Changed {
        /// The file.
        file: String,
    },
    /// A row is longer than the reader's limit.
    #[error(
        "{file}: a row at byte {offset} is longer than {limit} bytes; is a quote left open, or is this not delimited text?"
    )]
    RowTooLong {
        /// The file.
        file: String,
        /// Where the row starts.
        offset: u64,
        /// The limit.
        limit: usize,
    },
    /// A file of open items cannot be used.
    #[error("{file}: {message}")]
    OpenItems {
        /// The file.
        file: String,
        /// What is wrong.
        message: String,
    },
    /// The outcome could not be written.
    #[error(transparent)]
    Report(#[from] crate::report::ReportError),
    /// There are more differences than the caller wants to know.
    #[error("more than {most} differences; stopped")]
    TooManyDifferences {
        /// The caller's limit.
        most: u64,
    },
    /// The caller asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// The engine's own proof failed. Nothing is reported; this is a bug.
    #[error("the result does not prove itself, so nothing is reported: {0}")]
    Invariant(#[from] Violation),
    /// The memory limit is below what any plan needs.
    #[error(
        "the memory limit of {limit} bytes is too small; the least for {threads} threads is {least} bytes"
    )]
    MemoryTooSmall {
        /// What was allowed.
        limit: usize,
        /// Worker threads.
        threads: usize,
        /// What is needed.
        least: usize,
    },
    /// A fault test stopped the run dead.
    #[error("stopped dead by a fault test")]
    Killed,
    /// The state to resume from does not fit this run.
    #[error("cannot resume from {}: {message}", path.display())]
    Resume {
        /// The state's folder.
        path: PathBuf,
        /// Why not.
        message: String,
    },
    /// A file taken for unquoted has quotes; the scan starts again in a mode that heeds them.
    #[error("quotes in input {input}")]
    QuotesSeen {
        /// Index of the input.
        input: usize,
    },
}

impl ReconError {
    /// Makes a function that wraps an operating system error with what was tried and where.
    pub(crate) fn io(
        what: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> ReconError {
        let path = path.into();
        move |source| ReconError::Io { what, path, source }
    }
}
