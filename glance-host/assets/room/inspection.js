// Draws what an inspector knows: parts that are drawn anew only where what they say has changed.

import { printable } from "./printable.js";

const user = document.querySelector(".room").dataset.user;
const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
/** Longer texts are cut, in characters. */
const LONG = 1_500;
/** What the reader wants to see whole, by the name of the text. */
const whole = new Set();

/** Draws all that is known of a glance into an element that showed the same glance before, or another. */
export function pieces(into, report) {
  const { id, query } = report;
  const all = [
    ["Why", [report.isShown, report.why], () => [why(report)]],
    ["Last query", [report.isQueried, query], () => asked(report)],
    ["Data", report.data, () => [
      report.data ? code(`${id} data`, report.data) : quiet("The host holds no data of this glance."),
    ]],
    ["Conditions", report.conditions, () => [
      report.conditions.length ? code(`${id} conditions`, report.conditions) : quiet("None: it shows always."),
    ]],
    ["Pushes", report.pushes, () => pushes(report)],
    ["Last signed request", query && [query.header, query.claims], () => token(report)],
  ];
  if (into.dataset.of !== id) {
    into.dataset.of = id;
    into.replaceChildren();
  }
  all.forEach(([name, value, draw], at) => {
    const text = JSON.stringify(value) ?? "";
    const old = into.children[at];
    if (old?.said === text) return;
    const part = document.createElement("section");
    part.said = text;
    part.dataset.part = name;
    part.append(element("h4", name), ...draw());
    if (old) keepFocus(old, () => old.replaceWith(part));
    else into.append(part);
  });
}

/** The focus goes to what has the same name as that which had it. */
function keepFocus(old, change) {
  const { activeElement } = document;
  const name = old.contains(activeElement) ? activeElement.dataset.name : null;
  const { parentElement } = old;
  change();
  if (name) [...parentElement.querySelectorAll("[data-name]")].find((one) => one.dataset.name === name)?.focus();
}

function why({ isShown, why }) {
  const sentence = element("p", `${why.charAt(0).toUpperCase()}${why.slice(1)}.`);
  sentence.className = isShown ? "verdict shown" : "verdict hidden-glance";
  return sentence;
}

function asked({ id, isQueried, query }) {
  if (!isQueried) return [quiet("It has no queryUrl: pushes alone bring its data.")];
  if (!query) {
    return [quiet("Nothing was asked since the inspector was opened. Query again, or reload the page: it stays open.")];
  }
  return [
    ...(query.problem ? [problem(query.problem)] : []),
    ...(query.isLate ? [quiet("Something newer had come before this answer, so it changed nothing.")] : []),
    facts([
      ["Request", query.url && `GET ${query.url}`],
      ["Asked", `${time.format(query.at)}, took ${query.took} ms`],
      ["Answer", query.status ?? "none"],
      ["CORS", query.cors],
    ]),
    ...(query.body ? [code(`${id} answer`, parsed(query.body))] : []),
  ];
}

function pushes({ id, pushes }) {
  if (!pushes.length) return [quiet("None since the inspector was opened.")];
  const list = document.createElement("ol");
  for (const push of [...pushes].reverse()) {
    const item = document.createElement("li");
    const whom = push.user === null ? "for everyone" : String(push.user) === user ? "for you only" : `for person ${push.user} only`;
    item.append(element("p", `${time.format(push.at)}, ${whom}`));
    if (push.data) item.append(code(`${id} push ${push.at}`, push.data));
    else item.append(quiet("Its data is shown to nobody else."));
    list.append(item);
  }
  return [list];
}

function token({ id, query }) {
  if (!query?.claims) return [quiet("Nothing was signed since the inspector was opened.")];
  return [
    quiet("The header and the claims of the last query's token. The token itself never leaves the host."),
    code(`${id} header`, query.header),
    code(`${id} claims`, query.claims),
  ];
}

let called = 0;

/** A call of a webhook. */
export function call(delivery) {
  const { at, addOn, event, url, attempts, took, status, problem: wrong, said, isWritten, body } = delivery;
  called += 1;
  const item = document.createElement("details");
  const answer = status ?? "no answer";
  const summary = element("summary", `${time.format(at)} ${event} to ${addOn}: ${answer}`);
  if (wrong) summary.dataset.state = "failed";
  item.append(
    summary,
    ...(wrong ? [problem(wrong)] : []),
    facts([
      ["Request", `POST ${url}`],
      ["Attempts", `${attempts}, in ${took} ms`],
      ["Written", isWritten ? "The answer was written into the room." : null],
    ]),
    element("h4", "Sent"),
    code(`call ${called} body`, body),
    ...(said ? [element("h4", "Answered"), code(`call ${called} said`, parsed(said))] : []),
  );
  return item;
}

function element(name, text) {
  return Object.assign(document.createElement(name), { textContent: printable(text) });
}

function quiet(text) {
  return Object.assign(element("p", text), { className: "quiet" });
}

/** Add-ons write of their problems without a stop now and then. */
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

/** JSON where it is, else the text. */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A value as text; a long one is cut until the reader wants it whole. */
function code(name, value) {
  const text = printable(typeof value === "string" ? value : JSON.stringify(value, null, 2));
  const block = document.createElement("div");
  const pre = document.createElement("pre");
  const draw = () => {
    const isCut = text.length > LONG && !whole.has(name);
    pre.textContent = isCut ? `${text.slice(0, LONG)}…` : text;
    return isCut;
  };
  block.className = "code";
  block.append(pre);
  if (draw()) {
    const more = Object.assign(element("button", `Show all ${text.length.toLocaleString()} characters`), { type: "button" });
    more.dataset.name = name;
    more.addEventListener("click", () => {
      whole.add(name);
      draw();
      more.remove();
      pre.tabIndex = -1;
      pre.focus();
    });
    block.append(more);
  }
  return block;
}
