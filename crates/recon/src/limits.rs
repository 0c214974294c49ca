//! Every limit of the engine, with its reason.

/// The longest row of delimited text or line of NDJSON: longer ones are open quotes or other kinds of file.
pub const ROW_BYTES_MAX: usize = 16 << 20;

/// Bytes of a plain file that one worker takes at a time: large enough that a read call costs
/// nothing, small enough to stay in a core's cache.
pub const UNIT_BYTES: usize = 512 << 10;

/// The most columns of a file.
pub const COLUMNS_MAX: usize = 4096;

/// Row numbers are noted once in so many bytes, so that the number of any row is found by reading
/// no more than this.
pub(crate) const MARK_BYTES: usize = 8 << 10;

/// The largest rules file: far above any that people write, and small enough to read at once.
pub const RULES_BYTES_MAX: usize = 1 << 20;

/// The most entries of a map of words, or of a list of texts, in rules.
pub const RULE_ENTRIES_MAX: usize = 10_000;

/// The longest name or text of a setting.
pub const RULE_TEXT_BYTES_MAX: usize = 4_096;

/// The most passes: each reads what is left over once more.
pub const PASSES_MAX: usize = 32;

/// The most skip rules of one side: each is tried on every row.
pub const SKIPS_MAX: usize = 64;

/// The most faults of rules that are told at once: more than anybody mends in one go.
pub const FAULTS_MAX: usize = 50;

/// The most days that two dates of a pass may differ by: ten years.
pub(crate) const DAYS_MAX: i64 = 3_660;

/// The most rows of a sample that a guess looks at: enough to tell chance from rule, in under a second.
pub const SAMPLE_ROWS_MAX: usize = 20_000;

/// The most columns of a sample that a guess looks at, since it compares them in pairs.
pub const SAMPLE_COLUMNS_MAX: usize = 256;
