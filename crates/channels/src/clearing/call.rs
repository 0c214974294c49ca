//! Which message a request becomes.

use super::{CODE_CHARS_MAX, Clearing, PATH, agreement, open};
use crate::wallet::order;
use crate::{Call, Request};
use http::header::CONTENT_TYPE;
use suanpan_messages::clearing::record::{Category, Debit, Inquiry, Payout, Refund, SignUp, Totals};
use suanpan_messages::clearing::{
    BatchId, ChinaTime, Direction, Fields, Header, Message, MessageType, Money, Secret,
};
use suanpan_money::Timestamp;

/// What is asked of the network: the type of the message, what it is about, under which name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) kind: MessageType,
    pub(super) category: Category,
    /// The name of what is to be done, or of what is asked about.
    pub(super) trade: String,
}

impl Ask {
    fn new(kind: MessageType, category: Category, trade: &str) -> Ask {
        Ask { kind, category, trade: trade.to_owned() }
    }

    /// Says what a request becomes at first; none when the network cannot do it.
    pub(super) fn of(network: &Clearing, request: &Request) -> Option<Ask> {
        if request.currency != network.currency || !is_name(&request.reference) || !is_name(order(request)) {
            return None;
        }
        let ask = |kind, category| Some(Ask::new(kind, category, &request.reference));
        match request.call {
            Call::Authorize if !request.capture => None,
            Call::Authorize => ask(MessageType::Debit, Category::Debit),
            Call::Refund => ask(MessageType::Refund, Category::Refund),
            Call::Payout => ask(MessageType::Payout, Category::Payout),
            Call::SignUp => ask(MessageType::SignUp, Category::AskSignUp),
            // Both steps have one name.
            Call::ConfirmSignUp => Some(Ask::new(MessageType::SignUp, Category::SignUp, order(request))),
            Call::Void => Some(Ask::inquiry(request)),
            Call::Inquire => match request.about {
                Call::Capture | Call::Inquire => None,
                Call::Authorize
                | Call::Void
                | Call::Refund
                | Call::Payout
                | Call::SignUp
                | Call::ConfirmSignUp => Some(Ask::inquiry(request)),
            },
            Call::Capture => None,
        }
    }

    /// What became of what a request is about?
    pub(super) fn inquiry(request: &Request) -> Ask {
        let (category, trade) = match request.about {
            Call::Refund => (Category::Refund, request.reference.as_str()),
            Call::Payout => (Category::Payout, request.reference.as_str()),
            Call::SignUp => (Category::SignUp, request.reference.as_str()),
            Call::ConfirmSignUp => (Category::SignUp, order(request)),
            Call::Authorize => (Category::Debit, request.reference.as_str()),
            Call::Void | Call::Capture | Call::Inquire => (Category::Debit, order(request)),
        };
        Ask::new(MessageType::Inquiry, category, trade)
    }

    pub(super) fn refund(request: &Request) -> Ask {
        Ask::new(MessageType::Refund, Category::Refund, &request.reference)
    }

    /// The refund of all that was taken by a debit that is called off. Its name follows from that of the debit, so that it
    /// is the same whoever calls it off.
    pub(super) fn refund_all(request: &Request) -> Ask {
        Ask::new(MessageType::Refund, Category::Refund, &format!("{}-off", order(request)))
    }
}

/// Whether a text can be the name of a transaction.
fn is_name(name: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(good)
}

/// Makes a signed call; none when a part of it is missing.
pub(super) fn signed(network: &Clearing, ask: &Ask, request: &Request) -> Option<http::Request<Vec<u8>>> {
    let body = body(network, ask, request)?;
    let types = match ask.kind {
        MessageType::Debit => Some(("00", "03")),
        MessageType::Payout => Some(("03", "00")),
        _ => None,
    };
    post(network, ask.kind, request.now, body, types)
}

/// Makes the call that asks for the totals of a batch.
pub(super) fn totals(network: &Clearing, batch: BatchId, now: Timestamp) -> Option<http::Request<Vec<u8>>> {
    let body = Totals { at: ChinaTime(now), batch }.fields();
    post(network, MessageType::Totals, now, body, None)
}

fn post(
    network: &Clearing,
    kind: MessageType,
    now: Timestamp,
    body: Fields,
    types: Option<(&str, &str)>,
) -> Option<http::Request<Vec<u8>>> {
    let settings = &network.settings;
    let header = Header {
        sent: ChinaTime(now),
        kind,
        institution: settings.institution.clone(),
        direction: Direction::ToNetwork,
    };
    let bytes = Message { header, body }.sign(&network.own).ok()?;
    let mut call = http::Request::post(PATH)
        .header(CONTENT_TYPE, "application/xml;charset=utf-8")
        .header("MsgTp", kind.word())
        .header("OriIssrId", &settings.institution);
    if let Some((payer, payee)) = types {
        call = call.header("PyerAcctTp", payer).header("PyeeAcctTp", payee);
    }
    call.body(bytes).ok()
}

fn body(network: &Clearing, ask: &Ask, request: &Request) -> Option<Fields> {
    let settings = &network.settings;
    let (at, amount) = (ChinaTime(request.now), Money { minor: request.amount_minor });
    let (trade, category) = (ask.trade.clone(), ask.category);
    match ask.kind {
        MessageType::SignUp => {
            let account = open(&network.vault, request.token.as_deref()?)?;
            let code = match ask.category {
                Category::SignUp => Some(Secret(code(request)?.to_owned())),
                _ => None,
            };
            let sign_up = SignUp {
                bank: account.bank,
                account_type: "00".to_owned(),
                account: Secret(account.number),
                holder: Secret(account.holder),
                id_type: "01".to_owned(),
                id_number: Secret(account.id_number),
                phone: Secret(account.phone),
                institution: settings.institution.clone(),
                category,
                trade,
                at,
                code,
            };
            Some(sign_up.fields())
        }
        MessageType::Debit => {
            let (bank, sign_no) = agreement(request.token.as_deref()?)?;
            let debit = Debit {
                bank: bank.to_owned(),
                payer_type: "00".to_owned(),
                sign_no: sign_no.to_owned(),
                flag: "1".to_owned(),
                payee_institution: settings.institution.clone(),
                payee: settings.payee.clone(),
                payee_name: settings.payee_name.clone(),
                payee_type: "03".to_owned(),
                reserve: settings.reserve.clone(),
                reserve_name: settings.reserve_name.clone(),
                reserve_bank: settings.reserve_bank.clone(),
                order: trade.clone(),
                trade,
                at,
                amount,
                category,
                business: "100001".to_owned(),
                callback: settings.notify_url.clone(),
                batch: network.batch(request)?,
            };
            Some(debit.fields())
        }
        MessageType::Payout => {
            let account = open(&network.vault, request.token.as_deref()?)?;
            let payout = Payout {
                payer_institution: settings.institution.clone(),
                payer: settings.payee.clone(),
                bank: account.bank,
                account: Secret(account.number),
                holder: Secret(account.holder),
                payee_type: "00".to_owned(),
                reserve: settings.reserve.clone(),
                reserve_name: settings.reserve_name.clone(),
                reserve_bank: settings.reserve_bank.clone(),
                trade,
                at,
                amount,
                category,
                batch: network.batch(request)?,
            };
            Some(payout.fields())
        }
        MessageType::Refund => {
            let (original, batch) = (order(request).to_owned(), network.batch(request)?);
            Some(Refund { trade, at, amount, category, original, batch }.fields())
        }
        MessageType::Inquiry => Some(Inquiry { at, original: trade, category }.fields()),
        MessageType::SignUpAnswer
        | MessageType::DebitAnswer
        | MessageType::PayoutAnswer
        | MessageType::RefundAnswer
        | MessageType::InquiryAnswer
        | MessageType::Notification
        | MessageType::Totals
        | MessageType::TotalsAnswer => None,
    }
}

/// The code that the holder was sent, where it can be one.
fn code(request: &Request) -> Option<&str> {
    let code = request.authorization_code.as_deref()?;
    let good =
        (1..=CODE_CHARS_MAX).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    good.then_some(code)
}
