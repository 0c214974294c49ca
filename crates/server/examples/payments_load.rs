//! Payments per second over HTTP: `payments_load HOST:PORT KEY [seconds] [connections] [per second, 0 for all]`.
//!
//! Each request creates and confirms a payment with a test card, under an idempotency key of its own. With a rate,
//! requests are sent when they are due, whether or not others have been answered, as far as there are connections;
//! latency counts from when a request was due. Prints how many were taken, refused with 429, and lost.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example says what it measured")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const BODY: &str =
    "amount=1999&currency=cny&confirm=true&payment_method=pm_card_visa&payment_method_types[]=card";

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
    let began = Instant::now();
    let end = began + Duration::from_secs(seconds);
    let mut latencies = runtime.block_on(async {
        let mut tasks = Vec::new();
        for at in 0..connections {
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
                    let status =
                        one(&mut stream, &address, &key, &format!("load-{at}-{number}-{:?}", began)).await;
                    match status {
                        Some(200) => {
                            counts.taken.fetch_add(1, Ordering::Relaxed);
                            latencies.push(due.elapsed());
                        }
                        Some(429) => drop(counts.busy.fetch_add(1, Ordering::Relaxed)),
                        other => {
                            if counts.other.fetch_add(1, Ordering::Relaxed) == 0 {
                                eprintln!("first other answer: {other:?}");
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

/// Sends one request over a connection that is kept, and returns the status; none when the connection failed.
async fn one(stream: &mut Option<TcpStream>, address: &str, key: &str, name: &str) -> Option<u16> {
    if stream.is_none() {
        let opened = TcpStream::connect(address).await.ok()?;
        opened.set_nodelay(true).ok()?;
        *stream = Some(opened);
    }
    let connection = stream.as_mut()?;
    let request = format!(
        "POST /v1/payment_intents HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\nIdempotency-Key: {name}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{BODY}",
        BODY.len()
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
            return text.split(' ').nth(1)?.parse().ok();
        }
    }
}
