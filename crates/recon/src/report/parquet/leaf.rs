//! One Parquet column of a row group: its values as they come, then its pages.
//!
//! Names are written as places in a dictionary, everything else plainly; a page is compressed with Snappy.
//! Sources: the format's `Encodings.md` and `README.md` ("Data Pages", "Nulls").

use super::hybrid;
use crate::outcome::Code;
use crate::record::{Side, Word};
use crate::report::csv::{place_list, readable};
use crate::report::names::{NameTable, field_names};
use crate::report::row::{Cell, Kind};
use bytes::Bytes;
use parquet::basic::{Compression, Encoding, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::{ColumnDescPtr, Type};
use std::borrow::Cow;

/// Decimals of money columns: as many as any currency of ISO 4217 has.
const MONEY_SCALE: u8 = 4;
const MONEY_BYTES: i32 = 16;

/// The values of one column, and for each row whether it has one.
pub(super) struct Leaf {
    kind: Kind,
    /// Values as the format's PLAIN encoding has them.
    plain: Vec<u8>,
    names: Names,
    /// A bit for each row with a value.
    present: Vec<u64>,
    count: usize,
    /// Least and greatest of whole numbers.
    range: Option<(i64, i64)>,
}

/// Names, as places in the dictionary of the row group. A name's place is that of its first row.
#[derive(Default)]
struct Names {
    places: Vec<u32>,
    /// The numbers of the names in the dictionary.
    used: Vec<u32>,
    /// One more than the place of each number; 0 where it has none.
    place_of: Vec<u32>,
}

impl Names {
    fn push(&mut self, number: u32) {
        let at = number as usize;
        if at >= self.place_of.len() {
            self.place_of.resize(at + 1, 0);
        }
        if self.place_of[at] == 0 {
            self.used.push(number);
            self.place_of[at] = self.used.len() as u32;
        }
        self.places.push(self.place_of[at] - 1);
    }

    fn clear(&mut self) {
        self.places.clear();
        self.used.drain(..).for_each(|number| self.place_of[number as usize] = 0);
    }
}

/// Buffers for pages, shared by the columns of a group.
pub(super) struct Packer {
    page: Vec<u8>,
    compressed: Vec<u8>,
    snappy: snap::raw::Encoder,
}

impl Packer {
    pub(super) fn new() -> Packer {
        Packer { page: Vec::new(), compressed: Vec::new(), snappy: snap::raw::Encoder::new() }
    }

    /// Compresses the page.
    fn compress(&mut self) -> Result<Bytes, ParquetError> {
        let most = snap::raw::max_compress_len(self.page.len());
        if self.compressed.len() < most {
            self.compressed.resize(most, 0);
        }
        let size = self.snappy.compress(&self.page, &mut self.compressed);
        let size = size.map_err(|error| ParquetError::External(Box::new(error)))?;
        Ok(Bytes::copy_from_slice(&self.compressed[..size]))
    }
}

impl Leaf {
    pub(super) fn new(kind: Kind) -> Leaf {
        Leaf { kind, plain: Vec::new(), names: Names::default(), present: Vec::new(), count: 0, range: None }
    }

    /// Adds a value for row number `row` of the group.
    pub(super) fn push(&mut self, row: usize, cell: Cell<'_>, names: &NameTable) {
        if self.present.len() <= row / 64 {
            self.present.resize(row / 64 + 1, 0);
        }
        self.present[row / 64] |= 1 << (row % 64);
        self.count += 1;
        match cell {
            Cell::Number(value) => self.push_int(i64::try_from(value).unwrap_or(i64::MAX)),
            Cell::Int(value) => self.push_int(value),
            Cell::Money(minor, exponent) => {
                let scaled = minor * 10_i128.pow(u32::from(MONEY_SCALE - exponent));
                self.plain.extend_from_slice(&scaled.to_be_bytes());
            }
            Cell::Text(text) if self.kind == Kind::RawText => self.push_text(text),
            Cell::Text(text) => self.push_text(&readable(text)),
            Cell::Places(places) => self.push_text(&place_list(places, names)),
            Cell::Fields(mask) => self.names.push(mask),
            Cell::Code(code) => self.names.push(u32::from(code as u8)),
            Cell::Side(side) => self.names.push(u32::from(side == Side::Right)),
            Cell::Currency(number) | Cell::Why(number) | Cell::File(_, number) => {
                self.names.push(u32::from(number));
            }
            Cell::Word(word) => self.names.push(u32::from(word.0)),
            Cell::Pass(pass) => self.names.push(pass.map_or(0, |pass| u32::from(pass) + 1)),
            Cell::Flag => (),
        }
    }

    fn push_int(&mut self, value: i64) {
        if physical(self.kind) == Physical::INT32 {
            let day = i32::try_from(value).expect("days were stored from 32 bits");
            self.plain.extend_from_slice(&day.to_le_bytes());
        } else {
            self.plain.extend_from_slice(&value.to_le_bytes());
        }
        let (least, greatest) = self.range.unwrap_or((value, value));
        self.range = Some((least.min(value), greatest.max(value)));
    }

    fn push_text(&mut self, text: &[u8]) {
        let len = u32::try_from(text.len()).expect("a text below 4 GiB");
        self.plain.extend_from_slice(&len.to_le_bytes());
        self.plain.extend_from_slice(text);
    }

    /// Writes the pages of `rows` rows, and starts anew.
    pub(super) fn write(
        &mut self,
        column: ColumnDescPtr,
        rows: usize,
        names: &NameTable,
        packer: &mut Packer,
        sink: &mut TrackedWrite<Vec<u8>>,
    ) -> Result<ColumnCloseResult, ParquetError> {
        let start = sink.bytes_written();
        let mut pages = SerializedPageWriter::new(sink);
        let mut sizes = (0, 0);
        let mut write = |page: Page, plain_size: usize| -> Result<i64, ParquetError> {
            let written = pages.write_page(CompressedPage::new(page, plain_size))?;
            sizes.0 += written.compressed_size as i64;
            sizes.1 += written.uncompressed_size as i64;
            Ok(written.offset as i64)
        };
        let mut metadata = ColumnChunkMetaData::builder(column);
        let mut encodings = vec![Encoding::PLAIN, Encoding::RLE];
        let encoding = if is_named(self.kind) {
            encodings.push(Encoding::RLE_DICTIONARY);
            packer.page.clear();
            for number in &self.names.used {
                let name = name_of(self.kind, *number, names);
                packer.page.extend_from_slice(&(name.len() as u32).to_le_bytes());
                packer.page.extend_from_slice(name.as_bytes());
            }
            let page = Page::DictionaryPage {
                buf: packer.compress()?,
                num_values: self.names.used.len() as u32,
                encoding: Encoding::PLAIN,
                is_sorted: false,
            };
            let offset = write(page, packer.page.len())?;
            metadata = metadata.set_dictionary_page_offset(Some(offset));
            Encoding::RLE_DICTIONARY
        } else {
            Encoding::PLAIN
        };
        self.fill(&mut packer.page, rows);
        let page = Page::DataPage {
            buf: packer.compress()?,
            num_values: rows as u32,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let offset = write(page, packer.page.len())?;
        if let Some(statistics) = self.statistics(rows, names) {
            metadata = metadata.set_statistics(statistics);
        }
        let metadata = metadata
            .set_compression(Compression::SNAPPY)
            .set_encodings(encodings)
            .set_num_values(rows as i64)
            .set_total_compressed_size(sizes.0)
            .set_total_uncompressed_size(sizes.1)
            .set_data_page_offset(offset)
            .build()?;
        self.clear();
        Ok(ColumnCloseResult {
            bytes_written: (sink.bytes_written() - start) as u64,
            rows_written: rows as u64,
            metadata,
            bloom_filter: None,
            column_index: None,
            offset_index: None,
        })
    }

    /// Makes the data page: levels where the column has nulls, then the values.
    fn fill(&mut self, page: &mut Vec<u8>, rows: usize) {
        page.clear();
        assert!(!is_required(self.kind) || self.count == rows, "a required column has a value in each row");
        if !is_required(self.kind) {
            page.extend_from_slice(&[0; 4]);
            if self.count == 0 || self.count == rows {
                hybrid::run(rows, u32::from(self.count == rows), 1, page);
            } else {
                self.present.resize(rows.div_ceil(64), 0);
                hybrid::packed_bits(&self.present, rows, page);
            }
            let size = (page.len() - 4) as u32;
            page[..4].copy_from_slice(&size.to_le_bytes());
        }
        match self.kind {
            Kind::Flag => page.extend(std::iter::repeat_n(0xFF, self.count.div_ceil(8))),
            kind if is_named(kind) => {
                let most = self.names.used.len().saturating_sub(1) as u32;
                let width = (u32::BITS - most.leading_zeros()).max(1);
                page.push(width as u8);
                if most == 0 {
                    hybrid::run(self.count, 0, width, page);
                } else {
                    hybrid::packed(&self.names.places, width, page);
                }
            }
            _ => page.extend_from_slice(&self.plain),
        }
    }

    /// Readers skip row groups by these.
    fn statistics(&self, rows: usize, names: &NameTable) -> Option<Statistics> {
        let nulls = Some((rows - self.count) as u64);
        match self.kind {
            Kind::Number | Kind::Minor => {
                let (least, greatest) = self.range?;
                Some(Statistics::int64(Some(least), Some(greatest), None, nulls, false))
            }
            Kind::Day => {
                let (least, greatest) = self.range?;
                let day = |value: i64| i32::try_from(value).ok();
                Some(Statistics::int32(day(least), day(greatest), None, nulls, false))
            }
            Kind::Code | Kind::Currency => {
                let used = || self.names.used.iter().map(|number| name_of(self.kind, *number, names));
                let text = |name: Cow<'_, str>| ByteArray::from(&*name);
                Some(Statistics::byte_array(
                    used().min().map(text),
                    used().max().map(text),
                    None,
                    nulls,
                    false,
                ))
            }
            _ => None,
        }
    }

    fn clear(&mut self) {
        self.plain.clear();
        self.names.clear();
        self.present.clear();
        self.count = 0;
        self.range = None;
    }
}

fn is_named(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Code
            | Kind::Currency
            | Kind::Word
            | Kind::Fields
            | Kind::File(_)
            | Kind::Side
            | Kind::Pass
            | Kind::Why
    )
}

fn is_required(kind: Kind) -> bool {
    matches!(kind, Kind::Number | Kind::Code | Kind::Side)
}

/// The name that a number of [`Names`] stands for.
fn name_of(kind: Kind, number: u32, names: &NameTable) -> Cow<'_, str> {
    let short = || u16::try_from(number).expect("numbers of names have 16 bits");
    Cow::Borrowed(match kind {
        Kind::Code => Code::ALL[number as usize].name(),
        Kind::Side => Side::BOTH[number as usize].name(),
        Kind::Currency => names.currency(short()),
        Kind::Word => names.word(Word(short())),
        Kind::File(side) => names.file(side, short()),
        Kind::Pass => names.pass(short().checked_sub(1)),
        Kind::Why => names.why(short()),
        Kind::Fields => return Cow::Owned(field_names(number).collect::<Vec<_>>().join(" ")),
        other => unreachable!("{other:?} has no names"),
    })
}

fn physical(kind: Kind) -> Physical {
    match kind {
        Kind::Number | Kind::Minor | Kind::Count | Kind::Time | Kind::Micros => Physical::INT64,
        Kind::Day | Kind::Days => Physical::INT32,
        Kind::Money | Kind::Sum => Physical::FIXED_LEN_BYTE_ARRAY,
        Kind::Flag => Physical::BOOLEAN,
        Kind::AnyFile => unreachable!("only in tables without a Parquet form"),
        _ => Physical::BYTE_ARRAY,
    }
}

/// Returns the type of a column.
pub(super) fn parquet_type(name: &str, kind: Kind) -> Result<Type, ParquetError> {
    let physical = physical(kind);
    let logical = match kind {
        Kind::Time => Some(LogicalType::timestamp(true, TimeUnit::MICROS)),
        Kind::Day => Some(LogicalType::Date),
        Kind::Money | Kind::Sum => Some(LogicalType::decimal(i32::from(MONEY_SCALE), 38)),
        _ if physical == Physical::BYTE_ARRAY => Some(LogicalType::String),
        _ => None,
    };
    let builder = Type::primitive_type_builder(name, physical)
        .with_repetition(if is_required(kind) { Repetition::REQUIRED } else { Repetition::OPTIONAL })
        .with_logical_type(logical);
    if physical == Physical::FIXED_LEN_BYTE_ARRAY {
        return builder
            .with_length(MONEY_BYTES)
            .with_precision(38)
            .with_scale(i32::from(MONEY_SCALE))
            .build();
    }
    builder.build()
}
