//! The writer without threads, timers or a runtime, for simulators: whoever holds it feeds it batch by batch, and
//! does its jobs. No interface to build on; it changes with the engine.

use crate::acknowledged::HighWater;
use crate::channels::Channels;
use crate::clock::Clock;
use crate::command::{Answered, BooksCommand, Call, Envelope, PreparedCall, Receipt, Refused};
use crate::deliveries::Outbox;
use crate::engine::{BooksPromise, Shared};
use crate::history::HistoryIndex;
use crate::jobs::{Jobs, Notes};
use crate::writer::{Writer, load};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use suanpan_ledger::book::Book;
use suanpan_payments::decision::{ChannelAsk, ChannelOutcome};
use suanpan_payments::settings::Settings;
use suanpan_store::commit::{Head, Job, Lease};
use suanpan_store::{History, Read, Store};
use tokio::sync::oneshot;

pub use crate::writer::{Ended, LoadError};

/// What an engine is made of.
pub struct Parts {
    /// Where it writes.
    pub store: Box<dyn Store>,
    /// Where it reads.
    pub reader: Arc<dyn Read>,
    /// Asked for what is sealed, which nobody adds to.
    pub history: Arc<dyn History>,
    /// The lease, taken already.
    pub held: (Lease, Head),
    /// The clock.
    pub clock: Clock,
    /// What is configured.
    pub settings: Settings,
    /// The channels. They must answer at once.
    pub channels: Channels,
    /// What was acknowledged before.
    pub acknowledged: Option<Receipt>,
}

/// Where the answer to a call comes.
pub type CallPromise = oneshot::Receiver<Result<Answered, Refused>>;

/// A writer that does one batch at a time when told to.
pub struct Single {
    shared: Arc<Shared>,
    notes: Notes,
    writer: Writer,
    waiting: Vec<Envelope>,
}

impl Single {
    /// Loads a cell.
    ///
    /// # Errors
    /// As the engine itself would; nothing is acknowledged then.
    pub fn load(parts: Parts) -> Result<Single, LoadError> {
        let Parts { store, reader, history, held, clock, settings, channels, acknowledged } = parts;
        let (jobs, notes) = Jobs::new();
        let shared = Arc::new(Shared::new(
            reader.clone(),
            HistoryIndex::without_threads(history, reader)?,
            (clock, settings, channels),
            (jobs, Arc::new(Outbox::new())),
            HighWater::holding(None, acknowledged),
        ));
        // The store is asked once about a commit whose end is not known, without waiting.
        let writer = load(shared.clone(), store, held, Duration::ZERO).map_err(|(error, _)| error)?;
        Ok(Single { shared, notes, writer, waiting: Vec::new() })
    }

    /// Puts a call into the next batch.
    pub fn call(&mut self, call: Call, random: [u8; 32]) -> CallPromise {
        let card = self.shared.card(&call, random);
        let account = self.shared.account(&call, random);
        let (reply, answer) = oneshot::channel();
        let call = Box::new(PreparedCall { call, random, card, account, entry: None });
        self.waiting.push(Envelope::Call { call, reply });
        answer
    }

    /// Puts a command for the books into the next batch.
    pub fn books(&mut self, command: BooksCommand) -> BooksPromise {
        let (reply, answer) = oneshot::channel();
        self.waiting.push(Envelope::Books { command, reply });
        answer
    }

    /// Decides, commits and answers everything that was put into this batch.
    ///
    /// # Errors
    /// When this writer has come to its end.
    pub fn step(&mut self) -> Result<(), Ended> {
        let waiting = std::mem::take(&mut self.waiting);
        self.writer.batch(waiting)
    }

    /// Decides everything that was put into this batch on the state that the one before will leave, and commits and
    /// answers only that one. The next step, of either kind, does the rest.
    ///
    /// # Errors
    /// When this writer has come to its end.
    pub fn step_ahead(&mut self) -> Result<(), Ended> {
        let waiting = std::mem::take(&mut self.waiting);
        self.writer.batch_ahead(waiting)
    }

    /// Writes a checkpoint.
    ///
    /// # Errors
    /// When this writer has come to its end.
    pub fn checkpoint(&mut self) -> Result<(), Ended> {
        self.writer.last_checkpoint()
    }

    /// Keeps the newest acknowledgement where it survives this writer, and returns it.
    pub fn keep_acknowledged(&self) -> Option<Receipt> {
        self.shared.high_water.write();
        self.shared.high_water.written()
    }

    /// Returns the jobs that are to be begun right after the last batches.
    pub fn fresh_jobs(&mut self) -> Vec<Job> {
        self.notes.take()
    }

    /// Returns the books as they are committed.
    #[must_use]
    pub fn book(&self) -> &Book {
        self.writer.book()
    }

    /// Asks a channel, or inquires.
    ///
    /// # Panics
    /// When the channel takes time.
    #[must_use]
    pub fn ask(&self, asked: &ChannelAsk, inquire: bool) -> ChannelOutcome {
        let (channels, clock) = (&self.shared.channels, &self.shared.clock);
        let mut answer = Box::pin(async move {
            if inquire { channels.inquire(asked, clock).await } else { channels.ask(asked, clock).await }
        });
        match answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => panic!("a simulated channel answers at once"),
        }
    }
}
