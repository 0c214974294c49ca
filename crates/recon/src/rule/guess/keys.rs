//! Match keys: columns of both sides whose values meet.

use super::column::{Profile, Role};
use super::{Finding, Profiles, Sureness, Taken, grouped, money, ppm, times};
use std::collections::{HashMap, HashSet};

/// The most keys that are guessed.
const KEYS_GUESSED_MAX: usize = 3;
/// The most matched rows on which candidates are tried.
const TRIED_ROWS_MAX: usize = 2_000;
/// The most candidates that are tried so.
const TRIED_CANDIDATES_MAX: usize = 24;

/// A key: its columns on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) columns: [Vec<usize>; 2],
    /// What speaks for it.
    pub(super) finding: Finding,
}

/// The keys of both sides, the best first.
#[derive(Debug, Default)]
pub(super) struct Keys {
    pub(super) list: Vec<Key>,
    pub(super) fold_case: bool,
    /// Placeholders that were seen among the values.
    pub(super) null_words: Vec<String>,
}

/// A pair of columns and how well it would do as a key.
struct Candidate {
    columns: [usize; 2],
    meets: usize,
    of: usize,
    /// The share of met rows whose amounts agree, in millionths.
    agree_ppm: u64,
    score: u64,
}

/// Values that stand for "no key" in many systems.
const PLACEHOLDERS: &[&str] =
    &["0", "-", "--", "N/A", "n/a", "NA", "NULL", "null", "None", "none", "无", "空"];

/// Finds the keys.
pub(super) fn find(profiles: &Profiles<'_>) -> Keys {
    let usable = [0, 1].map(|side: usize| {
        let columns = profiles[side].iter().enumerate();
        columns.filter(|(_, column)| may_be_key(column)).map(|(at, _)| at).collect::<Vec<_>>()
    });
    let mut fold_case = false;
    let mut candidates = candidates(profiles, &usable, false);
    let best_met = |list: &[Candidate]| list.iter().map(|c| c.meets).max().unwrap_or(0);
    if candidates.iter().all(|c| ppm(c.meets, c.of) < 500_000) {
        let folded = self::candidates(profiles, &usable, true);
        if best_met(&folded) > 2 * best_met(&candidates) && best_met(&folded) >= 10 {
            (candidates, fold_case) = (folded, true);
        }
    }
    let mut keys = Keys { list: Vec::new(), fold_case, null_words: Vec::new() };
    candidates.retain(|candidate| is_credible(profiles, candidate));
    choose(profiles, &candidates, &mut keys);
    if keys.list.is_empty() {
        keys.list.extend(by_name(profiles, &usable));
    }
    for word in PLACEHOLDERS {
        let repeated =
            |side: usize, at: usize| profiles[side][at].values.iter().filter(|v| *v == word).count() >= 2;
        let seen = keys
            .list
            .iter()
            .any(|key| (0..2).any(|side| key.columns[side].iter().any(|at| repeated(side, *at))));
        if seen {
            keys.null_words.push((*word).to_owned());
        }
    }
    keys
}

impl Keys {
    /// Returns the columns that keys use.
    pub(super) fn taken(&self) -> Taken {
        [0, 1].map(|side| self.list.iter().flat_map(|key: &Key| key.columns[side].clone()).collect())
    }

    /// Returns the rows that the first key brings together: those whose key is there once on each side.
    pub(super) fn pairs(&self, profiles: &Profiles<'_>) -> Vec<(usize, usize)> {
        match self.list.first() {
            Some(key) => pairs_by(profiles, &key.columns, self.fold_case),
            None => Vec::new(),
        }
    }
}

/// Says whether a column could name business events: many different values that are neither money nor times.
fn may_be_key(column: &Profile<'_>) -> bool {
    let money_name = column.hint(Role::Amount).max(column.hint(Role::Fee)) >= 2;
    let time_name = column.hint(Role::Time).max(column.hint(Role::Date)) >= 1;
    let key_name = column.hint(Role::Key);
    column.filled > 0
        && column.filled_ppm() >= 50_000
        && (column.distinct_ppm() >= 200_000 || (key_name >= 2 && column.distinct >= 20))
        && !(column.numeric && (column.has_point || column.has_groups || money_name))
        && !(times::looks_like_time(column) && (time_name || key_name < 2))
}

fn folded(value: &str, fold: bool) -> std::borrow::Cow<'_, str> {
    if fold { value.to_ascii_lowercase().into() } else { value.into() }
}

fn is_placeholder(value: &str) -> bool {
    value.is_empty() || PLACEHOLDERS.contains(&value)
}

fn candidates(profiles: &Profiles<'_>, usable: &[Vec<usize>; 2], fold: bool) -> Vec<Candidate> {
    let mut sets: [HashMap<usize, HashSet<std::borrow::Cow<'_, str>>>; 2] = [HashMap::new(), HashMap::new()];
    for side in 0..2 {
        for at in &usable[side] {
            let values = profiles[side][*at].values.iter().filter(|value| !is_placeholder(value));
            sets[side].insert(*at, values.map(|value| folded(value, fold)).collect());
        }
    }
    let mut found = Vec::new();
    for l in &usable[0] {
        for r in &usable[1] {
            let (left, right) = (&sets[0][l], &sets[1][r]);
            let (small, large) = if left.len() <= right.len() { (left, right) } else { (right, left) };
            let meets = small.iter().filter(|value| large.contains(*value)).count();
            if meets == 0 {
                continue;
            }
            let mut candidate =
                Candidate { columns: [*l, *r], meets, of: small.len(), agree_ppm: 0, score: 0 };
            candidate.score = plain_score(profiles, &candidate);
            found.push(candidate);
        }
    }
    // The order of columns breaks ties.
    let best_first = |a: &Candidate, b: &Candidate| b.score.cmp(&a.score).then(a.columns.cmp(&b.columns));
    found.sort_by(best_first);
    found.truncate(TRIED_CANDIDATES_MAX);
    for candidate in &mut found {
        // That amounts agree where keys meet counts most, since running numbers meet too.
        let mut pairs = pairs_by(profiles, &candidate.columns.map(|at| vec![at]), fold);
        thin(&mut pairs, TRIED_ROWS_MAX);
        candidate.agree_ppm = money::best_agreement_ppm(profiles, &pairs, candidate.columns);
        candidate.score += 8 * candidate.agree_ppm;
    }
    found.sort_by(best_first);
    found
}

/// Weighs a candidate by its values and names.
fn plain_score(profiles: &Profiles<'_>, candidate: &Candidate) -> u64 {
    let [l, r] = candidate.columns;
    let (left, right) = (&profiles[0][l], &profiles[1][r]);
    let unique = left.distinct_ppm().min(right.distinct_ppm());
    let filled = left.filled_ppm().min(right.filled_ppm());
    let names = u64::from(left.alike(right)) * 150_000
        + u64::from(left.hint(Role::Key).min(right.hint(Role::Key))) * 100_000;
    4 * ppm(candidate.meets, candidate.of) + 2 * unique + filled + names
}

/// Says whether a candidate is more than chance.
fn is_credible(profiles: &Profiles<'_>, candidate: &Candidate) -> bool {
    let [l, r] = candidate.columns;
    let (left, right) = (&profiles[0][l], &profiles[1][r]);
    let meets_ppm = ppm(candidate.meets, candidate.of);
    if candidate.agree_ppm >= 600_000 {
        return candidate.meets >= 3;
    }
    // Running numbers of two files are the same without meaning the same.
    let running = is_running(left) && is_running(right);
    !running
        && (meets_ppm >= 300_000 || (meets_ppm >= 20_000 && candidate.meets >= 10 && left.alike(right) >= 2))
}

/// Says whether the values are whole numbers nearly without gaps, as row numbers are.
fn is_running(column: &Profile<'_>) -> bool {
    let numbers: Option<Vec<u64>> =
        column.values.iter().filter(|value| !value.is_empty()).map(|value| value.parse().ok()).collect();
    let Some(numbers) = numbers else { return false };
    let (Some(min), Some(max)) = (numbers.iter().min(), numbers.iter().max()) else { return false };
    column.distinct_ppm() >= 990_000 && (max - min) / 2 < column.distinct as u64
}

/// Keeps evenly spread pairs.
fn thin(pairs: &mut Vec<(usize, usize)>, max: usize) {
    let step = pairs.len().div_ceil(max).max(1);
    let mut at = 0;
    pairs.retain(|_| {
        at += 1;
        (at - 1) % step == 0
    });
}

fn choose(profiles: &Profiles<'_>, candidates: &[Candidate], keys: &mut Keys) {
    let mut used: Taken = [Vec::new(), Vec::new()];
    let mut first_pairs: Vec<(usize, usize)> = Vec::new();
    for candidate in candidates {
        if keys.list.len() == KEYS_GUESSED_MAX {
            break;
        }
        let [l, r] = candidate.columns;
        if used[0].contains(&l) || used[1].contains(&r) {
            continue;
        }
        let (left, right) = (&profiles[0][l], &profiles[1][r]);
        let number = keys.list.len() + 1;
        if number == 1 {
            let columns = compose(profiles, candidates, candidate, keys.fold_case);
            first_pairs = pairs_by(profiles, &columns, keys.fold_case);
            let mut candidate = Candidate { ..*candidate };
            if columns[0].len() > 1 {
                let sets = [0, 1].map(|side| key_set(profiles, side, &columns[side], keys.fold_case));
                candidate.meets = sets[0].intersection(&sets[1]).count();
                candidate.of = sets[0].len().min(sets[1].len());
                thin(&mut first_pairs, TRIED_ROWS_MAX);
                candidate.agree_ppm = money::best_agreement_ppm(profiles, &first_pairs, candidate.columns);
            }
            let finding = met_finding(profiles, &candidate);
            used = columns.clone();
            keys.list.push(Key { columns, finding });
            continue;
        }
        // A further key must say the same as the first where both meet, and be nearly unique.
        let same = |(l_row, r_row): &&(usize, usize)| {
            let (l_value, r_value) = (left.values[*l_row], right.values[*r_row]);
            !is_placeholder(l_value) && folded(l_value, keys.fold_case) == folded(r_value, keys.fold_case)
        };
        let both = |(l_row, r_row): &&(usize, usize)| {
            !is_placeholder(left.values[*l_row]) && !is_placeholder(right.values[*r_row])
        };
        let (agree, of) = (first_pairs.iter().filter(same).count(), first_pairs.iter().filter(both).count());
        let unique = left.distinct_ppm().min(right.distinct_ppm()) >= 800_000;
        if unique && of >= 5 && ppm(agree, of) >= 900_000 {
            let what = "rows that `k1` brings together have the same value";
            let finding = Finding::counted(&format!("k{number}"), agree, of, what);
            used[0].push(l);
            used[1].push(r);
            keys.list.push(Key { columns: [vec![l], vec![r]], finding });
        }
    }
}

fn met_finding(profiles: &Profiles<'_>, candidate: &Candidate) -> Finding {
    let mut finding = Finding::counted("k1", candidate.meets, candidate.of, "sampled keys meet");
    let agree = candidate.agree_ppm >= 600_000;
    // Samples of different parts of two large files meet seldom, but what meets can still be plain.
    if finding.sureness < Sureness::Likely && candidate.meets >= 10 && agree {
        finding.sureness = Sureness::Likely;
        finding.evidence.push_str(", and where they do the amounts agree");
    }
    let rows = [0, 1].map(|side: usize| profiles[side].first().map_or(0, |column| column.values.len()));
    if finding.sureness == Sureness::Sure && !agree && rows[0].max(rows[1]) >= 100 {
        finding.sureness = Sureness::Likely;
        finding.evidence.push_str(", but amounts seldom agree where they do");
    }
    finding
}

/// Adds a second column where one alone is far from unique and both together are: an order number
/// that each shop counts for itself.
fn compose(profiles: &Profiles<'_>, all: &[Candidate], first: &Candidate, fold: bool) -> [Vec<usize>; 2] {
    let single = first.columns.map(|at| vec![at]);
    let unique = |columns: &[Vec<usize>; 2]| {
        let share = |side: usize| {
            let rows = 0..profiles[side][columns[side][0]].values.len();
            let keyed =
                rows.filter(|row| joined(&profiles[side], &columns[side], *row, fold).is_some()).count();
            ppm(key_set(profiles, side, &columns[side], fold).len(), keyed)
        };
        share(0).min(share(1))
    };
    let alone = unique(&single);
    if alone >= 900_000 {
        return single;
    }
    let single_pairs = distinct_meets(profiles, &single, fold);
    let seconds = all.iter().map(|candidate| candidate.columns).chain(shared_words(profiles));
    let mut best: Option<(u64, [Vec<usize>; 2])> = None;
    for second in seconds {
        if second[0] == first.columns[0] || second[1] == first.columns[1] {
            continue;
        }
        let columns = [vec![second[0], first.columns[0]], vec![second[1], first.columns[1]]];
        let together = unique(&columns);
        let keeps = distinct_meets(profiles, &columns, fold) * 10 >= single_pairs * 9;
        let better = best.as_ref().is_none_or(|(share, _)| together > *share);
        if together >= 950_000 && together > alone && keeps && better {
            best = Some((together, columns));
        }
    }
    best.map_or(single, |(_, columns)| columns)
}

/// Pairs of columns of few values that are the same on both sides, such as shop numbers.
fn shared_words<'p>(profiles: &'p Profiles<'_>) -> impl Iterator<Item = [usize; 2]> + 'p {
    let not_a_word = |column: &Profile<'_>| {
        [Role::Status, Role::Kind, Role::Currency, Role::Amount, Role::Fee, Role::Time, Role::Date]
            .into_iter()
            .all(|role| column.hint(role) < 2)
    };
    let fits = move |column: &Profile<'_>| {
        not_a_word(column) && column.distinct >= 2 && !column.has_point && column.filled_ppm() >= 900_000
    };
    profiles[0].iter().enumerate().filter(move |(_, left)| fits(left)).flat_map(move |(l, left)| {
        let rights = profiles[1].iter().enumerate();
        rights.filter(move |(_, right)| fits(right) && left.alike(right) >= 2).map(move |(r, _)| [l, r])
    })
}

fn distinct_meets(profiles: &Profiles<'_>, columns: &[Vec<usize>; 2], fold: bool) -> usize {
    let [left, right] = [0, 1].map(|side: usize| key_set(profiles, side, &columns[side], fold));
    left.intersection(&right).count()
}

fn key_set(profiles: &Profiles<'_>, side: usize, columns: &[usize], fold: bool) -> HashSet<String> {
    let rows = 0..profiles[side][columns[0]].values.len();
    rows.filter_map(|row| joined(&profiles[side], columns, row, fold)).collect()
}

/// Returns the key of a row, or `None` when it has none.
fn joined(profiles: &[Profile<'_>], columns: &[usize], row: usize, fold: bool) -> Option<String> {
    let values: Vec<&str> = columns.iter().map(|at| profiles[*at].values[row]).collect();
    if values.iter().any(|value| is_placeholder(value)) {
        return None;
    }
    Some(folded(&values.join("\u{1f}"), fold).into_owned())
}

fn pairs_by(profiles: &Profiles<'_>, columns: &[Vec<usize>; 2], fold: bool) -> Vec<(usize, usize)> {
    let [left, right] = [0, 1].map(|side: usize| {
        let mut rows: HashMap<String, Option<usize>> = HashMap::new();
        for row in 0..profiles[side][columns[side][0]].values.len() {
            if let Some(key) = joined(&profiles[side], &columns[side], row, fold) {
                rows.entry(key).and_modify(|at| *at = None).or_insert(Some(row));
            }
        }
        rows
    });
    let mut pairs: Vec<(usize, usize)> =
        left.iter().filter_map(|(key, l)| Some(((*l)?, (*right.get(key)?)?))).collect();
    pairs.sort_unstable();
    pairs
}

/// Without a meeting value, names and shapes decide.
fn by_name(profiles: &Profiles<'_>, usable: &[Vec<usize>; 2]) -> Option<Key> {
    let mut best: Option<(u64, [usize; 2])> = None;
    for l in &usable[0] {
        for r in &usable[1] {
            let (left, right) = (&profiles[0][*l], &profiles[1][*r]);
            let hints = u64::from(left.hint(Role::Key).min(right.hint(Role::Key)));
            let alike = u64::from(left.alike(right));
            let shape = u64::from(shape(left) == shape(right));
            let unique = left.distinct_ppm().min(right.distinct_ppm()) / 500_000;
            let score = 4 * alike + 3 * hints + 3 * shape + unique;
            if best.is_none_or(|(most, _)| score > most) {
                best = Some((score, [*l, *r]));
            }
        }
    }
    let (_, [l, r]) = best?;
    let values = profiles[0][l].filled + profiles[1][r].filled;
    let evidence =
        format!("none of {} sampled keys meet, so this is by names and shapes alone", grouped(values));
    Some(Key { columns: [vec![l], vec![r]], finding: Finding::unsure("k1", &evidence) })
}

/// The commonest length and the kinds of characters of a column's values.
fn shape(column: &Profile<'_>) -> (usize, bool, bool) {
    let mut lengths: HashMap<usize, usize> = HashMap::new();
    let (mut letters, mut digits) = (false, false);
    for value in column.values.iter().filter(|value| !is_placeholder(value)) {
        *lengths.entry(value.chars().count()).or_default() += 1;
        letters |= value.chars().any(char::is_alphabetic);
        digits |= value.chars().any(|c| c.is_ascii_digit());
    }
    let commonest =
        lengths.into_iter().max_by_key(|(length, count)| (*count, *length)).map_or(0, |(length, _)| length);
    (commonest, letters, digits)
}
