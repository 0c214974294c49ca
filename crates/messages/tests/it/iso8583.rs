//! ISO 8583 against real messages.

mod authentication;
mod describe;
mod generic;
mod laws;
mod subfields;
mod unionpay;

use crate::samples::path;

/// Reads every sample of an extension, with its name.
fn samples(extension: &str) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path("iso8583")).expect("samples") {
        let file = entry.expect("a sample").path();
        if file.extension().is_some_and(|found| found == extension) {
            let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
            found.push((name, std::fs::read(&file).expect("a file")));
        }
    }
    found.sort();
    found
}

/// Reads the dumps of UnionPay.
fn dumps() -> Vec<(String, Vec<u8>)> {
    let bytes = |text: Vec<u8>| hex::decode(text.trim_ascii()).expect("hexadecimal");
    samples("hex").into_iter().map(|(name, text)| (name, bytes(text))).collect()
}
