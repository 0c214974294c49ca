//! The compact form of all rows of a run, partitioned by key: in memory, and on disk when it does
//! not fit.
//!
//! A row with a key is one [`Entry`] of 16 bytes: 40 bits of key hash (besides the partition's own
//! bits), 52 bits of value hash and 36 bits of location. Rows without a usable key and rejected rows
//! are kept by location in two partitions of their own.

use crate::arena::{Budget, Entry, Full, Partitions};
use crate::digest::KeyHash;
use crate::error::ReconError;
use crate::record::Side;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Bits of a location.
pub(crate) const LOC_BITS: u32 = 36;
/// Largest location.
pub(crate) const LOC_MAX: u64 = (1 << LOC_BITS) - 1;
/// Bits of a key's hash that an entry holds.
pub(crate) const TAG_BITS: u32 = 40;
/// The most bits by which keys are partitioned in one go.
pub(crate) const PARTITION_BITS_MAX: u32 = 12;

/// How keys are spread over partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Bits of the key hash that choose the partition, at most [`PARTITION_BITS_MAX`].
    pub(crate) bits: u32,
}

impl Shape {
    /// Partitions of rows with keys.
    pub(crate) const fn keyed(self) -> usize {
        1 << self.bits
    }

    /// The partition of rows without a usable key.
    pub(crate) const fn unkeyed(self) -> usize {
        self.keyed()
    }

    /// The partition of rejected rows.
    pub(crate) const fn rejected(self) -> usize {
        self.keyed() + 1
    }

    pub(crate) const fn partitions(self) -> usize {
        self.keyed() + 2
    }

    /// Where a partition of a side stands among those of both.
    #[inline(always)]
    const fn place(self, side: Side, partition: usize) -> usize {
        side.index() * self.partitions() + partition
    }

    /// Returns partition and entry of a row.
    #[inline(always)]
    pub(crate) fn pack(self, key: KeyHash, value: u64, loc: u64) -> (usize, Entry) {
        let tag = self.tag(key.lo);
        let value = value >> 12;
        let low = tag & ((1 << TAG_BITS) - 1);
        ((tag >> TAG_BITS) as usize, [low << 24 | value >> 28, (value & 0xFFF_FFFF) << LOC_BITS | loc])
    }

    /// Returns the bits of a key hash that a run knows of a key: partition, then 40 more.
    #[inline(always)]
    pub(crate) fn tag(self, key_lo: u64) -> u64 {
        key_lo >> (64 - TAG_BITS - self.bits)
    }

    /// Returns the tag of an entry.
    #[inline(always)]
    pub(crate) fn tag_of(self, partition: usize, entry: &Entry) -> u64 {
        (partition as u64) << TAG_BITS | entry[0] >> 24
    }
}

/// Returns the location of an entry.
#[inline(always)]
pub(crate) fn loc_of(entry: &Entry) -> u64 {
    entry[1] & LOC_MAX
}

/// Returns what identifies key and value of an entry: all but its location.
#[inline(always)]
pub(crate) fn class_of(entry: &Entry) -> (u64, u64) {
    (entry[0], entry[1] >> LOC_BITS)
}

/// The entries that one thread gathers.
pub(crate) struct Store<'b> {
    pub(crate) shape: Shape,
    /// The partitions of the left side, then those of the right.
    memory: Partitions<'b>,
    spill_dir: PathBuf,
    name: String,
    runs: Vec<RunFile>,
}

impl<'b> Store<'b> {
    pub(crate) fn new(
        shape: Shape,
        bytes: usize,
        slab: usize,
        budget: &'b Budget,
        spill_dir: &Path,
        name: String,
    ) -> Result<Self, ReconError> {
        let count = shape.partitions() * 2;
        match Partitions::new(count, bytes, slab, budget) {
            Ok(memory) => {
                Ok(Store { shape, memory, spill_dir: spill_dir.to_owned(), name, runs: Vec::new() })
            }
            Err(error) => Err(ReconError::io("reserve memory for", "partitions")(error)),
        }
    }

    #[inline(always)]
    pub(crate) fn push(&mut self, side: Side, partition: usize, entry: Entry) -> Result<(), ReconError> {
        match self.memory.push(self.shape.place(side, partition), entry) {
            Ok(()) => Ok(()),
            Err(Full) => self.push_after_spill(side, partition, entry),
        }
    }

    #[cold]
    #[inline(never)]
    fn push_after_spill(&mut self, side: Side, partition: usize, entry: Entry) -> Result<(), ReconError> {
        self.spill()?;
        let pushed = self.memory.push(self.shape.place(side, partition), entry);
        assert_eq!(pushed, Ok(()), "an empty store has a block for each partition");
        Ok(())
    }

    /// Writes everything gathered so far to a run file and starts anew.
    pub(crate) fn spill(&mut self) -> Result<(), ReconError> {
        if self.memory.is_empty() {
            return Ok(());
        }
        self.memory.publish();
        let path = self.spill_dir.join(format!("{}-{}.run", self.name, self.runs.len()));
        self.runs.push(RunFile::write(&path, &self.memory)?);
        self.memory.clear();
        Ok(())
    }

    /// Puts everything gathered so far on disk for good, and returns the files written since the last
    /// time.
    pub(crate) fn save(&mut self) -> Result<Vec<PathBuf>, ReconError> {
        self.spill()?;
        let mut paths = Vec::new();
        for run in self.runs.iter_mut().filter(|r| !r.keep) {
            run.file.sync_all().map_err(ReconError::io("write", &run.path))?;
            run.keep = true;
            paths.push(run.path.clone());
        }
        Ok(paths)
    }

    /// Takes over a run file of an earlier run.
    pub(crate) fn adopt(&mut self, path: &Path) -> Result<(), ReconError> {
        self.runs.push(RunFile::open(path, self.shape)?);
        Ok(())
    }

    /// Says whether part of what was gathered is on disk but not yet for good.
    pub(crate) fn has_unsaved_runs(&self) -> bool {
        self.runs.iter().any(|r| !r.keep)
    }

    /// Makes everything visible to other threads.
    pub(crate) fn publish(&mut self) {
        self.memory.publish();
    }
}

/// Partitions written to disk: where each starts, then the entries of each.
pub(crate) struct RunFile {
    path: PathBuf,
    file: File,
    /// Whether the file outlives the run.
    keep: bool,
    /// Where each partition starts, in entries from the start of the data; one more for the end.
    starts: Vec<u32>,
    data_at: u64,
}

const MAGIC: &[u8; 8] = b"SUANRUN1";
const WRITE_BYTES: usize = 256 << 10;

impl RunFile {
    fn write(path: &Path, partitions: &Partitions<'_>) -> Result<RunFile, ReconError> {
        let io = |what| ReconError::io(what, path);
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(path)
            .map_err(io("create"))?;
        let mut starts = vec![0_u32];
        for partition in 0..partitions.partitions() {
            let end = u64::from(starts[partition]) + partitions.count(partition) as u64;
            starts.push(u32::try_from(end).expect("a run file of fewer than 2^32 rows"));
        }
        let write = || -> std::io::Result<()> {
            let mut out = &file;
            let mut bytes = Vec::with_capacity(WRITE_BYTES + crate::arena::BLOCK);
            bytes.extend_from_slice(MAGIC);
            bytes.extend_from_slice(&(starts.len() as u64).to_le_bytes());
            starts.iter().for_each(|start| bytes.extend_from_slice(&u64::from(*start).to_le_bytes()));
            for partition in 0..partitions.partitions() {
                let mut written = Ok(());
                partitions.slices(partition, |entries| {
                    for entry in entries {
                        bytes.extend_from_slice(&entry[0].to_le_bytes());
                        bytes.extend_from_slice(&entry[1].to_le_bytes());
                    }
                    if bytes.len() >= WRITE_BYTES && written.is_ok() {
                        written = out.write_all(&bytes);
                        bytes.clear();
                    }
                });
                written?;
            }
            out.write_all(&bytes)
        };
        write().map_err(io("write"))?;
        let data_at = 16 + 8 * starts.len() as u64;
        Ok(RunFile { path: path.to_owned(), file, keep: false, starts, data_at })
    }

    /// Opens a run file that an earlier run kept.
    fn open(path: &Path, shape: Shape) -> Result<RunFile, ReconError> {
        let io = |what| ReconError::io(what, path);
        let damaged = || ReconError::Resume {
            path: path.to_owned(),
            message: "the file is damaged; run without --resume".to_owned(),
        };
        let file = File::open(path).map_err(io("open"))?;
        let places = shape.partitions() * 2 + 1;
        let data_at = 16 + 8 * places as u64;
        let mut head = vec![0; 16 + 8 * places];
        file.read_exact_at(&mut head, 0).map_err(|_| damaged())?;
        let words: Vec<u64> =
            head.chunks_exact(8).map(|b| u64::from_le_bytes(b.try_into().expect("eight bytes"))).collect();
        let starts: Vec<u32> = words[2..]
            .iter()
            .map(|start| u32::try_from(*start))
            .collect::<Result<_, _>>()
            .map_err(|_| damaged())?;
        let ordered = starts.is_sorted() && starts[0] == 0;
        let len = file.metadata().map_err(io("read"))?.len();
        let whole = starts.last().is_some_and(|end| Some(u64::from(*end) * 16) == len.checked_sub(data_at));
        if &head[..8] != MAGIC || words[1] != places as u64 || !ordered || !whole {
            return Err(damaged());
        }
        Ok(RunFile { path: path.to_owned(), file, keep: true, starts, data_at })
    }

    fn rows(&self) -> u64 {
        u64::from(*self.starts.last().expect("an end"))
    }

    fn count(&self, place: usize) -> u64 {
        u64::from(self.starts[place + 1] - self.starts[place])
    }

    /// Reads some neighbouring partitions, each to the end of its list.
    fn read(
        &self,
        places: std::ops::Range<usize>,
        bytes: &mut Vec<u8>,
        lists: &mut [Vec<Entry>],
    ) -> Result<(), ReconError> {
        let start = |place: usize| self.starts[place] as usize * 16;
        let first = start(places.start);
        let size = start(places.end) - first;
        if bytes.len() < size {
            bytes.resize(size, 0);
        }
        self.file
            .read_exact_at(&mut bytes[..size], self.data_at + first as u64)
            .map_err(ReconError::io("read", &self.path))?;
        for (place, list) in places.zip(lists) {
            list.extend(entries_of(&bytes[start(place) - first..start(place + 1) - first]));
        }
        Ok(())
    }

    fn slices(&self, place: usize, each: &mut impl FnMut(&[Entry])) -> Result<(), ReconError> {
        let (mut at, end) = (u64::from(self.starts[place]), u64::from(self.starts[place + 1]));
        let mut bytes = vec![0_u8; 16 * 2048];
        let mut entries = Vec::with_capacity(2048);
        while at < end {
            let count = (end - at).min(2048) as usize;
            let bytes = &mut bytes[..count * 16];
            self.file
                .read_exact_at(bytes, self.data_at + at * 16)
                .map_err(ReconError::io("read", &self.path))?;
            entries.clear();
            entries.extend(entries_of(bytes));
            each(&entries);
            at += count as u64;
        }
        Ok(())
    }
}

fn entries_of(bytes: &[u8]) -> impl Iterator<Item = Entry> {
    let word = |b: &[u8]| u64::from_le_bytes(b.try_into().expect("eight bytes"));
    bytes.chunks_exact(16).map(move |b| [word(&b[..8]), word(&b[8..])])
}

impl Drop for RunFile {
    fn drop(&mut self) {
        if !self.keep {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// All entries of a run, from all threads, in memory and on disk.
pub(crate) struct Entries<'b> {
    pub(crate) shape: Shape,
    stores: Vec<Store<'b>>,
}

impl<'b> Entries<'b> {
    pub(crate) fn new(shape: Shape, stores: Vec<Store<'b>>) -> Self {
        Entries { shape, stores }
    }

    pub(crate) fn count(&self, side: Side, partition: usize) -> u64 {
        let place = self.shape.place(side, partition);
        let of =
            |s: &Store<'_>| s.memory.count(place) as u64 + s.runs.iter().map(|r| r.count(place)).sum::<u64>();
        self.stores.iter().map(of).sum()
    }

    /// Gives all entries of a partition of one side, in slices.
    #[inline(always)]
    pub(crate) fn slices(
        &self,
        side: Side,
        partition: usize,
        mut each: impl FnMut(&[Entry]),
    ) -> Result<(), ReconError> {
        let place = self.shape.place(side, partition);
        for store in &self.stores {
            store.memory.slices(place, &mut each);
            for run in &store.runs {
                run.slices(place, &mut each)?;
            }
        }
        Ok(())
    }

    /// Returns how many neighbouring partitions a [`Window`] does best to hold.
    pub(crate) fn window_width(&self) -> usize {
        let keyed = self.shape.keyed();
        let rows: u64 = self.stores.iter().flat_map(|s| &s.runs).map(RunFile::rows).sum();
        let of_one = usize::try_from(rows).unwrap_or(usize::MAX) / keyed;
        (HELD_ROWS / of_one.max(1)).clamp(1, 16)
    }

    /// Takes the stores out, one a thread.
    pub(crate) fn take_stores(&mut self) -> Vec<Store<'b>> {
        std::mem::take(&mut self.stores)
    }

    /// Returns the number of run files on disk.
    pub(crate) fn runs(&self) -> usize {
        self.stores.iter().map(|s| s.runs.len()).sum()
    }
}
/// Some neighbouring partitions at hand for one thread. What run files hold of them is read once and in large
/// pieces: a partition alone has a few KiB in each file, and is looked at more than once.
pub(crate) struct Window<'e, 'b> {
    pub(crate) shape: Shape,
    entries: &'e Entries<'b>,
    held: std::ops::Range<usize>,
    /// What run files hold, by side and partition.
    read: [Vec<Vec<Entry>>; 2],
    bytes: Vec<u8>,
}

/// Rows that a window holds, so that they fit into the second-level cache.
const HELD_ROWS: usize = 96 << 10;
/// Partitions with more rows than this are not held but read in pieces whenever they are looked at.
const HELD_ROWS_MAX: u64 = 512 << 10;

impl<'e, 'b> Window<'e, 'b> {
    pub(crate) fn new(entries: &'e Entries<'b>) -> Self {
        Window {
            shape: entries.shape,
            entries,
            held: 0..0,
            read: [Vec::new(), Vec::new()],
            bytes: Vec::new(),
        }
    }

    /// Moves to other partitions.
    pub(crate) fn hold(&mut self, partitions: std::ops::Range<usize>) -> Result<(), ReconError> {
        self.held = 0..0;
        let counts = partitions.clone().flat_map(|p| Side::BOTH.map(|side| self.entries.count(side, p)));
        if self.entries.runs() == 0 || counts.sum::<u64>() > HELD_ROWS_MAX {
            return Ok(());
        }
        for side in Side::BOTH {
            let lists = &mut self.read[side.index()];
            lists.resize_with(partitions.len(), Vec::new);
            lists.iter_mut().for_each(Vec::clear);
            let first = self.shape.place(side, partitions.start);
            for run in self.entries.stores.iter().flat_map(|store| &store.runs) {
                run.read(first..first + partitions.len(), &mut self.bytes, lists)?;
            }
        }
        self.held = partitions;
        Ok(())
    }

    pub(crate) fn count(&self, side: Side, partition: usize) -> u64 {
        self.entries.count(side, partition)
    }

    /// Gives all entries of a partition of one side, in slices.
    #[inline(always)]
    pub(crate) fn slices(
        &self,
        side: Side,
        partition: usize,
        mut each: impl FnMut(&[Entry]),
    ) -> Result<(), ReconError> {
        if !self.held.contains(&partition) {
            return self.entries.slices(side, partition, each);
        }
        let place = self.shape.place(side, partition);
        for store in &self.entries.stores {
            store.memory.slices(place, &mut each);
        }
        each(&self.read[side.index()][partition - self.held.start]);
        Ok(())
    }
}
