//! A receiver of webhooks that does what the path of a request says.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use suanpan_webhooks::target::{FixedResolver, Policy};
use suanpan_webhooks::wire::Wire;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What was received.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) head: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", self.headers))
    }
}

/// A server, ended with the test.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    task: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    pub(crate) async fn start() -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&received);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(answer(stream, Arc::clone(&log)));
            }
        });
        Receiver { address, received, task }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

/// Reads one request and answers it.
pub(crate) async fn answer<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, log: Arc<Mutex<Vec<Received>>>) {
    let Some(request) = read(&mut stream).await else { return };
    let path = request.path.clone();
    let seen = {
        let mut log = log.lock().unwrap();
        log.push(request);
        log.iter().filter(|before| before.path == path).count()
    };
    let plain = path.split('?').next().unwrap();
    let (verb, number) = plain.trim_start_matches('/').split_once('/').unwrap_or((&plain[1..], "0"));
    let number: usize = number.parse().unwrap_or(0);
    let text = |status: &str, more: &str, body: &str| {
        format!("HTTP/1.1 {status}\r\n{more}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
    };
    let bytes = match verb {
        "status" => text(&format!("{number} Some"), "", "as asked\n"),
        // Fails so many times, then works.
        "recovers" if seen <= number => text("500 Down", "", "not yet"),
        "recovers" => text("200 OK", "", "at last"),
        "later" => text("503 Busy", &format!("retry-after: {number}\r\n"), ""),
        "redirects" => text("307 Over there", "location: /status/200\r\n", ""),
        "silent" => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            return;
        }
        "closes" => return,
        "garbage" => b"SSH-2.0-OpenSSH_9.9\r\n\x00\xff\r\n".to_vec(),
        "binary" => [&b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n"[..], b"\xff\x00\x1b[2J"].concat(),
        // A head and then one byte now and again, for ever.
        "drips" => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nstart").await;
            while stream.write_all(b".").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            return;
        }
        "dripping-head" => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
            while stream.write_all(b"x: y\r\n").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            return;
        }
        "huge" => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
            let chunk = [&b"10000\r\n"[..], &[b'x'; 0x10000], b"\r\n"].concat();
            while stream.write_all(&chunk).await.is_ok() {}
            return;
        }
        "huge-head" => {
            let mut head = b"HTTP/1.1 200 OK\r\n".to_vec();
            head.extend(format!("x: {}\r\n", "y".repeat(1000)).repeat(number).into_bytes());
            [&head[..], b"content-length: 0\r\n\r\n"].concat()
        }
        "breaks" => b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this".to_vec(),
        "early" => b"HTTP/1.1 103 Early\r\nlink: x\r\n\r\nHTTP/1.1 204 No\r\n\r\n".to_vec(),
        other => panic!("{other}"),
    };
    let _ = stream.write_all(&bytes).await;
    let _ = stream.shutdown().await;
}

async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> Option<Received> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let path = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = bytes.split_off(end);
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Received { path, head, headers, body })
}

/// A way out that reaches this machine.
pub(crate) fn wire() -> Wire {
    let names = FixedResolver::default().with("hooks.example", &[IpAddr::V4(Ipv4Addr::LOCALHOST)]);
    Wire::new(Policy::development(), Arc::new(names))
}
