//! Loading the state of a cell: the last checkpoint, and what the journal says since then.

use super::Writer;
use super::batch::Places;
use super::commit::Checkpoints;
use super::committer::Committer;
use super::decider::Decider;
use super::forget::Forget;
use super::standings::DayBegan;
use crate::command::Receipt;
use crate::endpoints::Endpoints;
use crate::engine::Shared;
use crate::history::SumsAt;
use crate::world::World;
use std::collections::{HashMap, VecDeque};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};
use suanpan_ledger::account::{Account, AccountNo, Balance};
use suanpan_ledger::book::{Book, Draft, Head as BookHead, Loading};
use suanpan_ledger::entry::EntryId;
use suanpan_ledger::merkle;
use suanpan_ledger::record::Record;
use suanpan_ledger::snapshot::{decode_account, decode_hold};
use suanpan_money::{Currency, Timestamp};
use suanpan_payments::routing::health::Standings;
use suanpan_store::commit::{Head, Lease};
use suanpan_store::{Kept, Store, StoreError};

/// Why a cell could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The store does not answer, or what it holds cannot be.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The journal lacks what was acknowledged.
    #[error(transparent)]
    Fork(#[from] crate::acknowledged::Fork),
    /// The books do not follow from what is stored.
    #[error("the books cannot be loaded: {0}")]
    Books(#[from] suanpan_ledger::error::Error),
    /// The journal is not the one that its hashes say.
    #[error(
        "record {seq} of the journal was changed: its chain hash is not the one stored; restore a backup"
    )]
    Chain {
        /// The record.
        seq: u64,
    },
    /// The journal ends elsewhere than the cell says.
    #[error("the journal ends at record {found}, the cell stands at {expected}; restore a backup")]
    End {
        /// Where the journal ends.
        found: u64,
        /// Where the cell stands.
        expected: u64,
    },
}

/// Loads a cell under a lease just taken. After an error the store comes back.
pub(crate) fn load(
    shared: Arc<Shared>,
    mut store: Box<dyn Store>,
    held: (Lease, Head),
    ttl: Duration,
) -> Result<Writer, (LoadError, Box<dyn Store>)> {
    let Loaded { book, dirty_from, newest_event } = match load_book(&shared, store.as_mut(), &held) {
        Ok(loaded) => loaded,
        Err(error) => return Err((error, store)),
    };
    let (lease, head) = held;
    let (cell, epoch) = (lease.cell, lease.epoch);
    shared.high_water.note(Receipt { cell, epoch, seq: head.seq, hash: head.hash });
    shared.history.begin(sums(&book), head);
    let now = Instant::now();
    let committer = Committer {
        shared: shared.clone(),
        store,
        lease,
        ttl,
        renewed: now,
        tried: now,
        forget: Forget::new(shared.clock.now()),
    };
    let decider = Decider {
        shared,
        lease,
        ttl,
        head,
        book,
        draft: Draft::default(),
        world: World::new(),
        endpoints: Endpoints::default(),
        places: Places::behind(newest_event, head.at),
        parked: HashMap::new(),
        parked_order: VecDeque::new(),
        checkpoints: Checkpoints::new(dirty_from.entries, head.seq > dirty_from.seq),
        standings: Standings::default(),
        day_began: DayBegan::default(),
    };
    Ok(Writer { decider, committer, held: None })
}

/// What a writer begins with.
struct Loaded {
    /// The book as it stands.
    book: Book,
    /// Where its checkpoint stood.
    dirty_from: BookHead,
    newest_event: Option<i64>,
}

fn load_book(
    shared: &Arc<Shared>,
    store: &mut dyn Store,
    (lease, head): &(Lease, Head),
) -> Result<Loaded, LoadError> {
    let began = Instant::now();
    shared.high_water.check(lease.cell, head, shared.reader.as_ref())??;
    prepare_history(shared, store, lease, head)?;
    let kept = store.load()?;
    let newest_event = kept.newest_event;
    let (mut book, at_checkpoint) =
        load_checkpoint(shared, kept, lease, |at_checkpoint| shared.history.ids_sealed().min(at_checkpoint))?;
    let remembered_from = book.remembered_from();
    if remembered_from < at_checkpoint.entries {
        remember(&mut book, store, shared, remembered_from, at_checkpoint.seq)?;
    }
    replay(&mut book, store, shared, at_checkpoint.seq, head)?;
    tracing::info!(
        cell = lease.cell,
        epoch = lease.epoch,
        record = head.seq,
        replayed = head.entries - at_checkpoint.entries,
        accounts = book.accounts_len(),
        took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        "loaded"
    );
    Ok(Loaded { book, dirty_from: at_checkpoint, newest_event })
}

/// Reads again what is sealed of the history, and seals what it lacks when that is much: else the book would have to
/// remember the ids of all these entries.
fn prepare_history(
    shared: &Arc<Shared>,
    store: &mut dyn Store,
    lease: &Lease,
    head: &Head,
) -> Result<(), LoadError> {
    shared.history.take_over(lease, head)?;
    if !shared.history.is_far_behind(head) {
        return Ok(());
    }
    let start = if shared.history.is_empty() {
        SumsAt { sums: Vec::new(), seq: 0, entries: 0 }
    } else {
        let (book, at) = load_checkpoint(shared, store.load()?, lease, |at_checkpoint| at_checkpoint)?;
        SumsAt { sums: sums(&book), seq: at.seq, entries: at.entries }
    };
    shared.history.catch_up(start, head)?;
    Ok(())
}

/// Returns the sums of all accounts by number.
fn sums(book: &Book) -> Vec<Balance> {
    let numbers = 0..u32::try_from(book.accounts_len()).unwrap_or(u32::MAX);
    numbers.map(|number| book.balance(AccountNo(number)).unwrap_or_default()).collect()
}

/// Returns the book as it was at the checkpoint, and where that stood. The entries from which on it is to remember ids
/// are said by how many the checkpoint has.
fn load_checkpoint(
    shared: &Shared,
    kept: Kept,
    lease: &Lease,
    remembered_from: impl FnOnce(u64) -> u64,
) -> Result<(Book, BookHead), LoadError> {
    let at_checkpoint = match kept.checkpoint {
        0 => BookHead::default(),
        seq => {
            let marks = shared.reader.marks(seq..seq + 1)?;
            let mark = marks.first().ok_or(LoadError::End { found: 0, expected: seq })?;
            let (entries, at) = (mark.first + mark.entries, Timestamp::from_micros(mark.at));
            BookHead { seq, entries, at, epoch: mark.epoch }
        }
    };
    let accounts: Result<Vec<Account>, LoadError> = kept.accounts.iter().map(account).collect();
    let holds: Result<Vec<_>, LoadError> =
        kept.holds.iter().map(|(id, body)| Ok((EntryId(*id), decode_hold(body)?))).collect();
    let remembered_from = remembered_from(at_checkpoint.entries);
    let pages = kept.pages.iter().map(|(page, body)| (*page, body.as_slice()));
    let book = Book::load(
        lease.cell,
        rand_seed(),
        Loading {
            accounts: accounts?,
            pages: pages.collect(),
            holds: holds?,
            head: at_checkpoint,
            remembered_from,
        },
    )?;
    Ok((book, at_checkpoint))
}

fn account(row: &suanpan_store::commit::AccountRow) -> Result<Account, LoadError> {
    let currency = Currency::from_numeric(row.currency).ok_or_else(|| {
        let reason = format!("account {} has currency {}, which is none", row.number, row.currency);
        StoreError::Damaged { at: row.path.clone(), reason }
    })?;
    Ok(decode_account(&row.path, currency, &row.body)?)
}

/// Lets the book remember the ids that the index does not find yet, up to the checkpoint.
fn remember(
    book: &mut Book,
    store: &mut dyn Store,
    shared: &Shared,
    from_entry: u64,
    until: u64,
) -> Result<(), LoadError> {
    let first = shared.reader.record_of(from_entry)?.map_or(until, |record| record.mark.seq);
    let mut failed = None;
    store.records(first, &mut |record| {
        if record.mark.seq > until {
            return ControlFlow::Break(());
        }
        match Record::parse(&record.body).and_then(|record| book.remember(&record)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        }
    })?;
    failed.map_or(Ok(()), |error| Err(error.into()))
}

/// Does again what the journal says since the checkpoint, and checks the chain of hashes on the way.
fn replay(
    book: &mut Book,
    store: &mut dyn Store,
    shared: &Shared,
    checkpoint: u64,
    head: &Head,
) -> Result<(), LoadError> {
    let mut hash = match checkpoint {
        0 => [0; 32],
        seq => shared.reader.marks(seq..seq + 1)?.first().map_or([0; 32], |mark| mark.hash),
    };
    let mut failed = None;
    store.records(checkpoint + 1, &mut |stored| match next(book, &hash, &stored) {
        Ok(next) => {
            hash = next;
            ControlFlow::Continue(())
        }
        Err(error) => {
            failed = Some(error);
            ControlFlow::Break(())
        }
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    if book.head().seq != head.seq || hash != head.hash {
        return Err(LoadError::End { found: book.head().seq, expected: head.seq });
    }
    Ok(())
}

fn next(book: &mut Book, before: &[u8; 32], stored: &suanpan_store::Record) -> Result<[u8; 32], LoadError> {
    let record = Record::parse(&stored.body)?;
    let root = merkle::root(record.leaves());
    let hash = merkle::chain_hash(before, record.header_bytes(), &root, &record.events_digest());
    if hash != stored.mark.hash {
        return Err(LoadError::Chain { seq: stored.mark.seq });
    }
    book.replay(&record)?;
    Ok(hash)
}

/// A seed for hash tables, so that no client can choose ids that fall together.
fn rand_seed() -> u64 {
    let mut seed = [0; 8];
    // Without the system's chance the tables work all the same.
    let _ = getrandom::fill(&mut seed);
    u64::from_le_bytes(seed)
}
