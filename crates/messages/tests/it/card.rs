//! Cryptograms, MACs and PIN blocks against published vectors.

use crate::samples::path;
use proptest::prelude::*;
use serde_json::Value;
use suanpan_messages::emv::cryptogram::{
    answer_1, answer_2, application_cryptogram, card_key, card_key_option_a, counter_and_number_text,
    counter_text, session_key_common, session_key_pboc,
};
use suanpan_messages::keys::{AesKey, DoubleKey, SingleKey};
use suanpan_messages::mac::{Padding, unionpay_terminal};
use suanpan_messages::pin::{
    Pin, PinError, format_0, format_3, format_4, read_format_0, read_format_3, read_format_4,
};

fn json(name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(path(name)).expect("a sample")).expect("JSON")
}

fn bytes<const N: usize>(value: &Value) -> [u8; N] {
    hex::decode(value.as_str().expect("a text")).expect("hexadecimal").try_into().expect("that many bytes")
}

fn key(value: &Value) -> DoubleKey {
    DoubleKey::new(bytes(value))
}

fn upper(bytes: impl AsRef<[u8]>) -> String {
    hex::encode_upper(bytes)
}

fn vector(id: &str) -> Value {
    let all = json("emv_crypto/arqc_vectors.json");
    all["vectors"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|vector| vector["id"] == id)
        .expect("the vector")
        .clone()
}

fn joined(tags: &Value, order: &[&str]) -> Vec<u8> {
    order.iter().flat_map(|tag| hex::decode(tags[*tag].as_str().expect(tag)).expect(tag)).collect()
}

const VISA: [&str; 10] = ["9F02", "9F03", "9F1A", "95", "5F2A", "9A", "9C", "9F37", "82", "9F36"];

#[test]
fn common_session_keys_and_both_answers() {
    let vector = vector("csk_optA_emvpad");
    let card = card_key(&key(&vector["imk"]), "9901234567890123", "45").unwrap();
    assert_eq!(upper(&card.check_value()[..2]), vector["icc_mk_kcv"].as_str().unwrap());
    let session = session_key_common(&card, bytes(&vector["R_diversifier"]));
    assert_eq!(upper(&session.check_value()[..2]), vector["sk_kcv"].as_str().unwrap());
    let data = hex::decode(vector["data"].as_str().unwrap()).unwrap();
    let cryptogram = application_cryptogram(&session, &data, Padding::Bit);
    assert_eq!(upper(cryptogram), vector["ac"].as_str().unwrap());
    assert_eq!(upper(answer_1(&card, cryptogram, [0, 0])), vector["arpc_method1"]["arpc"].as_str().unwrap());
}

#[test]
fn cryptograms_of_visa() {
    let ten = vector("visa_cvn10");
    let card = card_key(&key(&ten["imk"]), "1234567890123456", "00").unwrap();
    let data = joined(&ten["tags"], &[&VISA[..], &["CVR"]].concat());
    let cryptogram = application_cryptogram(&card, &data, Padding::Zeros);
    assert_eq!(upper(cryptogram), ten["arqc"].as_str().unwrap());
    assert_eq!(upper(answer_1(&card, cryptogram, *b"00")), ten["arpc"]["arpc"].as_str().unwrap());
    let eighteen = vector("visa_cvn18");
    let session = session_key_common(&card, counter_text(0x1C));
    assert_eq!(upper(&session.check_value()[..2]), eighteen["sk_kcv"].as_str().unwrap());
    let data = joined(&eighteen["tags"], &[&VISA[..], &["9F10"]].concat());
    let cryptogram = application_cryptogram(&session, &data, Padding::Bit);
    assert_eq!(upper(cryptogram), eighteen["arqc"].as_str().unwrap());
    assert_eq!(
        upper(answer_2(&session, cryptogram, [0; 4], &[])),
        eighteen["arpc"]["arpc"].as_str().unwrap()
    );
}

#[test]
fn cryptograms_of_pboc() {
    for (id, counter, response) in [("pboc_cvn01_a", 0x03D3, *b"00"), ("pboc_cvn01_b", 0x0240, *b"01")] {
        let vector = vector(id);
        let card = card_key_option_a(
            &key(&vector["imk"]),
            vector["pan"].as_str().unwrap(),
            vector["psn"].as_str().unwrap(),
        )
        .unwrap();
        if let Some(expected) = vector["icc_mk_no_parity_adjust"].as_str() {
            assert_eq!(upper(card.expose()), expected, "{id}");
        }
        let session = session_key_pboc(&card, counter);
        assert_eq!(upper(session.expose()), vector["sk"].as_str().unwrap(), "{id}");
        let data = hex::decode(vector["data"].as_str().unwrap()).unwrap();
        let cryptogram = application_cryptogram(&session, &data, Padding::Bit);
        assert_eq!(upper(cryptogram), vector["ac"].as_str().unwrap(), "{id}");
        let answer = answer_1(&session, cryptogram, response);
        assert_eq!(upper(answer), vector["arpc_method1"]["arpc"].as_str().unwrap(), "{id}");
    }
}

#[test]
fn session_keys_of_mchip() {
    let vector = vector("mastercard_mchip_sk");
    let card = card_key(&key(&vector["imk"]), "5204730000000013", "00").unwrap();
    assert_eq!(upper(card.with_odd_parity().expose()), vector["icc_mk"].as_str().unwrap());
    let text = counter_and_number_text(0x01F6, bytes(&vector["un"]));
    assert_eq!(upper(text), vector["R"].as_str().unwrap());
    let session = session_key_common(&card, text).with_odd_parity();
    assert_eq!(upper(session.expose()), vector["sk_parity_adjusted"].as_str().unwrap());
}

#[test]
fn macs_of_unionpay_terminals() {
    let vectors = json("emv_crypto/mac_pin_vectors.json");
    for vector in vectors["unionpay_pos_mac_ecb"].as_array().unwrap() {
        let single = vector["key"].as_str().unwrap().len() == 16;
        // The text that goes with the second key does not join to the block that goes with it: that block, which
        // is its own join, stands for the text.
        let text = hex::decode(vector[if single { "xor" } else { "mab" }].as_str().unwrap()).unwrap();
        let mac = match vector["key"].as_str().unwrap().len() {
            16 => {
                let key = SingleKey::new(bytes(&vector["key"]));
                unionpay_terminal(|block| key.encrypt(block), &text)
            }
            _ => {
                let key = key(&vector["key"]);
                unionpay_terminal(|block| key.encrypt(block), &text)
            }
        };
        assert_eq!(mac, vector["mac_ascii"].as_str().unwrap().as_bytes());
    }
}

#[test]
fn pin_blocks_of_the_standard() {
    let vectors = json("emv_crypto/mac_pin_vectors.json");
    let (mut zero, mut four) = (0, 0);
    for vector in vectors["pin_block"].as_array().unwrap() {
        let pin = Pin::new(vector["pin"].as_str().unwrap()).unwrap();
        let Some(card) = vector["pan"].as_str() else { continue };
        if let Some(clear) = vector["clear"].as_str() {
            let block = format_0(&pin, card).unwrap();
            assert_eq!(upper(block), clear);
            assert!(read_format_0(block, card).unwrap().agrees(&pin));
            zero += 1;
        } else {
            let key = AesKey::new(bytes(&vector["key"]));
            let block: [u8; 16] = bytes(&vector["block"]);
            assert!(read_format_4(&key, block, card).unwrap().agrees(&pin));
            if vector["random"] == "FF*8" {
                assert_eq!(format_4(&key, &pin, card, [0xFF; 8]).unwrap(), block);
            }
            assert_eq!(read_format_4(&key, block, "4321987654321098").unwrap_err(), PinError::Block(4));
            four += 1;
        }
    }
    assert_eq!((zero, four), (3, 2));
    assert_eq!(format!("{:?} {:?}", Pin::new("1234").unwrap(), AesKey::new([7; 16])), "Pin(..) AesKey(..)");
}

proptest! {
    #[test]
    fn pin_blocks_are_read_again(pin in "[0-9]{4,12}", card in "[0-9]{12,19}", random in any::<[u8; 8]>(), filling in prop::array::uniform10(10_u8..16)) {
        let pin = Pin::new(&pin).unwrap();
        prop_assert!(read_format_0(format_0(&pin, &card).unwrap(), &card).unwrap().agrees(&pin));
        prop_assert!(read_format_3(format_3(&pin, &card, filling).unwrap(), &card).unwrap().agrees(&pin));
        let key = AesKey::new([9; 16]);
        prop_assert!(read_format_4(&key, format_4(&key, &pin, &card, random).unwrap(), &card).unwrap().agrees(&pin));
    }

    #[test]
    fn any_block_is_read_or_refused(block in any::<[u8; 8]>(), long in any::<[u8; 16]>(), card in "[0-9]{0,22}") {
        let _ = read_format_0(block, &card);
        let _ = read_format_3(block, &card);
        let _ = read_format_4(&AesKey::new([1; 16]), long, &card);
        let _ = card_key(&DoubleKey::new(long), &card, "00");
    }
}
