//! The journal: records of what was accepted, one for each commit.
//!
//! A record is a header, account events and entries. Version 1, all numbers little-endian; `v` is a varint of
//! 7 bits a byte, lowest first, as short as can be.
//!
//! ```text
//! header   version u8 = 1 | flags u8, bit 0: has events | cell u32 | epoch u64 | seq u64 | at i64 (microseconds)
//!          first entry ordinal u64 | events u32 | entries u32 | bytes of events u32 | bytes of entries u32
//!          [with events: BLAKE3 of their bytes, 32]
//! events   each: before entry v | kind u8 | account v | the rest by kind, see `record/event.rs`
//! entries  each: length v | leaf, see `record/leaf.rs`
//! ```
//!
//! The chain covers the header, by it the events, and the leaves by their Merkle root: `hash_n =
//! BLAKE3(hash_{n-1} ‖ header ‖ root)`. Entries hold what was really done, so that a reader needs no other
//! state than the accounts.

mod event;
mod leaf;
pub(crate) mod wire;

pub use event::AccountEvent;
pub use leaf::{Done, Line, RecordedEntry};

pub(crate) use event::{put_event, put_limits, read_limits};
pub(crate) use leaf::{LeafHead, leaf_id, put_entry, read_entry};

use crate::error::Error;
use crate::limits::{RECORD_BYTES_MAX, RECORD_ENTRIES_MAX, RECORD_EVENTS_MAX};
use suanpan_money::Timestamp;
use wire::Reader;

const VERSION: u8 = 1;
const HAS_EVENTS: u8 = 1;
/// Bytes of a header without the digest of events.
const HEADER_BYTES: usize = 54;

/// What stands at the beginning of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordHeader {
    /// The cell whose book it is.
    pub cell: u32,
    /// The term of the writer.
    pub epoch: u64,
    /// Its number; the first record has 1.
    pub seq: u64,
    /// When it was made. Never before the record before it.
    pub at: Timestamp,
    /// The ordinal of its first entry; entries are counted from 0 over all records.
    pub first_entry: u64,
    /// How many account events it holds.
    pub events: u32,
    /// How many entries it holds.
    pub entries: u32,
}

/// A record, read from bytes: header checked, entries and events still as bytes.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    header: RecordHeader,
    header_bytes: &'a [u8],
    events: &'a [u8],
    entries: &'a [u8],
}

impl<'a> Record<'a> {
    /// Reads a record: its header, its lengths, the digest of its events, the lengths of its leaves.
    ///
    /// # Errors
    /// When the bytes are no record of version 1, or break a limit.
    pub fn parse(bytes: &'a [u8]) -> Result<Record<'a>, Error> {
        let mut reader = Reader::new("record", bytes);
        if reader.u8()? != VERSION {
            return Err(reader.malformed("unknown version"));
        }
        let flags = reader.u8()?;
        let header = RecordHeader {
            cell: reader.u32()?,
            epoch: reader.u64()?,
            seq: reader.u64()?,
            at: Timestamp::from_micros(reader.i64()?),
            first_entry: reader.u64()?,
            events: reader.u32()?,
            entries: reader.u32()?,
        };
        let (events_len, entries_len) = (reader.u32()? as usize, reader.u32()? as usize);
        if header.entries as usize > RECORD_ENTRIES_MAX || header.events as usize > RECORD_EVENTS_MAX {
            return Err(reader.malformed("too many entries or events"));
        }
        if entries_len > RECORD_BYTES_MAX || events_len > RECORD_BYTES_MAX {
            return Err(reader.malformed("too many bytes"));
        }
        if header.first_entry.checked_add(u64::from(header.entries)).is_none() {
            return Err(reader.malformed("ordinals past the last number"));
        }
        if flags != u8::from(header.events > 0) * HAS_EVENTS {
            return Err(reader.malformed("flags that do not fit"));
        }
        let digest = if header.events > 0 { Some(reader.take(blake3::OUT_LEN)?) } else { None };
        let header_bytes = &bytes[..reader.at()];
        let events = reader.take(events_len)?;
        if digest.is_some_and(|digest| digest != blake3::hash(events).as_bytes()) {
            return Err(reader.malformed("events with another digest"));
        }
        let entries = reader.take(entries_len)?;
        reader.end()?;
        let record = Record { header, header_bytes, events, entries };
        record.check_lengths()?;
        Ok(record)
    }

    /// Returns the header.
    #[must_use]
    pub const fn header(&self) -> RecordHeader {
        self.header
    }

    /// Returns the BLAKE3 of the account events as bytes, which the chain covers.
    #[must_use]
    pub fn events_digest(&self) -> [u8; blake3::OUT_LEN] {
        *blake3::hash(self.events).as_bytes()
    }

    /// Returns the bytes of the header, which the chain covers.
    #[must_use]
    pub const fn header_bytes(&self) -> &'a [u8] {
        self.header_bytes
    }

    /// Iterates over the leaves of the Merkle tree: the encoded entries, in order.
    pub fn leaves(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + use<'a> {
        let mut reader = Reader::new("entry", self.entries);
        (0..self.header.entries as usize).map(move |_| reader.piece().expect("lengths were seen by parse"))
    }

    /// Iterates over the entries with their ordinals.
    pub fn entries(&self) -> impl Iterator<Item = Result<(u64, RecordedEntry), Error>> + use<'a> {
        let first = self.header.first_entry;
        (first..).zip(self.leaves()).map(|(ordinal, leaf)| Ok((ordinal, RecordedEntry::decode(leaf)?)))
    }

    /// Iterates over the account events, each with the place of the entry before which it happened: the number
    /// of entries for those after the last.
    pub fn events(&self) -> impl Iterator<Item = Result<(u32, AccountEvent), Error>> + use<'a> {
        let mut reader = Reader::new("account event", self.events);
        let (count, entries) = (self.header.events, self.header.entries);
        let mut read = 0;
        let mut before = 0;
        std::iter::from_fn(move || {
            if read == count {
                return (!reader.is_at_end()).then(|| Err(reader.skip_rest("more bytes than events")));
            }
            read += 1;
            let event = event::read_event(&mut reader, before..=entries);
            match &event {
                Ok((at, _)) => before = *at,
                Err(_) => {
                    read = count;
                    reader.skip_rest("");
                }
            }
            Some(event)
        })
    }

    fn check_lengths(&self) -> Result<(), Error> {
        let mut reader = Reader::new("entries", self.entries);
        for _ in 0..self.header.entries {
            reader.piece()?;
        }
        reader.end()
    }
}

/// What is needed to write a record.
pub(crate) struct Parts<'a> {
    pub(crate) header: RecordHeader,
    pub(crate) events: &'a [u8],
    pub(crate) entries: &'a [u8],
}

/// Writes a record.
pub(crate) fn put_record(parts: &Parts<'_>) -> Vec<u8> {
    let Parts { header, events, entries } = parts;
    let mut out = Vec::with_capacity(HEADER_BYTES + blake3::OUT_LEN + events.len() + entries.len());
    out.push(VERSION);
    out.push(u8::from(header.events > 0) * HAS_EVENTS);
    out.extend_from_slice(&header.cell.to_le_bytes());
    out.extend_from_slice(&header.epoch.to_le_bytes());
    out.extend_from_slice(&header.seq.to_le_bytes());
    out.extend_from_slice(&header.at.micros().to_le_bytes());
    out.extend_from_slice(&header.first_entry.to_le_bytes());
    out.extend_from_slice(&header.events.to_le_bytes());
    out.extend_from_slice(&header.entries.to_le_bytes());
    for len in [events.len(), entries.len()] {
        let len = u32::try_from(len).expect("at most RECORD_BYTES_MAX");
        out.extend_from_slice(&len.to_le_bytes());
    }
    if header.events > 0 {
        out.extend_from_slice(blake3::hash(events).as_bytes());
    }
    out.extend_from_slice(events);
    out.extend_from_slice(entries);
    out
}
