//! A workbook that is no known statement, as a table for rules.

use crate::error::Trouble;
use crate::terminal::{Terminal, harmless};
use std::path::Path;
use suanpan_recon::source::SourceFile;

/// Turns a workbook into comma-separated rows of its first sheet that has any; other files stay as they are.
pub(crate) fn as_table(source: SourceFile, dir: &Path, terminal: Terminal) -> Result<SourceFile, Trouble> {
    let Ok(input) = super::open(&source) else {
        // What is wrong with the file is told better by who reads it as a table.
        return Ok(source);
    };
    if !input.head.is_spreadsheet() {
        return Ok(source);
    }
    let name = source.name();
    let sheets = input.head.sheets().map_err(|why| {
        Trouble::new("workbook_unreadable", why)
            .at(name)
            .next("open it in a spreadsheet program and save the sheet as CSV")
    })?;
    let Some(sheet) = sheets.iter().find(|sheet| sheet.rows.len() > 1).or(sheets.first()) else {
        return Err(Trouble::new("workbook_empty", "the workbook has no sheet with cells").at(name));
    };
    std::fs::create_dir_all(dir).map_err(|error| Trouble::io("create", dir, error))?;
    let file = tempfile::Builder::new().prefix("workbook-").tempfile_in(dir);
    let (file, path) = file
        .and_then(|file| file.keep().map_err(|kept| kept.error))
        .map_err(|error| Trouble::io("create a file in", dir, error))?;
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(std::io::BufWriter::new(file));
    let width = sheet.rows.first().map_or(0, |(_, cells)| cells.len());
    for (_, cells) in &sheet.rows {
        let padding = std::iter::repeat_n("", width.saturating_sub(cells.len()));
        let row = cells.iter().map(|cell| cell.text.as_str()).chain(padding);
        writer.write_record(row).map_err(|error| Trouble::io("write", &path, error.into()))?;
    }
    writer.flush().map_err(|error| Trouble::io("write", &path, error))?;
    let others = match sheets.len() - 1 {
        0 => String::new(),
        1 => ", one other is left out".to_owned(),
        others => format!(", {others} others are left out"),
    };
    terminal.hint(&format!(
        "{}: a workbook; its sheet {} is read as a table with {} rows{others}",
        harmless(name),
        harmless(&sheet.name),
        sheet.rows.len() - 1
    ));
    Ok(SourceFile::made(name, &path, dir)?)
}
