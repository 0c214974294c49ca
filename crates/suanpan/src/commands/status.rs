//! `suanpan status`: where a store or a server stands.

use crate::cli::{StatusArgs, moment};
use crate::error::{Trouble, status};
use crate::http;
use crate::numbers::{grouped, size};
use crate::store::{at_store, open_existing};
use crate::terminal::Terminal;
use serde_json::json;
use std::time::{SystemTime, UNIX_EPOCH};
use suanpan_money::Timestamp;

pub(crate) fn run(args: &StatusArgs, terminal: Terminal) -> Result<u8, Trouble> {
    match &args.server {
        Some(server) => of_server(server, args.json, terminal),
        None => of_store(args, terminal),
    }
}

fn of_store(args: &StatusArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let database = open_existing(&args.store)?;
    let reader = database.reader();
    let standing = reader.standing().map_err(at_store)?;
    let Some(standing) = standing else {
        terminal.result(&if args.json {
            json!({ "store": database.place(), "engine": database.engine(), "cell": null }).to_string() + "\n"
        } else {
            format!("{}  {}: empty, no cell yet\n", database.place(), database.engine())
        })?;
        return Ok(status::FINE);
    };
    let sizes = reader.sizes().map_err(at_store)?;
    let history = database.history().map_err(at_store)?;
    let sealed = history.sealed(suanpan_store::RunKind::History).map_err(at_store)?;
    let left = standing.expires.saturating_sub(now_micros());
    let held = left > 0;
    let head = &standing.head;
    let at = (head.seq > 0).then(|| moment(Timestamp::from_micros(head.at)));
    if args.json {
        let value = json!({
            "store": database.place(),
            "engine": database.engine(),
            "cell": standing.lease.cell,
            "epoch": standing.lease.epoch,
            "holder": standing.holder,
            "held": held,
            "lease_left_ms": left.max(0) / 1000,
            "record": head.seq,
            "record_at": at,
            "hash": head.hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
            "entries": head.entries,
            "checkpoint": standing.checkpoint,
            "history_sealed": sealed,
            "accounts": sizes.accounts,
            "objects": sizes.objects,
            "answers": sizes.answers,
            "jobs": sizes.jobs,
            "bytes": sizes.bytes,
        });
        terminal.result(&(value.to_string() + "\n"))?;
        return Ok(status::FINE);
    }
    let writer = if held {
        format!("{}, for {} ms more unless it renews", standing.holder, left / 1000)
    } else {
        "nobody".to_owned()
    };
    let newest = at.map_or(String::new(), |at| format!(" of {at}"));
    terminal.result(&format!(
        "store       {} ({}, {})\n\
         cell        {}, epoch {}\n\
         writer      {writer}\n\
         journal     record {}{newest}, {} entries\n\
         checkpoint  record {}\n\
         history     {} of {} entries sealed\n\
         accounts    {}\n\
         objects     {}\n\
         answers     {} kept for repeats\n\
         jobs        {} not done\n",
        database.place(),
        database.engine(),
        size(sizes.bytes),
        standing.lease.cell,
        standing.lease.epoch,
        grouped(head.seq),
        grouped(head.entries),
        grouped(standing.checkpoint),
        grouped(sealed),
        grouped(head.entries),
        grouped(sizes.accounts),
        grouped(sizes.objects),
        grouped(sizes.answers),
        grouped(sizes.jobs),
    ))?;
    Ok(status::FINE)
}

/// The metrics that are shown, and what they are called.
const SHOWN: [(&str, &str); 5] = [
    ("suanpan_record", "record"),
    ("suanpan_commits_total", "commits"),
    ("suanpan_entries_total", "entries"),
    ("suanpan_http_connections", "connections"),
    ("suanpan_rate_limited_total", "rate_limited"),
];

fn of_server(server: &str, as_json: bool, terminal: Terminal) -> Result<u8, Trouble> {
    let server = server.trim_end_matches('/');
    let ready = http::get(&format!("{server}/readyz"))?;
    let metrics = http::get(&format!("{server}/metrics"))?;
    let text = String::from_utf8_lossy(&metrics.body).into_owned();
    let is_ready = ready.status == 200;
    // What a server that is not ready says is JSON, with the reason in `detail`.
    let why = serde_json::from_slice::<serde_json::Value>(&ready.body)
        .ok()
        .and_then(|body| body["error"]["message"].as_str().or(body["detail"].as_str()).map(str::to_owned));
    let values: Vec<(&str, Option<&str>)> =
        SHOWN.iter().map(|(metric, name)| (*name, value_of(&text, metric))).collect();
    if as_json {
        let mut value = json!({ "server": server, "ready": is_ready, "because": why });
        for (name, found) in values {
            value[name] = found.and_then(|found| found.parse::<u64>().ok()).into();
        }
        terminal.result(&(value.to_string() + "\n"))?;
    } else {
        let word =
            if is_ready { "ready".to_owned() } else { format!("not ready: {}", why.unwrap_or_default()) };
        let mut out = format!("server        {server}  {word}\n");
        for (name, found) in values {
            out.push_str(&format!("{name:<12}  {}\n", found.unwrap_or("-")));
        }
        terminal.result(&out)?;
    }
    Ok(if is_ready { status::FINE } else { status::DIFFERENCES })
}

/// Finds the value of a metric without labels in the text form of Prometheus.
fn value_of<'a>(text: &'a str, metric: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(metric)?.strip_prefix(' ')).map(str::trim)
}

/// The clock of this machine, in microseconds.
pub(crate) fn now_micros() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::value_of;

    #[test]
    fn metrics_are_found_by_their_whole_name() {
        let text =
            "# HELP suanpan_record x\nsuanpan_record_more 1\nsuanpan_record 12\nsuanpan_x{a=\"b\"} 3\n";
        assert_eq!(value_of(text, "suanpan_record"), Some("12"));
        assert_eq!(value_of(text, "suanpan_x"), None);
    }
}
