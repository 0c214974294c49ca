//! The card itself: commands in, answers out.

use suanpan_messages::emv::answer::{Response, Status};
use suanpan_messages::emv::apdu::{Command, Request};
use suanpan_messages::emv::bits::{IssuerData, is_set};
use suanpan_messages::emv::cryptogram::{answer_1, application_cryptogram, data_pboc_01, session_key_pboc};
use suanpan_messages::emv::data::{ChipData, ChipDate};
use suanpan_messages::emv::dol::Dol;
use suanpan_messages::emv::track::Track2;
use suanpan_messages::keys::{Block, DoubleKey, agrees};
use suanpan_messages::mac::Padding;
use suanpan_messages::tlv::{Object, Tag, encode, find};

/// The directory of applications for payments without contact.
const DIRECTORY: &[u8] = b"2PAY.SYS.DDF01";
/// UnionPay debit.
const APPLICATION: [u8; 8] = [0xA0, 0x00, 0x00, 0x03, 0x33, 0x01, 0x01, 0x01];
const LABEL: &[u8] = b"SIMULATED DEBIT";
/// What the card wants to be told: all that its cryptogram stands over, and the terminal's qualifiers.
const PDOL: [u8; 24] = [
    0x9F, 0x66, 4, 0x9F, 0x02, 6, 0x9F, 0x03, 6, 0x9F, 0x1A, 2, 0x95, 5, 0x5F, 0x2A, 2, 0x9A, 3, 0x9C, 1,
    0x9F, 0x37, 4,
];
/// Interchange profile: cards of this kind say this (`7C00` stands in a real one's message).
const PROFILE: [u8; 2] = [0x7C, 0x00];
/// One record of file 1, none of it signed.
const LOCATOR: [u8; 4] = [1 << 3, 1, 1, 0];

const DONE: u16 = 0x9000;
const AUTHENTICATION_FAILED: u16 = 0x6300;
const WRONG_LENGTH: u16 = 0x6700;
const NOT_SATISFIED: u16 = 0x6985;
const NOT_FOUND: u16 = 0x6A82;
const NO_RECORD: u16 = 0x6A83;
const NO_DATA: u16 = 0x6A88;
const NO_INSTRUCTION: u16 = 0x6D00;

/// What a card is, for ever.
#[derive(Clone)]
pub struct CardSettings {
    /// Its number.
    pub number: String,
    /// Which of the cards of that number it is, 0 to 99.
    pub sequence: u8,
    /// The last day on which it is good.
    pub expires: ChipDate,
    /// Its own key, derived from its issuer's.
    pub key: DoubleKey,
    /// It is a telephone, which has verified its holder.
    pub verifies_holder: bool,
    /// It takes its issuer's answer.
    pub wants_answer: bool,
    /// It is taken out of the field after so many commands.
    pub removed_after: Option<u32>,
}

impl std::fmt::Debug for CardSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CardSettings(..)")
    }
}

/// See the head of this file.
#[derive(Debug)]
pub struct SoftwareCard {
    settings: CardSettings,
    counter: u16,
    phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing, or the directory, is selected.
    Idle,
    /// The application is selected.
    Selected {
        /// The last cryptogram, which its issuer may answer to.
        last: Option<Block>,
    },
    /// A cryptogram was given.
    Paid {
        /// It.
        cryptogram: Block,
    },
}

fn object(tag: u32, value: impl Into<Vec<u8>>) -> Object {
    Object { tag: Tag(tag), value: value.into() }
}

fn template(tag: u32, inside: &[Object]) -> Object {
    object(tag, encode(inside))
}

fn packed(digits: &str) -> Vec<u8> {
    let filled = if digits.len().is_multiple_of(2) { digits.to_owned() } else { format!("{digits}F") };
    filled.as_bytes().chunks_exact(2).map(|pair| nibble(pair[0]) << 4 | nibble(pair[1])).collect()
}

const fn nibble(character: u8) -> u8 {
    match character {
        b'0'..=b'9' => character - b'0',
        _ => 0x0F,
    }
}

impl SoftwareCard {
    /// Makes a card that has made so many payments.
    #[must_use]
    pub const fn new(settings: CardSettings, counter: u16) -> SoftwareCard {
        SoftwareCard { settings, counter, phase: Phase::Idle }
    }

    /// Returns how many payments it has made.
    #[must_use]
    pub const fn counter(&self) -> u16 {
        self.counter
    }

    pub(super) const fn removed_after(&self) -> Option<u32> {
        self.settings.removed_after
    }

    /// Begins anew, as with new power. What was paid last is kept: its issuer may still answer.
    pub(super) fn reset(&mut self) {
        if let Phase::Selected { last: Some(_) } | Phase::Paid { .. } = self.phase {
            return;
        }
        self.phase = Phase::Idle;
    }

    /// Answers a command.
    pub fn answer(&mut self, command: &[u8]) -> Vec<u8> {
        let answered = match Command::decode(command) {
            Ok(command) => self.obey(&command),
            Err(_) => Err(WRONG_LENGTH),
        };
        let (data, status) = match answered {
            Ok(objects) => (encode(&objects), DONE),
            Err(status) => (Vec::new(), status),
        };
        Response { data, status: Status(status) }.encode()
    }

    fn obey(&mut self, command: &Command) -> Result<Vec<Object>, u16> {
        match command.request() {
            Some(Request::Select) => self.select(command.data()),
            Some(Request::ProcessingOptions) => self.pay(command.data()),
            Some(Request::ReadRecord { file: 1, record: 1 }) if self.phase != Phase::Idle => {
                Ok(vec![template(0x70, &self.record())])
            }
            Some(Request::ReadRecord { .. }) => Err(NO_RECORD),
            Some(Request::GetData(Tag(0x9F36))) => Ok(vec![object(0x9F36, self.counter.to_be_bytes())]),
            Some(Request::GetData(_)) => Err(NO_DATA),
            Some(Request::ExternalAuthenticate) => self.authenticate_issuer(command.data()),
            // It has no scripts: they would come under a key of their own.
            _ => Err(NO_INSTRUCTION),
        }
    }

    fn select(&mut self, name: &[u8]) -> Result<Vec<Object>, u16> {
        if name == DIRECTORY {
            let entry = template(0x61, &[object(0x4F, APPLICATION), object(0x50, LABEL), object(0x87, [1])]);
            let inner = template(0xA5, &[template(0xBF0C, &[entry])]);
            return Ok(vec![template(0x6F, &[object(0x84, DIRECTORY), inner])]);
        }
        // A name may be given in part.
        if name.len() < 5 || !APPLICATION.starts_with(name) {
            return Err(NOT_FOUND);
        }
        let last = match self.phase {
            Phase::Paid { cryptogram } => Some(cryptogram),
            Phase::Selected { last } => last,
            Phase::Idle => None,
        };
        self.phase = Phase::Selected { last };
        let inner = template(0xA5, &[object(0x50, LABEL), object(0x87, [1]), object(0x9F38, PDOL)]);
        Ok(vec![template(0x6F, &[object(0x84, APPLICATION), inner])])
    }

    /// Makes a payment: counts it, and gives the cryptogram.
    fn pay(&mut self, data: &[u8]) -> Result<Vec<Object>, u16> {
        let Phase::Selected { .. } = self.phase else { return Err(NOT_SATISFIED) };
        let template_83 = suanpan_messages::tlv::decode(data).map_err(|_| WRONG_LENGTH)?;
        let values = find(&template_83, Tag(0x83)).ok().flatten().ok_or(WRONG_LENGTH)?;
        let told = Dol::decode(&PDOL).map_err(|_| NOT_SATISFIED)?;
        let told = told.objects(&values.value).map_err(|_| WRONG_LENGTH)?;
        let value =
            |tag: u32| told.iter().find(|object| object.tag == Tag(tag)).map(|object| &object.value[..]);
        let qualifiers = value(0x9F66).unwrap_or_default();
        // Byte 1, bit 6: the terminal speaks qPBOC. A card whose counter is used up pays no more.
        if !is_set(qualifiers, 1, 6) || self.counter == u16::MAX {
            return Err(NOT_SATISFIED);
        }
        self.counter += 1;
        let issuer = IssuerData {
            key_index: 1,
            version: 1,
            // The second cryptogram was not asked for, the first is one for the issuer; byte 2, bit 3: the card has verified
            // its holder itself.
            card_results: [3, if self.settings.verifies_holder { 0xA4 } else { 0xA0 }, 0, 0],
            algorithm: Some(1),
            own: Vec::new(),
        };
        let mut all = told.clone();
        all.extend([
            object(0x82, PROFILE),
            object(0x9F36, self.counter.to_be_bytes()),
            object(0x9F10, issuer.encode()),
        ]);
        let data = ChipData::new(all).map_err(|_| WRONG_LENGTH)?;
        let text = data_pboc_01(&data).ok_or(WRONG_LENGTH)?;
        let cryptogram = application_cryptogram(&self.session_key(), &text, Padding::Bit);
        self.phase = Phase::Paid { cryptogram };
        let track = self.track_2().ok_or(NOT_SATISFIED)?;
        Ok(vec![template(
            0x77,
            &[
                object(0x82, PROFILE),
                object(0x94, LOCATOR),
                object(0x9F36, self.counter.to_be_bytes()),
                object(0x57, track.encode()),
                object(0x9F10, issuer.encode()),
                object(0x9F26, cryptogram),
                object(0x9F27, [0x80]),
                object(0x5F34, packed(&format!("{:02}", self.settings.sequence % 100))),
                object(0x9F6C, self.qualifiers(qualifiers)),
            ],
        )])
    }

    fn session_key(&self) -> DoubleKey {
        session_key_pboc(&self.settings.key, self.counter)
    }

    /// The card's transaction qualifiers: a PIN where the terminal wants its holder verified and it can take one, unless
    /// the telephone has done that.
    fn qualifiers(&self, terminal: &[u8]) -> [u8; 2] {
        let CardSettings { verifies_holder, wants_answer, .. } = self.settings;
        let pin = is_set(terminal, 2, 7) && is_set(terminal, 1, 3) && !verifies_holder;
        let second = if verifies_holder { 0x80 } else { 0 } | if wants_answer { 0x40 } else { 0 };
        [if pin { 0x80 } else { 0 }, second]
    }

    fn track_2(&self) -> Option<Track2> {
        let ChipDate { year, month, .. } = self.settings.expires;
        Track2::parse(&format!("{}D{year:02}{month:02}2200000", self.settings.number))
    }

    /// What is read after the cryptogram: the number, the days, and where it may be used.
    fn record(&self) -> Vec<Object> {
        let ChipDate { year, month, day } = self.settings.expires;
        vec![
            object(0x5A, packed(&self.settings.number)),
            object(0x5F24, packed(&format!("{year:02}{month:02}{day:02}"))),
            object(0x5F25, packed("200101")),
            object(0x9F07, [0xFF, 0x00]),
            object(0x5F28, packed("0156")),
        ]
    }

    /// Takes the issuer's answer to the last cryptogram: method 1, eight bytes and the response code.
    fn authenticate_issuer(&mut self, data: &[u8]) -> Result<Vec<Object>, u16> {
        let (Phase::Paid { cryptogram } | Phase::Selected { last: Some(cryptogram) }) = self.phase else {
            return Err(NOT_SATISFIED);
        };
        let (answer, response) = data.split_last_chunk::<2>().ok_or(WRONG_LENGTH)?;
        let own = answer_1(&self.session_key(), cryptogram, *response);
        // One answer to one cryptogram.
        self.phase = Phase::Selected { last: None };
        if self.settings.wants_answer && agrees(&own, answer) {
            Ok(Vec::new())
        } else {
            Err(AUTHENTICATION_FAILED)
        }
    }
}
