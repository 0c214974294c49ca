//! What a terminal remembers over its own end: how many payments it has made, and the one that is not finished. There is
//! nothing of cards in it.

use crate::api::random_hex;
use crate::error::Trouble;
use crate::secrets::replace;
use serde::{Deserialize, Serialize};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use suanpan_money::Currency;

/// A journal has some hundred bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024;
/// Eight digits count payments; then they begin anew.
const SEQUENCE_MAX: u32 = 99_999_999;

/// A payment that is not finished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Open {
    /// Names the payment at the server, in keys of idempotency.
    name: String,
    pub(super) amount_minor: i64,
    /// Three letters.
    pub(super) currency: String,
    /// The intent, once it is known.
    pub(super) intent: Option<String>,
    pub(super) stage: Stage,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stage {
    /// An intent may have been made.
    Begun,
    /// The issuer may have been asked.
    Asked,
    /// The issuer has approved, and the card waits for its answer.
    Approved,
    /// It is to be undone.
    Undo,
}

impl Open {
    pub(super) fn new(amount_minor: i64, currency: Currency) -> Result<Open, Trouble> {
        Ok(Open {
            name: random_hex()?,
            amount_minor,
            currency: currency.code().to_owned(),
            intent: None,
            stage: Stage::Begun,
        })
    }

    /// The same payment, now that its intent is known.
    pub(super) fn known(self, intent: &str, stage: Stage) -> Open {
        Open { intent: Some(intent.to_owned()), stage, ..self }
    }

    /// The key of idempotency for one of its calls.
    pub(super) fn key(&self, call: &str) -> String {
        format!("terminal-{}-{call}", self.name)
    }

    pub(super) fn currency(&self) -> Result<Currency, Trouble> {
        Currency::parse(&self.currency).ok_or_else(|| {
            Trouble::new("journal_wrong", "the journal has a payment without a currency")
                .at("--journal")
                .next("look the payment up at the server, and take the file away")
        })
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    /// Payments so far.
    sequence: u32,
    open: Option<Open>,
}

/// The journal of one terminal, held as long as this is there.
pub(super) struct Journal {
    path: PathBuf,
    content: Content,
    _lock: File,
}

impl Journal {
    /// Opens the journal, and keeps others from it.
    pub(super) fn open(path: &Path) -> Result<Journal, Trouble> {
        let mut lock_path = path.as_os_str().to_owned();
        lock_path.push(".lock");
        let lock_path = PathBuf::from(lock_path);
        let lock = File::options().create(true).truncate(false).write(true).open(&lock_path);
        let lock = lock.map_err(|error| Trouble::io("open", &lock_path, error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Trouble::new("journal_in_use", "another terminal works with this journal")
                    .at(path.display().to_string())
                    .next("wait for its end, or give each terminal a journal of its own: --journal"));
            }
            Err(TryLockError::Error(error)) => return Err(Trouble::io("lock", &lock_path, error)),
        }
        let content = match std::fs::metadata(path) {
            Ok(metadata) if metadata.len() > FILE_BYTES_MAX => return Err(wrong(path)),
            Ok(_) => {
                let text = std::fs::read(path).map_err(|error| Trouble::io("read", path, error))?;
                serde_json::from_slice(&text).map_err(|_| wrong(path))?
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Content::default(),
            Err(error) => return Err(Trouble::io("read", path, error)),
        };
        Ok(Journal { path: path.to_owned(), content, _lock: lock })
    }

    /// The payment that is not finished.
    pub(super) const fn unfinished(&self) -> Option<&Open> {
        self.content.open.as_ref()
    }

    /// Counts a payment, and returns its number.
    pub(super) fn count(&mut self) -> Result<u32, Trouble> {
        self.content.sequence = self.content.sequence % SEQUENCE_MAX + 1;
        self.keep()?;
        Ok(self.content.sequence)
    }

    /// Notes how far the payment has come; it is kept when this returns.
    pub(super) fn write(&mut self, open: Option<Open>) -> Result<(), Trouble> {
        self.content.open = open;
        self.keep()
    }

    pub(super) fn stage(&mut self, stage: Stage) -> Result<(), Trouble> {
        if let Some(open) = &mut self.content.open {
            open.stage = stage;
        }
        self.keep()
    }

    /// The payment is finished.
    pub(super) fn close(&mut self) -> Result<(), Trouble> {
        self.write(None)
    }

    fn keep(&self) -> Result<(), Trouble> {
        let mut text = serde_json::to_string(&self.content).unwrap_or_default();
        text.push('\n');
        replace(&self.path, &text).map_err(|error| Trouble::io("write", &self.path, error))
    }
}

fn wrong(path: &Path) -> Trouble {
    Trouble::new("journal_wrong", "the file is no journal of a terminal")
        .at(path.display().to_string())
        .next("name another with --journal; look at the server for payments of this one")
}
