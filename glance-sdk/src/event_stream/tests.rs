use proptest::prelude::*;

use super::*;

const STREAM: &str = "\u{feff}:)\n\nevent: update\nid: 7\ndata: {\"content\":\"ä\"}\n\n:thump\n\r\n\
    event: delete\r\ndata: 110\r\n\r\nevent: nothing\n\ndata:a\rdata: b\r\rdata\n\nretry: 2500\n\
    data:\ndata:  c\ndatax: d\n data: e\n\nevent: cut\nid: 8\ndata: x\n";

fn event(name: &str, data: &str) -> Event {
    Event {
        name: name.to_owned(),
        data: data.to_owned(),
    }
}

#[test]
fn events_are_parsed_according_to_standard() {
    let mut reader = Reader::new();
    assert_eq!(
        reader.read(STREAM.as_bytes()),
        [
            event("update", "{\"content\":\"ä\"}"),
            event("delete", "110"),
            event("message", "a\nb"),
            event("message", ""),
            event("message", "\n c"),
        ]
    );
    assert_eq!(
        reader.last_id(),
        Some("7"),
        "an event that is cut has no id yet"
    );
    assert_eq!(reader.retry(), Some(Duration::from_millis(2500)));
}

#[test]
fn unknown_fields_are_ignored() {
    let mut reader = Reader::new();
    let stream =
        "id: 1\nretry: 10\ndata: x\n\nid: a\0b\nretry: -1\nretry:\ndata: y\n\nid\ndata: z\n\n";
    assert_eq!(reader.read(&stream.as_bytes()[..25]).len(), 1);
    assert_eq!(reader.last_id(), Some("1"));
    assert_eq!(reader.read(&stream.as_bytes()[25..]).len(), 2);
    assert_eq!(reader.last_id(), Some(""));
    assert_eq!(reader.retry(), Some(Duration::from_millis(10)));
}

#[test]
fn leading_mark_is_dropped_and_invalid_utf8_replaced() {
    let mut reader = Reader::new();
    let stream = b"\xef\xbb\xbfdata: a\xff\n\n\xef\xbb\xbfdata: b\n\ndata: \xf0\x9f\n\n";
    assert_eq!(
        reader.read(stream),
        [event("message", "a\u{fffd}"), event("message", "\u{fffd}")]
    );
}

#[test]
fn too_large_events_are_skipped_without_memory() {
    let mut reader = Reader::new();
    assert_eq!(reader.read(b"event: update\ndata: "), []);
    for _ in 0..64 {
        assert_eq!(reader.read(&vec![b'x'; 64 * 1024]), []);
        assert!(reader.line.capacity() + reader.data.capacity() <= 4 * MAX_EVENT_BYTES);
    }
    assert_eq!(reader.read(b"\ndata: more\n\n"), []);
    assert_eq!(reader.skipped(), 1);
    assert_eq!(reader.read(b"data: 2\n\n"), [event("message", "2")]);

    let many_lines = b"data: x\n".repeat(MAX_EVENT_BYTES);
    assert_eq!(reader.read(&many_lines), []);
    assert!(reader.data.is_empty() && reader.line.is_empty());
    assert_eq!(reader.read(b"\ndata: 3\n\n"), [event("message", "3")]);
    assert_eq!(reader.skipped(), 2);
}

proptest! {
    #[test]
    fn chunk_boundaries_do_not_matter(cuts in prop::collection::vec(0..STREAM.len(), 0..20)) {
        let mut cuts = cuts;
        cuts.extend([0, STREAM.len()]);
        cuts.sort_unstable();
        let mut reader = Reader::new();
        let pieces: Vec<_> = cuts
            .windows(2)
            .flat_map(|cut| reader.read(&STREAM.as_bytes()[cut[0]..cut[1]]))
            .collect();
        prop_assert_eq!(pieces, Reader::new().read(STREAM.as_bytes()));
    }

    #[test]
    fn no_bytes_panic(chunks in prop::collection::vec(any::<Vec<u8>>(), 0..20)) {
        let mut reader = Reader::new();
        for chunk in &chunks {
            reader.read(chunk);
        }
        reader.read(b"\n\n");
        prop_assert_eq!(reader.read(b"data: whole\n\n"), [event("message", "whole")]);
    }
}
