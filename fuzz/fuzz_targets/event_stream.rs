//! Any bytes as a stream of events: it does not matter where chunks end, and nothing grows without
//! bound.

#![no_main]

use glance_sdk::event_stream::Reader;
use libfuzzer_sys::fuzz_target;

const MAX_EVENT_BYTES: usize = 64;

fuzz_target!(|input: (u8, &[u8])| {
    let (size, stream) = input;
    let mut whole = Reader::with_max_event_bytes(MAX_EVENT_BYTES);
    let events = whole.read(stream);
    let mut reader = Reader::with_max_event_bytes(MAX_EVENT_BYTES);
    let pieces = stream.chunks(usize::from(size).max(1));
    let pieced: Vec<_> = pieces.flat_map(|chunk| reader.read(chunk)).collect();
    assert_eq!(events, pieced);
    assert_eq!(
        (whole.last_id(), whole.retry(), whole.skipped()),
        (reader.last_id(), reader.retry(), reader.skipped())
    );
    for event in events {
        // A byte that is not UTF-8 becomes three.
        assert!(event.data.len() <= 3 * MAX_EVENT_BYTES);
        assert!(!event.name.is_empty() && !event.name.contains(['\r', '\n']));
    }
});
