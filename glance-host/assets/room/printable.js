// Text of others where it is shown as text: what would change the direction of a line, or stay unseen,
// is written as an escape. The host does the same in `glance_sdk::printable`.

const ACTS = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/** The text with control and bidirectional characters escaped; line feeds and tabs stay. */
export function printable(text) {
  return String(text).replace(ACTS, (letter) => `\\u{${letter.codePointAt(0).toString(16)}}`);
}
