//! What strangers, browsers and restricted keys must not be able to do, and what must not be found in the store.

use crate::client::Server;
use std::io::{Read, Write};
use std::time::{Duration, Instant};
use suanpan_server::serve::Limits;

#[test]
fn a_secret_is_repeated_to_its_owner_and_stands_nowhere_in_the_store() {
    let server = Server::start();
    let again = [("idempotency-key", "k1")];
    let first = server.post_as(&server.key, "/v1/api_keys", "name=shop", &again);
    let secret = first.json()["secret"].as_str().unwrap().to_owned();
    assert!(server.stores(first.id().as_bytes()), "the key is there");
    assert!(!server.stores(secret.as_bytes()) && !server.stores(&secret.as_bytes()[8..]));
    let second = server.post_as(&server.key, "/v1/api_keys", "name=shop", &again);
    assert_eq!((second.header("idempotent-replayed"), &second.body), (Some("true"), &first.body));
    let hook = "url=https://example.com&enabled_events[]=*";
    let hook =
        server.post_as(&server.key, "/v1/webhook_endpoints", hook, &[("idempotency-key", "k2")]).json();
    let roll = format!("/v1/webhook_endpoints/{}/roll_secret", hook["id"].as_str().unwrap());
    let rolled = server.post_as(&server.key, &roll, "", &[("idempotency-key", "k3")]).json();
    for secret in [&hook["secret"], &rolled["secret"]] {
        assert!(!server.stores(secret.as_str().unwrap().as_bytes()));
    }
}

#[test]
fn digests_of_requests_cannot_be_made_without_the_master_key() {
    let server = Server::start();
    let body = "type=card&card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=2040&card[cvc]=123";
    server.post_as(&server.key, "/v1/payment_methods", body, &[("idempotency-key", "k1")]).id();
    let plain = blake3::hash(format!("POST /v1/payment_methods\0{body}").as_bytes());
    assert!(!server.stores(plain.as_bytes()), "whoever has the store can try all cards");
    let other = server.post_as(
        &server.key,
        "/v1/payment_methods",
        &body.replace("4242424242424242", "5555555555554444"),
        &[("idempotency-key", "k1")],
    );
    assert_eq!((other.status, &other.json()["code"]), (422, &"idempotency_key_reused".into()));
}

#[test]
fn a_restricted_key_makes_no_keys() {
    let server = Server::start();
    let restricted = server.make_key("type=restricted&scopes[]=accounts:write&scopes[]=accounts:read");
    for form in ["", "type=secret", "type=restricted&scopes[]=accounts:write"] {
        let reply = server.post(&restricted, "/v1/api_keys", form);
        assert_eq!((reply.status, &reply.json()["code"]), (403, &"secret_key_needed".into()), "{form}");
    }
    assert_eq!(server.post(&restricted, "/v1/accounts", "").status, 200);
}

#[test]
fn expansion_needs_the_scope_of_what_it_shows() {
    let server = Server::start();
    let customer = server.post(&server.key, "/v1/customers", "name=Li").id();
    let pay =
        format!("amount=1000&currency=cny&payment_method=pm_card_visa&confirm=true&customer={customer}");
    let intent = server.post(&server.key, "/v1/payment_intents", &pay).id();
    let payments = "scopes[]=payments:read&scopes[]=payments:write";
    let narrow = server.make_key(&format!("type=restricted&{payments}"));
    let wide = server.make_key(&format!("type=restricted&{payments}&scopes[]=customers:read"));
    let path = format!("/v1/payment_intents/{intent}?expand[]=customer");
    assert_eq!(server.get(&wide, &path).json()["customer"]["name"], "Li");
    for path in [
        path.as_str(),
        "/v1/payment_intents?expand[]=data.customer",
        "/v1/payment_intents/search?query=created%3E0&expand[]=data.customer",
        &format!("/v1/payment_intents/{intent}?expand[]=latest_charge.balance_transaction"),
    ] {
        let reply = server.get(&narrow, path);
        let told = (reply.status, &reply.json()["error"]["param"]);
        assert_eq!(told, (403, &"expand".into()), "{path}: {}", reply.body);
    }
    // Refused before anything is done.
    let before = server.get(&server.key, "/v1/payment_intents").json()["data"].as_array().unwrap().len();
    for path in ["customer", "no_member"] {
        let reply = server.post(&narrow, "/v1/payment_intents", &format!("{pay}&expand[]={path}"));
        assert!(matches!(reply.status, 400 | 403), "{path}: {reply:?}");
    }
    let after = server.get(&server.key, "/v1/payment_intents").json()["data"].as_array().unwrap().len();
    assert_eq!(before, after);
}

#[test]
fn a_browser_neither_expands_nor_says_what_is_the_servers_to_say() {
    let server = Server::start();
    let browser = server.make_key("type=publishable");
    let intent = server.post(&server.key, "/v1/payment_intents", "amount=1000&currency=cny").json();
    let (id, secret) = (intent["id"].as_str().unwrap(), intent["client_secret"].as_str().unwrap());
    let confirm = |more: &str| {
        let form = format!("client_secret={secret}&payment_method=pm_card_visa&{more}");
        server.post(&browser, &format!("/v1/payment_intents/{id}/confirm"), &form)
    };
    for (more, param) in [
        ("expand[]=customer", "expand"),
        ("capture_method=manual", "capture_method"),
        ("off_session=true", "off_session"),
        ("error_on_requires_action=true", "error_on_requires_action"),
    ] {
        let reply = confirm(more);
        let told = (reply.status, &reply.json()["error"]["param"]);
        assert_eq!(told, (403, &param.into()), "{more}: {}", reply.body);
    }
    let shown = format!("/v1/payment_intents/{id}?client_secret={secret}&expand[]=customer");
    assert_eq!(server.get(&browser, &shown).status, 403);
    assert_eq!(confirm("return_url=https://example.com").json()["status"], "succeeded");
}

#[test]
fn browsers_do_not_take_names_of_requests_from_servers() {
    let server = Server::start();
    let browser = server.make_key("type=publishable");
    let card = "type=card&card[token]=tok_visa";
    let name = [("idempotency-key", "order-1")];
    let of_browser = server.post_as(&browser, "/v1/payment_methods", card, &name).id();
    let of_server = server.post_as(&server.key, "/v1/payment_methods", card, &name);
    assert_ne!(of_server.id(), of_browser);
    assert_eq!(of_server.header("idempotent-replayed"), None);
    assert_eq!(server.post_as(&browser, "/v1/payment_methods", card, &name).id(), of_browser);
}

/// Sends the head of a request with a large body of which nothing comes.
fn promise(server: &Server, head: &str) -> (String, Duration) {
    let begun = Instant::now();
    let mut stream = server.connect();
    let rest =
        "content-type: application/json\r\ncontent-length: 8000000\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(format!("{head}\r\n{rest}").as_bytes()).unwrap();
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    (String::from_utf8_lossy(&text).into_owned(), begun.elapsed())
}

#[test]
fn nothing_is_read_of_what_a_key_may_not_send() {
    let server = Server::start();
    let browser = server.make_key("type=publishable");
    let (text, took) =
        promise(&server, &format!("POST /v1/ledger/entries HTTP/1.1\r\nauthorization: Bearer {browser}"));
    assert!(text.starts_with("HTTP/1.1 403 "), "{text}");
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[test]
fn bodies_in_memory_have_a_bound_together() {
    let server = Server::with(Limits::default(), |config| config.bodies_bytes = 10_000);
    let form = |bytes: usize| format!("name={}", "a".repeat(bytes));
    let reply = server.post(&server.key, "/v1/customers", &form(20_000));
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("1")), "{reply:?}");
    // What was taken is given back.
    for _ in 0..5 {
        assert_eq!(
            server.post(&server.key, "/v1/customers", &form(4_000)).status,
            400,
            "too long for a name"
        );
    }
}

#[test]
fn slow_bodies_are_cut_off_with_a_key_and_without() {
    let server = Server::with(Limits::default(), |config| config.body_time = Duration::from_millis(300));
    let key = &server.key;
    for head in [
        format!("POST /v1/customers HTTP/1.1\r\nauthorization: Bearer {key}"),
        "POST /authenticate/att_1 HTTP/1.1".to_owned(),
    ] {
        let (text, took) = promise(&server, &head);
        let status = text.split(' ').nth(1).unwrap_or_default().to_owned();
        assert!(matches!(status.as_str(), "408" | "413"), "{head}: {text}");
        assert!(took < Duration::from_secs(10), "{head}: {took:?}");
    }
    let large = vec![b'a'; 5_000];
    let form = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(server.send("POST", "/authenticate/att_1", &form, &large).status, 413);
    let slow =
        "POST /authenticate/att_1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 9\r\n\r\n";
    assert!(server.raw(slow.as_bytes()).starts_with("HTTP/1.1 408 "));
}

#[test]
fn whoever_guesses_too_often_is_refused_and_good_keys_are_not() {
    let server = Server::start();
    let fresh = server.make_key("name=fresh");
    let statuses: Vec<u16> =
        (0..80).map(|_| server.get("sk_test_0123456789abcdefghjk", "/v1/balance").status).collect();
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
    // Many merchants may come through one proxy, and all of their keys are new to a process that has just started.
    assert_eq!(server.get(&fresh, "/v1/balance").status, 200);
}

#[test]
fn a_standby_hands_requests_on_the_page_of_test_mode_too() {
    let server = Server::start();
    let (standby, engine) = server.standby();
    let get = |path: &str| {
        let key = &server.key;
        Server::raw_to(
            standby,
            format!(
                "GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\nconnection: close\r\n\r\n"
            )
            .as_bytes(),
        )
    };
    assert!(get("/v1/balance").starts_with("HTTP/1.1 200 "));
    let pay = "amount=1000&currency=cny&payment_method=pm_card_threeDSecure2Required&confirm=true";
    let intent = server.post(&server.key, "/v1/payment_intents", pay).json();
    let url = intent["next_action"]["redirect_to_url"]["url"].as_str().unwrap_or_else(|| panic!("{intent}"));
    let path = &url[url.find("/authenticate").unwrap()..];
    assert!(get(path).starts_with("HTTP/1.1 200 "), "{}", get(path));
    let (address, query) = path.split_once('?').unwrap();
    let body = format!("{query}&proven=true");
    let post = format!(
        "POST {address} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: \
         application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let text = Server::raw_to(standby, post.as_bytes());
    assert!(text.starts_with("HTTP/1.1 200 ") || text.starts_with("HTTP/1.1 303 "), "{text}");
    engine.stop();
}
