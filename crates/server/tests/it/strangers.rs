//! Nobody sees or changes what is another merchant's, on any route that the description has.

use crate::client::Server;
use suanpan_server::openapi;

/// Makes one object of every kind for the operator, and returns their ids by the first word of their path.
fn belongings(server: &Server) -> Vec<(&'static str, String)> {
    let key = &server.key;
    let made = |path: &str, form: &str| server.post(key, path, form).id();
    let customer = made("/v1/customers", "name=Li&email=li@example.com");
    let pay = "amount=1000&currency=cny&payment_method=pm_card_visa&confirm=true";
    let paid = server.post(key, "/v1/payment_intents", &format!("{pay}&customer={customer}"));
    let charge = paid.json()["latest_charge"].as_str().unwrap().to_owned();
    let transaction = server.get(key, &format!("/v1/charges/{charge}")).json();
    let transaction = transaction["balance_transaction"].as_str().unwrap().to_owned();
    let account = "bank=C1081421000051&account_number=6217000000000000100&account_holder_name=Li";
    let holder = "id_number=11010519491231002X&phone=13800138000";
    let agreement = made("/v1/bank_agreements", &format!("customer={customer}&{account}&{holder}"));
    let event = server.get(key, "/v1/events?limit=1").json()["data"][0]["id"].as_str().unwrap().to_owned();
    let account = server.get(key, "/v1/account").id();
    let attempt = paid.json()["latest_attempt"].as_str().unwrap().to_owned();
    let paid = paid.id();
    let books = made("/v1/ledger/accounts", "path=own/1&currency=cny&kind=asset");
    made("/v1/ledger/accounts", "path=own/2&currency=cny&kind=asset");
    let entry = "0123456789abcdef0123456789abcdef".to_owned();
    let posting = "[postings][0]";
    let form = format!(
        "entries[0][id]={entry}&entries[0]{posting}[debit]=own/1&entries[0]{posting}[credit]=own/2\
         &entries[0]{posting}[amount]=5&entries[0]{posting}[currency]=cny"
    );
    assert_eq!(server.post(key, "/v1/ledger/entries", &form).json()["accepted"], 1);
    vec![
        ("test_helpers/customers", customer.clone()),
        ("customers", customer),
        ("refunds", made("/v1/refunds", &format!("payment_intent={paid}&amount=1"))),
        ("payment_intents", paid),
        ("charges", charge),
        ("attempts", attempt),
        ("balance_transactions", transaction),
        ("events", event),
        (
            "checkout/sessions",
            made("/v1/checkout/sessions", "amount=5&currency=cny&success_url=https://shop.example"),
        ),
        ("bank_agreements", agreement),
        ("payment_methods", made("/v1/payment_methods", "type=card&card[token]=tok_visa")),
        ("webhook_endpoints", made("/v1/webhook_endpoints", "url=https://example.com&enabled_events[]=*")),
        ("accounts", account),
        ("api_keys", made("/v1/api_keys", "")),
        ("ledger/accounts", books),
        ("ledger/entries", entry),
    ]
}

#[test]
fn every_route_hides_what_is_another_merchants() {
    let server = Server::start();
    let own = belongings(&server);
    let document: serde_json::Value = serde_json::from_str(openapi::text()).unwrap();
    let stranger = format!("Bearer {}", server.other);
    let headers =
        [("authorization", stranger.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    let customer = format!("customer={}", server.post(&server.other, "/v1/customers", "").id());
    let (mut with_ids, mut lists) = (0, 0);
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            if path.contains("{id}") {
                let word = path.trim_start_matches("/v1/").split("/{id}").next().unwrap();
                let (_, id) = own
                    .iter()
                    .find(|(kind, _)| *kind == word)
                    .unwrap_or_else(|| panic!("no {word} was made"));
                let path = path.replace("{id}", id);
                // What must be given is given, so that nothing else is wrong with the request.
                let form = match path.rsplit('/').next() {
                    Some("attach") => customer.as_str(),
                    Some("confirm") if word == "bank_agreements" => "code=123456",
                    _ => "",
                };
                let reply = server.send(&method.to_uppercase(), &path, &headers, form.as_bytes());
                assert!(matches!(reply.status, 403 | 404), "{method} {path}: {reply:?}");
                with_ids += 1;
            } else if method == "get" {
                let path = if path.ends_with("/search") {
                    format!("{path}?query=created%3E0")
                } else {
                    path.clone()
                };
                let reply = server.send("GET", &path, &headers, b"");
                assert!(matches!(reply.status, 200 | 403), "{path}: {reply:?}");
                for (_, id) in &own {
                    assert!(!reply.body.contains(id.as_str()), "{path} shows {id}");
                }
                lists += 1;
            }
        }
    }
    assert!(with_ids >= 30 && lists >= 12, "{with_ids} routes with ids, {lists} without");
    // Ids inside of requests are of no more use.
    let find = |word: &str| &own.iter().find(|(kind, _)| *kind == word).unwrap().1;
    for (path, form) in [
        ("/v1/refunds", format!("payment_intent={}", find("payment_intents"))),
        ("/v1/refunds", format!("charge={}", find("charges"))),
        ("/v1/payment_intents", format!("amount=1&currency=cny&customer={}", find("customers"))),
        ("/v1/payment_intents", format!("amount=1&currency=cny&payment_method={}", find("payment_methods"))),
        (
            "/v1/bank_agreements",
            format!(
                "customer={}&bank=C1081421000051&account_number=6217000000000000100&account_holder_name=Li\
                 &id_number=11010519491231002X&phone=13800138000",
                find("customers")
            ),
        ),
    ] {
        let reply = server.post(&server.other, path, &form);
        assert!(matches!(reply.status, 400 | 403 | 404), "{path} {form}: {reply:?}");
    }
    for path in ["/v1/payment_intents", "/v1/charges", "/v1/refunds"] {
        let reply = server.get(&server.other, &format!("{path}?starting_after={}", find("payment_intents")));
        assert_eq!(reply.status, 400, "{path}: {reply:?}");
    }
    let account = ("stripe-account", find("accounts").as_str());
    let reply = server.send("GET", "/v1/balance", &[("authorization", &stranger), account], b"");
    assert_eq!((reply.status, &reply.json()["code"]), (403, &"account_invalid".into()));
}

#[test]
fn a_platform_acts_for_the_merchants_it_made() {
    let server = Server::start();
    let connected = server.post(&server.key, "/v1/accounts", "email=shop@example.com").id();
    let act = [("stripe-account", connected.as_str())];
    let customer = server.post_as(&server.key, "/v1/customers", "name=Li", &act).id();
    assert_eq!(
        server.get(&server.key, &format!("/v1/customers/{customer}")).status,
        404,
        "it is the merchant's"
    );
    let bearer = format!("Bearer {}", server.key);
    let reply =
        server.send("GET", &format!("/v1/customers/{customer}"), &[("authorization", &bearer), act[0]], b"");
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(server.get(&server.key, &format!("/v1/accounts/{connected}")).status, 200);
    assert_eq!(server.get(&server.other, &format!("/v1/accounts/{connected}")).status, 404);
    let listed = server.get(&server.key, "/v1/accounts").json();
    assert_eq!(listed["data"][0]["id"], connected, "{listed}");
    assert_eq!(server.post_as(&server.other, "/v1/customers", "", &act).status, 403);
}
