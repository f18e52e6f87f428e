// A card: a notification with a title, a picture and attributes.

import { lozenge } from "./draw.js";
import * as markup from "./markup.js";

const KINDS = { file: "File", image: "Image", link: "Link", media: "Media" };

/** Draws a card; one with an activity is folded to that line. */
export function card(card) {
  const element = part("div", "card");
  element.dataset.style = Object.hasOwn(KINDS, card.style) ? card.style : "application";
  element.dataset.format = card.format === "compact" ? "compact" : "medium";
  const words = part("div", "card-words");
  words.append(title(card));
  if (card.description) words.append(part("div", `card-description${card.description.html === undefined ? "" : " html"}`, body(card.description)));
  if (card.attributes.length) words.append(part("dl", "card-attributes", card.attributes.map(attribute)));
  element.append(...thumbnail(card), words);
  return card.activity ? folded(card.activity, element) : element;
}

function part(tag, className, inside = []) {
  const element = Object.assign(document.createElement(tag), { className });
  element.append(...inside);
  return element;
}

function body({ text, html }) {
  return html === undefined ? markup.text(text) : markup.card(html);
}

function title(card) {
  const element = part("p", "card-title");
  const words = part(card.url ? "a" : "span", "", [card.title || card.url || "Untitled"]);
  element.append(...picture(card.icon, "card-icon"), card.url ? markup.link(words, card.url) : words);
  if (Object.hasOwn(KINDS, card.style)) element.append(part("span", "card-kind", [KINDS[card.style]]));
  return element;
}

function thumbnail(card) {
  const [image] = picture(card.thumbnail, "");
  if (!image) return [];
  const { width, height } = card.thumbnail;
  if (width > 0 && height > 0) Object.assign(image, { width, height });
  const frame = part(card.url ? "a" : "span", "thumbnail", [image]);
  if (card.style === "media") frame.append(part("span", "play"));
  if (!card.url) return [frame];
  // The title is the same link, and says where it goes.
  frame.tabIndex = -1;
  frame.setAttribute("aria-hidden", "true");
  return [markup.link(frame, card.url)];
}

function attribute({ label, value, lozenge: kind, url, icon }) {
  const shown = kind ? lozenge({ kind, label: value }) : part("span", "", [value]);
  const written = part("dd", "", picture(icon, "card-icon"));
  written.append(url ? markup.link(part("a", "", [shown]), url) : shown);
  return part("div", "", [part("dt", "", [label ?? ""]), written]);
}

function picture(image, className) {
  const source = (devicePixelRatio > 1 && image?.["url@2x"]) || image?.url;
  if (!markup.isPicture(source)) return [];
  return [markup.load(Object.assign(document.createElement("img"), { className, alt: "" }), source)];
}

function folded({ html, icon }, inside) {
  const summary = part("summary", "", [...picture(icon, "card-icon"), part("span", "", markup.card(html))]);
  return part("details", "activity", [summary, inside]);
}
