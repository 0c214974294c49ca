//! Payments over HTTP.

use crate::client::{LOGGED, Server};
use std::time::{Duration, Instant};
use suanpan_store::events::{Event, EventLines, EventPacker};

const PAY: &str = "amount=1000&currency=cny&payment_method=pm_card_visa&confirm=true&metadata[order]=6735";

#[test]
fn a_payment_is_made_shown_listed_and_given_back() {
    let server = Server::start();
    let key = &server.key;
    let reply = server.post(key, "/v1/payment_intents", PAY);
    let id = reply.id();
    assert_eq!(reply.json()["status"], "succeeded", "{}", reply.body);
    assert!(reply.header("suanpan-receipt").unwrap().starts_with("cell=1; epoch="));
    let shown =
        server.get(key, &format!("/v1/payment_intents/{id}?expand[]=latest_charge.balance_transaction"));
    assert_eq!(shown.json()["latest_charge"]["balance_transaction"]["amount"], 1000, "{}", shown.body);
    let refund = server.post(key, "/v1/refunds", &format!("payment_intent={id}&amount=300"));
    assert_eq!(refund.json()["amount"], 300, "{}", refund.body);
    let listed = server.get(key, &format!("/v1/refunds?payment_intent={id}")).json();
    assert_eq!((&listed["object"], listed["data"].as_array().unwrap().len()), (&"list".into(), 1));
    let balance = server.get(key, "/v1/balance").json();
    assert_eq!(balance["pending"][0]["amount"], 1000 - 6 - 300, "{balance}");
    let events = server.get(key, "/v1/events?type=payment_intent.succeeded").json();
    assert_eq!(events["data"][0]["data"]["object"]["id"], id, "{events}");
    let found =
        server.get(key, "/v1/payment_intents/search?query=metadata%5B%27order%27%5D%3A%276735%27").json();
    assert_eq!((&found["object"], &found["data"][0]["id"]), (&"search_result".into(), &id.into()), "{found}");
}

#[test]
fn pages_follow_one_another_both_ways() {
    let server = Server::start();
    let ids: Vec<String> =
        (0..5).map(|n| server.post(&server.key, "/v1/customers", &format!("name=c{n}")).id()).collect();
    let page = |query: &str| {
        let page = server.get(&server.key, &format!("/v1/customers?{query}")).json();
        let data = page["data"].as_array().unwrap();
        let ids: Vec<String> = data.iter().map(|object| object["id"].as_str().unwrap().to_owned()).collect();
        (ids, page["has_more"].as_bool().unwrap())
    };
    let newest: Vec<String> = ids.iter().rev().cloned().collect();
    assert_eq!(page("limit=2"), (newest[..2].to_vec(), true));
    assert_eq!(page(&format!("limit=2&starting_after={}", newest[1])), (newest[2..4].to_vec(), true));
    assert_eq!(page(&format!("limit=2&starting_after={}", newest[3])), (newest[4..].to_vec(), false));
    assert_eq!(page(&format!("limit=2&ending_before={}", newest[4])), (newest[2..4].to_vec(), true));
    assert_eq!(page(&format!("limit=2&ending_before={}", newest[1])), (newest[..1].to_vec(), false));
    let gone = server.send(
        "DELETE",
        &format!("/v1/customers/{}", ids[4]),
        &[("authorization", &format!("Bearer {}", server.key))],
        b"",
    );
    assert_eq!(gone.json()["deleted"], true, "{}", gone.body);
    assert_eq!(page("limit=2"), (newest[1..3].to_vec(), true), "what was deleted is not listed");
    assert_eq!(server.get(&server.key, &format!("/v1/customers/{}", ids[4])).json()["deleted"], true);
}

#[test]
fn a_decline_is_a_402_with_the_intent() {
    let server = Server::start();
    let form = PAY.replace("pm_card_visa", "pm_card_chargeDeclinedInsufficientFunds");
    let reply = server.post(&server.key, "/v1/payment_intents", &form);
    assert_eq!(reply.status, 402, "{}", reply.body);
    assert_eq!(reply.header("content-type"), Some("application/problem+json"));
    let body = reply.json();
    assert_eq!(body["error"]["type"], "card_error");
    assert_eq!(body["error"]["decline_code"], "insufficient_funds");
    assert_eq!(body["error"]["payment_intent"]["status"], "requires_payment_method");
}

#[test]
fn a_repeat_under_the_same_key_is_answered_with_the_same_bytes() {
    let server = Server::start();
    let send = |form: &str| {
        server.post_as(&server.key, "/v1/payment_intents", form, &[("idempotency-key", "order-1")])
    };
    let first = send(PAY);
    let again = send(PAY);
    assert_eq!((first.status, again.status), (200, 200));
    assert_eq!(first.body, again.body);
    assert_eq!(
        (first.header("idempotent-replayed"), again.header("idempotent-replayed")),
        (None, Some("true"))
    );
    let other = send("amount=2000&currency=cny");
    assert_eq!((other.status, &other.json()["error"]["type"]), (422, &"idempotency_error".into()));
    let long = "k".repeat(256);
    let reply = server.post_as(&server.key, "/v1/customers", "", &[("idempotency-key", &long)]);
    assert_eq!((reply.status, &reply.json()["code"]), (400, &"idempotency_key_invalid".into()));
    let list = server.get(&server.key, "/v1/payment_intents").json();
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
}

#[test]
fn a_publishable_key_does_what_a_browser_does_and_no_more() {
    let server = Server::start();
    let made = server.post(&server.key, "/v1/api_keys", "type=publishable");
    let browser = made.json()["secret"].as_str().unwrap().to_owned();
    assert!(browser.starts_with("pk_test_"), "{}", made.body);
    let intent = server.post(&server.key, "/v1/payment_intents", "amount=1000&currency=cny");
    let (id, secret) = (intent.id(), intent.json()["client_secret"].as_str().unwrap().to_owned());
    let method = server.post(&browser, "/v1/payment_methods", "type=card&card[token]=tok_visa");
    assert_eq!(method.status, 200, "{}", method.body);
    assert_eq!(server.get(&browser, &format!("/v1/payment_intents/{id}")).status, 404);
    assert_eq!(
        server.get(&browser, &format!("/v1/payment_intents/{id}?client_secret={id}_secret_x")).status,
        404
    );
    assert_eq!(server.get(&browser, &format!("/v1/payment_intents/{id}?client_secret={secret}")).status, 200);
    let confirm = format!("/v1/payment_intents/{id}/confirm");
    assert_eq!(server.post(&browser, &confirm, "payment_method=pm_card_visa").status, 404);
    for (path, form) in
        [("/v1/payment_intents", "amount=1&currency=cny"), ("/v1/refunds", ""), ("/v1/api_keys", "")]
    {
        assert_eq!(server.post(&browser, path, form).status, 403, "{path}");
    }
    for path in ["/v1/payment_intents", "/v1/customers", "/v1/balance", "/v1/events"] {
        assert_eq!(server.get(&browser, path).status, 403, "{path}");
    }
    let form = format!("client_secret={secret}&payment_method={}", method.id());
    assert_eq!(server.post(&browser, &confirm, &form).json()["status"], "succeeded");
    let asked = [("origin", "https://shop.example"), ("access-control-request-method", "POST")];
    let reply = server.send("OPTIONS", &confirm, &asked, b"");
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (200, Some("*")), "{reply:?}");
    let reply = server.send("OPTIONS", "/v1/refunds", &asked, b"");
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (405, None), "{reply:?}");
}

#[test]
fn a_restricted_key_does_what_its_scopes_say_until_it_ends() {
    let server = Server::start();
    let made = server.post(&server.key, "/v1/api_keys", "type=restricted&scopes[]=customers:write");
    let (id, restricted) = (made.id(), made.json()["secret"].as_str().unwrap().to_owned());
    assert!(restricted.starts_with("rk_test_"));
    assert_eq!(server.post(&restricted, "/v1/customers", "").status, 200);
    let reply = server.get(&restricted, "/v1/customers");
    assert_eq!((reply.status, &reply.json()["code"]), (403, &"scope_missing".into()));
    let shown = server.get(&server.key, &format!("/v1/api_keys/{id}"));
    assert!(!shown.body.contains(&restricted) && !shown.body.contains("digest"), "{}", shown.body);
    assert_eq!(server.post(&server.key, &format!("/v1/api_keys/{id}/expire"), "").status, 200);
    let begun = Instant::now();
    while server.post(&restricted, "/v1/customers", "").status == 200 {
        assert!(begun.elapsed() < Duration::from_secs(8), "an ended key is forgotten within seconds");
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn the_books_are_kept_over_http() {
    let server = Server::start();
    let key = &server.key;
    let open = |path: &str, kind: &str| {
        server.post(key, "/v1/ledger/accounts", &format!("path={path}&currency=cny&kind={kind}")).id()
    };
    let (cash, owed) = (open("bank/b1/cash", "asset"), open("owed/m1", "liability"));
    let post = |entries: &str| {
        let headers = [("authorization", &*format!("Bearer {key}")), ("content-type", "application/json")];
        server.send("POST", "/v1/ledger/entries", &headers, format!("{{\"entries\":[{entries}]}}").as_bytes())
    };
    let entry = r#"{"id":"01234567-89ab-cdef-0123-456789abcdef","postings":[
        {"debit":"bank/b1/cash","credit":"owed/m1","amount":500,"currency":"cny"}]}"#;
    let booked = post(entry);
    assert_eq!(booked.json()["accepted"], 1, "{}", booked.body);
    assert_eq!(post(entry).json()["existing"], 1);
    let refused = post(&entry.replace("500", "501")).json();
    assert_eq!(refused["rejected"][0]["code"], "exists_with_different_postings", "{refused}");
    assert_eq!(server.get(key, &format!("/v1/ledger/accounts/{cash}")).json()["balance"], 500);
    let statement = server.get(key, &format!("/v1/ledger/accounts/{owed}/statement")).json();
    assert_eq!(
        (&statement["data"][0]["amount"], &statement["data"][0]["side"]),
        (&500.into(), &"credit".into())
    );
    let trial = server.get(key, "/v1/ledger/trial_balance").json();
    assert_eq!(
        (&trial["currencies"][0]["balanced"], &trial["currencies"][0]["debits_posted"]),
        (&true.into(), &500.into())
    );
    let verified = server.get(key, "/v1/ledger/verify").json();
    assert_eq!(
        (&verified["verified"], &verified["next"]),
        (&true.into(), &serde_json::Value::Null),
        "{verified}"
    );
    assert_eq!(
        server.post(key, &format!("/v1/ledger/accounts/{cash}/freeze"), "").json()["standing"],
        "frozen"
    );
    let found = server.get(key, "/v1/ledger/accounts?prefix=bank/").json();
    assert_eq!(found["data"].as_array().unwrap().len(), 1, "{found}");
    let wrong = post(&entry.replace("\"amount\":500", "\"amount\":-5")).json();
    assert_eq!(wrong["error"]["param"], "entries[0][postings][0][amount]", "{wrong}");
}

#[test]
fn no_secret_is_logged() {
    let server = Server::start();
    let card = "type=card&card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=2040&card[cvc]=314";
    let method = server.post(&server.key, "/v1/payment_methods", card);
    assert_eq!(method.status, 200, "{}", method.body);
    assert!(!method.body.contains("4242424242424242"));
    let intent = server.post(&server.key, "/v1/payment_intents", PAY);
    let secret = intent.json()["client_secret"].as_str().unwrap().to_owned();
    server.get(&server.key, &format!("/v1/payment_intents/{}?client_secret={secret}", intent.id()));
    let endpoint =
        server.post(&server.key, "/v1/webhook_endpoints", "url=https://example.com/hook&enabled_events[]=*");
    let signing = endpoint.json()["secret"].as_str().unwrap().to_owned();
    server.get("sk_test_0123456789abcdefghjkWRONG", "/v1/balance");
    let logged = String::from_utf8_lossy(&LOGGED.lock().unwrap()).into_owned();
    assert!(logged.contains("/v1/payment_methods"), "nothing was logged, so this would show nothing");
    for word in [
        "4242424242424242",
        "314159",
        &server.key,
        &server.other,
        &secret,
        &signing,
        "0123456789abcdefghjkWRONG",
    ] {
        assert!(!logged.contains(word), "a secret was logged: {word}");
    }
}

#[test]
fn a_customer_proves_to_be_the_holder() {
    let server = Server::start();
    let form = "amount=1000&currency=cny&payment_method=pm_card_authenticationRequired&confirm=true&return_url=https://shop.example/back";
    let intent = server.post(&server.key, "/v1/payment_intents", form);
    assert_eq!(intent.json()["status"], "requires_action", "{}", intent.body);
    let url = intent.json()["next_action"]["redirect_to_url"]["url"].as_str().unwrap().to_owned();
    let (base, path) = url.split_once("/authenticate/").unwrap();
    assert_eq!(base, format!("http://{}", server.address));
    let page = server.send("GET", &format!("/authenticate/{path}"), &[], b"");
    assert_eq!((page.status, page.header("referrer-policy")), (200, Some("no-referrer")), "{page:?}");
    assert!(page.body.contains("10.00 CNY"));
    let (attempt, query) = path.split_once('?').unwrap();
    let decide = |form: &str| server.send("POST", &format!("/authenticate/{attempt}"), &[], form.as_bytes());
    assert_eq!(decide("client_secret=wrong&proven=true").status, 404);
    let reply = decide(&format!("{query}&proven=true"));
    assert_eq!(reply.status, 303, "{reply:?}");
    assert!(reply.header("location").unwrap().ends_with("&redirect_status=succeeded"), "{reply:?}");
    let shown = server.get(&server.key, &format!("/v1/payment_intents/{}", intent.id())).json();
    assert_eq!(shown["status"], "succeeded");
}

#[test]
fn a_rare_event_is_found_and_no_page_is_empty_while_there_is_more() {
    let server = Server::start();
    let key = &server.key;
    let customer = server.post(key, "/v1/customers", "").id();
    // More events than one request looks through, all newer.
    let cell = server.tamper();
    let (last, body): (i64, Vec<u8>) = cell
        .query_row("SELECT last, body FROM event_block ORDER BY first DESC LIMIT 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    let lines = EventLines::unpack("here", &body).unwrap();
    let made = lines.iter().next_back().unwrap().unwrap();
    assert_eq!(made.kind, "customer.created");
    let more = (1..=10_100).map(|number| {
        let (place, kind) = (last + number, "charge.updated");
        let id = suanpan_payments::id::event_at(made.id, place);
        let body = made.body.replace(made.id, &id).replace("customer.created", kind);
        Event { place, id, kind, merchant: made.merchant.to_owned(), live: made.live, body }
    });
    let more: Vec<Event> = more.collect();
    for block in EventPacker::new().unwrap().pack(&more) {
        cell.execute("INSERT INTO event_block VALUES (?1, ?2, ?3)", (block.first, block.last, &*block.body))
            .unwrap();
        for name in &block.names {
            let row = (&name.merchant, name.live, name.kind, block.first);
            cell.execute("INSERT INTO event_name VALUES (?1, ?2, ?3, ?4)", row).unwrap();
        }
    }
    let newest = server.get(key, "/v1/events?limit=1").json();
    assert_eq!(newest["data"][0]["id"], more.last().unwrap().id);
    for path in [
        "/v1/events?type=customer.created",
        "/v1/events/search?query=type%3A%27customer.created%27",
        "/v1/events/search?query=-type%3A%27charge.updated%27",
    ] {
        let page = server.get(key, path).json();
        assert_eq!(page["data"][0]["data"]["object"]["id"], customer, "{path}: {page}");
    }
}

#[test]
fn events_of_several_types_are_one_list() {
    let server = Server::start();
    let key = &server.key;
    for _ in 0..2 {
        server.post(key, "/v1/payment_intents", PAY).id();
    }
    let types = ["payment_intent.created", "charge.succeeded"];
    let page = |more: &str| {
        let page =
            server.get(key, &format!("/v1/events?types[]={}&types[]={}&{more}", types[0], types[1])).json();
        let events = page["data"].as_array().unwrap_or_else(|| panic!("{page}")).clone();
        let ids: Vec<String> = events.iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect();
        assert!(events.iter().all(|event| types.contains(&event["type"].as_str().unwrap())), "{page}");
        (ids, page["has_more"].as_bool().unwrap())
    };
    let (all, more) = page("limit=100");
    assert_eq!((all.len(), more), (4, false));
    let mut walked = Vec::new();
    let mut after = String::new();
    loop {
        let (ids, more) = page(&format!("limit=1{after}"));
        assert_eq!(ids.len(), 1);
        after = format!("&starting_after={}", ids[0]);
        walked.extend(ids);
        if !more {
            break;
        }
    }
    assert_eq!(walked, all);
    assert_eq!(page(&format!("limit=2&ending_before={}", all[3])), (all[1..3].to_vec(), true));
    assert_eq!(page(&format!("limit=2&ending_before={}", all[2])), (all[..2].to_vec(), false));
}

#[test]
fn a_payment_of_several_sources_is_split_before_it_is_confirmed() {
    let server = Server::start();
    let key = &server.key;
    let customer = server.post(key, "/v1/customers", "").id();
    let fund = format!("/v1/test_helpers/customers/{customer}/fund_cash_balance");
    server.post(key, &fund, "amount=5000&currency=cny");
    let make = format!("amount=10000&currency=cny&customer={customer}&payment_sources[0][type]=balance");
    let intent = server.post(key, "/v1/payment_intents", &make);
    let split = serde_json::json!([
        {"type": "balance", "amount": 5_000}, {"type": "payment_method", "amount": 5_000},
    ]);
    assert_eq!(intent.json()["payment_sources"], split);
    let path = format!("/v1/payment_intents/{}", intent.id());
    let wrong = server.post(key, &path, "payment_sources[0][type]=balance&payment_sources[0][amount]=many");
    assert_eq!((wrong.status, &wrong.json()["error"]["param"]), (400, &"payment_sources[0][amount]".into()));
    assert_eq!(server.post(key, &path, "payment_sources=").json().get("payment_sources"), None);
    let split = "payment_sources[0][type]=balance&payment_sources[0][amount]=5001";
    server.post(key, &path, split);
    // It was named by the merchant, so the page may confirm it.
    let page = server.make_key("type=publishable");
    let secret = intent.json()["client_secret"].as_str().unwrap().to_owned();
    let confirm = format!("client_secret={secret}&payment_method=pm_card_visa");
    let short = server.post(&page, &format!("{path}/confirm"), &confirm);
    let error = &short.json()["error"];
    assert_eq!(
        (short.status, &error["code"], &error["param"]),
        (400, &"balance_insufficient".into(), &"payment_sources".into())
    );
    server.post(key, &fund, "amount=1&currency=cny");
    assert_eq!(server.post(&page, &format!("{path}/confirm"), &confirm).json()["status"], "succeeded");
    let refund = format!("payment_intent={}&amount=5000&allocation=proportional", intent.id());
    let refund = server.post(key, "/v1/refunds", &refund).json();
    let parts: Vec<_> =
        refund["allocation"]["sources"].as_array().unwrap().iter().map(|part| &part["amount"]).collect();
    assert_eq!((&refund["status"], parts), (&"succeeded".into(), vec![&2_501.into(), &2_499.into()]));
}

#[test]
fn a_customer_pays_out_of_a_balance_that_the_books_show() {
    let server = Server::start();
    let key = &server.key;
    let customer = server.post(key, "/v1/customers", "").id();
    let shown = |server: &Server| server.get(key, &format!("/v1/customers/{customer}/cash_balance")).json();
    assert_eq!(
        shown(&server),
        serde_json::json!({"object": "cash_balance", "available": null, "customer": customer, "livemode": false})
    );
    let fund = format!("/v1/test_helpers/customers/{customer}/fund_cash_balance");
    let funded = server.post(key, &fund, "amount=5000&currency=cny").json();
    assert_eq!(funded["object"], "customer_cash_balance_transaction");
    let pay = format!(
        "amount=1999&currency=cny&confirm=true&customer={customer}&payment_method_types[]=customer_balance\
         &payment_method_data[type]=customer_balance"
    );
    assert_eq!(server.post(key, "/v1/payment_intents", &pay).json()["status"], "succeeded");
    assert_eq!(shown(&server)["available"], serde_json::json!({"cny": 3001}));
    let reply = server.post(key, "/v1/payment_intents", &pay.replace("1999", "3002"));
    assert_eq!((reply.status, &reply.json()["error"]["decline_code"]), (402, &"insufficient_funds".into()));
    assert_eq!(server.post(key, &fund, "amount=0&currency=cny").status, 400);
    assert_eq!(server.post(key, &fund, "amount=1").status, 400);
    // Whoever holds the secret of an intent has not proven whose money it would be.
    let open = pay.replace("&confirm=true", "").replace("&payment_method_data[type]=customer_balance", "");
    let intent = server.post(key, "/v1/payment_intents", &open).json();
    let secret = intent["client_secret"].as_str().unwrap();
    let method = server.post(key, "/v1/payment_methods", "type=customer_balance").id();
    let page = server.make_key("type=publishable");
    for way in ["payment_method_data[type]=customer_balance", &format!("payment_method={method}")] {
        let path = format!("/v1/payment_intents/{}/confirm", intent["id"].as_str().unwrap());
        let reply = server.post(&page, &path, &format!("client_secret={secret}&{way}"));
        assert_eq!(
            (reply.status, &reply.json()["error"]["code"]),
            (403, &"secret_key_needed".into()),
            "{way}"
        );
    }
}
