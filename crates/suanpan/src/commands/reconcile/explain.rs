//! `suanpan reconcile --explain KEY`: the records of one key, and what became of them.

use super::perform::watch;
use super::{Prepared, Scratch, counts_for, machine, prepare};
use crate::cli::{OutputForm, ReconcileArgs};
use crate::error::{Trouble, status};
use crate::interrupt;
use crate::terminal::{Paint, Terminal, harmless};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use suanpan_recon::outcome::{Code, Verdict};
use suanpan_recon::record::RecordId;
use suanpan_recon::rule::{PassKind, Rules};
use suanpan_recon::run::{self, Explanation, Progress};

pub(super) fn run(args: &ReconcileArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let written = args.result.explain.as_deref().unwrap_or_default();
    let scratch = Scratch::anywhere()?;
    let Prepared { options, missing, .. } = prepare(args, &scratch, terminal)?;
    let key = joined(written, &options.rules);
    let progress = Arc::new(Progress::default());
    let guard = interrupt::stops(&progress);
    let watching = watch(&progress, terminal);
    let explanation = run::explain(&options, &key, &progress)?;
    drop(watching);
    drop(guard);
    if explanation.records.is_empty() {
        return Err(Trouble::new(
            "key_not_found",
            format!("no record of either side has the key `{}`", harmless(written)),
        )
        .at("--explain")
        .next(
            "keys are compared without blanks around them; the parts of a composite key are joined by ` | `",
        ));
    }
    let text = match args.result.format {
        OutputForm::Human => human(written, &explanation, &options.rules, Paint(terminal.color)),
        form => {
            machine::one(&machine::tagged("explanation", json(written, &explanation, &options.rules)), form)
        }
    };
    terminal.result(&text)?;
    if options.rules.passes.iter().any(|pass| !matches!(pass.kind, PassKind::Exact { .. })) {
        terminal.hint(
            "passes that look beyond one key saw only these records; in a whole run they may find more",
        );
    }
    let fails = |verdict: &Verdict| counts_for(verdict.code, args.result.fail_on);
    Ok(match (missing.is_empty(), explanation.verdicts.iter().any(fails)) {
        (false, _) => status::INCOMPLETE,
        (true, true) => status::DIFFERENCES,
        (true, false) => status::FINE,
    })
}

/// What joins the parts of a composite key, as it is shown and as it is kept.
const SHOWN: &str = " | ";
const KEPT: &str = "\u{1f}";

fn joined(key: &str, rules: &Rules) -> String {
    let composite = rules.sides.iter().any(|side| side.keys.iter().any(|key| key.columns.len() > 1));
    if composite { key.replace(SHOWN, KEPT) } else { key.to_owned() }
}

fn human(key: &str, explanation: &Explanation, rules: &Rules, paint: Paint) -> String {
    let mut text = String::new();
    for verdict in &explanation.verdicts {
        let code = verdict.code.name();
        let code = match verdict.code {
            Code::PendingTiming => paint.yellow(code),
            clean if clean.is_clean() => paint.green(code),
            _ => paint.red(code),
        };
        let by = pass_name(verdict, rules);
        text.push_str(&format!("{}  {code}  by {by}: {}\n", paint.bold(&harmless(key)), verdict.why));
        for (name, ids) in
            [("left", &verdict.left), ("right", &verdict.right), ("maybe", &verdict.candidates)]
        {
            for id in ids {
                text.push_str(&format!("  {name:<5}  {}\n", record(explanation, *id)));
            }
        }
    }
    text
}

fn record(explanation: &Explanation, id: RecordId) -> String {
    let fields: Vec<String> = explanation
        .fields(id)
        .into_iter()
        .map(|(name, value)| format!("{name}={}", harmless(&value)))
        .collect();
    format!("{}  {}", harmless(&explanation.place(id)), fields.join("  "))
}

fn pass_name<'r>(verdict: &Verdict, rules: &'r Rules) -> &'r str {
    verdict
        .pass
        .and_then(|pass| rules.passes.get(usize::from(pass)))
        .map_or("close", |pass| pass.name.as_str())
}

fn json(key: &str, explanation: &Explanation, rules: &Rules) -> Value {
    let record = |id: &RecordId| {
        let fields: Map<String, Value> = explanation
            .fields(*id)
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        json!({ "place": explanation.place(*id), "fields": fields })
    };
    let records = |ids: &[RecordId]| ids.iter().map(record).collect::<Vec<_>>();
    let verdict = |verdict: &Verdict| {
        json!({
            "code": verdict.code.name(), "pass": pass_name(verdict, rules), "why": verdict.why,
            "left": records(&verdict.left), "right": records(&verdict.right),
            "candidates": records(&verdict.candidates),
        })
    };
    json!({ "key": key, "verdicts": explanation.verdicts.iter().map(verdict).collect::<Vec<_>>() })
}
