//! The issuer of the simulated cards: it knows the master key under which their keys were made, proves their cryptograms,
//! counts with them, and answers to their chips.

use std::collections::HashMap;
use suanpan_messages::emv::apdu::CryptogramKind;
use suanpan_messages::emv::bits::is_set;
use suanpan_messages::emv::cryptogram::{
    agrees, answer_1, application_cryptogram, card_key_option_a, data_pboc_01, session_key_pboc,
};
use suanpan_messages::emv::data::{ChipAmount, ChipData};
use suanpan_messages::emv::track::Track2;
use suanpan_messages::keys::DoubleKey;
use suanpan_messages::mac::Padding;
use suanpan_messages::pin::{Pin, read_format_0};
use suanpan_messages::tlv::{Object, Tag};
use suanpan_money::Currency;

/// Wrong PINs in a row after which none is taken.
pub const PIN_TRIES: u8 = 3;
/// Cards that are remembered.
const CARDS_MAX: usize = 1_000_000;

/// What the issuer goes by.
#[derive(Debug, Clone)]
pub struct Issuer {
    /// The master key, from which each card has its own.
    pub key: DoubleKey,
    /// Up to this a payment by chip needs no PIN, in minor units of any currency.
    pub pin_free_minor: u64,
}

impl Issuer {
    /// Takes a master key, with the limit that the networks in China agreed on: 1,000 yuan.
    #[must_use]
    pub const fn new(key: DoubleKey) -> Issuer {
        Issuer { key, pin_free_minor: 100_000 }
    }

    /// Derives the key of a card. None when that is no card number.
    #[must_use]
    pub fn card_key(&self, number: &str, sequence: u8) -> Option<DoubleKey> {
        card_key_option_a(&self.key, number, &format!("{sequence:02}")).ok()
    }

    /// Returns the PIN of a card, four digits: the natural PIN of the method of IBM 3624, which is part of the encrypted
    /// number, with letters taken for digits. The key for it comes from the master key, and is not that key.
    #[must_use]
    pub fn pin(&self, number: &str) -> String {
        let mut key = [0; 16];
        key[..8].copy_from_slice(&self.key.encrypt(*b"PIN KEY1"));
        key[8..].copy_from_slice(&self.key.encrypt(*b"PIN KEY2"));
        let digits = format!("{number:0>16}");
        let mut block = [0; 8];
        for (at, digit) in digits.bytes().skip(digits.len() - 16).enumerate() {
            block[at / 2] |= if at % 2 == 0 { (digit & 15) << 4 } else { digit & 15 };
        }
        let sealed = DoubleKey::new(key).encrypt(block);
        sealed[..2]
            .iter()
            .flat_map(|byte| [byte >> 4, byte & 15])
            .map(|it| char::from(b'0' + it % 10))
            .collect()
    }
}

/// What the issuer holds true about a payment by chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChipTruth {
    /// The counter of the card.
    pub counter: u16,
    /// Whether a PIN came with it.
    pub pin: bool,
    /// Why the issuer refused it; none when it did not.
    pub refused: Option<Refused>,
}

/// Why an issuer refuses a payment by chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// What came cannot be read, or parts of it contradict one another.
    Format,
    /// The card has expired.
    Expired,
    /// The cryptogram is not that of the card over this payment.
    Cryptogram,
    /// The card has counted further already: somebody plays an old payment again, or there are two such cards.
    Counter,
    /// A PIN is wanted.
    PinMissing,
    /// The PIN is wrong.
    PinWrong,
    /// It was wrong too often.
    PinBlocked,
}

impl Refused {
    /// The response code (field 39).
    const fn code(self) -> [u8; 2] {
        *match self {
            Refused::Format => b"30",
            Refused::Expired => b"54",
            Refused::Cryptogram | Refused::Counter => b"59",
            Refused::PinMissing | Refused::PinWrong => b"55",
            Refused::PinBlocked => b"75",
        }
    }
}

/// A payment by chip, as it was read.
pub(super) struct Presented {
    pub(super) number: String,
    pub(super) track_2: Option<Track2>,
    pub(super) sequence: u8,
    pub(super) data: Option<ChipData>,
    pub(super) amount_minor: u64,
    pub(super) currency: String,
    /// The PIN block under the key of the day, which is beside it.
    pub(super) pin_block: Option<([u8; 8], Option<DoubleKey>)>,
}

/// What is decided of it.
pub(super) struct Decided {
    pub(super) truth: ChipTruth,
    /// The response code, where the issuer refuses; none where its other rules go on.
    pub(super) refusal: Option<[u8; 2]>,
    /// What the answer to the chip is made with, where the chip has proven itself.
    pub(super) proven: Option<Proven>,
}

/// A cryptogram that was right, and the key for its answer.
pub(super) struct Proven {
    key: DoubleKey,
    cryptogram: [u8; 8],
    /// The card has verified its holder itself.
    by_device: bool,
}

impl Proven {
    /// Field 55 of the answer: the cryptogram of the issuer over the response code (91).
    pub(super) fn answer(&self, response: [u8; 2]) -> Vec<u8> {
        let proof = answer_1(&self.key, self.cryptogram, response);
        let value = [&proof[..], &response].concat();
        suanpan_messages::tlv::encode(&[Object { tag: Tag(0x91), value }])
    }
}

/// What is remembered of cards.
#[derive(Default)]
pub(super) struct Cards(HashMap<[u8; 32], Card>);

impl std::fmt::Debug for Cards {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cards({})", self.0.len())
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Card {
    /// The highest counter whose cryptogram was right.
    counter: u16,
    wrong_pins: u8,
}

impl Cards {
    /// Decides about a payment by chip. What the chip has proven is counted whatever becomes of the payment.
    pub(super) fn decide(&mut self, issuer: &Issuer, presented: &Presented) -> Decided {
        let mut truth =
            ChipTruth { counter: 0, pin: presented.pin_block.is_some(), refused: Some(Refused::Format) };
        let (proven, counter) = match prove(issuer, presented) {
            Ok(proven) => proven,
            Err((refused, counter)) => {
                truth.refused = Some(refused);
                truth.counter = counter;
                return Decided { truth, refusal: Some(refused.code()), proven: None };
            }
        };
        truth.counter = counter;
        let name = blake3::hash(format!("{}/{}", presented.number, presented.sequence).as_bytes());
        if self.0.len() >= CARDS_MAX {
            self.0.clear();
        }
        let card = self.0.entry(*name.as_bytes()).or_default();
        truth.refused = if counter <= card.counter {
            Some(Refused::Counter)
        } else {
            card.counter = counter;
            card.refuse(issuer, presented, proven.by_device)
        };
        // A copy of a card gets no answer that its chip would believe.
        let proven = (truth.refused != Some(Refused::Counter)).then_some(proven);
        Decided { truth, refusal: truth.refused.map(Refused::code), proven }
    }
}

impl Card {
    fn refuse(&mut self, issuer: &Issuer, presented: &Presented, by_device: bool) -> Option<Refused> {
        match &presented.pin_block {
            _ if self.wrong_pins >= PIN_TRIES => Some(Refused::PinBlocked),
            // A telephone has verified its holder, and its cryptogram says so.
            None if presented.amount_minor > issuer.pin_free_minor && !by_device => Some(Refused::PinMissing),
            None => None,
            Some((block, key)) => {
                let own = Pin::new(&issuer.pin(&presented.number)).ok();
                let clear = key.as_ref().map(|key| key.decrypt(*block));
                let theirs = clear.and_then(|clear| read_format_0(clear, &presented.number).ok());
                if own.zip(theirs).is_some_and(|(own, theirs)| own.agrees(&theirs)) {
                    self.wrong_pins = 0;
                    return None;
                }
                self.wrong_pins += 1;
                Some(if self.wrong_pins >= PIN_TRIES { Refused::PinBlocked } else { Refused::PinWrong })
            }
        }
    }
}

/// Proves the cryptogram. Returns the counter with it; with a refusal, as far as it can be read.
fn prove(issuer: &Issuer, presented: &Presented) -> Result<(Proven, u16), (Refused, u16)> {
    let data = presented.data.as_ref().ok_or((Refused::Format, 0))?;
    let counter = data.counter().ok().flatten().ok_or((Refused::Format, 0))?;
    let wrong = |refused| (refused, counter);
    let track = presented.track_2.as_ref().ok_or(wrong(Refused::Format))?;
    let amount = data.amount().ok().flatten();
    let told = i64::try_from(presented.amount_minor).ok().zip(currency(&presented.currency));
    let same =
        amount.zip(told).is_some_and(|(ChipAmount { minor, currency }, told)| (minor, currency) == told);
    let kind = data.information().ok().flatten().map(|information| information.kind);
    if track.expose_number() != presented.number || !same || kind != Some(CryptogramKind::Online) {
        return Err(wrong(Refused::Format));
    }
    let today = data.date().ok().flatten().ok_or(wrong(Refused::Format))?;
    if track.expiry() < format!("{:02}{:02}", today.year, today.month).as_str() {
        return Err(wrong(Refused::Expired));
    }
    let text = data_pboc_01(data).ok_or(wrong(Refused::Format))?;
    let theirs = data.cryptogram().ok().flatten().ok_or(wrong(Refused::Format))?;
    let card = issuer.card_key(&presented.number, presented.sequence).ok_or(wrong(Refused::Format))?;
    let key = session_key_pboc(&card, counter);
    if !agrees(application_cryptogram(&key, &text, Padding::Bit), theirs) {
        return Err(wrong(Refused::Cryptogram));
    }
    let results = data.issuer_data().ok().flatten().map(|data| data.card_results).unwrap_or_default();
    let by_device = is_set(&results, 2, 3) && !is_set(&results, 2, 2);
    Ok((Proven { key, cryptogram: theirs, by_device }, counter))
}

fn currency(digits: &str) -> Option<Currency> {
    Currency::from_numeric(digits.parse().ok()?)
}
