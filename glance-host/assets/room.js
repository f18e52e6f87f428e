// The room page: its timeline, what its viewer on the host says, and the pages of add-ons.

import { onEscape } from "./frames.js";
import * as actions from "./room/actions.js";
import * as calls from "./room/calls.js";
import { arrived } from "./room/composer.js";
import * as dialog from "./room/dialog.js";
import * as inspector from "./room/inspector.js";
import * as panel from "./room/panel.js";
import * as reply from "./room/reply.js";
import * as sidebar from "./room/sidebar.js";
import { connect } from "./room/stream.js";
import * as timeline from "./room/timeline.js";
import "./room/told.js";
import { view } from "./room/views.js";

// Where there are many rooms, the one that is open is not out of sight.
document.querySelector(".bar nav [aria-current]").scrollIntoView({ block: "nearest", inline: "center" });
sidebar.start({ open: ({ id, key, target }) => panel.open({ addOn: target.addOn, glance: key }, id), drawn: panel.header });
timeline.offer(({ id }) => arrived(id));
if (!document.getElementById("composer").hidden) timeline.offer(reply.offer);
timeline.offer(({ id }, place) => place.append(actions.messageMenu(id)));
document.getElementById("composer").prepend(actions.inputMenu());
calls.start({
  appendMessage: timeline.appendMessage,
  focus() {
    view("chat");
    timeline.focus();
  },
});
// By a link into the chat one comes there also where a narrow page shows the glances.
document.getElementById("skip").addEventListener("click", () => view("chat"));
panel.onShown(() => view("glances"));
onEscape((made) => {
  if (dialog.has(made)) dialog.close();
  else if (panel.has(made)) panel.close();
});
inspector.start();
connect();
panel.openLinked();
