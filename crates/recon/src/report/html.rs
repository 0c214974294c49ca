//! `report.html`: a run on one page that needs nothing else. No scripts, no requests; inline styles
//! and SVG; light and dark; readable on paper, on a phone and by a screen reader.
//!
//! The page is a pure function of the summary and of what the tables showed while they were written.
//! All text goes through the template macro, which escapes it.

mod chart;
mod figures;
mod numbers;
mod samples;
mod text;

pub use text::Lang;

use super::ReportError;
use super::staged::{OutputFile, write_file};
use super::summary::{RunVerdict, SideSummary, Summary};
use super::tables::Written;
use super::tally::Class;
use crate::outcome::Code;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use numbers::{duration, grouped, grouped_decimal, per_second, share_text, signed, size};
use std::path::Path;
use text::{Texts, fill};

/// Inputs listed on the page.
const INPUTS_SHOWN: usize = 200;
/// Characters of a text on the page; the tables have all of it.
const TEXT_CHARS_MAX: usize = 120;

/// Writes `report.html` into `dir`.
///
/// # Errors
/// When the file cannot be written.
pub fn write_html(
    dir: &Path,
    summary: &Summary,
    written: &Written,
    lang: Lang,
) -> Result<OutputFile, ReportError> {
    write_file(dir, "report.html", render_html(summary, written, lang).as_bytes())
}

/// Returns the page as HTML text.
#[must_use]
pub fn render_html(summary: &Summary, written: &Written, lang: Lang) -> String {
    let page = Page { summary, written, lang, t: lang.texts() };
    let t = page.t;
    let headline = page.headline();
    html! {
        (DOCTYPE)
        html lang=(lang.tag()) data-verdict=(summary.verdict.name()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (headline) " · " (t.title) " · " (summary.rules.name) }
                style { (PreEscaped(include_str!("html/style.css"))) }
            }
            body {
                a.skip href="#main" { (t.skip) }
                (chart::patterns())
                (page.header(&headline))
                main id="main" {
                    (page.charts())
                    (page.outcomes())
                    (page.bridge())
                    (page.largest())
                    (page.samples())
                    (page.inputs())
                    (page.how())
                    (page.files())
                }
                footer { p { (t.footer) } p.code { (summary.schema) " · " (summary.engine.name) " " (summary.engine.version) } }
            }
        }
    }
    .into_string()
}

struct Page<'a> {
    summary: &'a Summary,
    written: &'a Written,
    lang: Lang,
    t: &'static Texts,
}

impl Page<'_> {
    fn headline(&self) -> String {
        let count = match self.summary.verdict {
            RunVerdict::ReconciledWithPending => self.count(Class::Pending),
            _ => self.count(Class::Difference),
        };
        fill(self.t.headline(self.lang, self.summary.verdict, count), &[&grouped(count)])
    }

    fn count(&self, class: Class) -> u64 {
        self.summary.count(class)
    }

    fn header(&self, headline: &str) -> Markup {
        let (s, t) = (self.summary, self.t);
        html! {
            header class=(s.verdict.name().to_ascii_lowercase()) {
                p.kind { (t.title) " · " (s.rules.name) }
                h1 { (icon(s.verdict)) span { (headline) } }
                @if !s.missing.is_empty() {
                    ul { @for missing in &s.missing { li.bad { (clip(missing)) } } }
                }
                dl.facts {
                    div { dt { (t.run) } dd.code { (clip(&s.run)) } }
                    div { dt { (t.digest) } dd.code { (s.digest) } }
                }
                p.kind { (fill(t.finished, &[&s.finished_at])) }
                (self.tiles())
                (self.identity_lines())
            }
        }
    }

    fn tiles(&self) -> Markup {
        let (s, t) = (self.summary, self.t);
        let (clean, all) = self.records_clean();
        html! {
            dl.tiles {
                div.tile { dt { (t.left_records) } dd { (grouped(s.left.records + s.left.open_items_in)) } }
                div.tile { dt { (t.right_records) } dd { (grouped(s.right.records + s.right.open_items_in)) } }
                div.tile { dt { (t.clean_share) } dd { (share_text(clean, all)) } }
                div.tile.difference { dt { (t.differences) } dd { (grouped(self.count(Class::Difference))) } }
                div.tile.pending { dt { (t.pending) } dd { (grouped(self.count(Class::Pending))) } }
            }
        }
    }

    /// Records in clean outcomes, of all that took part.
    fn records_clean(&self) -> (u64, u64) {
        let of = |code: Code| {
            let outcome = self.summary.outcome(code);
            outcome.left_records + outcome.right_records
        };
        let clean = Code::ALL.into_iter().filter(|code| code.is_clean()).map(of).sum();
        (clean, Code::ALL.into_iter().map(of).sum())
    }

    /// The proof in one line a currency.
    fn identity_lines(&self) -> Markup {
        let t = self.t;
        html! {
            ul.identity aria-label=(t.identity) {
                @for (currency, bridge) in &self.summary.bridge {
                    @let proven = bridge.residual.minor == "0";
                    li.unbalanced[!proven] {
                        strong { (currency) } " "
                        span.num {
                            (t.left) " " (grouped_decimal(&bridge.left_total.amount))
                            " − " (t.right) " " (grouped_decimal(&bridge.right_total.amount))
                            " = " (signed(&bridge.difference.amount))
                        }
                        " · " (t.unexplained) " " (grouped_decimal(&bridge.residual.amount)) " " (proof_mark(proven))
                    }
                }
            }
        }
    }

    fn bridge(&self) -> Markup {
        let t = self.t;
        html! {
            section aria-labelledby="bridge" {
                h2 id="bridge" { (t.identity) }
                p.note { (t.identity_note) }
                div.grid {
                    @for (currency, bridge) in &self.summary.bridge {
                        div.card {
                            h3 { (currency) }
                            table {
                                tbody {
                                    (amount_row(t.left_total, &grouped_decimal(&bridge.left_total.amount), ""))
                                    (amount_row(&format!("− {}", t.right_total), &grouped_decimal(&bridge.right_total.amount), ""))
                                    (amount_row(&format!("= {}", t.difference), &signed(&bridge.difference.amount), "sum"))
                                    @if bridge.lines.is_empty() {
                                        tr { td colspan="2" { (t.nothing_to_explain) } }
                                    } @else {
                                        tr { td colspan="2" { (t.explained_by) } }
                                    }
                                    @for line in &bridge.lines {
                                        tr {
                                            td { (code_name(&line.code)) }
                                            td.money { (signed(&line.contribution.amount)) }
                                        }
                                    }
                                    @let proven = bridge.residual.minor == "0";
                                    tr.sum {
                                        th scope="row" { (t.unexplained) }
                                        td.money { (grouped_decimal(&bridge.residual.amount)) " " (proof_mark(proven)) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn outcomes(&self) -> Markup {
        let t = self.t;
        let (there, absent): (Vec<Code>, Vec<Code>) =
            Code::ALL.into_iter().partition(|code| self.summary.outcome(*code).count > 0);
        html! {
            section aria-labelledby="outcomes" {
                h2 id="outcomes" { (t.outcomes) }
                div.scroll tabindex="0" role="region" aria-labelledby="outcomes" {
                    table {
                        thead { tr {
                            th scope="col" { (t.outcome) }
                            th.money scope="col" { (t.count) }
                            th scope="col" { (t.meaning) }
                            th.money scope="col" { (t.left_records) }
                            th.money scope="col" { (t.right_records) }
                            th scope="col" { (t.currency) }
                            th.money scope="col" { (t.left_amount) }
                            th.money scope="col" { (t.right_amount) }
                            th.money scope="col" { (t.difference) }
                        } }
                        tbody { @for code in there { (self.outcome_rows(code)) } }
                    }
                }
                @if !absent.is_empty() {
                    details {
                        summary { (fill(t.none_of, &[&absent.len().to_string()])) }
                        div.scroll tabindex="0" {
                            table {
                                tbody { @for code in absent {
                                    tr { th scope="row" { (badge(code)) } td.money { "0" } td.say { (t.explain(self.lang, code)) } }
                                } }
                            }
                        }
                    }
                }
            }
        }
    }

    fn outcome_rows(&self, code: Code) -> Markup {
        let outcome = self.summary.outcome(code);
        let span = outcome.amounts.len().max(1);
        let amounts: Vec<_> = outcome.amounts.iter().collect();
        html! {
            @for n in 0..span {
                tr {
                    @if n == 0 {
                        th scope="row" rowspan=(span) { (badge(code)) }
                        td.money rowspan=(span) { (grouped(outcome.count)) }
                        td.say rowspan=(span) { (self.t.explain(self.lang, code)) }
                        td.money rowspan=(span) { (grouped(outcome.left_records)) }
                        td.money rowspan=(span) { (grouped(outcome.right_records)) }
                    }
                    @if let Some((currency, amounts)) = amounts.get(n) {
                        td { (currency) }
                        td.money { (grouped_decimal(&amounts.left.amount)) }
                        td.money { (grouped_decimal(&amounts.right.amount)) }
                        td.money { (signed(&amounts.delta.amount)) }
                    } @else {
                        td {} td {} td {} td {}
                    }
                }
            }
        }
    }

    fn inputs(&self) -> Markup {
        let (s, t) = (self.summary, self.t);
        let hidden = s.inputs.len().saturating_sub(INPUTS_SHOWN);
        html! {
            section aria-labelledby="inputs" {
                h2 id="inputs" { (t.inputs) }
                div.grid {
                    (self.side_card(t.left, &s.left))
                    (self.side_card(t.right, &s.right))
                }
                div.scroll tabindex="0" role="region" aria-labelledby="inputs" style="margin-top:16px" {
                    table {
                        thead { tr {
                            th scope="col" { (t.side) } th scope="col" { (t.file) }
                            th.money scope="col" { (t.bytes) } th.money scope="col" { (t.rows) }
                        } }
                        tbody { @for input in s.inputs.iter().take(INPUTS_SHOWN) { tr {
                            td { (self.side_name(&input.side)) }
                            td.place { (clip(&input.name)) }
                            td.money { (size(input.bytes)) }
                            td.money { (grouped(input.rows)) }
                        } } }
                    }
                }
                @if hidden > 0 { p.note { (fill(t.and_more, &[&grouped(hidden as u64)])) } }
            }
        }
    }

    fn side_name(&self, side: &str) -> &'static str {
        if side == "left" { self.t.left } else { self.t.right }
    }

    fn side_card(&self, name: &str, side: &SideSummary) -> Markup {
        let t = self.t;
        let skipped: u64 = side.skipped.values().sum();
        html! {
            div.card {
                h3 { (name) }
                table { tbody {
                    (amount_row(t.records, &grouped(side.records), ""))
                    (amount_row(t.rejected, &grouped(side.rejected), ""))
                    @for (rule, count) in &side.skipped {
                        (amount_row(&format!("{}: {}", t.skipped, clip(rule)), &grouped(*count), ""))
                    }
                    (amount_row(t.rows_read, &grouped(side.records + side.rejected + skipped), "sum"))
                    @if side.open_items_in > 0 { (amount_row(t.open_items, &grouped(side.open_items_in), "")) }
                } }
            }
        }
    }

    fn how(&self) -> Markup {
        let (s, t) = (self.summary, self.t);
        let speed = |phase: &super::summary::Phase| {
            let rows = phase.rows.map(|rows| format!("{} / s", grouped(per_second(rows, phase.ms))));
            let bytes = phase.bytes.map(|bytes| format!("{} / s", size(per_second(bytes, phase.ms))));
            rows.into_iter().chain(bytes).collect::<Vec<_>>().join(", ")
        };
        let phases = s.timings.iter().map(|phase| vec![clip(&phase.phase), duration(phase.ms), speed(phase)]);
        let limit = s.memory_limit_bytes.map_or_else(|| t.no_limit.to_owned(), size);
        html! {
            section aria-labelledby="how" {
                h2 id="how" { (t.how) }
                dl.facts {
                    div { dt { (t.plan) } dd { (s.plan) } }
                    div { dt { (t.threads) } dd { (s.threads) } }
                    div { dt { (t.memory_limit) } dd { (limit) } }
                    div { dt { (t.peak) } dd { (size(s.peak_rss_bytes)) } }
                    div { dt { (t.rules) } dd.code { (s.rules.digest) } }
                }
                div.scroll tabindex="0" role="region" aria-labelledby="how" style="margin-top:12px" {
                    (table(&[t.phase, t.time, t.speed], phases))
                }
            }
        }
    }

    fn files(&self) -> Markup {
        let t = self.t;
        html! {
            section aria-labelledby="files" {
                h2 id="files" { (t.files) }
                div.scroll tabindex="0" role="region" aria-labelledby="files" {
                    table {
                        thead { tr {
                            th scope="col" { (t.file) } th.money scope="col" { (t.rows) }
                            th.money scope="col" { (t.bytes) } th scope="col" { (t.content) }
                        } }
                        tbody { @for file in &self.summary.files { tr {
                            td { a href=(file.name) { (file.name) } }
                            td.money { (file.rows.map(grouped).unwrap_or_default()) }
                            td.money { (size(file.bytes)) }
                            td.code { (file.digest) }
                        } } }
                    }
                }
            }
        }
    }
}

/// A plain table: the first column heads its row; a column of numbers stands on the right.
fn table(heads: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Markup {
    let rows: Vec<Vec<String>> = rows.collect();
    let is_number =
        |cell: &str| cell.is_empty() || cell.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    let numbers: Vec<bool> =
        (0..heads.len()).map(|n| n > 0 && rows.iter().all(|row| is_number(&row[n]))).collect();
    html! {
        table {
            thead { tr { @for (head, number) in heads.iter().zip(&numbers) {
                th.money[*number] scope="col" { (head) }
            } } }
            tbody { @for row in &rows { tr { @for (n, (cell, number)) in row.iter().zip(&numbers).enumerate() {
                @if n == 0 { th.key scope="row" { (cell) } } @else { td.money[*number].key[!*number] { (cell) } }
            } } } }
        }
    }
}

fn amount_row(name: &str, value: &str, class: &str) -> Markup {
    html! { tr class=[Some(class).filter(|class| !class.is_empty())] { td { (name) } td.money { (value) } } }
}

fn proof_mark(proven: bool) -> Markup {
    html! { @if proven { span.ok { "✓" } } @else { span.bad { "✗" } } }
}

/// A code with a sign besides its colour, breakable after each word.
fn badge(code: Code) -> Markup {
    let class = Class::of(code);
    let sign = match class {
        Class::Clean => "✓",
        Class::Pending => "…",
        Class::Difference => "≠",
    };
    html! { span class={ "badge " (chart::css(class)) } { span.sign aria-hidden="true" { (sign) } (code_name(code.name())) } }
}

fn code_name(name: &str) -> Markup {
    html! { span.name { @for (n, word) in name.split('_').enumerate() { @if n > 0 { "_" wbr; } (word) } } }
}

fn icon(verdict: RunVerdict) -> Markup {
    let path = match verdict {
        RunVerdict::Reconciled => "M7 12.5l3.5 3.5L17.5 8.5",
        RunVerdict::ReconciledWithPending => "M12 6.5V12l3.5 2.5",
        RunVerdict::Breaks => "M7 10h10M7 14.5h10M14.5 6.5l-5 11.5",
        RunVerdict::Incomplete => "M12 6.5v7M12 17v.5",
    };
    html! {
        svg.icon viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round"
            stroke-linejoin="round" aria-hidden="true" {
            circle cx="12" cy="12" r="10" {}
            path d=(path) {}
        }
    }
}

/// Shortens a text for the page and says by how much.
fn clip(text: &str) -> String {
    match text.char_indices().nth(TEXT_CHARS_MAX) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}… (+{})", &text[..end], text[end..].chars().count()),
    }
}
