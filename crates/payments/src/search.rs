//! Queries of searches, as Stripe writes them: `status:'succeeded' AND metadata['order']:'6735'`.
//!
//! A query is one or more conditions joined by `AND` or by `OR`, not by both. A condition is a field, an
//! operator and a value; a `-` before it turns it round. `:` is equality, `~` asks whether a text holds another
//! (three letters at least), and `>`, `>=`, `<`, `<=` compare numbers. `null` as value asks whether the field
//! is absent.

use crate::limits;
use crate::rejection::Rejection;
use serde_json::Value;

/// What is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Searched {
    /// Payment intents.
    PaymentIntents,
    /// Events.
    Events,
}

impl Searched {
    const fn fields(self) -> &'static [(&'static str, Kind)] {
        match self {
            Searched::PaymentIntents => &[
                ("amount", Kind::Number),
                ("created", Kind::Number),
                ("currency", Kind::Text),
                ("customer", Kind::Text),
                ("description", Kind::Text),
                ("merchant_order_id", Kind::Text),
                ("metadata", Kind::Map),
                ("status", Kind::Text),
            ],
            Searched::Events => &[("created", Kind::Number), ("object", Kind::Text), ("type", Kind::Text)],
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Map,
}

/// How a condition compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `:`
    Equal,
    /// `~`
    Contains,
    /// `>`
    Above,
    /// `>=`
    AtLeast,
    /// `<`
    Below,
    /// `<=`
    AtMost,
}

/// With what a condition compares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operand {
    /// A text, in small letters: comparisons of texts do not mind the case.
    Text(String),
    /// A number.
    Number(i64),
    /// `null`
    Absent,
}

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// Whether it is turned round.
    pub negated: bool,
    /// The field.
    pub field: String,
    /// The key of a map.
    pub key: Option<String>,
    /// How it compares.
    pub comparison: Comparison,
    /// With what.
    pub operand: Operand,
}

/// A query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Whether one condition is enough.
    pub any: bool,
    /// The conditions.
    pub clauses: Vec<Clause>,
}

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// [`Rejection::QueryInvalid`] with the place.
    pub fn parse(text: &str, searched: Searched) -> Result<Query, Rejection> {
        if text.chars().count() > limits::QUERY_CHARS {
            let (param, limit) = ("query".to_owned(), limits::QUERY_CHARS);
            return Err(Rejection::ParameterTooLong { param, limit, unit: "characters" });
        }
        let mut reader = Reader { text, at: 0 };
        let mut query = Query { any: false, clauses: Vec::new() };
        loop {
            reader.blanks();
            let start = reader.at;
            query.clauses.push(reader.clause(searched)?);
            if query.clauses.len() > limits::QUERY_CLAUSES {
                let why = format!("a query has at most {} conditions", limits::QUERY_CLAUSES);
                return Err(reader.wrong_at(start, &why));
            }
            let blank = reader.blanks();
            if reader.rest().is_empty() {
                return Ok(query);
            }
            let start = reader.at;
            let any = match reader.word() {
                "AND" | "and" => false,
                "OR" | "or" => true,
                _ => return Err(reader.wrong_at(start, "AND or OR is expected")),
            };
            if !blank {
                return Err(reader.wrong_at(start, "a blank is expected"));
            }
            if query.clauses.len() > 1 && any != query.any {
                return Err(reader.wrong_at(start, "AND and OR cannot stand in one query"));
            }
            query.any = any;
        }
    }

    /// Says whether an object, as the API shows it, is found.
    #[must_use]
    pub fn matches(&self, object: &Value) -> bool {
        let mut clauses = self.clauses.iter().map(|clause| clause.matches(object));
        if self.any { clauses.any(|found| found) } else { clauses.all(|found| found) }
    }

    /// Returns the text that a field must be equal to, where all objects found have it: what an index may be
    /// asked for.
    #[must_use]
    pub fn required(&self, field: &str) -> Option<&str> {
        if self.any && self.clauses.len() > 1 {
            return None;
        }
        self.clauses.iter().find_map(|clause| match &clause.operand {
            Operand::Text(text)
                if clause.field == field && !clause.negated && clause.comparison == Comparison::Equal =>
            {
                Some(text.as_str())
            }
            _ => None,
        })
    }
}

impl Clause {
    fn matches(&self, object: &Value) -> bool {
        let mut value = object.get(&self.field).unwrap_or(&Value::Null);
        if let Some(key) = &self.key {
            value = value.get(key).unwrap_or(&Value::Null);
        }
        let found = match (&self.operand, value) {
            (Operand::Absent, value) => value.is_null(),
            (Operand::Text(text), Value::String(own)) => {
                let own = own.to_lowercase();
                match self.comparison {
                    Comparison::Equal => own == *text,
                    Comparison::Contains => own.contains(text.as_str()),
                    Comparison::Above | Comparison::AtLeast | Comparison::Below | Comparison::AtMost => false,
                }
            }
            (Operand::Number(number), own) => own.as_i64().is_some_and(|own| match self.comparison {
                Comparison::Equal => own == *number,
                Comparison::Contains => false,
                Comparison::Above => own > *number,
                Comparison::AtLeast => own >= *number,
                Comparison::Below => own < *number,
                Comparison::AtMost => own <= *number,
            }),
            (Operand::Text(_), _) => false,
        };
        found != self.negated
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn wrong_at(&self, at: usize, why: &str) -> Rejection {
        let at = self.text[..at].chars().count() + 1;
        Rejection::QueryInvalid { at, why: why.to_owned() }
    }

    fn wrong(&self, why: &str) -> Rejection {
        self.wrong_at(self.at, why)
    }

    fn blanks(&mut self) -> bool {
        let trimmed = self.rest().trim_start();
        let there = trimmed.len() < self.rest().len();
        self.at = self.text.len() - trimmed.len();
        there
    }

    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|char: char| !char.is_ascii_alphanumeric() && char != '_').unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn take(&mut self, token: &str) -> bool {
        let there = self.rest().starts_with(token);
        if there {
            self.at += token.len();
        }
        there
    }

    fn clause(&mut self, searched: Searched) -> Result<Clause, Rejection> {
        let negated = self.take("-");
        let start = self.at;
        let field = self.word();
        if field.is_empty() {
            return Err(self.wrong("a field is expected"));
        }
        let fields = searched.fields();
        let Some((_, kind)) = fields.iter().find(|(name, _)| *name == field) else {
            let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
            return Err(self.wrong_at(start, &format!("the fields are {}", names.join(", "))));
        };
        let mut key = None;
        if *kind == Kind::Map {
            if !self.take("[") {
                return Err(self.wrong("a key in square brackets is expected"));
            }
            key = Some(self.quoted()?);
            if !self.take("]") {
                return Err(self.wrong("] is expected"));
            }
        }
        let at = self.at;
        let comparison = self.comparison()?;
        let ordered = !matches!(comparison, Comparison::Equal | Comparison::Contains);
        if ordered != (*kind == Kind::Number) && comparison != Comparison::Equal {
            return Err(self.wrong_at(at, "this field cannot be compared like that"));
        }
        let operand = self.operand(*kind, comparison)?;
        Ok(Clause { negated, field: field.to_owned(), key, comparison, operand })
    }

    fn comparison(&mut self) -> Result<Comparison, Rejection> {
        // The longer tokens first.
        for (token, comparison) in [
            (">=", Comparison::AtLeast),
            ("<=", Comparison::AtMost),
            (">", Comparison::Above),
            ("<", Comparison::Below),
            (":", Comparison::Equal),
            ("~", Comparison::Contains),
        ] {
            if self.take(token) {
                return Ok(comparison);
            }
        }
        Err(self.wrong("one of : ~ > >= < <= is expected"))
    }

    fn operand(&mut self, kind: Kind, comparison: Comparison) -> Result<Operand, Rejection> {
        let start = self.at;
        let rest = self.rest();
        if rest.starts_with(['\'', '"']) {
            let text = self.quoted()?;
            if kind == Kind::Number {
                let number = suanpan_money::parse_minor(text.as_bytes());
                return number.map(Operand::Number).map_err(|_| self.wrong_at(start, "a number is expected"));
            }
            if comparison == Comparison::Contains && text.chars().count() < 3 {
                return Err(self.wrong_at(start, "~ needs a text of three letters at least"));
            }
            return Ok(Operand::Text(text.to_lowercase()));
        }
        let end = rest.find(|char: char| char.is_whitespace()).unwrap_or(rest.len());
        let bare = &rest[..end];
        self.at += end;
        if comparison == Comparison::Equal && bare.eq_ignore_ascii_case("null") {
            return Ok(Operand::Absent);
        }
        if kind != Kind::Number {
            return Err(self.wrong_at(start, "a text in quotation marks is expected"));
        }
        let number = suanpan_money::parse_minor(bare.as_bytes());
        number.map(Operand::Number).map_err(|_| self.wrong_at(start, "a number is expected"))
    }

    /// Reads a text in quotation marks of either kind; a backslash takes the next character as it is.
    fn quoted(&mut self) -> Result<String, Rejection> {
        let start = self.at;
        let mut chars = self.rest().char_indices();
        let Some((_, mark @ ('\'' | '"'))) = chars.next() else {
            return Err(self.wrong("a text in quotation marks is expected"));
        };
        let mut text = String::new();
        while let Some((at, char)) = chars.next() {
            match char {
                '\\' => match chars.next() {
                    Some((_, escaped)) => text.push(escaped),
                    None => break,
                },
                _ if char == mark => {
                    self.at += at + char.len_utf8();
                    return Ok(text);
                }
                _ => text.push(char),
            }
        }
        Err(self.wrong_at(start, "the closing quotation mark is missing"))
    }
}
