//! The frame of every bill: lines with `#` before and after the table.

use crate::delimited::{Header, Row, Rows};
use crate::event::{Check, ReadError, Statement, Stop};
use crate::head::TextEncoding;
use crate::input::Input;
use crate::output::Output;
use crate::record::Place;
use crate::value;
use rust_decimal::Decimal;
use suanpan_money::Currency;

/// A line of a bill behind its header.
pub(super) enum Line {
    Row(Row),
    /// A line with `#`, without it.
    Note(String, Place),
}

/// A bill whose header has been read.
pub(super) struct Frame<'a> {
    rows: Rows<'a>,
    pub(super) header: Header,
    pub(super) statement: Statement,
}

impl<'a> Frame<'a> {
    /// Reads up to the header, which holds a column of this name.
    pub(super) fn open(input: Input<'a>, column: &str) -> Result<Frame<'a>, ReadError> {
        // A bill is GBK, though some tools turn it into UTF-8.
        let (told, _) = TextEncoding::tell(&input.head.bytes, input.head.whole);
        let encoding = if told == TextEncoding::Utf8 { told } else { TextEncoding::Gb18030 };
        let mut rows = Rows::new(input.lines(Some(encoding)), b',', Some(b'"'));
        let mut statement = Statement { currency: Currency::parse("CNY"), ..Statement::default() };
        while let Some(row) = rows.next_row()? {
            let header = Header::new(&row.cells);
            if header.find(&[column]).is_some() {
                statement.place = row.place;
                return Ok(Frame { rows, header, statement });
            }
            let text = row.raw.trim_start_matches('#').replace('：', ":");
            if let Some(account) = bracketed(&text, "账号:") {
                statement.account = account;
            }
            statement.from = statement.from.or(bracketed(&text, "起始日期:").and_then(|text| day(&text)));
            statement.to = statement.to.or(bracketed(&text, "终止日期:").and_then(|text| day(&text)));
        }
        Err(ReadError::broken(Place::line(1), format!("no header with {column}")))
    }

    /// Reads the next line.
    pub(super) fn next(&mut self) -> Result<Option<Line>, ReadError> {
        let Some(row) = self.rows.next_row()? else { return Ok(None) };
        Ok(Some(match row.raw.trim_start().strip_prefix('#') {
            Some(note) => Line::Note(note.trim().to_owned(), row.place),
            None => Line::Row(row),
        }))
    }
}

/// Returns what stands in brackets behind a name: `账号:[20881234]`.
fn bracketed(text: &str, name: &str) -> Option<String> {
    let rest = text.split_once(name)?.1.trim_start().strip_prefix('[')?;
    Some(rest.split_once(']')?.0.trim().to_owned())
}

/// Reads `2026年11月25日 00:00:00`.
fn day(text: &str) -> Option<jiff::civil::Date> {
    value::date(text.split(' ').next()?).ok()
}

/// A total that a line declares: `交易合计：6笔，商家实收共0.06元，商家优惠共0.00元`.
pub(super) struct Declared {
    pub(super) count: Option<u64>,
    amounts: Vec<(String, Decimal)>,
}

impl Declared {
    /// Reads a line that begins with a name.
    pub(super) fn parse(note: &str, name: &str) -> Option<Declared> {
        let note = note.replace('：', ":").replace('，', ",");
        let rest = note.strip_prefix(name)?.trim_start_matches(':');
        let mut declared = Declared { count: None, amounts: Vec::new() };
        for part in rest.split(',') {
            let part = part.trim();
            if let Some(count) = part.strip_suffix('笔') {
                declared.count = count.trim_start_matches('共').trim().parse().ok();
            } else if let Some((what, amount)) =
                part.strip_suffix('元').and_then(|part| part.split_once('共'))
                && let Ok(amount) = value::amount(amount)
            {
                declared.amounts.push((what.to_owned(), amount));
            }
        }
        Some(declared)
    }

    /// Returns the amount whose name holds a word; the empty word finds the first.
    pub(super) fn amount(&self, word: &str) -> Option<Decimal> {
        self.amounts.iter().find(|(what, _)| what.contains(word)).map(|(_, amount)| *amount)
    }

    /// Compares the count and an amount; signs do not count, since bills of different years differ in them.
    pub(super) fn compare(
        &self,
        name: &str,
        word: &str,
        count: u64,
        amount: Decimal,
        place: Place,
        output: &mut Output<'_>,
    ) -> Result<(), Stop> {
        if let Some(declared) = self.count {
            output.check(Check::count(&format!("{name}笔数"), declared, count, place))?;
        }
        if let Some(declared) = self.amount(word) {
            output.check(Check::amount(&format!("{name}{word}"), declared.abs(), amount.abs(), place))?;
        }
        Ok(())
    }
}
