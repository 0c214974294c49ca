//! Events, packed: those of one commit lie in blocks of lines, and each block is compressed as a whole.
//!
//! Events repeat the objects that they tell of, and each other; they never change, are read in the order in which they
//! were made, and are forgotten one day. So a row for each, with its places in three indexes, would be most of what a
//! payment costs, and buy nothing. A block is one row, and one name for each merchant, mode and type that it holds.
//!
//! A block is text, compressed by Zstandard: each line has the place of an event, its merchant, `live` or `test`, its
//! type, its id and the event as JSON, with tabs in between. Whoever has the file can read it without this program.

use crate::error::StoreError;
use crate::limits::{BLOCK_BYTES_MAX, BYTES_PER_BLOCK};
use std::io;
use std::sync::Arc;

/// What every frame of Zstandard begins with (RFC 8878, 3.1.1). Blocks that a migration made are not compressed.
const FRAME: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// The fastest level that looks for repetitions thoroughly enough: events of one block are much alike.
const LEVEL: i32 = 1;

/// Something that happened. It is written once and never changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its place among all events of the cell, microseconds since the epoch: larger than that of the one before.
    pub place: i64,
    /// Its id, `evt_…`.
    pub id: String,
    /// Its type, such as `payment_intent.succeeded`; never empty.
    pub kind: &'static str,
    /// Whose it is, `acct_…`.
    pub merchant: String,
    /// Whether it stands in live mode.
    pub live: bool,
    /// The event as JSON, on one line.
    pub body: String,
}

/// Some events of one commit, as they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventBlock {
    /// The place of its first event.
    pub first: i64,
    /// The place of its last event.
    pub last: i64,
    /// What it holds, each once.
    pub names: Vec<EventName>,
    /// The lines, compressed.
    pub body: Arc<[u8]>,
}

/// What a block holds of one merchant, mode and type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventName {
    /// The merchant.
    pub merchant: String,
    /// The mode.
    pub live: bool,
    /// The type; empty for all types together.
    pub kind: &'static str,
    /// How many events. This is not stored.
    pub count: u32,
}

/// Packs events.
pub struct EventPacker {
    compressor: zstd::bulk::Compressor<'static>,
    lines: Vec<u8>,
}

impl EventPacker {
    /// Makes a packer, which may serve for ever.
    ///
    /// # Errors
    /// When there is no memory.
    pub fn new() -> io::Result<EventPacker> {
        let mut compressor = zstd::bulk::Compressor::new(LEVEL)?;
        // So that a damaged block is told from another one.
        compressor.include_checksum(true)?;
        Ok(EventPacker { compressor, lines: Vec::new() })
    }

    /// Packs events, whose places must rise, into blocks.
    ///
    /// # Panics
    /// When an event holds a line break or, but for its body, a tab. JSON as it is written by programs does not.
    pub fn pack(&mut self, events: &[Event]) -> Vec<EventBlock> {
        let mut blocks = Vec::new();
        let mut begin = 0;
        for (at, event) in events.iter().enumerate() {
            self.line(event);
            if self.lines.len() >= BYTES_PER_BLOCK || at + 1 == events.len() {
                blocks.push(self.block(&events[begin..=at]));
                begin = at + 1;
            }
        }
        blocks
    }

    fn line(&mut self, event: &Event) {
        let mode = if event.live { "live" } else { "test" };
        let place = event.place.to_string();
        for field in [&place, &event.merchant, mode, event.kind, &event.id] {
            assert!(
                memchr::memchr2(b'\t', b'\n', field.as_bytes()).is_none(),
                "{field} cannot stand in a line"
            );
            self.lines.extend_from_slice(field.as_bytes());
            self.lines.push(b'\t');
        }
        assert!(memchr::memchr(b'\n', event.body.as_bytes()).is_none(), "{} is more than a line", event.id);
        self.lines.extend_from_slice(event.body.as_bytes());
        self.lines.push(b'\n');
    }

    fn block(&mut self, events: &[Event]) -> EventBlock {
        // Whatever goes wrong here: lines may be stored as they are.
        let packed = self.compressor.compress(&self.lines).unwrap_or_else(|_| self.lines.clone());
        self.lines.clear();
        let mut names: Vec<(&str, bool, &'static str)> = Vec::with_capacity(events.len() * 2);
        for event in events {
            names.push((&event.merchant, event.live, ""));
            names.push((&event.merchant, event.live, event.kind));
        }
        names.sort_unstable();
        let named = names.chunk_by(|a, b| a == b).map(|same| EventName {
            merchant: same[0].0.to_owned(),
            live: same[0].1,
            kind: same[0].2,
            count: u32::try_from(same.len()).unwrap_or(u32::MAX),
        });
        EventBlock {
            first: events.first().map_or(0, |event| event.place),
            last: events.last().map_or(0, |event| event.place),
            names: named.collect(),
            body: packed.into(),
        }
    }
}

/// An event as a line of a block says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventLine<'a> {
    /// Its place.
    pub place: i64,
    /// Whose it is.
    pub merchant: &'a str,
    /// Whether it stands in live mode.
    pub live: bool,
    /// Its type.
    pub kind: &'a str,
    /// Its id.
    pub id: &'a str,
    /// The event as JSON.
    pub body: &'a str,
}

/// The lines of a block.
#[derive(Debug)]
pub struct EventLines(String);

impl EventLines {
    /// Unpacks a block. `at` is the place of the database, for errors.
    ///
    /// # Errors
    /// `Damaged` when it is none, or larger than blocks are.
    pub fn unpack(at: &str, block: &[u8]) -> Result<EventLines, StoreError> {
        let damaged = |reason: String| StoreError::Damaged { at: at.to_owned(), reason };
        let lines = if block.starts_with(&FRAME) {
            let said = zstd::zstd_safe::get_frame_content_size(block).ok().flatten();
            let size =
                said.and_then(|size| usize::try_from(size).ok()).filter(|size| *size <= BLOCK_BYTES_MAX);
            let size =
                size.ok_or_else(|| damaged("a block of events has no size, or is too large".to_owned()))?;
            let unpacked = zstd::bulk::decompress(block, size);
            unpacked.map_err(|error| damaged(format!("a block of events cannot be unpacked: {error}")))?
        } else {
            block.to_vec()
        };
        String::from_utf8(lines)
            .map(EventLines)
            .map_err(|_| damaged("a block of events is no text".to_owned()))
    }

    /// Returns the events, in the order of their places.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Result<EventLine<'_>, StoreError>> {
        self.0.lines().map(|line| {
            EventLine::parse(line).ok_or_else(|| StoreError::Damaged {
                at: "event_block".to_owned(),
                reason: "a line of a block of events has no place, merchant, mode, type and id".to_owned(),
            })
        })
    }
}

impl<'a> EventLine<'a> {
    fn parse(line: &'a str) -> Option<EventLine<'a>> {
        let mut fields = line.splitn(6, '\t');
        let mut next = || fields.next();
        Some(EventLine {
            place: next()?.parse().ok()?,
            merchant: next()?,
            live: match next()? {
                "live" => true,
                "test" => false,
                _ => return None,
            },
            kind: next()?,
            id: next()?,
            body: next()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(place: i64, merchant: &str, kind: &'static str) -> Event {
        Event {
            place,
            id: format!("evt_{place}"),
            kind,
            merchant: merchant.to_owned(),
            live: place % 2 == 0,
            body: format!(r#"{{"id":"evt_{place}","note":"算盘\t"}}"#),
        }
    }

    fn lines(block: &EventBlock) -> EventLines {
        EventLines::unpack("here", &block.body).unwrap()
    }

    #[test]
    fn what_is_packed_is_unpacked() {
        let events = [event(-1, "acct_1", "a.b"), event(2, "acct_1", "a.b"), event(4, "acct_2", "c")];
        let mut packer = EventPacker::new().unwrap();
        let blocks = packer.pack(&events);
        let [block] = blocks.as_slice() else { panic!("{blocks:?}") };
        assert_eq!((block.first, block.last), (-1, 4));
        let lines = lines(block);
        for (line, event) in lines.iter().zip(&events) {
            let line = line.unwrap();
            assert_eq!((line.place, line.merchant, line.live), (event.place, &*event.merchant, event.live));
            assert_eq!((line.kind, line.id, line.body), (event.kind, &*event.id, &*event.body));
        }
        assert_eq!(lines.iter().count(), 3);
        let named = |merchant: &str, live, kind| {
            block
                .names
                .iter()
                .find(|n| (&*n.merchant, n.live, n.kind) == (merchant, live, kind))
                .map(|n| n.count)
        };
        assert_eq!(named("acct_1", false, "a.b"), Some(1));
        assert_eq!(named("acct_1", true, ""), Some(1));
        assert_eq!(named("acct_2", true, "c"), Some(1));
        assert_eq!(block.names.len(), 6);
        assert_eq!(packer.pack(&events), blocks, "a packer forgets what it packed before");
        assert!(packer.pack(&[]).is_empty());
    }

    #[test]
    fn much_is_packed_into_several_blocks() {
        let events: Vec<Event> = (0..5_000).map(|place| event(place, "acct_1", "a.b")).collect();
        let blocks = EventPacker::new().unwrap().pack(&events);
        assert!(blocks.len() > 1);
        let places: Vec<i64> = blocks
            .iter()
            .flat_map(|block| lines(block).iter().map(|l| l.unwrap().place).collect::<Vec<_>>())
            .collect();
        assert!(places.iter().copied().eq(0..5_000));
        for pair in blocks.windows(2) {
            assert_eq!(pair[0].last + 1, pair[1].first);
        }
        let (packed, plain) = (blocks.iter().map(|b| b.body.len()).sum::<usize>(), 5_000 * 70);
        assert!(packed * 4 < plain, "{packed} of {plain}");
    }

    #[test]
    fn what_is_no_block_is_refused() {
        let block = EventPacker::new().unwrap().pack(&[event(1, "acct_1", "a.b")]).remove(0);
        for cut in 0..block.body.len() {
            let cut = &block.body[..cut];
            let read = EventLines::unpack("here", cut);
            // What has lost its beginning is read as plain lines, of which none can be read.
            assert!(read.is_err() || read.unwrap().iter().all(|line| line.is_err()), "{cut:?}");
        }
        // Behind the magic number and the descriptor, which has a bit without a meaning.
        for at in 5..block.body.len() {
            let mut broken = block.body.to_vec();
            broken[at] ^= 0x10;
            let read = EventLines::unpack("here", &broken);
            assert!(read.is_err(), "byte {at}");
        }
        let plain = "7\tacct_1\ttest\ta.b\tevt_7\t{}\n";
        assert_eq!(
            EventLines::unpack("here", plain.as_bytes()).unwrap().iter().next().unwrap().unwrap().place,
            7
        );
        for wrong in [
            "x",
            "7\tacct_1\tboth\ta.b\tevt_7\t{}",
            "x\tacct_1\ttest\ta.b\tevt_7\t{}",
            "7\tacct_1\ttest\ta.b",
        ] {
            assert!(
                EventLines::unpack("here", wrong.as_bytes()).unwrap().iter().next().unwrap().is_err(),
                "{wrong}"
            );
        }
    }

    #[test]
    #[should_panic(expected = "more than a line")]
    fn an_event_is_one_line() {
        let mut broken = event(1, "acct_1", "a.b");
        broken.body.push('\n');
        EventPacker::new().unwrap().pack(&[broken]);
    }
}
