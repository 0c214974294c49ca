//! Payments with a wallet: a simulated one, over HTTP, with the calls and notifications of a real one.

use crate::outside::{Outside, PATIENCE};
use crate::world::{cancel, id, pay, refund, request};
use http::HeaderMap;
use serde_json::{Value, json};
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use suanpan_channels::alipay::{Alipay, Settings as WalletSettings};
use suanpan_channels::faults::Faults;
use suanpan_channels::wallet::Common;
use suanpan_engine::{Clock, Gateway, Untaken, Way};
use suanpan_messages::signing::parameters::joined;
use suanpan_messages::signing::rsa::{RsaPrivateKey, RsaPublicKey};
use suanpan_payments::command::Command;
use suanpan_payments::request::card::PaymentMethodData;
use suanpan_payments::request::checkout_session::PayCheckoutSession;
use suanpan_payments::routing::ChannelTerms;
use suanpan_simulators::alipay::{Audit, Customers, Host, HostSettings, keys, serve};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

const APP_ID: &str = "2021000000000001";

struct World {
    outside: Outside,
    host: Arc<Host>,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Deref for World {
    type Target = Outside;

    fn deref(&self) -> &Outside {
        &self.outside
    }
}

impl World {
    fn new(faults: Faults, customers: Option<Customers>) -> World {
        let mut made = None;
        let way = |runtime: &Runtime, clock: &Clock| {
            let now = clock.clone();
            let host = Arc::new(Host::new(HostSettings {
                app_id: APP_ID.to_owned(),
                app_key: RsaPublicKey::parse(keys::APP_PUBLIC).unwrap(),
                own_key: RsaPrivateKey::parse(keys::WALLET_PRIVATE).unwrap(),
                faults,
                customers,
                hesitation: Duration::from_millis(50),
                now: Arc::new(move || now.now().seconds()),
            }));
            let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
            let address = format!("http://{}", listener.local_addr().unwrap());
            made = Some((host.clone(), runtime.spawn(serve(listener, host))));
            let settings = WalletSettings {
                common: Common {
                    name: "alipay_cn".to_owned(),
                    notify_url: None,
                    qr_seconds: 900,
                    code_seconds: 60,
                },
                app_id: APP_ID.to_owned(),
                subject: "SUANPAN TEST SHOP".to_owned(),
            };
            let own = RsaPrivateKey::parse(keys::APP_PRIVATE).unwrap();
            let theirs = RsaPublicKey::parse(keys::WALLET_PUBLIC).unwrap();
            let gateway = Gateway::new(&address, PATIENCE, clock.clone()).unwrap();
            let channel = Arc::new(Alipay::new(settings, own, theirs).unwrap());
            Way::Http(channel, gateway)
        };
        let outside = Outside::new(way, |settings| {
            settings.routing.channels.push(ChannelTerms::of("alipay_cn", &["alipay"]));
        });
        let (host, serving) = made.unwrap();
        World { outside, host, serving }
    }

    /// Moves the clock on, second by second, until a payment has a status.
    #[track_caller]
    fn until_status(&self, id: &str, status: &str, step: i64) -> Value {
        for _ in 0..200 {
            let intent = self.object(id);
            if intent["status"] == status {
                return intent;
            }
            self.clock.advance_seconds(step);
            std::thread::sleep(Duration::from_millis(25));
        }
        panic!("not in time: {status}, but {}", self.object(id));
    }

    #[track_caller]
    fn expect_agreement(&self) -> Audit {
        let audit = self.host.audit();
        let theirs =
            i128::try_from(audit.taken_minor).unwrap() - i128::try_from(audit.refunded_minor).unwrap();
        assert_eq!(self.owed("alipay_cn"), theirs, "{audit:?}");
        audit
    }

    /// Attempts about which the wallet and the books do not say the same.
    fn disagreements(&self) -> Vec<String> {
        let trades = self.host.trades();
        let stands = |attempt: &Value| {
            let trade = trades.get(attempt["reference"].as_str().unwrap());
            trade.is_some_and(|trade| trade.paid && !trade.called_off)
        };
        let attempts = self.list("attempt");
        let differ = attempts.iter().filter(|attempt| stands(attempt) != (attempt["status"] == "captured"));
        differ
            .map(|attempt| format!("{attempt} {:?}", trades.get(attempt["reference"].as_str().unwrap())))
            .collect()
    }

    fn notified(&self, parameters: &[(&str, &str)], key: &str) -> Result<&'static str, Untaken> {
        let form = notification(parameters, key);
        self.runtime.block_on(self.engine.notified("alipay_cn", &HeaderMap::new(), form.as_bytes()))
    }
}

/// A notification as the wallet signs it.
fn notification(parameters: &[(&str, &str)], key: &str) -> String {
    let signature = RsaPrivateKey::parse(key).unwrap();
    let signature = signature.sign_base64(joined(parameters, &[]).unwrap().as_bytes()).unwrap();
    let mut form = String::new();
    for (name, value) in parameters.iter().chain(&[("sign_type", "RSA2"), ("sign", &signature)]) {
        let escaped: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
        form.push_str(&format!("{name}={escaped}&"));
    }
    form.trim_end_matches('&').to_owned()
}

/// A payment by a code that is shown to the customer.
fn shown() -> Command {
    pay(
        "",
        json!({
            "payment_method": null,
            "payment_method_types": ["alipay", "payment_code"],
            "payment_method_data": {"type": "alipay"},
        }),
    )
}

/// A payment by a code that the customer showed.
fn scanned(code: &str) -> Command {
    pay(
        "",
        json!({
            "payment_method": null,
            "payment_method_types": ["payment_code"],
            "payment_method_data": {"type": "payment_code", "payment_code": {"code": code}},
        }),
    )
}

fn code_of(intent: &Value) -> String {
    intent["next_action"]["display_qr_code"]["data"].as_str().unwrap_or_else(|| panic!("{intent}")).to_owned()
}

#[test]
fn a_code_is_shown_scanned_paid_and_given_back() {
    let world = World::new(Faults::default(), None);
    let intent = world.done(shown());
    assert_eq!(
        (&intent["status"], &intent["next_action"]["type"]),
        (&json!("requires_action"), &json!("display_qr_code")),
        "{intent}"
    );
    assert_eq!(world.owed("alipay_cn"), 0);
    assert!(world.host.scan(&code_of(&intent)).is_some());
    let paid = world.until_status(&id(&intent), "succeeded", 1);
    assert_eq!((&paid["amount_received"], &paid["next_action"]), (&json!(10_000), &Value::Null), "{paid}");
    assert_eq!(world.expect_agreement().taken_minor, 10_000);
    assert!(world.host.scan(&code_of(&intent)).is_none(), "a code is paid once");
    let given = world.done(refund(&id(&intent), 4_000));
    assert_eq!(given["status"], "succeeded", "{given}");
    assert_eq!(world.expect_agreement().refunded_minor, 4_000);
    let charge = world.object(paid["latest_charge"].as_str().unwrap());
    assert_eq!(charge["payment_method_details"], json!({"alipay": {}, "type": "alipay"}));
}

#[test]
fn a_notification_ends_the_waiting_and_a_forged_one_does_not() {
    let world = World::new(Faults::default(), None);
    let intent = world.done(shown());
    let order = world.host.scan(&code_of(&intent)).unwrap();
    let told = |order: &str, amount: &str, app: &str, key: &str| {
        let parameters = [
            ("app_id", app),
            ("out_trade_no", order),
            ("total_amount", amount),
            ("trade_no", "2026112800001"),
            ("trade_status", "TRADE_SUCCESS"),
        ];
        world.notified(&parameters, key).map_err(|untaken| untaken.to_string())
    };
    let forged = told(&order, "100.00", APP_ID, keys::APP_PRIVATE).unwrap_err();
    assert_eq!(forged, "its signature is not the channel's");
    assert!(told(&order, "100.00", "1", keys::WALLET_PRIVATE).unwrap_err().contains("app_id"));
    assert!(told(&order, "1.00", APP_ID, keys::WALLET_PRIVATE).unwrap_err().contains("another amount"));
    assert!(told("att_none", "100.00", APP_ID, keys::WALLET_PRIVATE).unwrap_err().contains("no attempt"));
    assert_eq!(world.object(&id(&intent))["status"], "requires_action");
    for _ in 0..3 {
        assert_eq!(told(&order, "100.00", APP_ID, keys::WALLET_PRIVATE), Ok("success"));
    }
    let paid = world.object(&id(&intent));
    assert_eq!(paid["status"], "succeeded", "{paid}");
    let attempt = world.object(paid["latest_attempt"].as_str().unwrap());
    assert_eq!((&attempt["status"], &attempt["channel_id"]), (&json!("captured"), &json!("2026112800001")));
    world.expect_agreement();
}

#[test]
fn a_code_that_nobody_pays_is_called_off_when_its_time_is_over() {
    let world = World::new(Faults::default(), None);
    let intent = world.done(shown());
    let ended = world.until_status(&id(&intent), "requires_payment_method", 30);
    assert_eq!(ended["last_payment_error"]["code"], "payment_intent_payment_attempt_expired", "{ended}");
    let over = ended["latest_attempt"].as_str().unwrap();
    // Not before the code itself is no good any more, with room for clocks that differ.
    let attempt = world.object(over);
    assert!(world.clock.now().seconds() >= attempt["created"].as_i64().unwrap() + 960, "{attempt}");
    assert!(world.host.scan(&code_of(&intent)).is_none());
    assert_eq!(world.expect_agreement(), Audit::default());
}

#[test]
fn what_is_paid_while_it_is_called_off_goes_back() {
    let world = World::new(Faults::default(), None);
    let intent = world.done(shown());
    // Nothing to call off yet: whoever has the code could still pay.
    let canceled = world.done(cancel(&id(&intent)));
    assert_eq!(canceled["status"], "processing", "{canceled}");
    let (status, refused) = world.answer(cancel(&id(&intent)));
    assert_eq!(status, 0, "{refused}");
    assert!(world.host.scan(&code_of(&intent)).is_some());
    let ended = world.until_status(&id(&intent), "canceled", 5);
    assert_eq!(ended["amount_received"], 0, "{ended}");
    let audit = world.expect_agreement();
    assert_eq!((audit.called_off, audit.standing), (1, 0));
}

#[test]
fn another_method_takes_the_place_of_a_code_that_is_shown() {
    let world = World::new(Faults::default(), None);
    let command = pay(
        "",
        json!({
            "payment_method": null,
            "payment_method_types": ["alipay", "payment_code"],
            "payment_method_data": {"type": "alipay"},
        }),
    );
    let intent = world.done(command);
    let first = intent["latest_attempt"].as_str().unwrap().to_owned();
    let confirm = Command::ConfirmPaymentIntent {
        id: id(&intent),
        request: request(json!({
            "payment_method_data": {"type": "payment_code", "payment_code": {"code": "281234567890123400"}},
        })),
    };
    let paid = world.done(confirm);
    assert_eq!(paid["status"], "succeeded", "{paid}");
    world.until("the first is called off in vain, because nobody has scanned it", || {
        world.host.calls("alipay.trade.cancel") > 0
    });
    // The first code is scanned all the same: what was paid by it goes back.
    assert!(world.host.scan(&code_of(&intent)).is_some());
    world.until("the first is called off", || {
        world.clock.advance_seconds(5);
        std::thread::sleep(Duration::from_millis(20));
        world.object(&first)["status"] == "voided"
    });
    let audit = world.expect_agreement();
    assert_eq!((audit.called_off, audit.standing, audit.taken_minor), (1, 1, 10_000));
    assert_eq!(world.object(&id(&intent))["status"], "succeeded");
}

#[test]
fn codes_that_customers_show_are_good_once() {
    let world = World::new(Faults::default(), None);
    let paid = world.done(scanned("281234567890123400"));
    assert_eq!(paid["status"], "succeeded", "{paid}");
    let declined = |code: &str| {
        let (status, problem) = world.answer(scanned(code));
        (status, problem["error"]["decline_code"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(declined("281234567890123400"), (402, "invalid_payment_code".to_owned()));
    assert_eq!(declined("281234567890123451"), (402, "insufficient_funds".to_owned()));
    assert_eq!(declined("281234567890123477"), (402, "invalid_payment_code".to_owned()));
    // Codes of a wallet that no channel takes, and of none.
    let refused = world.answer(scanned("130123456789012345")).1.to_string();
    assert!(refused.contains("no channel takes codes of wechat_pay"), "{refused}");
    let refused = world.answer(scanned("991234567890123400")).1.to_string();
    assert!(refused.contains("no wallet of the table") && !refused.contains("9912345"), "{refused}");
    assert_eq!(world.expect_agreement().standing, 1);
}

#[test]
fn a_customer_whose_code_was_scanned_may_be_asked_first() {
    let world = World::new(Faults::default(), None);
    let asked = world.done(scanned("281234567890123401"));
    assert_eq!(
        (&asked["status"], &asked["next_action"]["type"]),
        (&json!("requires_action"), &json!("confirm_in_wallet")),
        "{asked}"
    );
    world.until_status(&id(&asked), "succeeded", 1);
    let silent = world.done(scanned("281234567890123402"));
    let ended = world.until_status(&id(&silent), "requires_payment_method", 5);
    assert_eq!(ended["last_payment_error"]["decline_code"], "attempt_expired", "{ended}");
    assert_eq!(world.expect_agreement().standing, 1);
}

#[test]
fn what_cannot_be_with_a_wallet_is_refused_by_name() {
    let world = World::new(Faults::default(), None);
    for (more, why) in [
        (json!({"capture_method": "manual"}), "at once"),
        (json!({"error_on_requires_action": true}), "must be there"),
        (json!({"payment_method_types": ["card"]}), "none of those"),
        (
            json!({"payment_method_data": {"type": "wechat_pay"}, "payment_method_types": ["wechat_pay"]}),
            "takes wechat_pay",
        ),
        (json!({"payment_method_data": {"type": "payment_code"}}), "payment_code[code]"),
        (json!({"payment_method_data": {"type": "alipay", "payment_code": {"code": "1"}}}), "has no code"),
        (json!({"currency": "usd"}), "processing_error"),
        (json!({"setup_future_usage": "off_session"}), "setup_future_usage must not be given"),
    ] {
        let mut value = json!({
            "amount": 100, "currency": "cny", "confirm": true,
            "payment_method_types": ["alipay"], "payment_method_data": {"type": "alipay"},
        });
        value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (status, answer) = world.answer(Command::CreatePaymentIntent { request: request(value) });
        assert_ne!(status, 200, "{more}");
        assert!(answer.to_string().contains(why), "{more}: {answer}");
    }
    assert_eq!(world.expect_agreement(), Audit::default());
}

/// Tells the shop again and again of all that was ever paid, early, late and changed on its way, until it is dropped.
struct Notifier(Arc<AtomicBool>);

impl Notifier {
    fn start(world: &World) -> Notifier {
        let on = Arc::new(AtomicBool::new(true));
        let (engine, host, goes_on) = (world.engine.clone(), world.host.clone(), on.clone());
        world.runtime.spawn(async move {
            while goes_on.load(Ordering::SeqCst) {
                for order in host.trades().into_keys() {
                    for garbled in [true, false] {
                        let Some(form) = host.notification(&order, garbled) else { continue };
                        let taken = engine.notified("alipay_cn", &HeaderMap::new(), form.as_bytes()).await;
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

/// Every fault at once, over shown and scanned codes, some of them canceled or changed for another, with notifications at
/// all times: in the end nothing is open, and both sides say the same to the cent.
#[test]
fn whatever_the_wallet_does_nothing_is_lost_or_taken_twice() {
    for seed in [1, 2] {
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
        let customers = Customers { after: Duration::from_millis(600), parts: 700_000 };
        let world = World::new(faults, Some(customers));
        let payments = (0..240_u32).map(|number| {
            let behaviour = ["00", "01", "02", "51", "77", "00"][number as usize % 6];
            if number % 2 == 0 { shown() } else { scanned(&format!("2812345678{number:06}{behaviour}")) }
        });
        world.all(payments.collect(), 60);
        let notifier = Notifier::start(&world);
        let waiting = world.intents().into_iter().filter(|it| it["status"] == "requires_action");
        let changes = waiting.enumerate().filter_map(|(number, intent)| match number % 4 {
            0 => Some(cancel(&id(&intent))),
            1 => Some(Command::ConfirmPaymentIntent {
                id: id(&intent),
                request: request(json!({
                    "payment_method_data": {
                        "type": "payment_code", "payment_code": {"code": format!("2898765432{number:06}00")},
                    },
                })),
            }),
            _ => None,
        });
        // Some are paid before that, and refused.
        for command in changes {
            world.answer(command);
        }
        world.settle(240, 120);
        // What was replaced is called off beside all that.
        for round in 0.. {
            let disagreements = world.disagreements();
            if disagreements.is_empty() {
                break;
            }
            assert!(round < 100, "seed {seed}: {disagreements:#?}");
            world.clock.advance_seconds(120);
            std::thread::sleep(Duration::from_millis(100));
        }
        drop(notifier);
        let audit = world.expect_agreement();
        let intents = world.intents();
        let succeeded = intents.iter().filter(|it| it["status"] == "succeeded").count();
        assert_eq!((audit.taken_minor, audit.standing), (succeeded as u128 * 10_000, succeeded as u64));
        assert!(succeeded > 5 && audit.called_off > 5, "seed {seed}: {audit:?}, {succeeded}");
    }
}

/// The customer pays in the last moment, the wallet gives it back because it was called off, that answer is lost, and then
/// comes the notification of the payment.
#[test]
fn a_notification_that_comes_after_the_calling_off_books_nothing() {
    let world = World::new(Faults::default(), None);
    let intent = world.done(shown());
    let attempt = intent["latest_attempt"].as_str().unwrap().to_owned();
    world.done(cancel(&id(&intent)));
    let order = world.host.scan(&code_of(&intent)).unwrap();
    let form = world.host.notification(&order, false).unwrap();
    let tell =
        || world.runtime.block_on(world.engine.notified("alipay_cn", &HeaderMap::new(), form.as_bytes()));
    assert_eq!(tell().unwrap(), "success");
    assert_eq!(world.object(&attempt)["status"], "awaiting_customer");
    world.until_status(&id(&intent), "canceled", 5);
    assert_eq!(tell().unwrap(), "success");
    assert_eq!((world.owed("alipay_cn"), world.expect_agreement().called_off), (0, 1));
    // Without the wallet's word that it went back, the notification is not taken, and comes again.
    world.serving.abort();
    world.until("the wallet is gone", || tell().is_err());
    assert!(tell().unwrap_err().to_string().contains("is not called off"));
}

/// Opens a checkout session for an hour, and shows its code some seconds later. Returns session, intent and attempt.
fn opened(world: &World, later: i64) -> (String, Value, String) {
    let session = world.done(Command::CreateCheckoutSession {
        request: request(json!({
            "success_url": "https://shop.example/thanks", "amount": 10_000, "currency": "cny",
            "expires_at": world.clock.now().seconds() + 3_600,
        })),
    });
    world.clock.advance_seconds(later);
    let pay = PayCheckoutSession {
        method: Some(PaymentMethodData { kind: Some("alipay".to_owned()), ..PaymentMethodData::default() }),
        ..PayCheckoutSession::default()
    };
    let intent = world.done(Command::PayCheckoutSession { id: id(&session), request: Box::new(pay) });
    assert_eq!(intent["status"], "requires_action", "{intent}");
    let attempt = intent["latest_attempt"].as_str().unwrap().to_owned();
    (id(&session), intent, attempt)
}

#[test]
fn whoever_watches_a_session_is_woken_by_the_commit_that_pays_it() {
    let world = World::new(Faults::default(), None);
    let (session, intent, _) = opened(&world, 0);
    let mut watch = world.engine.watch(&session).unwrap();
    let woken = world.runtime.spawn(async move { watch.changed().await });
    let order = world.host.scan(&code_of(&intent)).unwrap();
    let form = world.host.notification(&order, false).unwrap();
    world.runtime.block_on(world.engine.notified("alipay_cn", &HeaderMap::new(), form.as_bytes())).unwrap();
    world.runtime.block_on(async { tokio::time::timeout(PATIENCE, woken).await }).unwrap().unwrap();
    assert_eq!(world.object(&session)["status"], "complete");
}

#[test]
fn a_customer_who_says_to_have_paid_has_the_wallet_asked_at_once() {
    let world = World::new(Faults::default(), None);
    let (session, intent, attempt) = opened(&world, 0);
    let ask = || world.runtime.block_on(world.engine.ask_now(&attempt)).unwrap();
    ask();
    assert_eq!(world.object(&session)["status"], "open");
    world.host.scan(&code_of(&intent)).unwrap();
    // No notification, and the clock stands: the inquiry that is due in seconds never comes.
    ask();
    assert_eq!(world.object(&session)["status"], "complete");
    ask();
    assert_eq!(world.expect_agreement().standing, 1);
}

#[test]
fn a_session_expires_in_time_and_what_is_paid_late_goes_back_and_is_said() {
    let world = World::new(Faults::default(), None);
    // The code is good beyond the session's end.
    let (session, intent, attempt) = opened(&world, 3_500);
    world.clock.advance_seconds(100);
    world.until("the session expires", || world.object(&session)["status"] == "expired");
    assert_eq!(world.object(&id(&intent))["status"], "processing", "the wallet still has to call it off");
    let order = world.host.scan(&code_of(&intent)).unwrap();
    let form = world.host.notification(&order, false).unwrap();
    let tell =
        || world.runtime.block_on(world.engine.notified("alipay_cn", &HeaderMap::new(), form.as_bytes()));
    assert_eq!(tell().unwrap(), "success");
    let late = world.object(&session)["late_payment"].clone();
    assert_eq!((&late["attempt"], &late["amount"]), (&json!(attempt), &json!(10_000)), "{late}");
    world.until_status(&id(&intent), "canceled", 5);
    assert_eq!(tell().unwrap(), "success");
    let late = world.object(&session)["late_payment"].clone();
    assert!(late["returned_at"].as_i64() > late["received_at"].as_i64(), "{late}");
    assert_eq!((world.owed("alipay_cn"), world.expect_agreement().called_off), (0, 1));
}
