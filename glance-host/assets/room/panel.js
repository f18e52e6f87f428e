// The open panel: it takes the place of the list, and its glance stays on top.

import { note } from "./draw.js";
import { glance } from "./glance.js";
import { cover, focus, lines } from "./sidebar.js";
import { post, room } from "./stream.js";

const panel = document.getElementById("panel");
const panelGlance = document.getElementById("panel-glance");
const panelPage = document.getElementById("panel-page");
const closeButton = document.getElementById("close");

/** The open panel: which, and of which glance if it was opened from one. */
let opened = null;

/** Opens a panel, named by its add-on's key and its own; `id` is the glance it belongs to. */
export async function open(target, id = null) {
  opened = { target, id, name: target.panel };
  panelPage.replaceChildren(note("Loading…"));
  show(true);
  closeButton.focus();
  const asked = opened;
  const answer = await post(`/rooms/${room}/panel`, target);
  if (opened !== asked) return;
  if (!answer?.ok) {
    const text = document.createElement("p");
    text.textContent = answer?.status === 404
      ? "This panel is gone: its add-on was removed or changed."
      : "This panel cannot be opened. Close it and try again.";
    panelPage.replaceChildren(text);
    return;
  }
  const { name, url } = await answer.json();
  opened.name = name;
  const frame = document.createElement("iframe");
  frame.title = name;
  frame.referrerPolicy = "no-referrer";
  frame.setAttribute("sandbox", "allow-forms allow-popups allow-popups-to-escape-sandbox allow-scripts");
  frame.src = url;
  panelPage.replaceChildren(frame);
  header();
}

function close() {
  const id = opened?.id;
  opened = null;
  panelPage.replaceChildren();
  show(false);
  focus(id);
}

function show(shown) {
  panel.hidden = !shown;
  cover(shown);
}

/** Draws the glance on top, live; a panel that was opened without one has its name there. */
export function header() {
  if (!opened) return;
  const line = lines.get(opened.id);
  if (line) {
    panelGlance.replaceChildren(glance(line));
  } else {
    const name = document.createElement("div");
    name.className = "glance";
    name.textContent = opened.name;
    panelGlance.replaceChildren(name);
  }
}

closeButton.addEventListener("click", close);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && opened) close();
});

/** The integrations page links to a panel as #add-on/panel; says whether it did. */
export function openLinked() {
  const target = linked();
  if (!target) return false;
  history.replaceState(null, "", location.pathname);
  open(target);
  return true;
}

function linked() {
  try {
    const [addOn, panel] = location.hash.slice(1).split("/").map(decodeURIComponent);
    return addOn && panel ? { addOn, panel } : null;
  } catch {
    return null;
  }
}
