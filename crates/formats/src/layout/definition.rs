//! A layout as it is written in TOML. What can be wrong with one value is found while it is read, so that
//! the error points at its line; what must fit together is checked by `consistent`.

use super::words::{Pattern, Words};
use crate::head::TextEncoding;
use crate::record::{Direction, Kind, Status};
use jiff::tz::Offset;
use serde::{Deserialize, Deserializer, de::Error};
use std::collections::BTreeMap;
use suanpan_money::Currency;

/// A whole layout.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Definition {
    #[serde(deserialize_with = "id")]
    pub(super) id: String,
    pub(super) title: String,
    /// Where the facts come from. For people only.
    #[serde(default, rename = "source")]
    pub(super) _source: String,
    /// The currency of records whose row names none.
    #[serde(default, deserialize_with = "currency")]
    pub(super) currency: Option<Currency>,
    /// How far the local times are from UTC.
    #[serde(default, deserialize_with = "zone")]
    pub(super) zone: Option<Offset>,
    /// Texts of a cell that mean that nothing is there.
    #[serde(default)]
    pub(super) blank: Vec<String>,
    /// How dates are written, before the ways that are known anyway.
    #[serde(default, deserialize_with = "date_formats")]
    pub(super) dates: Vec<String>,
    #[serde(default)]
    pub(super) file: FileShape,
    pub(super) recognise: Recognise,
    #[serde(default)]
    pub(super) lines: OtherLines,
    #[serde(default)]
    pub(super) numbers: Numbers,
    pub(super) exponents: Option<Words<u8>>,
    #[serde(default)]
    pub(super) derive: Vec<Derive>,
    pub(super) record: Fields,
    pub(super) kind: Option<Words<Kind>>,
    pub(super) status: Option<Words<Status>>,
    pub(super) direction: Option<Words<Direction>>,
    #[serde(default)]
    pub(super) sets: BTreeMap<String, Set>,
    #[serde(default)]
    pub(super) test: Vec<super::testing::Test>,
}

/// How the file is cut into rows and cells.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileShape {
    #[serde(default)]
    pub(super) shape: Shape,
    #[serde(default, deserialize_with = "encoding")]
    pub(super) encoding: Option<TextEncoding>,
    #[serde(default)]
    pub(super) delimiter: Delimiter,
    #[serde(default)]
    pub(super) quote: Quote,
    /// Whether a cell in quotes may hold line ends.
    #[serde(default)]
    pub(super) multiline: bool,
    /// The column that takes what a row has too many, since its text may hold delimiters.
    pub(super) loose: Option<String>,
    /// The columns of a file without a header; for fixed width with their widths.
    #[serde(default)]
    pub(super) columns: Vec<FixedColumn>,
    /// Characters between columns of fixed width.
    #[serde(default)]
    pub(super) gap: usize,
    #[serde(default)]
    pub(super) unit: Unit,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Shape {
    /// Cells with a character between them; workbooks too.
    #[default]
    Delimited,
    /// Columns of fixed width.
    FixedWidth,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Delimiter {
    #[default]
    Comma,
    Semicolon,
    Tab,
    Bar,
}

impl Delimiter {
    pub(super) const fn byte(self) -> u8 {
        match self {
            Delimiter::Comma => b',',
            Delimiter::Semicolon => b';',
            Delimiter::Tab => b'\t',
            Delimiter::Bar => b'|',
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Quote {
    #[default]
    Double,
    Single,
    None,
}

impl Quote {
    pub(super) const fn byte(self) -> Option<u8> {
        match self {
            Quote::Double => Some(b'"'),
            Quote::Single => Some(b'\''),
            Quote::None => None,
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Unit {
    /// Widths count bytes of the file's encoding.
    #[default]
    Bytes,
    /// Widths count characters.
    Characters,
}

/// A column of a file without a header.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FixedColumn {
    pub(super) name: String,
    #[serde(default)]
    pub(super) width: usize,
}

/// By what a file of this layout is told.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Recognise {
    /// Columns that the header must have.
    #[serde(default)]
    pub(super) columns: Vec<String>,
    /// Columns that it must not have.
    #[serde(default)]
    pub(super) without: Vec<String>,
    /// Each must match some line before the header.
    #[serde(default)]
    pub(super) lines: Vec<Pattern>,
    /// Every one of the first lines must match: for files without a header.
    pub(super) rows: Option<Pattern>,
}

/// Lines that are no rows.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OtherLines {
    /// Lines among the rows that are passed over.
    #[serde(default)]
    pub(super) skip: Vec<Pattern>,
    /// The line that ends the rows; it and what follows is only read by `read`.
    #[serde(default)]
    pub(super) footer: Vec<Pattern>,
    /// What lines before the header and from the footer on say, by the names of groups.
    #[serde(default)]
    pub(super) read: Vec<Pattern>,
}

/// How numbers are written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Numbers {
    #[serde(default)]
    pub(super) decimal_mark: Mark,
    pub(super) implied: Option<Implied>,
    /// Words before or after the digits that mean plus.
    #[serde(default)]
    pub(super) plus: Vec<String>,
    /// Words before or after the digits that mean minus.
    #[serde(default)]
    pub(super) minus: Vec<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Mark {
    #[default]
    Point,
    Comma,
}

/// Where the decimal point of a whole number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Implied {
    /// Before this many digits.
    Decimals(u8),
    /// Where the record's currency has it.
    Currency,
    /// Where `[exponents]` says for the row.
    Exponents,
}

impl<'de> Deserialize<'de> for Implied {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Implied, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(u8),
            Word(String),
        }
        match Written::deserialize(deserializer) {
            Ok(Written::Number(decimals @ 0..=9)) => Ok(Implied::Decimals(decimals)),
            Ok(Written::Word(word)) if word == "currency" => Ok(Implied::Currency),
            Ok(Written::Word(word)) if word == "exponents" => Ok(Implied::Exponents),
            _ => Err(D::Error::custom("expected a number from 0 to 9, \"currency\" or \"exponents\"")),
        }
    }
}

/// A column made of others.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Derive {
    pub(super) name: String,
    /// A text with columns in braces.
    pub(super) from: Option<String>,
    /// What `from` must hold.
    #[serde(rename = "match")]
    pub(super) pattern: Option<Pattern>,
    /// What becomes of it, with groups as `$1` or `${name}`.
    pub(super) give: Option<String>,
    /// What the column is where the pattern does not match.
    #[serde(default)]
    pub(super) otherwise: String,
    /// Amounts to be added, with a minus in front of what is taken away.
    #[serde(default)]
    pub(super) sum: Vec<String>,
}

impl Derive {
    /// Iterates over the columns that it is made of.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let from = self.from.as_deref().unwrap_or_default().split('{').skip(1);
        let from = from.filter_map(|part| part.split_once('}')).map(|(name, _)| name);
        let sum = self.sum.iter().map(|term| term.strip_prefix('-').unwrap_or(term));
        from.chain(sum)
    }
}

/// Columns, of which the first with a text counts: one name or a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Names(pub(super) Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Names, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            One(String),
            Many(Vec<String>),
        }
        match Written::deserialize(deserializer) {
            Ok(Written::One(name)) => Ok(Names(vec![name])),
            Ok(Written::Many(names)) if !names.is_empty() => Ok(Names(names)),
            _ => Err(D::Error::custom("expected the name of a column or a list of names")),
        }
    }
}

/// Which columns the fields of a record are.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fields {
    pub(super) amount: Option<Names>,
    pub(super) credit: Option<Names>,
    pub(super) debit: Option<Names>,
    /// What a minus in either of them means.
    pub(super) minus: Option<Minus>,
    #[serde(default)]
    pub(super) sign: Sign,
    pub(super) currency: Option<Names>,
    pub(super) fee: Option<Names>,
    #[serde(default)]
    pub(super) fee_sign: FeeSign,
    pub(super) net: Option<Names>,
    pub(super) balance: Option<Names>,
    pub(super) id: Option<Names>,
    pub(super) own_id: Option<Names>,
    pub(super) order_id: Option<Names>,
    pub(super) original_id: Option<Names>,
    pub(super) batch_id: Option<Names>,
    pub(super) time: Option<Names>,
    pub(super) booked_on: Option<Names>,
    pub(super) value_on: Option<Names>,
    pub(super) account: Option<Names>,
    pub(super) counterparty: Option<Names>,
    pub(super) counterparty_account: Option<Names>,
    pub(super) description: Option<Names>,
    /// The words of kind and status, where they are not those that the tables look at.
    pub(super) kind_text: Option<Names>,
    pub(super) status_text: Option<Names>,
}

/// What a minus in a column of incoming or of outgoing amounts means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Minus {
    /// Outgoing amounts are written with one.
    Out,
    /// The amount was cancelled: it goes the other way.
    Cancelled,
}

/// What gives an amount its sign.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Sign {
    /// As it is written: what comes in is positive.
    #[default]
    Written,
    /// The other way round, as card statements write it.
    Reversed,
    /// The word of `[direction]`.
    Direction,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum FeeSign {
    /// Positive is kept back.
    #[default]
    Cost,
    /// Negative is kept back, as a movement of the account.
    Movement,
}

/// Records that a total of the file is about.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Set {
    /// Column by whose text records are chosen.
    pub(super) column: Option<Names>,
    #[serde(default)]
    pub(super) words: Vec<String>,
    /// The amount that is added up, instead of the record's own.
    pub(super) add: Option<Names>,
}

/// The sets that are always there.
pub(super) const OWN_SETS: [&str; 4] = ["all", "in", "out", "neutral"];

/// Groups of `lines.read` that fill the statement.
pub(super) const STATEMENT_GROUPS: [&str; 9] =
    ["id", "account", "holder", "currency", "from", "to", "month", "opening", "closing"];

fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let fits = (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-'));
    if fits {
        Ok(text)
    } else {
        Err(D::Error::custom(
            "expected an id of small letters, digits, points and hyphens: my-bank.statement",
        ))
    }
}

fn currency<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Currency>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Currency::parse(&text).map(Some).ok_or_else(|| D::Error::custom("expected a currency of ISO 4217: CNY"))
}

fn encoding<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<TextEncoding>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let wrong = "expected utf-8, gb18030, windows-1252, utf-16le or utf-16be";
    TextEncoding::parse(&text).map(Some).ok_or_else(|| D::Error::custom(wrong))
}

fn zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Offset>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text == "utc" {
        return Ok(Some(Offset::UTC));
    }
    let parse = || {
        let (sign, rest) = match text.as_bytes().first()? {
            b'+' => (1, text.get(1..)?),
            b'-' => (-1, text.get(1..)?),
            _ => return None,
        };
        let (hours, minutes) = rest.split_once(':')?;
        let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
        let fits = (0..=14).contains(&hours) && (0..60).contains(&minutes);
        fits.then(|| Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()).flatten()
    };
    parse().map(Some).ok_or_else(|| D::Error::custom("expected utc or a distance from it: +08:00"))
}

fn date_formats<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let formats = Vec::<String>::deserialize(deserializer)?;
    let sample = jiff::civil::date(2026, 11, 26).at(7, 42, 45, 0);
    for format in &formats {
        if let Err(error) = jiff::fmt::strtime::format(format, sample) {
            return Err(D::Error::custom(format!("`{format}` is not a way to write dates: {error}")));
        }
    }
    Ok(formats)
}
