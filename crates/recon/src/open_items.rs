//! Open items carried from earlier runs: read back from the `open_items.parquet` that a run wrote.

use crate::digest::Secret;
use crate::error::ReconError;
use crate::pool::Pool;
use crate::reader::Totals;
use crate::record::NewRecord;
use crate::record::{KEYS_MAX, Loc, Records, Row, Side, Text, Words};
use crate::report::Carried as Origin;
use crate::rule::{PassKind, Rules};
use crate::source::SourceFile;
use crate::source::batch::TextBatch;
use crate::source::parquet::ParquetSource;
use crate::store::Shape;
use std::collections::HashMap;
use std::sync::Mutex;
use suanpan_money::{Currency, parse_minor};

/// The most open items of a run: they are kept in memory.
const ITEMS_MAX: u64 = 10_000_000;

/// Open items of both sides.
#[derive(Debug, Default)]
pub(crate) struct Carried {
    records: Records,
    origins: Origins,
}

/// Where open items came from when they were first seen.
#[derive(Debug, Default)]
pub(crate) struct Origins {
    by_row: HashMap<(Side, u64), (String, u64, Option<i32>)>,
}

impl Origins {
    /// Returns where a record first came from, when it is an open item.
    pub(crate) fn of(&self, row: &Row) -> Option<Origin<'_>> {
        if row.age == 0 {
            return None;
        }
        let (file, at, first_seen) = self.by_row.get(&(row.side, row.loc.row))?;
        Some(Origin { file, row: *at, first_seen: *first_seen })
    }
}

/// The columns of the file, in the order in which they are read.
const COLUMNS: [&str; 14 + KEYS_MAX] = [
    "side",
    "type",
    "currency",
    "amount_minor",
    "fee_minor",
    "status",
    "time_us",
    "date_days",
    "batch",
    "original",
    "account",
    "file",
    "row",
    "age",
    "k1",
    "k2",
    "k3",
    "k4",
    "k5",
    "k6",
    "k7",
    "k8",
];

/// Reads open items.
pub(crate) fn read(source: &SourceFile, words: &Mutex<Words>) -> Result<Carried, ReconError> {
    let fail = |message: String| ReconError::OpenItems { file: source.name().to_owned(), message };
    let parquet = ParquetSource::open(source)?;
    let names = parquet.columns();
    let mut needed = Vec::new();
    let mut slots: [Option<usize>; COLUMNS.len() + 1] = [None; COLUMNS.len() + 1];
    for (n, name) in COLUMNS.iter().chain(&["first_seen_days"]).enumerate() {
        match names.iter().position(|have| have == name) {
            Some(at) => {
                slots[n] = Some(needed.len());
                needed.push(at);
            }
            // Keys beyond those of the rules are not written.
            None if n >= 14 => {}
            None => return Err(fail(format!("has no column `{name}`; is this an open_items.parquet?"))),
        }
    }
    let rows: u64 = parquet.row_groups().iter().sum();
    if rows > ITEMS_MAX {
        return Err(fail(format!("has {rows} open items; the limit is {ITEMS_MAX}")));
    }
    let mut carried = Carried::default();
    let mut number = 0_u64;
    let mut failed = Ok(());
    for group in 0..parquet.row_groups().len() {
        parquet.read_group(group, &needed, 8192, |batch| {
            for row in 0..batch.rows() {
                number += 1;
                if failed.is_ok() {
                    failed = push(&mut carried, batch, row, &slots, number, words)
                        .map_err(|what| fail(format!("row {number}: {what}")));
                }
            }
        })?;
    }
    failed?;
    Ok(carried)
}

fn push(
    carried: &mut Carried,
    batch: &TextBatch,
    row: usize,
    slots: &[Option<usize>],
    number: u64,
    words: &Mutex<Words>,
) -> Result<(), String> {
    let text = |n: usize| slots[n].and_then(|slot| batch.get(slot, row));
    let string = |n: usize| String::from_utf8_lossy(text(n).unwrap_or_default()).into_owned();
    let whole = |n: usize| match text(n) {
        None | Some(b"") => Ok(None),
        Some(t) => {
            parse_minor(t).map(Some).map_err(|e| format!("{}: {e}", COLUMNS.get(n).unwrap_or(&"date")))
        }
    };
    let needed = |n: usize| whole(n)?.ok_or_else(|| format!("{} is empty", COLUMNS[n]));
    let side = match text(0) {
        Some(b"left") => Side::Left,
        Some(b"right") => Side::Right,
        _ => return Err(format!("side is `{}`, not left or right", string(0))),
    };
    let day = |n: usize| -> Result<Option<i32>, String> {
        whole(n)?.map(|d| i32::try_from(d).map_err(|_| "date out of range".to_owned())).transpose()
    };
    let currency = Currency::parse(&string(2)).ok_or_else(|| format!("unknown currency `{}`", string(2)))?;
    let intern = |n: usize| {
        let number = words.lock().expect("no thread panicked").intern(&string(n));
        number.ok_or_else(|| format!("too many distinct words in {}", COLUMNS[n]))
    };
    let mut texts = [None; Text::SLOTS];
    for (slot, n) in [(Text::Batch, 8), (Text::Original, 9), (Text::Account, 10)] {
        texts[slot.slot()] = text(n).filter(|t| !t.is_empty());
    }
    for (key, slot) in texts.iter_mut().enumerate().take(KEYS_MAX) {
        *slot = text(14 + key).filter(|t| !t.is_empty());
    }
    let age = u16::try_from(needed(13)?).map_err(|_| "age out of range".to_owned())?.max(1);
    carried.records.push(&NewRecord {
        side,
        loc: Loc { file: 0, row: number, offset: number },
        amount: needed(3)?,
        fee: whole(4)?,
        currency,
        kind: intern(1)?,
        status: intern(5)?,
        time: whole(6)?,
        date: day(7)?,
        age,
        texts,
    });
    let at = u64::try_from(needed(12)?).map_err(|_| "row is negative".to_owned())?;
    carried.origins.by_row.insert((side, number), (string(11), at, day(COLUMNS.len())?));
    Ok(())
}

impl Carried {
    /// Returns the bits of the key hashes of all open items, so that their counterparts are found.
    pub(crate) fn tags(&self, rules: &Rules, secret: &Secret, shape: Shape) -> Vec<u64> {
        let Some(PassKind::Exact { key, .. }) = rules.passes.first().map(|p| &p.kind) else {
            return Vec::new();
        };
        let keys = self.records.ids().filter_map(|id| self.records.text(id, Text::Key(*key)));
        let mut tags: Vec<u64> = keys.map(|bytes| shape.tag(secret.key(bytes).lo)).collect();
        tags.sort_unstable();
        tags.dedup();
        tags
    }

    /// Returns count and sum by side.
    pub(crate) fn totals(&self) -> [Totals; 2] {
        let mut totals: [Totals; 2] = Default::default();
        for id in self.records.ids() {
            let row = self.records.row(id);
            totals[row.side.index()].add(row.currency, row.amount);
        }
        totals
    }

    /// Puts all items into the pool, behind the side's files, and keeps where they came from.
    pub(crate) fn move_to(self, pool: &mut Pool<'_>, files: [u16; 2]) -> Result<Origins, ReconError> {
        for id in self.records.ids() {
            let mut record = self.records.get(id);
            record.loc.file = files[record.side.index()];
            pool.push(&record)?;
        }
        Ok(self.origins)
    }
}
