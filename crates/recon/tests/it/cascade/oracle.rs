//! An oracle written apart from the engine: it tries everything, on inputs small enough for that.

use super::world::{
    self, Domain, KEYED, Line, WINDOWED, World, any_line, any_lines, batch, exact, net, rules, subset, window,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use suanpan_recon::invariants;
use suanpan_recon::outcome::{Code, Verdict};
use suanpan_recon::record::{RecordId, Side};
use suanpan_recon::rule::Rules;

/// What a property says of a result: nothing, or what is wrong. Mutations must make it speak.
pub(super) type Finding = Result<(), String>;

fn expect(holds: bool, what: impl FnOnce() -> String) -> Finding {
    if holds { Ok(()) } else { Err(what()) }
}

fn pairs(verdicts: &[Verdict]) -> Vec<(RecordId, RecordId, Code)> {
    let both = verdicts.iter().filter(|verdict| verdict.left.len() == 1 && verdict.right.len() == 1);
    both.map(|verdict| (verdict.left[0], verdict.right[0], verdict.code)).collect()
}

// ---- The exact pass -----------------------------------------------------------------------------

/// How far down the nested chain of Theorem 2 a pair stands: 0 equal, 1 without status, 2 without
/// status and fee, 3 without date, 4 without amount, 5 without currency; none if the types differ.
fn level(a: &Line, b: &Line) -> Option<usize> {
    let key = a.keys[0].is_some() && a.keys[0] == b.keys[0];
    if !key || a.kind != b.kind {
        return None;
    }
    let agree = [a.status == b.status, a.fee == b.fee, a.date == b.date, a.amount == b.amount];
    let same_currency = a.currency == b.currency;
    Some(match agree {
        _ if !same_currency => 5,
        [_, _, _, false] => 4,
        [_, _, false, _] => 3,
        [_, false, ..] => 2,
        [false, ..] => 1,
        [true, true, true, true] => 0,
    })
}

/// The largest vector of pairs by level over all matchings, compared from level 0 on.
fn best_levels(left: &[&Line], right: &[&Line], used: u32) -> [usize; 6] {
    let Some((first, rest)) = left.split_first() else { return [0; 6] };
    let alone = best_levels(rest, right, used);
    let free = (0..right.len()).filter(|at| used & (1 << at) == 0);
    let with = free.filter_map(|at| {
        let level = level(first, right[at])?;
        let mut levels = best_levels(rest, right, used | (1 << at));
        levels[level] += 1;
        Some(levels)
    });
    with.fold(alone, |best, levels| best.max(levels))
}

/// The label of a pair, from the list of what differs.
fn label(a: &Line, b: &Line, tolerance: u64) -> Code {
    let differs = [
        (a.currency != b.currency, Code::CurrencyMismatch),
        (a.kind != b.kind, Code::TypeMismatch),
        (a.amount.abs_diff(b.amount) > tolerance, Code::AmountMismatch),
        (a.status != b.status, Code::StatusMismatch),
        (a.fee != b.fee, Code::FeeMismatch),
        (a.date != b.date, Code::Ambiguous),
        (a.amount != b.amount, Code::MatchedTolerance),
        (a.age + b.age > 0, Code::MatchedLate),
    ];
    differs.iter().find(|(differs, _)| *differs).map_or(Code::Matched, |(_, code)| *code)
}

/// Theorem 2, the labels, the type tier and the duplicate test, for one exact pass without
/// aggregates over rules that close everything as missing.
pub(super) fn check_exact(world: &World, verdicts: &[Verdict], tolerance: i64) -> Finding {
    let pairs = pairs(verdicts);
    let lines = |side: Side| world.lines.iter().filter(move |line| line.side == side).collect::<Vec<_>>();
    let mut levels = [0; 6];
    for (left, right, code) in &pairs {
        let (left, right) = (world.line(*left), world.line(*right));
        let by_label = label(left, right, tolerance.unsigned_abs());
        expect(*code == by_label, || format!("{code:?} should be {by_label:?}: {left:?} {right:?}"))?;
        match level(left, right) {
            Some(level) => levels[level] += 1,
            None => expect(
                left.keys[0] == right.keys[0]
                    && left.currency == right.currency
                    && left.amount == right.amount,
                || format!("a pair that agrees in too little: {left:?} {right:?}"),
            )?,
        }
    }
    let best = best_levels(&lines(Side::Left), &lines(Side::Right), 0);
    expect(levels == best, || format!("levels {levels:?}, but {best:?} is possible"))?;
    check_leftovers(world, verdicts, &pairs)
}

fn check_leftovers(world: &World, verdicts: &[Verdict], pairs: &[(RecordId, RecordId, Code)]) -> Finding {
    let consumed: BTreeSet<(Side, &Option<String>, &str)> = pairs
        .iter()
        .flat_map(|(left, right, _)| [world.line(*left), world.line(*right)])
        .map(|line| (line.side, &line.keys[0], line.kind.as_str()))
        .collect();
    let alone = verdicts.iter().filter(|verdict| verdict.left.len() + verdict.right.len() == 1);
    let mut open: [Vec<&Line>; 2] = [Vec::new(), Vec::new()];
    for verdict in alone {
        let line = world.line(*verdict.left.first().or(verdict.right.first()).unwrap());
        open[line.side.index()].push(line);
        let copy = consumed.contains(&(line.side, &line.keys[0], line.kind.as_str()));
        let code = match (line.keys[0].is_none(), copy, line.side) {
            (true, _, _) => Code::Unkeyed,
            (_, true, Side::Left) => Code::DuplicateInA,
            (_, true, Side::Right) => Code::DuplicateInB,
            (_, false, Side::Left) => Code::MissingInB,
            (_, false, Side::Right) => Code::MissingInA,
        };
        expect(code == verdict.code, || format!("{:?} should be {code:?}: {line:?}", verdict.code))?;
    }
    for (a, b) in open[0].iter().flat_map(|a| open[1].iter().map(move |b| (a, b))) {
        let meet = a.keys[0].is_some()
            && a.keys[0] == b.keys[0]
            && (a.kind == b.kind || (a.currency == b.currency && a.amount == b.amount));
        expect(!meet, || format!("both stay alone: {a:?} {b:?}"))?;
    }
    Ok(())
}

/// With aggregates on, exactly those classes are aggregated that without them have unequal counts
/// and equal sums once all pairs of equal amount are taken.
fn check_aggregates(lines: Vec<Line>) -> Finding {
    let without = World::new(rules(vec![exact(0, 0, false)]), lines.clone());
    let with = World::new(rules(vec![exact(0, 0, true)]), lines);
    let mut classes: BTreeMap<_, [Vec<RecordId>; 2]> = BTreeMap::new();
    let plain = without.run();
    let equal_money: BTreeSet<RecordId> = pairs(&plain)
        .into_iter()
        .filter(|(l, r, _)| level(without.line(*l), without.line(*r)).is_some_and(|level| level < 4))
        .flat_map(|(left, right, _)| [left, right])
        .collect();
    for id in without.table().records.ids().filter(|id| !equal_money.contains(id)) {
        let line = without.line(id);
        if let Some(key) = &line.keys[0] {
            let class = classes.entry((key, &line.kind, line.currency)).or_default();
            class[line.side.index()].push(id);
        }
    }
    let sum = |ids: &[RecordId]| ids.iter().map(|id| without.line(*id).amount).sum::<i64>();
    let mut expected: Vec<[Vec<RecordId>; 2]> = classes
        .into_values()
        .filter(|[left, right]| !left.is_empty() && !right.is_empty() && left.len() != right.len())
        .filter(|[left, right]| sum(left) == sum(right))
        .collect();
    let verdicts = with.run();
    let grouped = verdicts.iter().filter(|verdict| verdict.left.len() + verdict.right.len() > 2);
    let mut found: Vec<[Vec<RecordId>; 2]> = Vec::new();
    for verdict in grouped {
        let all = || verdict.left.iter().chain(&verdict.right).map(|id| with.line(*id));
        let statuses: BTreeSet<&String> = all().map(|line| &line.status).collect();
        let fees = |ids: &[RecordId]| ids.iter().filter_map(|id| with.line(*id).fee).sum::<i64>();
        let code = match (statuses.len(), fees(&verdict.left) == fees(&verdict.right)) {
            (2.., _) => Code::StatusMismatch,
            (_, false) => Code::FeeMismatch,
            (_, true) => Code::MatchedAggregate,
        };
        expect(code == verdict.code, || format!("{:?} should be {code:?}", verdict.code))?;
        found.push([verdict.left.clone(), verdict.right.clone()]);
    }
    expected.sort();
    found.sort();
    expect(expected == found, || format!("aggregates {found:?}, expected {expected:?}"))
}

// ---- The window pass ----------------------------------------------------------------------------

pub(super) const WINDOW: (i64, i32, i32) = (1, -1, 1);

fn distance(left: &Line, right: &Line) -> Option<(i64, i32)> {
    let (tolerance, days_min, days_max) = WINDOW;
    let (delta, days) = (right.amount - left.amount, right.date? - left.date?);
    let same = left.account.is_some() && left.account == right.account && left.currency == right.currency;
    (same && delta.abs() <= tolerance && days >= days_min && days <= days_max).then_some((delta, days))
}

/// Everything but the side, as the window's notion of identity.
fn ending(line: &Line, distance: Option<(i64, i32)>) -> (Line, Option<(i64, i32)>) {
    (line.clone(), distance)
}

type Endings = Vec<(Line, Option<(i64, i32)>)>;
/// Pairs missed, sum of amount differences, sum of day differences.
type Score = (usize, i64, i32);

/// All matchings of a component, by score, with what each line ends as.
fn matchings(
    left: &[&Line],
    right: &[&Line],
    used: u32,
    visit: &mut impl FnMut(Score, Endings),
    done: (Score, &Endings),
) {
    let (score, endings) = done;
    let Some((first, rest)) = left.split_first() else {
        let mut endings = endings.clone();
        let alone = (0..right.len()).filter(|at| used & (1 << at) == 0);
        endings.extend(alone.map(|at| ending(right[at], None)));
        endings.sort();
        return visit(score, endings);
    };
    let mut alone = endings.clone();
    alone.push(ending(first, None));
    matchings(rest, right, used, visit, ((score.0 + 1, score.1, score.2), &alone));
    for at in (0..right.len()).filter(|at| used & (1 << at) == 0) {
        if let Some((delta, days)) = distance(first, right[at]) {
            let mut with = endings.clone();
            with.push(ending(first, Some((delta, days))));
            with.push(ending(right[at], Some((delta, days))));
            let score = (score.0, score.1 + delta.abs(), score.2 + days.abs());
            matchings(rest, right, used | (1 << at), visit, (score, &with));
        }
    }
}

/// The components of the candidate graph, by walking it.
fn components(lines: &[Line]) -> Vec<Vec<usize>> {
    let near = |a: usize, b: usize| match (lines[a].side, lines[b].side) {
        (Side::Left, Side::Right) => distance(&lines[a], &lines[b]).is_some(),
        (Side::Right, Side::Left) => distance(&lines[b], &lines[a]).is_some(),
        _ => false,
    };
    let mut seen = vec![false; lines.len()];
    let mut all = Vec::new();
    for start in 0..lines.len() {
        if std::mem::replace(&mut seen[start], true) {
            continue;
        }
        let (mut component, mut next) = (vec![start], 0);
        while next < component.len() {
            let here = component[next];
            next += 1;
            for (other, seen) in seen.iter_mut().enumerate() {
                if !*seen && near(here, other) {
                    *seen = true;
                    component.push(other);
                }
            }
        }
        all.push(component);
    }
    all
}

/// One window pass against all matchings of every component.
pub(super) fn check_window(world: &World, verdicts: &[Verdict]) -> Finding {
    let mut found: BTreeMap<RecordId, Option<(i64, i32)>> = BTreeMap::new();
    let mut ambiguous: BTreeSet<RecordId> = BTreeSet::new();
    for verdict in verdicts {
        let ids = verdict.left.iter().chain(&verdict.right);
        if verdict.code == Code::Ambiguous {
            ambiguous.extend(ids);
            continue;
        }
        let between = match (verdict.left.as_slice(), verdict.right.as_slice()) {
            ([left], [right]) => distance(world.line(*left), world.line(*right)),
            _ => None,
        };
        found.extend(ids.map(|id| (*id, between)));
    }
    for component in components(&world.lines) {
        let of = |side: Side| {
            let own = component.iter().map(|at| &world.lines[*at]).filter(move |line| line.side == side);
            own.collect::<Vec<_>>()
        };
        let mut best: Option<Score> = None;
        let mut optima: BTreeSet<Endings> = BTreeSet::new();
        let mut visit = |score: Score, endings: Endings| {
            if best.is_none_or(|best| score < best) {
                best = Some(score);
                optima.clear();
            }
            if best == Some(score) {
                optima.insert(endings);
            }
        };
        matchings(&of(Side::Left), &of(Side::Right), 0, &mut visit, ((0, 0, 0), &Vec::new()));
        let ids: Vec<RecordId> = component.iter().map(|at| RecordId(u32::try_from(*at).unwrap())).collect();
        let marked = ids.iter().filter(|id| ambiguous.contains(id)).count();
        let wanted = if optima.len() > 1 { ids.len() } else { 0 };
        expect(marked == wanted, || {
            format!("{marked} of {} ambiguous, with {} optima in substance", ids.len(), optima.len())
        })?;
        if let (1, Some(optimum)) = (optima.len(), optima.first()) {
            let mut endings: Endings =
                ids.iter().map(|id| ending(world.line(*id), found.get(id).copied().flatten())).collect();
            endings.sort();
            expect(endings == *optimum, || format!("found {endings:?}, the optimum is {optimum:?}"))?;
        }
    }
    Ok(())
}

// ---- The subset pass ----------------------------------------------------------------------------

/// The gate of design 6.5 as it is written there, for amounts without a common round unit.
#[expect(
    clippy::float_arithmetic,
    reason = "the statistic is not money, and the engine's form has no floats"
)]
fn expected_false_sums(amounts: &[i64], tolerance: i64) -> f64 {
    let unit = [1_000, 500, 200, 100, 50, 20, 10, 5, 2, 1];
    let unit = unit.into_iter().find(|unit| amounts.iter().all(|amount| amount % unit == 0)).unwrap();
    let squares: f64 = amounts.iter().map(|amount| ((amount / unit) as f64).powi(2)).sum();
    let sigma = 0.5 * squares.sqrt();
    let hits = (2 * tolerance / unit + 1) as f64;
    2_f64.powi(amounts.len() as i32) * hits / (sigma * (2.0 * std::f64::consts::PI).sqrt())
}

/// One subset pass (left against sums of right, tolerance 1, right date 0 to 2 days later).
fn check_subset(world: &World, verdicts: &[Verdict]) -> Finding {
    let fits = |one: &Line, line: &Line| {
        let same = one.account.is_some() && one.account == line.account && one.currency == line.currency;
        let days = one.date.zip(line.date).map(|(one, line)| line - one);
        same && line.amount != 0 && days.is_some_and(|days| (0..=2).contains(&days))
    };
    let mut automatic: Vec<(RecordId, Vec<RecordId>)> = Vec::new();
    let mut has_any: BTreeSet<RecordId> = BTreeSet::new();
    let id_of = |at: usize| RecordId(u32::try_from(at).unwrap());
    let lefts = world.lines.iter().enumerate().filter(|(_, line)| line.side == Side::Left);
    for (one_at, one) in lefts {
        let lines: Vec<usize> = (0..world.lines.len())
            .filter(|at| world.lines[*at].side == Side::Right && fits(one, &world.lines[*at]))
            .collect();
        // Subsets by the content of their lines: which of several equal lines is no difference.
        let mut subsets: BTreeMap<Vec<&Line>, Vec<RecordId>> = BTreeMap::new();
        for chosen in 1_u32..1 << lines.len() {
            let members =
                || lines.iter().enumerate().filter(|(bit, _)| chosen & (1 << bit) != 0).map(|(_, at)| *at);
            if members().map(|at| world.lines[at].amount).sum::<i64>().abs_diff(one.amount) <= 1 {
                let mut content: Vec<&Line> = members().map(|at| &world.lines[at]).collect();
                content.sort();
                subsets.entry(content).or_insert_with(|| members().map(id_of).collect());
            }
        }
        if !subsets.is_empty() {
            has_any.insert(id_of(one_at));
        }
        let amounts: Vec<i64> = lines.iter().map(|at| world.lines[*at].amount).collect();
        if let (1, Some((_, subset))) = (subsets.len(), subsets.first_key_value())
            && expected_false_sums(&amounts, 1) <= 0.01
        {
            automatic.push((id_of(one_at), subset.clone()));
        }
    }
    // Contested by identity of the lines that the engine would take: the first of equal ones.
    let wanted = |id: &RecordId| automatic.iter().filter(|(_, subset)| subset.contains(id)).count();
    let expected: BTreeSet<(RecordId, usize)> = automatic
        .iter()
        .filter(|(_, subset)| subset.iter().all(|id| wanted(id) == 1))
        .map(|(one, subset)| (*one, subset.len()))
        .collect();
    let mut found: BTreeSet<(RecordId, usize)> = BTreeSet::new();
    for verdict in verdicts {
        let matched = verdict.code.is_clean();
        if matched {
            found.insert((verdict.left[0], verdict.right.len()));
        }
        let unexplained = verdict.left.iter().filter(|id| !has_any.contains(id)).count();
        expect(unexplained == 0 || verdict.code == Code::MissingInB, || {
            format!("no sum agrees: {verdict:?}")
        })?;
        for candidate in &verdict.candidates {
            expect(world.line(*candidate).side == Side::Right, || format!("no candidate: {verdict:?}"))?;
        }
    }
    expect(expected == found, || format!("automatic {found:?}, expected {expected:?}"))
}

// ---- Net and batch ------------------------------------------------------------------------------

/// One net pass by original id (or first key): whole groups that sum to zero, else pairs of opposite
/// amounts, as many as there can be within the seconds allowed.
fn check_net(world: &World, verdicts: &[Verdict], within: Option<u64>) -> Finding {
    let mut groups: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (at, line) in world.lines.iter().enumerate() {
        if let Some(original) = line.original.as_ref().or(line.keys[0].as_ref()) {
            groups.entry((line.side, original, line.currency)).or_default().push(at);
        }
    }
    let close = |a: usize, b: usize| match within {
        None => true,
        Some(within) => {
            let times = world.lines[a].time.zip(world.lines[b].time);
            times.is_some_and(|(a, b)| a.abs_diff(b) <= within)
        }
    };
    let amount = |at: usize| world.lines[at].amount;
    let netted_of = |at: usize| {
        let id = RecordId(u32::try_from(at).unwrap());
        let holds = |verdict: &&Verdict| verdict.left.contains(&id) || verdict.right.contains(&id);
        verdicts.iter().find(holds).filter(|verdict| verdict.code == Code::NettedWithinSide)
    };
    for group in groups.values() {
        let zero = group.iter().map(|at| amount(*at)).sum::<i64>() == 0;
        let moved = group.iter().any(|at| amount(*at) != 0);
        let timely = group.iter().all(|a| group.iter().all(|b| close(*a, *b)));
        let found: usize = group.iter().filter(|at| netted_of(**at).is_some()).count();
        if zero && moved && timely {
            expect(found == group.len(), || format!("{found} of a group of {} netted", group.len()))?;
            continue;
        }
        let plus: Vec<usize> = group.iter().copied().filter(|at| amount(*at) > 0).collect();
        let minus: Vec<usize> = group.iter().copied().filter(|at| amount(*at) < 0).collect();
        let most = most_pairs(&plus, &minus, 0, &|a, b| amount(a) == -amount(b) && close(a, b));
        expect(found == 2 * most, || format!("{found} netted, {most} pairs are possible"))?;
        for at in group {
            let pair = netted_of(*at).map(|verdict| verdict.left.len() + verdict.right.len());
            expect(pair.is_none_or(|size| size == 2), || format!("{pair:?} netted together"))?;
        }
    }
    Ok(())
}

fn most_pairs(plus: &[usize], minus: &[usize], used: u32, fit: &impl Fn(usize, usize) -> bool) -> usize {
    let Some((first, rest)) = plus.split_first() else { return 0 };
    let free = (0..minus.len()).filter(|at| used & (1 << at) == 0 && fit(*first, minus[*at]));
    let with = free.map(|at| 1 + most_pairs(rest, minus, used | (1 << at), fit)).max();
    with.unwrap_or(0).max(most_pairs(rest, minus, used, fit))
}

fn check_batch(world: &World, verdicts: &[Verdict], tolerance: i64) -> Finding {
    let mut batches: BTreeMap<_, [Vec<usize>; 2]> = BTreeMap::new();
    for (at, line) in world.lines.iter().enumerate() {
        if let Some(batch) = &line.batch {
            batches.entry((batch, line.currency)).or_default()[line.side.index()].push(at);
        }
    }
    let codes = world.codes(verdicts);
    for [left, right] in batches.into_values().filter(|[left, right]| !left.is_empty() && !right.is_empty()) {
        let sum = |ats: &[usize]| ats.iter().map(|at| world.lines[*at].amount).sum::<i64>();
        let delta = sum(&left).abs_diff(sum(&right));
        let late = left.iter().chain(&right).any(|at| world.lines[*at].age > 0);
        let code = match (delta, left.len() + right.len()) {
            (0, 2) if late => Code::MatchedLate,
            (0, 2) => Code::Matched,
            (0, _) => Code::MatchedAggregate,
            (delta, _) if delta <= tolerance.unsigned_abs() => Code::MatchedTolerance,
            _ => Code::BatchTotalMismatch,
        };
        for at in left.into_iter().chain(right) {
            expect(codes[at] == code, || format!("{:?} should be {code:?}", codes[at]))?;
        }
    }
    Ok(())
}

// ---- The properties -----------------------------------------------------------------------------

/// One key, so that its group is as full as can be tried exhaustively.
pub(super) const TINY: Domain = Domain { keys: 1, amounts: 3, lines_max: 10, ..KEYED };

fn run(rules: Rules, lines: Vec<Line>) -> (World, Vec<Verdict>) {
    let world = World::new(rules, lines);
    let verdicts = world.run();
    (world, verdicts)
}

fn said(finding: Finding) -> Result<(), TestCaseError> {
    finding.map_err(TestCaseError::fail)
}

proptest! {
    #![proptest_config(world::config(1500))]

    #[test]
    fn the_exact_pass_is_lexicographically_best(lines in any_lines(TINY), tolerance in 0..3_i64) {
        let (world, verdicts) = run(rules(vec![exact(0, tolerance, false)]), lines);
        said(check_exact(&world, &verdicts, tolerance))?;
    }

    #[test]
    fn aggregates_are_those_with_equal_sums(lines in any_lines(KEYED)) {
        said(check_aggregates(lines))?;
    }

    #[test]
    fn the_window_is_optimal_or_ambiguous(lines in any_lines(WINDOWED)) {
        let (tolerance, days_min, days_max) = WINDOW;
        let (world, verdicts) = run(rules(vec![window(tolerance, days_min, days_max)]), lines);
        said(check_window(&world, &verdicts))?;
    }

    /// Few amounts and days in one account, most lines alike: ties everywhere.
    #[test]
    fn the_window_sees_every_tie(lines in prop::collection::vec(any_line(Domain { keys: 2, amounts: 2, days: 3, ..WINDOWED }), 0..9)) {
        let (tolerance, days_min, days_max) = WINDOW;
        let plain = |mut line: Line| {
            line.account = Some("acc".into());
            line.currency = world::currency("CNY");
            line.amount = line.amount.abs();
            (line.batch, line.original, line.keys[1], line.fee, line.time) = (None, None, None, None, None);
            line
        };
        let lines = lines.into_iter().map(plain).collect();
        let (world, verdicts) = run(rules(vec![window(tolerance, days_min, days_max)]), lines);
        said(check_window(&world, &verdicts))?;
    }

    #[test]
    fn subsets_are_automatic_only_if_unique_and_admissible(
        lines in any_lines(Domain { keys: 3, amounts: 9, days: 4, statuses: 1, fees: 1, accounts: 1, lines_max: 12 }),
        scale in prop_oneof![Just(1), Just(31), Just(997), Just(1000)],
    ) {
        let larger = |mut line: Line| {
            line.amount *= scale;
            line
        };
        let lines = lines.into_iter().map(larger).collect();
        let (world, verdicts) = run(rules(vec![subset(Side::Left, 1, 0, 2)]), lines);
        said(check_subset(&world, &verdicts))?;
    }

    #[test]
    fn netting_takes_all_it_can(lines in any_lines(Domain { keys: 2, ..KEYED }), within in prop_oneof![Just(None), (0..3_u64).prop_map(Some)]) {
        let (world, verdicts) = run(rules(vec![net(within)]), lines);
        said(check_net(&world, &verdicts, within))?;
    }

    #[test]
    fn batches_compare_by_sum(lines in any_lines(KEYED), tolerance in 0..3_i64) {
        let (world, verdicts) = run(rules(vec![batch(false, tolerance)]), lines);
        said(check_batch(&world, &verdicts, tolerance))?;
    }

    #[test]
    fn every_run_keeps_the_invariants(world in world::any_world(KEYED)) {
        let verdicts = world.run();
        let checked = invariants::check(&world.rules, &world.table().records, &verdicts);
        prop_assert!(checked.is_ok(), "{:?}", checked);
    }
}
