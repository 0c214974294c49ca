//! The columns of the two files, and how each value is written.

use super::line::{Defect, Key, Line};
use super::plan::{Layout, Money, Side};
use super::text::{put_decimal, put_digits, put_minor};

/// A column of either file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    OrderId,
    MerchantId,
    ChannelRef,
    /// Decimal on the left, minor units on the right.
    Amount,
    /// Letters on the left, digits on the right.
    Currency,
    Status,
    /// `created_at` on the left, `settled_at` on the right.
    Time,
    /// Decimal on both sides.
    Fee,
    Type,
    BusinessDate,
    Batch,
    Original,
    Account,
}

/// What kind of values a column holds, for formats that tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueKind {
    Text,
    Decimal,
    Minor,
}

impl Column {
    pub(super) const fn name(self, side: Side) -> &'static str {
        match self {
            Column::OrderId => "order_id",
            Column::MerchantId => "merchant_id",
            Column::ChannelRef => "channel_ref",
            Column::Amount => "amount",
            Column::Currency => "currency",
            Column::Status => "status",
            Column::Time => match side {
                Side::Left => "created_at",
                Side::Right => "settled_at",
            },
            Column::Fee => "fee",
            Column::Type => "type",
            Column::BusinessDate => "business_date",
            Column::Batch => "batch_id",
            Column::Original => "original_id",
            Column::Account => "account",
        }
    }

    pub(super) const fn value_kind(self, side: Side) -> ValueKind {
        match (self, side) {
            (Column::Amount, Side::Right) => ValueKind::Minor,
            (Column::Amount, Side::Left) | (Column::Fee, _) => ValueKind::Decimal,
            _ => ValueKind::Text,
        }
    }
}

const FULL: [Column; 5] =
    [Column::Type, Column::BusinessDate, Column::Batch, Column::Original, Column::Account];

/// Returns the columns of a side's file in order.
pub(super) fn columns(side: Side, layout: Layout) -> Vec<Column> {
    let basic: &[Column] = match side {
        Side::Left => &[
            Column::OrderId,
            Column::MerchantId,
            Column::ChannelRef,
            Column::Amount,
            Column::Currency,
            Column::Status,
            Column::Time,
            Column::Fee,
        ],
        Side::Right => &[
            Column::ChannelRef,
            Column::OrderId,
            Column::Amount,
            Column::Currency,
            Column::Status,
            Column::Time,
            Column::Fee,
        ],
    };
    let more: &[Column] = match layout {
        Layout::Basic => &[],
        Layout::Full => &FULL,
    };
    [basic, more].concat()
}

/// How one side writes values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Writing<'a> {
    pub(super) side: Side,
    pub(super) currencies: &'a [Money],
}

impl Writing<'_> {
    /// Appends the value that a row has in a column. A value without text is null.
    #[inline]
    pub(super) fn put(&self, out: &mut Vec<u8>, column: Column, line: &Line) {
        match column {
            Column::OrderId => match line.key {
                Key::Id => put_order_id(out, line.order),
                Key::Empty => {}
                Key::NotAvailable => out.extend_from_slice(b"N/A"),
            },
            Column::MerchantId => {
                out.push(b'M');
                put_digits::<10>(out, line.merchant);
            }
            Column::ChannelRef => {
                out.extend_from_slice(b"4200");
                put_digits::<18>(out, line.reference);
            }
            Column::Amount => match line.defect {
                None => self.put_amount(out, line),
                Some(defect) => self.put_defective_amount(out, line, defect),
            },
            Column::Currency => {
                let money = self.money(line);
                match (line.defect, self.side) {
                    (Some(Defect::CurrencyUnknown), Side::Left) => out.extend_from_slice(b"QQQ"),
                    (Some(Defect::CurrencyUnknown), Side::Right) => out.extend_from_slice(b"000"),
                    (_, Side::Left) => out.extend_from_slice(money.letters.as_bytes()),
                    (_, Side::Right) => out.extend_from_slice(&money.digits),
                }
            }
            Column::Status => {
                let text = match line.defect {
                    Some(Defect::StatusUnknown) => "UNHEARD",
                    _ => line.status.text(self.side),
                };
                out.extend_from_slice(text.as_bytes());
            }
            Column::Time => {
                put_date(out, line.day);
                out.push(b' ');
                put_digits::<2>(out, u64::from(line.second / 3600));
                out.push(b':');
                put_digits::<2>(out, u64::from(line.second / 60 % 60));
                out.push(b':');
                put_digits::<2>(out, u64::from(line.second % 60));
            }
            Column::Fee => put_decimal(out, line.fee_minor, self.money(line).exponent),
            Column::Type => out.extend_from_slice(line.kind.text(self.side).as_bytes()),
            Column::BusinessDate => put_date(out, line.day),
            Column::Batch => {
                if let Some(batch) = line.batch {
                    put_batch_id(out, batch);
                }
            }
            Column::Original => {
                if let Some(original) = line.original {
                    put_order_id(out, original);
                }
            }
            Column::Account => put_account(out, line.account),
        }
    }

    #[inline]
    fn put_amount(&self, out: &mut Vec<u8>, line: &Line) {
        match self.side {
            Side::Left => put_decimal(out, line.amount_minor, self.money(line).exponent),
            Side::Right => put_minor(out, line.amount_minor),
        }
    }

    #[cold]
    fn put_defective_amount(&self, out: &mut Vec<u8>, line: &Line, defect: Defect) {
        match defect {
            Defect::AmountEmpty => {}
            Defect::AmountLetter => {
                self.put_amount(out, line);
                out.push(b'O');
            }
            Defect::AmountGrouped => {
                out.extend_from_slice(b"1,");
                // Three digits before the point, whatever the amount.
                put_digits::<3>(out, line.amount_minor.unsigned_abs());
                if self.side == Side::Left && self.money(line).exponent == 2 {
                    out.extend_from_slice(b".50");
                }
            }
            Defect::AmountTooFine => {
                self.put_amount(out, line);
                let is_whole = self.side == Side::Right || self.money(line).exponent == 0;
                out.extend_from_slice(if is_whole { b".5" } else { b"5" });
            }
            Defect::FieldsMissing | Defect::CurrencyUnknown | Defect::StatusUnknown => {
                self.put_amount(out, line);
            }
        }
    }

    #[inline]
    pub(super) fn money(&self, line: &Line) -> &Money {
        &self.currencies[usize::from(line.currency)]
    }
}

/// Appends an order id: 25 characters.
#[inline]
pub(super) fn put_order_id(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(b"P20261111");
    put_digits::<16>(out, number);
}

pub(super) fn put_batch_id(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(b"B20261108");
    put_digits::<10>(out, number);
}

pub(super) fn put_account(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(b"622");
    put_digits::<16>(out, number);
}

#[inline]
fn put_date(out: &mut Vec<u8>, day: u8) {
    out.extend_from_slice(b"2026-11-");
    put_digits::<2>(out, u64::from(day));
}
