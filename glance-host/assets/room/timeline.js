// The room's timeline: entries as they arrive, and older ones on demand. The page keeps a limited number of them.

import { entry as createEntry, isFor, setDay } from "./entry.js";
import { on, roomUrl } from "./stream.js";

/** The maximum number of entries on the page. */
const MAX_ENTRIES = 300;
/** Messages of one sender within this time share one header, in milliseconds. */
const GROUP_WITHIN = 5 * 60_000;
/** The distance to an edge that counts as being at it, in pixels. */
const EDGE = 60;
/** Higher bodies are folded, in pixels; the stylesheet has the same value. */
const MAX_BODY_HEIGHT = 420;

const scroller = document.getElementById("timeline");
const list = document.getElementById("entries");
const older = document.getElementById("older");
const newest = document.getElementById("newest");
const note = document.getElementById("timeline-note");
const me = document.querySelector(".room").dataset.mention;
const user = document.querySelector(".room").dataset.user;
const title = document.title;

/** The entries on the page, by id. */
const shown = new Map();
/** Functions that add buttons to each entry. */
const decorators = [];
/** Whether older entries exist, and whether the last entry on the page is the newest. */
let hasOlder = false;
let atEnd = true;
/** Whether the reader is at the newest entry; otherwise the element that they look at, and its position. */
let isFollowing = true;
let anchor = null;
let lastScrollTop = 0;
/** The number of entries that arrived since the reader was last at the newest one. */
let unread = 0;
/** The number of entries for this person that arrived while the tab was hidden. */
let missed = 0;
/** Entries that arrive during a fetch, because its answer may not contain them. */
let arrivedDuringFetch = null;
let fetching = Promise.resolve();
/** Whether the last fetch failed. */
let hasFailed = false;

const retryButton = Object.assign(document.createElement("button"), { type: "button", textContent: "Try again" });
retryButton.addEventListener("click", () => start());

/** Calls `decorate(entry, place)` for each entry, now and later; `place` is the element for buttons in its header. */
export function decorateEntries(decorate) {
  decorators.push(decorate);
  for (const { entry, element } of shown.values()) decorate(entry, element.querySelector(".actions"));
}

/** Shows a message that this person has just sent. */
export function showSent(entry) {
  isFollowing = true;
  if (atEnd) receive(entry);
  else start();
}

/** Fetches entries from the host, one request after the other, and passes the answer to `use`. */
function fetchEntries(query, use) {
  fetching = fetching.then(async () => {
    arrivedDuringFetch = [];
    // Screen readers announce new entries only, not older ones that are loaded now.
    list.setAttribute("aria-busy", "true");
    const answer = await fetch(`${roomUrl("timeline")}${query()}`).catch(() => null);
    const page = answer?.ok ? await answer.json().catch(() => null) : null;
    hasFailed = !page;
    if (page) update(() => use(page));
    note.hidden = Boolean(page) && shown.size > 0;
    note.replaceChildren(...(page ? ["No messages yet."] : ["Messages cannot be loaded. ", retryButton]));
    arrivedDuringFetch = null;
    setTimeout(() => list.setAttribute("aria-busy", "false"));
  });
  return fetching;
}

/** Loads the newest entries. They replace the entries on the page if there is a gap between both. */
function start() {
  return fetchEntries(() => "", ({ entries, hasMore }) => {
    if (!atEnd && !isFollowing) return;
    const wasShown = ({ id }) => shown.has(id) && !arrivedDuringFetch.some((entry) => entry.id === id);
    if (!atEnd || !entries.some(wasShown)) {
      for (const id of [...shown.keys()]) remove(id);
      hasOlder = hasMore;
      atEnd = true;
    }
    let before = null;
    for (const entry of entries) {
      insert(entry, before ? before.nextSibling : list.firstChild);
      before = shown.get(entry.id).element;
    }
    for (const entry of arrivedDuringFetch) insert(entry);
    trim();
  });
}

function loadOlder() {
  const first = list.firstElementChild?.dataset.id;
  if (!first || !hasOlder) return fetching;
  return fetchEntries(() => `?before=${list.firstElementChild.dataset.id}`, ({ entries, hasMore }) => {
    const place = list.firstChild;
    for (const entry of entries) insert(entry, place);
    hasOlder = hasMore;
    while (shown.size > MAX_ENTRIES) {
      remove(list.lastElementChild.dataset.id);
      atEnd = false;
      isFollowing = false;
    }
  });
}

function loadNewer() {
  return fetchEntries(() => `?after=${list.lastElementChild.dataset.id}`, ({ entries, hasMore }) => {
    if (atEnd) return;
    for (const entry of [...entries, ...(hasMore ? [] : arrivedDuringFetch)]) insert(entry);
    atEnd = !hasMore;
    trim();
  });
}

/** Handles a new entry. */
function receive(entry) {
  if (shown.has(entry.id)) return;
  arrivedDuringFetch?.push(entry);
  if (document.hidden && (entry.notify || isFor(entry, { me, user }))) missed += 1;
  // Older entries stay while somebody reads them; the newest are fetched when the reader scrolls down again.
  if (atEnd && !isFollowing && shown.size >= MAX_ENTRIES) atEnd = false;
  if (!isFollowing && entry.sender.id !== user) unread += 1;
  note.hidden = true;
  update(() => {
    if (!atEnd) return;
    insert(entry);
    trim();
  });
}

function insert(entry, place = null) {
  if (shown.has(entry.id)) return;
  const element = createEntry(entry, { me, user, jump });
  shown.set(entry.id, { entry, element });
  list.insertBefore(element, place);
  for (const decorate of decorators) decorate(entry, element.querySelector(".actions"));
}

function remove(id) {
  shown.get(id)?.element.remove();
  shown.delete(id);
}

/** Removes the oldest entries beyond the limit. */
function trim() {
  while (shown.size > MAX_ENTRIES) {
    remove(list.firstElementChild.dataset.id);
    hasOlder = true;
  }
}

/** Changes the entries, and keeps the reader's scroll position. */
function update(mutate) {
  mutate();
  group();
  older.hidden = !hasOlder;
  restoreScroll();
  updateCounts();
}

/** Shows the days, and one header for consecutive messages of one sender. */
function group() {
  let before = null;
  for (const element of list.children) {
    const { entry } = shown.get(element.dataset.id);
    const at = new Date(entry.at);
    const isSameDay = before?.at.toDateString() === at.toDateString();
    setDay(element, isSameDay ? null : entry.at);
    const isSame = isSameDay && at - before.at < GROUP_WITHIN && before.entry.sender.id === entry.sender.id;
    element.classList.toggle("follows", isSame && before.entry.kind === entry.kind
      && !entry.parent && !entry.from && !entry.notify);
    before = { entry, at };
  }
}

/** Scrolls back to where the reader was, after entries above changed their height. */
function restoreScroll() {
  fold();
  if (isFollowing) {
    scroller.scrollTop = scroller.scrollHeight;
  } else if (anchor?.element.isConnected) {
    scroller.scrollTop += offset(anchor.element) - anchor.offset;
  }
}

/** Folds high bodies behind a button. */
function fold() {
  const high = [...list.querySelectorAll(".body:not(.whole, .folded)")].filter(({ scrollHeight }) => scrollHeight > MAX_BODY_HEIGHT);
  for (const body of high) {
    body.classList.add("folded");
    const button = Object.assign(document.createElement("button"), {
      type: "button", className: "unfold", textContent: "Show all",
    });
    const unfold = () => {
      body.classList.replace("folded", "whole");
      button.remove();
    };
    button.addEventListener("click", unfold);
    // Keyboard focus must be visible.
    body.addEventListener("focusin", unfold, { once: true });
    body.after(button);
  }
}

/** Shows the number of new entries on the button and in the title. */
function updateCounts() {
  if (isFollowing) unread = 0;
  newest.hidden = isFollowing && atEnd;
  newest.textContent = unread ? `${unread} new message${unread > 1 ? "s" : ""} ↓` : "Newest messages ↓";
  document.title = missed ? `(${missed}) ${title}` : title;
}

/** Records where the reader is. */
function recordPosition() {
  const bottom = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
  if (scroller.clientHeight === 0) return;
  // A loading image moves the end away without scrolling up; only a reader scrolls up.
  isFollowing = atEnd && (bottom < EDGE || (isFollowing && scroller.scrollTop >= lastScrollTop));
  lastScrollTop = scroller.scrollTop;
  const element = [...list.children].find((child) => offset(child) + child.offsetHeight > 0);
  anchor = element && { element, offset: offset(element) };
  updateCounts();
}

/** Returns the distance of an entry from the upper edge. */
function offset(element) {
  return element.getBoundingClientRect().top - scroller.getBoundingClientRect().top;
}

let isLoading = false;

async function onScroll() {
  recordPosition();
  if (isLoading) return;
  const isAtTop = scroller.scrollTop < EDGE && hasOlder;
  const isAtBottom = !atEnd && scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < EDGE;
  if (!isAtTop && !isAtBottom) return;
  isLoading = true;
  await (isAtTop ? loadOlder() : loadNewer());
  isLoading = false;
}

/** Scrolls to an entry, and loads older ones until it is found. */
async function jump(id) {
  while (!shown.has(id) && hasOlder) {
    const before = list.firstElementChild;
    await loadOlder();
    if (list.firstElementChild === before) break;
  }
  const element = shown.get(id)?.element;
  if (!element) return;
  isFollowing = false;
  element.scrollIntoView({ block: "center" });
  element.tabIndex = -1;
  element.focus();
}

older.addEventListener("click", async () => {
  await loadOlder();
  if (older.hidden) scroller.focus();
});
newest.addEventListener("click", () => {
  isFollowing = true;
  if (atEnd) update(() => {});
  else start();
  scroller.focus();
});
scroller.addEventListener("scroll", onScroll, { passive: true });
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) missed = 0;
  updateCounts();
});
const observer = new ResizeObserver(restoreScroll);
observer.observe(list);
observer.observe(scroller);

on("sidebar", () => {
  if (hasFailed) start();
});
on("missed", start);
on("entry", receive);
