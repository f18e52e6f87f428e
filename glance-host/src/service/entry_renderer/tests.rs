use super::*;
use crate::content::image_urls::ImageUrls;
use glance_sdk::model::{Card as Sent, CardStyle, Icon, Picture, RoomId, notification as model};
use serde_json::{Value, json};

fn shown(said: &Notification) -> Value {
    let entry = Entry {
        id: "8b8ec9e1-3a54-4b52-a2b5-6b1f1f7d3f11".to_owned(),
        room_id: RoomId::new(1),
        at: 0,
        sender: Sender::AddOn("id".into()),
        sender_name: "CI".to_owned(),
        content: Content::Notification(Box::new(said.clone())),
    };
    let (urls, sender) = (ImageUrls::new(b"key"), image_signer(&entry.sender));
    serde_json::to_value(render_notification(
        &entry,
        said,
        Vec::new(),
        urls.of(&sender),
    ))
    .unwrap()
}

#[test]
fn notification_is_rendered() {
    let mut said = Notification::html("<b>a</b><script>b</script>");
    let expected = json!({
        "kind": "notification", "color": "yellow", "notify": false, "html": "<b>a</b>"
    });
    assert_eq!(shown(&said), expected);
    said.message_format = Some(MessageFormat::Text);
    said.from = Some("main".to_owned());
    let said = said.color(Color::Gray).notify();
    let expected = json!({
        "kind": "notification", "from": "main", "color": "gray", "notify": true,
        "text": "<b>a</b><script>b</script>"
    });
    assert_eq!(shown(&said), expected);

    let random = Notification::text("a").color(Color::Random);
    let color = shown(&random)["color"].clone();
    assert!(COLORS.iter().any(|one| one.as_str() == color));
    assert_eq!(shown(&random)["color"], color, "each time the same");
}

#[test]
fn card_is_sanitized() {
    let mut card = Sent::new(CardStyle::Link, "1", "<b>title</b>");
    card.url = Some("javascript:x".to_owned());
    card.format = Some(model::CardFormat::Compact);
    card.description = Some(model::Description::Formatted(model::DescriptionText::html(
        "<b>a</b><img src=x>",
    )));
    card.thumbnail = Some(model::Thumbnail::new("https://example.com/t.png"));
    card.icon = Some(Picture::Icon(
        Icon::new("data:image/png,x").with_2x("javascript:x"),
    ));
    card.activity = Some(model::Activity::html("<i>a</i><em>b</em>"));
    let mut value = model::AttributeValue::from("x".repeat(600));
    value.style = Some(model::AttributeStyle::LozengeSuccess);
    value.url = Some("https://example.com/".to_owned());
    value.icon = Some("file:///x".into());
    let mut plain = model::AttributeValue::from("v");
    plain.style = Some("heading".into());
    card.attributes = Some(vec![
        model::Attribute::new("a", value),
        model::Attribute::new("b", plain),
    ]);
    let said = Notification::text("instead").card(card);
    let mut card = shown(&said)["card"].take();
    let thumbnail = card["thumbnail"]["url"].take();
    assert!(thumbnail.as_str().unwrap().starts_with("/icon/"));
    assert_eq!(
        card,
        json!({
            "style": "link",
            "format": "compact",
            "title": "<b>title</b>",
            "description": { "html": "<b>a</b>" },
            "thumbnail": { "url": null },
            "icon": { "url": "data:image/png,x" },
            "activity": { "html": "<i>a</i>b" },
            "attributes": [
                { "label": "a", "value": "x".repeat(500), "lozenge": "success", "url": "https://example.com/" },
                { "label": "b", "value": "v" },
            ],
        })
    );
    assert!(shown(&said).get("text").is_none(), "the card stands for it");
}

#[test]
fn excerpt_has_first_words_without_markup() {
    let notification = |said: Notification| Content::Notification(Box::new(said));
    let long = "é ".repeat(200);
    let message = |text: &str| Content::Message(crate::model::Message::new(text, &[]));
    for (content, expected) in [
        (message("a\n  b"), "a b".to_owned()),
        (message(&long), format!("{}…", "é ".repeat(70))),
        (
            notification(Notification::html("<b>a</b> &amp; b")),
            "a & b".to_owned(),
        ),
        (notification(Notification::text("<b>")), "<b>".to_owned()),
        (
            notification(Notification::text("x").card(Sent::new(CardStyle::File, "1", "title"))),
            "title".to_owned(),
        ),
    ] {
        assert_eq!(excerpt(&content), expected);
    }
}
