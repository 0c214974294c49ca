//! Dumps of UnionPay: host, downstream, terminal.

use super::dumps;
use crate::samples::path;
use suanpan_messages::iso8583::{
    Dialect, MessageType, UNIONPAY_DOWNSTREAM, UNIONPAY_HOST, UNIONPAY_TERMINAL,
};

/// Returns the dialect of a dump.
pub(super) fn dialect(name: &str) -> &'static Dialect {
    match name {
        _ if name.contains("cups") => &UNIONPAY_HOST,
        _ if name.contains("cupd") => &UNIONPAY_DOWNSTREAM,
        _ => &UNIONPAY_TERMINAL,
    }
}

/// Every message is read to its last byte, says what the published decode says, and is written to the same bytes.
#[test]
fn real_messages_are_read_and_written() {
    let dumps = dumps();
    assert!(dumps.len() >= 18, "{}", dumps.len());
    for (name, bytes) in dumps {
        let dialect = dialect(&name);
        let message = dialect.decode(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(dialect.encode(&message).expect("what was read"), bytes, "{name}");
        let view = dialect.view(&bytes).expect("as before");
        let strange: Vec<u8> = view.strange().map(|value| value.spec().number).collect();
        assert_eq!(strange, [0; 0], "{name}");
        let expected = std::fs::read(path(&format!("iso8583/{name}.expected.json"))).expect("a decode");
        let expected: serde_json::Value = serde_json::from_slice(&expected).expect("JSON");
        let message_type = message.message_type.as_ref().map(MessageType::to_string);
        assert_eq!(message_type.as_deref(), expected["mti"].as_str(), "{name}");
        let fields = expected["fields"].as_object();
        assert_eq!(message.fields().count(), fields.map_or(0, |fields| fields.len()), "{name}");
        for (number, text) in fields.into_iter().flatten() {
            let value = message.get(number.parse().expect("a number")).expect("the field");
            let text = text.as_str().expect("a text");
            // Texts are GBK.
            let decoded = encoding_rs::GB18030.decode_without_bom_handling(value).0;
            let same =
                hex::encode_upper(value) == text || decoded == text || decoded.replace('=', "D") == text;
            assert!(same, "{name} field {number}: {decoded:?} is not {text:?}");
        }
    }
}
