//! Calls to a wallet, and what its answers say, message by message.

use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use suanpan_channels::alipay::{Alipay, Settings};
use suanpan_channels::wallet::Common;
use suanpan_channels::{
    Call, ChannelAnswer, HttpChannel, Notification, NotificationError, Request, Step, Trace,
};
use suanpan_messages::signing::alipay::request_text;
use suanpan_messages::signing::rsa::{RsaPrivateKey, RsaPublicKey};
use suanpan_money::{Currency, Timestamp};

const APP_PRIVATE: &str = include_str!("../../../simulators/src/alipay/app-private-key.pem");
const APP_PUBLIC: &str = include_str!("../../../simulators/src/alipay/app-public-key.pem");
const WALLET_PRIVATE: &str = include_str!("../../../simulators/src/alipay/wallet-private-key.pem");
const WALLET_PUBLIC: &str = include_str!("../../../simulators/src/alipay/wallet-public-key.pem");
/// 2026-09-21 12:53:20 in China.
const NOW: i64 = 1_790_000_000 - 33_600;
const CODE: &str = "281234567890123400";

fn settings() -> Settings {
    Settings {
        common: Common {
            name: "alipay_cn".to_owned(),
            notify_url: Some("https://shop.example/channels/alipay_cn/notifications".to_owned()),
            qr_seconds: 900,
            code_seconds: 60,
        },
        app_id: "2021000000000001".to_owned(),
        subject: "测试店".to_owned(),
    }
}

fn wallet() -> Alipay {
    let own = RsaPrivateKey::parse(APP_PRIVATE).unwrap();
    Alipay::new(settings(), own, RsaPublicKey::parse(WALLET_PUBLIC).unwrap()).unwrap()
}

fn asked(call: Call, about: Call) -> Request {
    Request {
        call,
        about,
        trace: Trace(NOW * 1_000_000),
        now: Timestamp::from_seconds(NOW),
        reference: "att_1".to_owned(),
        original: (about != Call::Authorize).then(|| "att_0".to_owned()),
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

/// An inquiry about a payment, so many seconds after it was sent.
fn inquiry(seconds: i64, awaiting: bool, code: Option<&str>) -> Request {
    let now = Timestamp::from_seconds(NOW + seconds);
    let until = NOW + if code.is_some() { 60 } else { 900 };
    let awaiting_until = awaiting.then_some(until);
    Request { now, awaiting_until, token: code.map(str::to_owned), ..asked(Call::Inquire, Call::Authorize) }
}

fn scanned() -> Request {
    Request { token: Some(CODE.to_owned()), ..asked(Call::Authorize, Call::Authorize) }
}

/// The parameters of the form of a call, of which the signature was checked.
fn sent(request: &Request) -> Option<BTreeMap<String, String>> {
    parameters(wallet().next(request, &[]))
}

fn parameters(step: Step) -> Option<BTreeMap<String, String>> {
    let Step::Send(call) = step else { return None };
    assert_eq!((call.method().as_str(), call.uri().path()), ("POST", "/gateway.do"));
    let pairs: Vec<(String, String)> = form_urlencoded::parse(call.body()).into_owned().collect();
    let borrowed: Vec<(&str, &str)> =
        pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let text = request_text(&borrowed).unwrap();
    let parameters: BTreeMap<String, String> = pairs.iter().cloned().collect();
    let key = RsaPublicKey::parse(APP_PUBLIC).unwrap();
    key.verify_base64(text.as_bytes(), &parameters["sign"]).unwrap();
    Some(parameters)
}

fn content(request: &Request) -> (String, Value) {
    let parameters = sent(request).unwrap();
    (parameters["method"].clone(), serde_json::from_str(&parameters["biz_content"]).unwrap())
}

/// An answer as the wallet signs it.
fn signed(method: &str, answer: &Value) -> Vec<u8> {
    let text = answer.to_string();
    let signature = RsaPrivateKey::parse(WALLET_PRIVATE).unwrap().sign_base64(text.as_bytes()).unwrap();
    let name = method.replace('.', "_");
    format!("{{\"{name}_response\":{text},\"sign\":\"{signature}\"}}").into_bytes()
}

fn said(request: &Request, answer: &Value) -> ChannelAnswer {
    read(request, signed(&content(request).0, answer))
}

/// What the first answer to a request says.
fn read(request: &Request, bytes: Vec<u8>) -> ChannelAnswer {
    match wallet().next(request, &[http::Response::new(bytes)]) {
        Step::Is(answer) => answer,
        step => panic!("{step:?}"),
    }
}

fn notified(wallet: &Alipay, body: impl AsRef<[u8]>) -> Result<Notification, NotificationError> {
    wallet.notification(&http::HeaderMap::new(), body.as_ref(), Timestamp::from_seconds(NOW))
}

#[test]
fn calls_have_the_form_that_the_wallet_reads() {
    let parameters = sent(&asked(Call::Authorize, Call::Authorize)).unwrap();
    let told = |name: &str| parameters[name].as_str();
    assert_eq!((told("app_id"), told("sign_type"), told("version")), ("2021000000000001", "RSA2", "1.0"));
    assert_eq!(
        (told("charset"), told("format"), told("timestamp")),
        ("utf-8", "JSON", "2026-09-21 12:53:20")
    );
    assert_eq!(told("notify_url"), settings().common.notify_url.unwrap());
    let shown = json!({
        "out_trade_no": "att_1", "total_amount": "88.88", "subject": "测试店",
        "timeout_express": "15m", "qr_code_timeout_express": "15m",
    });
    assert_eq!(
        content(&asked(Call::Authorize, Call::Authorize)),
        ("alipay.trade.precreate".to_owned(), shown)
    );
    let pay = json!({
        "out_trade_no": "att_1", "scene": "bar_code", "auth_code": CODE, "total_amount": "88.88",
        "subject": "测试店", "timeout_express": "1m",
    });
    assert_eq!(content(&scanned()), ("alipay.trade.pay".to_owned(), pay));
    let back = json!({"out_trade_no": "att_0", "out_request_no": "att_1", "refund_amount": "88.88"});
    assert_eq!(content(&asked(Call::Refund, Call::Refund)), ("alipay.trade.refund".to_owned(), back));
    let off = ("alipay.trade.cancel".to_owned(), json!({"out_trade_no": "att_0"}));
    assert_eq!(content(&asked(Call::Void, Call::Void)), off);
    assert_eq!(content(&asked(Call::Inquire, Call::Void)), off);
    assert!(!sent(&asked(Call::Void, Call::Void)).unwrap().contains_key("notify_url"));
}

#[test]
fn what_a_wallet_cannot_do_is_not_sent() {
    let usd = Currency::parse("USD").unwrap();
    for request in [
        Request { currency: usd, ..asked(Call::Authorize, Call::Authorize) },
        Request { capture: false, ..asked(Call::Authorize, Call::Authorize) },
        asked(Call::Capture, Call::Capture),
        asked(Call::Inquire, Call::Capture),
    ] {
        assert_eq!(sent(&request), None, "{request:?}");
    }
}

#[test]
fn an_inquiry_asks_and_ends_nothing_that_may_have_been_paid() {
    for (seconds, awaiting, code, method) in [
        (2, true, None, "query"),
        // What may have been paid is not called off to find out.
        (5_000, true, None, "query"),
        (5_000, true, Some(CODE), "query"),
        (5_000, false, Some(CODE), "query"),
        // Not even where nobody can have seen the code.
        (2, false, None, "query"),
    ] {
        let found = content(&inquiry(seconds, awaiting, code)).0;
        assert_eq!(found, format!("alipay.trade.{method}"), "{seconds} {awaiting} {code:?}");
    }
}

#[test]
fn a_refund_that_is_not_found_is_sent_again_when_it_cannot_come_any_more() {
    let about_refund = |seconds| Request {
        now: Timestamp::from_seconds(NOW + seconds),
        ..asked(Call::Inquire, Call::Refund)
    };
    let query = "alipay.trade.fastpay.refund.query";
    let missing = http::Response::new(signed(query, &json!({"code": "10000", "out_trade_no": "att_0"})));
    assert_eq!(content(&about_refund(2)).0, query);
    let early = wallet().next(&about_refund(119), std::slice::from_ref(&missing));
    assert!(matches!(early, Step::Is(ChannelAnswer::Unknown { .. })), "{early:?}");
    let again = parameters(wallet().next(&about_refund(120), std::slice::from_ref(&missing))).unwrap();
    let first = parameters(wallet().next(&asked(Call::Refund, Call::Refund), &[])).unwrap();
    assert_eq!(again["biz_content"], first["biz_content"]);
    let after = |answer: Value| {
        let again = http::Response::new(signed("alipay.trade.refund", &answer));
        match wallet().next(&about_refund(120), &[missing.clone(), again]) {
            Step::Is(answer) => answer,
            step => panic!("{step:?}"),
        }
    };
    let moved = |word: &str| json!({"code": "10000", "out_trade_no": "att_0", "fund_change": word});
    assert!(matches!(after(moved("Y")), ChannelAnswer::Approved { .. }));
    assert!(matches!(after(moved("N")), ChannelAnswer::Unknown { .. }));
    // A no to what is sent again is none to the first.
    for sub in ["ACQ.TRADE_STATUS_ERROR", "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", "ACQ.SELLER_BALANCE_NOT_ENOUGH"] {
        let no = after(json!({"code": "40004", "sub_code": sub}));
        assert!(matches!(no, ChannelAnswer::Unknown { .. }), "{no:?}");
    }
    // What cannot be believed is no reason to send anything.
    let forged = wallet().next(&about_refund(120), &[http::Response::new(b"{}".to_vec())]);
    assert!(matches!(forged, Step::Is(ChannelAnswer::Unknown { .. })), "{forged:?}");
}

#[derive(Debug, PartialEq)]
enum Said {
    Approved,
    Declined(&'static str),
    Waits(Option<&'static str>),
    Unknown,
}

fn check(request: &Request, answer: Value, expected: &Said) {
    let found = said(request, &answer);
    let right = match (&found, expected) {
        (ChannelAnswer::Approved { .. }, Said::Approved) => true,
        (ChannelAnswer::Declined { code, .. }, Said::Declined(word)) => code == word,
        (ChannelAnswer::Awaiting { show, .. }, Said::Waits(text)) => show.as_deref() == *text,
        (ChannelAnswer::Unknown { .. }, Said::Unknown) => true,
        _ => false,
    };
    assert!(right, "{answer}: {found:?}, and not {expected:?}");
}

#[test]
fn only_what_is_certainly_a_no_is_one() {
    let shown = asked(Call::Authorize, Call::Authorize);
    let failed = |sub: &str| json!({"code": "40004", "msg": "Business Failed", "sub_code": sub});
    for (request, answer, expected) in [
        (
            &shown,
            json!({"code": "10000", "out_trade_no": "att_1", "qr_code": "https://qr/1"}),
            Said::Waits(Some("https://qr/1")),
        ),
        (&shown, json!({"code": "10000", "out_trade_no": "att_1"}), Said::Unknown),
        (
            &shown,
            json!({"code": "10000", "out_trade_no": "att_1", "qr_code": "x".repeat(513)}),
            Said::Unknown,
        ),
        (&shown, json!({"code": "10000", "out_trade_no": "att_2", "qr_code": "https://qr/1"}), Said::Unknown),
        (
            &shown,
            json!({"code": "40002", "sub_code": "isv.invalid-signature"}),
            Said::Declined("processing_error"),
        ),
        (&shown, json!({"code": "20000", "sub_code": "aop.unknow-error"}), Said::Unknown),
        (&shown, json!({"code": 10_000}), Said::Unknown),
        (
            &scanned(),
            json!({"code": "10000", "out_trade_no": "att_1", "trade_no": "9", "total_amount": "88.88"}),
            Said::Approved,
        ),
        (
            &scanned(),
            json!({"code": "10000", "out_trade_no": "att_1", "trade_no": "9", "total_amount": "88.80"}),
            Said::Unknown,
        ),
        (
            &scanned(),
            json!({"code": "10000", "out_trade_no": "att_1", "total_amount": "88.88"}),
            Said::Unknown,
        ),
        (&scanned(), json!({"code": "10000", "trade_no": "9", "total_amount": "88.88"}), Said::Unknown),
        (&scanned(), json!({"code": "10003", "out_trade_no": "att_1"}), Said::Waits(None)),
        (&scanned(), failed("ACQ.PAYMENT_AUTH_CODE_INVALID"), Said::Declined("invalid_payment_code")),
        (&scanned(), failed("ACQ.BUYER_BALANCE_NOT_ENOUGH"), Said::Declined("insufficient_funds")),
        (&scanned(), failed("ACQ.SYSTEM_ERROR"), Said::Unknown),
        (&scanned(), failed("ACQ.TRADE_HAS_SUCCESS"), Said::Unknown),
        (&scanned(), failed("ACQ.NEW_AND_UNHEARD_OF"), Said::Unknown),
    ] {
        check(request, answer, &expected);
    }
    let trade = |status: &str, amount: &str| json!({"code": "10000", "out_trade_no": "att_1", "trade_no": "9", "trade_status": status, "total_amount": amount});
    let (waiting, lost) = (inquiry(10, true, None), inquiry(10, false, Some(CODE)));
    for (request, answer, expected) in [
        (&waiting, trade("TRADE_SUCCESS", "88.88"), Said::Approved),
        (&waiting, trade("TRADE_FINISHED", "88.88"), Said::Approved),
        (&waiting, trade("TRADE_SUCCESS", "0.01"), Said::Unknown),
        (&waiting, trade("WAIT_BUYER_PAY", "88.88"), Said::Waits(None)),
        (&waiting, trade("TRADE_CLOSED", "88.88"), Said::Declined("attempt_expired")),
        (&waiting, trade("", "88.88"), Said::Unknown),
        // There is a trade only when the code was scanned; a code that was scanned makes one.
        (&waiting, failed("ACQ.TRADE_NOT_EXIST"), Said::Waits(None)),
        (&lost, failed("ACQ.TRADE_NOT_EXIST"), Said::Unknown),
        (&lost, json!({"code": "40002"}), Said::Unknown),
    ] {
        check(request, answer, &expected);
    }
}

#[test]
fn a_trade_that_does_not_exist_is_ended_when_it_cannot_come_any_more() {
    let missing = json!({"code": "40004", "sub_code": "ACQ.TRADE_NOT_EXIST"});
    let over = Said::Declined("processing_error");
    for (request, answer, expected) in [
        // What was sent may still come for two minutes.
        (inquiry(119, false, Some(CODE)), missing.clone(), &Said::Unknown),
        (inquiry(120, false, Some(CODE)), missing.clone(), &over),
        (inquiry(119, false, None), missing.clone(), &Said::Unknown),
        (inquiry(120, false, None), missing.clone(), &over),
        (inquiry(900, true, None), missing.clone(), &Said::Waits(None)),
    ] {
        check(&request, answer, expected);
    }
    // Whenever it is called off, and without a moment of its own: what counts is until when the code is good.
    let off = |seconds| Request {
        now: Timestamp::from_seconds(NOW + seconds),
        trace: Trace(0),
        awaiting_until: Some(NOW + 900),
        ..asked(Call::Inquire, Call::Void)
    };
    let told = |action: Option<&str>| json!({"code": "10000", "out_trade_no": "att_0", "action": action, "retry_flag": "N"});
    check(&off(5), told(Some("refund")), &Said::Approved);
    let again = json!({"code": "10000", "out_trade_no": "att_0", "action": "close", "retry_flag": "Y"});
    check(&off(5), again, &Said::Unknown);
    check(&off(960), json!({"code": "40004", "sub_code": "ACQ.SYSTEM_ERROR"}), &Said::Unknown);
    check(&off(5), told(Some("close")), &Said::Approved);
    check(&off(959), told(None), &Said::Unknown);
    check(&off(959), missing.clone(), &Said::Unknown);
    check(&off(960), told(None), &Said::Approved);
    check(&off(960), missing, &Said::Approved);
}

#[test]
fn a_refund_is_done_when_the_wallet_says_that_money_moved() {
    let request = asked(Call::Refund, Call::Refund);
    let moved = |word: &str| json!({"code": "10000", "out_trade_no": "att_0", "fund_change": word});
    check(&request, moved("Y"), &Said::Approved);
    check(&request, moved("N"), &Said::Unknown);
    check(
        &request,
        json!({"code": "40004", "sub_code": "ACQ.SELLER_BALANCE_NOT_ENOUGH"}),
        &Said::Declined("insufficient_funds"),
    );
    check(&request, json!({"code": "40004", "sub_code": "ACQ.SYSTEM_ERROR"}), &Said::Unknown);
    let query = asked(Call::Inquire, Call::Refund);
    let found = |name: &str, amount: &str| {
        json!({
            "code": "10000", "out_trade_no": "att_0", "out_request_no": name,
            "refund_status": "REFUND_SUCCESS", "refund_amount": amount,
        })
    };
    check(&query, found("att_1", "88.88"), &Said::Approved);
    check(&query, found("att_2", "88.88"), &Said::Unknown);
    check(&query, found("att_1", "8.88"), &Said::Unknown);
    check(&query, json!({"code": "10000", "out_trade_no": "att_0"}), &Said::Unknown);
}

#[test]
fn nothing_is_believed_that_the_wallet_did_not_sign() {
    let request = scanned();
    let good = json!({"code": "10000", "out_trade_no": "att_1", "trade_no": "9", "total_amount": "88.88"});
    let bytes = signed("alipay.trade.pay", &good);
    assert!(matches!(read(&request, bytes.clone()), ChannelAnswer::Approved { .. }));
    let text = String::from_utf8(bytes).unwrap();
    for other in [
        text.replace("\"trade_no\":\"9\"", "\"trade_no\":\"8\""),
        text.replace("alipay_trade_pay_response", "alipay_trade_query_response"),
        text.replace("\"sign\":\"", "\"sign\":\"A"),
        text[..text.len() - 1].to_owned(),
        "<html>502 Bad Gateway</html>".to_owned(),
        String::new(),
    ] {
        assert!(
            matches!(read(&request, other.clone().into_bytes()), ChannelAnswer::Unknown { .. }),
            "{other}"
        );
    }
}

fn notification(status: &str) -> String {
    let parameters = [
        ("app_id", "2021000000000001"),
        ("out_trade_no", "att_1"),
        ("subject", "测试店 & mehr"),
        ("total_amount", "88.88"),
        ("trade_no", "9"),
        ("trade_status", status),
    ];
    let text: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let key = RsaPrivateKey::parse(WALLET_PRIVATE).unwrap();
    let signature = key.sign_base64(text.join("&").as_bytes()).unwrap();
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(parameters).append_pair("sign_type", "RSA2").append_pair("sign", &signature);
    form.finish()
}

#[test]
fn notifications_are_read_when_they_are_the_wallets_and_for_us() {
    let told = notified(&wallet(), notification("TRADE_SUCCESS")).unwrap();
    assert_eq!((told.reference.as_str(), told.amount_minor, told.currency.code()), ("att_1", 8_888, "CNY"));
    assert!(matches!(told.answer, Some(ChannelAnswer::Approved { channel_id, .. }) if channel_id == "9"));
    // What was closed may have been closed by us, after it was paid: the inquiry knows.
    assert_eq!(notified(&wallet(), notification("TRADE_CLOSED")).unwrap().answer, None);
    let changed = notification("TRADE_SUCCESS").replace("88.88", "0.01");
    assert_eq!(notified(&wallet(), changed), Err(NotificationError::Forged));
    assert_eq!(notified(&wallet(), b"a=1&a=2&sign=x"), Err(NotificationError::Forged));
    let many = "a=1&".repeat(101);
    assert!(matches!(notified(&wallet(), many), Err(NotificationError::Unreadable(_))));
    let own = || RsaPrivateKey::parse(APP_PRIVATE).unwrap();
    let other = Settings { app_id: "2".to_owned(), ..settings() };
    let other = Alipay::new(other, own(), RsaPublicKey::parse(WALLET_PUBLIC).unwrap()).unwrap();
    let refused = notified(&other, notification("TRADE_SUCCESS"));
    assert_eq!(refused, Err(NotificationError::NotForUs("app_id")));
}

/// An answer with members as the wallet has them, in any company.
fn any_answer() -> impl Strategy<Value = Value> {
    let word = |words: &'static [&'static str]| proptest::option::of(proptest::sample::select(words));
    let members = (
        proptest::sample::select(&["10000", "10003", "20000", "20001", "40002", "40004", "", "1"][..]),
        word(&[
            "ACQ.TRADE_NOT_EXIST",
            "ACQ.SYSTEM_ERROR",
            "ACQ.PAYMENT_AUTH_CODE_INVALID",
            "ACQ.TRADE_STATUS_ERROR",
        ]),
        word(&["att_0", "att_1", "att_2", ""]),
        word(&["TRADE_SUCCESS", "TRADE_FINISHED", "WAIT_BUYER_PAY", "TRADE_CLOSED", "?"]),
        word(&["88.88", "88.880", "-88.88", "88.89", "1e2", "99999999999999999999"]),
        word(&["close", "refund", "other"]),
        word(&["Y", "N"]),
        word(&["https://qr/1", "", "with blank"]),
        word(&["REFUND_SUCCESS", "REFUND_FAIL"]),
    );
    members.prop_map(|(code, sub, order, status, amount, action, flag, shown, refund)| {
        let mut answer = json!({"code": code, "trade_no": "9"});
        let all = [
            ("sub_code", sub),
            ("out_trade_no", order),
            ("out_request_no", order),
            ("trade_status", status),
            ("total_amount", amount),
            ("refund_amount", amount),
            ("action", action),
            ("retry_flag", flag),
            ("fund_change", flag),
            ("qr_code", shown),
            ("refund_status", refund),
        ];
        for (name, value) in all.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            answer[name] = json!(value);
        }
        answer
    })
}

proptest! {
    /// Whatever the wallet signs: money is taken or given back only when it says so of this order.
    #[test]
    fn a_yes_is_about_this_order_and_a_no_never_about_what_may_have_been_paid(
        answer in any_answer(),
        which in 0_usize..8,
        seconds in 0_i64..3_000,
    ) {
        let request = match which {
            0 => asked(Call::Authorize, Call::Authorize),
            1 => scanned(),
            2 => inquiry(seconds, true, None),
            3 => inquiry(seconds, false, None),
            4 => inquiry(seconds, seconds % 2 == 0, Some(CODE)),
            5 => asked(Call::Refund, Call::Refund),
            6 => Request { now: Timestamp::from_seconds(NOW + seconds), ..asked(Call::Inquire, Call::Refund) },
            _ => Request { awaiting_until: Some(NOW + 900), ..asked(Call::Inquire, Call::Void) },
        };
        let order = request.original.clone().unwrap_or_else(|| request.reference.clone());
        let named = answer["out_trade_no"] == order.as_str();
        let heard = http::Response::new(signed(&content(&request).0, &answer));
        let answered = match wallet().next(&request, &[heard]) {
            Step::Is(answered) => answered,
            // A refund that is not found is sent again.
            Step::Send(_) => {
                prop_assert!(which == 6 && answer["out_request_no"].is_null(), "{}", answer);
                return Ok(());
            }
        };
        match answered {
            ChannelAnswer::Approved { .. } => prop_assert!(named && answer["code"] == "10000", "{}", answer),
            ChannelAnswer::Awaiting { .. } => prop_assert!(request.about == Call::Authorize),
            ChannelAnswer::Declined { .. } => {
                let paid = named && answer["trade_status"] == "TRADE_SUCCESS";
                prop_assert!(!(paid && matches!(which, 2 | 4) && answer["code"] == "10000"), "{}", answer);
                // What is asked about, or sent again, is never refused for good where it may have been done.
                prop_assert!(!matches!(which, 6 | 7), "{}", answer);
            }
            ChannelAnswer::ActionRequired => prop_assert!(false, "a wallet has no holder to prove"),
            ChannelAnswer::Unknown { .. } => {}
        }
    }
}

proptest! {
    #[test]
    fn whatever_comes_is_never_more_than_unknown(bytes: Vec<u8>, seconds in 0_i64..2_000, awaiting: bool) {
        let request = inquiry(seconds, awaiting, None);
        let answer = read(&request, bytes.clone());
        prop_assert!(matches!(answer, ChannelAnswer::Unknown { .. }), "{:?}", answer);
        prop_assert!(notified(&wallet(), &bytes).is_err());
    }
}
