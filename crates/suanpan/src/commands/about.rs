//! Completions, manual pages and the version: all made from the definitions of the command line.

use crate::cli::{Cli, CompletionsArgs, ManArgs, VersionArgs};
use crate::error::{Trouble, status};
use crate::terminal::Terminal;
use clap::CommandFactory;
use serde_json::json;
use std::path::Path;
use suanpan_recon::csv::Kernel;
use suanpan_recon::report::SUMMARY_SCHEMA;

pub(crate) fn completions(args: &CompletionsArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "suanpan", &mut text);
    terminal.result(&String::from_utf8_lossy(&text))?;
    Ok(status::FINE)
}

pub(crate) fn man(args: &ManArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let mut command = Cli::command();
    command.build();
    let Some(dir) = &args.dir else {
        terminal.result(&String::from_utf8_lossy(&page(&command, Path::new("stdout"))?))?;
        return Ok(status::FINE);
    };
    std::fs::create_dir_all(dir).map_err(|error| Trouble::io("create", dir, error))?;
    let mut written = Vec::new();
    write_pages(&command, "suanpan", dir, &mut written)?;
    terminal.result(&written.concat())?;
    Ok(status::FINE)
}

/// Writes the page of a command and of all below it.
fn write_pages(
    command: &clap::Command,
    name: &str,
    dir: &Path,
    written: &mut Vec<String>,
) -> Result<(), Trouble> {
    let path = dir.join(format!("{name}.1"));
    let command = command.clone().name(name.to_owned());
    std::fs::write(&path, page(&command, &path)?).map_err(|error| Trouble::io("write", &path, error))?;
    written.push(format!("{}\n", path.display()));
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        write_pages(sub, &format!("{name}-{}", sub.get_name()), dir, written)?;
    }
    Ok(())
}

fn page(command: &clap::Command, path: &Path) -> Result<Vec<u8>, Trouble> {
    let mut text = Vec::new();
    let page = clap_mangen::Man::new(command.clone());
    page.render(&mut text).map_err(|error| Trouble::io("write", path, error))?;
    Ok(text)
}

pub(crate) fn version(args: &VersionArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let kernels: Vec<&str> = Kernel::available().into_iter().map(Kernel::name).collect();
    let threads = super::reconcile::threads_by_default();
    let version = env!("CARGO_PKG_VERSION");
    let text = if args.json {
        let value = json!({
            "type": "version", "v": 1, "name": "suanpan", "version": version,
            "target": format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
            "summary_schema": SUMMARY_SCHEMA, "kernels": kernels, "kernel": Kernel::best().name(),
            "threads": threads,
        });
        format!("{value:#}\n")
    } else {
        format!(
            "suanpan {version} ({}-{}; instructions: {}; {threads} threads)\n",
            std::env::consts::ARCH,
            std::env::consts::OS,
            kernels.join(", ")
        )
    };
    terminal.result(&text)?;
    Ok(status::FINE)
}
