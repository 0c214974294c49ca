//! Messages that answer others: what became of payments, their return, a wish to cancel them, and its answer.
//!
//! All are pure: whoever sends gives the number and the time. What the first message does not say is left out,
//! and [`write`](fn@super::write) tells what is then missing.

use super::DEFINITIONS;
use super::cancellation::{
    Assignment, CancellationRequest, Cancelled, Case, Control, Resolution, ResolutionDetail,
    ResolutionStatus, Resolved, Underlying,
};
use super::credit_transfer::{CreditTransfer, PaymentId, Transfer};
use super::detail::{OriginalGroup, OriginalTransaction, Reason, Settlement};
use super::initiation::{Initiation, Order};
use super::party::{Agent, Party, PartyOrAgent};
use super::returned::{Return, ReturnChain, ReturnGroup, Returned};
use super::status::{
    BatchStatus, CustomerGroup, CustomerReport, GroupStatus, OrderStatus, StatusGroup, StatusReport,
    TransactionStatus,
};
use super::value::{Moment, SettlementMethod, Text};
use jiff::civil::Date;

/// The number and time of a message that is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Stamp {
    /// The number.
    pub message: String,
    /// The time.
    pub created: Moment,
}

/// What became of a payment.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The status: `ACSC`, `ACSP`, `PDNG`, `RJCT`.
    pub status: String,
    /// Why, by a code of the external list: `AC01`, `AM04`.
    pub reason: Option<Reason>,
}

impl Verdict {
    /// Makes a status without a reason.
    #[must_use]
    pub fn of(status: &str) -> Verdict {
        Verdict { status: status.to_owned(), reason: None }
    }

    /// Makes a rejection for a reason.
    #[must_use]
    pub fn rejected(reason: &str) -> Verdict {
        Verdict { status: "RJCT".to_owned(), reason: Some(Reason::of_code(reason)) }
    }
}

/// Returns the one status of all, `PART` where they differ, and nothing where there are none.
fn status_of_all<'s>(statuses: impl Iterator<Item = &'s str>) -> Option<Text<4>> {
    let mut all = None;
    for status in statuses {
        match all {
            None => all = Some(status),
            Some(other) if other == status => {}
            Some(_) => return Some(Text::new("PART")),
        }
    }
    all.map(Text::new)
}

/// The definition in which a message is written, by its element.
fn definition_of_element(element: &str) -> Text<35> {
    let known = DEFINITIONS.iter().find(|(_, own)| *own == element);
    Text::new(known.map(|(definition, _)| *definition).unwrap_or_default())
}

/// Answers credit transfers with what became of each (pacs.002).
#[must_use]
pub fn status_report(
    original: &CreditTransfer,
    stamp: &Stamp,
    mut decide: impl FnMut(&Transfer) -> Verdict,
) -> StatusReport {
    let transactions: Vec<TransactionStatus> = original
        .transactions
        .iter()
        .map(|transfer| {
            let verdict = decide(transfer);
            let id = transfer.id.as_deref().cloned().unwrap_or_default();
            TransactionStatus {
                instruction: id.instruction,
                end_to_end: id.end_to_end,
                transaction: id.transaction,
                uetr: id.uetr,
                status: Some(Text::new(verdict.status)),
                reasons: verdict.reason.into_iter().collect(),
                original: Some(Box::new(original_transaction(transfer))),
                ..TransactionStatus::default()
            }
        })
        .collect();
    let (sender, receiver) = ends(original, original.transactions.first());
    let own = original.group.as_deref();
    let group = GroupStatus {
        message: own.and_then(|group| group.message.clone()),
        definition: Some(definition_of_element("FIToFICstmrCdtTrf")),
        created: own.and_then(|group| group.created),
        count: own.and_then(|group| group.count),
        control_sum: own.and_then(|group| group.control_sum),
        status: status_of_all(transactions.iter().filter_map(|one| one.status.as_deref())),
        ..GroupStatus::default()
    };
    StatusReport {
        group: Some(Box::new(StatusGroup {
            message: Some(Text::new(&*stamp.message)),
            created: Some(stamp.created),
            sender: receiver,
            receiver: sender,
        })),
        groups: vec![group],
        transactions,
    }
}

/// Who sent a transfer and who received it: the transaction's own, else the group's.
type Ends = (Option<Box<Agent>>, Option<Box<Agent>>);

fn ends(original: &CreditTransfer, transfer: Option<&Transfer>) -> Ends {
    let group = original.group.as_ref();
    let sender =
        transfer.and_then(|own| own.sender.clone()).or_else(|| group.and_then(|own| own.sender.clone()));
    let receiver =
        transfer.and_then(|own| own.receiver.clone()).or_else(|| group.and_then(|own| own.receiver.clone()));
    (sender, receiver)
}

fn original_transaction(transfer: &Transfer) -> OriginalTransaction {
    let party = |party: &Option<Box<Party>>| party.clone().map(PartyOrAgent::Party);
    OriginalTransaction {
        settled: transfer.settled,
        settled_on: transfer.settled_on,
        debtor: party(&transfer.debtor),
        debtor_account: transfer.debtor_account.clone(),
        debtor_agent: transfer.debtor_agent.clone(),
        creditor_agent: transfer.creditor_agent.clone(),
        creditor: party(&transfer.creditor),
        creditor_account: transfer.creditor_account.clone(),
        remittance: transfer.remittance.clone(),
        ..OriginalTransaction::default()
    }
}

fn original_group(original: &CreditTransfer) -> Option<Box<OriginalGroup>> {
    let group = original.group.as_ref()?;
    Some(Box::new(OriginalGroup {
        message: group.message.clone(),
        definition: Some(definition_of_element("FIToFICstmrCdtTrf")),
        created: group.created,
    }))
}

/// Answers a customer's orders with what became of each (pain.002).
#[must_use]
pub fn customer_report(
    original: &Initiation,
    stamp: &Stamp,
    mut decide: impl FnMut(&Order) -> Verdict,
) -> CustomerReport {
    let payments: Vec<BatchStatus> = original
        .payments
        .iter()
        .map(|batch| {
            let transactions: Vec<OrderStatus> =
                batch.transactions.iter().map(|order| order_status(order, decide(order))).collect();
            BatchStatus {
                id: batch.id.clone(),
                count: batch.count,
                control_sum: batch.control_sum,
                status: status_of_all(transactions.iter().filter_map(|one| one.status.as_deref())),
                transactions,
                ..BatchStatus::default()
            }
        })
        .collect();
    let own = original.group.as_deref();
    let group = GroupStatus {
        message: own.and_then(|group| group.message.clone()),
        definition: Some(definition_of_element("CstmrCdtTrfInitn")),
        created: own.and_then(|group| group.created),
        count: own.and_then(|group| group.count),
        control_sum: own.and_then(|group| group.control_sum),
        status: status_of_all(payments.iter().filter_map(|one| one.status.as_deref())),
        ..GroupStatus::default()
    };
    CustomerReport {
        group: Some(Box::new(CustomerGroup {
            message: Some(Text::new(&*stamp.message)),
            created: Some(stamp.created),
            initiator: own.and_then(|group| group.initiator.clone()),
            debtor_agent: original.payments.first().and_then(|batch| batch.debtor_agent.clone()),
            ..CustomerGroup::default()
        })),
        original: Some(Box::new(group)),
        payments,
    }
}

fn order_status(order: &Order, verdict: Verdict) -> OrderStatus {
    let PaymentId { instruction, end_to_end, uetr, .. } = order.id.as_deref().cloned().unwrap_or_default();
    OrderStatus {
        instruction,
        end_to_end,
        uetr,
        status: Some(Text::new(verdict.status)),
        reasons: verdict.reason.into_iter().collect(),
        original: Some(Box::new(OriginalTransaction {
            amount: order.amount.clone(),
            creditor: order.creditor.clone().map(PartyOrAgent::Party),
            creditor_account: order.creditor_account.clone(),
            ..OriginalTransaction::default()
        })),
        ..OrderStatus::default()
    }
}

/// Gives a credit transfer back in full (pacs.004). Whoever received it sends it back.
#[must_use]
pub fn return_of(
    original: &CreditTransfer,
    transfer: &Transfer,
    stamp: &Stamp,
    settled_on: Date,
    reason: Reason,
) -> Return {
    let (sender, receiver) = ends(original, Some(transfer));
    let id = transfer.id.as_deref().cloned().unwrap_or_default();
    let method = original.group.as_ref().and_then(|group| group.settlement.as_ref());
    // Between correspondents the account is the same, seen from the other side.
    let method = match method.and_then(|own| own.method.as_deref()) {
        Some("CLRG") => "CLRG",
        Some("INDA") => "INGA",
        _ => "INDA",
    };
    let settlement = Settlement { method: Some(SettlementMethod::new(method)), ..Settlement::default() };
    let party = |party: &Option<Box<Party>>| party.clone().map(PartyOrAgent::Party);
    let chain = ReturnChain {
        debtor: party(&transfer.creditor),
        debtor_account: transfer.creditor_account.clone(),
        debtor_agent: transfer.creditor_agent.clone(),
        creditor_agent: transfer.debtor_agent.clone(),
        creditor: party(&transfer.debtor),
        creditor_account: transfer.debtor_account.clone(),
        ..ReturnChain::default()
    };
    Return {
        group: Some(Box::new(ReturnGroup {
            message: Some(Text::new(&*stamp.message)),
            created: Some(stamp.created),
            count: Some(1),
            settlement: Some(Box::new(settlement)),
            sender: receiver,
            receiver: sender,
            ..ReturnGroup::default()
        })),
        original: None,
        transactions: vec![Returned {
            id: Some(Text::new(&*stamp.message)),
            group: original_group(original),
            instruction: id.instruction,
            end_to_end: id.end_to_end,
            transaction: id.transaction,
            uetr: id.uetr,
            original_clearing: id.clearing,
            original_amount: transfer.settled,
            original_day: transfer
                .settled_on
                .or_else(|| original.group.as_ref().and_then(|group| group.settled_on)),
            settled: transfer.settled,
            settled_on: Some(settled_on),
            charge_bearer: transfer.charge_bearer.clone(),
            chain: Some(Box::new(chain)),
            reasons: vec![reason],
            original: Some(Box::new(original_transaction(transfer))),
            ..Returned::default()
        }],
    }
}

/// Asks to cancel a credit transfer (camt.056). Whoever sent it asks.
#[must_use]
pub fn cancellation_of(
    original: &CreditTransfer,
    transfer: &Transfer,
    stamp: &Stamp,
    case: &str,
    reason: Reason,
) -> CancellationRequest {
    let (sender, receiver) = ends(original, Some(transfer));
    let id = transfer.id.as_deref().cloned().unwrap_or_default();
    let case =
        Case { id: Some(Text::new(case)), creator: sender.clone().map(PartyOrAgent::Agent), reopened: None };
    CancellationRequest {
        assignment: Some(Box::new(Assignment {
            id: Some(Text::new(&*stamp.message)),
            from: sender.map(PartyOrAgent::Agent),
            to: receiver.map(PartyOrAgent::Agent),
            created: Some(stamp.created),
        })),
        case: None,
        control: Some(Box::new(Control { count: Some(1), control_sum: None })),
        underlying: vec![Underlying {
            group: None,
            transactions: vec![Cancelled {
                id: Some(Text::new(&*stamp.message)),
                case: Some(Box::new(case)),
                group: original_group(original),
                instruction: id.instruction,
                end_to_end: id.end_to_end,
                transaction: id.transaction,
                uetr: id.uetr,
                clearing: id.clearing,
                settled: transfer.settled,
                settled_on: transfer
                    .settled_on
                    .or_else(|| original.group.as_ref().and_then(|group| group.settled_on)),
                reasons: vec![reason],
                ..Cancelled::default()
            }],
        }],
    }
}

/// Answers a wish to cancel (camt.029): `CNCL`, `RJCR` or `PDCR`, for a reason.
#[must_use]
pub fn resolution_of(
    request: &CancellationRequest,
    stamp: &Stamp,
    status: &str,
    reason: Option<&Reason>,
) -> Resolution {
    let assignment = request.assignment.as_deref();
    let details = request.underlying.iter().map(|underlying| ResolutionDetail {
        transactions: underlying.transactions.iter().map(|one| resolved(one, reason)).collect(),
    });
    Resolution {
        assignment: Some(Box::new(Assignment {
            id: Some(Text::new(&*stamp.message)),
            from: assignment.and_then(|own| own.to.clone()),
            to: assignment.and_then(|own| own.from.clone()),
            created: Some(stamp.created),
        })),
        case: request.case.clone(),
        status: Some(ResolutionStatus::Confirmation(Text::new(status))),
        details: details.collect(),
    }
}

fn resolved(one: &Cancelled, reason: Option<&Reason>) -> Resolved {
    Resolved {
        id: one.id.clone(),
        case: one.case.clone(),
        group: one.group.clone(),
        instruction: one.instruction.clone(),
        end_to_end: one.end_to_end.clone(),
        transaction: one.transaction.clone(),
        clearing: one.clearing.clone(),
        uetr: one.uetr.clone(),
        reasons: reason.cloned().into_iter().collect(),
        settled: one.settled,
        settled_on: one.settled_on,
        ..Resolved::default()
    }
}
