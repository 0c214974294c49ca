//! Where logs go: stderr, as lines for people or as JSON.

use crate::cli::LogForm;
use crate::error::Trouble;
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Starts to log.
pub(super) fn start(form: LogForm, filter: &str) -> Result<(), Trouble> {
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        Trouble::new("log_filter", format!("`{filter}` is no filter: {error}"))
            .at("--log-filter")
            .next("write error, warn, info or debug, or suanpan_server=debug,warn")
    })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match form {
        LogForm::Text => builder.with_ansi(std::io::stderr().is_terminal()).with_target(false).try_init(),
        LogForm::Json => builder.json().flatten_event(true).with_current_span(false).try_init(),
    };
    started.map_err(|error| {
        Trouble::new("internal", error.to_string())
            .at("--log")
            .next("this is a fault of suanpan: please report it")
    })
}
