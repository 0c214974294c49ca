//! What customers go through on the page of a checkout session, in headless Chromium: on a phone and at a desk, in light
//! and dark, with and without a script, by mouse and by keys alone. Server and wallet are processes of their own.
//!
//! `PICTURES=folder` keeps what was on the screen.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod chromium;
mod looks;
mod shop;

use chromium::{Browser, DESKTOP, PHONE, Window};
use serde_json::Value;
use shop::Shop;

/// Opens the page of a session.
fn page(window: Window, session: &Value) -> Browser {
    let browser = Browser::open(window);
    browser.go(session["url"].as_str().unwrap());
    browser
}

/// Fills in a card and pays.
fn pay_by_card(browser: &Browser, number: &str) {
    browser.click("label[for=method-card]");
    browser.fill("#number", number);
    browser.fill("#expiry", "12 / 34");
    browser.fill("#cvc", "123");
    browser.click("fieldset + button");
}

/// Chooses to scan, and waits for the code.
fn show_code(browser: &Browser) {
    browser.click("label[for=method-alipay]");
    browser.click("fieldset + button");
    browser.state("scan");
}

fn expect_silence(browser: &Browser, shop: &Shop) {
    let complaints = browser.complaints(&shop.address);
    // A form that is shown again with what is wrong has the status 422, which the browser notes.
    let complaints: Vec<_> = complaints.iter().filter(|text| !text.contains("status of 422")).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[test]
fn a_card_is_declined_and_another_pays() {
    let shop = Shop::open();
    for window in [PHONE, Window { dark: true, ..DESKTOP }] {
        let session = shop.session("");
        let browser = page(window, &session);
        looks::check(&browser, "choose");
        pay_by_card(&browser, "4000 0000 0000 9995");
        browser.state("failed");
        assert!(browser.text().contains("There is not enough money on the account."), "{}", browser.text());
        looks::check(&browser, "failed");
        pay_by_card(&browser, "4242 4242 4242 4242");
        browser.state("paid");
        looks::check(&browser, "paid");
        let text = browser.text();
        for part in ["Moonlit Tea House", "298.00", "T-20261128-0042", "4242"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        shop.until(&session, "complete");
        // Back to the shop by itself.
        browser.until("location.pathname === '/healthz' && location.search.includes('paid=cs_')");
        expect_silence(&browser, &shop);
    }
}

#[test]
fn a_part_comes_out_of_the_balance_by_slider_or_box_and_is_free_again_when_the_card_fails() {
    let shop = Shop::open();
    for window in [PHONE, Window { language: "zh-CN", dark: true, ..DESKTOP }] {
        let customer = shop.payer(20_000);
        let more = format!("&customer={customer}&payment_sources[]=balance");
        let session = shop.session(&more);
        let browser = page(window, &session);
        browser.click("label[for=method-card]");
        looks::check(&browser, "choose-split");
        // 298.00 are to be paid and 200.00 are there.
        let slider = ".balance input[type=range]";
        browser.eval(&format!(
            "(() => {{ const it = document.querySelector('{slider}'); it.value = 12345; \
             it.dispatchEvent(new Event('input', {{ bubbles: true }})); }})()"
        ));
        assert_eq!(browser.eval("document.getElementById('balance').value"), "123.45");
        browser.until("document.getElementById('balance-hint').textContent.includes('174.55')");
        browser.fill("#balance", "98");
        assert_eq!(browser.eval(&format!("document.querySelector('{slider}').value")), "9800");
        browser.until("document.getElementById('balance-hint').textContent.includes('200.00')");
        looks::check(&browser, "split");
        pay_by_card(&browser, "4000 0000 0000 9995");
        browser.state("failed");
        looks::check(&browser, "split-failed");
        assert_eq!(
            (shop.kept(&customer), shop.status(&session)),
            (20_000, "requires_payment_method".to_owned())
        );
        // What was agreed stands there still, and another card pays the rest.
        assert_eq!(browser.eval("document.getElementById('balance').value"), "98.00");
        pay_by_card(&browser, "4242 4242 4242 4242");
        browser.state("paid");
        looks::check(&browser, "split-paid");
        let text = browser.text();
        assert!(text.contains("98.00") && text.contains("200.00"), "{text}");
        assert_eq!(shop.kept(&customer), 10_200);
        expect_silence(&browser, &shop);
        // Scanned: the code is for the rest only, and without a script the box alone does it.
        let session = shop.session(&more);
        let browser = page(Window { script: false, ..window }, &session);
        assert_eq!(browser.eval(&format!("document.querySelector('{slider}').hidden")), true);
        browser.fill("#balance", "100");
        browser.click("label[for=method-alipay]");
        browser.click(".balance + button");
        browser.state("scan");
        looks::check(&browser, "split-scan");
        assert!(browser.text().contains("198.00"), "{}", browser.text());
        assert_eq!(shop.kept(&customer), 200);
        shop.scan(&shop.code(&session));
        browser.click_away("form[action*='/check'] button");
        browser.state("paid");
        assert_eq!(shop.kept(&customer), 200);
    }
}

#[test]
fn what_is_wrong_with_a_card_is_said_at_its_field() {
    let shop = Shop::open();
    let browser = page(PHONE, &shop.session(""));
    browser.click("label[for=method-card]");
    browser.fill("#number", "1234");
    browser.fill("#expiry", "13/34");
    browser.click("fieldset + button");
    browser.until("document.querySelector('[role=alert]')");
    looks::check(&browser, "faults");
    for field in ["number", "expiry", "cvc"] {
        let told = format!(
            "document.getElementById(document.getElementById('{field}').getAttribute('aria-describedby')\
             .split(' ').pop()).className"
        );
        assert_eq!(browser.eval(&told), "wrong", "{field}");
        browser.until(&format!("document.querySelector('[role=alert] a[href=\"#{field}\"]')"));
    }
    assert_eq!(browser.eval("document.getElementById('number').value"), "", "it does not come back");
    browser.click("[role=alert] a[href='#cvc']");
    browser.until("document.activeElement.id === 'cvc'");
    expect_silence(&browser, &shop);
}

#[test]
fn a_code_is_scanned_and_the_page_goes_on_by_itself() {
    let shop = Shop::open();
    for window in [PHONE, Window { language: "zh-CN", ..DESKTOP }, Window { dark: true, ..PHONE }] {
        let session = shop.session("");
        let browser = page(window, &session);
        show_code(&browser);
        browser.until("document.querySelector('[data-live].on')");
        looks::check(&browser, "scan");
        looks::code_can_be_scanned(&browser);
        let left = browser.eval("document.querySelector('.code [data-until]').textContent");
        browser.until(&format!("document.querySelector('.code [data-until]').textContent !== {left}"));
        // Nobody asks again: what comes next is told.
        browser.eval("window.stays = true");
        shop.scan(&shop.code(&session));
        browser.state("paid");
        assert_eq!(browser.eval("window.stays"), true, "the page was not loaded again");
        assert_eq!(browser.eval("document.activeElement.tagName"), "H1");
        looks::check(&browser, "paid-by-code");
        expect_silence(&browser, &shop);
    }
}

#[test]
fn a_code_is_scanned_without_a_script_and_a_button_tells() {
    let shop = Shop::open();
    for window in [PHONE, Window { language: "zh-CN", ..DESKTOP }] {
        let session = shop.session("");
        let browser = page(Window { script: false, ..window }, &session);
        show_code(&browser);
        looks::check(&browser, "scan-plain");
        browser.click_away("form[action*='/check'] button");
        browser.state("scan");
        shop.scan(&shop.code(&session));
        browser.click_away("form[action*='/check'] button");
        browser.state("paid");
        expect_silence(&browser, &shop);
    }
}

#[test]
fn without_a_script_a_card_pays_too() {
    let shop = Shop::open();
    let browser = page(Window { script: false, ..PHONE }, &shop.session(""));
    pay_by_card(&browser, "4242424242424242");
    browser.state("paid");
    assert!(browser.text().contains("UTC"), "{}", browser.text());
    expect_silence(&browser, &shop);
}

#[test]
fn what_is_paid_when_the_page_is_over_goes_back_and_the_page_says_so() {
    let shop = Shop::open();
    for window in [DESKTOP, Window { language: "zh-CN", ..PHONE }] {
        let session = shop.session("");
        let browser = page(window, &session);
        show_code(&browser);
        let code = shop.code(&session);
        shop.post(&format!("/v1/checkout/sessions/{}/expire", session["id"].as_str().unwrap()), "");
        browser.state("closed");
        looks::check(&browser, "closed");
        shop.scan(&code);
        browser.state("late");
        looks::check(&browser, "late");
        let attempt = shop.intent(&session)["latest_attempt"].as_str().unwrap().to_owned();
        let text = browser.text();
        let promise = if window.language == "en" { "Received after expiry" } else { "付款已超时" };
        assert!(text.contains(promise) && text.contains(&attempt), "{text}");
        // The wallet gives it back, and the page says that too.
        let done = if window.language == "en" { "has been refunded" } else { "已退款" };
        browser.until(&format!("document.querySelector('h1').textContent.includes('{done}')"));
        assert_eq!(shop.intent(&session)["status"], "canceled");
        expect_silence(&browser, &shop);
    }
}

#[test]
fn the_language_can_be_changed_and_stays() {
    let shop = Shop::open();
    let session = shop.session("");
    let browser = page(Window { language: "zh-CN", ..PHONE }, &session);
    assert_eq!(browser.eval("document.documentElement.lang"), "zh-CN");
    assert!(browser.text().contains("支付 ¥298.00"), "{}", browser.text());
    looks::check(&browser, "choose-zh");
    browser.click("nav a[hreflang=en]");
    browser.until("document.documentElement.lang === 'en'");
    show_code(&browser);
    assert_eq!(browser.eval("document.documentElement.lang"), "en");
    shop.scan(&shop.code(&session));
    browser.state("paid");
    assert_eq!(browser.eval("document.querySelector('h1').textContent"), "Paid");
}

/// A window as narrow as a page of 1280 pixels is at 400 per cent (WCAG 2.2, 1.4.10).
#[test]
fn nothing_runs_out_of_a_narrow_window() {
    let shop = Shop::open();
    for language in ["en", "zh-CN"] {
        let session = shop.session("");
        let browser = page(Window { width: 320, height: 256, language, ..PHONE }, &session);
        browser.click("label[for=method-card]");
        looks::check(&browser, "narrow");
        show_code(&browser);
        looks::check(&browser, "narrow-code");
        shop.scan(&shop.code(&session));
        browser.state("paid");
        looks::check(&browser, "narrow-paid");
    }
}

#[test]
fn keys_alone_pay() {
    let shop = Shop::open();
    let session = shop.session("");
    let browser = page(DESKTOP, &session);
    browser.press("Tab");
    assert_eq!(browser.eval("document.activeElement.className"), "skip");
    browser.tab_to("input[type=radio]");
    // A group of radio buttons is one stop; arrows move within.
    browser.press("ArrowDown");
    browser.until("document.getElementById('method-card').checked");
    browser.tab_to("#number");
    browser.write("4242424242424242");
    browser.tab_to("#expiry");
    browser.write("1234");
    browser.tab_to("#cvc");
    browser.write("123");
    looks::check(&browser, "keys");
    browser.tab_to("fieldset + button");
    browser.press("Enter");
    browser.state("paid");
    browser.tab_to("[data-return] button");
    browser.press("Space");
    browser.until("document.querySelector('[data-return]').hidden");
    expect_silence(&browser, &shop);
}

#[test]
fn the_holder_of_a_card_goes_to_the_bank_and_comes_back() {
    let shop = Shop::open();
    let session = shop.session("");
    let browser = page(PHONE, &session);
    browser.click("button[value=pm_card_threeDSecure2Required]");
    browser.state("prove");
    looks::check(&browser, "prove");
    browser.click(".pay a.button");
    browser.until("location.pathname.startsWith('/authenticate/')");
    browser.click("button[value=true]");
    browser.state("paid");
    assert_eq!(browser.eval("location.search"), "", "no secret stands in the address");
}
