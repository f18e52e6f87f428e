// The inspector of the room page in a real browser; see demo.test.mjs for how to run it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { pullRequest } from "./demo.mjs";
import { becomes, focused, hidden, isWide, open as openPage, openSheet, shown } from "./page.mjs";
import { demo } from "./running-demo.mjs";

/** Opens the room page with its glances. */
async function open(t, options = {}) {
  const page = await openPage(t, demo.url, options);
  if (options.viewport?.width < 720) await openSheet(page);
  await page.locator("#glances .label").getByText("pull requests").waitFor();
  return page;
}

const drawer = (page) => page.getByRole("region", { name: "Inspector" });
const tab = (page, name) => page.getByRole("tab", { name });
const part = (page, name) => page.locator(`#inspector-parts [data-part="${name}"]`);

test("the inspector opens by click and by keyboard and restores the focus", async (t) => {
  const page = await open(t);
  await page.getByRole("button", { name: "Inspect", exact: true }).click();
  await shown(drawer(page));
  await shown(part(page, "Why").getByText("Shown: all conditions hold."));
  await shown(part(page, "Last query").getByText("No query since you opened the inspector."));
  assert.equal(await page.locator("#inspect").getAttribute("aria-expanded"), "true");
  await page.keyboard.press("Alt+i");
  await hidden(drawer(page));
  await focused(page.locator("#inspect"));

  await page.keyboard.press("Alt+i");
  await shown(drawer(page));
  const chosen = () => page.locator("#inspector-tabs [aria-selected=true]");
  await page.waitForFunction(() => document.querySelector("#inspector-tabs [aria-selected=true]"));
  await chosen().focus();
  await page.keyboard.press("End");
  assert.match(await chosen().textContent(), /^Webhooks/);
  await page.keyboard.press("Home");
  assert.match(await chosen().textContent(), /^Pull requests/);
  await focused(chosen());

  const grip = page.getByRole("separator");
  const before = (await drawer(page).boundingBox()).height;
  await grip.focus();
  await page.keyboard.press("ArrowDown");
  await becomes(async () => (await drawer(page).boundingBox()).height < before, true);
  assert.deepEqual(page.wrong, []);
});

test("Query again shows request, answer and claims without a token", async (t) => {
  const page = await open(t);
  await page.locator("#inspect").click();
  await page.getByRole("button", { name: "Query again" }).click();
  await shown(part(page, "Last query").getByText(/^GET http.*\/glance\/pull-requests$/));
  await shown(part(page, "Last query").getByText("Its answer is for every origin."));
  await shown(part(page, "Last signed request").getByText('"HS256"'));
  assert.doesNotMatch(await drawer(page).innerText(), /signed_request|eyJ/);
  assert.deepEqual(page.wrong, []);
});

test("a hidden glance shows the reason live, and a push keeps focus and scroll position", async (t) => {
  const page = await open(t);
  await page.locator("#inspect").click();
  await tab(page, /hidden$/).first().click();
  await shown(part(page, "Why").getByText(/^Hidden: /));

  await tab(page, /^Pull requests shown/).click();
  const again = page.getByRole("button", { name: "Query again" });
  await again.focus();
  const detail = page.locator("#inspector-detail");
  await detail.evaluate((element) => { element.scrollTop = 60; });
  assert.equal(await demo.deliver(pullRequest(900_101, "open")), 204);
  await shown(part(page, "Pushes").getByText(/, for everyone$/).first());
  assert.match(await part(page, "Pushes").locator("pre").first().textContent(), /5<\/b> open pull requests/);
  await focused(again);
  assert.equal(await detail.evaluate((element) => element.scrollTop), 60);
  assert.equal(await demo.deliver(pullRequest(900_101, "closed")), 204);
  assert.deepEqual(page.wrong, []);
});

test("the inspector survives a reload and then records queries", async (t) => {
  const page = await open(t);
  await page.locator("#inspect").click();
  await shown(part(page, "Why"));
  await page.reload();
  // The host has stored the data of the room, which needs no query now.
  await shown(part(page, "Data").getByText(/, which the host had stored$/));
  await page.locator("#inspector-again").click();
  await shown(part(page, "Last query").getByText(/^GET http/));
  await page.getByRole("button", { name: "Close the inspector" }).click();
  await page.reload();
  await shown(page.locator("#glances .glance").first());
  await hidden(drawer(page));
});

test("the inspector fits into 320 pixels", async (t) => {
  const page = await open(t, { viewport: { width: 320, height: 600 } });
  await page.locator("#inspect").click();
  await shown(part(page, "Why"));
  await isWide(page, 320);
  const close = await page.locator("#inspector-close").boundingBox();
  const tabs = await page.locator("#inspector-tabs").boundingBox();
  assert.ok(tabs.x + tabs.width <= close.x + 1);
});
