//! SWIFT customer statements MT940 and interim reports MT942, as banks really send them.
//!
//! The fields are those of the SWIFT user handbook, category 9. Banks differ in nearly everything else, so
//! the reader is lenient: envelopes of blocks, texts before the first field, unknown fields, repeated or
//! missing `:86:`, other encodings and any line ends are taken; what is declared is compared all the same.

mod entry;
mod information;
mod totals;

use crate::catalogue::{BuiltIn, Verdict};
use crate::checks::add;
use crate::event::{Check, Fault, Statement, Stop};
use crate::head::Head;
use crate::input::{Input, Options};
use crate::output::Output;
use crate::record::{Direction, Place, Record};
use crate::value;
use jiff::civil::Date;
use rust_decimal::Decimal;
use suanpan_money::Currency;
use totals::Behind;

pub(crate) const STATEMENT: BuiltIn = BuiltIn {
    id: "swift.mt940",
    title: "SWIFT customer statement (MT940)",
    recognise: |head| recognise(head, false),
    read,
};

pub(crate) const INTERIM: BuiltIn = BuiltIn {
    id: "swift.mt942",
    title: "SWIFT interim report (MT942)",
    recognise: |head| recognise(head, true),
    read,
};

fn recognise(head: &Head, interim: bool) -> Verdict {
    let find = |tags: &[&str]| head.find_line(2_000, |line| tags.iter().any(|tag| line.starts_with(tag)));
    let Some((line, _)) =
        head.find_line(500, |line| tag_of(line).is_some_and(|tag| tag == "20" || tag == "25"))
    else {
        return Verdict::No("no line begins the field :20: or :25:".to_owned());
    };
    let Some((second, _)) = find(&[":60F:", ":60M:", ":61:", ":62F:", ":62M:", ":34F:"]) else {
        return Verdict::No("no line begins a field :60F:, :61: or :62F:".to_owned());
    };
    let told_942 = find(&[":34F:", ":13D:", ":90D:", ":90C:"])
        .or_else(|| head.find_line(50, |line| line.contains("{2:O942") || line.contains("{2:I942")));
    match (interim, told_942) {
        (true, Some((line, text))) => {
            let text: String = text.chars().take(12).collect();
            Verdict::Yes(format!("line {line} begins `{text}`, which only MT942 has"))
        }
        (true, None) => Verdict::No("no field :34F:, :13D:, :90D: or :90C:".to_owned()),
        (false, Some((line, _))) => Verdict::No(format!("line {line} is of an MT942")),
        (false, None) => Verdict::Yes(format!("fields of a statement begin in lines {line} and {second}")),
    }
}

/// Returns the tag at the beginning of a line: `61` of `:61:…`, `60F` of `:60F:…`.
fn tag_of(line: &str) -> Option<&str> {
    let (tag, _) = line.strip_prefix(':')?.split_once(':')?;
    let mut bytes = tag.bytes();
    let plain = match tag.len() {
        2 | 3 => bytes.by_ref().take(2).all(|b| b.is_ascii_digit()) && bytes.all(|b| b.is_ascii_alphabetic()),
        _ => false,
    };
    (plain || tag == "NS" || tag == "940" || tag == "942").then_some(tag)
}

/// Lines of one field after which the rest is cut off. The standard has 6; banks send some dozens.
const FIELD_LINES_MAX: usize = 10_000;

fn read(input: Input<'_>, _: &Options, output: &mut Output<'_>) -> Result<(), Stop> {
    let mut lines = input.lines(None);
    let mut reader = Reader::default();
    let mut field: Option<Field> = None;
    while let Some(line) = lines.next_line()? {
        let place = line.place();
        let text = line.text();
        let text = text.trim_matches(|c: char| c == '\r' || (c.is_control() && c != '\t'));
        // Blocks 1 to 3 of an envelope, with the text block beginning behind them or on the next line.
        let text = match text.rfind("{4:") {
            Some(at) if text.starts_with('{') || text.starts_with("-}") => &text[at + 3..],
            _ => text,
        };
        if let Some(tag) = tag_of(text) {
            reader.take(field.take(), output)?;
            let rest = &text[tag.len() + 2..];
            field = Some(Field { tag: tag.to_ascii_uppercase(), place, lines: vec![rest.to_owned()] });
        } else if ends_message(text) {
            reader.take(field.take(), output)?;
            reader.end_message(output)?;
        } else if let Some(field) = &mut field
            && field.lines.len() < FIELD_LINES_MAX
        {
            field.lines.push(text.to_owned());
        }
    }
    reader.take(field, output)?;
    reader.end_message(output)
}

/// Says whether a line ends a message: `-`, or the end of the text block.
fn ends_message(text: &str) -> bool {
    let text = text.trim();
    text == "-" || text.starts_with("-}") || text.starts_with("{5:")
}

/// A field: its tag, and the text behind it with the lines that go on.
struct Field {
    tag: String,
    place: Place,
    lines: Vec<String>,
}

impl Field {
    fn first(&self) -> &str {
        self.lines.first().map_or("", |line| line.trim())
    }

    fn fault(&self, message: &str) -> Fault {
        Fault::new(self.place, &format!(":{}:", self.tag), message, self.first())
    }
}

/// A balance as fields 60, 62, 64 and 65 write it: `C031002PLN40000,00`.
#[derive(Debug, Clone, Copy)]
struct Balance {
    /// None where it is written as `000000`.
    date: Option<Date>,
    currency: Currency,
    amount: Decimal,
    place: Place,
}

/// The statement that is open.
#[derive(Default)]
struct Open {
    head: Statement,
    announced: bool,
    opening: Option<Balance>,
    sum: Decimal,
    credits: (u64, Decimal),
    debits: (u64, Decimal),
    /// Number and page of `:28C:`.
    number: Option<(u64, u64)>,
    closed: bool,
}

/// How the statement before ended, for the next one of the same account.
struct Before {
    account: String,
    number: Option<(u64, u64)>,
    closing: Balance,
}

#[derive(Default)]
struct Reader {
    page: u32,
    open: Option<Open>,
    entry: Option<(Record, Vec<String>)>,
    before: Option<Before>,
}

impl Reader {
    fn take(&mut self, field: Option<Field>, output: &mut Output<'_>) -> Result<(), Stop> {
        let Some(field) = field else { return Ok(()) };
        let goes_on = matches!(field.tag.as_str(), "86" | "NS") && self.entry.is_some();
        if !goes_on {
            self.end_entry(output)?;
        }
        let starts =
            field.tag == "20" || (field.tag == "25" && self.open.as_ref().is_none_or(|open| open.closed));
        if starts {
            self.end_message(output)?;
            self.page += 1;
            let mut open = Open::default();
            open.head.place = field.place.on_page(self.page);
            self.open = Some(open);
        }
        if self.open.is_none() {
            // Text before the first statement, or a field that belongs to none.
            return Ok(());
        }
        match field.tag.as_str() {
            "61" => self.take_entry(&field, output),
            "86" if self.entry.is_none() && self.open.as_ref().is_some_and(|open| open.closed) => {
                self.take_information_behind(&field, output)
            }
            "86" | "NS" => {
                self.take_information(&field);
                Ok(())
            }
            "60F" | "60M" | "60" => self.take_opening(&field, output),
            "62F" | "62M" | "62" => self.take_closing(&field, output),
            "90C" | "90D" => self.take_totals(&field, output),
            tag => {
                let text = field.first().to_owned();
                let open = self.open.as_mut().expect("seen above");
                match tag {
                    "25" => open.head.account = text,
                    "28" | "28C" => {
                        open.number = statement_number(&text);
                        open.head.id = text;
                    }
                    "20" => open.head.details.push(("20".to_owned(), text)),
                    "940" | "942" => {}
                    _ => open.head.details.push((tag.to_owned(), text)),
                }
                if tag == "34F" && open.head.currency.is_none() {
                    open.head.currency =
                        open.head.details.last().and_then(|(_, text)| Currency::parse(text.get(..3)?));
                }
                Ok(())
            }
        }
    }

    fn take_opening(&mut self, field: &Field, output: &mut Output<'_>) -> Result<(), Stop> {
        let page = self.page;
        let balance = match balance(field, page) {
            Ok(balance) => balance,
            Err(fault) => return output.fault(fault),
        };
        let open = self.open.as_mut().expect("a field within a statement");
        open.opening = Some(balance);
        open.head.opening = Some(balance.amount);
        open.head.currency = Some(balance.currency);
        open.head.from = balance.date;
        let follows = self.before.as_ref().filter(|before| {
            let next = before.number.zip(open.number).is_some_and(|((number, page), (own, own_page))| {
                own == number + 1 || (own == number && own_page == page + 1)
            });
            next && before.account == open.head.account && before.closing.currency == balance.currency
        });
        if let Some(before) = follows {
            let check =
                Check::amount("opening balance", balance.amount, before.closing.amount, balance.place);
            self.announce(output)?;
            return output.check(check);
        }
        Ok(())
    }

    fn take_closing(&mut self, field: &Field, output: &mut Output<'_>) -> Result<(), Stop> {
        self.announce(output)?;
        let open = self.open.as_mut().expect("a field within a statement");
        open.closed = true;
        let balance = match balance(field, self.page) {
            Ok(balance) => balance,
            Err(fault) => return output.fault(fault),
        };
        self.before =
            Some(Before { account: open.head.account.clone(), number: open.number, closing: balance });
        if let Some(opening) = open.opening {
            let computed = add(opening.amount, open.sum, balance.place)?;
            output.check(Check::amount("closing balance", balance.amount, computed, balance.place))?;
        }
        Ok(())
    }

    /// `:90C:13EUR1234,50`: how many credits there are, and their sum.
    fn take_totals(&mut self, field: &Field, output: &mut Output<'_>) -> Result<(), Stop> {
        self.announce(output)?;
        let open = self.open.as_ref().expect("a field within a statement");
        let Some(declared) = totals::of_side(field.first()) else {
            return output.fault(field.fault("is not a count, a currency and an amount"));
        };
        let place = field.place.on_page(self.page);
        let checks = match field.tag.as_str() {
            "90C" => totals::checks("credits", declared, open.credits, place),
            _ => totals::checks("debits", declared, open.debits, place),
        };
        checks.into_iter().try_for_each(|check| output.check(check))
    }

    /// The information behind the closing balance, in which ING declares counts and sums.
    fn take_information_behind(&mut self, field: &Field, output: &mut Output<'_>) -> Result<(), Stop> {
        let open = self.open.as_ref().expect("a field within a statement");
        match totals::behind_closing(field.first()) {
            Behind::Text => self.take_information(field),
            Behind::Unreadable => {
                return output.fault(field.fault("is not two counts and two amounts"));
            }
            Behind::Totals(debits, credits) => {
                let place = field.place.on_page(self.page);
                let debits = totals::checks("debits", debits, open.debits, place);
                let credits = totals::checks("credits", credits, open.credits, place);
                debits.into_iter().chain(credits).try_for_each(|check| output.check(check))?;
            }
        }
        Ok(())
    }

    fn take_entry(&mut self, field: &Field, output: &mut Output<'_>) -> Result<(), Stop> {
        self.announce(output)?;
        let open = self.open.as_mut().expect("a field within a statement");
        let Some(currency) = open.head.currency else {
            return output.fault(field.fault("comes before any field that tells the currency"));
        };
        match entry::parse(&field.lines, field.place.on_page(self.page), currency) {
            Err(fault) => output.fault(fault),
            Ok(mut record) => {
                record.account.clone_from(&open.head.account);
                open.sum = add(open.sum, record.amount, record.place)?;
                let side =
                    if record.direction == Direction::Out { &mut open.debits } else { &mut open.credits };
                side.0 += 1;
                side.1 = add(side.1, record.amount.abs(), record.place)?;
                record.set_raw(&format!(":61:{}", field.lines.join("\n")));
                self.entry = Some((record, Vec::new()));
                Ok(())
            }
        }
    }

    fn take_information(&mut self, field: &Field) {
        match &mut self.entry {
            Some((record, information)) => {
                let raw = format!("{}\n:{}:{}", record.raw, field.tag, field.lines.join("\n"));
                record.set_raw(&raw);
                information.extend(field.lines.iter().cloned());
            }
            None => {
                let open = self.open.as_mut().expect("a field within a statement");
                let text = field.lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
                if !text.trim().is_empty() {
                    open.head.details.push((field.tag.clone(), text.trim().to_owned()));
                }
            }
        }
    }

    fn end_entry(&mut self, output: &mut Output<'_>) -> Result<(), Stop> {
        let Some((mut record, lines)) = self.entry.take() else { return Ok(()) };
        information::describe(&lines, &mut record);
        output.record(record)
    }

    fn end_message(&mut self, output: &mut Output<'_>) -> Result<(), Stop> {
        self.end_entry(output)?;
        self.announce(output)?;
        match self.open.take() {
            Some(Open { head, opening: Some(_), closed: false, .. }) => {
                let message = "the statement ends without its closing balance: it was cut off";
                output.fault(Fault::new(head.place, ":62F:", message, ""))
            }
            _ => Ok(()),
        }
    }

    fn announce(&mut self, output: &mut Output<'_>) -> Result<(), Stop> {
        match &mut self.open {
            Some(open) if !open.announced => {
                open.announced = true;
                output.statement(open.head.clone())
            }
            _ => Ok(()),
        }
    }
}

/// Reads `00084/001` or `84`; a page that is missing is 1.
fn statement_number(text: &str) -> Option<(u64, u64)> {
    let (number, page) = text.split_once('/').unwrap_or((text, "1"));
    Some((number.trim().parse().ok()?, page.trim().parse().ok()?))
}

fn balance(field: &Field, page: u32) -> Result<Balance, Fault> {
    let text = field.first();
    let place = field.place.on_page(page);
    let fault = |column: u32, message: &str| {
        Fault::new(place.at_column(column + 6), &format!(":{}:", field.tag), message, text)
    };
    let negative = match text.get(..1) {
        Some("C") => false,
        Some("D") => true,
        _ => return Err(fault(0, "begins neither with C nor with D")),
    };
    let date = match text.get(1..7) {
        // Some banks have no date for a balance of an account that had no statement before.
        Some("000000") => None,
        date => Some(date.and_then(short_date).ok_or_else(|| fault(1, "has no date YYMMDD"))?.0),
    };
    let currency =
        text.get(7..10).and_then(Currency::parse).ok_or_else(|| fault(7, "has no currency of ISO 4217"))?;
    let amount = amount(text.get(10..).unwrap_or_default()).map_err(|message| fault(10, message))?;
    let amount = if negative { crate::checks::negated(amount) } else { amount };
    Ok(Balance { date, currency, amount, place })
}

/// Reads an amount with a decimal comma: `40000,00`, `5,`, `000000001000,00`; some banks write a point.
fn amount(text: &str) -> Result<Decimal, &'static str> {
    let text = text.trim();
    let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b',' | b'.'));
    let marks = text.bytes().filter(|b| matches!(b, b',' | b'.')).count();
    if !plain || marks > 1 || text.is_empty() {
        return Err("is not an amount");
    }
    value::amount(&text.replace(',', "."))
}

/// Reads YYMMDD. Banks that count 30 days a month write 30 February: the last day of the month then, and
/// `true`. Years before 80 are of this century.
fn short_date(text: &str) -> Option<(Date, bool)> {
    if text.len() != 6 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number = |range: std::ops::Range<usize>| text[range].parse::<i16>().ok();
    let year = number(0..2)?;
    let year = if year < 80 { 2000 + year } else { 1900 + year };
    let (month, day) = (i8::try_from(number(2..4)?).ok()?, i8::try_from(number(4..6)?).ok()?);
    clamped(year, month, day)
}

/// Makes a date; a day up to 30 that the month does not have becomes its last one.
fn clamped(year: i16, month: i8, day: i8) -> Option<(Date, bool)> {
    match Date::new(year, month, day) {
        Ok(date) => Some((date, false)),
        Err(_) if (29..=30).contains(&day) => {
            Date::new(year, month, 1).ok().map(|first| (first.last_of_month(), true))
        }
        Err(_) => None,
    }
}
