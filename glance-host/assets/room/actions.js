// The actions of add-ons: a menu at each message, and one beside the message field.

import { on, post } from "./stream.js";
import { requestTarget, show } from "./target.js";

const inputMenus = new Set();
/** The actions beside the message field. */
let inputActions = [];

/** Creates the menu of a message. It is hidden if no add-on has an action on messages. */
export function messageMenu(id) {
  const element = menu("More actions", "⋯", async () => {
    const answer = await post("actions", { message: id });
    return answer?.ok ? answer.json() : [];
  }, (action) => run(action, { message: id }));
  element.classList.add("message-actions");
  return element;
}

/** Creates the menu beside the message field. It is hidden if there are no such actions. */
export function inputMenu() {
  const element = menu("Actions", "+", () => inputActions, (action) => run(action, {}));
  element.hidden = inputActions.length === 0;
  inputMenus.add(element);
  return element;
}

on("here", ({ input, message }) => {
  inputActions = input;
  for (const element of inputMenus) element.hidden = input.length === 0;
  document.querySelector(".room").toggleAttribute("data-message-actions", message);
});

/** Opens the target of an action. Its page receives the message, as an event named after the action. */
async function run({ addOn, key }, context) {
  const answer = await requestTarget({ addOn, action: key, ...context });
  if (answer.error) return answer.error;
  show(answer, [[key, answer.message ?? {}]]);
  return null;
}

/** Creates a button with a menu that supports the usual keys. */
function menu(label, sign, loadEntries, onChoose) {
  const element = Object.assign(document.createElement("div"), { className: "menu" });
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: sign, title: label });
  button.setAttribute("aria-label", label);
  button.setAttribute("aria-haspopup", "menu");
  button.setAttribute("aria-expanded", "false");
  // A popover, so that scrolling elements around the button do not clip it.
  const list = Object.assign(document.createElement("div"), { popover: "manual" });
  list.setAttribute("role", "menu");
  list.setAttribute("aria-label", label);
  element.append(button, list);

  const items = () => [...list.querySelectorAll('[role="menuitem"]')];
  const isOpen = () => list.matches(":popover-open");
  const toggle = (shown) => {
    if (shown !== isOpen()) list.togglePopover(shown);
    button.setAttribute("aria-expanded", String(shown));
    if (shown) position(list, button);
  };
  const close = () => toggle(false);
  const showMessage = (text) => {
    list.replaceChildren(Object.assign(document.createElement("p"), { textContent: text }));
    list.firstChild.setAttribute("role", "status");
    toggle(true);
  };
  const open = async (last) => {
    showMessage("Loading…");
    const offered = await loadEntries();
    if (!isOpen()) return;
    if (offered.length === 0) return showMessage("No actions.");
    list.replaceChildren(...offered.map((action) => {
      const item = Object.assign(document.createElement("button"), {
        type: "button", tabIndex: -1, textContent: action.name, title: action.addOnName,
      });
      item.setAttribute("role", "menuitem");
      item.addEventListener("click", async () => {
        close();
        button.focus();
        const problem = await onChoose(action);
        if (problem) showMessage(problem);
      });
      return item;
    }));
    position(list, button);
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

/** Positions a menu below its button, or above it if there is not enough space, within the window. */
function position(list, button) {
  const { left, right, top, bottom } = button.getBoundingClientRect();
  const { offsetWidth, offsetHeight } = list;
  const wanted = left > innerWidth / 2 ? right - offsetWidth : left;
  const x = Math.max(0, Math.min(wanted, innerWidth - offsetWidth));
  const y = bottom + offsetHeight <= innerHeight ? bottom : Math.max(0, top - offsetHeight);
  list.style.left = `${x}px`;
  list.style.top = `${y}px`;
}

/** Closes a menu after any click, scrolling or resizing elsewhere. */
for (const event of ["click", "scroll", "resize"]) {
  addEventListener(event, ({ target }) => {
    for (const list of document.querySelectorAll(".menu > :popover-open")) {
      if (target instanceof Node && list.parentElement.contains(target)) continue;
      list.hidePopover();
      list.previousElementSibling.setAttribute("aria-expanded", "false");
    }
  }, { capture: true, passive: true });
}
