//! Notifications: what the wallet tells by itself, as a signed form.

use super::Alipay;
use crate::{ChannelAnswer, Notification, NotificationError};
use suanpan_messages::signing::alipay::verify_notification;
use suanpan_messages::signing::parameters::value;
use suanpan_money::parse_decimal;

/// Parameters of a notification; they have some thirty.
const PARAMETERS_MAX: usize = 100;
/// What the wallet wants to hear; it repeats a notification for a day otherwise.
const TAKEN: &str = "success";

pub(super) fn read(wallet: &Alipay, body: &[u8]) -> Result<Notification, NotificationError> {
    let owned: Vec<(String, String)> =
        form_urlencoded::parse(body).into_owned().take(PARAMETERS_MAX + 1).collect();
    if owned.len() > PARAMETERS_MAX {
        return Err(NotificationError::Unreadable("it has too many parameters"));
    }
    let parameters: Vec<(&str, &str)> =
        owned.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    verify_notification(&wallet.theirs, &parameters).map_err(|_| NotificationError::Forged)?;
    let member = |name| value(&parameters, name).filter(|value| !value.is_empty());
    if member("app_id") != Some(wallet.settings.app_id.as_str()) {
        return Err(NotificationError::NotForUs("app_id"));
    }
    let order = member("out_trade_no").ok_or(NotificationError::Unreadable("out_trade_no is missing"))?;
    let amount = member("total_amount").ok_or(NotificationError::Unreadable("total_amount is missing"))?;
    let amount_minor = parse_decimal(amount.as_bytes(), wallet.currency.exponent())
        .ok()
        .and_then(|minor| u64::try_from(minor).ok())
        .ok_or(NotificationError::Unreadable("total_amount is no amount"))?;
    let answer = match member("trade_status") {
        Some("TRADE_SUCCESS" | "TRADE_FINISHED") => Some(ChannelAnswer::Approved {
            channel_id: member("trade_no").unwrap_or(order).to_owned(),
            authorization_code: None,
            issuer_data: None,
        }),
        // Of a trade that was closed the next inquiry knows more: whether by us, and whether it was paid before.
        _ => None,
    };
    Ok(Notification {
        reference: order.to_owned(),
        amount_minor,
        currency: wallet.currency,
        answer,
        taken: TAKEN,
    })
}
