//! Snappy, unpacked two pages at a time.
//!
//! Unpacking is one long chain: where an element begins is known only when the one before it is
//! understood, so most of the time the processor waits. Two pages give it two chains to work on.
//! An element is either bytes to take from the source or a stretch to repeat from the output; which
//! of them it is cannot be foreseen, so both are done by the same copy, from a place that is chosen
//! without a branch. The same pages take half the time that one after another would.
//!
//! Format: <https://github.com/google/snappy/blob/main/format_description.txt>.

use std::hint::select_unpredictable;

/// The bytes do not unpack to what they announce.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Torn;

/// Bytes that the output needs behind its end: elements are copied in whole steps.
pub(super) const SLACK: usize = 64;

/// Bytes of a step.
const STEP: usize = 32;

/// Bytes that a short element takes of the source: its tag and at most 60 others, or a step.
const REACH: usize = 72;

/// The most that bytes can grow: an element of three bytes repeats 64.
const GROWTH_MAX: usize = 22;

/// A packed block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packed<'a> {
    elements: &'a [u8],
    /// Bytes of the block when unpacked.
    pub(super) len: usize,
}

impl<'a> Packed<'a> {
    /// Reads the length that a block announces. One that its bytes cannot hold is refused, before
    /// anybody takes memory for it.
    pub(super) fn new(bytes: &'a [u8]) -> Result<Packed<'a>, Torn> {
        let mut len = 0_usize;
        for (at, byte) in bytes.iter().take(5).enumerate() {
            len |= usize::from(byte & 0x7F) << (7 * at);
            if *byte < 0x80 {
                let elements = &bytes[at + 1..];
                return if len / GROWTH_MAX <= elements.len() {
                    Ok(Packed { elements, len })
                } else {
                    Err(Torn)
                };
            }
        }
        Err(Torn)
    }
}

/// Unpacks a block. `out` has its length and [`SLACK`].
pub(super) fn unpack(block: Packed<'_>, out: &mut [u8]) -> Result<(), Torn> {
    Stream::new(block, out).finish()
}

/// Unpacks two blocks at the same time.
pub(super) fn unpack_two(blocks: [Packed<'_>; 2], outs: [&mut [u8]; 2]) -> Result<(), Torn> {
    let ([one, two], [one_out, two_out]) = (blocks, outs);
    let (mut one, mut two) = (Stream::new(one, one_out), Stream::new(two, two_out));
    while one.is_quick() && two.is_quick() {
        one.step()?;
        two.step()?;
    }
    one.finish()?;
    two.finish()
}

/// What is known of an element by its tag: its length in bits 0 to 7 (0 for a long literal), the
/// bytes to the next tag in bits 8 to 15, and the upper part of its offset from bit 16 on.
static ELEMENTS: [u32; 256] = {
    let mut elements = [0; 256];
    let mut tag = 0_u32;
    while tag < 256 {
        let six = (tag >> 2) + 1;
        elements[tag as usize] = match tag & 3 {
            0 if six > 60 => 0,
            0 => six | (1 + six) << 8,
            1 => (4 + (tag >> 2 & 7)) | 2 << 8 | (tag >> 5 << 8) << 16,
            2 => six | 3 << 8,
            _ => six | 5 << 8,
        };
        tag += 1;
    }
    elements
};

/// Which of the four bytes behind a tag belong to its offset.
static OFFSET_BYTES: [u32; 4] = [0, 0xFF, 0xFFFF, 0xFFFF_FFFF];

struct Stream<'s, 'd> {
    source: &'s [u8],
    out: &'d mut [u8],
    /// Where the next tag is.
    at: usize,
    /// Bytes unpacked.
    done: usize,
    /// Up to here elements are sure to lie within the source, with room for steps.
    quick_end: usize,
    len: usize,
}

impl<'s, 'd> Stream<'s, 'd> {
    fn new(block: Packed<'s>, out: &'d mut [u8]) -> Stream<'s, 'd> {
        assert!(out.len() - SLACK >= block.len, "room for steps behind the end");
        let source = block.elements;
        let quick_end = source.len().saturating_sub(REACH);
        Stream { source, out, at: 0, done: 0, quick_end, len: block.len }
    }

    #[inline(always)]
    fn is_quick(&self) -> bool {
        self.at < self.quick_end && self.done < self.len
    }

    /// Unpacks the next element. Writes up to [`SLACK`] bytes from where it starts.
    #[inline(always)]
    fn step(&mut self) -> Result<(), Torn> {
        let (source, out) = (self.source, &mut *self.out);
        let (at, done) = (self.at, self.done);
        let tag = usize::from(source[at]);
        let element = ELEMENTS[tag];
        let len = (element & 0xFF) as usize;
        let behind = u32::from_le_bytes(source[at + 1..at + 5].try_into().expect("four bytes"));
        let offset = (element >> 16 | behind & OFFSET_BYTES[tag & 3]) as usize;
        let literal = tag & 3 == 0;
        if (offset < len) & !literal | (len == 0) {
            if len == 0 {
                (self.at, self.done) = careful(source, &mut out[..self.len], at, done)?;
                return Ok(());
            }
            repeat(&mut out[..self.len], done, offset, len)?;
        } else {
            let from = select_unpredictable(literal, at + 1, done.wrapping_sub(offset));
            let bytes: &[u8] = select_unpredictable(literal, source, &*out);
            let step: [u8; STEP] =
                bytes.get(from..from.wrapping_add(STEP)).ok_or(Torn)?.try_into().expect("a step");
            out[done..done + STEP].copy_from_slice(&step);
            if len > STEP {
                let bytes: &[u8] = if literal { source } else { &*out };
                let step: [u8; STEP] = bytes[from + STEP..from + 2 * STEP].try_into().expect("a step");
                out[done + STEP..done + 2 * STEP].copy_from_slice(&step);
            }
        }
        self.at += (element >> 8 & 0xFF) as usize;
        self.done += len;
        Ok(())
    }

    /// Unpacks what is left.
    fn finish(mut self) -> Result<(), Torn> {
        while self.is_quick() {
            self.step()?;
        }
        let (mut at, mut done) = (self.at, self.done);
        while at < self.source.len() {
            (at, done) = careful(self.source, &mut self.out[..self.len], at, done)?;
        }
        if done == self.len { Ok(()) } else { Err(Torn) }
    }
}

/// Unpacks any element: a long literal, or one near an end. Takes and
/// returns the places by value, so that the quick way can hold them in registers.
#[inline(never)]
fn careful(source: &[u8], out: &mut [u8], at: usize, done: usize) -> Result<(usize, usize), Torn> {
    let (tag, behind) = source[at..].split_first().ok_or(Torn)?;
    let room = out.get_mut(done..).ok_or(Torn)?;
    if tag & 3 == 0 {
        let (mut len, mut behind) = (usize::from(tag >> 2) + 1, behind);
        if len > 60 {
            let bytes;
            (bytes, behind) = behind.split_at_checked(len - 60).ok_or(Torn)?;
            len = bytes.iter().rev().fold(0, |len, byte| len << 8 | usize::from(*byte)) + 1;
        }
        let (literal, behind) = behind.split_at_checked(len).ok_or(Torn)?;
        room.get_mut(..len).ok_or(Torn)?.copy_from_slice(literal);
        return Ok((source.len() - behind.len(), done + len));
    }
    let element = ELEMENTS[usize::from(*tag)];
    let (len, whole) = ((element & 0xFF) as usize, (element >> 8 & 0xFF) as usize);
    let mut bytes = [0; 4];
    bytes[..whole - 1].copy_from_slice(behind.get(..whole - 1).ok_or(Torn)?);
    let offset = (element >> 16 | u32::from_le_bytes(bytes)) as usize;
    repeat(out, done, offset, len)?;
    Ok((at + whole, done + len))
}

/// Repeats a stretch of the output that may reach into what it becomes.
#[inline(never)]
fn repeat(out: &mut [u8], done: usize, offset: usize, len: usize) -> Result<(), Torn> {
    let end = done + len;
    if offset == 0 || offset > done || end > out.len() {
        return Err(Torn);
    }
    // The stretch grows with each turn.
    let (from, mut to) = (done - offset, done);
    while to < end {
        let now = (to - from).min(end - to);
        out.copy_within(from..from + now, to);
        to += now;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Unpacks blocks by pairs and one by one; both ways must agree.
    fn unpacked(blocks: [&[u8]; 2]) -> [Option<Vec<u8>>; 2] {
        let room = |block: &[u8]| Packed::new(block).ok().map(|packed| vec![0xEE; packed.len + SLACK]);
        let single = blocks.map(|block| {
            let mut out = room(block)?;
            unpack(Packed::new(block).unwrap(), &mut out).ok()?;
            out.truncate(out.len() - SLACK);
            Some(out)
        });
        if let (Some(mut one), Some(mut two)) = (room(blocks[0]), room(blocks[1])) {
            let both = unpack_two(blocks.map(|b| Packed::new(b).unwrap()), [&mut one, &mut two]);
            assert_eq!(both.is_ok(), single.iter().all(Option::is_some));
            if both.is_ok() {
                one.truncate(one.len() - SLACK);
                two.truncate(two.len() - SLACK);
                assert_eq!([Some(one), Some(two)], single);
            }
        }
        single
    }

    /// Bytes as columns have them: repeats near and far, runs, and noise.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..90),
            (any::<u8>(), 1..200_usize).prop_map(|(byte, count)| vec![byte; count]),
            (proptest::collection::vec(any::<u8>(), 1..12), 1..40_usize)
                .prop_map(|(bytes, n)| bytes.repeat(n)),
            (0..200_u64)
                .prop_map(|n| (n..n + 20).flat_map(|n| format!("ORDER2026{n:012}").into_bytes()).collect()),
        ];
        proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn what_was_packed_is_unpacked(one in bytes(), two in bytes(), times in 1..40_usize) {
            // Beyond 64 KiB offsets begin anew.
            let blocks = [one.repeat(times), two];
            let packed = blocks.clone().map(|bytes| snap::raw::Encoder::new().compress_vec(&bytes).unwrap());
            prop_assert_eq!(unpacked([&packed[0], &packed[1]]), blocks.map(Some));
        }

        #[test]
        fn damage_is_told_as_the_other_decoder_tells_it(
            bytes in bytes(),
            hits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut packed = snap::raw::Encoder::new().compress_vec(&bytes).unwrap();
            for (at, byte) in hits {
                let at = at.index(packed.len());
                packed[at] = byte;
            }
            let cut = packed[..cut.index(packed.len() + 1)].to_vec();
            for block in [packed, cut] {
                let mut want = None;
                if snap::raw::decompress_len(&block).is_ok_and(|len| len <= block.len() * GROWTH_MAX) && !block.is_empty() {
                    want = snap::raw::Decoder::new().decompress_vec(&block).ok();
                }
                prop_assert_eq!(&unpacked([&block, &block])[0], &want);
            }
        }
    }

    #[test]
    fn elements_of_every_kind_are_unpacked() {
        // A literal with a length byte, then copies with one, two and four bytes of offset.
        let mut packed = vec![100 + 11 + 64 + 5, 1, 60 << 2, 99];
        packed.extend(0..100);
        packed.extend([7 << 2 | 1, 3, 63 << 2 | 2, 100, 0, 4 << 2 | 3, 111, 0, 0, 0]);
        let mut want: Vec<u8> = (0..100).collect();
        for (offset, len) in [(3, 11), (100, 64), (111, 5)] {
            for _ in 0..len {
                want.push(want[want.len() - offset]);
            }
        }
        assert_eq!(unpacked([&packed, &packed]), [Some(want.clone()), Some(want)]);
    }

    #[test]
    fn an_announced_length_beyond_reason_is_refused() {
        assert_eq!(Packed::new(&[0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0, b'a']).err(), Some(Torn));
        assert_eq!(Packed::new(&[]).err(), Some(Torn));
        assert_eq!(Packed::new(&[0x80]).err(), Some(Torn));
        assert_eq!(unpacked([&[0], &[0]]), [Some(vec![]), Some(vec![])]);
    }
}
