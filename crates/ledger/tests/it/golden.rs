//! Tables that are kept as files, to be read in review. `BLESS=1` writes them anew.

use std::fmt::Write;
use std::path::Path;
use suanpan_ledger::book::{HoldEvent, HoldState};
use suanpan_ledger::rejection::Rejection;

fn compare(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == text, "{name} is another table now; look, then set BLESS=1\n{text}");
}

#[test]
fn reasons_in_order_of_precedence() {
    let mut text =
        String::from("# Reasons to refuse, the first that holds is named. Codes are never used again.\n");
    for (place, reason) in Rejection::ALL.into_iter().enumerate() {
        assert_eq!(place, reason as usize, "ALL is in the order of the enum");
        let later = if reason.retryable() { "may succeed later" } else { "" };
        let line = format!("{:>2}  {:<32}{later}", place + 1, reason.code());
        writeln!(text, "{}", line.trim_end()).unwrap();
    }
    compare("rejections.txt", &text);
}

#[test]
fn transitions_of_holds() {
    let mut text = String::from("# state after an event, or the reason to refuse it\n");
    writeln!(text, "{:<10}{:<20}{:<20}expire", "", "capture", "void").unwrap();
    for state in HoldState::ALL {
        let mut line = format!("{:<10}", format!("{state:?}"));
        for event in [HoldEvent::Capture, HoldEvent::Void, HoldEvent::Expire] {
            let cell = match state.next(event) {
                Ok(after) => format!("-> {after:?}"),
                Err(reason) => reason.code().to_owned(),
            };
            write!(line, "{cell:<20}").unwrap();
        }
        writeln!(text, "{}", line.trim_end()).unwrap();
    }
    compare("hold_transitions.txt", &text);
}
