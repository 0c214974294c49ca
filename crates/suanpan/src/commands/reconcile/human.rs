//! A run in words: a table of outcomes, the identity line of each currency, the verdict, the files.

use super::perform::Outcome;
use crate::numbers::{duration, grouped, grouped_decimal, per_second, short, size};
use crate::terminal::{Paint, harmless};
use std::path::Path;
use std::time::Duration;
use suanpan_recon::outcome::Code;
use suanpan_recon::record::Side;
use suanpan_recon::report::{Bridge, Class, OutcomeSummary, RunVerdict, SideSummary, Summary};
use suanpan_recon::run::{Options, Plan, Strategy};

/// Writes a summary for people.
pub(crate) fn summary(outcome: &Outcome, out: &Path, paint: Paint) -> String {
    let summary = &outcome.summary;
    let mut text = table(&outcome_rows(summary));
    text.push('\n');
    for (name, side) in [("left", &summary.left), ("right", &summary.right)] {
        text.push_str(&side_line(name, side));
    }
    text.push('\n');
    for (currency, bridge) in &summary.bridge {
        text.push_str(&identity(currency, bridge, paint));
    }
    text.push_str(&verdict(summary, paint));
    text.push_str(&timings(summary, paint));
    text.push('\n');
    for name in ["report.html", "summary.json"] {
        text.push_str(&format!("{}\n", out.join(name).display()));
    }
    for file in summary.files.iter().filter(|file| file.rows.is_some_and(|rows| rows > 0)) {
        let rows = grouped(file.rows.unwrap_or(0));
        text.push_str(&format!(
            "{}  {}\n",
            out.join(&file.name).display(),
            paint.dim(&format!("{rows} rows"))
        ));
    }
    text
}

/// One row of the table a code and currency; codes that did not occur are left out.
fn outcome_rows(summary: &Summary) -> Vec<[String; 6]> {
    let mut rows = vec![["outcome", "count", "currency", "left", "right", "left - right"].map(str::to_owned)];
    for (name, outcome) in &summary.outcomes.0 {
        if outcome.count == 0 {
            continue;
        }
        let mut label = [name.clone(), grouped(outcome.count)];
        for amounts in amounts_of(outcome) {
            let [name, count] = std::mem::take(&mut label);
            let [currency, left, right, delta] = amounts;
            rows.push([name, count, currency, left, right, delta]);
        }
    }
    rows
}

fn amounts_of(outcome: &OutcomeSummary) -> Vec<[String; 4]> {
    if outcome.amounts.is_empty() {
        return vec![Default::default()];
    }
    let one = |(currency, amounts): (&String, &suanpan_recon::report::OutcomeAmounts)| {
        let money = |text: &str| grouped_decimal(text);
        let (left, right) = (money(&amounts.left.amount), money(&amounts.right.amount));
        [currency.clone(), left, right, money(&amounts.delta.amount)]
    };
    outcome.amounts.iter().map(one).collect()
}

/// Aligns columns: names to the left, numbers to the right.
fn table(rows: &[[String; 6]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    let mut text = String::new();
    for row in rows {
        let cell = |(at, cell): (usize, &String)| match at {
            0 | 2 => format!("{cell:<0$}", widths[at]),
            _ => format!("{cell:>0$}", widths[at]),
        };
        let cells: Vec<String> = row.iter().enumerate().map(cell).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

fn side_line(name: &str, side: &SideSummary) -> String {
    let mut parts = vec![format!("{} records", grouped(side.records))];
    if side.files != 1 {
        parts.push(format!("{} files", grouped(side.files)));
    }
    if side.open_items_in > 0 {
        parts.push(format!("{} open items carried in", grouped(side.open_items_in)));
    }
    if side.rejected > 0 {
        parts.push(format!("{} rejected", grouped(side.rejected)));
    }
    for (rule, count) in side.skipped.iter().filter(|(_, count)| **count > 0) {
        parts.push(format!("{} skipped as {}", grouped(*count), harmless(rule)));
    }
    format!("{name:<6} {}\n", parts.join(", "))
}

/// `CNY  left 185.17 - right 202.81 = -17.64, all of it explained ✓`, then what explains it.
fn identity(currency: &str, bridge: &Bridge, paint: Paint) -> String {
    let money = |money: &suanpan_recon::report::Money| grouped_decimal(&money.amount);
    let proven = bridge.residual.minor == "0";
    let mark = if proven { paint.green("\u{2713}") } else { paint.red("\u{2717}") };
    let mut text = format!(
        "{}  left {} - right {} = {}; unexplained {} {mark}\n",
        paint.bold(currency),
        money(&bridge.left_total),
        money(&bridge.right_total),
        money(&bridge.difference),
        money(&bridge.residual),
    );
    let lines: Vec<_> = bridge.lines.iter().filter(|line| line.contribution.minor != "0").collect();
    let width = lines.iter().map(|line| money(&line.contribution).len()).max().unwrap_or(0);
    for line in lines {
        text.push_str(&format!("       {:>width$}  {}\n", money(&line.contribution), line.code));
    }
    text
}

fn verdict(summary: &Summary, paint: Paint) -> String {
    let name = summary.verdict.name();
    let painted = match summary.verdict {
        RunVerdict::Reconciled | RunVerdict::ReconciledWithPending => paint.green(name),
        RunVerdict::Breaks => paint.red(name),
        RunVerdict::Incomplete => paint.yellow(name),
    };
    let (differences, pending) = (summary.count(Class::Difference), summary.count(Class::Pending));
    let mut text =
        format!("\n{painted}  {} differences, {} pending\n", grouped(differences), grouped(pending));
    for missing in &summary.missing {
        text.push_str(&format!("missing: {}\n", harmless(missing)));
    }
    text
}

fn timings(summary: &Summary, paint: Paint) -> String {
    let all: u64 = summary.timings.iter().map(|phase| phase.ms).sum();
    let time = Duration::from_millis(all);
    let rows: u64 = summary.inputs.iter().map(|input| input.rows).sum();
    let bytes: u64 = summary.inputs.iter().map(|input| input.bytes).sum();
    let mut text = format!("{} rows, {} in {}", grouped(rows), size(bytes), duration(time));
    if let (Some(rows), Some(bytes)) = (per_second(rows, time), per_second(bytes, time)) {
        text.push_str(&format!(" ({} rows/s, {}/s)", short(rows), size(bytes)));
    }
    let phases: Vec<String> = summary
        .timings
        .iter()
        .filter(|phase| phase.ms > 0)
        .map(|phase| format!("{} {}", phase.phase, duration(Duration::from_millis(phase.ms))))
        .collect();
    text.push_str(&format!("; peak memory {}", size(summary.peak_rss_bytes)));
    if !phases.is_empty() {
        text.push_str(&format!("; {}", phases.join(", ")));
    }
    format!("{}\n", paint.dim(&text))
}

/// Names the first rejected rows, a line each: what, where, and where all of them are.
pub(super) fn rejected(outcome: &Outcome, out: &Path) -> Vec<String> {
    let Some(samples) = outcome.written.samples.get(&Code::Rejected) else { return Vec::new() };
    let mut lines: Vec<String> = samples
        .iter()
        .map(|row| {
            let place = match row.get("column") {
                "" => format!("{}:{}", row.get("file"), row.get("row")),
                column => format!("{}:{}:{column}", row.get("file"), row.get("row")),
            };
            let place = harmless(&place);
            format!("rejected[{}] {place}: {}", row.get("reason"), harmless(row.get("message")))
        })
        .collect();
    let all: u64 = Side::BOTH.into_iter().map(|side| outcome.written.stats.rejected(side)).sum();
    let path = out.join("rejected.csv");
    lines.push(format!("  next:  all {} rejected rows are in {}", grouped(all), path.display()));
    lines
}

/// Writes a plan for people.
pub(super) fn plan(plan: &Plan, options: &Options, missing: &[String]) -> String {
    let strategy = match plan.strategy {
        Strategy::Memory => "memory: compact rows in memory",
        Strategy::Sketch => "sketch: a sketch of the difference, then the records that differ",
        Strategy::Spill => "spill: compact rows, most of them on disk",
        Strategy::Full => "full: every row in full",
    };
    let rows = plan.estimate.rows;
    let files: usize = options.inputs.iter().map(Vec::len).sum();
    let mut text = format!("strategy  {strategy}\n");
    for reason in &plan.reasons {
        text.push_str(&format!("because   {reason}\n"));
    }
    text.push_str(&format!(
        "inputs    {files} files, {}, about {} rows\n",
        size(plan.estimate.bytes),
        grouped(rows)
    ));
    text.push_str(&format!(
        "memory    {} at most; records in full go to disk beyond {}\n",
        size(plan.memory_bytes as u64),
        size(plan.pool_bytes as u64)
    ));
    text.push_str(&format!(
        "work      {} parts, {} threads, {} instructions\n",
        1_u64 << plan.partition_bits,
        plan.threads,
        plan.kernel
    ));
    for missing in missing {
        text.push_str(&format!("missing   {}\n", harmless(missing)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_end_without_blanks() {
        let row = |cells: [&str; 6]| cells.map(str::to_owned);
        let text = table(&[
            row(["outcome", "count", "currency", "left", "right", "left - right"]),
            row(["MATCHED", "1,000", "CNY", "10.00", "10.00", "0.00"]),
            row(["", "", "JPY", "7", "7", "0"]),
            row(["REJECTED", "1", "", "", "", ""]),
        ]);
        assert_eq!(
            text,
            "\
outcome   count  currency   left  right  left - right
MATCHED   1,000  CNY       10.00  10.00          0.00
                 JPY           7      7             0
REJECTED      1
"
        );
    }
}
