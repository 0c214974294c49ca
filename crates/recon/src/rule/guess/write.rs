//! The guess as a commented rules file.

use super::keys::Keys;
use super::money::{CurrencyGuess, MoneyGuess};
use super::times::{DateGuess, TimeGuess};
use super::words::WordsGuess;
use super::{Finding, Guess, Profiles, Sample, Sureness, grouped};
use crate::record::Side;
use crate::rule::canonical::{bare, quote};
use crate::rule::{AmountUnit, Encoding, Format};

/// All that was found.
pub(super) struct Found<'f, 's> {
    pub(super) samples: [&'s Sample; 2],
    pub(super) profiles: &'f Profiles<'s>,
    pub(super) keys: &'f Keys,
    pub(super) rows_met: usize,
    pub(super) currency: [CurrencyGuess; 2],
    pub(super) amount: [Option<MoneyGuess>; 2],
    pub(super) fee: [Option<MoneyGuess>; 2],
    pub(super) time: [Option<TimeGuess>; 2],
    pub(super) date: [Option<DateGuess>; 2],
    pub(super) status: [Option<WordsGuess>; 2],
    pub(super) kind: [Option<WordsGuess>; 2],
    /// Batch, original and account by side: named but not evident, so only proposed.
    pub(super) texts: [[Option<usize>; 2]; 3],
}

/// The longest file name in the name of the rules.
const FILE_CHARS_MAX: usize = 100;

pub(super) fn write(found: &Found<'_, '_>) -> Guess {
    let mut out = Out { text: String::new(), findings: Vec::new() };
    let files = found.samples.map(|sample| shown(&sample.file, FILE_CHARS_MAX));
    out.comment(&format!("Rules guessed from {} and {}.", files[0], files[1]));
    out.comment("Each guess says how sure it is. Read them before you rely on them, and try them with");
    out.comment("`suanpan reconcile check`. Every setting is described in docs/reference/rules.md.");
    if found.rows_met == 0 {
        out.comment("");
        out.comment(
            "No sampled keys meet, so all of this is by names and shapes. Where the files are large and",
        );
        out.comment("in different orders, samples of the same period or sorted files show more.");
    }
    out.line("version = 1");
    out.line(&format!("name = {}", quote(&format!("{} against {}", files[0], files[1]))));
    out.line("");
    out.line("[keys]");
    if !found.keys.null_words.is_empty() {
        out.comment("these stand in key columns again and again");
    }
    let nulls: Vec<String> = found.keys.null_words.iter().map(|word| quote(word)).collect();
    out.line(&format!("null = [{}]", nulls.join(", ")));
    if found.keys.fold_case {
        out.comment("keys meet only without regard to case");
    }
    out.line(&format!("fold_case = {}", found.keys.fold_case));
    for side in Side::BOTH {
        write_side(&mut out, found, side);
    }
    write_passes(&mut out, found);
    Guess { text: out.text, findings: out.findings, rows_met: found.rows_met }
}

fn write_side(out: &mut Out, found: &Found<'_, '_>, side: Side) {
    let at = side.index();
    let sample = found.samples[at];
    let profiles = &found.profiles[at];
    out.line("");
    out.line(&format!("[{}]", side.name()));
    let rows = profiles.first().map_or(0, |column| column.values.len());
    let all = if sample.whole && rows == sample.rows.len() { "all" } else { "the first" };
    out.comment(&format!(
        "{}: {all} {} rows were looked at",
        shown(&sample.file, FILE_CHARS_MAX),
        grouped(rows)
    ));
    let format = match sample.format {
        Format::Auto => "auto",
        Format::Csv => "csv",
        Format::Tsv => "tsv",
        Format::Ndjson => "ndjson",
        Format::Parquet => "parquet",
        Format::Statement => "statement",
    };
    out.line(&format!("format = {}", quote(format)));
    match sample.encoding {
        Encoding::Gb18030 if sample.format != Format::Parquet => out.line("encoding = \"gb18030\""),
        Encoding::Utf8 if sample.format != Format::Parquet => out.line("encoding = \"utf-8\""),
        _ => {}
    }
    let delimiter = sample.delimiter;
    let can_delimit =
        delimiter == b'\t' || (delimiter.is_ascii_punctuation() && delimiter != b'"') || delimiter == b' ';
    if matches!(sample.format, Format::Csv | Format::Auto) && delimiter != b',' && can_delimit {
        out.line(&format!("delimiter = {}", quote(&char::from(delimiter).to_string())));
    }
    if !sample.has_header && matches!(sample.format, Format::Csv | Format::Tsv | Format::Auto) {
        out.line("header = false");
    }
    out.line("");
    out.line(&format!("[{}.fields]", side.name()));

    let name = |column: usize| profiles[column].name.as_str();
    let mut used: Vec<usize> = Vec::new();
    for (number, key) in found.keys.list.iter().enumerate() {
        let columns: Vec<String> = key.columns[at].iter().map(|column| quote(name(*column))).collect();
        used.extend(&key.columns[at]);
        let value =
            if let [column] = &columns[..] { column.clone() } else { format!("[{}]", columns.join(", ")) };
        out.found(side, &format!("k{}", number + 1), &key.finding, &value, false);
    }
    if found.keys.list.is_empty() {
        let finding = Finding::unsure("k1", "no column looks like a key: put yours here");
        out.found(side, "k1", &finding, &quote(&placeholder(found, at, "id")), false);
    }
    let currency = &found.currency[at];
    used.extend(currency.column);
    out.found(side, "currency", &currency.finding, &currency_value(currency, &name), false);
    match &found.amount[at] {
        Some(amount) => {
            used.push(amount.column);
            out.found(side, "amount", &amount.finding, &amount_value(amount, &name), false);
        }
        None => {
            let finding = Finding::unsure("amount", "no column looks like an amount: put yours here");
            let value =
                format!("{{ column = {}, unit = \"decimal\" }}", quote(&placeholder(found, at, "amount")));
            out.found(side, "amount", &finding, &value, false);
        }
    }
    if let Some(fee) = &found.fee[at] {
        used.push(fee.column);
        let alone = found.fee[1 - at].is_none();
        if alone {
            out.comment("only this side has a fee, so nothing is compared");
        }
        out.found(side, "fee", &fee.finding, &amount_value(fee, &name), alone);
    }
    for (setting, words) in [("type", &found.kind[at]), ("status", &found.status[at])] {
        let Some(words) = words else { continue };
        used.push(words.column);
        let same = words.map.iter().all(|(from, to, _)| from == to);
        for (from, to, evidence) in &words.map {
            out.comment(&format!("  {from} -> {to}: {evidence}"));
        }
        let pairs: Vec<String> =
            words.map.iter().map(|(from, to, _)| format!("{} = {}", bare(from), quote(to))).collect();
        let value = match same || pairs.is_empty() {
            true => quote(name(words.column)),
            false => {
                format!("{{ column = {}, map = {{ {} }} }}", quote(name(words.column)), pairs.join(", "))
            }
        };
        out.found(side, setting, &words.finding, &value, words.alone);
    }
    if let Some(time) = &found.time[at] {
        used.push(time.column);
        let zone = time.zone.as_ref().map(|zone| format!(", zone = {}", quote(zone))).unwrap_or_default();
        let value =
            format!("{{ column = {}, format = {}{zone} }}", quote(name(time.column)), quote(time.format));
        out.found(side, "time", &time.finding, &value, false);
    }
    if let Some(date) = &found.date[at] {
        let value = match date.column {
            Some((column, format)) => {
                used.push(column);
                format!("{{ column = {}, format = {} }}", quote(name(column)), quote(format))
            }
            None => format!("{{ from = \"time\", zone = {} }}", quote(&date.zone)),
        };
        out.found(side, "date", &date.finding, &value, false);
    }
    for (setting, columns) in ["batch", "original", "account"].iter().zip(&found.texts) {
        if let Some(column) = columns[at].filter(|column| !used.contains(column)) {
            used.push(column);
            let finding = Finding::unsure(setting, "by the name alone; passes of other kinds can use it");
            out.found(side, setting, &finding, &quote(name(column)), true);
        }
    }
    let unused: Vec<&str> =
        (0..profiles.len()).filter(|column| !used.contains(column)).take(40).map(name).collect();
    if !unused.is_empty() {
        out.comment(&format!("not used: {}", unused.join(", ")));
    }
}

/// A column to name where none was found: one that exists and is free, if there is one.
fn placeholder(found: &Found<'_, '_>, side: usize, otherwise: &str) -> String {
    let words =
        [&found.status[side], &found.kind[side]].map(|guess| guess.as_ref().map(|words| words.column));
    let free =
        |column: &usize| !words.contains(&Some(*column)) && found.currency[side].column != Some(*column);
    let column = (0..found.profiles[side].len()).find(free);
    column.map_or_else(
        || {
            let sample = found.samples[side];
            let named = sample.has_header || matches!(sample.format, Format::Ndjson | Format::Parquet);
            if named { otherwise.to_owned() } else { "#1".to_owned() }
        },
        |column| found.profiles[side][column].name.clone(),
    )
}

fn write_passes(out: &mut Out, found: &Found<'_, '_>) {
    out.line("");
    out.comment("Compares type, currency, amount, status and fee, as far as both sides declare them.");
    out.line("[[passes]]");
    out.line("kind = \"exact\"");
    out.line("key = \"k1\"");
    for (number, key) in found.keys.list.iter().enumerate().skip(1) {
        if key.finding.sureness >= Sureness::Likely {
            out.line("");
            out.comment("What the first key leaves over is tried by this one.");
            out.line("[[passes]]");
            out.line("kind = \"exact\"");
            out.line(&format!("key = \"k{}\"", number + 1));
        }
    }
    out.line("");
    let dated = found.date.iter().all(Option::is_some);
    out.comment("One-sided records of the last days may still arrive: pending, not missing.");
    let mark = if dated { "" } else { " (both sides need a `date`)" };
    out.comment(&format!("[close]{mark}"));
    out.comment("pending_days = 1");
}

fn currency_value<'n>(currency: &CurrencyGuess, name: &impl Fn(usize) -> &'n str) -> String {
    let Some(column) = currency.column else {
        return format!("{{ value = {} }}", quote(currency.fixed.code()));
    };
    let map: Vec<String> =
        currency.map.iter().map(|(word, to)| format!("{} = {}", bare(word), quote(to.code()))).collect();
    let map = if map.is_empty() { String::new() } else { format!(", map = {{ {} }}", map.join(", ")) };
    format!("{{ column = {}{map} }}", quote(name(column)))
}

fn amount_value<'n>(amount: &MoneyGuess, name: &impl Fn(usize) -> &'n str) -> String {
    let unit = match amount.unit {
        AmountUnit::Decimal => "decimal",
        AmountUnit::Minor => "minor",
    };
    let mut value = format!("{{ column = {}, unit = \"{unit}\"", quote(name(amount.column)));
    if amount.negate {
        value.push_str(", negate = true");
    }
    if let Some((column, words)) = &amount.negate_when {
        let words: Vec<String> = words.iter().map(|word| quote(word)).collect();
        value.push_str(&format!(
            ", negate_when = {{ column = {}, in = [{}] }}",
            quote(name(*column)),
            words.join(", ")
        ));
    }
    if amount.groups {
        let separator = if amount.decimal_comma { "." } else { "," };
        value.push_str(&format!(", group_separator = \"{separator}\""));
    }
    if amount.decimal_comma {
        value.push_str(", decimal_mark = \",\"");
    }
    value.push_str(" }");
    value
}

/// Writes outside text so that it can break neither a line nor a comment.
fn shown(text: &str, chars_max: usize) -> String {
    text.chars().take(chars_max).map(|c| if c.is_control() { '?' } else { c }).collect()
}

struct Out {
    text: String,
    findings: Vec<Finding>,
}

impl Out {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn comment(&mut self, comment: &str) {
        let line = format!("# {}", shown(comment, 2_000));
        self.line(line.trim_end());
    }

    /// Writes a setting under its evidence, or only proposes it as a comment.
    fn found(&mut self, side: Side, setting: &str, finding: &Finding, value: &str, proposed: bool) {
        self.comment(&finding.comment());
        let line = format!("{setting} = {value}");
        if proposed {
            self.comment(&line)
        } else {
            self.line(&line)
        }
        let setting = format!("{}.fields.{setting}", side.name());
        self.findings.push(Finding { setting, ..finding.clone() });
    }
}
