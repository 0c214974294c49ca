//! Every sample is read and compared with a file of `tests/golden`, which a person has reviewed.
//!
//! The samples lie beside the project in `../shared/samples` and are never copied into it. After a
//! wanted change: `UPDATE_GOLDEN=1 cargo test -p suanpan-formats`, then read the difference.

use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use suanpan_formats::{Catalogue, Event, Input, Options, read};

/// Returns the path of a sample or of a folder of samples.
pub(crate) fn sample(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/samples").join(name);
    assert!(path.exists(), "no sample at {}: the tests need ../shared beside the project", path.display());
    path
}

/// Reads a sample and returns its bytes.
pub(crate) fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(sample(name)).expect("a readable sample")
}

/// Tells the format of some bytes, reads them, and returns the format and all events.
pub(crate) fn events(bytes: &[u8]) -> Result<(String, Vec<Event>), String> {
    let input = Input::of_bytes(bytes);
    let identified = Catalogue::built_in().identify(&input.head).map_err(|error| error.to_string())?;
    let mut events = Vec::new();
    let done = read(&identified.format, input, &Options::default(), &mut |event| {
        events.push(event);
        ControlFlow::Continue(())
    });
    match done {
        Ok(_) => Ok((identified.format.id().to_owned(), events)),
        Err(error) => Err(format!("{}: after {} events: {error}", identified.format.id(), events.len())),
    }
}

/// Writes what a file gives: its format, then an event a line, without raw texts (the samples have them).
fn rendered(bytes: &[u8]) -> String {
    let (format, events) = match events(bytes) {
        Ok(read) => read,
        Err(error) => return format!("error: {error}\n"),
    };
    let mut text = format!("format: {format}\n");
    for mut event in events {
        if let Event::Record(record) = &mut event {
            assert!(!record.raw.is_empty(), "a record without its raw text: {record:?}");
            assert!(record.place.line > 0, "a record without its place: {record:?}");
            record.raw.clear();
        }
        let line = serde_json::to_string(&event).expect("events are JSON");
        writeln!(text, "{line}").expect("memory can be written");
    }
    text
}

/// Compares all samples of a folder whose names pass `wanted` with their golden files.
pub(crate) fn check_folder(folder: &str, wanted: impl Fn(&str) -> bool) {
    let golden_dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(folder);
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut names: Vec<String> = std::fs::read_dir(sample(folder))
        .expect("a folder of samples")
        .map(|entry| entry.expect("a sample").file_name().into_string().expect("plain names"))
        .filter(|name| wanted(name))
        .collect();
    names.sort();
    assert!(!names.is_empty(), "no samples in {folder}");
    let mut differing = Vec::new();
    for name in names {
        let now = rendered(&bytes(&format!("{folder}/{name}")));
        let path = golden_dir.join(format!("{name}.ndjson"));
        if update {
            std::fs::create_dir_all(&golden_dir).expect("a writable tree");
            std::fs::write(&path, now).expect("a writable tree");
            continue;
        }
        let golden = std::fs::read_to_string(&path).unwrap_or_default();
        if golden != now {
            let line = golden.lines().zip(now.lines()).position(|(a, b)| a != b);
            let at = line.unwrap_or_else(|| golden.lines().count().min(now.lines().count()));
            differing.push(format!(
                "{}: line {} differs\n  golden: {}\n  now:    {}",
                path.display(),
                at + 1,
                golden.lines().nth(at).unwrap_or("(end)"),
                now.lines().nth(at).unwrap_or("(end)")
            ));
        }
    }
    assert!(differing.is_empty(), "{}\nUPDATE_GOLDEN=1 writes them anew", differing.join("\n"));
}

#[test]
fn a_file_of_no_known_format_is_refused() {
    let error = events(b"hello world\n").unwrap_err();
    assert!(error.starts_with("no known format"), "{error}");
}

#[test]
fn files_that_are_no_statements_are_refused() {
    check_folder("fx", |_| true);
}
