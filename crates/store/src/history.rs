//! Sorted runs of entries, written once for both databases.

use crate::commit::Lease;
use crate::error::StoreError;
use crate::limits::{BYTES_PER_BODY, PAGES_PER_SWEEP, ROWS_PER_ANSWER};
use crate::seam::{History, NewRun, Run, RunKind};
use crate::source::{Columns, Session, Sink, Source, Value, at_most, digest, narrow, stored, whole};
use crate::sql::{self, Sql};
use std::ops::Range;
use std::sync::Arc;

/// The history over a database.
pub(crate) struct Runs {
    pub reads: Arc<dyn Source>,
    pub writes: Arc<dyn Sink>,
    pub at: String,
}

impl Runs {
    fn misfit<T>(&self, reason: String) -> Result<T, StoreError> {
        Err(StoreError::Damaged { at: self.at.clone(), reason })
    }

    /// Looks that nobody else has claimed the history, and keeps it so until the end of the transaction.
    fn hold(&self, session: &mut dyn Session, lease: &Lease) -> Result<(), StoreError> {
        if session.run(&sql::HOLD_HISTORY, &[Value::Int(stored("epoch", lease.epoch)?)])? == 1 {
            return Ok(());
        }
        let epoch = one(session, &sql::HISTORY_EPOCH, &[])?;
        let stored = whole(&self.at, "the epoch of the history", epoch)?;
        Err(StoreError::Fenced { cell: lease.cell, held: lease.epoch, stored })
    }

    /// Puts the replaced runs aside and says what they covered.
    fn replace(
        &self,
        session: &mut dyn Session,
        kind: RunKind,
        replaced: &[u64],
    ) -> Result<Option<Range<u64>>, StoreError> {
        let mut spans = Vec::with_capacity(replaced.len());
        for run in replaced {
            let id = [Value::Int(stored("run", *run)?)];
            let mut span = None;
            session.rows(&sql::RUN_SPAN, &id, &mut |row| {
                span = Some((
                    row.int(0)?,
                    whole(&self.at, "run", row.int(1)?)?,
                    whole(&self.at, "run", row.int(2)?)?,
                ));
                Ok(())
            })?;
            match span {
                Some((of, first, past)) if of == number(kind) => spans.push(first..past),
                _ => return self.misfit(format!("run {run} is to be replaced and is not there")),
            }
            session.run(&sql::REPLACE_RUN, &id)?;
        }
        spans.sort_by_key(|span| span.start);
        let apart = spans.windows(2).any(|pair| matches!(pair, [left, right] if left.end != right.start));
        if apart {
            return self.misfit("the runs to be replaced do not lie side by side".to_owned());
        }
        Ok(spans.first().zip(spans.last()).map(|(first, last)| first.start..last.end))
    }

    /// Makes the row of a run of which there is nothing yet.
    fn begin(&self, session: &mut dyn Session, kind: RunKind) -> Result<i64, StoreError> {
        let id = one(session, &sql::LAST_RUN, &[])?.saturating_add(1);
        let values = [Value::Int(id), Value::Int(number(kind)), Value::Bytes(&[0; 32]), Value::Bytes(&[])];
        session.run(&sql::BEGIN_RUN, &values)?;
        Ok(id)
    }

    /// Finishes a run that was begun, with its last pages.
    fn finish(
        &self,
        session: &mut dyn Session,
        id: i64,
        run: &NewRun<'_>,
        replaced: &[u64],
    ) -> Result<(), StoreError> {
        let span = self.replace(session, run.kind, replaced)?;
        let sealed = sealed(session, &self.at, run.kind)?;
        let fits = match &span {
            // The merged run covers what it replaces; when those were the newest it may go further.
            Some(span) => {
                run.entries.start == span.start && (run.entries.end == span.end || span.end > sealed)
            }
            None => run.entries.start == sealed,
        };
        if !fits || run.entries.is_empty() {
            return self
                .misfit(format!("a run of entries {:?} does not fit: {sealed} are sealed", run.entries));
        }
        let before = one(session, &sql::COUNT_PAGES, &[Value::Int(id)])?;
        add(session, id, before, run.pages)?;
        let pages = before.saturating_add(stored("pages", run.pages.len() as u64)?);
        let finished = session.run(
            &sql::FINISH_RUN,
            &[
                Value::Int(run.level.into()),
                Value::Int(stored("entry", run.entries.start)?),
                Value::Int(stored("entry", run.entries.end)?),
                Value::Int(stored("record", run.seq)?),
                Value::Bytes(&run.hash),
                Value::Int(pages),
                Value::Bytes(run.directory),
                Value::Int(id),
                Value::Int(number(run.kind)),
            ],
        )?;
        if finished != 1 {
            return self.misfit(format!("run {id} is to be finished and was not begun"));
        }
        Ok(())
    }
}

/// Adds pages to a run, numbered from `from`.
fn add(session: &mut dyn Session, run: i64, from: i64, pages: &[Vec<u8>]) -> Result<(), StoreError> {
    for (page, body) in (from..).zip(pages) {
        session.run(&sql::ADD_PAGE, &[Value::Int(run), Value::Int(page), Value::Bytes(body)])?;
    }
    Ok(())
}

/// Returns the one number that a statement gives.
fn one(session: &mut dyn Session, sql: &'static Sql, values: &[Value<'_>]) -> Result<i64, StoreError> {
    let mut found = 0;
    session.rows(sql, values, &mut |row| {
        found = row.int(0)?;
        Ok(())
    })?;
    Ok(found)
}

fn small_enough(pages: &[Vec<u8>]) -> Result<(), StoreError> {
    pages.iter().try_for_each(|page| at_most("bytes of a page", page.len(), BYTES_PER_BODY))?;
    at_most("pages of a run", pages.len(), u32::MAX as usize)
}

impl History for Runs {
    fn claim(&self, lease: &Lease) -> Result<(), StoreError> {
        self.writes.transact(&mut |session| {
            session.run(&sql::CLAIM_HISTORY, &[Value::Int(stored("epoch", lease.epoch)?)])?;
            session.run(&sql::REPLACE_UNFINISHED, &[])?;
            Ok(())
        })
    }

    fn put(&self, lease: &Lease, run: &NewRun<'_>, replaced: &[u64]) -> Result<u64, StoreError> {
        small_enough(run.pages)?;
        let mut id = 0;
        self.writes.transact(&mut |session| {
            self.hold(session, lease)?;
            id = self.begin(session, run.kind)?;
            self.finish(session, id, run, replaced)
        })?;
        whole(&self.at, "the number of a run", id)
    }

    fn begin_run(&self, lease: &Lease, kind: RunKind) -> Result<u64, StoreError> {
        let mut id = 0;
        self.writes.transact(&mut |session| {
            self.hold(session, lease)?;
            id = self.begin(session, kind)?;
            Ok(())
        })?;
        whole(&self.at, "the number of a run", id)
    }

    fn add_pages(&self, lease: &Lease, run: u64, from: u32, pages: &[Vec<u8>]) -> Result<(), StoreError> {
        small_enough(pages)?;
        let id = stored("run", run)?;
        self.writes.transact(&mut |session| {
            self.hold(session, lease)?;
            add(session, id, from.into(), pages)
        })
    }

    fn finish_run(
        &self,
        lease: &Lease,
        number: u64,
        run: &NewRun<'_>,
        replaced: &[u64],
    ) -> Result<(), StoreError> {
        small_enough(run.pages)?;
        let id = stored("run", number)?;
        self.writes.transact(&mut |session| {
            self.hold(session, lease)?;
            self.finish(session, id, run, replaced)
        })
    }

    fn sweep(&self, lease: &Lease) -> Result<bool, StoreError> {
        let mut more = false;
        self.writes.transact(&mut |session| {
            self.hold(session, lease)?;
            let id = one(session, &sql::REPLACED, &[])?;
            more = id != 0;
            if !more {
                return Ok(());
            }
            // From the end, where the index finds the last page at once.
            let last = one(session, &sql::LAST_PAGE, &[Value::Int(id)])?;
            let from = last.saturating_sub(i64::from(PAGES_PER_SWEEP) - 1);
            session.run(&sql::DROP_PAGES, &[Value::Int(id), Value::Int(from)])?;
            if from <= 0 {
                session.run(&sql::DROP_RUN, &[Value::Int(id)])?;
            }
            Ok(())
        })?;
        Ok(more)
    }

    fn runs(&self, kind: RunKind) -> Result<Vec<Run>, StoreError> {
        let mut runs = Vec::new();
        self.reads.peek(&mut |session| {
            runs.clear();
            session.rows(&sql::RUNS, &[Value::Int(number(kind))], &mut |row| {
                runs.push(run_row(&self.at, kind, row)?);
                Ok(())
            })
        })?;
        Ok(runs)
    }

    fn pages(&self, run: u64, pages: &[u32]) -> Result<Option<Vec<Vec<u8>>>, StoreError> {
        at_most("pages", pages.len(), ROWS_PER_ANSWER)?;
        let id = Value::Int(stored("run", run)?);
        let mut found = None;
        self.reads.read(&mut |session| {
            let mut there = false;
            session.rows(&sql::RUN_PAGES, &[id], &mut |_| {
                there = true;
                Ok(())
            })?;
            let mut bodies = Vec::with_capacity(pages.len());
            for page in pages.iter().take_while(|_| there) {
                session.rows(&sql::PAGE, &[id, Value::Int((*page).into())], &mut |row| {
                    bodies.push(row.bytes(0)?.to_vec());
                    Ok(())
                })?;
            }
            if there && bodies.len() != pages.len() {
                return self.misfit(format!("run {run} lacks pages"));
            }
            found = there.then_some(bodies);
            Ok(())
        })?;
        Ok(found)
    }

    fn sealed(&self, kind: RunKind) -> Result<u64, StoreError> {
        let mut number = 0;
        self.reads.peek(&mut |session| {
            number = sealed(session, &self.at, kind)?;
            Ok(())
        })?;
        Ok(number)
    }

    fn clear(&self, lease: &Lease) -> Result<(), StoreError> {
        self.writes.transact(&mut |session| {
            self.hold(session, lease)?;
            session.run(&sql::REPLACE_ALL, &[])?;
            Ok(())
        })
    }
}

fn sealed(session: &mut dyn Session, at: &str, kind: RunKind) -> Result<u64, StoreError> {
    let mut past = 0;
    session.rows(&sql::SEALED, &[Value::Int(number(kind))], &mut |row| {
        past = whole(at, "the end of a run", row.int(0)?)?;
        Ok(())
    })?;
    Ok(past)
}

const fn number(kind: RunKind) -> i64 {
    match kind {
        RunKind::History => 1,
        RunKind::Ids => 2,
    }
}

fn run_row(at: &str, kind: RunKind, row: &dyn Columns) -> Result<Run, StoreError> {
    Ok(Run {
        id: whole(at, "the number of a run", row.int(0)?)?,
        kind,
        level: narrow(at, "the level of a run", row.int(2)?)?,
        entries: whole(at, "the start of a run", row.int(3)?)?..whole(at, "the end of a run", row.int(4)?)?,
        seq: whole(at, "the record of a run", row.int(5)?)?,
        hash: digest(at, "the hash of a run", row.bytes(6)?)?,
        pages: narrow(at, "the pages of a run", row.int(7)?)?,
        directory: row.bytes(8)?.to_vec(),
    })
}
