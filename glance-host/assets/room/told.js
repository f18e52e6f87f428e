// What the pages of add-ons are told of: that something was written, and pushes of their own add-on.

import { addOns, onChange, tellAll } from "../frames.js";
import { on, page, post } from "./stream.js";

/** The host tells of pushes of those add-ons only whose pages are open. */
function follow() {
  if (page !== null) post(`pages/${page}/frames`, { addOns: addOns() });
}

onChange(follow);
on("sidebar", follow);
on("entry", () => tellAll("message-received", {}));
on("pushed", ({ addOn, key, metadata }) => {
  tellAll("glance-update", { addon_key: addOn, module_key: key, metadata }, addOn);
});
