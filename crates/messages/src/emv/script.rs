//! Scripts by which an issuer changes a card (71 and 72), and what became of them (EMV 4.3, book 3, 10.10).

use crate::emv::apdu::{Command, CommandError};
use crate::tlv::{Object, Tag, TlvError, encode};

/// Carried out before the second GENERATE AC.
pub const BEFORE: Tag = Tag(0x71);
/// Carried out after it.
pub const AFTER: Tag = Tag(0x72);

const IDENTIFIER: Tag = Tag(0x9F18);
const COMMAND: Tag = Tag(0x86);

/// A script. Commands do not show their data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// Whether it is carried out after the second GENERATE AC (72) and not before it (71).
    pub after: bool,
    /// What the issuer calls it.
    pub identifier: Option<[u8; 4]>,
    /// The commands in their order.
    pub commands: Vec<Command>,
}

/// Why a script cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// Another template.
    #[error("{0} is not a script")]
    Template(Tag),
    /// The template is not BER-TLV.
    #[error("in the script: {0}")]
    Tlv(#[from] TlvError),
    /// An object that a script does not have, or an identifier of another length.
    #[error("a script has an identifier of four bytes and commands, not {0}")]
    Object(Tag),
    /// A command cannot be read.
    #[error("command {place} of the script: {error}")]
    Command {
        /// Its number, from 1.
        place: usize,
        /// What is wrong.
        error: CommandError,
    },
}

impl Script {
    /// Reads a script from its template.
    ///
    /// # Errors
    /// [`ScriptError`], with the place.
    pub fn read(template: &Object) -> Result<Script, ScriptError> {
        let after = match template.tag {
            BEFORE => false,
            AFTER => true,
            other => return Err(ScriptError::Template(other)),
        };
        let mut script = Script { after, identifier: None, commands: Vec::new() };
        for object in template.children()? {
            match (object.tag, <[u8; 4]>::try_from(&object.value[..])) {
                (IDENTIFIER, Ok(identifier)) if script.identifier.is_none() && script.commands.is_empty() => {
                    script.identifier = Some(identifier);
                }
                (COMMAND, _) => {
                    let place = script.commands.len() + 1;
                    let command = Command::decode(&object.value);
                    script.commands.push(command.map_err(|error| ScriptError::Command { place, error })?);
                }
                (other, _) => return Err(ScriptError::Object(other)),
            }
        }
        Ok(script)
    }

    /// Writes the script as a template.
    #[must_use]
    pub fn write(&self) -> Object {
        let identifier = self.identifier.map(|value| Object { tag: IDENTIFIER, value: value.to_vec() });
        let commands = self.commands.iter().map(|c| Object { tag: COMMAND, value: c.encode() });
        let objects: Vec<Object> = identifier.into_iter().chain(commands).collect();
        Object { tag: if self.after { AFTER } else { BEFORE }, value: encode(&objects) }
    }
}

/// What became of a script, from tag 9F5B or, in the messages of UnionPay, DF31: five bytes for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScriptResult {
    /// How it went.
    pub outcome: ScriptOutcome,
    /// Which command failed, from 1; 0 where none did or it is not told.
    pub failed_command: u8,
    /// What the issuer calls the script.
    pub identifier: [u8; 4],
}

/// How a script went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScriptOutcome {
    /// It was not carried out.
    NotPerformed,
    /// A command failed.
    Failed,
    /// All commands succeeded.
    Succeeded,
}

/// Reads results of scripts; nothing where they are not five bytes each, or an outcome is not named.
#[must_use]
pub fn results(bytes: &[u8]) -> Option<Vec<ScriptResult>> {
    let (entries, []) = bytes.as_chunks::<5>() else { return None };
    let result = |&[first, a, b, c, d]: &[u8; 5]| {
        let outcome = match first >> 4 {
            0 => ScriptOutcome::NotPerformed,
            1 => ScriptOutcome::Failed,
            2 => ScriptOutcome::Succeeded,
            _ => return None,
        };
        Some(ScriptResult { outcome, failed_command: first & 15, identifier: [a, b, c, d] })
    };
    entries.iter().map(result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emv::apdu::Request;

    /// A script that unblocks a PIN: the layout is that of the book, the code is made up.
    const UNBLOCK: &str = "9F180400000001860D8424000008AABBCCDDEEFF0011";

    #[test]
    fn a_script_is_read_and_written() {
        let template = Object { tag: AFTER, value: hex::decode(UNBLOCK).unwrap() };
        let script = Script::read(&template).unwrap();
        assert_eq!((script.after, script.identifier), (true, Some([0, 0, 0, 1])));
        assert_eq!(script.commands[0].request(), Some(Request::PinChange));
        assert_eq!(script.commands[0].data().len(), 8);
        assert_eq!(script.write(), template);
        assert!(!format!("{script:?}").contains("AABB") && !format!("{script:?}").contains("170"));
    }

    #[test]
    fn what_is_no_script_is_refused() {
        let read =
            |tag: u32, text: &str| Script::read(&Object { tag: Tag(tag), value: hex::decode(text).unwrap() });
        assert_eq!(read(0x70, UNBLOCK), Err(ScriptError::Template(Tag(0x70))));
        assert_eq!(read(0x71, "9F18020001"), Err(ScriptError::Object(Tag(0x9F18))));
        assert_eq!(read(0x71, "5A0162"), Err(ScriptError::Object(Tag(0x5A))));
        let short = ScriptError::Command { place: 1, error: CommandError::Short(2) };
        assert_eq!(read(0x71, "86028424"), Err(short));
        assert_eq!(read(0x71, "8605"), Err(ScriptError::Tlv(TlvError::Short { offset: 2, part: "a value" })));
    }

    #[test]
    fn results_are_read() {
        let read = results(&hex::decode("20000000011300000002").unwrap()).unwrap();
        assert_eq!(read[0].outcome, ScriptOutcome::Succeeded);
        assert_eq!((read[1].outcome, read[1].failed_command), (ScriptOutcome::Failed, 3));
        assert_eq!(results(&[0x20, 0, 0, 0]), None);
        assert_eq!(results(&[0x30, 0, 0, 0, 0]), None);
        assert_eq!(results(&[]), Some(Vec::new()));
    }
}
