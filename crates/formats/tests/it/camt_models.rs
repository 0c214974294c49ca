//! camt.053 beside the models of `mx20022`, which are generated from the schema of version 11: another
//! parser (serde on quick-xml), another reading of the standard.

use crate::golden::{bytes, events};
use crate::kit::{failing, faults, records};
use mx20022_model::generated::camt::camt_053_001_11 as model;
use proptest::prelude::*;
use suanpan_formats::{Event, Record, Statement};

/// What both say of one payment.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    amount: String,
    currency: String,
    booked: bool,
    day: String,
    value_day: String,
    code: String,
    id: String,
    own_id: String,
    counterparty: String,
    counterparty_account: String,
    description: String,
}

fn ours(record: &Record) -> Told {
    let day = |day: Option<jiff::civil::Date>| day.map(|day| day.to_string()).unwrap_or_default();
    Told {
        amount: record.amount.to_string(),
        currency: record.currency.code().to_owned(),
        booked: record.status.name() == "booked",
        day: day(record.booked_on),
        value_day: day(record.value_on),
        code: record.kind_text.clone(),
        id: record.id.clone(),
        own_id: record.own_id.clone(),
        counterparty: record.counterparty.clone(),
        counterparty_account: record.counterparty_account.clone(),
        description: record.description.clone(),
    }
}

fn day(date: &Option<mx20022_model::common::ChoiceWrapper<model::DateAndDateTime2Choice>>) -> String {
    match date.as_ref().map(|date| &date.inner) {
        Some(model::DateAndDateTime2Choice::Dt(day)) => day.0.clone(),
        Some(model::DateAndDateTime2Choice::DtTm(time)) => time.0[..10].to_owned(),
        None => String::new(),
    }
}

fn text<T>(text: Option<&T>, own: impl Fn(&T) -> &String) -> String {
    text.map(|text| own(text).clone()).unwrap_or_default()
}

/// What the models say of an entry with one payment.
fn theirs(entry: &model::ReportEntry13) -> Told {
    let out = entry.cdt_dbt_ind == model::CreditDebitCode::Dbit;
    let zero = entry.amt.value.0.bytes().all(|b| matches!(b, b'0' | b'.'));
    let detail = entry.ntry_dtls.iter().flat_map(|details| &details.tx_dtls).next();
    let refs = detail.and_then(|detail| detail.refs.as_ref());
    let parties = detail.and_then(|detail| detail.rltd_pties.as_ref());
    let (party, account) = match out {
        true => (parties.and_then(|p| p.cdtr.as_ref()), parties.and_then(|p| p.cdtr_acct.as_ref())),
        false => (parties.and_then(|p| p.dbtr.as_ref()), parties.and_then(|p| p.dbtr_acct.as_ref())),
    };
    let name = match party.map(|party| &party.inner) {
        Some(model::Party40Choice::Pty(party)) => text(party.nm.as_ref(), |name| &name.0),
        _ => String::new(),
    };
    let number = match account.and_then(|account| account.id.as_ref()).map(|id| &id.inner) {
        Some(model::AccountIdentification4Choice::IBAN(iban)) => iban.0.clone(),
        Some(model::AccountIdentification4Choice::Othr(other)) => other.id.0.clone(),
        None => String::new(),
    };
    let remittance = detail.and_then(|detail| detail.rmt_inf.as_ref());
    let lines = remittance.map(|r| r.ustrd.iter().map(|line| line.0.as_str()).collect::<Vec<_>>().join(" "));
    let structured = remittance.and_then(|remittance| {
        remittance.strd.iter().find_map(|part| part.cdtr_ref_inf.as_ref()?.r#ref.as_ref())
    });
    let own = [
        text(refs.and_then(|refs| refs.end_to_end_id.as_ref()), |id| &id.0).replace("NOTPROVIDED", ""),
        text(structured, |id| &id.0),
        text(refs.and_then(|refs| refs.instr_id.as_ref()), |id| &id.0),
        text(refs.and_then(|refs| refs.tx_id.as_ref()), |id| &id.0),
    ];
    let of_entry = text(entry.acct_svcr_ref.as_ref().or(entry.ntry_ref.as_ref()), |id| &id.0);
    let of_detail = text(refs.and_then(|refs| refs.acct_svcr_ref.as_ref()), |id| &id.0);
    let code = entry
        .bk_tx_cd
        .domn
        .as_ref()
        .map(|domain| format!("{}-{}-{}", domain.cd.0, domain.fmly.cd.0, domain.fmly.sub_fmly_cd.0));
    let proprietary = || text(entry.bk_tx_cd.prtry.as_ref(), |code| &code.cd.0);
    let of_entry_text = || text(entry.addtl_ntry_inf.as_ref(), |text| &text.0);
    let description = lines.filter(|lines| !lines.is_empty()).unwrap_or_else(|| {
        let more = text(detail.and_then(|detail| detail.addtl_tx_inf.as_ref()), |text| &text.0);
        if more.is_empty() { of_entry_text() } else { more }
    });
    Told {
        amount: format!("{}{}", if out && !zero { "-" } else { "" }, entry.amt.value.0),
        currency: entry.amt.ccy.0.clone(),
        booked: matches!(&entry.sts.inner, model::EntryStatus1Choice::Cd(code) if code.0 == "BOOK"),
        day: day(&entry.bookg_dt),
        value_day: day(&entry.val_dt),
        code: code.unwrap_or_else(proprietary),
        id: if of_detail.is_empty() { of_entry } else { of_detail },
        own_id: own.into_iter().find(|id| !id.is_empty()).unwrap_or_default(),
        counterparty: name,
        counterparty_account: number,
        description,
    }
}

/// Compares all entries of a document, and returns how many there are and what our reader gave.
fn compared(text: &str) -> (usize, Vec<Event>) {
    let document: model::Document =
        quick_xml::de::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let (_, events) = events(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"));
    let expected: Vec<Told> =
        document.bk_to_cstmr_stmt.stmt.iter().flat_map(|statement| &statement.ntry).map(theirs).collect();
    let read: Vec<Told> = records(&events).into_iter().map(ours).collect();
    assert_eq!(read, expected, "{text}");
    let statements: Vec<&Statement> = events
        .iter()
        .filter_map(|event| if let Event::Statement(statement) = event { Some(statement) } else { None })
        .collect();
    assert_eq!(statements.len(), document.bk_to_cstmr_stmt.stmt.len());
    for (own, their) in statements.iter().zip(&document.bk_to_cstmr_stmt.stmt) {
        assert_eq!(own.id, their.id.0);
        let account = match their.acct.id.as_ref().map(|id| &id.inner) {
            Some(model::AccountIdentification4Choice::IBAN(iban)) => iban.0.clone(),
            Some(model::AccountIdentification4Choice::Othr(other)) => other.id.0.clone(),
            None => String::new(),
        };
        assert_eq!(own.account, account);
    }
    (expected.len(), events)
}

#[test]
fn a_sample_is_read_as_by_the_models() {
    let text = String::from_utf8(bytes("camt/genkgo__camt053.v8.xml")).unwrap();
    assert_eq!(compared(&text).0, 1);
}

/// An element, or nothing where its content is to be left out.
fn maybe(name: &'static str, content: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    prop::option::of(content).prop_map(move |content| {
        content.map(|content| format!("<{name}>{content}</{name}>")).unwrap_or_default()
    })
}

fn reference() -> impl Strategy<Value = String> {
    prop_oneof![9 => "[A-Z0-9][A-Z0-9 ./-]{0,14}[A-Z0-9]", 1 => Just("NOTPROVIDED".to_owned())]
}

fn free_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z0-9][A-Za-z0-9 .,:()+-]{0,30}[a-z]",
        "[a-zäöüß中文]{1,20}",
        Just("Müller &amp; S&#xF6;hne &lt;GmbH&gt;".to_owned()),
    ]
}

fn account() -> impl Strategy<Value = String> {
    prop_oneof!["<Id><IBAN>DE[0-9]{20}</IBAN></Id>", "<Id><Othr><Id>[0-9]{5,12}</Id></Othr></Id>"]
}

fn detail() -> impl Strategy<Value = String> {
    let refs = (
        maybe("AcctSvcrRef", reference().prop_filter("a reference", |id| id != "NOTPROVIDED")),
        maybe("InstrId", "[A-Z0-9]{1,12}"),
        maybe("EndToEndId", reference()),
        maybe("TxId", "[A-Z0-9]{1,12}"),
    )
        .prop_map(|(a, b, c, d)| format!("<Refs>{a}{b}{c}{d}</Refs>"));
    let party = || free_text().prop_map(|name| format!("<Pty><Nm>{name}</Nm></Pty>"));
    let parties = (
        (maybe("Dbtr", party()), maybe("DbtrAcct", account())),
        (maybe("Cdtr", party()), maybe("CdtrAcct", account())),
    )
        // With one side only, readers may differ in whose side it is.
        .prop_filter("both sides", |(debtor, creditor)| {
            (debtor.0.is_empty() && debtor.1.is_empty()) == (creditor.0.is_empty() && creditor.1.is_empty())
        })
        .prop_map(|(debtor, creditor)| {
            format!("<RltdPties>{}{}{}{}</RltdPties>", debtor.0, debtor.1, creditor.0, creditor.1)
        });
    let structured = prop::collection::vec("[A-Z0-9]{1,12}", 0..3).prop_map(|all| {
        all.iter()
            .map(|id| format!("<Strd><CdtrRefInf><Ref>{id}</Ref></CdtrRefInf></Strd>"))
            .collect::<String>()
    });
    let lines = prop::collection::vec(free_text(), 0..3)
        .prop_map(|all| all.iter().map(|line| format!("<Ustrd>{line}</Ustrd>")).collect::<String>());
    let remittance = maybe("RmtInf", (lines, structured).prop_map(|(lines, structured)| lines + &structured));
    (refs, parties, remittance, maybe("AddtlTxInf", free_text())).prop_map(
        |(refs, parties, remittance, more)| format!("<TxDtls>{refs}{parties}{remittance}{more}</TxDtls>"),
    )
}

fn entry() -> impl Strategy<Value = (i64, bool, String)> {
    let day = prop_oneof![
        "<Dt>20[0-9]{2}-0[1-9]-[0-2][1-8]</Dt>",
        "<DtTm>20[0-9]{2}-1[0-2]-1[0-9]T[01][0-9]:[0-5][0-9]:00(\\+01:00|Z)?</DtTm>"
    ];
    let code = prop_oneof![
        "<Domn><Cd>PMNT</Cd><Fmly><Cd>[RI]CDT</Cd><SubFmlyCd>(ESCT|STDO|INTR)</SubFmlyCd></Fmly></Domn>",
        "<Prtry><Cd>[0-9]{3}</Cd></Prtry>"
    ];
    let head = (-1_000_000_i64..1_000_000, any::<bool>(), maybe("NtryRef", "[A-Z0-9]{1,12}"));
    let days = (maybe("BookgDt", day.clone()), maybe("ValDt", day));
    let tail = (
        maybe("AcctSvcrRef", "[A-Z0-9]{1,12}"),
        code,
        prop::option::of(detail()),
        maybe("AddtlNtryInf", free_text()),
    );
    let between = prop_oneof![Just(""), Just("\n    "), Just("\r\n\t"), Just("<!-- - -->")];
    (head, days, tail, between).prop_map(
        |((minor, booked, reference), (day, value_day), (servicer, code, detail, more), between)| {
            let parts = [
                reference,
                format!("<Amt Ccy=\"EUR\">{}.{:02}</Amt>", minor.abs() / 100, minor.abs() % 100),
                format!("<CdtDbtInd>{}</CdtDbtInd>", if minor < 0 { "DBIT" } else { "CRDT" }),
                format!("<Sts><Cd>{}</Cd></Sts>", if booked { "BOOK" } else { "PDNG" }),
                day,
                value_day,
                servicer,
                format!("<BkTxCd>{code}</BkTxCd>"),
                detail.map(|detail| format!("<NtryDtls>{detail}</NtryDtls>")).unwrap_or_default(),
                more,
            ];
            (minor, booked, format!("<Ntry>{}</Ntry>", parts.join(between)))
        },
    )
}

fn statement() -> impl Strategy<Value = String> {
    let entries = prop::collection::vec(entry(), 0..6);
    ("[A-Z0-9]{1,12}", account(), -100_000_i64..100_000, entries).prop_map(|(id, account, opening, entries)| {
        let balance = |code: &str, minor: i64| {
            format!(
                "<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy=\"EUR\">{}.{:02}</Amt><CdtDbtInd>{}</CdtDbtInd><Dt><Dt>2026-11-25</Dt></Dt></Bal>\n",
                minor.abs() / 100,
                minor.abs() % 100,
                if minor < 0 { "DBIT" } else { "CRDT" }
            )
        };
        let booked: i64 = entries.iter().filter(|entry| entry.1).map(|entry| entry.0).sum();
        let texts: Vec<&str> = entries.iter().map(|entry| entry.2.as_str()).collect();
        format!(
            "<Stmt><Id>{id}</Id><Acct>{account}</Acct>\n{}{}{}</Stmt>",
            balance("OPBD", opening),
            balance("CLBD", opening + booked),
            texts.join("\n")
        )
    })
}

proptest! {
    #[test]
    fn documents_are_read_as_by_the_models(statements in prop::collection::vec(statement(), 1..3)) {
        let text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.11\"><BkToCstmrStmt><GrpHdr><MsgId>M</MsgId><CreDtTm>2026-11-25T10:00:00</CreDtTm></GrpHdr>\n{}</BkToCstmrStmt></Document>",
            statements.concat()
        );
        let (_, events) = compared(&text);
        prop_assert!(failing(&events).is_empty() && faults(&events).is_empty(), "{:?}", events);
    }
}
