// The inspector: the state of each glance, visible or hidden, and the webhook calls of the room.

import { renderReport, webhookCall } from "./inspection.js";
import { load, store } from "./session-storage.js";
import { inspection, on, page, post, setInspecting } from "./stream.js";
import { closeSheet } from "./strip.js";

const button = document.getElementById("inspect");
const drawer = document.getElementById("inspector");
/** The storage keys of the drawer's state and height, for a reload. */
const OPEN = "inspector";
const HEIGHT = "inspector-height";
const WEBHOOKS = "webhooks";
/** The maximum number of webhook calls on the page, as on the host. */
const MAX_CALLS = 100;
const MIN_HEIGHT = 120;
const HEIGHT_STEP = 40;

const find = (id) => drawer?.querySelector(`#${id}`);
const [tabs, emptyNote, detail, title, queryButton, parts, calls, grip] = [
  "inspector-tabs", "inspector-nothing", "inspector-detail", "inspector-title", "inspector-again",
  "inspector-parts", "inspector-calls", "inspector-grip",
].map(find);

/** The host's reports on the glances, by id, the order of the glances, and the webhook calls. */
const reports = new Map();
let order = [];
let webhooks = [];
let hasReports = false;
/** The id of the selected tab. */
let selected = null;

function setOpen(isOpen) {
  drawer.hidden = !isOpen;
  button.setAttribute("aria-expanded", String(isOpen));
  if (isOpen) describeHeight(drawer.offsetHeight);
  setInspecting(isOpen);
  store(OPEN, isOpen || null);
  if (page) post(`pages/${page}/inspect`, { on: isOpen });
}

function toggle() {
  const isOpen = drawer.hidden;
  setOpen(isOpen);
  // On a narrow page the sheet would cover it.
  if (isOpen) closeSheet();
  if (isOpen) (tabs.querySelector("[aria-selected=true]") ?? drawer).focus();
  else button.focus();
}

function update(message) {
  if (message.isFirst) {
    reports.clear();
    webhooks = [];
    calls.replaceChildren();
  }
  for (const report of message.reports) reports.set(report.id, report);
  order = message.glances;
  for (const id of reports.keys()) if (!order.includes(id)) reports.delete(id);
  const added = message.webhooks.map(webhookCall);
  webhooks = [...webhooks, ...added].slice(-MAX_CALLS);
  // The newest comes first.
  calls.prepend(...added.reverse());
  for (const old of [...calls.children].slice(MAX_CALLS)) old.remove();
  hasReports = true;
  render();
}

function render() {
  if (!hasReports) return;
  const ids = [...order, WEBHOOKS];
  if (!ids.includes(selected)) selected = ids[0];
  const existing = new Map([...tabs.children].map((tab) => [tab.dataset.id, tab]));
  const shown = ids.map((id) => updateTab(existing.get(id) ?? createTab(id)));
  const isUnchanged = shown.length === tabs.children.length && shown.every((tab, at) => tab === tabs.children[at]);
  if (!isUnchanged) {
    const hadFocus = tabs.contains(document.activeElement);
    tabs.replaceChildren(...shown);
    if (hadFocus) tabs.querySelector("[aria-selected=true]").focus();
  }
  emptyNote.hidden = order.length > 0 || selected !== WEBHOOKS || webhooks.length > 0;
  detail.setAttribute("aria-labelledby", tabId(selected));
  const report = reports.get(selected);
  title.textContent = report ? `${report.name} (${report.key}) · ${report.addOn}` : "Webhooks of this room";
  queryButton.hidden = !report?.isQueried;
  if (report?.isLoading) queryButton.setAttribute("aria-disabled", "true");
  else queryButton.removeAttribute("aria-disabled");
  queryButton.textContent = report?.isLoading ? "Querying…" : "Query again";
  parts.hidden = !report;
  calls.hidden = Boolean(report);
  find("inspector-no-calls").hidden = Boolean(report) || webhooks.length > 0;
  if (report) renderReport(parts, report);
}

const tabId = (id) => `inspector-tab-${encodeURIComponent(id)}`;

function createTab(id) {
  const tab = Object.assign(document.createElement("button"), { type: "button", id: tabId(id) });
  tab.setAttribute("role", "tab");
  tab.setAttribute("aria-controls", "inspector-detail");
  tab.dataset.id = id;
  tab.append(document.createElement("span"), document.createElement("span"));
  tab.lastChild.className = "note";
  tab.addEventListener("click", () => select(id));
  return tab;
}

function updateTab(tab) {
  const { id } = tab.dataset;
  const report = reports.get(id);
  const state = !report ? String(webhooks.length) : report.isLoading ? "loading" : report.query?.problem && !report.data
    ? "failed" : report.isShown ? "shown" : "hidden";
  tab.title = report ? `${report.key} of ${report.addOn}` : "";
  tab.firstChild.textContent = report?.name ?? "Webhooks";
  tab.lastChild.textContent = state;
  tab.dataset.state = report ? state : "";
  tab.setAttribute("aria-selected", String(id === selected));
  tab.tabIndex = id === selected ? 0 : -1;
  return tab;
}

function select(id) {
  if (id === selected) return;
  selected = id;
  render();
  detail.scrollTop = 0;
}

function moveBetween(event) {
  const all = [...tabs.children];
  const at = all.findIndex((one) => one.dataset.id === selected);
  const to = {
    ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1,
  }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  const next = all[(to + all.length) % all.length];
  select(next.dataset.id);
  next.focus();
}

function setHeight(height) {
  const value = Math.round(Math.min(Math.max(height, MIN_HEIGHT), maxHeight()));
  drawer.style.height = `${value}px`;
  describeHeight(value);
  store(HEIGHT, value);
}

const maxHeight = () => Math.max(MIN_HEIGHT, innerHeight - 160);

/** Tells screen readers the height, in pixels. */
function describeHeight(value) {
  grip.setAttribute("aria-valuenow", String(value));
  grip.setAttribute("aria-valuemin", String(MIN_HEIGHT));
  grip.setAttribute("aria-valuemax", String(maxHeight()));
}

function enableResizing() {
  grip.addEventListener("pointerdown", (down) => {
    const { bottom } = drawer.getBoundingClientRect();
    down.preventDefault();
    grip.setPointerCapture(down.pointerId);
    const move = ({ clientY }) => setHeight(bottom - clientY);
    grip.addEventListener("pointermove", move);
    grip.addEventListener("lostpointercapture", () => grip.removeEventListener("pointermove", move), { once: true });
  });
  grip.addEventListener("keydown", ({ key }) => {
    const step = { ArrowUp: HEIGHT_STEP, ArrowDown: -HEIGHT_STEP }[key];
    if (step) setHeight(drawer.offsetHeight + step);
  });
}

/** Does nothing if the person may not inspect: their page has no drawer. */
export function start() {
  if (!drawer) return;
  button.addEventListener("click", toggle);
  find("inspector-close").addEventListener("click", toggle);
  tabs.addEventListener("keydown", moveBetween);
  queryButton.addEventListener("click", () => {
    if (queryButton.hasAttribute("aria-disabled")) return;
    post(`pages/${page}/retry`, { id: selected });
  });
  document.addEventListener("keydown", (event) => {
    if (event.altKey && !event.ctrlKey && !event.metaKey && event.code === "KeyI") {
      event.preventDefault();
      toggle();
    }
  });
  enableResizing();
  on("inspection", update);
  // Somebody may have toggled the drawer while the page connected.
  on("sidebar", () => {
    if (inspection.wasOpenAtConnect !== inspection.isOpen) post(`pages/${page}/inspect`, { on: inspection.isOpen });
  });
  const height = load(HEIGHT);
  if (height) setHeight(height);
  if (load(OPEN)) setOpen(true);
}
