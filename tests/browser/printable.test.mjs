// Escaped foreign text in the inspector, without a browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { printable } from "../../glance-host/assets/room/printable.js";

test("control and bidirectional characters are escaped", () => {
  assert.equal(printable("a\u001b[2J\u202eb\u2066\u009b\r\u{e0001}"), "a\\u{1b}[2J\\u{202e}b\\u{2066}\\u{9b}\\u{d}\\u{e0001}");
  assert.equal(printable("हिन्दी 👩‍👧\n\tx"), "हिन्दी 👩‍👧\n\tx");
  assert.equal(printable(7), "7");
});
