//! A normalised record: one movement of a statement, whatever its format.

use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;
use rust_decimal::Decimal;
use suanpan_money::Currency;

/// One movement as a statement tells it. Texts that the format does not have are empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// What kind of movement it is.
    pub kind: Kind,
    /// The statement's own word for the kind, such as `交易` or `NTRF`.
    pub kind_text: String,
    /// Whether it happened.
    pub status: Status,
    /// The statement's own word for the status.
    pub status_text: String,
    /// Which way the money went.
    pub direction: Direction,
    /// Amount in major units, with the decimals of the file: positive where it comes in to the account's
    /// holder, negative where it goes out. Not negative where the direction is neutral.
    pub amount: Decimal,
    /// Currency of amount, fee, net and balance.
    pub currency: Currency,
    /// What was kept back from the amount: `net = amount - fee`. A fee that is given back is negative.
    pub fee: Option<Decimal>,
    /// What reaches the holder, where the file says it.
    pub net: Option<Decimal>,
    /// Balance of the account after the movement, where the file says it.
    pub balance: Option<Decimal>,
    /// The id that the writer of the statement gave this movement (wallet's transaction or refund number,
    /// bank's reference).
    pub id: String,
    /// The id that the account's holder gave this movement (order number, for a refund its refund number;
    /// end-to-end id at banks).
    pub own_id: String,
    /// The order that it belongs to, in the holder's numbering: for a refund that of the payment.
    pub order_id: String,
    /// For a refund, return or chargeback: the writer's id of the original movement.
    pub original_id: String,
    /// The payout, settlement batch or collective booking that it belongs to.
    pub batch_id: String,
    /// When it happened.
    pub time: Option<Moment>,
    /// Day on which it was booked.
    pub booked_on: Option<Date>,
    /// Day from which it counts for interest.
    pub value_on: Option<Date>,
    /// The holder's account, wallet or merchant number.
    pub account: String,
    /// Name of the other party.
    pub counterparty: String,
    /// Account of the other party.
    pub counterparty_account: String,
    /// What it is for: remittance information, goods.
    pub description: String,
    /// Whatever else the file says, by the file's own names, in its order.
    pub details: Vec<(String, String)>,
    /// What had to be read in another way than it is written, such as 30 February.
    pub notes: Vec<String>,
    /// Where it stands.
    pub place: Place,
    /// Its text in the file, cut off at [`RAW_BYTES_MAX`](crate::limits::RAW_BYTES_MAX).
    pub raw: String,
}

impl Record {
    /// Makes a booked record of an amount; the direction follows from its sign. Everything else is empty.
    #[must_use]
    pub fn new(kind: Kind, amount: Decimal, currency: Currency, place: Place) -> Record {
        Record {
            kind,
            kind_text: String::new(),
            status: Status::Booked,
            status_text: String::new(),
            direction: if amount.is_sign_negative() { Direction::Out } else { Direction::In },
            amount,
            currency,
            fee: None,
            net: None,
            balance: None,
            id: String::new(),
            own_id: String::new(),
            order_id: String::new(),
            original_id: String::new(),
            batch_id: String::new(),
            time: None,
            booked_on: None,
            value_on: None,
            account: String::new(),
            counterparty: String::new(),
            counterparty_account: String::new(),
            description: String::new(),
            details: Vec::new(),
            notes: Vec::new(),
            place,
            raw: String::new(),
        }
    }

    /// Adds a detail under the file's own name, unless its text is empty.
    pub fn detail(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.details.push((name.to_owned(), text.to_owned()));
        }
    }

    /// Keeps the raw text, cut off at the limit.
    pub fn set_raw(&mut self, raw: &str) {
        let mut end = raw.len().min(crate::limits::RAW_BYTES_MAX);
        while !raw.is_char_boundary(end) {
            end -= 1;
        }
        self.raw.clear();
        self.raw.push_str(&raw[..end]);
    }
}

/// What kind of movement a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Money for goods or services.
    Payment,
    /// A payment given back.
    Refund,
    /// A payment taken back by the payer's bank.
    Chargeback,
    /// A chargeback that was won.
    ChargebackReversal,
    /// A fee by itself.
    Fee,
    /// Paid out to the holder's bank account.
    Payout,
    /// Money put in from the holder's own bank account.
    TopUp,
    /// Money taken out by the holder.
    Withdrawal,
    /// Between accounts, other than the above; plain entries of a bank.
    Transfer,
    /// A payment or transfer that came back undone.
    Return,
    /// Exchange of one currency for another.
    Conversion,
    /// Interest or yield.
    Interest,
    /// Kept back or set free as a reserve.
    Reserve,
    /// A correction by the writer.
    Adjustment,
    /// Tells something and moves nothing (prenotes, notifications of change).
    Notice,
    /// None of these, or not told.
    Other,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 16] = [
        Kind::Payment,
        Kind::Refund,
        Kind::Chargeback,
        Kind::ChargebackReversal,
        Kind::Fee,
        Kind::Payout,
        Kind::TopUp,
        Kind::Withdrawal,
        Kind::Transfer,
        Kind::Return,
        Kind::Conversion,
        Kind::Interest,
        Kind::Reserve,
        Kind::Adjustment,
        Kind::Notice,
        Kind::Other,
    ];

    /// Returns the word used in files: `payment`, `chargeback_reversal`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Payment => "payment",
            Kind::Refund => "refund",
            Kind::Chargeback => "chargeback",
            Kind::ChargebackReversal => "chargeback_reversal",
            Kind::Fee => "fee",
            Kind::Payout => "payout",
            Kind::TopUp => "top_up",
            Kind::Withdrawal => "withdrawal",
            Kind::Transfer => "transfer",
            Kind::Return => "return",
            Kind::Conversion => "conversion",
            Kind::Interest => "interest",
            Kind::Reserve => "reserve",
            Kind::Adjustment => "adjustment",
            Kind::Notice => "notice",
            Kind::Other => "other",
        }
    }

    /// Finds a kind by its word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == word)
    }
}

/// Whether a movement happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// It did.
    Booked,
    /// Not yet.
    Pending,
    /// It failed, was closed or refused: no money moved.
    Failed,
    /// Told for information; not part of any balance.
    Information,
}

impl Status {
    /// All statuses.
    pub const ALL: [Status; 4] = [Status::Booked, Status::Pending, Status::Failed, Status::Information];

    /// Returns the word used in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Status::Booked => "booked",
            Status::Pending => "pending",
            Status::Failed => "failed",
            Status::Information => "information",
        }
    }

    /// Finds a status by its word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.name() == word)
    }
}

/// Which way money went, from the view of the account's holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// To the holder.
    In,
    /// From the holder.
    Out,
    /// Neither: between pockets of the holder, or nothing moved.
    Neutral,
}

impl Direction {
    /// Returns the word used in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Direction::In => "in",
            Direction::Out => "out",
            Direction::Neutral => "neutral",
        }
    }
}

/// A local time, and how far it is from UTC where that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// As the file says it.
    pub local: DateTime,
    /// Its distance from UTC.
    pub offset: Option<Offset>,
}

impl Moment {
    /// Makes a moment whose distance from UTC is not known.
    #[must_use]
    pub const fn local(local: DateTime) -> Moment {
        Moment { local, offset: None }
    }

    /// Makes a moment of China Standard Time, the zone of all Chinese statements.
    #[must_use]
    pub const fn china(local: DateTime) -> Moment {
        Moment { local, offset: Some(jiff::tz::offset(8)) }
    }

    /// Makes a moment of UTC.
    #[must_use]
    pub const fn utc(local: DateTime) -> Moment {
        Moment { local, offset: Some(Offset::UTC) }
    }
}

impl std::fmt::Display for Moment {
    /// Writes RFC 3339, without an offset where none is known: `2026-11-26T07:42:45+08:00`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.local)?;
        match self.offset {
            None => Ok(()),
            Some(offset) if offset == Offset::UTC => f.write_str("Z"),
            Some(offset) => {
                let seconds = offset.seconds();
                let sign = if seconds < 0 { '-' } else { '+' };
                let minutes = seconds.unsigned_abs() / 60;
                write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }
}

/// Where something stands in a file, counted from 1. A zero means that the format has no such thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Place {
    /// The statement, message, batch or sheet within the file.
    pub page: u32,
    /// The line, or the row of a sheet.
    pub line: u64,
    /// The first character of the field within the line, or the field within the row.
    pub column: u32,
}

impl Place {
    /// Makes a place of a line.
    #[must_use]
    pub const fn line(line: u64) -> Place {
        Place { page: 0, line, column: 0 }
    }

    /// Returns the same place on a page.
    #[must_use]
    pub const fn on_page(self, page: u32) -> Place {
        Place { page, ..self }
    }

    /// Returns the same place at a column.
    #[must_use]
    pub const fn at_column(self, column: u32) -> Place {
        Place { column, ..self }
    }
}

impl std::fmt::Display for Place {
    /// Writes `page 2, line 14, column 3`, leaving out what is not known.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut between = "";
        for (name, number) in
            [("page", u64::from(self.page)), ("line", self.line), ("column", u64::from(self.column))]
        {
            if number > 0 {
                write!(f, "{between}{name} {number}")?;
                between = ", ";
            }
        }
        if between.is_empty() { f.write_str("the file as a whole") } else { Ok(()) }
    }
}
