//! `suanpan doctor`: what is wrong with a store and its surroundings, line by line, each with what to do.

use super::status::now_micros;
use crate::cli::{DoctorArgs, moment};
use crate::error::{Trouble, status};
use crate::http;
use crate::numbers::{grouped, size};
use crate::secrets;
use crate::store::{beside, file_of, open_existing};
use crate::terminal::{Paint, Terminal, harmless};
use serde_json::{Value, json};
use std::path::Path;
use suanpan_ledger::merkle::{chain_hash, root};
use suanpan_ledger::record::Record;
use suanpan_money::Timestamp;
use suanpan_store::{Database, StoreError};

/// Free bytes below which the disk is nearly full: a log of SQLite, a checkpoint and some minutes of records.
const FREE_BYTES_WARN: u64 = 2 << 30;
const FREE_BYTES_FAIL: u64 = 256 << 20;
/// Checkpoints that lag further make restarts slow.
const CHECKPOINT_LAG_WARN: u64 = 10_000;
/// By so much the clock may stand behind the newest record: machines differ a little.
const CLOCK_BEHIND_MICROS: i64 = 2_000_000;
/// The first version of Patroni whose standbys confirm what synchronous mode promises.
const PATRONI_MIN: (u64, u64) = (4, 1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Ok,
    Warn,
    Fail,
}

struct Finding {
    verdict: Verdict,
    name: &'static str,
    what: String,
    next: Option<String>,
}

fn ok(name: &'static str, what: impl Into<String>) -> Finding {
    Finding { verdict: Verdict::Ok, name, what: what.into(), next: None }
}

fn warn(name: &'static str, what: impl Into<String>, next: impl Into<String>) -> Finding {
    Finding { verdict: Verdict::Warn, name, what: what.into(), next: Some(next.into()) }
}

fn fail(name: &'static str, what: impl Into<String>, next: impl Into<String>) -> Finding {
    Finding { verdict: Verdict::Fail, name, what: what.into(), next: Some(next.into()) }
}

/// A finding out of trouble.
fn failed(name: &'static str, error: StoreError) -> Finding {
    let trouble = crate::store::at_store(error);
    let fault = &trouble.faults[0];
    fail(name, fault.what.clone(), fault.next.clone().unwrap_or_default())
}

pub(crate) fn run(args: &DoctorArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let mut findings = Vec::new();
    if let Some(url) = &args.patroni {
        findings.extend(patroni(url));
    }
    match open_existing(&args.store) {
        Ok(database) => findings.extend(store(&database, args)),
        Err(trouble) => {
            let fault = &trouble.faults[0];
            findings.push(fail("store", fault.what.clone(), fault.next.clone().unwrap_or_default()));
        }
    }
    if let Some(path) = file_of(&args.store.store) {
        findings.push(disk(path));
        findings.push(permissions(path));
    }
    findings.push(master_key(args));
    let text: String = findings.iter().map(|finding| finding.write(args.json, terminal)).collect();
    terminal.result(&text)?;
    let wrong = findings.iter().any(|finding| finding.verdict == Verdict::Fail);
    Ok(if wrong { status::DIFFERENCES } else { status::FINE })
}

impl Finding {
    fn write(&self, as_json: bool, terminal: Terminal) -> String {
        let verdict = match self.verdict {
            Verdict::Ok => "OK",
            Verdict::Warn => "WARN",
            Verdict::Fail => "FAIL",
        };
        if as_json {
            let value = json!({
                "type": "finding", "v": 1, "verdict": verdict, "name": self.name, "what": self.what, "next": self.next,
            });
            return value.to_string() + "\n";
        }
        let paint = Paint(terminal.color);
        let padded = format!("{verdict:<4}");
        let painted = match self.verdict {
            Verdict::Ok => paint.green(&padded),
            Verdict::Warn => paint.yellow(&padded),
            Verdict::Fail => paint.red(&padded),
        };
        let mut out = format!("{painted}  {:<10}  {}\n", self.name, harmless(&self.what));
        if let Some(next) = &self.next {
            out.push_str(&format!("                  next: {}\n", harmless(next)));
        }
        out
    }
}

fn store(database: &Database, args: &DoctorArgs) -> Vec<Finding> {
    let mut findings = vec![ok(
        "store",
        format!("{} ({}) answers, its schema is current", database.place(), database.engine()),
    )];
    findings.push(match (database.engine(), database.writer()) {
        ("sqlite", Ok(_)) => {
            ok("durability", "every commit is synced to disk (synchronous=FULL, write-ahead log)")
        }
        (_, Ok(_)) => ok("durability", "fsync, full_page_writes and synchronous_commit are on for writers"),
        (_, Err(error)) => failed("durability", error),
    });
    let standing = match database.reader().standing() {
        Ok(standing) => standing,
        Err(error) => {
            findings.push(failed("lease", error));
            return findings;
        }
    };
    let Some(standing) = standing else {
        findings.push(warn(
            "lease",
            "the store has no cell yet",
            "suanpan serve, or suanpan ledger open, makes it",
        ));
        return findings;
    };
    let left = standing.expires.saturating_sub(now_micros());
    findings.push(if left > 0 {
        ok("lease", format!("{} writes, epoch {}", standing.holder, standing.lease.epoch))
    } else if standing.expires > 0 {
        warn(
            "lease",
            format!("nobody writes; {} did not give the lease back", standing.holder),
            "start suanpan serve; if that process still runs, see its log",
        )
    } else {
        ok("lease", "nobody writes; the last writer gave the lease back")
    });
    findings.push(clock(standing.head.at));
    let lag = standing.head.seq.saturating_sub(standing.checkpoint);
    findings.push(if lag > CHECKPOINT_LAG_WARN {
        warn(
            "checkpoint",
            format!("{} records are newer than the last checkpoint", grouped(lag)),
            "a start replays them; a server that runs writes one by itself",
        )
    } else {
        ok("checkpoint", format!("record {} of {}", grouped(standing.checkpoint), grouped(standing.head.seq)))
    });
    findings.push(chain(database, &standing.head, args.records));
    findings.push(history(database, standing.head.entries));
    findings
}

fn clock(newest: i64) -> Finding {
    let now = now_micros();
    if now.saturating_add(CLOCK_BEHIND_MICROS) < newest {
        let at = moment(Timestamp::from_micros(newest));
        return fail(
            "clock",
            format!("the newest record is of {at}, which is still to come by the clock of this machine"),
            "set the clock: entries get the time of the newest record until it has caught up",
        );
    }
    ok("clock", format!("{}, not before the newest record", moment(Timestamp::from_micros(now))))
}

/// Computes the hashes of the newest records again.
fn chain(database: &Database, head: &suanpan_store::commit::Head, records: u64) -> Finding {
    const NEXT: &str = "suanpan ledger verify names all that is wrong; then restore a backup";
    let from = head.seq.saturating_sub(records) + 1;
    let reader = database.reader();
    let mut before = match from {
        1 => Some([0; 32]),
        from => match reader.marks(from - 1..from) {
            Ok(marks) => marks.first().map(|mark| mark.hash),
            Err(error) => return failed("chain", error),
        },
    };
    let (mut wrong, mut count) = (None, 0_u64);
    let read = reader.records(from, &mut |stored| {
        if stored.mark.seq > head.seq {
            return std::ops::ControlFlow::Break(());
        }
        let hash = Record::parse(&stored.body).ok().zip(before).map(|(record, before)| {
            let root = root(record.leaves());
            chain_hash(&before, record.header_bytes(), &root, &record.events_digest())
        });
        if hash != Some(stored.mark.hash) {
            wrong = Some(stored.mark.seq);
            return std::ops::ControlFlow::Break(());
        }
        before = hash;
        count += 1;
        std::ops::ControlFlow::Continue(())
    });
    match (read, wrong) {
        (Err(error), _) => failed("chain", error),
        (Ok(()), Some(seq)) => {
            fail("chain", format!("record {seq} was changed: its hash is not the one stored"), NEXT)
        }
        (Ok(()), None) if head.seq > 0 && before != Some(head.hash) => {
            fail("chain", "the newest record is not the one at which the cell stands", NEXT)
        }
        (Ok(()), None) => {
            ok("chain", format!("the newest {} records have the hashes that are stored", grouped(count)))
        }
    }
}

fn history(database: &Database, entries: u64) -> Finding {
    let sealed = database.history().and_then(|history| history.sealed(suanpan_store::RunKind::History));
    match sealed {
        Ok(sealed) => {
            ok("history", format!("{} of {} entries are sealed", grouped(sealed), grouped(entries)))
        }
        Err(error) => {
            let mut finding = failed("history", error);
            finding.verdict = Verdict::Warn;
            finding.next =
                Some("stop the server and remove the file of the history: it is made again".to_owned());
            finding
        }
    }
}

fn disk(path: &Path) -> Finding {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match rustix::fs::statvfs(folder) {
        Ok(stat) => {
            let free = stat.f_bavail.saturating_mul(stat.f_frsize);
            let what = format!("{} are free at {}", size(free), folder.display());
            if free < FREE_BYTES_FAIL {
                fail("disk", what, "make room now: commits fail when the disk is full")
            } else if free < FREE_BYTES_WARN {
                warn("disk", what, "make room, or move the store to a larger disk")
            } else {
                ok("disk", what)
            }
        }
        Err(error) => fail("disk", format!("{}: {error}", folder.display()), "check the path of the store"),
    }
}

fn permissions(path: &Path) -> Finding {
    use std::os::unix::fs::MetadataExt;
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.mode() & 0o002 != 0 => fail(
            "files",
            "every user of this machine may change the store",
            format!("chmod o-w {}", path.display()),
        ),
        Ok(metadata) if metadata.mode() & 0o004 != 0 => warn(
            "files",
            "every user of this machine may read the store",
            format!("chmod o-r {}", path.display()),
        ),
        Ok(_) => ok("files", "other users of this machine cannot read the store"),
        Err(error) => fail("files", error.to_string(), "check the path of the store"),
    }
}

fn master_key(args: &DoctorArgs) -> Finding {
    let key = crate::cli::MasterKeyArgs { master_key_file: None };
    match secrets::master_key(&key, &args.store, false) {
        Ok(_) => ok("master key", "it is there, and others cannot read it"),
        Err(trouble) if trouble.faults[0].code == "key_missing" => warn(
            "master key",
            format!("not at {}", beside(&args.store, "master-key").display()),
            "suanpan serve makes it on its first start; books alone need none",
        ),
        Err(trouble) => {
            let fault = &trouble.faults[0];
            fail("master key", fault.what.clone(), fault.next.clone().unwrap_or_default())
        }
    }
}

/// Looks at a member of a Patroni cluster by its REST interface.
fn patroni(url: &str) -> Vec<Finding> {
    let unreachable = |what: String| {
        vec![fail("patroni", what, "give the address of its REST interface, usually http://host:8008")]
    };
    let got = match http::get(&format!("{}/patroni", url.trim_end_matches('/'))) {
        Ok(got) => got,
        Err(trouble) => return unreachable(trouble.faults[0].what.clone()),
    };
    match serde_json::from_slice::<Value>(&got.body) {
        Ok(member) => of_member(&member),
        Err(_) => unreachable(format!("{url} answers with status {} and no JSON", got.status)),
    }
}

fn of_member(member: &Value) -> Vec<Finding> {
    let version = member["patroni"]["version"].as_str().unwrap_or("unknown");
    let mut numbers = version.split('.').map(|number| number.parse::<u64>().ok());
    let found = numbers.next().flatten().zip(numbers.next().flatten());
    let first = match found {
        Some(found) if found >= PATRONI_MIN => ok("patroni", format!("version {version}")),
        _ => fail(
            "patroni",
            format!("version {version} may promote a standby that lacks acknowledged commits"),
            format!("use Patroni {}.{} or newer", PATRONI_MIN.0, PATRONI_MIN.1),
        ),
    };
    let state = member["state"].as_str().unwrap_or("unknown");
    let role = member["role"].as_str().unwrap_or("unknown");
    let running = matches!(state, "running" | "streaming" | "in archive recovery");
    let second = if running {
        ok("member", format!("{role}, {state}"))
    } else {
        fail(
            "member",
            format!("{role}, {state}"),
            "patronictl list shows the cluster; see the log of this member",
        )
    };
    let mut findings = vec![first, second];
    if member["pause"].as_bool() == Some(true) {
        findings.push(warn("failover", "the cluster is paused: no standby takes over", "patronictl resume"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(member: Value) -> Vec<Verdict> {
        of_member(&member).iter().map(|finding| finding.verdict).collect()
    }

    #[test]
    fn old_versions_of_patroni_are_refused() {
        for (version, expected) in [
            ("4.1.0", Verdict::Ok),
            ("4.10", Verdict::Ok),
            ("5.0.1", Verdict::Ok),
            ("4.0.9", Verdict::Fail),
            ("3.9", Verdict::Fail),
            ("", Verdict::Fail),
            ("new", Verdict::Fail),
        ] {
            let member = json!({ "patroni": { "version": version }, "state": "running", "role": "primary" });
            assert_eq!(verdicts(member)[0], expected, "{version}");
        }
        let stopped = json!({ "patroni": { "version": "4.1.0" }, "state": "stopped", "role": "replica", "pause": true });
        assert_eq!(verdicts(stopped), [Verdict::Ok, Verdict::Fail, Verdict::Warn]);
        assert_eq!(verdicts(json!({})), [Verdict::Fail, Verdict::Fail]);
    }
}
