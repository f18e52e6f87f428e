// A room's sidebar on another site, in a real browser. It needs the example host of glance-host; to run it:
//
//     cargo build -p glance-host --example embedded
//     cd tests/browser && npm ci && GLANCE_EMBEDDED=$PWD/../../target/debug/examples/embedded npm test

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { startHost } from "./host.mjs";
import { becomes, isWide, open as openPage } from "./page.mjs";

let wiki;
let host;

/** A site whose pages embed the sidebar and request tokens from it. */
async function site() {
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://any");
    if (pathname === "/token") {
      if (!server.gives) return response.writeHead(503).end();
      server.asked += 1;
      return response.end(await ask("token"));
    }
    const theme = searchParams.get("theme");
    response.writeHead(200, { "Content-Type": "text/html" }).end(`<!doctype html>
      <meta name="viewport" content="width=device-width">
      <title>A wiki</title>
      <style>body { margin: 0; font: 16px sans-serif }</style>
      <h1>A wiki</h1>
      <glance-sidebar src="${host.url}"${theme ? ` theme="${theme}"` : ""}></glance-sidebar>
      <script type="module" src="${new URL(host.url).origin}/assets/glance-sidebar.js"></script>
      <script type="module">
        document.querySelector("glance-sidebar").addEventListener("tokenwanted", async ({ target }) => {
          const answer = await fetch("/token", { method: "POST" });
          if (answer.ok) target.setAttribute("token", await answer.text());
        });
      </script>`);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  server.asked = 0;
  server.gives = true;
  server.url = `http://127.0.0.1:${server.address().port}`;
  return server;
}

const ask = (line) => host.ask(line);

before(async () => {
  wiki = await site();
  host = await startHost("embedded", [wiki.url]);
});

after(async () => {
  await host?.stop();
  wiki?.close();
  wiki?.closeAllConnections();
});

async function open(t, address, options = {}) {
  const page = await openPage(t, address, { viewport: { width: 700, height: 600 }, ...options });
  page.sidebar = page.frameLocator("glance-sidebar iframe");
  return page;
}

const live = (page) => page.sidebar.getByText("Live", { exact: true }).waitFor();
const label = (page, text) => page.sidebar.locator("#glances .label", { hasText: text }).waitFor();

test("a site shows the live sidebar, and its panels", async (t) => {
  const page = await open(t, wiki.url);
  await live(page);
  await label(page, "2 broken builds");
  await ask("push 3 broken builds");
  await label(page, "3 broken builds");
  await page.sidebar.locator("#glances button.glance").click();
  const panel = page.sidebar.frameLocator("#panel-page iframe");
  await panel.getByText("The builds").waitFor();
  await ask("push 4 broken builds");
  await page.sidebar.locator("#panel-glance").getByText("4 broken builds").waitFor();
  await page.sidebar.getByRole("button", { name: "Close the panel" }).click();
  await label(page, "4 broken builds");
  assert.deepEqual(page.wrong, []);
  const addresses = await page.evaluate(() => performance.getEntries().map(({ name }) => name).join(" "));
  assert.ok(!addresses.includes("token="), "no address holds a token");
});

test("an expired token is replaced without flicker", async (t) => {
  const page = await open(t, wiki.url);
  await live(page);
  await label(page, "broken builds");
  const [frame] = page.frames().filter((one) => one.url().includes("/embed/"));
  await frame.evaluate(() => {
    window.least = Infinity;
    const list = document.getElementById("glances");
    const count = () => { window.least = Math.min(window.least, list.children.length); };
    new MutationObserver(count).observe(list, { childList: true });
  });
  const { asked } = wiki;
  wiki.gives = false;
  await ask("advance 900");
  await page.sidebar.getByText("Reconnecting…").waitFor();
  // The content stays while there is no token.
  await label(page, "broken builds");
  await page.waitForResponse((answer) => answer.url().endsWith("/token") && answer.status() === 503);
  wiki.gives = true;
  // The site requests a token again.
  await page.evaluate(() => document.querySelector("glance-sidebar").dispatchEvent(new CustomEvent("tokenwanted")));
  await live(page);
  await ask("push 5 broken builds");
  await label(page, "5 broken builds");
  assert.ok(wiki.asked > asked);
  assert.ok((await frame.evaluate(() => window.least)) >= 1, "the glance was never gone");
});

test("a site that the host does not list shows nothing", async (t) => {
  const other = await site();
  t.after(() => { other.close(); other.closeAllConnections(); });
  const page = await open(t, other.url);
  const refused = () => page.wrong.some((text) => text.includes("frame-ancestors"));
  while (!refused()) await page.waitForEvent("console");
  const [, frame] = page.frames();
  assert.equal(await frame.locator("#glances").count(), 0);
  assert.equal(other.asked, 0, "the page in it did not even run");
});

test("the sidebar follows the site's theme", async (t) => {
  const ground = (page) => page.sidebar.locator("aside").evaluate((element) => getComputedStyle(element).backgroundColor);
  const page = await open(t, `${wiki.url}?theme=dark`, { colorScheme: "light" });
  await live(page);
  await becomes(() => ground(page), "rgb(29, 33, 40)");
  await page.evaluate(() => document.querySelector("glance-sidebar").setAttribute("theme", "light"));
  await live(page);
  await page.sidebar.locator("[data-theme=light]").waitFor();
  await becomes(() => ground(page), "rgb(255, 255, 255)");
  const dark = await open(t, wiki.url, { colorScheme: "dark" });
  await live(dark);
  await becomes(() => ground(dark), "rgb(29, 33, 40)", "who says nothing gets what the person has");
});

test("the sidebar and its panel fit into 320 pixels", async (t) => {
  const page = await open(t, wiki.url, { viewport: { width: 320, height: 600 } });
  await live(page);
  await label(page, "broken builds");
  const fits = async () => {
    const [frame] = page.frames().filter((one) => one.url().includes("/embed/"));
    await isWide(frame, 320);
    await isWide(page, 320);
  };
  await fits();
  await page.sidebar.locator("#glances button.glance").click();
  await page.sidebar.frameLocator("#panel-page iframe").getByText("The builds").waitFor();
  await fits();
  if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/panel-320.png` });
});
