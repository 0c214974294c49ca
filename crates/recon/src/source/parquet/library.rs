//! Columns in rarer encodings (the DELTA family, BYTE_STREAM_SPLIT), by the crate's own decoders.

use super::super::batch::TextColumn;
use super::text::{Kind, write_bool};
use super::{DAMAGED, Fail, guarded, push_rows};
use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use ::parquet::data_type::{
    AsBytes, BoolType, ByteArrayType, DataType, FixedLenByteArrayType, Int32Type, Int64Type,
};
use ::parquet::schema::types::ColumnDescriptor;

/// A column of a row group.
pub(super) struct Library {
    reader: Typed,
    levels: Vec<i16>,
    present: i16,
}

enum Typed {
    Bool(Values<BoolType>),
    Int32(Values<Int32Type>),
    Int64(Values<Int64Type>),
    Bytes(Values<ByteArrayType>),
    FixedBytes(Values<FixedLenByteArrayType>),
    Other,
}

struct Values<T: DataType> {
    reader: ColumnReaderImpl<T>,
    values: Vec<T::T>,
}

impl Library {
    pub(super) fn new(column: &ColumnDescriptor, reader: ColumnReader) -> Library {
        let reader = match reader {
            ColumnReader::BoolColumnReader(reader) => Typed::Bool(Values::new(reader)),
            ColumnReader::Int32ColumnReader(reader) => Typed::Int32(Values::new(reader)),
            ColumnReader::Int64ColumnReader(reader) => Typed::Int64(Values::new(reader)),
            ColumnReader::ByteArrayColumnReader(reader) => Typed::Bytes(Values::new(reader)),
            ColumnReader::FixedLenByteArrayColumnReader(reader) => Typed::FixedBytes(Values::new(reader)),
            _ => Typed::Other,
        };
        Library { reader, levels: Vec::new(), present: column.max_def_level() }
    }

    /// Passes over the next `rows` texts.
    pub(super) fn skip(&mut self, rows: usize) -> Result<(), Fail> {
        let skipped = guarded(|| match &mut self.reader {
            Typed::Bool(values) => values.reader.skip_records(rows),
            Typed::Int32(values) => values.reader.skip_records(rows),
            Typed::Int64(values) => values.reader.skip_records(rows),
            Typed::Bytes(values) => values.reader.skip_records(rows),
            Typed::FixedBytes(values) => values.reader.skip_records(rows),
            Typed::Other => Ok(rows),
        })?;
        if skipped < rows { Err(DAMAGED("fewer values than the row group has rows")) } else { Ok(()) }
    }

    /// Pushes the next `rows` texts.
    pub(super) fn read(&mut self, kind: Kind, rows: usize, out: &mut TextColumn) -> Result<(), Fail> {
        let (levels, present) = (&mut self.levels, self.present);
        match &mut self.reader {
            Typed::Bool(values) => values.read(rows, levels, present, out, |value, out| {
                write_bool(*value, out);
                Ok(())
            }),
            Typed::Int32(values) => values.read(rows, levels, present, out, |value, out| {
                kind.write_int(i64::from(*value), out);
                Ok(())
            }),
            Typed::Int64(values) => values.read(rows, levels, present, out, |value, out| {
                kind.write_int(*value, out);
                Ok(())
            }),
            Typed::Bytes(values) => {
                values.read(rows, levels, present, out, |value, out| kind.write_bytes(value.as_bytes(), out))
            }
            Typed::FixedBytes(values) => {
                values.read(rows, levels, present, out, |value, out| kind.write_bytes(value.as_bytes(), out))
            }
            Typed::Other => Err(DAMAGED("a type that has no text")),
        }
    }
}

impl<T: DataType> Values<T> {
    fn new(reader: ColumnReaderImpl<T>) -> Values<T> {
        Values { reader, values: Vec::new() }
    }

    fn read(
        &mut self,
        rows: usize,
        levels: &mut Vec<i16>,
        present: i16,
        out: &mut TextColumn,
        write: impl Fn(&T::T, &mut Vec<u8>) -> Result<(), Fail>,
    ) -> Result<(), Fail> {
        levels.clear();
        self.values.clear();
        let (reader, to) = (&mut self.reader, &mut self.values);
        let (read, ..) = guarded(|| reader.read_records(rows, Some(levels), None, to))?;
        if read != rows {
            return Err(DAMAGED("fewer values than the row group has rows"));
        }
        let mut values = self.values.iter();
        let levels = (present > 0).then_some((levels.as_slice(), present));
        push_rows(out, rows, levels, |out| {
            write(values.next().ok_or_else(|| DAMAGED("fewer values than rows that have one"))?, out)
        })
    }
}
