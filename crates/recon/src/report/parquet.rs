//! Rows as Parquet: a row group for each batch of rows, encoded by whichever thread has the batch and then put
//! into the file in order.
//!
//! Row groups follow the batches, which depend on the rows alone, so the file's bytes do too. Money
//! becomes two columns: `NAME` as DECIMAL(38, 4), which holds every currency, and `NAME_minor` as whole
//! minor units.
//!
//! The file's structure is the library's; the pages within are made here ([`leaf`]), since the library's
//! column writers take a value at a time, each with a count of its owners (decision 0008).

mod hybrid;
mod leaf;

use super::ReportError;
use super::names::NameTable;
use super::row::{Cell, Column, Kind};
use super::staged::{OutputFile, Staged};
use bytes::Bytes;
use leaf::{Leaf, Packer};
use parquet::basic::Compression;
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, TrackedWrite};
use parquet::schema::types::{SchemaDescriptor, Type, TypePtr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The columns of a file.
pub(super) struct ParquetForm {
    path: PathBuf,
    schema: Arc<SchemaDescriptor>,
    /// Name and kind of each leaf.
    leaves: Vec<(String, Kind)>,
    /// The first leaf of each table column.
    first: Vec<usize>,
}

impl ParquetForm {
    fn new(path: &Path, columns: &[Column]) -> Result<ParquetForm, ParquetError> {
        let mut leaves = Vec::new();
        let mut first = Vec::new();
        for column in columns {
            first.push(leaves.len());
            leaves.push((column.name.clone(), column.kind));
            if matches!(column.kind, Kind::Money | Kind::Sum) {
                leaves.push((format!("{}_minor", column.name), Kind::Minor));
            }
        }
        let fields = leaves
            .iter()
            .map(|(name, kind)| leaf::parquet_type(name, *kind).map(Arc::new))
            .collect::<Result<_, _>>()?;
        let schema: TypePtr = Arc::new(Type::group_type_builder("row").with_fields(fields).build()?);
        Ok(ParquetForm {
            path: path.to_owned(),
            schema: Arc::new(SchemaDescriptor::new(schema)),
            leaves,
            first,
        })
    }

    /// Makes an encoder for rows of this form.
    pub(super) fn encoder<'a>(&'a self, names: &'a NameTable) -> GroupEncoder<'a> {
        GroupEncoder {
            form: self,
            names,
            leaves: self.leaves.iter().map(|(_, kind)| Leaf::new(*kind)).collect(),
            rows: 0,
            packer: Packer::new(),
            bytes: Vec::new(),
            columns: Vec::new(),
        }
    }

    fn fail(&self) -> impl Fn(ParquetError) -> ReportError {
        |source| ReportError::Parquet { path: self.path.clone(), source }
    }
}

/// Writes one table as a Parquet file.
pub(super) struct ParquetOut {
    writer: SerializedFileWriter<Staged>,
    path: PathBuf,
    rows: u64,
}

impl ParquetOut {
    /// Starts the file.
    pub(super) fn create(
        dir: &Path,
        name: &str,
        columns: &[Column],
    ) -> Result<(ParquetForm, ParquetOut), ReportError> {
        let file = Staged::create(dir, name)?;
        let path = file.path().to_owned();
        let fail = |source| ReportError::Parquet { path: path.clone(), source };
        let form = ParquetForm::new(&path, columns).map_err(fail)?;
        // The properties of the file say nothing of its pages: these are made here.
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_offset_index_disabled(true)
            .build();
        let schema = form.schema.root_schema_ptr();
        let writer = SerializedFileWriter::new(file, schema, Arc::new(properties)).map_err(fail)?;
        Ok((form, ParquetOut { writer, path, rows: 0 }))
    }

    /// Adds a row group, and empties the encoder for the next.
    pub(super) fn append(&mut self, group: &mut GroupEncoder<'_>) -> Result<(), ReportError> {
        self.rows += group.rows as u64;
        let bytes = Bytes::from(std::mem::take(&mut group.bytes));
        let mut append = || -> Result<(), ParquetError> {
            let mut writer = self.writer.next_row_group()?;
            for column in group.columns.drain(..) {
                writer.append_column(&bytes, column)?;
            }
            writer.close().map(drop)
        };
        append().map_err(|source| ReportError::Parquet { path: self.path.clone(), source })?;
        group.rows = 0;
        Ok(())
    }

    /// Writes the footer and gives the file its name.
    pub(super) fn finish(self) -> Result<OutputFile, ReportError> {
        let fail = |source| ReportError::Parquet { path: self.path.clone(), source };
        self.writer.into_inner().map_err(fail)?.finish(Some(self.rows))
    }
}

/// Encodes one row group at a time.
pub(super) struct GroupEncoder<'a> {
    form: &'a ParquetForm,
    names: &'a NameTable,
    leaves: Vec<Leaf>,
    rows: usize,
    packer: Packer,
    /// The encoded columns.
    bytes: Vec<u8>,
    columns: Vec<ColumnCloseResult>,
}

impl GroupEncoder<'_> {
    /// Adds the next cell of the row; columns passed over are null.
    pub(super) fn cell(&mut self, at: usize, cell: Cell<'_>) {
        let first = self.form.first[at];
        if let Cell::Money(minor, _) = cell {
            // A sum beyond 64 bits has no minor units; its decimal is there.
            if let Ok(minor) = i64::try_from(minor) {
                self.leaves[first + 1].push(self.rows, Cell::Int(minor), self.names);
            }
        }
        self.leaves[first].push(self.rows, cell, self.names);
    }

    /// Ends the row.
    pub(super) fn end_row(&mut self) {
        self.rows += 1;
    }

    /// Encodes the rows since the last group.
    pub(super) fn finish(&mut self) -> Result<(), ReportError> {
        self.bytes.clear();
        self.columns.clear();
        let mut sink = TrackedWrite::new(std::mem::take(&mut self.bytes));
        for (at, leaf) in self.leaves.iter_mut().enumerate() {
            let column = leaf
                .write(self.form.schema.column(at), self.rows, self.names, &mut self.packer, &mut sink)
                .map_err(self.form.fail())?;
            self.columns.push(column);
        }
        self.bytes = sink.into_inner().map_err(self.form.fail())?;
        Ok(())
    }
}
