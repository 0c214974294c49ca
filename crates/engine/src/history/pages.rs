//! Pages of runs out of the store.

use super::HistoryIndex;
use suanpan_ledger::history::{PageSource, RunId};
use suanpan_store::{History, StoreError};

/// Gives pages of the runs of a store.
pub(super) struct Pages<'a> {
    store: &'a dyn History,
    /// Work that ends when this process does.
    work_of: Option<&'a HistoryIndex>,
}

impl<'a> Pages<'a> {
    /// Serves questions.
    pub(super) fn new(store: &'a dyn History) -> Pages<'a> {
        Pages { store, work_of: None }
    }

    /// Serves work behind the commits, which is broken off when the process ends.
    pub(super) fn for_work(index: &'a HistoryIndex) -> Pages<'a> {
        Pages { store: index.store.as_ref(), work_of: Some(index) }
    }
}

impl PageSource for Pages<'_> {
    type Page = Vec<u8>;
    type Error = StoreError;

    fn page(&mut self, run: RunId, index: u32) -> Result<Vec<u8>, StoreError> {
        let unavailable = |reason: &str| StoreError::Unavailable {
            at: format!("page {index} of run {}", run.0),
            reason: reason.to_owned(),
        };
        if self.work_of.is_some_and(HistoryIndex::is_stopping) {
            return Err(unavailable("this process is ending"));
        }
        let found = self.store.pages(run.0, &[index])?;
        found
            .and_then(|pages| pages.into_iter().next())
            .ok_or_else(|| unavailable("the run was merged into another meanwhile"))
    }
}
