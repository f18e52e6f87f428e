use std::collections::HashMap;

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use super::*;
use crate::model::GlanceData;

/// Documents with the values of `JSON.parse(new TextDecoder().decode(bytes))` in Chromium and Node,
/// where numbers beyond the range are `Infinity`.
const AS_A_BROWSER: &[(&[u8], &str)] = &[
    (b"\xef\xbb\xbf{\"a\":1}", r#"{"a":1}"#),
    (br#""\ud83d""#, r#""\ufffd""#),
    (br#""\udc00x""#, r#""\ufffdx""#),
    (br#""\ud83d\ud83d\ude00\u0041""#, r#""\ufffd\ud83d\ude00A""#),
    (br#""\uDE00\uD83D""#, r#""\ufffd\ufffd""#),
    (br#""\\ud83d""#, r#""\\ud83d""#),
    (br#"{"\ud83d":1}"#, r#"{"\ufffd":1}"#),
    (b"\"a\xffb\xc3\"", r#""a\ufffdb\ufffd""#),
    (b"\"\xf0\x9f\x98\"", r#""\ufffd""#),
    (b"\"\xed\xa0\xbd\"", r#""\ufffd\ufffd\ufffd""#),
    (br#"{"a":1,"b":2,"a":3}"#, r#"{"a":3,"b":2}"#),
    (
        br#"{"a":{"b":1,"b":[{"c":1,"c":2}]},"a":{"b":7,"\u0062":8}}"#,
        r#"{"a":{"b":8}}"#,
    ),
    (br#"{ "a" : 1 , "a" : 2 , "a" : 3 }"#, r#"{"a":3}"#),
    (
        b"[1e400,-1e400,1e-400]",
        "[1.7976931348623157e308,-1.7976931348623157e308,0.0]",
    ),
    (b"9007199254740993", "9007199254740993"),
    (b"123456789012345678901234567890", "1.2345678901234568e29"),
    (b" \t\r\n[1 , 2]\r\n", "[1,2]"),
];

#[test]
fn documents_are_parsed_like_in_browsers() {
    for (bytes, expected) in AS_A_BROWSER {
        let shown = String::from_utf8_lossy(bytes);
        let expected: Value = serde_json::from_str(expected).unwrap();
        assert_eq!(from_slice::<Value>(bytes).unwrap(), expected, "{shown}");
        assert_eq!(from_str::<Value>(&shown).unwrap(), expected, "{shown}");
        let document = Document::read(bytes).unwrap();
        assert_eq!(document.value(), &expected, "{shown}");
    }
}

#[derive(Debug, PartialEq, Deserialize)]
struct Known {
    name: String,
    #[serde(default)]
    count: Option<f64>,
    #[serde(flatten)]
    extra: HashMap<String, Value>,
}

#[test]
fn last_duplicate_member_of_struct_counts() {
    let known: Known = from_slice(
        br#"{"name":7,"count":1,"x":1,"na\u006de":"old \ud800","count":1e999,"x":2,"name":"new"}"#,
    )
    .unwrap();
    assert_eq!(known.name, "new");
    assert_eq!(known.count, Some(f64::MAX));
    assert_eq!(known.extra, HashMap::from([("x".to_owned(), json!(2))]));
}

#[test]
fn reported_inputs_are_parsed() {
    for text in [
        &br#"{"label":{"type":"html","value":"\ud83d builds"}}"#[..],
        b"\xef\xbb\xbf{\"label\":{\"type\":\"html\",\"value\":\"\xf0\x9f builds\"}}",
    ] {
        let data: GlanceData<Value> = from_slice(text).unwrap();
        assert_eq!(data.label.as_html(), "\u{fffd} builds");
    }
}

#[test]
fn invalid_json_is_refused_with_position() {
    for (text, expected) in [
        ("", "the text ends early at line 1 column 1"),
        ("\u{feff}\u{feff}1", "expected a value at line 1 column 1"),
        (
            "{\"a\": \"é\",\n x}",
            "expected a key in double quotes at line 2 column 2",
        ),
        (
            "{\"a\":1,}",
            "expected a key in double quotes at line 1 column 8",
        ),
        ("[1,]", "expected a value at line 1 column 4"),
        ("[1 2]", "expected `,` or `]` at line 1 column 4"),
        ("{\"a\" 1}", "expected `:` at line 1 column 6"),
        ("01", "trailing characters at line 1 column 2"),
        ("1.", "the text ends early at line 1 column 3"),
        ("-x", "expected a digit at line 1 column 2"),
        ("NaN", "expected a value at line 1 column 1"),
        ("truf", "expected a value at line 1 column 1"),
        (r#""\x""#, "unknown escape at line 1 column 3"),
        (
            r#""\ud8""#,
            "`\\u` needs four hexadecimal digits at line 1 column 3",
        ),
        (
            "\"a\nb\"",
            "a control character in a string must be escaped at line 1 column 3",
        ),
        ("\"a", "the text ends early at line 1 column 3"),
        ("'a'", "expected a value at line 1 column 1"),
        ("[\u{fffd}]", "expected a value at line 1 column 2"),
    ] {
        let error = from_str::<Value>(text).unwrap_err();
        assert_eq!(error.to_string(), expected, "{text}");
        assert_eq!(error.kind(), ErrorKind::Syntax, "{text}");
        assert_eq!(
            Document::read(text.as_bytes()).unwrap_err(),
            error,
            "{text}"
        );
    }
}

#[test]
fn type_mismatch_has_position_in_original() {
    for (text, expected) in [
        (
            "{\"name\":\n 7}",
            "invalid type: integer `7`, expected a string at line 2 column 2",
        ),
        (
            "{\"x\":\"\\ud800\",\"x\":1e400,\n \"ü\":1e400,\"name\":7}",
            "invalid type: integer `7`, expected a string at line 2 column 19",
        ),
        (
            "{\"name\":\"a\",\n\n\"name\":\n[]}",
            "invalid type: sequence, expected a string at line 4 column 1",
        ),
    ] {
        let error = from_str::<Known>(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn quoted_text_is_escaped_and_short() {
    #[derive(Debug, Deserialize)]
    enum Fixed {
        One,
    }
    let text = format!("\"\\u001b[2J\u{202e}{}\"", "x".repeat(300_000));
    let error = from_str::<Fixed>(&text).unwrap_err().to_string();
    assert!(
        error.starts_with("unknown variant `\\u{1b}[2J\\u{202e}xx"),
        "{error}"
    );
    assert!(error.len() < 300, "{error}");
    let _ = Fixed::One;
}

#[test]
fn nesting_is_limited_to_64_levels() {
    for (open, close) in [("[", "]"), ("{\"[\":", "}")] {
        let deep = |depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth));
        assert!(from_str::<Value>(&deep(64)).is_ok());
        for depth in [65, 127, 128, 1_000_000] {
            let text = deep(depth);
            let error = from_str::<Value>(&text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Depth);
            assert_eq!(error.place().column, open.len() * 64 + 1);
            assert_eq!(from_str::<serde::de::IgnoredAny>(&text).unwrap_err(), error);
            assert_eq!(Document::read(text.as_bytes()).unwrap_err(), error);
        }
    }
    let wide = format!("[{}\"[[{{\\\"[\"]", "[],{\"a\":[]},".repeat(10_000));
    assert!(from_str::<Value>(&wide).is_ok());
    assert!(from_str::<Value>(&format!("\"{}\"", "[".repeat(100))).is_ok());
}

#[test]
fn unusual_parts_have_positions() {
    let text = b"\xef\xbb\xbf{\"a/b\": [0, \"x\\ud800\"],\n \"\xc3\xbc\": \"\xff\xfe\",\n \"a/b\": 1e999,\n\
        \"k\\udc00\": 9007199254740993, \"fine\": [9007199254740992, 18446744073709551616, 0.1]}";
    let document = Document::read(text).unwrap();
    let unusual: Vec<_> = document
        .unusual()
        .iter()
        .map(|it| {
            let earlier = it.earlier.map(|place| place.to_string());
            (it.kind, it.pointer.as_str(), it.place.to_string(), earlier)
        })
        .collect();
    let at = |line: usize, column: usize| format!("line {line} column {column}");
    assert_eq!(
        unusual,
        [
            (UnusualKind::ByteOrderMark, "", at(1, 1), None),
            (UnusualKind::LoneSurrogate, "/a~1b/1", at(1, 15), None),
            (UnusualKind::InvalidUtf8, "/ü", at(2, 8), None),
            (UnusualKind::InvalidUtf8, "/ü", at(2, 9), None),
            (UnusualKind::DuplicateKey, "/a~1b", at(3, 2), Some(at(1, 2))),
            (UnusualKind::NumberOutOfRange, "/a~1b", at(3, 9), None),
            (UnusualKind::LoneSurrogate, "/k\u{fffd}", at(4, 3), None),
            (UnusualKind::RoundedNumber, "/k\u{fffd}", at(4, 12), None),
        ]
    );
    assert!(!document.has_more());
    assert_eq!(document.place("/a~1b").to_string(), at(3, 9));
    assert_eq!(document.place("/fine/1").to_string(), at(4, 57));

    let many = format!("[{}1]", "{\"a\":1,\"a\":2},".repeat(1000));
    let document = Document::read(many.as_bytes()).unwrap();
    assert_eq!(document.unusual().len(), 100);
    assert!(document.has_more());
}

#[test]
fn place_finds_value_or_innermost_parent() {
    let text = "\n{\n  \"ü\": [1, {\"a/b\": true}],\n  \"c\": {},\"e\":[]\n}\n";
    let document = Document::read(text.as_bytes()).unwrap();
    for (pointer, line, column) in [
        ("", 2, 1),
        ("/ü", 3, 8),
        ("/ü/0", 3, 9),
        ("/ü/1", 3, 12),
        ("/ü/1/a~1b", 3, 20),
        ("/ü/7", 3, 8),
        ("/c", 4, 8),
        ("/c/d/e", 4, 8),
        ("/e/0", 4, 15),
        ("/x", 2, 1),
    ] {
        assert_eq!(document.place(pointer), Place { line, column }, "{pointer}");
    }
}

/// Generates JSON with any values, escapes, duplicates and unusual numbers.
fn texts() -> impl Strategy<Value = String> {
    let string = prop_oneof![
        "[a-c]{0,2}".prop_map(|text| format!("\"{text}\"")),
        prop::collection::vec(
            prop::sample::select(vec![
                "\\ud83d", "\\ude00", "\\\\", "\\\"", "\\n", "é", "😀", "[", "{", "a", "\\u0061",
            ]),
            0..6
        )
        .prop_map(|parts| format!("\"{}\"", parts.concat())),
    ];
    let leaf = prop_oneof![
        string.clone(),
        any::<f64>().prop_filter_map("finite", |it| it.is_finite().then(|| it.to_string())),
        any::<i64>().prop_map(|it| it.to_string()),
        prop::sample::select(vec![
            "1e400", "-1E+999", "null", "true", "0", "-0", "1e-400"
        ])
        .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(6, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6)
                .prop_map(|list| format!("[{}]", list.join(" ,"))),
            prop::collection::vec((string.clone(), inner), 0..6).prop_map(|members| {
                let members: Vec<_> = members.iter().map(|(k, v)| format!("{k}: {v}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn parsers_agree(text in texts()) {
        let read: Value = from_str(&text).unwrap();
        let document = Document::read(text.as_bytes()).unwrap();
        prop_assert_eq!(document.value(), &read);
        let unusual = |it: &Unusual| it.kind != UnusualKind::RoundedNumber;
        if let Ok(strict) = serde_json::from_str::<Value>(&text) {
            prop_assert_eq!(&read, &strict);
        } else {
            prop_assert!(document.unusual().iter().any(unusual), "{}", text);
        }
        let written = read.to_string();
        prop_assert_eq!(from_str::<Value>(&written).unwrap(), read);
        prop_assert!(!Document::read(written.as_bytes()).unwrap().unusual().iter().any(unusual));
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let one = from_slice::<Value>(&bytes).map_err(|error| error.kind());
        let other = Document::read(&bytes);
        prop_assert_eq!(one, other.map(|it| it.value().clone()).map_err(|error| error.kind()));
    }

    #[test]
    fn broken_document_is_refused_by_all_parsers(text in texts(), at in any::<prop::sample::Index>()) {
        let mut letters: Vec<char> = text.chars().collect();
        letters.remove(at.index(letters.len()));
        let text: String = letters.into_iter().collect();
        let one = from_str::<Value>(&text);
        prop_assert_eq!(one.is_ok(), Document::read(text.as_bytes()).is_ok());
        if serde_json::from_str::<Value>(&text).is_ok() {
            prop_assert!(one.is_ok());
        }
    }
}
