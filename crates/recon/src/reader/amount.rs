//! Amounts: the quick way for plain numbers, and marks of other ways of writing.

use super::Fields;
use crate::digest::{decimal16, digits16};
use crate::layout::AmountOp;
use std::borrow::Cow;
use suanpan_money::DecimalError;

/// Takes a number as it is, or reads plain digits, or digits with a point where the currency has it.
/// Signs, blanks, group separators and everything unusual are left to the careful way.
#[inline(always)]
pub(super) fn fast_amount<F: Fields>(row: &F, op: &AmountOp, exponent: u8) -> Option<i64> {
    if op.group_separator.is_none()
        && op.decimal_mark == b'.'
        && let Some((value, decimals)) = row.number(op.col)
    {
        return number_amount(value, decimals, op.decimal, exponent);
    }
    let (tail, len) = row.tail16(op.col)?;
    let decimals = usize::from(exponent);
    let value = if op.decimal && decimals > 0 {
        if len < decimals + 2 || len > 16 {
            return None;
        }
        let mut tail = tail;
        if op.decimal_mark != b'.' {
            let mark = &mut tail[15 - decimals];
            if *mark != op.decimal_mark {
                return None;
            }
            *mark = b'.';
        }
        decimal16(tail, len, decimals)?
    } else {
        if len == 0 || len > 16 {
            return None;
        }
        digits16(tail, len)?
    };
    Some(value as i64)
}

/// Turns a number with some decimals into minor units, as its text would be. `None` where the text
/// would be refused.
#[inline(always)]
fn number_amount(value: i64, decimals: u8, decimal: bool, exponent: u8) -> Option<i64> {
    let wanted = if decimal { exponent } else { 0 };
    if decimals == wanted {
        return Some(value);
    }
    rescaled(value, decimals, wanted).filter(|_| decimal)
}

#[inline(never)]
fn rescaled(value: i64, from: u8, to: u8) -> Option<i64> {
    let ten = 10_i64.checked_pow(u32::from(from.abs_diff(to)))?;
    if from < to { value.checked_mul(ten) } else { (value % ten == 0).then_some(value / ten) }
}

/// Puts a point where another mark stands before the decimals.
pub(super) fn with_point<'t>(text: &'t [u8], op: &AmountOp) -> Result<Cow<'t, [u8]>, DecimalError> {
    if op.decimal_mark == b'.' {
        return Ok(Cow::Borrowed(text));
    }
    if let Some(at) = text.iter().position(|b| *b == b'.') {
        return Err(DecimalError::Character(at));
    }
    Ok(text.iter().map(|b| if *b == op.decimal_mark { b'.' } else { *b }).collect::<Vec<u8>>().into())
}

/// Drops group separators that stand where they may: before groups of three digits.
pub(super) fn without_groups(text: &[u8], separator: u8, decimal_mark: u8) -> Result<Vec<u8>, DecimalError> {
    let whole = text.iter().position(|b| *b == decimal_mark).unwrap_or(text.len());
    for (at, byte) in text.iter().enumerate() {
        if *byte == separator && (at >= whole || (whole - at) % 4 != 0 || at == 0) {
            return Err(DecimalError::Character(at));
        }
    }
    Ok(text.iter().copied().filter(|b| *b != separator).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Col;
    use proptest::prelude::*;
    use suanpan_money::{format_minor, parse_decimal, parse_minor};

    /// A field that is held as the number 12.50.
    struct Numeric;

    impl Fields for Numeric {
        fn field(&self, _: Col) -> &[u8] {
            b"12.50"
        }

        fn number(&self, _: Col) -> Option<(i64, u8)> {
            Some((1250, 2))
        }
    }

    /// Rows are read twice, as numbers and as texts, and both must be refused or neither.
    #[test]
    fn a_number_is_taken_as_it_is_only_where_its_text_would_be() {
        let mut op = AmountOp {
            col: Col { physical: 0, slot: 0 },
            decimal: true,
            negate: false,
            negate_when: None,
            group_separator: None,
            decimal_mark: b'.',
        };
        assert_eq!(fast_amount(&Numeric, &op, 2), Some(1250));
        op.decimal_mark = b',';
        assert_eq!(fast_amount(&Numeric, &op, 2), None);
    }

    proptest! {
        #[test]
        fn numbers_are_amounts_exactly_where_their_texts_are(
            seed in any::<i64>(),
            shift in 0..64_u32,
            zeros in 0..4_u32,
            decimals in 0..5_u8,
            exponent in 0..5_u8,
            decimal in any::<bool>(),
        ) {
            let value = (seed >> shift).saturating_mul(10_i64.pow(zeros));
            let text = format_minor(value, decimals);
            let read = if decimal { parse_decimal(text.as_bytes(), exponent) } else { parse_minor(text.as_bytes()) };
            prop_assert_eq!(number_amount(value, decimals, decimal, exponent), read.ok());
        }
    }
}
