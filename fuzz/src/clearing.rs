//! Targets for what a clearing network says, once its signature was found good: each input is signed here as the network
//! signs, so that the readers behind the signature see it.

use crate::engine::digest;
use crate::targets::Target;
use http::{HeaderMap, Response};
use std::collections::BTreeMap;
use std::mem::discriminant;
use std::sync::LazyLock;
use suanpan_channels::card_network::VaultKey;
use suanpan_channels::clearing::{Clearing, Settings};
use suanpan_channels::{Call, ChannelAnswer, HttpChannel, Request, Step, Trace};
use suanpan_messages::clearing::key::{PrivateKey, PublicKey, Signer, Verifiers};
use suanpan_messages::clearing::record::{Outcome, Status};
use suanpan_messages::clearing::{Message, Money};
use suanpan_messages::signing::rsa::RsaPrivateKey;
use suanpan_money::{Currency, Timestamp};

/// One target for bytes as they come, and one for what is signed.
pub(crate) const TARGETS: &[Target] = &[
    Target {
        name: "clearing_message",
        words: &[
            "<root xmlns=\"namespace_string\">",
            "</root>",
            "\r\n{S:",
            "}",
            "<MsgHeader>",
            "<SignSN>4000227192</SignSN>",
            "<MsgBody>",
            "&amp;",
            "&#65;",
            "<![CDATA[",
            "<!DOCTYPE",
            "<?xml",
            "<!--",
        ],
        run: message,
    },
    Target {
        name: "clearing_answer",
        words: &[
            "<SysRtnInf><SysRtnCd>00000000</SysRtnCd><SysRtnTm>2026-09-21T22:13:20</SysRtnTm></SysRtnInf>",
            "<BizInf><BizStsCd>00000000</BizStsCd><TrxSts>01</TrxSts></BizInf>",
            "<TrxSts>02</TrxSts>",
            "PB520001",
            "<OriTrxInf><InstgId>Z2004344000017</InstgId><TrxCtgy>0110</TrxCtgy><TrxId>att_1</TrxId>",
            "<TrxAmt>CNY88.88</TrxAmt>",
            "<BatchId>B202609210023</BatchId></OriTrxInf>",
            "CNY",
            "-",
            "<",
            ">",
            "&",
        ],
        run: answer,
    },
];

const NOW: i64 = 1_790_000_000;
const SERIAL: &str = "4000227192";

static NETWORK_KEY: LazyLock<RsaPrivateKey> = LazyLock::new(|| {
    let text = include_str!("../../crates/simulators/src/clearing/network-rsa-private.pem");
    RsaPrivateKey::parse(text).expect("a key")
});

static NETWORK: LazyLock<Clearing> = LazyLock::new(|| {
    let text = include_str!("../../crates/simulators/src/clearing/institution-sm2-private.pem");
    let settings = Settings {
        name: "epcc".to_owned(),
        institution: "Z2004344000017".to_owned(),
        network: "G4000311000018".to_owned(),
        payee: "1".to_owned(),
        payee_name: "1".to_owned(),
        reserve: "1".to_owned(),
        reserve_name: "1".to_owned(),
        reserve_bank: "C1010611003601".to_owned(),
        batches_per_day: 24,
        code_seconds: 300,
        notify_url: None,
    };
    let own = Signer { serial: "1".to_owned(), key: PrivateKey::parse(text).expect("a key") };
    Clearing::new(settings, own, theirs(), VaultKey::new([1; 32])).expect("settings that can be")
});

fn theirs() -> Verifiers {
    Verifiers(BTreeMap::from([(SERIAL.to_owned(), PublicKey::Rsa(NETWORK_KEY.public_key()))]))
}

/// Bytes as they come: none is signed.
fn message(input: &[u8]) -> u64 {
    static KEYS: LazyLock<Verifiers> = LazyLock::new(theirs);
    let error = Message::open(input, &KEYS).expect_err("nobody has signed it");
    digest(format!("{:?}", discriminant(&error)).as_bytes())
}

/// What the network signs, as an answer to an inquiry about a debit and as a notification of it.
fn answer(input: &[u8]) -> u64 {
    let body = String::from_utf8_lossy(input);
    let signed = |kind: &str| {
        let text = format!(
            "<root xmlns=\"namespace_string\"><MsgHeader><SndDt>2026-09-21T22:13:20</SndDt><MsgTp>{kind}</MsgTp>\
             <IssrId>G4000311000018</IssrId><Drctn>22</Drctn><SignSN>{SERIAL}</SignSN></MsgHeader><MsgBody>{body}\
             </MsgBody></root>"
        );
        let signature = NETWORK_KEY.sign_base64(text.as_bytes()).expect("a key that signs");
        format!("{text}\r\n{{S:{signature}}}").into_bytes()
    };
    let request = Request {
        call: Call::Inquire,
        about: Call::Authorize,
        trace: Trace((NOW - 600) * 1_000_000),
        now: Timestamp::from_seconds(NOW),
        reference: "att_1".to_owned(),
        original: None,
        original_id: None,
        authorization_code: None,
        token: Some("C1081421000051:EP1".to_owned()),
        amount_minor: 8_888,
        currency: Currency::parse("CNY").expect("ISO 4217 has it"),
        capture: true,
        authenticated: false,
        off_session: false,
        awaiting_until: None,
    };
    let said = match NETWORK.next(&request, &[Response::new(signed("epcc.302.001.01"))]) {
        Step::Is(said) => said,
        Step::Send(_) => panic!("an inquiry about a debit is one call"),
    };
    if matches!(said, ChannelAnswer::Approved { .. }) {
        let message = Message::open(&signed("epcc.302.001.01"), &theirs()).expect("it was read before");
        let outcome = Outcome::read(&message.body).expect("it was read before");
        let (trade, amount) = (outcome.trade.as_deref(), outcome.amount);
        let about = trade == Some("att_1") && amount == Some(Money { minor: 8_888 });
        assert!(about && outcome.status == Some(Status::Succeeded), "a yes that is not about this: {body}");
    }
    let told = NETWORK.notification(&HeaderMap::new(), &signed("epcc.303.001.01"), request.now);
    let told = told.as_ref().map(|_| ()).map_err(discriminant);
    digest(format!("{:?} {told:?}", discriminant(&said)).as_bytes())
}
