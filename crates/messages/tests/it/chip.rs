//! Commands, answers and data of chip cards: traces of real payments, and rules by tables.

use crate::samples::path;
use proptest::prelude::*;
use suanpan_messages::emv::answer::{AnswerError, Locator, Response, Status};
use suanpan_messages::emv::apdu::{Command, CommandError, CryptogramKind, Request};
use suanpan_messages::emv::bits::{CARD_RESULTS, INTERCHANGE_PROFILE, set};
use suanpan_messages::emv::data::{ChipData, ChipDataError};
use suanpan_messages::emv::dol::Dol;
use suanpan_messages::emv::tags;
use suanpan_messages::tlv::{Object, Tag, decode, encode, find};

fn hex(text: &str) -> Vec<u8> {
    hex::decode(text).expect("hexadecimal")
}

/// Reads the trace as pairs of command and answer; the last record has no command.
fn trace() -> (Vec<Vec<u8>>, Vec<Response>) {
    let text = std::fs::read_to_string(path("emv_apdu/qpboc_traces.txt")).expect("a sample");
    let lines = |mark: &str| text.lines().filter_map(|line| line.strip_prefix(mark)).map(hex).collect();
    let answers: Vec<Vec<u8>> = lines("C ");
    (lines("T "), answers.iter().map(|bytes| Response::decode(bytes).expect("an answer")).collect())
}

/// Looks at all objects at any depth.
fn walk(objects: &[Object], seen: &mut Vec<Object>) {
    for object in objects {
        seen.push(object.clone());
        if object.tag.is_constructed() {
            walk(&object.children().expect("objects"), seen);
        }
    }
}

#[test]
fn every_line_of_the_traces_is_read_and_written() {
    let (commands, answers) = trace();
    assert_eq!((commands.len(), answers.len()), (5, 6));
    let requests: Vec<Request> = commands
        .iter()
        .map(|bytes| {
            let command = Command::decode(bytes).unwrap();
            assert_eq!(&command.encode(), bytes);
            command.request().unwrap()
        })
        .collect();
    let select = Request::Select;
    let expected = [select, select, Request::ProcessingOptions, select, Request::GetData(Tag(0x9F79))];
    assert_eq!(requests, expected);
    let mut seen = Vec::new();
    for answer in answers.iter().filter(|answer| answer.status == Status(0x9000)) {
        let objects = answer.objects().unwrap();
        assert_eq!(encode(&objects), answer.data);
        walk(&objects, &mut seen);
    }
    assert_eq!(answers.iter().filter(|answer| answer.status.name() == "done").count(), 6);
    // Every tag that a card sends has a name here, and every value fits it.
    for object in &seen {
        let known = tags::known(object.tag).unwrap_or_else(|| panic!("{} is not known", object.tag));
        assert!(known.fits(&object.value), "{} {}", object.tag, known.name);
    }
    assert_eq!(seen.len(), 48);
}

#[test]
fn a_contactless_payment_from_directory_to_cryptogram() {
    let (commands, answers) = trace();
    let applications = answers[0].applications().unwrap();
    assert_eq!(applications.len(), 1);
    assert_eq!(applications[0].label.as_deref(), Some(&b"PBOC DEBIT"[..]));
    assert_eq!((applications[0].priority, applications[0].confirm), (1, false));
    let select = Command::select(&applications[0].name).unwrap().encode();
    assert_eq!(select.strip_suffix(&[0]), Some(&commands[1][..]), "the trace leaves off the expected length");

    let offered = answers[1].objects().unwrap();
    let list = find(&offered, Tag(0x9F38)).unwrap().unwrap();
    let list = Dol::decode(&list.value).unwrap();
    assert_eq!(list.asked(), 33);
    // What the terminal told the card, taken apart by the card's own list, and put together again.
    let told = Command::decode(&commands[2]).unwrap();
    let [template] = decode(told.data()).unwrap().try_into().unwrap();
    let terminal = ChipData::new(list.objects(&template.value).unwrap()).unwrap();
    assert_eq!(terminal.get(Tag(0x9F66)), Some(&hex("60000000")[..]));
    assert_eq!(terminal.currency().unwrap().unwrap().code(), "CNY");
    assert_eq!(terminal.amount().unwrap().unwrap().minor, 100);
    assert_eq!(terminal.unpredictable().unwrap(), Some([0x99; 4]));
    let values = list.values(|tag| terminal.get(tag).map(<[u8]>::to_vec));
    assert_eq!(values, template.value);
    assert_eq!(Command::processing_options(&values).unwrap().encode()[..commands[2].len()], commands[2]);

    let options = answers[2].options().unwrap();
    assert_eq!(set(&options.profile, INTERCHANGE_PROFILE).count(), 5);
    assert_eq!(options.locator.places().count(), 0, "all that is needed came with the answer");
    let card = ChipData::new(options.objects).unwrap();
    assert_eq!(card.counter().unwrap(), Some(0xA1));
    assert_eq!(card.cryptogram().unwrap().map(hex::encode_upper), Some("BC6FB0784084E8D0".to_owned()));
    assert_eq!(card.card_sequence().unwrap(), Some(0));
    let issuer = card.issuer_data().unwrap().unwrap();
    assert_eq!((issuer.key_index, issuer.version, issuer.algorithm), (1, 1, Some(1)));
    assert_eq!(issuer.decisions(), (Some(CryptogramKind::Online), None));
    assert_eq!(set(&issuer.card_results, CARD_RESULTS).collect::<Vec<_>>(), ["velocity counters exceeded"]);
    assert_eq!(card.misfits().count(), 0);
    let track = card.track_2().unwrap().unwrap();
    assert_eq!(track.to_string(), "621468******6288D********************");
    assert_eq!(card.shown(Tag(0x57)), Some(track.to_string()));
    assert_eq!(card.shown(Tag(0x5F20)), Some("*".repeat(26)));
    assert_eq!(card.shown(Tag(0x9F36)).as_deref(), Some("00A1"));
    assert!(!format!("{card:?} {:?} {:?}", answers[2], told).contains("6214"));

    let record = ChipData::new(answers[3].record().unwrap()).unwrap();
    let expiry = record.expiry().unwrap().unwrap();
    assert_eq!((expiry.year, expiry.month, expiry.day), (23, 11, 30));
    assert_eq!(record.shown(Tag(0x5A)).as_deref(), Some("621700*********4305"));
    let balance = ChipData::decode(answers[5].done().unwrap()).unwrap();
    assert_eq!(balance.shown(Tag(0x9F79)).as_deref(), Some("000000000797"));
}

#[test]
fn applications_come_in_the_order_of_the_cardholder() {
    let application = |number: u32, value: Option<u8>| {
        let name = Object { tag: Tag(0x4F), value: [&[0xA0; 4][..], &number.to_be_bytes()].concat() };
        let order = value.map(|value| Object { tag: Tag(0x87), value: vec![value] });
        let objects: Vec<Object> = [name].into_iter().chain(order).collect();
        Object { tag: Tag(0x61), value: encode(&objects) }
    };
    let within = |tag, objects: &[Object]| Object { tag: Tag(tag), value: encode(objects) };
    let entries =
        [application(1, None), application(2, Some(0x82)), application(3, Some(0)), application(4, Some(1))];
    let directory = within(0x6F, &[within(0xA5, &[within(0xBF0C, &entries)])]);
    let answer = Response { data: encode(&[directory]), status: Status(0x9000) };
    let found = answer.applications().unwrap();
    let told: Vec<(u8, u8, bool)> =
        found.iter().map(|found| (found.name[7], found.priority, found.confirm)).collect();
    assert_eq!(told, [(4, 1, false), (2, 2, true), (1, 0, false), (3, 0, false)]);
    let short = within(0x6F, &[within(0xBF0C, &[within(0x61, &[within(0x4F, &[])])])]);
    let answer = Response { data: encode(&[short]), status: Status(0x9000) };
    assert_eq!(answer.applications(), Err(AnswerError::Length { tag: Tag(0x4F), found: 0 }));
}

#[test]
fn answers_without_lengths_are_read_like_those_with() {
    let answer = |text: &str| Response::decode(&hex(text)).unwrap();
    let with = answer("770E82021800940808010200100101019000").options().unwrap();
    let without = answer("800A1800080102001001010190 00".replace(' ', "").as_str()).options().unwrap();
    assert_eq!(with, without);
    let places: Vec<(u8, u8, bool)> =
        with.locator.places().map(|place| (place.file, place.record, place.signed)).collect();
    assert_eq!(places, [(1, 1, false), (1, 2, false), (2, 1, true)]);
    let commands: Vec<String> =
        with.locator.places().map(|place| hex::encode_upper(place.command().unwrap().encode())).collect();
    assert_eq!(commands, ["00B2010C00", "00B2020C00", "00B2011400"]);

    let cryptogram = "BC6FB0784084E8D0";
    let with = format!("771E9F2701809F3602009F9F2608{cryptogram}9F100706010A03A060109000");
    let without = format!("801280009F{cryptogram}06010A03A060109000");
    assert_eq!(answer(&with).generated(), answer(&without).generated());
    let data = ChipData::new(answer(&without).generated().unwrap()).unwrap();
    assert_eq!(data.information().unwrap().unwrap().kind, CryptogramKind::Online);
    assert_eq!(data.issuer_data().unwrap().unwrap().version, 10);
}

#[test]
fn locators_that_cannot_be_followed_are_refused() {
    for (text, error) in [
        ("080101", AnswerError::Length { tag: Tag(0x94), found: 3 }),
        ("0801010000010100", AnswerError::Locator(2)),
        ("F8010100", AnswerError::Locator(1)),
        ("09010100", AnswerError::Locator(1)),
        ("08000100", AnswerError::Locator(1)),
        ("08020100", AnswerError::Locator(1)),
        ("08010203", AnswerError::Locator(1)),
    ] {
        match Locator::decode(&hex(text)) {
            Err(found) => assert_eq!(found, error, "{text}"),
            Ok(locator) => {
                assert_eq!((locator.places().count(), error), (2, AnswerError::Locator(0)), "{text}")
            }
        }
    }
    // The longest one ends.
    assert_eq!(Locator::decode(&hex("0801FFFF")).unwrap().places().count(), 255);
}

#[test]
fn commands_that_cannot_be_are_refused_with_the_place() {
    for (text, error) in [
        ("", CommandError::Short(0)),
        ("00A404", CommandError::Short(3)),
        ("00A4040000000E", CommandError::Extended),
        ("00A404000531", CommandError::Length { declared: 5, found: 1 }),
        ("00A40400013132333400", CommandError::Length { declared: 1, found: 5 }),
    ] {
        assert_eq!(Command::decode(&hex(text)), Err(error), "{text}");
    }
    assert_eq!(Command::read_record(31, 1), Err(CommandError::Record { file: 31, record: 1 }));
    assert_eq!(Command::read_record(1, 0), Err(CommandError::Record { file: 1, record: 0 }));
    assert_eq!(Command::get_data(Tag(0xDF8129)), Err(CommandError::Tag(Tag(0xDF8129))));
    assert_eq!(Command::select(&[0; 256]), Err(CommandError::LongData(256)));
    let generate = Command::generate(CryptogramKind::Approved, true, vec![1]).unwrap();
    assert_eq!(hex::encode_upper(generate.encode()), "80AE50000101".to_owned() + "00");
    assert_eq!(
        generate.request(),
        Some(Request::Generate { kind: Some(CryptogramKind::Approved), combined: true })
    );
    assert_eq!(hex::encode_upper(Command::get_data(Tag(0x9F36)).unwrap().encode()), "80CA9F3600");
    let external = Command::external_authenticate(&[7; 10]).unwrap();
    assert_eq!((external.encode().len(), external.expected()), (15, None));
    assert_eq!(
        hex::encode_upper(Command::internal_authenticate(vec![1]).unwrap().encode()),
        "00880000010100"
    );
}

#[test]
fn statuses_are_told_apart() {
    for (status, done, tries, more) in [
        (0x9000, true, None, None),
        (0x6110, true, None, Some(16)),
        (0x6100, true, None, Some(256)),
        (0x63C2, false, Some(2), None),
        (0x6983, false, Some(0), None),
        (0x6A83, false, None, None),
    ] {
        let status = Status(status);
        assert_eq!((status.is_done(), status.tries_left(), status.more()), (done, tries, more), "{status}");
        assert_ne!(status.name(), "not named");
    }
    let blocked = Response::decode(&hex("6A82")).unwrap();
    assert_eq!(blocked.options(), Err(AnswerError::Status(Status(0x6A82))));
    assert_eq!(
        blocked.options().unwrap_err().to_string(),
        "the card answers 6A82 file or application not found"
    );
    assert!(Response::decode(&[0x90]).is_err() && Response::decode(&[0; 259]).is_err());
    for (text, error) in [
        ("9000", AnswerError::Template("77 or 80")),
        ("770082009000", AnswerError::Template("77 or 80")),
        (
            "77039403029000",
            AnswerError::Tlv(suanpan_messages::tlv::TlvError::Short { offset: 3, part: "a value" }),
        ),
        ("800118 9000", AnswerError::Length { tag: Tag(0x80), found: 1 }),
        ("7703820118 9000", AnswerError::Length { tag: Tag(0x82), found: 1 }),
        ("7702940 09000", AnswerError::Missing(Tag(0x82))),
    ] {
        let answer = Response::decode(&hex(&text.replace(' ', ""))).unwrap();
        assert_eq!(answer.options(), Err(error), "{text}");
    }
}

/// DE55 of the real messages of UnionPay, from their published decodes.
#[test]
fn chip_data_of_real_messages_are_read_as_values() {
    let field = |name: &str| {
        let text = std::fs::read(path(&format!("iso8583/{name}.expected.json"))).expect("a decode");
        let decode: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
        hex(decode["fields"]["55"].as_str().expect("DE55"))
    };
    let read = |name: &str| {
        let bytes = field(name);
        let data = ChipData::decode(&bytes).unwrap();
        assert_eq!(data.encode(), bytes, "{name}");
        let misfits: Vec<String> = data.misfits().map(|misfit| misfit.to_string()).collect();
        // One of them came with an empty value.
        let empty = "9F09 (application version number of the terminal) of 0 bytes does not have its length or its digits";
        assert_eq!(misfits, if name == "unionpay_cups__test10" { vec![empty] } else { vec![] }, "{name}");
        data
    };
    let request = read("unionpay_pos__pay_request");
    let amount = request.amount().unwrap().unwrap();
    assert_eq!((amount.minor, amount.currency.code()), (1111, "CNY"));
    let date = request.date().unwrap().unwrap();
    assert_eq!((date.year, date.month, date.day), (22, 8, 24));
    let issuer = request.issuer_data().unwrap().unwrap();
    assert_eq!((issuer.version, issuer.key_index, issuer.own.len()), (0x17, 1, 11));
    assert_eq!(request.information().unwrap().unwrap().kind, CryptogramKind::Online);
    assert_eq!((request.counter(), request.transaction_type()), (Ok(Some(0x0C66)), Ok(Some(0))));
    assert_eq!(request.terminal_results(), Ok(Some([0; 5])));
    assert_eq!(request.shown(Tag(0x9F1E)).as_deref(), Some("12345678"));
    for (name, version) in
        [("unionpay_cups__test03", 1), ("unionpay_cups__test10", 1), ("unionpay_pos__pay_response", 0x17)]
    {
        assert_eq!(read(name).issuer_data().unwrap().unwrap().version, version, "{name}");
    }
}

#[test]
fn chip_data_that_mislead_are_refused() {
    let twice = "9F02060000000001009F0206000000000200";
    assert_eq!(ChipData::decode(&hex(twice)), Err(ChipDataError::Twice(Tag(0x9F02))));
    // Scripts may come in numbers.
    assert_eq!(ChipData::decode(&hex("71007100")).unwrap().scripts().unwrap().len(), 2);
    let read = |text: &str| ChipData::decode(&hex(text)).unwrap();
    assert!(read("9F02050000000001").amount().is_err(), "short");
    assert!(read("9F020600000000010A5F2A020156").amount().is_err(), "not digits");
    assert!(read("9A03261301").date().is_err() && read("9A03261200").date().is_err());
    assert_eq!(read("9F02060000000001005F2A020999").amount(), Ok(None), "no such currency");
    assert_eq!(read("9F0206999999999999").amount(), Ok(None), "no currency");
    assert_eq!(read("9F0206999999999999").other_amount_minor(), Ok(None));
    assert_eq!(read("9F0306999999999999").other_amount_minor(), Ok(Some(999_999_999_999)));
    assert!(read("570462146800").track_2().is_err());
    assert_eq!(read("5704621468009F6C020100").shown(Tag(0x57)).as_deref(), Some("****"));
    let answer = read("910A81A9DC9310F888563030").issuer_answer().unwrap().unwrap();
    assert_eq!(
        (hex::encode_upper(answer.cryptogram), answer.response),
        ("81A9DC9310F88856".to_owned(), *b"00")
    );
    assert_eq!(format!("{answer:?}"), "IssuerAnswer(.., 00)");
    assert_eq!(read("910881A9DC9310F88856").issuer_answer(), Ok(None), "method 2");
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        if let Ok(command) = Command::decode(&bytes) {
            prop_assert_eq!(command.encode(), bytes.clone());
            let _ = command.request();
        }
        if let Ok(answer) = Response::decode(&bytes) {
            prop_assert_eq!(answer.encode(), bytes.clone());
            let _ = (answer.applications(), answer.options(), answer.record(), answer.generated());
        }
        if let Ok(data) = ChipData::decode(&bytes) {
            let _ = (data.amount(), data.date(), data.issuer_data(), data.scripts(), data.track_2());
            for (object, _) in data.objects() {
                prop_assert!(data.shown(object.tag).is_some());
            }
        }
    }
}
