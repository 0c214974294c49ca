//! Rows on the page: the largest differences, and the first of each outcome.

use super::numbers::{grouped, grouped_decimal, signed};
use super::{Page, badge, clip, table};
use crate::outcome::Code;
use crate::report::tables::RowSample;
use maud::{Markup, html};

impl Page<'_> {
    pub(super) fn largest(&self) -> Markup {
        let t = self.t;
        if self.written.largest.is_empty() {
            return html! {};
        }
        html! {
            section aria-labelledby="largest" {
                h2 id="largest" { (t.largest) }
                p.note { (t.largest_note) }
                div.scroll tabindex="0" role="region" aria-labelledby="largest" {
                    table {
                        thead { tr {
                            th.money scope="col" { (t.difference) }
                            th scope="col" { (t.currency) }
                            th scope="col" { (t.outcome) }
                            th scope="col" { (t.key) }
                            th.money scope="col" { (t.left_amount) }
                            th.money scope="col" { (t.right_amount) }
                            th scope="col" { (t.place) }
                            th.money scope="col" { (t.break_number) }
                        } }
                        tbody {
                            @for (currency, rows) in &self.written.largest {
                                @for row in rows {
                                    tr {
                                        td.money { strong { (signed(row.get("delta"))) } }
                                        td { (currency) }
                                        td { (badge(row.code)) }
                                        td.key { (clip(row.get("key"))) }
                                        td.money { (grouped_decimal(row.get("left_amount"))) }
                                        td.money { (grouped_decimal(row.get("right_amount"))) }
                                        td { (self.places(row)) }
                                        td.money { (grouped(row.number)) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    pub(super) fn samples(&self) -> Markup {
        let t = self.t;
        let samples = &self.written.samples;
        if samples.is_empty() {
            return html! {};
        }
        let first = samples.keys().find(|code| code.is_difference()).or(samples.keys().next());
        html! {
            section aria-labelledby="samples" {
                h2 id="samples" { (t.samples) }
                p.note { (t.samples_note) }
                @for (code, rows) in samples {
                    details open[Some(code) == first] {
                        summary { (badge(*code)) " (" (grouped(self.summary.outcome(*code).count)) ")" }
                        div.scroll tabindex="0" {
                            @match code {
                                Code::Rejected => (self.rejected_rows(rows)),
                                Code::PendingTiming => (self.pending_rows(rows)),
                                _ => (self.break_rows(rows)),
                            }
                        }
                    }
                }
            }
        }
    }

    fn break_rows(&self, rows: &[RowSample]) -> Markup {
        let t = self.t;
        html! {
            table {
                thead { tr {
                    th.money scope="col" { (t.break_number) }
                    th scope="col" { (t.key) }
                    th scope="col" { (t.what_differs) }
                    th.money scope="col" { (t.difference) }
                    th scope="col" { (t.place) }
                    th scope="col" { (t.why) }
                } }
                tbody { @for row in rows { tr {
                    td.money { (grouped(row.number)) }
                    td.key { (clip(row.get("key"))) }
                    td { (self.differing(row)) }
                    td.money { @if !row.get("delta").is_empty() { (signed(row.get("delta"))) " " (row.get("currency")) } }
                    td { (self.places(row)) }
                    td.say {
                        (clip(row.get("why"))) " (" (clip(row.get("pass"))) ")"
                        @if !row.get("candidates").is_empty() {
                            br; (t.candidates) ": " span.place { (clip(&row.get("candidates").replace(';', "; "))) }
                        }
                    }
                } } }
            }
        }
    }

    /// Only the fields that differ, both values side by side; of a record without counterpart, what
    /// it is.
    fn differing(&self, row: &RowSample) -> Markup {
        let differs = row.get("differs");
        let present = |name: &str, value: &str| {
            let value = clip(value);
            html! { @if !value.is_empty() { li { span.field { (name) } " " (value) } } }
        };
        html! {
            ul.differs.one[differs.is_empty()] {
                @for field in differs.split(' ').filter(|field| !field.is_empty()) {
                    @let (left, right) = self.both_values(row, field);
                    li { span.field { (field) } " " mark { (shown(&left)) } " → " mark { (shown(&right)) } }
                }
                @if differs.is_empty() {
                    @let (left, right) = (row.get("left_amount"), row.get("right_amount"));
                    @if left.is_empty() || right.is_empty() {
                        (present("amount", &format!("{}{} {}", grouped_decimal(left), grouped_decimal(right), row.get("currency"))))
                    } @else {
                        (present("amount", &format!("{} / {} {}", grouped_decimal(left), grouped_decimal(right), row.get("currency"))))
                    }
                    @for field in ["type", "status", "date"] {
                        @let (left, right) = self.both_values(row, field);
                        (present(field, if left.is_empty() { &right } else { &left }))
                    }
                }
            }
        }
    }

    fn both_values(&self, row: &RowSample, field: &str) -> (String, String) {
        let (left, right) = match field {
            "k1" => (row.get("key"), row.get("right_key")),
            "currency" => (row.get("currency"), row.get("right_currency")),
            _ => (row.get(&format!("left_{field}")), row.get(&format!("right_{field}"))),
        };
        match field {
            "amount" | "fee" => (grouped_decimal(left), grouped_decimal(right)),
            _ => (clip(left), clip(right)),
        }
    }

    fn places(&self, row: &RowSample) -> Markup {
        let t = self.t;
        let place = |side: &str, name: &str| {
            let (file, number) = (row.get(&format!("{side}_file")), row.get(&format!("{side}_row")));
            html! { @if !number.is_empty() { div.place { (name) " " (clip(file)) ":" (number) } } }
        };
        html! { (place("left", t.left)) (place("right", t.right)) }
    }

    fn pending_rows(&self, rows: &[RowSample]) -> Markup {
        let t = self.t;
        let list = rows.iter().map(|row| {
            let minor = row.get("amount_minor");
            let currency = row.get("currency");
            let amount = match (minor.parse::<i128>(), suanpan_money::Currency::parse(currency)) {
                (Ok(minor), Some(known)) => suanpan_money::format_sum(minor, known.exponent()),
                _ => minor.to_owned(),
            };
            vec![
                clip(row.get("k1")),
                self.side_name(row.get("side")).to_owned(),
                format!("{} {currency}", grouped_decimal(&amount)),
                format!("{}:{}", clip(row.get("file")), row.get("row")),
            ]
        });
        table(&[t.key, t.side, t.amount, t.place], list)
    }

    fn rejected_rows(&self, rows: &[RowSample]) -> Markup {
        let t = self.t;
        let list = rows.iter().map(|row| {
            vec![
                format!("{} {}:{}", self.side_name(row.get("side")), clip(row.get("file")), row.get("row")),
                clip(row.get("column")),
                clip(row.get("message")),
                clip(row.get("raw")),
            ]
        });
        table(&[t.place, t.column, t.reason, t.raw], list)
    }
}

fn shown(value: &str) -> &str {
    if value.is_empty() { "∅" } else { value }
}
