//! Payments as the dashboard exports them: one row for each payment with its present state, not a ledger.
//!
//! A row has two amounts: what the customer was charged, and what that came to in the currency of the
//! balance. The fee is of the latter, so the record is too where it is told; the former stays in the
//! details. What was refunded of a payment stands in its row and makes no record of its own.

use super::values::{major, moment};
use crate::columns::{Column, Columns, open};
use crate::delimited::Row;
use crate::event::{Fault, Statement, Stop};
use crate::input::Input;
use crate::output::Output;
use crate::record::{Direction, Kind, Record, Status};
use crate::value;
use rust_decimal::Decimal;

/// Reads an export of payments.
pub(super) fn read(input: Input<'_>, output: &mut Output<'_>) -> Result<(), Stop> {
    let (columns, header, rows) = open(input)?;
    let mut rows = rows;
    let payments = Payments::new(columns);
    output.statement(Statement { place: header.place, ..Statement::default() })?;
    while let Some(row) = rows.next_row()? {
        if !row.is_blank() {
            output.record_or_fault(payments.record(&row))?;
        }
    }
    Ok(())
}

struct Payments {
    columns: Columns,
    id: Column,
    amount: Column,
    currency: Column,
    converted_amount: Column,
    converted_currency: Column,
    fee: Column,
    fee_tax: Column,
    net: Column,
    refunded: Column,
    status: Column,
    captured: Column,
    created: Column,
    description: Column,
    intent: Column,
    order: Column,
    transfer: Column,
    customer: Column,
}

impl Payments {
    fn new(mut columns: Columns) -> Payments {
        let order = columns.look_for(|name| {
            name.strip_suffix("(metadata)").is_some_and(|key| {
                let key = key.replace(['-', '_'], "");
                ["orderid", "orderno", "ordernumber", "order", "reference", "merchantreference"]
                    .contains(&key.as_str())
            })
        });
        Payments {
            id: columns.take(&["id"]),
            amount: columns.look(&["amount"]),
            currency: columns.look(&["currency"]),
            converted_amount: columns.look(&["converted amount"]),
            converted_currency: columns.look(&["converted currency"]),
            fee: columns.look(&["fee"]),
            fee_tax: columns.look(&["taxes on fee"]),
            net: columns.look(&["net"]),
            refunded: columns.look(&["amount refunded"]),
            status: columns.take(&["status"]),
            captured: columns.look(&["captured"]),
            created: columns.take(&["created (utc)", "created date (utc)", "created"]),
            description: columns.take(&["description"]),
            intent: columns.look(&["paymentintent id", "payment intent id", "payment_intent_id"]),
            order,
            transfer: columns.take(&["transfer"]),
            customer: columns.look(&["customer email", "customer id"]),
            columns,
        }
    }

    fn record(&self, row: &Row) -> Result<Record, Fault> {
        let charged = self.columns.value(row, self.amount, major)?;
        let charged_in = self.columns.value(row, self.currency, value::currency)?;
        let converted =
            !self.converted_amount.text(row).is_empty() && !self.converted_currency.text(row).is_empty();
        let (amount, currency) = if converted {
            (
                self.columns.value(row, self.converted_amount, major)?,
                self.columns.value(row, self.converted_currency, value::currency)?,
            )
        } else {
            (charged, charged_in)
        };
        let mut record = Record::new(Kind::Payment, amount, currency, row.place);
        let status = self.status.text(row);
        let captured = self.captured.text(row);
        record.status = status_of(status, captured);
        status.clone_into(&mut record.status_text);
        if record.status == Status::Failed {
            record.direction = Direction::In;
        }
        if let Some(fee) = self.optional(row, self.fee)? {
            let tax = self.optional(row, self.fee_tax)?.unwrap_or_default();
            let fee = fee.checked_add(tax);
            record.fee = fee;
            record.net = match self.optional(row, self.net)? {
                Some(net) => Some(net),
                None => fee.and_then(|fee| amount.checked_sub(fee)),
            };
        }
        if self.optional(row, self.refunded)?.is_some_and(|refunded| !refunded.is_zero()) {
            record.notes.push(format!(
                "{} of {} {} were refunded since",
                self.refunded.text(row),
                self.amount.text(row),
                charged_in.code()
            ));
        }
        self.id.text(row).clone_into(&mut record.id);
        let own = [self.order.text(row), self.intent.text(row), self.id.text(row)];
        let own = own.into_iter().find(|text| !text.is_empty()).unwrap_or_default();
        own.clone_into(&mut record.own_id);
        own.clone_into(&mut record.order_id);
        self.transfer.text(row).clone_into(&mut record.batch_id);
        record.time = self.columns.value(row, self.created, moment)?;
        self.description.text(row).clone_into(&mut record.description);
        self.customer.text(row).clone_into(&mut record.counterparty);
        self.columns.fill(row, &mut record);
        Ok(record)
    }

    fn optional(&self, row: &Row, column: Column) -> Result<Option<Decimal>, Fault> {
        if column.text(row).is_empty() {
            return Ok(None);
        }
        self.columns.value(row, column, major).map(Some)
    }
}

/// A payment that was refunded or disputed later happened nevertheless.
fn status_of(status: &str, captured: &str) -> Status {
    match status.to_ascii_lowercase().as_str() {
        "failed" | "canceled" | "cancelled" | "blocked" | "expired" | "declined" => Status::Failed,
        "pending"
        | "uncaptured"
        | "requires_capture"
        | "incomplete"
        | "processing"
        | "requires_action"
        | "requires_confirmation"
        | "requires_payment_method" => Status::Pending,
        _ if captured.eq_ignore_ascii_case("false") => Status::Pending,
        _ => Status::Booked,
    }
}
