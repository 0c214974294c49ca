//! What a restart needs besides the newest records: accounts, pages of balances, open holds.
//!
//! All numbers are little-endian; each piece begins with a version byte.
//!
//! ```text
//! account  1 | number u32 | kind u8 | limits | limits at opening | standing u8 | opened at i64
//! page     1 | for each account: debits posted, credits posted, debits held, credits held u64, last posted at i64
//! hold     1 | ordinal u64 | code u16 | bits u8, 1: expires | [expires at i64] | lines u16 | debit u32, credit
//!          u32, amount u64 each
//! ```
//!
//! Path and currency of an account stand beside its bytes, because the store finds accounts by them.

use crate::account::{Account, AccountKind, AccountNo, AccountSpec, Balance, Limits, Standing, is_path};
use crate::book::Hold;
use crate::entry::{EntryId, Posting};
use crate::error::Error;
use crate::limits::{BATCH_POSTINGS_MAX, PAGE_ACCOUNTS};
use crate::record::wire::Reader;
use crate::record::{put_limits, read_limits};
use suanpan_money::{Currency, Timestamp};

const VERSION: u8 = 1;
/// Bytes of an account in a page.
const ROW_BYTES: usize = 40;

/// What one checkpoint writes: what changed since the last one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// The record up to which this is complete.
    pub seq: u64,
    /// Pages of balances: number and content.
    pub pages: Vec<(u32, Vec<u8>)>,
    /// Holds made since the last checkpoint and still open.
    pub holds_open: Vec<(EntryId, Vec<u8>)>,
    /// Holds that are in a checkpoint and are closed.
    pub holds_closed: Vec<EntryId>,
}

/// The sums of an account, and when it was last posted to: a row of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRow {
    /// The sums.
    pub balance: Balance,
    /// When it was last posted to.
    pub last_posted_at: Option<Timestamp>,
}

/// Writes an account without path and currency.
#[must_use]
pub fn encode_account(account: &Account) -> Vec<u8> {
    let mut out = vec![VERSION];
    out.extend_from_slice(&account.number.0.to_le_bytes());
    out.push(account.spec.kind.number());
    put_limits(&mut out, account.spec.limits);
    put_limits(&mut out, account.limits_at_opening);
    out.push(account.standing.bits());
    out.extend_from_slice(&account.opened_at.micros().to_le_bytes());
    out
}

/// Reads an account.
///
/// # Errors
/// When the bytes are no account of version 1, or the path is none.
pub fn decode_account(path: &str, currency: Currency, body: &[u8]) -> Result<Account, Error> {
    let mut reader = Reader::new("account", body);
    version(&mut reader)?;
    let number = AccountNo(reader.u32()?);
    let kind = AccountKind::from_number(reader.u8()?).ok_or_else(|| reader.malformed("an unknown kind"))?;
    let limits = ordered_limits(&mut reader)?;
    let limits_at_opening = ordered_limits(&mut reader)?;
    let standing = Standing::from_bits(reader.u8()?);
    let standing = standing.ok_or_else(|| reader.malformed("an unknown standing"))?;
    let opened_at = Timestamp::from_micros(reader.i64()?);
    reader.end()?;
    if !is_path(path) {
        return Err(reader.malformed("its path is none"));
    }
    let spec = AccountSpec { path: path.to_owned(), currency, kind, limits };
    Ok(Account { number, spec, limits_at_opening, standing, opened_at })
}

fn ordered_limits(reader: &mut Reader<'_>) -> Result<Limits, Error> {
    let limits = read_limits(reader)?;
    match limits {
        Limits { floor: Some(floor), ceiling: Some(ceiling) } if floor > ceiling => {
            Err(reader.malformed("limits that cross"))
        }
        _ => Ok(limits),
    }
}

/// Writes a page.
pub(crate) fn encode_page(rows: impl ExactSizeIterator<Item = PageRow>) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 + rows.len() * ROW_BYTES);
    out.push(VERSION);
    for PageRow { balance, last_posted_at } in rows {
        let Balance { debits_posted, credits_posted, debits_held, credits_held } = balance;
        for sum in [debits_posted, credits_posted, debits_held, credits_held] {
            out.extend_from_slice(&sum.to_le_bytes());
        }
        let at = last_posted_at.map_or(i64::MIN, Timestamp::micros);
        out.extend_from_slice(&at.to_le_bytes());
    }
    out
}

/// Reads a page of balances: those of the accounts from number page × [`PAGE_ACCOUNTS`] on.
///
/// # Errors
/// When the bytes are no page of version 1.
pub fn decode_page(bytes: &[u8]) -> Result<Vec<PageRow>, Error> {
    let mut reader = Reader::new("page of balances", bytes);
    version(&mut reader)?;
    let rows = (bytes.len() - 1) / ROW_BYTES;
    if rows == 0 || rows > PAGE_ACCOUNTS || !(bytes.len() - 1).is_multiple_of(ROW_BYTES) {
        return Err(reader.malformed("a length that no page has"));
    }
    let mut page = Vec::with_capacity(rows);
    for _ in 0..rows {
        let balance = Balance {
            debits_posted: reader.u64()?,
            credits_posted: reader.u64()?,
            debits_held: reader.u64()?,
            credits_held: reader.u64()?,
        };
        let at = reader.i64()?;
        let last_posted_at = (at != i64::MIN).then(|| Timestamp::from_micros(at));
        page.push(PageRow { balance, last_posted_at });
    }
    Ok(page)
}

/// Writes an open hold.
#[must_use]
pub fn encode_hold(hold: &Hold) -> Vec<u8> {
    let mut out = vec![VERSION];
    out.extend_from_slice(&hold.ordinal.to_le_bytes());
    out.extend_from_slice(&hold.code.to_le_bytes());
    out.push(u8::from(hold.expires_at.is_some()));
    if let Some(expires_at) = hold.expires_at {
        out.extend_from_slice(&expires_at.micros().to_le_bytes());
    }
    let lines = u16::try_from(hold.postings.len()).expect("at most BATCH_POSTINGS_MAX");
    out.extend_from_slice(&lines.to_le_bytes());
    for posting in &hold.postings {
        out.extend_from_slice(&posting.debit.0.to_le_bytes());
        out.extend_from_slice(&posting.credit.0.to_le_bytes());
        out.extend_from_slice(&posting.amount_minor.to_le_bytes());
    }
    out
}

/// Reads an open hold.
///
/// # Errors
/// When the bytes are no hold of version 1.
pub fn decode_hold(bytes: &[u8]) -> Result<Hold, Error> {
    let mut reader = Reader::new("hold", bytes);
    version(&mut reader)?;
    let ordinal = reader.u64()?;
    let code = reader.u16()?;
    let expires_at = match reader.u8()? {
        0 => None,
        1 => Some(Timestamp::from_micros(reader.i64()?)),
        _ => return Err(reader.malformed("unknown bits")),
    };
    let lines = usize::from(reader.u16()?);
    if lines == 0 || lines > BATCH_POSTINGS_MAX {
        return Err(reader.malformed("a number of lines that cannot be"));
    }
    let mut postings = Vec::new();
    for _ in 0..lines {
        let debit = AccountNo(reader.u32()?);
        let credit = AccountNo(reader.u32()?);
        let amount_minor = reader.u64()?;
        if debit == credit || amount_minor == 0 {
            return Err(reader.malformed("a line that holds nothing"));
        }
        postings.push(Posting { debit, credit, amount_minor });
    }
    reader.end()?;
    Ok(Hold { ordinal, code, expires_at, postings })
}

fn version(reader: &mut Reader<'_>) -> Result<(), Error> {
    if reader.u8()? == VERSION { Ok(()) } else { Err(reader.malformed("an unknown version")) }
}
