//! Text encodings: told from the first bytes, and turned into UTF-8 while streaming. A malformed
//! byte is an error with its place; it is never replaced, since a replaced byte could make two
//! different keys equal.

use super::error::SourceError;
use crate::rule::Encoding;
use encoding_rs::{Decoder, DecoderResult, GB18030, UTF_16BE, UTF_16LE};
use std::io::{self, Read};
use std::sync::Arc;

/// The encoding that a file was found to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextEncoding {
    /// UTF-8 (or plain ASCII), used as it is.
    Utf8,
    /// GB18030, of which GBK and GB2312 are parts.
    Gb18030,
    /// UTF-16, little end first, told by its byte order mark.
    Utf16Le,
    /// UTF-16, big end first, told by its byte order mark.
    Utf16Be,
}

impl TextEncoding {
    /// Returns the name of the encoding as people write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            TextEncoding::Utf8 => "UTF-8",
            TextEncoding::Gb18030 => "GB18030",
            TextEncoding::Utf16Le => "UTF-16LE",
            TextEncoding::Utf16Be => "UTF-16BE",
        }
    }
}

/// What the first bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) encoding: TextEncoding,
    /// Bytes of the byte order mark, to be dropped.
    pub(super) mark_len: usize,
    /// How it was chosen, for messages about malformed bytes.
    pub(super) why: &'static str,
}

/// Chooses the encoding by the first bytes of a file. `whole` says that the file ends with them.
pub(super) fn choose(
    name: &str,
    head: &[u8],
    whole: bool,
    declared: Encoding,
) -> Result<Choice, SourceError> {
    let mark = match head {
        [0xEF, 0xBB, 0xBF, ..] => Some((TextEncoding::Utf8, 3)),
        [0xFF, 0xFE, ..] => Some((TextEncoding::Utf16Le, 2)),
        [0xFE, 0xFF, ..] => Some((TextEncoding::Utf16Be, 2)),
        [0x84, 0x31, 0x95, 0x33, ..] => Some((TextEncoding::Gb18030, 4)),
        _ => None,
    };
    let wanted = match declared {
        Encoding::Auto => None,
        Encoding::Utf8 => Some(TextEncoding::Utf8),
        Encoding::Gb18030 => Some(TextEncoding::Gb18030),
    };
    match (mark, wanted) {
        (Some((marked, _)), Some(wanted)) if marked != wanted => Err(SourceError::EncodingConflict {
            name: name.to_owned(),
            mark: marked.name(),
            declared: wanted.name(),
        }),
        (Some((encoding, mark_len)), _) => Ok(Choice { encoding, mark_len, why: "" }),
        (None, Some(encoding)) => Ok(Choice { encoding, mark_len: 0, why: "" }),
        (None, None) => {
            let zeros = memchr::memchr_iter(0, head).count();
            if zeros > 0 && zeros >= head.len() / 4 {
                return Err(SourceError::Unsupported {
                    name: name.to_owned(),
                    what: "binary data, or UTF-16 without a byte order mark",
                    advice: "save it as UTF-8 text",
                });
            }
            Ok(if begins_as_utf8(head, whole) {
                Choice { encoding: TextEncoding::Utf8, mark_len: 0, why: "" }
            } else {
                let why = " (read so because the beginning is not UTF-8)";
                Choice { encoding: TextEncoding::Gb18030, mark_len: 0, why }
            })
        }
    }
}

/// Says whether `head` is UTF-8, a character cut off by the end of the head allowed.
fn begins_as_utf8(head: &[u8], whole: bool) -> bool {
    match std::str::from_utf8(head) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none() && !whole,
    }
}

/// Turns a stream of another encoding into UTF-8.
pub(super) struct Transcoder<R> {
    name: Arc<str>,
    choice: Choice,
    inner: R,
    decoder: Decoder,
    input: Box<[u8]>,
    input_at: usize,
    input_end: usize,
    /// Bytes of the stream before `input_at`, the byte order mark counted.
    consumed: u64,
    output: Box<[u8]>,
    output_at: usize,
    output_end: usize,
    lines: u64,
    ended: bool,
    malformed_at: Option<u64>,
}

const INPUT_BYTES: usize = 64 << 10;
/// GB18030 grows by at most 3 bytes for 2, UTF-16 likewise; the slack is for a character in flight.
const OUTPUT_BYTES: usize = INPUT_BYTES / 2 * 3 + 16;

impl<R: Read> Transcoder<R> {
    /// Starts a transcoder whose stream stands after the byte order mark.
    pub(super) fn new(name: &Arc<str>, choice: Choice, inner: R) -> Self {
        let encoding = match choice.encoding {
            TextEncoding::Utf16Le => UTF_16LE,
            TextEncoding::Utf16Be => UTF_16BE,
            TextEncoding::Gb18030 => GB18030,
            TextEncoding::Utf8 => encoding_rs::UTF_8,
        };
        Transcoder {
            name: Arc::clone(name),
            choice,
            inner,
            decoder: encoding.new_decoder_without_bom_handling(),
            input: vec![0; INPUT_BYTES].into(),
            input_at: 0,
            input_end: 0,
            consumed: choice.mark_len as u64,
            output: vec![0; OUTPUT_BYTES].into(),
            output_at: 0,
            output_end: 0,
            lines: 0,
            ended: false,
            malformed_at: None,
        }
    }

    fn malformed(&self, offset: u64) -> io::Error {
        SourceError::Malformed {
            name: self.name.to_string(),
            encoding: self.choice.encoding.name(),
            line: self.lines + 1,
            offset,
            why: self.choice.why,
        }
        .into()
    }

    /// Decodes some input into the (empty) output.
    fn fill(&mut self) -> io::Result<()> {
        let mut last = false;
        if self.input_at == self.input_end {
            let len = self.inner.read(&mut self.input)?;
            (self.input_at, self.input_end) = (0, len);
            last = len == 0;
        }
        let input = &self.input[self.input_at..self.input_end];
        let (result, read, written) =
            self.decoder.decode_to_utf8_without_replacement(input, &mut self.output, last);
        self.input_at += read;
        self.consumed += read as u64;
        (self.output_at, self.output_end) = (0, written);
        self.lines += memchr::memchr_iter(b'\n', &self.output[..written]).count() as u64;
        match result {
            DecoderResult::InputEmpty => self.ended = last,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(bad, after) => {
                self.malformed_at = Some(self.consumed - u64::from(after) - u64::from(bad));
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for Transcoder<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        // An empty `buf` must not make progress, and must not look like the end after data.
        if buf.is_empty() {
            return Ok(0);
        }
        while self.output_at == self.output_end {
            if let Some(offset) = self.malformed_at {
                return Err(self.malformed(offset));
            }
            if self.ended {
                return Ok(0);
            }
            self.fill()?;
        }
        let len = buf.len().min(self.output_end - self.output_at);
        buf[..len].copy_from_slice(&self.output[self.output_at..self.output_at + len]);
        self.output_at += len;
        Ok(len)
    }
}
