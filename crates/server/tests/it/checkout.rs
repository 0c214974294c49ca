//! Checkout sessions over the API, and their page as browsers without a script see it.

use crate::client::{LOGGED, Reply, Server};
use serde_json::json;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use suanpan_server::serve::Limits;

const SESSION: &str = "mode=payment&success_url=https://shop.example/thanks?s={CHECKOUT_SESSION_ID}\
    &cancel_url=https://shop.example/cart&line_items[0][price_data][currency]=cny\
    &line_items[0][price_data][unit_amount]=4800&line_items[0][price_data][product_data][name]=%E8%8C%B6\
    &line_items[0][quantity]=2";
/// A card whose holder must prove to be one.
const PROOF: &str = "method=card&number=4000000000003220&expiry=12/34&cvc=123";
const CARD: &str = "method=card&number=4242+4242+4242+4242&expiry=12/34&cvc=123";

/// A page, and how it is asked for.
struct Page<'a> {
    server: &'a Server,
    id: String,
}

impl<'a> Page<'a> {
    fn open(server: &'a Server, more: &str) -> Page<'a> {
        let id = server.post(&server.key, "/v1/checkout/sessions", &format!("{SESSION}{more}")).id();
        Page { server, id }
    }

    fn get(&self) -> Reply {
        self.server.send("GET", &format!("/c/{}", self.id), &[], b"")
    }

    /// The state that the page shows.
    fn state(&self) -> String {
        let page = self.get();
        assert_eq!(page.status, 200, "{page:?}");
        between(&page.body, "data-state=\"", "\"").to_owned()
    }

    /// What every form of the page has.
    fn hidden(&self) -> String {
        let page = self.get().body;
        let token = between(&page, "name=\"token\" value=\"", "\"");
        format!("token={token}&seen={}", between(&page, "name=\"seen\" value=\"", "\""))
    }

    fn send(&self, form: &str, more: &[(&str, &str)]) -> Reply {
        self.send_to("", form, more)
    }

    fn send_to(&self, action: &str, form: &str, more: &[(&str, &str)]) -> Reply {
        let mut headers = vec![("content-type", "application/x-www-form-urlencoded"), ("origin", "null")];
        headers.extend(more);
        self.server.send("POST", &format!("/c/{}{action}", self.id), &headers, form.as_bytes())
    }

    /// Fills in the form of the page and sends it.
    fn pay(&self, form: &str) -> Reply {
        self.send(&format!("{}&{form}", self.hidden()), &[])
    }

    fn session(&self) -> serde_json::Value {
        self.server.get(&self.server.key, &format!("/v1/checkout/sessions/{}", self.id)).json()
    }

    /// Listens, with headers of its own, and returns lines as they come.
    fn listen(&self, query: &str, more: &str) -> Listening {
        let mut stream = self.server.connect();
        let path = format!("/c/{}/events{query}", self.id);
        write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{more}\r\n").unwrap();
        Listening(BufReader::new(stream))
    }
}

struct Listening(BufReader<TcpStream>);

impl Listening {
    /// Reads until a line has a word, and returns that line.
    fn until(&mut self, word: &str) -> String {
        let mut all = String::new();
        loop {
            let from = all.len();
            assert!(self.0.read_line(&mut all).unwrap() > 0, "it ended before {word}: {all}");
            if all[from..].contains(word) {
                return all[from..].trim().to_owned();
            }
        }
    }
}

fn between<'t>(text: &'t str, begin: &str, end: &str) -> &'t str {
    text.split(begin)
        .nth(1)
        .and_then(|rest| rest.split(end).next())
        .unwrap_or_else(|| panic!("no {begin}: {text}"))
}

#[test]
fn a_session_is_made_shown_listed_and_expired() {
    let server = Server::start();
    let key = &server.key;
    let name = [("idempotency-key", "order-6735")];
    let made = server.post_as(key, "/v1/checkout/sessions", SESSION, &name);
    let (id, session) = (made.id(), made.json());
    let repeated = server.post_as(key, "/v1/checkout/sessions", SESSION, &name);
    assert_eq!((repeated.header("idempotent-replayed"), &repeated.body), (Some("true"), &made.body));
    assert_eq!(session["url"], format!("http://{}/c/{id}", server.address));
    assert_eq!((&session["amount_total"], &session["status"]), (&json!(9_600), &json!("open")));
    let expanded = server
        .get(key, &format!("/v1/checkout/sessions/{id}?expand[]=payment_intent&expand[]=line_items"))
        .json();
    assert_eq!(expanded["payment_intent"]["amount"], 9_600, "{expanded}");
    let intent = session["payment_intent"].as_str().unwrap();
    let items = server.get(key, &format!("/v1/checkout/sessions/{id}/line_items")).json();
    assert_eq!((&items["object"], &items["data"][0]["quantity"]), (&json!("list"), &json!(2)), "{items}");
    let listed = |query: &str| {
        let list = server.get(key, &format!("/v1/checkout/sessions?{query}")).json();
        list["data"].as_array().unwrap().len()
    };
    assert_eq!(listed(&format!("payment_intent={intent}")), 1);
    assert_eq!((listed("status=open"), listed("status=expired"), listed("customer=cus_1")), (1, 0, 0));
    let wrong =
        server.post(key, "/v1/checkout/sessions", &format!("{SESSION}&payment_method_types[]=alipay"));
    assert_eq!((wrong.status, &wrong.json()["code"]), (400, &json!("channel_missing")), "{wrong:?}");
    let refused = server.post(key, &format!("/v1/payment_intents/{intent}/cancel"), "");
    assert_eq!(refused.json()["code"], "payment_intent_of_checkout_session", "{refused:?}");
    let expired = server.post(key, &format!("/v1/checkout/sessions/{id}/expire"), "").json();
    assert_eq!((&expired["status"], &expired["url"]), (&json!("expired"), &json!(null)), "{expired}");
    let events = server.get(key, "/v1/events?type=checkout.session.expired").json();
    assert_eq!(events["data"][0]["data"]["object"]["id"], id, "{events}");
    let again = server.post(key, &format!("/v1/checkout/sessions/{id}/expire"), "");
    assert_eq!((again.status, &again.json()["code"]), (400, &json!("checkout_session_unexpected_state")));
}

#[test]
fn the_page_loads_nothing_from_elsewhere_and_runs_nothing_that_stands_in_it() {
    let server = Server::start();
    let page = Page::open(&server, "");
    let shown = page.get();
    let policy = shown.header("content-security-policy").unwrap();
    for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'self'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
    assert_eq!(shown.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(shown.header("cache-control"), Some("no-store"));
    let body = &shown.body;
    for never in [" style=", "<style", " onclick=", "javascript:", "<iframe", "http-equiv"] {
        assert!(!body.contains(never), "{never}: {body}");
    }
    // Addresses of others are those of the shop alone, to be gone to.
    let away = body.split("=\"http").skip(1).filter(|rest| !rest.starts_with("s://shop.example/")).count();
    assert_eq!(away, 0, "{body}");
    assert_eq!(body.matches("<script").count(), 1);
    for (begin, kind) in [
        ("<link rel=\"stylesheet\" href=\"", "text/css"),
        ("<script type=\"module\" src=\"", "text/javascript"),
    ] {
        let asset = server.send("GET", between(body, begin, "\""), &[], b"");
        assert!(asset.header("content-type").unwrap().starts_with(kind), "{asset:?}");
        assert_eq!(asset.header("cache-control"), Some("public, max-age=31536000, immutable"));
        assert!(!asset.body.contains("http://") && !asset.body.contains("https://"), "{}", asset.body);
    }
    assert_eq!(server.send("GET", "/assets/checkout-0000000000000000.js", &[], b"").status, 404);
}

#[test]
fn the_page_speaks_the_language_of_its_reader() {
    let server = Server::start();
    let page = Page::open(&server, "&locale=zh");
    let title = |query: &str, accepted: &str| {
        let headers = [("accept-language", accepted)];
        let shown = server.send("GET", &format!("/c/{}{query}", page.id), &headers, b"");
        (shown.header("content-language").unwrap().to_owned(), shown.body.contains("请选择付款方式"))
    };
    let (en, zh) = (("en".to_owned(), false), ("zh-CN".to_owned(), true));
    assert_eq!(title("", "de"), zh, "the merchant's, where the browser has none of ours");
    assert_eq!(title("", "en-GB,en;q=0.8"), en);
    assert_eq!(title("?lang=zh-CN", "en"), zh);
    assert_eq!(title("?lang=en", "zh"), en);
    // The choice goes with the forms.
    let shown = server.send("GET", &format!("/c/{}?lang=en", page.id), &[], b"").body;
    assert!(shown.contains(&format!("action=\"/c/{}?lang=en\"", page.id)), "{shown}");
}

#[test]
fn a_card_is_paid_by_a_form_and_stands_nowhere() {
    let server = Server::start();
    let page = Page::open(&server, "&payment_intent_data[merchant_order_id]=A-6735");
    assert_eq!(page.state(), "choose");
    let sent = page.pay(CARD);
    assert_eq!(
        (sent.status, sent.header("location")),
        (303, Some(format!("/c/{}", page.id).as_str())),
        "{sent:?}"
    );
    let shown = page.get().body;
    for part in ["data-state=\"paid\"", "CNY\u{a0}96.00", "A-6735", "UTC</time>", "4242"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let back = format!("https://shop.example/thanks?s={}", page.id);
    assert!(shown.contains(&back), "{shown}");
    let session = page.session();
    assert_eq!((&session["status"], &session["payment_status"]), (&json!("complete"), &json!("paid")));
    let events = server.get(&server.key, "/v1/events?type=checkout.session.completed").json();
    assert_eq!(events["data"].as_array().unwrap().len(), 1, "{events}");
    assert!(!server.stores(b"4242424242424242") && !server.stores(b"4242 4242"));
    let logged = String::from_utf8_lossy(&LOGGED.lock().unwrap()).into_owned();
    let ours: Vec<&str> = logged.lines().filter(|line| line.contains("suanpan")).collect();
    // Neither the card nor the address of the page, which is all that is needed to open it.
    assert!(!ours.iter().any(|line| line.contains("4242+4242") || line.contains(&page.id)));
}

/// A customer with 50.00, and the part of a session that lets the page offer it.
fn payer(server: &Server) -> (String, String) {
    let key = &server.key;
    let customer = server.post(key, "/v1/customers", "").id();
    let fund = format!("/v1/test_helpers/customers/{customer}/fund_cash_balance");
    assert_eq!(server.post(key, &fund, "amount=5000&currency=cny").status, 200);
    let more = format!("&customer={customer}&payment_sources[]=balance");
    (customer, more)
}

fn kept(server: &Server, customer: &str) -> serde_json::Value {
    let shown = server.get(&server.key, &format!("/v1/customers/{customer}/cash_balance"));
    shown.json()["available"]["cny"].clone()
}

#[test]
fn a_part_is_paid_out_of_the_balance_and_the_page_says_what_comes_from_where() {
    let server = Server::start();
    let (customer, more) = payer(&server);
    let page = Page::open(&server, &more);
    let body = page.get().body;
    assert!(body.contains("Use from your balance of CNY\u{a0}50.00"), "{body}");
    assert!(body.contains("data-most=\"5000\" data-total=\"9600\""), "{body}");
    // Too much is said at its field, and stands there still.
    let wrong = page.pay(&format!("{CARD}&balance=50.01"));
    assert_eq!(wrong.status, 422);
    assert!(
        wrong.body.contains("id=\"balance-wrong\"") && wrong.body.contains("value=\"50.01\""),
        "{}",
        wrong.body
    );
    // A card that is declined leaves the balance alone, and the page keeps the part.
    let declined = CARD.replace("4242+4242+4242+4242", "4000+0000+0000+9995");
    assert_eq!(page.pay(&format!("{declined}&balance=30")).status, 303);
    assert_eq!((page.state().as_str(), kept(&server, &customer)), ("failed", json!(5_000)));
    assert!(page.get().body.contains("value=\"30.00\""));
    page.pay(&format!("{CARD}&balance=30.00"));
    assert_eq!((page.state().as_str(), kept(&server, &customer)), ("paid", json!(2_000)));
    let text = page.get().body;
    assert!(text.contains("CNY\u{a0}30.00 from your balance, CNY\u{a0}66.00 by Bank card"), "{text}");
    let intent = page.session()["payment_intent"].as_str().unwrap().to_owned();
    let intent = server.get(&server.key, &format!("/v1/payment_intents/{intent}")).json();
    assert_eq!(
        (&intent["amount_received"], &intent["payment_sources"][0]["amount"]),
        (&json!(9_600), &json!(3_000))
    );
}

/// What waits for a customer keeps its part only until the customer chooses anew.
#[test]
fn another_way_can_use_the_balance_that_the_first_one_keeps() {
    let server = Server::start();
    let (customer, more) = payer(&server);
    let page = Page::open(&server, &more);
    // A card whose holder must prove to be one.
    assert_eq!(page.pay(&format!("{PROOF}&balance=50")).status, 303);
    assert_eq!((page.state().as_str(), kept(&server, &customer)), ("prove", json!(0)));
    let body = page.get().body;
    assert!(body.contains("value=\"50.00\"") && body.contains("data-most=\"5000\""), "{body}");
    assert_eq!(page.pay(&format!("{CARD}&balance=50.00")).status, 303);
    assert_eq!((page.state().as_str(), kept(&server, &customer)), ("paid", json!(0)));
}

#[test]
fn a_balance_that_covers_all_of_it_pays_in_one_commit_and_completes_the_session() {
    let server = Server::start();
    let (customer, more) = payer(&server);
    let fund = format!("/v1/test_helpers/customers/{customer}/fund_cash_balance");
    server.post(&server.key, &fund, "amount=5000&currency=cny");
    let page = Page::open(&server, &more);
    // No method is needed.
    assert_eq!(page.pay("balance=96").status, 303);
    assert_eq!((page.state().as_str(), kept(&server, &customer)), ("paid", json!(400)));
    let session = page.session();
    assert_eq!((&session["status"], &session["payment_status"]), (&json!("complete"), &json!("paid")));
    assert!(page.get().body.contains("Your balance"), "{}", page.get().body);
}

#[test]
fn only_the_merchant_offers_a_balance() {
    let server = Server::start();
    let (customer, more) = payer(&server);
    let page = Page::open(&server, &format!("&customer={customer}"));
    assert!(!page.get().body.contains("name=\"balance\""));
    for form in [format!("{CARD}&balance=30"), "balance=96".to_owned()] {
        assert_eq!(page.pay(&form).status, 422, "{form}");
    }
    assert_eq!((page.state().as_str(), kept(&server, &customer)), ("choose", json!(5_000)));
    for (bad, param) in [
        ("&payment_sources[]=balance".to_owned(), "customer"),
        (more.replace("balance", "credit"), "payment_sources[0]"),
        (format!("{more}&payment_sources[]=balance"), "payment_sources[1]"),
    ] {
        let reply = server.post(&server.key, "/v1/checkout/sessions", &format!("{SESSION}{bad}"));
        assert_eq!((reply.status, &reply.json()["error"]["param"]), (400, &param.into()), "{bad}");
    }
}

#[test]
fn a_decline_is_told_in_words_and_another_card_pays() {
    let server = Server::start();
    let page = Page::open(&server, "");
    assert_eq!(page.pay(&CARD.replace("4242+4242+4242+4242", "4000000000009995")).status, 303);
    let shown = page.get().body;
    assert!(shown.contains("data-state=\"failed\"") && shown.contains("not enough money"), "{shown}");
    assert_eq!(page.pay("test=pm_card_visa").status, 303);
    assert_eq!(page.state(), "paid");
    let lost = Page::open(&server, "");
    lost.pay(&CARD.replace("4242+4242+4242+4242", "4000000000009987"));
    // Who is told that a card is reported lost may have found it.
    assert!(lost.get().body.contains("does not say why"));
}

#[test]
fn what_is_wrong_in_a_form_is_said_at_its_field_and_nothing_is_shown_again() {
    let server = Server::start();
    let page = Page::open(&server, "");
    let shown = page.pay("method=card&number=4000123412341234&expiry=13/34&cvc=1");
    assert_eq!(shown.status, 422, "{shown:?}");
    for field in ["expiry", "cvc"] {
        for part in [format!("href=\"#{field}\""), format!("id=\"{field}-wrong\"")] {
            assert!(shown.body.contains(&part), "{part}: {}", shown.body);
        }
    }
    assert!(shown.body.contains("aria-describedby=\"expiry-hint expiry-wrong\""), "{}", shown.body);
    assert!(!shown.body.contains("4000123412341234"));
    // What only the channel can tell.
    let unknown = page.pay(&CARD.replace("4242+4242+4242+4242", "4242424242424241"));
    assert!(unknown.status == 422 && unknown.body.contains("id=\"number-wrong\""), "{unknown:?}");
    assert_eq!(page.pay("method=alipay").status, 422, "it has no channel here");
    assert_eq!(page.state(), "choose");
}

#[test]
fn forms_are_taken_from_the_page_alone_and_once() {
    let server = Server::start();
    let page = Page::open(&server, "");
    let form = format!("{}&{CARD}", page.hidden());
    let own = format!("http://{}", server.address);
    for (form, more) in [
        (CARD.to_owned(), vec![]),
        (form.replace("token=", "token=0"), vec![]),
        (form.clone(), vec![("sec-fetch-site", "cross-site")]),
        (form.clone(), vec![("sec-fetch-site", "same-site")]),
        (format!("{form}&amount=1"), vec![]),
    ] {
        assert_eq!(page.send(&form, &more).status, 403, "{form} {more:?}");
    }
    let elsewhere = server.send(
        "POST",
        &format!("/c/{}", page.id),
        &[("content-type", "application/x-www-form-urlencoded"), ("origin", "https://evil.example")],
        form.as_bytes(),
    );
    assert_eq!(elsewhere.status, 403);
    assert_eq!(page.state(), "choose");
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("origin", own.as_str()),
        ("sec-fetch-site", "same-origin"),
    ];
    for _ in 0..2 {
        assert_eq!(server.send("POST", &format!("/c/{}", page.id), &headers, form.as_bytes()).status, 303);
    }
    let intent = page.session()["payment_intent"].as_str().unwrap().to_owned();
    let intent = server.get(&server.key, &format!("/v1/payment_intents/{intent}")).json();
    assert_eq!((&intent["attempts_made"], &intent["status"]), (&json!(1), &json!("succeeded")));
    // The token of one page is none for another.
    let other = Page::open(&server, "");
    assert_eq!(other.send(&form, &[]).status, 403);
}

#[test]
fn pages_are_not_found_by_trying_and_forms_not_sent_by_the_hundred() {
    let server = Server::start();
    let page = Page::open(&server, "");
    let wrong = format!("cs_{}", "0".repeat(58));
    let statuses: Vec<u16> =
        (0..70).map(|_| server.send("GET", &format!("/c/{wrong}"), &[], b"").status).collect();
    assert!(statuses[0] == 404 && statuses.contains(&429), "{statuses:?}");
    assert_eq!(server.send("GET", "/c/pi_1", &[], b"").status, 429);
    assert_eq!(page.state(), "choose", "who knows one is let in");
    let hidden = page.hidden();
    let statuses: Vec<u16> = (0..25).map(|_| page.send(&hidden, &[]).status).collect();
    assert!(statuses[0] == 422 && statuses.contains(&429), "{statuses:?}");
}

#[test]
fn the_holder_of_a_card_proves_to_be_one_and_comes_back_to_a_clean_address() {
    let server = Server::start();
    let page = Page::open(&server, "");
    page.pay("test=pm_card_threeDSecure2Required");
    let shown = page.get().body;
    assert!(shown.contains("data-state=\"prove\""), "{shown}");
    let there = between(&shown, "class=\"button\" href=\"http://", "\"").replace("&amp;", "&");
    let (_, path) = there.split_once('/').unwrap();
    let secret = path.split("client_secret=").nth(1).unwrap();
    let form = format!("client_secret={secret}&proven=true");
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let proven =
        server.send("POST", &format!("/{}", path.split('?').next().unwrap()), &headers, form.as_bytes());
    let back = proven.header("location").unwrap();
    let at = back.split_once("/c/").unwrap().1;
    assert!(at.contains("client_secret="), "{back}");
    let clean = server.send("GET", &format!("/c/{at}"), &[], b"");
    assert_eq!((clean.status, clean.header("location")), (303, Some(format!("/c/{}", page.id).as_str())));
    assert_eq!(page.state(), "paid");
}

#[test]
fn a_page_that_listens_is_told_by_the_commit() {
    let mut server = Server::start();
    {
        let page = Page::open(&server, "");
        let version = between(&page.get().body, "data-version=\"", "\"").to_owned();
        let mut listening = page.listen(&format!("?seen={version}"), "");
        assert!(listening.until("content-type").contains("text/event-stream"));
        listening.until("retry: 2000");
        page.pay(&CARD.replace("4242+4242+4242+4242", "4000000000009995"));
        assert!(listening.until("id: ").ends_with("confirming"));
        let failed = listening.until("failed");
        assert!(failed.starts_with("id: "), "{failed}");
        // Who was away is told what was missed, once.
        let missed = page.listen("", &format!("last-event-id: {version}\r\n")).until("data: ");
        assert_eq!(missed, "data: {\"state\":\"failed\"}");
        let again = format!("last-event-id: {}\r\n", failed.trim_start_matches("id: "));
        let mut again = page.listen(&format!("?seen={version}"), &again);
        again.until("retry: 2000");
        page.pay("test=pm_card_visa");
        for listening in [&mut listening, &mut again] {
            listening.until("\"paid\"");
            listening.until("event: end");
            let mut rest = String::new();
            while listening.0.read_line(&mut rest).unwrap() > 0 {}
            assert!(rest.ends_with("0\r\n\r\n"), "the answer ends: {rest}");
        }
        // A page that has ended is told so at once.
        page.listen("", "").until("event: end");
        assert_eq!(server.send("GET", "/c/cs_1/events", &[], b"").status, 404);
    }
    let page = Page::open(&server, "");
    let mut listening = page.listen("", "");
    listening.until("data: ");
    let began = Instant::now();
    assert_eq!(server.stop(), 0, "no connection had to be cut off");
    assert!(began.elapsed() < Duration::from_secs(10));
    let mut rest = String::new();
    while listening.0.read_line(&mut rest).unwrap() > 0 {}
}

#[test]
fn so_many_pages_listen_and_no_more() {
    let server = Server::with(Limits::default(), |config| config.streams = 2);
    let (one, other) = (Page::open(&server, ""), Page::open(&server, ""));
    let mut held: Vec<Listening> = [&one, &other].map(|page| page.listen("", "")).into();
    held.iter_mut().for_each(|listening| drop(listening.until("data: ")));
    let full = server.send("GET", &format!("/c/{}/events", one.id), &[], b"");
    assert_eq!((full.status, full.header("retry-after")), (503, Some("15")), "{full:?}");
    assert!(server.send("GET", "/metrics", &[], b"").body.contains("suanpan_checkout_streams 2"));
    held.clear();
    let began = Instant::now();
    // The server notices that they are gone when it writes to them, or their connections end.
    while one.listen("", "").until("HTTP/1.1").contains("503") {
        assert!(began.elapsed() < Duration::from_secs(20), "places come back");
        std::thread::sleep(Duration::from_millis(50));
    }
}
