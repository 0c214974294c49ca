//! Mutations that must be caught: deliberately wrong engines, and the same properties that the right
//! one passes (design 6.9, item 3). A property that lets them through proves nothing.

use super::oracle::{Finding, TINY, WINDOW, check_exact, check_window};
use super::properties::{Dice, Split, run_split};
use super::world::{Domain, KEYED, Line, WINDOWED, World, any_lines, any_world, exact, rules, window};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::collections::BTreeSet;
use suanpan_recon::cascade;
use suanpan_recon::invariants::{self, Tally, Totals, Violation};
use suanpan_recon::outcome::{Code, Verdict};
use suanpan_recon::record::{RecordId, Side};

/// The same sample in every run.
fn sample<T: std::fmt::Debug>(strategy: impl Strategy<Value = T>, count: usize) -> Vec<T> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

fn with_rules(lines: Vec<Vec<Line>>, rules: &suanpan_recon::rule::Rules) -> Vec<World> {
    lines.into_iter().map(|lines| World::new(rules.clone(), lines)).collect()
}

/// How many worlds a property objects to.
fn caught(worlds: &[World], property: impl Fn(&World) -> Finding) -> usize {
    worlds.iter().filter(|world| property(world).is_err()).count()
}

fn exact_worlds() -> Vec<World> {
    with_rules(sample(any_lines(TINY), 400), &rules(vec![exact(0, 0, false)]))
}

fn window_worlds() -> Vec<World> {
    let (tolerance, days_min, days_max) = WINDOW;
    with_rules(sample(any_lines(WINDOWED), 400), &rules(vec![window(tolerance, days_min, days_max)]))
}

/// Without this the properties could hold for want of anything to decide.
#[test]
fn the_worlds_hold_every_outcome() {
    let mut seen: BTreeSet<Code> = BTreeSet::new();
    for world in sample(any_world(Domain { keys: 6, lines_max: 40, ..KEYED }), 600) {
        seen.extend(world.run().iter().map(|verdict| verdict.code));
    }
    let missing: Vec<&str> =
        Code::ALL.iter().filter(|code| !seen.contains(code)).map(|code| code.name()).collect();
    assert_eq!(missing, ["REJECTED"], "rejected rows never become records");
    let ambiguous = |world: &&World| world.run().iter().any(|verdict| verdict.code == Code::Ambiguous);
    let worlds = window_worlds();
    let count = worlds.iter().filter(ambiguous).count();
    assert!((20..380).contains(&count), "{count} of 400 windows hold a tie");
}

fn same_when_split<'a>(split: Split<'a>) -> impl Fn(&World) -> Finding + 'a {
    move |world| {
        let whole = world.run();
        let same = (0..6).all(|seed| run_split(world, &mut Dice(seed), split) == whole);
        if same { Ok(()) } else { Err("another result".into()) }
    }
}

#[test]
fn splits_on_what_a_pass_only_compares_are_caught() {
    let worlds = exact_worlds();
    assert_eq!(caught(&worlds, same_when_split(&cascade::split_hash)), 0);
    let amount: Split<'_> = &|_, _, records, id| Some(records.row(id).amount.unsigned_abs());
    assert!(caught(&worlds, same_when_split(amount)) > 20, "split on amount");
    let status: Split<'_> = &|rules, pass, records, id| {
        let status = u64::from(records.row(id).status.0);
        cascade::split_hash(rules, pass, records, id).map(|hash| hash.wrapping_add(status))
    };
    assert!(caught(&worlds, same_when_split(status)) > 20, "split on key and status");
    let kind: Split<'_> = &|rules, pass, records, id| {
        let kind = u64::from(records.row(id).kind.0);
        cascade::split_hash(rules, pass, records, id).map(|hash| hash.wrapping_add(kind))
    };
    // Rare: it takes two records that only T4 brings together.
    assert!(caught(&worlds, same_when_split(kind)) > 2, "split on key and type");
}

#[test]
fn bands_instead_of_gap_cuts_are_caught() {
    let worlds = window_worlds();
    let banded = |world: &World| -> Finding {
        let band: Split<'_> = &|_, _, records, id| Some(u64::from(records.row(id).date?.unsigned_abs() / 3));
        check_window(world, &run_split(world, &mut Dice(7), band))
    };
    assert_eq!(caught(&worlds, |world| check_window(world, &world.run())), 0);
    assert!(caught(&worlds, banded) > 5);
}

#[test]
fn a_duplicate_test_without_the_type_is_caught() {
    let careless = |world: &World| {
        let mut verdicts = world.run();
        let consumed: BTreeSet<Option<String>> = verdicts
            .iter()
            .filter(|verdict| !verdict.left.is_empty() && !verdict.right.is_empty())
            .map(|verdict| world.line(verdict.left[0]).keys[0].clone())
            .collect();
        for verdict in &mut verdicts {
            let (side, id) = match verdict.code {
                Code::MissingInB => (Side::Left, verdict.left[0]),
                Code::MissingInA => (Side::Right, verdict.right[0]),
                _ => continue,
            };
            if consumed.contains(&world.line(id).keys[0]) {
                verdict.code = Code::duplicate_in(side);
            }
        }
        verdicts
    };
    let worlds = exact_worlds();
    assert_eq!(caught(&worlds, |world| check_exact(world, &world.run(), 0)), 0);
    assert!(caught(&worlds, |world| check_exact(world, &careless(world), 0)) > 5);
}

/// Takes pairs of the key in the order of rows, whatever differs.
#[test]
fn pairing_by_key_alone_is_caught() {
    let careless = |world: &World| {
        let mut verdicts = world.run();
        let paired = verdicts.iter().filter(|verdict| verdict.left.len() == 1 && verdict.right.len() == 1);
        let mut rights: Vec<RecordId> = paired.map(|verdict| verdict.right[0]).collect();
        rights.sort();
        // Gives each left record the next right record of its key.
        let mut used = BTreeSet::new();
        let key = |id: RecordId| world.line(id).keys[0].clone();
        let is_pair = |verdict: &&mut Verdict| verdict.left.len() == 1 && verdict.right.len() == 1;
        for verdict in verdicts.iter_mut().filter(is_pair) {
            let own = key(verdict.left[0]);
            let next = rights.iter().find(|id| key(**id) == own && !used.contains(*id)).copied();
            verdict.right = next.into_iter().collect();
            used.extend(next);
        }
        verdicts
    };
    let worlds = exact_worlds();
    let same = |world: &World| if careless(world) == world.run() { Ok(()) } else { Err(String::new()) };
    let differing = caught(&worlds, same);
    let noticed = caught(&worlds, |world| check_exact(world, &careless(world), 0));
    // Rows in order are often right by chance; where they are not, it must be seen.
    assert!(differing > 5 && noticed * 2 > differing, "{noticed} of {differing}");
}

/// First come, first served among candidates.
#[test]
fn a_first_fit_window_is_caught() {
    let first_fit = |world: &World| {
        let verdict = |code: Code, left: Vec<RecordId>, right: Vec<RecordId>| Verdict {
            code,
            pass: Some(0),
            left,
            right,
            why: "",
            candidates: Vec::new(),
            duplicated_on_both_sides: false,
        };
        let ids = || (0..u32::try_from(world.lines.len()).unwrap()).map(RecordId);
        let mut used: BTreeSet<RecordId> = BTreeSet::new();
        let mut verdicts = Vec::new();
        for left in ids().filter(|id| world.line(*id).side == Side::Left) {
            let near = |id: &RecordId| {
                let (a, b) = (world.line(left), world.line(*id));
                let days = a.date.zip(b.date).map(|(a, b)| b - a);
                b.side == Side::Right
                    && a.account.is_some()
                    && a.account == b.account
                    && a.currency == b.currency
                    && a.amount.abs_diff(b.amount) <= WINDOW.0.unsigned_abs()
                    && days.is_some_and(|days| days >= WINDOW.1 && days <= WINDOW.2)
            };
            if let Some(right) = ids().filter(near).find(|id| !used.contains(id)) {
                used.extend([left, right]);
                verdicts.push(verdict(Code::Matched, vec![left], vec![right]));
            }
        }
        verdicts
    };
    assert!(caught(&window_worlds(), |world| check_window(world, &first_fit(world))) > 50);
}

/// A window that never says that it cannot tell.
#[test]
fn a_window_that_always_chooses_is_caught() {
    let bold = |world: &World| {
        let keep = |verdict: &Verdict| verdict.code != Code::Ambiguous;
        world.run().into_iter().filter(keep).collect::<Vec<_>>()
    };
    assert!(caught(&window_worlds(), |world| check_window(world, &bold(world))) > 20);
}

/// Sums kept in binary floating point do not balance.
#[test]
fn sums_in_floats_are_caught() {
    let line = |side: Side, amount: i64| Line {
        side,
        keys: [Some("o1".into()), None],
        kind: "pay".into(),
        currency: super::world::currency("CNY"),
        amount,
        status: "ok".into(),
        fee: None,
        date: None,
        time: None,
        batch: None,
        original: None,
        account: None,
        age: 0,
    };
    let amounts = [9_007_199_254_740_993, 1, 1];
    let world =
        World::new(rules(vec![exact(0, 0, false)]), amounts.map(|amount| line(Side::Left, amount)).into());
    let table = world.table();
    let tallies = invariants::check(&world.rules, &table.records, &world.run()).unwrap();
    let in_floats: f64 = amounts.iter().map(|amount| *amount as f64).sum();
    let wrong = Tally { count_left: 3, sum_left: in_floats as i128, ..Tally::default() };
    let mut input = Totals::default();
    input.add(super::world::currency("CNY"), &wrong);
    assert!(matches!(tallies.check_conserved(&input), Err(Violation::NotConserved { .. })));
    assert_ne!(tallies.bridge(&input)[0].residual(), 0);
    assert_eq!(tallies.bridge(&Totals::of(&table.records))[0].residual(), 0);
}

/// Each way to spoil a result breaks the invariant that names it.
#[test]
fn spoilt_results_break_their_invariant() {
    let worlds = sample(any_world(Domain { lines_max: 30, ..KEYED }), 200);
    type Spoil = fn(&mut Vec<Verdict>) -> bool;
    type Expected = fn(&Violation) -> bool;
    let swap_code = |verdicts: &mut Vec<Verdict>, from: Code, to: Code| {
        let found = verdicts.iter_mut().find(|verdict| verdict.code == from);
        found.map(|verdict| verdict.code = to).is_some()
    };
    let spoilers: [(&str, Spoil, Expected); 5] = [
        ("lost", |all| all.pop().is_some(), |violation| matches!(violation, Violation::Undecided { .. })),
        (
            "twice",
            |all| {
                let first = all.first().cloned();
                all.extend(first.clone());
                first.is_some()
            },
            |violation| matches!(violation, Violation::DecidedTwice { .. }),
        ),
        (
            "sides swapped",
            |all| {
                let first = all.first_mut();
                first.map(|verdict| std::mem::swap(&mut verdict.left, &mut verdict.right)).is_some()
            },
            |violation| matches!(violation, Violation::WrongSide { .. }),
        ),
        (
            "partners swapped",
            |all| {
                let mut pairs = all.iter_mut().filter(|verdict| verdict.code == Code::Matched);
                match (pairs.next(), pairs.next()) {
                    (Some(a), Some(b)) => std::mem::swap(&mut a.right, &mut b.right),
                    _ => return false,
                }
                true
            },
            |violation| matches!(violation, Violation::NotAsLabelled { .. }),
        ),
        (
            "unknown record",
            |all| {
                let first = all.first_mut();
                first.map(|verdict| verdict.left.push(RecordId(1_000_000))).is_some()
            },
            |violation| matches!(violation, Violation::Unknown { .. }),
        ),
    ];
    for (name, spoil, is_expected) in spoilers {
        let mut noticed = 0;
        for world in &worlds {
            let mut verdicts = world.run();
            if !spoil(&mut verdicts) {
                continue;
            }
            match invariants::check(&world.rules, &world.table().records, &verdicts) {
                Err(violation) => {
                    assert!(is_expected(&violation), "{name}: {violation}");
                    noticed += 1;
                }
                // Partners of equal amount may be swapped without harm to any sum.
                Ok(_) => assert_eq!(name, "partners swapped"),
            }
        }
        assert!(noticed > 10, "{name}: noticed {noticed} times");
    }
    let relabelled = [
        (Code::AmountMismatch, Code::Matched),
        (Code::AmountMismatch, Code::MatchedTolerance),
        (Code::Matched, Code::AmountMismatch),
        (Code::BatchTotalMismatch, Code::MatchedAggregate),
        (Code::MissingInB, Code::MissingInA),
        (Code::Matched, Code::MatchedLate),
        (Code::MatchedLate, Code::Matched),
        (Code::Unkeyed, Code::NettedWithinSide),
        (Code::CurrencyMismatch, Code::Matched),
        (Code::Matched, Code::TypeMismatch),
        (Code::PendingTiming, Code::Rejected),
    ];
    for (from, to) in relabelled {
        let mut noticed = 0;
        for world in &worlds {
            let mut verdicts = world.run();
            if swap_code(&mut verdicts, from, to) {
                let checked = invariants::check(&world.rules, &world.table().records, &verdicts);
                let labelled = matches!(checked, Err(Violation::NotAsLabelled { .. }));
                assert!(labelled, "{} called {}: {checked:?}", from.name(), to.name());
                noticed += 1;
            }
        }
        assert!(noticed > 0, "{} never came", from.name());
    }
}
