//! Checkout pages that listen: `checkout_load HOST:PORT KEY [pages] [payments] [per second]`.
//!
//! Opens a checkout session for each page and listens to its events. When all listen it prints `listening` and waits for a
//! line on its input, so that whoever started it can look at the memory of the server. Then it pays some of them, one
//! after the other at a steady rate, and measures for each the time from the answer to the payment, which comes right
//! after the commit, to the event on the page. An event that is there before the answer counts as 0.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example says what it measured")]

use std::sync::Arc;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

const SESSION: &str = "amount=1999&currency=cny&success_url=https://shop.example/thanks";

/// When the event came that a page is paid.
type Told = Arc<Mutex<Option<Instant>>>;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number =
        |at: usize, default: u64| words.get(at).map_or(default, |word| word.parse().expect("a number"));
    let (address, key) = (words[0].clone(), words[1].clone());
    let (pages, payments, rate) = (number(2, 10_000), number(3, 1_000), number(4, 50).max(1));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let began = Instant::now();
        let mut listening = Vec::new();
        for _ in 0..pages {
            let made = ask(&address, &key, "POST", "/v1/checkout/sessions", SESSION).await;
            let id = member(&made, "\"id\":\"cs_", '"').map(|rest| format!("cs_{rest}")).expect("a session");
            let told: Told = Arc::default();
            let stream = listen(&address, &id).await.expect("a page listens");
            tokio::spawn(follow(stream, told.clone()));
            listening.push((id, told));
        }
        println!("listening {pages} in {:.1} s", began.elapsed().as_secs_f32());
        let mut line = String::new();
        BufReader::new(stdin()).read_line(&mut line).await.expect("a line");
        let mut late = Vec::new();
        let (begin, mut lost) = (Instant::now(), 0_u64);
        for (at, (id, told)) in (0_u64..).zip(listening.iter().take(payments as usize)) {
            tokio::time::sleep_until((begin + Duration::from_micros(at * 1_000_000 / rate)).into()).await;
            pay(&address, id).await;
            let answered = Instant::now();
            let came = loop {
                // Not locked while this waits.
                let came = *told.lock().expect("nobody panics");
                match came {
                    Some(came) => break Some(came),
                    None if answered.elapsed() > Duration::from_secs(10) => break None,
                    None => tokio::time::sleep(Duration::from_micros(200)).await,
                }
            };
            match came {
                Some(came) => late.push(came.saturating_duration_since(answered)),
                None => lost += 1,
            }
        }
        late.sort_unstable();
        let part = |of: usize| late.get((late.len() * of / 1_000).min(late.len().saturating_sub(1))).copied();
        let shown = |of| {
            let micros = part(of).unwrap_or_default().as_micros();
            format!("{}.{}", micros / 1_000, micros / 100 % 10)
        };
        println!(
            "{} told, {lost} lost, p50 {} ms, p99 {} ms, p99.9 {} ms",
            late.len(),
            shown(500),
            shown(990),
            shown(999)
        );
    });
}

/// The input as a stream. One thread reads it.
fn stdin() -> impl tokio::io::AsyncRead + Unpin {
    let (mut to, from) = tokio::io::duplex(64);
    let handle = tokio::runtime::Handle::current();
    std::thread::spawn(move || {
        let mut line = String::new();
        let _ = std::io::stdin().read_line(&mut line);
        handle.block_on(async { to.write_all(line.as_bytes()).await.ok() });
    });
    from
}

fn member<'t>(text: &'t str, begin: &str, end: char) -> Option<&'t str> {
    text.split(begin).nth(1)?.split(end).next()
}

async fn ask(address: &str, key: &str, method: &str, path: &str, form: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {key}\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
        form.len()
    );
    stream.write_all(request.as_bytes()).await.expect("it is taken");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}

async fn listen(address: &str, id: &str) -> std::io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /c/{id}/events HTTP/1.1\r\nhost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut head = [0; 512];
    let read = stream.read(&mut head).await?;
    assert!(head[..read].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&head[..read]));
    Ok(stream)
}

/// Reads until the page is told that it is paid. It reads into little, since there are many.
async fn follow(mut stream: TcpStream, told: Told) {
    let mut text = Vec::new();
    let mut part = [0; 256];
    while let Ok(read) = stream.read(&mut part).await {
        if read == 0 {
            return;
        }
        text.extend_from_slice(&part[..read]);
        if text.windows(6).any(|word| word == b"\"paid\"") {
            told.lock().expect("nobody panics").get_or_insert_with(Instant::now);
            return;
        }
        let keep = text.len().saturating_sub(16);
        text.drain(..keep);
    }
}

/// Pays as a customer does on the page.
async fn pay(address: &str, id: &str) {
    let page = ask(address, "", "GET", &format!("/c/{id}"), "").await;
    let token = member(&page, "name=\"token\" value=\"", '"').expect("a token");
    let form = format!("token={token}&seen=0&test=pm_card_visa");
    let answer = ask(address, "", "POST", &format!("/c/{id}"), &form).await;
    assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
}
