//! The history of each account: what was posted on it, in the order of the journal, with the running sums.
//!
//! History is built behind the commit. New rows go to a [`Tail`] in memory. A full tail is *sealed*: its
//! rows are sorted by account and written as a *run* of pages with a directory. Neighbouring runs are
//! *merged* into larger ones, so that a statement reads a handful of pages however long the journal is.
//! Everything here can be built again from the journal.
//!
//! Words: an *ordinal* is the place of an entry in the whole journal, from 0. A *stamp* says from which
//! ordinal on entries were accepted at which time. A *block* is up to 512 rows of one account that can be
//! read by themselves. Pages carry digests in the directory, the directory carries its own, so that a
//! damaged byte is an error with a place and never a wrong statement.
//!
//! Nothing here does IO: the caller stores pages and gives them back through [`PageSource`].

pub mod block;
pub mod error;
pub mod limits;
pub mod merge;
pub mod page;
pub mod plan;
pub mod query;
pub mod row;
pub mod run;
pub mod seal;
pub mod source;
pub mod stamps;
pub mod tail;

pub(crate) mod bytes;

pub use error::{HistoryError, QueryError};
pub use merge::Merge;
pub use plan::{MergePlan, RunLevel, plan};
pub use query::{Cursor, DatedRow, Order, Range, Statement, StatementQuery, View};
pub use row::{Row, RowKind};
pub use run::Run;
pub use seal::seal;
pub use source::{PageSource, RunId};
pub use tail::Tail;
