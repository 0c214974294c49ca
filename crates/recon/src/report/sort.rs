//! Sorts any number of rows within a memory budget, always into the same order.
//!
//! Rows are opaque bytes behind a 128-bit key. They are gathered in memory; above the budget they
//! are sorted and written to an unnamed temporary file, which the system removes even when the
//! process is killed. A [`Merge`] then hands out all rows of all sorters in order of key, and of bytes
//! among equal keys, so the order depends neither on budgets nor on which sorter took which row.

use super::ReportError;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Runs of one level that are merged into one of the next: bounds open files and merge memory.
const FAN_IN_MAX: usize = 32;
/// Rows are addressed with 32 bits within the memory of one sorter.
const ARENA_BYTES_MAX: usize = 1 << 31;

/// Gathers rows and spills them as sorted runs.
#[derive(Debug)]
pub(super) struct Sorter {
    dir: PathBuf,
    rows: Vec<u8>,
    slots: Vec<Slot>,
    // levels[n] holds runs that went through n merges. Each level stays below FAN_IN_MAX, so any
    // number of rows needs few open files and each row is rewritten a logarithmic number of times.
    levels: Vec<Vec<File>>,
}

// Two halves instead of one u128 keep a slot at 24 bytes.
#[derive(Debug, Clone, Copy)]
struct Slot {
    high: u64,
    low: u64,
    at: u32,
    len: u32,
}

impl Slot {
    fn key(&self) -> u128 {
        (u128::from(self.high) << 64) | u128::from(self.low)
    }

    fn bytes<'a>(&self, rows: &'a [u8]) -> &'a [u8] {
        &rows[self.at as usize..self.at as usize + self.len as usize]
    }
}

impl Sorter {
    /// Makes an empty sorter that spills into unnamed files in `dir`.
    pub(super) fn new(dir: &Path) -> Self {
        Sorter { dir: dir.to_owned(), rows: Vec::new(), slots: Vec::new(), levels: Vec::new() }
    }

    /// Returns the bytes of memory in use.
    pub(super) fn bytes(&self) -> usize {
        self.rows.len() + self.slots.len() * size_of::<Slot>()
    }

    /// Adds a row.
    pub(super) fn push(&mut self, key: u128, row: &[u8]) -> Result<(), ReportError> {
        if self.rows.len() + row.len() > ARENA_BYTES_MAX {
            self.spill()?;
        }
        let at = u32::try_from(self.rows.len()).expect("an arena below 2 GiB");
        let len = u32::try_from(row.len()).expect("a row below 2 GiB");
        self.rows.extend_from_slice(row);
        self.slots.push(Slot { high: high(key), low: low(key), at, len });
        Ok(())
    }

    /// Writes the rows in memory to disk as a sorted run and frees their memory.
    pub(super) fn spill(&mut self) -> Result<(), ReportError> {
        if self.slots.is_empty() {
            return Ok(());
        }
        self.sort();
        let mut run = RunWriter::new(&self.dir)?;
        for slot in &self.slots {
            run.push(slot.key(), slot.bytes(&self.rows))?;
        }
        let run = run.finish()?;
        // Give the memory back to the budget of others, not only to this sorter.
        self.rows = Vec::new();
        self.slots = Vec::new();
        self.add_run(0, run)
    }

    fn add_run(&mut self, level: usize, run: File) -> Result<(), ReportError> {
        if self.levels.len() == level {
            self.levels.push(Vec::new());
        }
        self.levels[level].push(run);
        if self.levels[level].len() < FAN_IN_MAX {
            return Ok(());
        }
        let full = std::mem::take(&mut self.levels[level]);
        let mut merged = RunWriter::new(&self.dir)?;
        let sources = full.into_iter().map(|run| Source::Run(RunReader::new(run, &self.dir)));
        let mut rows = Merge::of(sources.collect())?;
        while let Some(written) = rows.next(|key, row| merged.push(key, row.bytes()))? {
            written?;
        }
        let merged = merged.finish()?;
        self.add_run(level + 1, merged)
    }

    fn sort(&mut self) {
        let rows = &self.rows;
        self.slots.sort_unstable_by(|a, b| {
            (a.high, a.low).cmp(&(b.high, b.low)).then_with(|| a.bytes(rows).cmp(b.bytes(rows)))
        });
    }
}

fn high(key: u128) -> u64 {
    u64::try_from(key >> 64).expect("the high half")
}

fn low(key: u128) -> u64 {
    u64::try_from(key & u128::from(u64::MAX)).expect("the low half")
}

/// Sorts what the sorters hold in memory, each by a thread of its own.
pub(super) fn sort_all(sorters: &mut [Sorter], threads: usize) {
    if threads <= 1 {
        return sorters.iter_mut().for_each(Sorter::sort);
    }
    std::thread::scope(|scope| {
        for sorter in sorters.iter_mut().filter(|sorter| !sorter.slots.is_empty()) {
            scope.spawn(|| sorter.sort());
        }
    });
}

/// A row that a [`Merge`] hands out: where it lies in a sorter's memory, or as it was read from disk.
#[derive(Debug)]
pub(super) enum MergedRow<'a> {
    Kept(&'a [u8]),
    Read(Vec<u8>),
}

impl MergedRow<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            MergedRow::Kept(bytes) => bytes,
            MergedRow::Read(bytes) => bytes,
        }
    }
}

/// Hands out all rows of all sorters in order.
pub(super) struct Merge<'a> {
    sources: Vec<Source<'a>>,
    heads: BinaryHeap<Head<'a>>,
}

impl<'a> Merge<'a> {
    /// Begins with the first row. What the sorters hold in memory has been sorted by [`sort_all`].
    pub(super) fn new(sorters: &'a mut [Sorter]) -> Result<Self, ReportError> {
        let mut sources = Vec::new();
        for sorter in sorters {
            for run in std::mem::take(&mut sorter.levels).into_iter().flatten() {
                sources.push(Source::Run(RunReader::new(run, &sorter.dir)));
            }
            let sorter: &'a Sorter = sorter;
            sources.push(Source::Memory { slots: sorter.slots.iter(), rows: &sorter.rows });
        }
        Merge::of(sources)
    }

    fn of(mut sources: Vec<Source<'a>>) -> Result<Self, ReportError> {
        let mut heads = BinaryHeap::with_capacity(sources.len());
        for (source, from) in sources.iter_mut().enumerate() {
            let mut head = Head { key: 0, row: MergedRow::Kept(&[]), source };
            if from.next_into(&mut head)? {
                heads.push(head);
            }
        }
        Ok(Merge { sources, heads })
    }

    /// Shows the next row, and returns what was made of it; `None` at the end.
    pub(super) fn next<T>(
        &mut self,
        take: impl FnOnce(u128, &MergedRow<'a>) -> T,
    ) -> Result<Option<T>, ReportError> {
        let Some(mut head) = self.heads.peek_mut() else { return Ok(None) };
        let taken = take(head.key, &head.row);
        if !self.sources[head.source].next_into(&mut head)? {
            PeekMut::pop(head);
        }
        Ok(Some(taken))
    }
}

enum Source<'a> {
    Memory { slots: std::slice::Iter<'a, Slot>, rows: &'a [u8] },
    Run(RunReader),
}

impl<'a> Source<'a> {
    /// Reads the next row into `head`; says whether there was one.
    fn next_into(&mut self, head: &mut Head<'a>) -> Result<bool, ReportError> {
        match self {
            Source::Memory { slots, rows } => {
                let Some(slot) = slots.next() else { return Ok(false) };
                head.key = slot.key();
                head.row = MergedRow::Kept(slot.bytes(rows));
                Ok(true)
            }
            Source::Run(run) => run.next_into(head),
        }
    }
}

// Ordered so that the greatest of the heap is the least row.
struct Head<'a> {
    key: u128,
    row: MergedRow<'a>,
    source: usize,
}

impl Ord for Head<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other
            .key
            .cmp(&self.key)
            .then_with(|| other.row.bytes().cmp(self.row.bytes()))
            .then_with(|| other.source.cmp(&self.source))
    }
}

impl PartialOrd for Head<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Head<'_> {}

const RUN_BUFFER_BYTES: usize = 64 << 10;

struct RunWriter {
    file: BufWriter<File>,
    dir: PathBuf,
}

impl RunWriter {
    fn new(dir: &Path) -> Result<Self, ReportError> {
        let file = tempfile::tempfile_in(dir).map_err(|source| spill_error(dir, source))?;
        Ok(RunWriter { file: BufWriter::with_capacity(RUN_BUFFER_BYTES, file), dir: dir.to_owned() })
    }

    fn push(&mut self, key: u128, row: &[u8]) -> Result<(), ReportError> {
        let len = u32::try_from(row.len()).expect("a row below 2 GiB");
        let mut head = [0; 20];
        head[..16].copy_from_slice(&key.to_le_bytes());
        head[16..].copy_from_slice(&len.to_le_bytes());
        let written = self.file.write_all(&head).and_then(|()| self.file.write_all(row));
        written.map_err(|source| spill_error(&self.dir, source))
    }

    fn finish(self) -> Result<File, ReportError> {
        let mut file = self.file.into_inner().map_err(|error| spill_error(&self.dir, error.into_error()))?;
        file.seek(SeekFrom::Start(0)).map_err(|source| spill_error(&self.dir, source))?;
        Ok(file)
    }
}

struct RunReader {
    file: BufReader<File>,
    dir: PathBuf,
}

impl RunReader {
    fn new(run: File, dir: &Path) -> Self {
        RunReader { file: BufReader::with_capacity(RUN_BUFFER_BYTES, run), dir: dir.to_owned() }
    }

    fn next_into(&mut self, head: &mut Head<'_>) -> Result<bool, ReportError> {
        let fail = |source| spill_error(&self.dir, source);
        let mut start = [0; 20];
        match self.file.read(&mut start[..1]).map_err(fail)? {
            0 => return Ok(false),
            _ => self.file.read_exact(&mut start[1..]).map_err(fail)?,
        }
        head.key = u128::from_le_bytes(start[..16].try_into().expect("sixteen bytes"));
        let len = u32::from_le_bytes(start[16..].try_into().expect("four bytes"));
        let mut row = match std::mem::replace(&mut head.row, MergedRow::Kept(&[])) {
            MergedRow::Read(row) => row,
            MergedRow::Kept(_) => Vec::new(),
        };
        row.resize(len as usize, 0);
        self.file.read_exact(&mut row).map_err(fail)?;
        head.row = MergedRow::Read(row);
        Ok(true)
    }
}

fn spill_error(dir: &Path, source: std::io::Error) -> ReportError {
    ReportError::Spill { dir: dir.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sorted(parts: &[Vec<(u128, Vec<u8>)>], spill_every: usize) -> Vec<(u128, Vec<u8>)> {
        let dir = tempfile::tempdir().unwrap();
        let mut sorters = Vec::new();
        for part in parts {
            let mut sorter = Sorter::new(dir.path());
            for (at, (key, row)) in part.iter().enumerate() {
                sorter.push(*key, row).unwrap();
                if (at + 1) % spill_every == 0 {
                    sorter.spill().unwrap();
                    assert_eq!(sorter.bytes(), 0);
                }
            }
            sorters.push(sorter);
        }
        let mut out = Vec::new();
        sort_all(&mut sorters, spill_every % 3);
        let mut merge = Merge::new(&mut sorters).unwrap();
        while merge.next(|key, row| out.push((key, row.bytes().to_vec()))).unwrap().is_some() {}
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "spill files have no name");
        out
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_split_and_budget_gives_the_sorted_rows(
            parts in prop::collection::vec(
                prop::collection::vec((prop_oneof![0_u128..4, any::<u128>()], prop::collection::vec(any::<u8>(), 0..4)), 0..80),
                1..4,
            ),
            spill_every in 1_usize..90,
        ) {
            let mut expected: Vec<_> = parts.iter().flatten().cloned().collect();
            expected.sort();
            prop_assert_eq!(sorted(&parts, spill_every), expected);
        }
    }

    #[test]
    fn more_runs_than_the_fan_in_are_merged_in_levels() {
        let rows: Vec<_> = (0..3_000_u128).map(|n| (n * 7_919 % 3_001, n.to_le_bytes().to_vec())).collect();
        let mut expected = rows.clone();
        expected.sort();
        assert_eq!(sorted(std::slice::from_ref(&rows), 1), expected);
    }
}
