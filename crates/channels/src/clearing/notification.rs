//! Notifications: what became of a debit, told by the network itself. It is taken as told with a status of success and the
//! text of [`FINE`]; the network repeats it otherwise.

use super::Clearing;
use super::answer::code_of;
use crate::{ChannelAnswer, Notification, NotificationError};
use http::HeaderMap;
use suanpan_messages::clearing::record::{Category, Outcome, Status};
use suanpan_messages::clearing::{Direction, FINE, Message, MessageError, MessageType};
use suanpan_money::Timestamp;

/// How long ago a notification may have been signed: each time it is sent it is signed anew.
const NOTIFICATION_SECONDS: u64 = 300;

pub(super) fn read(
    network: &Clearing,
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> Result<Notification, NotificationError> {
    let unreadable = NotificationError::Unreadable;
    let message = Message::open(body, &network.theirs).map_err(|error| match error {
        MessageError::Signature(_) => NotificationError::Forged,
        MessageError::Shape | MessageError::Xml(_) | MessageError::Value(_) => {
            unreadable("it is no message of the clearing network")
        }
    })?;
    let header = &message.header;
    if header.institution != network.settings.network || header.direction != Direction::FromNetwork {
        return Err(NotificationError::NotForUs("IssrId"));
    }
    // What stands beside the message is not signed: it may say the same or nothing.
    let beside = headers.get("MsgTp").map(|value| value.as_bytes());
    if header.kind != MessageType::Notification
        || beside.is_some_and(|it| it != header.kind.word().as_bytes())
    {
        return Err(unreadable("MsgTp is not that of a notification"));
    }
    let away = header.sent.0.seconds().abs_diff(now.seconds());
    if away > NOTIFICATION_SECONDS {
        return Err(NotificationError::Stale(away));
    }
    let said = Outcome::read(&message.body).map_err(|error| unreadable(error.path))?;
    if said.institution != network.settings.institution {
        return Err(NotificationError::NotForUs("InstgId"));
    }
    if said.system != FINE || said.category != Some(Category::Debit) {
        return Err(unreadable("it tells of something else than a debit"));
    }
    let (Some(reference), Some(amount)) = (said.trade, said.amount) else {
        return Err(unreadable("TrxId or TrxAmt is missing"));
    };
    let answer = match said.status {
        Some(Status::Succeeded) => Some(ChannelAnswer::Approved {
            channel_id: said.number.unwrap_or_else(|| reference.clone()),
            authorization_code: None,
            issuer_data: None,
        }),
        Some(Status::Failed) => Some(ChannelAnswer::Declined {
            code: code_of(said.business.as_deref().unwrap_or_default()).to_owned(),
            retryable: false,
        }),
        Some(Status::Accepted) | None => None,
    };
    Ok(Notification {
        reference,
        amount_minor: amount.minor,
        currency: network.currency,
        answer,
        taken: FINE,
    })
}
