//! Charts as inline SVG. Widths are percentages and texts keep their size, so a chart fits a phone
//! and a wide screen alike. Every mark carries its number as text, and patterns stand beside colours.

use super::numbers::grouped;
use crate::report::tally::Class;
use maud::{Markup, html};

/// The hatch that marks pending besides its colour. Once a page.
pub(super) fn patterns() -> Markup {
    html! {
        svg width="0" height="0" aria-hidden="true" style="position:absolute" {
            defs {
                pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    line class="hatch-line" x1="0" y1="0" x2="0" y2="6" {}
                }
            }
        }
    }
}

/// The CSS class of a class of outcomes.
pub(super) const fn css(class: Class) -> &'static str {
    match class {
        Class::Clean => "clean",
        Class::Pending => "pending",
        Class::Difference => "difference",
    }
}

/// Names the marks of a chart.
pub(super) fn legend(names: &[(Class, &str)]) -> Markup {
    html! {
        ul.legend {
            @for (class, name) in names {
                li {
                    svg viewBox="0 0 14 14" aria-hidden="true" {
                        rect class=(css(*class)) x="1" y="1" width="12" height="12" {}
                    }
                    (name)
                }
            }
        }
    }
}

/// One bar made of parts that add up to the whole. Small parts keep a visible width.
pub(super) fn share(title: &str, parts: &[(Class, u64)]) -> Markup {
    const VISIBLE: u64 = 80;
    let total: u64 = parts.iter().map(|(_, count)| count).sum();
    let mut widths: Vec<u64> = parts
        .iter()
        .map(|(_, count)| if *count == 0 { 0 } else { ten_thousandths(*count, total).max(VISIBLE) })
        .collect();
    // The widest gives way to what the small ones were given.
    if let Some(widest) = (0..widths.len()).max_by_key(|at| widths[*at]) {
        let others: u64 = widths.iter().sum::<u64>() - widths[widest];
        widths[widest] = 10_000_u64.saturating_sub(others);
    }
    let starts = running_sums(&widths);
    html! {
        svg role="img" width="100%" height="30" {
            title { (title) }
            @for (((class, _), width), start) in parts.iter().zip(&widths).zip(starts) {
                @if *width > 0 {
                    rect class=(css(*class)) x=(percent(start)) y="1" width=(percent(*width)) height="28" {}
                }
            }
        }
    }
}

/// A row of a bar chart: differences, then pending.
pub(super) struct BarRow {
    pub(super) label: String,
    pub(super) parts: Vec<(Class, u64)>,
}

impl BarRow {
    fn total(&self) -> u64 {
        self.parts.iter().map(|(_, count)| count).sum()
    }
}

/// Horizontal bars, each under its label and number.
pub(super) fn bars(title: &str, rows: &[BarRow]) -> Markup {
    const ROW: usize = 42;
    let longest = rows.iter().map(BarRow::total).max().unwrap_or(0);
    html! {
        svg role="img" width="100%" height=(rows.len() * ROW) {
            title { (title) }
            @for (n, row) in rows.iter().enumerate() {
                text x="0" y=(n * ROW + 14) { (row.label) }
                text x="100%" y=(n * ROW + 14) text-anchor="end" {
                    (row.parts.iter().filter(|(_, count)| *count > 0).map(|(_, count)| grouped(*count)).collect::<Vec<_>>().join(" + "))
                }
                line.axis x1="0" x2="100%" y1=(n * ROW + 34) y2=(n * ROW + 34) {}
                @let starts = starts(&row.parts);
                @for ((class, count), start) in row.parts.iter().zip(starts) {
                    @if *count > 0 {
                        rect class=(css(*class)) x=(percent(ten_thousandths(start, longest))) y=(n * ROW + 20)
                            width=(percent(ten_thousandths(*count, longest).max(40))) height="14" {}
                    }
                }
            }
        }
    }
}

/// Upright bars over an axis of few labels: the first, the last, and the height of the tallest.
pub(super) fn columns(title: &str, rows: &[BarRow]) -> Markup {
    const TOP: u64 = 22;
    const HEIGHT: u64 = 140;
    let tallest = rows.iter().map(BarRow::total).max().unwrap_or(0);
    let step = 10_000 / (rows.len().max(1) as u64);
    let width = (step * 8 / 10).min(1_500);
    html! {
        svg role="img" width="100%" height=(TOP + HEIGHT + 24) {
            title { (title) }
            text.soft x="0" y="13" { (grouped(tallest)) }
            line.axis x1="0" x2="100%" y1=(TOP - 3) y2=(TOP - 3) stroke-dasharray="2 4" {}
            @for (n, row) in rows.iter().enumerate() {
                @for ((class, count), start) in row.parts.iter().zip(starts(&row.parts)) {
                    @if *count > 0 {
                        @let height = pixels(*count, tallest, HEIGHT).max(2);
                        rect class=(css(*class)) x=(percent(step * n as u64)) width=(percent(width)) height=(height)
                            y=((TOP + HEIGHT).saturating_sub(pixels(start, tallest, HEIGHT) + height)) {}
                    }
                }
            }
            line.axis x1="0" x2="100%" y1=(TOP + HEIGHT) y2=(TOP + HEIGHT) {}
            @if let Some(first) = rows.first() {
                text.soft x="0" y=(TOP + HEIGHT + 18) { (first.label) }
            }
            @if rows.len() > 1 && let Some(last) = rows.last() {
                text.soft x="100%" y=(TOP + HEIGHT + 18) text-anchor="end" { (last.label) }
            }
        }
    }
}

fn starts(parts: &[(Class, u64)]) -> Vec<u64> {
    running_sums(&parts.iter().map(|(_, count)| *count).collect::<Vec<_>>())
}

/// Where each part begins: the sum of those before it.
fn running_sums(parts: &[u64]) -> Vec<u64> {
    parts.iter().scan(0, |sum, part| Some(std::mem::replace(sum, *sum + part))).collect()
}

fn ten_thousandths(part: u64, whole: u64) -> u64 {
    u64::try_from(u128::from(part) * 10_000 / u128::from(whole.max(1))).unwrap_or(10_000)
}

fn pixels(part: u64, whole: u64, height: u64) -> u64 {
    u64::try_from(u128::from(part) * u128::from(height) / u128::from(whole.max(1))).unwrap_or(height)
}

fn percent(ten_thousandths: u64) -> String {
    format!("{}.{:02}%", ten_thousandths / 100, ten_thousandths % 100)
}
