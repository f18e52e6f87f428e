// Cards: notifications with a title, an image and attributes.

import { lozenge } from "./dom.js";
import * as markup from "./markup.js";

const KINDS = { file: "File", image: "Image", link: "Link", media: "Media" };

/** Creates the element of a card. A card with an activity is collapsed to that line. */
export function card(card) {
  const element = part("div", "card");
  element.dataset.style = Object.hasOwn(KINDS, card.style) ? card.style : "application";
  element.dataset.format = card.format === "compact" ? "compact" : "medium";
  const words = part("div", "card-words");
  words.append(title(card));
  if (card.description) words.append(part("div", `card-description${card.description.html === undefined ? "" : " html"}`, body(card.description)));
  if (card.attributes.length) words.append(part("dl", "card-attributes", card.attributes.map(attribute)));
  element.append(...thumbnail(card), words);
  return card.activity ? collapsed(card.activity, element) : element;
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
  element.append(...image(card.icon, "card-icon"), card.url ? markup.link(words, card.url) : words);
  if (Object.hasOwn(KINDS, card.style)) element.append(part("span", "card-kind", [KINDS[card.style]]));
  return element;
}

function thumbnail(card) {
  const [picture] = image(card.thumbnail, "");
  if (!picture) return [];
  const { width, height } = card.thumbnail;
  if (width > 0 && height > 0) Object.assign(picture, { width, height });
  const frame = part(card.url ? "a" : "span", "thumbnail", [picture]);
  if (card.style === "media") frame.append(part("span", "play"));
  if (!card.url) return [frame];
  // The title is the same link, with a text.
  frame.tabIndex = -1;
  frame.setAttribute("aria-hidden", "true");
  return [markup.link(frame, card.url)];
}

function attribute({ label, value, lozenge: kind, url, icon }) {
  const shown = kind ? lozenge({ kind, label: value }) : part("span", "", [value]);
  const written = part("dd", "", image(icon, "card-icon"));
  written.append(url ? markup.link(part("a", "", [shown]), url) : shown);
  return part("div", "", [part("dt", "", [label ?? ""]), written]);
}

function image(picture, className) {
  const source = (devicePixelRatio > 1 && picture?.["url@2x"]) || picture?.url;
  if (!markup.isAllowedImage(source)) return [];
  return [markup.loadImage(Object.assign(document.createElement("img"), { className, alt: "" }), source)];
}

function collapsed({ html, icon }, inside) {
  const summary = part("summary", "", [...image(icon, "card-icon"), part("span", "", markup.card(html))]);
  return part("details", "activity", [summary, inside]);
}
