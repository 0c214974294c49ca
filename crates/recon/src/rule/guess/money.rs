//! Currencies, amounts and fees: which column, in which unit, with which sign.

use super::column::{Profile, Role, best_by_name};
use super::{Finding, Pairs, Profiles, Sureness, Taken, ppm};
use crate::rule::AmountUnit;
use suanpan_money::{Currency, parse_decimal, parse_minor};

/// The most numeric columns of a side that are compared with those of the other.
const NUMERIC_MAX: usize = 24;

/// A guessed currency field.
#[derive(Debug, Clone)]
pub(super) struct CurrencyGuess {
    /// The column, or `None` where all records have `fixed`.
    pub(super) column: Option<usize>,
    /// The currency of all records, or of rows whose value says nothing.
    pub(super) fixed: Currency,
    /// Words of the column that are no ISO codes.
    pub(super) map: Vec<(String, Currency)>,
    pub(super) finding: Finding,
}

/// A guessed amount or fee.
#[derive(Debug, Clone)]
pub(super) struct MoneyGuess {
    pub(super) column: usize,
    pub(super) unit: AmountUnit,
    pub(super) negate: bool,
    /// A column and its words where the sign turns.
    pub(super) negate_when: Option<(usize, Vec<String>)>,
    pub(super) groups: bool,
    /// Numbers are written as `1.234,50`.
    pub(super) decimal_comma: bool,
    pub(super) finding: Finding,
}

/// Words that people write for currencies.
const ALIASES: &[(&str, &str)] = &[
    ("RMB", "CNY"),
    ("CNH", "CNY"),
    ("人民币", "CNY"),
    ("人民币元", "CNY"),
    ("元", "CNY"),
    ("美元", "USD"),
    ("US$", "USD"),
    ("日元", "JPY"),
    ("円", "JPY"),
    ("日本円", "JPY"),
    ("欧元", "EUR"),
    ("€", "EUR"),
    ("港币", "HKD"),
    ("港元", "HKD"),
    ("英镑", "GBP"),
    ("£", "GBP"),
];

fn alias(word: &str) -> Option<Currency> {
    let upper = word.to_uppercase();
    ALIASES.iter().find(|(known, _)| *known == upper).and_then(|(_, code)| Currency::parse(code))
}

pub(super) fn currency_of(word: &str) -> Option<Currency> {
    Currency::parse(word).or_else(|| alias(word))
}

impl CurrencyGuess {
    fn of_row(&self, profiles: &[Profile<'_>], row: usize) -> Currency {
        self.column.and_then(|at| currency_of(profiles[at].values[row])).unwrap_or(self.fixed)
    }
}

/// Finds the currency of each side.
pub(super) fn find_currencies(profiles: &Profiles<'_>, pairs: &Pairs, taken: &Taken) -> [CurrencyGuess; 2] {
    let mut columns = [0, 1].map(|side: usize| currency_column(&profiles[side], &taken[side]));
    for side in 0..2 {
        if let (None, Some(other)) = (columns[side], columns[1 - side]) {
            columns[side] = numeric_codes(profiles, pairs, taken, side, other);
        }
    }
    // A side without a column has the other's currency, if that is only one.
    let fixed = fallback_currency(profiles, pairs, columns);
    [0, 1].map(|side: usize| match columns[side] {
        Some(at) => {
            let column = &profiles[side][at];
            let words = words_by_count(column);
            let known = column.values.iter().filter(|word| currency_of(word).is_some()).count();
            let codes: Vec<&str> =
                words.iter().filter_map(|(word, _)| currency_of(word)).map(Currency::code).take(6).collect();
            let what = format!("values are currencies ({})", codes.join(", "));
            let mut finding = Finding::counted("currency", known, column.filled, &what);
            if column.hint(Role::Currency) < 2 && finding.sureness == Sureness::Sure && column.numeric {
                finding.sureness = Sureness::Likely;
            }
            let map = words.iter().filter(|(word, _)| Currency::parse(word).is_none());
            let map = map.filter_map(|(word, _)| Some(((*word).to_owned(), alias(word)?))).collect();
            CurrencyGuess { column: Some(at), fixed: fixed.0, map, finding }
        }
        None => {
            let finding = match fixed.1 {
                Some((part, whole)) => {
                    let what =
                        format!("values of the other side are {}, and this side has no such column", fixed.0);
                    Finding::counted("currency", part, whole, &what)
                }
                None => Finding::unsure("currency", "no column holds currencies: put yours here"),
            };
            CurrencyGuess { column: None, fixed: fixed.0, map: Vec::new(), finding }
        }
    })
}

fn currency_column(profiles: &[Profile<'_>], taken: &[usize]) -> Option<usize> {
    let fits = |at: usize| {
        let column = &profiles[at];
        if taken.contains(&at) || column.filled == 0 || column.distinct > 60 {
            return false;
        }
        let readable = column.values.iter().filter(|word| currency_of(word).is_some()).count();
        // Three digits may be anything, so a numeric code needs the name too.
        let letters = column.values.iter().all(|word| !word.bytes().any(|b| b.is_ascii_digit()));
        let hinted = column.hint(Role::Currency) >= 2;
        ppm(readable, column.filled) >= if hinted { 900_000 } else { 999_000 } && (letters || hinted)
    };
    let fitting = (0..profiles.len()).filter(|at| fits(*at));
    fitting.max_by_key(|at| (profiles[*at].hint(Role::Currency), std::cmp::Reverse(*at)))
}

/// Finds a column of numeric codes without a telling name: one that names the other side's currency in
/// nearly all matched rows.
fn numeric_codes(
    profiles: &Profiles<'_>,
    pairs: &Pairs,
    taken: &Taken,
    side: usize,
    other: usize,
) -> Option<usize> {
    let own_and_other = |pair: &(usize, usize)| if side == 0 { *pair } else { (pair.1, pair.0) };
    (0..profiles[side].len()).filter(|at| !taken[side].contains(at)).find(|at| {
        let same = |pair: &&(usize, usize)| {
            let (own_row, other_row) = own_and_other(pair);
            let own = currency_of(profiles[side][*at].values[own_row]);
            own.is_some() && own == currency_of(profiles[1 - side][other].values[other_row])
        };
        pairs.len() >= 20 && ppm(pairs.iter().filter(same).count(), pairs.len()) >= 950_000
    })
}

/// The currency for rows that do not say one, and the counts that speak for it.
fn fallback_currency(
    profiles: &Profiles<'_>,
    pairs: &Pairs,
    columns: [Option<usize>; 2],
) -> (Currency, Option<(usize, usize)>) {
    for side in 0..2 {
        let Some(at) = columns[side] else { continue };
        let column = &profiles[side][at];
        let rows: Vec<usize> = match pairs.is_empty() {
            true => (0..column.values.len()).collect(),
            false => pairs.iter().map(|pair| if side == 0 { pair.0 } else { pair.1 }).collect(),
        };
        let found: Vec<Currency> = rows.iter().filter_map(|row| currency_of(column.values[*row])).collect();
        let count = |currency: &Currency| found.iter().filter(|other| *other == currency).count();
        if let Some(first) = found.first() {
            let mut kinds: Vec<Currency> = vec![*first];
            kinds.extend(found.iter().filter(|currency| *currency != first));
            kinds.sort_unstable();
            kinds.dedup();
            let best =
                kinds.into_iter().max_by_key(|currency| (count(currency), std::cmp::Reverse(*currency)));
            let best = best.unwrap_or(*first);
            return (best, Some((count(&best), found.len())));
        }
    }
    // Names may say it: `amount_usd`, 金额（元）.
    let named =
        profiles.iter().flatten().filter(|column| column.hint(Role::Amount) >= 2).find_map(|column| {
            let by_code =
                Currency::all().find(|currency| column.name_has(&[&currency.code().to_lowercase()], &[]));
            by_code
                .or_else(|| column.name_has(&[], &["元", "金额"]).then(|| Currency::parse("CNY")).flatten())
        });
    let named = named.or_else(|| {
        let japanese = |column: &Profile<'_>| column.name_has(&[], &["円", "金額", "取引"]);
        profiles.iter().flatten().any(japanese).then(|| Currency::parse("JPY")).flatten()
    });
    let first = Currency::parse("CNY")
        .or_else(|| Currency::all().next())
        .expect("the table of currencies is not empty");
    (named.unwrap_or(first), None)
}

/// Returns the words of a column, the most frequent first.
pub(super) fn words_by_count<'s>(column: &Profile<'s>) -> Vec<(&'s str, usize)> {
    let mut counts: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for value in column.values.iter().filter(|value| !value.is_empty()) {
        *counts.entry(value).or_default() += 1;
    }
    let mut words: Vec<_> = counts.into_iter().collect();
    words.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    words
}

/// Finds the amount or the fee of both sides.
pub(super) fn find_amount(
    profiles: &Profiles<'_>,
    pairs: &Pairs,
    taken: &Taken,
    currency: &[CurrencyGuess; 2],
    role: Role,
) -> [Option<MoneyGuess>; 2] {
    let columns = [0, 1].map(|side: usize| money_columns(&profiles[side], &taken[side], role));
    let mut tried = pairs.to_vec();
    let step = tried.len().div_ceil(2_000).max(1);
    tried = tried.into_iter().step_by(step).collect();
    let mut best: Option<(u64, [usize; 2], Agreement)> = None;
    for l in &columns[0] {
        for r in &columns[1] {
            let hints = [profiles[0][*l].hint(role), profiles[1][*r].hint(role)];
            let agreement = compare(profiles, &tried, [*l, *r], currency);
            let points = u64::from(profiles[0][*l].has_point || profiles[1][*r].has_point);
            let agree = ppm(agreement.agree(), agreement.of).saturating_sub(agreement.chance_ppm);
            let score = agree + 70_000 * u64::from(hints[0] + hints[1]) + 30_000 * points;
            // A fee needs a name that says so; an amount needs a name or rows that agree.
            let enough = match role {
                Role::Fee => {
                    hints[0] >= 2 && hints[1] >= 2 || (hints[0].max(hints[1]) >= 2 && agree >= 800_000)
                }
                _ => hints[0].min(hints[1]) >= 1 || agree >= 300_000,
            };
            if enough && best.as_ref().is_none_or(|(most, ..)| score > *most) {
                best = Some((score, [*l, *r], agreement));
            }
        }
    }
    match best {
        Some((_, columns, agreement)) if agreement.agree() > 0 => {
            let whole = compare_units(profiles, pairs, columns, currency, agreement.units);
            judged(profiles, pairs, columns, currency, &whole, role)
        }
        found => by_name(profiles, currency, found.map(|(_, columns, _)| columns), &columns, role),
    }
}

fn money_columns(profiles: &[Profile<'_>], taken: &[usize], role: Role) -> Vec<usize> {
    let fits = |at: &usize| {
        let column = &profiles[*at];
        let other_name = match role {
            Role::Amount => column.hint(Role::Fee) >= 2,
            _ => false,
        };
        let name = column.hint(role) >= 1;
        let code =
            [Role::Currency, Role::Status, Role::Kind, Role::Time, Role::Date].map(|role| column.hint(role));
        let no_money = !name && code.into_iter().any(|hint| hint >= 2);
        let too_long = !column.has_point && column.values.iter().any(|value| value.len() > 15);
        column.numeric && !taken.contains(at) && !other_name && !no_money && !too_long
    };
    let mut fitting: Vec<usize> = (0..profiles.len()).filter(fits).collect();
    fitting.sort_by_key(|at| (std::cmp::Reverse(profiles[*at].hint(role)), *at));
    fitting.truncate(NUMERIC_MAX);
    fitting
}

/// How the values of two columns compare over matched rows, in the units that fit best.
#[derive(Debug, Clone, Copy)]
struct Agreement {
    units: [AmountUnit; 2],
    /// Equal and not zero.
    same: usize,
    /// Equal but for the sign, and not zero.
    opposite: usize,
    /// Rows with both values, not both zero.
    of: usize,
    /// How often values of different rows agree, in millionths.
    chance_ppm: u64,
    /// Whether other units fit as well.
    tied: bool,
}

impl Agreement {
    fn agree(&self) -> usize {
        self.same + self.opposite
    }
}

const UNITS: [[AmountUnit; 2]; 4] = [
    [AmountUnit::Decimal, AmountUnit::Decimal],
    [AmountUnit::Decimal, AmountUnit::Minor],
    [AmountUnit::Minor, AmountUnit::Decimal],
    [AmountUnit::Minor, AmountUnit::Minor],
];

fn compare(
    profiles: &Profiles<'_>,
    pairs: &Pairs,
    columns: [usize; 2],
    currency: &[CurrencyGuess; 2],
) -> Agreement {
    let all = UNITS.map(|units| compare_units(profiles, pairs, columns, currency, units));
    let most = all.iter().map(Agreement::agree).max().unwrap_or(0);
    let fitting: Vec<Agreement> = all.into_iter().filter(|agreement| agreement.agree() == most).collect();
    // Both whole numbers: points, names and the last digits decide.
    let wanted = [0, 1].map(|side: usize| alone_unit(&profiles[side][columns[side]], &currency[side]));
    let mut chosen = *fitting.iter().find(|agreement| agreement.units == wanted).unwrap_or(&fitting[0]);
    chosen.tied = fitting.len() > 1;
    chosen
}

fn compare_units(
    profiles: &Profiles<'_>,
    pairs: &Pairs,
    columns: [usize; 2],
    currency: &[CurrencyGuess; 2],
    units: [AmountUnit; 2],
) -> Agreement {
    let value = |side: usize, row: usize| {
        let exponent = currency[side].of_row(&profiles[side], row).exponent();
        let column = &profiles[side][columns[side]];
        read(column, column.values[row], units[side], exponent)
    };
    let mut agreement = Agreement { units, same: 0, opposite: 0, of: 0, chance_ppm: 0, tied: false };
    let (mut by_chance, mut chances) = (0, 0);
    let mut right_before: Option<i64> = None;
    for (l, r) in pairs {
        let (left, right) = (value(0, *l), value(1, *r));
        let text = |side: usize, row: usize| profiles[side][columns[side]].values[row];
        if text(0, *l).is_empty() || text(1, *r).is_empty() || (left == Some(0) && right == Some(0)) {
            continue;
        }
        agreement.of += 1;
        if let (Some(left), Some(right)) = (left, right) {
            agreement.same += usize::from(left == right);
            agreement.opposite += usize::from(left == right.wrapping_neg() && left != right);
        }
        if let (Some(left), Some(before)) = (left, right_before) {
            chances += 1;
            by_chance += usize::from(left.unsigned_abs() == before.unsigned_abs());
        }
        right_before = right;
    }
    agreement.chance_ppm = ppm(by_chance, chances);
    agreement
}

fn read(column: &Profile<'_>, text: &str, unit: AmountUnit, exponent: u8) -> Option<i64> {
    let plain = column.plain(text);
    match unit {
        AmountUnit::Decimal => parse_decimal(plain.as_bytes(), exponent).ok(),
        AmountUnit::Minor => parse_minor(plain.as_bytes()).ok(),
    }
}

fn judged(
    profiles: &Profiles<'_>,
    pairs: &Pairs,
    columns: [usize; 2],
    currency: &[CurrencyGuess; 2],
    agreement: &Agreement,
    role: Role,
) -> [Option<MoneyGuess>; 2] {
    let tied = compare(profiles, pairs, columns, currency).tied;
    let name = if role == Role::Fee { "fee" } else { "amount" };
    let sign = signs(profiles, pairs, columns, currency, agreement);
    [0, 1].map(|side: usize| {
        let column = &profiles[side][columns[side]];
        let what =
            if role == Role::Fee { "fees of matched rows agree" } else { "amounts of matched rows agree" };
        let mut finding = Finding::counted(name, agreement.agree(), agreement.of, what);
        let has_decimals = pairs.iter().any(|pair| {
            let row = if side == 0 { pair.0 } else { pair.1 };
            currency[side].of_row(&profiles[side], row).exponent() > 0
        });
        if tied && has_decimals && !column.has_point {
            finding.sureness = Sureness::Unsure;
            finding.evidence.push_str(", but both sides are whole numbers: check the unit");
        } else if tied && !has_decimals {
            finding.evidence.push_str("; the currency has no decimals, so both units mean the same");
        }
        let (negate, negate_when) = match &sign {
            Sign::Same => (false, None),
            Sign::Turned { side: turned } => (*turned == side, None),
            Sign::TurnedWhen { side: turned, column, words } if *turned == side => {
                (false, Some((*column, words.clone())))
            }
            Sign::TurnedWhen { .. } => (false, None),
            Sign::Mixed { opposite } => {
                finding.evidence.push_str(&format!(" ({opposite} only but for their sign)"));
                (false, None)
            }
        };
        Some(MoneyGuess {
            column: columns[side],
            unit: agreement.units[side],
            negate,
            negate_when,
            groups: column.has_groups,
            decimal_comma: column.decimal_comma,
            finding,
        })
    })
}

/// How the signs of both sides compare.
enum Sign {
    Same,
    /// All values of one side have the other sign.
    Turned {
        side: usize,
    },
    /// Those where a column of the side has one of some words.
    TurnedWhen {
        side: usize,
        column: usize,
        words: Vec<String>,
    },
    /// Some, for no reason that shows.
    Mixed {
        opposite: usize,
    },
}

fn signs(
    profiles: &Profiles<'_>,
    pairs: &Pairs,
    columns: [usize; 2],
    currency: &[CurrencyGuess; 2],
    agreement: &Agreement,
) -> Sign {
    let opposite_ppm = ppm(agreement.opposite, agreement.agree());
    if opposite_ppm >= 950_000 {
        return Sign::Turned { side: 1 };
    }
    if agreement.opposite < 3 || opposite_ppm < 1_000 {
        return Sign::Same;
    }
    // The rows that agree, and whether they do so only but for the sign; and where the value is positive.
    let value = |side: usize, row: usize| {
        let exponent = currency[side].of_row(&profiles[side], row).exponent();
        let column = &profiles[side][columns[side]];
        read(column, column.values[row], agreement.units[side], exponent)
    };
    let rows: Vec<([usize; 2], bool, bool)> = pairs
        .iter()
        .filter_map(|(l, r)| {
            let (left, right) = (value(0, *l)?, value(1, *r)?);
            let agrees = left.unsigned_abs() == right.unsigned_abs() && left != 0;
            agrees.then_some(([*l, *r], left != right, left > 0))
        })
        .collect();
    let left_positive =
        rows.iter().filter(|(_, opposite, left_positive)| *opposite && *left_positive).count();
    // The side that writes them as positive is the one to turn.
    let first = usize::from(left_positive * 2 < agreement.opposite);
    for side in [first, 1 - first] {
        for (at, column) in profiles[side].iter().enumerate() {
            if !column.is_words() || column.distinct < 2 {
                continue;
            }
            let count = |word: &str, only_opposite: bool| {
                let with = rows.iter().filter(|(row, opposite, _)| {
                    column.values[row[side]] == word && (!only_opposite || *opposite)
                });
                with.count()
            };
            let turned: Vec<&str> = words_by_count(column)
                .into_iter()
                .map(|(word, _)| word)
                .filter(|word| count(word, true) > 0 && ppm(count(word, true), count(word, false)) >= 900_000)
                .collect();
            let covered: usize = turned.iter().map(|word| count(word, true)).sum();
            if ppm(covered, agreement.opposite) >= 900_000 {
                let words = turned.into_iter().map(str::to_owned).collect();
                return Sign::TurnedWhen { side, column: at, words };
            }
        }
    }
    Sign::Mixed { opposite: agreement.opposite }
}

/// Without rows that agree, names decide, and the unit by what the column alone shows.
fn by_name(
    profiles: &Profiles<'_>,
    currency: &[CurrencyGuess; 2],
    found: Option<[usize; 2]>,
    columns: &[Vec<usize>; 2],
    role: Role,
) -> [Option<MoneyGuess>; 2] {
    let name = if role == Role::Fee { "fee" } else { "amount" };
    let chosen = [0, 1].map(|side: usize| {
        found.map(|columns| columns[side]).or_else(|| {
            let named = best_by_name(&profiles[side], role, |at| columns[side].contains(&at));
            // An amount there must be; a column with a point is the next best.
            let pointed = || columns[side].iter().copied().find(|at| profiles[side][*at].has_point);
            let any = || columns[side].first().copied();
            if role == Role::Fee { named } else { named.or_else(pointed).or_else(any) }
        })
    });
    [0, 1].map(|side: usize| {
        let at = chosen[side]?;
        let column = &profiles[side][at];
        let mut unit = alone_unit(column, &currency[side]);
        let mut evidence = match column.hint(role) {
            0 | 1 => format!("`{}` is only the most likely of the numbers", column.name),
            _ => format!("by the name `{}`; no matched rows show it", column.name),
        };
        if let (false, Some(other)) = (column.has_point, chosen[1 - side])
            && profiles[1 - side][other].has_point
        {
            // Sizes tell units apart where rows do not meet: a factor of a hundred is seldom chance.
            let exponent = currency[side].fixed.exponent();
            let (ours, theirs) = (median(column), median(&profiles[1 - side][other]));
            let near = |scale: i128| ours <= theirs * scale * 4 && ours * 4 >= theirs * scale;
            let scale = 10_i128.pow(u32::from(exponent));
            if near(scale) != near(1) {
                unit = if near(scale) { AmountUnit::Minor } else { AmountUnit::Decimal };
                evidence.push_str("; the unit by the size of the numbers beside those of the other side");
            }
        }
        Some(MoneyGuess {
            column: at,
            unit,
            negate: false,
            negate_when: None,
            groups: column.has_groups,
            decimal_comma: column.decimal_comma,
            finding: Finding::unsure(name, &evidence),
        })
    })
}

/// The unit that a column by itself suggests.
fn alone_unit(column: &Profile<'_>, currency: &CurrencyGuess) -> AmountUnit {
    if column.has_point || column.name_has(&[], &["元", "円"]) || currency.fixed.exponent() == 0 {
        return AmountUnit::Decimal;
    }
    if column.name_has(&["cents", "cent", "minor", "fen", "pence"], &["分"]) {
        return AmountUnit::Minor;
    }
    // Whole prices mostly end in zeros; whole cents do so for one in a hundred.
    let numbers = || column.values.iter().filter(|value| !value.is_empty() && **value != "0");
    let (round, all) = (numbers().filter(|value| value.ends_with("00")).count(), numbers().count());
    if ppm(round, all) >= 500_000 { AmountUnit::Decimal } else { AmountUnit::Minor }
}

/// The median of the sizes of the values, in ten-thousandths.
fn median(column: &Profile<'_>) -> i128 {
    let mut sizes: Vec<i128> = column
        .values
        .iter()
        .filter_map(|value| scaled(column, value))
        .map(|v| i128::from(v.unsigned_abs()))
        .collect();
    sizes.sort_unstable();
    sizes.get(sizes.len() / 2).copied().unwrap_or(0)
}

fn scaled(column: &Profile<'_>, text: &str) -> Option<i64> {
    read(column, text, AmountUnit::Decimal, 4)
}

/// Returns the best share of pairs whose numbers agree in some pair of columns, in some unit, above what
/// chance would give. The columns of the key that made the pairs do not count.
pub(super) fn best_agreement_ppm(profiles: &Profiles<'_>, pairs: &Pairs, key: [usize; 2]) -> u64 {
    let numbers = [0, 1].map(|side: usize| {
        let columns = money_columns(&profiles[side], &[key[side]], Role::Amount);
        let read = |at: &usize| {
            let row_of = |pair: &(usize, usize)| if side == 0 { pair.0 } else { pair.1 };
            let column = &profiles[side][*at];
            pairs.iter().map(|pair| scaled(column, column.values[row_of(pair)])).collect::<Vec<_>>()
        };
        columns.iter().map(read).collect::<Vec<_>>()
    });
    let mut best = 0;
    for left in &numbers[0] {
        for right in &numbers[1] {
            for scale in [1_i128, 100, 1_000] {
                let agree = |l: Option<i64>, r: Option<i64>| match (l, r) {
                    (Some(l), Some(r)) if l != 0 => {
                        let (l, r) = (i128::from(l).abs(), i128::from(r).abs());
                        l * scale == r || l == r * scale
                    }
                    _ => false,
                };
                let agreeing = (0..pairs.len()).filter(|at| agree(left[*at], right[*at])).count();
                let by_chance = (1..pairs.len()).filter(|at| agree(left[*at], right[*at - 1])).count();
                let chance = ppm(by_chance, pairs.len().saturating_sub(1));
                best = best.max(ppm(agreeing, pairs.len()).saturating_sub(chance));
            }
        }
    }
    best
}
