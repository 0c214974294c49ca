//! `suanpan reconcile init`: first rules from a look at both sides.

use super::inputs::{Scratch, Specs, refuse_to_replace};
use super::taking::{Taken, Wanted, take_statements};
use crate::cli::InitArgs;
use crate::error::{Trouble, status};
use crate::terminal::{Paint, Terminal, harmless};
use std::path::Path;
use suanpan_recon::limits::SAMPLE_ROWS_MAX;
use suanpan_recon::rule::Rules;
use suanpan_recon::rule::guess::{self, Fit, Guess, Sample, Sureness};
use suanpan_recon::run;
use suanpan_recon::source::SourceFile;

pub(super) fn run(args: &InitArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let to_stdout = args.output == Path::new("-");
    if !to_stdout {
        refuse_to_replace(&args.output, args.force)?;
    }
    let scratch = Scratch::anywhere()?;
    let specs = Specs::new([&Some(args.left.clone()), &Some(args.right.clone())], [&[], &[]])?;
    let rows = usize::try_from(args.rows).unwrap_or(SAMPLE_ROWS_MAX).min(SAMPLE_ROWS_MAX);
    let inputs = specs.expand(scratch.path())?;
    let taken = take_statements(inputs, [Wanted::Either; 2], &args.statements, scratch.path(), terminal)?;
    if taken.known().is_some() {
        return fitted(args, &taken, to_stdout, terminal);
    }
    let guess = guess_from(&taken.inputs, rows)?;
    if to_stdout {
        terminal.result(&guess.text)?;
    } else {
        std::fs::write(&args.output, &guess.text)
            .map_err(|error| Trouble::io("write", &args.output, error))?;
        terminal.result(&told(&guess, Paint(terminal.color)))?;
        terminal.hint(&format!(
            "wrote {0}; next: suanpan reconcile check {1} {2} --rules {0}",
            args.output.display(),
            quoted(&args.left),
            quoted(&args.right)
        ));
    }
    if guess.sureness() != Sureness::Sure {
        terminal.hint(
            "some guesses are not sure: look at the key, the amounts and the currency before you use them",
        );
    }
    Ok(status::FINE)
}

/// Writes rules that were fitted to a statement.
fn fitted(args: &InitArgs, taken: &Taken, to_stdout: bool, terminal: Terminal) -> Result<u8, Trouble> {
    let fit = taken.fit()?;
    if fit.text.is_empty() {
        return Err(unsure(&fit));
    }
    if to_stdout {
        terminal.result(&fit.text)?;
    } else {
        std::fs::write(&args.output, &fit.text).map_err(|error| Trouble::io("write", &args.output, error))?;
        terminal.hint(&format!("wrote {}", args.output.display()));
    }
    terminal.hint(&format!("{}: {}", fit.sureness.name(), harmless(&fit.evidence)));
    Ok(status::FINE)
}

fn unsure(fit: &Fit) -> Trouble {
    Trouble::new(
        "rules_unsure",
        format!(
            "no rules were given, and the other side cannot be fitted to the statement: {}",
            harmless(&fit.evidence)
        ),
    )
    .at("--rules")
    .next("suanpan reconcile init LEFT RIGHT writes first rules to correct; then give --rules rules.toml")
}

/// Guesses rules for a run without any; refuses where the guess is not sure.
pub(super) fn guess_surely(taken: &Taken, terminal: Terminal) -> Result<(Rules, String), Trouble> {
    if taken.known().is_some() {
        let fit = taken.fit()?;
        if fit.sureness != Sureness::Sure {
            return Err(unsure(&fit));
        }
        let rules = fit.rules().map_err(|errors| Trouble::rules("fitted rules", &errors))?;
        terminal.hint(&format!("no rules were given: they are fitted, since {}", harmless(&fit.evidence)));
        return Ok((rules, fit.text));
    }
    let inputs = &taken.inputs;
    let guess = guess_from(inputs, SAMPLE_ROWS_MAX)?;
    let doubtful = guess.findings.iter().find(|finding| {
        let name = finding.setting.rsplit('.').next().unwrap_or_default();
        matches!(name, "k1" | "amount" | "currency") && finding.sureness != Sureness::Sure
    });
    if guess.sureness() != Sureness::Sure {
        let why = doubtful.map_or_else(String::new, |finding| {
            format!(": `{}` is {}", finding.setting, harmless(&finding.comment()))
        });
        return Err(Trouble::new(
            "rules_unsure",
            format!("no rules were given, and a guess is not sure enough{why}"),
        )
        .at("--rules")
        .next(
            "suanpan reconcile init LEFT RIGHT writes first rules to correct; then give --rules rules.toml",
        ));
    }
    let rules = guess.rules().map_err(|errors| Trouble::rules("guessed rules", &errors))?;
    terminal.hint("no rules were given: they are guessed, and the guess is sure");
    Ok((rules, guess.text))
}

fn guess_from(inputs: &[Vec<SourceFile>; 2], rows: usize) -> Result<Guess, Trouble> {
    let first = |side: usize| -> Result<Sample, Trouble> {
        let source = inputs[side].first().ok_or_else(|| {
            Trouble::new("no_input", "a side has no files").next("name at least one file of each side")
        })?;
        Ok(run::sample(source, None, rows)?)
    };
    Ok(guess::guess(&first(0)?, &first(1)?))
}

/// The findings, a line each.
fn told(guess: &Guess, paint: Paint) -> String {
    let width = guess.findings.iter().map(|finding| finding.setting.len()).max().unwrap_or(0);
    let mut text = String::new();
    for finding in &guess.findings {
        let comment = harmless(&finding.comment());
        let comment = match finding.sureness {
            Sureness::Sure => paint.green(&comment),
            Sureness::Likely => comment,
            Sureness::Unsure => paint.yellow(&comment),
        };
        text.push_str(&format!("{:<width$}  {comment}\n", finding.setting));
    }
    text
}

/// Quotes an argument as a shell reads it.
fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+:,@%".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        argument.to_owned()
    } else {
        format!("'{}'", argument.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_quoted_as_a_shell_reads_them() {
        for (argument, text) in [
            ("a/b-1.csv", "a/b-1.csv"),
            ("*.csv", "'*.csv'"),
            ("it's", "'it'\\''s'"),
            ("", "''"),
            ("a b", "'a b'"),
        ] {
            assert_eq!(quoted(argument), text);
        }
    }
}
