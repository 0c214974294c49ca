//! Payments over several channels: on to the next one when one does nothing, rest for those that do not answer, limits of a
//! day.

use crate::world::{Gate, World, body, id, on_each, pay};
use serde_json::{Value, json};
use suanpan_engine::Refused;
use suanpan_money::Currency;
use suanpan_payments::rejection::Rejection;
use suanpan_payments::routing::{ChannelTerms, Limit};

on_each!(
    whoever_waits_gets_the_answer_of_the_last_channel,
    an_unknown_end_is_found_out_before_another_channel_is_asked,
    a_payment_that_goes_on_keeps_its_key_over_a_restart,
    a_channel_that_is_silent_rests_and_is_tried_again,
    the_limit_of_a_day_outlives_a_restart,
);

/// Names the second channel in the settings.
pub(crate) fn with_second(world: &mut World) {
    let first = world.settings.routing.channels[0].clone();
    world.settings.routing.channels.push(ChannelTerms { name: "second".to_owned(), ..first });
    world.crash();
}

fn latest(world: &World, intent: &Value) -> Value {
    world.object(intent["latest_attempt"].as_str().unwrap())
}

fn whoever_waits_gets_the_answer_of_the_last_channel(mut world: World) {
    with_second(&mut world);
    world.set_gate(Gate::Shut);
    let answered = world.call(Some("k1"), pay("pm_card_visa", json!({}))).unwrap();
    let intent = body(&answered);
    assert_eq!((answered.status, &intent["status"]), (200, &json!("succeeded")), "{intent}");
    let attempt = latest(&world, &intent);
    assert_eq!((&attempt["channel"], &attempt["tried"]), (&json!("second"), &json!(["card_sim"])));
    let repeated = world.call(Some("k1"), pay("pm_card_visa", json!({}))).unwrap();
    assert_eq!((repeated.replayed, body(&repeated)["id"].clone()), (true, intent["id"].clone()));
    assert_eq!(world.list("attempt").len(), 2);
    let told: Vec<_> = world.events().into_iter().filter(|kind| kind.contains("failed")).collect();
    assert!(told.is_empty(), "{told:?}");
    let balances = world.balances();
    assert_eq!(balances["test/channel/second/receivable"], (10_000, 0));
    assert!(!balances.contains_key("test/channel/card_sim/receivable"), "{balances:?}");
    // The last one's decline is everybody's answer.
    let answered = world.call(Some("k2"), pay("pm_card_chargeDeclined", json!({}))).unwrap();
    assert_eq!(answered.status, 402);
    assert_eq!(body(&answered)["error"]["decline_code"], "generic_decline");
}

fn an_unknown_end_is_found_out_before_another_channel_is_asked(mut world: World) {
    with_second(&mut world);
    world.set_gate(Gate::SwallowRequest);
    world.begin(Some("k1"), pay("pm_card_visa", json!({})));
    world.until("the request is sent", |world| world.sent().len() == 1);
    world.crash();
    assert_eq!(world.list("attempt").len(), 1, "nothing is guessed");
    world.set_gate(Gate::Open);
    world.clock.advance_seconds(61);
    // The channel says that it has never heard of it; then the second one is asked.
    world.until_status("succeeded");
    let answered = world.call(Some("k1"), pay("pm_card_visa", json!({}))).unwrap();
    assert_eq!((answered.status, answered.replayed), (200, true));
    assert_eq!(latest(&world, &body(&answered))["channel"], "second");
}

fn a_payment_that_goes_on_keeps_its_key_over_a_restart(mut world: World) {
    with_second(&mut world);
    // The first channel takes its time to say that it is shut, so that many batches lie in between.
    world.set_gate(Gate::SlowShut);
    world.set_second_gate(Gate::SwallowAnswer);
    world.begin(Some("k1"), pay("pm_card_visa", json!({})));
    world.until("the second one is asked", |world| world.sent_to_second().len() == 1);
    world.crash();
    world.clock.advance_seconds(61);
    world.until_status("succeeded");
    let answered = world.call(Some("k1"), pay("pm_card_visa", json!({}))).unwrap();
    assert_eq!((answered.replayed, &body(&answered)["status"]), (true, &json!("succeeded")));
    assert_eq!((world.list("attempt").len(), world.list("payment_intent").len()), (2, 1));
}

fn a_channel_that_is_silent_rests_and_is_tried_again(mut world: World) {
    with_second(&mut world);
    world.set_gate(Gate::Shut);
    let over = |world: &World| {
        let attempt = latest(world, &world.done(pay("pm_card_visa", json!({}))));
        (attempt["channel"].as_str().unwrap().to_owned(), attempt["tried"].as_array().map_or(0, Vec::len))
    };
    for _ in 0..10 {
        assert_eq!(over(&world), ("second".to_owned(), 1));
    }
    let asked = world.sent().len();
    assert_eq!(over(&world), ("second".to_owned(), 0), "the first one rests");
    world.clock.advance_seconds(16);
    assert_eq!(over(&world), ("second".to_owned(), 1), "it is tried once");
    assert_eq!(over(&world), ("second".to_owned(), 0));
    assert_eq!(world.sent().len(), asked + 1);
    world.set_gate(Gate::Open);
    world.clock.advance_seconds(31);
    assert_eq!(over(&world), ("card_sim".to_owned(), 0), "it answers again");
    assert_eq!(over(&world), ("card_sim".to_owned(), 0));
}

fn the_limit_of_a_day_outlives_a_restart(mut world: World) {
    let limit = Limit { day_max: Some(25_000), ..Limit::default() };
    let cny = Currency::parse("CNY").unwrap();
    world.settings.routing.channels[0].limits = [(cny, limit)].into();
    world.crash();
    world.done(pay("pm_card_visa", json!({})));
    world.done(pay("pm_card_visa", json!({"capture_method": "manual"})));
    let refused = |world: &World| match world.call(None, pay("pm_card_visa", json!({}))) {
        Err(Refused::Rule(Rejection::ChannelsResting { why })) => why,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(&world), "card_sim: day_limit");
    world.crash();
    assert_eq!(refused(&world), "card_sim: day_limit");
    assert_eq!(id(&world.done(pay("pm_card_visa", json!({"amount": 5_000})))).len(), 29);
    assert_eq!(refused(&world), "card_sim: day_limit");
    // A day later what was taken is of yesterday; what is set aside since then still counts.
    world.clock.advance_seconds(86_400);
    world.done(pay("pm_card_visa", json!({})));
    assert_eq!(refused(&world), "card_sim: day_limit");
    world.crash();
    assert_eq!(refused(&world), "card_sim: day_limit");
}
