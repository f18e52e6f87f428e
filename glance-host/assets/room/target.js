// Opens the target of a glance, an action or a page: a panel, a dialog, or a page in a new window.

import { on, post } from "./stream.js";

/** The function that shows each kind of target, as `show(opened, events)`. */
const presenters = { page: openWindow };

/** The versions of the modules of each add-on in the room, as the host last sent them. */
let modules = {};

on("here", ({ addOns }) => { modules = addOns; });

/** Returns the version of an open module; undefined if it was removed, or before the host has sent versions. */
export const version = ({ addOn, key }) => modules[addOn]?.[key];

/** Registers the function that shows targets of a kind. */
export function registerPresenter(kind, show) {
  presenters[kind] = show;
}

/** Requests the page of a target from the host, signed for this use; or returns the error. */
export async function requestTarget(wanted) {
  const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
  const theme = document.documentElement.dataset.theme ?? (isDark ? "dark" : "light");
  const answer = await post("open", { ...wanted, theme });
  if (answer?.ok) return { ...await answer.json(), wanted };
  const body = await answer?.json().catch(() => null);
  return { status: answer?.status ?? 0, error: body?.error ?? "The host did not answer" };
}

/** Shows an opened target. Its page receives `events`, as [name, value]. */
export function show(opened, events = []) {
  presenters[opened.kind](opened, events);
}

/** Opens a window without a reference to this one. If the browser blocks it, shows a link instead. */
function openWindow({ name, url }) {
  const opened = window.open("", "_blank");
  if (opened) {
    opened.opener = null;
    opened.location.replace(url);
    return;
  }
  const dialog = document.createElement("dialog");
  dialog.className = "sheet-dialog";
  const link = Object.assign(document.createElement("a"), {
    className: "button", href: url, target: "_blank", rel: "noopener noreferrer", textContent: `Open ${name}`,
  });
  const text = Object.assign(document.createElement("p"), { textContent: "Your browser blocked the new window. Open it here:" });
  link.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  dialog.append(text, link);
  document.body.append(dialog);
  dialog.showModal();
}
