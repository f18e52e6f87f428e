// Takes the README's screenshots of the real demo. Run it by hand:
//
//     cd tests/browser && GLANCE_BIN=$PWD/../../target/debug/cargo-glance node pictures.mjs

import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { launch, startDemo } from "./demo.mjs";

const folder = fileURLToPath(new URL("../../docs/images/", import.meta.url));
const WIDTH = 1000;

/** Opens a room page, and waits for every glance with its icon. */
async function open(browser, url, colorScheme) {
  const page = await browser.newPage({ viewport: { width: WIDTH, height: 900 }, deviceScaleFactor: 2, colorScheme });
  await page.goto(url);
  await page.locator("#glances .label").getByText("mentions").waitFor();
  await page.locator("#glances img").evaluateAll((icons) => Promise.all(icons.map((icon) => icon.decode())));
  return page;
}

/** The rectangle of the sidebar down to its lowest element. */
async function take(page, name, lowest, below) {
  const { x, y } = await page.locator("aside").boundingBox();
  const box = await lowest.boundingBox();
  const clip = { x, y: Math.ceil(y), width: WIDTH - x, height: Math.ceil(box.y + box.height - y) + below };
  await page.screenshot({ path: `${folder}${name}.png`, clip });
}

await mkdir(folder, { recursive: true });
const demo = await startDemo();
const browser = await launch();
try {
  for (const colorScheme of ["light", "dark"]) {
    const page = await open(browser, demo.url, colorScheme);
    await take(page, `sidebar-${colorScheme}`, page.locator("#glances .glance").last(), 12);
  }
  for (const [name, words] of [
    ["pull-requests", "pull requests"], ["blockers", "blockers"], ["mentions", "mentions"], ["incidents", "incidents"],
  ]) {
    const page = await open(browser, demo.url, "light");
    await page.locator("#glances .glance").filter({ hasText: words }).click();
    const panel = page.frameLocator("#panel-page iframe").locator("body > *").last();
    await panel.waitFor();
    await take(page, name, panel, 16);
  }
} finally {
  await browser.close();
  await demo.stop();
  await demo.forget();
}
