//! NACHA files of the American ACH network: entries in batches, returns, and control totals.
//!
//! Records of 94 characters, by the "ACH File Details" of the Nacha Operating Rules: 1 file header, 5 batch
//! header, 6 entry, 7 addenda, 8 batch control, 9 file control and filling. Amounts are signed from the view
//! of the company that originates the batch: a debit of a receiver brings money in, a credit sends it out.

mod entry;

use crate::catalogue::{BuiltIn, Verdict};
use crate::checks::Sums;
use crate::event::{Check, Fault, ReadError, Statement, Stop};
use crate::head::Head;
use crate::input::{Input, Options};
use crate::output::Output;
use crate::record::{Direction, Place, Record};
use crate::value;
use jiff::civil::Date;
use suanpan_money::Currency;

pub(crate) const FILE: BuiltIn = BuiltIn { id: "nacha.ach", title: "NACHA file (ACH)", recognise, read };

/// The length of a record; programs that cut blanks at the end make shorter ones.
const RECORD_CHARS: usize = 94;

fn recognise(head: &Head) -> Verdict {
    let header = head.lines().find(|(_, line)| !line.trim().is_empty());
    Verdict::from_evidence(
        header.filter(|(_, line)| is_file_header(line)).map(|(line, _)| {
            format!("line {line} is a file header: 101, and record size 094 in columns 35 to 37")
        }),
        "does not begin with a file header 101 of record size 094",
    )
}

fn is_file_header(line: &str) -> bool {
    line.starts_with("101") && line.get(34..39) == Some("09410")
}

/// The class of advices of accounting, which have columns of their own.
const ADVICE: &str = "ADV";

/// The most addenda of one entry that are kept: CTX has up to 9,999.
const ADDENDA_MAX: usize = 9_999;

/// What the records of a batch or of the file add up to.
#[derive(Debug, Default, Clone, Copy)]
struct Totals {
    entries_and_addenda: u64,
    /// Sum of the first eight digits of routing numbers; the last ten digits count.
    hash: u64,
    debits: Sums,
    credits: Sums,
}

impl Totals {
    fn add(&mut self, other: Totals, place: Place) -> Result<(), ReadError> {
        self.entries_and_addenda += other.entries_and_addenda;
        self.hash = (self.hash + other.hash) % HASH;
        self.debits.add(other.debits.amount, place)?;
        self.credits.add(other.credits.amount, place)
    }

    /// Compares with columns of a control record.
    fn compare(
        &self,
        text: &str,
        columns: [std::ops::Range<usize>; 4],
        of: &str,
        place: Place,
        output: &mut Output<'_>,
    ) -> Result<(), Stop> {
        let [count, hash, debit, credit] = columns;
        let at = |range: &std::ops::Range<usize>| {
            (text.get(range.clone()).unwrap_or_default(), place.at_column(column(range.start)))
        };
        let (declared, place_of) = at(&count);
        match declared.trim().parse() {
            Ok(declared) => output.check(Check::count(
                &format!("entries and addenda of the {of}"),
                declared,
                self.entries_and_addenda,
                place_of,
            ))?,
            Err(_) => {
                output.fault(Fault::new(place_of, "entry/addenda count", "is not a count", declared))?
            }
        }
        let (declared, place_of) = at(&hash);
        let computed = format!("{:010}", self.hash);
        output.check(Check::text(
            &format!("entry hash of the {of}"),
            declared.trim(),
            &computed,
            place_of,
        ))?;
        for (name, range, sums) in [("debits", debit, self.debits), ("credits", credit, self.credits)] {
            let (declared, place_of) = at(&range);
            match value::implied(declared, 2) {
                Ok(declared) => {
                    output.check(Check::amount(
                        &format!("{name} of the {of}"),
                        declared,
                        sums.amount,
                        place_of,
                    ))?;
                }
                Err(message) => {
                    output.fault(Fault::new(place_of, &format!("total {name}"), message, declared))?
                }
            }
        }
        Ok(())
    }
}

const HASH: u64 = 10_000_000_000;

/// The batch that is open.
#[derive(Debug, Default)]
struct Batch {
    company: String,
    company_id: String,
    class: String,
    number: String,
    description: String,
    effective: Option<Date>,
    totals: Totals,
}

/// An entry that waits for its addenda.
struct Entry {
    record: Record,
    addenda: usize,
    payment_information: Vec<String>,
}

#[derive(Default)]
struct Reader {
    page: u32,
    batch: Option<Batch>,
    entry: Option<Entry>,
    batches: u64,
    blocks_of: u64,
    file: Totals,
    /// The batch before was one of advices; a file of them holds nothing else.
    advice: bool,
    closed: bool,
}

fn column(offset: usize) -> u32 {
    u32::try_from(offset + 1).unwrap_or(u32::MAX)
}

fn read(input: Input<'_>, _: &Options, output: &mut Output<'_>) -> Result<(), Stop> {
    let mut lines = input.lines(None);
    let mut reader = Reader::default();
    let mut last = Place::default();
    while let Some(line) = lines.next_line()? {
        let text = line.text();
        if text.trim().is_empty() {
            continue;
        }
        last = line.place();
        reader.blocks_of += 1;
        if reader.closed {
            // Filling with nines up to the block.
            if !text.trim().bytes().all(|b| b == b'9') {
                output.fault(line.fault("", "stands behind the file control record"))?;
            }
            continue;
        }
        if text.chars().count() > RECORD_CHARS {
            output.fault(line.fault("", "is longer than the 94 characters of a record"))?;
            continue;
        }
        let text = format!("{text:<RECORD_CHARS$}");
        if !text.is_ascii() {
            output.fault(line.fault("", "holds characters that are not ASCII"))?;
            continue;
        }
        reader.take(&text, line.place(), output)?;
    }
    reader.end_entry(output)?;
    if !reader.closed {
        let message = "the file ends without its control record: it was cut off";
        output.fault(Fault::new(last, "", message, ""))?;
    }
    Ok(())
}

impl Reader {
    fn take(&mut self, text: &str, place: Place, output: &mut Output<'_>) -> Result<(), Stop> {
        if !text.starts_with('7') {
            self.end_entry(output)?;
        }
        match &text[..1] {
            "1" => Ok(()),
            "5" => self.begin_batch(text, place, output),
            "6" => self.begin_entry(text, place, output),
            "7" => self.take_addendum(text, place, output),
            "8" => self.end_batch(text, place, output),
            "9" => self.end_file(text, place, output),
            _ => output.fault(Fault::new(
                place.at_column(1),
                "record type",
                "is not one of 1, 5, 6, 7, 8, 9",
                &text[..1],
            )),
        }
    }

    fn begin_batch(&mut self, text: &str, place: Place, output: &mut Output<'_>) -> Result<(), Stop> {
        self.page += 1;
        self.batches += 1;
        let part = |range: std::ops::Range<usize>| text[range].trim().to_owned();
        let batch = Batch {
            company: part(4..20),
            company_id: part(40..50),
            class: part(50..53),
            number: part(87..94),
            description: part(53..63),
            effective: short_date(&text[69..75]),
            totals: Totals::default(),
        };
        let mut statement = Statement {
            id: batch.number.clone(),
            account: batch.company_id.clone(),
            holder: batch.company.clone(),
            currency: Currency::parse("USD"),
            from: batch.effective,
            to: batch.effective,
            place: place.on_page(self.page),
            ..Statement::default()
        };
        for (name, range) in [
            ("service class", 1..4),
            ("standard entry class", 50..53),
            ("entry description", 53..63),
            ("descriptive date", 63..69),
            ("originating institution", 79..87),
        ] {
            let text = part(range);
            if !text.is_empty() {
                statement.details.push((name.to_owned(), text));
            }
        }
        self.batch = Some(batch);
        output.statement(statement)
    }

    fn begin_entry(&mut self, text: &str, place: Place, output: &mut Output<'_>) -> Result<(), Stop> {
        let Some(batch) = &mut self.batch else {
            return output.fault(Fault::new(place, "", "an entry stands outside of a batch", text));
        };
        batch.totals.entries_and_addenda += 1;
        let routing = &text[3..12];
        if let Ok(digits) = text[3..11].parse::<u64>() {
            batch.totals.hash = (batch.totals.hash + digits) % HASH;
        }
        let place = place.on_page(self.page);
        match entry::read(text, place, batch) {
            Err(fault) => output.fault(fault),
            Ok(record) => {
                let sums = if record.direction == Direction::In {
                    &mut batch.totals.debits
                } else {
                    &mut batch.totals.credits
                };
                sums.add(record.amount.abs(), place)?;
                self.entry = Some(Entry { record, addenda: 0, payment_information: Vec::new() });
                if routing_is_valid(routing) {
                    return Ok(());
                }
                let check = Check::text(
                    "check digit of the routing number",
                    &routing[8..],
                    &check_digit(routing),
                    place.at_column(12),
                );
                output.check(check)
            }
        }
    }

    fn take_addendum(&mut self, text: &str, place: Place, output: &mut Output<'_>) -> Result<(), Stop> {
        if let Some(batch) = &mut self.batch {
            batch.totals.entries_and_addenda += 1;
        }
        let Some(entry) = &mut self.entry else {
            return output.fault(Fault::new(place, "", "an addendum stands behind no entry", text));
        };
        entry.addenda += 1;
        if entry.addenda > ADDENDA_MAX {
            return Err(
                ReadError::Limit { place, what: "addenda of one entry", max: ADDENDA_MAX as u64 }.into()
            );
        }
        let record = &mut entry.record;
        let raw = format!("{}\n{}", record.raw, text.trim_end());
        record.set_raw(&raw);
        let class = self.batch.as_ref().map_or("", |batch| batch.class.as_str());
        if let Some(information) = entry::take_addendum(text, class, record) {
            entry.payment_information.push(information.to_owned());
        }
        Ok(())
    }

    fn end_entry(&mut self, output: &mut Output<'_>) -> Result<(), Stop> {
        let Some(entry) = self.entry.take() else { return Ok(()) };
        let mut record = entry.record;
        record.description = entry.payment_information.join(" ");
        output.record(record)
    }

    fn end_batch(&mut self, text: &str, place: Place, output: &mut Output<'_>) -> Result<(), Stop> {
        let Some(batch) = self.batch.take() else {
            return output.fault(Fault::new(
                place,
                "",
                "a batch control record stands outside of a batch",
                text,
            ));
        };
        let place = place.on_page(self.page);
        // An advice of accounting (ADV) has sums of 20 digits in place of 12.
        let columns = match batch.class.as_str() {
            ADVICE => [4..10, 10..20, 20..40, 40..60],
            _ => [4..10, 10..20, 20..32, 32..44],
        };
        self.advice = batch.class == ADVICE;
        batch.totals.compare(text, columns, "batch", place, output)?;
        self.file.add(batch.totals, place)?;
        Ok(())
    }

    fn end_file(&mut self, text: &str, place: Place, output: &mut Output<'_>) -> Result<(), Stop> {
        self.closed = true;
        if self.batch.take().is_some() {
            output.fault(Fault::new(place, "", "the batch before has no control record", ""))?;
        }
        match text[1..7].trim().parse() {
            Ok(declared) => {
                output.check(Check::count(
                    "batches of the file",
                    declared,
                    self.batches,
                    place.at_column(2),
                ))?;
            }
            Err(_) => {
                output.fault(Fault::new(place.at_column(2), "batch count", "is not a count", &text[1..7]))?
            }
        }
        let columns = match self.advice {
            true => [13..21, 21..31, 31..51, 51..71],
            false => [13..21, 21..31, 31..43, 43..55],
        };
        self.file.compare(text, columns, "file", place, output)?;
        // Blocks of ten records, filled up with nines.
        match text[7..13].trim().parse() {
            Ok(declared) => {
                let blocks = self.blocks_of.div_ceil(10);
                output.check(Check::count("blocks of the file", declared, blocks, place.at_column(8)))
            }
            Err(_) => {
                output.fault(Fault::new(place.at_column(8), "block count", "is not a count", &text[7..13]))
            }
        }
    }
}

/// Reads YYMMDD; zeros and blanks are no date.
fn short_date(text: &str) -> Option<Date> {
    let year: i16 = text.get(..2)?.parse().ok()?;
    let year = if year < 70 { 2000 + year } else { 1900 + year };
    Date::new(year, text[2..4].parse().ok()?, text[4..6].parse().ok()?).ok()
}

fn routing_is_valid(routing: &str) -> bool {
    routing.len() == 9 && routing[8..] == check_digit(routing)
}

/// Returns the ninth digit by weights 3, 7, 1 over the first eight.
fn check_digit(routing: &str) -> String {
    let weighted = routing.bytes().take(8).zip([3, 7, 1, 3, 7, 1, 3, 7]);
    let sum: u32 = weighted.map(|(digit, weight)| u32::from(digit.wrapping_sub(b'0') % 10) * weight).sum();
    ((10 - sum % 10) % 10).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_of_published_routing_numbers() {
        for routing in ["021000021", "011000015", "091400606", "231380104"] {
            assert!(routing_is_valid(routing), "{routing}");
        }
        assert!(!routing_is_valid("021000022") && !routing_is_valid("02100002"));
    }
}
