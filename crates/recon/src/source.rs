//! Sources: everything between a path on the command line and text in memory.
//!
//! [`expand`] turns arguments (files, patterns, directories, archives, `-`) into a stable list of
//! [`SourceFile`]s. [`SourceFile::open`] finds compression and encoding by content and gives UTF-8
//! text: as a plain file that workers read in parallel, or as a stream. [`ndjson`] and [`parquet`]
//! turn their kinds of file into columns of text ([`batch::TextBatch`]); delimited text is read
//! elsewhere, since there the engine is fast by not making columns at all.
//!
//! Nothing here interprets a value. Numbers stay exactly the digits of the file.

pub mod batch;
mod detect;
mod encoding;
mod error;
mod expand;
pub mod ndjson;
pub mod parquet;
mod stream;

pub use detect::{Detected, detect_format};
pub use encoding::TextEncoding;
pub use error::SourceError;
pub use expand::{FILES_MAX, expand, expand_with};
pub use stream::{CONTENT_BYTES_MAX, Compression, EXPANSION_FREE_BYTES, EXPANSION_MAX};

use crate::rule::{Encoding, Format};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::SystemTime;
use stream::{Chain, Layer, Member, Peeked, RawFile, Stream};

/// Bytes from which encoding and format are told, and that [`Opened::head`] holds.
pub const HEAD_BYTES: usize = 64 << 10;

/// One input of a side: a file, or a member of a zip archive.
#[derive(Debug, Clone)]
pub struct SourceFile {
    name: Arc<str>,
    path: PathBuf,
    place: Place,
    /// Length and time of change when the file was first seen. A file that no longer has them is
    /// refused, since the engine reads inputs more than once and counts on the same bytes.
    seen: (u64, Option<SystemTime>),
    /// Where content is put that must be read at random but cannot be.
    spool_dir: PathBuf,
}

#[derive(Debug, Clone)]
enum Place {
    Whole,
    Member { start: u64, compressed: u64, len: u64, checksum: u32, method: Method },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Stored,
    Deflated,
    Zstd,
}

/// A file opened for reading its text.
pub struct Opened {
    /// The text.
    pub body: Body,
    /// The encoding that was found; the body is UTF-8 all the same.
    pub encoding: TextEncoding,
    /// The compressions that were found, outermost first. A zip archive is not among them.
    pub compressions: Vec<Compression>,
    /// The first bytes of the text (at most [`HEAD_BYTES`]), without the byte order mark.
    pub head: Vec<u8>,
    /// Whether `head` is the whole text.
    pub head_is_all: bool,
    /// Bytes of the file (as it is stored, of [`SourceFile::stored_len`]) that a stream has read so
    /// far, for progress. Stays 0 for [`Body::Plain`].
    pub stored_read: Arc<AtomicU64>,
}

/// Where the text of a file is.
pub enum Body {
    /// A plain UTF-8 file: the text is the `len` bytes from `start` on. Workers may read anywhere in
    /// it in parallel by positioned reads. It was not validated as UTF-8 beyond its beginning.
    Plain {
        /// The file.
        file: File,
        /// Offset of the first byte after the byte order mark.
        start: u64,
        /// Bytes of text from `start` on.
        len: u64,
    },
    /// UTF-8 text that can only be read from its beginning. Errors carry a [`SourceError`], which
    /// [`SourceError::from_read`] gives back.
    Stream(Box<dyn Read + Send>),
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body = match self.body {
            Body::Plain { start, len, .. } => format!("plain, {start}+{len}"),
            Body::Stream(_) => "stream".to_owned(),
        };
        f.debug_struct("Opened")
            .field("body", &body)
            .field("encoding", &self.encoding)
            .field("compressions", &self.compressions)
            .finish_non_exhaustive()
    }
}

impl SourceFile {
    /// Returns the name that people see: the path as given, `-`, or `bills.zip:2026-11-11.csv`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the file on disk: the archive for a member, the spooled copy for standard input.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the bytes that the input takes on disk, compressed as it is.
    #[must_use]
    pub fn stored_len(&self) -> u64 {
        match self.place {
            Place::Whole => self.seen.0,
            Place::Member { compressed, .. } => compressed,
        }
    }

    /// Returns the BLAKE3 digest of the stored bytes. Equal digests mean equal content; equal content
    /// that was compressed differently has different digests.
    ///
    /// # Errors
    /// When the file cannot be read or changed.
    pub fn digest(&self) -> Result<blake3::Hash, SourceError> {
        let mut hasher = blake3::Hasher::new();
        let mut raw = self.raw(&Arc::default())?;
        let mut buffer = vec![0; 1 << 20];
        loop {
            match raw.read(&mut buffer) {
                Ok(0) => return Ok(hasher.finalize()),
                Ok(len) => hasher.update(&buffer[..len]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(SourceError::from_read(&self.name, error)),
            };
        }
    }

    /// Opens the text of the file from its beginning. Opening again gives the same bytes again.
    ///
    /// # Errors
    /// When the file cannot be read, is empty, changed since it was first seen, is of a kind that is
    /// not read, or its byte order mark contradicts `encoding`. Failures further in come while reading.
    pub fn open(&self, encoding: Encoding) -> Result<Opened, SourceError> {
        if let Place::Whole = self.place
            && let Some(opened) = self.open_plain(encoding)?
        {
            return Ok(opened);
        }
        let stored_read = Arc::<AtomicU64>::default();
        let Chain { stream, compressions } = self.content(&stored_read)?;
        let mut peeked = Peeked::new(stream, HEAD_BYTES);
        if let Some(error) = peeked.failed_at_once() {
            return Err(SourceError::from_read(&self.name, error));
        }
        self.refuse_parquet(&peeked.head)?;
        let whole = peeked.head.len() < HEAD_BYTES && !peeked.has_failed();
        let choice = encoding::choose(&self.name, &peeked.head, whole, encoding)?;
        if peeked.head.len() <= choice.mark_len {
            return Err(SourceError::Empty { name: self.name.to_string() });
        }
        peeked.skip(choice.mark_len);
        let text: Stream = match choice.encoding {
            TextEncoding::Utf8 => Box::new(peeked),
            _ => Box::new(encoding::Transcoder::new(&self.name, choice, peeked)),
        };
        let mut text = Peeked::new(text, HEAD_BYTES);
        if let Some(error) = text.failed_at_once() {
            return Err(SourceError::from_read(&self.name, error));
        }
        let head = text.head.clone();
        Ok(Opened {
            head_is_all: head.len() < HEAD_BYTES && !text.has_failed(),
            body: Body::Stream(Box::new(text)),
            encoding: choice.encoding,
            compressions,
            head,
            stored_read,
        })
    }

    /// Opens an uncompressed UTF-8 file, or returns `None` where it is something else.
    fn open_plain(&self, encoding: Encoding) -> Result<Option<Opened>, SourceError> {
        let file = self.file()?;
        let mut head = vec![0; HEAD_BYTES];
        let len = read_at_most(&file, &mut head, 0).map_err(SourceError::io(&self.name, "read"))?;
        head.truncate(len);
        if stream::compression(&head).is_some() || stream::refused(&head).is_some() {
            return Ok(None);
        }
        self.refuse_parquet(&head)?;
        let file_len = self.seen.0;
        let choice = encoding::choose(&self.name, &head, file_len <= HEAD_BYTES as u64, encoding)?;
        let start = choice.mark_len as u64;
        if file_len <= start {
            return Err(SourceError::Empty { name: self.name.to_string() });
        }
        if choice.encoding != TextEncoding::Utf8 {
            return Ok(None);
        }
        head.drain(..choice.mark_len);
        Ok(Some(Opened {
            body: Body::Plain { file, start, len: file_len - start },
            encoding: choice.encoding,
            compressions: Vec::new(),
            head,
            head_is_all: file_len <= HEAD_BYTES as u64,
            stored_read: Arc::default(),
        }))
    }

    /// Makes the source of a file that was written for this run from another one, whose name people
    /// know.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn made(name: &str, path: &Path, spool_dir: &Path) -> Result<SourceFile, SourceError> {
        let metadata = std::fs::metadata(path).map_err(SourceError::io(name, "open"))?;
        Ok(SourceFile {
            name: Arc::from(name),
            path: path.to_owned(),
            place: Place::Whole,
            seen: (metadata.len(), metadata.modified().ok()),
            spool_dir: spool_dir.to_owned(),
        })
    }

    /// Opens the content as it is, with every compression taken off and nothing decoded.
    ///
    /// # Errors
    /// As [`SourceFile::open`]; workbooks are given too.
    pub fn open_bytes(&self) -> Result<Box<dyn Read + Send>, SourceError> {
        Ok(self.content_unless(&Arc::default(), stream::refused_but_workbooks)?.stream)
    }

    /// Tells the kind of file for [`Format::Auto`], by content.
    ///
    /// # Errors
    /// As [`SourceFile::open`], and for a JSON document that is not one object a line.
    pub fn detect(&self, encoding: Encoding) -> Result<Detected, SourceError> {
        let Chain { stream, .. } = self.content(&Arc::default())?;
        if is_parquet(&Peeked::new(stream, 64).head) {
            return Ok(Detected { format: Format::Parquet, delimiter: b',' });
        }
        detect_format(&self.open(encoding)?.head, &self.name)
    }

    /// Opens the content as a file that can be read at random: the file itself, or where it is
    /// compressed or a member of an archive, a copy without a name in the spool directory.
    pub(crate) fn open_at_random(&self) -> Result<File, SourceError> {
        if let Place::Whole = self.place {
            let file = self.file()?;
            let mut head = [0; stream::MAGIC_BYTES];
            let len = read_at_most(&file, &mut head, 0).map_err(SourceError::io(&self.name, "read"))?;
            if let Some(refused) = stream::refused(&head[..len]) {
                return Err(refused.named(&self.name));
            }
            if stream::compression(&head[..len]).is_none() {
                return Ok(file);
            }
        }
        let Chain { mut stream, .. } = self.content(&Arc::default())?;
        let (path, mut copy) = expand::new_spool_file(&self.spool_dir, "content", &self.name)?;
        // Without a name it goes away by itself, however the run ends.
        std::fs::remove_file(&path).map_err(SourceError::io(&self.name, "remove the spooled copy of"))?;
        io::copy(&mut stream, &mut copy).map_err(|error| SourceError::from_read(&self.name, error))?;
        copy.seek(SeekFrom::Start(0)).map_err(SourceError::io(&self.name, "read"))?;
        Ok(copy)
    }

    /// Returns the content with every compression taken off, not yet decoded to text.
    fn content(&self, stored_read: &Arc<AtomicU64>) -> Result<Chain, SourceError> {
        self.content_unless(stored_read, stream::refused)
    }

    fn content_unless(
        &self,
        stored_read: &Arc<AtomicU64>,
        refuse: fn(&[u8]) -> Option<stream::Refused>,
    ) -> Result<Chain, SourceError> {
        let raw = self.raw(stored_read)?;
        let (stream, len): (Stream, u64) = match self.place {
            Place::Whole => (raw, self.seen.0),
            Place::Member { compressed, len, checksum, method, .. } => {
                let input = io::BufReader::with_capacity(256 << 10, raw);
                let unpacked: Stream = match method {
                    Method::Stored => Box::new(input),
                    Method::Deflated => Box::new(flate2::bufread::DeflateDecoder::new(input)),
                    Method::Zstd => Box::new(
                        zstd::stream::read::Decoder::with_buffer(input)
                            .map_err(SourceError::io(&self.name, "set up zstd for"))?,
                    ),
                };
                let member = Member::new(unpacked, len, checksum);
                (Box::new(Layer::new(&self.name, "zip", member, compressed)), len)
            }
        };
        stream::unpack(&self.name, stream, len, refuse)
    }

    /// Returns the stored bytes.
    fn raw(&self, stored_read: &Arc<AtomicU64>) -> Result<Stream, SourceError> {
        let mut file = self.file()?;
        let (start, len) = match self.place {
            Place::Whole => (0, self.seen.0),
            Place::Member { start, compressed, .. } => (start, compressed),
        };
        file.seek(SeekFrom::Start(start)).map_err(SourceError::io(&self.name, "read"))?;
        let (name, read) = (Arc::clone(&self.name), Arc::clone(stored_read));
        Ok(Box::new(RawFile { name, inner: file.take(len), read }))
    }

    fn file(&self) -> Result<File, SourceError> {
        let file = File::open(&self.path).map_err(SourceError::io(&self.name, "open"))?;
        let metadata = file.metadata().map_err(SourceError::io(&self.name, "read"))?;
        if (metadata.len(), metadata.modified().ok()) != self.seen {
            return Err(SourceError::Changed { name: self.name.to_string() });
        }
        Ok(file)
    }

    fn refuse_parquet(&self, head: &[u8]) -> Result<(), SourceError> {
        if is_parquet(head) {
            return Err(SourceError::Unsupported {
                name: self.name.to_string(),
                what: "a Parquet file among text",
                advice: "set `format = \"parquet\"` or \"auto\" for this side",
            });
        }
        Ok(())
    }
}

/// Says whether the bytes begin a Parquet file. The four letters alone could be a column's name, but
/// what follows them in Parquet is binary.
fn is_parquet(head: &[u8]) -> bool {
    head.starts_with(b"PAR1")
        && head[4..].iter().take(60).any(|b| *b < b' ' && !matches!(b, b'\t' | b'\r' | b'\n'))
}

/// Reads from `offset` until `buffer` is full or the file ends.
fn read_at_most(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut len = 0;
    while len < buffer.len() {
        match file.read_at(&mut buffer[len..], offset + len as u64) {
            Ok(0) => break,
            Ok(read) => len += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(len)
}

#[cfg(test)]
mod tests;
