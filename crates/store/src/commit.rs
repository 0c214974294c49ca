//! What is written at once, and what may come of it.

use crate::events::EventBlock;

/// Where the journal of a cell stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// How many records there are; the first has number 1.
    pub seq: u64,
    /// The chain hash of the newest record; zeros before the first.
    pub hash: [u8; 32],
    /// How many entries all records hold together.
    pub entries: u64,
    /// The time of the newest record, microseconds since the epoch; never goes back.
    pub at: i64,
}

/// Who may write: one holder at a time, and each holder has a higher epoch than the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The cell.
    pub cell: u32,
    /// The term of the holder. A commit with another epoch than the stored one is refused.
    pub epoch: u64,
}

/// An object of the business: an intent, a refund, a customer and so on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its id, such as `pi_…`; unique over all kinds.
    pub id: String,
    /// Its kind, such as `payment_intent`.
    pub kind: &'static str,
    /// The merchant whose it is, `acct_…`.
    pub merchant: String,
    /// Whether it stands in live mode.
    pub live: bool,
    /// When it was made, microseconds since the epoch. Lists are ordered by this, then by id.
    pub created: i64,
    /// Counts its writes from 1; the commit that writes version n needs version n - 1.
    pub version: u32,
    /// The object as JSON.
    pub body: String,
}

/// A name under which objects are found: `("refund.payment_intent", "pi_…") -> "re_…"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What the name stands for.
    pub name: &'static str,
    /// The value.
    pub key: String,
    /// The object found.
    pub id: String,
    /// At most one object may have this name and key, for ever. A second is `CommitError::Taken`.
    pub unique: bool,
}

/// An answer kept for repeats of the request with the same idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Who asked: merchant and mode.
    pub scope: String,
    /// The key of the client.
    pub key: String,
    /// Digest of the request.
    pub digest: [u8; 32],
    /// The status and body answered; none while the request is still being worked on.
    pub answered: Option<(u16, Vec<u8>)>,
    /// Where the body stands within an event, which is written with it or before it: then it is not written once more.
    /// None in what is read, unless the event cannot be read: then the body is empty.
    pub within: Option<Within>,
    /// When it was first asked, microseconds since the epoch.
    pub created: i64,
}

/// A part of an event, which must not be forgotten before whatever names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Within {
    /// The place of the event.
    pub place: i64,
    /// The first byte of its JSON.
    pub from: u32,
    /// The byte behind the last one.
    pub to: u32,
}

/// Work to be done after the commit, at least once: a request to a channel, an inquiry, a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its id. Writing a job again under its id replaces it.
    pub id: String,
    /// What is to be done.
    pub kind: &'static str,
    /// Not before, microseconds since the epoch.
    pub due: i64,
    /// The particulars, as JSON.
    pub body: String,
}

/// An account opened or changed (its balance is not here).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRow {
    /// Its number.
    pub number: u32,
    /// Its path.
    pub path: String,
    /// Its currency, by numeric code.
    pub currency: u16,
    /// The rest, as the ledger writes it.
    pub body: Vec<u8>,
}

/// What restarts need so that they replay only the newest records: written now and then, lazily.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// The record up to which this is complete.
    pub seq: u64,
    /// Pages of balances that changed since the last checkpoint: page number and content.
    pub pages: Vec<(u32, Vec<u8>)>,
    /// Holds that were made since then and are still open: id and content.
    pub holds_open: Vec<(u128, Vec<u8>)>,
    /// Holds that were in a checkpoint and are closed.
    pub holds_closed: Vec<u128>,
}

/// All that one commit writes. Either all of it is there afterwards or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Under which lease.
    pub lease: Lease,
    /// Where the journal stood before.
    pub before: Head,
    /// Where it stands after.
    pub after: Head,
    /// The journal record.
    pub record: Vec<u8>,
    /// Root of the Merkle tree over the entries of the record.
    pub root: [u8; 32],
    /// Accounts opened or changed.
    pub accounts: Vec<AccountRow>,
    /// Objects made or changed.
    pub objects: Vec<Object>,
    /// Names of objects.
    pub links: Vec<Link>,
    /// Events, as [`EventPacker`](crate::events::EventPacker) packs them.
    pub events: Vec<EventBlock>,
    /// Answers to keep.
    pub answers: Vec<Answer>,
    /// Jobs to do.
    pub jobs: Vec<Job>,
    /// Jobs that are done.
    pub jobs_done: Vec<String>,
    /// What restarts need.
    pub checkpoint: Option<Checkpoint>,
}

/// Why a commit was not, or may not have been, done.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Another holder has the lease: this one must never write again.
    #[error("the lease on cell {cell} was lost: epoch {held} was held, {stored} is stored")]
    Fenced {
        /// The cell.
        cell: u32,
        /// The epoch of this holder.
        held: u64,
        /// The epoch that is stored.
        stored: u64,
    },
    /// The request was sent and its end is not known. Read the head again: it is either `after` (done) or
    /// `before` (not done).
    #[error("the end of the commit is not known: {0}")]
    Unknown(String),
    /// The store cannot be written now; nothing was.
    #[error("the store cannot be written: {0}")]
    Unavailable(String),
    /// A unique name is taken already; nothing was written.
    #[error("{name} {key} is taken")]
    Taken {
        /// The name.
        name: String,
        /// The key.
        key: String,
    },
    /// What is stored is not what this holder believes it to be; nothing was written.
    #[error("the store does not agree with this process: {0}")]
    Disagrees(String),
}
