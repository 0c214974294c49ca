//! Every element that is modelled is written and read back; what is wrong is refused with its place.

use super::*;
use jiff::civil::Date;
use proptest::prelude::*;

/// A source of choices, the same for the same seed.
pub(crate) struct Random(u64);

impl Random {
    /// Chooses a number below another.
    pub(crate) fn below(&mut self, most: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % most as u64).expect("below most")
    }

    pub(crate) fn one_of<'s>(&mut self, texts: &[&'s str]) -> &'s str {
        texts[self.below(texts.len())]
    }

    /// Makes a text with characters that have to be written in another way, and others of one to four bytes.
    pub(crate) fn text(&mut self, most: usize) -> String {
        const ALL: [char; 16] =
            ['a', 'Z', '0', '9', '/', '-', '<', '>', '&', '"', '\'', ']', 'é', '支', '😀', ' '];
        let length = if self.below(8) == 0 { most.min(200) } else { 1 + self.below(most.min(12)) };
        let mut text: Vec<char> = (0..length).map(|_| ALL[self.below(ALL.len())]).collect();
        for end in [0, length - 1] {
            if text[end] == ' ' {
                text[end] = 'x';
            }
        }
        text.into_iter().collect()
    }

    pub(crate) fn day(&mut self) -> Date {
        let (year, month, day) = (1 + self.below(9_998), 1 + self.below(12), 1 + self.below(28));
        Date::new(year as i16, month as i8, day as i8).expect("a day")
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What is written is read back the same, with every element known; and is one that the schema allows.
    #[test]
    fn messages_are_read_as_they_were_written(seed: u64) {
        for message in Message::any(&mut Random(seed)) {
            prop_assert_eq!(check(&message), vec![]);
            let text = write(&message).expect("nothing wrong");
            let read = read(text.as_bytes()).expect("what was written");
            prop_assert_eq!(&read.unknown, &vec![], "{}", text);
            prop_assert_eq!(read.definition.as_str(), message.definition());
            prop_assert_eq!(&read.message, &message);
        }
    }

    #[test]
    fn headers_are_read_as_they_were_written(seed: u64) {
        let header = Header::any(&mut Random(seed));
        let text = write_header(&header).expect("nothing wrong");
        prop_assert_eq!(read_header(text.as_bytes()).expect("what was written"), Some(header));
    }

    #[test]
    fn bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_all(&bytes);
        let _ = read_header(&bytes);
    }
}

fn transfer(content: &str) -> String {
    format!(
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08\">\n<FIToFICstmrCdtTrf>\n{content}\n</FIToFICstmrCdtTrf></Document>"
    )
}

/// Wrong values are told with place and path; the transactions around them are kept.
#[test]
fn faults_have_their_place() {
    let payment = |inside: &str| format!("<CdtTrfTxInf>\n  {inside}<ChrgBr>SHAR</ChrgBr></CdtTrfTxInf>\n");
    for (inside, path, message) in [
        ("<IntrBkSttlmAmt Ccy=\"EUR\">1,5</IntrBkSttlmAmt>", "IntrBkSttlmAmt", "is not a decimal number"),
        ("<IntrBkSttlmAmt Ccy=\"EUR\">.</IntrBkSttlmAmt>", "IntrBkSttlmAmt", "is not a decimal number"),
        ("<IntrBkSttlmAmt Ccy=\"EUR\">1e5</IntrBkSttlmAmt>", "IntrBkSttlmAmt", "is not a decimal number"),
        ("<IntrBkSttlmAmt Ccy=\"eur\">1</IntrBkSttlmAmt>", "IntrBkSttlmAmt", "has no currency of ISO 4217"),
        ("<IntrBkSttlmAmt>1</IntrBkSttlmAmt>", "IntrBkSttlmAmt", "has no currency of ISO 4217"),
        ("<IntrBkSttlmDt>2024-02-30</IntrBkSttlmDt>", "IntrBkSttlmDt", "is not a date"),
        ("<IntrBkSttlmDt/>", "IntrBkSttlmDt", "is not a date"),
        ("<AccptncDtTm>2024-02-01 10:00:00</AccptncDtTm>", "AccptncDtTm", "is not a date with a time"),
        ("<AccptncDtTm>2024-02-01T10:00:00+15:00</AccptncDtTm>", "AccptncDtTm", "is not a date with a time"),
        ("<Purp></Purp>", "Purp", "has none of Cd Prtry"),
    ] {
        let good = payment("<IntrBkSttlmAmt Ccy=\"EUR\">1.5</IntrBkSttlmAmt>");
        let text = transfer(&format!("{good}{}{good}", payment(inside)));
        let mut all = read_all(text.as_bytes()).unwrap();
        let received = all.remove(0);
        let Message::CreditTransfer(own) = &received.message else { panic!("another message") };
        assert_eq!((own.transactions.len(), received.faults.len()), (2, 1), "{inside}");
        let fault = &received.faults[0];
        assert_eq!(fault.path, format!("Document/FIToFICstmrCdtTrf/CdtTrfTxInf/{path}"), "{inside}");
        assert_eq!(fault.message, message, "{inside}");
        assert_eq!(fault.place, Place { line: 6, column: 3 }, "{inside}");
        assert!(matches!(read(text.as_bytes()), Err(ReadError::Faults(_))));
        let spans: Vec<_> =
            received.transactions.iter().map(|s| (s.place.line, &text[s.start..s.end])).collect();
        assert_eq!(spans, [(3, good.trim_end()), (7, good.trim_end())]);
    }
}

/// A wrong value around the transactions loses only itself.
#[test]
fn faults_around_transactions_lose_only_themselves() {
    let text =
        transfer("<GrpHdr><MsgId>M</MsgId><CreDtTm>now</CreDtTm><NbOfTxs>1</NbOfTxs></GrpHdr><CdtTrfTxInf/>");
    let received = read_all(text.as_bytes()).unwrap().remove(0);
    assert_eq!(received.faults[0].path, "Document/FIToFICstmrCdtTrf/GrpHdr/CreDtTm");
    let Message::CreditTransfer(own) = received.message else { panic!("another message") };
    let group = own.group.unwrap();
    assert_eq!((group.message.as_deref(), group.created, group.count), (Some("M"), None, Some(1)));
    assert_eq!(own.transactions.len(), 1);
}

/// What is not well-formed, or could be used to make a reader grow, ends reading with its place.
#[test]
fn broken_texts_are_refused() {
    let deep = "<a>".repeat(70);
    for (text, expected) in [
        ("", "there is no element Document"),
        ("<Document>", "line 1, column 11: Document is not ended"),
        ("<Document><Other/></Document>", "Document/Other is not one of the messages"),
        ("<Document></Document>", "has no message in it"),
        ("<!DOCTYPE a [<!ENTITY b \"c\">]><Document/>", "line 1, column 1: the text a document type"),
        ("<Document><PmtRtr><GrpHdr><MsgId>&b;</MsgId></GrpHdr></PmtRtr></Document>", "refers to an entity"),
        ("<Document><PmtRtr><GrpHdr><MsgId>&#0;</MsgId></GrpHdr></PmtRtr></Document>", "refers to an entity"),
        ("<Document><PmtRtr></Document>", "is not well-formed XML"),
        (&deep, "nests deeper than 64"),
        (
            "<Document xmlns=\"urn:x:pacs.008.001.08\"><PmtRtr/></Document>",
            "the namespace names pacs.008.001.08",
        ),
        ("<a><Document><PmtRtr/></Document><Document><PmtRtr/></Document></a>", "there are 2 documents"),
    ] {
        let error = read(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
    assert_eq!(read(b"<a>\n\xFF"), Err(ReadError::NotUtf8 { line: 2 }));
    let large = vec![b' '; limits::BYTES_MAX + 1];
    assert_eq!(read(&large), Err(ReadError::TooLarge(limits::BYTES_MAX + 1)));
}

/// Other versions and prefixes are read; what is not known is told once for each path.
#[test]
fn other_versions_are_read_and_the_unknown_is_told() {
    let text = r#"<?xml version="1.0"?><p:Document xmlns:p="http://bank/pain.001.001.03.ch.02"><p:CstmrCdtTrfInitn>
      <p:PmtInf><p:ReqdExctnDt>2024-01-02+01:00</p:ReqdExctnDt><p:DbtrAgt><p:FinInstnId><p:BIC>DEUTDEFF</p:BIC>
      </p:FinInstnId></p:DbtrAgt><p:CdtTrfTxInf><p:New a="&quot;"><p:Deep/></p:New><p:New/></p:CdtTrfTxInf></p:PmtInf>
      </p:CstmrCdtTrfInitn></p:Document>"#;
    let received = read(text.as_bytes()).unwrap();
    assert_eq!(received.definition, "pain.001.001.03");
    let path = "Document/CstmrCdtTrfInitn/PmtInf/CdtTrfTxInf/New".to_owned();
    let place = Place { line: 3, column: 49 };
    assert_eq!(received.unknown, [Unknown { path, place, count: 2 }]);
    let Message::Initiation(own) = received.message else { panic!("another message") };
    assert_eq!(own.payments[0].execute_on.unwrap().date().to_string(), "2024-01-02");
    assert_eq!(own.payments[0].debtor_agent.as_ref().unwrap().bic(), "DEUTDEFF");
}

/// What the schema does not allow is told with its path, and is not written.
#[test]
fn wrong_messages_are_not_written() {
    let text = transfer(
        r#"<CdtTrfTxInf><PmtId><EndToEndId>1234567890123456789012345678901234567</EndToEndId></PmtId>
        <IntrBkSttlmAmt Ccy="JPY">1.50</IntrBkSttlmAmt>
        <DbtrAgt><FinInstnId><BICFI>NOTABIC</BICFI><LEI>5493001KJTIIGC8Y1R13</LEI></FinInstnId></DbtrAgt>
        </CdtTrfTxInf><CdtTrfTxInf><IntrBkSttlmAmt Ccy="EUR">-1.500</IntrBkSttlmAmt></CdtTrfTxInf>"#,
    );
    let message = read(text.as_bytes()).unwrap().message;
    let told: Vec<_> = write(&message).unwrap_err().iter().map(ToString::to_string).collect();
    let first = "FIToFICstmrCdtTrf/CdtTrfTxInf[1]";
    for expected in [
        "FIToFICstmrCdtTrf/GrpHdr: is not there (schema.missing)".to_owned(),
        format!("{first}/PmtId/EndToEndId: has 37 characters, of at most 35 (schema.value)"),
        format!("{first}/IntrBkSttlmAmt: has more decimals than JPY has: 1.50 (schema.value)"),
        format!("{first}/ChrgBr: is not there (schema.missing)"),
        format!("{first}/DbtrAgt/FinInstnId/BICFI: is not a BIC: `NOTABIC` (schema.value)"),
        format!(
            "{first}/DbtrAgt/FinInstnId/LEI: is a LEI whose check digits do not follow: `5493001KJTIIGC8Y1R13` (schema.doubtful)"
        ),
        "FIToFICstmrCdtTrf/CdtTrfTxInf[2]/IntrBkSttlmAmt: is negative: -1.500 EUR (schema.value)".to_owned(),
    ] {
        assert!(told.contains(&expected), "{expected} not in {told:#?}");
    }
}

/// The leaves of a JSON tree of elements, by their path.
fn leaves(value: &serde_json::Value, path: &str, found: &mut Vec<(String, String)>) {
    match value {
        serde_json::Value::Object(own) => {
            for (name, value) in own {
                let inner = if name == "$value" { path.to_owned() } else { format!("{path}/{name}") };
                leaves(value, &inner, found);
            }
        }
        serde_json::Value::Array(own) => own.iter().for_each(|value| leaves(value, path, found)),
        serde_json::Value::String(own) => found.push((path.to_owned(), own.clone())),
        other => found.push((path.to_owned(), other.to_string())),
    }
}

/// The same of a document.
fn elements(text: &str) -> Vec<(String, String)> {
    let mut source = Source::new(text);
    let mut found = Vec::new();
    fn walk(source: &mut Source<'_>, own: &str, found: &mut Vec<(String, String)>) {
        while let Some(tag) = source.child().expect("well-formed") {
            let path = format!("{own}/{}", tag.name);
            if let Some(currency) = tag.attribute("Ccy") {
                found.push((format!("{path}/@Ccy"), currency.to_owned()));
            }
            if source.begins_with_text() {
                found.push((path, source.content().expect("text")));
            } else {
                walk(source, &path, found);
            }
        }
    }
    walk(&mut source, "", &mut found);
    found
}

/// What we read of a file and write again has every value that the parser of the project that published the
/// file found in it.
#[test]
fn values_are_those_of_another_parser() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/samples/iso20022");
    let mut compared = 0;
    for entry in std::fs::read_dir(folder).expect("samples beside the project") {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|end| end != "json") || path.to_string_lossy().contains("camt.054") {
            continue;
        }
        let json = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let mut theirs = Vec::new();
        leaves(&json, "/Document", &mut theirs);
        let received = read(&std::fs::read(path.with_extension("xml")).unwrap()).unwrap();
        assert_eq!(received.unknown, [], "{}", path.display());
        let mut sink = Sink::new();
        sink.element("Document", |sink| received.message.write_part(sink));
        let mut ours = elements(&sink.done());
        // Numbers are compared as numbers, seconds too: zeros at the end are lost by either.
        for (path, text) in theirs.iter_mut().chain(&mut ours) {
            if !path.ends_with("Id")
                && let Ok(number) = text.parse::<rust_decimal::Decimal>()
            {
                *text = number.normalize().to_string();
            } else if path.ends_with("DtTm") && text.contains('.') {
                *text = text.trim_end_matches('0').to_owned();
            }
        }
        theirs.sort();
        ours.sort();
        let differs = ours.iter().zip(&theirs).find(|(ours, theirs)| ours != theirs);
        assert_eq!((differs, ours.len()), (None, theirs.len()), "{}", path.display());
        compared += ours.len();
    }
    assert!(compared > 200, "{compared}");
}
