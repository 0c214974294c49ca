//! Parameters as one text: sorted by name, joined by `=` and `&`, what is empty left off. Alipay and the older
//! interface of WeChat Pay sign this.

/// The most parameters of one message.
const PARAMETERS_MAX: usize = 1000;

/// Why parameters have no text that says the same to both sides.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    /// A name stands twice.
    #[error("the parameter {0:?} stands more than once")]
    Twice(String),
    /// A name with a sign that separates.
    #[error("the name {0:?} is empty or holds a sign that separates parameters")]
    Name(String),
    /// Too many.
    #[error("more than {PARAMETERS_MAX} parameters")]
    TooMany,
}

/// Joins parameters, without those of the names in `without`. Values are taken as they are, not as a URL writes
/// them.
///
/// # Errors
/// [`ParameterError`].
pub fn joined(parameters: &[(&str, &str)], without: &[&str]) -> Result<String, ParameterError> {
    if parameters.len() > PARAMETERS_MAX {
        return Err(ParameterError::TooMany);
    }
    let mut sorted = parameters.to_vec();
    sorted.sort_unstable_by_key(|(name, _)| *name);
    if let Some(pair) = sorted.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(ParameterError::Twice(pair[0].0.to_owned()));
    }
    // Two different lists could have one text otherwise.
    if let Some((name, _)) = sorted.iter().find(|(name, _)| name.is_empty() || name.contains(['&', '='])) {
        return Err(ParameterError::Name((*name).to_owned()));
    }
    let signed = |(name, value): &&(&str, &str)| !value.is_empty() && !without.contains(name);
    let pairs: Vec<String> =
        sorted.iter().filter(signed).map(|(name, value)| format!("{name}={value}")).collect();
    Ok(pairs.join("&"))
}

/// Finds the value of a parameter.
#[must_use]
pub fn value<'a>(parameters: &[(&str, &'a str)], name: &str) -> Option<&'a str> {
    parameters.iter().find(|(other, _)| *other == name).map(|(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_sorted_by_bytes_and_what_is_empty_is_left_off() {
        let parameters = [("b", "2&x=1"), ("a_b", "3"), ("aB", "4"), ("a", ""), ("sign", "S"), ("c", "中")];
        assert_eq!(joined(&parameters, &["sign"]).unwrap(), "aB=4&a_b=3&b=2&x=1&c=中");
        assert_eq!(joined(&[], &[]).unwrap(), "");
    }

    #[test]
    fn what_has_no_one_text_is_refused() {
        assert_eq!(joined(&[("a", "1"), ("a", "2")], &[]), Err(ParameterError::Twice("a".to_owned())));
        assert_eq!(
            joined(&[("sign", "1"), ("sign", "2")], &["sign"]),
            Err(ParameterError::Twice("sign".to_owned()))
        );
        for name in ["", "a=1&b", "a&"] {
            assert_eq!(joined(&[(name, "1")], &[]), Err(ParameterError::Name(name.to_owned())));
        }
        assert_eq!(joined(&vec![("a", "1"); 1001], &[]), Err(ParameterError::TooMany));
    }
}
