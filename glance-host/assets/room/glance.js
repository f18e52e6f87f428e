// The line of one glance: icon, label and status.

import { icon, lozenge, note, sanitizeLabel } from "./dom.js";
import { page, post } from "./stream.js";

/** Creates the element of a line. With `open`, a line that has a target is a button. */
export function glance(line, open = null) {
  const opens = open && line.target && line.state !== "failed";
  const element = document.createElement(opens ? "button" : "div");
  element.className = "glance";
  const problem = line.problem ?? line.stale?.problem;
  element.title = problem ? `${line.addOn}: ${problem}` : line.addOn;
  element.append(icon(line.icon, "icon"));
  const label = document.createElement("span");
  label.className = "label";
  element.append(label);
  switch (line.state) {
    case "ready":
      label.append(...sanitizeLabel(line.label));
      label.title = label.textContent;
      if (line.stale) element.append(note(age(line.stale.since)));
      if (line.status?.lozenge) element.append(lozenge(line.status.lozenge));
      if (line.status?.icon) element.append(icon(line.status.icon, "status"));
      break;
    case "loading":
      label.textContent = "Loading…";
      element.setAttribute("aria-label", `${line.name}: Loading…`);
      element.append(Object.assign(document.createElement("span"), { className: "spinner" }));
      break;
    case "failed":
      label.textContent = line.name;
      element.append(note("Can't load"), retryButton(line));
      break;
    default:
      label.textContent = line.name;
  }
  if (opens) {
    element.type = "button";
    element.addEventListener("click", () => open(line));
  }
  return element;
}

/** Returns when data arrived that may be out of date: a time of today, or a date. */
function age(since) {
  const at = new Date(since);
  const isToday = at.toDateString() === new Date().toDateString();
  const text = isToday ? at.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" }) : at.toLocaleDateString();
  return `as of ${text}`;
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
