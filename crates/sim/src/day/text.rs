//! Numbers as decimal digits, written four at a time from a table.

/// The numbers 0 to 9999 as four digits each.
static QUADS: [[u8; 4]; 10_000] = {
    let mut table = [[0; 4]; 10_000];
    let mut number = 0;
    while number < 10_000 {
        table[number] = [
            b'0' + (number / 1000) as u8,
            b'0' + (number / 100 % 10) as u8,
            b'0' + (number / 10 % 10) as u8,
            b'0' + (number % 10) as u8,
        ];
        number += 1;
    }
    table
};

/// Returns the last `WIDTH` digits of a number, with leading zeros.
#[inline]
pub(super) fn digits<const WIDTH: usize>(mut number: u64) -> [u8; WIDTH] {
    let mut text = [b'0'; WIDTH];
    let mut end = WIDTH;
    while end > 0 {
        let quad = &QUADS[(number % 10_000) as usize];
        number /= 10_000;
        let count = end.min(4);
        text[end - count..end].copy_from_slice(&quad[4 - count..]);
        end -= count;
    }
    text
}

/// Appends the last `WIDTH` digits of a number, with leading zeros.
#[inline]
pub(super) fn put_digits<const WIDTH: usize>(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&digits::<WIDTH>(number));
}

/// Appends a number without leading zeros.
#[inline]
pub(super) fn put_number(out: &mut Vec<u8>, number: u64) {
    match number {
        0..10_000 => put_without_zeros(out, &digits::<4>(number)),
        10_000..100_000_000 => put_without_zeros(out, &digits::<8>(number)),
        _ => put_without_zeros(out, &digits::<20>(number)),
    }
}

#[inline]
fn put_without_zeros(out: &mut Vec<u8>, text: &[u8]) {
    let start = text.iter().position(|digit| *digit != b'0').unwrap_or(text.len() - 1);
    out.extend_from_slice(&text[start..]);
}

/// Appends a whole number with its sign.
#[inline]
pub(super) fn put_minor(out: &mut Vec<u8>, minor: i64) {
    if minor < 0 {
        out.push(b'-');
    }
    put_number(out, minor.unsigned_abs());
}

/// Appends minor units as a decimal number of major units.
#[inline]
pub(super) fn put_decimal(out: &mut Vec<u8>, minor: i64, exponent: u8) {
    if minor < 0 {
        out.push(b'-');
    }
    let minor = minor.unsigned_abs();
    match exponent {
        0 => put_number(out, minor),
        2 => {
            put_number(out, minor / 100);
            out.push(b'.');
            put_digits::<2>(out, minor % 100);
        }
        _ => {
            let unit = 10_u64.pow(u32::from(exponent));
            put_number(out, minor / unit);
            out.push(b'.');
            let decimals = digits::<20>(minor % unit);
            out.extend_from_slice(&decimals[20 - usize::from(exponent)..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use suanpan_money::format_minor;

    fn text(put: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        put(&mut out);
        String::from_utf8(out).unwrap()
    }

    proptest! {
        #[test]
        fn numbers_read_back(number: u64) {
            prop_assert_eq!(text(|out| put_number(out, number)), number.to_string());
            prop_assert_eq!(text(|out| put_digits::<20>(out, number)), format!("{number:020}"));
            prop_assert_eq!(text(|out| put_digits::<6>(out, number)), format!("{:06}", number % 1_000_000));
        }

        #[test]
        fn decimals_are_those_of_the_money_crate(minor: i64, exponent in 0_u8..5) {
            prop_assert_eq!(text(|out| put_decimal(out, minor, exponent)), format_minor(minor, exponent));
            prop_assert_eq!(text(|out| put_minor(out, minor)), minor.to_string());
        }
    }

    #[test]
    fn small_numbers() {
        for number in [0, 1, 9, 10, 9_999, 10_000, 10_001] {
            assert_eq!(text(|out| put_number(out, number)), number.to_string());
        }
        assert_eq!(digits::<3>(7), *b"007");
    }
}
