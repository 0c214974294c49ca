//! Answers of a chip card: status, directories, processing options, records, cryptograms (EMV 4.3, book 1, 11
//! and 12; book 3, 6.5 and 10).

use crate::emv::apdu::{Command, CommandError};
use crate::tlv::{Object, Tag, TlvError, decode, find};
use std::fmt;

/// The most bytes that an answer carries.
const ANSWER_MAX: usize = 256;

/// An answer. Its data are not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// What the card gave.
    pub data: Vec<u8>,
    /// How it went.
    pub status: Status,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({} bytes, {})", self.data.len(), self.status)
    }
}

/// Why bytes are not an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an answer has 2 to 258 bytes, not {0}")]
pub struct ResponseError(pub usize);

impl Response {
    /// Reads an answer: data, then two bytes of status.
    ///
    /// # Errors
    /// When there are too few or too many bytes.
    pub fn decode(bytes: &[u8]) -> Result<Response, ResponseError> {
        match bytes.split_last_chunk::<2>() {
            Some((data, status)) if data.len() <= ANSWER_MAX => {
                Ok(Response { data: data.to_vec(), status: Status(u16::from_be_bytes(*status)) })
            }
            _ => Err(ResponseError(bytes.len())),
        }
    }

    /// Writes the answer.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        [&self.data[..], &self.status.0.to_be_bytes()].concat()
    }
}

/// The two status bytes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status(pub u16);

impl Status {
    /// Says whether the command was done: 9000, or 61 with more to fetch.
    #[must_use]
    pub const fn is_done(self) -> bool {
        self.0 == 0x9000 || self.0 >> 8 == 0x61
    }

    /// Returns what the status means (ISO/IEC 7816-4; EMV 4.3, book 3, table 6 and the commands' own).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            0x9000 => "done",
            0x6100..=0x61FF => "done, more bytes to fetch",
            0x6200 => "warning: nothing told",
            0x6281 => "warning: part of the data may be corrupted",
            0x6283 => "selected file is invalidated",
            0x6300 => "authentication failed",
            0x63C0..=0x63CF => "PIN wrong, tries left",
            0x6400 => "not executed",
            0x6581 => "memory failure",
            0x6700 => "wrong length",
            0x6882 => "secure messaging not supported",
            0x6982 => "security status not satisfied",
            0x6983 => "authentication method blocked",
            0x6984 => "referenced data invalidated",
            0x6985 => "conditions of use not satisfied",
            0x6986 => "command not allowed",
            0x6987 => "secure messaging object missing",
            0x6988 => "secure messaging object wrong",
            0x6A80 => "data field wrong",
            0x6A81 => "function not supported",
            0x6A82 => "file or application not found",
            0x6A83 => "record not found",
            0x6A84 => "not enough memory in the file",
            0x6A86 => "parameters wrong",
            0x6A88 => "referenced data not found",
            0x6B00 => "parameters out of range",
            0x6C00..=0x6CFF => "wrong expected length, the right one is told",
            0x6D00 => "instruction not supported",
            0x6E00 => "class not supported",
            0x6F00 => "no precise diagnosis",
            0x9303 => "application locked for ever",
            _ => "not named",
        }
    }

    /// Returns how often a PIN may still be tried, where the status tells it.
    #[must_use]
    pub const fn tries_left(self) -> Option<u8> {
        match self.0.to_be_bytes() {
            [0x63, low] if low >> 4 == 0xC => Some(low & 15),
            [0x69, 0x83] => Some(0),
            _ => None,
        }
    }

    /// Returns how many bytes can be fetched by GET RESPONSE, where the status tells it.
    #[must_use]
    pub const fn more(self) -> Option<u16> {
        match self.0.to_be_bytes() {
            [0x61, 0] => Some(256),
            [0x61, low] => Some(low as u16),
            _ => None,
        }
    }
}

impl Status {
    /// Returns how many bytes the card wants to be asked for, where the status tells that it wants another number.
    #[must_use]
    pub const fn other_length(self) -> Option<u16> {
        match self.0.to_be_bytes() {
            [0x6C, 0] => Some(256),
            [0x6C, low] => Some(low as u16),
            _ => None,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X} {}", self.0, self.name())
    }
}

/// Why the data of an answer do not say what they should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// The card did not do what was asked.
    #[error("the card answers {0}")]
    Status(Status),
    /// The data are not BER-TLV.
    #[error("in the answer: {0}")]
    Tlv(#[from] TlvError),
    /// There is another template, or more than one.
    #[error("the answer is not one template {0}")]
    Template(&'static str),
    /// Something is missing.
    #[error("the answer has no {0}")]
    Missing(Tag),
    /// A value does not have its length.
    #[error("{tag} has {found} bytes")]
    Length {
        /// Whose value.
        tag: Tag,
        /// How many bytes it has.
        found: usize,
    },
    /// The file locator cannot be followed.
    #[error("entry {0} of the file locator names no file, no records, or more signed records than records")]
    Locator(usize),
}

/// An application that a directory offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// Its identifier, to be selected by.
    pub name: Vec<u8>,
    /// Its place in the cardholder's order, 1 first; 0 is no order.
    pub priority: u8,
    /// Whether the cardholder must confirm it.
    pub confirm: bool,
    /// Its label, as bytes of the character set that the card names.
    pub label: Option<Vec<u8>>,
}

/// Which records a card wants to be read, and what it can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The interchange profile (82).
    pub profile: [u8; 2],
    /// The records (94); none where the answer holds all that is needed.
    pub locator: Locator,
    /// All objects, in one form whether the card answered with lengths or without.
    pub objects: Vec<Object>,
}

/// The application file locator (94).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Locator(Vec<[u8; 4]>);

/// One record to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The short file identifier.
    pub file: u8,
    /// The record.
    pub record: u8,
    /// Whether it takes part in offline data authentication.
    pub signed: bool,
}

impl Response {
    /// Returns the data of an answer that was done.
    ///
    /// # Errors
    /// When the status says otherwise.
    pub fn done(&self) -> Result<&[u8], AnswerError> {
        if self.status.is_done() { Ok(&self.data) } else { Err(AnswerError::Status(self.status)) }
    }

    /// Reads the objects of an answer.
    ///
    /// # Errors
    /// When the command was not done, or the data are not BER-TLV.
    pub fn objects(&self) -> Result<Vec<Object>, AnswerError> {
        Ok(decode(self.done()?)?)
    }

    /// Reads the applications of a directory (`2PAY.SYS.DDF01`), best first; those without order come last.
    ///
    /// # Errors
    /// When the answer is not a directory.
    pub fn applications(&self) -> Result<Vec<Application>, AnswerError> {
        let template = self.template(0x6F, "6F")?;
        let inner = find(&template, Tag(0xBF0C))?.ok_or(AnswerError::Missing(Tag(0xBF0C)))?;
        let mut applications = Vec::new();
        for entry in inner.children()?.into_iter().filter(|object| object.tag == Tag(0x61)) {
            let objects = entry.children()?;
            let value = |tag: u32| objects.iter().find(|object| object.tag == Tag(tag));
            let name = value(0x4F).ok_or(AnswerError::Missing(Tag(0x4F)))?.value.clone();
            if !(5..=16).contains(&name.len()) {
                return Err(AnswerError::Length { tag: Tag(0x4F), found: name.len() });
            }
            let order = value(0x87).and_then(|object| object.value.first()).copied().unwrap_or_default();
            let label = value(0x50).map(|object| object.value.clone());
            applications.push(Application { name, priority: order & 15, confirm: order & 0x80 != 0, label });
        }
        applications.sort_by_key(|application| (application.priority == 0, application.priority));
        Ok(applications)
    }

    /// Reads an answer to GET PROCESSING OPTIONS in either form.
    ///
    /// # Errors
    /// When it is neither, has no profile, or names records that cannot be.
    pub fn options(&self) -> Result<Options, AnswerError> {
        let objects = match self.objects()?.as_slice() {
            [object] if object.tag == Tag(0x77) => object.children()?,
            [object] if object.tag == Tag(0x80) => {
                let short = AnswerError::Length { tag: Tag(0x80), found: object.value.len() };
                let (profile, files) = object.value.split_at_checked(2).ok_or(short)?;
                [(0x82, profile), (0x94, files)]
                    .map(|(tag, value)| Object { tag: Tag(tag), value: value.to_vec() })
                    .to_vec()
            }
            _ => return Err(AnswerError::Template("77 or 80")),
        };
        let value = |tag: u32| objects.iter().find(|object| object.tag == Tag(tag)).map(|o| &o.value[..]);
        let profile = value(0x82).ok_or(AnswerError::Missing(Tag(0x82)))?;
        let wrong = AnswerError::Length { tag: Tag(0x82), found: profile.len() };
        let profile = profile.try_into().map_err(|_| wrong)?;
        let locator = value(0x94).map_or(Ok(Locator::default()), Locator::decode)?;
        Ok(Options { profile, locator, objects })
    }

    /// Reads the objects of a record.
    ///
    /// # Errors
    /// When the answer is not one template 70.
    pub fn record(&self) -> Result<Vec<Object>, AnswerError> {
        self.template(0x70, "70")
    }

    /// Reads an answer to GENERATE AC in either form: 9F27, 9F36, 9F26 and, where given, 9F10.
    ///
    /// # Errors
    /// When it is neither form.
    pub fn generated(&self) -> Result<Vec<Object>, AnswerError> {
        match self.objects()?.as_slice() {
            [object] if object.tag == Tag(0x77) => Ok(object.children()?),
            [object] if object.tag == Tag(0x80) => {
                let wrong = AnswerError::Length { tag: Tag(0x80), found: object.value.len() };
                // One byte of information, two of the counter, eight of the cryptogram, up to 32 of the issuer's.
                let (fixed, rest) = object.value.split_at_checked(11).ok_or(wrong)?;
                if rest.len() > 32 {
                    return Err(wrong);
                }
                let parts = [(0x9F27, &fixed[..1]), (0x9F36, &fixed[1..3]), (0x9F26, &fixed[3..])];
                let all = parts.into_iter().chain((!rest.is_empty()).then_some((0x9F10, rest)));
                Ok(all.map(|(tag, value)| Object { tag: Tag(tag), value: value.to_vec() }).collect())
            }
            _ => Err(AnswerError::Template("77 or 80")),
        }
    }

    fn template(&self, tag: u32, name: &'static str) -> Result<Vec<Object>, AnswerError> {
        match self.objects()?.as_slice() {
            [object] if object.tag == Tag(tag) => Ok(object.children()?),
            _ => Err(AnswerError::Template(name)),
        }
    }
}

impl Locator {
    /// Reads a file locator: four bytes each for file, first record, last record, signed records.
    ///
    /// # Errors
    /// When the length is not a multiple of four, or an entry cannot be followed.
    pub fn decode(bytes: &[u8]) -> Result<Locator, AnswerError> {
        let (entries, rest) = bytes.as_chunks::<4>();
        if !rest.is_empty() {
            return Err(AnswerError::Length { tag: Tag(0x94), found: bytes.len() });
        }
        let sound = |[file, first, last, signed]: &[u8; 4]| {
            file & 7 == 0
                && (1..=30).contains(&(file >> 3))
                && *first > 0
                && first <= last
                && u16::from(*signed) <= u16::from(last - first) + 1
        };
        match entries.iter().position(|entry| !sound(entry)) {
            Some(place) => Err(AnswerError::Locator(place + 1)),
            None => Ok(Locator(entries.to_vec())),
        }
    }

    /// Iterates over the records in the order in which they are to be read.
    pub fn places(&self) -> impl Iterator<Item = Place> {
        self.0.iter().flat_map(|[file, first, last, signed]| {
            (*first..=*last).map(move |record| Place {
                file: file >> 3,
                record,
                signed: record - first < *signed,
            })
        })
    }
}

impl Place {
    /// Makes the command that reads the record.
    ///
    /// # Errors
    /// When there is no such file or record number.
    pub fn command(self) -> Result<Command, CommandError> {
        Command::read_record(self.file, self.record)
    }
}
