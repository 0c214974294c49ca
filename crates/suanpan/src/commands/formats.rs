//! `suanpan formats`: what a file is, what is in it and which formats are known.

mod show;
mod test;

use crate::cli::{FormatsArgs, FormatsCommand, FormatsListArgs, IdentifyArgs};
use crate::commands::reconcile::Scratch;
use crate::error::{Trouble, status};
use crate::layouts;
use crate::statements;
use crate::terminal::{Paint, Terminal, harmless};
use serde_json::json;
use suanpan_formats::{Candidate, IdentifyError, Verdict};
use suanpan_recon::source::{SourceFile, expand};

pub(crate) fn run(args: &FormatsArgs, terminal: Terminal) -> Result<u8, Trouble> {
    match &args.command {
        FormatsCommand::Identify(args) => identify(args, terminal),
        FormatsCommand::Show(args) => show::run(args, terminal),
        FormatsCommand::List(args) => list(args, terminal),
        FormatsCommand::Test(args) => test::run(args, terminal),
    }
}

/// Finds the files that arguments name.
fn sources(specs: &[String], scratch: &Scratch) -> Result<Vec<SourceFile>, Trouble> {
    Ok(expand(specs, scratch.path())?)
}

fn identify(args: &IdentifyArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let scratch = Scratch::anywhere()?;
    let catalogue = layouts::catalogue(&args.layouts)?;
    let paint = Paint(terminal.color);
    let mut all_known = true;
    for source in sources(&args.files, &scratch)? {
        let name = harmless(source.name());
        let told = catalogue.identify(&statements::head(&source)?);
        all_known &= told.is_ok();
        let text = match (args.json, told) {
            (true, Ok(found)) => {
                json!({ "file": source.name(), "format": found.format.id(), "title": found.format.title(), "because": found.evidence })
                    .to_string()
                    + "\n"
            }
            (true, Err(error)) => {
                let tried: Vec<_> = candidates(&error).iter().map(as_json).collect();
                json!({ "file": source.name(), "format": null, "error": error.to_string(), "tried": tried }).to_string() + "\n"
            }
            (false, Ok(found)) => format!(
                "{name}\n  {}  {}\n  because {}\n",
                paint.green(found.format.id()),
                found.format.title(),
                harmless(&found.evidence)
            ),
            (false, Err(error)) => {
                let mut text = format!("{name}\n  {}\n", paint.red(&error.to_string()));
                let width = candidates(&error).iter().map(|c| c.id.len()).max().unwrap_or(0);
                for candidate in candidates(&error) {
                    let (Verdict::Yes(why) | Verdict::No(why)) = &candidate.verdict;
                    text.push_str(&format!("  {:<width$}  {}\n", candidate.id, harmless(why)));
                }
                text
            }
        };
        terminal.result(&text)?;
    }
    if !all_known {
        terminal.hint(
            "a table of your own is reconciled by rules: suanpan reconcile init LEFT RIGHT; a statement of \
             another kind is described by a layout: --layout FILE",
        );
    }
    Ok(if all_known { status::FINE } else { status::TROUBLE })
}

/// The formats that an error is about.
fn candidates(error: &IdentifyError) -> &[Candidate] {
    match error {
        IdentifyError::None { tried } => tried,
        IdentifyError::Several { claimed } => claimed,
    }
}

fn as_json(candidate: &Candidate) -> serde_json::Value {
    let (claims, why) = match &candidate.verdict {
        Verdict::Yes(why) => (true, why),
        Verdict::No(why) => (false, why),
    };
    json!({ "format": candidate.id, "claims": claims, "because": why })
}

fn list(args: &FormatsListArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let catalogue = layouts::catalogue(&args.layouts)?;
    let width = catalogue.formats().map(|format| format.id().len()).max().unwrap_or(0);
    let mut text = String::new();
    for format in catalogue.formats() {
        if args.json {
            text.push_str(&json!({ "format": format.id(), "title": format.title() }).to_string());
            text.push('\n');
        } else {
            text.push_str(&format!("{:<width$}  {}\n", format.id(), format.title()));
        }
    }
    terminal.result(&text)?;
    Ok(status::FINE)
}
