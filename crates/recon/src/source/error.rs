//! What can go wrong between a path and its bytes. Each error names the file, says where in it, and
//! [`SourceError::hint`] says what to do next.

use std::io;

/// A named failure of an input.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Nothing stands at the path.
    #[error("`{path}`: no such file or directory")]
    Missing {
        /// The path as given.
        path: String,
        /// The first directory of the path that does not exist, when it is not the file itself.
        directory: Option<String>,
        /// A similar name in the same directory.
        similar: Option<String>,
    },
    /// A glob that no file matches.
    #[error("`{pattern}`: no file matches this pattern")]
    NoMatch {
        /// The pattern as given.
        pattern: String,
    },
    /// A pattern that is not a glob.
    #[error("`{pattern}`: not a valid pattern: {reason}")]
    BadPattern {
        /// The pattern as given.
        pattern: String,
        /// What the glob reader says.
        reason: &'static str,
    },
    /// A directory or archive without usable files.
    #[error("`{path}`: no files in it ({hidden} hidden and {directories} sub-directories were left out)")]
    NoFiles {
        /// The directory or archive.
        path: String,
        /// Hidden files that were passed over.
        hidden: usize,
        /// Sub-directories that were passed over.
        directories: usize,
    },
    /// A socket, device or other thing that is not a file.
    #[error("`{path}`: not a regular file, directory or pipe")]
    NotAFile {
        /// The path.
        path: String,
    },
    /// The same file is named twice on one side.
    #[error("`{path}`: named twice, by `{first}` and by `{second}`")]
    NamedTwice {
        /// The file.
        path: String,
        /// The argument that named it first.
        first: String,
        /// The argument that named it again.
        second: String,
    },
    /// More files than a side may have.
    #[error("{count} files or more on one side; the limit is {max}")]
    TooManyFiles {
        /// How many were found before giving up.
        count: usize,
        /// The limit.
        max: usize,
    },
    /// A file without any text.
    #[error("`{name}`: the file is empty")]
    Empty {
        /// The file.
        name: String,
    },
    /// The file is not the one that was there when the run started.
    #[error("`{name}`: the file changed while it was being read")]
    Changed {
        /// The file.
        name: String,
    },
    /// The operating system refuses.
    #[error("`{name}`: cannot {action}")]
    Io {
        /// The file.
        name: String,
        /// What was tried: `open`, `read` …
        action: &'static str,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A compressed file that ends too early.
    #[error("`{name}`: the {container} data ends too early, after {offset} bytes of its content")]
    Truncated {
        /// The file.
        name: String,
        /// `gzip`, `zstd`, `zip` or `parquet`.
        container: &'static str,
        /// Decompressed bytes before the end.
        offset: u64,
    },
    /// A compressed file that is not what it says it is.
    #[error("`{name}`: the {container} data is damaged, after {offset} bytes of its content: {reason}")]
    Damaged {
        /// The file.
        name: String,
        /// `gzip`, `zstd`, `zip` or `parquet`.
        container: &'static str,
        /// Decompressed bytes before the damage.
        offset: u64,
        /// What the decoder says.
        reason: String,
    },
    /// A compressed file that grows beyond reason.
    #[error("`{name}`: {bytes} bytes of content from {compressed} compressed bytes; the limit is {limit}")]
    Bomb {
        /// The file or archive.
        name: String,
        /// Decompressed bytes, declared or seen.
        bytes: u64,
        /// Compressed bytes.
        compressed: u64,
        /// The limit that was passed, in words.
        limit: String,
    },
    /// A kind of file that is not read.
    #[error("`{name}`: {what}, which is not read")]
    Unsupported {
        /// The file.
        name: String,
        /// What it is: `an Excel workbook`.
        what: &'static str,
        /// What to do about it.
        advice: &'static str,
    },
    /// Bytes that are no text of the encoding.
    #[error("`{name}`:{line}: the bytes at offset {offset} are not valid {encoding}{why}")]
    Malformed {
        /// The file.
        name: String,
        /// The encoding that was being read.
        encoding: &'static str,
        /// Line of the bytes, counted from 1.
        line: u64,
        /// Offset of the first malformed byte in the decompressed file.
        offset: u64,
        /// How the encoding was chosen, when nobody declared it.
        why: &'static str,
    },
    /// The byte order mark and the rules disagree.
    #[error("`{name}`: begins with the byte order mark of {mark}, but the rules say {declared}")]
    EncodingConflict {
        /// The file.
        name: String,
        /// What the mark says.
        mark: &'static str,
        /// What the rules say.
        declared: &'static str,
    },
    /// A Parquet column whose type cannot be read as asked.
    #[error("`{name}`: column `{column}` has type {kind}")]
    ColumnType {
        /// The file.
        name: String,
        /// The column.
        column: String,
        /// Its type, as Parquet calls it.
        kind: String,
        /// What to do about it.
        advice: &'static str,
    },
    /// A Parquet value that cannot be written as text.
    #[error("`{name}`: at or after row {row}, column `{column}`: {reason}")]
    Value {
        /// The file.
        name: String,
        /// Zero-based row from which on the value is met (its place in a dictionary comes earlier).
        row: u64,
        /// The column.
        column: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl SourceError {
    /// Returns the stable name of the error for machines.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            SourceError::Missing { .. } => "source_missing",
            SourceError::NoMatch { .. } => "source_no_match",
            SourceError::BadPattern { .. } => "source_bad_pattern",
            SourceError::NoFiles { .. } => "source_no_files",
            SourceError::NotAFile { .. } => "source_not_a_file",
            SourceError::NamedTwice { .. } => "source_named_twice",
            SourceError::TooManyFiles { .. } => "source_too_many_files",
            SourceError::Empty { .. } => "source_empty",
            SourceError::Changed { .. } => "source_changed",
            SourceError::Io { .. } => "source_io",
            SourceError::Truncated { .. } => "source_truncated",
            SourceError::Damaged { .. } => "source_damaged",
            SourceError::Bomb { .. } => "source_bomb",
            SourceError::Unsupported { .. } => "source_unsupported",
            SourceError::Malformed { .. } => "source_malformed_text",
            SourceError::EncodingConflict { .. } => "source_encoding_conflict",
            SourceError::ColumnType { .. } => "source_column_type",
            SourceError::Value { .. } => "source_value",
        }
    }

    /// Returns what to do next, in one line.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let fixed = match self {
            SourceError::Missing { similar: Some(similar), .. } => {
                return Some(format!("did you mean `{similar}`?"));
            }
            SourceError::Missing { directory: Some(directory), .. } => {
                return Some(format!("the directory `{directory}` does not exist"));
            }
            SourceError::Missing { .. } => "check the path; relative paths start at the working directory",
            SourceError::NoMatch { .. } => {
                "check the pattern; `*` does not match names that begin with a dot"
            }
            SourceError::BadPattern { .. } => {
                "`*`, `?` and `[…]` are special in patterns; write `[*]` for a plain `*`"
            }
            SourceError::NoFiles { .. } => {
                "name a file, or a pattern such as `dir/**/*.csv` for files further down"
            }
            SourceError::NotAFile { .. } => "give a file, a directory, a pattern, or `-` for standard input",
            SourceError::NamedTwice { .. } => "its records would count twice: name it once",
            SourceError::TooManyFiles { .. } => "join small files, or reconcile in several runs",
            SourceError::Empty { .. } => {
                "if there was nothing that day, leave the file out or send one with only a header"
            }
            SourceError::Changed { .. } => "run again once nobody writes to it any more",
            SourceError::Io { .. } => "check that the file can be read by this user",
            SourceError::Truncated { .. } => "fetch the file again: it was probably cut off on the way",
            SourceError::Damaged { .. } => "fetch the file again, and compare its checksum with the sender's",
            SourceError::Bomb { .. } => "if the file is honest, decompress it first and give the plain file",
            SourceError::Unsupported { advice, .. } | SourceError::ColumnType { advice, .. } => advice,
            SourceError::Malformed { .. } => {
                "if the file is UTF-8 with a few bad rows, set encoding = \"utf-8\" and only they are rejected; or ask the sender for a clean file"
            }
            SourceError::EncodingConflict { .. } => "set `encoding = \"auto\"`, or correct it",
            SourceError::Value { .. } => {
                "correct the value, or cast the column to text where the file is written"
            }
        };
        Some(fixed.to_owned())
    }

    /// Turns an error of a [`Body::Stream`](super::Body) or a positioned read back into the source
    /// error that it carries, or wraps it under the name of the file.
    #[must_use]
    pub fn from_read(name: &str, error: io::Error) -> SourceError {
        match error.downcast::<SourceError>() {
            Ok(error) => error,
            Err(source) => SourceError::Io { name: name.to_owned(), action: "read", source },
        }
    }

    pub(super) fn io(name: &str, action: &'static str) -> impl FnOnce(io::Error) -> SourceError {
        let name = name.to_owned();
        move |source| SourceError::Io { name, action, source }
    }
}

impl From<SourceError> for io::Error {
    fn from(error: SourceError) -> io::Error {
        let kind = match &error {
            SourceError::Truncated { .. } => io::ErrorKind::UnexpectedEof,
            SourceError::Io { source, .. } => source.kind(),
            _ => io::ErrorKind::InvalidData,
        };
        io::Error::new(kind, error)
    }
}
