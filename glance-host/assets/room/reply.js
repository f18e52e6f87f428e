// The button on each entry that answers it.

import { reply } from "./composer.js";
import { view } from "./views.js";

/** How much of an entry is shown where it is answered, in characters. */
const EXCERPT = 140;

const list = document.getElementById("entries");
const buttons = () => [...list.querySelectorAll(".reply")];

/** Puts the button of an entry in its place. */
export function offer(entry, place) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "reply", textContent: "Reply" });
  button.setAttribute("aria-label", `Reply to ${entry.sender.name}`);
  button.addEventListener("click", () => {
    view("chat");
    reply(entry, excerpt(place.closest(".entry")));
  });
  place.prepend(button);
  queueMicrotask(arrange);
}

/** One of them is on the way of the Tab key, that of the newest: arrows go to the others. */
function arrange() {
  const all = buttons();
  for (const button of all) button.tabIndex = button === all.at(-1) ? 0 : -1;
}

function excerpt(element) {
  const said = element.querySelector(".card-title > :not(img)") ?? element.querySelector(".body");
  const text = said.textContent.replace(/\s+/g, " ").trim();
  return text.length > EXCERPT ? `${text.slice(0, EXCERPT)}…` : text;
}

list.addEventListener("keydown", (event) => {
  const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!by || !event.target.matches(".reply")) return;
  event.preventDefault();
  const all = buttons();
  all[all.indexOf(event.target) + by]?.focus();
});
