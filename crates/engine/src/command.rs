//! What is asked of the engine, and what it answers.

use crate::admission::Entry;
use crate::limits::CALL_WEIGHT;
use crate::queue::NotQueued;
use suanpan_ledger::account::{AccountChange, AccountNo, AccountSpec};
use suanpan_ledger::book::Verdict;
use suanpan_ledger::entry::EntryBatch;
use suanpan_ledger::rejection::Rejection as BooksRejection;
use suanpan_money::Timestamp;
use suanpan_payments::decision::EntryDraft;
use suanpan_payments::rejection::Rejection;
use tokio::sync::oneshot;

/// Who asks: a merchant, in one of two worlds that never touch.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Caller {
    /// The merchant, `acct_…`.
    pub merchant: String,
    /// Whether in live mode.
    pub live: bool,
}

impl Caller {
    /// Returns the scope of the caller's idempotency keys.
    #[must_use]
    pub fn scope(&self, asker: Asker) -> String {
        let mode = if self.live { "live" } else { "test" };
        match asker {
            Asker::Server => format!("{}/{mode}", self.merchant),
            Asker::Browser => format!("{}/{mode}/browser", self.merchant),
        }
    }
}

/// Who sends requests of a merchant. Keys of idempotency of the one say nothing about those of the other: a
/// publishable key is known to everybody, and must neither take names away from servers nor see their answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    /// The merchant's own servers, by a secret key.
    Server,
    /// Anybody's browser, by a publishable key.
    Browser,
}

/// The client's own name for a request, so that it can be repeated without being done twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The name, unique for the caller and who sends its requests.
    pub key: String,
    /// Who sent it.
    pub asker: Asker,
    /// A keyed hash of method, path and parameters: the same key with another request is refused. Keyed, because
    /// what is hashed may be the number of a card.
    pub digest: [u8; 32],
}

/// A request for something that happens to payments, customers, endpoints and so on.
#[derive(Debug)]
pub struct Call {
    /// Whose.
    pub caller: Caller,
    /// Under which name it may be repeated.
    pub idempotency: Option<IdempotencyKey>,
    /// The id of the request, shown in the events that it makes.
    pub request_id: Option<String>,
    /// What is to be done.
    pub command: suanpan_payments::command::Command,
}

/// Where in the books an answer rests: whoever has it can show later that it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// The cell.
    pub cell: u32,
    /// The term of the writer.
    pub epoch: u64,
    /// The record of the journal.
    pub seq: u64,
    /// The chain hash up to that record.
    pub hash: [u8; 32],
}

/// An answer of the API, committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The HTTP status.
    pub status: u16,
    /// The body, JSON.
    pub body: Vec<u8>,
    /// It was given before, to the same request under the same key.
    pub replayed: bool,
    /// Where it rests.
    pub receipt: Receipt,
}

/// Something for the books alone.
#[derive(Debug)]
pub enum BooksCommand {
    /// Opens accounts, each by itself.
    Open(Vec<AccountSpec>),
    /// Changes accounts, each by itself.
    Change(Vec<(AccountNo, AccountChange)>),
    /// Books entries.
    Post(EntryBatch),
    /// Books entries whose accounts are named by path. Accounts must be there.
    PostNamed(Vec<NamedEntry>),
    /// Books entries of the past, as they were booked elsewhere.
    Import {
        /// The entries, posts only.
        entries: EntryBatch,
        /// When they were booked there.
        booked_at: Timestamp,
    },
}

/// An entry whose accounts are named by path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedEntry {
    /// The entry.
    pub draft: EntryDraft,
    /// Succeeds or fails together with the next entry.
    pub linked: bool,
}

/// What became of a command for the books, part by part, in the order asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BooksAnswer {
    /// Of accounts to be opened.
    Opened(Vec<Result<AccountNo, BooksRejection>>),
    /// Of changes.
    Changed(Vec<Result<(), BooksRejection>>),
    /// Of entries.
    Posted(Vec<Verdict>),
}

/// Why nothing was done, or why it is not known whether something was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The rules say no.
    #[error(transparent)]
    Rule(#[from] Rejection),
    /// The books say no to an entry of a payment.
    #[error("the books refuse the entry: {}", .0.code())]
    Books(BooksRejection),
    /// The books cannot read the batch.
    #[error(transparent)]
    Batch(#[from] suanpan_ledger::error::Error),
    /// The key was used for another request.
    #[error("the idempotency key was used before, with another request")]
    KeyReused,
    /// A request under the same key is still being worked on.
    #[error("a request with this idempotency key is still being worked on")]
    KeyInUse,
    /// Too much waits already.
    #[error(transparent)]
    NotQueued(#[from] NotQueued),
    /// Another process writes. Nothing was done.
    #[error("this process stands by; another one writes")]
    Standby,
    /// The store cannot be written now. Nothing was done; the same may be sent again.
    #[error("the store cannot be written now: {0}")]
    Unavailable(String),
    /// Whether it was done is not known. The same under the same key or id tells.
    #[error("whether this was done is not known yet: {0}")]
    Unknown(String),
}

impl Refused {
    /// Returns whether the same may be sent again, under the same key or ids.
    #[must_use]
    pub fn retryable(&self) -> bool {
        match self {
            Refused::Rule(rejection) => rejection.retryable(),
            Refused::Books(rejection) => rejection.retryable(),
            Refused::Batch(_) | Refused::KeyReused => false,
            Refused::KeyInUse
            | Refused::NotQueued(_)
            | Refused::Standby
            | Refused::Unavailable(_)
            | Refused::Unknown(_) => true,
        }
    }
}

impl Envelope {
    /// What it counts for in the queue: as many entries as take the same time.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Envelope::Call { .. } => CALL_WEIGHT,
            Envelope::Books { command, .. } => command.weight(),
            Envelope::Upkeep { .. } | Envelope::Query(_) => 1,
        }
    }

    /// Whether it is about a moment after that of a batch, which was begun before this came.
    pub(crate) fn is_later_than(&self, moment: Timestamp) -> bool {
        matches!(self, Envelope::Books { command: BooksCommand::Import { booked_at, .. }, .. } if *booked_at > moment)
    }

    /// Answers that nothing was done.
    pub(crate) fn fail(self, why: Refused) {
        match self {
            Envelope::Call { reply, .. } => drop(reply.send(Err(why))),
            Envelope::Books { reply, .. } => drop(reply.send(Err(why))),
            Envelope::Upkeep { reply, .. } => drop(reply.send(Err(why))),
            // Whoever asked sees that the answer does not come.
            Envelope::Query(_) => {}
        }
    }
}

pub(crate) type Reply<T> = oneshot::Sender<Result<T, Refused>>;

/// What waits in the queue.
pub(crate) enum Envelope {
    Call { call: Box<PreparedCall>, reply: Reply<Answered> },
    Books { command: BooksCommand, reply: Reply<(BooksAnswer, Receipt)> },
    Upkeep { upkeep: Upkeep, reply: Reply<()> },
    Query(Query),
}

/// A question about the books. It is asked when its batch is decided, and what it returns is run when everything that
/// the answer rests on is durable.
pub(crate) type Query = Box<dyn FnOnce(&crate::writer::Committed<'_>) -> Tell + Send>;

/// Tells an answer.
pub(crate) type Tell = Box<dyn FnOnce() + Send>;

/// What the platform writes for itself.
pub(crate) enum Upkeep {
    /// What an attempt to deliver an event left behind.
    Attempted(Box<crate::deliveries::Attempted>),
    /// Jobs that can never be done, by id.
    Drop(Vec<String>),
    /// An event to be sent again.
    Send { event: String, endpoints: Vec<String> },
}

/// A call with everything that its decision needs beside what is stored.
pub(crate) struct PreparedCall {
    pub(crate) call: Call,
    /// For ids and secrets.
    pub(crate) random: [u8; 32],
    /// The card of the request, taken in by the vault of its channel, or the refusal.
    pub(crate) card: Option<Result<suanpan_payments::object::payment_method::VaultedCard, Rejection>>,
    /// The account of the request, sealed by the vault of its channel.
    pub(crate) account: Option<suanpan_payments::object::bank_agreement::VaultedAccount>,
    /// Its place among those on their way to their first commit; none for what ends something.
    pub(crate) entry: Option<Entry>,
}
