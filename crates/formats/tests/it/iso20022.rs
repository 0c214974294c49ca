//! Payments of ISO 20022.

use crate::golden::{bytes, check_folder, events};
use crate::kit::records;
use suanpan_formats::{Catalogue, Direction, Event, Input, Kind, Scheme, Status, Verdict, check_scheme};

#[test]
fn samples_are_as_in_their_golden_files() {
    check_folder("iso20022", |name| name.ends_with(".xml") && !name.contains("camt.054"));
}

fn failed(events: &[Event]) -> Vec<&str> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::Check(check) if !check.agrees => Some(check.what.as_str()),
            _ => None,
        })
        .collect()
}

/// Each sample is told apart from all other formats, by the element of its message.
#[test]
fn samples_are_identified() {
    for (name, id) in [
        ("mx20022__camt__camt_056_001_11_minimal.xml", "iso20022.camt.056"),
        ("mx20022__cbpr__valid_pacs008.xml", "iso20022.pacs.008"),
        ("mx20022__pacs__pacs_002_001_14_minimal.xml", "iso20022.pacs.002"),
        ("mx20022__pacs__pacs_004_001_11_minimal.xml", "iso20022.pacs.004"),
        ("mx20022__pain__pain_001_001_11_minimal.xml", "iso20022.pain.001"),
        ("openpay__pain.002.001.10__BaseSample.xml", "iso20022.pain.002"),
        ("prowide__pacs.002-CDATA-with-header.xml", "iso20022.pacs.002"),
    ] {
        assert_eq!(events(&bytes(&format!("iso20022/{name}"))).unwrap().0, id, "{name}");
    }
    // A message that quotes another is of its own kind.
    let quoting = b"<Document><FIToFIPmtStsRpt><X><![CDATA[<PmtRtr>]]></X></FIToFIPmtStsRpt></Document>";
    let head = Input::of_bytes(quoting).head;
    let format = |id| Catalogue::built_in().find(id).unwrap().clone();
    assert!(matches!(format("iso20022.pacs.004").recognise(&head), Verdict::No(_)));
    assert!(matches!(format("iso20022.pacs.002").recognise(&head), Verdict::Yes(_)));
}

/// What a message declares is held against its transactions, and values against their kind.
#[test]
fn what_does_not_tie_is_told() {
    let failed_of = |name: &str| -> Vec<String> {
        let (_, events) = events(&bytes(&format!("iso20022/{name}"))).unwrap();
        failed(&events).into_iter().map(str::to_owned).collect()
    };
    assert_eq!(failed_of("prowide__pacs.008.001.07.xml"), ["GrpHdr/CtrlSum", "GrpHdr/TtlIntrBkSttlmAmt"]);
    let bics = failed_of("mx20022__pacs__pacs_008_invalid_bic.xml");
    assert_eq!(bics.len(), 3);
    assert!(bics[0].ends_with("DbtrAgt/FinInstnId/BICFI") && bics[2] == "wrong values");
    for name in [
        "mx20022__cbpr__valid_pacs008.xml",
        "mx20022__fednow__valid_pacs008.xml",
        "mx20022__sepa__valid_pacs008.xml",
        "mx20022__pain__pain_001_001_11_minimal.xml",
        "mx20022__pacs__pacs_002_001_14_minimal.xml",
    ] {
        assert_eq!(failed_of(name), [] as [&str; 0], "{name}");
    }
}

/// Orders are pending, transfers are booked, both go out; reports move nothing.
#[test]
fn messages_have_their_direction() {
    for (name, kind, status, direction, amount) in [
        (
            "mx20022__pain__pain_001_001_11_minimal.xml",
            Kind::Transfer,
            Status::Pending,
            Direction::Out,
            "-1000.00",
        ),
        ("mx20022__sepa__valid_pacs008.xml", Kind::Transfer, Status::Booked, Direction::Out, "-500.00"),
        (
            "openpay__camt.056.001.08__BaseSample_camt.056.001.08.xml",
            Kind::Notice,
            Status::Information,
            Direction::Neutral,
            "10.0",
        ),
    ] {
        let (_, events) = events(&bytes(&format!("iso20022/{name}"))).unwrap();
        let [record] = records(&events)[..] else { panic!("{name}: not one record") };
        assert_eq!((record.kind, record.status, record.direction), (kind, status, direction), "{name}");
        assert_eq!(record.amount.to_string(), amount, "{name}");
    }
}

/// Rules of schemes are asked of files, in whatever encoding and envelope.
#[test]
fn schemes_are_asked_of_files() {
    let rules = |bytes: &[u8], scheme| -> Vec<(u32, &'static str)> {
        let found = check_scheme(Input::of_bytes(bytes), scheme).unwrap();
        found.into_iter().map(|(page, found)| (page, found.rule)).collect()
    };
    let sample = |name: &str| bytes(&format!("iso20022/{name}"));
    assert_eq!(rules(&sample("mx20022__cbpr__valid_pacs008.xml"), Scheme::CbprPlus), []);
    let missing = sample("mx20022__cbpr__invalid_missing_uetr.xml");
    assert_eq!(rules(&missing, Scheme::CbprPlus), [(1, "cbpr.uetr")]);
    assert_eq!(rules(&sample("mx20022__sepa__invalid_usd.xml"), Scheme::Sepa), [(1, "sepa.currency")]);
    assert_eq!(rules(ORDERS.as_bytes(), Scheme::Sepa)[0], (1, "schema.value"));
    assert!(check_scheme(Input::of_bytes(b"<a/>"), Scheme::FedNow).is_err());
}

/// Two orders with one that cannot be read between them, in two batches.
const ORDERS: &str = r#"<?xml version="1.0" encoding="ISO-8859-1"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.03"><CstmrCdtTrfInitn>
<GrpHdr><MsgId>M1</MsgId><NbOfTxs>3</NbOfTxs><CtrlSum>6.30</CtrlSum></GrpHdr>
<PmtInf><PmtInfId>P1</PmtInfId><NbOfTxs>2</NbOfTxs><CtrlSum>3.30</CtrlSum><ReqdExctnDt>2024-01-02</ReqdExctnDt>
<DbtrAcct><Id><IBAN>DE89370400440532013000</IBAN></Id></DbtrAcct>
<CdtTrfTxInf><PmtId><EndToEndId>E1</EndToEndId></PmtId><Amt><InstdAmt Ccy="EUR">1.10</InstdAmt></Amt><Cdtr><Nm>M%ller</Nm></Cdtr></CdtTrfTxInf>
<CdtTrfTxInf><PmtId><EndToEndId>E2</EndToEndId></PmtId><Amt><InstdAmt Ccy="EUR">2,20</InstdAmt></Amt></CdtTrfTxInf></PmtInf>
<PmtInf><PmtInfId>P2</PmtInfId><NbOfTxs>1</NbOfTxs><CtrlSum>3</CtrlSum>
<CdtTrfTxInf><PmtId><EndToEndId>NOTPROVIDED</EndToEndId></PmtId><Amt><InstdAmt Ccy="EUR">3.00</InstdAmt></Amt></CdtTrfTxInf></PmtInf>
</CstmrCdtTrfInitn></Document>"#;

#[test]
fn one_bad_order_does_not_lose_the_others() {
    let mut file = ORDERS.as_bytes().to_vec();
    let at = file.iter().position(|byte| *byte == b'%').unwrap();
    file[at] = 0xFC;
    let (id, events) = events(&file).unwrap();
    assert_eq!(id, "iso20022.pain.001");
    let kinds: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Statement(own) => Some(format!("statement {} {}", own.id, own.account)),
            Event::Record(own) => Some(format!("record {} {} {}", own.own_id, own.amount, own.counterparty)),
            Event::Fault(own) => Some(format!("fault {own}")),
            Event::Check(own) if own.agrees => None,
            Event::Check(own) => Some(format!("check {} {} {}", own.what, own.declared, own.computed)),
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "statement P1 DE89370400440532013000",
            "record E1 -1.10 Müller",
            "statement P2 ",
            "fault page 1, line 7, column 61: CstmrCdtTrfInitn/PmtInf/CdtTrfTxInf/Amt/InstdAmt is not a decimal number: `2,20`",
            "record  -3.00 ",
            "check GrpHdr/NbOfTxs 3 2",
            "check GrpHdr/CtrlSum 6.30 4.10",
            "check PmtInf[1]/NbOfTxs 2 1",
            "check PmtInf[1]/CtrlSum 3.30 1.10",
        ]
    );
    let first = records(&events)[0];
    assert_eq!((first.place.line, first.place.column), (6, 1));
    assert!(first.raw.starts_with("<CdtTrfTxInf>") && first.raw.ends_with("</CdtTrfTxInf>"));
    assert_eq!(first.value_on.unwrap().to_string(), "2024-01-02");
}

#[test]
fn broken_files_are_refused_with_their_place() {
    for (from, to, expected) in [
        ("</CstmrCdtTrfInitn></Document>", "", "line 10, column 1: Document/CstmrCdtTrfInitn is not ended"),
        ("</PmtInf>\n<PmtInf>", "</PmtInf>\n</PmtInf><PmtInf>", "is not well-formed XML"),
        ("ISO-8859-1\"?>", "UTF-8\"?><!DOCTYPE a>", "a document type is not accepted"),
        ("pain.001.001.03", "pacs.008.001.08", "the namespace names pacs.008.001.08"),
    ] {
        let error = events(ORDERS.replace(from, to).as_bytes()).unwrap_err();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}
