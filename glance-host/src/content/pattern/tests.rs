use super::*;
use futures_util::FutureExt;
use proptest::prelude::*;
use regex::Regex as Plain;

use crate::content::skipped::skipped;

fn matches(pattern: &str, text: &str) -> bool {
    is_match(&compile(pattern).unwrap(), text)
}

/// Patterns from descriptors, with the result of Python.
#[test]
fn python_syntax_is_translated() {
    for (pattern, text, expected) in [
        ("", "anything", true),
        (".*", "anything", true),
        (r"(?i)^r?\/[\w:!\?\-]+", "/Roll!", true),
        (r"(?i)^r?\/[\w:!\?\-]+", "R/x", true),
        (r"(?i)^r?\/[\w:!\?\-]+", "x/x", false),
        (r"^\/(help|dummy)", "/dummy", true),
        (r"^/(?:play|stop)(?:\s+.+)?$", "/play it\n", true),
        (r"^/(?:play|stop)(?:\s+.+)?$", "/player", false),
        (r"^/sauce\b*", "/sauce", true),
        ("^/sauce\u{8}*", "/sauc", false),
        ("dayscore", "the dayscore", true),
        ("[@]", "hi @ann", true),
        (r"[[\]]", "[", true),
        ("[]x]", "]", true),
        ("[^]x]", "]", false),
        ("[a&&b]", "&", true),
        ("[a~~b]", "~", true),
        ("[+--]", ",", true),
        ("[--/]", ".", true),
        ("[+^-a]", "_", true),
        ("[]-a]", "_", true),
        ("[^-a]", "-", false),
        ("[a-]", "-", true),
        (r"[\b]", "\u{8}", true),
        (r"\_\<\>\%\y", "_<>%y", true),
        (r"a\Z", "a", true),
        (r"\0\012", "\0\n", true),
        ("{{ pattern }}", "{{ pattern }}", true),
        ("{{ pattern }}", "pattern", false),
        ("a{,2}b$", "aab", true),
        ("^a{2}$", "aa", true),
        ("^a{2}$", "aaa", false),
        ("^a{,}$", "aaaa", true),
        ("a{b}", "a{b}", true),
        ("a{", "a{", true),
        ("a(?#comment)b", "ab", true),
        ("(?iL)A", "a", true),
        ("(?u)ä", "ä", true),
        ("(?L)a(?:b)", "ab", true),
        ("(?P<x>a)(?m)^", "a", false),
        ("ä+", "xäx", true),
        (r"^/\w{1,40}$", "/é", true),
    ] {
        assert_eq!(matches(pattern, text), expected, "{pattern} in {text:?}");
    }
}

/// A framework for Node.js writes JavaScript's patterns so: flags in front, characters by number.
#[test]
fn perl_escapes_are_translated() {
    for (pattern, text, expected) in [
        (r"(?i)^\x{00c4}rger", "ärger", true),
        (r"^[\x{e4}\x{fc}]+$", "äü", true),
        (r"^\x{1F600}$", "😀", true),
        (r"^\x{2014}$", "—", true),
        (r"^\x41$", "A", true),
    ] {
        assert_eq!(matches(pattern, text), expected, "{pattern} in {text:?}");
    }
    for broken in [r"\x{", r"\x{zz}", r"\x{110000}"] {
        assert!(compile(broken).is_err(), "{broken}");
    }
}

#[test]
fn unsupported_patterns_are_refused_with_a_reason() {
    for (pattern, words) in [
        (r"^(?!/x)", "look-around"),
        (r"(?<=a)b", "look-around"),
        (r"(a)\1", "backreferences are not supported"),
        ("(", "unclosed group"),
        ("[a", "unclosed character class"),
        ("*", "repetition operator missing expression"),
        ("a\\", "incomplete escape sequence"),
        (r"(\w{300}){300}", "size limit"),
        (&"x".repeat(2001), "2000 are allowed"),
    ] {
        let why = compile(pattern).unwrap_err().to_string();
        assert!(why.contains(words), "{why}");
        assert!(!why.contains('\n'), "{why}");
    }
}

proptest! {
    #[test]
    fn no_pattern_panics_or_hangs(pattern in r"[\\\[\]{}()?#:,0-9a-z^$*+|.&~<>=!-]{0,40}", text in ".{0,40}") {
        if let Ok(pattern) = compile(&pattern) {
            is_match(&pattern, &text);
        }
    }

    #[test]
    fn common_syntax_is_not_changed(pattern in r"(\^)?([a-c/]|\\[wdsS]|\.|\[a-c\]|\(\?:a\|b\)){1,6}[*+?]?(\$)?", text in "[a-d/1 ]{0,12}") {
        let expected = Plain::new(&pattern).unwrap().is_match(&text);
        prop_assert_eq!(matches(&pattern, &text), expected);
    }

    #[test]
    fn escaped_punctuation_is_literal(text in r"[ -/:-@\[-`{-~é]{1,10}") {
        let pattern: String = text.chars().flat_map(|c| ['\\', c]).collect();
        prop_assert!(matches(&pattern, &text));
    }
}

#[test]
fn patterns_of_real_descriptors_compile() {
    let Ok(corpus) = std::env::var("GLANCE_CORPUS") else {
        skipped("GLANCE_CORPUS is not set, so there are no real descriptors");
        return;
    };
    let mut found = 0;
    for file in std::fs::read_dir(std::path::Path::new(&corpus).join("descriptors")).unwrap() {
        let text = std::fs::read(file.unwrap().path()).unwrap();
        let document: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let webhooks = &document["capabilities"]["webhook"];
        let list = webhooks.as_array();
        let one = std::slice::from_ref(webhooks);
        for webhook in list.map_or(one, Vec::as_slice) {
            let Some(pattern) = webhook["pattern"].as_str() else {
                continue;
            };
            found += 1;
            if let Err(why) = compile(pattern) {
                panic!("{why}");
            }
        }
    }
    assert!(found > 50);
}

/// Each of these would take seconds before the engine checks the size limit.
#[test]
fn case_insensitive_classes_are_limited() {
    for class in ["[\u{0}-\u{10ffff}]", r"[^\W]", r"[\w-]"] {
        let many = class.repeat(MAX_PATTERN / class.len() - 4);
        let why = check(&format!("(?i){many}")).unwrap_err().to_string();
        assert!(why.contains("ignores case in classes"), "{why}");
        assert!(check(&format!("(?:(?-i:{many})(?i))")).is_err(), "wherever");
        assert_eq!(check(&many), Ok(()));
    }
    for common in [r"(?i)a[\s\S]*b[^\s]*c[\s\S]", r"(?i)([\w.+-]+@[\w.-]+,?)+"] {
        assert_eq!(check(common), Ok(()));
    }
}

#[test]
fn failed_compilations_are_cached() {
    for pattern in [r"(\w{300}){301}", "kept"] {
        let first = compiled(pattern);
        let again = cache::get(pattern).unwrap();
        assert_eq!(first.is_ok(), again.is_ok(), "{pattern}");
    }
    let endless = "x".repeat(MAX_PATTERN + 1);
    assert!(compiled(&endless).is_err() && cache::get(&endless).is_none());
}

#[tokio::test]
async fn work_is_limited_and_abandoned_work_never_starts() {
    let mut held = Vec::new();
    for _ in 0..THREADS {
        let (end, ends) = std::sync::mpsc::channel::<()>();
        let (begin, begun) = tokio::sync::oneshot::channel();
        let working = tokio::spawn(run_limited(move || {
            begin.send(()).unwrap();
            ends.recv()
        }));
        begun.await.unwrap();
        held.push((end, working));
    }
    let (did, done) = std::sync::mpsc::channel();
    let mut abandoned = Box::pin(run_limited({
        let did = did.clone();
        move || did.send("abandoned").unwrap()
    }));
    let mut awaited = Box::pin(run_limited(move || did.send("awaited").unwrap()));
    assert!((&mut abandoned).now_or_never().is_none());
    assert!((&mut awaited).now_or_never().is_none());
    assert!(done.try_recv().is_err(), "all threads are busy");
    drop(abandoned);
    for (end, working) in held {
        drop(end);
        working.await.unwrap().unwrap().unwrap_err();
    }
    awaited.await.unwrap();
    assert_eq!(done.iter().collect::<Vec<_>>(), ["awaited"]);
}
