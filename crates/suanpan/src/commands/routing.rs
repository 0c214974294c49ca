//! `suanpan routing`: which channel payments go over, and why, as a server tells.

use crate::api::{self, Api};
use crate::cli::{
    RoutingArgs, RoutingChannelsArgs, RoutingCommand, RoutingExplainArgs, RoutingSimulateArgs, moment,
};
use crate::error::{Trouble, status};
use crate::terminal::{Terminal, harmless};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::fmt::Write;
use suanpan_money::{Currency, Timestamp, format_minor, parse_decimal};
use suanpan_payments::routing::{Basis, Candidate, Chosen, Exclusion, Route};

/// Attempts of one payment intent: the server makes no more.
const ATTEMPTS_MAX: usize = 100;

pub(crate) fn run(args: &RoutingArgs, terminal: Terminal) -> Result<u8, Trouble> {
    match &args.command {
        RoutingCommand::Channels(args) => channels(args, terminal),
        RoutingCommand::Simulate(args) => simulate(args, terminal),
        RoutingCommand::Explain(args) => explain(args, terminal),
    }
}

#[derive(Deserialize)]
struct Channels {
    data: Vec<Channel>,
}

#[derive(Deserialize)]
struct Channel {
    name: String,
    takes: Vec<String>,
    drained: bool,
    circuit: String,
    success_ppm: u32,
    taken_today: std::collections::BTreeMap<String, Option<i64>>,
}

fn channels(args: &RoutingChannelsArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let api = Api::new(&args.api)?;
    let path = "/v1/channels";
    let body = api::run(async { api.get(path, &[]).await?.fine(path) })?;
    if args.json {
        return print_json(&body, terminal);
    }
    let channels: Channels = read(&body, path)?;
    let mut text = String::new();
    for channel in &channels.data {
        let state = match (channel.drained, channel.circuit.as_str()) {
            (true, _) => "drained",
            (false, "closed") => "in use",
            (false, "trial") => "on trial",
            (false, _) => "resting",
        };
        let taken = channel.taken_today.iter().map(|(code, minor)| match minor {
            Some(minor) => format!("  today {}", money(*minor, code)),
            None => format!("  today unknown {}", harmless(code)),
        });
        let (name, takes) = (harmless(&channel.name), harmless(&channel.takes.join(",")));
        let success = percent(channel.success_ppm);
        let _ = writeln!(text, "{name:<20} {state:<9} {success:>7} {takes}{}", taken.collect::<String>());
    }
    terminal.result(&text)?;
    if channels.data.is_empty() {
        terminal.hint("no channel takes payments in this mode");
    }
    Ok(status::FINE)
}

#[derive(Deserialize)]
struct Simulation {
    #[serde(flatten)]
    route: Route,
    refused: Option<String>,
}

fn simulate(args: &RoutingSimulateArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let amount = minor(&args.amount, args.currency)?;
    let api = Api::new(&args.api)?;
    let mut fields = vec![("amount", amount.as_str()), ("currency", args.currency.code())];
    match &args.payment_method {
        Some(id) => fields.push(("payment_method", id)),
        None => fields.push(("payment_method_type", &args.kind)),
    }
    fields.extend(args.brand.as_deref().map(|brand| ("card[brand]", brand)));
    fields.extend(args.country.as_deref().map(|country| ("card[country]", country)));
    let path = "/v1/routing/simulate";
    let body = api::run(async { api.post(path, &fields).await?.fine(path) })?;
    let Simulation { route, refused } = read(&body, path)?;
    let found = if route.channel.is_some() { status::FINE } else { status::DIFFERENCES };
    if args.json {
        return print_json(&body, terminal).map(|_| found);
    }
    let mut text = String::new();
    match &refused {
        Some(why) => {
            let _ = writeln!(text, "no channel: {}", harmless(why));
        }
        None => {
            text.push_str(&headline(route.channel.as_deref(), route.basis, route.rule.as_deref()));
        }
    }
    text.push_str(&table(&route));
    terminal.result(&text)?;
    Ok(found)
}

#[derive(Deserialize)]
struct Attempt {
    id: String,
    amount: i64,
    currency: String,
    channel: String,
    created: i64,
    decline_code: Option<String>,
    previous: Option<String>,
    routing: Option<Chosen>,
    status: String,
}

/// An attempt, its JSON, and its route where the key may see it.
struct Explained {
    json: Vec<u8>,
    attempt: Attempt,
    route: Option<Route>,
}

#[derive(Deserialize)]
struct Intent {
    latest_attempt: Option<String>,
}

fn explain(args: &RoutingExplainArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let api = Api::new(&args.api)?;
    let attempts = api::run(attempts(&api, &args.id))?;
    let mut text = String::new();
    for explained in attempts.iter().rev() {
        if args.json {
            text.push_str(&String::from_utf8_lossy(&explained.json).replace(['\n', '\r'], " "));
            text.push('\n');
        } else {
            text.push_str(&in_words(explained));
        }
    }
    terminal.result(&text)?;
    if attempts.is_empty() {
        terminal.hint("it was not confirmed yet: no channel was chosen");
    }
    Ok(status::FINE)
}

/// Reads one attempt, or all of an intent, the newest first.
async fn attempts(api: &Api, id: &str) -> Result<Vec<Explained>, Trouble> {
    let whole = id.starts_with("pi_");
    let mut next = Some(id.to_owned());
    if whole {
        let path = format!("/v1/payment_intents/{}", segment(id)?);
        let intent: Intent = read(&api.get(&path, &[]).await?.fine(&path)?, &path)?;
        next = intent.latest_attempt;
    }
    let mut found = Vec::new();
    while let Some(id) = next.take().filter(|_| found.len() < ATTEMPTS_MAX) {
        let path = format!("/v1/attempts/{}", segment(&id)?);
        let json = api.get(&path, &[]).await?.fine(&path)?;
        let attempt: Attempt = read(&json, &path)?;
        next = attempt.previous.clone().filter(|_| whole);
        let path = format!("{path}/route");
        let reply = api.get(&path, &[]).await?;
        // What all channels are like is for the operator to see.
        let route = if reply.status == 403 { None } else { Some(read(&reply.fine(&path)?, &path)?) };
        found.push(Explained { json, attempt, route });
    }
    Ok(found)
}

/// Refuses what would name another place of the server.
fn segment(id: &str) -> Result<&str, Trouble> {
    let good = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    good.then_some(id).ok_or_else(|| {
        Trouble::new("bad_id", format!("{} is no id", harmless(id)))
            .at("ID")
            .next("give att_… of an attempt, or pi_… of a payment intent")
    })
}

fn in_words(Explained { attempt, route, .. }: &Explained) -> String {
    let time = moment(Timestamp::from_seconds(attempt.created));
    let amount = money(attempt.amount, &attempt.currency);
    let declined = attempt.decline_code.as_ref().map(|code| format!(": {}", harmless(code)));
    let (id, state) = (harmless(&attempt.id), harmless(&attempt.status));
    let mut text = format!("{id}  {time}  {amount}  {state}{}\n", declined.unwrap_or_default());
    let (basis, rule) = match &attempt.routing {
        Some(Chosen { basis, rule }) => (*basis, rule.as_deref()),
        None => (Basis::Only, None),
    };
    text.push_str(&headline(Some(&attempt.channel), Some(basis), rule));
    text.push_str(&route.as_ref().map(table).unwrap_or_default());
    text
}

fn headline(channel: Option<&str>, basis: Option<Basis>, rule: Option<&str>) -> String {
    let channel = harmless(channel.unwrap_or("no channel"));
    let rule = rule.map(|rule| format!(" (rule {})", harmless(rule))).unwrap_or_default();
    let basis = match basis {
        Some(Basis::Only) => "no other was left",
        Some(Basis::Preferred) => "the rule prefers it",
        Some(Basis::Share) => "chance, by the shares of the rule",
        Some(Basis::Score) => "it has the best score",
        Some(Basis::Exploration) => "to learn how it does",
        None => "none was left",
    };
    format!("  over {channel}: {basis}{rule}\n")
}

fn table(route: &Route) -> String {
    let mut text = String::new();
    for Candidate { channel, excluded, success_ppm, score } in &route.candidates {
        let channel = harmless(channel);
        let (success, score) = (percent(*success_ppm), millionths(*score));
        let left_out = excluded.map(|why| format!("  left out: {}", reason(why))).unwrap_or_default();
        let _ = writeln!(text, "    {channel:<20} success {success:>7}  score {score:>16}{left_out}");
    }
    text
}

const fn reason(why: Exclusion) -> &'static str {
    match why {
        Exclusion::Tried => "tried before, and did nothing",
        Exclusion::Drained => "drained",
        Exclusion::Currency => "not this currency",
        Exclusion::Brand => "not this brand of cards",
        Exclusion::Country => "not cards of this country",
        Exclusion::Vault => "cannot read this card",
        Exclusion::BelowMinimum => "below its least amount",
        Exclusion::AboveMaximum => "above its most",
        Exclusion::DayLimit => "has taken enough today",
        Exclusion::Hours => "outside its hours",
        Exclusion::CircuitOpen => "mostly does not answer, and rests",
        Exclusion::Rule => "by the rule",
    }
}

/// Writes parts of a million as a percentage with one decimal, rounded down.
fn percent(ppm: u32) -> String {
    format!("{}.{} %", ppm / 10_000, ppm % 10_000 / 1_000)
}

/// Writes millionths of a minor unit as minor units with two decimals, cut.
fn millionths(score: i64) -> String {
    let (sign, score) = (if score < 0 { "-" } else { "" }, score.unsigned_abs());
    format!("{sign}{}.{:02}", score / 1_000_000, score % 1_000_000 / 10_000)
}

fn money(minor: i64, code: &str) -> String {
    match Currency::parse(code) {
        Some(currency) => format!("{} {}", format_minor(minor, currency.exponent()), currency.code()),
        None => format!("{minor} {}", harmless(code)),
    }
}

/// Reads an amount in major units, and returns it in minor ones.
fn minor(text: &str, currency: Currency) -> Result<String, Trouble> {
    let minor = parse_decimal(text.as_bytes(), currency.exponent()).map_err(|error| {
        Trouble::new("bad_amount", error.to_string()).at("--amount").next("give major units, such as 100.00")
    })?;
    Ok(minor.to_string())
}

fn read<T: DeserializeOwned>(body: &[u8], place: &str) -> Result<T, Trouble> {
    serde_json::from_slice(body).map_err(|error| {
        Trouble::new("answer_unread", format!("the answer cannot be read: {error}"))
            .at(place.to_owned())
            .next("is this a server of suanpan, of the same version?")
    })
}

fn print_json(body: &[u8], terminal: Terminal) -> Result<u8, Trouble> {
    let value: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    terminal.result(&format!("{value:#}\n")).map(|()| status::FINE)
}
