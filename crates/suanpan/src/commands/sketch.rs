//! `suanpan sketch`: one side in a few MiB, the difference of two, and the records behind it.

use super::reconcile::{MEMORY_BYTES, Scratch, load_rules, load_secret, plain_options, watch};
use crate::cli::{SideChoice, SketchArgs, SketchCommand, SketchDiffArgs, SketchLocateArgs};
use crate::error::{Trouble, status};
use crate::interrupt;
use crate::numbers::{grouped, grouped_decimal, size};
use crate::terminal::{Terminal, harmless};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use suanpan_recon::party::{
    Differing, PartySketch, SketchDifference, SketchHead, diff_sketches, locate, make_sketch,
};
use suanpan_recon::record::{RecordId, Side};
use suanpan_recon::run::{Explanation, Options, Progress};
use suanpan_recon::source::expand;

pub(crate) fn run(args: &SketchArgs, terminal: Terminal) -> Result<u8, Trouble> {
    match (&args.command, &args.rules, args.side, &args.secret_file, &args.output) {
        (Some(SketchCommand::Diff(args)), ..) => diff(args, terminal),
        (Some(SketchCommand::Locate(args)), ..) => find(args, terminal),
        (None, Some(rules), Some(side), Some(secret), Some(output)) => {
            let own = Own { files: &args.files, rules, side, secret, threads: args.threads };
            make(&own, args.cells, output, terminal)
        }
        // The command line asks for all of them.
        _ => Err(Trouble::new("usage", "rules, side, secret and output are needed")
            .next("see suanpan sketch --help")),
    }
}

/// One's own side.
struct Own<'a> {
    files: &'a [String],
    rules: &'a Path,
    side: SideChoice,
    secret: &'a Path,
    threads: Option<usize>,
}

impl Own<'_> {
    fn side(&self) -> Side {
        match self.side {
            SideChoice::Left => Side::Left,
            SideChoice::Right => Side::Right,
        }
    }

    fn options(&self, scratch: &Scratch) -> Result<Options, Trouble> {
        let mut inputs = [Vec::new(), Vec::new()];
        inputs[self.side().index()] = expand(self.files, scratch.path())?;
        let mut options = plain_options(load_rules(self.rules)?, inputs, scratch.path());
        options.secret = Some(load_secret(self.secret)?);
        options.memory_bytes = MEMORY_BYTES;
        options.threads = self.threads.unwrap_or(options.threads);
        Ok(options)
    }
}

/// Sketches beyond this are larger than what they stand for, or a slip of the finger.
const CELLS_MAX: u64 = 1 << 24;

fn make(own: &Own<'_>, cells: u64, output: &Path, terminal: Terminal) -> Result<u8, Trouble> {
    if cells > CELLS_MAX {
        return Err(Trouble::new("too_many_cells", format!("{} cells are too many", grouped(cells)))
            .at("--cells")
            .next(format!("give at most {}", grouped(CELLS_MAX))));
    }
    let scratch = Scratch::anywhere()?;
    let options = own.options(&scratch)?;
    let progress = Arc::new(Progress::default());
    let guard = interrupt::stops(&progress);
    let watching = watch(&progress, terminal);
    let sketch = make_sketch(&options, own.side(), usize::try_from(cells).unwrap_or(usize::MAX), &progress)?;
    drop(watching);
    drop(guard);
    let bytes = sketch.to_bytes();
    write_whole(output, &bytes)?;
    let head = &sketch.head;
    terminal.result(&format!(
        "{}  {}, {} records of the {} side, room for {} differences\n",
        output.display(),
        size(bytes.len() as u64),
        grouped(head.records),
        head.side,
        grouped(sketch.capacity() as u64)
    ))?;
    left_out(head, terminal);
    Ok(status::FINE)
}

fn diff(args: &SketchDiffArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let (a, b) = (PartySketch::read(&args.a)?, PartySketch::read(&args.b)?);
    let difference = diff_sketches(&a, &b)?;
    let (left, right) =
        if a.head.side == Side::Left.name() { (&a.head, &b.head) } else { (&b.head, &a.head) };
    let mut text = String::new();
    for head in [left, right] {
        text.push_str(&format!("{:<6} {} records\n", head.side, grouped(head.records)));
    }
    for (currency, of) in totals(left, right) {
        text.push_str(&format!("{}  left {}, right {}\n", harmless(currency), of[0], of[1]));
    }
    let SketchDifference::Exact(list) = &difference else {
        terminal.result(&text)?;
        let SketchDifference::TooMany { capacity } = difference else { return Ok(status::FINE) };
        return Err(Trouble::new(
            "sketch_too_small",
            format!(
                "there are more differences than the sketches can bear, which is about {}",
                grouped(capacity as u64)
            ),
        )
        .at(format!("{}, {}", args.a.display(), args.b.display()))
        .next(format!("both parties make theirs again with --cells {} or more", left.cells * 4))
        .ends_with(status::DIFFERENCES));
    };
    let [only_left, only_right, other] = difference.counts().unwrap_or_default();
    for (count, what) in [
        (only_left, "records that only the left side has"),
        (only_right, "records that only the right side has"),
        (other, "keys that both have, with other values"),
    ] {
        text.push_str(&format!("{:>12}  {what}\n", grouped(count)));
    }
    if let Some(path) = &args.out {
        write_whole(path, csv_of(list).as_bytes())?;
        text.push_str(&format!("{}  {} rows\n", path.display(), grouped(list.len() as u64)));
    }
    terminal.result(&text)?;
    left_out(left, terminal);
    left_out(right, terminal);
    Ok(if list.is_empty() { status::FINE } else { status::DIFFERENCES })
}

fn find(args: &SketchLocateArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let differing = read_csv(&args.differences)?;
    let scratch = Scratch::anywhere()?;
    let own = Own {
        files: &args.files,
        rules: &args.rules,
        side: args.side,
        secret: &args.secret_file,
        threads: args.threads,
    };
    let options = own.options(&scratch)?;
    let progress = Arc::new(Progress::default());
    let guard = interrupt::stops(&progress);
    let watching = watch(&progress, terminal);
    let (records, words) = locate(&options, own.side(), &differing, &progress)?;
    drop(watching);
    drop(guard);
    let names = |side: Side| options.inputs[side.index()].iter().map(|file| file.name().to_owned()).collect();
    let found = Explanation { records, verdicts: Vec::new(), words, files: Side::BOTH.map(names) };
    let mut text = String::new();
    for id in found.records.ids() {
        text.push_str(&told(&found, id));
    }
    terminal.result(&text)?;
    terminal.hint(&format!(
        "{} records of the {} side have a key that differs",
        grouped(found.records.len() as u64),
        own.side().name()
    ));
    Ok(status::FINE)
}

fn told(found: &Explanation, id: RecordId) -> String {
    let fields: Vec<String> =
        found.fields(id).into_iter().map(|(name, value)| format!("{name}={}", harmless(&value))).collect();
    format!("{}  {}\n", harmless(&found.place(id)), fields.join("  "))
}

/// The sums of both sides by currency.
fn totals<'h>(left: &'h SketchHead, right: &'h SketchHead) -> Vec<(&'h str, [String; 2])> {
    let currencies: BTreeSet<&String> = left.amounts.keys().chain(right.amounts.keys()).collect();
    let of = |head: &SketchHead, currency: &String| {
        head.amounts.get(currency).map_or_else(|| "nothing".to_owned(), |sum| harmless(&grouped_decimal(sum)))
    };
    currencies
        .into_iter()
        .map(|currency| (currency.as_str(), [of(left, currency), of(right, currency)]))
        .collect()
}

/// Says what a sketch does not cover.
fn left_out(head: &SketchHead, terminal: Terminal) {
    for (count, what) in [(head.unkeyed, "records without a key"), (head.rejected, "rejected rows")] {
        if count > 0 {
            terminal.hint(&format!("{}: {} {what} are not in the sketch", head.side, grouped(count)));
        }
    }
}

const CSV_HEADER: &str = "side,key,value,other_side_has_key";

fn csv_of(list: &[Differing]) -> String {
    let mut text = format!("{CSV_HEADER}\n");
    for d in list {
        let (side, other) = (d.side.name(), d.same_key_on_other_side);
        text.push_str(&format!("{side},{:016x},{:016x},{other}\n", d.key, d.value));
    }
    text
}

fn read_csv(path: &Path) -> Result<Vec<Differing>, Trouble> {
    let text = std::fs::read_to_string(path).map_err(|error| Trouble::io("read", path, error))?;
    let bad = |row: usize| {
        Trouble::new("differences", "this is not a list of differing hashes")
            .at(format!("{}:{row}", path.display()))
            .next("give the file that suanpan sketch diff --out wrote")
    };
    let mut lines = text.lines();
    if lines.next() != Some(CSV_HEADER) {
        return Err(bad(1));
    }
    let parse = |line: &str| {
        let [side, key, value, other] = line.split(',').collect::<Vec<_>>().try_into().ok()?;
        Some(Differing {
            side: Side::BOTH.into_iter().find(|s| s.name() == side)?,
            key: u64::from_str_radix(key, 16).ok()?,
            value: u64::from_str_radix(value, 16).ok()?,
            same_key_on_other_side: other.parse().ok()?,
        })
    };
    lines.enumerate().map(|(at, line)| parse(line).ok_or_else(|| bad(at + 2))).collect()
}

/// Writes a file that has its name only when it is whole.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Trouble> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(dir)?;
        file.write_all(bytes)?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|error| Trouble::io("write", path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differing_hashes_are_read_back_as_written_and_nothing_else_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("d.csv");
        let list = [
            Differing { side: Side::Left, key: 0, value: u64::MAX, same_key_on_other_side: false },
            Differing {
                side: Side::Right,
                key: 0x0123_4567_89ab_cdef,
                value: 7,
                same_key_on_other_side: true,
            },
        ];
        std::fs::write(&path, csv_of(&list)).unwrap();
        assert_eq!(read_csv(&path).unwrap(), list);
        for (text, row) in [
            ("", 1),
            ("order_id,amount\n1,2\n", 1),
            ("side,key,value,other_side_has_key\nleft,1,2\n", 2),
            ("side,key,value,other_side_has_key\nleft,1,2,true\nup,1,2,true\n", 3),
            ("side,key,value,other_side_has_key\nleft,xyz,2,true\n", 2),
        ] {
            std::fs::write(&path, text).unwrap();
            let fault = read_csv(&path).unwrap_err().faults.remove(0);
            assert_eq!(fault.place, Some(format!("{}:{row}", path.display())), "{text}");
        }
    }
}
