//! The flows of payments, from the request to the books.

use crate::expect::Expect;
use crate::world::{MERCHANT, World, approved, declined, lost, request};
use serde_json::{Value, json};
use suanpan_money::Timestamp;
use suanpan_payments::command::Command;
use suanpan_payments::decision::{ChannelOutcome, JobBody};
use suanpan_payments::rejection::Rejection;

const PENDING: &str = "test/merchant/acct_test/pending";
const FEES: &str = "test/platform/fees";
const RECEIVABLE: &str = "test/channel/card_sim/receivable";

pub(crate) fn create(body: Value) -> Command {
    Command::CreatePaymentIntent { request: Box::new(request(body)) }
}

pub(crate) fn confirm(id: &str, body: Value) -> Command {
    Command::ConfirmPaymentIntent { id: id.to_owned(), request: Box::new(request(body)) }
}

pub(crate) fn capture(id: &str, body: Value) -> Command {
    Command::CapturePaymentIntent { id: id.to_owned(), request: request(body) }
}

pub(crate) fn cancel(id: &str) -> Command {
    Command::CancelPaymentIntent { id: id.to_owned(), request: request(json!({})) }
}

pub(crate) fn refund(body: Value) -> Command {
    Command::CreateRefund { request: request(body) }
}

fn id_of(value: &Value) -> String {
    value["id"].as_str().must("an id").to_owned()
}

fn card_payment(world: &mut World, amount: i64, extra: Value) -> String {
    let mut body =
        json!({"amount": amount, "currency": "cny", "confirm": true, "payment_method": "pm_card_visa"});
    if let (Value::Object(body), Value::Object(extra)) = (&mut body, extra) {
        body.extend(extra);
    }
    let intent = world.done(&create(body));
    assert_eq!(intent["status"], "processing");
    id_of(&intent)
}

#[test]
fn a_payment_in_one_call() {
    let mut world = World::new();
    let id = card_payment(&mut world, 10_000, json!({"metadata": {"order": "6735"}}));
    assert!(world.books.posted.is_empty(), "nothing is booked before the channel has answered");
    let (status, intent) = world.outcome(&id, approved());
    assert_eq!(
        (status, &intent["status"], &intent["amount_received"]),
        (200, &json!("succeeded"), &json!(10_000))
    );
    // The example of the design: 100.00 with a fee of 0.60 %.
    assert_eq!(world.books.owed(RECEIVABLE), -10_000);
    assert_eq!(world.books.owed(PENDING), 9_940);
    assert_eq!(world.books.owed(FEES), 60);
    let charge = world.value(intent["latest_charge"].as_str().must("a charge"));
    assert_eq!(
        (&charge["captured"], &charge["paid"], &charge["status"]),
        (&json!(true), &json!(true), &json!("succeeded"))
    );
    assert_eq!(charge["metadata"]["order"], "6735");
    assert_eq!(charge["payment_method_details"]["card"]["authorization_code"], "123456");
    let movement = world.value(charge["balance_transaction"].as_str().must("a movement"));
    assert_eq!(
        (&movement["amount"], &movement["fee"], &movement["net"]),
        (&json!(10_000), &json!(60), &json!(9_940))
    );
    assert_eq!(movement["source"], charge["id"]);
    assert_eq!(world.told(), ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]);
    assert!(world.jobs.is_empty());
}

#[test]
fn in_separate_calls_an_intent_waits_for_each() {
    let mut world = World::new();
    let intent = world.done(&create(json!({"amount": "2000", "currency": "USD"})));
    assert_eq!((&intent["status"], &intent["currency"]), (&json!("requires_payment_method"), &json!("usd")));
    let id = id_of(&intent);
    let secret = intent["client_secret"].as_str().must("a secret");
    assert!(secret.starts_with(&format!("{id}_secret_")));
    let missing = world.refused(&confirm(&id, json!({})));
    assert_eq!(missing, Rejection::ParameterMissing { param: "payment_method".to_owned() });
    let update = json!({"payment_method": "pm_card_visa", "amount": 2_500, "description": "two books"});
    let update = Command::UpdatePaymentIntent { id: id.clone(), request: Box::new(request(update)) };
    let intent = world.done(&update);
    assert_eq!((&intent["status"], &intent["amount"]), (&json!("requires_confirmation"), &json!(2_500)));
    let wrong = world.refused(&confirm(&id, json!({"client_secret": "pi_other"})));
    assert_eq!(wrong.code(), "resource_missing");
    world.done(&confirm(&id, json!({"client_secret": secret})));
    let ask = world.ask(world.value(&id)["latest_attempt"].as_str().must("an attempt")).must("a request");
    assert_eq!((ask.amount_minor, ask.capture, ask.token.as_deref()), (2_500, true, Some("approve")));
    let (_, intent) = world.outcome(&id, approved());
    assert_eq!(intent["status"], "succeeded");
    let late = world.refused(&update);
    assert_eq!(late.code(), "payment_intent_unexpected_state");
    let beside = json!({"metadata": {"k": "v"}});
    let beside = Command::UpdatePaymentIntent { id, request: Box::new(request(beside)) };
    assert_eq!(world.done(&beside)["metadata"]["k"], "v", "what stands beside may change at any time");
}

#[test]
fn a_part_is_captured_and_the_rest_released() {
    let mut world = World::new();
    let id = card_payment(&mut world, 10_000, json!({"capture_method": "manual"}));
    let (_, intent) = world.outcome(&id, approved());
    assert_eq!(
        (&intent["status"], &intent["amount_capturable"]),
        (&json!("requires_capture"), &json!(10_000))
    );
    assert_eq!((world.books.held(), world.books.owed(PENDING)), (10_000, 0));
    let charge = world.value(intent["latest_charge"].as_str().must("a charge"));
    assert_eq!((&charge["captured"], &charge["balance_transaction"]), (&json!(false), &Value::Null));
    let too_much = world.refused(&capture(&id, json!({"amount_to_capture": 10_001})));
    assert_eq!(too_much, Rejection::AmountTooLarge { param: "amount_to_capture".to_owned(), most: 10_000 });
    let early = world.refused(&refund(json!({"payment_intent": id})));
    assert_eq!(early.code(), "charge_not_refundable");
    let intent = world.done(&capture(&id, json!({"amount_to_capture": 5_000})));
    assert_eq!(intent["status"], "processing");
    assert_eq!(world.refused(&capture(&id, json!({}))).code(), "lock_timeout");
    assert_eq!(world.refused(&cancel(&id)).code(), "lock_timeout");
    let (_, intent) = world.outcome(&id, approved());
    assert_eq!((&intent["amount_received"], &intent["amount_capturable"]), (&json!(5_000), &json!(0)));
    assert_eq!((world.books.held(), world.books.owed(PENDING), world.books.owed(FEES)), (0, 4_970, 30));
    assert_eq!(world.refused(&capture(&id, json!({}))).code(), "payment_intent_unexpected_state");
    assert!(world.jobs.is_empty(), "the expiry is no longer planned");
}

#[test]
fn what_is_set_aside_is_released_by_a_cancellation_or_in_time() {
    for automatic in [false, true] {
        let mut world = World::new();
        let id = card_payment(&mut world, 700, json!({"capture_method": "manual"}));
        world.outcome(&id, approved());
        let job =
            world.jobs.values().find(|job| job.body.kind() == "expire_authorization").must("a plan").clone();
        assert_eq!(job.due, world.now.plus_seconds(7 * 86_400));
        if automatic {
            let JobBody::ExpireAuthorization { payment_intent, attempt, .. } = job.body else {
                panic!("{job:?}")
            };
            world.now = job.due;
            world.done(&Command::Expire { payment_intent, attempt });
        } else {
            world.done(&cancel(&id));
        }
        assert_eq!(world.books.held(), 700, "held until the channel says that it is released");
        let (_, intent) = world.outcome(&id, approved());
        assert_eq!((&intent["status"], &intent["amount_capturable"]), (&json!("canceled"), &json!(0)));
        let reason = if automatic { json!("automatic") } else { Value::Null };
        assert_eq!(intent["cancellation_reason"], reason);
        assert_eq!(world.books.held(), 0);
        let attempt = world.value(intent["latest_attempt"].as_str().must("an attempt"));
        assert_eq!(attempt["status"], if automatic { "expired" } else { "voided" });
        assert!(world.books.posted.is_empty() && world.jobs.is_empty());
        assert_eq!(world.told().last(), Some(&"payment_intent.canceled"));
    }
}

#[test]
fn a_refused_void_or_capture_leaves_the_money_set_aside() {
    for call in [cancel as fn(&str) -> Command, |id| capture(id, json!({}))] {
        let mut world = World::new();
        let id = card_payment(&mut world, 700, json!({"capture_method": "manual"}));
        world.outcome(&id, approved());
        world.done(&call(&id));
        let (status, body) = world.outcome(&id, declined("do_not_honor"));
        assert_eq!((status, &body["error"]["payment_intent"]["status"]), (402, &json!("requires_capture")));
        assert_eq!(world.books.held(), 700);
        assert!(world.jobs.values().any(|job| job.body.kind() == "expire_authorization"));
        world.done(&capture(&id, json!({})));
        let (_, intent) = world.outcome(&id, approved());
        assert_eq!(intent["status"], "succeeded", "it may be tried again, under another name at the channel");
    }
}

#[test]
fn a_decline_is_told_in_both_shapes_and_another_method_may_be_tried() {
    let mut world = World::new();
    let id = card_payment(&mut world, 700, json!({}));
    let (status, body) = world.outcome(&id, declined("insufficient_funds"));
    assert_eq!(status, 402);
    let error = &body["error"];
    assert_eq!((&error["type"], &error["code"]), (&json!("card_error"), &json!("card_declined")));
    assert_eq!(error["decline_code"], "insufficient_funds");
    assert_eq!((&body["status"], &body["code"]), (&json!(402), &json!("card_declined")));
    let intent = &error["payment_intent"];
    assert_eq!(
        (&intent["status"], &intent["payment_method"]),
        (&json!("requires_payment_method"), &Value::Null)
    );
    assert_eq!(intent["last_payment_error"]["decline_code"], "insufficient_funds");
    assert_eq!(intent["last_payment_error"]["payment_method"]["card"]["last4"], "4242");
    assert!(intent["last_payment_error"]["payment_method"].get("internal").is_none());
    let charge = world.value(error["charge"].as_str().must("a charge"));
    assert_eq!((&charge["status"], &charge["paid"]), (&json!("failed"), &json!(false)));
    assert_eq!(world.refused(&refund(json!({"payment_intent": id}))).code(), "charge_not_refundable");
    assert!(world.books.posted.is_empty() && world.jobs.is_empty());
    world.done(&confirm(&id, json!({"payment_method": "pm_card_visa"})));
    let (_, intent) = world.outcome(&id, approved());
    assert_eq!((&intent["status"], &intent["last_payment_error"]), (&json!("succeeded"), &Value::Null));
    assert_eq!(intent["attempts_made"], 2);
}

#[test]
fn an_answer_that_is_not_known_holds_everything_until_the_channel_says() {
    let mut world = World::new();
    let id = card_payment(&mut world, 700, json!({}));
    let mut waits = Vec::new();
    for _ in 0..14 {
        let (status, intent) = world.outcome(&id, lost());
        assert_eq!((status, &intent["status"]), (200, &json!("processing")));
        let job = world.jobs.values().next().must("an inquiry").clone();
        assert_eq!(job.body.kind(), "inquire");
        waits.push((job.due.micros() - world.now.micros()) / 1_000_000);
        world.now = job.due;
    }
    assert_eq!(waits[..5], [2, 4, 8, 16, 32]);
    assert_eq!(waits[13], 3_600, "the wait is bounded");
    let told = world.told().into_iter().filter(|kind| *kind == "payment_intent.processing").count();
    assert_eq!(told, 1, "told once");
    for command in [confirm(&id, json!({"payment_method": "pm_card_visa"})), cancel(&id)] {
        let refused = world.refused(&command);
        assert_eq!((refused.code(), refused.retryable()), ("lock_timeout", true));
    }
    let (_, intent) = world.outcome(&id, approved());
    assert_eq!(intent["status"], "succeeded");
    assert_eq!(world.books.owed(RECEIVABLE), -700);
}

#[test]
fn an_answer_counts_once() {
    let mut world = World::new();
    let id = card_payment(&mut world, 700, json!({}));
    let ask = world.ask(world.value(&id)["latest_attempt"].as_str().must("an attempt")).must("a request");
    world.outcome(&id, approved());
    for outcome in [approved(), declined("generic_decline"), lost(), ChannelOutcome::ActionRequired] {
        let again = world.refused(&Command::Outcome { ask: ask.clone(), outcome });
        assert_eq!(again.code(), "attempt_unexpected_state");
    }
    assert_eq!(world.books.owed(RECEIVABLE), -700);
}

#[test]
fn the_customer_proves_to_be_the_holder_or_not() {
    for proven in [true, false] {
        let mut world = World::new();
        let id = card_payment(&mut world, 700, json!({"return_url": "https://shop.example/back"}));
        let (status, intent) = world.outcome(&id, ChannelOutcome::ActionRequired);
        assert_eq!((status, &intent["status"]), (200, &json!("requires_action")));
        let redirect = &intent["next_action"]["redirect_to_url"];
        assert_eq!(redirect["return_url"], "https://shop.example/back");
        let attempt = intent["latest_attempt"].as_str().must("an attempt").to_owned();
        assert!(redirect["url"].as_str().must("a URL").starts_with("https://pay.example/authenticate/att_"));
        let (status, body) = world.answer(&Command::Action { attempt: attempt.clone(), proven });
        if proven {
            let ask = world.ask(&attempt).must("it is sent again");
            assert!(ask.authenticated);
            assert_ne!(ask.reference, attempt, "the channel would answer a name it knows as before");
            let (_, intent) = world.outcome(&id, approved());
            assert_eq!((&intent["status"], &intent["next_action"]), (&json!("succeeded"), &Value::Null));
        } else {
            assert_eq!((status, &body["error"]["code"]), (402, &json!("authentication_required")));
            assert_eq!(world.value(&id)["status"], "requires_payment_method");
        }
        let again = world.refused(&Command::Action { attempt, proven: true });
        assert_eq!(again.code(), "payment_intent_unexpected_state");
    }
}

#[test]
fn nobody_is_asked_who_is_not_there() {
    for extra in [json!({"off_session": true}), json!({"error_on_requires_action": true})] {
        let mut world = World::new();
        let id = card_payment(&mut world, 700, extra);
        let (status, body) = world.outcome(&id, ChannelOutcome::ActionRequired);
        assert_eq!((status, &body["error"]["decline_code"]), (402, &json!("authentication_required")));
    }
}

#[test]
fn a_new_confirmation_gives_up_an_attempt_that_waits_for_the_customer() {
    let mut world = World::new();
    let id = card_payment(&mut world, 700, json!({}));
    world.outcome(&id, ChannelOutcome::ActionRequired);
    let first = world.value(&id)["latest_attempt"].as_str().must("an attempt").to_owned();
    world.done(&confirm(&id, json!({})));
    assert_eq!(world.value(&first)["status"], "voided");
    let late = world.refused(&Command::Action { attempt: first, proven: true });
    assert_eq!(late.code(), "attempt_unexpected_state");
}

#[test]
fn refunds_add_up_to_what_was_captured_and_no_more() {
    let mut world = World::new();
    let id = card_payment(&mut world, 10_000, json!({}));
    world.outcome(&id, approved());
    let first = world.done(&refund(json!({"payment_intent": id, "amount": 4_000, "reason": "duplicate"})));
    assert_eq!((&first["status"], &first["amount"]), (&json!("pending"), &json!(4_000)));
    assert_eq!(world.books.held(), 4_000, "set aside until the channel has answered");
    let over = world.refused(&refund(json!({"payment_intent": id, "amount": 6_001})));
    assert_eq!(over, Rejection::RefundTooLarge { asked: 6_001, left: 6_000 });
    let (_, first) = world.outcome(&id_of(&first), approved());
    assert_eq!(first["status"], "succeeded");
    assert_eq!(world.books.owed(PENDING), 10_000 - 60 - 4_000, "the fee is kept");
    let movement = world.value(first["balance_transaction"].as_str().must("a movement"));
    assert_eq!(
        (&movement["amount"], &movement["net"], &movement["fee"]),
        (&json!(-4_000), &json!(-4_000), &json!(0))
    );
    // The whole rest, by charge; the channel refuses, so it is there again.
    let charge = first["charge"].as_str().must("a charge").to_owned();
    let second = world.done(&refund(json!({"charge": charge})));
    assert_eq!((&second["amount"], &world.value(&charge)["refunded"]), (&json!(6_000), &json!(true)));
    assert_eq!(world.refused(&refund(json!({"charge": charge}))).code(), "charge_already_refunded");
    let (status, second) = world.outcome(&id_of(&second), declined("lost_card"));
    assert_eq!((status, &second["status"]), (200, &json!("failed")));
    assert_eq!(second["failure_reason"], "lost_or_stolen_card");
    assert_eq!((world.books.held(), world.value(&charge)["amount_refunded"].as_i64()), (0, Some(4_000)));
    let third = world.done(&refund(json!({"charge": charge})));
    let (_, third) = world.outcome(&id_of(&third), lost());
    assert_eq!(third["status"], "pending");
    let (_, third) = world.outcome(&id_of(&third), approved());
    assert_eq!(third["status"], "succeeded");
    assert_eq!(world.books.owed(PENDING), -60, "all is given back but the fee, which the merchant owes");
    assert_eq!(world.books.owed(RECEIVABLE), 0);
}

#[test]
fn an_order_number_is_used_once_for_ever() {
    let mut world = World::new();
    let body = json!({"amount": 1, "currency": "cny", "merchant_order_id": "A-1"});
    let id = id_of(&world.done(&create(body.clone())));
    let taken = world.refused(&create(body.clone()));
    assert_eq!(taken, Rejection::MerchantOrderTaken { order: "A-1".to_owned(), payment_intent: id.clone() });
    world.done(&cancel(&id));
    assert_eq!(world.refused(&create(body.clone())).status(), 409, "not even after a cancellation");
    world.merchant = "acct_other".to_owned();
    world.done(&create(body.clone()));
    world.merchant = MERCHANT.to_owned();
    world.live = true;
    world.done(&create(body));
}

#[test]
fn what_is_somebody_elses_or_of_the_other_mode_does_not_exist() {
    let mut world = World::new();
    let id = card_payment(&mut world, 700, json!({"capture_method": "manual"}));
    world.outcome(&id, approved());
    let charge = world.value(&id)["latest_charge"].as_str().must("a charge").to_owned();
    let attempt = world.value(&id)["latest_attempt"].as_str().must("an attempt").to_owned();
    let customer = id_of(&world.done(&Command::CreateCustomer { request: Box::default() }));
    let card = json!({"type": "card", "card": {"token": "tok_visa"}});
    let method = world.done(&Command::CreatePaymentMethod { request: Box::new(request(card)) });
    let method = id_of(&method);
    let hook = json!({"url": "https://shop.example/hook", "enabled_events": ["*"]});
    let hook = id_of(&world.done(&Command::CreateWebhookEndpoint { request: request(hook) }));
    let commands = [
        confirm(&id, json!({})),
        capture(&id, json!({})),
        cancel(&id),
        Command::UpdatePaymentIntent { id: id.clone(), request: Box::default() },
        refund(json!({"payment_intent": id})),
        refund(json!({"charge": charge})),
        Command::Action { attempt: attempt.clone(), proven: true },
        Command::Expire { payment_intent: id.clone(), attempt },
        Command::UpdateCustomer { id: customer.clone(), request: Box::default() },
        Command::DeleteCustomer { id: customer.clone() },
        Command::UpdatePaymentMethod { id: method.clone(), request: Box::default() },
        Command::AttachPaymentMethod { id: method.clone(), request: request(json!({"customer": customer})) },
        Command::DetachPaymentMethod { id: method.clone(), request: request(json!({})) },
        Command::UpdateWebhookEndpoint { id: hook.clone(), request: request(json!({})) },
        Command::RollWebhookSecret { id: hook.clone(), request: request(json!({})) },
        Command::DeleteWebhookEndpoint { id: hook },
        create(json!({"amount": 1, "currency": "cny", "customer": customer})),
        create(json!({"amount": 1, "currency": "cny", "payment_method": method})),
    ];
    for (merchant, live) in [("acct_other", false), (MERCHANT, true)] {
        world.merchant = merchant.to_owned();
        world.live = live;
        for command in &commands {
            let refused = world.refused(command);
            assert_eq!((refused.code(), refused.status()), ("resource_missing", 404), "{command:?}");
        }
    }
}

#[test]
fn live_mode_has_no_channel_and_no_cards_for_tests() {
    let mut world = World::new();
    world.live = true;
    let body = json!({"amount": 1, "currency": "cny", "confirm": true, "payment_method": "pm_card_visa"});
    assert_eq!(world.refused(&create(body)).code(), "resource_missing");
    let card = json!({"number": "4242424242424242", "exp_month": 1, "exp_year": 30});
    let body = json!({
        "amount": 1, "currency": "cny", "confirm": true,
        "payment_method_data": {"type": "card", "card": card},
    });
    assert_eq!(world.refused(&create(body)).code(), "channel_missing");
}

#[test]
fn an_account_that_may_not_take_payments_is_refused() {
    let mut world = World::new();
    let account = world.done(&Command::CreateAccount { request: Box::default() });
    world.merchant = id_of(&account);
    let body = json!({"amount": 1, "currency": "cny", "confirm": true, "payment_method": "pm_card_visa"});
    world.done(&create(body.clone()));
    let stored = world.objects.get_mut(&world.merchant).must("the account");
    stored.body = stored.body.replace("\"charges_enabled\":true", "\"charges_enabled\":false");
    let refused = world.refused(&create(body));
    assert_eq!((refused.code(), refused.status()), ("account_restricted", 403));
}

#[test]
fn a_method_is_kept_for_later_where_the_merchant_asks_for_that() {
    let mut world = World::new();
    let customer = id_of(&world.done(&Command::CreateCustomer { request: Box::default() }));
    let extra = json!({"customer": customer, "setup_future_usage": "off_session"});
    let id = card_payment(&mut world, 700, extra);
    let (_, intent) = world.outcome(&id, approved());
    let method = intent["payment_method"].as_str().must("a method").to_owned();
    assert_eq!(world.value(&method)["customer"], customer.as_str());
    let without = json!({"amount": 1, "currency": "cny", "confirm": true, "payment_method": method});
    assert_eq!(world.refused(&create(without)).code(), "payment_method_unexpected_state");
    let extra = json!({"customer": customer, "payment_method": method, "off_session": true});
    let id = card_payment(&mut world, 800, extra);
    assert_eq!(world.outcome(&id, approved()).0, 200);
}

#[test]
fn attempts_are_bounded() {
    let mut world = World::new();
    let id = card_payment(&mut world, 700, json!({}));
    for _ in 1..100 {
        world.outcome(&id, declined("generic_decline"));
        world.done(&confirm(&id, json!({"payment_method": "pm_card_visa"})));
    }
    world.outcome(&id, declined("generic_decline"));
    assert_eq!(
        world.refused(&confirm(&id, json!({"payment_method": "pm_card_visa"}))).code(),
        "too_many_attempts"
    );
    assert!(world.now > Timestamp::default());
}
