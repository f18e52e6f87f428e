// The demo in a real browser. To run it:
//
//     cargo build -p cargo-glance
//     cd tests/browser && npm ci && GLANCE_BIN=$PWD/../../target/debug/cargo-glance npm test
//
// CHROMIUM is the path of the browser, by default /usr/bin/chromium.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  alert, blocker, install, PROJECT, pullRequest, remove, REPOSITORY, review, startDemo,
} from "./demo.mjs";
import { becomes, browser, focused, hidden, isWide, open as openPage, openSheet, serve, shown } from "./page.mjs";

const FOUR = "4 open pull requests";
const FIVE = "5 open pull requests";
const TWO_BLOCKERS = "2 blockers in WID";
const THREE_INCIDENTS = "3 open incidents";
const MENTIONS = /^\d+ mentions of rust in an hour$/;

let demo;

before(async () => {
  demo = await startDemo();
});

after(async () => {
  if (demo) {
    await endDemo();
    await demo.forget();
  }
});

async function endDemo() {
  assert.equal(await demo.stop(), 0, demo.printed());
  assert.equal(demo.addOnProcesses.length, 4);
  for (const id of demo.addOnProcesses) {
    assert.throws(() => process.kill(id, 0), { code: "ESRCH" }, "an add-on outlives the demo");
  }
}

const open = (t, url = demo.url, options = {}) => openPage(t, url, options);
const glance = (page, text) => page.locator("#glances .glance").filter({ has: page.getByText(text, { exact: true }) });
const panelTop = (page, text) => page.locator("#panel-glance").getByText(text, { exact: true });
const panelPage = (page) => page.frameLocator("#panel-page iframe");

/** Opens the panel of a glance, and returns its document. */
async function openPanel(page, text = FOUR) {
  await glance(page, text).click();
  const inside = panelPage(page);
  await shown(inside.getByRole("heading"));
  return inside;
}

async function chooseRepositories(inside, repositories) {
  await inside.getByLabel("Repositories").fill(repositories);
  await inside.getByRole("button", { name: "Save" }).click();
}

async function uninstall(name) {
  const page = await browser.newPage();
  await remove(page, demo, name);
  await page.close();
}

/** Installs an add-on with one glance. Its query answers with `data`, or with 500 without it. */
async function installAddOn(t, page, addOn) {
  t.after(() => uninstall(addOn.name));
  const url = await serve(t, (request, response) => {
    request.resume();
    const json = (status, body) => response
      .writeHead(status, { "Content-Type": "application/json", "Access-Control-Allow-Origin": "*" })
      .end(JSON.stringify(body));
    const path = request.url.split("?")[0];
    if (path === "/") {
      json(200, {
        key: addOn.key,
        name: addOn.name,
        description: addOn.name,
        links: { self: `${url}/` },
        capabilities: {
          installable: { callbackUrl: `${url}/installed` },
          glance: [{ key: "line", name: { value: addOn.name }, icon: addOn.icon, queryUrl: `${url}/line`, conditions: [] }],
        },
      });
    } else if (path === "/line") {
      addOn.data ? json(200, addOn.data) : json(500, {});
    } else {
      response.writeHead(path.startsWith("/installed") ? 200 : 404).end();
    }
  });
  await install(page, demo, `${url}/`);
  await shown(page.getByRole("heading", { name: addOn.name }));
}

test("a line appears without errors on the page", async (t) => {
  const page = await open(t);
  await shown(glance(page, FOUR));
  assert.equal(await glance(page, FOUR).locator(".lozenge").textContent(), "REVIEW");
  await shown(page.locator("#connection").getByText("Live"));
  const icon = await glance(page, FOUR).locator("img").evaluate((image) => image.decode().then(() => image.src));
  assert.ok(icon.startsWith(`${new URL(demo.url).origin}/icon/`), icon);
  assert.deepEqual(page.wrong, []);
});

test("deliveries change, hide and show a line without a reload", async (t) => {
  const page = await open(t);
  const inside = await openPanel(page);
  const ready = inside.getByRole("listitem").filter({ hasNotText: "draft" });
  const numbers = (await ready.allInnerTexts()).map((text) => Number(text.match(/#(\d+)$/)[1]));
  assert.equal(numbers.length, 4);
  await page.keyboard.press("Escape");
  await page.evaluate(() => { window.marker = "same page"; });

  assert.equal(await demo.deliver(pullRequest(900_001, "open")), 204);
  await shown(glance(page, FIVE));
  assert.equal(await demo.deliver(pullRequest(900_001, "closed")), 204);
  await shown(glance(page, FOUR));

  for (const number of numbers.slice(1)) await demo.deliver(pullRequest(number, "closed"));
  await shown(glance(page, "1 open pull request"));
  await demo.deliver(pullRequest(numbers[0], "closed"));
  await hidden(glance(page, "1 open pull request"));
  await hidden(glance(page, /pull request/));

  await demo.deliver(pullRequest(numbers[0], "open"));
  await shown(glance(page, "1 open pull request"));
  for (const number of numbers.slice(1)) await demo.deliver(pullRequest(number, "open"));
  await shown(glance(page, FOUR));

  assert.equal(await page.evaluate(() => window.marker), "same page");
  assert.deepEqual(page.wrong, []);
});

test("a delivery with a wrong signature is refused and changes nothing", async (t) => {
  const page = await open(t);
  await shown(glance(page, FOUR));
  assert.equal(await demo.deliver(pullRequest(900_002, "open"), "a wrong secret"), 401);
  await page.reload();
  await shown(glance(page, FOUR));
  assert.equal(await demo.deliver(pullRequest(900_003, "open")), 204);
  await shown(glance(page, FIVE));
  assert.equal(await demo.deliver(pullRequest(900_003, "closed")), 204);
  await shown(glance(page, FOUR));
});

test("a panel is sandboxed, keeps refused input, and updates its line", async (t) => {
  const page = await open(t);
  const inside = await openPanel(page);
  const sandbox = await page.locator("#panel-page iframe").getAttribute("sandbox");
  assert.doesNotMatch(sandbox, /allow-top-navigation|allow-modals/);
  assert.equal(await inside.getByRole("heading").textContent(), "4 open, 1 in draft");
  assert.equal(await inside.getByRole("listitem").count(), 5);

  await chooseRepositories(inside, "example/widgets\nnot a repository");
  assert.match(await inside.getByRole("alert").textContent(), /^"not" is not a repository\./);
  assert.equal(await inside.getByLabel("Repositories").inputValue(), "example/widgets\nnot a repository");
  await shown(panelTop(page, FOUR));

  await demo.deliver(pullRequest(1, "open", { repository: "example/gadgets", days: 30, title: "<b>Bold</b> & <i>brave</i>" }));
  await chooseRepositories(inside, "example/gadgets");
  await shown(panelTop(page, "1 open pull request"));
  await shown(page.locator("#panel-glance .lozenge").getByText("STALE"));
  await shown(inside.getByRole("link", { name: "<b>Bold</b> & <i>brave</i>", exact: true }));

  await chooseRepositories(inside, `example/gadgets, ${REPOSITORY}`);
  await shown(panelTop(page, FIVE));
  await chooseRepositories(inside, REPOSITORY);
  await shown(panelTop(page, FOUR));
});

test("an open panel updates with its line and keeps unsaved input", async (t) => {
  const page = await open(t);
  const changes = async (line, changed, heading, changedHeading, field, change, undo) => {
    const inside = await openPanel(page, line);
    await shown(inside.getByRole("heading", { name: heading, exact: true }));
    await inside.getByLabel(field).first().fill("half a word");
    await change();
    await shown(panelTop(page, changed));
    await shown(inside.getByRole("heading", { name: changedHeading, exact: true }));
    assert.equal(await inside.getByLabel(field).first().inputValue(), "half a word");
    await undo();
    await shown(panelTop(page, line));
    await shown(inside.getByRole("heading", { name: heading, exact: true }));
    await page.getByRole("button", { name: "Close the panel" }).click();
  };
  await changes(FOUR, FIVE, "4 open, 1 in draft", "5 open, 1 in draft", "Repositories",
    () => demo.deliver(pullRequest(900_010, "open")), () => demo.deliver(pullRequest(900_010, "closed")));
  await changes(TWO_BLOCKERS, "3 blockers in WID", "2 open in the current sprint", "3 open in the current sprint", "Key of the Jira project",
    () => demo.deliverIssue(blocker(900_010, "created")), () => demo.deliverIssue(blocker(900_010, "deleted")));
  await changes(THREE_INCIDENTS, "4 open incidents", "3 open", "4 open", "Labels of alerts",
    () => demo.deliverAlerts(alert(900_010, "firing")), () => demo.deliverAlerts(alert(900_010, "resolved")));

  const inside = await openPanel(page, MENTIONS);
  const count = async () => Number.parseInt(await inside.locator("[data-live=words] b").textContent(), 10);
  const before = await count();
  await inside.getByLabel("Words").fill("half a word");
  const end = Date.now() + 20_000;
  while (await count() <= before && Date.now() < end) await page.waitForTimeout(100);
  assert.ok(await count() > before, "the panel's number rises with the line's");
  assert.equal(await inside.getByLabel("Words").inputValue(), "half a word");
  assert.deepEqual(page.wrong, []);
});

test("panels show the webhook's URL and the time of the last delivery", async (t) => {
  const page = await open(t);
  for (const [line, address] of [
    [FOUR, demo.hooks.github], [TWO_BLOCKERS, demo.hooks.jira], [THREE_INCIDENTS, demo.hooks.alertmanager],
  ]) {
    const inside = await openPanel(page, line);
    await shown(inside.locator("code").getByText(address, { exact: true }));
    await shown(inside.getByText(/^Last delivery: (just now|\d+ minutes? ago)/));
    await page.getByRole("button", { name: "Close the panel" }).click();
  }
  const inside = await openPanel(page, MENTIONS);
  await shown(inside.locator("code").getByText(/\/api\/v1\/streaming\/public$/));
  await shown(inside.getByText(/^Last status: (just now|\d+ minutes? ago)$/));
});

test("a pull request can be removed from a room and returns with its next delivery", async (t) => {
  const page = await open(t);
  assert.equal(await demo.deliver(pullRequest(900_020, "open", { title: "Lost" })), 204);
  const inside = await openPanel(page, FIVE);
  await inside.getByLabel("Stale after days").fill("9");
  await inside.getByRole("button", { name: "Remove #900020" }).click();
  await shown(panelTop(page, FOUR));
  await hidden(inside.getByRole("link", { name: "Lost" }));
  assert.equal(await inside.getByLabel("Stale after days").inputValue(), "9", "what is being written stays");
  await inside.getByRole("button", { name: "Show again" }).click();
  await shown(panelTop(page, FIVE));
  await shown(inside.getByRole("link", { name: "Lost" }));
  assert.equal(await demo.deliver(pullRequest(900_020, "closed")), 204);
  await shown(panelTop(page, FOUR));
  assert.deepEqual(page.wrong, []);
});

test("a renamed repository stays chosen", async (t) => {
  const page = await open(t);
  const inside = await openPanel(page);
  assert.equal(await demo.deliverRepository("renamed", { id: 1, full_name: "example/gears" }), 204);
  assert.equal(await demo.deliver(pullRequest(900_030, "open", { repository: "example/gears", id: 1 })), 204);
  await shown(panelTop(page, FIVE));
  await shown(inside.locator("[data-live=deliveries]").getByText("example/gears"));
  assert.equal(await demo.deliver(pullRequest(900_030, "closed")), 204);
  await shown(panelTop(page, FOUR));
  await shown(inside.locator("[data-live=deliveries]").getByText(REPOSITORY));
});

test("a panel opens and closes by keyboard and restores the focus", async (t) => {
  const page = await open(t);
  const button = glance(page, FOUR);
  await shown(button);
  const isFocused = () => button.evaluate((element) => element === document.activeElement);
  for (let i = 0; i < 20 && !(await isFocused()); i++) await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await shown(panelPage(page).getByRole("heading"));
  await focused(page.getByRole("button", { name: "Close the panel" }));
  await page.keyboard.press("Escape");
  await hidden(page.locator("#panel"));
  await focused(button);

  await page.keyboard.press("Space");
  await shown(panelPage(page).getByRole("heading"));
  await page.keyboard.press("Enter");
  await hidden(page.locator("#panel"));
  await focused(button);
  assert.deepEqual(page.wrong, []);
});

test("the integrations page opens a panel, and closing it focuses a glance", async (t) => {
  const page = await open(t, `${demo.url}/integrations`);
  await page.getByRole("link", { name: "Open Pull requests" }).click();
  await shown(panelPage(page).getByRole("heading"));
  await becomes(() => page.url(), demo.url, "a reload shows the list");
  await shown(panelTop(page, "Pull requests"));
  await glance(page, FOUR).waitFor({ state: "attached" });
  await page.keyboard.press("Escape");
  await shown(glance(page, FOUR));
  await focused(glance(page, FOUR));

  await page.goto(`${demo.url}#%E0/x`);
  await shown(glance(page, FOUR));
  assert.deepEqual(page.wrong, []);
});

test("a link in a panel opens a separate tab", async (t) => {
  const page = await open(t);
  await page.context().route("https://github.com/**", (route) => route.fulfill({ contentType: "text/html", body: "GitHub" }));
  const inside = await openPanel(page);
  const [tab] = await Promise.all([page.waitForEvent("popup"), inside.getByRole("link").first().click()]);
  await shown(tab.getByText("GitHub"));
  assert.equal(await tab.evaluate(() => self.origin), "https://github.com");
  assert.equal(await tab.evaluate(() => window.opener), null);
});

test("alerts appear and disappear, and the most severe one colours the line", async (t) => {
  const page = await open(t);
  await shown(glance(page, THREE_INCIDENTS));
  assert.equal(await glance(page, THREE_INCIDENTS).locator(".lozenge").textContent(), "CRITICAL");
  assert.equal(await demo.deliverAlerts(alert(900_001, "firing"), "a wrong secret"), 401);
  assert.equal(await demo.deliverAlerts(alert(900_001, "firing", { summary: "<b>Bold</b>" })), 204);
  await shown(glance(page, "4 open incidents"));
  const inside = await openPanel(page, "4 open incidents");
  await shown(inside.getByRole("link", { name: "<b>Bold</b>", exact: true }));
  assert.equal(await demo.deliverAlerts(alert(900_001, "resolved")), 204);
  await shown(panelTop(page, THREE_INCIDENTS));

  const watch = async (labels) => {
    await inside.getByLabel("Labels of alerts").fill(labels);
    await inside.getByRole("button", { name: "Save" }).click();
  };
  await watch("no label");
  assert.match(await inside.getByRole("alert").textContent(), /^"no label" is not a label\./);
  await watch("team=nobody");
  await shown(inside.getByRole("heading", { name: "No alerts are firing." }));
  await watch("receiver=chat");
  await shown(inside.getByRole("heading", { name: "3 open" }));
  await page.getByRole("button", { name: "Close the panel" }).click();
  await shown(glance(page, THREE_INCIDENTS));
});

test("Jira deliveries change the blockers, and the line depends on the room's project", async (t) => {
  const page = await open(t);
  await shown(glance(page, TWO_BLOCKERS));
  assert.equal(await glance(page, TWO_BLOCKERS).locator(".lozenge").textContent(), "BLOCKED");
  assert.equal(await demo.deliverIssue(blocker(900_001, "created"), "a wrong secret"), 401);
  assert.equal(await demo.deliverIssue(blocker(900_001, "created", { summary: "<b>Bold</b>" })), 204);
  await shown(glance(page, "3 blockers in WID"));
  let inside = await openPanel(page, "3 blockers in WID");
  await shown(inside.getByRole("link", { name: "<b>Bold</b>", exact: true }));
  assert.equal(await demo.deliverIssue(blocker(900_001, "deleted")), 204);
  await shown(panelTop(page, TWO_BLOCKERS));
  // The panel receives the push and reloads its list.
  await shown(inside.getByRole("heading", { name: "2 open in the current sprint" }));
  await hidden(inside.getByRole("link", { name: "<b>Bold</b>", exact: true }));

  const choose = async (project) => {
    await inside.getByLabel("Key of the Jira project").fill(project);
    await inside.getByRole("button", { name: "Save" }).click();
  };
  const length = await page.evaluate(() => history.length);
  await choose("no key");
  assert.match(await inside.getByRole("alert").textContent(), /^"no key" is not a project key\./);
  await choose("");
  await shown(inside.getByRole("heading", { name: "Choose the project of this room." }));
  assert.equal(await page.evaluate(() => history.length), length, "what is saved is no step back");
  await inside.getByRole("heading").click();
  await page.keyboard.press("Escape");
  await hidden(glance(page, TWO_BLOCKERS));

  inside = await openPanel(page, "Choose a Jira project");
  await choose(PROJECT);
  await shown(inside.getByRole("heading", { name: "2 open in the current sprint" }));
  await page.getByRole("button", { name: "Close the panel" }).click();
  await shown(glance(page, TWO_BLOCKERS));
  await hidden(glance(page, "Choose a Jira project"));
});

test("mentions increase by themselves and follow the room's words", async (t) => {
  const page = await open(t);
  const line = glance(page, MENTIONS);
  const count = async () => Number.parseInt(await line.locator(".label").textContent(), 10);
  await shown(line);
  const before = await count();
  assert.ok(before > 10);
  await page.waitForFunction(
    (before) => [...document.querySelectorAll("#glances .label")]
      .some(({ textContent }) => textContent.includes("mentions") && Number.parseInt(textContent, 10) > before),
    before,
  );

  const inside = await openPanel(page, MENTIONS);
  const choose = async (words) => {
    await inside.getByLabel("Words").fill(words);
    await inside.getByRole("button", { name: "Save" }).click();
  };
  await choose("rust हिन्दी");
  await shown(inside.getByRole("listitem").filter({ hasText: /^0 हिन्दी$/ }));
  await choose("rust, <b>");
  assert.match(await inside.getByRole("alert").textContent(), /^"<b>" is not a word/);
  await choose("rust tea");
  await shown(inside.getByRole("listitem").filter({ hasText: /^\d+ rust$/ }));
  await shown(panelTop(page, /^\d+ mentions in an hour$/));
  await choose("rust");
  await shown(panelTop(page, MENTIONS));
});

test("only the iframe's URL contains the token of a panel", async (t) => {
  const page = await open(t);
  const requests = [];
  page.on("request", (request) => requests.push(request));
  const inside = await openPanel(page);
  const source = await page.locator("#panel-page iframe").getAttribute("src");
  const token = new URL(source).searchParams.get("signed_request");
  assert.equal(token.split(".").length, 3);
  const occurrences = async () => (await page.content()).split(token).length - 1;
  assert.equal(await occurrences(), 1);
  await Promise.all([
    page.waitForResponse((response) => response.request().method() === "POST"
      && new URL(response.url()).pathname === new URL(source).pathname),
    chooseRepositories(inside, REPOSITORY),
  ]);

  const devtools = await page.context().newCDPSession(page);
  const { entries } = await devtools.send("Page.getNavigationHistory");
  for (const address of [page.url(), ...entries.map((entry) => entry.url)]) {
    assert.doesNotMatch(address, /signed_request/);
  }
  for (const request of requests) {
    const { referer = "" } = await request.allHeaders();
    assert.doesNotMatch(referer, /signed_request/);
    if (request.url().startsWith(new URL(demo.url).origin)) assert.doesNotMatch(request.url(), /signed_request/);
  }
  await page.getByRole("button", { name: "Close the panel" }).click();
  await becomes(occurrences, 0);
});

test("a failed query affects only its glance, and a retry loads it", async (t) => {
  const addOn = { key: "test.builds", name: "Builds", icon: { url: "data:,", "url@2x": "data:," } };
  addOn.data = { label: { type: "html", value: "<b>2</b> builds" } };
  const page = await open(t);
  await installAddOn(t, page, addOn);
  await page.goto(demo.url);
  await shown(glance(page, "2 builds"));

  addOn.data = null;
  await page.reload();
  const failed = glance(page, "Builds");
  await shown(failed.getByText("Can't load"));
  await shown(glance(page, FOUR));

  addOn.data = { label: { type: "html", value: "<b>3</b> builds" } };
  await failed.getByRole("button", { name: "Try again" }).click();
  await shown(glance(page, "3 builds"));
});

test("HTML and scripts of an add-on are shown as text", async (t) => {
  const attack = `<img src=x onerror="window.ran=1">`;
  const script = "javascript:window.ran=1";
  const addOn = { key: "test.hostile", name: `Hostile ${attack}`, icon: { url: script, "url@2x": script } };
  const page = await open(t);
  await installAddOn(t, page, addOn);
  assert.equal(await page.evaluate(() => window.ran), undefined);
  await page.goto(demo.url);
  await shown(glance(page, addOn.name).getByText("Can't load"));

  const answer = async (label, status) => {
    addOn.data = { label: { type: "html", value: label }, status };
    await page.reload();
    await shown(glance(page, FOUR));
    return page.locator("#glances .glance").filter({ hasText: "ok" });
  };
  const lozenge = `<b onclick=x>now`;
  const label = `${attack}<b onclick="window.ran=1">ok</b><script>window.ran=1</script><a href="${script}">x</a>`;
  let line = await answer(label, { type: "lozenge", value: { type: "error", label: lozenge } });
  await shown(line);
  assert.equal(await line.locator(".label").innerHTML(), "<b>ok</b>");
  assert.equal(await line.locator(".lozenge").textContent(), lozenge);
  await shown(line.locator(`img.icon[src="/assets/icon.svg"]`));

  line = await answer("ok &lt;script&gt;", { type: "icon", value: { url: script, "url@2x": script } });
  await shown(line.locator(`img.status[src="/assets/icon.svg"]`));
  assert.equal(await line.locator(".label").textContent(), "ok <script>");
  assert.equal(await page.evaluate(() => window.ran), undefined);
});

for (const colorScheme of ["light", "dark"]) {
  test(`the room page fits into 320 pixels, ${colorScheme}`, async (t) => {
    const addOn = { key: "test.long", name: "Long", icon: { url: "data:,", "url@2x": "data:," } };
    const long = "a label that goes on and on ".repeat(10);
    addOn.data = {
      label: { type: "html", value: long },
      status: { type: "lozenge", value: { type: "moved", label: "W".repeat(20) } },
    };
    const page = await open(t, demo.url, { viewport: { width: 320, height: 640 }, colorScheme });
    await openSheet(page);
    await shown(glance(page, FOUR));
    await isWide(page, 320);
    const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.equal(ground, colorScheme === "light" ? "rgb(245, 246, 248)" : "rgb(20, 23, 28)");

    for (const text of [FOUR, TWO_BLOCKERS, MENTIONS, THREE_INCIDENTS]) {
      await openPanel(page, text);
      await isWide(page, 320);
      const frame = page.frames().at(-1);
      await isWide(frame, await frame.evaluate(() => document.documentElement.clientWidth));
      await page.getByRole("button", { name: "Close the panel" }).click();
    }

    await review(page, demo, `http://127.0.0.1:1/${"path".repeat(40)}`);
    await shown(page.getByRole("alert"));
    await isWide(page, 320);
    await installAddOn(t, page, addOn);
    await page.goto(demo.url);
    await openSheet(page);
    await shown(page.locator("#glances").getByText(long.trim()));
    await isWide(page, 320);
  });
}

test("a failed installation shows the reason", async (t) => {
  const body = { "/": "{}", "/html": "<!doctype html>", "/glance": JSON.stringify({
    key: "k", name: "N", links: { self: "here" }, capabilities: { glance: [{ key: "g", name: { value: "G" } }] },
  }) };
  const url = await serve(t, ({ url: path }, response) => response.writeHead(path in body ? 200 : 404).end(body[path]));
  const page = await open(t);
  const refused = async (descriptor) => {
    await review(page, demo, descriptor);
    assert.equal(await page.getByLabel("URL of an add-on's descriptor").inputValue(), descriptor);
    return page.getByRole("alert").innerText();
  };
  assert.match(await refused(`${url}/glance`), /is no descriptor:/);
  const places = () => page.getByRole("alert").locator("li > code:first-child").allTextContents();
  assert.deepEqual(await places(), ["/links/self", "/capabilities/glance/0/icon"]);
  await refused(`${url}/`);
  assert.deepEqual(await places(), ["/key", "/name"]);
  assert.deepEqual(await page.getByRole("alert").getByRole("listitem").allInnerTexts(), ["/key: key is missing; add it", "/name: name is missing; add it"]);
  assert.match(await refused(`${url}/html`), /is no JSON: expected a value at line 1 column 1\.$/);
  assert.match(await refused(`${url}/nothing`), /answered 404 instead of a descriptor; check the address\.$/);
  assert.match(await refused("http://127.0.0.1:1/"), /cannot be reached .*; check that the add-on runs\.$/);
  assert.match(await refused("ftp://127.0.0.1/"), /is no address of a descriptor/);
  assert.match(await refused(`${demo.addOn}/`), /^Pull requests is installed in this room already; remove it in the room's integrations/);
});

test("an open page follows the removal and reinstallation of an add-on", async (t) => {
  const watching = await open(t);
  await shown(glance(watching, FOUR));
  const page = await open(t);
  await remove(page, demo, "Pull requests");
  await hidden(glance(watching, FOUR));
  await shown(glance(watching, TWO_BLOCKERS));
  for (const name of ["Blockers", "Mentions", "Incidents"]) await remove(page, demo, name);
  await shown(watching.locator("#empty"));
  await hidden(watching.locator("#glances .glance"));
  await shown(page.getByText("No add-ons are installed here."));

  await install(page, demo, `${demo.addOn}/`);
  await shown(glance(watching, "Choose GitHub repositories"));
  await page.getByRole("link", { name: "Open Pull requests" }).click();
  const inside = panelPage(page);
  await shown(inside.getByRole("heading", { name: "Choose the repositories of this room." }));
  await becomes(() => page.url(), demo.url);
  await chooseRepositories(inside, REPOSITORY);
  await shown(glance(watching, FOUR));
  await hidden(watching.locator("#empty"));
  await hidden(glance(watching, "Choose GitHub repositories"));
  assert.deepEqual(watching.wrong, []);
});

test("a page reconnects after a restart of the host", async (t) => {
  const page = await open(t);
  await shown(glance(page, FOUR));
  await page.evaluate(() => { window.marker = "same page"; });
  await endDemo();
  await shown(page.getByText("Reconnecting…"));
  demo = await startDemo({ data: demo.data, port: Number(new URL(demo.url).port) });
  await shown(page.locator("#connection").getByText("Live"));
  await shown(glance(page, FOUR));
  await demo.deliver(pullRequest(900_004, "open"));
  await shown(glance(page, FIVE));
  assert.equal(await page.evaluate(() => window.marker), "same page");
});
