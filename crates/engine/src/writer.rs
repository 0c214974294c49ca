//! The one who writes, in two halves: the decider takes what waits, gathers what it needs and decides in memory; the
//! committer writes each decided batch in one commit and answers. While a batch is being committed, the next one is
//! decided ([0021](../../../docs/adr/0021-deciding-while-committing.md)).
//!
//! Nothing is answered before it, and everything that it rests on, is durable. A commit that fails, or whose end is
//! not known, ends the state in memory: it is loaded anew from the store, and whoever waits is told what is known.

mod batch;
mod books;
mod calls;
mod commit;
mod committer;
mod decider;
mod forget;
mod gather;
mod load;
mod standings;

use crate::command::{Envelope, Refused};
use batch::Decided;
use committer::{Committer, Late, ToCommitter};
use decider::{Decider, Halt};
use std::sync::mpsc::sync_channel;
use std::time::Instant;
use suanpan_ledger::book::Book;
use suanpan_store::Store;

pub(crate) use batch::Committed;
pub use load::LoadError;
pub(crate) use load::load;

/// The writer of a cell.
pub(crate) struct Writer {
    decider: Decider,
    committer: Committer,
    /// A batch that simulators hold back, decided and not committed.
    held: Option<Decided>,
}

/// Why a writer ended.
#[derive(Debug, thiserror::Error)]
pub enum Ended {
    /// It was asked to.
    #[error("stopped")]
    Stopped,
    /// Somebody else writes now.
    #[error("another process writes now: {0}")]
    Fenced(String),
    /// The state in memory can no longer be trusted, and has to be loaded anew.
    #[error("the state has to be loaded anew: {0}")]
    Reload(String),
}

impl Ended {
    fn fenced() -> Ended {
        Ended::Fenced("its epoch is higher".to_owned())
    }
}

/// Why nothing more can be committed.
struct Failed {
    ended: Ended,
    /// Who waits for a channel under which reference, and is to be told what.
    parked: Vec<(String, Refused)>,
}

impl From<Ended> for Failed {
    fn from(ended: Ended) -> Failed {
        Failed { ended, parked: Vec::new() }
    }
}

/// What those are told of whose commands certainly changed nothing.
fn undone(ended: &Ended) -> Refused {
    match ended {
        Ended::Fenced(_) => Refused::Standby,
        Ended::Stopped | Ended::Reload(_) => Refused::Unavailable(ended.to_string()),
    }
}

impl Writer {
    /// Works until it is told to stop, or cannot go on. Decides in this thread, and commits in another.
    pub(crate) fn run(&mut self) -> Ended {
        let Writer { decider, committer, .. } = self;
        let shared = decider.shared.clone();
        let (halted, committed) = std::thread::scope(|scope| {
            let (give, given) = sync_channel(0);
            shared.queue.begin();
            let thread = std::thread::Builder::new().name("committer".to_owned());
            let thread = match thread.spawn_scoped(scope, || {
                // It is dropped when this ends, so that the other half sees it.
                let given = given;
                committer.run(&given)
            }) {
                Ok(thread) => thread,
                Err(error) => return (Ok(()), Err(Ended::Reload(error.to_string()).into())),
            };
            let mut to = ToCommitter { queue: &shared.queue, give };
            let halted = decider.run(&mut to);
            drop(to);
            match thread.join() {
                Ok(committed) => (halted, committed),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        });
        let ended = match (halted, committed) {
            (Ok(()), Ok(())) => Ended::Stopped,
            // It was asked to end: what the last checkpoint lacks is in the journal.
            (Ok(()), Err(failed)) if !matches!(failed.ended, Ended::Fenced(_)) => {
                let why = self.decider.fail(failed.into());
                tracing::warn!(%why, "the last commit failed; the next start replays more");
                Ended::Stopped
            }
            (halted, committed) => {
                let halt = halted.err().unwrap_or_default();
                self.decider.fail(Halt { failed: committed.err().or(halt.failed), ..halt })
            }
        };
        self.decider.fail_all_parked(&ended);
        if matches!(ended, Ended::Stopped) {
            self.committer.release();
        }
        ended
    }

    /// Decides and commits a batch in this thread.
    pub(crate) fn batch(&mut self, envelopes: Vec<Envelope>) -> Result<(), Ended> {
        self.commit_held()?;
        let Writer { decider, committer, .. } = self;
        decider.batch(envelopes, committer).map_err(|halt| decider.fail(halt))
    }

    /// Decides a batch in this thread, then commits the one before it, and holds this one back until the next.
    pub(crate) fn batch_ahead(&mut self, envelopes: Vec<Envelope>) -> Result<(), Ended> {
        let Writer { decider, committer, held } = self;
        decider.batch(envelopes, &mut Late { committer, held }).map_err(|halt| decider.fail(halt))
    }

    fn commit_held(&mut self) -> Result<(), Ended> {
        let Some(held) = self.held.take() else { return Ok(()) };
        let told = self.committer.take(held).map_err(|failed| self.decider.fail(failed.into()))?;
        told.tell();
        Ok(())
    }

    /// Writes a checkpoint, where there is something new.
    pub(crate) fn last_checkpoint(&mut self) -> Result<(), Ended> {
        self.commit_held()?;
        let Writer { decider, committer, .. } = self;
        decider.last_checkpoint(committer).map_err(|halt| decider.fail(halt))
    }

    /// Notes when the newest renewal of the lease was begun.
    pub(crate) fn renewed_at(&mut self, moment: Instant) {
        (self.committer.renewed, self.committer.tried) = (moment, moment);
    }

    /// Gives the store back, and forgets everything else.
    pub(crate) fn into_store(self) -> Box<dyn Store> {
        self.committer.store
    }

    pub(crate) fn book(&self) -> &Book {
        &self.decider.book
    }
}
