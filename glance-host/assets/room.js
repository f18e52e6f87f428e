// The room page: shows what its viewer on the host says, and opens panels.

import * as panel from "./room/panel.js";
import * as sidebar from "./room/sidebar.js";
import { connect } from "./room/stream.js";

sidebar.start({ open: (line) => panel.open(line.target, line.id), drawn: panel.header });
connect();
panel.openLinked();
