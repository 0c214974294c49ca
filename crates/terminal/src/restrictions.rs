//! What is held against a card's data before anybody is asked: whether it may be used at all, and how its holder is
//! verified.

use crate::outcome::{Refusal, Verification};
use crate::request::{Payment, TerminalSettings};
use suanpan_messages::emv::bits::is_set;
use suanpan_messages::emv::data::{ChipData, ChipDate};
use suanpan_messages::emv::track::Track2;
use suanpan_messages::tlv::Tag;

/// Order of days of one century, which is all that a card tells.
const fn order(date: ChipDate) -> (u8, u8, u8) {
    (date.year, date.month, date.day)
}

/// Refuses a card that is not good on the day, not here, or not for purchases (EMV 4.3, book 3, 10.4).
pub(crate) fn check(
    settings: &TerminalSettings,
    payment: &Payment,
    card: &ChipData,
    track_2: &Track2,
) -> Result<(), Refusal> {
    let today = order(payment.date);
    let printed = (number(&track_2.expiry()[..2]), number(&track_2.expiry()[2..]));
    let past = match card.expiry()? {
        // What the track says is about the month, and may not be later than the day.
        Some(last) if (last.year, last.month) != printed => {
            return Err(Refusal::Contradiction("when it expires"));
        }
        Some(last) => order(last) < today,
        None => printed < (today.0, today.1),
    };
    if past {
        return Err(Refusal::Expired);
    }
    if first_day(card)?.is_some_and(|first| order(first) > today) {
        return Err(Refusal::NotYet);
    }
    usable(settings, card)
}

fn number(digits: &str) -> u8 {
    digits.parse().unwrap_or_default()
}

/// The day from which the card is good (5F25).
fn first_day(card: &ChipData) -> Result<Option<ChipDate>, Refusal> {
    let Some(value) = card.get(Tag(0x5F25)) else { return Ok(None) };
    // It is written like the other one, which is checked.
    let object = suanpan_messages::tlv::Object { tag: Tag(0x5F24), value: value.to_vec() };
    Ok(ChipData::new(vec![object])?.expiry()?)
}

/// Application usage control (9F07): purchases of goods or services, at terminals other than cash machines, at home or
/// abroad (book 3, annex C2). Without it, or without the country, anything goes.
fn usable(settings: &TerminalSettings, card: &ChipData) -> Result<(), Refusal> {
    let (Some(control), Some(country)) = (card.get(Tag(0x9F07)), card.get(Tag(0x5F28))) else {
        return Ok(());
    };
    let home =
        country.iter().fold(0_u32, |sum, byte| sum * 100 + u32::from(byte >> 4) * 10 + u32::from(byte & 15))
            == u32::from(settings.country);
    // Goods and services, at home (6 and 4) or abroad (5 and 3).
    let purchases = if home { [6, 4] } else { [5, 3] };
    let fine = is_set(control, 1, 1) && purchases.iter().any(|bit| is_set(control, 1, *bit));
    if fine { Ok(()) } else { Err(Refusal::NotHere) }
}

/// Says how the holder is verified: as the amount asks for, and as the card's transaction qualifiers (9F6C) say. A card
/// may ask for a PIN below the limit; above it, one that says nothing gets the PIN.
pub(crate) fn verification(
    settings: &TerminalSettings,
    payment: &Payment,
    card: &ChipData,
) -> Result<Verification, Refusal> {
    let qualifiers = card.get(Tag(0x9F6C)).unwrap_or_default();
    let wanted = payment.needs_verification(settings);
    let (pin, signature) = (is_set(qualifiers, 1, 8), is_set(qualifiers, 1, 7));
    let on_device = is_set(qualifiers, 2, 8);
    match (pin, on_device, signature) {
        (true, ..) => Ok(Verification::OnlinePin),
        (false, true, _) => Ok(Verification::OnDevice),
        (false, false, true) if wanted => Err(Refusal::Signature),
        (false, false, _) if wanted => Ok(Verification::OnlinePin),
        (false, false, _) => Ok(Verification::None),
    }
}

/// Whether the card takes its issuer's answer (9F6C, byte 2, bit 7).
pub(crate) fn wants_answer(card: &ChipData) -> bool {
    is_set(card.get(Tag(0x9F6C)).unwrap_or_default(), 2, 7)
}
