//! Layers of a stream: the raw file, then the compressions found by their magic bytes. Every layer
//! counts what it gives and turns failures into errors that name the file and the offset.

use super::error::SourceError;
use std::io::{self, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A boxed stream that may move to another thread.
pub(super) type Stream = Box<dyn Read + Send>;

/// How a file was compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Gzip, of one or many members.
    Gzip,
    /// Zstandard, of one or many frames.
    Zstd,
}

/// Compressions within one another that are still unpacked (`.csv.gz` inside a `.zst` …).
const LAYERS_MAX: usize = 3;

/// Content may be this many times the compressed bytes. Deflate cannot do more than 1,032; bills do
/// 5 to 50. What lies above is made to hurt.
pub const EXPANSION_MAX: u64 = 1_000;

/// Below this many bytes of content the ratio is not looked at.
pub const EXPANSION_FREE_BYTES: u64 = 256 << 20;

/// Content of one archive or compressed file: beyond 16 TiB no run of this engine would end.
pub const CONTENT_BYTES_MAX: u64 = 16 << 40;

/// The end of a chain that a file is read through.
pub(super) struct Chain {
    pub(super) stream: Stream,
    pub(super) compressions: Vec<Compression>,
}

/// Unpacks `raw`, a stream of `raw_len` bytes, until no compression is left. What lies inside must be
/// of a kind that `refuse` does not name.
pub(super) fn unpack(
    name: &Arc<str>,
    raw: Stream,
    raw_len: u64,
    refuse: fn(&[u8]) -> Option<Refused>,
) -> Result<Chain, SourceError> {
    let mut stream = raw;
    let mut compressions = Vec::new();
    loop {
        let peeked = Peeked::new(stream, MAGIC_BYTES);
        if let Some(what) = refuse(&peeked.head) {
            return Err(what.named(name));
        }
        let Some(compression) = compression(&peeked.head) else {
            return Ok(Chain { stream: Box::new(peeked), compressions });
        };
        if compressions.len() == LAYERS_MAX {
            return Err(SourceError::Unsupported {
                name: name.to_string(),
                what: "a file compressed more than three times over",
                advice: "decompress it first and give the plain file",
            });
        }
        compressions.push(compression);
        let input = BufReader::with_capacity(256 << 10, peeked);
        stream = match compression {
            Compression::Gzip => {
                let inner = flate2::bufread::MultiGzDecoder::new(input);
                Box::new(Layer::new(name, "gzip", inner, raw_len))
            }
            Compression::Zstd => {
                let inner = zstd::stream::read::Decoder::with_buffer(input)
                    .map_err(SourceError::io(name, "set up zstd for"))?;
                Box::new(Layer::new(name, "zstd", inner, raw_len))
            }
        };
    }
}

/// Bytes needed to tell every kind of file in [`refused`] and [`compression`].
pub(super) const MAGIC_BYTES: usize = 265;

/// Tells the compression by magic bytes.
pub(super) fn compression(head: &[u8]) -> Option<Compression> {
    match head {
        [0x1F, 0x8B, 0x08, ..] => Some(Compression::Gzip),
        // The second form is a skippable frame, with which parallel compressors begin.
        [0x28, 0xB5, 0x2F, 0xFD, ..] | [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..] => Some(Compression::Zstd),
        _ => None,
    }
}

/// Says whether the bytes begin a zip archive (possibly an empty one).
pub(super) fn is_zip(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
}

/// A kind of file that is known and not read.
pub(super) struct Refused {
    what: &'static str,
    advice: &'static str,
}

impl Refused {
    pub(super) fn named(&self, name: &str) -> SourceError {
        SourceError::Unsupported { name: name.to_owned(), what: self.what, advice: self.advice }
    }
}

/// Says whether the bytes begin a workbook of Excel, of either kind.
pub(super) fn is_workbook(head: &[u8]) -> bool {
    let first_member = head.get(30..).unwrap_or_default();
    let parts = ["[Content_Types].xml", "xl/", "_rels/.rels", "docProps/"];
    head.starts_with(&[0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1])
        || (is_zip(head) && parts.iter().any(|part| first_member.starts_with(part.as_bytes())))
}

/// As [`refused`], for who can read workbooks.
pub(super) fn refused_but_workbooks(head: &[u8]) -> Option<Refused> {
    if is_workbook(head) { None } else { refused(head) }
}

/// Tells files that are often sent but never read, so that the message is better than a parse error.
pub(super) fn refused(head: &[u8]) -> Option<Refused> {
    let unpack = "decompress it first; gzip, zstd and zip are read directly";
    let (what, advice) = match head {
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, ..] => ("a bzip2 file", unpack),
        [0xFD, b'7', b'z', b'X', b'Z', 0, ..] => ("an xz file", unpack),
        [b'7', b'z', 0xBC, 0xAF, 0x27, 0x1C, ..] => ("a 7z archive", unpack),
        [b'R', b'a', b'r', b'!', 0x1A, 0x07, ..] => ("a RAR archive", unpack),
        [0x04, 0x22, 0x4D, 0x18, ..] => ("an lz4 file", unpack),
        [0x1F, 0x9D, ..] => ("a file of the old Unix `compress`", unpack),
        [b'P', b'K', 0x07, 0x08, ..] => ("a zip archive split into parts", "join the parts first"),
        _ if is_workbook(head) => ("an Excel workbook", "save the sheet as CSV first"),
        [b'%', b'P', b'D', b'F', b'-', ..] => ("a PDF document", "ask the sender for CSV"),
        _ if head.len() > 262 && head[257..].starts_with(b"ustar") => {
            ("a tar archive", "unpack it into a directory first and give the directory")
        }
        _ if is_zip(head) => ("a zip archive inside another file", "unpack it first"),
        _ => return None,
    };
    Some(Refused { what, advice })
}

/// The first bytes of a stream beside the whole of it. A failure while peeking is kept and comes
/// again at its place, after the bytes before it.
pub(super) struct Peeked {
    pub(super) head: Vec<u8>,
    at: usize,
    rest: Stream,
    failed: Option<io::Error>,
}

impl Peeked {
    pub(super) fn new(mut rest: Stream, bytes: usize) -> Peeked {
        let mut head = vec![0; bytes];
        let mut len = 0;
        let mut failed = None;
        while len < bytes && failed.is_none() {
            match rest.read(&mut head[len..]) {
                Ok(0) => break,
                Ok(read) => len += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => failed = Some(error),
            }
        }
        head.truncate(len);
        Peeked { head, at: 0, rest, failed }
    }

    /// Passes over the first `bytes` of the head.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.at = bytes.min(self.head.len());
    }

    /// Says whether a failure follows the head.
    pub(super) fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Returns the failure when not even one byte came before it.
    pub(super) fn failed_at_once(&mut self) -> Option<io::Error> {
        if self.head.is_empty() { self.failed.take() } else { None }
    }
}

impl Read for Peeked {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.at < self.head.len() {
            let len = buf.len().min(self.head.len() - self.at);
            buf[..len].copy_from_slice(&self.head[self.at..self.at + len]);
            self.at += len;
            return Ok(len);
        }
        match self.failed.take() {
            // Layers fail again on every further read, so the error need not be kept.
            Some(error) => Err(error),
            None => self.rest.read(buf),
        }
    }
}

/// One layer: counts its content, limits it, and names its failures.
pub(super) struct Layer<R> {
    name: Arc<str>,
    container: &'static str,
    inner: R,
    offset: u64,
    compressed: u64,
    failed: bool,
}

impl<R: Read> Layer<R> {
    pub(super) fn new(name: &Arc<str>, container: &'static str, inner: R, compressed: u64) -> Self {
        Layer { name: Arc::clone(name), container, inner, offset: 0, compressed, failed: false }
    }

    fn check_size(&self) -> Result<(), SourceError> {
        let limit = if self.offset > CONTENT_BYTES_MAX {
            format!("{CONTENT_BYTES_MAX} bytes")
        } else if self.offset > EXPANSION_FREE_BYTES && self.offset / EXPANSION_MAX > self.compressed {
            format!("{EXPANSION_MAX} times")
        } else {
            return Ok(());
        };
        Err(SourceError::Bomb {
            name: self.name.to_string(),
            bytes: self.offset,
            compressed: self.compressed,
            limit,
        })
    }

    fn named(&self, error: io::Error) -> io::Error {
        let name = self.name.to_string();
        match error.downcast::<SourceError>() {
            // A deeper layer has named it already.
            Ok(error) => error.into(),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                SourceError::Truncated { name, container: self.container, offset: self.offset }.into()
            }
            Err(error) => SourceError::Damaged {
                name,
                container: self.container,
                offset: self.offset,
                reason: error.to_string(),
            }
            .into(),
        }
    }
}

impl<R: Read> Read for Layer<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.failed {
            // Decoders may report a clean end when asked again: that would hide lost records.
            return Err(self.named(io::Error::other("read again after a failure")));
        }
        match self.inner.read(buf) {
            Ok(len) => {
                self.offset += len as u64;
                self.check_size()?;
                Ok(len)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                self.failed = true;
                Err(self.named(error))
            }
        }
    }
}

/// The lowest layer: the file itself, whose failures are the operating system's.
pub(super) struct RawFile<R> {
    pub(super) name: Arc<str>,
    pub(super) inner: R,
    pub(super) read: Arc<AtomicU64>,
}

impl<R: Read> Read for RawFile<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(buf) {
            Ok(len) => {
                self.read.fetch_add(len as u64, Ordering::Relaxed);
                Ok(len)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => Err(SourceError::io(&self.name, "read")(error).into()),
        }
    }
}

/// The content of one zip member, checked against the length and checksum that the archive states.
pub(super) struct Member<R> {
    inner: R,
    left: u64,
    expected: u32,
    checksum: flate2::Crc,
}

impl<R: Read> Member<R> {
    pub(super) fn new(inner: R, len: u64, checksum: u32) -> Self {
        Member { inner, left: len, expected: checksum, checksum: flate2::Crc::new() }
    }
}

impl<R: Read> Read for Member<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let len = self.inner.read(buf)?;
        if len == 0 {
            if self.left > 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if self.checksum.sum() != self.expected {
                return Err(io::Error::other("the checksum does not agree"));
            }
            return Ok(0);
        }
        self.left = (self.left.checked_sub(len as u64))
            .ok_or_else(|| io::Error::other("more content than the archive declares"))?;
        self.checksum.update(&buf[..len]);
        Ok(len)
    }
}
