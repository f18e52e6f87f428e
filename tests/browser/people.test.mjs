// People in a real browser: they sign in, make rooms and let each other in. It needs the example host
// of glance-host; to run it:
//
//     cargo build -p glance-host --example people
//     cd tests/browser && npm ci && GLANCE_PEOPLE=$PWD/../../target/debug/examples/people npm test

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startHost } from "./host.mjs";
import { isWide, open as openPage } from "./page.mjs";

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

test("a private room is its owner's until somebody is let in, and until they are taken out", async (t) => {
  const ann = await open(t);
  assert.equal(new URL(ann.url()).pathname, "/sign-in");
  await signIn(ann, "Ann Lee");
  const bo = await open(t);
  await signIn(bo, "Bo");
  assert.equal(await bo.getByRole("link", { name: "People" }).count(), 0, "the first is the admin");

  // Bo's room.
  await bo.getByLabel("Name", { exact: true }).fill("Secrets");
  await bo.getByLabel("Topic").fill("Not for everyone");
  await bo.getByLabel("Only who is let in").check();
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
  await bo.getByLabel("Let in", { exact: true }).selectOption({ label: "Cy" });
  await bo.getByRole("button", { name: "Let in", exact: true }).click();
  await bo.getByRole("button", { name: "Take out Cy" }).waitFor();
  await cy.goto(`${url}${room}`);
  await live(cy);
  await cy.getByText("Nothing to report.").waitFor();
  await bo.goto(`${url}${room}`);
  await bo.getByRole("link", { name: "Add integrations" }).waitFor();
  assert.equal(await cy.getByRole("link", { name: "Add integrations" }).count(), 0, "who does not manage the room adds none");
  await bo.getByRole("link", { name: "Settings" }).click();
  await bo.getByRole("button", { name: "Take out Cy" }).click();
  // The open page says so by itself.
  await cy.getByRole("heading", { name: "No such room" }).waitFor();

  // Signing out in one window puts the other one of this browser out, too.
  await ann.goto(`${url}${room}`);
  await live(ann);
  const second = await ann.context().newPage();
  await second.goto(url);
  await second.getByRole("button", { name: "Sign out" }).click();
  await second.getByRole("heading", { name: "Sign in" }).waitFor();
  await ann.getByRole("heading", { name: "Sign in" }).waitFor();
  assert.deepEqual(bo.wrong, []);
});

/** Removes a person, as an admin does who was asked whether to. */
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
  await ann.getByRole("button", { name: "Let Cy come back" }).waitFor();

  const cy = await open(t);
  await cy.getByLabel("Your name").fill("Cy");
  await cy.locator("form").first().getByRole("button", { name: "Sign in" }).click();
  await cy.getByText("An admin removed Cy from this host.").waitFor();
  await remove(ann, "Ann Lee");
  await ann.getByText("This is the last admin.").waitFor();
  // What says so stands at the address of the form, which leads to the list.
  await ann.goto(ann.url());
  await ann.getByRole("heading", { name: "People" }).waitFor();
  assert.equal(ann.url(), `${url}/people`);
});

test("settings say that they were saved; after the session ended they lead to signing in and back", async (t) => {
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

test("the pages fit into 320 pixels", async (t) => {
  const page = await open(t, "/", { viewport: { width: 320, height: 640 } });
  await page.getByRole("button", { name: "Ann Lee" }).click();
  await page.getByRole("heading", { name: "Rooms" }).waitFor();
  const room = await page.getByRole("link", { name: "Secrets" }).getAttribute("href");
  for (const path of ["/", "/people", room, `${room}/settings`]) {
    await page.goto(`${url}${path}`);
    for (const confirm of await page.getByText("Remove…").all()) await confirm.click();
    await isWide(page, 320, path);
  }
});
