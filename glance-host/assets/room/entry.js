// One entry of the timeline: sender, time and content.

import { card } from "./card.js";
import * as markup from "./markup.js";

const COLORS = ["yellow", "green", "red", "purple", "gray"];
const clock = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit" });
const moment = new Intl.DateTimeFormat([], { dateStyle: "full", timeStyle: "medium" });
const date = new Intl.DateTimeFormat([], { dateStyle: "full" });

/** Creates the element of an entry. A click on the quoted entry calls `jump` with its id. */
export function entry(entry, { me, user, jump }) {
  const element = part("article", "entry");
  element.dataset.id = entry.id;
  element.dataset.kind = entry.kind;
  const body = part("div", "body");
  body.dir = "auto";
  if (entry.kind === "notification") element.dataset.color = COLORS.includes(entry.color) ? entry.color : COLORS[0];
  body.classList.toggle("html", entry.html !== undefined);
  body.append(...content(entry, me));
  element.classList.toggle("for-me", isFor(entry, { me, user }));
  element.append(header(entry));
  if (entry.parent) element.append(parent(entry.parent, jump));
  element.append(body);
  return element;
}

/** Whether the entry mentions this person, or is somebody else's reply to them. */
export function isFor(entry, { me, user }) {
  const { mentions = [], parent, sender, text } = entry;
  if (parent?.by === user && sender.id !== user) return true;
  // The host lists names in code too.
  return mentions.some((name) => name.toLowerCase() === me.toLowerCase()) && (!isByPerson(entry) || markup.mentions(text, me));
}

function content(entry, me) {
  const { card: cardData, html, text, mentions } = entry;
  if (cardData) return [card(cardData)];
  if (html !== undefined) return markup.message(html);
  return isByPerson(entry) ? markup.textWithCode(text, mentions, me) : markup.text(text, mentions, me);
}

function isByPerson({ kind, sender }) {
  return kind === "message" && !sender.isAddOn;
}

function header({ sender, from, notify, at }) {
  const element = part("header");
  const face = part("span", "face", [[...sender.name.trim()][0]?.toUpperCase() ?? "?"]);
  face.setAttribute("aria-hidden", "true");
  if (sender.avatar) face.replaceChildren(avatar(sender.avatar, face.textContent));
  element.append(face, part("bdi", "sender", [sender.name]));
  if (sender.isAddOn) element.append(part("span", "tag", ["add-on"]));
  if (from) element.append(part("bdi", "from", [from]));
  if (notify) element.append(part("span", "tag notify", ["alert"]));
  element.append(time(at, clock), part("span", "actions"));
  return element;
}

/** The avatar of an add-on, or its initial if the image cannot be loaded. */
function avatar({ url, "url@2x": dense }, initial) {
  const image = Object.assign(document.createElement("img"), { alt: initial });
  if (dense) image.srcset = `${dense} 2x`;
  return markup.loadImage(image, url);
}

function parent({ id, name, excerpt }, jump) {
  const element = part("button", "parent", [
    part("span", "unseen", ["In reply to "]), part("bdi", "sender", [name]), " ", part("bdi", "", [excerpt]),
  ]);
  element.type = "button";
  element.addEventListener("click", () => jump(id));
  return element;
}

/** Shows the day above the first entry of a day, and removes it if `at` is null. */
export function setDay(element, at) {
  const shown = element.querySelector(":scope > .day");
  if (!at) {
    shown?.remove();
    return;
  }
  const written = time(at, { format: dayName });
  if (shown?.textContent === written.textContent) return;
  shown?.remove();
  element.prepend(part("p", "day", [written]));
}

function dayName(at) {
  const days = [["Today", 0], ["Yesterday", 1]].find(([, ago]) => {
    const then = new Date();
    then.setDate(then.getDate() - ago);
    return then.toDateString() === at.toDateString();
  });
  return days?.[0] ?? date.format(at);
}

function time(at, format) {
  const when = new Date(at);
  const element = part("time", "", [format.format(when)]);
  element.dateTime = at;
  element.title = moment.format(when);
  return element;
}

function part(tag, className = "", inside = []) {
  const element = Object.assign(document.createElement(tag), { className });
  element.append(...inside);
  return element;
}
