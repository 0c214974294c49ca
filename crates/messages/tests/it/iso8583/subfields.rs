//! Fields within fields: real values divided and joined, typed values, laws.

use super::dumps;
use super::unionpay::dialect;
use proptest::prelude::*;
use suanpan_messages::iso8583::{
    AdditionalAmount, Layout, Message, OriginalData, REST, Shown, SubfieldError, UNIONPAY_HOST,
    UNIONPAY_TERMINAL, WorkingKey,
};

fn dump(name: &str) -> (&'static suanpan_messages::iso8583::Dialect, Message) {
    let (name, bytes) = dumps().into_iter().find(|(found, _)| found == name).expect("the message");
    (dialect(&name), dialect(&name).decode(&bytes).expect("a message"))
}

fn pairs<'v>(layout: &Layout, value: &'v [u8]) -> Result<Vec<(String, &'v [u8])>, SubfieldError> {
    Ok(layout.read(value)?.into_iter().map(|part| (part.id, part.value)).collect())
}

fn written(layout: &Layout, parts: &[(String, &[u8])]) -> Result<Vec<u8>, SubfieldError> {
    layout.write(&parts.iter().map(|(id, value)| (id.as_str(), *value)).collect::<Vec<_>>())
}

/// Divides a value to its leaves and joins it again at every level.
fn divide(layout: &Layout, value: &[u8], id: &str, leaves: &mut Vec<(String, Vec<u8>)>) {
    let parts = layout.read(value).unwrap_or_else(|error| panic!("{id}: {error}"));
    if parts.is_empty() {
        leaves.push((id.to_owned(), value.to_vec()));
        return;
    }
    let pairs: Vec<(String, &[u8])> = parts.iter().map(|part| (part.id.clone(), part.value)).collect();
    assert_eq!(written(layout, &pairs).as_deref(), Ok(value), "{id}");
    for part in parts {
        assert_eq!(&value[part.at..part.at + part.value.len()], part.value, "{id}.{}", part.id);
        divide(&part.layout(), part.value, &format!("{id}.{}", part.id), leaves);
    }
}

#[test]
fn real_fields_are_divided_and_joined() {
    let mut leaves = Vec::new();
    let mut divided = 0;
    for (name, bytes) in dumps() {
        let view = dialect(&name).view(&bytes).expect("a message");
        for value in view.fields().filter(|value| !matches!(value.spec().layout, Layout::Whole)) {
            let characters = value.characters();
            divide(
                &value.spec().layout,
                &characters,
                &format!("{name} {}", value.spec().number),
                &mut leaves,
            );
            divided += 1;
        }
    }
    assert!(divided >= 40, "{divided}");
    for (id, text) in [
        ("unionpay_cups__test10 48.AS.ON", "1222112221122211222112221122211222112221"),
        ("unionpay_cups__test08 60.2.8", "09"),
        ("unionpay_cups__test08 60.3.3", "004"),
        ("unionpay_cups__test08 61.5", "CUP"),
        ("unionpay_cups__test08 61.10.AM.1", "0010000110000000"),
        ("unionpay_cups__test01 121.1", "5"),
        ("unionpay_cupd__test03 54.2.5", "000004188992"),
        ("unionpay_cupd__test08 62.DA.T00", "WLZF"),
        ("unionpay_cupd__test08 90.4", "00065191100"),
        ("unionpay_cupd__test02 104.SI.01", "6231039919010928233"),
        ("unionpay_pos__pay_response 60.7", "070"),
        ("unionpay_pos__pay_request 60.2", "000727"),
    ] {
        let (_, value) = leaves.iter().find(|(found, _)| found == id).expect(id);
        assert_eq!(std::str::from_utf8(value).expect("a text"), text, "{id}");
    }
}

#[test]
fn what_is_not_divided_so_is_told() {
    let field = |number| UNIONPAY_HOST.fields.get(number).expect("the field").layout;
    let short = |at, part| Err(SubfieldError::Short { at, part });
    assert_eq!(pairs(&field(63), b"SM01"), short(4, "a length"));
    assert_eq!(pairs(&field(63), b"S"), short(1, "a usage"));
    assert_eq!(pairs(&field(63), b"SM0161234"), short(9, "a value"));
    assert_eq!(pairs(&field(63), b"SM0a6"), Err(SubfieldError::Length { at: 2 }));
    assert_eq!(pairs(&field(48), b"A"), short(1, "a usage"));
    assert_eq!(pairs(&field(54), b"3001156C00000000010"), short(19, "a group"));
    assert_eq!(pairs(&field(90), &[b'0'; 43]), Err(SubfieldError::Trailing { at: 42 }));
    assert!(matches!(pairs(&field(55), b"\x9F"), Err(SubfieldError::Objects(_))));
    assert_eq!(pairs(&field(63), &b"SM000".repeat(1001)), Err(SubfieldError::TooMany));
    let part =
        |layout: Layout, parts: &[(&str, &[u8])]| layout.write(parts).map_err(|error| error.to_string());
    let told = |text: &str| Err(text.to_owned());
    assert_eq!(part(field(60), &[("2", b"0")]), told("part 2: is not the next part"));
    assert_eq!(part(field(60), &[("1", b"00000")]), told("part 1: is empty or longer than it may be"));
    assert_eq!(
        part(field(60), &[("1", b"0"), ("2", b"0")]),
        told("part 1: is shorter than it must be before others")
    );
    assert_eq!(part(field(63), &[("SMX", b"0")]), told("part SMX: its usage or tag has another length"));
    assert_eq!(part(field(63), &[("SM", &[0; 1000])]), told("part SM: is longer than 999"));
    assert_eq!(part(field(48), &[("AA", b"0"), ("AO", b"0")]), told("part AO: there is only one usage"));
    assert_eq!(part(field(54), &[("1.1", b"30")]), told("part 1.1: is not of the next group"));
    assert_eq!(part(field(55), &[("XY", b"0")]), told("part XY: is not a tag"));
    assert_eq!(part(field(4), &[("1", b"0")]), told("part 1: the value is not divided"));
    assert_eq!(part(field(63), &[("SM", &[b'0'; 999])]).map(|value| value.len()), Ok(1004));
    // What nothing is known of is read, and hidden.
    let parts = field(48).read(b"ZZ123").expect("a usage");
    assert_eq!(
        (parts[0].name(), parts[0].shown(), parts[0].value),
        ("not known", Shown::Hidden, &b"123"[..])
    );
}

#[test]
fn balances_have_their_sign_and_currency() {
    let (_, message) = dump("unionpay_cupd__test03");
    let value = message.get(54).expect("amounts");
    let amounts = AdditionalAmount::read(value).expect("amounts");
    let of = |amount_type, amount_minor| AdditionalAmount {
        account_type: *b"30",
        amount_type,
        currency: *b"156",
        amount_minor,
    };
    assert_eq!(amounts, [of(*b"01", -2_208_992), of(*b"02", 4_188_992)]);
    assert_eq!(AdditionalAmount::write(&amounts).as_deref(), Ok(value));
    for (value, at) in [
        ("3001156X000002208992", 7),
        ("3001156D00000220899", 8),
        ("3001156D00000220899A", 8),
        ("3001156C0000022089923002", 20),
    ] {
        assert_eq!(AdditionalAmount::read(value.as_bytes()).map_err(|error| error.at), Err(at), "{value}");
    }
    assert!(AdditionalAmount::write(&[of(*b"01", 1_000_000_000_000)]).is_err());
    assert!(AdditionalAmount::write(&[of(*b"01", i64::MIN)]).is_err());
}

#[test]
fn original_data_name_a_message() {
    let (_, message) = dump("unionpay_cupd__test08");
    let value = message.get(90).expect("original data");
    let original = OriginalData::read(value).expect("original data");
    assert_eq!((original.message_type.to_string().as_str(), &original.trace), ("0200", b"000008"));
    assert_eq!(original.write(), value);
    // The message itself, named as its reversal would name it.
    let (dialect, message) = dump("unionpay_cups__test10");
    let bytes = dialect.encode(&message).expect("a message");
    let named = OriginalData::of(&dialect.view(&bytes).expect("a message")).expect("fields 7 and 11");
    assert_eq!(named.write(), b"020000001205112342030009201000000092010000");
    assert!(OriginalData::read(&[b'0'; 41]).is_err() && OriginalData::read(&[b'0'; 43]).is_err());
    assert_eq!(OriginalData::read(b"02000A").map_err(|error| error.at), Err(5));
}

#[test]
fn terminals_get_their_keys() {
    for (name, count, key_len, check_len) in
        [("unionpay_pos__0810_signin", 2, 16, 4), ("unionpay_pos__signin_response", 3, 16, 3)]
    {
        let (_, message) = dump(name);
        let value = message.get(62).expect("keys");
        let keys = WorkingKey::read(value).expect("keys");
        assert_eq!(keys.len(), count, "{name}");
        assert!(keys.iter().all(|key| key.encrypted.len() == key_len && key.check_value.len() == check_len));
        assert_eq!(WorkingKey::write(&keys), value, "{name}");
        assert_eq!(format!("{:?}", keys[0]), "WorkingKey(..)");
    }
    for len in [24, 60, 84] {
        let value: Vec<u8> = (0..len).collect();
        assert_eq!(WorkingKey::write(&WorkingKey::read(&value).expect("keys")), value);
    }
    assert!(WorkingKey::read(&[0; 41]).is_err() && WorkingKey::read(&[]).is_err());
}

/// Layouts of every kind, those within others too.
fn layouts() -> Vec<Layout> {
    let mut found = Vec::new();
    let mut open: Vec<Layout> = [&UNIONPAY_HOST, dialect("cupd"), &UNIONPAY_TERMINAL]
        .iter()
        .flat_map(|dialect| dialect.fields.iter().map(|spec| spec.layout).chain([dialect.header_layout]))
        .collect();
    while let Some(layout) = open.pop() {
        if let Layout::Parts(parts)
        | Layout::Groups(parts)
        | Layout::Usage(parts)
        | Layout::Usages(parts)
        | Layout::Tagged(parts)
        | Layout::Objects(parts) = layout
        {
            open.extend(parts.iter().map(|part| part.layout));
            found.push(layout);
        }
    }
    found
}

/// Only the last part may take what is left, and ids are told apart.
#[test]
fn layouts_can_be_written() {
    for layout in layouts() {
        if let Layout::Parts(parts) | Layout::Groups(parts) = layout {
            let rest = parts.iter().position(|part| part.len == REST);
            assert!(rest.is_none_or(|at| at + 1 == parts.len()), "{parts:?}");
            assert!(parts.iter().enumerate().all(|(at, part)| part.id == (at + 1).to_string()), "{parts:?}");
        }
    }
}

proptest! {
    #[test]
    fn what_is_divided_is_joined_to_the_same(value in prop_oneof![
        prop::collection::vec(any::<u8>(), 0..120),
        "[A-Z]{2}[0-9]{0,60}".prop_map(String::into_bytes),
        "([A-Z]{2}00[0-3]AAA){0,5}".prop_map(String::into_bytes),
        "([A-Z]{2}000|SM002xy|T00001z){0,5}".prop_map(String::into_bytes),
        prop::collection::vec(prop::sample::select(&b"\x9F\x26\x01\x02\x5A\x00ASON0123"[..]), 0..40),
    ]) {
        for layout in layouts() {
            if let Ok(parts) = pairs(&layout, &value) {
                let joined = written(&layout, &parts).expect("what was read");
                if matches!(layout, Layout::Objects(_)) {
                    // Filling and long lengths are lost; what is written is read to the same.
                    prop_assert_eq!(pairs(&layout, &joined), Ok(parts));
                } else {
                    prop_assert_eq!(&joined, &value);
                }
            }
        }
    }

    #[test]
    fn typed_values_are_written_and_read(amounts in prop::collection::vec((any::<[u8; 2]>(), any::<[u8; 2]>(), any::<[u8; 3]>(), -999_999_999_999_i64..=999_999_999_999), 0..5), bytes in prop::collection::vec(any::<u8>(), 0..90)) {
        let amounts: Vec<AdditionalAmount> = amounts
            .into_iter()
            .map(|(account_type, amount_type, currency, amount_minor)| AdditionalAmount { account_type, amount_type, currency, amount_minor })
            .collect();
        prop_assert_eq!(AdditionalAmount::read(&AdditionalAmount::write(&amounts).expect("amounts")), Ok(amounts));
        let _ = AdditionalAmount::read(&bytes);
        let _ = OriginalData::read(&bytes);
        if let Ok(keys) = WorkingKey::read(&bytes) {
            prop_assert_eq!(WorkingKey::write(&keys), bytes);
        }
    }
}
