//! `suanpan formats test`: layouts are checked, and the tests in them run.

use crate::cli::FormatsTestArgs;
use crate::error::{Trouble, status};
use crate::layouts;
use crate::terminal::{Paint, Terminal, harmless};
use std::path::{Component, Path};

/// The largest file that a test of a layout may name.
const TEST_FILE_BYTES_MAX: u64 = 64 << 20;

pub(super) fn run(args: &FormatsTestArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let paint = Paint(terminal.color);
    let (mut passed, mut failed) = (0_u64, 0_u64);
    for path in &args.layouts {
        let layout = layouts::read(path)?;
        let outcomes = layout.test(&|name| beside(path, name));
        if outcomes.is_empty() {
            return Err(Trouble::new("layout_untested", format!("the layout {} has no test", layout.id()))
                .at(path.display().to_string())
                .next("add a [[test]] with a `text` of a few rows and what they must give"));
        }
        let mut text = format!("{}  {}\n", paint.bold(layout.id()), harmless(layout.title()));
        for outcome in outcomes {
            let name = harmless(&outcome.name);
            if outcome.problems.is_empty() {
                passed += 1;
                text.push_str(&format!("  {} {name}\n", paint.green("ok")));
                continue;
            }
            failed += 1;
            text.push_str(&format!("  {} {name}\n", paint.red("FAILED")));
            for problem in &outcome.problems {
                text.push_str(&format!("    {}\n", harmless(problem)));
            }
        }
        terminal.result(&text)?;
    }
    terminal.result(&format!("{passed} passed, {failed} failed\n"))?;
    Ok(if failed == 0 { status::FINE } else { status::DIFFERENCES })
}

/// Reads a file beside a layout. Names that lead elsewhere are refused: a layout may come from others.
fn beside(layout: &Path, name: &str) -> std::io::Result<Vec<u8>> {
    let name = Path::new(name);
    if !name.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Err(std::io::Error::other("a test names a file beside its layout, without .. or /"));
    }
    let path = layout.parent().unwrap_or(Path::new("")).join(name);
    if std::fs::metadata(&path)?.len() > TEST_FILE_BYTES_MAX {
        return Err(std::io::Error::other(format!("is over the limit of {TEST_FILE_BYTES_MAX} bytes")));
    }
    std::fs::read(path)
}
