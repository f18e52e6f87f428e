//! Text within the length that a host takes, measured in UTF-16 units as a browser does.
//!
//! Labels carry what an add-on was told by others, and a host that refuses one shows "Can't load"
//! to everybody: too long a text is cut, which people see by its ellipsis, and an empty one is
//! nothing but the ellipsis.

/// What a label's HTML may have at most, in UTF-16 units.
const LABEL: usize = 1000;

/// What a lozenge's text may have at most, in UTF-16 units.
const LOZENGE: usize = 20;

const ELLIPSIS: char = '…';

/// Elements without an end tag.
const VOID: [&str; 14] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
    "track", "wbr",
];

/// The text of a lozenge, within what a host takes.
pub(crate) fn lozenge(mut text: String) -> String {
    if !fits(&text, LOZENGE) {
        log("lozenge", &text, LOZENGE);
        let mut units = 0;
        let end = text.char_indices().find_map(|(at, letter)| {
            units += letter.len_utf16();
            (units + ELLIPSIS.len_utf16() > LOZENGE).then_some(at)
        });
        text.truncate(end.unwrap_or_default());
        text.push(ELLIPSIS);
    }
    text
}

/// The HTML of a label, within what a host takes. It is not cut inside a tag or a character
/// reference, and what is open is closed.
pub(crate) fn label(html: String) -> String {
    if fits(&html, LABEL) {
        return html;
    }
    log("label", &html, LABEL);
    let mut cut = Cut::default();
    let mut open: Vec<&str> = Vec::new();
    let mut units = 0;
    let mut rest = html.as_str();
    while units < LABEL && !rest.is_empty() {
        let token = &rest[..token(rest)];
        rest = &rest[token.len()..];
        units += length(token);
        note(token, &mut open);
        let closed: usize = open.iter().map(|name| name.len() + "</>".len()).sum();
        if units + ELLIPSIS.len_utf16() + closed <= LABEL {
            cut = Cut {
                at: html.len() - rest.len(),
                open: open.clone(),
            };
        }
    }
    let mut short = html[..cut.at].to_owned();
    short.push(ELLIPSIS);
    for name in cut.open.iter().rev() {
        short.push_str(&format!("</{name}>"));
    }
    short
}

/// Where to cut, and what is open there.
#[derive(Default)]
struct Cut<'h> {
    at: usize,
    open: Vec<&'h str>,
}

fn fits(text: &str, longest: usize) -> bool {
    // A text has no more UTF-16 units than bytes.
    !text.is_empty() && (text.len() <= longest || length(text) <= longest)
}

#[cfg_attr(not(feature = "runtime"), allow(unused_variables))]
fn log(what: &str, text: &str, longest: usize) {
    #[cfg(feature = "runtime")]
    tracing::warn!(
        units = length(text),
        "a {what} has 1 to {longest} UTF-16 units: this one is cut, or empty"
    );
}

fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// The bytes of what must stay together at the start of `html`, which is not empty.
fn token(html: &str) -> usize {
    let first = html.chars().next().map_or(0, char::len_utf8);
    let inner = &html[first..];
    match html.as_bytes()[0] {
        b'&' => first + reference(inner),
        b'<' if inner.starts_with("!--") => {
            inner.find("-->").map_or(html.len(), |at| first + at + 3)
        }
        b'<' if inner.starts_with(|c: char| c.is_ascii_alphabetic() || "/!?".contains(c)) => {
            first + tag(inner)
        }
        _ => first,
    }
}

/// The bytes of a character reference after its `&`; some are known without a `;`.
fn reference(text: &str) -> usize {
    let name = text
        .bytes()
        .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'#')
        .count();
    match text.as_bytes().get(name) {
        _ if name > 32 => 0,
        Some(b';') => name + 1,
        _ => name,
    }
}

/// The bytes of a tag after its `<`, with its `>`; one that does not end takes the rest.
fn tag(text: &str) -> usize {
    let mut quoted = None;
    let mut after_equals = false;
    for (at, byte) in text.bytes().enumerate() {
        match (quoted, byte) {
            (Some(quote), _) => {
                if byte == quote {
                    quoted = None;
                }
            }
            (None, b'"' | b'\'') if after_equals => quoted = Some(byte),
            (None, b'>') => return at + 1,
            (None, _) => {}
        }
        after_equals = byte == b'=' || after_equals && byte.is_ascii_whitespace();
    }
    text.len()
}

/// Keeps the list of what is open.
fn note<'h>(token: &'h str, open: &mut Vec<&'h str>) {
    let Some(inner) = token.strip_prefix('<') else {
        return;
    };
    let (ends, inner) = match inner.strip_prefix('/') {
        Some(inner) => (true, inner),
        None => (false, inner),
    };
    let name = inner
        .split(|c: char| c.is_ascii_whitespace() || c == '/' || c == '>')
        .next()
        .unwrap_or_default();
    // No host keeps an element of another name, so what is in it does not matter.
    if !name.starts_with(|c: char| c.is_ascii_alphabetic())
        || name.contains(|c: char| !c.is_ascii_alphanumeric())
    {
        return;
    }
    if ends {
        if let Some(at) = open.iter().rposition(|it| it.eq_ignore_ascii_case(name)) {
            open.truncate(at);
        }
    } else if !VOID.iter().any(|void| void.eq_ignore_ascii_case(name)) {
        open.push(name);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::label::Escaped;
    use crate::model::{GlanceData, Icon, Label, Lozenge, Status};
    use crate::validate::glance_data;

    fn units(text: &str) -> usize {
        text.encode_utf16().count()
    }

    /// What people read: tags gone, references resolved. For HTML that closes what it opens.
    fn read(html: &str) -> String {
        let mut text = String::new();
        let mut rest = html;
        while let Some(at) = rest.find('<') {
            text += &rest[..at];
            rest = &rest[at + rest[at..].find('>').unwrap() + 1..];
        }
        (text + rest)
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&#39;", "'")
            .replace("&amp;", "&")
    }

    #[test]
    fn a_label_is_cut_between_what_must_stay_together() {
        let long = |end: &str| format!("{}{end}", "x".repeat(990));
        for (html, expected) in [
            (long("0123456789"), long("0123456789")),
            (long("0123456789a"), long("012345678…")),
            (long("01234567&amp;"), long("01234567…")),
            (long("&amp;&lt;&gt;"), long("&amp;&lt;…")),
            (long("0123456😀😀😀"), long("0123456😀…")),
            (long("01234567😀x"), long("01234567…")),
            (long("<b>01234567</b>"), long("<b>01…</b>")),
            (long("0123456<b>89</b>"), long("0123456…")),
            (long("<i title='>'>0</i>"), long("…")),
            (long("<!-- > -->0"), long("…")),
            (long("a < b & c, or not"), long("a < b & c…")),
            (String::new(), "…".to_owned()),
            ("&".repeat(1001), "&".repeat(999) + "…"),
            (
                format!("&{}", "a".repeat(1000)),
                format!("&{}…", "a".repeat(998)),
            ),
            (format!("<b {}", "a".repeat(1000)), "…".to_owned()),
            (
                format!("<a…>{}", "x".repeat(1000)),
                format!("<a…>{}…", "x".repeat(995)),
            ),
            (
                format!("<b>a<br><I>{}</B>", "x".repeat(1000)),
                format!("<b>a<br><I>{}…</I></b>", "x".repeat(980)),
            ),
        ] {
            let cut = label(html.clone());
            assert_eq!(cut, expected, "{html}");
            assert!(units(&cut) <= 1000, "{html}");
        }
        assert_eq!(
            label("<b>".repeat(1000)),
            format!("{}…{}", "<b>".repeat(142), "</b>".repeat(142))
        );
    }

    #[test]
    fn the_text_of_a_lozenge_is_cut_at_a_character() {
        for (text, expected) in [
            ("IN PROGRESS", "IN PROGRESS"),
            ("", "…"),
            ("12345678901234567890", "12345678901234567890"),
            ("123456789012345678901", "1234567890123456789…"),
            ("😀😀😀😀😀😀😀😀😀😀", "😀😀😀😀😀😀😀😀😀😀"),
            ("😀😀😀😀😀😀😀😀😀😀x", "😀😀😀😀😀😀😀😀😀…"),
            ("<b>&amp;</b> & text", "<b>&amp;</b> & text"),
        ] {
            assert_eq!(lozenge(text.to_owned()), expected);
        }
    }

    fn texts() -> impl Strategy<Value = String> {
        let letter = prop_oneof![
            4 => prop::sample::select(vec!['a', ' ', '&', '<', '>', '"', '\'', ';', 'é', '😀', '…']),
            1 => any::<char>(),
        ];
        (0..1300usize, prop::collection::vec(letter, 1..40))
            .prop_map(|(length, letters)| letters.iter().cycle().take(length).collect())
    }

    fn markup() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            texts()
                .prop_map(|text| Escaped(text.chars().take(300).collect::<String>()).to_string()),
            prop::sample::select(vec![
                "<b>", "</b>", "<i>", "</i>", "<em>", "</em>", "&amp;", "&#39;"
            ])
            .prop_map(str::to_owned),
            any::<String>(),
        ];
        prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
    }

    fn problems(data: &GlanceData) -> Vec<crate::validate::Problem> {
        glance_data(&serde_json::to_value(data).unwrap())
    }

    proptest! {
        #[test]
        fn whatever_the_text_a_host_takes_the_label(text in texts()) {
            let made = Label::text(&text);
            prop_assert_eq!(problems(&GlanceData::new(made.clone())), []);
            let escaped = Escaped(&text).to_string();
            if (1..=1000).contains(&units(&escaped)) {
                prop_assert_eq!(made.as_html(), escaped);
            } else {
                let seen = read(made.as_html());
                let start = seen.strip_suffix('…').unwrap();
                prop_assert!(text.starts_with(start));
                // As much as fits: what comes next has no more than the six letters of `&quot;`.
                prop_assert!(text.is_empty() || units(made.as_html()) > 1000 - 6);
            }
        }

        #[test]
        fn whatever_the_html_a_host_takes_the_label(html in markup()) {
            let made = Label::html(html.clone());
            prop_assert_eq!(problems(&GlanceData::new(made.clone())), []);
            if (1..=1000).contains(&units(&html)) {
                prop_assert_eq!(made.as_html(), &html);
            } else {
                let (start, closing) = made.as_html().rsplit_once('…').unwrap();
                prop_assert!(html.starts_with(start));
                prop_assert!(closing.is_empty() || closing.starts_with("</"));
            }
            prop_assert_eq!(Label::html(made.as_html()), made, "it is cut once");
        }

        #[test]
        fn whatever_the_text_a_host_takes_the_lozenge(text in texts()) {
            let data = GlanceData::new(Label::text("x"));
            for kind in [
                Lozenge::Default, Lozenge::Success, Lozenge::Error, Lozenge::Current, Lozenge::New,
                Lozenge::Moved,
            ] {
                let data = data.clone().lozenge(kind, text.as_str());
                prop_assert_eq!(problems(&data), []);
                let Some(Status::Lozenge(lozenge)) = data.status else { unreachable!() };
                if (1..=20).contains(&units(&text)) {
                    prop_assert_eq!(lozenge.label, text.clone());
                } else {
                    prop_assert!(text.starts_with(lozenge.label.strip_suffix('…').unwrap()));
                }
            }
        }
    }

    #[test]
    fn what_comes_from_elsewhere_is_kept_as_it_is() {
        let sent = serde_json::json!({
            "label": { "type": "html", "value": "x".repeat(2000) },
            "status": { "type": "lozenge", "value": { "type": "new", "label": "" } }
        });
        let data: GlanceData<Value> = serde_json::from_value(sent.clone()).unwrap();
        assert_eq!(serde_json::to_value(data).unwrap(), sent);
    }

    #[test]
    fn an_icon_is_a_status_that_a_host_takes() {
        let data = GlanceData::new(Label::text("x")).icon(Icon::new("/on-fire.png"));
        assert_eq!(problems(&data), []);
    }
}
