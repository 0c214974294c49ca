//! What answers mean. Whatever is not certainly a no is not known.

use super::answer::{Answer, Heard, SIGN_ERROR};
use super::call::Method;
use super::{Wechat, call_off_refund, unknown};
use crate::wallet::{self, declined, is_code, is_on_its_way, may_still_come, order, shown};
use crate::{Call, ChannelAnswer, Request};

/// A code to be shown was asked for.
pub(super) fn placed(wallet: &Wechat, request: &Request, heard: &Heard) -> ChannelAnswer {
    let answer = match heard {
        Ok(answer) => answer,
        Err(why) => return unknown(why),
    };
    match answer.said.code_url.as_deref().filter(|code| answer.fine && is_code(code)) {
        Some(code) => {
            let expires_at = wallet.settings.common.expires_at(request);
            ChannelAnswer::Awaiting { show: Some(code.to_owned()), expires_at }
        }
        None if answer.fine => unknown("the wallet gave no code to be shown"),
        None => match answer.code() {
            "FREQUENCY_LIMITED" | "RATELIMIT_EXCEEDED" => declined("processing_error"),
            "RULE_LIMIT" | "ACCOUNT_ERROR" => declined("wallet_declined"),
            word if never_begun(word) => declined("processing_error"),
            _ => unasked(answer),
        },
    }
}

/// A code was scanned.
pub(super) fn paid(wallet: &Wechat, request: &Request, heard: &Heard) -> ChannelAnswer {
    let answer = match heard {
        Ok(answer) => answer,
        Err(why) => return unknown(why),
    };
    let expires_at = wallet.settings.common.expires_at(request);
    let waiting = ChannelAnswer::Awaiting { show: None, expires_at };
    if answer.fine {
        return match answer.said.trade_state.as_deref() {
            Some("SUCCESS") => whole(wallet, request, answer),
            // Says nothing but this, not even of which order.
            Some("USERPAYING") => waiting,
            _ => unasked(answer),
        };
    }
    match answer.code() {
        "USERPAYING" => waiting,
        "AUTH_CODE_INVALID" | "AUTH_CODE_ERROR" | "AUTH_CODE_EXPIRE" | "AUTHCODE_EXPIRE"
        | "AUTHCODEEXPIRE" => declined("invalid_payment_code"),
        "NOT_ENOUGH" | "NOTENOUGH" => declined("insufficient_funds"),
        "NOTSUPORTCARD" | "NOT_SUPPORT_CARD" => declined("card_not_supported"),
        "BUYER_MISMATCH" | "ACCOUNT_ERROR" | "RULE_LIMIT" => declined("wallet_declined"),
        word if never_begun(word) => declined("processing_error"),
        // Among them that the order is paid, and that the bank does not say: looking tells.
        _ => unasked(answer),
    }
}

/// A payment was asked about.
pub(super) fn queried(wallet: &Wechat, request: &Request, heard: &Heard) -> ChannelAnswer {
    let answer = match heard {
        Ok(answer) => answer,
        Err(why) => return unknown(why),
    };
    let expires_at = request.awaiting_until.unwrap_or_else(|| wallet.settings.common.expires_at(request));
    let waiting = ChannelAnswer::Awaiting { show: None, expires_at };
    let seen = request.awaiting_until.is_some() || request.token.is_some();
    if answer.is_missing() {
        return match request.awaiting_until {
            Some(_) => waiting,
            None if !is_on_its_way(request) => declined("processing_error"),
            None => unknown("the wallet knows of no such order yet"),
        };
    }
    if !answer.fine {
        return unasked(answer);
    }
    if !answer.said.is_ours(wallet, order(request)) {
        return unknown("the answer is about another order");
    }
    match answer.said.trade_state.as_deref().unwrap_or_default() {
        "SUCCESS" => whole(wallet, request, answer),
        "USERPAYING" => waiting,
        "NOTPAY" if seen => waiting,
        // Nobody has seen the code of an answer that was lost.
        "NOTPAY" if !is_on_its_way(request) => declined("processing_error"),
        "NOTPAY" => unknown("the code of the order was lost"),
        "CLOSED" | "REVOKED" => declined("attempt_expired"),
        // It failed, and the wallet asks to reverse it: that is decided first. So its time is over now.
        "PAYERROR" => ChannelAnswer::Awaiting { show: None, expires_at: request.now.seconds() },
        "REFUND" => unknown("the order is paid and was given back, not by us"),
        _ => unasked(answer),
    }
}

/// How an order is called off, by what became of it; or that it is called off, or that it cannot be told.
pub(super) fn to_call_off(
    wallet: &Wechat,
    request: &Request,
    heard: &Heard,
) -> Result<Method, ChannelAnswer> {
    let answer = heard.as_ref().map_err(unknown)?;
    if answer.is_missing() {
        let may_come = may_still_come(request);
        return Err(if may_come {
            unknown("there is nothing to call off yet")
        } else {
            ended(request, None)
        });
    }
    if !answer.fine {
        return Err(unasked(answer));
    }
    if !answer.said.is_ours(wallet, order(request)) {
        return Err(unknown("the answer is about another order"));
    }
    let scanned = request.token.is_some() || answer.said.trade_type.as_deref() == Some("MICROPAY");
    match answer.said.trade_state.as_deref().unwrap_or_default() {
        "CLOSED" | "REVOKED" => Err(ended(request, Some(answer))),
        "SUCCESS" | "REFUND" | "NOTPAY" | "USERPAYING" | "PAYERROR" if scanned => Ok(Method::Reverse),
        "NOTPAY" => Ok(Method::Close),
        // These are of scanned codes only.
        "USERPAYING" | "PAYERROR" => Ok(Method::Reverse),
        "SUCCESS" if answer.said.total(wallet) != Some(request.amount_minor) => {
            Err(unknown("another amount was paid"))
        }
        "SUCCESS" => Ok(Method::refund_all(request)),
        "REFUND" => Ok(Method::RefundQuery { name: call_off_refund(request) }),
        _ => Err(unasked(answer)),
    }
}

/// An order was called off.
pub(super) fn called_off(wallet: &Wechat, request: &Request, method: Method, heard: &Heard) -> ChannelAnswer {
    match (method, heard) {
        (Method::Refund { name, .. } | Method::RefundQuery { name }, heard) => {
            match refunded(wallet, request, &name, heard) {
                // Not a no to the calling off: the money is still here.
                ChannelAnswer::Declined { code, .. } => unknown(format!("it is not given back: {code}")),
                answer => answer,
            }
        }
        (_, Err(why)) => unknown(why),
        (_, Ok(answer)) if answer.said.recall.as_deref() == Some("Y") => {
            unknown("the wallet wants to be asked again")
        }
        (_, Ok(answer)) if answer.fine => ended(request, Some(answer)),
        // It was paid meanwhile, or something went wrong there: the next look tells.
        (_, Ok(answer)) => unasked(answer),
    }
}

/// The whole amount of an order that something is to be given back of; or why nothing is sent.
pub(super) fn total_to_refund(
    wallet: &Wechat,
    request: &Request,
    heard: &Heard,
) -> Result<u64, ChannelAnswer> {
    // A no here is none to a refund that was sent before.
    let no = |code: &str, why: &str| {
        if request.call == Call::Inquire { unknown(why) } else { declined(code) }
    };
    let answer = heard.as_ref().map_err(unknown)?;
    if answer.is_missing() {
        return Err(no("processing_error", "the wallet knows of no such order"));
    }
    if !answer.fine {
        return Err(unasked(answer));
    }
    if !answer.said.is_ours(wallet, order(request)) {
        return Err(unknown("the answer is about another order"));
    }
    match (answer.said.trade_state.as_deref().unwrap_or_default(), answer.said.total(wallet)) {
        ("SUCCESS" | "REFUND", Some(total)) if total >= request.amount_minor => Ok(total),
        ("SUCCESS" | "REFUND", Some(_)) => Err(no("wallet_declined", "less was paid than is to go back")),
        ("NOTPAY" | "CLOSED" | "REVOKED" | "PAYERROR", _) => {
            Err(no("wallet_declined", "the order is not paid"))
        }
        _ => Err(unasked(answer)),
    }
}

/// Whether the wallet says that it knows of no such refund, which could have come by now.
pub(super) fn is_lost_refund(request: &Request, heard: &Heard) -> bool {
    heard.as_ref().is_ok_and(Answer::is_missing) && !is_on_its_way(request)
}

/// A refund was asked for, or asked about, by its name.
pub(super) fn refunded(wallet: &Wechat, request: &Request, name: &str, heard: &Heard) -> ChannelAnswer {
    let answer = match heard {
        Ok(answer) => answer,
        Err(why) => return unknown(why),
    };
    let said = &answer.said;
    if answer.fine {
        let amount = said.amount.as_ref().and_then(|amount| amount.refund);
        let ours = said.out_refund_no.as_deref() == Some(name)
            && said.out_trade_no.as_deref().is_none_or(|other| other == order(request))
            && said.is_in_currency(wallet)
            && amount == Some(request.amount_minor);
        return match said.status.as_deref().unwrap_or_default() {
            _ if !ours => unknown("the answer is about another refund"),
            "SUCCESS" => wallet::approved(said.refund_id.clone(), name),
            "PROCESSING" => unknown("the wallet is giving it back"),
            "CLOSED" => declined("wallet_declined"),
            "ABNORMAL" => unknown("the customer's account takes no money: see the wallet's own pages"),
            _ => unasked(answer),
        };
    }
    // A no to what is sent again does not say that the first one was not done.
    if request.call == Call::Inquire || answer.is_missing() {
        return unasked(answer);
    }
    match answer.code() {
        "NOT_ENOUGH" => declined("insufficient_funds"),
        "USER_ACCOUNT_ABNORMAL" | "INVALID_REQUEST" => declined("wallet_declined"),
        word if never_begun(word) => declined("processing_error"),
        _ => unasked(answer),
    }
}

/// An order that was paid: by number, and in full.
fn whole(wallet: &Wechat, request: &Request, answer: &Answer) -> ChannelAnswer {
    let said = &answer.said;
    if !said.is_ours(wallet, order(request)) {
        return unknown("the answer is about another order");
    }
    if said.total(wallet) != Some(request.amount_minor) {
        return unknown("another amount was paid");
    }
    match &said.transaction_id {
        Some(number) => wallet::approved(Some(number.clone()), number),
        None => unknown("the wallet gave the payment no number"),
    }
}

fn ended(request: &Request, answer: Option<&Answer>) -> ChannelAnswer {
    wallet::approved(answer.and_then(|answer| answer.said.transaction_id.clone()), order(request))
}

/// Missing, wrong or forbidden parameters: the wallet did not begin.
fn never_begun(word: &str) -> bool {
    matches!(word, "PARAM_ERROR" | SIGN_ERROR | "APPID_MCHID_NOT_MATCH" | "MCH_NOT_EXISTS" | "NO_AUTH")
}

/// An answer that does not tell what was asked.
fn unasked(answer: &Answer) -> ChannelAnswer {
    let state = answer.said.trade_state.as_deref().or(answer.said.status.as_deref()).unwrap_or_default();
    unknown(format!("the wallet answers {} {} {}", answer.status, shown(answer.code()), shown(state)))
}
