//! Some fields as values: additional amounts (54), original data (90), working keys of a terminal (62).

use super::{MessageType, View};

/// Why a field does not hold what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("field {number}, character {at}: {what}")]
pub struct TypedError {
    /// The field.
    pub number: u8,
    /// The character.
    pub at: usize,
    /// What is wrong.
    pub what: &'static str,
}

/// An amount of field 54, such as a balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdditionalAmount {
    /// The type of account, two characters: `30` for credit.
    pub account_type: [u8; 2],
    /// The type of amount, two characters: `01` for the ledger balance, `02` for the available one.
    pub amount_type: [u8; 2],
    /// The currency, three characters.
    pub currency: [u8; 3],
    /// The amount in minor units of the currency; what is owed is negative.
    pub amount_minor: i64,
}

/// How many characters an amount of field 54 has.
const AMOUNT_LEN: usize = 20;
/// The greatest amount that twelve digits can say.
const AMOUNT_MAX: i64 = 999_999_999_999;

impl AdditionalAmount {
    /// Reads field 54.
    ///
    /// # Errors
    /// When it is not made of blocks of twenty, with a sign `C` or `D` and twelve digits each. Zero with the sign
    /// `D` is read as zero, and would be written with `C`.
    pub fn read(value: &[u8]) -> Result<Vec<AdditionalAmount>, TypedError> {
        let fault = |at, what| TypedError { number: 54, at, what };
        let block = |(index, block): (usize, &[u8])| {
            let at = index * AMOUNT_LEN;
            let [a, b, c, d, e, f, g, sign, digits @ ..] = block else {
                return Err(fault(at, "the last amount is cut short"));
            };
            if digits.len() != 12 || !digits.iter().all(u8::is_ascii_digit) {
                return Err(fault(at + 8, "the amount is not twelve digits"));
            }
            let amount = digits.iter().fold(0, |amount, digit| amount * 10 + i64::from(digit - b'0'));
            let amount_minor = match sign {
                b'C' => amount,
                b'D' => -amount,
                _ => return Err(fault(at + 7, "the sign is neither C nor D")),
            };
            Ok(AdditionalAmount {
                account_type: [*a, *b],
                amount_type: [*c, *d],
                currency: [*e, *f, *g],
                amount_minor,
            })
        };
        value.chunks(AMOUNT_LEN).enumerate().map(block).collect()
    }

    /// Writes field 54.
    ///
    /// # Errors
    /// When an amount has more than twelve digits.
    pub fn write(amounts: &[AdditionalAmount]) -> Result<Vec<u8>, TypedError> {
        let mut value = Vec::with_capacity(amounts.len() * AMOUNT_LEN);
        for (index, amount) in amounts.iter().enumerate() {
            if amount.amount_minor < -AMOUNT_MAX || amount.amount_minor > AMOUNT_MAX {
                let at = index * AMOUNT_LEN + 8;
                return Err(TypedError { number: 54, at, what: "the amount has more than twelve digits" });
            }
            value.extend(amount.account_type);
            value.extend(amount.amount_type);
            value.extend(amount.currency);
            value.push(if amount.amount_minor < 0 { b'D' } else { b'C' });
            value.extend(format!("{:012}", amount.amount_minor.unsigned_abs()).into_bytes());
        }
        Ok(value)
    }
}

/// The message that another refers to: field 90 of 1987 and UnionPay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OriginalData {
    /// Its type.
    pub message_type: MessageType,
    /// Its system trace audit number (field 11).
    pub trace: [u8; 6],
    /// When it was sent (field 7).
    pub sent_at: [u8; 10],
    /// Its acquiring institution (field 32), filled with zeros on the left.
    pub acquirer: [u8; 11],
    /// Its forwarding institution (field 33), filled with zeros on the left.
    pub forwarder: [u8; 11],
}

impl OriginalData {
    /// Reads field 90.
    ///
    /// # Errors
    /// When it is not forty-two digits.
    pub fn read(value: &[u8]) -> Result<OriginalData, TypedError> {
        let fault = |at, what| TypedError { number: 90, at, what };
        if let Some(at) = value.iter().position(|byte| !byte.is_ascii_digit()) {
            return Err(fault(at, "is not a digit"));
        }
        let read = || {
            let (message_type, rest) = value.split_first_chunk()?;
            let (trace, rest) = rest.split_first_chunk()?;
            let (sent_at, rest) = rest.split_first_chunk()?;
            let (acquirer, rest) = rest.split_first_chunk()?;
            Some(OriginalData {
                message_type: MessageType::new(*message_type)?,
                trace: *trace,
                sent_at: *sent_at,
                acquirer: *acquirer,
                forwarder: rest.try_into().ok()?,
            })
        };
        read().ok_or(fault(value.len().min(42), "does not have forty-two digits"))
    }

    /// Writes field 90.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        [self.message_type.digits(), &self.trace[..], &self.sent_at, &self.acquirer, &self.forwarder].concat()
    }

    /// Takes what names a message from its fields 7, 11, 32 and 33; an institution that is not there is zeros.
    /// None where the type or fields 7 and 11 are not there.
    #[must_use]
    pub fn of(view: &View<'_>) -> Option<OriginalData> {
        let fixed = |number| view.get(number).map(|value| value.characters());
        let institution = |number| {
            let mut digits = [b'0'; 11];
            if let Some(value) = fixed(number) {
                digits.get_mut(11_usize.checked_sub(value.len())?..)?.copy_from_slice(&value);
            }
            Some(digits)
        };
        Some(OriginalData {
            message_type: view.message_type()?,
            trace: fixed(11)?.as_ref().try_into().ok()?,
            sent_at: fixed(7)?.as_ref().try_into().ok()?,
            acquirer: institution(32)?,
            forwarder: institution(33)?,
        })
    }
}

/// A key that a terminal gets when it signs on, encrypted under its master key.
#[derive(Clone, PartialEq, Eq)]
pub struct WorkingKey {
    /// The encrypted key.
    pub encrypted: Vec<u8>,
    /// The first bytes of a zero block encrypted with it.
    pub check_value: Vec<u8>,
}

impl std::fmt::Debug for WorkingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WorkingKey(..)")
    }
}

/// By length of field 62: how long keys and check values are. The keys are for PINs, MACs and, as a third, tracks.
/// That 57 bytes are three keys with check values of three bytes is concluded from one real message.
const KEY_LENGTHS: [(usize, usize, usize); 5] =
    [(24, 8, 4), (40, 16, 4), (60, 16, 4), (84, 24, 4), (57, 16, 3)];

impl WorkingKey {
    /// Reads field 62 of a terminal's sign-on: the keys for PINs, for MACs and, where there is a third, for tracks.
    ///
    /// # Errors
    /// When it has none of the known lengths: 24, 40, 57, 60 or 84 bytes.
    pub fn read(value: &[u8]) -> Result<Vec<WorkingKey>, TypedError> {
        let known = KEY_LENGTHS.iter().find(|(len, _, _)| *len == value.len());
        let (_, key, check) = *known.ok_or(TypedError {
            number: 62,
            at: value.len(),
            what: "does not have a length of two or three keys",
        })?;
        let split = |chunk: &[u8]| {
            let (encrypted, check_value) = chunk.split_at(key);
            WorkingKey { encrypted: encrypted.to_vec(), check_value: check_value.to_vec() }
        };
        Ok(value.chunks_exact(key + check).map(split).collect())
    }

    /// Writes field 62.
    #[must_use]
    pub fn write(keys: &[WorkingKey]) -> Vec<u8> {
        keys.iter().flat_map(|key| [&key.encrypted[..], &key.check_value].concat()).collect()
    }
}
