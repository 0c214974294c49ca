//! Message types: four digits that say which edition of the standard, what about, in which role and from whom.

/// A message type such as `0200`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageType([u8; 4]);

/// The edition of ISO 8583: the first digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// ISO 8583:1987, `0`.
    Year1987,
    /// ISO 8583-1:1993, `1`.
    Year1993,
    /// ISO 8583-1:2003, `2`.
    Year2003,
    /// Another digit: of a nation or a network.
    Other,
}

/// What a message is about: the second digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// `1`.
    Authorisation,
    /// `2`.
    Financial,
    /// `3`: changes of files, such as lists of cards.
    File,
    /// `4`: reversals and chargebacks.
    Reversal,
    /// `5`: totals between two parties.
    Reconciliation,
    /// `6`.
    Administrative,
    /// `7`.
    FeeCollection,
    /// `8`: signing on, keys, echo.
    Network,
    /// Another digit.
    Other,
}

/// The role of a message: the third digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// `0`: asks, and waits.
    Request,
    /// `1`: answers a request.
    Response,
    /// `2`: tells what has happened.
    Advice,
    /// `3`: answers an advice.
    AdviceResponse,
    /// `4`: tells, and wants no answer.
    Notification,
    /// `5`: acknowledges a notification (2003).
    NotificationAcknowledgement,
    /// `6` (2003).
    Instruction,
    /// `7` (2003).
    InstructionAcknowledgement,
    /// Another digit.
    Other,
}

/// Who began: the fourth digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// `0`.
    Acquirer,
    /// `1`: the acquirer, again.
    AcquirerRepeat,
    /// `2`.
    Issuer,
    /// `3`: the issuer, again.
    IssuerRepeat,
    /// `4`: another party.
    Third,
    /// `5`: another party, again.
    ThirdRepeat,
    /// Another digit.
    Other,
}

impl MessageType {
    /// Takes four digits.
    #[must_use]
    pub fn new(digits: [u8; 4]) -> Option<MessageType> {
        digits.iter().all(u8::is_ascii_digit).then_some(MessageType(digits))
    }

    /// Returns the digits.
    #[must_use]
    pub const fn digits(&self) -> &[u8; 4] {
        &self.0
    }

    /// Returns the edition.
    #[must_use]
    pub const fn version(self) -> Version {
        match self.0[0] {
            b'0' => Version::Year1987,
            b'1' => Version::Year1993,
            b'2' => Version::Year2003,
            _ => Version::Other,
        }
    }

    /// Returns what it is about.
    #[must_use]
    pub const fn class(self) -> Class {
        match self.0[1] {
            b'1' => Class::Authorisation,
            b'2' => Class::Financial,
            b'3' => Class::File,
            b'4' => Class::Reversal,
            b'5' => Class::Reconciliation,
            b'6' => Class::Administrative,
            b'7' => Class::FeeCollection,
            b'8' => Class::Network,
            _ => Class::Other,
        }
    }

    /// Returns its role.
    #[must_use]
    pub const fn function(self) -> Function {
        match self.0[2] {
            b'0' => Function::Request,
            b'1' => Function::Response,
            b'2' => Function::Advice,
            b'3' => Function::AdviceResponse,
            b'4' => Function::Notification,
            b'5' => Function::NotificationAcknowledgement,
            b'6' => Function::Instruction,
            b'7' => Function::InstructionAcknowledgement,
            _ => Function::Other,
        }
    }

    /// Returns who began.
    #[must_use]
    pub const fn origin(self) -> Origin {
        match self.0[3] {
            b'0' => Origin::Acquirer,
            b'1' => Origin::AcquirerRepeat,
            b'2' => Origin::Issuer,
            b'3' => Origin::IssuerRepeat,
            b'4' => Origin::Third,
            b'5' => Origin::ThirdRepeat,
            _ => Origin::Other,
        }
    }

    /// Returns the type of the answer: `0210` for `0200`, `0430` for `0421`. None where no answer is due.
    #[must_use]
    pub const fn response(self) -> Option<MessageType> {
        let [version, class, function, _] = self.0;
        match self.function() {
            Function::Request | Function::Advice | Function::Instruction => {
                Some(MessageType([version, class, function + 1, self.first_origin()]))
            }
            // Only the edition of 2003 acknowledges notifications.
            Function::Notification if matches!(self.version(), Version::Year2003) => {
                Some(MessageType([version, class, function + 1, self.first_origin()]))
            }
            _ => None,
        }
    }

    /// Says whether this is the type that answers `request`.
    #[must_use]
    pub fn answers(self, request: MessageType) -> bool {
        request.response() == Some(self)
    }

    /// Returns the type with which the same is sent again: `0201` for `0200`. None for answers.
    #[must_use]
    pub const fn repeat(self) -> Option<MessageType> {
        let [version, class, function, _] = self.0;
        match (self.function(), self.origin()) {
            (
                Function::Request | Function::Advice | Function::Notification | Function::Instruction,
                Origin::Acquirer
                | Origin::AcquirerRepeat
                | Origin::Issuer
                | Origin::IssuerRepeat
                | Origin::Third
                | Origin::ThirdRepeat,
            ) => Some(MessageType([version, class, function, self.first_origin() + 1])),
            _ => None,
        }
    }

    /// Returns the request that takes this message back: `0400` for `0200`. None for what cannot be reversed.
    #[must_use]
    pub const fn reversal(self) -> Option<MessageType> {
        self.reversed_by(b'0')
    }

    /// Returns the advice that takes this message back: `0420` for `0200`. None for what cannot be reversed.
    #[must_use]
    pub const fn reversal_advice(self) -> Option<MessageType> {
        self.reversed_by(b'2')
    }

    const fn reversed_by(self, function: u8) -> Option<MessageType> {
        match (self.class(), self.function()) {
            (Class::Authorisation | Class::Financial, Function::Request | Function::Advice) => {
                Some(MessageType([self.0[0], b'4', function, self.first_origin()]))
            }
            _ => None,
        }
    }

    /// The fourth digit without the mark of a repetition.
    const fn first_origin(self) -> u8 {
        match self.0[3] {
            digit @ (b'1' | b'3' | b'5') => digit - 1,
            digit => digit,
        }
    }
}

impl std::fmt::Display for MessageType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|digit| write!(f, "{}", char::from(*digit)))
    }
}

impl std::fmt::Debug for MessageType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> MessageType {
        MessageType::new(text.as_bytes().try_into().unwrap()).unwrap()
    }

    #[test]
    fn answers_repeats_and_reversals() {
        for (message, response, repeat, reversal, advice) in [
            ("0100", "0110", "0101", "0400", "0420"),
            ("0200", "0210", "0201", "0400", "0420"),
            ("0201", "0210", "0201", "0400", "0420"),
            ("1220", "1230", "1221", "1400", "1420"),
            ("0202", "0212", "0203", "0402", "0422"),
            ("0421", "0430", "0421", "", ""),
            ("0422", "0432", "0423", "", ""),
            ("0302", "0312", "0303", "", ""),
            ("0520", "0530", "0521", "", ""),
            ("0800", "0810", "0801", "", ""),
            ("0820", "0830", "0821", "", ""),
            ("0210", "", "", "", ""),
            ("0240", "", "0241", "", ""),
            ("2240", "2250", "2241", "", ""),
            ("0206", "0216", "", "0406", "0426"),
        ] {
            let told = |found: Option<MessageType>| found.map_or(String::new(), |found| found.to_string());
            let message = of(message);
            let found = [message.response(), message.repeat(), message.reversal(), message.reversal_advice()];
            assert_eq!(found.map(told), [response, repeat, reversal, advice], "{message}");
        }
        assert!(of("0210").answers(of("0201")) && !of("0210").answers(of("0100")));
    }

    #[test]
    fn digits_say_what_it_is() {
        let message = of("1421");
        assert_eq!(message.version(), Version::Year1993);
        assert_eq!(message.class(), Class::Reversal);
        assert_eq!(message.function(), Function::Advice);
        assert_eq!(message.origin(), Origin::AcquirerRepeat);
        assert_eq!(MessageType::new(*b"02A0"), None);
    }
}
