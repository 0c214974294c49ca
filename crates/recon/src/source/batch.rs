//! Columns of text: what the readers of NDJSON and Parquet give.

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
}

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
        let (bytes, ends, _) = self.columns[column].parts();
        let start = if row == 0 { 0 } else { ends[row - 1] as usize };
        let len = ends[row] as usize - start;
        Some((bytes.get(start..start + 32)?.try_into().ok()?, len))
    }

    /// Returns the 16 bytes that end with a text, and its length. `None` where it is too near the
    /// start of its column.
    #[inline]
    pub(crate) fn tail16(&self, column: usize, row: usize) -> Option<([u8; 16], usize)> {
        let (bytes, ends, _) = self.columns[column].parts();
        let start = if row == 0 { 0 } else { ends[row - 1] as usize };
        let end = ends[row] as usize;
        Some((bytes.get(end.checked_sub(16)?..end)?.try_into().ok()?, end - start))
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
        self.ends.len()
    }

    /// Says whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Returns the text of a row, `None` where it is null.
    ///
    /// # Panics
    /// When there is no such row.
    #[must_use]
    #[inline]
    pub fn get(&self, row: usize) -> Option<&[u8]> {
        let start = if row == 0 { 0 } else { self.ends[row - 1] as usize };
        let end = self.ends[row] as usize;
        (!self.nulls[row]).then(|| &self.bytes[start..end])
    }

    /// Returns the bytes of all texts one after another, with the end of each and whether it is null.
    #[must_use]
    pub fn parts(&self) -> (&[u8], &[u32], &[bool]) {
        (&self.bytes, &self.ends, &self.nulls)
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
