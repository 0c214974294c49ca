//! The data of a chip payment by name and as values: DE55 of ISO 8583, answers of cards, what an issuer sends.

use crate::emv::bits::{Information, IssuerData};
use crate::emv::script::{self, Script, ScriptError};
use crate::emv::tags::{self, Known, Privacy};
use crate::emv::track::{Track2, masked};
use crate::tlv::{Object, Tag, TlvError, decode, encode};
use std::fmt;
use suanpan_money::Currency;

/// Tags that may stand more than once.
const REPEATED: [Tag; 2] = [script::BEFORE, script::AFTER];

/// Data objects of one payment, each tag once. Shown by tag and length alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChipData(Vec<Object>);

/// Why data cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChipDataError {
    /// The bytes are not BER-TLV.
    #[error(transparent)]
    Tlv(#[from] TlvError),
    /// A tag stands twice, so that nobody can say which value counts.
    #[error("{0} stands more than once")]
    Twice(Tag),
    /// A value is not what its tag says.
    #[error("{tag} ({name}) of {length} bytes does not have its length or its digits")]
    Value {
        /// The tag.
        tag: Tag,
        /// Its name.
        name: &'static str,
        /// How long the value is.
        length: usize,
    },
}

/// A day as a card knows it: the century is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChipDate {
    /// Two digits of the year.
    pub year: u8,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

/// An amount in minor units with its currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChipAmount {
    /// Minor units: twelve digits fit.
    pub minor: i64,
    /// The currency.
    pub currency: Currency,
}

/// The issuer's answer (91).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct IssuerAnswer {
    /// The cryptogram (ARPC) of method 1.
    pub cryptogram: [u8; 8],
    /// The response code (ARC).
    pub response: [u8; 2],
}

impl fmt::Debug for IssuerAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IssuerAnswer(.., {})", self.response.escape_ascii())
    }
}

impl ChipData {
    /// Reads data objects side by side, such as DE55.
    ///
    /// # Errors
    /// When the bytes are not BER-TLV, or a tag other than a script stands twice.
    pub fn decode(bytes: &[u8]) -> Result<ChipData, ChipDataError> {
        ChipData::new(decode(bytes)?)
    }

    /// Takes data objects.
    ///
    /// # Errors
    /// When a tag other than a script stands twice.
    pub fn new(objects: Vec<Object>) -> Result<ChipData, ChipDataError> {
        let mut tags: Vec<Tag> = objects.iter().map(|object| object.tag).collect();
        tags.sort_unstable();
        match tags.windows(2).find(|pair| pair[0] == pair[1] && !REPEATED.contains(&pair[0])) {
            Some(pair) => Err(ChipDataError::Twice(pair[0])),
            None => Ok(ChipData(objects)),
        }
    }

    /// Writes the objects in their order.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        encode(&self.0)
    }

    /// Iterates over the objects with what is known of them.
    pub fn objects(&self) -> impl Iterator<Item = (&Object, Option<&'static Known>)> {
        self.0.iter().map(|object| (object, tags::known(object.tag)))
    }

    /// Returns the value of a tag.
    #[must_use]
    pub fn get(&self, tag: Tag) -> Option<&[u8]> {
        self.0.iter().find(|object| object.tag == tag).map(|object| &object.value[..])
    }

    /// Finds all values that do not have the length or the digits of their tag.
    pub fn misfits(&self) -> impl Iterator<Item = ChipDataError> {
        self.objects().filter_map(|(object, known)| {
            let known = known.filter(|known| !known.fits(&object.value))?;
            Some(misfit(known, object.value.len()))
        })
    }

    /// Returns a value that fits its tag.
    fn fitting(&self, tag: u32) -> Result<Option<&[u8]>, ChipDataError> {
        match (self.get(Tag(tag)), tags::known(Tag(tag))) {
            (Some(value), Some(known)) if !known.fits(value) => Err(misfit(known, value.len())),
            (value, _) => Ok(value),
        }
    }

    fn array<const N: usize>(&self, tag: u32) -> Result<Option<[u8; N]>, ChipDataError> {
        Ok(self.fitting(tag)?.and_then(|value| value.try_into().ok()))
    }

    fn number(&self, tag: u32) -> Result<Option<i64>, ChipDataError> {
        let digits = |value: &[u8]| value.iter().flat_map(|byte| [byte >> 4, byte & 15]).collect::<Vec<_>>();
        Ok(self
            .fitting(tag)?
            .map(|value| digits(value).iter().fold(0, |sum, digit| sum * 10 + i64::from(*digit))))
    }

    /// Returns the amount (9F02) with its currency (5F2A), where both are told and the currency is known.
    ///
    /// # Errors
    /// When a value does not fit its tag.
    pub fn amount(&self) -> Result<Option<ChipAmount>, ChipDataError> {
        let amount = self.number(0x9F02)?.zip(self.currency()?);
        Ok(amount.map(|(minor, currency)| ChipAmount { minor, currency }))
    }

    /// Returns the other amount (9F03), which is cash back, in minor units.
    ///
    /// # Errors
    /// When the value does not fit its tag.
    pub fn other_amount_minor(&self) -> Result<Option<i64>, ChipDataError> {
        self.number(0x9F03)
    }

    /// Returns the currency (5F2A), where it is one of ISO 4217.
    ///
    /// # Errors
    /// When the value does not fit its tag.
    pub fn currency(&self) -> Result<Option<Currency>, ChipDataError> {
        let number = self.number(0x5F2A)?.and_then(|number| u16::try_from(number).ok());
        Ok(number.and_then(Currency::from_numeric))
    }

    /// Returns the day of the payment (9A).
    ///
    /// # Errors
    /// When the value does not fit its tag, or is no day.
    pub fn date(&self) -> Result<Option<ChipDate>, ChipDataError> {
        self.day(0x9A)
    }

    /// Returns the last day on which the card is good (5F24).
    ///
    /// # Errors
    /// When the value does not fit its tag, or is no day.
    pub fn expiry(&self) -> Result<Option<ChipDate>, ChipDataError> {
        self.day(0x5F24)
    }

    fn day(&self, tag: u32) -> Result<Option<ChipDate>, ChipDataError> {
        let Some(digits) = self.array::<3>(tag)? else { return Ok(None) };
        let [year, month, day] = digits.map(|byte| (byte >> 4) * 10 + (byte & 15));
        match tags::known(Tag(tag)) {
            Some(known) if !(1..=12).contains(&month) || !(1..=31).contains(&day) => Err(misfit(known, 3)),
            _ => Ok(Some(ChipDate { year, month, day })),
        }
    }

    /// Returns the kind of payment (9C): 00 purchase, 01 cash, 09 purchase with cash back, 20 refund.
    ///
    /// # Errors
    /// When the value does not fit its tag.
    pub fn transaction_type(&self) -> Result<Option<u8>, ChipDataError> {
        Ok(self.array::<1>(0x9C)?.map(|[kind]| kind))
    }

    /// Returns the terminal verification results (95): see [`bits::TERMINAL_RESULTS`](super::bits::TERMINAL_RESULTS).
    ///
    /// # Errors
    /// When the value does not fit its tag.
    pub fn terminal_results(&self) -> Result<Option<[u8; 5]>, ChipDataError> {
        self.array(0x95)
    }

    /// Returns the transaction status information (9B): see
    /// [`bits::STATUS_INFORMATION`](super::bits::STATUS_INFORMATION).
    ///
    /// # Errors
    /// When the value does not fit its tag.
    pub fn status_information(&self) -> Result<Option<[u8; 2]>, ChipDataError> {
        self.array(0x9B)
    }

    /// Returns the interchange profile (82): see [`bits::INTERCHANGE_PROFILE`](super::bits::INTERCHANGE_PROFILE).
    ///
    /// # Errors
    /// When the value does not fit its tag.
    pub fn interchange_profile(&self) -> Result<Option<[u8; 2]>, ChipDataError> {
        self.array(0x82)
    }

    /// Returns the counter of the card's payments (9F36).
    ///
    /// # Errors
    /// When the value does not fit its tag.
    pub fn counter(&self) -> Result<Option<u16>, ChipDataError> {
        Ok(self.array(0x9F36)?.map(u16::from_be_bytes))
    }

    /// Returns the cryptogram (9F26).
    ///
    /// # Errors
    /// When the value does not fit its tag.
    pub fn cryptogram(&self) -> Result<Option<[u8; 8]>, ChipDataError> {
        self.array(0x9F26)
    }

    /// Returns the unpredictable number (9F37).
    ///
    /// # Errors
    /// When the value does not fit its tag.
    pub fn unpredictable(&self) -> Result<Option<[u8; 4]>, ChipDataError> {
        self.array(0x9F37)
    }

    /// Returns what the card says of its cryptogram (9F27).
    ///
    /// # Errors
    /// When the value does not fit its tag.
    pub fn information(&self) -> Result<Option<Information>, ChipDataError> {
        Ok(self.array::<1>(0x9F27)?.and_then(|[byte]| Information::decode(byte)))
    }

    /// Returns the issuer application data (9F10), where they are laid out as Visa and PBOC do.
    ///
    /// # Errors
    /// When the value does not fit its tag.
    pub fn issuer_data(&self) -> Result<Option<IssuerData>, ChipDataError> {
        Ok(self.fitting(0x9F10)?.and_then(IssuerData::decode))
    }

    /// Returns the sequence number of the card (5F34).
    ///
    /// # Errors
    /// When the value does not fit its tag.
    pub fn card_sequence(&self) -> Result<Option<u8>, ChipDataError> {
        Ok(self.array::<1>(0x5F34)?.map(|[byte]| (byte >> 4) * 10 + (byte & 15)))
    }

    /// Returns track 2 (57), which shows itself masked.
    ///
    /// # Errors
    /// When it is not a track 2.
    pub fn track_2(&self) -> Result<Option<Track2>, ChipDataError> {
        let Some(value) = self.get(Tag(0x57)) else { return Ok(None) };
        let name = tags::known(Tag(0x57)).map_or("", |known| known.name);
        let wrong = ChipDataError::Value { tag: Tag(0x57), name, length: value.len() };
        Track2::decode(value).map(Some).ok_or(wrong)
    }

    /// Returns the issuer's answer (91), where it is one of method 1.
    ///
    /// # Errors
    /// When the value does not fit its tag.
    pub fn issuer_answer(&self) -> Result<Option<IssuerAnswer>, ChipDataError> {
        let Some(value) = self.fitting(0x91)? else { return Ok(None) };
        let (cryptogram, rest) = value.split_at_checked(8).unwrap_or_default();
        let parts = cryptogram.try_into().ok().zip(rest.try_into().ok());
        Ok(parts.map(|(cryptogram, response)| IssuerAnswer { cryptogram, response }))
    }

    /// Returns the issuer's scripts (71 and 72) in their order.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn scripts(&self) -> Result<Vec<Script>, ScriptError> {
        self.0.iter().filter(|object| REPEATED.contains(&object.tag)).map(Script::read).collect()
    }

    /// Writes a value for people: letters as they are, numbers as digits, bytes in hexadecimal; what tells who
    /// the cardholder is, masked.
    #[must_use]
    pub fn shown(&self, tag: Tag) -> Option<String> {
        let value = self.get(tag)?;
        let hexadecimal = || value.iter().map(|byte| format!("{byte:02X}")).collect::<String>();
        let known = tags::known(tag);
        Some(match known.map(|known| (known.format, known.privacy)) {
            Some((tags::Format::Track, _)) => {
                Track2::decode(value).map_or_else(|| "*".repeat(value.len()), |track| track.to_string())
            }
            Some((tags::Format::CompressedNumeric, Privacy::Personal)) if tag == Tag(0x5A) => {
                masked(hexadecimal().trim_end_matches('F'))
            }
            Some((_, Privacy::Personal)) => "*".repeat(value.len()),
            Some((tags::Format::Letters | tags::Format::Text, Privacy::Plain))
                if value.iter().all(|byte| (b' '..=b'~').contains(byte)) =>
            {
                value.iter().copied().map(char::from).collect()
            }
            // A template, or what nobody knows, may hold anything.
            None => "*".repeat(value.len()),
            Some(_) if tag.is_constructed() => "*".repeat(value.len()),
            Some(_) => hexadecimal(),
        })
    }
}

fn misfit(known: &Known, length: usize) -> ChipDataError {
    ChipDataError::Value { tag: known.tag, name: known.name, length }
}
