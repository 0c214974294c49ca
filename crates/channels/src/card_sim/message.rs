//! The messages between channel and host: JSON, made up for this simulator.

use crate::{Call, ChannelAnswer, Request};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use suanpan_money::Currency;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RequestMessage<'a> {
    pub(super) call: Call,
    #[serde(borrow)]
    pub(super) reference: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) original: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) token: Option<Cow<'a, str>>,
    pub(super) amount_minor: u64,
    pub(super) currency: u16,
    pub(super) capture: bool,
    pub(super) authenticated: bool,
    pub(super) off_session: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AnswerMessage<'a> {
    #[serde(borrow)]
    pub(super) reference: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) result: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) detail: Cow<'a, str>,
    pub(super) amount_minor: u64,
    pub(super) currency: u16,
}

pub(super) const APPROVED: &str = "approved";
pub(super) const DECLINED: &str = "declined";
pub(super) const ACTION: &str = "action_required";

pub(super) fn write_request(request: &Request) -> Vec<u8> {
    let message = RequestMessage {
        call: request.call,
        reference: request.reference.as_str().into(),
        original: request.original.as_deref().map(Cow::Borrowed),
        token: request.token.as_deref().map(Cow::Borrowed),
        amount_minor: request.amount_minor,
        currency: request.currency.numeric(),
        capture: request.capture,
        authenticated: request.authenticated,
        off_session: request.off_session,
    };
    serde_json::to_vec(&message).expect("a message has text keys and no floats")
}

/// Reads an answer, and compares what it repeats of the request: an answer to something else, or about other
/// money, tells nothing.
pub(super) fn read_answer(request: &Request, bytes: &[u8]) -> ChannelAnswer {
    let unknown = |why: &str| ChannelAnswer::Unknown { why: why.to_owned() };
    let Ok(answer) = serde_json::from_slice::<AnswerMessage<'_>>(bytes) else {
        return unknown("the answer cannot be read");
    };
    if answer.reference != request.reference {
        return unknown("the answer belongs to another request");
    }
    if answer.amount_minor != request.amount_minor
        || Currency::from_numeric(answer.currency) != Some(request.currency)
    {
        return unknown("the answer is about another amount or currency");
    }
    match answer.result.as_ref() {
        APPROVED => ChannelAnswer::Approved {
            channel_id: answer.detail.clone().into_owned(),
            authorization_code: (request.original.is_none()).then(|| authorization_code(&answer.detail)),
            issuer_data: None,
        },
        DECLINED => {
            let retryable = matches!(answer.detail.as_ref(), "processing_error" | "card_velocity_exceeded");
            ChannelAnswer::Declined { code: answer.detail.into_owned(), retryable }
        }
        ACTION => ChannelAnswer::ActionRequired,
        _ => unknown("the answer has a result that is not known"),
    }
}

/// The six digits that an issuer would give.
fn authorization_code(channel_id: &str) -> String {
    let hash = blake3::hash(channel_id.as_bytes());
    let bytes: [u8; 4] = hash.as_bytes()[..4].try_into().expect("four bytes of 32");
    format!("{:06}", u32::from_le_bytes(bytes) % 1_000_000)
}
