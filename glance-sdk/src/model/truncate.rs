//! Truncates text to the length that hosts accept, in UTF-16 units like a browser.
//!
//! Labels contain text from other systems, and a host that refuses one shows "Can't load" to
//! everybody. A long text is therefore cut, which its ellipsis shows, and an empty text becomes an
//! ellipsis.

/// The maximum length of a label's HTML, in UTF-16 units.
const LABEL: usize = 1000;

/// The maximum length of a lozenge's text, in UTF-16 units.
const LOZENGE: usize = 20;

const ELLIPSIS: char = '…';

/// Elements without an end tag.
const VOID: [&str; 14] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
    "track", "wbr",
];

/// Truncates the text of a lozenge.
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

/// Truncates the HTML of a label. Does not cut within a tag or a character reference, and closes
/// open tags.
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

/// The position of the cut, and the tags that are open there.
#[derive(Default)]
struct Cut<'h> {
    at: usize,
    open: Vec<&'h str>,
}

fn fits(text: &str, longest: usize) -> bool {
    // A text has at most as many UTF-16 units as bytes.
    !text.is_empty() && (text.len() <= longest || length(text) <= longest)
}

#[cfg_attr(not(feature = "runtime"), allow(unused_variables))]
fn log(what: &str, text: &str, longest: usize) {
    #[cfg(feature = "runtime")]
    tracing::warn!(
        units = length(text),
        "a {what} must have 1 to {longest} UTF-16 units: it was cut or is empty"
    );
}

fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Returns the length in bytes of the indivisible part at the start of `html`, which is not empty.
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

/// Returns the length in bytes of a character reference after its `&`; browsers know some without a
/// `;`.
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

/// Returns the length in bytes of a tag after its `<`, including its `>`. An unfinished tag extends
/// to the end.
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

/// Updates the list of open tags.
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
    // Hosts keep no elements with other names, so their content does not matter.
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

    /// Returns the visible text: removes tags and resolves references. For HTML that closes its
    /// tags.
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
    fn label_is_cut_between_indivisible_parts() {
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
    fn lozenge_is_cut_at_character() {
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
        fn host_accepts_label_of_any_text(text in texts()) {
            let made = Label::text(&text);
            prop_assert_eq!(problems(&GlanceData::new(made.clone())), []);
            let escaped = Escaped(&text).to_string();
            if (1..=1000).contains(&units(&escaped)) {
                prop_assert_eq!(made.as_html(), escaped);
            } else {
                let seen = read(made.as_html());
                let start = seen.strip_suffix('…').unwrap();
                prop_assert!(text.starts_with(start));
                // The label has the maximal length: the next part has at most the six letters of
                // `&quot;`.
                prop_assert!(text.is_empty() || units(made.as_html()) > 1000 - 6);
            }
        }

        #[test]
        fn host_accepts_label_of_any_html(html in markup()) {
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
        fn host_accepts_lozenge_of_any_text(text in texts()) {
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
    fn deserialized_labels_are_unchanged() {
        let sent = serde_json::json!({
            "label": { "type": "html", "value": "x".repeat(2000) },
            "status": { "type": "lozenge", "value": { "type": "new", "label": "" } }
        });
        let data: GlanceData<Value> = serde_json::from_value(sent.clone()).unwrap();
        assert_eq!(serde_json::to_value(data).unwrap(), sent);
    }

    #[test]
    fn host_accepts_icon_status() {
        let data = GlanceData::new(Label::text("x")).icon(Icon::new("/on-fire.png"));
        assert_eq!(problems(&data), []);
    }
}
