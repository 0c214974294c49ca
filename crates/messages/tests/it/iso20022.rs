//! ISO 20022 payments: real files, rules of schemes, answers.

use crate::samples::path;
use jiff::civil::date;
use rust_decimal::Decimal;
use suanpan_messages::iso20022::answer::{
    Stamp, Verdict, cancellation_of, customer_report, resolution_of, return_of, status_report,
};
use suanpan_messages::iso20022::detail::Reason;
use suanpan_messages::iso20022::scheme::{Scheme, check as check_scheme};
use suanpan_messages::iso20022::totals::totals;
use suanpan_messages::iso20022::value::Moment;
use suanpan_messages::iso20022::{Message, ReadError, Received, check, read, read_header, write};

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(path(&format!("iso20022/{name}"))).expect("a sample")
}

fn received(name: &str) -> Received {
    read(&bytes(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

const TRANSFERS: [&str; 9] = [
    "mx20022__cbpr__invalid_missing_uetr.xml",
    "mx20022__cbpr__missing_bic.xml",
    "mx20022__cbpr__valid_pacs008.xml",
    "mx20022__fednow__invalid_eur.xml",
    "mx20022__fednow__valid_pacs008.xml",
    "mx20022__pacs__pacs_008_invalid_bic.xml",
    "mx20022__sepa__invalid_usd.xml",
    "mx20022__sepa__valid_pacs008.xml",
    "openpay__pacs.008.001.08__CBPR_DEBT_FormalRule_1.xml",
];

/// What the list of samples says of each: the version of its namespace, and how many elements are not known.
#[test]
fn samples_are_read_in_any_version() {
    for (name, definition, unknown) in [
        ("mx20022__camt__camt_056_001_11_minimal.xml", "camt.056.001.11", 0),
        ("mx20022__pacs__pacs_002_001_14_minimal.xml", "pacs.002.001.14", 0),
        ("mx20022__pacs__pacs_004_001_11_minimal.xml", "pacs.004.001.11", 0),
        ("mx20022__pain__pain_001_001_11_minimal.xml", "pain.001.001.11", 0),
        ("mx20022__sepa__valid_pacs008.xml", "pacs.008.001.13", 0),
        ("openpay__camt.056.001.08__BaseSample_camt.056.001.08.xml", "camt.056.001.08", 0),
        ("openpay__pacs.008.001.08__CBPR_DEBT_FormalRule_1.xml", "pacs.008.001.08", 0),
        ("openpay__pain.001.001.09__CBPR_InstructionforCreditorAgent1_01.xml", "pain.001.001.09", 0),
        ("openpay__pain.002.001.10__BaseSample.xml", "pain.002.001.10", 0),
        // Its header is of SWIFT and not of ISO 20022.
        ("prowide__pacs.002-CDATA-with-header.xml", "pacs.002.001.03", 1),
        ("prowide__pacs.008.001.07.xml", "pacs.008.001.07", 0),
    ] {
        let received = received(name);
        assert_eq!(received.definition, definition, "{name}");
        assert_eq!(received.unknown.len(), unknown, "{name}: {:?}", received.unknown);
    }
    assert!(matches!(read(&bytes("pyiso__remt_001_001_06.xml")), Err(ReadError::Broken(_))));
    assert_eq!(read(&bytes("prowide__header-with-signature.xml")), Err(ReadError::NoDocument));
}

#[test]
fn headers_are_read_where_they_are_of_iso_20022() {
    let header = received("mx20022__cbpr__valid_pacs008.xml").header.expect("a header");
    assert_eq!(header.message.as_deref(), Some("CBPR-BAH-20240101-001"));
    assert_eq!(header.from.as_ref().map(|from| from.text()), Some("AAAAGB2LXXX"));
    assert!(received("prowide__pacs.008.001.07.xml").header.is_some());
    assert!(received("prowide__pacs.002-CDATA-with-header.xml").header.is_none());
    let alone = read_header(&bytes("prowide__header-with-signature.xml")).unwrap().expect("a header");
    assert_eq!(alone.definition.as_deref(), Some("seev.037.002.02"));
}

/// Which rules each transfer breaks. Those that must fail do, and the valid ones of each scheme pass.
#[test]
fn schemes_refuse_what_they_must() {
    let rules = |name: &str, scheme| -> Vec<&'static str> {
        let mut rules: Vec<_> =
            check_scheme(scheme, &received(name).message).iter().map(|found| found.rule).collect();
        rules.dedup();
        rules
    };
    for (name, scheme, expected) in [
        ("mx20022__cbpr__valid_pacs008.xml", Scheme::CbprPlus, vec![]),
        ("mx20022__cbpr__invalid_missing_uetr.xml", Scheme::CbprPlus, vec!["cbpr.uetr"]),
        ("mx20022__cbpr__missing_bic.xml", Scheme::CbprPlus, vec!["cbpr.bic"]),
        ("mx20022__sepa__valid_pacs008.xml", Scheme::Sepa, vec![]),
        ("mx20022__sepa__invalid_usd.xml", Scheme::Sepa, vec!["sepa.currency"]),
        ("mx20022__fednow__valid_pacs008.xml", Scheme::FedNow, vec![]),
        ("mx20022__fednow__invalid_eur.xml", Scheme::FedNow, vec!["fednow.currency"]),
    ] {
        let found = rules(name, scheme);
        assert_eq!(found, expected, "{name} {scheme:?}");
    }
    for scheme in Scheme::ALL {
        assert!(rules("mx20022__pacs__pacs_008_invalid_bic.xml", scheme).contains(&"schema.value"));
        // Its total says ten thousand, and its one transaction has five.
        assert!(rules("prowide__pacs.008.001.07.xml", scheme).contains(&"totals"));
        assert_eq!(Scheme::parse(scheme.name()), Some(scheme));
    }
}

/// Each rule by a small change to a message that passes.
#[test]
fn each_rule_is_broken_by_one_change() {
    let cbpr = "mx20022__cbpr__valid_pacs008.xml";
    let sepa = "mx20022__sepa__valid_pacs008.xml";
    let fednow = "mx20022__fednow__valid_pacs008.xml";
    let level = "<PmtTpInf><SvcLvl><Cd>NURG</Cd></SvcLvl></PmtTpInf><IntrBkSttlmAmt";
    let instant = "<PmtTpInf><LclInstrm><Cd>INST</Cd></LclInstrm></PmtTpInf><IntrBkSttlmAmt";
    let member =
        |id| format!("<ClrSysMmbId><ClrSysId><Cd>USABA</Cd></ClrSysId><MmbId>{id}</MmbId></ClrSysMmbId>");
    let (wrong, right) = (member("021000022"), member("021000021"));
    let bic = "<BICFI>CHASUS33XXX</BICFI>";
    let second = "</CdtTrfTxInf><CdtTrfTxInf><IntrBkSttlmAmt Ccy=\"USD\">1</IntrBkSttlmAmt></CdtTrfTxInf>";
    for (name, scheme, from, to, rule) in [
        (cbpr, Scheme::CbprPlus, "<SttlmMtd>INGA", "<SttlmMtd>CLRG", "cbpr.settlement"),
        (cbpr, Scheme::CbprPlus, "SHAR", "SLEV", "cbpr.bearer"),
        (cbpr, Scheme::CbprPlus, "SHAR", "CRED", "cbpr.charges"),
        (cbpr, Scheme::CbprPlus, "T12:00:00Z</CreDtTm>", "T12:00:00</CreDtTm>", "cbpr.offset"),
        (cbpr, Scheme::CbprPlus, "50000.00", "1000000000000.00", "cbpr.amount"),
        (cbpr, Scheme::CbprPlus, "<IntrBkSttlmDt>2024-01-01</IntrBkSttlmDt>", "", "cbpr.day"),
        (cbpr, Scheme::CbprPlus, "CBPR-PACS008", "CBPR_PACS008", "cbpr.characters"),
        (cbpr, Scheme::CbprPlus, "Bob Jones", "Bób Jones", "cbpr.characters"),
        (cbpr, Scheme::CbprPlus, "<Nm>Bob Jones</Nm>", "", "cbpr.party"),
        (cbpr, Scheme::CbprPlus, "</CdtTrfTxInf>", second, "cbpr.one"),
        (cbpr, Scheme::CbprPlus, "<ChrgBr>", "<InstdAmt Ccy=\"EUR\">1</InstdAmt><ChrgBr>", "cbpr.rate"),
        (sepa, Scheme::Sepa, "500.00", "1000000000.00", "sepa.amount"),
        (sepa, Scheme::Sepa, "500.00", "0.00", "sepa.amount"),
        (sepa, Scheme::Sepa, "SLEV", "SHAR", "sepa.bearer"),
        (sepa, Scheme::Sepa, "CLRG", "COVE", "sepa.settlement"),
        (sepa, Scheme::Sepa, "<Nm>Hans Muller</Nm>", "", "sepa.name"),
        (sepa, Scheme::Sepa, "Hans Muller", &"x".repeat(71), "sepa.name"),
        (sepa, Scheme::Sepa, "Hans Muller", "Hans Müller", "sepa.characters"),
        (sepa, Scheme::Sepa, "<IBAN>DE89370400440532013000</IBAN>", "<Othr><Id>1</Id></Othr>", "sepa.iban"),
        (sepa, Scheme::Sepa, "DE89370400440532013000", "DE89370400440532013001", "schema.value"),
        (sepa, Scheme::Sepa, "<IntrBkSttlmAmt", level, "sepa.level"),
        (sepa, Scheme::Sepa, "<IntrBkSttlmAmt", instant, "sepa.instant"),
        (sepa, Scheme::Sepa, "</Ustrd>", "</Ustrd><Ustrd>more</Ustrd>", "sepa.remittance"),
        (sepa, Scheme::Sepa, "<NbOfTxs>1", "<NbOfTxs>2", "totals"),
        (sepa, Scheme::Sepa, "500.00", "500.001", "schema.value"),
        (fednow, Scheme::FedNow, "1000.00", "10000000.01", "fednow.amount"),
        (fednow, Scheme::FedNow, "CLRG", "INDA", "fednow.settlement"),
        (fednow, Scheme::FedNow, "SLEV", "SHAR", "fednow.bearer"),
        (fednow, Scheme::FedNow, bic, wrong.as_str(), "fednow.routing"),
        (fednow, Scheme::FedNow, bic, "", "fednow.agent"),
        (fednow, Scheme::FedNow, "</CdtTrfTxInf>", second, "fednow.one"),
        (fednow, Scheme::FedNow, "<UETR>97ed4827-7b6f-4491-a06f-b548d5a7512d</UETR>", "", "fednow.uetr"),
    ] {
        let text = String::from_utf8(bytes(name)).unwrap();
        assert!(text.contains(from), "{name} has no {from}");
        let found = check_scheme(scheme, &read(text.replace(from, to).as_bytes()).unwrap().message);
        assert!(found.iter().any(|found| found.rule == rule), "{rule} by {to}: {found:?}");
    }
    let text = String::from_utf8(bytes(fednow)).unwrap().replace(bic, &right);
    assert_eq!(check_scheme(Scheme::FedNow, &read(text.as_bytes()).unwrap().message), []);
}

/// Numbers and sums that a message declares are held against its transactions.
#[test]
fn totals_are_compared() {
    let message = received("prowide__pacs.008.001.07.xml").message;
    let found: Vec<_> = totals(&message)
        .iter()
        .map(|total| (total.path.clone(), total.computed.unwrap().to_string(), total.agrees()))
        .collect();
    let row = |path: &str, computed: &str, agrees| (path.to_owned(), computed.to_owned(), agrees);
    assert_eq!(
        found,
        [
            row("GrpHdr/NbOfTxs", "1", true),
            row("GrpHdr/CtrlSum", "5000", false),
            row("GrpHdr/TtlIntrBkSttlmAmt", "5000 USD", false),
        ]
    );
}

fn stamp(message: &str) -> Stamp {
    Stamp { message: message.to_owned(), created: Moment::parse("2024-01-02T09:00:00Z").expect("a time") }
}

/// Answers carry the references of what they answer, can be written, and pass their schemes.
#[test]
fn transfers_are_answered() {
    for (name, scheme) in [
        ("mx20022__cbpr__valid_pacs008.xml", Scheme::CbprPlus),
        ("mx20022__sepa__valid_pacs008.xml", Scheme::Sepa),
        ("mx20022__fednow__valid_pacs008.xml", Scheme::FedNow),
    ] {
        let Message::CreditTransfer(original) = received(name).message else { panic!("another message") };
        let transfer = &original.transactions[0];
        let uetr = transfer.id.as_ref().unwrap().uetr.clone();
        let report = status_report(&original, &stamp("STS-1"), |_| Verdict::rejected("AC01"));
        assert_eq!(report.groups[0].status.as_deref(), Some("RJCT"));
        assert_eq!(report.transactions[0].uetr, uetr);
        assert_eq!(report.group.as_ref().unwrap().sender, original.group.as_ref().unwrap().receiver);
        let back = return_of(&original, transfer, &stamp("RTR-1"), date(2024, 1, 3), Reason::of_code("AC04"));
        assert_eq!(back.transactions[0].settled, transfer.settled);
        assert_eq!(back.transactions[0].uetr, uetr);
        let recall = cancellation_of(&original, transfer, &stamp("CXL-1"), "CASE-1", Reason::of_code("DUPL"));
        assert_eq!(recall.underlying[0].transactions[0].settled, transfer.settled);
        let resolution = resolution_of(&recall, &stamp("RSL-1"), "RJCR", Some(&Reason::of_code("LEGL")));
        assert_eq!(resolution.details[0].transactions[0].uetr, uetr);
        for message in [
            Message::StatusReport(Box::new(report)),
            Message::Return(Box::new(back)),
            Message::CancellationRequest(Box::new(recall)),
            Message::Resolution(Box::new(resolution)),
        ] {
            assert_eq!(check_scheme(scheme, &message), [], "{name}");
            let text = write(&message).expect("nothing wrong");
            let read = read(text.as_bytes()).expect("what was written");
            assert_eq!((&read.message, read.unknown.len()), (&message, 0));
            assert!(totals(&message).iter().all(|total| total.agrees()));
        }
    }
}

#[test]
fn orders_are_answered() {
    let name = "mx20022__pain__pain_001_001_11_minimal.xml";
    let Message::Initiation(original) = received(name).message else { panic!("another message") };
    let report = customer_report(&original, &stamp("STS-1"), |_| Verdict::of("ACSP"));
    assert_eq!(report.original.as_ref().unwrap().status.as_deref(), Some("ACSP"));
    let mut two = original.clone();
    let mut other = two.payments[0].transactions[0].clone();
    other.id.as_mut().unwrap().end_to_end = Some("E2E-2".into());
    two.payments[0].transactions.push(other);
    let mut verdicts = [Verdict::of("ACSP"), Verdict::rejected("AM04")].into_iter();
    let mixed = customer_report(&two, &stamp("STS-2"), |_| verdicts.next().unwrap());
    assert_eq!(mixed.payments[0].status.as_deref(), Some("PART"));
    assert_eq!(mixed.payments[0].transactions[1].end_to_end.as_deref(), Some("E2E-2"));
    for message in [report, mixed].map(|report| Message::CustomerReport(Box::new(report))) {
        let text = write(&message).expect("nothing wrong");
        assert_eq!(read(text.as_bytes()).expect("what was written").message, message);
    }
    let message = Message::Initiation(two);
    assert!(totals(&message).iter().any(|total| !total.agrees()), "two orders, and the group says one");
}

/// A message that was read in another version is written in ours, and is then the same.
#[test]
fn what_was_read_in_another_version_is_written_in_ours() {
    let mut written = 0;
    for name in TRANSFERS {
        let message = received(name).message;
        if !check(&message).is_empty() {
            continue;
        }
        let text = write(&message).unwrap();
        assert!(text.contains("xmlns=\"urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08\""));
        assert_eq!(read(text.as_bytes()).unwrap().message, message, "{name}");
        written += 1;
    }
    assert_eq!(written, 7);
    let Message::CreditTransfer(own) = received(TRANSFERS[8]).message else { panic!("another message") };
    assert_eq!(own.transactions[0].rate, Some(Decimal::new(179_765_539, 8)));
}
