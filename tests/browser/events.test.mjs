// The room page's parser of events, without a browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { EventParser } from "../../glance-host/assets/room/events.js";

const STREAM = ':)\n\nevent: update\nid: 7\ndata: {"a":"ä😀"}\n\n:thump\n\r\nevent: delete\r\ndata: 110\r\n\r\n'
  + "event: nothing\n\ndata:[1,\rdata: 2]\r\rdata\n\ndatax: 3\ndata: 4\n\nevent: cut\ndata: 5\n";

function read(...chunks) {
  const events = [];
  const parser = new EventParser((name, value) => events.push([name, value]));
  for (const chunk of chunks) parser.push(chunk);
  return events;
}

test("events are parsed as in the standard, wherever chunks end", () => {
  const expected = [["update", { a: "ä😀" }], ["delete", 110], ["message", [1, 2]], ["message", 4]];
  assert.deepEqual(read(STREAM), expected);
  for (let one = 0; one <= STREAM.length; one += 1) {
    assert.deepEqual(read(STREAM.slice(0, one), STREAM.slice(one)), expected, `cut at ${one}`);
    assert.deepEqual(read(STREAM.slice(0, one), "", STREAM.slice(one, one + 1), STREAM.slice(one + 1)), expected);
  }
});

test("the id of the last event is known after the event, also without data", () => {
  const seen = [];
  const parser = new EventParser((name, value) => seen.push([name, value]), (id) => seen.push(id));
  for (const char of "id: 1\nevent: a\ndata: 1\n\ndata: 2\n\nid: 2\n\n:\n\nid: x\0\n\nid: cut\ndata: 3\n") parser.push(char);
  assert.deepEqual(seen, [["a", 1], "1", ["message", 2], "2"]);
});

test("an event that is too large ends the stream", () => {
  const parser = new EventParser(() => {});
  assert.throws(() => {
    for (let index = 0; index < 65; index += 1) parser.push("x".repeat(1024 * 1024));
  }, /too large/);
});
