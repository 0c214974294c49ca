//! Why the store did not do what it was asked for.

use crate::commit::CommitError;

/// Why the store did not do what it was asked for. Every text says where, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The address of the database cannot be used.
    #[error("{address}: {reason}")]
    Address {
        /// The address, without its password.
        address: String,
        /// What is wrong with it, and what would be right.
        reason: String,
    },
    /// There is something else at this place.
    #[error("{at} holds something else: {found}; give another place, or move this away")]
    Foreign {
        /// The place.
        at: String,
        /// What was found.
        found: String,
    },
    /// A newer version of this program has been here.
    #[error("{at} has schema {found}, this program knows schemas up to {known}; use the newer program")]
    Newer {
        /// The place.
        at: String,
        /// The schema found.
        found: i64,
        /// The newest schema that is known here.
        known: i64,
    },
    /// The schema could not be brought up to date.
    #[error("{at}: the schema could not be brought up to date, and is as it was: {reason}")]
    Migration {
        /// The place.
        at: String,
        /// What the database said.
        reason: String,
    },
    /// The database is set up so that what it acknowledges may be lost.
    #[error("{at}: {setting} is {found}: acknowledged commits could be lost; set it to {wanted}")]
    Unsafe {
        /// The place.
        at: String,
        /// The setting.
        setting: &'static str,
        /// How it is set.
        found: String,
        /// How it must be set.
        wanted: &'static str,
    },
    /// The database holds another cell than the one asked for.
    #[error(
        "{at} holds cell {stored}, not cell {asked}; start with --cell {stored} or with another database"
    )]
    OtherCell {
        /// The place.
        at: String,
        /// The cell it holds.
        stored: u32,
        /// The cell asked for.
        asked: u32,
    },
    /// Somebody else holds the lease, and it has not expired.
    #[error("cell {cell} is held by {holder} for {left_ms} ms more; stop it, or wait")]
    Held {
        /// The cell.
        cell: u32,
        /// Who holds it.
        holder: String,
        /// How long it is still good for, milliseconds.
        left_ms: u64,
    },
    /// Another holder has the lease: this one must never write again.
    #[error("the lease on cell {cell} was lost: epoch {held} was held, {stored} is stored")]
    Fenced {
        /// The cell.
        cell: u32,
        /// The epoch of this holder.
        held: u64,
        /// The epoch that is stored.
        stored: u64,
    },
    /// The database does not answer as it should; trying again later may help.
    #[error("{at}: {reason}")]
    Unavailable {
        /// The place.
        at: String,
        /// What happened.
        reason: String,
    },
    /// The end of a transaction that was sent is not known. It may be asked for again: taking a lease twice
    /// does no harm.
    #[error("{at}: the end of the transaction is not known: {reason}")]
    Unknown {
        /// The place.
        at: String,
        /// What happened.
        reason: String,
    },
    /// What is stored cannot be right: it was damaged, or changed by something else.
    #[error("{at} is damaged: {reason}; restore it from a backup")]
    Damaged {
        /// The place.
        at: String,
        /// What was found.
        reason: String,
    },
    /// More was asked for than is answered at once.
    #[error("{what}: {found} is more than the limit of {max}")]
    TooMuch {
        /// What there is too much of.
        what: &'static str,
        /// How much.
        found: usize,
        /// The limit.
        max: usize,
    },
    /// This kind of database cannot do it by this program.
    #[error("{at}: {reason}")]
    Unsupported {
        /// The place.
        at: String,
        /// What is to be done instead.
        reason: String,
    },
}

impl StoreError {
    /// Returns the stable name of the error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            StoreError::Address { .. } => "store_address",
            StoreError::Foreign { .. } => "store_foreign",
            StoreError::Newer { .. } => "store_newer",
            StoreError::Migration { .. } => "store_migration",
            StoreError::Unsafe { .. } => "store_unsafe",
            StoreError::OtherCell { .. } => "store_other_cell",
            StoreError::Held { .. } => "store_held",
            StoreError::Fenced { .. } => "store_fenced",
            StoreError::Unavailable { .. } => "store_unavailable",
            StoreError::Unknown { .. } => "store_unknown",
            StoreError::Damaged { .. } => "store_damaged",
            StoreError::TooMuch { .. } => "store_too_much",
            StoreError::Unsupported { .. } => "store_unsupported",
        }
    }

    /// Says whether the same may succeed a little later.
    #[must_use]
    pub const fn retryable(&self) -> bool {
        matches!(self, StoreError::Held { .. } | StoreError::Unavailable { .. } | StoreError::Unknown { .. })
    }
}

impl CommitError {
    /// Returns the stable name of the error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            CommitError::Fenced { .. } => "commit_fenced",
            CommitError::Unknown(_) => "commit_unknown",
            CommitError::Unavailable(_) => "commit_unavailable",
            CommitError::Taken { .. } => "commit_taken",
            CommitError::Disagrees(_) => "commit_disagrees",
        }
    }
}

/// A fault before anything was sent to be committed: nothing was written.
impl From<StoreError> for CommitError {
    fn from(error: StoreError) -> CommitError {
        match error {
            StoreError::Fenced { cell, held, stored } => CommitError::Fenced { cell, held, stored },
            StoreError::Damaged { .. } | StoreError::TooMuch { .. } => {
                CommitError::Disagrees(error.to_string())
            }
            _ => CommitError::Unavailable(error.to_string()),
        }
    }
}
