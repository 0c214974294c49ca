//! Attempts that a channel keeps open for the customer.

use crate::expect::Expect;
use crate::flows::{cancel, confirm, create};
use crate::world::{World, approved, declined, lost, request};
use serde_json::{Value, json};
use suanpan_payments::command::Command;
use suanpan_payments::decision::{ChannelAsk, ChannelOutcome, JobBody, Operation};
use suanpan_payments::rejection::Rejection;
use suanpan_payments::routing::ChannelTerms;

const EXPIRES: i64 = 900;

pub(crate) fn awaiting(world: &World, show: Option<&str>) -> ChannelOutcome {
    let expires_at = world.now.seconds() + EXPIRES;
    ChannelOutcome::Awaiting { show: show.map(str::to_owned), expires_at }
}

pub(crate) fn add_wallet(world: &mut World) {
    let terms = ChannelTerms::of("alipay_cn", &["alipay"]);
    world.settings.routing.channels.push(ChannelTerms { live: terms.test.clone(), ..terms });
}

/// A payment whose code is shown; returns intent and attempt.
fn shown(world: &mut World) -> (String, String) {
    add_wallet(world);
    let intent = world.done(&create(json!({
        "amount": 10_000, "currency": "cny", "confirm": true,
        "payment_method_types": ["alipay", "card"], "payment_method_data": {"type": "alipay"},
    })));
    let id = intent["id"].as_str().must("an id").to_owned();
    let outcome = awaiting(world, Some("https://qr.example/1"));
    let (status, intent) = world.outcome(&id, outcome);
    assert_eq!((status, &intent["status"]), (200, &json!("requires_action")), "{intent}");
    let attempt = intent["latest_attempt"].as_str().must("an attempt").to_owned();
    let secret = intent["client_secret"].as_str().must("a secret");
    let shown = json!({
        "data": "https://qr.example/1",
        "image_url_svg": format!("https://pay.example/qr/{attempt}?client_secret={secret}"),
        "expires_at": world.now.seconds() + EXPIRES,
    });
    assert_eq!(intent["next_action"], json!({"type": "display_qr_code", "display_qr_code": shown}));
    (id, attempt)
}

fn inquiry_due(world: &World, attempt: &str) -> i64 {
    world.jobs[&format!("channel/{attempt}")].due.seconds() - world.now.seconds()
}

#[test]
fn waiting_is_asked_about_often_and_once_when_it_is_over() {
    let mut world = World::new();
    let (id, attempt) = shown(&mut world);
    assert_eq!(inquiry_due(&world, &attempt), 2);
    for due in [4, 8, 10, 10] {
        // What is not known for a moment ends no waiting, and is told to nobody.
        let outcome = if due == 8 { lost() } else { awaiting(&world, None) };
        let told = world.told().len();
        world.outcome(&id, outcome);
        assert_eq!((inquiry_due(&world, &attempt), world.told().len()), (due, told));
        assert_eq!(world.value(&id)["next_action"]["type"], "display_qr_code");
        assert_eq!(world.value(&attempt)["status"], "awaiting_customer");
    }
    let ask = world.ask(&attempt).must("an inquiry");
    assert_eq!(
        (ask.operation, ask.awaiting_until),
        (Operation::Authorize, Some(world.now.seconds() + EXPIRES))
    );
    world.now = world.now.plus_seconds(EXPIRES - 3);
    world.outcome(&id, lost());
    assert_eq!(inquiry_due(&world, &attempt), 3);
    // What is not known at the end is asked about until it is: the customer may have paid.
    world.now = world.now.plus_seconds(3);
    for due in [16, 32, 64] {
        world.outcome(&id, lost());
        assert_eq!(inquiry_due(&world, &attempt), due);
    }
    let (status, intent) = world.outcome(&id, approved());
    assert_eq!((status, &intent["status"], &intent["next_action"]), (200, &json!("succeeded"), &Value::Null));
    assert!(world.jobs.is_empty(), "{:?}", world.jobs);
    assert_eq!(world.books.owed("test/merchant/acct_test/pending"), 9_940);
}

#[test]
fn time_that_is_over_is_written_down_before_it_is_called_off() {
    let mut world = World::new();
    let (id, attempt) = shown(&mut world);
    let before = world.ask(&attempt).must("an inquiry");
    let still = awaiting(&world, None);
    world.now = world.now.plus_seconds(EXPIRES);
    world.outcome(&id, still);
    let ask = world.ask(&attempt).must("a request");
    assert_eq!((ask.operation, inquiry_due(&world, &attempt)), (Operation::Void, 0));
    assert_eq!(world.value(&id)["status"], "requires_action");
    // The customer paid in the last moment, and it is told late: that money goes back by the calling off.
    let late = Command::Outcome { ask: before, outcome: approved() };
    assert!(matches!(world.refused(&late), Rejection::AttemptState { .. }));
    world.outcome(&id, lost());
    world.now = world.now.plus_seconds(2);
    let (status, problem) = world.outcome(&id, approved());
    assert_eq!(status, 402);
    assert_eq!(problem["error"]["code"], "payment_intent_payment_attempt_expired");
    assert_eq!(world.value(&id)["status"], "requires_payment_method");
    assert!(world.books.posted.is_empty() && world.jobs.is_empty());
}

#[test]
fn a_canceled_payment_is_called_off_for_good_when_it_can_be_paid_no_more() {
    let mut world = World::new();
    let (id, attempt) = shown(&mut world);
    world.done(&cancel(&id));
    world.now = world.now.plus_seconds(EXPIRES - 1);
    for _ in 0..12 {
        world.outcome(&id, lost());
    }
    assert_eq!(inquiry_due(&world, &attempt), 62);
    world.now = world.now.plus_seconds(62);
    world.outcome(&id, lost());
    assert!(inquiry_due(&world, &attempt) > 62, "whoever cannot be reached is not asked each second");
}

#[test]
fn a_code_is_good_for_one_attempt() {
    let mut world = World::new();
    add_wallet(&mut world);
    let code = json!({"type": "payment_code", "payment_code": {"code": "281234567890123400"}});
    let method = world.done(&Command::CreatePaymentMethod { request: Box::new(request(code)) });
    assert_eq!(method["payment_code"], json!({"wallet": "alipay"}));
    let method = method["id"].as_str().must("an id");
    let pay = create(json!({
        "amount": 700, "currency": "cny", "confirm": true,
        "payment_method_types": ["payment_code"], "payment_method": method,
    }));
    let intent = world.done(&pay);
    let attempt = intent["latest_attempt"].as_str().must("an attempt").to_owned();
    let ask = world.ask(&attempt).must("a request");
    assert_eq!(ask.token.as_deref(), Some("281234567890123400"));
    assert!(!format!("{ask:?}").contains("281234567890123400"), "{ask:?}");
    assert!(matches!(world.refused(&pay), Rejection::PaymentMethodState { .. }));
    world.outcome(intent["id"].as_str().must("an id"), approved());
    assert!(world.objects.values().all(|object| !object.body.contains("281234567890123400")));
}

#[test]
fn nobody_but_the_channel_ends_the_waiting() {
    let mut world = World::new();
    let (_, attempt) = shown(&mut world);
    for proven in [true, false] {
        let refused = world.refused(&Command::Action { attempt: attempt.clone(), proven });
        assert!(matches!(refused, Rejection::AttemptState { .. }), "{refused:?}");
    }
}

#[test]
fn a_cancellation_waits_until_it_is_called_off() {
    let mut world = World::new();
    let (id, attempt) = shown(&mut world);
    let before = world.ask(&attempt).must("an inquiry");
    assert_eq!(world.done(&cancel(&id))["status"], "processing");
    let ask = world.ask(&attempt).must("a request");
    assert_eq!((ask.operation, ask.original.as_deref()), (Operation::Void, Some(attempt.as_str())));
    // What was paid meanwhile comes back by the calling off, so that nothing may be booked.
    let late = Command::Outcome { ask: before, outcome: approved() };
    assert!(matches!(world.refused(&late), Rejection::AttemptState { .. }));
    for unclear in [lost(), declined("wallet_declined"), ChannelOutcome::ActionRequired] {
        world.outcome(&id, unclear);
        assert_eq!(world.value(&attempt)["status"], "awaiting_customer");
    }
    let (status, intent) = world.outcome(&id, approved());
    assert_eq!((status, &intent["status"]), (200, &json!("canceled")));
    assert_eq!(world.value(&attempt)["status"], "voided");
    assert!(world.books.posted.is_empty() && world.books.holds.is_empty() && world.jobs.is_empty());
}

#[test]
fn another_attempt_does_not_wait_for_the_first_one() {
    let mut world = World::new();
    let (id, first) = shown(&mut world);
    world.done(&confirm(&id, json!({"payment_method": "pm_card_visa"})));
    let job = &world.jobs[&format!("channel/{first}")];
    // When it can be paid no more, the channel must know: until then nothing is called off by finding nothing.
    let until = Some(world.now.seconds() + EXPIRES);
    let called_off = |ask: &ChannelAsk| (ask.operation, ask.awaiting_until) == (Operation::Void, until);
    assert!(matches!(&job.body, JobBody::Inquire(ask) if called_off(ask)), "{job:?}");
    let (status, intent) = world.outcome(&id, approved());
    assert_eq!((status, &intent["status"]), (200, &json!("succeeded")));
    let ask = world.ask(&first).must("the first is called off");
    let told = world.told().len();
    world.done(&Command::Outcome { ask, outcome: approved() });
    assert_eq!((world.told().len(), world.value(&first)["status"].clone()), (told, json!("voided")));
    assert_eq!(world.value(&id)["status"], "succeeded");
    assert_eq!(world.books.owed("test/merchant/acct_test/pending"), 9_940);
}

#[test]
fn a_changed_payment_calls_off_what_was_shown_for_the_old_one() {
    let mut world = World::new();
    let (id, first) = shown(&mut world);
    let update = Command::UpdatePaymentIntent {
        id: id.clone(),
        request: Box::new(request(json!({"amount": 20_000}))),
    };
    let intent = world.done(&update);
    assert_eq!((&intent["status"], &intent["next_action"]), (&json!("requires_confirmation"), &Value::Null));
    // A change of what stands beside the payment, and a second one of the amount, change nothing about that.
    let ask = world.ask(&first).must("the first is called off");
    world.done(&update);
    assert_eq!(world.ask(&first), Some(ask.clone()));
    world.done(&Command::Outcome { ask, outcome: approved() });
    assert_eq!(world.value(&first)["status"], "voided");
    assert_eq!(world.value(&id)["status"], "requires_confirmation");
}
