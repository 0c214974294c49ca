//! Statements on their way to the engine: told by content, read, held against what they declare, and turned
//! into rows that the engine reads.

mod rows;
mod workbook;

use crate::error::Trouble;
use crate::terminal::{Terminal, harmless};
use rows::RowWriter;
pub(crate) use rows::{described, row_header, row_of};
use serde::Serialize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use suanpan_formats::{
    Catalogue, Check, Event, Head, Identified, IdentifyError, Input, Options, ReadError, Tally, read,
};
use suanpan_recon::source::{SourceError, SourceFile};
pub(crate) use workbook::as_table;

/// Failing checks and faults of a file that are told one by one.
const TOLD_MAX: usize = 5;

/// What came of one statement.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Delivery {
    /// The file as it was named.
    pub(crate) name: String,
    /// `left` or `right`.
    pub(crate) side: &'static str,
    /// The format's id.
    pub(crate) format: String,
    /// How the format was told.
    pub(crate) evidence: String,
    /// BLAKE3 of the file's stored bytes.
    pub(crate) digest: String,
    /// Statements in it.
    pub(crate) statements: u64,
    /// Records in it.
    pub(crate) records: u64,
    /// Lines that could not be read.
    pub(crate) faults: u64,
    /// Declared totals that agree with the content.
    pub(crate) checks_agreed: u64,
    /// Declared totals that do not.
    pub(crate) checks_failed: u64,
    /// The failing checks and faults, in words; the first of them.
    pub(crate) findings: Vec<String>,
    /// Who said that the file may be used although it does not tie.
    pub(crate) accepted_by: Option<String>,
    /// Why it was left out: delivered twice, or in part before.
    pub(crate) left_out: Option<String>,
    #[serde(skip)]
    rows: PathBuf,
    #[serde(skip)]
    rows_digest: blake3::Hash,
    #[serde(skip)]
    first_row: blake3::Hash,
}

/// Tells the format of a file, or `None` where it is a table for rules.
pub(crate) fn tell(catalogue: &Catalogue, source: &SourceFile) -> Result<Option<Identified>, Trouble> {
    let head = match open(source) {
        Ok(input) => input.head,
        // What is wrong with the file is told better by who reads it as a table.
        Err(_) => return Ok(None),
    };
    match catalogue.identify(&head) {
        Ok(identified) => Ok(Some(identified)),
        Err(IdentifyError::None { .. }) => Ok(None),
        Err(error @ IdentifyError::Several { .. }) => {
            Err(Trouble::new("format_ambiguous", error.to_string())
                .at(source.name())
                .next(format!("see why: suanpan formats identify {}", harmless(source.name()))))
        }
    }
}

/// Opens the bytes of a source.
pub(crate) fn open(source: &SourceFile) -> Result<Input<'static>, Trouble> {
    Input::open(source.open_bytes()?).map_err(|error| unreadable(source.name(), &error))
}

/// Reads the head of a source.
pub(crate) fn head(source: &SourceFile) -> Result<Head, Trouble> {
    Ok(open(source)?.head)
}

/// Says that a statement cannot be read further.
pub(crate) fn unreadable(name: &str, error: &ReadError) -> Trouble {
    if let ReadError::Io(cause) = error
        && let Some(source) = cause.get_ref().and_then(|inner| inner.downcast_ref::<SourceError>())
    {
        return Trouble::new("statement_unreadable", source.to_string()).at(name);
    }
    Trouble::new("statement_unreadable", error.to_string())
        .at(name)
        .next("ask the sender for the file again; suanpan formats show prints what can be read before it")
}

/// How statements are taken.
#[derive(Debug)]
pub(crate) struct Taking<'a> {
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) options: Options,
    /// Who accepts files that do not tie.
    pub(crate) accepted_by: Option<&'a str>,
    /// Where rows are put.
    pub(crate) dir: &'a Path,
    pub(crate) terminal: Terminal,
}

impl Taking<'_> {
    /// Turns a statement into rows.
    pub(crate) fn take(
        &self,
        source: &SourceFile,
        side: &'static str,
        identified: &Identified,
    ) -> Result<(SourceFile, Delivery), Trouble> {
        let name = source.name();
        std::fs::create_dir_all(self.dir).map_err(|error| Trouble::io("create", self.dir, error))?;
        let mut writer = RowWriter::new(self.dir)?;
        let mut findings = Vec::new();
        let mut failed = None;
        let tally = read(&identified.format, open(source)?, &self.options, &mut |event| {
            let done = match event {
                Event::Record(record) => writer.write(&record),
                Event::Check(check) if !check.agrees => {
                    findings.push(told_check(&check));
                    Ok(())
                }
                Event::Fault(fault) => {
                    findings.push(format!("cannot be read: {fault}"));
                    Ok(())
                }
                Event::Check(_) | Event::Statement(_) => Ok(()),
            };
            findings.truncate(100);
            match done {
                Ok(()) => ControlFlow::Continue(()),
                Err(trouble) => {
                    failed = Some(trouble);
                    ControlFlow::Break(())
                }
            }
        });
        if let Some(trouble) = failed {
            return Err(trouble);
        }
        let tally = tally.map_err(|error| unreadable(name, &error))?;
        let written = writer.finish()?;
        let accepted_by = self.tied(name, &tally, &findings)?;
        let delivery = Delivery {
            name: name.to_owned(),
            side,
            format: identified.format.id().to_owned(),
            evidence: identified.evidence.clone(),
            digest: format!("blake3:{}", source.digest()?.to_hex()),
            statements: tally.statements,
            records: tally.records,
            faults: tally.faults,
            checks_agreed: tally.checks_agreed,
            checks_failed: tally.checks_failed,
            findings,
            accepted_by,
            left_out: None,
            rows_digest: written.digest,
            first_row: written.first,
            rows: written.path.clone(),
        };
        self.terminal.hint(&told_delivery(&delivery, identified));
        Ok((SourceFile::made(name, &written.path, self.dir)?, delivery))
    }

    /// Refuses a file that does not tie, unless somebody accepts it.
    fn tied(&self, name: &str, tally: &Tally, findings: &[String]) -> Result<Option<String>, Trouble> {
        if tally.ties() {
            return Ok(None);
        }
        if let Some(who) = self.accepted_by {
            return Ok(Some(who.to_owned()));
        }
        let more = findings.len().saturating_sub(TOLD_MAX);
        let mut told = findings.iter().take(TOLD_MAX).cloned().collect::<Vec<_>>().join("; ");
        if more > 0 {
            told.push_str(&format!("; and {more} more"));
        }
        Err(Trouble::new("statement_untied", format!("the statement does not tie: {told}")).at(name).next(
            "get the whole file; or, to use it all the same, say who answers for it: --accept-untied NAME",
        ))
    }
}

fn told_check(check: &Check) -> String {
    let difference = if check.difference.is_empty() {
        String::new()
    } else {
        format!(", difference {}", check.difference)
    };
    format!(
        "{}: {} declared {}, its content gives {}{difference}",
        check.place, check.what, check.declared, check.computed
    )
}

fn told_delivery(delivery: &Delivery, identified: &Identified) -> String {
    let checks = match (delivery.checks_agreed, delivery.checks_failed) {
        (0, 0) => "declares no totals".to_owned(),
        (agreed, 0) => format!("ties in all {agreed} checks"),
        (agreed, failed) => format!("FAILS {failed} of {} checks", agreed + failed),
    };
    let accepted = delivery
        .accepted_by
        .as_ref()
        .map_or_else(String::new, |who| format!(", used all the same on the word of {}", harmless(who)));
    format!(
        "{}: {}, {} records, {checks}{accepted}",
        harmless(&delivery.name),
        identified.format.title(),
        delivery.records
    )
}

/// Leaves out what was delivered twice, or in part before: the later and fuller file counts.
pub(crate) fn drop_repeated(
    files: &mut Vec<SourceFile>,
    deliveries: &mut [Delivery],
    terminal: Terminal,
) -> Result<(), Trouble> {
    for a in 0..deliveries.len() {
        for b in 0..deliveries.len() {
            let (one, other) = (&deliveries[a], &deliveries[b]);
            let apart = a == b || one.left_out.is_some() || other.left_out.is_some();
            if apart
                || one.side != other.side
                || one.format != other.format
                || one.first_row != other.first_row
            {
                continue;
            }
            let repeats = if one.records == other.records {
                a > b && one.rows_digest == other.rows_digest
            } else {
                one.records < other.records
                    && rows::digest_of_first(&other.rows, one.records)? == one.rows_digest
            };
            if !repeats {
                continue;
            }
            let why = if one.records == other.records {
                format!("the same records as {}", other.name)
            } else {
                format!("the first {} of the {} records of {}", one.records, other.records, other.name)
            };
            terminal.hint(&format!("left out: {} holds {}", harmless(&deliveries[a].name), harmless(&why)));
            let rows = deliveries[a].rows.clone();
            files.retain(|file| file.path() != rows);
            deliveries[a].left_out = Some(why);
        }
    }
    Ok(())
}
