// Server-sent events over `fetch`: unlike an EventSource it can say in a header who asks, and what
// an answer that is no stream was.

/** How long a stream may be silent: the host says something every 15 seconds. */
const LONGEST_SILENCE = 45_000;

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
    let unread = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return answer;
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), LONGEST_SILENCE);
      const blocks = (unread + value).split("\n\n");
      unread = blocks.pop();
      for (const block of blocks) {
        const { name, data } = parse(block);
        if (data !== "") listener(name, JSON.parse(data));
      }
    }
  } finally {
    clearTimeout(timer);
  }
}

function parse(block) {
  let name = "message";
  let data = "";
  for (const line of block.split("\n")) {
    if (line.startsWith("event: ")) name = line.slice(7);
    else if (line.startsWith("data: ")) data += line.slice(6);
  }
  return { name, data };
}
