//! What is configured: the terms of a channel, and rules.

use super::{Asked, Exclusion};
use crate::books::FeePolicy;
use std::collections::{BTreeMap, BTreeSet};
use suanpan_money::{Currency, Timestamp};

/// What a channel takes, and under which terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelTerms {
    /// Its name, as in account paths.
    pub name: String,
    /// The kinds of payment it takes in test mode: `card`, or wallets.
    pub test: BTreeSet<String>,
    /// Those that it takes in live mode.
    pub live: BTreeSet<String>,
    /// Where cards are kept that go over it: a card goes over any channel with the same vault. Empty for wallets.
    pub vault: String,
    /// The currencies it takes; all when none is named.
    pub currencies: BTreeSet<Currency>,
    /// The brands of cards it takes; all when none is named.
    pub brands: BTreeSet<String>,
    /// The countries of cards it takes; all when none is named. A card of unknown country is taken.
    pub countries: BTreeSet<String>,
    /// How much it takes, by currency.
    pub limits: BTreeMap<Currency, Limit>,
    /// When it takes payments, on its clock; always when not said.
    pub hours: Option<Hours>,
    /// How much its clock is before UTC, minutes.
    pub utc_offset_minutes: i16,
    /// What a payment over it costs us.
    pub cost: FeePolicy,
    /// Gets no new payments. What is under way goes on.
    pub drained: bool,
}

/// How much a channel takes, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limit {
    /// The bounds of one payment.
    pub payment: Range,
    /// The most it takes on one day, what is set aside included. What is on its way is not counted.
    pub day_max: Option<u64>,
}

/// Bounds in minor units, both included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Range {
    /// The least.
    pub min: Option<u64>,
    /// The most.
    pub max: Option<u64>,
}

/// A time of the day in which a channel takes payments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    /// The first minute, counted from midnight.
    pub from_minute: u16,
    /// The minute that is too late; smaller than the first when the time goes over midnight.
    pub to_minute: u16,
}

/// A rule. The first that fits a payment decides about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// Its name, which stands in the reasons of routes.
    pub name: String,
    /// Which payments it is about.
    pub when: Match,
    /// No other channel is used; all when none is named.
    pub only: BTreeSet<String>,
    /// These are not used.
    pub never: BTreeSet<String>,
    /// These come first, in this order; the others follow by score.
    pub prefer: Vec<String>,
    /// How many payments go where, in parts of their sum, as far as each channel is left.
    pub shares: BTreeMap<String, u32>,
}

/// Which payments a rule is about: all that is said must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Match {
    /// Whose payments; everybody's when none is named.
    pub merchants: BTreeSet<String>,
    /// What they are paid with.
    pub kinds: BTreeSet<String>,
    /// In which currency.
    pub currencies: BTreeSet<Currency>,
    /// The brand of the card.
    pub brands: BTreeSet<String>,
    /// The country of the card; a card of unknown country does not fit.
    pub countries: BTreeSet<String>,
    /// How much, by currency; where there are any, a payment in another currency does not fit.
    pub amounts: BTreeMap<Currency, Range>,
    /// Only payments of live mode, or only those of test mode.
    pub live: Option<bool>,
}

/// What is wrong with what is configured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TermsError {
    /// A rule names a channel that there is not.
    #[error("rule {rule} names {channel}, and there is no such channel")]
    NoSuchChannel {
        /// The rule.
        rule: String,
        /// What it names.
        channel: String,
    },
    /// Two rules have one name.
    #[error("there are two rules named {0}")]
    SameName(String),
    /// A rule that says nothing.
    #[error("rule {0} says neither only, never, prefer nor shares above 0")]
    SaysNothing(String),
    /// Bounds that hold nothing.
    #[error("{of}: the least amount is above the most")]
    Bounds {
        /// The rule or channel.
        of: String,
    },
}

impl ChannelTerms {
    /// Makes terms that take all payments of some kinds in test mode at no cost.
    #[must_use]
    pub fn of(name: &str, kinds: &[&str]) -> ChannelTerms {
        ChannelTerms {
            name: name.to_owned(),
            test: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
            live: BTreeSet::new(),
            vault: String::new(),
            currencies: BTreeSet::new(),
            brands: BTreeSet::new(),
            countries: BTreeSet::new(),
            limits: BTreeMap::new(),
            hours: None,
            utc_offset_minutes: CHINA_MINUTES,
            cost: FeePolicy { bps: 0, fixed_minor: 0, ..FeePolicy::default() },
            drained: false,
        }
    }

    /// Returns the kinds of payment that it takes in a mode.
    #[must_use]
    pub const fn takes(&self, live: bool) -> &BTreeSet<String> {
        if live { &self.live } else { &self.test }
    }

    /// Says whether it takes a currency.
    #[must_use]
    pub fn has_currency(&self, currency: Currency) -> bool {
        admits(&self.currencies, &currency)
    }

    /// Its clock, as seconds since the epoch.
    fn clock(&self, now: Timestamp) -> i64 {
        now.seconds() + i64::from(self.utc_offset_minutes) * 60
    }

    /// Returns when its day began, by its clock.
    #[must_use]
    pub fn day_began(&self, now: Timestamp) -> Timestamp {
        let into_the_day = self.clock(now).rem_euclid(DAY_MINUTES * 60);
        Timestamp::from_seconds(now.seconds() - into_the_day)
    }

    /// Says why it does not take a payment, now or later.
    pub(super) fn never_takes(&self, asked: &Asked<'_>) -> Option<Exclusion> {
        let Range { min, max } = self.limit(asked.currency).payment;
        let reasons = [
            (!self.has_currency(asked.currency), Exclusion::Currency),
            (asked.vault.is_some_and(|vault| vault != self.vault), Exclusion::Vault),
            (asked.brand.is_some_and(|brand| !admits(&self.brands, brand)), Exclusion::Brand),
            (asked.country.is_some_and(|country| !admits(&self.countries, country)), Exclusion::Country),
            (min.is_some_and(|min| asked.amount_minor < min), Exclusion::BelowMinimum),
            (max.is_some_and(|max| asked.amount_minor > max), Exclusion::AboveMaximum),
            (self.drained, Exclusion::Drained),
        ];
        first(reasons)
    }

    /// Says why it does not take a payment that it may take at another time. `taken_today` is in minor units of the
    /// payment's currency; where it is not known, no limit of a day is passed.
    pub(super) fn takes_later(&self, asked: &Asked<'_>, taken_today: Option<u64>) -> Option<Exclusion> {
        let passes = |most| taken_today.is_none_or(|taken| taken.saturating_add(asked.amount_minor) > most);
        let reasons = [
            (self.limit(asked.currency).day_max.is_some_and(passes), Exclusion::DayLimit),
            (self.hours.is_some_and(|hours| !hours.hold(self.clock(asked.now))), Exclusion::Hours),
        ];
        first(reasons)
    }

    fn limit(&self, currency: Currency) -> Limit {
        self.limits.get(&currency).copied().unwrap_or_default()
    }
}

fn first(reasons: impl IntoIterator<Item = (bool, Exclusion)>) -> Option<Exclusion> {
    reasons.into_iter().find(|(holds, _)| *holds).map(|(_, reason)| reason)
}

/// An empty set names everything.
fn admits<K: Ord + std::borrow::Borrow<Q>, Q: Ord + ?Sized>(set: &BTreeSet<K>, what: &Q) -> bool {
    set.is_empty() || set.contains(what)
}

/// China's clock is eight hours before UTC, all over the country and all the year.
pub const CHINA_MINUTES: i16 = 8 * 60;
const DAY_MINUTES: i64 = 24 * 60;

impl Hours {
    fn hold(self, seconds: i64) -> bool {
        let minute = seconds.div_euclid(60).rem_euclid(DAY_MINUTES);
        let (from, to) = (i64::from(self.from_minute), i64::from(self.to_minute));
        if from <= to { (from..to).contains(&minute) } else { minute >= from || minute < to }
    }
}

impl Range {
    /// Whether an amount is within.
    #[must_use]
    pub fn holds(self, amount_minor: u64) -> bool {
        self.min.is_none_or(|min| amount_minor >= min) && self.max.is_none_or(|max| amount_minor <= max)
    }

    fn is_empty(self) -> bool {
        self.min.zip(self.max).is_some_and(|(min, max)| min > max)
    }
}

impl Match {
    /// Says whether a payment is one of those.
    pub(super) fn fits(&self, asked: &Asked<'_>) -> bool {
        let amount = match self.amounts.get(&asked.currency) {
            Some(range) => range.holds(asked.amount_minor),
            None => self.amounts.is_empty(),
        };
        let named = |set: &BTreeSet<String>, what: Option<&str>| {
            set.is_empty() || what.is_some_and(|what| set.contains(what))
        };
        amount
            && self.live.is_none_or(|live| live == asked.live)
            && admits(&self.merchants, asked.merchant)
            && admits(&self.kinds, asked.kind)
            && admits(&self.currencies, &asked.currency)
            && named(&self.brands, asked.brand)
            && named(&self.countries, asked.country)
    }
}

impl Rule {
    pub(super) fn excludes(&self, channel: &str) -> bool {
        !admits(&self.only, channel) || self.never.contains(channel)
    }

    /// Where a channel stands among those preferred; behind all when it does not.
    pub(super) fn place(&self, channel: &str) -> usize {
        self.prefer.iter().position(|preferred| preferred == channel).unwrap_or(usize::MAX)
    }

    pub(super) fn share(&self, channel: &str) -> u64 {
        self.shares.get(channel).copied().map_or(0, u64::from)
    }

    fn channels(&self) -> impl Iterator<Item = &String> {
        self.only.iter().chain(&self.never).chain(&self.prefer).chain(self.shares.keys())
    }
}

impl super::Routing {
    /// Checks what no single value shows.
    ///
    /// # Errors
    /// [`TermsError`].
    pub fn check(&self) -> Result<(), TermsError> {
        let empty = |range: &Range| range.is_empty();
        if let Some(terms) =
            self.channels.iter().find(|terms| terms.limits.values().any(|limit| limit.payment.is_empty()))
        {
            return Err(TermsError::Bounds { of: terms.name.clone() });
        }
        let mut names = BTreeSet::new();
        for rule in &self.rules {
            if !names.insert(&rule.name) {
                return Err(TermsError::SameName(rule.name.clone()));
            }
            let shares_nothing = !rule.shares.is_empty() && rule.shares.values().all(|share| *share == 0);
            if rule.channels().next().is_none() || shares_nothing {
                return Err(TermsError::SaysNothing(rule.name.clone()));
            }
            if rule.when.amounts.values().any(empty) {
                return Err(TermsError::Bounds { of: rule.name.clone() });
            }
            let known = |name: &&String| self.channels.iter().any(|terms| terms.name == **name);
            if let Some(channel) = rule.channels().find(|name| !known(name)) {
                return Err(TermsError::NoSuchChannel { rule: rule.name.clone(), channel: channel.clone() });
            }
        }
        Ok(())
    }
}
