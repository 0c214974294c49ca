//! A PIN is entered, and leaves in a block under the key of the terminals.

use crate::error::Trouble;
use crate::secrets::terminal_pin_key;
use crate::terminal::Terminal;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use std::io::{IsTerminal, Read};
use std::path::Path;
use suanpan_messages::emv::track::Track2;
use suanpan_messages::keys::DoubleKey;
use suanpan_messages::pin::{Pin, format_0};
use zeroize::Zeroizing;

/// A PIN has twelve digits at most, and a line end.
const LINE_BYTES_MAX: usize = 64;

/// Takes the PIN and seals it with the number of the card.
pub(super) fn block(
    key_file: &Path,
    pin_file: Option<&Path>,
    track: &Track2,
    terminal: Terminal,
) -> Result<[u8; 8], Trouble> {
    let key = DoubleKey::new(terminal_pin_key(key_file, false)?.key);
    let _ = terminal.result("PIN wanted\n");
    let line = match pin_file {
        Some(path) => {
            let file = std::fs::File::open(path).map_err(|error| Trouble::io("read", path, error))?;
            first_line(file).map_err(|error| Trouble::io("read", path, error))?
        }
        None => entered().map_err(|error| Trouble::io("read", Path::new("standard input"), error))?,
    };
    let wrong = |error: &dyn std::fmt::Display| {
        Trouble::new("pin_wrong", error.to_string())
            .at(if pin_file.is_some() { "--pin-file" } else { "standard input" })
            .next("enter 4 to 12 digits; nothing was asked for")
    };
    let pin = Pin::new(line.trim()).map_err(|error| wrong(&error))?;
    let clear = format_0(&pin, track.expose_number()).map_err(|error| wrong(&error))?;
    Ok(key.encrypt(*Zeroizing::new(clear)))
}

/// Reads a line that is typed, without showing it.
fn entered() -> std::io::Result<Zeroizing<String>> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        return first_line(input.lock());
    }
    let before = tcgetattr(&input)?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&input, OptionalActions::Flush, &silent)?;
    let line = first_line(input.lock());
    tcsetattr(&input, OptionalActions::Flush, &before)?;
    line
}

fn first_line(mut from: impl Read) -> std::io::Result<Zeroizing<String>> {
    let mut buffer = Zeroizing::new([0; LINE_BYTES_MAX]);
    let mut filled = 0;
    while filled < LINE_BYTES_MAX && !buffer[..filled].contains(&b'\n') {
        match from.read(&mut buffer[filled..])? {
            0 => break,
            count => filled += count,
        }
    }
    let line = buffer[..filled].split(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(Zeroizing::new(String::from_utf8_lossy(line).into_owned()))
}
