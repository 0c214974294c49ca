//! How fast commits are: `cargo run --release -p suanpan-store --example commit_rate [seconds]`.
//!
//! Two loads, on a file of SQLite and on a PostgreSQL that is started for it: journal records of 8,190 entries
//! of 40 bytes, and commits of 50 payments, each with three objects, two links, an answer and a job.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]
#![expect(clippy::float_arithmetic, reason = "rates, no money")]

use std::time::{Duration, Instant};
use suanpan_store::commit::{Answer, Commit, Head, Job, Lease, Link, Object};
use suanpan_store::{Database, Store, open};

const ENTRIES: usize = 8_190;
const ENTRY_BYTES: usize = 40;
const PAYMENTS: u64 = 50;

type Anything<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Anything<()> {
    let seconds = std::env::args().nth(1).map_or(Ok(5), |text| text.parse())?;
    let folder = tempfile::tempdir_in(".")?;
    let cluster = suanpan_testkit::Cluster::start();
    for (name, load) in [("entries.sqlite", entries as Fill), ("payments.sqlite", payments as Fill)] {
        let file = folder.path().join(name);
        for address in [file.display().to_string(), cluster.database()] {
            measure(&open(&address)?, load, Duration::from_secs(seconds))?;
        }
    }
    Ok(())
}

/// Fills a commit and says what it does.
type Fill = fn(&mut Commit, &mut Noise) -> &'static str;

/// Bytes that do not compress, always the same.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count.div_ceil(8)).flat_map(|_| self.next().to_le_bytes()).take(count).collect()
    }
}

fn entries(commit: &mut Commit, noise: &mut Noise) -> &'static str {
    commit.record = noise.bytes(ENTRIES * ENTRY_BYTES);
    commit.after.entries += ENTRIES as u64;
    "records of 8,190 entries"
}

fn payments(commit: &mut Commit, noise: &mut Noise) -> &'static str {
    commit.record = noise.bytes(usize::try_from(PAYMENTS).unwrap_or(0) * ENTRY_BYTES);
    commit.after.entries += PAYMENTS;
    let at = commit.after.at;
    for _ in 0..PAYMENTS {
        // Ids begin with the time, as those of version 7 do.
        let name = format!("{:012x}{:016x}", at, noise.next());
        let merchant = format!("acct_{:03}", noise.next() % 1000);
        for kind in ["payment_intent", "charge", "event"] {
            let id = format!("{kind}_{name}");
            let filler: String = noise.bytes(270).iter().map(|byte| format!("{byte:02x}")).collect();
            let body = format!("{{\"id\":\"{id}\",\"filler\":\"{filler}\"}}");
            commit.objects.push(Object {
                id,
                kind,
                merchant: merchant.clone(),
                live: true,
                created: at,
                version: 1,
                body,
            });
        }
        for (link, key) in
            [("charge.intent", format!("payment_intent_{name}")), ("charge.customer", merchant.clone())]
        {
            commit.links.push(Link { name: link, key, id: format!("charge_{name}"), unique: false });
        }
        commit.answers.push(Answer {
            scope: merchant,
            key: format!("{:016x}", noise.next()),
            digest: [3; 32],
            answered: Some((
                200,
                commit.objects.last().map_or(Vec::new(), |object| object.body.clone().into()),
            )),
            within: None,
            created: at,
        });
        let id = format!("webhook_{name}");
        commit.jobs.push(Job { id, kind: "webhook", due: at, body: "{}".to_owned() });
    }
    "commits of 50 payments"
}

fn measure(database: &Database, fill: Fill, time: Duration) -> Anything<()> {
    let mut store: Box<dyn Store> = database.writer()?;
    let (lease, mut head) = store.acquire(0, "rate", Duration::from_secs(3600))?;
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
    let (mut took, mut bytes, mut what, mut done) = (Vec::new(), 0, "", Vec::new());
    let start = Instant::now();
    let (mut made, mut cpu_ns) = (Duration::ZERO, 0);
    while start.elapsed() < time + made {
        let making = Instant::now();
        let mut commit = empty(lease, head);
        what = fill(&mut commit, &mut noise);
        commit.jobs_done =
            std::mem::replace(&mut done, commit.jobs.iter().map(|job| job.id.clone()).collect());
        bytes += commit.record.len() + commit.objects.iter().map(|object| object.body.len()).sum::<usize>();
        made += making.elapsed();
        let committing = Instant::now();
        let cpu = on_cpu();
        store.commit(&commit)?;
        took.push(committing.elapsed());
        cpu_ns += on_cpu() - cpu;
        head = commit.after;
    }
    took.sort();
    let busy: f64 = took.iter().map(Duration::as_secs_f64).sum();
    let rate = took.len() as f64 / busy;
    let at = |share: usize| took.get(took.len() * share / 1000).copied().unwrap_or_default();
    println!(
        "{:8} {what}: {rate:.0} commits/s, {:.0} entries or payments/s, {:.1} MB/s; p50 {:.2?}, p99 {:.2?}, \
         longest {:.2?}, \
         {:.2} ms of processor time in this thread; database {} MB",
        database.engine(),
        head.entries as f64 / busy,
        bytes as f64 / busy / 1e6,
        at(500),
        at(990),
        took.last().copied().unwrap_or_default(),
        cpu_ns as f64 / took.len() as f64 / 1e6,
        database.reader().sizes()?.bytes >> 20,
    );
    Ok(())
}

/// How long this thread was on a processor, nanoseconds; 0 where Linux does not say.
fn on_cpu() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0)
}

fn empty(lease: Lease, before: Head) -> Commit {
    let mut hash = before.hash;
    hash[..8].copy_from_slice(&(before.seq + 1).to_le_bytes());
    Commit {
        lease,
        before,
        after: Head { seq: before.seq + 1, hash, at: before.at.max(1 << 50) + 1000, ..before },
        record: Vec::new(),
        root: [1; 32],
        accounts: Vec::new(),
        objects: Vec::new(),
        links: Vec::new(),
        events: Vec::new(),
        answers: Vec::new(),
        jobs: Vec::new(),
        jobs_done: Vec::new(),
        checkpoint: None,
    }
}
