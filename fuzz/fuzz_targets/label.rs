//! A label of any text and of any HTML: a host takes it, and nothing of it runs there.

#![no_main]

use glance_sdk::label::Escaped;
use glance_sdk::model::{GlanceData, Label, Lozenge};
use glance_sdk::validate;
use libfuzzer_sys::fuzz_target;

/// The host's own file: to depend on the host would build its server and its database too.
#[path = "../../glance-host/src/content/label.rs"]
mod host;

fuzz_target!(|text: &[u8]| {
    let text = String::from_utf8_lossy(text);
    let escaped = Escaped(&text).to_string();
    assert!(!escaped.contains(['<', '>', '"', '\'']));

    let (plain, html) = (Label::text(&text), Label::html(text.clone()));
    for label in [&plain, &html] {
        let data: GlanceData = GlanceData::new(label.clone()).lozenge(Lozenge::New, text.clone());
        let problems = validate::glance_data(&serde_json::to_value(&data).unwrap());
        assert!(problems.is_empty(), "{problems:?}");

        let clean = host::sanitize(label.as_html());
        assert_eq!(
            host::sanitize(&clean),
            clean,
            "there was something left to remove"
        );
        let mut rest = clean.as_str();
        while let Some(at) = rest.find('<') {
            let end = at + rest[at..].find('>').expect("a tag has its end");
            let name = rest[at + 1..end].trim_start_matches('/');
            assert!(["b", "strong", "em", "i"].contains(&name), "{clean}");
            rest = &rest[end + 1..];
        }
    }

    // What a browser's parser makes of these is another text.
    let plain_text = !text.contains(['\0', '\r', '\u{feff}']);
    if plain_text && !text.is_empty() && escaped.encode_utf16().count() <= 1000 {
        assert_eq!(plain.as_html(), escaped);
        assert_eq!(host::text(&host::sanitize(&escaped)), text);
    }
});
