//! Tables of API objects, as tools that copy the API into tables write them: one table for each kind of
//! object, amounts in minor units, columns named like the fields of the API.

use super::ledger::{self, Units};
use super::values::{day, minor, moment};
use crate::checks::negated;
use crate::columns::{Column, Columns, open};
use crate::delimited::Row;
use crate::event::{Fault, Statement, Stop};
use crate::input::{Input, Options};
use crate::output::Output;
use crate::record::{Kind, Record, Status};
use crate::value;

/// The kinds of objects that have amounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Object {
    BalanceTransaction,
    Charge,
    Refund,
    Dispute,
    Payout,
    FeeDetail,
}

impl Object {
    pub(super) const fn title(self) -> &'static str {
        match self {
            Object::BalanceTransaction => "a table of Stripe balance transactions",
            Object::Charge => "a table of Stripe charges",
            Object::Refund => "a table of Stripe refunds",
            Object::Dispute => "a table of Stripe disputes",
            Object::Payout => "a table of Stripe payouts",
            Object::FeeDetail => "a table of Stripe fee details",
        }
    }
}

/// Columns that tools add to each table they copy.
const MARKS: [&str; 7] = [
    "_fivetran_synced",
    "_airbyte_extracted_at",
    "_airbyte_emitted_at",
    "_airbyte_raw_id",
    "_sdc_received_at",
    "_sdc_batched_at",
    "_dlt_load_id",
];

/// Tells the kind of object from the header, where all amounts of the first rows are whole numbers and a
/// tool's own column, or the first id, says that it is Stripe's.
pub(super) fn tell(columns: &Columns, rows: &[Row]) -> Option<Object> {
    let object = by_header(columns)?;
    let amount = columns.look(&["amount"]);
    let whole = |row: &Row| {
        let text = amount.text(row);
        text.is_empty() || text.strip_prefix('-').unwrap_or(text).bytes().all(|b| b.is_ascii_digit())
    };
    let id = columns.look(&["id", "balance_transaction_id"]);
    let starts = ["txn_", "ch_", "py_", "re_", "pyr_", "du_", "dp_", "po_"];
    let is_id = |row: &Row| starts.iter().any(|start| id.text(row).starts_with(start));
    let is_own = MARKS.iter().any(|mark| columns.has(mark)) || rows.first().is_some_and(is_id);
    (is_own && rows.iter().all(whole)).then_some(object)
}

fn by_header(columns: &Columns) -> Option<Object> {
    let all = |names: &[&str]| names.iter().all(|name| columns.has(name));
    let any = |names: &[&str]| names.iter().any(|name| columns.has(name));
    // Exports of the dashboard name their zone, and have major units.
    if !all(&["amount", "currency"]) || any(&["created (utc)", "created date (utc)"]) {
        return None;
    }
    if all(&["id", "fee", "net", "type"]) && any(&["available_on", "source", "source_id"]) {
        return Some(Object::BalanceTransaction);
    }
    if all(&["id", "amount_refunded", "status"]) && any(&["captured", "paid"]) {
        return Some(Object::Charge);
    }
    if all(&["id", "status", "reason"])
        && any(&["is_charge_refundable", "evidence_details_due_by", "evidence_details_submission_count"])
    {
        return Some(Object::Dispute);
    }
    if all(&["id", "status", "arrival_date"]) {
        return Some(Object::Payout);
    }
    if all(&["id", "status", "reason"])
        && any(&["charge_id", "charge", "payment_intent_id", "payment_intent"])
    {
        return Some(Object::Refund);
    }
    if all(&["balance_transaction_id", "index", "type"]) {
        return Some(Object::FeeDetail);
    }
    None
}

/// Reads a table of objects.
pub(super) fn read(input: Input<'_>, _: &Options, output: &mut Output<'_>) -> Result<(), Stop> {
    let first = crate::columns::head_rows(&input.head, 1);
    let object = first.first().and_then(|header| by_header(&Columns::new(&header.cells)));
    let Some(object) = object.filter(|object| *object != Object::BalanceTransaction) else {
        return ledger::read(input, Units::Minor, output);
    };
    let (columns, header, rows) = open(input)?;
    let mut rows = rows;
    let table = Objects::new(columns, object);
    output.statement(Statement { place: header.place, ..Statement::default() })?;
    while let Some(row) = rows.next_row()? {
        if !row.is_blank() {
            output.record_or_fault(table.record(&row))?;
        }
    }
    Ok(())
}

struct Objects {
    columns: Columns,
    object: Object,
    id: Column,
    amount: Column,
    currency: Column,
    status: Column,
    paid: Column,
    captured: Column,
    kind: Column,
    created: Column,
    arrival: Column,
    charge: Column,
    balance_transaction: Column,
    intent: Column,
    description: Column,
    account: Column,
    customer: Column,
    destination: Column,
}

impl Objects {
    fn new(mut columns: Columns, object: Object) -> Objects {
        let fee = object == Object::FeeDetail;
        Objects {
            object,
            id: columns.take(&["id"]),
            amount: columns.take(&["amount"]),
            currency: columns.take(&["currency"]),
            status: columns.take(&["status"]),
            paid: columns.look(&["paid"]),
            captured: columns.look(&["captured"]),
            kind: if fee { columns.take(&["type"]) } else { Column::default() },
            created: columns.take(&["created"]),
            arrival: columns.take(&["arrival_date"]),
            charge: columns.look(&["charge_id", "charge"]),
            balance_transaction: columns.look(&["balance_transaction_id", "balance_transaction"]),
            intent: columns.look(&["payment_intent_id", "payment_intent"]),
            description: columns.take(&["description"]),
            account: columns.take(&["connected_account_id"]),
            customer: columns.look(&["customer_id", "customer"]),
            destination: columns.look(&["destination_bank_account_id", "destination_card_id", "destination"]),
            columns,
        }
    }

    fn record(&self, row: &Row) -> Result<Record, Fault> {
        let currency = self.columns.value(row, self.currency, value::currency)?;
        let told = self.columns.value(row, self.amount, |text| minor(text, currency))?;
        // The API counts refunds, disputes, fees and payouts positive; a payout that takes is negative.
        let (kind, amount) = match self.object {
            Object::Charge | Object::BalanceTransaction => (Kind::Payment, told),
            Object::Refund => (Kind::Refund, negated(told)),
            Object::Dispute => (Kind::Chargeback, negated(told)),
            Object::Payout => (Kind::Payout, negated(told)),
            Object::FeeDetail => (Kind::Fee, negated(told)),
        };
        let mut record = Record::new(kind, amount, currency, row.place);
        let status = self.status.text(row);
        record.status = self.status_of(row, status);
        status.clone_into(&mut record.status_text);
        self.kind.text(row).clone_into(&mut record.kind_text);
        self.id.text(row).clone_into(&mut record.id);
        let (intent, charge) = (self.intent.text(row), self.charge.text(row));
        let order = [intent, charge].into_iter().find(|text| !text.is_empty());
        match self.object {
            Object::Charge | Object::BalanceTransaction => {
                record.order_id = order.unwrap_or(&record.id).to_owned();
                record.own_id = record.order_id.clone();
            }
            Object::Refund | Object::Dispute => {
                charge.clone_into(&mut record.original_id);
                order.unwrap_or_default().clone_into(&mut record.order_id);
                record.own_id = record.order_id.clone();
            }
            Object::Payout => {
                record.batch_id = record.id.clone();
                self.destination.text(row).clone_into(&mut record.counterparty_account);
                record.value_on = self.columns.value(row, self.arrival, day)?;
            }
            Object::FeeDetail => {
                self.balance_transaction.text(row).clone_into(&mut record.original_id);
            }
        }
        record.time = self.columns.value(row, self.created, moment)?;
        self.description.text(row).clone_into(&mut record.description);
        self.account.text(row).clone_into(&mut record.account);
        self.customer.text(row).clone_into(&mut record.counterparty);
        self.columns.fill(row, &mut record);
        Ok(record)
    }

    fn status_of(&self, row: &Row, status: &str) -> Status {
        match (self.object, status) {
            (Object::Dispute | Object::FeeDetail, _) => Status::Information,
            (_, "failed" | "canceled" | "cancelled") => Status::Failed,
            (_, "pending" | "in_transit" | "requires_action" | "requires_capture") => Status::Pending,
            (Object::Charge, _) if self.paid.text(row).eq_ignore_ascii_case("false") => Status::Failed,
            (Object::Charge, _) if self.captured.text(row).eq_ignore_ascii_case("false") => Status::Pending,
            _ => Status::Booked,
        }
    }
}
