// The timeline of the room page in a real browser; see demo.test.mjs for how to run it.

import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { test } from "node:test";
import { install } from "./demo.mjs";
import { becomes, browser, focused, hidden, isWide, open as openPage, openSheet, serve, shown } from "./page.mjs";
import { demo } from "./running-demo.mjs";

let installed = 0;

/**
 * Installs an add-on that may post; `heard` emits the payloads of its webhook. Each test has its own, because an
 * add-on may post 30 messages a minute.
 */
async function talk(t, consumer = {}) {
  const name = "Talk";
  installed += 1;
  const heard = new EventEmitter();
  let installation = null;
  const url = await serve(t, async (request, response) => {
    let body = "";
    for await (const piece of request) body += piece;
    if (request.url === "/installed") installation = JSON.parse(body);
    if (request.url === "/heard") heard.emit(JSON.parse(body).item.message.message, JSON.parse(body).item.message);
    if (request.url !== "/") return response.writeHead(request.url === "/heard" ? 204 : 200).end();
    response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify({
      key: `test.talk${installed}`,
      name,
      description: name,
      links: { self: `${url}/` },
      capabilities: {
        hipchatApiConsumer: { scopes: ["send_notification", "send_message", "view_messages"], ...consumer },
        installable: { callbackUrl: `${url}/installed` },
        webhook: [{ event: "room_message", url: `${url}/heard`, name: "heard" }],
      },
    }));
  });
  const page = await browser.newPage();
  await install(page, demo, `${url}/`);
  await page.getByText("Remove…").first().waitFor();
  await page.close();

  const api = `${new URL(demo.url).origin}/v2`;
  const { oauthId, oauthSecret } = installation;
  const answer = await fetch(`${api}/oauth/token`, {
    method: "POST",
    headers: { Authorization: `Basic ${btoa(`${oauthId}:${oauthSecret}`)}` },
    body: new URLSearchParams({ grant_type: "client_credentials" }),
  });
  const { access_token: token } = await answer.json();
  const send = async (what, body) => {
    const sent = await fetch(`${api}/room/${installation.roomId}/${what}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
      body: JSON.stringify(body),
    });
    assert.ok(sent.ok, `${sent.status} ${await sent.clone().text()}`);
    return sent;
  };
  return { heard, send, notify: (body) => send("notification", body) };
}

const open = (t, options = {}, { room = demo.url } = {}) =>
  openPage(t, room, { locale: "en-GB", timezoneId: "Asia/Tokyo", ...options });

const area = (page) => page.getByLabel("Message", { exact: true });
const entry = (page, text) => page.locator("#entries > .entry").filter({ hasText: text });

/** Sends a message as a person in the browser does. */
async function say(page, text) {
  await area(page).fill(text);
  await area(page).press("Enter");
  await shown(entry(page, text.split("\n")[0]).last());
}

/** Sends a number of messages of that person without a page: `word 0`, `word 1` and so on. */
async function fill(word, from, to) {
  for (let n = from; n < to; n++) {
    const answer = await fetch(`${demo.url}/timeline`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ text: `${word} ${n}.` }),
    });
    assert.equal(answer.status, 201);
  }
}

const position = (page, text) => page.locator("#timeline").evaluate((scroller, text) => {
  const element = [...scroller.querySelectorAll(".entry")].find((one) => one.textContent.includes(text));
  return element && Math.round(element.getBoundingClientRect().top - scroller.getBoundingClientRect().top);
}, text);
const isAtEnd = (page) => page.locator("#timeline").evaluate(
  ({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight < 2,
);

test("a sent message reaches the page, other people and webhooks", async (t) => {
  const addOn = await talk(t);
  const [page, other] = [await open(t), await open(t)];
  await shown(other.getByText("Live", { exact: true }));
  await area(page).fill("first line");
  await area(page).press("Shift+Enter");
  await area(page).pressSequentially("second @You and @nobody, see https://example.com/a_(b)?c=1.");
  await area(page).press("Enter");
  for (const one of [page, other]) {
    const written = entry(one, "first line");
    await shown(written);
    assert.equal(await written.getAttribute("data-kind"), "message");
    assert.match(await written.locator(".body").innerText(), /^first line\nsecond @You/);
    assert.deepEqual(await written.locator(".mention").allInnerTexts(), ["@You"]);
    const link = written.getByRole("link");
    assert.equal(await link.getAttribute("href"), "https://example.com/a_(b)?c=1");
    assert.equal(await link.getAttribute("rel"), "noopener noreferrer nofollow");
    assert.equal(await link.getAttribute("target"), "_blank");
  }
  await becomes(() => area(page).inputValue(), "");
  await focused(area(page));
  assert.equal(await entry(page, "first line").count(), 1, "its own answer and the event are one");
  await Promise.all([once(addOn.heard, "the webhook is told"), say(page, "the webhook is told")]);
  await page.reload();
  await shown(entry(page, "first line"));
  assert.deepEqual([page.wrong, other.wrong], [[], []]);
});

test("messages are grouped by day and sender in the reader's time zone", async (t) => {
  const page = await open(t);
  await say(page, "grouped one");
  await say(page, "grouped two");
  assert.ok(await entry(page, "grouped two").evaluate((element) => element.classList.contains("follows")));
  const time = entry(page, "grouped one").locator("header time");
  const expected = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: "Asia/Tokyo" });
  assert.equal(await time.textContent(), expected.format(new Date(await time.getAttribute("datetime"))));
  const days = page.locator("#entries .day");
  assert.equal(await days.last().innerText(), "Today");

  // Seen from two days later, in the same browser.
  await page.clock.setFixedTime(Date.now() + 48 * 60 * 60 * 1000);
  await page.reload();
  await shown(entry(page, "grouped two"));
  assert.doesNotMatch(await days.last().innerText(), /Today|Yesterday/);
});

test("a notification has its colour, its labels and its HTML", async (t) => {
  const addOn = await talk(t);
  const page = await open(t);
  await shown(page.getByText("Live", { exact: true }));
  const grounds = new Set();
  for (const color of ["yellow", "green", "red", "purple", "gray"]) {
    await addOn.notify({ message: `in <b>${color}</b>`, color, from: "main", notify: color === "red" });
    const written = entry(page, `in ${color}`);
    await shown(written);
    assert.equal(await written.getAttribute("data-kind"), "notification");
    assert.equal(await written.getAttribute("data-color"), color);
    assert.equal(await written.locator(".body").innerHTML(), `in <b>${color}</b>`);
    assert.equal(await written.locator(".sender").innerText(), "Talk");
    assert.equal(await written.locator(".from").innerText(), "main");
    assert.equal(await written.locator(".notify").count(), color === "red" ? 1 : 0);
    grounds.add(await written.locator(".body").evaluate((body) => getComputedStyle(body).backgroundColor));
  }
  assert.equal(grounds.size, 5);
  await addOn.notify({ message: "any", color: "random" });
  const color = await entry(page, "any").getAttribute("data-color");
  await page.reload();
  assert.equal(await entry(page, "any").getAttribute("data-color"), color);

  await addOn.notify({ message: "<b>as text</b> https://example.com/x, ok", message_format: "text" });
  await shown(entry(page, "<b>as text</b>"));
  assert.equal(await entry(page, "as text").getByRole("link").innerText(), "https://example.com/x");
  await addOn.notify({
    message: "<table><tr><td colspan=2>cell</td></tr></table><ul><li>item</li></ul>"
      + "<span style='color: rgb(1, 2, 3); font-weight: bold; position: fixed'>styled</span>"
      + "<a href='https://example.com/y' data-target='k:m'>link</a>",
  });
  const rich = entry(page, "styled");
  await shown(rich.getByRole("cell", { name: "cell" }));
  assert.equal(await rich.locator("td").getAttribute("colspan"), "2");
  assert.equal(await rich.getByRole("link").getAttribute("data-target"), "k:m");
  const style = await rich.locator("span", { hasText: "styled" }).evaluate((element) => {
    const { fontWeight, position } = getComputedStyle(element);
    return { color: element.style.getPropertyValue("--color"), fontWeight, position };
  });
  assert.deepEqual(style, { color: "rgb(1, 2, 3)", fontWeight: "700", position: "static" });
  assert.deepEqual(page.wrong, []);
});

test("an add-on's text can mention people, and its HTML collapses white space", async (t) => {
  const { notify } = await talk(t);
  const page = await open(t);
  await notify({ message: "text for @You and @nobody\n  on two lines", message_format: "text" });
  const text = entry(page, "text for");
  await shown(text.locator(".mention.me", { hasText: "@You" }));
  assert.equal(await text.locator(".mention").count(), 1);
  assert.equal(await text.evaluate((element) => element.classList.contains("for-me")), true);
  assert.equal(await text.locator(".body").evaluate((body) => body.innerText), "text for @You and @nobody\n  on two lines");

  const html = "\n    markup   of\n    <b>an add-on</b>\n    here<br>and\n    there\n<pre>\n\n  one\n    two</pre>\n";
  await notify({ message: html });
  const body = entry(page, "an add-on").locator(".body");
  await shown(body);
  assert.equal(await body.evaluate((shown) => shown.innerText), "markup of an add-on here\nand there\n\n  one\n    two");
  const size = () => body.evaluate((shown) => shown.getBoundingClientRect().height / parseFloat(getComputedStyle(shown).lineHeight));
  assert.ok(await size() < 8, "no empty lines around");

  const card = { style: "application", id: "1", title: "Spaces", description: { format: "html", value: "a\n\n\n   <b>b</b>" } };
  await notify({ message: "card of spaces", card });
  const description = page.locator(".card-description", { hasText: "b" }).last();
  await shown(description);
  assert.equal(await description.evaluate((shown) => shown.innerText), "a b");
  assert.deepEqual(page.wrong, []);
});

const FACE = `data:image/svg+xml,${encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" width="32" height="32"><path fill="#14892c" d="M0 0h32v32H0z"/></svg>')}`;

test("people reply to messages, by mouse and by keyboard", async (t) => {
  const addOn = await talk(t);
  const page = await open(t);
  await say(page, "which one is red?");
  await addOn.notify({ message: "<b>main</b> is broken" });
  const broken = entry(page, "main is broken");
  await shown(broken);
  const replying = page.locator("#replying");
  await hidden(replying);

  await broken.hover();
  await broken.getByRole("button", { name: "Reply to Talk" }).click();
  await shown(replying);
  assert.equal(await replying.locator("span").textContent(), "Reply to Talk main is broken");
  await focused(area(page));
  await page.keyboard.press("Escape");
  await hidden(replying);

  // The newest first, then upwards; the focus moves to the field and stays there.
  await page.keyboard.press("Shift+Tab");
  await focused(page.getByRole("button", { name: "Reply to Talk" }));
  await page.keyboard.press("ArrowUp");
  await focused(page.getByRole("button", { name: "Reply to You" }));
  await page.keyboard.press("Enter");
  assert.equal(await area(page).evaluate((element) => element.getAttribute("aria-describedby").split(" ")
    .map((id) => document.getElementById(id).textContent).join("")), "Reply to You which one is red?");
  const [[heard]] = await Promise.all([once(addOn.heard, "this one"), say(page, "this one")]);
  assert.equal(typeof heard.attach_to, "string");
  await hidden(replying);
  const parent = entry(page, "this one").locator(".parent");
  assert.equal(await parent.textContent(), "In reply to You which one is red?");
  await say(page, "answers nothing");
  assert.equal(await entry(page, "answers nothing").locator(".parent").count(), 0);
  await page.reload();
  await shown(parent);
  assert.deepEqual(page.wrong, []);
});

/** Drops the answer to the first message that is posted. Returns the ids of all messages. */
async function loseAnswer(page) {
  const ids = [];
  await page.route("**/timeline", async (route) => {
    if (route.request().method() !== "POST") return route.continue();
    ids.push(route.request().postDataJSON().id);
    if (ids.length > 1) return route.continue();
    assert.equal((await route.fetch()).status(), 201);
    return route.abort();
  });
  return ids;
}

test("a message whose answer was lost is retried and appears once", async (t) => {
  const page = await open(t);
  // Its event does not arrive either.
  await page.route("**/events", (route) => route.abort());
  await page.reload();
  const ids = await loseAnswer(page);
  await area(page).fill("sent twice");
  await area(page).press("Enter");
  await shown(page.getByRole("alert").getByText("was not sent"));
  assert.equal(await area(page).inputValue(), "sent twice");
  await area(page).press("Enter");
  await shown(entry(page, "sent twice"));
  await becomes(() => area(page).inputValue(), "");
  await hidden(page.locator("#unsent"));
  assert.equal(ids.length, 2);
  assert.equal(ids[0], ids[1]);
  await page.unrouteAll();
  await page.reload();
  await shown(entry(page, "sent twice"));
  assert.equal(await entry(page, "sent twice").count(), 1);
});

test("a message that the room shows is confirmed without its answer", async (t) => {
  const page = await open(t);
  await shown(page.getByText("Live", { exact: true }));
  const ids = await loseAnswer(page);
  await area(page).fill("sent once");
  await area(page).press("Enter");
  await shown(entry(page, "sent once"));
  await becomes(() => area(page).evaluate(({ value, readOnly }) => ({ value, readOnly })), { value: "", readOnly: false });
  await hidden(page.locator("#unsent"));
  assert.equal(ids.length, 1);
});

test("cards of all five styles have their parts", async (t) => {
  const addOn = await talk(t);
  const page = await open(t);
  const picture = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='64' height='64'%3E%3Crect width='64' height='64' fill='teal'/%3E%3C/svg%3E";
  for (const style of ["file", "image", "application", "link", "media"]) {
    await addOn.notify({
      message: "for others",
      color: "gray",
      card: {
        style,
        id: style,
        url: `https://example.com/${style}`,
        title: `A ${style} card`,
        format: style === "link" ? "compact" : "medium",
        description: style === "application" ? { value: "<b>bold</b> <em>words</em>", format: "html" } : "plain <b>words</b>",
        thumbnail: { url: picture, "url@2x": picture, width: 64, height: 64 },
        icon: { url: picture },
        attributes: [
          { label: "State", value: { label: "Open", style: "lozenge-success" } },
          { label: "By", value: { label: "Ann", url: "https://example.com/ann", icon: { url: picture } } },
        ],
        ...(style === "file" && { activity: { html: "<b>Ann</b> shared <u>a file</u>", icon: picture } }),
      },
    });
    const written = entry(page, `A ${style} card`);
    if (style === "file") {
      const summary = written.locator("summary");
      await shown(summary);
      assert.equal(await summary.innerText(), "Ann shared a file");
      assert.equal(await summary.locator("u").count(), 0);
      await hidden(written.locator(".card"));
      await summary.click();
    }
    const card = written.locator(".card");
    await shown(card);
    assert.equal(await card.getAttribute("data-style"), style);
    const title = card.getByRole("link", { name: `A ${style} card` });
    assert.equal(await title.getAttribute("href"), `https://example.com/${style}`);
    const description = card.locator(".card-description");
    assert.equal(
      await description.innerHTML(),
      style === "application" ? "<b>bold</b> words" : "plain &lt;b&gt;words&lt;/b&gt;",
    );
    assert.equal(await card.locator(".lozenge").getAttribute("data-kind"), "success");
    assert.equal(await card.getByRole("link", { name: "Ann" }).getAttribute("href"), "https://example.com/ann");
    const thumbnail = await card.locator(".thumbnail img").evaluate((image) => image.decode().then(() => image.naturalWidth));
    assert.equal(thumbnail, 64);
    assert.equal(await card.locator(".play").count(), style === "media" ? 1 : 0);
    assert.equal(await written.getByText("for others").count(), 0);
  }
  assert.deepEqual(page.wrong, []);
});

test("a reply quotes its message and scrolls to it", async (t) => {
  const addOn = await talk(t);
  const page = await open(t);
  await say(page, "is it <b>up</b>?");
  const id = await entry(page, "is it <b>up</b>?").getAttribute("data-id");
  await addOn.send("reply", { parentMessageId: id, message: "it is" });
  await shown(entry(page, "it is").last());
  await addOn.notify({ message: "attached", attach_to: id });
  for (const text of ["it is", "attached"]) {
    const parent = entry(page, text).locator(".parent").last();
    assert.equal(await parent.textContent(), "In reply to You is it <b>up</b>?");
    await parent.click();
    await becomes(() => page.evaluate(() => document.activeElement.dataset.id), id);
  }
});

test("content of messages runs no scripts and stays within its entry", async (t) => {
  // One add-on for each, because of the rate limit.
  const writers = { html: await talk(t), text: await talk(t) };
  const page = await open(t, { viewport: { width: 600, height: 700 } });
  await shown(page.locator("#strip .pill").first());
  const run = "window.ran=1";
  const bodies = [
    `<script>${run}</script><img src=x onerror="${run}"><svg onload="${run}"><a xlink:href="javascript:${run}">x</a></svg>`,
    `<a href="javascript:${run}">click</a><a href=" java\nscript:${run}">me</a><a href="data:text/html,<script>${run}</script>">x</a>`,
    `<img src="javascript:${run}"><iframe srcdoc="<script>${run}</script>"></iframe><object data="x"></object><embed src=x>`,
    `<style>*{display:none}</style><link rel=stylesheet href=x><base href="https://example.com/"><meta http-equiv=refresh content=0>`,
    `<span style="position:fixed;inset:0;z-index:99;width:99999px;height:99999px;color:red">over</span>`,
    `<img src="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='9000' height='9000'/%3E" width=90000 height=90000 style="width:90000px;height:90000px">`,
    `</div></article></main><form action="https://example.com/"><button>Send</button></form><b><i><a href="https://example.com/">`,
    `${"<ul><li>".repeat(1200)}deep`,
    `${"<table><tr><td>".repeat(600)}deep`,
    `${"<b>".repeat(3000)}bold`,
    "x".repeat(10_000),
    "<br>".repeat(2_500),
    `<pre>${"wide ".repeat(1_900)}</pre>`,
    "\u202e\u202eevil \u2066\u0301" + "\u0335\u0336\u0337\u0338".repeat(500),
    "<math><mtext><table><mglyph><style><img src=x onerror=" + run + "></style></mglyph></table></mtext></math>",
    `<noscript><p title="</noscript><img src=x onerror=${run}>">`,
  ];
  const fits = () => page.evaluate(() => {
    const log = document.getElementById("entries").getBoundingClientRect();
    const outside = [...document.querySelectorAll("#entries .body")].filter((body) => {
      const box = body.getBoundingClientRect();
      return box.left < log.left || box.right > log.right + 1 || box.height > 421;
    });
    return {
      outside: outside.length,
      wide: document.documentElement.scrollWidth > innerWidth,
      high: document.documentElement.scrollHeight > innerHeight,
    };
  });
  for (const [n, body] of bodies.entries()) {
    for (const [message_format, addOn] of Object.entries(writers)) {
      await addOn.notify({ message: body.slice(0, 9_990), message_format, from: `n${n} ${message_format}` });
      const written = entry(page, `n${n} ${message_format}`);
      await shown(written);
      const elements = await written.locator(".body *").evaluateAll((all) => all.map(({ tagName, attributes }) => [
        tagName, ...[...attributes].map(({ name }) => name),
      ]).flat());
      assert.deepEqual(elements.filter((name) => /^on|SCRIPT|STYLE|IFRAME|SVG|FORM|BUTTON|OBJECT|LINK|BASE|META/.test(name)), []);
      for (const href of await written.locator(".body a[href]").evaluateAll((links) => links.map((link) => link.protocol))) {
        assert.match(href, /^https?:$/);
      }
      await becomes(fits, { outside: 0, wide: false, high: false }, `${message_format} ${body.slice(0, 60)}`);
    }
    // Renders the unsanitized body on a page of the host, as with a host that does not sanitize.
    const kept = await page.evaluate(async (html) => {
      const { message } = await import(new URL("room/markup.js", document.querySelector("script[type=module]").src));
      const place = document.createElement("div");
      place.append(...message(html));
      return [...place.querySelectorAll("*")].map(({ tagName }) => tagName);
    }, body);
    assert.deepEqual(kept.filter((name) => !/^(A|B|BR|CODE|I|IMG|LI|PRE|SPAN|TABLE|TBODY|TD|TR|UL)$/.test(name)), []);
  }
  await shown(page.getByRole("button", { name: "Show all" }).last());
  await say(page, "still in order");
  assert.equal(await page.evaluate(() => window.ran), undefined);
  assert.equal(await page.evaluate(() => document.baseURI), page.url());
});

test("hostile cards and names stay harmless", async (t) => {
  const addOn = await talk(t);
  const page = await open(t);
  const script = "javascript:window.ran=1";
  await addOn.notify({
    message: "x",
    from: "\u202e<img src=x onerror=window.ran=1>".slice(0, 64),
    card: {
      style: "image",
      id: "1",
      url: script,
      title: `<img src=x onerror="window.ran=1"> hostile ${"w".repeat(2_000)}`,
      description: { format: "html", value: "<img src=x onerror=window.ran=1><b onclick=x>kept</b><script>window.ran=1</script>" },
      thumbnail: { url: script, width: 1e9, height: -1 },
      icon: script,
      activity: { html: `<a href="${script}">fold</a><style>*{display:none}</style>` },
      attributes: Array.from({ length: 200 }, (_, n) => ({
        label: `l${n}`, value: { label: "v".repeat(900), style: "lozenge-\"><b>", url: script, icon: script },
      })),
    },
  });
  const written = entry(page, "hostile");
  await shown(written.locator("summary"));
  await written.locator("summary").click();
  assert.equal(await written.locator("img").count(), 0);
  assert.equal(await written.locator("a[href]").count(), 0);
  assert.equal(await written.locator(".card-description").innerHTML(), "<b>kept</b>");
  assert.equal(await written.locator("dt").count(), 50);
  await isWide(page, 1000);
  assert.equal(await page.evaluate(() => window.ran), undefined);
  assert.deepEqual(page.wrong, []);
});

test("a message that cannot be sent stays in the field with an error", async (t) => {
  const page = await open(t);
  await page.locator("#entries[aria-busy=false]").waitFor();
  let lose;
  const lost = new Promise((resolve) => { lose = resolve; });
  await page.route("**/timeline", async (route) => {
    if (route.request().method() === "GET") return route.continue();
    await lost;
    await route.abort();
  });
  await area(page).fill("not lost");
  await area(page).press("Enter");
  await page.waitForFunction(() => document.getElementById("composer").ariaBusy === "true");
  assert.equal(await area(page).evaluate(({ readOnly }) => readOnly), true);
  assert.ok(await page.getByRole("button", { name: "Send" }).isDisabled());
  lose();
  const unsent = page.getByRole("alert");
  await shown(unsent);
  assert.equal(await unsent.innerText(), "The message was not sent. Try again.");
  assert.equal(await area(page).inputValue(), "not lost");
  await page.unroute("**/timeline");
  await page.getByRole("button", { name: "Send" }).click();
  await shown(entry(page, "not lost"));
  await hidden(unsent);

  const long = "ä".repeat(10_001);
  await area(page).fill(long);
  await area(page).press("Enter");
  await shown(unsent);
  assert.equal(await unsent.innerText(), "The message has 10001 characters and may have 10000: make it shorter.");
  assert.equal(await area(page).inputValue(), long);
  const before = await page.locator("#entries > .entry").count();
  await area(page).fill("  ");
  await area(page).press("Enter");
  await say(page, "x".repeat(10_000));
  assert.equal(await page.locator("#entries > .entry").count(), before + 1);
});

test("older entries load on scrolling or on request and keep the scroll position", async (t) => {
  const addOn = await talk(t);
  await fill("long", 0, 420);
  const page = await open(t);
  await shown(entry(page, "long 419."));
  await becomes(() => isAtEnd(page), true);
  assert.equal(await page.locator("#entries > .entry").count(), 50);
  const before = await position(page, "long 380.");
  await page.getByRole("button", { name: "Show older messages" }).evaluate((button) => button.click());
  await page.waitForFunction(() => document.querySelectorAll("#entries > .entry").length === 100);
  await becomes(async () => Math.abs(await position(page, "long 380.") - before) <= 1, true);
  assert.equal(await entry(page, "long 320.").count(), 1);

  // Scrolls up by the wheel: the page never keeps more than a few hundred entries.
  await page.locator("#timeline").hover();
  const first = () => page.locator("#entries > .entry").first().getAttribute("data-id");
  let last = null;
  while (await entry(page, "long 0.").count() === 0) {
    await page.mouse.wheel(0, -100_000);
    last = await first();
    await page.waitForFunction(
      (last) => document.querySelector("#entries > .entry").dataset.id !== last || document.getElementById("older").hidden
        || document.getElementById("timeline").scrollTop > 200,
      last,
    );
  }
  assert.ok(await page.locator("#entries > .entry").count() <= 300);
  assert.equal(await entry(page, "long 419.").count(), 0);

  // New entries do not move the reader, but are counted.
  const reading = await position(page, "long 20.");
  await addOn.notify({ message: "news" });
  const newest = page.getByRole("button", { name: "1 new message ↓" });
  await shown(newest);
  assert.equal(await position(page, "long 20."), reading);

  // Down again, page by page, without a gap.
  while (await entry(page, "news").count() === 0) {
    last = await page.locator("#entries > .entry").last().getAttribute("data-id");
    await page.mouse.wheel(0, 100_000);
    await page.waitForFunction(
      (last) => [...document.querySelectorAll("#entries > .entry")].at(-1).dataset.id !== last,
      last,
    );
  }
  const numbers = (await page.locator("#entries .body").allInnerTexts()).flatMap((text) => text.match(/^long (\d+)\.$/)?.[1] ?? []).map(Number);
  assert.deepEqual(numbers, Array.from({ length: numbers.length }, (_, n) => 420 - numbers.length + n));
  await page.mouse.wheel(0, 100_000);
  await hidden(newest);
  assert.deepEqual(page.wrong, []);
});

test("readers of older entries see the number of new ones and jump to them by a click", async (t) => {
  const addOn = await talk(t);
  await fill("more", 0, 60);
  const page = await open(t);
  await shown(entry(page, "more 59."));
  await page.locator("#timeline").hover();
  await page.mouse.wheel(0, -600);
  await shown(page.getByRole("button", { name: "Newest messages ↓" }));
  const reading = await position(page, "more 40.");
  await addOn.notify({ message: "one" });
  await addOn.notify({ message: "two" });
  await page.getByRole("button", { name: "2 new messages ↓" }).click();
  assert.equal(typeof reading, "number");
  await page.waitForFunction(() => document.getElementById("newest").hidden);
  await becomes(() => isAtEnd(page), true);
  await addOn.notify({ message: "three" });
  await shown(entry(page, "three"));
  await becomes(() => isAtEnd(page), true, "the newest stay in sight");
});

test("the title of a hidden tab counts entries for its reader", async (t) => {
  const addOn = await talk(t);
  const page = await open(t);
  await shown(page.getByText("Live", { exact: true }));
  const title = await page.title();
  const look = (hidden) => page.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
  await look(true);
  await addOn.notify({ message: "quiet" });
  await addOn.notify({ message: "loud", notify: true });
  await addOn.send("message", { message: "calling @you" });
  await shown(entry(page, "calling"));
  await becomes(() => page.title(), `(2) ${title}`);
  assert.ok(await entry(page, "calling").evaluate((element) => element.classList.contains("for-me")));
  await look(false);
  assert.equal(await page.title(), title);
});

test("a lost connection neither loses nor duplicates entries", async (t) => {
  const page = await open(t);
  const live = page.getByText("Live", { exact: true });
  const texts = async (last) => (await page.locator("#entries .body").allInnerTexts()).slice(-last);
  const without = async (written) => {
    await page.route("**/events", (route) => route.abort());
    await page.evaluate(() => window.lose());
    await shown(page.getByText("Reconnecting…"));
    await written();
    await page.unroute("**/events");
    await shown(live);
  };
  await page.addInitScript(() => {
    const { fetch } = window;
    window.fetch = (address, options) => {
      if (!String(address).endsWith("/events")) return fetch(address, options);
      const lost = new AbortController();
      window.lose = () => lost.abort();
      const headers = { ...options.headers };
      if (window.forgets) delete headers["Last-Event-ID"];
      return fetch(address, { ...options, headers, signal: AbortSignal.any([lost.signal, options.signal]) });
    };
  });
  await page.reload();
  await shown(live);
  await say(page, "before the gap");
  await without(() => fill("gap", 0, 3));
  await shown(entry(page, "gap 2."));
  await say(page, "after the gap");
  assert.deepEqual(await texts(5), ["before the gap", "gap 0.", "gap 1.", "gap 2.", "after the gap"]);

  // More than the host reads at once.
  await without(() => fill("wide", 0, 70));
  await shown(entry(page, "wide 69."));
  assert.deepEqual(await texts(71), ["after the gap", ...Array.from({ length: 70 }, (_, n) => `wide ${n}.`)]);

  // The host does not know what the page has: the gap is filled when the reader scrolls there.
  await page.evaluate(() => { window.forgets = true; });
  await without(() => fill("wider", 0, 70));
  await shown(entry(page, "wider 69."));
  assert.deepEqual(await texts(99), Array.from({ length: 50 }, (_, n) => `wider ${n + 20}.`));
  await page.getByRole("button", { name: "Show older messages" }).click();
  await shown(entry(page, "wide 69."));
  assert.deepEqual(await texts(71), ["wide 69.", ...Array.from({ length: 70 }, (_, n) => `wider ${n}.`)]);
  const ids = await page.locator("#entries > .entry").evaluateAll((all) => all.map(({ dataset }) => dataset.id));
  assert.equal(new Set(ids).size, ids.length);
});

/** Creates a room, and returns its URL. */
async function makeRoom(name) {
  const made = await fetch(new URL("/rooms", demo.url), {
    method: "POST",
    body: new URLSearchParams({ name, privacy: "public" }),
    redirect: "manual",
  });
  assert.equal(made.status, 303);
  return new URL(made.headers.get("location"), demo.url).href;
}

test("the open room is visible in a long list of rooms", async (t) => {
  let room;
  for (let n = 0; n < 20; n++) room = await makeRoom(`A room with number ${n}`);
  const page = await open(t, { viewport: { width: 1280, height: 400 } }, { room });
  await shown(page.locator("#composer"));
  const { y, height } = await page.locator("#rooms [aria-current]").boundingBox();
  assert.ok(y >= 0 && y + height <= 400, `at ${y} and ${height} high`);
});

for (const [width, colorScheme] of [[1000, "light"], [320, "dark"]]) {
  test(`the skip link leads to the messages, ${width} wide`, async (t) => {
    const room = await makeRoom(`To be skipped, ${width} wide`);
    const page = await open(t, { viewport: { width, height: 600 }, colorScheme }, { room });
    const skip = page.getByRole("link", { name: "Skip to messages" });
    const skipTo = async (target) => {
      await page.keyboard.press("Tab");
      await focused(skip);
      const box = await skip.boundingBox();
      assert.ok(box.x >= 0 && box.y >= 0 && box.width > 100 && box.height > 20, JSON.stringify(box));
      await isWide(page, width);
      await page.keyboard.press("Enter");
      await focused(target);
    };
    await skipTo(area(page));
    if (width === 320) {
      await openSheet(page);
      await shown(page.getByRole("complementary", { name: "Glances" }));
      await skip.focus();
      await page.keyboard.press("Enter");
      await focused(area(page));
      await hidden(page.getByRole("complementary", { name: "Glances" }));
    }

    await fetch(`${room}/archived`, { method: "POST", body: new URLSearchParams({ archived: "true" }) });
    await page.goto("about:blank");
    await page.goto(room);
    await hidden(page.locator("#composer"));
    await skipTo(page.getByRole("region", { name: "Timeline" }));
    assert.deepEqual(page.wrong, []);
  });
}

for (const colorScheme of ["light", "dark"]) {
  test(`a narrow page shows glances as pills and in a sheet, ${colorScheme}`, async (t) => {
    const addOn = await talk(t);
    const page = await open(t, { viewport: { width: 320, height: 600 }, colorScheme });
    const pills = page.locator("#strip .pill");
    const sheet = page.getByRole("complementary", { name: "Glances" });
    await shown(pills.filter({ hasText: "Pull requests" }).locator("b"));
    await say(page, `narrow ${"long words ".repeat(20)}`);
    await hidden(sheet);
    await isWide(page, 320);

    // The chat alone also shows that the connection is lost.
    const lost = page.locator("#lost");
    await hidden(lost);
    await page.route("**/events", (route) => route.abort());
    await page.reload();
    await shown(lost.getByText("Connection lost"));
    await page.unroute("**/events");
    await hidden(lost);

    const pill = pills.filter({ hasText: "Pull requests" });
    await pill.focus();
    await page.keyboard.press("Enter");
    await shown(sheet.locator(".glance").first());
    await focused(sheet.locator("button.glance").first());
    await isWide(page, 320);
    await page.goBack();
    await hidden(sheet);
    await focused(pill);
    await addOn.notify({ message: "while away" });
    await shown(entry(page, "while away").last());
    await becomes(() => isAtEnd(page), true);
    await pill.click();
    await sheet.getByRole("button", { name: "Close the glances" }).click();
    await hidden(sheet);
    await pill.click();
    await page.keyboard.press("Escape");
    await hidden(sheet);

    await page.goto(`${demo.url}#com.example.pull-requests/panel`);
    await page.reload();
    await shown(page.locator("#panel"));
    await shown(sheet);
  });

  test(`text has enough contrast, ${colorScheme}`, async (t) => {
    const addOn = await talk(t);
    const page = await open(t, { colorScheme });
    for (const color of ["yellow", "green", "red", "purple", "gray"]) {
      const spans = ["white", "black", "yellow", "blue", "#777"].map((ink) => `<span style='color: ${ink}'>${ink}</span>`);
      await addOn.notify({
        message: `contrast <a href='https://example.com/'>link</a> ${spans.join(" ")}`, color, from: "label", notify: true,
      });
    }
    await addOn.notify({
      message: "x", color: "red",
      card: { style: "link", id: "1", title: "contrast card", attributes: [{ label: "l", value: { label: "v" } }] },
    });
    await shown(entry(page, "contrast card").last());
    const low = await page.locator("#entries .entry").evaluateAll((entries) => {
      const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
      const numbers = (color) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = color;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
      };
      const light = (color) => {
        const [r, g, b] = numbers(color).map((c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const ground = (element) => {
        const color = getComputedStyle(element).backgroundColor;
        return numbers(color)[3] === 0 ? ground(element.parentElement) : color;
      };
      return entries.slice(-6).flatMap((entry) => [...entry.querySelectorAll("*")])
        .filter((element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
        .filter((element) => !element.closest(".follows header"))
        .map((element) => {
          const [a, b] = [light(getComputedStyle(element).color), light(ground(element))].sort((x, y) => y - x);
          return { text: element.className || element.tagName, ratio: (a + 0.05) / (b + 0.05) };
        })
        .filter(({ ratio }) => ratio < 4.5);
    });
    assert.deepEqual(low, []);
  });
}

test("modules add buttons to entries and append to the message field", async (t) => {
  const page = await open(t);
  await say(page, "offered before");
  await page.evaluate(async () => {
    const { appendMessage, focus } = await import(new URL("room/composer.js", document.querySelector("script[type=module]").src));
    const { decorateEntries } = await import(new URL("room/timeline.js", document.querySelector("script[type=module]").src));
    decorateEntries((entry, place) => {
      const button = Object.assign(document.createElement("button"), { textContent: `Quote ${entry.kind}` });
      button.addEventListener("click", () => { appendMessage(entry.text); focus(); });
      place.append(button);
    });
  });
  await say(page, "offered after");
  for (const text of ["offered before", "offered after"]) {
    await entry(page, text).getByRole("button", { name: "Quote message" }).click();
  }
  assert.equal(await area(page).inputValue(), "offered before offered after");
  await focused(area(page));
});

// Last, because browsers log each missing image, also on every later page.
test("an add-on has its avatar", async (t) => {
  const { notify } = await talk(t, { avatar: { url: FACE } });
  const page = await open(t);
  await notify({ message: "by a face" });
  const face = entry(page, "by a face").locator(".face");
  await shown(face.locator("img"));
  assert.equal(await face.locator("img").getAttribute("src"), FACE);
  const { width, height } = await face.locator("img").boundingBox();
  assert.deepEqual([width, height], [32, 32]);
  await page.goto(`${demo.url}/integrations`);
  await shown(page.locator("h2 .avatar").first());
  assert.deepEqual(page.wrong, []);

  // An image that cannot be loaded is replaced by the initial.
  const other = await talk(t, { avatar: "http://127.0.0.1:1/none.png" });
  const room = await openPage(t, demo.url, { mayMiss: true });
  await other.notify({ message: "by no face" });
  await becomes(async () => (await entry(room, "by no face").locator(".face").innerText()).trim(), "T");
});
