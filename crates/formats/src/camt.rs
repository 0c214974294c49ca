//! ISO 20022 account reports and statements: camt.052, camt.053 and camt.054 of any version.
//!
//! Names of elements are those of the message definitions ("Bank-to-Customer Cash Management"). The version
//! in the namespace is noted and not enforced, elements may come in any order, and unknown ones are passed
//! over. One entry is held in memory at a time.

mod balances;
mod batch;
mod entry;
mod statement;
mod summary;

use crate::catalogue::{BuiltIn, Verdict};
use crate::event::{ReadError, Stop};
use crate::head::Head;
use crate::input::{Input, Options};
use crate::output::Output;
use crate::xml::{Token, Tree, Xml, begins_as_xml, element_at, evidence, lacks, utf8_body, way};
use balances::Before;
use statement::{Context, Refused};

pub(crate) const REPORT: BuiltIn = BuiltIn {
    id: "iso20022.camt.052",
    title: "ISO 20022 account report (camt.052)",
    recognise: |head| recognise(head, "BkToCstmrAcctRpt", "camt.052"),
    read,
};

pub(crate) const STATEMENT: BuiltIn = BuiltIn {
    id: "iso20022.camt.053",
    title: "ISO 20022 account statement (camt.053)",
    recognise: |head| recognise(head, "BkToCstmrStmt", "camt.053"),
    read,
};

pub(crate) const NOTIFICATION: BuiltIn = BuiltIn {
    id: "iso20022.camt.054",
    title: "ISO 20022 debit and credit notification (camt.054)",
    recognise: |head| recognise(head, "BkToCstmrDbtCdtNtfctn", "camt.054"),
    read,
};

fn recognise(head: &Head, element: &str, message: &str) -> Verdict {
    if !begins_as_xml(head) {
        return Verdict::No("does not begin as XML".to_owned());
    }
    Verdict::from_evidence(
        element_at(head, element).map(|at| evidence(head, at, element, message)),
        &lacks(head, element),
    )
}

/// Elements that hold entries: a report, a statement, a notification.
const CONTAINERS: [&str; 3] = ["Rpt", "Stmt", "Ntfctn"];

fn read(input: Input<'_>, _: &Options, output: &mut Output<'_>) -> Result<(), Stop> {
    let body = utf8_body(&input.head, input.body);
    let mut xml = Xml::new(body);
    let mut tree = Tree::default();
    let mut message = String::new();
    let mut page = 0;
    let mut found = false;
    let mut before = None;
    loop {
        match xml.next()? {
            Token::Eof => break,
            Token::End => {}
            Token::Start if xml.name() == "GrpHdr" => {
                xml.tree(&mut tree)?;
                message = tree.root().text_of(way!("MsgId")).to_owned();
                found = true;
            }
            Token::Start if CONTAINERS.contains(&xml.name()) => {
                page += 1;
                let context = Context::new(page, &message, xml.place());
                before = Some(read_container(&mut xml, &mut tree, context, before.as_ref(), output)?);
            }
            Token::Start => {}
        }
    }
    if page == 0 {
        let what = if found { "the message has no statement in it" } else { "no statement was found" };
        return Err(ReadError::broken(xml.place(), what).into());
    }
    Ok(())
}

/// Reads one statement: its head as far as it comes before the entries, each entry, and what comes after.
fn read_container<R: std::io::Read>(
    xml: &mut Xml<R>,
    tree: &mut Tree,
    mut context: Context,
    before: Option<&Before>,
    output: &mut Output<'_>,
) -> Result<Before, Stop> {
    loop {
        if !xml.again(tree)? {
            match xml.next()? {
                Token::Start => xml.tree(tree)?,
                Token::End | Token::Eof => break,
            }
        }
        let element = tree.root();
        if element.name() == "Ntry" {
            context.announce(output)?;
            entry::give(element, tree.raw(), &mut context, output)?;
            continue;
        }
        match context.take(element) {
            Ok(()) => {}
            Err(Refused::Failed(error)) => return Err(error.into()),
            Err(Refused::Fault(fault)) => {
                context.announce(output)?;
                output.fault(fault)?;
            }
        }
    }
    context.announce(output)?;
    for check in context.checks(before)? {
        output.check(check)?;
    }
    Ok(context.ended())
}
