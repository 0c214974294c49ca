//! What moves money: debits, refunds and payouts, each once under its name.

use super::banks::{Agreement, Banks, Behaviour, Debited, Payout, code};
use super::host::{About, Host};
use crate::wallet::{Then, Trade, TradeState};
use std::collections::BTreeMap;
use suanpan_messages::clearing::record::{Category, Debit, Outcome, Payout as PayoutBody, Refund, Status};
use suanpan_messages::clearing::{FINE, Fields, Money};

const DAY_SECONDS: i64 = 86_400;
/// China's hours before UTC, in seconds: where a day of limits begins.
const CHINA_SECONDS: i64 = 8 * 3_600;

impl Host {
    pub(super) fn debit(&self, asked: &Debit) -> (Fields, Then) {
        let now = self.wallet.now();
        let mut banks = self.banks();
        let mut trades = self.wallet.lock();
        let trade = asked.trade.as_str();
        if let Some(before) = trades.get(trade) {
            let sign_no = banks.debits.get(trade).map(|debit| debit.sign_no.as_str());
            let same = before.amount_minor == asked.amount.minor && sign_no == Some(&asked.sign_no);
            trades.repeated();
            drop(trades);
            let other = || {
                let about =
                    About { category: Some(Category::Debit), trade: Some(trade), amount: None, batch: None };
                self.said(&about, None, code::OTHER_CONTENT)
            };
            let said = if same { self.debited(&banks, trade) } else { other() };
            return (said.fields(), Then::Nothing);
        }
        let (minor, day) = (asked.amount.minor, (now + CHINA_SECONDS).div_euclid(DAY_SECONDS));
        let agreement = banks.agreement(&asked.sign_no).filter(|it| it.stands && it.bank == asked.bank);
        let taken = |agreement: &Agreement| {
            if agreement.taken.0 == day { agreement.taken.1 } else { 0 }
        };
        let (refused, behaviour) = match agreement {
            None => (Some(code::NO_AGREEMENT), Behaviour::Pays),
            Some(agreement) => {
                let behaviour = Behaviour::of(&agreement.account);
                let sum = taken(agreement).saturating_add(minor);
                let why = match behaviour {
                    _ if minor > self.settings.debit_minor_max || sum > self.settings.day_minor_max => {
                        Some(code::LIMIT)
                    }
                    Behaviour::IsPoor => Some(code::POOR),
                    Behaviour::Refuses | Behaviour::IsAnothers => Some(code::REFUSED),
                    Behaviour::Pays | Behaviour::PaysLater | Behaviour::RefusesLater => None,
                };
                if why.is_none() && behaviour != Behaviour::RefusesLater {
                    agreement.taken = (day, sum);
                }
                (why, behaviour)
            }
        };
        let state = if refused.is_some() { TradeState::Failed } else { TradeState::Waiting };
        let made = Trade {
            number: format!("EP{:014}", trades.number()),
            amount_minor: minor,
            scanned: true,
            state,
            paid: false,
            refunds: BTreeMap::new(),
            called_off: false,
            notify_url: asked.callback.clone(),
            expires_at: i64::MAX,
        };
        let Some(opened) = trades.open(trade, made) else {
            drop(trades);
            return (self.refusal(code::FULL, &asked.fields()), Then::Nothing);
        };
        let then = match (refused, behaviour) {
            (Some(_), _) => Then::Notify(trade.to_owned()),
            (None, Behaviour::PaysLater | Behaviour::RefusesLater) => Then::Hesitate(trade.to_owned()),
            (None, _) => {
                opened.pay(now);
                Then::Notify(trade.to_owned())
            }
        };
        drop(trades);
        let debited = Debited {
            sign_no: asked.sign_no.clone(),
            batch: asked.batch,
            reason: refused.unwrap_or(code::REFUSED),
            refuses: behaviour == Behaviour::RefusesLater,
        };
        banks.debits.insert(trade.to_owned(), debited);
        (self.debited(&banks, trade).fields(), then)
    }

    /// Who was asked has decided: the bank of a debit, or of a payout. Returns whether the institution is to be told.
    pub(super) fn decided(&self, trade: &str) -> bool {
        let mut banks = self.banks();
        if let Some(payout) = banks.payouts.get_mut(trade) {
            payout.paid.get_or_insert(Behaviour::of(&payout.account) != Behaviour::RefusesLater);
            return false;
        }
        let refuses = banks.debits.get(trade).is_some_and(|debit| debit.refuses);
        if !refuses {
            return self.wallet.agree(trade);
        }
        let mut trades = self.wallet.lock();
        let waiting = trades.get_mut(trade).filter(|it| it.state == TradeState::Waiting);
        waiting.map(|it| it.state = TradeState::Failed).is_some()
    }

    /// What the network says of a debit, when it is asked and in notifications.
    pub(super) fn debited(&self, banks: &Banks, trade: &str) -> Outcome {
        let trades = self.wallet.lock();
        let found = trades.get(trade).zip(banks.debits.get(trade));
        let about = About {
            category: Some(Category::Debit),
            trade: Some(trade),
            amount: found.map(|(it, _)| Money { minor: it.amount_minor }),
            batch: found.map(|(_, it)| it.batch),
        };
        let Some((it, debit)) = found else { return self.said(&about, None, code::NOT_FOUND) };
        let (status, business) = match it.state {
            TradeState::Waiting => (Status::Accepted, FINE),
            TradeState::Paid | TradeState::Closed => (Status::Succeeded, FINE),
            TradeState::Failed => (Status::Failed, debit.reason),
        };
        let said = self.said(&about, Some(status), business);
        Outcome { number: Some(it.number.clone()), ..said }
    }

    pub(super) fn refund(&self, asked: &Refund) -> Fields {
        let now = self.wallet.now();
        let mut banks = self.banks();
        let mut trades = self.wallet.lock();
        let about = About {
            category: Some(Category::Refund),
            trade: Some(&asked.trade),
            amount: Some(asked.amount),
            batch: Some(asked.batch),
        };
        // A refund is one of the institution, whatever its debit.
        if trades.refund_of(&asked.trade).is_some_and(|other| other != asked.original) {
            return self.said(&about, None, code::OTHER_CONTENT).fields();
        }
        let Some(trade) = trades.get_mut(&asked.original) else {
            return self.said(&about, Some(Status::Failed), code::NOT_FOUND).fields();
        };
        let other = trade.refunds.get(&asked.trade).is_some_and(|it| it.amount_minor != asked.amount.minor);
        if other {
            return self.said(&about, None, code::OTHER_CONTENT).fields();
        }
        if asked.amount.minor == 0 || trade.refund(&asked.trade, asked.amount.minor, now).is_none() {
            return self.said(&about, Some(Status::Failed), code::TOO_MUCH).fields();
        }
        let number = format!("{}R", trade.number);
        trades.name_refund(&asked.trade, &asked.original);
        banks.refunds.entry(asked.trade.clone()).or_insert(asked.batch);
        Outcome { number: Some(number), ..self.said(&about, Some(Status::Succeeded), FINE) }.fields()
    }

    pub(super) fn payout(&self, asked: &PayoutBody) -> (Fields, Then) {
        let mut banks = self.banks();
        let trade = asked.trade.as_str();
        if let Some(before) = banks.payouts.get(trade) {
            let same = before.amount_minor == asked.amount.minor && before.account == asked.account.0;
            let said = if same { self.paid_out(trade, Some(before)) } else { self.paid_out_otherwise(trade) };
            return (said.fields(), Then::Nothing);
        }
        let (paid, then) = match Behaviour::of(&asked.account.0) {
            Behaviour::PaysLater | Behaviour::RefusesLater => (None, Then::Hesitate(trade.to_owned())),
            Behaviour::Refuses | Behaviour::IsAnothers => (Some(false), Then::Nothing),
            Behaviour::Pays | Behaviour::IsPoor => (Some(true), Then::Nothing),
        };
        let payout = Payout {
            amount_minor: asked.amount.minor,
            paid,
            batch: asked.batch,
            account: asked.account.0.clone(),
            number: format!("PO{:014}", self.wallet.lock().number()),
        };
        let said = self.paid_out(trade, Some(&payout)).fields();
        if banks.pay_out(trade, payout) {
            (said, then)
        } else {
            (self.refusal(code::FULL, &asked.fields()), Then::Nothing)
        }
    }

    pub(super) fn paid_out(&self, trade: &str, payout: Option<&Payout>) -> Outcome {
        let about = About {
            category: Some(Category::Payout),
            trade: Some(trade),
            amount: payout.map(|it| Money { minor: it.amount_minor }),
            batch: payout.map(|it| it.batch),
        };
        let (status, business) = match payout.map(|it| it.paid) {
            None => return self.said(&about, None, code::NOT_FOUND),
            Some(None) => (Status::Accepted, FINE),
            Some(Some(true)) => (Status::Succeeded, FINE),
            Some(Some(false)) => (Status::Failed, code::REFUSED),
        };
        Outcome { number: payout.map(|it| it.number.clone()), ..self.said(&about, Some(status), business) }
    }

    fn paid_out_otherwise(&self, trade: &str) -> Outcome {
        let about = About { category: Some(Category::Payout), trade: Some(trade), amount: None, batch: None };
        self.said(&about, None, code::OTHER_CONTENT)
    }
}
