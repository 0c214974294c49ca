//! `summary.json`: the verdict of a run, its counts and sums, and the proof that they add up.

use super::staged::OutputFile;
use super::tables::Written;
use super::tally::Class;
use crate::outcome::Code;
use crate::record::Side;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use suanpan_money::{Currency, format_sum};

/// Name and version of the form of `summary.json`. A change that could break a reader raises it.
pub const SUMMARY_SCHEMA: &str = "suanpan.reconcile.summary/1";

/// What the engine knows of a run besides its outcomes.
#[derive(Debug, Clone, Default)]
pub struct RunFacts {
    /// Id of the run.
    pub run_id: String,
    /// When it started, in RFC 3339 with a zone.
    pub started_at: String,
    /// When it finished, in RFC 3339 with a zone.
    pub finished_at: String,
    /// Version of the engine.
    pub engine_version: String,
    /// Name of the rules.
    pub rules_name: String,
    /// Digest of the rules: `blake3:` and 64 hexadecimal digits.
    pub rules_digest: String,
    /// The inputs of both sides, left ones first, in order.
    pub inputs: Vec<InputFile>,
    /// What was read of each side: left, right.
    pub sides: [SideFacts; 2],
    /// Expected inputs that are missing, in words. Any makes the verdict `INCOMPLETE`.
    pub missing: Vec<String>,
    /// The phases in order.
    pub timings: Vec<Phase>,
    /// The most memory that the process held.
    pub peak_rss_bytes: u64,
    /// Threads used.
    pub threads: u32,
    /// The memory limit, where one was set.
    pub memory_limit_bytes: Option<u64>,
    /// What the planner chose, in a sentence.
    pub plan: String,
}

/// What was read of one side.
#[derive(Debug, Clone, Default)]
pub struct SideFacts {
    /// Valid records of today's files.
    pub records: u64,
    /// Rows refused.
    pub rejected: u64,
    /// Rows left out, by name of the skip rule.
    pub skipped: BTreeMap<String, u64>,
    /// Open items of earlier runs, which take part like records.
    pub open_items: u64,
    /// Sums of today's records in minor units.
    pub sums: BTreeMap<Currency, i128>,
    /// Sums of the open items in minor units.
    pub open_item_sums: BTreeMap<Currency, i128>,
}

/// The content of `summary.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// [`SUMMARY_SCHEMA`].
    pub schema: String,
    /// Id of the run.
    pub run: String,
    /// When it started (RFC 3339).
    pub started_at: String,
    /// When it finished (RFC 3339).
    pub finished_at: String,
    /// The answer in one word.
    pub verdict: RunVerdict,
    /// Expected inputs that are missing, in words.
    pub missing: Vec<String>,
    /// Digest of outcomes, sums and tables: the same for the same inputs and rules, whatever the
    /// threads, memory and plan.
    pub digest: String,
    /// Who made it.
    pub engine: Named,
    /// The rules by name and digest.
    pub rules: RulesRef,
    /// The left side (A).
    pub left: SideSummary,
    /// The right side (B).
    pub right: SideSummary,
    /// Every code of the vocabulary in order of report.
    pub outcomes: Ordered<OutcomeSummary>,
    /// For each currency: why the totals of the two sides differ.
    pub bridge: BTreeMap<String, Bridge>,
    /// The files that were read.
    pub inputs: Vec<InputFile>,
    /// The tables that were written.
    pub files: Vec<OutputFile>,
    /// What the planner chose, in a sentence.
    pub plan: String,
    /// How long each phase took.
    pub timings: Vec<Phase>,
    /// Threads used.
    pub threads: u32,
    /// The memory limit, where one was set.
    pub memory_limit_bytes: Option<u64>,
    /// The most memory that the process held.
    pub peak_rss_bytes: u64,
}

/// The answer of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RunVerdict {
    /// Everything is matched or cancelled.
    Reconciled,
    /// No difference, but some records may still find their counterpart.
    ReconciledWithPending,
    /// There are differences.
    Breaks,
    /// An expected input is missing, so nothing can be said.
    Incomplete,
}

impl RunVerdict {
    /// Returns the verdict as it is written in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            RunVerdict::Reconciled => "RECONCILED",
            RunVerdict::ReconciledWithPending => "RECONCILED_WITH_PENDING",
            RunVerdict::Breaks => "BREAKS",
            RunVerdict::Incomplete => "INCOMPLETE",
        }
    }
}

/// A name with a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// The name.
    pub name: String,
    /// The version.
    pub version: String,
}

/// Rules by name and digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulesRef {
    /// The name.
    pub name: String,
    /// `blake3:` and 64 hexadecimal digits.
    pub digest: String,
}

/// One input file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// `left` or `right`.
    pub side: String,
    /// Its name as people know it.
    pub name: String,
    /// Bytes as stored.
    pub bytes: u64,
    /// Rows after the header, blank lines included.
    pub rows: u64,
}

/// One phase of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phase {
    /// Its name.
    pub phase: String,
    /// How long it took.
    pub ms: u64,
    /// Rows that went through it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// Bytes that went through it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

/// An amount of money: decimal text, minor units as text (JSON numbers lose digits), currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// In units of the currency, with all its decimals: `-12.30`.
    pub amount: String,
    /// In minor units: `-1230`.
    pub minor: String,
    /// Letter code.
    pub currency: String,
}

impl Money {
    /// Writes a sum of minor units.
    #[must_use]
    pub fn new(minor: i128, currency: Currency) -> Money {
        Money {
            amount: format_sum(minor, currency.exponent()),
            minor: minor.to_string(),
            currency: currency.code().to_owned(),
        }
    }
}

/// Amounts by letter code of their currency.
pub type MoneyByCurrency = BTreeMap<String, Money>;

/// What was read of one side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideSummary {
    /// Files, without open items.
    pub files: u64,
    /// Valid records of the files.
    pub records: u64,
    /// Rows refused; see `rejected.csv`.
    pub rejected: u64,
    /// Rows left out, by name of the skip rule.
    pub skipped: BTreeMap<String, u64>,
    /// Open items carried in from earlier runs.
    pub open_items_in: u64,
    /// Sum of the records.
    pub amounts: MoneyByCurrency,
    /// Sum of the open items.
    pub open_item_amounts: MoneyByCurrency,
}

/// What all verdicts of one code come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeSummary {
    /// Verdicts: matches, breaks, groups. For `REJECTED`, rows.
    pub count: u64,
    /// Records of the left side.
    pub left_records: u64,
    /// Records of the right side.
    pub right_records: u64,
    /// Sums by currency.
    pub amounts: BTreeMap<String, OutcomeAmounts>,
}

/// Sums of one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeAmounts {
    /// Of left records.
    pub left: Money,
    /// Of right records.
    pub right: Money,
    /// Left minus right.
    pub delta: Money,
}

/// Why the totals of the two sides differ, in one currency: `left_total - right_total = difference
/// = sum of lines + residual`, and the residual is zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bridge {
    /// Records and open items of the left side.
    pub left_total: Money,
    /// Records and open items of the right side.
    pub right_total: Money,
    /// Left minus right.
    pub difference: Money,
    /// What each code contributes, in order of report. Clean codes only where it is not zero.
    pub lines: Vec<BridgeLine>,
    /// What no line explains.
    pub residual: Money,
}

/// What the records of one code contribute to the difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BridgeLine {
    /// The code.
    pub code: String,
    /// Left minus right.
    pub contribution: Money,
}

/// Counts or sums that do not add up: a fault of the engine, to be stopped on and not reported over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the run's books do not balance, so no report is written: {}", .findings.join("; "))]
pub struct Imbalance {
    /// What does not add up, with both numbers.
    pub findings: Vec<String>,
}

impl Summary {
    /// Makes the summary of a run from its facts and its tables, proving counts and sums on the way
    /// (invariants I2 and I4 of the design).
    ///
    /// # Errors
    /// [`Imbalance`] when something does not add up.
    pub fn new(facts: &RunFacts, written: &Written) -> Result<Summary, Imbalance> {
        let findings = findings(facts, written);
        if !findings.is_empty() {
            return Err(Imbalance { findings });
        }
        let mut summary = Summary {
            schema: SUMMARY_SCHEMA.to_owned(),
            run: facts.run_id.clone(),
            started_at: facts.started_at.clone(),
            finished_at: facts.finished_at.clone(),
            verdict: verdict(facts, written),
            missing: facts.missing.clone(),
            digest: String::new(),
            engine: Named { name: "suanpan".to_owned(), version: facts.engine_version.clone() },
            rules: RulesRef { name: facts.rules_name.clone(), digest: facts.rules_digest.clone() },
            left: side_summary(facts, Side::Left),
            right: side_summary(facts, Side::Right),
            outcomes: outcomes(written),
            bridge: bridge(facts, written),
            inputs: facts.inputs.clone(),
            files: written.files.clone(),
            plan: facts.plan.clone(),
            timings: facts.timings.clone(),
            threads: facts.threads,
            memory_limit_bytes: facts.memory_limit_bytes,
            peak_rss_bytes: facts.peak_rss_bytes,
        };
        summary.digest = summary.outcome_digest();
        Ok(summary)
    }

    /// Digests what was found, and nothing of how: verdict, rules, counts, sums, bridge, and the
    /// tables but the optional `matched.parquet`.
    fn outcome_digest(&self) -> String {
        let tables: Vec<_> = self
            .files
            .iter()
            .filter(|file| file.name != "matched.parquet")
            .map(|file| (&file.name, &file.digest))
            .collect();
        let found = (
            (&self.schema, self.verdict, &self.missing, &self.rules.digest),
            (&self.left, &self.right),
            (&self.outcomes, &self.bridge),
            tables,
        );
        let bytes = serde_json::to_vec(&found).expect("plain maps, lists and texts have a JSON form");
        format!("blake3:{}", blake3::hash(&bytes).to_hex())
    }

    /// Returns the outcome of a code.
    ///
    /// # Panics
    /// On a summary that was read from a file without that code.
    #[must_use]
    pub fn outcome(&self, code: Code) -> &OutcomeSummary {
        self.outcomes.get(code.name()).expect("every code is in a summary")
    }

    /// Returns the verdicts of all codes of a class.
    #[must_use]
    pub fn count(&self, class: Class) -> u64 {
        Code::ALL
            .into_iter()
            .filter(|code| Class::of(*code) == class)
            .map(|code| self.outcome(code).count)
            .sum()
    }
}

fn verdict(facts: &RunFacts, written: &Written) -> RunVerdict {
    if !facts.missing.is_empty() {
        RunVerdict::Incomplete
    } else if written.stats.groups(Class::Difference) > 0 {
        RunVerdict::Breaks
    } else if written.stats.groups(Class::Pending) > 0 {
        RunVerdict::ReconciledWithPending
    } else {
        RunVerdict::Reconciled
    }
}

fn side_summary(facts: &RunFacts, side: Side) -> SideSummary {
    let read = &facts.sides[side.index()];
    let files = facts.inputs.iter().filter(|input| input.side == side.name()).count();
    SideSummary {
        files: files as u64,
        records: read.records,
        rejected: read.rejected,
        skipped: read.skipped.clone(),
        open_items_in: read.open_items,
        amounts: by_currency(&read.sums),
        open_item_amounts: by_currency(&read.open_item_sums),
    }
}

fn by_currency(sums: &BTreeMap<Currency, i128>) -> MoneyByCurrency {
    sums.iter().map(|(currency, sum)| (currency.code().to_owned(), Money::new(*sum, *currency))).collect()
}

fn outcomes(written: &Written) -> Ordered<OutcomeSummary> {
    let summary = |code: Code| {
        let outcome = written.stats.outcome(code);
        let amounts = outcome.sums.iter().map(|(currency, [left, right])| {
            let money = |minor| Money::new(minor, *currency);
            let amounts =
                OutcomeAmounts { left: money(*left), right: money(*right), delta: money(left - right) };
            (currency.code().to_owned(), amounts)
        });
        OutcomeSummary {
            count: outcome.groups,
            left_records: outcome.records[0],
            right_records: outcome.records[1],
            amounts: amounts.collect(),
        }
    };
    Ordered(Code::ALL.into_iter().map(|code| (code.name().to_owned(), summary(code))).collect())
}

fn bridge(facts: &RunFacts, written: &Written) -> BTreeMap<String, Bridge> {
    let mut bridge = BTreeMap::new();
    for (currency, [left, right]) in totals(facts) {
        let money = |minor| Money::new(minor, currency);
        let mut lines = Vec::new();
        let mut residual = left - right;
        for code in Code::ALL {
            let Some([left, right]) = written.stats.outcome(code).sums.get(&currency) else { continue };
            let contribution = left - right;
            residual -= contribution;
            if contribution != 0 || !code.is_clean() {
                lines.push(BridgeLine { code: code.name().to_owned(), contribution: money(contribution) });
            }
        }
        let entry = Bridge {
            left_total: money(left),
            right_total: money(right),
            difference: money(left - right),
            lines,
            residual: money(residual),
        };
        bridge.insert(currency.code().to_owned(), entry);
    }
    bridge
}

/// The totals of both sides by currency, open items included.
fn totals(facts: &RunFacts) -> BTreeMap<Currency, [i128; 2]> {
    let mut totals: BTreeMap<Currency, [i128; 2]> = BTreeMap::new();
    for (side, read) in facts.sides.iter().enumerate() {
        for (currency, sum) in read.sums.iter().chain(&read.open_item_sums) {
            totals.entry(*currency).or_default()[side] += sum;
        }
    }
    totals
}

/// Compares what was read with what was decided, record for record and unit for unit.
fn findings(facts: &RunFacts, written: &Written) -> Vec<String> {
    let mut findings = Vec::new();
    let mut expect = |what: String, read: i128, decided: i128| {
        if read != decided {
            findings.push(format!("{what}: read {read}, decided {decided}"));
        }
    };
    let mut decided: BTreeMap<Currency, [i128; 2]> = BTreeMap::new();
    for side in Side::BOTH {
        let read = &facts.sides[side.index()];
        let mut records = 0;
        for code in Code::ALL.into_iter().filter(|code| *code != Code::Rejected) {
            let outcome = written.stats.outcome(code);
            records += i128::from(outcome.records[side.index()]);
            for (currency, sums) in &outcome.sums {
                decided.entry(*currency).or_default()[side.index()] += sums[side.index()];
            }
        }
        expect(
            format!("{} records with open items", side.name()),
            i128::from(read.records) + i128::from(read.open_items),
            records,
        );
        let rejected = written.stats.outcome(Code::Rejected).records[side.index()];
        expect(format!("{} rejected rows", side.name()), i128::from(read.rejected), i128::from(rejected));
    }
    let read = totals(facts);
    let mut currencies: Vec<_> = read.keys().chain(decided.keys()).collect();
    currencies.sort();
    currencies.dedup();
    for currency in currencies {
        for side in Side::BOTH {
            let of = |sums: &BTreeMap<Currency, [i128; 2]>| sums.get(currency).map_or(0, |s| s[side.index()]);
            expect(format!("{} sum in minor units of {currency}", side.name()), of(&read), of(&decided));
        }
    }
    findings
}

/// A map that keeps its order in JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ordered<V>(pub Vec<(String, V)>);

impl<V> Ordered<V> {
    /// Finds a value by its key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&V> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }
}

impl<V: Serialize> Serialize for Ordered<V> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Ordered<V> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<V>(std::marker::PhantomData<V>);
        impl<'de, V: Deserialize<'de>> serde::de::Visitor<'de> for Visitor<V> {
            type Value = Ordered<V>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut list = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    list.push(entry);
                }
                Ok(Ordered(list))
            }
        }
        deserializer.deserialize_map(Visitor(std::marker::PhantomData))
    }
}
