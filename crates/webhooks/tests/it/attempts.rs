//! One attempt against everything that a receiver may do.

use crate::receiver::{Receiver, wire};
use bytes::Bytes;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use suanpan_messages::signing::webhook::{self, stripe};
use suanpan_money::Timestamp;
use suanpan_webhooks::SigningSecret;
use suanpan_webhooks::deliver::{Answered, Attempt, BOUNDS, Message, attempt};
use suanpan_webhooks::target::{Lookup, Policy, Resolver};
use suanpan_webhooks::wire::{Bounds, Wire};

pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);
pub(crate) const BODY: &str = "{\n  \"id\": \"evt_1\",\n  \"note\": \"算盘\"\n}";

fn quick() -> Bounds {
    Bounds {
        connect: Duration::from_millis(300),
        total: Duration::from_millis(400),
        body: Duration::from_millis(200),
        ..BOUNDS
    }
}

async fn send(wire: &Wire, url: &str, secrets: &[&str]) -> Attempt {
    let secrets: Vec<_> = secrets.iter().map(|text| SigningSecret::parse(text).unwrap()).collect();
    let body = Bytes::from_static(BODY.as_bytes());
    attempt(wire, &Message { event: "evt_1", body, url, secrets: &secrets, live: false }, quick(), NOW).await
}

async fn answered(receiver: &Receiver, path: &str) -> Result<Answered, &'static str> {
    let secret = SigningSecret::text_of(&[1; 24]);
    send(&wire(), &receiver.url(path), &[&secret]).await.result.map_err(|failure| failure.code)
}

#[tokio::test]
async fn a_receiver_of_either_school_can_verify_what_it_gets_and_nothing_else_is_there() {
    let receiver = Receiver::start().await;
    let (old, new) = (SigningSecret::text_of(&[1; 24]), SigningSecret::text_of(&[2; 24]));
    let log = send(&wire(), &receiver.url("/status/200?shop=7"), &[&new, &old]).await;
    let got = receiver.received().pop().unwrap();
    assert!(got.head.starts_with("POST /status/200?shop=7 HTTP/1.1\r\n"), "{}", got.head);
    assert_eq!(got.body, BODY.as_bytes());
    assert_eq!(got.header("host"), receiver.address.to_string());
    assert_eq!(got.header("content-type"), "application/json; charset=utf-8");
    let message = webhook::Message {
        id: got.header("webhook-id"),
        timestamp: got.header("webhook-timestamp"),
        signatures: got.header("webhook-signature"),
        body: &got.body,
    };
    let now = 1_700_000_000;
    for secret in [&old, &new] {
        let standard = [webhook::Secret::parse(secret).unwrap()];
        assert_eq!(webhook::verify(&standard, &message, now, 300), Ok(()));
        let tampered = webhook::Message { body: b"{}", ..message };
        assert!(webhook::verify(&standard, &tampered, now, 300).is_err());
        assert!(webhook::verify(&standard, &message, now + 301, 300).is_err());
        let other = [stripe::Secret::new(secret).unwrap()];
        assert_eq!(stripe::verify(&other, got.header("stripe-signature"), &got.body, now, 300), Ok(()));
    }
    let text = format!("{log:?}");
    for secret in [&old, &new] {
        assert!(!text.contains(&secret[10..]), "{text}");
    }
    for tag in got.header("webhook-signature").split(' ') {
        assert!(!text.contains(tag), "{text}");
    }
    assert_eq!(log.address, Some(receiver.address));
    assert_eq!(log.at, NOW);
    assert_eq!(log.result.unwrap().excerpt, "as asked\n");
}

#[tokio::test]
async fn every_answer_is_told_as_it_was() {
    let receiver = Receiver::start().await;
    for status in [200, 204, 301, 400, 404, 410, 500, 599] {
        assert_eq!(answered(&receiver, &format!("/status/{status}")).await.unwrap().status, status);
    }
    let later = answered(&receiver, "/later/120").await.unwrap();
    assert_eq!((later.status, later.retry_after), (503, Some(120)));
    assert_eq!(answered(&receiver, "/early").await.unwrap().status, 204);
    // Control characters of a terminal do not get into a log.
    let binary = answered(&receiver, "/binary").await.unwrap();
    assert_eq!(binary.excerpt, "\u{fffd}\u{fffd}\u{fffd}[2J");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let receiver = Receiver::start().await;
    assert_eq!(answered(&receiver, "/redirects").await.unwrap().status, 307);
    assert_eq!(receiver.received().len(), 1);
}

#[tokio::test]
async fn what_is_no_answer_is_a_failure_with_a_name() {
    let receiver = Receiver::start().await;
    for (path, code) in [
        ("/closes", "answer"),
        ("/garbage", "answer"),
        ("/silent", "timeout"),
        ("/dripping-head", "timeout"),
        ("/huge-head/50", "answer_or_fine"),
        ("/huge-head/200", "answer"),
    ] {
        let start = Instant::now();
        let result = answered(&receiver, path).await;
        match code {
            "answer_or_fine" => assert_eq!(result.unwrap().status, 200, "{path}"),
            code => assert_eq!(result.unwrap_err(), code, "{path}"),
        }
        assert!(start.elapsed() < Duration::from_secs(2), "{path}: {:?}", start.elapsed());
    }
    drop(receiver);
    let nobody = "http://127.0.0.1:9/";
    assert_eq!(
        send(&wire(), nobody, &["whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"]).await.result.unwrap_err().code,
        "port"
    );
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let log = send(&wire(), &format!("http://{free}/"), &[&SigningSecret::text_of(&[1; 24])]).await;
    assert_eq!(log.result.unwrap_err().code, "connect");
}

#[tokio::test]
async fn answers_are_read_to_4_kib_and_two_seconds_and_the_status_counts() {
    let receiver = Receiver::start().await;
    let huge = answered(&receiver, "/huge").await.unwrap();
    assert_eq!((huge.status, huge.excerpt.len(), huge.cut), (200, 4 << 10, true));
    for path in ["/drips", "/breaks"] {
        let start = Instant::now();
        let answer = answered(&receiver, path).await.unwrap();
        assert!(answer.cut && answer.status == 200, "{path}: {answer:?}");
        assert!(answer.excerpt.starts_with(if path == "/drips" { "start" } else { "only this" }));
        assert!(start.elapsed() < Duration::from_secs(1), "{path}");
    }
}

#[tokio::test]
async fn a_message_that_cannot_be_signed_or_may_not_go_there_is_not_sent() {
    let receiver = Receiver::start().await;
    let live = Wire::new(Policy::live(), Arc::new(suanpan_webhooks::target::SystemResolver));
    let secret = SigningSecret::text_of(&[1; 24]);
    assert_eq!(send(&wire(), &receiver.url("/status/200"), &[]).await.result.unwrap_err().code, "no_secret");
    let codes = [
        (receiver.url("/status/200"), "not_https"),
        (format!("https://{}/", receiver.address), "address_not_permitted"),
        (format!("https://localhost:{}/", receiver.address.port()), "address_not_permitted"),
        ("https://u:p@example.com/".to_owned(), "user_info"),
    ];
    for (url, code) in codes {
        assert_eq!(send(&live, &url, &[&secret]).await.result.unwrap_err().code, code, "{url}");
    }
    assert!(receiver.received().is_empty());
}

/// A name that is outside when it is first looked at, and inside from then on.
#[derive(Debug, Default)]
struct Rebinding(AtomicUsize);

impl Resolver for Rebinding {
    fn lookup<'a>(&'a self, _: &'a str, port: u16) -> Lookup<'a> {
        let first = self.0.fetch_add(1, Ordering::SeqCst) == 0;
        let ip: IpAddr = if first { "192.0.2.1" } else { "127.0.0.1" }.parse().unwrap();
        Box::pin(async move { Ok(vec![SocketAddr::new(ip, port)]) })
    }
}

#[tokio::test]
async fn a_name_that_turns_inward_is_refused_at_the_attempt_and_looked_up_once_for_each() {
    let receiver = Receiver::start().await;
    let resolver = Arc::new(Rebinding::default());
    // 192.0.2.1 (TEST-NET-1) stands for an address of the open internet; nothing answers there.
    let networks = suanpan_webhooks::target::address::Network::parse_list("192.0.2.0/24").unwrap();
    let policy = Policy { plain_http: true, networks, ..Policy::live() };
    let wire = Wire::new(policy, Arc::clone(&resolver) as Arc<dyn Resolver>);
    let url = format!("http://rebind.example:{}/status/200", receiver.address.port());
    let secret = SigningSecret::text_of(&[1; 24]);
    let first = send(&wire, &url, &[&secret]).await.result.unwrap_err();
    assert!(matches!(first.code, "connect" | "timeout"), "{first:?}");
    assert_eq!(resolver.0.load(Ordering::SeqCst), 1, "what was judged is what is called");
    let second = send(&wire, &url, &[&secret]).await.result.unwrap_err();
    assert_eq!(second.code, "address_not_permitted");
    assert!(receiver.received().is_empty());
}

#[tokio::test]
async fn events_of_live_mode_never_go_over_plain_http() {
    let receiver = Receiver::start().await;
    let secrets = [SigningSecret::parse(&SigningSecret::text_of(&[1; 24])).unwrap()];
    for (live, expected) in [(false, None), (true, Some("not_https"))] {
        let url = receiver.url("/status/200");
        let body = Bytes::from_static(BODY.as_bytes());
        let message = Message { event: "evt_1", body, url: &url, secrets: &secrets, live };
        let done = attempt(&wire(), &message, quick(), NOW).await;
        assert_eq!(done.result.err().map(|failure| failure.code), expected);
    }
    assert_eq!(receiver.received().len(), 1);
}
