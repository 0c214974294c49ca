//! What a dialect is made of: its ways of writing, and a table of fields.

use super::Layout;

/// How a field's characters are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// A byte a character.
    Text,
    /// A byte a character, in code page 037 of EBCDIC.
    Ebcdic,
    /// Two digits a byte; an odd number is filled on the right.
    Digits,
    /// Two digits a byte; an odd number is filled on the left.
    DigitsRight,
    /// One character, then two digits a byte: a sign with an amount.
    SignedDigits,
    /// Bytes.
    Binary,
    /// Two upper-case hexadecimal characters a byte.
    Hexadecimal,
}

impl Content {
    /// Returns how many bytes so many characters take.
    #[must_use]
    pub const fn bytes_of(self, len: usize) -> usize {
        match self {
            Content::Text | Content::Ebcdic | Content::Binary => len,
            Content::Digits | Content::DigitsRight => len.div_ceil(2),
            Content::SignedDigits if len == 0 => 0,
            Content::SignedDigits => 1 + (len - 1).div_ceil(2),
            Content::Hexadecimal => 2 * len,
        }
    }
}

/// How long a field is, in characters, digits or bytes of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// Always as long.
    Fixed(u16),
    /// As the two digits in front of it say, at most so long.
    Two(u16),
    /// As the three digits in front of it say, at most so long.
    Three(u16),
}

/// Which characters a field may hold, in the letters of the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `n`: digits.
    Digits,
    /// `an`: digits and letters, and `anp` with spaces.
    Letters,
    /// `ans`: any text.
    Text,
    /// `x + n`: `C` or `D`, then digits.
    SignedAmount,
    /// `z`: a track.
    Track,
    /// `b`: bytes.
    Binary,
}

impl Kind {
    /// Says whether characters are of this kind.
    #[must_use]
    pub fn fits(self, characters: &[u8]) -> bool {
        match self {
            Kind::Digits => characters.iter().all(u8::is_ascii_digit),
            Kind::Letters => characters.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b' '),
            Kind::SignedAmount => characters
                .split_first()
                .is_some_and(|(sign, digits)| b"CD".contains(sign) && digits.iter().all(u8::is_ascii_digit)),
            // Where tracks are characters, the separator is sent as `=` or as `D`.
            Kind::Track => characters.iter().all(|byte| matches!(byte, b'0'..=b'?' | b'D')),
            Kind::Text | Kind::Binary => true,
        }
    }
}

/// How much of a value people may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// All of it, as a text where it is one.
    Plain,
    /// All of it, in hexadecimal.
    Bytes,
    /// The first six and the last four characters: card and account numbers.
    Masked,
    /// How long it is: tracks, PINs, keys, names, and whatever a network puts into fields of its own.
    Hidden,
}

/// A field of a dialect.
#[derive(Debug, Clone, Copy)]
pub struct FieldSpec {
    /// Its number, 2 to 128.
    pub number: u8,
    /// What it is.
    pub name: &'static str,
    /// How long it is.
    pub length: Length,
    /// How it is written.
    pub content: Content,
    /// What it may hold.
    pub kind: Kind,
    /// How much of it people may see.
    pub shown: Shown,
    /// How it is divided.
    pub layout: Layout,
}

/// The fields of a dialect, by number.
#[derive(Debug, Clone, Copy)]
pub struct Fields([Option<FieldSpec>; 129]);

impl Fields {
    /// Makes a table. A number that comes again replaces what came before; numbers below 2 and above 128 are not
    /// fields and are left out.
    #[must_use]
    pub const fn new(specs: &[FieldSpec]) -> Fields {
        let mut fields = Fields([None; 129]);
        let mut at = 0;
        while at < specs.len() {
            fields = fields.with(specs[at]);
            at += 1;
        }
        fields
    }

    /// Adds or replaces a field.
    #[must_use]
    pub const fn with(mut self, spec: FieldSpec) -> Fields {
        if spec.number >= 2 && spec.number <= 128 {
            self.0[spec.number as usize] = Some(spec);
        }
        self
    }

    /// Says how a field is divided. A field that is not there stays so.
    #[must_use]
    pub const fn divided(self, number: u8, layout: Layout) -> Fields {
        match self.get(number) {
            Some(spec) => self.with(FieldSpec { layout, ..*spec }),
            None => self,
        }
    }

    /// Returns a field.
    #[must_use]
    pub const fn get(&self, number: u8) -> Option<&FieldSpec> {
        if number > 128 { None } else { self.0[number as usize].as_ref() }
    }

    /// Iterates over the fields, ascending.
    pub fn iter(&self) -> impl Iterator<Item = &FieldSpec> {
        self.0.iter().flatten()
    }
}

/// In which characters message types and lengths are written where they are characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alphabet {
    /// ASCII.
    Ascii,
    /// EBCDIC.
    Ebcdic,
    /// None: two digits a byte.
    Packed,
}

/// How lengths of fields are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LengthDigits {
    /// As characters of ASCII.
    Ascii,
    /// As characters of EBCDIC.
    Ebcdic,
    /// Two digits a byte; three digits with a zero in front: `00 08`.
    Packed,
    /// Two digits a byte; three digits with a zero behind: `00 80`.
    PackedLeft,
}

/// How the bitmap is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bitmap {
    /// Eight or sixteen bytes.
    Binary,
    /// Sixteen or thirty-two upper-case hexadecimal characters of ASCII.
    Hexadecimal,
}

/// What stands in front of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header {
    /// Nothing.
    None,
    /// Always so many bytes.
    Fixed(u8),
    /// A header that begins with its own length, such as 46; without it the message type comes first.
    OwnLength(u8),
    /// Eleven bytes that begin with 60, the address and header of a terminal; without it the message type comes
    /// first.
    Terminal,
}

impl Header {
    /// Returns how long the header is in front of these bytes.
    #[must_use]
    pub fn len_in(self, bytes: &[u8]) -> usize {
        match (self, bytes.first()) {
            (Header::Fixed(len), _) => usize::from(len),
            (Header::OwnLength(len), Some(first)) if *first == len => usize::from(len),
            (Header::Terminal, Some(0x60)) => 11,
            _ => 0,
        }
    }
}

/// How a network writes its messages. Networks of one's own are made from the ones given here:
///
/// ```
/// use suanpan_messages::iso8583::{Content, Dialect, FieldSpec, ISO_1987, Kind, Layout, Length, Shown};
///
/// let mut dialect: Dialect = ISO_1987;
/// dialect.name = "our switch";
/// dialect.fields = dialect.fields.with(FieldSpec {
///     number: 48,
///     name: "loyalty",
///     length: Length::Two(20),
///     content: Content::Text,
///     kind: Kind::Text,
///     shown: Shown::Hidden,
///     layout: Layout::Whole,
/// });
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    /// Its name.
    pub name: &'static str,
    /// How the message type is written.
    pub message_type: Alphabet,
    /// How the bitmap is written.
    pub bitmap: Bitmap,
    /// Whether the bitmap always has both halves, its first bit set.
    pub wide: bool,
    /// How lengths of fields are written.
    pub lengths: LengthDigits,
    /// What stands in front of the message type.
    pub header: Header,
    /// How that is divided.
    pub header_layout: Layout,
    /// The fields.
    pub fields: Fields,
}
