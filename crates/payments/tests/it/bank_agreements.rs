//! Agreements with bank accounts: both steps, whatever the bank says and whenever.

use crate::expect::Expect;
use crate::flows::create;
use crate::world::{World, approved, declined, lost, request};
use serde_json::{Value, json};
use suanpan_payments::command::Command;
use suanpan_payments::decision::{ChannelOutcome, JobBody, Operation};
use suanpan_payments::rejection::Rejection;
use suanpan_payments::routing::ChannelTerms;

const TOKEN: &str = "C1081421000051:EP1";

fn world() -> World {
    let mut world = World::new();
    let terms = ChannelTerms { vault: "epcc".to_owned(), ..ChannelTerms::of("epcc", &["bank_agreement"]) };
    world.settings.routing.channels.push(terms);
    world
}

fn form(customer: &str) -> Value {
    json!({
        "customer": customer, "bank": "C1081421000051", "account_number": "6217 0000 0000 0000 100",
        "account_holder_name": "张三", "id_number": "11010519491231002x", "phone": "13800138000",
    })
}

fn ask(customer: &str) -> Command {
    Command::CreateBankAgreement { request: request(form(customer)) }
}

fn confirm(id: &str) -> Command {
    Command::ConfirmBankAgreement { id: id.to_owned(), request: request(json!({"code": "123456"})) }
}

fn awaiting(world: &World) -> ChannelOutcome {
    ChannelOutcome::Awaiting { show: None, expires_at: world.now.seconds() + 300 }
}

fn signed() -> ChannelOutcome {
    ChannelOutcome::Approved { channel_id: TOKEN.to_owned(), authorization_code: None, issuer_data: None }
}

/// Asks for an agreement; returns its customer and its id.
fn asked(world: &mut World) -> (String, String) {
    let customer = world.done(&Command::CreateCustomer { request: request(json!({})) });
    let customer = customer["id"].as_str().must("an id").to_owned();
    let agreement = world.done(&ask(&customer));
    assert_eq!(
        (&agreement["status"], &agreement["last4"]),
        (&json!("processing"), &json!("0100")),
        "{agreement}"
    );
    (customer, agreement["id"].as_str().must("an id").to_owned())
}

/// One whose bank has sent its code.
fn waiting(world: &mut World) -> (String, String) {
    let (customer, id) = asked(world);
    let outcome = awaiting(world);
    world.outcome(&id, outcome);
    (customer, id)
}

#[test]
fn a_code_makes_a_method_of_an_account_that_is_then_forgotten() {
    let mut world = world();
    let (customer, id) = waiting(&mut world);
    let agreement = world.value(&id);
    assert_eq!(
        (&agreement["status"], &agreement["internal"]["token"]),
        (&json!("requires_confirmation"), &json!("sealed"))
    );
    // When its time is over the bank is asked.
    let job = &world.jobs[&format!("channel/{id}")];
    assert!(matches!(&job.body, JobBody::Inquire(ask) if ask.operation == Operation::SignUp), "{job:?}");
    assert_eq!(job.due.seconds() - world.now.seconds(), 361);
    assert_eq!(world.done(&confirm(&id))["status"], "processing");
    let sent = world.ask(&id).must("a request");
    assert_eq!(
        (sent.operation, sent.original.as_deref(), sent.authorization_code.as_deref(), sent.token.as_deref()),
        (Operation::ConfirmSignUp, Some(id.as_str()), Some("123456"), Some("sealed"))
    );
    assert_eq!((sent.reference.as_str(), sent.amount_minor), (format!("{id}-2").as_str(), 0));
    let (status, active) = world.outcome(&id, signed());
    assert_eq!((status, &active["status"]), (200, &json!("active")), "{active}");
    assert!(world.jobs.is_empty(), "{:?}", world.jobs);
    assert_eq!(world.value(&id)["internal"]["token"], "");
    let method = active["payment_method"].as_str().must("a method").to_owned();
    let made = world.value(&method);
    assert_eq!((&made["customer"], &made["type"]), (&json!(customer), &json!("bank_agreement")));
    assert_eq!(made["internal"], json!({"channel": "epcc", "token": TOKEN, "vault": "epcc"}));
    let told = world.told();
    for kind in ["bank_agreement.requires_confirmation", "bank_agreement.active", "payment_method.attached"] {
        assert!(told.contains(&kind), "{told:?}");
    }
    // It is paid by over the network that knows it.
    let paid = world.done(&create(json!({
        "amount": 500, "currency": "cny", "confirm": true, "customer": customer, "payment_method": method,
        "payment_method_types": ["bank_agreement"], "off_session": true,
    })));
    let attempt = paid["latest_attempt"].as_str().must("an attempt").to_owned();
    let sent = world.ask(&attempt).must("a request");
    assert_eq!((sent.channel.as_str(), sent.token.as_deref(), sent.capture), ("epcc", Some(TOKEN), true));
    let (_, paid) = world.outcome(paid["id"].as_str().must("an id"), approved());
    assert_eq!(paid["status"], "succeeded", "{paid}");
}

#[test]
fn what_is_not_known_is_asked_about_and_answered_once() {
    let mut world = world();
    let (_, id) = asked(&mut world);
    let first = world.ask(&id).must("a request");
    for due in [2, 4, 8] {
        let (status, agreement) = world.outcome(&id, lost());
        assert_eq!((status, &agreement["status"]), (200, &json!("processing")));
        assert_eq!(world.jobs[&format!("channel/{id}")].due.seconds() - world.now.seconds(), due);
    }
    let outcome = awaiting(&world);
    world.outcome(&id, outcome);
    world.done(&confirm(&id));
    world.outcome(&id, lost());
    let inquiry = world.ask(&id).must("an inquiry");
    assert_eq!(
        (inquiry.operation, &inquiry.authorization_code),
        (Operation::ConfirmSignUp, &None),
        "nobody keeps the code"
    );
    // What was asked before is not pending any more.
    for outcome in [declined("processing_error"), signed()] {
        let refused = world.refused(&Command::Outcome { ask: first.clone(), outcome });
        assert!(matches!(refused, Rejection::BankAgreementState { .. }), "{refused}");
    }
    world.outcome(&id, signed());
    let refused = world.refused(&Command::Outcome { ask: inquiry, outcome: declined("verification_failed") });
    assert!(matches!(refused, Rejection::BankAgreementState { status: "active", .. }), "{refused}");
    assert!(matches!(world.refused(&confirm(&id)), Rejection::BankAgreementState { .. }));
}

#[test]
fn a_customer_who_was_deleted_meanwhile_gets_no_agreement() {
    let mut world = world();
    let (customer, id) = waiting(&mut world);
    world.done(&Command::DeleteCustomer { id: customer });
    assert_eq!(world.refused(&confirm(&id)).param(), Some("customer"));
    assert!(matches!(&world.jobs[&format!("channel/{id}")].body, JobBody::Inquire(_)), "nothing was sent");
}

#[test]
fn a_wrong_code_may_be_followed_by_another_and_a_no_ends_it() {
    for (code, status) in [
        ("incorrect_verification_code", "requires_confirmation"),
        ("processing_error", "requires_confirmation"),
        ("verification_failed", "failed"),
        ("bank_account_mismatch", "failed"),
    ] {
        let mut world = world();
        let (_, id) = waiting(&mut world);
        world.done(&confirm(&id));
        let (answered, agreement) = world.outcome(&id, declined(code));
        assert_eq!(answered, 200);
        assert_eq!(
            (&agreement["status"], &agreement["last_error"]["code"]),
            (&json!(status), &json!(code)),
            "{agreement}"
        );
        let forgotten = world.value(&id)["internal"]["token"] == "";
        assert_eq!((forgotten, world.jobs.is_empty()), (status == "failed", status == "failed"));
        if status != "failed" {
            assert_eq!(world.done(&confirm(&id))["last_error"], Value::Null);
            assert_eq!(world.ask(&id).must("a request").reference, format!("{id}-3"));
        }
    }
    // The first step is over with any no.
    let mut world = world();
    let (_, id) = asked(&mut world);
    let (_, agreement) = world.outcome(&id, declined("processing_error"));
    assert_eq!(agreement["status"], "failed");
    assert!(world.told().contains(&"bank_agreement.failed"));
}

#[test]
fn a_bank_that_still_waits_after_its_time_is_asked_again() {
    let mut world = world();
    let (_, id) = waiting(&mut world);
    let until = world.now.seconds() + 300;
    world.now = world.now.plus_seconds(361);
    let told = world.told().len();
    for due in [2, 4] {
        world.outcome(&id, ChannelOutcome::Awaiting { show: None, expires_at: until });
        assert_eq!(world.jobs[&format!("channel/{id}")].due.seconds() - world.now.seconds(), due);
    }
    world.outcome(&id, lost());
    assert_eq!(
        (world.value(&id)["status"].clone(), world.told().len()),
        (json!("requires_confirmation"), told)
    );
    // The holder may have signed it at the bank in the meantime.
    let (_, agreement) = world.outcome(&id, signed());
    assert_eq!(agreement["status"], "active");
}

#[test]
fn what_cannot_be_is_refused_without_saying_what_was_given() {
    let mut world = world();
    let customer = world.done(&Command::CreateCustomer { request: request(json!({})) });
    let customer = customer["id"].as_str().must("an id").to_owned();
    for (member, value) in [
        ("bank", json!("c1081421000051")),
        ("bank", json!("C108142100005")),
        ("account_number", json!("1234567")),
        ("account_number", json!("6217x00000000")),
        ("account_holder_name", json!("")),
        ("account_holder_name", json!("张\u{7}三")),
        ("id_number", json!("110105194912310021")),
        ("phone", json!("1380013800")),
    ] {
        let mut form = form(&customer);
        form[member] = value.clone();
        let refused = world.refused(&Command::CreateBankAgreement { request: request(form) });
        assert_eq!(refused.param(), Some(member), "{refused}");
        let shown = refused.to_string();
        assert!(value.as_str().is_some_and(|it| it.is_empty() || !shown.contains(it)), "{shown}");
    }
    let strange =
        Command::ConfirmBankAgreement { id: "bagr_1".to_owned(), request: request(json!({"code": "12 34"})) };
    assert_eq!(world.refused(&strange).param(), Some("code"));
    assert!(
        !format!("{:?}", ask(&customer)).contains("6217")
            && !format!("{:?}", confirm("bagr_1")).contains("123456")
    );
    world.settings.routing.channels.clear();
    assert!(matches!(world.refused(&ask(&customer)), Rejection::ChannelMissing { .. }));
    assert!(matches!(world.refused(&ask("cus_none")), Rejection::ResourceMissing { .. }));
}
