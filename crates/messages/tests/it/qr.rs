//! EMVCo codes against published payloads.

use crate::samples::path;
use proptest::prelude::*;
use suanpan_messages::qr::consumer;
use suanpan_messages::qr::merchant::{MerchantCode, MerchantError, Object};
use suanpan_messages::tlv::{Tag, find};

fn json(name: &str) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(path(name)).expect("a sample")).expect("JSON")
}

/// Which published payloads are codes, as the list of samples says.
#[test]
fn merchant_payloads_are_read_or_refused() {
    let payloads = json("emv_qr/mpm_payloads_mercari.json");
    for (at, payload) in payloads.as_array().expect("a list").iter().enumerate() {
        let text = payload["payload"].as_str().expect("a text");
        let code = MerchantCode::decode(text);
        if matches!(at, 3..=7 | 9) {
            assert!(code.is_err(), "{at}: {code:?}");
            continue;
        }
        let code = code.unwrap_or_else(|error| panic!("{at}: {error}: {text}"));
        assert_eq!(code.encode(), text, "{at}");
    }
    let payloads = json("emv_qr/mpm_payloads_phannaly.json");
    let text = payloads.to_string();
    let start = text.find("000201").expect("a payload");
    let end = start + text[start..].find('"').expect("an end");
    MerchantCode::decode(&text[start..end]).expect("a code");
}

#[test]
fn the_example_of_the_specification_says_what_it_says() {
    let text = "00020101021229300012D156000000000510A93FO3230Q31280012D15600000001030812345678520441115802CN5914BEST TRANSPORT6007BEIJING64200002ZH0104最佳运输0202北京540523.7253031565502016233030412340603***0708A60086670902ME91320016A0112233449988770708123456786304A13A";
    let code = MerchantCode::decode(text).expect("the example");
    assert!(code.is_dynamic());
    assert_eq!((code.amount_minor(), code.currency().map(|c| c.code())), (Some(2372), Some("CNY")));
    assert_eq!(code.get_in(64, 1).as_deref(), Some("最佳运输"));
    assert_eq!(code.get_in(62, 7).as_deref(), Some("A6008667"));
    let wrong = MerchantCode::decode(&text.replace("A13A", "A13B")).expect_err("another checksum");
    assert!(matches!(wrong, MerchantError::Checksum { computed, .. } if computed == "A13A"));
}

#[test]
fn consumer_payloads_are_read_and_written_to_the_same_text() {
    let text = "hQVDUFYwMWEaTwegAAAAVVVVVw8SNFZ4kBI0WNGRIgESNF8=";
    let objects = consumer::decode(text).expect("the first example");
    assert_eq!(hex::encode_upper(find(&objects, Tag(0x4F)).unwrap().unwrap().value), "A0000000555555");
    assert_eq!(consumer::encode(&objects), text);
    let all = json("emv_qr/cpm_payloads.json").to_string();
    let mut seen = 0;
    for text in all.split('"').filter(|text| text.starts_with("hQVDUFYwMWE")) {
        assert_eq!(consumer::encode(&consumer::decode(text).expect("a code")), text);
        seen += 1;
    }
    assert!(seen >= 3, "{seen}");
    for wrong in ["", "hQVDUFYwMg==", "hQVDUFYwMQ==", "????"] {
        assert!(consumer::decode(wrong).is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(name in "[a-zA-Z最佳 ]{1,25}", city in "\\PC{1,15}", amount in proptest::option::of(1_u32..99_999_999)) {
        prop_assume!(!city.chars().any(char::is_control));
        let object = |id: u8, value: &str| Object { id, value: value.to_owned() };
        let mut objects = vec![object(0, "01"), object(26, "0008a.b.c.de"), object(52, "5411"), object(53, "156")];
        objects.extend(amount.map(|minor| object(54, &format!("{}.{:02}", minor / 100, minor % 100))));
        objects.extend([object(58, "CN"), object(59, &name), object(60, &city)]);
        let code = MerchantCode::new(objects).expect("a code");
        let read = MerchantCode::decode(&code.encode()).expect("the same code");
        prop_assert_eq!(read.amount_minor(), amount.map(i64::from));
        prop_assert_eq!(read, code);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,80}", cut in 0_usize..100) {
        let _ = MerchantCode::decode(&text);
        let _ = consumer::decode(&text);
        let code = "00020101021126080004a.bc5204541153031565802CN5901A6001B6304";
        let _ = MerchantCode::decode(&format!("{}{text}", &code[..cut.min(code.len())]));
    }
}
