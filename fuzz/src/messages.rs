//! Targets for messages: what is decoded is encoded to the same, or refused.

use crate::engine::digest;
use crate::targets::Target;
use std::mem::discriminant;
use suanpan_messages::iso8583::{Dialect, UNIONPAY_DOWNSTREAM, UNIONPAY_HOST, UNIONPAY_TERMINAL};
use suanpan_messages::qr::{consumer, merchant::MerchantCode};
use suanpan_messages::tlv;

/// One target for each reader of messages.
pub(crate) const TARGETS: &[Target] = &[
    Target {
        name: "iso8583_host",
        words: &["0200", "0210", "16", "000000", "156"],
        run: |i| iso8583(i, &UNIONPAY_HOST),
    },
    Target {
        name: "iso8583_downstream",
        words: &["0220", "0230", "16", "D0000", "156"],
        run: |input| iso8583(input, &UNIONPAY_DOWNSTREAM),
    },
    Target {
        name: "iso8583_terminal",
        words: &["\u{2}\0", "\u{16}", "`\0\u{3}\0\0`1\0", "156"],
        run: |input| iso8583(input, &UNIONPAY_TERMINAL),
    },
    Target { name: "tlv", words: &["a", "\u{1f}", "_\u{2d}", "P\u{2}AB", "\0"], run: tlv },
    Target {
        name: "qr_merchant",
        words: &[
            "000201", "0102", "2604", "52045411", "5303156", "5802CN", "6304", "64", "最佳", "99", "0004",
        ],
        run: merchant,
    },
    Target { name: "qr_consumer", words: &["hQVDUFYwMQ==", "hQVDUFYwMWE", "TwegAAAA", "="], run: consumer },
];

fn iso8583(input: &[u8], dialect: &Dialect) -> u64 {
    let told = match dialect.decode(input) {
        Ok(message) => {
            let written = dialect.encode(&message).expect("what was read can be written");
            assert_eq!(written, input, "and is the same");
            format!("{:?} {}", message.message_type, message.fields().count())
        }
        Err(error) => format!("{:?}", discriminant(&error)),
    };
    digest(told.as_bytes())
}

fn tlv(input: &[u8]) -> u64 {
    let told = match tlv::decode(input) {
        Ok(objects) => {
            assert_eq!(tlv::decode(&tlv::encode(&objects)).as_ref(), Ok(&objects));
            format!("{:?} {:?}", objects.len().checked_ilog2(), tlv::find(&objects, tlv::Tag(0x9F26)).is_ok())
        }
        Err(error) => format!("{:?}", discriminant(&error)),
    };
    digest(told.as_bytes())
}

fn merchant(input: &[u8]) -> u64 {
    let Ok(text) = std::str::from_utf8(input) else { return 0 };
    // A checksum that follows, so that the rules behind it are reached.
    let completed = MerchantCode::decode(text).or_else(|error| match error {
        suanpan_messages::qr::merchant::MerchantError::Checksum { declared, computed } => {
            MerchantCode::decode(&format!("{}{computed}", &text[..text.len() - declared.len()]))
        }
        other => Err(other),
    });
    let told = match completed {
        Ok(code) => {
            assert_eq!(MerchantCode::decode(&code.encode()).as_ref(), Ok(&code));
            format!("{} {:?}", code.objects().count(), code.amount_minor().is_some())
        }
        Err(error) => error.to_string().chars().filter(|c| !c.is_ascii_digit()).collect(),
    };
    digest(told.as_bytes())
}

fn consumer(input: &[u8]) -> u64 {
    let Ok(text) = std::str::from_utf8(input) else { return 0 };
    let told = match consumer::decode(text) {
        Ok(objects) => {
            assert_eq!(consumer::decode(&consumer::encode(&objects)).as_ref(), Ok(&objects));
            format!("{}", objects.len())
        }
        Err(error) => format!("{:?}", discriminant(&error)),
    };
    digest(told.as_bytes())
}
