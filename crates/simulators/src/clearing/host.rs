//! What the network answers, by its rules.

use super::banks::{Banks, Payout, Progress, code};
use crate::wallet::{Audit, Settings, Then, Trade, Wallet};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use suanpan_messages::clearing::key::{Signer, Verifiers};
use suanpan_messages::clearing::record::{
    Category, Debit, Inquiry, Outcome, Payout as PayoutBody, Refund, SignUp, Status, Totals, TotalsAnswer,
};
use suanpan_messages::clearing::{BatchId, ChinaTime, FINE, Fields, Message, MessageType, Money};
use suanpan_money::Timestamp;

/// Older messages are refused, so that what is asked about later has come or never will.
const STALE_SECONDS: u64 = 60;

/// Who may call, and how the network behaves.
pub struct HostSettings {
    /// The payment company that may call.
    pub institution: String,
    /// The network itself.
    pub network: String,
    /// Verify what the institution sends.
    pub institution_keys: Verifiers,
    /// Signs what the network sends.
    pub own: Signer,
    /// The most that one debit takes, in fen.
    pub debit_minor_max: u64,
    /// The most that all debits of one agreement take on one day, in fen.
    pub day_minor_max: u64,
    /// How it behaves. It has no customers that scan.
    pub wallet: Settings,
}

impl fmt::Debug for HostSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostSettings")
            .field("institution", &self.institution)
            .field("network", &self.network)
            .finish_non_exhaustive()
    }
}

/// The network, and the banks behind it.
#[derive(Debug)]
pub struct Host {
    pub(super) settings: HostSettings,
    pub(super) wallet: Wallet,
    /// Locked before the trades.
    banks: Mutex<Banks>,
}

/// The body of an answer, with its type.
pub(super) type Said = (MessageType, Fields);

/// What an answer is about.
pub(super) struct About<'a> {
    pub(super) category: Option<Category>,
    pub(super) trade: Option<&'a str>,
    pub(super) amount: Option<Money>,
    pub(super) batch: Option<BatchId>,
}

impl Host {
    /// Makes a network that knows nothing yet.
    #[must_use]
    pub fn new(mut settings: HostSettings) -> Host {
        let none = Settings {
            faults: settings.wallet.faults,
            customers: None,
            hesitation: settings.wallet.hesitation,
            now: settings.wallet.now.clone(),
        };
        let wallet = Wallet::new(std::mem::replace(&mut settings.wallet, none));
        Host { settings, wallet, banks: Mutex::default() }
    }

    // Each change under the lock is made in one step.
    pub(super) fn banks(&self) -> MutexGuard<'_, Banks> {
        self.banks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns all debits by their names, with what went back of them.
    #[must_use]
    pub fn trades(&self) -> BTreeMap<String, Trade> {
        self.wallet.lock().all()
    }

    /// Returns all payouts by their names.
    #[must_use]
    pub fn payouts(&self) -> BTreeMap<String, Payout> {
        self.banks().payouts.clone()
    }

    /// Returns the sums of what is held true about debits.
    #[must_use]
    pub fn audit(&self) -> Audit {
        self.wallet.lock().audit()
    }

    /// Counts the messages of a type that were worked on.
    #[must_use]
    pub fn calls(&self, kind: MessageType) -> u64 {
        self.wallet.lock().calls(kind.word())
    }

    /// The code that a bank sent to a telephone last.
    #[must_use]
    pub fn code_of(&self, phone: &str) -> Option<String> {
        self.banks().code_of(phone)
    }

    /// The holder ends an agreement at the bank. Returns whether it stood.
    pub fn end_agreement(&self, sign_no: &str) -> bool {
        self.banks().agreement(sign_no).is_some_and(|it| std::mem::replace(&mut it.stands, false))
    }

    /// Does what a message asks for, by the rules, and makes the answer.
    pub(super) fn apply(&self, message: &Message) -> (Said, Then) {
        let kind = message.header.kind;
        let answer = kind.answer().unwrap_or(MessageType::InquiryAnswer);
        self.wallet.lock().called(kind.word());
        let away = message.header.sent.0.seconds().abs_diff(self.wallet.now());
        if away > STALE_SECONDS {
            return ((answer, self.refusal(code::STALE, &message.body)), Then::Nothing);
        }
        let done = match kind {
            MessageType::SignUp => SignUp::read(&message.body).map(|it| (self.sign_up(&it), Then::Nothing)),
            MessageType::Debit => Debit::read(&message.body).map(|it| self.debit(&it)),
            MessageType::Payout => PayoutBody::read(&message.body).map(|it| self.payout(&it)),
            MessageType::Refund => Refund::read(&message.body).map(|it| (self.refund(&it), Then::Nothing)),
            MessageType::Inquiry => Inquiry::read(&message.body).map(|it| (self.inquiry(&it), Then::Nothing)),
            MessageType::Totals => {
                Totals::read(&message.body).map(|it| (self.totals(it.batch), Then::Nothing))
            }
            MessageType::SignUpAnswer
            | MessageType::DebitAnswer
            | MessageType::PayoutAnswer
            | MessageType::RefundAnswer
            | MessageType::InquiryAnswer
            | MessageType::Notification
            | MessageType::TotalsAnswer => Ok((self.refusal(code::UNREADABLE, &message.body), Then::Nothing)),
        };
        let (body, then) =
            done.unwrap_or_else(|_| (self.refusal(code::UNREADABLE, &message.body), Then::Nothing));
        ((answer, body), then)
    }

    fn sign_up(&self, asked: &SignUp) -> Fields {
        let now = self.wallet.now();
        let about =
            About { category: Some(asked.category), trade: Some(&asked.trade), amount: None, batch: None };
        let mut banks = self.banks();
        if asked.category == Category::AskSignUp {
            return match banks.ask(asked, now) {
                Some(progress) => self.progress(&about, &progress, false),
                None => self.said(&about, None, code::OTHER_CONTENT).fields(),
            };
        }
        let given = asked.code.as_ref().map(|code| code.0.as_str()).unwrap_or_default();
        match banks.sign(&asked.trade, given, now) {
            Some((progress, wrong)) => self.progress(&about, &progress, wrong),
            None => self.said(&about, None, code::NOT_FOUND).fields(),
        }
    }

    fn progress(&self, about: &About<'_>, progress: &Progress, wrong: bool) -> Fields {
        let (status, business) = match progress {
            Progress::Asked if wrong => (Status::Accepted, code::WRONG_CODE),
            Progress::Asked => (Status::Accepted, FINE),
            Progress::Signed(_) => (Status::Succeeded, FINE),
            Progress::Failed(why) => (Status::Failed, *why),
        };
        let mut said = self.said(about, Some(status), business);
        if let Progress::Signed(sign_no) = progress {
            said.sign_no = Some(sign_no.clone());
        }
        said.fields()
    }

    fn inquiry(&self, asked: &Inquiry) -> Fields {
        let mut banks = self.banks();
        let trade = asked.original.as_str();
        match asked.category {
            Category::Debit => self.debited(&banks, trade).fields(),
            Category::Payout => self.paid_out(trade, banks.payouts.get(trade)).fields(),
            Category::AskSignUp | Category::SignUp => {
                let about =
                    About { category: Some(Category::SignUp), trade: Some(trade), amount: None, batch: None };
                match banks.progress(trade, self.wallet.now()) {
                    Some(progress) => self.progress(&about, &progress, false),
                    None => self.said(&about, None, code::NOT_FOUND).fields(),
                }
            }
            Category::Refund => {
                let trades = self.wallet.lock();
                let of = trades.refund_of(trade).and_then(|original| trades.get(original));
                let refund = of.and_then(|debit| Some((debit, debit.refunds.get(trade)?)));
                let about = About {
                    category: Some(Category::Refund),
                    trade: Some(trade),
                    amount: refund.map(|(_, it)| Money { minor: it.amount_minor }),
                    batch: banks.refunds.get(trade).copied(),
                };
                match refund {
                    Some((debit, _)) => {
                        let number = Some(format!("{}R", debit.number));
                        Outcome { number, ..self.said(&about, Some(Status::Succeeded), FINE) }.fields()
                    }
                    None => self.said(&about, None, code::NOT_FOUND).fields(),
                }
            }
        }
    }

    fn totals(&self, batch: BatchId) -> Fields {
        let banks = self.banks();
        let trades = self.wallet.lock();
        let mut said = TotalsAnswer {
            system: FINE.to_owned(),
            system_at: self.now(),
            batch,
            debits: 0,
            debited: Money::default(),
            refunds: 0,
            refunded: Money::default(),
            payouts: 0,
            paid_out: Money::default(),
        };
        for (trade, _) in banks.debits.iter().filter(|(_, debit)| debit.batch == batch) {
            if let Some(paid) = trades.get(trade).filter(|it| it.paid) {
                said.debits += 1;
                said.debited.minor += paid.amount_minor;
            }
        }
        for (name, _) in banks.refunds.iter().filter(|(_, of)| **of == batch) {
            let debit = trades.refund_of(name).and_then(|original| trades.get(original));
            if let Some(refund) = debit.and_then(|it| it.refunds.get(name)) {
                said.refunds += 1;
                said.refunded.minor += refund.amount_minor;
            }
        }
        for payout in banks.payouts.values().filter(|it| it.batch == batch && it.paid == Some(true)) {
            said.payouts += 1;
            said.paid_out.minor += payout.amount_minor;
        }
        said.fields()
    }

    pub(super) fn now(&self) -> ChinaTime {
        ChinaTime(Timestamp::from_seconds(self.wallet.now()))
    }

    pub(super) fn said(&self, about: &About<'_>, status: Option<Status>, business: &str) -> Outcome {
        Outcome {
            system: FINE.to_owned(),
            system_text: None,
            system_at: self.now(),
            business: Some(business.to_owned()),
            business_text: None,
            status,
            sign_no: None,
            number: None,
            institution: self.settings.institution.clone(),
            category: about.category,
            trade: about.trade.map(str::to_owned),
            amount: about.amount,
            batch: about.batch,
        }
    }

    /// Refuses a message without having begun. It names what it refuses.
    pub(super) fn refusal(&self, why: &str, body: &Fields) -> Fields {
        let named = body.get("TrxInf/TrxId").or_else(|| body.get("OriTrxInf/OriTrxId"));
        let about = About { category: None, trade: named, amount: None, batch: None };
        Outcome { system: why.to_owned(), business: None, ..self.said(&about, None, "") }.fields()
    }
}
