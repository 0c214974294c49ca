//! The figures of the page: what is drawn, its takeaway in words, and the same numbers as a table.

use super::chart::{self, BarRow};
use super::numbers::{grouped, grouped_decimal, share_text};
use super::text::fill;
use super::{Page, table};
use crate::outcome::Code;
use crate::report::csv::day_text;
use crate::report::tally::{AMOUNT_BUCKETS, Class};
use maud::{Markup, html};

/// Days of the chart by day; what lies before is one column.
const DAYS_SHOWN: usize = 62;

impl Page<'_> {
    pub(super) fn charts(&self) -> Markup {
        let any = self.count(Class::Difference) + self.count(Class::Pending) > 0;
        html! {
            section aria-label=(self.t.share_title) style="margin-top:24px" {
                div.grid.charts {
                    (self.share_chart())
                    @if any { (self.class_chart()) (self.amount_chart()) (self.day_chart()) }
                }
            }
        }
    }

    fn share_chart(&self) -> Markup {
        let t = self.t;
        let parts = [
            (Class::Clean, t.clean, self.count(Class::Clean)),
            (Class::Pending, t.pending, self.count(Class::Pending)),
            (Class::Difference, t.differences, self.count(Class::Difference)),
        ];
        let total: u64 = parts.iter().map(|(_, _, count)| count).sum();
        let numbers = [grouped(parts[0].2), grouped(total), grouped(parts[2].2), grouped(parts[1].2)];
        let takeaway = if parts[0].2 == total {
            fill(t.share_all_clean, &[&numbers[1]])
        } else {
            fill(t.share_caption, &[&numbers[0], &numbers[1], &numbers[2], &numbers[3]])
        };
        let svg = chart::share(&takeaway, &parts.map(|(class, _, count)| (class, count)));
        let names: Vec<_> = parts.iter().map(|(class, name, _)| (*class, *name)).collect();
        let rows = parts
            .iter()
            .map(|(_, name, count)| vec![(*name).to_owned(), grouped(*count), share_text(*count, total)]);
        let table = table(&[t.outcome, t.count, "%"], rows);
        self.figure(t.share_title, &takeaway, html! { (svg) (chart::legend(&names)) }, table)
    }

    fn class_chart(&self) -> Markup {
        let t = self.t;
        let rows: Vec<(Code, u64)> = Code::ALL
            .into_iter()
            .filter(|code| !code.is_clean())
            .map(|code| (code, self.summary.outcome(code).count))
            .filter(|(_, count)| *count > 0)
            .collect();
        let total: u64 = rows.iter().map(|(_, count)| count).sum();
        // The first of equals, in order of report.
        let Some((code, most)) = rows.iter().rev().max_by_key(|(_, count)| *count) else { return html! {} };
        let takeaway = fill(t.class_caption, &[code.name(), &grouped(*most), &grouped(total)]);
        let bars: Vec<BarRow> = rows
            .iter()
            .map(|(code, count)| BarRow {
                label: code.name().to_owned(),
                parts: vec![(Class::of(*code), *count)],
            })
            .collect();
        let list = rows.iter().map(|(code, count)| vec![code.name().to_owned(), grouped(*count)]);
        let table = table(&[t.outcome, t.count], list);
        self.two_class_chart(t.class_title, &takeaway, chart::bars(&takeaway, &bars), table)
    }

    fn amount_chart(&self) -> Markup {
        let t = self.t;
        let stats = &self.written.stats;
        let [clean, pending, differences] = Class::ALL.map(|class| stats.amounts(class));
        let used = |at: &usize| clean[*at] + differences[*at] + pending[*at] > 0;
        let Some(first) = (0..AMOUNT_BUCKETS).find(used) else { return html! {} };
        let last = (0..AMOUNT_BUCKETS).rfind(used).unwrap_or(first);
        let total: u64 = differences.iter().sum();
        let most = (first..=last).rev().max_by_key(|at| differences[*at]).unwrap_or(first);
        let takeaway = if total == 0 {
            format!("{} {}", grouped(pending.iter().sum()), t.pending)
        } else {
            fill(t.amount_caption, &[&grouped(differences[most]), &grouped(total), &self.bucket_name(most)])
        };
        let rows: Vec<BarRow> = (first..=last)
            .map(|at| BarRow {
                label: self.bucket_name(at),
                parts: vec![(Class::Difference, differences[at]), (Class::Pending, pending[at])],
            })
            .collect();
        // Bars of everything would hide what differs, so the matched are told as numbers.
        let list = (first..=last).map(|at| {
            let all = clean[at] + differences[at] + pending[at];
            let counts = [differences[at], pending[at], clean[at], all].map(grouped);
            let share = share_text(differences[at], all.max(1));
            std::iter::once(self.bucket_name(at)).chain(counts).chain([share]).collect()
        });
        let head = [t.amount_bucket, t.differences, t.pending, t.clean, t.all, t.share_of_differences];
        let svg = chart::bars(&takeaway, &rows);
        self.two_class_chart(t.amount_title, &takeaway, svg, table(&head, list))
    }

    fn bucket_name(&self, bucket: usize) -> String {
        let power = |n: usize| grouped_decimal(&format!("1{}", "0".repeat(n)));
        match bucket {
            0 => "0".to_owned(),
            1 => self.t.below_one.to_owned(),
            n => format!("{} – {}", power(n - 2), power(n - 1)),
        }
    }

    fn day_chart(&self) -> Markup {
        let t = self.t;
        let stats = &self.written.stats;
        let [_, pending_class, difference_class] = Class::ALL.map(|class| class as usize);
        let row = |label: String, counts: [u64; 3]| BarRow {
            label,
            parts: vec![
                (Class::Difference, counts[difference_class]),
                (Class::Pending, counts[pending_class]),
            ],
        };
        let days: Vec<_> =
            stats.days().iter().filter(|(_, c)| c[pending_class] + c[difference_class] > 0).collect();
        let hidden = days.len().saturating_sub(DAYS_SHOWN);
        let mut earlier = stats.days().earlier();
        for (_, counts) in &days[..hidden] {
            (0..3).for_each(|class| earlier[class] += counts[class]);
        }
        let mut rows = Vec::new();
        if earlier[pending_class] + earlier[difference_class] > 0 {
            rows.push(row(t.earlier.to_owned(), earlier));
        }
        let name = |day: i32| day_text(i64::from(day)).unwrap_or_else(|| day.to_string());
        rows.extend(days[hidden..].iter().map(|(day, counts)| row(name(*day), *counts)));
        let undated = Class::ALL.map(|class| stats.undated(class));
        if undated[pending_class] + undated[difference_class] > 0 {
            rows.push(row(t.undated.to_owned(), undated));
        }
        let total: u64 = rows.iter().map(|row| row.parts[0].1).sum();
        let Some(most) = rows.iter().rev().max_by_key(|row| row.parts[0].1) else { return html! {} };
        let takeaway = if total == 0 {
            format!("{} {}", grouped(rows.iter().map(|row| row.parts[1].1).sum()), t.pending)
        } else {
            fill(t.day_caption, &[&most.label, &grouped(most.parts[0].1), &grouped(total)])
        };
        self.two_class_figure(t.day_title, t.day, &takeaway, &rows, chart::columns(&takeaway, &rows))
    }

    fn two_class_figure(
        &self,
        heading: &str,
        first: &str,
        takeaway: &str,
        rows: &[BarRow],
        svg: Markup,
    ) -> Markup {
        let t = self.t;
        let list = rows.iter().map(|row| {
            let counts = row.parts.iter().map(|(_, count)| grouped(*count));
            std::iter::once(row.label.clone()).chain(counts).collect()
        });
        self.two_class_chart(heading, takeaway, svg, table(&[first, t.differences, t.pending], list))
    }

    fn two_class_chart(&self, heading: &str, takeaway: &str, svg: Markup, table: Markup) -> Markup {
        let names = [(Class::Difference, self.t.differences), (Class::Pending, self.t.pending)];
        self.figure(heading, takeaway, html! { (svg) (chart::legend(&names)) }, table)
    }

    fn figure(&self, heading: &str, takeaway: &str, chart: Markup, table: Markup) -> Markup {
        html! {
            figure {
                figcaption { span.heading { (heading) } (takeaway) }
                (chart)
                details { summary { (self.t.as_table) } (table) }
            }
        }
    }
}
