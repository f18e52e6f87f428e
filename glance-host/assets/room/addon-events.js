// Events for the pages of add-ons: new messages in the room, and pushes of their own add-on.

import { emitToAll, onFramesChange, openAddOns } from "../frames.js";
import { on, page, post } from "./stream.js";

/** The host sends push events only for add-ons whose pages are open. */
function subscribe() {
  if (page !== null) post(`pages/${page}/frames`, { addOns: openAddOns() });
}

onFramesChange(subscribe);
on("sidebar", subscribe);
on("entry", () => emitToAll("message-received", {}));
on("pushed", ({ addOn, key, metadata }) => {
  emitToAll("glance-update", { addon_key: addOn, module_key: key, metadata }, addOn);
});
