//! Which language a page speaks.

/// A language of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English.
    En,
    /// Chinese, in simplified characters.
    Zh,
}

/// Ranges of languages that are looked at; browsers send a handful.
const RANGES_MAX: usize = 20;

impl Language {
    /// All of them.
    pub const ALL: [Language; 2] = [Language::En, Language::Zh];

    /// Returns the tag, as in `lang` and in `?lang=`.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Language::En => "en",
            Language::Zh => "zh-CN",
        }
    }

    /// Finds the language of a tag such as `zh`, `zh-Hans-CN` or `en_GB`; none for others.
    #[must_use]
    pub fn of_tag(tag: &str) -> Option<Language> {
        let first = tag.split(['-', '_']).next().unwrap_or_default();
        if first.eq_ignore_ascii_case("zh") {
            Some(Language::Zh)
        } else if first.eq_ignore_ascii_case("en") {
            Some(Language::En)
        } else {
            None
        }
    }

    /// Chooses: what the customer asked for on the page, else what the browser prefers of what there is, else what the
    /// merchant said, else English.
    #[must_use]
    pub fn choose(asked: Option<&str>, accepted: Option<&str>, merchant: Option<&str>) -> Language {
        asked
            .and_then(Language::of_tag)
            .or_else(|| accepted.and_then(Language::preferred))
            .or_else(|| merchant.and_then(Language::of_tag))
            .unwrap_or(Language::En)
    }

    /// Returns the language that a header `Accept-Language` likes best (RFC 9110, 12.5.4); the first of equals. What
    /// cannot be read is passed over.
    fn preferred(header: &str) -> Option<Language> {
        let mut best: Option<(u32, Language)> = None;
        for range in header.split(',').take(RANGES_MAX) {
            let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
            let Some(language) = Language::of_tag(tag.trim()) else { continue };
            let weight = weight(parameters.trim());
            if weight > 0 && best.is_none_or(|(other, _)| weight > other) {
                best = Some((weight, language));
            }
        }
        best.map(|(_, language)| language)
    }
}

/// Reads `q=0.8` as 800; 1000 where nothing is said, 0 where it cannot be read.
fn weight(parameters: &str) -> u32 {
    let Some(value) = parameters.strip_prefix("q=").or_else(|| parameters.strip_prefix("Q=")) else {
        return if parameters.is_empty() { 1_000 } else { 0 };
    };
    let (whole, part) = value.split_once('.').unwrap_or((value, ""));
    let digits = part.len() <= 3 && part.bytes().all(|byte| byte.is_ascii_digit());
    let part = format!("{part:0<3}").parse::<u32>().unwrap_or(0);
    match whole {
        "0" if digits => part,
        "1" if digits && part == 0 => 1_000,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::Language::{self, En, Zh};

    #[test]
    fn the_customer_goes_before_the_browser_and_that_before_the_merchant() {
        for (asked, accepted, merchant, want) in [
            (None, None, None, En),
            (None, None, Some("zh"), Zh),
            (None, None, Some("auto"), En),
            (None, Some("zh-CN,zh;q=0.9,en;q=0.8"), None, Zh),
            (None, Some("de-DE, en-GB;q=0.5, zh;q=0.7"), None, Zh),
            (None, Some("en;q=0.5,zh;q=0.5"), None, En),
            (None, Some("zh;q=0, en;q=0.001"), None, En),
            (None, Some("zh;q=2, zh;q=x, zh;q=0.1234, zh;level=1"), None, En),
            (None, Some("fr"), Some("zh-HK"), Zh),
            (None, Some("en-US"), Some("zh"), En),
            (Some("zh-CN"), Some("en"), Some("en"), Zh),
            (Some("xx"), Some("zh"), None, Zh),
            (Some("EN_us"), Some("zh"), None, En),
        ] {
            assert_eq!(
                Language::choose(asked, accepted, merchant),
                want,
                "{asked:?} {accepted:?} {merchant:?}"
            );
        }
        for language in Language::ALL {
            assert_eq!(Language::of_tag(language.tag()), Some(language));
        }
        let long = format!("{}zh", "xx,".repeat(100));
        assert_eq!(Language::choose(None, Some(&long), None), En, "no more is read than browsers send");
    }
}
