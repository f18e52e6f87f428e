// Tells screen readers what matters: another status, and the change between nothing and something.

import { count, spoken } from "./glance.js";

const status = document.getElementById("announcement");
/** Changes within this time are one announcement, in milliseconds. */
const DELAY = 500;
/** The longest announcement, in lines. */
const MAX_LINES = 5;

/** The sentences by the id of the line, so that one that changes often is announced once. */
const sentences = new Map();
let timer = null;

/** Announces a change; `before` is missing if the line is new, and `now` if it is gone. */
export function announce(before, now) {
  if (!matters(before, now)) return;
  const { id } = now ?? before;
  sentences.set(id, now ? spoken(now) : `${before.name}: nothing to report`);
  timer ??= setTimeout(() => {
    status.textContent = [...sentences.values()].slice(-MAX_LINES).join(". ");
    sentences.clear();
    timer = null;
  }, DELAY);
}

function matters(before, now) {
  if (!now) return before?.state === "ready";
  if (now.state !== "ready") return false;
  if (before?.state !== "ready") return true;
  const lozenge = ({ status }) => JSON.stringify(status?.lozenge ?? null);
  const isZero = (line) => count(line) === 0;
  return lozenge(before) !== lozenge(now) || isZero(before) !== isZero(now);
}
