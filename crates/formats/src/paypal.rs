//! PayPal: the settlement report (STL) and the transaction detail report (TRR).
//!
//! Both are rows that begin with their type: report header `RH`, file header `FH`; then for each account a
//! section with its header `SH`, column names `CH`, bodies `SB`, a footer `SF` for each currency and a
//! count `SC`; then report footers `RF`, the count `RC`, and the file footer `FF`. Cells are separated by
//! commas or tabs, and quoted or not.
//!
//! Amounts have no sign and no point: they always have two decimals, also those of yen and forint, and
//! `DR` or `CR` beside them tells the direction. Fees have a direction of their own.
//!
//! A report of several files has its header in the first and its footers in the last. Those footers are
//! about all files; they are compared only where the file is the first and so the only one.
//!
//! Source: PayPal's specifications of the settlement report (versions 7 to 9) and of the transaction
//! detail report (versions 10 and 11), and its list of transaction event codes.

mod codes;
mod footers;
mod rows;

use crate::catalogue::{BuiltIn, Verdict};
use crate::columns::{Columns, head_rows};
use crate::head::Head;

/// The settlement report.
pub(crate) const SETTLEMENT: BuiltIn = BuiltIn {
    id: "paypal.settlement",
    title: "PayPal settlement report",
    recognise: |head| recognise(head, Report::Settlement),
    read: |input, _, output| rows::read(input, output),
};

/// The transaction detail report.
pub(crate) const TRANSACTION_DETAIL: BuiltIn = BuiltIn {
    id: "paypal.transaction-detail",
    title: "PayPal transaction detail report",
    recognise: |head| recognise(head, Report::TransactionDetail),
    read: |input, _, output| rows::read(input, output),
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Report {
    Settlement,
    TransactionDetail,
}

/// Rows that may stand before the first column names.
const ROWS_BEFORE_NAMES: usize = 12;

fn recognise(head: &Head, report: Report) -> Verdict {
    let rows = if head.is_spreadsheet() { Vec::new() } else { head_rows(head, ROWS_BEFORE_NAMES) };
    let is = |row: &crate::delimited::Row, kind: &str| row.cell(0).trim_start_matches('\u{feff}') == kind;
    let begins = |row: &&crate::delimited::Row| ["RH", "FH", "CH"].iter().any(|kind| is(row, kind));
    let Some(first) = rows.first().filter(begins) else {
        return Verdict::No("the first line is no row RH, FH or CH".to_owned());
    };
    let names = rows.iter().find(|row| is(row, "CH"));
    let found = match names {
        Some(names) => {
            let columns = Columns::new(&names.cells);
            if !columns.has("Transaction Event Code") || !columns.has("Gross Transaction Amount") {
                return Verdict::No(
                    "the row CH has not the columns Transaction Event Code and Gross Transaction Amount"
                        .to_owned(),
                );
            }
            let detail = columns.has("Transactional Status") || columns.has("Transaction Status");
            if detail { Report::TransactionDetail } else { Report::Settlement }
        }
        // A day without movements has footers only; balances are told by settlement reports alone.
        None if rows.iter().any(|row| is(row, "SH")) => {
            let balances = rows.iter().any(|row| is(row, "SF") && row.cells.len() > 7);
            if balances { Report::Settlement } else { Report::TransactionDetail }
        }
        None => return Verdict::No("there is no row CH and no row SH".to_owned()),
    };
    if found != report {
        return Verdict::No("the row CH has, or lacks, the column Transactional Status".to_owned());
    }
    let line = names.map_or(first.place.line, |row| row.place.line);
    Verdict::Yes(format!(
        "line {} is a row {}, and line {line} has the columns of the report",
        first.place.line,
        first.cell(0)
    ))
}
