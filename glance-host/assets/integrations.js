// The integrations pages: shows the progress of slow steps, and removes avatars that cannot be loaded.

for (const image of document.querySelectorAll(".avatar")) {
  if (image.complete && image.naturalWidth === 0) image.remove();
  else image.addEventListener("error", () => image.remove(), { once: true });
}

/** A step may take half a minute: the button shows that, and ignores a second click. */
for (const form of document.querySelectorAll("form[data-busy]")) {
  const button = form.querySelector("button[type=submit]");
  const label = button.textContent;
  form.addEventListener("submit", (event) => {
    if (button.getAttribute("aria-disabled")) return event.preventDefault();
    button.setAttribute("aria-disabled", "true");
    button.textContent = form.dataset.busy;
  });
  // The browser may restore the page from its back/forward cache.
  addEventListener("pageshow", () => {
    button.removeAttribute("aria-disabled");
    button.textContent = label;
  });
}
