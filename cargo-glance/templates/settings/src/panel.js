// Saves the form without leaving the page. The page token says who asks and in which room; an answer may bring the
// next one.
const token = document.querySelector("meta[name=token]");
const form = document.querySelector("form");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const status = form.querySelector("output");
  try {
    const answer = await fetch("../note", {
      method: "POST",
      headers: { "x-acpt": token.content },
      body: new URLSearchParams(new FormData(form)),
    });
    token.content = answer.headers.get("x-acpt") ?? token.content;
    status.textContent = answer.ok ? "Saved." : await answer.text();
  } catch {
    status.textContent = "The add-on does not answer. Try again.";
  }
});
