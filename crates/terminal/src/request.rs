//! What a terminal is, and what a payment is to it.

use suanpan_messages::emv::data::ChipDate;
use suanpan_messages::tlv::Tag;
use suanpan_money::Currency;

/// What does not change from payment to payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TerminalSettings {
    /// The country it stands in, as ISO 3166-1 numbers it (9F1A).
    pub country: u16,
    /// Up to this no PIN is asked for, in minor units of the currency of the payment; above it, always.
    pub pin_free_minor: i64,
    /// The serial number of the device (9F1E): eight letters or digits.
    pub serial: [u8; 8],
}

/// One payment, with the chance and the day that the kernel does not draw itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payment {
    /// How much, in minor units; twelve digits at most.
    pub amount_minor: i64,
    /// The currency.
    pub currency: Currency,
    /// The day, where the terminal stands.
    pub date: ChipDate,
    /// Counts the payments of the terminal (9F41), eight digits at most.
    pub sequence: u32,
    /// A number that nobody could know before (9F37).
    pub unpredictable: [u8; 4],
}

/// Terminal type: attended, online only, operated by a merchant (EMV 4.3, book 4, annex A1).
pub(crate) const TYPE: u8 = 0x21;
/// Terminal capabilities (9F33): no contact chip and no magnetic stripe, PIN for online verification, no verification.
pub(crate) const CAPABILITIES: [u8; 3] = [0x00, 0x48, 0x00];
/// Version of the application (9F09), as real terminals of UnionPay send it.
const VERSION: [u8; 2] = [0x00, 0x20];
/// Nothing was found out offline: these are the terminal's results of a payment that goes online (95).
const RESULTS: [u8; 5] = [0; 5];
/// A purchase (9C).
const PURCHASE: u8 = 0x00;

/// qPBOC is spoken and a PIN can be entered for online verification (9F66, byte 1).
const SPEAKS_QPBOC: u8 = 0x20 | 0x04;
/// A cryptogram for the issuer is wanted in any case (byte 2).
const ONLINE: u8 = 0x80;
/// The holder must be verified (byte 2).
const VERIFY: u8 = 0x40;
/// The issuer's answer can be given to the card, and a telephone may verify its holder (byte 3).
const UPDATES_AND_DEVICES: u8 = 0x80 | 0x40;

impl Payment {
    /// Whether the holder must be verified whatever the card says.
    pub(crate) fn needs_verification(&self, settings: &TerminalSettings) -> bool {
        self.amount_minor > settings.pin_free_minor
    }

    /// Returns the terminal's value of a tag; none of what it does not know.
    pub(crate) fn value(&self, settings: &TerminalSettings, tag: Tag) -> Option<Vec<u8>> {
        let ChipDate { year, month, day } = self.date;
        Some(match tag.0 {
            0x9F66 => self.qualifiers(settings).to_vec(),
            0x9F02 => digits(self.amount_minor.unsigned_abs(), 6),
            0x9F03 => vec![0; 6],
            0x9F1A => digits(settings.country.into(), 2),
            0x95 => RESULTS.to_vec(),
            0x5F2A => digits(self.currency.numeric().into(), 2),
            0x9A => [year, month, day].into_iter().flat_map(|part| digits(part.into(), 1)).collect(),
            0x9C => vec![PURCHASE],
            0x9F37 => self.unpredictable.to_vec(),
            0x9F33 => CAPABILITIES.to_vec(),
            0x9F35 => vec![TYPE],
            0x9F1E => settings.serial.to_vec(),
            0x9F09 => VERSION.to_vec(),
            0x9F41 => digits(self.sequence.into(), 4),
            _ => return None,
        })
    }

    /// The terminal transaction qualifiers.
    fn qualifiers(&self, settings: &TerminalSettings) -> [u8; 4] {
        let verify = if self.needs_verification(settings) { VERIFY } else { 0 };
        [SPEAKS_QPBOC, ONLINE | verify, UPDATES_AND_DEVICES, 0]
    }
}

/// Writes the last digits of a number, two a byte.
fn digits(number: u64, bytes: usize) -> Vec<u8> {
    let mut value = vec![0; bytes];
    let mut rest = number;
    for byte in value.iter_mut().rev() {
        *byte = u8::try_from(((rest / 10 % 10) << 4) | (rest % 10)).unwrap_or_default();
        rest /= 100;
    }
    value
}
