//! What cargo and git say about this workspace.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Returns the root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask stands in the root").to_path_buf()
}

/// Returns `cargo` with the root as its directory.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// Asks `cargo metadata`.
pub(crate) fn metadata(arguments: &[&str]) -> Result<Value, String> {
    let mut words = vec!["metadata", "--format-version", "1", "--locked"];
    words.extend(arguments);
    let output = cargo(&words).output().map_err(|error| format!("cargo metadata did not start: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata: {error}"))
}

/// A text file of the repository, tracked or new, with its path from the root.
pub(crate) struct Text {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Reads all text files that git tracks or would track.
pub(crate) fn texts() -> Result<Vec<Text>, String> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .map_err(|error| format!("git did not start: {error}"))?;
    if !output.status.success() {
        return Err(format!("git ls-files: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    let mut texts = Vec::new();
    for path in String::from_utf8_lossy(&output.stdout).split('\0').filter(|path| !path.is_empty()) {
        // A file that is deleted but not yet committed, or that is not text, has no text to check.
        if let Ok(bytes) = std::fs::read(root().join(path))
            && let Ok(text) = String::from_utf8(bytes)
        {
            texts.push(Text { path: path.to_owned(), text });
        }
    }
    Ok(texts)
}

/// Returns the texts of an array in JSON, or nothing.
pub(crate) fn strings(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str)
}
