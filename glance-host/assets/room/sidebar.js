// The list of glances, as the room's viewer on the host says.

import { glance } from "./glance.js";
import { on, page } from "./stream.js";

const list = document.getElementById("glances");
const empty = document.getElementById("empty");
/** Leads to more glances; who may not add them has none. */
const add = document.getElementById("add");
const heading = document.getElementById("heading");
/** With fewer glances than these there is room for more. */
const FEW = 3;

/** Lines by id, as the host sent them. */
export const lines = new Map();
/** The line that had the focus before it lost its button, while its data is asked for again. */
let unfocused = null;
/** What a click on a line calls, and what is called after each change. */
let open = null;
let drawn = null;

export function start(actions) {
  ({ open, drawn } = actions);
}

/** Hides the list behind a panel, or shows it again. */
export function cover(covered) {
  list.hidden = covered;
  render();
}

/** Moves the focus to a glance, or to what stands first. */
export function focus(id) {
  if (!focusGlance(id)) (list.querySelector("button") ?? heading).focus();
}

function compare(a, b) {
  const [weight, addOn, key] = a.order;
  const [otherWeight, otherAddOn, otherKey] = b.order;
  return weight - otherWeight || (addOn < otherAddOn ? -1 : addOn > otherAddOn ? 1 : key < otherKey ? -1 : 1);
}

function render() {
  const shown = [...lines.values()].sort(compare);
  const kept = new Map([...list.children].map((item) => [item.dataset.id, item]));
  const focused = document.activeElement?.closest("#glances > li")?.dataset.id ?? unfocused;
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
  unfocused = null;
  if (focused && document.activeElement === document.body && !focusGlance(focused)) unfocused = focused;
  const covered = list.hidden || page === null;
  empty.hidden = covered || shown.length > 0;
  if (add) add.hidden = covered || shown.length >= FEW;
  drawn?.();
}

/** Says whether the glance can have the focus. */
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
