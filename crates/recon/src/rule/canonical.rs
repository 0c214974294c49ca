//! Rules as text again: every setting written out, and a digest of it.

use super::check::field_name;
use super::{
    AmountField, AmountUnit, Column, CurrencyField, DateField, Encoding, Field, Format, PassKind, Rules,
    SideRules, Strength, Test, Tolerance, Unmapped, WordField, WordTest,
};
use crate::record::Side;
use crate::time::format_date;
use std::fmt::Write as _;

impl Rules {
    /// Writes the rules as TOML with every setting spelt out. Reading the text gives the same rules.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut out = Out { text: String::new() };
        out.set("version", "1");
        out.set("name", &quote(&self.name));
        out.set("flag_duplicates_on_both_sides", &self.flag_duplicates_on_both_sides.to_string());
        out.head("[keys]");
        out.set("null", &list(&self.null_keys));
        out.set("fold_case", &self.fold_key_case.to_string());
        for side in Side::BOTH {
            write_side(&mut out, side.name(), &self.sides[side.index()]);
        }
        for pass in &self.passes {
            out.head("[[passes]]");
            out.set("name", &quote(&pass.name));
            let strength = match pass.strength {
                Strength::Automatic => "automatic",
                Strength::Suggest => "suggest",
            };
            out.set("strength", &quote(strength));
            write_pass(&mut out, &pass.kind);
        }
        out.head("[close]");
        out.maybe("pending_days", self.close.pending_days.map(|n| n.to_string()));
        out.maybe("as_of", self.close.as_of.map(|days| quote(&format_date(days))));
        out.maybe("runs_max", self.close.runs_max.map(|n| n.to_string()));
        out.head("[expect]");
        for side in Side::BOTH {
            out.set(side.name(), &list(&self.expect.names[side.index()]));
            out.set(&format!("{}_files_min", side.name()), &self.expect.files_min[side.index()].to_string());
        }
        out.text
    }

    /// Returns a digest of what the rules say: 64 hexadecimal digits of BLAKE3. Comments, the order of
    /// settings and settings that only repeat a default do not change it.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut plain = self.clone();
        sort(&mut plain.null_keys);
        for side in &mut plain.sides {
            for field in [&mut side.kind, &mut side.status].into_iter().flatten() {
                field.map.sort();
            }
            if let CurrencyField::Column { map, .. } = &mut side.currency {
                map.sort();
            }
            let amounts = [Some(&mut side.amount), side.fee.as_mut()].into_iter().flatten();
            let tests = amounts.filter_map(|amount| amount.negate_when.as_mut());
            for test in tests.chain(side.skip.iter_mut().map(|skip| &mut skip.when)) {
                if let Test::In(words) | Test::NotIn(words) | Test::Prefix(words) = &mut test.test {
                    sort(words);
                }
            }
        }
        plain.expect.names.iter_mut().for_each(sort);
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"suanpan rules 1\n");
        hasher.update(plain.to_toml().as_bytes());
        hasher.finalize().to_hex().to_string()
    }
}

fn sort(texts: &mut Vec<String>) {
    texts.sort();
    texts.dedup();
}

fn write_side(out: &mut Out, name: &str, side: &SideRules) {
    out.head(&format!("[{name}]"));
    let (format, delimited) = match side.format {
        Format::Auto => ("auto", true),
        Format::Csv => ("csv", true),
        Format::Tsv => ("tsv", true),
        Format::Ndjson => ("ndjson", false),
        Format::Parquet => ("parquet", false),
        Format::Statement => ("statement", false),
    };
    out.set("format", &quote(format));
    if !matches!(side.format, Format::Parquet | Format::Statement) {
        let encoding = match side.encoding {
            Encoding::Auto => "auto",
            Encoding::Utf8 => "utf-8",
            Encoding::Gb18030 => "gb18030",
        };
        out.set("encoding", &quote(encoding));
    }
    if delimited {
        out.set("delimiter", &quote(&char::from(side.delimiter).to_string()));
        out.set("quote", &quote(&side.quote.map(char::from).map(String::from).unwrap_or_default()));
        out.set("header", &side.header.to_string());
        out.set("skip_lines", &side.skip_lines.to_string());
    }
    out.head(&format!("[{name}.fields]"));
    for (number, key) in side.keys.iter().enumerate() {
        let columns: Vec<String> = key.columns.iter().map(|column| column.0.clone()).collect();
        out.set(&format!("k{}", number + 1), &list(&columns));
    }
    out.maybe("type", side.kind.as_ref().map(word_field));
    out.set("currency", &currency_field(&side.currency));
    out.set("amount", &amount_field(&side.amount));
    out.maybe("fee", side.fee.as_ref().map(amount_field));
    out.maybe("status", side.status.as_ref().map(word_field));
    let time = side.time.as_ref();
    out.maybe(
        "time",
        time.map(|time| {
            table(&[
                ("column", column(&time.column)),
                ("format", quote(&time.format)),
                ("zone", quote(&time.zone)),
            ])
        }),
    );
    out.maybe("date", side.date.as_ref().map(date_field));
    for (name, field) in [
        ("batch", &side.batch),
        ("original", &side.original),
        ("account", &side.account),
        ("line", &side.line),
    ] {
        out.maybe(name, field.as_ref().map(column));
    }
    for skip in &side.skip {
        out.head(&format!("[[{name}.skip]]"));
        out.set("name", &quote(&skip.name));
        for (name, value) in test_settings(&skip.when) {
            out.set(name, &value);
        }
    }
}

fn write_pass(out: &mut Out, kind: &PassKind) {
    match kind {
        PassKind::Exact { key, compare, tolerance, aggregate } => {
            out.set("kind", "\"exact\"");
            out.set("key", &quote(&format!("k{}", key + 1)));
            out.set("compare", &fields(compare));
            out.set("tolerance", &tolerance_field(*tolerance));
            out.set("aggregate", &aggregate.to_string());
        }
        PassKind::Net { eq, within_s } => {
            out.set("kind", "\"net\"");
            out.set("eq", &fields(eq));
            out.maybe("within_s", within_s.map(|n| n.to_string()));
        }
        PassKind::Window { eq, tolerance, days_min, days_max } => {
            out.set("kind", "\"window\"");
            write_eq(out, eq);
            out.set("tolerance", &tolerance_field(*tolerance));
            out.set("days_min", &days_min.to_string());
            out.set("days_max", &days_max.to_string());
        }
        PassKind::Batch { eq, net_of_fees, tolerance } => {
            out.set("kind", "\"batch\"");
            out.set("eq", &fields(eq));
            out.set("net_of_fees", &net_of_fees.to_string());
            out.set("tolerance", &tolerance_field(*tolerance));
        }
        PassKind::Subset { eq, one, candidates_max, steps_max, tolerance, days_min, days_max } => {
            out.set("kind", "\"subset\"");
            write_eq(out, eq);
            out.set("one", &quote(one.name()));
            out.set("candidates_max", &candidates_max.to_string());
            out.set("steps_max", &steps_max.to_string());
            out.set("tolerance", &tolerance_field(*tolerance));
            out.set("days_min", &days_min.to_string());
            out.set("days_max", &days_max.to_string());
        }
    }
}

fn write_eq(out: &mut Out, eq: &[Field]) {
    if eq.is_empty() {
        out.set("whole", "true");
    } else {
        out.set("eq", &fields(eq));
    }
}

fn word_field(field: &WordField) -> String {
    let Some(from) = &field.column else { return table(&[("value", quote(&field.default))]) };
    let map: Vec<(&str, String)> = field.map.iter().map(|(word, to)| (word.as_str(), quote(to))).collect();
    let unmapped = match field.unmapped {
        Unmapped::Keep => "keep",
        Unmapped::Reject => "reject",
    };
    table(&[
        ("column", column(from)),
        ("map", table(&map)),
        ("unmapped", quote(unmapped)),
        ("default", quote(&field.default)),
    ])
}

fn currency_field(field: &CurrencyField) -> String {
    match field {
        CurrencyField::Fixed(currency) => table(&[("value", quote(currency.code()))]),
        CurrencyField::Column { column: from, map } => {
            let map: Vec<(&str, String)> =
                map.iter().map(|(word, to)| (word.as_str(), quote(to.code()))).collect();
            table(&[("column", column(from)), ("map", table(&map))])
        }
    }
}

fn amount_field(field: &AmountField) -> String {
    let unit = match field.unit {
        AmountUnit::Minor => "minor",
        AmountUnit::Decimal => "decimal",
    };
    let mut settings =
        vec![("column", column(&field.column)), ("unit", quote(unit)), ("negate", field.negate.to_string())];
    settings.extend(field.negate_when.as_ref().map(|test| ("negate_when", table(&test_settings(test)))));
    settings
        .extend(field.group_separator.map(|byte| ("group_separator", quote(&char::from(byte).to_string()))));
    if field.decimal_mark != b'.' {
        settings.push(("decimal_mark", quote(&char::from(field.decimal_mark).to_string())));
    }
    table(&settings)
}

fn date_field(field: &DateField) -> String {
    match field {
        DateField::Column { column: from, format } => {
            table(&[("column", column(from)), ("format", quote(format))])
        }
        DateField::FromTime { zone, cut_off_s } => {
            let mut settings = vec![("from", quote("time")), ("zone", quote(zone))];
            settings.extend(cut_off_s.map(|s| {
                let clock = format!("{:02}:{:02}:{:02}", s / 3_600, s / 60 % 60, s % 60);
                ("cut_off", quote(&clock))
            }));
            table(&settings)
        }
    }
}

fn test_settings(test: &WordTest) -> Vec<(&'static str, String)> {
    let way = match &test.test {
        Test::In(words) => ("in", list(words)),
        Test::NotIn(words) => ("not_in", list(words)),
        Test::Prefix(words) => ("prefix", list(words)),
        Test::Empty => ("empty", "true".to_owned()),
        Test::NotEmpty => ("empty", "false".to_owned()),
    };
    vec![("column", column(&test.column)), way]
}

fn tolerance_field(tolerance: Tolerance) -> String {
    let percent = suanpan_money::format_minor(i64::from(tolerance.ppm), 4);
    table(&[("minor", tolerance.minor.to_string()), ("percent", quote(&percent))])
}

fn fields(fields: &[Field]) -> String {
    list(&fields.iter().map(|field| field_name(*field)).collect::<Vec<_>>())
}

fn column(column: &Column) -> String {
    quote(&column.0)
}

fn list(texts: &[String]) -> String {
    format!("[{}]", texts.iter().map(|text| quote(text)).collect::<Vec<_>>().join(", "))
}

fn table(settings: &[(&str, String)]) -> String {
    if settings.is_empty() {
        return "{}".to_owned();
    }
    let pairs: Vec<String> =
        settings.iter().map(|(name, value)| format!("{} = {value}", bare(name))).collect();
    format!("{{ {} }}", pairs.join(", "))
}

/// Writes a key bare where TOML allows it and it does not look like a number.
pub(super) fn bare(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if plain { name.to_owned() } else { quote(name) }
}

/// Writes a basic TOML string on one line.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

struct Out {
    text: String,
}

impl Out {
    fn head(&mut self, head: &str) {
        let _ = writeln!(self.text, "\n{head}");
    }

    fn set(&mut self, name: &str, value: &str) {
        let _ = writeln!(self.text, "{name} = {value}");
    }

    fn maybe(&mut self, name: &str, value: Option<String>) {
        if let Some(value) = value {
            self.set(name, &value);
        }
    }
}
