//! What a day will hold, decided before the first row is written.
//!
//! A day is made of *payments*, numbered in order of time. A permutation gives each payment a
//! *slot*; the first slots belong to the seeded faults, class after class, so that counts are exact
//! and the faulty payments are spread over the day. Everything about a payment follows from its
//! number, its slot and the seed: the two sides can be written at the same time, each in its own
//! order, and nothing has to be remembered.

use super::error::SimError;
use super::faults::{Counts, Fault};
use super::permutation::{Permutation, mix};
use super::{DayFormat, DayOptions, KeyShape, RowOrder};
use suanpan_money::Currency;

/// Order ids number at most five payments for each of the day in ten digits.
pub(super) const RECORDS_MAX: u64 = 2_000_000_000;

/// The most rows that one payment has on one side, so the most order ids that it needs.
pub(super) const PARTS_MAX: u64 = 4;

/// A side of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The ledger: our books.
    Left,
    /// The channel.
    Right,
}

impl Side {
    pub(super) const BOTH: [Side; 2] = [Side::Left, Side::Right];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Side::Left => "left",
            Side::Right => "right",
        }
    }

    pub(super) const fn file_stem(self) -> &'static str {
        match self {
            Side::Left => "ledger",
            Side::Right => "channel",
        }
    }

    pub(super) const fn index(self) -> usize {
        self as usize
    }
}

/// Which columns the files have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// The columns that the six basic classes need.
    Basic,
    /// Those, and type, business date, batch, original and account.
    Full,
}

/// A currency of the day with what rows need of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Money {
    pub(super) letters: &'static str,
    pub(super) digits: [u8; 3],
    pub(super) exponent: u8,
    /// The place in [`Plan::currencies`] of another currency with as many decimals, for the records
    /// whose two sides name different currencies.
    pub(super) twin: u8,
}

/// A payment with a fault.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seeded {
    pub(super) fault: Fault,
    pub(super) slot: u64,
    /// Its number within the fault's class, from 0. Variants take turns by it, so that each has its
    /// exact share.
    pub(super) ordinal: u64,
}

impl Seeded {
    /// The side on which a fault that may be on either falls: they take turns.
    pub(super) const fn side(self) -> Side {
        if self.ordinal.is_multiple_of(2) { Side::Left } else { Side::Right }
    }
}

/// The decisions of a day.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) records: u64,
    pub(super) seed: u64,
    pub(super) counts: Counts,
    pub(super) format: DayFormat,
    pub(super) layout: Layout,
    pub(super) keys: KeyShape,
    pub(super) order: RowOrder,
    /// The currencies of payments, CNY first, then the twins that these need.
    pub(super) currencies: Vec<Money>,
    /// How many of `currencies` payments are made in.
    pub(super) currencies_used: usize,
    /// What amounts may differ by, in minor units.
    pub(super) tolerance_minor: i64,
    /// Where the slots of each class start; the last is the number of faulty payments.
    starts: [u64; Fault::COUNT + 1],
    /// The slot of the one fault that lies within the hottest key.
    pub(super) hot_slot: Option<u64>,
    slots: Permutation,
    serials: Permutation,
    arrivals: Permutation,
    noise: u64,
}

impl Plan {
    pub(super) fn new(options: &DayOptions) -> Result<Self, SimError> {
        if options.records > RECORDS_MAX {
            return Err(SimError::RecordsTooMany { records: options.records, records_max: RECORDS_MAX });
        }
        let counts = options.faults.counts(options.records)?;
        check_shape(options, &counts)?;
        let mut starts = [0; Fault::COUNT + 1];
        for fault in Fault::ALL {
            starts[fault.index() + 1] = starts[fault.index()] + counts.of(fault);
        }
        let shares_keys = matches!(options.keys, KeyShape::Zipf | KeyShape::OneHot { .. });
        let hot = shares_keys && counts.of(Fault::AmountMismatch) > 0;
        let seed = mix(options.seed);
        let (currencies, currencies_used) = currency_table(options.faults.currencies());
        Ok(Plan {
            records: options.records,
            seed: options.seed,
            counts,
            format: options.format,
            layout: layout_for(&counts),
            keys: options.keys,
            order: options.order,
            currencies,
            currencies_used,
            tolerance_minor: i64::from(counts.of(Fault::MatchedTolerance) > 0),
            starts,
            hot_slot: hot.then_some(starts[Fault::AmountMismatch.index()]),
            slots: Permutation::new(options.records, seed ^ 0x51),
            serials: Permutation::new(options.records, seed ^ 0x5E),
            arrivals: Permutation::new(options.records, seed ^ 0xA1),
            noise: mix(seed ^ 0x40),
        })
    }

    /// Returns which payment comes at a position of a side's file: the ledger is nearly in order of
    /// time, the channel sends in no order.
    #[inline]
    pub(super) fn payment_at(&self, side: Side, position: u64) -> u64 {
        const BLOCK: u64 = 4096;
        match (self.order, side) {
            (RowOrder::Sorted, _) => position,
            (RowOrder::Shuffled, Side::Right) => self.arrivals.apply(position),
            (RowOrder::Shuffled, Side::Left) => {
                let block = position & !(BLOCK - 1);
                if self.records - block < BLOCK {
                    return position;
                }
                block + ((position & (BLOCK - 1)) * 1021 + 7) % BLOCK
            }
        }
    }

    /// Returns how many payments later the second row of a payment comes.
    pub(super) fn rows_apart(&self) -> u64 {
        match self.order {
            RowOrder::Sorted => 0,
            // Bounded, because rows that wait are held in memory.
            RowOrder::Shuffled => (self.records / 64).min(1 << 16),
        }
    }

    #[inline]
    pub(super) fn slot_of(&self, payment: u64) -> u64 {
        self.slots.apply(payment)
    }

    pub(super) fn payment_in(&self, slot: u64) -> u64 {
        self.slots.invert(slot)
    }

    /// Returns the number of payments with a fault: those in the slots below it.
    #[inline]
    pub(super) const fn faulty(&self) -> u64 {
        self.starts[Fault::COUNT]
    }

    /// Returns the fault to which a slot belongs, if any.
    #[inline]
    pub(super) fn seeded(&self, slot: u64) -> Option<Seeded> {
        if slot >= self.faulty() {
            return None;
        }
        let class = self.starts.partition_point(|start| *start <= slot) - 1;
        Some(Seeded { fault: Fault::ALL[class], slot, ordinal: slot - self.starts[class] })
    }

    /// Returns the slots of a class.
    pub(super) const fn slots_of_class(&self, fault: Fault) -> std::ops::Range<u64> {
        self.starts[fault.index()]..self.starts[fault.index() + 1]
    }

    /// Returns noise for a payment: 64 bits that depend on its number and the seed.
    #[inline]
    pub(super) const fn noise(&self, payment: u64) -> u64 {
        mix(payment ^ self.noise)
    }

    /// Returns the sixteen digits of the order id of a payment; `part` counts its order ids.
    #[inline]
    pub(super) fn order_number(&self, payment: u64, slot: u64, part: u64) -> u64 {
        if self.order == RowOrder::Sorted {
            return payment * PARTS_MAX + part;
        }
        match self.shared_key(payment, slot) {
            Some(rank) => self.scattered(mix(rank ^ self.noise), PARTS_MAX * self.records + rank),
            None => {
                self.scattered(mix(self.noise(payment)), part * self.records + self.serials.apply(payment))
            }
        }
    }

    /// Six digits of noise as of a shard, then ten that no other payment has.
    #[inline]
    const fn scattered(&self, noise: u64, serial: u64) -> u64 {
        noise % 1_000_000 * 10_000_000_000 + serial
    }

    /// Returns the number of the key that a payment shares with others, if it does. Faulty payments
    /// do not, so that their truth is known, but for one in the hottest key: with it, the largest
    /// group of equal keys disagrees and must be looked at record by record.
    #[inline]
    fn shared_key(&self, payment: u64, slot: u64) -> Option<u64> {
        if matches!(self.keys, KeyShape::Unique | KeyShape::Null) {
            return None;
        }
        if self.hot_slot == Some(slot) {
            return Some(0);
        }
        let free = slot.checked_sub(self.faulty())?;
        match self.keys {
            KeyShape::OneHot { copies } => (free < copies - u64::from(self.hot_slot.is_some())).then_some(0),
            KeyShape::Zipf => zipf_rank(mix(self.noise(payment) ^ 0x21F)).filter(|rank| *rank < self.records),
            KeyShape::Unique | KeyShape::Null => None,
        }
    }
}

/// Draws a rank (from 0) whose frequency falls like rank^-1.2, in whole numbers: the tail of that
/// law is `P(rank >= k) = k^-0.2`, so `k = u^-5` for `u` even between 0 and 1.
fn zipf_rank(noise: u64) -> Option<u64> {
    let unit = u128::from(noise & 0xFF_FFFF) + 1; // u times 2^24
    u64::try_from((1_u128 << 120) / unit.pow(5)).ok().map(|rank| rank - 1)
}

fn layout_for(counts: &Counts) -> Layout {
    const NEED_MORE_COLUMNS: [Fault; 7] = [
        Fault::MatchedAggregate,
        Fault::MatchedLate,
        Fault::NettedWithinSide,
        Fault::PendingTiming,
        Fault::TypeMismatch,
        Fault::BatchTotalMismatch,
        Fault::Ambiguous,
    ];
    if counts.any(&NEED_MORE_COLUMNS) { Layout::Full } else { Layout::Basic }
}

fn check_shape(options: &DayOptions, counts: &Counts) -> Result<(), SimError> {
    let shared = match options.keys {
        KeyShape::Unique | KeyShape::Null => None,
        KeyShape::Zipf => Some("--keys zipf"),
        KeyShape::OneHot { copies } => {
            let hot_faults = u64::from(counts.of(Fault::AmountMismatch) > 0);
            let records = options.records - counts.total() + hot_faults;
            if copies == 0 || copies > records {
                return Err(SimError::CopiesTooMany { copies, records });
            }
            Some("--keys one-hot")
        }
    };
    if let (Some(option), RowOrder::Sorted) = (shared, options.order) {
        return Err(SimError::OptionsClash { option, other: "--order sorted" });
    }
    if options.keys == KeyShape::Null {
        let possible =
            |fault: &Fault| Fault::BASIC.contains(fault) || matches!(fault, Fault::Unkeyed | Fault::Rejected);
        let wrong = Fault::ALL.into_iter().find(|fault| counts.of(*fault) > 0 && !possible(fault));
        if let Some(fault) = wrong {
            return Err(SimError::FaultImpossible { fault: fault.name(), option: "--keys null" });
        }
    }
    Ok(())
}

/// Lists CNY, the further currencies, and after them the twins that are not yet there.
fn currency_table(further: &[Currency]) -> (Vec<Money>, usize) {
    let cny = Currency::parse("CNY").expect("CNY is in ISO 4217");
    let mut list = vec![cny];
    list.extend_from_slice(further);
    let used = list.len();
    let mut twins = Vec::new();
    for at in 0..used {
        let twin = twin_of(list[at]);
        let place = list.iter().position(|currency| *currency == twin).unwrap_or_else(|| {
            list.push(twin);
            list.len() - 1
        });
        twins.push(place);
    }
    let table = list.iter().enumerate().map(|(at, currency)| Money {
        letters: currency.code(),
        digits: super::text::digits(u64::from(currency.numeric())),
        exponent: currency.exponent(),
        twin: u8::try_from(twins.get(at).copied().unwrap_or(at)).expect("few currencies"),
    });
    (table.collect(), used)
}

/// Returns another currency with as many decimals: a common one where there is one.
fn twin_of(currency: Currency) -> Currency {
    ["USD", "CNY", "JPY", "KRW", "KWD", "BHD"]
        .into_iter()
        .filter_map(Currency::parse)
        .chain(Currency::all())
        .find(|other| *other != currency && other.exponent() == currency.exponent())
        .expect("ISO 4217 has two currencies of every number of decimals")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_currency_has_a_twin() {
        for currency in Currency::all() {
            let twin = twin_of(currency);
            assert!(twin != currency && twin.exponent() == currency.exponent());
        }
    }

    #[test]
    fn ranks_fall_like_a_power_of_minus_one_and_a_fifth() {
        let mut first = [0_u32; 4];
        let draws = 100_000;
        for draw in 0..draws {
            if let Some(count) =
                zipf_rank(mix(draw)).and_then(|rank| first.get_mut(usize::try_from(rank).unwrap_or(9)))
            {
                *count += 1;
            }
        }
        // 1 - 2^-0.2, 2^-0.2 - 3^-0.2 ... in 100,000 draws.
        for (count, wanted) in first.into_iter().zip([12_945_u32, 6_781, 4_488, 3_308]) {
            assert!(count.abs_diff(wanted) < 400, "{first:?}");
        }
    }
}
