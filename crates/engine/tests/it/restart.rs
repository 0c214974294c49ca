//! Restarts between the two commits around a request to a channel: never done twice, never forgotten.

use crate::world::{Gate, World, body, cancel, capture, id, on_each, pay, refund};
use serde_json::json;

on_each!(
    before_an_authorization_is_sent,
    after_an_authorization_was_sent,
    around_a_capture,
    around_a_void,
    around_a_refund,
    a_plan_for_later_is_kept,
    a_late_outcome_after_its_inquiry_changes_nothing,
);

/// Restarts while requests sent through `gate` have no answer, and lets the jobs be found.
fn restart_at(world: &mut World, gate: Gate, requests: usize, begin: impl FnOnce(&World)) {
    world.set_gate(gate);
    begin(world);
    world.until("the request is sent", |world| world.sent().len() == requests);
    world.crash();
    world.set_gate(Gate::Open);
    assert_eq!(world.sent().len(), requests, "not asked before anybody can still be at it");
    world.clock.advance_seconds(61);
}

fn inquiries(world: &World) -> usize {
    world.sent().iter().filter(|sent| sent.contains("inquire")).count()
}

fn before_an_authorization_is_sent(mut world: World) {
    let begin = |world: &World| world.begin(Some("k1"), pay("pm_card_visa", json!({})));
    restart_at(&mut world, Gate::SwallowRequest, 1, begin);
    world.until_status("requires_payment_method");
    assert_eq!(inquiries(&world), 1, "asked about, not sent again");
    world.expect_books((0, 0), (0, 0), 0);
    let answered = world.call(Some("k1"), pay("pm_card_visa", json!({}))).unwrap();
    assert_eq!((answered.status, answered.replayed), (402, true));
}

fn after_an_authorization_was_sent(mut world: World) {
    let begin = |world: &World| world.begin(Some("k1"), pay("pm_card_visa", json!({})));
    restart_at(&mut world, Gate::SwallowAnswer, 1, begin);
    world.until_status("succeeded");
    assert_eq!(inquiries(&world), 1);
    world.expect_books((10_000, 0), (9_940, 0), 60);
    let answered = world.call(Some("k1"), pay("pm_card_visa", json!({}))).unwrap();
    assert_eq!((answered.replayed, &body(&answered)["status"]), (true, &json!("succeeded")));
}

fn around_a_capture(mut world: World) {
    let intent = id(&world.done(pay("pm_card_visa", json!({"capture_method": "manual"}))));
    let begin = |world: &World| world.begin(None, capture(&intent, json!({"amount_to_capture": 4_000})));
    restart_at(&mut world, Gate::SwallowRequest, 2, begin);
    world.until_status("requires_capture");
    world.expect_books((0, 10_000), (0, 10_000), 0);
    let begin = |world: &World| world.begin(None, capture(&intent, json!({"amount_to_capture": 4_000})));
    restart_at(&mut world, Gate::SwallowAnswer, 4, begin);
    world.until_status("succeeded");
    world.expect_books((4_000, 0), (3_976, 0), 24);
}

fn around_a_void(mut world: World) {
    let intent = id(&world.done(pay("pm_card_visa", json!({"capture_method": "manual"}))));
    restart_at(&mut world, Gate::SwallowAnswer, 2, |world| world.begin(None, cancel(&intent)));
    world.until_status("canceled");
    world.expect_books((0, 0), (0, 0), 0);
}

fn around_a_refund(mut world: World) {
    let intent = id(&world.done(pay("pm_card_visa", json!({}))));
    restart_at(&mut world, Gate::SwallowRequest, 2, |world| world.begin(None, refund(&intent, 1_000)));
    world.until("the refund failed", |world| world.list("refund")[0]["status"] == "failed");
    world.expect_books((10_000, 0), (9_940, 0), 60);
    restart_at(&mut world, Gate::SwallowAnswer, 4, |world| world.begin(None, refund(&intent, 1_000)));
    world.until("the refund succeeded", |world| {
        world.list("refund").iter().any(|refund| refund["status"] == "succeeded")
    });
    world.expect_books((9_000, 0), (8_940, 0), 60);
}

fn a_plan_for_later_is_kept(mut world: World) {
    world.done(pay("pm_card_visa", json!({"capture_method": "manual"})));
    world.crash();
    world.clock.advance_seconds(7 * 86_400);
    world.until_status("canceled");
    world.expect_books((0, 0), (0, 0), 0);
}

fn a_late_outcome_after_its_inquiry_changes_nothing(world: World) {
    world.set_gate(Gate::SwallowAnswer);
    world.begin(Some("k1"), pay("pm_card_visa", json!({})));
    world.until("the request is sent", |world| world.sent().len() == 1);
    world.set_gate(Gate::Open);
    // The job is due although this process is still waiting for its answer: it must not be asked about twice at
    // once, so nothing happens until the wait of 20 seconds is over.
    world.clock.advance_seconds(61);
    std::thread::sleep(std::time::Duration::from_millis(600));
    assert_eq!(world.sent().len(), 1, "still under way in this process");
}
