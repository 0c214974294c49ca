//! Cards that are odd: each answer by itself, and any bytes at all.

use crate::cards::{NUMBER, Near, Script, hex, pay, payment, settings};
use proptest::prelude::*;
use suanpan_messages::emv::answer::{AnswerError, Response, ResponseError, Status};
use suanpan_messages::emv::data::ChipDataError;
use suanpan_messages::emv::dol::DolError;
use suanpan_messages::tlv::{Object, Tag, TlvError, encode};
use suanpan_simulators::card::SoftwareCard;
use suanpan_terminal::{Card, CardGone, Kernel, Outcome, Refusal, Step};

fn object(tag: u32, value: &[u8]) -> Object {
    Object { tag: Tag(tag), value: value.to_vec() }
}

fn done(objects: &[Object]) -> Vec<u8> {
    Response { data: encode(objects), status: Status(0x9000) }.encode()
}

fn directory(names: &[(&str, u8)]) -> Vec<u8> {
    let entries: Vec<Object> = names
        .iter()
        .map(|(name, order)| object(0x61, &encode(&[object(0x4F, &hex(name)), object(0x87, &[*order])])))
        .collect();
    let inner = object(0xA5, &encode(&[object(0xBF0C, &encode(&entries))]));
    done(&[object(0x6F, &encode(&[inner]))])
}

fn selected(list: &str) -> Vec<u8> {
    let inner = object(0xA5, &encode(&[object(0x9F38, &hex(list))]));
    done(&[object(0x6F, &encode(&[inner]))])
}

const DEBIT: &str = "A000000333010101";
const CREDIT: &str = "A000000333010102";
const VISA: &str = "A0000000031010";
const LIST: &str = "9F66049F0206";

/// What a card gives that is in order; some of it is taken away, some is added.
fn options(without: &[u32], with: &[Object]) -> Vec<u8> {
    let track = hex(&format!("{NUMBER}D34122200000"));
    let mut all = vec![
        object(0x82, &[0x7C, 0]),
        object(0x9F36, &[0, 1]),
        object(0x57, &track),
        object(0x9F10, &hex("07010103A0000001")),
        object(0x9F26, &[8; 8]),
        object(0x9F27, &[0x80]),
    ];
    all.retain(|it| !without.contains(&it.tag.0));
    all.extend_from_slice(with);
    done(&[object(0x77, &encode(&all))])
}

fn outcome(answers: Vec<Vec<u8>>) -> Result<(), Refusal> {
    match pay(&mut Script::new(answers), &payment(1)) {
        Outcome::Online(_) => Ok(()),
        Outcome::Refused(refusal) => Err(refusal),
    }
}

fn start() -> Vec<Vec<u8>> {
    vec![directory(&[(DEBIT, 1)]), selected(LIST)]
}

#[test]
fn each_odd_answer_has_its_refusal() {
    let after = |answer: Vec<u8>| [start(), vec![answer]].concat();
    let status = |text: &str| hex(text);
    let locator = |text: &str| options(&[], &[object(0x94, &hex(text))]);
    let record = |objects: &[Object]| done(&[object(0x70, &encode(objects))]);
    for (what, answers, expected) in [
        ("in order", after(options(&[], &[])), Ok(())),
        ("no directory", vec![status("6A82")], Err(Refusal::NoDirectory(Status(0x6A82)))),
        ("no answer", vec![status("90")], Err(Refusal::Response(ResponseError(1)))),
        ("no template", vec![done(&[object(0x70, &[])])], Err(Refusal::Answer(AnswerError::Template("6F")))),
        ("another scheme", vec![directory(&[(VISA, 1)])], Err(Refusal::NoApplication)),
        ("one to be confirmed", vec![directory(&[(DEBIT, 0x81)])], Err(Refusal::NoApplication)),
        (
            "all refuse",
            vec![directory(&[(DEBIT, 1), (CREDIT, 2)]), status("6A82"), status("6283")],
            Err(Refusal::CardRefuses(Status(0x6283))),
        ),
        (
            "the second is taken",
            [
                vec![directory(&[(DEBIT, 1), (CREDIT, 2)]), status("6A82"), selected(LIST)],
                vec![options(&[], &[])],
            ]
            .concat(),
            Ok(()),
        ),
        (
            "the first does not pay like this",
            vec![
                directory(&[(DEBIT, 1), (CREDIT, 2)]),
                selected(LIST),
                status("6985"),
                selected(LIST),
                options(&[], &[]),
            ],
            Ok(()),
        ),
        (
            "no contactless card",
            vec![directory(&[(DEBIT, 1)]), selected("9F0206")],
            Err(Refusal::Missing(Tag(0x9F66))),
        ),
        (
            "it asks for too much",
            vec![directory(&[(DEBIT, 1)]), selected("9F66FF")],
            Err(Refusal::Asked(DolError::Long(255))),
        ),
        ("no cryptogram", after(options(&[0x9F26], &[])), Err(Refusal::Missing(Tag(0x9F26)))),
        ("no counter", after(options(&[0x9F36], &[])), Err(Refusal::Missing(Tag(0x9F36)))),
        ("no track", after(options(&[0x57], &[])), Err(Refusal::Missing(Tag(0x57)))),
        (
            "a track that is none",
            after(options(&[0x57], &[object(0x57, &[0x62; 16])])),
            Err(Refusal::Data(ChipDataError::Value {
                tag: Tag(0x57),
                name: "track 2 equivalent data",
                length: 16,
            })),
        ),
        (
            "a short cryptogram",
            after(options(&[0x9F26], &[object(0x9F26, &[1; 7])])),
            Err(Refusal::Data(ChipDataError::Value {
                tag: Tag(0x9F26),
                name: "application cryptogram",
                length: 7,
            })),
        ),
        (
            "two counters",
            after(options(&[], &[object(0x9F36, &[0, 9])])),
            Err(Refusal::Data(ChipDataError::Twice(Tag(0x9F36)))),
        ),
        (
            "two numbers",
            after(options(&[], &[object(0x5A, &hex("6225000000001103"))])),
            Err(Refusal::Contradiction("its number")),
        ),
        (
            "two dates",
            after(options(&[], &[object(0x5F24, &hex("351231"))])),
            Err(Refusal::Contradiction("when it expires")),
        ),
        ("it declines", after(options(&[0x9F27], &[object(0x9F27, &[0])])), Err(Refusal::CardDeclines)),
        ("it approves itself", after(options(&[0x9F27], &[object(0x9F27, &[0x40])])), Err(Refusal::Offline)),
        ("it says neither", after(options(&[0x9F27], &[object(0x9F27, &[0xC0])])), Err(Refusal::Unsaid)),
        ("not said, but in its results", after(options(&[0x9F27], &[])), Ok(())),
        (
            "not for purchases abroad",
            after(options(&[], &[object(0x9F07, &[0xAB, 0]), object(0x5F28, &hex("0840"))])),
            Err(Refusal::NotHere),
        ),
        (
            "the same at home",
            after(options(&[], &[object(0x9F07, &[0xAB, 0]), object(0x5F28, &hex("0156"))])),
            Ok(()),
        ),
        (
            "a locator that leads nowhere",
            after(locator("FF010100")),
            Err(Refusal::Answer(AnswerError::Locator(1))),
        ),
        (
            "a record that is not there",
            [after(locator("08010100")), vec![status("6A83")]].concat(),
            Err(Refusal::Answer(AnswerError::Status(Status(0x6A83)))),
        ),
        (
            "a record that says something else again",
            [after(locator("08010100")), vec![record(&[object(0x9F26, &[7; 8])])]].concat(),
            Err(Refusal::Data(ChipDataError::Twice(Tag(0x9F26)))),
        ),
        (
            "a record that breaks off",
            [after(locator("08010100")), vec![hex("70055A0462259000")]].concat(),
            Err(Refusal::Answer(AnswerError::Tlv(TlvError::Short { offset: 6, part: "a value" }))),
        ),
        (
            "records without an end",
            [after(locator("08 01 FE 00".replace(' ', "").as_str())), vec![record(&[]); 300]].concat(),
            Err(Refusal::Endless),
        ),
        ("a PIN whatever the amount", after(options(&[], &[object(0x9F6C, &[0x80, 0])])), Ok(())),
    ] {
        assert_eq!(outcome(answers), expected, "{what}");
    }
}

#[test]
fn readers_of_contacts_hand_through_answers_in_parts() {
    let whole = directory(&[(DEBIT, 1)]);
    let (first, second) = whole.split_at(20);
    let mut card = Script::new([
        hex("6C40"),
        [first, &hex("6110")[..]].concat(),
        second.to_vec(),
        selected(LIST),
        options(&[], &[]),
    ]);
    assert!(matches!(pay(&mut card, &payment(1)), Outcome::Online(_)));
    assert_eq!(card.told[1].last(), Some(&0x40), "asked again with the length that the card wants");
    assert_eq!(card.told[2], hex("00C0000010"));
    // One that always has more.
    let more = || [vec![0x5A; 200], hex("61FF")].concat();
    assert_eq!(outcome(vec![more(); 100]), Err(Refusal::Endless));
    assert_eq!(outcome(vec![hex("6C10"); 100]), Err(Refusal::Endless));
}

/// A card between which and the terminal some bytes change.
struct Changed {
    card: Near,
    /// Which answer, which byte of it, and what becomes of it.
    changes: Vec<(usize, usize, u8)>,
    /// How long each answer may be at most, where it is cut.
    cut: Option<(usize, usize)>,
    answered: usize,
}

impl Card for Changed {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, CardGone> {
        let mut answer = self.card.transmit(command)?;
        for (_, at, byte) in self.changes.iter().filter(|(which, ..)| *which == self.answered) {
            let len = answer.len();
            answer[at % len] = *byte;
        }
        if let Some((which, length)) = self.cut
            && which == self.answered
        {
            answer.truncate(length);
        }
        self.answered += 1;
        Ok(answer)
    }
}

proptest! {
    #[test]
    fn answers_that_were_changed_never_panic_and_never_pass_for_another_card(
        changes in prop::collection::vec((0_usize..5, any::<usize>(), any::<u8>()), 0..4),
        cut in prop::option::of((0_usize..5, 0_usize..120)),
    ) {
        let mut card = Changed { card: Near::new(|_| ()), changes, cut, answered: 0 };
        if let Outcome::Online(request) = pay(&mut card, &payment(5)) {
            // What the terminal itself said is in there as it was said.
            prop_assert_eq!(request.chip_data.amount().unwrap().unwrap().minor, 5);
            prop_assert_eq!(request.chip_data.unpredictable().unwrap(), Some([1, 2, 3, 4]));
            prop_assert!(request.chip_data.encode().len() <= 255);
            let shown = format!("{request:?}");
            prop_assert!(!shown.contains(request.track_2.expose_number()), "{}", shown);
        }
    }

    #[test]
    fn any_answers_come_to_an_end(
        answers in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..270), 0..80),
        status in prop::sample::select(vec![[0x90_u8, 0], [0x61, 0], [0x6C, 1], [0x69, 0x85]]),
    ) {
        let (mut kernel, _) = Kernel::begin(settings(), payment(1));
        let mut over = false;
        for answer in answers {
            let answer = [&answer[..], &status].concat();
            if let Step::Done(_) = kernel.take(&answer) {
                over = true;
                break;
            }
        }
        let ends = std::iter::repeat_n([0x6C, 0x10], 70).any(|answer| matches!(kernel.take(&answer), Step::Done(_)));
        prop_assert!(over || ends);
    }

    #[test]
    fn any_commands_leave_a_card_in_order(
        commands in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..262), 0..20),
    ) {
        let mut card: SoftwareCard = Near::new(|_| ()).0;
        for command in commands {
            let answer = card.answer(&command);
            prop_assert!(Response::decode(&answer).is_ok());
        }
        prop_assert!(matches!(pay(&mut Near(card), &payment(1)), Outcome::Online(_)));
    }
}
