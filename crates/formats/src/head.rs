//! The beginning of a file, from which its format is told.

use crate::limits::HEAD_BYTES;
use crate::sheet::Sheet;
use std::borrow::Cow;
use std::sync::OnceLock;

/// How bytes stand for characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextEncoding {
    /// UTF-8.
    Utf8,
    /// GB18030, and so GBK and GB2312.
    Gb18030,
    /// Windows code page 1252, and so nearly ISO 8859-1. Every byte is some character.
    Windows1252,
    /// UTF-16, little end first.
    Utf16Le,
    /// UTF-16, big end first.
    Utf16Be,
}

impl TextEncoding {
    /// Returns the name used in files and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            TextEncoding::Utf8 => "utf-8",
            TextEncoding::Gb18030 => "gb18030",
            TextEncoding::Windows1252 => "windows-1252",
            TextEncoding::Utf16Le => "utf-16le",
            TextEncoding::Utf16Be => "utf-16be",
        }
    }

    /// Finds an encoding by its name in files, in any case; `gbk` and `gb2312` are `gb18030`.
    #[must_use]
    pub fn parse(name: &str) -> Option<TextEncoding> {
        Some(match name.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" => TextEncoding::Utf8,
            "gb18030" | "gbk" | "gb2312" => TextEncoding::Gb18030,
            "windows-1252" | "cp1252" | "iso-8859-1" | "latin1" => TextEncoding::Windows1252,
            "utf-16le" => TextEncoding::Utf16Le,
            "utf-16be" => TextEncoding::Utf16Be,
            _ => return None,
        })
    }

    pub(crate) fn library(self) -> &'static encoding_rs::Encoding {
        match self {
            TextEncoding::Utf8 => encoding_rs::UTF_8,
            TextEncoding::Gb18030 => encoding_rs::GB18030,
            TextEncoding::Windows1252 => encoding_rs::WINDOWS_1252,
            TextEncoding::Utf16Le => encoding_rs::UTF_16LE,
            TextEncoding::Utf16Be => encoding_rs::UTF_16BE,
        }
    }

    /// Decodes text; what is not a character becomes U+FFFD.
    #[must_use]
    pub fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        self.library().decode_without_bom_handling(bytes).0
    }

    /// Tells the encoding and the length of the byte order mark. Without a mark: UTF-8 where the bytes
    /// are that, else GB18030 where they are that and hold Han characters, else Windows 1252.
    #[must_use]
    pub fn tell(bytes: &[u8], whole: bool) -> (TextEncoding, usize) {
        match bytes {
            [0xEF, 0xBB, 0xBF, ..] => return (TextEncoding::Utf8, 3),
            [0xFF, 0xFE, ..] => return (TextEncoding::Utf16Le, 2),
            [0xFE, 0xFF, ..] => return (TextEncoding::Utf16Be, 2),
            _ => {}
        }
        let utf8 = match std::str::from_utf8(bytes) {
            Ok(_) => true,
            // A character that the end of the head cuts in two.
            Err(error) => !whole && error.error_len().is_none(),
        };
        if utf8 {
            return (TextEncoding::Utf8, 0);
        }
        // A cut character at the end of the head costs at most four bytes.
        let sure = if whole { bytes } else { &bytes[..bytes.len().saturating_sub(4)] };
        let (_, had_errors) = encoding_rs::GB18030.decode_without_bom_handling(sure);
        let (common, rare) = han_pairs(sure);
        if !had_errors && common > 0 && common >= 4 * rare {
            return (TextEncoding::Gb18030, 0);
        }
        (TextEncoding::Windows1252, 0)
    }
}

/// Counts the characters that would be of GB 2312, whose bytes are both high, and those that would be of
/// its extensions. Letters with accents among ASCII look like the latter.
fn han_pairs(bytes: &[u8]) -> (usize, usize) {
    let (mut common, mut rare, mut at) = (0, 0, 0);
    while at < bytes.len() {
        at += match (bytes[at], bytes.get(at + 1)) {
            (..0x81, _) => 1,
            (_, Some(0xA1..)) => {
                common += 1;
                2
            }
            (_, Some(b'0'..=b'9')) => {
                rare += 1;
                4
            }
            _ => {
                rare += 1;
                2
            }
        };
    }
    (common, rare)
}

/// The beginning of a file. Holds at most [`HEAD_BYTES`], but for spreadsheets all of it, since those
/// can only be read whole.
#[derive(Debug, Clone)]
pub struct Head {
    /// The bytes as they are, after decompression.
    pub bytes: Vec<u8>,
    /// Whether these are all bytes of the file.
    pub whole: bool,
    /// What the bytes are as text.
    pub encoding: TextEncoding,
    /// The text, without byte order mark. Lines end by line feeds in it.
    pub text: String,
    /// The byte that ends lines: old files have carriage returns alone.
    pub(crate) line_end: u8,
    /// The sheets of a workbook, once they were asked for.
    sheets: OnceLock<Result<Vec<Sheet>, String>>,
}

impl Head {
    /// Makes a head from the first bytes of a file (the rest after [`HEAD_BYTES`] is not looked at, but
    /// for spreadsheets).
    #[must_use]
    pub fn new(mut bytes: Vec<u8>, whole: bool) -> Head {
        let sheet = is_spreadsheet(&bytes);
        let whole = whole && (sheet || bytes.len() <= HEAD_BYTES);
        if !sheet {
            bytes.truncate(HEAD_BYTES);
        }
        let (encoding, mark) = TextEncoding::tell(&bytes[..bytes.len().min(HEAD_BYTES)], whole);
        let mut text = if sheet { String::new() } else { encoding.decode(&bytes[mark..]).into_owned() };
        let only_returns = text.contains('\r') && !text.contains('\n');
        if only_returns {
            text = text.replace('\r', "\n");
        }
        let line_end = if only_returns { b'\r' } else { b'\n' };
        Head { bytes, whole, encoding, text, line_end, sheets: OnceLock::new() }
    }

    /// Says whether the file is a spreadsheet (an Office Open XML or OLE container).
    #[must_use]
    pub fn is_spreadsheet(&self) -> bool {
        is_spreadsheet(&self.bytes)
    }

    /// Returns the sheets of a workbook, or why they cannot be read. It is read once, whoever asks.
    ///
    /// # Errors
    /// As [`sheet::sheets`](crate::sheet::sheets), as text.
    pub fn sheets(&self) -> Result<&[Sheet], &str> {
        let sheets = self.sheets.get_or_init(|| crate::sheet::sheets(&self.bytes).map_err(|e| e.to_string()));
        sheets.as_deref().map_err(String::as_str)
    }

    /// Iterates over the lines of the text, numbered from 1, without line ends. Where the head is not the
    /// whole file, the last line is left out unless it is the only one: it may be cut.
    pub fn lines(&self) -> impl Iterator<Item = (u64, &str)> {
        let text = match self.text.rfind('\n') {
            Some(end) if !self.whole => &self.text[..end],
            _ => &self.text,
        };
        text.lines().enumerate().map(|(at, line)| (at as u64 + 1, line))
    }

    /// Finds the first of the leading lines for which a test holds.
    pub fn find_line(&self, lines_max: usize, test: impl Fn(&str) -> bool) -> Option<(u64, &str)> {
        self.lines().take(lines_max).find(|(_, line)| test(line))
    }
}

/// Says whether bytes begin a spreadsheet: a zip container with the parts of Office Open XML, or OLE.
#[must_use]
pub(crate) fn is_spreadsheet(bytes: &[u8]) -> bool {
    const OLE: [u8; 8] = [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1];
    bytes.starts_with(&OLE)
        || (bytes.starts_with(b"PK\x03\x04")
            && ["[Content_Types].xml", "xl/", "_rels/.rels", "docProps/"]
                .iter()
                .any(|part| bytes.get(30..30 + part.len()) == Some(part.as_bytes())))
}
