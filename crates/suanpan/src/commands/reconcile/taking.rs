//! Which inputs are statements, and what they become before the engine sees them.

use crate::cli::StatementArgs;
use crate::error::Trouble;
use crate::layouts;
use crate::statements::{self, Delivery, Taking, described, drop_repeated};
use crate::terminal::{Terminal, harmless};
use std::path::Path;
use suanpan_formats::{Options, Verdict};
use suanpan_recon::limits::SAMPLE_ROWS_MAX;
use suanpan_recon::record::Side;
use suanpan_recon::rule::Format;
use suanpan_recon::rule::guess::{Fit, Sample, fit};
use suanpan_recon::run;
use suanpan_recon::source::SourceFile;

/// What the files of a side are to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Tables whose columns the rules name.
    Tables,
    /// Statements of known formats.
    Statements,
    /// Whatever their content says.
    Either,
}

impl Wanted {
    /// What rules with this format want.
    pub(super) fn by(format: Format) -> Wanted {
        if format == Format::Statement { Wanted::Statements } else { Wanted::Tables }
    }
}

/// Inputs with their statements turned into rows.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) inputs: [Vec<SourceFile>; 2],
    pub(super) deliveries: Vec<Delivery>,
    statements: [bool; 2],
}

impl Taken {
    /// Returns the side that consists of statements, where exactly one does, or else the right one of two.
    pub(super) fn known(&self) -> Option<Side> {
        [Side::Right, Side::Left].into_iter().find(|side| self.statements[side.index()])
    }

    /// Fits the other side to the statements.
    pub(super) fn fit(&self) -> Result<Fit, Trouble> {
        let known = self.known().expect("asked only where a side is known");
        let described = described(known);
        let mut own = sample(&self.inputs[known.index()])?;
        own.format = Format::Statement;
        // Rows that the rules will skip say nothing of the other side.
        let place = |name: &str| own.header.iter().position(|column| column == name);
        if let (Some(status), Some(direction)) = (place("status"), place("direction")) {
            own.rows.retain(|row| row[status] == "booked" && row[direction] != "neutral");
        }
        let mut other = sample(&self.inputs[known.other().index()])?;
        if self.statements[known.other().index()] {
            other.format = Format::Statement;
        }
        Ok(fit(&described, &own, &other))
    }
}

/// Takes a sample of all files of a side together, as far as they have the same columns.
fn sample(files: &[SourceFile]) -> Result<Sample, Trouble> {
    let mut all: Option<Sample> = None;
    for file in files {
        let room = SAMPLE_ROWS_MAX - all.as_ref().map_or(0, |sample| sample.rows.len());
        if room == 0 {
            break;
        }
        let one = run::sample(file, None, room)?;
        match &mut all {
            None => all = Some(one),
            Some(all) if all.header == one.header => all.rows.extend(one.rows),
            Some(_) => {}
        }
    }
    all.ok_or_else(|| {
        Trouble::new("no_input", "a side has no files").next("name at least one file of each side")
    })
}

/// Turns the statements among the inputs into rows. Where either is wanted, a side is taken as statements
/// when its first file is one.
pub(super) fn take_statements(
    inputs: [Vec<SourceFile>; 2],
    wanted: [Wanted; 2],
    args: &StatementArgs,
    dir: &Path,
    terminal: Terminal,
) -> Result<Taken, Trouble> {
    let tables = |files: Vec<SourceFile>| -> Result<Vec<SourceFile>, Trouble> {
        files.into_iter().map(|file| statements::as_table(file, dir, terminal)).collect()
    };
    // Such a run needs no catalogue, whose patterns take memory that the run's limit does not count.
    if wanted == [Wanted::Tables; 2] {
        let [left, right] = inputs;
        let inputs = [tables(left)?, tables(right)?];
        return Ok(Taken { inputs, deliveries: Vec::new(), statements: [false; 2] });
    }
    let catalogue = layouts::catalogue(&args.layouts)?;
    let taking = Taking {
        catalogue: &catalogue,
        options: Options { currency: args.currency },
        accepted_by: args.accept_untied.as_deref(),
        dir,
        terminal,
    };
    let mut taken =
        Taken { inputs: [Vec::new(), Vec::new()], deliveries: Vec::new(), statements: [false; 2] };
    for (side, files) in Side::BOTH.into_iter().zip(inputs) {
        let at = side.index();
        if wanted[at] == Wanted::Tables {
            taken.inputs[at] = tables(files)?;
            continue;
        }
        let mut deliveries = Vec::new();
        for file in files {
            let told = statements::tell(taking.catalogue, &file)?;
            let Some(identified) = told else {
                told_unclaimed(&taking, &file);
                if wanted[at] == Wanted::Statements || !deliveries.is_empty() {
                    return Err(not_a_statement(&file));
                }
                taken.inputs[at].push(statements::as_table(file, dir, terminal)?);
                continue;
            };
            if !taken.inputs[at].is_empty() && deliveries.is_empty() {
                return Err(not_a_statement(&taken.inputs[at][0]));
            }
            let (rows, delivery) = taking.take(&file, side.name(), &identified)?;
            taken.inputs[at].push(rows);
            deliveries.push(delivery);
        }
        drop_repeated(&mut taken.inputs[at], &mut deliveries, terminal)?;
        taken.statements[at] = !deliveries.is_empty();
        taken.deliveries.extend(deliveries);
    }
    Ok(taken)
}

/// Says why no layout that was named claims a file: who names one expects that it does.
fn told_unclaimed(taking: &Taking<'_>, file: &SourceFile) {
    let Ok(head) = statements::head(file) else { return };
    for layout in taking.catalogue.added() {
        if let Verdict::No(why) = layout.recognise(&head) {
            let name = harmless(file.name());
            taking.terminal.hint(&format!("{name}: not of the layout {}: {}", layout.id(), harmless(&why)));
        }
    }
}

fn not_a_statement(file: &SourceFile) -> Trouble {
    Trouble::new(
        "not_a_statement",
        "the other files of this side are statements of known formats, this one is not",
    )
    .at(file.name())
    .next("see what was tried: suanpan formats identify FILE")
}
