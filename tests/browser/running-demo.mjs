// A demo that runs from the first test of a file to its last: whoever imports this has one.

import { after, before } from "node:test";
import { startDemo } from "./demo.mjs";

export let demo;

before(async () => {
  demo = await startDemo();
});

after(async () => {
  await demo?.stop();
  await demo?.forget();
});
