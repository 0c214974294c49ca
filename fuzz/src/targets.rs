//! What is fuzzed. Add a target for every new reader of outside bytes, with seeds beside it.

use crate::engine::digest;
use std::io::Read;
use std::mem::discriminant;
use std::path::PathBuf;
use std::sync::LazyLock;
use suanpan_money::{Currency, format_minor, parse_decimal, parse_minor};
use suanpan_recon::csv::index::{Ends, Kernel, Marks, index};
use suanpan_recon::rule::guess::{Sample, guess};
use suanpan_recon::rule::{Encoding, Format, Rules};
use suanpan_recon::sketch::{Element, Sketch};
use suanpan_recon::source::batch::TextBatch;
use suanpan_recon::source::ndjson::{LineError, LineReader, columns};
use suanpan_recon::source::parquet::ParquetSource;
use suanpan_recon::source::{Body, SourceError, SourceFile, detect_format, expand};
use suanpan_recon::time::{DateReader, TimeReader, format_date, format_time};

/// A reader under test.
pub(crate) struct Target {
    /// Its name, and that of its folder of seeds.
    pub(crate) name: &'static str,
    /// Pieces of its language, for mutations.
    pub(crate) words: &'static [&'static str],
    /// Runs it; must not panic. Returns a trait of the answer.
    pub(crate) run: fn(&[u8]) -> u64,
}

/// Iterates over all targets.
pub(crate) fn all() -> impl Iterator<Item = &'static Target> {
    let alone = [&crate::statements::LAYOUT, &crate::statements::SHEET];
    let messages =
        crate::messages::TARGETS.iter().chain(crate::chips::TARGETS).chain(crate::signatures::TARGETS);
    let outside = crate::wallets::TARGETS.iter().chain(crate::clearing::TARGETS);
    let platform = crate::platform::TARGETS.iter().chain(outside);
    TARGETS.iter().chain(crate::statements::TARGETS).chain(alone).chain(messages).chain(platform)
}

const TARGETS: &[Target] = &[
    Target {
        name: "money", words: &["-", "+", ".", ",", "0", "9", "00", " ", "1e", "e-", "９"], run: money
    },
    Target {
        name: "csv",
        words: &[",", "\n", "\r\n", "\"", "\"\"", ",\"", "\",", ";", "\t", "\0"],
        run: csv,
    },
    Target {
        name: "ndjson",
        words: &[
            "{", "}", "[", "]", ":", ",", "\"", "\\u0000", "\\ud83d", "null", "true", "1e999", "\n", "id",
            "payer",
        ],
        run: ndjson,
    },
    Target {
        name: "detect",
        words: &["PAR1", "\u{feff}", ",", "\t", ";", "|", "\n", "{\"", "[", "交易", "\"", "1,2,3\n"],
        run: detect,
    },
    Target {
        name: "source",
        words: &[
            "\u{1f}",
            "\u{feff}",
            "PK\u{3}\u{4}",
            "PK\u{1}\u{2}",
            "PAR1",
            "(\u{b5}/",
            "\n",
            ",",
            "\0\0",
            "a/../b",
        ],
        run: source,
    },
    Target {
        name: "time",
        words: &[
            "%Y", "%m", "%d", "%H", "%M", "%S", "%.f", "%z", "%Q", "%s", "%p", "%I", "T", "Z", "\n", "24",
            "60",
        ],
        run: time,
    },
    Target {
        name: "rules",
        words: &[
            "[left.fields]\n",
            "[right.fields]\n",
            "[[passes]]\n",
            "[close]\n",
            "[expect]\n",
            "[keys]\n",
            "[[left.skip]]\n",
            "k1 = ",
            "k2 = ",
            "kind = ",
            "\"window\"",
            "\"batch\"",
            "\"subset\"",
            "\"net\"",
            "eq = [\"account\"]",
            "account = \"a\"",
            "tolerance = { percent = \"0.5\" }",
            "days_max = 3",
            "one = \"left\"",
            "date = { from = \"time\" }",
            "\"#3\"",
            "whole = true",
            "{ value = \"CNY\" }",
            "null = [\"0\"]",
            "\n",
            "=",
        ],
        run: rules,
    },
    Target {
        name: "guesses",
        words: &[
            "order_id",
            "amount",
            "currency",
            "status",
            "时间",
            "订单号",
            "CNY",
            "12.30",
            "1230",
            "SUCCESS",
            "2026-11-11",
            " 09:00:01",
            "20261111",
            ",",
            "\n",
            "\u{c}",
            "1,234.50",
            "\"",
        ],
        run: guesses,
    },
    Target { name: "sketch", words: &["\0\0\0\0\0\0\0\0", "\u{1}\0\0\0\0\0\0\0"], run: sketch },
];

/// Where inputs become files: in memory, where there is such a place.
static SCRATCH: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    let parent = if memory.is_dir() { memory } else { std::env::temp_dir() };
    let folder = parent.join(format!("suanpan-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for inputs");
    folder
});

/// Removes what targets left on disk.
pub(crate) fn clean_up() {
    std::fs::remove_dir_all(&*SCRATCH).ok();
}

/// A text that is read as an amount, written, and read again is the same amount.
fn money(input: &[u8]) -> u64 {
    let mut answers = String::new();
    for code in ["JPY", "CNY", "KWD", "CLF"] {
        let Some(currency) = Currency::parse(code) else { continue };
        let read = parse_decimal(input, currency.exponent());
        if let Ok(minor) = read {
            let written = format_minor(minor, currency.exponent());
            assert_eq!(parse_decimal(written.as_bytes(), currency.exponent()), Ok(minor), "{written}");
        }
        // Sign and length make kinds, not every amount; which error, not every place of it.
        let kind = read.map(|minor| (minor.signum(), minor.unsigned_abs().checked_ilog10()));
        let kind = kind.map_err(|error| discriminant(&error));
        let minor = parse_minor(input).map(i64::signum).map_err(|error| discriminant(&error));
        answers.push_str(&format!("{kind:?} {minor:?}"));
    }
    digest(answers.as_bytes())
}

/// All kernels find the same ends, quoted or not, from any start; every end is a delimiter or line feed.
fn csv(input: &[u8]) -> u64 {
    let Some((&first, text)) = input.split_first() else { return 0 };
    let from = usize::from(first >> 1).min(text.len());
    let marks = Marks { delimiter: b',', quote: (first & 1 == 1).then_some(b'"') };
    let (mut expected, mut found) = (Ends::default(), Ends::default());
    let quotes = index(Kernel::Plain, text, from, text.len(), marks, &mut expected);
    for kernel in Kernel::available() {
        assert_eq!(index(kernel, text, from, text.len(), marks, &mut found), quotes, "{}", kernel.name());
        assert_eq!(found, expected, "{}", kernel.name());
    }
    assert!(expected.fields.iter().all(|at| matches!(text[*at as usize], b',' | b'\n')));
    assert!(expected.lines.iter().all(|at| text[*at as usize] == b'\n'));
    let size = |list: &[u32]| list.len().checked_ilog2();
    digest(format!("{quotes:?} {:?} {:?}", size(&expected.fields), size(&expected.lines)).as_bytes())
}

/// Each line is a row or an error, and texts are the JSON's own.
fn ndjson(input: &[u8]) -> u64 {
    let names = columns(input);
    let wanted = [&names[..names.len().min(8)], &["id".to_owned(), "payer.account".to_owned()]].concat();
    let mut batch = TextBatch::new(wanted.len());
    let mut errors = Vec::new();
    let lines = LineReader::new(&wanted).read_lines(input, 0, &mut batch, &mut errors);
    assert!(batch.rows() + errors.len() <= lines as usize, "{} rows of {lines} lines", batch.rows());
    for error in &errors {
        assert!(error.line < lines && error.offset <= input.len() as u64, "{error:?}");
    }
    // Which errors there are, without the places and values in their words.
    let kind = |error: &LineError| error.message.split(['"', '`', ':']).next().unwrap_or_default().to_owned();
    let mut kinds: Vec<String> = errors.iter().map(kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds.truncate(2);
    digest(format!("{kinds:?} {} {:?}", names.len().min(3), batch.rows().checked_ilog2()).as_bytes())
}

/// The kind of any file is told, or why not.
fn detect(input: &[u8]) -> u64 {
    let found = detect_format(input, "bill.csv").map(|found| format!("{found:?}"));
    digest(format!("{:?}", found.map_err(|error| discriminant(&error))).as_bytes())
}

/// A file of any kind is read to its end, or refused.
fn source(input: &[u8]) -> u64 {
    /// More than the text of any honest input of the fuzzer.
    const TEXT_BYTES_MAX: u64 = 4 << 20;
    fn read(file: &SourceFile) -> Result<String, SourceError> {
        let found = file.detect(Encoding::Auto)?;
        if found.format == Format::Parquet {
            let parquet = ParquetSource::open(file)?;
            let columns: Vec<usize> = (0..parquet.columns().len().min(8)).collect();
            parquet.check(&columns)?;
            let mut rows = 0;
            for group in 0..parquet.row_groups().len().min(4) {
                parquet.read_group(group, &columns, 512, |batch| rows += batch.rows())?;
            }
            return Ok(format!("{found:?} {} {:?}", columns.len(), rows.checked_ilog2()));
        }
        let opened = file.open(Encoding::Auto)?;
        let told = format!("{found:?} {:?} {:?}", opened.encoding, opened.compressions);
        match opened.body {
            Body::Plain { len, .. } => Ok(format!("{told} {:?}", len.checked_ilog2())),
            Body::Stream(stream) => {
                let mut text = Vec::new();
                match stream.take(TEXT_BYTES_MAX).read_to_end(&mut text) {
                    Ok(len) => {
                        let whole = (len as u64) < TEXT_BYTES_MAX;
                        assert!(!whole || std::str::from_utf8(&text).is_ok(), "{told}: not UTF-8");
                        Ok(told)
                    }
                    Err(error) => Err(SourceError::from_read(file.name(), error)),
                }
            }
        }
    }
    let path = SCRATCH.join("input");
    if std::fs::write(&path, input).is_err() {
        return 0; // A full disk says nothing of the reader.
    }
    let told = match expand(&[path.display().to_string()], &SCRATCH) {
        Ok(files) => files
            .iter()
            .take(4)
            .map(|file| read(file).unwrap_or_else(|error| format!("{:?}", discriminant(&error))))
            .collect(),
        Err(error) => vec![format!("{:?}", discriminant(&error))],
    };
    digest(told.join(" ").as_bytes())
}

/// A format and a text, in two lines. What is read can be written.
fn time(input: &[u8]) -> u64 {
    let Ok(text) = std::str::from_utf8(input) else { return 0 };
    let (format, text) = text.split_once('\n').unwrap_or(("%Y-%m-%d %H:%M:%S", text));
    let instant = TimeReader::compile(format, "Asia/Shanghai").map(|reader| reader.read(text.as_bytes()));
    if let Ok(Ok(instant)) = instant {
        assert!(!format_time(instant).is_empty());
    }
    let day = DateReader::compile(format).map(|reader| reader.read(text.as_bytes()));
    if let Ok(Ok(day)) = day {
        assert!(!format_date(day).is_empty());
    }
    let instant = instant.map(|read| read.map(i64::signum)).map_err(|error| discriminant(&error));
    let day = day.map(|read| read.map(i32::signum)).map_err(|error| discriminant(&error));
    digest(format!("{instant:?} {day:?}").as_bytes())
}

/// Rules that are read, written and read again are the same; others are told with their place.
fn rules(input: &[u8]) -> u64 {
    let Ok(text) = std::str::from_utf8(input) else { return 0 };
    match Rules::from_toml(text) {
        Ok(rules) => {
            let written = rules.to_toml();
            match Rules::from_toml(&written) {
                Ok(again) => assert_eq!(again, rules, "{written}"),
                Err(errors) => panic!("{}\n{written}", errors.render("written")),
            }
            let kinds: Vec<_> = rules.passes.iter().map(|pass| discriminant(&pass.kind)).collect();
            digest(
                format!("{kinds:?} {:?} {:?}", rules.close.pending_days.is_some(), rules.sides.len())
                    .as_bytes(),
            )
        }
        Err(errors) => {
            assert!(!errors.faults.is_empty() && !errors.render("rules.toml").is_empty());
            let mut kinds: Vec<_> =
                errors.faults.iter().map(|fault| (fault.code.name(), fault.path.as_str())).collect();
            kinds.sort_unstable();
            kinds.truncate(3);
            digest(format!("{kinds:?}").as_bytes())
        }
    }
}

/// Rules are guessed from any two samples, and what is guessed is read or told.
fn guesses(input: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(input);
    let samples: Vec<Sample> = text
        .splitn(2, '\u{c}')
        .map(|part| {
            let mut rows = part.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
            let header = rows.next().unwrap_or_default();
            Sample::new("sample.csv", Format::Csv, header, rows.take(50).collect())
        })
        .collect();
    let [left, right] = [samples.first(), samples.last()].map(|sample| sample.expect("at least one part"));
    let rules = guess(left, right)
        .rules()
        .map(|rules| rules.sides.map(|side| (side.keys.len(), side.time.is_some())));
    digest(format!("{:?}", rules.map_err(|errors| errors.faults.len())).as_bytes())
}

/// Cells from outside peel to what makes them up, or not at all, and always to an end.
fn sketch(input: &[u8]) -> u64 {
    const CELLS: usize = 48;
    const SALT: u64 = 7;
    let Some((&first, rest)) = input.split_first() else { return 0 };
    let words: Vec<u64> = rest
        .chunks(8)
        .map(|bytes| bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)))
        .take(CELLS * 4)
        .collect();
    let sketch = if first & 1 == 0 {
        let mut cells: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        cells.resize(CELLS * 32, 0);
        Sketch::from_bytes(&cells, SALT).expect("a sketch of a size that there is")
    } else {
        let mut sketch = Sketch::new(CELLS, SALT);
        for pair in words.chunks_exact(2) {
            let element = Element { key: pair[0] >> 1, value: pair[1] };
            if pair[0] & 1 == 0 { sketch.add(element) } else { sketch.subtract(element) }
        }
        sketch
    };
    let bytes = sketch.to_bytes();
    let mut again =
        Sketch::from_bytes(&vec![0; bytes.len()], SALT).expect("an empty sketch of the same size");
    let Some(difference) = sketch.peel() else { return 1 };
    difference.left.iter().for_each(|element| again.add(*element));
    difference.right.iter().for_each(|element| again.subtract(*element));
    assert_eq!(again.to_bytes(), bytes);
    digest(&[difference.left.len().min(40) as u8, difference.right.len().min(40) as u8])
}
