use super::*;
use crate::digest::Secret;
use crate::record::Side;
use crate::rule::Rules;
use crate::source::expand;
use proptest::prelude::*;

const RULES: &str = r#"
version = 1
name = "test"
[left.fields]
k1 = "a"
amount = { column = "b", unit = "minor" }
currency = { value = "CNY" }
[right.fields]
k1 = "a"
amount = { column = "b", unit = "minor" }
currency = { value = "CNY" }
"#;

/// A row as a reading shows it: its number in the file, where it starts, its text, and its fields or
/// what is wrong with it.
type Shown = (u64, u64, Vec<u8>, Result<[Vec<u8>; 2], RowError>);

#[derive(Default)]
struct Showing {
    rows: Vec<(u32, Shown)>,
}

impl Visitor for Showing {
    fn visit<F: Fields>(
        &mut self,
        input: &Input,
        _: &mut Reader<'_>,
        row: Result<&F, RowError>,
        at: At<'_>,
    ) -> Result<(), ReconError> {
        let cols = [input.layout.keys[0][0], input.layout.amount.col];
        let fields = row.map(|row| cols.map(|col| row.field(col).to_vec()));
        self.rows.push((at.unit, (u64::from(at.row), at.offset, at.raw.to_vec(), fields)));
        Ok(())
    }

    fn job_done(&mut self, _: Job, _: &Input, _: &mut Reader<'_>) -> Result<(), ReconError> {
        Ok(())
    }
}

fn input(dir: &tempfile::TempDir, text: &[u8], unit_bytes: usize) -> Input {
    let path = dir.path().join("side.csv");
    std::fs::write(&path, text).unwrap();
    let source = expand(&[path.display().to_string()], dir.path()).unwrap().remove(0);
    let rules = Rules::from_toml(RULES).unwrap();
    let secret = Secret::from_bytes(&[7; 96]);
    Input::open(source, Side::Left, 0, &rules, &secret, unit_bytes).unwrap()
}

fn show(input: Input, threads: usize) -> Result<Vec<Shown>, ReconError> {
    let (words, stop) = (Mutex::new(Words::default()), AtomicBool::new(false));
    let (bytes_done, rows_done) = (AtomicU64::new(0), AtomicU64::new(0));
    let control = Control {
        threads,
        kernel: Kernel::best(),
        words: &words,
        stop: &stop,
        bytes_done: &bytes_done,
        rows_done: &rows_done,
    };
    let inputs = [input];
    let visitors = || (0..threads).map(|_| Showing::default()).collect::<Vec<_>>();
    let mut jobs = Vec::new();
    inputs[0].jobs(0, &mut jobs);
    let done = match scan(&inputs, &jobs, &control, visitors()) {
        Err(ReconError::QuotesSeen { .. }) => {
            inputs[0].heed_quotes();
            scan(&inputs, &jobs, &control, visitors())?
        }
        done => done?,
    };
    let before = inputs[0].rows_before();
    let mut rows: Vec<Shown> = Vec::new();
    for (unit, mut shown) in done.into_iter().flat_map(|v| v.rows) {
        shown.0 += before[unit as usize];
        rows.push(shown);
    }
    rows.sort_by_key(|r| r.1);
    // A second reading finds the same, with what the first one left behind.
    let again = scan(&inputs, &jobs, &control, visitors())?;
    assert_eq!(again.iter().map(|v| v.rows.len()).sum::<usize>(), rows.len());
    Ok(rows)
}

/// The same by a reading from the beginning, byte by byte.
fn expected(text: &[u8], header: usize) -> Vec<Shown> {
    let mut text = text.to_vec();
    if text.last() != Some(&b'\n') {
        text.push(b'\n');
    }
    let (mut rows, mut number) = (Vec::new(), 1);
    let (mut start, mut inside, mut cuts) = (header, false, Vec::new());
    for at in header..text.len() {
        match text[at] {
            b'"' => inside = !inside,
            b',' if !inside => cuts.push(at),
            b'\n' if !inside => {
                let raw = text[start..at].to_vec();
                cuts.push(at - usize::from(at > start && text[at - 1] == b'\r'));
                let mut from = start;
                let mut fields = Vec::new();
                for cut in cuts.drain(..) {
                    let field = &text[from.min(cut)..cut];
                    let quoted = field.contains(&b'"');
                    fields.push(if quoted {
                        crate::csv::unquoted(field.trim_ascii(), b'"')
                    } else {
                        field.to_vec()
                    });
                    from = cut + 1;
                }
                if !(raw.is_empty() || raw == b"\r") {
                    let found = fields.len();
                    let fields = <[Vec<u8>; 2]>::try_from(fields);
                    let fields = fields.map_err(|_| RowError::FieldCount { found, wanted: 2 });
                    rows.push((number, start as u64, raw, fields));
                }
                number += 1;
                start = at + 1;
            }
            _ => {}
        }
    }
    if start < text.len() {
        rows.push((number, start as u64, text[start..].to_vec(), Err(RowError::OpenQuote)));
    }
    rows
}

proptest! {
    /// Cut wherever it may be and read by however many, a file has the rows that a reading from its
    /// beginning finds: with quotes around line ends, stray quotes, and quotes never closed.
    #[test]
    fn units_show_what_a_reading_from_the_beginning_shows(
        body in proptest::collection::vec(prop_oneof![
            4 => Just("x"), 3 => Just(","), 2 => Just("\n"), 2 => Just("\""), 1 => Just("\"\""),
            1 => Just("\r\n"), 1 => Just(" "), 2 => Just("\"a,\nb\""), 2 => Just("1,2\n"),
        ], 0..120),
        unit_bytes in 1_usize..90, threads in 1_usize..5, quoted_header in any::<bool>(),
    ) {
        let header = if quoted_header { "\"a\",\"b\"\n" } else { "a,b\n" };
        let text = format!("{header}{}", body.concat());
        let dir = tempfile::tempdir().unwrap();
        let shown = show(input(&dir, text.as_bytes(), unit_bytes), threads).unwrap();
        if text.len() > header.len() {
            prop_assert_eq!(shown, expected(text.as_bytes(), header.len()));
        }
    }
}

#[test]
fn the_first_quote_may_come_late() {
    let dir = tempfile::tempdir().unwrap();
    let mut text = "a,b\n".to_owned();
    for n in 0..30_000 {
        text.push_str(&format!("K{n},{n}\n"));
    }
    text.push_str("\"K,\n1\",5\nK2,6\nK\"3,7\nK4,8\n");
    let shown = show(input(&dir, text.as_bytes(), 64 << 10), 2).unwrap();
    assert_eq!(shown.len(), 30_003);
    assert_eq!(shown, expected(text.as_bytes(), 4));
    assert_eq!(shown.last().unwrap().3, Err(RowError::OpenQuote));
}

#[test]
fn a_row_without_end_is_named_where_it_starts() {
    let dir = tempfile::tempdir().unwrap();
    for quote in ["\"", ""] {
        let mut text = format!("a,b\n{quote}K{quote},1\nK2,2\n");
        let starts = text.len() as u64;
        text.push_str(quote);
        text.push_str(&"x".repeat(ROW_BYTES_MAX + (1 << 20)));
        for (unit_bytes, threads) in [(512 << 10, 1), (512 << 10, 3), (64 << 10, 2)] {
            match show(input(&dir, text.as_bytes(), unit_bytes), threads) {
                Err(ReconError::RowTooLong { offset, .. }) => assert_eq!(offset, starts),
                other => panic!("{unit_bytes} {threads}: {:?}", other.map(|rows| rows.len())),
            }
        }
    }
}
