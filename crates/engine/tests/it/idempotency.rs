//! Repeats: the same request under the same key is done once and answered alike.

use crate::world::{Gate, World, body, call, capture, id, on_each, pay, refund};
use serde_json::json;
use suanpan_engine::Refused;
use suanpan_payments::command::Command;

on_each!(
    a_repeat_is_answered_with_the_same_bytes,
    a_refusal_by_the_channel_is_repeated_too,
    another_request_under_a_used_key_is_refused,
    a_repeat_of_what_is_under_way_is_told_so,
    confirm_and_capture_of_one_intent_have_keys_of_their_own,
    an_order_number_is_used_once,
    repeats_at_the_same_moment_are_done_once,
    keys_belong_to_a_merchant_and_a_mode,
    answers_are_kept_for_a_day_and_then_forgotten,
    a_secret_is_repeated_and_kept_sealed,
);

fn a_repeat_is_answered_with_the_same_bytes(mut world: World) {
    let first = world.call(Some("k1"), pay("pm_card_visa", json!({}))).unwrap();
    assert!(!first.replayed);
    let second = world.call(Some("k1"), pay("pm_card_visa", json!({}))).unwrap();
    assert!(second.replayed);
    assert_eq!((second.status, &second.body), (first.status, &first.body));
    assert!(second.receipt.seq > first.receipt.seq, "a repeat rests on a commit of its own");
    world.crash();
    let third = world.call(Some("k1"), pay("pm_card_visa", json!({}))).unwrap();
    assert_eq!((third.replayed, &third.body), (true, &first.body));
    assert_eq!(world.list("payment_intent").len(), 1);
    world.expect_books((10_000, 0), (9_940, 0), 60);
}

fn a_refusal_by_the_channel_is_repeated_too(world: World) {
    let declined = || pay("pm_card_chargeDeclined", json!({}));
    let first = world.call(Some("k1"), declined()).unwrap();
    let second = world.call(Some("k1"), declined()).unwrap();
    assert_eq!((first.status, second.status, second.replayed), (402, 402, true));
    assert_eq!(first.body, second.body);
    assert_eq!(world.sent().len(), 1);
    // What the rules refuse is not kept: the same key may be used for the right request.
    let wrong = || Command::CreatePaymentIntent { request: crate::world::request(json!({"amount": 0})) };
    assert!(matches!(world.call(Some("k2"), wrong()), Err(Refused::Rule(_))));
    world.call(Some("k2"), pay("pm_card_visa", json!({}))).unwrap();
}

fn another_request_under_a_used_key_is_refused(world: World) {
    world.call(Some("k1"), pay("pm_card_visa", json!({}))).unwrap();
    let other = world.call(Some("k1"), pay("pm_card_visa", json!({"amount": 20_000})));
    assert_eq!(other, Err(Refused::KeyReused));
    world.expect_books((10_000, 0), (9_940, 0), 60);
}

fn a_repeat_of_what_is_under_way_is_told_so(mut world: World) {
    world.set_gate(Gate::SwallowAnswer);
    world.begin(Some("k1"), pay("pm_card_visa", json!({})));
    world.until("the request is sent", |world| !world.sent().is_empty());
    assert_eq!(world.call(Some("k1"), pay("pm_card_visa", json!({}))), Err(Refused::KeyInUse));
    world.crash();
    world.set_gate(Gate::Open);
    // Still so after a restart, until the outcome is known.
    assert_eq!(world.call(Some("k1"), pay("pm_card_visa", json!({}))), Err(Refused::KeyInUse));
    world.clock.advance_seconds(61);
    world.until_status("succeeded");
    let answered = world.call(Some("k1"), pay("pm_card_visa", json!({}))).unwrap();
    assert_eq!((answered.status, answered.replayed), (200, true));
    assert_eq!(body(&answered)["status"], "succeeded");
    world.expect_books((10_000, 0), (9_940, 0), 60);
}

fn confirm_and_capture_of_one_intent_have_keys_of_their_own(mut world: World) {
    let manual = || pay("pm_card_visa", json!({"capture_method": "manual"}));
    let intent = body(&world.call(Some("k1"), manual()).unwrap());
    // The outcome of the capture must answer the capture, also after a restart, not the confirmation.
    world.set_gate(Gate::SwallowAnswer);
    world.begin(Some("k2"), capture(&id(&intent), json!({})));
    world.until("the capture is sent", |world| world.sent().len() == 2);
    world.crash();
    world.set_gate(Gate::Open);
    world.clock.advance_seconds(61);
    world.until_status("succeeded");
    let first = world.call(Some("k1"), manual()).unwrap();
    assert_eq!((first.replayed, &body(&first)["status"]), (true, &json!("requires_capture")));
    let second = world.call(Some("k2"), capture(&id(&intent), json!({}))).unwrap();
    assert_eq!((second.replayed, &body(&second)["status"]), (true, &json!("succeeded")));
    let third = world.call(Some("k3"), refund(&id(&intent), 10_000)).unwrap();
    assert_eq!(body(&third)["status"], "succeeded");
    world.expect_books((0, 0), (-60, 0), 60);
}

fn an_order_number_is_used_once(world: World) {
    let order = || pay("pm_card_visa", json!({"merchant_order_id": "A-1"}));
    world.call(None, order()).unwrap();
    let again = world.call(None, order());
    assert!(matches!(again, Err(Refused::Rule(_))), "{again:?}");
    // Two at the same moment as well: one of them is decided before the other.
    let order = || call(None, pay("pm_card_visa", json!({"merchant_order_id": "A-2"})));
    let (one, two) = world
        .runtime()
        .block_on(async { tokio::join!(world.engine().call(order()), world.engine().call(order())) });
    assert_eq!(u8::from(one.is_ok()) + u8::from(two.is_ok()), 1, "{one:?} {two:?}");
    world.expect_books((20_000, 0), (19_880, 0), 120);
}

fn repeats_at_the_same_moment_are_done_once(world: World) {
    let same = || call(Some("k1"), pay("pm_card_visa", json!({})));
    let engine = world.engine();
    let answers = world.runtime().block_on(async {
        let (a, b, c) = tokio::join!(engine.call(same()), engine.call(same()), engine.call(same()));
        [a, b, c]
    });
    for answer in answers {
        assert!(matches!(answer, Ok(_) | Err(Refused::KeyInUse)), "{answer:?}");
    }
    assert_eq!(world.list("payment_intent").len(), 1);
    world.expect_books((10_000, 0), (9_940, 0), 60);
}

fn keys_belong_to_a_merchant_and_a_mode(world: World) {
    world.call(Some("k1"), pay("pm_card_visa", json!({}))).unwrap();
    let mut other = call(Some("k1"), pay("pm_card_visa", json!({"amount": 1})));
    other.caller.merchant = "acct_other".to_owned();
    let answered = world.runtime().block_on(world.engine().call(other)).unwrap();
    assert!(!answered.replayed);
    // A publishable key is known to everybody: what it uses up is not the server's.
    let mut browser = call(Some("k1"), pay("pm_card_visa", json!({"amount": 2})));
    browser.idempotency.as_mut().unwrap().asker = suanpan_engine::Asker::Browser;
    let answered = world.runtime().block_on(world.engine().call(browser)).unwrap();
    assert!(!answered.replayed);
}

fn a_secret_is_repeated_and_kept_sealed(mut world: World) {
    let make = || Command::CreateApiKey { request: crate::world::request(json!({})) };
    let first = world.call(Some("k1"), make()).unwrap();
    let secret = body(&first)["secret"].as_str().unwrap().to_owned();
    let kept = world.engine().reader().answers(&[("acct_m/test", "k1")]).unwrap().remove(0).unwrap();
    let (_, kept) = kept.answered.unwrap();
    assert!(!kept.windows(secret.len()).any(|part| part == secret.as_bytes()));
    world.crash();
    let second = world.call(Some("k1"), make()).unwrap();
    assert_eq!((second.replayed, &second.body), (true, &first.body));
    let hook = || Command::CreateWebhookEndpoint {
        request: crate::world::request(json!({"url": "https://example.com", "enabled_events": ["*"]})),
    };
    let first = world.call(Some("k2"), hook()).unwrap();
    let id = id(&body(&first));
    let roll = || Command::RollWebhookSecret { id: id.clone(), request: crate::world::request(json!({})) };
    let rolled = world.call(Some("k3"), roll()).unwrap();
    assert_eq!(world.call(Some("k2"), hook()).unwrap().body, first.body);
    assert_eq!(world.call(Some("k3"), roll()).unwrap().body, rolled.body);
    for key in ["k2", "k3"] {
        let kept = world.engine().reader().answers(&[("acct_m/test", key)]).unwrap().remove(0).unwrap();
        assert!(!String::from_utf8_lossy(&kept.answered.unwrap().1).contains("whsec_"), "{key}");
    }
}

fn answers_are_kept_for_a_day_and_then_forgotten(world: World) {
    let again = || world.call(Some("k1"), pay("pm_card_visa", json!({}))).unwrap();
    assert!(!again().replayed);
    world.clock.advance_seconds(23 * 3_600);
    let late = world.call(Some("k2"), pay("pm_card_visa", json!({}))).unwrap();
    assert!(again().replayed && !late.replayed);
    world.clock.advance_seconds(2 * 3_600);
    let kept = |world: &World, key| {
        // Wakes the writer up.
        world.balances();
        world.engine().reader().answers(&[("acct_m/test", key)]).unwrap()[0].is_some()
    };
    world.until("the first answer is forgotten", |world| !kept(world, "k1"));
    assert!(kept(&world, "k2"));
    assert!(!again().replayed, "the key is free again");
    world.expect_books((30_000, 0), (29_820, 0), 180);
}
