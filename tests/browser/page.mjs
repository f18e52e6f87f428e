// Pages in a real browser, and servers for them. A test file that imports this gets a browser for all its tests.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before } from "node:test";
import { setTimeout } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { launch } from "./demo.mjs";

/** The timeout of each step, in milliseconds. */
const TIMEOUT = 20_000;

export let browser;

before(async () => {
  browser = await launch();
});

after(() => browser?.close());

/**
 * Opens a page in its own browser profile. `page.wrong` collects its errors, including refusals by its policy, and 404
 * answers unless `mayMiss` is set.
 */
export async function open(t, url, { mayMiss = false, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1000, height: 700 }, ...options });
  t.after(() => context.close());
  context.setDefaultTimeout(TIMEOUT);
  const page = await context.newPage();
  page.wrong = [];
  page.on("console", (message) => {
    const isMissed = mayMiss && message.text().includes("status of 404");
    if (message.type() === "error" && !isMissed) page.wrong.push(message.text());
  });
  page.on("pageerror", (error) => page.wrong.push(error.message));
  await page.goto(url);
  return page;
}

/** Starts a server for the test, and returns its origin. */
export async function serve(t, handler) {
  const server = createServer(handler).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => { server.close(); server.closeAllConnections(); });
  return `http://127.0.0.1:${server.address().port}`;
}

export const hidden = (locator) => locator.waitFor({ state: "hidden" });
export const shown = (locator) => locator.waitFor({ state: "visible" });
export const focused = (locator) => shown(locator.and(locator.page().locator(":focus")));

/** Waits until `read` returns the expected value; fails with the actual value after the timeout. */
export async function becomes(read, expected, message) {
  const end = Date.now() + TIMEOUT;
  let actual = await read();
  while (!isDeepStrictEqual(actual, expected) && Date.now() < end) {
    await setTimeout(20);
    actual = await read();
  }
  assert.deepEqual(actual, expected, message);
}

/** Opens the glances of a room's narrow page. */
export async function openSheet(page) {
  // Before the script runs, a tap does nothing.
  await page.locator("#connection").getByText("Live").waitFor({ state: "attached" });
  await page.locator("#strip .pill").first().click();
}

/** Waits until the content of a page or frame has this width, in pixels. */
export async function isWide(page, pixels, message) {
  // Elements may exist before their stylesheet is loaded.
  await page.waitForLoadState();
  await becomes(() => page.evaluate(() => document.documentElement.scrollWidth), pixels, message);
}
