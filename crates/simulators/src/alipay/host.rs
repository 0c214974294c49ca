//! What the wallet answers, by its rules.

use crate::wallet::{
    Audit, Behaviour, REMEMBERED, Settings, Then, Trade, TradeState, Trades, Wallet, code_text,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Mutex, PoisonError};
use suanpan_messages::signing::parameters::joined;
use suanpan_messages::signing::rsa::{RsaPrivateKey, RsaPublicKey};
use suanpan_money::{format_minor, parse_decimal};

/// Yuan have two decimals.
const EXPONENT: u8 = 2;

/// Who may call, and how the wallet behaves.
pub struct HostSettings {
    /// The application that may call.
    pub app_id: String,
    /// Verifies what the application sends.
    pub app_key: RsaPublicKey,
    /// Signs what the wallet sends.
    pub own_key: RsaPrivateKey,
    /// How it behaves.
    pub wallet: Settings,
}

impl fmt::Debug for HostSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostSettings")
            .field("app_id", &self.app_id)
            .field("wallet", &self.wallet)
            .finish_non_exhaustive()
    }
}

/// A code that is shown until somebody scans it: only then there is a trade.
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
    pub(super) app_id: String,
    pub(super) app_key: RsaPublicKey,
    pub(super) own_key: RsaPrivateKey,
    pub(super) wallet: Wallet,
    shown: Mutex<HashMap<String, Shown>>,
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

impl Host {
    /// Makes a wallet that knows nothing yet.
    #[must_use]
    pub fn new(settings: HostSettings) -> Host {
        let HostSettings { app_id, app_key, own_key, wallet } = settings;
        Host { app_id, app_key, own_key, wallet: Wallet::new(wallet), shown: Mutex::default() }
    }

    /// Returns all trades, by the names of their orders.
    #[must_use]
    pub fn trades(&self) -> BTreeMap<String, Trade> {
        self.wallet.lock().all()
    }

    /// Counts the calls that were done, by the name of the method.
    #[must_use]
    pub fn calls(&self, method: &str) -> u64 {
        self.wallet.lock().calls(method)
    }

    /// Returns the sums of what is held true.
    #[must_use]
    pub fn audit(&self) -> Audit {
        self.wallet.lock().audit()
    }

    /// A customer scans a code and pays. Returns the order when that was possible.
    pub fn scan(&self, code: &str) -> Option<String> {
        let now = self.wallet.now();
        let all = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = all.get(code).filter(|shown| now < shown.expires_at).cloned()?;
        drop(all);
        let mut trades = self.wallet.lock();
        let trade = new_trade(&mut trades, shown.amount_minor, shown.notify_url, shown.expires_at, false);
        trades.open(&shown.order, trade)?.pay(now).then_some(shown.order)
    }

    /// Does what a call asks for, by the rules, and makes the answer.
    pub(super) fn apply(&self, method: &str, content: &str, notify_url: Option<&str>) -> (Value, Then) {
        let Ok(content) = serde_json::from_str::<Content>(content) else {
            return (failed("ACQ.INVALID_PARAMETER"), Then::Nothing);
        };
        if !(1..=64).contains(&content.out_trade_no.len()) {
            return (failed("ACQ.INVALID_PARAMETER"), Then::Nothing);
        }
        let now = self.wallet.now();
        let mut trades = self.wallet.lock();
        trades.called(method);
        match method {
            "alipay.trade.precreate" => self.precreate(&trades, &content, notify_url, now),
            "alipay.trade.pay" => pay(&mut trades, &content, notify_url, now),
            "alipay.trade.query" => (query(&mut trades, &content, now), Then::Nothing),
            "alipay.trade.cancel" => (cancel(&mut trades, &content), Then::Nothing),
            "alipay.trade.refund" => (refund(&mut trades, &content, now), Then::Nothing),
            "alipay.trade.fastpay.refund.query" => (refund_query(&trades, &content), Then::Nothing),
            _ => {
                let wrong =
                    json!({"code": "40002", "msg": "Invalid Arguments", "sub_code": "isv.invalid-method"});
                (wrong, Then::Nothing)
            }
        }
    }

    fn precreate(
        &self,
        trades: &Trades,
        content: &Content,
        notify_url: Option<&str>,
        now: i64,
    ) -> (Value, Then) {
        // The code lives for two hours when nothing is said, whatever the order does.
        let said = Some(&content.qr_code_timeout_express).filter(|said| !said.is_empty());
        let life = said.map_or(Some(120), |said| minutes(said));
        let (Some(amount_minor), Some(minutes)) = (minor(&content.total_amount), life) else {
            return (failed("ACQ.INVALID_PARAMETER"), Then::Nothing);
        };
        if trades.get(&content.out_trade_no).is_some() {
            return (failed("ACQ.TRADE_HAS_SUCCESS"), Then::Nothing);
        }
        let code = code_text("https://qr.wallet.example/", &content.out_trade_no);
        let shown = Shown {
            order: content.out_trade_no.clone(),
            amount_minor,
            notify_url: notify_url.map(str::to_owned),
            expires_at: now + minutes * 60,
        };
        let mut all = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= REMEMBERED {
            return (failed("ACQ.SYSTEM_ERROR"), Then::Nothing);
        }
        all.insert(code.clone(), shown);
        let mut answer = fine(&content.out_trade_no);
        answer.insert("qr_code".to_owned(), json!(code));
        let comes = self.wallet.is_scanned(&content.out_trade_no);
        (Value::Object(answer), if comes { Then::Scan(code) } else { Then::Nothing })
    }

    /// Returns where the notification of an order goes.
    pub(super) fn notify_url(&self, order: &str) -> Option<String> {
        self.wallet.lock().get(order)?.notify_url.clone()
    }

    /// Makes the notification that an order was paid, as a signed form; one that was changed on its way where that is
    /// wanted. None when it was never paid.
    #[must_use]
    pub fn notification(&self, order: &str, garbled: bool) -> Option<String> {
        let parameters = self.paid(order)?;
        let pairs: Vec<(&str, &str)> =
            parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let signature = self.own_key.sign_base64(joined(&pairs, &[]).ok()?.as_bytes()).ok()?;
        let mut form = form_urlencoded::Serializer::new(String::new());
        for (name, value) in pairs {
            form.append_pair(name, if garbled && name == "total_amount" { "0.01" } else { value });
        }
        Some(form.append_pair("sign_type", "RSA2").append_pair("sign", &signature).finish())
    }

    fn paid(&self, order: &str) -> Option<Vec<(&'static str, String)>> {
        let trades = self.wallet.lock();
        let trade = trades.get(order).filter(|trade| trade.paid)?;
        Some(vec![
            ("notify_type", "trade_status_sync".to_owned()),
            ("notify_id", format!("n{}", trade.number)),
            ("app_id", self.app_id.clone()),
            ("charset", "utf-8".to_owned()),
            ("version", "1.0".to_owned()),
            ("trade_no", trade.number.clone()),
            ("out_trade_no", order.to_owned()),
            ("trade_status", "TRADE_SUCCESS".to_owned()),
            ("total_amount", yuan(trade.amount_minor)),
        ])
    }
}

fn new_trade(
    trades: &mut Trades,
    amount_minor: u64,
    notify_url: Option<String>,
    expires_at: i64,
    scanned: bool,
) -> Trade {
    Trade {
        number: format!("20261128{:020}", trades.number()),
        amount_minor,
        scanned,
        state: TradeState::Waiting,
        paid: false,
        refunds: BTreeMap::new(),
        called_off: false,
        notify_url,
        expires_at,
    }
}

fn pay(trades: &mut Trades, content: &Content, notify_url: Option<&str>, now: i64) -> (Value, Then) {
    let life = minutes(&content.timeout_express);
    let (Some(amount_minor), Some(minutes)) = (minor(&content.total_amount), life) else {
        return (failed("ACQ.INVALID_PARAMETER"), Then::Nothing);
    };
    let order = content.out_trade_no.as_str();
    if let Some(state) = trades.get(order).map(|trade| trade.state) {
        trades.repeated();
        let sub_code = match state {
            TradeState::Waiting => return (waiting(order), Then::Nothing),
            TradeState::Paid => "ACQ.TRADE_HAS_SUCCESS",
            TradeState::Failed | TradeState::Closed => "ACQ.TRADE_HAS_CLOSE",
        };
        return (failed(sub_code), Then::Nothing);
    }
    // A code is good once, whatever became of the payment.
    if !trades.use_code(&content.auth_code) {
        return (failed("ACQ.PAYMENT_AUTH_CODE_INVALID"), Then::Nothing);
    }
    let behaviour = Behaviour::of(&content.auth_code);
    match behaviour {
        Behaviour::IsPoor => return (failed("ACQ.BUYER_BALANCE_NOT_ENOUGH"), Then::Nothing),
        Behaviour::IsNobody => return (failed("ACQ.PAYMENT_AUTH_CODE_INVALID"), Then::Nothing),
        Behaviour::Pays | Behaviour::Agrees | Behaviour::IsSilent | Behaviour::Refuses => {}
    }
    let trade = new_trade(trades, amount_minor, notify_url.map(str::to_owned), now + minutes * 60, true);
    let Some(trade) = trades.open(order, trade) else {
        return (failed("ACQ.SYSTEM_ERROR"), Then::Nothing);
    };
    match behaviour {
        Behaviour::Pays => {
            trade.pay(now);
            let mut answer = fine(order);
            answer.insert("trade_no".to_owned(), json!(trade.number));
            answer.insert("total_amount".to_owned(), json!(yuan(amount_minor)));
            (Value::Object(answer), Then::Notify(order.to_owned()))
        }
        Behaviour::Agrees => (waiting(order), Then::Hesitate(order.to_owned())),
        Behaviour::Refuses => {
            trade.state = TradeState::Closed;
            (waiting(order), Then::Nothing)
        }
        Behaviour::IsSilent | Behaviour::IsPoor | Behaviour::IsNobody => (waiting(order), Then::Nothing),
    }
}

fn query(trades: &mut Trades, content: &Content, now: i64) -> Value {
    let Some(trade) = trades.get_mut(&content.out_trade_no) else {
        return failed("ACQ.TRADE_NOT_EXIST");
    };
    if trade.state == TradeState::Waiting && now >= trade.expires_at {
        trade.state = TradeState::Closed;
    }
    let status = match trade.state {
        TradeState::Waiting => "WAIT_BUYER_PAY",
        TradeState::Paid => "TRADE_SUCCESS",
        TradeState::Failed | TradeState::Closed => "TRADE_CLOSED",
    };
    let mut answer = fine(&content.out_trade_no);
    answer.insert("trade_no".to_owned(), json!(trade.number));
    answer.insert("trade_status".to_owned(), json!(status));
    answer.insert("total_amount".to_owned(), json!(yuan(trade.amount_minor)));
    Value::Object(answer)
}

/// A trade that does not exist is not ended by this: whoever has its code can still scan it.
fn cancel(trades: &mut Trades, content: &Content) -> Value {
    let mut answer = fine(&content.out_trade_no);
    answer.insert("retry_flag".to_owned(), json!("N"));
    let Some(trade) = trades.get_mut(&content.out_trade_no) else { return Value::Object(answer) };
    if trade.state == TradeState::Paid && trade.refunded_minor() > 0 {
        return failed("ACQ.REASON_TRADE_REFUND_FEE_ERR");
    }
    trade.call_off();
    answer.insert("trade_no".to_owned(), json!(trade.number));
    answer.insert("action".to_owned(), json!(if trade.called_off { "refund" } else { "close" }));
    Value::Object(answer)
}

fn refund(trades: &mut Trades, content: &Content, now: i64) -> Value {
    let Some(trade) = trades.get_mut(&content.out_trade_no) else {
        return failed("ACQ.TRADE_NOT_EXIST");
    };
    let Some(amount) = minor(&content.refund_amount).filter(|_| !content.out_request_no.is_empty()) else {
        return failed("ACQ.INVALID_PARAMETER");
    };
    let known = trade.refunds.contains_key(&content.out_request_no);
    let Some(moved) = trade.refund(&content.out_request_no, amount, now) else {
        let ended = !known && trade.state != TradeState::Paid;
        return failed(if ended { "ACQ.TRADE_STATUS_ERROR" } else { "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL" });
    };
    if trade.refunded_minor() == trade.amount_minor {
        trade.state = TradeState::Closed;
    }
    let mut answer = fine(&content.out_trade_no);
    answer.insert("trade_no".to_owned(), json!(trade.number));
    answer.insert("fund_change".to_owned(), json!(if moved { "Y" } else { "N" }));
    answer.insert("refund_fee".to_owned(), json!(yuan(trade.refunded_minor())));
    Value::Object(answer)
}

fn refund_query(trades: &Trades, content: &Content) -> Value {
    let mut answer = fine(&content.out_trade_no);
    let trade = trades.get(&content.out_trade_no);
    if let Some(refund) = trade.and_then(|trade| trade.refunds.get(&content.out_request_no)) {
        answer.insert("out_request_no".to_owned(), json!(content.out_request_no));
        answer.insert("refund_amount".to_owned(), json!(yuan(refund.amount_minor)));
        answer.insert("refund_status".to_owned(), json!("REFUND_SUCCESS"));
    }
    Value::Object(answer)
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

fn waiting(order: &str) -> Value {
    json!({"code": "10003", "msg": "order success pay inprocess", "out_trade_no": order})
}

fn minutes(said: &str) -> Option<i64> {
    said.strip_suffix('m')?.parse().ok().filter(|minutes| (1..=10_080).contains(minutes))
}
