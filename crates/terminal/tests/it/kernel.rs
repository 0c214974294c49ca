//! The flow with real traces and with the simulated card.

use crate::cards::{NUMBER, Near, Script, day, hex, issuer, pay, payment, settings, track};
use std::path::PathBuf;
use suanpan_messages::emv::answer::Status;
use suanpan_messages::emv::cryptogram::{answer_1, application_cryptogram, data_pboc_01, session_key_pboc};
use suanpan_messages::emv::data::ChipData;
use suanpan_messages::mac::Padding;
use suanpan_messages::tlv::{Object, Tag, encode};
use suanpan_terminal::{
    Completed, OnlineRequest, Outcome, Payment, Refusal, TerminalSettings, Verification, complete, present,
};

/// Commands and answers of the first card in the collection of traces.
fn trace() -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/samples/emv_apdu/qpboc_traces.txt");
    let text = std::fs::read_to_string(path).expect("a sample");
    let lines =
        |mark: &str| text.lines().filter_map(|line| line.strip_prefix(mark)).map(hex).take(3).collect();
    (lines("T "), lines("C "))
}

/// On the day of the trace.
fn then() -> Payment {
    Payment { date: day(16, 2, 19), unpredictable: [0x99; 4], ..payment(100) }
}

#[test]
fn a_real_card_is_taken_through_the_flow_of_its_trace() {
    let (commands, answers) = trace();
    let mut card = Script::new(answers);
    let outcome = pay(&mut card, &then());
    for (own, real) in card.told.iter().zip(&commands[..2]) {
        assert_eq!(
            own.strip_suffix(&[0]),
            Some(&real[..]),
            "the selections, without the length of the answer"
        );
    }
    // What goes with GET PROCESSING OPTIONS differs in the terminal's qualifiers.
    let (own, real) = (card.told[2].strip_suffix(&[0]).unwrap(), &commands[2][..]);
    assert_eq!(own.len(), real.len());
    let differing: Vec<usize> = (0..own.len()).filter(|at| own[*at] != real[*at]).collect();
    // The kind of payment too: that terminal gave one of its scheme's.
    assert_eq!(differing, [7, 8, 9, 35], "{}", hex::encode_upper(own));
    let Outcome::Online(request) = outcome else { panic!("{outcome:?}") };
    assert_eq!(request.track_2, track("6214680000006288D24122200000000000000"));
    assert_eq!((request.sequence, request.counter, request.wants_answer), (0, 161, false));
    // The card asks for a PIN though the amount is small: byte 1, bit 2 of its qualifiers is not that.
    assert_eq!(request.verification, Verification::None);
    assert_eq!(request.label.as_deref(), Some("PBOC DEBIT"));
    assert_eq!(request.application, hex("A000000333010101"));
    let data = &request.chip_data;
    assert_eq!(data.get(Tag(0x9F26)), Some(&hex("BC6FB0784084E8D0")[..]));
    // 9F27 is not in the answer of this card: what its own results say stands in.
    assert_eq!((data.get(Tag(0x9F27)), data.misfits().count()), (Some(&[0x80][..]), 0));
    assert!(data.get(Tag(0x57)).is_none() && data.get(Tag(0x5F20)).is_none(), "nothing of its holder");
    // The same card a year after its last month.
    let late = Payment { date: day(25, 1, 1), ..then() };
    assert_eq!(pay(&mut Script::new(trace().1), &late), Outcome::Refused(Refusal::Expired));
}

fn online(outcome: Outcome) -> OnlineRequest {
    match outcome {
        Outcome::Online(request) => request,
        Outcome::Refused(refusal) => panic!("{refusal}"),
    }
}

/// The issuer's side, computed here: does the cryptogram stand for this payment?
fn proven(request: &OnlineRequest) -> bool {
    let key = session_key_pboc(&issuer().card_key(NUMBER, request.sequence).unwrap(), request.counter);
    let text = data_pboc_01(&request.chip_data).unwrap();
    let cryptogram = request.chip_data.cryptogram().unwrap().unwrap();
    application_cryptogram(&key, &text, Padding::Bit) == cryptogram
}

#[test]
fn the_cryptogram_of_the_simulated_card_stands_for_what_field_55_says() {
    let mut card = Near::new(|_| ());
    for (amount, counter) in [(1, 42), (100_000, 43), (999_999_999_999, 44)] {
        let request = online(pay(&mut card, &payment(amount)));
        assert_eq!(request.counter, counter);
        assert!(proven(&request), "{amount}");
        assert_eq!(request.chip_data.amount().unwrap().unwrap().minor, amount);
        assert_eq!(request.chip_data.get(Tag(0x9F41)), Some(&[0, 0, 0, 7][..]));
        // Whatever is changed of it, the cryptogram is none any more.
        for tag in [0x9F02, 0x9F37, 0x9A, 0x5F2A, 0x9F36] {
            let mut objects: Vec<Object> = request.chip_data.objects().map(|(it, _)| it.clone()).collect();
            let object = objects.iter_mut().find(|object| object.tag == Tag(tag)).unwrap();
            *object.value.last_mut().unwrap() ^= 1;
            let changed = OnlineRequest { chip_data: ChipData::new(objects).unwrap(), ..request.clone() };
            assert!(!proven(&changed), "{tag:X}");
        }
    }
}

#[test]
fn the_holder_is_verified_by_amount_and_by_what_the_card_says() {
    for (amount, telephone, expected, results) in [
        (100_000, false, Verification::None, "1F0002"),
        (100_001, false, Verification::OnlinePin, "020000"),
        (100_000, true, Verification::OnDevice, "010002"),
        (100_001, true, Verification::OnDevice, "010002"),
    ] {
        let request = online(pay(&mut Near::new(|card| card.verifies_holder = telephone), &payment(amount)));
        assert_eq!(request.verification, expected, "{amount} {telephone}");
        assert_eq!(request.chip_data.get(Tag(0x9F34)), Some(&hex(results)[..]));
        assert!(proven(&request));
    }
}

#[test]
fn cards_that_may_not_be_used_are_refused_before_anybody_is_asked() {
    for (today, expires, refusal) in [
        (day(26, 11, 30), day(26, 11, 30), None),
        (day(26, 12, 1), day(26, 11, 30), Some(Refusal::Expired)),
        (day(19, 12, 31), day(34, 12, 31), Some(Refusal::NotYet)),
        (day(20, 1, 1), day(34, 12, 31), None),
    ] {
        let mut card = Near::new(|card| card.expires = expires);
        match pay(&mut card, &Payment { date: today, ..payment(1) }) {
            Outcome::Online(_) => assert_eq!(refusal, None, "{today:?}"),
            Outcome::Refused(why) => assert_eq!(Some(why), refusal, "{today:?}"),
        }
    }
}

fn issuer_data(request: &OnlineRequest, response: [u8; 2], wrong: u8) -> ChipData {
    let key = session_key_pboc(&issuer().card_key(NUMBER, 1).unwrap(), request.counter);
    let mut proof = answer_1(&key, request.chip_data.cryptogram().unwrap().unwrap(), response);
    proof[0] ^= wrong;
    let object = Object { tag: Tag(0x91), value: [&proof[..], &response].concat() };
    ChipData::decode(&encode(&[object])).unwrap()
}

#[test]
fn the_issuers_answer_is_taken_once_and_only_when_it_is_his() {
    let mut card = Near::new(|card| card.wants_answer = true);
    let give = |card: &mut Near, wrong| {
        let request = online(pay(card, &payment(1)));
        assert!(request.wants_answer);
        let data = issuer_data(&request, *b"00", wrong);
        (complete(&request.application, &data, card, |_| ()).unwrap(), request, data)
    };
    let (taken, request, data) = give(&mut card, 0);
    assert_eq!(taken, Some(Completed::Taken { done: 0, left: 0 }));
    let again = complete(&request.application, &data, &mut card, |_| ()).unwrap();
    assert_eq!(again, Some(Completed::Refused(Status(0x6985))));
    let (refused, ..) = give(&mut card, 1);
    assert_eq!(refused, Some(Completed::Refused(Status(0x6300))));
    // Nothing to give.
    let none = complete(&request.application, &ChipData::default(), &mut card, |_| ()).unwrap();
    assert_eq!(none, None);
}

#[test]
fn commands_of_scripts_are_sent_until_one_fails() {
    let scripts = hex("7213 9F1804 00000001 860A 8424000005 1122334455".replace(' ', "").as_str());
    let script = scripts.clone();
    let data = |scripts: Vec<u8>| {
        let proof = Object { tag: Tag(0x91), value: vec![9; 10] };
        ChipData::decode(&[encode(&[proof]), scripts].concat()).unwrap()
    };
    let fine = || hex("9000");
    let run = |answers: Vec<Vec<u8>>, scripts: Vec<u8>| {
        let mut card = Script::new(answers);
        let completed = complete(&hex("A000000333010101"), &data(scripts), &mut card, |_| ());
        (completed, card.told)
    };
    let (completed, told) = run(vec![fine(), fine(), fine()], script.clone());
    assert_eq!(completed, Ok(Some(Completed::Taken { done: 1, left: 0 })));
    assert_eq!(told.last(), Some(&hex("84240000051122334455")));
    let (completed, _) = run(vec![fine(), fine(), hex("6988")], script.clone());
    assert_eq!(completed, Ok(Some(Completed::Taken { done: 0, left: 1 })));
    let (completed, _) = run(vec![fine(), hex("90")], script.clone());
    assert_eq!(completed, Ok(Some(Completed::Garbled)));
    assert!(run(vec![fine()], script).0.is_err(), "gone in between is not known");
}

#[test]
fn the_terminal_says_what_it_can_and_wants() {
    let mut card = Script::new(trace().1);
    let settings = TerminalSettings { pin_free_minor: 99, ..settings() };
    let outcome = present(&settings, &then(), &mut card, |_| ()).unwrap();
    assert_eq!(hex::encode_upper(&card.told[2][7..11]), "24C0C000");
    // Above the limit, the real card does not say how: it gets the PIN.
    assert_eq!(online(outcome).verification, Verification::OnlinePin);
}
