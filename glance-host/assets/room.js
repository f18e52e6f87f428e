// The room page: its timeline, what its viewer on the host says, and panels.

import "./room/timeline.js";
import * as panel from "./room/panel.js";
import * as sidebar from "./room/sidebar.js";
import { connect } from "./room/stream.js";
import { view } from "./room/views.js";

sidebar.start({ open: (line) => panel.open(line.target, line.id), drawn: panel.header });
connect();
if (panel.openLinked()) view("glances");
