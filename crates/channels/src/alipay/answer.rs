//! What an answer says. Whatever is not certainly a no is not known.

use super::Alipay;
use super::call::Method;
use crate::wallet::{self, declined, is_code, is_on_its_way, may_still_come, order, shown, unknown};
use crate::{Call, ChannelAnswer, Request};
use serde::Deserialize;
use suanpan_messages::signing::alipay::verify_answer;
use suanpan_money::parse_decimal;

/// The members of answers that are read. Which are there depends on the call.
#[derive(Debug, Default, Deserialize)]
struct Answer {
    code: String,
    #[serde(default)]
    sub_code: String,
    out_trade_no: Option<String>,
    out_request_no: Option<String>,
    trade_no: Option<String>,
    trade_status: Option<String>,
    total_amount: Option<String>,
    qr_code: Option<String>,
    action: Option<String>,
    retry_flag: Option<String>,
    fund_change: Option<String>,
    refund_status: Option<String>,
    refund_amount: Option<String>,
}

pub(super) fn read(wallet: &Alipay, method: Method, request: &Request, bytes: &[u8]) -> ChannelAnswer {
    let answer = match believed(wallet, method, request, bytes) {
        Ok(answer) => answer,
        Err(why) => return unknown(why),
    };
    match (answer.code.as_str(), method) {
        // Missing, wrong or forbidden parameters: the wallet did not begin.
        ("20001" | "40001" | "40002" | "40006", _) if request.call != Call::Inquire => {
            declined("processing_error")
        }
        ("10000" | "10003" | "40004", Method::Precreate) => precreated(wallet, request, &answer),
        ("10000" | "10003" | "40004", Method::Pay) => paid(wallet, request, &answer),
        ("10000" | "40004", Method::Query) => queried(wallet, request, &answer),
        ("10000" | "40004", Method::Cancel) => canceled(request, &answer),
        ("10000" | "40004", Method::Refund) => refunded(request, &answer),
        ("10000" | "40004", Method::RefundQuery) => refund_queried(request, &answer),
        (code, _) => unknown(format!("the wallet answers {code} {}", shown(&answer.sub_code))),
    }
}

/// Whether the wallet says that it knows of no such refund, which could have come by now.
pub(super) fn is_lost_refund(wallet: &Alipay, request: &Request, bytes: &[u8]) -> bool {
    let answer = believed(wallet, Method::RefundQuery, request, bytes);
    let unheard = answer.is_ok_and(|answer| {
        matches!(answer.code.as_str(), "10000" | "40004") && answer.out_request_no.is_none()
    });
    unheard && !is_on_its_way(request)
}

/// An answer that is the wallet's, and about this order; or why it is not.
fn believed(wallet: &Alipay, method: Method, request: &Request, bytes: &[u8]) -> Result<Answer, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "the answer is not UTF-8")?;
    let signed = verify_answer(&wallet.theirs, method.name(), text)
        .map_err(|error| format!("the answer is not the wallet's: {error}"))?;
    let answer: Answer = serde_json::from_str(signed).map_err(|_| "the answer cannot be read")?;
    // An answer to something else is none to this. Only errors name no order.
    let named = answer.out_trade_no.as_deref();
    if named.map_or(answer.code == "10000", |other| other != order(request)) {
        return Err("the answer is about another order".to_owned());
    }
    Ok(answer)
}

fn is_whole(request: &Request, amount: Option<&str>) -> bool {
    let minor = amount.and_then(|amount| parse_decimal(amount.as_bytes(), request.currency.exponent()).ok());
    minor.is_some_and(|minor| u64::try_from(minor) == Ok(request.amount_minor))
}

fn approved(answer: &Answer, otherwise: &str) -> ChannelAnswer {
    wallet::approved(answer.trade_no.clone(), otherwise)
}

fn precreated(wallet: &Alipay, request: &Request, answer: &Answer) -> ChannelAnswer {
    let expires_at = wallet.settings.common.expires_at(request);
    match (answer.code.as_str(), answer.qr_code.as_ref().filter(|code| is_code(code))) {
        ("10000", Some(code)) => ChannelAnswer::Awaiting { show: Some(code.clone()), expires_at },
        ("40004", _) => failed(&answer.sub_code),
        _ => unknown("the wallet gave no code to be shown"),
    }
}

fn paid(wallet: &Alipay, request: &Request, answer: &Answer) -> ChannelAnswer {
    match answer.code.as_str() {
        "10000" if answer.trade_no.is_none() => unknown("the wallet gave the trade no number"),
        "10000" if !is_whole(request, answer.total_amount.as_deref()) => unknown("another amount was paid"),
        "10000" => approved(answer, &request.reference),
        "10003" => {
            ChannelAnswer::Awaiting { show: None, expires_at: wallet.settings.common.expires_at(request) }
        }
        _ => failed(&answer.sub_code),
    }
}

/// What a business error says about a payment. One that is not known to be a no is asked about.
fn failed(sub_code: &str) -> ChannelAnswer {
    match sub_code {
        "ACQ.PAYMENT_AUTH_CODE_INVALID" => declined("invalid_payment_code"),
        "ACQ.BUYER_BALANCE_NOT_ENOUGH" | "ACQ.BUYER_BANKCARD_BALANCE_NOT_ENOUGH" => {
            declined("insufficient_funds")
        }
        "ACQ.BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR"
        | "ACQ.BEYOND_PAY_RESTRICTION"
        | "ACQ.BEYOND_PER_RECEIPT_RESTRICTION"
        | "ACQ.TOTAL_FEE_EXCEED" => declined("card_velocity_exceeded"),
        "ACQ.BUYER_SELLER_EQUAL"
        | "ACQ.TRADE_BUYER_NOT_MATCH"
        | "ACQ.BUYER_ENABLE_STATUS_FORBID"
        | "ACQ.PULL_MOBILE_CASHIER_FAIL"
        | "ACQ.MOBILE_PAYMENT_SWITCH_OFF"
        | "ACQ.PAYMENT_FAIL"
        | "ACQ.ERROR_BALANCE_PAYMENT_DISABLE"
        | "ACQ.PAYMENT_REQUEST_HAS_RISK"
        | "ACQ.NO_PAYMENT_INSTRUMENTS_AVAILABLE" => declined("wallet_declined"),
        "ACQ.INVALID_PARAMETER"
        | "ACQ.ACCESS_FORBIDDEN"
        | "ACQ.PARTNER_ERROR"
        | "ACQ.EXIST_FORBIDDEN_WORD" => declined("processing_error"),
        _ => unknown(format!("the wallet answers {}", shown(sub_code))),
    }
}

fn queried(wallet: &Alipay, request: &Request, answer: &Answer) -> ChannelAnswer {
    let expires_at = request.awaiting_until.unwrap_or_else(|| wallet.settings.common.expires_at(request));
    let waiting = ChannelAnswer::Awaiting { show: None, expires_at };
    match (answer.code.as_str(), answer.trade_status.as_deref()) {
        ("10000", Some("TRADE_SUCCESS" | "TRADE_FINISHED")) => {
            if !is_whole(request, answer.total_amount.as_deref()) {
                return unknown("another amount was paid");
            }
            approved(answer, order(request))
        }
        ("10000", Some("WAIT_BUYER_PAY")) => waiting,
        ("10000", Some("TRADE_CLOSED")) => declined("attempt_expired"),
        ("40004", _) if answer.sub_code == "ACQ.TRADE_NOT_EXIST" => {
            match request.awaiting_until {
                // There is a trade only when the code that is shown was scanned.
                Some(_) => waiting,
                // Nobody has seen the code of an answer that was lost.
                None if !is_on_its_way(request) => declined("processing_error"),
                None => unknown("the wallet knows of no such trade yet"),
            }
        }
        (code, status) => unknown(format!(
            "the wallet answers {code} {} {}",
            shown(&answer.sub_code),
            shown(status.unwrap_or_default())
        )),
    }
}

/// A trade that is called off: ended, or given back when it was paid.
fn canceled(request: &Request, answer: &Answer) -> ChannelAnswer {
    let ended = || approved(answer, order(request));
    let again = answer.retry_flag.as_deref() == Some("Y");
    match (answer.code.as_str(), answer.action.as_deref()) {
        ("10000", _) if again => unknown("the wallet wants to be asked again"),
        ("10000", Some("close" | "refund")) => ended(),
        ("10000", None) if may_still_come(request) => unknown("there is nothing to call off yet"),
        ("40004", _) if answer.sub_code == "ACQ.TRADE_NOT_EXIST" && may_still_come(request) => {
            unknown("there is nothing to call off yet")
        }
        ("10000", None) => ended(),
        ("40004", _) if answer.sub_code == "ACQ.TRADE_NOT_EXIST" => ended(),
        (code, _) => unknown(format!("the wallet answers {code} {}", shown(&answer.sub_code))),
    }
}

fn refunded(request: &Request, answer: &Answer) -> ChannelAnswer {
    match (answer.code.as_str(), answer.fund_change.as_deref()) {
        ("10000", Some("Y")) => approved(answer, order(request)),
        // Nothing moved by this call: it had been done before, or is not done yet.
        ("10000", _) => unknown("the wallet says that this call moved nothing"),
        // A no to what is sent again does not say that the first one was not done.
        _ if request.call == Call::Inquire => {
            unknown(format!("the wallet answers {}", shown(&answer.sub_code)))
        }
        _ => match answer.sub_code.as_str() {
            "ACQ.SELLER_BALANCE_NOT_ENOUGH" => declined("insufficient_funds"),
            "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL"
            | "ACQ.REASON_TRADE_BEEN_FREEZEN"
            | "ACQ.TRADE_NOT_EXIST"
            | "ACQ.TRADE_HAS_FINISHED"
            | "ACQ.TRADE_STATUS_ERROR"
            | "ACQ.REFUND_FEE_ERROR"
            | "ACQ.INVALID_PARAMETER" => declined("wallet_declined"),
            other => unknown(format!("the wallet answers {}", shown(other))),
        },
    }
}

fn refund_queried(request: &Request, answer: &Answer) -> ChannelAnswer {
    let done = answer.refund_status.as_deref() == Some("REFUND_SUCCESS")
        && answer.out_request_no.as_deref() == Some(request.reference.as_str());
    if answer.code == "10000" && done && is_whole(request, answer.refund_amount.as_deref()) {
        return approved(answer, order(request));
    }
    unknown("the wallet knows of no such refund yet")
}
