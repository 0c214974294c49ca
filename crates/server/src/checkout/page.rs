//! The page itself: what surrounds every state, and the pages that are no payment.

mod methods;
mod states;

use super::assets::{ICON, SCRIPT, STYLE};
use super::form::Fault;
use super::guard::token;
use super::language::Language;
use super::text::{Text, fill};
use super::view::View;
use super::{address, prefix};
use crate::api::Api;
use axum::http::header::{
    CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{DOCTYPE, Markup, html};
use suanpan_money::Currency;
use suanpan_payments::checkout::Shown;
use suanpan_payments::object::source::SourceType;

/// Nothing is loaded but our own files, nothing is run that stands in the page, and no other page shows this one
/// inside of itself.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// A page of a session.
pub(super) struct Page<'a> {
    pub(super) api: &'a Api,
    pub(super) view: &'a View,
    pub(super) language: Language,
    /// The language that the address names.
    pub(super) lang: Option<Language>,
    /// What was wrong with the form that was sent.
    pub(super) faults: &'a [Fault],
    /// The method that was chosen in it.
    pub(super) chosen: Option<&'a str>,
    /// What was written in it for the balance.
    pub(super) balance: Option<&'a str>,
}

/// A page that is no payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// There is no such session.
    Missing,
    /// Too much was sent.
    TooMany,
    /// A form that does not come from the page.
    Foreign,
    /// Nothing can be read or written now.
    Trouble,
}

/// Answers with a page.
pub(super) fn answer(status: StatusCode, (page, language): (Markup, Language)) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_LANGUAGE, language.tag()),
        (CONTENT_SECURITY_POLICY, POLICY),
        // The address is the secret.
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (VARY, "accept-language"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("x-robots-tag"), "noindex, nofollow"),
    ];
    let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
    (status, headers, page.into_string()).into_response()
}

/// Answers with a page that says what is wrong.
pub(super) fn wrong(api: &Api, wrong: Wrong, language: Language) -> Response {
    let (status, title, text) = match wrong {
        Wrong::Missing => (StatusCode::NOT_FOUND, Text::MissingTitle, Text::MissingLead),
        Wrong::TooMany => (StatusCode::TOO_MANY_REQUESTS, Text::ManyTitle, Text::ManyLead),
        Wrong::Foreign => (StatusCode::FORBIDDEN, Text::TroubleTitle, Text::TroubleLead),
        Wrong::Trouble => (StatusCode::SERVICE_UNAVAILABLE, Text::TroubleTitle, Text::TroubleLead),
    };
    let body = html! {
        div.shell {
            main.pay #pay {
                div.result { (badge(Badge::Bad)) h1 { (title.of(language)) } }
                p.lead { (text.of(language)) }
            }
        }
    };
    let mut response =
        answer(status, (document(prefix(api), language, (title.of(language), false), &body), language));
    if status == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert("retry-after", HeaderValue::from_static("60"));
    }
    response
}

fn document(prefix: &str, language: Language, (title, script): (&str, bool), body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(language.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="icon" type="image/svg+xml" href={ (prefix) (ICON.path()) };
                link rel="stylesheet" href={ (prefix) (STYLE.path()) } integrity=(STYLE.integrity);
                @if script {
                    script type="module" src={ (prefix) (SCRIPT.path()) } integrity=(SCRIPT.integrity) {}
                }
            }
            body { (body) }
        }
    }
}

impl Page<'_> {
    fn text(&self, text: Text) -> &'static str {
        text.of(self.language)
    }

    fn say(&self, text: Text, values: &[(&str, &str)]) -> String {
        fill(self.text(text), values)
    }

    /// What is to be paid, as it is written.
    fn amount(&self) -> String {
        money(self.view.session.amount_total, self.view.session.currency, self.language)
    }

    fn money(&self, minor: i64) -> String {
        money(minor, self.view.session.currency, self.language)
    }

    /// What of the payment under way comes out of the customer's balance, in minor units; none where nothing does.
    fn own_part(&self) -> Option<i64> {
        let mut sources = self.view.intent.payment_sources.iter();
        sources.find(|source| source.kind == SourceType::Balance).map(|source| source.amount)
    }

    /// What comes from where, where that is more than one place.
    fn split(&self) -> Option<String> {
        let kind = self.view.method.as_ref().map_or("", |method| method.kind.as_str());
        let (balance, rest) = (self.money(self.own_part()?), self.money(self.view.intent.method_amount()));
        let values = [("balance", balance.as_str()), ("rest", &rest), ("method", self.method_name(kind))];
        Some(self.say(Text::Split, &values))
    }

    fn address(&self) -> String {
        address(self.api, &self.view.session.id, self.lang)
    }

    /// What every form has: that it comes from here, and what the page knew.
    fn hidden(&self) -> Markup {
        html! {
            input type="hidden" name="token" value=(token(self.api, &self.view.session.id));
            input type="hidden" name="seen" value=(self.view.intent.attempts_made);
        }
    }

    /// Writes the page.
    pub(super) fn write(&self) -> (Markup, Language) {
        let View { session, shop, state, version, now, .. } = self.view;
        let title = self.say(Text::Title, &[("amount", &self.amount()), ("shop", shop)]);
        let title = match self.heading() {
            Some(heading) => format!("{heading} – {title}"),
            None => title,
        };
        let end = self.view.is_end();
        let events = (!end).then(|| format!("{}/c/{}/events", prefix(self.api), session.id));
        let body = html! {
            a.skip href="#pay" { (self.text(Text::SkipToPay)) }
            @if !session.livemode {
                p.banner { (self.text(Text::TestMode)) }
            }
            div.shell #checkout data-state=(state.word()) data-version=(version) data-now=(now) data-end=(end)
                data-events=[events] {
                (self.head())
                main.pay #pay { (self.state()) }
                (self.order())
            }
            p.unseen #announce role="status" aria-live="polite" {}
            (self.foot())
        };
        (document(prefix(self.api), self.language, (&title, true), &body), self.language)
    }

    /// What the title begins with where the state says more than that there is something to pay.
    fn heading(&self) -> Option<&'static str> {
        let text = match self.view.state {
            Shown::Choose | Shown::Scan | Shown::Wallet | Shown::Prove => return None,
            Shown::Failed => Text::FailedTitle,
            Shown::ScanOver => Text::ScanOverTitle,
            Shown::Confirming => Text::ConfirmingTitle,
            Shown::Paid => Text::PaidTitle,
            Shown::Expired => Text::ExpiredTitle,
            Shown::Closed => Text::ClosedTitle,
            Shown::Late => Text::LateTitle,
        };
        Some(self.text(text))
    }

    /// Whether the customer can still do something that pays.
    fn is_payable(&self) -> bool {
        match self.view.state {
            Shown::Choose | Shown::Failed | Shown::Scan | Shown::ScanOver | Shown::Wallet | Shown::Prove => {
                true
            }
            Shown::Confirming | Shown::Paid | Shown::Expired | Shown::Closed | Shown::Late => false,
        }
    }

    /// Whom, how much, and for how long: always in sight.
    fn head(&self) -> Markup {
        let View { session, shop, now, .. } = self.view;
        let mark: String = shop.chars().next().into_iter().flat_map(char::to_uppercase).collect();
        let payable = self.is_payable();
        let before = clock_time(session.expires_at);
        html! {
            header.head {
                p.shop {
                    span.mark aria-hidden="true" { (mark) }
                    span { span.unseen { (self.text(Text::PayTo)) " " } (shop) }
                }
                div.figure {
                    p.amount { span.unseen { (self.text(Text::AmountToPay)) " " } (self.amount()) }
                    @if payable {
                        p.time title=(self.say(Text::PayBefore, &[("time", &before)])) {
                            (self.text(Text::TimeLeft)) " "
                            strong data-until=(session.expires_at) data-soon=(self.text(Text::OneMinuteLeft)) {
                                (left(session.expires_at - now))
                            }
                            noscript { " · " (self.say(Text::PayBefore, &[("time", &before)])) }
                        }
                    }
                }
            }
        }
    }

    /// What is bought.
    fn order(&self) -> Markup {
        let session = &self.view.session;
        let items = &session.line_items.data;
        let about = self.view.intent.description.as_deref();
        html! {
            aside.order aria-label=(self.text(Text::YourOrder)) {
                @if !items.is_empty() || about.is_some() {
                    h2 { (self.text(Text::YourOrder)) }
                    @if let Some(about) = about { p { (about) } }
                    ul.items {
                        @for item in items {
                            li {
                                span {
                                    (item.description)
                                    @if item.quantity > 1 {
                                        small {
                                            (self.say(Text::Quantity, &[("count", &item.quantity.to_string())]))
                                            " × " (money(item.price.unit_amount, item.currency, self.language))
                                        }
                                    }
                                }
                                span { (money(item.amount_total, item.currency, self.language)) }
                            }
                        }
                        @if items.len() > 1 {
                            li.total { span { (self.text(Text::Total)) } span { (self.amount()) } }
                        }
                    }
                }
            }
        }
    }

    /// The way back, and the other language.
    fn foot(&self) -> Markup {
        let session = &self.view.session;
        let other = match self.language {
            Language::En => Language::Zh,
            Language::Zh => Language::En,
        };
        let open = self.is_payable();
        html! {
            footer.foot {
                @if let Some(url) = session.cancel_url.as_deref().filter(|_| open) {
                    a href=(url) rel="noreferrer" { "← " (self.say(Text::BackToShop, &[("shop", &self.view.shop)])) }
                } @else {
                    span {}
                }
                nav aria-label=(self.text(Text::Languages)) {
                    a href=(address(self.api, &session.id, Some(other))) lang=(other.tag()) hreflang=(other.tag()) {
                        (self.text(Text::OtherLanguage))
                    }
                }
            }
        }
    }
}

/// A picture beside the word of a result.
#[derive(Clone, Copy)]
enum Badge {
    Good,
    Bad,
    Time,
}

fn badge(badge: Badge) -> Markup {
    let (class, path) = match badge {
        Badge::Good => ("badge", "M5 13l5 5L20 7"),
        Badge::Bad => ("badge bad", "M12 6v8m0 4v.01"),
        Badge::Time => ("badge warn", "M12 7v6l4 2M12 3a9 9 0 100 18 9 9 0 000-18"),
    };
    html! {
        span class=(class) aria-hidden="true" {
            svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2.4" stroke-linecap="round"
                stroke-linejoin="round" {
                path d=(path) {}
            }
        }
    }
}

/// Writes an amount: with the sign of the currency where that is the reader's own and no other's, else with its code.
fn money(minor: i64, currency: Currency, language: Language) -> String {
    let plain = suanpan_money::format_minor(minor, currency.exponent());
    let (whole, part) =
        plain.split_once('.').map_or((plain.as_str(), None), |(whole, part)| (whole, Some(part)));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut grouped = String::from(sign);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if let Some(part) = part {
        grouped.push('.');
        grouped.push_str(part);
    }
    match (currency.code(), language) {
        ("CNY", Language::Zh) => format!("¥{grouped}"),
        // A line does not end between code and figures.
        (code, _) => format!("{code}\u{a0}{grouped}"),
    }
}

/// Writes seconds as a clock does that counts down.
fn left(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes:02}:{seconds:02}")
    }
}

/// Writes a moment with its zone.
fn moment(seconds: i64) -> String {
    format_utc(seconds, "%Y-%m-%d %H:%M:%S UTC")
}

fn clock_time(seconds: i64) -> String {
    format_utc(seconds, "%H:%M UTC")
}

fn format_utc(seconds: i64, layout: &str) -> String {
    match Timestamp::from_second(seconds) {
        Ok(moment) => moment.to_zoned(TimeZone::UTC).strftime(layout).to_string(),
        Err(_) => seconds.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_grouped_and_say_their_currency() {
        let currency = |code| Currency::parse(code).unwrap();
        for (minor, code, en, zh) in [
            (123_456_789, "CNY", "CNY\u{a0}1,234,567.89", "¥1,234,567.89"),
            (5, "CNY", "CNY\u{a0}0.05", "¥0.05"),
            (100_000, "USD", "USD\u{a0}1,000.00", "USD\u{a0}1,000.00"),
            (1_000, "JPY", "JPY\u{a0}1,000", "JPY\u{a0}1,000"),
            (999, "JPY", "JPY\u{a0}999", "JPY\u{a0}999"),
            (-1_234_567, "KWD", "KWD\u{a0}-1,234.567", "KWD\u{a0}-1,234.567"),
        ] {
            let written = Language::ALL.map(|language| money(minor, currency(code), language));
            assert_eq!(written, [en, zh], "{minor} {code}");
        }
    }

    #[test]
    fn times_have_a_zone_and_time_that_is_over_is_zero() {
        assert_eq!(moment(1_795_849_505), "2026-11-28 07:05:05 UTC");
        assert_eq!([left(3_599), left(3_600), left(61), left(-5)], ["59:59", "1:00:00", "01:01", "00:00"]);
    }
}
