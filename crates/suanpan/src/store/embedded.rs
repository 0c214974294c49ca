//! An engine in this process, for commands that write: it takes the lease, and gives it back at the end.

use super::trouble::at_store;
use crate::error::Trouble;
use std::time::{Duration, Instant};
use suanpan_engine::{
    BooksAnswer, BooksCommand, Call, Channels, Clock, Config, Engine, NotQueued, Receipt, Refused, Role,
};
use suanpan_ledger::book::Book;
use suanpan_payments::settings::Settings;
use suanpan_store::{Database, StoreError};
use tokio::runtime::{Builder, Runtime};

/// How long the lease of a command lasts. It renews it; a server waits so long when the command is killed.
const LEASE: Duration = Duration::from_secs(5);
/// How long loading the books may take before something must be wrong.
const LOADING_MAX: Duration = Duration::from_secs(600);

/// An engine that only does what commands ask of it: jobs of payments wait for a server.
pub(crate) struct Embedded {
    engine: Engine,
    /// The engine leaves its worker of jobs here, where nothing ever runs.
    _jobs: Runtime,
    runtime: Runtime,
}

impl Embedded {
    /// Takes the lease of a store and loads the books. `settings` are needed by commands about payments only.
    pub(crate) fn start(
        database: &Database,
        cell: Option<u32>,
        settings: Option<Settings>,
    ) -> Result<Embedded, Trouble> {
        let cell = match cell {
            Some(cell) => cell,
            None => database.reader().standing().map_err(at_store)?.map_or(1, |standing| standing.lease.cell),
        };
        let node = process_name()?;
        // Asked for once here, so that a lease which somebody else holds is told at once; the engine would wait.
        database.writer().and_then(|mut store| store.acquire(cell, &node, LEASE)).map_err(at_store)?;
        let config = Config {
            cell,
            node,
            lease: LEASE,
            settings: settings.unwrap_or_else(|| Settings::with_simulator([0; 32], "")),
            clock: Clock::system(),
        };
        let (jobs, runtime) = (runtime()?, runtime()?);
        let engine = {
            let _within = jobs.enter();
            Engine::start(database, Channels::default(), config).map_err(at_store)?
        };
        let embedded = Embedded { engine, _jobs: jobs, runtime };
        embedded.wait(database.place())?;
        Ok(embedded)
    }

    fn wait(&self, place: &str) -> Result<(), Trouble> {
        let began = Instant::now();
        loop {
            if self.engine.role() == Role::Writer {
                return Ok(());
            }
            if let Some(why) = self.engine.trouble() {
                return Err(super::damaged(place, why));
            }
            if began.elapsed() > LOADING_MAX {
                return Err(at_store(StoreError::Unavailable {
                    at: place.to_owned(),
                    reason: "the books were not loaded in ten minutes".to_owned(),
                }));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Does something with the books and waits until it is durable.
    pub(crate) fn books(&self, command: BooksCommand) -> Result<(BooksAnswer, Receipt), Trouble> {
        self.engine.books_blocking(command).map_err(refused)
    }

    /// Does something about payments and waits until it is durable; returns the answer as JSON.
    pub(crate) fn call(&self, call: Call) -> Result<Vec<u8>, Trouble> {
        self.runtime.block_on(self.engine.call(call)).map(|answered| answered.body).map_err(refused)
    }

    /// Asks something of the books.
    pub(crate) fn query<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Book) -> T + Send + 'static,
    ) -> Result<T, Trouble> {
        self.runtime.block_on(self.engine.query(ask)).map(|(answer, _)| answer).map_err(refused)
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.engine.stop();
    }
}

fn runtime() -> Result<Runtime, Trouble> {
    Builder::new_current_thread().enable_all().build().map_err(|error| {
        Trouble::new("threads", format!("the system gives no more threads or descriptors: {error}"))
            .at("this process")
            .next("raise the limits of this user: ulimit -a")
    })
}

/// Returns a name that no other process has, for the holder of a lease.
fn process_name() -> Result<String, Trouble> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(no_random)?;
    let random = u64::from_le_bytes(random);
    Ok(format!("suanpan (process {}, {random:016x})", std::process::id()))
}

fn no_random(error: getrandom::Error) -> Trouble {
    Trouble::new("random", format!("the system gives no random bytes: {error}"))
        .at("getrandom")
        .next("check that this process may use it")
}

/// Says why the engine did not do something.
pub(crate) fn refused(why: Refused) -> Trouble {
    let what = why.to_string();
    let (code, next) = match &why {
        Refused::Rule(rejection) => (rejection.code(), "correct the command".to_owned()),
        Refused::Books(rejection) => (rejection.code(), "see docs/guide/books.md".to_owned()),
        Refused::Batch(_) => ("batch", "make the batches smaller: --batch".to_owned()),
        Refused::KeyReused | Refused::KeyInUse => ("idempotency", "use another key".to_owned()),
        Refused::NotQueued(NotQueued::Full { .. }) => ("queue_full", "try again in a moment".to_owned()),
        Refused::NotQueued(NotQueued::Closed) | Refused::Standby => {
            ("lease_lost", "another process took over: try again, or ask it over HTTP".to_owned())
        }
        Refused::Unavailable(_) => (
            "store_unavailable",
            "nothing was done: check disk and database, then send the same again".to_owned(),
        ),
        Refused::Unknown(_) => {
            ("store_unknown", "send the same again: what is there already is passed over".to_owned())
        }
    };
    Trouble::new(code, what).at("the engine").next(next).because(why)
}
