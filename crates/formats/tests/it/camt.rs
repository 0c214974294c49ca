//! camt.052, camt.053 and camt.054.

use crate::golden::{bytes, check_folder, events, sample};
use crate::kit::records;
use proptest::prelude::*;
use rust_decimal::Decimal;
use suanpan_formats::{Direction, Event, Record, Status};

#[test]
fn samples_are_as_in_their_golden_files() {
    check_folder("camt", |name| name.ends_with(".xml"));
    check_folder("iso20022", |name| name.contains("camt.054") && name.ends_with(".xml"));
}

/// Whether the closing balances tie, by file: what the list of samples says of each.
#[test]
fn only_the_file_that_ties_ties() {
    let ties = |name: &str| -> Vec<bool> {
        let (_, events) = events(&bytes(&format!("camt/{name}"))).unwrap();
        events
            .iter()
            .filter_map(|event| match event {
                Event::Check(check) if check.what == "closing balance" => Some(check.agrees),
                _ => None,
            })
            .collect()
    };
    assert_eq!(ties("genkgo__camt053.v2.multi.statement.xml"), [true, true]);
    for name in [
        "genkgo__camt053.v2.all-balance-types.xml",
        "genkgo__camt053.v2.five.decimals.xml",
        "genkgo__camt053.v4.xml",
        "genkgo__camt053.v8.xml",
    ] {
        assert_eq!(ties(name), [false], "{name}");
    }
    for name in [
        "genkgo__camt052.v6.Amt-zero.xml",
        "genkgo__camt054.v4.xml",
        "genkgo__camt054.v8-with-UETR.xml",
        "prowide__camt.053.001.07.xml",
    ] {
        assert!(ties(name).is_empty(), "{name}");
    }
}

/// The parser of the project that published the samples gives the same entries.
#[test]
fn amounts_and_references_are_those_of_another_parser() {
    fn entries<'j>(value: &'j serde_json::Value, found: &mut Vec<&'j serde_json::Value>) {
        match value {
            serde_json::Value::Array(list) => list.iter().for_each(|item| entries(item, found)),
            serde_json::Value::Object(map) => {
                if map.get("__CLASS__").and_then(|c| c.as_str()) == Some("Genkgo\\Camt\\DTO\\Entry") {
                    found.push(value);
                }
                map.values().for_each(|item| entries(item, found));
            }
            _ => {}
        }
    }
    let mut compared = 0;
    for entry in std::fs::read_dir(sample("camt")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(stem) = name.strip_suffix(".json") else { continue };
        let json: serde_json::Value = serde_json::from_slice(&bytes(&format!("camt/{name}"))).unwrap();
        let mut theirs = Vec::new();
        entries(&json, &mut theirs);
        let (_, ours) = events(&bytes(&format!("camt/{stem}.xml"))).unwrap();
        // Their result is cut where it refers to itself, so that not every entry is in it.
        for their in theirs {
            let amount = their["getAmount"]["getAmount"].as_str().unwrap();
            let reference = their["getTransactionDetail"]["getReference"]["getEndToEndId"].as_str();
            // Their amounts are whole numbers of the smallest unit.
            let same = |record: &&&Record| {
                let exponent = u32::from(record.currency.exponent());
                (record.amount * Decimal::from(10_u32.pow(exponent))).trunc().normalize().to_string()
                    == amount
            };
            let all = records(&ours);
            let ours = all.iter().find(same).unwrap_or_else(|| panic!("{stem}: no entry of {amount}"));
            if let Some(reference) = reference.filter(|text| *text != "NOTPROVIDED" && ours.notes.is_empty())
            {
                assert_eq!(ours.own_id, reference, "{stem}");
            }
            compared += 1;
        }
    }
    assert!(compared >= 7, "{compared}");
}

const ENTRY: &str = "<Ntry><Amt Ccy=\"EUR\">5.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts></Ntry>";

fn statement(inside: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<Document><BkToCstmrStmt><GrpHdr><MsgId>M</MsgId></GrpHdr><Stmt><Id>S</Id>\n{inside}\n</Stmt></BkToCstmrStmt></Document>"
    )
}

#[test]
fn a_bad_entry_is_pointed_at_and_the_others_are_read() {
    let bad = [
        ("<Ntry><CdtDbtInd>CRDT</CdtDbtInd></Ntry>", "is not there"),
        ("<Ntry><Amt Ccy=\"EUR\">5,x</Amt><CdtDbtInd>CRDT</CdtDbtInd></Ntry>", "has commas"),
        ("<Ntry><Amt Ccy=\"ABC\">5</Amt><CdtDbtInd>CRDT</CdtDbtInd></Ntry>", "is not a currency"),
        ("<Ntry><Amt Ccy=\"EUR\">5</Amt><CdtDbtInd>X</CdtDbtInd></Ntry>", "neither CRDT nor DBIT"),
        (
            "<Ntry><Amt Ccy=\"EUR\">5</Amt><CdtDbtInd>DBIT</CdtDbtInd><BookgDt><Dt>2026-02-30</Dt></BookgDt></Ntry>",
            "is not a date",
        ),
    ];
    for (entry, message) in bad {
        let text = statement(&format!("{ENTRY}\n{entry}\n{ENTRY}"));
        let (_, events) = events(text.as_bytes()).unwrap();
        assert_eq!(records(&events).len(), 2, "{entry}");
        let fault = events
            .iter()
            .find_map(|event| match event {
                Event::Fault(fault) => Some(fault),
                _ => None,
            })
            .unwrap_or_else(|| panic!("no fault: {entry}"));
        assert!(fault.message.contains(message) && fault.place.line == 4, "{fault:?}");
    }
}

#[test]
fn what_is_not_well_formed_ends_with_its_place_after_what_came_before() {
    for (text, message) in [
        (statement(&format!("{ENTRY}\n<Ntry><Amt>")), "line"),
        (statement(ENTRY).replace("</Stmt>", ""), "line"),
        (statement("<Ntry><Amt Ccy=\"EUR\">&evil;</Amt></Ntry>"), "entity"),
        (
            statement(ENTRY).replace("<Document>", "<!DOCTYPE a [<!ENTITY b \"c\">]><Document>"),
            "document type",
        ),
        (statement(ENTRY)[..120].to_owned(), "cut off"),
        (statement(&"<a>".repeat(100)), "nesting"),
    ] {
        let error = events(text.as_bytes()).unwrap_err();
        assert!(error.contains(message) && error.contains("line"), "{text}: {error}");
    }
}

#[test]
fn a_batch_is_split_when_its_details_add_up() {
    let detail = |amount: &str, id: &str| {
        format!("<TxDtls><Refs><EndToEndId>{id}</EndToEndId></Refs><Amt Ccy=\"EUR\">{amount}</Amt></TxDtls>")
    };
    let entry = |details: String| {
        format!(
            "<Ntry><Amt Ccy=\"EUR\">5.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><AcctSvcrRef>B1</AcctSvcrRef><NtryDtls><Btch><NbOfTxs>2</NbOfTxs></Btch>{details}</NtryDtls></Ntry>"
        )
    };
    let read = |details: String| events(statement(&entry(details)).as_bytes()).unwrap().1;
    let split = read(detail("2.00", "E1") + &detail("3.00", "E2"));
    let split = records(&split);
    let seen: Vec<_> =
        split.iter().map(|r| (r.amount.to_string(), r.own_id.as_str(), r.batch_id.as_str())).collect();
    assert_eq!(seen, [("-2.00".to_owned(), "E1", "B1"), ("-3.00".to_owned(), "E2", "B1")]);
    let whole = read(detail("2.00", "E1") + &detail("2.99", "E2"));
    let whole = records(&whole);
    assert_eq!((whole.len(), whole[0].amount.to_string().as_str(), whole[0].notes.len()), (1, "-5.00", 1));
}

#[test]
fn an_entry_counts_once_whatever_its_details_are() {
    let summary = "<TxsSummry><TtlNtries><NbOfNtries>1</NbOfNtries></TtlNtries><TtlCdtNtries><NbOfNtries>1</NbOfNtries><Sum>5.00</Sum></TtlCdtNtries><TtlDbtNtries><NbOfNtries>0</NbOfNtries><Sum>0</Sum></TtlDbtNtries></TxsSummry>";
    let details = "<NtryDtls><TxDtls><Amt Ccy=\"EUR\">7.00</Amt></TxDtls><TxDtls><Amt Ccy=\"EUR\">2.00</Amt><CdtDbtInd>DBIT</CdtDbtInd></TxDtls></NtryDtls></Ntry>";
    let text = statement(&format!("{summary}{}", ENTRY.replace("</Ntry>", details)));
    let (_, events) = events(text.as_bytes()).unwrap();
    assert_eq!(records(&events).len(), 2);
    let failing: Vec<_> =
        events.iter().filter(|e| matches!(e, Event::Check(check) if !check.agrees)).collect();
    assert!(failing.is_empty(), "{failing:?}");
}

/// Records of a batch are given one by one: whoever takes them may stop after the first.
#[test]
fn a_batch_is_not_gathered_before_it_is_given() {
    use std::ops::ControlFlow;
    use suanpan_formats::{Catalogue, Input, Options, read};
    let detail = "<TxDtls><Amt Ccy=\"EUR\">0.01</Amt></TxDtls>".repeat(500);
    let text = statement(&ENTRY.replace("</Ntry>", &format!("<NtryDtls>{detail}</NtryDtls></Ntry>")));
    let catalogue = Catalogue::built_in();
    let format = catalogue.find("iso20022.camt.053").unwrap();
    let mut given = 0;
    let tally = read(format, Input::of_bytes(text.as_bytes()), &Options::default(), &mut |event| {
        given += usize::from(matches!(event, Event::Record(_)));
        if given == 1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!(tally.unwrap().records, 1, "the other 499 were not made");
}

#[test]
fn encodings_prefixes_and_envelopes_do_not_matter() {
    let plain =
        statement(&ENTRY.replace("</Ntry>", "<AddtlNtryInf>Müller &amp; Söhne</AddtlNtryInf></Ntry>"));
    let latin1: Vec<u8> = plain
        .replace("version=\"1.0\"", "version=\"1.0\" encoding=\"ISO-8859-1\"")
        .chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect();
    let prefixed =
        plain.replace("</", "</n:").replace('<', "<n:").replace("<n:/n:", "</n:").replace("<n:?xml", "<?xml");
    let utf16: Vec<u8> =
        [0xFF, 0xFE].into_iter().chain(plain.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let wrapped = plain
        .replace("<Document>", "<Envelope><AppHdr/><Document>")
        .replace("</Document>", "</Document></Envelope>");
    let cdata = plain
        .replace("Müller &amp; Söhne", "<![CDATA[Müller & Söhne]]>")
        .replace("<Stmt>", "<!-- c --><Stmt>");
    for bytes in
        [plain.into_bytes(), latin1, prefixed.into_bytes(), utf16, wrapped.into_bytes(), cdata.into_bytes()]
    {
        let (_, events) =
            events(&bytes).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&bytes)));
        assert_eq!(records(&events)[0].description, "Müller & Söhne");
    }
}

proptest! {
    /// Generated statements tie, and what is read is what was written.
    #[test]
    fn what_is_written_is_read(entries in prop::collection::vec((-1_000_000_i64..1_000_000, "[A-Z0-9]{1,12}", 0_u8..3), 0..20), opening in -10_000_i64..10_000) {
        let amount = |minor: i64| format!("{}.{:02}", minor.abs() / 100, minor.abs() % 100);
        let indicator = |minor: i64| if minor < 0 { "DBIT" } else { "CRDT" };
        let balance = |code: &str, minor: i64| format!("<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy='EUR'>{}</Amt><CdtDbtInd>{}</CdtDbtInd></Bal>", amount(minor), indicator(minor));
        let booked: i64 = entries.iter().filter(|entry| entry.2 != 1).map(|entry| entry.0).sum();
        let mut inside = balance("OPBD", opening) + &balance("CLBD", opening + booked);
        for (minor, id, status) in &entries {
            let status = ["<Sts>BOOK</Sts>", "<Sts>PDNG</Sts>", "<Sts><Cd>BOOK</Cd></Sts>"][usize::from(*status)];
            inside += &format!("<Ntry><Amt Ccy=\"EUR\">{}</Amt>\n<CdtDbtInd>{}</CdtDbtInd>{status}<Unknown><X/></Unknown><NtryDtls><TxDtls><Refs><EndToEndId>{id}</EndToEndId></Refs></TxDtls></NtryDtls></Ntry>", amount(*minor), indicator(*minor));
        }
        let (_, events) = events(statement(&inside).as_bytes()).unwrap();
        let read = records(&events);
        prop_assert_eq!(read.len(), entries.len());
        for (record, (minor, id, status)) in read.iter().zip(&entries) {
            prop_assert_eq!(record.amount, Decimal::new(*minor, 2));
            prop_assert_eq!(&record.own_id, id);
            prop_assert_eq!(record.status == Status::Booked, *status != 1);
            prop_assert_eq!(record.direction == Direction::Out, *minor < 0);
        }
        let failing = events.iter().any(|event| matches!(event, Event::Check(check) if !check.agrees));
        prop_assert!(!failing);
    }

    #[test]
    fn damaged_samples_never_panic(at in 0_usize..6_000, byte in any::<u8>(), cut in 0_usize..7_000) {
        let mut bytes = bytes("camt/genkgo__camt053.v2.multi.statement.xml");
        let len = bytes.len();
        bytes[at % len] = byte;
        bytes.truncate(cut.max(100));
        let _ = events(&bytes);
    }
}

/// One entry of 5.00 EUR with the payments.
fn of_payments(payments: &str) -> Vec<Record> {
    let text = format!(
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.02\"><BkToCstmrStmt><GrpHdr><MsgId>M</MsgId>\
         </GrpHdr><Stmt><Id>S</Id><Acct><Id><IBAN>NL26VAYB8060476890</IBAN></Id></Acct><Ntry>\
         <Amt Ccy=\"EUR\">5.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><NtryDtls>{payments}</NtryDtls></Ntry>\
         </Stmt></BkToCstmrStmt></Document>"
    );
    let (_, events) = events(text.as_bytes()).expect("a file that can be read");
    records(&events).into_iter().cloned().collect()
}

#[test]
fn who_is_behind_a_party_stands_for_one_without_a_name() {
    let records = of_payments(
        "<TxDtls><RltdPties><UltmtDbtr><Nm>Behind Ltd</Nm></UltmtDbtr><UltmtCdtr><Nm>Us</Nm></UltmtCdtr>\
         </RltdPties></TxDtls>",
    );
    assert_eq!(records[0].counterparty, "Behind Ltd");
    let records = of_payments(
        "<TxDtls><RltdPties><Dbtr><Nm>Payer Ltd</Nm></Dbtr><UltmtDbtr><Nm>Behind Ltd</Nm></UltmtDbtr>\
         </RltdPties></TxDtls>",
    );
    assert_eq!(records[0].counterparty, "Payer Ltd");
    assert!(records[0].details.contains(&("UltmtDbtr".to_owned(), "Behind Ltd".to_owned())));
}

/// Payments in another currency, whose amounts in the entry's stand beside them.
#[test]
fn an_amount_in_the_currency_of_the_entry_is_found_among_the_others() {
    let payment = |foreign: &str, own: &str| {
        format!(
            "<TxDtls><AmtDtls><InstdAmt><Amt Ccy=\"EUR\">{own}</Amt></InstdAmt>\
             <TxAmt><Amt Ccy=\"USD\">{foreign}</Amt></TxAmt></AmtDtls></TxDtls>"
        )
    };
    let records = of_payments(&format!("{}{}", payment("2.20", "2.00"), payment("3.30", "3.00")));
    let amounts: Vec<_> = records.iter().map(|record| record.amount.to_string()).collect();
    assert_eq!(amounts, ["2.00", "3.00"]);
}
