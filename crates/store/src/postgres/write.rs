//! A commit on PostgreSQL: all statements are sent at once, their results checked, then it is committed.

use super::Own;
use super::connect::Wire;
use super::session::{Remote, commit, from, prepared};
use crate::commit::{Answer, CommitError, Job, Link, Object};
use crate::dialect::{
    PG_ADD_EVENT_NAMES, PG_ADD_EVENTS, PG_ADD_LINKS, PG_ADD_LINKS_AGAIN, PG_ADD_OBJECTS, PG_ADD_UNIQUE,
    PG_DROP_HOLDS, PG_DROP_JOBS, PG_OBJECTS, PG_PUT_ACCOUNTS, PG_PUT_ANSWERS, PG_PUT_HOLDS, PG_PUT_JOBS,
    PG_PUT_PAGES, PG_SET_OBJECTS, PG_TAKEN, PG_TOUCH,
};
use crate::error::StoreError;
use crate::events::EventBlock;
use crate::limits::PAGES_AT_ONCE;
use crate::plan::{Plan, events_go_back, written};
use crate::source::{Sink, Value};
use crate::sql::{ADD_RECORD, CHECKPOINT, MOVE, Sql};
use crate::writer::{Ledger, refused};
use std::collections::HashMap;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};

/// The statements of a commit, in the order in which they are sent.
static STATEMENTS: &[&Sql] = &[
    &MOVE,
    &ADD_RECORD,
    &PG_PUT_ACCOUNTS,
    &PG_ADD_OBJECTS,
    &PG_SET_OBJECTS,
    &PG_ADD_UNIQUE,
    &PG_ADD_LINKS,
    &PG_ADD_EVENTS,
    &PG_ADD_EVENT_NAMES,
    &PG_PUT_ANSWERS,
    &PG_DROP_JOBS,
    &PG_PUT_JOBS,
    &PG_PUT_PAGES,
    &PG_DROP_HOLDS,
    &PG_PUT_HOLDS,
    &CHECKPOINT,
];

impl Ledger for Own {
    fn write(&self, plan: &Plan<'_>) -> Result<(), CommitError> {
        let at = &self.address.place;
        self.with(|wire, unsettled| {
            let mut done = self.attempt(wire, plan, &PG_ADD_LINKS);
            if matches!(done, Err(Refusal::Links)) {
                done = self.attempt(wire, plan, &PG_ADD_LINKS_AGAIN);
            }
            if let Err(refusal) = done {
                return Err(self.explain(wire, plan, refusal));
            }
            self.runner.wait(commit(at, wire)).map_err(|reason| {
                *unsettled = true;
                CommitError::Unknown(format!("{at}: {reason}"))
            })
        })
    }

    fn settle(&self) -> Result<(), StoreError> {
        let unsettled = self.with(|_, unsettled| Ok::<bool, StoreError>(*unsettled))?;
        if !unsettled {
            return Ok(());
        }
        // This waits for the row that the unknown transaction has locked, until that one has ended; then for
        // the standbys, until they have all that was before.
        self.transact(&mut |session| session.run(&PG_TOUCH, &[]).map(|_| ()))?;
        self.with(|_, unsettled| {
            *unsettled = false;
            Ok(())
        })
    }
}

/// Why a commit is rolled back.
enum Refusal {
    /// The fence did not let it through.
    Fence,
    /// Objects are not as they must be.
    Objects,
    /// A name that is not unique is there already.
    Links,
    /// Anything else.
    Other(CommitError),
}

impl Own {
    /// Sends a transaction and leaves it open; after a refusal it is rolled back.
    fn attempt(&self, wire: &mut Wire, plan: &Plan<'_>, links: &'static Sql) -> Result<(), Refusal> {
        let at = &self.address.place;
        let counts = self.runner.wait(send(at, wire, plan, links));
        let checked = counts.and_then(|counts| self.runner.wait(check(at, wire, plan, &counts)));
        if checked.is_err() {
            wire.broken |= self.runner.wait(wire.client.batch_execute("ROLLBACK")).is_err();
        }
        checked
    }

    /// Says what is wrong, once the transaction is rolled back.
    fn explain(&self, wire: &mut Wire, plan: &Plan<'_>, refusal: Refusal) -> CommitError {
        let session = &mut Remote { at: &self.address.place, runner: &self.runner, wire };
        match refusal {
            Refusal::Other(error) => error,
            Refusal::Fence => refused(session, plan),
            Refusal::Objects => wrong_object(session, plan).unwrap_or_else(CommitError::from),
            Refusal::Links => {
                CommitError::Disagrees(format!("{}: a name was added twice", self.address.place))
            }
        }
    }
}

/// Finds an object that is not as a commit needs it.
fn wrong_object(session: &mut Remote<'_>, plan: &Plan<'_>) -> Result<CommitError, StoreError> {
    use crate::source::Session;
    let needed: Vec<(&str, u32)> = plan
        .new
        .iter()
        .map(|object| (object.id.as_str(), 0))
        .chain(plan.changed.iter().map(|(object, needs)| (object.id.as_str(), *needs)))
        .collect();
    let ids: Vec<&str> = needed.iter().map(|(id, _)| *id).collect();
    let mut found: HashMap<String, i64> = HashMap::new();
    session.rows(&PG_OBJECTS, &[Value::Texts(&ids)], &mut |row| {
        found.insert(row.text(0)?.to_owned(), row.int(5)?);
        Ok(())
    })?;
    let version = |id: &str| found.get(id).copied().unwrap_or(0);
    let wrong = needed.iter().find(|(id, needs)| version(id) != i64::from(*needs));
    Ok(CommitError::Disagrees(match wrong {
        Some((id, 0)) => format!("{id} is there already"),
        Some((id, needs)) => format!("{id} is not there in version {needs}"),
        None => "an object changed its kind, merchant, mode or creation".to_owned(),
    }))
}

/// How many rows each statement changed; none where there was nothing to send.
#[derive(Default)]
struct Counts {
    new: u64,
    changed: u64,
    unique: u64,
    events: u64,
    answers: u64,
    moved: u64,
}

type Params<'a> = Vec<Box<dyn ToSql + Sync + Send + 'a>>;

/// Sends one statement; nothing where there are no rows.
async fn execute(
    client: &Client,
    statement: &Statement,
    parameters: Option<Params<'_>>,
) -> Result<u64, tokio_postgres::Error> {
    let Some(parameters) = parameters else { return Ok(0) };
    let parameters: Vec<&(dyn ToSql + Sync)> =
        parameters.iter().map(|parameter| &**parameter as &(dyn ToSql + Sync)).collect();
    client.execute(statement, &parameters).await
}

/// Sends a statement for each part of the rows.
async fn execute_parts(
    client: &Client,
    statement: &Statement,
    parts: Vec<Params<'_>>,
) -> Result<(), tokio_postgres::Error> {
    for part in parts {
        execute(client, statement, Some(part)).await?;
    }
    Ok(())
}

/// Begins and sends all rows without waiting in between.
async fn send(at: &str, wire: &mut Wire, plan: &Plan<'_>, links: &'static Sql) -> Result<Counts, Refusal> {
    let mut statements = Vec::with_capacity(STATEMENTS.len());
    for sql in STATEMENTS {
        let sql = if std::ptr::eq(*sql, &raw const PG_ADD_LINKS) { links } else { sql };
        let statement = prepared(at, wire, sql).await.map_err(|error| Refusal::Other(error.into()))?;
        statements.push(statement);
    }
    let client = &wire.client;
    let [
        moves,
        record,
        accounts,
        new,
        changed,
        unique,
        links,
        events,
        names,
        answers,
        done,
        jobs,
        pages,
        closed,
        open,
        point,
    ] = statements.as_slice()
    else {
        return Err(Refusal::Other(CommitError::Disagrees("a statement is missing".to_owned())));
    };
    let checkpoint = Checkpoint::of(plan);
    // They go out in this order, because the first is polled first and each is sent when it is first polled.
    let results = tokio::join!(
        biased;
        client.batch_execute(super::session::WRITING),
        execute(client, moves, Some(move_row(plan))),
        execute(client, record, Some(record_row(plan))),
        execute(client, accounts, account_rows(plan)),
        execute(client, new, object_rows(&plan.new)),
        execute(client, changed, changed_rows(plan)),
        execute(client, unique, link_rows(&plan.unique)),
        execute(client, links, made_rows(&plan.links)),
        execute(client, events, event_rows(&plan.commit.events)),
        execute(client, names, name_rows(plan)),
        execute(client, answers, answer_rows(&plan.answers)),
        execute(client, done, done_rows(plan)),
        execute(client, jobs, job_rows(&plan.jobs)),
        execute_parts(client, pages, checkpoint.pages),
        execute(client, closed, checkpoint.closed),
        execute(client, open, checkpoint.open),
        execute(client, point, checkpoint.point),
    );
    let fault = |error| Refusal::Other(refusal(at, &error));
    results.0.map_err(fault)?;
    let moved = results.1.map_err(fault)?;
    if moved != 1 {
        return Err(Refusal::Fence);
    }
    // In the order in which they were sent: after the first that fails, all others do.
    results.2.map_err(fault)?;
    results.3.map_err(fault)?;
    let or = |refusal, error: tokio_postgres::Error| match error.code() {
        Some(&SqlState::UNIQUE_VIOLATION) => refusal,
        _ => fault(error),
    };
    let new = results.4.map_err(|error| or(Refusal::Objects, error))?;
    let changed = results.5.map_err(fault)?;
    let unique = results.6.map_err(fault)?;
    results.7.map_err(|error| or(Refusal::Links, error))?;
    let events = results.8.map_err(fault)?;
    results.9.map_err(fault)?;
    let answers = results.10.map_err(fault)?;
    let counts = Counts { moved, new, changed, unique, events, answers };
    results.11.map_err(fault)?;
    results.12.map_err(fault)?;
    results.13.map_err(fault)?;
    for result in [results.14, results.15, results.16] {
        result.map_err(fault)?;
    }
    Ok(counts)
}

/// Compares what was changed with what must have been.
async fn check(at: &str, wire: &mut Wire, plan: &Plan<'_>, counts: &Counts) -> Result<(), Refusal> {
    if counts.new != plan.new.len() as u64 || counts.changed != plan.changed.len() as u64 {
        return Err(Refusal::Objects);
    }
    if let (Some(first), true) =
        (plan.commit.events.first(), counts.events != plan.commit.events.len() as u64)
    {
        return Err(Refusal::Other(events_go_back(first)));
    }
    if counts.answers != plan.answers.len() as u64 {
        return Err(Refusal::Other(CommitError::Disagrees(
            "a request has an answer already, or was another request".to_owned(),
        )));
    }
    debug_assert_eq!(counts.moved, 1, "the fence was checked before");
    if counts.unique == plan.unique.len() as u64 {
        return Ok(());
    }
    // Some names are there already: for the same objects, or for others.
    let fault = |error| Refusal::Other(CommitError::from(from(at, &error)));
    let statement = prepared(at, wire, &PG_TAKEN).await.map_err(|error| Refusal::Other(error.into()))?;
    let Some(parameters) = link_rows(&plan.unique) else { return Ok(()) };
    let parameters: Vec<&(dyn ToSql + Sync)> =
        parameters.iter().map(|parameter| &**parameter as &(dyn ToSql + Sync)).collect();
    match wire.client.query_opt(&statement, &parameters).await.map_err(fault)? {
        Some(row) => Err(Refusal::Other(CommitError::Taken { name: row.get(0), key: row.get(1) })),
        None => Ok(()),
    }
}

/// What a failed statement of a commit means: a check of the database that refused it is a disagreement.
fn refusal(at: &str, error: &tokio_postgres::Error) -> CommitError {
    let code = error.code().map_or("", |code| code.code());
    let text = from(at, error).to_string();
    if code.starts_with("23") || code == "P0001" || code.starts_with("22") {
        return CommitError::Disagrees(text);
    }
    CommitError::Unavailable(text)
}

/// One parameter.
fn value<'a>(value: impl ToSql + Sync + Send + 'a) -> Box<dyn ToSql + Sync + Send + 'a> {
    Box::new(value)
}

/// One column of all rows.
fn column<'a, R, T: ToSql + Sync + Send + 'a>(
    rows: &'a [R],
    of: impl Fn(&'a R) -> T,
) -> Box<dyn ToSql + Sync + Send + 'a> {
    Box::new(rows.iter().map(of).collect::<Vec<T>>())
}

fn move_row<'a>(plan: &'a Plan<'_>) -> Params<'a> {
    let (before, after) = (&plan.before, &plan.after);
    vec![
        value(after.seq),
        value(after.hash.as_slice()),
        value(after.entries),
        value(after.at),
        value(plan.cell),
        value(plan.epoch),
        value(before.seq),
        value(before.hash.as_slice()),
        value(before.entries),
    ]
}

fn record_row<'a>(plan: &'a Plan<'_>) -> Params<'a> {
    let (before, after) = (&plan.before, &plan.after);
    vec![
        value(after.seq),
        value(before.entries),
        value(after.entries.saturating_sub(before.entries)),
        value(after.at),
        value(plan.epoch),
        value(after.hash.as_slice()),
        value(plan.commit.root.as_slice()),
        value(plan.commit.record.as_slice()),
    ]
}

fn account_rows<'a>(plan: &'a Plan<'_>) -> Option<Params<'a>> {
    let rows = plan.commit.accounts.as_slice();
    (!rows.is_empty()).then(|| {
        vec![
            column(rows, |row| i64::from(row.number)),
            column(rows, |row| row.path.as_str()),
            column(rows, |row| i64::from(row.currency)),
            column(rows, |row| row.body.as_slice()),
        ]
    })
}

fn object_rows<'a>(rows: &'a [&'a Object]) -> Option<Params<'a>> {
    (!rows.is_empty()).then(|| {
        vec![
            column(rows, |row| row.id.as_str()),
            column(rows, |row| row.kind),
            column(rows, |row| row.merchant.as_str()),
            column(rows, |row| row.live),
            column(rows, |row| row.created),
            column(rows, |row| i64::from(row.version)),
            column(rows, |row| row.body.as_str()),
        ]
    })
}

fn changed_rows<'a>(plan: &'a Plan<'_>) -> Option<Params<'a>> {
    let rows = plan.changed.as_slice();
    (!rows.is_empty()).then(|| {
        vec![
            column(rows, |row| row.0.id.as_str()),
            column(rows, |row| row.0.kind),
            column(rows, |row| row.0.merchant.as_str()),
            column(rows, |row| row.0.live),
            column(rows, |row| row.0.created),
            column(rows, |row| i64::from(row.0.version)),
            column(rows, |row| row.0.body.as_str()),
            column(rows, |row| i64::from(row.1)),
        ]
    })
}

fn link_rows<'a>(rows: &'a [&'a Link]) -> Option<Params<'a>> {
    (!rows.is_empty()).then(|| {
        vec![
            column(rows, |row| row.name),
            column(rows, |row| row.key.as_str()),
            column(rows, |row| row.id.as_str()),
        ]
    })
}

fn made_rows<'a>(rows: &'a [(&'a Link, Option<i64>)]) -> Option<Params<'a>> {
    (!rows.is_empty()).then(|| {
        vec![
            column(rows, |row| row.0.name),
            column(rows, |row| row.0.key.as_str()),
            column(rows, |row| row.0.id.as_str()),
            column(rows, |row| row.1),
        ]
    })
}

fn event_rows(rows: &[EventBlock]) -> Option<Params<'_>> {
    (!rows.is_empty()).then(|| {
        vec![column(rows, |row| row.first), column(rows, |row| row.last), column(rows, |row| &*row.body)]
    })
}

fn name_rows<'a>(plan: &'a Plan<'_>) -> Option<Params<'a>> {
    let rows = plan.names.as_slice();
    (!rows.is_empty()).then(|| {
        vec![
            column(rows, |row| row.0.merchant.as_str()),
            column(rows, |row| row.0.live),
            column(rows, |row| row.0.kind),
            column(rows, |row| row.1),
        ]
    })
}

fn answer_rows<'a>(rows: &'a [&'a Answer]) -> Option<Params<'a>> {
    (!rows.is_empty()).then(|| {
        vec![
            column(rows, |row| row.scope.as_str()),
            column(rows, |row| row.key.as_str()),
            column(rows, |row| row.digest.as_slice()),
            column(rows, |row| row.answered.as_ref().map(|(status, _)| i64::from(*status))),
            column(rows, |row| written(row).0),
            column(rows, |row| row.created),
            column(rows, |row| written(row).1.map(|within| within.place)),
            column(rows, |row| written(row).1.map(|within| i64::from(within.from))),
            column(rows, |row| written(row).1.map(|within| i64::from(within.to))),
        ]
    })
}

fn done_rows<'a>(plan: &'a Plan<'_>) -> Option<Params<'a>> {
    let rows = plan.commit.jobs_done.as_slice();
    (!rows.is_empty()).then(|| vec![column(rows, |row| row.as_str())])
}

fn job_rows<'a>(rows: &'a [&'a Job]) -> Option<Params<'a>> {
    (!rows.is_empty()).then(|| {
        vec![
            column(rows, |row| row.id.as_str()),
            column(rows, |row| row.kind),
            column(rows, |row| row.due),
            column(rows, |row| row.body.as_str()),
        ]
    })
}

/// The parameters of the statements that write a checkpoint.
#[derive(Default)]
struct Checkpoint<'a> {
    pages: Vec<Params<'a>>,
    closed: Option<Params<'a>>,
    open: Option<Params<'a>>,
    point: Option<Params<'a>>,
}

impl<'a> Checkpoint<'a> {
    fn of(plan: &'a Plan<'_>) -> Checkpoint<'a> {
        let Some(checkpoint) = &plan.commit.checkpoint else { return Checkpoint::default() };
        let (pages, closed, open) = (&checkpoint.pages, &checkpoint.holds_closed, &checkpoint.holds_open);
        Checkpoint {
            pages: pages
                .chunks(PAGES_AT_ONCE)
                .map(|part| {
                    vec![column(part, |page| i64::from(page.0)), column(part, |page| page.1.as_slice())]
                })
                .collect(),
            closed: (!closed.is_empty()).then(|| vec![column(closed, |id| id.to_be_bytes().to_vec())]),
            open: (!open.is_empty()).then(|| {
                vec![
                    column(open, |hold| hold.0.to_be_bytes().to_vec()),
                    column(open, |hold| hold.1.as_slice()),
                ]
            }),
            point: Some(vec![value(plan.checkpoint)]),
        }
    }
}
