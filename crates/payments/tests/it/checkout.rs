//! Sessions of a page, which move with their payments.

use crate::expect::Expect;
use crate::flows::{cancel, confirm};
use crate::world::{World, approved, cny, declined, lost, request};
use serde_json::{Value, json};
use suanpan_payments::checkout::{Shown, shown};
use suanpan_payments::command::Command;
use suanpan_payments::decision::{ChannelOutcome, JobBody, Operation};
use suanpan_payments::rejection::Rejection;
use suanpan_payments::request::card::PaymentMethodData;
use suanpan_payments::request::checkout_session::{Expiry, PayCheckoutSession};
use suanpan_payments::routing::ChannelTerms;

const TWO_TEAS: &str = r#"[{"price_data": {"currency": "cny", "unit_amount": 4800,
    "product_data": {"name": "茉莉花茶"}}, "quantity": 2}]"#;

fn create(more: Value) -> Command {
    let items: Value = serde_json::from_str(TWO_TEAS).must("items");
    let mut body = json!({"mode": "payment", "success_url": "https://shop.example/thanks?s={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://shop.example/cart", "line_items": items});
    if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
        body.extend(more);
        body.retain(|_, value| !value.is_null());
    }
    Command::CreateCheckoutSession { request: Box::new(request(body)) }
}

fn pay(id: &str, seen: u32, method: Method) -> Command {
    let (test_card, kind) = match method {
        Method::Card(card) => (Some(card.to_owned()), None),
        Method::Kind(kind) => (None, Some(kind)),
    };
    let method = kind.map(|kind| PaymentMethodData { kind: Some(kind.to_owned()), ..Default::default() });
    let request = PayCheckoutSession {
        attempts_seen: seen,
        method,
        balance: 0,
        test_card,
        return_url: format!("https://pay.example/c/{id}"),
    };
    Command::PayCheckoutSession { id: id.to_owned(), request: Box::new(request) }
}

#[derive(Clone, Copy)]
enum Method {
    Card(&'static str),
    Kind(&'static str),
}

const VISA: Method = Method::Card("pm_card_visa");
const ALIPAY: Method = Method::Kind("alipay");

fn expire(id: &str, expiry: Expiry) -> Command {
    Command::ExpireCheckoutSession { id: id.to_owned(), request: request(json!({})), expiry }
}

/// A world with a wallet, and a session: its id and that of its intent.
fn opened() -> (World, String, String) {
    let mut world = World::new();
    let terms = ChannelTerms::of("alipay_cn", &["alipay"]);
    world.settings.routing.channels.push(ChannelTerms { currencies: [cny()].into(), ..terms });
    let session = world.done(&create(json!({})));
    let text = |name: &str| session[name].as_str().must("a text").to_owned();
    (world, text("id"), text("payment_intent"))
}

/// Shows a code for a session, and returns the attempt.
fn scan(world: &mut World, session: &str, intent: &str, expires: i64) -> String {
    let seen = world.value(intent)["attempts_made"].as_u64().must("a number");
    world.done(&pay(session, u32::try_from(seen).must("few"), ALIPAY));
    let expires_at = world.now.seconds() + expires;
    let show = Some("https://qr.example/1".to_owned());
    world.outcome(intent, ChannelOutcome::Awaiting { show, expires_at });
    world.value(intent)["latest_attempt"].as_str().must("an attempt").to_owned()
}

fn look(world: &World, session: &str, intent: &str) -> Shown {
    let read = |id: &str| world.objects[id].body.clone();
    let session = serde_json::from_str(&read(session)).must("a session");
    let intent = serde_json::from_str(&read(intent)).must("an intent");
    shown(&session, &intent, world.now.seconds())
}

/// The job that ends a session in time.
fn expiry_due(world: &World, intent: &str) -> Option<i64> {
    let job = world.jobs.get(&format!("expire_checkout/{intent}"))?;
    assert!(matches!(&job.body, JobBody::ExpireCheckoutSession { .. }));
    Some(job.due.seconds() - world.now.seconds())
}

#[test]
fn a_session_is_made_with_its_payment() {
    let (mut world, id, intent) = opened();
    let session = world.value(&id);
    assert!(id.len() >= 60, "{id} is long enough that nobody guesses it");
    for (name, want) in [
        ("object", json!("checkout.session")),
        ("amount_total", json!(9_600)),
        ("currency", json!("cny")),
        ("status", json!("open")),
        ("payment_status", json!("unpaid")),
        ("expires_at", json!(world.now.seconds() + 86_400)),
        ("payment_method_types", json!(["alipay", "card"])),
        ("url", json!(format!("https://pay.example/c/{id}"))),
    ] {
        assert_eq!(session[name], want, "{name}");
    }
    let item = &session["line_items"]["data"][0];
    assert_eq!((&item["amount_total"], &item["description"]), (&json!(9_600), &json!("茉莉花茶")));
    assert_eq!(world.value(&intent)["amount"], 9_600);
    assert_eq!((expiry_due(&world, &intent), look(&world, &id, &intent)), (Some(86_400), Shown::Choose));
    assert_eq!(world.told(), ["payment_intent.created"]);
    // Without items, and with both where they agree.
    let plain = json!({"line_items": null, "amount": 5, "currency": "usd"});
    let plain = world.done(&create(plain));
    assert_eq!(plain["payment_method_types"], json!(["card"]), "wallets take yuan");
    world.done(&create(json!({"amount": 9_600, "currency": "CNY"})));
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let (mut world, ..) = opened();
    let now = world.now.seconds();
    for (more, param) in [
        (json!({"mode": "subscription"}), "mode"),
        (json!({"success_url": null}), "success_url"),
        (json!({"success_url": "javascript:alert(1)"}), "success_url"),
        (json!({"cancel_url": "shop"}), "cancel_url"),
        (json!({"amount": 9_601}), "amount"),
        (json!({"currency": "usd"}), "currency"),
        (json!({"line_items": null}), "line_items"),
        (json!({"line_items": [{}]}), "line_items[0][price_data]"),
        (
            json!({"line_items": [{"price_data": {"currency": "cny", "unit_amount": 1}}]}),
            "line_items[0][price_data][product_data]",
        ),
        (json!({"expires_at": now + 1_799}), "expires_at"),
        (json!({"expires_at": now + 86_401}), "expires_at"),
        (json!({"locale": "<b>"}), "locale"),
        (json!({"payment_method_types": ["customer_balance"]}), "payment_method_types[0]"),
        (json!({"payment_method_types": ["card", "card"]}), "payment_method_types[1]"),
        (json!({"payment_method_types": []}), "payment_method_types"),
        (json!({"ui_mode": "embedded"}), "ui_mode"),
        (json!({"customer": "cus_nobody"}), "customer"),
        (json!({"client_reference_id": "x".repeat(201)}), "client_reference_id"),
    ] {
        let refused = world.refused(&create(more.clone()));
        assert_eq!(refused.param(), Some(param), "{more}: {refused}");
    }
    let wallet = world.refused(&create(json!({"payment_method_types": ["wechat_pay"]})));
    assert!(matches!(wallet, Rejection::ChannelMissing { .. }), "{wallet}");
    for at in [now + 1_800, now + 86_400] {
        world.done(&create(json!({"expires_at": at})));
    }
}

#[test]
fn a_payment_completes_its_session_in_the_same_decision() {
    let (mut world, id, intent) = opened();
    world.done(&pay(&id, 0, VISA));
    assert_eq!(look(&world, &id, &intent), Shown::Confirming);
    let told = world.told().len();
    world.outcome(&intent, approved());
    let session = world.value(&id);
    assert_eq!((&session["status"], &session["payment_status"]), (&json!("complete"), &json!("paid")));
    assert_eq!((&session["url"], look(&world, &id, &intent)), (&Value::Null, Shown::Paid));
    assert!(world.told()[told..].contains(&"checkout.session.completed"), "{:?}", world.told());
    assert_eq!(expiry_due(&world, &intent), None);
    assert!(matches!(world.refused(&pay(&id, 1, VISA)), Rejection::SessionState { .. }));
    assert!(matches!(world.refused(&expire(&id, Expiry::Merchant)), Rejection::SessionState { .. }));
    let late = expire(&id, Expiry::Time);
    assert_eq!(world.done(&late)["status"], "complete", "a job that comes late changes nothing");
}

#[test]
fn a_decline_leaves_the_page_open_and_one_form_begins_one_attempt() {
    let (mut world, id, intent) = opened();
    world.done(&pay(&id, 0, VISA));
    assert!(matches!(world.refused(&pay(&id, 0, VISA)), Rejection::SessionChanged));
    assert!(matches!(world.refused(&pay(&id, 1, VISA)), Rejection::InProgress { .. }));
    world.outcome(&intent, declined("insufficient_funds"));
    assert_eq!(look(&world, &id, &intent), Shown::Failed);
    assert!(matches!(world.refused(&pay(&id, 0, VISA)), Rejection::SessionChanged));
    let attempt = scan(&mut world, &id, &intent, 900);
    assert_eq!(look(&world, &id, &intent), Shown::Scan);
    world.now = world.now.plus_seconds(900);
    assert_eq!(look(&world, &id, &intent), Shown::ScanOver);
    // Another method takes the place of what is shown.
    world.done(&pay(&id, 2, VISA));
    assert_eq!(world.ask(&attempt).must("a request").operation, Operation::Void);
    world.outcome(&intent, approved());
    assert_eq!(look(&world, &id, &intent), Shown::Paid);
}

#[test]
fn only_the_page_moves_the_payment_of_a_session() {
    let (mut world, id, intent) = opened();
    let update = |body| Command::UpdatePaymentIntent { id: intent.clone(), request: Box::new(request(body)) };
    for command in [
        confirm(&intent, json!({"payment_method": "pm_card_visa"})),
        cancel(&intent),
        update(json!({"amount": 1})),
    ] {
        let refused = world.refused(&command);
        assert!(matches!(refused, Rejection::IntentOfSession { .. }), "{refused}");
    }
    world.done(&update(json!({"description": "tea"})));
    assert_eq!(look(&world, &id, &intent), Shown::Choose);
    // What cannot be paid with on a page is refused by the rules too.
    let refused = world.refused(&pay(&id, 0, Method::Kind("customer_balance")));
    assert!(
        matches!(refused, Rejection::ParameterMissing { .. } | Rejection::PaymentMethodState { .. }),
        "{refused}"
    );
}

#[test]
fn time_ends_a_session_and_its_payment() {
    let (mut world, id, intent) = opened();
    assert_eq!(world.done(&expire(&id, Expiry::Time))["status"], "open", "it is not time yet");
    assert_eq!(expiry_due(&world, &intent), Some(86_400));
    world.now = world.now.plus_seconds(86_400);
    assert_eq!(look(&world, &id, &intent), Shown::Expired, "before the job has run");
    assert!(matches!(world.refused(&pay(&id, 0, VISA)), Rejection::SessionState { .. }));
    let session = world.done(&expire(&id, Expiry::Time));
    assert_eq!((&session["status"], &session["url"]), (&json!("expired"), &Value::Null));
    let ended = world.value(&intent);
    assert_eq!((&ended["status"], &ended["cancellation_reason"]), (&json!("canceled"), &json!("expired")));
    assert!(
        world.jobs.is_empty()
            && world.told().ends_with(&["payment_intent.canceled", "checkout.session.expired"])
    );
}

#[test]
fn a_merchant_closes_a_session() {
    let (mut world, id, intent) = opened();
    assert_eq!(world.done(&expire(&id, Expiry::Merchant))["status"], "expired");
    assert_eq!((look(&world, &id, &intent), world.jobs.len()), (Shown::Closed, 0));
    assert_eq!(world.value(&intent)["cancellation_reason"], "abandoned");
}

#[test]
fn a_session_does_not_expire_while_its_payment_is_at_a_channel() {
    for (outcome, status) in [(approved(), "complete"), (declined("generic_decline"), "open")] {
        let (mut world, id, intent) = opened();
        world.done(&pay(&id, 0, VISA));
        assert!(matches!(world.refused(&expire(&id, Expiry::Merchant)), Rejection::InProgress { .. }));
        world.outcome(&intent, lost());
        world.now = world.now.plus_seconds(90_000);
        assert_eq!(world.done(&expire(&id, Expiry::Time))["status"], "open");
        assert_eq!((look(&world, &id, &intent), expiry_due(&world, &intent)), (Shown::Confirming, None));
        world.outcome(&intent, outcome);
        assert_eq!(world.value(&id)["status"], status);
        // What is not paid ends now that it is known.
        let due = expiry_due(&world, &intent);
        assert_eq!(due, (status == "open").then_some(0));
        if due.is_some() {
            assert_eq!(world.done(&expire(&id, Expiry::Time))["status"], "expired");
        }
    }
}

#[test]
fn a_late_payment_is_told_of_on_the_page_and_goes_back() {
    let (mut world, id, intent) = opened();
    world.now = world.now.plus_seconds(86_300);
    let attempt = scan(&mut world, &id, &intent, 900);
    let paid = world.ask(&attempt).must("an inquiry");
    let note = |returned| Command::LatePayment { attempt: attempt.clone(), returned };
    assert!(matches!(world.refused(&note(false)), Rejection::AttemptState { .. }), "it is wanted still");
    world.now = world.now.plus_seconds(100);
    assert_eq!(world.done(&expire(&id, Expiry::Time))["status"], "expired");
    assert_eq!(world.value(&intent)["status"], "processing");
    let ask = world.ask(&attempt).must("it is called off");
    assert_eq!(ask.operation, Operation::Void);
    // The notification of a payment in the last moment.
    let late = Command::Outcome { ask: paid, outcome: approved() };
    assert!(matches!(world.refused(&late), Rejection::AttemptState { .. }));
    world.done(&note(false));
    assert_eq!(look(&world, &id, &intent), Shown::Late);
    let now = world.now.seconds();
    let noted = json!({"attempt": attempt, "amount": 9_600, "received_at": now, "returned_at": null});
    assert_eq!(world.value(&id)["late_payment"], noted);
    world.now = world.now.plus_seconds(60);
    let told = world.told().len();
    world.done(&note(false));
    assert_eq!(world.value(&id)["late_payment"], noted, "it comes twice");
    world.done(&Command::Outcome { ask, outcome: approved() });
    assert_eq!(world.value(&id)["late_payment"]["returned_at"], now + 60);
    assert_eq!(world.told()[told..], ["payment_intent.canceled"]);
    assert!(world.books.posted.is_empty() && world.jobs.is_empty(), "{:?}", world.jobs);
    assert_eq!(look(&world, &id, &intent), Shown::Late);
    // After all of that it is the channel's word that says so.
    world.done(&note(true));
    assert_eq!(world.value(&id)["late_payment"]["returned_at"], now + 60);
}

#[test]
fn a_late_payment_stands_with_its_attempt_where_there_is_no_page() {
    let mut world = World::new();
    let terms = ChannelTerms::of("alipay_cn", &["alipay"]);
    world.settings.routing.channels.push(ChannelTerms { currencies: [cny()].into(), ..terms });
    let plain = world.done(&crate::flows::create(json!({
        "amount": 100, "currency": "cny", "confirm": true,
        "payment_method_types": ["alipay"], "payment_method_data": {"type": "alipay"},
    })));
    assert!(plain.get("checkout_session").is_none(), "what is shown of them is as before");
    let id = plain["id"].as_str().must("an id");
    let attempt = plain["latest_attempt"].as_str().must("an attempt").to_owned();
    world.outcome(id, declined("wallet_declined"));
    let mut note = |returned| {
        world.done(&Command::LatePayment { attempt: attempt.clone(), returned });
        let noted = (world.value(&attempt)["late_payment"].clone(), world.objects[&attempt].version);
        world.now = world.now.plus_seconds(10);
        noted
    };
    let (first, version) = note(false);
    let received = first["received_at"].as_i64().must("a time");
    assert_eq!(first, json!({"received_at": received, "returned_at": null}));
    assert_eq!(note(false), (first, version), "it comes twice");
    let back = json!({"received_at": received, "returned_at": received + 20});
    assert_eq!(note(true).0, back);
    assert_eq!(note(true).0, back);
}
