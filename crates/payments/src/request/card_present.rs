//! Cards that were held to a terminal, in requests.

use super::card::within;
use crate::object::payment_method::{CardNumber, ChipCard};
use crate::rejection::Rejection;
use crate::wire;
use serde::{Deserialize, Deserializer};
use suanpan_messages::emv::apdu::CryptogramKind;
use suanpan_messages::emv::data::ChipData;
use suanpan_messages::emv::track::Track2;
use suanpan_messages::pin::PinBlock;
use suanpan_messages::tlv::Tag;

/// How the card was read: without contact.
const CONTACTLESS: &str = "contactless";
/// Bytes of field 55 of ISO 8583.
const EMV_DATA_BYTES: usize = 255;
/// What an issuer needs to prove a cryptogram.
const NEEDED: [u32; 12] =
    [0x9F26, 0x9F27, 0x9F10, 0x9F37, 0x9F36, 0x95, 0x9A, 0x9C, 0x9F02, 0x5F2A, 0x82, 0x9F1A];
/// What has fields of its own, and must not stand in the clear beside the rest: tracks, number, name, PIN.
const ELSEWHERE: [u32; 6] = [0x56, 0x57, 0x5A, 0x5F20, 0x99, 0x9F20];

/// A card that was held to a terminal, for one payment.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CardPresentData {
    /// The card among those of its number (5F34), 0 to 99.
    #[serde(default, deserialize_with = "wire::integer")]
    pub card_sequence: Option<i64>,
    /// What goes to the issuer: data objects of EMV side by side, in hexadecimal, without number and tracks.
    #[serde(default, deserialize_with = "secret_text")]
    #[schema(value_type = Option<String>)]
    pub emv_data: Option<CardNumber>,
    /// `contactless`
    #[serde(default, deserialize_with = "wire::text")]
    pub entry: Option<String>,
    /// The PIN in a block of ISO 9564 format 0 under the key of the terminals, in hexadecimal; where one was entered.
    #[serde(default, deserialize_with = "secret_text")]
    #[schema(value_type = Option<String>)]
    pub pin_block: Option<CardNumber>,
    /// Track 2 (57), in hexadecimal.
    #[serde(default, deserialize_with = "secret_text")]
    #[schema(value_type = Option<String>)]
    pub track2: Option<CardNumber>,
}

impl CardPresentData {
    /// Reads the card. Whether its number and date are good is for the vault to say, and whether its cryptogram is right
    /// for its issuer.
    ///
    /// # Errors
    /// The first [`Rejection`] about shapes; none tells what was sent.
    pub fn source(&self, at: &str) -> Result<ChipCard, Rejection> {
        let wrong = |name: &str, why: String| Rejection::ParameterInvalid { param: within(at, name), why };
        let missing = |name: &str| Rejection::ParameterMissing { param: within(at, name) };
        match self.entry.as_deref() {
            None | Some("") => return Err(missing("entry")),
            Some(CONTACTLESS) => {}
            Some(_) => return Err(wrong("entry", format!("it is {CONTACTLESS}"))),
        }
        let bytes = |name: &str, text: &CardNumber| {
            hex::decode(&text.0)
                .map_err(|_| wrong(name, "pairs of hexadecimal digits are expected".to_owned()))
        };
        let track = self.track2.as_ref().ok_or_else(|| missing("track2"))?;
        let track_2 = Track2::decode(&bytes("track2", track)?)
            .ok_or_else(|| wrong("track2", "it is not track 2 of a card".to_owned()))?;
        let data = self.emv_data.as_ref().ok_or_else(|| missing("emv_data"))?;
        if data.0.len() > 2 * EMV_DATA_BYTES {
            let (limit, unit) = (2 * EMV_DATA_BYTES, "hexadecimal digits");
            return Err(Rejection::ParameterTooLong { param: within(at, "emv_data"), limit, unit });
        }
        let data = chip_data(&bytes("emv_data", data)?).map_err(|why| wrong("emv_data", why))?;
        let pin_block = match &self.pin_block {
            None => None,
            Some(text) => {
                let block = bytes("pin_block", text)?.try_into();
                let why = "a PIN block of format 0 has eight bytes".to_owned();
                Some(PinBlock(block.map_err(|_| wrong("pin_block", why))?))
            }
        };
        let sequence = self.card_sequence.unwrap_or_default();
        let sequence = u8::try_from(sequence)
            .ok()
            .filter(|sequence| *sequence <= 99)
            .ok_or_else(|| wrong("card_sequence", "it is 0 to 99".to_owned()))?;
        Ok(ChipCard { track_2, sequence, data, pin_block })
    }
}

/// Reads what goes to the issuer. Texts of errors name tags and lengths, never values.
fn chip_data(bytes: &[u8]) -> Result<ChipData, String> {
    let data = ChipData::decode(bytes).map_err(|error| error.to_string())?;
    if let Some(misfit) = data.misfits().next() {
        return Err(misfit.to_string());
    }
    if let Some(tag) = ELSEWHERE.into_iter().find(|tag| data.get(Tag(*tag)).is_some()) {
        return Err(format!("{} does not belong here", Tag(tag)));
    }
    if let Some(tag) = NEEDED.into_iter().find(|tag| data.get(Tag(*tag)).is_none()) {
        return Err(format!("{} is missing", Tag(tag)));
    }
    let kind = data.information().ok().flatten().map(|information| information.kind);
    if kind != Some(CryptogramKind::Online) {
        return Err("9F27 does not say that the issuer is to be asked".to_owned());
    }
    if data.transaction_type() != Ok(Some(0)) {
        return Err("9C is not that of a purchase".to_owned());
    }
    match data.amount() {
        Ok(Some(amount)) if amount.minor > 0 => Ok(data),
        _ => Err("9F02 and 5F2A are no amount of a currency".to_owned()),
    }
}

fn secret_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<CardNumber>, D::Error> {
    Ok(wire::text(deserializer)?.filter(|text| !text.is_empty()).map(CardNumber))
}
