//! `suanpan sketch`.
use crate::cli::SketchArgs;
use crate::error::Trouble;
use crate::terminal::Terminal;
pub(crate) fn run(_args: &SketchArgs, _terminal: Terminal) -> Result<u8, Trouble> {
    Err(Trouble::new("later", "later"))
}
