//! The rules that reconcile the two sides and find exactly the seeded outcomes.

use super::DayFormat;
use super::column::{Column, columns};
use super::faults::Fault;
use super::line::{Kind, Status, TODAY};
use super::plan::{Layout, Plan, Side};
use std::fmt::Write;

/// Returns the text of `rules.toml`.
pub(super) fn rules_text(plan: &Plan) -> String {
    let seeds = |faults: &[Fault]| plan.counts.any(faults);
    let mut text = String::from(
        "# Rules for a generated day: our ledger (left) against the channel's file (right).\n\
         version = 1\n\
         name = \"generated day\"\n",
    );
    if seeds(&[Fault::MatchedLate]) {
        text.push_str("# Run with --open-items open_items.parquet: it holds what was open yesterday.\n");
    }
    if seeds(&[Fault::Unkeyed, Fault::Ambiguous]) {
        text.push_str("\n[keys]\nnull = [\"N/A\"]\n");
    }
    for side in Side::BOTH {
        put_side(&mut text, plan, side);
    }

    let mut compare = vec!["currency", "amount", "status"];
    if plan.layout == Layout::Full {
        compare.insert(0, "type");
    }
    if seeds(&[Fault::FeeMismatch]) {
        compare.push("fee");
    }
    text.push_str("\n# Equal order ids first.\n[[passes]]\nkind = \"exact\"\nkey = \"k1\"\n");
    put(&mut text, format_args!("compare = {compare:?}\n"));
    if plan.tolerance_minor > 0 {
        put(&mut text, format_args!("tolerance = {{ minor = {} }}\n", plan.tolerance_minor));
    }
    if seeds(&[Fault::MatchedAggregate]) {
        text.push_str("aggregate = true\n");
    }
    if seeds(&[Fault::NettedWithinSide]) {
        text.push_str(
            "\n# Authorisations and their reversals on one side.\n\
             [[passes]]\nkind = \"net\"\neq = [\"original\"]\n",
        );
    }
    if seeds(&[Fault::Ambiguous]) {
        text.push_str(
            "\n# Rows without a key: same account and amount, at most a day apart.\n\
             [[passes]]\nkind = \"window\"\neq = [\"account\"]\ntolerance = { minor = 0 }\n\
             days_min = -1\ndays_max = 1\n",
        );
    }
    if seeds(&[Fault::BatchTotalMismatch, Fault::MatchedAggregate]) {
        text.push_str(
            "\n# The orders of a payout against the payout.\n\
             [[passes]]\nkind = \"batch\"\neq = []\nnet_of_fees = false\n",
        );
    }
    if seeds(&[Fault::PendingTiming]) {
        put(
            &mut text,
            format_args!(
                "\n# What only one side has, and is not older than a day, may still arrive.\n\
                 [close]\npending_days = 1\nas_of = \"2026-11-{TODAY:02}\"\n"
            ),
        );
    }
    text
}

fn put_side(text: &mut String, plan: &Plan, side: Side) {
    let format = match plan.format {
        DayFormat::Csv => "csv",
        DayFormat::Ndjson => "ndjson",
        DayFormat::Parquet => "parquet",
    };
    put(text, format_args!("\n[{}]\nformat = \"{format}\"\n[{}.fields]\n", side.name(), side.name()));
    let unit = match side {
        Side::Left => "decimal",
        Side::Right => "minor",
    };
    for column in columns(side, plan.layout) {
        let name = column.name(side);
        match column {
            Column::OrderId => put(text, format_args!("k1 = \"{name}\"\n")),
            Column::MerchantId | Column::ChannelRef => {}
            Column::Amount => {
                put(text, format_args!("amount = {{ column = \"{name}\", unit = \"{unit}\" }}\n"));
            }
            Column::Currency => put(text, format_args!("currency = {{ column = \"{name}\" }}\n")),
            Column::Status => {
                let map = map_text(Status::ALL.map(|status| (status.text(side), status.word())));
                put(
                    text,
                    format_args!("status = {{ column = \"{name}\", map = {map}, unmapped = \"reject\" }}\n"),
                );
            }
            Column::Time => put(
                text,
                format_args!(
                    "time = {{ column = \"{name}\", format = \"%Y-%m-%d %H:%M:%S\", zone = \"Asia/Shanghai\" }}\n"
                ),
            ),
            Column::Fee => {
                put(text, format_args!("fee = {{ column = \"{name}\", unit = \"decimal\" }}\n"));
            }
            Column::Type => {
                let map = map_text(Kind::ALL.map(|kind| (kind.text(side), kind.word())));
                put(
                    text,
                    format_args!("type = {{ column = \"{name}\", map = {map}, default = \"payment\" }}\n"),
                );
            }
            Column::BusinessDate => {
                put(text, format_args!("date = {{ column = \"{name}\", format = \"%Y-%m-%d\" }}\n"));
            }
            Column::Batch => put(text, format_args!("batch = \"{name}\"\n")),
            Column::Original => put(text, format_args!("original = \"{name}\"\n")),
            Column::Account => put(text, format_args!("account = \"{name}\"\n")),
        }
    }
}

fn map_text<const COUNT: usize>(map: [(&str, &str); COUNT]) -> String {
    let pairs = map.map(|(from, to)| format!("\"{from}\" = \"{to}\""));
    format!("{{ {} }}", pairs.join(", "))
}

fn put(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments).expect("a string takes any text");
}
