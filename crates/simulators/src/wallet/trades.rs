//! What a wallet holds true about trades, and the sums of it.

use crate::arrivals::Arrivals;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Trades that are remembered. A soak has some hundred thousand; each takes some 400 bytes.
pub(crate) const REMEMBERED: usize = 2_000_000;

/// Where a trade stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TradeState {
    /// It can be paid: the customer was asked, or a code is shown.
    Waiting,
    /// The customer has paid.
    Paid,
    /// The customer was asked and refused.
    Failed,
    /// It ended unpaid, or all was given back.
    Closed,
}

/// A part that goes back, or all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refund {
    /// How much, in minor units.
    pub amount_minor: u64,
    /// When it was taken in, seconds.
    pub since: i64,
}

/// A trade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trade {
    /// The wallet's number.
    pub number: String,
    /// How much, in minor units.
    pub amount_minor: u64,
    /// Whether the customer showed a code, instead of scanning one.
    pub scanned: bool,
    /// Where it stands.
    pub state: TradeState,
    /// Whether the customer paid it, whatever became of that.
    pub paid: bool,
    /// What goes back, by the names of refunds.
    pub refunds: BTreeMap<String, Refund>,
    /// Whether it was given back as a whole by being called off.
    pub called_off: bool,
    pub(crate) notify_url: Option<String>,
    pub(crate) expires_at: i64,
}

impl Trade {
    /// What was given back by refunds, in minor units.
    #[must_use]
    pub fn refunded_minor(&self) -> u64 {
        self.refunds.values().map(|refund| refund.amount_minor).sum()
    }

    /// Whether the shop has something of it: it was paid, and not given back as a whole.
    #[must_use]
    pub fn stands(&self) -> bool {
        self.paid && !self.called_off && self.refunded_minor() < self.amount_minor
    }

    /// Pays it, where it can be paid. Returns whether it was.
    pub(crate) fn pay(&mut self, now: i64) -> bool {
        if self.state != TradeState::Waiting || now >= self.expires_at {
            return false;
        }
        self.state = TradeState::Paid;
        self.paid = true;
        true
    }

    /// Ends it, and gives back what was paid.
    pub(crate) fn call_off(&mut self) {
        self.called_off |= self.state == TradeState::Paid;
        self.state = TradeState::Closed;
    }

    /// Gives a part back under a name, once. Returns whether something moved by that; none when it cannot be.
    pub(crate) fn refund(&mut self, name: &str, amount_minor: u64, now: i64) -> Option<bool> {
        if let Some(before) = self.refunds.get(name) {
            return (before.amount_minor == amount_minor).then_some(false);
        }
        if self.state != TradeState::Paid || self.refunded_minor() + amount_minor > self.amount_minor {
            return None;
        }
        self.refunds.insert(name.to_owned(), Refund { amount_minor, since: now });
        Some(true)
    }
}

/// Sums over all that a wallet holds true, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Audit {
    /// Taken from customers, of trades that stand.
    pub taken_minor: u128,
    /// Given back of those by refunds.
    pub refunded_minor: u128,
    /// Trades that were paid and stand.
    pub standing: u64,
    /// Trades that were paid, and given back as a whole.
    pub given_back: u64,
    /// Calls to take money for an order that was there already: none of them took any.
    pub repeated: u64,
}

/// All trades.
#[derive(Debug, Default)]
pub(crate) struct Trades {
    trades: HashMap<String, Trade>,
    used_codes: HashSet<String>,
    /// The orders of codes that are shown, and of refunds.
    shown: HashMap<String, String>,
    refunds: HashMap<String, String>,
    came: Arrivals,
    calls: BTreeMap<String, u64>,
    numbers: u64,
    repeated: u64,
}

impl Trades {
    pub(crate) fn get(&self, order: &str) -> Option<&Trade> {
        self.trades.get(order)
    }

    pub(crate) fn get_mut(&mut self, order: &str) -> Option<&mut Trade> {
        self.trades.get_mut(order)
    }

    pub(crate) fn all(&self) -> BTreeMap<String, Trade> {
        self.trades.iter().map(|(order, trade)| (order.clone(), trade.clone())).collect()
    }

    /// Counts a message that came, whatever becomes of it, and says how often it had come before.
    pub(crate) fn came(&mut self, name: Vec<u8>) -> u32 {
        self.came.count(name)
    }

    /// Counts a call that is done.
    pub(crate) fn called(&mut self, method: &str) {
        *self.calls.entry(method.to_owned()).or_default() += 1;
    }

    pub(crate) fn calls(&self, method: &str) -> u64 {
        self.calls.get(method).copied().unwrap_or_default()
    }

    /// Notes that money was to be taken for an order that was there.
    pub(crate) fn repeated(&mut self) {
        self.repeated += 1;
    }

    /// Uses a code up, whatever becomes of the payment. Returns whether it was good until then.
    pub(crate) fn use_code(&mut self, code: &str) -> bool {
        self.used_codes.insert(code.to_owned())
    }

    /// Notes which order a code is of.
    pub(crate) fn show(&mut self, code: &str, order: &str) {
        self.shown.insert(code.to_owned(), order.to_owned());
    }

    pub(crate) fn order_of(&self, code: &str) -> Option<String> {
        self.shown.get(code).cloned()
    }

    /// Notes which order a refund is of, where refunds have names of their own.
    pub(crate) fn name_refund(&mut self, name: &str, order: &str) {
        self.refunds.insert(name.to_owned(), order.to_owned());
    }

    pub(crate) fn refund_of(&self, name: &str) -> Option<&str> {
        self.refunds.get(name).map(String::as_str)
    }

    /// A number that was never given.
    pub(crate) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// Begins a trade; none when there is one already.
    pub(crate) fn open(&mut self, order: &str, trade: Trade) -> Option<&mut Trade> {
        if self.trades.contains_key(order) || self.trades.len() >= REMEMBERED {
            return None;
        }
        Some(self.trades.entry(order.to_owned()).or_insert(trade))
    }

    pub(crate) fn audit(&self) -> Audit {
        let mut audit = Audit { repeated: self.repeated, ..Audit::default() };
        for trade in self.trades.values().filter(|trade| trade.paid) {
            if trade.stands() {
                audit.standing += 1;
                audit.taken_minor += u128::from(trade.amount_minor);
                audit.refunded_minor += u128::from(trade.refunded_minor());
            } else {
                audit.given_back += 1;
            }
        }
        audit
    }
}
