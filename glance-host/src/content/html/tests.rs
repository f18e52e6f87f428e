use glance_sdk::model::OauthId;

use super::*;
use crate::content::image_urls::ImageUrls;

const REL: &str = "rel=\"noopener noreferrer nofollow\"";

#[test]
fn allowed_html_is_kept() {
    for html in [
        "<b>a</b><i>b</i><strong>c</strong><em>d</em><br>e",
        "<pre>a\n b</pre><code>x</code>",
        "<ul><li>a</li></ul><ol><li>b</li></ol>",
        "<table><thead><tr valign=\"top\"><th colspan=\"2\">a</th></tr></thead>\
         <tbody><tr><td rowspan=\"2\" valign=\"top\">b</td></tr></tbody></table>",
        "<span style=\"font-weight:bold;color:red;text-decoration:underline;height:1em;width:2em\">a</span>",
        "<img src=\"https://example.com/a.png\" alt=\"a\" width=\"3\" height=\"4\" align=\"left\" style=\"width:3px\">",
        "<img src=\"data:image/png;base64,AA\">",
    ] {
        let set_by_the_page = html.replace(" style=", " data-style=");
        assert_eq!(message(html), set_by_the_page);
    }
    assert_eq!(
        message(
            "<a href='https://example.com/?a=1' rel=x target=_top data-target='k:m' data-target-options='{}'>a</a>"
        ),
        format!(
            "<a href=\"https://example.com/?a=1\" data-target=\"k:m\" data-target-options=\"{{}}\" target=\"_blank\" {REL}>a</a>"
        )
    );
}

#[test]
fn plain_html_is_what_the_sanitizer_returns() {
    let parts = [
        "<b>",
        "</b>",
        "<code>",
        "</code>",
        "<em>",
        "<strong>",
        "</strong>",
        "<br>",
        "</br>",
        "x",
        "\n",
        " ",
        "&lt;",
    ];
    let mut htmls = vec![String::new()];
    for _ in 0..4 {
        let longer = htmls
            .iter()
            .flat_map(|html| parts.map(|part| format!("{html}{part}")));
        htmls = longer.collect();
    }
    for (builder, tags) in [
        (&MESSAGES, &PLAIN_MESSAGE_TAGS[..]),
        (&CARDS, &PLAIN_CARD_TAGS),
    ] {
        let plain = htmls.iter().filter(|html| label::is_plain(html, tags));
        for html in plain {
            assert_eq!(builder.clean(html).to_string(), *html);
        }
    }
}

#[test]
fn white_space_is_kept() {
    // The page's parser leaves out one line break behind the tag.
    for (html, clean) in [
        ("<pre>\n  a\n\n  b\n</pre>", "<pre>  a\n\n  b\n</pre>"),
        ("<pre>\n\na</pre>", "<pre>\n\na</pre>"),
        ("a\n   b<br>\n c", "a\n   b<br>\n c"),
    ] {
        assert_eq!(message(html), clean, "{html:?}");
    }
}

#[test]
fn other_html_is_removed() {
    let bare = |text: &str| format!("<a target=\"_blank\" {REL}>{text}</a>");
    for (html, clean) in [
        ("<script>alert(1)</script>after", "after".to_owned()),
        (
            "<scr<script>ipt>alert(1)</script>",
            "ipt&gt;alert(1)".to_owned(),
        ),
        ("<img src=x onerror=alert(1)>", "<img>".to_owned()),
        (
            "<img src='https://example.com/' onload=x srcset=y class=z id=u>",
            "<img src=\"https://example.com/\">".to_owned(),
        ),
        (
            "<img src='data:text/html,<script>x</script>'>",
            "<img>".to_owned(),
        ),
        ("<img src='javascript:x'>", "<img>".to_owned()),
        ("<img src='//example.com/x'>", "<img>".to_owned()),
        ("<a href='javascript:alert(1)'>a</a>", bare("a")),
        ("<a href=' java\nscript:alert(1)'>a</a>", bare("a")),
        ("<a href='&#106;avascript:alert(1)'>a</a>", bare("a")),
        ("<a href='data:text/html,x'>a</a>", bare("a")),
        ("<a href='data:image/png,x'>a</a>", bare("a")),
        ("<a href='vbscript:x'>a</a>", bare("a")),
        ("<a href='/rooms/1/integrations'>a</a>", bare("a")),
        (
            "<a onclick=x style='color:red' ping='https://example.com/'>a</a>",
            bare("a"),
        ),
        (
            "<b onmouseover=x style='color:red'>a</b>",
            "<b>a</b>".to_owned(),
        ),
        (
            "<span style='position:fixed;top:0;z-index:9;color:red'>a</span>",
            "<span data-style=\"color:red\">a</span>".to_owned(),
        ),
        (
            "<span style='color:url(javascript:x);width:1px'>a</span>",
            "<span data-style=\"width:1px\">a</span>".to_owned(),
        ),
        (
            "<span style='background:url(https://example.com/)'>a</span>",
            "<span data-style=\"\">a</span>".to_owned(),
        ),
        ("<style>b{color:red}</style><b>a</b>", "<b>a</b>".to_owned()),
        ("<div><p>a</p><h1>b</h1></div>", "ab".to_owned()),
        (
            "<form action='/'><input value=x><button>a</button></form>",
            "a".to_owned(),
        ),
        (
            "<iframe srcdoc='<script>x</script>'>a</iframe>b",
            "b".to_owned(),
        ),
        ("<svg onload=x><script>a</script></svg>b", "b".to_owned()),
        (
            "<svg><a xlink:href='javascript:x'>a</a></svg>",
            String::new(),
        ),
        (
            "<math><mi>a</mi><style><img src=x onerror=y></style></math>",
            "<img>".to_owned(),
        ),
        (
            "<base href='https://example.com/'><meta http-equiv=refresh><link rel=x>",
            String::new(),
        ),
        ("<template><b>a</b></template>b", "b".to_owned()),
        (
            "<noscript><p title=\"</noscript><img src=x onerror=y>\">",
            "<img>\"&gt;".to_owned(),
        ),
        ("<!--<b>-->a<![CDATA[b]]><?c?>", "a".to_owned()),
        ("<b><i>a", "<b><i>a</i></b>".to_owned()),
        ("</div></li></article>a</b>", "a".to_owned()),
        ("<td>a</td><li>b", "a<li>b</li>".to_owned()),
        ("a < b & c", "a &lt; b &amp; c".to_owned()),
        ("<b", String::new()),
    ] {
        // The order of the two is not of this host's choosing.
        let turned = message(html).replace(
            &format!("{REL} target=\"_blank\""),
            &format!("target=\"_blank\" {REL}"),
        );
        assert_eq!(turned, clean, "{html}");
    }
}

#[test]
fn style_in_text_is_not_changed() {
    for html in [
        "&lt;span style=\"x",
        "<b>a</b> style=\"color:red\"",
        "<img alt=\"&lt;span style=&quot;\">",
    ] {
        assert!(!message(html).contains("data-style"), "{html}");
    }
    assert_eq!(
        message("<img alt='<span' style='width:1px'>"),
        "<img alt=\"&lt;span\" data-style=\"width:1px\">"
    );
}

#[test]
fn cards_allow_fewer_tags() {
    for (html, clean) in [
        (
            "<b>a</b><i>b</i><strong>c</strong><span style='color:red'>d</span>",
            "<b>a</b><i>b</i><strong>c</strong><span data-style=\"color:red\">d</span>".to_owned(),
        ),
        (
            "<a href='https://example.com/'>a</a>",
            format!("<a href=\"https://example.com/\" target=\"_blank\" {REL}>a</a>"),
        ),
        (
            "<em>a</em><code>b</code><pre>c</pre><ul><li>d</li></ul>",
            "abcd".to_owned(),
        ),
        ("<img src='https://example.com/'>", String::new()),
        ("<table><tr><td>a</td></tr></table>", "a".to_owned()),
        ("<script>a</script>", String::new()),
    ] {
        assert_eq!(card(html), clean, "{html}");
    }
}

#[test]
fn long_or_deep_html_is_reduced() {
    let distinct: String = (0..700).map(|n| format!("<b {n}>")).collect();
    let reopened = format!("<p>{distinct}x{}", "<p>x".repeat(1_000));
    assert_eq!(message(&reopened).matches("<b>").count(), 3_700);
    let kinds = "<b><i><em><strong><code>".repeat(3);
    let reopened = format!("<p>{kinds}{}", "<p>x".repeat(2_400));
    assert_eq!(message(&reopened), "x".repeat(2_400), "its words alone");

    for piece in [
        "<b>",
        "<a href='https://example.com/'>",
        "<table><td>",
        "<ul><li>",
        "<span style='",
        "<svg><a>",
        "<!--",
        "&#x202e;\u{202e}",
        "<img src=x onerror=y>",
        "<a><table>",
        "</p>",
    ] {
        let long: String = piece.chars().cycle().take(10_000).collect();
        for clean in [message(&long), card(&long)] {
            assert!(clean.len() <= 100_000, "{piece}");
            for never in ["onerror", "<svg", "<!--"] {
                assert!(!clean.contains(never), "{piece}");
            }
        }
    }
}

#[test]
fn only_web_urls_are_kept() {
    for (address, link, picture) in [
        ("https://example.com/", true, true),
        ("HTTP://example.com", true, true),
        ("mailto:ann@example.com", true, false),
        ("data:image/svg+xml,<svg/>", false, true),
        ("data:,image/", false, false),
        ("javascript:x", false, false),
        ("\u{1}java\tscript:x", false, false),
        ("file:///etc/passwd", false, false),
        ("blob:https://example.com/x", false, false),
        ("/x", false, false),
        ("", false, false),
    ] {
        assert_eq!(
            (is_link(address), is_picture(address)),
            (link, picture),
            "{address}"
        );
    }
}

#[test]
fn pictures_load_from_the_host() {
    let id = OauthId::from("a");
    let urls = ImageUrls::new(b"key");
    let images = urls.of(&id);
    let shown = |html: &str| proxy_pictures(&message(html), images);
    let escaped = "https://example.com/i.png?a=1&amp;b=2";
    let html = shown(&format!(
        "<b>x</b><img alt='src=\"y\"' src=\"{escaped}\" width=3>"
    ));
    let address = images.proxied("https://example.com/i.png?a=1&b=2");
    assert!(html.contains(&format!(" src=\"{address}\"")), "{html}");
    assert!(
        html.starts_with("<b>x</b><img ") && !html.contains("example.com"),
        "{html}"
    );
    let whole = "<img src=\"data:image/png;base64,AAAA\">";
    assert_eq!(shown(whole), whole);
    let written = "&lt;img src=\"https://example.com/i.png\"&gt;";
    assert_eq!(shown(written), message(written), "text is text");
}
