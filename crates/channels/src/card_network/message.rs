//! Requests as messages.

use super::Settings;
use super::vault::{Chip, Opened};
use crate::{Call, Request, Trace};
use jiff::tz::{self, TimeZone};
use suanpan_messages::emv::data::ChipData;
use suanpan_messages::iso8583::{Message, MessageType, OriginalData};
use suanpan_messages::tlv::Tag;
use suanpan_money::Currency;

/// The network's clock: Beijing, all the year.
const ZONE: tz::Offset = tz::offset(8);

/// How a message is named: when it was sent (field 7) and its system trace audit number (field 11). The number counts
/// the microseconds within that second, so that no two requests of a cell have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// Month, day, hour, minute, second.
    pub sent_at: [u8; 10],
    /// Six digits.
    pub number: [u8; 6],
}

impl Stamp {
    /// Makes it of the moment that names a request.
    #[must_use]
    pub fn of(trace: Trace) -> Stamp {
        let moment = jiff::Timestamp::from_microsecond(trace.0).unwrap_or_default();
        let civil = moment.to_zoned(TimeZone::fixed(ZONE)).datetime();
        let sent_at = format!(
            "{:02}{:02}{:02}{:02}{:02}",
            civil.month(),
            civil.day(),
            civil.hour(),
            civil.minute(),
            civil.second()
        );
        let number = format!("{:06}", trace.0.rem_euclid(1_000_000));
        let mut stamp = Stamp { sent_at: [b'0'; 10], number: [b'0'; 6] };
        stamp.sent_at.copy_from_slice(sent_at.as_bytes());
        stamp.number.copy_from_slice(number.as_bytes());
        stamp
    }

    /// Twelve digits that repeat it shorter: the last of the seconds, and the number (field 37).
    fn reference(self, trace: Trace) -> String {
        let second = trace.0.div_euclid(1_000_000).rem_euclid(1_000_000);
        format!("{second:06}{}", String::from_utf8_lossy(&self.number))
    }
}

/// The channel's own name for an authorization: its message type, its stamp and the network's reference.
pub(super) fn channel_id(message_type: &[u8; 4], stamp: Stamp, reference: &str) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}.{}.{}.{reference}", text(message_type), text(&stamp.sent_at), text(&stamp.number))
}

/// Reads a channel's name for an authorization back: what field 90 says of it. None when it is no such name.
#[must_use]
pub fn original_of(settings: &Settings, channel_id: &str) -> Option<OriginalData> {
    let mut parts = channel_id.split('.');
    let message_type = MessageType::new(parts.next()?.as_bytes().try_into().ok()?)?;
    let sent_at: [u8; 10] = parts.next()?.as_bytes().try_into().ok()?;
    let trace: [u8; 6] = parts.next()?.as_bytes().try_into().ok()?;
    let digits = sent_at.iter().chain(&trace).all(u8::is_ascii_digit);
    digits.then(|| named(settings, message_type, Stamp { sent_at, number: trace }))
}

fn named(settings: &Settings, message_type: MessageType, stamp: Stamp) -> OriginalData {
    let eleven = |digits: &str| {
        let mut filled = [b'0'; 11];
        filled[11 - digits.len()..].copy_from_slice(digits.as_bytes());
        filled
    };
    OriginalData {
        message_type,
        trace: stamp.number,
        sent_at: stamp.sent_at,
        acquirer: eleven(&settings.acquirer),
        forwarder: eleven(&settings.forwarder),
    }
}

/// Type, processing code and condition of what is asked.
fn kind_of(call: Call, capture: bool) -> (&'static [u8; 4], &'static str, &'static str) {
    match call {
        Call::Authorize if capture => (b"0200", "000000", "00"),
        // No message is made of the last three.
        Call::Authorize | Call::Inquire | Call::Payout | Call::SignUp | Call::ConfirmSignUp => {
            (b"0100", "030000", "06")
        }
        Call::Capture => (b"0200", "000000", "06"),
        Call::Void => (b"0100", "200000", "06"),
        Call::Refund => (b"0220", "200000", "00"),
    }
}

/// The type that the message of a request has; of an inquiry, that of the message it undoes or repeats.
pub(super) fn type_of(request: &Request) -> &'static [u8; 4] {
    kind_of(request.about, request.capture).0
}

/// The currency as field 49 has it.
pub(super) fn currency_digits(currency: Currency) -> String {
    format!("{:03}", currency.numeric())
}

/// The moment under which a request goes out: a reversal has the one after.
fn trace_of(request: &Request) -> Trace {
    if undoes(request) { Trace(request.trace.0 + 1) } else { request.trace }
}

/// The stamp under which a request goes out.
pub(super) fn stamp_of(request: &Request) -> Stamp {
    Stamp::of(trace_of(request))
}

/// Whether a request is answered by undoing what it asks about.
pub(super) fn undoes(request: &Request) -> bool {
    request.call == Call::Inquire && request.about != Call::Refund
}

/// Makes the message, with the header and without authentication code.
pub(super) fn of(settings: &Settings, request: &Request, card: &Opened) -> Message {
    let (message_type, code, condition) = kind_of(request.about, request.capture);
    let undoes = undoes(request);
    let own = MessageType::new(if undoes { *b"0420" } else { *message_type }).expect("four digits");
    let (stamp, asked) = (stamp_of(request), Stamp::of(request.trace));
    let mut message = Message::new(own);
    message.header = header(settings);
    message.set(2, card.pan.number());
    message.set(14, card.pan.expiry());
    message.set(3, code);
    message.set(4, format!("{:012}", request.amount_minor));
    message.set(7, stamp.sent_at);
    message.set(11, stamp.number);
    message.set(12, &stamp.sent_at[4..]);
    message.set(13, &stamp.sent_at[..4]);
    message.set(18, &settings.category);
    // What follows an authorization follows from its number.
    let chip = card.chip.as_ref().filter(|_| request.about == Call::Authorize);
    match chip {
        Some(chip) => set_chip(&mut message, chip, undoes),
        // The number was typed, and there is no PIN.
        None => message.set(22, "012"),
    }
    message.set(25, condition);
    message.set(32, &settings.acquirer);
    message.set(33, &settings.forwarder);
    message.set(37, stamp.reference(trace_of(request)));
    if let Some(code) = request.authorization_code.as_deref().filter(|code| code.len() == 6) {
        message.set(38, code);
    }
    message.set(41, &settings.terminal);
    message.set(42, &settings.merchant);
    message.set(43, format!("{:<40}", settings.merchant_name));
    message.set(49, currency_digits(request.currency));
    // Reason `0000`, or of a reversal that no answer came in time; then how the card was there: it was not, or at a
    // terminal (type 03) that reads chips, with and without contact (6).
    let reason = if undoes { "4003" } else { "0000" };
    let service = if chip.is_some() { "06000300000" } else { "00000800000" };
    message.set(60, format!("{reason}{service}000000000000"));
    let original = if undoes {
        MessageType::new(*message_type).map(|asked_type| named(settings, asked_type, asked))
    } else {
        request.original_id.as_deref().and_then(|id| original_of(settings, id))
    };
    if let Some(original) = original {
        message.set(90, original.write());
    }
    message
}

/// What stands in field 55 of a reversal, of all that was sent; the results of scripts would come on top.
const OF_REVERSALS: [Tag; 4] = [Tag(0x95), Tag(0x9F1E), Tag(0x9F10), Tag(0x9F36)];

/// The PIN is in a block with the card number (format 0), under a key of double length (field 53).
const PIN_FORMAT: &str = "2600000000000000";
/// The most digits of a PIN that are taken (field 26).
const PIN_DIGITS: &str = "12";

/// Sets what comes from a chip without contact (entry mode 07): with a PIN (1), or without (2). A reversal names the
/// payment by the card's own data, and has neither track nor PIN.
fn set_chip(message: &mut Message, chip: &Chip, undoes: bool) {
    message.set(22, if chip.pin_block.is_some() { "071" } else { "072" });
    message.set(23, format!("{:03}", chip.sequence));
    if undoes {
        let kept = chip.data.objects().map(|(object, _)| object);
        let kept = kept.filter(|object| OF_REVERSALS.contains(&object.tag)).cloned();
        // Each tag stood once before.
        message.set(55, ChipData::new(kept.collect()).unwrap_or_default().encode());
        return;
    }
    message.set(35, chip.track_2().as_bytes());
    message.set(55, chip.data.encode());
    if let Some(block) = chip.pin_block {
        message.set(26, PIN_DIGITS);
        // Under the key of the terminal still: the line has that of the network.
        message.set(52, block.0);
        message.set(53, PIN_FORMAT);
    }
}

/// The header, with no length yet: the line knows it when the message is sealed.
pub(super) fn header(settings: &Settings) -> Vec<u8> {
    header_between(&settings.network, &settings.forwarder)
}

/// The header of a message from one to the other, with no length yet.
#[must_use]
pub fn header_between(to: &str, from: &str) -> Vec<u8> {
    let mut header = vec![HEADER_BYTES as u8, 0x02];
    header.extend(format!("0000{to:<11}{from:<11}000").into_bytes());
    header.push(0);
    header.extend(b"00000000");
    header.push(0);
    header.extend(b"00000");
    header
}

/// Bytes of the header.
pub(super) const HEADER_BYTES: usize = 46;

/// Writes the length of the whole message, header and all, into the header.
pub(super) fn set_length(bytes: &mut [u8]) {
    let digits = format!("{:04}", bytes.len().min(9_999));
    if let Some(place) = bytes.get_mut(2..6) {
        place.copy_from_slice(digits.as_bytes());
    }
}
