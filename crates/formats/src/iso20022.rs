//! ISO 20022 payments: pain.001, pain.002, pacs.008, pacs.002, pacs.004, camt.056, camt.029 of any version.
//!
//! `suanpan-messages` reads them; here a message becomes statements, records, checks and faults. Amounts are
//! signed from the view of whoever pays by the message: orders, transfers and returns go out. An order is
//! pending, since it tells what is to be; a transfer and a return are booked, since they settle. Reports and
//! wishes to cancel move nothing: they are notices. A file is held in memory, and may have 64 MiB.

mod records;

use crate::catalogue::{BuiltIn, Verdict};
use crate::event::{Check, Fault, ReadError, Statement, Stop};
use crate::head::Head;
use crate::input::{Input, Options};
use crate::output::Output;
use crate::record::Place;
use crate::xml::{begins_as_xml, element_at, evidence, utf8_body};
use records::Entry;
use std::io::Read;
use suanpan_messages::iso20022::scheme::Scheme;
use suanpan_messages::iso20022::totals::{Figure, Total, totals};
use suanpan_messages::iso20022::{
    self as messages, DEFINITIONS, DOUBTFUL, Received, VALUE, Violation, limits,
};

macro_rules! formats {
    ($($name:ident = $message:literal, $title:literal, $element:literal;)*) => {$(
        pub(crate) const $name: BuiltIn = BuiltIn {
            id: concat!("iso20022.", $message),
            title: concat!("ISO 20022 ", $title, " (", $message, ")"),
            recognise: |head| recognise(head, $element, $message),
            read,
        };
    )*};
}

formats! {
    INITIATION = "pain.001", "customer's orders to pay", "CstmrCdtTrfInitn";
    CUSTOMER_REPORT = "pain.002", "report to a customer", "CstmrPmtStsRpt";
    CREDIT_TRANSFER = "pacs.008", "credit transfers", "FIToFICstmrCdtTrf";
    STATUS_REPORT = "pacs.002", "report between institutions", "FIToFIPmtStsRpt";
    RETURN = "pacs.004", "returns", "PmtRtr";
    CANCELLATION_REQUEST = "camt.056", "wish to cancel payments", "FIToFIPmtCxlReq";
    RESOLUTION = "camt.029", "answer to a wish to cancel", "RsltnOfInvstgtn";
}

/// Looks for the message element, which every version has. The first one counts: others may stand in a text
/// that a message quotes.
fn recognise(head: &Head, element: &str, message: &str) -> Verdict {
    if !begins_as_xml(head) {
        return Verdict::No("does not begin as XML".to_owned());
    }
    let Some(at) = element_at(head, element) else {
        return Verdict::No(format!("has no element {element}"));
    };
    let before = DEFINITIONS
        .iter()
        .filter_map(|(_, other)| element_at(head, other).map(|at| (at, other)))
        .find(|(other, _)| *other < at);
    match before {
        Some((_, other)) => Verdict::No(format!("the element {other} comes before {element}")),
        None => Verdict::Yes(evidence(head, at, element, message)),
    }
}

/// The bytes of a file in UTF-8, as far as it may be read.
fn utf8_bytes(input: Input<'_>) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    let max = limits::BYTES_MAX as u64;
    utf8_body(&input.head, input.body).take(max + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Tells which rules of a scheme the messages of a file break, each with the number of its message from 1.
/// A transaction that cannot be read breaks a rule by itself.
///
/// # Errors
/// When the file is none of the messages of ISO 20022 payments.
pub fn check_scheme(input: Input<'_>, scheme: Scheme) -> Result<Vec<(u32, Violation)>, ReadError> {
    let bytes = utf8_bytes(input)?;
    let all = messages::read_all(&bytes).map_err(broken)?;
    if all.is_empty() {
        return Err(ReadError::broken(Place::line(1), "no element Document was found"));
    }
    let mut found = Vec::new();
    for (page, received) in (1..).zip(&all) {
        let unread = received.faults.iter().map(|fault| Violation {
            rule: VALUE,
            path: fault.path.clone(),
            what: format!("{}, at {}", fault.message, fault.place),
        });
        let broken = unread.chain(messages::scheme::check(scheme, &received.message));
        found.extend(broken.map(|broken| (page, broken)));
    }
    Ok(found)
}

fn read(input: Input<'_>, _: &Options, output: &mut Output<'_>) -> Result<(), Stop> {
    let bytes = utf8_bytes(input)?;
    let all = messages::read_all(&bytes).map_err(broken)?;
    if all.is_empty() {
        return Err(ReadError::broken(Place::line(1), "no element Document was found").into());
    }
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    // Places in a text are those without its byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (page, received) in (1..).zip(&all) {
        give(received, text, page, output)?;
    }
    Ok(())
}

fn broken(error: messages::ReadError) -> ReadError {
    match error {
        messages::ReadError::TooLarge(_) => ReadError::Limit {
            place: Place::default(),
            what: "the size of the file in bytes",
            max: limits::BYTES_MAX as u64,
        },
        messages::ReadError::NotUtf8 { line } => {
            ReadError::broken(Place::line(line), "is not of the encoding that the file claims")
        }
        messages::ReadError::Broken(fault) => {
            ReadError::broken(place(fault.place, 0), format!("{} {}", fault.path, fault.message))
        }
        other => ReadError::broken(Place::default(), other.to_string()),
    }
}

fn place(place: messages::Place, page: u32) -> Place {
    Place { page, line: place.line, column: u32::try_from(place.column).unwrap_or(u32::MAX) }
}

/// Gives a message: its groups with their records, faults where they stand, then what it declares.
fn give(received: &Received, text: &str, page: u32, output: &mut Output<'_>) -> Result<(), Stop> {
    let at = place(received.place, page);
    let mut faults = received.faults.iter().map(|fault| {
        let path = fault.path.split_once("Document/").map_or(fault.path.as_str(), |(_, path)| path);
        Fault::new(place(fault.place, page), path, fault.message.clone(), &fault.found)
    });
    let mut fault = faults.next();
    let mut spans = received.transactions.iter();
    let violations = messages::check(&received.message);
    for (number, group) in records::groups(&received.message).into_iter().enumerate() {
        output.statement(statement(group.statement, received, (number == 0).then_some(&violations), at))?;
        for entry in group.entries {
            let span = spans.next();
            let own = span.map_or(at, |span| place(span.place, page));
            while let Some(early) = fault.take_if(|early| early.place < own) {
                output.fault(early)?;
                fault = faults.next();
            }
            match entry {
                Entry::Record(mut record) => {
                    record.place = own;
                    let raw = span.and_then(|span| text.get(span.start..span.end));
                    record.set_raw(raw.unwrap_or_default());
                    output.record(*record)?;
                }
                Entry::Told => {}
                Entry::Lacking(field) => output.fault(Fault::new(own, field, "is not there", ""))?,
            }
        }
    }
    for late in fault.into_iter().chain(faults) {
        output.fault(late)?;
    }
    for total in totals(&received.message) {
        output.check(total_check(&total, at))?;
    }
    check_values(&violations, at, output)
}

/// Adds to the head of a group what the message says as a whole, once.
fn statement(
    mut own: Statement,
    received: &Received,
    first: Option<&Vec<Violation>>,
    at: Place,
) -> Statement {
    own.place = at;
    let mut details = Vec::new();
    let mut add = |name: &str, text: &str| {
        if !text.is_empty() {
            details.push((name.to_owned(), text.to_owned()));
        }
    };
    add("Document", &received.definition);
    if let Some(violations) = first {
        if let Some(header) = &received.header {
            add("Fr", header.from.as_ref().map_or("", |party| party.text()));
            add("To", header.to.as_ref().map_or("", |party| party.text()));
            add("BizMsgIdr", header.message.as_deref().unwrap_or_default());
            add("BizSvc", header.service.as_deref().unwrap_or_default());
        }
        for unknown in &received.unknown {
            add("not read", &format!("{} ({}, {} of it)", unknown.path, unknown.place, unknown.count));
        }
        for found in violations.iter().filter(|found| found.rule == DOUBTFUL) {
            add("doubtful", &format!("{} {}", found.path, found.what));
        }
    }
    details.append(&mut own.details);
    own.details = details;
    own
}

fn total_check(total: &Total, at: Place) -> Check {
    match (total.declared, total.computed) {
        (Figure::Count(declared), Some(Figure::Count(computed))) => {
            Check::count(&total.path, declared, computed, at)
        }
        (Figure::Sum(declared), Some(Figure::Sum(computed))) => {
            Check::amount(&total.path, declared, computed, at)
        }
        (Figure::Amount(declared), Some(Figure::Amount(computed)))
            if declared.currency == computed.currency =>
        {
            Check::amount(&total.path, declared.value, computed.value, at)
        }
        (declared, computed) => {
            let computed =
                computed.map_or_else(|| "amounts that cannot be added up".to_owned(), |c| c.to_string());
            Check::text(&total.path, &declared.to_string(), &computed, at)
        }
    }
}

/// The most wrong values of a message that get a check of their own.
const WRONG_SHOWN: usize = 20;

/// Makes a check for each value that is not of its shape, or of which the check digits do not follow. What is
/// only missing is no such thing: versions and markets differ in what must be there.
fn check_values(found: &[Violation], at: Place, output: &mut Output<'_>) -> Result<(), Stop> {
    let wrong = || found.iter().filter(|found| found.rule == VALUE);
    for found in wrong().take(WRONG_SHOWN) {
        output.check(Check::text(&found.path, "a value of its kind", &found.what, at))?;
    }
    output.check(Check::count("wrong values", 0, wrong().count() as u64, at))
}
