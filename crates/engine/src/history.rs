//! The history of accounts and the index of entry ids, built behind the commits by two threads.
//!
//! The *follower* reads each record as it is committed and puts its lines into the tail in memory. The *sealer*
//! writes full tails as runs and merges runs by levels. Both can fall behind: by a bounded number of records, after
//! which the writer waits; so what is not sealed never outgrows the memory meant for it.

mod follow;
mod pages;
mod seal;

use follow::Follower;
use pages::Pages;
use seal::Sealer;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use suanpan_ledger::account::Balance;
use suanpan_ledger::book::{Known, Resolution, StoredEntry};
use suanpan_ledger::entry::EntryId;
use suanpan_ledger::history::{HistoryError, QueryError, Run, Statement, StatementQuery, Tail, View};
use suanpan_ledger::ids::{Found, IdRun, What, find};
use suanpan_ledger::record::{Record, RecordedEntry};
use suanpan_money::Timestamp;
use suanpan_store::commit::Head;
use suanpan_store::{History, Read, StoreError};

/// Records that may wait for the follower: at most some 30 MB of them.
const RECORDS_WAITING: usize = 64;
/// Full tails that may wait for the sealer, some 35 MB each.
const TAILS_WAITING: usize = 3;

/// Why something of the history cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum HistoryReadError {
    /// The database does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The history is damaged, or the question is.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] suanpan_ledger::error::Error),
    /// The history has not got there yet.
    #[error("the history is {behind} entries behind; try again")]
    Behind {
        /// How many entries are committed and not yet in the history.
        behind: u64,
    },
}

impl From<QueryError<StoreError>> for HistoryReadError {
    fn from(error: QueryError<StoreError>) -> HistoryReadError {
        match error {
            QueryError::History(error) => error.into(),
            QueryError::Source { source, .. } => source.into(),
        }
    }
}

/// What is sealed, and what is not yet.
struct State {
    runs: Vec<Arc<Run>>,
    id_runs: Vec<Arc<IdRun>>,
    /// Full tails that are being sealed, oldest first.
    full: Vec<Arc<Tail>>,
    tail: Tail,
}

enum Feed {
    /// A writer begins: sums of all accounts by number, and where the journal stands.
    Begin {
        sums: Vec<Balance>,
        head: Head,
    },
    Record(Head, Vec<u8>),
    Stop,
}

/// See the head of this file.
pub struct HistoryIndex {
    store: Arc<dyn History>,
    reader: Arc<dyn Read>,
    state: RwLock<State>,
    feed: Mutex<Option<SyncSender<Feed>>>,
    /// Entries before this are found in the index of ids.
    ids_sealed: AtomicU64,
    /// Entries before this are in the history.
    seen: Mutex<u64>,
    seen_more: Condvar,
    /// Entries that are committed.
    committed: AtomicU64,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl HistoryIndex {
    /// Opens the history of a cell and starts its threads. Runs that are of another journal, or damaged, are dropped:
    /// they are built again.
    pub(crate) fn open(
        store: Arc<dyn History>,
        reader: Arc<dyn Read>,
    ) -> Result<Arc<HistoryIndex>, StoreError> {
        let (feed, records) = sync_channel(RECORDS_WAITING);
        let (full, tails) = sync_channel(TAILS_WAITING);
        let index = HistoryIndex::resting(store, reader, Some(feed))?;
        let follower = Follower::new(index.clone(), records, full);
        let sealer = Sealer::new(index.clone(), tails);
        let spawn = |name: &str, work: Box<dyn FnOnce() + Send>| {
            let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work);
            thread.map_err(|error| StoreError::Unavailable { at: name.to_owned(), reason: error.to_string() })
        };
        let threads = vec![
            spawn("follower", Box::new(move || follower.run()))?,
            spawn("sealer", Box::new(move || sealer.run()))?,
        ];
        *index.threads.lock().unwrap_or_else(PoisonError::into_inner) = threads;
        Ok(index)
    }

    /// Opens the history of a cell as it is, to which nobody adds.
    pub(crate) fn without_threads(
        store: Arc<dyn History>,
        reader: Arc<dyn Read>,
    ) -> Result<Arc<HistoryIndex>, StoreError> {
        HistoryIndex::resting(store, reader, None)
    }

    fn resting(
        store: Arc<dyn History>,
        reader: Arc<dyn Read>,
        feed: Option<SyncSender<Feed>>,
    ) -> Result<Arc<HistoryIndex>, StoreError> {
        let state = match sealed_state(store.as_ref(), reader.as_ref())? {
            Ok(state) => state,
            Err(why) => {
                tracing::warn!(why, "the history is dropped and built again from the journal");
                store.clear()?;
                State { runs: Vec::new(), id_runs: Vec::new(), full: Vec::new(), tail: Tail::new(0) }
            }
        };
        let sealed = state.id_runs.last().map_or(0, |run| run.end);
        Ok(Arc::new(HistoryIndex {
            store,
            reader,
            state: RwLock::new(state),
            feed: Mutex::new(feed),
            ids_sealed: AtomicU64::new(sealed),
            seen: Mutex::new(0),
            seen_more: Condvar::new(),
            committed: AtomicU64::new(0),
            threads: Mutex::new(Vec::new()),
        }))
    }

    /// Tells the follower that a writer begins with these books.
    pub(crate) fn begin(&self, sums: Vec<Balance>, head: Head) {
        self.committed.store(head.entries, Ordering::Release);
        self.send(Feed::Begin { sums, head });
    }

    /// Hands over a record that was just committed; waits when too many wait already.
    pub(crate) fn follow(&self, head: Head, record: Vec<u8>) {
        self.committed.store(head.entries, Ordering::Release);
        self.send(Feed::Record(head, record));
    }

    fn send(&self, feed: Feed) {
        let sender = self.feed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(sender) = sender
            && sender.send(feed).is_err()
        {
            tracing::error!("the follower ended; history is not built until the next start");
        }
    }

    /// Ends both threads once they have done what waits.
    pub(crate) fn stop(&self) {
        self.send(Feed::Stop);
        drop(self.feed.lock().unwrap_or_else(PoisonError::into_inner).take());
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            let _ = thread.join();
        }
    }

    /// Returns the number of the first entry whose id is not in the index yet.
    pub(crate) fn ids_sealed(&self) -> u64 {
        self.ids_sealed.load(Ordering::Acquire)
    }

    /// Returns how many entries are committed and not yet in the history.
    #[must_use]
    pub fn lag(&self) -> u64 {
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        self.committed.load(Ordering::Acquire).saturating_sub(seen)
    }

    /// Looks up what the journal holds under ids that the book has forgotten.
    pub(crate) fn known(&self, ids: &[EntryId], remembered_from: u64) -> Result<Known, HistoryReadError> {
        let wanted: Vec<u128> = ids.iter().map(|id| id.0).collect();
        let runs = self.state.read().unwrap_or_else(PoisonError::into_inner).id_runs.clone();
        let newest_first = runs.iter().rev().map(|run| run.as_ref());
        let found = match find(&wanted, newest_first, &mut Pages::new(self.store.as_ref())) {
            // A run was merged while it was read: the new one is in place by now.
            Err(QueryError::Source { .. }) => {
                let runs = self.state.read().unwrap_or_else(PoisonError::into_inner).id_runs.clone();
                let newest_first = runs.iter().rev().map(|run| run.as_ref());
                find(&wanted, newest_first, &mut Pages::new(self.store.as_ref()))?
            }
            other => other?,
        };
        let mut known = Known::new(remembered_from);
        for found in found.into_iter().flatten() {
            if let Some(stored) = self.stored(&found)? {
                known.insert(stored);
            }
        }
        Ok(known)
    }

    fn stored(&self, found: &Found) -> Result<Option<StoredEntry>, HistoryReadError> {
        let Some(ordinal) = found.entry else { return Ok(None) };
        let Some(entry) = self.entry(ordinal)? else { return Ok(None) };
        let resolved = match (found.resolved, found.reversed) {
            (_, Some(_)) => Some(Resolution::Reversed),
            (Some((What::Captured, _)), None) => Some(Resolution::Captured),
            (Some((What::Voided, _)), None) => Some(Resolution::Voided),
            (Some((What::Expired, _)), None) => Some(Resolution::Expired),
            (Some((What::Entry | What::Reversed, _)) | None, None) => None,
        };
        Ok(Some(StoredEntry { ordinal, entry, resolved }))
    }

    /// Reads an entry from the journal by its number, from 0.
    ///
    /// # Errors
    /// When the store does not answer or the journal is damaged.
    pub fn entry(&self, ordinal: u64) -> Result<Option<RecordedEntry>, HistoryReadError> {
        let Some(stored) = self.reader.record_of(ordinal)? else { return Ok(None) };
        let record = Record::parse(&stored.body)?;
        let place = usize::try_from(ordinal - record.header().first_entry).unwrap_or(usize::MAX);
        let Some(leaf) = record.leaves().nth(place) else { return Ok(None) };
        Ok(Some(RecordedEntry::decode(leaf)?))
    }

    /// Returns a page of the statement of an account, with everything that was committed before the call.
    /// Blocks; see [`StatementQuery`].
    ///
    /// # Errors
    /// See [`HistoryReadError`].
    pub fn statement(&self, query: &StatementQuery) -> Result<Statement, HistoryReadError> {
        self.ask(|view, pages| view.statement(query, pages))
    }

    /// Returns the sums of an account as they were at a moment.
    ///
    /// # Errors
    /// See [`HistoryReadError`].
    pub fn balance_at(&self, account: u32, moment: Timestamp) -> Result<Balance, HistoryReadError> {
        self.ask(|view, pages| view.balance_at(account, moment, pages))
    }

    fn ask<T>(
        &self,
        mut question: impl FnMut(&View<'_>, &mut Pages<'_>) -> Result<T, QueryError<StoreError>>,
    ) -> Result<T, HistoryReadError> {
        self.wait_for(self.committed.load(Ordering::Acquire))?;
        let mut last = None;
        // A run that is merged away while it is read is asked for anew.
        for _ in 0..3 {
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            let tails = state.full.iter().map(Arc::as_ref).chain([&state.tail]);
            let view = View::new(state.runs.iter().map(Arc::as_ref), tails)?;
            match question(&view, &mut Pages::new(self.store.as_ref())) {
                Err(QueryError::Source { source, .. }) => last = Some(source),
                other => return Ok(other?),
            }
        }
        Err(last.map_or(HistoryReadError::Behind { behind: 0 }, HistoryReadError::Store))
    }

    /// Waits until the history has got to an entry.
    fn wait_for(&self, entries: u64) -> Result<(), HistoryReadError> {
        let until = Instant::now() + Duration::from_secs(5);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        while *seen < entries {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(HistoryReadError::Behind { behind: entries - *seen });
            }
            seen = self.seen_more.wait_timeout(seen, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(())
    }

    fn set_seen(&self, entries: u64) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = entries;
        self.seen_more.notify_all();
    }
}

/// Reads what is sealed; a reason instead when it does not fit the journal.
fn sealed_state(store: &dyn History, reader: &dyn Read) -> Result<Result<State, String>, StoreError> {
    use suanpan_ledger::history::RunId;
    use suanpan_store::RunKind;
    let (mut runs, mut id_runs) = (Vec::new(), Vec::new());
    let stored = [store.runs(RunKind::History)?, store.runs(RunKind::Ids)?];
    for newest in stored.iter().filter_map(|runs| runs.last()) {
        let marks = reader.marks(newest.seq..newest.seq + 1)?;
        if marks.first().is_none_or(|mark| mark.hash != newest.hash) {
            return Ok(Err(format!("run {} is of another journal", newest.id)));
        }
    }
    let [history, ids] = stored;
    for run in history {
        match Run::parse(RunId(run.id), &run.directory) {
            Ok(run) => runs.push(Arc::new(run)),
            Err(error) => return Ok(Err(error.to_string())),
        }
    }
    for run in ids {
        match IdRun::parse(RunId(run.id), &run.directory) {
            Ok(run) => id_runs.push(Arc::new(run)),
            Err(error) => return Ok(Err(error.to_string())),
        }
    }
    let tail = Tail::new(runs.last().map_or(0, |run| run.end));
    Ok(Ok(State { runs, id_runs, full: Vec::new(), tail }))
}
