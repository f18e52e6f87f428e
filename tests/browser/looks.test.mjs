// The looks of glances, panels and dialogs, each test in a room of its own.

import assert from "node:assert/strict";
import { test } from "node:test";
import { AddOn, call, frameOf, glance, install, makeRoom, open, text } from "./add-on.mjs";
import { becomes, hidden, openSheet, shown } from "./page.mjs";
import { demo } from "./running-demo.mjs";

/** Background and text colours of each kind of lozenge, as in HipChat. */
const COLOURS = {
  default: ["#cccccc", "#333333"], success: ["#14892c", "#ffffff"], error: ["#d04437", "#ffffff"],
  current: ["#f6c342", "#594300"], moved: ["#815b3a", "#ffffff"], new: ["#cccccc", "#333333"],
  complete: ["#4a6785", "#ffffff"],
};

const rgb = (hex) => `rgb(${hex.match(/\w\w/g).map((pair) => parseInt(pair, 16)).join(", ")})`;
const label = (value, more = {}) => ({ label: { type: "html", value }, ...more });
const lozenge = (type, words) => ({ status: { type: "lozenge", value: { type, label: words } } });

/** The capabilities of an add-on with these glances: a key, and members that differ from the others. */
const glances = (...wanted) => (url) => ({
  glance: wanted.map(([key, more]) => ({
    key, name: text(`Name of ${key}`), icon: { url: `${url}/icon/16`, "url@2x": `${url}/icon/32` },
    queryUrl: `${url}/query/${key}`, ...more,
  })),
});

let rooms = 0;

/** Opens a room with an add-on. */
async function stage(t, capabilities, { data = {}, ...options } = {}) {
  const page = await open(t, demo.url, options);
  const room = await makeRoom(page, `Looks ${rooms += 1}`);
  const addOn = await AddOn.start(t, "looks", { capabilities });
  addOn.data = data;
  await install(t, page, addOn, room);
  return { page, addOn, room };
}

const style = (locator, ...names) => locator.evaluate(
  (element, names) => names.map((name) => getComputedStyle(element)[name]), names,
);
const natural = (image) => image.evaluate((element) => element.decode().then(() => element.naturalWidth));

for (const colorScheme of ["light", "dark"]) {
  test(`lozenges have their colours and sizes, ${colorScheme}`, async (t) => {
    const kinds = Object.keys(COLOURS);
    const data = Object.fromEntries(kinds.map((kind) => [kind, label("x", lozenge(kind, `is ${kind}`))]));
    const { page } = await stage(t, glances(...kinds.map((kind) => [kind])), { data, colorScheme });
    for (const [kind, colours] of Object.entries(COLOURS)) {
      const shape = page.locator("#glances .lozenge").getByText(`is ${kind}`, { exact: true });
      await shown(shape);
      await becomes(() => style(shape, "backgroundColor", "color"), colours.map(rgb), kind);
      await becomes(
        () => style(shape, "fontSize", "fontWeight", "textTransform", "padding", "borderRadius"),
        ["11px", "700", "uppercase", "3px 7px", "6px"],
      );
    }
    assert.deepEqual(page.wrong, []);
  });
}

test("a glance has icon, label and status, and a long label is truncated", async (t) => {
  const data = {
    short: label("<b>4</b> <i>open</i>", lozenge("success", "OK")),
    long: label("goes on and on ".repeat(20).trim(), lozenge("error", "broken")),
    icon: label("with an icon"),
  };
  const { page, addOn } = await stage(t, glances(["short"], ["long"], ["icon"]), { data });
  const { url } = addOn;
  await addOn.pushData("icon", label("an icon", { status: { type: "icon", value: { url: `${url}/icon/16`, "url@2x": `${url}/icon/32` } } }));
  await shown(page.locator("#glances .status"));
  const rights = [];
  for (const [words, status] of [["4 open", ".lozenge"], [data.long.label.value, ".lozenge"], ["an icon", ".status"]]) {
    const line = page.locator("#glances .glance").filter({ hasText: words });
    const [whole, icon, middle, end] = await Promise.all(
      [line, line.locator(".icon"), line.locator(".label"), line.locator(status)].map((part) => part.boundingBox()),
    );
    assert.deepEqual([icon.width, icon.height, whole.height], [20, 20, 64], words);
    assert.ok(icon.x + 20 <= middle.x && middle.x + middle.width <= end.x, words);
    for (const part of [icon, end]) {
      assert.ok(Math.abs(part.y + part.height / 2 - whole.y - whole.height / 2) <= 1, "both stand in the middle");
    }
    rights.push(end.x + end.width);
  }
  assert.equal(new Set(rights).size, 1, "statuses end at one edge");
  assert.equal(await glance(page, "open").locator(".label").innerHTML(), "<b>4</b> <i>open</i>");

  const cut = page.locator("#glances .label").filter({ hasText: "goes on" });
  assert.deepEqual(await style(cut, "textOverflow", "whiteSpace", "overflow"), ["ellipsis", "nowrap", "hidden"]);
  assert.ok(await cut.evaluate((element) => element.scrollWidth > element.clientWidth));
});

test("loading, failed and push-only glances have their own looks", async (t) => {
  let bring;
  const data = { slow: new Promise((resolve) => { bring = resolve; }), fine: label("It is fine") };
  const target = "panel";
  const { page, addOn } = await stage(
    t, glances(["slow", { target }], ["fails", { target }], ["fine"], ["named", { queryUrl: undefined }]), { data },
  );
  const line = (words) => page.locator("#glances .glance").filter({ hasText: words });
  const tag = (locator) => locator.evaluate((element) => element.tagName);

  await shown(line("Loading…").locator(".spinner"));
  assert.equal(await natural(line("Loading…").locator(".icon")), 16);
  assert.match(await line("Loading…").innerText(), /^Loading…\s+Add-on looks\s/);
  assert.equal(await line("Name of slow").count(), 0);
  assert.ok((await style(line("Loading…").locator(".spinner"), "animationName"))[0] !== "none");

  const failed = line("Name of fails");
  await shown(failed.getByText("Can't load"));
  assert.equal(await natural(failed.locator(".icon")), 16);
  assert.equal(await tag(failed), "DIV", "it opens nothing");
  assert.equal(await tag(line("Name of named")), "DIV", "it has no target");
  assert.equal(await natural(line("Name of named").locator(".icon")), 16);
  await shown(line("It is fine"));

  data.fails = label("It works");
  await failed.getByRole("button", { name: "Try again" }).click();
  await shown(line("It works"));
  bring(label("It was slow"));
  await shown(line("It was slow"));
  assert.equal(await line("Loading…").count(), 0);
  const times = (key) => addOn.asked.filter((asked) => asked === key).length;
  assert.deepEqual(["slow", "fails", "fine", "named"].map(times), [1, 2, 1, 0]);
  assert.equal(await tag(line("It was slow")), "BUTTON");
});

test("a page has its lines without a script, and they look as they do with one", async (t) => {
  const data = { one: label("<b>4</b> open", lozenge("error", "broken")), icon: label("x") };
  const { page, addOn, room } = await stage(t, glances(["one"], ["icon"], ["named", { queryUrl: undefined }]), { data });
  const status = { status: { type: "icon", value: { url: `${addOn.url}/icon/16`, "url@2x": `${addOn.url}/icon/32` } } };
  await addOn.pushData("one", data.one);
  await addOn.pushData("icon", label("An icon", status));
  await shown(glance(page, "An icon").locator(".status"));
  const still = await open(t, room, { javaScriptEnabled: false });
  const looks = (page) => page.locator("#glances .glance").evaluateAll((lines) => lines.map((line) => ({
    text: line.innerText, html: line.querySelector(".label").innerHTML.trim(), height: line.offsetHeight,
    parts: [...line.children].map(({ className, offsetLeft, offsetWidth }) => [className, offsetLeft, offsetWidth]),
  })));
  await shown(glance(still, "An icon").locator(".status"));
  assert.deepEqual(await looks(still), await looks(page));
  assert.equal((await looks(still)).length, 3);
});

for (const colorScheme of ["light", "dark"]) {
  test(`a line keeps its data with its age while the add-on is down, ${colorScheme}`, async (t) => {
    const data = { one: label("<b>4</b> open", lozenge("error", "broken")) };
    const { page, room } = await stage(t, glances(["one", { target: "panel" }]), { data, colorScheme });
    await shown(glance(page, "4 open"));
    delete data.one;
    await becomes(async () => {
      const still = await page.request.get(room);
      return (await still.text()).includes("<b>4</b> open");
    }, true);
    await page.reload();
    const line = glance(page, "4 open");
    await shown(line.locator(".about").getByText(/^as of \d.*, not reachable, trying again$/));
    await shown(line.locator(".lozenge"));
    assert.match(await line.getAttribute("title"), /It answered 500/);
    assert.equal(await line.evaluate((element) => element.tagName), "BUTTON", "it still opens its panel");
    assert.equal(await page.getByText("Can't load").count(), 0);
    await page.setViewportSize({ width: 320, height: 600 });
    await openSheet(page);
    const box = await line.boundingBox();
    assert.ok(box.x >= 0 && box.x + box.width <= 320, "it fits a narrow page");
    assert.deepEqual(page.wrong, []);
  });
}

for (const [deviceScaleFactor, size] of [[1, 16], [2, 32]]) {
  test(`icons have the right size at ${deviceScaleFactor} pixels per point`, async (t) => {
    const { page, addOn } = await stage(t, glances(["one"]), { data: { one: label("x") }, deviceScaleFactor });
    const { url } = addOn;
    await addOn.pushData("one", label("An icon", { status: { type: "icon", value: { url: `${url}/icon/16`, "url@2x": `${url}/icon/32` } } }));
    await shown(glance(page, "An icon").locator(".status"));
    for (const image of [".icon", ".status"]) {
      assert.equal(await natural(glance(page, "An icon").locator(image)), size, image);
    }
  });
}

test("a panel replaces the list below its glance, and another panel replaces it", async (t) => {
  const { page, addOn } = await stage(
    t, glances(["one", { target: "panel" }], ["two", { target: "other" }]), { data: { one: label("One"), two: label("Two") } },
  );
  await glance(page, "One").click();
  const frame = await frameOf(page, addOn, "panel");
  await hidden(page.locator("#glances"));
  const top = page.locator("#panel-glance .glance");
  for (const part of [top, page.locator("#panel-glance")]) await becomes(async () => (await part.boundingBox()).height, 64);
  await addOn.pushData("one", label("One, newer", lozenge("new", "live")));
  await shown(top.getByText("One, newer"));
  await shown(top.locator(".lozenge"));
  await call(frame, "sidebar", "openView", { key: "two" }).catch(() => {});
  await frameOf(page, addOn, "other");
  await becomes(() => page.locator("iframe").count(), 1);
  await shown(top.getByText("Two", { exact: true }));
  await page.getByRole("button", { name: "Close the panel" }).click();
  await shown(glance(page, "One, newer"));
  await hidden(page.locator("iframe"));
});

test("glances are ordered by weight", async (t) => {
  const weights = { heavy: 200, none: undefined, light: 5, zero: 0, hundred: 100 };
  const data = Object.fromEntries(Object.keys(weights).map((key) => [key, label(key)]));
  const { page } = await stage(t, glances(...Object.entries(weights).map(([key, weight]) => [key, { weight }])), { data });
  await shown(glance(page, "heavy"));
  await page.waitForFunction(() => document.querySelectorAll("#glances .spinner").length === 0);
  assert.deepEqual(
    await page.locator("#glances .label").allInnerTexts(), ["zero", "light", "hundred", "none", "heavy"],
  );
});

test("a link to add integrations shows below three glances", async (t) => {
  const conditions = [{ condition: "glance_matches", params: { metadata: [{ attr: "n", gt: 0 }] } }];
  const page = await open(t);
  const room = await makeRoom(page, "Few");
  const link = page.locator("#add").getByRole("link", { name: "Add integrations" });
  await shown(link);
  await shown(page.getByRole("heading", { name: "No glances yet" }));
  assert.equal(await link.evaluate(({ href }) => href), `${room}/integrations`);

  const addOn = await AddOn.start(t, "few", {
    capabilities: glances(["one", { target: "panel" }], ["two"], ["three", { conditions }]),
  });
  addOn.data = { one: label("One"), two: label("Two"), three: label("Three", { metadata: { n: 0 } }) };
  await install(t, page, addOn, room);
  await shown(glance(page, "Two"));
  await shown(link);
  await hidden(page.locator("#empty"));
  await addOn.pushData("three", label("Three", { metadata: { n: 1 } }));
  await hidden(link);
  await addOn.pushData("three", label("Three", { metadata: { n: 0 } }));
  await shown(link);
  await glance(page, "One").click();
  await frameOf(page, addOn, "panel");
  await hidden(link);
});

for (const [width, height] of [[320, 480], [352, 480], [640, 360]]) {
  test(`a dialog is fully reachable in ${width} by ${height} pixels`, async (t) => {
    const words = "words of some length ".repeat(4).trim();
    const { page, addOn } = await stage(t, (url) => ({
      ...glances(["one", { target: { key: "full" } }])(url),
      dialog: [{
        key: "full", title: text(words), url: `${url}/page/full`,
        options: {
          filter: { placeholder: text("Find") }, hint: text(words), primaryAction: { name: text("Do it"), key: "do" },
          secondaryActions: [{ name: text("Later"), key: "later" }, { name: text("Never"), key: "never" }],
        },
      }],
    }), { data: { one: label("One") } });
    await glance(page, "One").click();
    await page.setViewportSize({ width, height });
    await frameOf(page, addOn, "full");
    const dialog = page.locator("dialog");
    await dialog.evaluate((element) => element.scrollTo(0, 0));
    await becomes(() => dialog.evaluate((element) => element.getBoundingClientRect().bottom <= innerHeight), true);
    await dialog.hover({ position: { x: 10, y: 10 } });
    await page.mouse.wheel(0, 2000);
    const button = dialog.getByRole("button", { name: "Do it" });
    await becomes(() => button.evaluate((element) => {
      const { left, bottom } = element.getBoundingClientRect();
      return element.contains(document.elementFromPoint(left + 5, bottom - 5));
    }), true);
  });
}

test("a dialog has its requested size within the window", async (t) => {
  const sizes = {
    normal: [undefined, [600, 360]],
    small: ["small", [400, 240]],
    medium: ["medium", [600, 360]],
    large: ["large", [800, 480]],
    xlarge: ["xlarge", [980, 600]],
    points: [{ width: "300px", height: "100px" }, [300, 100]],
    half: [{ width: "50%", height: "50%" }, [600, 400]],
    beyond: [{ width: "150%", height: "200%" }, [1200, 640]],
    huge: [{ width: "5000px", height: "5000px" }, [1200, 640]],
  };
  const { page, addOn } = await stage(t, (url) => ({
    ...glances(["one", { target: "panel" }])(url),
    dialog: Object.entries(sizes).map(([key, [size]]) => ({
      key, title: text(key), url: `${url}/page/${key}`, options: size && { size },
    })),
  }), { data: { one: label("One") }, viewport: { width: 1200, height: 800 } });
  await glance(page, "One").click();
  const frame = await frameOf(page, addOn, "panel");
  const size = () => page.locator("dialog").evaluate((element) => [element.offsetWidth, element.querySelector(".page").offsetHeight]);
  for (const [key, [, expected]] of Object.entries(sizes)) {
    await call(frame, "dialog", "open", { key });
    await frameOf(page, addOn, key);
    await becomes(size, expected, key);
  }
  await page.setViewportSize({ width: 500, height: 400 });
  await becomes(size, [500, 240]);
});
