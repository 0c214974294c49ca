//! The statement line `:61:`.

use super::{amount, clamped, short_date};
use crate::event::Fault;
use crate::record::{Direction, Kind, Place, Record};
use jiff::civil::Date;
use suanpan_money::Currency;

/// Reads `YYMMDD [MMDD] [R]C|D [funds code] amount type reference [//reference] [CRLF details]`.
pub(super) fn parse(lines: &[String], place: Place, currency: Currency) -> Result<Record, Fault> {
    let text = lines.first().map_or("", String::as_str);
    let mut rest = Rest { text, at: 0, place };
    let date = rest.take_digits(6).ok_or_else(|| rest.fault("has no value date YYMMDD"))?;
    let (value_on, day_clamped) = short_date(date).ok_or_else(|| rest.fault("has no value date YYMMDD"))?;
    let booked = rest.take_digits(4);
    if booked.is_none() {
        // Some banks fill the place of an entry date that is not there with blanks.
        rest.take_blanks();
    }
    let mark = rest
        .take_mark()
        .ok_or_else(|| rest.fault("has neither C nor D, with or without R, after its date"))?;
    // The third letter of the currency, which some banks add.
    rest.take_if(|c| c.is_ascii_alphabetic());
    let digits = rest.rest().bytes().take_while(|b| b.is_ascii_digit() || matches!(b, b',' | b'.')).count();
    let number = &rest.rest()[..digits];
    let value = amount(number).map_err(|message| rest.fault(message))?;
    rest.at += digits;
    let out = matches!(mark, "D" | "RC" | "ED");
    let signed = if out { crate::checks::negated(value) } else { value };
    rest.take_blanks();
    let code = rest.take_type();
    let (own, bank) = rest.rest().split_once("//").unwrap_or((rest.rest(), ""));
    let reversal = mark.starts_with('R');
    let mut record = Record::new(kind(&code, reversal), signed, currency, place);
    record.direction = if out { Direction::Out } else { Direction::In };
    record.kind_text = code;
    record.value_on = Some(value_on);
    record.booked_on = booked.and_then(|booked| entry_date(booked, value_on));
    if day_clamped {
        record.notes.push(format!("value date {date} is not in the calendar: read as {value_on}"));
    }
    if reversal {
        record.detail("mark", mark);
    }
    if !matches!(own.trim(), "" | "NONREF") {
        record.own_id = own.trim().to_owned();
    }
    record.id = bank.trim().to_owned();
    let more: Vec<&str> =
        lines.iter().skip(1).map(|line| line.trim()).filter(|line| !line.is_empty()).collect();
    record.detail("supplementary details", &more.join(" "));
    Ok(record)
}

/// The part of a line that is still to be read.
struct Rest<'l> {
    text: &'l str,
    at: usize,
    place: Place,
}

impl<'l> Rest<'l> {
    fn rest(&self) -> &'l str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The column counts the tag before the text.
    fn fault(&self, message: &str) -> Fault {
        let column = u32::try_from(self.at + 5).unwrap_or(u32::MAX);
        Fault::new(self.place.at_column(column), ":61:", message, self.text)
    }

    fn take_digits(&mut self, count: usize) -> Option<&'l str> {
        let taken = self.rest().get(..count)?;
        taken.bytes().all(|b| b.is_ascii_digit()).then(|| {
            self.at += count;
            taken
        })
    }

    fn take_blanks(&mut self) {
        self.at += self.rest().bytes().take_while(|b| *b == b' ').count();
    }

    /// Takes the transaction type of four characters. Some banks leave it out, and go on with the references.
    fn take_type(&mut self) -> String {
        let end = self.rest().find("//").unwrap_or(self.rest().len());
        let code: String = self.rest()[..end].chars().take(4).collect();
        self.at += code.len();
        code
    }

    fn take_mark(&mut self) -> Option<&'static str> {
        let mark =
            ["RC", "RD", "EC", "ED", "C", "D"].into_iter().find(|mark| self.rest().starts_with(mark))?;
        self.at += mark.len();
        Some(mark)
    }

    fn take_if(&mut self, test: impl Fn(char) -> bool) {
        if let Some(c) = self.rest().chars().next().filter(|c| test(*c)) {
            self.at += c.len_utf8();
        }
    }
}

/// Gives an entry date MMDD the year that puts it nearest to the value date: it may be of the year before
/// or after.
fn entry_date(text: &str, value_on: Date) -> Option<Date> {
    let (month, day) = (text[..2].parse().ok()?, text[2..].parse().ok()?);
    (value_on.year() - 1..=value_on.year() + 1)
        .filter_map(|year| clamped(year, month, day).map(|(date, _)| date))
        .min_by_key(|date| (date.duration_since(value_on).as_hours().abs(), *date))
}

/// Tells the kind by the last three letters of the transaction type (SWIFT field 61, subfield 6).
fn kind(code: &str, reversal: bool) -> Kind {
    match code.get(1..).unwrap_or_default() {
        _ if reversal => Kind::Return,
        "RTI" => Kind::Return,
        "CHG" | "COM" => Kind::Fee,
        "INT" => Kind::Interest,
        _ => Kind::Transfer,
    }
}
