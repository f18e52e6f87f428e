// Where a person writes.

import { post } from "./stream.js";
import { wrote } from "./timeline.js";

const form = document.getElementById("composer");
const area = document.getElementById("message");
const button = form.querySelector("button[type=submit]");
const unsent = document.getElementById("unsent");
const replying = document.getElementById("replying");
const words = replying.querySelector("span");

/** The id of the entry that is answered. */
let replyTo = null;
/** What was sent, until it is known to be written: sent again, it has its id again, and is written once. */
let sent = null;

/** Adds to what is being written. */
export function appendMessage(text) {
  const gap = area.value && !/\s$/.test(area.value) ? " " : "";
  area.value += gap + text;
}

export function focus() {
  area.focus();
}

/** What is written next answers this entry; `excerpt` says which it is. */
export function reply({ id, sender }, excerpt) {
  replyTo = id;
  const name = Object.assign(document.createElement("bdi"), { className: "sender", textContent: sender.name });
  const said = Object.assign(document.createElement("bdi"), { textContent: excerpt });
  words.replaceChildren("Reply to ", name, " ", said);
  replying.hidden = false;
  focus();
}

function noReply() {
  replyTo = null;
  replying.hidden = true;
  // What describes a field is read out even where it is hidden.
  words.replaceChildren();
}

/** Something of this id is in the room: what was sent under it is written, whether or not an answer came. */
export function arrived(id) {
  if (sent?.id === id && area.value === sent.text) done();
}

async function send() {
  const text = area.value;
  if (!text.trim() || area.readOnly) return;
  if (sent?.text !== text || sent.replyTo !== replyTo) sent = { id: uuid(), text, replyTo };
  sending(true);
  const answer = await post("timeline", sent);
  const entry = answer?.ok ? await answer.json().catch(() => null) : null;
  const problem = answer?.ok ? "" : await why(answer);
  sending(false);
  if (!sent) return entry && wrote(entry);
  if (problem) return say(problem);
  done();
  if (entry) wrote(entry);
}

function done() {
  sent = null;
  area.value = "";
  noReply();
  say("");
}

function say(problem) {
  unsent.textContent = problem;
  unsent.hidden = !problem;
  area.setAttribute("aria-invalid", String(Boolean(problem)));
}

function sending(now) {
  // Read-only instead of disabled: the focus stays.
  area.readOnly = now;
  button.disabled = now;
  form.setAttribute("aria-busy", String(now));
}

async function why(answer) {
  if (answer?.status === 422) return answer.text();
  if (answer?.status === 413) return "The message is too long to be sent: make it shorter.";
  return "The message was not sent. It is still here: try again.";
}

/** `crypto.randomUUID` is not there without HTTPS. */
function uuid() {
  const bytes = [...crypto.getRandomValues(new Uint8Array(16))];
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, "$1-$2-4$3-a$4-$5");
}

area.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  send();
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
form.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || replying.hidden || event.defaultPrevented || area.readOnly) return;
  event.preventDefault();
  noReply();
  focus();
});
replying.querySelector("button").addEventListener("click", () => {
  if (area.readOnly) return;
  noReply();
  focus();
});
