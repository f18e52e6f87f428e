// The sidebar on another site. It works as on the room page, but the site provides a token.

import { onEscape } from "./frames.js";
import "./room/addon-events.js";
import * as dialog from "./room/dialog.js";
import "./room/javascript-api.js";
import * as panel from "./room/panel.js";
import * as sidebar from "./room/sidebar.js";
import { authenticate, connect } from "./room/stream.js";

/** The minimum interval between requests for a token, in milliseconds. */
const MIN_TOKEN_INTERVAL = 5000;

const { origins, open } = document.querySelector("[data-at]").dataset;
const allowed = origins.split(" ");
let requestedAt = -MIN_TOKEN_INTERVAL;
let requestTimer = 0;

sidebar.start(({ id, key, target }) => panel.open({ addOn: target.addOn, glance: key }, id));
onEscape((frame) => {
  if (dialog.isOpenIn(frame)) dialog.close();
  else if (panel.isOpenIn(frame)) panel.close();
});

/** Notifies the site around this page. The message is no secret, and this page does not know the site's origin. */
function notifyParent(message) {
  if (parent !== window) parent.postMessage({ glance: message }, "*");
}

/** Requests a token, because there is none or it expired. */
function requestToken() {
  clearTimeout(requestTimer);
  requestTimer = setTimeout(() => {
    requestedAt = performance.now();
    notifyParent("tokenwanted");
  }, Math.max(0, requestedAt + MIN_TOKEN_INTERVAL - performance.now()));
}

addEventListener("message", ({ source, origin, data }) => {
  if (source !== parent || !allowed.includes(origin)) return;
  if (data?.glance !== "token" || typeof data.token !== "string") return;
  authenticate(data.token, requestToken);
  connect();
});

authenticate(null, requestToken);
notifyParent("ready");
// If the host shows the room to everyone, no token is needed.
if (open !== undefined) connect();
