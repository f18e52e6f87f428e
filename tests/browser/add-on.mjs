// Add-ons for tests, each on an origin of its own: their requests and their pages in frames. A test file that imports
// this gets a demo and a browser for all its tests.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { install as installed, remove } from "./demo.mjs";
import { browser, open as openPage, shown } from "./page.mjs";
import { demo } from "./running-demo.mjs";

export const ICON = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'/%3E";

export const text = (value) => ({ value });

/** An add-on whose pages load the API and record events. */
export class AddOn {
  /** The opened pages. */
  heard = [];
  /** The keys of the queried glances, in order. */
  asked = [];
  /** The answer to queries by the glance's key, or a promise of it; 500 without one. */
  data = {};

  static async start(t, key, { scopes = ["view_room", "send_notification"], capabilities = () => ({}) } = {}) {
    const addOn = new AddOn();
    Object.assign(addOn, { key, scopes, capabilities });
    const server = createServer((request, response) => addOn.answer(request, response)).listen(0, "127.0.0.1");
    await once(server, "listening");
    addOn.url = `http://127.0.0.1:${server.address().port}`;
    t.after(() => { server.close(); server.closeAllConnections(); });
    return addOn;
  }

  descriptor() {
    return {
      key: this.key, name: `Add-on ${this.key}`, description: "A test's", links: { self: `${this.url}/` },
      capabilities: {
        installable: { callbackUrl: `${this.url}/installed` },
        hipchatApiConsumer: { scopes: this.scopes },
        webPanel: ["panel", "other"].map((key) => ({
          key, name: text(`The ${key}`), url: `${this.url}/page/${key}`, location: "hipchat.sidebar.right",
        })),
        dialog: [
          { key: "plain", title: text("Plain"), url: `${this.url}/page/plain` },
          {
            key: "full", title: text("Full"), url: `${this.url}/page/full/{job.id}`,
            options: {
              size: { width: "500px", height: "50%" }, style: "warning", hint: text("A hint"), filter: { placeholder: text("Find") },
              primaryAction: { name: text("Do it"), key: "do", enabled: false },
              secondaryActions: [{ name: text("Later"), key: "later" }, { name: text("Never") }],
            },
          },
        ],
        externalPage: [{ key: "page", name: text("Page"), url: `${this.url}/page/outside` }],
        glance: [
          { key: "line", name: text(`Line of ${this.key}`), icon: { url: ICON, "url@2x": ICON }, target: "panel" },
          { key: "asks", name: text(`Asks of ${this.key}`), icon: { url: ICON, "url@2x": ICON }, target: { key: "plain", options: { size: "small" } } },
          { key: "leaves", name: text(`Leaves of ${this.key}`), icon: { url: ICON, "url@2x": ICON }, target: "page" },
        ],
        ...this.capabilities(this.url),
      },
    };
  }

  async answer(request, response) {
    const { pathname, searchParams } = new URL(request.url, this.url);
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const send = (status, type, body = "", headers = {}) => response.writeHead(status, { "Content-Type": type, ...headers }).end(body);
    const [, place, name] = pathname.split("/");
    switch (place) {
      case "":
        return send(200, "application/json", JSON.stringify(this.descriptor()));
      case "installed":
        if (request.method === "POST") this.installation = JSON.parse(Buffer.concat(chunks));
        return send(200, "text/plain");
      case "query": {
        this.asked.push(name);
        const data = await this.data[name];
        const cors = { "Access-Control-Allow-Origin": "*" };
        return data ? send(200, "application/json", JSON.stringify(data), cors) : send(500, "text/plain", "", cors);
      }
      case "icon":
        return send(200, "image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg" width="${name}" height="${name}"/>`);
      case "page.js":
        return send(200, "text/javascript", SCRIPT);
      case "library.js":
        return send(200, "text/javascript", await readFile(LIBRARY));
      case "page": {
        this.heard.push({ path: pathname, signed: searchParams.get("signed_request"), theme: searchParams.get("theme"), referer: request.headers.referer });
        const host = new URL(demo.url).origin;
        const scripts = { bare: [], debug: [`${host}/atlassian-connect/all-debug.js`, "/page.js"], library: ["/library.js", "/page.js"] };
        const loaded = scripts[name] ?? [`${host}/atlassian-connect/all.js`, "/page.js"];
        // The strictest policy that an author may use: no eval, nothing inline.
        return send(200, "text/html", `<!doctype html><title>${pathname}</title><h1>${pathname}</h1>
          ${loaded.map((script) => `<script src="${script}"></script>`).join("")}`,
        { "Content-Security-Policy": `default-src 'none'; script-src 'self' ${host}` });
      }
      default:
        return send(404, "text/plain");
    }
  }

  async token() {
    const { oauthId, oauthSecret, capabilitiesUrl } = this.installation;
    const answer = await fetch(capabilitiesUrl.replace(/capabilities$/, "oauth/token"), {
      method: "POST",
      headers: { Authorization: `Basic ${btoa(`${oauthId}:${oauthSecret}`)}` },
      body: new URLSearchParams({ grant_type: "client_credentials" }),
    });
    return (await answer.json()).access_token;
  }

  /** Calls the host's REST API. */
  async call(method, path, body) {
    const api = this.installation.capabilitiesUrl.replace(/capabilities$/, "");
    const answer = await fetch(`${api}${path}`, {
      method,
      headers: { Authorization: `Bearer ${await this.token()}`, "Content-Type": "application/json" },
      body: body && JSON.stringify(body),
    });
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${await answer.text()}`);
  }

  push(metadata, key = "line") {
    return this.pushData(key, { label: { type: "html", value: `Pushed ${metadata.n}` }, metadata });
  }

  pushData(key, content) {
    return this.call("POST", `addon/ui/room/${this.installation.roomId}`, { glance: [{ key, content }] });
  }
}

/** Atlassian's library for the pages of add-ons. */
const LIBRARY = new URL("node_modules/simple-xdm/dist/iframe.js", import.meta.url);

/** The script of each page of an add-on. */
const SCRIPT = `
window.heard = [];
window.HipChat = window.HipChat || window.AP;
window.call = function (module, name) {
  var args = Array.prototype.slice.call(arguments, 2);
  return new Promise(function (resolve) {
    HipChat[module][name].apply(null, args.concat(function (error, value) { resolve(error === null ? { error: error, value: value } : { error: error }); }));
  });
};
window.listen = function (names) {
  var events = {};
  names.forEach(function (name) { events[name] = function (value) { window.heard.push([name, value]); }; });
  AP.register(events);
};
`;

export const open = (t, url = demo.url, options = {}) => openPage(t, url, { mayMiss: true, ...options });

/** Creates a room for the test, and returns its URL. */
export async function makeRoom(page, name) {
  await page.goto(new URL("/", demo.url).href);
  await page.getByText("New room").click();
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByRole("button", { name: "Create" }).click();
  await shown(page.getByRole("heading", { name, exact: true }));
  return page.url();
}

/** Installs an add-on until the end of the test, and opens the room. */
export async function install(t, page, addOn, room = demo.url) {
  await installed(page, { url: room }, `${addOn.url}/`);
  await shown(page.getByRole("heading", { name: `Add-on ${addOn.key}`, exact: true }));
  t.after(() => uninstall(addOn, room));
  await page.goto(room);
  await shown(page.locator("#connection").getByText("Live"));
}

export async function uninstall(addOn, room = demo.url) {
  const context = await browser.newContext();
  await remove(await context.newPage(), { url: room }, `Add-on ${addOn.key}`);
  await context.close();
}

/** Updates the add-on, as a person does on another page. */
export async function update(addOn, room = demo.url) {
  const answer = await fetch(`${room}/integrations/${addOn.installation.oauthId}/update`, {
    method: "POST", body: new URLSearchParams(), redirect: "manual",
  });
  assert.equal(answer.status, 303);
}

export const glance = (page, text) => page.locator("#glances .glance").filter({ has: page.getByText(text, { exact: true }) });

/** Waits for the frame of an add-on's page and its script. */
export async function frameOf(page, addOn, path) {
  const address = `${addOn.url}/page/${path}`;
  for (;;) {
    const frame = page.frames().find((candidate) => candidate.url().split("?")[0] === address);
    if (frame) {
      await frame.waitForFunction(() => Boolean(window.call));
      return frame;
    }
    await page.waitForEvent("framenavigated");
  }
}

export async function openPanel(page, addOn) {
  await glance(page, `Line of ${addOn.key}`).click();
  return frameOf(page, addOn, "panel");
}

export const call = (frame, ...args) => frame.evaluate((args) => window.call(...args), args);
export const listen = (frame, names) => frame.evaluate((names) => window.listen(names), names);
export const hears = async (frame, ...expected) => {
  await frame.waitForFunction((count) => window.heard.length >= count, expected.length);
  assert.deepEqual(await frame.evaluate(() => window.heard), expected);
};
export const claims = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
