//! The tables of records: breaks, matches, open items and rejected rows. What their columns are and
//! how a verdict becomes rows.
//!
//! Each record of a verdict is in exactly one row of one table. A verdict with at most one record a
//! side is one row; a larger group is one row for each pair in order of place, then the leftovers,
//! all under one number, with the group's difference on its first row only.

use super::ReportError;
use super::names::Shape;
use super::row::{COLUMNS_MAX, Column, Kind, RowBuilder, sort_key};
use super::sort::Sorter;
use crate::outcome::{Code, Verdict};
use crate::record::{KEYS_MAX, Loc, RecordId, Records, Row, Side, Text};
use std::path::Path;
use suanpan_money::Currency;

/// A row that was refused by the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RejectedRow<'a> {
    /// Its side.
    pub side: Side,
    /// Its file, an index into the side's inputs.
    pub file: u16,
    /// Its number within the file, as in [`Loc::row`].
    pub row: u64,
    /// The column at fault, or nothing where the row as a whole is.
    pub column: &'a str,
    /// A stable word for the reason, such as `amount_not_a_number`.
    pub reason: &'a str,
    /// The reason in a sentence.
    pub message: &'a str,
    /// The row as it stands in the file. At most [`RAW_BYTES_MAX`] of it are kept.
    pub raw: &'a [u8],
}

/// The most bytes of a rejected row that are kept; its full length is in the table.
pub const RAW_BYTES_MAX: usize = 16 << 10;

/// Where an open item came from when it was first seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carried<'a> {
    /// The file of its first run.
    pub file: &'a str,
    /// The row in that file.
    pub row: u64,
    /// The business date of that run, in days since 1970-01-01.
    pub first_seen: Option<i32>,
}

/// The tables of one sink, sorted and spilled on their own.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) breaks: Sorter,
    pub(super) matched: Option<Sorter>,
    pub(super) open_items: Sorter,
    pub(super) rejected: Sorter,
    row: RowBuilder,
    whys: Whys,
    pub(super) shape: Shape,
    pub(super) run_date: Option<i32>,
}

impl Tables {
    pub(super) fn new(shape: Shape, dir: &Path, run_date: Option<i32>, matched: bool) -> Tables {
        Tables {
            breaks: Sorter::new(dir),
            matched: matched.then(|| Sorter::new(dir)),
            open_items: Sorter::new(dir),
            rejected: Sorter::new(dir),
            row: RowBuilder::default(),
            whys: Whys::default(),
            shape,
            run_date,
        }
    }

    /// Returns the bytes of memory in use.
    pub(super) fn bytes(&self) -> usize {
        self.sorters().map(Sorter::bytes).sum()
    }

    /// Frees all memory in use.
    pub(super) fn spill(&mut self) -> Result<(), ReportError> {
        let Tables { breaks, matched, open_items, rejected, .. } = self;
        [breaks, open_items, rejected].into_iter().chain(matched).try_for_each(Sorter::spill)
    }

    fn sorters(&self) -> impl Iterator<Item = &Sorter> {
        [&self.breaks, &self.open_items, &self.rejected].into_iter().chain(&self.matched)
    }

    /// Adds the rows of a verdict to the table that its code belongs to.
    pub(super) fn push<'c>(
        &mut self,
        records: &Records,
        verdict: &Verdict,
        carried: impl Fn(RecordId) -> Option<Carried<'c>>,
    ) -> Result<(), ReportError> {
        let group = Group::of(records, verdict);
        if verdict.code == Code::PendingTiming {
            return self.push_open_items(records, &group, carried);
        }
        if verdict.code.is_clean() {
            return self.push_matched(records, &group);
        }
        self.push_break(records, &group)
    }

    fn push_break(&mut self, records: &Records, group: &Group<'_>) -> Result<(), ReportError> {
        let why = self.whys.number(&self.shape, group.verdict.why);
        for (member, pair) in group.rows(records).enumerate() {
            let first = member == 0;
            let row = &mut self.row;
            row.start();
            row.code(group.verdict.code);
            row.text(pair.key());
            row.text(pair.right_key());
            row.currency(pair.currency());
            row.currency(pair.right_currency());
            pair.each(|half| row.money(half.map(|h| h.row.amount), exponent(half)));
            let unit = group.delta_exponent();
            row.sum(group.delta.filter(|_| first), unit);
            row.fields(if group.is_pair() { pair.differing(self.shape.compared()) } else { 0 });
            pair.each_with_side(|_, half| {
                row.file(half.map(|h| h.row.loc.file));
                row.count(half.map(Half::shown_row));
            });
            row.pass(group.verdict.pass);
            row.why(why);
            let candidates: &[RecordId] = if first { &group.verdict.candidates } else { &[] };
            row.places(candidates.iter().map(|id| {
                let record = records.get(*id);
                (record.side, Loc { row: shown_row(record.loc, &record.texts), ..record.loc })
            }));
            pair.each(|half| row.money(half.and_then(|h| h.row.fee), exponent(half)));
            row.sum(pair.fee_delta().filter(|_| group.is_pair()), unit);
            pair.each(|half| row.word(half.map(|h| h.row.kind)));
            pair.each(|half| row.word(half.map(|h| h.row.status)));
            pair.each(|half| row.int(half.and_then(|h| h.row.time)));
            pair.each(|half| row.int(half.and_then(|h| h.row.date).map(i64::from)));
            for text in sided_texts(self.shape.keys()) {
                pair.each(|half| row.text(half.and_then(|h| h.texts[text.slot()])));
            }
            pair.each(|half| row.int(half.map(|h| i64::from(h.row.age)).filter(|age| *age > 0)));
            push(&mut self.breaks, row, BREAK_COLUMNS + 2 * (self.shape.keys() - 1), group.key(member))?;
        }
        Ok(())
    }

    fn push_matched(&mut self, records: &Records, group: &Group<'_>) -> Result<(), ReportError> {
        let Some(matched) = &mut self.matched else { return Ok(()) };
        for (member, pair) in group.rows(records).enumerate() {
            let row = &mut self.row;
            row.start();
            row.code(group.verdict.code);
            row.text(pair.key());
            row.currency(pair.currency());
            pair.each(|half| row.money(half.map(|h| h.row.amount), exponent(half)));
            let delta = group.delta.filter(|_| member == 0);
            row.sum(delta, group.delta_exponent());
            pair.each_with_side(|_, half| {
                row.file(half.map(|h| h.row.loc.file));
                row.count(half.map(Half::shown_row));
            });
            row.pass(group.verdict.pass);
            row.flag(group.verdict.duplicated_on_both_sides);
            push(matched, row, MATCHED_COLUMNS, group.key(member))?;
        }
        Ok(())
    }

    fn push_open_items<'c>(
        &mut self,
        records: &Records,
        group: &Group<'_>,
        carried: impl Fn(RecordId) -> Option<Carried<'c>>,
    ) -> Result<(), ReportError> {
        let both = group.verdict.left.iter().chain(&group.verdict.right);
        for (member, id) in both.enumerate() {
            let record = records.get(*id);
            let from = carried(*id).unwrap_or(Carried {
                file: self.shape.file(record.side, record.loc.file),
                row: shown_row(record.loc, &record.texts),
                first_seen: self.run_date.or(record.date),
            });
            let row = &mut self.row;
            row.start();
            row.side(record.side);
            for key in 0..KEYS_MAX {
                row.text(record.texts[key]);
            }
            row.word(Some(record.kind));
            row.currency(Some(record.currency));
            row.int(Some(record.amount));
            row.int(record.fee);
            row.word(Some(record.status));
            row.int(record.time);
            row.int(record.date.map(i64::from));
            for text in [Text::Batch, Text::Original, Text::Account] {
                row.text(record.texts[text.slot()]);
            }
            row.text(Some(from.file.as_bytes()));
            row.count(Some(from.row));
            row.int(from.first_seen.map(i64::from));
            row.count(Some(u64::from(record.age) + 1));
            push(&mut self.open_items, row, OPEN_ITEM_COLUMNS, group.key(member))?;
        }
        Ok(())
    }

    /// Adds a rejected row.
    pub(super) fn push_rejected(&mut self, rejected: &RejectedRow<'_>) -> Result<(), ReportError> {
        let row = &mut self.row;
        row.start();
        row.side(rejected.side);
        row.any_file(rejected.side, rejected.file);
        row.count(Some(rejected.row));
        row.text(Some(rejected.column.as_bytes()));
        row.text(Some(rejected.reason.as_bytes()));
        row.text(Some(rejected.message.as_bytes()));
        row.count(Some(rejected.raw.len() as u64));
        row.text(Some(&rejected.raw[..rejected.raw.len().min(RAW_BYTES_MAX)]));
        let loc = Loc { file: rejected.file, row: rejected.row, offset: 0 };
        push(&mut self.rejected, row, REJECTED_COLUMNS, sort_key(0, rejected.side, loc, 0))
    }
}

fn push(sorter: &mut Sorter, row: &mut RowBuilder, columns: usize, key: u128) -> Result<(), ReportError> {
    sorter.push(key, row.finish(columns))
}

const BREAK_COLUMNS: usize = 35;
const MATCHED_COLUMNS: usize = 12;
const OPEN_ITEM_COLUMNS: usize = 23;
const REJECTED_COLUMNS: usize = 8;
const _: () = assert!(BREAK_COLUMNS + 2 * KEYS_MAX <= COLUMNS_MAX);

/// Stored columns of the breaks table, after the break number.
pub(super) fn break_columns(shape: &Shape) -> Vec<Column> {
    let mut columns = vec![
        Column::new("code", Kind::Code),
        Column::new("key", Kind::Text),
        Column::new("right_key", Kind::Text),
        Column::new("currency", Kind::Currency),
        Column::new("right_currency", Kind::Currency),
        Column::new("left_amount", Kind::Money),
        Column::new("right_amount", Kind::Money),
        Column::new("delta", Kind::Sum),
        Column::new("differs", Kind::Fields),
        Column::new("left_file", Kind::File(Side::Left)),
        Column::new("left_row", Kind::Count),
        Column::new("right_file", Kind::File(Side::Right)),
        Column::new("right_row", Kind::Count),
        Column::new("pass", Kind::Pass),
        Column::new("why", Kind::Why),
        Column::new("candidates", Kind::Places),
    ];
    let mut both = |name: &str, kind| {
        columns.push(Column::new(format!("left_{name}"), kind));
        columns.push(Column::new(format!("right_{name}"), kind));
    };
    both("fee", Kind::Money);
    columns.push(Column::new("fee_delta", Kind::Sum));
    let mut both = |name: &str, kind| {
        columns.push(Column::new(format!("left_{name}"), kind));
        columns.push(Column::new(format!("right_{name}"), kind));
    };
    both("type", Kind::Word);
    both("status", Kind::Word);
    both("time", Kind::Time);
    both("date", Kind::Day);
    for text in sided_texts(shape.keys()) {
        match text {
            Text::Key(n) => both(&format!("k{}", n + 1), Kind::Text),
            Text::Batch => both("batch", Kind::Text),
            Text::Original => both("original", Kind::Text),
            Text::Account => both("account", Kind::Text),
            // Shown as the row.
            Text::Line => {}
        }
    }
    both("age", Kind::Count);
    columns
}

/// Stored columns of the matched table, after the match number.
pub(super) fn matched_columns() -> Vec<Column> {
    vec![
        Column::new("code", Kind::Code),
        Column::new("key", Kind::Text),
        Column::new("currency", Kind::Currency),
        Column::new("left_amount", Kind::Money),
        Column::new("right_amount", Kind::Money),
        Column::new("delta", Kind::Sum),
        Column::new("left_file", Kind::File(Side::Left)),
        Column::new("left_row", Kind::Count),
        Column::new("right_file", Kind::File(Side::Right)),
        Column::new("right_row", Kind::Count),
        Column::new("pass", Kind::Pass),
        Column::new("copies_on_both_sides", Kind::Flag),
    ]
}

/// Columns of the open items: plain types and keys as they are, since the next run reads them.
pub(super) fn open_item_columns() -> Vec<Column> {
    let mut columns = vec![Column::new("side", Kind::Side)];
    columns.extend((1..=KEYS_MAX).map(|n| Column::new(format!("k{n}"), Kind::RawText)));
    columns.extend([
        Column::new("type", Kind::Word),
        Column::new("currency", Kind::Currency),
        Column::new("amount_minor", Kind::Minor),
        Column::new("fee_minor", Kind::Minor),
        Column::new("status", Kind::Word),
        Column::new("time_us", Kind::Micros),
        Column::new("date_days", Kind::Days),
        Column::new("batch", Kind::RawText),
        Column::new("original", Kind::RawText),
        Column::new("account", Kind::RawText),
        Column::new("file", Kind::RawText),
        Column::new("row", Kind::Count),
        Column::new("first_seen_days", Kind::Days),
        Column::new("age", Kind::Count),
    ]);
    columns
}

/// Columns of the rejected rows.
pub(super) fn rejected_columns() -> Vec<Column> {
    vec![
        Column::new("side", Kind::Side),
        Column::new("file", Kind::AnyFile),
        Column::new("row", Kind::Count),
        Column::new("column", Kind::Text),
        Column::new("reason", Kind::Text),
        Column::new("message", Kind::Text),
        Column::new("raw_bytes", Kind::Count),
        Column::new("raw", Kind::Text),
    ]
}

/// Texts of a record in the order of the breaks table, which has the first key up front.
fn sided_texts(keys: usize) -> impl Iterator<Item = Text> {
    let keys = (1..KEYS_MAX).take(keys - 1).filter_map(|n| u8::try_from(n).ok()).map(Text::Key);
    keys.chain([Text::Batch, Text::Original, Text::Account])
}

/// A verdict with what its rows share.
struct Group<'a> {
    verdict: &'a Verdict,
    first: (Side, Loc),
    /// Left sum minus right sum; `None` where the group has several currencies.
    delta: Option<i128>,
    delta_currency: Option<Currency>,
}

impl<'a> Group<'a> {
    fn of(records: &Records, verdict: &'a Verdict) -> Group<'a> {
        for ids in [&verdict.left, &verdict.right] {
            let in_order = ids.is_sorted_by_key(|id| records.row(*id).loc);
            assert!(in_order, "a verdict names its records in order of place");
        }
        let mut all = verdict.left.iter().chain(&verdict.right).map(|id| records.row(*id));
        let first = all.next().expect("a verdict is about at least one record");
        let signed = |row: &Row| match row.side {
            Side::Left => i128::from(row.amount),
            Side::Right => -i128::from(row.amount),
        };
        let one_currency = |sum: i128, row: &Row| (row.currency == first.currency).then(|| sum + signed(row));
        let delta = all.try_fold(signed(first), one_currency);
        Group {
            verdict,
            first: (first.side, first.loc),
            delta,
            delta_currency: delta.map(|_| first.currency),
        }
    }

    fn delta_exponent(&self) -> u8 {
        self.delta_currency.map_or(0, Currency::exponent)
    }

    fn is_pair(&self) -> bool {
        self.verdict.left.len() == 1 && self.verdict.right.len() == 1
    }

    fn rows<'r>(&self, records: &'r Records) -> impl Iterator<Item = Pair<'r>> {
        let half = |ids: &[RecordId], n: usize| {
            ids.get(n).map(|id| Half { row: records.row(*id), texts: records.get(*id).texts })
        };
        (0..self.verdict.left.len().max(self.verdict.right.len()))
            .map(move |n| Pair([half(&self.verdict.left, n), half(&self.verdict.right, n)]))
    }

    fn key(&self, member: usize) -> u128 {
        let member = u32::try_from(member).expect("fewer than 2^32 records in a table");
        sort_key(self.verdict.code as u8, self.first.0, self.first.1, member)
    }
}

fn exponent(half: Option<&Half<'_>>) -> u8 {
    half.map_or(0, |half| half.row.currency.exponent())
}

struct Half<'a> {
    row: &'a Row,
    texts: [Option<&'a [u8]>; Text::SLOTS],
}

impl Half<'_> {
    fn shown_row(&self) -> u64 {
        shown_row(self.row.loc, &self.texts)
    }
}

/// The row that people look at: the line of the original document where the record knows it.
fn shown_row(loc: Loc, texts: &[Option<&[u8]>; Text::SLOTS]) -> u64 {
    let line = texts[Text::Line.slot()].and_then(|text| std::str::from_utf8(text).ok());
    line.and_then(|line| line.parse().ok()).unwrap_or(loc.row)
}

struct Pair<'a>([Option<Half<'a>>; 2]);

impl<'a> Pair<'a> {
    fn each(&self, mut each: impl FnMut(Option<&Half<'a>>)) {
        self.0.iter().for_each(|half| each(half.as_ref()));
    }

    fn each_with_side(&self, mut each: impl FnMut(Side, Option<&Half<'a>>)) {
        Side::BOTH.iter().for_each(|side| each(*side, self.0[side.index()].as_ref()));
    }

    /// The first match key of the left record, or of the right where the left has none.
    fn key(&self) -> Option<&'a [u8]> {
        self.0.iter().flatten().find_map(|half| half.texts[Text::Key(0).slot()])
    }

    /// The right record's first match key where it is another than [`Pair::key`].
    fn right_key(&self) -> Option<&'a [u8]> {
        let key = self.0[1].as_ref().and_then(|right| right.texts[Text::Key(0).slot()]);
        key.filter(|key| self.key() != Some(*key))
    }

    /// The currency of the left record, or of the right where there is no left one.
    fn currency(&self) -> Option<Currency> {
        self.0.iter().flatten().next().map(|half| half.row.currency)
    }

    /// The right record's currency where both records are there and it is another.
    fn right_currency(&self) -> Option<Currency> {
        let [Some(left), Some(right)] = &self.0 else { return None };
        (left.row.currency != right.row.currency).then_some(right.row.currency)
    }

    fn fee_delta(&self) -> Option<i128> {
        let [Some(left), Some(right)] = &self.0 else { return None };
        let same = left.row.currency == right.row.currency;
        let fees = left.row.fee.zip(right.row.fee).filter(|_| same);
        fees.map(|(left, right)| i128::from(left) - i128::from(right))
    }

    /// Bits of the fields that both sides declare and in which this pair differs.
    fn differing(&self, compared: u32) -> u32 {
        let [Some(left), Some(right)] = &self.0 else { return 0 };
        let text = |text: Text| left.texts[text.slot()] != right.texts[text.slot()];
        let (a, b) = (left.row, right.row);
        let fixed = [
            a.amount != b.amount,
            a.currency != b.currency,
            a.fee != b.fee,
            a.kind != b.kind,
            a.status != b.status,
            a.date != b.date,
            text(Text::Batch),
            text(Text::Original),
            text(Text::Account),
        ];
        let keys = (0..KEYS_MAX).map(|slot| left.texts[slot] != right.texts[slot]);
        let mut mask = 0;
        for (bit, differs) in fixed.into_iter().chain(keys).enumerate() {
            mask |= u32::from(differs) << bit;
        }
        mask & compared
    }
}

/// Remembers the numbers of reasons, so that the shared list is locked once for each.
#[derive(Debug, Default)]
struct Whys(Vec<(&'static str, u16)>);

impl Whys {
    fn number(&mut self, shape: &Shape, why: &'static str) -> Option<u16> {
        if why.is_empty() {
            return None;
        }
        if let Some((_, number)) = self.0.iter().find(|(known, _)| std::ptr::eq(*known, why)) {
            return Some(*number);
        }
        let number = shape.why(why);
        self.0.push((why, number));
        Some(number)
    }
}
