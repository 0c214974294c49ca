//! The optimal assignment of a small component, and whether it is the only one in substance.
//!
//! The method is the Hungarian one with potentials (Kuhn 1955, Munkres 1957, in the shortest-path
//! form), on costs that compare in order: pairs missed, amount differences, day differences, distance
//! of ranks. Potentials come as a by-product, and with them a test for other optima: every other
//! optimum differs from the found one along cycles of arcs without reduced cost. Give each arc the
//! change it makes to what records end as; all cycles change nothing exactly when the changes have a
//! potential of their own on each strongly connected part. So one walk over the arcs decides,
//! without listing optima.

use super::{Distance, Near, Point};
use std::collections::BTreeMap;
use std::ops::{AddAssign, Sub, SubAssign};

/// What came of a component.
pub(super) enum Assignment {
    /// Pairs of indices, left and right: the only optimum in substance.
    Clear(Vec<(usize, usize)>),
    /// Several optima under which some record ends differently.
    Ambiguous,
}

/// Finds the optimum. `same` says whether two records of a side may be exchanged.
pub(super) fn solve(
    left: &[Point],
    right: &[Point],
    near: Near,
    same: impl Fn(&Point, &Point) -> bool,
) -> Assignment {
    if let ([one_left], [one_right]) = (left, right) {
        let pair = near.distance(one_left, one_right).map(|_| (0, 0));
        return Assignment::Clear(pair.into_iter().collect());
    }
    // Rows are the shorter side: each row gets a column, be it one that is no candidate.
    let swapped = left.len() > right.len();
    let (rows, columns) = if swapped { (right, left) } else { (left, right) };
    let (ranks_rows, ranks_columns) = (ranks(rows), ranks(columns));
    let mut table = Table { width: columns.len(), distances: Vec::new(), costs: Vec::new() };
    for (i, row) in rows.iter().enumerate() {
        for (j, column) in columns.iter().enumerate() {
            let distance = if swapped { near.distance(column, row) } else { near.distance(row, column) };
            table.distances.push(distance);
            let rank = ranks_rows[i].abs_diff(ranks_columns[j]);
            table.costs.push(Cost::of(distance, i64::try_from(rank).unwrap_or(i64::MAX)));
        }
    }
    let optimum = hungarian(&table, rows.len());
    if other_substance(&table, &optimum, rows, columns, same) {
        return Assignment::Ambiguous;
    }
    let matched = optimum.column_of_row.iter().enumerate();
    let candidates = matched.filter(|(i, j)| table.distance(*i, **j).is_some());
    let pairs = candidates.map(|(i, j)| if swapped { (*j, i) } else { (i, *j) });
    Assignment::Clear(pairs.collect())
}

/// The cost of giving a row a column; compared field by field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Cost {
    /// 1 where the two are no candidates: the row stays alone.
    missed: i64,
    amount: i128,
    days: i64,
    /// How far apart the two stand in their sides' orders of location.
    rank: i64,
}

impl Cost {
    fn of(distance: Option<Distance>, rank: i64) -> Cost {
        match distance {
            Some(Distance { amount, days }) => {
                Cost { missed: 0, amount: amount.abs(), days: days.abs(), rank }
            }
            None => Cost { missed: 1, ..Cost::default() },
        }
    }

    /// Says whether nothing but the order of location tells this from zero.
    fn is_zero_in_substance(self) -> bool {
        self.missed == 0 && self.amount == 0 && self.days == 0
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Cost) {
        self.missed += other.missed;
        self.amount += other.amount;
        self.days += other.days;
        self.rank += other.rank;
    }
}

impl SubAssign for Cost {
    fn sub_assign(&mut self, other: Cost) {
        *self = *self - other;
    }
}

impl Sub for Cost {
    type Output = Cost;

    fn sub(self, other: Cost) -> Cost {
        Cost {
            missed: self.missed - other.missed,
            amount: self.amount - other.amount,
            days: self.days - other.days,
            rank: self.rank - other.rank,
        }
    }
}

struct Table {
    width: usize,
    distances: Vec<Option<Distance>>,
    costs: Vec<Cost>,
}

impl Table {
    fn distance(&self, row: usize, column: usize) -> Option<Distance> {
        self.distances[row * self.width + column]
    }

    fn cost(&self, row: usize, column: usize) -> Cost {
        self.costs[row * self.width + column]
    }
}

struct Optimum {
    column_of_row: Vec<usize>,
    /// Potentials: the cost of every pair is at least the sum of both, with equality for the chosen
    /// ones. Those of columns are never above zero, and zero for free columns.
    of_rows: Vec<Cost>,
    of_columns: Vec<Cost>,
}

/// Gives each row a column at the least sum of costs. There must be at least as many columns.
fn hungarian(table: &Table, rows: usize) -> Optimum {
    let columns = table.width;
    let mut of_rows = vec![Cost::default(); rows];
    let mut of_columns = vec![Cost::default(); columns];
    let mut row_of: Vec<Option<usize>> = vec![None; columns];
    for start in 0..rows {
        // Grows a tree of tight pairs from the row until it reaches a free column.
        let mut row = start;
        let mut slack: Vec<Cost> =
            (0..columns).map(|j| table.cost(row, j) - of_rows[row] - of_columns[j]).collect();
        let mut came_from: Vec<Option<usize>> = vec![None; columns];
        let mut tree: Vec<usize> = Vec::new();
        let mut in_tree = vec![false; columns];
        let free = loop {
            let outside = (0..columns).filter(|j| !in_tree[*j]);
            let nearest = outside.min_by_key(|j| slack[*j]).expect("a column for each row");
            let step = slack[nearest];
            of_rows[start] += step;
            for &j in &tree {
                of_rows[row_of[j].expect("columns of the tree are taken")] += step;
                of_columns[j] -= step;
            }
            for j in (0..columns).filter(|j| !in_tree[*j]) {
                slack[j] -= step;
            }
            let Some(next) = row_of[nearest] else { break nearest };
            in_tree[nearest] = true;
            tree.push(nearest);
            row = next;
            for j in (0..columns).filter(|j| !in_tree[*j]) {
                let through = table.cost(row, j) - of_rows[row] - of_columns[j];
                if through < slack[j] {
                    slack[j] = through;
                    came_from[j] = Some(nearest);
                }
            }
        };
        // Shifts the pairs along the path back to the row.
        let mut at = free;
        while let Some(before) = came_from[at] {
            row_of[at] = row_of[before];
            at = before;
        }
        row_of[at] = Some(start);
    }
    let mut column_of_row = vec![0; rows];
    for (column, row) in row_of.iter().enumerate() {
        if let Some(row) = row {
            column_of_row[*row] = column;
        }
    }
    Optimum { column_of_row, of_rows, of_columns }
}

/// What a class of interchangeable records ends as: matched at a distance, or alone.
type Ending = (usize, Option<Distance>);
/// How often an ending comes more (or less).
type Change = BTreeMap<Ending, i64>;

/// Says whether some other optimum lets records end differently.
fn other_substance(
    table: &Table,
    optimum: &Optimum,
    rows: &[Point],
    columns: &[Point],
    same: impl Fn(&Point, &Point) -> bool,
) -> bool {
    let (n, m) = (rows.len(), columns.len());
    // Nodes: rows, columns, and one for "stays free".
    let free = n + m;
    let mut is_taken = vec![false; m];
    optimum.column_of_row.iter().for_each(|column| is_taken[*column] = true);
    let mut arcs: Vec<Vec<(usize, Arc)>> = vec![Vec::new(); free + 1];
    for i in 0..n {
        for j in 0..m {
            let reduced = table.cost(i, j) - optimum.of_rows[i] - optimum.of_columns[j];
            if optimum.column_of_row[i] == j {
                arcs[n + j].push((i, Arc::Part(i, j)));
            } else if reduced.is_zero_in_substance() {
                arcs[i].push((n + j, Arc::Join(i, j)));
            }
        }
    }
    for j in (0..m).filter(|j| optimum.of_columns[*j].is_zero_in_substance()) {
        if is_taken[j] {
            arcs[free].push((n + j, Arc::Free(j)));
        } else {
            arcs[n + j].push((free, Arc::Take(j)));
        }
    }
    let part_of = strong_parts(&arcs);
    let inner = |from: usize, to: usize| part_of[from] == part_of[to];
    if !arcs.iter().enumerate().any(|(from, arcs)| arcs.iter().any(|(to, _)| inner(from, *to))) {
        return false;
    }
    let classes_rows = classes(rows, &same);
    let classes_columns: Vec<usize> = classes(columns, &same).into_iter().map(|class| class + n).collect();
    let apply = |change: &Change, arc: Arc| {
        let mut change = change.clone();
        let mut add = |ending: Ending, count: i64| {
            let entry = change.entry(ending).or_insert(0);
            *entry += count;
            if *entry == 0 {
                change.remove(&ending);
            }
        };
        let (i_j, sign) = match arc {
            Arc::Join(i, j) => ((Some(i), j), 1),
            Arc::Part(i, j) => ((Some(i), j), -1),
            Arc::Free(j) => ((None, j), 1),
            Arc::Take(j) => ((None, j), -1),
        };
        let (row, column) = i_j;
        let distance = row.and_then(|row| table.distance(row, column));
        if let Some(row) = row {
            add((classes_rows[row], distance), sign);
        }
        add((classes_columns[column], distance), sign);
        change
    };
    let mut changes: Vec<Option<Change>> = vec![None; free + 1];
    for root in 0..=free {
        if changes[root].is_some() {
            continue;
        }
        changes[root] = Some(Change::new());
        let mut open = vec![root];
        while let Some(from) = open.pop() {
            let Some(here) = changes[from].clone() else { continue };
            for &(to, arc) in arcs[from].iter().filter(|(to, _)| inner(from, *to)) {
                let there = apply(&here, arc);
                match &changes[to] {
                    Some(known) if *known != there => return true,
                    Some(_) => {}
                    None => {
                        changes[to] = Some(there);
                        open.push(to);
                    }
                }
            }
        }
    }
    false
}

/// A step from the found optimum towards another.
#[derive(Clone, Copy)]
enum Arc {
    /// Row and column become a pair.
    Join(usize, usize),
    /// Row and column are no longer one.
    Part(usize, usize),
    /// A column becomes free.
    Free(usize),
    /// A free column is taken.
    Take(usize),
}

/// Returns the strongly connected part of each node (Kosaraju's two walks).
fn strong_parts(arcs: &[Vec<(usize, Arc)>]) -> Vec<usize> {
    let count = arcs.len();
    let mut back = vec![Vec::new(); count];
    for (from, arcs) in arcs.iter().enumerate() {
        arcs.iter().for_each(|(to, _)| back[*to].push(from));
    }
    let mut finished = Vec::with_capacity(count);
    let mut seen = vec![false; count];
    for root in 0..count {
        let mut stack = vec![(root, 0)];
        if std::mem::replace(&mut seen[root], true) {
            continue;
        }
        while let Some((node, next)) = stack.pop() {
            match arcs[node].get(next) {
                Some((to, _)) => {
                    stack.push((node, next + 1));
                    if !std::mem::replace(&mut seen[*to], true) {
                        stack.push((*to, 0));
                    }
                }
                None => finished.push(node),
            }
        }
    }
    let mut part_of = vec![usize::MAX; count];
    for root in finished.into_iter().rev() {
        let mut stack = vec![root];
        while let Some(node) = stack.pop() {
            if part_of[node] == usize::MAX {
                part_of[node] = root;
                stack.extend(&back[node]);
            }
        }
    }
    part_of
}

/// Numbers the classes of interchangeable records by their first member.
fn classes(points: &[Point], same: &impl Fn(&Point, &Point) -> bool) -> Vec<usize> {
    let mut firsts: Vec<usize> = Vec::new();
    let class_of = |(at, point): (usize, &Point)| {
        let known = firsts.iter().copied().find(|first| same(&points[*first], point));
        known.unwrap_or_else(|| {
            firsts.push(at);
            at
        })
    };
    points.iter().enumerate().map(class_of).collect()
}

/// Returns the rank of each record in its side's order of location.
fn ranks(points: &[Point]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_unstable_by_key(|at| points[*at].loc);
    let mut ranks = vec![0; points.len()];
    for (rank, at) in order.into_iter().enumerate() {
        ranks[at] = rank;
    }
    ranks
}
