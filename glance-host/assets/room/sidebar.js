// The list of glances in the sidebar.

import { glance } from "./glance.js";
import { on, page } from "./stream.js";

const list = document.getElementById("glances");
const empty = document.getElementById("empty");
/** The link to add integrations; it exists only for people who may. */
const add = document.getElementById("add");
const heading = document.getElementById("heading");
/** The link to add integrations shows below this number of glances. */
const FEW = 3;

/** Lines by id, as the host sent them. */
export const lines = new Map();
/** The id of the line that had the focus before its button was removed while its data reloads. */
let lostFocus = null;
/** Called after a click on a line, and after each change. */
let open = null;
let onRender = null;

export function start(listeners) {
  ({ open, onRender } = listeners);
}

/** Hides the list while a panel is open. */
export function setHidden(isHidden) {
  list.hidden = isHidden;
  render();
}

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
  if (page === null) {
    empty.hidden = true;
    if (add) add.hidden = true;
    return;
  }
  const shown = [...lines.values()].sort(compare);
  const kept = new Map([...list.children].map((item) => [item.dataset.id, item]));
  const focused = document.activeElement?.closest("#glances > li")?.dataset.id ?? lostFocus;
  const items = shown.map((line) => {
    const text = JSON.stringify(line);
    const old = kept.get(line.id);
    if (old?.line === text) return old;
    const item = document.createElement("li");
    item.dataset.id = line.id;
    item.line = text;
    item.append(glance(line, open));
    return item;
  });
  list.replaceChildren(...items);
  lostFocus = null;
  if (focused && document.activeElement === document.body && !focusGlance(focused)) lostFocus = focused;
  const isHidden = list.hidden;
  empty.hidden = isHidden || shown.length > 0;
  if (add) add.hidden = isHidden || shown.length >= FEW;
  onRender?.();
}

/** Focuses a glance. Returns false if it has no button. */
function focusGlance(id) {
  const item = [...list.children].find((candidate) => candidate.dataset.id === id);
  const button = item?.querySelector("button");
  button?.focus();
  return Boolean(button);
}

on("sidebar", (sidebar) => {
  lines.clear();
  for (const line of sidebar.lines) lines.set(line.id, line);
  render();
});
on("line", (line) => {
  lines.set(line.id, line);
  render();
});
on("gone", (id) => {
  lines.delete(id);
  render();
});
