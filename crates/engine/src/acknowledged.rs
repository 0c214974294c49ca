//! The newest acknowledgement, kept outside the database, so that a database that has forgotten it is told by it.
//!
//! A restored backup, or a replica that lacked the newest records when it took over, is whole and sound in itself.
//! Only whoever was told otherwise can see that something is missing. So each process keeps the place of the newest
//! record that it acknowledged, or saw as a standby, in a small file, and a writer begins only if the journal has
//! that record. The file is written at most a second behind; receipts of clients can be checked as well
//! ([`Engine::contains`](crate::Engine::contains)). See decision 0018.

use crate::command::Receipt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use suanpan_store::commit::Head;
use suanpan_store::{Database, Read, StoreError};

/// How far the file may be behind.
pub(crate) const BEHIND_MAX: Duration = Duration::from_secs(1);
/// The first words of the file.
const TITLE: &str = "suanpan acknowledged 1";

/// The newest acknowledgement of this process.
pub(crate) struct HighWater {
    place: Option<PathBuf>,
    known: Mutex<Known>,
}

struct Known {
    newest: Option<Receipt>,
    written: Option<Receipt>,
    tried: Instant,
}

/// Why a writer must not begin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fork {
    /// The journal lacks a record that was acknowledged.
    #[error(
        "history fork: record {seq} of cell {cell} was acknowledged under epoch {epoch} with hash {hash}, and the \
         journal, which stands at record {stands_at}, does not have it. The database was restored from an older \
         backup, or is a replica that lacked its end. Nothing is written. Give the database that has this record, \
         or a newer backup. Only if all records after the journal's end are given up for ever, and what was \
         acknowledged in them is made good by other means, move {place} away and start again"
    )]
    Forgotten {
        /// The cell.
        cell: u32,
        /// Under which epoch it was acknowledged.
        epoch: u64,
        /// The record.
        seq: u64,
        /// The beginning of its hash.
        hash: String,
        /// Where the journal stands.
        stands_at: u64,
        /// Where the acknowledgement is kept.
        place: String,
    },
    /// The acknowledgement is one of another cell.
    #[error(
        "{place} is about cell {found}, this database holds cell {asked}; give each cell and process a file of its \
         own"
    )]
    OtherCell {
        /// Where the acknowledgement is kept.
        place: String,
        /// The cell found there.
        found: u32,
        /// The cell that is to be written.
        asked: u32,
    },
}

impl Fork {
    /// Returns the stable name of the error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Fork::Forgotten { .. } => "history_fork",
            Fork::OtherCell { .. } => "acknowledged_other_cell",
        }
    }
}

impl HighWater {
    /// Reads what was acknowledged last; without a place nothing is kept beyond the end of the process.
    ///
    /// # Errors
    /// When there is something at the place that cannot be read.
    pub(crate) fn open(place: Option<PathBuf>) -> Result<HighWater, StoreError> {
        let newest = place.as_deref().map(read).transpose()?.flatten();
        Ok(HighWater::holding(place, newest))
    }

    pub(crate) fn holding(place: Option<PathBuf>, newest: Option<Receipt>) -> HighWater {
        let known = Known { newest, written: newest, tried: Instant::now() };
        HighWater { place, known: Mutex::new(known) }
    }

    // A panic while the lock was held left a whole receipt: each change is one assignment.
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in a record that is about to be acknowledged, or was seen to be committed by another process.
    pub(crate) fn note(&self, receipt: Receipt) {
        let mut known = self.lock();
        // Two processes that write one after the other may be seen in the wrong order.
        if known.newest.is_none_or(|newest| receipt.seq >= newest.seq) {
            known.newest = Some(receipt);
        }
    }

    /// Returns how long until the file should be written; none when it is up to date.
    pub(crate) fn due_in(&self) -> Option<Duration> {
        let known = self.lock();
        (known.newest != known.written).then(|| BEHIND_MAX.saturating_sub(known.tried.elapsed()))
    }

    /// Writes the file if it is time.
    pub(crate) fn write_when_due(&self) {
        if self.due_in().is_some_and(|left| left.is_zero()) {
            self.write();
        }
    }

    /// Writes the file if anything is new. A failure is logged: it takes nothing from the safety of the database.
    pub(crate) fn write(&self) {
        let newest = {
            let mut known = self.lock();
            known.tried = Instant::now();
            if known.newest == known.written {
                return;
            }
            known.newest
        };
        if let (Some(place), Some(receipt)) = (&self.place, newest)
            && let Err(error) = replace(place, &receipt)
        {
            return tracing::error!(%error, place = %place.display(), "the newest acknowledgement cannot be kept");
        }
        self.lock().written = newest;
    }

    /// Returns what would be found after the end of the process.
    pub(crate) fn written(&self) -> Option<Receipt> {
        self.lock().written
    }

    /// Checks that a journal has what was acknowledged.
    ///
    /// # Errors
    /// `Ok(Err(_))` when it has not; the outer error when that cannot be found out.
    pub(crate) fn check(
        &self,
        cell: u32,
        head: &Head,
        reader: &dyn Read,
    ) -> Result<Result<(), Fork>, StoreError> {
        let Some(newest) = self.lock().newest else { return Ok(Ok(())) };
        let place = match &self.place {
            Some(place) => place.display().to_string(),
            None => "the memory of this process".to_owned(),
        };
        if newest.cell != cell {
            return Ok(Err(Fork::OtherCell { place, found: newest.cell, asked: cell }));
        }
        if newest.seq <= head.seq && has(reader, &newest)? {
            return Ok(Ok(()));
        }
        let hash = hex(&newest.hash[..8]);
        let Receipt { epoch, seq, .. } = newest;
        Ok(Err(Fork::Forgotten { cell, epoch, seq, hash, stands_at: head.seq, place }))
    }
}

/// Says whether a journal has the record of a receipt. The hash covers the cell and everything before.
pub(crate) fn has(reader: &dyn Read, receipt: &Receipt) -> Result<bool, StoreError> {
    if receipt.seq == 0 {
        return Ok(receipt.hash == [0; 32]);
    }
    let marks = reader.marks(receipt.seq..receipt.seq.saturating_add(1))?;
    // An answer that needed no commit names a record that may be of an earlier epoch.
    Ok(marks.first().is_some_and(|mark| mark.hash == receipt.hash && mark.epoch <= receipt.epoch))
}

/// Returns where the acknowledgement is kept when nobody says otherwise: beside a file of SQLite.
pub(crate) fn beside(database: &Database) -> Option<PathBuf> {
    let place = database.place();
    (database.engine() == "sqlite" && place != ":memory:")
        .then(|| PathBuf::from(format!("{place}.acknowledged")))
}

fn read(place: &Path) -> Result<Option<Receipt>, StoreError> {
    let at = place.display().to_string();
    let text = match std::fs::read_to_string(place) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::Unavailable { at, reason: error.to_string() }),
    };
    parse(&text).map(Some).ok_or_else(|| StoreError::Foreign {
        at,
        found: "no acknowledgement as this program writes it".to_owned(),
    })
}

/// Writes a new file and puts it in the place of the old one, so that there is a whole one at any time.
fn replace(place: &Path, receipt: &Receipt) -> std::io::Result<()> {
    // Beside it, under its whole name: `a.b` and `a.c` are two files.
    let mut new = place.as_os_str().to_owned();
    new.push(".new");
    let mut file = std::fs::File::create(&new)?;
    file.write_all(text(receipt).as_bytes())?;
    file.sync_data()?;
    std::fs::rename(&new, place)?;
    // The new name lasts only once the folder does.
    let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty());
    std::fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn text(receipt: &Receipt) -> String {
    let Receipt { cell, epoch, seq, hash } = receipt;
    format!("{TITLE}\ncell {cell}\nepoch {epoch}\nrecord {seq}\nhash {}\n", hex(hash))
}

fn parse(text: &str) -> Option<Receipt> {
    let mut lines = text.lines();
    if lines.next() != Some(TITLE) {
        return None;
    }
    let mut next = |word: &str| lines.next()?.strip_prefix(word)?.strip_prefix(' ');
    let (cell, epoch, seq) =
        (next("cell")?.parse().ok()?, next("epoch")?.parse().ok()?, next("record")?.parse().ok()?);
    let digits = next("hash")?.as_bytes();
    let mut hash = [0; 32];
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(Receipt { cell, epoch, seq, hash })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt(seq: u64) -> Receipt {
        Receipt { cell: 7, epoch: 3, seq, hash: [seq.to_le_bytes()[0] ^ 0xa5; 32] }
    }

    #[test]
    fn what_is_written_is_read_again_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("cell.sqlite.acknowledged");
        let kept = HighWater::open(Some(place.clone())).unwrap();
        assert_eq!((kept.written(), kept.due_in()), (None, None));
        kept.note(receipt(5));
        kept.note(receipt(4));
        assert!(kept.due_in().is_some());
        kept.write();
        assert_eq!(HighWater::open(Some(place.clone())).unwrap().written(), Some(receipt(5)));
        let good = std::fs::read_to_string(&place).unwrap();
        for cut in 0..good.trim_end().len() {
            std::fs::write(&place, &good[..cut]).unwrap();
            assert!(HighWater::open(Some(place.clone())).is_err(), "{cut}");
        }
        std::fs::write(&place, good.replace("hash ", "hash +")).unwrap();
        assert!(HighWater::open(Some(place)).is_err());
    }

    #[test]
    fn files_whose_names_differ_at_the_end_do_not_share_anything() {
        let folder = tempfile::tempdir().unwrap();
        // What another process is writing just now for `cell.acknowledged`.
        std::fs::create_dir(folder.path().join("cell.acknowledged.new")).unwrap();
        let place = folder.path().join("cell.b");
        let kept = HighWater::open(Some(place.clone())).unwrap();
        kept.note(receipt(5));
        kept.write();
        assert_eq!(HighWater::open(Some(place)).unwrap().written(), Some(receipt(5)));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_cannot_be_written_is_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("not yet").join("acknowledged");
        let kept = HighWater::open(Some(place.clone())).unwrap();
        kept.note(receipt(5));
        kept.write();
        assert_eq!(kept.written(), None);
        std::fs::create_dir(place.parent().unwrap()).unwrap();
        kept.write();
        assert_eq!(kept.written(), Some(receipt(5)));
    }
}
