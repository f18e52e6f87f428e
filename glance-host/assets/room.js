// The room page: timeline, sidebar, inspector, and the pages of add-ons.

import { onEscape } from "./frames.js";
import * as actions from "./room/actions.js";
import "./room/addon-events.js";
import * as composer from "./room/composer.js";
import * as dialog from "./room/dialog.js";
import * as inspector from "./room/inspector.js";
import { setComposer } from "./room/javascript-api.js";
import * as panel from "./room/panel.js";
import { addReplyButton } from "./room/reply.js";
import * as sidebar from "./room/sidebar.js";
import { connect } from "./room/stream.js";
import { decorateEntries } from "./room/timeline.js";
import { showView } from "./room/views.js";

// Makes the open room visible in a long list of rooms.
document.querySelector(".bar nav [aria-current]").scrollIntoView({ block: "nearest", inline: "center" });
sidebar.start({ open: ({ id, key, target }) => panel.open({ addOn: target.addOn, glance: key }, id), onRender: panel.renderHeader });
decorateEntries(({ id }) => composer.confirm(id));
if (!document.getElementById("composer").hidden) decorateEntries(addReplyButton);
decorateEntries(({ id }, place) => place.append(actions.messageMenu(id)));
document.getElementById("composer").prepend(actions.inputMenu());
setComposer({
  appendMessage: composer.appendMessage,
  focus() {
    showView("chat");
    composer.focus();
  },
});
// The link leads into the chat, which a narrow page may hide.
document.getElementById("skip").addEventListener("click", () => showView("chat"));
panel.onShown(() => showView("glances"));
onEscape((frame) => {
  if (dialog.isOpenIn(frame)) dialog.close();
  else if (panel.isOpenIn(frame)) panel.close();
});
inspector.start();
connect();
panel.restore();
