//! A store and books for tests, written as plainly as can be, that check every decision they take in.

use crate::cards::vault;
use crate::expect::Expect;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use suanpan_ledger::entry::{Action, EntryId};
use suanpan_money::{Currency, Timestamp};
use suanpan_payments::books::chart;
use suanpan_payments::command::Command;
use suanpan_payments::decision::{
    AccountRef, ChannelAsk, ChannelOutcome, Context, Decision, EntryDraft, EventDraft, Found, Gathered,
    JobBody, JobDraft, Line, ObjectWrite,
};
use suanpan_payments::object::bank_agreement::VaultedAccount;
use suanpan_payments::object::payment_method::VaultedCard;
use suanpan_payments::rejection::Rejection;
use suanpan_payments::routing::health::Standings;
use suanpan_payments::settings::Settings;
use suanpan_payments::wire::read_request;

pub(crate) const MERCHANT: &str = "acct_test";

#[derive(Default)]
pub(crate) struct Books {
    /// Debits less credits.
    pub(crate) posted: BTreeMap<AccountRef, i128>,
    /// Holds that are open.
    pub(crate) holds: BTreeMap<EntryId, Vec<Line>>,
    ids: BTreeSet<EntryId>,
}

impl Books {
    fn book(&mut self, entry: &EntryDraft) {
        assert!(self.ids.insert(entry.id), "an entry id is used twice");
        for line in &entry.lines {
            assert!(line.amount_minor > 0);
            assert_eq!(line.debit.currency, line.credit.currency);
            assert_ne!(line.debit, line.credit);
            for account in [&line.debit, &line.credit] {
                assert!(chart(&account.path).is_some(), "{} is not in the chart", account.path);
            }
        }
        match entry.action {
            Action::Post => self.post(&entry.lines),
            Action::Hold { .. } => {
                self.holds.insert(entry.id, entry.lines.clone());
            }
            Action::Capture { hold } => {
                let held = self.holds.remove(&hold).must("the hold is open");
                assert_eq!(held.len(), entry.lines.len());
                for (held, taken) in held.iter().zip(&entry.lines) {
                    assert_eq!((&held.debit, &held.credit), (&taken.debit, &taken.credit));
                    assert!(taken.amount_minor <= held.amount_minor);
                }
                self.post(&entry.lines);
            }
            Action::Void { hold } => {
                assert!(entry.lines.is_empty());
                self.holds.remove(&hold).must("the hold is open");
            }
            Action::Reversal { .. } => panic!("payments do not reverse entries"),
        }
    }

    fn post(&mut self, lines: &[Line]) {
        for line in lines {
            *self.posted.entry(line.debit.clone()).or_default() += i128::from(line.amount_minor);
            *self.posted.entry(line.credit.clone()).or_default() -= i128::from(line.amount_minor);
        }
        assert_eq!(self.posted.values().sum::<i128>(), 0, "debits equal credits");
    }

    /// The balance on the credit side.
    pub(crate) fn owed(&self, path: &str) -> i128 {
        -self.posted.iter().filter(|(account, _)| account.path == path).map(|(_, sum)| sum).sum::<i128>()
    }

    /// What an account that we owe has and is not set aside.
    pub(crate) fn available(&self, account: &AccountRef) -> Option<u64> {
        let posted = -self.posted.get(account)?;
        let held = self.holds.values().flatten().filter(|line| line.debit == *account);
        let held: u64 = held.map(|line| line.amount_minor).sum();
        Some(u64::try_from(posted - i128::from(held)).unwrap_or(0))
    }

    pub(crate) fn held(&self) -> u64 {
        self.holds.values().flatten().map(|line| line.amount_minor).sum()
    }
}

pub(crate) struct World {
    pub(crate) now: Timestamp,
    pub(crate) live: bool,
    pub(crate) merchant: String,
    pub(crate) settings: Settings,
    pub(crate) standings: Standings,
    pub(crate) objects: BTreeMap<String, ObjectWrite>,
    pub(crate) unique: BTreeMap<(String, String), String>,
    pub(crate) links: BTreeSet<(String, String, String)>,
    pub(crate) jobs: BTreeMap<String, JobDraft>,
    pub(crate) events: Vec<EventDraft>,
    pub(crate) books: Books,
    commands: u64,
}

/// What was gathered: only what a command said that it needs.
struct View<'a> {
    world: &'a World,
    ids: BTreeSet<String>,
    links: BTreeSet<(String, String)>,
    card: Option<Result<VaultedCard, Rejection>>,
    account: Option<VaultedAccount>,
}

impl Gathered for View<'_> {
    fn object(&self, id: &str) -> Option<Found<'_>> {
        let object = self.ids.contains(id).then(|| self.world.objects.get(id)).flatten()?;
        Some(Found {
            kind: object.kind,
            merchant: &object.merchant,
            live: object.live,
            created: object.created,
            version: object.version,
            body: &object.body,
        })
    }

    fn link(&self, name: &str, key: &str) -> Option<&str> {
        let key = (name.to_owned(), key.to_owned());
        self.links.contains(&key).then(|| self.world.unique.get(&key).map(String::as_str)).flatten()
    }

    fn card(&self) -> Option<&Result<VaultedCard, Rejection>> {
        self.card.as_ref()
    }

    fn available(&self, account: &AccountRef) -> Option<u64> {
        self.world.books.available(account)
    }

    fn account(&self) -> Option<&VaultedAccount> {
        self.account.as_ref()
    }
}

impl World {
    pub(crate) fn new() -> World {
        World {
            now: Timestamp::from_seconds(1_800_000_000),
            live: false,
            merchant: MERCHANT.to_owned(),
            settings: Settings::with_simulator([9; 32], "https://pay.example/"),
            standings: Standings::default(),
            objects: BTreeMap::new(),
            unique: BTreeMap::new(),
            links: BTreeSet::new(),
            jobs: BTreeMap::new(),
            events: Vec::new(),
            books: Books::default(),
            commands: 0,
        }
    }

    /// Gathers as the engine does, decides, and takes the decision in.
    pub(crate) fn run(&mut self, command: &Command) -> Result<Decision, Rejection> {
        self.commands += 1;
        let mut random = [5; 32];
        random[..8].copy_from_slice(&self.commands.to_le_bytes());
        let decision = {
            let ctx = Context {
                now: self.now,
                merchant: &self.merchant,
                live: self.live,
                random,
                settings: &self.settings,
                standings: &self.standings,
            };
            let (ids, links) = (BTreeSet::new(), BTreeSet::new());
            let mut view = View { world: self, ids, links, card: None, account: None };
            for round in 0.. {
                assert!(round < 4, "{command:?} never has enough");
                let needs = command.needs(&view, &ctx);
                let before = view.ids.len();
                view.ids.extend(needs.ids);
                view.links.extend(needs.links.into_iter().map(|(name, key)| (name.to_owned(), key)));
                view.card = needs.card.as_ref().map(vault);
                let keeper = self.settings.routing.agreement_keeper(self.live);
                view.account = needs.account.as_ref().zip(keeper).map(|(_, channel)| VaultedAccount {
                    channel: channel.to_owned(),
                    token: "sealed".to_owned(),
                });
                if view.ids.len() == before && round > 0 {
                    break;
                }
            }
            let decision = command.decide(&view, &ctx);
            assert_eq!(decision, command.decide(&view, &ctx), "decisions are functions");
            decision?
        };
        self.take_in(&decision);
        Ok(decision)
    }

    fn take_in(&mut self, decision: &Decision) {
        let mut written = BTreeSet::new();
        for object in &decision.objects {
            assert!(written.insert(&object.id), "{} is written twice", object.id);
            assert!(object.id.starts_with(object.kind.prefix()), "{}", object.id);
            let before = self.objects.get(&object.id);
            assert_eq!(object.version, before.map_or(0, |before| before.version) + 1, "{}", object.id);
            assert!(
                before.is_none_or(|before| before.created == object.created && before.kind == object.kind)
            );
            let value: Value = serde_json::from_str(&object.body).must("an object is JSON");
            assert_eq!(value["id"], object.id.as_str());
            assert_eq!(value["object"], object.kind.name());
            self.objects.insert(object.id.clone(), object.clone());
        }
        for link in &decision.links {
            let key = (link.name.to_owned(), link.key.clone());
            if link.unique {
                let taken = self.unique.insert(key, link.id.clone());
                assert_eq!(taken, None, "a unique name is taken twice");
            } else {
                self.links.insert((key.0, key.1, link.id.clone()));
            }
        }
        decision.entries.iter().for_each(|entry| self.books.book(entry));
        for id in &decision.jobs_done {
            self.jobs.remove(id);
            assert!(decision.jobs.iter().all(|job| job.id != *id), "{id} is done and planned at once");
        }
        for job in &decision.jobs {
            assert!(job.due >= self.now);
            self.jobs.insert(job.id.clone(), job.clone());
        }
        for event in &decision.events {
            let snapshot: Value = serde_json::from_str(&event.snapshot).must("a snapshot is JSON");
            assert_eq!(snapshot["id"], event.object_id.as_str());
            assert!(snapshot.get("internal").is_none(), "what is not shown is not told");
            let types = suanpan_payments::object::event::EVENT_TYPES;
            assert!(types.contains(&event.kind), "{} is no type", event.kind);
        }
        self.events.extend(decision.events.iter().cloned());
        let answer: Value = serde_json::from_str(&decision.answer.body).must("an answer is JSON");
        assert!(answer.get("internal").is_none());
    }

    /// Runs a command and returns the status and body of its answer, or of the error.
    pub(crate) fn answer(&mut self, command: &Command) -> (u16, Value) {
        match self.run(command) {
            Ok(decision) => {
                let body = serde_json::from_str(&decision.answer.body).must("an answer is JSON");
                (decision.answer.status, body)
            }
            Err(rejection) => {
                let body = suanpan_payments::problem::error_body(&rejection, None, None);
                (rejection.status(), body)
            }
        }
    }

    /// Runs a command that must be answered with 200.
    pub(crate) fn done(&mut self, command: &Command) -> Value {
        let (status, body) = self.answer(command);
        assert_eq!(status, 200, "{command:?}: {body}");
        body
    }

    /// Runs a command that must be refused.
    pub(crate) fn refused(&mut self, command: &Command) -> Rejection {
        match self.run(command) {
            Err(rejection) => rejection,
            Ok(decision) => panic!("{command:?} was not refused: {}", decision.answer.body),
        }
    }

    /// The request to a channel that is planned for an object.
    pub(crate) fn ask(&self, object: &str) -> Option<ChannelAsk> {
        match self.jobs.get(&format!("channel/{object}")).map(|job| &job.body) {
            Some(JobBody::AskChannel(ask) | JobBody::Inquire(ask)) => Some(ask.clone()),
            _ => None,
        }
    }

    /// Answers what is at the channel for an intent or refund.
    pub(crate) fn outcome(&mut self, id: &str, outcome: ChannelOutcome) -> (u16, Value) {
        let object = match self.value(id)["latest_attempt"].as_str() {
            Some(attempt) => attempt.to_owned(),
            None => id.to_owned(),
        };
        let ask = self.ask(&object).must("something is at the channel");
        self.answer(&Command::Outcome { ask, outcome })
    }

    pub(crate) fn value(&self, id: &str) -> Value {
        serde_json::from_str(&self.objects[id].body).must("an object is JSON")
    }

    pub(crate) fn told(&self) -> Vec<&'static str> {
        self.events.iter().map(|event| event.kind).collect()
    }
}

/// Reads a request as it would come in.
pub(crate) fn request<T: serde::de::DeserializeOwned>(body: Value) -> T {
    read_request(body).must("the request is good")
}

pub(crate) fn approved() -> ChannelOutcome {
    ChannelOutcome::Approved {
        channel_id: "sim_1".to_owned(),
        authorization_code: Some("123456".to_owned()),
        issuer_data: None,
    }
}

pub(crate) fn declined(code: &str) -> ChannelOutcome {
    ChannelOutcome::Declined { code: code.to_owned() }
}

pub(crate) fn lost() -> ChannelOutcome {
    ChannelOutcome::Unknown { why: "no answer".to_owned() }
}

pub(crate) fn cny() -> Currency {
    Currency::parse("CNY").must("a currency")
}
