//! What the wallet holds true, and its rules.

use crate::arrivals::Arrivals;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use suanpan_channels::faults::Faults;
use suanpan_messages::signing::parameters::joined;
use suanpan_messages::signing::rsa::{RsaPrivateKey, RsaPublicKey};
use suanpan_money::{format_minor, parse_decimal};

/// Trades that are remembered. A soak has some hundred thousand; each takes some 400 bytes.
const REMEMBERED: usize = 2_000_000;
/// Yuan have two decimals.
const EXPONENT: u8 = 2;

/// How a wallet behaves.
pub struct HostSettings {
    /// The application that may call.
    pub app_id: String,
    /// Verifies what the application sends.
    pub app_key: RsaPublicKey,
    /// Signs what the wallet sends.
    pub own_key: RsaPrivateKey,
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

impl fmt::Debug for HostSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostSettings")
            .field("app_id", &self.app_id)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}

/// Where a trade stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TradeState {
    /// The customer was asked.
    Waiting,
    /// The customer has paid.
    Paid,
    /// It ended unpaid, or all was given back.
    Closed,
}

/// A trade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trade {
    /// The wallet's number.
    pub number: String,
    /// How much, in minor units.
    pub amount_minor: u64,
    /// Where it stands.
    pub state: TradeState,
    /// Whether the customer paid it, whatever became of that.
    pub paid: bool,
    /// What was given back, by the names of refunds, in minor units.
    pub refunds: BTreeMap<String, u64>,
    /// Whether it was given back as a whole by being called off.
    pub called_off: bool,
    notify_url: Option<String>,
    expires_at: i64,
}

impl Trade {
    /// What was given back, in minor units.
    #[must_use]
    pub fn refunded_minor(&self) -> u64 {
        self.refunds.values().sum()
    }
}

/// Sums over all that a wallet holds true, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Audit {
    /// Taken from customers and not given back by being called off.
    pub taken_minor: u128,
    /// Given back by refunds.
    pub refunded_minor: u128,
    /// Trades that were paid and stand.
    pub standing: u64,
    /// Trades that were paid, and given back because they were called off.
    pub called_off: u64,
}

/// A code that is shown until somebody scans it.
#[derive(Debug, Clone)]
struct Shown {
    order: String,
    amount_minor: u64,
    notify_url: Option<String>,
    expires_at: i64,
}

/// The wallet.
#[derive(Debug)]
pub struct Host {
    pub(super) settings: HostSettings,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    trades: HashMap<String, Trade>,
    shown: HashMap<String, Shown>,
    used_codes: HashSet<String>,
    came: Arrivals,
    calls: BTreeMap<String, u64>,
    numbers: u64,
}

/// What a call says, of all members that any call has.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Content {
    out_trade_no: String,
    out_request_no: String,
    total_amount: String,
    refund_amount: String,
    auth_code: String,
    timeout_express: String,
    qr_code_timeout_express: String,
}

/// What is to be done beside the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Then {
    Nothing,
    /// Tell the shop that it was paid.
    Notify(String),
    /// Let the customer agree after a while.
    Hesitate(String),
    /// Let a customer come and scan a code.
    Scan(String),
}

fn fine(order: &str) -> serde_json::Map<String, Value> {
    let mut answer = serde_json::Map::new();
    answer.insert("code".to_owned(), json!("10000"));
    answer.insert("msg".to_owned(), json!("Success"));
    answer.insert("out_trade_no".to_owned(), json!(order));
    answer
}

fn failed(sub_code: &str) -> Value {
    json!({"code": "40004", "msg": "Business Failed", "sub_code": sub_code, "sub_msg": sub_code})
}

fn yuan(minor: u64) -> String {
    format_minor(i64::try_from(minor).unwrap_or(i64::MAX), EXPONENT)
}

fn minor(yuan: &str) -> Option<u64> {
    let minor = parse_decimal(yuan.as_bytes(), EXPONENT).ok()?;
    u64::try_from(minor).ok().filter(|minor| *minor > 0)
}

impl Host {
    /// Makes a wallet that knows nothing yet.
    #[must_use]
    pub fn new(settings: HostSettings) -> Host {
        Host { settings, state: Mutex::new(State::default()) }
    }

    // Each change under the lock is made in one step.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a message, whatever becomes of it, and says how often it had come before.
    pub(super) fn came(&self, name: Vec<u8>) -> u32 {
        self.lock().came.count(name)
    }

    /// Returns all trades, by the names of their orders.
    #[must_use]
    pub fn trades(&self) -> BTreeMap<String, Trade> {
        self.lock().trades.iter().map(|(order, trade)| (order.clone(), trade.clone())).collect()
    }

    /// Counts the calls that were done, by the name of the method.
    #[must_use]
    pub fn calls(&self, method: &str) -> u64 {
        self.lock().calls.get(method).copied().unwrap_or_default()
    }

    /// Returns the sums of what is held true.
    #[must_use]
    pub fn audit(&self) -> Audit {
        let mut audit = Audit::default();
        for trade in self.lock().trades.values() {
            if trade.called_off {
                audit.called_off += 1;
            } else if trade.paid {
                audit.standing += 1;
                audit.taken_minor += u128::from(trade.amount_minor);
                audit.refunded_minor += u128::from(trade.refunded_minor());
            }
        }
        audit
    }

    /// A customer scans a code and pays. Returns the order when that was possible.
    pub fn scan(&self, code: &str) -> Option<String> {
        let now = (self.settings.now)();
        let mut state = self.lock();
        let shown = state.shown.get(code).filter(|shown| now < shown.expires_at).cloned()?;
        let trade = state.open(&shown.order, shown.amount_minor, shown.notify_url, shown.expires_at)?;
        trade.pay().then_some(shown.order)
    }

    /// The customer who was asked agrees, where the trade still waits. Returns whether it was paid by that.
    pub fn agree(&self, order: &str) -> bool {
        let now = (self.settings.now)();
        self.lock().trades.get_mut(order).is_some_and(|trade| now < trade.expires_at && trade.pay())
    }

    /// Does what a call asks for, by the rules, and makes the answer.
    pub(super) fn apply(&self, method: &str, content: &str, notify_url: Option<&str>) -> (Value, Then) {
        let Ok(content) = serde_json::from_str::<Content>(content) else {
            return (failed("ACQ.INVALID_PARAMETER"), Then::Nothing);
        };
        if !(1..=64).contains(&content.out_trade_no.len()) {
            return (failed("ACQ.INVALID_PARAMETER"), Then::Nothing);
        }
        let now = (self.settings.now)();
        let mut state = self.lock();
        *state.calls.entry(method.to_owned()).or_default() += 1;
        match method {
            "alipay.trade.precreate" => state.precreate(&content, notify_url, now, self.settings.customers),
            "alipay.trade.pay" => state.pay(&content, notify_url, now),
            "alipay.trade.query" => (state.query(&content, now), Then::Nothing),
            "alipay.trade.cancel" => (state.cancel(&content), Then::Nothing),
            "alipay.trade.refund" => (state.refund(&content), Then::Nothing),
            "alipay.trade.fastpay.refund.query" => (state.refund_query(&content), Then::Nothing),
            _ => {
                let wrong =
                    json!({"code": "40002", "msg": "Invalid Arguments", "sub_code": "isv.invalid-method"});
                (wrong, Then::Nothing)
            }
        }
    }

    /// Returns where the notification of an order goes.
    pub(super) fn notify_url(&self, order: &str) -> Option<String> {
        self.lock().trades.get(order)?.notify_url.clone()
    }

    /// Makes the notification that an order was paid, as a signed form; one that was changed on its way where that is
    /// wanted. None when it was never paid.
    #[must_use]
    pub fn notification(&self, order: &str, garbled: bool) -> Option<String> {
        let parameters = self.paid(order)?;
        let pairs: Vec<(&str, &str)> =
            parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let signature = self.settings.own_key.sign_base64(joined(&pairs, &[]).ok()?.as_bytes()).ok()?;
        let mut form = form_urlencoded::Serializer::new(String::new());
        for (name, value) in pairs {
            form.append_pair(name, if garbled && name == "total_amount" { "0.01" } else { value });
        }
        Some(form.append_pair("sign_type", "RSA2").append_pair("sign", &signature).finish())
    }

    fn paid(&self, order: &str) -> Option<Vec<(&'static str, String)>> {
        let state = self.lock();
        let trade = state.trades.get(order).filter(|trade| trade.paid)?;
        Some(vec![
            ("notify_type", "trade_status_sync".to_owned()),
            ("notify_id", format!("n{}", trade.number)),
            ("app_id", self.settings.app_id.clone()),
            ("charset", "utf-8".to_owned()),
            ("version", "1.0".to_owned()),
            ("trade_no", trade.number.clone()),
            ("out_trade_no", order.to_owned()),
            ("trade_status", "TRADE_SUCCESS".to_owned()),
            ("total_amount", yuan(trade.amount_minor)),
        ])
    }
}

impl Trade {
    fn pay(&mut self) -> bool {
        if self.state != TradeState::Waiting {
            return false;
        }
        self.state = TradeState::Paid;
        self.paid = true;
        true
    }
}

impl State {
    fn number(&mut self) -> String {
        self.numbers += 1;
        format!("20261128{:020}", self.numbers)
    }

    /// Begins a trade; none when there is one already.
    fn open(
        &mut self,
        order: &str,
        amount_minor: u64,
        notify_url: Option<String>,
        expires_at: i64,
    ) -> Option<&mut Trade> {
        if self.trades.contains_key(order) || self.trades.len() >= REMEMBERED {
            return None;
        }
        let number = self.number();
        let trade = Trade {
            number,
            amount_minor,
            state: TradeState::Waiting,
            paid: false,
            refunds: BTreeMap::new(),
            called_off: false,
            notify_url,
            expires_at,
        };
        Some(self.trades.entry(order.to_owned()).or_insert(trade))
    }

    fn precreate(
        &mut self,
        content: &Content,
        notify_url: Option<&str>,
        now: i64,
        customers: Option<Customers>,
    ) -> (Value, Then) {
        // The code lives for two hours when nothing is said, whatever the order does.
        let said = Some(&content.qr_code_timeout_express).filter(|said| !said.is_empty());
        let life = said.map_or(Some(120), |said| minutes(said));
        let (Some(amount_minor), Some(minutes)) = (minor(&content.total_amount), life) else {
            return (failed("ACQ.INVALID_PARAMETER"), Then::Nothing);
        };
        if self.trades.contains_key(&content.out_trade_no) {
            return (failed("ACQ.TRADE_HAS_SUCCESS"), Then::Nothing);
        }
        let hash = blake3::hash(content.out_trade_no.as_bytes());
        let code = format!("https://qr.wallet.example/{}", &hash.to_hex()[..24]);
        let shown = Shown {
            order: content.out_trade_no.clone(),
            amount_minor,
            notify_url: notify_url.map(str::to_owned),
            expires_at: now + minutes * 60,
        };
        self.shown.insert(code.clone(), shown);
        let mut answer = fine(&content.out_trade_no);
        answer.insert("qr_code".to_owned(), json!(code));
        let chance = u32::from_le_bytes(hash.as_bytes()[..4].try_into().unwrap_or_default()) % 1_000_000;
        let comes = customers.is_some_and(|customers| chance < customers.parts);
        (Value::Object(answer), if comes { Then::Scan(code) } else { Then::Nothing })
    }

    fn pay(&mut self, content: &Content, notify_url: Option<&str>, now: i64) -> (Value, Then) {
        let life = minutes(&content.timeout_express);
        let (Some(amount_minor), Some(minutes)) = (minor(&content.total_amount), life) else {
            return (failed("ACQ.INVALID_PARAMETER"), Then::Nothing);
        };
        let order = content.out_trade_no.as_str();
        if let Some(trade) = self.trades.get(order) {
            let sub_code = match trade.state {
                TradeState::Waiting => return (waiting(order), Then::Nothing),
                TradeState::Paid => "ACQ.TRADE_HAS_SUCCESS",
                TradeState::Closed => "ACQ.TRADE_HAS_CLOSE",
            };
            return (failed(sub_code), Then::Nothing);
        }
        // A code is good once, whatever became of the payment.
        if !self.used_codes.insert(content.auth_code.clone()) {
            return (failed("ACQ.PAYMENT_AUTH_CODE_INVALID"), Then::Nothing);
        }
        let behaviour =
            content.auth_code.get(content.auth_code.len().saturating_sub(2)..).unwrap_or_default();
        match behaviour {
            "00" | "01" | "02" => {}
            "51" => return (failed("ACQ.BUYER_BALANCE_NOT_ENOUGH"), Then::Nothing),
            _ => return (failed("ACQ.PAYMENT_AUTH_CODE_INVALID"), Then::Nothing),
        }
        let notify_url = notify_url.map(str::to_owned);
        let Some(trade) = self.open(order, amount_minor, notify_url, now + minutes * 60) else {
            return (failed("ACQ.SYSTEM_ERROR"), Then::Nothing);
        };
        match behaviour {
            "00" => {
                trade.pay();
                let mut answer = fine(order);
                answer.insert("trade_no".to_owned(), json!(trade.number));
                answer.insert("total_amount".to_owned(), json!(yuan(amount_minor)));
                (Value::Object(answer), Then::Notify(order.to_owned()))
            }
            "01" => (waiting(order), Then::Hesitate(order.to_owned())),
            _ => (waiting(order), Then::Nothing),
        }
    }

    fn query(&mut self, content: &Content, now: i64) -> Value {
        let Some(trade) = self.trades.get_mut(&content.out_trade_no) else {
            return failed("ACQ.TRADE_NOT_EXIST");
        };
        if trade.state == TradeState::Waiting && now >= trade.expires_at {
            trade.state = TradeState::Closed;
        }
        let status = match trade.state {
            TradeState::Waiting => "WAIT_BUYER_PAY",
            TradeState::Paid => "TRADE_SUCCESS",
            TradeState::Closed => "TRADE_CLOSED",
        };
        let mut answer = fine(&content.out_trade_no);
        answer.insert("trade_no".to_owned(), json!(trade.number));
        answer.insert("trade_status".to_owned(), json!(status));
        answer.insert("total_amount".to_owned(), json!(yuan(trade.amount_minor)));
        Value::Object(answer)
    }

    /// A trade that does not exist is not ended by this: whoever has its code can still scan it.
    fn cancel(&mut self, content: &Content) -> Value {
        let mut answer = fine(&content.out_trade_no);
        answer.insert("retry_flag".to_owned(), json!("N"));
        let Some(trade) = self.trades.get_mut(&content.out_trade_no) else { return Value::Object(answer) };
        let refunded = trade.refunded_minor() > 0;
        let action = match trade.state {
            TradeState::Paid if refunded => return failed("ACQ.REASON_TRADE_REFUND_FEE_ERR"),
            TradeState::Paid => {
                trade.called_off = true;
                "refund"
            }
            TradeState::Closed if trade.called_off => "refund",
            TradeState::Waiting | TradeState::Closed => "close",
        };
        trade.state = TradeState::Closed;
        answer.insert("trade_no".to_owned(), json!(trade.number));
        answer.insert("action".to_owned(), json!(action));
        Value::Object(answer)
    }

    fn refund(&mut self, content: &Content) -> Value {
        let Some(trade) = self.trades.get_mut(&content.out_trade_no) else {
            return failed("ACQ.TRADE_NOT_EXIST");
        };
        let Some(amount) = minor(&content.refund_amount).filter(|_| !content.out_request_no.is_empty())
        else {
            return failed("ACQ.INVALID_PARAMETER");
        };
        let before = trade.refunds.get(&content.out_request_no).copied();
        match before {
            Some(before) if before != amount => return failed("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL"),
            Some(_) => {}
            None if trade.state != TradeState::Paid => return failed("ACQ.TRADE_STATUS_ERROR"),
            None if trade.refunded_minor() + amount > trade.amount_minor => {
                return failed("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL");
            }
            None => {
                trade.refunds.insert(content.out_request_no.clone(), amount);
            }
        }
        if trade.refunded_minor() == trade.amount_minor {
            trade.state = TradeState::Closed;
        }
        let mut answer = fine(&content.out_trade_no);
        answer.insert("trade_no".to_owned(), json!(trade.number));
        answer.insert("fund_change".to_owned(), json!(if before.is_none() { "Y" } else { "N" }));
        answer.insert("refund_fee".to_owned(), json!(yuan(trade.refunded_minor())));
        Value::Object(answer)
    }

    fn refund_query(&self, content: &Content) -> Value {
        let mut answer = fine(&content.out_trade_no);
        let trade = self.trades.get(&content.out_trade_no);
        if let Some(amount) = trade.and_then(|trade| trade.refunds.get(&content.out_request_no)) {
            answer.insert("out_request_no".to_owned(), json!(content.out_request_no));
            answer.insert("refund_amount".to_owned(), json!(yuan(*amount)));
            answer.insert("refund_status".to_owned(), json!("REFUND_SUCCESS"));
        }
        Value::Object(answer)
    }
}

fn waiting(order: &str) -> Value {
    json!({"code": "10003", "msg": "order success pay inprocess", "out_trade_no": order})
}

fn minutes(said: &str) -> Option<i64> {
    said.strip_suffix('m')?.parse().ok().filter(|minutes| (1..=10_080).contains(minutes))
}
