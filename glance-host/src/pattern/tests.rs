use super::*;
use proptest::prelude::*;

fn matches(pattern: &str, text: &str) -> bool {
    finds(&compile(pattern).unwrap(), text)
}

/// What people wrote into descriptors, and what Python says of it.
#[test]
fn pythons_syntax_means_what_it_means_there() {
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

/// As a framework of Node's writes the patterns of JavaScript: flags in front, characters by number.
#[test]
fn patterns_written_for_perl_are_understood() {
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
fn what_cannot_be_matched_in_linear_time_says_so() {
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
        let why = compile(pattern).unwrap_err();
        assert!(why.contains(words), "{why}");
        assert!(!why.contains('\n'), "{why}");
    }
}

proptest! {
    #[test]
    fn no_pattern_panics_or_hangs(pattern in r"[\\\[\]{}()?#:,0-9a-z^$*+|.&~<>=!-]{0,40}", text in ".{0,40}") {
        if let Ok(pattern) = compile(&pattern) {
            finds(&pattern, &text);
        }
    }

    /// Where both syntaxes are the same, nothing is changed.
    #[test]
    fn it_agrees_with_regex(pattern in r"(\^)?([a-c/]|\\[wdsS]|\.|\[a-c\]|\(\?:a\|b\)){1,6}[*+?]?(\$)?", text in "[a-d/1 ]{0,12}") {
        let expected = Regex::new(&pattern).unwrap().is_match(&text);
        prop_assert_eq!(matches(&pattern, &text), expected);
    }

    /// A sign behind a backslash is itself.
    #[test]
    fn an_escaped_text_finds_itself(text in r"[ -/:-@\[-`{-~é]{1,10}") {
        let pattern: String = text.chars().flat_map(|c| ['\\', c]).collect();
        prop_assert!(matches(&pattern, &text));
    }
}

/// Real patterns, each of which compiles.
#[test]
fn the_patterns_of_real_descriptors_compile() {
    let Ok(corpus) = std::env::var("GLANCE_CORPUS") else {
        eprintln!("skipped: GLANCE_CORPUS is not set, so real descriptors are not at hand");
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
