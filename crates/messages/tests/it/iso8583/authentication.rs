//! Authentication codes: public vectors of terminals; of the host the text alone can be checked.

use super::dumps;
use super::unionpay::dialect;
use crate::samples::path;
use suanpan_messages::iso8583::authentication::{
    AuthenticationError, HostKey, host_code, host_text, seal, terminal_block, terminal_code, verify_host,
    verify_terminal,
};
use suanpan_messages::iso8583::{Length, Message, MessageType, UNIONPAY_HOST, UNIONPAY_TERMINAL};
use suanpan_messages::keys::{Block, DoubleKey, SingleKey};

/// Reads a vector of `unionpay_pos_mac_ecb`: key, the bytes it is over, the code.
fn vectors() -> Vec<(Vec<u8>, Vec<u8>, String)> {
    let vectors = std::fs::read(path("emv_crypto/mac_pin_vectors.json")).expect("vectors");
    let vectors: serde_json::Value = serde_json::from_slice(&vectors).expect("JSON");
    let list = vectors["unionpay_pos_mac_ecb"].as_array().expect("a list").clone();
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    let bytes = |value| hex::decode(text(value)).expect("hexadecimal");
    list.iter().map(|v| (bytes(&v["key"]), bytes(&v["mab"]), text(&v["mac_ascii"]))).collect()
}

fn cipher(key: &[u8]) -> Box<dyn Fn(Block) -> Block> {
    match <[u8; 16]>::try_from(key) {
        Ok(double) => {
            let key = DoubleKey::new(double);
            Box::new(move |block| key.encrypt(block))
        }
        Err(_) => {
            let key = SingleKey::new(key.try_into().expect("eight bytes"));
            Box::new(move |block| key.encrypt(block))
        }
    }
}

/// The first vector is a message that lacks only its field 64: it is completed, read, verified, and sealed anew. In
/// the second its author changed bytes of a track, so it is no message; `card` has its code.
#[test]
fn terminals_messages_carry_the_published_codes() {
    let mut messages = 0;
    for (key, block, code) in vectors() {
        let bytes = [&block, code.as_bytes()].concat();
        if UNIONPAY_TERMINAL.view(&bytes).is_err() {
            assert!(block.starts_with(b"\x02\x00\x30\x20"));
            continue;
        }
        messages += 1;
        let view = UNIONPAY_TERMINAL.view(&bytes).expect("a message");
        assert_eq!(terminal_block(&view), Ok(&block[..]));
        assert_eq!(terminal_code(&view, cipher(&key)).as_ref().map(|code| &code[..]), Ok(code.as_bytes()));
        assert_eq!(verify_terminal(&view, cipher(&key)), Ok(()));
        let mut message = view.to_message();
        message.remove(64);
        message.header = hex::decode("6000030000603100310100").expect("hexadecimal");
        let sealed = seal(&UNIONPAY_TERMINAL, &mut message, 64, |view| terminal_code(view, cipher(&key)));
        assert_eq!(sealed.expect("a message")[11..], bytes);
        assert_eq!(message.get(64), Some(code.as_bytes()));
        for at in [12, bytes.len() - 1] {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            if let Ok(view) = UNIONPAY_TERMINAL.view(&changed) {
                assert_eq!(verify_terminal(&view, cipher(&key)), Err(AuthenticationError::Wrong(64)), "{at}");
            }
        }
    }
    assert_eq!(messages, 1);
}

#[test]
fn the_host_s_text_is_of_the_fields_that_count() {
    let text = |name: &str| {
        let (_, bytes) = dumps().into_iter().find(|(found, _)| found == name).expect("a message");
        host_text(&dialect(name).view(&bytes).expect("a message"))
            .map(|text| String::from_utf8(text).expect("a text"))
    };
    assert_eq!(
        text("unionpay_cups__test02").as_deref(),
        Ok(
            "0210 6251880000051688 300000 0825112400 863743 6011 02 92250000 92250000 14 12345678 123456789012345"
        )
    );
    // Field 90 counts with its first twenty characters, accounts with all.
    assert_eq!(
        text("unionpay_cupd__test08").as_deref(),
        Ok("0220 6283010300000019 200000 000000009901 1012110944 000020 6013 00 65191100 65191100 00998801 \
            000000000000000 02000000081012105330")
    );
    assert_eq!(text("unionpay_cups__test09"), Err(AuthenticationError::Missing(128)));
    let of = |message_type: &[u8; 4], fields: &[(u8, &str)]| {
        let mut message = Message::new(MessageType::new(*message_type).expect("digits"));
        fields.iter().for_each(|(number, value)| message.set(*number, value));
        let bytes = UNIONPAY_HOST.encode(&message).expect("a message");
        host_text(&UNIONPAY_HOST.view(&bytes).expect("a message"))
            .map(|text| String::from_utf8(text).expect("a text"))
    };
    // Cleaned: upper case, other characters dropped, spaces as one, empty fields left out; field 5 does not count.
    let odd = [(5, "000000000001"), (38, "      "), (41, " a*b-  c"), (42, "x.y,z  \u{20ac}     ")];
    assert_eq!(of(b"0200", &odd).as_deref(), Ok("0200 AB C X.Y,Z"));
    let all: Vec<(u8, String)> = UNIONPAY_HOST
        .fields
        .iter()
        .filter_map(|spec| match spec.length {
            // The number, with zeros in front, cut to its last characters.
            Length::Fixed(len) => {
                let digits = format!("{:0>42}", spec.number);
                Some((spec.number, digits[42 - usize::from(len)..].to_owned()))
            }
            Length::Two(_) => Some((spec.number, format!("{:03}", spec.number))),
            Length::Three(_) => None,
        })
        .collect();
    let all: Vec<(u8, &str)> = all.iter().map(|(number, value)| (*number, value.as_str())).collect();
    assert_eq!(
        of(b"0420", &all).as_deref(),
        Ok("0420 002 000003 000000000004 0000000007 000011 0018 25 000000028 032 033 000038 39 00000041 \
            000000000000042 00000000000000000000 102 103")
    );
    assert_eq!(
        of(b"0530", &all).as_deref(),
        Ok("0530 0000000007 000011 6 000000000082 000000000084 0000000000000086 0000000000000087 \
            0000000000000088 0000000000000089 00000000000000097")
    );
    assert_eq!(of(b"0800", &all).as_deref(), Ok("0800 0000000007 000011 39 0000000000000053 070 100"));
    let totals = [
        (7, "0101000000"),
        (66, "1"),
        (86, "0000000000000100"),
        (97, "C0000000000000100"),
        (4, "000000000001"),
    ];
    assert_eq!(of(b"0520", &totals).as_deref(), Ok("0520 0101000000 1 0000000000000100 C0000000000000100"));
    let network = [(7, "0101000000"), (39, "00"), (53, "2600000000000000"), (70, "101"), (48, "NK")];
    assert_eq!(of(b"0810", &network).as_deref(), Ok("0810 0101000000 00 2600000000000000 101"));
    let file = MessageType::new(*b"0302").expect("digits");
    assert_eq!(of(b"0302", &[]), Err(AuthenticationError::Type(file)));
}

/// Without a public key and message only this: what is sealed verifies, and nothing else does.
#[test]
fn the_host_s_messages_are_sealed_and_verified() {
    let single = HostKey::Single(SingleKey::new(*b"\x01\x23\x45\x67\x89\xAB\xCD\xEF"));
    let double =
        HostKey::Double(DoubleKey::new(*b"\x01\x23\x45\x67\x89\xAB\xCD\xEF\xFE\xDC\xBA\x98\x76\x54\x32\x10"));
    let (_, bytes) = dumps().into_iter().find(|(name, _)| name.ends_with("cups__test02")).expect("a message");
    let mut message = UNIONPAY_HOST.decode(&bytes).expect("a message");
    for (key, other) in [(&single, &double), (&double, &single)] {
        let sealed = seal(&UNIONPAY_HOST, &mut message, 128, |view| host_code(view, key)).expect("a message");
        let view = UNIONPAY_HOST.view(&sealed).expect("a message");
        assert_eq!(verify_host(&view, key), Ok(()));
        assert_eq!(verify_host(&view, other), Err(AuthenticationError::Wrong(128)));
        assert_eq!(sealed[..sealed.len() - 8], bytes[..bytes.len() - 8]);
        let mut changed = message.clone();
        changed.set(39, "00");
        let changed = UNIONPAY_HOST.encode(&changed).expect("a message");
        let view = UNIONPAY_HOST.view(&changed).expect("a message");
        assert_eq!(verify_host(&view, key), Err(AuthenticationError::Wrong(128)));
    }
    message.remove(128);
    let bare = UNIONPAY_HOST.encode(&message).expect("a message");
    let view = UNIONPAY_HOST.view(&bare).expect("a message");
    assert_eq!(verify_host(&view, &single), Err(AuthenticationError::Missing(128)));
    assert_eq!(terminal_block(&view), Err(AuthenticationError::Missing(64)));
}
