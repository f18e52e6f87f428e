// People in a real browser: they sign in, create rooms and invite each other. It needs the example host
// of glance-host; to run it:
//
//     cargo build -p glance-host --example people
//     cd tests/browser && npm ci && GLANCE_PEOPLE=$PWD/../../target/debug/examples/people npm test

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { json } from "node:stream/consumers";
import { startHost } from "./host.mjs";
import { isWide, open as openPage, serve, shown } from "./page.mjs";

let host;
let url;

before(async () => {
  host = await startHost("people");
  ({ url } = host);
});

after(() => host?.stop());

const open = (t, path = "/", options = {}) => openPage(t, `${url}${path}`, options);

async function signIn(page, name) {
  await page.getByLabel("Your name").fill(name);
  await page.locator("form").first().getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL((at) => at.pathname !== "/sign-in");
}

const live = (page) => page.getByText("Live", { exact: true }).waitFor();

test("people enter a private room only while they are invited", async (t) => {
  const ann = await open(t);
  assert.equal(new URL(ann.url()).pathname, "/sign-in");
  await signIn(ann, "Ann Lee");
  const bo = await open(t);
  await signIn(bo, "Bo");
  assert.equal(await bo.getByRole("link", { name: "People" }).count(), 0, "the first is the admin");

  // Bo's room.
  await bo.getByLabel("Name", { exact: true }).fill("Secrets");
  await bo.getByLabel("Topic").fill("Not for everyone");
  await bo.getByLabel("Invited people only").check();
  await bo.getByRole("button", { name: "Create" }).click();
  await bo.getByRole("heading", { name: "Secrets" }).waitFor();
  await live(bo);
  const room = new URL(bo.url()).pathname;

  const cy = await open(t, room);
  await signIn(cy, "Cy");
  await cy.getByRole("heading", { name: "No such room" }).waitFor();
  await cy.getByRole("link", { name: "All rooms" }).click();
  assert.equal(await cy.getByText("Secrets").count(), 0);

  await bo.getByRole("link", { name: "Settings" }).click();
  await bo.getByLabel("Invite", { exact: true }).selectOption({ label: "Cy" });
  await bo.getByRole("button", { name: "Invite", exact: true }).click();
  await bo.getByRole("button", { name: "Remove Cy" }).waitFor();
  await cy.goto(`${url}${room}`);
  await live(cy);
  await cy.getByRole("heading", { name: "No glances yet" }).waitFor();
  await bo.goto(`${url}${room}`);
  await bo.getByRole("link", { name: "Add integrations" }).waitFor();
  assert.equal(await cy.getByRole("link", { name: "Add integrations" }).count(), 0, "who does not manage the room adds none");
  await bo.getByRole("link", { name: "Settings" }).click();
  await bo.getByRole("button", { name: "Remove Cy" }).click();
  // The open page shows it without a reload.
  await cy.getByRole("heading", { name: "No such room" }).waitFor();

  // Signing out in one window also signs out the others of this browser.
  await ann.goto(`${url}${room}`);
  await live(ann);
  const second = await ann.context().newPage();
  await second.goto(url);
  await second.getByRole("button", { name: "Sign out" }).click();
  await second.getByRole("heading", { name: "Sign in" }).waitFor();
  await ann.getByRole("heading", { name: "Sign in" }).waitFor();
  assert.deepEqual(bo.wrong, []);
});

/** Removes a person, with the confirmation. */
async function remove(page, name) {
  const button = page.getByRole("button", { name: `Remove ${name}` });
  const confirm = page.locator("details", { has: page.getByText(`Remove ${name}`) });
  assert.ok(!await button.isVisible(), "nobody is removed by one click");
  await confirm.getByText("Remove…").click();
  await button.click();
}

test("an admin makes people guests and removes them", async (t) => {
  const ann = await open(t, "/people");
  await ann.getByRole("button", { name: "Ann Lee" }).click();
  await ann.getByRole("heading", { name: "People" }).waitFor();
  await ann.getByLabel("Role of Bo", { exact: true }).selectOption("guest");
  const shown = ann.waitForResponse((answer) => answer.url() === `${url}/people`);
  await ann.getByRole("button", { name: "Set the role of Bo" }).click();
  await (await shown).finished();
  const role = () => ann.getByLabel("Role of Bo", { exact: true }).inputValue();
  await ann.waitForLoadState();
  assert.equal(await role(), "guest");
  await remove(ann, "Cy");
  await ann.getByRole("button", { name: "Restore Cy" }).waitFor();

  const cy = await open(t);
  await cy.getByLabel("Your name").fill("Cy");
  await cy.locator("form").first().getByRole("button", { name: "Sign in" }).click();
  await cy.getByText("An admin removed Cy from this host.").waitFor();
  await remove(ann, "Ann Lee");
  await ann.getByText("This is the last admin.").waitFor();
  // The error is at the URL of the form, which leads to the list.
  await ann.goto(ann.url());
  await ann.getByRole("heading", { name: "People" }).waitFor();
  assert.equal(ann.url(), `${url}/people`);
});

test("settings confirm saving, and lead through sign-in after the session ended", async (t) => {
  const ann = await open(t, "/");
  await ann.getByRole("button", { name: "Ann Lee" }).click();
  await ann.getByRole("link", { name: "Secrets" }).click();
  await ann.getByRole("link", { name: "Settings" }).click();
  await ann.getByLabel("Topic").fill("For few");
  await ann.getByRole("button", { name: "Save" }).click();
  await ann.getByRole("status").getByText("Saved.").waitFor();
  const settings = new URL(ann.url()).pathname;

  await ann.context().clearCookies();
  await ann.getByRole("button", { name: "Save" }).click();
  await ann.getByRole("heading", { name: "Sign in" }).waitFor();
  await ann.getByRole("button", { name: "Ann Lee" }).click();
  await ann.getByRole("heading", { name: "Settings" }).waitFor();
  assert.equal(ann.url(), `${url}${settings}`);
  assert.deepEqual(ann.wrong, []);
});

/** Sends messages to people as an add-on that an admin installed for all rooms. */
async function writer(t) {
  let installation;
  const own = await serve(t, async (request, response) => {
    if (request.method === "POST") installation = await json(request);
    response.end(JSON.stringify({
      key: "writer", name: "Writer <1>", description: "Writes to people", links: { self: `${own}/` },
      capabilities: {
        installable: { callbackUrl: `${own}/installed` },
        hipchatApiConsumer: { scopes: ["send_message"] },
      },
    }));
  });
  const admin = await open(t, "/integrations");
  await admin.getByRole("button", { name: "Ann Lee" }).click();
  await admin.getByLabel("URL of an add-on's descriptor").fill(`${own}/`);
  await admin.getByRole("button", { name: "Review" }).click();
  await admin.getByRole("button", { name: "Approve and install" }).click();
  await shown(admin.getByRole("heading", { name: "Writer <1>", exact: true }));
  const { oauthId, oauthSecret, capabilitiesUrl } = installation;
  const api = capabilitiesUrl.replace(/capabilities$/, "");
  const answer = await fetch(`${api}oauth/token`, {
    method: "POST",
    headers: { Authorization: `Basic ${btoa(`${oauthId}:${oauthSecret}`)}` },
    body: new URLSearchParams({ grant_type: "client_credentials" }),
  });
  const { access_token: token } = await answer.json();
  return async (name, body) => {
    const answer = await fetch(`${api}user/@${name}/message`, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    assert.equal(answer.status, 204);
  };
}

test("people read private messages of add-ons", async (t) => {
  const write = await writer(t);
  const wide = `https://example.com/${"wide/".repeat(40)}`;
  const rows = '<table><tr><td>a</td><td>b</td></tr></table><ul><li>one</li></ul>';
  await write("Bo", { message: `Read ${wide} & <b>this</b>` });
  await write("Bo", {
    message: `<b>Build 8</b> <span style="color: red">broke</span> <a href="${wide}">here</a>${rows}<script>alert(1)</script>`,
    message_format: "html", notify: true,
  });

  const bo = await open(t, "/", { locale: "en-GB", timezoneId: "Asia/Tokyo", viewport: { width: 320, height: 640 } });
  await bo.getByRole("button", { name: "Bo", exact: true }).click();
  await bo.getByRole("link", { name: "Messages 2 unread" }).focus();
  await bo.keyboard.press("Enter");
  await shown(bo.getByRole("heading", { name: "Messages" }));
  const messages = bo.getByRole("article", { name: "Message from Writer <1>" });
  const [newest, oldest] = [messages.nth(0), messages.nth(1)];
  await shown(newest.locator("b").getByText("Build 8", { exact: true }));
  await shown(newest.getByText("alert", { exact: true }));
  assert.equal(await newest.getByText("broke").evaluate((part) => part.style.getPropertyValue("--color")), "red");
  for (const message of [newest, oldest]) {
    await shown(message.getByText("new", { exact: true }));
    assert.equal(await message.getByRole("link").getAttribute("href"), wide);
    assert.equal(await message.getByRole("link").getAttribute("target"), "_blank");
  }
  assert.match(await oldest.locator(".body").textContent(), /& <b>this<\/b>$/);
  const { at, written } = await newest.locator("time").evaluate((time) => ({ at: time.dateTime, written: time.textContent }));
  const moment = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short", timeZone: "Asia/Tokyo" });
  assert.equal(written, moment.format(new Date(at)));
  await isWide(bo, 320, "messages");

  await bo.getByRole("link", { name: "Rooms" }).click();
  await shown(bo.getByRole("link", { name: "Messages", exact: true }));
  await isWide(bo, 320, "rooms");
  await bo.getByRole("link", { name: "Messages", exact: true }).click();
  await shown(messages.first());
  assert.equal(await messages.getByText("new", { exact: true }).count(), 0);
  assert.deepEqual(bo.wrong, []);
});

test("a room's page sends the person's time zone", async (t) => {
  const page = await open(t, "/", { timezoneId: "Asia/Tokyo" });
  await page.getByRole("button", { name: "Ann Lee" }).click();
  const answered = page.waitForResponse((answer) => answer.url().endsWith("/events"));
  await page.getByRole("link", { name: "Secrets" }).click();
  assert.equal((await answered).request().headers()["time-zone"], "Asia/Tokyo");
  await live(page);
  assert.deepEqual(page.wrong, []);
});

test("the pages fit into 320 pixels", async (t) => {
  const page = await open(t, "/", { viewport: { width: 320, height: 640 } });
  await page.getByRole("button", { name: "Ann Lee" }).click();
  await page.getByRole("heading", { name: "Rooms" }).waitFor();
  const room = await page.getByRole("link", { name: "Secrets" }).getAttribute("href");
  for (const path of ["/", "/messages", "/people", room, `${room}/settings`]) {
    await page.goto(`${url}${path}`);
    for (const confirm of await page.getByText("Remove…").all()) await confirm.click();
    await isWide(page, 320, path);
  }
});
