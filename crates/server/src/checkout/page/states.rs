//! What stands on the card of the page, state by state.

use super::{Badge, Page, badge, left, moment, money};
use crate::checkout::text::Text;
use crate::qr;
use maud::{Markup, PreEscaped, html};
use suanpan_payments::checkout::Shown;
use suanpan_payments::decline::DeclineCode;
use suanpan_payments::object::checkout_session::LatePayment;
use suanpan_payments::object::payment_intent::DisplayQrCode;

impl Page<'_> {
    /// Writes the state.
    pub(super) fn state(&self) -> Markup {
        match self.view.state {
            Shown::Choose => {
                html! { (self.faults()) (self.title(self.text(Text::ChooseMethod), true)) (self.methods()) }
            }
            Shown::Failed => self.failed(),
            Shown::Scan => self.scan(),
            Shown::ScanOver => self.scan_over(),
            Shown::Wallet => html! {
                (self.title(self.text(Text::WalletTitle), false))
                p.lead { (self.text(Text::WalletLead)) }
                (self.split_line())
                div.stack { (self.waiting()) }
                (self.check())
            },
            Shown::Prove => self.prove(),
            Shown::Confirming => html! {
                div.result {
                    span.spinner aria-hidden="true" {}
                    (self.title(self.text(Text::ConfirmingTitle), false))
                }
                p.lead { (self.text(Text::ConfirmingLead)) }
                (self.split_line())
                (self.check())
            },
            Shown::Paid => self.paid(),
            Shown::Expired => self.over(Text::ExpiredTitle, Text::ExpiredLead, Badge::Time),
            Shown::Closed => self.over(Text::ClosedTitle, Text::ExpiredLead, Badge::Time),
            Shown::Late => self.late(),
        }
    }

    /// The heading, which a script puts the focus on when the state changes.
    fn title(&self, text: &str, unseen: bool) -> Markup {
        html! { h1 tabindex="-1" class=[unseen.then_some("unseen")] { (text) } }
    }

    fn failed(&self) -> Markup {
        html! {
            div.notice.bad role="alert" {
                (self.title(self.text(Text::FailedTitle), false))
                p { strong { (self.text(self.why())) } }
                p { (self.text(Text::NotCharged)) }
            }
            (self.faults())
            (self.methods())
        }
    }

    /// Why the last attempt failed, as far as a customer is told.
    fn why(&self) -> Text {
        let error = self.view.intent.last_payment_error.as_ref();
        let code = error.and_then(|error| error.decline_code.as_deref()).unwrap_or_default();
        match DeclineCode::parse(code) {
            DeclineCode::InsufficientFunds => Text::WhyFunds,
            DeclineCode::ExpiredCard => Text::WhyExpiredCard,
            DeclineCode::IncorrectCvc => Text::WhyCvc,
            DeclineCode::IncorrectNumber => Text::WhyNumber,
            DeclineCode::AuthenticationRequired => Text::WhyProof,
            DeclineCode::AttemptExpired | DeclineCode::InvalidPaymentCode => Text::WhyTime,
            DeclineCode::CardVelocityExceeded => Text::WhyLimit,
            DeclineCode::CardNotSupported => Text::WhyKind,
            DeclineCode::ProcessingError => Text::WhyTrouble,
            DeclineCode::WalletDeclined => Text::WhyWallet,
            // Who is told that a card is reported stolen may be the thief. PINs are entered elsewhere.
            DeclineCode::GenericDecline
            | DeclineCode::IncorrectPin
            | DeclineCode::PinTryExceeded
            | DeclineCode::LostCard
            | DeclineCode::StolenCard
            | DeclineCode::Fraudulent
            | DeclineCode::DoNotHonor => Text::WhyRefused,
            // Agreements with banks are not made on the page.
            DeclineCode::IncorrectVerificationCode
            | DeclineCode::VerificationFailed
            | DeclineCode::BankAccountMismatch
            | DeclineCode::AgreementInactive => Text::WhyRefused,
        }
    }

    /// The name of the wallet whose code is shown.
    fn wallet(&self) -> &'static str {
        self.method_name(self.view.method.as_ref().map_or("", |method| method.kind.as_str()))
    }

    fn scan(&self) -> Markup {
        let code = self.view.intent.next_action.as_ref().and_then(|action| action.display_qr_code.as_ref());
        let Some(code) = code else { return self.over(Text::TroubleTitle, Text::TroubleLead, Badge::Bad) };
        let wallet = [("wallet", self.wallet())];
        // An address opens the app on a phone that has it.
        let link = code.data.starts_with("https://").then_some(&code.data);
        html! {
            (self.faults())
            (self.title(&self.say(Text::ScanTitle, &wallet), false))
            p.lead { (self.say(Text::ScanHow, &wallet)) }
            (self.split_line())
            div.scan {
                @if let Some(link) = link {
                    a.button.open href=(link) rel="noreferrer" { (self.say(Text::OpenApp, &wallet)) }
                }
                (self.code(code))
                (self.waiting())
                (self.check())
                div.copy {
                    label for="code-text" { (self.text(Text::CodeLead)) }
                    input #code-text type="text" readonly value=(code.data);
                    button.plain.small type="button" hidden data-copy="code-text" data-done=(self.text(Text::Copied)) {
                        (self.text(Text::Copy))
                    }
                }
            }
            (self.other_ways())
        }
    }

    fn code(&self, code: &DisplayQrCode) -> Markup {
        // It can be paid as long as the order can.
        let until = code.expires_at.min(self.view.session.expires_at);
        let alt = self.say(
            Text::CodePicture,
            &[("wallet", self.wallet()), ("amount", &self.money(self.view.intent.method_amount()))],
        );
        let drawn = qr::draw(&code.data).unwrap_or_default();
        // What comes before the picture is for files, and not for pages.
        let drawn = drawn.find("<svg").map_or("", |at| &drawn[at..]);
        html! {
            figure.code {
                div.picture role="img" aria-label=(alt) { (PreEscaped(drawn)) }
                figcaption {
                    (self.text(Text::CodeEnds)) " "
                    strong data-until=(until) { (left(until - self.view.now)) }
                }
            }
        }
    }

    fn waiting(&self) -> Markup {
        html! {
            p.status {
                span.dot data-live aria-hidden="true" {}
                span { (self.text(Text::Waiting)) noscript { " " (self.text(Text::WaitingPlain)) } }
            }
        }
    }

    /// What comes from where, while it is paid.
    fn split_line(&self) -> Markup {
        html! { @if let Some(split) = self.split() { p.split { (split) } } }
    }

    /// The button that works without a script: it has the channel asked.
    fn check(&self) -> Markup {
        let action =
            self.address().replacen(&self.view.session.id, &format!("{}/check", self.view.session.id), 1);
        html! {
            form method="post" action=(action) data-once {
                (self.hidden())
                button.plain { (self.text(Text::CheckNow)) }
            }
        }
    }

    fn other_ways(&self) -> Markup {
        html! {
            details open[!self.faults.is_empty()] {
                summary { (self.text(Text::OtherWays)) }
                (self.methods())
            }
        }
    }

    fn scan_over(&self) -> Markup {
        let kind = self.view.method.as_ref().map_or("", |method| method.kind.as_str());
        html! {
            (self.faults())
            div.result { (badge(Badge::Time)) (self.title(self.text(Text::ScanOverTitle), false)) }
            p.lead { (self.text(Text::ScanOverLead)) }
            form method="post" action=(self.address()) data-once {
                (self.hidden())
                input type="hidden" name="method" value=(kind);
                @if let Some(minor) = self.own_part() {
                    @let written = suanpan_money::format_minor(minor, self.view.session.currency.exponent());
                    input type="hidden" name="balance" value=(written);
                }
                button { (self.text(Text::NewCode)) }
            }
            (self.check())
            (self.other_ways())
        }
    }

    fn prove(&self) -> Markup {
        let action = self.view.intent.next_action.as_ref();
        let url = action.and_then(|action| action.redirect_to_url.as_ref()).map(|to| to.url.as_str());
        html! {
            (self.faults())
            (self.title(self.text(Text::ProveTitle), false))
            p.lead { (self.text(Text::ProveLead)) }
            (self.split_line())
            div.stack {
                @if let Some(url) = url { a.button href=(url) { (self.text(Text::ProveNow)) } }
            }
            (self.other_ways())
        }
    }

    fn paid(&self) -> Markup {
        let back = self.view.session.success_page();
        let shop = [("shop", self.view.shop.as_str())];
        html! {
            div.result { (badge(Badge::Good)) (self.title(self.text(Text::PaidTitle), false)) }
            p.lead { (self.say(Text::PaidLead, &shop)) }
            (self.second())
            (self.facts())
            div.actions {
                a.button href=(back) rel="noreferrer" { (self.say(Text::BackToShop, &shop)) }
                button.plain type="button" hidden data-print { (self.text(Text::Print)) }
            }
            div.stack {
                div.notice hidden data-return=(back) {
                    p { (self.say(Text::ReturnSoon, &shop)) }
                    button.plain.small type="button" { (self.text(Text::StayHere)) }
                }
            }
        }
    }

    /// What a receipt has.
    fn facts(&self) -> Markup {
        let intent = &self.view.intent;
        let with = self.view.method.as_ref().map(|method| {
            let name = self.method_name(&method.kind);
            match &method.card {
                Some(card) => format!("{name} ···· {}", card.last4),
                None => name.to_owned(),
            }
        });
        // What comes from where says more.
        let with = self.split().or(with);
        let order = intent.merchant_order_id.as_ref().or(self.view.session.client_reference_id.as_ref());
        let paid_at = self.view.paid_at;
        html! {
            dl.facts {
                div { dt { (self.text(Text::Amount)) } dd { (self.amount()) } }
                @if let Some(with) = with { div { dt { (self.text(Text::PaidWith)) } dd { (with) } } }
                @if let Some(order) = order { div { dt { (self.text(Text::OrderNumber)) } dd { (order) } } }
                @if let Some(at) = paid_at { div { dt { (self.text(Text::PaidAt)) } dd { (time(at)) } } }
                div { dt { (self.text(Text::Reference)) } dd.reference { (intent.id) } }
            }
        }
    }

    /// A page on which nothing can be paid any more.
    fn over(&self, title: Text, text: Text, picture: Badge) -> Markup {
        html! {
            div.result { (badge(picture)) (self.title(self.text(title), false)) }
            p.lead { (self.text(text)) }
            dl.facts {
                div { dt { (self.text(Text::Reference)) } dd.reference { (self.view.intent.id) } }
            }
            @if self.view.state == Shown::Expired { (self.check()) }
            (self.back())
        }
    }

    fn late(&self) -> Markup {
        let Some(late) = &self.view.session.late_payment else {
            return self.over(Text::ExpiredTitle, Text::ExpiredLead, Badge::Time);
        };
        let (title, text) = match late.returned_at {
            Some(_) => (Text::LateBack, Text::LateBackLead),
            None => (Text::LateTitle, Text::LateLead),
        };
        html! {
            div.result { (badge(Badge::Time)) (self.title(self.text(title), false)) }
            p.lead { (self.text(text)) }
            (self.late_facts(late))
            (self.back())
        }
    }

    fn late_facts(&self, late: &LatePayment) -> Markup {
        html! {
            dl.facts {
                div {
                    dt { (self.text(Text::Amount)) }
                    dd { (money(late.amount, self.view.session.currency, self.language)) }
                }
                div { dt { (self.text(Text::PaidAt)) } dd { (time(late.received_at)) } }
                div { dt { (self.text(Text::Reference)) } dd.reference { (late.attempt) } }
            }
        }
    }

    /// A second payment beside the one that stands.
    fn second(&self) -> Markup {
        html! {
            @if let Some(late) = &self.view.session.late_payment {
                div.stack {
                    div.notice.warn {
                        strong { (self.text(Text::SecondTitle)) }
                        (self.late_facts(late))
                    }
                }
            }
        }
    }

    fn back(&self) -> Markup {
        html! {
            @if let Some(url) = &self.view.session.cancel_url {
                div.actions {
                    a.button.plain href=(url) rel="noreferrer" {
                        (self.say(Text::BackToShop, &[("shop", &self.view.shop)]))
                    }
                }
            }
        }
    }
}

/// A moment, which a script writes as the reader's own.
fn time(seconds: i64) -> Markup {
    let written = moment(seconds);
    let machine = super::format_utc(seconds, "%Y-%m-%dT%H:%M:%SZ");
    html! { time datetime=(machine) data-local { (written) } }
}
