// Server-sent events over `fetch`: unlike an EventSource, it can send an Authorization header, and returns refusals.

/** The timeout of a silent stream, in milliseconds: the host sends something every 15 seconds. */
const SILENCE_TIMEOUT = 45_000;

/** The maximum size of an event in UTF-16 units: larger than any event of the host. */
const MAX_EVENT = 64 * 1024 * 1024;

/**
 * Reads events until the stream ends, and calls `listener(name, value)` for each, and `onId(id)` for each new id of the
 * last event. Throws if the host cannot be reached; returns the response, also if it is a refusal.
 */
export async function readEvents(url, headers, signal, listener, onId) {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENCE_TIMEOUT);
  try {
    const answer = await fetch(url, {
      headers: { Accept: "text/event-stream", ...headers },
      cache: "no-store",
      signal: AbortSignal.any([signal, silence.signal]),
    });
    if (!answer.ok) return answer;
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    const parser = new EventParser(listener, onId);
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return answer;
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_TIMEOUT);
      parser.push(value);
    }
  } finally {
    clearTimeout(timer);
  }
}

/** Parses a stream of events, as the HTML standard defines it; chunks may end anywhere. */
export class EventParser {
  #listener;
  #onId;
  #id = null;
  #line = "";
  #afterReturn = false;
  #name = "";
  #data = [];
  #size = 0;

  constructor(listener, onId = () => {}) {
    this.#listener = listener;
    this.#onId = onId;
  }

  push(chunk) {
    if (chunk === "") return;
    if (this.#afterReturn && chunk.startsWith("\n")) chunk = chunk.slice(1);
    const end = /\r\n|\r|\n/g;
    let start = 0;
    for (let match = end.exec(chunk); match; match = end.exec(chunk)) {
      this.#append(chunk.slice(start, match.index));
      start = end.lastIndex;
      this.#endLine();
    }
    this.#afterReturn = chunk.endsWith("\r");
    this.#append(chunk.slice(start));
  }

  #append(text) {
    this.#size += text.length;
    if (this.#size > MAX_EVENT) throw new Error("an event is too large");
    this.#line += text;
  }

  #endLine() {
    const line = this.#line;
    this.#line = "";
    if (line === "") return this.#endEvent();
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#name = value;
    else if (field === "data") this.#data.push(value);
    else if (field === "id" && !value.includes("\0")) this.#id = value;
  }

  #endEvent() {
    const name = this.#name || "message";
    const data = this.#data.join("\n");
    this.#name = "";
    this.#data = [];
    this.#size = 0;
    if (data !== "") this.#listener(name, JSON.parse(data));
    // Afterwards: an event that was not handled is sent again.
    if (this.#id !== null) this.#onId(this.#id);
    this.#id = null;
  }
}
