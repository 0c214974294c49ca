//! `suanpan formats show`: normalised records as a table, JSON or CSV, with the checks of each file.

use super::sources;
use crate::cli::{ShowArgs, ShowForm};
use crate::commands::reconcile::Scratch;
use crate::error::{Trouble, status};
use crate::layouts;
use crate::numbers::grouped;
use crate::statements::{self, row_header, row_of};
use crate::terminal::{Paint, Terminal, harmless};
use serde_json::json;
use std::ops::ControlFlow;
use suanpan_formats::{
    Catalogue, Check, Event, Format, Identified, Options, Record, Scheme, Statement, Tally, check_scheme,
    read,
};
use suanpan_recon::source::SourceFile;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

pub(super) fn run(args: &ShowArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let scratch = Scratch::anywhere()?;
    let catalogue = layouts::catalogue(&args.layouts)?;
    let mut fine = true;
    if args.format == ShowForm::Csv {
        terminal.result(&format!("file,{}\n", row_header()))?;
    }
    for source in sources(&args.files, &scratch)? {
        let identified = choose(&catalogue, args, &source)?;
        let tally = show(args, &source, &identified, terminal)?;
        fine &= tally.ties();
        if let Some(scheme) = args.scheme {
            fine &= keeps(args, &source, scheme, terminal)?;
        }
    }
    Ok(if fine { status::FINE } else { status::DIFFERENCES })
}

/// Tells the format of a file, or takes the one that was asked for.
fn choose(catalogue: &Catalogue, args: &ShowArgs, source: &SourceFile) -> Result<Identified, Trouble> {
    if let Some(id) = &args.as_format {
        let found: Option<&Format> = catalogue.find(id);
        let format = found.ok_or_else(|| {
            Trouble::new("format_unknown", format!("there is no format `{id}`"))
                .at("--as")
                .next("suanpan formats list names all formats")
        })?;
        return Ok(Identified { format: format.clone(), evidence: "it was asked for".to_owned() });
    }
    catalogue.identify(&statements::head(source)?).map_err(|error| {
        Trouble::new("format_unknown", error.to_string())
            .at(source.name())
            .next(format!("see what was tried: suanpan formats identify {}", harmless(source.name())))
    })
}

fn show(
    args: &ShowArgs,
    source: &SourceFile,
    identified: &Identified,
    terminal: Terminal,
) -> Result<Tally, Trouble> {
    let paint = Paint(terminal.color);
    let options = Options { currency: args.currency };
    let mut printer = Printer { args, paint, name: source.name(), records: 0, table: Vec::new() };
    if args.format == ShowForm::Table {
        let title = format!("{}  {}", paint.bold(&harmless(source.name())), identified.format.title());
        terminal.result(&format!("{title}\n"))?;
    }
    let mut failed = None;
    // A write for each row would take as long as the reading.
    let mut waiting = String::new();
    let done = read(&identified.format, statements::open(source)?, &options, &mut |event| {
        if let Some(text) = printer.print(&event) {
            waiting.push_str(&text);
        }
        if waiting.len() < WAITING_BYTES {
            return ControlFlow::Continue(());
        }
        match terminal.result(&std::mem::take(&mut waiting)) {
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
    terminal.result(&(waiting + &printer.flush()))?;
    let tally = done.map_err(|error| statements::unreadable(source.name(), &error))?;
    if args.format == ShowForm::Table {
        terminal.result(&summary(&tally, paint))?;
    } else {
        terminal.hint(summary(&tally, Paint(terminal.color_err)).trim_end());
    }
    Ok(tally)
}

/// Holds the messages of a file against the rules of a scheme, and prints what they break.
fn keeps(args: &ShowArgs, source: &SourceFile, scheme: Scheme, terminal: Terminal) -> Result<bool, Trouble> {
    let paint = Paint(terminal.color);
    let broken = check_scheme(statements::open(source)?, scheme).map_err(|error| {
        Trouble::new("scheme_unfit", format!("only payment messages have rules of a scheme: {error}"))
            .at(source.name())
            .next("leave out --scheme for files of other formats")
    })?;
    let name = scheme.name();
    for (message, violation) in &broken {
        let (path, what, rule) = (&violation.path, &violation.what, violation.rule);
        if args.format == ShowForm::Json {
            let found =
                json!({ "violation": { "message": message, "path": path, "what": what, "rule": rule } });
            terminal.result(&format!("{found}\n"))?;
            continue;
        }
        let told = harmless(&format!("message {message}, {path}: {what} ({rule})"));
        match args.format {
            ShowForm::Csv => terminal.hint(&format!("breaks {name}: {told}")),
            _ => terminal.result(&format!("  {} {told}\n", paint.red(&format!("BREAKS {name}:"))))?,
        }
    }
    if broken.is_empty() && args.format == ShowForm::Table {
        terminal
            .result(&format!("{}\n", paint.green(&format!("keeps the rules of {name} that are known"))))?;
    }
    Ok(broken.is_empty())
}

/// What is printed is collected up to this size.
const WAITING_BYTES: usize = 64 << 10;

/// Rows of a table that are laid out together: widths follow from what is there, and long files still flow.
const TABLE_ROWS: usize = 200;

struct Printer<'a> {
    args: &'a ShowArgs,
    paint: Paint,
    name: &'a str,
    records: u64,
    table: Vec<[String; COLUMNS]>,
}

const COLUMNS: usize = 10;
const TITLES: [&str; COLUMNS] =
    ["line", "when", "type", "status", "amount", "", "fee", "own id", "id", "counterparty, description"];

impl Printer<'_> {
    /// Returns what is to be printed for an event.
    fn print(&mut self, event: &Event) -> Option<String> {
        if let Event::Record(_) = event {
            self.records += 1;
            if self.args.limit.is_some_and(|limit| self.records > limit) {
                return None;
            }
        }
        match (self.args.format, event) {
            // Events are values without maps that could fail.
            (ShowForm::Json, event) => serde_json::to_string(event).ok().map(|text| text + "\n"),
            (ShowForm::Csv, Event::Record(record)) => Some(format!("{}\n", row_of(self.name, record))),
            (ShowForm::Csv, _) => None,
            (ShowForm::Table, Event::Record(record)) => {
                self.table.push(cells(record));
                (self.table.len() >= TABLE_ROWS).then(|| self.flush())
            }
            (ShowForm::Table, Event::Statement(statement)) => {
                let before = self.flush();
                Some(before + &told_statement(statement, self.paint))
            }
            (ShowForm::Table, Event::Check(check)) => {
                let before = self.flush();
                Some(before + &told_check(check, self.paint))
            }
            (ShowForm::Table, Event::Fault(fault)) => {
                let before = self.flush();
                Some(
                    before
                        + &format!(
                            "  {} {}\n",
                            self.paint.red("cannot be read:"),
                            harmless(&fault.to_string())
                        ),
                )
            }
        }
    }

    /// Lays out the rows that are waiting.
    fn flush(&mut self) -> String {
        let rows = std::mem::take(&mut self.table);
        if rows.is_empty() {
            return String::new();
        }
        let titles = TITLES.map(str::to_owned);
        let width = |at: usize| {
            rows.iter()
                .chain([&titles])
                .map(|row| UnicodeWidthStr::width(row[at].as_str()))
                .max()
                .unwrap_or(0)
        };
        let widths: [usize; COLUMNS] = std::array::from_fn(width);
        let mut text = String::new();
        for (number, row) in [&titles].into_iter().chain(&rows).enumerate() {
            let mut line = String::from(" ");
            for (at, cell) in row.iter().enumerate().filter(|(at, _)| widths[*at] > 0) {
                let blanks = " ".repeat(widths[at] - UnicodeWidthStr::width(cell.as_str()));
                line.push(' ');
                let right = matches!(at, 0 | 4 | 6);
                line.push_str(&if right { blanks + cell } else { cell.clone() + &blanks });
            }
            let line = line.trim_end();
            text.push_str(&if number == 0 { self.paint.dim(line) } else { line.to_owned() });
            text.push('\n');
        }
        text
    }
}

fn cells(record: &Record) -> [String; COLUMNS] {
    let when = record
        .time
        .map(|time| time.local.to_string().replacen('T', " ", 1))
        .or_else(|| record.booked_on.or(record.value_on).map(|day| day.to_string()));
    let about: Vec<&str> = [record.counterparty.as_str(), record.description.as_str()]
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect();
    [
        record.place.line.to_string(),
        when.unwrap_or_default(),
        record.kind.name().to_owned(),
        record.status.name().to_owned(),
        record.amount.to_string(),
        record.currency.code().to_owned(),
        record.fee.map(|fee| fee.to_string()).unwrap_or_default(),
        short(&record.own_id, 36),
        short(&record.id, 36),
        short(&about.join(", "), 60),
    ]
}

/// Cuts a text to a width on the terminal.
fn short(text: &str, width_max: usize) -> String {
    let text = harmless(text);
    if UnicodeWidthStr::width(text.as_str()) <= width_max {
        return text;
    }
    let mut width = 1;
    let mut cut: String = text
        .chars()
        .take_while(|c| {
            width += c.width().unwrap_or(0);
            width <= width_max
        })
        .collect();
    cut.push('…');
    cut
}

fn told_statement(statement: &Statement, paint: Paint) -> String {
    let mut parts = Vec::new();
    let mut add = |name: &str, value: String| {
        if !value.is_empty() {
            parts.push(format!("{name} {}", harmless(&value)));
        }
    };
    add("statement", statement.id.clone());
    add("account", statement.account.clone());
    add("holder", statement.holder.clone());
    add("from", statement.from.map(|day| day.to_string()).unwrap_or_default());
    add("to", statement.to.map(|day| day.to_string()).unwrap_or_default());
    let opening = statement.opening.map(|amount| amount.to_string()).unwrap_or_default();
    let currency = statement.currency.map(|currency| currency.to_string()).unwrap_or_default();
    add("opening balance", opening);
    add("in", currency);
    format!("{}\n", paint.bold(&parts.join(", ")))
}

fn told_check(check: &Check, paint: Paint) -> String {
    if check.agrees {
        return format!(
            "  {} {} {}\n",
            paint.green("ties:"),
            harmless(&check.what),
            harmless(&check.declared)
        );
    }
    let difference = if check.difference.is_empty() {
        String::new()
    } else {
        format!(", difference {}", check.difference)
    };
    format!(
        "  {} {}, {}: declared {}, its content gives {}{difference}\n",
        paint.red("DOES NOT TIE:"),
        check.place,
        harmless(&check.what),
        harmless(&check.declared),
        harmless(&check.computed)
    )
}

fn summary(tally: &Tally, paint: Paint) -> String {
    let mut text = format!("{} records", grouped(tally.records));
    for (currency, (count, sum)) in &tally.booked {
        text.push_str(&format!(", {} booked in {currency}: {sum}", grouped(*count)));
    }
    text.push('\n');
    let checks = tally.checks_agreed + tally.checks_failed;
    text.push_str(&match (tally.checks_failed, tally.faults) {
        (0, 0) if checks == 0 => "the file declares nothing to hold it against\n".to_owned(),
        (0, 0) => paint.green(&format!("ties in all {checks} checks")) + "\n",
        (failed, faults) => {
            paint.red(&format!("{failed} of {checks} checks fail, {faults} lines cannot be read")) + "\n"
        }
    });
    text
}
