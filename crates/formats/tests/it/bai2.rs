//! BAI2 files.

use crate::golden::{bytes, check_folder, events};
use proptest::prelude::*;
use suanpan_formats::{Event, Record};

#[test]
fn samples_are_as_in_their_golden_files() {
    check_folder("bai2", |_| true);
}

fn failing(text: &str) -> Vec<String> {
    let failing = |event: Event| match event {
        Event::Check(check) if !check.agrees => Some(check.what),
        Event::Fault(fault) => Some(fault.to_string()),
        _ => None,
    };
    events(text.as_bytes()).expect("a file that can be read").1.into_iter().filter_map(failing).collect()
}

fn text(name: &str) -> String {
    String::from_utf8(bytes(&format!("bai2/{name}"))).expect("ASCII")
}

fn records(text: &str) -> Vec<Record> {
    let record = |event: Event| match event {
        Event::Record(record) => Some(*record),
        _ => None,
    };
    events(text.as_bytes()).expect("a file that can be read").1.into_iter().filter_map(record).collect()
}

/// Details as the list of samples counts them, and the totals that the files declare.
#[test]
fn control_totals_of_the_samples() {
    for (name, details) in [("moov__sample1.txt", 17), ("moov__sample2.txt", 4), ("moov__sample4.txt", 17)] {
        assert_eq!(records(&text(name)).len(), details, "{name}");
    }
    for name in ["moov__sample1.txt", "moov__sample2.txt"] {
        assert_eq!(failing(&text(name)), Vec::<String>::new(), "{name}");
    }
    // Its authors changed amounts and took lines out: it says 4 accounts and 18 records, and has 5 and 116.
    let changed = failing(&text("moov__sample4.txt"));
    for what in ["accounts of the group", "records of the file", "control total of the file"] {
        assert!(changed.iter().any(|found| found == what), "{changed:?}");
    }
}

const FILE: &str = "\
01,BANK,ME,261125,0600,1,80,10,2/
02,ME,BANK,1,261124,,USD,2/
03,12345,USD,010,100000,,,015,104500,,/
16,165,5000,V,261125,,BREF1,INV-1,PAYMENT, WITH COMMA
88,AND MORE TEXT
16,475,500,0,BREF2,INV-2,CHECK/
49,210000,5/
98,210000,1,7/
99,210000,1,9/
";

#[test]
fn signs_references_and_texts_are_read() {
    let records = records(FILE);
    let told: Vec<_> = records
        .iter()
        .map(|r| (r.amount.to_string(), r.id.as_str(), r.own_id.as_str(), r.description.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("50.00".to_owned(), "BREF1", "INV-1", "PAYMENT, WITH COMMA; AND MORE TEXT"),
            ("-5.00".to_owned(), "BREF2", "INV-2", "CHECK")
        ]
    );
    assert_eq!(records[0].value_on.unwrap().to_string(), "2026-11-25");
    assert_eq!(failing(FILE), Vec::<String>::new());
    // The same on one line, which some banks send.
    let joined = FILE.replace("COMMA\n88,AND MORE TEXT\n", "COMMA/88,AND MORE TEXT/").replace("/\n", "/");
    assert_eq!(failing(&joined), Vec::<String>::new(), "{joined}");
}

#[test]
fn records_may_stand_on_one_line_with_blanks_between() {
    let joined =
        FILE.replace("COMMA\n88,AND MORE TEXT\n", "COMMA  /  88,AND MORE TEXT/\n").replace("/\n", "/   ");
    assert_eq!(failing(&joined), Vec::<String>::new(), "{joined}");
    assert_eq!(records(&joined).len(), 2);
    assert_eq!(records(&joined)[0].description, "PAYMENT, WITH COMMA; AND MORE TEXT");
}

#[test]
fn a_text_that_was_broken_into_lines_is_no_record() {
    let broken = FILE.replace("CHECK/", "CHECK  111111\n2222222   /");
    assert_eq!(failing(&broken), Vec::<String>::new(), "{broken}");
    assert_eq!(records(&broken)[1].description, "CHECK  111111; 2222222");
    // Behind the end of a record, and where it is not a text, it is still pointed at.
    let stray = failing(&FILE.replace("CHECK/", "CHECK/\n2222222   /"));
    assert!(stray.iter().any(|found| found.contains("is not a record of BAI2")), "{stray:?}");
}

#[test]
fn kinds_follow_the_uniform_codes() {
    for (code, kind) in [
        ("165", "transfer"),
        ("255", "return"),
        ("257", "return"),
        ("266", "return"),
        ("354", "interest"),
        ("357", "transfer"),
        ("555", "return"),
        ("654", "interest"),
        ("698", "fee"),
    ] {
        let records = records(&FILE.replace("16,475", &format!("16,{code}")));
        assert_eq!(records[1].kind.name(), kind, "{code}");
    }
}

#[test]
fn a_changed_amount_and_a_lost_line_are_seen() {
    let changed = failing(&FILE.replace("16,165,5000", "16,165,5001"));
    assert_eq!(changed.len(), 4, "{changed:?}");
    let lost = failing(&FILE.replace("16,475,500,0,BREF2,INV-2,CHECK/\n", ""));
    assert_eq!(lost.len(), 7, "{lost:?}");
    let cut = failing(&FILE.replace("99,210000,1,9/\n", ""));
    assert!(cut[0].contains("cut off"), "{cut:?}");
}

#[test]
fn a_bad_record_is_pointed_at_and_the_others_are_read() {
    for (from, to, place) in [
        ("16,475,500", "16,475,5x0", "line 6, column 3"),
        ("16,475,500", "16,4A5,500", "line 6, column 2"),
        ("16,475,500", "17,475,500", "line 6, column 1"),
    ] {
        let text = FILE.replace(from, to);
        assert_eq!(records(&text).len(), 1, "{to}");
        let found = failing(&text);
        assert!(found.iter().any(|what| what.contains(place)), "{to}: {found:?}");
    }
}

proptest! {
    #[test]
    fn damaged_samples_never_panic(at in 0_usize..1_400, byte in any::<u8>(), cut in 0_usize..1_400) {
        let mut bytes = bytes("bai2/moov__sample2.txt");
        let len = bytes.len();
        bytes[at % len] = byte;
        bytes.truncate(cut.max(30));
        let _ = events(&bytes);
    }
}
