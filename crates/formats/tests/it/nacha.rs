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
