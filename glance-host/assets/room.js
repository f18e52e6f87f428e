// The room page: timeline, sidebar, inspector, and the pages of add-ons.

import { onEscape } from "./frames.js";
import * as actions from "./room/actions.js";
import "./room/addon-events.js";
import * as composer from "./room/composer.js";
import * as dialog from "./room/dialog.js";
import * as inspector from "./room/inspector.js";
import { setComposer } from "./room/javascript-api.js";
import "./room/mentions.js";
import * as panel from "./room/panel.js";
import { addReplyButton } from "./room/reply.js";
import * as sidebar from "./room/sidebar.js";
import { connect } from "./room/stream.js";
import { closeSheet, isSheetOpen, openSheet } from "./room/strip.js";
import { decorateEntries } from "./room/timeline.js";

// Makes the open room visible in a long list of rooms.
document.querySelector("#rooms [aria-current]").scrollIntoView({ block: "center" });
sidebar.start(({ id, key, target }) => panel.open({ addOn: target.addOn, glance: key }, id));
decorateEntries(({ id }) => composer.confirm(id));
if (!document.getElementById("composer").hidden) decorateEntries(addReplyButton);
decorateEntries(({ id }, place) => place.append(actions.messageMenu(id)));
document.getElementById("composer").prepend(actions.inputMenu());
setComposer({
  appendMessage: composer.appendMessage,
  focus() {
    closeSheet();
    composer.focus();
  },
});
// The link leads into the chat, which a sheet may cover.
document.getElementById("skip").addEventListener("click", (event) => {
  if (!isSheetOpen()) return;
  event.preventDefault();
  closeSheet();
  document.querySelector(event.target.hash).focus();
});
panel.onShown(openSheet);
onEscape((frame) => {
  if (dialog.isOpenIn(frame)) dialog.close();
  else if (panel.isOpenIn(frame)) panel.close();
});
inspector.start();
connect();
panel.restore();
