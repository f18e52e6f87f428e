// Starts an example host of glance-host for the tests. Its first line of output is the URL to open.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** Starts an example whose program an environment variable names, for example `GLANCE_PEOPLE` for `people`. */
export async function startHost(example, args = []) {
  const variable = `GLANCE_${example.toUpperCase()}`;
  const program = process.env[variable];
  if (!program) throw new Error(`Set ${variable} to the path of glance-host's example \`${example}\`.`);
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
  process.once("exit", () => child.kill("SIGKILL"));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const next = async () => (await lines.next()).value;
  return {
    url: await next(),

    /** Sends it a line, and returns its answer. */
    ask(line) {
      child.stdin.write(`${line}\n`);
      return next();
    },

    async stop() {
      child.stdin.end();
      assert.deepEqual(await once(child, "exit"), [0, null]);
    },
  };
}
