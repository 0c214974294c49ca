//! What a message says of itself, against what is in it.

use super::Message;
use super::cancellation::CancellationRequest;
use super::credit_transfer::CreditTransfer;
use super::initiation::Initiation;
use super::returned::Return;
use super::status::{CustomerReport, StatusCount, StatusReport};
use super::value::Amount;
use rust_decimal::Decimal;
use std::fmt;

/// A number or sum that a message declares, and what its transactions give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Total {
    /// The element that declares it.
    pub path: String,
    /// What it says.
    pub declared: Figure,
    /// What the transactions give; `None` where they cannot be added up.
    pub computed: Option<Figure>,
}

/// A number, a sum, or an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// How many.
    Count(u64),
    /// A sum over currencies.
    Sum(Decimal),
    /// A sum in one currency.
    Amount(Amount),
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Figure::Count(count) => write!(f, "{count}"),
            Figure::Sum(sum) => write!(f, "{sum}"),
            Figure::Amount(amount) => write!(f, "{amount}"),
        }
    }
}

impl Total {
    /// Says whether both are the same. Decimals that are zeros do not matter.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.computed == Some(self.declared)
    }
}

/// Sums up amounts.
#[derive(Debug, Default, Clone, Copy)]
struct Gathered {
    count: u64,
    sum: Option<Decimal>,
    /// Whether one amount was missing or the sum is too large.
    lost: bool,
    currency: Option<suanpan_money::Currency>,
    mixed: bool,
}

impl Gathered {
    fn of(amounts: impl Iterator<Item = Option<Amount>>) -> Gathered {
        let mut all = Gathered::default();
        for amount in amounts {
            all.count += 1;
            let Some(amount) = amount else {
                all.lost = true;
                continue;
            };
            match all.sum.unwrap_or_default().checked_add(amount.value) {
                Some(sum) => all.sum = Some(sum),
                None => all.lost = true,
            }
            all.mixed |= all.currency.is_some_and(|currency| currency != amount.currency);
            all.currency.get_or_insert(amount.currency);
        }
        all
    }

    fn sum(&self) -> Option<Figure> {
        (!self.lost).then(|| Figure::Sum(self.sum.unwrap_or_default()))
    }

    fn amount(&self, declared: Amount) -> Option<Figure> {
        let currency = self.currency.unwrap_or(declared.currency);
        let known = !self.lost && !self.mixed;
        known.then(|| Figure::Amount(Amount::new(self.sum.unwrap_or_default(), currency)))
    }
}

/// The totals of a message while they are gathered.
#[derive(Default)]
struct Totals(Vec<Total>);

impl Totals {
    fn count(&mut self, path: &str, declared: Option<u64>, all: &Gathered) {
        self.add(path, declared.map(Figure::Count), Some(Figure::Count(all.count)));
    }

    fn sum(&mut self, path: &str, declared: Option<Decimal>, all: &Gathered) {
        self.add(path, declared.map(Figure::Sum), all.sum());
    }

    fn amount(&mut self, path: &str, declared: Option<Amount>, all: &Gathered) {
        self.add(path, declared.map(Figure::Amount), declared.and_then(|amount| all.amount(amount)));
    }

    fn add(&mut self, path: &str, declared: Option<Figure>, computed: Option<Figure>) {
        if let Some(declared) = declared {
            self.0.push(Total { path: path.to_owned(), declared, computed });
        }
    }
}

/// Compares what a message declares with its transactions: number, control sum, amount of settlement; of a
/// message of orders those of its batches too. Of a report only what it says of its own transactions.
#[must_use]
pub fn totals(message: &Message) -> Vec<Total> {
    let mut totals = Totals::default();
    match message {
        Message::CreditTransfer(message) => transfers(message, &mut totals),
        Message::Return(message) => returns(message, &mut totals),
        Message::Initiation(message) => orders(message, &mut totals),
        Message::StatusReport(message) => report(message, &mut totals),
        Message::CustomerReport(message) => customer_report(message, &mut totals),
        Message::CancellationRequest(message) => cancellations(message, &mut totals),
        Message::Resolution(_) => {}
    }
    totals.0
}

fn transfers(message: &CreditTransfer, totals: &mut Totals) {
    let Some(group) = &message.group else { return };
    let all = Gathered::of(message.transactions.iter().map(|one| one.settled));
    totals.count("GrpHdr/NbOfTxs", group.count, &all);
    totals.sum("GrpHdr/CtrlSum", group.control_sum, &all);
    totals.amount("GrpHdr/TtlIntrBkSttlmAmt", group.total, &all);
}

fn returns(message: &Return, totals: &mut Totals) {
    let Some(group) = &message.group else { return };
    let all = Gathered::of(message.transactions.iter().map(|one| one.settled));
    // A group that comes back as a whole need not name its payments.
    if group.whole == Some(true) && message.transactions.is_empty() {
        return;
    }
    totals.count("GrpHdr/NbOfTxs", group.count, &all);
    totals.sum("GrpHdr/CtrlSum", group.control_sum, &all);
    totals.amount("GrpHdr/TtlRtrdIntrBkSttlmAmt", group.total, &all);
}

fn orders(message: &Initiation, totals: &mut Totals) {
    let amount = |order: &super::initiation::Order| order.amount.as_ref().and_then(|own| own.amount());
    let every = message.payments.iter().flat_map(|batch| &batch.transactions);
    let all = Gathered::of(every.map(amount));
    if let Some(group) = &message.group {
        totals.count("GrpHdr/NbOfTxs", group.count, &all);
        totals.sum("GrpHdr/CtrlSum", group.control_sum, &all);
    }
    for (at, batch) in message.payments.iter().enumerate() {
        let all = Gathered::of(batch.transactions.iter().map(amount));
        totals.count(&format!("PmtInf[{}]/NbOfTxs", at + 1), batch.count, &all);
        totals.sum(&format!("PmtInf[{}]/CtrlSum", at + 1), batch.control_sum, &all);
    }
}

fn report(message: &StatusReport, totals: &mut Totals) {
    let [group] = message.groups.as_slice() else { return };
    let statuses: Vec<&str> =
        message.transactions.iter().map(|one| one.status.as_deref().unwrap_or_default()).collect();
    counts("OrgnlGrpInfAndSts", &group.counts, &statuses, totals);
}

fn customer_report(message: &CustomerReport, totals: &mut Totals) {
    let status = |one: &super::status::OrderStatus| one.status.as_deref().unwrap_or_default().to_owned();
    for (at, batch) in message.payments.iter().enumerate() {
        let statuses: Vec<String> = batch.transactions.iter().map(status).collect();
        let statuses: Vec<&str> = statuses.iter().map(String::as_str).collect();
        counts(&format!("OrgnlPmtInfAndSts[{}]", at + 1), &batch.counts, &statuses, totals);
    }
}

/// Compares how many have which status. A report may leave out those of which there is nothing to say, so
/// only a status of which there is a transaction is compared.
fn counts(path: &str, declared: &[StatusCount], statuses: &[&str], totals: &mut Totals) {
    for one in declared {
        let status = one.status.as_deref().unwrap_or_default();
        let count = statuses.iter().filter(|own| **own == status).count() as u64;
        if count > 0 {
            let path = format!("{path}/NbOfTxsPerSts/{status}");
            totals.add(&path, one.count.map(Figure::Count), Some(Figure::Count(count)));
        }
    }
}

fn cancellations(message: &CancellationRequest, totals: &mut Totals) {
    let every = message.underlying.iter().flat_map(|underlying| &underlying.transactions);
    let all = Gathered::of(every.map(|one| one.settled));
    // What is cancelled as a group is not named one by one.
    let groups = message.underlying.iter().any(|underlying| underlying.group.is_some());
    if let Some(control) = message.control.as_ref().filter(|_| !groups) {
        totals.count("CtrlData/NbOfTxs", control.count, &all);
        totals.sum("CtrlData/CtrlSum", control.control_sum, &all);
    }
}
