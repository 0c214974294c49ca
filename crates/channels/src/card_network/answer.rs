//! Answers as values.

use super::Settings;
use super::message::{channel_id, currency_digits, stamp_of, type_of, undoes};
use crate::{Call, ChannelAnswer, Request};
use suanpan_messages::emv::data::ChipData;
use suanpan_messages::iso8583::{MessageType, View};

/// What a response code (field 39) tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Approved,
    /// Declined, in the words of card declines, and whether it may succeed elsewhere or later.
    Declined(&'static str, bool),
    /// It may have been done: the network got no answer itself.
    Unknown,
}

/// How old a request must be before the network's word that it knows of nothing to undo is taken: until then the request
/// may still be on its way, on a connection that is gone.
const STRAY_SECONDS: i64 = 120;

/// Reads the response code of a first answer. Only codes that are known to decline do: whatever else is said may have been
/// done, and is undone by a reversal.
fn told(code: &[u8]) -> Told {
    match code {
        // A2 to A6: approved, and something was left open that is none of ours.
        b"00" | b"10" | b"11" | b"16" | b"A2" | b"A4" | b"A5" | b"A6" => Told::Approved,
        b"14" | b"15" | b"42" | b"56" => Told::Declined("incorrect_number", false),
        // A PIN that is wrong, or that is wanted and not there.
        b"55" => Told::Declined("incorrect_pin", false),
        b"38" | b"75" => Told::Declined("pin_try_exceeded", false),
        b"33" | b"54" => Told::Declined("expired_card", false),
        b"41" => Told::Declined("lost_card", false),
        b"43" => Told::Declined("stolen_card", false),
        b"34" | b"59" => Told::Declined("fraudulent", false),
        b"51" => Told::Declined("insufficient_funds", false),
        b"61" | b"65" => Told::Declined("card_velocity_exceeded", false),
        b"40" | b"57" | b"58" => Told::Declined("card_not_supported", false),
        b"01" | b"05" => Told::Declined("do_not_honor", false),
        // Of an original that is not there or is another, an amount that is not left, a card that is not served.
        b"03" | b"04" | b"12" | b"13" | b"25" | b"30" | b"36" | b"62" | b"64" | b"67" => {
            Told::Declined("generic_decline", false)
        }
        b"90" | b"91" | b"92" | b"96" | b"97" | b"A0" => Told::Declined("processing_error", true),
        _ => Told::Unknown,
    }
}

/// Reads the response code of an answer to a refund that was sent again. What declines for now, or because of what is
/// left of the original, says nothing of the first one, which may have been done.
fn told_again(code: &[u8]) -> Told {
    match told(code) {
        Told::Declined(_, true) | Told::Declined("generic_decline", _) => Told::Unknown,
        other => other,
    }
}

/// Reads the answer to a request. It must repeat what it is about: what belongs to something else tells nothing.
pub(super) fn read(settings: &Settings, request: &Request, view: &View<'_>) -> ChannelAnswer {
    let unknown = |why: &str| ChannelAnswer::Unknown { why: why.to_owned() };
    let field = |number| view.get(number).map(|value| value.characters().into_owned());
    let undoes = undoes(request);
    let asked = MessageType::new(if undoes { *b"0420" } else { *type_of(request) });
    if !view.message_type().zip(asked).is_some_and(|(answer, asked)| answer.answers(asked)) {
        return unknown("the answer is of another type");
    }
    let stamp = stamp_of(request);
    if field(7).as_deref() != Some(&stamp.sent_at[..])
        || field(11).as_deref() != Some(&stamp.number[..])
        || field(32).as_deref() != Some(settings.acquirer.as_bytes())
    {
        return unknown("the answer belongs to another request");
    }
    let Some(code) = field(39) else { return unknown("the answer has no response code") };
    if undoes {
        let old = request.now.micros() - request.trace.0 >= STRAY_SECONDS * 1_000_000;
        return match &code[..] {
            b"00" => ChannelAnswer::Declined { code: "processing_error".to_owned(), retryable: true },
            // The network knows of nothing to undo.
            b"25" if old => ChannelAnswer::Declined { code: "processing_error".to_owned(), retryable: true },
            b"25" => unknown("the network does not know the request yet, which may still be on its way"),
            _ => unknown(&format!("the reversal is not done: response code {}", shown(&code))),
        };
    }
    let told = if request.call == Call::Inquire { told_again(&code) } else { told(&code) };
    match told {
        Told::Approved => {
            let amount = format!("{:012}", request.amount_minor);
            if field(4).as_deref() != Some(amount.as_bytes())
                || field(49).as_deref() != Some(currency_digits(request.currency).as_bytes())
            {
                return unknown("the answer approves another amount or currency");
            }
            let reference = field(37).unwrap_or_default();
            ChannelAnswer::Approved {
                channel_id: channel_id(type_of(request), stamp, shown(&reference).trim()),
                authorization_code: field(38)
                    .filter(|_| request.about == Call::Authorize)
                    .map(|code| shown(&code).trim().to_owned())
                    .filter(|code| !code.is_empty()),
                issuer_data: field(55)
                    .filter(|data| request.about == Call::Authorize && ChipData::decode(data).is_ok())
                    .map(hex::encode_upper),
            }
        }
        Told::Declined(code, retryable) => ChannelAnswer::Declined { code: code.to_owned(), retryable },
        Told::Unknown => unknown(&format!("the network does not know: response code {}", shown(&code))),
    }
}

/// Characters that may be shown.
fn shown(characters: &[u8]) -> String {
    characters.iter().map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { ' ' }).collect()
}
