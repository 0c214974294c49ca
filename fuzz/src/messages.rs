//! Targets for messages: what is decoded is encoded to the same, or refused.

use crate::engine::digest;
use crate::targets::Target;
use std::mem::discriminant;
use suanpan_messages::iso8583::{
    Dialect, Framing, ISO_1987, ISO_1987_PACKED, ISO_1993_BINARY_BITMAP, ISO_1993_EBCDIC, Layout,
    UNIONPAY_DOWNSTREAM, UNIONPAY_HOST, UNIONPAY_TERMINAL,
};
use suanpan_messages::iso20022;
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
    Target {
        name: "iso8583_1987",
        words: &["0800", "F2", "82", "0000000000000000", "16", "003", "D", "="],
        run: |input| iso8583(input, &ISO_1987),
    },
    Target {
        name: "iso8583_1987_packed",
        words: &["\u{2}\0", "\u{8}\0", "\u{16}", "\u{5}1", "\0\u{3}", "00"],
        run: |input| iso8583(input, &ISO_1987_PACKED),
    },
    Target {
        name: "iso8583_1993",
        words: &["1200", "1804", "16", "0000", "006", "C0000"],
        run: |input| iso8583(input, &ISO_1993_BINARY_BITMAP),
    },
    Target {
        name: "iso8583_ebcdic",
        words: &["\0", "\u{40}"],
        run: |input| iso8583(input, &ISO_1993_EBCDIC),
    },
    Target { name: "iso8583_frame", words: &["0004", "0000", "\0\u{4}", "\0\0", "9999"], run: frame },
    Target { name: "iso20022", words: PAYMENT, run: payment },
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

const PAYMENT: &[&str] = &[
    "<CdtTrfTxInf>",
    "</CdtTrfTxInf>",
    "<IntrBkSttlmAmt Ccy=\"EUR\">1.50</IntrBkSttlmAmt>",
    "<Amt><InstdAmt Ccy=\"JPY\">1</InstdAmt></Amt>",
    "<Dbtr><Nm>",
    "<Dbtr><Pty>",
    "<Id>",
    "</Id>",
    "<Othr>",
    "<Cd>",
    "<ReqdExctnDt>2024-01-02Z</ReqdExctnDt>",
    "<CreDtTm>2024-01-01T24:00:00+14:00</CreDtTm>",
    "<NbOfTxs>2</NbOfTxs>",
    "<CtrlSum>",
    "79228162514264337593543950335",
    "<Document>",
    "</Document>",
    "<AppHdr>",
    "<![CDATA[",
    "]]>",
    "&#13;",
    "&amp;",
    "<!DOCTYPE a>",
    "<PmtRtr>",
    "<Undrlyg><TxInf>",
    "<UETR>97ed4827-7b6f-4491-a06f-b548d5a7512d</UETR>",
];

/// What can be written is read back the same; totals and rules of schemes take whatever was read.
fn payment(input: &[u8]) -> u64 {
    let told = match iso20022::read_all(input) {
        Ok(all) => {
            let mut told = String::new();
            for received in &all {
                let message = &received.message;
                let written = iso20022::write(message);
                if let Ok(text) = &written {
                    let again = iso20022::read(text.as_bytes()).expect("what was written can be read");
                    assert_eq!(&again.message, message, "{text}");
                    assert!(again.unknown.is_empty(), "{text}");
                }
                for span in &received.transactions {
                    assert!(span.start < span.end && span.end <= input.len(), "{span:?}");
                }
                let untied = iso20022::totals::totals(message).iter().filter(|total| !total.agrees()).count();
                let rules = iso20022::scheme::Scheme::ALL
                    .map(|scheme| iso20022::scheme::check(scheme, message).len().checked_ilog2());
                let faults = received.faults.len().min(2);
                let element = message.element();
                told.push_str(&format!("{element} {} {untied} {faults} {rules:?} ", written.is_ok()));
            }
            told
        }
        Err(error) => format!("{:?}", discriminant(&error)),
    };
    digest(told.as_bytes())
}

/// What is read is written to the same bytes, in place and copied; parts that are divided are joined.
fn iso8583(input: &[u8], dialect: &Dialect) -> u64 {
    let told = match dialect.view(input) {
        Ok(view) => {
            let written = dialect.encode(&view.to_message()).expect("what was read can be written");
            assert_eq!(written, input, "and is the same");
            let rows = view.describe().rows;
            assert!(rows.iter().all(|row| row.at + row.len <= input.len()), "rows stand in the message");
            let mut divided = 0;
            for value in view.fields() {
                divided += parts(&value.spec().layout, &value.characters());
            }
            format!(
                "{:?} {} {divided} {}",
                view.message_type(),
                view.fields().count(),
                view.strange().count()
            )
        }
        Err(error) => format!("{:?}", discriminant(&error)),
    };
    digest(told.as_bytes())
}

/// Divides a value and joins it again, at every level. Returns how many values could be divided.
fn parts(layout: &Layout, value: &[u8]) -> usize {
    let Ok(parts) = layout.read(value) else { return 0 };
    let pairs: Vec<(&str, &[u8])> = parts.iter().map(|part| (part.id.as_str(), part.value)).collect();
    let joined = layout.write(&pairs).expect("what was read can be written");
    if !matches!(layout, Layout::Whole | Layout::Objects(_)) {
        assert_eq!(joined, value, "and is the same");
    }
    usize::from(!parts.is_empty())
        + parts.iter().map(|part| self::parts(&part.layout(), part.value)).sum::<usize>()
}

/// What is split off a line is framed to the same bytes.
fn frame(input: &[u8]) -> u64 {
    let mut told = String::new();
    for framing in [Framing::HOST, Framing::TERMINAL] {
        for framing in [framing, Framing { counts_itself: true, message_bytes_max: 100, ..framing }] {
            match framing.split(input) {
                Ok(Some((message, behind))) => {
                    let mut written = Vec::new();
                    framing.append(message, &mut written).expect("what was split can be framed");
                    written.extend_from_slice(behind);
                    assert_eq!(written, input);
                    told.push_str(&format!("{:?}", message.len().checked_ilog2()));
                }
                Ok(None) => told.push('-'),
                Err(error) => told.push_str(&format!("{:?}", discriminant(&error))),
            }
        }
    }
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
