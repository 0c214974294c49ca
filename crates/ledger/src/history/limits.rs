//! Sizes and counts of runs, each with its reason.

/// Bytes of a page. Both databases store a value of this size well, and it is read in tens of
/// microseconds; offsets inside a page fit 16 bits.
pub const PAGE_BYTES_MAX: usize = 65_536;

/// Rows of a block: decoding one takes a few microseconds, and its head costs less than a tenth of a byte
/// for each row when it is full.
pub const BLOCK_ROWS_MAX: usize = 512;

/// Stamps of a page of stamps. A row is dated by reading one page, so these are small.
pub const PAGE_STAMPS_MAX: usize = 2_048;

/// Pages of a run, of each sort: 64 GiB of rows. It bounds what a directory may claim before it is read.
pub const RUN_PAGES_MAX: u32 = 1 << 20;

/// Rows of a tail. A row is 64 bytes in memory; places in a tail fit 32 bits many times over.
pub const TAIL_ROWS_MAX: usize = 1 << 26;

/// Runs that are merged into one. More would read less often and keep more pages in memory at once.
pub const FAN_IN: usize = 8;

/// The highest level of a run. A run of level 0 has some 262,144 entries, one of level 7 half a trillion.
pub const LEVEL_MAX: u8 = 7;

/// Rows that one question for a statement may ask for.
pub const STATEMENT_ROWS_MAX: usize = 10_000;

/// Ids of a page: in the worst case 25 bytes each, which fits a page.
pub const PAGE_IDS_MAX: usize = 2_048;

/// Rows that one id may have within a run: it is accepted, resolved and reversed at most once each, and
/// a page must hold them together.
pub const ROWS_PER_ID_MAX: usize = 8;

/// Bytes of the filter of one page of ids: 16 bits for each id, which lets about one absent id in a
/// thousand through.
pub const FILTER_BYTES: usize = 4_096;

/// Filters that are stored side by side in one page.
pub const FILTERS_PER_PAGE: usize = 15;

/// Ids that one question may ask for: a batch has at most 8,192 entries, each naming one other.
pub const FIND_IDS_MAX: usize = 1 << 16;
