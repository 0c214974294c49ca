//! What camt files declare beyond one pair of balances, and what must not be passed over in silence.

use crate::golden::events;
use crate::kit::{checks, failing, faults, read, records};
use std::io::Read;
use std::ops::ControlFlow;
use suanpan_formats::{Catalogue, Input, Options, Tally};

fn message(statements: &str) -> String {
    format!(
        "<Document><BkToCstmrStmt><GrpHdr><MsgId>M</MsgId></GrpHdr>\n{statements}\n</BkToCstmrStmt></Document>"
    )
}

fn statement(inside: &str) -> String {
    message(&format!("<Stmt><Id>S</Id>\n{inside}\n</Stmt>"))
}

fn entry(amount: &str, currency: &str, more: &str) -> String {
    format!(
        "<Ntry><Amt Ccy=\"{currency}\">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>{more}</Ntry>"
    )
}

fn balance(code: &str, currency: &str, amount: &str, indicator: &str) -> String {
    format!(
        "<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy=\"{currency}\">{amount}</Amt>{indicator}</Bal>"
    )
}

const CREDIT: &str = "<CdtDbtInd>CRDT</CdtDbtInd>";

/// Reads a document whose middle is repeated without end, or so it looks.
fn endless(begin: &str, middle: &str, times: u64) -> Result<Tally, String> {
    let repeated = Repeated { text: middle.as_bytes().to_vec(), at: 0, left: times * middle.len() as u64 };
    let body = std::io::Cursor::new(begin.as_bytes().to_vec()).chain(repeated);
    let format = Catalogue::built_in().find("iso20022.camt.053").expect("a format of the catalogue").clone();
    suanpan_formats::read(
        &format,
        Input::open(body).expect("bytes of memory"),
        &Options::default(),
        &mut |_| ControlFlow::Continue(()),
    )
    .map_err(|error| error.to_string())
}

struct Repeated {
    text: Vec<u8>,
    at: usize,
    left: u64,
}

impl Read for Repeated {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let len =
            (self.text.len() - self.at).min(out.len()).min(usize::try_from(self.left).unwrap_or(usize::MAX));
        out[..len].copy_from_slice(&self.text[self.at..self.at + len]);
        self.at = (self.at + len) % self.text.len();
        self.left -= len as u64;
        Ok(len)
    }
}

#[test]
fn one_text_attribute_or_comment_has_a_limit() {
    let filler = "x".repeat(4096);
    let head = "<Document><BkToCstmrStmt><GrpHdr><MsgId>M</MsgId></GrpHdr><Stmt><Id>S</Id>";
    for begin in
        ["<Ntry><AddtlNtryInf>", "<Ntry A=\"", "<Ntry", "<!--", "text", "<Bal><![CDATA[", "<?pi ", "<Ntry>&"]
    {
        // A thousand times what may be read of it.
        let error = endless(&format!("{head}{begin}"), &filler, 1 << 18).unwrap_err();
        assert!(error.contains("the size of one text") && error.contains("line 1"), "{begin}: {error}");
    }
}

#[test]
fn what_a_statement_holds_has_a_limit() {
    let head = "<Document><BkToCstmrStmt><GrpHdr><MsgId>M</MsgId></GrpHdr><Stmt><Id>S</Id>";
    let text = format!("<AddtlStmtInf>{}</AddtlStmtInf>", "x".repeat(500));
    for (middle, what) in [
        (balance("OPBD", "EUR", "1.00", CREDIT), "the number of balances"),
        (text, "the details of one statement"),
        ("<StmtPgntn><PgNb>1</PgNb></StmtPgntn>".to_owned(), "the details of one statement"),
    ] {
        let error = endless(head, &middle, 1 << 20).unwrap_err();
        assert!(error.contains(what), "{middle}: {error}");
    }
}

#[test]
fn details_of_an_entry_have_a_limit_that_is_told() {
    let charge = "<Chrgs><Rcrd><Amt Ccy=\"EUR\">0.01</Amt></Rcrd></Chrgs>".repeat(3_000);
    let (_, events) = read(&statement(&entry("5.00", "EUR", &charge)));
    let record = records(&events)[0];
    assert_eq!(record.details.len(), 1_000);
    assert_eq!(record.notes, ["2000 more details are left out"]);
}

#[test]
fn each_currency_has_a_closing_balance() {
    let balances = |closing: &str| {
        balance("OPBD", "EUR", "10.00", CREDIT)
            + &balance("OPBD", "USD", "1.00", CREDIT)
            + &balance("CLBD", "EUR", "15.00", CREDIT)
            + &balance("CLBD", "USD", closing, CREDIT)
    };
    let entries = entry("5.00", "EUR", "") + &entry("2.00", "USD", "");
    let (_, events) = read(&statement(&(balances("3.00") + &entries)));
    assert_eq!(
        checks(&events),
        ["closing balance in EUR: 15.00 of 15.00", "closing balance in USD: 3.00 of 3.00"]
    );
    let (_, events) = read(&statement(&(balances("3.01") + &entries)));
    assert_eq!(failing(&events), ["line 3: closing balance in USD: declared 3.01, computed 3.00"]);
}

#[test]
fn booked_entries_of_a_currency_without_balance_do_not_tie() {
    let inside = balance("OPBD", "EUR", "10.00", CREDIT)
        + &balance("CLBD", "EUR", "10.00", CREDIT)
        + &entry("2.00", "USD", "");
    let (_, events) = read(&statement(&inside));
    assert_eq!(
        failing(&events),
        ["line 3: booked entries in USD, which has no balance: declared 0, computed 1"]
    );
}

/// Page 1 and 2 of one statement: what is intermediate closes the one and opens the other.
#[test]
fn intermediate_pages_follow_one_another() {
    let intermediate = |code: &str, amount: &str| {
        balance(code, "EUR", amount, CREDIT)
            .replace("</CdOrPrtry>", "</CdOrPrtry><SubTp><Cd>INTM</Cd></SubTp>")
    };
    let page = |number: u32, balances: &str| {
        format!(
            "<Stmt><Id>S</Id><StmtPgntn><PgNb>{number}</PgNb></StmtPgntn><ElctrncSeqNb>7</ElctrncSeqNb><Acct><Id><IBAN>A</IBAN></Id></Acct>{balances}{}</Stmt>\n",
            entry("2.00", "EUR", "")
        )
    };
    let pages = |carried: (&str, &str)| {
        let first = balance("OPBD", "EUR", "1.00", CREDIT) + &intermediate("CLBD", "3.00");
        let second = intermediate("OPBD", carried.0) + &balance("CLBD", "EUR", carried.1, CREDIT);
        message(&(page(1, &first) + &page(2, &second)))
    };
    let (_, events) = read(&pages(("3.00", "5.00")));
    assert_eq!(
        checks(&events),
        ["closing balance: 3.00 of 3.00", "opening balance: 3.00 of 3.00", "closing balance: 5.00 of 5.00"]
    );
    let (_, events) = read(&pages(("4.00", "6.00")));
    assert_eq!(failing(&events), ["line 3: opening balance: declared 4.00, computed 3.00"]);
}

/// The next statement of an account by its number, and one that is not the next.
#[test]
fn statements_of_an_account_follow_one_another() {
    let numbered = |number: u32, opening: &str, closing: &str| {
        format!(
            "<Stmt><ElctrncSeqNb>{number}</ElctrncSeqNb><Acct><Id><IBAN>A</IBAN></Id></Acct>{}{}</Stmt>",
            balance("OPBD", "EUR", opening, CREDIT),
            balance("CLBD", "EUR", closing, CREDIT)
        )
    };
    let failures = |second: u32, opening: &str| {
        let (_, events) =
            read(&message(&(numbered(1, "2.00", "2.00") + &numbered(second, opening, opening))));
        failing(&events).len()
    };
    assert_eq!((failures(2, "2.00"), failures(2, "2.50"), failures(3, "2.50")), (0, 1, 0));
}

/// A page may repeat the balances of the whole statement beside its own.
#[test]
fn the_balance_of_a_page_comes_before_that_of_the_statement() {
    let intermediate = balance("CLBD", "EUR", "3.00", CREDIT)
        .replace("</CdOrPrtry>", "</CdOrPrtry><SubTp><Cd>INTM</Cd></SubTp>");
    let inside = balance("OPBD", "EUR", "1.00", CREDIT)
        + &intermediate
        + &balance("CLBD", "EUR", "9.00", CREDIT)
        + &entry("2.00", "EUR", "");
    let (_, events) = read(&statement(&inside));
    assert_eq!(checks(&events), ["closing balance: 3.00 of 3.00"]);
}

#[test]
fn what_cannot_be_read_around_entries_is_told() {
    let summary = |inside: &str| format!("<TxsSummry>{inside}</TxsSummry>");
    for (inside, field, message) in [
        (
            balance("OPBD", "EUR", "1.00", "<CdtDbtInd>PLUS</CdtDbtInd>"),
            "Bal/CdtDbtInd",
            "neither CRDT nor DBIT",
        ),
        (balance("OPBD", "EUR", "1.00", ""), "Bal/CdtDbtInd", "neither CRDT nor DBIT"),
        (
            summary("<TtlNtries><NbOfNtries>two</NbOfNtries></TtlNtries>"),
            "TtlNtries/NbOfNtries",
            "is not a count",
        ),
        (
            summary("<TtlCdtNtries><NbOfNtries>-1</NbOfNtries></TtlCdtNtries>"),
            "TtlCdtNtries/NbOfNtries",
            "is not a count",
        ),
        (
            summary("<TtlNtries><TtlNetNtry><Amt>1</Amt><CdtDbtInd>X</CdtDbtInd></TtlNetNtry></TtlNtries>"),
            "TtlNtries/TtlNetNtry/CdtDbtInd",
            "neither CRDT nor DBIT",
        ),
        ("<FrToDt><FrDtTm>yesterday</FrDtTm></FrToDt>".to_owned(), "FrToDt", "is not a date"),
        ("<FrToDt><ToDt>2026-13-01</ToDt></FrToDt>".to_owned(), "FrToDt", "is not a date"),
        (
            entry("1.00", "EUR", "<BookgDt><DtTm>2026-11-25Tnoon</DtTm></BookgDt>"),
            "Ntry/BookgDt",
            "is not a date and time",
        ),
        (
            entry("1.00", "EUR", "<BookgDt><DtTm>2026-11-25T12:00:00+999999999:00</DtTm></BookgDt>"),
            "Ntry/BookgDt",
            "is not a date and time",
        ),
    ] {
        let (_, events) = read(&statement(&inside));
        let faults = faults(&events);
        assert_eq!(faults.len(), 1, "{inside}: {faults:?}");
        assert!(faults[0].contains(field) && faults[0].contains(message), "{inside}: {faults:?}");
        assert!(faults[0].contains("line 3"), "{faults:?}");
    }
}

#[test]
fn a_nothing_needs_no_sign() {
    let (_, events) = read(&statement(&balance("OPBD", "EUR", "0.00", "")));
    assert!(faults(&events).is_empty());
}

const DETAILS: &str =
    "<TxDtls><Amt Ccy=\"EUR\">2.00</Amt></TxDtls><TxDtls><Amt Ccy=\"EUR\">3.00</Amt></TxDtls>";

#[test]
fn a_batch_declares_its_number_and_sum() {
    let batch = |declared: &str| format!("<NtryDtls><Btch>{declared}</Btch>{DETAILS}</NtryDtls>");
    let told = |declared: &str| {
        let (_, events) = read(&statement(&entry("5.00", "EUR", &batch(declared))));
        (failing(&events), faults(&events))
    };
    let fine = (Vec::<String>::new(), Vec::<String>::new());
    assert_eq!(
        told("<NbOfTxs>2</NbOfTxs><TtlAmt Ccy=\"EUR\">5.00</TtlAmt><CdtDbtInd>CRDT</CdtDbtInd>"),
        fine
    );
    assert_eq!(told("<TtlAmt Ccy=\"EUR\">5</TtlAmt>"), fine);
    assert_eq!(told("<TtlAmt Ccy=\"USD\">5.40</TtlAmt>"), fine, "of what was paid, before its exchange");
    assert_eq!(told("<NbOfTxs>3</NbOfTxs>").0, ["line 3: payments of the batch: declared 3, computed 2"]);
    assert_eq!(
        told("<TtlAmt Ccy=\"EUR\">5.01</TtlAmt>").0,
        ["line 3: sum of the batch: declared 5.01, computed 5.00"]
    );
    assert_eq!(
        told("<TtlAmt Ccy=\"EUR\">5.00</TtlAmt><CdtDbtInd>DBIT</CdtDbtInd>").0,
        ["line 3: sum of the batch: declared -5.00, computed 5.00"]
    );
    for (declared, field) in [
        ("<NbOfTxs>many</NbOfTxs>", "NtryDtls/Btch/NbOfTxs"),
        ("<TtlAmt Ccy=\"EUR\">much</TtlAmt>", "NtryDtls/Btch/TtlAmt"),
    ] {
        let (failing, faults) = told(declared);
        assert!(failing.is_empty() && faults.len() == 1 && faults[0].contains(field), "{faults:?}");
    }
}

#[test]
fn each_batch_of_an_entry_is_held_against_its_own_details() {
    let batch = |count: u32, sum: &str| {
        format!(
            "<NtryDtls><Btch><NbOfTxs>{count}</NbOfTxs><TtlAmt Ccy=\"EUR\">{sum}</TtlAmt></Btch>{DETAILS}</NtryDtls>"
        )
    };
    let failing = |second: &str| {
        let (_, events) = read(&statement(&entry("10.00", "EUR", &(batch(2, "5.00") + second))));
        failing(&events).len()
    };
    assert_eq!((failing(&batch(2, "5.00")), failing(&batch(1, "4.00"))), (0, 2));
    // One batch whose details stand outside of it belongs to all of them.
    let apart =
        format!("<NtryDtls><Btch><NbOfTxs>2</NbOfTxs></Btch></NtryDtls><NtryDtls>{DETAILS}</NtryDtls>");
    let (_, events) = read(&statement(&entry("5.00", "EUR", &apart)));
    assert!(checks(&events).contains(&"payments of the batch: 2 of 2".to_owned()), "{:?}", checks(&events));
    // A batch that is told only as a whole is not held against its one detail.
    let whole = "<NtryDtls><Btch><NbOfTxs>40</NbOfTxs></Btch><TxDtls><Refs><PmtInfId>P</PmtInfId></Refs></TxDtls></NtryDtls>";
    let (_, events) = read(&statement(&entry("5.00", "EUR", whole)));
    assert!(checks(&events).is_empty());
}

#[test]
fn all_remittance_information_is_read() {
    let detail = "<NtryDtls><TxDtls><RmtInf><Ustrd>one</Ustrd><Ustrd>two</Ustrd></RmtInf><RmtInf><Ustrd>three</Ustrd><Strd><RfrdDocInf><Nb>INV-1</Nb></RfrdDocInf><CdtrRefInf><Ref>RF18</Ref></CdtrRefInf></Strd><Strd><RfrdDocInf><Nb>INV-2</Nb></RfrdDocInf><CdtrRefInf><CdtrRef>RF19</CdtrRef></CdtrRefInf><AddtlRmtInf>more</AddtlRmtInf></Strd></RmtInf></TxDtls></NtryDtls>";
    let (_, events) = read(&statement(&entry("5.00", "EUR", detail)));
    let record = records(&events)[0];
    assert_eq!(record.description, "one two three");
    assert_eq!((record.own_id.as_str(), record.order_id.as_str()), ("RF18", "RF18"));
    let details: Vec<_> = record.details.iter().map(|(name, text)| format!("{name}={text}")).collect();
    assert_eq!(details, ["RfrdDocInf=INV-1", "RfrdDocInf=INV-2", "CdtrRefInf=RF19", "AddtlRmtInf=more"]);
}

#[test]
fn a_message_that_begins_too_late_is_refused_with_the_reason() {
    let text = statement("").replacen("<Document>", &format!("<!--{}--><Document>", "x".repeat(70_000)), 1);
    let error = events(text.as_bytes()).unwrap_err();
    assert!(error.starts_with("no known format"), "{error}");
    let input = Input::of_bytes(text.as_bytes());
    let Err(suanpan_formats::IdentifyError::None { tried }) = Catalogue::built_in().identify(&input.head)
    else {
        panic!("told all the same");
    };
    let camt = tried.iter().find(|candidate| candidate.id == "iso20022.camt.053").unwrap();
    let suanpan_formats::Verdict::No(reason) = &camt.verdict else { panic!("{camt:?}") };
    assert_eq!(reason, "has no element BkToCstmrStmt in its first 65536 bytes");
}
