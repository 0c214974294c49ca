//! The history of accounts and the index of entry ids, built behind the commits by two threads.
//!
//! The *follower* reads each record as it is committed and puts its lines into the tail in memory. The *sealer*
//! writes full tails as runs and merges runs by levels. Both can fall behind: by a bounded number of records, after
//! which the writer waits; so what is not sealed never outgrows the memory meant for it.
//!
//! Runs are written only under the lease, and whoever takes it reads them anew: what this process knew of them before
//! may have been merged by another.

mod follow;
mod lines;
mod pages;
mod seal;
mod sealed;
mod takeover;
#[cfg(test)]
mod tests;
mod works;

pub(crate) use takeover::SumsAt;

use crate::limits::{RECORDS_WAITING, TAILS_WAITING};
use follow::Follower;
use pages::Pages;
use seal::Sealer;
use sealed::sealed;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use suanpan_ledger::account::Balance;
use suanpan_ledger::book::{Known, Resolution, StoredEntry};
use suanpan_ledger::entry::EntryId;
use suanpan_ledger::history::{HistoryError, QueryError, Run, Statement, StatementQuery, Tail, View};
use suanpan_ledger::ids::{Found, IdRun, What, find};
use suanpan_ledger::record::{Record, RecordedEntry};
use suanpan_money::Timestamp;
use suanpan_store::commit::{Head, Lease};
use suanpan_store::{History, Read, StoreError};

/// How long to wait before what failed is done again: at first, and at most.
/// How long a question waits for a history that is behind.
const PATIENCE: Duration = Duration::from_secs(5);
const RETRY: Range<Duration> = Duration::from_millis(50)..Duration::from_secs(10);

/// How often a question is asked when runs are merged away while they are read.
const ASKED: usize = 3;

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
    /// The index of ids does not reach to where the books remember ids themselves.
    #[error(
        "the index of ids has entries up to {sealed}, the books remember those from {needed} on; start this process \
         again, and it is built anew"
    )]
    Incomplete {
        /// The first entry that is not in the index.
        sealed: u64,
        /// The first entry that the books remember.
        needed: u64,
    },
    /// The index of ids and the journal contradict each other.
    #[error(
        "id {id} was used by the index of ids, and the journal does not have it: {what}; stop the server and remove \
         the history, it is made again"
    )]
    Contradiction {
        /// The id.
        id: u128,
        /// What the journal has instead.
        what: String,
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

/// Runs, oldest first.
#[derive(Default)]
struct Sealed {
    runs: Vec<Arc<Run>>,
    id_runs: Vec<Arc<IdRun>>,
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
        epoch: u64,
        sums: Vec<Balance>,
        head: Head,
    },
    Record {
        epoch: u64,
        head: Head,
        bytes: Vec<u8>,
    },
}

impl Feed {
    /// The lease under which it was committed.
    const fn epoch(&self) -> u64 {
        match self {
            Feed::Begin { epoch, .. } | Feed::Record { epoch, .. } => *epoch,
        }
    }
}

/// Who may be in trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Follower,
    Sealer,
    Merges,
}

/// See the head of this file.
pub struct HistoryIndex {
    store: Arc<dyn History>,
    reader: Arc<dyn Read>,
    /// Entries after which a tail is sealed.
    tail_entries: u64,
    /// Under which lease history is built; epoch 0 while another process writes.
    lease: Mutex<Lease>,
    /// Held by whoever works on the runs.
    works: Mutex<()>,
    /// Held from a change of the runs in the store until the state says the same.
    changing: Mutex<()>,
    state: RwLock<State>,
    feed: Mutex<Option<SyncSender<Feed>>>,
    /// Entries before this are found in the index of ids.
    ids_sealed: AtomicU64,
    /// Entries before this are in the history.
    seen: Mutex<u64>,
    seen_more: Condvar,
    /// Entries that are committed.
    committed: AtomicU64,
    troubles: Mutex<BTreeMap<Part, String>>,
    stopping: Mutex<bool>,
    stops: Condvar,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl HistoryIndex {
    /// Opens the history of a cell and starts its threads, which rest until a writer begins. A tail is sealed after
    /// so many entries. Nothing is written.
    pub(crate) fn open(
        store: Arc<dyn History>,
        reader: Arc<dyn Read>,
        tail_entries: u64,
    ) -> Result<Arc<HistoryIndex>, StoreError> {
        let (feed, records) = sync_channel(RECORDS_WAITING);
        let (full, tails) = sync_channel(TAILS_WAITING);
        let index = HistoryIndex::resting(store, reader, Some(feed), tail_entries)?;
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
        HistoryIndex::resting(store, reader, None, u64::MAX)
    }

    fn resting(
        store: Arc<dyn History>,
        reader: Arc<dyn Read>,
        feed: Option<SyncSender<Feed>>,
        tail_entries: u64,
    ) -> Result<Arc<HistoryIndex>, StoreError> {
        let found = match sealed(store.as_ref(), reader.as_ref())? {
            Ok(found) => found,
            Err(why) => {
                // Another process may be writing it; whoever takes the lease decides.
                tracing::warn!(why, "the history is of no use here yet");
                Sealed::default()
            }
        };
        let ids_sealed = found.ids_end();
        Ok(Arc::new(HistoryIndex {
            store,
            reader,
            tail_entries,
            lease: Mutex::new(Lease { cell: 0, epoch: 0 }),
            works: Mutex::new(()),
            changing: Mutex::new(()),
            state: RwLock::new(found.with_empty_tail()),
            feed: Mutex::new(feed),
            ids_sealed: AtomicU64::new(ids_sealed),
            seen: Mutex::new(0),
            seen_more: Condvar::new(),
            committed: AtomicU64::new(0),
            troubles: Mutex::new(BTreeMap::new()),
            stopping: Mutex::new(false),
            stops: Condvar::new(),
            threads: Mutex::new(Vec::new()),
        }))
    }

    /// Tells the follower that a writer begins with these books.
    pub(crate) fn begin(&self, sums: Vec<Balance>, head: Head) {
        self.committed.store(head.entries, Ordering::Release);
        self.send(Feed::Begin { epoch: self.lease().epoch, sums, head });
    }

    /// Hands over a record that was just committed; waits when too many wait already.
    pub(crate) fn follow(&self, head: Head, record: Vec<u8>) {
        self.committed.store(head.entries, Ordering::Release);
        self.send(Feed::Record { epoch: self.lease().epoch, head, bytes: record });
        self.measure();
    }

    fn send(&self, mut feed: Feed) {
        let sender = self.feed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(sender) = sender else { return };
        loop {
            match sender.try_send(feed) {
                Err(TrySendError::Full(back)) => feed = back,
                Ok(()) => return,
                Err(TrySendError::Disconnected(_)) => {
                    if !self.is_stopping() {
                        self.note_trouble(Part::Follower, "its thread ended; start this process again");
                    }
                    return;
                }
            }
            // What is not followed any more is read from the journal by whoever writes next.
            if self.pause(Duration::from_millis(1)) {
                return;
            }
        }
    }

    /// Says that this process is about to end: nobody waits for the history any longer.
    pub(crate) fn stop_soon(&self) {
        *self.stopping.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stops.notify_all();
    }

    /// Ends both threads. What they have not done is made from the journal by whoever writes next.
    pub(crate) fn stop(&self) {
        self.stop_soon();
        drop(self.feed.lock().unwrap_or_else(PoisonError::into_inner).take());
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            let _ = thread.join();
        }
    }

    fn is_stopping(&self) -> bool {
        *self.stopping.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits, and returns whether this process is about to end.
    fn pause(&self, how_long: Duration) -> bool {
        let stopping = self.stopping.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.stops.wait_timeout_while(stopping, how_long, |stopping| !*stopping);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Whether history is built here, or only read.
    fn builds(&self) -> bool {
        self.feed.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn lease(&self) -> Lease {
        *self.lease.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_ids_sealed(&self, state: &State) {
        self.ids_sealed.store(state.id_runs.last().map_or(0, |run| run.end), Ordering::Release);
    }

    fn note_trouble(&self, part: Part, why: &str) {
        tracing::error!(?part, why, "the history cannot be built; it is tried again");
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).insert(part, why.to_owned());
    }

    fn well(&self, part: Part) {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).remove(&part);
    }

    /// Returns what keeps the history from being built, in words; it is tried again all the time. While it lasts, what
    /// is committed waits in memory, at most some million entries, and after that the writer.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        let troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        let words: Vec<String> = troubles
            .iter()
            .map(|(part, why)| match part {
                Part::Follower => format!("the history does not follow the journal: {why}"),
                Part::Sealer => format!("the history cannot be sealed: {why}"),
                Part::Merges => format!("runs of the history cannot be merged: {why}"),
            })
            .collect();
        (!words.is_empty()).then(|| words.join("; "))
    }

    /// Returns the number of the first entry whose id is not in the index yet.
    pub(crate) fn ids_sealed(&self) -> u64 {
        self.ids_sealed.load(Ordering::Acquire)
    }

    /// Returns how many entries are committed and not yet in the history. The metric `suanpan_history_lag_entries`
    /// shows the same.
    #[must_use]
    pub fn lag(&self) -> u64 {
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        self.committed.load(Ordering::Acquire).saturating_sub(seen)
    }

    fn measure(&self) {
        let lag = u32::try_from(self.lag()).unwrap_or(u32::MAX);
        metrics::gauge!("suanpan_history_lag_entries").set(lag);
    }

    /// Looks up what the journal holds under ids that the book has forgotten: those of entries before
    /// `remembered_from`.
    pub(crate) fn known(&self, ids: &[EntryId], remembered_from: u64) -> Result<Known, HistoryReadError> {
        let wanted: Vec<u128> = ids.iter().map(|id| id.0).collect();
        let found = self.again(|| {
            let runs = self.state.read().unwrap_or_else(PoisonError::into_inner).id_runs.clone();
            // An id that is not found is taken for a new one: so all that the book forgot must have been asked.
            let sealed = runs.last().map_or(0, |run| run.end);
            if sealed < remembered_from {
                return Err(Failed::Incomplete(sealed));
            }
            let newest_first = runs.iter().rev().map(|run| run.as_ref());
            find(&wanted, newest_first, &mut Pages::new(self.store.as_ref())).map_err(Failed::Query)
        });
        let found = found.map_err(|failed| failed.read_error(remembered_from))?;
        let mut known = Known::new(remembered_from);
        for (id, found) in ids.iter().zip(&found) {
            if let Some(found) = found {
                known.insert(self.stored(*id, found)?);
            }
        }
        Ok(known)
    }

    /// Asks the runs. When that fails they may have been merged meanwhile, by this process or another, and are read
    /// again.
    fn again<T>(&self, mut ask: impl FnMut() -> Result<T, Failed>) -> Result<T, Failed> {
        let mut asked = 1;
        loop {
            match ask() {
                Err(failed) if asked < ASKED && failed.may_be_stale() => {
                    asked += 1;
                    self.reload().map_err(Failed::Store)?;
                }
                other => return other,
            }
        }
    }

    /// Reads what the index found. An id of which the journal knows nothing counts as damage, never as unused: it
    /// could be booked a second time.
    fn stored(&self, id: EntryId, found: &Found) -> Result<StoredEntry, HistoryReadError> {
        let contradiction = |what: String| HistoryReadError::Contradiction { id: id.0, what };
        let ordinal = found.entry.ok_or_else(|| {
            contradiction("the index knows what became of it, and not its entry".to_owned())
        })?;
        let entry = self
            .entry(ordinal)?
            .ok_or_else(|| contradiction(format!("there is no entry {ordinal} in the journal")))?;
        if entry.id != id {
            return Err(contradiction(format!("entry {ordinal} has id {}", entry.id.0)));
        }
        let resolved = match (found.resolved, found.reversed) {
            (_, Some(_)) => Some(Resolution::Reversed),
            (Some((What::Captured, _)), None) => Some(Resolution::Captured),
            (Some((What::Voided, _)), None) => Some(Resolution::Voided),
            (Some((What::Expired, _)), None) => Some(Resolution::Expired),
            (Some((What::Entry | What::Reversed, _)) | None, None) => None,
        };
        Ok(StoredEntry { ordinal, entry, resolved })
    }

    /// Reads an entry from the journal by its number, from 0.
    ///
    /// # Errors
    /// When the store does not answer or the journal is damaged.
    pub fn entry(&self, ordinal: u64) -> Result<Option<RecordedEntry>, HistoryReadError> {
        let Some(stored) = self.reader.record_of(ordinal)? else { return Ok(None) };
        let record = Record::parse(&stored.body)?;
        let Some(place) = ordinal.checked_sub(record.header().first_entry) else { return Ok(None) };
        let place = usize::try_from(place).unwrap_or(usize::MAX);
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
        self.balance_at_within(account, moment, PATIENCE)
    }

    /// The same, for whoever cannot wait for a history that is behind.
    pub(crate) fn balance_at_within(
        &self,
        account: u32,
        moment: Timestamp,
        patience: Duration,
    ) -> Result<Balance, HistoryReadError> {
        self.ask_within(patience, |view, pages| view.balance_at(account, moment, pages))
    }

    fn ask<T>(
        &self,
        question: impl FnMut(&View<'_>, &mut Pages<'_>) -> Result<T, QueryError<StoreError>>,
    ) -> Result<T, HistoryReadError> {
        self.ask_within(PATIENCE, question)
    }

    fn ask_within<T>(
        &self,
        patience: Duration,
        mut question: impl FnMut(&View<'_>, &mut Pages<'_>) -> Result<T, QueryError<StoreError>>,
    ) -> Result<T, HistoryReadError> {
        self.wait_for(self.committed.load(Ordering::Acquire), patience)?;
        let answer = self.again(|| {
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            let tails = state.full.iter().map(Arc::as_ref).chain([&state.tail]);
            let view = View::new(state.runs.iter().map(Arc::as_ref), tails)
                .map_err(|error| Failed::Query(error.into()))?;
            question(&view, &mut Pages::new(self.store.as_ref())).map_err(Failed::Query)
        });
        answer.map_err(|failed| failed.read_error(0))
    }

    /// Waits until the history has got to an entry.
    fn wait_for(&self, entries: u64, patience: Duration) -> Result<(), HistoryReadError> {
        let until = Instant::now() + patience;
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
        self.measure();
    }
}

/// Why the runs did not answer.
enum Failed {
    Query(QueryError<StoreError>),
    /// The index of ids ends with this entry.
    Incomplete(u64),
    Store(StoreError),
}

impl Failed {
    /// Whether the runs in the store may be others by now.
    const fn may_be_stale(&self) -> bool {
        match self {
            Failed::Query(QueryError::Source { .. } | QueryError::History(HistoryError::Damaged { .. }))
            | Failed::Incomplete(_) => true,
            Failed::Query(QueryError::History(_)) | Failed::Store(_) => false,
        }
    }

    fn read_error(self, needed: u64) -> HistoryReadError {
        match self {
            Failed::Query(error) => error.into(),
            Failed::Incomplete(sealed) => HistoryReadError::Incomplete { sealed, needed },
            Failed::Store(error) => error.into(),
        }
    }
}
