//! A batch: what its commands have come to, and what is told once that is durable.

use crate::admission::Entry;
use crate::command::{Answered, BooksAnswer, Query, Receipt, Refused, Reply, Tell, Upkeep};
use crate::endpoints::delivery;
use crate::world::World;
use std::collections::HashMap;
use suanpan_ledger::book::Book;
use suanpan_money::Timestamp;
use suanpan_payments::routing::health::Standings;
use suanpan_store::commit::{Answer, Commit, Job, Link, Object};

/// The state that queries see: as it is with the batch in which they are asked.
pub(crate) struct Committed<'a> {
    pub(crate) book: &'a Book,
    pub(crate) receipt: Receipt,
    pub(crate) standings: &'a Standings,
}

/// Somebody who waits for what a channel says.
pub(super) struct Parked {
    pub(super) reply: Reply<Answered>,
    pub(super) key: Option<Answer>,
    /// When it has waited enough.
    pub(super) until: Timestamp,
    /// What is answered when that takes too long: the object as it stands.
    pub(super) meanwhile: (u16, Vec<u8>),
}

/// A batch that is decided. Nothing of it is told before everything that it rests on is durable.
pub(super) struct Decided {
    /// What is to be committed; none when nothing is.
    pub(super) commit: Option<Commit>,
    /// What is to be told then.
    pub(super) after: Vec<After>,
    /// Where that rests.
    pub(super) receipt: Receipt,
    /// What its commands counted for in the queue.
    pub(super) weight: usize,
    /// Calls whose first commit this is.
    pub(super) entries: Vec<Entry>,
}

/// What is durable, and to be told.
pub(super) struct Told {
    pub(super) after: Vec<After>,
    pub(super) receipt: Receipt,
    pub(super) entries: Vec<Entry>,
}

impl Told {
    /// Tells it.
    pub(super) fn tell(self) {
        // First, since whoever is told may send the next at once.
        self.entries.into_iter().for_each(Entry::committed);
        self.after.into_iter().for_each(|after| after.tell(self.receipt));
    }
}

/// What is to be told after the commit.
pub(super) enum After {
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
    /// Nothing yet: whoever waits for the channel under this reference is told by a later batch, but must hear of it
    /// when this one fails.
    Park {
        reference: String,
    },
    /// A refusal rests on what is committed, or on what this batch commits.
    Refuse(Refusal),
    /// A question, until the batch is decided.
    Query(Query),
    /// Its answer.
    Tell(Tell),
}

/// Whom a refusal is told.
pub(super) enum Refusal {
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
    /// Tells what is durable now.
    fn tell(self, receipt: Receipt) {
        // Whoever stopped waiting is not told.
        match self {
            After::Answer { reply, status, body, replayed } => {
                let _ = reply.send(Ok(Answered { status, body, replayed, receipt }));
            }
            After::Outcome { reply, status, body } => {
                let _ = reply.send(Ok(Answered { status, body, replayed: false, receipt }));
            }
            After::Books { reply, answer } => {
                let _ = reply.send(Ok((answer, receipt)));
            }
            After::Upkeep { reply } => {
                let _ = reply.send(Ok(()));
            }
            After::Refuse(refusal) => refusal.tell(),
            After::Tell(tell) => tell(),
            After::Park { .. } | After::Query(_) => {}
        }
    }

    /// Tells that it is not so. Returns the reference under which somebody waits for a channel, and is to be told the
    /// same.
    pub(super) fn fail(self, why: Refused) -> Option<String> {
        match self {
            // It was done before, perhaps by a commit whose end is not known.
            After::Answer { reply, replayed: true, .. } => {
                drop(reply.send(Err(Refused::Unknown(why.to_string()))));
            }
            After::Answer { reply, .. } => drop(reply.send(Err(why))),
            // Whatever became of this batch: what was begun is there.
            After::Outcome { reply, .. } => drop(reply.send(Err(Refused::Unknown(why.to_string())))),
            After::Books { reply, answer } if answer.has_repeats() => {
                drop(reply.send(Err(Refused::Unknown(why.to_string()))));
            }
            After::Books { reply, .. } => drop(reply.send(Err(why))),
            After::Upkeep { reply } => drop(reply.send(Err(why))),
            After::Park { reference } => return Some(reference),
            After::Refuse(Refusal::Call(reply, _)) => drop(reply.send(Err(why))),
            After::Refuse(Refusal::Books(reply, _)) => drop(reply.send(Err(why))),
            // Whoever asked sees that the answer does not come.
            After::Query(_) | After::Tell(_) => {}
        }
        None
    }
}

/// What the commands of a batch have come to, beside objects, names, answers and entries.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) after: Vec<After>,
    pub(super) jobs: Vec<Job>,
    /// Jobs that are done, each with how many of `jobs` came before.
    pub(super) jobs_done: Vec<(String, usize)>,
    /// Objects and their names that no rule looks at.
    pub(super) objects: Vec<Object>,
    pub(super) links: Vec<Link>,
    /// A repeat is answered: that must rest on a commit of this writer, so that nothing is said on the strength
    /// of what a replica may still lack.
    pub(super) replays: bool,
    /// What the commands counted for in the queue.
    pub(super) weight: usize,
    /// Calls whose first commit this is.
    pub(super) entries: Vec<Entry>,
}

impl Batch {
    pub(super) fn refuse(&mut self, refusal: Refusal) {
        self.after.push(After::Refuse(refusal));
    }

    /// Returns how many rows it puts into the table that gets most of them.
    pub(super) fn rows(&self, world: &World) -> usize {
        let (objects, links, events) = world.rows_written();
        // At most two names for each event.
        [
            self.jobs.len(),
            self.jobs_done.len(),
            self.objects.len() + objects,
            self.links.len() + links,
            2 * events,
        ]
        .into_iter()
        .fold(0, usize::max)
    }

    pub(super) fn done(&mut self, job: String) {
        self.jobs_done.push((job, self.jobs.len()));
    }

    /// Returns the jobs to be put and those to be taken away, which is done first: a job that is done after it was
    /// put is not put. One call may plan an inquiry, and the next of the same batch bring the answer.
    pub(super) fn take_jobs(&mut self) -> (Vec<Job>, Vec<String>) {
        let (jobs, done) = (std::mem::take(&mut self.jobs), std::mem::take(&mut self.jobs_done));
        let until: HashMap<&str, usize> = done.iter().map(|(id, until)| (id.as_str(), *until)).collect();
        let stays = |(at, job): &(usize, Job)| until.get(job.id.as_str()).is_none_or(|until| at >= until);
        let jobs = jobs.into_iter().enumerate().filter(stays).map(|(_, job)| job).collect();
        (jobs, done.into_iter().map(|(id, _)| id).collect())
    }

    pub(super) fn upkeep(&mut self, upkeep: Upkeep, reply: Reply<()>, now: Timestamp, places: &mut Places) {
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

/// How far places may be ahead of the time of their batch: ten for each of ten thousand calls.
const AHEAD_MICROS: i64 = 100_000;

/// Gives events, deliveries and requests to channels their places: microseconds since the epoch, each larger than the one before, however
/// many there are in one batch.
pub(super) struct Places {
    last: i64,
}

impl Places {
    /// Goes on behind the newest event that is stored, and behind all that the last batch may have given away: places run
    /// ahead of its time by some microseconds for each of its calls. A clock may have been set back since.
    pub(super) fn behind(newest: Option<i64>, head_at: i64) -> Places {
        Places { last: newest.unwrap_or(0).max(head_at.saturating_add(AHEAD_MICROS)) }
    }

    pub(super) fn next(&mut self, now: Timestamp) -> i64 {
        self.last = now.micros().max(self.last.saturating_add(1));
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_writer_gives_no_place_away_again() {
        let at = Timestamp::from_micros(1_000_000);
        let mut first = Places::behind(None, 0);
        let given: Vec<i64> = (0..50_000).map(|_| first.next(at)).collect();
        assert!(given.is_sorted_by(|a, b| a < b));
        // Its last batch told nothing, and the next one's clock has not gone on.
        let next = Places::behind(None, at.micros()).next(at);
        assert!(next > given[49_999], "{next}");
        assert_eq!(Places::behind(Some(7_000_000), at.micros()).next(at), 7_000_001);
    }
}
