//! Reads, written once for both databases.

use crate::commit::{Answer, Job, Object, Within};
use crate::error::StoreError;
use crate::events::{EventLine, EventLines};
use crate::limits::{BLOCKS_AT_ONCE, RECORDS_AT_ONCE, ROWS_PER_ANSWER};
use crate::seam::{Cursor, EventListing, Listing, Mark, Objects, Read, Record, Sizes, Standing};
use crate::source::{Columns, Engine, Session, Source, Value, Work, at_most, digest, narrow, stored, whole};
use crate::words::word;
use crate::writer::{record_after, standing};
use crate::{dialect, sql};
use std::collections::HashMap;
use std::ops::{ControlFlow, Range};

/// The reader over a database.
pub(crate) struct Reader<S>(pub S);

impl<S: Source> Reader<S> {
    /// Runs one statement that gives at most one row.
    fn one<T>(
        &self,
        statement: &'static sql::Sql,
        values: &[Value<'_>],
        make: impl Fn(&str, &dyn Columns) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut found = None;
        self.0.peek(&mut |session| {
            let at = session.at().to_owned();
            session.rows(statement, values, &mut |row| {
                found = Some(make(&at, row)?);
                Ok(())
            })
        })?;
        Ok(found)
    }

    /// Runs one statement.
    fn many<T>(
        &self,
        statement: &'static sql::Sql,
        values: &[Value<'_>],
        make: impl Fn(&str, &dyn Columns) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        self.0.peek(&mut |session| {
            let at = session.at().to_owned();
            found.clear();
            session.rows(statement, values, &mut |row| {
                found.push(make(&at, row)?);
                Ok(())
            })
        })?;
        Ok(found)
    }

    /// Runs what is one statement on PostgreSQL and several on SQLite, on one state of the database.
    fn together(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        match self.0.engine() {
            Engine::Sqlite => self.0.read(work),
            Engine::Postgres => self.0.peek(work),
        }
    }

    /// Looks rows up by one text each: in a loop or at once, as is best for the database.
    fn by_id<T: Clone>(
        &self,
        (lite, postgres): (&'static sql::Sql, &'static sql::Sql),
        ids: &[&str],
        make: impl Fn(&dyn Columns) -> Result<T, StoreError>,
    ) -> Result<Vec<Option<T>>, StoreError> {
        at_most("ids", ids.len(), ROWS_PER_ANSWER)?;
        let mut found: Vec<Option<T>> = vec![None; ids.len()];
        if ids.is_empty() {
            return Ok(found);
        }
        self.together(&mut |session| match session.engine() {
            Engine::Sqlite => ids.iter().zip(&mut found).try_for_each(|(id, place)| {
                session.rows(lite, &[Value::Text(id)], &mut |row| {
                    *place = Some(make(row)?);
                    Ok(())
                })
            }),
            Engine::Postgres => {
                let mut rows: HashMap<String, T> = HashMap::with_capacity(ids.len());
                session.rows(postgres, &[Value::Texts(ids)], &mut |row| {
                    rows.insert(row.text(0)?.to_owned(), make(row)?);
                    Ok(())
                })?;
                for (id, place) in ids.iter().zip(&mut found) {
                    *place = rows.get(*id).cloned();
                }
                Ok(())
            }
        })?;
        Ok(found)
    }

    /// Looks rows up by two texts each.
    fn by_pair<T: Clone>(
        &self,
        (lite, postgres): (&'static sql::Sql, &'static sql::Sql),
        keys: &[(&str, &str)],
        make: impl Fn(Engine, &dyn Columns) -> Result<T, StoreError>,
    ) -> Result<Vec<Option<T>>, StoreError> {
        at_most("keys", keys.len(), ROWS_PER_ANSWER)?;
        let mut found: Vec<Option<T>> = vec![None; keys.len()];
        if keys.is_empty() {
            return Ok(found);
        }
        self.together(&mut |session| match session.engine() {
            Engine::Sqlite => keys.iter().zip(&mut found).try_for_each(|((first, second), place)| {
                session.rows(lite, &[Value::Text(first), Value::Text(second)], &mut |row| {
                    *place = Some(make(Engine::Sqlite, row)?);
                    Ok(())
                })
            }),
            Engine::Postgres => {
                let (firsts, seconds): (Vec<&str>, Vec<&str>) = keys.iter().copied().unzip();
                let mut rows: HashMap<(String, String), T> = HashMap::with_capacity(keys.len());
                session.rows(postgres, &[Value::Texts(&firsts), Value::Texts(&seconds)], &mut |row| {
                    let key = (row.text(0)?.to_owned(), row.text(1)?.to_owned());
                    rows.insert(key, make(Engine::Postgres, row)?);
                    Ok(())
                })?;
                for ((first, second), place) in keys.iter().zip(&mut found) {
                    *place = rows.get(&((*first).to_owned(), (*second).to_owned())).cloned();
                }
                Ok(())
            }
        })?;
        Ok(found)
    }
}

impl<S: Source> Read for Reader<S> {
    fn objects(&self, ids: &[&str]) -> Result<Vec<Option<Object>>, StoreError> {
        self.by_id((&dialect::LITE_OBJECT, &dialect::PG_OBJECTS), ids, object_row)
    }

    fn list(&self, listing: &Listing<'_>) -> Result<Objects, StoreError> {
        at_most("objects of a page", listing.limit as usize, ROWS_PER_ANSWER)?;
        // Both ends are exclusive places in the order (created, id); ids are never empty.
        let newest = listing.created_max.map_or((i64::MAX, ""), |max| (max.saturating_add(1), ""));
        let oldest = listing.created_min.map_or((i64::MIN, ""), |min| (min, ""));
        let below = listing.after.map_or(newest, |cursor| newest.min((cursor.created, cursor.id)));
        let above = listing.before.map_or(oldest, |cursor| oldest.max((cursor.created, cursor.id)));
        let back = listing.before.is_some();
        let mut values = vec![
            Value::Text(listing.kind),
            Value::Text(listing.merchant),
            Value::Bool(listing.live),
            Value::Int(below.0),
            Value::Text(below.1),
            Value::Int(above.0),
            Value::Text(above.1),
            Value::Int(i64::from(listing.limit) + 1),
        ];
        let statement = match (listing.link, back) {
            (None, false) => &sql::LIST,
            (None, true) => &sql::LIST_BACK,
            (Some(_), false) => &sql::LIST_LINKED,
            (Some(_), true) => &sql::LIST_LINKED_BACK,
        };
        if let Some((name, key)) = listing.link {
            values.extend([Value::Text(name), Value::Text(key)]);
        }
        let mut objects = self.many(statement, &values, |_, row| object_row(row))?;
        let more = objects.len() > listing.limit as usize;
        objects.truncate(listing.limit as usize);
        if back {
            objects.reverse();
        }
        Ok(Objects { objects, more })
    }

    fn events(&self, places: &[Cursor<'_>]) -> Result<Vec<Option<Object>>, StoreError> {
        at_most("events", places.len(), ROWS_PER_ANSWER)?;
        let mut found = vec![None; places.len()];
        let numbers: Vec<i64> = places.iter().map(|place| place.created).collect();
        let mut damage = None;
        self.0.peek(&mut |session| {
            found.fill(None);
            damage = events_at(session, &numbers, &mut |at, line| {
                if line.id == places[at].id {
                    found[at] = Some(event_object(&line)?);
                }
                Ok(())
            })?;
            Ok(())
        })?;
        damage.map_or(Ok(found), Err)
    }

    fn list_events(&self, listing: &EventListing<'_>) -> Result<Objects, StoreError> {
        at_most("events of a page", listing.limit as usize, ROWS_PER_ANSWER)?;
        let mut page = Objects::default();
        self.0.peek(&mut |session| {
            page = list_events(session, listing)?;
            Ok(())
        })?;
        Ok(page)
    }

    fn unique(&self, names: &[(&str, &str)]) -> Result<Vec<Option<String>>, StoreError> {
        self.by_pair((&sql::UNIQUE, &dialect::PG_UNIQUES), names, |engine, row| {
            let place = if engine == Engine::Sqlite { 0 } else { 2 };
            Ok(row.text(place)?.to_owned())
        })
    }

    fn linked(&self, name: &str, key: &str, limit: u32) -> Result<Vec<String>, StoreError> {
        at_most("linked objects", limit as usize, ROWS_PER_ANSWER)?;
        let text = |_: &str, row: &dyn Columns| Ok(row.text(0)?.to_owned());
        let (name, key) = (Value::Text(name), Value::Text(key));
        let mut ids = self.many(&sql::UNIQUE, &[name, key], text)?;
        ids.extend(self.many(&sql::LINKED, &[name, key, Value::Int(limit.into())], text)?);
        ids.truncate(limit as usize);
        Ok(ids)
    }

    fn answers(&self, keys: &[(&str, &str)]) -> Result<Vec<Option<Answer>>, StoreError> {
        let mut found = self.by_pair((&sql::ANSWER, &dialect::PG_ANSWERS), keys, |_, row| answer_row(row))?;
        let mut told: Vec<(&mut Answer, Within)> = found
            .iter_mut()
            .flatten()
            .filter_map(|answer| answer.within.map(|within| (answer, within)))
            .collect();
        if told.is_empty() {
            return Ok(found);
        }
        // Events are never changed, so that this need not be the same state of the database.
        let places: Vec<i64> = told.iter().map(|(_, within)| within.place).collect();
        let mut damage = None;
        self.0.peek(&mut |session| {
            damage = events_at(session, &places, &mut |at, line| {
                let (answer, within) = &mut told[at];
                let part = line.body.get(within.from as usize..within.to as usize);
                if let (Some((_, body)), Some(part)) = (&mut answer.answered, part) {
                    *body = part.as_bytes().to_vec();
                    answer.within = None;
                }
                Ok(())
            })?;
            Ok(())
        })?;
        if let Some(damage) = damage {
            // Whoever asks for one of those is told; all others have theirs.
            tracing::error!(%damage, "answers that stand within events cannot be read");
        }
        Ok(found)
    }

    fn jobs_due(&self, kind: &str, at: i64, limit: u32) -> Result<Vec<Job>, StoreError> {
        at_most("jobs", limit as usize, ROWS_PER_ANSWER)?;
        self.many(&sql::JOBS_DUE, &[Value::Text(kind), Value::Int(at), Value::Int(limit.into())], |_, row| {
            job_row(row)
        })
    }

    fn jobs_between(&self, after: &str, before: &str, limit: u32) -> Result<Vec<Job>, StoreError> {
        at_most("jobs", limit as usize, ROWS_PER_ANSWER)?;
        let (after, before) = (Value::Text(after), Value::Text(before));
        self.many(&sql::JOBS_BETWEEN, &[after, before, Value::Int(limit.into())], |_, row| job_row(row))
    }

    fn jobs(&self, ids: &[&str]) -> Result<Vec<Option<Job>>, StoreError> {
        self.by_id((&dialect::LITE_JOB, &dialect::PG_JOBS), ids, job_row)
    }

    fn record(&self, seq: u64) -> Result<Option<Record>, StoreError> {
        match i64::try_from(seq) {
            Ok(seq) => self.one(&sql::RECORD, &[Value::Int(seq)], record_row),
            Err(_) => Ok(None),
        }
    }

    fn record_of(&self, entry: u64) -> Result<Option<Record>, StoreError> {
        let Ok(number) = i64::try_from(entry) else { return Ok(None) };
        // The newest record that begins at or before the entry; behind the end of the journal it ends before.
        let found = self.one(&sql::RECORD_OF, &[Value::Int(number)], record_row)?;
        Ok(found.filter(|record| entry - record.mark.first < record.mark.entries))
    }

    fn records(&self, from: u64, each: &mut dyn FnMut(Record) -> ControlFlow<()>) -> Result<(), StoreError> {
        stream(&self.0, from, each)
    }

    fn marks(&self, records: Range<u64>) -> Result<Vec<Mark>, StoreError> {
        let from = stored("record", records.start)?;
        let to = i64::try_from(records.end).unwrap_or(i64::MAX);
        let mut marks = Vec::new();
        self.0.peek(&mut |session| {
            let at = session.at().to_owned();
            marks.clear();
            session.rows(&sql::MARKS, &[Value::Int(from), Value::Int(to)], &mut |row| {
                marks.push(mark_row(&at, row)?);
                Ok(())
            })
        })?;
        Ok(marks)
    }

    fn standing(&self) -> Result<Option<Standing>, StoreError> {
        let mut found = None;
        self.0.peek(&mut |session| {
            found = standing(session, false)?;
            Ok(())
        })?;
        Ok(found)
    }

    fn sizes(&self) -> Result<Sizes, StoreError> {
        let mut sizes = Sizes::default();
        self.0.read(&mut |session| {
            sizes = counted(session)?;
            Ok(())
        })?;
        Ok(sizes)
    }
}

fn counted(session: &mut dyn Session) -> Result<Sizes, StoreError> {
    let at = session.at().to_owned();
    let mut sizes = Sizes::default();
    if let Some(found) = standing(session, false)? {
        sizes.records = found.head.seq;
        sizes.entries = found.head.entries;
    }
    session.rows(&sql::COUNT_ACCOUNTS, &[], &mut |row| {
        sizes.accounts = whole(&at, "a count", row.int(0)?)?;
        Ok(())
    })?;
    session.rows(&sql::COUNT_JOBS, &[], &mut |row| {
        sizes.jobs = whole(&at, "a count", row.int(0)?)?;
        Ok(())
    })?;
    let statement = match session.engine() {
        Engine::Sqlite => &dialect::LITE_SIZES,
        Engine::Postgres => &dialect::PG_SIZES,
    };
    session.rows(statement, &[], &mut |row| {
        sizes.objects = whole(&at, "a count", row.int(0)?)?;
        sizes.answers = whole(&at, "a count", row.int(1)?)?;
        sizes.bytes = whole(&at, "a size", row.int(2)?)?;
        Ok(())
    })?;
    Ok(sizes)
}

/// Shows records in order, some at a time, so that nothing is held open meanwhile.
pub(crate) fn stream(
    source: &dyn Source,
    from: u64,
    each: &mut dyn FnMut(Record) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    let mut next = from.max(1);
    loop {
        let mut found = Vec::new();
        let first = stored("record", next)?;
        source.peek(&mut |session| {
            let at = session.at().to_owned();
            found.clear();
            let mut last = next.checked_sub(1);
            session.rows(&sql::RECORDS, &[Value::Int(first), Value::Int(RECORDS_AT_ONCE)], &mut |row| {
                let record = record_after(&at, last, row)?;
                last = Some(record.mark.seq);
                found.push(record);
                Ok(())
            })
        })?;
        if found.is_empty() {
            return Ok(());
        }
        for record in found {
            next = record.mark.seq + 1;
            if each(record).is_break() {
                return Ok(());
            }
        }
    }
}

/// Shows the events at some places, each with the number of the place. Returns what is wrong with a block that cannot
/// be read; those in other blocks are shown all the same.
fn events_at(
    session: &mut dyn Session,
    places: &[i64],
    each: &mut dyn FnMut(usize, EventLine<'_>) -> Result<(), StoreError>,
) -> Result<Option<StoreError>, StoreError> {
    let at = session.at().to_owned();
    let mut damage = None;
    let mut wanted: Vec<usize> = (0..places.len()).collect();
    wanted.sort_unstable_by_key(|number| places[*number]);
    // From the newest to the oldest, a block at a time.
    while let Some(newest) = wanted.last().map(|number| places[*number]) {
        let mut block = None;
        session.rows(&sql::EVENT_BLOCK, &[Value::Int(newest)], &mut |row| {
            block = Some((row.int(0)?, EventLines::unpack(&at, row.bytes(2)?)));
            Ok(())
        })?;
        let Some((first, lines)) = block else { break };
        let here = wanted.partition_point(|number| places[*number] < first);
        let here = wanted.split_off(here);
        let lines = match &lines {
            Ok(lines) => lines.iter().collect::<Result<Vec<_>, _>>(),
            Err(error) => Err(error.clone()),
        };
        let lines = match lines {
            Ok(lines) => lines,
            Err(error) => {
                damage.get_or_insert(error);
                continue;
            }
        };
        for number in here {
            let place = places[number];
            let from = lines.partition_point(|line| line.place < place);
            lines[from..]
                .iter()
                .take_while(|line| line.place == place)
                .try_for_each(|line| each(number, *line))?;
        }
    }
    Ok(damage)
}

fn list_events(session: &mut dyn Session, listing: &EventListing<'_>) -> Result<Objects, StoreError> {
    if listing.kind == Some("") {
        // No event has this type; it stands for all of them in the names of blocks.
        return Ok(Objects::default());
    }
    let at = session.at().to_owned();
    // Both ends are exclusive.
    let newest = listing.created_max.map_or(i64::MAX, |max| max.saturating_add(1));
    let oldest = listing.created_min.map_or(i64::MIN, |min| min.saturating_sub(1));
    let below = listing.after.map_or(newest, |place| newest.min(place));
    let above = listing.before.map_or(oldest, |place| oldest.max(place));
    let back = listing.before.is_some();
    let statement = if back { &sql::EVENTS_BACK } else { &sql::EVENTS };
    // The block in which the oldest place lies may begin before it.
    let mut first = above;
    session.rows(&sql::EVENT_BLOCK, &[Value::Int(above)], &mut |row| {
        first = row.int(0)?;
        Ok(())
    })?;
    let mut rest = (below, first);
    let mut page = Objects::default();
    loop {
        let values = [
            Value::Text(listing.merchant),
            Value::Bool(listing.live),
            Value::Text(listing.kind.unwrap_or_default()),
            Value::Int(rest.0),
            Value::Int(rest.1),
            Value::Int(BLOCKS_AT_ONCE),
        ];
        let mut blocks = Vec::new();
        session.rows(statement, &values, &mut |row| {
            blocks.push((row.int(0)?, EventLines::unpack(&at, row.bytes(1)?)?));
            Ok(())
        })?;
        for (first, lines) in &blocks {
            let mut fits = |line: EventLine<'_>| {
                let wanted = line.place < below
                    && line.place > above
                    && line.merchant == listing.merchant
                    && line.live == listing.live
                    && listing.kind.is_none_or(|kind| kind == line.kind);
                if wanted {
                    page.more = page.objects.len() >= listing.limit as usize;
                    if !page.more {
                        page.objects.push(event_object(&line)?);
                    }
                }
                Ok::<bool, StoreError>(page.more)
            };
            if back {
                rest.1 = first.saturating_add(1);
                for line in lines.iter() {
                    if fits(line?)? {
                        break;
                    }
                }
            } else {
                rest.0 = *first;
                for line in lines.iter().rev() {
                    if fits(line?)? {
                        break;
                    }
                }
            }
            if page.more {
                break;
            }
        }
        if page.more || blocks.len() < BLOCKS_AT_ONCE as usize {
            break;
        }
    }
    if back {
        page.objects.reverse();
    }
    Ok(page)
}

/// An event in the shape of all objects.
fn event_object(line: &EventLine<'_>) -> Result<Object, StoreError> {
    Ok(Object {
        id: line.id.to_owned(),
        kind: word("event")?,
        merchant: line.merchant.to_owned(),
        live: line.live,
        created: line.place,
        version: 1,
        body: line.body.to_owned(),
    })
}

fn object_row(row: &dyn Columns) -> Result<Object, StoreError> {
    Ok(Object {
        id: row.text(0)?.to_owned(),
        kind: word(row.text(1)?)?,
        merchant: row.text(2)?.to_owned(),
        live: row.bool(3)?,
        created: row.int(4)?,
        version: narrow("object", "a version", row.int(5)?)?,
        body: row.text(6)?.to_owned(),
    })
}

fn job_row(row: &dyn Columns) -> Result<Job, StoreError> {
    Ok(Job {
        id: row.text(0)?.to_owned(),
        kind: word(row.text(1)?)?,
        due: row.int(2)?,
        body: row.text(3)?.to_owned(),
    })
}

fn answer_row(row: &dyn Columns) -> Result<Answer, StoreError> {
    let answered = match row.int_or_none(3)? {
        Some(status) => {
            let status = narrow("answer", "a status", status)?;
            let status = u16::try_from(status).map_err(|_| damaged_status(status))?;
            Some((status, row.bytes_or_none(4)?.unwrap_or_default().to_vec()))
        }
        None => None,
    };
    let within = match (row.int_or_none(6)?, row.int_or_none(7)?, row.int_or_none(8)?) {
        (Some(place), Some(from), Some(to)) => Some(Within {
            place,
            from: narrow("answer", "the beginning of a part", from)?,
            to: narrow("answer", "the end of a part", to)?,
        }),
        _ => None,
    };
    Ok(Answer {
        scope: row.text(0)?.to_owned(),
        key: row.text(1)?.to_owned(),
        digest: digest("answer", "a digest", row.bytes(2)?)?,
        answered,
        within,
        created: row.int(5)?,
    })
}

fn mark_row(at: &str, row: &dyn Columns) -> Result<Mark, StoreError> {
    Ok(Mark {
        seq: whole(at, "the number of a record", row.int(0)?)?,
        first: whole(at, "the first entry of a record", row.int(1)?)?,
        entries: whole(at, "the entries of a record", row.int(2)?)?,
        at: row.int(3)?,
        epoch: whole(at, "the epoch of a record", row.int(4)?)?,
        hash: digest(at, "the hash of a record", row.bytes(5)?)?,
        root: digest(at, "the root of a record", row.bytes(6)?)?,
    })
}

pub(crate) fn record_row(at: &str, row: &dyn Columns) -> Result<Record, StoreError> {
    Ok(Record { mark: mark_row(at, row)?, body: row.bytes(7)?.to_vec() })
}

fn damaged_status(status: u32) -> StoreError {
    StoreError::Damaged { at: "answer".to_owned(), reason: format!("its status is {status}") }
}

/// Shows what stands beside every record, in order.
pub(crate) fn stream_marks(
    session: &mut dyn Session,
    each: &mut dyn FnMut(Mark) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let at = session.at().to_owned();
    session.rows(&sql::MARKS, &[Value::Int(0), Value::Int(i64::MAX)], &mut |row| each(mark_row(&at, row)?))
}
