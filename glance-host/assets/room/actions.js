// The actions of add-ons: a menu at each message, and one beside the field for messages.

import { on, post } from "./stream.js";
import { ask, show } from "./target.js";

const inputMenus = new Set();
let input = [];

/** The menu of a message; it is hidden where no add-on has an action on messages. */
export function messageMenu(id) {
  const element = menu("More actions", "⋯", async () => {
    const answer = await post("actions", { message: id });
    return answer?.ok ? answer.json() : [];
  }, (action) => run(action, { message: id }));
  element.classList.add("message-actions");
  return element;
}

/** The menu beside the field for messages; it is hidden where there are no such actions. */
export function inputMenu() {
  const element = menu("Actions", "+", () => input, (action) => run(action, {}));
  element.hidden = input.length === 0;
  inputMenus.add(element);
  return element;
}

on("here", (here) => {
  ({ input } = here);
  for (const element of inputMenus) element.hidden = input.length === 0;
  document.querySelector(".room").toggleAttribute("data-message-actions", here.message);
});

/** Opens what an action names; its page is told the message, as an event of the action's name. */
async function run({ addOn, key }, taken) {
  const answer = await ask({ addOn, action: key, ...taken });
  if (answer.error) return answer.error;
  show(answer, [[key, answer.message ?? {}]]);
  return null;
}

/** A button and its menu, with the keys that menus have. */
function menu(label, sign, entries, chosen) {
  const element = Object.assign(document.createElement("div"), { className: "menu" });
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: sign, title: label });
  button.setAttribute("aria-label", label);
  button.setAttribute("aria-haspopup", "menu");
  button.setAttribute("aria-expanded", "false");
  // Over everything: what scrolls around the button does not cut it off.
  const list = Object.assign(document.createElement("div"), { popover: "manual" });
  list.setAttribute("role", "menu");
  list.setAttribute("aria-label", label);
  element.append(button, list);

  const items = () => [...list.querySelectorAll('[role="menuitem"]')];
  const isOpen = () => list.matches(":popover-open");
  const toggle = (shown) => {
    if (shown !== isOpen()) list.togglePopover(shown);
    button.setAttribute("aria-expanded", String(shown));
    if (shown) place(list, button);
  };
  const close = () => toggle(false);
  const say = (text) => {
    list.replaceChildren(Object.assign(document.createElement("p"), { textContent: text }));
    list.firstChild.setAttribute("role", "status");
    toggle(true);
  };
  const open = async (last) => {
    say("Loading…");
    const offered = await entries();
    if (!isOpen()) return;
    if (offered.length === 0) return say("Nothing to do here.");
    list.replaceChildren(...offered.map((action) => {
      const item = Object.assign(document.createElement("button"), {
        type: "button", tabIndex: -1, textContent: action.name, title: action.addOnName,
      });
      item.setAttribute("role", "menuitem");
      item.addEventListener("click", async () => {
        close();
        button.focus();
        const problem = await chosen(action);
        if (problem) say(problem);
      });
      return item;
    }));
    place(list, button);
    items().at(last ? -1 : 0).focus();
  };
  const move = (to) => {
    const all = items();
    all[(to + all.length) % all.length]?.focus();
  };

  button.addEventListener("click", () => { if (isOpen()) close(); else open(false); });
  element.addEventListener("keydown", (event) => {
    const at = items().indexOf(document.activeElement);
    const { key } = event;
    if (key === "Escape" && isOpen()) {
      close();
      button.focus();
    } else if (!isOpen()) {
      if (event.target !== button || !["ArrowDown", "ArrowUp"].includes(key)) return;
      open(key === "ArrowUp");
    } else if (key === "ArrowDown") move(at + 1);
    else if (key === "ArrowUp") move(at < 0 ? -1 : at - 1);
    else if (key === "Home") move(0);
    else if (key === "End") move(-1);
    else return;
    event.preventDefault();
  });
  element.addEventListener("focusout", ({ relatedTarget }) => {
    if (relatedTarget && !element.contains(relatedTarget)) close();
  });
  return element;
}

/** Puts a menu under its button, or over it where there is no room, within the window. */
function place(list, button) {
  const { left, right, top, bottom } = button.getBoundingClientRect();
  const { offsetWidth, offsetHeight } = list;
  const wanted = left > innerWidth / 2 ? right - offsetWidth : left;
  const x = Math.max(0, Math.min(wanted, innerWidth - offsetWidth));
  const y = bottom + offsetHeight <= innerHeight ? bottom : Math.max(0, top - offsetHeight);
  list.style.left = `${x}px`;
  list.style.top = `${y}px`;
}

/** A menu is closed by whatever is done elsewhere. */
for (const event of ["click", "scroll", "resize"]) {
  addEventListener(event, ({ target }) => {
    for (const list of document.querySelectorAll(".menu > :popover-open")) {
      if (target instanceof Node && list.parentElement.contains(target)) continue;
      list.hidePopover();
      list.previousElementSibling.setAttribute("aria-expanded", "false");
    }
  }, { capture: true, passive: true });
}
