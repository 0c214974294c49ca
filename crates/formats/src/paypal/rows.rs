//! Rows of a report, type by type.

use super::codes;
use super::footers::{Flows, Problem, Side, count, direction};
use crate::checks::negated;
use crate::columns::{Column, Columns, delimiter_of};
use crate::delimited::{Row, Rows};
use crate::event::{Check, Fault, Statement, Stop};
use crate::input::Input;
use crate::output::Output;
use crate::record::{Direction, Kind, Moment, Place, Record, Status};
use crate::value;
use jiff::tz::Offset;
use rust_decimal::Decimal;
use suanpan_money::Currency;

/// Reads a report.
pub(super) fn read(input: Input<'_>, output: &mut Output<'_>) -> Result<(), Stop> {
    let delimiter = delimiter_of(&input.head);
    let mut rows = Rows::new(input.lines(None), delimiter, Some(b'"'));
    let mut report = Report::default();
    while let Some(row) = rows.next_row()? {
        if row.is_blank() {
            continue;
        }
        report.last = row.place;
        report.all_rows += 1;
        report.row(&row, output)?;
    }
    report.end(output)
}

/// What is known of the report so far.
#[derive(Default)]
struct Report {
    columns: Option<Body>,
    account: String,
    /// What the header of the report says, for the details of each statement.
    head: Vec<(String, String)>,
    /// Number of the file within the report; of a file without header none.
    file: Option<u64>,
    page: u32,
    section: Flows,
    whole: Flows,
    /// Whether a section has begun, and its count has not been seen.
    open: bool,
    /// Whether the report's count has been seen.
    closed: bool,
    all_rows: u64,
    last: Place,
}

impl Report {
    fn row(&mut self, row: &Row, output: &mut Output<'_>) -> Result<(), Stop> {
        match row.cell(0).trim_start_matches('\u{feff}') {
            "RH" => {
                let names = ["Report Generation Date", "Reporting Window", "Account ID", "Report Version"];
                self.head = pairs(row, &names);
                Ok(())
            }
            "FH" => {
                self.file = row.cell(1).parse().ok();
                Ok(())
            }
            "SH" => self.section(row, output),
            "CH" => {
                self.columns = Some(Body::new(&row.cells));
                Ok(())
            }
            "SB" => self.body(row, output),
            "SF" => put(self.section.compare(row, "section"), output),
            "SC" => {
                self.open = false;
                put_count(row, "rows of the section", self.section.rows, output)
            }
            "RF" if self.is_whole() => put(self.whole.compare(row, "report"), output),
            "RC" => {
                self.closed = true;
                if !self.is_whole() {
                    return Ok(());
                }
                put_count(row, "rows of the report", self.whole.rows, output)
            }
            "RF" => Ok(()),
            "FF" => self.file_footer(row, output),
            _ => output.fault(Fault::new(
                row.place.at_column(1),
                "",
                "is not a type of rows: RH, FH, SH, CH, SB, SF, SC, RF, RC or FF",
                row.cell(0),
            )),
        }
    }

    /// The footer of the file counts its bodies, in some versions all of its rows.
    fn file_footer(&mut self, row: &Row, output: &mut Output<'_>) -> Result<(), Stop> {
        if row.cell(1).is_empty() {
            return Ok(());
        }
        match count(row, 1) {
            Ok(declared) => {
                let all = declared == self.all_rows;
                let computed = if all { self.all_rows } else { self.whole.rows };
                output.check(Check::count("rows of the file", declared, computed, row.place.at_column(2)))
            }
            Err(fault) => output.fault(fault),
        }
    }

    fn is_whole(&self) -> bool {
        self.file.is_none_or(|number| number <= 1)
    }

    fn section(&mut self, row: &Row, output: &mut Output<'_>) -> Result<(), Stop> {
        self.missing_count(output)?;
        self.section = Flows::default();
        self.open = true;
        self.page = self.page.saturating_add(1);
        row.cell(3).clone_into(&mut self.account);
        let mut details = self.head.clone();
        details.extend(pairs(row, &["Reporting Period Start Date", "Reporting Period End Date"]));
        if !row.cell(4).is_empty() {
            details.push(("Partner Account ID".to_owned(), row.cell(4).to_owned()));
        }
        let day = |text: &str| moment(text).ok().map(|moment| moment.local.date());
        output.statement(Statement {
            account: self.account.clone(),
            from: day(row.cell(1)),
            to: day(row.cell(2)),
            details,
            place: row.place.on_page(self.page),
            ..Statement::default()
        })
    }

    fn body(&mut self, row: &Row, output: &mut Output<'_>) -> Result<(), Stop> {
        if self.page == 0 {
            // Some cut a report down to its column names and bodies.
            self.page = 1;
            output.statement(Statement { place: row.place.on_page(1), ..Statement::default() })?;
        }
        self.section.rows += 1;
        self.whole.rows += 1;
        let Some(body) = &self.columns else {
            let message = "stands before a row CH that names its columns";
            return output.fault(Fault::new(row.place.at_column(1), "SB", message, row.cell(0)));
        };
        let (mut record, fee) = match body.record(row, self.page) {
            Ok(read) => read,
            Err(fault) => return output.fault(fault),
        };
        record.account.clone_from(&self.account);
        for flows in [&mut self.section, &mut self.whole] {
            flows.gross(record.currency, record.amount, record.place)?;
            if let Some((currency, amount)) = fee {
                flows.fee(currency, amount, record.place)?;
            }
        }
        if record.status == Status::Information {
            record.direction = Direction::Neutral;
            record.amount = record.amount.abs();
        }
        output.record(record)
    }

    /// A section whose count never came was cut off.
    fn missing_count(&mut self, output: &mut Output<'_>) -> Result<(), Stop> {
        if std::mem::take(&mut self.open) {
            let check = Check::text("end of the section", "a row SC", "none", self.last);
            output.check(check)?;
        }
        Ok(())
    }

    fn end(&mut self, output: &mut Output<'_>) -> Result<(), Stop> {
        self.missing_count(output)
    }
}

fn pairs(row: &Row, names: &[&str]) -> Vec<(String, String)> {
    let cells = row.cells.iter().skip(1).map(|cell| cell.trim());
    names
        .iter()
        .zip(cells)
        .filter(|(_, cell)| !cell.is_empty())
        .map(|(name, cell)| ((*name).to_owned(), cell.to_owned()))
        .collect()
}

fn put(checks: Result<Vec<Check>, Problem>, output: &mut Output<'_>) -> Result<(), Stop> {
    match checks {
        Ok(checks) => checks.into_iter().try_for_each(|check| output.check(check)),
        Err(Problem::Fault(fault)) => output.fault(fault),
        Err(Problem::Error(error)) => Err(error.into()),
    }
}

fn put_count(row: &Row, what: &str, computed: u64, output: &mut Output<'_>) -> Result<(), Stop> {
    match count(row, 1) {
        Ok(declared) => output.check(Check::count(what, declared, computed, row.place.at_column(2))),
        Err(fault) => output.fault(fault),
    }
}

/// Reads `2008/07/24 10:21:33 -0700`; the distance from UTC may be absent.
fn moment(text: &str) -> Result<Moment, &'static str> {
    let text = text.trim();
    let (local, offset) = match text.rsplit_once(' ') {
        Some((local, offset)) if offset.starts_with(['+', '-']) => (local, Some(offset)),
        _ => (text, None),
    };
    let local = value::date_time(local)?;
    let Some(offset) = offset else { return Ok(Moment::local(local)) };
    let digits = &offset[1..];
    if digits.len() != 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err("has no distance from UTC such as -0700");
    }
    let number: i32 = digits.parse().map_err(|_| "is not a date and time")?;
    let seconds = number / 100 * 3600 + number % 100 * 60;
    let seconds = if offset.starts_with('-') { -seconds } else { seconds };
    let offset = Offset::from_seconds(seconds).map_err(|_| "is further from UTC than any zone")?;
    Ok(Moment { local, offset: Some(offset) })
}

/// The columns of bodies.
struct Body {
    columns: Columns,
    id: Column,
    invoice: Column,
    reference: Column,
    reference_type: Column,
    code: Column,
    initiated: Column,
    completed: Column,
    side: Column,
    gross: Column,
    currency: Column,
    fee_side: Column,
    fee: Column,
    fee_currency: Column,
    status: Column,
    custom: Column,
    payer: Column,
    note: Column,
}

impl Body {
    fn new(cells: &[String]) -> Body {
        let mut columns = Columns::new(cells);
        // The type of the row itself.
        columns.take(&["CH"]);
        Body {
            id: columns.take(&["Transaction ID"]),
            invoice: columns.take(&["Invoice ID"]),
            reference: columns.look(&["PayPal Reference ID"]),
            reference_type: columns.look(&["PayPal Reference ID Type"]),
            code: columns.take(&["Transaction Event Code"]),
            initiated: columns.take(&["Transaction Initiation Date"]),
            completed: columns.look(&["Transaction Completion Date"]),
            side: columns.take(&["Transaction Debit or Credit"]),
            gross: columns.take(&["Gross Transaction Amount"]),
            currency: columns.take(&["Gross Transaction Currency"]),
            fee_side: columns.look(&["Fee Debit or Credit"]),
            fee: columns.look(&["Fee Amount"]),
            fee_currency: columns.look(&["Fee Currency"]),
            status: columns.take(&["Transactional Status", "Transaction Status"]),
            custom: columns.look(&["Custom Field"]),
            payer: columns.look(&["Payer's Account ID", "Payers Account ID", "Consumer ID"]),
            note: columns.look(&["Transaction Subject", "Item Name", "Transaction Note"]),
            columns,
        }
    }

    /// Reads a body, and its fee as the holder sees it: what was kept is negative.
    fn record(&self, row: &Row, page: u32) -> Result<(Record, Option<(Currency, Decimal)>), Fault> {
        let currency = self.columns.value(row, self.currency, value::currency)?;
        let amount = self.amount(row, self.gross, self.side)?;
        let code = self.code.text(row);
        let kind = codes::kind(code);
        let mut record = Record::new(kind, amount, currency, row.place.on_page(page));
        code.clone_into(&mut record.kind_text);
        let letter = self.status.text(row);
        record.status = codes::status(kind, letter);
        letter.clone_into(&mut record.status_text);
        let fee = self.fee(row, currency)?;
        match fee {
            Some((fee_currency, fee)) if fee_currency == currency => {
                record.fee = Some(negated(fee));
                record.net = amount.checked_add(fee);
            }
            Some((other, _)) => {
                record.notes.push(format!("the fee is of another currency than the amount: {other}"));
            }
            None => {}
        }
        self.id.text(row).clone_into(&mut record.id);
        let (invoice, custom) = (self.invoice.text(row), self.custom.text(row));
        if invoice.is_empty() { custom } else { invoice }.clone_into(&mut record.own_id);
        record.order_id = record.own_id.clone();
        // Of a payment the reference is the agreement or order that it was made under.
        if self.reference_type.text(row) == "TXN" || matches!(kind, Kind::Refund | Kind::Return) {
            self.reference.text(row).clone_into(&mut record.original_id);
        }
        if !self.initiated.text(row).is_empty() {
            record.time = Some(self.columns.value(row, self.initiated, moment)?);
        }
        if !self.completed.text(row).is_empty() {
            let completed = self.columns.value(row, self.completed, moment)?;
            record.booked_on = Some(completed.local.date());
        }
        self.payer.text(row).clone_into(&mut record.counterparty_account);
        self.note.text(row).clone_into(&mut record.description);
        self.columns.fill(row, &mut record);
        Ok((record, fee))
    }

    fn fee(&self, row: &Row, currency: Currency) -> Result<Option<(Currency, Decimal)>, Fault> {
        if self.fee.text(row).is_empty() {
            return Ok(None);
        }
        let own = self.fee_currency.text(row);
        let of = if own.is_empty() {
            currency
        } else {
            self.columns.value(row, self.fee_currency, value::currency)?
        };
        // A fee of nothing may stand without a direction.
        if self.fee_side.text(row).is_empty() {
            let amount = self.columns.value(row, self.fee, |text| value::implied(text, 2))?;
            if amount.is_zero() {
                return Ok(Some((of, amount)));
            }
        }
        self.amount(row, self.fee, self.fee_side).map(|amount| Some((of, amount)))
    }

    fn amount(&self, row: &Row, amount: Column, side: Column) -> Result<Decimal, Fault> {
        let side = self
            .columns
            .value(row, side, |text| direction(text).ok_or("is neither DR for debit nor CR for credit"))?;
        let amount = self.columns.value(row, amount, |text| {
            if text.starts_with(['-', '+']) {
                return Err("has a sign, though its direction stands beside it");
            }
            value::implied(text, 2)
        })?;
        Ok(if side == Side::Debit { negated(amount) } else { amount })
    }
}
