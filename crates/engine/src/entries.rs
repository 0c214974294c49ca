//! Entries of the journal by their ids.

use crate::command::Refused;
use crate::engine::Engine;
use crate::history::HistoryReadError;
use suanpan_ledger::entry::EntryId;

impl Engine {
    /// Returns the number of the entry with an id, from 0; none when there is no such entry.
    ///
    /// # Errors
    /// When this process does not write, or the index of ids cannot be read.
    pub async fn entry_by_id(&self, id: EntryId) -> Result<Result<Option<u64>, HistoryReadError>, Refused> {
        // The book first: an entry that it forgets meanwhile is in the index by then.
        let ask = move |book: &suanpan_ledger::book::Book| (book.ordinal(id), book.remembered_from());
        let ((remembered, from), _) = self.query(ask).await?;
        if remembered.is_some() {
            return Ok(Ok(remembered));
        }
        let history = self.history().clone();
        let asked = tokio::task::spawn_blocking(move || history.known(&[id], from)).await;
        let known = asked.map_err(|error| Refused::Unavailable(error.to_string()))?;
        Ok(known.map(|known| known.get(id).map(|stored| stored.ordinal)))
    }
}
