//! What the simulated wallets share: customers, trades and their sums, and what goes wrong on the way.
//!
//! A customer who shows a code says by its last two digits what happens: `00` pays at once, `01` is asked and agrees after
//! a while, `02` is asked and never answers, `03` is asked and refuses, `51` has too little money, and of any other the
//! code is not valid. A code that is shown to a customer is paid when somebody posts its text to `/scan`, or by customers
//! who come by themselves ([`Customers`]).

pub(crate) mod http;
mod trades;

pub use trades::{Audit, Refund, Trade, TradeState};
pub(crate) use trades::{REMEMBERED, Trades};

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use suanpan_channels::faults::Faults;

/// How a wallet behaves, whatever it speaks.
pub struct Settings {
    /// What goes wrong.
    pub faults: Faults,
    /// Whether codes that are shown are scanned by customers who come by themselves.
    pub customers: Option<Customers>,
    /// How long a customer takes who is asked.
    pub hesitation: Duration,
    /// The wallet's clock, seconds.
    pub now: Arc<dyn Fn() -> i64 + Send + Sync>,
}

/// Customers who scan what is shown.
#[derive(Debug, Clone, Copy)]
pub struct Customers {
    /// How long after the code was made.
    pub after: Duration,
    /// How many of a million pay; the others never come.
    pub parts: u32,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("faults", &self.faults).finish_non_exhaustive()
    }
}

/// A wallet: how it behaves, and what it holds true.
#[derive(Debug)]
pub(crate) struct Wallet {
    pub(crate) settings: Settings,
    trades: Mutex<Trades>,
}

impl Wallet {
    pub(crate) fn new(settings: Settings) -> Wallet {
        Wallet { settings, trades: Mutex::new(Trades::default()) }
    }

    // Each change under the lock is made in one step.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Trades> {
        self.trades.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> i64 {
        (self.settings.now)()
    }

    /// The customer who was asked agrees, where the trade still waits. Returns whether it was paid by that.
    pub(crate) fn agree(&self, order: &str) -> bool {
        let now = self.now();
        self.lock().get_mut(order).is_some_and(|trade| trade.pay(now))
    }

    /// Whether a customer comes by itself to scan a code: by chance that follows from its order.
    pub(crate) fn is_scanned(&self, order: &str) -> bool {
        let hash = blake3::hash(order.as_bytes());
        let chance = u32::from_le_bytes(hash.as_bytes()[..4].try_into().unwrap_or_default()) % 1_000_000;
        self.settings.customers.is_some_and(|customers| chance < customers.parts)
    }
}

/// What is to be done beside the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Then {
    Nothing,
    /// Tell the shop that it was paid.
    Notify(String),
    /// Let the customer agree after a while.
    Hesitate(String),
    /// Let a customer come and scan a code.
    Scan(String),
}

/// What whoever showed a code does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behaviour {
    Pays,
    Agrees,
    IsSilent,
    Refuses,
    IsPoor,
    IsNobody,
}

impl Behaviour {
    pub(crate) fn of(code: &str) -> Behaviour {
        match code.get(code.len().saturating_sub(2)..).unwrap_or_default() {
            "00" => Behaviour::Pays,
            "01" => Behaviour::Agrees,
            "02" => Behaviour::IsSilent,
            "03" => Behaviour::Refuses,
            "51" => Behaviour::IsPoor,
            _ => Behaviour::IsNobody,
        }
    }
}

/// The text of the code of an order: nobody who does not see it can tell it from the order.
pub(crate) fn code_text(prefix: &str, order: &str) -> String {
    let hash = blake3::keyed_hash(b"codes of the simulated wallets..", order.as_bytes());
    format!("{prefix}{}", &hash.to_hex()[..24])
}
