// The room's event stream from the host, and requests to the host.

import { readEvents } from "./events.js";

const place = document.querySelector("[data-at]");
const indicator = document.getElementById("connection");
/** A notice beside the messages. */
const lostNotice = document.getElementById("lost");
/** The backoff between attempts to connect, in milliseconds. */
const MIN_BACKOFF = 1000;
const MAX_BACKOFF = 30_000;
/** The connection of a hidden tab ends after this time, in milliseconds. */
const HIDDEN_TIMEOUT = 30_000;
/** The person's time zone, for add-ons that show times. */
const TIME_ZONE = { "Time-Zone": new Intl.DateTimeFormat().resolvedOptions().timeZone };

/** The host's id of this connection, once it is open. */
export let page = null;
/** Whether the page has lost the host, and since when, in milliseconds since 1970. */
export const connection = { isLost: false, lostAt: null };
/** Listeners by the name of the event. */
const listeners = new Map();
/** Whether the inspector is open, and whether it was when the current connection began. */
export const inspection = { isOpen: false, wasOpenAtConnect: false };

/** Sets whether new connections send events for the inspector. */
export function setInspecting(isOpen) {
  inspection.isOpen = isOpen;
}

/** The Authorization header of requests without a cookie. */
let authorization = {};
/** Called after the host refused access. A reload of a room's page shows the reason. */
let onUnauthorized = () => location.reload();
/** The AbortController of the connection. */
let connected = null;
/** The position of the page in the room's events. A new connection continues there. */
let lastEventId = null;

/** Returns the URL of a path below this room. */
export const roomUrl = (path) => `${place.dataset.at}/${path}`;

/** Calls `listener` with the data of each event of this name. `lost` is an event of the page itself. */
export function on(name, listener) {
  listeners.set(name, [...(listeners.get(name) ?? []), listener]);
}

/** Posts to a path below this room. Returns null if the host cannot be reached. */
export function post(path, body) {
  return fetch(roomUrl(path), {
    method: "POST",
    headers: { "Content-Type": "application/json", ...TIME_ZONE, ...authorization },
    body: JSON.stringify(body),
  }).catch(() => null);
}

/** Sets the token of requests, and the listener for requests without a valid one. */
export function authenticate(token, listener) {
  authorization = token ? { Authorization: `Bearer ${token}` } : {};
  onUnauthorized = listener;
}

/** Shows whether the page is connected: everywhere, because without a connection everything may be out of date. */
function showStatus(text, isLost) {
  indicator.textContent = text;
  place.toggleAttribute("data-lost", isLost);
  if (lostNotice) lostNotice.hidden = !isLost;
  if (connection.isLost === isLost) return;
  connection.isLost = isLost;
  connection.lostAt = isLost ? Date.now() : null;
  notify("lost", isLost);
}

function notify(name, value) {
  for (const listener of listeners.get(name) ?? []) listener(value);
}

/** Connects, and reconnects whenever the connection ends. */
export async function connect() {
  connected?.abort();
  const own = connected = new AbortController();
  let backoff = MIN_BACKOFF;
  const onEvent = (name, value) => {
    if (name === "sidebar") {
      page = value.page;
      backoff = MIN_BACKOFF;
      showStatus("Live", false);
    }
    notify(name, value);
  };
  while (!own.signal.aborted) {
    inspection.wasOpenAtConnect = inspection.isOpen;
    const events = roomUrl(inspection.isOpen ? "events?inspect" : "events");
    const headers = { ...TIME_ZONE, ...authorization };
    if (lastEventId) headers["Last-Event-ID"] = lastEventId;
    const onId = (id) => { lastEventId = id; };
    const answer = await readEvents(events, headers, own.signal, onEvent, onId).catch(() => null);
    if (own.signal.aborted) return;
    showStatus("Reconnecting…", true);
    if ([401, 403, 404].includes(answer?.status)) return onUnauthorized();
    // Random, so that not all pages reconnect at once after a restart of the host.
    await new Promise((resume) => setTimeout(resume, backoff * (0.5 + Math.random() / 2)));
    backoff = Math.min(backoff * 2, MAX_BACKOFF);
  }
}

// A browser opens at most six connections to a host, so a hidden tab closes its own.
let hideTimer = null;
document.addEventListener("visibilitychange", () => {
  clearTimeout(hideTimer);
  if (document.hidden) {
    hideTimer = setTimeout(() => {
      connected?.abort();
      connected = null;
      showStatus("Paused", true);
    }, HIDDEN_TIMEOUT);
  } else if (connected === null) {
    connect();
  }
});
