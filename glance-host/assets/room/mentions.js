// The list of people that opens when a person types `@` and letters into the message field.

import { roomUrl } from "./stream.js";

/** The `@` and the letters before the cursor. */
const STARTED = /(?<![\p{Alphabetic}\p{N}_])@([\p{Alphabetic}\p{N}_]{1,50})$/u;
/** Longer words before the cursor are no names. */
const MAX_BEFORE = 60;

const form = document.getElementById("composer");
const area = document.getElementById("message");
const list = Object.assign(document.createElement("ul"), { id: "mentions", hidden: true });
list.setAttribute("role", "listbox");
list.setAttribute("aria-label", "People");
form.append(list);

/** The letters for which the list is open or requested; null while there are none, or after Escape. */
let typed = null;

/** Returns the letters of the name that the person is typing, or null. */
function lettersBeforeCursor() {
  const { selectionStart, selectionEnd, value } = area;
  if (selectionStart !== selectionEnd) return null;
  return STARTED.exec(value.slice(Math.max(0, selectionStart - MAX_BEFORE), selectionStart))?.[1] ?? null;
}

async function suggest() {
  const letters = lettersBeforeCursor();
  if (letters === null) return close();
  typed = letters;
  removeOthers(letters.toLowerCase());
  const answer = await fetch(roomUrl(`people?starts=${encodeURIComponent(letters)}`)).catch(() => null);
  const people = answer?.ok ? await answer.json().catch(() => []) : [];
  // The person has typed on, sent the message, chosen somebody or closed the list meanwhile.
  if (area.readOnly || typed !== letters || lettersBeforeCursor() !== letters) return;
  if (people.length === 0) return close();
  list.replaceChildren(...people.map(option));
  list.hidden = false;
  // A text field is no combobox while it has no list.
  area.setAttribute("role", "combobox");
  area.setAttribute("aria-expanded", "true");
  area.setAttribute("aria-autocomplete", "list");
  area.setAttribute("aria-controls", list.id);
  select(list.firstElementChild);
}

/** Removes people without these letters, so that Enter chooses none of them before the host has answered. */
function removeOthers(letters) {
  if (list.hidden) return;
  for (const element of [...list.children]) {
    const words = element.textContent.toLowerCase().split(/[\s@]+/);
    if (!words.some((word) => word.startsWith(letters))) element.remove();
  }
  if (list.children.length === 0) hide();
  else select(list.querySelector("[aria-selected=true]") ?? list.firstElementChild);
}

function option({ name, mention }, index) {
  const element = Object.assign(document.createElement("li"), { id: `mention-${index}` });
  element.setAttribute("role", "option");
  element.dataset.mention = mention;
  element.append(
    Object.assign(document.createElement("bdi"), { className: "sender", textContent: name }), " ",
    Object.assign(document.createElement("bdi"), { textContent: `@${mention}` }),
  );
  return element;
}

function select(element) {
  for (const one of list.children) one.setAttribute("aria-selected", String(one === element));
  area.setAttribute("aria-activedescendant", element.id);
  element.scrollIntoView({ block: "nearest" });
}

function close() {
  typed = null;
  hide();
}

function hide() {
  if (list.hidden) return;
  list.hidden = true;
  list.replaceChildren();
  for (const name of ["role", "aria-expanded", "aria-autocomplete", "aria-controls", "aria-activedescendant"]) {
    area.removeAttribute(name);
  }
}

/** Replaces the typed letters by the mention name of the person. */
function choose({ dataset: { mention } }) {
  const letters = lettersBeforeCursor();
  close();
  if (letters === null || area.readOnly) return;
  const end = area.selectionStart;
  const gap = /^\s/.test(area.value.slice(end)) ? "" : " ";
  area.setRangeText(`@${mention}${gap}`, end - letters.length - 1, end, "end");
  area.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Handles the keys of the open list before the form does: Enter would send, Escape would cancel a reply. */
function onKey(event) {
  if (list.hidden || event.isComposing || event.target !== area) return;
  const options = [...list.children];
  const at = options.findIndex((one) => one.getAttribute("aria-selected") === "true");
  const hasModifier = event.shiftKey || event.ctrlKey || event.altKey || event.metaKey;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (hasModifier) return;
  if (step) select(options.at((at + step) % options.length));
  else if (event.key === "Enter" || event.key === "Tab") choose(options[at]);
  else if (event.key === "Escape") close();
  else return;
  event.preventDefault();
  event.stopPropagation();
}

form.addEventListener("keydown", onKey, true);
area.addEventListener("input", (event) => {
  if (!event.isComposing) suggest();
});
area.addEventListener("compositionend", suggest);
area.addEventListener("blur", close);
// The cursor may leave the name without a change of the text.
document.addEventListener("selectionchange", () => {
  if (typed !== null && lettersBeforeCursor() !== typed) close();
});
// The field keeps the focus.
list.addEventListener("pointerdown", (event) => event.preventDefault());
list.addEventListener("mousedown", (event) => event.preventDefault());
list.addEventListener("click", ({ target }) => {
  const chosen = target.closest("[role=option]");
  if (chosen) choose(chosen);
});
