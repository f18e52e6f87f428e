// The dialog of an add-on: its page in a window over the chat, with the buttons that it declared. One at a time.

import { ask as askPage, frame, provide, Refused, remove, tell } from "../frames.js";
import { on } from "./stream.js";
import { ask, show, showWith, version } from "./target.js";

/** Widths and heights of the sizes that have names. The stylesheet keeps every dialog within the window. */
const SIZES = { small: ["400px", "240px"], medium: ["600px", "360px"], large: ["800px", "480px"], xlarge: ["980px", "600px"] };
const PRIMARY = "primary-action-selected";
const MOST_BUTTONS = 10;
/** How long nobody types before the page is told what to filter by, in milliseconds. */
const DEBOUNCE = 250;

/** The open dialog: its element, frame and options. */
let opened = null;

function showDialog(answer, events) {
  close();
  const element = document.createElement("dialog");
  element.className = "add-on-dialog";
  opened = { ...answer, title: answer.name, options: checked(answer.options), element, frame: frame(answer), version: version(answer), filtering: null };
  const { frame: made } = opened;
  const [header, page, footer] = ["header", "div", "footer"].map((tag) => document.createElement(tag));
  const title = Object.assign(document.createElement("h2"), { id: "dialog-title" });
  element.setAttribute("aria-labelledby", title.id);
  const closeButton = Object.assign(document.createElement("button"), { type: "button", className: "close", textContent: "×" });
  closeButton.setAttribute("aria-label", "Close the dialog");
  closeButton.addEventListener("click", close);
  const filter = Object.assign(document.createElement("input"), { type: "search", autocomplete: "off" });
  filter.addEventListener("input", () => {
    clearTimeout(opened?.filtering);
    if (opened) opened.filtering = setTimeout(() => tell(made, "dialog-filter-changed", { value: filter.value }), DEBOUNCE);
  });
  header.append(title, filter, closeButton);
  page.className = "page";
  page.append(made.element);
  element.append(header, page, footer);
  element.addEventListener("close", () => { if (opened?.element === element) close(); });
  document.body.append(element);
  draw();
  element.showModal();
  for (const [event, value] of events) tell(made, event, value);
}

/** Draws everything but the page, which stays as it is. */
function draw() {
  const { element, title, options } = opened;
  element.dataset.style = options.style === "warning" ? "warning" : "normal";
  element.querySelector("h2").textContent = title;
  const filter = element.querySelector("input");
  filter.hidden = !options.filter;
  filter.placeholder = text(options.filter?.placeholder) ?? "Filter";
  filter.setAttribute("aria-label", filter.placeholder);
  resize();

  const footer = element.querySelector("footer");
  const focused = footer.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  const hint = Object.assign(document.createElement("p"), { textContent: text(options.hint) ?? "" });
  const secondary = (options.secondaryActions ?? [{ name: "Close" }]).map((action) => button(action, ""));
  const primary = options.primaryAction ? [button({ key: PRIMARY, ...options.primaryAction }, "primary")] : [];
  footer.replaceChildren(hint, ...secondary, ...primary);
  footer.hidden = !hint.textContent && secondary.length + primary.length === 0;
  if (focused !== undefined) [...footer.querySelectorAll("button")].find(({ dataset }) => dataset.key === focused)?.focus();
}

function button({ name, key, enabled }, className) {
  const element = Object.assign(document.createElement("button"), {
    type: "button", className, textContent: text(name) ?? "OK", disabled: enabled === false,
  });
  element.dataset.key = key ?? "";
  element.addEventListener("click", () => press(key));
  return element;
}

/** The page says whether a button closes the dialog; one without a key, or without a listener, does. */
function press(key) {
  const { element, frame: made } = opened;
  const closes = (yes) => { if (yes && opened?.element === element) close(); };
  if (typeof key === "string" && key) askPage(made, "dialog-button-click", { action: key }, closes);
  else closes(true);
}

function resize() {
  const { element, options: { size } } = opened;
  const [width, height] = SIZES[size] ?? SIZES.medium;
  element.style.width = length(size?.width, "vw") ?? width;
  element.querySelector(".page").style.height = length(size?.height, "dvh") ?? height;
}

/** `300px` as it is, and `50%` as a part of the window. */
function length(given, whole) {
  const [, number, unit] = /^(\d{1,5}(?:\.\d+)?)(px|%)$/.exec(given ?? "") ?? [];
  return number && number + (unit === "%" ? whole : unit);
}

/** A text of the descriptor is an object with a value; scripts also give it plain. */
function text(value) {
  const plain = typeof value === "object" && value !== null ? value.value : value;
  return typeof plain === "string" ? plain : null;
}

/** What can be used of options: buttons without sense are left out. */
function checked(options) {
  const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
  const kept = isObject(options) ? { ...options } : {};
  for (const name of ["primaryAction", "filter"]) if (!isObject(kept[name])) delete kept[name];
  if (Array.isArray(kept.secondaryActions)) kept.secondaryActions = kept.secondaryActions.filter(isObject).slice(0, MOST_BUTTONS);
  else delete kept.secondaryActions;
  return kept;
}

export function close() {
  if (!opened) return;
  const { element, frame: made, filtering } = opened;
  opened = null;
  clearTimeout(filtering);
  element.close();
  remove(made);
  element.remove();
}

/** Whether this is the frame of the open dialog. */
export function has(made) {
  return opened?.frame === made;
}

/** Changes the open dialog of an add-on with what its page gives. */
function change(made, { title, options }) {
  if (opened?.addOn !== made.addOn) throw new Refused("No dialog of this add-on is open");
  const given = checked(options);
  if (given.size && typeof given.size === "object" && typeof opened.options.size === "object") {
    given.size = { ...opened.options.size, ...given.size };
  }
  if (given.primaryAction) given.primaryAction = { ...opened.options.primaryAction, ...given.primaryAction };
  // What is given as null goes.
  const gone = Object.entries(options ?? {}).filter(([, value]) => value === null).map(([name]) => [name, undefined]);
  opened.title = text(title) ?? opened.title;
  opened.options = { ...opened.options, ...given, ...Object.fromEntries(gone) };
  draw();
}

/** A dialog whose add-on was removed or changed is closed: what it would do is not there any more. */
on("here", () => {
  if (!opened) return;
  const now = version(opened);
  opened.version ??= now;
  if (now === undefined || opened.version !== now) close();
});

showWith("dialog", showDialog);

provide("dialog", {
  async open(made, wanted) {
    const { key, options, parameters, urlTemplateValues: values } = wanted ?? {};
    if (typeof key !== "string") throw new Refused("open needs the key of a dialog");
    if (opened && opened.addOn !== made.addOn) throw new Refused("The dialog of another add-on is open");
    const answer = await ask({ addOn: made.addOn, key, values: values ?? {} });
    if (answer.error) throw new Refused(answer.error);
    if (answer.kind !== "dialog") throw new Refused(`${key} is no dialog`);
    answer.options = { ...answer.options, ...options };
    show(answer, parameters === undefined ? [] : [["receive-parameters", parameters]]);
  },
  update: (made, changes) => change(made, changes ?? {}),
  updatePrimaryAction: (made, action) => change(made, { options: { primaryAction: action } }),
  close(made) {
    if (opened?.addOn !== made.addOn) throw new Refused("No dialog of this add-on is open");
    close();
  },
});
