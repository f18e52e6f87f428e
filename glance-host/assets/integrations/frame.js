// The page on which an add-on is set up, in a frame on the host's.

import { frame, noToken, provide } from "../frames.js";

const place = document.getElementById("frame");

/** The page with a new token in its address: it is in the frame and nowhere else. */
async function opened() {
  const answer = await fetch(location.pathname, { method: "POST" }).catch(() => null);
  return answer?.ok ? answer.json() : null;
}

provide("auth", {
  async withToken() {
    const page = await opened();
    const token = page && new URL(page.url).searchParams.get("signed_request");
    if (!token) throw noToken();
    return token;
  },
});

const page = await opened();
if (page) place.replaceChildren(frame(page).element);
else place.firstElementChild.textContent = "This page cannot be opened. Go back and try again.";
