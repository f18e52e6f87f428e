// The reply button of each entry.

import { reply } from "./composer.js";
import { closeSheet } from "./strip.js";

/** The length of a quoted entry, in characters. */
const MAX_EXCERPT = 140;

const list = document.getElementById("entries");
const buttons = () => [...list.querySelectorAll(".reply")];

/** Adds the reply button to an entry; `place` is the entry's element for buttons. */
export function addReplyButton(entry, place) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "reply", textContent: "Reply" });
  button.setAttribute("aria-label", `Reply to ${entry.sender.name}`);
  button.addEventListener("click", () => {
    closeSheet();
    reply(entry, excerpt(place.closest(".entry")));
  });
  place.prepend(button);
  queueMicrotask(updateTabOrder);
}

/** The Tab key reaches only the button of the newest entry; arrow keys reach the others. */
function updateTabOrder() {
  const all = buttons();
  for (const button of all) button.tabIndex = button === all.at(-1) ? 0 : -1;
}

function excerpt(element) {
  const content = element.querySelector(".card-title > :not(img)") ?? element.querySelector(".body");
  const text = content.textContent.replace(/\s+/g, " ").trim();
  return text.length > MAX_EXCERPT ? `${text.slice(0, MAX_EXCERPT)}…` : text;
}

list.addEventListener("keydown", (event) => {
  const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!by || !event.target.matches(".reply")) return;
  event.preventDefault();
  const all = buttons();
  all[all.indexOf(event.target) + by]?.focus();
});
