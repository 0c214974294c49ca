//! Keys in files: the master key, and the key that signs checkpoints. Hexadecimal digits, readable by their
//! owner only, made when they are missing.

use crate::cli::{MasterKeyArgs, StoreArgs};
use crate::error::Trouble;
use crate::store::beside;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use suanpan_messages::clearing::key::{PrivateKey, PublicKey};
use suanpan_messages::signing::rsa::{RsaPrivateKey, RsaPublicKey};
use suanpan_messages::signing::wechat::ResourceKey;
use zeroize::Zeroizing;

/// A file with a key has 64 digits and a line end, one of RSA some thousand bytes; more is something else.
const FILE_BYTES_MAX: u64 = 16 * 1024;

/// A key, and whether it was made just now.
pub(crate) struct KeyFound {
    pub(crate) key: [u8; 32],
    /// The file that was made, if one was.
    pub(crate) made: Option<PathBuf>,
}

/// Reads the master key of a store. It is made only where `may_make` says that nothing depends on one yet.
pub(crate) fn master_key(
    args: &MasterKeyArgs,
    store: &StoreArgs,
    may_make: bool,
) -> Result<KeyFound, Trouble> {
    let path = args.master_key_file.clone().unwrap_or_else(|| beside(store, "master-key"));
    key("SUANPAN_MASTER_KEY", &path, may_make, "--master-key-file")
}

/// A transport key of a card network, and whether it was made just now.
pub(crate) struct TransportKeyFound {
    pub(crate) key: [u8; 16],
    /// The file that was made, if one was.
    pub(crate) made: Option<PathBuf>,
}

/// Reads the transport key of a card network: 32 hexadecimal digits, the first half of what other keys have.
pub(crate) fn transport_key(path: &Path, may_make: bool) -> Result<TransportKeyFound, Trouble> {
    let next = "put in what was agreed with the network; its check value shows whether it is the same";
    short_key(path, may_make, "a transport key", next)
}

/// Reads the key under which terminals seal PINs. Whoever runs the server makes it, and puts it into the terminals.
pub(crate) fn terminal_pin_key(path: &Path, may_make: bool) -> Result<TransportKeyFound, Trouble> {
    let next = "put in the key that the server's file of channels names as terminal_pin_key_file";
    short_key(path, may_make, "a key of terminals", next)
}

/// Reads the master key of the issuer that is simulated, or makes it.
pub(crate) fn issuer_key(path: &Path) -> Result<TransportKeyFound, Trouble> {
    let next = "give the simulated card and the simulated card network the same file";
    short_key(path, true, "an issuer's key", next)
}

/// Reads a key of 32 hexadecimal digits.
fn short_key(
    path: &Path,
    may_make: bool,
    what: &str,
    next: &'static str,
) -> Result<TransportKeyFound, Trouble> {
    let text = match read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound && may_make => {
            let key = random::<16>()?;
            write_new(path, &line_of(&key))?;
            return Ok(TransportKeyFound { key, made: Some(path.to_owned()) });
        }
        Err(error) => return Err(Trouble::io("read", path, error)),
    };
    let key = digits(text.trim()).ok_or_else(|| {
        Trouble::new("key_wrong", format!("the file does not hold {what}: 32 hexadecimal digits"))
            .at(path.display().to_string())
            .next(next)
    })?;
    Ok(TransportKeyFound { key, made: None })
}

/// Reads a private key of RSA.
pub(crate) fn rsa_private_key(path: &Path) -> Result<RsaPrivateKey, Trouble> {
    let text = Zeroizing::new(read(path).map_err(|error| Trouble::io("read", path, error))?);
    RsaPrivateKey::parse(&text).map_err(|error| wrong_pem(path, &error))
}

/// Reads the key of version 3 of WeChat Pay, under which notifications are sealed: 32 characters.
pub(crate) fn resource_key(path: &Path) -> Result<ResourceKey, Trouble> {
    let text = Zeroizing::new(read(path).map_err(|error| Trouble::io("read", path, error))?);
    ResourceKey::new(text.trim().as_bytes()).map_err(|error| {
        Trouble::new("key_wrong", format!("the file does not hold a key of version 3: {error}"))
            .at(path.display().to_string())
            .next("put in the 32 characters that were set on the pages of the wallet")
    })
}

/// Reads a public key of RSA.
pub(crate) fn rsa_public_key(path: &Path) -> Result<RsaPublicKey, Trouble> {
    RsaPublicKey::parse(&public_text(path)?).map_err(|error| wrong_pem(path, &error))
}

/// Reads a private key of SM2 or RSA.
pub(crate) fn clearing_private_key(path: &Path) -> Result<PrivateKey, Trouble> {
    let text = Zeroizing::new(read(path).map_err(|error| Trouble::io("read", path, error))?);
    PrivateKey::parse(&text).map_err(|error| wrong_either(path, &error))
}

/// Reads a public key of SM2 or RSA.
pub(crate) fn clearing_public_key(path: &Path) -> Result<PublicKey, Trouble> {
    PublicKey::parse(&public_text(path)?).map_err(|error| wrong_either(path, &error))
}

fn wrong_either(path: &Path, why: &dyn std::fmt::Display) -> Trouble {
    Trouble::new("key_wrong", format!("the file holds neither a key of SM2 nor one of RSA: {why}"))
        .at(path.display().to_string())
        .next("give a key as PEM, or as bare Base64")
}

fn public_text(path: &Path) -> Result<String, Trouble> {
    let read = |error| Trouble::io("read", path, error);
    if std::fs::metadata(path).map_err(read)?.len() > FILE_BYTES_MAX {
        return Err(wrong_pem(path, &"it is too long to be one"));
    }
    std::fs::read_to_string(path).map_err(read)
}

fn wrong_pem(path: &Path, why: &dyn std::fmt::Display) -> Trouble {
    Trouble::new("key_wrong", format!("the file does not hold a key of RSA: {why}"))
        .at(path.display().to_string())
        .next("give a key as PEM, or as the bare Base64 in which the wallet shows it")
}

/// Reads the signing key of a store, or makes it.
pub(crate) fn signing_key(file: Option<&Path>, store: &StoreArgs) -> Result<(KeyFound, PathBuf), Trouble> {
    let path = file.map_or_else(|| beside(store, "signing-key"), Path::to_owned);
    Ok((key("SUANPAN_SIGNING_KEY", &path, true, "--signing-key-file")?, path))
}

fn key(variable: &'static str, path: &Path, may_make: bool, flag: &str) -> Result<KeyFound, Trouble> {
    if let Some(value) = std::env::var_os(variable) {
        let key =
            value.to_str().and_then(parse).ok_or_else(|| wrong(variable, &path.display().to_string()))?;
        return Ok(KeyFound { key, made: None });
    }
    match read(path) {
        Ok(text) => match parse(text.trim()) {
            Some(key) => Ok(KeyFound { key, made: None }),
            None => Err(wrong("the file", &path.display().to_string())),
        },
        Err(error) if error.kind() == ErrorKind::NotFound && may_make => {
            let key = make(path)?;
            Ok(KeyFound { key, made: Some(path.to_owned()) })
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Err(Trouble::new(
            "key_missing",
            format!("the store has keys of the API, and the master key under which they are kept is not there: {}", path.display()),
        )
        .at(path.display().to_string())
        .next(format!("put the file back, or name it with {flag}; {variable} may hold the key itself"))),
        Err(error) => Err(Trouble::io("read", path, error)),
    }
}

fn read(path: &Path) -> std::io::Result<String> {
    let metadata = std::fs::metadata(path)?;
    // A key that others read is no secret. Group bits are left to the owner's judgement: secrets of orchestrators
    // are often mounted with them.
    if metadata.mode() & 0o007 != 0 {
        return Err(std::io::Error::new(
            ErrorKind::PermissionDenied,
            "all users of this machine may read or change it; chmod 600 first",
        ));
    }
    if metadata.len() > FILE_BYTES_MAX {
        return Err(std::io::Error::new(ErrorKind::InvalidData, "it is too long to be a key"));
    }
    std::fs::read_to_string(path)
}

fn make(path: &Path) -> Result<[u8; 32], Trouble> {
    let key = random()?;
    write_new(path, &line_of(&key))?;
    Ok(key)
}

fn random<const N: usize>() -> Result<[u8; N], Trouble> {
    let mut key = [0; N];
    getrandom::fill(&mut key).map_err(|error| {
        Trouble::new("random", format!("the system gives no random bytes: {error}"))
            .at("getrandom")
            .next("check that this process may use it")
    })?;
    Ok(key)
}

/// Writes a key as a line of hexadecimal digits.
fn line_of(key: &[u8]) -> String {
    let mut text: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    text.push('\n');
    text
}

/// Writes a key into a file that is not there yet, for its owner only.
pub(crate) fn write_new(path: &Path, text: &str) -> Result<(), Trouble> {
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())?;
        // The store will depend on it: a power cut must not leave one without the other.
        file.sync_all()?;
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::File::open(folder)?.sync_all()?;
        }
        Ok(())
    };
    write().map_err(|error| Trouble::io("write", path, error))
}

/// Replaces the text of a file for its owner only, all at once: whoever reads it reads the one or the other.
pub(crate) fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Of this kind only its owner can read what it makes.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    std::fs::File::open(folder)?.sync_all()
}

fn parse(text: &str) -> Option<[u8; 32]> {
    digits(text)
}

fn digits<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut key = [0; N];
    for (byte, digits) in key.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(key)
}

fn wrong(what: &str, place: &str) -> Trouble {
    Trouble::new("key_wrong", format!("{what} does not hold a key: 64 hexadecimal digits"))
        .at(place)
        .next("put back what suanpan made, or make one: openssl rand -hex 32")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_is_made_once_for_its_owner_only_and_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("k");
        let made = key("SUANPAN_TEST_NOT_SET", &path, true, "--x").unwrap();
        assert_eq!(made.made.as_deref(), Some(path.as_path()));
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let again = key("SUANPAN_TEST_NOT_SET", &path, true, "--x").unwrap();
        assert!(again.made.is_none() && again.key == made.key && made.key != [0; 32]);

        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let error = key("SUANPAN_TEST_NOT_SET", &path, true, "--x").err().unwrap();
        assert!(error.faults[0].what.contains("chmod 600"), "{error:?}");
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_shown() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("k");
        for text in ["", "0", &"0".repeat(63), &"g".repeat(64), &"é".repeat(32)] {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            let error = key("SUANPAN_TEST_NOT_SET", &path, true, "--x").err().unwrap();
            assert_eq!(error.faults[0].code, "key_wrong");
            assert!(text.len() < 2 || !error.faults[0].what.contains(text));
        }
        let missing = key("SUANPAN_TEST_NOT_SET", &dir.path().join("m"), false, "--x").err().unwrap();
        assert_eq!(missing.faults[0].code, "key_missing");
    }
}
