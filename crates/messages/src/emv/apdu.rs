//! Commands to a chip card (ISO/IEC 7816-4 as EMV 4.3 narrows it: book 1, 9.4; book 3, 6).
//!
//! EMV has short lengths only: at most 255 bytes go to the card and 256 come back.

use crate::tlv::Tag;
use std::fmt;

/// The most bytes that a command carries.
const DATA_MAX: usize = 255;

/// A command. Its data are not shown: they may hold a PIN or a cryptogram.
#[derive(Clone, PartialEq, Eq)]
pub struct Command {
    /// The class byte: 00 for ISO commands, 80 for those of EMV, with 04 for secure messaging.
    pub class: u8,
    /// The instruction byte.
    pub instruction: u8,
    /// The two parameters.
    pub parameters: [u8; 2],
    /// What goes to the card.
    data: Vec<u8>,
    /// How many bytes may come back, 1 to 256, where the command says it.
    expected: Option<u16>,
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = self.parameters;
        write!(
            f,
            "Command({:02X}{:02X}{first:02X}{second:02X}, {} bytes)",
            self.class,
            self.instruction,
            self.data.len()
        )
    }
}

/// Why bytes are not a command, or a command cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// Fewer bytes than a header has.
    #[error("a command has at least 4 bytes, not {0}")]
    Short(usize),
    /// The length byte tells another length.
    #[error("the length at offset 4 tells {declared} bytes of data, but {found} bytes follow it")]
    Length {
        /// What the byte says.
        declared: usize,
        /// How many bytes follow.
        found: usize,
    },
    /// A length of two bytes, which EMV does not have.
    #[error("the length at offset 4 is an extended one: EMV has none")]
    Extended,
    /// Too much data.
    #[error("a command carries at most {DATA_MAX} bytes, not {0}")]
    LongData(usize),
    /// A file or record number out of range.
    #[error("short file identifiers are 1 to 30 and records 1 to 255, not {file} and {record}")]
    Record {
        /// The short file identifier.
        file: u8,
        /// The record.
        record: u8,
    },
    /// GET DATA asks for tags of one or two bytes.
    #[error("GET DATA has room for a tag of two bytes, which {0} is not")]
    Tag(Tag),
}

/// Which cryptogram a terminal asks for, or a card gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CryptogramKind {
    /// AAC: declined.
    Declined,
    /// TC: approved offline.
    Approved,
    /// ARQC: the issuer is to decide online.
    Online,
}

impl CryptogramKind {
    /// Returns the two highest bits of a reference control parameter or of tag 9F27.
    const fn bits(self) -> u8 {
        match self {
            CryptogramKind::Declined => 0x00,
            CryptogramKind::Approved => 0x40,
            CryptogramKind::Online => 0x80,
        }
    }

    /// Reads the two highest bits; the fourth value is reserved.
    #[must_use]
    pub const fn from_bits(byte: u8) -> Option<CryptogramKind> {
        match byte & 0xC0 {
            0x00 => Some(CryptogramKind::Declined),
            0x40 => Some(CryptogramKind::Approved),
            0x80 => Some(CryptogramKind::Online),
            _ => None,
        }
    }
}

/// What a command asks, as far as EMV names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// SELECT by name.
    Select,
    /// GET PROCESSING OPTIONS.
    ProcessingOptions,
    /// READ RECORD.
    ReadRecord {
        /// The short file identifier.
        file: u8,
        /// The record.
        record: u8,
    },
    /// GENERATE AC.
    Generate {
        /// Which cryptogram, where the two bits name one.
        kind: Option<CryptogramKind>,
        /// Whether it is to be signed together with the data (CDA).
        combined: bool,
    },
    /// GET DATA.
    GetData(Tag),
    /// INTERNAL AUTHENTICATE: sign what the DDOL names.
    InternalAuthenticate,
    /// EXTERNAL AUTHENTICATE: the issuer's answer.
    ExternalAuthenticate,
    /// GET CHALLENGE.
    Challenge,
    /// VERIFY: the PIN.
    Verify,
    /// PIN CHANGE/UNBLOCK, from an issuer's script.
    PinChange,
    /// PUT DATA, from an issuer's script.
    PutData(Tag),
    /// UPDATE RECORD, from an issuer's script.
    UpdateRecord {
        /// The short file identifier.
        file: u8,
        /// The record.
        record: u8,
    },
    /// APPLICATION BLOCK, from an issuer's script.
    ApplicationBlock,
    /// APPLICATION UNBLOCK, from an issuer's script.
    ApplicationUnblock,
    /// CARD BLOCK, from an issuer's script.
    CardBlock,
    /// GET RESPONSE: the rest of an answer.
    GetResponse,
}

impl Command {
    /// Makes a command.
    ///
    /// # Errors
    /// When the data are too long.
    pub fn new(header: [u8; 4], data: Vec<u8>, answer: bool) -> Result<Command, CommandError> {
        let [class, instruction, first, second] = header;
        if data.len() > DATA_MAX {
            return Err(CommandError::LongData(data.len()));
        }
        let expected = answer.then_some(256);
        Ok(Command { class, instruction, parameters: [first, second], data, expected })
    }

    /// Makes SELECT for the first application or directory of a name: `1PAY.SYS.DDF01`, an AID.
    ///
    /// # Errors
    /// When the name is too long.
    pub fn select(name: &[u8]) -> Result<Command, CommandError> {
        Command::new([0x00, 0xA4, 0x04, 0x00], name.to_vec(), true)
    }

    /// Makes GET PROCESSING OPTIONS with the values that the card's PDOL names; none where it has none.
    ///
    /// # Errors
    /// When the values are too long.
    pub fn processing_options(values: &[u8]) -> Result<Command, CommandError> {
        let data = crate::tlv::encode(&[crate::tlv::Object { tag: Tag(0x83), value: values.to_vec() }]);
        Command::new([0x80, 0xA8, 0x00, 0x00], data, true)
    }

    /// Makes READ RECORD.
    ///
    /// # Errors
    /// When there is no such file or record number.
    pub fn read_record(file: u8, record: u8) -> Result<Command, CommandError> {
        if !(1..=30).contains(&file) || record == 0 {
            return Err(CommandError::Record { file, record });
        }
        Command::new([0x00, 0xB2, record, file << 3 | 4], Vec::new(), true)
    }

    /// Makes GENERATE AC with the values that CDOL1 or CDOL2 names.
    ///
    /// # Errors
    /// When the values are too long.
    pub fn generate(kind: CryptogramKind, combined: bool, values: Vec<u8>) -> Result<Command, CommandError> {
        let control = kind.bits() | if combined { 0x10 } else { 0 };
        Command::new([0x80, 0xAE, control, 0x00], values, true)
    }

    /// Makes GET DATA: 9F36, 9F13, 9F17, 9F4F, and what schemes add, such as 9F79.
    ///
    /// # Errors
    /// When the tag has more than two bytes.
    pub fn get_data(tag: Tag) -> Result<Command, CommandError> {
        let [high, low] = u16::try_from(tag.0).map_err(|_| CommandError::Tag(tag))?.to_be_bytes();
        Command::new([0x80, 0xCA, high, low], Vec::new(), true)
    }

    /// Makes INTERNAL AUTHENTICATE with the values that the DDOL names.
    ///
    /// # Errors
    /// When the values are too long.
    pub fn internal_authenticate(values: Vec<u8>) -> Result<Command, CommandError> {
        Command::new([0x00, 0x88, 0x00, 0x00], values, true)
    }

    /// Makes EXTERNAL AUTHENTICATE with the issuer's answer, tag 91.
    ///
    /// # Errors
    /// When it is too long.
    pub fn external_authenticate(issuer_data: &[u8]) -> Result<Command, CommandError> {
        Command::new([0x00, 0x82, 0x00, 0x00], issuer_data.to_vec(), false)
    }

    /// Makes GET RESPONSE, which fetches the rest of an answer.
    #[must_use]
    pub const fn get_response(count: u16) -> Command {
        let header =
            Command { class: 0x00, instruction: 0xC0, parameters: [0, 0], data: Vec::new(), expected: None };
        header.expecting(count)
    }

    /// Returns the command with another number of bytes that may come back, at most 256: a card may name the one that it
    /// wants.
    #[must_use]
    pub const fn expecting(mut self, count: u16) -> Command {
        self.expected = Some(if count == 0 || count > 256 { 256 } else { count });
        self
    }

    /// Reads a command.
    ///
    /// # Errors
    /// [`CommandError`], with the place.
    pub fn decode(bytes: &[u8]) -> Result<Command, CommandError> {
        let (header, rest) = bytes.split_first_chunk::<4>().ok_or(CommandError::Short(bytes.len()))?;
        let [class, instruction, first, second] = *header;
        let length = |byte: u8| if byte == 0 { 256 } else { u16::from(byte) };
        let (data, expected) = match rest {
            [] => (&[][..], None),
            [expected] => (&[][..], Some(length(*expected))),
            [0, ..] => return Err(CommandError::Extended),
            [declared, rest @ ..] => match (usize::from(*declared), rest.split_last()) {
                (declared, _) if declared == rest.len() => (rest, None),
                (declared, Some((last, data))) if declared == data.len() => (data, Some(length(*last))),
                (declared, _) => return Err(CommandError::Length { declared, found: rest.len() }),
            },
        };
        Ok(Command { class, instruction, parameters: [first, second], data: data.to_vec(), expected })
    }

    /// Writes the command.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![self.class, self.instruction];
        bytes.extend(self.parameters);
        if !self.data.is_empty() {
            bytes.push(u8::try_from(self.data.len()).expect("at most 255 bytes"));
            bytes.extend(&self.data);
        }
        // 256 is written as 00.
        bytes.extend(self.expected.map(|expected| expected.to_be_bytes()[1]));
        bytes
    }

    /// Returns what goes to the card.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// Returns how many bytes may come back, where the command says it.
    #[must_use]
    pub const fn expected(&self) -> Option<u16> {
        self.expected
    }

    /// Tells what the command asks; nothing for commands that EMV does not name.
    #[must_use]
    pub fn request(&self) -> Option<Request> {
        let [first, second] = self.parameters;
        let tag = Tag(u32::from(u16::from_be_bytes([first, second])));
        let record = (second & 7 == 4).then_some((second >> 3, first));
        // Bits 3 and 4 say how messages are secured, not what is asked (book 3, 6.3.2).
        Some(match (self.class & 0xF3, self.instruction) {
            (0x00, 0xA4) => Request::Select,
            (0x80, 0xA8) => Request::ProcessingOptions,
            (0x00, 0xB2) => record.map(|(file, record)| Request::ReadRecord { file, record })?,
            (0x80, 0xAE) => {
                Request::Generate { kind: CryptogramKind::from_bits(first), combined: first & 0x10 != 0 }
            }
            (0x80, 0xCA) => Request::GetData(tag),
            (0x00, 0x88) => Request::InternalAuthenticate,
            (0x00, 0x82) => Request::ExternalAuthenticate,
            (0x00, 0x84) => Request::Challenge,
            (0x00, 0x20) => Request::Verify,
            (0x80, 0x24) => Request::PinChange,
            (0x00, 0xDA) => Request::PutData(tag),
            (0x00, 0xDC) => record.map(|(file, record)| Request::UpdateRecord { file, record })?,
            (0x80, 0x1E) => Request::ApplicationBlock,
            (0x80, 0x18) => Request::ApplicationUnblock,
            (0x80, 0x16) => Request::CardBlock,
            (0x00, 0xC0) => Request::GetResponse,
            _ => return None,
        })
    }
}
