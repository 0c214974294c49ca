//! Messages on a line: each has its length in front.

/// How the length in front of a message is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefix {
    /// Two bytes, the greater first: terminals.
    TwoBytes,
    /// Four digits of ASCII: UnionPay's host.
    FourDigits,
}

/// How messages stand on a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Framing {
    /// How lengths are written.
    pub prefix: Prefix,
    /// Whether a length counts its own bytes too.
    pub counts_itself: bool,
    /// The longest message that is taken or sent.
    pub message_bytes_max: usize,
}

/// Why bytes are no framed message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Longer than the line takes, or than the prefix can say.
    #[error("a message of {len} bytes is longer than the {max} that are taken")]
    Long {
        /// How long it is, or says that it is.
        len: usize,
        /// How long it may be.
        max: usize,
    },
    /// A length that is no number.
    #[error("the length of a message is not four digits")]
    NotANumber,
    /// A length that counts itself and is shorter than itself.
    #[error("a length of {len} is shorter than itself")]
    Small {
        /// What it says.
        len: usize,
    },
}

/// A message, and the bytes behind it.
pub type Split<'b> = (&'b [u8], &'b [u8]);

impl Framing {
    /// Terminals: two bytes that do not count themselves.
    pub const TERMINAL: Framing =
        Framing { prefix: Prefix::TwoBytes, counts_itself: false, message_bytes_max: 65_535 };
    /// UnionPay's host: four digits that do not count themselves. A length of zero asks whether the line is there.
    pub const HOST: Framing =
        Framing { prefix: Prefix::FourDigits, counts_itself: false, message_bytes_max: 9_999 };

    const fn prefix_len(&self) -> usize {
        match self.prefix {
            Prefix::TwoBytes => 2,
            Prefix::FourDigits => 4,
        }
    }

    const fn own_len(&self) -> usize {
        if self.counts_itself { self.prefix_len() } else { 0 }
    }

    const fn message_max(&self) -> usize {
        let sayable = match self.prefix {
            Prefix::TwoBytes => 65_535,
            Prefix::FourDigits => 9_999,
        } - self.own_len();
        if self.message_bytes_max < sayable { self.message_bytes_max } else { sayable }
    }

    /// Finds the first message of what has come so far: it, and what comes behind. None where more must come
    /// first. A message without bytes asks whether the line is there.
    ///
    /// # Errors
    /// [`FrameError`]: the line is out of step and must be closed. It is told as soon as the length has come, before
    /// anybody waits for the message.
    pub fn split<'b>(&self, bytes: &'b [u8]) -> Result<Option<Split<'b>>, FrameError> {
        let Some((prefix, rest)) = bytes.split_at_checked(self.prefix_len()) else { return Ok(None) };
        let told = match self.prefix {
            Prefix::TwoBytes => prefix.iter().fold(0, |len, byte| len << 8 | usize::from(*byte)),
            Prefix::FourDigits if prefix.iter().all(u8::is_ascii_digit) => {
                prefix.iter().fold(0, |len, digit| len * 10 + usize::from(digit - b'0'))
            }
            Prefix::FourDigits => return Err(FrameError::NotANumber),
        };
        let len = told.checked_sub(self.own_len()).ok_or(FrameError::Small { len: told })?;
        if len > self.message_max() {
            return Err(FrameError::Long { len, max: self.message_max() });
        }
        Ok(rest.split_at_checked(len))
    }

    /// Appends a message with its length in front.
    ///
    /// # Errors
    /// [`FrameError::Long`].
    pub fn append(&self, message: &[u8], bytes: &mut Vec<u8>) -> Result<(), FrameError> {
        let len = message.len();
        if len > self.message_max() {
            return Err(FrameError::Long { len, max: self.message_max() });
        }
        let told = len + self.own_len();
        match self.prefix {
            Prefix::TwoBytes => bytes.extend([(told >> 8) as u8, (told & 0xFF) as u8]),
            Prefix::FourDigits => bytes.extend(format!("{told:04}").into_bytes()),
        }
        bytes.extend_from_slice(message);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lengths_are_written_and_limited() {
        let itself = Framing { counts_itself: true, ..Framing::HOST };
        let short = Framing { message_bytes_max: 3, ..Framing::TERMINAL };
        for (framing, message, written) in [
            (Framing::TERMINAL, &b"abc"[..], &b"\0\x03abc"[..]),
            (Framing::HOST, b"abc", b"0003abc"),
            (Framing::HOST, b"", b"0000"),
            (itself, b"abc", b"0007abc"),
            (short, b"abc", b"\0\x03abc"),
        ] {
            let mut bytes = Vec::new();
            framing.append(message, &mut bytes).unwrap();
            assert_eq!(bytes, written);
            assert_eq!(framing.split(&bytes), Ok(Some((message, &[][..]))));
            for cut in 0..bytes.len() {
                assert_eq!(framing.split(&bytes[..cut]), Ok(None));
            }
        }
        assert_eq!(short.split(b"\0\x04"), Err(FrameError::Long { len: 4, max: 3 }));
        assert_eq!(short.append(b"abcd", &mut Vec::new()), Err(FrameError::Long { len: 4, max: 3 }));
        let long = vec![0; 10_000];
        assert_eq!(
            Framing::HOST.append(&long, &mut Vec::new()),
            Err(FrameError::Long { len: 10_000, max: 9_999 })
        );
        assert_eq!(
            itself.append(&long[..9_996], &mut Vec::new()),
            Err(FrameError::Long { len: 9_996, max: 9_995 })
        );
        assert_eq!(Framing::HOST.split(b"00a3abc"), Err(FrameError::NotANumber));
        assert_eq!(itself.split(b"0003"), Err(FrameError::Small { len: 3 }));
    }

    proptest! {
        #[test]
        fn what_is_framed_is_split_in_order(messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..6), digits in any::<bool>(), counts_itself in any::<bool>()) {
            let prefix = if digits { Prefix::FourDigits } else { Prefix::TwoBytes };
            let framing = Framing { prefix, counts_itself, message_bytes_max: 1000 };
            let mut bytes = Vec::new();
            for message in &messages {
                framing.append(message, &mut bytes).unwrap();
            }
            let mut rest = &bytes[..];
            for message in &messages {
                let (found, behind) = framing.split(rest).unwrap().unwrap();
                prop_assert_eq!(found, &message[..]);
                rest = behind;
            }
            prop_assert_eq!(rest.len(), 0);
        }

        #[test]
        fn any_bytes_are_split_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..40), counts_itself in any::<bool>()) {
            for framing in [Framing::TERMINAL, Framing::HOST] {
                let framing = Framing { counts_itself, ..framing };
                if let Ok(Some((message, behind))) = framing.split(&bytes) {
                    let mut written = Vec::new();
                    framing.append(message, &mut written).unwrap();
                    written.extend_from_slice(behind);
                    prop_assert_eq!(written, bytes.clone());
                }
            }
        }
    }
}
