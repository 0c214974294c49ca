//! Metamorphic properties of whole runs (design 6.7, I5 to I9, and 6.9).

use super::world::{self, Domain, KEYED, Line, World, any_line, any_lines, any_world, exact, rules};
use proptest::prelude::*;
use suanpan_recon::cascade::{self, AlreadyMatched, CloseContext};
use suanpan_recon::outcome::{Code, Verdict};
use suanpan_recon::record::{RecordId, Records, Side};
use suanpan_recon::rule::{PassKind, Rules};

/// Richer than the oracle's, since nothing is tried exhaustively.
const RICH: Domain =
    Domain { keys: 5, amounts: 6, days: 5, statuses: 3, fees: 3, accounts: 2, lines_max: 40 };
/// Most lines fall through to the window.
const LOOSE: Domain =
    Domain { keys: 40, amounts: 4, days: 8, statuses: 1, fees: 1, accounts: 2, lines_max: 60 };

/// A stream of numbers for shuffles and splits.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    /// The next number (splitmix64).
    pub(super) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn shuffle<T>(&mut self, list: &mut [T]) {
        for at in (1..list.len()).rev() {
            let other = usize::try_from(self.roll() % (at as u64 + 1)).unwrap();
            list.swap(at, other);
        }
    }
}

/// The part of a record in a pass; `None` where it takes no part.
pub(super) type Split<'a> = &'a dyn Fn(&Rules, usize, &Records, RecordId) -> Option<u64>;

/// Runs every pass in parts: records with the same split value stay together, all else is thrown
/// about.
pub(super) fn run_split(world: &World, dice: &mut Dice, split: Split<'_>) -> Vec<Verdict> {
    let table = world.table();
    let already = AlreadyMatched::new();
    let mut verdicts = Vec::new();
    let mut open: Vec<RecordId> = table.records.ids().collect();
    for pass in 0..world.rules.passes.len() {
        let count = 1 + dice.roll() % 5;
        let mut parts = vec![Vec::new(); usize::try_from(count).unwrap()];
        let mut leftover = Vec::new();
        dice.shuffle(&mut open);
        for id in open {
            match split(&world.rules, pass, &table.records, id) {
                Some(value) => parts[usize::try_from(value % count).unwrap()].push(id),
                None => leftover.push(id),
            }
        }
        for part in parts {
            let result = cascade::run_pass(&world.rules, pass, &table.records, &table.words, &part, &already);
            verdicts.extend(result.verdicts);
            leftover.extend(result.leftover);
        }
        open = leftover;
    }
    let context = CloseContext::of(&table.records);
    verdicts.extend(cascade::close(&world.rules, &context, &table.records, &open));
    cascade::sort_verdicts(&table.records, &mut verdicts);
    verdicts
}

/// The same world seen from the other side.
fn mirrored(world: &World) -> World {
    let mut other = world.clone();
    for line in &mut other.lines {
        line.side = line.side.other();
    }
    for pass in &mut other.rules.passes {
        match &mut pass.kind {
            PassKind::Window { days_min, days_max, .. } => (*days_min, *days_max) = (-*days_max, -*days_min),
            PassKind::Subset { days_min, days_max, one, .. } => {
                (*days_min, *days_max) = (-*days_max, -*days_min);
                *one = one.other();
            }
            PassKind::Exact { .. } | PassKind::Net { .. } | PassKind::Batch { .. } => {}
        }
    }
    other
}

fn mirrored_code(code: Code) -> Code {
    match code {
        Code::MissingInA => Code::MissingInB,
        Code::MissingInB => Code::MissingInA,
        Code::DuplicateInA => Code::DuplicateInB,
        Code::DuplicateInB => Code::DuplicateInA,
        other => other,
    }
}

/// What each line of a world ends as, seen from the left; equal lines may be exchanged.
fn codes_by_line(world: &World, is_mirrored: bool) -> Vec<(Line, Code)> {
    let codes = world.codes(&world.run()).into_iter();
    let seen = |(line, code): (&Line, Code)| match is_mirrored {
        true => (Line { side: line.side.other(), ..line.clone() }, mirrored_code(code)),
        false => (line.clone(), code),
    };
    let mut all: Vec<(Line, Code)> = world.lines.iter().zip(codes).map(seen).collect();
    all.sort();
    all
}

/// The lines of a world, all with other keys and in other files.
fn renamed(lines: &[Line], rename: impl Fn(&str) -> String) -> Vec<Line> {
    let mut lines = lines.to_vec();
    for text in lines.iter_mut().flat_map(Line::texts_mut) {
        *text = rename(text);
    }
    lines
}

proptest! {
    #![proptest_config(world::config(600))]

    #[test]
    fn i5_any_safe_split_gives_the_same(world in any_world(RICH), seed in any::<u64>()) {
        let split = run_split(&world, &mut Dice(seed), &cascade::split_hash);
        prop_assert_eq!(world.run(), split);
    }

    #[test]
    fn i5_any_safe_split_gives_the_same_in_the_window(world in any_world(LOOSE), seed in any::<u64>()) {
        let split = run_split(&world, &mut Dice(seed), &cascade::split_hash);
        prop_assert_eq!(world.run(), split);
    }

    #[test]
    fn i5_i8_any_number_of_threads_gives_the_same(world in any_world(RICH), threads in 2..6_usize) {
        prop_assert_eq!(world.run(), world.run_with_threads(threads));
    }

    /// Lines in another order: the same outcomes for the same content, as far as the pass looks at it.
    #[test]
    fn i6_the_order_of_lines_is_nothing_to_the_exact_pass(lines in any_lines(RICH), tolerance in 0..3_i64, aggregate in any::<bool>(), seed in any::<u64>()) {
        let rules = rules(vec![exact(0, tolerance, aggregate)]);
        let seen = |line: &Line| {
            let line = line.clone();
            (line.keys[0].clone(), line.kind, line.currency, line.amount, line.status, line.fee, line.date)
        };
        // Age is not compared: which of two equal records is the open item may be exchanged.
        let lines: Vec<Line> = lines.into_iter().map(|line| Line { age: 0, ..line }).collect();
        let world = World::new(rules.clone(), lines.clone());
        let mut shuffled = lines;
        Dice(seed).shuffle(&mut shuffled);
        let other = World::new(rules, shuffled);
        prop_assert_eq!(world.by(&world.run(), seen), other.by(&other.run(), seen));
    }

    #[test]
    fn i6_the_order_of_lines_is_nothing_to_the_other_passes(world in any_world(LOOSE), pass in 0..7_usize, seed in any::<u64>()) {
        let mut world = world;
        // One pass at a time: what a pass does not look at may be exchanged before the next one.
        let Some(kept) = world.rules.passes.get(pass).cloned() else { return Ok(()) };
        world.rules.passes = vec![kept.clone()];
        world.lines.iter_mut().for_each(|line| line.age = 0);
        let mut other = world.clone();
        Dice(seed).shuffle(&mut other.lines);
        let whole = matches!(kept.kind, PassKind::Window { .. } | PassKind::Subset { .. } | PassKind::Batch { .. });
        if whole {
            let codes = |world: &World| {
                let codes = world.codes(&world.run());
                let mut all: Vec<(Line, Code)> = world.lines.iter().cloned().zip(codes).collect();
                all.sort();
                all
            };
            prop_assert_eq!(codes(&world), codes(&other));
        }
        if matches!(kept.kind, PassKind::Net { .. }) {
            let seen = |line: &Line| {
                let original = line.original.clone().or(line.keys[0].clone());
                (original, line.currency, line.amount, line.time, line.date, line.fee)
            };
            prop_assert_eq!(world.by(&world.run(), seen), other.by(&other.run(), seen));
        }
    }

    #[test]
    fn i7_swapping_sides_mirrors_outcomes(world in prop_oneof![any_world(RICH), any_world(LOOSE)]) {
        prop_assert_eq!(codes_by_line(&world, false), codes_by_line(&mirrored(&world), true));
    }

    /// For keyed passes even the pairs are mirrored.
    #[test]
    fn i7_swapping_sides_mirrors_exact_pairs(lines in any_lines(RICH), tolerance in 0..3_i64, aggregate in any::<bool>()) {
        let world = World::new(rules(vec![exact(0, tolerance, aggregate), exact(1, 0, aggregate)]), lines);
        let mirror = |verdict: Verdict| Verdict {
            code: mirrored_code(verdict.code),
            left: verdict.right,
            right: verdict.left,
            ..verdict
        };
        let mut back: Vec<Verdict> = mirrored(&world).run().into_iter().map(mirror).collect();
        cascade::sort_verdicts(&world.table().records, &mut back);
        prop_assert_eq!(world.run(), back);
    }

    #[test]
    fn i9_one_fresh_identical_pair_adds_one_match(world in any_world(RICH), fresh in any_line(RICH)) {
        let mut world = world;
        world.rules.passes.insert(0, exact(0, 0, true));
        let before = world.run();
        let mut larger = world.clone();
        // No date, so that the close sees no other horizon; last, so that no location moves.
        let fresh = Line { keys: [Some("fresh".into()), None], date: None, age: 0, ..fresh };
        for side in Side::BOTH {
            larger.lines.push(Line { side, ..fresh.clone() });
            larger.files.push(0);
        }
        let is_fresh = |id: &RecordId| id.0 as usize >= world.lines.len();
        let (added, same): (Vec<Verdict>, Vec<Verdict>) = larger
            .run()
            .into_iter()
            .partition(|verdict| verdict.left.iter().chain(&verdict.right).any(is_fresh));
        prop_assert_eq!(before, same);
        prop_assert_eq!(added.len(), 1);
        prop_assert_eq!(added[0].code, Code::Matched);
        prop_assert_eq!(added[0].left.len() + added[0].right.len(), 2);
    }

    #[test]
    fn names_of_keys_mean_nothing(world in any_world(RICH)) {
        let mut other = world.clone();
        // Reversed and longer: a bijection that keeps neither order nor length.
        other.lines = renamed(&world.lines, |text| format!("{}-{}", text.chars().rev().collect::<String>(), "x".repeat(text.len() % 7)));
        prop_assert_eq!(world.run(), other.run());
    }

    #[test]
    fn amounts_in_tens_give_the_same(world in any_world(RICH), zeros in 1..8_u32) {
        let mut other = world.clone();
        let factor = 10_i64.pow(zeros);
        for line in &mut other.lines {
            line.amount *= factor;
            line.fee = line.fee.map(|fee| fee * factor);
        }
        for pass in &mut other.rules.passes {
            match &mut pass.kind {
                PassKind::Exact { tolerance, .. }
                | PassKind::Window { tolerance, .. }
                | PassKind::Batch { tolerance, .. }
                | PassKind::Subset { tolerance, .. } => tolerance.minor *= factor,
                PassKind::Net { .. } => {}
            }
        }
        prop_assert_eq!(world.run(), other.run());
    }

    /// Two businesses that share no key, batch or account: together they give what they give apart.
    #[test]
    fn disjoint_worlds_do_not_touch(world in any_world(RICH), lines in any_lines(RICH)) {
        let second = World { lines: renamed(&lines, |text| format!("other-{text}")), files: vec![1; lines.len()], rules: world.rules.clone() };
        let mut both = world.clone();
        both.lines.extend(second.lines.clone());
        both.files.extend(second.files.clone());
        // The close looks at the last date of the whole run, so each half is told what the other saw.
        let context = CloseContext::of(&both.table().records);
        let run = |world: &World| {
            let table = world.table();
            let already = AlreadyMatched::new();
            world.by_content(&cascade::run(&world.rules, &context, &table.records, &table.words, &already, 1))
        };
        let mut apart = run(&world);
        apart.extend(run(&second));
        apart.sort();
        prop_assert_eq!(run(&both), apart);
    }

    /// What the fast path closed in bulk before does not change what the cascade says of the rest.
    #[test]
    fn bulk_matches_taken_before_give_the_same(lines in any_lines(KEYED), tolerance in 0..3_i64, aggregate in any::<bool>()) {
        let world = World::new(rules(vec![exact(0, tolerance, aggregate)]), lines);
        let table = world.table();
        let all = world.run();
        let bulk = |verdict: &&Verdict| matches!(verdict.code, Code::Matched | Code::MatchedLate);
        let mut already = AlreadyMatched::new();
        let mut gone = vec![false; world.lines.len()];
        for verdict in all.iter().filter(bulk) {
            for id in verdict.left.iter().chain(&verdict.right) {
                let key = world.line(*id).keys[0].clone().unwrap();
                already.insert(key.as_bytes(), table.records.row(*id).kind);
                gone[id.0 as usize] = true;
            }
        }
        let rest: Vec<RecordId> = table.records.ids().filter(|id| !gone[id.0 as usize]).collect();
        let result = cascade::run_pass(&world.rules, 0, &table.records, &table.words, &rest, &already);
        let mut verdicts = result.verdicts;
        verdicts.extend(cascade::close(&world.rules, &CloseContext::of(&table.records), &table.records, &result.leftover));
        cascade::sort_verdicts(&table.records, &mut verdicts);
        let expected: Vec<Verdict> = all.into_iter().filter(|verdict| !bulk(&verdict)).collect();
        prop_assert_eq!(verdicts, expected);
    }
}

/// Large components are resolved greedily: no outcome may depend on splits, sides or order either.
#[test]
fn large_components_keep_the_laws() {
    for seed in 0..20 {
        let mut dice = Dice(seed);
        let mut lines = Vec::new();
        for n in 0..400_u64 {
            let side = if dice.roll().is_multiple_of(2) { Side::Left } else { Side::Right };
            let date = i32::try_from(dice.roll() % 40).unwrap();
            let amount = 1_000 + i64::try_from(dice.roll() % (1 + seed * 2)).unwrap();
            lines.push(Line {
                side,
                keys: [Some(format!("o{n}")), None],
                kind: "pay".into(),
                currency: world::currency("CNY"),
                amount,
                status: "ok".into(),
                fee: None,
                date: Some(date),
                time: None,
                batch: None,
                original: None,
                account: Some("acc".into()),
                age: 0,
            });
        }
        let mut world = World::new(rules(vec![world::window(3, -1, 2)]), lines);
        let verdicts = world.run();
        let greedy = verdicts.iter().filter(|verdict| verdict.why.contains("greedy")).count();
        assert!(greedy > 50, "seed {seed}: only {greedy} pairs of large components");
        // Greedy is maximal: no two records that are left could have met.
        let alone = |code: Code| {
            let of_code = verdicts.iter().filter(move |verdict| verdict.code == code);
            of_code.flat_map(|verdict| verdict.left.iter().chain(&verdict.right)).map(|id| world.line(*id))
        };
        for (left, right) in
            alone(Code::MissingInB).flat_map(|l| alone(Code::MissingInA).map(move |r| (l, r)))
        {
            let days = right.date.unwrap() - left.date.unwrap();
            assert!(
                left.amount.abs_diff(right.amount) > 3 || !(-1..=2).contains(&days),
                "{left:?} {right:?}"
            );
        }
        assert_eq!(verdicts, run_split(&world, &mut dice, &cascade::split_hash), "seed {seed}");
        let other = mirrored(&world);
        let codes: Vec<Code> = other.codes(&other.run()).into_iter().map(mirrored_code).collect();
        assert_eq!(world.codes(&verdicts), codes, "seed {seed}");
        let seen = |line: &Line| (line.amount, line.date);
        let before = world.by(&verdicts, seen);
        dice.shuffle(&mut world.lines);
        assert_eq!(before, world.by(&world.run(), seen), "seed {seed}");
    }
}
