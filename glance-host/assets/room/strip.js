// The glances on a narrow page: a strip of pills below the room's name. A tap opens the sidebar as a sheet.

import { icon } from "./dom.js";
import { count } from "./glance.js";
import { emptyTitle, focus, onRender } from "./sidebar.js";

const page = document.querySelector(".room");
const strip = document.getElementById("strip");
const heading = document.getElementById("heading");
const sheet = document.querySelector("aside");
const panel = document.getElementById("panel");
const narrow = matchMedia("(max-width: 45rem)");
/** The id of the glance whose pill opened the sheet. */
let opener;

export const isSheetOpen = () => page.hasAttribute("data-sheet");

/** Opens the sheet. It is an entry of the history, so the browser's Back closes it. */
export function openSheet() {
  if (isSheetOpen() || !narrow.matches) return;
  history.pushState({ ...history.state, isSheet: true }, "");
  showSheet(true);
}

/** Closes the sheet, and with it its entry of the history. */
export function closeSheet() {
  if (!isSheetOpen()) return;
  if (history.state?.isSheet) history.back();
  else showSheet(false);
}

function showSheet(isOpen) {
  const hadFocus = sheet.contains(document.activeElement);
  page.toggleAttribute("data-sheet", isOpen);
  if (isOpen) heading.focus();
  else if (hadFocus) focusPill(opener);
}

/** Focuses the pill of a glance, or the first one. */
function focusPill(id) {
  ([...strip.children].find(({ dataset }) => dataset.id === id) ?? strip.firstElementChild).focus();
}

function pill(line) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "pill";
  button.dataset.tone = line.status?.lozenge?.kind ?? "";
  button.dataset.id = line.id;
  const number = count(line);
  const text = Object.assign(document.createElement("span"), { className: "pill-name", textContent: line.name });
  button.append(icon(line.icon, "icon"));
  if (number !== null) button.append(Object.assign(document.createElement("b"), { textContent: number }), " ");
  button.append(text);
  return button;
}

/** Stands for the glances while none shows. */
function emptyPill() {
  return Object.assign(document.createElement("button"), { type: "button", className: "pill", textContent: emptyTitle() });
}

onRender((shown) => {
  const fresh = shown.length > 0 ? shown.map(pill) : [emptyPill()];
  const isSame = fresh.length === strip.children.length && fresh.every((button, index) => button.isEqualNode(strip.children[index]));
  if (!isSame) {
    const focused = document.activeElement?.closest("#strip > button")?.dataset.id;
    strip.replaceChildren(...fresh);
    if (focused !== undefined) focusPill(focused);
  }
});

// The host wrote the first pills into the page.
strip.addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (!button) return;
  opener = button.dataset.id;
  openSheet();
  if (opener) focus(opener);
});
addEventListener("popstate", () => showSheet(Boolean(history.state?.isSheet)));
document.getElementById("sheet-close").addEventListener("click", closeSheet);
narrow.addEventListener("change", () => { if (!narrow.matches) closeSheet(); });
document.addEventListener("keydown", (event) => {
  // An open panel or dialog closes first.
  const isCovered = !panel.hidden || document.querySelector("dialog[open]");
  if (event.key === "Escape" && isSheetOpen() && !event.defaultPrevented && !isCovered) closeSheet();
});
// A reload keeps the history's entry.
if (history.state?.isSheet && narrow.matches) showSheet(true);
