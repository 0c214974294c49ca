//! Entries as they stand in a record.
//!
//! ```text
//! leaf     tag u8 | id u128, not for an expiry | code v | [target u128] | [time i64] | [lines v] | lines
//! tag      bits 0-2: post 0, hold 1, capture 2, void 3, expiry 4, reversal 5
//!          bit 3: linked to the next | bit 4: a time follows: of a hold its expiry, of a post when it was booked
//!          bit 5: a capture of all | bit 6: one line, its number is left out | bit 7: zero
//! line     debit v | credit v | amount v | of a capture in part: held v
//! ```

use super::wire::{Reader, Short, put_varint};
use crate::account::AccountNo;
use crate::entry::{EntryId, Posting};
use crate::error::Error;
use crate::limits::{BATCH_POSTINGS_MAX, ENTRY_HEAD_BYTES_MAX, LINE_BYTES_MAX};
use suanpan_money::Timestamp;

/// What an entry did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// Moved money.
    Post,
    /// Set money aside.
    Hold {
        /// When it ends by itself.
        expires_at: Option<Timestamp>,
    },
    /// Posted a hold and released the rest.
    Capture {
        /// The hold.
        hold: EntryId,
        /// All of it.
        whole: bool,
    },
    /// Released a hold because a client asked for it.
    Void {
        /// The hold.
        hold: EntryId,
    },
    /// Released a hold whose time had passed. The book does this by itself; the entry has no id.
    Expiry {
        /// The hold.
        hold: EntryId,
    },
    /// Booked a post or a capture the other way round.
    Reversal {
        /// What was reversed.
        of: EntryId,
    },
}

impl Done {
    /// Returns its name in lower case, as the API and archives have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Done::Post => "post",
            Done::Hold { .. } => "hold",
            Done::Capture { .. } => "capture",
            Done::Void { .. } => "void",
            Done::Expiry { .. } => "expiry",
            Done::Reversal { .. } => "reversal",
        }
    }

    /// Returns the entry that this one is about, which it resolves: a hold or what it reverses.
    #[must_use]
    pub const fn target(self) -> Option<EntryId> {
        match self {
            Done::Post | Done::Hold { .. } => None,
            Done::Capture { hold, .. } | Done::Void { hold } | Done::Expiry { hold } => Some(hold),
            Done::Reversal { of } => Some(of),
        }
    }
}

/// A line of an entry as it was done, amounts in minor units of the currency of both accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// The account debited.
    pub debit: AccountNo,
    /// The account credited.
    pub credit: AccountNo,
    /// What was posted; of a hold, a void or an expiry zero. May be zero in a line of a capture.
    pub posted_minor: u64,
    /// What was set aside by a hold, or is not set aside any more by a capture, a void or an expiry.
    pub held_minor: u64,
}

impl Line {
    /// Returns the line as a posting of what was posted.
    #[must_use]
    pub const fn posted(self) -> Posting {
        Posting { debit: self.debit, credit: self.credit, amount_minor: self.posted_minor }
    }

    /// Returns the line as a posting of what is held.
    #[must_use]
    pub const fn held(self) -> Posting {
        Posting { debit: self.debit, credit: self.credit, amount_minor: self.held_minor }
    }
}

/// An entry as it stands in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedEntry {
    /// Its id; 0 of an expiry, which has none.
    pub id: EntryId,
    /// What it did.
    pub done: Done,
    /// What the client means by it; 0 when nothing.
    pub code: u16,
    /// It was accepted together with the next entry.
    pub linked: bool,
    /// When it was booked, if it was imported: a time before that of its record.
    pub booked_at: Option<Timestamp>,
    /// Its lines.
    pub lines: Vec<Line>,
}

impl RecordedEntry {
    /// Reads a leaf of a record.
    ///
    /// # Errors
    /// When the bytes are not exactly one entry in its one form.
    pub fn decode(leaf: &[u8]) -> Result<RecordedEntry, Error> {
        let mut lines = Vec::new();
        let LeafHead { id, done, code, linked, booked_at } = read_entry(leaf, &mut lines)?;
        Ok(RecordedEntry { id, done, code, linked, booked_at, lines })
    }

    /// Writes the leaf.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let RecordedEntry { id, done, code, linked, booked_at, ref lines } = *self;
        let mut out = Vec::new();
        put_entry(&mut out, &LeafHead { id, done, code, linked, booked_at }, lines);
        let mut reader = Reader::new("entry", &out);
        reader.piece().expect("it was just written").to_vec()
    }
}

/// An entry without its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LeafHead {
    pub(crate) id: EntryId,
    pub(crate) done: Done,
    pub(crate) code: u16,
    pub(crate) linked: bool,
    pub(crate) booked_at: Option<Timestamp>,
}

const LINKED: u8 = 1 << 3;
const TIMED: u8 = 1 << 4;
const WHOLE: u8 = 1 << 5;
const SINGLE: u8 = 1 << 6;

/// Appends length and leaf.
pub(crate) fn put_entry(out: &mut Vec<u8>, head: &LeafHead, lines: &[Line]) {
    // A byte in front for the length, which is known at the end.
    let mut short = Short::<{ 1 + ENTRY_HEAD_BYTES_MAX + LINE_BYTES_MAX }>::new();
    short.byte(0);
    put_head(&mut short, head, lines.len());
    let with_held = matches!(head.done, Done::Capture { whole: false, .. });
    if let [line] = lines {
        put_line(&mut short, head.done, line, with_held);
        let bytes = short.as_slice();
        let start = out.len();
        out.extend_from_slice(bytes);
        out[start] = u8::try_from(bytes.len() - 1).expect("a head and a line are less than 128 bytes");
        return;
    }
    let mut body = Vec::with_capacity(ENTRY_HEAD_BYTES_MAX + lines.len() * LINE_BYTES_MAX);
    body.extend_from_slice(&short.as_slice()[1..]);
    for line in lines {
        let mut short = Short::<LINE_BYTES_MAX>::new();
        put_line(&mut short, head.done, line, with_held);
        body.extend_from_slice(short.as_slice());
    }
    put_varint(out, body.len() as u64);
    out.extend_from_slice(&body);
}

#[inline]
fn put_head<const N: usize>(short: &mut Short<N>, head: &LeafHead, lines: usize) {
    let (kind, time) = match head.done {
        Done::Post => (0, head.booked_at),
        Done::Hold { expires_at } => (1, expires_at),
        Done::Capture { whole: true, .. } => (2 | WHOLE, None),
        Done::Capture { whole: false, .. } => (2, None),
        Done::Void { .. } => (3, None),
        Done::Expiry { .. } => (4, None),
        Done::Reversal { .. } => (5, None),
    };
    let linked = if head.linked { LINKED } else { 0 };
    let timed = if time.is_some() { TIMED } else { 0 };
    let single = if lines == 1 { SINGLE } else { 0 };
    short.byte(kind | linked | timed | single);
    if !matches!(head.done, Done::Expiry { .. }) {
        short.fixed(head.id.0.to_le_bytes());
    }
    short.varint(u64::from(head.code));
    if let Some(target) = head.done.target() {
        short.fixed(target.0.to_le_bytes());
    }
    if let Some(time) = time {
        short.fixed(time.micros().to_le_bytes());
    }
    if lines != 1 {
        short.varint(lines as u64);
    }
}

#[inline]
fn put_line<const N: usize>(short: &mut Short<N>, done: Done, line: &Line, with_held: bool) {
    short.varint(u64::from(line.debit.0));
    short.varint(u64::from(line.credit.0));
    short.varint(match done {
        Done::Post | Done::Reversal { .. } | Done::Capture { .. } => line.posted_minor,
        Done::Hold { .. } | Done::Void { .. } | Done::Expiry { .. } => line.held_minor,
    });
    if with_held {
        short.varint(line.held_minor);
    }
}

/// Reads the id where one stands, without looking at anything else: only good for a guess.
pub(crate) fn leaf_id(leaf: &[u8]) -> Option<EntryId> {
    let id = leaf.get(1..)?.first_chunk::<16>()?;
    Some(EntryId(u128::from_le_bytes(*id)))
}

/// Reads a leaf, its lines into `lines`, which is emptied first.
pub(crate) fn read_entry(leaf: &[u8], lines: &mut Vec<Line>) -> Result<LeafHead, Error> {
    lines.clear();
    let mut reader = Reader::new("entry", leaf);
    let (head, count) = read_head(&mut reader)?;
    for _ in 0..count {
        lines.push(read_line(&mut reader, head.done)?);
    }
    reader.end()?;
    if let Done::Capture { whole: false, .. } = head.done
        && lines.iter().all(|line| line.posted_minor == line.held_minor)
    {
        return Err(reader.malformed("a capture of all that says it is in part"));
    }
    Ok(head)
}

fn read_head(reader: &mut Reader<'_>) -> Result<(LeafHead, usize), Error> {
    let tag = reader.u8()?;
    let kind = tag & 7;
    let id = EntryId(if kind == 4 { 0 } else { reader.u128()? });
    let code = reader.varint_u16()?;
    let target = EntryId(if (2..=5).contains(&kind) { reader.u128()? } else { 0 });
    let time = if tag & TIMED != 0 { Some(Timestamp::from_micros(reader.i64()?)) } else { None };
    let whole = tag & WHOLE != 0;
    let (done, booked_at) = match (kind, time) {
        (0, booked_at) => (Done::Post, booked_at),
        (1, expires_at) => (Done::Hold { expires_at }, None),
        (2, None) => (Done::Capture { hold: target, whole }, None),
        (3, None) => (Done::Void { hold: target }, None),
        (4, None) => (Done::Expiry { hold: target }, None),
        (5, None) => (Done::Reversal { of: target }, None),
        _ => return Err(reader.malformed("unknown tag")),
    };
    if tag & 0x80 != 0 || (whole && kind != 2) {
        return Err(reader.malformed("unknown tag"));
    }
    let count = if tag & SINGLE != 0 { 1 } else { reader.varint_u32()? as usize };
    if count == 0 || count > BATCH_POSTINGS_MAX || (count == 1 && tag & SINGLE == 0) {
        return Err(reader.malformed("a number of lines that cannot be"));
    }
    Ok((LeafHead { id, done, code, linked: tag & LINKED != 0, booked_at }, count))
}

#[inline]
fn read_line(reader: &mut Reader<'_>, done: Done) -> Result<Line, Error> {
    let debit = AccountNo(reader.varint_u32()?);
    let credit = AccountNo(reader.varint_u32()?);
    let amount = reader.varint()?;
    let (posted_minor, held_minor) = match done {
        Done::Post | Done::Reversal { .. } => (amount, 0),
        Done::Hold { .. } | Done::Void { .. } | Done::Expiry { .. } => (0, amount),
        Done::Capture { whole: true, .. } => (amount, amount),
        Done::Capture { whole: false, .. } => (amount, reader.varint()?),
    };
    Ok(Line { debit, credit, posted_minor, held_minor })
}
