// The configuration page of an add-on, in a frame.

import { createFrame, provideModule, tokenError } from "../frames.js";

const place = document.getElementById("frame");

/** Requests the page's URL with a fresh token. Only the frame contains that URL. */
async function requestPage() {
  const answer = await fetch(location.pathname, { method: "POST" }).catch(() => null);
  return answer?.ok ? answer.json() : null;
}

provideModule("auth", {
  async withToken() {
    const page = await requestPage();
    const token = page && new URL(page.url).searchParams.get("signed_request");
    if (!token) throw tokenError();
    return token;
  },
});

const page = await requestPage();
if (page) place.replaceChildren(createFrame(page).element);
else place.firstElementChild.textContent = "This page cannot be opened. Go back and try again.";
