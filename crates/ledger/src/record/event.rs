//! Account events as they stand in a record.
//!
//! ```text
//! opened 0     currency u16 | kind u8 | limits | path length v | path
//! limits 1     limits
//! standing 2   bits u8: no debits 1, no credits 2, closed 4
//! limits       bits u8: floor 1, ceiling 2 | [floor i64] | [ceiling i64]
//! ```

use super::wire::{Reader, put_varint};
use crate::account::{AccountKind, AccountNo, AccountSpec, Limits, Standing};
use crate::error::Error;
use std::ops::RangeInclusive;
use suanpan_money::Currency;

/// What happened to an account, besides postings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountEvent {
    /// It was opened.
    Opened {
        /// Its number: the one after the last.
        number: AccountNo,
        /// With what.
        spec: AccountSpec,
    },
    /// Its limits were set.
    LimitsSet {
        /// Which account.
        number: AccountNo,
        /// To what.
        limits: Limits,
    },
    /// It was frozen, unfrozen or closed.
    StandingSet {
        /// Which account.
        number: AccountNo,
        /// How it stands now.
        standing: Standing,
    },
}

impl AccountEvent {
    /// Returns the account that it is about.
    #[must_use]
    pub const fn number(&self) -> AccountNo {
        match self {
            AccountEvent::Opened { number, .. }
            | AccountEvent::LimitsSet { number, .. }
            | AccountEvent::StandingSet { number, .. } => *number,
        }
    }
}

/// Appends an event that happened before the entry at place `before` of the record.
pub(crate) fn put_event(out: &mut Vec<u8>, before: u32, event: &AccountEvent) {
    put_varint(out, u64::from(before));
    match event {
        AccountEvent::Opened { number, spec } => {
            out.push(0);
            put_varint(out, u64::from(number.0));
            out.extend_from_slice(&spec.currency.numeric().to_le_bytes());
            out.push(spec.kind.number());
            put_limits(out, spec.limits);
            put_varint(out, spec.path.len() as u64);
            out.extend_from_slice(spec.path.as_bytes());
        }
        AccountEvent::LimitsSet { number, limits } => {
            out.push(1);
            put_varint(out, u64::from(number.0));
            put_limits(out, *limits);
        }
        AccountEvent::StandingSet { number, standing } => {
            out.push(2);
            put_varint(out, u64::from(number.0));
            out.push(standing.bits());
        }
    }
}

/// Reads an event whose place must be in `places`.
pub(super) fn read_event(
    reader: &mut Reader<'_>,
    places: RangeInclusive<u32>,
) -> Result<(u32, AccountEvent), Error> {
    let before = reader.varint_u32()?;
    if !places.contains(&before) {
        return Err(reader.malformed("an event out of order"));
    }
    let kind = reader.u8()?;
    let number = AccountNo(reader.varint_u32()?);
    let event = match kind {
        0 => AccountEvent::Opened { number, spec: read_spec(reader)? },
        1 => AccountEvent::LimitsSet { number, limits: read_limits(reader)? },
        2 => {
            let standing = Standing::from_bits(reader.u8()?);
            let standing = standing.ok_or_else(|| reader.malformed("an unknown standing"))?;
            AccountEvent::StandingSet { number, standing }
        }
        _ => return Err(reader.malformed("an unknown kind of event")),
    };
    Ok((before, event))
}

fn read_spec(reader: &mut Reader<'_>) -> Result<AccountSpec, Error> {
    let currency = Currency::from_numeric(reader.u16()?);
    let currency = currency.ok_or_else(|| reader.malformed("an unknown currency"))?;
    let kind = AccountKind::from_number(reader.u8()?);
    let kind = kind.ok_or_else(|| reader.malformed("an unknown kind of account"))?;
    let limits = read_limits(reader)?;
    let path =
        std::str::from_utf8(reader.piece()?).map_err(|_| reader.malformed("a path that is no text"))?;
    Ok(AccountSpec { path: path.to_owned(), currency, kind, limits })
}

/// Appends limits.
pub(crate) fn put_limits(out: &mut Vec<u8>, limits: Limits) {
    out.push(u8::from(limits.floor.is_some()) | u8::from(limits.ceiling.is_some()) << 1);
    for limit in [limits.floor, limits.ceiling].into_iter().flatten() {
        out.extend_from_slice(&limit.to_le_bytes());
    }
}

/// Reads what [`put_limits`] wrote.
pub(crate) fn read_limits(reader: &mut Reader<'_>) -> Result<Limits, Error> {
    let bits = reader.u8()?;
    if bits > 3 {
        return Err(reader.malformed("unknown limits"));
    }
    let floor = if bits & 1 != 0 { Some(reader.i64()?) } else { None };
    let ceiling = if bits & 2 != 0 { Some(reader.i64()?) } else { None };
    Ok(Limits { floor, ceiling })
}
