//! Balance transactions: itemized reports, the balance history of the dashboard, and the table of the API.
//!
//! Laws: in each row the net is the gross less the fee; and what is paid out is the sum of the nets of the
//! rows that name the payout, where the file holds both.

use super::kinds::kind;
use super::values::{day, major, minor, moment};
use crate::checks::negated;
use crate::columns::{Column, Columns, open};
use crate::delimited::Row;
use crate::event::{Fault, ReadError, Statement, Stop};
use crate::input::Input;
use crate::laws::{Groups, Law};
use crate::output::Output;
use crate::record::{Kind, Record};
use crate::value;
use rust_decimal::Decimal;
use suanpan_money::Currency;

/// In what amounts are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Units {
    /// Decimals with a point, as many as the currency has.
    Major,
    /// Whole numbers of the smallest unit that Stripe counts in.
    Minor,
}

impl Units {
    pub(super) fn amount(self, text: &str, currency: Currency) -> Result<Decimal, &'static str> {
        match self {
            Units::Major => major(text),
            Units::Minor => minor(text, currency),
        }
    }
}

/// Reads a table of balance transactions.
pub(super) fn read(input: Input<'_>, units: Units, output: &mut Output<'_>) -> Result<(), Stop> {
    let (columns, header, rows) = open(input)?;
    let mut rows = rows;
    let ledger = Ledger::new(columns, units);
    output.statement(Statement { place: header.place, ..Statement::default() })?;
    let mut net_law = Law::new("net of the row", "rows whose net is gross less fee");
    let mut payouts = Groups::default();
    let mut last = header.place;
    while let Some(row) = rows.next_row()? {
        if row.is_blank() {
            continue;
        }
        last = row.place;
        let (record, amounts) = match ledger.record(&row) {
            Ok(read) => read,
            Err(fault) => {
                output.fault(fault)?;
                continue;
            }
        };
        follow_payout(&mut payouts, &record, amounts.paid_out)?;
        let law = amounts.law();
        let place = record.place;
        output.record(record)?;
        if let Some((net, computed)) = law
            && let Some(check) = net_law.follow(net, computed, place)
        {
            output.check(check)?;
        }
    }
    if let Some(check) = net_law.finish(last) {
        output.check(check)?;
    }
    for check in payouts.finish("payout", "payouts that are the sum of their rows", last) {
        output.check(check)?;
    }
    Ok(())
}

/// Adds a record to its payout: a payout is the total, other rows are what it pays.
fn follow_payout(payouts: &mut Groups, record: &Record, paid_out: Option<Decimal>) -> Result<(), ReadError> {
    if record.batch_id.is_empty() || record.kind_text.starts_with("payout_") {
        return Ok(());
    }
    match (record.kind, paid_out, record.net) {
        (Kind::Payout, Some(net), _) => {
            payouts.total(&record.batch_id, record.currency, negated(net), record.place)
        }
        (Kind::Payout, None, _) | (_, _, None) => {}
        (_, _, Some(net)) => payouts.add(&record.batch_id, record.currency, net, record.place)?,
    }
    Ok(())
}

/// The amounts of a row as far as it says them.
#[derive(Debug, Clone, Copy)]
struct Amounts {
    gross: Option<Decimal>,
    fee: Option<Decimal>,
    net: Option<Decimal>,
    /// What left the balance, for a payout: the net, or else the gross.
    paid_out: Option<Decimal>,
}

impl Amounts {
    /// Returns the net of the row and what it should be. A fee that is left empty is none.
    fn law(&self) -> Option<(Decimal, Decimal)> {
        let computed = self.gross?.checked_sub(self.fee.unwrap_or_default())?;
        Some((self.net?, computed))
    }
}

struct Ledger {
    columns: Columns,
    units: Units,
    id: Column,
    gross: Column,
    fee: Column,
    net: Column,
    currency: Column,
    category: Column,
    status: Column,
    source: Column,
    charge: Column,
    intent: Column,
    payout: Column,
    created: Column,
    available: Column,
    description: Column,
    account: Column,
    order: Column,
    refund_number: Column,
}

impl Ledger {
    fn new(mut columns: Columns, units: Units) -> Ledger {
        Ledger {
            units,
            id: columns.take(&["balance_transaction_id", "id", "transaction id"]),
            gross: columns.take(&["gross", "amount"]),
            fee: columns.take(&["fee", "fees"]),
            net: columns.take(&["net"]),
            currency: columns.take(&["currency"]),
            category: columns.take(&[
                "reporting_category",
                "balance_transaction_reporting_category",
                "type",
                "transaction type",
            ]),
            status: columns.take(&["status"]),
            source: columns.look(&["source_id", "source"]),
            charge: columns.look(&["charge_id", "charge"]),
            intent: columns.look(&["payment_intent_id", "payment_intent"]),
            payout: columns.take(&["automatic_payout_id", "payout_id", "transfer"]),
            created: columns.take(&[
                "created_utc",
                "created (utc)",
                "created date (utc)",
                "balance_transaction_created_at",
                "activity_at_utc",
                "effective_at_utc",
                "created",
                "activity_at",
                "effective_at",
            ]),
            available: columns.take(&[
                "available_on_utc",
                "available on (utc)",
                "available_on",
                "available on",
            ]),
            description: columns.take(&["description"]),
            account: columns.take(&["connected_account_id", "connected_account"]),
            order: metadata_column(
                &columns,
                &["payment_metadata", "charge_metadata", "metadata"],
                &ORDER_KEYS,
            ),
            refund_number: metadata_column(&columns, &["refund_metadata"], &REFUND_KEYS),
            columns,
        }
    }

    fn record(&self, row: &Row) -> Result<(Record, Amounts), Fault> {
        let currency = self.columns.value(row, self.currency, value::currency)?;
        let mut amounts = Amounts {
            gross: self.amount(row, self.gross, currency)?,
            fee: self.amount(row, self.fee, currency)?,
            net: self.amount(row, self.net, currency)?,
            paid_out: None,
        };
        amounts.paid_out = amounts.net.or(amounts.gross);
        // Where the gross was not selected it follows from the others.
        let from_net = || amounts.net?.checked_add(amounts.fee.unwrap_or_default());
        let Some(amount) = amounts.gross.or_else(from_net) else {
            let column = if self.gross.is_there() { self.gross } else { self.net };
            return Err(self.columns.fault(row, column, "is empty, and no other column gives the amount"));
        };
        let word = self.category.text(row);
        let source = self.source.text(row);
        let description = self.description.text(row);
        let mut kind = kind(word, source, description, amount.is_sign_negative());
        if kind == Kind::Transfer && word == "transfer" && source.starts_with("po_") {
            // The dashboard called payouts transfers once.
            kind = Kind::Payout;
        }
        let mut record = Record::new(kind, amount, currency, row.place);
        word.clone_into(&mut record.kind_text);
        self.status.text(row).clone_into(&mut record.status_text);
        record.fee = amounts.fee;
        record.net = amounts.net;
        self.id.text(row).clone_into(&mut record.id);
        if record.id.is_empty() {
            source.clone_into(&mut record.id);
        }
        self.name_orders(row, source, &mut record);
        record.batch_id = self.batch(row, kind, source);
        record.time = self.columns.value(row, self.created, moment)?;
        record.booked_on = record.time.map(|time| time.local.date());
        record.value_on = self.columns.value(row, self.available, day)?;
        self.account.text(row).clone_into(&mut record.account);
        description.clone_into(&mut record.description);
        self.columns.fill(row, &mut record);
        Ok((record, amounts))
    }

    fn amount(&self, row: &Row, column: Column, currency: Currency) -> Result<Option<Decimal>, Fault> {
        if column.text(row).is_empty() {
            return Ok(None);
        }
        self.columns.value(row, column, |text| self.units.amount(text, currency)).map(Some)
    }

    /// The holder's numbers: an order number of the metadata where there is one, else the payment intent,
    /// else the charge. A refund may have a number of its own in its metadata.
    fn name_orders(&self, row: &Row, source: &str, record: &mut Record) {
        let charge = self.charge.text(row);
        let of_source =
            if ["ch_", "py_"].iter().any(|start| source.starts_with(start)) { source } else { "" };
        let order = [self.order.text(row), self.intent.text(row), charge, of_source];
        let order = order.into_iter().find(|text| !text.is_empty()).unwrap_or_default();
        let own = self.refund_number.text(row);
        let turned = matches!(
            record.kind,
            Kind::Refund | Kind::Chargeback | Kind::ChargebackReversal | Kind::Return | Kind::Adjustment
        );
        order.clone_into(&mut record.order_id);
        if turned && !own.is_empty() { own } else { order }.clone_into(&mut record.own_id);
        if turned {
            charge.clone_into(&mut record.original_id);
        }
    }

    fn batch(&self, row: &Row, kind: Kind, source: &str) -> String {
        let own = ["po_", "tr_"].iter().any(|start| source.starts_with(start));
        if kind == Kind::Payout && own { source } else { self.payout.text(row) }.to_owned()
    }
}

/// Keys of metadata under which merchants keep the number of their order, best first.
const ORDER_KEYS: [&str; 12] = [
    "order_id",
    "orderid",
    "order_no",
    "order_number",
    "order",
    "merchant_order_id",
    "merchant_reference",
    "reference",
    "external_id",
    "invoice_id",
    "invoice_number",
    "invoice",
];

/// Keys of metadata of refunds under which merchants keep the number of their refund, best first.
const REFUND_KEYS: [&str; 6] =
    ["refund_id", "refund_no", "refund_number", "merchant_reference", "reference", "external_id"];

/// Finds the column of a key of metadata: `payment_metadata[order_id]` in reports, `order_id (metadata)`
/// in exports of the dashboard.
fn metadata_column(columns: &Columns, owners: &[&str], keys: &[&str]) -> Column {
    for key in keys {
        let plain = |text: &str| text.replace(['-', ' ', '_'], "");
        let key = plain(key);
        let found = columns.look_for(|name| {
            let inside = owners
                .iter()
                .find_map(|owner| name.strip_prefix(owner)?.strip_prefix('[')?.strip_suffix(']'));
            let before = name.strip_suffix("(metadata)").filter(|_| owners.contains(&"metadata"));
            inside.or(before).is_some_and(|name| plain(name) == key)
        });
        if found.is_there() {
            return found;
        }
    }
    Column::default()
}
