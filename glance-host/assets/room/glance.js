// One glance: icon, label, age or problem, status. `sidebar.html` writes the same elements.

import { asOf, changed } from "./age.js";
import { icon, lozenge, sanitizeLabel } from "./dom.js";
import { connection, page, post } from "./stream.js";

const FLASH = 1200;
const ROLL = 300;
/** How long a difference such as "+1" shows, in milliseconds. */
const DIFFERENCE = 4000;

const stillness = matchMedia("(prefers-reduced-motion: reduce)");

/** Creates the element of a line. With `open`, a line that has a target is a button, and a click calls it. */
export function glance(line, open = null) {
  const element = document.createElement(open && opens(line) ? "button" : "div");
  element.className = "glance";
  if (element.type) {
    element.type = "button";
    element.addEventListener("click", () => open(element.line));
  }
  element.append(...parts(line));
  describe(element, line);
  return element;
}

/**
 * Shows the new state of a line in its element, and what changed. Returns false if the line needs another element: it
 * began or ended to open something.
 */
export function update(element, line) {
  const before = element.line;
  if (opens(line) !== opens(before)) return false;
  parts(line).forEach((part, index) => {
    const old = element.children[index];
    old.querySelector(".difference")?.remove();
    if (!old.isEqualNode(part)) old.replaceWith(part);
  });
  describe(element, line);
  if (isNew(before, line)) showChange(element, before, line);
  return true;
}

function opens(line) {
  return Boolean(line.target) && line.state !== "failed";
}

/** Writes the age or the problem of a line again. */
export function refreshAge(element) {
  const about = element.querySelector(".about");
  const text = aboutText(element.line);
  if (about.textContent !== text) about.textContent = text;
}

/** Returns whether label or status changed. */
export function isNew(before, line) {
  const look = ({ state, label, status }) => JSON.stringify([state, label, status]);
  return before.state === "ready" && line.state === "ready" && look(before) !== look(line);
}

/** Returns the number in bold in the label, or null. The host finds it in the same way. */
export function count(line) {
  const number = line.state === "ready" ? /<(?:b|strong)>(\d{1,9})<\//.exec(line.label) : null;
  return number && Number(number[1]);
}

/** Returns the text of a line for screen readers. */
export function spoken(line) {
  if (line.state !== "ready") return line.name;
  const label = words(line).map(({ textContent }) => textContent).join("").trim();
  return line.status?.lozenge ? `${label}, ${line.status.lozenge.label}` : label;
}

function words(line) {
  return sanitizeLabel(line.label);
}

function describe(element, line) {
  element.line = line;
  const problem = line.problem ?? line.stale?.problem;
  element.title = problem ? `${line.addOn}: ${problem}` : line.addOn;
  element.dataset.state = line.stale ? "stale" : line.state;
  element.dataset.tone = line.status?.lozenge?.kind ?? "";
  if (line.state === "loading") element.setAttribute("aria-label", `${line.name}: Loading…`);
  else element.removeAttribute("aria-label");
}

function parts(line) {
  const tile = span("tile", icon(line.icon, "icon"));
  const label = span("label");
  const end = span("end");
  switch (line.state) {
    case "ready":
      label.append(...words(line));
      label.title = label.textContent;
      if (line.status?.lozenge) end.append(lozenge(line.status.lozenge));
      if (line.status?.icon) end.append(icon(line.status.icon, "status"));
      break;
    case "loading":
      label.textContent = "Loading…";
      end.append(span("spinner"));
      break;
    default:
      label.textContent = line.name;
      if (line.state === "failed") end.append(retryButton(line));
  }
  const chevron = span("chevron", opens(line) ? "›" : "");
  chevron.ariaHidden = "true";
  return [tile, label, span("about", aboutText(line)), end, chevron];
}

function span(className, ...content) {
  const element = document.createElement("span");
  element.className = className;
  element.append(...content);
  return element;
}

function aboutText(line) {
  if (line.state === "failed") return "Can't load, trying again";
  const received = line.stale?.since ?? (connection.isLost ? connection.lostAt : null);
  if (line.state === "ready" && received !== null) {
    return `${asOf(received)}, ${line.stale ? "not reachable, trying again" : "connection lost"}`;
  }
  return line.state === "ready" && line.changedAt ? changed(line.changedAt) : line.addOn;
}

/** Shows that a line changed: a flash, a rolling number and the difference; without motion only the difference. */
function showChange(element, before, line) {
  const label = element.querySelector(".label");
  const [was, is] = [count(before), count(line)];
  if (was !== null && is !== null && was !== is) {
    const difference = span("difference", is > was ? `+${is - was}` : `−${was - is}`);
    difference.ariaHidden = "true";
    label.append(difference);
    setTimeout(() => difference.remove(), DIFFERENCE);
    if (!stillness.matches) {
      const from = is > was ? "60%" : "-60%";
      label.querySelector("b, strong")?.animate([{ transform: `translateY(${from})`, opacity: 0 }, {}], { duration: ROLL, easing: "ease-out" });
    }
  }
  if (!stillness.matches) {
    const flash = getComputedStyle(element).getPropertyValue("--flash");
    element.animate([{ backgroundColor: flash }, {}], { duration: FLASH, easing: "ease-out" });
  }
}

function retryButton(line) {
  const button = Object.assign(document.createElement("button"), {
    type: "button", className: "again", textContent: "Try again",
  });
  button.setAttribute("aria-label", `Try again to load ${line.name}`);
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-disabled")) return;
    button.setAttribute("aria-disabled", "true");
    const answer = await post(`pages/${page}/retry`, { id: line.id });
    if (!answer?.ok) button.removeAttribute("aria-disabled");
  });
  return button;
}
