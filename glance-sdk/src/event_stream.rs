//! Parses server-sent events like a browser's `EventSource`.
//!
//! ```
//! use glance_sdk::event_stream::Reader;
//!
//! let mut reader = Reader::new();
//! assert_eq!(reader.read(b": a comment\r\nevent: update\rdata: one\nda"), []);
//! let events = reader.read(b"ta: two\r\n\r\n");
//! assert_eq!(events[0].name, "update");
//! assert_eq!(events[0].data, "one\ntwo");
//! ```

use std::time::Duration;

/// The default size limit of an event, in bytes.
const MAX_EVENT_BYTES: usize = 256 * 1024;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A server-sent event.
///
/// ```
/// use glance_sdk::event_stream::Reader;
///
/// let events = Reader::new().read(b"data: {\"open\": 4}\n\n");
/// assert_eq!(events[0].name, "message");
/// assert_eq!(events[0].data, "{\"open\": 4}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// The type; the default is `message`.
    pub name: String,
    /// The data lines, joined with line feeds.
    pub data: String,
}

/// Parses a stream of events from chunks with any boundaries, in limited memory.
///
/// It follows the HTML standard: lines end with a line feed, a carriage return or both, comments
/// and unknown fields are ignored, a leading byte order mark is dropped, and bytes that are not
/// UTF-8 become U+FFFD. An event that is too large is skipped; the others are not affected.
///
/// ```
/// use glance_sdk::event_stream::Reader;
///
/// let mut reader = Reader::new();
/// let chunks: [&[u8]; 3] = [b"event: up", b"date\ndata: 4", b"\n\ndata: 5\n\n"];
/// let events: Vec<_> = chunks.iter().flat_map(|chunk| reader.read(chunk)).collect();
/// assert_eq!(events.len(), 2);
/// assert_eq!(events[0].name, "update");
/// ```
#[derive(Debug)]
pub struct Reader {
    max_bytes: usize,
    line: Vec<u8>,
    is_first_line: bool,
    after_return: bool,
    name: String,
    data: String,
    /// The bytes of the event so far, without line ends.
    size: usize,
    is_skipping: bool,
    skipped: u64,
    next_id: Option<String>,
    last_id: Option<String>,
    retry: Option<Duration>,
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

impl Reader {
    /// Creates a reader for a new stream. It skips events of more than 256 KiB.
    pub fn new() -> Self {
        Self::with_max_event_bytes(MAX_EVENT_BYTES)
    }

    /// Creates a reader that skips events of more than `max_bytes`.
    ///
    /// ```
    /// use glance_sdk::event_stream::Reader;
    ///
    /// let mut reader = Reader::with_max_event_bytes(16);
    /// let events = reader.read(b"data: this is far too long\n\ndata: short\n\n");
    /// assert_eq!(events[0].data, "short");
    /// assert_eq!(reader.skipped(), 1);
    /// ```
    pub fn with_max_event_bytes(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            line: Vec::new(),
            is_first_line: true,
            after_return: false,
            name: String::new(),
            data: String::new(),
            size: 0,
            is_skipping: false,
            skipped: 0,
            next_id: None,
            last_id: None,
            retry: None,
        }
    }

    /// Processes the next bytes of the stream. Returns the events that they complete.
    pub fn read(&mut self, mut chunk: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        if self.after_return && !chunk.is_empty() {
            chunk = chunk.strip_prefix(b"\n").unwrap_or(chunk);
            self.after_return = false;
        }
        while let Some(end) = chunk.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            self.keep(&chunk[..end]);
            let is_return = chunk[end] == b'\r';
            chunk = &chunk[end + 1..];
            if is_return {
                self.after_return = chunk.is_empty();
                chunk = chunk.strip_prefix(b"\n").unwrap_or(chunk);
            }
            events.extend(self.end_line());
        }
        self.keep(chunk);
        events
    }

    /// Returns the id of the last complete event. Sent as `Last-Event-ID`, it tells the source
    /// where to continue.
    ///
    /// ```
    /// use glance_sdk::event_stream::Reader;
    ///
    /// let mut reader = Reader::new();
    /// reader.read(b"id: 7\ndata: x\n\n");
    /// assert_eq!(reader.last_id(), Some("7"));
    /// ```
    pub fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref()
    }

    /// Returns the reconnection delay that the source requests.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use glance_sdk::event_stream::Reader;
    ///
    /// let mut reader = Reader::new();
    /// reader.read(b"retry: 3000\n\n");
    /// assert_eq!(reader.retry(), Some(Duration::from_secs(3)));
    /// ```
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// Returns the number of skipped events.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.size += bytes.len();
        if self.size > self.max_bytes && !self.is_skipping {
            self.is_skipping = true;
            self.skipped += 1;
            self.name = String::new();
            self.data = String::new();
            self.line.truncate(1);
            self.line.shrink_to_fit();
        }
        if !self.is_skipping {
            self.line.extend_from_slice(bytes);
        } else if self.line.is_empty() {
            // For a skipped line it only matters that it is not empty.
            self.line.extend(bytes.first());
        }
    }

    fn end_line(&mut self) -> Option<Event> {
        let line = std::mem::take(&mut self.line);
        let mut line = line.as_slice();
        if std::mem::take(&mut self.is_first_line) {
            line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        }
        if line.is_empty() {
            return self.end_event();
        }
        if self.is_skipping {
            return None;
        }
        let line = String::from_utf8_lossy(line);
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.name),
            "data" => {
                self.data += value;
                self.data.push('\n');
            }
            "id" if !value.contains('\0') => self.next_id = Some(value.to_owned()),
            "retry" if value.bytes().all(|byte| byte.is_ascii_digit()) => {
                let wait = value.parse().ok().map(Duration::from_millis);
                self.retry = wait.or(self.retry);
            }
            _ => {}
        }
        None
    }

    fn end_event(&mut self) -> Option<Event> {
        self.size = 0;
        self.last_id.clone_from(&self.next_id);
        let name = std::mem::take(&mut self.name);
        let mut data = std::mem::take(&mut self.data);
        let is_whole = !std::mem::take(&mut self.is_skipping);
        // Each data line ends with a line feed; the last one is not part of the data.
        if !is_whole || data.pop().is_none() {
            return None;
        }
        let name = match name.is_empty() {
            true => "message".to_owned(),
            false => name,
        };
        Some(Event { name, data })
    }
}

#[cfg(test)]
mod tests;
