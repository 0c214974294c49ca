//! Which channel takes what, under which terms, and by which rules one is chosen.

use super::At;
use crate::error::Trouble;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use suanpan_channels::{BRANDS, card_sim};
use suanpan_money::{Currency, parse_decimal};
use suanpan_payments::books::{FeePolicy, Rounding};
use suanpan_payments::routing::{
    CHINA_MINUTES, ChannelTerms, Hours, Limit, Match, Range, Routing, Rule, TermsError,
};

/// What an agreement with a bank is, among kinds of payment.
const BANK_AGREEMENT: &str = "bank_agreement";
/// What a card is, among kinds of payment.
const CARD: &str = "card";
/// Where card networks of this file keep cards: all in one vault, so that a card goes over any of them.
const NETWORK_VAULT: &str = "card_network";
/// How many of a million payments go over another channel than the best, when the file does not say.
const EXPLORE_PPM: u32 = 20_000;

/// The part of the file that is about routing.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) cards: Cards,
    pub(super) wallets: Wallets,
    pub(super) bank_agreements: Cards,
    pub(super) routing: Keys,
    pub(super) terms: BTreeMap<String, Terms>,
    pub(super) rules: Vec<RuleText>,
}

/// One name, or several in the order in which they are preferred where all else is equal.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(untagged)]
pub(super) enum Names {
    #[default]
    None,
    One(String),
    Several(Vec<String>),
}

impl Names {
    pub(super) fn all(&self) -> &[String] {
        match self {
            Names::None => &[],
            Names::One(name) => std::slice::from_ref(name),
            Names::Several(names) => names,
        }
    }
}

/// Which channels take cards.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cards {
    #[serde(default)]
    pub(super) test: Names,
    #[serde(default)]
    pub(super) live: Names,
}

/// Which channels take which wallet, by the kind of payment methods.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wallets {
    #[serde(default)]
    pub(super) test: BTreeMap<String, Names>,
    #[serde(default)]
    pub(super) live: BTreeMap<String, Names>,
}

/// What holds for all payments.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Keys {
    explore_ppm: u32,
}

impl Default for Keys {
    fn default() -> Keys {
        Keys { explore_ppm: EXPLORE_PPM }
    }
}

/// The terms of a channel, as they are written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Terms {
    currencies: Vec<String>,
    brands: BTreeSet<String>,
    countries: BTreeSet<String>,
    limits: BTreeMap<String, LimitText>,
    hours: Option<String>,
    utc_offset: Option<String>,
    cost: Cost,
    drained: bool,
}

/// How much, in decimals of the currency.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LimitText {
    min: Option<String>,
    max: Option<String>,
    day: Option<String>,
}

/// What a payment costs us.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Cost {
    bps: u32,
    fixed_minor: u32,
}

/// A rule, as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleText {
    name: String,
    #[serde(default)]
    when: When,
    #[serde(default)]
    only: BTreeSet<String>,
    #[serde(default)]
    never: BTreeSet<String>,
    #[serde(default)]
    prefer: Vec<String>,
    #[serde(default)]
    shares: BTreeMap<String, u32>,
}

/// Which payments a rule is about, as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct When {
    merchants: BTreeSet<String>,
    kinds: BTreeSet<String>,
    currencies: Vec<String>,
    brands: BTreeSet<String>,
    countries: BTreeSet<String>,
    amounts: BTreeMap<String, RangeText>,
    mode: Option<Mode>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RangeText {
    min: Option<String>,
    max: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Test,
    Live,
}

/// Puts the parts together.
pub(super) fn routing(at: &At<'_>, mut parts: Parts) -> Result<Routing, Trouble> {
    let mut channels: Vec<ChannelTerms> = Vec::new();
    let cards_test = match &parts.cards.test {
        Names::None => Names::One(card_sim::NAME.to_owned()),
        named => named.clone(),
    };
    for (live, names) in [(false, &cards_test), (true, &parts.cards.live)] {
        names.all().iter().for_each(|name| add(&mut channels, name, live, CARD));
    }
    for (live, wallets) in [(false, &parts.wallets.test), (true, &parts.wallets.live)] {
        for (kind, names) in wallets {
            names.all().iter().for_each(|name| add(&mut channels, name, live, kind));
        }
    }
    for (live, names) in [(false, &parts.bank_agreements.test), (true, &parts.bank_agreements.live)] {
        names.all().iter().for_each(|name| add(&mut channels, name, live, BANK_AGREEMENT));
    }
    check_vaults(at, &channels)?;
    for channel in &mut channels {
        if let Some(terms) = parts.terms.remove(&channel.name) {
            terms.apply(at, channel)?;
        }
    }
    if let Some(name) = parts.terms.keys().next() {
        let what = format!("terms.{name} is about no channel that takes anything");
        return Err(
            at.wrong(what, "name the channel in cards, wallets or bank_agreements, or leave its terms out")
        );
    }
    if parts.routing.explore_ppm > 1_000_000 {
        return Err(at.wrong("routing.explore_ppm is above a million", "a million parts are all payments"));
    }
    let taken = channels.iter().flat_map(|terms| terms.test.iter().chain(&terms.live)).cloned().collect();
    let rules = parts.rules.into_iter().map(|rule| rule.rule(at, &taken)).collect::<Result<_, Trouble>>()?;
    let routing = Routing { channels, rules, explore_ppm: parts.routing.explore_ppm };
    routing.check().map_err(|error| {
        let next = match &error {
            TermsError::NoSuchChannel { .. } => {
                "name channels that take something by cards, wallets or bank_agreements"
            }
            TermsError::SameName(_) => "give each rule a name of its own: it stands in the reasons of routes",
            TermsError::SaysNothing(_) => "say which channels, or leave the rule out",
            TermsError::Bounds { .. } => "give min the smaller amount",
        };
        at.wrong(error, next)
    })?;
    Ok(routing)
}

/// Adds what a channel takes.
fn add(channels: &mut Vec<ChannelTerms>, name: &str, live: bool, kind: &str) {
    let place = channels.iter().position(|terms| terms.name == name).unwrap_or_else(|| {
        let vault = match (kind, name) {
            (CARD, card_sim::NAME) => card_sim::NAME,
            (CARD, _) => NETWORK_VAULT,
            // An agreement is known to the network over which it was made, and to no other.
            (BANK_AGREEMENT, name) => name,
            _ => "",
        };
        let currencies = if kind == CARD { BTreeSet::new() } else { wallets_take() };
        channels.push(ChannelTerms { vault: vault.to_owned(), currencies, ..ChannelTerms::of(name, &[]) });
        channels.len() - 1
    });
    let terms = &mut channels[place];
    let kinds = if live { &mut terms.live } else { &mut terms.test };
    kinds.insert(kind.to_owned());
}

impl Terms {
    fn apply(self, at: &At<'_>, channel: &mut ChannelTerms) -> Result<(), Trouble> {
        let of = format!("terms.{}", channel.name);
        let named = currencies(at, &of, &self.currencies)?;
        let is_card = channel.test.iter().chain(&channel.live).any(|kind| kind == CARD);
        if !is_card && !named.is_subset(&wallets_take()) {
            return Err(at.wrong(
                format!("{of}: a wallet takes CNY only, and so does a clearing network"),
                "leave currencies out",
            ));
        }
        if !named.is_empty() {
            channel.currencies = named;
        }
        check_cards(at, &of, &self.brands, &self.countries)?;
        channel.brands = self.brands;
        channel.countries = self.countries;
        for (code, text) in &self.limits {
            let currency = currency(at, &of, code)?;
            let payment = range(at, &of, currency, [&text.min, &text.max])?;
            let day_max = text.day.as_deref().map(|text| amount(at, &of, currency, text)).transpose()?;
            channel.limits.insert(currency, Limit { payment, day_max });
        }
        channel.hours = self.hours.as_deref().map(|text| hours(at, &of, text)).transpose()?;
        channel.utc_offset_minutes = match &self.utc_offset {
            Some(text) => utc_offset(at, &of, text)?,
            None => CHINA_MINUTES,
        };
        let Cost { bps, fixed_minor } = self.cost;
        channel.cost = FeePolicy { bps, fixed_minor, rounding: Rounding::HalfUp };
        channel.drained = self.drained;
        Ok(())
    }
}

impl RuleText {
    fn rule(self, at: &At<'_>, taken: &BTreeSet<String>) -> Result<Rule, Trouble> {
        let of = format!("rule {}", self.name);
        check_cards(at, &of, &self.when.brands, &self.when.countries)?;
        let mut merchants = self.when.merchants.iter();
        if let Some(merchant) = merchants.find(|merchant| !merchant.starts_with("acct_")) {
            return Err(at.wrong(format!("{of}: {merchant} is no merchant"), "merchants are named acct_…"));
        }
        let mut kinds = self.when.kinds.iter();
        if let Some(kind) = kinds.find(|kind| !taken.contains(kind.as_str())) {
            let what = format!("{of}: no channel takes {kind}");
            return Err(at.wrong(what, "name card, bank_agreement, or kinds that stand in wallets"));
        }
        let mut amounts = BTreeMap::new();
        for (code, text) in &self.when.amounts {
            let currency = currency(at, &of, code)?;
            amounts.insert(currency, range(at, &of, currency, [&text.min, &text.max])?);
        }
        let when = Match {
            merchants: self.when.merchants,
            kinds: self.when.kinds,
            currencies: currencies(at, &of, &self.when.currencies)?,
            brands: self.when.brands,
            countries: self.when.countries,
            amounts,
            live: self.when.mode.map(|mode| matches!(mode, Mode::Live)),
        };
        let Self { name, only, never, prefer, shares, .. } = self;
        Ok(Rule { name, when, only, never, prefer, shares })
    }
}

/// A card is taken in by the vault of the first channel; one that cannot read it would never get a payment.
fn check_vaults(at: &At<'_>, channels: &[ChannelTerms]) -> Result<(), Trouble> {
    for (mode, live) in [("test", false), ("live", true)] {
        let cards = channels.iter().filter(|channel| channel.takes(live).contains(CARD));
        let vaults: BTreeSet<&str> = cards.map(|channel| channel.vault.as_str()).collect();
        if vaults.len() > 1 {
            let simulator = card_sim::NAME;
            let what = format!("cards.{mode} names {simulator} beside networks, which cannot read its cards");
            return Err(at.wrong(what, "name either the simulator or networks for a mode"));
        }
    }
    Ok(())
}

/// These wallets have no other currency.
fn wallets_take() -> BTreeSet<Currency> {
    Currency::parse("CNY").into_iter().collect()
}

/// Brands and countries are compared as cards tell them; another writing would fit none.
fn check_cards(
    at: &At<'_>,
    of: &str,
    brands: &BTreeSet<String>,
    countries: &BTreeSet<String>,
) -> Result<(), Trouble> {
    if let Some(brand) = brands.iter().find(|brand| !BRANDS.contains(&brand.as_str())) {
        let next = format!("name some of {}", BRANDS.join(", "));
        return Err(at.wrong(format!("{of}: {brand} is no brand of cards"), &next));
    }
    let good = |country: &&String| country.len() == 2 && country.bytes().all(|it| it.is_ascii_uppercase());
    match countries.iter().find(|country| !good(country)) {
        Some(country) => {
            Err(at.wrong(format!("{of}: {country} is no country"), "write two capital letters, such as CN"))
        }
        None => Ok(()),
    }
}

fn currency(at: &At<'_>, of: &str, code: &str) -> Result<Currency, Trouble> {
    let wrong =
        || at.wrong(format!("{of}: {code} is no currency"), "write three letters of ISO 4217, such as CNY");
    Currency::parse(code).ok_or_else(wrong)
}

fn currencies(at: &At<'_>, of: &str, codes: &[String]) -> Result<BTreeSet<Currency>, Trouble> {
    codes.iter().map(|code| currency(at, of, code)).collect()
}

fn amount(at: &At<'_>, of: &str, currency: Currency, text: &str) -> Result<u64, Trouble> {
    let minor =
        parse_decimal(text.as_bytes(), currency.exponent()).ok().and_then(|minor| u64::try_from(minor).ok());
    minor.ok_or_else(|| {
        let what = format!("{of}: {text} is no amount of {}", currency.code());
        at.wrong(what, "write it in major units, such as \"5000.00\"")
    })
}

fn range(
    at: &At<'_>,
    of: &str,
    currency: Currency,
    [min, max]: [&Option<String>; 2],
) -> Result<Range, Trouble> {
    let read = |text: &Option<String>| text.as_deref().map(|text| amount(at, of, currency, text)).transpose();
    Ok(Range { min: read(min)?, max: read(max)? })
}

/// Reads `06:00-23:30`.
fn hours(at: &At<'_>, of: &str, text: &str) -> Result<Hours, Trouble> {
    let read = || {
        let (from, to) = text.split_once('-')?;
        Some(Hours { from_minute: clock(from)?, to_minute: clock(to)? })
    };
    let wrong = || at.wrong(format!("{of}: hours are not {text}"), "write them like 06:00-23:30");
    read().filter(|hours| hours.from_minute != hours.to_minute).ok_or_else(wrong)
}

/// Reads `23:30` as minutes after midnight; `24:00` is the end of the day.
fn clock(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |text: &str| (text.len() == 2).then(|| text.parse::<u16>().ok()).flatten();
    let (hour, minute) = (digits(hour)?, digits(minute)?);
    (hour < 24 && minute < 60 || (hour, minute) == (24, 0)).then_some(hour * 60 + minute)
}

/// Reads `+08:00` as minutes.
fn utc_offset(at: &At<'_>, of: &str, text: &str) -> Result<i16, Trouble> {
    let read = || {
        let (sign, rest) = text.split_at_checked(1)?;
        let minutes = i16::try_from(clock(rest)?).ok().filter(|minutes| *minutes <= 14 * 60)?;
        match sign {
            "+" => Some(minutes),
            "-" => Some(-minutes),
            _ => None,
        }
    };
    let wrong = || at.wrong(format!("{of}: utc_offset is not {text}"), "write it like +08:00");
    read().ok_or_else(wrong)
}
