//! What PayPal's transaction event codes mean.

use crate::record::{Kind, Status};

/// Returns the kind of a transaction event code such as `T0006`: the first two digits are its group, and
/// some groups hold several kinds.
pub(super) fn kind(code: &str) -> Kind {
    let bytes = code.as_bytes();
    if bytes.len() != 5 || bytes[0] != b'T' || !bytes[1..].iter().all(u8::is_ascii_digit) {
        return Kind::Other;
    }
    match &code[1..] {
        // Reversals of more than payments.
        "1105" | "1110" | "1111" => Kind::Reserve,
        "1107" | "1113" | "1115" => Kind::Refund,
        "1108" | "1109" => Kind::Fee,
        "1201" | "1203" | "1207" => Kind::Chargeback,
        "1202" | "1205" | "1208" => Kind::ChargebackReversal,
        "0502" | "0504" | "0505" => Kind::Withdrawal,
        "0017" => Kind::Transfer,
        digits => group(&digits[..2]),
    }
}

fn group(digits: &str) -> Kind {
    match digits {
        "00" | "05" | "10" | "30" => Kind::Payment,
        "01" => Kind::Fee,
        "02" => Kind::Conversion,
        "03" | "07" | "16" => Kind::TopUp,
        "04" | "06" | "17" | "18" => Kind::Withdrawal,
        "11" => Kind::Return,
        "12" | "19" => Kind::Adjustment,
        "13" | "98" => Kind::Notice,
        "14" => Kind::Interest,
        "15" | "21" => Kind::Reserve,
        "20" | "22" | "50" | "97" => Kind::Transfer,
        // 08 bonuses, 09 incentives, 99 others.
        _ => Kind::Other,
    }
}

/// Returns the status of a transaction. Authorisations and rows for display only move nothing. Letters of
/// the transaction detail report: `S` success, `F` partly refunded since, `V` reversed since, `P`
/// pending, `D` denied.
pub(super) fn status(kind: Kind, letter: &str) -> Status {
    match letter {
        "D" => Status::Failed,
        _ if kind == Kind::Notice => Status::Information,
        "P" => Status::Pending,
        _ => Status::Booked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_the_kinds_of_their_groups() {
        for (code, expected) in [
            ("T0000", Kind::Payment),
            ("T0003", Kind::Payment),
            ("T0006", Kind::Payment),
            ("T0106", Kind::Fee),
            ("T0200", Kind::Conversion),
            ("T0300", Kind::TopUp),
            ("T0400", Kind::Withdrawal),
            ("T0700", Kind::TopUp),
            ("T1106", Kind::Return),
            ("T1107", Kind::Refund),
            ("T1109", Kind::Fee),
            ("T1110", Kind::Reserve),
            ("T1201", Kind::Chargeback),
            ("T1202", Kind::ChargebackReversal),
            ("T1300", Kind::Notice),
            ("T1501", Kind::Reserve),
            ("T2001", Kind::Transfer),
            ("T2105", Kind::Reserve),
            ("T9900", Kind::Other),
            ("T110", Kind::Other),
            ("T11é7", Kind::Other),
            ("", Kind::Other),
        ] {
            assert_eq!(kind(code), expected, "{code}");
        }
    }
}
