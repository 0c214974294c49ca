//! Which runs to merge next.

use super::{
    limits::{FAN_IN, LEVEL_MAX},
    run::Run,
    source::RunId,
};

/// What a plan needs to know of a run, of history or of ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunLevel {
    /// The run.
    pub id: RunId,
    /// Its level.
    pub level: u8,
}

impl From<&Run> for RunLevel {
    fn from(run: &Run) -> RunLevel {
        RunLevel { id: run.id, level: run.level }
    }
}

/// Neighbouring runs to be replaced by one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergePlan {
    /// The runs, oldest first.
    pub runs: Vec<RunId>,
    /// The level of the new run.
    pub level: u8,
}

/// Says which runs to merge next, given all runs, oldest first; none when nothing is due.
///
/// The oldest eight neighbours of the lowest level that has eight are due. Lower levels come first, because
/// they take away the most runs for the fewest bytes. So each row is written once for each level, and there are
/// at most seven runs for each level, and those that are sealed while a merge is under way.
#[must_use]
pub fn plan(runs: &[RunLevel]) -> Option<MergePlan> {
    let due = |group: &&[RunLevel]| group.len() >= FAN_IN && group[0].level < LEVEL_MAX;
    let group = runs.chunk_by(|a, b| a.level == b.level).filter(due).min_by_key(|group| group[0].level)?;
    let runs = group[..FAN_IN].iter().map(|run| run.id).collect();
    Some(MergePlan { runs, level: group[0].level + 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_stay_few() {
        let mut runs: Vec<RunLevel> = Vec::new();
        let mut written = 0_u64;
        for sealed in 1..=5_000_u64 {
            runs.push(RunLevel { id: RunId(sealed), level: 0 });
            while let Some(plan) = plan(&runs) {
                let at = runs.iter().position(|run| run.id == plan.runs[0]).unwrap();
                let ids: Vec<RunId> = runs[at..at + FAN_IN].iter().map(|run| run.id).collect();
                assert_eq!(ids, plan.runs, "neighbours, oldest first");
                runs.splice(at..at + FAN_IN, [RunLevel { id: plan.runs[0], level: plan.level }]);
                written += (FAN_IN as u64).pow(u32::from(plan.level));
            }
            assert!(runs.is_sorted_by(|a, b| a.level >= b.level), "older runs have higher levels");
            let levels = 1 + sealed.ilog(FAN_IN as u64) as usize;
            assert!(runs.len() <= (FAN_IN - 1) * levels, "{} runs after {sealed}", runs.len());
            let runs_of_level_0 =
                runs.iter().map(|run| (FAN_IN as u64).pow(u32::from(run.level))).sum::<u64>();
            assert_eq!(runs_of_level_0, sealed, "nothing is lost");
        }
        assert!(written <= 5_000 * 4, "each row is rewritten once a level");
    }

    #[test]
    fn the_lowest_level_comes_first_and_the_highest_rests() {
        let run = |(id, level)| RunLevel { id: RunId(id), level };
        let two: Vec<RunLevel> = (0..8).map(|id| (id, 1)).chain((8..17).map(|id| (id, 0))).map(run).collect();
        assert_eq!(plan(&two), Some(MergePlan { runs: (8..16).map(RunId).collect(), level: 1 }));
        let top: Vec<RunLevel> = (0..20).map(|id| run((id, LEVEL_MAX))).collect();
        assert_eq!(plan(&top), None);
        assert_eq!(plan(&two[..7]), None);
        assert_eq!(plan(&[]), None);
    }
}
