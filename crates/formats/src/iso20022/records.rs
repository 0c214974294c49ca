//! Payments of a message as records.

use crate::checks::negated;
use crate::event::Statement;
use crate::record::{Direction, Kind, Moment, Place, Record, Status};
use jiff::civil::Date;
use rust_decimal::Decimal;
use suanpan_messages::iso20022::Message;
use suanpan_messages::iso20022::cancellation::{Assignment, Cancelled, Resolved};
use suanpan_messages::iso20022::credit_transfer::{CreditTransfer, PaymentId, Transfer};
use suanpan_messages::iso20022::detail::{OriginalTransaction, Reason, Remittance};
use suanpan_messages::iso20022::initiation::{Initiation, Order, OrderBatch};
use suanpan_messages::iso20022::party::{Account, Agent, Choice, Party, PartyOrAgent};
use suanpan_messages::iso20022::returned::{Return, Returned};
use suanpan_messages::iso20022::status::{CustomerReport, GroupStatus, StatusReport};
use suanpan_messages::iso20022::value::{self, Amount};
use suanpan_money::Currency;

/// The transactions of a message that stand together.
pub(super) struct Group {
    /// What is said of all.
    pub(super) statement: Statement,
    /// One for each transaction, in the order of the message.
    pub(super) entries: Vec<Entry>,
}

/// What a transaction gives.
pub(super) enum Entry {
    /// A record.
    Record(Box<Record>),
    /// Nothing by itself: it has no amount, and is told with the group.
    Told,
    /// It cannot be a record, because this is not there.
    Lacking(&'static str),
}

/// References that say that there is none.
const NO_REFERENCE: [&str; 3] = ["NOTPROVIDED", "NOT PROVIDED", "NONREF"];

/// Takes a message apart.
pub(super) fn groups(message: &Message) -> Vec<Group> {
    match message {
        Message::Initiation(own) => orders(own),
        Message::CreditTransfer(own) => vec![transfers(own)],
        Message::Return(own) => vec![returns(own)],
        Message::StatusReport(own) => vec![report(own)],
        Message::CustomerReport(own) => customer_report(own),
        Message::CancellationRequest(own) => {
            let every = own.underlying.iter().flat_map(|underlying| &underlying.transactions);
            let mut group = assigned(own.assignment.as_deref());
            for underlying in &own.underlying {
                if let Some(cancelled) = &underlying.group {
                    let message = text(cancelled.message.as_deref());
                    add(&mut group.statement, "OrgnlGrpInfAndCxl", &[message, &reasons(&cancelled.reasons)]);
                }
            }
            group.entries = every.map(|one| cancelled(one, &mut group.statement)).collect();
            vec![group]
        }
        Message::Resolution(own) => {
            let mut group = assigned(own.assignment.as_deref());
            let every = own.details.iter().flat_map(|detail| &detail.transactions);
            group.entries = every.map(|one| resolved(one, &mut group.statement)).collect();
            vec![group]
        }
    }
}

fn text(text: Option<&str>) -> &str {
    text.filter(|text| !NO_REFERENCE.contains(text)).unwrap_or_default()
}

/// Adds a line to the head of a group, of what is not empty.
fn add(statement: &mut Statement, name: &str, words: &[&str]) {
    let words: Vec<&str> = words.iter().copied().filter(|word| !word.is_empty()).collect();
    if !words.is_empty() {
        statement.details.push((name.to_owned(), words.join(" ")));
    }
}

fn agent(agent: Option<&Agent>) -> &str {
    agent.map_or("", Agent::text)
}

fn name(party: Option<&Party>) -> &str {
    text(party.and_then(|party| party.name.as_deref()))
}

fn account(account: Option<&Account>) -> &str {
    account.map_or("", Account::text)
}

fn choice(choice: Option<&Choice>) -> &str {
    choice.map_or("", Choice::text)
}

fn moment(moment: Option<value::Moment>) -> Option<Moment> {
    moment.map(|moment| Moment { local: moment.local, offset: moment.offset })
}

/// Begins the head of a group.
fn head(id: &str, made: Option<value::Moment>) -> Statement {
    let mut statement = Statement { id: id.to_owned(), ..Statement::default() };
    created(&mut statement, made);
    statement
}

fn created(statement: &mut Statement, created: Option<value::Moment>) {
    if let Some(created) = created {
        statement.details.push(("CreDtTm".to_owned(), created.to_string()));
    }
}

/// `AC01 account closed; MS03`.
fn reasons(reasons: &[Reason]) -> String {
    let each = reasons.iter().map(|reason| {
        let code = choice(reason.reason.as_ref()).to_owned();
        std::iter::once(code).chain(reason.text.iter().map(ToString::to_string)).collect::<Vec<_>>().join(" ")
    });
    each.collect::<Vec<_>>().join("; ")
}

/// Makes a record of an amount that goes out, or that nobody moves.
fn record(kind: Kind, status: Status, amount: Amount) -> Record {
    let moved = kind != Kind::Notice;
    let value = if moved { negated(amount.value) } else { amount.value };
    let mut record = Record::new(kind, value, amount.currency, Place::default());
    record.direction = if moved { Direction::Out } else { Direction::Neutral };
    record.status = status;
    record
}

/// Sets the numbers of a payment: the debtor's is the holder's own, another one the writer's.
fn identify(record: &mut Record, own: &str, others: [(&str, &str); 4]) {
    record.own_id = own.to_owned();
    let [instruction, transaction, uetr, clearing] = others.map(|(_, text)| text);
    let id = [transaction, uetr, clearing, instruction].into_iter().find(|text| !text.is_empty());
    record.id = id.unwrap_or_default().to_owned();
    for (name, text) in others {
        record.detail(name, text);
    }
}

fn payment_numbers(id: Option<&PaymentId>) -> (&str, [(&'static str, &str); 4]) {
    let Some(id) = id else {
        return ("", [("InstrId", ""), ("TxId", ""), ("UETR", ""), ("ClrSysRef", "")]);
    };
    (
        text(id.end_to_end.as_deref()),
        [
            ("InstrId", text(id.instruction.as_deref())),
            ("TxId", text(id.transaction.as_deref())),
            ("UETR", text(id.uetr.as_deref())),
            ("ClrSysRef", text(id.clearing.as_deref())),
        ],
    )
}

/// The numbers of the payment that a later message speaks of.
fn original_numbers<'m>(
    instruction: Option<&'m str>,
    transaction: Option<&'m str>,
    uetr: Option<&'m str>,
    clearing: Option<&'m str>,
) -> [(&'static str, &'m str); 4] {
    [
        ("OrgnlInstrId", text(instruction)),
        ("OrgnlTxId", text(transaction)),
        ("OrgnlUETR", text(uetr)),
        ("OrgnlClrSysRef", text(clearing)),
    ]
}

fn describe(record: &mut Record, remittance: Option<&Remittance>) {
    record.description = remittance.map(Remittance::line).unwrap_or_default();
}

fn orders(own: &Initiation) -> Vec<Group> {
    let group = own.group.as_deref();
    let mut all: Vec<Group> = own
        .payments
        .iter()
        .map(|batch| Group {
            statement: Statement {
                id: text(batch.id.as_deref()).to_owned(),
                account: account(batch.debtor_account.as_deref()).to_owned(),
                holder: name(batch.debtor.as_deref()).to_owned(),
                currency: batch
                    .debtor_account
                    .as_ref()
                    .and_then(|own| own.currency.as_deref())
                    .and_then(Currency::parse),
                ..Statement::default()
            },
            entries: batch.transactions.iter().map(|order| order_entry(order, batch)).collect(),
        })
        .collect();
    if all.is_empty() {
        all.push(Group { statement: Statement::default(), entries: Vec::new() });
    }
    for one in &mut all {
        let statement = &mut one.statement;
        add(statement, "MsgId", &[text(group.and_then(|group| group.message.as_deref()))]);
        created(statement, group.and_then(|group| group.created));
        add(statement, "InitgPty", &[name(group.and_then(|group| group.initiator.as_deref()))]);
    }
    all
}

fn order_entry(order: &Order, batch: &OrderBatch) -> Entry {
    let Some(amount) = order.amount.as_ref().and_then(|amount| amount.amount()) else {
        return Entry::Lacking("CdtTrfTxInf/Amt");
    };
    let mut record = record(Kind::Transfer, Status::Pending, amount);
    let (own, others) = payment_numbers(order.id.as_deref());
    identify(&mut record, own, others);
    record.batch_id = text(batch.id.as_deref()).to_owned();
    record.kind_text = text(batch.method.as_deref()).to_owned();
    record.value_on = batch.execute_on.map(|day| day.date());
    record.account = account(batch.debtor_account.as_deref()).to_owned();
    record.counterparty = name(order.creditor.as_deref()).to_owned();
    record.counterparty_account = account(order.creditor_account.as_deref()).to_owned();
    describe(&mut record, order.remittance.as_deref());
    if let Some(suanpan_messages::iso20022::detail::OrderedAmount::Equivalent(own)) = &order.amount {
        record.detail("CcyOfTrf", text(own.currency.as_deref()));
    }
    record.detail("DbtrAgt", agent(batch.debtor_agent.as_deref()));
    record.detail("CdtrAgt", agent(order.creditor_agent.as_deref()));
    record.detail("ChrgBr", text(order.charge_bearer.as_deref().or(batch.charge_bearer.as_deref())));
    record.detail("Purp", choice(order.purpose.as_ref()));
    Entry::Record(Box::new(record))
}

fn transfers(own: &CreditTransfer) -> Group {
    let group = own.group.as_deref();
    let message = text(group.and_then(|group| group.message.as_deref()));
    let mut statement = head(message, group.and_then(|group| group.created));
    add(&mut statement, "InstgAgt", &[agent(group.and_then(|group| group.sender.as_deref()))]);
    add(&mut statement, "InstdAgt", &[agent(group.and_then(|group| group.receiver.as_deref()))]);
    let settlement = group.and_then(|group| group.settlement.as_ref());
    add(&mut statement, "SttlmMtd", &[text(settlement.and_then(|own| own.method.as_deref()))]);
    let day = group.and_then(|group| group.settled_on);
    Group {
        statement,
        entries: own.transactions.iter().map(|one| transfer_entry(one, message, day)).collect(),
    }
}

fn transfer_entry(own: &Transfer, message: &str, day: Option<Date>) -> Entry {
    let Some(amount) = own.settled else { return Entry::Lacking("CdtTrfTxInf/IntrBkSttlmAmt") };
    let mut record = record(Kind::Transfer, Status::Booked, amount);
    let (own_id, others) = payment_numbers(own.id.as_deref());
    identify(&mut record, own_id, others);
    record.batch_id = message.to_owned();
    let instrument = own.kind.as_ref().and_then(|kind| kind.local_instrument.as_ref());
    record.kind_text = choice(instrument).to_owned();
    record.time = moment(own.accepted);
    record.booked_on = own.settled_on.or(day);
    record.value_on = record.booked_on;
    record.account = account(own.debtor_account.as_deref()).to_owned();
    record.counterparty = name(own.creditor.as_deref()).to_owned();
    record.counterparty_account = account(own.creditor_account.as_deref()).to_owned();
    describe(&mut record, own.remittance.as_deref());
    record.detail("Dbtr", name(own.debtor.as_deref()));
    record.detail("DbtrAgt", agent(own.debtor_agent.as_deref()));
    record.detail("CdtrAgt", agent(own.creditor_agent.as_deref()));
    record.detail("InstgAgt", agent(own.sender.as_deref()));
    record.detail("InstdAgt", agent(own.receiver.as_deref()));
    record.detail("InstdAmt", &own.instructed.map(|amount| amount.to_string()).unwrap_or_default());
    record.detail("XchgRate", &own.rate.map(|rate: Decimal| rate.to_string()).unwrap_or_default());
    record.detail("ChrgBr", text(own.charge_bearer.as_deref()));
    for charge in own.charges.iter().filter_map(|charge| charge.amount) {
        record.detail("ChrgsInf", &charge.to_string());
    }
    record.detail("Purp", choice(own.purpose.as_ref()));
    Entry::Record(Box::new(record))
}

fn returns(own: &Return) -> Group {
    let group = own.group.as_deref();
    let message = text(group.and_then(|group| group.message.as_deref()));
    let mut statement = head(message, group.and_then(|group| group.created));
    add(&mut statement, "InstgAgt", &[agent(group.and_then(|group| group.sender.as_deref()))]);
    add(&mut statement, "InstdAgt", &[agent(group.and_then(|group| group.receiver.as_deref()))]);
    if let Some(original) = &own.original {
        add(&mut statement, "OrgnlMsgId", &[text(original.message.as_deref()), &reasons(&original.reasons)]);
    }
    let day = group.and_then(|group| group.settled_on);
    Group { statement, entries: own.transactions.iter().map(|one| return_entry(one, message, day)).collect() }
}

fn return_entry(own: &Returned, message: &str, day: Option<Date>) -> Entry {
    let Some(amount) = own.settled else { return Entry::Lacking("TxInf/RtrdIntrBkSttlmAmt") };
    let mut record = record(Kind::Return, Status::Booked, amount);
    let others = original_numbers(
        own.instruction.as_deref(),
        own.transaction.as_deref(),
        own.uetr.as_deref(),
        own.original_clearing.as_deref(),
    );
    identify(&mut record, text(own.end_to_end.as_deref()), others);
    record.original_id = std::mem::replace(&mut record.id, text(own.id.as_deref()).to_owned());
    record.batch_id = message.to_owned();
    record.kind_text = reasons(&own.reasons);
    record.booked_on = own.settled_on.or(day);
    record.value_on = record.booked_on;
    // Whoever was paid gives back to whoever paid.
    let original = own.original.as_deref();
    record.account = account(original.and_then(|own| own.creditor_account.as_deref())).to_owned();
    record.counterparty =
        original.and_then(|own| own.debtor.as_ref()).map_or("", PartyOrAgent::text).to_owned();
    record.counterparty_account = account(original.and_then(|own| own.debtor_account.as_deref())).to_owned();
    if let Some(chain) = &own.chain {
        let ends = [
            (&mut record.account, account(chain.debtor_account.as_deref())),
            (&mut record.counterparty, chain.creditor.as_ref().map_or("", PartyOrAgent::text)),
            (&mut record.counterparty_account, account(chain.creditor_account.as_deref())),
        ];
        for (kept, text) in ends.into_iter().filter(|(_, text)| !text.is_empty()) {
            text.clone_into(kept);
        }
    }
    describe(&mut record, original.and_then(|own| own.remittance.as_deref()));
    let group = own.group.as_ref();
    record.detail("OrgnlMsgId", text(group.and_then(|group| group.message.as_deref())));
    record.detail(
        "OrgnlIntrBkSttlmAmt",
        &own.original_amount.map(|amount| amount.to_string()).unwrap_or_default(),
    );
    record.detail("ChrgBr", text(own.charge_bearer.as_deref()));
    for charge in own.charges.iter().filter_map(|charge| charge.amount) {
        record.detail("ChrgsInf", &charge.to_string());
    }
    Entry::Record(Box::new(record))
}

/// A payment of which a message tells something.
struct Told<'m> {
    element: &'static str,
    end_to_end: &'m str,
    others: [(&'static str, &'m str); 4],
    status: &'m str,
    reasons: String,
    amount: Option<Amount>,
    day: Option<Date>,
    original: Option<&'m OriginalTransaction>,
}

/// Gives a notice; or, where no amount is told, a line with the group.
fn told(own: &Told<'_>, batch: &str, statement: &mut Statement) -> Entry {
    let original = own.original;
    let ordered = || original.and_then(|own| own.amount.as_ref()).and_then(|amount| amount.amount());
    let amount = own.amount.or_else(|| original.and_then(|own| own.settled)).or_else(ordered);
    let Some(amount) = amount else {
        let [instruction, transaction, uetr, _] = own.others.map(|(_, text)| text);
        let number = [own.end_to_end, transaction, uetr, instruction];
        let number = number.into_iter().find(|text| !text.is_empty()).unwrap_or_default();
        add(statement, own.element, &[number, own.status, &own.reasons]);
        return Entry::Told;
    };
    let status = match own.status {
        "RJCT" | "CANC" => Status::Failed,
        "PDNG" | "RCVD" => Status::Pending,
        _ => Status::Information,
    };
    let mut record = record(Kind::Notice, status, amount);
    record.status_text = own.status.to_owned();
    record.kind_text.clone_from(&own.reasons);
    identify(&mut record, own.end_to_end, own.others);
    record.batch_id = batch.to_owned();
    record.value_on = own.day.or_else(|| original.and_then(|own| own.settled_on));
    if let Some(original) = original {
        record.account = account(original.debtor_account.as_deref()).to_owned();
        record.counterparty = original.creditor.as_ref().map_or("", PartyOrAgent::text).to_owned();
        record.counterparty_account = account(original.creditor_account.as_deref()).to_owned();
        describe(&mut record, original.remittance.as_deref());
    }
    Entry::Record(Box::new(record))
}

/// Tells what became of a group.
fn group_status(status: &GroupStatus, statement: &mut Statement) {
    add(statement, "OrgnlMsgId", &[text(status.message.as_deref())]);
    add(statement, "OrgnlMsgNmId", &[text(status.definition.as_deref())]);
    add(statement, "GrpSts", &[text(status.status.as_deref()), &reasons(&status.reasons)]);
}

fn report(own: &StatusReport) -> Group {
    let group = own.group.as_deref();
    let message = text(group.and_then(|group| group.message.as_deref()));
    let mut statement = head(message, group.and_then(|group| group.created));
    for status in &own.groups {
        group_status(status, &mut statement);
    }
    let entries = own.transactions.iter().map(|one| {
        let told_of = Told {
            element: "TxInfAndSts",
            end_to_end: text(one.end_to_end.as_deref()),
            others: [
                ("OrgnlInstrId", text(one.instruction.as_deref())),
                ("OrgnlTxId", text(one.transaction.as_deref())),
                ("OrgnlUETR", text(one.uetr.as_deref())),
                ("ClrSysRef", text(one.clearing.as_deref())),
            ],
            status: text(one.status.as_deref()),
            reasons: reasons(&one.reasons),
            amount: None,
            day: one.settled_on.map(|day| day.date()),
            original: one.original.as_deref(),
        };
        told(&told_of, message, &mut statement)
    });
    let entries = entries.collect();
    Group { statement, entries }
}

fn customer_report(own: &CustomerReport) -> Vec<Group> {
    let group = own.group.as_deref();
    let message = text(group.and_then(|group| group.message.as_deref()));
    let mut head = head(message, group.and_then(|group| group.created));
    if let Some(status) = &own.original {
        group_status(status, &mut head);
    }
    if own.payments.is_empty() {
        return vec![Group { statement: head, entries: Vec::new() }];
    }
    let batches = own.payments.iter().map(|batch| {
        let mut statement = head.clone();
        let id = text(batch.id.as_deref());
        add(&mut statement, "OrgnlPmtInfId", &[id]);
        add(&mut statement, "PmtInfSts", &[text(batch.status.as_deref()), &reasons(&batch.reasons)]);
        let entries = batch.transactions.iter().map(|one| {
            let told_of = Told {
                element: "TxInfAndSts",
                end_to_end: text(one.end_to_end.as_deref()),
                others: [
                    ("OrgnlInstrId", text(one.instruction.as_deref())),
                    ("AcctSvcrRef", text(one.servicer.as_deref())),
                    ("OrgnlUETR", text(one.uetr.as_deref())),
                    ("ClrSysRef", text(one.clearing.as_deref())),
                ],
                status: text(one.status.as_deref()),
                reasons: reasons(&one.reasons),
                amount: None,
                day: None,
                original: one.original.as_deref(),
            };
            told(&told_of, id, &mut statement)
        });
        let entries = entries.collect();
        Group { statement, entries }
    });
    batches.collect()
}

fn assigned(assignment: Option<&Assignment>) -> Group {
    let id = text(assignment.and_then(|own| own.id.as_deref()));
    let mut statement = head(id, assignment.and_then(|own| own.created));
    let party = |party: Option<&PartyOrAgent>| party.map_or("", PartyOrAgent::text).to_owned();
    add(&mut statement, "Assgnr", &[&party(assignment.and_then(|own| own.from.as_ref()))]);
    add(&mut statement, "Assgne", &[&party(assignment.and_then(|own| own.to.as_ref()))]);
    Group { statement, entries: Vec::new() }
}

fn cancelled(one: &Cancelled, statement: &mut Statement) -> Entry {
    let told_of = Told {
        element: "TxInf",
        end_to_end: text(one.end_to_end.as_deref()),
        others: original_numbers(
            one.instruction.as_deref(),
            one.transaction.as_deref(),
            one.uetr.as_deref(),
            one.clearing.as_deref(),
        ),
        status: "",
        reasons: reasons(&one.reasons),
        amount: one.settled,
        day: one.settled_on,
        original: one.original.as_deref(),
    };
    let batch = statement.id.clone();
    told(&told_of, &batch, statement)
}

fn resolved(one: &Resolved, statement: &mut Statement) -> Entry {
    let told_of = Told {
        element: "TxInfAndSts",
        end_to_end: text(one.end_to_end.as_deref()),
        others: original_numbers(
            one.instruction.as_deref(),
            one.transaction.as_deref(),
            one.uetr.as_deref(),
            one.clearing.as_deref(),
        ),
        status: text(one.status.as_deref()),
        reasons: reasons(&one.reasons),
        amount: one.settled,
        day: one.settled_on,
        original: one.original.as_deref(),
    };
    let batch = statement.id.clone();
    told(&told_of, &batch, statement)
}
