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
    let man = clap_mangen::Man::new(command.clone());
    let mut render = || -> std::io::Result<()> {
        man.render_title(&mut text)?;
        man.render_name_section(&mut text)?;
        man.render_synopsis_section(&mut text)?;
        text.extend(examples(command).bytes());
        man.render_options_section(&mut text)?;
        if command.has_subcommands() {
            man.render_subcommands_section(&mut text)?;
        }
        if command.get_after_help().is_some() {
            man.render_extra_section(&mut text)?;
        }
        Ok(())
    };
    render().map_err(|error| Trouble::io("write", path, error))?;
    Ok(text)
}

/// The examples of a command as a section in roff, as they stand in its help.
fn examples(command: &clap::Command) -> String {
    let help = command.get_before_help().map(ToString::to_string).unwrap_or_default();
    let lines = help.lines().skip(1).map(|line| line.trim().replace('\\', "\\e").replace('-', "\\-"));
    let lines: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
    format!(".SH EXAMPLES\n.nf\n{}\n.fi\n", lines.join("\n"))
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
