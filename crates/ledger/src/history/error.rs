//! What can be wrong with history.

use super::source::RunId;

/// Why history cannot be written or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// A page or directory is not what was written. Build the run again from the journal.
    #[error("run {run}, {place}: {what}", run = run.0, place = Place(*page))]
    Damaged {
        /// The run.
        run: RunId,
        /// The page; none for the directory.
        page: Option<u32>,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A run was written by a newer version of the program.
    #[error("run {run} has version {version}, which this program does not know", run = run.0)]
    UnknownVersion {
        /// The run.
        run: RunId,
        /// Its version.
        version: u16,
    },
    /// A row does not belong where it was pushed.
    #[error("row of entry {ordinal}, where entries {from} to below {end} are expected")]
    OutOfOrder {
        /// Its entry.
        ordinal: u64,
        /// The first entry expected.
        from: u64,
        /// The first entry not expected any more.
        end: u64,
    },
    /// A record is older than the one before it.
    #[error("a record of {at_micros} µs after one of {last_micros} µs")]
    TimeWentBack {
        /// The time of the record, microseconds since the epoch.
        at_micros: i64,
        /// The time of the record before.
        last_micros: i64,
    },
    /// The running sums of a row do not follow from the row before.
    #[error("account {account}, entry {ordinal}: the running sums do not follow from those before")]
    SumsBroken {
        /// The account.
        account: u32,
        /// The entry.
        ordinal: u64,
    },
    /// Runs or tails that should adjoin do not.
    #[error("history has entries up to {end} and goes on with {next}")]
    Gap {
        /// Where the earlier one ends.
        end: u64,
        /// Where the later one begins.
        next: u64,
    },
    /// There is more of something than a limit allows.
    #[error("{count} {what}, more than the limit of {limit}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        count: u64,
        /// The limit.
        limit: u64,
    },
    /// Something was asked of nothing, such as sealing an empty tail.
    #[error("nothing to {what}")]
    Empty {
        /// What was asked.
        what: &'static str,
    },
}

impl HistoryError {
    /// Returns the name of the error, which never changes.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            HistoryError::Damaged { .. } => "history_damaged",
            HistoryError::UnknownVersion { .. } => "history_unknown_version",
            HistoryError::OutOfOrder { .. } => "history_out_of_order",
            HistoryError::TimeWentBack { .. } => "history_time_went_back",
            HistoryError::SumsBroken { .. } => "history_sums_broken",
            HistoryError::Gap { .. } => "history_gap",
            HistoryError::TooMany { .. } => "history_too_many",
            HistoryError::Empty { .. } => "history_empty",
        }
    }
}

/// Why a question could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum QueryError<E> {
    /// The history itself is at fault.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The caller could not give a page.
    #[error("page {page} of run {run} cannot be read", run = run.0)]
    Source {
        /// The run.
        run: RunId,
        /// The page.
        page: u32,
        /// Why.
        source: E,
    },
}

/// What is wrong with some bytes, before it is known where they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damage(pub &'static str);

impl Damage {
    /// Says where the bytes stand.
    #[must_use]
    pub const fn at(self, run: RunId, page: Option<u32>) -> HistoryError {
        HistoryError::Damaged { run, page, what: self.0 }
    }
}

struct Place(Option<u32>);

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(page) => write!(f, "page {page}"),
            None => f.write_str("directory"),
        }
    }
}
