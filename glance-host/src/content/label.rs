//! Sanitizes the HTML of labels: keeps `b`, `strong`, `em` and `i`, without attributes.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::Builder;
use regex::Regex;

const ALLOWED: [&str; 4] = ["b", "strong", "em", "i"];

/// Elements that are removed with their content, as in HipChat's last web client.
const REMOVED: [&str; 76] = [
    "a",
    "abbr",
    "acronym",
    "address",
    "article",
    "aside",
    "audio",
    "bdi",
    "bdo",
    "big",
    "blockquote",
    "button",
    "canvas",
    "caption",
    "center",
    "cite",
    "code",
    "data",
    "datalist",
    "dd",
    "del",
    "details",
    "dfn",
    "dir",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "font",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "iframe",
    "ins",
    "kbd",
    "label",
    "legend",
    "li",
    "map",
    "mark",
    "menu",
    "nav",
    "noscript",
    "ol",
    "optgroup",
    "option",
    "output",
    "p",
    "pre",
    "q",
    "s",
    "samp",
    "script",
    "section",
    "select",
    "small",
    "span",
    "strike",
    "style",
    "sub",
    "sup",
    "table",
    "textarea",
    "title",
    "tt",
    "u",
    "ul",
    "var",
];

static SANITIZER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::empty();
    builder
        .tags(HashSet::from(ALLOWED))
        .tag_attributes(HashMap::new())
        .generic_attributes(HashSet::new())
        .clean_content_tags(HashSet::from(REMOVED));
    builder
});

/// Formatting tags that stay open across blocks; the parser copies them into each block. Without attributes at most
/// three of a kind stay open; otherwise a few characters could become a million elements.
static FORMATTING: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let tags = "b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u";
    Regex::new(&format!(r"(?i)<({tags})[\s/][^>]*>")).ok()
});

/// The longest label that is parsed, in bytes. Answers to queries may have 1000 characters; pushes have no documented
/// limit.
const MAX_LABEL: usize = 10_000;

/// Returns the sanitized label; empty if it is too long.
pub(crate) fn sanitize(html: &str) -> String {
    match html.len() {
        0..=MAX_LABEL if is_plain(html, &ALLOWED) => html.to_owned(),
        0..=MAX_LABEL => normalize_line_breaks(SANITIZER.clean(&limit_elements(html)).to_string()),
        _ => String::new(),
    }
}

/// The deepest nesting of plain HTML.
const MAX_PLAIN_DEPTH: usize = 8;

/// Returns whether HTML consists of text without special characters and of these formatting elements (or `br`), without
/// attributes and closed in the right order. Parsing and writing such HTML does not change it, and takes a hundred times
/// as long.
pub(crate) fn is_plain(html: &str, tags: &[&str]) -> bool {
    // A parser or a serializer writes these in another way.
    let is_text = |text: &str| !text.contains(['&', '>', '\0', '\r', '\u{a0}', '\u{feff}']);
    let mut open = [""; MAX_PLAIN_DEPTH];
    let mut depth = 0;
    let mut rest = html;
    while let Some((text, tag)) = rest.split_once('<') {
        let Some((name, after)) = tag.split_once('>') else {
            return false;
        };
        if !is_text(text) {
            return false;
        }
        rest = after;
        match name.strip_prefix('/') {
            Some(closed) if depth > 0 && open[depth - 1] == closed => depth -= 1,
            None if name == "br" && tags.contains(&"br") => {}
            None if depth < MAX_PLAIN_DEPTH && tags.contains(&name) => {
                open[depth] = name;
                depth += 1;
            }
            _ => return false,
        }
    }
    depth == 0 && is_text(rest)
}

/// Replaces carriage returns that character references created (`&#13;`) by line feeds: a parser of the result reads
/// them as line feeds anyway.
pub(crate) fn normalize_line_breaks(clean: String) -> String {
    match clean.contains('\r') {
        true => clean.replace("\r\n", "\n").replace('\r', "\n"),
        false => clean,
    }
}

/// Returns equivalent HTML in which a few characters create only a few elements.
pub(crate) fn limit_elements(html: &str) -> Cow<'_, str> {
    match &*FORMATTING {
        Some(formatting) => formatting.replace_all(html, "<$1>"),
        None => Cow::Borrowed(html),
    }
}

/// Returns the text of a sanitized label, for tests and for `title`.
pub(crate) fn text(sanitized: &str) -> String {
    let mut text = String::with_capacity(sanitized.len());
    let mut rest = sanitized;
    while let Some(at) = rest.find('<') {
        text.push_str(&rest[..at]);
        rest = rest[at..].find('>').map_or("", |end| &rest[at + end + 1..]);
    }
    text.push_str(rest);
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&nbsp;", "\u{a0}")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::skipped::skipped;

    #[test]
    fn only_four_tags_are_kept() {
        for (html, clean) in [
            ("<b>4</b> Repositories", "<b>4</b> Repositories"),
            ("<B onclick=x>4</B>", "<b>4</b>"),
            ("<i title='x' lang=de class=x>4</i>", "<i>4</i>"),
            ("<b>unclosed", "<b>unclosed</b>"),
            ("unopened</b>", "unopened"),
            ("a < b & c", "a &lt; b &amp; c"),
            ("<script>alert(1)</script>after", "after"),
            ("<img src=x onerror=alert(1)>img", "img"),
            ("<svg onload=x>s</svg>", "s"),
            ("<span>gone</span> text", " text"),
            ("&lt;b&gt;", "&lt;b&gt;"),
            ("a&#13;b&#xd;&#10;c\r\nd", "a\nb\nc\nd"),
            ("<b><style>x</style></b>", "<b></b>"),
            ("<iframe srcdoc='<script>x</script>'></iframe>", ""),
            (
                "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
                "\"&gt;",
            ),
        ] {
            assert_eq!(sanitize(html), clean, "{html}");
        }
    }

    /// The beginnings of labels that this host sanitizes differently from HipChat's last web client, with the reasons.
    const DIFFERENCES: [(&str, &str); 3] = [
        ("&copy;", "the same characters, written as themselves"),
        (
            "<![CDATA[",
            "a browser reads it as a comment, and comments go",
        ),
        (
            "\n        <style scoped>",
            "its tags cross each other, and are put right as a browser does",
        ),
    ];

    #[test]
    fn labels_match_hipchats_last_web_client() {
        #[derive(serde::Deserialize)]
        struct Verdicts {
            vectors: Vec<Vector>,
        }
        #[derive(serde::Deserialize)]
        struct Vector {
            r#in: String,
            out: String,
        }
        let Ok(corpus) = std::env::var("GLANCE_CORPUS") else {
            skipped("GLANCE_CORPUS is not set, so there are no measured labels");
            return;
        };
        let text = std::fs::read_to_string(format!("{corpus}/verdicts/label-sanitizer.json"));
        let verdicts: Verdicts = serde_json::from_str(&text.unwrap()).unwrap();
        assert!(verdicts.vectors.len() > 30);
        for Vector { r#in: html, out } in verdicts.vectors {
            let difference = DIFFERENCES
                .iter()
                .find(|(start, _)| html.starts_with(start));
            match difference {
                Some((_, why)) => assert_ne!(sanitize(&html), out, "no longer so: {why}"),
                None => assert_eq!(sanitize(&html), out, "{html}"),
            }
        }
    }

    #[test]
    fn plain_html_is_what_the_sanitizer_returns() {
        let parts = [
            "<b>", "</b>", "<i>", "</i>", "<em>", "</em>", "<b x>", "<br>", "</br>", "<B>", "x",
            " ", "\n", "é", "\u{a0}", "\r", "\0", "&", "&amp;", "<", ">", "/", "\u{feff}",
        ];
        let mut htmls = vec![String::new()];
        for _ in 0..3 {
            let longer = htmls
                .iter()
                .flat_map(|html| parts.map(|part| format!("{html}{part}")));
            htmls = longer.collect();
        }
        for depth in 0..=MAX_PLAIN_DEPTH {
            htmls.push(format!("{}x{}y", "<b>".repeat(depth), "</b>".repeat(depth)));
        }
        htmls.push("a<b><i>b</i> <em>c</em></b>d".to_owned());
        let mut plain = 0;
        for html in htmls {
            if is_plain(&html, &ALLOWED) {
                plain += 1;
                assert_eq!(SANITIZER.clean(&html).to_string(), html);
            }
        }
        assert!(plain > 100, "{plain}");
        assert!(!is_plain("<b><i></b></i>", &ALLOWED) && !is_plain("<br>", &ALLOWED));
    }

    #[test]
    fn short_label_creates_few_elements() {
        let open: String = (0..100).map(|n| format!("<b x={n}>")).collect();
        let blocks = "<main>x</main>".repeat(100);
        let clean = sanitize(&format!("<main>{open}</main>{blocks}"));
        assert!(
            clean.contains('x') && clean.len() < 5_000,
            "{} bytes",
            clean.len()
        );
        assert_eq!(sanitize(&"x".repeat(MAX_LABEL + 1)), "");
    }

    #[test]
    fn label_text_has_no_markup() {
        assert_eq!(text(&sanitize("<b>4</b> &lt;open&gt; R&D")), "4 <open> R&D");
    }
}
