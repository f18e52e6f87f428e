// Pages in a real browser, and servers that they meet. Whoever imports this has the browser for all of its tests.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before } from "node:test";
import { setTimeout } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { launch } from "./demo.mjs";

/** How long a page may take for anything, in milliseconds. */
const PATIENCE = 20_000;

export let browser;

before(async () => {
  browser = await launch();
});

after(() => browser?.close());

/**
 * A page in a browser profile of its own, with all that went wrong on it, refusals by its policy included; what
 * it asked for that is not there only where it may not miss anything.
 */
export async function open(t, url, { mayMiss = false, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1000, height: 700 }, ...options });
  t.after(() => context.close());
  context.setDefaultTimeout(PATIENCE);
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

/** A server of the test's own; its origin. */
export async function serve(t, handler) {
  const server = createServer(handler).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => { server.close(); server.closeAllConnections(); });
  return `http://127.0.0.1:${server.address().port}`;
}

export const hidden = (locator) => locator.waitFor({ state: "hidden" });
export const shown = (locator) => locator.waitFor({ state: "visible" });
export const focused = (locator) => shown(locator.and(locator.page().locator(":focus")));

/** Waits until what is read is what is expected; says what it is where it never is. */
export async function becomes(read, expected, message) {
  const end = Date.now() + PATIENCE;
  let actual = await read();
  while (!isDeepStrictEqual(actual, expected) && Date.now() < end) {
    await setTimeout(20);
    actual = await read();
  }
  assert.deepEqual(actual, expected, message);
}

/** A page or frame is so many pixels wide, with all that is in it. */
export async function isWide(page, pixels, message) {
  // What is laid out by its stylesheet can be there before.
  await page.waitForLoadState();
  await becomes(() => page.evaluate(() => document.documentElement.scrollWidth), pixels, message);
}
