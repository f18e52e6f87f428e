// The sidebar on another site: as on the room page, but whoever shows it says who looks.

import { onEscape } from "./frames.js";
import "./room/calls.js";
import * as dialog from "./room/dialog.js";
import * as panel from "./room/panel.js";
import * as sidebar from "./room/sidebar.js";
import { connect, identify } from "./room/stream.js";
import "./room/told.js";

/** A token is asked for no more often than this, in milliseconds. */
const PATIENCE = 5000;

const { origins, open } = document.querySelector("[data-at]").dataset;
const allowed = origins.split(" ");
let asked = -PATIENCE;
let asking = 0;

sidebar.start({ open: ({ id, key, target }) => panel.open({ addOn: target.addOn, glance: key }, id), drawn: panel.header });
onEscape((made) => {
  if (dialog.has(made)) dialog.close();
  else if (panel.has(made)) panel.close();
});

/** Tells whoever shows this page; what is said is no secret, and who that is only they know. */
function tell(what) {
  if (parent !== window) parent.postMessage({ glance: what }, "*");
}

/** Asks for a token: the one there was ended, or there was none. */
function want() {
  clearTimeout(asking);
  asking = setTimeout(() => {
    asked = performance.now();
    tell("tokenwanted");
  }, Math.max(0, asked + PATIENCE - performance.now()));
}

addEventListener("message", ({ source, origin, data }) => {
  if (source !== parent || !allowed.includes(origin)) return;
  if (data?.glance !== "token" || typeof data.token !== "string") return;
  identify(data.token, want);
  connect();
});

identify(null, want);
tell("ready");
// Without a token, where the host shows the room to everyone.
if (open !== undefined) connect();
