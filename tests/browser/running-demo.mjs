// A demo that runs from the first to the last test of the file that imports this.

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
