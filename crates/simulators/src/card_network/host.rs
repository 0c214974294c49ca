//! What the network holds true, and its rules.

use super::issuer::{Cards, ChipTruth, Issuer, Presented, Proven};
use crate::arrivals::Arrivals;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use suanpan_channels::faults::Faults;
use suanpan_messages::emv::data::ChipData;
use suanpan_messages::emv::track::Track2;
use suanpan_messages::iso8583::{Message, OriginalData, View};
use suanpan_messages::keys::DoubleKey;

/// Transactions that are remembered. A soak has some hundred thousand; each takes some 300 bytes.
const REMEMBERED: usize = 5_000_000;

/// How a network behaves.
#[derive(Debug, Clone)]
pub struct HostSettings {
    /// Its own number, as headers name it: 8 to 11 digits.
    pub network: String,
    /// The key that the keys of the day come under.
    pub transport_key: DoubleKey,
    /// What goes wrong.
    pub faults: Faults,
    /// Who issued the cards that have chips.
    pub issuer: Issuer,
}

/// What the network holds true about one message that moves money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truth {
    /// Its type, such as `0200`.
    pub message_type: String,
    /// Its processing code.
    pub code: String,
    /// The card, all but its last four digits hidden.
    pub card: String,
    /// The network's reference (field 37), as the institution gave it.
    pub reference: String,
    /// How much, in minor units.
    pub amount_minor: u64,
    /// The currency, three digits.
    pub currency: String,
    /// Whether it was done. What was reversed afterwards was done all the same.
    pub done: bool,
    /// Whether it was undone by a reversal.
    pub reversed: bool,
    /// How often it came. It was done once at most.
    pub arrivals: u32,
    /// What it refers to: the stamp of an authorization or purchase.
    pub original: Option<String>,
    /// What was captured of an authorization, in minor units.
    pub captured_minor: u64,
    /// What was given back of a purchase or an authorization, in minor units.
    pub refunded_minor: u64,
    /// Whether an authorization was released.
    pub voided: bool,
    /// What its chip said; none of a card whose number was typed.
    pub chip: Option<ChipTruth>,
    response: [u8; 2],
    /// Field 55 of the answer.
    issuer_data: Option<Vec<u8>>,
}

/// Sums over all that a network holds true, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Audit {
    /// Taken from cards, by purchases and captures.
    pub taken_minor: u128,
    /// Given back.
    pub refunded_minor: u128,
    /// Set aside, neither taken nor released.
    pub held_minor: u128,
    /// Transactions that were done and not undone.
    pub standing: u64,
    /// Transactions that were undone by a reversal.
    pub reversed: u64,
}

/// The network.
#[derive(Debug)]
pub struct Host {
    pub(super) settings: HostSettings,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    truths: HashMap<String, Truth>,
    /// By type and stamp.
    came: Arrivals,
    /// The cards that have chips.
    cards: Cards,
    /// What was to be undone and has not come: it is refused when it comes.
    undone_before: HashSet<String>,
    sessions: u64,
    /// Nothing goes wrong any more.
    well: bool,
}

const APPROVED: [u8; 2] = *b"00";
const NOT_FOUND: [u8; 2] = *b"25";
const INVALID: [u8; 2] = *b"12";
const AMOUNT: [u8; 2] = *b"13";
const FORMAT: [u8; 2] = *b"30";

/// What names a transaction: when it was sent, its trace number, and by whom.
fn name_of(original: &OriginalData) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!(
        "{}.{}.{}.{}",
        text(&original.sent_at),
        text(&original.trace),
        text(&original.acquirer),
        text(&original.forwarder)
    )
}

impl Host {
    /// Makes a network that knows nothing yet.
    #[must_use]
    pub fn new(settings: HostSettings) -> Host {
        Host { settings, state: Mutex::new(State::default()) }
    }

    // Each change under the lock is made in one step.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on nothing goes wrong.
    pub fn be_well(&self) {
        self.lock().well = true;
    }

    /// What goes wrong.
    pub(super) fn faults(&self) -> Faults {
        if self.lock().well { Faults::default() } else { self.settings.faults }
    }

    /// Numbers connections, so that each has a key of its own.
    pub(super) fn next_session(&self) -> u64 {
        let mut state = self.lock();
        state.sessions += 1;
        state.sessions
    }

    /// Returns all that is held true, by name.
    #[must_use]
    pub fn truths(&self) -> Vec<(String, Truth)> {
        let state = self.lock();
        let mut all: Vec<_> =
            state.truths.iter().map(|(name, truth)| (name.clone(), truth.clone())).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }

    /// Returns the sums of what is held true.
    #[must_use]
    pub fn audit(&self) -> Audit {
        let mut audit = Audit::default();
        for truth in self.lock().truths.values().filter(|truth| truth.done) {
            if truth.reversed {
                audit.reversed += 1;
                continue;
            }
            audit.standing += 1;
            let amount = u128::from(truth.amount_minor);
            match (truth.message_type.as_str(), truth.code.as_str()) {
                ("0200", _) => audit.taken_minor += amount,
                ("0220", _) => audit.refunded_minor += amount,
                ("0100", "030000") if !truth.voided && truth.captured_minor == 0 => {
                    audit.held_minor += amount;
                }
                _ => {}
            }
        }
        audit
    }

    /// Counts a message that came, whatever becomes of it, and says how often it had come before.
    pub(super) fn came(&self, name: Vec<u8>) -> u32 {
        self.lock().came.count(name)
    }

    /// Does what a message asks for, by the rules, and makes the answer; none where none is due. PIN blocks are under a
    /// key of the connection.
    pub(super) fn apply(&self, view: &View<'_>, pin_key: Option<&DoubleKey>) -> Option<Message> {
        let original = OriginalData::of(view)?;
        let field = |number| view.get(number).map(|value| value.characters().into_owned());
        let asked = field(90).and_then(|value| OriginalData::read(&value).ok());
        let (response, issuer_data) = if original.message_type.digits()[1] == b'4' {
            (asked.map_or(FORMAT, |asked| self.lock().reverse(&name_of(&asked))), None)
        } else {
            match Asked::read(view, pin_key) {
                Some(truth) => self.lock().take(
                    &self.settings.issuer,
                    name_of(&original),
                    truth,
                    asked.map(|it| name_of(&it)),
                ),
                None => (FORMAT, None),
            }
        };
        let mut answer =
            Message::answer(view, &[2, 3, 4, 7, 11, 12, 13, 18, 23, 25, 32, 33, 37, 41, 42, 49, 60, 90])?;
        answer.set(39, response);
        if let Some(data) = issuer_data {
            answer.set(55, data);
        }
        if response == APPROVED && original.message_type.digits() != b"0420" {
            // The code of the issuer: six digits that follow from the name.
            let hash = blake3::hash(name_of(&original).as_bytes());
            let number = u32::from_le_bytes(hash.as_bytes()[..4].try_into().unwrap_or_default()) % 1_000_000;
            answer.set(38, format!("{number:06}"));
        }
        Some(answer)
    }
}

/// A message that moves money, as it was read.
struct Asked {
    truth: Truth,
    /// What its chip gave, where there is one.
    presented: Option<Presented>,
}

impl Asked {
    fn read(view: &View<'_>, pin_key: Option<&DoubleKey>) -> Option<Asked> {
        let text = |number| view.get(number).map(|it| String::from_utf8_lossy(&it.characters()).into_owned());
        let number = text(2)?;
        let digits: Vec<u8> = number.bytes().collect();
        let response: [u8; 2] =
            digits.get(digits.len().checked_sub(3)?..digits.len() - 1)?.try_into().ok()?;
        let message_type = view.message_type()?;
        let (amount_minor, currency) = (text(4)?.parse().ok()?, text(49)?);
        // Entry mode 05 or 07: a chip, with contact or without.
        let by_chip = text(22).is_some_and(|mode| mode.starts_with("05") || mode.starts_with("07"));
        let bytes = |number| view.get(number).map(|it| it.characters().into_owned());
        let presented = by_chip.then(|| Presented {
            number: number.clone(),
            track_2: text(35).and_then(|track| Track2::parse(&track)),
            sequence: text(23).and_then(|it| it.parse().ok()).unwrap_or_default(),
            data: bytes(55).and_then(|data| ChipData::decode(&data).ok()),
            amount_minor,
            currency: currency.clone(),
            pin_block: bytes(52).and_then(|it| it.try_into().ok()).map(|block| (block, pin_key.cloned())),
        });
        let truth = Truth {
            message_type: String::from_utf8_lossy(message_type.digits()).into_owned(),
            code: text(3)?,
            card: format!("{}{}", "*".repeat(number.len() - 4), &number[number.len() - 4..]),
            reference: text(37).unwrap_or_default(),
            amount_minor,
            currency,
            done: false,
            reversed: false,
            arrivals: 0,
            original: None,
            captured_minor: 0,
            refunded_minor: 0,
            voided: false,
            chip: None,
            response,
            issuer_data: None,
        };
        Some(Asked { truth, presented })
    }
}

impl State {
    /// Takes a message that moves money: what came before is answered as before.
    fn take(
        &mut self,
        issuer: &Issuer,
        name: String,
        asked: Asked,
        original: Option<String>,
    ) -> ([u8; 2], Option<Vec<u8>>) {
        if let Some(known) = self.truths.get_mut(&name) {
            known.arrivals += 1;
            return (known.response, known.issuer_data.clone());
        }
        if self.truths.len() >= REMEMBERED {
            return (*b"96", None);
        }
        let mut truth = Truth { arrivals: 1, original, ..asked.truth };
        let mut proven: Option<Proven> = None;
        truth.response = if self.undone_before.contains(&name) {
            INVALID
        } else {
            let chip = asked.presented.filter(|_| truth.original.is_none());
            let decided = chip.map(|presented| self.cards.decide(issuer, &presented));
            truth.chip = decided.as_ref().map(|decided| decided.truth);
            let refusal = decided.as_ref().and_then(|decided| decided.refusal);
            proven = decided.and_then(|decided| decided.proven);
            refusal.unwrap_or_else(|| self.decide(&truth))
        };
        truth.issuer_data = proven.map(|proven| proven.answer(truth.response));
        truth.done = truth.response == APPROVED;
        if let (true, Some(original)) = (truth.done, truth.original.clone()) {
            self.count(&truth, &original, true);
        }
        let answer = (truth.response, truth.issuer_data.clone());
        self.truths.insert(name, truth);
        answer
    }

    /// The rules: what stands, what it refers to, and how much of that is left.
    fn decide(&self, truth: &Truth) -> [u8; 2] {
        if truth.original.is_none() {
            // The issuer decides, by the card.
            let first = matches!(
                (truth.message_type.as_str(), truth.code.as_str()),
                ("0200", "000000") | ("0100", "030000")
            );
            return if first { truth.response } else { NOT_FOUND };
        }
        let original = truth.original.as_ref().and_then(|name| self.truths.get(name));
        let Some(original) = original.filter(|original| original.done && !original.reversed) else {
            return NOT_FOUND;
        };
        if original.currency != truth.currency || original.card != truth.card {
            return INVALID;
        }
        let held = original.code == "030000";
        let fine = match (truth.message_type.as_str(), truth.code.as_str()) {
            ("0200", "000000") => {
                held && !original.voided
                    && original.captured_minor == 0
                    && truth.amount_minor <= original.amount_minor
            }
            ("0100", "200000") => held && !original.voided && original.captured_minor == 0,
            ("0220", "200000") => {
                let taken = if held { original.captured_minor } else { original.amount_minor };
                return if original.refunded_minor + truth.amount_minor <= taken { APPROVED } else { AMOUNT };
            }
            _ => false,
        };
        if fine { APPROVED } else { INVALID }
    }

    /// Notes at an original what was done with it, or that this was undone.
    fn count(&mut self, truth: &Truth, original: &str, done: bool) {
        let Some(original) = self.truths.get_mut(original) else { return };
        let amount = truth.amount_minor;
        match (truth.message_type.as_str(), truth.code.as_str()) {
            ("0200", _) => original.captured_minor = if done { amount } else { 0 },
            ("0100", "200000") => original.voided = done,
            ("0220", _) if done => original.refunded_minor += amount,
            ("0220", _) => original.refunded_minor = original.refunded_minor.saturating_sub(amount),
            _ => {}
        }
    }

    /// Undoes a message; one that has not come is refused when it comes.
    fn reverse(&mut self, name: &str) -> [u8; 2] {
        let Some(truth) = self.truths.get_mut(name) else {
            if self.undone_before.len() < REMEMBERED {
                self.undone_before.insert(name.to_owned());
            }
            return NOT_FOUND;
        };
        if truth.done && !truth.reversed {
            truth.reversed = true;
            let undone = truth.clone();
            if let Some(original) = undone.original.clone() {
                self.count(&undone, &original, false);
            }
        }
        APPROVED
    }
}
