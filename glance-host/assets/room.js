// The room page: shows what its viewer on the host says, and opens panels.

const room = document.querySelector(".room").dataset.room;
const list = document.getElementById("glances");
const empty = document.getElementById("empty");
const connection = document.getElementById("connection");
const panel = document.getElementById("panel");
const panelGlance = document.getElementById("panel-glance");
const panelPage = document.getElementById("panel-page");
const heading = document.getElementById("heading");
const closeButton = document.getElementById("close");

/** Lines by id, as the host sent them. */
const lines = new Map();
/** Names this connection to the host. */
let page = null;
/** The open panel: which, and of which glance if it was opened from one. */
let open = null;
/** The line that had the focus before it lost its button, while its data is asked for again. */
let unfocused = null;

// The list

function compare(a, b) {
  const [weight, addOn, key] = a.order;
  const [otherWeight, otherAddOn, otherKey] = b.order;
  return weight - otherWeight || (addOn < otherAddOn ? -1 : addOn > otherAddOn ? 1 : key < otherKey ? -1 : 1);
}

function render() {
  const shown = [...lines.values()].sort(compare);
  const kept = new Map([...list.children].map((item) => [item.dataset.id, item]));
  const focused = document.activeElement?.closest("#glances > li")?.dataset.id ?? unfocused;
  const items = shown.map((line) => {
    const text = JSON.stringify(line);
    const old = kept.get(line.id);
    if (old?.line === text) return old;
    const item = document.createElement("li");
    item.dataset.id = line.id;
    item.line = text;
    item.append(glance(line));
    return item;
  });
  list.replaceChildren(...items);
  unfocused = null;
  if (focused && document.activeElement === document.body && !focusGlance(focused)) unfocused = focused;
  empty.hidden = shown.length > 0 || open !== null || page === null;
  renderPanelHeader();
}

/** Moves the focus to a glance; says whether it can have it. */
function focusGlance(id) {
  const item = [...list.children].find((candidate) => candidate.dataset.id === id);
  const button = item?.querySelector("button");
  button?.focus();
  return Boolean(button);
}

/** One glance: icon, label, status. */
function glance(line, inPanel = false) {
  const opens = line.target && line.state !== "failed" && !inPanel;
  const element = document.createElement(opens ? "button" : "div");
  element.className = "glance";
  element.title = line.problem ? `${line.addOn}: ${line.problem}` : line.addOn;
  element.append(icon(line.icon, "icon"));
  const label = document.createElement("span");
  label.className = "label";
  element.append(label);
  switch (line.state) {
    case "ready":
      label.append(...harmless(line.label));
      if (line.status?.lozenge) element.append(lozenge(line.status.lozenge));
      if (line.status?.icon) element.append(icon(line.status.icon, "status"));
      break;
    case "loading":
      label.textContent = "Loading…";
      element.append(Object.assign(document.createElement("span"), { className: "spinner" }));
      break;
    case "failed":
      label.textContent = line.name;
      element.append(note("Can't load"), again(line));
      break;
    default:
      label.textContent = line.name;
  }
  if (opens) {
    element.type = "button";
    element.addEventListener("click", () => openPanel(line.target, line.id));
  }
  return element;
}

function icon(image, className) {
  const element = document.createElement("img");
  element.className = className;
  element.alt = "";
  element.referrerPolicy = "no-referrer";
  element.addEventListener("error", () => { element.src = "/assets/icon.svg"; }, { once: true });
  element.src = (devicePixelRatio > 1 && image["url@2x"]) || image.url;
  return element;
}

function lozenge({ kind, label }) {
  const element = document.createElement("span");
  element.className = "lozenge";
  element.dataset.kind = kind;
  element.textContent = label;
  element.title = label;
  return element;
}

function note(text) {
  return Object.assign(document.createElement("span"), { className: "note", textContent: text });
}

function again(line) {
  const button = Object.assign(document.createElement("button"), {
    type: "button", className: "again", textContent: "Try again",
  });
  button.setAttribute("aria-label", `Try again to load ${line.name}`);
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-disabled")) return;
    button.setAttribute("aria-disabled", "true");
    const answer = await post(`/rooms/${room}/pages/${page}/retry`, { id: line.id });
    if (!answer?.ok) button.removeAttribute("aria-disabled");
  });
  return button;
}

/** The label's text and its four tags, built anew: nothing else of the HTML reaches the page. */
function harmless(html) {
  const kept = new Set(["B", "STRONG", "EM", "I"]);
  const copy = (from) => [...from.childNodes].flatMap((node) => {
    if (node.nodeType === Node.TEXT_NODE) return [document.createTextNode(node.data)];
    if (node.nodeType !== Node.ELEMENT_NODE) return [];
    if (!kept.has(node.tagName)) return copy(node);
    const element = document.createElement(node.tagName);
    element.append(...copy(node));
    return [element];
  });
  return copy(new DOMParser().parseFromString(html, "text/html").body);
}

// Panels

async function openPanel(target, id = null) {
  open = { target, id, name: target.panel, returnTo: id };
  panelPage.replaceChildren(note("Loading…"));
  showPanel(true);
  closeButton.focus();
  const asked = open;
  const answer = await post(`/rooms/${room}/panel`, target);
  if (open !== asked) return;
  if (!answer?.ok) {
    const text = document.createElement("p");
    text.textContent = answer?.status === 404
      ? "This panel is gone: its add-on was removed or changed."
      : "This panel cannot be opened. Close it and try again.";
    panelPage.replaceChildren(text);
    return;
  }
  const { name, url } = await answer.json();
  open.name = name;
  const frame = document.createElement("iframe");
  frame.title = name;
  frame.referrerPolicy = "no-referrer";
  frame.setAttribute("sandbox", "allow-forms allow-popups allow-popups-to-escape-sandbox allow-scripts");
  frame.src = url;
  panelPage.replaceChildren(frame);
  renderPanelHeader();
}

function closePanel() {
  const id = open?.returnTo;
  open = null;
  panelPage.replaceChildren();
  showPanel(false);
  if (!focusGlance(id)) (list.querySelector("button") ?? heading).focus();
}

function showPanel(shown) {
  panel.hidden = !shown;
  list.hidden = shown;
  render();
}

/** The glance stays on top, live; a panel that was opened without one has its name there. */
function renderPanelHeader() {
  if (!open) return;
  const line = lines.get(open.id);
  if (line) {
    panelGlance.replaceChildren(glance(line, true));
  } else {
    const name = document.createElement("div");
    name.className = "glance";
    name.textContent = open.name;
    panelGlance.replaceChildren(name);
  }
}

closeButton.addEventListener("click", closePanel);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && open) closePanel();
});

// The host

function post(address, body) {
  return fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  }).catch(() => null);
}

const LONGEST_WAIT = 30_000;
let wait = 1000;
let events = null;

function connect() {
  events = new EventSource(`/rooms/${room}/events`);
  events.addEventListener("sidebar", ({ data }) => {
    const sidebar = JSON.parse(data);
    page = sidebar.page;
    lines.clear();
    for (const line of sidebar.lines) lines.set(line.id, line);
    connection.textContent = "Live";
    wait = 1000;
    render();
  });
  events.addEventListener("line", ({ data }) => {
    const line = JSON.parse(data);
    lines.set(line.id, line);
    render();
  });
  events.addEventListener("gone", ({ data }) => {
    lines.delete(JSON.parse(data));
    render();
  });
  events.addEventListener("error", () => {
    connection.textContent = "Reconnecting…";
    // The browser tries again by itself after a lost connection, but not after a refusal.
    if (events.readyState !== EventSource.CLOSED) return;
    setTimeout(connect, wait);
    wait = Math.min(wait * 2, LONGEST_WAIT);
  });
}

// A browser keeps six connections to a host: a tab that nobody looks at gives its own back.
let hiding = null;
document.addEventListener("visibilitychange", () => {
  clearTimeout(hiding);
  if (document.hidden) {
    hiding = setTimeout(() => {
      events.close();
      connection.textContent = "Paused";
      hiding = null;
      events = null;
    }, LONGEST_WAIT);
  } else if (events === null) {
    connect();
  }
});

connect();

// The integrations page links to a panel as #add-on/panel.
function linkedPanel() {
  try {
    const [addOn, panel] = location.hash.slice(1).split("/").map(decodeURIComponent);
    return addOn && panel ? { addOn, panel } : null;
  } catch {
    return null;
  }
}

const linked = linkedPanel();
if (linked) {
  history.replaceState(null, "", location.pathname);
  openPanel(linked);
}
