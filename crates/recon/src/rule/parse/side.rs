//! The tables `[left]` and `[right]`: what kind of file, and which column is which field.

use super::fault::FaultCode;
use super::table::Reader;
use crate::limits::{RULE_ENTRIES_MAX, SKIPS_MAX};
use crate::record::KEYS_MAX;
use crate::rule::{
    AmountField, AmountUnit, Column, CurrencyField, DateField, Encoding, Format, KeyField, SideRules,
    SkipRule, Test, TimeField, Unmapped, WordField, WordTest,
};
use crate::time::{DateReader, TimeFormatError, TimeReader, Zone, ZoneError, format_carries_offset};
use suanpan_money::Currency;

pub(super) const SIDE: &[&str] =
    &["format", "encoding", "delimiter", "quote", "header", "skip_lines", "fields", "skip"];
pub(super) const FIELDS: &[&str] = &[
    "k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8", "type", "currency", "amount", "fee", "status", "time",
    "date", "batch", "original", "account", "line",
];
pub(super) const WORD: &[&str] = &["column", "value", "map", "unmapped", "default"];
pub(super) const CURRENCY: &[&str] = &["column", "value", "map"];
pub(super) const AMOUNT: &[&str] =
    &["column", "unit", "negate", "negate_when", "group_separator", "decimal_mark"];
pub(super) const TEST: &[&str] = &["column", "in", "not_in", "prefix", "empty"];
pub(super) const TIME: &[&str] = &["column", "format", "zone"];
pub(super) const DATE: &[&str] = &["column", "format", "from", "zone", "cut_off"];
pub(super) const SKIP: &[&str] = &["name", "column", "in", "not_in", "prefix", "empty"];

/// The highest column number.
const COLUMNS_MAX: u32 = 65_535;

const FORMATS: &[(&str, Format)] = &[
    ("auto", Format::Auto),
    ("csv", Format::Csv),
    ("tsv", Format::Tsv),
    ("ndjson", Format::Ndjson),
    ("parquet", Format::Parquet),
    ("statement", Format::Statement),
];
const ENCODINGS: &[(&str, Encoding)] =
    &[("auto", Encoding::Auto), ("utf-8", Encoding::Utf8), ("gb18030", Encoding::Gb18030)];
const UNITS: &[(&str, AmountUnit)] = &[("decimal", AmountUnit::Decimal), ("minor", AmountUnit::Minor)];
const UNMAPPED: &[(&str, Unmapped)] = &[("keep", Unmapped::Keep), ("reject", Unmapped::Reject)];

/// Reads one side. `None` when a field that has no default is missing or faulty.
pub(super) fn read(side: &mut Reader<'_, '_, '_>) -> Option<SideRules> {
    let format = side.word("format", FORMATS).unwrap_or(Format::Auto);
    let encoding = side.word("encoding", ENCODINGS).unwrap_or(Encoding::Auto);
    let delimited = matches!(format, Format::Auto | Format::Csv | Format::Tsv);
    if !delimited {
        let text_only = match format {
            Format::Parquet => "a Parquet file",
            Format::Statement => "a statement",
            _ => "an NDJSON file",
        };
        for name in ["delimiter", "quote", "header", "skip_lines"] {
            if side.has(name) {
                side.fault(name, FaultCode::ImpossibleSetting, format!("{text_only} has no `{name}`"));
            }
        }
    }
    let own_encoding = match format {
        Format::Parquet => Some("the texts of Parquet are always UTF-8"),
        Format::Statement => Some("the format of a statement tells its encoding"),
        _ => None,
    };
    if let Some(message) = own_encoding.filter(|_| side.has("encoding") && encoding != Encoding::Auto) {
        side.fault("encoding", FaultCode::ImpossibleSetting, message.to_owned());
    }
    let tab = if format == Format::Tsv { b'\t' } else { b',' };
    let delimiter = read_delimiter(side, format).unwrap_or(tab);
    let quote = read_quote(side, delimiter);
    let header = side.boolean("header").unwrap_or(true);
    let skip_lines =
        side.integer("skip_lines", 0, 1_000_000).and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
    let skip = read_skips(side);
    let Some(mut fields) = side.table("fields", FIELDS) else {
        side.missing_unless_there("fields", "name at least the amount and the currency");
        return None;
    };

    let keys = read_keys(&mut fields);
    let kind = read_word(&mut fields, "type");
    let currency = read_currency(&mut fields);
    let amount = read_amount(&mut fields, "amount");
    if amount.is_none() {
        fields.missing_unless_there(
            "amount",
            "write { column = \"…\", unit = \"decimal\" } or unit = \"minor\"",
        );
    }
    let fee = read_amount(&mut fields, "fee");
    let status = read_word(&mut fields, "status");
    let time = read_time(&mut fields);
    let date = read_date(&mut fields, time.as_ref());
    let batch = read_column_field(&mut fields, "batch");
    let original = read_column_field(&mut fields, "original");
    let account = read_column_field(&mut fields, "account");
    let line = read_column_field(&mut fields, "line");
    Some(SideRules {
        format,
        encoding,
        delimiter,
        quote,
        header,
        skip_lines,
        keys: keys?,
        kind,
        currency: currency?,
        amount: amount?,
        fee,
        status,
        time,
        date,
        batch,
        original,
        account,
        line,
        skip,
    })
}

fn read_delimiter(side: &mut Reader<'_, '_, '_>, format: Format) -> Option<u8> {
    let text = side.text("delimiter")?;
    let &[byte] = text.as_bytes() else {
        side.fault("delimiter", FaultCode::BadValue, format!("`{text}` is not one ASCII character"));
        return None;
    };
    if matches!(byte, b'\n' | b'\r' | 0) || byte.is_ascii_alphanumeric() {
        side.fault("delimiter", FaultCode::BadValue, format!("{text:?} cannot separate columns"));
        return None;
    }
    if format == Format::Tsv && byte != b'\t' {
        side.fault("delimiter", FaultCode::ImpossibleSetting, "a TSV file is separated by tabs".to_owned())
            .help("write format = \"csv\" for other separators");
    }
    Some(byte)
}

fn read_quote(side: &mut Reader<'_, '_, '_>, delimiter: u8) -> Option<u8> {
    if !side.has("quote") {
        if delimiter == b'"' {
            side.fault("delimiter", FaultCode::ImpossibleSetting, "is also the quote".to_owned())
                .help("write quote = \"\" where quotes are plain characters");
        }
        return Some(b'"');
    }
    let text = side.text("quote")?;
    match *text.as_bytes() {
        [] => None,
        [byte] if byte == delimiter => {
            side.fault("quote", FaultCode::ImpossibleSetting, "is also the delimiter".to_owned());
            None
        }
        [byte] if byte.is_ascii_punctuation() => Some(byte),
        _ => {
            side.fault(
                "quote",
                FaultCode::BadValue,
                format!("{text:?} is not one ASCII punctuation character"),
            )
            .help("write quote = \"\" where quotes are plain characters");
            None
        }
    }
}

fn read_keys(fields: &mut Reader<'_, '_, '_>) -> Option<Vec<KeyField>> {
    let mut keys = Vec::new();
    let mut whole = true;
    let mut gap: Option<usize> = None;
    for number in 1..=KEYS_MAX {
        let name = format!("k{number}");
        let Some(value) = fields.value(&name) else {
            gap = gap.or(Some(number));
            continue;
        };
        if let Some(gap) = gap {
            let message = format!("`{name}` is there but `k{gap}` is not");
            fields.fault(&name, FaultCode::MissingSetting, message).help("number the keys without gaps");
            whole = false;
            continue;
        }
        let mut columns = Vec::new();
        if value.value.is_array() {
            let texts = fields.texts(&name);
            whole &= texts.is_some();
            for (at, text) in texts.unwrap_or_default().into_iter().enumerate() {
                columns.extend(column(fields, &format!("{name}[{}]", at + 1), text));
            }
            if columns.is_empty() && whole {
                fields.fault(&name, FaultCode::BadValue, "a key needs a column".to_owned());
            }
            for (at, twice) in columns.iter().enumerate() {
                if columns[..at].contains(twice) {
                    let message = format!("column `{}` is there twice", twice.0);
                    fields.fault(&format!("{name}[{}]", at + 1), FaultCode::BadValue, message);
                }
            }
        } else {
            let text = fields.text(&name);
            columns.extend(text.and_then(|text| column(fields, &name, text)));
        }
        whole &= !columns.is_empty();
        keys.push(KeyField { columns });
    }
    whole.then_some(keys)
}

fn read_column_field(fields: &mut Reader<'_, '_, '_>, name: &str) -> Option<Column> {
    let text = fields.text(name)?;
    column(fields, name, text)
}

/// Reads the setting `column` of a table, which must be there.
fn read_column(table: &mut Reader<'_, '_, '_>) -> Option<Column> {
    table.missing_unless_there("column", "name the column, or its place as \"#3\"");
    read_column_field(table, "column")
}

/// Checks the name of a column.
fn column(table: &mut Reader<'_, '_, '_>, name: &str, text: String) -> Option<Column> {
    if text.is_empty() {
        table.fault(name, FaultCode::BadValue, "the name of a column is empty".to_owned());
        return None;
    }
    let place = text.strip_prefix('#').filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
    if let Some(digits) = place
        && !digits.parse::<u32>().is_ok_and(|number| (1..=COLUMNS_MAX).contains(&number))
    {
        let message = format!("`{text}` is not the place of a column: they count from #1 to #{COLUMNS_MAX}");
        table.fault(name, FaultCode::BadValue, message);
        return None;
    }
    Some(Column(text))
}

fn read_word(fields: &mut Reader<'_, '_, '_>, name: &str) -> Option<WordField> {
    if fields.value(name)?.value.is_str() {
        let column = read_column_field(fields, name)?;
        let (map, default) = (Vec::new(), String::new());
        return Some(WordField { column: Some(column), map, unmapped: Unmapped::Keep, default });
    }
    let mut table = fields.table(name, WORD)?;
    if table.has("value") {
        for other in ["column", "map", "unmapped", "default"] {
            if table.has(other) {
                let message =
                    format!("with `value` every record has the same word, so `{other}` has no meaning");
                table.fault(other, FaultCode::ImpossibleSetting, message);
            }
        }
        let default = table.nonempty("value")?;
        return Some(WordField { column: None, map: Vec::new(), unmapped: Unmapped::Keep, default });
    }
    let column = read_column(&mut table);
    let map = read_map(&mut table, |_, word| Ok(word.to_owned()));
    let unmapped = table.word("unmapped", UNMAPPED).unwrap_or(Unmapped::Keep);
    let default = table.text("default").unwrap_or_default();
    if unmapped == Unmapped::Reject && map.is_empty() && !table.has("map") {
        table
            .fault("unmapped", FaultCode::MatchesNothing, "without a `map` this rejects every row".to_owned())
            .help("add the words to `map`, or write \"keep\"");
    }
    Some(WordField { column: Some(column?), map, unmapped, default })
}

/// Reads a map from the file's words, in the order of the text.
fn read_map<T>(
    table: &mut Reader<'_, '_, '_>,
    target: impl Fn(&str, &str) -> Result<T, String>,
) -> Vec<(String, T)> {
    let Some(mut words) = table.table("map", &[]) else { return Vec::new() };
    let entries = words.in_order();
    if entries.len() > RULE_ENTRIES_MAX {
        words.fault(
            "",
            FaultCode::Limit,
            format!("{} entries, and the limit is {RULE_ENTRIES_MAX}", entries.len()),
        );
        return Vec::new();
    }
    let mut map = Vec::with_capacity(entries.len());
    for (word, value) in entries {
        if word.is_empty() {
            words
                .fault(
                    word,
                    FaultCode::ImpossibleSetting,
                    "an empty value is never looked up in the map".to_owned(),
                )
                .help("give it a word with `default`");
            continue;
        }
        let Some(text) = words.text_of(word, value) else { continue };
        match target(word, &text) {
            Ok(target) => map.push((word.to_owned(), target)),
            Err(message) => {
                words.fault(word, FaultCode::BadValue, message);
            }
        }
    }
    map
}

fn read_currency(fields: &mut Reader<'_, '_, '_>) -> Option<CurrencyField> {
    let Some(value) = fields.value("currency") else {
        fields.missing("currency", "write { value = \"CNY\" }, or name the column");
        return None;
    };
    if let Some(text) = value.value.as_str() {
        if text.len() == 3 && Currency::parse(text).is_some() {
            let message = format!("`{text}` is a currency, but a column is wanted");
            fields.fault("currency", FaultCode::BadValue, message).help(format!(
                "write {{ value = \"{text}\" }}, or {{ column = \"{text}\" }} where a column has that name"
            ));
            return None;
        }
        let column = read_column_field(fields, "currency")?;
        return Some(CurrencyField::Column { column, map: Vec::new() });
    }
    let mut table = fields.table("currency", CURRENCY)?;
    if !table.has("value") {
        let map = read_map(&mut table, |_, code| {
            Currency::parse(code).ok_or_else(|| format!("`{code}` is not a currency of ISO 4217"))
        });
        return Some(CurrencyField::Column { column: read_column(&mut table)?, map });
    }
    for other in ["column", "map"] {
        if table.has(other) {
            let message =
                format!("with `value` every record has the same currency, so `{other}` has no meaning");
            table.fault(other, FaultCode::ImpossibleSetting, message);
        }
    }
    let code = table.text("value")?;
    let Some(currency) = Currency::parse(&code) else {
        let codes: Vec<&str> = Currency::all().map(Currency::code).collect();
        let added =
            table.fault("value", FaultCode::BadValue, format!("`{code}` is not a currency of ISO 4217"));
        match super::nearest(&code, codes.iter().copied()) {
            Some(near) => added.help(format!("did you mean `{near}`?")),
            None => added.help("write a letter code such as \"CNY\" or a numeric code such as \"156\""),
        }
        return None;
    };
    Some(CurrencyField::Fixed(currency))
}

fn read_amount(fields: &mut Reader<'_, '_, '_>, name: &str) -> Option<AmountField> {
    // A wrong guess would be wrong by a factor of a hundred, so the unit has no default.
    let help = "write \"decimal\" for major units (10.50) or \"minor\" for whole minor units (1050)";
    if let Some(text) = fields.value(name)?.value.as_str() {
        fields
            .fault(name, FaultCode::MissingSetting, "does not say the unit".to_owned())
            .help(format!("write {{ column = \"{text}\", unit = \"decimal\" }} or unit = \"minor\""));
        return None;
    }
    let mut table = fields.table(name, AMOUNT)?;
    let column = read_column(&mut table);
    table.missing_unless_there("unit", help);
    let unit = table.word("unit", UNITS);
    let negate = table.boolean("negate").unwrap_or(false);
    let decimal_mark = read_decimal_mark(&mut table, unit);
    let group_separator = read_group_separator(&mut table, decimal_mark);
    let negate_when = match table.table("negate_when", TEST) {
        Some(mut test) => Some(read_test(&mut test)?),
        None => None,
    };
    Some(AmountField { column: column?, unit: unit?, negate, negate_when, group_separator, decimal_mark })
}

fn read_decimal_mark(table: &mut Reader<'_, '_, '_>, unit: Option<AmountUnit>) -> u8 {
    let Some(text) = table.text("decimal_mark") else { return b'.' };
    if unit == Some(AmountUnit::Minor) {
        let message = "minor units are whole numbers, with no decimals to mark".to_owned();
        table.fault("decimal_mark", FaultCode::ImpossibleSetting, message);
    }
    match *text.as_bytes() {
        [byte @ (b'.' | b',')] => byte,
        _ => {
            let message = format!("{text:?} cannot stand before decimals");
            table.fault("decimal_mark", FaultCode::BadValue, message).help("write \".\" or \",\"");
            b'.'
        }
    }
}

fn read_group_separator(table: &mut Reader<'_, '_, '_>, decimal_mark: u8) -> Option<u8> {
    let text = table.text("group_separator")?;
    match *text.as_bytes() {
        [byte] if byte == decimal_mark && decimal_mark == b',' => {
            let message = format!("{text:?} stands before decimals here, so it cannot also be this");
            table.fault("group_separator", FaultCode::ImpossibleSetting, message);
            None
        }
        [b'.'] if decimal_mark == b',' => Some(b'.'),
        [byte @ (b',' | b' ' | b'\'' | b'_')] => Some(byte),
        _ => {
            table
                .fault(
                    "group_separator",
                    FaultCode::BadValue,
                    format!("{text:?} cannot separate groups of digits"),
                )
                .help("write \",\" or \" \" or \"'\" or \"_\"; \".\" goes with decimal_mark = \",\"");
            None
        }
    }
}

/// Reads the test of a skip rule or of `negate_when`: a column, and exactly one way to look at it.
fn read_test(table: &mut Reader<'_, '_, '_>) -> Option<WordTest> {
    let column = read_column(table);
    let ways = ["in", "not_in", "prefix", "empty"];
    let there: Vec<&str> = ways.into_iter().filter(|way| table.has(way)).collect();
    let [way] = there[..] else {
        let (name, message) = match there.get(1) {
            Some(second) => (*second, format!("`{second}` and `{}` cannot both hold the test", there[0])),
            None => ("", "says no test".to_owned()),
        };
        let code = if name.is_empty() { FaultCode::MissingSetting } else { FaultCode::ImpossibleSetting };
        table.fault(name, code, message).help("write one of `in`, `not_in`, `prefix` or `empty`");
        return None;
    };
    if way == "empty" {
        let test = if table.boolean("empty")? { Test::Empty } else { Test::NotEmpty };
        return Some(WordTest { column: column?, test });
    }
    let texts = table.texts(way)?;
    if texts.is_empty() {
        let always = if way == "not_in" { "always holds" } else { "never holds" };
        table.fault(way, FaultCode::MatchesNothing, format!("with an empty list the test {always}"));
        return None;
    }
    if way == "prefix" && texts.iter().any(String::is_empty) {
        let message = "every text starts with the empty text, so the test always holds".to_owned();
        table.fault(way, FaultCode::MatchesNothing, message);
        return None;
    }
    let test = match way {
        "in" => Test::In(texts),
        "not_in" => Test::NotIn(texts),
        _ => Test::Prefix(texts),
    };
    Some(WordTest { column: column?, test })
}

fn read_skips(side: &mut Reader<'_, '_, '_>) -> Vec<SkipRule> {
    let mut rules: Vec<SkipRule> = Vec::new();
    for index in 0..side.items("skip", SKIPS_MAX).unwrap_or(0) {
        let Some(mut table) = side.item("skip", index, SKIP) else { continue };
        table.missing_unless_there("name", "skipped rows are counted under it");
        let name = table.nonempty("name");
        let when = read_test(&mut table);
        let (Some(name), Some(when)) = (name, when) else { continue };
        if rules.iter().any(|rule| rule.name == name) {
            table.fault("name", FaultCode::BadValue, format!("`{name}` names another skip rule already"));
        }
        rules.push(SkipRule { name, when });
    }
    rules
}

fn read_time(fields: &mut Reader<'_, '_, '_>) -> Option<TimeField> {
    if fields.value("time")?.value.is_str() {
        fields
            .fault("time", FaultCode::MissingSetting, "does not say the format".to_owned())
            .help("write { column = \"…\", format = \"%Y-%m-%d %H:%M:%S\", zone = \"Asia/Shanghai\" }");
        return None;
    }
    let mut table = fields.table("time", TIME)?;
    let column = read_column(&mut table);
    table.missing_unless_there("format", "write strftime words, `rfc3339`, `unix` or `unix_ms`");
    let format = table.nonempty("format");
    let zone = read_zone(&mut table);
    let format = format?;
    if let Err(error) = TimeReader::compile(&format, "UTC") {
        format_fault(&mut table, &error);
        return None;
    }
    if !table.has("zone") && !format_carries_offset(&format) {
        table.missing(
            "zone",
            "times of this format carry no offset: write zone = \"Asia/Shanghai\" or another",
        );
        return None;
    }
    if table.has("zone") {
        zone.as_ref()?;
    }
    Some(TimeField { column: column?, format, zone: zone.unwrap_or_else(|| "UTC".to_owned()) })
}

fn format_fault(table: &mut Reader<'_, '_, '_>, error: &TimeFormatError) {
    let help = match error {
        TimeFormatError::NoHour { .. } => "a day without a time is a `date`; hours are %H, or %I with %p",
        TimeFormatError::NoDate { .. } => "the date is written with %Y, %m and %d; %M are minutes",
        TimeFormatError::InstantAsDate { .. } => "write { from = \"time\", zone = \"…\" }",
        _ => "use strftime words: %Y %m %d %H %M %S %.f %z",
    };
    table.fault("format", FaultCode::BadValue, error.to_string()).help(help);
}

/// Reads a zone and returns its name as the zone database writes it.
fn read_zone(table: &mut Reader<'_, '_, '_>) -> Option<String> {
    let name = table.text("zone")?;
    match Zone::find(&name) {
        Ok(zone) => Some(zone.name().to_owned()),
        Err(ZoneError::Unknown { nearest, .. }) => {
            let added = table.fault("zone", FaultCode::BadValue, format!("unknown time zone `{name}`"));
            match nearest {
                Some(near) => added.help(format!("did you mean `{near}`?")),
                None => {
                    added.help("write an IANA name such as `Asia/Shanghai`, or an offset such as `+08:00`")
                }
            }
            None
        }
    }
}

fn read_date(fields: &mut Reader<'_, '_, '_>, time: Option<&TimeField>) -> Option<DateField> {
    if fields.value("date")?.value.is_str() {
        fields
            .fault("date", FaultCode::MissingSetting, "does not say the format".to_owned())
            .help("write { column = \"…\", format = \"%Y-%m-%d\" } or { from = \"time\" }");
        return None;
    }
    let time_is_there = fields.has("time");
    let mut table = fields.table("date", DATE)?;
    if !table.has("from") {
        for name in ["zone", "cut_off"] {
            if table.has(name) {
                table
                    .fault(
                        name,
                        FaultCode::ImpossibleSetting,
                        "has no meaning for a column of dates".to_owned(),
                    )
                    .help("it goes with from = \"time\"");
            }
        }
        let column = read_column(&mut table);
        table.missing_unless_there("format", "write strftime words such as \"%Y-%m-%d\"");
        let format = table.nonempty("format")?;
        if let Err(error) = DateReader::compile(&format) {
            format_fault(&mut table, &error);
            return None;
        }
        return Some(DateField::Column { column: column?, format });
    }
    for name in ["column", "format"] {
        if table.has(name) {
            let message = "has no meaning for a date that follows from the time".to_owned();
            table.fault(name, FaultCode::ImpossibleSetting, message);
        }
    }
    table.word("from", &[("time", ())])?;
    if !time_is_there {
        let message = "the side declares no `time`".to_owned();
        table.fault("from", FaultCode::UndeclaredField, message).help("declare `time` beside `date`");
        return None;
    }
    let cut_off_s = read_cut_off(&mut table);
    let zone = read_zone(&mut table);
    if table.has("zone") {
        return Some(DateField::FromTime { zone: zone?, cut_off_s });
    }
    let time = time?;
    if format_carries_offset(&time.format) && time.zone == "UTC" {
        table.missing(
            "zone",
            "a day starts at another moment in each zone: write zone = \"Asia/Shanghai\" or another",
        );
        return None;
    }
    Some(DateField::FromTime { zone: time.zone.clone(), cut_off_s })
}

/// Reads `23:00` or `23:00:00` as seconds after midnight. Midnight is no cut-off.
fn read_cut_off(table: &mut Reader<'_, '_, '_>) -> Option<u32> {
    let text = table.text("cut_off")?;
    let parts: Option<Vec<u32>> = text
        .split(':')
        .map(|part| part.parse().ok().filter(|_| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit())))
        .collect();
    let seconds = match parts.as_deref() {
        Some([hour @ 0..=23, minute @ 0..=59]) => Some(hour * 3_600 + minute * 60),
        Some([hour @ 0..=23, minute @ 0..=59, second @ 0..=59]) => Some(hour * 3_600 + minute * 60 + second),
        _ => None,
    };
    if seconds.is_none() {
        table
            .fault("cut_off", FaultCode::BadValue, format!("`{text}` is not a time of day"))
            .help("write hours and minutes such as \"23:00\"");
    }
    seconds.filter(|seconds| *seconds > 0)
}
