//! The engine as others see it: a handle that many threads share, and the thread that keeps its writer going.

use crate::acknowledged::{self, HighWater};
use crate::admission::Admission;
use crate::channels::Channels;
use crate::clock::Clock;
use crate::command::{
    Answered, BooksAnswer, BooksCommand, Call, Caller, Envelope, PreparedCall, Receipt, Refused, Upkeep,
};
use crate::deliveries::{Attempted, Outbox};
use crate::endpoints::check_url;
use crate::history::HistoryIndex;
use crate::jobs::{JobWorker, Jobs};
use crate::limits::{QUEUE_WEIGHT, TAIL_ENTRIES};
use crate::queue::{NotQueued, Priority, Queue};
use crate::renewal::Renewal;
use crate::watch::Watches;
use crate::writer::{Ended, load};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use suanpan_ledger::book::Book;
use suanpan_payments::command::Command;
use suanpan_payments::decision::{AccountRef, Context, Found, Gathered};
use suanpan_payments::object::bank_agreement::VaultedAccount;
use suanpan_payments::object::payment_method::VaultedCard;
use suanpan_payments::rejection::Rejection;
use suanpan_payments::routing::health::{ALL_WELL, Standings};
use suanpan_payments::settings::Settings;
use suanpan_store::commit::Lease;
use suanpan_store::{Database, Read, Store, StoreError};
use tokio::sync::oneshot;

/// What an engine is started with.
#[derive(Debug, Clone)]
pub struct Config {
    /// The cell that it keeps.
    pub cell: u32,
    /// The name of this process among those that may write: where others reach it, `http://host:port`.
    pub node: String,
    /// How long a lease lasts. A writer that is gone is replaced after that.
    pub lease: Duration,
    /// What is configured about payments.
    pub settings: Settings,
    /// The clock.
    pub clock: Clock,
}

/// Whether this process writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Role {
    /// Another process writes, or may; this one waits for the lease.
    Standby = 0,
    /// This process has the lease and is loading the books.
    Loading = 1,
    /// This process writes.
    Writer = 2,
    /// This process is ending.
    Stopped = 3,
}

/// What the threads of an engine share.
pub(crate) struct Shared {
    pub(crate) queue: Queue<Envelope>,
    pub(crate) reader: Arc<dyn Read>,
    pub(crate) clock: Clock,
    pub(crate) settings: Settings,
    pub(crate) history: Arc<HistoryIndex>,
    pub(crate) jobs: Jobs,
    pub(crate) channels: Channels,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) high_water: HighWater,
    pub(crate) renewal: Renewal,
    pub(crate) admission: Arc<Admission>,
    pub(crate) watches: Watches,
    role: AtomicU8,
    /// Why this process does not write, in words, for whoever asks about its health.
    trouble: Mutex<Option<String>>,
}

impl Shared {
    pub(crate) fn new(
        reader: Arc<dyn Read>,
        history: Arc<HistoryIndex>,
        (clock, settings, channels): (Clock, Settings, Channels),
        (jobs, outbox): (Jobs, Arc<Outbox>),
        high_water: HighWater,
    ) -> Shared {
        Shared {
            queue: Queue::new(QUEUE_WEIGHT),
            reader,
            clock,
            settings,
            history,
            jobs,
            channels,
            outbox,
            high_water,
            renewal: Renewal::new(),
            admission: Admission::new(),
            watches: Watches::default(),
            role: AtomicU8::new(Role::Standby as u8),
            trouble: Mutex::new(None),
        }
    }

    /// Has the card of a call taken in by its vault, where there is one.
    pub(crate) fn card(&self, call: &Call, random: [u8; 32]) -> Option<Result<VaultedCard, Rejection>> {
        let Shared { channels, settings, clock, .. } = self;
        let Caller { merchant, live } = &call.caller;
        let context =
            Context { now: clock.now(), merchant, live: *live, random, settings, standings: &ALL_WELL };
        let source = call.command.needs(&Nothing, &context).card?;
        channels.vault(&source, *live, settings, clock)
    }

    /// Has the account of a call sealed by its vault, where there is one.
    pub(crate) fn account(&self, call: &Call, random: [u8; 32]) -> Option<VaultedAccount> {
        let Shared { channels, settings, clock, .. } = self;
        let Caller { merchant, live } = &call.caller;
        let context =
            Context { now: clock.now(), merchant, live: *live, random, settings, standings: &ALL_WELL };
        let source = call.command.needs(&Nothing, &context).account?;
        channels.seal_account(&source, *live, settings)
    }

    pub(crate) fn role(&self) -> Role {
        match self.role.load(Ordering::Acquire) {
            1 => Role::Loading,
            2 => Role::Writer,
            3 => Role::Stopped,
            _ => Role::Standby,
        }
    }

    fn set_role(&self, role: Role) {
        // Stopped is the end.
        let set = |now| (now != Role::Stopped as u8).then_some(role as u8);
        let _ = self.role.fetch_update(Ordering::AcqRel, Ordering::Acquire, set);
        // While the books are loaded, lines can be made.
        self.channels.want(matches!(self.role(), Role::Writer | Role::Loading));
        if self.role() != Role::Writer {
            self.watches.tell_all();
        }
    }

    fn set_trouble(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }
}

/// Where the answer to a command for the books comes.
pub type BooksPromise = oneshot::Receiver<Result<(BooksAnswer, Receipt), Refused>>;

/// A handle to the engine; clones are the same engine.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Engine {
    /// Starts the engine over a database: it takes the lease as soon as nobody has it, loads, and writes.
    /// Must be called within a runtime of tokio, which does the jobs.
    ///
    /// The newest acknowledgement is kept beside a file of SQLite, as `cell.sqlite.acknowledged`; see
    /// [`Engine::start_keeping`].
    ///
    /// # Errors
    /// When the database cannot be used at all.
    pub fn start(database: &Database, channels: Channels, config: Config) -> Result<Engine, StoreError> {
        Engine::start_keeping(database, channels, config, acknowledged::beside(database))
    }

    /// Starts the engine, and keeps its newest acknowledgement in a file: a database that has forgotten what was
    /// acknowledged is not written ([`Fork`](crate::Fork)). Each process needs a file of its own, on a disk that is
    /// not restored together with the database. Without one, only what this process itself has seen is checked.
    ///
    /// # Errors
    /// When the database cannot be used at all, or the file is something else.
    pub fn start_keeping(
        database: &Database,
        channels: Channels,
        config: Config,
        acknowledged: Option<PathBuf>,
    ) -> Result<Engine, StoreError> {
        Engine::start_sealing(database, channels, config, acknowledged, TAIL_ENTRIES)
    }

    /// Starts the engine with tails of the history that are sealed after so many entries. For tests: small ones show
    /// in a second what else takes millions of entries.
    ///
    /// # Errors
    /// As [`Engine::start_keeping`].
    #[doc(hidden)]
    pub fn start_sealing(
        database: &Database,
        channels: Channels,
        config: Config,
        acknowledged: Option<PathBuf>,
        tail_entries: u64,
    ) -> Result<Engine, StoreError> {
        let reader = database.reader();
        let (jobs, notes) = Jobs::new();
        let history = HistoryIndex::open(database.history()?, reader.clone(), tail_entries)?;
        let shared = Arc::new(Shared::new(
            reader,
            history,
            (config.clock.clone(), config.settings.clone(), channels),
            (jobs, Arc::new(Outbox::new())),
            HighWater::open(acknowledged)?,
        ));
        let engine = Engine { shared: shared.clone(), thread: Arc::new(Mutex::new(None)) };
        let (writer, second) = (database.writer()?, database.writer()?);
        let (renewal, ttl) = (shared.renewal.clone(), config.lease);
        let keeper = Keeper { shared, config };
        let thread = spawn("writer", move || keeper.run(writer))?;
        // It ends with the writer.
        spawn("renewal", move || renewal.run(second, ttl))?;
        *engine.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        tokio::spawn(JobWorker::new(engine.clone(), notes).run());
        Ok(engine)
    }

    /// Does what a call asks for and waits until it is committed, and until the channel has answered where one
    /// is asked.
    ///
    /// # Errors
    /// See [`Refused`]. After `Unknown` the same call under the same key tells what became of it.
    pub async fn call(&self, call: Call) -> Result<Answered, Refused> {
        let priority = priority(&call.command);
        check_url(&call.command, call.caller.live, self.shared.settings.private_webhooks)?;
        let entry = match priority {
            Priority::Normal => Some(self.shared.admission.enter().ok_or_else(|| self.shared.queue.full())?),
            Priority::High | Priority::Bulk => None,
        };
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(|error| Refused::Unavailable(error.to_string()))?;
        let card = self.shared.card(&call, random);
        let account = self.shared.account(&call, random);
        let (reply, answer) = oneshot::channel();
        let call = Box::new(PreparedCall { call, random, card, account, entry });
        self.push(priority, Envelope::Call { call, reply })?;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }

    /// Does what a command for the books asks for and waits until it is committed.
    ///
    /// # Errors
    /// See [`Refused`]. After `Unknown` the same entries under the same ids tell what became of them.
    pub async fn books(&self, command: BooksCommand) -> Result<(BooksAnswer, Receipt), Refused> {
        self.books_later(command)?.await.unwrap_or_else(|_| Err(gone()))
    }

    /// Does the same from a thread that may block.
    ///
    /// # Errors
    /// As [`Engine::books`].
    pub fn books_blocking(&self, command: BooksCommand) -> Result<(BooksAnswer, Receipt), Refused> {
        self.books_later(command)?.blocking_recv().unwrap_or_else(|_| Err(gone()))
    }

    /// Hands a command for the books over, and returns where its answer will come.
    ///
    /// # Errors
    /// When it was not taken in.
    pub fn books_later(&self, command: BooksCommand) -> Result<BooksPromise, Refused> {
        let (reply, answer) = oneshot::channel();
        self.push(Priority::Bulk, Envelope::Books { command, reply })?;
        Ok(answer)
    }

    /// Asks something of the books as they are committed, and returns it with the record up to which it holds.
    ///
    /// # Errors
    /// `NotQueued` when this process does not write, or too much waits.
    pub async fn query<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Book) -> T + Send + 'static,
    ) -> Result<(T, Receipt), Refused> {
        let (reply, answer) = oneshot::channel();
        let query = Envelope::Query(Box::new(move |committed| {
            let answer = (ask(committed.book), committed.receipt);
            Box::new(move || drop(reply.send(answer)))
        }));
        self.push(Priority::High, query)?;
        answer.await.map_err(|_| gone())
    }

    /// Returns how channels stand for the payments that are decided now.
    ///
    /// # Errors
    /// As [`Engine::query`].
    pub async fn standings(&self) -> Result<Standings, Refused> {
        let (reply, answer) = oneshot::channel();
        let query = Envelope::Query(Box::new(move |committed| {
            let standings = committed.standings.clone();
            Box::new(move || drop(reply.send(standings)))
        }));
        self.push(Priority::High, query)?;
        answer.await.map_err(|_| gone())
    }

    /// Writes what an attempt to deliver an event left behind.
    pub(crate) async fn attempted(&self, attempted: Attempted) -> Result<(), Refused> {
        self.upkeep(Upkeep::Attempted(Box::new(attempted))).await
    }

    /// Takes jobs away that can never be done.
    pub(crate) async fn drop_jobs(&self, ids: Vec<String>) -> Result<(), Refused> {
        self.upkeep(Upkeep::Drop(ids)).await
    }

    pub(crate) async fn upkeep(&self, upkeep: Upkeep) -> Result<(), Refused> {
        let (reply, answer) = oneshot::channel();
        self.push(Priority::Normal, Envelope::Upkeep { upkeep, reply })?;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    fn push(&self, priority: Priority, envelope: Envelope) -> Result<(), Refused> {
        match self.shared.role() {
            Role::Writer | Role::Loading => {}
            Role::Standby => return Err(Refused::Standby),
            Role::Stopped => return Err(NotQueued::Closed.into()),
        }
        let weight = envelope.weight();
        self.shared.queue.push(priority, weight, envelope).map_err(|(_, why)| why.into())
    }

    /// Says whether the journal has the record of a receipt, so that what its holder was told still stands. Blocks.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn contains(&self, receipt: &Receipt) -> Result<bool, StoreError> {
        let cell = self.shared.reader.standing()?.map(|standing| standing.lease.cell);
        Ok(cell == Some(receipt.cell) && acknowledged::has(self.shared.reader.as_ref(), receipt)?)
    }

    /// Returns the reader of what is committed. Its calls block.
    #[must_use]
    pub fn reader(&self) -> &Arc<dyn Read> {
        &self.shared.reader
    }

    /// Returns the history of accounts.
    #[must_use]
    pub fn history(&self) -> &Arc<HistoryIndex> {
        &self.shared.history
    }

    /// Returns the channels.
    pub(crate) fn channels(&self) -> &Channels {
        &self.shared.channels
    }

    /// Returns the clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// Returns what is configured about payments.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// Returns whether this process writes.
    #[must_use]
    pub fn role(&self) -> Role {
        self.shared.role()
    }

    /// Returns why this process does not write although it should, in words.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns how much waits in the queue, in entries.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared.queue.waiting()
    }

    /// Takes nothing more in, finishes what waits, and gives the lease back. Blocks until that is done.
    pub fn stop(&self) {
        self.shared.queue.close();
        self.shared.history.stop_soon();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            if self.shared.role() == Role::Standby {
                self.shared.set_role(Role::Stopped);
            }
            let _ = thread.join();
        }
        self.shared.set_role(Role::Stopped);
        self.shared.history.stop();
    }
}

/// What ends something goes before what begins something.
fn priority(command: &Command) -> Priority {
    match command {
        Command::Outcome { .. }
        | Command::Action { .. }
        | Command::Expire { .. }
        | Command::ExpireCheckoutSession { .. }
        | Command::LatePayment { .. }
        | Command::CapturePaymentIntent { .. }
        | Command::CancelPaymentIntent { .. }
        | Command::ConfirmBankAgreement { .. } => Priority::High,
        _ => Priority::Normal,
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work);
    thread.map_err(|error| StoreError::Unavailable { at: name.to_owned(), reason: error.to_string() })
}

/// What is known before anything was looked up.
struct Nothing;

impl Gathered for Nothing {
    fn object(&self, _: &str) -> Option<Found<'_>> {
        None
    }

    fn link(&self, _: &str, _: &str) -> Option<&str> {
        None
    }

    fn card(&self) -> Option<&Result<VaultedCard, Rejection>> {
        None
    }

    fn available(&self, _: &AccountRef) -> Option<u64> {
        None
    }
}

/// Whoever was to answer is gone, with what it knew.
fn gone() -> Refused {
    Refused::Unknown("the writer ended before it answered".to_owned())
}

/// Keeps a writer going for as long as the process wants to write.
struct Keeper {
    shared: Arc<Shared>,
    config: Config,
}

impl Keeper {
    fn run(&self, mut store: Box<dyn Store>) {
        let Config { cell, node, lease: ttl, .. } = &self.config;
        while !self.shared.queue.is_closed() {
            let began = Instant::now();
            match store.acquire(*cell, node, *ttl) {
                Ok(held) => {
                    self.shared.set_role(Role::Loading);
                    let Some(again) = self.write(store, held, began) else { return };
                    store = again;
                }
                Err(StoreError::Held { holder, .. }) => {
                    tracing::debug!(holder, "another process writes");
                    self.stand_by();
                    self.wait(*ttl / 5);
                }
                Err(error) => {
                    tracing::error!(%error, "the lease could not be taken");
                    self.unavailable(&error.to_string());
                    self.wait(*ttl / 5);
                }
            }
        }
    }

    /// Loads under a lease that was asked for at a moment, and writes until that ends; returns the store to go on
    /// with, none when all is over.
    fn write(
        &self,
        store: Box<dyn Store>,
        held: (Lease, suanpan_store::commit::Head),
        began: Instant,
    ) -> Option<Box<dyn Store>> {
        self.shared.renewal.begin(held.0, began);
        let loaded = load(self.shared.clone(), store, held, self.config.lease);
        let renewed = self.shared.renewal.end();
        let mut writer = match loaded {
            Ok(writer) => writer,
            Err((error, store)) => {
                tracing::error!(%error, "the books could not be loaded");
                self.unavailable(&error.to_string());
                self.wait(self.config.lease / 5);
                return Some(store);
            }
        };
        writer.renewed_at(renewed);
        self.shared.set_trouble(None);
        self.shared.set_role(Role::Writer);
        self.shared.jobs.reset();
        self.shared.outbox.reset();
        let ended = writer.run();
        let store = writer.into_store();
        match &ended {
            Ended::Stopped => {
                tracing::info!("stopped writing");
                self.shared.set_role(Role::Stopped);
                return None;
            }
            Ended::Fenced(why) => {
                tracing::warn!(why, "another process took over; standing by");
                self.stand_by();
            }
            Ended::Reload(why) => {
                tracing::error!(why, "the books are loaded anew");
                metrics::counter!("suanpan_writer_reloads_total").increment(1);
                self.shared.set_trouble(Some(why.clone()));
                self.shared.set_role(Role::Loading);
            }
        }
        Some(store)
    }

    /// Says to all that wait that nothing can be done now, and why.
    fn unavailable(&self, why: &str) {
        self.shared.set_trouble(Some(why.to_owned()));
        for envelope in self.shared.queue.take_all() {
            envelope.fail(Refused::Unavailable(why.to_owned()));
        }
    }

    /// Says to all that wait that another process writes.
    fn stand_by(&self) {
        self.shared.set_role(Role::Standby);
        self.shared.set_trouble(self.watch().err());
        for envelope in self.shared.queue.take_all() {
            envelope.fail(Refused::Standby);
        }
    }

    /// Notes how far the other process has got, so that it is missed if the database forgets it. When it has
    /// forgotten something already, that is kept as the evidence and told.
    fn watch(&self) -> Result<(), String> {
        let Shared { reader, high_water, .. } = self.shared.as_ref();
        let standing = reader.standing().map_err(|error| error.to_string())?;
        let Some(standing) = standing else { return Ok(()) };
        let (Lease { cell, epoch }, head) = (standing.lease, standing.head);
        let checked = high_water.check(cell, &head, reader.as_ref()).map_err(|error| error.to_string())?;
        checked.map_err(|fork| fork.to_string())?;
        high_water.note(Receipt { cell, epoch, seq: head.seq, hash: head.hash });
        high_water.write_when_due();
        Ok(())
    }

    fn wait(&self, how_long: Duration) {
        std::thread::sleep(how_long.clamp(Duration::from_millis(20), Duration::from_secs(1)));
    }
}

/// However the writer ends, nobody waits for it any longer.
impl Drop for Keeper {
    fn drop(&mut self) {
        self.shared.renewal.stop();
        self.shared.high_water.write();
        self.shared.queue.close();
        for envelope in self.shared.queue.take_all() {
            envelope.fail(NotQueued::Closed.into());
        }
        self.shared.set_role(Role::Stopped);
    }
}

#[cfg(test)]
mod tests;
