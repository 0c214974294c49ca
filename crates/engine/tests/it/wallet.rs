//! Payments with wallets: simulated ones, over HTTP, with the calls and notifications of real ones. What holds of all of
//! them is tested over each.

use crate::dialects::{Dialect, Host, Told};
use crate::outside::{Outside, PATIENCE, SOON};
use crate::world::{cancel, id, pay, refund, request};
use http::HeaderMap;
use serde_json::{Value, json};
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use suanpan_channels::faults::Faults;
use suanpan_engine::{Clock, Untaken};
use suanpan_payments::command::Command;
use suanpan_payments::request::card::PaymentMethodData;
use suanpan_payments::request::checkout_session::PayCheckoutSession;
use suanpan_payments::routing::ChannelTerms;
use suanpan_simulators::wallet::{Audit, Customers};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

/// Makes a test of each dialect.
macro_rules! over_each {
    ($($test:ident),* $(,)?) => {
        mod alipay {
            $(#[test] fn $test() { super::$test(super::Dialect::Alipay) })*
        }
        mod wechat {
            $(#[test] fn $test() { super::$test(super::Dialect::Wechat) })*
        }
    };
}

over_each!(
    a_code_is_shown_scanned_paid_and_given_back,
    a_notification_ends_the_waiting_and_a_forged_one_does_not,
    a_code_that_nobody_pays_is_called_off_when_its_time_is_over,
    what_was_paid_before_it_is_called_off_goes_back,
    another_method_takes_the_place_of_a_code_that_is_shown,
    codes_that_customers_show_are_good_once,
    a_customer_whose_code_was_scanned_may_be_asked_first,
    what_cannot_be_with_a_wallet_is_refused_by_name,
    whatever_the_wallet_does_nothing_is_lost_or_taken_twice,
    a_notification_that_comes_after_the_calling_off_books_nothing,
);

struct World {
    outside: Outside,
    dialect: Dialect,
    host: Host,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Deref for World {
    type Target = Outside;

    fn deref(&self) -> &Outside {
        &self.outside
    }
}

impl World {
    fn new(dialect: Dialect, faults: Faults, customers: Option<Customers>) -> World {
        let mut made = None;
        let way = |runtime: &Runtime, clock: &Clock| {
            let (host, serving, way) = Host::start(dialect, runtime, clock, faults, customers);
            made = Some((host, serving));
            way
        };
        let outside = Outside::new(way, |settings| {
            settings.routing.channels.push(ChannelTerms::of(dialect.channel(), &[dialect.kind()]));
        });
        let (host, serving) = made.unwrap();
        World { outside, dialect, host, serving }
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
        assert_eq!(self.owed(self.dialect.channel()), theirs, "{audit:?}");
        audit
    }

    /// Attempts about which the wallet and the books do not say the same.
    fn disagreements(&self) -> Vec<String> {
        let trades = self.host.trades();
        let stands = |attempt: &Value| {
            trades.get(attempt["reference"].as_str().unwrap()).is_some_and(|trade| trade.stands())
        };
        let attempts = self.list("attempt");
        let differ = attempts.iter().filter(|attempt| stands(attempt) != (attempt["status"] == "captured"));
        differ
            .map(|attempt| format!("{attempt} {:?}", trades.get(attempt["reference"].as_str().unwrap())))
            .collect()
    }

    fn notified(&self, headers: &HeaderMap, body: &[u8]) -> Result<&'static str, Untaken> {
        self.runtime.block_on(self.engine.notified(self.dialect.channel(), headers, body))
    }

    /// A payment by a code that is shown to the customer.
    fn shown(&self) -> Command {
        shown(self.dialect)
    }
}

fn shown(dialect: Dialect) -> Command {
    pay(
        "",
        json!({
            "payment_method": null,
            "payment_method_types": [dialect.kind(), "payment_code"],
            "payment_method_data": {"type": dialect.kind()},
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

fn a_code_is_shown_scanned_paid_and_given_back(dialect: Dialect) {
    let world = World::new(dialect, Faults::default(), None);
    let intent = world.done(world.shown());
    assert_eq!(
        (&intent["status"], &intent["next_action"]["type"]),
        (&json!("requires_action"), &json!("display_qr_code")),
        "{intent}"
    );
    assert_eq!(world.owed(dialect.channel()), 0);
    assert!(world.host.scan(&code_of(&intent)).is_some());
    let paid = world.until_status(&id(&intent), "succeeded", 1);
    assert_eq!((&paid["amount_received"], &paid["next_action"]), (&json!(10_000), &Value::Null), "{paid}");
    assert_eq!(world.expect_agreement().taken_minor, 10_000);
    assert!(world.host.scan(&code_of(&intent)).is_none(), "a code is paid once");
    let given = world.done(refund(&id(&intent), 4_000));
    world.until_status(&id(&given), "succeeded", 5);
    assert_eq!(world.expect_agreement().refunded_minor, 4_000);
    let charge = world.object(paid["latest_charge"].as_str().unwrap());
    let details = &charge["payment_method_details"];
    assert_eq!((&details["type"], &details[dialect.kind()]), (&json!(dialect.kind()), &json!({})));
}

fn a_notification_ends_the_waiting_and_a_forged_one_does_not(dialect: Dialect) {
    let world = World::new(dialect, Faults::default(), None);
    let intent = world.done(world.shown());
    let order = world.host.scan(&code_of(&intent)).unwrap();
    let tell = |told: Told<'_>| {
        let (head, body) = dialect.told(world.clock.now().seconds(), &told).into_parts();
        world.notified(&head.headers, &body).map_err(|untaken| untaken.to_string())
    };
    let good = || Told { order: &order, amount_minor: 10_000, app_id: None, forged: false };
    assert_eq!(tell(Told { forged: true, ..good() }).unwrap_err(), "its signature is not the channel's");
    assert!(tell(Told { app_id: Some("1"), ..good() }).unwrap_err().contains("names somebody else"));
    assert!(tell(Told { amount_minor: 100, ..good() }).unwrap_err().contains("another amount"));
    assert!(tell(Told { order: "att_none", ..good() }).unwrap_err().contains("no attempt"));
    assert_eq!(world.object(&id(&intent))["status"], "requires_action");
    for _ in 0..3 {
        assert_eq!(tell(good()), Ok(dialect.taken()));
    }
    let paid = world.object(&id(&intent));
    assert_eq!(paid["status"], "succeeded", "{paid}");
    let attempt = world.object(paid["latest_attempt"].as_str().unwrap());
    assert_eq!((&attempt["status"], &attempt["channel_id"]), (&json!("captured"), &json!("2026112800001")));
    world.expect_agreement();
}

fn a_code_that_nobody_pays_is_called_off_when_its_time_is_over(dialect: Dialect) {
    let world = World::new(dialect, Faults::default(), None);
    let intent = world.done(world.shown());
    let ended = world.until_status(&id(&intent), "requires_payment_method", 30);
    assert_eq!(ended["last_payment_error"]["code"], "payment_intent_payment_attempt_expired", "{ended}");
    let over = ended["latest_attempt"].as_str().unwrap();
    let attempt = world.object(over);
    // What cannot be closed is not over before the code itself is no good any more, with room for clocks that differ.
    let least = if dialect == Dialect::Alipay { 960 } else { 900 };
    assert!(world.clock.now().seconds() >= attempt["created"].as_i64().unwrap() + least, "{attempt}");
    assert!(world.host.scan(&code_of(&intent)).is_none());
    assert_eq!(world.expect_agreement(), Audit::default());
}

/// There is nothing to call off at this wallet until somebody scans the code.
#[test]
fn what_is_paid_while_it_is_called_off_goes_back() {
    let dialect = Dialect::Alipay;
    let world = World::new(dialect, Faults::default(), None);
    let intent = world.done(world.shown());
    // Nothing to call off yet: whoever has the code could still pay.
    let canceled = world.done(cancel(&id(&intent)));
    assert_eq!(canceled["status"], "processing", "{canceled}");
    let (status, refused) = world.answer(cancel(&id(&intent)));
    assert_eq!(status, 0, "{refused}");
    assert!(world.host.scan(&code_of(&intent)).is_some());
    let ended = world.until_status(&id(&intent), "canceled", 5);
    assert_eq!(ended["amount_received"], 0, "{ended}");
    let audit = world.expect_agreement();
    assert_eq!((audit.given_back, audit.standing), (1, 0));
}

/// An order of this wallet can be closed at once, and not be paid any more.
#[test]
fn what_is_closed_cannot_be_paid() {
    let dialect = Dialect::Wechat;
    let world = World::new(dialect, Faults::default(), None);
    let intent = world.done(world.shown());
    world.done(cancel(&id(&intent)));
    world.until_status(&id(&intent), "canceled", 0);
    assert!(world.host.scan(&code_of(&intent)).is_none());
    assert_eq!(world.expect_agreement(), Audit::default());
}

fn what_was_paid_before_it_is_called_off_goes_back(dialect: Dialect) {
    let world = World::new(dialect, Faults::default(), None);
    let intent = world.done(world.shown());
    assert!(world.host.scan(&code_of(&intent)).is_some());
    world.done(cancel(&id(&intent)));
    let ended = world.until_status(&id(&intent), "canceled", 5);
    assert_eq!(ended["amount_received"], 0, "{ended}");
    let audit = world.expect_agreement();
    assert_eq!((audit.given_back, audit.standing), (1, 0));
}

fn another_method_takes_the_place_of_a_code_that_is_shown(dialect: Dialect) {
    let world = World::new(dialect, Faults::default(), None);
    let intent = world.done(world.shown());
    let first = intent["latest_attempt"].as_str().unwrap().to_owned();
    let code = dialect.code(1, "00");
    let confirm = Command::ConfirmPaymentIntent {
        id: id(&intent),
        request: request(json!({
            "payment_method_data": {"type": "payment_code", "payment_code": {"code": code}},
        })),
    };
    let paid = world.done(confirm);
    assert_eq!(paid["status"], "succeeded", "{paid}");
    world.until("the first is called off", || world.host.called_off() > 0);
    // Where nobody has scanned it that was in vain, and what is paid by it all the same goes back.
    let scanned = world.host.scan(&code_of(&intent)).is_some();
    assert_eq!(scanned, dialect == Dialect::Alipay);
    world.until("the first is over", || {
        world.clock.advance_seconds(5);
        std::thread::sleep(Duration::from_millis(20));
        world.object(&first)["status"] == "voided"
    });
    let audit = world.expect_agreement();
    assert_eq!((audit.given_back, audit.standing, audit.taken_minor), (u64::from(scanned), 1, 10_000));
    assert_eq!(world.object(&id(&intent))["status"], "succeeded");
}

fn codes_that_customers_show_are_good_once(dialect: Dialect) {
    let world = World::new(dialect, Faults::default(), None);
    let code = dialect.code(1, "00");
    let paid = world.done(scanned(&code));
    assert_eq!(paid["status"], "succeeded", "{paid}");
    let declined = |code: &str| {
        let (status, problem) = world.answer(scanned(code));
        (status, problem["error"]["decline_code"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(declined(&code), (402, "invalid_payment_code".to_owned()));
    assert_eq!(declined(&dialect.code(1, "51")), (402, "insufficient_funds".to_owned()));
    assert_eq!(declined(&dialect.code(1, "77")), (402, "invalid_payment_code".to_owned()));
    // Codes of a wallet that no channel takes, and of none.
    let other = if dialect == Dialect::Alipay { Dialect::Wechat } else { Dialect::Alipay };
    let refused = world.answer(scanned(&other.code(1, "00"))).1.to_string();
    assert!(refused.contains(&format!("no channel takes codes of {}", other.kind())), "{refused}");
    let refused = world.answer(scanned("991234567890123400")).1.to_string();
    assert!(refused.contains("no wallet of the table") && !refused.contains("9912345"), "{refused}");
    assert_eq!(world.expect_agreement().standing, 1);
}

fn a_customer_whose_code_was_scanned_may_be_asked_first(dialect: Dialect) {
    let world = World::new(dialect, Faults::default(), None);
    let asked = world.done(scanned(&dialect.code(1, "01")));
    assert_eq!(
        (&asked["status"], &asked["next_action"]["type"]),
        (&json!("requires_action"), &json!("confirm_in_wallet")),
        "{asked}"
    );
    world.until_status(&id(&asked), "succeeded", 1);
    // Who never answers, and who refuses.
    for behaviour in ["02", "03"] {
        let unpaid = world.done(scanned(&dialect.code(1, behaviour)));
        let ended = world.until_status(&id(&unpaid), "requires_payment_method", 5);
        assert_eq!(ended["last_payment_error"]["decline_code"], "attempt_expired", "{ended}");
    }
    assert_eq!(world.expect_agreement().standing, 1);
}

fn what_cannot_be_with_a_wallet_is_refused_by_name(dialect: Dialect) {
    let world = World::new(dialect, Faults::default(), None);
    let kind = dialect.kind();
    let other = if dialect == Dialect::Alipay { "wechat_pay" } else { "alipay" };
    for (more, why) in [
        (json!({"capture_method": "manual"}), "at once"),
        (json!({"error_on_requires_action": true}), "must be there"),
        (json!({"payment_method_types": ["card"]}), "none of those"),
        (json!({"payment_method_data": {"type": other}, "payment_method_types": [other]}), "in this mode"),
        (json!({"payment_method_data": {"type": "payment_code"}}), "payment_code[code]"),
        (json!({"payment_method_data": {"type": kind, "payment_code": {"code": "1"}}}), "has no code"),
        (json!({"currency": "usd"}), "processing_error"),
        (json!({"setup_future_usage": "off_session"}), "setup_future_usage must not be given"),
    ] {
        let mut value = json!({
            "amount": 100, "currency": "cny", "confirm": true,
            "payment_method_types": [kind], "payment_method_data": {"type": kind},
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
        let channel = world.dialect.channel();
        world.runtime.spawn(async move {
            while goes_on.load(Ordering::SeqCst) {
                for order in host.trades().into_keys() {
                    for garbled in [true, false] {
                        let Some((headers, body)) = host.notification(&order, garbled) else { continue };
                        let taken = engine.notified(channel, &headers, &body).await;
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
fn whatever_the_wallet_does_nothing_is_lost_or_taken_twice(dialect: Dialect) {
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
        let world = World::new(dialect, faults, Some(customers));
        let payments = (0..240_usize).map(|number| {
            let behaviour = ["00", "01", "02", "03", "51", "77"][number / 2 % 6];
            let code = dialect.code(number as u64, behaviour);
            if number % 2 == 0 { shown(dialect) } else { scanned(&code) }
        });
        world.all(payments.collect(), 60);
        let notifier = Notifier::start(&world);
        let waiting = world.intents().into_iter().filter(|it| it["status"] == "requires_action");
        let shown_code =
            |it: &Value| it["next_action"]["display_qr_code"]["data"].as_str().map(str::to_owned);
        let paid_now = |it: &Value| shown_code(it).is_some_and(|code| world.host.scan(&code).is_some());
        let changes = waiting.enumerate().filter_map(|(number, intent)| match number % 4 {
            // Some are paid just before, which nobody knows here yet.
            0 | 1 if number % 8 < 2 && paid_now(&intent) => Some(cancel(&id(&intent))),
            0 => Some(cancel(&id(&intent))),
            1 => Some(Command::ConfirmPaymentIntent {
                id: id(&intent),
                request: request(json!({
                    "payment_method_data": {
                        "type": "payment_code", "payment_code": {"code": dialect.code(900_000 + number as u64, "00")},
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
        let audit = world.expect_agreement();
        let intents = world.intents();
        let succeeded = intents.iter().filter(|it| it["status"] == "succeeded").count();
        assert_eq!((audit.taken_minor, audit.standing), (succeeded as u128 * 10_000, succeeded as u64));
        assert!(succeeded > 5 && audit.given_back > 5, "seed {seed}: {audit:?}, {succeeded}");
        let paid = intents.iter().filter(|it| it["status"] == "succeeded").step_by(2);
        let refunds: Vec<Command> = paid.map(|it| refund(&id(it), 4_000)).collect();
        let given_back = refunds.len();
        world.all(refunds, 60);
        let began = Instant::now();
        while world.list("refund").iter().filter(|it| it["status"] == "succeeded").count() < given_back {
            assert!(began.elapsed() < 2 * SOON, "seed {seed}: refunds are open");
            world.clock.advance_seconds(120);
            std::thread::sleep(Duration::from_millis(400));
        }
        drop(notifier);
        let audit = world.expect_agreement();
        assert_eq!(audit.refunded_minor, given_back as u128 * 4_000);
    }
}

/// The customer pays in the last moment, the wallet gives it back because it was called off, that answer is lost, and then
/// comes the notification of the payment.
fn a_notification_that_comes_after_the_calling_off_books_nothing(dialect: Dialect) {
    let world = World::new(dialect, Faults::default(), None);
    let intent = world.done(world.shown());
    let order = world.host.scan(&code_of(&intent)).unwrap();
    world.done(cancel(&id(&intent)));
    let tell = || {
        let (headers, body) = world.host.notification(&order, false).unwrap();
        world.notified(&headers, &body)
    };
    assert_eq!(tell().unwrap(), dialect.taken());
    world.until_status(&id(&intent), "canceled", 5);
    assert_eq!(tell().unwrap(), dialect.taken());
    assert_eq!((world.owed(dialect.channel()), world.expect_agreement().given_back), (0, 1));
    let attempt = world.object(intent["latest_attempt"].as_str().unwrap());
    let late = &attempt["late_payment"];
    assert!(late["returned_at"].as_i64() >= late["received_at"].as_i64() && late.is_object(), "{attempt}");
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
    let world = World::new(Dialect::Alipay, Faults::default(), None);
    let (session, intent, _) = opened(&world, 0);
    let mut watch = world.engine.watch(&session).unwrap();
    let woken = world.runtime.spawn(async move { watch.changed().await });
    let order = world.host.scan(&code_of(&intent)).unwrap();
    let (headers, form) = world.host.notification(&order, false).unwrap();
    world.runtime.block_on(world.engine.notified("alipay_cn", &headers, &form)).unwrap();
    world.runtime.block_on(async { tokio::time::timeout(PATIENCE, woken).await }).unwrap().unwrap();
    assert_eq!(world.object(&session)["status"], "complete");
}

#[test]
fn a_customer_who_says_to_have_paid_has_the_wallet_asked_at_once() {
    let world = World::new(Dialect::Alipay, Faults::default(), None);
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
    let world = World::new(Dialect::Alipay, Faults::default(), None);
    // The code is good beyond the session's end.
    let (session, intent, attempt) = opened(&world, 3_500);
    world.clock.advance_seconds(100);
    world.until("the session expires", || world.object(&session)["status"] == "expired");
    assert_eq!(world.object(&id(&intent))["status"], "processing", "the wallet still has to call it off");
    let order = world.host.scan(&code_of(&intent)).unwrap();
    let (headers, form) = world.host.notification(&order, false).unwrap();
    let tell = || world.runtime.block_on(world.engine.notified("alipay_cn", &headers, &form));
    assert_eq!(tell().unwrap(), "success");
    let late = world.object(&session)["late_payment"].clone();
    assert_eq!((&late["attempt"], &late["amount"]), (&json!(attempt), &json!(10_000)), "{late}");
    world.until_status(&id(&intent), "canceled", 5);
    assert_eq!(tell().unwrap(), "success");
    let late = world.object(&session)["late_payment"].clone();
    assert!(late["returned_at"].as_i64() > late["received_at"].as_i64(), "{late}");
    assert_eq!((world.owed("alipay_cn"), world.expect_agreement().given_back), (0, 1));
}
