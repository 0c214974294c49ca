//! Calls to a wallet of version 3, and what its answers and notifications say, message by message.

mod notifications;
mod odd;

use http::{HeaderMap, Response};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use suanpan_channels::wallet::Common;
use suanpan_channels::wechat::{Keys, Settings, Wechat};
use suanpan_channels::{
    Call, ChannelAnswer, HttpChannel, Notification, NotificationError, Request, Step, Trace,
};
use suanpan_messages::signing::rsa::{RsaPrivateKey, RsaPublicKey};
use suanpan_messages::signing::wechat::{Authorization, Received, Request as Signable, ResourceKey};
use suanpan_money::{Currency, Timestamp};

const OWN_PRIVATE: &str = include_str!("../../../simulators/src/wechat/merchant-private-key.pem");
const OWN_PUBLIC: &str = include_str!("../../../simulators/src/wechat/merchant-public-key.pem");
const WALLET_PRIVATE: &str = include_str!("../../../simulators/src/wechat/wallet-private-key.pem");
const WALLET_PUBLIC: &str = include_str!("../../../simulators/src/wechat/wallet-public-key.pem");
const OWN_SERIAL: &str = "5157F09EFDC096DE15EBE81A47057A7232F1B8E1";
const WALLET_SERIAL: &str = "PUB_KEY_ID_0000000000000024112800000000000001";
const RESOURCE_KEY: &[u8; 32] = b"0123456789abcdef0123456789ABCDEF";
/// 2026-09-21 12:53:20 in China.
const NOW: i64 = 1_790_000_000 - 33_600;
const CODE: &str = "131234567890123400";
/// Names as the platform gives them.
const ATTEMPT: &str = "att_06f1x5v8k4d2m0000000000001";
const OTHER: &str = "att_06f1x5v8k4d2m0000000000002";
const REFUND: &str = "re_06f1x5v8k4d2m0000000000003";

fn settings() -> Settings {
    Settings {
        common: Common {
            name: "wechat_cn".to_owned(),
            notify_url: Some("https://shop.example/channels/wechat_cn/notifications".to_owned()),
            qr_seconds: 900,
            code_seconds: 60,
        },
        app_id: "wx8888888888888888".to_owned(),
        merchant: "1900000109".to_owned(),
        serial: OWN_SERIAL.to_owned(),
        description: "测试店".to_owned(),
        store: "1".to_owned(),
    }
}

fn keys() -> Keys {
    let theirs = RsaPublicKey::parse(WALLET_PUBLIC).unwrap();
    Keys {
        own: RsaPrivateKey::parse(OWN_PRIVATE).unwrap(),
        theirs: BTreeMap::from([(WALLET_SERIAL.to_owned(), theirs)]),
        resource: ResourceKey::new(RESOURCE_KEY).unwrap(),
    }
}

fn wallet() -> Wechat {
    Wechat::new(settings(), keys()).unwrap()
}

fn asked(call: Call, about: Call) -> Request {
    let first = about == Call::Authorize;
    Request {
        call,
        about,
        trace: Trace(NOW * 1_000_000),
        now: Timestamp::from_seconds(NOW),
        reference: if first { ATTEMPT } else { REFUND }.to_owned(),
        original: (!first).then(|| ATTEMPT.to_owned()),
        original_id: None,
        authorization_code: None,
        token: None,
        amount_minor: 8_888,
        currency: Currency::parse("CNY").unwrap(),
        capture: true,
        authenticated: false,
        off_session: false,
        awaiting_until: None,
    }
}

fn after(seconds: i64, request: Request) -> Request {
    Request { now: Timestamp::from_seconds(NOW + seconds), ..request }
}

/// An inquiry about a payment, so many seconds after it was sent.
fn inquiry(seconds: i64, awaiting: bool, code: Option<&str>) -> Request {
    let until = NOW + if code.is_some() { 60 } else { 900 };
    let awaiting_until = awaiting.then_some(until);
    let request = asked(Call::Inquire, Call::Authorize);
    after(seconds, Request { awaiting_until, token: code.map(str::to_owned), ..request })
}

fn scanned() -> Request {
    Request { token: Some(CODE.to_owned()), ..asked(Call::Authorize, Call::Authorize) }
}

fn call_off(seconds: i64, code: Option<&str>) -> Request {
    let until = NOW + if code.is_some() { 60 } else { 900 };
    // Without a moment of its own: what counts is until when the code is good.
    let request = Request { trace: Trace(0), ..asked(Call::Inquire, Call::Void) };
    after(seconds, Request { awaiting_until: Some(until), token: code.map(str::to_owned), ..request })
}

fn sign(seconds: i64, body: &[u8]) -> HeaderMap {
    sign_with(WALLET_PRIVATE, WALLET_SERIAL, seconds, body)
}

fn sign_with(key: &str, serial: &str, seconds: i64, body: &[u8]) -> HeaderMap {
    let timestamp = u64::try_from(seconds).unwrap();
    let received = Received { timestamp, nonce: "n0nce", signature: "", body };
    let signature = RsaPrivateKey::parse(key).unwrap().sign_base64(&received.text().unwrap()).unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("wechatpay-timestamp", timestamp.into());
    headers.insert("wechatpay-nonce", "n0nce".parse().unwrap());
    headers.insert("wechatpay-signature", signature.parse().unwrap());
    headers.insert("wechatpay-serial", serial.parse().unwrap());
    headers
}

/// An answer as the wallet signs it, so many seconds after the first call. Null is no body.
fn signed(seconds: i64, status: u16, body: &Value) -> Response<Vec<u8>> {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let mut answer = Response::new(body);
    *answer.status_mut() = status.try_into().unwrap();
    *answer.headers_mut() = sign(NOW + seconds, answer.body());
    answer
}

fn seconds_of(request: &Request) -> i64 {
    request.now.seconds() - NOW
}

fn step(request: &Request, heard: &[(u16, Value)]) -> Step {
    let heard: Vec<_> =
        heard.iter().map(|(status, body)| signed(seconds_of(request), *status, body)).collect();
    wallet().next(request, &heard)
}

/// What is called next: method and target, and the body. The signature was checked.
fn sent(step: Step) -> Option<(String, Value)> {
    let Step::Send(call) = step else { return None };
    let (method, target) = (call.method().as_str(), call.uri().to_string());
    let header = Authorization::parse(call.headers()["authorization"].to_str().unwrap()).unwrap();
    assert_eq!((header.merchant.as_str(), header.serial.as_str()), ("1900000109", OWN_SERIAL));
    let signable = Signable {
        method,
        target: &target,
        timestamp: header.timestamp,
        nonce: &header.nonce,
        body: call.body(),
    };
    let key = RsaPublicKey::parse(OWN_PUBLIC).unwrap();
    key.verify_base64(&signable.text().unwrap(), &header.signature).unwrap();
    let body = match call.body().as_slice() {
        [] => Value::Null,
        body => serde_json::from_slice(body).unwrap(),
    };
    Some((format!("{method} {target}"), body))
}

fn calls(request: &Request, heard: &[(u16, Value)]) -> (String, Value) {
    let next = step(request, heard);
    let shown = format!("{next:?}");
    sent(next).unwrap_or_else(|| panic!("{shown}"))
}

#[derive(Debug, PartialEq)]
enum Said {
    Approved(&'static str),
    Declined(&'static str),
    Waits(Option<&'static str>),
    Unknown,
}

#[track_caller]
fn check(request: &Request, heard: &[(u16, Value)], expected: &Said) {
    let found = match step(request, heard) {
        Step::Is(answer) => answer,
        step => panic!("{heard:?}: {step:?}, and not {expected:?}"),
    };
    let right = match (&found, expected) {
        (ChannelAnswer::Approved { channel_id, .. }, Said::Approved(number)) => channel_id == number,
        (ChannelAnswer::Declined { code, .. }, Said::Declined(word)) => code == word,
        (ChannelAnswer::Awaiting { show, .. }, Said::Waits(text)) => show.as_deref() == *text,
        (ChannelAnswer::Unknown { .. }, Said::Unknown) => true,
        _ => false,
    };
    assert!(right, "{heard:?}: {found:?}, and not {expected:?}");
}

fn error(status: u16, code: &str) -> (u16, Value) {
    (status, json!({"code": code, "message": "…"}))
}

fn order(state: &str) -> (u16, Value) {
    let body = json!({
        "appid": "wx8888888888888888", "mchid": "1900000109", "out_trade_no": ATTEMPT,
        "transaction_id": "42", "trade_state": state, "trade_type": "NATIVE",
        "amount": {"total": 8_888, "payer_total": 8_000, "currency": "CNY", "payer_currency": "CNY"},
    });
    (200, body)
}

/// The same with a member that is another, or none.
fn with((status, mut body): (u16, Value), pointer: &str, value: Value) -> (u16, Value) {
    *body.pointer_mut(pointer).unwrap() = value;
    (status, body)
}

fn given_back(status: &str) -> (u16, Value) {
    let body = json!({
        "refund_id": "50", "out_refund_no": REFUND, "out_trade_no": ATTEMPT, "status": status,
        "amount": {"total": 10_000, "refund": 8_888, "currency": "CNY"},
    });
    (200, body)
}

const ORDER_TARGET: &str = "/v3/pay/transactions/out-trade-no/att_06f1x5v8k4d2m0000000000001";

#[test]
fn calls_have_the_form_that_the_wallet_reads() {
    let native = json!({
        "appid": "wx8888888888888888", "mchid": "1900000109", "description": "测试店",
        "out_trade_no": ATTEMPT, "time_expire": "2026-09-21T13:08:20+08:00",
        "amount": {"total": 8_888, "currency": "CNY"}, "notify_url": settings().common.notify_url,
    });
    let target = "POST /v3/pay/transactions/native".to_owned();
    assert_eq!(calls(&asked(Call::Authorize, Call::Authorize), &[]), (target, native));
    let codepay = json!({
        "appid": "wx8888888888888888", "mchid": "1900000109", "description": "测试店",
        "out_trade_no": ATTEMPT, "payer": {"auth_code": CODE},
        "amount": {"total": 8_888, "currency": "CNY"}, "scene_info": {"store_info": {"out_id": "1"}},
    });
    assert_eq!(calls(&scanned(), &[]), ("POST /v3/pay/transactions/codepay".to_owned(), codepay));
    let query = (format!("GET {ORDER_TARGET}?mchid=1900000109"), Value::Null);
    for request in [
        inquiry(10, true, None),
        inquiry(10, false, Some(CODE)),
        call_off(10, None),
        asked(Call::Void, Call::Void),
        asked(Call::Refund, Call::Refund),
    ] {
        assert_eq!(calls(&request, &[]), query, "{request:?}");
    }
    // Nonces are never the same, but for the same call at the same moment.
    let nonce = |request: &Request| match wallet().next(request, &[]) {
        Step::Send(call) => {
            Authorization::parse(call.headers()["authorization"].to_str().unwrap()).unwrap().nonce
        }
        step => panic!("{step:?}"),
    };
    assert_eq!(nonce(&scanned()), nonce(&scanned()));
    assert_ne!(nonce(&inquiry(10, true, None)), nonce(&inquiry(11, true, None)));
    assert_eq!(nonce(&scanned()).len(), 32);
}

#[test]
fn what_a_wallet_cannot_do_is_not_sent() {
    let usd = Currency::parse("USD").unwrap();
    let named = |reference: &str| Request {
        reference: reference.to_owned(),
        ..asked(Call::Authorize, Call::Authorize)
    };
    for request in [
        Request { currency: usd, ..asked(Call::Authorize, Call::Authorize) },
        Request { capture: false, ..asked(Call::Authorize, Call::Authorize) },
        asked(Call::Capture, Call::Capture),
        // Names that the wallet does not take, or that would be another path.
        named("att_1"),
        named("att_06f1x5v8k4d2m0000000000001-23"),
        named("att_1/../../refunds"),
        named("att_1?mchid=2"),
        named("att_1/close"),
        named("att_1?"),
        named("att_1|2"),
    ] {
        check(&request, &[], &Said::Declined("processing_error"));
    }
    check(&asked(Call::Inquire, Call::Capture), &[], &Said::Unknown);
    // The longest name that is ever given fits.
    assert_eq!(format!("{ATTEMPT}-2").len(), 32);
    assert!(sent(step(&named(&format!("{ATTEMPT}-2")), &[])).is_some());
}

#[test]
fn only_what_is_certainly_a_no_is_one() {
    let shown = asked(Call::Authorize, Call::Authorize);
    let url = "weixin://wxpay/bizpayurl?pr=JyC91EIz1";
    for (heard, expected) in [
        ((200, json!({"code_url": url})), Said::Waits(Some(url))),
        ((200, json!({"code_url": "x".repeat(513)})), Said::Unknown),
        ((200, json!({"code_url": ""})), Said::Unknown),
        ((200, json!({"code_url": "a b"})), Said::Unknown),
        ((200, json!({})), Said::Unknown),
        ((200, json!([])), Said::Unknown),
        ((200, Value::Null), Said::Unknown),
        ((500, json!({"code_url": url})), Said::Unknown),
        (error(400, "PARAM_ERROR"), Said::Declined("processing_error")),
        (error(403, "NO_AUTH"), Said::Declined("processing_error")),
        (error(429, "FREQUENCY_LIMITED"), Said::Declined("processing_error")),
        (error(403, "RULE_LIMIT"), Said::Declined("wallet_declined")),
        (error(403, "OUT_TRADE_NO_USED"), Said::Unknown),
        (error(400, "ORDERPAID"), Said::Unknown),
        (error(500, "SYSTEM_ERROR"), Said::Unknown),
        (error(400, "NEW_AND_UNHEARD_OF"), Said::Unknown),
    ] {
        check(&shown, &[heard], &expected);
    }
    for (heard, expected) in [
        (order("SUCCESS"), Said::Approved("42")),
        (with(order("SUCCESS"), "/amount/total", json!(8_880)), Said::Unknown),
        (with(order("SUCCESS"), "/amount/currency", json!("USD")), Said::Unknown),
        (with(order("SUCCESS"), "/amount", Value::Null), Said::Unknown),
        (with(order("SUCCESS"), "/out_trade_no", json!(OTHER)), Said::Unknown),
        (with(order("SUCCESS"), "/mchid", json!("1900000108")), Said::Unknown),
        (with(order("SUCCESS"), "/mchid", Value::Null), Said::Unknown),
        (with(order("SUCCESS"), "/appid", json!("wx1")), Said::Unknown),
        (with(order("SUCCESS"), "/transaction_id", Value::Null), Said::Unknown),
        (with(order("SUCCESS"), "/trade_state", Value::Null), Said::Unknown),
        ((200, json!({"trade_state": "USERPAYING"})), Said::Waits(None)),
        (error(400, "USERPAYING"), Said::Waits(None)),
        (order("PAYERROR"), Said::Unknown),
        (error(400, "AUTH_CODE_INVALID"), Said::Declined("invalid_payment_code")),
        (error(400, "AUTHCODEEXPIRE"), Said::Declined("invalid_payment_code")),
        (error(403, "NOT_ENOUGH"), Said::Declined("insufficient_funds")),
        (error(400, "NOTSUPORTCARD"), Said::Declined("card_not_supported")),
        (error(400, "PARAM_ERROR"), Said::Declined("processing_error")),
        // It may have come twice, and be paid.
        (error(429, "FREQUENCY_LIMITED"), Said::Unknown),
        (error(400, "INVALID_REQUEST"), Said::Unknown),
        (error(400, "ORDERPAID"), Said::Unknown),
        (error(500, "BANK_ERROR"), Said::Unknown),
    ] {
        check(&scanned(), &[heard], &expected);
    }
}

#[test]
fn an_inquiry_says_what_became_of_the_order_and_ends_nothing() {
    let (waiting, lost, code) =
        (inquiry(10, true, None), inquiry(10, false, None), inquiry(10, true, Some(CODE)));
    for (request, heard, expected) in [
        (&waiting, order("SUCCESS"), Said::Approved("42")),
        (&waiting, with(order("SUCCESS"), "/amount/total", json!(1)), Said::Unknown),
        (&waiting, with(order("SUCCESS"), "/out_trade_no", json!(OTHER)), Said::Unknown),
        (&waiting, order("NOTPAY"), Said::Waits(None)),
        (&waiting, order("CLOSED"), Said::Declined("attempt_expired")),
        (&code, order("REVOKED"), Said::Declined("attempt_expired")),
        (&code, order("USERPAYING"), Said::Waits(None)),
        (&code, order("NOTPAY"), Said::Waits(None)),
        (&waiting, order("REFUND"), Said::Unknown),
        (&waiting, order("ACCEPT"), Said::Unknown),
        (&waiting, error(404, "ORDER_NOT_EXIST"), Said::Waits(None)),
        (&waiting, error(500, "SYSTEM_ERROR"), Said::Unknown),
        // Nobody has seen the code of an answer that was lost.
        (&lost, order("NOTPAY"), Said::Unknown),
        (&inquiry(119, false, None), order("NOTPAY"), Said::Unknown),
        (&inquiry(120, false, None), order("NOTPAY"), Said::Declined("processing_error")),
        (&inquiry(120, false, None), order("SUCCESS"), Said::Approved("42")),
        // What was sent may still come for two minutes.
        (&inquiry(119, false, Some(CODE)), error(404, "ORDERNOTEXIST"), Said::Unknown),
        (&inquiry(120, false, Some(CODE)), error(404, "ORDER_NOT_EXIST"), Said::Declined("processing_error")),
        (&inquiry(120, false, Some(CODE)), error(400, "ORDER_NOT_EXIST"), Said::Unknown),
        (&inquiry(120, false, Some(CODE)), order("USERPAYING"), Said::Waits(None)),
    ] {
        check(request, &[heard], &expected);
    }
    // A payment that failed is to be reversed, which is decided first: its time is over at once.
    let failed = step(&code, &[order("PAYERROR")]);
    let over = ChannelAnswer::Awaiting { show: None, expires_at: NOW + 10 };
    assert!(matches!(&failed, Step::Is(answer) if *answer == over), "{failed:?}");
}

#[test]
fn an_order_is_called_off_by_what_became_of_it() {
    let (shown, code) = (call_off(10, None), call_off(10, Some(CODE)));
    let closed = (format!("POST {ORDER_TARGET}/close"), json!({"mchid": "1900000109"}));
    let reversed = (
        format!("POST {ORDER_TARGET}/reverse"),
        json!({"appid": "wx8888888888888888", "mchid": "1900000109"}),
    );
    let back = (
        "POST /v3/refund/domestic/refunds".to_owned(),
        json!({
            "out_trade_no": ATTEMPT, "out_refund_no": format!("{ATTEMPT}-off"),
            "amount": {"refund": 8_888, "total": 8_888, "currency": "CNY"},
        }),
    );
    let look = (format!("GET /v3/refund/domestic/refunds/{ATTEMPT}-off"), Value::Null);
    for (request, state, expected) in [
        (&shown, "NOTPAY", &closed),
        (&shown, "SUCCESS", &back),
        (&shown, "REFUND", &look),
        (&code, "USERPAYING", &reversed),
        (&code, "PAYERROR", &reversed),
        (&code, "SUCCESS", &reversed),
        (&code, "REFUND", &reversed),
    ] {
        assert_eq!(&calls(request, &[order(state)]), expected, "{state}");
    }
    // Who calls off late does not know whether a code was scanned; the order does.
    let late = with(order("SUCCESS"), "/trade_type", json!("MICROPAY"));
    assert_eq!(calls(&shown, &[late]), reversed);
    let done = format!("{ATTEMPT}-off");
    let off = |status: &str| with(given_back(status), "/out_refund_no", json!(done));
    for (request, heard, expected) in [
        (&shown, vec![order("CLOSED")], Said::Approved("42")),
        (&code, vec![order("REVOKED")], Said::Approved("42")),
        (&shown, vec![order("NOTPAY"), (204, Value::Null)], Said::Approved(ATTEMPT)),
        // Paid between the look and the closing: the next look finds that.
        (&shown, vec![order("NOTPAY"), error(400, "ORDERPAID")], Said::Unknown),
        (&shown, vec![order("NOTPAY"), error(500, "SYSTEM_ERROR")], Said::Unknown),
        (&shown, vec![order("SUCCESS"), off("PROCESSING")], Said::Unknown),
        (&shown, vec![order("SUCCESS"), off("SUCCESS")], Said::Approved("50")),
        (&shown, vec![order("SUCCESS"), off("ABNORMAL")], Said::Unknown),
        (&shown, vec![order("SUCCESS"), off("CLOSED")], Said::Unknown),
        (&shown, vec![order("SUCCESS"), given_back("SUCCESS")], Said::Unknown),
        (&shown, vec![order("SUCCESS"), error(403, "NOT_ENOUGH")], Said::Unknown),
        (&shown, vec![with(order("SUCCESS"), "/amount/total", json!(1))], Said::Unknown),
        (&shown, vec![order("REFUND"), off("SUCCESS")], Said::Approved("50")),
        (&shown, vec![order("REFUND"), error(404, "RESOURCE_NOT_EXISTS")], Said::Unknown),
        (&code, vec![order("USERPAYING"), (204, Value::Null)], Said::Approved(ATTEMPT)),
        (&code, vec![order("SUCCESS"), (200, json!({"recall": "N"}))], Said::Approved(ATTEMPT)),
        (&code, vec![order("SUCCESS"), (200, json!({"recall": "Y"}))], Said::Unknown),
        (&code, vec![order("SUCCESS"), error(400, "INVALID_REQUEST")], Said::Unknown),
        (&shown, vec![with(order("NOTPAY"), "/out_trade_no", json!(OTHER))], Said::Unknown),
        (&shown, vec![error(500, "SYSTEM_ERROR")], Said::Unknown),
        // What is not there is ended when it cannot come any more.
        (&call_off(959, None), vec![error(404, "ORDER_NOT_EXIST")], Said::Unknown),
        (&call_off(960, None), vec![error(404, "ORDER_NOT_EXIST")], Said::Approved(ATTEMPT)),
    ] {
        check(request, &heard, &expected);
    }
}

#[test]
fn a_refund_is_done_once_under_its_name() {
    let request = asked(Call::Refund, Call::Refund);
    let paid = with(order("SUCCESS"), "/amount/total", json!(10_000));
    let refund = (
        "POST /v3/refund/domestic/refunds".to_owned(),
        json!({
            "out_trade_no": ATTEMPT, "out_refund_no": REFUND,
            "amount": {"refund": 8_888, "total": 10_000, "currency": "CNY"},
        }),
    );
    assert_eq!(calls(&request, std::slice::from_ref(&paid)), refund);
    let partly = with(paid.clone(), "/trade_state", json!("REFUND"));
    assert_eq!(calls(&request, &[partly]), refund);
    for (heard, expected) in [
        (given_back("SUCCESS"), Said::Approved("50")),
        (given_back("PROCESSING"), Said::Unknown),
        (given_back("ABNORMAL"), Said::Unknown),
        (given_back("CLOSED"), Said::Declined("wallet_declined")),
        (given_back(""), Said::Unknown),
        (with(given_back("SUCCESS"), "/out_refund_no", json!("re_2")), Said::Unknown),
        (with(given_back("SUCCESS"), "/out_trade_no", json!(OTHER)), Said::Unknown),
        (with(given_back("SUCCESS"), "/amount/refund", json!(8)), Said::Unknown),
        (with(given_back("SUCCESS"), "/amount/currency", json!("USD")), Said::Unknown),
        (with(given_back("CLOSED"), "/out_refund_no", json!("re_2")), Said::Unknown),
        (error(403, "NOT_ENOUGH"), Said::Declined("insufficient_funds")),
        (error(400, "INVALID_REQUEST"), Said::Declined("wallet_declined")),
        (error(400, "PARAM_ERROR"), Said::Declined("processing_error")),
        (error(429, "FREQUENCY_LIMITED"), Said::Unknown),
        (error(500, "SYSTEM_ERROR"), Said::Unknown),
    ] {
        check(&request, &[paid.clone(), heard], &expected);
    }
    // Nothing is sent for what cannot be given back.
    for (heard, expected) in [
        (error(404, "ORDER_NOT_EXIST"), Said::Declined("processing_error")),
        (order("NOTPAY"), Said::Declined("wallet_declined")),
        (with(order("SUCCESS"), "/amount/total", json!(8_887)), Said::Declined("wallet_declined")),
        (with(order("SUCCESS"), "/out_trade_no", json!(OTHER)), Said::Unknown),
        (error(500, "SYSTEM_ERROR"), Said::Unknown),
    ] {
        check(&request, &[heard], &expected);
    }
    // One that is not found is sent again as it was, when it cannot be on its way any more.
    let about = |seconds| after(seconds, asked(Call::Inquire, Call::Refund));
    let look = format!("GET /v3/refund/domestic/refunds/{REFUND}");
    assert_eq!(calls(&about(2), &[]), (look, Value::Null));
    let missing = error(404, "RESOURCE_NOT_EXISTS");
    check(&about(119), std::slice::from_ref(&missing), &Said::Unknown);
    assert!(calls(&about(120), std::slice::from_ref(&missing)).0.starts_with(&format!("GET {ORDER_TARGET}")));
    assert_eq!(calls(&about(120), &[missing.clone(), paid.clone()]), refund);
    check(&about(2), &[given_back("SUCCESS")], &Said::Approved("50"));
    check(&about(2), &[given_back("CLOSED")], &Said::Declined("wallet_declined"));
    check(&about(120), &[error(500, "SYSTEM_ERROR")], &Said::Unknown);
    check(&about(120), &[missing.clone(), paid.clone(), given_back("SUCCESS")], &Said::Approved("50"));
    // A no to what is sent again is none to the first.
    for word in ["NOT_ENOUGH", "INVALID_REQUEST", "PARAM_ERROR", "SIGN_ERROR"] {
        check(&about(120), &[missing.clone(), paid.clone(), error(403, word)], &Said::Unknown);
    }
    check(&about(120), &[missing, order("NOTPAY")], &Said::Unknown);
}

#[test]
fn nothing_is_believed_that_the_wallet_did_not_sign_now() {
    let request = scanned();
    let (_, body) = order("SUCCESS");
    let body = body.to_string().into_bytes();
    let said = |headers: HeaderMap, body: &[u8]| {
        let mut answer = Response::new(body.to_vec());
        *answer.headers_mut() = headers;
        match wallet().next(&request, &[answer]) {
            Step::Is(answer) => answer,
            step => panic!("{step:?}"),
        }
    };
    assert!(matches!(said(sign(NOW, &body), &body), ChannelAnswer::Approved { .. }));
    for seconds in [-300, 300] {
        assert!(
            matches!(said(sign(NOW + seconds, &body), &body), ChannelAnswer::Approved { .. }),
            "{seconds}"
        );
    }
    let changed = String::from_utf8(body.clone()).unwrap().replace("\"42\"", "\"43\"").into_bytes();
    let without = |name: &str| {
        let mut headers = sign(NOW, &body);
        headers.remove(name);
        headers
    };
    let mut twice = sign(NOW, &body);
    twice.append("wechatpay-nonce", "n0nce".parse().unwrap());
    for (what, headers, body) in [
        ("changed", sign(NOW, &body), &changed),
        ("too old", sign(NOW - 301, &body), &body),
        ("to come", sign(NOW + 301, &body), &body),
        ("unknown key", sign_with(WALLET_PRIVATE, "PUB_KEY_ID_2", NOW, &body), &body),
        ("our own key", sign_with(OWN_PRIVATE, WALLET_SERIAL, NOW, &body), &body),
        ("unsigned", HeaderMap::new(), &body),
        ("without a serial number", without("wechatpay-serial"), &body),
        ("without a time", without("wechatpay-timestamp"), &body),
        ("two nonces", twice, &body),
    ] {
        let said = said(headers, body);
        assert!(matches!(said, ChannelAnswer::Unknown { .. }), "{what}: {said:?}");
    }
    // Unsigned errors are believed of one kind only: that our own signature was wrong, so that nothing was done.
    let unsigned = |status: u16, code: &str, request: &Request| {
        let mut answer = Response::new(json!({"code": code}).to_string().into_bytes());
        *answer.status_mut() = status.try_into().unwrap();
        match wallet().next(request, &[answer]) {
            Step::Is(answer) => answer,
            step => panic!("{step:?}"),
        }
    };
    let declined =
        |answer| matches!(answer, ChannelAnswer::Declined { code, .. } if code == "processing_error");
    assert!(declined(unsigned(401, "SIGN_ERROR", &request)));
    for (status, code, request) in [
        (400, "SIGN_ERROR", &request),
        (401, "PARAM_ERROR", &request),
        (400, "PARAM_ERROR", &request),
        (403, "NOT_ENOUGH", &request),
        (404, "ORDER_NOT_EXIST", &inquiry(900, false, Some(CODE))),
        (401, "SIGN_ERROR", &inquiry(900, false, Some(CODE))),
        (401, "SIGN_ERROR", &call_off(960, None)),
    ] {
        let said = unsigned(status, code, request);
        assert!(matches!(said, ChannelAnswer::Unknown { .. }), "{status} {code}: {said:?}");
    }
}

#[test]
fn codes_are_not_shown() {
    let request = scanned();
    assert!(!format!("{request:?}").contains(CODE), "{request:?}");
    let step = wallet().next(&request, &[]);
    assert!(!format!("{step:?}").contains(CODE), "{step:?}");
}

#[test]
fn settings_that_cannot_be_are_refused_by_name() {
    let refused = |change: fn(&mut Settings)| {
        let mut settings = settings();
        change(&mut settings);
        Wechat::new(settings, keys()).err().unwrap().to_string()
    };
    for (what, found) in [
        ("app_id", refused(|it| it.app_id.push('/'))),
        ("merchant", refused(|it| it.merchant.clear())),
        ("serial", refused(|it| it.serial = "PUB_KEY".to_owned())),
        ("description", refused(|it| it.description = "x".repeat(128))),
        ("store", refused(|it| it.store.clear())),
        ("qr_seconds", refused(|it| it.common.qr_seconds = 61)),
    ] {
        assert!(found.starts_with(what), "{what}: {found}");
    }
    let none = Keys { theirs: BTreeMap::new(), ..keys() };
    assert!(Wechat::new(settings(), none).err().unwrap().to_string().contains("wallet_public_keys"));
}
