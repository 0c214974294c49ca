//! What every answer has.

use crate::client::Server;
use std::num::NonZeroU32;
use suanpan_server::serve::Limits;

#[test]
fn unknown_addresses_and_methods_are_told_in_one_shape() {
    let server = Server::start();
    let reply = server.send("GET", "/v1/nothing?x=secret", &[], b"");
    assert_eq!(reply.status, 404);
    assert_eq!(reply.header("content-type"), Some("application/problem+json"));
    let id = reply.header("request-id").unwrap();
    assert!(id.starts_with("req_"), "{id}");
    let body = reply.json();
    assert_eq!(body["error"]["type"], "invalid_request_error");
    assert_eq!(body["error"]["message"], "Unrecognized request URL (GET: /v1/nothing).");
    assert_eq!(body["code"], "url_unknown");
    assert_eq!(body["type"], "urn:suanpan:problem:url_unknown");
    assert_eq!(body["status"], 404);
    assert_eq!(body["title"], "Not found");
    assert_eq!(body["detail"], body["error"]["message"]);
    assert_eq!(body["instance"], format!("urn:suanpan:request:{id}"));
    assert_eq!(body["retryable"], false);
    let reply = server.send("DELETE", "/healthz", &[], b"");
    assert_eq!((reply.status, reply.header("allow")), (405, Some("GET,HEAD")));
    assert_eq!(reply.json()["code"], "method_not_allowed");
}

#[test]
fn health_and_metrics_are_there() {
    let server = Server::start();
    assert_eq!(server.send("GET", "/healthz", &[], b"").body, "ok\n");
    assert_eq!(server.send("GET", "/readyz", &[], b"").status, 200);
    let reply = server.send("GET", "/metrics", &[], b"");
    assert_eq!(reply.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert!(
        reply.body.contains(r#"suanpan_http_requests_total{route="/healthz",status="200"}"#),
        "{}",
        reply.body
    );
    assert!(reply.body.contains(r#"suanpan_http_request_seconds_bucket{route="/healthz",le="0.05"}"#));
    let pay = "amount=1000&currency=cny&confirm=true&payment_method=";
    assert_eq!(server.post(&server.key, "/v1/payment_intents", &format!("{pay}pm_card_visa")).status, 200);
    let declined = format!("{pay}pm_card_chargeDeclined");
    assert_eq!(server.post(&server.key, "/v1/payment_intents", &declined).status, 402);
    let text = server.send("GET", "/metrics", &[], b"").body;
    for name in [
        "suanpan_queue_waiting 0",
        "suanpan_history_lag_entries ",
        "suanpan_writer_reloads_total ",
        r#"suanpan_events_total{type="payment_intent.succeeded"} "#,
        r#"suanpan_events_total{type="payment_intent.payment_failed"} "#,
        "suanpan_commit_seconds_count ",
        "# HELP suanpan_webhook_attempts_total",
    ] {
        assert!(text.lines().any(|line| line.starts_with(name)), "{name}: {text}");
    }
}

#[test]
fn who_is_not_known_is_told_so_before_anything_else() {
    let server = Server::start();
    let reply = server.send("POST", "/v1/payment_intents", &[("content-type", "text/plain")], b"x");
    assert_eq!(reply.status, 401);
    assert_eq!(reply.header("www-authenticate"), Some("Bearer realm=\"suanpan\""));
    assert_eq!(reply.json()["error"]["type"], "authentication_error");
    let mut forged = server.key.clone();
    let last = if forged.pop() == Some('0') { '1' } else { '0' };
    forged.push(last);
    let reply = server.get(&forged, "/v1/balance");
    assert_eq!(reply.status, 401);
    assert!(!reply.body.contains(&forged), "{}", reply.body);
    // The same letters do not make a live key.
    assert_eq!(server.get(&server.key.replace("_test_", "_live_"), "/v1/balance").status, 401);
}

#[test]
fn guesses_of_keys_from_one_address_are_counted() {
    let server = Server::start();
    assert_eq!(server.get(&server.key, "/v1/balance").status, 200);
    let statuses: Vec<u16> =
        (0..80).map(|_| server.get("sk_test_0123456789abcdefghjk", "/v1/balance").status).collect();
    assert!(statuses.contains(&429), "{statuses:?}");
    assert_eq!(server.get(&server.key, "/v1/balance").status, 200, "a key that was good goes on");
}

#[test]
fn one_key_may_send_so_many_requests() {
    let server = Server::with(Limits::default(), |config| {
        config.requests_per_second = NonZeroU32::new(3).unwrap();
    });
    let replies: Vec<_> = (0..12).map(|_| server.get(&server.key, "/v1/balance")).collect();
    let limited = replies.iter().find(|reply| reply.status == 429).expect("twelve at once are too many");
    assert_eq!(limited.header("retry-after"), Some("1"));
    assert_eq!(limited.json()["error"]["type"], "rate_limit_error");
}

#[test]
fn bodies_have_a_type_and_a_limit() {
    let server = Server::start();
    let bearer = format!("Bearer {}", server.key);
    let send = |kind: &str, body: &[u8]| {
        server.send("POST", "/v1/customers", &[("authorization", &bearer), ("content-type", kind)], body)
    };
    assert_eq!(send("text/plain", b"x").json()["code"], "content_type_not_taken");
    assert_eq!(send("application/json; charset=latin1", b"{}").status, 415);
    assert_eq!(send("application/json; charset=utf-8", br#"{"name":"Li"}"#).json()["name"], "Li");
    assert_eq!(send("application/x-www-form-urlencoded", b"name=Li").json()["name"], "Li");
    assert_eq!(send("application/json", b"{").json()["code"], "body_unreadable");
    assert_eq!(send("application/x-www-form-urlencoded", &vec![b'a'; (1 << 20) + 1]).status, 413);
    let reply = send("application/json", br#"{"metadata":{"a":{"b":1}}}"#);
    assert_eq!((reply.status, &reply.json()["error"]["param"]), (400, &"metadata".into()));
    let reply = send("application/json", br#"{"adress":{}}"#);
    assert_eq!(reply.json()["error"]["message"], "Received unknown parameter: adress. Did you mean address?");
    let reply = server.post(&server.key, "/v1/customers?name=Li", "");
    assert_eq!(reply.json()["code"], "query_not_taken");
}
