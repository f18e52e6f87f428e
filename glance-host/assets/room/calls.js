// What pages of add-ons may ask about the room and its people, and do in the chat.

import { noToken, provide, Refused } from "../frames.js";
import { post } from "./stream.js";

const NO_FILES = "This host keeps no files";

/** The field that messages are written in, as `appendMessage(text)` and `focus()`; on another site there is none. */
let composer = null;

export function start(field) {
  composer = field;
}

async function asked(made, what, more = {}) {
  const answer = await post(`frames/${what}`, { addOn: made.addOn, ...more });
  if (answer?.ok) return answer.json();
  const said = await answer?.json().catch(() => null);
  throw new Refused(said?.error ?? "The host did not answer");
}

function field() {
  if (!composer) throw new Refused("There is no field for messages on this page");
  return composer;
}

provide("auth", {
  /** A fresh token for the page that asks, and for no other. */
  withToken: (made) => asked(made, "token", { module: made.key }).then(
    ({ token }) => token,
    () => { throw noToken(); },
  ),
});

provide("room", {
  getRoomDetails: (made) => asked(made, "room"),
  getParticipants: (made) => asked(made, "participants"),
  async open(made, which) {
    if (!composer) throw new Refused("This page shows one room only");
    const name = typeof which === "object" && which !== null ? which.id ?? which.name : which;
    if (!["string", "number"].includes(typeof name)) throw new Refused("open needs the id or the name of a room");
    const { address } = await asked(made, "enter", { room: String(name) });
    location.assign(address);
  },
  create() { throw new Refused("On this host people make rooms themselves"); },
  invite() { throw new Refused("On this host people let others in themselves"); },
});

provide("user", {
  getCurrentUser: (made) => asked(made, "user"),
  open() { throw new Refused("This host has no chats between two people"); },
});

provide("chat", {
  appendMessage(made, text) {
    if (typeof text !== "string") throw new Refused("appendMessage needs a text");
    field().appendMessage(text);
  },
  focus() { field().focus(); },
  addFileForUploadWithBase64() { throw new Refused(NO_FILES); },
});

provide("file", {
  openInFileViewer() { throw new Refused(NO_FILES); },
});
