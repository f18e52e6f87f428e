// Keeps a page of an add-on up to date while it is open, by the host's JavaScript API:
//
// - After a push to a glance of the add-on, elements with `data-live="name"` take the content that they
//   have in the newly read page.
// - Forms are sent in place. A form inside such an element replaces those elements only, any other the
//   whole body.
// - `<time datetime>` elements say how long ago that was, in the time zone of whoever looks.
//
// Without the host's script only the last one works, and forms are sent as usual.

(() => {
  const MIN_INTERVAL = 1_000;
  const RETRY_AFTER = [2_000, 10_000, 30_000];
  const TIMEOUT = 20_000;
  const TICK = 20_000;
  const UNITS = [["day", 86_400], ["hour", 3_600], ["minute", 60]];
  const MOST_RELATIVE = 7 * 86_400;

  const language = document.documentElement.lang || undefined;
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  const absolute = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
  const pause = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });

  function inWords(at) {
    const seconds = Math.round((at - Date.now()) / 1000);
    const size = Math.abs(seconds);
    if (size < 60) return "just now";
    if (size > MOST_RELATIVE) return absolute.format(at);
    const [unit, length] = UNITS.find(([, length]) => size >= length);
    return relative.format(Math.trunc(seconds / length), unit);
  }

  function showTimes() {
    for (const element of document.querySelectorAll("time[datetime]")) {
      const at = Date.parse(element.dateTime);
      if (Number.isNaN(at)) continue;
      const words = inWords(at);
      if (element.textContent !== words) element.textContent = words;
      element.title = absolute.format(at);
    }
  }

  const liveElements = (page) => [...page.querySelectorAll("[data-live]")];
  /** The HTML of each live element as the server wrote it. */
  const written = new Map();
  const remember = () => liveElements(document).forEach((element) => written.set(element.dataset.live, element.innerHTML));

  /** Moves the focus to where it was, if what had it was replaced. */
  function keepFocus(change) {
    const { id } = document.activeElement ?? {};
    change();
    if (id && document.activeElement?.id !== id) document.getElementById(id)?.focus();
  }

  function replaceLive(page) {
    keepFocus(() => {
      for (const element of liveElements(page)) {
        const name = element.dataset.live;
        const shown = liveElements(document).find((other) => other.dataset.live === name);
        if (!shown || written.get(name) === element.innerHTML) continue;
        written.set(name, element.innerHTML);
        shown.replaceChildren(...element.childNodes);
      }
    });
    showTimes();
  }

  function replaceBody(page) {
    keepFocus(() => document.body.replaceChildren(...page.body.childNodes));
    remember();
    showTimes();
  }

  remember();
  showTimes();
  setInterval(showTimes, TICK);
  if (!window.HipChat?.auth) return;

  /** Reads this page anew with a new token: the one in its address may have ended. */
  async function load(options = {}) {
    const token = await new Promise((resolve, reject) => {
      HipChat.auth.withToken((error, token) => error ? reject(new Error(error.message)) : resolve(token));
    });
    const url = new URL(location.href);
    url.searchParams.delete("signed_request");
    const headers = { Authorization: `JWT ${token}` };
    const answer = await fetch(url, { ...options, headers, signal: AbortSignal.timeout(TIMEOUT) });
    const isPage = answer.headers.get("Content-Type")?.startsWith("text/html");
    // 422 is the page with what is wrong in the form.
    if (!isPage || !(answer.ok || answer.status === 422)) throw new Error(`status ${answer.status}`);
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  }

  /** Counts what was saved: a page that was asked for earlier is older than what is shown. */
  let saved = 0;
  let isRefreshing = false;
  let isStale = false;

  async function refresh() {
    isStale = true;
    if (isRefreshing) return;
    isRefreshing = true;
    let failures = 0;
    while (isStale) {
      isStale = false;
      const before = saved;
      let wait = MIN_INTERVAL;
      try {
        const page = await load();
        if (before === saved) replaceLive(page);
        failures = 0;
      } catch {
        // After the last of these, the next push tries again.
        if (failures < RETRY_AFTER.length) {
          wait = RETRY_AFTER[failures];
          isStale = true;
        }
        failures += 1;
      }
      await pause(wait);
    }
    isRefreshing = false;
  }

  function showFailure(form) {
    const problem = form.querySelector("[role=alert]") ?? document.createElement("p");
    problem.setAttribute("role", "alert");
    problem.className = "problem";
    problem.textContent = "Not saved. Try again.";
    form.prepend(problem);
  }

  const sending = new WeakSet();

  document.addEventListener("submit", async (event) => {
    const { target: form, submitter } = event;
    if (form.method !== "post" || form.hasAttribute("action")) return;
    event.preventDefault();
    if (sending.has(form)) return;
    sending.add(form);
    const body = new URLSearchParams(new FormData(form, submitter));
    try {
      const page = await load({ method: "POST", body });
      saved += 1;
      if (form.closest("[data-live]")) replaceLive(page);
      else replaceBody(page);
    } catch {
      showFailure(form);
    } finally {
      sending.delete(form);
    }
  });

  HipChat.register({ "glance-update": refresh });
})();
