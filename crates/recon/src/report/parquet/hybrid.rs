//! The RLE / bit-packing hybrid of Parquet, for definition levels and places in a dictionary.
//! Source: the format's `Encodings.md`, "Run Length Encoding / Bit-Packing Hybrid".

/// Appends a run of `count` times one value of `width` bits.
pub(super) fn run(count: usize, value: u32, width: u32, out: &mut Vec<u8>) {
    varint((count as u64) << 1, out);
    out.extend_from_slice(&value.to_le_bytes()[..width.div_ceil(8) as usize]);
}

/// Appends values of `width` bits, lowest bit first; the last group of eight is filled up with zeros.
pub(super) fn packed(values: &[u32], width: u32, out: &mut Vec<u8>) {
    varint((values.len().div_ceil(8) as u64) << 1 | 1, out);
    let start = out.len();
    let (mut bits, mut held) = (0_u64, 0);
    for value in values {
        bits |= u64::from(*value) << held;
        held += width;
        if held >= 32 {
            out.extend_from_slice(&(bits & 0xFFFF_FFFF).to_le_bytes()[..4]);
            bits >>= 32;
            held -= 32;
        }
    }
    out.extend_from_slice(&bits.to_le_bytes());
    out.resize(start + values.len().div_ceil(8) * width as usize, 0);
}

/// Appends the bits of a bitmap as levels of one bit.
pub(super) fn packed_bits(bits: &[u64], count: usize, out: &mut Vec<u8>) {
    let groups = count.div_ceil(8);
    varint((groups as u64) << 1 | 1, out);
    let start = out.len();
    bits.iter().take(count.div_ceil(64)).for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
    out.resize(start + groups, 0);
}

fn varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push((number & 0x7F) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads a hybrid sequence, straight from the format's description.
    fn read(mut bytes: &[u8], width: u32, count: usize) -> Vec<u32> {
        let mut values = Vec::new();
        while values.len() < count {
            let mut header = 0_u64;
            for shift in (0..).step_by(7) {
                header |= u64::from(bytes[0] & 0x7F) << shift;
                let last = bytes[0] < 0x80;
                bytes = &bytes[1..];
                if last {
                    break;
                }
            }
            if header & 1 == 0 {
                let size = width.div_ceil(8) as usize;
                let mut value = [0; 4];
                value[..size].copy_from_slice(&bytes[..size]);
                bytes = &bytes[size..];
                values.extend(std::iter::repeat_n(u32::from_le_bytes(value), (header >> 1) as usize));
            } else {
                let size = (header >> 1) as usize * width as usize;
                let bit = |at: usize| u32::from(bytes[at / 8] >> (at % 8) & 1);
                for at in 0..(header >> 1) as usize * 8 {
                    values.push((0..width).map(|n| bit(at * width as usize + n as usize) << n).sum());
                }
                bytes = &bytes[size..];
            }
        }
        assert!(bytes.is_empty(), "bytes left over");
        values.truncate(count);
        values
    }

    proptest! {
        #[test]
        fn what_is_packed_reads_back(width in 1_u32..=32, values in prop::collection::vec(any::<u32>(), 1..200)) {
            let values: Vec<u32> = values.into_iter().map(|value| value & (u32::MAX >> (32 - width))).collect();
            let mut out = Vec::new();
            packed(&values, width, &mut out);
            prop_assert_eq!(read(&out, width, values.len()), values.clone());
            out.clear();
            run(values.len(), values[0], width, &mut out);
            prop_assert_eq!(read(&out, width, values.len()), vec![values[0]; values.len()]);
        }

        #[test]
        fn a_bitmap_reads_back_as_levels(bits in prop::collection::vec(any::<bool>(), 1..300)) {
            let mut words = vec![0_u64; bits.len().div_ceil(64)];
            for (at, bit) in bits.iter().enumerate() {
                words[at / 64] |= u64::from(*bit) << (at % 64);
            }
            let mut out = Vec::new();
            packed_bits(&words, bits.len(), &mut out);
            prop_assert_eq!(read(&out, 1, bits.len()), bits.iter().map(|bit| u32::from(*bit)).collect::<Vec<_>>());
        }
    }
}
