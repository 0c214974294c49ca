//! Where results and hints go: results to stdout, everything else to stderr, colours where wanted.

use crate::cli::{ColorWhen, ProgressHow, TerminalArgs};
use crate::error::Trouble;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

/// How to talk in this process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    /// Results and errors only.
    pub(crate) quiet: bool,
    /// The causes of an error too.
    pub(crate) verbose: bool,
    /// Colours on stdout.
    pub(crate) color: bool,
    /// Colours on stderr.
    pub(crate) color_err: bool,
    /// How to show progress.
    pub(crate) progress: ProgressHow,
}

impl Terminal {
    /// Decides once, from the options and the environment.
    pub(crate) fn new(args: &TerminalArgs) -> Terminal {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let stderr_is_terminal = io::stderr().is_terminal();
        let color = |is_terminal: bool| match args.color {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => is_terminal && !dumb && !set("NO_COLOR"),
        };
        let progress = match args.progress {
            _ if args.quiet => ProgressHow::None,
            ProgressHow::Auto if stderr_is_terminal && !dumb => ProgressHow::Bar,
            ProgressHow::Auto => ProgressHow::Lines,
            chosen => chosen,
        };
        Terminal {
            quiet: args.quiet,
            verbose: args.verbose,
            color: color(io::stdout().is_terminal()),
            color_err: color(stderr_is_terminal),
            progress,
        }
    }

    /// Prints a result.
    pub(crate) fn result(self, text: &str) -> Result<(), Trouble> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(broken_stdout)
    }

    /// Prints a hint on stderr, unless only results were asked for.
    pub(crate) fn hint(self, text: &str) {
        if !self.quiet {
            // Nobody can be told that stderr is closed.
            let _ = writeln!(io::stderr().lock(), "{text}");
        }
    }

    /// Prints an error on stderr.
    pub(crate) fn error(self, trouble: &Trouble) {
        let _ = trouble.print(&mut io::stderr().lock(), self.verbose, self.color_err);
    }
}

/// The code of the trouble that stdout is closed, which a reader such as `head` may do at any time.
pub(crate) const STDOUT_CLOSED: &str = "stdout_closed";

fn broken_stdout(error: io::Error) -> Trouble {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Trouble::new(STDOUT_CLOSED, "stdout was closed");
    }
    Trouble::io("write to", Path::new("stdout"), error)
}

/// Styles of a text for a terminal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint(pub(crate) bool);

impl Paint {
    pub(crate) fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    pub(crate) fn green(self, text: &str) -> String {
        self.with("1;32", text)
    }

    pub(crate) fn yellow(self, text: &str) -> String {
        self.with("1;33", text)
    }

    pub(crate) fn red(self, text: &str) -> String {
        self.with("1;31", text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Returns a text of a file without what could steer a terminal.
pub(crate) fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
