// What people and add-ons wrote, as nodes: text with its links and mentions, and HTML built anew.

const LINKS = ["http:", "https:"];
const CELL = ["colspan", "rowspan", "valign"];
/** What a style may set. The stylesheet makes a colour one that can be read. */
const STYLES = { color: "--color", "font-weight": "font-weight", height: "height", "text-decoration": "text-decoration", width: "width" };
/** Deeper than that the words stay and the elements go. */
const DEPTH = 24;

/** Elements of a message, and what they may have beside what is made for them here. */
const MESSAGE = {
  A: ["data-target", "data-target-options"], B: [], BR: [], CAPTION: [], CODE: [], EM: [], I: [],
  IMG: ["alt", "width", "height", "align"], LI: [], OL: [], PRE: [], SPAN: [], STRONG: [],
  TABLE: [], TBODY: [], TD: CELL, TFOOT: [], TH: CELL, THEAD: [], TR: ["valign"], UL: [],
};
/** Elements of a card. */
const CARD = { A: MESSAGE.A, B: [], I: [], SPAN: [], STRONG: [] };
/** Their text is not for people. */
const REMOVED = new Set(["IFRAME", "NOSCRIPT", "SCRIPT", "STYLE", "TEMPLATE", "TEXTAREA", "TITLE"]);

/** A message's HTML; nothing but the elements above reaches the page. */
export function message(html) {
  return rebuilt(html, MESSAGE);
}

/** The HTML of a part of a card. */
export function card(html) {
  return rebuilt(html, CARD);
}

function rebuilt(html, allowed) {
  const copy = (from, depth) => [...from.childNodes].flatMap((node) => {
    if (node.nodeType === Node.TEXT_NODE) return [document.createTextNode(node.data)];
    if (node.nodeType !== Node.ELEMENT_NODE || REMOVED.has(node.tagName)) return [];
    const inside = copy(node, depth + 1);
    if (depth > DEPTH || !Object.hasOwn(allowed, node.tagName)) return inside;
    const element = built(node, allowed[node.tagName]);
    element.append?.(...inside);
    return [element];
  });
  return copy(new DOMParser().parseFromString(html, "text/html").body, 0);
}

function built(node, attributes) {
  const element = document.createElement(node.tagName);
  for (const name of attributes) {
    if (node.hasAttribute(name)) element.setAttribute(name, node.getAttribute(name));
  }
  if (node.tagName === "A") {
    link(element, node.getAttribute("href"), [...LINKS, "mailto:"]);
  } else if (node.tagName === "IMG") {
    const source = node.getAttribute("src");
    if (!isPicture(source)) return document.createTextNode(element.alt);
    load(element, source);
  }
  if (["IMG", "SPAN"].includes(node.tagName) && node.dataset.style) {
    const wanted = document.createElement("span").style;
    wanted.cssText = node.dataset.style;
    for (const [name, set] of Object.entries(STYLES)) element.style.setProperty(set, wanted.getPropertyValue(name));
  }
  return element;
}

/** Makes an element a link to another site, where the address is of one. */
export function link(element, address, protocols = LINKS) {
  if (!protocols.includes(protocol(address))) return element;
  return Object.assign(element, { href: address, target: "_blank", rel: "noopener noreferrer nofollow" });
}

/** Pictures of add-ons come by way of the host. */
export function isPicture(address) {
  return /^(\/icon\/|\/assets\/|data:image\/)/i.test(address ?? "");
}

/** Loads a picture that says nothing of this page; what cannot be loaded leaves its words. */
export function load(image, source) {
  image.addEventListener("error", () => image.replaceWith(image.alt), { once: true });
  image.src = source;
  return image;
}

function protocol(address) {
  try {
    return new URL(address).protocol;
  } catch {
    return null;
  }
}

// An address ends where its text's direction is turned: what is read is what is opened.
const ADDRESS = String.raw`https?:\/\/[^\s<>"\u200e\u200f\u202a-\u202e\u2066-\u2069]+`;
/** What ends a sentence and no address. */
const END = [...".,;:!?'\"*]}"];
const MENTION = String.raw`(?<![\p{Alphabetic}\p{N}_])@([\p{Alphabetic}\p{N}_]+)`;

/** Plain text with its links, and with the mentions of these names; `me` is the reader's own. */
export function text(text, mentions = [], me = null) {
  const named = new Set(mentions.map((name) => name.toLowerCase()));
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(new RegExp(`${ADDRESS}|${MENTION}`, "giu"))) {
    const name = match[1]?.toLowerCase();
    if (name && !named.has(name)) continue;
    const found = name ? match[0] : address(match[0]);
    const element = document.createElement(name ? "span" : "a");
    element.textContent = found;
    if (!name) link(element, found);
    if (name) element.className = name === me?.toLowerCase() ? "mention me" : "mention";
    nodes.push(text.slice(end, match.index), element);
    end = match.index + found.length;
  }
  return [...nodes, text.slice(end)];
}

/** An address in a sentence, without what ends the sentence. */
function address(found) {
  const count = (letter) => found.split(letter).length;
  let unopened = count(")") - count("(");
  let end = found.length;
  while (END.includes(found[end - 1]) || (found[end - 1] === ")" && unopened > 0)) {
    end -= 1;
    if (found[end] === ")") unopened -= 1;
  }
  return found.slice(0, end);
}
