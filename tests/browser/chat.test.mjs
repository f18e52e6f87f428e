// Writing messages in the room page, in a real browser; see demo.test.mjs for how to run it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { becomes, focused, hidden, isWide, open as openPage, shown } from "./page.mjs";
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

/** Sends a message as a person does, and returns its body. */
async function say(page, text, shownText = text) {
  await area(page).fill(text);
  await area(page).press("Enter");
  await shown(entry(page, shownText).last());
  return entry(page, shownText).last().locator(".body");
}

for (const colorScheme of ["light", "dark"]) {
  test(`code in messages has neither links nor mentions, ${colorScheme}`, async (t) => {
    const page = await open(t, { colorScheme, viewport: { width: 320, height: 640 } });
    await live(page);
    const inline = await say(page, `${colorScheme}: run \`@You https://a.example\` or \`\` a\`b \`\`, a lone \` @You https://b.example`, `${colorScheme}: run`);
    assert.deepEqual(await inline.locator("code").allTextContents(), ["@You https://a.example", "a`b"]);
    assert.equal(await inline.textContent(), `${colorScheme}: run @You https://a.example or a\`b, a lone \` @You https://b.example`);
    assert.deepEqual(await inline.getByRole("link").allTextContents(), ["https://b.example"]);
    assert.deepEqual(await inline.locator(".mention").allTextContents(), ["@You"]);

    const long = "x".repeat(200);
    const block = await say(page, `${colorScheme} block:\n\`\`\`rust\nlet a = \`1\`;\n\n  // @You ${long}\n\`\`\`\nthe end @You\n\`\`\`\nnever closed`, `${colorScheme} block`);
    assert.deepEqual(await block.locator("pre > code").allTextContents(), [`let a = \`1\`;\n\n  // @You ${long}`]);
    assert.match(await block.innerText(), /block:\n+let a[^]*x\n+the end @You\n```\nnever closed$/);
    assert.equal(await block.locator(".mention").count(), 1);
    const code = block.locator("pre > code");
    assert.match(await code.evaluate((element) => getComputedStyle(element).fontFamily), /monospace/);
    await isWide(page, 320);

    const quiet = await say(page, `${colorScheme} only \`@You\``, `${colorScheme} only`);
    const isForMe = (body) => body.evaluate((element) => element.closest(".entry").classList.contains("for-me"));
    assert.deepEqual([await isForMe(quiet), await isForMe(block)], [false, true]);
    const contrast = await code.evaluate((element) => {
      const context = document.createElement("canvas").getContext("2d");
      const luminance = (color) => {
        context.fillStyle = color;
        context.fillRect(0, 0, 1, 1);
        const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data].map((value) => ((value / 255 + .055) / 1.055) ** 2.4);
        return .2126 * r + .7152 * g + .0722 * b;
      };
      const { color, backgroundColor } = getComputedStyle(element);
      const [low, high] = [luminance(color), luminance(backgroundColor)].sort((a, b) => a - b);
      return (high + .05) / (low + .05);
    });
    assert.ok(contrast > 4.5, `${contrast}`);
    assert.deepEqual(page.wrong, []);
  });
}

test("backticks without an end are text", async (t) => {
  const page = await open(t);
  await live(page);
  const hostile = [
    "`".repeat(900),
    Array.from({ length: 40 }, (_, n) => "`".repeat(n + 1)).join("x"),
    "```x\n".repeat(200),
    "a``b`c```d",
  ];
  for (const [at, text] of hostile.entries()) {
    const body = await say(page, `open ${at}:\n${text}`, `open ${at}:`);
    assert.equal(await body.textContent(), `open ${at}:\n${text}`);
    assert.equal(await body.locator("code").count(), 0);
  }
  // The host limits a message; the time of the page's part must not depend on that.
  const lengths = await page.evaluate(async (url) => {
    const { textWithCode } = await import(url);
    return ["`x".repeat(200_000), "```x\n".repeat(200_000), "```\n".repeat(200_000), Array.from({ length: 1500 }, (_, n) => "`".repeat(n + 1)).join("x").repeat(2)]
      .map((text) => textWithCode(text, [], null).length > 0);
  }, await page.locator("script[src$='room.js']").evaluate((script) => new URL("room/markup.js", script.src).href));
  assert.deepEqual(lengths, [true, true, true, true]);
  assert.deepEqual(page.wrong, []);
});

/** The names that a test types are those of people whom it adds to the answers of the host. */
async function addPeople(page, names) {
  await page.route("**/people?starts=*", async (route) => {
    const starts = new URL(route.request().url()).searchParams.get("starts").toLowerCase();
    const added = names.map((name) => ({ name, mention: name.replaceAll(" ", "") }));
    const people = await (await route.fetch()).json();
    await route.fulfill({ json: [...people, ...added.filter(({ mention }) => mention.toLowerCase().startsWith(starts))] });
  });
}

const options = (page) => page.getByRole("listbox", { name: "People" }).getByRole("option");
const chosen = (page) => page.getByRole("option", { selected: true });

test("people to mention are chosen by keyboard", async (t) => {
  const page = await open(t);
  await live(page);
  await addPeople(page, ["Yolanda Li", "Yoko", "Zed"]);
  await area(page).pressSequentially("mail me@yo and (@");
  await area(page).pressSequentially("YO");
  await becomes(() => options(page).allInnerTexts(), ["You @You", "Yolanda Li @YolandaLi", "Yoko @Yoko"]);
  const field = page.getByRole("combobox", { name: "Message", expanded: true });
  await focused(field);
  assert.equal(await field.getAttribute("aria-controls"), await page.getByRole("listbox").getAttribute("id"));
  const isActive = async () => await field.getAttribute("aria-activedescendant") === await chosen(page).getAttribute("id");
  for (const [key, name] of [["ArrowUp", "Yoko"], ["ArrowDown", "You"], ["ArrowDown", "YolandaLi"]]) {
    await page.keyboard.press(key);
    assert.equal(await chosen(page).getAttribute("data-mention"), name);
    assert.ok(await isActive());
  }
  await page.keyboard.press("Enter");
  await hidden(options(page).first());
  assert.equal(await area(page).inputValue(), "mail me@yo and (@YolandaLi ");
  assert.deepEqual(await area(page).evaluate((element) => element.getAttributeNames().filter((name) => /role|expanded|active/.test(name))), []);
  await focused(area(page));

  await page.keyboard.type("@yok");
  await shown(options(page).first());
  await page.keyboard.press("Tab");
  assert.equal(await area(page).inputValue(), "mail me@yo and (@YolandaLi @Yoko ");
  await focused(area(page));

  // In the middle of a text.
  await area(page).fill("hello , bye");
  await area(page).evaluate((element) => element.setSelectionRange(6, 6));
  await page.keyboard.type("@you");
  await shown(options(page).first());
  await page.keyboard.press("Enter");
  assert.equal(await area(page).inputValue(), "hello @You , bye");
  await page.keyboard.type("and you");
  assert.equal(await area(page).inputValue(), "hello @You and you, bye");
  await area(page).press("Enter");
  await becomes(() => entry(page, "hello @You and you").locator(".mention").allInnerTexts(), ["@You"]);
  assert.deepEqual(page.wrong, []);
});

test("Escape closes the list of people only, and a moved cursor closes it too", async (t) => {
  const page = await open(t);
  await live(page);
  await say(page, "to reply to");
  await entry(page, "to reply to").getByRole("button", { name: /Reply/ }).focus();
  await page.keyboard.press("Enter");
  const reply = page.getByRole("button", { name: "Cancel the reply" });
  await shown(reply);
  await page.keyboard.type("@yo");
  await shown(options(page).first());
  await page.keyboard.press("Escape");
  await hidden(options(page));
  await shown(reply);
  assert.equal(await area(page).inputValue(), "@yo");
  await page.keyboard.press("Escape");
  await hidden(reply);

  await page.keyboard.type("u");
  await shown(options(page).first());
  // The answer for these letters never arrives.
  await page.route("**/people?starts=youx", () => {});
  await page.keyboard.type("x");
  await hidden(options(page));
  await page.keyboard.press("Backspace");
  await shown(options(page).first());
  await page.keyboard.press("Home");
  await hidden(options(page));
  await area(page).fill("@nobodyhasthisname");
  await page.waitForResponse(/people\?starts=nobody/);
  await area(page).press("Enter");
  await shown(entry(page, "@nobodyhasthisname"));
  assert.equal(await options(page).count(), 0);
  assert.deepEqual(page.wrong, []);
});

for (const colorScheme of ["light", "dark"]) {
  test(`people to mention are chosen by mouse on a narrow page, ${colorScheme}`, async (t) => {
    const page = await open(t, { colorScheme, viewport: { width: 320, height: 500 } });
    await live(page);
    const long = `Y${"o".repeat(60)}`;
    await addPeople(page, [long, ...Array.from({ length: 18 }, (_, n) => `Yo${n}`)]);
    await area(page).pressSequentially("@yo");
    await shown(options(page).last());
    await isWide(page, 320);
    const box = await page.getByRole("listbox").boundingBox();
    assert.ok(box.x >= 0 && box.x + box.width <= 320 && box.y >= 0, JSON.stringify(box));
    await page.keyboard.press("ArrowUp");
    await becomes(() => options(page).last().evaluate((element) => {
      const [inner, outer] = [element, element.parentElement].map((one) => one.getBoundingClientRect());
      return inner.top >= outer.top && inner.bottom <= outer.bottom;
    }), true);
    const colors = await chosen(page).evaluate((element) => [element, element.querySelector(".sender")].map((one) => {
      const { color, backgroundColor } = getComputedStyle(one);
      return [color, backgroundColor];
    }));
    const expected = colorScheme === "light" ? ["rgb(255, 255, 255)", "rgb(51, 71, 209)"] : ["rgb(20, 23, 28)", "rgb(154, 168, 255)"];
    assert.deepEqual(colors, [expected, expected]);
    await options(page).filter({ hasText: "@Yo3" }).click();
    assert.equal(await area(page).inputValue(), "@Yo3 ");
    await focused(area(page));
    assert.deepEqual(page.wrong, []);
  });
}
