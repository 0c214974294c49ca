//! A stretch of a document in memory, and where it begins.

use crate::limits::RAW_BYTES_MAX;
use crate::record::Place;
use std::io::{BufRead, ErrorKind, Read};

/// The window at first: 256 KiB to read at a time, which takes no detour by the buffer of the input, behind
/// what is left of an entry.
const WINDOW_BYTES: usize = 320 << 10;
/// The largest stretch that is looked at as a whole.
pub(super) const WINDOW_BYTES_MAX: usize = 1 << 20;
/// The largest single text, tag, comment or instruction.
pub(super) const TOKEN_BYTES_MAX: usize = 1 << 20;

/// A token goes on beyond its limit.
#[derive(Debug, thiserror::Error)]
#[error("a token of the document is too large")]
pub(super) struct TokenTooLarge;

/// Reads bytes, counts their lines as they are consumed, and keeps them where that is asked for.
pub(super) struct Window<R> {
    inner: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    place: Place,
    raw: Option<Vec<u8>>,
    /// What was consumed of the current token.
    token_bytes: usize,
}

impl<R: Read> Window<R> {
    pub(super) fn new(inner: R) -> Self {
        let place = Place::line(1).at_column(1);
        Window { inner, buffer: vec![0; WINDOW_BYTES], start: 0, end: 0, place, raw: None, token_bytes: 0 }
    }

    /// Returns where the next byte stands.
    pub(super) const fn place(&self) -> Place {
        self.place
    }

    /// Returns what is in memory and not yet consumed.
    pub(super) fn held(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Reads more behind what is there; `false` at the end, or where the window is as large as may be.
    pub(super) fn more(&mut self) -> std::io::Result<bool> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            if self.buffer.len() >= WINDOW_BYTES_MAX {
                return Ok(false);
            }
            self.buffer.resize((self.buffer.len() * 2).min(WINDOW_BYTES_MAX), 0);
        }
        loop {
            match self.inner.read(&mut self.buffer[self.end..]) {
                Ok(len) => {
                    self.end += len;
                    return Ok(len > 0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Passes over blanks.
    pub(super) fn pass_blanks(&mut self) -> std::io::Result<()> {
        loop {
            let bytes = self.held();
            let blanks = bytes.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(bytes.len());
            let all = blanks == bytes.len();
            self.consume(blanks);
            if !all || !self.more()? {
                return Ok(());
            }
        }
    }

    /// Begins a token, for its limit.
    pub(super) const fn begin_token(&mut self) {
        self.token_bytes = 0;
    }

    /// Keeps what is consumed from here on, behind what is given.
    pub(super) fn keep_raw(&mut self, begun: Vec<u8>) {
        self.raw = Some(begun);
    }

    /// Ends keeping, and returns what was kept.
    pub(super) fn take_raw(&mut self) -> Vec<u8> {
        self.raw.take().unwrap_or_default()
    }
}

/// Returns where a text ends that begins at a place.
pub(super) fn advanced(place: Place, text: &[u8]) -> Place {
    let within = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
    match memchr::memrchr(b'\n', text) {
        Some(last) => Place {
            line: place.line + memchr::memchr_iter(b'\n', text).count() as u64,
            column: within(text.len() - last),
            ..place
        },
        None => place.at_column(place.column.saturating_add(within(text.len()))),
    }
}

impl<R: Read> Read for Window<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let chunk = self.fill_buf()?;
        let len = chunk.len().min(out.len());
        out[..len].copy_from_slice(&chunk[..len]);
        self.consume(len);
        Ok(len)
    }
}

impl<R: Read> BufRead for Window<R> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        if self.token_bytes > TOKEN_BYTES_MAX {
            return Err(std::io::Error::other(TokenTooLarge));
        }
        if self.start == self.end {
            self.more()?;
        }
        Ok(self.held())
    }

    fn consume(&mut self, amount: usize) {
        let consumed = &self.buffer[self.start..self.end.min(self.start + amount)];
        self.place = advanced(self.place, consumed);
        if let Some(raw) = &mut self.raw {
            let room = RAW_BYTES_MAX.saturating_sub(raw.len());
            raw.extend_from_slice(&consumed[..room.min(consumed.len())]);
        }
        self.token_bytes += consumed.len();
        self.start += consumed.len();
    }
}
