// The JavaScript API: calls and events of pages of two add-ons, each on an origin of its own.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AddOn, ICON, call, claims, frameOf, glance, hears, install, listen as listenTo, open, openPanel, text,
  uninstall, update,
} from "./add-on.mjs";
import { becomes, focused, hidden, serve, shown } from "./page.mjs";
import { demo } from "./running-demo.mjs";

const EVERY_EVENT = [
  "receive-parameters", "glance-update", "message-received", "dialog-filter-changed", "from-sibling", "ask", "take",
];

const listen = (frame, names = EVERY_EVENT) => listenTo(frame, names);

test("a page knows its host, keeps its origin, and gets only tokens of its own add-on", async (t) => {
  const [one, two] = [await AddOn.start(t, "one"), await AddOn.start(t, "two")];
  const page = await open(t, demo.url, { colorScheme: "dark" });
  await install(t, page, one);
  await install(t, page, two);
  const frame = await openPanel(page, one);
  const contract = JSON.parse(await frame.evaluate(() => window.name));
  assert.match(contract.extension_id, /^one__panel__[0-9a-f]{16}$/);
  assert.equal(contract.origin, new URL(demo.url).origin);
  const { globalOptions, hostFrameOffset, hostOrigin, ...options } = contract.options;
  assert.deepEqual([globalOptions, hostFrameOffset, hostOrigin, options], [{}, 1, contract.origin, {}]);
  assert.deepEqual(Object.keys(contract.api).sort(), ["auth", "chat", "dialog", "file", "room", "sidebar", "user"]);
  assert.equal(await frame.evaluate(() => self.origin), one.url);
  assert.ok(await frame.evaluate(() => { localStorage.setItem("a", "b"); return HipChat === AP && localStorage.getItem("a") === "b"; }));
  const element = page.locator("#panel-page iframe");
  assert.doesNotMatch(await element.getAttribute("sandbox"), /allow-top-navigation|allow-modals/);

  const first = await call(frame, "auth", "withToken");
  const second = await call(frame, "auth", "withToken");
  assert.equal(first.error, null);
  assert.notEqual(first.value, second.value, "each is made anew");
  assert.equal(claims(first.value).iss, one.installation.oauthId);
  assert.equal(claims(first.value).context.room_id, one.installation.roomId);
  assert.ok(!(await page.content()).includes(first.value));
  assert.ok(!page.url().includes("signed_request"));
  const [{ theme, signed, referer }] = one.heard;
  assert.equal(theme, "dark");
  assert.equal(claims(signed).iss, one.installation.oauthId);
  assert.equal(referer, undefined);

  await page.keyboard.press("Escape");
  const other = await openPanel(page, two);
  assert.equal(claims((await call(other, "auth", "withToken")).value).iss, two.installation.oauthId);

  await uninstall(two);
  await hidden(page.locator("#panel"));
  assert.deepEqual(page.wrong, []);
});

test("a page of a removed add-on gets no token", async (t) => {
  const addOn = await AddOn.start(t, "one");
  const page = await open(t);
  await install(t, page, addOn);
  const frame = await openPanel(page, addOn);
  await page.route("**/frames/token", (route) => route.fulfill({ status: 404, json: { error: "gone" } }));
  assert.deepEqual(await call(frame, "auth", "withToken"), { error: { message: "Unable to create token" } });
});

test("add-ons with the scope view_room can read the room and its people", async (t) => {
  const [may, mayNot] = [await AddOn.start(t, "one"), await AddOn.start(t, "two", { scopes: ["send_notification"] })];
  const page = await open(t);
  await install(t, page, may);
  await install(t, page, mayNot);
  let frame = await openPanel(page, may);
  const { value: details } = await call(frame, "room", "getRoomDetails");
  assert.deepEqual(Object.keys(details).sort(), ["id", "name", "privacy", "topic"]);
  assert.equal(details.id, may.installation.roomId);
  const { value: present } = await call(frame, "room", "getParticipants");
  assert.deepEqual(present.guests, []);
  assert.deepEqual(Object.keys(present.members[0]).sort(), ["email", "id", "is_admin", "mention_name", "name", "photo_url", "presence"]);
  const { value: user } = await call(frame, "user", "getCurrentUser");
  assert.equal(user.mention_name, "You");
  assert.equal(user.presence.show, "chat");
  assert.equal(user.is_guest, false);

  await page.keyboard.press("Escape");
  frame = await openPanel(page, mayNot);
  for (const [module, name] of [["room", "getRoomDetails"], ["room", "getParticipants"], ["user", "getCurrentUser"]]) {
    assert.deepEqual(await call(frame, module, name), { error: "The add-on needs the scope view_room for this" });
  }
});

test("unsupported functions and invalid arguments return errors", async (t) => {
  const addOn = await AddOn.start(t, "one");
  const page = await open(t);
  await install(t, page, addOn);
  const frame = await openPanel(page, addOn);
  const error = async (...args) => (await call(frame, ...args)).error;
  assert.equal(await error("chat", "addFileForUploadWithBase64", "data:,x", "x.txt"), "This host has no files");
  assert.equal(await error("file", "openInFileViewer", {}), "This host has no files");
  assert.equal(await error("user", "open", 1), "This host has no chats between two people");
  assert.match(await error("room", "create", {}), /people create rooms/);
  assert.match(await error("room", "invite", {}), /people invite others/);
  assert.match(await error("room", "open", {}), /needs the id or the name/);
  assert.match(await error("room", "open", "no such room"), /There is no room/);
  assert.match(await error("chat", "appendMessage", 1), /needs a text/);
  assert.match(await error("dialog", "open", "plain"), /needs the key/);
  assert.match(await error("dialog", "open", { key: "panel" }), /is not a dialog/);
  assert.match(await error("dialog", "open", { key: "gone" }), /has no panel, dialog or page/);
  assert.match(await error("dialog", "close"), /No dialog of this add-on/);
  assert.match(await error("dialog", "update", {}), /No dialog of this add-on/);
  assert.match(await error("sidebar", "openView", { key: "plain" }), /is neither a panel nor a glance/);
  assert.match(await error("sidebar", "openView"), /needs the key/);
  const big = await frame.evaluate(() => window.call("chat", "appendMessage", "x".repeat(300_000)));
  assert.equal(big.error, "The arguments are invalid");
  await shown(page.locator("#panel"));
  assert.deepEqual(page.wrong, []);
});

test("openView opens panels and glances with parameters, and closeView closes them", async (t) => {
  const [one, two] = [await AddOn.start(t, "one"), await AddOn.start(t, "two")];
  const page = await open(t);
  await install(t, page, one);
  await install(t, page, two);
  let frame = await openPanel(page, one);
  await frame.evaluate(() => HipChat.sidebar.openView({ key: "other", parameters: { n: [1, { a: null }] } }));
  frame = await frameOf(page, one, "other");
  await shown(page.locator("#panel-glance").getByText("The other", { exact: true }));
  await listen(frame);
  await hears(frame, ["receive-parameters", { n: [1, { a: null }] }]);
  // It is already open: its page receives the event and does not reload.
  await call(frame, "sidebar", "openView", { key: "other", parameters: 2 });
  await hears(frame, ["receive-parameters", { n: [1, { a: null }] }], ["receive-parameters", 2]);
  await call(frame, "sidebar", "openView", { key: "line" }).catch(() => {});
  frame = await frameOf(page, one, "panel");
  await shown(page.locator("#panel-glance").getByText("Line of one", { exact: true }));
  assert.equal((await call(frame, "sidebar", "openView", { key: "gone" })).error.includes("gone"), true);

  // It cannot open a panel of another add-on.
  assert.equal(two.heard.length, 0);
  await frame.evaluate(() => HipChat.sidebar.closeView());
  await hidden(page.locator("#panel"));
  await shown(glance(page, "Line of one"));
  assert.deepEqual(page.wrong, []);
});

test("a panel keeps a line on top while its add-on replaces its glance", async (t) => {
  const icon = { url: ICON, "url@2x": ICON };
  const turns = ["first", "second"].map((key) => ({
    key, name: text(`Glance ${key}`), icon, target: "panel",
    conditions: [{ condition: "glance_matches", params: { metadata: [{ attr: "shown", eq: true }] } }],
  }));
  const addOn = await AddOn.start(t, "one", {
    capabilities: () => ({ glance: turns }),
  });
  const page = await open(t);
  await install(t, page, addOn);
  const push = (key, shown) => addOn.pushData(key, { label: { type: "html", value: `The ${key}` }, metadata: { shown } });
  const top = (label) => page.locator("#panel-glance").getByText(label, { exact: true });
  await push("first", true);
  await glance(page, "The first").click();
  await shown(top("The first"));
  await push("first", false);
  await shown(top("The panel"));
  await push("second", true);
  await shown(top("The second"));
  await push("first", true);
  await shown(top("The first"));
  await push("first", false);
  await shown(top("The second"));
});

test("the open panel survives a reload until it is closed", async (t) => {
  const addOn = await AddOn.start(t, "one");
  const page = await open(t);
  await install(t, page, addOn);
  await openPanel(page, addOn);
  await page.reload();
  const frame = await frameOf(page, addOn, "panel");
  await shown(page.locator("#panel-glance").getByText("Line of one", { exact: true }));
  await frame.locator("h1").click();
  await page.keyboard.press("Escape");
  await hidden(page.locator("#panel"));
  await focused(glance(page, "Line of one"));
  await page.reload();
  await shown(glance(page, "Line of one"));
  await page.locator("#connection").getByText("Live").waitFor();
  await hidden(page.locator("#panel"));
});

test("a page can handle Escape itself", async (t) => {
  const addOn = await AddOn.start(t, "one");
  const page = await open(t);
  await install(t, page, addOn);
  const frame = await openPanel(page, addOn);
  await frame.evaluate(() => document.addEventListener("keydown", (event) => {
    event.preventDefault();
    window.heard.push(event.key);
  }));
  await frame.locator("h1").click();
  await page.keyboard.press("Escape");
  await hears(frame, "Escape");
  await call(frame, "user", "getCurrentUser");
  await shown(page.locator("#panel"));
});

test("frames receive pushes of their own add-on and events of its other pages", async (t) => {
  const [one, two] = [await AddOn.start(t, "one"), await AddOn.start(t, "two")];
  const page = await open(t);
  await install(t, page, one);
  await install(t, page, two);
  const frame = await openPanel(page, one);
  const following = page.waitForResponse((answer) => answer.url().endsWith("/frames") && answer.status() === 204);
  await call(frame, "dialog", "open", { key: "plain" });
  const dialog = await frameOf(page, one, "plain");
  await following;
  await listen(dialog);
  await two.push({ n: 1 });
  await one.push({ n: 2, deep: { a: [1] } });
  await one.push({ n: 3 }, "asks");
  // Events before a page registers are queued for it.
  await hears(dialog,
    ["glance-update", { addon_key: "one", module_key: "line", metadata: { n: 2, deep: { a: [1] } } }],
    ["glance-update", { addon_key: "one", module_key: "asks", metadata: { n: 3 } }]);
  await dialog.evaluate(() => AP.emit("from-sibling", { saved: true }));
  await listen(frame);
  await hears(frame,
    ["glance-update", { addon_key: "one", module_key: "line", metadata: { n: 2, deep: { a: [1] } } }],
    ["glance-update", { addon_key: "one", module_key: "asks", metadata: { n: 3 } }],
    ["from-sibling", { saved: true }]);
  assert.equal((await dialog.evaluate(() => window.heard)).length, 2, "who emits does not hear it");
});

test("old pages can require modules, register for all events and broadcast", async (t) => {
  const addOn = await AddOn.start(t, "one");
  const page = await open(t);
  await install(t, page, addOn);
  const frame = await openPanel(page, addOn);
  const required = await frame.evaluate(() => {
    const found = [];
    AP.require("dialog", (dialog) => found.push(typeof dialog.open));
    AP.require(["sidebar", "nothing", "room"], (...modules) => found.push(...modules.map((one) => typeof one)));
    return found;
  });
  assert.deepEqual(required, ["function", "object", "undefined", "object"]);

  // A button of such a page works.
  await frame.evaluate(() => {
    const button = Object.assign(document.createElement("button"), { textContent: "Open" });
    button.onclick = () => AP.require(["dialog"], (dialog) => dialog.open({ key: "plain" }));
    document.body.append(button);
    AP.registerAny((value, answer) => window.heard.push([answer._context.eventName, value]));
  });
  await frame.getByRole("button", { name: "Open" }).click();
  const dialog = await frameOf(page, addOn, "plain");
  await dialog.evaluate(() => AP.broadcast("picked", { n: 1 }));
  await hears(frame, ["picked", { n: 1 }]);
  assert.match(await dialog.evaluate(() => { try { AP.broadcast(1); } catch (error) { return error.message; } }), /must be string/);
  await page.keyboard.press("Escape");
  await hidden(page.getByRole("dialog"));

  // A page that registers for all events and answers none keeps no dialog open.
  await call(frame, "dialog", "open", { key: "full", urlTemplateValues: { job: { id: 7 } } });
  const full = await frameOf(page, addOn, "full/7");
  await full.evaluate(() => AP.registerAny([() => {}]));
  await page.getByRole("dialog").getByRole("button", { name: "Later" }).click();
  await hidden(page.getByRole("dialog"));
  assert.deepEqual(page.wrong, []);
});

for (const colorScheme of ["light", "dark"]) {
  test(`the style sheet makes an old page readable, ${colorScheme}`, async (t) => {
    const page = await open(t, demo.url, { colorScheme });
    const sheet = new URL("/atlassian-connect/all.css", demo.url).href;
    const origin = await serve(t, (request, response) => response.setHeader("content-type", "text/html").end(
      `<!doctype html><link rel="stylesheet" href="${sheet}" crossorigin><h1>Title</h1><p>Words <a href="#">link</a></p>
        <form><label for="a">Name</label><input id="a"><button class="aui-button aui-button-primary">Save</button></form>
        <div class="aui-message error"><p class="title">No</p></div><span class="aui-lozenge aui-lozenge-success">Done</span>
        <table class="aui"><tr><th>a</th><td>b</td></tr></table>`,
    ));
    await page.goto(origin);
    const looks = await page.evaluate(() => {
      const lightness = (color) => color.match(/[\d.]+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0);
      const { color, backgroundColor } = getComputedStyle(document.body);
      return { text: lightness(color), back: lightness(backgroundColor), wide: document.documentElement.scrollWidth <= innerWidth };
    });
    assert.equal(looks.text < looks.back, colorScheme === "light", JSON.stringify(looks));
    assert.ok(Math.abs(looks.text - looks.back) > 400, "enough contrast");
    assert.ok(looks.wide);
  });
}

test("queued events expire", async (t) => {
  const addOn = await AddOn.start(t, "one");
  const page = await open(t);
  await install(t, page, addOn);
  const frame = await openPanel(page, addOn);
  await page.clock.install();
  await call(frame, "sidebar", "openView", { key: "panel", parameters: "old" });
  await page.clock.fastForward(31_000);
  await call(frame, "sidebar", "openView", { key: "panel", parameters: "new" });
  await listen(frame);
  await hears(frame, ["receive-parameters", "new"]);
});

test("a dialog shows its declared options, and its buttons ask the page", async (t) => {
  const addOn = await AddOn.start(t, "one");
  const page = await open(t);
  await install(t, page, addOn);
  const frame = await openPanel(page, addOn);
  await call(frame, "dialog", "open", { key: "full", urlTemplateValues: { job: { id: "a/b c" } }, parameters: { p: 1 } });
  const dialog = page.getByRole("dialog", { name: "Full" });
  const inside = await frameOf(page, addOn, "full/a%2Fb%20c");
  assert.equal(await dialog.getAttribute("data-style"), "warning");
  const size = () => dialog.evaluate((element) => [element.offsetWidth, element.querySelector(".page").offsetHeight]);
  await becomes(size, [500, 350]);
  await shown(dialog.getByText("A hint"));
  assert.ok(await dialog.getByRole("button", { name: "Do it" }).isDisabled());

  await listen(inside);
  await hears(inside, ["receive-parameters", { p: 1 }]);
  await dialog.getByPlaceholder("Find").pressSequentially("abc");
  await hears(inside, ["receive-parameters", { p: 1 }], ["dialog-filter-changed", { value: "abc" }]);

  await inside.evaluate(() => HipChat.register({
    "dialog-button-click": (event, closeDialog) => { window.heard.push(event); window.closeDialog = closeDialog; },
  }));
  await call(inside, "dialog", "updatePrimaryAction", { enabled: true, name: "Do it now" });
  await dialog.getByRole("button", { name: "Do it now" }).click();
  await inside.waitForFunction(() => window.closeDialog);
  assert.deepEqual(await inside.evaluate(() => window.heard.at(-1)), { action: "do" });
  await inside.evaluate(() => window.closeDialog(false));
  await dialog.getByRole("button", { name: "Later" }).click();
  await inside.waitForFunction(() => window.heard.at(-1).action === "later");
  await inside.evaluate(() => window.closeDialog(false));
  await shown(dialog);

  await call(inside, "dialog", "update", { title: "<b>New</b>", options: { size: { height: "200px" }, hint: "<i>h</i>", filter: null, secondaryActions: [] } });
  const renamed = page.getByRole("dialog", { name: "<b>New</b>" });
  await shown(renamed.getByText("<i>h</i>", { exact: true }));
  await becomes(() => renamed.evaluate((element) => [element.offsetWidth, element.querySelector(".page").offsetHeight]), [500, 200]);
  await hidden(renamed.getByRole("searchbox"));
  assert.equal(await renamed.getByRole("button").count(), 2, "the sign that closes it, and the primary action");
  await inside.evaluate(() => window.closeDialog(true));
  await shown(renamed);
  await renamed.getByRole("button", { name: "Do it now" }).click();
  await inside.waitForFunction(() => window.heard.at(-1).action === "do");
  await inside.evaluate(() => window.closeDialog());
  await hidden(renamed);
  assert.deepEqual(page.wrong, []);
});

test("a dialog closes by its buttons, Escape and its page, and only one is open", async (t) => {
  const [one, two] = [await AddOn.start(t, "one"), await AddOn.start(t, "two")];
  const page = await open(t);
  await install(t, page, one);
  await install(t, page, two);
  const dialog = page.locator("dialog");
  const line = glance(page, "Asks of one");

  await line.click();
  let inside = await frameOf(page, one, "plain");
  assert.equal(JSON.parse(await inside.evaluate(() => window.name)).options.size, "small", "of the glance's target");
  await becomes(() => dialog.evaluate((element) => element.offsetWidth), 400);
  await dialog.getByRole("button", { name: "Close", exact: true }).click();
  await hidden(dialog);
  await focused(line);

  await line.press("Enter");
  await frameOf(page, one, "plain");
  await page.keyboard.press("Escape");
  await hidden(dialog);
  await focused(line);

  await line.click();
  inside = await frameOf(page, one, "plain");
  await inside.locator("h1").click();
  await page.keyboard.press("Escape");
  await hidden(dialog);

  await line.click();
  inside = await frameOf(page, one, "plain");
  await inside.evaluate(() => HipChat.dialog.close());
  await hidden(dialog);

  // The panel's page opens one dialog and replaces it; a page of the other add-on cannot change it.
  const frame = await openPanel(page, two);
  await call(frame, "dialog", "open", { key: "plain" });
  await frameOf(page, two, "plain");
  await call(frame, "dialog", "open", { key: "full", options: { size: "xlarge", secondaryActions: null } });
  await frameOf(page, two, "full/");
  await becomes(() => dialog.evaluateAll((all) => all.map((element) => element.offsetWidth)), [980]);
  await uninstall(two);
  await hidden(dialog);
  await hidden(page.locator("#panel"));
  assert.deepEqual(page.wrong, []);
});

test("an add-on cannot touch the dialog of another", async (t) => {
  const [one, two] = [await AddOn.start(t, "one"), await AddOn.start(t, "two")];
  const page = await open(t);
  await install(t, page, one);
  await install(t, page, two);
  const frame = await openPanel(page, one);
  await page.evaluate(async () => {
    const { requestTarget, show } = await import(new URL("room/target.js", document.querySelector("script[type=module]").src));
    show(await requestTarget({ addOn: "two", key: "plain" }));
  });
  await frameOf(page, two, "plain");
  for (const [name, ...args] of [["close"], ["update", { title: "x" }], ["updatePrimaryAction", {}]]) {
    assert.match((await call(frame, "dialog", name, ...args)).error, /No dialog of this add-on is open/);
  }
  assert.match((await call(frame, "dialog", "open", { key: "plain" })).error, /another add-on is open/);
  await shown(page.getByRole("dialog", { name: "Plain" }));
});

test("an external page opens signed in a separate window without a reference to this one", async (t) => {
  const addOn = await AddOn.start(t, "one");
  const page = await open(t);
  await install(t, page, addOn);
  const [tab] = await Promise.all([page.waitForEvent("popup"), glance(page, "Leaves of one").click()]);
  await tab.waitForURL(`${addOn.url}/page/outside?*`);
  assert.equal(await tab.evaluate(() => window.opener), null);
  const { signed, theme, referer } = addOn.heard.at(-1);
  assert.equal(claims(signed).iss, addOn.installation.oauthId);
  assert.equal(theme, null);
  assert.equal(referer, undefined);
});

test("a frame on another origin neither sends nor receives messages", async (t) => {
  const [one, stranger] = [await AddOn.start(t, "one"), await AddOn.start(t, "stranger")];
  const page = await open(t);
  await install(t, page, one);
  let frame = await openPanel(page, one);
  await frame.evaluate((url) => { location.href = url; }, `${stranger.url}/page/panel`);
  frame = await frameOf(page, stranger, "panel");
  const asked = [];
  page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await frame.evaluate(() => {
    window.addEventListener("message", ({ data }) => window.heard.push(data));
    HipChat.auth.withToken(() => window.heard.push("token"));
    HipChat.sidebar.closeView();
  });
  // The page still works, and has handled earlier messages, because messages arrive in order.
  await page.evaluate(() => new Promise((resolve) => {
    addEventListener("message", resolve, { once: true });
    postMessage({ type: "req", eid: "x", mod: "sidebar", fn: "closeView", args: [] }, origin);
  }));
  assert.deepEqual(await frame.evaluate(() => window.heard), []);
  assert.deepEqual(asked.filter((path) => path.includes("/frames/")), []);
  await shown(page.locator("#panel"));
});

test("a page of the host's own origin gets neither that origin nor the API", async (t) => {
  const own = new URL(demo.url).origin;
  const addOn = await AddOn.start(t, "one", {
    capabilities: () => ({ webPanel: [{ key: "panel", name: { value: "Own" }, url: `${own}/assets/icon.svg`, location: "hipchat.sidebar.right", authentication: "none" }] }),
  });
  const page = await open(t);
  await install(t, page, addOn);
  await glance(page, "Line of one").click();
  const element = page.locator("#panel-page iframe");
  await shown(element);
  assert.doesNotMatch(await element.getAttribute("sandbox"), /allow-same-origin/);
  assert.equal(await element.getAttribute("name"), null);
  assert.equal(await element.evaluate((frame) => frame.contentDocument), null);
});

test("a page that floods the bridge is ignored, and others still work", async (t) => {
  const [one, two] = [await AddOn.start(t, "one"), await AddOn.start(t, "two")];
  const page = await open(t);
  await install(t, page, one);
  await install(t, page, two);
  const frame = await openPanel(page, one);
  let asked = 0;
  page.on("request", (request) => { if (request.url().endsWith("/frames/user")) asked += 1; });
  await frame.evaluate(() => { for (let i = 0; i < 5000; i++) HipChat.user.getCurrentUser(() => window.heard.push(i)); });
  // At most 20 calls run at once and 100 are accepted; the rest get an error or no answer.
  await frame.waitForFunction(() => window.heard.length >= 20);
  await page.getByRole("button", { name: "Close the panel" }).click();
  const other = await openPanel(page, two);
  assert.equal((await call(other, "user", "getCurrentUser")).value.mention_name, "You");
  assert.ok(asked <= 120, `${asked} calls reached the host`);
});

test("the debug script logs all messages to the console", async (t) => {
  const addOn = await AddOn.start(t, "one", {
    capabilities: (url) => ({ webPanel: [{ key: "panel", name: { value: "Debug" }, url: `${url}/page/debug`, location: "hipchat.sidebar.right" }] }),
  });
  const page = await open(t);
  const said = [];
  page.on("console", (message) => said.push(message.text()));
  await install(t, page, addOn);
  await glance(page, "Line of one").click();
  const frame = await frameOf(page, addOn, "debug");
  await call(frame, "user", "getCurrentUser");
  for (const way of ["to", "from"]) await becomes(() => said.some((line) => line.startsWith(`HipChat ${way} the host`)), true);
});

test("the open panel reloads when its add-on changed it", async (t) => {
  let name = "First";
  const addOn = await AddOn.start(t, "one", {
    capabilities: (url) => ({ webPanel: [{ key: "panel", name: { value: name }, url: `${url}/page/panel`, location: "hipchat.sidebar.right" }] }),
  });
  const page = await open(t);
  await install(t, page, addOn);
  await openPanel(page, addOn);
  for (name of ["Second", "Third"]) {
    const opened = addOn.heard.length;
    await update(addOn);
    await becomes(() => addOn.heard.length, opened + 1);
    await frameOf(page, addOn, "panel");
    assert.equal(await page.locator("#panel-page iframe").count(), 1);
  }
  assert.deepEqual(page.wrong, []);
});

test("the page works without session storage", async (t) => {
  const page = await open(t);
  await page.addInitScript(() => {
    Object.defineProperty(window, "sessionStorage", { get() { throw new DOMException("denied", "SecurityError"); } });
  });
  await page.reload();
  await shown(page.locator("#connection").getByText("Live"));
  await page.locator("#inspect").click();
  await shown(page.getByRole("region", { name: "Inspector" }));
  assert.deepEqual(page.wrong, []);
});

test("the open panel closes with the removal of its add-on and reloads after its update", async (t) => {
  const addOn = await AddOn.start(t, "one");
  const page = await open(t);
  await install(t, page, addOn);
  const frame = await openPanel(page, addOn);
  await frame.evaluate(() => { window.marker = "same page"; });
  await addOn.call("PUT", `room/${addOn.installation.roomId}/extension/action/late`, {
    key: "late", name: { value: "Late" }, location: "hipchat.input.action", target: "plain",
  });
  await page.waitForFunction(async () => (await import(new URL("room/actions.js", document.querySelector("script[type=module]").src))).inputMenu().hidden === false);
  assert.equal(await frame.evaluate(() => window.marker), "same page");
});

const ACTIONS = () => ({
  action: [
    { key: "take", name: { value: "Take it" }, location: "hipchat.message.action", target: "plain" },
    { key: "first", name: { value: "First" }, location: "hipchat.message.action", target: "panel", weight: 1 },
    {
      key: "card", name: { value: "Of a card" }, location: "hipchat.message.action", target: "full",
      conditions: [{ condition: "card_matches", params: { metadata: [{ attr: "kind", eq: "job" }] } }],
    },
    { key: "ask", name: { value: "Ask" }, location: "hipchat.input.action", target: "line" },
    {
      key: "never", name: { value: "Never" }, location: "hipchat.input.action", target: "panel",
      conditions: [{ condition: "user_is_guest" }],
    },
  ],
});

async function write(page, text) {
  await page.getByRole("textbox", { name: "Message" }).fill(text);
  await page.keyboard.press("Enter");
  const entry = page.locator(".entry").filter({ hasText: text }).last();
  await shown(entry);
  return entry;
}

test("actions appear at messages and beside the message field, and their pages receive the message", async (t) => {
  const addOn = await AddOn.start(t, "one", { capabilities: ACTIONS });
  const page = await open(t);
  await install(t, page, addOn);
  const entry = await write(page, `Hello ${Date.now()}`);
  const more = entry.getByRole("button", { name: "More actions" });
  const items = page.getByRole("menuitem");

  await more.focus();
  await page.keyboard.press("ArrowDown");
  await shown(items.first());
  assert.deepEqual(await items.allInnerTexts(), ["First", "Take it"]);
  await focused(items.first());
  await page.keyboard.press("ArrowUp");
  await focused(items.last());
  await page.keyboard.press("Escape");
  await hidden(items.first());
  await focused(more);
  await page.keyboard.press("Enter");
  await page.keyboard.press("End");
  await shown(items.last());
  await items.last().press("Enter");
  const dialog = await frameOf(page, addOn, "plain");
  await listen(dialog, ["take"]);
  await dialog.waitForFunction(() => window.heard.length > 0);
  const [[event, message]] = await dialog.evaluate(() => window.heard);
  assert.equal(event, "take");
  assert.match(message.body, /^Hello /);
  assert.deepEqual({ ...message, body: "", mid: "" }, {
    body: "", mid: "", type: "message", metadata: {}, sender: { id: 1, name: "You", mention: "You" },
  });
  await page.keyboard.press("Escape");
  await hidden(page.getByRole("dialog"));

  await addOn.call("POST", `room/${addOn.installation.roomId}/notification`, {
    message: "Job 7", message_format: "text",
    card: { style: "application", id: "7", title: "Job 7", metadata: { kind: "job", id: 7 } },
  });
  const told = page.locator(".entry").filter({ hasText: "Job 7" }).last();
  await told.hover();
  await told.getByRole("button", { name: "More actions" }).click();
  await shown(items.first());
  assert.deepEqual(await items.allInnerTexts(), ["First", "Of a card", "Take it"]);
  await page.getByRole("heading", { level: 1 }).click();
  await hidden(items.first());

  const actions = page.locator("#composer").getByRole("button", { name: "Actions" });
  await actions.click();
  await shown(items.first());
  assert.deepEqual(await items.allInnerTexts(), ["Ask"]);
  await items.first().click();
  const panel = await frameOf(page, addOn, "panel");
  await shown(page.locator("#panel-glance").getByText("Line of one", { exact: true }));
  await listen(panel, ["ask"]);
  await hears(panel, ["ask", {}]);

  // Another action appears without a reload.
  await addOn.call("PUT", `room/${addOn.installation.roomId}/extension/action/late`, {
    key: "late", name: { value: "Late" }, location: "hipchat.input.action", target: "plain", weight: 1,
  });
  for (;;) {
    await actions.click();
    await shown(items.first());
    if ((await items.allInnerTexts()).length > 1) break;
    await page.keyboard.press("Escape");
  }
  assert.deepEqual(await items.allInnerTexts(), ["Late", "Ask"]);
  await page.keyboard.press("Escape");
  await uninstall(addOn);
  await hidden(actions);
  await hidden(page.locator("#panel"));
  await hidden(page.getByRole("button", { name: "More actions" }));
  assert.deepEqual(page.wrong, []);
});

test("a page appends to the message field and receives an event for new messages", async (t) => {
  const addOn = await AddOn.start(t, "one");
  const page = await open(t);
  await install(t, page, addOn);
  const frame = await openPanel(page, addOn);
  await listen(frame);
  assert.deepEqual(await call(frame, "chat", "appendMessage", "Hello <b>you</b>"), { error: null, value: null });
  await call(frame, "chat", "focus");
  const field = page.getByRole("textbox", { name: "Message" });
  await becomes(() => field.inputValue(), "Hello <b>you</b>");
  await focused(field);
  await field.press("Enter");
  await hears(frame, ["message-received", {}]);
});
