//! What the wallet answers, by its rules.

use crate::wallet::{Audit, Behaviour, Settings, Then, Trade, TradeState, Trades, Wallet, code_text};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;
use suanpan_messages::signing::rsa::{RsaPrivateKey, RsaPublicKey};
use suanpan_messages::signing::wechat::ResourceKey;

/// All amounts are in it.
const CURRENCY: &str = "CNY";
/// For how long a customer whose code was scanned may agree, unless the shop reverses the order.
const CODE_SECONDS: i64 = 3_600;
/// For how long a code that is shown is good when nothing is said: two hours.
const SHOWN_SECONDS: i64 = 7_200;

/// Who may call, and how the wallet behaves.
pub struct HostSettings {
    /// The application of the merchant.
    pub app_id: String,
    /// The merchant that may call.
    pub merchant: String,
    /// The serial number of the merchant's certificate.
    pub merchant_serial: String,
    /// Verifies what the merchant sends.
    pub merchant_key: RsaPublicKey,
    /// Signs what the wallet sends.
    pub own_key: RsaPrivateKey,
    /// What that key is called.
    pub own_serial: String,
    /// Seals notifications.
    pub resource_key: ResourceKey,
    /// For how long a refund is being done, seconds.
    pub refund_seconds: i64,
    /// How it behaves.
    pub wallet: Settings,
}

impl fmt::Debug for HostSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostSettings")
            .field("merchant", &self.merchant)
            .field("wallet", &self.wallet)
            .finish_non_exhaustive()
    }
}

/// The wallet.
pub struct Host {
    pub(super) app_id: String,
    pub(super) merchant: String,
    pub(super) merchant_serial: String,
    pub(super) merchant_key: RsaPublicKey,
    pub(super) own_key: RsaPrivateKey,
    pub(super) own_serial: String,
    pub(super) resource_key: ResourceKey,
    refund_seconds: i64,
    pub(super) wallet: Wallet,
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("wallet", &self.wallet).finish_non_exhaustive()
    }
}

/// A status, and a body where there is one.
pub(super) type Said = (u16, Option<Value>);

/// What a call says, of all members that any call has.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Content {
    appid: String,
    mchid: String,
    description: String,
    out_trade_no: String,
    out_refund_no: String,
    time_expire: Option<String>,
    notify_url: Option<String>,
    payer: Payer,
    amount: Amount,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Payer {
    auth_code: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Amount {
    total: u64,
    refund: u64,
    currency: Option<String>,
}

/// A moment of RFC 3339 as seconds.
fn seconds_of(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(|moment| moment.as_second())
}

fn no(status: u16, code: &str) -> Said {
    (status, Some(json!({"code": code, "message": code})))
}

impl Host {
    /// Makes a wallet that knows nothing yet.
    #[must_use]
    pub fn new(settings: HostSettings) -> Host {
        Host {
            app_id: settings.app_id,
            merchant: settings.merchant,
            merchant_serial: settings.merchant_serial,
            merchant_key: settings.merchant_key,
            own_key: settings.own_key,
            own_serial: settings.own_serial,
            resource_key: settings.resource_key,
            refund_seconds: settings.refund_seconds,
            wallet: Wallet::new(settings.wallet),
        }
    }

    /// Returns all orders, by their names.
    #[must_use]
    pub fn trades(&self) -> BTreeMap<String, Trade> {
        self.wallet.lock().all()
    }

    /// Counts the calls that were done, by the last word of their path, or `query` and `refund_query` for those that ask.
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
        let mut trades = self.wallet.lock();
        let order = trades.order_of(code)?;
        trades.get_mut(&order)?.pay(now).then_some(order)
    }

    /// Does what a call asks for, by the rules, and makes the answer.
    pub(super) fn apply(&self, method: &str, target: &str, body: &[u8]) -> (Said, Then) {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let content = if body.is_empty() { Ok(Content::default()) } else { serde_json::from_slice(body) };
        let Ok(content) = content else { return (no(400, "PARAM_ERROR"), Then::Nothing) };
        let now = self.wallet.now();
        let mut trades = self.wallet.lock();
        let own = |said: Said| (said, Then::Nothing);
        match (method, parts.as_slice()) {
            ("POST", ["v3", "pay", "transactions", "native"]) => {
                trades.called("native");
                self.native(&mut trades, content, now)
            }
            ("POST", ["v3", "pay", "transactions", "codepay"]) => {
                trades.called("codepay");
                self.codepay(&mut trades, &content, now)
            }
            ("GET", ["v3", "pay", "transactions", "out-trade-no", order]) => {
                trades.called("query");
                if query != format!("mchid={}", self.merchant) {
                    return own(no(400, "PARAM_ERROR"));
                }
                own(self.query(&trades, order))
            }
            ("POST", ["v3", "pay", "transactions", "out-trade-no", order, "close"]) => {
                trades.called("close");
                own(if content.mchid == self.merchant {
                    close(&mut trades, order)
                } else {
                    no(400, "PARAM_ERROR")
                })
            }
            ("POST", ["v3", "pay", "transactions", "out-trade-no", order, "reverse"]) => {
                trades.called("reverse");
                own(if self.is_ours(&content) { reverse(&mut trades, order) } else { no(400, "PARAM_ERROR") })
            }
            ("POST", ["v3", "refund", "domestic", "refunds"]) => {
                trades.called("refunds");
                own(self.refund(&mut trades, &content, now))
            }
            ("GET", ["v3", "refund", "domestic", "refunds", name]) => {
                trades.called("refund_query");
                own(self.refund_query(&trades, name, now))
            }
            _ => own(no(404, "RESOURCE_NOT_EXISTS")),
        }
    }

    fn is_ours(&self, content: &Content) -> bool {
        content.appid == self.app_id && content.mchid == self.merchant
    }

    /// Whether a call names us and an order, and how much.
    fn is_payment(&self, content: &Content) -> bool {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || b"_-|*".contains(&byte);
        let name = &content.out_trade_no;
        self.is_ours(content)
            && (6..=32).contains(&name.len())
            && name.bytes().all(good)
            && (1..=127).contains(&content.description.len())
            && content.amount.total > 0
            && content.amount.currency.as_deref().is_none_or(|code| code == CURRENCY)
    }

    fn native(&self, trades: &mut Trades, content: Content, now: i64) -> (Said, Then) {
        let expires_at = content.time_expire.as_deref().map_or(Some(now + SHOWN_SECONDS), seconds_of);
        let Some(expires_at) = expires_at.filter(|at| *at > now && self.is_payment(&content)) else {
            return (no(400, "PARAM_ERROR"), Then::Nothing);
        };
        let (order, total) = (content.out_trade_no, content.amount.total);
        let code = code_text("weixin://wxpay/bizpayurl?pr=", &order);
        let shown = (200, Some(json!({"code_url": code})));
        if let Some(trade) = trades.get(&order) {
            let said = match trade.state {
                TradeState::Paid => no(400, "ORDERPAID"),
                TradeState::Failed | TradeState::Closed => no(400, "ORDER_CLOSED"),
                TradeState::Waiting if trade.scanned || trade.amount_minor != total => {
                    no(403, "OUT_TRADE_NO_USED")
                }
                TradeState::Waiting => shown,
            };
            return (said, Then::Nothing);
        }
        let trade = new_trade(trades, total, content.notify_url, expires_at, false);
        if trades.open(&order, trade).is_none() {
            return (no(500, "SYSTEM_ERROR"), Then::Nothing);
        }
        trades.show(&code, &order);
        let then = if self.wallet.is_scanned(&order) { Then::Scan(code) } else { Then::Nothing };
        (shown, then)
    }

    fn codepay(&self, trades: &mut Trades, content: &Content, now: i64) -> (Said, Then) {
        let code = content.payer.auth_code.as_str();
        let digits = code.len() == 18 && code.bytes().all(|byte| byte.is_ascii_digit());
        if !digits || !self.is_payment(content) {
            return (no(400, "PARAM_ERROR"), Then::Nothing);
        }
        let (order, total) = (content.out_trade_no.as_str(), content.amount.total);
        // Says no more than this, as the wallet does.
        let waiting = (200, Some(json!({"trade_state": "USERPAYING"})));
        if let Some(state) = trades.get(order).map(|trade| trade.state) {
            trades.repeated();
            let said = match state {
                TradeState::Waiting => waiting,
                TradeState::Paid => no(400, "ORDERPAID"),
                TradeState::Failed | TradeState::Closed => no(400, "ORDER_CLOSED"),
            };
            return (said, Then::Nothing);
        }
        // A code is good once, whatever became of the payment.
        let behaviour = if trades.use_code(code) { Behaviour::of(code) } else { Behaviour::IsNobody };
        match behaviour {
            Behaviour::IsPoor => return (no(403, "NOT_ENOUGH"), Then::Nothing),
            Behaviour::IsNobody => return (no(400, "AUTH_CODE_INVALID"), Then::Nothing),
            Behaviour::Pays | Behaviour::Agrees | Behaviour::IsSilent | Behaviour::Refuses => {}
        }
        let trade = new_trade(trades, total, None, now + CODE_SECONDS, true);
        let Some(trade) = trades.open(order, trade) else {
            return (no(500, "SYSTEM_ERROR"), Then::Nothing);
        };
        match behaviour {
            Behaviour::Pays => {
                trade.pay(now);
                let said = self.shown(order, trade);
                ((200, Some(said)), Then::Nothing)
            }
            Behaviour::Agrees => (waiting, Then::Hesitate(order.to_owned())),
            Behaviour::Refuses => {
                trade.state = TradeState::Failed;
                (waiting, Then::Nothing)
            }
            Behaviour::IsSilent | Behaviour::IsPoor | Behaviour::IsNobody => (waiting, Then::Nothing),
        }
    }

    fn query(&self, trades: &Trades, order: &str) -> Said {
        match trades.get(order) {
            Some(trade) => (200, Some(self.shown(order, trade))),
            None => no(404, "ORDER_NOT_EXIST"),
        }
    }

    /// What the wallet says of an order, when it is asked and in notifications.
    pub(super) fn shown(&self, order: &str, trade: &Trade) -> Value {
        let state = match trade.state {
            TradeState::Paid if !trade.refunds.is_empty() => "REFUND",
            TradeState::Paid => "SUCCESS",
            TradeState::Waiting if trade.scanned => "USERPAYING",
            TradeState::Waiting => "NOTPAY",
            TradeState::Failed => "PAYERROR",
            TradeState::Closed if trade.scanned => "REVOKED",
            TradeState::Closed => "CLOSED",
        };
        let mut said = json!({
            "appid": self.app_id,
            "mchid": self.merchant,
            "out_trade_no": order,
            "trade_type": if trade.scanned { "MICROPAY" } else { "NATIVE" },
            "trade_state": state,
            "trade_state_desc": state,
            "amount": {"total": trade.amount_minor, "currency": CURRENCY},
        });
        if trade.paid {
            said["transaction_id"] = json!(trade.number);
            said["amount"]["payer_total"] = json!(trade.amount_minor);
            said["amount"]["payer_currency"] = json!(CURRENCY);
        }
        said
    }

    fn refund(&self, trades: &mut Trades, content: &Content, now: i64) -> Said {
        let Content { out_trade_no: order, out_refund_no: name, amount, .. } = content;
        let currency = amount.currency.as_deref() == Some(CURRENCY);
        if !(1..=64).contains(&name.len()) || amount.refund == 0 || !currency {
            return no(400, "PARAM_ERROR");
        }
        // A refund is one of the merchant, whatever its order.
        if trades.refund_of(name).is_some_and(|other| other != *order) {
            return no(400, "INVALID_REQUEST");
        }
        let Some(trade) = trades.get_mut(order) else { return no(404, "RESOURCE_NOT_EXISTS") };
        if amount.total != trade.amount_minor || trade.refund(name, amount.refund, now).is_none() {
            return no(400, "INVALID_REQUEST");
        }
        trades.name_refund(name, order);
        self.refund_query(trades, name, now)
    }

    fn refund_query(&self, trades: &Trades, name: &str, now: i64) -> Said {
        let order = trades.refund_of(name);
        let found = order.and_then(|order| Some((order, trades.get(order)?)));
        let Some((order, trade)) = found else { return no(404, "RESOURCE_NOT_EXISTS") };
        let Some(refund) = trade.refunds.get(name) else { return no(404, "RESOURCE_NOT_EXISTS") };
        let done = now >= refund.since + self.refund_seconds;
        let said = json!({
            "refund_id": format!("5{}", trade.number),
            "out_refund_no": name,
            "transaction_id": trade.number,
            "out_trade_no": order,
            "channel": "ORIGINAL",
            "status": if done { "SUCCESS" } else { "PROCESSING" },
            "amount": {
                "total": trade.amount_minor, "refund": refund.amount_minor, "currency": CURRENCY,
            },
        });
        (200, Some(said))
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
        number: format!("42000000012026112{:011}", trades.number()),
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

/// Ends an order that is not paid. Time alone does not: an order whose time is over is only not paid any more.
fn close(trades: &mut Trades, order: &str) -> Said {
    let Some(trade) = trades.get_mut(order) else { return no(404, "ORDER_NOT_EXIST") };
    match trade.state {
        _ if trade.scanned => no(400, "INVALID_REQUEST"),
        TradeState::Paid => no(400, "ORDERPAID"),
        TradeState::Failed | TradeState::Closed => no(400, "ORDER_CLOSED"),
        TradeState::Waiting => {
            trade.state = TradeState::Closed;
            (204, None)
        }
    }
}

/// Ends the order of a scanned code, and gives back what was paid, as often as that is asked for.
fn reverse(trades: &mut Trades, order: &str) -> Said {
    match trades.get_mut(order) {
        None => no(404, "ORDER_NOT_EXIST"),
        Some(trade) if !trade.scanned || !trade.refunds.is_empty() => no(400, "INVALID_REQUEST"),
        Some(trade) => {
            trade.call_off();
            (204, None)
        }
    }
}
