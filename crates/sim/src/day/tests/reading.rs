//! Reads a generated day back, by means that share nothing with the writer.

use crate::day::{DayFormat, DayReport};
use parquet::file::reader::SerializedFileReader;
use parquet::record::Field;
use std::collections::BTreeMap;
use std::path::Path;
use suanpan_money::{Currency, parse_decimal, parse_minor};

/// A row by column names.
pub(super) type Cells = BTreeMap<String, String>;

/// A readable row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// The row number as text, or `open:7` for an open item.
    pub(super) row: String,
    pub(super) key: Option<String>,
    pub(super) kind: String,
    pub(super) currency: String,
    pub(super) amount: i64,
    pub(super) fee: i64,
    pub(super) status: String,
    /// Days since 1970-01-01.
    pub(super) date: Option<i32>,
    pub(super) batch: Option<String>,
    pub(super) original: Option<String>,
    pub(super) account: Option<String>,
    pub(super) is_open_item: bool,
}

/// One side: its readable rows, and the numbers of the others.
#[derive(Debug, Default)]
pub(super) struct SideRead {
    pub(super) records: Vec<Record>,
    pub(super) rejected: Vec<String>,
}

pub(super) fn read_sides(report: &DayReport, format: DayFormat) -> [SideRead; 2] {
    let mut sides = [(&report.left.path, 0), (&report.right.path, 1)].map(|(path, side)| {
        let mut read = SideRead::default();
        let first_row = if format == DayFormat::Csv { 2 } else { 1 };
        for (at, cells) in read_cells(path, format).into_iter().enumerate() {
            let row = (at + first_row).to_string();
            match cells.and_then(|cells| record(&cells, side, row.clone())) {
                Some(record) => read.records.push(record),
                None => read.rejected.push(row),
            }
        }
        read
    });
    if let Some(path) = &report.open_items {
        for (at, cells) in read_cells(path, DayFormat::Parquet).into_iter().enumerate() {
            let cells = cells.unwrap();
            let side = usize::from(cells["side"] == "right");
            sides[side].records.push(open_item(&cells, format!("open:{}", at + 1)));
        }
    }
    sides
}

/// Reads the rows of a file; `None` stands for a row with too few fields.
pub(super) fn read_cells(path: &Path, format: DayFormat) -> Vec<Option<Cells>> {
    match format {
        DayFormat::Csv => {
            let text = std::fs::read_to_string(path).unwrap();
            assert!(text.ends_with('\n'));
            let mut lines = text.lines().map(split_csv);
            let header = lines.next().unwrap();
            lines
                .map(|fields| {
                    assert!(fields.len() <= header.len());
                    let is_whole = fields.len() == header.len();
                    is_whole.then(|| header.iter().cloned().zip(fields).collect())
                })
                .collect()
        }
        DayFormat::Ndjson => {
            let text = std::fs::read_to_string(path).unwrap();
            let cells = |line: &str| {
                let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
                let cell = |value: serde_json::Value| match value {
                    serde_json::Value::String(text) => text,
                    other => other.to_string(),
                };
                Some(object.into_iter().map(|(name, value)| (name, cell(value))).collect())
            };
            text.lines().map(cells).collect()
        }
        DayFormat::Parquet => {
            let file = std::fs::File::open(path).unwrap();
            let reader = SerializedFileReader::new(file).unwrap();
            let row = |row: parquet::record::Row| {
                let cells = row.get_column_iter().filter_map(|(name, field)| {
                    let text = match field {
                        Field::Null => return None,
                        Field::Str(text) => text.clone(),
                        Field::Int(number) => number.to_string(),
                        Field::Long(number) => number.to_string(),
                        Field::Decimal(decimal) => {
                            let number = i64::from_be_bytes(decimal.data().try_into().unwrap());
                            suanpan_money::format_minor(number, u8::try_from(decimal.scale()).unwrap())
                        }
                        other => panic!("{name}: {other:?}"),
                    };
                    Some((name.clone(), text))
                });
                Some(cells.collect())
            };
            reader.into_iter().map(|read| row(read.unwrap())).collect()
        }
    }
}

fn split_csv(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    for character in line.chars() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            _ => fields.last_mut().unwrap().push(character),
        }
    }
    fields
}

/// Reads a row as the rules say, or refuses it.
fn record(cells: &Cells, side: usize, row: String) -> Option<Record> {
    let filled = |name: &str| cells.get(name).filter(|text| !text.is_empty()).cloned();
    let currency = Currency::parse(cells.get("currency")?)?;
    let amount = cells.get("amount")?.as_bytes();
    let amount = match side {
        0 => parse_decimal(amount, currency.exponent()),
        _ => parse_minor(amount),
    };
    let statuses = match side {
        0 => ["SUCCESS", "REFUNDED", "CLOSED", "PENDING"],
        _ => ["00", "05", "09", "01"],
    };
    let status = statuses.iter().position(|status| *status == cells["status"])?;
    let kind = match cells.get("type").map_or("PAY", String::as_str) {
        "PAY" | "S" => "payment",
        "REFUND" | "R" => "refund",
        "AUTH" | "A" => "authorization",
        "VOID" | "V" => "reversal",
        "PAYOUT" | "P" => "payout",
        other => panic!("type {other}"),
    };
    Some(Record {
        row,
        key: filled("order_id").filter(|key| key != "N/A"),
        kind: kind.to_owned(),
        currency: currency.code().to_owned(),
        amount: amount.ok()?,
        fee: parse_decimal(cells["fee"].as_bytes(), currency.exponent()).unwrap(),
        status: ["succeeded", "refunded", "closed", "pending"][status].to_owned(),
        date: filled("business_date").map(|date| {
            let day = date.strip_prefix("2026-11-").unwrap().parse::<i32>().unwrap();
            // 56 years from 1970, 14 of them leap years, then ten months of 304 days.
            56 * 365 + 14 + 304 + day - 1
        }),
        batch: filled("batch_id"),
        original: filled("original_id"),
        account: filled("account"),
        is_open_item: false,
    })
}

fn open_item(cells: &Cells, row: String) -> Record {
    assert_eq!(cells["age"], "1");
    assert!(cells["row"].parse::<i64>().unwrap() >= 2);
    let days = cells["date_days"].parse::<i64>().unwrap();
    let local_us = cells["time_us"].parse::<i64>().unwrap() + 8 * 3_600_000_000;
    assert_eq!(local_us.div_euclid(86_400_000_000), days, "time and date agree in Shanghai");
    Record {
        row,
        key: cells.get("k1").cloned(),
        kind: cells["type"].clone(),
        currency: cells["currency"].clone(),
        amount: cells["amount_minor"].parse().unwrap(),
        fee: cells["fee_minor"].parse().unwrap(),
        status: cells["status"].clone(),
        date: Some(i32::try_from(days).unwrap()),
        batch: cells.get("batch").cloned(),
        original: cells.get("original").cloned(),
        account: cells.get("account").cloned(),
        is_open_item: true,
    }
}
