//! From `--store` to a database, and to an engine that writes it in this process.

mod embedded;
mod trouble;

pub(crate) use embedded::{Embedded, refused};
pub(crate) use trouble::{at_store, damaged};

use crate::cli::StoreArgs;
use crate::error::Trouble;
use std::path::{Path, PathBuf};
use suanpan_store::{Database, open};

/// Returns the file of an address that names one: none for PostgreSQL, and for what lives in memory.
pub(crate) fn file_of(address: &str) -> Option<&Path> {
    if address.contains("://") {
        return None;
    }
    let path = address.strip_prefix("sqlite:").unwrap_or(address);
    (path != ":memory:").then(|| Path::new(path))
}

/// Opens a store, and makes it when it is not there.
pub(crate) fn open_or_make(args: &StoreArgs) -> Result<Database, Trouble> {
    open(&args.store).map_err(at_store)
}

/// Opens a store that must be there.
pub(crate) fn open_existing(args: &StoreArgs) -> Result<Database, Trouble> {
    if let Some(path) = file_of(&args.store).filter(|path| !path.exists()) {
        return Err(Trouble::new("store_missing", format!("there is no store at {}", path.display()))
            .at(path.display().to_string())
            .next("give --store, or make one: suanpan serve, or suanpan ledger open"));
    }
    open_or_make(args)
}

/// Returns the place of a file that belongs to a store: beside its file, or in the working directory.
pub(crate) fn beside(args: &StoreArgs, extension: &str) -> PathBuf {
    match file_of(&args.store) {
        Some(path) => path.with_extension(extension),
        None => PathBuf::from("suanpan").with_extension(extension),
    }
}
