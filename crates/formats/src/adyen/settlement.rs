//! The settlement details report: entries of batches, each with its costs.
//!
//! Laws: in each entry of one currency the net is the gross less commission, markup, scheme fees and
//! interchange; and the nets of a batch, with its payout and what is carried over, come to nothing.

use super::kinds::kind;
use super::zones;
use crate::checks::{Sums, add, negated};
use crate::columns::{Column, Columns, open};
use crate::delimited::Row;
use crate::event::{Check, Fault, ReadError, Statement, Stop};
use crate::input::Input;
use crate::laws::Law;
use crate::output::Output;
use crate::record::{Kind, Place, Record, Status};
use crate::value;
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use suanpan_money::Currency;

/// The most batches of one file that are summed.
const BATCHES_MAX: usize = 100_000;

/// Reads a settlement details report.
pub(super) fn read(input: Input<'_>, output: &mut Output<'_>) -> Result<(), Stop> {
    let (columns, header, rows) = open(input)?;
    let mut rows = rows;
    let report = Report::new(columns);
    let mut net_law = Law::new("net of the entry", "entries whose net is gross less costs");
    let mut batches = Batches::default();
    let mut current: Option<(String, String)> = None;
    let mut last = header.place;
    while let Some(row) = rows.next_row()? {
        if row.is_blank() {
            continue;
        }
        last = row.place;
        let entry = match report.entry(&row) {
            Ok(entry) => entry,
            Err(fault) => {
                output.fault(fault)?;
                continue;
            }
        };
        let batch = (entry.record.account.clone(), entry.record.batch_id.clone());
        if current.as_ref() != Some(&batch) {
            output.statement(report.statement(&row, &entry.record))?;
            current = Some(batch.clone());
        }
        let (place, currency) = (entry.record.place, entry.record.currency);
        output.record(entry.record)?;
        let Some(net) = entry.net else { continue };
        batches.add(batch, currency, net, place)?;
        if let Some(gross) = entry.gross {
            let computed = add(gross, -entry.costs, place)?;
            if let Some(check) = net_law.follow(net, computed, place) {
                output.check(check)?;
            }
        }
    }
    if let Some(check) = net_law.finish(last) {
        output.check(check)?;
    }
    for ((_, batch), currency, sums, place) in batches.finish() {
        let what = format!("sum of the nets of batch {batch} in {currency}, payout included");
        output.check(Check::amount(&what, Decimal::ZERO, sums.amount, place))?;
    }
    Ok(())
}

/// An entry, and the numbers that its laws are about.
struct Entry {
    record: Record,
    /// Net, signed; none where nothing was settled.
    net: Option<Decimal>,
    /// Gross, signed, where it is told in the currency of the net.
    gross: Option<Decimal>,
    /// All costs together.
    costs: Decimal,
}

struct Report {
    columns: Columns,
    company: Column,
    merchant: Column,
    reference: Column,
    merchant_reference: Column,
    created: Column,
    zone: Column,
    kind: Column,
    modification: Column,
    modification_merchant: Column,
    gross_currency: Column,
    gross_debit: Column,
    gross_credit: Column,
    net_currency: Column,
    net_debit: Column,
    net_credit: Column,
    costs: [Column; 4],
    batch: Column,
    booked: Column,
    value_date: Column,
}

impl Report {
    fn new(mut columns: Columns) -> Report {
        Report {
            company: columns.take(&["Company Account"]),
            merchant: columns.take(&["Merchant Account"]),
            reference: columns.take(&["Psp Reference"]),
            merchant_reference: columns.take(&["Merchant Reference"]),
            created: columns.take(&["Creation Date", "Booking Date"]),
            zone: columns.take(&["TimeZone"]),
            kind: columns.take(&["Type", "Journal Type", "Record Type"]),
            modification: columns.take(&["Modification Reference", "Modification Psp Reference"]),
            modification_merchant: columns.take(&["Modification Merchant Reference"]),
            gross_currency: columns.look(&["Gross Currency"]),
            gross_debit: columns.look(&["Gross Debit (GC)"]),
            gross_credit: columns.look(&["Gross Credit (GC)"]),
            net_currency: columns.look(&["Net Currency"]),
            net_debit: columns.look(&["Net Debit (NC)"]),
            net_credit: columns.look(&["Net Credit (NC)"]),
            costs: [
                columns.look(&["Commission (NC)"]),
                columns.look(&["Markup (NC)"]),
                columns.look(&["Scheme Fees (NC)"]),
                columns.look(&["Interchange (NC)"]),
            ],
            batch: columns.take(&["Batch Number"]),
            booked: columns.look(&["Booking Date"]),
            value_date: columns.look(&["Payable Date", "Value Date"]),
            columns,
        }
    }

    fn statement(&self, row: &Row, record: &Record) -> Statement {
        Statement {
            id: record.batch_id.clone(),
            account: record.account.clone(),
            holder: self.company.text(row).to_owned(),
            currency: Some(record.currency),
            place: row.place,
            ..Statement::default()
        }
    }

    fn entry(&self, row: &Row) -> Result<Entry, Fault> {
        let net = self.signed(row, self.net_debit, self.net_credit)?;
        let gross = self.signed(row, self.gross_debit, self.gross_credit)?;
        let (net, gross) = match (net, gross) {
            (Some(net), gross) => (net, gross),
            (None, Some(gross)) => return self.external(row, gross),
            (None, None) => {
                return Err(self.columns.fault(row, self.net_credit, "is empty, and so is the debit"));
            }
        };
        let currency = self.columns.value(row, self.net_currency, value::currency)?;
        let mut costs = None;
        for column in self.costs {
            if let Some(cost) = self.columns.value(row, column, value::amount_or_none)? {
                let sum = costs.unwrap_or(Decimal::ZERO).checked_add(cost);
                costs = Some(sum.ok_or_else(|| self.columns.fault(row, column, "is too large to be added"))?);
            }
        }
        let word = self.kind.text(row);
        let (kind, status) = kind(word);
        let same = gross.is_some() && self.gross_is_in(row, currency);
        let own_gross = gross.filter(|_| same);
        // What was charged in another currency came to the net and the costs in this one.
        let derived = if gross.is_some() { costs.and_then(|costs| net.checked_add(costs)) } else { None };
        let amount = own_gross.or(derived).unwrap_or(net);
        let mut record = Record::new(kind, amount, currency, row.place);
        record.status = status;
        word.clone_into(&mut record.kind_text);
        record.net = Some(net);
        // Costs of an entry without gross are the entry itself.
        record.fee = if gross.is_some() { Some(costs.unwrap_or_default()) } else { None };
        if gross.is_some() && !same {
            record.notes.push("the amount is net and costs: the gross is in another currency".to_owned());
        }
        self.finish(row, &mut record)?;
        Ok(Entry { record, net: Some(net), gross: own_gross, costs: costs.unwrap_or_default() })
    }

    /// Reads an entry without net: somebody else paid it, so that it only tells.
    fn external(&self, row: &Row, gross: Decimal) -> Result<Entry, Fault> {
        let currency = self.columns.value(row, self.gross_currency, value::currency)?;
        let word = self.kind.text(row);
        let mut record = Record::new(kind(word).0, gross, currency, row.place);
        record.status = Status::Information;
        word.clone_into(&mut record.kind_text);
        self.finish(row, &mut record)?;
        Ok(Entry { record, net: None, gross: None, costs: Decimal::ZERO })
    }

    /// Adds ids, times and details.
    fn finish(&self, row: &Row, record: &mut Record) -> Result<(), Fault> {
        self.name(row, record);
        let created = self.columns.value(row, self.created, |text| match text {
            "" => Ok(None),
            text => value::date_time(text).map(Some),
        })?;
        record.time = created.map(|local| zones::moment(local, self.zone.text(row)));
        if record.time.is_some_and(|time| time.offset.is_none()) {
            record.detail("TimeZone", self.zone.text(row));
        }
        record.booked_on = self.day(row, self.booked)?;
        record.value_on = self.day(row, self.value_date)?;
        self.columns.fill(row, record);
        Ok(())
    }

    /// Ids: a payment is known by its own reference; what changes a payment later has a reference of the
    /// modification. Entries without a payment have a text there.
    fn name(&self, row: &Row, record: &mut Record) {
        let reference = self.reference.text(row);
        let modification = self.modification.text(row);
        let merchant_reference = self.merchant_reference.text(row);
        let changes =
            matches!(record.kind, Kind::Refund | Kind::Chargeback | Kind::ChargebackReversal | Kind::Return);
        if reference.is_empty() {
            modification.clone_into(&mut record.description);
            if record.kind == Kind::Payout {
                modification.clone_into(&mut record.id);
            }
        } else if changes && !modification.is_empty() && modification != reference {
            modification.clone_into(&mut record.id);
            reference.clone_into(&mut record.original_id);
        } else {
            reference.clone_into(&mut record.id);
            if modification != reference {
                record.detail("Modification Reference", modification);
            }
        }
        let own = self.modification_merchant.text(row);
        if changes && !own.is_empty() {
            own.clone_into(&mut record.own_id);
        } else {
            merchant_reference.clone_into(&mut record.own_id);
            if own != merchant_reference {
                record.detail("Modification Merchant Reference", own);
            }
        }
        merchant_reference.clone_into(&mut record.order_id);
        self.batch.text(row).clone_into(&mut record.batch_id);
        self.merchant.text(row).clone_into(&mut record.account);
    }

    fn gross_is_in(&self, row: &Row, currency: Currency) -> bool {
        let text = self.gross_currency.text(row);
        text.is_empty() || text.eq_ignore_ascii_case(currency.code())
    }

    /// Reads a pair of columns as one amount: credit less debit. Both empty is none.
    fn signed(&self, row: &Row, debit: Column, credit: Column) -> Result<Option<Decimal>, Fault> {
        let out = self.columns.value(row, debit, value::amount_or_none)?;
        let come = self.columns.value(row, credit, value::amount_or_none)?;
        match (out, come) {
            (None, None) => Ok(None),
            (Some(out), None) => Ok(Some(negated(out))),
            (None, Some(come)) => Ok(Some(come)),
            (Some(out), Some(come)) => come
                .checked_sub(out)
                .map(Some)
                .ok_or_else(|| self.columns.fault(row, credit, "is too large to be added")),
        }
    }

    fn day(&self, row: &Row, column: Column) -> Result<Option<jiff::civil::Date>, Fault> {
        self.columns.value(row, column, |text| match text {
            "" => Ok(None),
            text => value::date_time(text).map(|time| Some(time.date())),
        })
    }
}

/// Sums of the nets of batches, by merchant account, batch number and currency.
#[derive(Default)]
struct Batches(BTreeMap<((String, String), Currency), (Sums, Place)>);

impl Batches {
    fn add(
        &mut self,
        batch: (String, String),
        currency: Currency,
        net: Decimal,
        place: Place,
    ) -> Result<(), ReadError> {
        let key = (batch, currency);
        if self.0.len() >= BATCHES_MAX && !self.0.contains_key(&key) {
            let what = "the number of batches";
            return Err(ReadError::Limit { place, what, max: BATCHES_MAX as u64 });
        }
        let (sums, last) = self.0.entry(key).or_default();
        *last = place;
        sums.add(net, place)
    }

    fn finish(self) -> impl Iterator<Item = ((String, String), Currency, Sums, Place)> {
        self.0.into_iter().map(|((batch, currency), (sums, place))| (batch, currency, sums, place))
    }
}
