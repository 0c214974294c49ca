//! The writer of a cell: leases and loading are written once, commits by each database.

use crate::commit::{AccountRow, Commit, CommitError, Head, Lease};
use crate::error::StoreError;
use crate::events::EventLines;
use crate::migrations::Schema;
use crate::plan::Plan;
use crate::read::{record_row, stream};
use crate::seam::{Kept, Record, Standing, Store};
use crate::source::{Columns, Engine, Session, Sink, Value, digest, narrow, stored, whole};
use crate::{dialect, sql};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::time::Duration;

/// A database that takes commits.
pub(crate) trait Ledger: Sink {
    /// Writes a commit in one transaction.
    fn write(&self, plan: &Plan<'_>) -> Result<(), CommitError>;
    /// Waits until a transaction whose end is not known has ended.
    fn settle(&self) -> Result<(), StoreError>;
}

/// The writer over a database.
pub(crate) struct Writer<L> {
    pub ledger: L,
    pub at: String,
}

impl<L: Ledger> Writer<L> {
    fn take(
        &mut self,
        (cell, node, ttl): (u32, &str, Duration),
        by_force: bool,
    ) -> Result<(Lease, Head), StoreError> {
        let mut taken = None;
        self.ledger.settle()?;
        self.ledger.transact(&mut |session| {
            session.run(&sql::FOUND_CELL, &[Value::Int(cell.into()), Value::Bytes(&[0; 32])])?;
            let found = standing(session, true)?.ok_or_else(|| gone(session.at()))?;
            // With the row locked: whoever changes the schema locks it first.
            let mut schema = 0;
            session.rows(&sql::SCHEMA, &[], &mut |row| {
                schema = row.int(0)?;
                Ok(())
            })?;
            Schema::Cell.compare(session.at(), schema)?;
            if found.lease.cell != cell {
                let at = session.at().to_owned();
                return Err(StoreError::OtherCell { at, stored: found.lease.cell, asked: cell });
            }
            let now = now(session)?;
            if !by_force && found.expires > now && found.holder != node {
                let left_ms = u64::try_from(found.expires.saturating_sub(now) / 1000).unwrap_or(0);
                return Err(StoreError::Held { cell, holder: found.holder, left_ms });
            }
            let held = stored("epoch", found.lease.epoch)?;
            let changed = session.run(
                &sql::TAKE,
                &[Value::Text(node), Value::Int(later(now, ttl)), Value::Int(cell.into()), Value::Int(held)],
            )?;
            if changed != 1 {
                return Err(gone(session.at()));
            }
            taken = Some((Lease { cell, epoch: found.lease.epoch + 1 }, found.head));
            Ok(())
        })?;
        taken.ok_or_else(|| gone(&self.at))
    }

    /// Changes the row of the lease while it is held.
    fn hold(&mut self, lease: &Lease, expires: Option<Duration>) -> Result<(), StoreError> {
        self.ledger.transact(&mut |session| {
            let until = match expires {
                Some(ttl) => later(now(session)?, ttl),
                None => 0,
            };
            let epoch = stored("epoch", lease.epoch)?;
            let values = [Value::Int(until), Value::Int(lease.cell.into()), Value::Int(epoch)];
            if session.run(&sql::RENEW, &values)? == 1 { Ok(()) } else { Err(fenced(session, lease)?) }
        })
    }
}

impl<L: Ledger> Store for Writer<L> {
    fn acquire(&mut self, cell: u32, node: &str, ttl: Duration) -> Result<(Lease, Head), StoreError> {
        self.take((cell, node, ttl), false)
    }

    fn seize(&mut self, cell: u32, node: &str, ttl: Duration) -> Result<(Lease, Head), StoreError> {
        self.take((cell, node, ttl), true)
    }

    fn renew(&mut self, lease: &Lease, ttl: Duration) -> Result<(), StoreError> {
        self.hold(lease, Some(ttl))
    }

    fn release(&mut self, lease: &Lease) -> Result<(), StoreError> {
        self.hold(lease, None)
    }

    fn head(&mut self) -> Result<Head, StoreError> {
        self.ledger.settle()?;
        let mut head = None;
        self.ledger.peek(&mut |session| {
            head = standing(session, false)?.map(|standing| standing.head);
            Ok(())
        })?;
        head.ok_or_else(|| gone(&self.at))
    }

    fn commit(&mut self, commit: &Commit) -> Result<(), CommitError> {
        let plan = Plan::of(commit)?;
        self.ledger.write(&plan)
    }

    fn load(&mut self) -> Result<Kept, StoreError> {
        self.ledger.settle()?;
        let mut kept = Kept::default();
        self.ledger.read(&mut |session| {
            kept = load(session)?;
            Ok(())
        })?;
        Ok(kept)
    }

    fn records(
        &mut self,
        from: u64,
        each: &mut dyn FnMut(Record) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        stream(&self.ledger, from, each)
    }

    fn forget_answers(&mut self, lease: &Lease, before: i64, limit: u32) -> Result<u64, StoreError> {
        let mut forgotten = 0;
        self.ledger.transact(&mut |session| {
            let found = standing(session, true)?;
            if found.map(|found| found.lease) != Some(*lease) {
                return Err(fenced(session, lease)?);
            }
            let statement = match session.engine() {
                Engine::Sqlite => &dialect::LITE_FORGET_ANSWERS,
                Engine::Postgres => &dialect::PG_FORGET_ANSWERS,
            };
            forgotten = session.run(statement, &[Value::Int(before), Value::Int(limit.into())])?;
            Ok(())
        })?;
        Ok(forgotten)
    }

    fn forget_events(&mut self, lease: &Lease, before: i64, limit: u32) -> Result<u64, StoreError> {
        let mut forgotten = 0;
        self.ledger.transact(&mut |session| {
            let found = standing(session, true)?;
            if found.map(|found| found.lease) != Some(*lease) {
                return Err(fenced(session, lease)?);
            }
            let at = session.at().to_owned();
            let mut blocks = Vec::new();
            session.rows(&sql::OLD_EVENTS, &[Value::Int(before), Value::Int(limit.into())], &mut |row| {
                blocks.push((row.int(0)?, EventLines::unpack(&at, row.bytes(1)?)));
                Ok(())
            })?;
            forgotten = blocks.len() as u64;
            drop_events(session, &blocks)?;
            Ok(())
        })?;
        Ok(forgotten)
    }
}

/// Deletes blocks of events with their names. Nobody finds the names of a block that cannot be read any more.
fn drop_events(
    session: &mut dyn Session,
    blocks: &[(i64, Result<EventLines, StoreError>)],
) -> Result<(), StoreError> {
    let mut names = BTreeSet::new();
    for (first, lines) in blocks {
        for line in lines.iter().flat_map(EventLines::iter).flatten() {
            names.extend(["", line.kind].map(|kind| (line.merchant, line.live, kind, *first)));
        }
    }
    match session.engine() {
        Engine::Sqlite => {
            for (merchant, live, kind, first) in names {
                let name = [Value::Text(merchant), Value::Bool(live), Value::Text(kind), Value::Int(first)];
                session.run(&dialect::LITE_DROP_EVENT_NAME, &name)?;
            }
            for (first, _) in blocks {
                session.run(&dialect::LITE_DROP_EVENT_BLOCK, &[Value::Int(*first)])?;
            }
        }
        Engine::Postgres => {
            let merchants: Vec<&str> = names.iter().map(|name| name.0).collect();
            let modes: Vec<&str> = names.iter().map(|name| if name.1 { "true" } else { "false" }).collect();
            let kinds: Vec<&str> = names.iter().map(|name| name.2).collect();
            let numbers: Vec<String> = names.iter().map(|name| name.3.to_string()).collect();
            let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
            let columns = [&merchants, &modes, &kinds, &numbers].map(|column| Value::Texts(column));
            session.run(&dialect::PG_DROP_EVENT_NAMES, &columns)?;
            let blocks: Vec<String> = blocks.iter().map(|(first, _)| first.to_string()).collect();
            let blocks: Vec<&str> = blocks.iter().map(String::as_str).collect();
            session.run(&dialect::PG_DROP_EVENT_BLOCKS, &[Value::Texts(&blocks)])?;
        }
    }
    Ok(())
}

/// Reads the row of the cell; with the lock that a commit takes, where there are such locks.
pub(crate) fn standing(session: &mut dyn Session, locked: bool) -> Result<Option<Standing>, StoreError> {
    let statement = match session.engine() {
        Engine::Postgres if locked => &dialect::PG_STANDING_LOCKED,
        Engine::Postgres | Engine::Sqlite => &sql::STANDING,
    };
    let at = session.at().to_owned();
    let mut found = None;
    session.rows(statement, &[], &mut |row| {
        found = Some(standing_row(&at, row)?);
        Ok(())
    })?;
    Ok(found)
}

fn standing_row(at: &str, row: &dyn Columns) -> Result<Standing, StoreError> {
    Ok(Standing {
        lease: Lease {
            cell: narrow(at, "the cell", row.int(0)?)?,
            epoch: whole(at, "the epoch", row.int(1)?)?,
        },
        holder: row.text(2)?.to_owned(),
        expires: row.int(3)?,
        head: Head {
            seq: whole(at, "the sequence number", row.int(4)?)?,
            hash: digest(at, "the hash of the head", row.bytes(5)?)?,
            entries: whole(at, "the number of entries", row.int(6)?)?,
            at: row.int(7)?,
        },
        checkpoint: whole(at, "the checkpoint", row.int(8)?)?,
    })
}

fn load(session: &mut dyn Session) -> Result<Kept, StoreError> {
    let at = session.at().to_owned();
    let mut kept = Kept::default();
    if let Some(found) = standing(session, false)? {
        kept.head = Some(found.head);
        kept.checkpoint = found.checkpoint;
    }
    session.rows(&sql::EVENT_BLOCK, &[Value::Int(i64::MAX)], &mut |row| {
        kept.newest_event = Some(row.int(1)?);
        Ok(())
    })?;
    session.rows(&sql::ACCOUNTS, &[], &mut |row| {
        kept.accounts.push(AccountRow {
            number: narrow(&at, "the number of an account", row.int(0)?)?,
            path: row.text(1)?.to_owned(),
            currency: u16::try_from(row.int(2)?).map_err(|_| StoreError::Damaged {
                at: at.clone(),
                reason: "the currency of an account is no numeric code".to_owned(),
            })?,
            body: row.bytes(3)?.to_vec(),
        });
        Ok(())
    })?;
    session.rows(&sql::PAGES, &[], &mut |row| {
        kept.pages.push((narrow(&at, "the number of a page", row.int(0)?)?, row.bytes(1)?.to_vec()));
        Ok(())
    })?;
    session.rows(&sql::HOLDS, &[], &mut |row| {
        let id: [u8; 16] = row.bytes(0)?.try_into().map_err(|_| StoreError::Damaged {
            at: at.clone(),
            reason: "the id of a hold does not have 16 bytes".to_owned(),
        })?;
        kept.holds.push((u128::from_be_bytes(id), row.bytes(1)?.to_vec()));
        Ok(())
    })?;
    Ok(kept)
}

/// Why a row of the cell was not changed under a lease.
fn fenced(session: &mut dyn Session, lease: &Lease) -> Result<StoreError, StoreError> {
    Ok(match standing(session, false)? {
        Some(found) if found.lease.cell != lease.cell => {
            StoreError::OtherCell { at: session.at().to_owned(), stored: found.lease.cell, asked: lease.cell }
        }
        Some(found) => StoreError::Fenced { cell: lease.cell, held: lease.epoch, stored: found.lease.epoch },
        None => gone(session.at()),
    })
}

/// Why the fence did not let a commit through.
pub(crate) fn refused(session: &mut dyn Session, plan: &Plan<'_>) -> CommitError {
    let lease = plan.commit.lease;
    match standing(session, false) {
        Err(error) => error.into(),
        Ok(None) => {
            CommitError::Disagrees("the database holds no cell yet: acquire a lease first".to_owned())
        }
        Ok(Some(found)) if found.lease.cell != lease.cell => CommitError::Disagrees(format!(
            "the database holds cell {}, not cell {}",
            found.lease.cell, lease.cell
        )),
        Ok(Some(found)) if found.lease.epoch != lease.epoch => {
            CommitError::Fenced { cell: lease.cell, held: lease.epoch, stored: found.lease.epoch }
        }
        Ok(Some(found)) => CommitError::Disagrees(format!(
            "record {} with {} entries and hash {} stands there, record {} with {} entries and hash {} was \
             believed to",
            found.head.seq,
            found.head.entries,
            short(&found.head.hash),
            plan.before.seq,
            plan.before.entries,
            short(&plan.before.hash),
        )),
    }
}

fn short(hash: &[u8; 32]) -> String {
    hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn now(session: &mut dyn Session) -> Result<i64, StoreError> {
    let statement = match session.engine() {
        Engine::Sqlite => &dialect::LITE_NOW,
        Engine::Postgres => &dialect::PG_NOW,
    };
    let mut now = 0;
    session.rows(statement, &[], &mut |row| {
        now = row.int(0)?;
        Ok(())
    })?;
    Ok(now)
}

fn later(now: i64, ttl: Duration) -> i64 {
    now.saturating_add(i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX))
}

fn gone(at: &str) -> StoreError {
    StoreError::Unavailable {
        at: at.to_owned(),
        reason: "the database holds no cell yet: take its lease first".to_owned(),
    }
}

/// Checks that a row that was streamed follows the one before.
pub(crate) fn record_after(at: &str, last: Option<u64>, row: &dyn Columns) -> Result<Record, StoreError> {
    let record = record_row(at, row)?;
    if last.is_some_and(|last| last.checked_add(1) != Some(record.mark.seq)) {
        return Err(StoreError::Damaged {
            at: at.to_owned(),
            reason: format!("record {} is missing", last.map_or(0, |last| last.saturating_add(1))),
        });
    }
    Ok(record)
}
