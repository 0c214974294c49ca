//! Messages of the clearing network: EPCC-style, after public traces.

use proptest::prelude::*;
use std::collections::BTreeMap;
use suanpan_messages::clearing::key::{PrivateKey, PublicKey, Signer, Verifiers};
use suanpan_messages::clearing::record::{Category, Debit, Outcome, SignUp, Status};
use suanpan_messages::clearing::{
    BatchId, ChinaTime, Direction, FINE, Fields, Header, Message, MessageError, MessageType, Money, Secret,
    XmlError,
};
use suanpan_messages::signing::SignatureError;
use suanpan_messages::signing::sm2::Sm2PrivateKey;
use suanpan_money::Timestamp;

/// Keys made for this test.
const RSA_PRIVATE: &str = include_str!("keys/rsa_pkcs1.pem");
const RSA_PUBLIC: &str = include_str!("keys/rsa_public.pem");
const SM2_SERIAL: &str = "4000227191";
const RSA_SERIAL: &str = "4000520010";

fn sm2() -> Sm2PrivateKey {
    Sm2PrivateKey::from_bytes(&[0x39; 32]).expect("a number of the curve")
}

fn signers() -> [Signer; 2] {
    [
        Signer { serial: SM2_SERIAL.to_owned(), key: PrivateKey::Sm2(sm2()) },
        Signer { serial: RSA_SERIAL.to_owned(), key: PrivateKey::parse(RSA_PRIVATE).expect("a key") },
    ]
}

fn keys() -> Verifiers {
    Verifiers(BTreeMap::from([
        (SM2_SERIAL.to_owned(), PublicKey::Sm2(sm2().public_key())),
        (RSA_SERIAL.to_owned(), PublicKey::parse(RSA_PUBLIC).expect("a key")),
    ]))
}

/// 2018-07-12T14:12:11 in China.
const MOMENT: i64 = 1_531_375_931;

fn at() -> ChinaTime {
    ChinaTime(Timestamp::from_seconds(MOMENT))
}

fn debit() -> Debit {
    Debit {
        bank: "C1081421000051".to_owned(),
        payer_type: "00".to_owned(),
        sign_no: "EPPAP00HRDYIPBQCPAPFQCYG".to_owned(),
        flag: "1".to_owned(),
        payee_institution: "Z2004344000017".to_owned(),
        payee: "INSTCOUNT00001".to_owned(),
        payee_name: "算盘 & <Söhne>".to_owned(),
        payee_type: "03".to_owned(),
        reserve: "99010176680005004".to_owned(),
        reserve_name: "reserve".to_owned(),
        reserve_bank: "C1010611003601".to_owned(),
        trade: "att_1".to_owned(),
        at: at(),
        amount: Money { minor: 100 },
        category: Category::Debit,
        business: "100001".to_owned(),
        callback: None,
        order: "att_1".to_owned(),
        batch: BatchId::of(at().0, 24).expect("a day of the calendar"),
    }
}

fn message() -> Message {
    Message {
        header: Header {
            sent: at(),
            kind: MessageType::Debit,
            institution: "Z2004344000017".to_owned(),
            direction: Direction::ToNetwork,
        },
        body: debit().fields(),
    }
}

/// What a payment by agreement looks like, to the byte.
const GOLDEN: &str = concat!(
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><root xmlns=\"namespace_string\"><MsgHeader>",
    "<SndDt>2018-07-12T14:12:11</SndDt><MsgTp>epcc.201.001.01</MsgTp><IssrId>Z2004344000017</IssrId>",
    "<Drctn>11</Drctn><SignSN>4000227191</SignSN></MsgHeader><MsgBody><PyerInf>",
    "<PyerAcctIssrId>C1081421000051</PyerAcctIssrId><PyerAcctTp>00</PyerAcctTp>",
    "<SgnNo>EPPAP00HRDYIPBQCPAPFQCYG</SgnNo></PyerInf><RPFlg>1</RPFlg><PyeeInf>",
    "<PyeeAcctIssrId>Z2004344000017</PyeeAcctIssrId><PyeeAcctId>INSTCOUNT00001</PyeeAcctId>",
    "<PyeeNm>算盘 &amp; &lt;Söhne&gt;</PyeeNm><PyeeAcctTp>03</PyeeAcctTp></PyeeInf><ResfdInf>",
    "<InstgAcctId>99010176680005004</InstgAcctId><InstgAcctNm>reserve</InstgAcctNm>",
    "<ResfdAcctIssrId>C1010611003601</ResfdAcctIssrId></ResfdInf><TrxInf><TrxId>att_1</TrxId>",
    "<TrxDtTm>2018-07-12T14:12:11</TrxDtTm><TrxAmt>CNY1.00</TrxAmt><TrxCtgy>0110</TrxCtgy>",
    "<BizTp>100001</BizTp></TrxInf><OrdrInf><OrdrId>att_1</OrdrId></OrdrInf>",
    "<BatchId>B201807120015</BatchId></MsgBody></root>\r\n{S:",
);

#[test]
fn a_payment_by_agreement_is_written_as_the_traces_have_it() {
    let [by_sm2, by_rsa] = signers();
    let bytes = message().sign(&by_sm2).unwrap();
    let text = String::from_utf8(bytes.clone()).unwrap();
    assert_eq!(&text[..text.len().min(GOLDEN.len())], GOLDEN);
    assert!(text.ends_with("}") && text.len() > GOLDEN.len() + 80, "{text}");
    for signer in [by_sm2, by_rsa] {
        let opened = Message::open(&message().sign(&signer).unwrap(), &keys()).unwrap();
        assert_eq!(opened, message());
        assert_eq!(Debit::read(&opened.body), Ok(debit()));
    }
    // What a public trace has, with elements that are empty or not known here.
    let trace = "<root xmlns=\"namespace_string\"><MsgHeader><SndDt>2018-07-12T14:12:11</SndDt></MsgHeader><MsgBody><PyerInf>\
        <PyerTrxTrmTp></PyerTrxTrmTp></PyerInf></MsgBody></root>\r\n{S:}";
    assert_eq!(
        Message::open(trace.as_bytes(), &keys()).unwrap_err().to_string(),
        "MsgHeader/SignSN is missing"
    );
}

#[test]
fn nothing_is_opened_that_is_not_signed_as_it_stands() {
    let [by_sm2, by_rsa] = signers();
    let good = String::from_utf8(message().sign(&by_sm2).unwrap()).unwrap();
    let open = |text: &str| Message::open(text.as_bytes(), &keys()).unwrap_err();
    let forged = MessageError::Signature(SignatureError);
    assert_eq!(open(&good.replace("CNY1.00", "CNY2.00")), forged);
    assert_eq!(open(&good.replace(SM2_SERIAL, "4000227192")), forged);
    // By the other key, which is of another kind.
    assert_eq!(open(&good.replace(SM2_SERIAL, RSA_SERIAL)), forged);
    assert_eq!(open(&good.replace("</MsgBody>", " </MsgBody>")), forged);
    let stranger = Signer {
        serial: SM2_SERIAL.to_owned(),
        key: PrivateKey::Sm2(Sm2PrivateKey::from_bytes(&[7; 32]).unwrap()),
    };
    assert_eq!(Message::open(&message().sign(&stranger).unwrap(), &keys()).unwrap_err(), forged);
    // The declaration is not signed, and there is no other one.
    Message::open(&good.as_bytes()["<?xml version=\"1.0\" encoding=\"UTF-8\"?>".len()..], &keys()).unwrap();
    for (from, to) in [
        ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>", " "),
        ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "<?xml version=\"1.0\" encoding=\"GBK\"?>"),
        ("\r\n{S:", "\n{S:"),
        ("</root>", "</root> "),
        ("}", "}\r\n"),
    ] {
        assert!(Message::open(good.replacen(from, to, 1).as_bytes(), &keys()).is_err(), "{from:?} {to:?}");
    }
    let rsa = String::from_utf8(message().sign(&by_rsa).unwrap()).unwrap();
    assert_eq!(open(&rsa.replace("CNY1.00", "CNY1.01")), forged);
}

#[test]
fn what_no_message_has_is_refused_before_anybody_looks_at_the_signature() {
    let read = |inner: &str| {
        let text = format!("<root xmlns=\"namespace_string\">{inner}</root>\r\n{{S:AA==}}");
        Message::open(text.as_bytes(), &keys()).unwrap_err()
    };
    for (inner, error) in [
        ("<A><B>1</B><B>2</B></A>", XmlError::Twice),
        ("<A><B>1</B></A><A><B>2</B></A>", XmlError::Twice),
        ("<A b=\"1\">1</A>", XmlError::Foreign("an attribute")),
        ("<A>1<B>2</B></A>", XmlError::Foreign("text between elements")),
        ("<A><B>2</B>1</A>", XmlError::Foreign("text between elements")),
        ("<!-- -->", XmlError::Foreign("a comment")),
        ("<A><![CDATA[1]]></A>", XmlError::Foreign("a section of characters")),
        ("<?a b?>", XmlError::Foreign("an instruction")),
        ("<A>&lol;</A>", XmlError::Foreign("an entity of its own")),
        ("<A>&#0;</A>", XmlError::Foreign("an entity of its own")),
        ("<root>1</root>", XmlError::Foreign("another element than root, or a strange name")),
    ] {
        assert_eq!(read(inner), MessageError::Xml(error), "{inner}");
    }
    assert!(matches!(read(&"<A>".repeat(20)), MessageError::Xml(XmlError::Large(_))));
    assert!(matches!(read(&"<A/>".repeat(400)), MessageError::Xml(XmlError::Large(_))));
    assert!(matches!(read(&format!("<A>{}</A>", "x".repeat(5_000))), MessageError::Xml(XmlError::Large(_))));
    assert!(matches!(read("<A>"), MessageError::Xml(XmlError::Broken(_))));
    let doctype = "<!DOCTYPE root [<!ENTITY a \"b\">]><root xmlns=\"namespace_string\"/>\r\n{S:AA==}";
    let doctype = Message::open(doctype.as_bytes(), &keys()).unwrap_err();
    assert_eq!(doctype, MessageError::Xml(XmlError::Foreign("a document type")));
    let long = Message::open(&vec![b'x'; 40_000], &keys()).unwrap_err();
    assert!(matches!(long, MessageError::Xml(XmlError::Large(_))));
    let mut control = message();
    control.body.push("OrdrInf/OrdrDesc", "\u{1}");
    assert_eq!(control.sign(&signers()[0]).unwrap_err(), MessageError::Xml(XmlError::Character));
}

#[test]
fn values_are_what_they_say() {
    let amount = |text: &str| {
        let mut fields = outcome("CNY1.00").fields();
        fields = without(&fields, "OriTrxInf/TrxAmt");
        fields.push("OriTrxInf/TrxAmt", text);
        Outcome::read(&fields).map(|read| read.amount.unwrap().minor).ok()
    };
    for (text, minor) in [
        ("CNY1.00", Some(100)),
        ("CNY0000000000000100.00", Some(10_000)),
        ("CNY0.01", Some(1)),
        ("CNY1", None),
        ("CNY1.0", None),
        ("CNY1.000", None),
        ("CNY-1.00", None),
        ("CNY+1.00", None),
        ("CNY.00", None),
        ("USD1.00", None),
        ("CNY99999999999999999999.00", None),
        ("1.00", None),
    ] {
        assert_eq!(amount(text), minor, "{text}");
    }
    for (text, good) in [
        ("B201807120015", true),
        ("B201807120000", false),
        ("B201802300001", false),
        ("B2018071200015", false),
        ("B20180712001x", false),
        ("201807120015", false),
    ] {
        assert_eq!(
            BatchId::read(text).map(|batch| batch.to_string()),
            good.then(|| text.to_owned()),
            "{text}"
        );
    }
    // The day of a batch is that of China.
    let batch =
        |seconds, per_day| BatchId::of(Timestamp::from_seconds(seconds), per_day).unwrap().to_string();
    assert_eq!(batch(MOMENT, 1), "B201807120001");
    assert_eq!(batch(1_531_324_799, 24), "B201807110024");
    assert_eq!(batch(1_531_324_800, 24), "B201807120001");
}

fn outcome(amount: &str) -> Outcome {
    assert_eq!(amount, "CNY1.00");
    Outcome {
        system: FINE.to_owned(),
        system_text: Some("交易成功".to_owned()),
        system_at: at(),
        business: Some(FINE.to_owned()),
        business_text: None,
        status: Some(Status::Succeeded),
        sign_no: None,
        number: Some("2018071200000001".to_owned()),
        institution: "Z2004344000017".to_owned(),
        category: Some(Category::Debit),
        trade: Some("att_1".to_owned()),
        amount: Some(Money { minor: 100 }),
        batch: BatchId::read("B201807120015"),
    }
}

fn without(fields: &Fields, path: &str) -> Fields {
    let mut rest = Fields::default();
    for known in [
        "SysRtnInf/SysRtnCd",
        "SysRtnInf/SysRtnTm",
        "BizInf/BizStsCd",
        "BizInf/TrxSts",
        "OriTrxInf/InstgId",
        "OriTrxInf/TrxId",
    ] {
        if let Some(text) = fields.get(known).filter(|_| known != path) {
            rest.push(known, text);
        }
    }
    rest
}

#[test]
fn what_is_personal_is_not_shown() {
    let sign_up = SignUp {
        bank: "C1081421000051".to_owned(),
        account_type: "00".to_owned(),
        account: Secret("6217000000000000001".to_owned()),
        holder: Secret("张三".to_owned()),
        id_type: "01".to_owned(),
        id_number: Secret("11010519491231002X".to_owned()),
        phone: Secret("13800138000".to_owned()),
        institution: "Z2004344000017".to_owned(),
        category: Category::SignUp,
        trade: "bagr_1".to_owned(),
        at: at(),
        code: Some(Secret("123456".to_owned())),
    };
    let shown = format!("{sign_up:?} {:?}", sign_up.fields());
    for secret in ["6217", "张三", "110105", "1380", "123456"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert_eq!(SignUp::read(&sign_up.fields()), Ok(sign_up));
}

proptest! {
    /// A message with any change of any byte is refused, or says the same.
    #[test]
    fn changed_bytes_are_never_believed(rsa: bool, at: usize, byte: u8, cut: usize) {
        let signer = &signers()[usize::from(rsa)];
        let mut bytes = message().sign(signer).unwrap();
        let place = at % bytes.len();
        bytes[place] = byte;
        if let Ok(opened) = Message::open(&bytes, &keys()) {
            prop_assert_eq!(opened, message());
        }
        bytes.truncate(cut % bytes.len());
        prop_assert!(Message::open(&bytes, &keys()).is_err());
    }

    #[test]
    fn whatever_comes_is_refused_without_harm(inner in "[<>/&;A-Za-z0-9 \"=!?\\[\\]-]{0,200}", bytes: Vec<u8>) {
        let text = format!("<root xmlns=\"namespace_string\">{inner}</root>\r\n{{S:AA==}}");
        prop_assert!(Message::open(text.as_bytes(), &keys()).is_err());
        prop_assert!(Message::open(&bytes, &keys()).is_err());
    }

    #[test]
    fn values_come_back_as_they_were(name in "\\PC{1,60}", minor in 0_u64..=999_999_999_999, seconds in 0_i64..4_000_000_000) {
        let name = name.trim().to_owned();
        prop_assume!(!name.is_empty());
        let said = Debit {
            payee_name: name,
            amount: Money { minor },
            at: ChinaTime(Timestamp::from_seconds(seconds)),
            batch: BatchId::of(Timestamp::from_seconds(seconds), 96).unwrap(),
            ..debit()
        };
        let message = Message { body: said.fields(), ..message() };
        let opened = Message::open(&message.sign(&signers()[0]).unwrap(), &keys()).unwrap();
        prop_assert_eq!(Debit::read(&opened.body), Ok(said));
    }
}
