//! What tests of several formats share: events in short, and input that was damaged.

use crate::golden;
use std::ops::ControlFlow;
use suanpan_formats::{Catalogue, Event, Input, Options, Place, Record};

/// Reads a text that must be of some format.
pub(crate) fn read(text: &str) -> (String, Vec<Event>) {
    golden::events(text.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

/// Returns the records of some events.
pub(crate) fn records(events: &[Event]) -> Vec<&Record> {
    let mut records = Vec::new();
    for event in events {
        if let Event::Record(record) = event {
            records.push(&**record);
        }
    }
    records
}

/// Returns the faults in words.
pub(crate) fn faults(events: &[Event]) -> Vec<String> {
    let only = |event: &Event| if let Event::Fault(fault) = event { Some(fault.to_string()) } else { None };
    events.iter().filter_map(only).collect()
}

/// Returns each check in short: `closing balance: 3 of 3`, computed of declared.
pub(crate) fn checks(events: &[Event]) -> Vec<String> {
    let only = |event: &Event| match event {
        Event::Check(check) => Some(format!("{}: {} of {}", check.what, check.computed, check.declared)),
        _ => None,
    };
    events.iter().filter_map(only).collect()
}

/// Returns the checks that do not agree, with their places.
pub(crate) fn failing(events: &[Event]) -> Vec<String> {
    let only = |event: &Event| match event {
        Event::Check(c) if !c.agrees => {
            let line = Place::line(c.place.line);
            Some(format!("{line}: {}: declared {}, computed {}", c.what, c.declared, c.computed))
        }
        _ => None,
    };
    events.iter().filter_map(only).collect()
}

/// Reads a text with one byte changed and its end cut off as a format, whatever it looks like then.
/// Records must come in the order of their lines, and keep their text.
pub(crate) fn never_panics(
    format: &str,
    text: &str,
    at: proptest::sample::Index,
    byte: u8,
    cut: proptest::sample::Index,
) {
    let mut bytes = text.as_bytes().to_vec();
    let at = at.index(bytes.len());
    bytes[at] = byte;
    bytes.truncate(cut.index(text.len()) + 1);
    let catalogue = Catalogue::built_in();
    let format = catalogue.find(format).expect("a format of the catalogue");
    let input = Input::of_bytes(&bytes);
    let _ = catalogue.identify(&input.head);
    let mut line = 0;
    let _ = suanpan_formats::read(format, input, &Options::default(), &mut |event| {
        if let Event::Record(record) = event {
            assert!(record.place.line > line, "{record:?}");
            assert!(!record.raw.is_empty(), "{record:?}");
            line = record.place.line;
        }
        ControlFlow::Continue(())
    });
}

proptest::proptest! {
    /// Bytes that are of no format, read as each: an end, an error or faults, but never a panic.
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)) {
        let catalogue = Catalogue::built_in();
        let _ = catalogue.identify(&Input::of_bytes(&bytes).head);
        for format in catalogue.formats() {
            let input = Input::of_bytes(&bytes);
            let _ = suanpan_formats::read(format, input, &Options::default(), &mut |_| ControlFlow::Continue(()));
        }
    }
}
