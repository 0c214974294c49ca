use super::super::expand_with;
use super::*;
use ::parquet::basic::Compression;
use ::parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArray, FixedLenByteArrayType,
    Int32Type, Int64Type, Int96, Int96Type,
};
use ::parquet::file::properties::{WriterProperties, WriterVersion};
use ::parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use ::parquet::schema::parser::parse_message_type;
use proptest::prelude::*;
use tempfile::TempDir;

/// The values of one column for the low-level writer.
#[derive(Debug, Clone)]
enum Values {
    Bool(Vec<Option<bool>>),
    Int32(Vec<Option<i32>>),
    Int64(Vec<Option<i64>>),
    Bytes(Vec<Option<Vec<u8>>>),
    Fixed(Vec<Option<Vec<u8>>>),
    Double(Vec<Option<f64>>),
    Int96(Vec<Option<u32>>),
}

fn write_values<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    values: Vec<Option<T::T>>,
    nullable: bool,
) {
    let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
    let present: Vec<T::T> = values.into_iter().flatten().collect();
    let mut column = group.next_column().unwrap().expect("a column");
    column.typed::<T>().write_batch(&present, nullable.then_some(&levels), None).unwrap();
    column.close().unwrap();
}

/// Writes row groups; the outer list is of groups, the inner of columns.
fn write(schema: &str, properties: WriterProperties, groups: &[Vec<Values>]) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let nullable: Vec<bool> = schema.get_fields().iter().map(|field| field.is_optional()).collect();
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).unwrap();
    for group in groups {
        let mut to = writer.next_row_group().unwrap();
        for (values, nullable) in group.iter().cloned().zip(&nullable) {
            let bytes = |values: Vec<Option<Vec<u8>>>| values.into_iter().map(|v| v.map(ByteArray::from));
            match values {
                Values::Bool(values) => write_values::<BoolType>(&mut to, values, *nullable),
                Values::Int32(values) => write_values::<Int32Type>(&mut to, values, *nullable),
                Values::Int64(values) => write_values::<Int64Type>(&mut to, values, *nullable),
                Values::Double(values) => write_values::<DoubleType>(&mut to, values, *nullable),
                Values::Bytes(values) => {
                    write_values::<ByteArrayType>(&mut to, bytes(values).collect(), *nullable);
                }
                Values::Fixed(values) => {
                    let values = bytes(values).map(|v| v.map(FixedLenByteArray::from)).collect();
                    write_values::<FixedLenByteArrayType>(&mut to, values, *nullable);
                }
                Values::Int96(values) => {
                    let int96 = |low| {
                        let mut value = Int96::new();
                        value.set_data(low, 0, 2_440_588);
                        value
                    };
                    let values = values.into_iter().map(|v| v.map(int96)).collect();
                    write_values::<Int96Type>(&mut to, values, *nullable);
                }
            }
        }
        to.close().unwrap();
    }
    writer.into_inner().unwrap()
}

fn source(dir: &TempDir, name: &str, bytes: &[u8]) -> SourceFile {
    let path = dir.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    expand_with(&[path.display().to_string()], dir.path(), &mut io::empty()).unwrap().remove(0)
}

type Rows = Vec<Vec<Option<String>>>;

/// Reads columns of all groups, checking that rows are numbered through.
fn read(file: &SourceFile, columns: &[usize], batch_rows: usize) -> Result<Rows, SourceError> {
    let parquet = ParquetSource::open(file)?;
    let mut rows = Rows::new();
    for group in 0..parquet.row_groups().len() {
        parquet.read_group(group, columns, batch_rows, |batch| {
            assert!(batch.rows() <= batch_rows && batch.rows() > 0);
            for (row, place) in batch.places().iter().enumerate() {
                assert_eq!(place.offset, rows.len() as u64);
                let text =
                    |column| batch.get(column, row).map(|text| String::from_utf8_lossy(text).into_owned());
                rows.push((0..columns.len()).map(text).collect());
            }
        })?;
    }
    assert_eq!(rows.len() as u64, parquet.row_groups().iter().sum::<u64>());
    Ok(rows)
}

/// One column of one group, as texts.
fn column(kind: &str, values: Values) -> Result<Vec<Option<String>>, SourceError> {
    let dir = TempDir::new().unwrap();
    let schema = format!("message m {{ optional {kind}; }}");
    let file = source(&dir, "a.parquet", &write(&schema, WriterProperties::new(), &[vec![values]]));
    Ok(read(&file, &[0], 8_192)?.into_iter().map(|mut row| row.remove(0)).collect())
}

fn big_endian_of(value: i128, bytes: usize) -> Vec<u8> {
    let wide = value.to_be_bytes();
    if bytes <= 16 {
        return wide[16 - bytes..].to_vec();
    }
    let fill = if value < 0 { 0xFF } else { 0 };
    [vec![fill; bytes - 16], wide.to_vec()].concat()
}

#[test]
fn every_supported_type_is_written_exactly() {
    let text = |texts: &[&str]| texts.iter().map(|t| Some((*t).to_owned())).chain([None]).collect::<Vec<_>>();
    let int32 = |values: &[i32]| Values::Int32(values.iter().copied().map(Some).chain([None]).collect());
    let int64 = |values: &[i64]| Values::Int64(values.iter().copied().map(Some).chain([None]).collect());
    let bytes = |values: &[&[u8]]| values.iter().map(|v| Some(v.to_vec())).chain([None]).collect::<Vec<_>>();
    let big = 12_345_678_901_234_567_890_123_456_789_i128;
    let cases: Vec<(&str, Values, Vec<Option<String>>)> = vec![
        ("boolean a", Values::Bool(vec![Some(true), Some(false), None]), text(&["true", "false"])),
        ("int32 a", int32(&[0, -1, i32::MIN, i32::MAX]), text(&["0", "-1", "-2147483648", "2147483647"])),
        ("int32 a (INTEGER(8,true))", int32(&[-128]), text(&["-128"])),
        ("int32 a (INTEGER(32,false))", int32(&[-1, 7]), text(&["4294967295", "7"])),
        ("int32 a (UINT_32)", int32(&[-1]), text(&["4294967295"])),
        (
            "int64 a",
            int64(&[0, 10, 99, 100, i64::MIN, i64::MAX]),
            text(&["0", "10", "99", "100", "-9223372036854775808", "9223372036854775807"]),
        ),
        ("int64 a (INTEGER(64,false))", int64(&[-1, 10]), text(&["18446744073709551615", "10"])),
        ("int32 a (DECIMAL(9,2))", int32(&[1230, -5, 0]), text(&["12.30", "-0.05", "0.00"])),
        (
            "int64 a (DECIMAL(18,2))",
            int64(&[1230, -1230, 5, -100, 100_005, i64::MIN]),
            text(&["12.30", "-12.30", "0.05", "-1.00", "1000.05", "-92233720368547758.08"]),
        ),
        ("int64 a (DECIMAL(18,0))", int64(&[1230]), text(&["1230"])),
        (
            "int64 a (DECIMAL(18,18))",
            int64(&[1, -1_000_000_000_000_000_000]),
            text(&["0.000000000000000001", "-1.000000000000000000"]),
        ),
        (
            "fixed_len_byte_array(16) a (DECIMAL(38,2))",
            Values::Fixed(
                [1230, -5, big, -big, i128::MIN]
                    .map(|v| Some(big_endian_of(v, 16)))
                    .into_iter()
                    .chain([None])
                    .collect(),
            ),
            text(&[
                "12.30",
                "-0.05",
                "123456789012345678901234567.89",
                "-123456789012345678901234567.89",
                "-1701411834604692317316873037158841057.28",
            ]),
        ),
        (
            "fixed_len_byte_array(5) a (DECIMAL(10,3))",
            Values::Fixed([1230, -5].map(|v| Some(big_endian_of(v, 5))).into_iter().chain([None]).collect()),
            text(&["1.230", "-0.005"]),
        ),
        (
            "fixed_len_byte_array(20) a (DECIMAL(38,30))",
            Values::Fixed([1, -big].map(|v| Some(big_endian_of(v, 20))).into_iter().chain([None]).collect()),
            text(&["0.000000000000000000000000000001", "-0.012345678901234567890123456789"]),
        ),
        (
            "binary a (DECIMAL(18,2))",
            Values::Bytes(bytes(&[&[0x04, 0xCE], &[0xFF], &[0, 0, 0x04, 0xCE], &[]])),
            text(&["12.30", "-0.01", "12.30", "0.00"]),
        ),
        (
            "binary a (STRING)",
            Values::Bytes(bytes(&["商户".as_bytes(), b"", b"a,\"b\"\n"])),
            text(&["商户", "", "a,\"b\"\n"]),
        ),
        ("binary a (UTF8)", Values::Bytes(bytes(&[b"x"])), text(&["x"])),
        ("binary a (ENUM)", Values::Bytes(bytes(&[b"PAID"])), text(&["PAID"])),
        ("binary a (JSON)", Values::Bytes(bytes(&[b"{}"])), text(&["{}"])),
        ("binary a", Values::Bytes(bytes(&[b"raw"])), text(&["raw"])),
        ("fixed_len_byte_array(3) a", Values::Fixed(bytes(&[b"CNY"])), text(&["CNY"])),
        (
            "int32 a (DATE)",
            int32(&[0, -1, 20_768, -719_528, 11_016, 2_932_896]),
            text(&["1970-01-01", "1969-12-31", "2026-11-11", "0000-01-01", "2000-02-29", "9999-12-31"]),
        ),
        (
            "int64 a (TIMESTAMP(MILLIS,true))",
            int64(&[0, -1, 1_794_355_200_500]),
            text(&["1970-01-01T00:00:00Z", "1969-12-31T23:59:59.999Z", "2026-11-11T00:00:00.5Z"]),
        ),
        (
            "int64 a (TIMESTAMP(MICROS,true))",
            int64(&[1, 86_399_000_000]),
            text(&["1970-01-01T00:00:00.000001Z", "1970-01-01T23:59:59Z"]),
        ),
        ("int64 a (TIMESTAMP(NANOS,true))", int64(&[120]), text(&["1970-01-01T00:00:00.00000012Z"])),
        ("int64 a (TIMESTAMP(MICROS,false))", int64(&[1_500_000]), text(&["1970-01-01T00:00:01.5"])),
        ("int64 a (TIMESTAMP_MILLIS)", int64(&[1_000]), text(&["1970-01-01T00:00:01Z"])),
    ];
    for (kind, values, expected) in cases {
        assert_eq!(column(kind, values).unwrap(), expected, "{kind}");
    }
}

#[test]
fn unreadable_types_matter_only_when_needed() {
    let one = vec![Some(1)];
    let cases = [
        ("double a", Values::Double(vec![Some(1.5)]), "DOUBLE", "money must not be a float"),
        ("int96 a", Values::Int96(vec![Some(1)]), "INT96", "TIMESTAMP(MICROS)"),
        ("int64 a (TIME(MICROS,true))", Values::Int64(vec![Some(1)]), "Time", "cast"),
        ("int32 a (TIME_MILLIS)", Values::Int32(one), "TIME_MILLIS", "cast"),
        ("fixed_len_byte_array(16) a (UUID)", Values::Fixed(vec![Some(vec![7; 16])]), "Uuid", "cast"),
    ];
    for (kind, values, shown, advice) in cases {
        let error = column(kind, values.clone()).unwrap_err();
        assert_eq!(error.code(), "source_column_type", "{kind}");
        assert!(error.to_string().contains(shown) && error.to_string().contains("`a`"), "{error}");
        assert!(error.hint().unwrap().contains(advice), "{error}");
        // Beside it, others can be read.
        let dir = TempDir::new().unwrap();
        let schema = format!("message m {{ optional {kind}; required int32 b; }}");
        let bytes = write(&schema, WriterProperties::new(), &[vec![values, Values::Int32(vec![Some(5)])]]);
        let file = source(&dir, "a.parquet", &bytes);
        assert_eq!(read(&file, &[1], 10).unwrap(), [[Some("5".to_owned())]]);
        let parquet = ParquetSource::open(&file).unwrap();
        assert!(parquet.check(&[1]).is_ok() && parquet.check(&[1, 0]).is_err());
    }
}

#[test]
fn fields_of_groups_are_read_and_lists_are_refused() {
    let dir = TempDir::new().unwrap();
    let schema = "message m { required int32 id; optional group payer { optional binary bank (STRING); } repeated int32 tags; }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    write_values::<Int32Type>(&mut group, vec![Some(1), Some(2), Some(3)], false);
    let mut column = group.next_column().unwrap().unwrap();
    // Level 0: no payer; 1: a payer without a bank; 2: a bank.
    column.typed::<ByteArrayType>().write_batch(&["ICBC".into()], Some(&[0, 1, 2]), None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int32Type>().write_batch(&[7, 8], Some(&[1, 1, 0, 0]), Some(&[0, 1, 0, 0])).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    let file = source(&dir, "a.parquet", &writer.into_inner().unwrap());
    assert_eq!(ParquetSource::open(&file).unwrap().columns(), ["id", "payer.bank", "tags"]);
    let rows = read(&file, &[1, 0], 2).unwrap();
    let texts: Vec<Vec<&str>> =
        rows.iter().map(|row| row.iter().map(|text| text.as_deref().unwrap_or("-")).collect()).collect();
    assert_eq!(texts, [["-", "1"], ["-", "2"], ["ICBC", "3"]]);
    let error = read(&file, &[2], 2).unwrap_err();
    assert!(error.to_string().contains("`tags` has type a list"), "{error}");
}

#[test]
fn a_decimal_too_large_for_text_is_named_by_row() {
    let mut huge = vec![0; 17];
    huge[0] = 1;
    let values = Values::Bytes(vec![Some(vec![1]), None, Some(huge)]);
    let dir = TempDir::new().unwrap();
    for (dictionary, first) in [(false, 2), (true, 0)] {
        let properties = WriterProperties::builder().set_dictionary_enabled(dictionary).build();
        let bytes =
            write("message m { optional binary a (DECIMAL(38,2)); }", properties, &[vec![values.clone()]]);
        match read(&source(&dir, "a.parquet", &bytes), &[0], 10).unwrap_err() {
            SourceError::Value { row, column, .. } => assert_eq!((row, column.as_str()), (first, "a")),
            other => panic!("{other}"),
        }
    }
}

const ALL_TYPES: &str = "message m {
    required binary text (STRING);
    optional binary word (STRING);
    required int64 amount (DECIMAL(18,2));
    optional int64 fee (DECIMAL(18,2));
    optional int32 number;
    optional fixed_len_byte_array(9) big (DECIMAL(20,4));
    optional boolean flag;
    required boolean sure;
}";

/// Rows of [`ALL_TYPES`] with their texts, made of plain numbers so that everything is seen here.
fn rows_of(seeds: &[u64]) -> (Vec<Values>, Rows) {
    let decimal = |value: i128, scale: usize| {
        let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        format!("{}{whole}.{fraction}", if value < 0 { "-" } else { "" })
    };
    let rows: Vec<_> = seeds
        .iter()
        .map(|seed| {
            let text = format!("{}{seed}", "k".repeat((seed % 23) as usize));
            let word = (seed % 5 > 0).then(|| format!("W{}", seed % 7));
            let amount = (seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) as i64) >> (seed % 64);
            let fee = (seed % 3 > 0).then_some((seed % 11) as i64 - 5);
            let number = (seed % 4 > 0).then_some(*seed as u32 as i32);
            let big = (seed % 6 > 0).then_some(i128::from(amount) * 13);
            (text, word, amount, fee, number, big, (seed % 9 > 0).then_some(seed % 2 == 0), seed % 3 == 0)
        })
        .collect();
    let texts = rows
        .iter()
        .map(|(text, word, amount, fee, number, big, flag, sure)| {
            vec![
                Some(text.clone()),
                word.clone(),
                Some(decimal((*amount).into(), 2)),
                fee.map(|fee| decimal(fee.into(), 2)),
                number.map(|number| number.to_string()),
                big.map(|big| decimal(big, 4)),
                flag.map(|flag| flag.to_string()),
                Some(sure.to_string()),
            ]
        })
        .collect();
    let columns = vec![
        Values::Bytes(rows.iter().map(|row| Some(row.0.clone().into_bytes())).collect()),
        Values::Bytes(rows.iter().map(|row| row.1.clone().map(String::into_bytes)).collect()),
        Values::Int64(rows.iter().map(|row| Some(row.2)).collect()),
        Values::Int64(rows.iter().map(|row| row.3).collect()),
        Values::Int32(rows.iter().map(|row| row.4).collect()),
        Values::Fixed(rows.iter().map(|row| row.5.map(|big| big_endian_of(big, 9))).collect()),
        Values::Bool(rows.iter().map(|row| row.6).collect()),
        Values::Bool(rows.iter().map(|row| Some(row.7)).collect()),
    ];
    (columns, texts)
}

fn properties(
    version: u8,
    dictionary: bool,
    delta: bool,
    compression: u8,
    page_rows: usize,
) -> WriterProperties {
    let mut builder = WriterProperties::builder()
        .set_writer_version(if version == 1 {
            WriterVersion::PARQUET_1_0
        } else {
            WriterVersion::PARQUET_2_0
        })
        .set_dictionary_enabled(dictionary)
        .set_data_page_row_count_limit(page_rows)
        .set_write_batch_size(16)
        // Small, so that long columns fall back from the dictionary in the middle.
        .set_dictionary_page_size_limit(600)
        .set_compression(match compression {
            0 => Compression::UNCOMPRESSED,
            1 => Compression::SNAPPY,
            2 => Compression::ZSTD(Default::default()),
            3 => Compression::GZIP(Default::default()),
            _ => Compression::LZ4_RAW,
        });
    if !delta && version == 2 {
        for name in ["text", "word", "amount", "fee", "number", "big"] {
            builder = builder.set_column_encoding(name.into(), Encoding::PLAIN);
        }
    } else if delta {
        for name in ["amount", "fee", "number"] {
            builder = builder.set_column_encoding(name.into(), Encoding::DELTA_BINARY_PACKED);
        }
        builder = builder.set_column_encoding("text".into(), Encoding::DELTA_BYTE_ARRAY);
        builder = builder.set_column_encoding("word".into(), Encoding::DELTA_LENGTH_BYTE_ARRAY);
        builder = builder.set_column_encoding("big".into(), Encoding::BYTE_STREAM_SPLIT);
    }
    builder.build()
}

#[test]
fn pages_without_a_picked_row_are_not_unpacked() {
    let dir = TempDir::new().unwrap();
    let texts: Vec<String> = (0..400).map(|row| format!("{row:08}")).collect();
    let values = Values::Bytes(texts.iter().map(|text| Some(text.clone().into_bytes())).collect());
    for version in 1..3 {
        let written = properties(version, false, false, 3, 100);
        let mut bytes =
            write("message m { required binary text (STRING); }", written, &[vec![values.clone()]]);
        // Each page is a gzip member. The second holds rows 112 to 223, as rows are written by 16.
        let members: Vec<usize> = memchr::memmem::find_iter(&bytes, &[0x1F, 0x8B, 8]).collect();
        assert_eq!(members.len(), 4);
        bytes[members[1] + 20..members[1] + 60].fill(0xFF);
        let file = source(&dir, "a.parquet", &bytes);
        let parquet = ParquetSource::open(&file).unwrap();
        let mut seen = Vec::new();
        let pick = |rows: &[u64], seen: &mut Vec<u8>| {
            parquet.read_group_rows(0, &[0], rows, |batch| {
                (0..batch.rows()).for_each(|row| seen.extend_from_slice(batch.get(0, row).unwrap()));
            })
        };
        pick(&[7, 99, 230, 231, 399], &mut seen).unwrap();
        assert_eq!(String::from_utf8(seen).unwrap(), "0000000700000099000002300000023100000399");
        let error = pick(&[7, 150], &mut Vec::new()).unwrap_err();
        assert_eq!(error.code(), "source_damaged", "{error}");
    }
}

#[test]
fn a_page_read_ahead_that_does_not_unpack_matters_only_when_needed() {
    let dir = TempDir::new().unwrap();
    let texts: Vec<String> =
        (1..=400_u32).map(|row| format!("{:08x}", row.wrapping_mul(0x9E37_79B9))).collect();
    let values = Values::Bytes(texts.iter().map(|text| Some(text.clone().into_bytes())).collect());
    for version in 1..3 {
        let written = properties(version, false, false, 1, 100);
        let mut bytes =
            write("message m { required binary text (STRING); }", written, &[vec![values.clone()]]);
        // The second page begins with row 112. A copy from far before its start cannot be.
        let first_text = [&8_u32.to_le_bytes(), texts[112].as_bytes()].concat();
        let second = memchr::memmem::rfind(&bytes, &first_text).expect("its first literal");
        bytes[second + 20..second + 60].fill(0xFF);
        let file = source(&dir, "a.parquet", &bytes);
        let parquet = ParquetSource::open(&file).unwrap();
        let mut seen = Vec::new();
        let mut pick = |rows: &[u64]| {
            parquet.read_group_rows(0, &[0], rows, |batch| {
                (0..batch.rows()).for_each(|row| seen.extend_from_slice(batch.get(0, row).unwrap()));
            })
        };
        pick(&[7, 99, 230, 399]).unwrap();
        let error = pick(&[7, 150]).unwrap_err();
        assert_eq!(error.code(), "source_damaged", "{error}");
        assert_eq!(
            String::from_utf8(seen).unwrap(),
            [7, 99, 230, 399].map(|row: usize| &*texts[row]).concat()
        );
        let mut rows = 0;
        let error = parquet.read_group(0, &[0], 56, |batch| rows += batch.rows()).unwrap_err();
        assert_eq!((rows, error.code()), (112, "source_damaged"), "{error}");
    }
}

#[test]
fn columns_in_place_know_their_numbers_and_dictionaries() {
    let dir = TempDir::new().unwrap();
    let schema = "message m { required int64 amount (DECIMAL(18,2)); required binary word (STRING); }";
    let amounts: Vec<i64> = (0..300).map(|row| row * 7_919 - 500_000).collect();
    let words: Vec<String> = (0..300).map(|row| format!("W{}", row % 3)).collect();
    let columns = vec![
        Values::Int64(amounts.iter().copied().map(Some).collect()),
        Values::Bytes(words.iter().map(|word| Some(word.clone().into_bytes())).collect()),
    ];
    let written = WriterProperties::builder()
        .set_column_dictionary_enabled("amount".into(), false)
        .set_compression(Compression::SNAPPY)
        .build();
    let bytes = write(schema, written, &[columns.clone(), columns]);
    let parquet = ParquetSource::open(&source(&dir, "a.parquet", &bytes)).unwrap();
    let mut dictionaries = std::collections::HashMap::new();
    for group in 0..2 {
        let mut seen = 0;
        parquet
            .read_group(group, &[0, 1], 70, |batch| {
                for row in 0..batch.rows() {
                    let amount = amounts[seen];
                    assert_eq!(batch.number(0, row), Some((amount, 2)));
                    assert_eq!(batch.number(1, row), None);
                    let text = format!("{}.{:02}", amount / 100, amount.abs() % 100);
                    let text = if amount < 0 && amount > -100 { format!("-{text}") } else { text };
                    assert_eq!(batch.get(0, row), Some(text.as_bytes()));
                    assert_eq!(batch.entry(0, row), None);
                    let entry = batch.entry(1, row).expect("a text of a dictionary");
                    let word = dictionaries.entry(entry).or_insert_with(|| words[seen].clone());
                    assert_eq!((&*word, batch.get(1, row)), (&words[seen], Some(words[seen].as_bytes())));
                    seen += 1;
                }
            })
            .unwrap();
        assert_eq!(seen, 300);
    }
    // Each group has its own dictionary of three words.
    assert_eq!(dictionaries.len(), 6);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn what_was_written_is_read(
        groups in prop::collection::vec(prop::collection::vec(prop_oneof![0..40_u64, any::<u64>()], 1..400), 0..4),
        version in 1..3_u8,
        dictionary in any::<bool>(),
        delta in any::<bool>(),
        compression in 0..5_u8,
        page_rows in 1..200_usize,
        batch_rows in 1..300_usize,
        columns in prop::collection::vec(0..8_usize, 1..8),
    ) {
        let dir = TempDir::new().unwrap();
        let (groups, texts): (Vec<_>, Vec<_>) = groups.iter().map(|seeds| rows_of(seeds)).unzip();
        let bytes = write(ALL_TYPES, properties(version, dictionary, delta, compression, page_rows), &groups);
        let rows = read(&source(&dir, "a.parquet", &bytes), &columns, batch_rows).unwrap();
        let expected: Rows = texts
            .into_iter()
            .flatten()
            .map(|row| columns.iter().map(|column| row[*column].clone()).collect())
            .collect();
        prop_assert_eq!(rows, expected);
    }

    #[test]
    fn picked_rows_are_those_of_a_whole_reading(
        groups in prop::collection::vec(
            (prop::collection::vec(prop_oneof![0..40_u64, any::<u64>()], 1..400), any::<u64>(), 0..8_u32),
            1..4,
        ),
        version in 1..3_u8,
        dictionary in any::<bool>(),
        delta in any::<bool>(),
        compression in 0..5_u8,
        page_rows in 1..200_usize,
        columns in prop::collection::vec(0..8_usize, 1..8),
    ) {
        let dir = TempDir::new().unwrap();
        let (written, texts): (Vec<_>, Vec<_>) = groups.iter().map(|(seeds, ..)| rows_of(seeds)).unzip();
        let bytes = write(ALL_TYPES, properties(version, dictionary, delta, compression, page_rows), &written);
        let parquet = ParquetSource::open(&source(&dir, "a.parquet", &bytes)).unwrap();
        let mut first = 0;
        for (group, texts) in texts.iter().enumerate() {
            // From every row to about one of 128, and now and then none.
            let (salt, rarity) = (groups[group].1, groups[group].2);
            let picks = |row: &u64| {
                (row ^ salt).wrapping_mul(0x9E37_79B9_7F4A_7C15).leading_zeros() >= rarity
            };
            let rows: Vec<u64> = (0..texts.len() as u64).filter(picks).collect();
            let mut seen = Rows::new();
            parquet
                .read_group_rows(group, &columns, &rows, |batch| {
                    for (row, place) in batch.places().iter().enumerate() {
                        assert_eq!(place.offset, first + rows[seen.len()]);
                        assert_eq!(place.line as usize, row);
                        let text = |at| batch.get(at, row).map(|t| String::from_utf8_lossy(t).into_owned());
                        seen.push((0..columns.len()).map(text).collect());
                    }
                })
                .unwrap();
            let wanted = |row: &u64| columns.iter().map(|at| texts[*row as usize][*at].clone()).collect();
            prop_assert_eq!(seen, rows.iter().map(wanted).collect::<Rows>());
            first += texts.len() as u64;
        }
    }

    #[test]
    fn decimals_have_the_digits_of_their_number(seed in any::<i64>(), shift in 0..64_u32, scale in 0..4_u8) {
        let value = seed >> shift;
        let digits = format!("{:0>width$}", value.unsigned_abs(), width = usize::from(scale) + 1);
        let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
        let point = if scale > 0 { "." } else { "" };
        let mut text = b"x".to_vec();
        Kind::Decimal(scale).write_int(value, &mut text);
        let expected = format!("x{}{whole}{point}{fraction}", if value < 0 { "-" } else { "" });
        prop_assert_eq!(String::from_utf8(text).unwrap(), expected);
    }

    #[test]
    fn damage_never_panics(
        version in 1..3_u8,
        delta in any::<bool>(),
        compression in 0..2_u8,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let dir = TempDir::new().unwrap();
        let (columns, _) = rows_of(&(0..120).collect::<Vec<_>>());
        let mut bytes = write(ALL_TYPES, properties(version, !delta, delta, compression, 50), &[columns]);
        let body = bytes.len() - 8;
        for (at, byte) in changes {
            bytes[4 + at.index(body - 4)] = byte;
        }
        // Right, wrong or refused: all the same here, as long as it ends and says so.
        let file = source(&dir, "a.parquet", &bytes);
        let _ = read(&file, &[0, 1, 2, 3, 4, 5, 6, 7], 64);
        if let Ok(parquet) = ParquetSource::open(&file)
            && parquet.row_groups() == [120]
            && parquet.columns().len() == 8
        {
            let columns = [0, 1, 2, 3, 4, 5, 6, 7];
            let _ = parquet.read_group_rows(0, &columns, &[3, 4, 60, 119], |batch| assert!(batch.rows() > 0));
        }
    }

    #[test]
    fn dates_are_those_of_the_calendar(days in -719_528_i32..2_932_897, micros in -62_135_596_800_000_000_i64..253_402_300_800_000_000) {
        let date = jiff::civil::date(1970, 1, 1) + jiff::Span::new().days(days);
        let kind = "int32 a (DATE)";
        prop_assert_eq!(column(kind, Values::Int32(vec![Some(days)])).unwrap(), [Some(date.to_string())]);
        let time = jiff::Timestamp::from_microsecond(micros).unwrap();
        let kind = "int64 a (TIMESTAMP(MICROS,true))";
        prop_assert_eq!(column(kind, Values::Int64(vec![Some(micros)])).unwrap(), [Some(time.to_string())]);
    }
}

#[test]
fn several_threads_read_one_open_file() {
    let dir = TempDir::new().unwrap();
    let (groups, texts): (Vec<_>, Vec<_>) =
        (0..8_u64).map(|group| rows_of(&(group * 300..group * 300 + 300).collect::<Vec<_>>())).unzip();
    let bytes = write(ALL_TYPES, properties(1, true, false, 1, 64), &groups);
    let parquet = ParquetSource::open(&source(&dir, "a.parquet", &bytes)).unwrap();
    assert_eq!(parquet.row_groups(), [300; 8]);
    std::thread::scope(|scope| {
        for (group, expected) in texts.iter().enumerate() {
            let parquet = &parquet;
            scope.spawn(move || {
                let mut found = Vec::new();
                parquet
                    .read_group(group, &[0, 2], 77, |batch| {
                        for row in 0..batch.rows() {
                            assert_eq!(batch.places()[row].offset, (group * 300 + found.len()) as u64);
                            found.push((
                                batch.get(0, row).unwrap().to_vec(),
                                batch.get(1, row).unwrap().to_vec(),
                            ));
                        }
                    })
                    .unwrap();
                let expected: Vec<_> = expected
                    .iter()
                    .map(|row| (row[0].clone().unwrap().into_bytes(), row[2].clone().unwrap().into_bytes()))
                    .collect();
                assert_eq!(found, expected);
            });
        }
    });
}

#[test]
fn files_that_are_cut_off_or_no_parquet_are_named() {
    let dir = TempDir::new().unwrap();
    let (columns, texts) = rows_of(&(0..50).collect::<Vec<_>>());
    let bytes = write(ALL_TYPES, properties(1, true, false, 0, 50), &[columns]);
    let open = |bytes: &[u8]| ParquetSource::open(&source(&dir, "a.parquet", bytes)).unwrap_err();
    for cut in [bytes.len() - 1, bytes.len() / 2, 5] {
        match open(&bytes[..cut]) {
            SourceError::Truncated { container: "parquet", offset, .. } => assert_eq!(offset, cut as u64),
            other => panic!("{cut}: {other}"),
        }
    }
    assert_eq!(open(b"").code(), "source_empty");
    assert_eq!(open(b"id,amount\n1,2\n").code(), "source_unsupported");
    // Both ends right and nothing between.
    assert_eq!(open(b"PAR1\xFF\xFF\xFF\x7FPAR1").code(), "source_damaged");
    assert_eq!(open(b"PAR1PAR1").code(), "source_truncated");
    // Text readers refuse it with a better word than "malformed".
    let file = source(&dir, "a.parquet", &bytes);
    let error = file.open(crate::rule::Encoding::Auto).unwrap_err();
    assert!(error.to_string().contains("Parquet"), "{error}");
    assert_eq!(file.detect(crate::rule::Encoding::Auto).unwrap().format, crate::rule::Format::Parquet);
    // Compressed as a whole it is unpacked on the side, and nothing is left behind.
    let packed = source(&dir, "packed", &zstd::encode_all(&*bytes, 1).unwrap());
    assert_eq!(packed.detect(crate::rule::Encoding::Auto).unwrap().format, crate::rule::Format::Parquet);
    assert_eq!(read(&packed, &[0, 1, 2, 3, 4, 5, 6, 7], 64).unwrap(), texts);
    let mut left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["a.parquet", "packed"]);
}
