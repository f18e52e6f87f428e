use proptest::prelude::*;

use super::*;

fn finds(word: &str, text: &str) -> bool {
    let word = Word::new(word).unwrap_or_else(|| panic!("{word} is not a word"));
    !Finder::new([Arc::clone(word.key())]).find(text).is_empty()
}

/// Tests a word of each script, in a sentence of it.
#[test]
fn words_are_found_in_every_script() {
    for (word, text) in [
        ("Rust", "I like Rust, and RUST's crates."),
        ("हिन्दी", "मुझे हिन्दी पसंद है"),
        ("தமிழ்", "எனக்கு தமிழ் பிடிக்கும்"),
        ("বাংলা", "আমি বাংলা ভালোবাসি"),
        ("മലയാളം", "എനിക്ക് മലയാളം ഇഷ്ടമാണ്"),
        ("ಕನ್ನಡ", "ನನಗೆ ಕನ್ನಡ ಇಷ್ಟ"),
        ("ไทย", "ฉันชอบภาษาไทยมาก"),
        ("ລາວ", "ຂ້ອຍມັກພາສາລາວຫຼາຍ"),
        ("ខ្មែរ", "ខ្ញុំចូលចិត្តភាសាខ្មែរណាស់"),
        ("မြန်မာ", "ငါမြန်မာစကားကြိုက်တယ်"),
        ("བོད་ཡིག", "ང་བོད་ཡིག་ལ་དགའ་པོ་ཡོད།"),
        ("東京", "昨日東京へ行きました"),
        ("ラスト", "これはラスト言語です"),
        ("ことば", "いいことばだ"),
        ("러스트", "저는 러스트 좋아해요"),
        ("中文", "我喜欢中文。"),
        ("עברית", "אני אוהב עברית!"),
        ("צה״ל", "דובר צה\"ל אמר"),
        ("العربية", "أحب «العربية» كثيرا"),
        ("می‌خواهم", "من می‌خواهم بروم"),
        ("ශ්‍රී", "මම ශ්‍රී ලංකාවට"),
        ("ქართული", "მიყვარს ქართული."),
        ("հայերեն", "Ես սիրում եմ հայերեն։"),
        ("አማርኛ", "እኔ አማርኛ እወዳለሁ"),
        ("м'ята", "Смачна м’ята."),
        ("ʻōlelo", "ka ‘ōlelo Hawaiʻi"),
        ("ᏣᎳᎩ", "ᎠᏴ ᏣᎳᎩ"),
        ("𞤆𞤵𞤤𞤢𞤪", "𞤃𞤭 𞤴𞤭𞤣𞤭 𞤆𞤵𞤤𞤢𞤪"),
        ("col·lecció", "una col·lecció nova"),
        ("Ukraine", "C'est l'Ukraine."),
        ("rust-lang", "see rust-lang.org"),
        ("#rust_lang", "new: #Rust_Lang"),
        ("2026", "in 2026年"),
    ] {
        assert!(finds(word, text), "{word} in {text}");
        assert!(
            finds(
                text.split(' ')
                    .next_back()
                    .unwrap()
                    .trim_end_matches(['.', '!', '。', '։', '།', '\'']),
                text
            ),
            "{text}"
        );
    }
}

#[test]
fn word_is_found_in_every_spelling() {
    for written in [
        &[
            "straße",
            "STRASSE",
            "Strasse",
            "STRAẞE",
            "ｓｔｒａßｅ",
            "stra\u{ad}ße",
        ][..],
        &[
            "İstanbul",
            "istanbul",
            "ISTANBUL",
            "I\u{307}stanbul",
            "ıstanbul",
        ],
        &["ΟΔΟΣ", "οδος", "οδοσ"],
        &["café", "cafe\u{301}", "CAFÉ", "ＣＡＦＥ\u{301}"],
        &["ﬁlm", "film", "FILM", "𝐅𝐢𝐥𝐦"],
        &["Ångström", "\u{212b}ngstro\u{308}m"],
        &["ガラス", "ｶﾞﾗｽ", "カ\u{3099}ラス"],
        &["한국", "\u{1112}\u{1161}\u{11ab}\u{1100}\u{116e}\u{11a8}"],
        &["می‌خواهم", "میخواهم"],
        &["سلام", "ســـلام", "ﺳﻼﻡ", "\u{202b}سلام\u{202c}"],
        &["क़लम", "क\u{93c}लम"],
        &["don't", "don’t", "DON＇T"],
        &["Ꭰ", "ꭰ"],
        &["１２", "12"],
        &["ά", "\u{1f71}", "α\u{301}"],
    ] {
        for word in written {
            for text in written {
                assert!(finds(word, &format!("… {text}!")), "{word} in {text}");
            }
        }
    }
}

#[test]
fn part_of_word_does_not_match() {
    for (word, text) in [
        ("rust", "trust rusty crusts"),
        ("हिन", "हिन्दी"),
        ("न्दी", "हिन्दी"),
        ("cafe", "cafe\u{301} café"),
        ("スト", "ラスト"),
        ("का", "किसका"),
        ("ف", "في"),
    ] {
        if Word::new(word).is_some() {
            assert!(!finds(word, text), "{word} in {text}");
        }
    }
}

#[test]
fn chosen_word_keeps_its_spelling() {
    for (text, shown) in [
        ("Rust", "Rust"),
        ("##rust", "rust"),
        ("＃東京", "東京"),
        ("\u{202e}cafe\u{301}\u{200f}", "café"),
        ("می‌خواهم", "می‌خواهم"),
        ("node.js", "node.js"),
        ("ʻōlelo", "ʻōlelo"),
    ] {
        assert_eq!(Word::new(text).unwrap().to_string(), shown);
    }
    let wide = "ก็".repeat(MAX_WORD_CHARS);
    assert!(wide.chars().count() > MAX_WORD_CHARS && Word::new(&wide).is_some());
    let stacked = format!("a{}", "\u{301}".repeat(MAX_WORD_BYTES));
    let long = "x".repeat(MAX_WORD_CHARS + 1);
    for text in [
        "",
        "#",
        "<b>",
        "a b",
        "a\u{200b}b",
        "a--b",
        "🦀",
        "\u{301}",
        "a\u{0}b,",
        &long,
        &stacked,
    ] {
        assert_eq!(Word::new(text), None, "{text}");
    }
    assert_eq!(
        Word::new("STRASSE").unwrap().key(),
        Word::new("straße").unwrap().key()
    );
}

#[test]
fn overlapping_words_are_each_found_once() {
    let words =
        ["東", "東京", "京都", "tea"].map(|word| Arc::clone(Word::new(word).unwrap().key()));
    let finder = Finder::new(words);
    let found: Vec<_> = finder
        .find("東京都で tea, tea")
        .into_iter()
        .map(|word| &**word)
        .collect();
    assert_eq!(found, ["東", "東京", "京都", "tea"]);
    assert!(Finder::new([]).find("tea").is_empty());
}

proptest! {
    #[test]
    fn folding_is_idempotent_and_never_panics(text in any::<String>(), around in any::<String>()) {
        let folded = fold(&text);
        prop_assert_eq!(&fold(&folded), &folded);
        if let Some(word) = Word::new(&text) {
            let finder = Finder::new([Arc::clone(word.key())]);
            finder.find(&around);
            let spaced = format!("{around} {text} {around}");
            prop_assert!(!finder.find(&spaced).is_empty(), "{:?}", text);
        }
    }
}
