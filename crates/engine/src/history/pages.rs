//! Pages of runs out of the store.

use suanpan_ledger::history::{PageSource, RunId};
use suanpan_store::{History, StoreError};

/// Gives pages of the runs of a store.
pub(super) struct Pages<'a> {
    store: &'a dyn History,
}

impl<'a> Pages<'a> {
    pub(super) fn new(store: &'a dyn History) -> Pages<'a> {
        Pages { store }
    }
}

impl PageSource for Pages<'_> {
    type Page = Vec<u8>;
    type Error = StoreError;

    fn page(&mut self, run: RunId, index: u32) -> Result<Vec<u8>, StoreError> {
        let found = self.store.pages(run.0, &[index])?;
        found.and_then(|pages| pages.into_iter().next()).ok_or_else(|| StoreError::Unavailable {
            at: format!("page {index} of run {}", run.0),
            reason: "the run was merged into another meanwhile".to_owned(),
        })
    }
}
