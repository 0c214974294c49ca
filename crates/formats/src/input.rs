//! The bytes of a file as lines of text, with their places.

use crate::event::{Fault, ReadError};
use crate::head::{Head, TextEncoding};
use crate::limits::LINE_BYTES_MAX;
use crate::record::Place;
use crate::transcoded::Transcoded;
use std::borrow::Cow;
use std::io::{BufRead, BufReader, Cursor, Read};
use suanpan_money::Currency;

/// What a reader is told beside the bytes.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The currency of records in formats that do not say it. Without it, the format's own custom counts:
    /// CNY for Chinese exports; others give a fault.
    pub currency: Option<Currency>,
}

/// A file to read: its head, and all its bytes from the beginning.
pub struct Input<'a> {
    /// The beginning.
    pub head: Head,
    /// All bytes, the head's first.
    pub body: Box<dyn BufRead + 'a>,
}

impl<'a> Input<'a> {
    /// Opens bytes: reads the head, and for a spreadsheet all of it.
    ///
    /// # Errors
    /// When reading fails, or a spreadsheet is over its limit.
    pub fn open(body: impl Read + 'a) -> Result<Input<'a>, ReadError> {
        use crate::limits::{HEAD_BYTES, SHEET_BYTES_MAX};
        let mut body = body;
        let mut head = Vec::new();
        body.by_ref().take(HEAD_BYTES as u64 + 1).read_to_end(&mut head)?;
        let mut whole = head.len() <= HEAD_BYTES;
        if !whole && crate::head::is_spreadsheet(&head) {
            body.by_ref().take(SHEET_BYTES_MAX - head.len() as u64 + 1).read_to_end(&mut head)?;
            if head.len() as u64 > SHEET_BYTES_MAX {
                let what = "the size of the spreadsheet in bytes";
                return Err(ReadError::Limit { place: Place::default(), what, max: SHEET_BYTES_MAX });
            }
            whole = true;
        }
        let all = Cursor::new(head.clone()).chain(body);
        Ok(Input { head: Head::new(head, whole), body: Box::new(BufReader::with_capacity(256 << 10, all)) })
    }

    /// Makes an input of bytes in memory.
    #[must_use]
    pub fn of_bytes(bytes: &'a [u8]) -> Input<'a> {
        Input::open(bytes).expect("memory can be read, and tests give no spreadsheet over the limit")
    }

    /// Makes an input of a head alone, to look at what it begins with.
    pub(crate) fn of_head(head: &'a Head) -> Input<'a> {
        let mut told = Head::new(Vec::new(), false);
        told.encoding = head.encoding;
        told.line_end = head.line_end;
        Input { head: told, body: Box::new(Cursor::new(head.bytes.as_slice())) }
    }

    /// Reads the body as lines in the encoding that the head tells, or in a given one.
    #[must_use]
    pub fn lines(self, encoding: Option<TextEncoding>) -> Lines<'a> {
        let (told, _) = TextEncoding::tell(&self.head.bytes, self.head.whole);
        let encoding = encoding.unwrap_or(told);
        let wide = matches!(encoding, TextEncoding::Utf16Le | TextEncoding::Utf16Be);
        let body: Box<dyn BufRead + 'a> = if wide {
            Box::new(BufReader::new(Transcoded::new(self.body, encoding.library())))
        } else {
            self.body
        };
        Lines {
            body,
            encoding: if wide { TextEncoding::Utf8 } else { encoding },
            number: 0,
            offset: 0,
            bytes: Vec::new(),
            end: self.head.line_end,
            kept: false,
        }
    }
}

/// Lines of text, one at a time.
pub struct Lines<'a> {
    body: Box<dyn BufRead + 'a>,
    encoding: TextEncoding,
    number: u64,
    offset: u64,
    bytes: Vec<u8>,
    /// The byte that ends a line.
    end: u8,
    kept: bool,
}

/// One line without its end.
#[derive(Debug, Clone, Copy)]
pub struct Line<'l> {
    /// Its number, from 1.
    pub number: u64,
    /// Offset of its first byte. For UTF-16 counted in UTF-8.
    pub offset: u64,
    /// Its bytes.
    pub bytes: &'l [u8],
    encoding: TextEncoding,
}

impl<'l> Line<'l> {
    /// Returns the text; bytes that are no character become U+FFFD, or, in a line that is not UTF-8
    /// though the file is, are read as Windows 1252.
    #[must_use]
    pub fn text(&self) -> Cow<'l, str> {
        match self.encoding {
            TextEncoding::Utf8 => match std::str::from_utf8(self.bytes) {
                Ok(text) => Cow::Borrowed(text),
                Err(_) => TextEncoding::Windows1252.decode(self.bytes),
            },
            other => other.decode(self.bytes),
        }
    }

    /// Returns the place of the line.
    #[must_use]
    pub const fn place(&self) -> Place {
        Place::line(self.number)
    }

    /// Makes a fault of this line.
    #[must_use]
    pub fn fault(&self, field: &str, message: impl Into<String>) -> Fault {
        Fault::new(self.place(), field, message, &self.text())
    }
}

impl Lines<'_> {
    /// Reads the next line.
    ///
    /// # Errors
    /// When bytes cannot be read, or a line is over [`LINE_BYTES_MAX`].
    pub fn next_line(&mut self) -> Result<Option<Line<'_>>, ReadError> {
        if !std::mem::take(&mut self.kept) && !self.read_line(true)? {
            return Ok(None);
        }
        Ok(Some(self.line()))
    }

    /// Makes [`Lines::next_line`] give the line that it gave last once more.
    pub const fn keep(&mut self) {
        self.kept = true;
    }

    /// Appends the next line to the one given last, whose end stays between them: for rows that go on
    /// inside quotes. Returns `false` at the end of the file.
    ///
    /// # Errors
    /// As [`Lines::next_line`].
    pub fn append_line(&mut self) -> Result<bool, ReadError> {
        self.read_line(false)
    }

    /// Returns the line given last, with what was appended.
    #[must_use]
    pub fn line(&self) -> Line<'_> {
        let mut end = self.bytes.len();
        while end > 0 && matches!(self.bytes[end - 1], b'\n' | b'\r') {
            end -= 1;
        }
        Line { number: self.number, offset: self.offset, bytes: &self.bytes[..end], encoding: self.encoding }
    }

    fn read_line(&mut self, fresh: bool) -> Result<bool, ReadError> {
        if fresh {
            self.number += self.lines_held();
            self.offset += self.bytes.len() as u64;
            self.bytes.clear();
        }
        let before = self.bytes.len();
        loop {
            let room = LINE_BYTES_MAX + 1 - self.bytes.len().min(LINE_BYTES_MAX + 1);
            let chunk = match self.body.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            if chunk.is_empty() {
                break;
            }
            let end = memchr::memchr(self.end, chunk);
            let take = end.map_or(chunk.len(), |at| at + 1).min(room);
            self.bytes.extend_from_slice(&chunk[..take]);
            self.body.consume(take);
            if self.bytes.len() > LINE_BYTES_MAX {
                let place = Place::line(self.number.max(1));
                return Err(ReadError::Limit {
                    place,
                    what: "the length of the line",
                    max: LINE_BYTES_MAX as u64,
                });
            }
            if end.is_some() {
                break;
            }
        }
        let got = self.bytes.len() > before;
        if fresh && got {
            if self.number == 0 && self.offset == 0 && self.bytes.starts_with(&[0xEF, 0xBB, 0xBF]) {
                self.bytes.drain(..3);
                self.offset = 3;
            }
            if self.number == 0 {
                self.number = 1;
            }
        }
        Ok(got)
    }

    /// Lines in the buffer: more than one where some were appended.
    fn lines_held(&self) -> u64 {
        if self.bytes.is_empty() {
            return 0;
        }
        let ends = memchr::memchr_iter(self.end, &self.bytes).count() as u64;
        if self.bytes.last() == Some(&self.end) { ends } else { ends + 1 }
    }
}
