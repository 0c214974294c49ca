//! What can go wrong when a day is generated.

use std::path::PathBuf;

/// Why a day was not generated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimError {
    /// A file or directory could not be read or written.
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// `read`, `write` or `create`.
        doing: &'static str,
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A Parquet file could not be written.
    #[error("cannot write {}", path.display())]
    Parquet {
        /// Which.
        path: PathBuf,
        /// Why.
        source: parquet::errors::ParquetError,
    },
    /// The faults file is too large to be one.
    #[error("{}: {bytes} bytes are too many for a faults file (at most {bytes_max})", path.display())]
    FaultsTooLarge {
        /// Which.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The limit.
        bytes_max: u64,
    },
    /// The faults file is not TOML.
    #[error("{origin}: not TOML")]
    FaultsSyntax {
        /// The file.
        origin: String,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// The faults file has a setting that does not exist.
    #[error("{origin}: unknown setting {setting}{hint}")]
    SettingUnknown {
        /// The file.
        origin: String,
        /// The setting.
        setting: String,
        /// A near word, or nothing.
        hint: String,
    },
    /// A setting has a value that it cannot have.
    #[error("{origin}: {setting} = {value} is not {wanted}")]
    SettingWrong {
        /// The file.
        origin: String,
        /// The setting.
        setting: String,
        /// Its value.
        value: String,
        /// What it must be.
        wanted: &'static str,
    },
    /// Two settings set the same class.
    #[error("{origin}: {setting} is already set by {other}; leave one of them out")]
    SetTwice {
        /// The file.
        origin: String,
        /// One setting.
        setting: &'static str,
        /// The other.
        other: &'static str,
    },
    /// A code is not in the vocabulary.
    #[error("{origin}: unknown code {code}{hint}")]
    FaultUnknown {
        /// The file.
        origin: String,
        /// The code.
        code: String,
        /// A near code, or nothing.
        hint: String,
    },
    /// A currency is not in ISO 4217.
    #[error("{origin}: unknown currency {code}{hint}")]
    CurrencyUnknown {
        /// The file.
        origin: String,
        /// The code.
        code: String,
        /// A near code, or nothing.
        hint: String,
    },
    /// There are more faults than payments.
    #[error(
        "{origin}: {faults} faults do not fit into {records} records; ask for fewer faults or more records"
    )]
    FaultsExceedRecords {
        /// The faults file.
        origin: String,
        /// Faults asked for.
        faults: u64,
        /// Payments of the day.
        records: u64,
    },
    /// More payments than order ids can be told apart.
    #[error("{records} records are too many: at most {records_max} a side")]
    RecordsTooMany {
        /// Asked for.
        records: u64,
        /// The limit.
        records_max: u64,
    },
    /// The one hot key is asked for more often than there are payments without fault.
    #[error("one key cannot come {copies} times: only {records} of the records are free of other faults")]
    CopiesTooMany {
        /// Asked for.
        copies: u64,
        /// Possible.
        records: u64,
    },
    /// A fault cannot be seeded in files of this shape.
    #[error("{fault} cannot be seeded together with {option}; leave one of them out")]
    FaultImpossible {
        /// The code.
        fault: &'static str,
        /// The option.
        option: &'static str,
    },
    /// Two options exclude one another.
    #[error("{option} and {other} exclude one another; leave one of them out")]
    OptionsClash {
        /// One option.
        option: &'static str,
        /// The other.
        other: &'static str,
    },
    /// An option has a value that it cannot have.
    #[error("{option} {value}: must be {wanted}")]
    OptionWrong {
        /// The option.
        option: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        wanted: &'static str,
    },
}
