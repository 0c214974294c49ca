//! Payments of several sources: what the customer has with us pays a part, the payment method the rest.

use crate::expect::Expect;
use crate::flows::{cancel, capture, confirm, create, refund};
use crate::routing::payment;
use crate::wallets::{add_wallet, awaiting};
use crate::world::{World, approved, cny, declined, lost, request};
use proptest::prelude::*;
use serde_json::{Value, json};
use suanpan_payments::command::Command;
use suanpan_payments::decide::combined::shares;
use suanpan_payments::decision::ChannelOutcome;
use suanpan_payments::object::attempt::Attempt;
use suanpan_payments::object::source::RefundPolicy;
use suanpan_payments::rejection::Rejection;
use suanpan_payments::request::checkout_session::{Expiry, PayCheckoutSession};
use suanpan_payments::routing::ChannelTerms;

const PENDING: &str = "test/merchant/acct_test/pending";
const FEES: &str = "test/platform/fees";
const RECEIVABLE: &str = "test/channel/card_sim/receivable";

/// A customer who keeps 50.00 with us.
struct Customer {
    world: World,
    id: String,
    balance: String,
}

impl Customer {
    fn new() -> Customer {
        let mut world = World::new();
        let made = world.done(&Command::CreateCustomer { request: Box::new(request(json!({}))) });
        let id = text(&made, "id");
        let funding = json!({"amount": 5_000, "currency": "cny"});
        world.done(&Command::FundCashBalance { id: id.clone(), request: request(funding) });
        let balance = format!("test/customer/{id}/balance");
        Customer { world, id, balance }
    }

    /// A payment of 100.00 that is sent, of which 30.00 come from the balance.
    fn pay(&mut self, extra: Value) -> String {
        let mut body = json!({
            "amount": 10_000, "currency": "cny", "customer": self.id, "confirm": true,
            "payment_method": "pm_card_visa",
            "payment_sources": [{"type": "balance", "amount": 3_000}],
        });
        if let (Value::Object(body), Value::Object(extra)) = (&mut body, extra) {
            body.extend(extra);
        }
        let intent = self.world.done(&create(body));
        assert_eq!(intent["status"], "processing");
        text(&intent, "id")
    }

    fn attempt_of(&self, intent: &str) -> Value {
        self.world.value(self.world.value(intent)["latest_attempt"].as_str().must("an attempt"))
    }

    fn charge_of(&self, intent: &str) -> Value {
        self.world.value(self.world.value(intent)["latest_charge"].as_str().must("a charge"))
    }

    fn owed(&self) -> (i128, i128, i128, i128) {
        let owed = |path| self.world.books.owed(path);
        (owed(&self.balance), owed(PENDING), owed(FEES), owed(RECEIVABLE))
    }
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().must("a text").to_owned()
}

/// An entry of a table of requests that are refused: the sources, and the parameter at fault.
fn bad(sources: Value) -> Rejection {
    let mut customer = Customer::new();
    let body = json!({
        "amount": 10_000, "currency": "cny", "customer": customer.id, "payment_sources": sources,
    });
    customer.world.refused(&create(body))
}

#[test]
fn what_is_set_aside_is_taken_with_the_rest_in_one_commit() {
    let mut customer = Customer::new();
    let id = customer.pay(json!({}));
    let shown = json!([{"type": "balance", "amount": 3_000}, {"type": "payment_method", "amount": 7_000}]);
    assert_eq!(customer.world.value(&id)["payment_sources"], shown);
    assert_eq!((customer.world.books.held(), customer.owed()), (3_000, (5_000, 0, 0, 0)));
    let attempt = customer.attempt_of(&id);
    assert_eq!((&attempt["amount"], &attempt["legs"][0]["state"]), (&json!(7_000), &json!("held")));
    assert_eq!(
        customer.world.ask(attempt["id"].as_str().must("an id")).must("a request").amount_minor,
        7_000
    );
    let (_, intent) = customer.world.outcome(&id, approved());
    assert_eq!((&intent["status"], &intent["amount_received"]), (&json!("succeeded"), &json!(10_000)));
    assert_eq!(customer.world.books.held(), 0);
    // One fee, of all of it.
    assert_eq!(customer.owed(), (2_000, 9_940, 60, -7_000));
    let charge = customer.charge_of(&id);
    assert_eq!((&charge["amount"], &charge["amount_captured"]), (&json!(10_000), &json!(10_000)));
    assert_eq!(charge["sources"][0]["amount"], 3_000);
    assert_eq!(
        charge["sources"][1],
        json!({"type": "payment_method", "source": "card_sim", "amount": 7_000, "amount_refunded": 0})
    );
    let movement = customer.world.value(charge["balance_transaction"].as_str().must("a movement"));
    assert_eq!((&movement["amount"], &movement["net"]), (&json!(10_000), &json!(9_940)));
    assert_eq!(customer.attempt_of(&id)["legs"][0]["state"], "taken");
}

#[test]
fn what_is_set_aside_is_free_when_the_rest_is_declined() {
    let mut customer = Customer::new();
    let id = customer.pay(json!({}));
    let (status, _) = customer.world.outcome(&id, declined("insufficient_funds"));
    assert_eq!((status, customer.world.books.held(), customer.owed()), (402, 0, (5_000, 0, 0, 0)));
    assert_eq!(customer.attempt_of(&id)["legs"][0]["state"], "released");
    // It was agreed for the payment, not for the card: the next one takes the rest too.
    let again = customer.world.done(&confirm(&id, json!({"payment_method": "pm_card_visa"})));
    assert_eq!((&again["status"], customer.world.books.held()), (&json!("processing"), 3_000));
    customer.world.outcome(&id, approved());
    assert_eq!(customer.owed(), (2_000, 9_940, 60, -7_000));
}

#[test]
fn it_stays_set_aside_while_nobody_knows() {
    let mut customer = Customer::new();
    let id = customer.pay(json!({}));
    for _ in 0..3 {
        customer.world.outcome(&id, lost());
        assert_eq!((customer.world.books.held(), customer.owed()), (3_000, (5_000, 0, 0, 0)));
    }
    customer.world.outcome(&id, approved());
    assert_eq!((customer.world.books.held(), customer.owed()), (0, (2_000, 9_940, 60, -7_000)));
}

#[test]
fn it_waits_for_a_capture_and_goes_free_with_a_void() {
    for captured in [true, false] {
        let mut customer = Customer::new();
        let id = customer.pay(json!({"capture_method": "manual"}));
        let (_, intent) = customer.world.outcome(&id, approved());
        assert_eq!((&intent["amount_capturable"], customer.world.books.held()), (&json!(10_000), 10_000));
        let part = customer.world.refused(&capture(&id, json!({"amount_to_capture": 9_999})));
        assert_eq!(part.param(), Some("amount_to_capture"));
        let ending = if captured { capture(&id, json!({})) } else { cancel(&id) };
        customer.world.done(&ending);
        let attempt = text(&customer.world.value(&id), "latest_attempt");
        assert_eq!(customer.world.ask(&attempt).must("a request").amount_minor, 7_000, "only its part");
        // Refused first: it stays as it was.
        customer.world.outcome(&id, declined("do_not_honor"));
        assert_eq!(
            (&customer.world.value(&id)["amount_capturable"], customer.world.books.held()),
            (&json!(10_000), 10_000)
        );
        customer.world.done(&ending);
        customer.world.outcome(&id, approved());
        assert_eq!(customer.world.books.held(), 0);
        assert_eq!(customer.owed(), if captured { (2_000, 9_940, 60, -7_000) } else { (5_000, 0, 0, 0) });
        let received = if captured { 10_000 } else { 0 };
        assert_eq!(customer.world.value(&id)["amount_received"], received);
    }
}

#[test]
fn a_customer_who_must_act_keeps_it_set_aside_until_the_payment_is_given_up() {
    let mut customer = Customer::new();
    let id = customer.pay(json!({}));
    let (_, intent) = customer.world.outcome(&id, ChannelOutcome::ActionRequired);
    assert_eq!((&intent["status"], customer.world.books.held()), (&json!("requires_action"), 3_000));
    customer.world.done(&cancel(&id));
    assert_eq!((customer.world.books.held(), customer.owed()), (0, (5_000, 0, 0, 0)));
    assert_eq!(customer.attempt_of(&id)["legs"][0]["state"], "released");

    // Or until nobody comes back: nothing is at the channel, so time alone gives it free.
    let id = customer.pay(json!({}));
    customer.world.outcome(&id, ChannelOutcome::ActionRequired);
    let attempt = text(&customer.world.value(&id), "latest_attempt");
    let due = customer.world.jobs[&format!("expire/{attempt}")].due;
    assert_eq!(due.seconds() - customer.world.now.seconds(), 3_600);
    customer.world.now = due;
    let job = format!("expire/{attempt}");
    let expire = Command::Expire { payment_intent: id.clone(), attempt };
    assert_eq!(customer.world.answer(&expire).0, 402);
    assert_eq!(
        (customer.world.books.held(), &customer.world.value(&id)["status"]),
        (0, &json!("requires_payment_method"))
    );
    assert!(!customer.world.jobs.contains_key(&job));

    let id = customer.pay(json!({}));
    customer.world.outcome(&id, ChannelOutcome::ActionRequired);
    let attempt = text(&customer.world.value(&id), "latest_attempt");
    customer.world.answer(&Command::Action { attempt, proven: false });
    assert_eq!((customer.world.books.held(), customer.owed()), (0, (5_000, 0, 0, 0)));
}

#[test]
fn what_is_set_aside_goes_on_with_the_payment_to_the_next_channel() {
    let mut customer = Customer::new();
    let first = customer.world.settings.routing.channels[0].clone();
    let second = ChannelTerms { name: "second".to_owned(), ..first };
    customer.world.settings.routing.channels.push(second);
    let id = customer.pay(json!({}));
    let before = customer.attempt_of(&id);
    let (status, _) = customer.world.outcome(&id, declined("processing_error"));
    assert_eq!((status, customer.world.books.held()), (200, 3_000));
    let after = customer.attempt_of(&id);
    assert_eq!((&after["legs"], &after["amount"]), (&before["legs"], &json!(7_000)));
    assert_eq!(customer.world.value(&text(&before, "id")).get("legs"), None, "no hold has two owners");
    customer.world.outcome(&id, approved());
    assert_eq!((customer.world.books.held(), customer.owed().0, customer.owed().1), (0, 2_000, 9_940));
}

#[test]
fn what_a_wallet_calls_off_is_free_at_once_and_never_taken() {
    let mut customer = Customer::new();
    add_wallet(&mut customer.world);
    let code = json!({
        "payment_method": null, "payment_method_types": ["alipay", "card"], "payment_method_data": {"type": "alipay"},
    });
    let id = customer.pay(code);
    let outcome = awaiting(&customer.world, Some("https://qr.example/1"));
    customer.world.outcome(&id, outcome);
    assert_eq!(customer.world.books.held(), 3_000);
    let first = text(&customer.world.value(&id), "latest_attempt");
    customer.world.done(&confirm(&id, json!({"payment_method": "pm_card_visa"})));
    // That of the first is free, and that of the second set aside.
    assert_eq!(customer.world.books.held(), 3_000);
    assert_eq!(customer.world.value(&first)["legs"][0]["state"], "released");
    let ask = customer.world.ask(&first).must("the first is called off");
    customer.world.answer(&Command::Outcome { ask, outcome: approved() });
    assert_eq!((customer.world.books.held(), customer.owed()), (3_000, (5_000, 0, 0, 0)));
    customer.world.outcome(&id, approved());
    assert_eq!((customer.world.books.held(), customer.owed()), (0, (2_000, 9_940, 60, -7_000)));
}

#[test]
fn without_an_amount_a_source_gives_what_it_has() {
    let mut customer = Customer::new();
    let ask = |customer: &Customer, amount: i64, sources: Value| {
        create(
            json!({"amount": amount, "currency": "cny", "customer": customer.id, "payment_sources": sources}),
        )
    };
    let all = json!([{"type": "balance"}]);
    let split = customer.world.done(&ask(&customer, 8_000, all.clone()));
    assert_eq!(
        split["payment_sources"],
        json!([{"type": "balance", "amount": 5_000}, {"type": "payment_method", "amount": 3_000}])
    );
    // What is set aside for another payment is not there.
    customer.pay(json!({}));
    let split = customer.world.done(&ask(
        &customer,
        8_000,
        json!([{"type": "balance"}, {"type": "payment_method", "amount": 6_000}]),
    ));
    assert_eq!(split["payment_sources"][0]["amount"], 2_000);
    let enough = customer.world.refused(&ask(&customer, 2_000, all.clone()));
    assert_eq!(enough.param(), Some("payment_sources[0][amount]"));
    // In another currency there is nothing, so it is a payment of one source.
    let body = json!({"amount": 500, "currency": "usd", "customer": customer.id, "payment_sources": all});
    assert_eq!(customer.world.done(&create(body)).get("payment_sources"), None);
}

#[test]
fn a_split_that_cannot_be_names_the_place() {
    let table = [
        (json!([{"type": "balance", "amount": 10_000}]), "payment_sources[0][amount]"),
        (json!([{"type": "balance", "amount": 12_000}]), "payment_sources[0][amount]"),
        (json!([{"type": "balance", "amount": 0}]), "payment_sources[0][amount]"),
        (json!([{"type": "balance", "amount": -1}]), "payment_sources[0][amount]"),
        (json!([{"type": "balance", "amount": "3.5"}]), "payment_sources[0][amount]"),
        (json!([{"amount": 3_000}]), "payment_sources[0][type]"),
        (json!([{"type": "gold", "amount": 3_000}]), "payment_sources[0][type]"),
        (json!([{"type": "payment_method"}]), "payment_sources[0][type]"),
        (
            json!([{"type": "balance", "amount": 1}, {"type": "balance", "amount": 1}]),
            "payment_sources[1][type]",
        ),
        (
            json!([{"type": "balance", "amount": 1}, {"type": "payment_method", "amount": 9_998}]),
            "payment_sources[1][amount]",
        ),
        (
            json!([{"type": "payment_method", "amount": 9_999}, {"type": "balance", "amount": 1}]),
            "payment_sources[0][type]",
        ),
        (json!([{"type": "balance", "amount": 1, "card": "4"}]), "payment_sources[0][card]"),
        (json!("balance"), "payment_sources"),
        (json!(vec![json!({"type": "balance"}); 11]), "payment_sources"),
    ];
    for (sources, param) in table {
        let read = suanpan_payments::wire::read_request::<
            suanpan_payments::request::payment_intent::CreatePaymentIntent,
        >(
            json!({"amount": 10_000, "currency": "cny", "customer": "cus_1", "payment_sources": sources}),
        );
        let rejection = match read {
            Err(rejection) => rejection,
            Ok(_) => bad(sources.clone()),
        };
        assert_eq!(rejection.param(), Some(param), "{sources}: {rejection}");
    }
    let mut world = World::new();
    let body =
        json!({"amount": 10, "currency": "cny", "payment_sources": [{"type": "balance", "amount": 1}]});
    assert_eq!(world.refused(&create(body)).param(), Some("customer"));
}

/// What an attempt that waits for its customer keeps goes free when another takes its place, so it is there.
#[test]
fn what_goes_free_can_be_named_again() {
    let mut customer = Customer::new();
    let id = customer.pay(json!({"payment_sources": [{"type": "balance"}]}));
    customer.world.outcome(&id, ChannelOutcome::ActionRequired);
    assert_eq!(customer.world.books.held(), 5_000);
    let update = json!({"amount": 8_000, "payment_sources": [{"type": "balance"}]});
    let update = Command::UpdatePaymentIntent { id: id.clone(), request: Box::new(request(update)) };
    let split = customer.world.done(&update);
    assert_eq!(split["payment_sources"][0], json!({"type": "balance", "amount": 5_000}));
    assert_eq!(customer.world.books.held(), 0);
    customer.world.done(&confirm(&id, json!({"payment_method": "pm_card_visa"})));
    customer.world.outcome(&id, approved());
    assert_eq!((customer.world.books.held(), customer.owed().0, customer.owed().3), (0, 0, -3_000));
    // What is at a channel does not go free.
    let id = customer.pay(json!({"payment_sources": []}));
    let attempt = text(&customer.world.value(&id), "latest_attempt");
    let attempt: Attempt = serde_json::from_value(customer.world.value(&attempt)).must("an attempt");
    assert_eq!(attempt.held_of(&attempt.channel), 0);
}

#[test]
fn a_code_that_expires_gives_free_what_is_set_aside_beside_it() {
    let mut customer = Customer::new();
    add_wallet(&mut customer.world);
    let id = customer.pay(json!({
        "payment_method": null, "payment_method_types": ["alipay", "card"], "payment_method_data": {"type": "alipay"},
    }));
    let outcome = awaiting(&customer.world, Some("https://qr.example/1"));
    customer.world.outcome(&id, outcome.clone());
    customer.world.now = customer.world.now.plus_seconds(900);
    customer.world.outcome(&id, outcome);
    assert_eq!(customer.world.books.held(), 0, "it is called off, so whatever is paid goes back");
    customer.world.outcome(&id, approved());
    assert_eq!(
        (customer.owed(), &customer.world.value(&id)["status"]),
        ((5_000, 0, 0, 0), &json!("requires_payment_method"))
    );
}

/// Only what the channel is asked for is held against its terms.
#[test]
fn a_channel_is_chosen_for_its_part() {
    let mut customer = Customer::new();
    customer.world.settings.routing.channels[0].limits = [(cny(), payment(None, Some(7_000)))].into();
    customer.pay(json!({}));
    let refused = json!({"payment_sources": [{"type": "balance", "amount": 2_999}]});
    let body = json!({
        "amount": 10_000, "currency": "cny", "customer": customer.id, "confirm": true,
        "payment_method": "pm_card_visa", "payment_sources": refused["payment_sources"],
    });
    assert!(matches!(customer.world.refused(&create(body)), Rejection::ChannelMissing { .. }));
}

#[test]
fn a_page_takes_a_part_that_its_merchant_offers_and_that_can_be() {
    let mut customer = Customer::new();
    let session = |customer: &mut Customer, more: Value| {
        let mut body = json!({
            "amount": 10_000, "currency": "cny", "customer": customer.id, "success_url": "https://shop.example/",
        });
        body.as_object_mut().must("members").extend(more.as_object().must("members").clone());
        let made = Command::CreateCheckoutSession { request: Box::new(request(body)) };
        let made = customer.world.done(&made);
        (text(&made, "id"), text(&made, "payment_intent"))
    };
    let pay = |id: &str, seen: u32, balance: i64| {
        let request = PayCheckoutSession {
            attempts_seen: seen,
            method: None,
            balance,
            test_card: Some("pm_card_visa".to_owned()),
            return_url: "https://pay.example/".to_owned(),
        };
        Command::PayCheckoutSession { id: id.to_owned(), request: Box::new(request) }
    };
    let (closed, _) = session(&mut customer, json!({}));
    for balance in [1, 3_000, 10_000, -1] {
        assert_eq!(customer.world.refused(&pay(&closed, 0, balance)).param(), Some("balance"), "{balance}");
    }
    let (open, intent) = session(&mut customer, json!({"payment_sources": ["balance"]}));
    for (balance, param) in [
        (-1, "balance"),
        (i64::MIN, "balance"),
        (i64::MAX, "balance"),
        (10_001, "payment_sources[0][amount]"),
    ] {
        assert_eq!(customer.world.refused(&pay(&open, 0, balance)).param(), Some(param), "{balance}");
    }
    customer.world.done(&pay(&open, 0, 3_000));
    assert_eq!(customer.world.books.held(), 3_000);
    // The same form once more begins nothing.
    assert_eq!(customer.world.refused(&pay(&open, 0, 3_000)), Rejection::SessionChanged);
    customer.world.outcome(&intent, ChannelOutcome::ActionRequired);
    // The session's end gives free what is set aside.
    let expire = Command::ExpireCheckoutSession {
        id: open.clone(),
        request: request(json!({})),
        expiry: Expiry::Merchant,
    };
    customer.world.done(&expire);
    assert_eq!((customer.world.books.held(), customer.owed()), (0, (5_000, 0, 0, 0)));
}

#[test]
fn the_rest_is_never_paid_by_the_same_balance() {
    let mut customer = Customer::new();
    let body = json!({
        "amount": 10_000, "currency": "cny", "customer": customer.id, "confirm": true,
        "payment_method_types": ["customer_balance"], "payment_method_data": {"type": "customer_balance"},
        "payment_sources": [{"type": "balance", "amount": 3_000}],
    });
    assert_eq!(customer.world.refused(&create(body)).param(), Some("payment_method"));
}

#[test]
fn what_was_agreed_is_agreed_anew_when_the_payment_changes() {
    let mut customer = Customer::new();
    let body = json!({
        "amount": 10_000, "currency": "cny", "customer": customer.id,
        "payment_sources": [{"type": "balance", "amount": 3_000}],
    });
    let id = text(&customer.world.done(&create(body)), "id");
    let update =
        |body: Value| Command::UpdatePaymentIntent { id: id.clone(), request: Box::new(request(body)) };
    let alone = customer.world.refused(&update(json!({"amount": 8_000})));
    assert_eq!(alone, Rejection::ParameterMissing { param: "payment_sources".to_owned() });
    for other in [json!({"currency": "jpy"}), json!({"customer": ""})] {
        assert_eq!(customer.world.refused(&update(other)).param(), Some("payment_sources"));
    }
    let both = json!({"amount": 8_000, "payment_sources": [{"type": "balance", "amount": 1_000}]});
    assert_eq!(customer.world.done(&update(both))["payment_sources"][1]["amount"], 7_000);
    customer.world.done(&update(json!({"description": "a book"})));
    let none = customer.world.done(&update(json!({"payment_sources": []})));
    assert_eq!(none.get("payment_sources"), None);
    customer.world.done(&update(json!({"amount": 9_000})));
}

#[test]
fn a_refund_goes_back_in_reverse_order() {
    let mut customer = Customer::new();
    let id = customer.pay(json!({}));
    customer.world.outcome(&id, approved());
    // The card gave last, so it gets first.
    let first = customer.world.done(&refund(json!({"payment_intent": id, "amount": 6_000})));
    assert_eq!(first["allocation"]["policy"], "reverse");
    assert_eq!(first["allocation"]["sources"].as_array().must("a list").len(), 1);
    customer.world.outcome(&text(&first, "id"), approved());
    assert_eq!(customer.owed(), (2_000, 3_940, 60, -1_000));
    let rest = customer.world.done(&refund(json!({"payment_intent": id})));
    let ask = customer.world.ask(&text(&rest, "id")).must("a request");
    assert_eq!((ask.amount_minor, ask.channel.as_str()), (1_000, "card_sim"));
    assert_eq!(customer.world.books.held(), 4_000, "all of it is set aside, only a part is asked for");
    customer.world.outcome(&text(&rest, "id"), approved());
    assert_eq!((customer.world.books.held(), customer.owed()), (0, (5_000, -60, 60, 0)));
    let charge = customer.charge_of(&id);
    assert_eq!(
        (&charge["refunded"], &charge["sources"][0]["amount_refunded"]),
        (&json!(true), &json!(3_000))
    );
}

#[test]
fn a_refund_that_the_channel_refuses_leaves_all_sources_as_they_were() {
    let mut customer = Customer::new();
    let id = customer.pay(json!({}));
    customer.world.outcome(&id, approved());
    let before = customer.charge_of(&id);
    let made = customer
        .world
        .done(&refund(json!({"payment_intent": id, "amount": 8_000, "allocation": "proportional"})));
    assert_eq!(
        made["allocation"]["sources"]
            .as_array()
            .must("a list")
            .iter()
            .map(|part| part["amount"].clone())
            .collect::<Vec<_>>(),
        [2_400, 5_600]
    );
    assert_eq!(customer.charge_of(&id)["sources"][0]["amount_refunded"], 2_400);
    customer.world.outcome(&text(&made, "id"), lost());
    assert_eq!(customer.world.books.held(), 8_000);
    customer.world.outcome(&text(&made, "id"), declined("lost_card"));
    assert_eq!((customer.world.books.held(), customer.owed()), (0, (2_000, 9_940, 60, -7_000)));
    let after = customer.charge_of(&id);
    assert_eq!((&after["sources"], &after["amount_refunded"]), (&before["sources"], &json!(0)));
}

#[test]
fn a_part_that_only_the_balance_gets_asks_no_channel() {
    let mut customer = Customer::new();
    let id = customer.pay(json!({}));
    customer.world.outcome(&id, approved());
    let card = customer.world.done(&refund(json!({"payment_intent": id, "amount": 7_000})));
    customer.world.outcome(&text(&card, "id"), approved());
    let balance = customer.world.done(&refund(json!({"payment_intent": id, "amount": 500})));
    let ask = customer.world.ask(&text(&balance, "id")).must("what the books are asked");
    assert_eq!((ask.channel, ask.amount_minor), (format!("balance/{}", customer.id), 500));
    customer.world.outcome(&text(&balance, "id"), approved());
    assert_eq!(customer.owed(), (2_500, 2_440, 60, 0));
}

#[test]
fn nothing_goes_back_to_a_customer_who_is_deleted() {
    let mut customer = Customer::new();
    let id = customer.pay(json!({}));
    customer.world.outcome(&id, approved());
    let card = customer.world.done(&refund(json!({"payment_intent": id, "amount": 7_000})));
    customer.world.outcome(&text(&card, "id"), approved());
    customer.world.done(&Command::DeleteCustomer { id: customer.id.clone() });
    assert_eq!(customer.world.refused(&refund(json!({"payment_intent": id}))).param(), Some("customer"));
    // And nothing is set aside for a payment of theirs.
    let again = create(json!({
        "amount": 100, "currency": "cny", "customer": customer.id, "payment_sources": [{"type": "balance", "amount": 1}],
    }));
    assert_eq!(customer.world.refused(&again).param(), Some("customer"));
    // Neither where that was agreed before.
    let mut customer = Customer::new();
    let body = json!({
        "amount": 100, "currency": "cny", "customer": customer.id, "payment_sources": [{"type": "balance", "amount": 1}],
    });
    let id = text(&customer.world.done(&create(body)), "id");
    customer.world.done(&Command::DeleteCustomer { id: customer.id.clone() });
    let confirm = confirm(&id, json!({"payment_method": "pm_card_visa"}));
    assert_eq!(customer.world.refused(&confirm).param(), Some("customer"));
}

#[test]
fn only_several_sources_are_divided() {
    let mut world = World::new();
    let body = json!({"amount": 100, "currency": "cny", "confirm": true, "payment_method": "pm_card_visa"});
    let id = text(&world.done(&create(body)), "id");
    world.outcome(&id, approved());
    let one = world.refused(&refund(json!({"payment_intent": id, "allocation": "reverse"})));
    assert_eq!(one.param(), Some("allocation"));
}

#[test]
fn the_largest_remainders_get_what_is_missing() {
    for (left, amount, want) in [
        (vec![1, 1, 5], 2, vec![0, 0, 2]),
        (vec![10, 20, 70], 33, vec![3, 7, 23]),
        (vec![3_000, 7_000], 1, vec![0, 1]),
        (vec![0, 7], 7, vec![0, 7]),
        (vec![0, 0], 0, vec![0, 0]),
    ] {
        assert_eq!(shares(RefundPolicy::Proportional, &left, amount), want, "{left:?} {amount}");
    }
}

proptest! {
    #[test]
    fn shares_sum_to_the_whole_and_are_never_more_than_is_left(
        left in prop::collection::vec(0_i64..=999_999_999_999, 1..6),
        any: u64,
        proportional: bool,
    ) {
        let sum: i64 = left.iter().sum();
        let amount = i64::try_from(any % (sum.unsigned_abs() + 1)).unwrap();
        let policy = if proportional { RefundPolicy::Proportional } else { RefundPolicy::Reverse };
        let shares = shares(policy, &left, amount);
        prop_assert_eq!(shares.iter().sum::<i64>(), amount);
        for (share, left) in shares.iter().zip(&left) {
            prop_assert!((0..=*left).contains(share));
            if proportional && sum > 0 {
                // Within one unit of the exact share.
                let exact = i128::from(*left) * i128::from(amount);
                let off = (i128::from(*share) * i128::from(sum) - exact).abs();
                prop_assert!(off < i128::from(sum));
            }
        }
        if !proportional {
            // Who is asked later has given all before anybody earlier gives.
            let first = shares.iter().position(|share| *share > 0).unwrap_or(shares.len());
            prop_assert!((first + 1..shares.len()).all(|at| shares[at] == left[at]));
        }
    }
}
