//! The quick way and the general way give the same.

use super::*;
use proptest::prelude::*;
use std::fmt::Write as _;

/// Writes an element with all that can be asked of it.
fn told(element: Element<'_>, out: &mut String) {
    let attribute = element.attribute("a");
    write!(out, "<{} {attribute:?} {:?} {}", element.name(), element.text(), element.place()).unwrap();
    for child in element.children() {
        told(child, out);
        assert!(
            element.all(name!("b")).count()
                == usize::from(child.name() == "b") + {
                    element
                        .children()
                        .filter(|other| other.place() != child.place() && other.name() == "b")
                        .count()
                }
        );
    }
    let (marked, named) = (element.all(name!("b")), element.children().filter(|child| child.name() == "b"));
    assert_eq!(marked.count(), named.count());
    assert_eq!(element.find(way!("b")).is_some(), element.children().any(|child| child.name() == "b"));
    out.push('>');
}

/// Reads the children of the root, in either way, and says how many were read in the quick one.
fn read(document: &[u8], quick: bool) -> (Vec<String>, String, usize) {
    let mut xml = Xml::new(document);
    let mut tree = Tree::default();
    let (mut trees, mut plain) = (Vec::new(), 0);
    let end = loop {
        match quick && xml.again(&mut tree).unwrap() {
            true => plain += 1,
            false => match xml.next() {
                Ok(Token::Start) if xml.depth == 1 => continue,
                Ok(Token::Start) => match xml.tree(&mut tree) {
                    Ok(()) => {}
                    Err(error) => break error.to_string(),
                },
                Ok(token) => break format!("{token:?} {}", xml.place()),
                Err(error) => break error.to_string(),
            },
        }
        let mut text = format!("{} {:?} ", xml.place(), tree.raw());
        told(tree.root(), &mut text);
        trees.push(text);
    };
    (trees, end, plain)
}

fn same(document: &[u8]) -> usize {
    let (trees, end, plain) = read(document, true);
    let (expected, expected_end, _) = read(document, false);
    let short = |text: &str| text.chars().take(300).collect::<String>();
    if let Some((own, other)) = trees.iter().zip(&expected).find(|(own, other)| own != other) {
        panic!(
            "{}\nquick: {}\nother: {}",
            short(&String::from_utf8_lossy(document)),
            short(own),
            short(other)
        );
    }
    assert_eq!(trees.len(), expected.len());
    // The library counts bytes that are not UTF-8 from the beginning of a text, with its blanks or without.
    let without_index = |error: &str| error.split(" from index").next().map(str::to_owned);
    assert_eq!(without_index(&end), without_index(&expected_end));
    plain
}

#[test]
fn what_is_plain_is_read_in_the_quick_way() {
    for (element, plain) in [
        ("<e></e>", true),
        ("<e>text</e>", true),
        ("<e>\n <b a=\"1\">x</b>\n <b/>\n</e>", true),
        ("<e><b a='>' c=\"/>\" >x</b></e>", true),
        ("<e>a &amp; b &#x41;\r\nc</e>", true),
        ("<e>a\r\nb\rc</e>", true),
        ("<e><p:b>x</p:b></e>", true),
        ("<e><long_name_of_a_child_which_has_no_key>x</long_name_of_a_child_which_has_no_key></e>", true),
        ("<e>Müller 中文</e>", true),
        ("<e> <b> </b> </e>", true),
        ("<e><!-- </e> --></e>", false),
        ("<e><![CDATA[</e>]]></e>", false),
        ("<e><?pi </e>?></e>", false),
        ("<e>a<b/>c</e>", false),
        ("<e><e></e></e>", false),
        ("<e a=\"1\">text</e>", false),
        ("<e/>", false),
        ("<e><b></b ></e>", false),
        ("<e><b a=\"<\"></b></e>", false),
    ] {
        let document = format!("<r>\n<e></e>\n{element}\n  {element}</r>");
        assert_eq!(same(document.as_bytes()), if plain { 2 } else { 0 }, "{element}");
        let prefixed = document.replace("<e", "<n:e").replace("</e", "</n:e");
        same(prefixed.as_bytes());
    }
}

#[test]
fn what_is_not_well_formed_gives_the_same_error() {
    for element in [
        "<e>&evil;</e>",
        "<e>&#0;</e>",
        "<e>& </e>",
        "<e><b></e>",
        "<e></b></e>",
        "<e><b></c></e>",
        "<e>",
        "<e><></></e>",
        "<e><b",
        "<e><b a=\"></b></e>",
        "<e><!DOCTYPE x></e>",
        "<f></f>",
        "text",
    ] {
        same(format!("<r><e></e>{element}</r>").as_bytes());
    }
    let deep = format!("<r><e></e><e>{}{}</e></r>", "<b>".repeat(70), "</b>".repeat(70));
    same(deep.as_bytes());
    let just = format!("<r><e></e><e>{}{}</e></r>", "<b>".repeat(62), "</b>".repeat(62));
    assert_eq!(same(just.as_bytes()), 1);
    let over = format!("<r><e></e><e>{}{}</e></r>", "<b>".repeat(63), "</b>".repeat(63));
    assert_eq!(same(over.as_bytes()), 0);
    same(b"<r><e></e><e>\xFF</e></r>");
}

/// What is guessed from the element before is looked at.
#[test]
fn elements_may_differ_from_the_one_before() {
    let names =
        ["<b></b>", "<bc></bc>", "<b></b>", "<p:b></p:b>", "<b/>", "", "<bc/><b/>", "<b a='1'/>", "x"];
    let elements: String = names.iter().map(|inner| format!("<e>{inner}</e>")).collect();
    assert_eq!(same(format!("<r><e></e>{elements}</r>").as_bytes()), names.len());
}

#[test]
fn places_are_those_of_an_editor() {
    for quick in [false, true] {
        let (trees, end, plain) = read(b"<r>\n\n  <e>\r\n<b/><b/></e> <e>\n <b>x</b></e>\n</r>", quick);
        assert_eq!(plain, usize::from(quick));
        assert_eq!(
            trees,
            [
                "line 3, column 3 \"<e>\\r\\n<b/><b/></e>\" <e None \"\" line 3, column 3<b None \"\" line 4, column 1><b None \"\" line 4, column 5>>",
                "line 4, column 14 \"<e>\\n <b>x</b></e>\" <e None \"\" line 4, column 14<b None \"x\" line 5, column 2>>",
            ]
        );
        assert_eq!(end, "End line 6, column 1");
    }
}

/// Elements at the edges of the window, and larger than it.
#[test]
fn the_window_does_not_matter() {
    let element = |len: usize| format!("<e>\n<b>{}</b></e>", "x".repeat(len));
    let many: String = (0..3_000).map(|number| element(number % 400)).collect();
    let large = element(300 << 10) + &element(700 << 10) + &element(10);
    let document = format!("<r>{}{many}{large}{many}</r>", element(1));
    assert_eq!(same(document.as_bytes()), 6_003);
    // Over the largest window, in pieces below the limit of one text.
    let children = element(600 << 10).replace("<e>", "").replace("</e>", "").repeat(2);
    let document = format!("<r>{}<e>{children}</e>{}</r>", element(1), element(2));
    assert_eq!(same(document.as_bytes()), 1);
}

fn element() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        "[ -~]{0,6}",
        "[a-z ]{0,8}",
        Just("&amp;".to_owned()),
        Just("&#13;\r\n".to_owned()),
        Just("\r\n  ".to_owned()),
        Just("x\r\ny\rz".to_owned()),
        Just("ü\u{a0}".to_owned())
    ];
    let attributes = prop_oneof![
        3 => Just(String::new()),
        1 => " a=['\"][a-z<>/]{0,3}['\"] ?",
        1 => Just(" a=\"1\" b='2'".to_owned())
    ];
    let name = "(n:)?[be](cdefghijklmnopqrs)?";
    let leaf =
        (name, attributes, text.clone(), 0_u8..8).prop_map(|(name, attributes, text, form)| match form {
            0 => format!("<{name}{attributes}/>"),
            1 => format!("<!--{}-->", text.replace('-', "")),
            2 => format!("<![CDATA[{text}]]>"),
            3 => text,
            _ => format!("<{name}{attributes}>{}</{name}>", text.replace(['<', '&'], "")),
        });
    leaf.prop_recursive(4, 24, 4, move |inner| {
        (name, prop::collection::vec(inner, 0..4), prop_oneof![Just(""), Just("\n  "), Just(" x")])
            .prop_map(|(name, inner, between)| format!("<{name}>{between}{}</{name}>", inner.join(between)))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn both_ways_give_the_same(
        elements in prop::collection::vec(element(), 1..6),
        damage in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
    ) {
        let mut document = format!("<r>\n<e/>{}</r>", elements.join("\n<e><b>x</b>\n<b a='1'/></e>\n")).into_bytes();
        if let Some((at, byte)) = damage {
            let at = at.index(document.len());
            document[at] = byte;
        }
        same(&document);
    }
}
