// The open panel. It replaces the list; its glance stays on top.

import { ApiError, createFrame, emit, provideModule, removeFrame } from "../frames.js";
import { glance, update } from "./glance.js";
import { load, store } from "./session-storage.js";
import { focus, lines, onRender, setHidden as setListHidden } from "./sidebar.js";
import { on, roomUrl } from "./stream.js";
import { registerPresenter, requestTarget, show, version } from "./target.js";

const panel = document.getElementById("panel");
const panelGlance = document.getElementById("panel-glance");
const panelPage = document.getElementById("panel-page");
const closeButton = document.getElementById("close");
/** The storage key of the open panel in this room, for a reload. */
const STORED = `panel:${roomUrl("panel")}`;

/** The open panel as the host returned it; `line` is the id of its glance. */
let opened = null;
/** Counts requests, so that an answer to an earlier request is ignored. */
let requests = 0;
let shownListener = () => {};

/** Calls `listener` whenever a panel opens. */
export function onShown(listener) {
  shownListener = listener;
}

/** Opens the target of a glance or a link. Shows an error in the panel if that fails. */
export async function open(wanted, line = null) {
  const request = requests += 1;
  const answer = await requestTarget(wanted);
  if (request !== requests) return;
  if (!answer.error) return show(answer);
  showEmpty({ addOn: wanted.addOn, name: wanted.key ?? wanted.glance, line });
  const text = document.createElement("p");
  text.textContent = answer.status === 404
    ? "This panel no longer exists: its add-on was removed or changed."
    : "This panel cannot be opened. Close it and try again.";
  panelPage.append(text);
}

/** Shows a panel, or sends the events to its page if it is already open. */
function showPanel(answer, events, { focused = true } = {}) {
  requests += 1;
  if (opened?.frame && opened.addOn === answer.addOn && opened.key === answer.key && withoutToken(opened.url) === withoutToken(answer.url)) {
    Object.assign(opened, { wanted: answer.wanted, line: answer.line ?? opened.line });
  } else {
    showEmpty(answer, focused);
    Object.assign(opened, { frame: createFrame(answer), version: version(answer) });
    panelPage.append(opened.frame.element);
  }
  for (const [event, value] of events) emit(opened.frame, event, value);
  store(STORED, opened.wanted);
  renderHeader();
}

/** Removes the token from a URL, because it differs each time. */
function withoutToken(url) {
  const stripped = new URL(url);
  stripped.searchParams.delete("signed_request");
  return stripped.href;
}

/** Shows the panel without a page. */
function showEmpty(what, focused = true) {
  empty();
  opened = { ...what, frame: null };
  panel.hidden = false;
  shownListener();
  setListHidden(true);
  renderHeader();
  if (focused) closeButton.focus();
}

function empty() {
  if (opened?.frame) removeFrame(opened.frame);
  if (opened) opened.frame = null;
  panelPage.replaceChildren();
}

export function close() {
  const line = opened?.line;
  const focused = panel.contains(document.activeElement);
  empty();
  opened = null;
  requests += 1;
  store(STORED, null);
  panel.hidden = true;
  setListHidden(false);
  if (focused || document.activeElement === document.body) focus(line);
}

/** Whether this is the frame of the open panel. */
export function isOpenIn(frame) {
  return opened?.frame === frame;
}

/** Renders the live glance above the panel, or the panel's name if it has none. */
function renderHeader() {
  if (!opened) return;
  const line = lines.get(opened.line) ?? (opened.line && findLine());
  const element = panelGlance.firstElementChild;
  if (line && element?.line?.id === line.id && update(element, line)) return;
  if (line) {
    panelGlance.replaceChildren(glance(line));
  } else {
    panelGlance.replaceChildren(Object.assign(document.createElement("p"), { textContent: opened.name }));
  }
}

/** Finds a line that opens the same panel: an add-on may replace its glance after it was set up. */
function findLine() {
  return [...lines.values()].find(({ target }) => target?.addOn === opened.addOn && target.key === opened.key);
}

onRender(renderHeader);
closeButton.addEventListener("click", close);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !opened || event.defaultPrevented || document.querySelector("dialog[open]")) return;
  event.preventDefault();
  close();
});

/** Opens the panel of a link, #add-on/panel from the integrations page, or the panel that was open before a reload. */
export function restore() {
  const target = linkedTarget();
  if (target) {
    history.replaceState(null, "", location.pathname);
    return open(target);
  }
  const wanted = load(STORED);
  if (wanted) reopen(wanted);
}

/** Reopens a panel after a reload, without focus, and without an error if it no longer exists. */
async function reopen(wanted) {
  const request = requests += 1;
  const answer = await requestTarget(wanted);
  if (request !== requests) return;
  if (answer.kind === "panel") showPanel(answer, [], { focused: false });
  else store(STORED, null);
}

function linkedTarget() {
  try {
    const [addOn, key] = location.hash.slice(1).split("/").map(decodeURIComponent);
    return addOn && key ? { addOn, key } : null;
  } catch {
    return null;
  }
}

/** Closes the open panel when its add-on was removed, and reloads it when the add-on changed. */
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

registerPresenter("panel", showPanel);

provideModule("sidebar", {
  async openView(frame, options) {
    const { key, parameters, urlTemplateValues: values } = options ?? {};
    if (typeof key !== "string") throw new ApiError("openView needs the key of a panel or a glance");
    const answer = await requestTarget({ addOn: frame.addOn, key, values: values ?? {} });
    if (answer.error) throw new ApiError(answer.error);
    if (answer.kind !== "panel" && answer.line === null) throw new ApiError(`${key} is neither a panel nor a glance`);
    show(answer, parameters === undefined ? [] : [["receive-parameters", parameters]]);
  },
  closeView(frame) {
    if (opened?.addOn !== frame.addOn) throw new ApiError("No panel of this add-on is open");
    close();
  },
});
