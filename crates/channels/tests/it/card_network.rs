//! The card network: what is sent, how answers are read, and what a line does.

use suanpan_channels::card_network::{
    CardNetwork, Correlation, Ended, Event, Line, LineSettings, Management, Settings, Stamp, VaultKey,
    header_between, sealed, wrapped,
};
use suanpan_channels::{Call, CardInput, CardNumber, Channel, ChannelAnswer, Request, Trace};
use suanpan_messages::iso8583::authentication::{HostKey, verify_host};
use suanpan_messages::iso8583::{Framing, Message, MessageType, UNIONPAY_HOST};
use suanpan_messages::keys::DoubleKey;
use suanpan_money::{Currency, Timestamp};

/// 2026-11-27 22:30:05.000042 in Beijing.
const TRACE: Trace = Trace(1_795_789_805_000_042);

pub(crate) fn settings() -> Settings {
    Settings {
        name: "unionpay".to_owned(),
        acquirer: "48020000".to_owned(),
        forwarder: "48020001".to_owned(),
        network: "00010000".to_owned(),
        merchant: "898310048120001".to_owned(),
        terminal: "00000001".to_owned(),
        category: "5411".to_owned(),
        merchant_name: "SUANPAN TEST SHOP".to_owned(),
    }
}

pub(crate) fn network() -> CardNetwork {
    CardNetwork::new(settings(), VaultKey::new([9; 32])).unwrap()
}

fn token() -> String {
    let card = CardInput::Number {
        number: CardNumber("6225000000001004".to_owned()),
        exp_month: 9,
        exp_year: 2034,
        cvc: None,
    };
    network().tokenize(&card, &[1; 32], Timestamp::from_micros(TRACE.0)).unwrap().token
}

fn request(call: Call, about: Call, capture: bool) -> Request {
    let follows = !matches!(about, Call::Authorize);
    Request {
        call,
        about,
        trace: TRACE,
        now: Timestamp::from_micros(TRACE.0 + 120_000_000),
        reference: "att_1".to_owned(),
        original: follows.then(|| "att_0".to_owned()),
        original_id: follows.then(|| "0100.1127220000.000007.780000000007".to_owned()),
        authorization_code: follows.then(|| "123456".to_owned()),
        token: Some(token()),
        amount_minor: 10_000,
        currency: Currency::parse("CNY").unwrap(),
        capture,
        authenticated: false,
        off_session: false,
        awaiting_until: None,
    }
}

/// Fields of a message as text, without those of the merchant.
fn shown(bytes: &[u8]) -> String {
    let message = UNIONPAY_HOST.decode(bytes).unwrap();
    let message_type = String::from_utf8_lossy(message.message_type.unwrap().digits()).into_owned();
    let fields = message.fields().filter(|(number, _)| ![2, 14, 18, 32, 33, 41, 42, 43].contains(number));
    let fields = fields.map(|(number, field)| format!("{number}={}", String::from_utf8_lossy(field.value)));
    format!("{message_type} {}", fields.collect::<Vec<_>>().join(" "))
}

#[test]
fn each_request_is_the_message_that_the_table_says() {
    let of = |request: &Request| shown(&network().build(request).unwrap());
    let common = "4=000000010000 7=1127223005 11=000042 12=223005 13=1127";
    let kept = "22=012";
    let end = "37=789805000042";
    let original = "90=010000000711272200000004802000000048020001";
    let plain = "49=156 60=000000000800000000000000000";
    for (call, capture, message_type, code, condition, more) in [
        (Call::Authorize, true, "0200", "000000", "00", ""),
        (Call::Authorize, false, "0100", "030000", "06", ""),
        (Call::Capture, false, "0200", "000000", "06", original),
        (Call::Void, false, "0100", "200000", "06", original),
        (Call::Refund, false, "0220", "200000", "00", original),
    ] {
        let code_38 = if more.is_empty() { "" } else { " 38=123456" };
        let more = if more.is_empty() { String::new() } else { format!(" {more}") };
        let want =
            format!("{message_type} 3={code} {common} {kept} 25={condition} {end}{code_38} {plain}{more}");
        assert_eq!(of(&request(call, call, capture)), want);
    }
    // A reversal has the moment after, and names what it undoes.
    assert_eq!(
        of(&request(Call::Inquire, Call::Authorize, true)),
        "0420 3=000000 4=000000010000 7=1127223005 11=000043 12=223005 13=1127 22=012 25=00 37=789805000043 \
         49=156 60=400300000800000000000000000 90=020000004211272230050004802000000048020001"
    );
    // A refund is an advice: it is sent again as it was.
    assert_eq!(
        of(&request(Call::Inquire, Call::Refund, false)),
        of(&request(Call::Refund, Call::Refund, false))
    );
    // The card goes out, and only there.
    let bytes = network().build(&request(Call::Authorize, Call::Authorize, true)).unwrap();
    let message = UNIONPAY_HOST.decode(&bytes).unwrap();
    assert_eq!((message.get(2).unwrap(), message.get(14).unwrap()), (&b"6225000000001004"[..], &b"3409"[..]));
    assert!(!format!("{:?}", request(Call::Authorize, Call::Authorize, true)).contains("6225"));
}

/// The answer to a message, with a response code and some fields changed.
fn answer(bytes: &[u8], code: &str, changes: &[(u8, &str)]) -> Vec<u8> {
    let view = UNIONPAY_HOST.view(bytes).unwrap();
    let mut answer = Message::answer(&view, &[3, 4, 7, 11, 32, 33, 37, 41, 42, 49]).unwrap();
    answer.set(39, code);
    for (number, value) in changes {
        if value.is_empty() {
            answer.remove(*number);
        } else {
            answer.set(*number, value);
        }
    }
    UNIONPAY_HOST.encode(&answer).unwrap()
}

#[test]
fn answers_are_read_and_only_those_to_the_request() {
    let asked = request(Call::Authorize, Call::Authorize, true);
    let sent = network().build(&asked).unwrap();
    let read =
        |code: &str, changes: &[(u8, &str)]| match network().read(&asked, &answer(&sent, code, changes)) {
            ChannelAnswer::Approved { channel_id, authorization_code, .. } => {
                format!("approved {channel_id} {}", authorization_code.unwrap_or_default())
            }
            ChannelAnswer::Declined { code, retryable } => format!("declined {code} {retryable}"),
            ChannelAnswer::ActionRequired => "action".to_owned(),
            ChannelAnswer::Awaiting { .. } => "awaiting".to_owned(),
            ChannelAnswer::Unknown { why } => format!("unknown: {why}"),
        };
    assert_eq!(read("00", &[(38, "654321")]), "approved 0200.1127223005.000042.789805000042 654321");
    for (code, want) in [
        ("51", "declined insufficient_funds false"),
        ("54", "declined expired_card false"),
        ("14", "declined incorrect_number false"),
        ("41", "declined lost_card false"),
        ("43", "declined stolen_card false"),
        ("61", "declined card_velocity_exceeded false"),
        ("05", "declined do_not_honor false"),
        ("91", "declined processing_error true"),
        ("96", "declined processing_error true"),
        ("A0", "declined processing_error true"),
        ("ZZ", "unknown: the network does not know: response code ZZ"),
        ("09", "unknown: the network does not know: response code 09"),
        ("13", "declined generic_decline false"),
        ("98", "unknown: the network does not know: response code 98"),
        ("68", "unknown: the network does not know: response code 68"),
    ] {
        assert_eq!(read(code, &[]), want, "{code}");
    }
    for (changes, want) in [
        ((11, "000041"), "unknown: the answer belongs to another request"),
        ((7, "1127223006"), "unknown: the answer belongs to another request"),
        ((32, "48020009"), "unknown: the answer belongs to another request"),
        ((4, "000000010001"), "unknown: the answer approves another amount or currency"),
        ((49, "840"), "unknown: the answer approves another amount or currency"),
        ((39, ""), "unknown: the answer has no response code"),
    ] {
        assert_eq!(read("00", &[changes]), want, "{changes:?}");
    }
    let garbage = network().read(&asked, b"0210");
    assert!(matches!(garbage, ChannelAnswer::Unknown { .. }), "{garbage:?}");
    // An answer to another kind of message.
    let other = network().build(&request(Call::Authorize, Call::Authorize, false)).unwrap();
    let found = network().read(&asked, &answer(&other, "00", &[]));
    assert_eq!(found, ChannelAnswer::Unknown { why: "the answer is of another type".to_owned() });
}

#[test]
fn a_reversal_that_is_done_ends_as_a_decline_and_else_says_nothing() {
    let asked = request(Call::Inquire, Call::Authorize, true);
    let sent = network().build(&asked).unwrap();
    let read = |code: &str| network().read(&asked, &answer(&sent, code, &[]));
    for code in ["00", "25"] {
        let want = ChannelAnswer::Declined { code: "processing_error".to_owned(), retryable: true };
        assert_eq!(read(code), want, "{code}");
    }
    for code in ["12", "96", "98", "A0"] {
        assert!(matches!(read(code), ChannelAnswer::Unknown { .. }), "{code}");
    }
    // It may still be on its way, on a connection that is gone.
    let early = Request { now: Timestamp::from_micros(TRACE.0 + 119_000_000), ..asked.clone() };
    let read = |code: &str| network().read(&early, &answer(&sent, code, &[]));
    assert!(matches!(read("25"), ChannelAnswer::Unknown { .. }));
    assert!(matches!(read("00"), ChannelAnswer::Declined { .. }));
}

#[test]
fn a_refund_that_is_sent_again_is_declined_only_by_what_says_nothing_of_the_first() {
    let asked = request(Call::Inquire, Call::Refund, false);
    let sent = network().build(&asked).unwrap();
    let read = |code: &str| network().read(&asked, &answer(&sent, code, &[]));
    assert!(matches!(read("00"), ChannelAnswer::Approved { .. }));
    for code in ["A0", "96", "91", "13", "25", "12", "94", "ZZ"] {
        assert!(matches!(read(code), ChannelAnswer::Unknown { .. }), "{code}");
    }
    assert!(matches!(read("14"), ChannelAnswer::Declined { .. }));
}

#[test]
fn nothing_is_sent_of_a_card_that_cannot_be_opened_or_without_a_moment() {
    let asked = request(Call::Authorize, Call::Authorize, true);
    let other = CardNetwork::new(settings(), VaultKey::new([8; 32])).unwrap();
    assert_eq!(other.build(&asked), None);
    assert_eq!(network().build(&Request { token: None, ..asked.clone() }), None);
    assert_eq!(network().build(&Request { trace: Trace(0), ..asked }), None);
}

#[test]
fn another_key_is_asked_for_when_answers_cannot_be_proven() {
    let (network, mut line) = Network::ready();
    assert!(line.send(Correlation(0), &purchase(TRACE.0)));
    let sent = unframed(&line.take_out()).remove(0);
    let forged = network.answer(&sent, &HostKey::Double(DoubleKey::new([6; 16])));
    for _ in 0..2 {
        line.take(&framed(std::slice::from_ref(&forged)), NOW).unwrap();
        assert_eq!(line.take_out(), Vec::<u8>::new());
    }
    line.take(&framed(&[forged]), NOW).unwrap();
    let asked = UNIONPAY_HOST.decode(&unframed(&line.take_out())[0]).unwrap();
    assert_eq!(asked.get(70), Some(&b"101"[..]));
}

#[test]
fn settings_that_do_not_fit_their_fields_are_refused_by_name() {
    for (field, change) in [
        ("acquirer", (|it, text| it.acquirer = text) as fn(&mut Settings, String)),
        ("forwarder", |it, text| it.forwarder = text),
        ("network", |it, text| it.network = text),
        ("merchant", |it, text| it.merchant = text),
        ("terminal", |it, text| it.terminal = text),
        ("category", |it, text| it.category = text),
        ("name", |it, text| it.name = text),
        ("merchant_name", |it, text| it.merchant_name = text),
    ] {
        let mut wrong = settings();
        change(&mut wrong, "é".repeat(21));
        assert_eq!(wrong.check().unwrap_err().field, field);
    }
    assert_eq!(settings().check(), Ok(()));
}

/// The other end of a line, by hand.
struct Network {
    key: Option<HostKey>,
}

const NOW: Timestamp = Timestamp::from_seconds(1_795_789_805);

fn line_settings() -> LineSettings {
    LineSettings {
        network: settings(),
        transport_key: DoubleKey::new([3; 16]),
        terminal_pin_key: None,
        echo_seconds: 60,
        patience_seconds: 20,
    }
}

fn framed(messages: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    messages.iter().for_each(|message| Framing::HOST.append(message, &mut bytes).unwrap());
    bytes
}

fn unframed(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    while let Some((message, behind)) = Framing::HOST.split(bytes).unwrap() {
        messages.push(message.to_vec());
        bytes = behind;
    }
    assert!(bytes.is_empty());
    messages
}

impl Network {
    /// Answers to network management with a code, and sends a key under a transport key when one is asked for.
    fn manage(&mut self, line: &mut Line, code: &str, transport: [u8; 16]) -> Result<Vec<Event>, Ended> {
        let mut events = Vec::new();
        for message in unframed(&line.take_out()) {
            let view = UNIONPAY_HOST.view(&message).unwrap();
            if view.message_type().unwrap().digits() != b"0820" {
                continue;
            }
            let mut answer = Message::answer(&view, &[7, 11, 33, 53, 70, 100]).unwrap();
            answer.set(39, code);
            let mut out = vec![sealed(&mut answer, None).unwrap()];
            if view.get(70).unwrap().characters()[..] == *Management::KeyChange.code().as_bytes()
                && code == "00"
            {
                let key = DoubleKey::new([5; 16]);
                let stamp = Stamp::of(Trace(NOW.micros()));
                let mut change = Message::new(MessageType::new(*b"0800").unwrap());
                change.header = header_between("48020001", "00010000");
                change.set(7, stamp.sent_at);
                change.set(11, stamp.number);
                change.set(48, wrapped(&DoubleKey::new(transport), &key));
                change.set(53, "2600000000000000");
                change.set(70, "101");
                change.set(100, "00010000");
                let key = HostKey::Double(key);
                out.push(sealed(&mut change, Some(&key)).unwrap());
                self.key = Some(key);
            }
            events.extend(line.take(&framed(&out), NOW)?);
        }
        Ok(events)
    }

    fn ready() -> (Network, Line) {
        let mut network = Network { key: None };
        let mut line = Line::open(line_settings(), NOW);
        assert_eq!(network.manage(&mut line, "00", [3; 16]), Ok(vec![]));
        assert!(!line.is_ready());
        assert_eq!(network.manage(&mut line, "00", [3; 16]), Ok(vec![Event::Ready]));
        // It proves that it has the key.
        let proof = unframed(&line.take_out()).remove(0);
        let view = UNIONPAY_HOST.view(&proof).unwrap();
        assert_eq!(view.message_type().unwrap().digits(), b"0810");
        assert_eq!(verify_host(&view, network.key.as_ref().unwrap()), Ok(()));
        (network, line)
    }

    /// The answer to a message of money, with its code.
    fn answer(&self, message: &[u8], key: &HostKey) -> Vec<u8> {
        let mut answer = UNIONPAY_HOST.decode(&answer(message, "00", &[])).unwrap();
        sealed(&mut answer, Some(key)).unwrap()
    }
}

fn purchase(trace: i64) -> Vec<u8> {
    network()
        .build(&Request { trace: Trace(trace), ..request(Call::Authorize, Call::Authorize, true) })
        .unwrap()
}

#[test]
fn a_line_signs_on_gets_its_key_and_tells_answers_apart() {
    let (network, mut line) = Network::ready();
    let key = network.key.clone().unwrap();
    for number in 0..3 {
        assert!(line.send(Correlation(number), &purchase(TRACE.0 + 10 * number as i64)));
    }
    let sent = unframed(&line.take_out());
    for message in &sent {
        let view = UNIONPAY_HOST.view(message).unwrap();
        assert_eq!(verify_host(&view, &key), Ok(()));
        assert_eq!(&message[2..6], format!("{:04}", message.len()).as_bytes());
    }
    line.keep_waiting(|correlation| correlation != Correlation(1));
    // In another order, byte by byte, with a question whether the line is there between them.
    let bytes = framed(&[
        network.answer(&sent[2], &key),
        Vec::new(),
        network.answer(&sent[1], &key),
        network.answer(&sent[0], &key),
        network.answer(&sent[0], &key),
    ]);
    let mut events = Vec::new();
    for byte in bytes {
        events.extend(line.take(&[byte], NOW).unwrap());
    }
    let told: Vec<Option<u64>> = events
        .iter()
        .map(|event| match event {
            Event::Answer(Correlation(number), _) => Some(*number),
            Event::Late => None,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(told, [Some(2), None, Some(0), None]);
    assert_eq!(line.waiting(), 0);
}

#[test]
fn an_answer_without_the_right_code_is_left_alone() {
    let (network, mut line) = Network::ready();
    assert!(line.send(Correlation(0), &purchase(TRACE.0)));
    let sent = unframed(&line.take_out()).remove(0);
    let forged = network.answer(&sent, &HostKey::Double(DoubleKey::new([6; 16])));
    let events = line.take(&framed(&[forged, b"\x2enothing".to_vec()]), NOW).unwrap();
    assert!(matches!(&events[..], [Event::Ignored(_), Event::Ignored(_)]), "{events:?}");
    assert_eq!(line.waiting(), 1);
}

#[test]
fn a_line_ends_when_the_network_refuses_is_silent_or_has_another_key() {
    let mut line = Line::open(line_settings(), NOW);
    assert!(!line.send(Correlation(0), &purchase(TRACE.0)), "nothing goes out before the sign-on");
    let refused = Network { key: None }.manage(&mut line, "05", [3; 16]);
    assert_eq!(refused, Err(Ended::Refused(Management::SignOn, "05".to_owned())));

    let mut line = Line::open(line_settings(), NOW);
    let mut network = Network { key: None };
    network.manage(&mut line, "00", [4; 16]).unwrap();
    assert_eq!(network.manage(&mut line, "00", [4; 16]), Err(Ended::Key));

    let mut line = Line::open(line_settings(), NOW);
    assert_eq!(line.tick(NOW.plus_seconds(19)), Ok(()));
    assert_eq!(line.tick(NOW.plus_seconds(20)), Err(Ended::Silent(Management::SignOn)));

    let (_, mut line) = Network::ready();
    assert_eq!(
        line.take(b"00x0", NOW).unwrap_err().to_string(),
        "the line is out of step: the length of a message is not four digits"
    );
}

#[test]
fn a_quiet_line_is_tried() {
    let (mut network, mut line) = Network::ready();
    assert_eq!((line.tick(NOW.plus_seconds(59)), line.take_out()), (Ok(()), Vec::new()));
    assert_eq!(line.tick(NOW.plus_seconds(60)), Ok(()));
    let echo = line.take_out();
    let message = UNIONPAY_HOST.decode(&unframed(&echo)[0]).unwrap();
    assert_eq!(message.get(70), Some(&b"301"[..]));
    assert_eq!(line.tick(NOW.plus_seconds(80)), Err(Ended::Silent(Management::Echo)));
    // Another line, which is answered.
    let (_, mut line) = Network::ready();
    line.tick(NOW.plus_seconds(60)).unwrap();
    assert_eq!(network.manage(&mut line, "00", [3; 16]), Ok(vec![]));
    assert_eq!(line.tick(NOW.plus_seconds(59)), Ok(()));
}

proptest::proptest! {
    /// Whatever comes, a line goes on or ends; it never does anything else.
    #[test]
    fn any_bytes_are_taken(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300), at in 0_usize..400, flip in 1_u8..) {
        let (network, mut line) = Network::ready();
        let key = network.key.clone().unwrap();
        let _ = line.take(&bytes, NOW);
        // And an answer of which one byte is another: it is the answer, or nobody's.
        let (_, mut line) = Network::ready();
        line.send(Correlation(0), &purchase(TRACE.0));
        let mut message = network.answer(&unframed(&line.take_out())[0], &key);
        let at = at % message.len();
        message[at] ^= flip;
        if let Ok(events) = line.take(&framed(&[message]), NOW) {
            for event in events {
                if let Event::Answer(_, bytes) = event {
                    let asked = request(Call::Authorize, Call::Authorize, true);
                    let read = suanpan_channels::card_network::CardNetwork::new(settings(), VaultKey::new([9; 32])).unwrap().read(&asked, &bytes);
                    // What the code covers is as it was sent, so it is approved, or tells nothing.
                    proptest::prop_assert!(matches!(read, ChannelAnswer::Approved { .. } | ChannelAnswer::Unknown { .. }), "{read:?}");
                }
            }
        }
    }
}
