//! The one who writes: a thread that takes what waits, gathers what it needs, decides, commits once, answers.
//!
//! Nothing is answered before it is durable. A commit that fails, or whose end is not known, ends the state in
//! memory: it is loaded anew from the store, and whoever waits is told what is known.

mod books;
mod calls;
mod commit;
mod forget;
mod gather;
mod load;

use crate::command::{Answered, BooksAnswer, Envelope, Query, Receipt, Refused, Reply, Upkeep};
use crate::endpoints::{Endpoints, delivery};
use crate::engine::Shared;
use crate::limits::{BATCH_WEIGHT, EXPIRE_MAX, ROWS_DECIDED_MAX};
use crate::world::World;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};
use suanpan_ledger::book::{Book, Draft};
use suanpan_money::Timestamp;
use suanpan_store::commit::{Answer, Head, Job, Lease, Link, Object};
use suanpan_store::{Store, StoreError};

pub use load::LoadError;
pub(crate) use load::load;

/// The state that queries see: all of it is committed.
pub(crate) struct Committed<'a> {
    pub(crate) book: &'a Book,
    pub(crate) receipt: Receipt,
}

/// Somebody who waits for what a channel says.
struct Parked {
    reply: Reply<Answered>,
    key: Option<Answer>,
    /// What is answered when that takes too long: the object as it stands.
    meanwhile: (u16, Vec<u8>),
    until: Timestamp,
}

/// What is to be told after the commit.
enum After {
    Answer {
        reply: Reply<Answered>,
        status: u16,
        body: Vec<u8>,
        replayed: bool,
    },
    /// The answer to a call that was begun by an earlier commit.
    Outcome {
        reply: Reply<Answered>,
        status: u16,
        body: Vec<u8>,
    },
    Books {
        reply: Reply<(BooksAnswer, Receipt)>,
        answer: BooksAnswer,
    },
    Upkeep {
        reply: Reply<()>,
    },
    Park {
        reference: String,
        parked: Parked,
    },
    /// A refusal rests on what is committed, or on what this batch commits.
    Refuse(Refusal),
    Query(Query),
}

/// Whom a refusal is told.
enum Refusal {
    Call(Reply<Answered>, Refused),
    Books(Reply<(BooksAnswer, Receipt)>, Refused),
}

impl Refusal {
    fn tell(self) {
        match self {
            Refusal::Call(reply, why) => drop(reply.send(Err(why))),
            Refusal::Books(reply, why) => drop(reply.send(Err(why))),
        }
    }
}

impl After {
    fn fail(self, why: Refused) {
        // Whoever stopped waiting is not told.
        match self {
            After::Answer { reply, .. } => drop(reply.send(Err(why))),
            // Whatever became of this batch: what was begun is there.
            After::Outcome { reply, .. } => drop(reply.send(Err(Refused::Unknown(why.to_string())))),
            After::Books { reply, .. } => drop(reply.send(Err(why))),
            After::Upkeep { reply } => drop(reply.send(Err(why))),
            After::Park { parked, .. } => drop(parked.reply.send(Err(why))),
            After::Refuse(Refusal::Call(reply, _)) => drop(reply.send(Err(why))),
            After::Refuse(Refusal::Books(reply, _)) => drop(reply.send(Err(why))),
            // Whoever asked sees that the answer does not come.
            After::Query(_) => {}
        }
    }
}

/// What the commands of a batch have come to, beside objects, names, answers and entries.
#[derive(Default)]
struct Batch {
    after: Vec<After>,
    jobs: Vec<Job>,
    /// Jobs that are done, each with how many of `jobs` came before.
    jobs_done: Vec<(String, usize)>,
    /// Objects and their names that no rule looks at.
    objects: Vec<Object>,
    links: Vec<Link>,
    /// A repeat is answered: that must rest on a commit of this writer, so that nothing is said on the strength
    /// of what a replica may still lack.
    replays: bool,
}

impl Batch {
    fn refuse(&mut self, refusal: Refusal) {
        self.after.push(After::Refuse(refusal));
    }

    /// Returns how many rows it puts into the table that gets most of them.
    fn rows(&self, world: &World) -> usize {
        let (objects, links) = world.rows_written();
        [self.jobs.len(), self.jobs_done.len(), self.objects.len() + objects, self.links.len() + links]
            .into_iter()
            .fold(0, usize::max)
    }

    fn done(&mut self, job: String) {
        self.jobs_done.push((job, self.jobs.len()));
    }

    /// Returns the jobs to be put and those to be taken away, which is done first: a job that is done after it was
    /// put is not put. One call may plan an inquiry, and the next of the same batch bring the answer.
    fn take_jobs(&mut self) -> (Vec<Job>, Vec<String>) {
        let (jobs, done) = (std::mem::take(&mut self.jobs), std::mem::take(&mut self.jobs_done));
        let until: HashMap<&str, usize> = done.iter().map(|(id, until)| (id.as_str(), *until)).collect();
        let stays = |(at, job): &(usize, Job)| until.get(job.id.as_str()).is_none_or(|until| at >= until);
        let jobs = jobs.into_iter().enumerate().filter(stays).map(|(_, job)| job).collect();
        (jobs, done.into_iter().map(|(id, _)| id).collect())
    }

    fn upkeep(&mut self, upkeep: Upkeep, reply: Reply<()>, now: Timestamp, places: &mut Places) {
        match upkeep {
            Upkeep::Attempted(attempted) => {
                self.objects.push(attempted.log);
                self.links.extend(attempted.links);
                match attempted.job {
                    Some(job) => self.jobs.push(job),
                    None => self.done(attempted.id),
                }
            }
            Upkeep::Drop(ids) => ids.into_iter().for_each(|id| self.done(id)),
            Upkeep::Send { event, endpoints } => {
                let place = places.next(now);
                self.jobs.extend(endpoints.iter().map(|endpoint| delivery(&event, endpoint, now, place)));
            }
        }
        self.after.push(After::Upkeep { reply });
    }
}

/// Gives events and deliveries their places: microseconds since the epoch, each larger than the one before, however
/// many there are in one batch.
#[derive(Default)]
struct Places {
    last: i64,
}

impl Places {
    fn next(&mut self, now: Timestamp) -> i64 {
        self.last = now.micros().max(self.last.saturating_add(1));
        self.last
    }
}

/// The writer of a cell.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    store: Box<dyn Store>,
    lease: Lease,
    ttl: Duration,
    /// When the newest renewal of the lease was begun, and when one was tried.
    renewed: Instant,
    tried: Instant,
    head: Head,
    book: Book,
    draft: Draft,
    world: World,
    endpoints: Endpoints,
    places: Places,
    parked: HashMap<String, Parked>,
    /// References of `parked` in the order in which their time is up; some may be answered already.
    parked_order: VecDeque<(Timestamp, String)>,
    checkpoints: commit::Checkpoints,
    /// When answers are to be forgotten next.
    forget_at: Timestamp,
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

impl Writer {
    /// Works until it is told to stop, or cannot go on.
    pub(crate) fn run(&mut self) -> Ended {
        loop {
            let patience = self.patience();
            let Some(envelopes) = self.shared.queue.take(BATCH_WEIGHT, patience) else {
                return self.stop();
            };
            let began = Instant::now();
            let weight: usize = envelopes.iter().map(Envelope::weight).sum();
            if let Err(ended) = self.batch(envelopes) {
                self.fail_parked(&ended);
                return ended;
            }
            if weight > 0 {
                let micros = usize::try_from(began.elapsed().as_micros()).unwrap_or(usize::MAX).max(1);
                self.shared.queue.note_rate(weight.saturating_mul(1_000_000) / micros);
            }
            self.shared.high_water.write_when_due();
            if let Err(ended) = self.between() {
                self.fail_parked(&ended);
                return ended;
            }
        }
    }

    /// What is done between two batches when it is time.
    fn between(&mut self) -> Result<(), Ended> {
        if self.renewal_in().is_zero() {
            match self.renew() {
                Ok(()) => {}
                Err(StoreError::Fenced { .. }) => {
                    return Err(Ended::Fenced("its epoch is higher".to_owned()));
                }
                // The next commit tells; what needs none is not answered once the lease is over.
                Err(error) => tracing::warn!(%error, "the lease could not be renewed"),
            }
        }
        self.forget_answers()
    }

    /// How long until the lease should be renewed, or that be tried again.
    fn renewal_in(&self) -> Duration {
        let due = (self.ttl / 3).saturating_sub(self.renewed.elapsed());
        due.max((self.ttl / 30).saturating_sub(self.tried.elapsed()))
    }

    fn renew(&mut self) -> Result<(), StoreError> {
        self.tried = Instant::now();
        self.store.renew(&self.lease, self.ttl)?;
        self.renewed = self.tried;
        Ok(())
    }

    /// Makes sure that nobody else can have begun to write. Commits find out by themselves; what is answered from
    /// memory alone rests on this.
    fn assure_lease(&mut self) -> Result<(), StoreError> {
        // Clocks of two machines do not run at quite the same rate.
        if self.renewed.elapsed() < self.ttl - self.ttl / 10 { Ok(()) } else { self.renew() }
    }

    /// How long to wait for work: until the lease must be renewed, a hold expires, whoever waits for a channel has
    /// waited enough, a checkpoint is due, the newest acknowledgement is to be kept, or answers are to be forgotten.
    fn patience(&self) -> Duration {
        let lease = self.renewal_in();
        let hold = self.book.next_expiry().map(|at| {
            let left = at.micros().saturating_sub(self.shared.clock.now().micros());
            Duration::from_micros(u64::try_from(left).unwrap_or(0))
        });
        let parked = self.parked_order.front().map(|(until, _)| {
            let left = until.micros().saturating_sub(self.shared.clock.now().micros());
            Duration::from_micros(u64::try_from(left).unwrap_or(0))
        });
        let checkpoint = self.checkpoints.idle_patience();
        let acknowledged = self.shared.high_water.due_in();
        [Some(lease), hold, parked, checkpoint, acknowledged, Some(self.forget_in())]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(lease)
            .max(Duration::from_millis(1))
    }

    /// Does all of a batch: in one commit, or in several when it comes to more than one holds.
    pub(crate) fn batch(&mut self, envelopes: Vec<Envelope>) -> Result<(), Ended> {
        let idle = envelopes.is_empty();
        let mut left = self.part(envelopes, idle)?;
        while !left.is_empty() {
            left = self.part(left, false)?;
        }
        Ok(())
    }

    /// Does as much of a batch as one commit holds, and returns the rest.
    fn part(&mut self, envelopes: Vec<Envelope>, idle: bool) -> Result<Vec<Envelope>, Ended> {
        self.book.begin(&mut self.draft, self.shared.clock.now());
        self.book.expire(&mut self.draft, EXPIRE_MAX);
        if let Err(error) = self.gather(&envelopes) {
            let ended = Ended::Reload(error.to_string());
            fail_all(envelopes, &ended);
            return Err(ended);
        }
        let mut batch = Batch::default();
        let mut left = envelopes.into_iter();
        while batch.rows(&self.world) < ROWS_DECIDED_MAX
            && let Some(command) = left.next()
        {
            match command {
                Envelope::Call { call, reply } => self.call(*call, reply, &mut batch),
                Envelope::Books { command, reply } => self.books(command, reply, &mut batch),
                Envelope::Upkeep { upkeep, reply } => {
                    batch.upkeep(upkeep, reply, self.draft.at(), &mut self.places);
                }
                Envelope::Query(query) => batch.after.push(After::Query(query)),
            }
        }
        self.answer_meanwhile(&mut batch);
        match self.commit(batch, idle) {
            Ok(()) => Ok(left.collect()),
            Err(ended) => {
                fail_all(left.collect(), &ended);
                Err(ended)
            }
        }
    }

    /// Notes when the newest renewal of the lease was begun.
    pub(crate) fn renewed_at(&mut self, moment: Instant) {
        (self.renewed, self.tried) = (moment, moment);
    }

    /// Answers those who have waited long enough for a channel with what is known. An answer that is kept for repeats
    /// is that one from now on.
    fn answer_meanwhile(&mut self, batch: &mut Batch) {
        let now = self.draft.at();
        while self.parked_order.front().is_some_and(|(until, _)| *until <= now) {
            let Some((_, reference)) = self.parked_order.pop_front() else { break };
            let Some(Parked { reply, key, meanwhile: (status, body), .. }) = self.parked.remove(&reference)
            else {
                continue;
            };
            if let Some(answer) = key {
                self.world.keep_answer(Answer { answered: Some((status, body.clone())), ..answer });
            }
            metrics::counter!("suanpan_answers_before_outcome_total").increment(1);
            batch.after.push(After::Outcome { reply, status, body });
        }
    }

    /// Gives the store back, and forgets everything else.
    pub(crate) fn into_store(self) -> Box<dyn Store> {
        self.store
    }

    pub(crate) fn book(&self) -> &Book {
        &self.book
    }

    fn receipt(&self) -> Receipt {
        let Lease { cell, epoch } = self.lease;
        Receipt { cell, epoch, seq: self.head.seq, hash: self.head.hash }
    }

    /// Tells those who wait for a channel that they should ask again: the jobs are kept, whoever writes next goes
    /// on with them.
    fn fail_parked(&mut self, why: &Ended) {
        for (_, parked) in self.parked.drain() {
            let _ = parked.reply.send(Err(Refused::Unknown(why.to_string())));
        }
    }

    fn stop(&mut self) -> Ended {
        self.fail_parked(&Ended::Stopped);
        if let Err(error) = self.last_checkpoint() {
            tracing::warn!(%error, "no checkpoint at the end; the next start replays more");
        }
        if let Err(error) = self.store.release(&self.lease) {
            tracing::warn!(%error, "the lease could not be given back; it expires by itself");
        }
        Ended::Stopped
    }
}

/// Answers that nothing was done to those whose turn had not come.
fn fail_all(envelopes: Vec<Envelope>, why: &Ended) {
    let refused = match why {
        Ended::Fenced(_) => Refused::Standby,
        Ended::Stopped | Ended::Reload(_) => Refused::Unavailable(why.to_string()),
    };
    for envelope in envelopes {
        envelope.fail(refused.clone());
    }
}

impl Envelope {
    /// What it counts for in the queue: roughly, how many entries it may make.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Envelope::Call { .. } => 4,
            Envelope::Books { command, .. } => command.weight(),
            Envelope::Upkeep { .. } | Envelope::Query(_) => 1,
        }
    }
}
