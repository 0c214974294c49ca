//! Sorted runs of entries, written once for both databases.

use crate::error::StoreError;
use crate::limits::{BYTES_PER_BODY, ROWS_PER_ANSWER};
use crate::seam::{History, NewRun, Run, RunKind};
use crate::source::{Columns, Session, Sink, Source, Value, at_most, digest, narrow, stored, whole};
use crate::sql;
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

    /// Takes the replaced runs away and says what they covered.
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
            session.run(&sql::DROP_PAGES, &id)?;
            session.run(&sql::DROP_RUN, &id)?;
        }
        spans.sort_by_key(|span| span.start);
        let apart = spans.windows(2).any(|pair| matches!(pair, [left, right] if left.end != right.start));
        if apart {
            return self.misfit("the runs to be replaced do not lie side by side".to_owned());
        }
        Ok(spans.first().zip(spans.last()).map(|(first, last)| first.start..last.end))
    }

    fn write(
        &self,
        session: &mut dyn Session,
        run: &NewRun<'_>,
        replaced: &[u64],
    ) -> Result<u64, StoreError> {
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
        let mut last = 0;
        session.rows(&sql::LAST_RUN, &[], &mut |row| {
            last = row.int(0)?;
            Ok(())
        })?;
        let id = last.saturating_add(1);
        session.run(
            &sql::ADD_RUN,
            &[
                Value::Int(id),
                Value::Int(number(run.kind)),
                Value::Int(run.level.into()),
                Value::Int(stored("entry", run.entries.start)?),
                Value::Int(stored("entry", run.entries.end)?),
                Value::Int(stored("record", run.seq)?),
                Value::Bytes(&run.hash),
                Value::Int(stored("pages", run.pages.len() as u64)?),
                Value::Bytes(run.directory),
            ],
        )?;
        for (page, body) in (0_i64..).zip(run.pages) {
            session.run(&sql::ADD_PAGE, &[Value::Int(id), Value::Int(page), Value::Bytes(body)])?;
        }
        whole(&self.at, "the number of a run", id)
    }
}

impl History for Runs {
    fn put(&self, run: &NewRun<'_>, replaced: &[u64]) -> Result<u64, StoreError> {
        for page in run.pages {
            at_most("bytes of a page", page.len(), BYTES_PER_BODY)?;
        }
        at_most("pages of a run", run.pages.len(), u32::MAX as usize)?;
        let mut id = 0;
        self.writes.transact(&mut |session| {
            id = self.write(session, run, replaced)?;
            Ok(())
        })?;
        Ok(id)
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

    fn clear(&self) -> Result<(), StoreError> {
        self.writes.transact(&mut |session| {
            session.run(&sql::CLEAR_PAGES, &[])?;
            session.run(&sql::CLEAR_RUNS, &[])?;
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
