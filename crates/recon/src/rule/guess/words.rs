//! Statuses and types: which words of the two sides stand for one another.

use super::column::{Profile, Role, best_by_name};
use super::money::words_by_count;
use super::{Finding, Pairs, Profiles, Taken, grouped, ppm};
use std::collections::BTreeMap;

/// A guessed field of words.
#[derive(Debug, Clone)]
pub(super) struct WordsGuess {
    pub(super) column: usize,
    /// From the file's words to common words, the most frequent first, each with what speaks for it.
    pub(super) map: Vec<(String, String, String)>,
    /// Whether the field is only proposed, since the other side has none to compare it with.
    pub(super) alone: bool,
    pub(super) finding: Finding,
}

/// The most words of a guessed map.
const WORDS_MAX: usize = 64;

/// Common words for statuses.
const STATUSES: &[(&str, &[&str])] = &[
    (
        "succeeded",
        &[
            "success",
            "succeeded",
            "successful",
            "succ",
            "paid",
            "complete",
            "completed",
            "ok",
            "settled",
            "captured",
            "approved",
            "finished",
            "tradesuccess",
            "tradefinished",
            "成功",
            "支付成功",
            "交易成功",
            "已支付",
            "已完成",
            "已入账",
            "成功済み",
            "完了",
            "入金済",
        ],
    ),
    ("refunded", &["refund", "refunded", "退款", "已退款", "退款成功", "返金", "返金済み"]),
    (
        "failed",
        &[
            "fail",
            "failed",
            "failure",
            "error",
            "declined",
            "rejected",
            "失败",
            "支付失败",
            "交易失败",
            "失敗",
        ],
    ),
    ("closed", &["close", "closed", "tradeclosed", "关闭", "已关闭", "交易关闭"]),
    (
        "cancelled",
        &["cancel", "cancelled", "canceled", "void", "voided", "revoked", "已取消", "取消", "撤销", "已撤销"],
    ),
    (
        "pending",
        &[
            "pending",
            "processing",
            "wait",
            "waiting",
            "init",
            "created",
            "open",
            "inprogress",
            "waitbuyerpay",
            "处理中",
            "待支付",
            "待处理",
            "支付中",
            "処理中",
        ],
    ),
    ("expired", &["expired", "timeout", "超时", "已过期"]),
];

/// Common words for types.
const KINDS: &[(&str, &[&str])] = &[
    (
        "payment",
        &[
            "pay", "payment", "sale", "purchase", "charge", "capture", "consume", "支付", "消费", "收款",
            "交易", "売上",
        ],
    ),
    ("refund", &["refund", "rfd", "return", "退款", "退货", "返金"]),
    ("reversal", &["reversal", "reverse", "冲正", "撤销"]),
    ("payout", &["payout", "withdrawal", "withdraw", "提现", "代付", "出金"]),
    ("chargeback", &["chargeback", "dispute", "拒付"]),
    ("fee", &["fee", "手续费", "手数料"]),
    ("deposit", &["deposit", "topup", "充值", "入金"]),
    ("transfer", &["transfer", "转账", "振込"]),
];

/// Finds the words of a role on both sides.
pub(super) fn find(
    profiles: &Profiles<'_>,
    pairs: &Pairs,
    taken: &Taken,
    role: Role,
) -> [Option<WordsGuess>; 2] {
    let usable = |side: usize, at: usize| {
        let column = &profiles[side][at];
        column.is_words() && !taken[side].contains(&at) && column.hint(Role::Currency) < 2
    };
    let mut best: Option<(u64, [usize; 2])> = None;
    for l in (0..profiles[0].len()).filter(|at| usable(0, *at)) {
        for r in (0..profiles[1].len()).filter(|at| usable(1, *at)) {
            let (left, right) = (&profiles[0][l], &profiles[1][r]);
            let hints = [belongs(left, role), belongs(right, role)];
            if hints[0].max(hints[1]) < 2 {
                continue;
            }
            let lift = lift_ppm(left, right, pairs);
            if hints[0].min(hints[1]) < 2 && lift < 600_000 {
                continue;
            }
            let score = lift + 300_000 * u64::from(hints[0] + hints[1]);
            if best.is_none_or(|(most, _)| score > most) {
                best = Some((score, [l, r]));
            }
        }
    }
    match best {
        Some((_, columns)) => map_both(profiles, pairs, columns, role),
        None => [0, 1].map(|side: usize| {
            let at = best_by_name(&profiles[side], role, |at| usable(side, at))?;
            let evidence = format!(
                "the other side has no such column, so `{}` is not compared",
                profiles[side][at].name
            );
            let words = words_by_count(&profiles[side][at]).into_iter().take(WORDS_MAX);
            let map = words
                .map(|(word, count)| {
                    let common = common_word(word, role).map_or_else(|| word.to_owned(), str::to_owned);
                    (word.to_owned(), common, format!("{} rows", grouped(count)))
                })
                .collect();
            Some(WordsGuess {
                column: at,
                map,
                alone: true,
                finding: Finding::unsure(role_name(role), &evidence),
            })
        }),
    }
}

/// How strongly a column belongs to a role, by its name or by its words.
fn belongs(column: &Profile<'_>, role: Role) -> u8 {
    let other = if role == Role::Status { Role::Kind } else { Role::Status };
    if column.hint(other) > column.hint(role) {
        return 0;
    }
    let words = words_by_count(column);
    let known = words.iter().filter(|(word, _)| common_word(word, role).is_some()).count();
    column.hint(role).max(if known * 2 > words.len() { 2 } else { 0 })
}

/// How much better one side's word tells the other's than always naming the commonest, in millionths.
fn lift_ppm(left: &Profile<'_>, right: &Profile<'_>, pairs: &Pairs) -> u64 {
    let table = co_occurrence(left, right, pairs);
    let total: usize = table.values().sum();
    let mut by_left: BTreeMap<&str, usize> = BTreeMap::new();
    let mut by_right: BTreeMap<&str, usize> = BTreeMap::new();
    for ((l, r), count) in &table {
        let most = by_left.entry(l).or_default();
        *most = (*most).max(*count);
        *by_right.entry(r).or_default() += count;
    }
    let explained: usize = by_left.values().sum();
    let baseline = by_right.values().max().copied().unwrap_or(0);
    if total - baseline < 3 { 0 } else { ppm(explained - baseline.min(explained), total - baseline) }
}

fn co_occurrence<'s>(
    left: &Profile<'s>,
    right: &Profile<'s>,
    pairs: &Pairs,
) -> BTreeMap<(&'s str, &'s str), usize> {
    let mut table = BTreeMap::new();
    for (l, r) in pairs {
        let words = (left.values[*l], right.values[*r]);
        if !words.0.is_empty() && !words.1.is_empty() {
            *table.entry(words).or_default() += 1;
        }
    }
    table
}

fn map_both(
    profiles: &Profiles<'_>,
    pairs: &Pairs,
    columns: [usize; 2],
    role: Role,
) -> [Option<WordsGuess>; 2] {
    let sides = [&profiles[0][columns[0]], &profiles[1][columns[1]]];
    let table = co_occurrence(sides[0], sides[1], pairs);
    // For each word the commonest counterpart, how often they stand together, and how often it stands at all.
    let partner = |side: usize, word: &str| {
        let cells =
            table.iter().map(|((l, r), count)| if side == 0 { (*l, *r, *count) } else { (*r, *l, *count) });
        let own: Vec<(&str, usize)> =
            cells.filter(|(own, ..)| *own == word).map(|(_, other, n)| (other, n)).collect();
        let all: usize = own.iter().map(|(_, count)| count).sum();
        let most = own.into_iter().max_by_key(|(other, count)| (*count, std::cmp::Reverse(*other)));
        most.map(|(other, count)| (other, count, all))
    };
    // The left side's word gives the name, unless only the right one is a word that people use.
    let left_name = |word: &str| -> String {
        let by_partner = || {
            let (other, count, all) = partner(0, word)?;
            (count * 2 >= all).then(|| common_word(other, role)).flatten()
        };
        common_word(word, role).or_else(by_partner).map_or_else(|| plain(word), str::to_owned)
    };
    let right_name = |word: &str| -> String {
        if let Some(common) = common_word(word, role) {
            return common.to_owned();
        }
        match partner(1, word) {
            Some((other, count, all)) if count * 2 >= all => left_name(other),
            _ => plain(word),
        }
    };
    let names = [
        words_by_count(sides[0])
            .into_iter()
            .map(|(word, _)| (word, left_name(word)))
            .collect::<BTreeMap<_, _>>(),
        words_by_count(sides[1]).into_iter().map(|(word, _)| (word, right_name(word))).collect(),
    ];
    let total: usize = table.values().sum();
    let agree: usize =
        table.iter().filter(|((l, r), _)| names[0].get(l) == names[1].get(r)).map(|(_, count)| count).sum();
    // Without a common word every record would differ, so the map is only proposed.
    let common = names[0].values().any(|name| names[1].values().any(|other| other == name));
    [0, 1].map(|side: usize| {
        let finding = match total {
            0 if !common => {
                let evidence = "the words of both sides have none in common, and no matched rows show what stands \
                                for what: map both sides to the same words";
                Finding::unsure(role_name(role), evidence)
            }
            0 => Finding::unsure(
                role_name(role),
                "by the words alone; no matched rows show what stands for what",
            ),
            _ => Finding::counted(role_name(role), agree, total, "matched rows agree by this map"),
        };
        let words = words_by_count(sides[side]).into_iter().take(WORDS_MAX);
        let map = words
            .map(|(word, rows)| {
                let evidence = match partner(side, word) {
                    Some((other, count, all)) => {
                        format!("with `{other}` in {} of {} matched rows", grouped(count), grouped(all))
                    }
                    None => format!("{} rows, none matched", grouped(rows)),
                };
                (word.to_owned(), names[side].get(word).cloned().unwrap_or_else(|| plain(word)), evidence)
            })
            .collect();
        Some(WordsGuess { column: columns[side], map, alone: !common, finding })
    })
}

fn role_name(role: Role) -> &'static str {
    if role == Role::Status { "status" } else { "type" }
}

/// Returns the common word for a word that people use.
fn common_word(word: &str, role: Role) -> Option<&'static str> {
    let plain: String = word.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    let list = if role == Role::Status { STATUSES } else { KINDS };
    list.iter()
        .find(|(common, words)| *common == plain || words.contains(&plain.as_str()))
        .map(|(common, _)| *common)
}

/// A word of the file as a common word: in small letters, with blanks as underscores.
fn plain(word: &str) -> String {
    word.to_lowercase().split_whitespace().collect::<Vec<_>>().join("_")
}
