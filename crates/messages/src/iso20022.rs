//! ISO 20022 payments: pain.001, pain.002, pacs.008, pacs.002, pacs.004, camt.056, camt.029.
//!
//! [`read`] takes any version of a message: elements are told by their local names and may come in any order.
//! Elements that are not modelled are passed over and told in [`Received::unknown`], so that nothing is lost in
//! silence. [`write`](fn@write) writes the one version that [`Message::definition`] names, in the order of its schema, and
//! refuses what that schema does not allow.
//!
//! ```
//! use suanpan_messages::iso20022::{self, Message, scheme};
//! let text = br#"<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08"><FIToFICstmrCdtTrf>
//!   <GrpHdr><MsgId>M1</MsgId><NbOfTxs>2</NbOfTxs></GrpHdr>
//!   <CdtTrfTxInf><IntrBkSttlmAmt Ccy="EUR">1.50</IntrBkSttlmAmt></CdtTrfTxInf>
//! </FIToFICstmrCdtTrf></Document>"#;
//! let received = iso20022::read(text).unwrap();
//! let Message::CreditTransfer(transfer) = &received.message else { panic!() };
//! assert_eq!(transfer.transactions.len(), 1);
//! assert!(iso20022::totals::totals(&received.message).iter().any(|total| !total.agrees()));
//! ```
//!
//! Names of elements, their order and their limits are those of the message definitions of ISO 20022, as
//! their schemas of 2019 give them (pain.001.001.09, pain.002.001.10, pacs.008.001.08, pacs.002.001.10,
//! pacs.004.001.09, camt.056.001.08, camt.029.001.09, head.001.001.02).

pub mod answer;
pub mod cancellation;
pub mod credit_transfer;
pub mod detail;
pub mod header;
pub mod initiation;
pub mod limits;
mod part;
pub mod party;
pub mod returned;
pub mod scheme;
mod source;
pub mod status;
pub mod totals;
pub mod value;

pub use part::{DOUBTFUL, MISSING, VALUE, Violation};
pub(crate) use source::is_xml;
pub use source::{Fault, Place, Span, Unknown};

use cancellation::{CancellationRequest, Resolution};
use credit_transfer::CreditTransfer;
use header::Header;
use initiation::Initiation;
use part::{Check, Part, Sink};
use returned::Return;
use source::{Halt, Source, Tag};
use status::{CustomerReport, StatusReport};

macro_rules! messages {
    ($($(#[$meta:meta])* $case:ident($type:ident) = $definition:literal, $element:literal;)*) => {
        /// A message.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Message {$(
            $(#[$meta])*
            $case(Box<$type>),
        )*}

        impl Message {
            /// Returns the definition and version in which it is written.
            #[must_use]
            pub const fn definition(&self) -> &'static str {
                match self { $(Message::$case(_) => $definition,)* }
            }

            /// Returns the name of its element.
            #[must_use]
            pub const fn element(&self) -> &'static str {
                match self { $(Message::$case(_) => $element,)* }
            }

            fn part_of(tag: Tag<'_>, source: &mut Source<'_>) -> Result<Option<Message>, Halt> {
                Ok(Some(match tag.name {
                    $($element => Message::$case(Part::read(tag, source)?),)*
                    _ => return Ok(None),
                }))
            }

            fn write_part(&self, sink: &mut Sink) {
                match self { $(Message::$case(message) => message.write($element, sink),)* }
            }

            #[cfg(test)]
            fn any(random: &mut tests::Random) -> Vec<Message> {
                vec![$(Message::$case(Part::any(random)),)*]
            }

            fn check_part(&self, check: &mut Check) {
                match self {
                    $(Message::$case(message) => check.within($element, None, |check| message.check(check)),)*
                }
            }
        }

        /// The messages that are known: the definition that is written, and the element of every version.
        pub const DEFINITIONS: &[(&str, &str)] = &[$(($definition, $element)),*];
    };
}

messages! {
    /// pain.001: a customer's orders.
    Initiation(Initiation) = "pain.001.001.09", "CstmrCdtTrfInitn";
    /// pain.002: what became of a customer's orders.
    CustomerReport(CustomerReport) = "pain.002.001.10", "CstmrPmtStsRpt";
    /// pacs.008: credit transfers between institutions.
    CreditTransfer(CreditTransfer) = "pacs.008.001.08", "FIToFICstmrCdtTrf";
    /// pacs.002: what became of payments between institutions.
    StatusReport(StatusReport) = "pacs.002.001.10", "FIToFIPmtStsRpt";
    /// pacs.004: payments that come back.
    Return(Return) = "pacs.004.001.09", "PmtRtr";
    /// camt.056: a wish to cancel payments.
    CancellationRequest(CancellationRequest) = "camt.056.001.08", "FIToFIPmtCxlReq";
    /// camt.029: the answer to it.
    Resolution(Resolution) = "camt.029.001.09", "RsltnOfInvstgtn";
}

/// The definition and version in which headers are written.
pub const HEADER_DEFINITION: &str = "head.001.001.02";

/// The names of namespaces before the definition.
const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:";

/// A message that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// The header before it, where there is one of ISO 20022.
    pub header: Option<Box<Header>>,
    /// The definition and version that its namespace names; empty where it names none.
    pub definition: String,
    /// The message, without the transactions that could not be read.
    pub message: Message,
    /// Where its transactions stand, in their order.
    pub transactions: Vec<Span>,
    /// Transactions that could not be read, and values around them, in their order.
    pub faults: Vec<Fault>,
    /// Elements that were passed over.
    pub unknown: Vec<Unknown>,
    /// Where the document begins.
    pub place: Place,
}

/// Why a message cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It is too large.
    #[error("the text has {0} bytes, of at most {max}", max = limits::BYTES_MAX)]
    TooLarge(usize),
    /// It is not UTF-8.
    #[error("line {line}: the text is not UTF-8")]
    NotUtf8 {
        /// The line of the first byte that is not.
        line: u64,
    },
    /// It is broken at a place, and nothing after that can be read.
    #[error("{0}")]
    Broken(Fault),
    /// There is no document in it.
    #[error("there is no element Document in the text")]
    NoDocument,
    /// There are several documents in it, where one was asked for.
    #[error("there are {0} documents in the text, not one")]
    Several(usize),
    /// Transactions in it, or values around them, cannot be read.
    #[error("{} values cannot be read; the first: {}", .0.len(), .0.first().map(ToString::to_string).unwrap_or_default())]
    Faults(Vec<Fault>),
}

/// Reads a text with one message in which everything can be read.
///
/// # Errors
/// [`ReadError`] tells what is wrong and where.
pub fn read(bytes: &[u8]) -> Result<Received, ReadError> {
    let mut all = read_all(bytes)?;
    match (all.pop(), all.len()) {
        (None, _) => Err(ReadError::NoDocument),
        (Some(only), 0) if only.faults.is_empty() => Ok(only),
        (Some(only), 0) => Err(ReadError::Faults(only.faults)),
        (Some(_), others) => Err(ReadError::Several(others + 1)),
    }
}

/// Reads all messages of a text, in whatever envelopes they are. A transaction that cannot be read is told in
/// [`Received::faults`] and does not lose the others; a value around them that cannot be read is left out.
///
/// # Errors
/// When the text is not well-formed, too large, or holds a document that is none of the messages.
pub fn read_all(bytes: &[u8]) -> Result<Vec<Received>, ReadError> {
    let mut source = Source::new(text(bytes)?);
    let mut all = Vec::new();
    let mut header = None;
    loop {
        match step(&mut source, &mut header, &mut all) {
            Ok(true) => {}
            Ok(false) => return Ok(all),
            Err(Halt::Value(fault) | Halt::Broken(fault)) => return Err(ReadError::Broken(*fault)),
        }
    }
}

/// Reads the header of a text, whatever follows it.
///
/// # Errors
/// When the text is not well-formed up to there, or a value of the header cannot be read.
pub fn read_header(bytes: &[u8]) -> Result<Option<Header>, ReadError> {
    let mut source = Source::new(text(bytes)?);
    let mut find = || -> Result<Option<Header>, Halt> {
        loop {
            match source.child()? {
                Some(tag) if is_header(tag) => return Header::read(tag, &mut source).map(Some),
                Some(_) => {}
                None if source.is_at_end() => return Ok(None),
                None => {}
            }
        }
    };
    let header = find().map_err(|(Halt::Value(fault) | Halt::Broken(fault))| ReadError::Broken(*fault))?;
    if source.faults.is_empty() { Ok(header) } else { Err(ReadError::Faults(source.faults)) }
}

fn text(bytes: &[u8]) -> Result<&str, ReadError> {
    if bytes.len() > limits::BYTES_MAX {
        return Err(ReadError::TooLarge(bytes.len()));
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        ReadError::NotUtf8 { line: before.iter().filter(|b| **b == b'\n').count() as u64 + 1 }
    })
}

/// Says whether an element is a header of ISO 20022. Others have the same name in other namespaces.
fn is_header(tag: Tag<'_>) -> bool {
    let own = namespace(tag);
    tag.name == "AppHdr" && (own.is_empty() || definition(own).starts_with("head.001."))
}

/// Goes on by one element around the documents. Says whether there is more.
fn step(
    source: &mut Source<'_>,
    header: &mut Option<Box<Header>>,
    all: &mut Vec<Received>,
) -> Result<bool, Halt> {
    match source.child()? {
        None => return Ok(!source.is_at_end()),
        Some(tag) if is_header(tag) => *header = Some(Part::read(tag, source)?),
        Some(tag) if tag.name == "AppHdr" => source.pass_over()?,
        Some(tag) if tag.name == "Document" => {
            let place = source.place();
            let named = definition(namespace(tag)).to_owned();
            let message = document(&named, source)?;
            all.push(Received {
                header: header.take(),
                definition: named,
                message,
                transactions: std::mem::take(&mut source.transactions),
                faults: std::mem::take(&mut source.faults),
                unknown: source.take_unknown(),
                place,
            });
        }
        Some(_) => {}
    }
    Ok(true)
}

/// Reads the one message of a document.
fn document(named: &str, source: &mut Source<'_>) -> Result<Message, Halt> {
    let mut message = None;
    while let Some(tag) = source.child()? {
        if message.is_some() {
            source.pass_over()?;
            continue;
        }
        match Message::part_of(tag, source)? {
            Some(known) => message = Some(known),
            None => return Err(source.broken_here("is not one of the messages that can be read")),
        }
    }
    let Some(message) = message else {
        return Err(source.broken_here("the document has no message in it"));
    };
    // `pacs.008.001.07` is of the family `pacs.008`, whatever the version.
    if !named.is_empty() && named.get(..8) != message.definition().get(..8) {
        let what = format!("the namespace names {named}, and the message is {}", message.element());
        return Err(source.broken_here(&what));
    }
    Ok(message)
}

/// Returns the namespace of an element, where that stands in its own tag.
fn namespace<'a>(tag: Tag<'a>) -> &'a str {
    if tag.prefix.is_empty() {
        return tag.attribute("xmlns").unwrap_or_default();
    }
    tag.attribute(&format!("xmlns:{}", tag.prefix)).unwrap_or_default()
}

/// Finds a definition and version in a namespace: `pacs.008.001.08`. Those of countries and banks have more
/// around it.
fn definition(namespace: &str) -> &str {
    let shape = |text: &str| {
        text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 8 | 12 => byte == b'.',
            0..4 => byte.is_ascii_lowercase(),
            _ => byte.is_ascii_digit(),
        })
    };
    let places = 0..namespace.len();
    let found = places.filter_map(|at| namespace.get(at..at + 15)).find(|text| shape(text));
    found.unwrap_or_default()
}

/// Tells where a message breaks the schema in which it is written: what is missing, too long, not of its
/// shape, or has more decimals than its currency. At most [`limits::VIOLATIONS_MAX`] are told.
#[must_use]
pub fn check(message: &Message) -> Vec<Violation> {
    let mut check = Check::default();
    message.check_part(&mut check);
    check.found
}

/// Writes a message as a document of its [definition](Message::definition).
///
/// # Errors
/// What [`check`] tells: nothing is written that the schema does not allow.
pub fn write(message: &Message) -> Result<String, Vec<Violation>> {
    let broken = check(message);
    if !broken.is_empty() {
        return Err(broken);
    }
    let mut sink = Sink::new();
    let namespace = format!("{NAMESPACE}{}", message.definition());
    sink.element_with("Document", &[("xmlns", &namespace)], |sink| message.write_part(sink));
    Ok(sink.done())
}

/// Writes a header by itself.
///
/// # Errors
/// What the schema does not allow.
pub fn write_header(header: &Header) -> Result<String, Vec<Violation>> {
    let mut check = Check::default();
    check.within("AppHdr", None, |check| header.check(check));
    if !check.found.is_empty() {
        return Err(check.found);
    }
    let mut sink = Sink::new();
    let namespace = format!("{NAMESPACE}{HEADER_DEFINITION}");
    sink.element_with("AppHdr", &[("xmlns", &namespace)], |sink| header.write_parts(sink));
    Ok(sink.done())
}

#[cfg(test)]
mod tests;
