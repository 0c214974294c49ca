//! The journal as Parquet files: to be kept for years, read by any tool, and proved without the store.
//!
//! An archive is a folder. Each stretch of the journal is a pair of files: `records-A-B.parquet` has the records A to B
//! as they were committed, byte for byte; `lines-A-B.parquet` has what is in them in plain columns, a row for each line
//! of an entry. `archive.json` lists the files with their BLAKE3 digests, and says with which hash of the chain each
//! stretch begins and ends. A stretch is in that list only once its files are on the disk, so an interrupted run leaves
//! the archive as it was.
//!
//! [`check`] reads an archive alone: digests, the chain from the first record on, and each line against the
//! record that it was taken from.

mod check;
mod columns;
mod error;
pub mod limits;
mod manifest;
mod write;

pub use check::{Checked, check};
pub use error::ArchiveError;
pub use manifest::{Manifest, NamedFile, Stretch};
pub use write::{Archive, Committed, StretchWriter};
