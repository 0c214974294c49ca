//! A side as a Parquet file: texts as UTF-8 strings, decimals as DECIMAL on 64 bits, minor units as
//! plain 64-bit integers.

use crate::day::column::{Column, ValueKind, Writing};
use crate::day::error::SimError;
use crate::day::line::{Defect, Line};
use crate::day::sink::create_file;
use bytes::Bytes;
use parquet::basic::{Compression, LogicalType, Repetition, Type as PhysicalType};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{ColumnPath, Type, TypePtr};
use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;
use std::sync::Arc;

/// Rows of a group; they wait in memory, about 130 bytes each.
const GROUP_ROWS: usize = 1_000_000;

/// Values handed to a column at once.
const CHUNK_ROWS: usize = 8192;

/// The digits that a 64-bit DECIMAL can hold.
const PRECISION: i32 = 18;

pub(in crate::day) struct ColumnFile<'a> {
    path: PathBuf,
    writer: SerializedFileWriter<BufWriter<File>>,
    lines: Vec<Line>,
    writing: Writing<'a>,
    columns: Vec<Column>,
    scale: u8,
}

impl<'a> ColumnFile<'a> {
    pub(super) fn create(
        path: PathBuf,
        writing: Writing<'a>,
        columns: Vec<Column>,
    ) -> Result<Self, SimError> {
        let file = BufWriter::new(create_file(&path)?);
        let scale = writing.currencies.iter().map(|money| money.exponent).max().unwrap_or(2);
        let writer = schema(&columns, &writing, scale)
            .and_then(|schema| SerializedFileWriter::new(file, schema, properties(&columns, &writing)));
        match writer {
            Ok(writer) => Ok(ColumnFile { path, writer, lines: Vec::new(), writing, columns, scale }),
            Err(source) => Err(SimError::Parquet { path, source }),
        }
    }

    pub(super) fn put(&mut self, line: &Line) -> Result<(), SimError> {
        self.lines.push(*line);
        if self.lines.len() == GROUP_ROWS { self.flush() } else { Ok(()) }
    }

    pub(super) fn finish(mut self) -> Result<(PathBuf, u64), SimError> {
        if !self.lines.is_empty() {
            self.flush()?;
        }
        let trouble = |source| SimError::Parquet { path: self.path.clone(), source };
        self.writer.finish().map_err(trouble)?;
        let bytes = self.writer.bytes_written() as u64;
        Ok((self.path, bytes))
    }

    fn flush(&mut self) -> Result<(), SimError> {
        self.write_group().map_err(|source| SimError::Parquet { path: self.path.clone(), source })?;
        self.lines.clear();
        Ok(())
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        let mut group = self.writer.next_row_group()?;
        for column in &self.columns {
            let Some(mut writer) = group.next_column()? else { break };
            for lines in self.lines.chunks(CHUNK_ROWS) {
                match column.value_kind(self.writing.side) {
                    ValueKind::Text => write_texts(&mut writer, &self.writing, *column, lines)?,
                    ValueKind::Decimal | ValueKind::Minor => {
                        let value = |line| number(&self.writing, self.scale, *column, line);
                        write_numbers(&mut writer, lines.iter().map(value))?;
                    }
                }
            }
            writer.close()?;
        }
        group.close()?;
        Ok(())
    }
}

/// Returns a number as it is stored: decimals of every currency at the same scale.
fn number(writing: &Writing<'_>, scale: u8, column: Column, line: &Line) -> Option<i64> {
    if column == Column::Amount && line.defect == Some(Defect::AmountEmpty) {
        return None;
    }
    let minor = if column == Column::Fee { line.fee_minor } else { line.amount_minor };
    match column.value_kind(writing.side) {
        ValueKind::Decimal => Some(minor * 10_i64.pow(u32::from(scale - writing.money(line).exponent))),
        ValueKind::Minor | ValueKind::Text => Some(minor),
    }
}

fn write_texts(
    writer: &mut SerializedColumnWriter<'_>,
    writing: &Writing<'_>,
    column: Column,
    lines: &[Line],
) -> Result<(), ParquetError> {
    let mut text = Vec::with_capacity(lines.len() * 26);
    let mut ends = Vec::with_capacity(lines.len());
    for line in lines {
        writing.put(&mut text, column, line);
        ends.push(text.len());
    }
    let text = Bytes::from(text);
    let mut start = 0;
    let mut values = Vec::with_capacity(lines.len());
    let mut levels = Vec::with_capacity(lines.len());
    for end in ends {
        levels.push(i16::from(end > start));
        if end > start {
            values.push(ByteArray::from(text.slice(start..end)));
        }
        start = end;
    }
    writer.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None)?;
    Ok(())
}

fn write_numbers(
    writer: &mut SerializedColumnWriter<'_>,
    numbers: impl Iterator<Item = Option<i64>>,
) -> Result<(), ParquetError> {
    let mut values = Vec::with_capacity(CHUNK_ROWS);
    let mut levels = Vec::with_capacity(CHUNK_ROWS);
    for number in numbers {
        levels.push(i16::from(number.is_some()));
        values.extend(number);
    }
    writer.typed::<Int64Type>().write_batch(&values, Some(&levels), None)?;
    Ok(())
}

fn schema(columns: &[Column], writing: &Writing<'_>, scale: u8) -> Result<TypePtr, ParquetError> {
    let fields = columns.iter().map(|column| {
        let (physical, logical) = match column.value_kind(writing.side) {
            ValueKind::Text => (PhysicalType::BYTE_ARRAY, LogicalType::String),
            ValueKind::Decimal => (PhysicalType::INT64, LogicalType::decimal(i32::from(scale), PRECISION)),
            ValueKind::Minor => (PhysicalType::INT64, LogicalType::integer(64, true)),
        };
        let is_decimal = column.value_kind(writing.side) == ValueKind::Decimal;
        Type::primitive_type_builder(column.name(writing.side), physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(Some(logical))
            .with_precision(if is_decimal { PRECISION } else { -1 })
            .with_scale(if is_decimal { i32::from(scale) } else { -1 })
            .build()
            .map(Arc::new)
    });
    let fields = fields.collect::<Result<Vec<_>, _>>()?;
    Ok(Arc::new(Type::group_type_builder("day").with_fields(fields).build()?))
}

/// Dictionaries only where values repeat: building one for order ids is lost work.
fn properties(columns: &[Column], writing: &Writing<'_>) -> Arc<WriterProperties> {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_dictionary_enabled(false)
        .set_created_by("suanpan".to_owned());
    for column in columns {
        if matches!(
            column,
            Column::Currency | Column::Status | Column::Time | Column::Type | Column::BusinessDate
        ) {
            let path = ColumnPath::from(column.name(writing.side));
            properties = properties.set_column_dictionary_enabled(path, true);
        }
    }
    Arc::new(properties.build())
}
