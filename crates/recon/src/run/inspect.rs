//! Looks at inputs without reconciling them: samples, previews, plans, and the story of one key.

use super::plan::Plan;
use super::{Options, Progress, SideCounts, open_inputs, read, set_bases};
use crate::cascade::{self, AlreadyMatched, CloseContext};
use crate::csv::{Ends, Kernel, Marks, index, unquoted};
use crate::digest::Secret;
use crate::error::ReconError;
use crate::fetch::Wanted;
use crate::input::{Input, Job, TextFormat};
use crate::limits::COLUMNS_MAX;
use crate::outcome::Verdict;
use crate::pool::{Part, Pool, Split};
use crate::reader::{Digest, Fields, Reader, RowError};
use crate::record::{KEYS_MAX, Loc, NewRecord, RecordId, Records, Side, Text, Words};
use crate::report::{OutcomeSink, SinkOptions};
use crate::rule::guess::Sample;
use crate::rule::{Format, PassKind, Rules, SideRules};
use crate::scan::{At, Control, Visitor, scan};
use crate::sketch::Sketch;
use crate::source::batch::TextBatch;
use crate::source::parquet::ParquetSource;
use crate::source::{Body, SourceFile};
use crate::tags::TagSet;
use crate::time::{format_date, format_time};
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::sync::Mutex;
use suanpan_money::format_minor;

/// Bytes of a text file that a sample looks at.
const SAMPLE_BYTES: u64 = 8 << 20;

/// Reads the first rows of a file as texts, for guessing rules. `own` tells what is already known of
/// the file.
///
/// # Errors
/// When the file cannot be read.
pub fn sample(source: &SourceFile, own: Option<&SideRules>, rows: usize) -> Result<Sample, ReconError> {
    let encoding = own.map_or(crate::rule::Encoding::Auto, |s| s.encoding);
    let found = source.detect(encoding)?;
    let format = own.map(|s| s.format).filter(|f| *f != Format::Auto).unwrap_or(found.format);
    if format == Format::Parquet {
        return parquet_sample(source, rows);
    }
    let opened = source.open(encoding)?;
    let encoding = if opened.encoding == crate::source::TextEncoding::Gb18030 {
        crate::rule::Encoding::Gb18030
    } else {
        crate::rule::Encoding::Auto
    };
    let mut text = Vec::new();
    let whole = match opened.body {
        Body::Plain { file, start, len } => {
            text.resize(len.min(SAMPLE_BYTES) as usize, 0);
            file.read_exact_at(&mut text, start).map_err(ReconError::io("read", source.path()))?;
            len <= SAMPLE_BYTES
        }
        Body::Stream(stream) => {
            let got = stream
                .take(SAMPLE_BYTES)
                .read_to_end(&mut text)
                .map_err(ReconError::io("read", source.path()))?;
            (got as u64) < SAMPLE_BYTES
        }
    };
    if whole && text.last() != Some(&b'\n') {
        text.push(b'\n');
    }
    let mut sample = Sample::new(source.name(), format, Vec::new(), Vec::new());
    sample.encoding = encoding;
    if format == Format::Ndjson {
        json_sample(&text, rows, &mut sample);
        sample.whole &= whole;
        return Ok(sample);
    }
    let delimiter = match (own, format) {
        (_, Format::Tsv) => b'\t',
        (Some(own), _) if own.format != Format::Auto => own.delimiter,
        _ => found.delimiter,
    };
    sample.delimiter = delimiter;
    let quote = own.map_or(Some(b'"'), |s| s.quote);
    let skip = own.map_or(0, |s| s.skip_lines);
    let start =
        (0..skip).fold(0, |at, _| memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |n| at + n + 1));
    let mut ends = Ends::default();
    index::index(Kernel::best(), &text, start, text.len(), Marks { delimiter, quote }, &mut ends);
    let mut fields = Vec::new();
    let mut lines = Vec::new();
    let (mut from, mut at) = (start, 0);
    for line in &ends.lines {
        while at < ends.fields.len() && ends.fields[at] <= *line {
            let end = ends.fields[at] as usize;
            let raw = text[from..end].trim_ascii();
            let raw = quote.map_or_else(|| raw.to_vec(), |q| unquoted(raw, q));
            if fields.len() < COLUMNS_MAX {
                fields.push(String::from_utf8_lossy(&raw).trim().to_owned());
            }
            from = end + 1;
            at += 1;
        }
        let row = std::mem::take(&mut fields);
        if row.len() > 1 || row.first().is_some_and(|f| !f.is_empty()) {
            lines.push(row);
        }
        if lines.len() > rows {
            break;
        }
    }
    sample.whole = whole && lines.len() <= rows;
    let mut lines = lines.into_iter();
    sample.has_header = own.is_none_or(|s| s.header);
    if sample.has_header {
        sample.header = lines.next().unwrap_or_default();
        sample.rows = lines.collect();
    } else {
        sample.rows = lines.collect();
        let width = sample.rows.first().map_or(0, Vec::len);
        sample.header = (1..=width).map(|n| format!("#{n}")).collect();
    }
    Ok(sample)
}

fn json_sample(text: &[u8], rows: usize, sample: &mut Sample) {
    let mut objects = Vec::new();
    for line in text.split_inclusive(|b| *b == b'\n').filter(|l| l.ends_with(b"\n")) {
        if let Ok(serde_json::Value::Object(object)) = serde_json::from_slice(line) {
            objects.push(object);
        }
        if objects.len() >= rows {
            break;
        }
    }
    sample.whole = objects.len() < rows;
    for object in &objects {
        for key in object.keys() {
            if !sample.header.contains(key) && sample.header.len() < COLUMNS_MAX {
                sample.header.push(key.clone());
            }
        }
    }
    for object in &objects {
        let cell = |name: &String| match object.get(name) {
            None | Some(serde_json::Value::Null) => String::new(),
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        sample.rows.push(sample.header.iter().map(cell).collect());
    }
}

fn parquet_sample(source: &SourceFile, rows: usize) -> Result<Sample, ReconError> {
    let parquet = ParquetSource::open(source)?;
    let names = parquet.columns();
    // Columns that cannot be read as text are left out: rules cannot use them either.
    let readable: Vec<usize> = (0..names.len()).filter(|n| parquet.check(&[*n]).is_ok()).collect();
    let header = readable.iter().map(|n| names[*n].clone()).collect();
    let mut sample = Sample::new(source.name(), Format::Parquet, header, Vec::new());
    for group in 0..parquet.row_groups().len() {
        if sample.rows.len() >= rows {
            break;
        }
        parquet.read_group(group, &readable, 8192, |batch: &TextBatch| {
            for row in 0..batch.rows() {
                if sample.rows.len() < rows {
                    let cell =
                        |n| String::from_utf8_lossy(batch.get(n, row).unwrap_or_default()).into_owned();
                    sample.rows.push((0..readable.len()).map(cell).collect());
                }
            }
        })?;
    }
    sample.whole = (sample.rows.len() as u64) == parquet.row_groups().iter().sum::<u64>();
    Ok(sample)
}

/// How an input will be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// Which side.
    pub side: Side,
    /// The input.
    pub name: String,
    /// What kind of file it is taken for.
    pub format: &'static str,
    /// Its columns.
    pub columns: Vec<String>,
    /// Its first rows.
    pub rows: Vec<PreviewRow>,
    /// Of the first rows: how many would be skipped, by rule.
    pub skipped: Vec<(String, u64)>,
}

/// A row as it will be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewRow {
    /// Its number in the file.
    pub row: u64,
    /// Its fields by name, or why it is rejected.
    pub fields: Result<Vec<(&'static str, String)>, RowError>,
}

/// Reads the first rows of every input by the rules.
///
/// # Errors
/// When an input cannot be opened or the rules do not fit it.
pub fn preview(options: &Options, rows: usize) -> Result<Vec<Preview>, ReconError> {
    let secret = options.secret.clone().unwrap_or_else(|| Secret::from_bytes(&[7; 96]));
    let inputs = open_inputs(options, &secret)?;
    let words = Mutex::new(Words::default());
    let progress = Progress::default();
    let control = control(options, &words, &progress, 1);
    let mut previews = Vec::new();
    for (at, input) in inputs.iter().enumerate() {
        let own = &options.rules.sides[input.side.index()];
        let found = Mutex::new(Preview {
            side: input.side,
            name: input.name().to_owned(),
            format: match &input.format {
                TextFormat::Delimited { marks } if marks.delimiter == b'\t' => "tsv",
                TextFormat::Delimited { .. } => "csv",
                TextFormat::Ndjson { .. } => "ndjson",
                TextFormat::Parquet => "parquet",
            },
            columns: input.layout.header.clone(),
            rows: Vec::new(),
            skipped: own.skip.iter().map(|s| (s.name.clone(), 0)).collect(),
        });
        let mut jobs = Vec::new();
        input.jobs(at, &mut jobs);
        loop {
            let first = Previewing { rows, seen: 0, found: &found, words: &words };
            match scan(&inputs, &jobs, &control, vec![first]) {
                // Enough was seen.
                Ok(_) | Err(ReconError::Interrupted) => break,
                Err(ReconError::QuotesSeen { .. }) => {
                    inputs[at].heed_quotes();
                    let mut found = found.lock().expect("no thread panicked");
                    found.rows.clear();
                    found.skipped.iter_mut().for_each(|(_, count)| *count = 0);
                }
                Err(error) => return Err(error),
            }
        }
        previews.push(found.into_inner().expect("no thread panicked"));
    }
    Ok(previews)
}

struct Previewing<'a> {
    rows: usize,
    seen: usize,
    found: &'a Mutex<Preview>,
    words: &'a Mutex<Words>,
}

impl Visitor for Previewing<'_> {
    fn visit<F: Fields>(
        &mut self,
        input: &Input,
        reader: &mut Reader<'_>,
        row: Result<&F, RowError>,
        at: At<'_>,
    ) -> Result<(), ReconError> {
        if self.seen >= self.rows {
            return Err(ReconError::Interrupted);
        }
        self.seen += 1;
        let number = u64::from(at.row) + 1;
        let fields = row.and_then(|fields| match reader.digest(fields)? {
            Digest::Skipped(rule) => {
                self.found.lock().expect("no thread panicked").skipped[rule].1 += 1;
                Ok(None)
            }
            Digest::Keyed { .. } | Digest::Unkeyed => {
                let loc = Loc { file: input.file, row: number, offset: at.offset };
                let words = self.words;
                // The words are locked by the reader while it reads, and here only afterwards.
                let mut records = Records::new();
                let id = reader.record(fields, loc, |record| records.push(record))?;
                Ok(Some(named(&records.get(id), &words.lock().expect("no thread panicked"))))
            }
        });
        let fields = match fields {
            Ok(None) => return Ok(()),
            Ok(Some(fields)) => Ok(fields),
            Err(error) => Err(error),
        };
        self.found.lock().expect("no thread panicked").rows.push(PreviewRow { row: number, fields });
        Ok(())
    }

    fn job_done(&mut self, _: Job, _: &Input, _: &mut Reader<'_>) -> Result<(), ReconError> {
        Ok(())
    }
}

const KEY_NAMES: [&str; KEYS_MAX] = ["k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8"];

/// Returns the fields of a record that have a value, as people read them.
fn named(record: &NewRecord<'_>, words: &Words) -> Vec<(&'static str, String)> {
    let mut out = Vec::new();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace('\u{1f}', " | ");
    for (name, key) in KEY_NAMES.into_iter().zip(record.texts) {
        out.extend(key.map(|k| (name, text(k))));
    }
    let exponent = record.currency.exponent();
    out.push(("amount", format_minor(record.amount, exponent)));
    out.push(("currency", record.currency.code().to_owned()));
    out.extend(record.fee.map(|fee| ("fee", format_minor(fee, exponent))));
    for (name, word) in [("type", record.kind), ("status", record.status)] {
        let word = words.text(word);
        if !word.is_empty() {
            out.push((name, word.to_owned()));
        }
    }
    out.extend(record.time.map(|t| ("time", format_time(t))));
    out.extend(record.date.map(|d| ("date", format_date(d))));
    for (name, slot) in [
        ("batch", Text::Batch),
        ("original", Text::Original),
        ("account", Text::Account),
        ("line", Text::Line),
    ] {
        out.extend(record.texts[slot.slot()].map(|t| (name, text(t))));
    }
    out
}

/// Plans a run without reading more than the heads of its inputs.
///
/// # Errors
/// When an input cannot be opened or the rules do not fit it.
pub fn plan(options: &Options) -> Result<Plan, ReconError> {
    let secret = Secret::from_bytes(&[7; 96]);
    Plan::new(options, &open_inputs(options, &secret)?)
}

/// Returns the expected inputs that are missing, in words.
#[must_use]
pub fn missing_inputs(rules: &Rules, inputs: &[Vec<SourceFile>; 2]) -> Vec<String> {
    let mut missing = Vec::new();
    for side in Side::BOTH {
        let have = &inputs[side.index()];
        let least = rules.expect.files_min[side.index()];
        if (have.len() as u64) < u64::from(least) {
            missing.push(format!("{}: {} of at least {least} expected files", side.name(), have.len()));
        }
        for name in &rules.expect.names[side.index()] {
            let Ok(pattern) = glob::Pattern::new(name) else { continue };
            let found = have.iter().any(|f| {
                // Members of archives are named `archive:member`.
                f.name().rsplit(['/', ':']).next().is_some_and(|last| pattern.matches(last))
                    || pattern.matches(f.name())
            });
            if !found {
                missing.push(format!("{}: no file matches `{name}`", side.name()));
            }
        }
    }
    missing
}

/// Takes out files that were delivered twice on a side: same bytes under another name. Only files of
/// one size are read for it. Returns what was left out, in words.
///
/// # Errors
/// When a file cannot be read.
pub fn drop_repeated(inputs: &mut [Vec<SourceFile>; 2]) -> Result<Vec<String>, ReconError> {
    let mut dropped = Vec::new();
    for side in Side::BOTH {
        let files = std::mem::take(&mut inputs[side.index()]);
        let mut digests: Vec<Option<blake3::Hash>> = vec![None; files.len()];
        let mut kept: Vec<usize> = Vec::new();
        for (at, file) in files.iter().enumerate() {
            let mut first = None;
            for &other in kept.iter().filter(|k| files[**k].stored_len() == file.stored_len()) {
                for n in [at, other] {
                    if digests[n].is_none() {
                        digests[n] = Some(files[n].digest()?);
                    }
                }
                if digests[at] == digests[other] {
                    first = Some(other);
                    break;
                }
            }
            match first {
                Some(other) => dropped.push(format!(
                    "{}: {} has the same content as {} and is counted once",
                    side.name(),
                    file.name(),
                    files[other].name()
                )),
                None => kept.push(at),
            }
        }
        let mut kept = kept.into_iter().peekable();
        inputs[side.index()] = files
            .into_iter()
            .enumerate()
            .filter(|(at, _)| kept.next_if_eq(at).is_some())
            .map(|(_, f)| f)
            .collect();
    }
    Ok(dropped)
}

/// The story of one key.
#[derive(Debug)]
pub struct Explanation {
    /// All records of the key on both sides.
    pub records: Records,
    /// What was decided of them. Passes that look beyond a key (net, window, batch, subset) see only
    /// these records here, so what they leave may be matched in a whole run.
    pub verdicts: Vec<Verdict>,
    /// Types and statuses.
    pub words: Words,
    /// Names of each side's files.
    pub files: [Vec<String>; 2],
}

impl Explanation {
    /// Returns the fields of a record as people read them.
    #[must_use]
    pub fn fields(&self, id: RecordId) -> Vec<(&'static str, String)> {
        named(&self.records.get(id), &self.words)
    }

    /// Returns `file:row` of a record.
    #[must_use]
    pub fn place(&self, id: RecordId) -> String {
        let row = self.records.row(id);
        let name =
            self.files[row.side.index()].get(usize::from(row.loc.file)).map_or("open items", String::as_str);
        format!("{name}:{}", row.loc.row)
    }
}

/// Finds all records with a first key, and decides on them.
///
/// # Errors
/// As a run.
pub fn explain(options: &Options, key: &str, progress: &Progress) -> Result<Explanation, ReconError> {
    let secret =
        Secret::random().map_err(ReconError::io("draw random bytes from", "the operating system"))?;
    let mut bytes = key.trim().as_bytes().to_vec();
    if options.rules.fold_key_case {
        bytes.make_ascii_lowercase();
    }
    let look = Look::new(options, &secret)?;
    let exact = matches!(options.rules.passes.first().map(|p| &p.kind), Some(PassKind::Exact { .. }));
    let wanted = if exact {
        let tags = TagSet::from_iter([look.plan.shape().tag(secret.key(&bytes).lo)]);
        Wanted::new(look.plan.shape(), tags, false, false)
    } else {
        Wanted::everything(look.plan.shape())
    };
    let has_key = |records: &Records, id: RecordId| {
        (0..KEYS_MAX).any(|n| records.text(id, Text::Key(n as u8)) == Some(&bytes[..]))
    };
    let (counts, records) = look.pick(options, &secret, &wanted, progress, &has_key)?;
    let files = super::file_names(options, &look.inputs);
    let words = look.words;
    let words = words.into_inner().expect("no thread panicked");
    let context = CloseContext { last_date: [counts[0].last_date, counts[1].last_date] };
    let verdicts = cascade::run(&options.rules, &context, &records, &words, &AlreadyMatched::new(), 1);
    Ok(Explanation { records, verdicts, words, files })
}

/// A reading for some rows, with nothing decided.
struct Look {
    inputs: Vec<Input>,
    words: Mutex<Words>,
    plan: Plan,
}

impl Look {
    fn new(options: &Options, secret: &Secret) -> Result<Look, ReconError> {
        let mut inputs = open_inputs(options, secret)?;
        set_bases(&mut inputs);
        let plan = Plan::new(options, &inputs)?;
        Ok(Look { inputs, words: Mutex::new(Words::default()), plan })
    }

    /// Counts everything, and returns the wanted rows that `keep` keeps, in order of location.
    fn pick(
        &self,
        options: &Options,
        secret: &Secret,
        wanted: &Wanted,
        progress: &Progress,
        keep: &dyn Fn(&Records, RecordId) -> bool,
    ) -> Result<([SideCounts; 2], Records), ReconError> {
        let control = control(options, &self.words, progress, options.threads.max(1));
        let reader = read::Reading {
            options,
            inputs: &self.inputs,
            control: &control,
            plan: &self.plan,
            secret,
            state: None,
        };
        let counts = reader.count()?;
        let shape = crate::report::Shape::new(&options.rules, super::file_names(options, &self.inputs));
        let sink_options = SinkOptions {
            spill_dir: options.work_dir.clone(),
            memory_bytes: 1 << 20,
            matched: false,
            run_date: None,
        };
        let mut sinks: Vec<OutcomeSink> =
            (0..options.threads.max(1)).map(|_| OutcomeSink::new(&shape, &sink_options)).collect();
        let mut pool = Pool::new(Split::anyhow(), self.plan.pool_bytes, &options.work_dir);
        reader.pick(wanted, &mut pool, &mut sinks)?;
        let mut found = Records::new();
        pool.waves(&mut |parts| {
            for part in parts.into_iter().map(Part::into_table) {
                for id in part.ids().filter(|id| keep(&part, *id)) {
                    found.push(&part.get(id));
                }
            }
            Ok(())
        })?;
        let mut order: Vec<RecordId> = found.ids().collect();
        order.sort_by_key(|id| (found.row(*id).side, found.row(*id).loc));
        let mut records = Records::new();
        for id in order {
            records.push(&found.get(id));
        }
        Ok((counts, records))
    }
}

/// Makes a sketch of one side, for [`crate::party`].
pub(crate) fn sketch_side(
    options: &Options,
    secret: &Secret,
    side: Side,
    cells: usize,
    progress: &Progress,
) -> Result<([SideCounts; 2], Sketch), ReconError> {
    let look = Look::new(options, secret)?;
    let control = control(options, &look.words, progress, options.threads.max(1));
    let reader = read::Reading {
        options,
        inputs: &look.inputs,
        control: &control,
        plan: &look.plan,
        secret,
        state: None,
    };
    let (counts, mut sketch) = reader.make_sketch(cells, crate::party::SALT)?;
    if side == Side::Right {
        // A reading takes right rows away; a party's own sketch adds them, whichever side it is.
        let mut turned = Sketch::new(cells, crate::party::SALT);
        turned.subtract_all(&sketch);
        sketch = turned;
    }
    Ok((counts, sketch))
}

/// Finds wanted rows of one side, for [`crate::party`].
pub(crate) fn pick_side(
    options: &Options,
    side: Side,
    wanted: &Wanted,
    progress: &Progress,
) -> Result<(Records, Words), ReconError> {
    let secret = options.secret.clone().unwrap_or_else(|| Secret::from_bytes(&[7; 96]));
    let look = Look::new(options, &secret)?;
    let (_, records) =
        look.pick(options, &secret, wanted, progress, &|records, id| records.row(id).side == side)?;
    Ok((records, look.words.into_inner().expect("no thread panicked")))
}

fn control<'a>(
    options: &Options,
    words: &'a Mutex<Words>,
    progress: &'a Progress,
    threads: usize,
) -> Control<'a> {
    Control {
        threads,
        kernel: options.kernel,
        words,
        stop: &progress.stop,
        bytes_done: &progress.bytes_done,
        rows_done: &progress.rows_done,
    }
}
