// The room's live connection to the host, and what is asked of the host.

import { read } from "./events.js";

const place = document.querySelector("[data-at]");
const connection = document.getElementById("connection");
/** Beside the messages, where a narrow page shows no sidebar. */
const lost = document.getElementById("lost");
const SHORTEST_WAIT = 1000;
const LONGEST_WAIT = 30_000;
const UNSEEN = 30_000;
/** Where the reader is: add-ons may say when something is by their clock. */
const ZONE = { "Time-Zone": new Intl.DateTimeFormat().resolvedOptions().timeZone };

/** Names this connection to the host, once there is one. */
export let page = null;
/** What listens, by the name of the event. */
const listeners = new Map();
/** Whether the page inspects, and whether the connection was asked to from its beginning. */
export const inspects = { wanted: false, asked: false };

/** Says whether connections from now on tell an inspector. */
export function setInspects(wanted) {
  inspects.wanted = wanted;
}

/** Says who asks, where no cookie does. */
let identity = {};
/** Called where whoever asks is not let in any more: on a room's page they see why. */
let strange = () => location.reload();
/** Ends the connection. */
let connected = null;

/** The address of something of this room's. */
export const at = (path) => `${place.dataset.at}/${path}`;

/** Calls `listener` with the data of each event of this name. */
export function on(name, listener) {
  listeners.set(name, [...(listeners.get(name) ?? []), listener]);
}

/** Asks the host for something of this room's; null where it cannot be reached. */
export function post(path, body) {
  return fetch(at(path), {
    method: "POST",
    headers: { "Content-Type": "application/json", ...ZONE, ...identity },
    body: JSON.stringify(body),
  }).catch(() => null);
}

/** Says who asks with a token from now on, and what to do where none holds. */
export function identify(token, wanted) {
  identity = token ? { Authorization: `Bearer ${token}` } : {};
  strange = wanted;
}

function say(text) {
  connection.textContent = text;
}

/** Connects, and again whenever the connection ends. */
export async function connect() {
  connected?.abort();
  const own = connected = new AbortController();
  let wait = SHORTEST_WAIT;
  const heard = (name, value) => {
    if (name === "sidebar") {
      page = value.page;
      wait = SHORTEST_WAIT;
      say("Live");
      if (lost) lost.hidden = true;
    }
    for (const listener of listeners.get(name) ?? []) listener(value);
  };
  while (!own.signal.aborted) {
    inspects.asked = inspects.wanted;
    const events = at(inspects.asked ? "events?inspect" : "events");
    const answer = await read(events, { ...ZONE, ...identity }, own.signal, heard).catch(() => null);
    if (own.signal.aborted) return;
    say("Reconnecting…");
    if (lost) lost.hidden = false;
    if ([401, 403, 404].includes(answer?.status)) return strange();
    // Not all at once, where a host comes back to many pages.
    await new Promise((resume) => setTimeout(resume, wait * (0.5 + Math.random() / 2)));
    wait = Math.min(wait * 2, LONGEST_WAIT);
  }
}

// A browser keeps six connections to a host: a tab that nobody looks at gives its own back.
let hiding = null;
document.addEventListener("visibilitychange", () => {
  clearTimeout(hiding);
  if (document.hidden) {
    hiding = setTimeout(() => {
      connected?.abort();
      connected = null;
      say("Paused");
    }, UNSEEN);
  } else if (connected === null) {
    connect();
  }
});
