// The room page: shows what its viewer on the host says, and opens the pages of add-ons.

import "./room/actions.js";
import "./room/calls.js";
import * as dialog from "./room/dialog.js";
import { onEscape } from "./room/frames.js";
import * as panel from "./room/panel.js";
import * as sidebar from "./room/sidebar.js";
import { connect } from "./room/stream.js";

sidebar.start({ open: ({ id, key, target }) => panel.open({ addOn: target.addOn, glance: key }, id), drawn: panel.header });
onEscape((made) => {
  if (dialog.has(made)) dialog.close();
  else if (panel.has(made)) panel.close();
});
connect();
panel.openLinked();
