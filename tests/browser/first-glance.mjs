// Measures when a room's page shows its first glance on a slow connection: 400 ms of latency, 50 kB/s. Run it by hand:
//
//     cd tests/browser && GLANCE_BIN=$PWD/../../target/debug/cargo-glance node first-glance.mjs
//
// The first visit has an empty cache; the next ones load the page again, and another room. `first glance` is the first
// paint that contains one; `live` is when the page has the room's state from its event stream.

import { launch, startDemo } from "./demo.mjs";

const SLOW = { offline: false, latency: 400, downloadThroughput: 50_000, uploadThroughput: 50_000 };

/** Records in the page when the first glance is painted, and when the event stream is open. */
function observe() {
  const times = globalThis.times = {};
  const note = (name) => requestAnimationFrame(() => { times[name] ??= performance.now(); });
  new MutationObserver(() => {
    const label = document.querySelector("#glances .label");
    if (label && !label.textContent.includes("Loading")) note("line");
    if (document.getElementById("connection")?.textContent === "Live") note("live");
  }).observe(document, { childList: true, subtree: true, characterData: true });
}

async function measure(context, url) {
  const page = await context.newPage();
  await page.addInitScript(observe);
  const network = await context.newCDPSession(page);
  await network.send("Network.enable");
  await network.send("Network.emulateNetworkConditions", SLOW);
  let bytes = 0;
  let requests = 0;
  network.on("Network.requestWillBeSent", () => { requests += 1; });
  network.on("Network.dataReceived", ({ encodedDataLength }) => { bytes += encodedDataLength; });
  await page.goto(url, { waitUntil: "commit" });
  await page.waitForFunction(() => times.live && times.line && performance.getEntriesByName("first-contentful-paint").length);
  const { line, live, paint } = await page.evaluate(() => ({
    ...times, paint: performance.getEntriesByName("first-contentful-paint")[0].startTime,
  }));
  await page.waitForTimeout(1000);
  const seconds = (time) => `${(time / 1000).toFixed(2)} s`;
  await page.close();
  return [seconds(Math.max(line, paint)), seconds(live), `${(bytes / 1000).toFixed(1)} kB`, requests];
}

const demo = await startDemo();
const browser = await launch();
try {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const rooms = demo.url;
  // Its queries are answered, and the room has stored data.
  const warm = await browser.newPage();
  await warm.goto(rooms);
  await warm.locator("#glances .label").getByText("mentions").waitFor();
  await warm.close();
  console.log("visit           first glance   live      received   requests");
  for (const visit of ["first", "second", "third"]) {
    const [first, live, bytes, requests] = await measure(context, rooms);
    console.log(`${visit.padEnd(16)}${first.padEnd(15)}${live.padEnd(10)}${bytes.padEnd(11)}${requests}`);
  }
} finally {
  await browser.close();
  await demo.stop();
  await demo.forget();
}
