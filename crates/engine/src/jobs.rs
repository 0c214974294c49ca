//! Work after commits: each job is done at least once, however often the process dies in between.
//!
//! A job that this process has just committed is started at once. Others are found in the store when they are due:
//! those of an earlier process, and those planned for later. A request to a channel that is found rather than
//! started fresh may have been sent already, so the channel is asked what became of it instead.

use crate::command::{Call, Caller, Refused};
use crate::engine::{Engine, Role};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use suanpan_payments::command::Command;
use suanpan_payments::decision::{ChannelAsk, JobBody};
use suanpan_payments::request::checkout_session::{ExpireCheckoutSession, Expiry};
use suanpan_store::commit::Job;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// How often the store is asked for jobs that are due.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Jobs of a kind that are taken from the store at once.
const JOBS_AT_ONCE: u32 = 500;
/// Jobs of a kind that are looked at, at the most. So many are under way only when channels have been silent for hours.
const JOBS_LOOKED_AT_MAX: u32 = 50_000;
/// How long the ids of jobs that were done are remembered: longer than any reading of the store takes, so that a
/// job which was read before it was done is not started again.
const DONE_KEPT: Duration = Duration::from_secs(60);
/// How long a job that could not be written rests.
const AGAIN_AFTER: Duration = Duration::from_secs(2);
/// How long what the books refuse rests at first, and at most. It doubles each time.
const BOOKS_REST: Duration = Duration::from_secs(1);
const BOOKS_REST_MAX: Duration = Duration::from_secs(300);
/// The kind of jobs that are begun right after their commit.
const ASK_CHANNEL: &str = "ask_channel";

enum Note {
    Start(Job, Turn),
}

/// Tells one run of a job from a later one under the same id.
type Turn = u64;

/// Where the writer leaves jobs.
pub(crate) struct Jobs {
    notes: UnboundedSender<Note>,
    known: Arc<Mutex<Known>>,
}

/// Ids of jobs under way, and of those done lately.
#[derive(Default)]
struct Known {
    running: HashMap<String, Turn>,
    turns: Turn,
    done: HashSet<String>,
    done_before: HashSet<String>,
}

impl Known {
    fn run(&mut self, id: &str) -> Turn {
        self.turns += 1;
        self.running.insert(id.to_owned(), self.turns);
        self.turns
    }

    /// Ends a run, unless a later one has begun under the same id.
    fn end(&mut self, id: &str, turn: Turn) {
        if self.running.get(id) == Some(&turn) {
            self.running.remove(id);
        }
    }
}

fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    // Each change is one insertion or removal, so a panic leaves nothing half done.
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a job is begun right after its commit, before it is due: it is due when nobody can still be at it.
fn is_fresh(job: &Job) -> bool {
    job.kind == ASK_CHANNEL
}

impl Jobs {
    pub(crate) fn new() -> (Jobs, Notes) {
        let (notes, received) = unbounded_channel();
        let known = Arc::new(Mutex::new(Known::default()));
        (Jobs { notes, known: known.clone() }, Notes { received, known })
    }

    /// Notes jobs that are about to be committed, so that those begun by [`Jobs::start`] are not found in the
    /// store before.
    pub(crate) fn plan(&self, jobs: &[Job]) {
        let mut known = lock(&self.known);
        for job in jobs.iter().filter(|job| is_fresh(job)) {
            known.run(&job.id);
        }
    }

    /// Takes back [`Jobs::plan`]: whether the jobs are there, the store tells.
    pub(crate) fn unplan(&self, jobs: &[Job]) {
        let mut known = lock(&self.known);
        for job in jobs.iter().filter(|job| is_fresh(job)) {
            known.running.remove(&job.id);
        }
    }

    /// Takes a job that was just committed. What is not begun at once is found in the store when its time comes.
    pub(crate) fn start(&self, job: Job) {
        let mut known = lock(&self.known);
        // It replaces what was under its id: an inquiry comes after the request that it asks about.
        known.done.remove(&job.id);
        known.done_before.remove(&job.id);
        if is_fresh(&job) {
            let turn = known.run(&job.id);
            let _ = self.notes.send(Note::Start(job, turn));
        } else {
            known.running.remove(&job.id);
        }
    }

    /// Notes that a job is done.
    pub(crate) fn done(&self, id: &str) {
        let mut known = lock(&self.known);
        known.running.remove(id);
        known.done.insert(id.to_owned());
    }

    /// Forgets which jobs are done: while another process wrote, they may have been planned anew.
    pub(crate) fn reset(&self) {
        let mut known = lock(&self.known);
        known.done.clear();
        known.done_before.clear();
    }
}

/// The other end of [`Jobs`].
pub(crate) struct Notes {
    received: UnboundedReceiver<Note>,
    known: Arc<Mutex<Known>>,
}

impl Notes {
    /// Takes the jobs that were committed to be begun at once.
    pub(crate) fn take(&mut self) -> Vec<Job> {
        std::iter::from_fn(|| self.received.try_recv().ok()).map(|Note::Start(job, _)| job).collect()
    }
}

/// Does jobs, each in a task of its own.
pub(crate) struct JobWorker {
    engine: Engine,
    notes: Notes,
}

impl JobWorker {
    pub(crate) fn new(engine: Engine, notes: Notes) -> JobWorker {
        JobWorker { engine, notes }
    }

    pub(crate) async fn run(mut self) {
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut turned = tokio::time::Instant::now();
        loop {
            tokio::select! {
                note = self.notes.received.recv() => match note {
                    None => return,
                    Some(Note::Start(job, turn)) => self.start(job, turn, true),
                },
                _ = look.tick() => {
                    if turned.elapsed() > DONE_KEPT {
                        turned = tokio::time::Instant::now();
                        let mut known = lock(&self.notes.known);
                        known.done_before = std::mem::take(&mut known.done);
                    }
                    match self.engine.role() {
                        Role::Writer => self.look().await,
                        Role::Stopped => return,
                        Role::Standby | Role::Loading => {}
                    }
                }
            }
        }
    }

    /// Starts what is due in the store and not under way.
    async fn look(&mut self) {
        let reader = self.engine.reader().clone();
        let now = self.engine.clock().now().micros();
        // Those under way are due, too, and stand first where a channel is slow: they must not hide the others.
        let running = u32::try_from(lock(&self.notes.known).running.len()).unwrap_or(u32::MAX);
        let most = JOBS_AT_ONCE.saturating_add(running).min(JOBS_LOOKED_AT_MAX);
        let found = tokio::task::spawn_blocking(move || {
            let mut jobs = Vec::new();
            for kind in JobBody::KINDS {
                jobs.extend(reader.jobs_due(kind, now, most)?);
            }
            Ok::<_, suanpan_store::StoreError>(jobs)
        });
        let found = found.await;
        let jobs = match found {
            Ok(Ok(jobs)) => jobs,
            Ok(Err(error)) => return tracing::warn!(%error, "jobs that are due cannot be read"),
            Err(error) => return tracing::error!(%error, "reading jobs ended"),
        };
        for job in jobs {
            let turn = {
                let mut known = lock(&self.notes.known);
                let busy = known.done.contains(&job.id)
                    || known.done_before.contains(&job.id)
                    || known.running.contains_key(&job.id);
                (!busy).then(|| known.run(&job.id))
            };
            if let Some(turn) = turn {
                self.start(job, turn, false);
            }
        }
    }

    fn start(&self, job: Job, turn: Turn, fresh: bool) {
        let body = match serde_json::from_str::<JobBody>(&job.body) {
            Ok(body) => body,
            Err(error) => {
                return tracing::error!(%error, job = job.id, "a job cannot be read and is left alone");
            }
        };
        let (engine, known) = (self.engine.clone(), self.notes.known.clone());
        tokio::spawn(async move {
            let (caller, command) = work(&engine, body, fresh).await;
            let done = submit(engine, &job.id, caller, command).await;
            if !done {
                // It stays in the store, and must not be tried without a pause.
                tokio::time::sleep(AGAIN_AFTER).await;
            }
            lock(&known).end(&job.id, turn);
        });
    }
}

/// Does what is to be done outside, and returns what is to be written about it.
async fn work(engine: &Engine, body: JobBody, fresh: bool) -> (Caller, Command) {
    match body {
        JobBody::AskChannel(ask) if fresh => {
            let outcome = engine.channels().ask(&ask, engine.clock()).await;
            (caller_of(&ask), Command::Outcome { ask, outcome })
        }
        JobBody::AskChannel(ask) | JobBody::Inquire(ask) => {
            let outcome = engine.channels().inquire(&ask, engine.clock()).await;
            (caller_of(&ask), Command::Outcome { ask, outcome })
        }
        JobBody::ExpireAuthorization { merchant, live, payment_intent, attempt } => {
            (Caller { merchant, live }, Command::Expire { payment_intent, attempt })
        }
        JobBody::ExpireCheckoutSession { merchant, live, session: id } => {
            let request = ExpireCheckoutSession::default();
            (Caller { merchant, live }, Command::ExpireCheckoutSession { id, request, expiry: Expiry::Time })
        }
    }
}

fn caller_of(ask: &ChannelAsk) -> Caller {
    Caller { merchant: ask.merchant.clone(), live: ask.live }
}

/// Brings what came of a job to the writer, again and again while it is busy. What cannot be brought stays in the
/// store as a job and is found again. Returns whether it was written.
async fn submit(engine: Engine, job: &str, caller: Caller, command: Command) -> bool {
    let mut wait = Duration::from_millis(20);
    let mut rest = BOOKS_REST;
    loop {
        let call =
            Call { caller: caller.clone(), idempotency: None, request_id: None, command: command.clone() };
        match engine.call(call).await {
            Ok(_) => return true,
            Err(Refused::Rule(rejection)) => {
                // The outcome is known already: it came twice. Or it is not the time yet.
                tracing::debug!(job, %rejection, "an outcome changed nothing");
                return false;
            }
            // The channel has done its part and must not be asked again: what it said is brought until the books
            // take it. That an account is frozen or closed takes people to change, not seconds.
            Err(Refused::Books(why)) if engine.role() != Role::Stopped => {
                metrics::counter!("suanpan_outcomes_refused_by_books_total", "code" => why.code())
                    .increment(1);
                let seconds = rest.as_secs();
                tracing::warn!(
                    job,
                    code = why.code(),
                    seconds,
                    "the books refuse what came of a job; it rests"
                );
                tokio::time::sleep(rest).await;
                rest = (rest * 2).min(BOOKS_REST_MAX);
            }
            Err(refused) if refused.retryable() && engine.role() != Role::Stopped => {
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(Duration::from_secs(5));
            }
            Err(refused) => {
                tracing::error!(job, %refused, "what came of a job could not be written");
                return false;
            }
        }
    }
}
