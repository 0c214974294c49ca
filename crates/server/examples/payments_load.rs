//! Payments per second over HTTP:
//! `payments_load HOST:PORT KEY [seconds] [connections] [per second, 0 for all] [card or balance]`.
//!
//! Each request creates and confirms a payment, under an idempotency key of its own: with a test card, or out of the
//! balance of a customer, of whom each connection has one. With a rate,
//! requests are sent when they are due, whether or not others have been answered, as far as there are connections;
//! latency counts from when a request was due. Prints how many were taken, refused with 429, and lost.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example says what it measured")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const BODY: &str = "amount=1999&currency=cny&confirm=true";
const CARD: &str = "payment_method=pm_card_visa&payment_method_types[]=card";
const BALANCE: &str = "payment_method_data[type]=customer_balance&payment_method_types[]=customer_balance";

#[derive(Default)]
struct Counts {
    taken: AtomicU64,
    busy: AtomicU64,
    other: AtomicU64,
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number =
        |at: usize, default: u64| words.get(at).map_or(default, |word| word.parse().expect("a number"));
    let (address, key) = (words[0].clone(), words[1].clone());
    let (seconds, connections, rate) = (number(2, 10), number(3, 64), number(4, 0));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let counts = Arc::new(Counts::default());
    let next = Arc::new(AtomicU64::new(0));
    let balance = match words.get(5).map(String::as_str) {
        None | Some("card") => false,
        Some("balance") => true,
        Some(other) => panic!("card or balance, not {other}"),
    };
    let mut began = Instant::now();
    let mut latencies = runtime.block_on(async {
        let mut tasks = Vec::new();
        let mut bodies = Vec::new();
        for _ in 0..connections {
            bodies.push(if balance {
                format!("{BODY}&{BALANCE}&customer={}", customer(&address, &key).await)
            } else {
                format!("{BODY}&{CARD}")
            });
        }
        began = Instant::now();
        let end = began + Duration::from_secs(seconds);
        for (at, body) in bodies.into_iter().enumerate() {
            let (address, key, counts, next) = (address.clone(), key.clone(), counts.clone(), next.clone());
            tasks.push(tokio::spawn(async move {
                let mut latencies = Vec::new();
                let mut stream = None;
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let due = match number.saturating_mul(1_000_000_000).checked_div(rate) {
                        None => Instant::now(),
                        Some(nanos) => {
                            let due = began + Duration::from_nanos(nanos);
                            tokio::time::sleep_until(due.into()).await;
                            due
                        }
                    };
                    if due >= end {
                        return latencies;
                    }
                    let name = format!("load-{at}-{number}-{began:?}");
                    let answer = post(&mut stream, &address, &key, "payment_intents", &name, &body).await;
                    match answer.as_ref().map(|(status, _)| *status) {
                        Some(200) => {
                            counts.taken.fetch_add(1, Ordering::Relaxed);
                            latencies.push(due.elapsed());
                        }
                        Some(429) => drop(counts.busy.fetch_add(1, Ordering::Relaxed)),
                        other => {
                            if counts.other.fetch_add(1, Ordering::Relaxed) == 0 {
                                eprintln!("first other answer: {other:?} {:?}", answer.map(|(_, text)| text));
                            }
                            stream = None;
                        }
                    }
                }
            }));
        }
        let mut all = Vec::new();
        for task in tasks {
            all.extend(task.await.expect("a task"));
        }
        all
    });
    let took = began.elapsed();
    latencies.sort_unstable();
    let at = |part: usize| latencies.get(latencies.len() * part / 1_000).copied().unwrap_or_default();
    let taken = counts.taken.load(Ordering::Relaxed);
    println!(
        "{taken} payments in {:.1} s: {} per second, p50 {:?}, p99 {:?}, p99.9 {:?}, {} times 429, {} other",
        took.as_secs_f64(),
        u128::from(taken) * 1_000 / took.as_millis().max(1),
        at(500),
        at(990),
        at(999),
        counts.busy.load(Ordering::Relaxed),
        counts.other.load(Ordering::Relaxed),
    );
}

/// Makes a customer who has money with us, and returns the id.
async fn customer(address: &str, key: &str) -> String {
    let (mut stream, name) = (None, format!("{:?}", Instant::now()));
    let made = post(&mut stream, address, key, "customers", &format!("customer-{name}"), "").await;
    let (status, text) = made.expect("an answer");
    assert_eq!(status, 200, "{text}");
    let id: String = text.split('"').find(|word| word.starts_with("cus_")).expect("an id").to_owned();
    let path = format!("test_helpers/customers/{id}/fund_cash_balance");
    let money = "amount=90000000000&currency=cny";
    let funded = post(&mut stream, address, key, &path, &format!("money-{name}"), money).await;
    let (status, text) = funded.expect("an answer");
    assert_eq!(status, 200, "{text}");
    id
}

/// Sends one request over a connection that is kept, and returns status and body; none when the connection failed.
async fn post(
    stream: &mut Option<TcpStream>,
    address: &str,
    key: &str,
    path: &str,
    name: &str,
    body: &str,
) -> Option<(u16, String)> {
    if stream.is_none() {
        let opened = TcpStream::connect(address).await.ok()?;
        opened.set_nodelay(true).ok()?;
        *stream = Some(opened);
    }
    let connection = stream.as_mut()?;
    let request = format!(
        "POST /v1/{path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\nIdempotency-Key: {name}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    connection.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::with_capacity(4096);
    loop {
        if connection.read_buf(&mut answer).await.ok()? == 0 {
            return None;
        }
        let Some(head) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let text = std::str::from_utf8(&answer[..head]).ok()?;
        let length = text.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        })?;
        if answer.len() >= head + 4 + length {
            let status = text.split(' ').nth(1)?.parse().ok()?;
            return Some((status, String::from_utf8_lossy(&answer[head + 4..]).into_owned()));
        }
    }
}
