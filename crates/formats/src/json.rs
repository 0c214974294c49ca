//! Events as JSON: what `suanpan formats show --format json` prints and what the golden files hold.
//!
//! Amounts are strings with the decimals of the file; what is empty is left out.

use crate::event::{Check, Event, Fault, Statement};
use crate::record::{Place, Record};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// Writes an entry unless its text is empty.
fn text<M: SerializeMap>(map: &mut M, name: &str, text: &str) -> Result<(), M::Error> {
    if text.is_empty() { Ok(()) } else { map.serialize_entry(name, text) }
}

/// Writes an entry by its display form where it is there.
fn shown<M: SerializeMap>(
    map: &mut M,
    name: &str,
    value: Option<&impl std::fmt::Display>,
) -> Result<(), M::Error> {
    value.map_or(Ok(()), |value| map.serialize_entry(name, &value.to_string()))
}

struct Pairs<'a>(&'a [(String, String)]);

impl Serialize for Pairs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, text)| (name, text)))
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        match self {
            Event::Statement(statement) => map.serialize_entry("statement", statement)?,
            Event::Record(record) => map.serialize_entry("record", record)?,
            Event::Check(check) => map.serialize_entry("check", check)?,
            Event::Fault(fault) => map.serialize_entry("fault", fault)?,
        }
        map.end()
    }
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let parts = [("page", u64::from(self.page)), ("line", self.line), ("column", u64::from(self.column))];
        for (name, number) in parts.into_iter().filter(|(_, number)| *number > 0) {
            map.serialize_entry(name, &number)?;
        }
        map.end()
    }
}

impl Serialize for Statement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("place", &self.place)?;
        text(&mut map, "id", &self.id)?;
        text(&mut map, "account", &self.account)?;
        text(&mut map, "holder", &self.holder)?;
        shown(&mut map, "currency", self.currency.as_ref())?;
        shown(&mut map, "from", self.from.as_ref())?;
        shown(&mut map, "to", self.to.as_ref())?;
        shown(&mut map, "opening", self.opening.as_ref())?;
        if !self.details.is_empty() {
            map.serialize_entry("details", &Pairs(&self.details))?;
        }
        map.end()
    }
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("place", &self.place)?;
        map.serialize_entry("kind", self.kind.name())?;
        text(&mut map, "kind_text", &self.kind_text)?;
        map.serialize_entry("status", self.status.name())?;
        text(&mut map, "status_text", &self.status_text)?;
        map.serialize_entry("direction", self.direction.name())?;
        map.serialize_entry("amount", &self.amount.to_string())?;
        map.serialize_entry("currency", self.currency.code())?;
        shown(&mut map, "fee", self.fee.as_ref())?;
        shown(&mut map, "net", self.net.as_ref())?;
        shown(&mut map, "balance", self.balance.as_ref())?;
        text(&mut map, "id", &self.id)?;
        text(&mut map, "own_id", &self.own_id)?;
        text(&mut map, "order_id", &self.order_id)?;
        text(&mut map, "original_id", &self.original_id)?;
        text(&mut map, "batch_id", &self.batch_id)?;
        shown(&mut map, "time", self.time.as_ref())?;
        shown(&mut map, "booked_on", self.booked_on.as_ref())?;
        shown(&mut map, "value_on", self.value_on.as_ref())?;
        text(&mut map, "account", &self.account)?;
        text(&mut map, "counterparty", &self.counterparty)?;
        text(&mut map, "counterparty_account", &self.counterparty_account)?;
        text(&mut map, "description", &self.description)?;
        if !self.details.is_empty() {
            map.serialize_entry("details", &Pairs(&self.details))?;
        }
        if !self.notes.is_empty() {
            map.serialize_entry("notes", &self.notes)?;
        }
        text(&mut map, "raw", &self.raw)?;
        map.end()
    }
}

impl Serialize for Check {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("place", &self.place)?;
        map.serialize_entry("what", &self.what)?;
        map.serialize_entry("agrees", &self.agrees)?;
        map.serialize_entry("declared", &self.declared)?;
        map.serialize_entry("computed", &self.computed)?;
        text(&mut map, "difference", &self.difference)?;
        map.end()
    }
}

impl Serialize for Fault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("place", &self.place)?;
        text(&mut map, "field", &self.field)?;
        map.serialize_entry("message", &self.message)?;
        text(&mut map, "found", &self.found)?;
        map.end()
    }
}
