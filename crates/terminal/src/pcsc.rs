//! A reader of this machine, through the PC/SC service of the system.

use crate::card::{Card, CardGone};
use pcsc::{Context, Disposition, Error, MAX_BUFFER_SIZE, Protocols, ReaderState, Scope, ShareMode, State};
use std::ffi::CString;
use std::time::{Duration, Instant};

/// A card on a reader.
pub struct ReaderCard {
    card: Option<pcsc::Card>,
}

impl std::fmt::Debug for ReaderCard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReaderCard(..)")
    }
}

/// Lists the readers of this machine.
///
/// # Errors
/// [`CardGone`] when there is no service.
pub fn readers() -> Result<Vec<String>, CardGone> {
    let context = Context::establish(Scope::User).map_err(CardGone::new)?;
    let names = context.list_readers_owned().map_err(CardGone::new)?;
    Ok(names.into_iter().map(|name| name.to_string_lossy().into_owned()).collect())
}

impl ReaderCard {
    /// Waits for a card on the first reader whose name contains a text.
    ///
    /// # Errors
    /// [`CardGone`] when there is no such reader, or no card in time.
    pub fn connect(name: &str, patience: Duration) -> Result<ReaderCard, CardGone> {
        let context = Context::establish(Scope::User).map_err(CardGone::new)?;
        let names = context.list_readers_owned().map_err(CardGone::new)?;
        let found = names.into_iter().find(|reader| reader.to_string_lossy().contains(name));
        let reader: CString = found.ok_or_else(|| CardGone::new(format!("there is no reader {name}")))?;
        let until = Instant::now() + patience;
        let mut states = [ReaderState::new(reader.clone(), State::UNAWARE)];
        loop {
            match context.connect(&reader, ShareMode::Exclusive, Protocols::ANY) {
                Ok(card) => return Ok(ReaderCard { card: Some(card) }),
                Err(Error::NoSmartcard | Error::RemovedCard | Error::UnpoweredCard)
                    if Instant::now() < until =>
                {
                    states[0].sync_current_state();
                    let left = until.saturating_duration_since(Instant::now());
                    // A time-out only ends the waiting.
                    let _ = context.get_status_change(left, &mut states);
                }
                Err(error) => return Err(CardGone::new(error)),
            }
        }
    }
}

impl Card for ReaderCard {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, CardGone> {
        let card = self.card.as_ref().ok_or_else(|| CardGone::new("it was let go"))?;
        let mut buffer = [0; MAX_BUFFER_SIZE];
        card.transmit(command, &mut buffer).map(<[u8]>::to_vec).map_err(CardGone::new)
    }
}

impl Drop for ReaderCard {
    fn drop(&mut self) {
        if let Some(card) = self.card.take() {
            // It may be gone already.
            let _ = card.disconnect(Disposition::ResetCard);
        }
    }
}
