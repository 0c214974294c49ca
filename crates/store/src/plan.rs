//! From a commit to the rows that are written: pure, and the same for both databases.

use crate::commit::{Answer, Commit, CommitError, Head, Job, Link, Object, Within};
use crate::events::{EventBlock, EventName};
use crate::limits::{BYTES_PER_BODY, BYTES_PER_KEY, BYTES_PER_RECORD, PAGES_PER_COMMIT, ROWS_PER_COMMIT};
use std::collections::HashMap;

/// The rows of a commit. No row occurs twice, and every number fits the databases.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub commit: &'a Commit,
    pub cell: i64,
    pub epoch: i64,
    pub before: Place,
    pub after: Place,
    /// Objects that must not be there yet.
    pub new: Vec<&'a Object>,
    /// Objects that must be there, and in which version.
    pub changed: Vec<(&'a Object, u32)>,
    pub unique: Vec<&'a Link>,
    /// Names that are not unique, each with when its object was made, where this commit writes that.
    pub links: Vec<(&'a Link, Option<i64>)>,
    /// What blocks of events hold, each with the place of the block.
    pub names: Vec<(&'a EventName, i64)>,
    pub answers: Vec<&'a Answer>,
    pub jobs: Vec<&'a Job>,
    pub checkpoint: i64,
}

/// A head as the databases store it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub seq: i64,
    pub entries: i64,
    pub at: i64,
    pub hash: [u8; 32],
}

impl<'a> Plan<'a> {
    /// Checks a commit and sorts its rows by what is to be done with them.
    pub(crate) fn of(commit: &'a Commit) -> Result<Plan<'a>, CommitError> {
        let (before, after) = (place(&commit.before)?, place(&commit.after)?);
        if before.seq.checked_add(1) != Some(after.seq) {
            return refuse(format!("record {} cannot follow record {}", after.seq, before.seq));
        }
        if after.entries < before.entries || after.at < before.at {
            return refuse(format!("record {} goes back in entries or in time", after.seq));
        }
        limits(commit)?;
        let (new, changed) = objects(&commit.objects)?;
        let (unique, links) = links(&commit.links)?;
        let made: HashMap<&str, i64> =
            commit.objects.iter().map(|object| (object.id.as_str(), object.created)).collect();
        let links = links.into_iter().map(|link| (link, made.get(link.id.as_str()).copied())).collect();
        let checkpoint = commit.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.seq);
        if checkpoint > commit.after.seq {
            return refuse(format!("a checkpoint of record {checkpoint}, which is not written yet"));
        }
        Ok(Plan {
            commit,
            cell: i64::from(commit.lease.cell),
            epoch: fits(commit.lease.epoch)?,
            before,
            after,
            new,
            changed,
            unique,
            links,
            names: names(&commit.events)?,
            answers: last_of(&commit.answers, |answer| (answer.scope.as_str(), answer.key.as_str())),
            jobs: last_of(&commit.jobs, |job| job.id.as_str()),
            checkpoint: fits(checkpoint)?,
        })
    }
}

fn refuse<T>(why: String) -> Result<T, CommitError> {
    Err(CommitError::Disagrees(why))
}

fn fits(value: u64) -> Result<i64, CommitError> {
    i64::try_from(value).or_else(|_| refuse(format!("{value} is more than the database can hold")))
}

fn place(head: &Head) -> Result<Place, CommitError> {
    Ok(Place { seq: fits(head.seq)?, entries: fits(head.entries)?, at: head.at, hash: head.hash })
}

/// Objects by what is to be done: of several versions of one object the first says what must be there, the
/// last is written.
type Sorted<'a> = (Vec<&'a Object>, Vec<(&'a Object, u32)>);

fn objects(objects: &[Object]) -> Result<Sorted<'_>, CommitError> {
    let mut at: HashMap<&str, usize> = HashMap::with_capacity(objects.len());
    let mut rows: Vec<(&Object, u32)> = Vec::with_capacity(objects.len());
    for object in objects {
        let Some(needs) = object.version.checked_sub(1) else {
            return refuse(format!("{} has version 0", object.id));
        };
        let Some(&row) = at.get(object.id.as_str()) else {
            at.insert(&object.id, rows.len());
            rows.push((object, needs));
            continue;
        };
        let earlier = rows[row].0;
        if needs != earlier.version {
            return refuse(format!("{}: version {} after {}", object.id, object.version, earlier.version));
        }
        if (object.kind, &object.merchant, object.live, object.created)
            != (earlier.kind, &earlier.merchant, earlier.live, earlier.created)
        {
            return refuse(format!("{} changed what never changes", object.id));
        }
        rows[row].0 = object;
    }
    let (new, changed): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(_, needs)| *needs == 0);
    Ok((new.into_iter().map(|(object, _)| object).collect(), changed))
}

/// Links by kind, each once.
fn links(links: &[Link]) -> Result<(Vec<&Link>, Vec<&Link>), CommitError> {
    let mut named: HashMap<(&str, &str), &str> = HashMap::new();
    let (mut unique, mut others) = (Vec::new(), Vec::with_capacity(links.len()));
    for link in links {
        if !link.unique {
            others.push(link);
            continue;
        }
        match named.insert((link.name, &link.key), &link.id) {
            None => unique.push(link),
            Some(id) if id == link.id => {}
            Some(_) => {
                return Err(CommitError::Taken { name: link.name.to_owned(), key: link.key.clone() });
            }
        }
    }
    Ok((unique, others))
}

/// Names of blocks, which must follow each other.
fn names(blocks: &[EventBlock]) -> Result<Vec<(&EventName, i64)>, CommitError> {
    for (at, block) in blocks.iter().enumerate() {
        let behind = at.checked_sub(1).is_none_or(|before| blocks[before].last < block.first);
        if !behind || block.last < block.first {
            return Err(events_go_back(block));
        }
    }
    Ok(blocks.iter().flat_map(|block| block.names.iter().map(|name| (name, block.first))).collect())
}

/// A block does not lie behind all others.
pub(crate) fn events_go_back(block: &EventBlock) -> CommitError {
    CommitError::Disagrees(format!("events of {} do not come after all others", block.first))
}

/// The body of an answer as it is written: itself, or where it stands.
pub(crate) fn written(answer: &Answer) -> (Option<&[u8]>, Option<Within>) {
    match (&answer.answered, answer.within) {
        (Some(_), Some(within)) => (None, Some(within)),
        (Some((_, body)), None) => (Some(body), None),
        (None, _) => (None, None),
    }
}

/// The last row under each key, in the order in which the keys first occurred.
fn last_of<'a, T, K: std::hash::Hash + Eq>(rows: &'a [T], key: impl Fn(&'a T) -> K) -> Vec<&'a T> {
    let mut at: HashMap<K, usize> = HashMap::with_capacity(rows.len());
    let mut last: Vec<&T> = Vec::with_capacity(rows.len());
    for row in rows {
        let place = *at.entry(key(row)).or_insert(last.len());
        if place == last.len() {
            last.push(row);
        } else {
            last[place] = row;
        }
    }
    last
}

/// Refuses what one of the databases could not hold, so that both refuse the same.
fn limits(commit: &Commit) -> Result<(), CommitError> {
    let pages = commit.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.pages.len());
    for (what, rows, max) in [
        ("accounts", commit.accounts.len(), ROWS_PER_COMMIT),
        ("objects", commit.objects.len(), ROWS_PER_COMMIT),
        ("links", commit.links.len(), ROWS_PER_COMMIT),
        ("blocks of events", commit.events.len(), ROWS_PER_COMMIT),
        ("names of events", commit.events.iter().map(|block| block.names.len()).sum(), ROWS_PER_COMMIT),
        ("answers", commit.answers.len(), ROWS_PER_COMMIT),
        ("jobs", commit.jobs.len(), ROWS_PER_COMMIT),
        ("jobs that are done", commit.jobs_done.len(), ROWS_PER_COMMIT),
        ("pages", pages, PAGES_PER_COMMIT),
    ] {
        if rows > max {
            return refuse(format!("{rows} {what} in one commit; the limit is {max}"));
        }
    }
    if commit.record.len() > BYTES_PER_RECORD {
        return refuse(format!("a record of {} bytes; the limit is {BYTES_PER_RECORD}", commit.record.len()));
    }
    for account in &commit.accounts {
        key("the path of an account", &account.path)?;
        size("an account", account.body.len())?;
    }
    for object in &commit.objects {
        key("the id of an object", &object.id)?;
        key("a kind", object.kind)?;
        key("a merchant", &object.merchant)?;
        text(&object.id, &object.body)?;
    }
    for link in &commit.links {
        key("the name of a link", link.name)?;
        key("the key of a link", &link.key)?;
        key("the id of a link", &link.id)?;
    }
    for block in &commit.events {
        size("a block of events", block.body.len())?;
        for name in &block.names {
            key("a type", name.kind)?;
            key("a merchant", &name.merchant)?;
        }
    }
    for answer in &commit.answers {
        key("the scope of an answer", &answer.scope)?;
        key("the key of an answer", &answer.key)?;
        if let Some((status, body)) = &answer.answered {
            size("an answer", body.len())?;
            if !(100..=999).contains(status) {
                return refuse(format!("{status} is not a status of HTTP"));
            }
        }
    }
    for job in &commit.jobs {
        key("the id of a job", &job.id)?;
        key("a kind", job.kind)?;
        text(&job.id, &job.body)?;
    }
    Ok(())
}

fn key(what: &str, text: &str) -> Result<(), CommitError> {
    if text.len() > BYTES_PER_KEY {
        return refuse(format!("{what} has {} bytes; the limit is {BYTES_PER_KEY}", text.len()));
    }
    no_zero(what, text)
}

fn no_zero(what: &str, text: &str) -> Result<(), CommitError> {
    match memchr::memchr(0, text.as_bytes()) {
        None => Ok(()),
        Some(_) => refuse(format!("{what} holds a zero byte, which PostgreSQL cannot store")),
    }
}

fn text(what: &str, text: &str) -> Result<(), CommitError> {
    no_zero(what, text)?;
    size(what, text.len())
}

fn size(what: &str, bytes: usize) -> Result<(), CommitError> {
    if bytes > BYTES_PER_BODY {
        return refuse(format!("{what} has {bytes} bytes; the limit is {BYTES_PER_BODY}"));
    }
    Ok(())
}
