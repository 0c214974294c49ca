//! Messages to a clearing network, EPCC-style, and what its answers and notifications say, message by message.

use http::{HeaderMap, Response};
use proptest::prelude::*;
use std::collections::BTreeMap;
use suanpan_channels::card_network::VaultKey;
use suanpan_channels::clearing::{Clearing, PATH, Settings};
use suanpan_channels::{
    AccountInput, Call, ChannelAnswer, HttpChannel, Notification, NotificationError, Request, Step, Trace,
};
use suanpan_messages::clearing::key::{PrivateKey, PublicKey, Signer, Verifiers};
use suanpan_messages::clearing::record::{
    Category, Debit, Inquiry, Outcome, Payout, Refund, SignUp, Status, Totals, TotalsAnswer,
};
use suanpan_messages::clearing::{
    BatchId, ChinaTime, Direction, FINE, Fields, Header, Message, MessageType, Money,
};
use suanpan_money::{Currency, Timestamp};

macro_rules! pem {
    ($name:literal) => {
        include_str!(concat!("../../../simulators/src/clearing/", $name, ".pem"))
    };
}

const INSTITUTION: &str = "Z2004344000017";
const NETWORK: &str = "G4000311000018";
const BANK: &str = "C1081421000051";
const OWN_SERIAL: &str = "4002567531";
const SM2_SERIAL: &str = "4000227191";
const RSA_SERIAL: &str = "4000227192";
/// 2026-09-21 12:53:20 in China.
const NOW: i64 = 1_790_000_000 - 33_600;
const ATTEMPT: &str = "att_06f1x5v8k4d2m0000000000001";
const REFUND: &str = "re_06f1x5v8k4d2m0000000000003";
const AGREEMENT: &str = "bagr_06f1x5v8k4d2m000000000004";
const SIGN_NO: &str = "EPPAP00HRDYIPBQCPAPFQCYG";
const CODE: &str = "123456";

fn settings() -> Settings {
    Settings {
        name: "epcc".to_owned(),
        institution: INSTITUTION.to_owned(),
        network: NETWORK.to_owned(),
        payee: "INSTCOUNT00001".to_owned(),
        payee_name: "算盘测试店".to_owned(),
        reserve: "99010176680005004".to_owned(),
        reserve_name: "SUANPAN RESERVE".to_owned(),
        reserve_bank: "C1010611003601".to_owned(),
        batches_per_day: 24,
        code_seconds: 300,
        notify_url: Some("https://pay.example/channels/epcc/notifications".to_owned()),
    }
}

fn own() -> Signer {
    let key = PrivateKey::parse(pem!("institution-sm2-private")).unwrap();
    Signer { serial: OWN_SERIAL.to_owned(), key }
}

fn theirs() -> Verifiers {
    Verifiers(BTreeMap::from([
        (SM2_SERIAL.to_owned(), PublicKey::parse(pem!("network-sm2-public")).unwrap()),
        (RSA_SERIAL.to_owned(), PublicKey::parse(pem!("network-rsa-public")).unwrap()),
    ]))
}

fn network() -> Clearing {
    Clearing::new(settings(), own(), theirs(), VaultKey::new([5; 32])).unwrap()
}

fn by_sm2() -> Signer {
    let key = PrivateKey::parse(pem!("network-sm2-private")).unwrap();
    Signer { serial: SM2_SERIAL.to_owned(), key }
}

fn by_rsa() -> Signer {
    let key = PrivateKey::parse(pem!("network-rsa-private")).unwrap();
    Signer { serial: RSA_SERIAL.to_owned(), key }
}

fn account() -> AccountInput {
    AccountInput {
        bank: BANK.to_owned(),
        number: "6217000000000000100".to_owned(),
        holder: "张三".to_owned(),
        id_number: "11010519491231002X".to_owned(),
        phone: "13800138000".to_owned(),
    }
}

fn asked(call: Call, about: Call) -> Request {
    let (reference, original, token) = match about {
        Call::Refund => (REFUND, Some(ATTEMPT), None),
        Call::Void => ("att_06f1x5v8k4d2m0000000000001-2", Some(ATTEMPT), None),
        Call::SignUp => (AGREEMENT, None, network().seal_account(&account())),
        Call::ConfirmSignUp => {
            ("bagr_06f1x5v8k4d2m000000000004-2", Some(AGREEMENT), network().seal_account(&account()))
        }
        Call::Payout => ("po_06f1x5v8k4d2m0000000000005", None, network().seal_account(&account())),
        _ => (ATTEMPT, None, Some(format!("{BANK}:{SIGN_NO}"))),
    };
    Request {
        call,
        about,
        trace: Trace(NOW * 1_000_000),
        now: Timestamp::from_seconds(NOW),
        reference: reference.to_owned(),
        original: original.map(str::to_owned),
        original_id: None,
        authorization_code: (call == Call::ConfirmSignUp).then(|| CODE.to_owned()),
        token,
        amount_minor: if matches!(about, Call::SignUp | Call::ConfirmSignUp) { 0 } else { 8_888 },
        currency: Currency::parse("CNY").unwrap(),
        capture: true,
        authenticated: false,
        off_session: false,
        awaiting_until: None,
    }
}

/// An inquiry, so many seconds after what it is about was sent.
fn inquiry(seconds: i64, about: Call) -> Request {
    Request { now: Timestamp::from_seconds(NOW + seconds), ..asked(Call::Inquire, about) }
}

/// An answer as the network signs it.
#[derive(Debug, Clone)]
struct Said {
    kind: MessageType,
    outcome: Outcome,
    seconds: i64,
    institution: &'static str,
    direction: Direction,
}

fn said(kind: MessageType, trade: &str, category: Category, status: Option<Status>, business: &str) -> Said {
    let outcome = Outcome {
        system: FINE.to_owned(),
        system_text: None,
        system_at: ChinaTime(Timestamp::from_seconds(NOW)),
        business: Some(business.to_owned()),
        business_text: None,
        status,
        sign_no: None,
        number: Some("EP00000000000042".to_owned()),
        institution: INSTITUTION.to_owned(),
        category: Some(category),
        trade: Some(trade.to_owned()),
        amount: Some(Money { minor: 8_888 }),
        batch: BatchId::of(Timestamp::from_seconds(NOW), 24),
    };
    Said { kind, outcome, seconds: 0, institution: NETWORK, direction: Direction::FromNetwork }
}

impl Said {
    fn at(self, seconds: i64) -> Said {
        Said { seconds, ..self }
    }

    fn with(mut self, change: impl FnOnce(&mut Outcome)) -> Said {
        change(&mut self.outcome);
        self
    }

    fn bytes(&self, signer: &Signer) -> Vec<u8> {
        let header = Header {
            sent: ChinaTime(Timestamp::from_seconds(NOW + self.seconds)),
            kind: self.kind,
            institution: self.institution.to_owned(),
            direction: self.direction,
        };
        Message { header, body: self.outcome.fields() }.sign(signer).unwrap()
    }
}

fn next(request: &Request, heard: &[Said]) -> Step {
    let heard: Vec<_> = heard.iter().map(|said| Response::new(said.bytes(&by_sm2()))).collect();
    network().next(request, &heard)
}

#[track_caller]
fn is(request: &Request, heard: &[Said]) -> ChannelAnswer {
    match next(request, heard) {
        Step::Is(answer) => answer,
        step => panic!("{step:?}"),
    }
}

/// The message of a call, which must be signed by us and say the same beside it.
#[track_caller]
fn sent(step: Step) -> Message {
    let Step::Send(call) = step else { panic!("{step:?}") };
    assert_eq!((call.method().as_str(), call.uri().path()), ("POST", PATH));
    let public = PublicKey::parse(pem!("institution-sm2-public")).unwrap();
    let keys = Verifiers(BTreeMap::from([(OWN_SERIAL.to_owned(), public)]));
    let message = Message::open(call.body(), &keys).unwrap();
    assert_eq!(call.headers()["MsgTp"], message.header.kind.word());
    assert_eq!(call.headers()["OriIssrId"], INSTITUTION);
    assert_eq!(
        (message.header.institution.as_str(), message.header.direction),
        (INSTITUTION, Direction::ToNetwork)
    );
    message
}

fn word(answer: &ChannelAnswer) -> String {
    match answer {
        ChannelAnswer::Approved { channel_id, .. } => format!("approved {channel_id}"),
        ChannelAnswer::Declined { code, .. } => format!("declined {code}"),
        ChannelAnswer::Awaiting { show: None, expires_at } => format!("awaiting {}", expires_at - NOW),
        ChannelAnswer::Awaiting { .. } | ChannelAnswer::ActionRequired => "something else".to_owned(),
        ChannelAnswer::Unknown { .. } => "unknown".to_owned(),
    }
}

#[test]
fn each_request_becomes_its_message() {
    let message = sent(next(&asked(Call::Authorize, Call::Authorize), &[]));
    let debit = Debit::read(&message.body).unwrap();
    assert_eq!(message.header.kind, MessageType::Debit);
    assert_eq!((debit.bank.as_str(), debit.sign_no.as_str()), (BANK, SIGN_NO));
    assert_eq!((debit.trade.as_str(), debit.amount.minor, debit.category), (ATTEMPT, 8_888, Category::Debit));
    assert_eq!(debit.batch.to_string(), "B202609210013");
    assert_eq!(debit.callback.as_deref(), settings().notify_url.as_deref());
    let ask = SignUp::read(&sent(next(&asked(Call::SignUp, Call::SignUp), &[])).body).unwrap();
    assert_eq!((ask.category, ask.trade.as_str(), &ask.code), (Category::AskSignUp, AGREEMENT, &None));
    assert_eq!((ask.account.0.as_str(), ask.holder.0.as_str()), ("6217000000000000100", "张三"));
    // The second step goes under the name of the first.
    let sign = SignUp::read(&sent(next(&asked(Call::ConfirmSignUp, Call::ConfirmSignUp), &[])).body).unwrap();
    assert_eq!((sign.category, sign.trade.as_str()), (Category::SignUp, AGREEMENT));
    assert_eq!(sign.code.unwrap().0, CODE);
    let refund = Refund::read(&sent(next(&asked(Call::Refund, Call::Refund), &[])).body).unwrap();
    assert_eq!(
        (refund.trade.as_str(), refund.original.as_str(), refund.amount.minor),
        (REFUND, ATTEMPT, 8_888)
    );
    let payout = Payout::read(&sent(next(&asked(Call::Payout, Call::Payout), &[])).body).unwrap();
    assert_eq!((payout.account.0.as_str(), payout.bank.as_str()), ("6217000000000000100", BANK));
    for (about, original, category) in [
        (Call::Authorize, ATTEMPT, Category::Debit),
        (Call::Void, ATTEMPT, Category::Debit),
        (Call::Refund, REFUND, Category::Refund),
        (Call::SignUp, AGREEMENT, Category::SignUp),
        (Call::ConfirmSignUp, AGREEMENT, Category::SignUp),
    ] {
        let message = sent(next(&inquiry(2, about), &[]));
        let inquiry = Inquiry::read(&message.body).unwrap();
        assert_eq!(message.header.kind, MessageType::Inquiry);
        assert_eq!((inquiry.original.as_str(), inquiry.category), (original, category), "{about:?}");
    }
}

#[test]
fn what_the_network_cannot_do_is_not_sent() {
    let debit = || asked(Call::Authorize, Call::Authorize);
    let usd = Currency::parse("USD").unwrap();
    for (what, request) in [
        ("another currency", Request { currency: usd, ..debit() }),
        ("setting aside", Request { capture: false, ..debit() }),
        ("no agreement", Request { token: None, ..debit() }),
        ("no bank", Request { token: Some(SIGN_NO.to_owned()), ..debit() }),
        ("an account for an agreement", Request { token: network().seal_account(&account()), ..debit() }),
        ("a name with a blank", Request { reference: "att 1".to_owned(), ..debit() }),
        ("a capture", asked(Call::Capture, Call::Capture)),
        ("no code", Request { authorization_code: None, ..asked(Call::ConfirmSignUp, Call::ConfirmSignUp) }),
        (
            "a code that is none",
            Request {
                authorization_code: Some("<1>".to_owned()),
                ..asked(Call::ConfirmSignUp, Call::ConfirmSignUp)
            },
        ),
    ] {
        assert_eq!(word(&is(&request, &[])), "declined processing_error", "{what}");
    }
    // Sealed under another key.
    let other = Clearing::new(settings(), own(), theirs(), VaultKey::new([6; 32])).unwrap();
    let request = Request { token: other.seal_account(&account()), ..asked(Call::SignUp, Call::SignUp) };
    assert_eq!(word(&is(&request, &[])), "declined processing_error");
}

#[test]
fn what_is_personal_is_sealed_and_not_shown() {
    let token = network().seal_account(&account()).unwrap();
    let request = asked(Call::SignUp, Call::SignUp);
    let shown = format!("{token} {request:?} {:?} {:?}", account(), next(&request, &[]));
    for secret in ["6217", "张三", "1101", "1380"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    let request = asked(Call::ConfirmSignUp, Call::ConfirmSignUp);
    assert!(!format!("{request:?} {:?}", next(&request, &[])).contains(CODE));
}

#[test]
fn a_debit_is_what_the_network_says() {
    let first = asked(Call::Authorize, Call::Authorize);
    let answer =
        |status, business: &str| said(MessageType::DebitAnswer, ATTEMPT, Category::Debit, status, business);
    let found =
        |status, business: &str| said(MessageType::InquiryAnswer, ATTEMPT, Category::Debit, status, business);
    let system = |code: &str| answer(None, "").with(|it| it.system = code.to_owned());
    for (heard, means) in [
        (answer(Some(Status::Succeeded), FINE), "approved EP00000000000042"),
        (answer(Some(Status::Accepted), FINE), "unknown"),
        (answer(Some(Status::Failed), "PB510001"), "declined insufficient_funds"),
        (answer(Some(Status::Failed), "PB510002"), "declined card_velocity_exceeded"),
        (answer(Some(Status::Failed), "PB510003"), "declined agreement_inactive"),
        (answer(Some(Status::Failed), "PB999999"), "declined generic_decline"),
        (answer(None, "PB520002"), "unknown"),
        (system("PS500003"), "declined processing_error"),
        // Which codes there are besides is not public: what is not known to be a no is none.
        (system("PS509999"), "unknown"),
        (answer(Some(Status::Succeeded), FINE).with(|it| it.system = "PS500003".to_owned()), "unknown"),
        (answer(Some(Status::Succeeded), FINE).with(|it| it.amount = Some(Money { minor: 1 })), "unknown"),
        (answer(Some(Status::Succeeded), FINE).with(|it| it.amount = None), "unknown"),
        (answer(Some(Status::Failed), "PB510001").with(|it| it.amount = None), "unknown"),
    ] {
        assert_eq!(word(&is(&first, std::slice::from_ref(&heard))), means, "{:?}", heard.outcome);
    }
    for (seconds, heard, means) in [
        (2, found(Some(Status::Succeeded), FINE), "approved EP00000000000042"),
        (2, found(Some(Status::Accepted), FINE), "unknown"),
        (2, found(Some(Status::Failed), "PB510007"), "declined do_not_honor"),
        (2, found(None, "PB520001"), "unknown"),
        (119, found(None, "PB520001"), "unknown"),
        (120, found(None, "PB520001"), "declined processing_error"),
        // Whatever else the network says, it is no word about the debit.
        (120, found(None, "PS500004"), "unknown"),
        (120, found(None, "PB520001").with(|it| it.system = "PS500003".to_owned()), "unknown"),
    ] {
        let heard = heard.at(seconds);
        assert_eq!(
            word(&is(&inquiry(seconds, Call::Authorize), std::slice::from_ref(&heard))),
            means,
            "{:?}",
            heard.outcome
        );
    }
}

#[test]
fn a_refund_that_was_lost_is_sent_again_and_a_payout_is_not() {
    let answer =
        |status, business: &str| said(MessageType::RefundAnswer, REFUND, Category::Refund, status, business);
    let found =
        |status, business: &str| said(MessageType::InquiryAnswer, REFUND, Category::Refund, status, business);
    let first = asked(Call::Refund, Call::Refund);
    assert_eq!(word(&is(&first, &[answer(Some(Status::Succeeded), FINE)])), "approved EP00000000000042");
    assert_eq!(word(&is(&first, &[answer(Some(Status::Failed), "PB520003")])), "declined generic_decline");
    let missing = found(None, "PB520001");
    assert_eq!(word(&is(&inquiry(119, Call::Refund), &[missing.clone().at(119)])), "unknown");
    let again = sent(next(&inquiry(120, Call::Refund), &[missing.clone().at(120)]));
    assert_eq!(Refund::read(&again.body).unwrap().trade, REFUND);
    let heard = [missing.clone().at(120), answer(Some(Status::Succeeded), FINE).at(120)];
    assert_eq!(word(&is(&inquiry(120, Call::Refund), &heard)), "approved EP00000000000042");
    // A no to what is sent again is none to the first.
    for status in [Status::Failed, Status::Accepted] {
        let heard = [missing.clone().at(120), answer(Some(status), "PB520003").at(120)];
        assert_eq!(word(&is(&inquiry(120, Call::Refund), &heard)), "unknown");
    }
    let payout = asked(Call::Payout, Call::Payout);
    let name = payout.reference.clone();
    let paid = said(MessageType::PayoutAnswer, &name, Category::Payout, Some(Status::Succeeded), FINE);
    assert_eq!(word(&is(&payout, &[paid])), "approved EP00000000000042");
    let missing = said(MessageType::InquiryAnswer, &name, Category::Payout, None, "PB520001").at(120);
    assert_eq!(word(&is(&inquiry(120, Call::Payout), &[missing])), "declined processing_error");
}

#[test]
fn a_debit_is_called_off_by_a_refund_of_all_after_a_look() {
    let found =
        |status, business: &str| said(MessageType::InquiryAnswer, ATTEMPT, Category::Debit, status, business);
    let off = format!("{ATTEMPT}-off");
    let back = |status| said(MessageType::RefundAnswer, &off, Category::Refund, Some(status), "PB520003");
    for request in [asked(Call::Void, Call::Void), inquiry(0, Call::Void)] {
        assert_eq!(sent(next(&request, &[])).header.kind, MessageType::Inquiry);
        let taken = found(Some(Status::Succeeded), FINE);
        let refund = Refund::read(&sent(next(&request, std::slice::from_ref(&taken))).body).unwrap();
        assert_eq!(
            (refund.trade, refund.original.as_str(), refund.amount.minor),
            (off.clone(), ATTEMPT, 8_888)
        );
        assert_eq!(
            word(&is(&request, &[taken.clone(), back(Status::Succeeded)])),
            "approved EP00000000000042"
        );
        assert_eq!(word(&is(&request, &[taken.clone(), back(Status::Failed)])), "unknown");
        assert_eq!(
            word(&is(&request, &[found(Some(Status::Failed), "PB510001")])),
            "approved EP00000000000042"
        );
        assert_eq!(word(&is(&request, &[found(Some(Status::Accepted), FINE)])), "unknown");
        assert_eq!(word(&is(&request, &[found(None, "PB520001")])), "unknown");
        let other = taken.with(|it| it.amount = Some(Money { minor: 1 }));
        assert_eq!(word(&is(&request, &[other])), "unknown");
    }
    let request = inquiry(120, Call::Void);
    let gone = found(None, "PB520001").at(120);
    assert_eq!(word(&is(&request, std::slice::from_ref(&gone))), "approved EP00000000000042");
    // Of what the network itself has told of it is no answer: the debit is there.
    let told = Request { trace: Trace::default(), ..request };
    assert_eq!(word(&is(&told, &[gone])), "unknown");
}

#[test]
fn a_sign_up_waits_for_its_code() {
    let token = format!("approved {BANK}:{SIGN_NO}");
    let answer = |status, business: &str| {
        said(MessageType::SignUpAnswer, AGREEMENT, Category::AskSignUp, status, business)
            .with(|it| it.amount = None)
    };
    let signed = |status, business: &str| {
        said(MessageType::SignUpAnswer, AGREEMENT, Category::SignUp, status, business).with(|it| {
            it.amount = None;
            it.sign_no = (status == Some(Status::Succeeded)).then(|| SIGN_NO.to_owned());
        })
    };
    let found = |seconds, status, business: &str| Said {
        kind: MessageType::InquiryAnswer,
        ..signed(status, business).at(seconds)
    };
    let ask = asked(Call::SignUp, Call::SignUp);
    assert_eq!(word(&is(&ask, &[answer(Some(Status::Accepted), FINE)])), "awaiting 300");
    assert_eq!(
        word(&is(&ask, &[answer(Some(Status::Failed), "PB510004")])),
        "declined bank_account_mismatch"
    );
    let sign = asked(Call::ConfirmSignUp, Call::ConfirmSignUp);
    assert_eq!(word(&is(&sign, &[signed(Some(Status::Succeeded), FINE)])), token);
    assert_eq!(
        word(&is(&sign, &[signed(Some(Status::Accepted), "PB510005")])),
        "declined incorrect_verification_code"
    );
    assert_eq!(word(&is(&sign, &[signed(Some(Status::Failed), "PB510006")])), "declined verification_failed");
    assert_eq!(word(&is(&sign, &[signed(None, "PB520001")])), "unknown");
    let nameless = signed(Some(Status::Succeeded), FINE).with(|it| it.sign_no = None);
    assert_eq!(word(&is(&sign, &[nameless])), "unknown");
    let strange = signed(Some(Status::Succeeded), FINE).with(|it| it.sign_no = Some("a:b".to_owned()));
    assert_eq!(word(&is(&sign, &[strange])), "unknown");
    for (about, seconds, status, business, means) in [
        (Call::SignUp, 2, Some(Status::Accepted), FINE, "awaiting 300"),
        (Call::SignUp, 2, None, "PB520001", "unknown"),
        (Call::SignUp, 120, None, "PB520001", "declined processing_error"),
        (Call::SignUp, 400, Some(Status::Failed), "PB510006", "declined verification_failed"),
        (Call::SignUp, 400, Some(Status::Succeeded), FINE, token.as_str()),
        (Call::ConfirmSignUp, 2, Some(Status::Accepted), FINE, "unknown"),
        // The code did not come, or was wrong: either way it signed nothing.
        (Call::ConfirmSignUp, 120, Some(Status::Accepted), "PB510005", "declined processing_error"),
        (Call::ConfirmSignUp, 2, Some(Status::Succeeded), FINE, token.as_str()),
        (Call::ConfirmSignUp, 2, Some(Status::Failed), "PB510006", "declined verification_failed"),
    ] {
        let heard = found(seconds, status, business);
        assert_eq!(word(&is(&inquiry(seconds, about), &[heard])), means, "{about:?} {seconds} {business}");
    }
}

#[test]
fn nothing_is_believed_but_what_the_network_signed_now_about_this() {
    let request = asked(Call::Authorize, Call::Authorize);
    let good = said(MessageType::DebitAnswer, ATTEMPT, Category::Debit, Some(Status::Succeeded), FINE);
    let heard = |bytes: Vec<u8>, status: u16| {
        let mut answer = Response::new(bytes);
        *answer.status_mut() = status.try_into().unwrap();
        match network().next(&request, &[answer]) {
            Step::Is(answer) => word(&answer),
            step => panic!("{step:?}"),
        }
    };
    let fine = "approved EP00000000000042";
    for signer in [by_sm2(), by_rsa()] {
        assert_eq!(heard(good.bytes(&signer), 200), fine);
        assert_eq!(heard(good.bytes(&signer), 500), "unknown");
    }
    for seconds in [-60, 60] {
        assert_eq!(heard(good.clone().at(seconds).bytes(&by_sm2()), 200), fine, "{seconds}");
    }
    let stranger = Signer { serial: SM2_SERIAL.to_owned(), key: own().key };
    let unknown = Signer { serial: "4000227193".to_owned(), key: by_sm2().key };
    for (what, bytes) in [
        ("too old", good.clone().at(-61).bytes(&by_sm2())),
        ("to come", good.clone().at(61).bytes(&by_sm2())),
        ("our own key", good.bytes(&stranger)),
        ("unknown key", good.bytes(&unknown)),
        ("another network", Said { institution: "G4000311000019", ..good.clone() }.bytes(&by_sm2())),
        ("what we sent", Said { direction: Direction::ToNetwork, ..good.clone() }.bytes(&by_sm2())),
        ("another answer", Said { kind: MessageType::RefundAnswer, ..good.clone() }.bytes(&by_sm2())),
        ("a notification", Said { kind: MessageType::Notification, ..good.clone() }.bytes(&by_sm2())),
        (
            "another institution",
            good.clone().with(|it| it.institution = "Z2004344000018".to_owned()).bytes(&by_sm2()),
        ),
        ("another debit", good.clone().with(|it| it.trade = Some("att_2".to_owned())).bytes(&by_sm2())),
        ("no debit", good.clone().with(|it| it.trade = None).bytes(&by_sm2())),
        ("a refund", good.clone().with(|it| it.category = Some(Category::Refund)).bytes(&by_sm2())),
        ("cut off", good.bytes(&by_sm2())[..200].to_vec()),
        ("nothing", Vec::new()),
    ] {
        assert_eq!(heard(bytes, 200), "unknown", "{what}");
    }
    // A refusal that names nothing is one of anything.
    let refused = good.clone().with(|it| {
        it.system = "PS500003".to_owned();
        it.trade = None;
    });
    assert_eq!(heard(refused.bytes(&by_sm2()), 200), "unknown");
}

fn told(said: &Said, headers: &[(&'static str, &str)]) -> Result<Notification, NotificationError> {
    told_bytes(&said.bytes(&by_sm2()), headers)
}

fn told_bytes(bytes: &[u8], headers: &[(&'static str, &str)]) -> Result<Notification, NotificationError> {
    let mut all = HeaderMap::new();
    for (name, value) in headers {
        all.insert(*name, value.parse().unwrap());
    }
    network().notification(&all, bytes, Timestamp::from_seconds(NOW))
}

#[test]
fn notifications_are_read_when_they_are_the_networks_for_us_and_new() {
    let good = said(MessageType::Notification, ATTEMPT, Category::Debit, Some(Status::Succeeded), FINE);
    for seconds in [-300, 0, 0, 300] {
        let told = told(&good.clone().at(seconds), &[("MsgTp", "epcc.303.001.01")]).unwrap();
        let is = (told.reference.as_str(), told.amount_minor, told.currency.code(), told.taken);
        assert_eq!(is, (ATTEMPT, 8_888, "CNY", FINE));
        assert_eq!(told.answer.map(|answer| word(&answer)).as_deref(), Some("approved EP00000000000042"));
    }
    let failed = said(MessageType::Notification, ATTEMPT, Category::Debit, Some(Status::Failed), "PB510001");
    let failed = told(&failed, &[]).unwrap().answer.map(|answer| word(&answer));
    assert_eq!(failed.as_deref(), Some("declined insufficient_funds"));
    assert_eq!(told(&good.clone().with(|it| it.status = Some(Status::Accepted)), &[]).unwrap().answer, None);
    assert_eq!(told(&good.clone().at(-301), &[]), Err(NotificationError::Stale(301)));
    assert_eq!(told(&good.clone().at(301), &[]), Err(NotificationError::Stale(301)));
    let beside = told(&good, &[("MsgTp", "epcc.202.001.01")]);
    assert!(matches!(beside, Err(NotificationError::Unreadable(_))), "{beside:?}");
    for (what, other, error) in [
        (
            "another institution",
            good.clone().with(|it| it.institution = "Z2004344000018".to_owned()),
            NotificationError::NotForUs("InstgId"),
        ),
        (
            "another network",
            Said { institution: "G4000311000019", ..good.clone() },
            NotificationError::NotForUs("IssrId"),
        ),
        (
            "what we sent",
            Said { direction: Direction::ToNetwork, ..good.clone() },
            NotificationError::NotForUs("IssrId"),
        ),
    ] {
        assert_eq!(told(&other, &[]), Err(error), "{what}");
    }
    for (what, other) in [
        ("an answer", Said { kind: MessageType::DebitAnswer, ..good.clone() }),
        ("a refund", good.clone().with(|it| it.category = Some(Category::Refund))),
        ("no debit", good.clone().with(|it| it.trade = None)),
        ("no amount", good.clone().with(|it| it.amount = None)),
        ("an error", good.clone().with(|it| it.system = "PS500001".to_owned())),
    ] {
        let told = told(&other, &[]);
        assert!(matches!(told, Err(NotificationError::Unreadable(_))), "{what}: {told:?}");
    }
    let changed = String::from_utf8(good.bytes(&by_sm2())).unwrap().replace("CNY88.88", "CNY88.89");
    assert_eq!(told_bytes(changed.as_bytes(), &[]), Err(NotificationError::Forged));
    let stranger = Signer { serial: SM2_SERIAL.to_owned(), key: own().key };
    assert_eq!(told_bytes(&good.bytes(&stranger), &[]), Err(NotificationError::Forged));
    assert!(matches!(told_bytes(b"paid", &[]), Err(NotificationError::Unreadable(_))));
}

#[test]
fn the_totals_of_a_batch_are_read() {
    let now = Timestamp::from_seconds(NOW);
    let batch = BatchId::of(now, 24).unwrap();
    let call = network().ask_totals(batch, now).unwrap();
    let message = sent(Step::Send(call));
    assert_eq!(Totals::read(&message.body).unwrap().batch, batch);
    let totals = |batch: BatchId, system: &str| TotalsAnswer {
        system: system.to_owned(),
        system_at: ChinaTime(now),
        batch,
        debits: 2,
        debited: Money { minor: 300 },
        refunds: 1,
        refunded: Money { minor: 100 },
        payouts: 0,
        paid_out: Money::default(),
    };
    let answer = |fields: Fields, kind| {
        let header = Header {
            sent: ChinaTime(now),
            kind,
            institution: NETWORK.to_owned(),
            direction: Direction::FromNetwork,
        };
        Response::new(Message { header, body: fields }.sign(&by_rsa()).unwrap())
    };
    let read = |said: &TotalsAnswer, kind| network().read_totals(batch, now, &answer(said.fields(), kind));
    let good = totals(batch, FINE);
    assert_eq!(read(&good, MessageType::TotalsAnswer), Ok(good.clone()));
    assert!(read(&good, MessageType::InquiryAnswer).is_err());
    assert!(read(&totals(batch, "PS500003"), MessageType::TotalsAnswer).is_err());
    let other = BatchId::of(now.plus_seconds(3_600), 24).unwrap();
    assert!(read(&totals(other, FINE), MessageType::TotalsAnswer).unwrap_err().contains("another batch"));
}

#[test]
fn settings_that_cannot_be_are_refused_by_name() {
    let refused = |change: fn(&mut Settings)| {
        let mut settings = settings();
        change(&mut settings);
        Clearing::new(settings, own(), theirs(), VaultKey::new([5; 32])).err().unwrap().to_string()
    };
    for (what, found) in [
        ("name", refused(|it| it.name = "a/b".to_owned())),
        ("institution", refused(|it| it.institution.clear())),
        ("institution", refused(|it| it.institution = "z2004344000017".to_owned())),
        ("network", refused(|it| it.network.push('1'))),
        ("reserve_bank", refused(|it| it.reserve_bank = "ICBC".to_owned())),
        ("payee", refused(|it| it.payee.clear())),
        ("payee_name", refused(|it| it.payee_name = "\n".to_owned())),
        ("batches_per_day", refused(|it| it.batches_per_day = 0)),
        ("code_seconds", refused(|it| it.code_seconds = 59)),
        ("notify_url", refused(|it| it.notify_url = Some("ftp://x".to_owned()))),
    ] {
        assert!(found.starts_with(what), "{what}: {found}");
    }
    let none = Clearing::new(settings(), own(), Verifiers::default(), VaultKey::new([5; 32]));
    assert!(none.err().unwrap().to_string().contains("network_public_key_files"));
    let serial = Signer { serial: String::new(), key: own().key };
    let serial = Clearing::new(settings(), serial, theirs(), VaultKey::new([5; 32]));
    assert!(serial.err().unwrap().to_string().starts_with("serial"));
}

fn any_said() -> impl Strategy<Value = Said> {
    let kinds = [
        MessageType::DebitAnswer,
        MessageType::RefundAnswer,
        MessageType::SignUpAnswer,
        MessageType::PayoutAnswer,
        MessageType::InquiryAnswer,
    ];
    let categories =
        [Category::Debit, Category::Refund, Category::AskSignUp, Category::SignUp, Category::Payout];
    let statuses = [None, Some(Status::Accepted), Some(Status::Succeeded), Some(Status::Failed)];
    let off: &'static str = "att_06f1x5v8k4d2m0000000000001-off";
    let trades = [ATTEMPT, REFUND, AGREEMENT, off, "po_06f1x5v8k4d2m0000000000005", "att_2"];
    let words = [FINE, "PB510001", "PB510005", "PB510006", "PB520001", "PB520002", "?"];
    let parts = (
        proptest::sample::select(kinds.to_vec()),
        proptest::sample::select(categories.to_vec()),
        proptest::sample::select(statuses.to_vec()),
        proptest::sample::select(trades.to_vec()),
        proptest::sample::select(words.to_vec()),
        proptest::sample::select(vec![8_888_u64, 0, 1]),
        any::<bool>(),
        any::<bool>(),
    );
    parts.prop_map(|(kind, category, status, trade, business, minor, system, sign_no)| {
        said(kind, trade, category, status, business).with(|it| {
            it.amount = (minor > 0).then_some(Money { minor });
            it.sign_no = sign_no.then(|| SIGN_NO.to_owned());
            if system {
                it.system = "PS500001".to_owned();
            }
        })
    })
}

proptest! {
    /// Whatever the network signs: a yes is about this transaction and its amount, and what may have been done is never
    /// answered with a no.
    #[test]
    fn a_yes_is_about_this_and_a_no_is_the_networks_word(
        answers in proptest::collection::vec(any_said(), 1..=4),
        which in 0_usize..11,
        seconds in 0_i64..400,
    ) {
        let abouts = [
            Call::Authorize, Call::Refund, Call::Void, Call::SignUp, Call::ConfirmSignUp, Call::Payout,
        ];
        let request = match which {
            0..6 => asked(abouts[which], abouts[which]),
            _ => inquiry(seconds, abouts[which - 5 - usize::from(which == 10) * 5]),
        };
        let at = request.now.seconds() - NOW;
        let answers: Vec<Said> = answers.into_iter().map(|said| said.at(at)).collect();
        let mut heard = 0;
        let mut debits = 0;
        let answer = loop {
            match next(&request, &answers[..heard]) {
                Step::Is(answer) => break Some(answer),
                Step::Send(_) if heard == answers.len() => break None,
                Step::Send(call) => {
                    debits += usize::from(call.headers()["MsgTp"] == MessageType::Debit.word());
                    heard += 1;
                }
            }
        };
        prop_assert!(heard <= 3 && debits <= usize::from(which == 0));
        let last = heard.checked_sub(1).map(|at| &answers[at].outcome);
        match answer {
            Some(ChannelAnswer::Approved { .. }) if matches!(request.about, Call::SignUp | Call::ConfirmSignUp) => {
                let last = last.unwrap();
                prop_assert!(last.status == Some(Status::Succeeded) && last.trade.as_deref() == Some(AGREEMENT));
            }
            Some(ChannelAnswer::Approved { .. }) => {
                let last = last.unwrap();
                let done = last.status == Some(Status::Succeeded) && last.amount == Some(Money { minor: 8_888 });
                // Only what is called off may also never have been.
                prop_assert!(last.system == FINE && (done || request.about == Call::Void), "{:?}", last);
            }
            Some(ChannelAnswer::Declined { .. }) => {
                prop_assert!(request.about != Call::Void);
                let done = last.is_some_and(|it| it.status == Some(Status::Succeeded) && it.system == FINE);
                prop_assert!(!done, "{:?}", last);
                let silent = last.is_some_and(|it| it.status.is_none() && it.system == FINE);
                prop_assert!(!silent || at >= 120, "{:?}", last);
            }
            Some(ChannelAnswer::Awaiting { .. }) => prop_assert_eq!(request.about, Call::SignUp),
            Some(ChannelAnswer::ActionRequired) => prop_assert!(false, "nobody is asked to prove anything"),
            Some(ChannelAnswer::Unknown { .. }) | None => {}
        }
    }

    #[test]
    fn changed_bytes_are_unknown(place: usize, byte: u8, cut: usize, rest: Vec<u8>) {
        let request = inquiry(0, Call::Authorize);
        let good = said(MessageType::InquiryAnswer, ATTEMPT, Category::Debit, Some(Status::Failed), "PB510001");
        let mut bytes = good.bytes(&by_sm2());
        let same = bytes.clone();
        let at = place % bytes.len();
        bytes[at] = byte;
        if bytes != same {
            let answer = network().next(&request, &[Response::new(bytes.clone())]);
            prop_assert!(matches!(answer, Step::Is(ChannelAnswer::Unknown { .. })), "{:?}", answer);
        }
        bytes.truncate(cut % bytes.len());
        bytes.extend(rest);
        let answer = network().next(&request, &[Response::new(bytes.clone())]);
        prop_assert!(matches!(answer, Step::Is(ChannelAnswer::Unknown { .. })), "{:?}", answer);
        prop_assert!(told_bytes(&bytes, &[]).is_err());
    }
}
