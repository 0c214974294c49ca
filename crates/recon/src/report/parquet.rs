//! Rows as Parquet, written column by column from a buffer of one row group.
//!
//! Row groups end after a fixed number of rows or bytes, whatever the memory limit of the run, so
//! that the file's bytes depend on the rows only. Money becomes two columns: `NAME` as
//! DECIMAL(38, 4), which holds every currency, and `NAME_minor` as whole minor units.

use super::ReportError;
use super::csv::{place_list, readable};
use super::names::{NameTable, field_names};
use super::row::{Cell, Column, Kind};
use super::staged::{OutputFile, Staged};
use crate::outcome::Code;
use crate::record::Side;
use parquet::basic::{Compression, Encoding, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::column::writer::ColumnWriterImpl;
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, FixedLenByteArray, FixedLenByteArrayType, Int32Type,
    Int64Type,
};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{ColumnPath, Type};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const GROUP_ROWS_MAX: usize = 1 << 15;
const GROUP_BYTES_MAX: usize = 4 << 20;
/// Decimals of money columns: as many as any currency of ISO 4217 has.
const MONEY_SCALE: u8 = 4;
const MONEY_BYTES: usize = 16;

/// Writes one table as a Parquet file.
pub(super) struct ParquetOut {
    writer: SerializedFileWriter<Staged>,
    path: PathBuf,
    dictionary: Dictionary,
    group: Group,
    rows: u64,
}

impl ParquetOut {
    /// Starts the file. `metadata` is kept in its footer.
    pub(super) fn create(
        dir: &Path,
        name: &str,
        columns: &[Column],
        names: &NameTable,
    ) -> Result<Self, ReportError> {
        let file = Staged::create(dir, name)?;
        let path = file.path().to_owned();
        let group = Group::new(columns);
        let writer = schema(&group.leaves)
            .and_then(|schema| {
                SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties(&group.leaves)))
            })
            .map_err(|source| ReportError::Parquet { path: path.clone(), source })?;
        Ok(ParquetOut { writer, path, dictionary: Dictionary::new(names), group, rows: 0 })
    }

    /// Adds the next cell of the row; columns passed over are null.
    pub(super) fn cell(&mut self, at: usize, cell: Cell<'_>, names: &NameTable) {
        self.group.cell(at, cell, names);
    }

    /// Ends the row.
    pub(super) fn end_row(&mut self) -> Result<(), ReportError> {
        self.group.rows += 1;
        self.rows += 1;
        if self.group.rows >= GROUP_ROWS_MAX || self.group.bytes >= GROUP_BYTES_MAX {
            self.write_group()?;
        }
        Ok(())
    }

    /// Writes the footer and gives the file its name.
    pub(super) fn finish(mut self) -> Result<OutputFile, ReportError> {
        if self.group.rows > 0 {
            self.write_group()?;
        }
        let fail = |source| ReportError::Parquet { path: self.path.clone(), source };
        self.writer.into_inner().map_err(fail)?.finish(Some(self.rows))
    }

    fn write_group(&mut self) -> Result<(), ReportError> {
        self.group
            .write(&mut self.writer, &self.dictionary)
            .map_err(|source| ReportError::Parquet { path: self.path.clone(), source })
    }
}

/// The buffered values of one row group.
struct Group {
    leaves: Vec<Leaf>,
    // The first leaf of each table column.
    first: Vec<usize>,
    rows: usize,
    bytes: usize,
}

impl Group {
    fn new(columns: &[Column]) -> Group {
        let mut leaves = Vec::new();
        let mut first = Vec::new();
        for column in columns {
            first.push(leaves.len());
            leaves.push(Leaf::new(column.name.clone(), column.kind));
            if matches!(column.kind, Kind::Money | Kind::Sum) {
                leaves.push(Leaf::new(format!("{}_minor", column.name), Kind::Minor));
            }
        }
        Group { leaves, first, rows: 0, bytes: 0 }
    }

    fn cell(&mut self, at: usize, cell: Cell<'_>, names: &NameTable) {
        let first = self.first[at];
        let rows = self.rows;
        if let Cell::Money(minor, _) = cell {
            // A sum beyond 64 bits has no minor units; its decimal is there.
            if let Ok(minor) = i64::try_from(minor) {
                self.bytes += self.leaves[first + 1].push(rows, Cell::Int(minor), names);
            }
        }
        self.bytes += self.leaves[first].push(rows, cell, names);
    }

    fn write(
        &mut self,
        writer: &mut SerializedFileWriter<Staged>,
        dictionary: &Dictionary,
    ) -> Result<(), ParquetError> {
        let mut group = writer.next_row_group()?;
        for leaf in &mut self.leaves {
            leaf.levels.resize(self.rows, 0);
            let mut column = group.next_column()?.expect("a column for each leaf");
            leaf.write(&mut column, dictionary)?;
            column.close()?;
            leaf.clear();
        }
        group.close()?;
        self.rows = 0;
        self.bytes = 0;
        Ok(())
    }
}

/// One Parquet column: its values, and for each row whether it has one.
struct Leaf {
    name: String,
    kind: Kind,
    values: Values,
    levels: Vec<i16>,
}

enum Values {
    Int64(Vec<i64>),
    Int32(Vec<i32>),
    Decimal(Vec<u8>),
    Text { bytes: Vec<u8>, ends: Vec<usize> },
    Named(Vec<u32>),
    Flag(usize),
}

impl Leaf {
    fn new(name: String, kind: Kind) -> Leaf {
        let values = match kind {
            Kind::Number | Kind::Minor | Kind::Count | Kind::Time | Kind::Micros => Values::Int64(Vec::new()),
            Kind::Day | Kind::Days => Values::Int32(Vec::new()),
            Kind::Money | Kind::Sum => Values::Decimal(Vec::new()),
            Kind::Text | Kind::RawText | Kind::Fields | Kind::Places => {
                Values::Text { bytes: Vec::new(), ends: Vec::new() }
            }
            Kind::Code
            | Kind::Currency
            | Kind::Word
            | Kind::File(_)
            | Kind::Side
            | Kind::Pass
            | Kind::Why => Values::Named(Vec::new()),
            Kind::Flag => Values::Flag(0),
            Kind::AnyFile => unreachable!("only in tables without a Parquet form"),
        };
        Leaf { name, kind, values, levels: Vec::new() }
    }

    /// Adds a value for row number `row` of the group and returns its size.
    fn push(&mut self, row: usize, cell: Cell<'_>, names: &NameTable) -> usize {
        if self.levels.len() < row {
            self.levels.resize(row, 0);
        }
        self.levels.push(1);
        match (&mut self.values, cell) {
            (Values::Int64(values), Cell::Int(value)) => values.push(value),
            (Values::Int64(values), Cell::Number(value)) => {
                values.push(i64::try_from(value).unwrap_or(i64::MAX))
            }
            (Values::Int32(values), Cell::Int(value)) => {
                values.push(i32::try_from(value).expect("days were stored from 32 bits"));
            }
            (Values::Decimal(values), Cell::Money(minor, exponent)) => {
                let scaled = minor * 10_i128.pow(u32::from(MONEY_SCALE - exponent));
                values.extend_from_slice(&scaled.to_be_bytes());
                return MONEY_BYTES;
            }
            (Values::Text { bytes, ends }, cell) => {
                let start = bytes.len();
                match cell {
                    Cell::Text(text) if self.kind == Kind::RawText => bytes.extend_from_slice(text),
                    Cell::Text(text) => bytes.extend_from_slice(&readable(text)),
                    Cell::Places(places) => bytes.extend_from_slice(&place_list(places, names)),
                    Cell::Fields(mask) => {
                        for (n, name) in field_names(mask).enumerate() {
                            bytes.extend_from_slice(if n > 0 { b" " } else { b"" });
                            bytes.extend_from_slice(name.as_bytes());
                        }
                    }
                    other => unreachable!("{other:?} is no text"),
                }
                ends.push(bytes.len());
                return bytes.len() - start + 8;
            }
            (Values::Named(values), cell) => values.push(match cell {
                Cell::Code(code) => u32::from(code as u8),
                Cell::Side(side) => u32::from(side == Side::Right),
                Cell::Currency(number) | Cell::Why(number) | Cell::File(_, number) => u32::from(number),
                Cell::Word(word) => u32::from(word.0),
                Cell::Pass(pass) => pass.map_or(0, |pass| u32::from(pass) + 1),
                other => unreachable!("{other:?} has no name"),
            }),
            (Values::Flag(count), Cell::Flag) => *count += 1,
            (_, cell) => unreachable!("{cell:?} in a column of {:?}", self.kind),
        }
        8
    }

    fn write(
        &mut self,
        column: &mut SerializedColumnWriter<'_>,
        dictionary: &Dictionary,
    ) -> Result<(), ParquetError> {
        let levels = if self.required() { None } else { Some(self.levels.as_slice()) };
        match &mut self.values {
            Values::Int64(values) => write(column.typed::<Int64Type>(), values, levels),
            Values::Int32(values) => write(column.typed::<Int32Type>(), values, levels),
            Values::Flag(count) => write(column.typed::<BoolType>(), &vec![true; *count], levels),
            Values::Decimal(bytes) => {
                let all = ByteArray::from(take_like(bytes));
                let values: Vec<FixedLenByteArray> =
                    (0..all.len()).step_by(MONEY_BYTES).map(|at| all.slice(at, MONEY_BYTES).into()).collect();
                write(column.typed::<FixedLenByteArrayType>(), &values, levels)
            }
            Values::Text { bytes, ends } => {
                let all = ByteArray::from(take_like(bytes));
                let mut start = 0;
                let values: Vec<ByteArray> = ends
                    .iter()
                    .map(|end| {
                        let value = all.slice(start, end - start);
                        start = *end;
                        value
                    })
                    .collect();
                write(column.typed::<ByteArrayType>(), &values, levels)
            }
            Values::Named(numbers) => {
                let words = dictionary.of(self.kind);
                let values: Vec<ByteArray> = numbers.iter().map(|n| words[*n as usize].clone()).collect();
                write(column.typed::<ByteArrayType>(), &values, levels)
            }
        }
    }

    fn clear(&mut self) {
        self.levels.clear();
        match &mut self.values {
            Values::Int64(values) => values.clear(),
            Values::Int32(values) => values.clear(),
            Values::Decimal(bytes) => bytes.clear(),
            Values::Text { bytes, ends } => {
                bytes.clear();
                ends.clear();
            }
            Values::Named(values) => values.clear(),
            Values::Flag(count) => *count = 0,
        }
    }

    fn required(&self) -> bool {
        matches!(self.kind, Kind::Number | Kind::Code | Kind::Side)
    }

    fn parquet_type(&self) -> Result<Type, ParquetError> {
        let physical = match &self.values {
            Values::Int64(_) => Physical::INT64,
            Values::Int32(_) => Physical::INT32,
            Values::Decimal(_) => Physical::FIXED_LEN_BYTE_ARRAY,
            Values::Text { .. } | Values::Named(_) => Physical::BYTE_ARRAY,
            Values::Flag(_) => Physical::BOOLEAN,
        };
        let logical = match self.kind {
            Kind::Time => Some(LogicalType::timestamp(true, TimeUnit::MICROS)),
            Kind::Day => Some(LogicalType::Date),
            Kind::Money | Kind::Sum => Some(LogicalType::decimal(i32::from(MONEY_SCALE), 38)),
            _ if physical == Physical::BYTE_ARRAY => Some(LogicalType::String),
            _ => None,
        };
        let builder = Type::primitive_type_builder(&self.name, physical)
            .with_repetition(if self.required() { Repetition::REQUIRED } else { Repetition::OPTIONAL })
            .with_logical_type(logical);
        match self.values {
            Values::Decimal(_) => {
                builder.with_length(16).with_precision(38).with_scale(i32::from(MONEY_SCALE)).build()
            }
            _ => builder.build(),
        }
    }
}

/// Takes the bytes and leaves room for as many again.
fn take_like(bytes: &mut Vec<u8>) -> Vec<u8> {
    let room = Vec::with_capacity(bytes.len());
    std::mem::replace(bytes, room)
}

fn write<T: DataType>(
    column: &mut ColumnWriterImpl<'_, T>,
    values: &[T::T],
    levels: Option<&[i16]>,
) -> Result<(), ParquetError> {
    column.write_batch(values, levels, None).map(|_| ())
}

fn schema(leaves: &[Leaf]) -> Result<Type, ParquetError> {
    let fields = leaves.iter().map(|leaf| leaf.parquet_type().map(Arc::new)).collect::<Result<_, _>>()?;
    Type::group_type_builder("row").with_fields(fields).build()
}

fn properties(leaves: &[Leaf]) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_dictionary_enabled(false)
        .set_encoding(Encoding::PLAIN)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true);
    for leaf in leaves {
        let path = ColumnPath::new(vec![leaf.name.clone()]);
        // Few distinct values: these shrink to a few bits each.
        if matches!(leaf.values, Values::Named(_) | Values::Int32(_)) || leaf.kind == Kind::Fields {
            properties = properties.set_column_dictionary_enabled(path.clone(), true);
        }
        // Readers skip row groups by these.
        if matches!(leaf.kind, Kind::Number | Kind::Code | Kind::Minor | Kind::Day | Kind::Currency) {
            properties = properties.set_column_statistics_enabled(path, EnabledStatistics::Chunk);
        }
    }
    properties.build()
}

/// The names that numbers stand for, as Parquet values.
struct Dictionary {
    codes: Vec<ByteArray>,
    sides: Vec<ByteArray>,
    currencies: Vec<ByteArray>,
    words: Vec<ByteArray>,
    files: [Vec<ByteArray>; 2],
    // The close first, then the passes.
    passes: Vec<ByteArray>,
    whys: Vec<ByteArray>,
}

impl Dictionary {
    fn new(names: &NameTable) -> Dictionary {
        fn all<'a>(list: impl IntoIterator<Item = &'a str>) -> Vec<ByteArray> {
            list.into_iter().map(ByteArray::from).collect()
        }
        Dictionary {
            codes: all(Code::ALL.map(Code::name)),
            sides: all(Side::BOTH.map(Side::name)),
            currencies: all(names.currencies.iter().copied()),
            words: all(names.words.iter().map(String::as_str)),
            files: [0, 1].map(|side: usize| all(names.files[side].iter().map(String::as_str))),
            passes: all(std::iter::once(names.pass(None)).chain(names.passes.iter().map(String::as_str))),
            whys: all(names.whys.iter().copied()),
        }
    }

    fn of(&self, kind: Kind) -> &[ByteArray] {
        match kind {
            Kind::Code => &self.codes,
            Kind::Side => &self.sides,
            Kind::Currency => &self.currencies,
            Kind::Word => &self.words,
            Kind::File(side) => &self.files[side.index()],
            Kind::Pass => &self.passes,
            Kind::Why => &self.whys,
            other => unreachable!("{other:?} has no names"),
        }
    }
}
