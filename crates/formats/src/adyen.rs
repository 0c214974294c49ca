//! Adyen: what was settled, and each step of each payment.
//!
//! | Format | Rows | Amounts |
//! |---|---|---|
//! | `adyen.settlement-details` | entries of settlement batches with their costs | debit and credit columns, major units |
//! | `adyen.payment-accounting` | steps of payments between registers | signed, major units |
//!
//! Columns are found by name: a report has the thirty or so that it begins with, and more that were added
//! over the years or chosen. Times have the zone that the row names.
//!
//! Source: Adyen's documentation of the settlement details report and of the payment accounting report.

mod accounting;
mod kinds;
mod settlement;
mod zones;

use crate::catalogue::{BuiltIn, Verdict};
use crate::columns::{Columns, head_rows};
use crate::head::Head;

/// The settlement details report.
pub(crate) const SETTLEMENT_DETAILS: BuiltIn = BuiltIn {
    id: "adyen.settlement-details",
    title: "Adyen settlement details report",
    recognise: |head| {
        let names =
            ["Merchant Account", "Psp Reference", "Net Currency", "Net Debit (NC)", "Net Credit (NC)"];
        recognise(head, &names, "of a settlement details report")
    },
    read: |input, _, output| settlement::read(input, output),
};

/// The payment accounting report.
pub(crate) const PAYMENT_ACCOUNTING: BuiltIn = BuiltIn {
    id: "adyen.payment-accounting",
    title: "Adyen payment accounting report",
    recognise: |head| {
        let names = ["Merchant Account", "Psp Reference", "Record Type", "Main Currency", "Main Amount"];
        recognise(head, &names, "of a payment accounting report")
    },
    read: |input, _, output| accounting::read(input, output),
};

fn recognise(head: &Head, names: &[&str], of: &str) -> Verdict {
    let rows = if head.is_spreadsheet() { Vec::new() } else { head_rows(head, 1) };
    let evidence = rows.first().and_then(|row| {
        let columns = Columns::new(&row.cells);
        (columns.count_of(names) == names.len())
            .then(|| format!("line {} has the columns {} {of}", row.place.line, names.join(", ")))
    });
    Verdict::from_evidence(evidence, &format!("the first line has not the columns {}", names.join(", ")))
}
