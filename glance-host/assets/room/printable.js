// Escapes characters in foreign text that would change the direction of a line or stay invisible, as
// `glance_sdk::printable` does on the host.

const UNPRINTABLE = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/** Escapes control and bidirectional characters, except line feeds and tabs. */
export function printable(text) {
  return String(text).replace(UNPRINTABLE, (letter) => `\\u{${letter.codePointAt(0).toString(16)}}`);
}
