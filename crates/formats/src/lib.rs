//! Statements of banks, wallets, card networks and processors as records: bytes in, values out, no IO.
//!
//! Every format has a *reader* that turns a file into a stream of [`Event`]s: the statements in it, a
//! normalised [`Record`] for each movement, a [`Check`] for each total that the file declares, and a
//! [`Fault`] for each line that cannot be read. Memory does not
//! grow with the file, but for the largest single entry of an XML statement.
//!
//! Invariants:
//! - Amounts are exact decimals of major units with their currency, signed from the view of the account's
//!   holder: what comes in is positive. Nothing here rounds.
//! - A format is told by what a file contains, never by its name ([`identify`](Catalogue::identify)).
//! - Every record keeps its place in the file and its raw text.
//! - What a file declares about itself is checked, and a difference is reported, never mended.
//! - Bad input is a fault or an error that points at the place. It never panics.

mod adyen;
mod alipay;
mod bai2;
mod camt;
mod catalogue;
mod checks;
mod columns;
pub mod delimited;
mod event;
mod head;
mod input;
mod iso20022;
mod json;
mod laws;
mod layout;
pub mod limits;
mod mt940;
mod nacha;
mod output;
mod paypal;
mod record;
pub mod sheet;
mod stripe;
mod transcoded;
pub mod value;
mod wechat;
mod xml;

pub use catalogue::{BuiltIn, Candidate, Catalogue, Format, Identified, IdentifyError, Verdict};
pub use checks::{Balance, Sums};
pub use event::{Check, Event, Fault, ReadError, Statement, Stop};
pub use head::{Head, TextEncoding};
pub use input::{Input, Line, Lines, Options};
pub use iso20022::check_scheme;
pub use layout::{Layout, LayoutError, Outcome};
pub use output::{Output, Tally, read};
pub use record::{Direction, Kind, Moment, Place, Record, Status};
pub use suanpan_messages::iso20022::{Violation, scheme::Scheme};
