// Where a person writes.

import { post } from "./stream.js";
import { wrote } from "./timeline.js";

const form = document.getElementById("composer");
const area = document.getElementById("message");
const button = form.querySelector("button");
const unsent = document.getElementById("unsent");

/** Adds to what is being written. */
export function appendMessage(text) {
  const gap = area.value && !/\s$/.test(area.value) ? " " : "";
  area.value += gap + text;
}

export function focus() {
  area.focus();
}

async function send() {
  const text = area.value;
  if (!text.trim() || area.readOnly) return;
  sending(true);
  const answer = await post("timeline", { text });
  const entry = answer?.ok ? await answer.json().catch(() => null) : null;
  const problem = answer?.ok ? "" : await why(answer);
  sending(false);
  unsent.textContent = problem;
  unsent.hidden = !problem;
  area.setAttribute("aria-invalid", String(Boolean(problem)));
  if (problem) return;
  area.value = "";
  if (entry) wrote(entry);
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

area.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  send();
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
