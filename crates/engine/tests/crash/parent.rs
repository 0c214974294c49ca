//! Starts, kills and listens to children, and remembers what they acknowledged.

use crate::child::{ADDRESS, LEASE, NEXT, NODE, WORKERS};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// What an acknowledgement says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ack {
    pub(crate) epoch: u64,
    pub(crate) seq: u64,
    pub(crate) hash: String,
    /// It was done before, and this is a repeat.
    pub(crate) repeated: bool,
    /// Digest of the body, of payments.
    pub(crate) body: String,
}

/// All acknowledgements of all children, by worker and place.
#[derive(Debug, Default)]
pub(crate) struct Acks {
    pub(crate) all: BTreeMap<(usize, u64), Vec<Ack>>,
    pub(crate) refusals: u64,
}

impl Acks {
    /// Where each worker goes on: with the first that nobody has acknowledged.
    fn next(&self) -> String {
        let next = |worker: usize| {
            let last = self.all.range((worker, 0)..(worker + 1, 0)).next_back();
            last.map_or(0, |((_, n), _)| n + 1).to_string()
        };
        (0..WORKERS).map(next).collect::<Vec<_>>().join(",")
    }
}

pub(crate) struct Child {
    process: std::process::Child,
    lines: Receiver<String>,
    /// The role that it told last.
    pub(crate) role: String,
    pub(crate) acked: u64,
    /// Why nothing was done, or may not have been, the last time.
    pub(crate) last_refusal: String,
}

impl Child {
    pub(crate) fn start(address: &str, node: &str, lease: Duration, acks: &Acks) -> Child {
        Child::start_by(Command::new(std::env::current_exe().unwrap()), address, node, lease, acks)
    }

    /// Starts by a command that runs this program in its own way.
    pub(crate) fn start_by(
        mut command: Command,
        address: &str,
        node: &str,
        lease: Duration,
        acks: &Acks,
    ) -> Child {
        let mut process = command
            .args(["child", "--exact", "--nocapture", "--test-threads", "1"])
            .env(ADDRESS, address)
            .env(NODE, node)
            .env(LEASE, lease.as_millis().to_string())
            .env(NEXT, acks.next())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let out = process.stdout.take().unwrap();
        let (send, lines) = channel();
        std::thread::spawn(move || {
            let mut out = BufReader::new(out);
            let mut line = String::new();
            // A line without its end was cut off by a kill: nobody can be held to it.
            while out.read_line(&mut line).is_ok_and(|read| read > 0) && line.ends_with('\n') {
                if send.send(std::mem::take(&mut line)).is_err() {
                    return;
                }
            }
        });
        Child { process, lines, role: String::new(), acked: 0, last_refusal: String::new() }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Listens for a time, or until something is so. Returns whether it became so.
    pub(crate) fn listen(&mut self, acks: &mut Acks, time: Duration, until: impl Fn(&Child) -> bool) -> bool {
        let end = Instant::now() + time;
        loop {
            if until(self) {
                return true;
            }
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => self.take(&line, acks),
                Err(RecvTimeoutError::Timeout) => return until(self),
                Err(RecvTimeoutError::Disconnected) => return until(self),
            }
        }
    }

    fn take(&mut self, line: &str, acks: &mut Acks) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["role", role] => self.role = role.to_owned(),
            [kind @ ("booked" | "paid"), worker, n, epoch, seq, hash, repeated, ..] => {
                let ack = Ack {
                    epoch: epoch.parse().unwrap(),
                    seq: seq.parse().unwrap(),
                    hash: hash.to_owned(),
                    repeated: repeated == "true",
                    body: if kind == "paid" { words[7].to_owned() } else { String::new() },
                };
                self.acked += 1;
                acks.all.entry((worker.parse().unwrap(), n.parse().unwrap())).or_default().push(ack);
            }
            ["no", ..] => {
                acks.refusals += 1;
                self.last_refusal = line.to_owned();
            }
            _ => {}
        }
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let sent =
            Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status().unwrap();
        assert!(sent.success(), "{name}");
    }

    /// Kills it without a word, and takes in all that it had acknowledged before.
    pub(crate) fn kill(mut self, acks: &mut Acks) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.listen(acks, Duration::from_secs(5), |_| false);
    }

    /// Lets it end by itself.
    pub(crate) fn stop(mut self, acks: &mut Acks) {
        drop(self.process.stdin.take());
        let end = Instant::now() + Duration::from_secs(20);
        while self.process.try_wait().unwrap().is_none() {
            self.listen(acks, Duration::from_millis(50), |_| false);
            assert!(Instant::now() < end, "it does not stop: {} {}", self.role, self.last_refusal);
        }
        self.listen(acks, Duration::from_secs(5), |_| false);
    }
}

/// A test that fails leaves no process behind.
impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
