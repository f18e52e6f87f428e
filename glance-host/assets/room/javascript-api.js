// The functions of the JavaScript API for the room, its people and the chat.

import { ApiError, provideModule, tokenError } from "../frames.js";
import { post } from "./stream.js";

const NO_FILES = "This host has no files";

/** The message field, with `appendMessage(text)` and `focus()`; null on pages of other sites. */
let composer = null;

export function setComposer(field) {
  composer = field;
}

/** Calls the host's part of a function for a frame's add-on. */
async function callHost(frame, name, more = {}) {
  const answer = await post(`frames/${name}`, { addOn: frame.addOn, ...more });
  if (answer?.ok) return answer.json();
  const body = await answer?.json().catch(() => null);
  throw new ApiError(body?.error ?? "The host did not answer");
}

function requireComposer() {
  if (!composer) throw new ApiError("There is no field for messages on this page");
  return composer;
}

provideModule("auth", {
  /** Returns a fresh token for this page only. */
  withToken: (frame) => callHost(frame, "token", { module: frame.key }).then(
    ({ token }) => token,
    () => { throw tokenError(); },
  ),
});

provideModule("room", {
  getRoomDetails: (frame) => callHost(frame, "room"),
  getParticipants: (frame) => callHost(frame, "participants"),
  async open(frame, room) {
    if (!composer) throw new ApiError("This page shows one room only");
    const name = typeof room === "object" && room !== null ? room.id ?? room.name : room;
    if (!["string", "number"].includes(typeof name)) throw new ApiError("open needs the id or the name of a room");
    const { address } = await callHost(frame, "enter", { room: String(name) });
    location.assign(address);
  },
  create() { throw new ApiError("On this host people create rooms themselves"); },
  invite() { throw new ApiError("On this host people invite others themselves"); },
});

provideModule("user", {
  getCurrentUser: (frame) => callHost(frame, "user"),
  open() { throw new ApiError("This host has no chats between two people"); },
});

provideModule("chat", {
  appendMessage(frame, text) {
    if (typeof text !== "string") throw new ApiError("appendMessage needs a text");
    requireComposer().appendMessage(text);
  },
  focus() { requireComposer().focus(); },
  addFileForUploadWithBase64() { throw new ApiError(NO_FILES); },
});

provideModule("file", {
  openInFileViewer() { throw new ApiError(NO_FILES); },
});
