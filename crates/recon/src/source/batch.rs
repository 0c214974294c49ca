//! Columns of text: what the readers of NDJSON and Parquet give.
//!
//! Texts of NDJSON are written one behind another. Parquet has many of them ready, in a page or in a
//! dictionary, and numbers that may never be asked for as text: those columns hold what the file has.

use bytes::Bytes;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// Some rows of a file, as text by column. Made once and filled again and again.
#[derive(Debug, Clone, Default)]
pub struct TextBatch {
    columns: Vec<TextColumn>,
    places: Vec<RowPlace>,
}

/// Where a row of a batch stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowPlace {
    /// Byte offset of the row's first byte in the text; for Parquet the zero-based row of the file.
    pub offset: u64,
    /// Bytes of the row without its line end; 0 for Parquet.
    pub len: u32,
    /// Zero-based line within the chunk that was read (lines that gave no row are counted); for
    /// Parquet the row within the batch.
    pub line: u32,
}

/// One column of a batch.
#[derive(Debug, Clone, Default)]
pub struct TextColumn {
    bytes: Vec<u8>,
    /// End of each text in `bytes`; it starts where the one before ends.
    ends: Vec<u32>,
    nulls: Vec<bool>,
    form: Form,
    /// Of [`Form::Spans`]: start and end of each text in the page.
    spans: Vec<[u32; 2]>,
    /// Of [`Form::Entries`]: the place of each text in the dictionary.
    indexes: Vec<u32>,
    /// Texts of numbers, written when somebody asks for the first of them.
    written: OnceLock<Box<TextColumn>>,
}

/// Where the texts of a column are. Only [`Form::Texts`] has nulls.
#[derive(Debug, Clone, Default)]
enum Form {
    /// One behind another in the column's own bytes.
    #[default]
    Texts,
    /// In a page.
    Spans(Bytes),
    /// In a dictionary.
    Entries(Arc<Dictionary>),
    /// Nowhere yet: these are numbers.
    Numbers(Numbers),
}

/// Whole numbers of so many decimals, each in 4 or 8 bytes of a page.
#[derive(Debug, Clone)]
pub(super) struct Numbers {
    pub(super) bytes: Bytes,
    pub(super) width: usize,
    pub(super) decimals: u8,
    pub(super) write: WriteNumber,
}

impl Numbers {
    fn len(&self) -> usize {
        self.bytes.len() / self.width
    }

    #[inline(always)]
    fn get(&self, row: usize) -> i64 {
        if self.width == 8 {
            i64::from_le_bytes(self.bytes.as_chunks().0[row])
        } else {
            i32::from_le_bytes(self.bytes.as_chunks().0[row]).into()
        }
    }
}

/// Texts to which many rows point.
#[derive(Debug)]
pub(super) struct Dictionary {
    /// No other dictionary of the process has this number.
    number: u64,
    pub(super) texts: TextColumn,
}

impl Dictionary {
    pub(super) fn new(texts: TextColumn) -> Dictionary {
        static MADE: AtomicU64 = AtomicU64::new(1);
        Dictionary { number: MADE.fetch_add(1, Ordering::Relaxed), texts }
    }
}

/// Writes a number of so many decimals.
pub(super) type WriteNumber = fn(i64, u8, &mut Vec<u8>);

impl TextBatch {
    /// Makes an empty batch of so many columns.
    #[must_use]
    pub fn new(columns: usize) -> TextBatch {
        TextBatch { columns: vec![TextColumn::default(); columns], places: Vec::new() }
    }

    /// Takes all rows out; memory is kept.
    pub fn clear(&mut self) {
        self.columns.iter_mut().for_each(TextColumn::clear);
        self.places.clear();
    }

    /// Returns the number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.places.len()
    }

    /// Returns a text of up to 32 bytes with whatever stands behind it, and its length. `None` where
    /// it is longer, or too near the end of its column.
    #[inline]
    pub(crate) fn head32(&self, column: usize, row: usize) -> Option<(&[u8; 32], usize)> {
        let (bytes, [start, end]) = self.columns[column].place(row);
        Some((bytes.get(start..start + 32)?.try_into().ok()?, end - start))
    }

    /// Returns the 16 bytes that end with a text, and its length. `None` where it is too near the
    /// start of its column.
    #[inline]
    pub(crate) fn tail16(&self, column: usize, row: usize) -> Option<([u8; 16], usize)> {
        let (bytes, [start, end]) = self.columns[column].place(row);
        Some((bytes.get(end.checked_sub(16)?..end)?.try_into().ok()?, end - start))
    }

    /// Returns a number and its decimals, where the column holds numbers that are not written yet.
    #[inline]
    pub(crate) fn number(&self, column: usize, row: usize) -> Option<(i64, u8)> {
        match &self.columns[column].form {
            Form::Numbers(numbers) => Some((numbers.get(row), numbers.decimals)),
            _ => None,
        }
    }

    /// Returns the number of a dictionary and the place of a text in it, where the text stands in one.
    /// The two together stand for the text as long as the process runs.
    #[inline]
    pub(crate) fn entry(&self, column: usize, row: usize) -> Option<(u64, u32)> {
        let column = &self.columns[column];
        match &column.form {
            Form::Entries(dictionary) => Some((dictionary.number, column.indexes[row])),
            _ => None,
        }
    }

    /// Returns the columns, in the order in which they were asked for.
    #[must_use]
    pub fn columns(&self) -> &[TextColumn] {
        &self.columns
    }

    /// Returns the text of a column in a row, `None` where it is null.
    ///
    /// # Panics
    /// When there is no such column or row.
    #[must_use]
    #[inline]
    pub fn get(&self, column: usize, row: usize) -> Option<&[u8]> {
        self.columns[column].get(row)
    }

    /// Returns where the rows stand.
    #[must_use]
    pub fn places(&self) -> &[RowPlace] {
        &self.places
    }

    pub(super) fn columns_mut(&mut self) -> &mut [TextColumn] {
        &mut self.columns
    }

    /// Ends a row whose texts were all pushed.
    pub(super) fn end_row(&mut self, place: RowPlace) {
        self.places.push(place);
        debug_assert!(self.columns.iter().all(|column| column.len() == self.places.len()));
    }

    /// Ends `rows` rows of a table by columns, whose first is row `first` of the file.
    ///
    /// # Panics
    /// When a column has not that many texts.
    pub(super) fn end_rows(&mut self, first: u64, rows: u32) {
        assert!(self.columns.iter().all(|column| column.len() == rows as usize), "columns of one length");
        self.places.extend((0..rows).map(|row| RowPlace {
            offset: first + u64::from(row),
            len: 0,
            line: row,
        }));
    }

    /// Ends rows of a table by columns, of which these are the numbers in the file.
    ///
    /// # Panics
    /// When a column has not that many texts.
    pub(super) fn end_picked_rows(&mut self, rows: impl ExactSizeIterator<Item = u64>) {
        assert!(self.columns.iter().all(|column| column.len() == rows.len()), "columns of one length");
        self.places.extend((0..).zip(rows).map(|(line, offset)| RowPlace { offset, len: 0, line }));
    }

    /// Takes back the texts of a row that was not ended.
    pub(super) fn drop_unfinished(&mut self) {
        let rows = self.places.len();
        self.columns.iter_mut().for_each(|column| column.truncate(rows));
    }
}

impl TextColumn {
    /// Returns the number of texts, nulls counted.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.form {
            Form::Texts => self.ends.len(),
            Form::Spans(_) => self.spans.len(),
            Form::Entries(_) => self.indexes.len(),
            Form::Numbers(numbers) => numbers.len(),
        }
    }

    /// Says whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the text of a row, `None` where it is null.
    ///
    /// # Panics
    /// When there is no such row.
    #[must_use]
    #[inline]
    pub fn get(&self, row: usize) -> Option<&[u8]> {
        if matches!(self.form, Form::Texts) && self.nulls[row] {
            return None;
        }
        let (bytes, [start, end]) = self.place(row);
        Some(&bytes[start..end])
    }

    /// Returns start and end of a text, and the bytes in which it stands.
    #[inline]
    fn place(&self, row: usize) -> (&[u8], [usize; 2]) {
        match &self.form {
            Form::Texts => {
                let start = if row == 0 { 0 } else { self.ends[row - 1] as usize };
                (&self.bytes, [start, self.ends[row] as usize])
            }
            Form::Spans(page) => (page, self.spans[row].map(|at| at as usize)),
            Form::Entries(dictionary) => dictionary.texts.place(self.indexes[row] as usize),
            Form::Numbers(numbers) => self.written(numbers).place(row),
        }
    }

    /// Returns the texts of numbers.
    #[cold]
    fn written(&self, numbers: &Numbers) -> &TextColumn {
        self.written.get_or_init(|| {
            let mut texts = Box::<TextColumn>::default();
            for row in 0..numbers.len() {
                (numbers.write)(numbers.get(row), numbers.decimals, texts.bytes_mut());
                texts.end_text();
            }
            texts
        })
    }

    /// Becomes a column of texts that stand in a page. `fill` gives start and end of each; `None`
    /// from it leaves the column empty.
    pub(super) fn set_spans<T>(
        &mut self,
        page: &Bytes,
        fill: impl FnOnce(&mut Vec<[u32; 2]>) -> Option<T>,
    ) -> Option<T> {
        self.clear();
        let filled = fill(&mut self.spans)?;
        debug_assert!(self.spans.iter().all(|[start, end]| start <= end && *end as usize <= page.len()));
        self.form = Form::Spans(page.clone());
        Some(filled)
    }

    /// Becomes a column of texts that stand in a dictionary. The list of indexes is taken, and another
    /// left in its place.
    ///
    /// # Panics
    /// When the dictionary has no such text.
    pub(super) fn set_entries(&mut self, dictionary: &Arc<Dictionary>, indexes: &mut Vec<u32>) {
        self.clear();
        let len = dictionary.texts.len();
        assert!(indexes.iter().all(|index| (*index as usize) < len), "texts of the dictionary");
        std::mem::swap(&mut self.indexes, indexes);
        self.form = Form::Entries(Arc::clone(dictionary));
    }

    /// Becomes a column of numbers.
    pub(super) fn set_numbers(&mut self, numbers: Numbers) {
        self.clear();
        self.form = Form::Numbers(numbers);
    }

    /// Returns the bytes of all texts one after another, and the end of each. Empty where the texts
    /// stand elsewhere.
    pub(super) fn parts(&self) -> (&[u8], &[u32]) {
        (&self.bytes, &self.ends)
    }

    #[inline]
    pub(super) fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.end_text();
    }

    #[inline]
    pub(super) fn push_null(&mut self) {
        self.ends.push(end_of(&self.bytes));
        self.nulls.push(true);
    }

    /// Gives the bytes for writing one text behind them; [`TextColumn::end_text`] ends it.
    #[inline]
    pub(super) fn bytes_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    #[inline]
    pub(super) fn end_text(&mut self) {
        self.ends.push(end_of(&self.bytes));
        self.nulls.push(false);
    }

    /// Pushes `rows` texts, each as `write` puts it behind the bytes before it.
    #[inline(always)]
    pub(super) fn push_written<E>(
        &mut self,
        rows: usize,
        mut write: impl FnMut(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let had = self.ends.len();
        self.ends.resize(had + rows, 0);
        let mut done = had;
        let mut result = Ok(());
        for end in &mut self.ends[had..] {
            result = write(&mut self.bytes);
            if result.is_err() {
                break;
            }
            *end = end_of(&self.bytes);
            done += 1;
        }
        self.ends.truncate(done);
        self.nulls.resize(done, false);
        result
    }

    /// Returns the bytes held, for limits.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.nulls.clear();
        self.form = Form::Texts;
        self.spans.clear();
        self.indexes.clear();
        self.written.take();
    }

    fn truncate(&mut self, rows: usize) {
        self.ends.truncate(rows);
        self.nulls.truncate(rows);
        self.bytes.truncate(self.ends.last().map_or(0, |end| *end as usize));
    }
}

#[inline]
fn end_of(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("a batch below 4 GiB: its readers stop far earlier")
}
