// <glance-sidebar src="https://host/embed/rooms/7" token="...">: a room's live sidebar in any page.
//
// The element contains the host's own page and sends it the token in a message, so that no URL, log or browser history
// contains it. If there is no token, or it expired, the element fires `tokenwanted`: set the attribute `token` again.

const ORIGIN = new URL(import.meta.url).origin;

class GlanceSidebar extends HTMLElement {
  static observedAttributes = ["src", "token", "theme"];

  #frame = document.createElement("iframe");
  #ready = false;

  constructor() {
    super();
    const style = document.createElement("style");
    style.textContent = `
      :host { display: block; min-width: 16rem; height: 24rem; }
      iframe { display: block; width: 100%; height: 100%; border: 0; color-scheme: normal; }
    `;
    this.#frame.title = "Glances";
    this.#frame.referrerPolicy = "no-referrer";
    this.attachShadow({ mode: "open" }).append(style, this.#frame);
  }

  connectedCallback() {
    addEventListener("message", this);
    this.#load();
  }

  disconnectedCallback() {
    removeEventListener("message", this);
    this.#ready = false;
    this.#frame.removeAttribute("src");
  }

  attributeChangedCallback(name, before, now) {
    if (!this.isConnected || before === now) return;
    if (name === "token") this.#sendToken();
    else this.#load();
  }

  handleEvent({ source, origin, data }) {
    if (source !== this.#frame.contentWindow || origin !== this.#origin) return;
    if (data?.glance === "ready") {
      this.#ready = true;
      this.#sendToken();
    } else if (data?.glance === "tokenwanted") {
      this.#requestToken();
    }
  }

  get #origin() {
    return this.#url?.origin;
  }

  /** The URL of the sidebar, relative to the host that serves this file. */
  get #url() {
    const src = this.getAttribute("src");
    if (!src) return null;
    const url = URL.canParse(src, ORIGIN) ? new URL(src, ORIGIN) : null;
    return /^https?:$/.test(url?.protocol) ? url : null;
  }

  #load() {
    this.#ready = false;
    const url = this.#url;
    if (!url) {
      this.#frame.removeAttribute("src");
      return;
    }
    const theme = this.getAttribute("theme");
    if (theme) url.searchParams.set("theme", theme);
    this.#frame.src = url;
  }

  /** Sends the token to the page, or requests one. */
  #sendToken() {
    if (!this.#ready) return;
    const token = this.getAttribute("token");
    if (token) this.#frame.contentWindow.postMessage({ glance: "token", token }, this.#origin);
    else this.#requestToken();
  }

  #requestToken() {
    this.dispatchEvent(new CustomEvent("tokenwanted", { bubbles: true, composed: true }));
  }
}

customElements.define("glance-sidebar", GlanceSidebar);
