//! The open items of yesterday: one for each `MATCHED_LATE`, in the layout in which a
//! reconciliation writes its own open items.

use super::column::{put_account, put_order_id};
use super::error::SimError;
use super::faults::Fault;
use super::line::{EPOCH_DAYS, Line, Payment, YESTERDAY};
use super::plan::{Plan, Side};
use super::sink::create_file;
use parquet::basic::{Compression, LogicalType, Repetition, Type as PhysicalType};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{Type, TypePtr};
use std::io::BufWriter;
use std::path::Path;
use std::sync::Arc;

/// Match keys of the layout, `k1` to `k8`.
const KEYS: usize = 8;

const GROUP_ROWS: usize = 1 << 18;

/// Times in the files are those of Shanghai, eight hours ahead of UTC all year.
const ZONE_SECONDS: i64 = 8 * 3600;

struct OpenItem<'a> {
    plan: &'a Plan,
    ordinal: u64,
    side: Side,
    line: Line,
}

/// Writes the open items and returns the bytes written.
pub(super) fn write_open_items(path: &Path, plan: &Plan) -> Result<u64, SimError> {
    let file = BufWriter::new(create_file(path)?);
    write_file(file, plan).map_err(|source| SimError::Parquet { path: path.to_owned(), source })
}

fn write_file(file: BufWriter<std::fs::File>, plan: &Plan) -> Result<u64, ParquetError> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by("suanpan".to_owned())
        .build();
    let mut writer = SerializedFileWriter::new(file, schema()?, Arc::new(properties))?;
    let mut items = Vec::new();
    for slot in plan.slots_of_class(Fault::MatchedLate) {
        let Some(seeded) = plan.seeded(slot) else { break };
        let (side, line) = Payment::new(plan, plan.payment_in(slot), slot).open_item(seeded);
        items.push(OpenItem { plan, ordinal: seeded.ordinal, side, line });
        if items.len() == GROUP_ROWS {
            write_group(&mut writer, &items)?;
            items.clear();
        }
    }
    if !items.is_empty() {
        write_group(&mut writer, &items)?;
    }
    writer.finish()?;
    Ok(writer.bytes_written() as u64)
}

fn schema() -> Result<TypePtr, ParquetError> {
    let text = |name: &str| {
        Type::primitive_type_builder(name, PhysicalType::BYTE_ARRAY)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(Some(LogicalType::String))
            .build()
    };
    let number = |name: &str, physical| {
        Type::primitive_type_builder(name, physical).with_repetition(Repetition::OPTIONAL).build()
    };
    let mut fields = vec![text("side")?];
    for key in 1..=KEYS {
        fields.push(text(&format!("k{key}"))?);
    }
    fields.extend([
        text("type")?,
        text("currency")?,
        number("amount_minor", PhysicalType::INT64)?,
        number("fee_minor", PhysicalType::INT64)?,
        text("status")?,
        number("time_us", PhysicalType::INT64)?,
        number("date_days", PhysicalType::INT32)?,
        text("batch")?,
        text("original")?,
        text("account")?,
        text("file")?,
        number("row", PhysicalType::INT64)?,
        number("first_seen_days", PhysicalType::INT32)?,
        number("age", PhysicalType::INT64)?,
    ]);
    let fields = fields.into_iter().map(Arc::new).collect();
    Ok(Arc::new(Type::group_type_builder("open_items").with_fields(fields).build()?))
}

fn write_group(
    writer: &mut SerializedFileWriter<BufWriter<std::fs::File>>,
    items: &[OpenItem<'_>],
) -> Result<(), ParquetError> {
    let mut group = writer.next_row_group()?;
    write_columns(&mut group, items)?;
    group.close()?;
    Ok(())
}

/// Writes the columns in the order of the schema.
fn write_columns(
    group: &mut SerializedRowGroupWriter<'_, BufWriter<std::fs::File>>,
    items: &[OpenItem<'_>],
) -> Result<(), ParquetError> {
    texts(group, items, |item| Some(item.side.name().into()))?;
    texts(group, items, |item| Some(item.text(|out| put_order_id(out, item.line.order))))?;
    for _ in 1..KEYS {
        texts(group, items, |_| None)?;
    }
    texts(group, items, |item| Some(item.line.kind.word().into()))?;
    texts(group, items, |item| Some(item.plan.currencies[usize::from(item.line.currency)].letters.into()))?;
    column::<Int64Type>(group, items, |item| Some(item.line.amount_minor))?;
    column::<Int64Type>(group, items, |item| Some(item.line.fee_minor))?;
    texts(group, items, |item| Some(item.line.status.word().into()))?;
    column::<Int64Type>(group, items, |item| Some(item.time_us()))?;
    column::<Int32Type>(group, items, |item| Some(item.date_days()))?;
    texts(group, items, |_| None)?;
    texts(group, items, |_| None)?;
    texts(group, items, |item| Some(item.text(|out| put_account(out, item.line.account))))?;
    texts(group, items, |item| {
        Some(format!("{}-202611{YESTERDAY:02}.csv", item.side.file_stem()).into_bytes())
    })?;
    column::<Int64Type>(group, items, |item| i64::try_from(item.ordinal + 2).ok())?;
    column::<Int32Type>(group, items, |item| Some(item.date_days()))?;
    column::<Int64Type>(group, items, |_| Some(1))
}

impl OpenItem<'_> {
    fn text(&self, put: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::new();
        put(&mut out);
        out
    }

    fn date_days(&self) -> i32 {
        EPOCH_DAYS + i32::from(self.line.day)
    }

    fn time_us(&self) -> i64 {
        let seconds = i64::from(self.date_days()) * 86_400 + i64::from(self.line.second) - ZONE_SECONDS;
        seconds * 1_000_000
    }
}

fn texts(
    group: &mut SerializedRowGroupWriter<'_, BufWriter<std::fs::File>>,
    items: &[OpenItem<'_>],
    value: impl Fn(&OpenItem<'_>) -> Option<Vec<u8>>,
) -> Result<(), ParquetError> {
    column::<ByteArrayType>(group, items, |item| value(item).map(ByteArray::from))
}

fn column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, BufWriter<std::fs::File>>,
    items: &[OpenItem<'_>],
    value: impl Fn(&OpenItem<'_>) -> Option<T::T>,
) -> Result<(), ParquetError> {
    let Some(mut writer) = group.next_column()? else {
        return Err(ParquetError::General("more columns than the schema has".to_owned()));
    };
    let mut values = Vec::with_capacity(items.len());
    let mut levels = Vec::with_capacity(items.len());
    for item in items {
        let value = value(item);
        levels.push(i16::from(value.is_some()));
        values.extend(value);
    }
    writer.typed::<T>().write_batch(&values, Some(&levels), None)?;
    writer.close()
}
