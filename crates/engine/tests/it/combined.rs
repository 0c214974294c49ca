//! Payments of several sources, over restarts at each point between what is set aside, what is asked, and what is booked.

use crate::balance::{customer, fund, kept};
use crate::routing::with_second;
use crate::world::{Gate, World, body, cancel, capture, id, on_each, pay, refund, request};
use serde_json::{Value, json};
use suanpan_engine::Refused;
use suanpan_payments::command::Command;
use suanpan_payments::rejection::Rejection;

on_each!(
    all_sources_are_taken_by_one_commit,
    what_is_not_covered_is_refused_and_nothing_asked,
    two_payments_at_once_never_spend_the_same_money,
    it_is_set_aside_while_a_killed_request_is_asked_about,
    a_capture_and_a_void_end_it_over_restarts,
    it_goes_on_to_the_next_channel_over_a_restart,
    a_refund_is_divided_and_asked_for_over_a_restart,
    another_attempt_takes_what_the_first_one_gives_free,
    nobody_comes_back_and_an_hour_later_it_is_free,
    a_customer_is_not_deleted_while_money_is_on_its_way_back,
);

/// A payment of 100.00, of which 30.00 come out of the customer's balance.
fn pay_combined(customer: &str, card: &str, more: Value) -> Command {
    let mut value = json!({"customer": customer, "payment_sources": [{"type": "balance", "amount": 3_000}]});
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    pay(card, value)
}

/// A customer with 50.00.
fn payer(world: &World) -> String {
    let customer = customer(world);
    fund(world, &customer, 5_000);
    customer
}

/// Checks all accounts, posted and held: what the customer has, what the channel and the merchant have, our fees.
#[track_caller]
fn expect(world: &World, customer: &str, kept_now: (i128, u64), channel: (i128, u64), merchant: (i128, u64)) {
    let balances = world.balances();
    let of = |path: &str| balances.get(path).copied().unwrap_or_default();
    assert_eq!(kept(world, customer), kept_now, "the customer");
    assert_eq!(of("test/channel/card_sim/receivable"), channel, "the channel");
    assert_eq!(of("test/merchant/acct_m/pending"), merchant, "the merchant");
    let sums: i128 = ["test/bank/simulated/safeguarding", "test/channel/card_sim/receivable"]
        .map(|path| of(path).0)
        .iter()
        .sum();
    assert_eq!(sums, kept_now.0 + merchant.0 + of("test/platform/fees").0, "what we have we owe");
    let cny = suanpan_money::Currency::parse("CNY").unwrap();
    let truth = world.host.totals().get(&cny).copied().unwrap_or_default();
    let owed = i128::try_from(truth.captured_minor).unwrap() - i128::try_from(truth.refunded_minor).unwrap();
    assert_eq!(owed, channel.0, "the host's own truth");
}

fn records(world: &World) -> u64 {
    world.engine().reader().standing().unwrap().unwrap().head.seq
}

fn all_sources_are_taken_by_one_commit(world: World) {
    let customer = payer(&world);
    let before = records(&world);
    let intent = world.done(pay_combined(&customer, "pm_card_visa", json!({})));
    assert_eq!((&intent["status"], &intent["amount_received"]), (&json!("succeeded"), &json!(10_000)));
    // One before the channel is asked, one after.
    assert_eq!(records(&world), before + 2);
    expect(&world, &customer, (2_000, 0), (7_000, 0), (9_940, 0));
    let declined = world.call(
        None,
        pay_combined(&customer, "pm_card_chargeDeclined", json!({"payment_sources": [{"type": "balance"}]})),
    );
    assert_eq!(declined.unwrap().status, 402);
    expect(&world, &customer, (2_000, 0), (7_000, 0), (9_940, 0));
}

fn what_is_not_covered_is_refused_and_nothing_asked(world: World) {
    let customer = payer(&world);
    let more = json!({"payment_sources": [{"type": "balance", "amount": 5_001}]});
    let refused = world.call(Some("k1"), pay_combined(&customer, "pm_card_visa", more.clone())).unwrap_err();
    assert_eq!(refused, Refused::Rule(Rejection::SourceShort { kind: "balance" }));
    assert_eq!((world.sent().len(), world.list("payment_intent").len(), world.jobs().len()), (0, 0, 0));
    expect(&world, &customer, (5_000, 0), (0, 0), (0, 0));
    // With one cent more the same is done.
    fund(&world, &customer, 1);
    let answered = world.call(Some("k1"), pay_combined(&customer, "pm_card_visa", more)).unwrap();
    assert_eq!(body(&answered)["status"], "succeeded");
    expect(&world, &customer, (0, 0), (4_999, 0), (9_940, 0));
}

fn two_payments_at_once_never_spend_the_same_money(world: World) {
    let customer = payer(&world);
    world.set_gate(Gate::Slow);
    let pays = (0..4).map(|at| {
        let (engine, command) = (
            world.engine().clone(),
            pay_combined(&customer, "pm_card_visa", json!({"metadata": {"at": at.to_string()}})),
        );
        world.runtime().spawn(async move { engine.call(crate::world::call(None, command)).await })
    });
    let pays: Vec<_> = pays.collect();
    let answers = pays.into_iter().map(|pay| world.runtime().block_on(pay).unwrap());
    let (paid, short): (Vec<_>, Vec<_>) = answers.partition(Result::is_ok);
    assert_eq!((paid.len(), short.len()), (1, 3), "50.00 are there, and each takes 30.00");
    expect(&world, &customer, (2_000, 0), (7_000, 0), (9_940, 0));
}

/// Restarts while the request that `begin` makes has no answer, and lets the jobs be found.
fn restart_at(world: &mut World, gate: Gate, begin: impl FnOnce(&World)) {
    world.set_gate(gate);
    let requests = world.sent().len() + 1;
    begin(world);
    world.until("the request is sent", |world| world.sent().len() == requests);
    world.crash();
    world.set_gate(Gate::Open);
}

fn it_is_set_aside_while_a_killed_request_is_asked_about(mut world: World) {
    for (gate, taken) in [(Gate::SwallowRequest, false), (Gate::SwallowAnswer, true)] {
        let customer = payer(&world);
        let begin = |world: &World| world.begin(None, pay_combined(&customer, "pm_card_visa", json!({})));
        restart_at(&mut world, gate, begin);
        assert_eq!(kept(&world, &customer), (5_000, 3_000), "whoever is killed finds it set aside");
        world.clock.advance_seconds(61);
        let status = if taken { "succeeded" } else { "requires_payment_method" };
        world.until_status(status);
        assert_eq!(kept(&world, &customer), (if taken { 2_000 } else { 5_000 }, 0));
    }
    assert_eq!(world.balances()["test/merchant/acct_m/pending"], (9_940, 0));
    assert_eq!(world.balances()["test/channel/card_sim/receivable"], (7_000, 0));
}

fn a_capture_and_a_void_end_it_over_restarts(mut world: World) {
    for captured in [true, false] {
        let customer = payer(&world);
        let intent =
            id(&world.done(pay_combined(&customer, "pm_card_visa", json!({"capture_method": "manual"}))));
        assert_eq!(kept(&world, &customer), (5_000, 3_000));
        let command = || if captured { capture(&intent, json!({})) } else { cancel(&intent) };
        restart_at(&mut world, Gate::SwallowRequest, |world| world.begin(None, command()));
        world.clock.advance_seconds(61);
        world.until_status("requires_capture");
        assert_eq!(kept(&world, &customer), (5_000, 3_000));
        restart_at(&mut world, Gate::SwallowAnswer, |world| world.begin(None, command()));
        world.clock.advance_seconds(61);
        world.until_status(if captured { "succeeded" } else { "canceled" });
        assert_eq!(kept(&world, &customer), (if captured { 2_000 } else { 5_000 }, 0));
    }
    assert_eq!(world.balances()["test/merchant/acct_m/pending"], (9_940, 0));
    assert_eq!(world.balances()["test/channel/card_sim/receivable"], (7_000, 0));
}

fn it_goes_on_to_the_next_channel_over_a_restart(mut world: World) {
    with_second(&mut world);
    let customer = payer(&world);
    world.set_gate(Gate::SlowShut);
    world.set_second_gate(Gate::SwallowAnswer);
    world.begin(None, pay_combined(&customer, "pm_card_visa", json!({})));
    world.until("the second is asked", |world| world.sent_to_second().len() == 1);
    world.crash();
    world.set_second_gate(Gate::Open);
    assert_eq!(kept(&world, &customer), (5_000, 3_000));
    world.clock.advance_seconds(61);
    world.until_status("succeeded");
    assert_eq!(kept(&world, &customer), (2_000, 0));
    assert_eq!(world.balances()["test/channel/second/receivable"], (7_000, 0));
}

fn a_refund_is_divided_and_asked_for_over_a_restart(mut world: World) {
    let customer = payer(&world);
    let intent = id(&world.done(pay_combined(&customer, "pm_card_visa", json!({}))));
    let both = json!({"payment_intent": intent, "amount": 5_000, "allocation": "proportional"});
    let both = Command::CreateRefund { request: request(both) };
    restart_at(&mut world, Gate::SwallowAnswer, |world| world.begin(None, both));
    expect_refunding(&world, &customer);
    world.clock.advance_seconds(61);
    world.until("it is given back", |world| world.list("refund")[0]["status"] == "succeeded");
    expect(&world, &customer, (3_500, 0), (3_500, 0), (4_940, 0));
    // What is left of the card first, then of the balance: in one refund.
    let before = records(&world);
    let rest = world.done(refund(&intent, 5_000));
    assert_eq!((&rest["status"], records(&world)), (&json!("succeeded"), before + 2));
    expect(&world, &customer, (5_000, 0), (0, 0), (-60, 0));
    // What only a balance gets is one commit.
    let intent = id(&world.done(pay_combined(&customer, "pm_card_visa", json!({}))));
    world.done(refund(&intent, 7_000));
    let before = records(&world);
    assert_eq!(world.done(refund(&intent, 3_000))["status"], "succeeded");
    assert_eq!(records(&world), before + 1);
    expect(&world, &customer, (5_000, 0), (0, 0), (-120, 0));
}

/// All that is there is set aside for the first; the second needs it.
fn another_attempt_takes_what_the_first_one_gives_free(world: World) {
    let customer = payer(&world);
    let all = json!({"payment_sources": [{"type": "balance"}]});
    let intent = world.done(pay_combined(&customer, "pm_card_threeDSecure2Required", all));
    assert_eq!((&intent["status"], kept(&world, &customer)), (&json!("requires_action"), (5_000, 5_000)));
    let again = request(json!({"payment_method": "pm_card_visa"}));
    let confirm = Command::ConfirmPaymentIntent { id: id(&intent), request: Box::new(again) };
    assert_eq!(world.done(confirm)["status"], "succeeded");
    expect(&world, &customer, (0, 0), (5_000, 0), (9_940, 0));
}

fn nobody_comes_back_and_an_hour_later_it_is_free(mut world: World) {
    let customer = payer(&world);
    world.done(pay_combined(&customer, "pm_card_threeDSecure2Required", json!({})));
    world.crash();
    assert_eq!(kept(&world, &customer), (5_000, 3_000));
    world.clock.advance_seconds(3_601);
    world.until_status("requires_payment_method");
    expect(&world, &customer, (5_000, 0), (0, 0), (0, 0));
    world.until("nothing is left to do", |world| world.jobs().is_empty());
}

fn expect_refunding(world: &World, customer: &str) {
    assert_eq!(kept(world, customer), (2_000, 1_500), "what comes is set aside as well");
    assert_eq!(world.balances()["test/merchant/acct_m/pending"], (9_940, 5_000));
}

fn a_customer_is_not_deleted_while_money_is_on_its_way_back(mut world: World) {
    let customer = customer(&world);
    fund(&world, &customer, 3_000);
    let intent = id(&world.done(pay_combined(&customer, "pm_card_visa", json!({}))));
    let back = || refund(&intent, 10_000);
    restart_at(&mut world, Gate::SwallowAnswer, |world| world.begin(None, back()));
    assert_eq!(kept(&world, &customer), (0, 3_000), "there is nothing but what comes");
    let delete = || Command::DeleteCustomer { id: customer.clone() };
    let refused = world.call(None, delete()).unwrap_err();
    assert!(matches!(refused, Refused::Rule(Rejection::CustomerBalance { .. })), "{refused}");
    world.clock.advance_seconds(61);
    world.until("it is given back", |world| world.list("refund")[0]["status"] == "succeeded");
    expect(&world, &customer, (3_000, 0), (0, 0), (-60, 0));
}
