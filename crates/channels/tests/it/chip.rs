//! Payments by chip over the card network: what is sent, what goes back, and whose key a PIN is under.

use crate::card_network::{network, settings};
use suanpan_channels::card_network::{
    Correlation, Ended, Event, Line, LineSettings, Management, PIN_KEY, Stamp, header_between, sealed,
    wrapped,
};
use suanpan_channels::{Call, CardInput, Channel, ChannelAnswer, ChipInput, Request, TokenizedCard, Trace};
use suanpan_messages::emv::data::ChipData;
use suanpan_messages::emv::track::Track2;
use suanpan_messages::iso8583::authentication::HostKey;
use suanpan_messages::iso8583::{Framing, Message, MessageType, UNIONPAY_HOST};
use suanpan_messages::keys::DoubleKey;
use suanpan_messages::pin::{Pin, PinBlock, format_0, read_format_0};
use suanpan_money::{Currency, Timestamp};

const TRACE: Trace = Trace(1_795_789_805_000_042);
const NOW: Timestamp = Timestamp::from_seconds(1_795_789_805);
const NUMBER: &str = "6225000000001004";
/// What a card and a terminal of UnionPay gave; the shape of a real message's field 55.
const DATA: &str = "9F260846FD62985CAAE7589F2701809F101307011703A00000010A0100000500001EF41C469F370495\
                    36C9B89F36020C66950500000000009A032208249C01009F02060000000011115F2A02015682027C00\
                    9F1A0201569F03060000000000009F330360E9C89F34030000009F3501229F1E083132333435363738\
                    8408A0000003330101029F090200309F410400000001";

fn token(pin_block: Option<[u8; 8]>) -> TokenizedCard {
    let chip = ChipInput {
        track_2: Track2::parse(&format!("{NUMBER}D34092200000")).unwrap(),
        sequence: 1,
        data: ChipData::decode(&hex::decode(DATA).unwrap()).unwrap(),
        pin_block: pin_block.map(PinBlock),
    };
    network().tokenize(&CardInput::Chip(Box::new(chip)), &[1; 32], NOW).unwrap()
}

fn request(call: Call, about: Call, token: &str) -> Request {
    let follows = about != Call::Authorize;
    Request {
        call,
        about,
        trace: TRACE,
        now: Timestamp::from_micros(TRACE.0 + 120_000_000),
        reference: "att_1".to_owned(),
        original: follows.then(|| "att_0".to_owned()),
        original_id: follows.then(|| "0200.1127220000.000007.780000000007".to_owned()),
        authorization_code: None,
        token: Some(token.to_owned()),
        amount_minor: 1_111,
        currency: Currency::parse("CNY").unwrap(),
        capture: true,
        authenticated: false,
        off_session: false,
        awaiting_until: None,
    }
}

/// Some fields of a message; those that are not there as a dash.
fn fields(bytes: &[u8], numbers: &[u8]) -> Vec<String> {
    let message = UNIONPAY_HOST.decode(bytes).unwrap();
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    numbers.iter().map(|number| message.get(*number).map_or("-".to_owned(), text)).collect()
}

#[test]
fn a_chip_is_told_in_its_own_fields() {
    let plain = token(None);
    let shown = [2, 14, 22, 23, 25, 26, 35, 53, 60];
    let bytes = network().build(&request(Call::Authorize, Call::Authorize, &plain.token)).unwrap();
    let track = format!("{NUMBER}D34092200000");
    assert_eq!(
        fields(&bytes, &shown),
        [NUMBER, "3409", "072", "001", "00", "-", &track, "-", "000006000300000000000000000"]
    );
    let message = UNIONPAY_HOST.decode(&bytes).unwrap();
    assert_eq!((hex::encode_upper(message.get(55).unwrap()), message.get(52)), (DATA.to_owned(), None));
    // With a PIN.
    let with_pin = token(Some([7; 8]));
    let bytes = network().build(&request(Call::Authorize, Call::Authorize, &with_pin.token)).unwrap();
    assert_eq!(
        fields(&bytes, &shown),
        [NUMBER, "3409", "071", "001", "00", "12", &track, "2600000000000000", "000006000300000000000000000"]
    );
    assert_eq!(UNIONPAY_HOST.decode(&bytes).unwrap().get(52), Some(&[7; 8][..]));
    // A reversal names the card's data, and has neither track nor PIN.
    let bytes = network().build(&request(Call::Inquire, Call::Authorize, &with_pin.token)).unwrap();
    assert_eq!(
        fields(&bytes, &shown),
        [NUMBER, "3409", "071", "001", "00", "-", "-", "-", "400306000300000000000000000"]
    );
    let message = UNIONPAY_HOST.decode(&bytes).unwrap();
    assert_eq!(
        hex::encode_upper(message.get(55).unwrap()),
        "9F101307011703A00000010A0100000500001EF41C469F36020C66950500000000009F1E083132333435363738"
    );
    // What follows is about the number.
    let after = with_pin.token_after.unwrap();
    assert_eq!(Some(&after), plain.token_after.as_ref());
    for about in [Call::Capture, Call::Void, Call::Refund] {
        let bytes = network().build(&request(about, about, &after)).unwrap();
        let kept = fields(&bytes, &[2, 14, 22, 23, 35, 52, 55]);
        assert_eq!(kept, [NUMBER, "3409", "012", "-", "-", "-", "-"], "{about:?}");
    }
    let shown = format!("{:?}", request(Call::Authorize, Call::Authorize, &with_pin.token));
    assert!(!shown.contains("chip1."), "{shown}");
}

fn answered(data: &[u8]) -> ChannelAnswer {
    let request = request(Call::Authorize, Call::Authorize, &token(None).token);
    let bytes = network().build(&request).unwrap();
    let view = UNIONPAY_HOST.view(&bytes).unwrap();
    let mut answer = Message::answer(&view, &[3, 4, 7, 11, 23, 32, 33, 37, 41, 42, 49]).unwrap();
    answer.set(39, "00");
    answer.set(55, data);
    network().read(&request, &UNIONPAY_HOST.encode(&answer).unwrap())
}

#[test]
fn the_issuers_answer_comes_back_when_it_can_be_read() {
    let data = hex::decode("910A81A9DC9310F888563030").unwrap();
    let issuer = |answer| match answer {
        ChannelAnswer::Approved { issuer_data, .. } => issuer_data,
        other => panic!("{other:?}"),
    };
    assert_eq!(issuer(answered(&data)).as_deref(), Some("910A81A9DC9310F888563030"));
    // Approved is approved, whatever stands beside it.
    assert_eq!(issuer(answered(&data[..5])), None);
}

#[test]
fn codes_about_pins_are_told_as_such() {
    let request = request(Call::Authorize, Call::Authorize, &token(None).token);
    let bytes = network().build(&request).unwrap();
    for (code, word) in [("55", "incorrect_pin"), ("38", "pin_try_exceeded"), ("75", "pin_try_exceeded")] {
        let view = UNIONPAY_HOST.view(&bytes).unwrap();
        let mut answer = Message::answer(&view, &[3, 4, 7, 11, 32, 33, 37, 41, 42, 49]).unwrap();
        answer.set(39, code);
        let read = network().read(&request, &UNIONPAY_HOST.encode(&answer).unwrap());
        assert_eq!(read, ChannelAnswer::Declined { code: word.to_owned(), retryable: false }, "{code}");
    }
}

/// Answers to what a line asks about itself, and gives it the key that it asks for.
fn manage(line: &mut Line, mac: &DoubleKey, pin: &DoubleKey) -> Vec<Event> {
    let mut events = Vec::new();
    let out = line.take_out();
    let mut rest = &out[..];
    while let Some((message, behind)) = Framing::HOST.split(rest).unwrap() {
        rest = behind;
        let view = UNIONPAY_HOST.view(message).unwrap();
        if view.message_type().unwrap().digits() != b"0820" {
            continue;
        }
        let mut answer = Message::answer(&view, &[7, 11, 33, 53, 70, 100]).unwrap();
        answer.set(39, "00");
        let mut come = vec![sealed(&mut answer, None).unwrap()];
        if view.get(70).unwrap().characters()[..] == *Management::KeyChange.code().as_bytes() {
            let kind = view.get(53).unwrap().characters().into_owned();
            let key = if kind == PIN_KEY.as_bytes() { pin } else { mac };
            come.push(change(std::str::from_utf8(&kind).unwrap(), key));
        }
        for message in come {
            let mut framed = Vec::new();
            Framing::HOST.append(&message, &mut framed).unwrap();
            events.extend(line.take(&framed, NOW).unwrap());
        }
    }
    events
}

fn line_settings(terminal_pin_key: Option<DoubleKey>) -> LineSettings {
    LineSettings {
        network: settings(),
        transport_key: DoubleKey::new([3; 16]),
        terminal_pin_key,
        echo_seconds: 60,
        patience_seconds: 20,
    }
}

/// A key of the network, as it comes.
fn change(kind: &str, key: &DoubleKey) -> Vec<u8> {
    let stamp = Stamp::of(Trace(NOW.micros()));
    let mut change = Message::new(MessageType::new(*b"0800").unwrap());
    change.header = header_between("48020001", "00010000");
    change.set(7, stamp.sent_at);
    change.set(11, stamp.number);
    change.set(48, wrapped(&DoubleKey::new([3; 16]), key));
    change.set(53, kind);
    change.set(70, "101");
    change.set(100, "00010000");
    sealed(&mut change, Some(&HostKey::Double(key.clone()))).unwrap()
}

/// A key that comes twice is none that is waited for: the wait for the other one ends by time, not never.
#[test]
fn a_key_that_nobody_waits_for_ends_no_wait() {
    let (mac, zone) = (DoubleKey::new([5; 16]), DoubleKey::new([6; 16]));
    let mut line = Line::open(line_settings(Some(DoubleKey::new([8; 16]))), NOW);
    manage(&mut line, &mac, &zone);
    manage(&mut line, &mac, &zone);
    // Waits for the key of PINs; that of codes comes again.
    let mut framed = Vec::new();
    Framing::HOST.append(&change("2000000000000000", &mac), &mut framed).unwrap();
    assert_eq!(line.take(&framed, NOW).unwrap(), []);
    assert!(!line.is_ready());
    line.tick(NOW.plus_seconds(19)).unwrap();
    assert_eq!(line.tick(NOW.plus_seconds(20)), Err(Ended::Silent(Management::KeyChange)));
}

#[test]
fn a_pin_goes_out_under_the_networks_key_of_the_day() {
    let (mac, zone, terminals) = (DoubleKey::new([5; 16]), DoubleKey::new([6; 16]), DoubleKey::new([8; 16]));
    let clear = format_0(&Pin::new("4129").unwrap(), NUMBER).unwrap();
    let with_pin = token(Some(terminals.encrypt(clear))).token;
    let purchase = network().build(&request(Call::Authorize, Call::Authorize, &with_pin)).unwrap();
    let plain = token(None).token;
    let without = network().build(&request(Call::Authorize, Call::Authorize, &plain)).unwrap();

    let mut line = Line::open(line_settings(Some(terminals.clone())), NOW);
    assert_eq!(manage(&mut line, &mac, &zone), []);
    assert_eq!(manage(&mut line, &mac, &zone), [], "the key of codes alone is not enough");
    assert!(!line.is_ready());
    assert_eq!(manage(&mut line, &mac, &zone), [Event::Ready]);
    line.take_out();
    assert!(line.send(Correlation(1), &purchase));
    let out = line.take_out();
    let (message, _) = Framing::HOST.split(&out).unwrap().unwrap();
    let sent = UNIONPAY_HOST.decode(message).unwrap();
    let block: [u8; 8] = sent.get(52).unwrap().try_into().unwrap();
    assert_ne!(block, terminals.encrypt(clear));
    let pin = read_format_0(zone.decrypt(block), NUMBER).unwrap();
    assert!(pin.agrees(&Pin::new("4129").unwrap()));

    // A line without terminals is ready with one key, and sends no PIN that it cannot seal anew.
    let mut line = Line::open(line_settings(None), NOW);
    manage(&mut line, &mac, &zone);
    assert_eq!(manage(&mut line, &mac, &zone), [Event::Ready]);
    line.take_out();
    assert!(!line.send(Correlation(1), &purchase));
    assert!(line.take_out().is_empty());
    assert!(line.send(Correlation(2), &without));
}
