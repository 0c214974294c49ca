//! A file that appears under its name only when it is whole.

use super::ReportError;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// One file of a run's output, as listed in `summary.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputFile {
    /// Name within the output directory.
    pub name: String,
    /// Rows, for tables; the header is not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// Size.
    pub bytes: u64,
    /// Digest of the content: `blake3:` and 64 hexadecimal digits.
    pub digest: String,
}

/// Writes to `.NAME.part` beside the final place and renames at the end. A killed run leaves at most
/// the part file, which the next run overwrites; an error removes it.
pub(super) struct Staged {
    file: Option<BufWriter<File>>,
    part: PathBuf,
    path: PathBuf,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl Staged {
    /// Starts the file `name` in `dir`.
    pub(super) fn create(dir: &Path, name: &str) -> Result<Self, ReportError> {
        let part = dir.join(format!(".{name}.part"));
        let file = File::create(&part).map_err(|source| ReportError::Write { path: part.clone(), source })?;
        Ok(Staged {
            file: Some(BufWriter::with_capacity(256 << 10, file)),
            part,
            path: dir.join(name),
            hasher: blake3::Hasher::new(),
            bytes: 0,
        })
    }

    /// The path that the file will have.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the file its name.
    pub(super) fn finish(mut self, rows: Option<u64>) -> Result<OutputFile, ReportError> {
        let mut file = self.file.take().expect("a file until it is finished");
        let named = file.flush().and_then(|()| std::fs::rename(&self.part, &self.path));
        if let Err(source) = named {
            self.file = Some(file); // not finished: dropping removes the part file
            return Err(ReportError::Write { path: self.path.clone(), source });
        }
        Ok(OutputFile {
            name: self.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            rows,
            bytes: self.bytes,
            digest: format!("blake3:{}", self.hasher.finalize().to_hex()),
        })
    }
}

impl Write for Staged {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.file.as_mut().expect("a file until it is finished").write_all(bytes)?;
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.as_mut().expect("a file until it is finished").flush()
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // Not finished: the error that led here is the one to report.
            let _ = std::fs::remove_file(&self.part);
        }
    }
}

/// Writes a whole file at once.
pub(super) fn write_file(dir: &Path, name: &str, bytes: &[u8]) -> Result<OutputFile, ReportError> {
    let mut file = Staged::create(dir, name)?;
    file.write_all(bytes).map_err(|source| ReportError::Write { path: file.part.clone(), source })?;
    file.finish(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_its_name_only_when_it_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = Staged::create(dir.path(), "a.csv").unwrap();
        file.write_all(b"half").unwrap();
        assert!(!dir.path().join("a.csv").exists());
        drop(file);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "an unfinished file leaves nothing");

        let written = write_file(dir.path(), "a.csv", b"whole").unwrap();
        assert_eq!(std::fs::read(dir.path().join("a.csv")).unwrap(), b"whole");
        assert_eq!(written.bytes, 5);
        assert_eq!(written.digest, format!("blake3:{}", blake3::hash(b"whole").to_hex()));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_directory_that_is_not_there_is_a_named_error() {
        let error = write_file(Path::new("/nonexistent-suanpan"), "a.csv", b"").unwrap_err();
        assert!(error.to_string().contains("/nonexistent-suanpan/.a.csv.part"), "{error}");
    }
}
