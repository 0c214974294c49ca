//! `suanpan reconcile check`: rules against files, and the first rows as they will be read.

use super::inputs::{Scratch, Specs, load_rules};
use super::plain_options;
use super::taking::{Wanted, take_statements};
use crate::cli::CheckArgs;
use crate::error::{Trouble, status};
use crate::numbers::grouped;
use crate::terminal::{Paint, Terminal, harmless};
use suanpan_recon::run::{self, Preview, PreviewRow};

pub(super) fn run(args: &CheckArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let rules = load_rules(&args.rules)?;
    let scratch = Scratch::anywhere()?;
    let specs = Specs::new([&Some(args.left.clone()), &Some(args.right.clone())], [&[], &[]])?;
    let (inputs, mut missing) = specs.expand_expected(&rules, scratch.path())?;
    missing.extend(run::missing_inputs(&rules, &inputs));
    let wanted = [0, 1].map(|side: usize| Wanted::by(rules.sides[side].format));
    let inputs = take_statements(inputs, wanted, &args.statements, scratch.path(), terminal)?.inputs;
    let options = plain_options(rules, inputs, scratch.path());
    let previews = run::preview(&options, usize::try_from(args.rows).unwrap_or(usize::MAX))?;
    let paint = Paint(terminal.color);
    let text: Vec<String> = previews.iter().map(|preview| told(preview, paint)).collect();
    terminal.result(&text.join("\n"))?;
    for missing in &missing {
        terminal.hint(&format!("missing: {}", harmless(missing)));
    }
    let bad = previews.iter().flat_map(|preview| &preview.rows).any(|row| row.fields.is_err());
    Ok(match (missing.is_empty(), bad) {
        (false, _) => status::INCOMPLETE,
        (true, true) => status::DIFFERENCES,
        (true, false) => status::FINE,
    })
}

/// One input: its name, kind and columns, then a line a row.
fn told(preview: &Preview, paint: Paint) -> String {
    let columns: Vec<String> = preview.columns.iter().map(|column| harmless(column)).collect();
    let mut text = format!(
        "{}  {}, {} columns: {}\n",
        paint.bold(&format!("{} {}", preview.side.name(), harmless(&preview.name))),
        preview.format,
        columns.len(),
        columns.join(", ")
    );
    for row in &preview.rows {
        text.push_str(&told_row(preview, row, paint));
    }
    if preview.rows.is_empty() && preview.skipped.iter().all(|(_, count)| *count == 0) {
        text.push_str("  no rows\n");
    }
    for (rule, count) in preview.skipped.iter().filter(|(_, count)| *count > 0) {
        text.push_str(&format!("  {} more skipped as {}\n", grouped(*count), harmless(rule)));
    }
    text
}

fn told_row(preview: &Preview, row: &PreviewRow, paint: Paint) -> String {
    match &row.fields {
        Ok(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{name}={}", harmless(value))).collect();
            format!("  row {}: {}\n", row.row, fields.join("  "))
        }
        Err(error) => {
            let place = match error.column() {
                Some(column) => format!("{}:{}:{column}", preview.name, row.row),
                None => format!("{}:{}", preview.name, row.row),
            };
            let label = paint.red(&format!("rejected[{}]", error.code()));
            format!("  {label} {}: {}\n", harmless(&place), harmless(&error.to_string()))
        }
    }
}
