//! The payment accounting report: every step of every payment as movements between registers.
//!
//! Only steps that reach the register *Payable* move the merchant's money; they are booked. All others
//! are information, or failed. Law: a booked step takes from *Captured* what it puts into *Payable* and
//! into costs, where both are of one currency.

use super::kinds::kind;
use super::zones;
use crate::checks::negated;
use crate::columns::{Column, Columns, open};
use crate::delimited::Row;
use crate::event::{Fault, Statement, Stop};
use crate::input::Input;
use crate::laws::Law;
use crate::output::Output;
use crate::record::{Kind, Record, Status};
use crate::value;
use rust_decimal::Decimal;

/// Reads a payment accounting report.
pub(super) fn read(input: Input<'_>, output: &mut Output<'_>) -> Result<(), Stop> {
    let (columns, header, rows) = open(input)?;
    let mut rows = rows;
    let report = Report::new(columns);
    let mut law = Law::new("payable of the step", "booked steps whose payable is captured less costs");
    let mut last = header.place;
    let mut account: Option<String> = None;
    while let Some(row) = rows.next_row()? {
        if row.is_blank() {
            continue;
        }
        last = row.place;
        let (record, captured) = match report.step(&row) {
            Ok(read) => read,
            Err(fault) => {
                output.fault(fault)?;
                continue;
            }
        };
        if account.as_ref() != Some(&record.account) {
            output.statement(Statement {
                account: record.account.clone(),
                holder: report.company.text(&row).to_owned(),
                place: row.place,
                ..Statement::default()
            })?;
            account = Some(record.account.clone());
        }
        let compared = match (record.net, captured) {
            (Some(net), Some(captured)) => {
                negated(captured).checked_sub(record.fee.unwrap_or_default()).map(|computed| (net, computed))
            }
            _ => None,
        };
        let place = record.place;
        output.record(record)?;
        if let Some((net, computed)) = compared
            && let Some(check) = law.follow(net, computed, place)
        {
            output.check(check)?;
        }
    }
    if let Some(check) = law.finish(last) {
        output.check(check)?;
    }
    Ok(())
}

struct Report {
    columns: Columns,
    company: Column,
    merchant: Column,
    reference: Column,
    merchant_reference: Column,
    booked: Column,
    zone: Column,
    kind: Column,
    main_currency: Column,
    main_amount: Column,
    payment_currency: Column,
    captured: Column,
    settlement_currency: Column,
    payable: Column,
    costs: [Column; 4],
    modification: Column,
    modification_merchant: Column,
    batch: Column,
}

impl Report {
    fn new(mut columns: Columns) -> Report {
        Report {
            company: columns.take(&["Company Account"]),
            merchant: columns.take(&["Merchant Account"]),
            reference: columns.take(&["Psp Reference"]),
            merchant_reference: columns.take(&["Merchant Reference"]),
            booked: columns.take(&["Booking Date", "Creation Date"]),
            zone: columns.take(&["TimeZone", "Booking Date TimeZone"]),
            kind: columns.take(&["Record Type"]),
            main_currency: columns.look(&["Main Currency"]),
            main_amount: columns.look(&["Main Amount"]),
            payment_currency: columns.look(&["Payment Currency"]),
            captured: columns.look(&["Captured (PC)"]),
            settlement_currency: columns.look(&["Settlement Currency"]),
            payable: columns.look(&["Payable (SC)"]),
            costs: [
                columns.look(&["Commission (SC)"]),
                columns.look(&["Markup (SC)"]),
                columns.look(&["Scheme Fees (SC)"]),
                columns.look(&["Interchange (SC)"]),
            ],
            modification: columns.take(&["Modification Psp Reference", "Modification Reference"]),
            modification_merchant: columns.take(&["Modification Merchant Reference"]),
            batch: columns.take(&["Batch Number", "Settlement Batch Number"]),
            columns,
        }
    }

    /// Reads a step, and what it put into *Captured* where that is of the record's currency.
    fn step(&self, row: &Row) -> Result<(Record, Option<Decimal>), Fault> {
        let word = self.kind.text(row);
        let (kind, mut status) = kind(word);
        let payable = self.columns.value(row, self.payable, value::amount_or_none)?;
        let (mut record, captured) = match payable.filter(|payable| !payable.is_zero()) {
            Some(payable) => self.booked(row, kind, payable)?,
            None => {
                let currency = self.columns.value(row, self.main_currency, value::currency)?;
                let main = self.columns.value(row, self.main_amount, value::amount)?;
                let out = matches!(kind, Kind::Refund | Kind::Chargeback) && main.is_sign_positive();
                // A step that puts nothing into Payable moves nothing that the merchant has.
                status = if status == Status::Booked { Status::Information } else { status };
                (Record::new(kind, if out { negated(main) } else { main }, currency, row.place), None)
            }
        };
        record.status = status;
        word.clone_into(&mut record.kind_text);
        self.name(row, &mut record);
        let booked = self.columns.value(row, self.booked, |text| match text {
            "" => Ok(None),
            text => value::date_time(text).map(Some),
        })?;
        record.time = booked.map(|local| zones::moment(local, self.zone.text(row)));
        record.booked_on = booked.map(|local| local.date());
        if record.time.is_some_and(|time| time.offset.is_none()) {
            record.detail("TimeZone", self.zone.text(row));
        }
        self.columns.fill(row, &mut record);
        Ok((record, captured))
    }

    fn booked(&self, row: &Row, kind: Kind, payable: Decimal) -> Result<(Record, Option<Decimal>), Fault> {
        let currency = self.columns.value(row, self.settlement_currency, value::currency)?;
        let mut costs = Decimal::ZERO;
        for column in self.costs {
            let cost = self.columns.value(row, column, value::amount_or_none)?.unwrap_or_default();
            costs = costs
                .checked_add(cost)
                .ok_or_else(|| self.columns.fault(row, column, "is too large to be added"))?;
        }
        let amount = payable
            .checked_add(costs)
            .ok_or_else(|| self.columns.fault(row, self.payable, "is too large to be added"))?;
        let mut record = Record::new(kind, amount, currency, row.place);
        record.fee = Some(costs);
        record.net = Some(payable);
        let same = self.payment_currency.text(row).eq_ignore_ascii_case(currency.code());
        let captured = self.columns.value(row, self.captured, value::amount_or_none)?;
        Ok((record, captured.filter(|captured| same && !captured.is_zero())))
    }

    fn name(&self, row: &Row, record: &mut Record) {
        let reference = self.reference.text(row);
        let modification = self.modification.text(row);
        let changes =
            matches!(record.kind, Kind::Refund | Kind::Chargeback | Kind::ChargebackReversal | Kind::Return);
        if changes && !modification.is_empty() && modification != reference {
            modification.clone_into(&mut record.id);
            reference.clone_into(&mut record.original_id);
        } else {
            reference.clone_into(&mut record.id);
            if modification != reference {
                record.detail("Modification Psp Reference", modification);
            }
        }
        let own = self.modification_merchant.text(row);
        let merchant_reference = self.merchant_reference.text(row);
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
}
