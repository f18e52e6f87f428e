// The inspector: what the host knows of each glance, shown or not, and of the webhooks it called.

import { call, pieces } from "./inspection.js";
import { remember, remembered } from "./memory.js";
import { inspects, on, page, post, setInspects } from "./stream.js";

const button = document.getElementById("inspect");
const drawer = document.getElementById("inspector");
/** Whether the drawer is open, for a reload, and how high it is. */
const OPEN = "inspector";
const HEIGHT = "inspector-height";
const WEBHOOKS = "webhooks";
/** How many calls of webhooks the page keeps; so many the host keeps too. */
const MOST = 100;
const LEAST_HEIGHT = 120;
const STEP = 40;

const find = (id) => drawer?.querySelector(`#${id}`);
const [tabs, nothing, detail, title, again, parts, calls, grip] = [
  "inspector-tabs", "inspector-nothing", "inspector-detail", "inspector-title", "inspector-again",
  "inspector-parts", "inspector-calls", "inspector-grip",
].map(find);

/** What the host told of the glances, by id and in their order, and of the webhooks. */
const reports = new Map();
let order = [];
let webhooks = [];
let isTold = false;
let chosen = null;

function open(isOpen) {
  drawer.hidden = !isOpen;
  button.setAttribute("aria-expanded", String(isOpen));
  setInspects(isOpen);
  remember(OPEN, isOpen || null);
  if (page) post(`pages/${page}/inspect`, { on: isOpen });
}

function toggle() {
  const isOpen = drawer.hidden;
  open(isOpen);
  if (isOpen) (tabs.querySelector("[aria-selected=true]") ?? drawer).focus();
  else button.focus();
}

function learn(told) {
  if (told.isFirst) {
    reports.clear();
    webhooks = [];
    calls.replaceChildren();
  }
  for (const report of told.reports) reports.set(report.id, report);
  order = told.glances;
  for (const id of reports.keys()) if (!order.includes(id)) reports.delete(id);
  const more = told.webhooks.map(call);
  webhooks = [...webhooks, ...more].slice(-MOST);
  // The newest stands first.
  calls.prepend(...more.reverse());
  for (const old of [...calls.children].slice(MOST)) old.remove();
  isTold = true;
  render();
}

function render() {
  if (!isTold) return;
  const ids = [...order, WEBHOOKS];
  if (!ids.includes(chosen)) chosen = ids[0];
  const kept = new Map([...tabs.children].map((tab) => [tab.dataset.id, tab]));
  const shown = ids.map((id) => tab(kept.get(id) ?? newTab(id)));
  const stays = shown.length === tabs.children.length && shown.every((one, at) => one === tabs.children[at]);
  if (!stays) {
    const focused = tabs.contains(document.activeElement);
    tabs.replaceChildren(...shown);
    if (focused) tabs.querySelector("[aria-selected=true]").focus();
  }
  nothing.hidden = order.length > 0 || chosen !== WEBHOOKS || webhooks.length > 0;
  detail.setAttribute("aria-labelledby", tabId(chosen));
  const report = reports.get(chosen);
  title.textContent = report ? `${report.name} (${report.key}) · ${report.addOn}` : "Webhooks of this room";
  again.hidden = !report?.isQueried;
  if (report?.isLoading) again.setAttribute("aria-disabled", "true");
  else again.removeAttribute("aria-disabled");
  again.textContent = report?.isLoading ? "Querying…" : "Query again";
  parts.hidden = !report;
  calls.hidden = Boolean(report);
  find("inspector-no-calls").hidden = Boolean(report) || webhooks.length > 0;
  if (report) pieces(parts, report);
}

const tabId = (id) => `inspector-tab-${encodeURIComponent(id)}`;

function newTab(id) {
  const made = Object.assign(document.createElement("button"), { type: "button", id: tabId(id) });
  made.setAttribute("role", "tab");
  made.setAttribute("aria-controls", "inspector-detail");
  made.dataset.id = id;
  made.append(document.createElement("span"), document.createElement("span"));
  made.lastChild.className = "note";
  made.addEventListener("click", () => choose(id));
  return made;
}

function tab(made) {
  const { id } = made.dataset;
  const report = reports.get(id);
  const state = !report ? String(webhooks.length) : report.isLoading ? "loading" : report.query?.problem && !report.data
    ? "failed" : report.isShown ? "shown" : "hidden";
  made.title = report ? `${report.key} of ${report.addOn}` : "";
  made.firstChild.textContent = report?.name ?? "Webhooks";
  made.lastChild.textContent = state;
  made.dataset.state = report ? state : "";
  made.setAttribute("aria-selected", String(id === chosen));
  made.tabIndex = id === chosen ? 0 : -1;
  return made;
}

function choose(id) {
  if (id === chosen) return;
  chosen = id;
  render();
  detail.scrollTop = 0;
}

function moveBetween(event) {
  const all = [...tabs.children];
  const at = all.findIndex((one) => one.dataset.id === chosen);
  const to = {
    ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1,
  }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  const next = all[(to + all.length) % all.length];
  choose(next.dataset.id);
  next.focus();
}

function setHeight(height) {
  const most = Math.max(LEAST_HEIGHT, innerHeight - 160);
  const value = Math.round(Math.min(Math.max(height, LEAST_HEIGHT), most));
  drawer.style.height = `${value}px`;
  grip.setAttribute("aria-valuenow", String(value));
  grip.setAttribute("aria-valuemin", String(LEAST_HEIGHT));
  grip.setAttribute("aria-valuemax", String(most));
  remember(HEIGHT, value);
}

function resize() {
  grip.addEventListener("pointerdown", (down) => {
    const { bottom } = drawer.getBoundingClientRect();
    down.preventDefault();
    grip.setPointerCapture(down.pointerId);
    const move = ({ clientY }) => setHeight(bottom - clientY);
    grip.addEventListener("pointermove", move);
    grip.addEventListener("lostpointercapture", () => grip.removeEventListener("pointermove", move), { once: true });
  });
  grip.addEventListener("keydown", ({ key }) => {
    const step = { ArrowUp: STEP, ArrowDown: -STEP }[key];
    if (step) setHeight(drawer.offsetHeight + step);
  });
}

/** Does nothing on the page of who may not inspect: it has no drawer. */
export function start() {
  if (!drawer) return;
  button.addEventListener("click", toggle);
  find("inspector-close").addEventListener("click", toggle);
  tabs.addEventListener("keydown", moveBetween);
  again.addEventListener("click", () => {
    if (again.hasAttribute("aria-disabled")) return;
    post(`pages/${page}/retry`, { id: chosen });
  });
  document.addEventListener("keydown", (event) => {
    if (event.altKey && !event.ctrlKey && !event.metaKey && event.code === "KeyI") {
      event.preventDefault();
      toggle();
    }
  });
  resize();
  on("inspection", learn);
  // What was wanted may have changed while the page connected.
  on("sidebar", () => {
    if (inspects.asked !== inspects.wanted) post(`pages/${page}/inspect`, { on: inspects.wanted });
  });
  const height = remembered(HEIGHT);
  if (height) setHeight(height);
  if (remembered(OPEN)) open(true);
}
