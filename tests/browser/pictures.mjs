// Takes the README's pictures from the real demo, by hand:
//
//     cd tests/browser && GLANCE_BIN=$PWD/../../target/debug/cargo-glance node pictures.mjs

import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { launch, startDemo } from "./demo.mjs";

const folder = fileURLToPath(new URL("../../docs/images/", import.meta.url));
const HEIGHT = 176;

await mkdir(folder, { recursive: true });
const demo = await startDemo();
const browser = await launch();
try {
  for (const colorScheme of ["light", "dark"]) {
    const page = await browser.newPage({
      viewport: { width: 1000, height: 700 }, deviceScaleFactor: 2, colorScheme,
    });
    await page.goto(demo.url);
    await page.locator("#glances .label").getByText("mentions").waitFor();
    await page.locator("#glances img").evaluateAll((icons) => Promise.all(icons.map((icon) => icon.decode())));
    const { x, y, width } = await page.locator("aside").boundingBox();
    await page.screenshot({ path: `${folder}sidebar-${colorScheme}.png`, clip: { x, y: Math.ceil(y), width, height: HEIGHT } });
  }
} finally {
  await browser.close();
  await demo.stop();
  await demo.forget();
}
