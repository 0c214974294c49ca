//! What is wrong with a store, in words for people.

use crate::error::Trouble;
use suanpan_store::StoreError;

/// Says where a store has which trouble, and what to do.
pub(crate) fn at_store(error: StoreError) -> Trouble {
    let (place, next) = match &error {
        StoreError::Address { address, .. } => {
            (address.clone(), "give a path such as suanpan.db, or postgres://user@host/name".to_owned())
        }
        StoreError::Foreign { at, .. } => (at.clone(), "give another --store".to_owned()),
        StoreError::Newer { at, .. } => (at.clone(), "use the newer program".to_owned()),
        StoreError::Migration { at, .. } => {
            (at.clone(), "try again; nothing was changed. suanpan doctor may tell more".to_owned())
        }
        StoreError::Unsafe { at, setting, wanted, .. } => (
            at.clone(),
            format!("set {setting} = {wanted} in the configuration of the database, and reload it"),
        ),
        StoreError::OtherCell { at, stored, .. } => {
            (at.clone(), format!("give --cell {stored}, or another --store"))
        }
        StoreError::Held { holder, left_ms, .. } => (
            holder.clone(),
            format!(
                "stop that process and try again, or ask it over HTTP; when it is gone already, its lease ends in {} s",
                left_ms.div_ceil(1000)
            ),
        ),
        StoreError::Fenced { .. } => {
            ("the lease of the cell".to_owned(), "another process writes now: try again later".to_owned())
        }
        StoreError::Unavailable { at, .. } | StoreError::Unknown { at, .. } => (
            at.clone(),
            "check that the database runs and can be reached; suanpan doctor may tell more".to_owned(),
        ),
        StoreError::Damaged { at, .. } => {
            (at.clone(), "suanpan ledger verify names all that is wrong; then restore a backup".to_owned())
        }
        StoreError::TooMuch { what, .. } => ((*what).to_owned(), "ask for less at once".to_owned()),
        StoreError::Unsupported { at, .. } => (at.clone(), "see docs/guide/backup.md".to_owned()),
    };
    Trouble::new(error.code(), error.to_string()).at(place).next(next).because(error)
}

/// Says that what is stored cannot be read as books.
pub(crate) fn damaged(place: &str, what: impl std::fmt::Display) -> Trouble {
    Trouble::new("books_damaged", format!("the books cannot be read: {what}"))
        .at(place)
        .next("suanpan ledger verify names all that is wrong; then restore a backup")
}
