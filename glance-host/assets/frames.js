// The bridge to the pages of add-ons: frames that are known by window and origin, and what they call.

/** What happened before a page asks for it is kept so long, in milliseconds. */
const KEPT = 30_000;
/** No page needs more; what comes beyond is not answered, or waits for nothing. */
const MOST_EVENTS = 100;
const MOST_CALLS = 20;
const MOST_BYTES = 200_000;
const CALLS_PER_SECOND = 20;
const CALLS_AT_ONCE = 100;
const ESCAPE = 27;
/** What a page registers for that wants every event. */
const ANY = "_any";
/** What Atlassian's own library wants of the options, where a page brings it along; the host is the window around it. */
const LIBRARY = { globalOptions: {}, hostFrameOffset: 1, hostOrigin: location.origin };
const SANDBOX = "allow-forms allow-popups allow-popups-to-escape-sandbox allow-scripts";

/** The functions that pages may call, by module: what each is given is (frame, ...arguments). */
const modules = {};
const frames = new Set();
let escape = null;
let change = null;

/** An error whose text goes to the add-on's script. */
export class Refused extends Error {}

/** Why `auth.withToken` gives none, as pages know it. */
export function noToken() {
  const message = "Unable to create token";
  return new Refused(message, { cause: { message } });
}

/** Lets pages call these functions. Provide them before a frame is made: it is told what there is. */
export function provide(module, functions) {
  modules[module] = functions;
}

/** Calls `listener` with the frame in which Escape was pressed and not used. */
export function onEscape(listener) {
  escape = listener;
}

/** Calls `listener` when frames come and go. */
export function onChange(listener) {
  change = listener;
}

/** The add-ons that have frames. */
export function addOns() {
  return [...new Set([...frames].map(({ addOn }) => addOn))];
}

/**
 * A frame for a page that the host opened. It keeps its own origin, so that its cookies and storage
 * work as its author knows them, and so that it can be told from others. A page of the host's own
 * origin must not: with it, it could reach into this page. It gets neither origin nor API.
 */
export function frame(opened) {
  const element = document.createElement("iframe");
  const { origin } = new URL(opened.url);
  const isOwn = opened.isOwn || origin === location.origin;
  const made = {
    element, origin,
    id: `${opened.addOn}__${opened.key}__${random()}`,
    addOn: opened.addOn, key: opened.key,
    registered: new Set(), queue: [], answers: new Map(), calls: 0, asked: 0, allowance: CALLS_AT_ONCE, at: Date.now(),
  };
  element.title = opened.name;
  element.referrerPolicy = "no-referrer";
  element.setAttribute("sandbox", isOwn ? SANDBOX : `${SANDBOX} allow-same-origin`);
  if (!isOwn) {
    const api = Object.fromEntries(Object.entries(modules).map(([module, functions]) =>
      [module, Object.fromEntries(Object.keys(functions).map((name) => [name, { args: [] }]))]));
    element.name = JSON.stringify({ extension_id: made.id, api, origin: location.origin, options: { ...opened.options, ...LIBRARY } });
    frames.add(made);
    change?.();
  }
  element.src = opened.url;
  return made;
}

/** Forgets a frame and takes it off the page. */
export function remove(made) {
  made.element.remove();
  if (frames.delete(made)) change?.();
}

/** Tells a page of an event, now or when it registers for it. */
export function tell(made, event, value) {
  if (!frames.has(made)) return;
  if (listens(made, event)) {
    send(made, { type: "evt", etyp: event, evnt: value });
  } else {
    const now = Date.now();
    made.queue = made.queue.filter(({ until }) => until > now);
    if (made.queue.length < MOST_EVENTS) made.queue.push({ event, value, until: now + KEPT });
  }
}

/** Tells a page of an event that it answers: calls `done` with what it says, or at once where it does not listen. */
export function ask(made, event, value, done) {
  if (!frames.has(made) || !listens(made, event)) return done(true);
  // The last asking counts: who presses a button again and again makes no list of them.
  made.answers.clear();
  const mid = String(made.asked += 1);
  made.answers.set(mid, done);
  send(made, { type: "evt", mid, etyp: event, evnt: value });
}

/** Tells all pages, or those of one add-on but `except`. */
export function tellAll(event, value, addOn = null, except = null) {
  for (const made of frames) {
    if (made !== except && (addOn === null || made.addOn === addOn)) tell(made, event, value);
  }
}

function random() {
  return [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function send(made, message) {
  made.element.contentWindow?.postMessage(message, made.origin);
}

function received({ source, origin, data }) {
  const made = [...frames].find(({ element }) => element.contentWindow === source);
  if (!made || origin !== made.origin || data?.eid !== made.id || !isAllowed(made)) return;
  switch (data.type) {
    case "init":
      // Another document: it knows nothing of what the last one listened to.
      made.registered.clear();
      made.answers.clear();
      send(made, { type: "key_listen", keycode: ESCAPE, action: "add" });
      break;
    case "req":
      called(made, data);
      break;
    case "resp":
      answered(made, data);
      break;
    case "event_query":
      queried(made, data.args);
      break;
    case "broadcast":
      if (isText(data.etyp) && isSmall(data.evnt)) tellAll(data.etyp, json(data.evnt), made.addOn, made);
      break;
    case "key_triggered":
      if (data.keycode === ESCAPE) escape?.(made);
      break;
    default:
  }
}

/** So many messages at once, and then so many a second: a page that floods is not heard. */
function isAllowed(made) {
  const now = Date.now();
  made.allowance = Math.min(CALLS_AT_ONCE, made.allowance + (now - made.at) / 1000 * CALLS_PER_SECOND);
  made.at = now;
  if (made.allowance < 1) return false;
  made.allowance -= 1;
  return true;
}

async function called(made, { mid, mod, fn, args }) {
  const answer = (...values) => { if (isText(mid)) send(made, { type: "resp", forPlugin: true, mid, args: values }); };
  const functions = Object.hasOwn(modules, mod) ? modules[mod] : {};
  if (!Object.hasOwn(functions, fn)) return answer("This host has no such function");
  if (!Array.isArray(args) || !isSmall(args)) return answer("The arguments cannot be used");
  if (made.calls >= MOST_CALLS) return answer("Too many calls at once");
  made.calls += 1;
  try {
    answer(null, json(await functions[fn](made, ...json(args)) ?? null));
  } catch (error) {
    if (!(error instanceof Refused)) console.error(error);
    answer(error instanceof Refused ? error.cause ?? error.message : "The host failed");
  } finally {
    made.calls -= 1;
  }
}

function answered(made, { mid, args }) {
  const done = made.answers.get(mid);
  made.answers.delete(mid);
  done?.(!Array.isArray(args) || args[0] !== false);
}

function queried(made, names) {
  if (!Array.isArray(names) || names.length > MOST_EVENTS) return;
  for (const name of names.filter(isText)) made.registered.add(name);
  const now = Date.now();
  const waiting = made.queue;
  made.queue = [];
  for (const { event, value, until } of waiting) {
    if (until < now) continue;
    if (listens(made, event)) send(made, { type: "evt", etyp: event, evnt: value });
    else made.queue.push({ event, value, until });
  }
}

function listens(made, event) {
  return made.registered.has(event) || made.registered.has(ANY);
}

function isText(value) {
  return typeof value === "string" && value.length <= 200;
}

function isSmall(value) {
  try {
    return (JSON.stringify(value) ?? "").length <= MOST_BYTES;
  } catch {
    return false;
  }
}

function json(value) {
  return JSON.parse(JSON.stringify(value ?? null));
}

addEventListener("message", received);
