// The list of glances in the sidebar.

import { announce } from "./announcements.js";
import { hostTime, setHostTime } from "./age.js";
import { glance, isNew, refreshAge, update } from "./glance.js";
import { on, page } from "./stream.js";

const list = document.getElementById("glances");
const empty = document.getElementById("empty");
const emptyHeading = document.getElementById("empty-title");
const emptyText = document.getElementById("empty-text");
const emptyAddOns = document.getElementById("empty-add-ons");
const examples = document.getElementById("examples");
/** The link to add integrations; it exists only for people who may. */
const add = document.getElementById("add");
const heading = document.getElementById("heading");
/** The link to add integrations shows below this number of glances. */
const FEW = 3;
/** The interval at which ages are written again, in milliseconds. */
const AGE_INTERVAL = 15_000;

/** Lines by id, as the host sent them, each with the time when it changed. */
export const lines = new Map();
/** What the page says without a line, once the host said it. */
let quiet = null;
/** The id of the line that had the focus before its button was removed while its data reloads. */
let lostFocus = null;
/** Called after a click on a line. */
let open = null;
const renderListeners = [];

export function start(listener) {
  open = listener;
}

/** Calls `listener` after each change of the lines, with all of them in their order. */
export function onRender(listener) {
  renderListeners.push(listener);
}

/** Hides the list while a panel is open. */
export function setHidden(isHidden) {
  list.hidden = isHidden;
  render();
}

/** Returns the title of the empty list. */
export const emptyTitle = () => empty.hidden ? "Glances" : emptyHeading.textContent;

/** Moves the focus to a glance, or to the first one. */
export function focus(id) {
  if (!focusGlance(id)) (list.querySelector("button") ?? heading).focus();
}

function compare(a, b) {
  const [weight, addOn, key] = a.order;
  const [otherWeight, otherAddOn, otherKey] = b.order;
  return weight - otherWeight || (addOn < otherAddOn ? -1 : addOn > otherAddOn ? 1 : key < otherKey ? -1 : 1);
}

function render() {
  // Until the page is connected, it shows the lines that the host wrote into it.
  if (page === null) return;
  const shown = [...lines.values()].sort(compare);
  const kept = new Map([...list.children].map((item) => [item.dataset.id, item]));
  const focused = document.activeElement?.closest("#glances > li")?.dataset.id ?? lostFocus;
  place(shown.map((line) => item(line, kept.get(line.id))));
  lostFocus = null;
  if (focused && document.activeElement === document.body && !focusGlance(focused)) lostFocus = focused;
  renderEmpty(shown.length);
  for (const listener of renderListeners) listener(shown);
}

/** Returns the item of a line: the old one with its new state, if possible. */
function item(line, old) {
  const element = old?.firstElementChild;
  if (element?.line === line) return old;
  if (element?.line && update(element, line)) return old;
  const fresh = document.createElement("li");
  fresh.dataset.id = line.id;
  fresh.append(glance(line, open));
  return fresh;
}

/** Puts the items in their order; one that stays in its place is not moved, so it keeps focus and animations. */
function place(items) {
  const wanted = new Set(items);
  for (const child of [...list.children]) if (!wanted.has(child)) child.remove();
  items.forEach((item, index) => {
    if (list.children[index] !== item) list.insertBefore(item, list.children[index] ?? null);
  });
}

/** Explains an empty list: no glance in the room, one that needs settings, or nothing to report. */
function renderEmpty(count) {
  const isEmpty = count === 0 && quiet !== null && !list.hidden;
  empty.hidden = !isEmpty;
  if (add) add.hidden = list.hidden || (count === 0 ? !isEmpty : count >= FEW);
  if (!isEmpty) return;
  const { watched, notSetUp } = quiet;
  empty.dataset.kind = watched === 0 ? "none" : notSetUp.length > 0 ? "settings" : "quiet";
  examples.hidden = watched > 0;
  emptyAddOns.replaceChildren();
  if (watched === 0) {
    emptyHeading.textContent = "No glances yet";
    emptyText.textContent = "A glance is one live line beside the chat that tells how things stand, such as:";
  } else if (notSetUp.length > 0) {
    emptyHeading.textContent = "Installed, not set up yet";
    emptyText.textContent = add ? "Choose what these integrations watch:" : "Somebody who manages the room must set up:";
    emptyAddOns.replaceChildren(...notSetUp.map(settings));
  } else {
    emptyHeading.textContent = "All quiet";
    emptyText.textContent = `${watched} watched. A line appears when there is something to report.`;
  }
}

/** Names an add-on that needs settings, with a link for people who may change them. */
function settings(name) {
  const element = document.createElement("li");
  if (!add) {
    element.textContent = name;
    return element;
  }
  const link = document.createElement("a");
  link.href = add.querySelector("a").href;
  link.textContent = name;
  element.append(link);
  return element;
}

/** Focuses a glance. Returns false if it has no button. */
function focusGlance(id) {
  const found = [...list.children].find((candidate) => candidate.dataset.id === id);
  const button = found?.querySelector("button");
  button?.focus();
  return Boolean(button);
}

function refreshAges() {
  for (const element of list.querySelectorAll(".glance")) if (element.line) refreshAge(element);
}

on("sidebar", (sidebar) => {
  setHostTime(sidebar.now);
  const before = new Map(lines);
  lines.clear();
  for (const line of sidebar.lines) {
    lines.set(line.id, line);
    if (before.has(line.id)) announce(before.get(line.id), line);
  }
  if (lines.size > 0) quiet = null;
  render();
  refreshAges();
});
on("line", (line) => {
  const before = lines.get(line.id);
  const isSame = before?.changedAt && !isNew(before, line);
  lines.set(line.id, { ...line, changedAt: isSame ? before.changedAt : line.state === "ready" ? hostTime() : null });
  announce(before, line);
  render();
});
on("gone", (id) => {
  announce(lines.get(id), null);
  lines.delete(id);
  render();
});
on("quiet", (news) => {
  quiet = news;
  render();
});
on("lost", refreshAges);
setInterval(refreshAges, AGE_INTERVAL);
