//! A card behind a socket: it pays, it is taken away, it keeps its counter.

use crate::cards::{NUMBER, card_settings, pay, payment, settings};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use suanpan_simulators::card::{CardSettings, Kept, SoftwareCard, serve};
use suanpan_terminal::socket::{MESSAGE_BYTES_MAX, SocketCard, read_message, write_message};
use suanpan_terminal::{Card, CardGone, Outcome, present};
use tokio::runtime::Runtime;

struct Lying {
    address: SocketAddr,
    kept: Arc<AtomicU16>,
    _runtime: Runtime,
}

fn lie(change: impl FnOnce(&mut CardSettings), full: bool) -> Lying {
    let mut settings = card_settings();
    change(&mut settings);
    let kept = Arc::new(AtomicU16::new(0));
    let store = kept.clone();
    let keep = move |counter| {
        if full {
            return Err(std::io::Error::other("the disk is full"));
        }
        store.store(counter, Ordering::SeqCst);
        Ok(())
    };
    let card = Kept::new(SoftwareCard::new(settings, 9), keep);
    let runtime = Runtime::new().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(serve(listener, card));
    Lying { address, kept, _runtime: runtime }
}

fn connect(lying: &Lying) -> SocketCard {
    SocketCard::connect(&lying.address.to_string()).unwrap()
}

#[test]
fn a_card_pays_over_a_socket_and_keeps_its_counter_first() {
    let lying = lie(|_| (), false);
    for counter in [10, 11] {
        let Outcome::Online(request) = pay(&mut connect(&lying), &payment(1)) else { panic!("online") };
        assert_eq!((request.counter, lying.kept.load(Ordering::SeqCst)), (counter, counter));
        assert_eq!(request.track_2.expose_number(), NUMBER);
    }
    // A counter that cannot be kept is not given away.
    let lying = lie(|_| (), true);
    let gone = present(&settings(), &payment(1), &mut connect(&lying), |_| ());
    assert!(gone.is_err(), "{gone:?}");
}

#[test]
fn a_card_may_be_taken_away_at_any_command() {
    for after in 0..4 {
        let lying = lie(|card| card.removed_after = Some(after), false);
        let mut told = 0;
        let gone = present(&settings(), &payment(1), &mut connect(&lying), |_| told += 1);
        assert!(gone.is_err(), "{after}");
        assert_eq!(told, after + 1);
    }
    let lying = lie(|card| card.removed_after = Some(4), false);
    assert!(matches!(pay(&mut connect(&lying), &payment(1)), Outcome::Online(_)));
}

#[test]
fn what_is_no_card_is_gone() {
    assert!(SocketCard::connect("127.0.0.1:1").is_err());
    assert!(SocketCard::connect("nonsense").is_err());
    // One that answers more than any card, and one that breaks off.
    for bytes in [&[0xFF, 0xFF, 1][..], &[0, 4, 1, 2]] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let bytes = bytes.to_vec();
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = [0; 6];
            stream.read_exact(&mut asked).unwrap();
            assert_eq!(asked, [0, 1, 1, 0, 1, 4], "power, then the answer to reset");
            stream.write_all(&bytes).unwrap();
        });
        assert!(matches!(SocketCard::connect(&address), Err(CardGone { .. })));
        thread.join().unwrap();
    }
}

#[test]
fn messages_have_their_length_in_front() {
    let mut bytes = Vec::new();
    write_message(&mut bytes, &[1, 2, 3]).unwrap();
    assert_eq!(bytes, [0, 3, 1, 2, 3]);
    let mut rest = &bytes[..];
    assert_eq!(read_message(&mut rest).unwrap(), Some(vec![1, 2, 3]));
    assert_eq!(read_message(&mut rest).unwrap(), None);
    let long = u16::try_from(MESSAGE_BYTES_MAX + 1).unwrap().to_be_bytes();
    assert!(read_message(&mut &long[..]).is_err());
}

/// Commands of a terminal that talks to the card itself.
#[test]
fn a_card_answers_to_power_and_to_what_it_does_not_know() {
    let lying = lie(|_| (), false);
    let mut card = connect(&lying);
    assert_eq!(card.transmit(&[0x00, 0xFF, 0, 0]).unwrap(), [0x6D, 0x00]);
    assert_eq!(card.transmit(&[0x00]).unwrap_err().why, "Resource temporarily unavailable (os error 11)");
}
