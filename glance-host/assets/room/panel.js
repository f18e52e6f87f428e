// The open panel: it takes the place of the list, and its glance stays on top.

import { frame, provide, Refused, remove, tell } from "../frames.js";
import { glance } from "./glance.js";
import { remember, remembered } from "./memory.js";
import { cover, focus, lines } from "./sidebar.js";
import { at, on } from "./stream.js";
import { ask, show, showWith, version } from "./target.js";

const panel = document.getElementById("panel");
const panelGlance = document.getElementById("panel-glance");
const panelPage = document.getElementById("panel-page");
const closeButton = document.getElementById("close");
/** Which panel is open in this room, for a reload. */
const REMEMBERED = `panel:${at("panel")}`;

/** The open panel as the host opened it; `line` is the glance it belongs to. */
let opened = null;
/** Counts what was asked for: an answer to an earlier asking is old. */
let asked = 0;
let shown = () => {};

/** Calls `listener` whenever a panel comes to be seen. */
export function onShown(listener) {
  shown = listener;
}

/** Opens what a glance or a link names; what cannot be opened says so in the panel's place. */
export async function open(wanted, line = null) {
  const asking = asked += 1;
  const answer = await ask(wanted);
  if (asking !== asked) return;
  if (!answer.error) return show(answer);
  place({ addOn: wanted.addOn, name: wanted.key ?? wanted.glance, line });
  const text = document.createElement("p");
  text.textContent = answer.status === 404
    ? "This panel is gone: its add-on was removed or changed."
    : "This panel cannot be opened. Close it and try again.";
  panelPage.append(text);
}

/** Shows a panel, or tells its page the events where it is open already. */
function showPanel(answer, events, { focused = true } = {}) {
  asked += 1;
  if (opened?.frame && opened.addOn === answer.addOn && opened.key === answer.key && address(opened.url) === address(answer.url)) {
    Object.assign(opened, { wanted: answer.wanted, line: answer.line ?? opened.line });
  } else {
    place(answer, focused);
    Object.assign(opened, { frame: frame(answer), version: version(answer) });
    panelPage.append(opened.frame.element);
  }
  for (const [event, value] of events) tell(opened.frame, event, value);
  remember(REMEMBERED, opened.wanted);
  header();
}

/** A page's address without the token, which is another each time. */
function address(url) {
  const bare = new URL(url);
  bare.searchParams.delete("signed_request");
  return bare.href;
}

/** Makes place for a page in the sidebar. */
function place(what, focused = true) {
  empty();
  opened = { ...what, frame: null };
  panel.hidden = false;
  shown();
  cover(true);
  header();
  if (focused) closeButton.focus();
}

function empty() {
  if (opened?.frame) remove(opened.frame);
  if (opened) opened.frame = null;
  panelPage.replaceChildren();
}

export function close() {
  const line = opened?.line;
  const focused = panel.contains(document.activeElement);
  empty();
  opened = null;
  asked += 1;
  remember(REMEMBERED, null);
  panel.hidden = true;
  cover(false);
  if (focused || document.activeElement === document.body) focus(line);
}

/** Whether this is the frame of the open panel. */
export function has(made) {
  return opened?.frame === made;
}

/** Draws the glance on top, live; a panel that was opened without one has its name there. */
export function header() {
  if (!opened) return;
  const line = lines.get(opened.line) ?? (opened.line && anotherLine());
  if (line) {
    panelGlance.replaceChildren(glance(line));
  } else {
    const name = document.createElement("div");
    name.className = "glance";
    name.textContent = opened.name;
    panelGlance.replaceChildren(name);
  }
}

/** Finds a line that opens the same panel: an add-on may show one glance before it is set up and another afterwards. */
function anotherLine() {
  return [...lines.values()].find(({ target }) => target?.addOn === opened.addOn && target.key === opened.key);
}

closeButton.addEventListener("click", close);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && opened && !event.defaultPrevented && !document.querySelector("dialog[open]")) close();
});

/** The integrations page links to a panel as #add-on/panel; without a link the last one opens again. */
export function openLinked() {
  const target = linked();
  if (target) {
    history.replaceState(null, "", location.pathname);
    return open(target);
  }
  const wanted = remembered(REMEMBERED);
  if (wanted) reopen(wanted);
}

/** Nobody asked for it now: it takes no focus, and what is gone is not spoken of. */
async function reopen(wanted) {
  const asking = asked += 1;
  const answer = await ask(wanted);
  if (asking !== asked) return;
  if (answer.kind === "panel") showPanel(answer, [], { focused: false });
  else remember(REMEMBERED, null);
}

function linked() {
  try {
    const [addOn, key] = location.hash.slice(1).split("/").map(decodeURIComponent);
    return addOn && key ? { addOn, key } : null;
  } catch {
    return null;
  }
}

/** The open panel follows its add-on: it closes when it is gone, and is loaded anew when it changed. */
on("here", () => {
  if (!opened?.frame) return;
  const now = version(opened);
  opened.version ??= now;
  if (now === undefined) {
    close();
  } else if (opened.version !== now) {
    const { wanted, line } = opened;
    empty();
    open(wanted, line);
  }
});

showWith("panel", showPanel);

provide("sidebar", {
  async openView(made, options) {
    const { key, parameters, urlTemplateValues: values } = options ?? {};
    if (typeof key !== "string") throw new Refused("openView needs the key of a panel or a glance");
    const answer = await ask({ addOn: made.addOn, key, values: values ?? {} });
    if (answer.error) throw new Refused(answer.error);
    if (answer.kind !== "panel" && answer.line === null) throw new Refused(`${key} is no panel and no glance`);
    show(answer, parameters === undefined ? [] : [["receive-parameters", parameters]]);
  },
  closeView(made) {
    if (opened?.addOn !== made.addOn) throw new Refused("No panel of this add-on is open");
    close();
  },
});
