//! Codes that a payer shows to be scanned (付款码): which wallet they belong to.
//!
//! The rules are a table and not code: wallets add prefixes, and some have none that is public. What is in
//! [`usual`] was read in the documents named there; JD Pay and e-CNY publish none and are therefore not in it.

/// One rule: a code of digits with a length and a prefix, and possibly digits at known places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeRule {
    /// Whose codes these are.
    pub wallet: String,
    /// The first prefix. Both have the same number of digits.
    pub first: String,
    /// The last prefix.
    pub last: String,
    /// The fewest and the most digits.
    pub digits: (usize, usize),
    /// Further digits at places, from 0 at the left or from 1 at the right.
    pub fixed: Vec<(Place, char)>,
}

/// Where a digit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// From the left, the first digit is 0.
    Left(usize),
    /// From the right, the last digit is 1.
    Right(usize),
}

/// Why it cannot be told whose a code is. Does not say the code: it is as good as money.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// Not digits, or too many of them.
    #[error("a payment code has 1 to 64 digits")]
    Digits,
    /// No rule fits.
    #[error("no wallet of the table has codes like this")]
    Unknown,
    /// Rules of several wallets fit equally well.
    #[error("the code may be of {}: the table must tell them apart", .0.join(" or of "))]
    Ambiguous(Vec<String>),
    /// A rule that can never fit or does not make sense.
    #[error(
        "rule {0} of the table has prefixes that are not digits of one length, in order, or lengths that are not"
    )]
    Rule(usize),
}

/// The most digits of a code.
const DIGITS_MAX: usize = 64;

/// Tells whose a code is. Where several rules fit, the one that names more digits counts; where several wallets
/// are left, the code is refused.
///
/// # Errors
/// [`CodeError`].
pub fn wallet<'a>(rules: &'a [CodeRule], code: &str) -> Result<&'a str, CodeError> {
    if let Some(wrong) = rules.iter().position(|rule| !rule.is_sound()) {
        return Err(CodeError::Rule(wrong + 1));
    }
    if !(1..=DIGITS_MAX).contains(&code.len()) || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(CodeError::Digits);
    }
    let fitting: Vec<&CodeRule> = rules.iter().filter(|rule| rule.fits(code)).collect();
    let most = fitting.iter().map(|rule| rule.named()).max().ok_or(CodeError::Unknown)?;
    let mut wallets: Vec<&str> =
        fitting.iter().filter(|rule| rule.named() == most).map(|rule| rule.wallet.as_str()).collect();
    wallets.sort_unstable();
    wallets.dedup();
    match wallets[..] {
        [wallet] => Ok(wallet),
        _ => Err(CodeError::Ambiguous(wallets.into_iter().map(str::to_owned).collect())),
    }
}

impl CodeRule {
    /// How many digits the rule names.
    fn named(&self) -> usize {
        self.first.len() + self.fixed.len()
    }

    fn is_sound(&self) -> bool {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits(&self.first)
            && digits(&self.last)
            && self.first.len() == self.last.len()
            && self.first <= self.last
            && self.first.len() <= self.digits.0
            && self.digits.0 <= self.digits.1
            && self.digits.1 <= DIGITS_MAX
    }

    fn fits(&self, code: &str) -> bool {
        let prefix = code.get(..self.first.len()).unwrap_or_default();
        let (least, most) = self.digits;
        (least..=most).contains(&code.len())
            && (self.first.as_str()..=self.last.as_str()).contains(&prefix)
            && self.fixed.iter().all(|(place, digit)| {
                let at = match place {
                    Place::Left(at) => Some(*at),
                    Place::Right(back) => code.len().checked_sub(*back),
                };
                at.and_then(|at| code.as_bytes().get(at)).is_some_and(|byte| char::from(*byte) == *digit)
            })
    }
}

/// Returns the rules that are public: WeChat Pay (18 digits from 10 to 15), Alipay (16 to 24 digits from 25 to
/// 30), Alipay+ (19 digits from 28, third digit 9, sixth from the right 6), UnionPay (19 digits from 62).
#[must_use]
pub fn usual() -> Vec<CodeRule> {
    let rule = |wallet: &str, first: &str, last: &str, digits, fixed: &[(Place, char)]| CodeRule {
        wallet: wallet.to_owned(),
        first: first.to_owned(),
        last: last.to_owned(),
        digits,
        fixed: fixed.to_vec(),
    };
    vec![
        rule("wechat_pay", "10", "15", (18, 18), &[]),
        rule("alipay", "25", "30", (16, 24), &[]),
        rule("alipay_plus", "28", "28", (19, 19), &[(Place::Left(2), '9'), (Place::Right(6), '6')]),
        rule("unionpay", "62", "62", (19, 19), &[]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn codes_are_told_by_prefix_and_length() {
        let rules = usual();
        for (code, expected) in [
            ("134567890123456789", Ok("wechat_pay")),
            ("154567890123456789", Ok("wechat_pay")),
            ("164567890123456789", Err(CodeError::Unknown)),
            ("13456789012345678", Err(CodeError::Unknown)),
            ("281234567890123456", Ok("alipay")),
            ("2512345678901234", Ok("alipay")),
            ("301234567890123456789012", Ok("alipay")),
            ("3012345678901234567890123", Err(CodeError::Unknown)),
            // The example of the documents of Alipay+, then one digit and one length off.
            ("2893612204263667830", Ok("alipay_plus")),
            ("2883612204263667830", Ok("alipay")),
            ("28936122042636678300", Ok("alipay")),
            ("6220123456789012345", Ok("unionpay")),
            ("622012345678901234", Err(CodeError::Unknown)),
            ("", Err(CodeError::Digits)),
            ("62201234567890123４", Err(CodeError::Digits)),
            ("wxp://f2f0", Err(CodeError::Digits)),
        ] {
            assert_eq!(wallet(&rules, code), expected, "{code}");
        }
        assert_eq!(wallet(&rules, &"1".repeat(65)), Err(CodeError::Digits));
        assert_eq!(wallet(&[], "1"), Err(CodeError::Unknown));
    }

    #[test]
    fn what_the_table_cannot_tell_apart_is_refused_without_the_code() {
        let mut rules = usual();
        // As one program takes codes of JD Pay to be: those of UnionPay.
        rules.push(CodeRule { wallet: "jd".to_owned(), ..rules[3].clone() });
        let error = wallet(&rules, "6220123456789012345").unwrap_err();
        assert_eq!(error, CodeError::Ambiguous(vec!["jd".to_owned(), "unionpay".to_owned()]));
        assert_eq!(error.to_string(), "the code may be of jd or of unionpay: the table must tell them apart");
        // A longer prefix tells them apart; two rules of one wallet are no question.
        (rules[4].first, rules[4].last) = ("6210".to_owned(), "6210".to_owned());
        rules.push(rules[3].clone());
        assert_eq!(wallet(&rules, "6210123456789012345"), Ok("jd"));
        assert_eq!(wallet(&rules, "6220123456789012345"), Ok("unionpay"));
    }

    #[test]
    fn rules_that_make_no_sense_are_refused() {
        for (first, last, digits) in [
            ("", "", (1, 2)),
            ("1", "12", (2, 3)),
            ("2", "1", (2, 3)),
            ("x", "x", (2, 3)),
            ("12", "12", (1, 3)),
            ("1", "1", (3, 2)),
            ("1", "1", (3, 65)),
        ] {
            let rule = CodeRule {
                wallet: "w".to_owned(),
                first: first.to_owned(),
                last: last.to_owned(),
                digits,
                fixed: Vec::new(),
            };
            assert_eq!(wallet(&[rule], "1234"), Err(CodeError::Rule(1)), "{first} {last} {digits:?}");
        }
    }

    proptest! {
        #[test]
        fn the_order_of_rules_does_not_matter(code in "(1|2|28|28936|3|62)[0-9]{13,20}") {
            let mut rules = usual();
            let told = wallet(&rules, &code).map(str::to_owned);
            rules.reverse();
            prop_assert_eq!(wallet(&rules, &code).map(str::to_owned), told);
        }
    }
}
