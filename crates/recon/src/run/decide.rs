//! Runs the passes over the pool of records, part by part, and proves each part.

use super::{Options, Phase, Progress};
use crate::cascade::{AlreadyMatched, CloseContext, close, run_pass, split_hash};
use crate::error::ReconError;
use crate::invariants::{Place, Tallies, Violation, check_verdict};
use crate::open_items::Origins;
use crate::outcome::Verdict;
use crate::pool::Pool;
use crate::record::{RecordId, Records, Side, Words};
use crate::report::OutcomeSink;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

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
struct Worker {
    sink: OutcomeSink,
    tallies: Tallies,
    leftover: Vec<RecordId>,
}

/// Records below this number are decided by one thread: starting more costs more.
const ALONE: usize = 4096;

impl Deciding<'_> {
    /// Runs all passes and the close.
    pub(super) fn run(&self, mut pool: Pool, sinks: Vec<OutcomeSink>) -> Result<Done, ReconError> {
        self.progress.enter(Phase::Decide);
        let rules = &self.options.rules;
        let mut workers: Vec<Worker> = sinks
            .into_iter()
            .map(|sink| Worker { sink, tallies: Tallies::default(), leftover: Vec::new() })
            .collect();
        if let Some(records) = pool.take_memory() {
            // The usual case: everything stays where it is, and passes hand on numbers only.
            let mut ids: Vec<RecordId> = records.ids().collect();
            for pass in 0..rules.passes.len() {
                self.pass_over(pass, &records, &ids, &mut workers)?;
                ids = workers.iter_mut().flat_map(|w| std::mem::take(&mut w.leftover)).collect();
                self.check_stop()?;
            }
            self.close(&records, &ids, &mut workers)?;
        } else {
            for pass in 0..rules.passes.len() {
                let mut next = Pool::new(self.pool_bytes, &self.options.work_dir);
                let split = |records: &Records, id: RecordId| split_hash(rules, pass, records, id);
                pool.parts(&split, &mut |records, _| {
                    let ids: Vec<RecordId> = records.ids().collect();
                    self.pass_over(pass, &records, &ids, &mut workers)?;
                    for worker in &mut workers {
                        for id in worker.leftover.drain(..) {
                            next.push(&records.get(id))?;
                        }
                    }
                    self.check_stop()
                })?;
                pool = next;
            }
            pool.parts(&|_, _| None, &mut |records, _| {
                let ids: Vec<RecordId> = records.ids().collect();
                self.close(&records, &ids, &mut workers)?;
                self.check_stop()
            })?;
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

    /// Closes what no pass took.
    fn close(&self, records: &Records, ids: &[RecordId], workers: &mut [Worker]) -> Result<(), ReconError> {
        let decided = flags(records);
        let pieces: Vec<&[RecordId]> = ids.chunks(ids.len().div_ceil(workers.len()).max(ALONE)).collect();
        self.in_parallel(workers, &pieces, |worker, ids| {
            self.take(worker, records, &close(&self.options.rules, self.context, records, ids), &decided)
        })?;
        check_all_decided(records, ids, &decided)
    }

    /// Runs one pass over records that are whole groups.
    fn pass_over(
        &self,
        pass: usize,
        records: &Records,
        ids: &[RecordId],
        workers: &mut [Worker],
    ) -> Result<(), ReconError> {
        let rules = &self.options.rules;
        let decided = flags(records);
        let count = if ids.len() < ALONE { 1 } else { workers.len() * 16 };
        let mut parts: Vec<Vec<RecordId>> = vec![Vec::new(); count];
        let mut apart: Vec<RecordId> = Vec::new();
        for &id in ids {
            match split_hash(rules, pass, records, id) {
                Some(hash) => {
                    let mixed = hash.wrapping_mul(0x9E37_79B9_7F4A_7C15);
                    parts[((u128::from(mixed) * count as u128) >> 64) as usize].push(id);
                }
                None => apart.push(id),
            }
        }
        self.in_parallel(workers, &parts, |worker, ids| {
            let result = run_pass(rules, pass, records, self.words, ids, self.already_for(pass));
            self.take(worker, records, &result.verdicts, &decided)?;
            for id in &result.leftover {
                mark(records, *id, &decided)?;
            }
            worker.leftover.extend(result.leftover);
            Ok(())
        })?;
        for id in &apart {
            mark(records, *id, &decided)?;
        }
        workers[0].leftover.extend(apart);
        check_all_decided(records, ids, &decided)
    }

    /// The fast path matches only rows of the first pass.
    fn already_for(&self, pass: usize) -> &AlreadyMatched {
        static NOTHING: std::sync::OnceLock<AlreadyMatched> = std::sync::OnceLock::new();
        if pass == 0 { self.already } else { NOTHING.get_or_init(AlreadyMatched::new) }
    }

    /// Takes verdicts: each is checked, counted and written.
    fn take(
        &self,
        worker: &mut Worker,
        records: &Records,
        verdicts: &[Verdict],
        decided: &[AtomicBool],
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

    fn in_parallel<P: Sync>(
        &self,
        workers: &mut [Worker],
        parts: &[P],
        each: impl Fn(&mut Worker, &P) -> Result<(), ReconError> + Sync,
    ) -> Result<(), ReconError> {
        if parts.len() <= 1 {
            return parts.iter().try_for_each(|part| each(&mut workers[0], part));
        }
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            let handles: Vec<_> = workers
                .iter_mut()
                .map(|worker| {
                    let (next, each) = (&next, &each);
                    scope.spawn(move || {
                        while let Some(part) = parts.get(next.fetch_add(1, Ordering::Relaxed)) {
                            each(worker, part)?;
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

fn flags(records: &Records) -> Vec<AtomicBool> {
    (0..records.len()).map(|_| AtomicBool::new(false)).collect()
}

/// Notes that a record was decided on or left over; twice is a violation of I1.
fn mark(records: &Records, id: RecordId, decided: &[AtomicBool]) -> Result<(), ReconError> {
    match decided.get(id.0 as usize) {
        None => Err(Violation::Unknown { number: id.0 }.into()),
        Some(flag) if flag.swap(true, Ordering::Relaxed) => {
            Err(Violation::DecidedTwice { place: Place::of(records.row(id)) }.into())
        }
        Some(_) => Ok(()),
    }
}

fn check_all_decided(records: &Records, ids: &[RecordId], decided: &[AtomicBool]) -> Result<(), ReconError> {
    match ids.iter().find(|id| !decided[id.0 as usize].load(Ordering::Relaxed)) {
        Some(id) => Err(Violation::Undecided { place: Place::of(records.row(*id)) }.into()),
        None => Ok(()),
    }
}
