//! From arguments to files. The order is that of the arguments; within a directory, pattern or
//! archive it is the byte order of the names, so that it does not depend on the file system.

use super::error::SourceError;
use super::{Method, Place, SourceFile, read_at_most, stream};
use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The most files of one side: a record's location holds the file in 16 bits, and the last number
/// is kept for open items.
pub const FILES_MAX: usize = 65_535;

/// Turns the arguments of one side into its files: paths of files, patterns (`bills/*.csv`),
/// directories (their regular files, without hidden ones), zip archives (their members), named pipes
/// and `-` for standard input. What can be read only once is copied into `spool_dir` first, which is
/// made when needed; the copies are the caller's to remove with the directory.
///
/// # Errors
/// When an argument names nothing, a file comes twice, or there are more than [`FILES_MAX`] files.
pub fn expand(specs: &[String], spool_dir: &Path) -> Result<Vec<SourceFile>, SourceError> {
    expand_with(specs, spool_dir, &mut io::stdin().lock())
}

/// As [`expand`], with another reader in the place of standard input.
///
/// # Errors
/// As [`expand`].
pub fn expand_with(
    specs: &[String],
    spool_dir: &Path,
    stdin: &mut dyn Read,
) -> Result<Vec<SourceFile>, SourceError> {
    let mut found = Found { spool_dir, files: Vec::new(), seen: HashMap::new(), spec: String::new() };
    for spec in specs {
        found.spec.clone_from(spec);
        if spec == "-" {
            found.once("-", (0, 0))?;
            found.spooled("-", stdin)?;
            continue;
        }
        match fs::metadata(spec) {
            Ok(metadata) if metadata.is_dir() => found.directory(Path::new(spec))?,
            Ok(metadata) => found.path(spec, Path::new(spec), &metadata)?,
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(SourceError::io(spec, "open")(error));
            }
            Err(_) if spec.contains(['*', '?', '[']) => found.pattern(spec)?,
            Err(_) => return Err(missing(spec)),
        }
    }
    Ok(found.files)
}

struct Found<'a> {
    spool_dir: &'a Path,
    files: Vec<SourceFile>,
    /// Device and inode of each file, with the argument that named it. Paths would not do: links and
    /// `./` make several of them for one file.
    seen: HashMap<(u64, u64), String>,
    spec: String,
}

impl Found<'_> {
    fn directory(&mut self, directory: &Path) -> Result<(), SourceError> {
        let shown = directory.display().to_string();
        let (mut names, mut hidden, mut directories) = (Vec::new(), 0, 0);
        for entry in fs::read_dir(directory).map_err(SourceError::io(&shown, "list"))? {
            let entry = entry.map_err(SourceError::io(&shown, "list"))?;
            let name = entry.file_name();
            if is_hidden(name.as_encoded_bytes()) {
                hidden += 1;
                continue;
            }
            let path = entry.path();
            let metadata =
                fs::metadata(&path).map_err(SourceError::io(&path.display().to_string(), "open"))?;
            if metadata.is_dir() {
                directories += 1;
            } else if metadata.is_file() {
                self.check_count(names.len())?;
                names.push((name, path, metadata));
            }
        }
        if names.is_empty() {
            return Err(SourceError::NoFiles { path: shown, hidden, directories });
        }
        names.sort_unstable_by(|(a, ..), (b, ..)| a.cmp(b));
        for (_, path, metadata) in names {
            self.path(&path.display().to_string(), &path, &metadata)?;
        }
        Ok(())
    }

    fn pattern(&mut self, pattern: &str) -> Result<(), SourceError> {
        let options = glob::MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: true,
        };
        let paths = glob::glob_with(pattern, options)
            .map_err(|error| SourceError::BadPattern { pattern: pattern.to_owned(), reason: error.msg })?;
        let mut matched = Vec::new();
        for path in paths {
            let path = path.map_err(|error| {
                let name = error.path().display().to_string();
                SourceError::io(&name, "list")(error.into())
            })?;
            let metadata =
                fs::metadata(&path).map_err(SourceError::io(&path.display().to_string(), "open"))?;
            if metadata.is_file() {
                self.check_count(matched.len())?;
                matched.push((path, metadata));
            }
        }
        if matched.is_empty() {
            return Err(SourceError::NoMatch { pattern: pattern.to_owned() });
        }
        matched.sort_unstable_by(|(a, _), (b, _)| a.as_os_str().cmp(b.as_os_str()));
        for (path, metadata) in matched {
            self.path(&path.display().to_string(), &path, &metadata)?;
        }
        Ok(())
    }

    /// Adds a file, the members of an archive, or what comes out of a named pipe.
    fn path(&mut self, name: &str, path: &Path, metadata: &Metadata) -> Result<(), SourceError> {
        self.once(name, (metadata.dev(), metadata.ino()))?;
        if metadata.file_type().is_fifo() {
            let mut pipe = File::open(path).map_err(SourceError::io(name, "open"))?;
            return self.spooled(name, &mut pipe);
        }
        if !metadata.is_file() {
            return Err(SourceError::NotAFile { path: name.to_owned() });
        }
        self.regular(name, path)
    }

    fn spooled(&mut self, name: &str, from: &mut dyn Read) -> Result<(), SourceError> {
        let (path, mut to) = new_spool_file(self.spool_dir, "input", name)?;
        io::copy(from, &mut to).map_err(SourceError::io(name, "spool"))?;
        self.regular(name, &path)
    }

    fn regular(&mut self, name: &str, path: &Path) -> Result<(), SourceError> {
        let file = File::open(path).map_err(SourceError::io(name, "open"))?;
        let metadata = file.metadata().map_err(SourceError::io(name, "read"))?;
        let mut head = [0; 8];
        let len = read_at_most(&file, &mut head, 0).map_err(SourceError::io(name, "read"))?;
        let whole = SourceFile {
            name: Arc::from(name),
            path: path.to_owned(),
            place: Place::Whole,
            seen: (metadata.len(), metadata.modified().ok()),
            spool_dir: self.spool_dir.to_owned(),
        };
        if !stream::is_zip(&head[..len]) {
            return self.add(whole);
        }
        for member in members(&whole, file)? {
            self.add(member)?;
        }
        Ok(())
    }

    fn add(&mut self, file: SourceFile) -> Result<(), SourceError> {
        self.check_count(1)?;
        self.files.push(file);
        Ok(())
    }

    fn check_count(&self, more: usize) -> Result<(), SourceError> {
        let count = self.files.len() + more;
        if count > FILES_MAX { Err(SourceError::TooManyFiles { count, max: FILES_MAX }) } else { Ok(()) }
    }

    /// Refuses a file that came before. Its records would count twice, and a pattern beside a name
    /// is more often a slip than a wish.
    fn once(&mut self, name: &str, identity: (u64, u64)) -> Result<(), SourceError> {
        match self.seen.insert(identity, self.spec.clone()) {
            None => Ok(()),
            Some(first) => {
                Err(SourceError::NamedTwice { path: name.to_owned(), first, second: self.spec.clone() })
            }
        }
    }
}

/// Lists the usable members of a zip archive in order of name.
fn members(archive: &SourceFile, file: File) -> Result<Vec<SourceFile>, SourceError> {
    let name = &*archive.name;
    let damaged = |error: zip::result::ZipError| match error {
        zip::result::ZipError::Io(source) => {
            SourceError::Io { name: name.to_owned(), action: "read", source }
        }
        // The directory of an archive is at its end: where that is missing, the end is.
        other => SourceError::Damaged {
            name: name.to_owned(),
            container: "zip",
            offset: 0,
            reason: format!("{other} (an archive that was cut off looks like this)"),
        },
    };
    let mut zip = zip::ZipArchive::new(io::BufReader::new(file)).map_err(damaged)?;
    if zip.has_duplicate_names() {
        return Err(SourceError::Damaged {
            name: name.to_owned(),
            container: "zip",
            offset: 0,
            reason: "two members have the same name".to_owned(),
        });
    }
    if zip.len() > FILES_MAX {
        return Err(SourceError::TooManyFiles { count: zip.len(), max: FILES_MAX });
    }
    let (mut found, mut hidden, mut directories, mut content) = (Vec::new(), 0, 0, 0_u64);
    for index in 0..zip.len() {
        let member = zip.by_index_raw(index).map_err(damaged)?;
        let member_name = member_name(member.name_raw());
        let full_name = format!("{name}:{member_name}");
        if member_name == "[Content_Types].xml" {
            return Ok(vec![archive.clone()]);
        }
        if member.is_dir() {
            directories += 1;
            continue;
        }
        let base = member_name.rsplit('/').next().unwrap_or_default();
        if is_hidden(base.as_bytes()) || member_name.starts_with("__MACOSX/") {
            hidden += 1;
            continue;
        }
        if member.is_symlink() {
            return Err(SourceError::Unsupported {
                name: full_name,
                what: "a symbolic link in an archive",
                advice: "pack the file itself",
            });
        }
        if member.encrypted() {
            return Err(SourceError::Unsupported {
                name: full_name,
                what: "an encrypted member of an archive",
                advice: "unpack it with its password first",
            });
        }
        let method = method(member.compression()).ok_or_else(|| SourceError::Unsupported {
            name: full_name.clone(),
            what: "a member compressed by a rare method",
            advice: "unpack the archive first; stored, deflate and zstd are read directly",
        })?;
        content = content.saturating_add(member.size());
        let (start, compressed) = (member.data_start(), member.compressed_size());
        let start =
            start.filter(|start| start.checked_add(compressed).is_some_and(|end| end <= archive.seen.0));
        let Some(start) = start else {
            return Err(SourceError::Truncated { name: full_name, container: "zip", offset: 0 });
        };
        found.push(SourceFile {
            name: Arc::from(full_name),
            place: Place::Member { start, compressed, len: member.size(), checksum: member.crc32(), method },
            ..archive.clone()
        });
    }
    check_expansion(archive, content)?;
    if found.is_empty() {
        return Err(SourceError::NoFiles { path: name.to_owned(), hidden, directories });
    }
    found.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// Judges what an archive declares before anything is unpacked. Members that share their bytes (the
/// flat kind of bomb) are caught here, since the sum is set against the archive as a whole.
fn check_expansion(archive: &SourceFile, content: u64) -> Result<(), SourceError> {
    let limit = if content > stream::CONTENT_BYTES_MAX {
        format!("{} bytes", stream::CONTENT_BYTES_MAX)
    } else if content > stream::EXPANSION_FREE_BYTES && content / stream::EXPANSION_MAX > archive.seen.0 {
        format!("{} times", stream::EXPANSION_MAX)
    } else {
        return Ok(());
    };
    Err(SourceError::Bomb {
        name: archive.name.to_string(),
        bytes: content,
        compressed: archive.seen.0,
        limit,
    })
}

/// Decodes the name of a member: UTF-8, which the archive may or may not say, else GB18030, which
/// Chinese systems write without saying so.
fn member_name(raw: &[u8]) -> String {
    match std::str::from_utf8(raw) {
        Ok(name) => name.to_owned(),
        Err(_) => encoding_rs::GB18030.decode_without_bom_handling(raw).0.into_owned(),
    }
}

fn method(method: zip::CompressionMethod) -> Option<Method> {
    match method {
        zip::CompressionMethod::Stored => Some(Method::Stored),
        zip::CompressionMethod::Deflated => Some(Method::Deflated),
        #[expect(deprecated, reason = "the only way to name a method whose feature is off")]
        zip::CompressionMethod::Unsupported(93) => Some(Method::Zstd),
        _ => None,
    }
}

/// Names that begin with a dot, and the empty marker that Spark and Hadoop leave beside their output.
fn is_hidden(name: &[u8]) -> bool {
    name.starts_with(b".") || name == b"_SUCCESS"
}

/// Makes a new file in the spool directory.
pub(super) fn new_spool_file(
    spool_dir: &Path,
    stem: &str,
    for_name: &str,
) -> Result<(PathBuf, File), SourceError> {
    fs::create_dir_all(spool_dir).map_err(SourceError::io(&spool_dir.display().to_string(), "make"))?;
    let mut number = 0;
    loop {
        let path = spool_dir.join(format!("{stem}-{number}"));
        match File::options().read(true).write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < FILES_MAX => number += 1,
            Err(error) => {
                return Err(SourceError::io(&path.display().to_string(), "make")(io::Error::new(
                    error.kind(),
                    format!("{error} (to hold a copy of `{for_name}`)"),
                )));
            }
        }
    }
}

/// Directory entries looked at for a similar name.
const SIMILAR_ENTRIES_MAX: usize = 10_000;

fn missing(spec: &str) -> SourceError {
    let path = Path::new(spec);
    let absent = path.ancestors().skip(1).filter(|a| !a.as_os_str().is_empty() && !a.exists()).last();
    let directory = absent.map(|path| path.display().to_string());
    let similar = if directory.is_none() { similar(path) } else { None };
    SourceError::Missing { path: spec.to_owned(), directory, similar }
}

/// Finds the name in the same directory that is the fewest changes away, if few enough.
fn similar(path: &Path) -> Option<String> {
    let wanted = path.file_name()?.to_str()?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let entries = fs::read_dir(parent.unwrap_or(Path::new("."))).ok()?;
    let names =
        entries.take(SIMILAR_ENTRIES_MAX).filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let distance = |name: &str| {
        let plain = strsim::osa_distance(wanted, name);
        // Another case, or a compression's ending more or less, is the same name to people.
        if wanted.eq_ignore_ascii_case(name) {
            return 0;
        }
        let longer_by_ending = |a: &str, b: &str| a.strip_prefix(b).is_some_and(|end| end.starts_with('.'));
        if longer_by_ending(wanted, name) || longer_by_ending(name, wanted) { plain.min(1) } else { plain }
    };
    let (distance, name) = names.map(|name| (distance(&name), name)).min()?;
    if distance > wanted.chars().count() / 3 {
        return None;
    }
    Some(parent.map_or_else(|| name.clone(), |parent| parent.join(&name).display().to_string()))
}
