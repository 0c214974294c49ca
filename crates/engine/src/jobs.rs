//! Work after commits: each job is done at least once, however often the process dies in between.
//!
//! A job that this process has just committed is started at once. Others are found in the store when they are due:
//! those of an earlier process, and those planned for later. A request to a channel that is found rather than
//! started fresh may have been sent already, so the channel is asked what became of it instead.

use crate::command::{Call, Caller, Refused};
use crate::engine::{Engine, Role};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use suanpan_payments::command::Command;
use suanpan_payments::decision::{ChannelAsk, JobBody};
use suanpan_store::commit::Job;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// How often the store is asked for jobs that are due.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Jobs of a kind that are taken from the store at once.
const JOBS_AT_ONCE: u32 = 500;
/// How long the ids of jobs that were done are remembered: longer than any reading of the store takes, so that a
/// job which was read before it was done is not started again.
const DONE_KEPT: Duration = Duration::from_secs(60);

enum Note {
    Start(Job),
    Reset,
}

/// Where the writer leaves jobs.
pub(crate) struct Jobs {
    notes: UnboundedSender<Note>,
    known: Arc<Mutex<Known>>,
}

/// Ids of jobs under way, and of those done lately.
#[derive(Default)]
struct Known {
    running: HashSet<String>,
    done: HashSet<String>,
    done_before: HashSet<String>,
}

fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    // Each change is one insertion or removal, so a panic leaves nothing half done.
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Jobs {
    pub(crate) fn new() -> (Jobs, Notes) {
        let (notes, received) = unbounded_channel();
        let known = Arc::new(Mutex::new(Known::default()));
        (Jobs { notes, known: known.clone() }, Notes { received, known })
    }

    /// Takes a job that was just committed. One that is due later is found in the store when its time comes.
    pub(crate) fn start(&self, job: Job, now: i64) {
        if job.due <= now {
            lock(&self.known).running.insert(job.id.clone());
            let _ = self.notes.send(Note::Start(job));
        }
    }

    /// Notes that a job is done.
    pub(crate) fn done(&self, id: &str) {
        let mut known = lock(&self.known);
        known.running.remove(id);
        known.done.insert(id.to_owned());
    }

    /// Forgets everything: the writer begins anew, and nobody knows which jobs are under way.
    pub(crate) fn reset(&self) {
        let _ = self.notes.send(Note::Reset);
    }
}

/// The other end of [`Jobs`].
pub(crate) struct Notes {
    received: UnboundedReceiver<Note>,
    known: Arc<Mutex<Known>>,
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
                    Some(Note::Start(job)) => self.start(job, true),
                    Some(Note::Reset) => lock(&self.notes.known).running.clear(),
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
        let found = tokio::task::spawn_blocking(move || {
            let mut jobs = Vec::new();
            for kind in JobBody::KINDS {
                jobs.extend(reader.jobs_due(kind, now, JOBS_AT_ONCE)?);
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
            let fresh = {
                let mut known = lock(&self.notes.known);
                !known.done.contains(&job.id)
                    && !known.done_before.contains(&job.id)
                    && known.running.insert(job.id.clone())
            };
            if fresh {
                self.start(job, false);
            }
        }
    }

    fn start(&self, job: Job, fresh: bool) {
        let body = match serde_json::from_str::<JobBody>(&job.body) {
            Ok(body) => body,
            Err(error) => {
                return tracing::error!(%error, job = job.id, "a job cannot be read and is left alone");
            }
        };
        match body {
            JobBody::AskChannel(ask) => {
                let engine = self.engine.clone();
                tokio::spawn(async move {
                    let outcome = if fresh {
                        engine.channels().ask(&ask).await
                    } else {
                        engine.channels().inquire(&ask).await
                    };
                    let caller = caller_of(&ask);
                    submit(engine, job.id, caller, Command::Outcome { ask, outcome }).await;
                });
            }
            JobBody::Inquire(ask) => {
                let engine = self.engine.clone();
                tokio::spawn(async move {
                    let outcome = engine.channels().inquire(&ask).await;
                    let caller = caller_of(&ask);
                    submit(engine, job.id, caller, Command::Outcome { ask, outcome }).await;
                });
            }
            JobBody::ExpireAuthorization { merchant, live, payment_intent, attempt } => {
                let caller = Caller { merchant, live };
                let command = Command::Expire { payment_intent, attempt };
                tokio::spawn(submit(self.engine.clone(), job.id, caller, command));
            }
        }
    }
}

fn caller_of(ask: &ChannelAsk) -> Caller {
    Caller { merchant: ask.merchant.clone(), live: ask.live }
}

/// Brings what came of a job to the writer, again and again while it is busy. What cannot be brought stays in the
/// store as a job and is found again.
async fn submit(engine: Engine, job: String, caller: Caller, command: Command) {
    let mut wait = Duration::from_millis(20);
    loop {
        let call =
            Call { caller: caller.clone(), idempotency: None, request_id: None, command: command.clone() };
        match engine.call(call).await {
            Ok(_) => return,
            Err(Refused::Rule(rejection)) => {
                // The outcome is known already: it came twice.
                tracing::debug!(job, %rejection, "an outcome changed nothing");
                return;
            }
            Err(refused) if refused.retryable() && engine.role() != Role::Stopped => {
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(Duration::from_secs(5));
            }
            Err(refused) => {
                tracing::error!(job, %refused, "what came of a job could not be written");
                return;
            }
        }
    }
}
