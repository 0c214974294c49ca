//! Payments out of what a customer keeps with us: the books alone decide, and all is in one commit.

use crate::world::{World, body, capture, id, on_each, pay, refund, request};
use serde_json::{Value, json};
use suanpan_engine::Refused;
use suanpan_payments::command::Command;

on_each!(
    a_payment_out_of_a_balance_is_one_commit,
    a_balance_that_is_too_small_declines_and_is_not_touched,
    what_is_set_aside_of_a_balance_cannot_be_spent_twice,
    a_repeat_is_answered_as_before_and_takes_nothing,
    a_balance_needs_its_customer_and_is_attached_to_none,
    a_customer_who_is_deleted_has_no_money_and_pays_nothing,
    an_authorization_of_a_balance_ends_by_itself_after_seven_days,
);

pub(crate) fn customer(world: &World) -> String {
    id(&world.done(Command::CreateCustomer { request: request(json!({"name": "Li"})) }))
}

pub(crate) fn fund(world: &World, customer: &str, amount: i64) -> Value {
    let request = request(json!({"amount": amount, "currency": "cny"}));
    world.done(Command::FundCashBalance { id: customer.to_owned(), request })
}

fn pay_by_balance(customer: Option<&str>, more: Value) -> Command {
    let mut value = json!({
        "customer": customer,
        "payment_method": null,
        "payment_method_data": {"type": "customer_balance"},
        "payment_method_types": ["customer_balance"],
    });
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    pay("", value)
}

/// Posted and held of the customer's account; nothing when there is none.
pub(crate) fn kept(world: &World, customer: &str) -> (i128, u64) {
    world.balances().get(&format!("test/customer/{customer}/balance")).copied().unwrap_or_default()
}

fn records(world: &World) -> u64 {
    world.engine().reader().standing().unwrap().unwrap().head.seq
}

fn a_payment_out_of_a_balance_is_one_commit(world: World) {
    let customer = customer(&world);
    let funded = fund(&world, &customer, 25_000);
    assert_eq!((&funded["net_amount"], &funded["type"]), (&json!(25_000), &json!("funded")));
    let before = records(&world);
    let intent = world.done(pay_by_balance(Some(&customer), json!({})));
    assert_eq!(records(&world), before + 1);
    assert_eq!((&intent["status"], &intent["amount_received"]), (&json!("succeeded"), &json!(10_000)));
    assert_eq!(kept(&world, &customer), (15_000, 0));
    let balances = world.balances();
    assert_eq!(balances["test/merchant/acct_m/pending"], (9_940, 0));
    assert_eq!(balances["test/platform/fees"], (60, 0));
    assert_eq!(balances["test/bank/simulated/safeguarding"], (25_000, 0));
    let charge = world.object(intent["latest_charge"].as_str().unwrap());
    assert_eq!(charge["payment_method_details"], json!({"customer_balance": {}, "type": "customer_balance"}));
    let method = world.object(intent["payment_method"].as_str().unwrap());
    assert_eq!(
        (&method["type"], &method["customer_balance"], method.get("card")),
        (&json!("customer_balance"), &json!({}), None)
    );
    assert_eq!(
        world.events(),
        [
            "charge.succeeded",
            "customer.created",
            "customer_cash_balance_transaction.created",
            "payment_intent.created",
            "payment_intent.succeeded"
        ]
    );
    assert_eq!(world.jobs(), [], "nobody is asked");
    assert!(world.sent().is_empty());
    // What goes back, goes back to where it came from; our fee is kept.
    let before = records(&world);
    let refund = world.done(refund(&id(&intent), 4_000));
    assert_eq!((&refund["status"], records(&world)), (&json!("succeeded"), before + 1));
    assert_eq!(kept(&world, &customer), (19_000, 0));
    assert_eq!(world.balances()["test/merchant/acct_m/pending"], (5_940, 0));
    assert_eq!(world.jobs(), []);
}

fn a_balance_that_is_too_small_declines_and_is_not_touched(world: World) {
    let customer = customer(&world);
    // Of another customer, who has enough.
    fund(&world, &self::customer(&world), 1_000_000);
    fund(&world, &customer, 9_999);
    // One who never had anything leaves no account behind.
    let accounts = || world.runtime().block_on(world.engine().query(|book| book.accounts_len())).unwrap().0;
    let (before, poor) = (accounts(), self::customer(&world));
    assert_eq!(world.call(None, pay_by_balance(Some(&poor), json!({}))).unwrap().status, 402);
    assert_eq!(accounts(), before);
    let answered = world.call(None, pay_by_balance(Some(&customer), json!({}))).unwrap();
    let error = &body(&answered)["error"];
    assert_eq!(
        (answered.status, &error["code"], &error["decline_code"]),
        (402, &json!("card_declined"), &json!("insufficient_funds"))
    );
    let intent = &error["payment_intent"];
    assert_eq!(intent["status"], "requires_payment_method");
    assert_eq!(kept(&world, &customer), (9_999, 0));
    assert_eq!(world.jobs(), []);
    fund(&world, &customer, 1);
    let request = request(json!({"payment_method_data": {"type": "customer_balance"}}));
    let confirm = Command::ConfirmPaymentIntent { id: id(intent), request: Box::new(request) };
    assert_eq!(world.done(confirm)["status"], "succeeded");
    assert_eq!(kept(&world, &customer), (0, 0));
}

fn what_is_set_aside_of_a_balance_cannot_be_spent_twice(world: World) {
    let customer = customer(&world);
    fund(&world, &customer, 15_000);
    let manual = json!({"capture_method": "manual"});
    let first = world.done(pay_by_balance(Some(&customer), manual.clone()));
    assert_eq!((&first["status"], &first["amount_capturable"]), (&json!("requires_capture"), &json!(10_000)));
    assert_eq!(kept(&world, &customer), (15_000, 10_000));
    let second = world.call(None, pay_by_balance(Some(&customer), manual)).unwrap();
    assert_eq!(second.status, 402, "5,000 are left");
    let taken = world.done(capture(&id(&first), json!({"amount_to_capture": 7_000})));
    assert_eq!((&taken["status"], &taken["amount_received"]), (&json!("succeeded"), &json!(7_000)));
    assert_eq!(kept(&world, &customer), (8_000, 0), "the rest is released");
    let third =
        world.done(pay_by_balance(Some(&customer), json!({"amount": 8_000, "capture_method": "manual"})));
    let released = world.done(crate::world::cancel(&id(&third)));
    assert_eq!(released["status"], "canceled");
    assert_eq!(kept(&world, &customer), (8_000, 0));
    assert_eq!(world.jobs(), []);
    assert!(world.sent().is_empty());
}

fn a_repeat_is_answered_as_before_and_takes_nothing(world: World) {
    let customer = customer(&world);
    fund(&world, &customer, 25_000);
    let first = world.call(Some("order-1"), pay_by_balance(Some(&customer), json!({}))).unwrap();
    let again = world.call(Some("order-1"), pay_by_balance(Some(&customer), json!({}))).unwrap();
    assert!(!first.replayed && again.replayed);
    assert_eq!((first.status, &first.body), (again.status, &again.body));
    assert_eq!(kept(&world, &customer), (15_000, 0));
    assert_eq!(world.list("payment_intent").len(), 1);
}

fn a_balance_needs_its_customer_and_is_attached_to_none(world: World) {
    let refused = world.call(None, pay_by_balance(None, json!({}))).unwrap_err();
    assert!(refused.to_string().contains("customer"), "{refused}");
    let customer = customer(&world);
    let made = Command::CreatePaymentMethod { request: request(json!({"type": "customer_balance"})) };
    let method = id(&world.done(made));
    let attach =
        Command::AttachPaymentMethod { id: method.clone(), request: request(json!({"customer": customer})) };
    let refused = world.call(None, attach).unwrap_err();
    assert!(refused.to_string().contains("balance"), "{refused}");
    fund(&world, &customer, 10_000);
    let paid =
        world.done(pay(&method, json!({"customer": customer, "payment_method_types": ["customer_balance"]})));
    assert_eq!(paid["status"], "succeeded");
    // A method of cards only does not take it.
    fund(&world, &customer, 10_000);
    assert!(world.call(None, pay(&method, json!({"customer": customer}))).is_err());
    assert_eq!(kept(&world, &customer), (10_000, 0));
}

fn a_customer_who_is_deleted_has_no_money_and_pays_nothing(world: World) {
    let customer = customer(&world);
    let intent = world.done(Command::CreatePaymentIntent {
        request: request(json!({
            "amount": 100, "currency": "cny", "customer": customer, "payment_method_types": ["customer_balance"],
        })),
    });
    fund(&world, &customer, 100);
    let delete = || Command::DeleteCustomer { id: customer.clone() };
    let refused = world.call(None, delete()).unwrap_err();
    let Refused::Rule(rejection) = &refused else { panic!("{refused}") };
    assert_eq!(rejection.code(), "customer_balance_not_zero");
    assert_eq!(kept(&world, &customer), (100, 0));
    let paid = world.done(pay_by_balance(Some(&customer), json!({"amount": 100})));
    assert_eq!(paid["status"], "succeeded");
    assert_eq!(world.done(delete())["deleted"], true);
    let confirm = Command::ConfirmPaymentIntent {
        id: id(&intent),
        request: Box::new(request(json!({"payment_method_data": {"type": "customer_balance"}}))),
    };
    let refused = world.call(None, confirm).unwrap_err();
    let Refused::Rule(rejection) = &refused else { panic!("{refused}") };
    assert_eq!(rejection.code(), "resource_missing");
}

fn an_authorization_of_a_balance_ends_by_itself_after_seven_days(world: World) {
    let customer = customer(&world);
    fund(&world, &customer, 10_000);
    world.done(pay_by_balance(Some(&customer), json!({"capture_method": "manual"})));
    assert_eq!(kept(&world, &customer), (10_000, 10_000));
    world.clock.advance_seconds(7 * 86_400 + 1);
    let ended = world.until_status("canceled");
    assert_eq!(ended["cancellation_reason"], "automatic");
    assert_eq!(kept(&world, &customer), (10_000, 0));
    world.until("nothing is left to do", |world| world.jobs().is_empty());
}
