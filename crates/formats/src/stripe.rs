//! Stripe: what a balance did, as report, as export of the dashboard, and as tables of its API.
//!
//! | Format | Rows | Amounts |
//! |---|---|---|
//! | `stripe.report` | balance transactions of the itemized reports, any columns in any order | major units |
//! | `stripe.balance-history` | balance transactions as the dashboard exports them | major units |
//! | `stripe.payments` | payments as the dashboard exports them | major units |
//! | `stripe.objects` | one kind of API object, as tools that copy the API into tables write them | minor units |
//!
//! Decisions:
//! - A balance transaction is booked when it stands in the table, whatever its `status`: that only says
//!   whether the money may be paid out already (`pending`, `available`).
//! - Charges, refunds and payouts are movements, and have the status that their object has. Disputes and
//!   details of fees only tell about movements that are balance transactions: they are information.
//! - Tables without amounts (which balance transaction is in which payout) are not claimed.
//! - Times without a zone are UTC; reports that were asked for in another zone have a column `…_utc`, which
//!   is taken first.
//!
//! Source of columns and categories: Stripe's documentation of report types, reporting categories and
//! balance transaction types, as of 2025.

mod kinds;
mod ledger;
mod objects;
mod payments;
mod values;

#[cfg(test)]
mod tests;

use crate::catalogue::{BuiltIn, Verdict};
use crate::columns::{Columns, head_rows};
use crate::delimited::Row;
use crate::head::Head;

/// Itemized reports.
pub(crate) const REPORT: BuiltIn = BuiltIn {
    id: "stripe.report",
    title: "Stripe itemized report",
    recognise: |head| recognise(head, Table::Report),
    read: |input, _, output| ledger::read(input, ledger::Units::Major, output),
};

/// The balance history of the dashboard.
pub(crate) const BALANCE_HISTORY: BuiltIn = BuiltIn {
    id: "stripe.balance-history",
    title: "Stripe balance history",
    recognise: |head| recognise(head, Table::History),
    read: |input, _, output| ledger::read(input, ledger::Units::Major, output),
};

/// The payments of the dashboard.
pub(crate) const PAYMENTS: BuiltIn = BuiltIn {
    id: "stripe.payments",
    title: "Stripe payments export",
    recognise: |head| recognise(head, Table::Payments),
    read: |input, _, output| payments::read(input, output),
};

/// Objects of the API as a table.
pub(crate) const OBJECTS: BuiltIn = BuiltIn {
    id: "stripe.objects",
    title: "Stripe API objects as a table",
    recognise: |head| recognise(head, Table::Objects),
    read: |input, options, output| objects::read(input, options, output),
};

/// The shapes of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Table {
    Report,
    History,
    Payments,
    Objects,
}

impl Table {
    const fn sought(self) -> &'static str {
        match self {
            Table::Report => {
                "the first line has not the columns currency, gross or net, and two more of a Stripe report"
            }
            Table::History => {
                "the first line has not the columns Type, Amount, Net and Available On (UTC) of Stripe"
            }
            Table::Payments => {
                "the first line has not the columns id, Amount, Currency, Status, Captured of Stripe"
            }
            Table::Objects => {
                "the first line has not the columns of a table of Stripe objects, or amounts are not whole numbers"
            }
        }
    }
}

fn recognise(head: &Head, table: Table) -> Verdict {
    let rows = if head.is_spreadsheet() { Vec::new() } else { head_rows(head, 6) };
    let evidence = rows.first().and_then(|header| {
        let (found, why) = shape(&Columns::new(&header.cells), &rows[1..])?;
        (found == table).then(|| format!("line {} is {why}", header.place.line))
    });
    Verdict::from_evidence(evidence, table.sought())
}

/// Names of columns that reports of others do not have.
const REPORT_NAMES: [&str; 16] = [
    "balance_transaction_id",
    "reporting_category",
    "automatic_payout_id",
    "automatic_payout_effective_at",
    "automatic_payout_effective_at_utc",
    "source_id",
    "charge_id",
    "payment_intent_id",
    "customer_facing_amount",
    "customer_facing_currency",
    "available_on_utc",
    "connected_account_id",
    "payout_expected_arrival_date",
    "balance_transaction_reporting_category",
    "balance_transaction_component",
    "payment_method_type",
];

/// Tells the shape of a table; no two can hold at once.
fn shape(columns: &Columns, rows: &[Row]) -> Option<(Table, String)> {
    if !columns.has("currency") && !columns.has("converted currency") {
        return None;
    }
    if let Some(object) = objects::tell(columns, rows) {
        return Some((Table::Objects, format!("the header of {}", object.title())));
    }
    let hits = columns.count_of(&REPORT_NAMES);
    let sums = columns.has("gross") || columns.has("net") || columns.has("balance_transaction_component");
    if sums && hits >= 2 && !columns.has("available on (utc)") {
        return Some((Table::Report, format!("the header of a Stripe report: {hits} of its own columns")));
    }
    let any = |names: &[&str]| names.iter().any(|name| columns.has(name));
    let created = any(&["created (utc)", "created date (utc)", "created"]);
    if any(&["type", "transaction type"])
        && ["amount", "fee", "net"].iter().all(|name| columns.has(name))
        && any(&["available on (utc)", "available on"])
        && created
    {
        return Some((Table::History, "the header of a balance history".to_owned()));
    }
    let own = ["amount refunded", "converted amount", "captured", "seller message", "card id"];
    if columns.has("id")
        && columns.has("amount")
        && columns.has("status")
        && any(&["created (utc)", "created date (utc)"])
        && columns.count_of(&own) >= 1
    {
        return Some((Table::Payments, "the header of an export of payments".to_owned()));
    }
    None
}
