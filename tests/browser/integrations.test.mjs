// Integrations in a real browser: review, progress of slow steps, and an add-on's own pages.

import assert from "node:assert/strict";
import { test } from "node:test";
import { becomes, hidden, isWide, open, serve, shown } from "./page.mjs";
import { demo } from "./running-demo.mjs";

const list = (room = demo.url) => `${room}/integrations`;

function descriptor(key, base, capabilities) {
  return {
    key, name: `Add-on ${key}`, description: `What ${key} is for.`,
    links: { self: `${base}/` }, vendor: { name: "Example", url: "https://example.com" },
    capabilities: { hipchatApiConsumer: { scopes: ["view_room", "send_notification"] }, ...capabilities },
  };
}

const written = (document) => `data:application/json,${encodeURIComponent(JSON.stringify(document))}`;

async function read(page, url) {
  await page.getByLabel("URL of an add-on's descriptor").fill(url);
  await page.getByRole("button", { name: "Review" }).click();
}

const approve = (page) => page.getByRole("button", { name: "Approve and install" });
const article = (page, name) => page.getByRole("article").filter({ has: page.getByRole("heading", { name, exact: true }) });

async function remove(page, name) {
  await article(page, name).getByText("Remove…").click();
  await article(page, name).getByRole("button", { name: `Remove ${name}` }).click();
  await hidden(article(page, name));
}

test("an add-on is reviewed, approved, and removed after a confirmation", async (t) => {
  const page = await open(t, list());
  const document = descriptor("read", "https://add-on.example.com", {
    webhook: [{ event: "room_message", pattern: "^/x", url: "https://add-on.example.com/said" }],
  });
  await read(page, written(document));
  await shown(page.getByRole("heading", { name: "Install Add-on read?" }));
  for (const words of ["See a room and who is in it", "Write notifications into rooms", "What people write", "only what matches ^/x", "Example"]) {
    await shown(page.getByText(words).first());
  }
  await page.getByRole("link", { name: "Cancel" }).click();
  assert.equal(await article(page, "Add-on read").count(), 0);

  await read(page, written(document));
  await approve(page).click();
  await shown(article(page, "Add-on read"));
  await page.waitForURL(`${list()}#*`);
  assert.ok(await article(page, "Add-on read").evaluate((element) => element.matches(":target")), "the list shows which one it was");
  const button = article(page, "Add-on read").getByRole("button", { name: "Remove Add-on read" });
  await hidden(button);
  await page.keyboard.press("Tab");
  await article(page, "Add-on read").locator("summary").focus();
  await page.keyboard.press("Enter");
  await shown(button);
  await button.click();
  await hidden(article(page, "Add-on read"));
  assert.deepEqual(page.wrong, []);
});

test("a slow step shows its progress and runs once", async (t) => {
  const posts = [];
  let arrived;
  const posted = new Promise((resolve) => { arrived = resolve; });
  const url = await serve(t, (request, response) => {
    if (request.method === "GET") return response.end(JSON.stringify(descriptor("slow", url, { installable: { callbackUrl: `${url}/installed` } })));
    if (request.method === "DELETE") return response.end();
    posts.push(response);
    arrived();
  });
  const page = await open(t, list());
  await read(page, `${url}/`);
  await shown(approve(page));
  await page.waitForLoadState();
  // The page is navigating: a locator would wait for the next one.
  const said = await page.evaluate(() => {
    const button = document.querySelector("button.primary");
    for (let i = 0; i < 4; i++) button.click();
    return [button.textContent, button.getAttribute("aria-disabled")];
  });
  assert.deepEqual(said, ["Waiting for the add-on…", "true"]);
  await posted;
  posts[0].end();
  await shown(article(page, "Add-on slow"));
  assert.equal(posts.length, 1);
  assert.equal(await page.getByRole("alert").count(), 0);
  await remove(page, "Add-on slow");
});

test("an add-on is installed through its own page, which returns to the host", async (t) => {
  const seen = [];
  const url = await serve(t, async (request, response) => {
    const asked = new URL(request.url, "http://x");
    if (asked.pathname === "/") {
      return response.end(JSON.stringify(descriptor("own", url, {
        installable: { installedUrl: `${url}/installed`, uninstalledUrl: `${url}/removed` },
      })));
    }
    if (!asked.searchParams.has("redirect_url")) return response.writeHead(204).end();
    seen.push(`${asked.pathname} ${request.headers.referer ?? "no referrer"}`);
    const shownAt = asked.searchParams.get("installable_url");
    const data = await (await fetch(shownAt)).json();
    assert.equal((await fetch(shownAt)).status, 404);
    response.setHeader("Content-Type", "text/html");
    response.end(`<h1>${data.roomId ? "A room" : "All rooms"}</h1><a href="${asked.searchParams.get("redirect_url")}">Go on</a>`);
  });
  for (const place of [list(), `${new URL(demo.url).origin}/integrations`]) {
    const page = await open(t, place);
    await read(page, `${url}/`);
    await approve(page).click();
    await shown(page.getByRole("heading", { name: place === list() ? "A room" : "All rooms" }));
    await page.getByRole("link", { name: "Go on" }).click();
    await shown(article(page, "Add-on own"));
    assert.equal(page.url(), place);
    await article(page, "Add-on own").getByText("Remove…").click();
    await article(page, "Add-on own").getByRole("button", { name: "Remove Add-on own" }).click();
    await page.getByRole("link", { name: "Go on" }).click();
    await shown(page.getByText(/No add-ons are installed for all rooms|Pull requests/).first());
    assert.equal(await article(page, "Add-on own").count(), 0);
    assert.deepEqual(page.wrong, []);
  }
  assert.deepEqual(new Set(seen), new Set(["/installed no referrer", "/removed no referrer"]));
});

test("an add-on is configured on its own page, and only the frame's URL contains the token", async (t) => {
  const seen = [];
  const url = await serve(t, (request, response) => {
    if (request.url === "/") {
      return response.end(JSON.stringify(descriptor("setup", url, {
        installable: { callbackUrl: `${url}/installed` }, configurable: { url: `${url}/setup` },
      })));
    }
    seen.push({ url: request.url, referer: request.headers.referer });
    response.setHeader("Content-Type", "text/html");
    response.end(`<h1>Set me up</h1><script src="${new URL(demo.url).origin}/atlassian-connect/all.js"></script><script>
      try { parent.document.title } catch { document.querySelector("h1").append(", apart") }
    </script>`);
  });
  const page = await open(t, list());
  const requests = [];
  page.on("request", (request) => requests.push(request.url()));
  await read(page, `${url}/`);
  await approve(page).click();
  await article(page, "Add-on setup").getByRole("link", { name: "Set up" }).click();
  await shown(page.frameLocator("#frame iframe").getByRole("heading", { name: "Set me up, apart" }));
  const source = await page.locator("#frame iframe").getAttribute("src");
  const token = new URL(source).searchParams.get("signed_request");
  assert.equal(token.split(".").length, 3);
  const sandbox = await page.locator("#frame iframe").getAttribute("sandbox");
  assert.doesNotMatch(sandbox, /allow-top-navigation|allow-modals/);
  const inside = page.frames().at(-1);
  assert.equal(await inside.evaluate(() => self.origin), url, "its cookies and storage work");
  const [error, fresh] = await inside.evaluate(() => new Promise((resolve) => {
    HipChat.auth.withToken((...answer) => resolve(answer));
  }));
  assert.equal(error, null);
  assert.equal(fresh.split(".").length, 3);
  assert.notEqual(fresh, token, "each is made anew");
  assert.equal(await inside.evaluate(() => Object.keys(HipChat).sort().join()), "auth,broadcast,emit,register,registerAny,require");
  const html = await (await fetch(page.url())).text();
  assert.doesNotMatch(html, /signed_request|[\w-]+\.[\w-]{20,}\.[\w-]{20,}/);
  assert.deepEqual(seen.filter(({ url: path }) => path.startsWith("/setup")).map(({ referer }) => referer), [undefined]);
  const devtools = await page.context().newCDPSession(page);
  const { entries } = await devtools.send("Page.getNavigationHistory");
  for (const address of [page.url(), ...entries.map((entry) => entry.url)]) assert.doesNotMatch(address, /signed_request/);
  const own = requests.filter((address) => address.startsWith(new URL(demo.url).origin));
  for (const address of own) assert.doesNotMatch(address, /signed_request/);
  await page.getByRole("link", { name: "← Integrations" }).click();
  await remove(page, "Add-on setup");
  assert.deepEqual(page.wrong, []);
});

test("a configuration page of the host's own origin does not get that origin", async (t) => {
  const own = `${new URL(demo.url).origin}/assets/icon.svg`;
  const page = await open(t, list());
  await read(page, written(descriptor("own-page", "https://add-on.example.com", { configurable: { url: own, authentication: "none" } })));
  await approve(page).click();
  await article(page, "Add-on own-page").getByRole("link", { name: "Set up" }).click();
  const frame = page.locator("#frame iframe");
  await shown(frame);
  assert.doesNotMatch(await frame.getAttribute("sandbox"), /allow-same-origin/);
  assert.equal(await frame.getAttribute("name"), null);
  await page.goto(list());
  await remove(page, "Add-on own-page");
});

test("a page loads no image from an add-on", async (t) => {
  const seen = [];
  const svg = "<svg xmlns='http://www.w3.org/2000/svg' width='16' height='16'><rect width='16' height='16'/></svg>";
  const url = await serve(t, (request, response) => {
    seen.push({ path: request.url, agent: request.headers["user-agent"] });
    response.setHeader("Content-Type", "image/svg+xml");
    if (request.url.startsWith("/broken")) response.writeHead(404);
    response.end(svg);
  });
  const glance = (key, icon) => ({ key, name: { value: key }, icon: { url: `${url}${icon}`, "url@2x": `${url}${icon}` } });
  const page = await open(t, list());
  await read(page, written(descriptor("icons", url, { glance: [glance("whole", "/icon.svg"), glance("broken", "/broken.svg")] })));
  await approve(page).click();
  await shown(article(page, "Add-on icons"));
  await page.goto(demo.url);
  const icon = (name) => page.locator("#glances .glance").filter({ hasText: name }).locator("img");
  await page.waitForFunction(() => [...document.querySelectorAll("#glances img")].some((image) => image.src.endsWith("/assets/icon.svg")));
  assert.equal(await icon("whole").evaluate((image) => image.decode().then(() => image.naturalWidth)), 16);
  assert.match(await icon("broken").getAttribute("src"), /^\/assets\/icon\.svg$/);
  assert.deepEqual(new Set(seen.map(({ agent }) => agent.split("/")[0])), new Set(["glance-host"]));
  const opened = await page.context().newPage();
  const direct = await opened.goto(await icon("whole").evaluate((image) => image.src));
  assert.match(direct.headers()["content-security-policy"], /sandbox/);
  await page.goto(list());
  await remove(page, "Add-on icons");
});

for (const colorScheme of ["light", "dark"]) {
  test(`the integrations pages fit into 320 pixels, ${colorScheme}`, async (t) => {
    const page = await open(t, list(), { viewport: { width: 320, height: 640 }, colorScheme });
    const long = "long".repeat(40);
    const document = descriptor(`k.${colorScheme}`, "https://add-on.example.com", {
      webhook: [{ event: "room_message", pattern: long, url: `https://add-on.example.com/${long}` }],
      webPanel: [{ key: "p", name: { value: "w".repeat(90) }, url: "https://add-on.example.com/p", location: "hipchat.sidebar.right" }],
      configurable: { url: "https://add-on.example.com/setup" },
    });
    document.description = long;
    document.vendor.name = long;
    await isWide(page, 320);
    await read(page, written(document));
    await shown(approve(page));
    await isWide(page, 320);
    await approve(page).click();
    const name = document.name;
    await shown(article(page, name));
    await isWide(page, 320);
    await article(page, name).getByText("Remove…").click();
    await isWide(page, 320);
    await article(page, name).getByRole("link", { name: "Set up" }).click();
    await shown(page.getByRole("heading", { name: `Settings of ${name}` }));
    await isWide(page, 320);
    await page.goto(list());
    await remove(page, name);
  });
}
