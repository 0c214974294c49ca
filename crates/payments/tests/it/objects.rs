//! Customers, methods, endpoints, accounts, keys, events: made, changed, shown.

use crate::expect::Expect;
use crate::world::{MERCHANT, World, cny, request};
use serde_json::{Value, json};
use suanpan_money::Timestamp;
use suanpan_payments::command::Command;
use suanpan_payments::decision::{EventDraft, ObjectKind};
use suanpan_payments::link;
use suanpan_payments::object::api_key::{ApiKey, digest};
use suanpan_payments::object::balance::{Standing, balance};
use suanpan_payments::object::event::{EventFrame, RequestOf, event_body};
use suanpan_payments::object::list::{list, search_result};
use suanpan_payments::object::webhook_endpoint::WebhookEndpoint;
use suanpan_payments::object::{api_view, changed_members};

fn id_of(value: &Value) -> String {
    value["id"].as_str().must("an id").to_owned()
}

fn customer(world: &mut World, body: Value) -> Value {
    world.done(&Command::CreateCustomer { request: Box::new(request(body)) })
}

#[test]
fn customers_are_made_changed_and_deleted() {
    let mut world = World::new();
    let made = customer(
        &mut world,
        json!({"name": "Li Lei", "email": "li@shop.example", "metadata": {"a": "1", "b": "2"},
               "address": {"city": "Suzhou", "country": "CN"}}),
    );
    let id = id_of(&made);
    assert_eq!((&made["address"]["city"], &made["object"]), (&json!("Suzhou"), &json!("customer")));
    let change = json!({"name": "", "email": "lei@shop.example", "metadata": {"a": "", "c": "3"}});
    let change = Command::UpdateCustomer { id: id.clone(), request: Box::new(request(change)) };
    let changed = world.done(&change);
    assert_eq!((&changed["name"], &changed["metadata"]), (&Value::Null, &json!({"b": "2", "c": "3"})));
    let event = world.events.last().must("an event");
    let previous: Value = serde_json::from_str(event.previous.as_deref().must("previous")).must("JSON");
    let expected = json!({"name": "Li Lei", "email": "li@shop.example", "metadata": {"a": "1", "c": null}});
    assert_eq!((event.kind, previous), ("customer.updated", expected));
    let events = world.events.len();
    world.done(&change);
    assert_eq!(world.events.len(), events, "a change that changes nothing is not told");
    let gone = world.done(&Command::DeleteCustomer { id: id.clone() });
    assert_eq!(gone, json!({"id": id, "object": "customer", "deleted": true}));
    assert!(!world.objects[&id].body.contains("lei@shop.example"), "what was known is gone");
    assert_eq!(world.refused(&change).code(), "resource_missing");
    assert_eq!(world.refused(&Command::DeleteCustomer { id }).code(), "resource_missing");
}

#[test]
fn a_customer_is_made_with_a_method_that_is_taken_by_default() {
    let mut world = World::new();
    let card =
        json!({"type": "card", "card": {"number": "4242424242424242", "exp_month": 1, "exp_year": 2030}});
    let method = world.done(&Command::CreatePaymentMethod { request: Box::new(request(card.clone())) });
    let id = id_of(&method);
    let with = |id: &str, default: &str| {
        let body = json!({"payment_method": id, "invoice_settings": {"default_payment_method": default}});
        Command::CreateCustomer { request: Box::new(request(body)) }
    };
    let made = world.done(&with(&id, &id));
    assert_eq!(made["invoice_settings"]["default_payment_method"], id);
    let method: Value = serde_json::from_str(&world.objects[&id].body).must("a method");
    assert_eq!(method["customer"], made["id"]);
    // A test id stands for one new method, not for two.
    let made = world.done(&with("pm_card_visa", "pm_card_visa"));
    let default = made["invoice_settings"]["default_payment_method"].as_str().must("a method").to_owned();
    let method: Value = serde_json::from_str(&world.objects[&default].body).must("a method");
    assert_eq!(method["customer"], made["id"]);
    // Another one is not the customer's.
    let other = id_of(&world.done(&Command::CreatePaymentMethod { request: Box::new(request(card)) }));
    let refused = world.refused(&with("pm_card_visa", &other));
    assert_eq!(refused.code(), "payment_method_unexpected_state");
}

#[test]
fn methods_belong_to_one_customer_at_a_time() {
    let mut world = World::new();
    let card = json!({"type": "card", "card": {"number": "4000056655665556", "exp_month": 1, "exp_year": 2030},
                      "billing_details": {"name": "Han Meimei"}});
    let method = world.done(&Command::CreatePaymentMethod { request: Box::new(request(card)) });
    let id = id_of(&method);
    assert_eq!(
        (&method["card"]["last4"], &method["billing_details"]["name"]),
        (&json!("5556"), &json!("Han Meimei"))
    );
    assert!(method.get("internal").is_none());
    assert!(!world.objects[&id].body.contains("4000056655665556"), "the number is not kept");
    let (one, two) = (id_of(&customer(&mut world, json!({}))), id_of(&customer(&mut world, json!({}))));
    let attach = |customer: &str| Command::AttachPaymentMethod {
        id: id.clone(),
        request: request(json!({"customer": customer})),
    };
    let detach = Command::DetachPaymentMethod { id: id.clone(), request: request(json!({})) };
    assert_eq!(world.refused(&detach).code(), "payment_method_unexpected_state");
    assert_eq!(world.done(&attach(&one))["customer"], one.as_str());
    assert_eq!(world.refused(&attach(&two)).code(), "payment_method_unexpected_state");
    let link = (link::METHOD_CUSTOMER.to_owned(), one.clone(), id.clone());
    assert!(world.links.contains(&link));
    let default = json!({"invoice_settings": {"default_payment_method": id}});
    let set = |customer: &str| Command::UpdateCustomer {
        id: customer.to_owned(),
        request: Box::new(request(default.clone())),
    };
    assert_eq!(world.done(&set(&one))["invoice_settings"]["default_payment_method"], id.as_str());
    assert_eq!(world.refused(&set(&two)).code(), "payment_method_unexpected_state");
    assert_eq!(world.done(&detach)["customer"], Value::Null);
    assert_eq!(world.events.last().must("an event").kind, "payment_method.detached");
    let by_test_id = Command::AttachPaymentMethod {
        id: "pm_card_visa".to_owned(),
        request: request(json!({"customer": two})),
    };
    let first = world.done(&by_test_id);
    assert_ne!(first["id"], world.done(&by_test_id)["id"], "test ids stand for a new method each time");
    let wrong =
        json!({"type": "card", "card": {"number": "4242424242424241", "exp_month": 1, "exp_year": 2030}});
    let wrong = world.refused(&Command::CreatePaymentMethod { request: Box::new(request(wrong)) });
    assert_eq!((wrong.status(), wrong.code()), (402, "incorrect_number"));
}

#[test]
fn secrets_of_endpoints_are_shown_once_and_rolled_with_an_overlap() {
    let mut world = World::new();
    let body = json!({"url": "https://shop.example/hook", "enabled_events": ["charge.failed", "ping"]});
    let made = world.done(&Command::CreateWebhookEndpoint { request: request(body) });
    let (id, first) = (id_of(&made), made["secret"].as_str().must("a secret").to_owned());
    assert!(first.starts_with("whsec_") && first.len() == 38);
    assert!(!world.objects[&id].body.contains(&first), "the secret is not stored");
    let roll = json!({"overlap_seconds": 100});
    let rolled = world.done(&Command::RollWebhookSecret { id: id.clone(), request: request(roll) });
    let second = rolled["secret"].as_str().must("a secret").to_owned();
    assert_ne!(first, second);
    let endpoint: WebhookEndpoint = serde_json::from_str(&world.objects[&id].body).must("an endpoint");
    let now = world.now.seconds();
    let key = &world.settings.master_key;
    assert_eq!(endpoint.secrets(key, now + 99), [second.clone(), first]);
    assert_eq!(endpoint.secrets(key, now + 100), [second]);
    assert!(endpoint.wants("ping") && !endpoint.wants("charge.succeeded"));
    let disable = json!({"disabled": "true"});
    let shown = world.done(&Command::UpdateWebhookEndpoint { id: id.clone(), request: request(disable) });
    assert_eq!((&shown["status"], shown.get("secret")), (&json!("disabled"), None));
    world.done(&Command::DeleteWebhookEndpoint { id: id.clone() });
    assert_eq!(world.refused(&Command::DeleteWebhookEndpoint { id }).code(), "resource_missing");
}

#[test]
fn keys_are_found_by_hash_and_do_what_they_may() {
    let mut world = World::new();
    let body = json!({"type": "restricted", "scopes": ["payments:read"], "expires_at": 1_900_000_000});
    let made = world.done(&Command::CreateApiKey { request: request(body) });
    let secret = made["secret"].as_str().must("a key");
    assert!(secret.starts_with("rk_test_"));
    let hash = digest(&world.settings.master_key, secret);
    let id = world.unique[&(link::API_KEY.to_owned(), hash)].clone();
    assert_eq!(id, id_of(&made));
    assert!(!world.objects[&id].body.contains(secret), "the key is not stored");
    let key: ApiKey = serde_json::from_str(&world.objects[&id].body).must("a key");
    assert_eq!(key.allow("payments:read"), Ok(()));
    assert_eq!(key.allow("payments:write").map_err(|r| r.status()), Err(403));
    assert!(key.expired(1_900_000_000) && !key.expired(1_899_999_999));
    let ended = world.done(&Command::ExpireApiKey { id: id.clone(), at_seconds: None });
    assert_eq!(ended["expires_at"], world.now.seconds());
    // What was ended stays ended, and an end is only brought forward.
    let expire = |at| Command::ExpireApiKey { id: id.clone(), at_seconds: Some(at) };
    assert_eq!(world.done(&expire(1_900_000_000))["expires_at"], world.now.seconds());
    assert_eq!(world.done(&expire(5))["expires_at"], 5);
    let wrong = world.refused(&Command::CreateApiKey { request: request(json!({"type": "restricted"})) });
    assert_eq!(wrong.param(), Some("scopes"));
}

#[test]
fn accounts_own_themselves() {
    let mut world = World::new();
    let body = json!({"country": "sg", "default_currency": "sgd", "business_profile": {"name": "Kopi", "mcc": "5814"}});
    let made = world.done(&Command::CreateAccount { request: Box::new(request(body)) });
    let id = id_of(&made);
    assert_eq!((&made["country"], &made["default_currency"]), (&json!("SG"), &json!("sgd")));
    assert_eq!(world.objects[&id].merchant, id);
    let change = Command::UpdateAccount {
        id: id.clone(),
        request: Box::new(request(json!({"email": "a@b.example"}))),
    };
    assert_eq!(world.merchant, MERCHANT);
    assert_eq!(world.refused(&change).code(), "resource_missing");
    world.merchant = id;
    assert_eq!(world.done(&change)["email"], "a@b.example");
}

#[test]
fn events_hold_the_object_as_it_was() {
    let draft = EventDraft {
        id: "evt_1".to_owned(),
        kind: "customer.updated",
        object_id: "cus_1".to_owned(),
        snapshot: r#"{"id":"cus_1"}"#.to_owned(),
        previous: Some(r#"{"name":null}"#.to_owned()),
    };
    let request = RequestOf { id: Some("req_1"), idempotency_key: Some("k") };
    let frame = EventFrame { now: Timestamp::from_seconds(5), live: true, pending_webhooks: 2, request };
    let event: Value = serde_json::from_str(&event_body(&draft, &frame)).must("JSON");
    let expected = json!({
        "id": "evt_1", "object": "event", "api_version": "2025-03-31.basil", "created": 5,
        "data": {"object": {"id": "cus_1"}, "previous_attributes": {"name": null}},
        "livemode": true, "pending_webhooks": 2,
        "request": {"id": "req_1", "idempotency_key": "k"}, "type": "customer.updated",
    });
    assert_eq!(event, expected);
}

#[test]
fn lists_and_balances_have_their_shapes() {
    let page = list("/v1/customers", &[r#"{"id":"cus_1"}"#], true).must("JSON");
    assert_eq!(page, r#"{"object":"list","data":[{"id":"cus_1"}],"has_more":true,"url":"/v1/customers"}"#);
    assert!(list("/", &["{"], false).is_err());
    let found: Value = serde_json::from_str(&search_result("/s", &[], None).must("JSON")).must("JSON");
    assert_eq!((&found["object"], &found["next_page"]), (&json!("search_result"), &Value::Null));
    let standing = Standing { currency: cny(), pending: -5, available: i128::MAX };
    let shown = serde_json::to_value(balance(true, &[standing])).must("JSON");
    assert_eq!(shown["pending"][0], json!({"amount": -5, "currency": "cny", "source_types": {"card": -5}}));
    assert_eq!(shown["available"][0]["amount"], i64::MAX);
}

#[test]
fn what_is_kept_for_itself_is_never_shown() {
    let stored = r#"{"id":"pm_1","internal":{"token":"secret"},"type":"card"}"#;
    assert_eq!(api_view(ObjectKind::PaymentMethod, stored), r#"{"id":"pm_1","type":"card"}"#);
    assert_eq!(api_view(ObjectKind::PaymentMethod, "{broken secret"), "{}");
    let stored = r#"{"id":"att_1","internal":{"token":"secret"},"object":"attempt"}"#;
    assert_eq!(api_view(ObjectKind::Attempt, stored), r#"{"id":"att_1","object":"attempt"}"#);
    for kind in ObjectKind::ALL {
        assert_eq!(ObjectKind::parse(kind.name()), Some(kind));
    }
}

#[test]
fn changes_are_told_member_by_member() {
    let before = json!({"a": 1, "b": {"c": 1, "d": 2}, "e": [1]});
    let after = json!({"a": 1, "b": {"c": 1, "d": 3}, "f": true});
    assert_eq!(Value::from(changed_members(&before, &after)), json!({"b": {"d": 2}, "f": null, "e": [1]}));
}

#[test]
fn what_may_be_expanded_holds_ids_of_that_kind() {
    use suanpan_payments::object::expand::expandable;
    let mut world = World::new();
    let customer = id_of(&customer(&mut world, json!({})));
    let body = json!({"amount": 5_000, "currency": "cny", "confirm": true, "payment_method": "pm_card_visa",
                      "customer": customer, "setup_future_usage": "off_session"});
    let intent = id_of(&world.done(&crate::flows::create(body)));
    world.outcome(&intent, crate::world::approved());
    let refund = id_of(&world.done(&crate::flows::refund(json!({"payment_intent": intent}))));
    world.outcome(&refund, crate::world::approved());
    for object in world.objects.values() {
        let value = world.value(&object.id);
        for (member, kind) in expandable(object.kind) {
            let id = value[member].as_str().must("a member that is set in this world");
            assert_eq!(world.objects[id].kind, *kind, "{member} of {}", object.id);
        }
    }
}
