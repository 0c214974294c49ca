//! Payments from end to end: what is answered, booked, told and planned.

use crate::world::{CELL, Gate, NOON, World, body, call, cancel, capture, id, on_each, pay, refund, request};
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;
use suanpan_channels::card_sim::cards::CARDS;
use suanpan_engine::simulation::{Parts, Single};
use suanpan_engine::{Channels, Clock, Refused};
use suanpan_money::Timestamp;
use suanpan_payments::command::Command;
use suanpan_payments::settings::Settings;
use suanpan_store::open;

on_each!(
    a_payment_is_taken_booked_and_told,
    a_declined_payment_leaves_no_trace_in_the_books,
    money_is_set_aside_taken_in_part_and_given_back,
    a_cancellation_releases_what_was_set_aside,
    the_customer_is_asked_and_proves_it,
    a_lost_answer_is_found_out_by_an_inquiry,
    a_lost_request_ends_as_a_decline_by_an_inquiry,
    inquiries_go_on_while_the_channel_cannot_be_reached,
    an_authorization_that_nobody_captures_is_given_back,
    a_request_that_arrives_twice_is_done_once,
    a_refused_capture_and_a_refused_refund_change_no_money,
    events_are_kept_for_ninety_days_and_then_forgotten,
    events_go_to_the_endpoints_that_want_them,
);

/// The number of the card for tests with a word.
fn number(word: &str) -> String {
    CARDS.iter().find(|card| card.word == word).unwrap_or_else(|| panic!("no card {word}")).number.to_owned()
}

fn pay_by_number(word: &str, more: serde_json::Value) -> Command {
    let mut value = json!({
        "payment_method": null,
        "payment_method_data": {
            "type": "card",
            "card": {"number": number(word), "exp_month": 12, "exp_year": 2034, "cvc": "123"},
        },
    });
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    pay("", value)
}

fn a_payment_is_taken_booked_and_told(world: World) {
    let intent = world.done(pay("pm_card_visa", json!({})));
    assert_eq!((&intent["status"], &intent["amount_received"]), (&json!("succeeded"), &json!(10_000)));
    world.expect_books((10_000, 0), (9_940, 0), 60);
    assert_eq!(world.events(), ["charge.succeeded", "payment_intent.created", "payment_intent.succeeded"]);
    let charge = world.object(intent["latest_charge"].as_str().unwrap());
    assert_eq!((&charge["captured"], &charge["amount_captured"]), (&json!(true), &json!(10_000)));
    let movement = world.object(charge["balance_transaction"].as_str().unwrap());
    assert_eq!(
        (&movement["amount"], &movement["fee"], &movement["net"]),
        (&json!(10_000), &json!(60), &json!(9_940))
    );
    assert_eq!(world.jobs(), [], "nothing is left to do");
    assert_eq!(world.sent().len(), 1, "the channel was asked once");
}

fn a_declined_payment_leaves_no_trace_in_the_books(world: World) {
    let answered = world.call(None, pay("pm_card_chargeDeclinedInsufficientFunds", json!({}))).unwrap();
    assert_eq!(answered.status, 402);
    let error = &body(&answered)["error"];
    assert_eq!(
        (&error["code"], &error["decline_code"]),
        (&json!("card_declined"), &json!("insufficient_funds"))
    );
    world.expect_books((0, 0), (0, 0), 0);
    assert_eq!(world.list("payment_intent")[0]["status"], "requires_payment_method");
    assert_eq!(world.events(), ["charge.failed", "payment_intent.created", "payment_intent.payment_failed"]);
    // The same intent is paid with another card.
    let intent = id(&world.list("payment_intent")[0]);
    let confirm = json!({"payment_method": "pm_card_mastercard"});
    let paid = world.done(Command::ConfirmPaymentIntent { id: intent, request: request(confirm) });
    assert_eq!(paid["status"], "succeeded");
    world.expect_books((10_000, 0), (9_940, 0), 60);
}

fn money_is_set_aside_taken_in_part_and_given_back(world: World) {
    let intent = world.done(pay("pm_card_visa", json!({"capture_method": "manual"})));
    assert_eq!(
        (&intent["status"], &intent["amount_capturable"]),
        (&json!("requires_capture"), &json!(10_000))
    );
    world.expect_books((0, 10_000), (0, 10_000), 0);
    let too_much = world.call(None, capture(&id(&intent), json!({"amount_to_capture": 10_001})));
    assert!(matches!(too_much, Err(Refused::Rule(_))), "{too_much:?}");
    let taken = world.done(capture(&id(&intent), json!({"amount_to_capture": 7_050})));
    assert_eq!((&taken["status"], &taken["amount_received"]), (&json!("succeeded"), &json!(7_050)));
    // 0.60 % of 70.50 is 0.423.
    world.expect_books((7_050, 0), (7_008, 0), 42);
    assert_eq!(world.jobs(), [], "the authorization need not be given back any more");
    let part = world.done(refund(&id(&intent), 5_000));
    assert_eq!(part["status"], "succeeded");
    world.expect_books((2_050, 0), (2_008, 0), 42);
    let more = world.call(None, refund(&id(&intent), 2_051));
    assert!(matches!(more, Err(Refused::Rule(_))), "{more:?}");
    // The fee is kept, so the merchant owes it in the end.
    world.done(refund(&id(&intent), 2_050));
    world.expect_books((0, 0), (-42, 0), 42);
    assert_eq!(world.list("refund").len(), 2);
}

fn a_cancellation_releases_what_was_set_aside(world: World) {
    let intent = world.done(pay("pm_card_visa", json!({"capture_method": "manual"})));
    let canceled = world.done(cancel(&id(&intent)));
    assert_eq!(canceled["status"], "canceled");
    world.expect_books((0, 0), (0, 0), 0);
    assert_eq!(world.jobs(), []);
    let again = world.call(None, capture(&id(&intent), json!({})));
    assert!(matches!(again, Err(Refused::Rule(_))), "{again:?}");
    assert!(world.events().contains(&"payment_intent.canceled".to_owned()));
}

fn the_customer_is_asked_and_proves_it(world: World) {
    let authenticate = CARDS.iter().find(|card| card.id == "authenticationRequired").unwrap();
    let intent = world.done(pay(&format!("pm_card_{}", authenticate.id), json!({})));
    assert_eq!(intent["status"], "requires_action", "{intent}");
    assert!(intent["next_action"]["redirect_to_url"]["url"].as_str().unwrap().contains("/authenticate/att_"));
    world.expect_books((0, 0), (0, 0), 0);
    let attempt = id(&world.list("attempt")[0]);
    let paid = world.done(Command::Action { attempt, proven: true });
    assert_eq!(paid["status"], "succeeded");
    world.expect_books((10_000, 0), (9_940, 0), 60);
    let other = world.done(pay(&format!("pm_card_{}", authenticate.id), json!({})));
    assert_eq!(other["status"], "requires_action");
    // Both attempts were made at the same moment, so the newest is not told by the list.
    let attempt = world.object(&id(&other))["latest_attempt"].as_str().unwrap().to_owned();
    let refused = world.call(None, Command::Action { attempt, proven: false }).unwrap();
    assert_eq!(refused.status, 402);
    world.expect_books((10_000, 0), (9_940, 0), 60);
}

fn a_lost_answer_is_found_out_by_an_inquiry(world: World) {
    let intent = world.done(pay_by_number("lost_after", json!({})));
    assert_eq!(intent["status"], "processing", "unknown is not failed");
    assert_eq!(world.balances().len(), 0, "nothing is booked on a guess");
    assert_eq!(world.list("attempt")[0]["status"], "unknown");
    let canceled = world.call(None, cancel(&id(&intent)));
    assert!(matches!(canceled, Err(Refused::Rule(_))), "{canceled:?}");
    world.clock.advance_seconds(3);
    world.until_status("succeeded");
    world.expect_books((10_000, 0), (9_940, 0), 60);
    assert_eq!(world.jobs(), []);
}

fn a_lost_request_ends_as_a_decline_by_an_inquiry(world: World) {
    let intent = world.done(pay_by_number("lost_before", json!({})));
    assert_eq!(intent["status"], "processing");
    world.clock.advance_seconds(3);
    world.until_status("requires_payment_method");
    world.expect_books((0, 0), (0, 0), 0);
    assert_eq!(world.jobs(), []);
}

fn inquiries_go_on_while_the_channel_cannot_be_reached(world: World) {
    world.set_gate(Gate::Broken);
    let intent = world.done(pay("pm_card_visa", json!({})));
    assert_eq!(intent["status"], "processing");
    for (asked, wait) in (1..).zip([2, 4, 8]) {
        world.clock.advance_seconds(wait - 1);
        std::thread::sleep(std::time::Duration::from_millis(300));
        assert_eq!(world.sent().len(), asked, "the wait of {wait} s is not over");
        world.clock.advance_seconds(1);
        world.until("an inquiry", |world| world.sent().len() == asked + 1);
        world.until("its end", |world| {
            world.jobs().first().is_some_and(|job| job.due > world.clock.now().micros())
        });
    }
    world.set_gate(Gate::Open);
    world.clock.advance_seconds(16);
    // The request never arrived.
    world.until_status("requires_payment_method");
    world.expect_books((0, 0), (0, 0), 0);
}

fn an_authorization_that_nobody_captures_is_given_back(world: World) {
    let intent = world.done(pay("pm_card_visa", json!({"capture_method": "manual"})));
    world.expect_books((0, 10_000), (0, 10_000), 0);
    world.clock.advance_seconds(7 * 86_400 - 1);
    std::thread::sleep(std::time::Duration::from_millis(400));
    assert_eq!(world.object(&id(&intent))["status"], "requires_capture");
    world.clock.advance_seconds(1);
    let canceled = world.until_status("canceled");
    assert_eq!(canceled["cancellation_reason"], "automatic");
    world.expect_books((0, 0), (0, 0), 0);
    let attempt = id(&world.list("attempt")[0]);
    assert!(world.host.truth(&attempt).unwrap().voided, "at the host as well");
    assert_eq!(world.jobs(), []);
}

fn a_request_that_arrives_twice_is_done_once(world: World) {
    world.set_gate(Gate::Twice);
    let intent = world.done(pay("pm_card_visa", json!({})));
    world.done(refund(&id(&intent), 1_000));
    world.expect_books((9_000, 0), (8_940, 0), 60);
    let attempt = id(&world.list("attempt")[0]);
    assert_eq!(world.host.truth(&attempt).unwrap().arrivals, 2);
}

fn a_refused_capture_and_a_refused_refund_change_no_money(world: World) {
    let intent = world.done(pay_by_number("capture_refused", json!({"capture_method": "manual"})));
    let refused = world.call(None, capture(&id(&intent), json!({}))).unwrap();
    assert_eq!(refused.status, 402);
    world.expect_books((0, 10_000), (0, 10_000), 0);
    assert_eq!(world.object(&id(&intent))["status"], "requires_capture");
    world.done(cancel(&id(&intent)));
    world.expect_books((0, 0), (0, 0), 0);
    let intent = world.done(pay_by_number("refund_refused", json!({})));
    world.expect_books((10_000, 0), (9_940, 0), 60);
    assert_eq!(world.done(refund(&id(&intent), 4_000))["status"], "failed");
    world.expect_books((10_000, 0), (9_940, 0), 60);
}

#[test]
fn more_webhooks_than_one_commit_holds_are_written_by_several() {
    let database = open("sqlite::memory:").unwrap();
    let mut store = database.writer().unwrap();
    let held = store.acquire(CELL, "node-a", Duration::from_secs(60)).unwrap();
    let parts = Parts {
        store,
        reader: database.reader(),
        history: database.history().unwrap(),
        held,
        clock: Clock::manual(Timestamp::from_seconds(NOON)),
        settings: Settings::with_simulator([7; 32], ""),
        channels: Channels::default(),
        acknowledged: None,
    };
    let mut single = Single::load(parts).unwrap();
    let random = |number: u32| *blake3::hash(&number.to_be_bytes()).as_bytes();
    for number in 0..100 {
        let value = json!({"url": "https://example.org/hook", "enabled_events": ["*"]});
        let create = Command::CreateWebhookEndpoint { request: request(value) };
        drop(single.call(call(None, create), random(number)));
    }
    single.step().unwrap();
    // One event each, for a hundred endpoints: together more rows than a commit may have.
    let (payments, endpoints) = (700, 100);
    assert!(payments * endpoints > suanpan_store::ROWS_PER_COMMIT);
    let answers: Vec<_> = (0..payments)
        .map(|number| {
            let create = request(json!({"amount": 100, "currency": "cny"}));
            let number = u32::try_from(1_000 + number).unwrap();
            single.call(call(None, Command::CreatePaymentIntent { request: create }), random(number))
        })
        .collect();
    single.step().unwrap();
    let records: BTreeSet<u64> =
        answers.into_iter().map(|mut answer| answer.try_recv().unwrap().unwrap().receipt.seq).collect();
    assert_eq!(records.into_iter().collect::<Vec<u64>>(), [2, 3, 4]);
    assert_eq!(database.reader().sizes().unwrap().jobs, (payments * endpoints) as u64);
}

fn events_are_kept_for_ninety_days_and_then_forgotten(world: World) {
    world.done(pay("pm_card_visa", json!({})));
    let old = world.told();
    world.clock.advance_seconds(89 * 86_400);
    world.done(pay("pm_card_visa", json!({})));
    assert_eq!(world.told().len(), 2 * old.len());
    world.clock.advance_seconds(2 * 86_400);
    world.until("the first events are forgotten", |world| {
        // Wakes the writer up.
        world.balances();
        world.told().len() == old.len()
    });
    let id = |event: &serde_json::Value| event["id"].as_str().unwrap().to_owned();
    assert!(old.iter().all(|event| {
        suanpan_engine::find_event(world.engine().reader().as_ref(), &id(event)).unwrap().is_none()
    }));
}

fn events_go_to_the_endpoints_that_want_them(world: World) {
    for events in [json!(["payment_intent.succeeded"]), json!(["*"]), json!(["refund.created"])] {
        let value = json!({"url": "https://example.org/hook", "enabled_events": events});
        world.done(Command::CreateWebhookEndpoint { request: request(value) });
    }
    world.done(pay("pm_card_visa", json!({})));
    // Three events for the second, one for the first.
    let jobs = world.jobs();
    let kinds: Vec<&str> = jobs.iter().map(|job| job.kind).collect();
    assert_eq!(kinds, ["webhook"; 4], "{jobs:?}");
    let succeeded = world.told().into_iter().find(|event| event["type"] == "payment_intent.succeeded");
    let event = succeeded.unwrap();
    assert_eq!(event["pending_webhooks"], 2);
    assert_eq!(jobs.iter().filter(|job| job.id.ends_with(&id(&event))).count(), 2);
    assert_eq!(event["request"]["id"], json!(null), "the outcome came by itself");
}
