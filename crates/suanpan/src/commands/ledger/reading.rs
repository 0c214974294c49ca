//! Files of entries, as CSV or NDJSON, to entries with the rows that they stand in.

mod csv;
mod ndjson;

use crate::books::{EntryName, from_reference};
use crate::cli::{BatchArgs, EntryForm};
use crate::error::Trouble;
use std::io::{BufRead, BufReader};
use std::path::Path;
use suanpan_engine::NamedEntry;
use suanpan_ledger::entry::{Action, EntryId};
use suanpan_money::{Currency, Timestamp, parse_decimal};
use suanpan_payments::decision::{AccountRef, EntryDraft, Line};

/// Bytes of one line of NDJSON: an entry of many postings, not a whole file without line ends.
const LINE_BYTES_MAX: u64 = 4 << 20;

/// An entry, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct FileEntry {
    pub(super) entry: NamedEntry,
    /// When it was booked elsewhere; imports only.
    pub(super) booked_at: Option<Timestamp>,
    /// The row or line in which it begins, from 1.
    pub(super) row: u64,
}

/// Fields of a row as texts; empty ones are absent.
#[derive(Debug, Default)]
struct Fields {
    id: Option<String>,
    reference: Option<String>,
    debit: Option<String>,
    credit: Option<String>,
    amount: Option<String>,
    currency: Option<String>,
    action: Option<String>,
    hold: Option<String>,
    expires_at: Option<String>,
    code: Option<String>,
    linked: Option<String>,
    booked_at: Option<String>,
}

/// The names of fields, in the order in which they are told.
const NAMES: [&str; 12] = [
    "id",
    "reference",
    "debit",
    "credit",
    "amount",
    "currency",
    "action",
    "hold",
    "expires_at",
    "code",
    "linked",
    "booked_at",
];

impl Fields {
    fn place(&mut self, name: &str) -> Option<&mut Option<String>> {
        Some(match name {
            "id" => &mut self.id,
            "reference" => &mut self.reference,
            "debit" => &mut self.debit,
            "credit" => &mut self.credit,
            "amount" => &mut self.amount,
            "currency" => &mut self.currency,
            "action" => &mut self.action,
            "hold" => &mut self.hold,
            "expires_at" => &mut self.expires_at,
            "code" => &mut self.code,
            "linked" => &mut self.linked,
            "booked_at" => &mut self.booked_at,
            _ => return None,
        })
    }
}

/// What is wrong with a field.
#[derive(Debug)]
struct Wrong {
    field: &'static str,
    what: String,
    next: String,
}

fn wrong(field: &'static str, what: impl Into<String>, next: impl Into<String>) -> Wrong {
    Wrong { field, what: what.into(), next: next.into() }
}

/// Where a fault of a row stands.
fn in_row(file: &str, row: u64, wrong: Wrong) -> Trouble {
    Trouble::new("entry", wrong.what).at(format!("{file}:{row}:{}", wrong.field)).next(wrong.next)
}

/// How fields become entries.
#[derive(Debug, Clone, Copy)]
struct Reading {
    currency: Option<Currency>,
    import: bool,
}

/// Reads a file of entries one after the other.
pub(super) struct Entries {
    name: String,
    rows: Rows,
    reading: Reading,
    /// An entry that may still get postings from the rows below it.
    open: Option<FileEntry>,
    over: bool,
}

enum Rows {
    Csv(csv::Rows),
    Ndjson(ndjson::Rows),
}

impl Entries {
    /// Opens a file; `-` is standard input.
    pub(super) fn open(file: &str, args: &BatchArgs, import: bool) -> Result<Entries, Trouble> {
        let (name, input): (String, Box<dyn std::io::Read>) = if file == "-" {
            ("stdin".to_owned(), Box::new(std::io::stdin()))
        } else {
            let opened =
                std::fs::File::open(file).map_err(|error| Trouble::io("read", Path::new(file), error))?;
            (file.to_owned(), Box::new(opened))
        };
        let mut input = BufReader::with_capacity(1 << 18, input);
        let form = match args.format {
            Some(form) => form,
            None => guess(&name, &mut input)?,
        };
        let rows = match form {
            EntryForm::Csv => Rows::Csv(csv::Rows::new(&name, Box::new(input), import)?),
            EntryForm::Ndjson => Rows::Ndjson(ndjson::Rows::new(Box::new(input))),
        };
        Ok(Entries {
            name,
            rows,
            reading: Reading { currency: args.currency, import },
            open: None,
            over: false,
        })
    }

    /// Returns the name of the file.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the next entry.
    pub(super) fn next(&mut self) -> Result<Option<FileEntry>, Trouble> {
        while !self.over {
            let read = match &mut self.rows {
                Rows::Csv(rows) => rows.next(&self.name)?.map(|(row, fields)| (row, fields, Vec::new())),
                Rows::Ndjson(rows) => rows.next(&self.name)?,
            };
            let Some((row, fields, postings)) = read else {
                self.over = true;
                break;
            };
            let at_row = |wrong| in_row(&self.name, row, wrong);
            if fields.id.is_none() && fields.reference.is_none() {
                self.reading.continued(self.open.as_mut(), &fields).map_err(at_row)?;
                continue;
            }
            let entry = self.reading.entry(row, &fields, postings).map_err(at_row)?;
            if let Some(done) = self.open.replace(entry) {
                return Ok(Some(done));
            }
        }
        Ok(self.open.take())
    }
}

fn guess(name: &str, input: &mut BufReader<Box<dyn std::io::Read>>) -> Result<EntryForm, Trouble> {
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    if matches!(extension.to_ascii_lowercase().as_str(), "ndjson" | "jsonl" | "json") {
        return Ok(EntryForm::Ndjson);
    }
    let head = input.fill_buf().map_err(|error| Trouble::io("read", Path::new(name), error))?;
    let first = head.iter().find(|byte| !byte.is_ascii_whitespace());
    Ok(if first == Some(&b'{') { EntryForm::Ndjson } else { EntryForm::Csv })
}

impl Reading {
    fn entry(self, row: u64, fields: &Fields, postings: Vec<Fields>) -> Result<FileEntry, Wrong> {
        let id = match (&fields.id, &fields.reference) {
            (Some(id), None) => parse_id("id", id)?,
            (None, Some(reference)) => from_reference(reference),
            _ => return Err(wrong("id", "both id and reference are given", "leave one of them empty")),
        };
        let action = self.action(fields)?;
        let mut lines = Vec::new();
        if fields.debit.is_some() || fields.credit.is_some() || fields.amount.is_some() {
            lines.push(self.line(fields, fields.currency.as_deref(), action)?);
        }
        for posting in &postings {
            let currency = posting.currency.as_deref().or(fields.currency.as_deref());
            lines.push(self.line(posting, currency, action)?);
        }
        let code = match &fields.code {
            None => 0,
            Some(code) => code.parse().map_err(|_| {
                wrong("code", format!("`{code}` is not a number from 0 to 65535"), "correct it")
            })?,
        };
        let linked = match fields.linked.as_deref() {
            None | Some("false" | "0" | "no") => false,
            Some("true" | "1" | "yes") => true,
            Some(other) => {
                return Err(wrong(
                    "linked",
                    format!("`{other}` is neither true nor false"),
                    "write true or false",
                ));
            }
        };
        let booked_at = match (&fields.booked_at, self.import) {
            (Some(text), true) => Some(parse_time("booked_at", text)?),
            (None, true) => {
                return Err(wrong(
                    "booked_at",
                    "an import says when the entry was booked",
                    "add the column booked_at",
                ));
            }
            (Some(_), false) => {
                return Err(wrong(
                    "booked_at",
                    "entries of now have no such time",
                    "use suanpan ledger import",
                ));
            }
            (None, false) => None,
        };
        Ok(FileEntry {
            entry: NamedEntry { draft: EntryDraft { id, action, code, lines }, linked },
            booked_at,
            row,
        })
    }

    fn action(self, fields: &Fields) -> Result<Action, Wrong> {
        let target = || match &fields.hold {
            Some(text) => EntryName::parse(text).map_or_else(|| Ok(from_reference(text)), Ok),
            None => Err(wrong("hold", "it is not said which entry is meant", "name it in the column hold")),
        };
        let name = fields.action.as_deref().unwrap_or("post");
        let action = match name {
            "post" => Action::Post,
            "hold" => {
                let expires_at = fields.expires_at.as_deref();
                Action::Hold {
                    expires_at: expires_at.map(|text| parse_time("expires_at", text)).transpose()?,
                }
            }
            "capture" => Action::Capture { hold: target()? },
            "void" => Action::Void { hold: target()? },
            "reverse" | "reversal" => Action::Reversal { of: target()? },
            other => {
                let what = format!("`{other}` is not an action");
                return Err(wrong("action", what, "write post, hold, capture, void or reverse"));
            }
        };
        if matches!(action, Action::Post | Action::Hold { .. }) && fields.hold.is_some() {
            return Err(wrong(
                "hold",
                format!("a {name} is not about another entry"),
                "leave the field empty",
            ));
        }
        if !matches!(action, Action::Hold { .. }) && fields.expires_at.is_some() {
            return Err(wrong("expires_at", format!("a {name} does not expire"), "leave the field empty"));
        }
        Ok(action)
    }

    fn line(self, fields: &Fields, currency: Option<&str>, action: Action) -> Result<Line, Wrong> {
        let currency = match (currency, self.currency) {
            (Some(code), _) => Currency::parse(code).ok_or_else(|| {
                wrong(
                    "currency",
                    format!("`{code}` is not a currency of ISO 4217"),
                    "write a code such as CNY",
                )
            })?,
            (None, Some(currency)) => currency,
            (None, None) => {
                return Err(wrong(
                    "currency",
                    "the currency is not said",
                    "add a column currency, or give --currency",
                ));
            }
        };
        let path = |field: &'static str, path: &Option<String>| match path {
            Some(path) => Ok(AccountRef { path: path.clone(), currency }),
            None => {
                Err(wrong(field, format!("no account is named for {field}"), "write the path of an account"))
            }
        };
        let text = fields
            .amount
            .as_deref()
            .ok_or_else(|| wrong("amount", "there is no amount", "write major units, such as 12.30"))?;
        let minor = parse_decimal(text.as_bytes(), currency.exponent()).map_err(|error| {
            wrong(
                "amount",
                format!("`{text}` in {}: {error}", currency.code()),
                "write major units, such as 12.30",
            )
        })?;
        let amount_minor = u64::try_from(minor)
            .map_err(|_| wrong("amount", format!("`{text}` is negative"), "swap debit and credit"))?;
        // A line of a capture may be zero: nothing of that line is taken.
        if amount_minor == 0 && !matches!(action, Action::Capture { .. }) {
            return Err(wrong("amount", "the amount is zero", "leave the row out"));
        }
        Ok(Line {
            debit: path("debit", &fields.debit)?,
            credit: path("credit", &fields.credit)?,
            amount_minor,
        })
    }

    /// Adds a row without id to the entry above it.
    fn continued(self, open: Option<&mut FileEntry>, fields: &Fields) -> Result<(), Wrong> {
        let open = open.ok_or_else(|| {
            wrong("id", "the first row has neither id nor reference", "every entry begins with one of them")
        })?;
        let own = [
            ("action", &fields.action),
            ("hold", &fields.hold),
            ("expires_at", &fields.expires_at),
            ("code", &fields.code),
            ("linked", &fields.linked),
            ("booked_at", &fields.booked_at),
        ];
        if let Some((field, _)) = own.into_iter().find(|(_, value)| value.is_some()) {
            let what = format!("a further posting has no {field} of its own");
            return Err(wrong(field, what, "write it in the first row of the entry, or give this row an id"));
        }
        let line = self.line(fields, fields.currency.as_deref(), open.entry.draft.action)?;
        open.entry.draft.lines.push(line);
        Ok(())
    }
}

fn parse_id(field: &'static str, text: &str) -> Result<EntryId, Wrong> {
    EntryName::parse(text).ok_or_else(|| {
        wrong(
            field,
            format!("`{text}` is neither a number, nor je_…, nor a UUID"),
            "texts of any form stand in the column reference",
        )
    })
}

fn parse_time(field: &'static str, text: &str) -> Result<Timestamp, Wrong> {
    crate::cli::parse_moment(text).map_err(|next| wrong(field, format!("`{text}` is not a moment"), next))
}
