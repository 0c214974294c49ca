//! Finds the separators and line ends of delimited text, 64 bytes at a time.
//!
//! Three kernels give the same answer: AVX-512 (VBMI2), AVX2, and plain Rust. The best one that the
//! processor has is chosen once a run. This is one of the few modules with `unsafe`: it calls the
//! processor's wide instructions behind run-time detection, and writes through raw pointers into
//! room that it reserved in the same function.
#![allow(unsafe_code)]

/// Which instructions to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kernel {
    /// AVX-512 with VBMI2: sixty-four bytes a step, positions compressed by the processor.
    Avx512,
    /// AVX2: sixty-four bytes a step as two halves.
    Avx2,
    /// Any processor.
    Plain,
}

impl Kernel {
    /// Returns the fastest kernel that this processor can run. The environment variable
    /// `SUANPAN_KERNEL` (`avx512`, `avx2`, `plain`) may choose a slower one, for tests and figures.
    #[must_use]
    pub fn best() -> Kernel {
        let asked = std::env::var("SUANPAN_KERNEL").unwrap_or_default();
        let available = Self::available();
        available.iter().copied().find(|k| k.name() == asked).unwrap_or(available[0])
    }

    /// Returns the kernels that this processor can run, fastest first.
    #[must_use]
    pub fn available() -> Vec<Kernel> {
        let mut kernels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vbmi2")
            {
                kernels.push(Kernel::Avx512);
            }
            if is_x86_feature_detected!("avx2") {
                kernels.push(Kernel::Avx2);
            }
        }
        kernels.push(Kernel::Plain);
        kernels
    }

    /// Returns the kernel's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Kernel::Avx512 => "avx512",
            Kernel::Avx2 => "avx2",
            Kernel::Plain => "plain",
        }
    }
}

/// The bytes that structure delimited text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks {
    /// Column separator.
    pub delimiter: u8,
    /// Quote, when the text may be quoted.
    pub quote: Option<u8>,
}

/// Where the fields and lines of a text end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ends {
    /// Positions of all delimiters and line feeds outside quotes.
    pub fields: Vec<u32>,
    /// Positions of the line feeds among them.
    pub lines: Vec<u32>,
}

/// Whether a text has quotes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quotes {
    /// The text ended inside quotes.
    pub inside: bool,
    /// There was at least one quote.
    pub seen: bool,
}

/// Finds the ends of all fields and lines of `text[from..to]`, as positions from the start of
/// `text`. The text is taken to be outside quotes at `from`. Earlier content of `out` is dropped.
///
/// # Panics
/// When the range is not within the text, or the text is 4 GiB or longer.
pub fn index(kernel: Kernel, text: &[u8], from: usize, to: usize, marks: Marks, out: &mut Ends) -> Quotes {
    assert!(from <= to && to <= text.len() && u32::try_from(text.len()).is_ok());
    out.fields.clear();
    out.lines.clear();
    // Each step may write up to 64 positions past the count, whatever it finds.
    out.fields.reserve(to - from + 128);
    out.lines.reserve(to - from + 128);
    match kernel {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `Kernel::available` found the features on this processor.
        Kernel::Avx512 => unsafe { x86::index_avx512(text, from, to, marks, out) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Kernel::Avx2 => unsafe { x86::index_avx2(text, from, to, marks, out) },
        _ => index_plain(text, from, to, marks, Quotes::default(), out),
    }
}

fn index_plain(
    text: &[u8],
    from: usize,
    to: usize,
    marks: Marks,
    mut state: Quotes,
    out: &mut Ends,
) -> Quotes {
    for (at, &byte) in text[from..to].iter().enumerate() {
        if Some(byte) == marks.quote {
            state.inside = !state.inside;
            state.seen = true;
        } else if (byte == marks.delimiter || byte == b'\n') && !state.inside {
            out.fields.push((from + at) as u32);
            if byte == b'\n' {
                out.lines.push((from + at) as u32);
            }
        }
    }
    state
}

/// Masks the bytes between quotes: bit `i` of the answer is set when the byte is inside, given the
/// positions of quotes and whether the block starts inside. Also returns whether it ends inside.
#[cfg(target_arch = "x86_64")]
#[inline]
fn inside_quotes(quotes: u64, starts_inside: bool) -> (u64, bool) {
    // Prefix parity by shifts: each bit becomes the xor of all quote bits up to and with itself.
    let mut parity = quotes;
    for shift in [1, 2, 4, 8, 16, 32] {
        parity ^= parity << shift;
    }
    if starts_inside {
        parity = !parity;
    }
    (parity, parity >> 63 == 1)
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Ends, Marks, Quotes, index_plain, inside_quotes};
    use std::arch::x86_64::*;

    /// Writes the positions of the set bits of `lines`, and returns their number. Most blocks have
    /// none or one, so the first is written without asking.
    ///
    /// # Safety
    /// 64 positions must fit at `to`.
    #[inline(always)]
    unsafe fn put_lines(to: *mut u32, mut lines: u64, at: usize) -> usize {
        let hits = lines.count_ones() as usize;
        // SAFETY: the caller left room.
        unsafe {
            *to = (at as u32).wrapping_add(lines.trailing_zeros());
            if hits > 1 {
                for lane in 1..hits {
                    lines &= lines - 1;
                    *to.add(lane) = at as u32 + lines.trailing_zeros();
                }
            }
        }
        hits
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,popcnt")]
    pub(super) unsafe fn index_avx512(
        text: &[u8],
        from: usize,
        to: usize,
        marks: Marks,
        out: &mut Ends,
    ) -> Quotes {
        let delimiter = _mm512_set1_epi8(marks.delimiter as i8);
        let line_end = _mm512_set1_epi8(b'\n' as i8);
        let quote = _mm512_set1_epi8(marks.quote.unwrap_or(b'\n') as i8);
        let may_quote = marks.quote.is_some();
        let mut lanes = [0_i8; 64];
        for (i, lane) in lanes.iter_mut().enumerate() {
            *lane = i as i8;
        }
        // SAFETY: the array is 64 bytes long.
        let iota = unsafe { _mm512_loadu_si512(lanes.as_ptr().cast()) };
        let mut state = Quotes::default();
        let (mut count, mut line_count) = (0, 0);
        let mut at = from;
        while at + 64 <= to {
            // SAFETY: 64 bytes at `at` lie within the text.
            let block = unsafe { _mm512_loadu_si512(text.as_ptr().add(at).cast()) };
            let mut lines = _mm512_cmpeq_epi8_mask(block, line_end);
            let mut found = _mm512_cmpeq_epi8_mask(block, delimiter) | lines;
            if may_quote {
                let quotes = _mm512_cmpeq_epi8_mask(block, quote);
                if quotes != 0 || state.inside {
                    state.seen = true;
                    let (inside, ends_inside) = inside_quotes(quotes, state.inside);
                    state.inside = ends_inside;
                    found &= !inside;
                    lines &= !inside;
                }
            }
            let hits = found.count_ones() as usize;
            let packed = _mm512_maskz_compress_epi8(found, iota);
            let base = _mm512_set1_epi32(at as i32);
            // SAFETY: `reserve` left room for `to - from + 128` positions; `count` is at most
            // `at - from`, so 64 more fit.
            unsafe {
                let to = out.fields.as_mut_ptr().add(count);
                let put = |lane: usize, part: __m128i| {
                    let wide = _mm512_add_epi32(_mm512_cvtepu8_epi32(part), base);
                    _mm512_storeu_si512(to.add(lane).cast(), wide);
                };
                put(0, _mm512_castsi512_si128(packed));
                if hits > 16 {
                    put(16, _mm512_extracti32x4_epi32::<1>(packed));
                    put(32, _mm512_extracti32x4_epi32::<2>(packed));
                    put(48, _mm512_extracti32x4_epi32::<3>(packed));
                }
            }
            count += hits;
            // SAFETY: room as above.
            line_count += unsafe { put_lines(out.lines.as_mut_ptr().add(line_count), lines, at) };
            at += 64;
        }
        // SAFETY: so many positions were written.
        unsafe {
            out.fields.set_len(count);
            out.lines.set_len(line_count);
        }
        index_plain(text, at, to, marks, state, out)
    }

    #[target_feature(enable = "avx2,popcnt,bmi1")]
    pub(super) unsafe fn index_avx2(
        text: &[u8],
        from: usize,
        to: usize,
        marks: Marks,
        out: &mut Ends,
    ) -> Quotes {
        let delimiter = _mm256_set1_epi8(marks.delimiter as i8);
        let line_end = _mm256_set1_epi8(b'\n' as i8);
        let quote = _mm256_set1_epi8(marks.quote.unwrap_or(b'\n') as i8);
        let may_quote = marks.quote.is_some();
        let mut state = Quotes::default();
        let (mut count, mut line_count) = (0, 0);
        let mut at = from;
        while at + 64 <= to {
            // SAFETY: 64 bytes at `at` lie within the text.
            let (low, high) = unsafe {
                (
                    _mm256_loadu_si256(text.as_ptr().add(at).cast()),
                    _mm256_loadu_si256(text.as_ptr().add(at + 32).cast()),
                )
            };
            let equal = |wanted: __m256i| {
                let low = _mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted)) as u32;
                let high = _mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted)) as u32;
                u64::from(high) << 32 | u64::from(low)
            };
            let mut lines = equal(line_end);
            let mut found = equal(delimiter) | lines;
            if may_quote {
                let quotes = equal(quote);
                if quotes != 0 || state.inside {
                    state.seen = true;
                    let (inside, ends_inside) = inside_quotes(quotes, state.inside);
                    state.inside = ends_inside;
                    found &= !inside;
                    lines &= !inside;
                }
            }
            let hits = found.count_ones() as usize;
            let mut written = 0;
            // Eight at a time without a test in between: most blocks have fewer than eight.
            while written < hits {
                for lane in 0..8 {
                    // SAFETY: room as in the AVX-512 kernel; at most 64 + 7 positions past `count`.
                    unsafe {
                        *out.fields.as_mut_ptr().add(count + written + lane) =
                            (at as u32).wrapping_add(found.trailing_zeros());
                    }
                    found &= found.wrapping_sub(1);
                }
                written += 8;
            }
            count += hits;
            // SAFETY: room as above.
            line_count += unsafe { put_lines(out.lines.as_mut_ptr().add(line_count), lines, at) };
            at += 64;
        }
        // SAFETY: so many positions were written.
        unsafe {
            out.fields.set_len(count);
            out.lines.set_len(line_count);
        }
        index_plain(text, at, to, marks, state, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn slow(text: &[u8], from: usize, to: usize, marks: Marks) -> (Ends, Quotes) {
        let (mut inside, mut seen, mut out) = (false, false, Ends::default());
        for (at, byte) in text.iter().copied().enumerate().take(to).skip(from) {
            if Some(byte) == marks.quote {
                inside = !inside;
                seen = true;
            } else if !inside && (byte == marks.delimiter || byte == b'\n') {
                out.fields.push(at as u32);
                if byte == b'\n' {
                    out.lines.push(at as u32);
                }
            }
        }
        (out, Quotes { inside, seen })
    }

    proptest! {
        #[test]
        fn all_kernels_agree(
            text in proptest::collection::vec(prop_oneof![Just(b','), Just(b'\n'), Just(b'"'), Just(b'x'), Just(b'y'), Just(b'z')], 0..700),
            dense in any::<bool>(), quoted in any::<bool>(), cut in 0_usize..100,
        ) {
            let text: Vec<u8> = if dense { text } else { text.iter().flat_map(|b| [*b, b'0', b'1', b'2', b'3']).collect() };
            let from = cut.min(text.len());
            let to = text.len() - (cut / 2).min(text.len() - from);
            let marks = Marks { delimiter: b',', quote: quoted.then_some(b'"') };
            let want = slow(&text, from, to, marks);
            for kernel in Kernel::available() {
                let mut out = Ends::default();
                let seen = index(kernel, &text, from, to, marks, &mut out);
                prop_assert_eq!(&(out, seen), &want, "{:?}", kernel);
            }
        }
    }
}
