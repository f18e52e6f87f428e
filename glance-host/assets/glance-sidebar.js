// <glance-sidebar src="https://host/embed/rooms/7" token="...">: a room's live sidebar in any page.
//
// It fills the element with the host's own page and hands it the token by message, so that no
// address, log or history ever holds it. Where a token is wanted, because it ended or there was
// none, the element fires `tokenwanted`: set its `token` again.

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
    if (name === "token") this.#hand();
    else this.#load();
  }

  handleEvent({ source, origin, data }) {
    if (source !== this.#frame.contentWindow || origin !== this.#origin) return;
    if (data?.glance === "ready") {
      this.#ready = true;
      this.#hand();
    } else if (data?.glance === "tokenwanted") {
      this.#want();
    }
  }

  get #origin() {
    return this.#address?.origin;
  }

  /** Where the sidebar stands: on the host that serves this file, unless `src` names another. */
  get #address() {
    const src = this.getAttribute("src");
    if (!src) return null;
    const address = URL.canParse(src, ORIGIN) ? new URL(src, ORIGIN) : null;
    return /^https?:$/.test(address?.protocol) ? address : null;
  }

  #load() {
    this.#ready = false;
    const address = this.#address;
    if (!address) {
      this.#frame.removeAttribute("src");
      return;
    }
    const theme = this.getAttribute("theme");
    if (theme) address.searchParams.set("theme", theme);
    this.#frame.src = address;
  }

  /** Gives the page the token there is. */
  #hand() {
    if (!this.#ready) return;
    const token = this.getAttribute("token");
    if (token) this.#frame.contentWindow.postMessage({ glance: "token", token }, this.#origin);
    else this.#want();
  }

  #want() {
    this.dispatchEvent(new CustomEvent("tokenwanted", { bubbles: true, composed: true }));
  }
}

customElements.define("glance-sidebar", GlanceSidebar);
