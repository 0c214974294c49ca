//! The columns of both files.

use parquet::basic::{Compression, ZstdLevel};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::{WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::TypePtr;
use std::fs::File;
use std::io::BufWriter;
use std::sync::Arc;
use suanpan_ledger::entry::EntryId;
use suanpan_ledger::record::{Done, Line, RecordedEntry};

/// The records as they were committed.
const RECORDS: &str = "
message records {
    required int64 record;
    required int64 at (TIMESTAMP(MICROS, true));
    required int64 epoch;
    required int64 first_entry;
    required int32 entries;
    required byte_array hash;
    required byte_array body;
}";

/// A row for each line of an entry. Amounts are in minor units of the currency.
const LINES: &str = "
message lines {
    required int64 record;
    required int64 at (TIMESTAMP(MICROS, true));
    required int64 entry;
    required int32 line;
    optional binary id (STRING);
    required binary did (STRING);
    optional binary target (STRING);
    required int32 code;
    required boolean linked;
    optional int64 booked_at (TIMESTAMP(MICROS, true));
    optional int64 expires_at (TIMESTAMP(MICROS, true));
    required binary debit (STRING);
    required binary credit (STRING);
    required binary currency (STRING);
    required int64 posted_minor;
    required int64 held_minor;
}";

/// Places of columns that are read again.
pub(crate) mod place {
    pub(crate) const RECORD_HASH: usize = 5;
    pub(crate) const RECORD_BODY: usize = 6;
    pub(crate) const RECORD_COLUMNS: usize = 7;
    pub(crate) const LINE_COLUMNS: usize = 16;
    pub(crate) const LINE_RECORD: usize = 0;
    pub(crate) const LINE_ENTRY: usize = 2;
    pub(crate) const LINE_ID: usize = 4;
    pub(crate) const LINE_DID: usize = 5;
    pub(crate) const LINE_DEBIT: usize = 11;
    pub(crate) const LINE_CREDIT: usize = 12;
    pub(crate) const LINE_CURRENCY: usize = 13;
    pub(crate) const LINE_POSTED: usize = 14;
    pub(crate) const LINE_HELD: usize = 15;
}

pub(crate) type Out = SerializedFileWriter<BufWriter<File>>;
type Group<'a> = SerializedRowGroupWriter<'a, BufWriter<File>>;

/// A row of `records-….parquet`.
pub(crate) struct RecordRow {
    pub(crate) seq: u64,
    pub(crate) at: i64,
    pub(crate) epoch: u64,
    pub(crate) first_entry: u64,
    pub(crate) entries: u32,
    pub(crate) hash: [u8; 32],
    pub(crate) body: Vec<u8>,
}

/// A row of `lines-….parquet`.
pub(crate) struct LineRow {
    pub(crate) record: u64,
    pub(crate) at: i64,
    pub(crate) ordinal: u64,
    pub(crate) number: usize,
    pub(crate) head: Arc<RecordedEntry>,
    pub(crate) line: Line,
    pub(crate) debit: ByteArray,
    pub(crate) credit: ByteArray,
    pub(crate) currency: ByteArray,
}

pub(crate) fn records_schema() -> Result<TypePtr, ParquetError> {
    parse_message_type(RECORDS).map(Arc::new)
}

pub(crate) fn lines_schema() -> Result<TypePtr, ParquetError> {
    parse_message_type(LINES).map(Arc::new)
}

pub(crate) fn properties() -> WriterPropertiesPtr {
    let zstd = Compression::ZSTD(ZstdLevel::default());
    Arc::new(WriterProperties::builder().set_compression(zstd).set_created_by("suanpan".to_owned()).build())
}

/// Returns how an id is written: 32 digits to the base 16. An expiry has none.
pub(crate) fn id_text(id: EntryId, done: Done) -> Option<String> {
    (!matches!(done, Done::Expiry { .. })).then(|| format!("{:032x}", id.0))
}

pub(crate) fn write_records(out: &mut Out, rows: &[RecordRow]) -> Result<(), ParquetError> {
    let mut rows_group = out.next_row_group()?;
    let group = &mut rows_group;
    column::<Int64Type, _>(group, rows, |row| number(row.seq).map(Some))?;
    column::<Int64Type, _>(group, rows, |row| Ok(Some(row.at)))?;
    column::<Int64Type, _>(group, rows, |row| number(row.epoch).map(Some))?;
    column::<Int64Type, _>(group, rows, |row| number(row.first_entry).map(Some))?;
    column::<Int32Type, _>(group, rows, |row| small(row.entries).map(Some))?;
    column::<ByteArrayType, _>(group, rows, |row| Ok(Some(ByteArray::from(row.hash.to_vec()))))?;
    column::<ByteArrayType, _>(group, rows, |row| Ok(Some(ByteArray::from(row.body.clone()))))?;
    rows_group.close().map(drop)
}

pub(crate) fn write_lines(out: &mut Out, rows: &[LineRow]) -> Result<(), ParquetError> {
    let mut rows_group = out.next_row_group()?;
    let group = &mut rows_group;
    column::<Int64Type, _>(group, rows, |row| number(row.record).map(Some))?;
    column::<Int64Type, _>(group, rows, |row| Ok(Some(row.at)))?;
    column::<Int64Type, _>(group, rows, |row| number(row.ordinal).map(Some))?;
    column::<Int32Type, _>(group, rows, |row| small(row.number).map(Some))?;
    text(group, rows, |row| id_text(row.head.id, row.head.done))?;
    text(group, rows, |row| Some(row.head.done.name().to_owned()))?;
    text(group, rows, |row| row.head.done.target().map(|id| format!("{:032x}", id.0)))?;
    column::<Int32Type, _>(group, rows, |row| Ok(Some(row.head.code.into())))?;
    column::<BoolType, _>(group, rows, |row| Ok(Some(row.head.linked)))?;
    column::<Int64Type, _>(group, rows, |row| Ok(row.head.booked_at.map(|at| at.micros())))?;
    column::<Int64Type, _>(group, rows, |row| {
        Ok(match row.head.done {
            Done::Hold { expires_at } => expires_at.map(|at| at.micros()),
            _ => None,
        })
    })?;
    column::<ByteArrayType, _>(group, rows, |row| Ok(Some(row.debit.clone())))?;
    column::<ByteArrayType, _>(group, rows, |row| Ok(Some(row.credit.clone())))?;
    column::<ByteArrayType, _>(group, rows, |row| Ok(Some(row.currency.clone())))?;
    column::<Int64Type, _>(group, rows, |row| number(row.line.posted_minor).map(Some))?;
    column::<Int64Type, _>(group, rows, |row| number(row.line.held_minor).map(Some))?;
    rows_group.close().map(drop)
}

fn number(value: u64) -> Result<i64, ParquetError> {
    i64::try_from(value).map_err(|_| ParquetError::General(format!("{value} needs more than 63 bits")))
}

fn small(value: impl TryInto<i32> + Copy + std::fmt::Display) -> Result<i32, ParquetError> {
    value.try_into().map_err(|_| ParquetError::General(format!("{value} needs more than 31 bits")))
}

fn text<R>(
    group: &mut Group<'_>,
    rows: &[R],
    value: impl Fn(&R) -> Option<String>,
) -> Result<(), ParquetError> {
    column::<ByteArrayType, R>(group, rows, |row| {
        Ok(value(row).map(|text| ByteArray::from(text.into_bytes())))
    })
}

/// Writes the next column.
fn column<T: DataType, R>(
    group: &mut Group<'_>,
    rows: &[R],
    value: impl Fn(&R) -> Result<Option<T::T>, ParquetError>,
) -> Result<(), ParquetError> {
    let Some(mut writer) = group.next_column()? else {
        return Err(ParquetError::General("more columns than the schema has".to_owned()));
    };
    let optional = levels_of(writer.untyped()) > 0;
    let (mut values, mut levels) = (Vec::with_capacity(rows.len()), Vec::new());
    for row in rows {
        let value = value(row)?;
        if optional {
            levels.push(i16::from(value.is_some()));
        }
        values.extend(value);
    }
    writer.typed::<T>().write_batch(&values, optional.then_some(levels.as_slice()), None)?;
    writer.close()
}

/// Returns the highest definition level of a column: 0 of one that has a value in each row.
fn levels_of(writer: &ColumnWriter<'_>) -> i16 {
    match writer {
        ColumnWriter::BoolColumnWriter(typed) => typed.get_descriptor().max_def_level(),
        ColumnWriter::Int32ColumnWriter(typed) => typed.get_descriptor().max_def_level(),
        ColumnWriter::Int64ColumnWriter(typed) => typed.get_descriptor().max_def_level(),
        ColumnWriter::ByteArrayColumnWriter(typed) => typed.get_descriptor().max_def_level(),
        _ => 0,
    }
}
