//! Names of kinds that come back from the database, as texts that live for ever.

use crate::error::StoreError;
use crate::limits::{BYTES_PER_KEY, KINDS};
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

static WORDS: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

/// Returns the one copy of a word. There are few kinds, so that each is kept once and for ever.
pub(crate) fn word(text: &str) -> Result<&'static str, StoreError> {
    let mut words = WORDS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(word) = words.get(text) {
        return Ok(word);
    }
    if text.len() > BYTES_PER_KEY {
        return Err(StoreError::TooMuch { what: "bytes of a kind", found: text.len(), max: BYTES_PER_KEY });
    }
    if words.len() >= KINDS {
        return Err(StoreError::TooMuch { what: "kinds", found: words.len() + 1, max: KINDS });
    }
    let word: &'static str = Box::leak(text.to_owned().into_boxed_str());
    words.insert(word);
    Ok(word)
}
