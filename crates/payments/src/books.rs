//! Where payments stand in the books: the chart of accounts, entries of the standard flows, and fees.

use crate::decision::{AccountRef, EntryDraft, Line};
use crate::object::source::SourceType;
use suanpan_ledger::account::{AccountKind, Limits};
use suanpan_ledger::entry::{Action, EntryId};
use suanpan_money::Currency;

/// What an entry is for, as its number in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum Code {
    /// A payment was taken, or money for it set aside.
    Payment = 1,
    /// The merchant's fee for a payment.
    Fee = 2,
    /// A payment was given back, or money for that set aside.
    Refund = 3,
    /// A customer's balance with us was added to.
    Funding = 4,
}

/// The first word of all paths of test mode, so that no entry can mix it with live money.
pub const TEST_PREFIX: &str = "test/";

/// Returns the account of a path in a mode.
#[must_use]
pub fn account(live: bool, path: &str, currency: Currency) -> AccountRef {
    let prefix = if live { "" } else { TEST_PREFIX };
    AccountRef { path: format!("{prefix}{path}"), currency }
}

/// Where the money of a payment comes from, as attempts and refunds name it in their member `channel`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source<'a> {
    /// Over a channel, which must be asked.
    Channel(&'a str),
    /// Out of what a customer keeps with us: the books alone decide.
    CustomerBalance(&'a str),
}

/// Begins the name of a customer's balance as a source. No channel may be named so.
const CUSTOMER_BALANCE: &str = "balance/";

impl<'a> Source<'a> {
    /// Reads a name.
    #[must_use]
    pub fn of(name: &'a str) -> Source<'a> {
        name.strip_prefix(CUSTOMER_BALANCE).map_or(Source::Channel(name), Source::CustomerBalance)
    }

    /// Writes the name.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Source::Channel(channel) => channel.to_owned(),
            Source::CustomerBalance(customer) => format!("{CUSTOMER_BALANCE}{customer}"),
        }
    }

    /// Returns the account that a payment debits.
    #[must_use]
    pub fn account(self, live: bool, currency: Currency) -> AccountRef {
        match self {
            Source::Channel(channel) => channel_receivable(live, channel, currency),
            Source::CustomerBalance(customer) => customer_balance(live, customer, currency),
        }
    }
}

/// Returns the account of what a customer keeps with us.
#[must_use]
pub fn customer_balance(live: bool, customer: &str, currency: Currency) -> AccountRef {
    account(live, &format!("customer/{customer}/balance"), currency)
}

/// Says what kind of source of a payment an account is that a customer has with us; none for other accounts.
#[must_use]
pub fn own_source(account: &AccountRef) -> Option<SourceType> {
    let path = account.path.strip_prefix(TEST_PREFIX).unwrap_or(&account.path);
    match path.split('/').collect::<Vec<_>>()[..] {
        ["customer", _, "balance"] => Some(SourceType::Balance),
        _ => None,
    }
}

/// Returns the account of what a channel owes us.
#[must_use]
pub fn channel_receivable(live: bool, channel: &str, currency: Currency) -> AccountRef {
    account(live, &format!("channel/{channel}/receivable"), currency)
}

/// Returns the account of what we owe a merchant and do not pay out yet.
#[must_use]
pub fn merchant_pending(live: bool, merchant: &str, currency: Currency) -> AccountRef {
    account(live, &format!("merchant/{merchant}/pending"), currency)
}

/// Returns the account of what a merchant may have paid out.
#[must_use]
pub fn merchant_available(live: bool, merchant: &str, currency: Currency) -> AccountRef {
    account(live, &format!("merchant/{merchant}/available"), currency)
}

/// Returns the account of our fees.
#[must_use]
pub fn platform_fees(live: bool, currency: Currency) -> AccountRef {
    account(live, "platform/fees", currency)
}

/// Tells kind and limits of the account with a path; none when the chart has no such account.
///
/// A merchant's pending and available money may fall below zero: refunds and chargebacks fall on whom has no
/// money any more, and are owed. What customers hold may not.
#[must_use]
pub fn chart(path: &str) -> Option<(AccountKind, Limits)> {
    let open = Limits::default();
    let covered = Limits { floor: Some(0), ceiling: None };
    let words: Vec<&str> = path.strip_prefix(TEST_PREFIX).unwrap_or(path).split('/').collect();
    if words.iter().any(|word| word.is_empty()) {
        return None;
    }
    Some(match words[..] {
        ["platform", "fees"] => (AccountKind::Income, open),
        ["platform", "channel_costs"] | ["loss", "write_off"] => (AccountKind::Expense, open),
        ["platform", "capital"] => (AccountKind::Equity, open),
        ["merchant", _, "pending" | "available"] => (AccountKind::Liability, open),
        ["merchant", _, "reserve"] => (AccountKind::Liability, covered),
        ["customer", _, "balance" | "vault"] => (AccountKind::Liability, covered),
        ["customer", _, "credit"] => (AccountKind::Asset, covered),
        ["channel", _, "receivable"] | ["fx", _, "position"] => (AccountKind::Asset, open),
        ["bank", _, "safeguarding"] => (AccountKind::Asset, covered),
        ["payout", "in_transit"] => (AccountKind::Liability, covered),
        ["suspense", _] => (AccountKind::Liability, open),
        _ => return None,
    })
}

/// How half a minor unit of a fee is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearest; halves away from zero.
    HalfUp,
    /// To the nearest; halves to the even neighbour.
    HalfEven,
    /// Away from zero.
    Up,
    /// Towards zero.
    Down,
}

/// What a merchant pays for a payment: a share in basis points and a fixed amount. The share is rounded, the
/// sum is at most the payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeePolicy {
    /// The share, in hundredths of a percent.
    pub bps: u32,
    /// The fixed amount, in minor units of whatever the currency is.
    pub fixed_minor: u32,
    /// How the share is rounded.
    pub rounding: Rounding,
}

impl Default for FeePolicy {
    fn default() -> FeePolicy {
        FeePolicy { bps: 60, fixed_minor: 0, rounding: Rounding::HalfUp }
    }
}

impl FeePolicy {
    /// Returns the fee of an amount, both in minor units.
    #[must_use]
    pub fn fee(&self, amount_minor: u64) -> u64 {
        let product = u128::from(amount_minor) * u128::from(self.bps);
        let (whole, rest) = (product / 10_000, product % 10_000);
        let up = match self.rounding {
            Rounding::HalfUp => rest >= 5_000,
            Rounding::HalfEven => rest > 5_000 || rest == 5_000 && whole % 2 == 1,
            Rounding::Up => rest > 0,
            Rounding::Down => false,
        };
        let fee = whole + u128::from(up) + u128::from(self.fixed_minor);
        u64::try_from(fee).unwrap_or(u64::MAX).min(amount_minor)
    }
}

/// Makes the entry of a payment: what the channel owes us from now on, or what we owed the customer, we owe the
/// merchant.
#[must_use]
pub fn payment_entry(id: EntryId, action: Action, accounts: &Accounts, amount_minor: u64) -> EntryDraft {
    let line = Line { debit: accounts.source.clone(), credit: accounts.merchant.clone(), amount_minor };
    EntryDraft { id, action, code: Code::Payment as u16, lines: vec![line] }
}

/// Makes the entry of money that a customer sent us, and keeps with us: what the bank of test mode has, we owe the
/// customer.
#[must_use]
pub fn funding_entry(
    id: EntryId,
    live: bool,
    customer: &str,
    currency: Currency,
    amount_minor: u64,
) -> EntryDraft {
    let bank = account(live, "bank/simulated/safeguarding", currency);
    let line = Line { debit: bank, credit: customer_balance(live, customer, currency), amount_minor };
    EntryDraft { id, action: Action::Post, code: Code::Funding as u16, lines: vec![line] }
}

/// Makes the entry of a fee, or none when there is none.
#[must_use]
pub fn fee_entry(id: EntryId, accounts: &Accounts, fee_minor: u64) -> Option<EntryDraft> {
    let line =
        Line { debit: accounts.merchant.clone(), credit: accounts.fees.clone(), amount_minor: fee_minor };
    let draft = EntryDraft { id, action: Action::Post, code: Code::Fee as u16, lines: vec![line] };
    (fee_minor > 0).then_some(draft)
}

/// Makes the entry of a refund, which mirrors the payment; its fee is kept.
#[must_use]
pub fn refund_entry(id: EntryId, action: Action, accounts: &Accounts, amount_minor: u64) -> EntryDraft {
    let line = Line { debit: accounts.merchant.clone(), credit: accounts.source.clone(), amount_minor };
    EntryDraft { id, action, code: Code::Refund as u16, lines: vec![line] }
}

/// Makes the entry that releases a hold.
#[must_use]
pub fn void_entry(id: EntryId, hold: EntryId, code: Code) -> EntryDraft {
    EntryDraft { id, action: Action::Void { hold }, code: code as u16, lines: Vec::new() }
}

/// The accounts that payments of one merchant from one source move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accounts {
    /// What the channel owes us, or what we owe the customer who pays out of a balance.
    pub source: AccountRef,
    /// What we owe the merchant.
    pub merchant: AccountRef,
    /// What we earn.
    pub fees: AccountRef,
}

impl Accounts {
    /// Names the accounts.
    #[must_use]
    pub fn of(live: bool, merchant: &str, source: &str, currency: Currency) -> Accounts {
        Accounts {
            source: Source::of(source).account(live, currency),
            merchant: merchant_pending(live, merchant, currency),
            fees: platform_fees(live, currency),
        }
    }
}

#[cfg(test)]
mod tests;
