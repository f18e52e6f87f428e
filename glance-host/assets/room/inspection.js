// Renders the inspector's report on a glance, and webhook calls. Only parts whose content changed are replaced.

import { printable } from "./printable.js";

const user = document.querySelector(".room").dataset.user;
const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const dayAndTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
/** Longer texts are truncated, in characters. */
const MAX_TEXT = 1_500;
/** The names of the texts that the reader has expanded. */
const expanded = new Set();

/** Renders the report on a glance into an element, which may show an earlier report or another glance. */
export function renderReport(container, report) {
  const { id, query } = report;
  const all = [
    ["Why", [report.isShown, report.why], () => [why(report)]],
    ["Last query", [report.isQueried, query], () => lastQuery(report)],
    ["Data", [report.data, report.origin, report.stale], () => data(report)],
    ["Conditions", report.conditions, () => [
      report.conditions.length ? code(`${id} conditions`, report.conditions) : quiet("None. The glance always shows."),
    ]],
    ["Pushes", report.pushes, () => pushes(report)],
    ["Last signed request", query && [query.header, query.claims], () => token(report)],
  ];
  if (container.dataset.of !== id) {
    container.dataset.of = id;
    container.replaceChildren();
  }
  all.forEach(([name, value, render], at) => {
    const json = JSON.stringify(value) ?? "";
    const old = container.children[at];
    if (old?.json === json) return;
    const part = document.createElement("section");
    part.json = json;
    part.dataset.part = name;
    part.append(element("h3", name), ...render());
    if (old) keepFocus(old, () => old.replaceWith(part));
    else container.append(part);
  });
}

/** Replaces an element, and restores the focus to the element with the same name. */
function keepFocus(old, replace) {
  const { activeElement } = document;
  const name = old.contains(activeElement) ? activeElement.dataset.name : null;
  const { parentElement } = old;
  replace();
  if (name) [...parentElement.querySelectorAll("[data-name]")].find((one) => one.dataset.name === name)?.focus();
}

function why({ isShown, why }) {
  const sentence = element("p", `${why.charAt(0).toUpperCase()}${why.slice(1)}.`);
  sentence.className = isShown ? "verdict shown" : "verdict hidden-glance";
  return sentence;
}

function lastQuery({ id, isQueried, query }) {
  if (!isQueried) return [quiet("The glance has no queryUrl. It gets its data from pushes only.")];
  if (!query) {
    return [quiet("No query since you opened the inspector. Query again, or reload the page: the inspector stays open.")];
  }
  return [
    ...(query.problem ? [problem(query.problem)] : []),
    ...(query.isLate ? [quiet("The answer came after newer data and was ignored.")] : []),
    facts([
      ["Request", query.url && `GET ${query.url}`],
      ["Time", `${time.format(query.at)}, took ${query.took} ms`],
      ["Answer", query.status ?? "none"],
      ["CORS", query.cors],
    ]),
    ...(query.body ? [code(`${id} answer`, parsed(query.body))] : []),
  ];
}

function data({ id, data, origin, stale }) {
  if (!data) return [quiet("The host has no data for this glance.")];
  const source = origin?.source === "push" ? "a push" : "the answer to a query";
  return [
    ...(stale ? [problem(`The last query failed, so the line shows older data. ${stale.problem}`)] : []),
    ...(origin ? [facts([
      ["Source", origin.isStored ? `${source}, which the host had stored` : source],
      ["Received", dayAndTime.format(origin.receivedAt)],
      ["Changed", dayAndTime.format(origin.changedAt)],
    ])] : []),
    code(`${id} data`, data),
  ];
}

function pushes({ id, pushes }) {
  if (!pushes.length) return [quiet("No pushes since you opened the inspector.")];
  const list = document.createElement("ol");
  for (const push of [...pushes].reverse()) {
    const item = document.createElement("li");
    const recipient = push.user === null ? "for everyone" : String(push.user) === user ? "for you only" : `for person ${push.user} only`;
    item.append(element("p", `${time.format(push.at)}, ${recipient}`));
    if (push.data) item.append(code(`${id} push ${push.at}`, push.data));
    else item.append(quiet("Only that person can see the data."));
    list.append(item);
  }
  return [list];
}

function token({ id, query }) {
  if (!query?.claims) return [quiet("No signed request since you opened the inspector.")];
  return [
    quiet("Header and claims of the last query's token. The token itself stays on the host."),
    code(`${id} header`, query.header),
    code(`${id} claims`, query.claims),
  ];
}

let callCount = 0;

/** Creates the element of a webhook call. */
export function webhookCall(delivery) {
  const { at, addOn, event, url, attempts, took, status, problem: error, said: answerText, isWritten, body } = delivery;
  callCount += 1;
  const item = document.createElement("details");
  const answer = status ?? "no answer";
  const summary = element("summary", `${time.format(at)} ${event} to ${addOn}: ${answer}`);
  if (error) summary.dataset.state = "failed";
  item.append(
    summary,
    ...(error ? [problem(error)] : []),
    facts([
      ["Request", `POST ${url}`],
      ["Attempts", `${attempts}, in ${took} ms`],
      ["Posted", isWritten ? "The answer was posted to the room." : null],
    ]),
    element("h3", "Payload"),
    code(`call ${callCount} body`, body),
    ...(answerText ? [element("h3", "Answer"), code(`call ${callCount} answer`, parsed(answerText))] : []),
  );
  return item;
}

function element(name, text) {
  return Object.assign(document.createElement(name), { textContent: printable(text) });
}

function quiet(text) {
  return Object.assign(element("p", text), { className: "quiet" });
}

/** Capitalizes a problem, because some come without a capital letter. */
function problem(text) {
  return Object.assign(element("p", `${text.charAt(0).toUpperCase()}${text.slice(1)}`), { className: "problem" });
}

function facts(pairs) {
  const list = document.createElement("dl");
  for (const [name, value] of pairs) {
    if (value === null || value === undefined || value === "") continue;
    const pair = document.createElement("div");
    pair.append(element("dt", name), element("dd", value));
    list.append(pair);
  }
  return list;
}

/** Parses JSON, or returns the text. */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Shows a value as text. A long text is truncated until the reader expands it. */
function code(name, value) {
  const text = printable(typeof value === "string" ? value : JSON.stringify(value, null, 2));
  const block = document.createElement("div");
  const pre = document.createElement("pre");
  const render = () => {
    const isTruncated = text.length > MAX_TEXT && !expanded.has(name);
    pre.textContent = isTruncated ? `${text.slice(0, MAX_TEXT)}…` : text;
    return isTruncated;
  };
  block.className = "code";
  block.append(pre);
  if (render()) {
    const expand = Object.assign(element("button", `Show all ${text.length.toLocaleString()} characters`), { type: "button" });
    expand.dataset.name = name;
    expand.addEventListener("click", () => {
      expanded.add(name);
      render();
      expand.remove();
      pre.tabIndex = -1;
      pre.focus();
    });
    block.append(expand);
  }
  return block;
}
