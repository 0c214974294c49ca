//! Merchant-presented codes ("EMV QR Code Specification for Payment Systems, Merchant-Presented Mode"):
//! objects of two digits of id, two digits of length, and text.
//!
//! Lengths count characters and the checksum runs over bytes, which differ as soon as a name is Chinese.

use crc::{CRC_16_IBM_3740, Crc};
use suanpan_money::Currency;

/// The most characters of a code.
const CHARACTERS_MAX: usize = 512;
const CHECKSUM: Crc<u16> = Crc::<u16>::new(&CRC_16_IBM_3740);

/// A data object; the value of a template is the text of its own objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its id, 0 to 99.
    pub id: u8,
    /// Its text, 1 to 99 characters.
    pub value: String,
}

/// A code without its checksum. The first object is the format indicator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MerchantCode {
    objects: Vec<Object>,
}

/// Why a text is no merchant-presented code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MerchantError {
    /// Too long.
    #[error("has {0} characters; the most are {CHARACTERS_MAX}")]
    Long(usize),
    /// No object can be read at this character.
    #[error("character {at}: {what}")]
    Syntax {
        /// Characters before it.
        at: usize,
        /// What was expected.
        what: &'static str,
    },
    /// An object breaks its rule.
    #[error("object {id:02} {what}")]
    Object {
        /// Its id.
        id: u8,
        /// What is wrong.
        what: &'static str,
    },
    /// The checksum does not follow.
    #[error("the checksum is {declared}, the text gives {computed}")]
    Checksum {
        /// As it is written.
        declared: String,
        /// As it follows.
        computed: String,
    },
}

impl MerchantCode {
    /// Reads a code and checks all rules that its own text can break.
    ///
    /// # Errors
    /// [`MerchantError`]; the checksum is looked at first, since a misread character is the usual cause.
    pub fn decode(text: &str) -> Result<MerchantCode, MerchantError> {
        let characters = text.chars().count();
        if characters > CHARACTERS_MAX {
            return Err(MerchantError::Long(characters));
        }
        let mut objects = objects(text)?;
        match objects.pop() {
            Some(Object { id: 63, value }) if value.chars().count() == 4 => {
                let body = &text[..text.len() - value.len()];
                let computed = format!("{:04X}", CHECKSUM.checksum(body.as_bytes()));
                if value != computed {
                    return Err(MerchantError::Checksum { declared: value, computed });
                }
            }
            _ => return Err(MerchantError::Object { id: 63, what: "is not the last one, of 4 characters" }),
        }
        let code = MerchantCode { objects };
        code.check()?;
        Ok(code)
    }

    /// Makes a code of objects, which are all but the checksum.
    ///
    /// # Errors
    /// As [`MerchantCode::decode`].
    pub fn new(objects: Vec<Object>) -> Result<MerchantCode, MerchantError> {
        let code = MerchantCode { objects };
        code.check()?;
        let characters = code.encode().chars().count();
        if characters > CHARACTERS_MAX {
            return Err(MerchantError::Long(characters));
        }
        Ok(code)
    }

    /// Writes the code with its checksum.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut text = String::new();
        for object in &self.objects {
            text.push_str(&format!("{:02}{:02}{}", object.id, object.value.chars().count(), object.value));
        }
        text.push_str("6304");
        let checksum = CHECKSUM.checksum(text.as_bytes());
        text.push_str(&format!("{checksum:04X}"));
        text
    }

    /// Iterates over the objects in their order, without the checksum.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.objects.iter()
    }

    /// Returns the text of an object.
    #[must_use]
    pub fn get(&self, id: u8) -> Option<&str> {
        self.objects.iter().find(|object| object.id == id).map(|object| object.value.as_str())
    }

    /// Returns the text of an object within a template.
    #[must_use]
    pub fn get_in(&self, template: u8, id: u8) -> Option<String> {
        let inner = objects(self.get(template)?).ok()?;
        inner.into_iter().find(|object| object.id == id).map(|object| object.value)
    }

    /// Says whether each payment has a code of its own (01 is 12).
    #[must_use]
    pub fn is_dynamic(&self) -> bool {
        self.get(1) == Some("12")
    }

    /// Returns the currency (53).
    #[must_use]
    pub fn currency(&self) -> Option<Currency> {
        Currency::from_numeric(self.get(53)?.parse().ok()?)
    }

    /// Returns the amount (54) in minor units of the currency; `None` where the payer names it.
    #[must_use]
    pub fn amount_minor(&self) -> Option<i64> {
        suanpan_money::parse_decimal(self.get(54)?.as_bytes(), self.currency()?.exponent()).ok()
    }

    fn check(&self) -> Result<(), MerchantError> {
        let fault = |id: u8, what: &'static str| Err(MerchantError::Object { id, what });
        if self.objects.first().is_none_or(|first| first.id != 0 || first.value != "01") {
            return fault(0, "is not the first one, with the value 01");
        }
        for (at, object) in self.objects.iter().enumerate() {
            let Object { id, value } = object;
            if self.objects[..at].iter().any(|before| before.id == *id) {
                return fault(*id, "comes twice");
            }
            if value.is_empty() || value.chars().count() > 99 {
                return fault(*id, "does not have 1 to 99 characters");
            }
            if value.chars().any(char::is_control) {
                return fault(*id, "holds a control character");
            }
            rule(*id, value)?;
        }
        if !self.objects.iter().any(|object| (2..=51).contains(&object.id)) {
            return fault(26, "or another account of the merchant (02 to 51) is not there");
        }
        for id in [52, 53, 58, 59, 60] {
            if self.get(id).is_none() {
                return fault(id, "is not there");
            }
        }
        for (id, convenience) in [(56, "02"), (57, "03")] {
            if self.get(id).is_some() != (self.get(55) == Some(convenience)) {
                return fault(id, "does not go with what object 55 says of a tip");
            }
        }
        Ok(())
    }
}

/// Reads objects one behind the other. Lengths count characters.
fn objects(text: &str) -> Result<Vec<Object>, MerchantError> {
    let mut rest = text.char_indices().peekable();
    let mut found = Vec::new();
    let mut at = 0;
    let number = |rest: &mut std::iter::Peekable<std::str::CharIndices<'_>>, at: usize, what| {
        let mut number = 0_u8;
        for _ in 0..2 {
            let digit =
                rest.next().and_then(|(_, c)| c.to_digit(10)).and_then(|digit| u8::try_from(digit).ok());
            number = number * 10 + digit.ok_or(MerchantError::Syntax { at, what })?;
        }
        Ok(number)
    };
    while rest.peek().is_some() {
        let id = number(&mut rest, at, "two digits of an id were expected")?;
        let len = usize::from(number(&mut rest, at + 2, "two digits of a length were expected")?);
        let start = rest.peek().map_or(text.len(), |(offset, _)| *offset);
        for taken in 0..len {
            if rest.next().is_none() {
                let what = "the text ends within an object";
                return Err(MerchantError::Syntax { at: at + 4 + taken, what });
            }
        }
        let end = rest.peek().map_or(text.len(), |(offset, _)| *offset);
        found.push(Object { id, value: text[start..end].to_owned() });
        at += 4 + len;
    }
    Ok(found)
}

/// Checks the value of one object.
fn rule(id: u8, value: &str) -> Result<(), MerchantError> {
    let characters = value.chars().count();
    let digits = |count: usize| value.len() == count && value.bytes().all(|b| b.is_ascii_digit());
    let fault = |what: &'static str| Err(MerchantError::Object { id, what });
    let decimal = |max: usize| {
        let (whole, decimals) = value.split_once('.').unwrap_or((value, ""));
        let plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        value.len() <= max && !whole.is_empty() && plain(whole) && plain(decimals)
    };
    match id {
        1 if !matches!(value, "11" | "12") => fault("is neither 11 nor 12"),
        26..=51 | 80..=99 => identified(id, value),
        52 if !digits(4) => fault("is not a merchant category of four digits"),
        53 if !digits(3) => fault("is not a currency of three digits"),
        54 | 56 if !decimal(13) => fault("is not an amount of at most 13 characters"),
        55 if !matches!(value, "01" | "02" | "03") => fault("is not 01, 02 or 03"),
        57 if !decimal(5) => fault("is not a percentage of at most 5 characters"),
        58 if characters != 2 || !value.bytes().all(|b| b.is_ascii_uppercase()) => {
            fault("is not a country of two capitals")
        }
        59 if characters > 25 => fault("is a name of more than 25 characters"),
        60 if characters > 15 => fault("is a city of more than 15 characters"),
        61 if characters > 10 => fault("is a postal code of more than 10 characters"),
        62 => objects(value).map(drop),
        63 => fault("stands before the end"),
        64 => {
            let inner = objects(value)?;
            let has = |id: u8| inner.iter().any(|object| object.id == id && !object.value.is_empty());
            if has(0) && has(1) { Ok(()) } else { fault("has no language (00) or no name (01)") }
        }
        _ => Ok(()),
    }
}

/// A template begins with who it belongs to: a text of at most 32 characters.
fn identified(id: u8, value: &str) -> Result<(), MerchantError> {
    let inner = objects(value)?;
    match inner.first() {
        Some(Object { id: 0, value }) if (1..=32).contains(&value.chars().count()) => Ok(()),
        _ => Err(MerchantError::Object {
            id,
            what: "does not begin with a unique identifier (00) of 1 to 32 characters",
        }),
    }
}
