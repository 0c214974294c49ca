//! The limits of this crate, each with its reason.

/// Bytes of a file from which its format is told: enough for the longest preamble and a few records.
pub const HEAD_BYTES: usize = 64 << 10;

/// The longest line of a text format, and the longest row with line ends inside quotes.
pub const LINE_BYTES_MAX: usize = 1 << 20;

/// The most bytes of raw text that a record keeps: the longest entries of real statements are a tenth.
pub const RAW_BYTES_MAX: usize = 64 << 10;

/// The most cells of a row.
pub const CELLS_MAX: usize = 1_024;

/// Faults of one file after which reading ends: such a file is of another format.
pub const FAULTS_MAX: u64 = 10_000;

/// The largest spreadsheet: its formats cannot be streamed, so it is held in memory.
pub const SHEET_BYTES_MAX: u64 = 256 << 20;

/// The most bytes that the parts of a packed workbook may hold in all when they are unpacked.
pub const SHEET_INFLATED_BYTES_MAX: u64 = 1 << 30;

/// The most cells with text in a workbook: a sheet full of rows with thirty columns.
pub const SHEET_CELLS_MAX: u64 = 32_000_000;

/// The largest layout file, and so the most of everything in it.
pub const LAYOUT_BYTES_MAX: usize = 256 << 10;

/// Rows at the beginning of a table among which its header is looked for.
pub const HEADER_ROWS_MAX: usize = 100;
