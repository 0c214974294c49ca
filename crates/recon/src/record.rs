//! A record: one line of one side, reduced to the fields that rules may name.
//!
//! Records live in a [`Records`] table: fixed-size rows beside one byte arena for their texts, so
//! that millions can be held, moved and spilled without an allocation each.

use suanpan_money::Currency;

/// The two sides of a reconciliation. In outcome codes the left side is `A` and the right is `B`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// `A`: our books.
    Left,
    /// `B`: what the other side says.
    Right,
}

impl Side {
    /// Both sides, left first.
    pub const BOTH: [Side; 2] = [Side::Left, Side::Right];

    /// Returns 0 for the left side and 1 for the right, for indexing pairs.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Side::Left => 0,
            Side::Right => 1,
        }
    }

    /// Returns the opposite side.
    #[must_use]
    pub const fn other(self) -> Side {
        match self {
            Side::Left => Side::Right,
            Side::Right => Side::Left,
        }
    }

    /// Returns `left` or `right`, the word used in files and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Side::Left => "left",
            Side::Right => "right",
        }
    }
}

/// Where a record stands. The order of locations within a side is the total order by which ties
/// are broken, so results do not depend on arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Loc {
    /// Index into the side's list of inputs (files in their given order; open items come last).
    pub file: u16,
    /// The record's number within the file, counted from 1 with the header as 1 when there is one:
    /// the row number that a spreadsheet shows, or the line of an NDJSON file.
    pub row: u64,
    /// Byte offset of the record's first byte in the (decompressed, decoded) file; for Parquet the
    /// zero-based row index.
    pub offset: u64,
}

/// The most match keys a rule may declare (`k1` to `k8`).
pub const KEYS_MAX: usize = 8;

/// A text field of a record: the match keys first, then the other texts that passes group by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Text {
    /// Match key number `n` (0 for `k1`).
    Key(u8),
    /// The batch or payout that the record belongs to.
    Batch,
    /// The id of the record that this one reverses or refers to.
    Original,
    /// The bank account, wallet or counterparty.
    Account,
    /// The line of the document from which the record was made, where the file that is read is not it.
    Line,
}

impl Text {
    /// The number of text slots of a record.
    pub const SLOTS: usize = KEYS_MAX + 4;

    /// Returns the slot in which the text is stored.
    #[must_use]
    pub const fn slot(self) -> usize {
        match self {
            Text::Key(n) => n as usize,
            Text::Batch => KEYS_MAX,
            Text::Original => KEYS_MAX + 1,
            Text::Account => KEYS_MAX + 2,
            Text::Line => KEYS_MAX + 3,
        }
    }
}

/// A word of a small vocabulary (types, statuses), interned by [`Words`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Word(pub u16);

/// The fixed-size part of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Which side the record belongs to.
    pub side: Side,
    /// Where it stands.
    pub loc: Loc,
    /// Signed amount in minor units of `currency`.
    pub amount: i64,
    /// Signed fee in minor units of `currency`; `None` where the side declares no fee or it is empty.
    pub fee: Option<i64>,
    /// The currency of amount and fee.
    pub currency: Currency,
    /// The record's type (payment, refund …) after the rule's map; [`Word::default`] when undeclared.
    pub kind: Word,
    /// The status class after the rule's map; [`Word::default`] when undeclared.
    pub status: Word,
    /// Event time in microseconds since 1970-01-01T00:00:00Z.
    pub time: Option<i64>,
    /// Business date in days since 1970-01-01.
    pub date: Option<i32>,
    /// For an open item carried from earlier runs: how many runs it has been open (1 or more).
    /// 0 for a record of today's files.
    pub age: u16,
    /// Start of the record's texts in the arena of its table.
    text_at: u64,
}

/// Everything of a record but its place in a table: what [`Records::push`] takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewRecord<'a> {
    /// Which side the record belongs to.
    pub side: Side,
    /// Where it stands.
    pub loc: Loc,
    /// Signed amount in minor units.
    pub amount: i64,
    /// Signed fee in minor units.
    pub fee: Option<i64>,
    /// Currency of amount and fee.
    pub currency: Currency,
    /// Interned type.
    pub kind: Word,
    /// Interned status.
    pub status: Word,
    /// Microseconds since the epoch, UTC.
    pub time: Option<i64>,
    /// Days since the epoch.
    pub date: Option<i32>,
    /// Runs for which the item has been open; 0 for today's records.
    pub age: u16,
    /// Texts by slot; `None` where undeclared, empty or one of the rule's null words.
    pub texts: [Option<&'a [u8]>; Text::SLOTS],
}

/// The index of a record in its [`Records`] table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(pub u32);

/// A table of records.
#[derive(Debug, Clone, Default)]
pub struct Records {
    rows: Vec<Row>,
    texts: Vec<u8>,
}

const NULL: u32 = u32::MAX;

impl Records {
    /// Makes an empty table.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Says whether the table is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns the bytes of memory that the table holds, for budgets.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.rows.capacity() * size_of::<Row>() + self.texts.capacity()
    }

    /// Appends a record and returns its id.
    ///
    /// # Panics
    /// On a text of 4 GiB or a table of 2^32 records: the readers' limits lie far below both.
    pub fn push(&mut self, new: &NewRecord<'_>) -> RecordId {
        let id = RecordId(u32::try_from(self.rows.len()).expect("fewer than 2^32 records in a table"));
        let text_at = self.texts.len() as u64;
        // Trailing undeclared slots take no room.
        let used = new.texts.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        self.texts.push(u8::try_from(used).expect("few text slots"));
        for text in &new.texts[..used] {
            match text {
                None => self.texts.extend_from_slice(&NULL.to_le_bytes()),
                Some(bytes) => {
                    let len = u32::try_from(bytes.len()).ok().filter(|len| *len != NULL);
                    self.texts.extend_from_slice(&len.expect("a text below 4 GiB").to_le_bytes());
                    self.texts.extend_from_slice(bytes);
                }
            }
        }
        self.rows.push(Row {
            side: new.side,
            loc: new.loc,
            amount: new.amount,
            fee: new.fee,
            currency: new.currency,
            kind: new.kind,
            status: new.status,
            time: new.time,
            date: new.date,
            age: new.age,
            text_at,
        });
        id
    }

    /// Returns the fixed-size part of a record.
    #[must_use]
    pub fn row(&self, id: RecordId) -> &Row {
        &self.rows[id.0 as usize]
    }

    /// Returns a text of a record, or `None` where it is null.
    #[must_use]
    pub fn text(&self, id: RecordId, text: Text) -> Option<&[u8]> {
        let mut at = usize::try_from(self.row(id).text_at).expect("an arena offset");
        let used = usize::from(self.texts[at]);
        at += 1;
        if text.slot() >= used {
            return None;
        }
        for _ in 0..text.slot() {
            let len = self.len_at(at);
            at += 4 + if len == NULL { 0 } else { len as usize };
        }
        let len = self.len_at(at);
        (len != NULL).then(|| &self.texts[at + 4..at + 4 + len as usize])
    }

    fn len_at(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.texts[at..at + 4].try_into().expect("four bytes"))
    }

    /// Returns the record in the form that [`Records::push`] takes, for copying between tables.
    #[must_use]
    pub fn get(&self, id: RecordId) -> NewRecord<'_> {
        let row = self.row(id);
        let mut texts = [None; Text::SLOTS];
        let mut at = usize::try_from(row.text_at).expect("an arena offset");
        let used = usize::from(self.texts[at]);
        at += 1;
        for text in texts.iter_mut().take(used) {
            let len = self.len_at(at);
            at += 4;
            if len != NULL {
                *text = Some(&self.texts[at..at + len as usize]);
                at += len as usize;
            }
        }
        NewRecord {
            side: row.side,
            loc: row.loc,
            amount: row.amount,
            fee: row.fee,
            currency: row.currency,
            kind: row.kind,
            status: row.status,
            time: row.time,
            date: row.date,
            age: row.age,
            texts,
        }
    }

    /// Iterates over the ids of all records.
    pub fn ids(&self) -> impl Iterator<Item = RecordId> + use<> {
        (0..u32::try_from(self.rows.len()).expect("fewer than 2^32 records")).map(RecordId)
    }

    /// Takes all records out; memory is kept.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.texts.clear();
    }

    /// Moves all records of `other` to the end of this table.
    pub fn append(&mut self, mut other: Records) {
        let shift = self.texts.len() as u64;
        self.texts.append(&mut other.texts);
        self.rows.extend(other.rows.into_iter().map(|mut row| {
            row.text_at += shift;
            row
        }));
    }
}

/// The small vocabularies of a run: types and statuses by number. Number 0 is the empty word.
#[derive(Debug, Clone)]
pub struct Words {
    list: Vec<String>,
}

impl Default for Words {
    fn default() -> Self {
        Words { list: vec![String::new()] }
    }
}

impl Words {
    /// The most distinct words of a run: a column with more is not a type or a status.
    pub const MAX: usize = 4096;

    /// Returns the number of a word, adding it when it is new, or `None` when the vocabulary is full.
    pub fn intern(&mut self, word: &str) -> Option<Word> {
        if let Some(at) = self.list.iter().position(|w| w == word) {
            return u16::try_from(at).ok().map(Word);
        }
        if self.list.len() >= Self::MAX {
            return None;
        }
        self.list.push(word.to_owned());
        u16::try_from(self.list.len() - 1).ok().map(Word)
    }

    /// Iterates over the texts of all words in order of number.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(String::as_str)
    }

    /// Returns the text of a word.
    #[must_use]
    pub fn text(&self, word: Word) -> &str {
        self.list.get(usize::from(word.0)).map_or("", String::as_str)
    }
}
