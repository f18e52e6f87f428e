// The bridge to the pages of add-ons: their frames, identified by window and origin, the functions that they call, and
// the events that they receive.

/** How long events wait for a page to register for them, in milliseconds. */
const EVENT_TTL = 30_000;
/** Limits per frame. Events and calls beyond them are dropped or refused. */
const MAX_EVENTS = 100;
const MAX_CALLS = 20;
const MAX_BYTES = 200_000;
const CALLS_PER_SECOND = 20;
const CALLS_AT_ONCE = 100;
const ESCAPE = 27;
/** A page that registers for this name receives every event. */
const ANY = "_any";
/** Options that Atlassian's own library needs, if a page loads it; the host is the window around the frame. */
const LIBRARY_OPTIONS = { globalOptions: {}, hostFrameOffset: 1, hostOrigin: location.origin };
const SANDBOX = "allow-forms allow-popups allow-popups-to-escape-sandbox allow-scripts";

/** The functions that pages may call, by module, as `function(frame, ...arguments)`. */
const modules = {};
const frames = new Set();
let escapeListener = null;
let changeListener = null;

/** An error whose message the add-on's script receives. */
export class ApiError extends Error {}

/** The error of `auth.withToken`, in the form that pages expect. */
export function tokenError() {
  const message = "Unable to create token";
  return new ApiError(message, { cause: { message } });
}

/** Lets pages call these functions. Call it before `createFrame`, which lists the functions in the frame's name. */
export function provideModule(module, functions) {
  modules[module] = functions;
}

/** Calls `listener` with the frame after an Escape key that its page did not handle. */
export function onEscape(listener) {
  escapeListener = listener;
}

/** Calls `listener` when frames are created and removed. */
export function onFramesChange(listener) {
  changeListener = listener;
}

/** Returns the keys of the add-ons that have frames. */
export function openAddOns() {
  return [...new Set([...frames].map(({ addOn }) => addOn))];
}

/**
 * Creates a frame for a page that the host opened. The page keeps its own origin, so that its cookies and storage work,
 * and so that this page can verify its messages. A page of the host's own origin gets neither its origin nor the API,
 * because with them it could reach into this page.
 */
export function createFrame(opened) {
  const element = document.createElement("iframe");
  const { origin } = new URL(opened.url);
  const isOwn = opened.isOwn || origin === location.origin;
  const frame = {
    element, origin,
    id: `${opened.addOn}__${opened.key}__${random()}`,
    addOn: opened.addOn, key: opened.key,
    registered: new Set(), queue: [], requests: new Map(), requestCount: 0,
    activeCalls: 0, allowance: CALLS_AT_ONCE, refilledAt: Date.now(),
  };
  element.title = opened.name;
  element.referrerPolicy = "no-referrer";
  element.setAttribute("sandbox", isOwn ? SANDBOX : `${SANDBOX} allow-same-origin`);
  if (!isOwn) {
    const api = Object.fromEntries(Object.entries(modules).map(([module, functions]) =>
      [module, Object.fromEntries(Object.keys(functions).map((name) => [name, { args: [] }]))]));
    element.name = JSON.stringify({ extension_id: frame.id, api, origin: location.origin, options: { ...opened.options, ...LIBRARY_OPTIONS } });
    frames.add(frame);
    changeListener?.();
  }
  element.src = opened.url;
  return frame;
}

/** Removes a frame from the page. */
export function removeFrame(frame) {
  frame.element.remove();
  if (frames.delete(frame)) changeListener?.();
}

/** Sends an event to a page, now or when the page registers for it. */
export function emit(frame, event, value) {
  if (!frames.has(frame)) return;
  if (listens(frame, event)) {
    send(frame, { type: "evt", etyp: event, evnt: value });
  } else {
    const now = Date.now();
    frame.queue = frame.queue.filter(({ until }) => until > now);
    if (frame.queue.length < MAX_EVENTS) frame.queue.push({ event, value, until: now + EVENT_TTL });
  }
}

/** Sends an event that the page answers. Calls `done` with the answer, or with true at once if the page does not listen. */
export function request(frame, event, value, done) {
  if (!frames.has(frame) || !listens(frame, event)) return done(true);
  // Only the last request counts, so that repeated clicks on a button do not pile up.
  frame.requests.clear();
  const mid = String(frame.requestCount += 1);
  frame.requests.set(mid, done);
  send(frame, { type: "evt", mid, etyp: event, evnt: value });
}

/** Sends an event to all pages, or to those of one add-on except the frame `except`. */
export function emitToAll(event, value, addOn = null, except = null) {
  for (const frame of frames) {
    if (frame !== except && (addOn === null || frame.addOn === addOn)) emit(frame, event, value);
  }
}

function random() {
  return [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function send(frame, message) {
  frame.element.contentWindow?.postMessage(message, frame.origin);
}

function onMessage({ source, origin, data }) {
  const frame = [...frames].find(({ element }) => element.contentWindow === source);
  if (!frame || origin !== frame.origin || data?.eid !== frame.id || !isAllowed(frame)) return;
  switch (data.type) {
    case "init":
      // A new document in the frame: it has not registered for any event yet.
      frame.registered.clear();
      frame.requests.clear();
      send(frame, { type: "key_listen", keycode: ESCAPE, action: "add" });
      break;
    case "req":
      call(frame, data);
      break;
    case "resp":
      resolveRequest(frame, data);
      break;
    case "event_query":
      register(frame, data.args);
      break;
    case "broadcast":
      if (isText(data.etyp) && isSmall(data.evnt)) emitToAll(data.etyp, json(data.evnt), frame.addOn, frame);
      break;
    case "key_triggered":
      if (data.keycode === ESCAPE) escapeListener?.(frame);
      break;
    default:
  }
}

/** Applies the rate limit of a frame: messages beyond it are ignored. */
function isAllowed(frame) {
  const now = Date.now();
  frame.allowance = Math.min(CALLS_AT_ONCE, frame.allowance + (now - frame.refilledAt) / 1000 * CALLS_PER_SECOND);
  frame.refilledAt = now;
  if (frame.allowance < 1) return false;
  frame.allowance -= 1;
  return true;
}

async function call(frame, { mid, mod, fn, args }) {
  const answer = (...values) => { if (isText(mid)) send(frame, { type: "resp", forPlugin: true, mid, args: values }); };
  const functions = Object.hasOwn(modules, mod) ? modules[mod] : {};
  if (!Object.hasOwn(functions, fn)) return answer("This host has no such function");
  if (!Array.isArray(args) || !isSmall(args)) return answer("The arguments are invalid");
  if (frame.activeCalls >= MAX_CALLS) return answer("Too many calls at once");
  frame.activeCalls += 1;
  try {
    answer(null, json(await functions[fn](frame, ...json(args)) ?? null));
  } catch (error) {
    if (!(error instanceof ApiError)) console.error(error);
    answer(error instanceof ApiError ? error.cause ?? error.message : "The host failed");
  } finally {
    frame.activeCalls -= 1;
  }
}

function resolveRequest(frame, { mid, args }) {
  const done = frame.requests.get(mid);
  frame.requests.delete(mid);
  done?.(!Array.isArray(args) || args[0] !== false);
}

function register(frame, names) {
  if (!Array.isArray(names) || names.length > MAX_EVENTS) return;
  for (const name of names.filter(isText)) frame.registered.add(name);
  const now = Date.now();
  const waiting = frame.queue;
  frame.queue = [];
  for (const { event, value, until } of waiting) {
    if (until < now) continue;
    if (listens(frame, event)) send(frame, { type: "evt", etyp: event, evnt: value });
    else frame.queue.push({ event, value, until });
  }
}

function listens(frame, event) {
  return frame.registered.has(event) || frame.registered.has(ANY);
}

function isText(value) {
  return typeof value === "string" && value.length <= 200;
}

function isSmall(value) {
  try {
    return (JSON.stringify(value) ?? "").length <= MAX_BYTES;
  } catch {
    return false;
  }
}

function json(value) {
  return JSON.parse(JSON.stringify(value ?? null));
}

addEventListener("message", onMessage);
