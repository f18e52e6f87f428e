// Content of messages as DOM nodes: text with links and mentions, and sanitized HTML.

const LINKS = ["http:", "https:"];
const CELL = ["colspan", "rowspan", "valign"];
/** The allowed style properties. The stylesheet adjusts colours to keep them readable. */
const STYLES = { color: "--color", "font-weight": "font-weight", height: "height", "text-decoration": "text-decoration", width: "width" };
/** Below this depth the text stays without its elements. */
const MAX_DEPTH = 24;

/** The allowed elements of a message with their attributes; links and images get more below. */
const MESSAGE = {
  A: ["data-target", "data-target-options"], B: [], BR: [], CAPTION: [], CODE: [], EM: [], I: [],
  IMG: ["alt", "width", "height", "align"], LI: [], OL: [], PRE: [], SPAN: [], STRONG: [],
  TABLE: [], TBODY: [], TD: CELL, TFOOT: [], TH: CELL, THEAD: [], TR: ["valign"], UL: [],
};
/** The allowed elements of a card. */
const CARD = { A: MESSAGE.A, B: [], I: [], SPAN: [], STRONG: [] };
/** Elements whose text people must not see. */
const REMOVED = new Set(["IFRAME", "NOSCRIPT", "SCRIPT", "STYLE", "TEMPLATE", "TEXTAREA", "TITLE"]);

/** Sanitizes the HTML of a message: only the elements above reach the page. */
export function message(html) {
  return sanitize(html, MESSAGE);
}

/** Sanitizes the HTML of a part of a card. */
export function card(html) {
  return sanitize(html, CARD);
}

function sanitize(html, allowed) {
  const copy = (from, depth) => [...from.childNodes].flatMap((node) => {
    if (node.nodeType === Node.TEXT_NODE) return [document.createTextNode(node.data)];
    if (node.nodeType !== Node.ELEMENT_NODE || REMOVED.has(node.tagName)) return [];
    const inside = copy(node, depth + 1);
    if (depth > MAX_DEPTH || !Object.hasOwn(allowed, node.tagName)) return inside;
    const element = rebuild(node, allowed[node.tagName]);
    element.append?.(...inside);
    return [element];
  });
  return copy(new DOMParser().parseFromString(html, "text/html").body, 0);
}

function rebuild(node, attributes) {
  const element = document.createElement(node.tagName);
  for (const name of attributes) {
    if (node.hasAttribute(name)) element.setAttribute(name, node.getAttribute(name));
  }
  if (node.tagName === "A") {
    link(element, node.getAttribute("href"), [...LINKS, "mailto:"]);
  } else if (node.tagName === "IMG") {
    const source = node.getAttribute("src");
    if (!isAllowedImage(source)) return document.createTextNode(element.alt);
    loadImage(element, source);
  }
  if (["IMG", "SPAN"].includes(node.tagName) && node.dataset.style) {
    const wanted = document.createElement("span").style;
    wanted.cssText = node.dataset.style;
    for (const [name, set] of Object.entries(STYLES)) element.style.setProperty(set, wanted.getPropertyValue(name));
  }
  return element;
}

/** Makes an element a link to another site, if the URL has an allowed protocol. */
export function link(element, url, protocols = LINKS) {
  if (!protocols.includes(protocol(url))) return element;
  return Object.assign(element, { href: url, target: "_blank", rel: "noopener noreferrer nofollow" });
}

/** Whether the page may load an image: those of add-ons come through the host. */
export function isAllowedImage(url) {
  return /^(\/icon\/|\/assets\/|data:image\/)/i.test(url ?? "");
}

/** Loads an image. If that fails, its alternative text replaces it. */
export function loadImage(image, source) {
  image.addEventListener("error", () => image.replaceWith(image.alt), { once: true });
  image.src = source;
  return image;
}

function protocol(url) {
  try {
    return new URL(url).protocol;
  } catch {
    return null;
  }
}

// A URL ends before a bidirectional control character, so that people see the URL that they open.
const URL_PATTERN = String.raw`https?:\/\/[^\s<>"\u200e\u200f\u202a-\u202e\u2066-\u2069]+`;
/** Punctuation that ends a sentence rather than a URL. */
const PUNCTUATION = [...".,;:!?'\"*]}"];
const MENTION_PATTERN = String.raw`(?<![\p{Alphabetic}\p{N}_])@([\p{Alphabetic}\p{N}_]+)`;

/** Marks links in plain text, and mentions of the given names; `me` is the reader's own. */
export function text(text, mentions = [], me = null) {
  const named = new Set(mentions.map((name) => name.toLowerCase()));
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(new RegExp(`${URL_PATTERN}|${MENTION_PATTERN}`, "giu"))) {
    const name = match[1]?.toLowerCase();
    if (name && !named.has(name)) continue;
    const found = name ? match[0] : withoutPunctuation(match[0]);
    const element = document.createElement(name ? "span" : "a");
    element.textContent = found;
    if (!name) link(element, found);
    if (name) element.className = name === me?.toLowerCase() ? "mention me" : "mention";
    nodes.push(text.slice(end, match.index), element);
    end = match.index + found.length;
  }
  return [...nodes, text.slice(end)];
}

/** Marks code, links and mentions in a person's text. Code contains neither links nor mentions. */
export function textWithCode(written, mentions, me) {
  return splitCode(written).flatMap(({ type, content }) => {
    if (type === "text") return text(content, mentions, me);
    const code = Object.assign(document.createElement("code"), { dir: "auto", textContent: content });
    if (type === "code") return [code];
    const block = document.createElement("pre");
    block.append(code);
    return [block];
  });
}

/** Whether a person's text mentions this name outside of code. */
export function mentions(text, name) {
  const pattern = new RegExp(MENTION_PATTERN, "giu");
  return splitCode(text).some(({ type, content }) => type === "text"
    && [...content.matchAll(pattern)].some((match) => match[1].toLowerCase() === name.toLowerCase()));
}

/**
 * Splits a text into parts of the types `text`, `code` (between backticks) and `block` (lines between two lines of three
 * backticks). Backticks without their counterpart are text.
 */
function splitCode(text) {
  const lines = text.split("\n");
  const isEnd = (line) => /^```\s*$/.test(line);
  const lastEnd = lines.findLastIndex(isEnd);
  const parts = [];
  const add = (type, content) => {
    if (type === "text" && parts.at(-1)?.type === "text") parts.at(-1).content += content;
    else parts.push({ type, content });
  };
  let isAfterLine = false;
  for (let at = 0; at < lines.length; at += 1) {
    if (at < lastEnd && /^```[^`]*$/.test(lines[at])) {
      const start = at + 1;
      do at += 1; while (!isEnd(lines[at]));
      add("block", lines.slice(start, at).join("\n"));
      isAfterLine = false;
    } else {
      if (isAfterLine) add("text", "\n");
      splitLine(lines[at], add);
      isAfterLine = true;
    }
  }
  return parts;
}

/** Passes the text and code of a line to `add`. Code ends at as many backticks as it begins with. */
function splitLine(line, add) {
  const runs = [...line.matchAll(/`+/g)];
  // Found from the end, so that a line of many backticks takes linear time.
  const ends = [];
  const next = new Map();
  for (let at = runs.length - 1; at >= 0; at -= 1) {
    const { length } = runs[at][0];
    ends[at] = next.get(length);
    next.set(length, at);
  }
  let from = 0;
  for (let at = 0; at < runs.length; at += 1) {
    const [start, end] = [runs[at], runs[ends[at]]];
    if (!end) continue;
    let content = line.slice(start.index + start[0].length, end.index);
    // The spaces allow code that begins or ends with a backtick.
    if (content.startsWith(" ") && content.endsWith(" ") && content.trim()) content = content.slice(1, -1);
    add("text", line.slice(from, start.index));
    add("code", content);
    from = end.index + end[0].length;
    at = ends[at];
  }
  add("text", line.slice(from));
}

/** Removes the punctuation that ends a sentence from a URL. */
function withoutPunctuation(found) {
  const count = (letter) => found.split(letter).length;
  let unopened = count(")") - count("(");
  let end = found.length;
  while (PUNCTUATION.includes(found[end - 1]) || (found[end - 1] === ")" && unopened > 0)) {
    end -= 1;
    if (found[end] === ")") unopened -= 1;
  }
  return found.slice(0, end);
}
