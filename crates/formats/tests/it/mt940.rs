//! MT940 and MT942.

use crate::golden::{bytes, check_folder, events, sample};
use proptest::prelude::*;
use rust_decimal::Decimal;
use suanpan_formats::{Event, Fault, Record, Statement};

#[test]
fn samples_are_as_in_their_golden_files() {
    check_folder("mt940", |name| !name.ends_with(".json"));
    check_folder("mt942", |_| true);
}

struct Told {
    statements: Vec<Statement>,
    records: Vec<Record>,
    faults: Vec<Fault>,
    closings: Vec<bool>,
    failing: usize,
}

fn told(bytes: &[u8]) -> Told {
    let (_, events) = events(bytes).expect("a file that can be read");
    let mut told = Told {
        statements: Vec::new(),
        records: Vec::new(),
        faults: Vec::new(),
        closings: Vec::new(),
        failing: 0,
    };
    for event in events {
        match event {
            Event::Statement(statement) => told.statements.push(statement),
            Event::Record(record) => told.records.push(*record),
            Event::Fault(fault) => told.faults.push(fault),
            Event::Check(check) => {
                if check.what == "closing balance" {
                    told.closings.push(check.agrees);
                }
                told.failing += usize::from(!check.agrees);
            }
        }
    }
    told
}

/// Which messages tie, as the list of samples says.
#[test]
fn files_tie_where_their_balances_do() {
    for (name, expected) in [
        ("mt940/abnamro__mt940.sta", &[false, false][..]),
        ("mt940/cmxl__mt940_2.sta", &[true]),
        ("mt940/danskebank__MT940_FI_Example.sta", &[true]),
        ("mt940/jejik__ing.sta", &[false]),
        ("mt940/jejik__knab.sta", &[true, false]),
        ("mt940/jejik__rabobank-iban.sta", &[true, true]),
        ("mt940/mBank__mt940.sta", &[true]),
        ("mt940/special__february_30.sta", &[true]),
        ("mt940/special__incomplete_tag_61.sta", &[false]),
        ("mt940/special__invalid_utf8.sta", &[false]),
        ("mt940/special__overly_long_details.sta", &[false]),
        ("mt942/full__jejik__rabobank.sta", &[false, true, false, true]),
        ("mt942/full__mBank__mt942.sta", &[true]),
        ("mt942/full__sberbank__171011_01234945.sta", &[true]),
    ] {
        assert_eq!(told(&bytes(name)).closings, expected, "{name}");
    }
    for (name, messages) in [
        ("mt940/betterplace__sepa_mt9401.sta", 26),
        ("mt940/danskebank__MT940_DK_Example.sta", 15),
        ("mt940/wolph__ASNB_mt940.txt", 31),
    ] {
        let told = told(&bytes(name));
        assert_eq!((told.closings.len(), told.failing), (messages, 0), "{name}");
    }
}

/// The parser of the project that published the samples gives the same entries.
#[test]
fn entries_are_those_of_another_parser() {
    let mut compared = 0;
    for entry in std::fs::read_dir(sample("mt940")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(stem) = name.strip_suffix(".json") else { continue };
        let theirs: serde_json::Value = serde_json::from_slice(&bytes(&format!("mt940/{name}"))).unwrap();
        let ours = told(&bytes(&format!("mt940/{stem}.sta")));
        let messages = theirs.as_array().unwrap();
        assert_eq!(ours.statements.len(), messages.len(), "{stem}");
        for (own, their) in ours.statements.iter().zip(messages) {
            let opening = &their["opening_balance"];
            let amount: Decimal = opening["amount"].as_str().unwrap().parse().unwrap();
            let signed = if opening["debit_credit_indicator"] == "Debit" { -amount } else { amount };
            assert_eq!(own.opening, Some(signed), "{stem}");
            assert_eq!(own.account, their["account_id"].as_str().unwrap().trim(), "{stem}");
        }
        let lines: Vec<_> =
            messages.iter().flat_map(|message| message["statement_lines"].as_array().unwrap()).collect();
        assert_eq!(ours.records.len(), lines.len(), "{stem}");
        for (own, their) in ours.records.iter().zip(lines) {
            let amount: Decimal = their["amount"].as_str().unwrap().parse().unwrap();
            // Their word for RC, the reversal of a credit, is `ReverseDebit`: it takes away, as balances show.
            let out = matches!(their["ext_debit_credit_indicator"].as_str(), Some("Debit" | "ReverseDebit"));
            assert_eq!(own.amount, if out { -amount } else { amount }, "{stem}: {own:?}");
            assert_eq!(own.value_on.unwrap().to_string(), their["value_date"].as_str().unwrap(), "{stem}");
            if let Some(entered) = their["entry_date"].as_str() {
                assert_eq!(own.booked_on.unwrap().to_string(), entered, "{stem}");
            }
            assert_eq!(own.id, their["bank_ref"].as_str().unwrap_or_default().trim(), "{stem}");
            compared += 1;
        }
    }
    assert!(compared > 150, "{compared}");
}

const BEGIN: &str = ":20:X\n:25:DE1\n:28C:1/1\n:60F:C261125EUR100,00\n";

#[test]
fn a_bad_line_is_pointed_at_and_the_others_are_read() {
    for (line, column, message) in [
        (":61:26112X1126D5,NTRFA", 5, "value date"),
        (":61:2611261126X5,NTRFA", 15, "neither C nor D"),
        (":61:2611261126DNTRFA", 17, "is not an amount"),
        (":61:2611261126D5,,0NTRFA", 16, "is not an amount"),
        (":61:", 5, "value date"),
        (":61:261332D5,NTRFA", 11, "value date"),
    ] {
        let text = format!(
            "{BEGIN}:61:2611261126C1,NTRFA//B\n{line}\n:61:261126D2,5NTRFC\n:62F:C261126EUR98,50\n-\n"
        );
        let told = told(text.as_bytes());
        assert_eq!(told.records.len(), 2, "{line}");
        let fault = &told.faults[0];
        assert!(fault.message.contains(message), "{line}: {fault}");
        assert_eq!((fault.place.line, fault.place.column), (6, column), "{line}: {fault}");
        assert_eq!(told.closings, [true], "what could be read ties");
    }
    let told = told(":20:X\n:25:A\n:60F:X261125EUR1,\n:61:261126C1,NTRFA\n:62F:C261126EUR1,\n".as_bytes());
    assert_eq!((told.faults.len(), told.records.len()), (2, 0), "without a balance no currency is known");
}

#[test]
fn sepa_words_and_reversals_are_understood() {
    let text = format!(
        "{BEGIN}:61:2611261126D5,00NTRFKREF+//B1\n:86:116?00SEPA?20EREF+INV-7?21KREF+K1?22SVWZ+Rechnung 7 vom 2?\n235.11.?30COBADEFF?31DE02120300000000202051?32Meier?33 GmbH\n:61:2611261126RD5,00NRTIINV-7//B2\n:86:/EREF/INV-8/REMI/Returned/NAME/Shop\n:61:2612300101RCR2,00NMSCNONREF\n:86:free text\n of two lines\n:62F:C261126EUR98,00\n-\n"
    );
    let told = told(text.as_bytes());
    let [one, two, three] = &told.records[..] else { panic!("{:?}", told.records.len()) };
    assert_eq!(
        (one.own_id.as_str(), one.id.as_str(), one.amount.to_string().as_str()),
        ("INV-7", "B1", "-5.00")
    );
    assert_eq!(
        (one.description.as_str(), one.counterparty.as_str()),
        ("Rechnung 7 vom 25.11.", "Meier GmbH")
    );
    assert_eq!(
        (two.own_id.as_str(), two.amount.to_string().as_str(), two.kind.name()),
        ("INV-8", "5.00", "return")
    );
    assert_eq!((three.own_id.as_str(), three.amount.to_string().as_str()), ("", "-2.00"));
    assert_eq!(three.description, "free text of two lines");
    assert_eq!(three.booked_on.unwrap().to_string(), "2027-01-01", "the entry date is of the next year");
    assert_eq!((told.closings, told.failing), (vec![true], 0));
}

#[test]
fn a_reference_ends_where_the_banks_own_text_begins() {
    let told = told(&bytes("mt940/betterplace__sepa_mt9401.sta"));
    assert_eq!(told.records[0].own_id, "TFNR 40005 00005");
}

#[test]
fn totals_and_chains_are_compared() {
    let page = |number: u32, opening: &str, closing: &str| {
        format!(
            ":20:X\n:25:A\n:28C:{number}/1\n:60F:C261125EUR{opening}\n:61:261126C1,NTRFA\n:62F:C261126EUR{closing}\n-\n"
        )
    };
    let chain = page(1, "1,", "2,") + &page(2, "2,", "3,");
    assert_eq!(told(chain.as_bytes()).failing, 0);
    let torn = page(1, "1,", "2,") + &page(2, "2,5", "3,5");
    assert_eq!(told(torn.as_bytes()).failing, 1);
    let interim = |sum: &str| {
        format!(
            ":20:X\n:25:A\n:28C:1\n:34F:EUR0,\n:13D:2611261200+0100\n:61:261126C1,5NTRFA\n:61:261126D1,NTRFB\n:90D:1EUR1,\n:90C:1EUR{sum}\n-\n"
        )
    };
    assert_eq!(told(interim("1,50").as_bytes()).failing, 0);
    assert_eq!(told(interim("1,51").as_bytes()).failing, 1);
    assert_eq!(events(interim("1,50").as_bytes()).unwrap().0, "swift.mt942");
}

/// ING's information behind the closing balance: counts and sums of debits and credits, in two ways.
#[test]
fn totals_behind_the_closing_balance_are_compared() {
    let text = |information: &str| {
        format!(
            "{BEGIN}:61:2611261126D5,00NTRFA\n:86:a\n:61:2611261126D1,00NTRFA\n:61:2611261126C2,50NTRFA\n:62F:C261126EUR96,50\n:64:C261126EUR96,50\n:86:{information}\n-\n"
        )
    };
    let seen = |information: &str| {
        let told = told(text(information).as_bytes());
        (told.failing, told.faults.len())
    };
    for (information, failing, faults) in [
        ("/SUM/2/1/6,00/2,50/", 0, 0),
        ("/SUM/2/1/6,00/2,50", 0, 0),
        ("D000002C000001D6,00C2,50", 0, 0),
        ("/SUM/3/1/6,01/2,50/", 2, 0),
        ("/SUM/2/0/6,00/0,00/", 2, 0),
        ("D000003C000001D6,00C2,49", 2, 0),
        ("/SUM/2/1/6,00/", 0, 1),
        ("/SUM/two/1/6,00/2,50/", 0, 1),
        ("/SUM/99999999999999999999/1/6,00/2,50/", 0, 1),
        ("D000002C000001D6,0,0C2,50", 0, 1),
        ("Dear customer, Call us, Do, Come", 0, 0),
        ("SUM of all", 0, 0),
    ] {
        assert_eq!(seen(information), (failing, faults), "{information}");
    }
    let within = format!("{BEGIN}:61:2611261126D5,00NTRFA\n:86:/SUM/9/9/9,/9,/\n:62F:C261126EUR95,00\n-\n");
    let told = told(within.as_bytes());
    assert_eq!((told.failing, told.faults.len()), (0, 0), "it is the information of an entry");
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        entries in prop::collection::vec((-1_000_000_i64..1_000_000, "[A-Z0-9]{1,12}", any::<bool>()), 0..20),
        opening in -10_000_i64..10_000,
        envelope in any::<bool>(),
    ) {
        let amount = |minor: i64| format!("{},{:02}", minor.abs() / 100, minor.abs() % 100);
        let mark = |minor: i64| if minor < 0 { "D" } else { "C" };
        let closing = opening + entries.iter().map(|entry| entry.0).sum::<i64>();
        let mut text = String::from(if envelope { "{1:F01X}{2:O940X}{4:\r\n" } else { "" });
        text += &format!(":20:X\r\n:25:ACC\r\n:28C:1\r\n:60F:{}261125EUR{}\r\n", mark(opening), amount(opening));
        for (minor, id, informed) in &entries {
            text += &format!(":61:2611261126{}{}NTRF{id}//B{id}\r\n", mark(*minor), amount(*minor));
            text += if *informed { ":86:text\r\n" } else { "" };
        }
        text += &format!(":62F:{}261126EUR{}\r\n{}", mark(closing), amount(closing), if envelope { "-}" } else { "-" });
        let told = told(text.as_bytes());
        prop_assert_eq!((told.failing, told.faults.len(), told.closings.len()), (0, 0, 1));
        prop_assert_eq!(told.records.len(), entries.len());
        for (record, (minor, id, _)) in told.records.iter().zip(&entries) {
            prop_assert_eq!(record.amount, Decimal::new(*minor, 2));
            prop_assert_eq!(&record.own_id, id);
        }
    }

    #[test]
    fn damaged_samples_never_panic(at in 0_usize..28_000, byte in any::<u8>(), cut in 0_usize..28_000) {
        let mut bytes = bytes("mt940/betterplace__sepa_mt9401.sta");
        let len = bytes.len();
        bytes[at % len] = byte;
        bytes.truncate(cut.max(10));
        let _ = events(&bytes);
    }
}

fn of_entries(lines: &str) -> Told {
    let head = ":20:REF\n:25:BANK/12345\n:28C:1/1\n:60F:C261201NGN1000,00\n";
    told(format!("{head}{lines}-\n").as_bytes())
}

#[test]
fn blanks_and_a_missing_type_do_not_hide_an_entry() {
    // Blanks for an entry date, blanks before the type, no type at all.
    let told = of_entries(concat!(
        ":61:261201    DD212,39NMSCNONREF//\n/ABC/DEF/MISC\n",
        ":61:2612011201C50,00 NTRFNONREF//210902546\n",
        ":61:2612021202DN240,23//19245574932\n:86:Fee\n",
        ":62F:C261202NGN597,38\n"
    ));
    assert_eq!((told.faults.len(), told.closings), (0, vec![true]), "{:?}", told.faults);
    let told: Vec<_> = told
        .records
        .iter()
        .map(|r| (r.amount.to_string(), r.kind_text.as_str(), r.own_id.as_str(), r.id.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("-212.39".to_owned(), "NMSC", "", ""),
            ("50.00".to_owned(), "NTRF", "", "210902546"),
            ("-240.23".to_owned(), "", "", "19245574932")
        ]
    );
}

#[test]
fn a_reference_that_points_at_the_information_is_taken_from_there() {
    for (reference, information, own_id) in [
        ("KREF+", "166?00GUTSCHRIFT?20KREF+INV-7 SVWZ+Rent", "INV-7"),
        ("KREF+", "166?00GUTSCHRIFT?20EREF+E2E-7 KREF+INV-7 SVWZ+Rent", "E2E-7"),
        ("KREF+", "166?00GUTSCHRIFT?20SVWZ+Rent", ""),
        ("PREF", "/PREF/BATCH-7//REMI/USTD//SUM/", "BATCH-7"),
        ("EREF", "/EREF/NOTPROVIDED//REMI/USTD//SUM/", ""),
        ("MINE", "166?00GUTSCHRIFT?20KREF+INV-7 SVWZ+Rent", "MINE"),
    ] {
        let lines =
            format!(":61:2612011201C50,00NTRF{reference}//1\n:86:{information}\n:62F:C261201NGN1050,\n");
        let told = of_entries(&lines);
        assert_eq!(told.records[0].own_id, own_id, "{reference} {information}");
        assert!(!told.records[0].details.iter().any(|(_, text)| text == reference), "{reference}");
    }
}

#[test]
fn a_remittance_says_that_it_is_a_text() {
    let told = of_entries(":61:2612011201C50,00NTRFNONREF\n:86:/REMI/USTD//Invoice 7 / 8/\n");
    assert_eq!(told.records[0].description, "Invoice 7 / 8");
}

#[test]
fn a_domestic_number_is_an_account() {
    let told =
        of_entries(":61:2612011201C50,00NTRFNONREF\n:86:/TRTP/SEPA/BBAN/90000014/NAME/Bank/REMI/Rent/\n");
    let record = &told.records[0];
    assert_eq!((record.counterparty_account.as_str(), record.counterparty.as_str()), ("90000014", "Bank"));
}

#[test]
fn a_balance_without_a_date_is_read() {
    let told = told(
        b":20:REF\n:25:BANK/12345\n:28C:1/1\n:60F:C000000EUR0,00\n:61:261201C5,00NTRFNONREF\n:62F:C261201EUR5,\n",
    );
    assert_eq!((told.faults.len(), told.records.len(), told.closings), (0, 1, vec![true]));
    assert_eq!(told.statements[0].from, None);
}

#[test]
fn a_statement_that_was_cut_off_is_pointed_at() {
    let told = of_entries(":61:2612011201C50,00NTRFNONREF\n");
    assert_eq!((told.records.len(), told.closings.len(), told.faults.len()), (1, 0, 1));
    assert!(told.faults[0].message.contains("cut off"), "{:?}", told.faults);
}
