//! The books and objects of a cell, in SQLite or PostgreSQL: all SQL stands here.
//!
//! [`open`] takes a path or an address and gives a [`Database`], which hands out three things:
//!
//! - one [`Store`], the writer: it takes the lease of the cell and writes one [`commit::Commit`] after the
//!   other, each in one transaction;
//! - a [`Read`] that many threads share;
//! - the [`History`], sorted runs of entries that are made from the journal behind the commits.
//!
//! What always holds, whatever the database is:
//!
//! - A commit is written in whole or not at all, and only while the cell stands exactly where the writer
//!   believes it to stand: same cell, same epoch, same sequence number and hash. No clock is trusted for it.
//! - Journal records are never changed or deleted, nothing of a cell goes back; the database refuses it too.
//! - A commit whose end is not known is called [`commit::CommitError::Unknown`], never done and never failed.

pub mod commit;
mod dialect;
mod error;
pub mod events;
mod history;
mod limits;
mod migrations;
mod open;
mod plan;
mod pool;
mod postgres;
mod read;
mod seam;
mod source;
mod sql;
mod sqlite;
mod words;
mod writer;

pub use error::StoreError;
pub use limits::{
    BYTES_PER_BODY, BYTES_PER_KEY, BYTES_PER_RECORD, PAGES_PER_COMMIT, ROWS_PER_ANSWER, ROWS_PER_COMMIT,
};
pub use open::{Database, open};
pub use seam::{
    Cursor, EventListing, History, Kept, Listing, Mark, NewRun, Objects, Read, Record, Run, RunKind, Sizes,
    Standing, Store,
};
pub use sqlite::{Restored, restore};
