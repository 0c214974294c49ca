//! Measures the readers of Parquet and NDJSON on generated rows: a 25-byte key, an amount, a status.
//!
//! `cargo run --release -p suanpan-recon --example read_speed [ROWS]`
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use suanpan_recon::rule::Encoding;
use suanpan_recon::source::batch::TextBatch;
use suanpan_recon::source::parquet::ParquetSource;
use suanpan_recon::source::{SourceFile, expand, ndjson};

const STATUSES: [&str; 4] = ["SUCCESS", "REFUND", "CLOSED", "PENDING"];
const GROUP_ROWS: u64 = 500_000;

fn main() -> Result<(), Box<dyn Error>> {
    let rows: u64 = std::env::args().nth(1).map_or(Ok(2_000_000), |text| text.parse())?;
    let dir = tempfile::TempDir::new()?;
    for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY] {
        let path = dir.path().join(format!("{compression}.parquet"));
        write_parquet(&path, rows, compression)?;
        let parquet = ParquetSource::open(&source(&path, dir.path())?)?;
        report(&format!("parquet, {compression}"), rows, || {
            let mut seen = 0;
            for group in 0..parquet.row_groups().len() {
                parquet.read_group(group, &[0, 1, 2], 8_192, |batch| seen += checksum(batch))?;
            }
            Ok(seen)
        })?;
    }
    let path = dir.path().join("rows.ndjson");
    let mut text = String::new();
    for row in 0..rows {
        let status = STATUSES[(row % 4) as usize];
        let (key, amount) = (key(row), amount(row));
        writeln!(
            text,
            r#"{{"id":"{key}","time":"2026-11-11T08:00:00Z","amount":{}.{:02},"currency":"CNY","status":"{status}"}}"#,
            amount / 100,
            amount % 100
        )?;
    }
    std::fs::write(&path, &text)?;
    let head = source(&path, dir.path())?.open(Encoding::Auto)?.head;
    println!("ndjson columns: {}", ndjson::columns(&head).join(" "));
    let columns = ["id", "amount", "status"].map(str::to_owned);
    let mut reader = ndjson::LineReader::new(&columns);
    let (mut batch, mut errors) = (TextBatch::new(3), Vec::new());
    println!("ndjson bytes per row: {}", text.len() as u64 / rows);
    report("ndjson", rows, || {
        let (mut rest, mut seen) = (text.as_bytes(), 0);
        while !rest.is_empty() {
            let end = rest.len().min(1 << 20);
            let end = rest[..end].iter().rposition(|b| *b == b'\n').map_or(end, |at| at + 1);
            reader.read_lines(&rest[..end], 0, &mut batch, &mut errors);
            seen += checksum(&batch);
            rest = &rest[end..];
        }
        Ok(seen)
    })?;
    assert!(errors.is_empty());
    Ok(())
}

fn report(
    what: &str,
    rows: u64,
    mut read: impl FnMut() -> Result<u64, Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let best = (0..3)
        .map(|_| {
            let (start, cpu) = (Instant::now(), cpu_ns());
            read().map(|seen| (cpu_ns() - cpu, start.elapsed(), seen))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let (cpu, time, seen) = best.iter().min().ok_or("no run")?;
    let wall = time.as_nanos() / u128::from(rows);
    println!("{what}: {} ns a row of processor time, {wall} of the clock (text bytes {seen})", cpu / rows);
    Ok(())
}

/// Processor time of this thread, so that a busy machine does not count; 0 where there is no `/proc`.
fn cpu_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(0)
}

/// Touches every text as a consumer would.
fn checksum(batch: &TextBatch) -> u64 {
    let mut seen = 0;
    for column in batch.columns() {
        for row in 0..batch.rows() {
            seen += column.get(row).map_or(0, |text| text.len() as u64);
        }
    }
    seen
}

fn source(path: &Path, spool: &Path) -> Result<SourceFile, Box<dyn Error>> {
    Ok(expand(&[path.display().to_string()], spool)?.remove(0))
}

fn key(row: u64) -> String {
    format!("P2026{:020}", row.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

fn amount(row: u64) -> u64 {
    row.wrapping_mul(0x9E37_79B9) % 10_000_000
}

fn write_parquet(path: &Path, rows: u64, compression: Compression) -> Result<(), Box<dyn Error>> {
    let schema = "message m { required binary id (STRING); required int64 amount (DECIMAL(18,2)); required binary status (STRING); }";
    let properties = WriterProperties::builder().set_compression(compression).build();
    let file = std::fs::File::create(path)?;
    let mut writer =
        SerializedFileWriter::new(file, Arc::new(parse_message_type(schema)?), Arc::new(properties))?;
    for first in (0..rows).step_by(GROUP_ROWS as usize) {
        let rows = first..(first + GROUP_ROWS).min(rows);
        let mut group = writer.next_row_group()?;
        let keys: Vec<ByteArray> = rows.clone().map(|row| key(row).as_str().into()).collect();
        let mut column = group.next_column()?.ok_or("a column")?;
        column.typed::<ByteArrayType>().write_batch(&keys, None, None)?;
        column.close()?;
        let amounts: Vec<i64> = rows.clone().map(|row| amount(row) as i64).collect();
        let mut column = group.next_column()?.ok_or("a column")?;
        column.typed::<Int64Type>().write_batch(&amounts, None, None)?;
        column.close()?;
        let statuses: Vec<ByteArray> = rows.map(|row| STATUSES[(row % 4) as usize].into()).collect();
        let mut column = group.next_column()?.ok_or("a column")?;
        column.typed::<ByteArrayType>().write_batch(&statuses, None, None)?;
        column.close()?;
        group.close()?;
    }
    writer.close()?;
    Ok(())
}
