//! What one column looks like, by its name and by its values.

use super::{Sample, ppm};
use crate::limits::{SAMPLE_COLUMNS_MAX, SAMPLE_ROWS_MAX};
use crate::rule::Format;
use std::collections::HashSet;

/// What a column may be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Key,
    Amount,
    Fee,
    Currency,
    Status,
    Kind,
    Time,
    Date,
    Batch,
    Original,
    Account,
}

/// A column of a sample.
#[derive(Debug)]
pub(super) struct Profile<'s> {
    /// How rules name it.
    pub(super) name: String,
    /// Its name in lower case, cut into words.
    words: Vec<String>,
    /// Its trimmed values by row.
    pub(super) values: Vec<&'s str>,
    /// How many values are not empty.
    pub(super) filled: usize,
    /// How many different ones there are, apart from the empty one.
    pub(super) distinct: usize,
    /// Whether every value is a number as rules read them, with or without separators between groups.
    pub(super) numeric: bool,
    /// Whether numbers are written as `1.234,50`: they are no numbers otherwise.
    pub(super) decimal_comma: bool,
    /// Whether some value has a decimal point, or the comma that stands for it.
    pub(super) has_point: bool,
    /// Whether some value has separators between groups of digits.
    pub(super) has_groups: bool,
}

/// Looks at all columns of a sample.
pub(super) fn profile_all(sample: &Sample) -> Vec<Profile<'_>> {
    (0..sample.header.len().min(SAMPLE_COLUMNS_MAX)).filter_map(|at| profile(sample, at)).collect()
}

fn profile(sample: &Sample, at: usize) -> Option<Profile<'_>> {
    let written = &sample.header[at];
    let name = rule_name(sample, at)?;
    let rows = &sample.rows[..sample.rows.len().min(SAMPLE_ROWS_MAX)];
    let values: Vec<&str> = rows.iter().map(|row| row.get(at).map_or("", |value| value.trim())).collect();
    let filled = || values.iter().copied().filter(|value| !value.is_empty());
    let distinct: HashSet<&str> = filled().collect();
    let pointed = distinct.iter().all(|value| is_number(value));
    let decimal_comma = !pointed && distinct.iter().all(|value| is_number(&swapped(value)));
    let (mark, group) = if decimal_comma { (',', '.') } else { ('.', ',') };
    let words = if sample.has_header { words_of(written) } else { Vec::new() };
    Some(Profile {
        name,
        words,
        filled: filled().count(),
        distinct: distinct.len(),
        numeric: !distinct.is_empty() && (pointed || decimal_comma),
        decimal_comma,
        has_point: distinct.iter().any(|value| value.contains(mark)),
        has_groups: distinct.iter().any(|value| value.contains(group)),
        values,
    })
}

/// Returns how rules can name a column: by its name where that is one, else by its place.
fn rule_name(sample: &Sample, at: usize) -> Option<String> {
    let written = &sample.header[at];
    let named = sample.has_header || matches!(sample.format, Format::Ndjson | Format::Parquet);
    let plain = !written.is_empty()
        && written.len() <= 1_024
        && !written.starts_with('#')
        && sample.header.iter().filter(|name| *name == written).count() == 1;
    match named && plain {
        true => Some(written.clone()),
        false if sample.format == Format::Ndjson => None,
        false => Some(format!("#{}", at + 1)),
    }
}

/// Swaps points and commas.
fn swapped(text: &str) -> String {
    let swap = |c| match c {
        '.' => ',',
        ',' => '.',
        other => other,
    };
    text.chars().map(swap).collect()
}

impl Profile<'_> {
    /// Returns a number of the column without group separators, its decimals behind a point.
    pub(super) fn plain(&self, text: &str) -> String {
        let text = if self.decimal_comma { swapped(text) } else { text.to_owned() };
        text.replace(',', "")
    }

    /// Returns the share of rows that have a value, in millionths.
    pub(super) fn filled_ppm(&self) -> u64 {
        ppm(self.filled, self.values.len())
    }

    /// Returns the share of values that are different, in millionths.
    pub(super) fn distinct_ppm(&self) -> u64 {
        ppm(self.distinct, self.filled)
    }

    /// Says whether the column is a small vocabulary.
    pub(super) fn is_words(&self) -> bool {
        let few = self.distinct <= 32 && (self.distinct * 4 <= self.filled || self.distinct <= 3);
        few && self.distinct > 0 && !self.has_point && self.values.iter().all(|value| value.len() <= 64)
    }

    /// Returns how strongly the name speaks for a role: 0 to 3.
    pub(super) fn hint(&self, role: Role) -> u8 {
        let (words, parts) = lexicon(role);
        let has = |word: &str| self.words.iter().any(|w| w == word);
        let joined = self.words.concat();
        // Names such as `original_order_no` or `fee_amount` belong to the more special role.
        let special = match role {
            Role::Key => {
                self.hint(Role::Original) > 0
                    || [
                        "merchant", "mch", "shop", "store", "user", "terminal", "product", "goods", "商户",
                        "门店", "用户", "终端",
                    ]
                    .iter()
                    .any(|word| joined.contains(word))
            }
            Role::Amount => {
                self.hint(Role::Fee) > 0 || has("balance") || joined.contains("余额") || has("currency")
            }
            Role::Date | Role::Time => has("zone") || has("timezone"),
            Role::Status => has("date") || has("time") || has("at"),
            Role::Batch => {
                ["date", "time", "at", "amount", "currency", "status", "fee"].iter().any(|w| has(w))
            }
            _ => false,
        };
        if special {
            return 0;
        }
        let by_word = words.iter().filter(|(word, _)| has(word)).map(|(_, strength)| *strength).max();
        let by_part =
            parts.iter().filter(|(part, _)| joined.contains(part)).map(|(_, strength)| *strength).max();
        by_word.max(by_part).unwrap_or(0)
    }

    /// Returns how alike the names of two columns are: 0 to 3.
    pub(super) fn alike(&self, other: &Profile<'_>) -> u8 {
        if self.words.is_empty() || other.words.is_empty() {
            return 0;
        }
        if self.words.concat() == other.words.concat() {
            return 3;
        }
        let shared = self.words.iter().filter(|word| other.words.contains(word)).count();
        let longer = self.words.len().max(other.words.len());
        if shared * 2 >= longer { 2 } else { u8::from(shared > 0) }
    }

    /// Says whether a part of the name occurs, for units such as `cents` and `分`.
    pub(super) fn name_has(&self, words: &[&str], parts: &[&str]) -> bool {
        let joined = self.words.concat();
        words.iter().any(|word| self.words.iter().any(|w| w == word))
            || parts.iter().any(|part| joined.contains(part))
    }
}

/// Returns the column whose name speaks most strongly for a role.
pub(super) fn best_by_name(
    profiles: &[Profile<'_>],
    role: Role,
    usable: impl Fn(usize) -> bool,
) -> Option<usize> {
    let hints = profiles.iter().enumerate().filter(|(at, column)| usable(*at) && column.filled > 0);
    let best = hints.map(|(at, column)| (column.hint(role), at)).filter(|(hint, _)| *hint >= 2);
    best.max_by_key(|(hint, at)| (*hint, std::cmp::Reverse(*at))).map(|(_, at)| at)
}

/// Whole words of a name, and parts of it (for scripts without blanks), with their strengths.
type Lexicon = (&'static [(&'static str, u8)], &'static [(&'static str, u8)]);

fn lexicon(role: Role) -> Lexicon {
    match role {
        Role::Key => (
            &[
                ("order", 3),
                ("rrn", 3),
                ("trace", 2),
                ("reference", 3),
                ("ref", 3),
                ("transaction", 3),
                ("txn", 3),
                ("trade", 3),
                ("trx", 3),
                ("payment", 2),
                ("id", 2),
                ("no", 2),
                ("number", 2),
                ("serial", 2),
                ("key", 2),
                ("uuid", 3),
                ("arn", 3),
            ],
            &[
                ("订单", 3),
                ("单号", 3),
                ("流水", 3),
                ("编号", 2),
                ("参考号", 3),
                ("凭证", 2),
                ("orderid", 3),
                ("orderno", 3),
            ],
        ),
        Role::Amount => (
            &[
                ("amount", 3),
                ("amt", 3),
                ("money", 2),
                ("gross", 2),
                ("total", 2),
                ("sum", 2),
                ("value", 1),
                ("price", 1),
                ("paid", 1),
                ("net", 1),
                ("cents", 2),
                ("fen", 2),
                ("betrag", 3),
                ("montant", 3),
                ("importe", 3),
            ],
            &[("金额", 3), ("交易额", 3), ("款额", 2), ("实付", 2), ("实收", 2), ("取引額", 3), ("金額", 3)],
        ),
        Role::Fee => (
            &[
                ("fee", 3),
                ("fees", 3),
                ("commission", 3),
                ("charge", 2),
                ("charges", 3),
                ("mdr", 3),
                ("gebühr", 3),
            ],
            &[("手续费", 3), ("服务费", 3), ("佣金", 3), ("费用", 2), ("手数料", 3), ("費用", 2)],
        ),
        Role::Currency => (
            &[("currency", 3), ("ccy", 3), ("cur", 2), ("curr", 3), ("währung", 3), ("devise", 3)],
            &[("币种", 3), ("货币", 3), ("币别", 3), ("通貨", 3)],
        ),
        Role::Status => (
            &[("status", 3), ("state", 3), ("result", 2), ("response", 2), ("resp", 2), ("outcome", 2)],
            &[("状态", 3), ("结果", 2), ("应答码", 2), ("ステータス", 3), ("状態", 3)],
        ),
        Role::Kind => (
            &[("type", 3), ("kind", 3), ("category", 2), ("txntype", 3), ("operation", 2), ("event", 2)],
            &[("类型", 3), ("业务种类", 3), ("类别", 2), ("種別", 3)],
        ),
        Role::Time => (
            &[
                ("time", 3),
                ("timestamp", 3),
                ("datetime", 3),
                ("at", 2),
                ("created", 1),
                ("paid", 1),
                ("ts", 2),
                ("date", 1),
            ],
            &[("时间", 3), ("時刻", 3), ("日時", 3)],
        ),
        Role::Date => (
            &[("date", 3), ("day", 2), ("dt", 2), ("datum", 3)],
            &[("日期", 3), ("账期", 3), ("取引日", 3), ("清算日", 3)],
        ),
        Role::Batch => (
            &[("batch", 3), ("payout", 3), ("settlement", 2), ("payoutid", 3), ("batchid", 3)],
            &[("批次", 3), ("结算单", 3)],
        ),
        Role::Original => (
            &[("original", 3), ("orig", 3), ("parent", 2)],
            &[("原订单", 3), ("原交易", 3), ("原流水", 3), ("refundof", 3)],
        ),
        Role::Account => (
            &[("account", 3), ("acct", 3), ("iban", 3), ("wallet", 2)],
            &[("账号", 3), ("账户", 3), ("银行卡号", 2), ("口座", 3)],
        ),
    }
}

/// Cuts a name at everything that is no letter or digit, and where a capital follows a small letter.
fn words_of(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut small_before = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && small_before) {
            words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        small_before = c.is_lowercase() || c.is_ascii_digit();
    }
    words.extend((!word.is_empty()).then_some(word));
    words
}

/// Says whether a text is a number such as `-1,234.50`. Numbers that start with a zero, such as `0001`
/// or `00`, are codes.
fn is_number(text: &str) -> bool {
    let plain = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, decimals) = plain.split_once('.').unwrap_or((plain, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let groups: Vec<&str> = whole.split(',').collect();
    let grouped = groups.len() == 1
        || (groups[1..].iter().all(|group| group.len() == 3) && (1..=3).contains(&groups[0].len()));
    let code = whole.len() > 1 && whole.starts_with('0');
    let has_digits = !whole.is_empty() || !decimals.is_empty();
    has_digits
        && !code
        && grouped
        && groups.iter().all(|group| digits(group))
        && digits(decimals)
        && plain.len() <= 24
}
