//! The window pass: one to one by amount and date (design 6.5, pass 4).
//!
//! Records with equal `eq` fields and currency form a group. A left and a right record of it are
//! candidates for each other when their amounts are within tolerance and the right date minus the
//! left date lies in `days_min..=days_max`. The group is cut along the dates wherever neighbours lie
//! further apart than the window reaches (a gap cut: it never parts two candidates, where fixed
//! bands would), then into the connected components of the candidate graph.
//!
//! - A component of at most [`NODES_MAX`] records gets an optimal assignment: most pairs, then least
//!   sum of amount differences, then least sum of day differences, then order of location.
//! - If another optimum differs in substance the whole component is `AMBIGUOUS`. Two optima are the
//!   same in substance when every record ends alike in both: matched or not, with the same amount
//!   and day difference. Which of several equal partners it got is no difference, and records
//!   equal in all but location may be exchanged. So two deposits of 100.00 against two lines of
//!   100.00 on the same days match in order, but two different deposits against one line do not.
//! - A larger component is resolved greedily: candidates in order of amount difference, day
//!   difference, then lower amounts and dates, then location. Not always the most pairs; the reason
//!   given with the verdict says so (6.10).
//! - A pair is `MATCHED`, or `MATCHED_TOLERANCE` when the amounts differ.
//!
//! Records without a business date take no part.

mod assign;
mod greedy;

use super::Decisions;
use super::group::{Entry, Grouping, interchangeable};
use crate::outcome::Code;
use crate::record::{Loc, RecordId, Records, Side};
use crate::rule::{PassKind, Tolerance};

/// The most records of a component for which the optimal assignment is sought.
pub const NODES_MAX: usize = 64;

pub(super) fn run(decisions: &mut Decisions<'_>, ids: &[RecordId]) {
    let context = decisions.context;
    let PassKind::Window { tolerance, days_min, days_max, .. } = &context.rules.passes[context.pass].kind
    else {
        return;
    };
    let near = Near { tolerance: *tolerance, days_min: *days_min, days_max: *days_max };
    let grouping = Grouping::of(context.rules, context.pass, context.records);
    let apart = grouping.for_each(ids, |group| decide(group, near, decisions));
    for id in apart {
        decisions.leave(id);
    }
}

/// How far apart candidates may be.
#[derive(Clone, Copy)]
struct Near {
    tolerance: Tolerance,
    days_min: i32,
    days_max: i32,
}

impl Near {
    /// Returns the distance of two candidates, or `None` where they are none.
    fn distance(&self, left: &Point, right: &Point) -> Option<Distance> {
        let days = i64::from(right.date) - i64::from(left.date);
        let within = days >= i64::from(self.days_min) && days <= i64::from(self.days_max);
        let (amount_left, amount_right) = (i128::from(left.amount), i128::from(right.amount));
        (within && self.tolerance.admits(amount_left, amount_right))
            .then_some(Distance { amount: amount_right - amount_left, days })
    }

    /// Says whether no pair of candidates can lie across a gap between two neighbouring dates.
    fn is_cut_by(&self, earlier: i32, later: i32) -> bool {
        let gap = i64::from(later) - i64::from(earlier);
        gap > i64::from(self.days_max) && gap > -i64::from(self.days_min)
    }
}

/// Right minus left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Distance {
    amount: i128,
    days: i64,
}

/// What a record is to this pass.
#[derive(Clone, Copy)]
struct Point {
    id: RecordId,
    side: Side,
    amount: i64,
    date: i32,
    loc: Loc,
}

impl Point {
    fn of(records: &Records, id: RecordId) -> Option<Point> {
        let row = records.row(id);
        Some(Point { id, side: row.side, amount: row.amount, date: row.date?, loc: row.loc })
    }
}

fn decide(group: &[Entry], near: Near, decisions: &mut Decisions<'_>) {
    let records = decisions.context.records;
    let mut points: Vec<Point> = group.iter().filter_map(|entry| Point::of(records, entry.id)).collect();
    points.sort_unstable_by_key(|point| point.date);
    for part in points.chunk_by_mut(|a, b| !near.is_cut_by(a.date, b.date)) {
        if part.iter().all(|point| point.side == part[0].side) {
            part.iter().for_each(|point| decisions.leave(point.id));
            continue;
        }
        let mut sides = [Vec::new(), Vec::new()];
        for point in part.iter() {
            sides[point.side.index()].push(*point);
        }
        for side in &mut sides {
            side.sort_unstable_by_key(|point| (point.amount, point.date, point.loc));
        }
        let [left, right] = sides;
        decide_part(&left, &right, near, decisions);
    }
}

/// Decides one part between two gaps. Both sides are sorted by amount, date and location.
fn decide_part(left: &[Point], right: &[Point], near: Near, decisions: &mut Decisions<'_>) {
    let classes_left = Classes::of(left);
    let classes_right = Classes::of(right);
    let mut union = Union::new(classes_left.list.len() + classes_right.list.len());
    let shift = classes_left.list.len();
    for (at, class) in classes_left.list.iter().enumerate() {
        let bound = near.tolerance.bound(i128::from(class.amount));
        classes_right.for_each_near(near, class, -bound, bound, |other| union.join(at, shift + other));
    }
    for component in union.components() {
        let (of_left, of_right): (Vec<usize>, Vec<usize>) = component.iter().partition(|at| **at < shift);
        let pick = |classes: &Classes, points: &[Point], picked: &[usize], shift: usize| {
            let ranges = picked.iter().map(|at| classes.list[at - shift]);
            ranges.flat_map(|class| points[class.start..class.end].to_vec()).collect::<Vec<_>>()
        };
        let left = pick(&classes_left, left, &of_left, 0);
        let right = pick(&classes_right, right, &of_right, shift);
        decide_component(left, right, near, decisions);
    }
}

fn decide_component(left: Vec<Point>, right: Vec<Point>, near: Near, decisions: &mut Decisions<'_>) {
    if left.is_empty() || right.is_empty() {
        left.iter().chain(&right).for_each(|point| decisions.leave(point.id));
        return;
    }
    if left.len() + right.len() > NODES_MAX {
        let pairs = greedy::pairs(&left, &right, near);
        return note_pairs(&left, &right, &pairs, Manner::Greedy, decisions);
    }
    let records = decisions.context.records;
    let same = |a: &Point, b: &Point| interchangeable(records, a.id, b.id);
    match assign::solve(&left, &right, near, same) {
        assign::Assignment::Clear(pairs) => note_pairs(&left, &right, &pairs, Manner::Optimal, decisions),
        assign::Assignment::Ambiguous => {
            let ids = |side: &[Point]| side.iter().map(|point| point.id).collect();
            let why = "several equally good pairings by amount and date";
            decisions.ambiguous(ids(&left), ids(&right), why, Vec::new());
        }
    }
}

/// How pairs were found.
#[derive(Clone, Copy)]
enum Manner {
    Optimal,
    Greedy,
}

fn note_pairs(
    left: &[Point],
    right: &[Point],
    pairs: &[(usize, usize)],
    manner: Manner,
    decisions: &mut Decisions<'_>,
) {
    let mut taken = [vec![false; left.len()], vec![false; right.len()]];
    for &(at_left, at_right) in pairs {
        let (left, right) = (&left[at_left], &right[at_right]);
        let (code, why) = match (left.amount == right.amount, manner) {
            (true, Manner::Optimal) => (Code::Matched, "same amount, date in the window"),
            (true, Manner::Greedy) => (Code::Matched, "same amount, date in the window; greedy among many"),
            (false, Manner::Optimal) => {
                (Code::MatchedTolerance, "amount within tolerance, date in the window")
            }
            (false, Manner::Greedy) => {
                (Code::MatchedTolerance, "amount within tolerance, date in the window; greedy among many")
            }
        };
        decisions.found(code, vec![left.id], vec![right.id], why);
        taken[0][at_left] = true;
        taken[1][at_right] = true;
    }
    for (points, taken) in [left, right].into_iter().zip(&taken) {
        let open = points.iter().zip(taken).filter(|(_, taken)| !**taken);
        open.for_each(|(point, _)| decisions.leave(point.id));
    }
}

/// Records of one side with the same amount and date: they have the same candidates.
#[derive(Clone, Copy)]
struct Class {
    amount: i64,
    date: i32,
    /// Where its records stand in the sorted list of the side.
    start: usize,
    end: usize,
}

/// The classes of one side, sorted by amount and date.
struct Classes {
    list: Vec<Class>,
}

impl Classes {
    fn of(points: &[Point]) -> Classes {
        let mut list: Vec<Class> = Vec::new();
        for (at, point) in points.iter().enumerate() {
            match list.last_mut() {
                Some(class) if (class.amount, class.date) == (point.amount, point.date) => class.end = at + 1,
                _ => list.push(Class { amount: point.amount, date: point.date, start: at, end: at + 1 }),
            }
        }
        Classes { list }
    }

    /// Calls `visit` with the index of each class whose amount lies `from..=to` above that of a left
    /// class and whose date is in its window.
    fn for_each_near(&self, near: Near, left: &Class, from: i128, to: i128, mut visit: impl FnMut(usize)) {
        let amount = i128::from(left.amount);
        let date_first = i64::from(left.date) + i64::from(near.days_min);
        let date_last = i64::from(left.date) + i64::from(near.days_max);
        let mut at = self.list.partition_point(|class| i128::from(class.amount) < amount + from);
        while let Some(class) = self.list.get(at).filter(|class| i128::from(class.amount) <= amount + to) {
            let here = class.amount;
            let before = |class: &Class| class.amount == here && i64::from(class.date) < date_first;
            at += self.list[at..].partition_point(before);
            while let Some(class) = self.list.get(at).filter(|class| class.amount == here) {
                if i64::from(class.date) > date_last {
                    break;
                }
                visit(at);
                at += 1;
            }
            at += self.list[at..].partition_point(|class| class.amount == here);
        }
    }
}

/// Union of sets with path halving.
struct Union {
    parents: Vec<usize>,
}

impl Union {
    fn new(count: usize) -> Union {
        Union { parents: (0..count).collect() }
    }

    fn root(&mut self, mut at: usize) -> usize {
        while self.parents[at] != at {
            self.parents[at] = self.parents[self.parents[at]];
            at = self.parents[at];
        }
        at
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        // The lower index leads, so that components come in the order of the sorted classes.
        self.parents[a.max(b)] = a.min(b);
    }

    fn components(&mut self) -> Vec<Vec<usize>> {
        let mut members: Vec<(usize, usize)> =
            (0..self.parents.len()).map(|at| (self.root(at), at)).collect();
        members.sort_unstable();
        let same = members.chunk_by(|a, b| a.0 == b.0);
        same.map(|chunk| chunk.iter().map(|(_, at)| *at).collect()).collect()
    }
}
