// Writing messages in the room page, in a real browser; see demo.test.mjs for how to run it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { becomes, hidden, open as openPage, shown } from "./page.mjs";
import { demo } from "./running-demo.mjs";

const open = (t, options = {}) => openPage(t, demo.url, options);
const area = (page) => page.getByLabel("Message", { exact: true });
const entry = (page, text) => page.locator("#entries > .entry").filter({ hasText: text });
const live = (page) => page.locator("#connection").getByText("Live").waitFor({ state: "attached" });

test("an unsent text survives a reload and a visit to another page", async (t) => {
  const page = await open(t);
  await live(page);
  await area(page).fill("half a\nsentence");
  await page.reload();
  await becomes(() => area(page).inputValue(), "half a\nsentence");
  await page.getByRole("link", { name: "Integrations" }).click();
  await page.waitForURL(/integrations/);
  await page.goto(demo.url);
  await becomes(() => area(page).inputValue(), "half a\nsentence");
  const other = await open(t);
  await live(other);
  assert.equal(await area(other).inputValue(), "", "another tab has its own");

  await area(page).press("Enter");
  await shown(entry(page, "half a"));
  await becomes(() => area(page).inputValue(), "");
  await page.reload();
  await live(page);
  assert.equal(await area(page).inputValue(), "");
  assert.deepEqual(page.wrong, []);
});

test("a draft whose message arrived is cleared after a reload", async (t) => {
  const page = await open(t);
  // Without events, the page does not see its message.
  await page.route("**/events", (route) => route.abort());
  await page.reload();
  await page.route("**/timeline", async (route) => {
    await route.fetch();
    await route.abort();
  });
  await area(page).fill("arrived before the reload");
  await area(page).press("Enter");
  await shown(page.getByText("The message was not sent. Try again."));
  await page.unrouteAll();
  await page.reload();
  await shown(entry(page, "arrived before the reload"));
  await becomes(() => area(page).inputValue(), "");
  assert.equal(await entry(page, "arrived before the reload").count(), 1);
});

/** Pastes or drops onto the message field, as the browser does. Returns whether the page refused it. */
const give = (page, type, { file, text }) => area(page).evaluate((field, { type, file, text }) => {
  const data = new DataTransfer();
  if (file) data.items.add(new File(["content"], file, { type: "image/png" }));
  if (text) data.setData("text/plain", text);
  const options = { bubbles: true, cancelable: true };
  const event = type === "paste"
    ? new ClipboardEvent(type, { ...options, clipboardData: data })
    : new DragEvent(type, { ...options, dataTransfer: data });
  return !field.dispatchEvent(event);
}, { type, file, text });

for (const type of ["paste", "drop"]) {
  test(`to ${type} a file inserts nothing and says that files cannot be sent`, async (t) => {
    const page = await open(t);
    await live(page);
    await area(page).fill("see");
    const notice = page.getByRole("alert").getByText("Files cannot be sent here, only links to them.");
    assert.ok(!await give(page, type, { text: "words" }), "text is welcome");
    assert.equal(await notice.count(), 0);
    if (type === "paste") assert.ok(!await give(page, type, { text: "cells", file: "cells.png" }), "text with its picture too");
    if (type === "drop") assert.ok(await give(page, "dragover", { file: "cat.png" }), "the field accepts the drop");
    assert.equal(await notice.count(), 0);
    assert.ok(await give(page, type, { file: "cat.png" }));
    await shown(notice);
    assert.equal(await area(page).inputValue(), "see");
    assert.notEqual(await area(page).getAttribute("aria-invalid"), "true");
    await area(page).press("End");
    await area(page).pressSequentially(" this");
    await hidden(notice);
    assert.deepEqual(page.wrong, []);
  });
}
