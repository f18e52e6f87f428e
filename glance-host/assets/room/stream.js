// The room's live connection to the host, and what is asked of the host.

export const room = document.querySelector(".room").dataset.room;

const connection = document.getElementById("connection");
const LONGEST_WAIT = 30_000;
/** Names this connection to the host, once there is one. */
export let page = null;
/** What listens, by the name of the event. */
const listeners = new Map();
let wait = 1000;
let events = null;
/** Whether the page inspects, and whether the connection was asked to from its beginning. */
export const inspects = { wanted: false, asked: false };

/** Says whether connections from now on tell an inspector. */
export function setInspects(wanted) {
  inspects.wanted = wanted;
}

/** Calls `listener` with the data of each event of this name. Listen before you connect. */
export function on(name, listener) {
  listeners.set(name, [...(listeners.get(name) ?? []), listener]);
}

export function post(address, body) {
  return fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  }).catch(() => null);
}

export function connect() {
  inspects.asked = inspects.wanted;
  events = new EventSource(`/rooms/${room}/events${inspects.asked ? "?inspect" : ""}`);
  events.addEventListener("sidebar", ({ data }) => {
    ({ page } = JSON.parse(data));
    connection.textContent = "Live";
    wait = 1000;
  });
  for (const [name, called] of listeners) {
    events.addEventListener(name, ({ data }) => {
      const value = JSON.parse(data);
      for (const listener of called) listener(value);
    });
  }
  events.addEventListener("error", () => {
    connection.textContent = "Reconnecting…";
    // The browser tries again by itself after a lost connection, but not after a refusal.
    if (events.readyState !== EventSource.CLOSED) return;
    leaveOrStay();
  });
}

/** Whoever is signed out, or put out of the room, sees that; everyone else is connected again. */
async function leaveOrStay() {
  const answer = await fetch(location.pathname, { method: "HEAD" }).catch(() => null);
  if ([401, 404].includes(answer?.status)) return location.reload();
  setTimeout(connect, wait);
  wait = Math.min(wait * 2, LONGEST_WAIT);
}

// A browser keeps six connections to a host: a tab that nobody looks at gives its own back.
let hiding = null;
document.addEventListener("visibilitychange", () => {
  clearTimeout(hiding);
  if (document.hidden) {
    hiding = setTimeout(() => {
      events.close();
      connection.textContent = "Paused";
      hiding = null;
      events = null;
    }, LONGEST_WAIT);
  } else if (events === null) {
    connect();
  }
});
