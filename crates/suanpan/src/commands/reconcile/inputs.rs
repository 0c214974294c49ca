//! What a run is given: sides, rules, secrets, and a place for scratch files.

use crate::error::Trouble;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use suanpan_recon::digest::Secret;
use suanpan_recon::limits::RULES_BYTES_MAX;
use suanpan_recon::record::Side;
use suanpan_recon::rule::Rules;
use suanpan_recon::source::{SourceError, SourceFile, expand};

/// What the command line names for each side.
#[derive(Debug)]
pub(super) struct Specs([Vec<String>; 2]);

impl Specs {
    /// Takes the first and the further arguments of each side.
    pub(super) fn new(first: [&Option<String>; 2], more: [&[String]; 2]) -> Result<Specs, Trouble> {
        let sides = [0, 1].map(|side| first[side].iter().chain(more[side]).cloned().collect::<Vec<_>>());
        if sides.iter().flatten().filter(|spec| *spec == "-").count() > 1 {
            return Err(Trouble::new("stdin_twice", "standard input can be read only once")
                .at("-")
                .next("give the other side as a file"));
        }
        Ok(Specs(sides))
    }

    /// Finds the files of both sides.
    pub(super) fn expand(&self, spool_dir: &Path) -> Result<[Vec<SourceFile>; 2], Trouble> {
        Ok([expand(&self.0[0], spool_dir)?, expand(&self.0[1], spool_dir)?])
    }

    /// Finds the files of both sides. Where the rules say what must come, an argument that names
    /// nothing is not an error but a missing input.
    pub(super) fn expand_expected(
        &self,
        rules: &Rules,
        spool_dir: &Path,
    ) -> Result<([Vec<SourceFile>; 2], Vec<String>), Trouble> {
        let (mut files, mut missing) = ([Vec::new(), Vec::new()], Vec::new());
        for side in Side::BOTH {
            let (at, expect) = (side.index(), &rules.expect);
            if expect.names[at].is_empty() && expect.files_min[at] == 0 {
                files[at] = expand(&self.0[at], spool_dir)?;
                continue;
            }
            let mut there = Vec::new();
            for spec in &self.0[at] {
                if read_once(spec) {
                    there.push(spec.clone());
                    continue;
                }
                match expand(std::slice::from_ref(spec), spool_dir) {
                    Err(
                        error @ (SourceError::Missing { .. }
                        | SourceError::NoMatch { .. }
                        | SourceError::NoFiles { .. }),
                    ) => missing.push(format!("{}: {error}", side.name())),
                    Err(error) => return Err(error.into()),
                    Ok(_) => there.push(spec.clone()),
                }
            }
            files[at] = expand(&there, spool_dir)?;
        }
        Ok((files, missing))
    }
}

/// Says whether an argument can be read only once: standard input and pipes, which are always there.
fn read_once(spec: &str) -> bool {
    spec == "-" || fs::metadata(spec).is_ok_and(|metadata| metadata.file_type().is_fifo())
}

/// Finds the one file that an argument names.
pub(super) fn one_file(spec: &str, spool_dir: &Path) -> Result<SourceFile, Trouble> {
    let mut files = expand(&[spec.to_owned()], spool_dir)?;
    match files.pop() {
        Some(file) if files.is_empty() => Ok(file),
        _ => Err(Trouble::new("one_file", format!("`{spec}` names more than one file"))
            .at(spec)
            .next("name one file")),
    }
}

/// Reads a rules file.
pub(crate) fn load_rules(path: &Path) -> Result<Rules, Trouble> {
    let text = match read_text(path, RULES_BYTES_MAX as u64) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Trouble::io("read", path, error)
                .next("suanpan reconcile init LEFT RIGHT writes first rules from two files"));
        }
        other => other.map_err(|error| Trouble::io("read", path, error))?,
    };
    Rules::from_toml(&text).map_err(|errors| Trouble::rules(&path.display().to_string(), &errors))
}

/// Reads a text up to one byte more than it may have, which its reader then refuses.
fn read_text(path: &Path, bytes_max: u64) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(bytes_max + 1).read_to_string(&mut text)?;
    Ok(text)
}

/// The least length of a shared secret.
const SECRET_BYTES_MIN: usize = 16;
/// The most that is read of a secret file: more is some other file.
const SECRET_BYTES_MAX: u64 = 64 << 10;

/// Reads a secret that parties share. Blanks around it do not count, since editors add them.
pub(crate) fn load_secret(path: &Path) -> Result<Secret, Trouble> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(SECRET_BYTES_MAX + 1).read_to_end(&mut bytes));
    read.map_err(|error| Trouble::io("read", path, error))?;
    let secret = bytes.trim_ascii();
    let place = path.display().to_string();
    if secret.len() < SECRET_BYTES_MIN {
        return Err(Trouble::new("secret_too_short", "the secret can be guessed: it has too few characters")
            .at(place)
            .next(format!("take at least {SECRET_BYTES_MIN}, such as from: openssl rand -hex 32")));
    }
    if bytes.len() as u64 > SECRET_BYTES_MAX {
        return Err(Trouble::new("secret_too_long", "this is too large to be a secret")
            .at(place)
            .next("name the file that holds the secret alone"));
    }
    Ok(Secret::shared(secret))
}

/// A folder for scratch files, removed when it is dropped.
#[derive(Debug)]
pub(crate) enum Scratch {
    /// In the output folder, which is where a run's room is.
    Within {
        /// The folder.
        path: PathBuf,
        /// The output folder, where it was made for this run.
        made: Option<PathBuf>,
        /// Held so that no other run uses the same output folder at the same time.
        _lock: File,
    },
    /// Where the system keeps temporary files.
    Anywhere(tempfile::TempDir),
}

impl Scratch {
    /// Makes the output folder and the folder for scratch files in it.
    pub(crate) fn within(out: &Path) -> Result<Scratch, Trouble> {
        let path = out.join(".work");
        let made = (!out.exists()).then(|| out.to_owned());
        fs::create_dir_all(&path).map_err(|error| {
            Trouble::io("create", &path, error).at("--out").next("name a folder that may be written")
        })?;
        let lock = File::open(&path).map_err(|error| Trouble::io("open", &path, error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Trouble::new("output_in_use", "another run writes into this folder")
                    .at(out.display().to_string())
                    .next("wait for it, or give another --out"));
            }
            Err(TryLockError::Error(error)) => return Err(Trouble::io("lock", &path, error)),
        }
        // What a killed run left behind.
        for entry in fs::read_dir(&path).map_err(|error| Trouble::io("list", &path, error))? {
            let left = entry.map_err(|error| Trouble::io("list", &path, error))?.path();
            let removed = if left.is_dir() { fs::remove_dir_all(&left) } else { fs::remove_file(&left) };
            removed.map_err(|error| Trouble::io("remove", &left, error))?;
        }
        Ok(Scratch::Within { path, made, _lock: lock })
    }

    /// Makes a folder where the system keeps temporary files.
    pub(crate) fn anywhere() -> Result<Scratch, Trouble> {
        let dir = tempfile::tempdir()
            .map_err(|error| Trouble::io("create a folder in", &std::env::temp_dir(), error))?;
        Ok(Scratch::Anywhere(dir))
    }

    /// Returns the folder.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Scratch::Within { path, .. } => path,
            Scratch::Anywhere(dir) => dir.path(),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Scratch::Within { path, made, .. } = self {
            // The run is over; the next one clears what could not be removed.
            let _ = fs::remove_dir_all(path);
            // A folder that was made for nothing goes again; one with anything in it cannot.
            if let Some(out) = made {
                let _ = fs::remove_dir(out);
            }
        }
    }
}

/// Refuses to write over a file unless that was asked for.
pub(super) fn refuse_to_replace(path: &Path, force: bool) -> Result<(), Trouble> {
    if force || !path.exists() {
        return Ok(());
    }
    Err(Trouble::new("file_exists", format!("{} is there already", path.display()))
        .at(path.display().to_string())
        .next("give another name with -o, or --force to replace it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_folder_serves_one_run_at_a_time_and_is_cleared_of_what_was_left() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("a/b");
        fs::create_dir_all(out.join(".work/old")).unwrap();
        fs::write(out.join(".work/input-0"), "left by a killed run").unwrap();
        let first = Scratch::within(&out).unwrap();
        assert_eq!(fs::read_dir(first.path()).unwrap().count(), 0);
        let second = Scratch::within(&out).unwrap_err();
        assert_eq!(second.faults[0].code, "output_in_use");
        drop(first);
        assert!(!out.join(".work").exists());
        Scratch::within(&out).unwrap();
        assert!(out.exists(), "it was there before");
        let made = dir.path().join("c");
        drop(Scratch::within(&made).unwrap());
        assert!(!made.exists(), "nothing was written into it");
        let kept = Scratch::within(&made).unwrap();
        fs::write(made.join("summary.json"), "{}").unwrap();
        drop(kept);
        assert!(made.join("summary.json").exists());
    }

    #[test]
    fn secrets_are_long_enough_and_blanks_around_them_do_not_count() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        let load = |text: &str| {
            fs::write(&path, text).unwrap();
            load_secret(&path)
        };
        assert_eq!(load("0123456789abcdef\n").unwrap(), load("  0123456789abcdef").unwrap());
        assert_eq!(load("0123456789abcde\n\n\n").unwrap_err().faults[0].code, "secret_too_short");
        assert_eq!(load(&"x".repeat(70_000)).unwrap_err().faults[0].code, "secret_too_long");
        assert_eq!(load_secret(&dir.path().join("none")).unwrap_err().faults[0].code, "io");
    }
}
