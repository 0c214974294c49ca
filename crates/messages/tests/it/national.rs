//! SM2, SM3 and SM4 against the annexes of the standards, drafts and another implementation.

use crate::samples::path;
use proptest::prelude::*;
use serde_json::Value;
use suanpan_messages::mac::Padding;
use suanpan_messages::signing::key_text::KeyTextError;
use suanpan_messages::signing::sm2::{Sm2PrivateKey, Sm2PublicKey, Sm2Signature, USER_ID, sm3};
use suanpan_messages::signing::sm4::{Filling, Sm4Error, Sm4Key};

fn vectors() -> Value {
    let text = std::fs::read(path("crypto_gm/sm2_sm3_sm4_vectors.json")).expect("a sample");
    serde_json::from_slice(&text).expect("JSON")
}

fn hex(text: &str) -> Vec<u8> {
    hex::decode(text).expect("hexadecimal")
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    hex(value.as_str().expect("a text")).try_into().expect("that many bytes")
}

/// Reads `61626364*16` as sixteen times those bytes.
fn repeated(text: &str) -> Vec<u8> {
    let (text, times) = text.split_once('*').unwrap_or((text, "1"));
    hex(text).repeat(times.parse().expect("a number"))
}

#[test]
fn hashes_of_the_standard() {
    let vectors = vectors();
    let all = vectors["sm3"].as_array().unwrap();
    assert_eq!(all.len(), 2);
    for vector in all {
        let text = repeated(vector["msg"].as_str().unwrap());
        assert_eq!(hex::encode(sm3(&text)), vector["hash"].as_str().unwrap());
    }
}

#[test]
fn signatures_of_the_standard() {
    let vectors = vectors();
    let vector = &vectors["sm2_sign"][0];
    let text = vector["msg"].as_str().unwrap().as_bytes();
    assert_eq!(vector["id"].as_str(), Some(USER_ID));
    let private = Sm2PrivateKey::from_bytes(&array(&vector["d"])).unwrap();
    let point: [u8; 64] = [array::<32>(&vector["px"]), array(&vector["py"])].concat().try_into().unwrap();
    let public = Sm2PublicKey::from_bytes(&point).unwrap();
    assert_eq!(private.public_key(), public);
    assert_eq!(Sm2PublicKey::from_bytes(&[&[4], &point[..]].concat()), Ok(public.clone()));
    let compressed = [&[2 | point[63] & 1], &point[..32]].concat();
    assert_eq!(Sm2PublicKey::from_bytes(&compressed), Ok(public.clone()));

    // The published signature, whose random number the standard tells, is taken in both forms. That it is taken
    // shows that Z and e are those of the annex.
    let raw = [array::<32>(&vector["r"]), array(&vector["s"])].concat();
    let signature = Sm2Signature::from_raw(&raw).unwrap();
    assert_eq!(public.verify(USER_ID, text, &signature), Ok(()));
    assert_eq!(Sm2Signature::from_der(&signature.to_der()), Ok(signature));
    assert_eq!(signature.to_raw()[..], raw);

    // Our own is another, because our number comes from key and text, and is always the same.
    let own = private.sign(USER_ID, text).unwrap();
    assert_ne!(own, signature);
    assert_eq!(private.sign(USER_ID, text), Ok(own));
    assert_eq!(public.verify(USER_ID, text, &own), Ok(()));
    for (user_id, text) in [("1234567812345679", text), (USER_ID, b"message digesu"), ("", text)] {
        assert!(
            public.verify(user_id, text, &signature).is_err() && public.verify(user_id, text, &own).is_err()
        );
    }
    let mut changed = raw.clone();
    changed[63] ^= 1;
    assert!(public.verify(USER_ID, text, &Sm2Signature::from_raw(&changed).unwrap()).is_err());
    assert_eq!(format!("{private:?}"), "Sm2PrivateKey(..)");
}

/// A key, a text and a signature made by OpenSSL 3.0.19 (`pkeyutl -sign -rawin -digest sm3 -pkeyopt distid:…`).
#[test]
fn signatures_of_another_implementation() {
    let private = Sm2PrivateKey::parse(include_str!("keys/sm2.pem")).unwrap();
    let public = Sm2PublicKey::parse(include_str!("keys/sm2_public.pem")).unwrap();
    assert_eq!(private.public_key(), public);
    let same = Sm2PrivateKey::parse(include_str!("keys/sm2_sec1.pem")).unwrap();
    assert_eq!(same.public_key(), public);
    let der = hex(
        "3045022100956ab5aad478f8af4af10a6b2e591e88fcb18a85c55bafcf18b954bdaf0158c002202ce97a2d69e3af673ac0e69c4427bef291358153159e9b4cb382519afee1d09b",
    );
    let signature = Sm2Signature::from_der(&der).unwrap();
    assert_eq!(public.verify(USER_ID, b"settle 12.30 CNY", &signature), Ok(()));
    assert!(public.verify(USER_ID, b"settle 12.31 CNY", &signature).is_err());
    assert_eq!(signature.to_der(), der);
}

#[test]
fn what_is_no_key_or_signature_is_refused() {
    assert!(Sm2PrivateKey::from_bytes(&[0; 32]).is_err() && Sm2PrivateKey::from_bytes(&[0xFF; 32]).is_err());
    assert!(Sm2PublicKey::from_bytes(&[1; 64]).is_err() && Sm2PublicKey::from_bytes(&[]).is_err());
    assert!(Sm2PublicKey::from_bytes(&[0]).is_err(), "the point at infinity");
    assert!(Sm2PrivateKey::parse(include_str!("keys/rsa_pkcs8.txt")).is_err());
    assert!(Sm2PublicKey::parse(include_str!("keys/rsa_public.pem")).is_err());
    assert_eq!(
        Sm2PublicKey::parse(include_str!("keys/sm2.pem")),
        Err(KeyTextError::Label),
        "a private key where a public one belongs"
    );
    for wrong in ["", "00", &"00".repeat(64), &"FF".repeat(64), &"01".repeat(63)] {
        assert!(Sm2Signature::from_raw(&hex(wrong)).is_err(), "{wrong}");
    }
    for wrong in ["", "3000", "3006020100020101", "300702010102020001", "3006020101020101AA"] {
        assert!(Sm2Signature::from_der(&hex(wrong)).is_err(), "{wrong}");
    }
    let key = Sm2PrivateKey::from_bytes(&[7; 32]).unwrap();
    assert!(key.sign(&"x".repeat(8191), b"").is_ok() && key.sign(&"x".repeat(8192), b"").is_err());
}

#[test]
fn blocks_of_the_standard_once_and_a_million_times() {
    let vectors = vectors();
    let vector = &vectors["sm4"][0];
    let key = Sm4Key::new(array(&vector["key"]));
    let clear: [u8; 16] = array(&vector["pt"]);
    assert_eq!(key.encrypt(clear), array(&vector["ct"]));
    assert_eq!(key.decrypt(array(&vector["ct"])), clear);
    let last = (0..1_000_000).fold(clear, |block, _| key.encrypt(block));
    assert_eq!(last, array(&vector["ct_1000000"]));
    assert_eq!(format!("{key:?}"), "Sm4Key(..)");
}

const KEY: [u8; 16] = *b"\x01\x23\x45\x67\x89\xAB\xCD\xEF\xFE\xDC\xBA\x98\x76\x54\x32\x10";

/// draft-ribose-cfrg-sm4-10, A.2.1.1 and A.2.2.1; the last by OpenSSL 3.0.19.
#[test]
fn texts_of_several_blocks() {
    let key = Sm4Key::new(KEY);
    let first: [u8; 16] = std::array::from_fn(|at| at as u8);
    let clear = hex("AAAAAAAABBBBBBBBCCCCCCCCDDDDDDDDEEEEEEEEFFFFFFFFAAAAAAAABBBBBBBB");
    let ecb = hex("5EC8143DE509CFF7B5179F8F474B86192F1D305A7FB17DF985F81C8482192304");
    let cbc = hex("78EBB11CC40B0A48312AAEB2040244CB4CB7016951909226979B0D15DC6A8F6D");
    assert_eq!(key.encrypt_ecb(&clear, Filling::None).unwrap(), ecb);
    assert_eq!(key.decrypt_ecb(&ecb, Filling::None).unwrap(), clear);
    assert_eq!(key.encrypt_cbc(first, &clear, Filling::None).unwrap(), cbc);
    assert_eq!(key.decrypt_cbc(first, &cbc, Filling::None).unwrap(), clear);
    let filled = hex("643CA26FB2CDAFD5B1DF26499D8ADBA2A20EBC160EC48A943770D9A332C93A56");
    assert_eq!(key.encrypt_cbc(first, b"settle 12.30 CNY", Filling::Counted).unwrap(), filled);
    assert_eq!(key.decrypt_cbc(first, &filled, Filling::Counted).unwrap(), b"settle 12.30 CNY");
    assert_eq!(key.encrypt_ecb(b"short", Filling::None), Err(Sm4Error));
    for wrong in [&[][..], &filled[..15], &filled[..16], &cbc] {
        assert_eq!(key.decrypt_cbc(first, wrong, Filling::Counted), Err(Sm4Error), "{wrong:?}");
    }
}

#[test]
fn filling_that_is_not_what_it_should_be_is_refused() {
    let key = Sm4Key::new(KEY);
    for (last, sound) in [
        ([2, 2], true),
        ([9, 1], true),
        ([1, 2], false),
        ([2, 0], false),
        ([17, 17], false),
        ([16, 16], false),
    ] {
        let mut clear = [0xAA; 16];
        clear[14..].copy_from_slice(&last);
        let sealed = key.encrypt_ecb(&clear, Filling::None).unwrap();
        assert_eq!(key.decrypt_ecb(&sealed, Filling::Counted).is_ok(), sound, "{last:?}");
    }
}

/// GB/T 15852.1-2020, annex B, algorithm 1: the first eight bytes for padding by zeros and by one bit.
#[test]
fn codes_of_the_standard() {
    let key = Sm4Key::new(KEY);
    for (text, padding, code) in [
        ("This is the test message for mac", Padding::Zeros, "16E02904EFB765B7"),
        ("This is the test message for mac", Padding::Bit, "4B6553AF3C4E27448412315AC7849535"),
        ("This is the test message ", Padding::Zeros, "BA89E45FE8ABF242"),
        ("This is the test message ", Padding::Bit, "421AD1690AA152E2846FA2A5D83445A9"),
    ] {
        let found = hex::encode_upper(key.mac(text.as_bytes(), padding));
        assert_eq!(&found[..code.len()], code, "{text} {padding:?}");
    }
}

proptest! {
    #[test]
    fn what_is_encrypted_is_decrypted(key in any::<[u8; 16]>(), first in any::<[u8; 16]>(), text in prop::collection::vec(any::<u8>(), 0..70)) {
        let key = Sm4Key::new(key);
        let sealed = key.encrypt_cbc(first, &text, Filling::Counted).unwrap();
        prop_assert_eq!(key.decrypt_cbc(first, &sealed, Filling::Counted).unwrap(), text.clone());
        let sealed = key.encrypt_ecb(&text, Filling::Counted).unwrap();
        prop_assert_eq!(key.decrypt_ecb(&sealed, Filling::Counted).unwrap(), text.clone());
        let _ = key.decrypt_cbc(first, &text, Filling::Counted);
        let _ = (Sm2Signature::from_der(&text), Sm2PublicKey::from_bytes(&text));
    }
}
