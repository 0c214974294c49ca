//! Where the newest acknowledgement is kept, so that a database that has forgotten it is not written.

use crate::cli::ServeArgs;
use crate::error::Trouble;
use crate::store::file_of;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use suanpan_store::Database;

/// Returns the file: as asked for, beside a file of SQLite, or among what the programs of this user keep. None for
/// what lives in memory. Makes its folder when it is missing.
pub(super) fn place(args: &ServeArgs, database: &Database) -> Result<Option<PathBuf>, Trouble> {
    if let Some(asked) = &args.acknowledged {
        return Ok(Some(asked.clone()));
    }
    if database.engine() == "sqlite" {
        return Ok(file_of(&args.store.store).map(|file| {
            let mut name = file.as_os_str().to_owned();
            name.push(".acknowledged");
            name.into()
        }));
    }
    let folder = folder(|name| std::env::var_os(name));
    std::fs::create_dir_all(&folder).map_err(|error| {
        Trouble::new("acknowledged", format!("no place to keep the newest acknowledgement: {error}"))
            .at(folder.display().to_string())
            .next("give one: --acknowledged FILE")
    })?;
    let node = args.advertise.as_deref().unwrap_or(&args.listen);
    Ok(Some(folder.join(name(args.cell, database.place(), node))))
}

/// Each cell, database and process has a name of its own.
fn name(cell: u32, place: &str, node: &str) -> String {
    let digest = blake3::hash(format!("{place}\n{node}").as_bytes()).to_hex();
    format!("cell-{cell}-{}.acknowledged", &digest[..16])
}

/// Returns where programs keep their state, by the rules of XDG; the working directory where no home is known.
fn folder(variable: impl Fn(&str) -> Option<OsString>) -> PathBuf {
    let absolute = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .map_or_else(|| Path::new(".").to_owned(), |state| state.join("suanpan"))
}

#[cfg(test)]
mod tests {
    use super::{folder, name};
    use std::path::Path;

    #[test]
    fn each_process_has_a_file_of_its_own() {
        let one = name(1, "postgres://a@host/books", "http://127.0.0.1:4242");
        assert_eq!(one, name(1, "postgres://a@host/books", "http://127.0.0.1:4242"));
        assert!(one.starts_with("cell-1-") && one.ends_with(".acknowledged"), "{one}");
        assert_ne!(one, name(1, "postgres://a@host/books", "http://127.0.0.1:4243"));
        assert_ne!(one, name(1, "postgres://a@host/other", "http://127.0.0.1:4242"));
    }

    #[test]
    fn it_lies_where_programs_keep_their_state() {
        let with = |state: Option<&str>, home: Option<&str>| {
            folder(|name| match name {
                "XDG_STATE_HOME" => state.map(Into::into),
                "HOME" => home.map(Into::into),
                _ => None,
            })
        };
        assert_eq!(with(Some("/state"), Some("/home/me")), Path::new("/state/suanpan"));
        assert_eq!(with(None, Some("/home/me")), Path::new("/home/me/.local/state/suanpan"));
        assert_eq!(with(Some("relative"), Some("/home/me")), Path::new("/home/me/.local/state/suanpan"));
        assert_eq!(with(None, None), Path::new("."));
    }
}
