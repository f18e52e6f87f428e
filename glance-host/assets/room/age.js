// The age of what a glance shows, in words. The host writes the same ones into the page.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The host's time minus the browser's, in milliseconds. */
let offset = 0;

/** Takes the host's time: the browser's clock may be wrong. */
export function setHostTime(now) {
  offset = now - Date.now();
}

/** The host's time, in milliseconds since 1970. */
export const hostTime = () => Date.now() + offset;

/** Returns when something changed. */
export function changed(at) {
  const age = hostTime() - at;
  if (age < MINUTE) return "changed just now";
  if (age < HOUR) return `changed ${Math.floor(age / MINUTE)} min ago`;
  if (age < DAY) return `changed ${Math.floor(age / HOUR)} h ago`;
  return `changed ${Math.floor(age / DAY)} d ago`;
}

/** Returns the time of data that may be out of date: a time of today, or a date. */
export function asOf(at) {
  const time = new Date(at - offset);
  const isToday = time.toDateString() === new Date().toDateString();
  const text = isToday ? time.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" }) : time.toLocaleDateString();
  return `as of ${text}`;
}
