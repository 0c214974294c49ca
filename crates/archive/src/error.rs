//! What can go wrong with an archive.

use parquet::errors::ParquetError;
use std::path::PathBuf;

/// See the variants. Nothing is ever changed in an archive by an operation that failed.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The system refused something.
    #[error("{}: {source}", path.display())]
    Io {
        /// What it was about.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is no Parquet file, or could not be written as one.
    #[error("{}: {source}", path.display())]
    Parquet {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: ParquetError,
    },
    /// `archive.json` is none, or of a newer version.
    #[error("{}: {reason}", path.display())]
    Manifest {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The archive is of other books.
    #[error("{}: this is the archive of cell {found}, not of cell {wanted}", path.display())]
    OtherCell {
        /// The folder.
        path: PathBuf,
        /// The cell in the archive.
        found: u32,
        /// The cell asked for.
        wanted: u32,
    },
    /// A record does not follow the one before it: archive and store are of different histories, or one of
    /// them was changed.
    #[error("record {seq} does not continue the archive: {reason}")]
    Fork {
        /// Which record.
        seq: u64,
        /// How that shows.
        reason: String,
    },
    /// A file is not what it was when it was archived.
    #[error("{}: {reason}", path.display())]
    Changed {
        /// Which file.
        path: PathBuf,
        /// How that shows.
        reason: String,
    },
}

impl ArchiveError {
    /// Returns a name for programs, which never changes.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            ArchiveError::Io { .. } => "archive_io",
            ArchiveError::Parquet { .. } => "archive_parquet",
            ArchiveError::Manifest { .. } => "archive_manifest",
            ArchiveError::OtherCell { .. } => "archive_other_cell",
            ArchiveError::Fork { .. } => "archive_fork",
            ArchiveError::Changed { .. } => "archive_changed",
        }
    }
}
