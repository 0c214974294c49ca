//! Targets for what channels sign: headers, keys, signatures, answers. None of them may be taken for genuine.

use crate::engine::digest;
use crate::targets::Target;
use std::mem::discriminant;
use std::sync::LazyLock;
use suanpan_messages::payment_code;
use suanpan_messages::signing::alipay;
use suanpan_messages::signing::rsa::{RsaPrivateKey, RsaPublicKey};
use suanpan_messages::signing::sm2::{Sm2PrivateKey, Sm2PublicKey, Sm2Signature, USER_ID};
use suanpan_messages::signing::webhook::{self, Message, Secret};
use suanpan_messages::signing::wechat::Authorization;

/// One target for each reader of what a channel sends.
pub(crate) const TARGETS: &[Target] = &[
    Target {
        name: "webhook_headers",
        words: &[
            "v1,",
            "v1a,",
            " ",
            "\n",
            "1614265330",
            "msg_",
            ".",
            "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ],
        run: webhook_headers,
    },
    Target {
        name: "authorization",
        words: &[
            "WECHATPAY2-SHA256-RSA2048 ",
            "mchid=\"",
            "serial_no=\"",
            "nonce_str=\"",
            "timestamp=\"",
            "signature=\"",
            "\",",
            "\"",
            ",",
            "\\",
            "\n",
            "1554208460",
        ],
        run: authorization,
    },
    Target {
        name: "keys",
        words: &[
            "-----BEGIN ",
            "-----END ",
            "-----",
            "PRIVATE KEY",
            "PUBLIC KEY",
            "RSA ",
            "EC ",
            "\n",
            "MIIB",
            "AQAB",
            "=",
        ],
        run: keys,
    },
    Target {
        name: "alipay_answer",
        words: &[
            "{",
            "}",
            "\"sign\":\"",
            "\"alipay_trade_query_response\":",
            "\"error_response\":",
            ",",
            "\\u0041",
            "[",
        ],
        run: alipay_answer,
    },
    Target {
        name: "sm2_signature",
        words: &["0\u{6}\u{2}\u{1}\u{1}\u{2}\u{1}\u{1}", "\u{2} ", "\0"],
        run: sm2_signature,
    },
    Target { name: "payment_code", words: &["10", "15", "25", "28", "289", "30", "62", "6"], run: payment },
];

/// Public keys that nothing was signed by.
static RSA: LazyLock<RsaPublicKey> = LazyLock::new(|| {
    let seed = include_str!("../seeds/keys/rsa_public");
    RsaPublicKey::parse(seed).expect("a key")
});
static SM2: LazyLock<Sm2PublicKey> =
    LazyLock::new(|| Sm2PrivateKey::from_bytes(&[7; 32]).expect("a number of the curve").public_key());

/// Three lines are the headers, the rest is the body.
fn webhook_headers(input: &[u8]) -> u64 {
    let Ok(text) = std::str::from_utf8(input) else { return 0 };
    let mut lines = text.splitn(4, '\n');
    let mut next = || lines.next().unwrap_or_default();
    let (id, timestamp, signatures) = (next(), next(), next());
    let message = Message { id, timestamp, signatures, body: next().as_bytes() };
    let secrets = [Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret")];
    let told = webhook::verify(&secrets, &message, 1_614_265_330, 300);
    if let (Ok(()), Ok(seconds)) = (told, timestamp.parse()) {
        let own = secrets[0].sign(id, seconds, message.body).expect("the id was taken");
        assert!(signatures.split(' ').any(|signature| signature == own), "genuine, and not by the secret");
    }
    digest(format!("{:?}", told.map_err(|error| discriminant(&error))).as_bytes())
}

fn authorization(input: &[u8]) -> u64 {
    let Ok(text) = std::str::from_utf8(input) else { return 0 };
    let told = match Authorization::parse(text) {
        Ok(read) => {
            assert_eq!(Authorization::parse(&read.to_string()).as_ref(), Ok(&read));
            format!("{:?}", read.signature.len().checked_ilog2())
        }
        Err(error) => error.to_string(),
    };
    digest(told.as_bytes())
}

fn keys(input: &[u8]) -> u64 {
    let Ok(text) = std::str::from_utf8(input) else { return 0 };
    let told = (
        RsaPublicKey::parse(text).map(|_| ()),
        RsaPrivateKey::parse(text).map(|key| {
            let signed =
                key.sign(b"suanpan").map(|signature| key.public_key().verify(b"suanpan", &signature));
            assert!(!matches!(signed, Ok(Err(_))), "a signature that does not verify");
        }),
        Sm2PublicKey::parse(text).map(|_| ()),
        Sm2PrivateKey::parse(text).map(|_| ()),
    );
    digest(format!("{told:?}").chars().filter(|c| !c.is_ascii_digit()).collect::<String>().as_bytes())
}

fn alipay_answer(input: &[u8]) -> u64 {
    let Ok(text) = std::str::from_utf8(input) else { return 0 };
    let error = alipay::verify_answer(&RSA, "alipay.trade.query", text).expect_err("nothing was signed");
    digest(format!("{:?}", discriminant(&error)).as_bytes())
}

fn sm2_signature(input: &[u8]) -> u64 {
    let mut told = Vec::new();
    for read in [Sm2Signature::from_der(input), Sm2Signature::from_raw(input)] {
        told.push(read.is_ok());
        if let Ok(signature) = read {
            assert!(SM2.verify(USER_ID, b"suanpan", &signature).is_err(), "nothing was signed");
            assert_eq!(Sm2Signature::from_der(&signature.to_der()), Ok(signature));
            assert_eq!(Sm2Signature::from_raw(&signature.to_raw()), Ok(signature));
        }
    }
    told.push(Sm2PublicKey::from_bytes(input).is_ok());
    digest(format!("{told:?}").as_bytes())
}

fn payment(input: &[u8]) -> u64 {
    let Ok(text) = std::str::from_utf8(input) else { return 0 };
    digest(format!("{:?}", payment_code::wallet(&payment_code::usual(), text)).as_bytes())
}
