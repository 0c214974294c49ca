//! Rows of the output tables between the decision and the file: a compact binary form, made once,
//! that is sorted and spilled as bytes and then read cell by cell for CSV and Parquet.
//!
//! A row is a bitmap of the columns that have a value, then those values in order of column. What is
//! a name (file, pass, type, status, reason) is stored as a number and resolved when it is written.

use crate::outcome::Code;
use crate::record::{Loc, Side, Word};
use suanpan_money::Currency;

/// A column of an output table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
}

impl Column {
    pub(super) fn new(name: impl Into<String>, kind: Kind) -> Self {
        Column { name: name.into(), kind }
    }
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The number of the group, given when all rows are in order. Not stored.
    Number,
    /// An outcome code.
    Code,
    /// A currency's letter code.
    Currency,
    /// An amount in the unit of its currency.
    Money,
    /// A difference or sum of amounts.
    Sum,
    /// Minor units only.
    Minor,
    /// Text of the input, made readable.
    Text,
    /// Text of the input as it is, for a file that is read again.
    RawText,
    /// A type or status.
    Word,
    /// Names of fields.
    Fields,
    /// A file of a side.
    File(Side),
    /// A file of either side.
    AnyFile,
    /// The name of a side.
    Side,
    /// A plain count, such as a row number.
    Count,
    /// An instant.
    Time,
    /// A day.
    Day,
    /// Microseconds since 1970, as a plain number.
    Micros,
    /// Days since 1970, as a plain number.
    Days,
    /// The pass that decided.
    Pass,
    /// A fixed sentence of the engine.
    Why,
    /// Places of records.
    Places,
    /// True, or no value.
    Flag,
}

/// The most columns of a table: one bit each.
pub(super) const COLUMNS_MAX: usize = 64;

/// One value, as it was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cell<'a> {
    Number(u64),
    Code(Code),
    /// ISO 4217 numeric code.
    Currency(u16),
    /// Minor units and the number of decimals of their currency.
    Money(i128, u8),
    Int(i64),
    Text(&'a [u8]),
    Word(Word),
    Fields(u32),
    File(Side, u16),
    Side(Side),
    /// A pass by number, or the close.
    Pass(Option<u16>),
    Why(u16),
    Places(&'a [u8]),
    Flag,
}

/// Builds one row after the other in the same buffer.
#[derive(Debug, Default)]
pub(super) struct RowBuilder {
    bytes: Vec<u8>,
    present: u64,
    column: u32,
}

impl RowBuilder {
    /// Starts a row.
    pub(super) fn start(&mut self) {
        self.bytes.clear();
        self.bytes.extend_from_slice(&[0; 8]);
        self.present = 0;
        self.column = 0;
    }

    /// Ends the row and returns its bytes. `columns` is the number of stored columns.
    pub(super) fn finish(&mut self, columns: usize) -> &[u8] {
        assert_eq!(self.column as usize, columns, "a row has a value or a gap for each column");
        self.bytes[..8].copy_from_slice(&self.present.to_le_bytes());
        &self.bytes
    }

    pub(super) fn none(&mut self) {
        self.column += 1;
    }

    fn some(&mut self, bytes: &[u8]) {
        self.present |= 1 << self.column;
        self.column += 1;
        self.bytes.extend_from_slice(bytes);
    }

    fn some_sized(&mut self, bytes: &[u8]) {
        self.some(&u32::try_from(bytes.len()).expect("a text below 4 GiB").to_le_bytes());
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn code(&mut self, code: Code) {
        self.some(&[code as u8]);
    }

    pub(super) fn currency(&mut self, currency: Option<Currency>) {
        match currency {
            Some(currency) => self.some(&currency.numeric().to_le_bytes()),
            None => self.none(),
        }
    }

    pub(super) fn money(&mut self, minor: Option<i64>, exponent: u8) {
        match minor {
            Some(minor) => {
                self.some(&minor.to_le_bytes());
                self.bytes.push(exponent);
            }
            None => self.none(),
        }
    }

    pub(super) fn sum(&mut self, minor: Option<i128>, exponent: u8) {
        match minor {
            Some(minor) => {
                self.some(&minor.to_le_bytes());
                self.bytes.push(exponent);
            }
            None => self.none(),
        }
    }

    /// For counts, times, days and minor units.
    pub(super) fn int(&mut self, value: Option<i64>) {
        match value {
            Some(value) => self.some(&value.to_le_bytes()),
            None => self.none(),
        }
    }

    /// For counts that have no sign.
    pub(super) fn count(&mut self, value: Option<u64>) {
        self.int(value.map(|value| i64::try_from(value).unwrap_or(i64::MAX)));
    }

    pub(super) fn text(&mut self, text: Option<&[u8]>) {
        match text {
            Some(text) => self.some_sized(text),
            None => self.none(),
        }
    }

    /// The undeclared word has no value.
    pub(super) fn word(&mut self, word: Option<Word>) {
        match word {
            Some(word) if word != Word::default() => self.some(&word.0.to_le_bytes()),
            _ => self.none(),
        }
    }

    pub(super) fn fields(&mut self, mask: u32) {
        if mask == 0 { self.none() } else { self.some(&mask.to_le_bytes()) }
    }

    pub(super) fn file(&mut self, file: Option<u16>) {
        match file {
            Some(file) => self.some(&file.to_le_bytes()),
            None => self.none(),
        }
    }

    pub(super) fn any_file(&mut self, side: Side, file: u16) {
        let [low, high] = file.to_le_bytes();
        self.some(&[u8::from(side == Side::Right), low, high]);
    }

    pub(super) fn side(&mut self, side: Side) {
        self.some(&[u8::from(side == Side::Right)]);
    }

    pub(super) fn pass(&mut self, pass: Option<u16>) {
        self.some(&pass.unwrap_or(u16::MAX).to_le_bytes());
    }

    pub(super) fn why(&mut self, why: Option<u16>) {
        match why {
            Some(why) => self.some(&why.to_le_bytes()),
            None => self.none(),
        }
    }

    pub(super) fn places(&mut self, places: impl ExactSizeIterator<Item = (Side, Loc)>) {
        if places.len() == 0 {
            return self.none();
        }
        let bytes = u32::try_from(places.len() * PLACE_BYTES).expect("few candidates");
        self.some(&bytes.to_le_bytes());
        for (side, loc) in places {
            self.bytes.push(u8::from(side == Side::Right));
            self.bytes.extend_from_slice(&loc.file.to_le_bytes());
            self.bytes.extend_from_slice(&loc.row.to_le_bytes());
        }
    }

    pub(super) fn flag(&mut self, flag: bool) {
        if flag { self.some(&[]) } else { self.none() }
    }
}

const PLACE_BYTES: usize = 11;

/// Reads the places of a [`Cell::Places`].
pub(super) fn places(bytes: &[u8]) -> impl Iterator<Item = (Side, u16, u64)> {
    bytes.chunks_exact(PLACE_BYTES).map(|place| {
        let file = u16::from_le_bytes([place[1], place[2]]);
        let row = u64::from_le_bytes(place[3..].try_into().expect("eight bytes"));
        (side(place[0]), file, row)
    })
}

/// Calls `each` for every column that has a value, in order. `columns` are the stored columns.
///
/// # Panics
/// On bytes that [`RowBuilder`] did not make: they never leave the process.
pub(super) fn for_each_cell<'a>(columns: &[Column], row: &'a [u8], mut each: impl FnMut(usize, Cell<'a>)) {
    let mut present = u64::from_le_bytes(row[..8].try_into().expect("a bitmap"));
    let mut rest = Bytes(&row[8..]);
    while present != 0 {
        let at = present.trailing_zeros() as usize;
        present &= present - 1;
        let cell = match columns[at].kind {
            Kind::Number => unreachable!("numbers are not stored"),
            Kind::Code => Cell::Code(Code::ALL[usize::from(rest.take::<1>()[0])]),
            Kind::Currency => Cell::Currency(u16::from_le_bytes(rest.take())),
            Kind::Money => {
                let minor = i64::from_le_bytes(rest.take());
                Cell::Money(i128::from(minor), rest.take::<1>()[0])
            }
            Kind::Sum => {
                let minor = i128::from_le_bytes(rest.take());
                Cell::Money(minor, rest.take::<1>()[0])
            }
            Kind::Minor | Kind::Count | Kind::Time | Kind::Day | Kind::Micros | Kind::Days => {
                Cell::Int(i64::from_le_bytes(rest.take()))
            }
            Kind::Text | Kind::RawText => Cell::Text(rest.take_sized()),
            Kind::Word => Cell::Word(Word(u16::from_le_bytes(rest.take()))),
            Kind::Fields => Cell::Fields(u32::from_le_bytes(rest.take())),
            Kind::File(side) => Cell::File(side, u16::from_le_bytes(rest.take())),
            Kind::AnyFile => {
                let side = side(rest.take::<1>()[0]);
                Cell::File(side, u16::from_le_bytes(rest.take()))
            }
            Kind::Side => Cell::Side(side(rest.take::<1>()[0])),
            Kind::Pass => {
                let pass = u16::from_le_bytes(rest.take());
                Cell::Pass((pass != u16::MAX).then_some(pass))
            }
            Kind::Why => Cell::Why(u16::from_le_bytes(rest.take())),
            Kind::Places => Cell::Places(rest.take_sized()),
            Kind::Flag => Cell::Flag,
        };
        each(at, cell);
    }
    assert!(rest.0.is_empty(), "a row has no bytes left over");
}

fn side(byte: u8) -> Side {
    if byte == 0 { Side::Left } else { Side::Right }
}

struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (head, rest) = self.0.split_first_chunk().expect("a whole value");
        self.0 = rest;
        *head
    }

    fn take_sized(&mut self) -> &'a [u8] {
        let len = u32::from_le_bytes(self.take()) as usize;
        let (text, rest) = self.0.split_at(len);
        self.0 = rest;
        text
    }
}

/// The order of rows in every table: by code, then by where the group's first record stands (left
/// side first), then by place within the group. Unique for each row of a run.
pub(super) fn sort_key(code: u8, side: Side, loc: Loc, member: u32) -> u128 {
    u128::from(code) << 120
        | u128::from(u8::from(side == Side::Right)) << 112
        | u128::from(loc.file) << 96
        | u128::from(loc.row) << 32
        | u128::from(member)
}

/// The part of a sort key that all rows of a group share.
pub(super) fn group_of(key: u128) -> u128 {
    key >> 32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keys_order_by_code_then_side_then_place_then_member() {
        let loc = |file, row| Loc { file, row, offset: 0 };
        let keys = [
            sort_key(6, Side::Left, loc(0, 2), 0),
            sort_key(6, Side::Left, loc(0, 2), u32::MAX),
            sort_key(6, Side::Left, loc(0, u64::MAX), 0),
            sort_key(6, Side::Left, loc(1, 0), 0),
            sort_key(6, Side::Left, loc(u16::MAX, 0), 0),
            sort_key(6, Side::Right, loc(0, 0), 0),
            sort_key(7, Side::Left, loc(0, 0), 0),
        ];
        assert!(keys.is_sorted_by(|a, b| a < b));
        assert_eq!(group_of(keys[0]), group_of(keys[1]));
        assert_eq!(keys.map(group_of).iter().collect::<std::collections::BTreeSet<_>>().len(), 6);
    }

    proptest! {
        #[test]
        fn a_row_reads_back_as_it_was_built(
            minor in any::<Option<i64>>(), sum in any::<Option<i128>>(), exponent in 0_u8..5,
            text in any::<Option<Vec<u8>>>(), mask in any::<u32>(), file in any::<Option<u16>>(),
            pass in prop::option::of(0..u16::MAX), int in any::<Option<i64>>(), flag in any::<bool>(),
            places_in in prop::collection::vec((any::<bool>(), any::<u16>(), any::<u64>()), 0..4),
        ) {
            let columns: Vec<Column> = [
                Kind::Code, Kind::Money, Kind::Sum, Kind::Text, Kind::Fields, Kind::File(Side::Right),
                Kind::Pass, Kind::Count, Kind::Flag, Kind::Places, Kind::Side,
            ].into_iter().map(|kind| Column::new("c", kind)).collect();
            let places_in: Vec<_> = places_in.into_iter().map(|(right, file, row)| {
                (if right { Side::Right } else { Side::Left }, Loc { file, row, offset: 0 })
            }).collect();
            let mut row = RowBuilder::default();
            row.start();
            row.code(Code::Ambiguous);
            row.money(minor, exponent);
            row.sum(sum, exponent);
            row.text(text.as_deref());
            row.fields(mask);
            row.file(file);
            row.pass(pass);
            row.int(int);
            row.flag(flag);
            row.places(places_in.iter().copied());
            row.side(Side::Right);
            let bytes = row.finish(columns.len()).to_vec();

            let mut cells = vec![None; columns.len()];
            for_each_cell(&columns, &bytes, |at, cell| cells[at] = Some(cell));
            prop_assert_eq!(cells[0], Some(Cell::Code(Code::Ambiguous)));
            prop_assert_eq!(cells[1], minor.map(|m| Cell::Money(i128::from(m), exponent)));
            prop_assert_eq!(cells[2], sum.map(|m| Cell::Money(m, exponent)));
            prop_assert_eq!(cells[3], text.as_deref().map(Cell::Text));
            prop_assert_eq!(cells[4], (mask != 0).then_some(Cell::Fields(mask)));
            prop_assert_eq!(cells[5], file.map(|f| Cell::File(Side::Right, f)));
            prop_assert_eq!(cells[6], Some(Cell::Pass(pass)));
            prop_assert_eq!(cells[7], int.map(Cell::Int));
            prop_assert_eq!(cells[8], flag.then_some(Cell::Flag));
            match cells[9] {
                Some(Cell::Places(bytes)) => prop_assert_eq!(
                    places(bytes).collect::<Vec<_>>(),
                    places_in.iter().map(|(s, l)| (*s, l.file, l.row)).collect::<Vec<_>>()
                ),
                None => prop_assert!(places_in.is_empty()),
                other => prop_assert!(false, "{:?}", other),
            }
            prop_assert_eq!(cells[10], Some(Cell::Side(Side::Right)));
        }
    }
}
