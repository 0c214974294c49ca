//! Targets for chip cards: commands, answers, lists and data.

use crate::engine::digest;
use crate::targets::Target;
use std::mem::discriminant;
use suanpan_messages::emv::answer::{Locator, Response};
use suanpan_messages::emv::apdu::Command;
use suanpan_messages::emv::bits::IssuerData;
use suanpan_messages::emv::data::{ChipData, ChipDate};
use suanpan_messages::emv::dol::Dol;
use suanpan_messages::emv::track::Track2;
use suanpan_money::Currency;
use suanpan_terminal::socket::read_message;
use suanpan_terminal::{Completion, CompletionStep, Kernel, Outcome, Payment, Step, TerminalSettings};

/// One target for each reader of what a card or a terminal says.
pub(crate) const TARGETS: &[Target] = &[
    Target {
        name: "chip_command",
        words: &["\0", "\u{4}", "2PAY.SYS.DDF01", "\u{8}", "\u{10}", "\u{1}\u{c}"],
        run: command,
    },
    Target {
        name: "chip_answer",
        words: &["o", "w", "p", "a", "W", "\0", "\u{8}\u{1}\u{1}\0", "P\u{4}ABCD", "_\u{24}\u{3}"],
        run: answer,
    },
    Target { name: "chip_list", words: &["\u{4}", "\u{6}", "_*\u{2}", "Z\u{8}", "p\u{2}", "\0"], run: list },
    Target {
        name: "chip_terminal",
        words: &["\0\u{2}\u{90}\0", "\0\u{2}j\u{82}", "w", "o", "p", "a", "W", "\0", "\u{8}\u{1}\u{1}\0"],
        run: terminal,
    },
    Target {
        name: "chip_data",
        words: &["Z", "W", "_*\u{2}\u{1}V", "\0", "q", "r", "_4\u{1}\0", "\u{1}", "\u{6}"],
        run: data,
    },
];

fn command(input: &[u8]) -> u64 {
    let told = match Command::decode(input) {
        Ok(command) => {
            assert_eq!(command.encode(), input, "what was read is written to the same");
            let request = command.request().map(|request| discriminant(&request));
            format!("{request:?} {:?}", command.data().len().checked_ilog2())
        }
        Err(error) => format!("{:?}", discriminant(&error)),
    };
    digest(told.as_bytes())
}

fn answer(input: &[u8]) -> u64 {
    let told = match Response::decode(input) {
        Ok(answer) => {
            assert_eq!(answer.encode(), input);
            let kind = |error| discriminant(&error);
            let options = answer.options().map(|options| options.locator.places().count()).map_err(kind);
            let applications = answer.applications().map(|found| found.len()).map_err(kind);
            let others = (answer.record().is_ok(), answer.generated().is_ok());
            format!("{} {options:?} {applications:?} {others:?}", answer.status.name())
        }
        Err(_) => "no answer".to_owned(),
    };
    let locator = Locator::decode(input).map(|locator| locator.places().count().checked_ilog2());
    digest(format!("{told} {:?}", locator.is_ok()).as_bytes())
}

/// Answers of a card one after the other, each with two bytes of its length in front.
fn terminal(input: &[u8]) -> u64 {
    let settings = TerminalSettings { country: 156, pin_free_minor: 100, serial: *b"00000001" };
    let payment = Payment {
        amount_minor: 1,
        currency: Currency::from_numeric(156).expect("the yuan"),
        date: ChipDate { year: 16, month: 2, day: 19 },
        sequence: 1,
        unpredictable: [9; 4],
    };
    let (mut kernel, _) = Kernel::begin(settings, payment);
    let (mut rest, mut commands) = (input, 0_u32);
    let mut told = "more is awaited".to_owned();
    while let Ok(Some(answer)) = read_message(&mut rest) {
        match kernel.take(&answer) {
            Step::Send(command) => {
                commands += 1;
                assert_eq!(Command::decode(&command.encode()), Ok(command));
            }
            Step::Done(outcome) => {
                told = match *outcome {
                    Outcome::Online(request) => {
                        assert!(request.chip_data.encode().len() <= 255);
                        assert!(!format!("{request:?}").contains(request.track_2.expose_number()));
                        format!("{:?} {}", request.verification, request.wants_answer)
                    }
                    Outcome::Refused(refusal) => format!("{:?}", discriminant(&refusal)),
                };
                break;
            }
        }
    }
    assert!(commands <= 64, "a card cannot keep a terminal busy");
    if let Ok(issuer) = ChipData::decode(rest)
        && let Some((mut completion, _)) = Completion::begin(&[0xA0, 0, 0, 3, 0x33], &issuer)
    {
        let answers = std::iter::repeat_n([0x90, 0], 64);
        let over =
            answers.into_iter().any(|answer| matches!(completion.take(&answer), CompletionStep::Done(_)));
        assert!(over, "an issuer cannot keep a terminal busy");
    }
    digest(format!("{told} {commands}").as_bytes())
}

fn list(input: &[u8]) -> u64 {
    let told = match Dol::decode(input) {
        Ok(list) => {
            assert_eq!(list.encode(), input);
            // The list itself serves as the value of everything.
            let values = list.values(|_| Some(input.to_vec()));
            assert_eq!(values.len(), list.asked());
            let objects = list.objects(&values).expect("as many bytes as asked");
            assert!(list.objects(input).is_err() || input.len() == list.asked());
            format!("{:?} {:?}", objects.len().checked_ilog2(), values.len().checked_ilog2())
        }
        Err(error) => format!("{:?}", discriminant(&error)),
    };
    digest(told.as_bytes())
}

fn data(input: &[u8]) -> u64 {
    let told = match ChipData::decode(input) {
        Ok(data) => {
            assert_eq!(ChipData::decode(&data.encode()).as_ref(), Ok(&data));
            for (object, _) in data.objects() {
                assert!(data.shown(object.tag).is_some());
            }
            let dates = (data.date().is_ok(), data.expiry().is_ok());
            let amounts = (data.amount().is_ok(), data.other_amount_minor().is_ok(), data.currency().is_ok());
            let parts = (data.issuer_data().is_ok(), data.track_2().is_ok(), data.issuer_answer().is_ok());
            let numbers = (data.counter().is_ok(), data.information().is_ok(), data.card_sequence().is_ok());
            let scripts = data.scripts().map(|scripts| scripts.len()).map_err(|error| discriminant(&error));
            format!(
                "{dates:?} {amounts:?} {parts:?} {numbers:?} {scripts:?} {}",
                data.misfits().count().min(4)
            )
        }
        Err(error) => format!("{:?}", discriminant(&error)),
    };
    if let Some(track) = Track2::decode(input) {
        assert_eq!(track.encode(), input);
    }
    if let Some(issuer) = IssuerData::decode(input) {
        assert_eq!(issuer.encode(), input);
    }
    digest(told.as_bytes())
}
