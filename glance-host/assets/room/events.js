// Server-sent events over `fetch`: unlike an EventSource it can say in a header who asks, and what
// an answer that is no stream was.

/** How long a stream may be silent: the host says something every 15 seconds. */
const LONGEST_SILENCE = 45_000;

/** How many UTF-16 units an event may have: more than any of the host's. */
const LONGEST_EVENT = 64 * 1024 * 1024;

/**
 * Reads events until the stream ends, and calls `listener(name, value)` with each. Throws where the
 * host cannot be reached; returns the answer where it is a refusal.
 */
export async function read(address, headers, signal, listener) {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), LONGEST_SILENCE);
  try {
    const answer = await fetch(address, {
      headers: { Accept: "text/event-stream", ...headers },
      cache: "no-store",
      signal: AbortSignal.any([signal, silence.signal]),
    });
    if (!answer.ok) return answer;
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    const parser = new Parser(listener);
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return answer;
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), LONGEST_SILENCE);
      parser.take(value);
    }
  } finally {
    clearTimeout(timer);
  }
}

/** Splits a stream into events, as the HTML standard says: chunks may end anywhere. */
export class Parser {
  #listener;
  #line = "";
  #afterReturn = false;
  #name = "";
  #data = [];
  #size = 0;

  constructor(listener) {
    this.#listener = listener;
  }

  take(chunk) {
    if (chunk === "") return;
    if (this.#afterReturn && chunk.startsWith("\n")) chunk = chunk.slice(1);
    const end = /\r\n|\r|\n/g;
    let start = 0;
    for (let match = end.exec(chunk); match; match = end.exec(chunk)) {
      this.#keep(chunk.slice(start, match.index));
      start = end.lastIndex;
      this.#endLine();
    }
    this.#afterReturn = chunk.endsWith("\r");
    this.#keep(chunk.slice(start));
  }

  #keep(text) {
    this.#size += text.length;
    if (this.#size > LONGEST_EVENT) throw new Error("an event is too large");
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
  }

  #endEvent() {
    const name = this.#name || "message";
    const data = this.#data.join("\n");
    this.#name = "";
    this.#data = [];
    this.#size = 0;
    if (data !== "") this.#listener(name, JSON.parse(data));
  }
}
