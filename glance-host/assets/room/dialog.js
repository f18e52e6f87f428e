// The dialog of an add-on: a page in a window over the chat, with the buttons that it declared. Only one is open at a time.

import { ApiError, createFrame, emit, provideModule, removeFrame, request } from "../frames.js";
import { on } from "./stream.js";
import { registerPresenter, requestTarget, show, version } from "./target.js";

/** The width and height of each named size. The stylesheet keeps every dialog within the window. */
const SIZES = { small: ["400px", "240px"], medium: ["600px", "360px"], large: ["800px", "480px"], xlarge: ["980px", "600px"] };
const PRIMARY = "primary-action-selected";
const MAX_BUTTONS = 10;
/** The delay between the last key and the filter event, in milliseconds. */
const DEBOUNCE = 250;

/** The open dialog: its element, frame and options. */
let opened = null;

function showDialog(answer, events) {
  close();
  const element = document.createElement("dialog");
  element.className = "add-on-dialog";
  opened = { ...answer, title: answer.name, options: validOptions(answer.options), element, frame: createFrame(answer), version: version(answer), filterTimer: null };
  const { frame } = opened;
  const [header, page, footer] = ["header", "div", "footer"].map((tag) => document.createElement(tag));
  const title = Object.assign(document.createElement("h2"), { id: "dialog-title" });
  element.setAttribute("aria-labelledby", title.id);
  const closeButton = Object.assign(document.createElement("button"), { type: "button", className: "close", textContent: "×" });
  closeButton.setAttribute("aria-label", "Close the dialog");
  closeButton.addEventListener("click", close);
  const filter = Object.assign(document.createElement("input"), { type: "search", autocomplete: "off" });
  filter.addEventListener("input", () => {
    clearTimeout(opened?.filterTimer);
    if (opened) opened.filterTimer = setTimeout(() => emit(frame, "dialog-filter-changed", { value: filter.value }), DEBOUNCE);
  });
  header.append(title, filter, closeButton);
  page.className = "page";
  page.append(frame.element);
  element.append(header, page, footer);
  element.addEventListener("close", () => { if (opened?.element === element) close(); });
  document.body.append(element);
  render();
  element.showModal();
  for (const [event, value] of events) emit(frame, event, value);
}

/** Renders everything except the page. */
function render() {
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

/** Lets the page decide whether a button closes the dialog. Without a key or a listener, it does. */
function press(key) {
  const { element, frame } = opened;
  const closeIf = (isConfirmed) => { if (isConfirmed && opened?.element === element) close(); };
  if (typeof key === "string" && key) request(frame, "dialog-button-click", { action: key }, closeIf);
  else closeIf(true);
}

function resize() {
  const { element, options: { size } } = opened;
  const [width, height] = SIZES[size] ?? SIZES.medium;
  element.style.width = length(size?.width, "vw") ?? width;
  element.querySelector(".page").style.height = length(size?.height, "dvh") ?? height;
}

/** Converts `300px` and `50%` into CSS lengths; a percentage is relative to the window. */
function length(given, whole) {
  const [, number, unit] = /^(\d{1,5}(?:\.\d+)?)(px|%)$/.exec(given ?? "") ?? [];
  return number && number + (unit === "%" ? whole : unit);
}

/** Returns a text: descriptors write an object with a value, scripts also a plain string. */
function text(value) {
  const plain = typeof value === "object" && value !== null ? value.value : value;
  return typeof plain === "string" ? plain : null;
}

/** Returns the valid options; invalid buttons are dropped. */
function validOptions(options) {
  const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
  const kept = isObject(options) ? { ...options } : {};
  for (const name of ["primaryAction", "filter"]) if (!isObject(kept[name])) delete kept[name];
  if (Array.isArray(kept.secondaryActions)) kept.secondaryActions = kept.secondaryActions.filter(isObject).slice(0, MAX_BUTTONS);
  else delete kept.secondaryActions;
  return kept;
}

export function close() {
  if (!opened) return;
  const { element, frame, filterTimer } = opened;
  opened = null;
  clearTimeout(filterTimer);
  element.close();
  removeFrame(frame);
  element.remove();
}

/** Whether this is the frame of the open dialog. */
export function isOpenIn(frame) {
  return opened?.frame === frame;
}

/** Updates the open dialog of an add-on. */
function update(frame, { title, options }) {
  if (opened?.addOn !== frame.addOn) throw new ApiError("No dialog of this add-on is open");
  const given = validOptions(options);
  if (given.size && typeof given.size === "object" && typeof opened.options.size === "object") {
    given.size = { ...opened.options.size, ...given.size };
  }
  if (given.primaryAction) given.primaryAction = { ...opened.options.primaryAction, ...given.primaryAction };
  // Null removes an option.
  const removed = Object.entries(options ?? {}).filter(([, value]) => value === null).map(([name]) => [name, undefined]);
  opened.title = text(title) ?? opened.title;
  opened.options = { ...opened.options, ...given, ...Object.fromEntries(removed) };
  render();
}

/** Closes the dialog when its add-on was removed or changed. */
on("here", () => {
  if (!opened) return;
  const now = version(opened);
  opened.version ??= now;
  if (now === undefined || opened.version !== now) close();
});

registerPresenter("dialog", showDialog);

provideModule("dialog", {
  async open(frame, wanted) {
    const { key, options, parameters, urlTemplateValues: values } = wanted ?? {};
    if (typeof key !== "string") throw new ApiError("open needs the key of a dialog");
    if (opened && opened.addOn !== frame.addOn) throw new ApiError("The dialog of another add-on is open");
    const answer = await requestTarget({ addOn: frame.addOn, key, values: values ?? {} });
    if (answer.error) throw new ApiError(answer.error);
    if (answer.kind !== "dialog") throw new ApiError(`${key} is not a dialog`);
    answer.options = { ...answer.options, ...options };
    show(answer, parameters === undefined ? [] : [["receive-parameters", parameters]]);
  },
  update: (frame, changes) => update(frame, changes ?? {}),
  updatePrimaryAction: (frame, action) => update(frame, { options: { primaryAction: action } }),
  close(frame) {
    if (opened?.addOn !== frame.addOn) throw new ApiError("No dialog of this add-on is open");
    close();
  },
});
