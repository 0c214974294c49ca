//! BAI2 cash management files ("Cash Management Balance Reporting Specifications", version 2).
//!
//! Records 01, 02, 03, 16, 88, 49, 98, 99; fields are separated by commas and a record ends with `/`, which
//! banks leave out behind texts. Amounts are whole numbers of the currency's smallest unit. Control totals are
//! algebraic sums of all amounts of 03 and 16 as they are written.

mod records;

use crate::catalogue::{BuiltIn, Verdict};
use crate::checks::{add, negated};
use crate::event::{Check, Fault, Statement, Stop};
use crate::head::Head;
use crate::input::{Input, Options};
use crate::output::Output;
use crate::record::{Direction, Kind, Place, Record};
use crate::value;
use jiff::civil::Date;
use records::{Logical, Records};
use rust_decimal::Decimal;
use suanpan_money::Currency;

pub(crate) const FILE: BuiltIn = BuiltIn { id: "bai2", title: "BAI2 balance report", recognise, read };

fn recognise(head: &Head) -> Verdict {
    let first = head.lines().find(|(_, line)| !line.trim().is_empty());
    Verdict::from_evidence(
        first.filter(|(_, line)| line.starts_with("01,") && line.matches(',').count() >= 6).map(
            |(line, _)| format!("line {line} is a file header: it begins with 01 and has the fields of BAI"),
        ),
        "does not begin with a file header 01 with seven fields or more",
    )
}

/// Sums of what stands between a header and its trailer.
#[derive(Debug, Default, Clone, Copy)]
struct Control {
    sum: i128,
    /// Accounts in a group, groups in a file.
    parts: u64,
    /// Physical records, trailers among them.
    records: u64,
}

#[derive(Default)]
struct Group {
    control: Control,
    currency: Option<Currency>,
    originator: String,
    as_of: Option<Date>,
}

struct Account {
    control: Control,
    number: String,
    currency: Currency,
    opening: Option<Decimal>,
    closing: Option<Decimal>,
    sum: Decimal,
    page: u32,
    place: Place,
    announced: Option<Statement>,
}

#[derive(Default)]
struct Reader {
    page: u32,
    file: Control,
    group: Option<Group>,
    account: Option<Account>,
    closed: bool,
}

fn read(input: Input<'_>, options: &Options, output: &mut Output<'_>) -> Result<(), Stop> {
    let mut records = Records::new(input.lines(None));
    let mut reader = Reader::default();
    let mut last = Place::default();
    while let Some(record) = records.next()? {
        last = record.place;
        reader.take(&record, options, output)?;
    }
    reader.end_account(output)?;
    if !reader.closed {
        let message = "the file ends without its trailer 99: it was cut off";
        output.fault(Fault::new(last, "99", message, ""))?;
    }
    Ok(())
}

impl Reader {
    fn take(&mut self, record: &Logical, options: &Options, output: &mut Output<'_>) -> Result<(), Stop> {
        let lines = record.records;
        self.file.records += lines;
        if let Some(group) = &mut self.group {
            group.control.records += lines;
        }
        if let Some(account) = &mut self.account {
            account.control.records += lines;
        }
        match record.field(0) {
            "01" => {
                if record.fields.len() < 7 || record.field(8).is_empty() && record.fields.len() < 9 {
                    output.fault(Fault::new(
                        record.place,
                        "01",
                        "has fewer fields than a file header",
                        &record.raw,
                    ))?;
                }
                Ok(())
            }
            "02" => {
                self.file.parts += 1;
                self.group = Some(Group {
                    control: Control { records: lines, ..Control::default() },
                    currency: Currency::parse(record.field(6)).or(options.currency),
                    originator: record.field(2).to_owned(),
                    as_of: short_date(record.field(4)),
                });
                Ok(())
            }
            "03" => self.begin_account(record, output),
            "16" => self.take_detail(record, output),
            "49" => self.end_account_by(record, output),
            "98" => {
                self.end_account(output)?;
                let Some(group) = self.group.take() else {
                    return output.fault(Fault::new(record.place, "98", "closes no group", &record.raw));
                };
                self.file.sum += group.control.sum;
                compare(record, group.control, "group", "accounts", output)
            }
            "99" => {
                self.end_account(output)?;
                self.closed = true;
                compare(record, self.file, "file", "groups", output)
            }
            other => {
                let message = "is not a record of BAI2";
                output.fault(Fault::new(record.place.at_column(1), "record code", message, other))
            }
        }
    }

    fn begin_account(&mut self, record: &Logical, output: &mut Output<'_>) -> Result<(), Stop> {
        self.end_account(output)?;
        self.page += 1;
        let Some(group) = &mut self.group else {
            return output.fault(Fault::new(
                record.place,
                "03",
                "an account stands outside of a group",
                &record.raw,
            ));
        };
        group.control.parts += 1;
        let code = record.field(2);
        let currency = match code {
            "" => group.currency.or(Currency::parse("USD")).expect("USD is in ISO 4217"),
            code => match Currency::parse(code) {
                Some(currency) => currency,
                None => {
                    output.fault(Fault::new(
                        record.place.at_column(3),
                        "currency",
                        "is not a currency of ISO 4217",
                        code,
                    ))?;
                    return Ok(());
                }
            },
        };
        let mut account = Account {
            control: Control { records: record.records, ..Control::default() },
            number: record.field(1).to_owned(),
            currency,
            opening: None,
            closing: None,
            sum: Decimal::ZERO,
            page: self.page,
            place: record.place,
            announced: None,
        };
        let mut statement = Statement {
            account: account.number.clone(),
            holder: group.originator.clone(),
            currency: Some(currency),
            from: group.as_of,
            to: group.as_of,
            place: record.place.on_page(self.page),
            ..Statement::default()
        };
        let mut at = 3;
        while at < record.fields.len() {
            // Status or summary: type code, amount, item count, funds type and what that brings along.
            let (code, amount) = (record.field(at), record.field(at + 1));
            let after = record.after_funds(at + 3);
            if !amount.is_empty() {
                match amount.parse::<i64>() {
                    Err(_) => {
                        let place = record.place.at_column(column(at + 1));
                        output.fault(Fault::new(place, "amount", "is not a whole number", amount))?;
                    }
                    Ok(units) => {
                        account.control.sum += i128::from(units);
                        let value = Decimal::new(units, u32::from(currency.exponent()));
                        match code {
                            "010" => account.opening = Some(value),
                            "015" => account.closing = Some(value),
                            _ => {}
                        }
                        let name = summary_name(code)
                            .map_or_else(|| code.to_owned(), |name| format!("{code} {name}"));
                        statement.details.push((name, value.to_string()));
                    }
                }
            }
            at = after;
        }
        statement.opening = account.opening;
        account.announced = Some(statement.clone());
        self.account = Some(account);
        output.statement(statement)
    }

    fn take_detail(&mut self, record: &Logical, output: &mut Output<'_>) -> Result<(), Stop> {
        let Some(account) = &mut self.account else {
            return output.fault(Fault::new(
                record.place,
                "16",
                "a detail stands outside of an account",
                &record.raw,
            ));
        };
        let as_of = self.group.as_ref().and_then(|group| group.as_of);
        match detail(record, account, as_of) {
            Err(fault) => output.fault(fault),
            Ok((units, detail)) => {
                account.control.sum += i128::from(units);
                account.sum = add(account.sum, detail.amount, record.place)?;
                output.record(detail)
            }
        }
    }

    fn end_account_by(&mut self, record: &Logical, output: &mut Output<'_>) -> Result<(), Stop> {
        let Some(account) = &self.account else {
            return output.fault(Fault::new(record.place, "49", "closes no account", &record.raw));
        };
        let control = account.control;
        compare(record, control, "account", "", output)?;
        self.end_account(output)
    }

    fn end_account(&mut self, output: &mut Output<'_>) -> Result<(), Stop> {
        let Some(account) = self.account.take() else { return Ok(()) };
        if let Some(group) = &mut self.group {
            group.control.sum += account.control.sum;
        }
        if let (Some(opening), Some(closing)) = (account.opening, account.closing) {
            let place = account.place.on_page(account.page);
            let computed = add(opening, account.sum, place)?;
            output.check(Check::amount("closing ledger balance", closing, computed, place))?;
        }
        Ok(())
    }
}

fn column(field: usize) -> u32 {
    u32::try_from(field + 1).unwrap_or(u32::MAX)
}

/// Compares a trailer: control total, number of parts where there are any, number of records.
fn compare(
    record: &Logical,
    control: Control,
    of: &str,
    parts: &str,
    output: &mut Output<'_>,
) -> Result<(), Stop> {
    let place = record.place;
    match record.field(1).parse::<i128>() {
        Ok(declared) => {
            let difference = declared - control.sum;
            output.check(Check {
                what: format!("control total of the {of}"),
                declared: declared.to_string(),
                computed: control.sum.to_string(),
                difference: difference.to_string(),
                agrees: difference == 0,
                place: place.at_column(2),
            })?;
        }
        Err(_) => output.fault(Fault::new(
            place.at_column(2),
            "control total",
            "is not a whole number",
            record.field(1),
        ))?,
    }
    let mut count = |field: usize, what: String, computed: u64| match record.field(field).parse() {
        Ok(declared) => output.check(Check::count(&what, declared, computed, place.at_column(column(field)))),
        Err(_) => output.fault(Fault::new(
            place.at_column(column(field)),
            &what,
            "is not a count",
            record.field(field),
        )),
    };
    let records = if parts.is_empty() { 2 } else { 3 };
    if !parts.is_empty() {
        count(2, format!("{parts} of the {of}"), control.parts)?;
    }
    count(records, format!("records of the {of}"), control.records)
}

/// Reads a detail; also returns its amount as it is written.
fn detail(record: &Logical, account: &Account, as_of: Option<Date>) -> Result<(i64, Record), Fault> {
    let place = record.place.on_page(account.page);
    let code = record.field(1);
    let text = record.field(2);
    let fault = |field: usize, name: &str, message: &str| {
        Fault::new(place.at_column(column(field)), name, message, record.field(field))
    };
    // 100 to 399 are credits, 400 to 699 debits, 700 to 799 loans, 900 to 999 the bank's own.
    let number: u16 = code.parse().map_err(|_| fault(1, "type code", "is not a number of three digits"))?;
    let debit = match number {
        100..=399 => false,
        400..=699 => true,
        890 => false,
        900..=919 => false,
        920..=999 => true,
        _ => return Err(fault(1, "type code", "is neither of a credit nor of a debit")),
    };
    let units: i64 = if text.is_empty() {
        0
    } else {
        text.parse().map_err(|_| fault(2, "amount", "is not a whole number"))?
    };
    let value = Decimal::new(units, u32::from(account.currency.exponent()));
    let signed = if debit { negated(value) } else { value };
    let mut detail = Record::new(kind(number), signed, account.currency, place);
    detail.direction = if signed.is_sign_negative() { Direction::Out } else { Direction::In };
    code.clone_into(&mut detail.kind_text);
    let after = record.after_funds(3);
    if record.field(3) == "V" {
        detail.value_on = short_date(record.field(4));
    }
    detail.detail("funds type", record.field(3));
    let reference = |field: usize| record.field(field).trim();
    detail.id = reference(after).to_owned();
    detail.own_id = reference(after + 1).to_owned();
    detail.description = record.text_from(after + 2);
    detail.account.clone_from(&account.number);
    detail.booked_on = as_of;
    detail.set_raw(&record.raw);
    Ok((units, detail))
}

/// Tells the kind by the type code (uniform BAI codes).
fn kind(number: u16) -> Kind {
    match number {
        252 | 255 | 257 | 258 | 261 | 266 | 268 => Kind::Return,
        552 | 555 | 557 | 558 | 561 | 566 | 568 => Kind::Return,
        661..=669 | 693 | 698 | 699 => Kind::Fee,
        354 | 355 | 359 | 654 | 655 => Kind::Interest,
        _ => Kind::Transfer,
    }
}

fn summary_name(code: &str) -> Option<&'static str> {
    Some(match code {
        "010" => "opening ledger",
        "015" => "closing ledger",
        "040" => "opening available",
        "045" => "closing available",
        "060" => "current available",
        "072" => "one-day float",
        "074" => "two or more days float",
        "100" => "total credits",
        "400" => "total debits",
        _ => return None,
    })
}

/// Reads YYMMDD.
fn short_date(text: &str) -> Option<Date> {
    if text.len() != 6 {
        return None;
    }
    value::date(&format!("20{text}")).ok()
}
