// Opens what a glance, an action or a page names: a panel, a dialog, or a page in a window of its own.

import { on, post } from "./stream.js";

/** What shows each kind, as `show(opened, events)`. */
const shows = { page: openWindow };

/** The modules of each add-on in the room, as the host told last: another version is another page. */
let here = {};

on("here", ({ addOns }) => { here = addOns; });

/** The version of what is open; undefined where it is gone, or before the host told. */
export const version = ({ addOn, key }) => here[addOn]?.[key];

export function showWith(kind, show) {
  shows[kind] = show;
}

/** Asks the host for what is to be opened, with a token made for this opening; or says why not. */
export async function ask(wanted) {
  const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
  const theme = document.documentElement.dataset.theme ?? (isDark ? "dark" : "light");
  const answer = await post("open", { ...wanted, theme });
  if (answer?.ok) return { ...await answer.json(), wanted };
  const said = await answer?.json().catch(() => null);
  return { status: answer?.status ?? 0, error: said?.error ?? "The host did not answer" };
}

/** Shows what the host opened; `events` are what its page is told, as [name, value]. */
export function show(opened, events = []) {
  shows[opened.kind](opened, events);
}

/** Opens a window that knows nothing of this one; where the browser refuses, a link does it. */
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
  const text = Object.assign(document.createElement("p"), { textContent: "The browser did not let the page open by itself." });
  link.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  dialog.append(text, link);
  document.body.append(dialog);
  dialog.showModal();
}
