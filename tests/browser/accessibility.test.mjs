// Checks the host's own pages with axe (WCAG 2.2 AA and best practices), wide and narrow, light and dark; see
// demo.test.mjs for how to run it. Pages of add-ons in frames are not the host's.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { makeRoom } from "./add-on.mjs";
import { focused, open as openPage, openSheet, shown } from "./page.mjs";
import { demo } from "./running-demo.mjs";

const axe = await readFile(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

async function check(page, state) {
  await page.evaluate(axe);
  const { passes, violations } = await page.evaluate(
    (runOnly) => globalThis.axe.run({ runOnly, iframes: false }), RULES,
  );
  assert.ok(passes.length > 5, "it checked something");
  const found = violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id} ${target}: ${failureSummary}`));
  assert.deepEqual(found, [], state);
}

const live = (page) => page.locator("#connection").getByText("Live").waitFor({ state: "attached" });

for (const [width, height] of [[1280, 800], [320, 640]]) {
  for (const colorScheme of ["light", "dark"]) {
    // axe is a script of the test, which the policy of the host's pages does not allow.
    const options = { viewport: { width, height }, colorScheme, reducedMotion: "reduce", bypassCSP: true };

    test(`pages have no violations, ${width} wide, ${colorScheme}`, async (t) => {
      const page = await openPage(t, demo.url, { ...options, mayMiss: true });
      const room = new URL(demo.url).pathname;
      for (const path of ["/", `${room}/integrations`, `${room}/settings`, "/messages", "/tokens", "/integrations", "/none"]) {
        await page.goto(new URL(path, demo.url).href);
        await check(page, path);
      }
      await page.goto(new URL(`${room}/integrations`, demo.url).href);
      await page.getByLabel("URL of an add-on's descriptor").fill(`${demo.addOn}/`);
      await page.getByRole("button", { name: "Review" }).click();
      await page.waitForLoadState();
      await check(page, "review");
    });

    test(`a room has no violations, ${width} wide, ${colorScheme}`, async (t) => {
      const page = await openPage(t, demo.url, options);
      await live(page);
      await shown(page.locator("#entries .entry").first());
      await check(page, "room");
      if (width < 720) {
        await openSheet(page);
        await check(page, "glances as a sheet");
      }
      await page.locator("#glances button").first().click();
      await focused(page.getByRole("button", { name: "Close the panel" }));
      await check(page, "panel");
      await page.keyboard.press("Escape");
      await page.locator("#inspect").click();
      await shown(page.locator("#inspector-parts"));
      await check(page, "inspector");

      await page.keyboard.press("Alt+I");
      await page.route(/\/events(\?|$)/, (route) => route.abort());
      await page.reload();
      await shown(page.locator("#lost"));
      if (width < 720) await page.locator("#strip .pill").first().click();
      await check(page, "room without its host");
      await page.unrouteAll();

      await page.goto(await makeRoom(page, `Nothing here, ${width} ${colorScheme}`));
      await live(page);
      await page.locator("#empty-title").getByText("No glances yet").waitFor({ state: "attached" });
      if (width < 720) await openSheet(page);
      await check(page, "room without a glance");
    });
  }
}
