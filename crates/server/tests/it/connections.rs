//! Connections that are slow, many, malformed or caught by the end of the process.

use crate::client::Server;
use std::io::{Read, Write};
use std::time::{Duration, Instant};
use suanpan_server::serve::Limits;

fn server(change: impl FnOnce(&mut Limits)) -> Server {
    let mut limits = Limits::default();
    change(&mut limits);
    Server::with(limits, |_| {})
}

#[test]
fn who_sends_headers_slowly_is_cut_off() {
    let server = server(|limits| limits.head_time = Duration::from_millis(200));
    let begun = Instant::now();
    let mut stream = server.connect();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n").unwrap();
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(150) && took < Duration::from_secs(5), "{took:?}");
    assert!(!String::from_utf8_lossy(&text).contains("200 OK"));
}

#[test]
fn an_idle_connection_is_closed_as_well() {
    let server = server(|limits| limits.head_time = Duration::from_millis(200));
    let mut stream = server.connect();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
    assert!(text.ends_with("ok\n"));
}

#[test]
fn more_connections_than_allowed_wait_for_their_turn() {
    let server = server(|limits| limits.connections = 1);
    let first = server.connect();
    let mut second = server.connect();
    second.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    second.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let mut byte = [0];
    assert!(second.read(&mut byte).is_err(), "it was answered although the first is still there");
    drop(first);
    second.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut text = String::new();
    second.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
}

#[test]
fn one_address_has_so_many_connections_and_no_more() {
    let server = server(|limits| limits.connections_per_address = 2);
    let held = [server.connect(), server.connect()];
    // Both are accepted before the third.
    for mut stream in &held {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        assert!(stream.read(&mut [0; 64]).unwrap() > 0);
    }
    let mut third = server.connect();
    let _ = third.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
    assert_eq!(third.read(&mut [0; 64]).unwrap_or(0), 0, "it is closed without an answer");
    drop(held);
    let begun = Instant::now();
    while !server.raw(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").contains("200 OK") {
        assert!(begun.elapsed() < Duration::from_secs(5), "the places are free again");
    }
}

#[test]
fn who_asks_for_much_and_reads_nothing_is_cut_off() {
    const ASKED: usize = 200;
    let server = server(|limits| limits.write_time = Duration::from_millis(300));
    let one = server.raw(b"GET /openapi.json HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").len();
    let mut stream = server.connect();
    stream.write_all("GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(ASKED).as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(1_500));
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    assert!(text.len() < one * ASKED / 2, "{} bytes of {}", text.len(), one * ASKED);
}

#[test]
fn what_two_readers_could_read_differently_is_refused() {
    let server = server(|_| {});
    for (what, request) in [
        (
            "two lengths",
            "POST /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        ),
        (
            "a length beside chunks",
            "POST /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked, identity\r\n\r\nab",
        ),
        ("a space before the colon", "GET /healthz HTTP/1.1\r\nhost : x\r\n\r\n"),
        ("a folded header", "GET /healthz HTTP/1.1\r\nhost: x\r\nx-a: 1\r\n b\r\n\r\n"),
        ("a bare line feed in a value", "GET /healthz HTTP/1.1\r\nhost: x\r\nx-a: a\rb\r\n\r\n"),
        ("no version", "GET /healthz\r\n\r\n"),
        ("a length that is none", "POST /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: +1\r\n\r\na"),
    ] {
        let text = server.raw(request.as_bytes());
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 400 "), "{what}: {text}");
    }
}

#[test]
fn heads_have_a_limit() {
    let server = server(|_| {});
    let long = format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx-a: {}\r\n\r\n", "a".repeat(64 << 10));
    assert!(server.raw(long.as_bytes()).starts_with("HTTP/1.1 431 "));
    let many = format!("GET /healthz HTTP/1.1\r\nhost: x\r\n{}\r\n", "x-a: 1\r\n".repeat(100));
    assert!(server.raw(many.as_bytes()).starts_with("HTTP/1.1 431 "));
}

#[test]
fn a_request_in_flight_is_answered_before_the_end() {
    let mut server = server(|limits| limits.shutdown_time = Duration::from_millis(500));
    let mut stream = server.connect();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut bytes = [0; 15];
    stream.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"HTTP/1.1 200 OK");
    assert_eq!(server.stop(), 0, "an idle connection does not hold up the end");
    assert!(std::net::TcpStream::connect(server.address).is_err(), "the port is free again");
}
