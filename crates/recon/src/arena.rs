//! Radix partitions of 16-byte entries in memory, written a cache line at a time.
//!
//! Scattering tens of millions of entries over thousands of partitions would touch a new cache line
//! and page for each. So entries gather in one staging line per partition; a full line goes out past
//! the cache into a 4 KiB block of the partition. Blocks come from one reserved range of addresses,
//! whose memory is taken only as it is used and counted against a [`Budget`].
//!
//! This module has `unsafe` code: it keeps raw pointers into a range that it owns. Its tests run the
//! same pushes through an ordinary vector and compare.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of a block.
pub(crate) const BLOCK: usize = 4096;
const PER_BLOCK: usize = BLOCK / ENTRY;
const ENTRY: usize = 16;
const PER_LINE: usize = 4;

/// A shared allowance of bytes.
#[derive(Debug)]
pub(crate) struct Budget {
    left: AtomicUsize,
}

impl Budget {
    pub(crate) fn new(bytes: usize) -> Self {
        Budget { left: AtomicUsize::new(bytes) }
    }

    fn give_back(&self, bytes: usize) {
        self.left.fetch_add(bytes, Ordering::Relaxed);
    }

    fn take(&self, bytes: usize) -> bool {
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes)).is_ok()
    }
}

/// An entry: two words.
pub(crate) type Entry = [u64; 2];

#[repr(C, align(64))]
#[derive(Clone, Copy)]
struct Line([Entry; PER_LINE]);

/// A range of addresses reserved for blocks.
struct Range {
    base: *mut u8,
    bytes: usize,
}

impl Range {
    #[cfg(unix)]
    fn reserve(bytes: usize) -> std::io::Result<Range> {
        // SAFETY: an anonymous private mapping at an address of the kernel's choice.
        let base = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        if base == libc::MAP_FAILED {
            return Err(std::io::Error::last_os_error());
        }
        #[cfg(target_os = "linux")]
        if bytes >= 64 << 20 {
            // SAFETY: the range was just mapped. Advice only: failure does no harm.
            unsafe { libc::madvise(base, bytes, libc::MADV_HUGEPAGE) };
        }
        Ok(Range { base: base.cast(), bytes })
    }

    #[cfg(not(unix))]
    fn reserve(bytes: usize) -> std::io::Result<Range> {
        let layout = std::alloc::Layout::from_size_align(bytes, BLOCK).map_err(std::io::Error::other)?;
        // SAFETY: the size is not zero.
        let base = unsafe { std::alloc::alloc_zeroed(layout) };
        if base.is_null() {
            return Err(std::io::ErrorKind::OutOfMemory.into());
        }
        Ok(Range { base, bytes })
    }
}

impl Drop for Range {
    fn drop(&mut self) {
        #[cfg(unix)]
        // SAFETY: the range was mapped by `reserve` with this size and nothing points into it any more.
        unsafe {
            libc::munmap(self.base.cast(), self.bytes);
        }
        #[cfg(not(unix))]
        // SAFETY: allocated by `reserve` with this layout.
        unsafe {
            let layout = std::alloc::Layout::from_size_align_unchecked(self.bytes, BLOCK);
            std::alloc::dealloc(self.base, layout);
        }
    }
}

/// The partitions that one thread fills.
pub(crate) struct Partitions<'b> {
    stage: Vec<Line>,
    counts: Vec<u32>,
    cursors: Vec<*mut u8>,
    blocks: Vec<Vec<u32>>,
    free: Vec<u32>,
    next: usize,
    end: usize,
    slab: usize,
    range: Range,
    budget: &'b Budget,
}

// SAFETY: the pointers lead into the range that the value owns.
unsafe impl Send for Partitions<'_> {}
// SAFETY: shared references only read.
unsafe impl Sync for Partitions<'_> {}

/// There was no memory left for a block.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl<'b> Partitions<'b> {
    /// Makes `count` empty partitions that take at most `bytes` and what `budget` has left. One block
    /// for each partition is set aside at once, so that an emptied store can always go on.
    ///
    /// # Errors
    /// When the operating system refuses the range of addresses, or the budget does not even allow
    /// one block for each partition ([`std::io::ErrorKind::OutOfMemory`]).
    pub(crate) fn new(count: usize, bytes: usize, slab: usize, budget: &'b Budget) -> std::io::Result<Self> {
        let least = (count * BLOCK).next_multiple_of(slab);
        if !budget.take(least) {
            return Err(std::io::ErrorKind::OutOfMemory.into());
        }
        let bytes = bytes.max(least).next_multiple_of(slab);
        Ok(Partitions {
            stage: vec![Line([[0; 2]; PER_LINE]); count],
            counts: vec![0; count],
            cursors: vec![std::ptr::null_mut(); count],
            blocks: vec![Vec::new(); count],
            free: Vec::new(),
            next: 0,
            end: least,
            slab,
            range: Range::reserve(bytes)?,
            budget,
        })
    }

    /// Appends an entry. On [`Full`] the entry was not added; the caller empties the partitions and
    /// pushes it again.
    #[inline(always)]
    pub(crate) fn push(&mut self, partition: usize, entry: Entry) -> Result<(), Full> {
        let count = self.counts[partition] as usize;
        if count.is_multiple_of(PER_BLOCK) {
            self.grow(partition)?;
        }
        let line = &mut self.stage[partition];
        put_whole(&mut line.0[count % PER_LINE], entry);
        self.counts[partition] = count as u32 + 1;
        if count % PER_LINE == PER_LINE - 1 {
            // SAFETY: `grow` gave the partition a block of `PER_BLOCK` entries when its count was a
            // multiple of that, and the cursor has moved one line for each full line since.
            unsafe {
                let cursor = *self.cursors.get_unchecked(partition);
                stream_line(cursor, line);
                *self.cursors.get_unchecked_mut(partition) = cursor.add(size_of::<Line>());
            }
        }
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, partition: usize) -> Result<(), Full> {
        assert!(self.counts[partition] < u32::MAX - 1024, "fewer than 2^32 entries in a partition");
        let block = match self.free.pop() {
            Some(block) => block,
            None => {
                if self.next == self.end {
                    if self.end + self.slab > self.range.bytes || !self.budget.take(self.slab) {
                        return Err(Full);
                    }
                    self.end += self.slab;
                }
                self.next += BLOCK;
                u32::try_from((self.next - BLOCK) / BLOCK).expect("fewer than 2^32 blocks")
            }
        };
        self.blocks[partition].push(block);
        // SAFETY: the block lies below `end`, which never passes the range.
        self.cursors[partition] = unsafe { self.range.base.add(block as usize * BLOCK) };
        Ok(())
    }

    /// Makes lines that were written past the cache visible to other threads.
    pub(crate) fn publish(&mut self) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: part of every x86-64 processor.
        unsafe {
            std::arch::x86_64::_mm_sfence();
        }
    }

    pub(crate) fn count(&self, partition: usize) -> usize {
        self.counts[partition] as usize
    }

    pub(crate) fn partitions(&self) -> usize {
        self.counts.len()
    }

    /// Gives the entries of a partition in slices, in the order of their arrival.
    #[inline(always)]
    pub(crate) fn slices(&self, partition: usize, mut each: impl FnMut(&[Entry])) {
        let count = self.count(partition);
        let streamed = count - count % PER_LINE;
        let mut left = streamed;
        for &block in &self.blocks[partition] {
            let here = left.min(PER_BLOCK);
            // SAFETY: the block is this partition's and its first `here` entries were written.
            let entries = unsafe {
                std::slice::from_raw_parts(self.range.base.add(block as usize * BLOCK).cast::<Entry>(), here)
            };
            each(entries);
            left -= here;
        }
        each(&self.stage[partition].0[..count - streamed]);
    }

    /// Drops all entries; their blocks are used again.
    pub(crate) fn clear(&mut self) {
        self.counts.fill(0);
        for blocks in &mut self.blocks {
            self.free.append(blocks);
        }
    }

    /// Says whether there is nothing in any partition.
    pub(crate) fn is_empty(&self) -> bool {
        self.counts.iter().all(|c| *c == 0)
    }
}

impl Drop for Partitions<'_> {
    fn drop(&mut self) {
        self.budget.give_back(self.end);
    }
}

/// Puts an entry into its place in one piece. Its line is soon read in such pieces, and the processor
/// hands on what it has just stored only in pieces no larger than those that were stored.
#[inline(always)]
fn put_whole(to: &mut Entry, entry: Entry) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE2 is part of every x86-64 processor, and the place has room for an entry.
    unsafe {
        use std::arch::x86_64::{_mm_set_epi64x, _mm_storeu_si128};
        let whole = _mm_set_epi64x(entry[1].cast_signed(), entry[0].cast_signed());
        _mm_storeu_si128(to.as_mut_ptr().cast(), whole);
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        *to = entry;
    }
}

/// Copies a line to memory past the cache, where the processor can.
///
/// # Safety
/// `to` must be aligned to 64 bytes and have room for a line.
#[inline(always)]
unsafe fn stream_line(to: *mut u8, line: &Line) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE2 is part of every x86-64 processor; the caller vouches for the room.
    unsafe {
        use std::arch::x86_64::{__m128i, _mm_load_si128, _mm_stream_si128};
        let from: *const __m128i = line.0.as_ptr().cast();
        let to: *mut __m128i = to.cast();
        for lane in 0..PER_LINE {
            _mm_stream_si128(to.add(lane), _mm_load_si128(from.add(lane)));
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    // SAFETY: the caller vouches for the room.
    unsafe {
        std::ptr::copy_nonoverlapping(line.0.as_ptr().cast::<u8>(), to, size_of::<Line>());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn partitions_hold_what_was_pushed_in_order(
            pushes in proptest::collection::vec((0_usize..5, any::<u64>(), any::<u64>()), 0..4000),
            clear_at in 0_usize..4000,
        ) {
            let budget = Budget::new(1 << 20);
            let mut partitions = Partitions::new(5, 1 << 20, 4 * BLOCK, &budget).unwrap();
            let mut model: Vec<Vec<Entry>> = vec![Vec::new(); 5];
            for (at, (partition, a, b)) in pushes.iter().enumerate() {
                if at == clear_at {
                    partitions.clear();
                    model.iter_mut().for_each(Vec::clear);
                }
                partitions.push(*partition, [*a, *b]).unwrap();
                model[*partition].push([*a, *b]);
            }
            partitions.publish();
            for (partition, want) in model.iter().enumerate() {
                let mut got = Vec::new();
                partitions.slices(partition, |s| got.extend_from_slice(s));
                prop_assert_eq!(&got, want);
                prop_assert_eq!(partitions.count(partition), want.len());
            }
        }
    }

    #[test]
    fn a_spent_budget_says_full_and_loses_nothing() {
        let budget = Budget::new(2 * BLOCK);
        let mut partitions = Partitions::new(2, 1 << 20, BLOCK, &budget).unwrap();
        assert!(Partitions::new(2, 1 << 20, BLOCK, &budget).is_err());
        let mut pushed = 0_u64;
        while partitions.push(0, [pushed, 0]).is_ok() {
            pushed += 1;
        }
        assert_eq!(pushed as usize, 2 * PER_BLOCK);
        assert_eq!(partitions.push(1, [7, 7]), Err(Full));
        let mut got = 0;
        partitions.slices(0, |s| got += s.len());
        assert_eq!(got, 2 * PER_BLOCK);
        partitions.clear();
        assert_eq!(partitions.push(1, [7, 7]), Ok(()));
    }
}
