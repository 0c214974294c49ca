//! The command line: commands, options, their help, and what it says about exit status.

mod books;
mod examples;
mod moment;
mod routing;
mod simulate;
mod store;
mod terminal;
mod values;
mod webhooks;

pub(crate) use books::*;
use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use examples as ex;
pub(crate) use moment::{moment, parse_moment};
pub(crate) use routing::*;
pub(crate) use simulate::*;
use std::path::PathBuf;
pub(crate) use store::*;
pub(crate) use terminal::*;
pub(crate) use values::MEMORY_BYTES_MIN;
use values::{parse_count, parse_currency, parse_memory, parse_positive, parse_scheme, parse_threads};
pub(crate) use webhooks::{
    ApiArgs, EventRange, EventsArgs, EventsCommand, EventsListArgs, EventsResendArgs, EventsShowArgs,
    ListenArgs, TriggerArgs,
};

/// Examples come first: they answer most questions.
const TEMPLATE: &str = "\
{about}

{before-help}{usage-heading} {usage}

{all-args}{after-help}";

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const EXIT_STATUS: &str = "\
Exit status:
  0    both sides agree, or what is open may still arrive
  1    there are differences (see --fail-on)
  2    trouble: usage, an unreadable file, a wrong rule
  3    incomplete: an input that the rules expect is missing
  130  interrupted";

/// Payment, settlement and reconciliation in one binary
#[derive(Debug, Parser)]
#[command(
    name = "suanpan", version, styles = STYLES, max_term_width = 100, help_template = TEMPLATE,
    before_help = ex::SUANPAN, arg_required_else_help = true, disable_help_subcommand = false
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) terminal: TerminalArgs,
}

/// How to talk, for every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Talking")]
pub(crate) struct TerminalArgs {
    /// Print results and errors only
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Print the causes of an error too
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
    /// When to use colours; NO_COLOR and TERM=dumb are heeded
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t)]
    pub(crate) color: ColorWhen,
    /// How to show progress on stderr; auto is a bar on a terminal, and lines otherwise
    #[arg(long, global = true, value_name = "HOW", value_enum, default_value_t)]
    pub(crate) progress: ProgressHow,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum ColorWhen {
    #[default]
    Auto,
    Always,
    Never,
}

/// How to show progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum ProgressHow {
    #[default]
    Auto,
    Bar,
    Lines,
    Ndjson,
    None,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Reconcile(Box<ReconcileArgs>),
    Formats(FormatsArgs),
    Generate(GenerateArgs),
    Sketch(SketchArgs),
    Demo(DemoArgs),
    Serve(ServeArgs),
    Simulate(SimulateArgs),
    Terminal(TerminalCommandArgs),
    Ledger(LedgerArgs),
    Backup(BackupArgs),
    Restore(RestoreArgs),
    Doctor(DoctorArgs),
    Status(StatusArgs),
    Keys(KeysArgs),
    Listen(ListenArgs),
    Trigger(TriggerArgs),
    Events(EventsArgs),
    Routing(RoutingArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
    Version(VersionArgs),
}

/// Reconcile two sides: which records agree, which differ, and why
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE, before_help = ex::RECONCILE, after_help = EXIT_STATUS,
    args_conflicts_with_subcommands = true, subcommand_negates_reqs = true
)]
pub(crate) struct ReconcileArgs {
    #[command(subcommand)]
    pub(crate) command: Option<ReconcileCommand>,
    /// Our books: a file, a quoted pattern, a directory, or - for standard input
    #[arg(required = true, value_hint = ValueHint::AnyPath)]
    pub(crate) left: Option<String>,
    /// The other side
    #[arg(required = true, value_hint = ValueHint::AnyPath)]
    pub(crate) right: Option<String>,
    /// More files of the left side; may be repeated
    #[arg(long = "left", value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub(crate) more_left: Vec<String>,
    /// More files of the right side; may be repeated
    #[arg(long = "right", value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub(crate) more_right: Vec<String>,
    #[command(flatten)]
    pub(crate) statements: StatementArgs,
    /// The rules; without them they are guessed, and used only when the guess is sure
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) rules: Option<PathBuf>,
    /// Open items of the run before: its open_items.parquet
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) open_items: Option<String>,
    #[command(flatten)]
    pub(crate) result: ResultArgs,
    #[command(flatten)]
    pub(crate) means: MeansArgs,
}

/// Layouts beside those that come with the program.
#[derive(Debug, Args)]
pub(crate) struct LayoutArgs {
    /// A layout in TOML for statements of a kind that is not known; may be given several times
    #[arg(long = "layout", value_name = "LAYOUT", value_hint = ValueHint::FilePath)]
    pub(crate) layout: Vec<PathBuf>,
}

/// How statements of banks, wallets and processors are taken.
#[derive(Debug, Args)]
#[command(next_help_heading = "Statements")]
pub(crate) struct StatementArgs {
    /// Use statements that do not tie, and record who answers for it
    #[arg(long, value_name = "NAME")]
    pub(crate) accept_untied: Option<String>,
    /// The currency of statements that do not say theirs
    #[arg(long, value_name = "CODE", value_parser = parse_currency)]
    pub(crate) currency: Option<suanpan_money::Currency>,
    #[command(flatten)]
    pub(crate) layouts: LayoutArgs,
}

/// What comes out.
#[derive(Debug, Args)]
#[command(next_help_heading = "Results")]
pub(crate) struct ResultArgs {
    /// The folder for the report and its tables
    #[arg(long, short, value_name = "DIR", default_value = "suanpan-out", value_hint = ValueHint::DirPath)]
    pub(crate) out: PathBuf,
    /// What to print on stdout
    #[arg(long, value_name = "FORM", value_enum, default_value_t)]
    pub(crate) format: OutputForm,
    /// The language of report.html
    #[arg(long, value_name = "LANG", value_enum, default_value_t)]
    pub(crate) lang: LangChoice,
    /// Keep matched records too, in matched.parquet; every row is then looked at in full
    #[arg(long)]
    pub(crate) matched: bool,
    /// Which differences make the exit status 1
    #[arg(long, value_name = "WHICH", value_enum, default_value_t)]
    pub(crate) fail_on: FailOn,
    /// Stop as soon as more differences than this are known, with status 1 and without a report
    #[arg(long, value_name = "N", value_parser = parse_count)]
    pub(crate) max_differences: Option<u64>,
    /// Show the records with this first key and what became of them, in place of a report
    #[arg(long, value_name = "KEY", allow_hyphen_values = true, conflicts_with = "dry_run")]
    pub(crate) explain: Option<String>,
    /// Show the plan, and read no more than it takes to make one
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// By which means.
#[derive(Debug, Args)]
#[command(next_help_heading = "Means (none of them changes the result)")]
pub(crate) struct MeansArgs {
    /// The most memory to use, from 64MiB
    #[arg(long, value_name = "SIZE", default_value = "2GiB", value_parser = parse_memory)]
    pub(crate) memory: u64,
    /// Worker threads; by default all cores, or as many as the memory allows
    #[arg(long, value_name = "N", value_parser = parse_threads)]
    pub(crate) threads: Option<usize>,
    /// How to go about it; auto chooses by sizes and memory
    #[arg(long, value_name = "HOW", value_enum, default_value_t)]
    pub(crate) strategy: StrategyChoice,
    /// Go on from the state that an earlier run left in the output folder, where there is one
    #[arg(long)]
    pub(crate) resume: bool,
    /// Leave a state in the output folder from which --resume can go on
    #[arg(long)]
    pub(crate) checkpoint: bool,
    /// A file with the secret for hashing; drawn at random by default
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) secret_file: Option<PathBuf>,
}

/// What to print on stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum OutputForm {
    /// A table for people
    #[default]
    Human,
    /// The summary as one JSON document
    Json,
    /// A JSON object a line, the summary last
    Ndjson,
}

/// The language of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum LangChoice {
    /// English
    #[default]
    En,
    /// Chinese
    Zh,
}

/// Which differences count for the exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum FailOn {
    /// Every difference
    #[default]
    Any,
    /// Differences of money between records that found one another, and rejected rows
    Amount,
    /// Records that found no counterpart, and rejected rows
    Unmatched,
    /// None: 1 is not used; 2 and 3 still are
    Never,
}

/// How to go about a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum StrategyChoice {
    /// By sizes and memory
    #[default]
    Auto,
    /// Compact rows in memory
    Memory,
    /// A sketch of the difference, then the records that differ
    Sketch,
    /// Compact rows on disk
    Spill,
    /// Every row in full
    Full,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ReconcileCommand {
    Init(InitArgs),
    Check(CheckArgs),
}

/// Look at both sides and write first rules, saying how sure they are
#[derive(Debug, Args)]
#[command(help_template = TEMPLATE, before_help = ex::INIT)]
pub(crate) struct InitArgs {
    /// Our books
    #[arg(value_hint = ValueHint::AnyPath)]
    pub(crate) left: String,
    /// The other side
    #[arg(value_hint = ValueHint::AnyPath)]
    pub(crate) right: String,
    /// Where to write the rules; - is stdout
    #[arg(long, short, value_name = "FILE", default_value = "rules.toml", value_hint = ValueHint::FilePath)]
    pub(crate) output: PathBuf,
    /// Replace the file when it is there
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) statements: StatementArgs,
    /// Rows of each side to look at
    #[arg(long, value_name = "N", default_value = "20000", value_parser = parse_positive)]
    pub(crate) rows: u64,
}

/// Read rules, fit them to the files, and show the first rows as they will be read
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE, before_help = ex::CHECK,
    after_help = "Exit status:\n  0  all rows that were looked at can be read\n  1  some would be rejected\n  2  trouble: a wrong rule, a missing column, an unreadable file"
)]
pub(crate) struct CheckArgs {
    /// Our books
    #[arg(value_hint = ValueHint::AnyPath)]
    pub(crate) left: String,
    /// The other side
    #[arg(value_hint = ValueHint::AnyPath)]
    pub(crate) right: String,
    /// The rules
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) rules: PathBuf,
    #[command(flatten)]
    pub(crate) statements: StatementArgs,
    /// Rows of each file to show
    #[arg(long, value_name = "N", default_value = "5", value_parser = parse_positive)]
    pub(crate) rows: u64,
}

/// Look into statements of banks, wallets, card networks and processors
#[derive(Debug, Args)]
#[command(help_template = TEMPLATE, before_help = ex::FORMATS, arg_required_else_help = true)]
pub(crate) struct FormatsArgs {
    #[command(subcommand)]
    pub(crate) command: FormatsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FormatsCommand {
    Identify(IdentifyArgs),
    Show(ShowArgs),
    List(FormatsListArgs),
    Test(FormatsTestArgs),
}

/// Say which format each file is, and why
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE, before_help = ex::IDENTIFY,
    after_help = "Exit status:\n  0  each file is of one known format\n  2  a file is of none, or looks like several; what was tried is listed"
)]
pub(crate) struct IdentifyArgs {
    /// Files, quoted patterns, directories, archives, or - for standard input
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub(crate) files: Vec<String>,
    /// As JSON, an object a file
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) layouts: LayoutArgs,
}

/// Print what is in statements: normalised records, checks and faults
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE, before_help = ex::SHOW,
    after_help = "Exit status:\n  0  everything was read, and what the files declare agrees with their content\n  1  a line cannot be read, a total does not tie, or a rule of the scheme is broken\n  2  trouble: an unknown format, an unreadable file"
)]
pub(crate) struct ShowArgs {
    /// Files, quoted patterns, directories, archives, or - for standard input
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub(crate) files: Vec<String>,
    /// How to print records
    #[arg(long, value_name = "FORM", value_enum, default_value_t)]
    pub(crate) format: ShowForm,
    /// Read as this format, whatever the content says
    #[arg(long = "as", value_name = "ID")]
    pub(crate) as_format: Option<String>,
    /// Print this many records of each file at most; all are read and checked
    #[arg(long, value_name = "N", value_parser = parse_positive)]
    pub(crate) limit: Option<u64>,
    /// The currency of statements that do not say theirs
    #[arg(long, value_name = "CODE", value_parser = parse_currency)]
    pub(crate) currency: Option<suanpan_money::Currency>,
    /// Hold payment messages against the rules of a scheme too: cbpr, sepa or fednow
    #[arg(long, value_name = "NAME", value_parser = parse_scheme)]
    pub(crate) scheme: Option<suanpan_formats::Scheme>,
    #[command(flatten)]
    pub(crate) layouts: LayoutArgs,
}

/// How to print records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum ShowForm {
    /// A table for people
    #[default]
    Table,
    /// An event a line: statements, records with raw text, checks, faults
    Json,
    /// The columns that rules for statements name
    Csv,
}

/// List the formats that are known
#[derive(Debug, Args)]
#[command(help_template = TEMPLATE, before_help = ex::FORMATS_LIST)]
pub(crate) struct FormatsListArgs {
    /// As JSON, an object a format
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) layouts: LayoutArgs,
}

/// Check layouts and run the tests that they hold
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE, before_help = ex::FORMATS_TEST,
    after_help = "Exit status:\n  0  every layout can be read and all its tests pass\n  1  a test fails\n  2  trouble: a layout that cannot be read, or one without tests"
)]
pub(crate) struct FormatsTestArgs {
    /// Layouts in TOML; files that their tests name are looked for beside them
    #[arg(required = true, value_name = "LAYOUT", value_hint = ValueHint::FilePath)]
    pub(crate) layouts: Vec<PathBuf>,
}

/// Make up data with known truth
#[derive(Debug, Args)]
#[command(help_template = TEMPLATE, before_help = ex::GENERATE, arg_required_else_help = true)]
pub(crate) struct GenerateArgs {
    #[command(subcommand)]
    pub(crate) command: GenerateCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum GenerateCommand {
    Day(DayArgs),
}

/// Make up a business day: ledger, channel, rules, and the truth about their differences
#[derive(Debug, Args)]
#[command(help_template = TEMPLATE, before_help = ex::DAY)]
pub(crate) struct DayArgs {
    /// Where to write; made if it does not exist
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) dir: PathBuf,
    /// Payments of the day: about as many records on each side
    #[arg(long, value_name = "N", default_value = "1m", value_parser = parse_count)]
    pub(crate) records: u64,
    /// Another seed gives another day
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(crate) seed: u64,
    /// A file that says how many faults of which code to seed, or default
    #[arg(long, value_name = "FILE", default_value = "default", value_hint = ValueHint::FilePath)]
    pub(crate) faults: String,
    /// csv, ndjson or parquet
    #[arg(long, value_name = "FORM", default_value = "csv")]
    pub(crate) format: suanpan_sim::day::DayFormat,
    /// shuffled or sorted
    #[arg(long, value_name = "ORDER", default_value = "shuffled")]
    pub(crate) order: suanpan_sim::day::RowOrder,
    /// How order ids repeat: unique, zipf, one-hot:COUNT or null
    #[arg(long, value_name = "SHAPE", default_value = "unique")]
    pub(crate) keys: suanpan_sim::day::KeyShape,
}

/// Make a sketch of one side, from which differences can be read but not records
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE, before_help = ex::SKETCH,
    args_conflicts_with_subcommands = true, subcommand_negates_reqs = true
)]
pub(crate) struct SketchArgs {
    #[command(subcommand)]
    pub(crate) command: Option<SketchCommand>,
    /// The files of the side
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub(crate) files: Vec<String>,
    /// The rules that both parties use
    #[arg(long, short, required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) rules: Option<PathBuf>,
    /// Which side of the rules the files are
    #[arg(long, required = true, value_name = "SIDE", value_enum)]
    pub(crate) side: Option<SideChoice>,
    /// A file with the secret that both parties share
    #[arg(long, required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) secret_file: Option<PathBuf>,
    /// Cells of the sketch, 32 bytes each; it has room for about 0.73 differences a cell
    #[arg(long, value_name = "N", default_value = "131072", value_parser = parse_positive)]
    pub(crate) cells: u64,
    /// Where to write the sketch
    #[arg(long, short, required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
    /// Worker threads; by default all cores, or as many as the memory allows
    #[arg(long, value_name = "N", value_parser = parse_threads)]
    pub(crate) threads: Option<usize>,
}

/// A side of the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SideChoice {
    /// Our books
    Left,
    /// The other side
    Right,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SketchCommand {
    Diff(SketchDiffArgs),
    Locate(SketchLocateArgs),
}

/// Find the differences of two parties from their sketches
#[derive(Debug, Args)]
#[command(help_template = TEMPLATE, before_help = ex::SKETCH_DIFF, after_help = SKETCH_EXIT_STATUS)]
pub(crate) struct SketchDiffArgs {
    /// One sketch
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) a: PathBuf,
    /// The other
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) b: PathBuf,
    /// Write the differing hashes into a CSV file
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: Option<PathBuf>,
}

const SKETCH_EXIT_STATUS: &str = "\
Exit status:
  0  both sides agree
  1  they differ, or by more than the sketches can bear
  2  trouble: the sketches do not belong together, an unreadable file";

/// Find the records of one's own side behind differing hashes
#[derive(Debug, Args)]
#[command(help_template = TEMPLATE, before_help = ex::SKETCH_LOCATE)]
pub(crate) struct SketchLocateArgs {
    /// The differing hashes, as `sketch diff --out` wrote them
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) differences: PathBuf,
    /// The files of the side
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub(crate) files: Vec<String>,
    /// The rules that the sketch was made with
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) rules: PathBuf,
    /// Which side of the rules the files are
    #[arg(long, value_name = "SIDE", value_enum)]
    pub(crate) side: SideChoice,
    /// A file with the secret that both parties share
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) secret_file: PathBuf,
    /// Worker threads; by default all cores, or as many as the memory allows
    #[arg(long, value_name = "N", value_parser = parse_threads)]
    pub(crate) threads: Option<usize>,
}

/// Make up a day of a million records a side, reconcile it, and show the report
#[derive(Debug, Args)]
#[command(help_template = TEMPLATE, before_help = ex::DEMO)]
pub(crate) struct DemoArgs {
    /// Payments of the day
    #[arg(long, value_name = "N", default_value = "1m", value_parser = parse_positive)]
    pub(crate) rows: u64,
    /// A folder for the day's files, which are then kept
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) keep: Option<PathBuf>,
    /// Do not reconcile a second time by other means to compare the results
    #[arg(long)]
    pub(crate) once: bool,
}

/// Print completions for a shell
#[derive(Debug, Args)]
#[command(help_template = TEMPLATE, before_help = ex::COMPLETIONS)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

/// Print the manual page, or write one for each command
#[derive(Debug, Args)]
#[command(help_template = TEMPLATE, before_help = ex::MAN)]
pub(crate) struct ManArgs {
    /// Write one page a command into this folder
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) dir: Option<PathBuf>,
}

/// Print the version, and what this build can do on this machine
#[derive(Debug, Args)]
#[command(help_template = TEMPLATE, before_help = ex::VERSION)]
pub(crate) struct VersionArgs {
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_definitions_are_consistent_and_every_command_begins_with_two_examples() {
        fn visit(command: &clap::Command, path: &str, seen: &mut usize) {
            *seen += 1;
            let help = command.get_before_help().unwrap_or_else(|| panic!("{path}: no examples")).to_string();
            let examples = help.lines().filter(|line| line.trim_start().starts_with("suanpan ")).count();
            assert!(examples >= 2, "{path}: {examples} examples");
            assert!(command.get_about().is_some(), "{path}: says nothing about itself");
            for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
                visit(sub, &format!("{path} {}", sub.get_name()), seen);
            }
        }
        let mut command = super::Cli::command();
        command.clone().debug_assert();
        command.build();
        let mut seen = 0;
        visit(&command, "suanpan", &mut seen);
        assert_eq!(seen, 63);
    }
}
