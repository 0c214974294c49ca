//! What every answer has.

use crate::client::Server;
use suanpan_server::api::Api;
use suanpan_server::serve::Limits;

#[test]
fn unknown_addresses_and_methods_are_told_in_one_shape() {
    let server = Server::start(Api::new([7; 32]), Limits::default());
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
    let server = Server::start(Api::new([7; 32]), Limits::default());
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
}
