// The sidebar on another site: as on the room page, but whoever shows it says who looks.

import * as panel from "./room/panel.js";
import * as sidebar from "./room/sidebar.js";
import { connect, identify } from "./room/stream.js";

const { origins, open } = document.querySelector("[data-at]").dataset;
const allowed = origins.split(" ");
let parentOrigin = null;

sidebar.start({ open: (line) => panel.open(line.target, line.id), drawn: panel.header });

/** Asks whoever shows this page for a token; it may come at any time, and again. */
function want(what) {
  if (parent !== window) parent.postMessage({ glance: what }, parentOrigin ?? "*");
}

addEventListener("message", ({ source, origin, data }) => {
  if (source !== parent || !allowed.includes(origin)) return;
  if (data?.glance !== "token" || typeof data.token !== "string") return;
  parentOrigin = origin;
  identify(data.token, () => want("tokenwanted"));
  connect();
});

want("ready");
// Without a token, where the host shows the room to everyone.
if (open !== undefined) connect();
