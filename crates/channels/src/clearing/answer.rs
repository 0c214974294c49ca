//! What an answer says. Whatever is not certainly a no is not known.

use super::call::Ask;
use super::{Clearing, agreement, agreement_token, not_yet, open};
use crate::wallet::{self, born, declined, order, shown, unknown};
use crate::{Call, ChannelAnswer, Request, Trace};
use suanpan_messages::clearing::record::{Category, Outcome, Status, TotalsAnswer};
use suanpan_messages::clearing::{BatchId, Direction, FINE, Message, MessageType};
use suanpan_money::Timestamp;

/// How far from now an answer may have been signed: the network refuses what was sent longer ago, so an answer that
/// knows of nothing is not believed when it is older than that.
const ANSWER_SECONDS: i64 = 60;

/// What the answer to a message means for a request.
pub(super) fn read(
    network: &Clearing,
    ask: &Ask,
    request: &Request,
    answer: &http::Response<Vec<u8>>,
) -> ChannelAnswer {
    let said = match believed(network, ask, request, answer) {
        Ok(said) => said,
        Err(why) => return unknown(why),
    };
    let first = request.call != Call::Inquire;
    if said.system != FINE {
        // Only of codes that say so it is certain that the network did not begin; of what is asked about, or sent again, even
        // they say nothing.
        let not_begun = first && said.status.is_none() && NOT_BEGUN.contains(&said.system.as_str());
        return if not_begun { declined("processing_error") } else { told(&said) };
    }
    let business = said.business.as_deref().unwrap_or_default();
    match (said.status, request.about) {
        (None, _) if ask.kind == MessageType::Inquiry && business == NOT_FOUND => missing(request),
        (None, _) => told(&said),
        (Some(Status::Failed), Call::SignUp | Call::ConfirmSignUp) => declined(code_of(business)),
        (Some(Status::Failed), _) if first || ask.kind == MessageType::Inquiry => {
            match amount_is_right(&said, request) {
                true => declined(code_of(business)),
                false => unknown("the answer is about another amount"),
            }
        }
        // A no to what is sent again does not say that the first one was not done.
        (Some(Status::Failed), _) => told(&said),
        (Some(Status::Accepted), Call::SignUp) => {
            let until = born(request).plus_seconds(network.settings.code_seconds).seconds();
            ChannelAnswer::Awaiting { show: None, expires_at: request.awaiting_until.unwrap_or(until) }
        }
        (Some(Status::Accepted), Call::ConfirmSignUp) => unsigned(request, business),
        (Some(Status::Accepted), _) => unknown("the network has accepted it, and it is not over yet"),
        (Some(Status::Succeeded), Call::SignUp | Call::ConfirmSignUp) => signed(network, request, &said),
        (Some(Status::Succeeded), _) => done(&said, request, &ask.trade),
    }
}

/// The agreement is signed. It is named by the token with which debits are asked for.
fn signed(network: &Clearing, request: &Request, said: &Outcome) -> ChannelAnswer {
    let account = request.token.as_deref().and_then(|token| open(&network.vault, token));
    let token = account.zip(said.sign_no.as_deref()).map(|(it, sign_no)| agreement_token(&it.bank, sign_no));
    match token.filter(|token| agreement(token).is_some()) {
        Some(token) => wallet::approved(Some(token), ""),
        None => unknown("the network gave the agreement no number that can be one"),
    }
}

/// The agreement is not signed: the code was wrong, or it never came.
fn unsigned(request: &Request, business: &str) -> ChannelAnswer {
    if business == WRONG_CODE && request.call != Call::Inquire {
        return ChannelAnswer::Declined { code: "incorrect_verification_code".to_owned(), retryable: true };
    }
    // Whether this one was wrong, or did not come, is the same: it has signed nothing, and the holder may try again.
    not_yet(request)
        .unwrap_or(ChannelAnswer::Declined { code: "processing_error".to_owned(), retryable: true })
}

/// The network knows of no such thing.
fn missing(request: &Request) -> ChannelAnswer {
    not_yet(request).unwrap_or_else(|| match request.about {
        // It is sent again instead.
        Call::Refund => unknown("the network knows of no such refund"),
        _ => declined("processing_error"),
    })
}

/// Whether the network says that it knows of no such refund, which could have come by now.
pub(super) fn is_lost(network: &Clearing, request: &Request, answer: &http::Response<Vec<u8>>) -> bool {
    let said = believed(network, &Ask::inquiry(request), request, answer);
    said.is_ok_and(|said| is_missing(&said)) && not_yet(request).is_none()
}

fn is_missing(said: &Outcome) -> bool {
    said.system == FINE && said.status.is_none() && said.business.as_deref() == Some(NOT_FOUND)
}

/// Whether a debit that was looked at is to be given back; or that it is called off, or cannot be.
pub(super) fn to_call_off(
    network: &Clearing,
    request: &Request,
    answer: &http::Response<Vec<u8>>,
) -> Result<(), ChannelAnswer> {
    let said = believed(network, &Ask::inquiry(request), request, answer).map_err(unknown)?;
    let ended = || wallet::approved(said.number.clone(), order(request));
    match said.status {
        _ if said.system != FINE => Err(told(&said)),
        // Of a debit that the network itself has told of: then this is another of its machines, which is behind.
        None if is_missing(&said) && request.trace <= Trace::default() => {
            Err(unknown("the network does not find what it has told of"))
        }
        None if is_missing(&said) => Err(not_yet(request).unwrap_or_else(ended)),
        None => Err(told(&said)),
        Some(Status::Accepted) => Err(unknown("the bank has not decided about the debit")),
        Some(Status::Failed) => Err(ended()),
        Some(Status::Succeeded) if amount_is_right(&said, request) => Ok(()),
        Some(Status::Succeeded) => Err(unknown("another amount was taken")),
    }
}

/// What was taken by a debit was to be given back.
pub(super) fn called_off(
    network: &Clearing,
    request: &Request,
    answer: &http::Response<Vec<u8>>,
) -> ChannelAnswer {
    let ask = Ask::refund_all(request);
    match believed(network, &ask, request, answer) {
        Err(why) => unknown(why),
        Ok(said) if said.system == FINE && said.status == Some(Status::Succeeded) => {
            done(&said, request, &ask.trade)
        }
        // The money is still here.
        Ok(said) => told(&said),
    }
}

/// An answer that is the network's, of now, and about this; or why it is not.
fn believed(
    network: &Clearing,
    ask: &Ask,
    request: &Request,
    answer: &http::Response<Vec<u8>>,
) -> Result<Outcome, String> {
    let message = opened(network, ask.kind, request.now, answer)?;
    let said = Outcome::read(&message.body).map_err(|error| format!("the answer cannot be read: {error}"))?;
    // Also a refusal names what it refuses.
    if said.trade.as_deref() != Some(&ask.trade) || said.institution != network.settings.institution {
        return Err("the answer is about something else".to_owned());
    }
    let category = match ask.category {
        // Asked about is the sign-up as a whole.
        Category::AskSignUp => {
            said.category.is_none_or(|it| matches!(it, Category::AskSignUp | Category::SignUp))
        }
        category => said.category.is_none_or(|it| it == category),
    };
    if category { Ok(said) } else { Err("the answer is about another kind of transaction".to_owned()) }
}

fn opened(
    network: &Clearing,
    kind: MessageType,
    now: Timestamp,
    answer: &http::Response<Vec<u8>>,
) -> Result<Message, String> {
    if answer.status() != http::StatusCode::OK {
        return Err(format!("the network's host answers {}", answer.status().as_u16()));
    }
    let message = Message::open(answer.body(), &network.theirs)
        .map_err(|error| format!("the answer is not the network's: {error}"))?;
    let header = &message.header;
    if Some(header.kind) != kind.answer()
        || header.institution != network.settings.network
        || header.direction != Direction::FromNetwork
    {
        return Err("the answer is one to something else".to_owned());
    }
    let away = header.sent.0.seconds().abs_diff(now.seconds());
    if i64::try_from(away).is_ok_and(|away| away <= ANSWER_SECONDS) {
        Ok(message)
    } else {
        Err(format!("the answer was signed {away} seconds from now"))
    }
}

/// Reads the totals of a batch.
pub(super) fn totals(
    network: &Clearing,
    batch: BatchId,
    now: Timestamp,
    answer: &http::Response<Vec<u8>>,
) -> Result<TotalsAnswer, String> {
    let message = opened(network, MessageType::Totals, now, answer)?;
    let said = TotalsAnswer::read(&message.body);
    let said = said.map_err(|error| format!("the answer cannot be read: {error}"))?;
    if said.system != FINE {
        return Err(format!("the network answers {}", shown(&said.system)));
    }
    if said.batch == batch { Ok(said) } else { Err("the answer is about another batch".to_owned()) }
}

/// System codes by which the network says that it did not begin: what was sent is too old, or cannot be read, or comes from
/// nobody it knows.
const NOT_BEGUN: [&str; 3] = ["PS500001", "PS500003", "PS500004"];
/// The network knows of nothing under that name.
const NOT_FOUND: &str = "PB520001";
/// The code of the holder is wrong, and may be tried again.
const WRONG_CODE: &str = "PB510005";

/// Why something failed, in the words of declines. The codes are ours.
pub(super) fn code_of(business: &str) -> &'static str {
    match business {
        "PB510001" => "insufficient_funds",
        "PB510002" => "card_velocity_exceeded",
        "PB510003" => "agreement_inactive",
        "PB510004" => "bank_account_mismatch",
        WRONG_CODE | "PB510006" => "verification_failed",
        "PB510007" => "do_not_honor",
        _ => "generic_decline",
    }
}

fn amount_is_right(said: &Outcome, request: &Request) -> bool {
    said.amount.is_some_and(|amount| amount.minor == request.amount_minor)
}

fn done(said: &Outcome, request: &Request, otherwise: &str) -> ChannelAnswer {
    if amount_is_right(said, request) {
        wallet::approved(said.number.clone(), otherwise)
    } else {
        unknown("the answer is about another amount")
    }
}

/// An answer that does not tell what was asked.
fn told(said: &Outcome) -> ChannelAnswer {
    let business = said.business.as_deref().unwrap_or_default();
    let status = said.status.map_or("", Status::word);
    unknown(format!("the network answers {} {} {status}", shown(&said.system), shown(business)))
}
