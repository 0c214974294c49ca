//! The binary: reads the command line, runs one command, and turns what comes of it into output and
//! an exit status. Results go to stdout, everything else to stderr.

mod allocator;
mod api;
mod books;
mod cli;
mod commands;
mod error;
mod http;
mod interrupt;
mod layouts;
mod numbers;
mod operator;
mod progress;
mod secrets;
mod statements;
mod store;
mod terminal;
mod ways;

use clap::Parser;
use cli::{Cli, Command};
use error::{Trouble, status};
use std::process::ExitCode;
use terminal::{STDOUT_CLOSED, Terminal};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let terminal = Terminal::new(&cli.terminal);
    match run(&cli.command, terminal) {
        Ok(status) => ExitCode::from(status),
        // Who closes the pipe has seen enough: nothing is wrong.
        Err(trouble) if trouble.faults[0].code == STDOUT_CLOSED => ExitCode::from(status::FINE),
        Err(trouble) => {
            terminal.error(&trouble);
            ExitCode::from(trouble.status)
        }
    }
}

fn run(command: &Command, terminal: Terminal) -> Result<u8, Trouble> {
    match command {
        Command::Reconcile(args) => commands::reconcile::run(args, terminal),
        Command::Formats(args) => commands::formats::run(args, terminal),
        Command::Generate(args) => commands::generate::run(args, terminal),
        Command::Sketch(args) => commands::sketch::run(args, terminal),
        Command::Demo(args) => commands::demo::run(args, terminal),
        Command::Serve(args) => commands::serve::run(args, terminal),
        Command::Simulate(args) => commands::simulate::run(args, terminal),
        Command::Terminal(args) => commands::terminal::run(args, terminal),
        Command::Ledger(args) => commands::ledger::run(args, terminal),
        Command::Backup(args) => commands::backup::backup(args, terminal),
        Command::Restore(args) => commands::backup::restore(args, terminal),
        Command::Doctor(args) => commands::doctor::run(args, terminal),
        Command::Status(args) => commands::status::run(args, terminal),
        Command::Keys(args) => commands::keys::run(args, terminal),
        Command::Listen(args) => commands::listen::run(args, terminal),
        Command::Trigger(args) => commands::trigger::run(args, terminal),
        Command::Routing(args) => commands::routing::run(args, terminal),
        Command::Events(args) => commands::events::run(args, terminal),
        Command::Completions(args) => commands::about::completions(args, terminal),
        Command::Man(args) => commands::about::man(args, terminal),
        Command::Version(args) => commands::about::version(args, terminal),
    }
}
