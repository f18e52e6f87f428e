// The page on which admins create tokens for scripts, in a real browser. It needs the example host of
// glance-host, as people.test.mjs does; to run it:
//
//     cargo build -p glance-host --example people
//     cd tests/browser && npm ci && GLANCE_PEOPLE=$PWD/../../target/debug/examples/people node --test tokens.test.mjs

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startHost } from "./host.mjs";
import { isWide, open, shown } from "./page.mjs";

let host;
let url;

before(async () => {
  host = await startHost("people");
  ({ url } = host);
});

after(() => host?.stop());

/** Opens the page as the admin. */
async function openTokens(t, options = {}) {
  const page = await open(t, `${url}/tokens`, options);
  const name = page.getByLabel("Your name");
  const known = page.getByRole("button", { name: "Ann Lee" });
  await name.waitFor();
  if (await known.count()) await known.click();
  else {
    await name.fill("Ann Lee");
    await page.locator("form").first().getByRole("button", { name: "Sign in" }).click();
  }
  await shown(page.getByRole("heading", { name: "Tokens for scripts" }));
  return page;
}

/** Creates a token, and returns its secret. */
async function create(page, name, days) {
  await page.getByLabel("Purpose").fill(name);
  if (days) await page.getByLabel("Days until it expires").fill(days);
  await page.getByRole("button", { name: "Create a token" }).click();
  await shown(page.getByRole("status").getByText("it is never shown again"));
  return page.getByLabel(`The token ${name}`).inputValue();
}

/** Lists the installations, as a script does. */
async function list(token) {
  const answer = await fetch(`${url}/admin/v1/installations`, { headers: { Authorization: `Bearer ${token}` } });
  return { status: answer.status, ...(await answer.json()) };
}

for (const javaScriptEnabled of [true, false]) {
  test(`an admin creates and revokes a token, JavaScript is ${javaScriptEnabled ? "on" : "off"}`, async (t) => {
    const page = await openTokens(t, { javaScriptEnabled });
    assert.equal(await page.getByLabel("Days until it expires").inputValue(), "90");
    const token = await create(page, "Deploys <b>");
    assert.match(token, /^glance_admin_\d+_[A-Za-z0-9]{40}$/);
    const row = page.getByRole("listitem").filter({ hasText: "Deploys <b>" }).first();
    await shown(row.getByText("Never used."));
    assert.deepEqual(await list(token), { status: 200, installations: [], next: null });

    await page.goto(`${url}/tokens`);
    await shown(row.getByText("Last used on"));
    assert.ok(!(await page.content()).includes(token), "it is shown once");
    const revoke = row.getByRole("button", { name: "Revoke Deploys <b>" });
    assert.ok(!await revoke.isVisible(), "none is revoked by one click");
    await row.getByText("Revoke…").click();
    await revoke.click();
    await page.getByText("Expired and revoked tokens").click();
    await shown(page.getByText("Revoked on").first());
    const refused = await list(token);
    assert.deepEqual([refused.status, refused.error.code], [401, "token-revoked"]);
    assert.deepEqual(page.wrong, []);
  });
}

test("the form shows errors before and after it is sent", async (t) => {
  const page = await openTokens(t);
  const days = page.getByLabel("Days until it expires");
  await page.getByLabel("Purpose").fill("x");
  await days.fill("366");
  await page.getByRole("button", { name: "Create a token" }).click();
  assert.ok(await days.evaluate((field) => !field.validity.valid), "the browser holds it back");
  await page.locator("main form").first().evaluate((form) => { form.noValidate = true; });
  await page.getByRole("button", { name: "Create a token" }).click();
  await shown(page.getByRole("alert").getByText("A token holds for 1 to 365 days."));
  assert.equal(await days.inputValue(), "366", "what was typed stays");
  // The error is at the URL of the form, which is the page itself.
  await page.goto(page.url());
  await shown(page.getByRole("heading", { name: "Tokens for scripts" }));
});

for (const colorScheme of ["light", "dark"]) {
  test(`the page fits into 320 pixels, ${colorScheme}`, async (t) => {
    const page = await openTokens(t, { colorScheme, viewport: { width: 320, height: 640 } });
    await create(page, `${"long ".repeat(9)}name`, "365");
    await isWide(page, 320, "created");
    await page.goto(`${url}/tokens`);
    for (const confirm of await page.getByText("Revoke…").all()) await confirm.click();
    await isWide(page, 320, "listed");
  });
}
