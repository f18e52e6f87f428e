// The form in which a person writes messages.

import { load, store } from "./session-storage.js";
import { post } from "./stream.js";
import { showSent } from "./timeline.js";

const form = document.getElementById("composer");
const area = document.getElementById("message");
const button = form.querySelector("button[type=submit]");
const error = document.getElementById("unsent");
const replying = document.getElementById("replying");
const replyText = replying.querySelector("span");
const room = document.querySelector(".room").dataset;
/** Where the tab keeps the unsent text. Another person who signs in must not see it. */
const DRAFT = `draft ${room.at} ${room.user}`;

/** The id of the entry to reply to. */
let replyTo = null;
/** The message that was sent but not confirmed. A retry sends the same id, so the host posts it once. */
let pending = null;

/** Appends to the message that the person is writing. */
export function appendMessage(text) {
  const gap = area.value && !/\s$/.test(area.value) ? " " : "";
  area.value += gap + text;
  saveDraft();
}

export function focus() {
  area.focus();
}

/** Makes the next message a reply to this entry, and quotes its excerpt. */
export function reply({ id, sender }, excerpt) {
  replyTo = id;
  const name = Object.assign(document.createElement("bdi"), { className: "sender", textContent: sender.name });
  const quote = Object.assign(document.createElement("bdi"), { textContent: excerpt });
  replyText.replaceChildren("Reply to ", name, " ", quote);
  replying.hidden = false;
  focus();
}

function cancelReply() {
  replyTo = null;
  replying.hidden = true;
  // Screen readers read the description of a field even if it is hidden.
  replyText.replaceChildren();
}

/** Confirms the pending message if the room has an entry with its id, even if the answer was lost. */
export function confirm(id) {
  if (pending?.id === id && area.value === pending.text) clear();
}

async function send() {
  const text = area.value;
  if (!text.trim() || area.readOnly) return;
  if (pending?.text !== text || pending.replyTo !== replyTo) pending = { id: uuid(), text, replyTo };
  saveDraft();
  setSending(true);
  const answer = await post("timeline", pending);
  const entry = answer?.ok ? await answer.json().catch(() => null) : null;
  const problem = answer?.ok ? "" : await describeError(answer);
  setSending(false);
  // The event stream has confirmed it meanwhile.
  if (!pending) return entry && showSent(entry);
  if (problem) return showError(problem);
  clear();
  if (entry) showSent(entry);
}

function clear() {
  pending = null;
  area.value = "";
  saveDraft();
  cancelReply();
  showError("");
}

/** Keeps the unsent text, and the message that may have been sent: a page that finds it in the room clears the text. */
function saveDraft() {
  store(DRAFT, area.value ? { text: area.value, pending } : null);
}

function restoreDraft() {
  const draft = load(DRAFT);
  // The person may write before this script runs.
  if (!draft || area.value) return;
  area.value = draft.text;
  pending = draft.pending;
}

function showError(problem) {
  showNotice(problem);
  area.setAttribute("aria-invalid", String(Boolean(problem)));
}

function showNotice(text) {
  error.textContent = text;
  error.hidden = !text;
}

/** Refuses files. Programs copy text together with its picture: pasting that inserts the text. */
function refuseFiles(event) {
  const { types = [] } = event.clipboardData ?? event.dataTransfer ?? {};
  if (!types.includes("Files") || (event.type === "paste" && types.includes("text/plain"))) return;
  // Otherwise the browser leaves the room to open a dropped file.
  event.preventDefault();
  if (event.type !== "dragover") showNotice("Files cannot be sent here, only links to them.");
}

function setSending(now) {
  // Read-only instead of disabled: the focus stays.
  area.readOnly = now;
  button.disabled = now;
  form.setAttribute("aria-busy", String(now));
}

async function describeError(answer) {
  if (answer?.status === 422) return answer.text();
  if (answer?.status === 413) return "The message is too long. Shorten it and send it again.";
  return "The message was not sent. Try again.";
}

/** `crypto.randomUUID` exists only with HTTPS. */
function uuid() {
  const bytes = [...crypto.getRandomValues(new Uint8Array(16))];
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, "$1-$2-4$3-a$4-$5");
}

restoreDraft();
area.addEventListener("input", () => {
  saveDraft();
  if (area.getAttribute("aria-invalid") !== "true") showNotice("");
});
area.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  send();
});
area.addEventListener("paste", refuseFiles);
for (const type of ["dragover", "drop"]) document.addEventListener(type, refuseFiles);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
form.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || replying.hidden || event.defaultPrevented || area.readOnly) return;
  event.preventDefault();
  cancelReply();
  focus();
});
replying.querySelector("button").addEventListener("click", () => {
  if (area.readOnly) return;
  cancelReply();
  focus();
});
