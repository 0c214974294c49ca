//! The rows that a payment has on each side: one and the same when all is well, else what makes
//! exactly the seeded outcome under the rules of the day.

use super::faults::Fault;
use super::permutation::mix;
use super::plan::{Layout, PARTS_MAX, Plan, Seeded, Side};

/// The day of the run, in November 2026: most rows carry it as their business date.
pub(super) const TODAY: u8 = 11;

/// The business date of open items.
pub(super) const YESTERDAY: u8 = TODAY - 1;

/// The business date of one-sided rows that are too old to be pending, and of rows without a key.
const LONG_AGO: u8 = TODAY - 3;

/// Days from 1970-01-01 to the last of October 2026.
pub(super) const EPOCH_DAYS: i32 = 20_757;

/// What a row has for an order id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// Its order id.
    Id,
    /// Nothing.
    Empty,
    /// `N/A`, which the rules list as a null key.
    NotAvailable,
}

/// What a row records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Payment,
    Refund,
    Authorization,
    Reversal,
    Payout,
}

impl Kind {
    pub(super) const ALL: [Kind; 5] =
        [Kind::Payment, Kind::Refund, Kind::Authorization, Kind::Reversal, Kind::Payout];

    /// Returns the common word to which the rules map the type.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Kind::Payment => "payment",
            Kind::Refund => "refund",
            Kind::Authorization => "authorization",
            Kind::Reversal => "reversal",
            Kind::Payout => "payout",
        }
    }

    /// Returns how a side's files write the type.
    pub(super) const fn text(self, side: Side) -> &'static str {
        match (self, side) {
            (Kind::Payment, Side::Left) => "PAY",
            (Kind::Refund, Side::Left) => "REFUND",
            (Kind::Authorization, Side::Left) => "AUTH",
            (Kind::Reversal, Side::Left) => "VOID",
            (Kind::Payout, Side::Left) => "PAYOUT",
            (Kind::Payment, Side::Right) => "S",
            (Kind::Refund, Side::Right) => "R",
            (Kind::Authorization, Side::Right) => "A",
            (Kind::Reversal, Side::Right) => "V",
            (Kind::Payout, Side::Right) => "P",
        }
    }
}

/// The state of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Succeeded,
    Refunded,
    Closed,
    Pending,
}

impl Status {
    pub(super) const ALL: [Status; 4] =
        [Status::Succeeded, Status::Refunded, Status::Closed, Status::Pending];

    /// Returns the common word to which the rules map the status.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Status::Succeeded => "succeeded",
            Status::Refunded => "refunded",
            Status::Closed => "closed",
            Status::Pending => "pending",
        }
    }

    /// Returns how a side's files write the status.
    pub(super) const fn text(self, side: Side) -> &'static str {
        match (self, side) {
            (Status::Succeeded, Side::Left) => "SUCCESS",
            (Status::Refunded, Side::Left) => "REFUNDED",
            (Status::Closed, Side::Left) => "CLOSED",
            (Status::Pending, Side::Left) => "PENDING",
            (Status::Succeeded, Side::Right) => "00",
            (Status::Refunded, Side::Right) => "05",
            (Status::Closed, Side::Right) => "09",
            (Status::Pending, Side::Right) => "01",
        }
    }

    const fn next(self) -> Status {
        match self {
            Status::Succeeded => Status::Refunded,
            Status::Refunded => Status::Closed,
            Status::Closed => Status::Pending,
            Status::Pending => Status::Succeeded,
        }
    }
}

/// Why a row cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Defect {
    /// A letter in the amount.
    AmountLetter,
    /// A thousands separator, which the rules do not declare.
    AmountGrouped,
    /// More decimals than the currency has.
    AmountTooFine,
    /// No amount.
    AmountEmpty,
    /// A row that ends early; in JSON a missing member.
    FieldsMissing,
    /// A currency that does not exist.
    CurrencyUnknown,
    /// A status that the rules do not map.
    StatusUnknown,
}

impl Defect {
    /// The defects that text files can have.
    pub(super) const OF_TEXT: [Defect; 7] = [
        Defect::AmountLetter,
        Defect::StatusUnknown,
        Defect::FieldsMissing,
        Defect::AmountGrouped,
        Defect::CurrencyUnknown,
        Defect::AmountEmpty,
        Defect::AmountTooFine,
    ];

    /// The defects that typed columns can have.
    pub(super) const OF_COLUMNS: [Defect; 3] =
        [Defect::AmountEmpty, Defect::StatusUnknown, Defect::CurrencyUnknown];
}

/// One row of one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) key: Key,
    /// The digits of the order id.
    pub(super) order: u64,
    pub(super) merchant: u64,
    /// The digits of the channel's reference.
    pub(super) reference: u64,
    pub(super) amount_minor: i64,
    pub(super) fee_minor: i64,
    /// Its place in [`Plan::currencies`].
    pub(super) currency: u8,
    pub(super) kind: Kind,
    pub(super) status: Status,
    /// Business date, a day of November 2026.
    pub(super) day: u8,
    /// Event time, in seconds after midnight.
    pub(super) second: u32,
    pub(super) batch: Option<u64>,
    /// The digits of the order id to which the row refers.
    pub(super) original: Option<u64>,
    pub(super) account: u64,
    pub(super) defect: Option<Defect>,
}

/// A row of a faulty payment.
#[derive(Debug, Clone, Copy)]
pub(super) struct FaultyLine {
    pub(super) line: Line,
    /// Whether it is in the fault's group of records. The others are matched as if nothing were.
    pub(super) in_group: bool,
}

/// A payment of the day.
#[derive(Debug, Clone, Copy)]
pub(super) struct Payment<'a> {
    plan: &'a Plan,
    number: u64,
    slot: u64,
    noise: u64,
    /// How the ledger has it.
    line: Line,
}

impl<'a> Payment<'a> {
    /// Makes up a payment from its number.
    #[inline]
    pub(super) fn new(plan: &'a Plan, number: u64, slot: u64) -> Self {
        let noise = plan.noise(number);
        let more = mix(noise);
        let amount_minor = 100
            + match noise % 1000 {
                0..600 => more % 20_000,
                600..950 => more % 500_000,
                _ => more % 50_000_000,
            };
        let status = match (noise >> 40) % 100 {
            0..97 => Status::Succeeded,
            97 => Status::Refunded,
            98 => Status::Closed,
            _ => Status::Pending,
        };
        let currency = match plan.currencies_used {
            1 => 0,
            // Four payments of five are in CNY.
            used if (noise >> 8).is_multiple_of(5) => 1 + (noise >> 16) % (used as u64 - 1),
            _ => 0,
        };
        let merchant = 100_000_000 + (noise >> 20) % 200_000;
        let line = Line {
            key: if plan.keys == super::KeyShape::Null { Key::Empty } else { Key::Id },
            order: plan.order_number(number, slot, 0),
            merchant,
            reference: more >> 8,
            amount_minor: amount_minor as i64,
            fee_minor: (amount_minor * 6 / 1000) as i64,
            currency: currency as u8,
            kind: Kind::Payment,
            status,
            day: TODAY,
            second: (number * 86_400 / plan.records) as u32,
            batch: None,
            original: None,
            account: merchant,
            defect: None,
        };
        Payment { plan, number, slot, noise, line }
    }

    /// Returns the row of a payment without fault.
    #[inline]
    pub(super) fn line(&self, side: Side) -> Line {
        match side {
            Side::Left => self.line,
            Side::Right => self.seen_by_channel(self.line),
        }
    }

    /// Settlement takes a few seconds, but not past midnight.
    #[inline]
    fn seen_by_channel(&self, line: Line) -> Line {
        Line { second: (line.second + 1 + (self.noise % 7) as u32).min(86_399), ..line }
    }

    /// Appends the rows that one side has of a payment with a fault.
    ///
    /// Faulty payments have an account of their own, and batches and originals too, so that no pass
    /// can bring two of them together.
    pub(super) fn faulty_lines(&self, seeded: Seeded, side: Side, lines: &mut Vec<FaultyLine>) {
        let group = Group::new(self, seeded);
        for (line, in_group) in group.rows(side) {
            let line = if side == Side::Left { line } else { self.seen_by_channel(line) };
            lines.push(FaultyLine { line, in_group });
        }
    }

    /// Returns the open item of yesterday that a `MATCHED_LATE` closes, and its side.
    pub(super) fn open_item(&self, seeded: Seeded) -> (Side, Line) {
        let side = seeded.side();
        let line = Group::new(self, seeded).base;
        let line = if side == Side::Left { line } else { self.seen_by_channel(line) };
        (side, Line { day: YESTERDAY, ..line })
    }
}

/// A payment with its fault.
struct Group<'a> {
    payment: &'a Payment<'a>,
    seeded: Seeded,
    /// The row from which all rows of the group are made.
    base: Line,
}

impl<'a> Group<'a> {
    fn new(payment: &'a Payment<'a>, seeded: Seeded) -> Self {
        const FAULTY_ACCOUNTS: u64 = 6_000_000_000_000_000;
        // Above the amount of any other payment, so that of the many records with the hottest key
        // no other is equal to this one, nor to what the channel makes of it.
        const HOT_AMOUNT_MINOR: i64 = 100_000_000;
        let is_hot = payment.plan.hot_slot == Some(seeded.slot);
        let amount_minor = payment.line.amount_minor + if is_hot { HOT_AMOUNT_MINOR } else { 0 };
        let account = FAULTY_ACCOUNTS + seeded.slot;
        let base = Line { amount_minor, account, ..payment.line };
        Group { payment, seeded, base }
    }

    /// Returns the rows of one side as the ledger would write them, each with whether it is in the
    /// fault's group.
    fn rows(&self, side: Side) -> Vec<(Line, bool)> {
        let base = self.base;
        let right = side == Side::Right;
        let mine = side == self.seeded.side();
        match self.seeded.fault {
            Fault::MatchedTolerance => {
                let more = if right { self.payment.plan.tolerance_minor } else { 0 };
                vec![(Line { amount_minor: base.amount_minor + more, ..base }, true)]
            }
            Fault::MatchedAggregate => self.aggregate(side),
            // The other row is yesterday's.
            Fault::MatchedLate => self.only(!mine, base),
            Fault::NettedWithinSide => self.netted(mine),
            Fault::PendingTiming => self.only(mine, base),
            Fault::MissingInB => self.missing(!right),
            Fault::MissingInA => self.missing(right),
            Fault::AmountMismatch => {
                let delta = self.payment.plan.tolerance_minor + self.small_delta();
                let more = if right { delta } else { 0 };
                vec![(Line { amount_minor: base.amount_minor + more, ..base }, true)]
            }
            Fault::FeeMismatch => {
                let more = if right { 1 + (self.payment.noise % 50) as i64 } else { 0 };
                vec![(Line { fee_minor: base.fee_minor + more, ..base }, true)]
            }
            Fault::StatusMismatch => {
                let status = if right { base.status.next() } else { base.status };
                vec![(Line { status, ..base }, true)]
            }
            Fault::CurrencyMismatch => {
                let twin = self.payment.plan.currencies[usize::from(base.currency)].twin;
                let currency = if right { twin } else { base.currency };
                vec![(Line { currency, ..base }, true)]
            }
            Fault::TypeMismatch => {
                let kind = if right { Kind::Refund } else { Kind::Payment };
                vec![(Line { kind, ..base }, true)]
            }
            Fault::DuplicateInA => self.duplicated(!right),
            Fault::DuplicateInB => self.duplicated(right),
            Fault::BatchTotalMismatch => self.payout(side, self.small_delta()),
            Fault::Ambiguous => self.ambiguous(mine),
            Fault::Unkeyed => self.only(mine, self.unkeyed(LONG_AGO)),
            Fault::Rejected => self.only(mine, Line { defect: Some(self.defect()), ..base }),
        }
    }

    fn only(&self, here: bool, line: Line) -> Vec<(Line, bool)> {
        if here { vec![(line, true)] } else { Vec::new() }
    }

    /// One-sided and old. Of four, one is a refund without counterpart of an order whose payment is
    /// matched: the type keeps it from being a duplicate.
    fn missing(&self, here: bool) -> Vec<(Line, bool)> {
        if self.payment.plan.layout == Layout::Basic {
            return self.only(here, self.base);
        }
        if self.seeded.ordinal % 4 != 3 {
            return self.only(here, Line { day: LONG_AGO, ..self.base });
        }
        let mut rows = vec![(self.base, false)];
        if here {
            rows.push((Line { day: LONG_AGO, ..self.refund(self.base.amount_minor, 1) }, true));
        }
        rows
    }

    /// The same row once more; the later one is the surplus.
    fn duplicated(&self, here: bool) -> Vec<(Line, bool)> {
        let mut rows = vec![(self.base, false)];
        if here {
            rows.push((self.base, true));
        }
        rows
    }

    /// Part refunds of a matched order against one refund of their sum, on either side, or the
    /// lines of a payout that add up.
    fn aggregate(&self, side: Side) -> Vec<(Line, bool)> {
        let parted = match self.seeded.ordinal % 3 {
            0 => Side::Left,
            1 => Side::Right,
            _ => return self.payout(side, 0),
        };
        let mut rows = vec![(self.base, false)];
        if side == parted {
            // Together with the payment, a side has at most four rows.
            let parts = self.parts(2 + self.payment.noise % 2);
            rows.extend((1..).zip(parts).map(|(part, minor)| (self.refund(minor, part), true)));
        } else {
            rows.push((self.refund(self.base.amount_minor, 1), true));
        }
        rows
    }

    fn refund(&self, minor: i64, part: u64) -> Line {
        Line {
            amount_minor: -minor,
            fee_minor: 0,
            kind: Kind::Refund,
            status: Status::Succeeded,
            original: Some(self.base.order),
            reference: self.base.reference + part,
            ..self.base
        }
    }

    /// The ledger has the orders of a payout one by one, the channel has the payout.
    fn payout(&self, side: Side, delta: i64) -> Vec<(Line, bool)> {
        let plan = self.payment.plan;
        let base = Line {
            batch: Some(self.seeded.slot),
            fee_minor: 0,
            status: Status::Succeeded,
            day: LONG_AGO,
            ..self.base
        };
        if side == Side::Right {
            let key = Key::Empty;
            let amount_minor = base.amount_minor + delta;
            return vec![(Line { key, amount_minor, kind: Kind::Payout, ..base }, true)];
        }
        let parts = self.parts(2 + self.payment.noise % (PARTS_MAX - 1));
        let order = |part| plan.order_number(self.payment.number, self.payment.slot, part);
        (0..)
            .zip(parts)
            .map(|(part, amount_minor)| {
                let reference = base.reference + part;
                (Line { amount_minor, order: order(part), reference, ..base }, true)
            })
            .collect()
    }

    /// An authorisation and its reversal.
    fn netted(&self, here: bool) -> Vec<(Line, bool)> {
        if !here {
            return Vec::new();
        }
        let original = Some(self.base.order);
        let base = Line { original, fee_minor: 0, day: LONG_AGO, status: Status::Succeeded, ..self.base };
        let reference = base.reference + 1;
        let amount_minor = -base.amount_minor;
        vec![
            (Line { kind: Kind::Authorization, ..base }, true),
            (Line { kind: Kind::Reversal, amount_minor, reference, ..base }, true),
        ]
    }

    /// Two rows of one side, a day before and a day after the one row of the other: neither is
    /// nearer.
    fn ambiguous(&self, mine: bool) -> Vec<(Line, bool)> {
        let middle = self.unkeyed(LONG_AGO);
        if !mine {
            return vec![(middle, true)];
        }
        let reference = middle.reference + 1;
        vec![
            (Line { day: LONG_AGO - 1, ..middle }, true),
            (Line { day: LONG_AGO + 1, reference, ..middle }, true),
        ]
    }

    fn unkeyed(&self, day: u8) -> Line {
        let key = if self.seeded.ordinal % 4 < 2 { Key::Empty } else { Key::NotAvailable };
        Line { key, day, status: Status::Succeeded, ..self.base }
    }

    fn defect(&self) -> Defect {
        let list: &[Defect] = match self.payment.plan.format {
            super::DayFormat::Csv | super::DayFormat::Ndjson => &Defect::OF_TEXT,
            super::DayFormat::Parquet => &Defect::OF_COLUMNS,
        };
        // Two in a row, so that each comes on both sides.
        let turn = self.seeded.ordinal / 2 % list.len() as u64;
        list[turn as usize]
    }

    fn small_delta(&self) -> i64 {
        1 + (self.payment.noise % 900) as i64
    }

    /// Splits the amount into so many parts, each above zero and below the amount.
    fn parts(&self, count: u64) -> Vec<i64> {
        let count = count as i64;
        let even = self.base.amount_minor / count;
        let mut rest = self.base.amount_minor;
        let mut parts = Vec::new();
        for part in 1..count {
            let less = (mix(self.payment.noise ^ part as u64) % (even as u64 / 2 + 1)) as i64;
            parts.push(even - less);
            rest -= even - less;
        }
        parts.push(rest);
        parts
    }
}
