//! Server-sent events, read from chunks that may end anywhere.

/// The most that one event may take, in bytes; a status is a few thousand.
const MAX_EVENT_BYTES: usize = 256 * 1024;

/// An event.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Event {
    /// What kind of event it is; empty where the source does not say.
    pub(crate) name: String,
    pub(crate) data: String,
}

/// Reads a stream in bounded space: what is larger than 256 KiB, or is no text, is skipped.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    line: Vec<u8>,
    after_return: bool,
    event: Event,
    id: Option<String>,
    size: usize,
    /// The rest of this event is passed over.
    skips: bool,
}

impl Reader {
    /// Takes a chunk, and says what events it completes.
    pub(crate) fn read(&mut self, chunk: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        for byte in chunk {
            let is_end = match byte {
                b'\n' if self.after_return => false,
                b'\n' | b'\r' => true,
                _ => {
                    self.keep(*byte);
                    false
                }
            };
            self.after_return = *byte == b'\r';
            if is_end {
                events.extend(self.end_line());
            }
        }
        events
    }

    /// Where to go on after the stream was cut, if the source numbers its events.
    pub(crate) fn last_id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    fn keep(&mut self, byte: u8) {
        self.size += 1;
        if self.size > MAX_EVENT_BYTES && !self.skips {
            self.skip("is larger than 256 KiB");
        }
        // Of a line that is skipped it only matters that it is not empty.
        if !self.skips || self.line.is_empty() {
            self.line.push(byte);
        }
    }

    fn skip(&mut self, why: &str) {
        tracing::warn!("skipped an event that {why}");
        self.skips = true;
        self.event = Event::default();
        self.line = self.line.first().copied().into_iter().collect();
    }

    fn end_line(&mut self) -> Option<Event> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            self.size = 0;
            let is_whole = !std::mem::take(&mut self.skips);
            let mut event = std::mem::take(&mut self.event);
            // Each line of data ended with a line feed; the last one is not part of it.
            return (is_whole && event.data.pop().is_some()).then_some(event);
        }
        if self.skips {
            return None;
        }
        let Ok(line) = std::str::from_utf8(&line) else {
            self.skip("is no UTF-8");
            return None;
        };
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.name),
            "data" => {
                self.event.data.push_str(value);
                self.event.data.push('\n');
            }
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            // A comment, such as Mastodon's `:thump`, or a field of a later day.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STREAM: &str = ":)\n\nevent: update\nid: 7\ndata: {\"content\":\"ä\"}\n\n:thump\n\r\n\
        event: delete\r\ndata: 110\r\n\r\nevent: nothing\n\ndata:a\rdata: b\r\rdata\n\nevent: cut\ndata: x\n";

    fn event(name: &str, data: &str) -> Event {
        Event {
            name: name.to_owned(),
            data: data.to_owned(),
        }
    }

    #[test]
    fn events_are_read_as_the_standard_says() {
        let mut reader = Reader::default();
        assert_eq!(
            reader.read(STREAM.as_bytes()),
            [
                event("update", "{\"content\":\"ä\"}"),
                event("delete", "110"),
                event("", "a\nb"),
                event("", ""),
            ]
        );
        assert_eq!(reader.last_id(), Some("7"));
    }

    #[test]
    fn what_is_too_large_or_no_text_is_skipped_alone_and_takes_no_space() {
        let mut reader = Reader::default();
        assert_eq!(reader.read(b"event: update\ndata: "), []);
        for _ in 0..64 {
            assert_eq!(reader.read(&vec![b'x'; 64 * 1024]), []);
            assert!(reader.line.capacity() + reader.event.data.capacity() <= 4 * MAX_EVENT_BYTES);
        }
        assert_eq!(reader.read(b"\ndata: more\n\n"), []);
        assert_eq!(reader.read(b"data: \xff\ndata: 1\n\n"), []);
        assert_eq!(reader.read(b"data: 2\n\n"), [event("", "2")]);

        let many_lines = b"data: x\n".repeat(MAX_EVENT_BYTES);
        assert_eq!(reader.read(&many_lines), []);
        assert!(reader.event.data.is_empty() && reader.line.is_empty());
        assert_eq!(reader.read(b"\ndata: 3\n\n"), [event("", "3")]);
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_chunks_end(cuts in prop::collection::vec(0..STREAM.len(), 0..20)) {
            let mut cuts = cuts;
            cuts.extend([0, STREAM.len()]);
            cuts.sort_unstable();
            let mut reader = Reader::default();
            let pieces = cuts.windows(2).flat_map(|cut| reader.read(&STREAM.as_bytes()[cut[0]..cut[1]]));
            let pieces: Vec<_> = pieces.collect();
            prop_assert_eq!(pieces, Reader::default().read(STREAM.as_bytes()));
        }

        #[test]
        fn no_bytes_are_too_odd(chunks in prop::collection::vec(any::<Vec<u8>>(), 0..20)) {
            let mut reader = Reader::default();
            for chunk in &chunks {
                reader.read(chunk);
            }
            reader.read(b"\n\n");
            prop_assert_eq!(reader.read(b"data: whole\n\n"), [event("", "whole")]);
        }
    }
}
