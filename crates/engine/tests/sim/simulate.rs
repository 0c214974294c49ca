//! One run: two processes over one store that breaks, clients that insist, a wire that loses, and an auditor.
//!
//! One thread and no real time: everything follows from the seed, so that a run can be repeated exactly.

mod auditor;
mod clients;
mod numbers;
mod store;
mod wire;

pub(crate) use auditor::Summary;
pub(crate) use store::Lie;

use clients::{Clients, Said};
use numbers::Numbers;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use store::{Disk, Faults, NO_FAULTS, NoHistory, SimStore, State};
use suanpan_channels::card_sim::{CardSim, Host, HostSettings};
use suanpan_engine::simulation::{CallPromise, LoadError, Parts, Single};
use suanpan_engine::{BooksCommand, BooksPromise, Call, Caller, Channels, Clock, Fork, Receipt, Way};
use suanpan_money::Timestamp;
use suanpan_payments::command::Command;
use suanpan_payments::decision::{ChannelAsk, ChannelOutcome, JobBody};
use suanpan_payments::settings::Settings;
use suanpan_store::commit::Job;
use suanpan_store::{Read, Store};

const CELL: u32 = 7;
const NOON: i64 = 1_790_000_000;
const NODES: [&str; 2] = ["node-a", "node-b"];
/// Steps before everything is repaired.
const STEPS: u64 = 55;
/// Rounds after that, in which everything must come to its end.
const ROUNDS: u32 = 60;

/// How a run is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) seed: u64,
    pub(crate) lie: Option<Lie>,
    /// Says every step as it is done.
    pub(crate) loud: bool,
}

/// What came of a run.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Outcome {
    pub(crate) summary: Summary,
    pub(crate) crashes: u64,
    pub(crate) fences: u64,
    pub(crate) forks: u64,
    /// A digest of the final store: two runs of a seed must agree.
    pub(crate) digest: u64,
}

enum Promise {
    Books(BooksPromise),
    Call(CallPromise),
    /// The answer to what a job brought; nobody waits for it.
    Job(CallPromise),
}

/// A process that believes to be the writer.
struct Node {
    single: Single,
    under_way: Vec<(usize, Promise)>,
    asks: Vec<(ChannelAsk, bool)>,
    outcomes: Vec<(ChannelAsk, ChannelOutcome)>,
}

struct Sim {
    numbers: Numbers,
    clock: Clock,
    disk: Arc<Mutex<Disk>>,
    wire: Arc<wire::BadWire>,
    host: Arc<Host>,
    nodes: [Option<Node>; 2],
    /// What each process keeps outside the database.
    kept: [Option<Receipt>; 2],
    clients: Clients,
    /// The database as it was at some moments.
    backups: Vec<State>,
    loud: bool,
    outcome: Outcome,
}

/// Does a run.
///
/// # Errors
/// What the auditor found.
pub(crate) fn run(run: Run) -> Result<Outcome, String> {
    let mut sim = Sim::new(run);
    let done = sim.all();
    sim.say_log();
    done?;
    Ok(sim.outcome)
}

impl Sim {
    fn new(Run { seed, lie, loud }: Run) -> Sim {
        let mut numbers = Numbers::new(seed.wrapping_mul(0x9e37_79b9).wrapping_add(seed));
        // Some runs break much, some little: a fault in every second step hides what needs a long quiet run.
        let rate = [2, 10, 30, 80][numbers.place(4)];
        let faults =
            Faults { unknown_done: rate, unknown_lost: rate, unavailable: rate, crash: rate, read: rate / 4 };
        let host = Arc::new(Host::new(HostSettings::default()));
        let wire = Arc::new(wire::BadWire::new(host.clone(), numbers.fork()));
        Sim {
            disk: Disk::new(numbers.fork(), faults, lie),
            clock: Clock::manual(Timestamp::from_seconds(NOON)),
            wire,
            host,
            nodes: [None, None],
            kept: [None; 2],
            clients: Clients::new(),
            backups: Vec::new(),
            loud,
            outcome: Outcome::default(),
            numbers,
        }
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().expect("one thread")
    }

    fn say(&self, what: impl FnOnce() -> String) {
        if self.loud {
            self.say_log();
            let text = what();
            self.disk().log.push(text);
            self.say_log();
        }
    }

    #[expect(clippy::print_stdout, reason = "whoever repeats a seed wants to see it")]
    fn say_log(&self) {
        let log = std::mem::take(&mut self.disk().log);
        for line in log.iter().filter(|_| self.loud) {
            println!("{:>12} {line}", self.clock.now().micros() - NOON * 1_000_000);
        }
    }

    fn all(&mut self) -> Result<(), String> {
        for step in 0..STEPS {
            self.step().map_err(|why| format!("step {step}: {why}"))?;
            self.disk().log.truncate(if self.loud { usize::MAX } else { 0 });
        }
        self.settle()?;
        let node = self.nodes.iter().flatten().next().ok_or("nobody writes in the end")?;
        let disk = self.disk.lock().expect("one thread");
        let book = node.single.book();
        self.outcome.summary = auditor::audit(&disk.state, book, &self.clients, &self.host)?;
        let hash = disk.state.head.map_or([0; 32], |head| head.hash);
        self.outcome.digest = u64::from_le_bytes(hash[..8].try_into().expect("eight"));
        Ok(())
    }

    fn step(&mut self) -> Result<(), String> {
        let now = self.clock.now();
        for _ in 0..self.numbers.below(3) {
            self.clients.ask(&mut self.numbers, now);
        }
        let node = self.numbers.place(2);
        match self.numbers.below(1_000) {
            0..620 => {
                if self.nodes.iter().all(Option::is_none) {
                    return self.start(node);
                }
                let node = if self.nodes[node].is_some() { node } else { 1 - node };
                return self.batch(node);
            }
            620..770 => self.channel(node),
            770..860 => self.look(node),
            860..900 => {
                self.wire.deliver_late();
            }
            900..940 => {
                let seconds = [1, 3, 61, 200, 4_000, 8 * 86_400][self.numbers.place(6)];
                self.say(|| format!("{seconds} s go by"));
                self.clock.advance_seconds(seconds);
            }
            940..955 => self.crash(node, "killed"),
            955..970 => {
                // The other may still believe to be the writer.
                if self.nodes[node].is_none() {
                    return self.start(node);
                }
            }
            970..980 => {
                let ended = self.nodes[node].as_mut().map(|node| node.single.checkpoint());
                if let Some(Err(ended)) = ended {
                    return self.ended(node, &ended.to_string());
                }
            }
            980..990 => self.keep(node),
            _ => return self.forget(node),
        }
        Ok(())
    }

    /// Keeps what was acknowledged outside the database, as each process does now and then.
    fn keep(&mut self, node: usize) {
        match &self.nodes[node] {
            Some(running) => self.kept[node] = running.single.keep_acknowledged(),
            None => {
                // A standby notes what it sees.
                if let Ok(Some(standing)) = self.reader().standing()
                    && self.kept[node].is_none_or(|kept| kept.seq <= standing.head.seq)
                    && self.disk().is_settled()
                {
                    let (epoch, head) = (standing.lease.epoch, standing.head);
                    self.kept[node] = Some(Receipt { cell: CELL, epoch, seq: head.seq, hash: head.hash });
                }
            }
        }
    }

    fn reader(&self) -> SimStore {
        SimStore { disk: self.disk.clone() }
    }

    /// Starts a process: it takes the lease and loads.
    fn start(&mut self, node: usize) -> Result<(), String> {
        self.say(|| format!("{} starts", NODES[node]));
        match self.load(node, self.kept[node]) {
            Ok(single) => {
                let (under_way, asks, outcomes) = (Vec::new(), Vec::new(), Vec::new());
                self.nodes[node] = Some(Node { single, under_way, asks, outcomes });
                self.kept[node] = self.nodes[node].as_ref().and_then(|node| node.single.keep_acknowledged());
                Ok(())
            }
            Err(LoadError::Store(suanpan_store::StoreError::Unavailable { .. })) => Ok(()),
            Err(error) => Err(format!("{} cannot load: {error}", NODES[node])),
        }
    }

    fn load(&mut self, node: usize, acknowledged: Option<Receipt>) -> Result<Single, LoadError> {
        let mut store = self.reader();
        let held = store.acquire(CELL, NODES[node], Duration::from_secs(10))?;
        let way = Way::Near(Arc::new(CardSim), self.wire.clone());
        Single::load(Parts {
            store: Box::new(store),
            reader: Arc::new(self.reader()),
            history: Arc::new(NoHistory),
            held,
            clock: self.clock.clone(),
            settings: Settings::with_simulator([7; 32], "http://127.0.0.1"),
            channels: Channels::new(vec![way]),
            acknowledged,
        })
    }

    /// A process ends without a word. The database may go down with it.
    fn crash(&mut self, node: usize, why: &str) {
        if let Some(gone) = self.nodes[node].take() {
            self.say(|| format!("{} {why}", NODES[node]));
            self.outcome.crashes += 1;
            self.forget_promises(gone);
        }
        if self.numbers.chance(300) {
            self.disk().power_cut();
        }
    }

    fn forget_promises(&mut self, gone: Node) {
        for (at, promise) in gone.under_way {
            if !matches!(promise, Promise::Job(_)) {
                self.clients.lost(at);
            }
        }
    }

    /// A process cannot go on, and says so to all that wait.
    fn ended(&mut self, node: usize, why: &str) -> Result<(), String> {
        let crashed = std::mem::take(&mut self.disk().crashed);
        if crashed {
            self.crash(node, "died within a commit");
            return Ok(());
        }
        self.say(|| format!("{} ended: {why}", NODES[node]));
        self.outcome.fences += u64::from(why.contains("another process"));
        if let Some(gone) = self.nodes[node].take() {
            // The process lives on, and with it all that it remembers.
            self.kept[node] = gone.single.keep_acknowledged();
            let Node { single, under_way, .. } = gone;
            drop(single);
            self.collect(under_way, true);
        }
        Ok(())
    }

    /// Sends requests to a process, some of them twice and in any order, and has it do one batch.
    fn batch(&mut self, at: usize) -> Result<(), String> {
        let mut open = self.clients.open();
        if !self.clients.acks.is_empty() && self.numbers.chance(100) {
            // Somebody asks for what was answered long ago.
            let ack = &self.clients.acks[self.numbers.place(self.clients.acks.len())];
            if !matches!(ack.said, Said::Refused(_)) {
                open.push(ack.request);
            }
        }
        let node = self.nodes[at].as_mut().expect("the caller looked");
        let waiting = |request: usize, node: &Node| node.under_way.iter().any(|(at, _)| *at == request);
        let mut sent: Vec<usize> = Vec::new();
        for request in open {
            let twice = self.numbers.chance(60);
            if (!waiting(request, node) || twice) && self.numbers.chance(700) {
                sent.extend(std::iter::repeat_n(request, if twice { 2 } else { 1 }));
            }
        }
        for place in (1..sent.len()).rev() {
            sent.swap(place, self.numbers.place(place + 1));
        }
        for &request in sent.iter().take(12) {
            let promise = match (self.clients.command(request), self.clients.call(request)) {
                (Some(command), _) => Promise::Books(node.single.books(command)),
                (None, Some(call)) => Promise::Call(node.single.call(call, self.numbers.bytes())),
                (None, None) => continue,
            };
            node.under_way.push((request, promise));
            self.clients.requests[request].copies += 1;
        }
        let outcomes = std::mem::take(&mut node.outcomes);
        for (ask, outcome) in outcomes {
            if self.numbers.chance(250) {
                node.outcomes.push((ask, outcome));
                continue;
            }
            let times = if self.numbers.chance(100) { 2 } else { 1 };
            for _ in 0..times {
                let (ask, outcome) = (ask.clone(), outcome.clone());
                let call = job_call(&ask.merchant, ask.live, Command::Outcome { ask: ask.clone(), outcome });
                node.under_way.push((0, Promise::Job(node.single.call(call, self.numbers.bytes()))));
            }
        }
        if self.loud {
            let text = format!("{} does a batch of {:?}", NODES[at], &sent);
            self.disk.lock().expect("one thread").log.push(text);
        }
        // Some are decided while the one before is not committed yet.
        let ahead = self.numbers.chance(500);
        let ended = if ahead { node.single.step_ahead() } else { node.single.step() };
        if let Err(ended) = ended {
            return self.ended(at, &ended.to_string());
        }
        for job in node.single.fresh_jobs() {
            node.asks.push((ask_of(&job), false));
        }
        let under_way = std::mem::take(&mut node.under_way);
        let left = self.collect(under_way, false);
        if self.numbers.chance(100) && self.disk().is_settled() {
            let backup = self.disk().state.clone();
            self.backups.push(backup);
        }
        self.nodes[at].as_mut().expect("it did a batch").under_way = left;
        Ok(())
    }

    /// Takes the answers that have come; returns those that have not.
    fn collect(&mut self, under_way: Vec<(usize, Promise)>, ended: bool) -> Vec<(usize, Promise)> {
        use tokio::sync::oneshot::error::TryRecvError::{Closed, Empty};
        let mut left = Vec::new();
        for (at, promise) in under_way {
            match promise {
                Promise::Books(mut promise) => match promise.try_recv() {
                    Ok(answer) => self.clients.books_answered(at, answer),
                    Err(Empty) if !ended => left.push((at, Promise::Books(promise))),
                    Err(Empty | Closed) => self.clients.lost(at),
                },
                Promise::Call(mut promise) => match promise.try_recv() {
                    Ok(answer) => {
                        if self.loud {
                            let text = format!("request {at}: {:?}", answer.as_ref().map(|a| a.status));
                            self.disk.lock().expect("one thread").log.push(text);
                        }
                        self.clients.call_answered(at, answer);
                    }
                    Err(Empty) if !ended => left.push((at, Promise::Call(promise))),
                    Err(Empty | Closed) => self.clients.lost(at),
                },
                Promise::Job(mut promise) => {
                    if matches!(promise.try_recv(), Err(Empty)) && !ended {
                        left.push((at, Promise::Job(promise)));
                    }
                }
            }
        }
        left
    }

    /// A process asks the channel something that it was to ask.
    fn channel(&mut self, at: usize) {
        let Some(node) = &mut self.nodes[at] else { return };
        if node.asks.is_empty() {
            return;
        }
        let (ask, inquire) = node.asks.swap_remove(self.numbers.place(node.asks.len()));
        let outcome = node.single.ask(&ask, inquire);
        if self.loud {
            let text = format!(
                "{} {} {}: {outcome:?}",
                NODES[at],
                if inquire { "inquires about" } else { "asks" },
                ask.reference
            );
            self.disk.lock().expect("one thread").log.push(text);
        }
        node.outcomes.push((ask, outcome));
    }

    /// A process looks for jobs that are due.
    fn look(&mut self, at: usize) {
        let now = self.clock.now().micros();
        let reader = self.reader();
        let Some(node) = &mut self.nodes[at] else { return };
        for kind in JobBody::KINDS {
            for job in reader.jobs_due(kind, now, 100).unwrap_or_default() {
                match body_of(&job) {
                    JobBody::AskChannel(ask) | JobBody::Inquire(ask) => node.asks.push((ask, true)),
                    JobBody::ExpireAuthorization { merchant, live, payment_intent, attempt } => {
                        let call = job_call(&merchant, live, Command::Expire { payment_intent, attempt });
                        let promise = node.single.call(call, self.numbers.bytes());
                        node.under_way.push((0, Promise::Job(promise)));
                    }
                    JobBody::ExpireCheckoutSession { .. } => unreachable!("no client opens sessions"),
                }
            }
        }
    }

    /// The database is replaced by an older one. Whoever has acknowledged more must notice before it acknowledges
    /// anything.
    fn forget(&mut self, at: usize) -> Result<(), String> {
        if self.disk().lie.is_some() || !self.disk().is_settled() {
            return Ok(());
        }
        let saved = self.disk().state.clone();
        let kept = match &self.nodes[at] {
            Some(node) => node.single.keep_acknowledged(),
            None => self.kept[at],
        };
        let Some(kept) = kept else { return Ok(()) };
        let is_older = |state: &&State| state.head.is_some_and(|head| head.seq < kept.seq);
        let older: Vec<&State> = self.backups.iter().filter(is_older).collect();
        if older.is_empty() {
            return Ok(());
        }
        let older = older[self.numbers.place(older.len())].clone();
        let faults = std::mem::replace(&mut self.disk().faults, NO_FAULTS);
        let until = older.head.map_or(0, |head| head.seq);
        self.say(|| format!("the database forgets all after record {until}, of {}", kept.seq));
        self.disk().state = older;
        for node in [0, 1] {
            let knows = self.nodes[node].as_ref().and_then(|node| node.single.keep_acknowledged());
            if knows.is_none_or(|knows| knows.seq <= until) {
                self.crash(node, "is stopped");
            }
            // A writer at work finds its head gone.
            if let Some(mut running) = self.nodes[node].take() {
                let promise = running.single.books(BooksCommand::Open(Vec::new()));
                let went = running.single.step();
                let answer = { promise }.try_recv();
                if went.is_ok() || matches!(answer, Ok(Ok(_))) {
                    return Err(format!("{} acknowledges on a database that forgot", NODES[node]));
                }
                self.kept[node] = running.single.keep_acknowledged();
                self.forget_promises(running);
            }
        }
        // A restore takes time: else a stranger could write the very record that is missing.
        self.clock.advance_seconds(1);
        if self.numbers.chance(400) {
            // Somebody who never knew goes on from there, beyond what is missing.
            let mut stranger = self.load(1 - at, None).map_err(|error| format!("a stranger: {error}"))?;
            for _ in until..=kept.seq {
                drop(stranger.books(BooksCommand::Open(Vec::new())));
                stranger.step().map_err(|ended| format!("a stranger: {ended}"))?;
            }
        }
        match self.load(at, Some(kept)) {
            Err(LoadError::Fork(Fork::Forgotten { seq, .. })) if seq == kept.seq => self.outcome.forks += 1,
            Err(error) => return Err(format!("another error than a fork: {error}")),
            Ok(_) => return Err(format!("{} does not notice that record {} is gone", NODES[at], kept.seq)),
        }
        // An operator gives the right database back.
        let mut disk = self.disk();
        disk.state = saved;
        disk.faults = faults;
        Ok(())
    }

    /// Repairs everything, and goes on until nothing is left to do.
    fn settle(&mut self) -> Result<(), String> {
        self.say(|| "everything is repaired".to_owned());
        self.disk().faults = NO_FAULTS;
        self.wire.repair();
        for node in [0, 1] {
            self.crash(node, "is stopped");
        }
        for round in 0..ROUNDS {
            if self.nodes[0].is_none() {
                self.start(0)?;
            }
            self.batch(0)?;
            self.look(0);
            while self.nodes[0].as_ref().is_some_and(|node| !node.asks.is_empty()) {
                self.channel(0);
            }
            self.clock.advance_seconds(i64::from(round) * 10);
            if self.is_idle() {
                // What a restart makes of the store is what the auditor looks at.
                self.crash(0, "is stopped");
                return self.start(0);
            }
        }
        Err(format!(
            "not done in time: requests {:?}, jobs {:?}",
            self.clients.open(),
            self.disk().state.jobs
        ))
    }

    fn is_idle(&self) -> bool {
        let busy =
            |node: &Node| !node.asks.is_empty() || !node.outcomes.is_empty() || !node.under_way.is_empty();
        let expiries = |job: &Job| job.kind == "expire_authorization";
        let left = self.disk().state.jobs.values().any(|job| !expiries(job));
        !left && self.clients.open().is_empty() && !self.nodes.iter().flatten().any(busy)
    }
}

fn body_of(job: &Job) -> JobBody {
    serde_json::from_str(&job.body).expect("the engine's own job")
}

fn ask_of(job: &Job) -> ChannelAsk {
    match body_of(job) {
        JobBody::AskChannel(ask) | JobBody::Inquire(ask) => ask,
        JobBody::ExpireAuthorization { .. } | JobBody::ExpireCheckoutSession { .. } => {
            panic!("begun before it is due")
        }
    }
}

fn job_call(merchant: &str, live: bool, command: Command) -> Call {
    let caller = Caller { merchant: merchant.to_owned(), live };
    Call { caller, idempotency: None, request_id: None, command }
}
