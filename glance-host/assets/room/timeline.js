// The room's timeline: what was written, as it comes; the page keeps a part of it.

import { day, entry as draw, isFor } from "./entry.js";
import { at, on } from "./stream.js";

export { appendMessage, focus } from "./composer.js";

/** How many entries the page keeps. */
const MOST = 300;
/** Messages of one sender stand under one name for so long, in milliseconds. */
const TOGETHER = 5 * 60_000;
/** So near an edge, in pixels, is at it. */
const NEAR = 60;
/** Bodies that are higher than this, in pixels, are folded; the stylesheet has it too. */
const HIGH = 420;

const scroller = document.getElementById("timeline");
const list = document.getElementById("entries");
const older = document.getElementById("older");
const newest = document.getElementById("newest");
const note = document.getElementById("timeline-note");
const me = document.querySelector(".room").dataset.mention;
const user = document.querySelector(".room").dataset.user;
const title = document.title;

/** What the page shows, by id. */
const shown = new Map();
/** What is offered on each entry. */
const actions = [];
/** Whether there is more before the first entry, and nothing after the last. */
let hasOlder = false;
let atEnd = true;
/** Whether the reader looks at the newest; else which element they look at, and where it stands. */
let follows = true;
let anchor = null;
let last = 0;
/** What came since the reader last looked at the newest. */
let unread = 0;
/** What for them came while the tab was hidden. */
let called = 0;
/** What came while the host was asked for entries, for its answer may not have it. */
let meanwhile = null;
let reading = Promise.resolve();

const again = Object.assign(document.createElement("button"), { type: "button", textContent: "Try again" });
again.addEventListener("click", () => start());

/** Calls `action(entry, place)` for each entry: `place` is in its header, for buttons. */
export function offer(action) {
  actions.push(action);
  for (const { entry, element } of shown.values()) action(entry, element.querySelector(".actions"));
}

/** Shows what this person has just written. */
export function wrote(entry) {
  follows = true;
  if (atEnd) came(entry);
  else start();
}

/** Asks the host for entries, one question after the other; `use` is told what it answered. */
function read(query, use) {
  reading = reading.then(async () => {
    meanwhile = [];
    // What was written earlier is not read out as if it came now.
    list.setAttribute("aria-busy", "true");
    const answer = await fetch(`${at("timeline")}${query()}`).catch(() => null);
    const page = answer?.ok ? await answer.json().catch(() => null) : null;
    if (page) change(() => use(page));
    note.hidden = Boolean(page) && shown.size > 0;
    note.replaceChildren(...(page ? ["Nobody has written here yet."] : ["Messages cannot be loaded. ", again]));
    meanwhile = null;
    setTimeout(() => list.setAttribute("aria-busy", "false"));
  });
  return reading;
}

/** The newest: they are joined to what is shown, or replace it where something would lie between. */
function start() {
  return read(() => "", ({ entries, hasMore }) => {
    if (!atEnd && !follows) return;
    const had = ({ id }) => shown.has(id) && !meanwhile.some((entry) => entry.id === id);
    if (!atEnd || !entries.some(had)) {
      for (const id of [...shown.keys()]) drop(id);
      hasOlder = hasMore;
      atEnd = true;
    }
    let before = null;
    for (const entry of entries) {
      put(entry, before ? before.nextSibling : list.firstChild);
      before = shown.get(entry.id).element;
    }
    for (const entry of meanwhile) put(entry);
    trim();
  });
}

function loadOlder() {
  const first = list.firstElementChild?.dataset.id;
  if (!first || !hasOlder) return reading;
  return read(() => `?before=${list.firstElementChild.dataset.id}`, ({ entries, hasMore }) => {
    const place = list.firstChild;
    for (const entry of entries) put(entry, place);
    hasOlder = hasMore;
    while (shown.size > MOST) {
      drop(list.lastElementChild.dataset.id);
      atEnd = false;
      follows = false;
    }
  });
}

function loadNewer() {
  return read(() => `?after=${list.lastElementChild.dataset.id}`, ({ entries, hasMore }) => {
    if (atEnd) return;
    for (const entry of [...entries, ...(hasMore ? [] : meanwhile)]) put(entry);
    atEnd = !hasMore;
    trim();
  });
}

/** Something was written. */
function came(entry) {
  if (shown.has(entry.id)) return;
  meanwhile?.push(entry);
  if (document.hidden && (entry.notify || isFor(entry, { me, user }))) called += 1;
  // Who reads older ones keeps them: the newest are read from the host when they come down again.
  if (atEnd && !follows && shown.size >= MOST) atEnd = false;
  if (!follows && entry.sender.id !== user) unread += 1;
  note.hidden = true;
  change(() => {
    if (!atEnd) return;
    put(entry);
    trim();
  });
}

function put(entry, place = null) {
  if (shown.has(entry.id)) return;
  const element = draw(entry, { me, user, jump });
  shown.set(entry.id, { entry, element });
  list.insertBefore(element, place);
  for (const action of actions) action(entry, element.querySelector(".actions"));
}

function drop(id) {
  shown.get(id)?.element.remove();
  shown.delete(id);
}

/** Forgets the oldest of too many. */
function trim() {
  while (shown.size > MOST) {
    drop(list.firstElementChild.dataset.id);
    hasOlder = true;
  }
}

/** Changes what is shown, and keeps what the reader looks at where it is. */
function change(how) {
  how();
  arrange();
  older.hidden = !hasOlder;
  settle();
  count();
}

/** Days, and messages of one sender under one name. */
function arrange() {
  let before = null;
  for (const element of list.children) {
    const { entry } = shown.get(element.dataset.id);
    const at = new Date(entry.at);
    const isSameDay = before?.at.toDateString() === at.toDateString();
    day(element, isSameDay ? null : entry.at);
    const isSame = isSameDay && at - before.at < TOGETHER && before.entry.sender.id === entry.sender.id;
    element.classList.toggle("follows", isSame && before.entry.kind === entry.kind
      && !entry.parent && !entry.from && !entry.notify);
    before = { entry, at };
  }
}

/** Scrolls to where the reader was, whatever grew or went above it. */
function settle() {
  fold();
  if (follows) {
    scroller.scrollTop = scroller.scrollHeight;
  } else if (anchor?.element.isConnected) {
    scroller.scrollTop += height(anchor.element) - anchor.height;
  }
}

/** Bodies that are too high get a button. */
function fold() {
  const high = [...list.querySelectorAll(".body:not(.whole, .folded)")].filter(({ scrollHeight }) => scrollHeight > HIGH);
  for (const body of high) {
    body.classList.add("folded");
    const button = Object.assign(document.createElement("button"), {
      type: "button", className: "unfold", textContent: "Show all of it",
    });
    const unfold = () => {
      body.classList.replace("folded", "whole");
      button.remove();
    };
    button.addEventListener("click", unfold);
    // What the keyboard goes to is seen.
    body.addEventListener("focusin", unfold, { once: true });
    body.after(button);
  }
}

/** Says how much is new, on the button and on the tab. */
function count() {
  if (follows) unread = 0;
  newest.hidden = follows && atEnd;
  newest.textContent = unread ? `${unread} new message${unread > 1 ? "s" : ""} ↓` : "Newest messages ↓";
  document.title = called ? `(${called}) ${title}` : title;
}

function look() {
  const bottom = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
  if (scroller.clientHeight === 0) return;
  // Pictures that load push the end away, people go up.
  follows = atEnd && (bottom < NEAR || (follows && scroller.scrollTop >= last));
  last = scroller.scrollTop;
  const element = [...list.children].find((child) => height(child) + child.offsetHeight > 0);
  anchor = element && { element, height: height(element) };
  count();
}

/** How far under the upper edge an entry begins. */
function height(element) {
  return element.getBoundingClientRect().top - scroller.getBoundingClientRect().top;
}

let loading = false;

async function scrolled() {
  look();
  if (loading) return;
  const isAtTop = scroller.scrollTop < NEAR && hasOlder;
  const isAtBottom = !atEnd && scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR;
  if (!isAtTop && !isAtBottom) return;
  loading = true;
  await (isAtTop ? loadOlder() : loadNewer());
  loading = false;
}

/** Shows the entry that another one answers. */
async function jump(id) {
  while (!shown.has(id) && hasOlder) {
    const before = list.firstElementChild;
    await loadOlder();
    if (list.firstElementChild === before) break;
  }
  const element = shown.get(id)?.element;
  if (!element) return;
  follows = false;
  element.scrollIntoView({ block: "center" });
  element.tabIndex = -1;
  element.focus();
}

older.addEventListener("click", async () => {
  await loadOlder();
  if (older.hidden) scroller.focus();
});
newest.addEventListener("click", () => {
  follows = true;
  if (atEnd) change(() => {});
  else start();
  scroller.focus();
});
scroller.addEventListener("scroll", scrolled, { passive: true });
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) called = 0;
  count();
});
const observer = new ResizeObserver(settle);
observer.observe(list);
observer.observe(scroller);

on("sidebar", start);
on("missed", start);
on("entry", came);
