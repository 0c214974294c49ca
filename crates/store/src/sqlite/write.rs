//! A commit on SQLite: one transaction, prepared statements in loops.

use super::One;
use super::connect::uncertain;
use super::session::{Lite, from};
use crate::commit::CommitError;
use crate::dialect::{
    LITE_ADD_EVENT_NAME, LITE_ADD_EVENTS, LITE_ADD_LINK, LITE_ADD_OBJECT, LITE_ADD_UNIQUE, LITE_DROP_HOLD,
    LITE_DROP_JOB, LITE_PUT_ACCOUNT, LITE_PUT_ANSWER, LITE_PUT_HOLD, LITE_PUT_JOB, LITE_PUT_PAGE,
    LITE_SET_OBJECT,
};
use crate::error::StoreError;
use crate::plan::{Plan, events_go_back, written};
use crate::source::{Session, Value};
use crate::sql;
use crate::writer::{Ledger, refused};
use rusqlite::{Connection, ErrorCode, TransactionBehavior, params};
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Ledger for Arc<One> {
    fn write(&self, plan: &Plan<'_>) -> Result<(), CommitError> {
        let mut connection = self.lock();
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|error| from(&self.at, error))?;
        rows(&self.at, &transaction, plan)?;
        // When this fails, dropping the transaction rolls it back in this process; what the disk holds is
        // known unless the disk itself failed.
        transaction.commit().map_err(|error| {
            if uncertain(&error) {
                self.unsettled.store(true, Ordering::Release);
                return CommitError::Unknown(from(&self.at, error).to_string());
            }
            from(&self.at, error).into()
        })
    }

    fn settle(&self) -> Result<(), StoreError> {
        if !self.unsettled.load(Ordering::Acquire) {
            return Ok(());
        }
        // The log may end in a commit whose sync failed: nobody sees it, but a crash could bring it back.
        // Moving everything else into the file and cutting the log leaves nothing of it.
        let connection = self.lock();
        let busy: i64 = connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
            .map_err(|error| from(&self.at, error))?;
        if busy != 0 {
            return Err(StoreError::Unavailable {
                at: self.at.clone(),
                reason: "a commit failed at the disk, and readers keep its log open; try again".to_owned(),
            });
        }
        self.unsettled.store(false, Ordering::Release);
        Ok(())
    }
}

/// Writes the rows of a commit within a transaction.
pub(super) fn rows(at: &str, connection: &Connection, plan: &Plan<'_>) -> Result<(), CommitError> {
    let mut session = Lite { at, connection };
    fence(&mut session, plan)?;
    let fault = |error| refusal(at, error);
    let mut put = connection.prepare_cached(LITE_PUT_ACCOUNT.text).map_err(fault)?;
    for account in &plan.commit.accounts {
        put.execute(params![account.number, account.path, account.currency, account.body]).map_err(fault)?;
    }
    objects(at, connection, plan)?;
    links(at, connection, plan)?;
    events(at, connection, plan)?;
    answers(at, connection, plan)?;
    let mut done = connection.prepare_cached(LITE_DROP_JOB.text).map_err(fault)?;
    for id in &plan.commit.jobs_done {
        done.execute([id]).map_err(fault)?;
    }
    let mut put = connection.prepare_cached(LITE_PUT_JOB.text).map_err(fault)?;
    for job in &plan.jobs {
        put.execute(params![job.id, job.kind, job.due, job.body]).map_err(fault)?;
    }
    checkpoint(&mut session, plan)
}

/// Moves the head if it stands where it is believed to stand, and adds the record.
fn fence(session: &mut Lite<'_>, plan: &Plan<'_>) -> Result<(), CommitError> {
    let (before, after, commit) = (&plan.before, &plan.after, plan.commit);
    let moved = session.run(
        &sql::MOVE,
        &[
            Value::Int(after.seq),
            Value::Bytes(&after.hash),
            Value::Int(after.entries),
            Value::Int(after.at),
            Value::Int(plan.cell),
            Value::Int(plan.epoch),
            Value::Int(before.seq),
            Value::Bytes(&before.hash),
            Value::Int(before.entries),
        ],
    )?;
    if moved != 1 {
        return Err(refused(session, plan));
    }
    session.run(
        &sql::ADD_RECORD,
        &[
            Value::Int(after.seq),
            Value::Int(before.entries),
            Value::Int(after.entries.saturating_sub(before.entries)),
            Value::Int(after.at),
            Value::Int(plan.epoch),
            Value::Bytes(&after.hash),
            Value::Bytes(&commit.root),
            Value::Bytes(&commit.record),
        ],
    )?;
    Ok(())
}

fn objects(at: &str, connection: &Connection, plan: &Plan<'_>) -> Result<(), CommitError> {
    let fault = |error| refusal(at, error);
    let mut add = connection.prepare_cached(LITE_ADD_OBJECT.text).map_err(fault)?;
    for new in &plan.new {
        let row = params![new.id, new.kind, new.merchant, new.live, new.created, new.version, new.body];
        if add.execute(row).map_err(fault)? != 1 {
            return Err(CommitError::Disagrees(format!("{} is there already", new.id)));
        }
    }
    let mut set = connection.prepare_cached(LITE_SET_OBJECT.text).map_err(fault)?;
    for (to, needs) in &plan.changed {
        let row = params![to.id, to.kind, to.merchant, to.live, to.created, to.version, to.body, needs];
        if set.execute(row).map_err(fault)? != 1 {
            return Err(CommitError::Disagrees(format!("{} is not there in version {needs}", to.id)));
        }
    }
    Ok(())
}

fn links(at: &str, connection: &Connection, plan: &Plan<'_>) -> Result<(), CommitError> {
    let fault = |error| refusal(at, error);
    let mut add = connection.prepare_cached(LITE_ADD_UNIQUE.text).map_err(fault)?;
    for link in &plan.unique {
        if add.execute(params![link.name, link.key, link.id]).map_err(fault)? == 1 {
            continue;
        }
        let mut found = connection.prepare_cached(sql::UNIQUE.text).map_err(fault)?;
        let id: String = found.query_row(params![link.name, link.key], |row| row.get(0)).map_err(fault)?;
        if id != link.id {
            return Err(CommitError::Taken { name: link.name.to_owned(), key: link.key.clone() });
        }
    }
    let mut add = connection.prepare_cached(LITE_ADD_LINK.text).map_err(fault)?;
    for (link, created) in &plan.links {
        add.execute(params![link.name, link.key, link.id, created]).map_err(fault)?;
    }
    Ok(())
}

fn events(at: &str, connection: &Connection, plan: &Plan<'_>) -> Result<(), CommitError> {
    let fault = |error| refusal(at, error);
    let mut add = connection.prepare_cached(LITE_ADD_EVENTS.text).map_err(fault)?;
    for block in &plan.commit.events {
        if add.execute(params![block.first, block.last, &*block.body]).map_err(fault)? != 1 {
            return Err(events_go_back(block));
        }
    }
    let mut add = connection.prepare_cached(LITE_ADD_EVENT_NAME.text).map_err(fault)?;
    for (name, first) in &plan.names {
        add.execute(params![name.merchant, name.live, name.kind, first]).map_err(fault)?;
    }
    Ok(())
}

fn answers(at: &str, connection: &Connection, plan: &Plan<'_>) -> Result<(), CommitError> {
    let fault = |error| refusal(at, error);
    let mut put = connection.prepare_cached(LITE_PUT_ANSWER.text).map_err(fault)?;
    for answer in &plan.answers {
        let status = answer.answered.as_ref().map(|(status, _)| *status);
        let (body, within) = written(answer);
        let row = params![
            answer.scope,
            answer.key,
            answer.digest,
            status,
            body,
            answer.created,
            within.map(|within| within.place),
            within.map(|within| within.from),
            within.map(|within| within.to),
        ];
        if put.execute(row).map_err(fault)? != 1 {
            return Err(CommitError::Disagrees(format!(
                "the request {} {} has an answer already, or was another request",
                answer.scope, answer.key
            )));
        }
    }
    Ok(())
}

fn checkpoint(session: &mut Lite<'_>, plan: &Plan<'_>) -> Result<(), CommitError> {
    let Some(checkpoint) = &plan.commit.checkpoint else { return Ok(()) };
    for (number, body) in &checkpoint.pages {
        session.run(&LITE_PUT_PAGE, &[Value::Int((*number).into()), Value::Bytes(body)])?;
    }
    for id in &checkpoint.holds_closed {
        session.run(&LITE_DROP_HOLD, &[Value::Bytes(&id.to_be_bytes())])?;
    }
    for (id, body) in &checkpoint.holds_open {
        session.run(&LITE_PUT_HOLD, &[Value::Bytes(&id.to_be_bytes()), Value::Bytes(body)])?;
    }
    session.run(&sql::CHECKPOINT, &[Value::Int(plan.checkpoint)])?;
    Ok(())
}

/// What a failed statement of a commit means: a check of the database that refused it is a disagreement.
fn refusal(at: &str, error: rusqlite::Error) -> CommitError {
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => CommitError::Disagrees(format!("{at}: {error}")),
        _ => from(at, error).into(),
    }
}
