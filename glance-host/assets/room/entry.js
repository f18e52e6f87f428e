// One entry of the timeline: who, when, and what they wrote.

import { card } from "./card.js";
import * as markup from "./markup.js";

const COLORS = ["yellow", "green", "red", "purple", "gray"];
const clock = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit" });
const moment = new Intl.DateTimeFormat([], { dateStyle: "full", timeStyle: "medium" });
const date = new Intl.DateTimeFormat([], { dateStyle: "full" });

/** Draws an entry; `jump` is called with the id of the one it answers. */
export function entry(entry, { me, user, jump }) {
  const element = part("article", "entry");
  element.dataset.id = entry.id;
  element.dataset.kind = entry.kind;
  const body = part("div", "body");
  body.dir = "auto";
  if (entry.kind === "notification") element.dataset.color = COLORS.includes(entry.color) ? entry.color : COLORS[0];
  body.classList.toggle("html", entry.html !== undefined);
  body.append(...said(entry, me));
  element.classList.toggle("for-me", isFor(entry, { me, user }));
  element.append(header(entry));
  if (entry.parent) element.append(parent(entry.parent, jump));
  element.append(body);
  return element;
}

/** Whether it mentions this person, or is the answer of another one to them. */
export function isFor({ mentions = [], parent, sender }, { me, user }) {
  return (parent?.by === user && sender.id !== user) || mentions.some((name) => name.toLowerCase() === me.toLowerCase());
}

function said({ card: drawn, html, text, mentions }, me) {
  if (drawn) return [card(drawn)];
  return html === undefined ? markup.text(text, mentions, me) : markup.message(html);
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

/** An add-on's picture of itself; its initial stands there where it cannot be loaded. */
function avatar({ url, "url@2x": dense }, initial) {
  const image = Object.assign(document.createElement("img"), { alt: initial });
  if (dense) image.srcset = `${dense} 2x`;
  return markup.load(image, url);
}

function parent({ id, name, excerpt }, jump) {
  const element = part("button", "parent", [
    part("span", "unseen", ["In reply to "]), part("bdi", "sender", [name]), " ", part("bdi", "", [excerpt]),
  ]);
  element.type = "button";
  element.addEventListener("click", () => jump(id));
  return element;
}

/** Shows the day over an entry that begins one, or `null` over the others. */
export function day(element, at) {
  const shown = element.querySelector(":scope > .day");
  if (!at) {
    shown?.remove();
    return;
  }
  const written = time(at, { format: named });
  if (shown?.textContent === written.textContent) return;
  shown?.remove();
  element.prepend(part("p", "day", [written]));
}

function named(at) {
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
