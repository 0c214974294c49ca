//! NACHA files.

use crate::golden::{bytes, check_folder, events};
use proptest::prelude::*;
use suanpan_formats::{Event, Fault, Record};

#[test]
fn samples_are_as_in_their_golden_files() {
    check_folder("nacha", |_| true);
}

fn records(events: &[Event]) -> Vec<Record> {
    let record = |event: &Event| match event {
        Event::Record(record) => Some((**record).clone()),
        _ => None,
    };
    events.iter().filter_map(record).collect()
}

fn failing(name: &str, change: impl Fn(String) -> String) -> Vec<String> {
    let text = change(String::from_utf8(bytes(&format!("nacha/{name}"))).expect("ASCII"));
    let failing = |event: Event| match event {
        Event::Check(check) if !check.agrees => Some(check.what),
        Event::Fault(fault) => Some(fault.message),
        _ => None,
    };
    events(text.as_bytes()).expect("a file that can be read").1.into_iter().filter_map(failing).collect()
}

/// What the list of samples says of each file.
#[test]
fn files_tie_but_for_what_is_known_of_them() {
    for name in ["cor-example.ach", "loan-credit.ach", "ppd-debit.ach", "return-WEB.ach"] {
        assert_eq!(failing(name, |text| text), Vec::<String>::new(), "{name}");
    }
    assert_eq!(failing("20110805A.ach", |text| text), ["batches of the file"], "it says five and has four");
    let digit = failing("ppd-debit-invalid-entryDetail-checkDigit.ach", |text| text);
    assert_eq!(digit, ["check digit of the routing number"]);
    let (_, events) = events(&bytes("nacha/20110805A.ach")).unwrap();
    assert_eq!(records(&events).len(), 48);
}

#[test]
fn a_changed_amount_and_a_lost_entry_are_seen() {
    let changed = failing("ppd-debit.ach", |text| text.replacen("0100000000", "0100000001", 1));
    assert_eq!(changed, ["debits of the batch", "debits of the file"]);
    let lost = failing("20110805A.ach", |text| {
        let at = text.lines().position(|line| line.starts_with('6')).unwrap();
        text.lines().enumerate().filter(|(n, _)| *n != at).map(|(_, line)| format!("{line}\n")).collect()
    });
    assert!(lost.contains(&"entry hash of the batch".to_owned()) && lost.len() >= 6, "{lost:?}");
    let cut = failing("ppd-debit.ach", |text| text.lines().take(4).map(|line| format!("{line}\n")).collect());
    assert_eq!(cut, ["the file ends without its control record: it was cut off"]);
}

#[test]
fn returns_and_notices_point_at_their_originals() {
    let (_, read) = events(&bytes("nacha/return-WEB.ach")).unwrap();
    let returns = records(&read);
    assert_eq!((returns[0].kind.name(), returns[0].kind_text.as_str()), ("return", "R01"));
    assert_eq!(
        (returns[0].original_id.as_str(), returns[0].amount.to_string().as_str()),
        ("091400600000001", "123.54")
    );
    assert_eq!((returns[1].kind_text.as_str(), returns[1].amount.to_string().as_str()), ("R03", "-45.65"));
    let (_, read) = events(&bytes("nacha/cor-example.ach")).unwrap();
    let notice = &records(&read)[0];
    assert_eq!(
        (notice.kind.name(), notice.kind_text.as_str(), notice.amount.is_zero()),
        ("notice", "C01", true)
    );
}

/// A file with one batch of the records, its lines filled up to 94 characters.
fn file(records: &[&str]) -> String {
    let header = "101 091000019 1210428822612010800A094101Their Bank             Our Bank";
    let lines = std::iter::once(&header).chain(records);
    lines.map(|line| format!("{line:<94}\n")).collect()
}

fn read_whole(text: &str) -> (Vec<Record>, Vec<String>) {
    let (_, read) = events(text.as_bytes()).expect("a file that can be read");
    let failing = read.iter().filter_map(|event| match event {
        Event::Check(check) if !check.agrees => Some(check.what.clone()),
        Event::Fault(fault) => Some(fault.to_string()),
        _ => None,
    });
    (records(&read), failing.collect())
}

#[test]
fn advices_of_accounting_have_columns_of_their_own() {
    let text = file(&[
        "5280Our Company                         121042882 ADVAccounting      261201   0121042880000001",
        "681091000019744-1111-22    00000004000012104288211131 First Office            0011000010500001",
        "682091000019744-1111-22    00000021000012104288211139 Second Office           0011000010500002",
        "828000000200182000020000000000000021000000000000000000040000Our Company        121042880000001",
        "90000010000010000000200182000020000000000000021000000000000000000040000",
    ]);
    let (records, failing) = read_whole(&text);
    assert_eq!(failing, Vec::<String>::new());
    let told: Vec<_> = records
        .iter()
        .map(|r| (r.amount.to_string(), r.counterparty_account.as_str(), r.counterparty.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("-400.00".to_owned(), "744-1111-22", "First Office"),
            ("2100.00".to_owned(), "744-1111-22", "Second Office")
        ]
    );
    assert_eq!(records[0].own_id, "");
}

#[test]
fn parties_of_a_payment_across_borders_stand_in_its_addenda() {
    let text = file(&[
        "5220                FF3               US123456789 IATPAYABLES  CADUSD261201   1121042880000001",
        "6220910000190008             0000150000DE00123456                             1121042880000001",
        "710BUS000000000000150000                      Ahorn GmbH                               0000001",
        "711Our Company                        1 Main Street                                    0000001",
        "715INV-77         Waldweg 3                                                            0000001",
        "717For invoice 77                                                                  00010000001",
        "82200000050009100001000000000000000000150000                                   121042880000001",
        "9000001000001000000050009100001000000000000000000150000",
    ]);
    let (records, failing) = read_whole(&text);
    assert_eq!(failing, Vec::<String>::new());
    let record = &records[0];
    assert_eq!(
        (
            record.counterparty.as_str(),
            record.counterparty_account.as_str(),
            record.own_id.as_str(),
            record.description.as_str()
        ),
        ("Ahorn GmbH", "DE00123456", "INV-77", "For invoice 77")
    );
}

#[test]
fn what_stands_beside_a_name_is_told_by_the_class() {
    for (class, behind_amount, name, own_id) in [
        ("CTX", "INV-5          0000Receiver Ltd    01", "Receiver Ltd", "INV-5"),
        ("TRX", "INV-5          0001Receiver Ltd      ", "Receiver Ltd", "INV-5"),
        ("ENR", "INV-5          Receiver Ltd          ", "Receiver Ltd", "INV-5"),
        ("POP", "4711     PHILPAJane Doe               ", "Jane Doe", "4711"),
        ("TRC", "4711           CHECK1882726           ", "", "4711"),
        ("WEB", "4711           0002 is a name         ", "0002 is a name", "4711"),
    ] {
        let header = format!("5225Our Company                         121042882 {class}SALE");
        let entry = format!("627091000019123456           0000002500{behind_amount}0121042880000001");
        let (records, _) = read_whole(&file(&[&header, &entry]));
        assert_eq!((records[0].counterparty.as_str(), records[0].own_id.as_str()), (name, own_id), "{class}");
    }
}

#[test]
fn a_dishonored_return_tells_the_return() {
    let text = file(&[
        "5225Our Company                         121042882 WEBSALE            000000   1121042880000001",
        "627091000019123456           00000025004711           Jane Doe              011121042880000001",
        "799R68121042880000301      09100001   09100001000000717903Untimely Return      121042880000001",
        "627091000019123456           00000025004711           Jane Doe              011121042880000002",
        "799R71121042880000301261120091000013240910000100000071790309100001000000932501 121042880000002",
    ]);
    let (records, _) = read_whole(&text);
    let detail = |record: &Record, name: &str| {
        let found = record.details.iter().find(|(own, _)| own == name);
        found.map_or_else(String::new, |(_, text)| text.clone())
    };
    for record in &records {
        assert_eq!(record.original_id, "121042880000301");
        assert_eq!(detail(record, "trace number of the return"), "091000010000007");
        assert_eq!(detail(record, "reason of the return"), "03");
    }
    assert_eq!(detail(&records[0], "addenda information"), "Untimely Return");
    assert_eq!(detail(&records[1], "trace number of the dishonored return"), "091000010000009");
}

#[test]
fn a_bad_record_is_pointed_at_and_the_others_are_read() {
    let text = String::from_utf8(bytes("nacha/20110805A.ach")).unwrap();
    let entry = text.lines().position(|line| line.starts_with('6')).unwrap();
    for (from, to, column, message) in [
        (29..39, "00000x7000", 30, "is not a whole number"),
        (1..3, "00", 2, "is not one that the rules know"),
        (0..1, "4", 1, "is not one of 1, 5, 6, 7, 8, 9"),
    ] {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines[entry].replace_range(from, to);
        let (_, events) = events(lines.join("\n").as_bytes()).unwrap();
        assert_eq!(records(&events).len(), 47, "{to}");
        let fault: &Fault = events
            .iter()
            .find_map(|event| match event {
                Event::Fault(fault) => Some(fault),
                _ => None,
            })
            .unwrap_or_else(|| panic!("no fault: {to}"));
        assert!(fault.message.contains(message), "{fault}");
        assert_eq!((fault.place.line, fault.place.column), (entry as u64 + 1, column), "{fault}");
    }
}

proptest! {
    #[test]
    fn damaged_samples_never_panic(at in 0_usize..9_000, byte in any::<u8>(), cut in 0_usize..9_000) {
        let mut bytes = bytes("nacha/20110805A.ach");
        let len = bytes.len();
        bytes[at % len] = byte;
        bytes.truncate(cut.max(100));
        let _ = events(&bytes);
    }
}
