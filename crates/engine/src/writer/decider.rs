//! Deciding batches: takes what waits, gathers what it needs, lets the rules decide in memory, and gives away what is
//! to be committed. It goes on with the next batch while the last one is being committed, on the state that there
//! will be then.

use super::batch::{After, Batch, Committed, Decided, Parked, Places};
use super::commit::Checkpoints;
use super::standings::DayBegan;
use super::{Ended, Failed, undone};
use crate::command::{Envelope, Receipt, Refused};
use crate::endpoints::Endpoints;
use crate::engine::Shared;
use crate::limits::{BATCH_ENOUGH, BATCH_MORE_TIME, BATCH_WEIGHT, EXPIRE_MAX, ROWS_DECIDED_MAX, TICK_MAX};
use crate::world::World;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};
use suanpan_ledger::book::{Book, Draft};
use suanpan_money::Timestamp;
use suanpan_payments::routing::health::Standings;
use suanpan_store::commit::{Answer, Head, Lease};

/// What decides. Its state is ahead of the store by the batches that were given away and are not committed yet: if one
/// of them fails, all of it is thrown away.
pub(super) struct Decider {
    pub(super) shared: Arc<Shared>,
    pub(super) lease: Lease,
    pub(super) ttl: Duration,
    pub(super) head: Head,
    pub(super) book: Book,
    pub(super) draft: Draft,
    pub(super) world: World,
    pub(super) endpoints: Endpoints,
    pub(super) places: Places,
    pub(super) parked: HashMap<String, Parked>,
    /// References of `parked` in the order in which their time is up; some may be answered already.
    pub(super) parked_order: VecDeque<(Timestamp, String)>,
    pub(super) checkpoints: Checkpoints,
    pub(super) standings: Standings,
    pub(super) day_began: DayBegan,
}

/// The decider's end, and what was decided, or was to be: nothing of that is in the store.
#[derive(Default)]
pub(super) struct Halt {
    /// Why; none when whoever commits has ended, and says it.
    pub(super) failed: Option<Failed>,
    pub(super) after: Vec<After>,
    pub(super) envelopes: Vec<Envelope>,
}

/// Where decided batches go.
pub(super) trait Give {
    /// Gives one away. The one before it is durable when this returns.
    fn give(&mut self, decided: Decided) -> Result<(), Lost>;

    /// Whether one could be committed now. Who commits in the thread that decides never asks.
    fn wanted(&self) -> bool {
        false
    }

    /// Returns what came to be decided meanwhile, up to a weight, waiting for it until a moment; none when the batch
    /// can be committed now.
    fn more(&mut self, _weight: usize, _until: Instant) -> Option<Vec<Envelope>> {
        None
    }
}

/// Why a batch was not taken, or not committed.
pub(super) struct Lost {
    /// What failed; none when whoever commits has ended, and says it.
    pub(super) failed: Option<Failed>,
    /// What was to be told of a batch that was not tried.
    pub(super) untried: Vec<After>,
}

impl From<Failed> for Halt {
    fn from(failed: Failed) -> Halt {
        Halt { failed: Some(failed), ..Halt::default() }
    }
}

impl Decider {
    /// Decides until the queue is closed or no more is taken.
    pub(super) fn run(&mut self, to: &mut dyn Give) -> Result<(), Halt> {
        loop {
            let Some(envelopes) = self.shared.queue.take(BATCH_WEIGHT, self.patience()) else {
                return self.last_checkpoint(to);
            };
            self.batch(envelopes, to)?;
        }
    }

    /// How long to wait for work: until a hold expires, whoever waits for a channel has waited enough, or a checkpoint
    /// is due; and never so long that the lease is not renewed in time, since an empty batch makes whoever commits
    /// look after that and other upkeep.
    fn patience(&self) -> Duration {
        let now = self.shared.clock.now();
        let until = |at: Timestamp| {
            Duration::from_micros(u64::try_from(at.micros().saturating_sub(now.micros())).unwrap_or(0))
        };
        let hold = self.book.next_expiry().map(until);
        let parked = self.parked_order.front().map(|(at, _)| until(*at));
        let tick = TICK_MAX.min(self.ttl / 10);
        [hold, parked, self.checkpoints.idle_patience(), self.shared.high_water.due_in()]
            .into_iter()
            .flatten()
            .fold(tick, Duration::min)
            .max(Duration::from_millis(1))
    }

    /// Decides all of a batch, and gives it away: in one commit, or in several when it comes to more than one holds.
    pub(super) fn batch(&mut self, envelopes: Vec<Envelope>, to: &mut dyn Give) -> Result<(), Halt> {
        let mut idle = envelopes.is_empty();
        let mut left = envelopes;
        loop {
            let (decided, rest) = self.portion(left, idle, to)?;
            match to.give(decided) {
                Ok(()) => {
                    self.world.given();
                    self.endpoints.given();
                }
                Err(Lost { failed, untried }) => {
                    return Err(Halt { failed, after: untried, envelopes: rest });
                }
            }
            self.book.forget_before(self.shared.history.ids_sealed());
            if rest.is_empty() {
                return Ok(());
            }
            (left, idle) = (rest, false);
        }
    }

    /// Decides as much of a batch as one commit holds, and what comes while that cannot be committed yet; returns the
    /// rest with it.
    fn portion(
        &mut self,
        envelopes: Vec<Envelope>,
        idle: bool,
        to: &mut dyn Give,
    ) -> Result<(Decided, Vec<Envelope>), Halt> {
        self.book.begin(&mut self.draft, self.shared.clock.now());
        self.book.expire(&mut self.draft, EXPIRE_MAX);
        let until = Instant::now() + BATCH_MORE_TIME;
        let mut batch = Batch::default();
        self.look_at_channels();
        let mut left = self.add(envelopes, &mut batch, to)?;
        while left.is_empty()
            && (1..BATCH_WEIGHT).contains(&batch.weight)
            && let Some(more) = to.more(BATCH_WEIGHT - batch.weight, until)
        {
            left = self.add(more, &mut batch, to)?;
        }
        self.answer_meanwhile(&mut batch);
        Ok((self.finish(batch, idle), left))
    }

    /// Decides commands into a batch, and returns those for which it has no room, or that would make others wait.
    fn add(
        &mut self,
        envelopes: Vec<Envelope>,
        batch: &mut Batch,
        to: &dyn Give,
    ) -> Result<Vec<Envelope>, Halt> {
        if let Err(error) = self.gather(&envelopes) {
            let failed = Some(Ended::Reload(error.to_string()).into());
            return Err(Halt { failed, after: std::mem::take(&mut batch.after), envelopes });
        }
        let mut left = envelopes.into_iter().peekable();
        let now = self.draft.at();
        while batch.rows(&self.world) < ROWS_DECIDED_MAX
            && !(batch.weight >= BATCH_ENOUGH && to.wanted())
            && let Some(command) = left.next_if(|next| batch.weight == 0 || !next.is_later_than(now))
        {
            batch.weight += command.weight();
            match command {
                Envelope::Call { mut call, reply } => {
                    batch.entries.extend(call.entry.take());
                    self.call(*call, reply, batch);
                }
                Envelope::Books { command, reply } => self.books(command, reply, batch),
                Envelope::Upkeep { upkeep, reply } => {
                    batch.upkeep(upkeep, reply, self.draft.at(), &mut self.places);
                }
                Envelope::Query(query) => batch.after.push(After::Query(query)),
            }
        }
        Ok(left.collect())
    }

    /// Answers the questions of a batch by the state that it leaves.
    pub(super) fn ask(&self, after: Vec<After>) -> Vec<After> {
        let committed = Committed { book: &self.book, receipt: self.receipt(), standings: &self.standings };
        let asked = after.into_iter().map(|after| match after {
            After::Query(query) => After::Tell(query(&committed)),
            other => other,
        });
        asked.collect()
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

    pub(super) fn receipt(&self) -> Receipt {
        let Lease { cell, epoch } = self.lease;
        Receipt { cell, epoch, seq: self.head.seq, hash: self.head.hash }
    }

    /// Has the newest state written as a checkpoint, where there is something new. Whoever waits for a channel is told
    /// by whoever writes next.
    pub(super) fn last_checkpoint(&mut self, to: &mut dyn Give) -> Result<(), Halt> {
        if self.checkpoints.hurry() { self.batch(Vec::new(), to) } else { Ok(()) }
    }

    /// Tells everybody whose answer rests on what is lost. What failed says so itself; of all that came behind it
    /// nothing was done.
    pub(super) fn fail(&mut self, halt: Halt) -> Ended {
        let gone = || Ended::Reload("the committer has ended".to_owned()).into();
        let Failed { ended, parked } = halt.failed.unwrap_or_else(gone);
        for (reference, why) in parked {
            self.fail_parked(&reference, why);
        }
        let undone = undone(&ended);
        for after in halt.after {
            if let Some(reference) = after.fail(undone.clone()) {
                self.fail_parked(&reference, undone.clone());
            }
        }
        for envelope in halt.envelopes {
            envelope.fail(undone.clone());
        }
        ended
    }

    fn fail_parked(&mut self, reference: &str, why: Refused) {
        if let Some(Parked { reply, .. }) = self.parked.remove(reference) {
            let _ = reply.send(Err(why));
        }
    }

    /// Tells those who wait for a channel that they should ask again: the jobs are kept, whoever writes next goes
    /// on with them.
    pub(super) fn fail_all_parked(&mut self, why: &Ended) {
        for (_, parked) in self.parked.drain() {
            let _ = parked.reply.send(Err(Refused::Unknown(why.to_string())));
        }
    }
}
