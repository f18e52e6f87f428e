// The page of messages to one person: links, sanitized HTML, and times in the reader's time zone.

import * as markup from "./room/markup.js";

const moment = new Intl.DateTimeFormat([], { dateStyle: "medium", timeStyle: "short" });

for (const body of document.querySelectorAll(".body")) {
  const { html } = body.dataset;
  body.replaceChildren(...(html === undefined ? markup.text(body.textContent) : markup.message(html)));
}
for (const time of document.querySelectorAll("time")) {
  time.textContent = moment.format(new Date(time.dateTime));
}
