//! Targets for what wallets say once their signature was found good: each input is signed here as the wallet signs, so
//! that the readers behind the signature see it. No answer may take or give back money that is not that of the request.

use crate::engine::digest;
use crate::targets::Target;
use http::{HeaderMap, Response};
use std::collections::BTreeMap;
use std::mem::discriminant;
use std::sync::LazyLock;
use suanpan_channels::alipay::{self, Alipay};
use suanpan_channels::wallet::Common;
use suanpan_channels::wechat::{self, Keys, Wechat};
use suanpan_channels::{Call, ChannelAnswer, HttpChannel, NotificationError, Request, Step, Trace};
use suanpan_messages::signing::parameters::joined;
use suanpan_messages::signing::rsa::{RsaPrivateKey, RsaPublicKey};
use suanpan_messages::signing::wechat::{Received, ResourceKey};
use suanpan_money::{Currency, Timestamp};

/// One target for each reader of what a wallet sends.
pub(crate) const TARGETS: &[Target] = &[
    Target {
        name: "alipay_call",
        words: &[
            "\"code\":\"10000\"",
            "\"code\":\"40004\"",
            "\"sub_code\":\"ACQ.TRADE_NOT_EXIST\"",
            "\"out_trade_no\":\"att_1234567890\"",
            "\"out_request_no\":\"re_1234567890\"",
            "\"trade_status\":\"TRADE_SUCCESS\"",
            "\"trade_no\":\"9\"",
            "\"total_amount\":\"88.88\"",
            "\"fund_change\":\"Y\"",
            "\"action\":\"close\"",
            ",",
            "{",
            "}",
            "null",
        ],
        run: alipay_call,
    },
    Target {
        name: "alipay_notice",
        words: &[
            "app_id=2021",
            "out_trade_no=",
            "total_amount=",
            "trade_status=TRADE_SUCCESS",
            "&",
            "=",
            "%",
            "+",
        ],
        run: alipay_notice,
    },
    Target {
        name: "wechat_call",
        words: &[
            "200\n",
            "404\n",
            "\n\n",
            "\"trade_state\":\"SUCCESS\"",
            "\"trade_state\":\"NOTPAY\"",
            "\"mchid\":\"1900000109\"",
            "\"out_trade_no\":\"att_1234567890\"",
            "\"out_refund_no\":\"re_1234567890\"",
            "\"amount\":{\"total\":8888,\"refund\":8888}",
            "\"status\":\"SUCCESS\"",
            "\"code\":\"ORDER_NOT_EXIST\"",
            "\"transaction_id\":\"42\"",
            ",",
            "18446744073709551616",
            "null",
        ],
        run: wechat_call,
    },
    Target {
        name: "wechat_notice",
        words: &[
            "\"event_type\":\"TRANSACTION.SUCCESS\"",
            "\"resource\":{",
            "\"algorithm\":\"AEAD_AES_256_GCM\"",
            "\"ciphertext\":\"",
            "\"nonce\":\"",
            "\"mchid\":\"1900000109\"",
            "\"appid\":\"wx8888\"",
            "\"amount\":{\"total\":8888}",
            ",",
            "{",
            "}",
        ],
        run: wechat_notice,
    },
    Target {
        name: "wechat_headers",
        words: &["1790000000", "PUB_KEY_ID_1", "\n", "WECHATPAY/SIGNTEST/", "AAAA", "=", "-1", "+1", "0x1"],
        run: wechat_headers,
    },
];

const NOW: i64 = 1_790_000_000;
const ORDER: &str = "att_1234567890";
const REFUND: &str = "re_1234567890";
const SERIAL: &str = "PUB_KEY_ID_1";
const RESOURCE_KEY: &[u8; 32] = b"0123456789abcdef0123456789ABCDEF";

static WALLET_KEY: LazyLock<RsaPrivateKey> = LazyLock::new(|| private("wallet"));

/// A key of the simulator: what it signs is worth nothing.
fn private(whose: &str) -> RsaPrivateKey {
    let text = match whose {
        "wallet" => include_str!("../../crates/simulators/src/wechat/wallet-private-key.pem"),
        _ => include_str!("../../crates/simulators/src/wechat/merchant-private-key.pem"),
    };
    RsaPrivateKey::parse(text).expect("a key")
}

fn theirs() -> RsaPublicKey {
    WALLET_KEY.public_key()
}

fn common() -> Common {
    Common { name: "wallet".to_owned(), notify_url: None, qr_seconds: 900, code_seconds: 60 }
}

static ALIPAY: LazyLock<Alipay> = LazyLock::new(|| {
    let settings =
        alipay::Settings { common: common(), app_id: "2021".to_owned(), subject: "Shop".to_owned() };
    Alipay::new(settings, private("merchant"), theirs()).expect("settings that can be")
});

static WECHAT: LazyLock<Wechat> = LazyLock::new(|| {
    let settings = wechat::Settings {
        common: common(),
        app_id: "wx8888".to_owned(),
        merchant: "1900000109".to_owned(),
        serial: "5157F09E".to_owned(),
        description: "Shop".to_owned(),
        store: "1".to_owned(),
    };
    let keys = Keys {
        own: private("merchant"),
        theirs: BTreeMap::from([(SERIAL.to_owned(), theirs())]),
        resource: resource_key(),
    };
    Wechat::new(settings, keys).expect("settings that can be")
});

fn resource_key() -> ResourceKey {
    ResourceKey::new(RESOURCE_KEY).expect("32 bytes")
}

/// What may be asked, by a number.
fn request(which: u8) -> Request {
    let (call, about) = match which % 4 {
        0 => (Call::Authorize, Call::Authorize),
        1 => (Call::Inquire, Call::Authorize),
        2 => (Call::Inquire, Call::Void),
        _ => (Call::Inquire, Call::Refund),
    };
    let refund = about == Call::Refund;
    let scanned = which & 4 != 0;
    Request {
        call,
        about,
        trace: Trace((NOW - 600) * 1_000_000),
        now: Timestamp::from_seconds(NOW),
        reference: if refund { REFUND } else { ORDER }.to_owned(),
        original: (about != Call::Authorize).then(|| ORDER.to_owned()),
        original_id: None,
        authorization_code: None,
        token: scanned.then(|| "131234567890123400".to_owned()),
        amount_minor: 8_888,
        currency: Currency::parse("CNY").expect("a currency"),
        capture: true,
        authenticated: false,
        off_session: false,
        awaiting_until: (which & 8 != 0).then_some(NOW + 60),
    }
}

/// A trait of what comes next, and what it must never be.
fn kind(request: &Request, step: &Step, bodies: &[&[u8]]) -> String {
    match step {
        Step::Is(answer) => {
            if let ChannelAnswer::Approved { .. } = answer {
                let name = if request.about == Call::Refund { REFUND } else { ORDER };
                let named =
                    bodies.iter().any(|body| body.windows(name.len()).any(|part| part == name.as_bytes()));
                // Only what is called off, and is not there, is ended without being named.
                assert!(named || request.about == Call::Void, "approved, and of another name");
            }
            format!("{:?}", discriminant(answer))
        }
        Step::Send(call) => call.uri().path().to_owned(),
    }
}

/// The first byte says what is asked; the rest is the answer, signed.
fn alipay_call(input: &[u8]) -> u64 {
    let Some((&which, text)) = input.split_first() else { return 0 };
    let Ok(text) = std::str::from_utf8(text) else { return 0 };
    let request = request(which);
    let Ok(signature) = WALLET_KEY.sign_base64(text.as_bytes()) else { return 0 };
    let method = match (request.about, request.token.is_some()) {
        (Call::Authorize, true) if request.call == Call::Authorize => "pay",
        (Call::Authorize, _) if request.call == Call::Authorize => "precreate",
        (Call::Authorize, _) => "query",
        (Call::Void, _) => "cancel",
        _ => "fastpay_refund_query",
    };
    let body = format!("{{\"alipay_trade_{method}_response\":{text},\"sign\":\"{signature}\"}}");
    let step = ALIPAY.next(&request, &[Response::new(body.into_bytes())]);
    digest(kind(&request, &step, &[text.as_bytes()]).as_bytes())
}

/// The input is the form; it is signed when it can be.
fn alipay_notice(input: &[u8]) -> u64 {
    let pairs: Vec<(String, String)> = form_urlencoded::parse(input).into_owned().collect();
    let signed: Vec<(&str, &str)> = pairs
        .iter()
        .filter(|(name, _)| name != "sign" && name != "sign_type")
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let signature = joined(&signed, &[]).ok().and_then(|text| WALLET_KEY.sign_base64(text.as_bytes()).ok());
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(&signed).append_pair("sign", &signature.unwrap_or_default());
    let told = ALIPAY.notification(&HeaderMap::new(), form.finish().as_bytes(), Timestamp::from_seconds(NOW));
    digest(told_as(told.map(|told| told.answer.is_some())).as_bytes())
}

/// The first byte says what is asked. Answers are parted by empty lines; each is a line with its status, and its body.
fn wechat_call(input: &[u8]) -> u64 {
    let Some((&which, rest)) = input.split_first() else { return 0 };
    let Ok(text) = std::str::from_utf8(rest) else { return 0 };
    let request = request(which);
    let (mut heard, mut bodies, mut told) = (Vec::new(), Vec::new(), String::new());
    for answer in text.split("\n\n").take(4) {
        let (status, body) = answer.split_once('\n').unwrap_or(("200", answer));
        let mut response = Response::new(body.as_bytes().to_vec());
        *response.status_mut() = status.parse().unwrap_or_default();
        *response.headers_mut() = signed_headers(body.as_bytes());
        heard.push(response);
        bodies.push(body.as_bytes());
        let step = WECHAT.next(&request, &heard);
        told.push_str(&kind(&request, &step, &bodies));
        if matches!(step, Step::Is(_)) {
            break;
        }
    }
    digest(told.as_bytes())
}

fn signed_headers(body: &[u8]) -> HeaderMap {
    let timestamp = u64::try_from(NOW).expect("after 1970");
    let received = Received { timestamp, nonce: "n", signature: "", body };
    let text = received.text().expect("a nonce that can be");
    let signature = WALLET_KEY.sign_base64(&text).expect("a key that signs");
    headers([&timestamp.to_string(), "n", &signature, SERIAL])
}

fn headers(values: [&str; 4]) -> HeaderMap {
    let names = ["wechatpay-timestamp", "wechatpay-nonce", "wechatpay-signature", "wechatpay-serial"];
    let mut headers = HeaderMap::new();
    for (name, value) in names.into_iter().zip(values) {
        if let Ok(value) = value.parse() {
            headers.insert(name, value);
        }
    }
    headers
}

/// After a zero the input is what is sealed, otherwise it is the whole body; signed both times.
fn wechat_notice(input: &[u8]) -> u64 {
    let Some((&first, rest)) = input.split_first() else { return 0 };
    let body = if first == b'0' {
        let nonce = "fdasflkja484";
        let sealed = resource_key().seal(nonce.as_bytes(), b"", rest).expect("a nonce of twelve bytes");
        let body = serde_json::json!({
            "event_type": "TRANSACTION.SUCCESS",
            "resource": {"algorithm": "AEAD_AES_256_GCM", "ciphertext": sealed, "nonce": nonce},
        });
        body.to_string().into_bytes()
    } else {
        input.to_vec()
    };
    let told = WECHAT.notification(&signed_headers(&body), &body, Timestamp::from_seconds(NOW));
    digest(told_as(told.map(|told| told.answer.is_some())).as_bytes())
}

/// Four lines are the headers, the rest is the body: nothing of it was signed.
fn wechat_headers(input: &[u8]) -> u64 {
    let Ok(text) = std::str::from_utf8(input) else { return 0 };
    let mut lines = text.splitn(5, '\n');
    let mut next = || lines.next().unwrap_or_default();
    let headers = headers([next(), next(), next(), next()]);
    let error = WECHAT
        .notification(&headers, next().as_bytes(), Timestamp::from_seconds(NOW))
        .expect_err("nothing was signed");
    digest(format!("{:?} {}", discriminant(&error), headers.len()).as_bytes())
}

fn told_as(told: Result<bool, NotificationError>) -> String {
    match told {
        Ok(paid) => format!("{paid}"),
        Err(NotificationError::Unreadable(why)) => why.to_owned(),
        Err(error) => format!("{error}"),
    }
}
