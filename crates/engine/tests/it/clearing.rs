//! Payments from bank accounts by agreement: a simulated clearing network with its banks, over HTTP, EPCC-style.

use crate::outside::{Outside, PATIENCE, SOON};
use crate::world::{NOON, call, id, pay, refund, request};
use http::HeaderMap;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use suanpan_channels::card_network::VaultKey;
use suanpan_channels::clearing::{Clearing, Settings};
use suanpan_channels::faults::Faults;
use suanpan_channels::{Call, ChannelAnswer, HttpChannel, Request, Step, Trace};
use suanpan_engine::{Clock, Gateway, Untaken, Way};
use suanpan_messages::clearing::key::{PrivateKey, PublicKey, Signer, Verifiers};
use suanpan_messages::clearing::record::TotalsAnswer;
use suanpan_messages::clearing::{BatchId, FINE, MessageType};
use suanpan_money::{Currency, Timestamp};
use suanpan_payments::command::Command;
use suanpan_payments::routing::ChannelTerms;
use suanpan_simulators::clearing::{Host, HostSettings, keys, parties, serve};
use suanpan_simulators::wallet::{self, Audit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};

const CHANNEL: &str = "epcc";
/// The most that one debit takes, and one agreement on one day, in fen.
const DEBIT_MAX: u64 = 5_000_000;
const DAY_MAX: u64 = 9_000_000;

/// With which keys both sides sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sm2,
    Rsa,
}

fn signer(serial: &str, key: &str) -> Signer {
    Signer { serial: serial.to_owned(), key: PrivateKey::parse(key).unwrap() }
}

fn verifiers(all: [(&str, &str); 2]) -> Verifiers {
    let key = |(serial, text): (&str, &str)| (serial.to_owned(), PublicKey::parse(text).unwrap());
    Verifiers(BTreeMap::from(all.map(key)))
}

fn channel(kind: Kind) -> Clearing {
    let settings = Settings {
        name: CHANNEL.to_owned(),
        institution: parties::INSTITUTION.to_owned(),
        network: parties::NETWORK.to_owned(),
        payee: "INSTCOUNT00001".to_owned(),
        payee_name: "SUANPAN TEST SHOP".to_owned(),
        reserve: "99010176680005004".to_owned(),
        reserve_name: "SUANPAN RESERVE".to_owned(),
        reserve_bank: "C1010611003601".to_owned(),
        batches_per_day: 24,
        code_seconds: 300,
        notify_url: None,
    };
    let own = match kind {
        Kind::Sm2 => signer(keys::INSTITUTION_SM2_SERIAL, keys::INSTITUTION_SM2_PRIVATE),
        Kind::Rsa => signer(keys::INSTITUTION_RSA_SERIAL, keys::INSTITUTION_RSA_PRIVATE),
    };
    let theirs = verifiers([
        (keys::NETWORK_SM2_SERIAL, keys::NETWORK_SM2_PUBLIC),
        (keys::NETWORK_RSA_SERIAL, keys::NETWORK_RSA_PUBLIC),
    ]);
    Clearing::new(settings, own, theirs, VaultKey::new([3; 32])).unwrap()
}

fn host(kind: Kind, clock: &Clock, faults: Faults) -> Arc<Host> {
    let clock = clock.clone();
    let institution_keys = verifiers([
        (keys::INSTITUTION_SM2_SERIAL, keys::INSTITUTION_SM2_PUBLIC),
        (keys::INSTITUTION_RSA_SERIAL, keys::INSTITUTION_RSA_PUBLIC),
    ]);
    Arc::new(Host::new(HostSettings {
        institution: parties::INSTITUTION.to_owned(),
        network: parties::NETWORK.to_owned(),
        institution_keys,
        own: match kind {
            Kind::Sm2 => signer(keys::NETWORK_SM2_SERIAL, keys::NETWORK_SM2_PRIVATE),
            Kind::Rsa => signer(keys::NETWORK_RSA_SERIAL, keys::NETWORK_RSA_PRIVATE),
        },
        debit_minor_max: DEBIT_MAX,
        day_minor_max: DAY_MAX,
        wallet: wallet::Settings {
            faults,
            customers: None,
            hesitation: Duration::from_millis(300),
            now: Arc::new(move || clock.now().seconds()),
        },
    }))
}

/// Between engine and network: swallows what it is told to.
#[derive(Clone, Default)]
struct Gate {
    requests: Arc<AtomicBool>,
    answers: Arc<AtomicBool>,
}

impl Gate {
    /// Swallows answers, or carries them.
    fn swallow(&self, swallow: bool) {
        self.answers.store(swallow, Ordering::SeqCst);
    }

    async fn carry(self, listener: TcpListener, to: String) {
        loop {
            let (inside, _) = listener.accept().await.unwrap();
            let (from_engine, to_engine) = inside.into_split();
            let (from_network, to_network) = TcpStream::connect(&to).await.unwrap().into_split();
            tokio::spawn(copy(from_engine, to_network, self.requests.clone()));
            tokio::spawn(copy(from_network, to_engine, self.answers.clone()));
        }
    }
}

async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, swallow: Arc<AtomicBool>) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut bytes).await {
        if !swallow.load(Ordering::SeqCst) && to.write_all(&bytes[..length]).await.is_err() {
            return;
        }
    }
}

struct World {
    outside: Outside,
    host: Arc<Host>,
    gate: Gate,
    address: String,
    /// The network as the engine reaches it.
    gateway: String,
    /// Where network and gate run: a process of their own, as it were.
    _elsewhere: Runtime,
}

impl Deref for World {
    type Target = Outside;

    fn deref(&self) -> &Outside {
        &self.outside
    }
}

impl World {
    fn new(kind: Kind, faults: Faults) -> World {
        let elsewhere = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let bind = || elsewhere.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let (listener, before, gate) = (bind(), bind(), Gate::default());
        let address = listener.local_addr().unwrap().to_string();
        let gateway = format!("http://{}", before.local_addr().unwrap());
        elsewhere.spawn(gate.clone().carry(before, address.clone()));
        let mut made = None;
        let way = |_: &Runtime, clock: &Clock| {
            let host = host(kind, clock, faults);
            elsewhere.spawn(serve(listener, host.clone()));
            made = Some(host);
            Way::Http(Arc::new(channel(kind)), Gateway::new(&gateway, PATIENCE, clock.clone()).unwrap())
        };
        let outside = Outside::new(way, |settings| {
            let terms =
                ChannelTerms { vault: CHANNEL.to_owned(), ..ChannelTerms::of(CHANNEL, &["bank_agreement"]) };
            settings.routing.channels.push(terms);
        });
        World { outside, host: made.unwrap(), gate, address, gateway, _elsewhere: elsewhere }
    }

    /// Sends a call and leaves it alone.
    fn begin(&self, command: Command) {
        let (engine, call) = (self.engine.clone(), call(None, command));
        self.runtime.spawn(async move { engine.call(call).await });
    }

    /// Ends the engine with all that it was doing, and starts another over the same store. Network and gate go on.
    fn crash(&mut self) {
        let gateway = self.gateway.clone();
        self.outside.restart(|clock| {
            let gateway = Gateway::new(&gateway, PATIENCE, clock.clone()).unwrap();
            Way::Http(Arc::new(channel(Kind::Sm2)), gateway)
        });
    }

    fn customer(&self) -> String {
        id(&self.done(Command::CreateCustomer { request: request(json!({"name": "Li"})) }))
    }

    /// Moves the clock on, second by second, until an object has a status.
    #[track_caller]
    fn until_status(&self, id: &str, status: &str, step: i64) -> Value {
        for _ in 0..200 {
            let object = self.object(id);
            if object["status"] == status {
                return object;
            }
            self.clock.advance_seconds(step);
            std::thread::sleep(Duration::from_millis(25));
        }
        panic!("not in time: {status}, but {}", self.object(id));
    }

    /// Signs an account up whatever goes wrong on the way, and returns its customer and its method.
    #[track_caller]
    fn signed_up(&self, number: u64, behaviour: &str) -> (String, String) {
        let (customer, phone) = (self.customer(), phone(number));
        // What came to nothing is asked for again; every code is another.
        for _ in 0..20 {
            let made = self.done(ask(&customer, &account(number, behaviour), &phone));
            let mut agreement = self.until_known(&id(&made));
            while agreement["status"] == "requires_confirmation" {
                let code = self.host.code_of(&phone).unwrap();
                self.answer(confirm(&id(&made), &code));
                agreement = self.until_known(&id(&made));
            }
            if agreement["status"] == "active" {
                return (customer, agreement["payment_method"].as_str().unwrap().to_owned());
            }
        }
        panic!("account {number} is never signed up");
    }

    /// Moves the clock on until the bank has answered.
    fn until_known(&self, agreement: &str) -> Value {
        let began = Instant::now();
        loop {
            let object = self.object(agreement);
            if object["status"] != "processing" {
                return object;
            }
            assert!(began.elapsed() < 2 * SOON, "{object}");
            self.clock.advance_seconds(20);
            std::thread::sleep(Duration::from_millis(60));
        }
    }

    #[track_caller]
    fn expect_agreement(&self) -> Audit {
        let audit = self.host.audit();
        let theirs =
            i128::try_from(audit.taken_minor).unwrap() - i128::try_from(audit.refunded_minor).unwrap();
        assert_eq!(self.owed(CHANNEL), theirs, "{audit:?}");
        audit
    }

    fn notified(&self, headers: &HeaderMap, body: &[u8]) -> Result<&'static str, Untaken> {
        self.runtime.block_on(self.engine.notified(CHANNEL, headers, body))
    }

    /// Makes a call of the channel without the engine.
    fn exchange(&self, call: http::Request<Vec<u8>>) -> http::Response<Vec<u8>> {
        let (head, body) = call.into_parts();
        let mut text =
            format!("{} {} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n", head.method, head.uri.path());
        for (name, value) in &head.headers {
            text.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
        }
        text.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
        let answered = async {
            let mut stream = TcpStream::connect(&self.address).await.unwrap();
            stream.write_all(&[text.as_bytes(), &body].concat()).await.unwrap();
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).await.unwrap();
            bytes
        };
        let answered = self.runtime.block_on(answered);
        assert!(answered.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answered));
        let begin = answered.windows(4).position(|it| it == b"\r\n\r\n").unwrap() + 4;
        http::Response::new(answered[begin..].to_vec())
    }

    /// Has a request answered without the engine.
    fn direct(&self, request: &Request) -> ChannelAnswer {
        let channel = channel(Kind::Sm2);
        let mut heard = Vec::new();
        loop {
            match channel.next(request, &heard) {
                Step::Is(answer) => return answer,
                Step::Send(call) => heard.push(self.exchange(call)),
            }
        }
    }

    fn direct_request(&self, call: Call, reference: &str, token: &str, minor: u64) -> Request {
        Request {
            call,
            about: call,
            trace: Trace(self.clock.now().micros()),
            now: self.clock.now(),
            reference: reference.to_owned(),
            original: None,
            original_id: None,
            authorization_code: None,
            token: Some(token.to_owned()),
            amount_minor: minor,
            currency: Currency::parse("CNY").unwrap(),
            capture: true,
            authenticated: false,
            off_session: false,
            awaiting_until: None,
        }
    }

    /// What a method is to its channel.
    fn token_of(&self, method: &str) -> String {
        self.object(method)["internal"]["token"].as_str().unwrap().to_owned()
    }
}

fn phone(number: u64) -> String {
    format!("138{number:08}")
}

/// An account by a number and what it does.
fn account(number: u64, behaviour: &str) -> String {
    format!("6217{number:013}{behaviour}")
}

fn ask(customer: &str, account: &str, phone: &str) -> Command {
    Command::CreateBankAgreement {
        request: request(json!({
            "customer": customer, "bank": parties::BANK, "account_number": account, "account_holder_name": "李四",
            "id_number": "11010519491231002X", "phone": phone,
        })),
    }
}

fn confirm(id: &str, code: &str) -> Command {
    Command::ConfirmBankAgreement { id: id.to_owned(), request: request(json!({"code": code})) }
}

fn by_agreement(customer: &str, method: &str) -> Command {
    pay(
        method,
        json!({"customer": customer, "payment_method_types": ["bank_agreement"], "off_session": true}),
    )
}

#[test]
fn an_account_is_signed_up_with_a_code_then_paid_from_and_paid_back() {
    for kind in [Kind::Sm2, Kind::Rsa] {
        let world = World::new(kind, Faults::default());
        let (customer, number) = (world.customer(), account(1, "00"));
        let asked = world.done(ask(&customer, &number, &phone(1)));
        assert_eq!(
            (&asked["status"], &asked["last4"]),
            (&json!("requires_confirmation"), &json!("0100")),
            "{asked}"
        );
        assert_eq!(asked["expires_at"], NOON + 300);
        assert!(asked.get("internal").is_none() && !asked.to_string().contains("6217"), "{asked}");
        // While it is made the account is sealed.
        let stored = world.object(&id(&asked)).to_string();
        assert!(
            stored.contains("acct1.") && !stored.contains(&number) && !stored.contains("李四"),
            "{stored}"
        );
        let code = world.host.code_of(&phone(1)).unwrap();
        let active = world.done(confirm(&id(&asked), &code));
        assert_eq!(active["status"], "active", "{active}");
        // And forgotten when it is.
        assert!(!world.object(&id(&asked)).to_string().contains("acct1."));
        let method = active["payment_method"].as_str().unwrap();
        let made = world.object(method);
        assert_eq!(
            (&made["customer"], &made["bank_agreement"]["last4"]),
            (&json!(customer), &json!("0100")),
            "{made}"
        );
        let paid = world.done(by_agreement(&customer, method));
        assert_eq!(paid["status"], "succeeded", "{paid}");
        assert_eq!(world.expect_agreement().taken_minor, 10_000);
        let charge = world.object(paid["latest_charge"].as_str().unwrap());
        assert_eq!(charge["payment_method_details"]["bank_agreement"]["bank"], parties::BANK, "{charge}");
        let given = world.done(refund(&id(&paid), 4_000));
        assert_eq!(given["status"], "succeeded", "{given}");
        assert_eq!(world.expect_agreement().refunded_minor, 4_000);
        let (status, refused) = world.answer(confirm(&id(&asked), &code));
        assert!(status == 0 && refused.to_string().contains("cannot take confirmed"), "{refused}");
    }
}

#[test]
fn wrong_codes_are_counted_and_late_ones_are_not_taken() {
    let world = World::new(Kind::Sm2, Faults::default());
    let customer = world.customer();
    let asked = world.done(ask(&customer, &account(1, "00"), &phone(1)));
    for tries in 1..=3 {
        let wrong = world.done(confirm(&id(&asked), "abc"));
        let (status, code) = if tries < 3 {
            ("requires_confirmation", "incorrect_verification_code")
        } else {
            ("failed", "verification_failed")
        };
        assert_eq!(
            (&wrong["status"], &wrong["last_error"]["code"]),
            (&json!(status), &json!(code)),
            "{wrong}"
        );
    }
    assert!(!world.object(&id(&asked)).to_string().contains("acct1."));
    // Nobody sends the code: when its time is over the bank is asked, and the account is forgotten.
    let asked = world.done(ask(&customer, &account(2, "00"), &phone(2)));
    let failed = world.until_status(&id(&asked), "failed", 10);
    assert_eq!(failed["last_error"]["code"], "verification_failed", "{failed}");
    assert!(world.clock.now().seconds() >= NOON + 361);
    assert!(!failed.to_string().contains("acct1."));
    // The bank knows another holder.
    let refused = world.done(ask(&customer, &account(3, "04"), &phone(3)));
    assert_eq!(
        (&refused["status"], &refused["last_error"]["code"]),
        (&json!("failed"), &json!("bank_account_mismatch")),
        "{refused}"
    );
    let events = world.list("event");
    assert!(events.is_empty() || !events.iter().any(|it| it.to_string().contains("6217")));
}

#[test]
fn an_answer_that_is_lost_is_asked_for() {
    let world = World::new(Kind::Sm2, Faults::default());
    let customer = world.customer();
    world.gate.swallow(true);
    let asked = world.done(ask(&customer, &account(1, "00"), &phone(1)));
    assert_eq!(asked["status"], "processing", "{asked}");
    let (status, refused) = world.answer(confirm(&id(&asked), "1"));
    assert!(status == 0 && refused.to_string().contains("status of processing"), "{refused}");
    world.gate.swallow(false);
    world.until_status(&id(&asked), "requires_confirmation", 2);
    // The bank has signed it, and nobody heard.
    world.gate.swallow(true);
    let code = world.host.code_of(&phone(1)).unwrap();
    let confirmed = world.done(confirm(&id(&asked), &code));
    assert_eq!(confirmed["status"], "processing", "{confirmed}");
    let job = world.object(&id(&asked)).to_string();
    assert!(!job.contains(&code), "the code is kept for nobody");
    world.gate.swallow(false);
    let active = world.until_status(&id(&asked), "active", 2);
    // A debit whose answer is lost is taken once, and known.
    world.gate.swallow(true);
    let method = active["payment_method"].as_str().unwrap();
    let paying = world.done(by_agreement(&customer, method));
    assert_eq!(paying["status"], "processing", "{paying}");
    world.gate.swallow(false);
    world.until_status(&id(&paying), "succeeded", 2);
    assert_eq!((world.expect_agreement().standing, world.host.audit().repeated), (1, 0));
    // What never came was not done.
    assert_eq!(world.host.calls(MessageType::SignUp), 2);
}

/// The process ends while both a sign-up and its confirmation are at the bank: the next one asks.
#[test]
fn what_was_at_the_bank_when_the_process_ended_is_asked_for_by_the_next() {
    let mut world = World::new(Kind::Sm2, Faults::default());
    let customer = world.customer();
    world.gate.swallow(true);
    world.begin(ask(&customer, &account(1, "00"), &phone(1)));
    world.until("the bank has sent its code", || world.host.code_of(&phone(1)).is_some());
    world.crash();
    let agreement = world.list("bank_agreement").remove(0);
    assert_eq!(agreement["status"], "processing", "{agreement}");
    world.gate.swallow(false);
    world.until_status(&id(&agreement), "requires_confirmation", 10);
    world.gate.swallow(true);
    let code = world.host.code_of(&phone(1)).unwrap();
    world.begin(confirm(&id(&agreement), &code));
    world.until("the bank has signed it", || world.host.calls(MessageType::SignUp) == 2);
    world.crash();
    world.gate.swallow(false);
    let active = world.until_status(&id(&agreement), "active", 10);
    assert_eq!(world.host.calls(MessageType::SignUp), 2, "nothing is sent twice");
    let paid = world.done(by_agreement(&customer, active["payment_method"].as_str().unwrap()));
    assert_eq!(paid["status"], "succeeded", "{paid}");
    world.expect_agreement();
}

#[test]
fn banks_may_take_their_time_and_say_no() {
    let world = World::new(Kind::Sm2, Faults::default());
    let (customer, later) = world.signed_up(1, "01");
    let paying = world.done(by_agreement(&customer, &later));
    assert_eq!(paying["status"], "processing", "{paying}");
    world.until_status(&id(&paying), "succeeded", 1);
    let declined = |number, behaviour: &str, amount: i64| {
        let (customer, method) = world.signed_up(number, behaviour);
        let mut command = by_agreement(&customer, &method);
        if let Command::CreatePaymentIntent { request } = &mut command {
            request.amount = Some(amount);
        }
        let (status, problem) = world.answer(command);
        if status == 200 {
            let ended = world.until_status(&id(&problem), "requires_payment_method", 1);
            return ended["last_payment_error"]["decline_code"].as_str().unwrap().to_owned();
        }
        assert_eq!(status, 402, "{problem}");
        problem["error"]["decline_code"].as_str().unwrap().to_owned()
    };
    assert_eq!(declined(2, "02", 100), "do_not_honor");
    assert_eq!(declined(3, "51", 100), "insufficient_funds");
    assert_eq!(declined(4, "07", 100), "do_not_honor");
    assert_eq!(declined(5, "00", i64::try_from(DEBIT_MAX).unwrap() + 1), "card_velocity_exceeded");
    // The holder ends the agreement at the bank.
    let (customer, method) = world.signed_up(6, "00");
    let token = world.token_of(&method);
    assert!(world.host.end_agreement(token.split_once(':').unwrap().1));
    let (status, problem) = world.answer(by_agreement(&customer, &method));
    assert_eq!((status, &problem["error"]["decline_code"]), (402, &json!("agreement_inactive")), "{problem}");
    assert_eq!(world.expect_agreement().standing, 1);
}

#[test]
fn what_cannot_be_with_an_agreement_is_refused_by_name() {
    let world = World::new(Kind::Sm2, Faults::default());
    let (customer, method) = world.signed_up(1, "00");
    let other = world.customer();
    for (more, why) in [
        (json!({"capture_method": "manual"}), "at once"),
        (json!({"customer": other}), "customer"),
        (json!({"customer": null}), "customer"),
        (json!({"currency": "usd"}), "processing_error"),
        (json!({"payment_method_types": ["card"]}), "none of those"),
        (
            json!({"payment_method": null, "payment_method_data": {"type": "bank_agreement"}}),
            "is made by POST /v1/bank_agreements",
        ),
    ] {
        let mut value = json!({
            "amount": 100, "currency": "cny", "confirm": true, "customer": customer, "payment_method": method,
            "payment_method_types": ["bank_agreement"],
        });
        value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (status, answer) = world.answer(Command::CreatePaymentIntent { request: request(value) });
        assert_ne!(status, 200, "{more}");
        assert!(answer.to_string().contains(why), "{more}: {answer}");
    }
    let detach = Command::DetachPaymentMethod { id: method.clone(), request: request(json!({})) };
    world.done(detach);
    let (_, refused) = world.answer(by_agreement(&customer, &method));
    assert!(refused.to_string().contains("taken from its customer"), "{refused}");
    for (member, value, why) in [
        ("customer", json!("cus_none"), "cus_none"),
        ("bank", json!("ICBC"), "capital letter"),
        ("account_number", json!("12 34"), "8 to 32 digits"),
        ("account_holder_name", json!(" 李四"), "1 to 60"),
        ("id_number", json!("110105194912310021"), "identity card"),
        ("phone", json!("23800000000"), "11 digits"),
        ("phone", Value::Null, "phone"),
    ] {
        let mut form = json!({
            "customer": customer, "bank": parties::BANK, "account_number": account(9, "00"),
            "account_holder_name": "李四", "id_number": "11010519491231002X", "phone": phone(9),
        });
        form[member] = value;
        let (status, refused) = world.answer(Command::CreateBankAgreement { request: request(form) });
        assert!(status == 0 && refused.to_string().contains(why), "{member}: {refused}");
    }
    assert_eq!(world.expect_agreement(), Audit::default());
}

#[test]
fn a_notification_is_taken_once_and_only_from_the_network() {
    let world = World::new(Kind::Sm2, Faults::default());
    let (customer, method) = world.signed_up(1, "01");
    let (poor_customer, poor) = world.signed_up(2, "02");
    let paying = world.done(by_agreement(&customer, &method));
    let refused = world.done(by_agreement(&poor_customer, &poor));
    let order = paying["latest_attempt"].as_str().unwrap();
    let failing = refused["latest_attempt"].as_str().unwrap();
    assert!(world.host.notification(order, false).is_none(), "nothing is decided yet");
    world.until("the banks decide", || {
        [order, failing].iter().all(|it| world.host.notification(it, false).is_some())
    });
    let tell = |order: &str, garbled| {
        let (head, body) = world.host.notification(order, garbled).unwrap().into_parts();
        world.notified(&head.headers, &body)
    };
    assert_eq!(tell(order, true).unwrap_err().code(), "forged");
    assert_eq!(world.object(&id(&paying))["status"], "processing");
    for _ in 0..3 {
        assert_eq!(tell(order, false).unwrap(), FINE);
        assert_eq!(tell(failing, false).unwrap(), FINE);
    }
    assert_eq!(world.object(&id(&paying))["status"], "succeeded");
    let ended = world.object(&id(&refused));
    assert_eq!(ended["last_payment_error"]["decline_code"], "do_not_honor", "{ended}");
    let attempt = world.object(failing);
    assert!(attempt.get("late_payment").is_none(), "a no that comes again is no late payment: {attempt}");
    let old = world.host.notification(order, false).unwrap().into_parts();
    world.clock.advance_seconds(400);
    assert_eq!(world.notified(&old.0.headers, &old.1).unwrap_err().code(), "stale");
    assert_eq!(world.expect_agreement().standing, 1);
}

/// A debit that was given up, because the network did not know of it, and was done all the same: it goes back.
#[test]
fn a_debit_that_is_told_of_when_it_was_given_up_goes_back() {
    let world = World::new(Kind::Sm2, Faults::default());
    let (customer, method) = world.signed_up(1, "00");
    world.gate.requests.store(true, Ordering::SeqCst);
    let paying = world.done(by_agreement(&customer, &method));
    assert_eq!(paying["status"], "processing", "{paying}");
    world.gate.requests.store(false, Ordering::SeqCst);
    let ended = world.until_status(&id(&paying), "requires_payment_method", 20);
    assert_eq!(ended["last_payment_error"]["decline_code"], "processing_error", "{ended}");
    assert!(world.clock.now().seconds() >= NOON + 120);
    let attempt = paying["latest_attempt"].as_str().unwrap();
    assert!(world.host.trades().is_empty(), "it never came");
    // No network of this kind does it now; one that does is not the end of the money.
    let debit = world.direct_request(Call::Authorize, attempt, &world.token_of(&method), 10_000);
    assert!(matches!(world.direct(&debit), ChannelAnswer::Approved { .. }));
    let told = world.host.notification(attempt, false).unwrap().into_parts();
    assert_eq!(world.notified(&told.0.headers, &told.1).unwrap(), FINE);
    let audit = world.expect_agreement();
    assert_eq!((audit.given_back, audit.standing, world.owed(CHANNEL)), (1, 0, 0));
    let late = world.object(attempt)["late_payment"].clone();
    assert!(late["returned_at"].is_i64(), "{late}");
    assert_eq!(world.notified(&told.0.headers, &told.1).unwrap(), FINE, "again changes nothing");
    assert_eq!(world.expect_agreement().given_back, 1);
}

/// The network by itself: its rules hold whoever asks.
#[test]
fn one_transaction_has_one_name_and_batches_add_up() {
    let world = World::new(Kind::Sm2, Faults::default());
    let (_, method) = world.signed_up(1, "00");
    let token = world.token_of(&method);
    let debit = world.direct_request(Call::Authorize, "att_a", &token, 700);
    let first = world.direct(&debit);
    assert!(matches!(first, ChannelAnswer::Approved { .. }), "{first:?}");
    assert_eq!(world.direct(&debit), first, "the same is done once");
    assert_eq!((world.host.audit().taken_minor, world.host.audit().repeated), (700, 1));
    let other = world.direct(&Request { amount_minor: 701, ..debit.clone() });
    assert!(matches!(other, ChannelAnswer::Unknown { .. }), "{other:?}");
    // Sent a minute ago and more: the network does not begin.
    let old = Timestamp::from_seconds(world.clock.now().seconds() - 61);
    let stale = Request { now: old, ..world.direct_request(Call::Authorize, "att_b", &token, 100) };
    let stale = world.direct(&stale);
    assert!(!matches!(stale, ChannelAnswer::Approved { .. }), "{stale:?}");
    assert_eq!(world.host.audit().taken_minor, 700);
    // An agreement has a limit for each day of China.
    let much = |name| world.direct(&world.direct_request(Call::Authorize, name, &token, DEBIT_MAX));
    assert!(matches!(much("att_c"), ChannelAnswer::Approved { .. }));
    assert!(
        matches!(much("att_d"), ChannelAnswer::Declined { code, .. } if code == "card_velocity_exceeded")
    );
    let batch = BatchId::of(world.clock.now(), 24).unwrap();
    world.clock.advance_seconds(86_400);
    assert!(matches!(much("att_e"), ChannelAnswer::Approved { .. }));
    let back = |name: &str, minor| {
        let original = Some("att_a".to_owned());
        world.direct(&Request { original, ..world.direct_request(Call::Refund, name, &token, minor) })
    };
    assert!(matches!(back("re_a", 400), ChannelAnswer::Approved { .. }));
    assert!(matches!(back("re_a", 400), ChannelAnswer::Approved { .. }));
    assert!(matches!(back("re_b", 301), ChannelAnswer::Declined { .. }));
    assert!(matches!(back("re_b", 300), ChannelAnswer::Approved { .. }));
    // Payouts: done, refused, and decided later.
    let pay_out = |name: &str, behaviour: &str| {
        let sealed = channel(Kind::Sm2).seal_account(&suanpan_channels::AccountInput {
            bank: parties::BANK.to_owned(),
            number: account(77, behaviour),
            holder: "李四".to_owned(),
            id_number: "11010519491231002X".to_owned(),
            phone: phone(77),
        });
        world.direct_request(Call::Payout, name, &sealed.unwrap(), 5_000)
    };
    let paid = pay_out("po_a", "00");
    assert!(matches!(world.direct(&paid), ChannelAnswer::Approved { .. }));
    assert!(matches!(world.direct(&paid), ChannelAnswer::Approved { .. }));
    assert!(matches!(world.direct(&pay_out("po_b", "07")), ChannelAnswer::Declined { .. }));
    let later = pay_out("po_c", "01");
    assert!(matches!(world.direct(&later), ChannelAnswer::Unknown { .. }));
    let asked = Request { call: Call::Inquire, ..later };
    world.until("the bank has paid", || matches!(world.direct(&asked), ChannelAnswer::Approved { .. }));
    let missing = Request { call: Call::Inquire, ..pay_out("po_d", "00") };
    assert!(matches!(world.direct(&missing), ChannelAnswer::Unknown { .. }));
    let missing = Request { trace: Trace(missing.trace.0 - 120_000_000), ..missing };
    assert!(matches!(world.direct(&missing), ChannelAnswer::Declined { .. }));
    let totals = |batch: BatchId| {
        let network = channel(Kind::Sm2);
        let answer = world.exchange(network.ask_totals(batch, world.clock.now()).unwrap());
        network.read_totals(batch, world.clock.now(), &answer).unwrap()
    };
    let sums = |it: TotalsAnswer| {
        (it.debits, it.debited.minor, it.refunds, it.refunded.minor, it.payouts, it.paid_out.minor)
    };
    assert_eq!(sums(totals(batch)), (2, 700 + DEBIT_MAX, 0, 0, 0, 0));
    let today = BatchId::of(world.clock.now(), 24).unwrap();
    assert_eq!(sums(totals(today)), (1, DEBIT_MAX, 2, 700, 2, 10_000));
}

/// Tells the engine again and again of all that was ever decided, early, late and changed on its way, until it is dropped.
struct Notifier(Arc<AtomicBool>);

impl Notifier {
    fn start(world: &World) -> Notifier {
        let on = Arc::new(AtomicBool::new(true));
        let (engine, host, goes_on) = (world.engine.clone(), world.host.clone(), on.clone());
        world.runtime.spawn(async move {
            while goes_on.load(Ordering::SeqCst) {
                for order in host.trades().into_keys() {
                    for garbled in [true, false] {
                        let Some(told) = host.notification(&order, garbled) else { continue };
                        let (head, body) = told.into_parts();
                        let taken = engine.notified(CHANNEL, &head.headers, &body).await;
                        assert!(!(garbled && taken.is_ok()), "a changed notification is believed");
                    }
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
                tokio::time::sleep(Duration::from_millis(150)).await;
            }
        });
        Notifier(on)
    }
}

impl Drop for Notifier {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

/// Every fault at once, over accounts of each kind, with notifications at all times: in the end nothing is open, and books
/// and network say the same to the cent.
#[test]
fn whatever_the_network_does_nothing_is_lost_or_taken_twice() {
    for (seed, kind) in [(1, Kind::Sm2), (2, Kind::Rsa)] {
        let faults = Faults {
            seed,
            lost_before: 40_000,
            lost_after: 60_000,
            garbled: 40_000,
            twice: 60_000,
            late: 30_000,
            hang_up: 30_000,
            latency_micros: 1_000,
        };
        let world = World::new(kind, faults);
        let behaviours = ["00", "01", "02", "51", "07", "00"];
        let accounts: Vec<(String, String)> =
            behaviours.iter().zip(0..).map(|(it, number)| world.signed_up(number, it)).collect();
        let payments = (0..120_usize).map(|number| {
            let (customer, method) = &accounts[number % accounts.len()];
            by_agreement(customer, method)
        });
        world.all(payments.collect(), 40);
        let notifier = Notifier::start(&world);
        world.settle(120, 120);
        let stands = |attempt: &Value| {
            let trades = world.host.trades();
            trades.get(attempt["reference"].as_str().unwrap()).is_some_and(|trade| trade.stands())
        };
        for attempt in world.list("attempt") {
            assert_eq!(stands(&attempt), attempt["status"] == "captured", "seed {seed}: {attempt}");
        }
        let audit = world.expect_agreement();
        let intents = world.intents();
        let succeeded: Vec<&Value> = intents.iter().filter(|it| it["status"] == "succeeded").collect();
        let count = succeeded.len();
        assert_eq!(
            (audit.taken_minor, audit.standing),
            (count as u128 * 10_000, count as u64),
            "seed {seed}"
        );
        assert!(count > 40 && count < 100, "seed {seed}: {count} of 120");
        let refunds: Vec<Command> = succeeded.iter().step_by(2).map(|it| refund(&id(it), 4_000)).collect();
        let given_back = refunds.len();
        world.all(refunds, 40);
        let began = Instant::now();
        while world.list("refund").iter().filter(|it| it["status"] == "succeeded").count() < given_back {
            assert!(began.elapsed() < 2 * SOON, "seed {seed}: refunds are open");
            world.clock.advance_seconds(120);
            std::thread::sleep(Duration::from_millis(400));
        }
        drop(notifier);
        assert_eq!(world.expect_agreement().refunded_minor, given_back as u128 * 4_000);
    }
}
