// The message protocol between the room page and frames, with pages without the host's script, and dialogs' timers and
// lifetime.

import assert from "node:assert/strict";
import { test } from "node:test";
import { AddOn, call, frameOf, glance, hears, install, listen, makeRoom, open, openPanel, text } from "./add-on.mjs";
import { hidden, shown } from "./page.mjs";
import { demo } from "./running-demo.mjs";

const panel = (path) => (url) => ({
  webPanel: [{ key: "panel", name: text("Panel"), url: `${url}/page/${path}`, location: "hipchat.sidebar.right" }],
});

test("a page without the host's script can implement the message protocol itself", async (t) => {
  const addOn = await AddOn.start(t, "one", { capabilities: panel("bare") });
  const page = await open(t);
  await install(t, page, addOn);
  await glance(page, "Line of one").click();
  const heading = page.frameLocator("#panel-page iframe").getByRole("heading", { name: "/page/bare" });
  await shown(heading);
  const frame = page.frames().at(-1);
  const { extension_id: eid, api, origin } = JSON.parse(await frame.evaluate(() => window.name));
  assert.match(eid, /^one__panel__\w+$/);
  assert.deepEqual(api.auth, { withToken: { args: [] } });
  await frame.evaluate(({ eid, origin }) => {
    window.heard = [];
    addEventListener("message", (event) => {
      if (event.source === parent && event.origin === origin) window.heard.push(event.data);
    });
    window.say = (message) => parent.postMessage({ eid, ...message }, origin);
  }, { eid, origin });
  const say = (...messages) => frame.evaluate((messages) => messages.forEach(window.say), messages);
  const next = async () => {
    await frame.waitForFunction(() => window.heard.length > 0);
    return frame.evaluate(() => window.heard.shift());
  };
  const user = (more) => ({ type: "req", mod: "user", fn: "getCurrentUser", args: [], ...more });

  await say({ type: "init" });
  assert.deepEqual(await next(), { type: "key_listen", keycode: 27, action: "add" });

  // A message without a number gets no answer, and one with another frame's id is ignored.
  await say(user(), user({ mid: "not mine", eid: `${eid}x` }), user({ mid: "a" }));
  const { args: [error, value], ...answer } = await next();
  assert.deepEqual([answer, error, value.mention_name], [{ type: "resp", forPlugin: true, mid: "a" }, null, "You"]);
  await say(user({ mid: "b", fn: "toString" }), user({ mid: "c", mod: "constructor" }), user({ mid: "d", args: "none" }));
  const refused = [await next(), await next(), await next()];
  assert.deepEqual(refused.map(({ mid, args }) => [mid, args]), [
    ["b", ["This host has no such function"]],
    ["c", ["This host has no such function"]],
    ["d", ["The arguments are invalid"]],
  ]);

  // Events are queued by name until the page registers for them.
  const again = { type: "req", mid: "e", mod: "sidebar", fn: "openView", args: [{ key: "panel", parameters: { n: 1 } }] };
  await say(again);
  assert.deepEqual((await next()).args, [null, null]);
  await say({ type: "event_query", args: ["other"] }, { type: "event_query", args: ["receive-parameters"] });
  assert.deepEqual(await next(), { type: "evt", etyp: "receive-parameters", evnt: { n: 1 } });
  await say({ type: "key_triggered", keycode: 65 }, user({ mid: "f" }));
  assert.equal((await next()).mid, "f");
  await shown(heading);
  await say({ type: "key_triggered", keycode: 27 });
  await hidden(page.locator("#panel"));
  assert.deepEqual(page.wrong, []);
});

test("a page with Atlassian's library calls functions and receives and answers events", async (t) => {
  const addOn = await AddOn.start(t, "one", {
    capabilities: (url) => ({
      ...panel("library")(url),
      dialog: [{
        key: "plain", title: text("Plain"), url: `${url}/page/library/dialog`,
        options: { primaryAction: { name: text("Do it"), key: "do" } },
      }],
    }),
  });
  const page = await open(t);
  await install(t, page, addOn);
  await glance(page, "Line of one").click();
  const frame = await frameOf(page, addOn, "library");
  assert.equal((await call(frame, "user", "getCurrentUser")).value.mention_name, "You");
  assert.equal((await call(frame, "auth", "withToken")).value.split(".").length, 3);
  await call(frame, "dialog", "open", { key: "plain", parameters: { p: 1 } });
  const dialog = page.getByRole("dialog", { name: "Plain" });
  const inside = await frameOf(page, addOn, "library/dialog");
  await listen(inside, ["receive-parameters", "from-sibling"]);
  await hears(inside, ["receive-parameters", { p: 1 }]);
  await frame.evaluate(() => AP.broadcast("from-sibling", 2));
  await hears(inside, ["receive-parameters", { p: 1 }], ["from-sibling", 2]);

  // The library answers each event, which closes the dialog unless the page has answered before.
  await inside.evaluate(() => AP.register({
    "dialog-button-click": (event, closeDialog) => {
      if (window.heard.push(event.action) === 3) closeDialog(false);
    },
  }));
  const button = dialog.getByRole("button", { name: "Do it" });
  await button.click();
  await inside.waitForFunction(() => window.heard.at(-1) === "do");
  await call(inside, "user", "getCurrentUser");
  await shown(dialog);
  await button.click();
  await hidden(dialog);

  await frame.locator("h1").click();
  await page.keyboard.press("Escape");
  await hidden(page.locator("#panel"));
  assert.deepEqual(page.wrong, []);
});

test("a button closes a dialog whose page does not listen", async (t) => {
  const addOn = await AddOn.start(t, "one");
  const page = await open(t);
  await install(t, page, addOn);
  const frame = await openPanel(page, addOn);
  const dialog = page.getByRole("dialog", { name: "Full" });
  for (const name of ["Later", "Never"]) {
    await call(frame, "dialog", "open", { key: "full", urlTemplateValues: { job: { id: 1 } } });
    await frameOf(page, addOn, "full/1");
    await dialog.getByRole("button", { name }).click();
    await hidden(dialog);
  }
});

test("a dialog's filter event is debounced by 250 ms", async (t) => {
  const addOn = await AddOn.start(t, "one");
  const page = await open(t);
  await install(t, page, addOn);
  const frame = await openPanel(page, addOn);
  await call(frame, "dialog", "open", { key: "full", urlTemplateValues: { job: { id: 1 } } });
  const inside = await frameOf(page, addOn, "full/1");
  await listen(inside, ["dialog-filter-changed"]);
  await page.clock.install();
  await page.clock.pauseAt(Date.now() + 60_000);
  await page.getByPlaceholder("Find").focus();
  for (const letter of "abc") {
    await page.keyboard.press(letter);
    await page.clock.runFor(249);
  }
  await call(inside, "user", "getCurrentUser");
  assert.deepEqual(await inside.evaluate(() => window.heard), []);
  await page.clock.runFor(1);
  await hears(inside, ["dialog-filter-changed", { value: "abc" }]);
});

test("a dialog closes when its person changes the room", async (t) => {
  const addOn = await AddOn.start(t, "one");
  const page = await open(t);
  const other = await makeRoom(page, "Another room");
  await install(t, page, addOn);
  const frame = await openPanel(page, addOn);
  await call(frame, "dialog", "open", { key: "plain" });
  const inside = await frameOf(page, addOn, "plain");
  await inside.evaluate(() => HipChat.room.open("Another room"));
  await page.waitForURL(other);
  await shown(page.locator("#connection").getByText("Live"));
  assert.equal(await page.locator("dialog").count(), 0);
  assert.equal(await page.locator("#panel").isHidden(), true, "nor does the panel");
  await page.goto(demo.url);
  await frameOf(page, addOn, "panel");
  assert.equal(await page.locator("dialog").count(), 0);
});
