//! An engine whose channels lie outside: over real sockets, with simulators at their ends.

use crate::world::{CELL, NOON, body, call, objects_of};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use suanpan_engine::{Channels, Clock, Config, Engine, Refused, Role, Way};
use suanpan_money::Timestamp;
use suanpan_payments::command::Command;
use suanpan_payments::rejection::Rejection;
use suanpan_payments::settings::Settings;
use suanpan_store::{Database, open};
use tokio::runtime::Runtime;

pub(crate) const SOON: Duration = Duration::from_secs(30);
/// Much shorter than a network's, so that lost answers do not take the test's time.
pub(crate) const PATIENCE: Duration = Duration::from_millis(300);

/// The engine, with a clock that stands until it is moved.
pub(crate) struct Outside {
    pub(crate) clock: Clock,
    pub(crate) runtime: Runtime,
    pub(crate) engine: Engine,
    database: Database,
    settings: Settings,
}

impl Outside {
    /// Starts an engine with a way that is made within its runtime.
    pub(crate) fn new(
        way: impl FnOnce(&Runtime, &Clock) -> Way,
        change: impl FnOnce(&mut Settings),
    ) -> Outside {
        let clock = Clock::manual(Timestamp::from_seconds(NOON));
        let mut settings = Settings::with_simulator([7; 32], "http://127.0.0.1:8080");
        change(&mut settings);
        let database = open("sqlite::memory:").unwrap();
        let runtime = workers();
        let engine = {
            let _within = runtime.enter();
            let way = way(&runtime, &clock);
            start(&database, way, &settings, &clock)
        };
        let outside = Outside { clock, runtime, engine, database, settings };
        outside.until("the engine writes", || outside.engine.role() == Role::Writer);
        outside
    }

    /// Ends the engine with all that it was doing, and starts another over the same store. Whoever waited for a channel is
    /// not answered, and requests under way are forgotten.
    pub(crate) fn restart(&mut self, way: impl FnOnce(&Clock) -> Way) {
        // First the jobs, so that none comes to its end.
        std::mem::replace(&mut self.runtime, workers()).shutdown_background();
        self.engine.stop();
        self.engine = {
            let _within = self.runtime.enter();
            start(&self.database, way(&self.clock), &self.settings, &self.clock)
        };
        self.until("the engine writes again", || self.engine.role() == Role::Writer);
    }

    pub(crate) fn until(&self, what: &str, mut so: impl FnMut() -> bool) {
        let began = Instant::now();
        while !so() {
            assert!(began.elapsed() < SOON, "not in time: {what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn answer(&self, command: Command) -> (u16, Value) {
        match self.runtime.block_on(self.engine.call(call(None, command))) {
            Ok(answered) => (answered.status, body(&answered)),
            Err(refused) => (0, json!(refused.to_string())),
        }
    }

    pub(crate) fn done(&self, command: Command) -> Value {
        let (status, body) = self.answer(command);
        assert_eq!(status, 200, "{body}");
        body
    }

    /// Does many calls, so many at once, and waits until each is answered. While channels rest nothing is under way, so
    /// that the clock may be moved on.
    pub(crate) fn all(&self, commands: Vec<Command>, at_once: usize) {
        let mut waiting = VecDeque::from(commands);
        while !waiting.is_empty() {
            let some: Vec<_> = waiting
                .drain(..at_once.min(waiting.len()))
                .map(|command| {
                    let engine = self.engine.clone();
                    self.runtime.spawn(async move {
                        let answered = until_answered(&engine, &command).await;
                        (!answered).then_some(command)
                    })
                })
                .collect();
            let refused: Vec<_> =
                some.into_iter().filter_map(|it| self.runtime.block_on(it).unwrap()).collect();
            if !refused.is_empty() {
                self.clock.advance_seconds(16);
            }
            waiting.extend(refused);
        }
    }

    pub(crate) fn intents(&self) -> Vec<Value> {
        self.list("payment_intent")
    }

    pub(crate) fn list(&self, kind: &str) -> Vec<Value> {
        objects_of(&self.engine, kind)
    }

    /// An object as it is stored now.
    pub(crate) fn object(&self, id: &str) -> Value {
        let found = self.engine.reader().objects(&[id]).unwrap().remove(0).unwrap();
        serde_json::from_str(&found.body).unwrap()
    }

    /// Moves the clock until all payments are settled. Inquiries wait for seconds that double.
    pub(crate) fn settle(&self, payments: usize, seconds: i64) {
        let settled = |it: &&Value| {
            let status = it["status"].as_str().unwrap();
            ["succeeded", "requires_payment_method", "canceled"].contains(&status)
        };
        let began = Instant::now();
        loop {
            let intents = self.intents();
            let open = intents.len() - intents.iter().filter(settled).count();
            if intents.len() == payments && open == 0 {
                return;
            }
            assert!(began.elapsed() < 3 * SOON, "{open} of {} are open", intents.len());
            self.clock.advance_seconds(seconds);
            std::thread::sleep(Duration::from_millis(400));
        }
    }

    /// What the books say that a channel owes us, in minor units.
    pub(crate) fn owed(&self, channel: &str) -> i128 {
        let path = format!("test/channel/{channel}/receivable");
        let ask = self.engine.query(move |book| {
            book.accounts_and_balances()
                .filter(|(account, _)| account.spec.path == path)
                .map(|(account, sums)| sums.posted(account.spec.kind))
                .sum()
        });
        self.runtime.block_on(ask).unwrap().0
    }
}

fn workers() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Starts an engine; must be called within a runtime.
fn start(database: &Database, way: Way, settings: &Settings, clock: &Clock) -> Engine {
    let config = Config {
        cell: CELL,
        node: "node-a".to_owned(),
        lease: Duration::from_secs(10),
        settings: settings.clone(),
        clock: clock.clone(),
    };
    Engine::start(database, Channels::new(vec![way]), config).unwrap()
}

impl Drop for Outside {
    fn drop(&mut self) {
        self.engine.stop();
    }
}

/// Calls again while the engine is too busy to take the call. Returns whether it was answered: not while channels rest.
async fn until_answered(engine: &Engine, command: &Command) -> bool {
    let began = Instant::now();
    loop {
        match engine.call(call(None, command.clone())).await {
            Ok(_) => return true,
            Err(Refused::Rule(Rejection::ChannelsResting { .. })) => return false,
            Err(_) => assert!(began.elapsed() < SOON, "not in time: an answer"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
