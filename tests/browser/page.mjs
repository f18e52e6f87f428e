// Pages in a real browser, and servers that they meet. Whoever imports this has the browser for all of its tests.

import { once } from "node:events";
import { createServer } from "node:http";
import { after, before } from "node:test";
import { launch } from "./demo.mjs";

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
  context.setDefaultTimeout(20_000);
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
export const isFocused = (locator) => locator.evaluate((element) => element === document.activeElement);

/** How wide a page or frame is, once its stylesheet came: what is laid out by it can be there before. */
export async function width(page) {
  await page.waitForLoadState();
  return page.evaluate(() => document.documentElement.scrollWidth);
}
