//! Cards for tests, and what is asked of them.

use std::collections::VecDeque;
use suanpan_messages::emv::data::ChipDate;
use suanpan_messages::emv::track::Track2;
use suanpan_messages::keys::DoubleKey;
use suanpan_money::Currency;
use suanpan_simulators::card::{CardSettings, SoftwareCard};
use suanpan_simulators::card_network::Issuer;
use suanpan_terminal::{Card, CardGone, Outcome, Payment, TerminalSettings, present};

pub(crate) const NUMBER: &str = "6225000000001004";

pub(crate) fn hex(text: &str) -> Vec<u8> {
    hex::decode(text).expect("hexadecimal")
}

pub(crate) fn settings() -> TerminalSettings {
    TerminalSettings { country: 156, pin_free_minor: 100_000, serial: *b"SUANPAN1" }
}

pub(crate) const fn day(year: u8, month: u8, day: u8) -> ChipDate {
    ChipDate { year, month, day }
}

pub(crate) fn payment(amount_minor: i64) -> Payment {
    Payment {
        amount_minor,
        currency: Currency::parse("CNY").unwrap(),
        date: day(26, 11, 28),
        sequence: 7,
        unpredictable: [1, 2, 3, 4],
    }
}

pub(crate) fn issuer() -> Issuer {
    Issuer::new(DoubleKey::new([0x1D; 16]))
}

pub(crate) fn card_settings() -> CardSettings {
    CardSettings {
        number: NUMBER.to_owned(),
        sequence: 1,
        expires: day(34, 12, 31),
        key: issuer().card_key(NUMBER, 1).unwrap(),
        verifies_holder: false,
        wants_answer: false,
        removed_after: None,
    }
}

/// A card in this process.
pub(crate) struct Near(pub(crate) SoftwareCard);

impl Near {
    pub(crate) fn new(change: impl FnOnce(&mut CardSettings)) -> Near {
        let mut settings = card_settings();
        change(&mut settings);
        Near(SoftwareCard::new(settings, 41))
    }
}

impl Card for Near {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, CardGone> {
        Ok(self.0.answer(command))
    }
}

/// A card that gives answers that were written down, and notes what it is told.
#[derive(Default)]
pub(crate) struct Script {
    answers: VecDeque<Vec<u8>>,
    pub(crate) told: Vec<Vec<u8>>,
}

impl Script {
    pub(crate) fn new(answers: impl IntoIterator<Item = Vec<u8>>) -> Script {
        Script { answers: answers.into_iter().collect(), told: Vec::new() }
    }
}

impl Card for Script {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, CardGone> {
        self.told.push(command.to_vec());
        self.answers.pop_front().ok_or_else(|| CardGone::new("it has no more answers"))
    }
}

pub(crate) fn pay(card: &mut dyn Card, payment: &Payment) -> Outcome {
    present(&settings(), payment, card, |_| ()).expect("a card that stays")
}

pub(crate) fn track(text: &str) -> Track2 {
    Track2::parse(text).unwrap()
}
