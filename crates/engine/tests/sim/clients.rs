//! Clients: they ask, ask again under the same ids and keys until they are answered, and remember what was said.

use super::numbers::Numbers;
use serde_json::{Value, json};
use suanpan_engine::{
    Answered, Asker, BooksAnswer, BooksCommand, Call, Caller, IdempotencyKey, Receipt, Refused,
};
use suanpan_ledger::account::{AccountChange, AccountKind, AccountNo, AccountSpec, Limits};
use suanpan_ledger::book::Verdict;
use suanpan_ledger::entry::{Action, Entry, EntryBatch, EntryId, Posting};
use suanpan_money::{Currency, Timestamp};
use suanpan_payments::command::Command;

/// What entries of these clients have as code; those of payments are lower.
pub(crate) const CODE: u16 = 100;
/// The accounts: currency and floor.
pub(crate) const ACCOUNTS: [(&str, Option<i64>); 6] =
    [("CNY", None), ("CNY", Some(0)), ("CNY", Some(0)), ("CNY", None), ("USD", None), ("USD", Some(-500))];
const MERCHANT: &str = "acct_sim";
/// How many customers keep money with us.
const CUSTOMERS: usize = 3;
/// How often a request is refused for now before its client gives up.
const PATIENCE: u32 = 20;

#[derive(Debug, Clone)]
pub(crate) enum What {
    Open,
    Change(AccountNo, AccountChange),
    Entries(EntryBatch),
    Call { key: String, command: Box<Command> },
}

/// How a request came to its end.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Said {
    Books(BooksAnswer),
    Body {
        status: u16,
        body: Vec<u8>,
    },
    /// Nothing was done, and the same need not be asked again.
    Refused(Refused),
}

/// An answer that was given, and what it rests on.
#[derive(Debug, Clone)]
pub(crate) struct Ack {
    pub(crate) request: usize,
    pub(crate) said: Said,
    pub(crate) receipt: Option<Receipt>,
}

#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) what: What,
    pub(crate) done: bool,
    /// A copy ended without anybody knowing how.
    pub(crate) lost_copies: u32,
    /// Copies that are under way.
    pub(crate) copies: u32,
    refused_for_now: u32,
}

pub(crate) struct Clients {
    pub(crate) requests: Vec<Request>,
    pub(crate) acks: Vec<Ack>,
    pub(crate) accounts: Vec<AccountNo>,
    next_id: u128,
    holds: Vec<EntryId>,
    posted: Vec<EntryId>,
    intents: Vec<(String, i64)>,
    customers: Vec<String>,
}

impl Clients {
    pub(crate) fn new() -> Clients {
        let open = Request { what: What::Open, done: false, lost_copies: 0, copies: 0, refused_for_now: 0 };
        Clients {
            requests: vec![open],
            acks: Vec::new(),
            accounts: Vec::new(),
            next_id: 1,
            holds: Vec::new(),
            posted: Vec::new(),
            intents: Vec::new(),
            customers: Vec::new(),
        }
    }

    /// Requests that are not answered yet.
    pub(crate) fn open(&self) -> Vec<usize> {
        (0..self.requests.len()).filter(|&at| !self.requests[at].done).collect()
    }

    /// Thinks of something new to ask for.
    pub(crate) fn ask(&mut self, numbers: &mut Numbers, now: Timestamp) {
        if self.accounts.is_empty() {
            return;
        }
        let what = match numbers.below(100) {
            0..45 => What::Entries(self.entries(numbers, now)),
            45..50 => {
                let account = self.accounts[numbers.place(self.accounts.len())];
                let (debits, credits) = (numbers.chance(500), numbers.chance(500));
                let freeze = numbers.chance(400);
                let change = if freeze {
                    AccountChange::Freeze { debits, credits }
                } else {
                    AccountChange::Unfreeze { debits: true, credits: true }
                };
                What::Change(account, change)
            }
            _ => {
                let key = format!("key-{}", self.requests.len());
                let command = Box::new(self.payment(numbers, &key));
                What::Call { key, command }
            }
        };
        self.requests.push(Request { what, done: false, lost_copies: 0, copies: 0, refused_for_now: 0 });
    }

    fn entries(&mut self, numbers: &mut Numbers, now: Timestamp) -> EntryBatch {
        let mut batch = EntryBatch::default();
        let count = 1 + numbers.below(6);
        for at in 0..count {
            let id = EntryId(self.next_id);
            self.next_id += 1;
            let pick = |list: &[EntryId], numbers: &mut Numbers| {
                (!list.is_empty()).then(|| list[numbers.place(list.len())])
            };
            let (hold, post) = (pick(&self.holds, numbers), pick(&self.posted, numbers));
            let mut postings = vec![self.posting(numbers)];
            if numbers.chance(200) {
                postings.push(self.posting(numbers));
            }
            let action = match (numbers.below(100), hold, post) {
                (0..12, Some(hold), _) => {
                    postings.clear();
                    Action::Capture { hold }
                }
                (12..20, Some(hold), _) => {
                    postings.clear();
                    Action::Void { hold }
                }
                (20..28, _, Some(of)) => {
                    postings.clear();
                    Action::Reversal { of }
                }
                (28..50, ..) => {
                    let seconds = i64::try_from(1 + numbers.below(200)).expect("small");
                    let expires_at = numbers.chance(300).then(|| now.plus_seconds(seconds));
                    Action::Hold { expires_at }
                }
                _ => Action::Post,
            };
            let linked = at + 1 < count && numbers.chance(150);
            batch.push(Entry { id, action, code: CODE, linked, postings: &postings }).expect("a small batch");
        }
        batch
    }

    fn posting(&self, numbers: &mut Numbers) -> Posting {
        // The first four have one currency, the last two another.
        let (from, count) = if numbers.chance(700) { (0, 4) } else { (4, 2) };
        let debit = numbers.place(count);
        let credit = (debit + 1 + numbers.place(count - 1)) % count;
        Posting {
            debit: self.accounts[from + debit],
            credit: self.accounts[from + credit],
            amount_minor: 1 + numbers.below(300),
        }
    }

    fn payment(&self, numbers: &mut Numbers, key: &str) -> Command {
        let metadata = json!({ "key": key });
        let known =
            (!self.intents.is_empty()).then(|| self.intents[numbers.place(self.intents.len())].clone());
        let customer =
            (!self.customers.is_empty()).then(|| self.customers[numbers.place(self.customers.len())].clone());
        match (numbers.below(100), known) {
            (40..70, _) if self.customers.is_empty() => {
                Command::CreateCustomer { request: parse(json!({"metadata": metadata})) }
            }
            (40..42, _) if self.customers.len() < CUSTOMERS => {
                Command::CreateCustomer { request: parse(json!({"metadata": metadata})) }
            }
            (42..60, _) if customer.is_some() => {
                let amount = 1 + numbers.below(200_000);
                let request = parse(json!({"amount": amount, "currency": "cny"}));
                Command::FundCashBalance { id: customer.unwrap_or_default(), request }
            }
            (0..15, Some((id, amount))) => {
                let part = numbers.chance(500).then(|| 1 + amount / 2);
                Command::CapturePaymentIntent { id, request: parse(json!({"amount_to_capture": part})) }
            }
            (15..23, Some((id, _))) => Command::CancelPaymentIntent { id, request: parse(json!({})) },
            (23..40, Some((id, amount))) => {
                let amount = numbers.chance(700).then(|| 1 + amount / 3);
                let value = json!({"payment_intent": id, "amount": amount, "metadata": metadata});
                Command::CreateRefund { request: parse(value) }
            }
            _ => {
                let amount = 1 + numbers.below(100_000);
                let manual = if numbers.chance(400) { "manual" } else { "automatic" };
                let card = CARDS[numbers.place(CARDS.len())];
                let value = json!({
                    "amount": amount, "currency": "cny", "confirm": true, "capture_method": manual,
                    "metadata": metadata,
                    "payment_method_data": {
                        "type": "card",
                        "card": {"number": card, "exp_month": 12, "exp_year": 2034},
                    },
                });
                let mut value = value;
                if let Some(customer) = customer.filter(|_| amount > 1 && numbers.chance(800)) {
                    let part = numbers.chance(500).then(|| 1 + numbers.below(amount - 1));
                    value["customer"] = customer.into();
                    value["payment_sources"] = json!([{"type": "balance", "amount": part}]);
                }
                Command::CreatePaymentIntent { request: parse(value) }
            }
        }
    }

    /// Takes in an answer for the books.
    pub(crate) fn books_answered(&mut self, at: usize, answer: Result<(BooksAnswer, Receipt), Refused>) {
        self.requests[at].copies -= 1;
        match answer {
            Ok((answer, receipt)) => {
                match (&answer, &self.requests[at].what) {
                    (BooksAnswer::Opened(opened), What::Open) => {
                        self.accounts = opened.iter().map(|number| number.expect("good accounts")).collect();
                    }
                    (BooksAnswer::Posted(verdicts), What::Entries(batch)) => {
                        for (verdict, head) in verdicts.iter().zip(&batch.heads) {
                            let there = matches!(verdict, Verdict::Accepted { .. } | Verdict::Exists { .. });
                            match head.action {
                                Action::Hold { .. } if there => self.holds.push(head.id),
                                Action::Post | Action::Capture { .. } if there => self.posted.push(head.id),
                                _ => {}
                            }
                        }
                    }
                    _ => {}
                }
                self.end(at, Said::Books(answer), Some(receipt));
            }
            Err(refused) => self.refused(at, refused),
        }
    }

    /// Takes in an answer of the API.
    pub(crate) fn call_answered(&mut self, at: usize, answer: Result<Answered, Refused>) {
        self.requests[at].copies -= 1;
        match answer {
            Ok(Answered { status, body, receipt, .. }) => {
                let value: Value = serde_json::from_slice(&body).expect("answers are JSON");
                if let (Some("payment_intent"), Some(id), Some(amount)) =
                    (value["object"].as_str(), value["id"].as_str(), value["amount"].as_i64())
                    && !self.intents.iter().any(|(known, _)| known == id)
                {
                    self.intents.push((id.to_owned(), amount));
                }
                if let (Some("customer"), Some(id)) = (value["object"].as_str(), value["id"].as_str())
                    && !self.customers.iter().any(|known| known == id)
                {
                    self.customers.push(id.to_owned());
                }
                self.end(at, Said::Body { status, body }, Some(receipt));
            }
            Err(refused) => self.refused(at, refused),
        }
    }

    /// Nobody will ever know how this copy ended.
    pub(crate) fn lost(&mut self, at: usize) {
        self.requests[at].copies -= 1;
        self.requests[at].lost_copies += 1;
    }

    fn refused(&mut self, at: usize, refused: Refused) {
        let request = &mut self.requests[at];
        match refused {
            Refused::Unknown(_) => request.lost_copies += 1,
            // Nothing was done: some clients leave it at that.
            Refused::NotQueued(_) | Refused::Standby | Refused::Unavailable(_) => {
                let last = request.copies == 0 && request.lost_copies == 0 && !request.done;
                if last && at % 3 == 1 {
                    self.end(at, Said::Refused(refused), None);
                }
            }
            Refused::KeyInUse => {}
            refused if refused.retryable() && request.refused_for_now < PATIENCE => {
                request.refused_for_now += 1;
            }
            refused => self.end(at, Said::Refused(refused), None),
        }
    }

    fn end(&mut self, at: usize, said: Said, receipt: Option<Receipt>) {
        self.requests[at].done = true;
        self.acks.push(Ack { request: at, said, receipt });
    }

    /// Makes the command of a request for the books.
    pub(crate) fn command(&self, at: usize) -> Option<BooksCommand> {
        match &self.requests[at].what {
            What::Open => Some(BooksCommand::Open(specs())),
            What::Change(account, change) => Some(BooksCommand::Change(vec![(*account, *change)])),
            What::Entries(batch) => Some(BooksCommand::Post(batch.clone())),
            What::Call { .. } => None,
        }
    }

    /// Makes the call of another request.
    pub(crate) fn call(&self, at: usize) -> Option<Call> {
        let What::Call { key, command } = &self.requests[at].what else { return None };
        let digest = *blake3::hash(key.as_bytes()).as_bytes();
        Some(Call {
            caller: caller(),
            idempotency: Some(IdempotencyKey { key: key.clone(), asker: Asker::Server, digest }),
            request_id: None,
            command: Command::clone(command),
        })
    }
}

/// Numbers of cards: good ones, and those that decline, refuse or lose something.
const CARDS: [&str; 8] = [
    "4242424242424242",
    "4242424242424242",
    "5555555555554444",
    "5555555555554444",
    "6200000000000005",
    "6200000000000005",
    "4000000000000002",
    "4000000000009995",
];

pub(crate) fn caller() -> Caller {
    Caller { merchant: MERCHANT.to_owned(), live: false }
}

fn specs() -> Vec<AccountSpec> {
    let spec = |(at, (currency, floor)): (usize, &(&str, Option<i64>))| AccountSpec {
        path: format!("sim/{at}"),
        currency: Currency::parse(currency).expect("known"),
        kind: AccountKind::Liability,
        limits: Limits { floor: *floor, ceiling: None },
    };
    ACCOUNTS.iter().enumerate().map(spec).collect()
}

fn parse<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("a good request")
}
