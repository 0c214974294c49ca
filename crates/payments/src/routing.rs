//! Which channel a payment goes over, and why.
//!
//! [`route`] is a function of what is configured ([`Routing`]), of how channels do ([`Standings`], which come from
//! [`health`]) and of the payment ([`Asked`]). Channels that cannot take the payment are left out, each with its reason;
//! the first rule that fits may leave out more and order the rest; what it does not order goes by score. The whole of it
//! is kept with the attempt ([`Route`]), so that it can be explained for as long as there is the attempt.
//!
//! A payment goes over another channel only after a definite answer of the one before that nothing was done
//! ([`DeclineCode::elsewhere`](crate::decline::DeclineCode::elsewhere)). What is unknown is never tried elsewhere.

pub mod health;
mod terms;

pub use terms::{CHINA_MINUTES, ChannelTerms, Hours, Limit, Match, Range, Rule, TermsError};

use crate::books::FeePolicy;
use crate::state::words;
use health::{Circuit, Standings};
use serde::{Deserialize, Serialize};
use suanpan_money::{Currency, Timestamp};

/// Channels tried for one confirmation: each waits for the one before, and the customer for all of them.
pub const CASCADE_MAX: usize = 3;

/// What is configured about channels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Routing {
    /// The channels; those that stand first win where all else is equal.
    pub channels: Vec<ChannelTerms>,
    /// Rules; the first that fits decides.
    pub rules: Vec<Rule>,
    /// How many of a million payments that go by score go over another channel than the best, so that its score is not
    /// what it was long ago.
    pub explore_ppm: u32,
}

/// A payment to be routed.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Whose it is, `acct_…`.
    pub merchant: &'a str,
    /// Whether it is one of live mode.
    pub live: bool,
    /// What it is paid with: `card`, or the wallet.
    pub kind: &'a str,
    /// The brand of the card.
    pub brand: Option<&'a str>,
    /// The country of the card.
    pub country: Option<&'a str>,
    /// Where the card is kept; none when it does not matter.
    pub vault: Option<&'a str>,
    /// How much, in minor units.
    pub amount_minor: u64,
    /// The currency.
    pub currency: Currency,
    /// When.
    pub now: Timestamp,
    /// A number drawn for this payment, for shares and exploration.
    pub chance: u64,
}

words! {
    /// Why a channel is left out.
    Exclusion {
        /// It was tried for this confirmation.
        Tried = "tried",
        /// It is to get no more payments.
        Drained = "drained",
        /// It does not take the currency.
        Currency = "currency",
        /// It does not take the brand of the card.
        Brand = "brand",
        /// It does not take cards of that country.
        Country = "country",
        /// The card is kept where this channel cannot read it.
        Vault = "vault",
        /// The amount is below what it takes.
        BelowMinimum = "below_minimum",
        /// The amount is above what it takes.
        AboveMaximum = "above_maximum",
        /// With this payment it would take more than it may on one day.
        DayLimit = "day_limit",
        /// It is outside its hours.
        Hours = "hours",
        /// It has not answered lately, and rests.
        CircuitOpen = "circuit_open",
        /// The rule leaves it out.
        Rule = "rule",
    }
}

words! {
    /// What chose among the channels that were left.
    Basis {
        /// No other was left.
        Only = "only",
        /// The rule prefers it.
        Preferred = "preferred",
        /// The rule gives it a share, and chance decided.
        Share = "share",
        /// It has the best score.
        Score = "score",
        /// Another has a better score; it was taken to learn how it does.
        Exploration = "exploration",
    }
}

/// What chose the channel of an attempt, as its merchant sees it. The rest of a route tells of channels that are the
/// operator's: their costs, and how much they have taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Chosen {
    /// What chose it.
    pub basis: Basis,
    /// The name of the rule that fitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

/// How a payment was routed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Route {
    /// The channel; none when none was left.
    pub channel: Option<String>,
    /// What chose it; none when none was left.
    pub basis: Option<Basis>,
    /// The name of the rule that fitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// All channels that take this kind of payment in this mode, best first; those that were left out stand last.
    pub candidates: Vec<Candidate>,
}

/// A channel that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Candidate {
    /// The channel.
    pub channel: String,
    /// Why it was left out; none when it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excluded: Option<Exclusion>,
    /// How many of a million authorizations succeeded lately.
    pub success_ppm: u32,
    /// What is to be expected of it in millionths of a minor unit: the merchant's fee times success, less its cost.
    pub score: i64,
}

impl Routing {
    /// Returns the channels that take a kind of payment in a mode.
    fn taking<'a>(&'a self, live: bool, kind: &'a str) -> impl Iterator<Item = &'a ChannelTerms> {
        self.channels.iter().filter(move |terms| terms.takes(live).contains(kind))
    }

    /// Returns the channel whose vault takes cards in, for a mode.
    #[must_use]
    pub fn card_keeper(&self, live: bool) -> Option<&str> {
        self.taking(live, crate::request::card::CARD).next().map(|terms| terms.name.as_str())
    }

    /// Returns the channel over which agreements with bank accounts are made, for a mode: the first that is not drained.
    #[must_use]
    pub fn agreement_keeper(&self, live: bool) -> Option<&str> {
        let mut channels = self.taking(live, crate::request::card::BANK_AGREEMENT);
        channels.find(|terms| !terms.drained).map(|terms| terms.name.as_str())
    }

    /// Says whether a kind of payment is taken in a mode at all.
    #[must_use]
    pub fn takes(&self, live: bool, kind: &str) -> bool {
        self.taking(live, kind).next().is_some()
    }

    /// Says whether a kind of payment is taken in a mode and currency, by the terms of some channel.
    #[must_use]
    pub fn takes_in(&self, live: bool, kind: &str, currency: Currency) -> bool {
        self.taking(live, kind).any(|terms| !terms.drained && terms.has_currency(currency))
    }

    /// Returns the vault of a channel.
    #[must_use]
    pub fn vault_of(&self, channel: &str) -> Option<&str> {
        self.channels.iter().find(|terms| terms.name == channel).map(|terms| terms.vault.as_str())
    }
}

/// Chooses a channel. `tried` are those that have said no for this confirmation.
#[must_use]
pub fn route(
    routing: &Routing,
    standings: &Standings,
    fee: &FeePolicy,
    asked: &Asked<'_>,
    tried: &[String],
) -> Route {
    let rule = routing.rules.iter().find(|rule| rule.when.fits(asked));
    let mut candidates: Vec<(Candidate, usize)> = Vec::new();
    for terms in routing.taking(asked.live, asked.kind) {
        let standing = standings.of(&terms.name);
        let excluded = if tried.contains(&terms.name) {
            Some(Exclusion::Tried)
        } else {
            // What lasts is told before what passes.
            let by_rule = rule.is_some_and(|rule| rule.excludes(&terms.name));
            terms
                .never_takes(asked)
                .or_else(|| by_rule.then_some(Exclusion::Rule))
                .or_else(|| terms.takes_later(asked, standing.taken_today(asked.live, asked.currency)))
                .or_else(|| (standing.circuit == Circuit::Open).then_some(Exclusion::CircuitOpen))
        };
        let candidate = Candidate {
            channel: terms.name.clone(),
            excluded,
            success_ppm: standing.success_ppm,
            score: score(terms, fee, asked.amount_minor, standing.success_ppm),
        };
        let preferred = rule.map_or(usize::MAX, |rule| rule.place(&terms.name));
        candidates.push((candidate, preferred));
    }
    // Stable: where all is equal the order of the configuration stands.
    candidates.sort_by_key(|(candidate, preferred)| {
        (candidate.excluded.is_some(), *preferred, std::cmp::Reverse(candidate.score))
    });
    let left = candidates.iter().filter(|(candidate, _)| candidate.excluded.is_none()).count();
    let chosen = choose(&candidates[..left], rule, routing.explore_ppm, asked.chance);
    Route {
        channel: chosen.map(|(at, _)| candidates[at].0.channel.clone()),
        basis: chosen.map(|(_, basis)| basis),
        rule: rule.map(|rule| rule.name.clone()),
        candidates: candidates.into_iter().map(|(candidate, _)| candidate).collect(),
    }
}

/// Chooses among what is left, which is in order: the place, and what decided.
fn choose(
    left: &[(Candidate, usize)],
    rule: Option<&Rule>,
    explore_ppm: u32,
    chance: u64,
) -> Option<(usize, Basis)> {
    match left {
        [] => return None,
        [_] => return Some((0, Basis::Only)),
        _ => {}
    }
    let share = |at: usize| rule.map_or(0, |rule| rule.share(&left[at].0.channel));
    let whole: u64 = (0..left.len()).map(share).sum();
    if whole > 0 {
        let mut drawn = chance % whole;
        for at in 0..left.len() {
            match drawn.checked_sub(share(at)) {
                Some(rest) => drawn = rest,
                None => return Some((at, Basis::Share)),
            }
        }
    }
    if left[0].1 != usize::MAX {
        return Some((0, Basis::Preferred));
    }
    const MILLION: u64 = 1_000_000;
    if chance % MILLION < u64::from(explore_ppm) {
        let others = u64::try_from(left.len() - 1).expect("channels are few");
        let other = usize::try_from(chance / MILLION % others).expect("less than the number of channels");
        return Some((1 + other, Basis::Exploration));
    }
    Some((0, Basis::Score))
}

/// What is to be expected of a payment over a channel, in millionths of a minor unit. Nothing is rounded but the fee and
/// the cost, each as its policy says.
fn score(terms: &ChannelTerms, fee: &FeePolicy, amount_minor: u64, success_ppm: u32) -> i64 {
    let gain = i128::from(fee.fee(amount_minor)) * i128::from(success_ppm);
    let cost = i128::from(terms.cost.fee(amount_minor)) * 1_000_000;
    let expected = gain - cost;
    // Far beyond any payment; the order is kept.
    i64::try_from(expected).unwrap_or(if expected < 0 { i64::MIN } else { i64::MAX })
}

impl Route {
    /// Returns what the merchant sees of it; none when no channel was left.
    #[must_use]
    pub fn chosen(&self) -> Option<Chosen> {
        self.basis.map(|basis| Chosen { basis, rule: self.rule.clone() })
    }

    /// Says in words why no channel was left.
    #[must_use]
    pub fn why_none(&self, kind: &str) -> String {
        if self.candidates.is_empty() {
            return format!("no channel takes {kind} in this mode");
        }
        let reason = |candidate: &Candidate| {
            format!("{}: {}", candidate.channel, candidate.excluded.map_or("left", Exclusion::word))
        };
        self.candidates.iter().map(reason).collect::<Vec<_>>().join(", ")
    }

    /// Says whether only rest keeps channels from this payment, so that it may go through in a while.
    #[must_use]
    pub fn is_for_now(&self) -> bool {
        let passing = |candidate: &Candidate| {
            matches!(
                candidate.excluded,
                Some(Exclusion::CircuitOpen | Exclusion::Hours | Exclusion::DayLimit)
            )
        };
        self.channel.is_none() && self.candidates.iter().any(passing)
    }
}
