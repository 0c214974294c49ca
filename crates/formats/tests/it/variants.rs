//! What programs between the sender and us do to files changes nothing: line ends, byte order marks, other
//! encodings of Unicode, blank lines at the end.

use crate::golden::{bytes, events, sample};
use suanpan_formats::Event;

const FOLDERS: [&str; 10] =
    ["alipay", "bai2", "camt", "cn_banks", "cn_wallets", "iso20022", "mt940", "mt942", "nacha", "stripe"];

/// Reads a file and leaves out the raw texts, which are as the file is.
fn read(bytes: &[u8]) -> Result<(String, Vec<Event>), String> {
    let (format, mut events) = events(bytes)?;
    for event in &mut events {
        if let Event::Record(record) = event {
            record.raw.clear();
        }
    }
    Ok((format, events))
}

fn variants(bytes: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let newline = |from: &[u8], to: &[u8]| -> Vec<u8> {
        let mut out = Vec::new();
        for byte in from {
            if *byte == b'\n' { out.extend_from_slice(to) } else { out.push(*byte) }
        }
        out
    };
    let lines: Vec<u8> = String::from_utf8(bytes.to_vec()).map_or_else(
        |_| bytes.iter().copied().filter(|byte| *byte != b'\r').collect(),
        |text| text.replace("\r\n", "\n").into_bytes(),
    );
    let mut all = vec![
        ("line feeds", lines.clone()),
        ("both", newline(&lines, b"\r\n")),
        ("no last line end", bytes.trim_ascii_end().to_vec()),
        ("blank lines at the end", [bytes, b"\r\n\r\n"].concat()),
    ];
    let Ok(text) = std::str::from_utf8(bytes) else { return all };
    let text = text.trim_start_matches('\u{feff}');
    all.push(("a byte order mark", format!("\u{feff}{text}").into_bytes()));
    if !text.trim_start().starts_with('<') {
        let marked = format!("\u{feff}{text}");
        all.push(("UTF-16, little end first", marked.encode_utf16().flat_map(u16::to_le_bytes).collect()));
        all.push(("UTF-16, big end first", marked.encode_utf16().flat_map(u16::to_be_bytes).collect()));
        if lines.contains(&b'\n') {
            all.push(("carriage returns alone", newline(&lines, b"\r")));
        }
    }
    all
}

#[test]
fn line_ends_marks_and_encodings_change_nothing() {
    let mut compared = 0;
    for folder in FOLDERS.iter().chain(["wechat"].iter()) {
        for entry in std::fs::read_dir(sample(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.ends_with(".json") {
                continue;
            }
            let bytes = bytes(&format!("{folder}/{name}"));
            let expected = read(&bytes);
            for (what, variant) in variants(&bytes) {
                // Of what cannot be read, the message may name another place.
                let given = read(&variant);
                let same = given == expected || (given.is_err() && expected.is_err());
                assert!(same, "{folder}/{name} with {what} gives something else");
                compared += 1;
            }
        }
    }
    assert!(compared > 400, "{compared}");
}
