//! Choosing how to pay: a group of radio buttons, with the fields of a card below its own.

use super::Page;
use crate::checkout::form::{Fault, TEST_CARDS};
use crate::checkout::text::Text;
use maud::{Markup, html};
use suanpan_payments::request::card::{ALIPAY, CARD, CUSTOMER_BALANCE, WECHAT_PAY};

impl Page<'_> {
    /// The form with all methods that can be paid with now.
    pub(super) fn methods(&self) -> Markup {
        let kinds = self.view.methods(self.api);
        if kinds.is_empty() {
            return html! { p.lead { (self.text(Text::NoMethod)) } };
        }
        let chosen = self.preselected(&kinds);
        html! {
            form method="post" action=(self.address()) autocomplete="on" novalidate data-once {
                (self.hidden())
                fieldset.methods {
                    legend { (self.text(Text::ChooseMethod)) }
                    @for kind in &kinds {
                        div.method {
                            label for={ "method-" (kind) } {
                                input type="radio" name="method" value=(kind) id={ "method-" (kind) }
                                    checked[*kind == chosen];
                                span {
                                    (self.method_name(kind))
                                    small {
                                        @if *kind == CARD { (self.text(Text::CardHint)) }
                                        @else { (self.text(Text::WalletHint)) }
                                    }
                                }
                            }
                            @if *kind == CARD { (self.card()) }
                        }
                    }
                }
                @if let Some(has) = self.view.balance { (self.balance_field(has)) }
                button { (self.say(Text::PayNow, &[("amount", &self.amount())])) }
            }
            @if self.view.simulates_cards(self.api) { (self.test_cards()) }
        }
    }

    /// The method that is chosen already: in the form that was sent, then what was tried last, then the first.
    fn preselected<'k>(&self, kinds: &[&'k str]) -> &'k str {
        let last = self.view.method.as_ref().map(|method| method.kind.as_str());
        let error = self.view.intent.last_payment_error.as_ref();
        let failed = error.and_then(|error| error.payment_method.get("type")?.as_str());
        let find = |wanted: &str| kinds.iter().find(|kind| **kind == wanted).copied();
        let wanted = [self.chosen, last, failed].into_iter().flatten().find_map(find);
        wanted.or_else(|| kinds.first().copied()).unwrap_or_default()
    }

    /// Returns what a method is called.
    pub(super) fn method_name(&self, kind: &str) -> &'static str {
        self.text(match kind {
            ALIPAY => Text::Alipay,
            WECHAT_PAY => Text::WechatPay,
            CUSTOMER_BALANCE => Text::Balance,
            _ => Text::Card,
        })
    }

    /// How much of the balance is used: a box for figures, to which the script adds a slider and says what is left.
    fn balance_field(&self, has: i64) -> Markup {
        let bill = self.view.bill();
        let exponent = bill.currency.exponent();
        let plain = |minor: i64| suanpan_money::format_minor(minor, exponent);
        let most = has.min(bill.total);
        let written =
            self.balance.map_or_else(|| plain(self.own_part().unwrap_or(0).min(most)), str::to_owned);
        let fault = self.faults.contains(&Fault::Balance);
        let described = if fault { "balance-hint balance-wrong" } else { "balance-hint" };
        // The script writes amounts as they stand here.
        let one = self.money(0);
        let sign = one.trim_end_matches(|char: char| char.is_ascii_digit() || char == '.');
        html! {
            fieldset.balance data-balance data-most=(most) data-total=(bill.total) data-exponent=(exponent)
                data-sign=(sign) {
                legend.unseen { (self.text(Text::Balance)) }
                div.field.wide {
                    label for="balance" { (self.say(Text::BalanceUse, &[("balance", &self.money(has))])) }
                    input #balance name="balance" type="text" inputmode="decimal" autocomplete="off" maxlength="20"
                        value=(written) aria-invalid=[fault.then_some("true")] aria-describedby=(described);
                    input type="range" min="0" max=(most) step="1" hidden aria-label=(self.text(Text::BalanceSlide));
                    @if fault { span.wrong #balance-wrong { (self.text(Text::BalanceWrong)) } }
                    span.hint #balance-hint data-rest=(self.text(Text::BalanceRest)) { (self.text(Text::BalanceHint)) }
                }
            }
        }
    }

    /// The fields of a card. Nothing that was typed into them comes back.
    fn card(&self) -> Markup {
        html! {
            div.card {
                (self.field("number", Text::Number, None, ("cc-number", "24", "wide")))
                (self.field("expiry", Text::Expiry, Some(Text::ExpiryHint), ("cc-exp", "9", "")))
                (self.field("cvc", Text::Cvc, Some(Text::CvcHint), ("cc-csc", "4", "")))
                p.hint.wide { (self.text(Text::SafeHere)) }
            }
        }
    }

    fn field(
        &self,
        name: &str,
        label: Text,
        hint: Option<Text>,
        (autocomplete, length, class): (&str, &str, &str),
    ) -> Markup {
        let fault = self.faults.iter().find(|fault| fault.field() == Some(name));
        let told = [hint.map(|_| format!("{name}-hint")), fault.map(|_| format!("{name}-wrong"))];
        let told: Vec<String> = told.into_iter().flatten().collect();
        let described = (!told.is_empty()).then(|| told.join(" "));
        html! {
            div class={ "field " (class) } {
                label for=(name) { (self.text(label)) }
                input #(name) name=(name) type="text" inputmode="numeric" autocomplete=(autocomplete)
                    maxlength=(length) spellcheck="false" aria-invalid=[fault.map(|_| "true")]
                    aria-describedby=[described];
                @if let Some(fault) = fault {
                    span.wrong id={ (name) "-wrong" } { (self.text(fault.text())) }
                }
                @if let Some(hint) = hint {
                    span.hint id={ (name) "-hint" } { (self.text(hint)) }
                }
            }
        }
    }

    /// What is to be corrected, with the way to it.
    pub(super) fn faults(&self) -> Markup {
        html! {
            @if !self.faults.is_empty() {
                div.notice.bad role="alert" {
                    strong { (self.text(Text::FormWrong)) }
                    ul {
                        @for fault in self.faults { li { (self.fault(*fault)) } }
                    }
                }
            }
        }
    }

    fn fault(&self, fault: Fault) -> Markup {
        html! {
            @match fault.field() {
                Some(field) => a href={ "#" (field) } { (self.text(fault.text())) },
                None => (self.text(fault.text())),
            }
        }
    }

    /// Cards of the simulator: what the buttons do is what the cards do.
    fn test_cards(&self) -> Markup {
        html! {
            section.test {
                h2 { (self.text(Text::TestTitle)) }
                form method="post" action=(self.address()) data-once {
                    (self.hidden())
                    @for (id, label) in TEST_CARDS {
                        button.plain.small name="test" value=(id) { (self.text(label)) }
                    }
                }
            }
        }
    }
}
