//! Notifications: what the wallet tells by itself, signed as answers are, with what it tells sealed under the key of
//! version 3.

use super::Wechat;
use super::answer::{Said, Untrue, members, verify};
use crate::{ChannelAnswer, Notification, NotificationError};
use http::HeaderMap;
use serde::Deserialize;
use suanpan_messages::signing::wechat::WechatError;
use suanpan_money::Timestamp;

/// The one algorithm by which resources are sealed.
const ALGORITHM: &str = "AEAD_AES_256_GCM";
/// The wallet wants a status that says success, and no body.
const TAKEN: &str = "";

#[derive(Deserialize)]
struct Envelope {
    event_type: String,
    resource: Resource,
}

#[derive(Deserialize)]
struct Resource {
    algorithm: String,
    ciphertext: String,
    nonce: String,
    #[serde(default)]
    associated_data: String,
}

pub(super) fn read(
    wallet: &Wechat,
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> Result<Notification, NotificationError> {
    verify(wallet, headers, body, now).map_err(|error| match error {
        Untrue::Signature(WechatError::Time(seconds)) => NotificationError::Stale(seconds),
        _ => NotificationError::Forged,
    })?;
    let unreadable = NotificationError::Unreadable;
    let envelope: Envelope = members(body).map_err(|_| unreadable("its envelope cannot be read"))?;
    if !envelope.event_type.starts_with("TRANSACTION.") {
        return Err(unreadable("it tells of something else than a payment"));
    }
    let Resource { algorithm, ciphertext, nonce, associated_data } = envelope.resource;
    if algorithm != ALGORITHM {
        return Err(unreadable("it is sealed by another algorithm"));
    }
    let opened = wallet.keys.resource.open(nonce.as_bytes(), associated_data.as_bytes(), &ciphertext);
    let opened = opened.map_err(|_| NotificationError::Forged)?;
    let said: Said = members(&opened).map_err(|_| unreadable("what it seals cannot be read"))?;
    if said.mchid.as_deref() != Some(&wallet.settings.merchant) {
        return Err(NotificationError::NotForUs("mchid"));
    }
    if said.appid.as_deref() != Some(&wallet.settings.app_id) {
        return Err(NotificationError::NotForUs("appid"));
    }
    if !said.is_in_currency(wallet) {
        return Err(unreadable("amount.currency is not that of the wallet"));
    }
    let amount_minor = said.total(wallet).ok_or(unreadable("amount.total is missing"))?;
    let Some(reference) = said.out_trade_no else { return Err(unreadable("out_trade_no is missing")) };
    let answer = match (said.trade_state.as_deref(), said.transaction_id) {
        (Some("SUCCESS"), Some(channel_id)) => {
            Some(ChannelAnswer::Approved { channel_id, authorization_code: None, issuer_data: None })
        }
        // Of what was closed or given back an inquiry knows more: whether by us, and whether it was paid before.
        _ => None,
    };
    Ok(Notification { reference, amount_minor, currency: wallet.currency, answer, taken: TAKEN })
}
