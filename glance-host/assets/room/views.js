// The chat or the glances, on pages too narrow for both.

import { on } from "./stream.js";

const page = document.querySelector(".room");
const buttons = [...document.querySelectorAll(".views button")];
const count = document.querySelector(".views .count");
let unread = 0;

/** Shows `chat` or `glances`; a wide page shows both. */
export function showView(name) {
  page.dataset.view = name;
  for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.view === name));
  if (name === "chat") unread = 0;
  count.hidden = unread === 0;
  count.textContent = ` ${unread} new`;
}

for (const button of buttons) button.addEventListener("click", () => showView(button.dataset.view));
on("entry", () => {
  if (page.dataset.view === "chat") return;
  unread += 1;
  showView(page.dataset.view);
});
