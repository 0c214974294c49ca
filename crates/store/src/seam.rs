//! What the store offers to the engine: the writer, the reader and the history.

use crate::commit::{AccountRow, Answer, Commit, CommitError, Head, Job, Lease, Object};
use crate::error::StoreError;
use std::ops::{ControlFlow, Range};
use std::time::Duration;

/// The writer of a cell. It belongs to one thread, which may block.
pub trait Store: Send {
    /// Takes the lease: raises the epoch and returns it with the head of the journal. Whoever had it before
    /// can no longer commit.
    ///
    /// An empty database becomes the cell. The same node may take its lease again at any time, for instance
    /// after a crash; so its name must be its own.
    ///
    /// # Errors
    /// `Held` while the lease of another node has not expired by the clock of the database; `OtherCell`; `Newer` when
    /// somebody has brought the schema further meanwhile than this program knows;
    /// `Unknown` when the end of the transaction is not known: ask again.
    fn acquire(&mut self, cell: u32, node: &str, ttl: Duration) -> Result<(Lease, Head), StoreError>;

    /// Takes the lease even from somebody whose lease has not expired. For operators who know better.
    ///
    /// # Errors
    /// As [`Store::acquire`], without `Held`.
    fn seize(&mut self, cell: u32, node: &str, ttl: Duration) -> Result<(Lease, Head), StoreError>;

    /// Prolongs the lease to `ttl` from now.
    ///
    /// # Errors
    /// `Fenced` when somebody else has it.
    fn renew(&mut self, lease: &Lease, ttl: Duration) -> Result<(), StoreError>;

    /// Ends the lease at once, so that the next holder need not wait. No more is committed under it.
    ///
    /// # Errors
    /// `Fenced` when somebody else has it.
    fn release(&mut self, lease: &Lease) -> Result<(), StoreError>;

    /// Returns where the journal stands. After an unknown commit this waits until it has ended either way,
    /// so that the answer is final.
    ///
    /// # Errors
    /// `Unavailable` while that cannot be found out.
    fn head(&mut self) -> Result<Head, StoreError>;

    /// Writes a commit, in whole or not at all.
    ///
    /// Objects, answers and jobs may occur more than once in a commit: the last stands. Jobs that are done
    /// are taken away before jobs are put, so that a job under the same id remains.
    ///
    /// # Errors
    /// See [`CommitError`]. Only `Unknown` may have written anything.
    fn commit(&mut self, commit: &Commit) -> Result<(), CommitError>;

    /// Loads what a restart needs, of one moment.
    ///
    /// # Errors
    /// When the database does not answer, or holds what cannot be.
    fn load(&mut self) -> Result<Kept, StoreError>;

    /// Shows the records from a number on, in order, until there are no more or `each` breaks.
    ///
    /// # Errors
    /// When the database does not answer, or a record is missing.
    fn records(
        &mut self,
        from: u64,
        each: &mut dyn FnMut(Record) -> ControlFlow<()>,
    ) -> Result<(), StoreError>;

    /// Forgets answers that were first asked for before a moment, at most `limit` of them, and returns how
    /// many. A key can be used anew afterwards.
    ///
    /// # Errors
    /// `Fenced` when somebody else has the lease.
    fn forget_answers(&mut self, lease: &Lease, before: i64, limit: u32) -> Result<u64, StoreError>;

    /// Forgets events that were made before a moment, at most `limit` blocks of them, and returns how many blocks. No
    /// answer may be kept that stands within one of them.
    ///
    /// # Errors
    /// `Fenced` when somebody else has the lease; `Damaged` when a block cannot be read.
    fn forget_events(&mut self, lease: &Lease, before: i64, limit: u32) -> Result<u64, StoreError>;
}

/// Reads of committed data, shared by many threads. On PostgreSQL they must be called from threads that may
/// block.
pub trait Read: Send + Sync {
    /// Returns objects by their ids, in the order asked.
    ///
    /// # Errors
    /// When the database does not answer.
    fn objects(&self, ids: &[&str]) -> Result<Vec<Option<Object>>, StoreError>;

    /// Returns a page of a list.
    ///
    /// # Errors
    /// When the database does not answer, or the page is too long.
    fn list(&self, listing: &Listing<'_>) -> Result<Objects, StoreError>;

    /// Returns events by their places and ids, in the order asked, as objects of the kind `event`, made at their places.
    ///
    /// # Errors
    /// When the database does not answer, or an event cannot be read.
    fn events(&self, places: &[Cursor<'_>]) -> Result<Vec<Option<Object>>, StoreError>;

    /// Returns a page of a list of events.
    ///
    /// # Errors
    /// When the database does not answer, the page is too long, or an event cannot be read.
    fn list_events(&self, listing: &EventListing<'_>) -> Result<Objects, StoreError>;

    /// Returns the objects under unique names, each `(name, key)`, in the order asked.
    ///
    /// # Errors
    /// When the database does not answer.
    fn unique(&self, names: &[(&str, &str)]) -> Result<Vec<Option<String>>, StoreError>;

    /// Returns the ids under a name and key, unique or not, newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    fn linked(&self, name: &str, key: &str, limit: u32) -> Result<Vec<String>, StoreError>;

    /// Returns answers by `(scope, key)`, in the order asked.
    ///
    /// # Errors
    /// When the database does not answer.
    fn answers(&self, keys: &[(&str, &str)]) -> Result<Vec<Option<Answer>>, StoreError>;

    /// Returns the jobs of a kind that are due at a moment, those due first before.
    ///
    /// # Errors
    /// When the database does not answer.
    fn jobs_due(&self, kind: &str, at: i64, limit: u32) -> Result<Vec<Job>, StoreError>;

    /// Returns the jobs whose ids lie between two others, neither included, by id.
    ///
    /// # Errors
    /// When the database does not answer.
    fn jobs_between(&self, after: &str, before: &str, limit: u32) -> Result<Vec<Job>, StoreError>;

    /// Returns jobs by their ids, in the order asked.
    ///
    /// # Errors
    /// When the database does not answer.
    fn jobs(&self, ids: &[&str]) -> Result<Vec<Option<Job>>, StoreError>;

    /// Returns a record by its number.
    ///
    /// # Errors
    /// When the database does not answer.
    fn record(&self, seq: u64) -> Result<Option<Record>, StoreError>;

    /// Returns the record that holds an entry, by the number of the entry in the journal, from 0.
    ///
    /// # Errors
    /// When the database does not answer.
    fn record_of(&self, entry: u64) -> Result<Option<Record>, StoreError>;

    /// Shows the records from a number on, in order, until there are no more or `each` breaks.
    ///
    /// # Errors
    /// When the database does not answer, or a record is missing.
    fn records(&self, from: u64, each: &mut dyn FnMut(Record) -> ControlFlow<()>) -> Result<(), StoreError>;

    /// Returns what the chain is made of, without the bodies, for records `from..to`.
    ///
    /// # Errors
    /// When the database does not answer.
    fn marks(&self, records: Range<u64>) -> Result<Vec<Mark>, StoreError>;

    /// Returns head and lease as they are stored; none before the first lease.
    ///
    /// # Errors
    /// When the database does not answer.
    fn standing(&self) -> Result<Option<Standing>, StoreError>;

    /// Returns how much there is. On PostgreSQL the counts of objects, links and answers are estimates of
    /// the database.
    ///
    /// # Errors
    /// When the database does not answer.
    fn sizes(&self) -> Result<Sizes, StoreError>;
}

/// Sorted runs of entries, written by the sealer of whoever has the lease and read by many threads. All of it can be
/// made again from the journal.
///
/// Every write names the lease under which it is done, and is refused once another writer has claimed the history.
pub trait History: Send + Sync {
    /// Takes the right to write, from whoever had it, and gives up the runs that were begun and not finished.
    ///
    /// The epoch may be lower than the last one: a cell that was restored counts from where its backup stood. So
    /// whoever claims has just taken the lease, or has looked that it still has it.
    ///
    /// # Errors
    /// When the database does not answer.
    fn claim(&self, lease: &Lease) -> Result<(), StoreError>;

    /// Writes a run and takes those away that it replaces, at once. Returns its number.
    ///
    /// The runs of a kind lie side by side without gaps: a run begins where the replaced ones began, or
    /// where the newest one ended.
    ///
    /// # Errors
    /// `Damaged` when the run does not fit, `Fenced` when another writer has claimed the history; nothing is written
    /// then.
    fn put(&self, lease: &Lease, run: &NewRun<'_>, replaced: &[u64]) -> Result<u64, StoreError>;

    /// Begins a run that is too large for one transaction, and returns its number. Nobody sees it before it is
    /// finished.
    ///
    /// # Errors
    /// `Fenced` when another writer has claimed the history.
    fn begin_run(&self, lease: &Lease, kind: RunKind) -> Result<u64, StoreError>;

    /// Adds pages to a run that was begun. `from` is the number of the first.
    ///
    /// # Errors
    /// `Fenced` when another writer has claimed the history.
    fn add_pages(&self, lease: &Lease, run: u64, from: u32, pages: &[Vec<u8>]) -> Result<(), StoreError>;

    /// Adds the last pages to a run that was begun, and puts it in the place of others, at once.
    ///
    /// # Errors
    /// As [`History::put`].
    fn finish_run(
        &self,
        lease: &Lease,
        number: u64,
        run: &NewRun<'_>,
        replaced: &[u64],
    ) -> Result<(), StoreError>;

    /// Deletes some pages of runs that were replaced or given up, and says whether there may be more.
    ///
    /// # Errors
    /// `Fenced` when another writer has claimed the history.
    fn sweep(&self, lease: &Lease) -> Result<bool, StoreError>;

    /// Returns the runs of a kind, the oldest entries first.
    ///
    /// # Errors
    /// When the database does not answer.
    fn runs(&self, kind: RunKind) -> Result<Vec<Run>, StoreError>;

    /// Returns pages of a run in the order asked; none where the run was replaced meanwhile.
    ///
    /// # Errors
    /// When the database does not answer.
    fn pages(&self, run: u64, pages: &[u32]) -> Result<Option<Vec<Vec<u8>>>, StoreError>;

    /// Returns the number of the first entry that is in no run of a kind.
    ///
    /// # Errors
    /// When the database does not answer.
    fn sealed(&self, kind: RunKind) -> Result<u64, StoreError>;

    /// Gives up everything, so that it is made again from the journal.
    ///
    /// # Errors
    /// `Fenced` when another writer has claimed the history.
    fn clear(&self, lease: &Lease) -> Result<(), StoreError>;
}

/// What a restart needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    /// Where the journal stands; nothing before the first lease.
    pub head: Option<Head>,
    /// The place of the newest event.
    pub newest_event: Option<i64>,
    /// All accounts, by number.
    pub accounts: Vec<AccountRow>,
    /// The record up to which balances and holds are complete; 0 for none.
    pub checkpoint: u64,
    /// Pages of balances, by number.
    pub pages: Vec<(u32, Vec<u8>)>,
    /// Holds that were open at the checkpoint, by id.
    pub holds: Vec<(u128, Vec<u8>)>,
}

/// A journal record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What the chain is made of.
    pub mark: Mark,
    /// The record itself.
    pub body: Vec<u8>,
}

/// What stands beside a journal record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Its number.
    pub seq: u64,
    /// The number of its first entry in the journal, from 0.
    pub first: u64,
    /// How many entries it has.
    pub entries: u64,
    /// Its time, microseconds since the epoch.
    pub at: i64,
    /// Under which epoch it was written.
    pub epoch: u64,
    /// The chain hash.
    pub hash: [u8; 32],
    /// Root of the Merkle tree over its entries.
    pub root: [u8; 32],
}

/// Head and lease as they are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The lease.
    pub lease: Lease,
    /// Who has it.
    pub holder: String,
    /// Until when, microseconds since the epoch by the clock of the database.
    pub expires: i64,
    /// Where the journal stands.
    pub head: Head,
    /// The record up to which balances and holds were written.
    pub checkpoint: u64,
}

/// How much there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Journal records.
    pub records: u64,
    /// Entries in them.
    pub entries: u64,
    /// Accounts.
    pub accounts: u64,
    /// Objects.
    pub objects: u64,
    /// Answers that are kept.
    pub answers: u64,
    /// Jobs that are not done.
    pub jobs: u64,
    /// Bytes of the database.
    pub bytes: u64,
}

/// A place in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor<'a> {
    /// When the object there was made.
    pub created: i64,
    /// Its id.
    pub id: &'a str,
}

/// What to list. Lists go from the newest object to the oldest, by creation and then by id.
#[derive(Debug, Clone, Copy)]
pub struct Listing<'a> {
    /// The kind of objects.
    pub kind: &'a str,
    /// Whose.
    pub merchant: &'a str,
    /// In live mode, or in test mode.
    pub live: bool,
    /// Only objects under this name and key of a link that is not unique.
    pub link: Option<(&'a str, &'a str)>,
    /// Only objects made at this moment or later.
    pub created_min: Option<i64>,
    /// Only objects made at this moment or before.
    pub created_max: Option<i64>,
    /// Only what comes after this place, that is older objects.
    pub after: Option<Cursor<'a>>,
    /// Only what comes before this place, that is newer objects: the page that ends just before it.
    pub before: Option<Cursor<'a>>,
    /// How many objects at most.
    pub limit: u32,
}

/// Which events to list. Lists go from the newest to the oldest.
#[derive(Debug, Clone, Copy)]
pub struct EventListing<'a> {
    /// Whose.
    pub merchant: &'a str,
    /// In live mode, or in test mode.
    pub live: bool,
    /// Only events of this type.
    pub kind: Option<&'a str>,
    /// Only events made at this moment or later.
    pub created_min: Option<i64>,
    /// Only events made at this moment or before.
    pub created_max: Option<i64>,
    /// Only what comes after this place, that is older events.
    pub after: Option<i64>,
    /// Only what comes before this place, that is newer events: the page that ends just before it.
    pub before: Option<i64>,
    /// How many events at most.
    pub limit: u32,
}

/// A page of a list, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Objects {
    /// The objects.
    pub objects: Vec<Object>,
    /// Whether there are more in the direction of the page.
    pub more: bool,
}

/// What a run of the history is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RunKind {
    /// By account: the history of each.
    History,
    /// By the id of the entry.
    Ids,
}

/// A run to be written.
#[derive(Debug, Clone, Copy)]
pub struct NewRun<'a> {
    /// What it is sorted by.
    pub kind: RunKind,
    /// How often it was merged.
    pub level: u32,
    /// The entries it covers, by their numbers in the journal.
    pub entries: &'a Range<u64>,
    /// The record in which its last entry stands.
    pub seq: u64,
    /// The chain hash of that record: a run of another journal is told by it.
    pub hash: [u8; 32],
    /// Where things are in the pages, as the sealer writes it.
    pub directory: &'a [u8],
    /// The pages, numbered from 0; of a run that was begun, those that were not added yet.
    pub pages: &'a [Vec<u8>],
}

/// A run that is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its number.
    pub id: u64,
    /// What it is sorted by.
    pub kind: RunKind,
    /// How often it was merged.
    pub level: u32,
    /// The entries it covers, by their numbers in the journal.
    pub entries: Range<u64>,
    /// The record in which its last entry stands.
    pub seq: u64,
    /// The chain hash of that record.
    pub hash: [u8; 32],
    /// How many pages it has.
    pub pages: u32,
    /// Where things are in the pages.
    pub directory: Vec<u8>,
}
