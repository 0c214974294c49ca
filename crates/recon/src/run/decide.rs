//! Runs the passes over the pool of records, part by part, and proves each part.

use super::{Options, Phase, Progress};
use crate::cascade::{AlreadyMatched, CloseContext, close, run_pass};
use crate::error::ReconError;
use crate::invariants::{Place, Tallies, Violation, check_verdict};
use crate::open_items::Origins;
use crate::outcome::Verdict;
use crate::pool::{Part, Pool, Split};
use crate::record::{RecordId, Records, Side, Words};
use crate::report::OutcomeSink;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// What the passes need besides the records.
pub(super) struct Deciding<'a> {
    pub(super) options: &'a Options,
    pub(super) words: &'a Words,
    pub(super) context: &'a CloseContext,
    pub(super) already: &'a AlreadyMatched,
    pub(super) origins: &'a Origins,
    pub(super) progress: &'a Progress,
    pub(super) pool_bytes: usize,
}

/// What was decided.
pub(super) struct Done {
    pub(super) sinks: Vec<OutcomeSink>,
    pub(super) tallies: Tallies,
}

/// What one worker adds up.
struct Worker<'a> {
    sink: OutcomeSink,
    tallies: Tallies,
    /// What goes on to the next pass.
    next: Pool<'a>,
}

/// Parts below this number of records are decided on by one thread: starting more costs more.
const ALONE: usize = 4096;

impl Deciding<'_> {
    /// Runs all passes and the close.
    pub(super) fn run(&self, pool: Pool<'_>, sinks: Vec<OutcomeSink>) -> Result<Done, ReconError> {
        self.progress.enter(Phase::Decide);
        let rules = &self.options.rules;
        let gather = |pass| Pool::new(Split::of(rules, pass), self.pool_bytes, &self.options.work_dir);
        let sharers = sinks.len();
        let mut next = gather(1);
        let mut workers: Vec<Worker<'_>> = sinks
            .into_iter()
            .map(|sink| Worker { sink, tallies: Tallies::default(), next: next.share(sharers) })
            .collect();
        let mut open = pool;
        for pass in 0..rules.passes.len() {
            open.waves(&mut |parts| {
                self.in_parallel(&mut workers, parts, |worker, part| self.decide(pass, part, worker))?;
                self.check_stop()
            })?;
            let after = gather(pass + 2);
            for worker in &mut workers {
                next.absorb(std::mem::replace(&mut worker.next, after.share(sharers)))?;
            }
            open = std::mem::replace(&mut next, after);
        }
        let mut done = Done { sinks: Vec::new(), tallies: Tallies::default() };
        for worker in workers {
            done.tallies.merge(&worker.tallies);
            done.sinks.push(worker.sink);
        }
        Ok(done)
    }

    fn check_stop(&self) -> Result<(), ReconError> {
        if self.progress.stop.load(Ordering::Relaxed) { Err(ReconError::Interrupted) } else { Ok(()) }
    }

    /// Runs one pass over whole groups. What the last pass does not take is closed at once.
    fn decide(&self, pass: usize, part: Part, worker: &mut Worker<'_>) -> Result<(), ReconError> {
        let rules = &self.options.rules;
        let records = part.into_table();
        let ids: Vec<RecordId> = records.ids().collect();
        let result = run_pass(rules, pass, &records, self.words, &ids, self.already_for(pass));
        let mut decided = vec![false; records.len()];
        self.take(worker, &records, &result.verdicts, &mut decided)?;
        if pass + 1 == rules.passes.len() {
            let closed = close(rules, self.context, &records, &result.leftover);
            self.take(worker, &records, &closed, &mut decided)?;
        } else {
            for id in result.leftover {
                mark(&records, id, &mut decided)?;
                worker.next.push(&records.get(id))?;
            }
        }
        match ids.iter().find(|id| !decided[id.0 as usize]) {
            Some(id) => Err(Violation::Undecided { place: Place::of(records.row(*id)) }.into()),
            None => Ok(()),
        }
    }

    /// The fast path matches only rows of the first pass.
    fn already_for(&self, pass: usize) -> &AlreadyMatched {
        static NOTHING: std::sync::OnceLock<AlreadyMatched> = std::sync::OnceLock::new();
        if pass == 0 { self.already } else { NOTHING.get_or_init(AlreadyMatched::new) }
    }

    /// Takes verdicts: each is checked, counted and written.
    fn take(
        &self,
        worker: &mut Worker<'_>,
        records: &Records,
        verdicts: &[Verdict],
        decided: &mut [bool],
    ) -> Result<(), ReconError> {
        let mut differences = 0;
        for verdict in verdicts {
            for (side, ids) in [(Side::Left, &verdict.left), (Side::Right, &verdict.right)] {
                for id in ids {
                    mark(records, *id, decided)?;
                    let row = records.row(*id);
                    if row.side != side {
                        return Err(Violation::WrongSide { place: Place::of(row) }.into());
                    }
                }
            }
            check_verdict(&self.options.rules, records, verdict)?;
            worker.tallies.add_verdict(records, verdict);
            worker.sink.push_carried(records, verdict, |id| self.origins.of(records.row(id)))?;
            differences += u64::from(verdict.code.is_difference());
        }
        let known = self.progress.differences.fetch_add(differences, Ordering::Relaxed) + differences;
        if self.options.differences_max.is_some_and(|most| known > most) {
            return Err(ReconError::TooManyDifferences {
                most: self.options.differences_max.unwrap_or_default(),
            });
        }
        Ok(())
    }

    fn in_parallel<'a>(
        &self,
        workers: &mut [Worker<'a>],
        parts: Vec<Part>,
        each: impl Fn(&mut Worker<'a>, Part) -> Result<(), ReconError> + Sync,
    ) -> Result<(), ReconError> {
        let records: usize = parts.iter().map(Part::len).sum();
        let mut parts = parts.into_iter().filter(|part| part.len() > 0);
        if workers.len() == 1 || records < ALONE {
            return parts.try_for_each(|part| self.check_stop().and_then(|()| each(&mut workers[0], part)));
        }
        let parts = Mutex::new(parts);
        let failed = AtomicBool::new(false);
        // After an error or a stop nobody begins another part.
        let go_on = || !failed.load(Ordering::Relaxed) && !self.progress.stop.load(Ordering::Relaxed);
        let next = || parts.lock().expect("no thread panicked").next().filter(|_| go_on());
        std::thread::scope(|scope| {
            let handles: Vec<_> = workers
                .iter_mut()
                .map(|worker| {
                    let (next, each, failed) = (&next, &each, &failed);
                    scope.spawn(move || {
                        while let Some(part) = next() {
                            each(worker, part).inspect_err(|_| failed.store(true, Ordering::Relaxed))?;
                        }
                        Ok(())
                    })
                })
                .collect();
            handles
                .into_iter()
                .try_for_each(|h| h.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        })
    }
}

/// Notes that a record was decided on or left over; twice is a violation of I1.
fn mark(records: &Records, id: RecordId, decided: &mut [bool]) -> Result<(), ReconError> {
    match decided.get_mut(id.0 as usize) {
        None => Err(Violation::Unknown { number: id.0 }.into()),
        Some(true) => Err(Violation::DecidedTwice { place: Place::of(records.row(id)) }.into()),
        Some(flag) => {
            *flag = true;
            Ok(())
        }
    }
}
