// Elements that several parts of the page use.

export function icon(image, className) {
  const element = document.createElement("img");
  element.className = className;
  element.alt = "";
  element.addEventListener("error", () => { element.src = "/assets/icon.svg"; }, { once: true });
  element.src = (devicePixelRatio > 1 && image["url@2x"]) || image.url;
  return element;
}

export function lozenge({ kind, label }) {
  const element = document.createElement("span");
  element.className = "lozenge";
  element.dataset.kind = kind;
  element.textContent = label;
  element.title = label;
  return element;
}

export function note(text) {
  return Object.assign(document.createElement("span"), { className: "note", textContent: text });
}

/** Rebuilds a label from its text and the four allowed tags; no other HTML reaches the page. */
export function sanitizeLabel(html) {
  const allowed = new Set(["B", "STRONG", "EM", "I"]);
  const copy = (from) => [...from.childNodes].flatMap((node) => {
    if (node.nodeType === Node.TEXT_NODE) return [document.createTextNode(node.data)];
    if (node.nodeType !== Node.ELEMENT_NODE) return [];
    if (!allowed.has(node.tagName)) return copy(node);
    const element = document.createElement(node.tagName);
    element.append(...copy(node));
    return [element];
  });
  return copy(new DOMParser().parseFromString(html, "text/html").body);
}
