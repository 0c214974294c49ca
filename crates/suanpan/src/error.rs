//! Errors as people see them: what is wrong, where, and what to do next. Three lines, and with
//! `--verbose` the causes.

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use suanpan_recon::party::SketchError;
use suanpan_recon::report::ReportError;
use suanpan_recon::rule::RuleErrors;
use suanpan_recon::source::SourceError;
use suanpan_recon::{LayoutError, ReconError};
use suanpan_sim::day::SimError;

/// How the process ends; see `suanpan reconcile --help`.
pub(crate) mod status {
    /// Both sides agree, or what was asked for is done.
    pub(crate) const FINE: u8 = 0;
    /// There are differences.
    pub(crate) const DIFFERENCES: u8 = 1;
    /// Usage, an unreadable file, a wrong rule.
    pub(crate) const TROUBLE: u8 = 2;
    /// An expected input is missing.
    pub(crate) const INCOMPLETE: u8 = 3;
    /// Stopped by a signal.
    pub(crate) const INTERRUPTED: u8 = 130;
}

/// Why a command did not do what was asked.
#[derive(Debug)]
pub(crate) struct Trouble {
    /// What is wrong, at least one thing.
    pub(crate) faults: Vec<Fault>,
    /// How the process ends.
    pub(crate) status: u8,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// A stable name, for programs.
    pub(crate) code: &'static str,
    /// What is wrong.
    pub(crate) what: String,
    /// Where: `file:row:column`, a setting, a flag.
    pub(crate) place: Option<String>,
    /// What to do next.
    pub(crate) next: Option<String>,
}

impl Trouble {
    /// Makes a trouble with one fault.
    pub(crate) fn new(code: &'static str, what: impl Into<String>) -> Trouble {
        let fault = Fault { code, what: what.into(), place: None, next: None };
        Trouble { faults: vec![fault], status: status::TROUBLE, source: None }
    }

    /// Says where.
    pub(crate) fn at(mut self, place: impl Into<String>) -> Trouble {
        self.faults[0].place = Some(place.into());
        self
    }

    /// Says what to do next.
    pub(crate) fn next(mut self, next: impl Into<String>) -> Trouble {
        self.faults[0].next = Some(next.into());
        self
    }

    /// Keeps the cause.
    pub(crate) fn because(mut self, source: impl Error + Send + Sync + 'static) -> Trouble {
        self.source = Some(Box::new(source));
        self
    }

    /// Sets how the process ends.
    pub(crate) fn ends_with(mut self, status: u8) -> Trouble {
        self.status = status;
        self
    }

    /// A file that could not be read or written.
    pub(crate) fn io(doing: &str, path: &Path, source: io::Error) -> Trouble {
        let next = match source.kind() {
            io::ErrorKind::NotFound => "check the path; relative paths start at the working directory",
            io::ErrorKind::PermissionDenied => "check that this user may do that",
            io::ErrorKind::StorageFull => "make room, or choose another folder",
            _ => "check the disk and the path",
        };
        Trouble::new("io", format!("cannot {doing} {}: {source}", path.display()))
            .at(path.display().to_string())
            .next(next)
            .because(source)
    }

    /// Rules that are wrong, each fault with its place.
    pub(crate) fn rules(file: &str, errors: &RuleErrors) -> Trouble {
        let mut faults: Vec<Fault> = errors
            .faults
            .iter()
            .map(|fault| {
                let setting =
                    if fault.path.is_empty() { String::new() } else { format!(" `{}`", fault.path) };
                let default = "docs/reference/rules.md describes every setting";
                Fault {
                    code: fault.code.name(),
                    what: fault.message.clone(),
                    place: Some(format!("{file}:{}:{}{setting}", fault.line, fault.column)),
                    next: Some(fault.help.clone().unwrap_or_else(|| default.to_owned())),
                }
            })
            .collect();
        if errors.more > 0 || faults.is_empty() {
            let what = format!("{} more faults in the rules", errors.more);
            let next = Some("correct those above first".to_owned());
            faults.push(Fault { code: "more_faults", what, place: Some(file.to_owned()), next });
        }
        Trouble { faults, status: status::TROUBLE, source: None }
    }

    /// Writes three lines for each fault, and the causes when asked.
    pub(crate) fn print(&self, to: &mut dyn Write, verbose: bool, color: bool) -> io::Result<()> {
        let (red, plain) = if color { ("\x1b[1;31m", "\x1b[0m") } else { ("", "") };
        for fault in &self.faults {
            writeln!(to, "{red}error[{}]{plain}: {}", fault.code, one_line(&fault.what))?;
            if let Some(place) = &fault.place {
                writeln!(to, "  where: {}", one_line(place))?;
            }
            if let Some(next) = &fault.next {
                writeln!(to, "  next:  {}", one_line(next))?;
            }
        }
        if verbose {
            let mut cause = self.source.as_ref().map(|source| &**source as &dyn Error);
            while let Some(error) = cause {
                writeln!(to, "  cause: {}", one_line(&error.to_string()))?;
                cause = error.source();
            }
        }
        Ok(())
    }
}

/// Texts of files may hold anything; an error is one line.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

impl From<ReconError> for Trouble {
    fn from(error: ReconError) -> Trouble {
        let what = error.to_string();
        let trouble = match error {
            ReconError::Source(error) => return error.into(),
            ReconError::Layout(error) => return error.into(),
            ReconError::Report(error) => return error.into(),
            ReconError::Header { ref file, .. } => Trouble::new("header", what)
                .at(format!("{file}:1"))
                .next("check `delimiter`, `header`, `skip_lines` and `encoding` of this side in the rules"),
            ReconError::Io { ref path, .. } => {
                Trouble::new("io", what).at(path.display().to_string()).next("check the disk and its free room")
            }
            ReconError::Changed { ref file } => Trouble::new("source_changed", what)
                .at(file.clone())
                .next("run again once nobody writes to it any more"),
            ReconError::RowTooLong { ref file, offset, .. } => Trouble::new("row_too_long", what)
                .at(format!("{file}, byte {offset}"))
                .next("close the quote, or set quote = \"\" in the rules when quotes are plain characters"),
            ReconError::OpenItems { ref file, .. } => Trouble::new("open_items", what)
                .at(file.clone())
                .next("give open_items.parquet as the run before wrote it"),
            ReconError::TooManyDifferences { .. } => Trouble::new("too_many_differences", what)
                .at("--max-differences")
                .next("look at the key, the unit of the amount and the map of statuses: suanpan reconcile check")
                .ends_with(status::DIFFERENCES),
            ReconError::Interrupted => Trouble::new("interrupted", what)
                .next("what was read is kept in the output folder: the same command with --resume goes on from there")
                .ends_with(status::INTERRUPTED),
            ReconError::Invariant(_) => Trouble::new("invariant", what)
                .next("this is a fault of suanpan: please report it with the line above and, if you may, the inputs"),
            ReconError::MemoryTooSmall { least, .. } => {
                // Rounded up, so that what is named is enough.
                let least = least.div_ceil(1 << 20);
                Trouble::new("memory_too_small", what)
                    .at("--memory")
                    .next(format!("give --memory {least}MiB or more, or fewer --threads"))
            }
            ReconError::Resume { ref path, .. } => Trouble::new("resume", what)
                .at(path.display().to_string())
                .next("run without --resume, or give another --out"),
            ReconError::Killed | ReconError::QuotesSeen { .. } => {
                Trouble::new("internal", what).next("this is a fault of suanpan: please report it")
            }
        };
        trouble.because(error)
    }
}

impl From<SourceError> for Trouble {
    fn from(error: SourceError) -> Trouble {
        let place = match &error {
            SourceError::Missing { path, .. }
            | SourceError::NoMatch { pattern: path }
            | SourceError::BadPattern { pattern: path, .. }
            | SourceError::NoFiles { path, .. }
            | SourceError::NotAFile { path }
            | SourceError::NamedTwice { path, .. } => Some(path.clone()),
            SourceError::TooManyFiles { .. } => None,
            SourceError::Empty { name }
            | SourceError::Changed { name }
            | SourceError::Io { name, .. }
            | SourceError::Bomb { name, .. }
            | SourceError::Unsupported { name, .. }
            | SourceError::EncodingConflict { name, .. } => Some(name.clone()),
            SourceError::Truncated { name, offset, .. } | SourceError::Damaged { name, offset, .. } => {
                Some(format!("{name}, byte {offset} of its content"))
            }
            SourceError::Malformed { name, line, offset, .. } => {
                Some(format!("{name}:{line}, byte {offset}"))
            }
            SourceError::ColumnType { name, column, .. } => Some(format!("{name}, column `{column}`")),
            SourceError::Value { name, row, column, .. } => Some(format!("{name}:{}:{column}", row + 1)),
        };
        let mut trouble = Trouble::new(error.code(), error.to_string());
        trouble.faults[0].place = place;
        trouble.faults[0].next = error.hint();
        match error {
            SourceError::Io { source, .. } => {
                trouble.faults[0].what.push_str(&format!(": {source}"));
                trouble.because(source)
            }
            other => trouble.because(other),
        }
    }
}

impl From<LayoutError> for Trouble {
    fn from(error: LayoutError) -> Trouble {
        match &error {
            LayoutError::MissingColumn { file, side, column, used_for, similar, header } => {
                let next = match similar {
                    Some(similar) => format!("did you mean `{similar}`? the file has: {}", header.join(", ")),
                    None => format!("the file has: {}", header.join(", ")),
                };
                Trouble::new(
                    "missing_column",
                    format!("no column `{column}`, which the rules name for {side}.{used_for}"),
                )
                .at(format!("{file}:1"))
                .next(next)
            }
            LayoutError::AmbiguousColumn { file, column, first } => {
                Trouble::new("ambiguous_column", format!("column `{column}` stands twice in the header"))
                    .at(format!("{file}:1:{column}"))
                    .next(format!("name it by position in the rules, such as `#{first}`"))
            }
            LayoutError::Time { side, field, message } => Trouble::new("time", message.clone())
                .at(format!("the rules, {side}.{field}"))
                .next("docs/reference/rules.md describes formats and zones"),
        }
        .because(error)
    }
}

impl From<ReportError> for Trouble {
    fn from(error: ReportError) -> Trouble {
        let (code, place, next) = match &error {
            ReportError::Write { path, .. } => {
                ("report_write", Some(path), "check that the folder may be written and has room")
            }
            ReportError::Spill { dir, .. } => {
                ("report_spill", Some(dir), "make room on that disk, or give more --memory")
            }
            ReportError::Parquet { path, .. } => {
                ("report_parquet", Some(path), "check the disk and its free room")
            }
            ReportError::Json { .. } => ("report_json", None, "this is a fault of suanpan: please report it"),
        };
        let mut what = error.to_string();
        if let Some(source) = error.source() {
            what.push_str(&format!(": {source}"));
        }
        let mut trouble = Trouble::new(code, what).next(next);
        trouble.faults[0].place = place.map(|path| path.display().to_string());
        trouble.because(error)
    }
}

impl From<SketchError> for Trouble {
    fn from(error: SketchError) -> Trouble {
        let what = error.to_string();
        match error {
            SketchError::Io { path, source } => Trouble::new("io", what)
                .at(path)
                .next("check the path and that this user may read it")
                .because(source),
            SketchError::Damaged { path, .. } => {
                Trouble::new("sketch_damaged", what).at(path).next("make the sketch again, or fetch it again")
            }
            SketchError::Mismatch(_) => Trouble::new("sketch_mismatch", what)
                .next("make both with the same rules, secret and --cells: one with --side left, one with --side right"),
        }
    }
}

impl From<SimError> for Trouble {
    fn from(error: SimError) -> Trouble {
        let trouble = Trouble::new("generate", error.to_string());
        let trouble = match &error {
            SimError::Io { path, source, .. } => {
                let mut trouble = trouble.at(path.display().to_string());
                trouble.faults[0].what.push_str(&format!(": {source}"));
                trouble.next("check the path, the disk and its free room")
            }
            SimError::Parquet { path, .. } => {
                trouble.at(path.display().to_string()).next("check the disk and its free room")
            }
            SimError::FaultsTooLarge { path, .. } => {
                trouble.at(path.display().to_string()).next("give the file that lists the faults, or default")
            }
            SimError::FaultsSyntax { origin, source } => {
                let mut trouble = trouble.at(origin.clone());
                trouble.faults[0].what.push_str(&format!(": {}", source.message()));
                trouble.next("correct the file; suanpan generate day --help shows an example")
            }
            SimError::SettingUnknown { origin, .. }
            | SimError::SettingWrong { origin, .. }
            | SimError::SetTwice { origin, .. }
            | SimError::FaultUnknown { origin, .. }
            | SimError::CurrencyUnknown { origin, .. }
            | SimError::FaultsExceedRecords { origin, .. } => {
                trouble.at(origin.clone()).next("correct the faults file")
            }
            SimError::OptionWrong { option, .. } => {
                trouble.at(*option).next("see suanpan generate day --help")
            }
            _ => {
                trouble.at("suanpan generate day").next("change the options; see suanpan generate day --help")
            }
        };
        trouble.because(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(trouble: &Trouble, verbose: bool) -> String {
        let mut text = Vec::new();
        trouble.print(&mut text, verbose, false).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn an_error_is_three_lines_and_its_causes_only_when_asked() {
        let source = SourceError::Io {
            name: "a.csv".to_owned(),
            action: "open",
            source: io::Error::new(io::ErrorKind::PermissionDenied, "no entry"),
        };
        let trouble = Trouble::from(ReconError::from(source));
        let text = printed(&trouble, false);
        assert_eq!(
            text,
            "error[source_io]: `a.csv`: cannot open: no entry\n  where: a.csv\n  next:  check that the file can be read by this user\n"
        );
        assert_eq!(printed(&trouble, true), format!("{text}  cause: no entry\n"));
        assert_eq!(trouble.status, status::TROUBLE);
    }

    #[test]
    fn texts_of_files_cannot_forge_lines_or_colours() {
        let trouble = Trouble::new("x", "column `a\nerror[y]: \x1b[31mred`").at("f\r\n:1");
        assert_eq!(printed(&trouble, false), "error[x]: column `a error[y]:  [31mred`\n  where: f  :1\n");
    }

    #[test]
    fn each_fault_of_rules_has_its_place() {
        let errors = suanpan_recon::rule::Rules::from_toml("version = 1\nnaem = \"x\"\n").unwrap_err();
        let trouble = Trouble::rules("r.toml", &errors);
        assert!(trouble.faults.len() >= 2);
        let unknown = trouble.faults.iter().find(|fault| fault.code == "unknown_setting").unwrap();
        assert_eq!(unknown.place.as_deref(), Some("r.toml:2:1 `naem`"));
        assert!(unknown.next.as_deref().unwrap().contains("did you mean `name`"));
    }

    #[test]
    fn too_many_differences_are_differences_and_an_interrupt_is_130() {
        assert_eq!(Trouble::from(ReconError::TooManyDifferences { most: 3 }).status, 1);
        assert_eq!(Trouble::from(ReconError::Interrupted).status, 130);
    }
}
