// The integrations pages: says that a step takes its time, and opens an add-on's own page.

/** A step may take half a minute: the button says so, and a second click does nothing. */
for (const form of document.querySelectorAll("form[data-busy]")) {
  const button = form.querySelector("button[type=submit]");
  const words = button.textContent;
  form.addEventListener("submit", (event) => {
    if (button.getAttribute("aria-disabled")) return event.preventDefault();
    button.setAttribute("aria-disabled", "true");
    button.textContent = form.dataset.busy;
  });
  // A page that the browser kept comes back as it was left.
  addEventListener("pageshow", () => {
    button.removeAttribute("aria-disabled");
    button.textContent = words;
  });
}

const frame = document.getElementById("frame");
if (frame) open();

/** The address holds a token: it is in the frame and nowhere else. */
async function open() {
  const answer = await fetch(location.pathname, { method: "POST" }).catch(() => null);
  if (!answer?.ok) {
    frame.firstElementChild.textContent = "This page cannot be opened. Go back and try again.";
    return;
  }
  const { url } = await answer.json();
  const page = document.createElement("iframe");
  page.title = document.querySelector("h1").textContent;
  page.referrerPolicy = "no-referrer";
  page.setAttribute("sandbox", "allow-forms allow-popups allow-popups-to-escape-sandbox allow-scripts");
  page.src = url;
  frame.replaceChildren(page);
}
