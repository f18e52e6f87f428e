// Keeps the panel as it is while it saves and while blockers come and go. Without this script the form
// works too, as a page of its own.

(() => {
  if (!window.HipChat || !HipChat.auth) return;

  /** Asks for this page anew, with a token of now: the address has one of when the panel was opened. */
  const ask = (options) => new Promise((resolve, reject) => {
    HipChat.auth.withToken((error, token) => {
      if (error) return reject(new Error(error.message));
      const headers = { Authorization: `JWT ${token}` };
      resolve(fetch(location.pathname, { ...options, headers }).then((answer) => answer.text()));
    });
  });
  const read = (page) => new DOMParser().parseFromString(page, "text/html");

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    event.preventDefault();
    try {
      const page = read(await ask({ method: "POST", body: new URLSearchParams(new FormData(form)) }));
      document.body.replaceChildren(...page.body.childNodes);
      document.getElementById("project").focus();
    } catch {
      form.submit();
    }
  });

  /** What was pushed is read; what somebody is writing stays. */
  HipChat.register({
    "glance-update": async () => {
      const page = read(await ask({}));
      for (const part of ["h1", "ul"]) document.querySelector(part).replaceWith(page.querySelector(part));
    },
  });
})();
