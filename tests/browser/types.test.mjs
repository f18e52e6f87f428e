// The types of the JavaScript API: correct scripts compile, incorrect ones do not, and every function in the manual has
// a type.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const TYPES = at("../../glance-sdk/hipchat.d.ts");

/** Returns the compiler's messages about a script. */
function problems(source) {
  const options = { strict: true, noEmit: true, lib: ["lib.es2022.d.ts", "lib.dom.d.ts"], types: [] };
  const host = ts.createCompilerHost(options);
  const { getSourceFile } = host;
  host.getSourceFile = (name, ...more) => (name === "page.ts"
    ? ts.createSourceFile(name, source, ts.ScriptTarget.ES2022)
    : getSourceFile.call(host, name, ...more));
  const program = ts.createProgram([TYPES, "page.ts"], options, host);
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
}

test("the script of the manual compiles", async () => {
  const manual = await readFile(at("../../docs/pages.md"), "utf8");
  const script = manual.match(/```js\n(HipChat[^]*?)```/)[1];
  assert.deepEqual(problems(script), []);
});

test("values have types", () => {
  assert.deepEqual(problems(`
    HipChat.room.getRoomDetails((error, room) => { if (!error) document.title = room.name + room.id.toFixed(); });
    HipChat.room.getParticipants((error, { members }) => members.map((member) => member.presence.show));
    HipChat.dialog.open({ key: "ask", parameters: { a: 1 }, options: { size: "small" } });
    HipChat.dialog.update({ options: { hint: null } });
    HipChat.sidebar.openView({ key: "panel", urlTemplateValues: { id: 7 } });
    HipChat.register({
      "glance-update": (event) => console.log(event.module_key),
      "my-action": [(message: HipChat.ActionMessage) => console.log(message.body)],
    });
    AP.registerAny((event, answer) => console.log(event, answer._context.eventName));
    window.HipChat?.emit("saved");
  `), []);
});

test("mistakes are found", () => {
  for (const mistake of [
    `HipChat.room.getRoomDetail(() => {});`,
    `HipChat.room.getRoomDetails((error, room) => room.title);`,
    `HipChat.dialog.open({ options: {} });`,
    `HipChat.dialog.open({ key: "ask", options: { size: "huge" } });`,
    `HipChat.chat.appendMessage(7);`,
    `HipChat.register({ "glance-update": (event) => event.key });`,
  ]) {
    assert.equal(problems(mistake).length, 1, mistake);
  }
});

test("every function of the manual is there", async () => {
  const manual = await readFile(at("../../docs/pages.md"), "utf8");
  const listed = [...manual.matchAll(/`((?:auth|room|user|sidebar|dialog|chat|file)\.\w+)`/g)].map(([, name]) => name);
  const names = [...new Set(listed), "register", "emit"];
  assert.ok(names.length > 15, names.join());
  const uses = names.map((name) => `((_: Function) => {})(HipChat.${name});`);
  assert.deepEqual(problems(uses.join("\n")), []);
});
