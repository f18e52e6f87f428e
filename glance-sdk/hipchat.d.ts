// The JavaScript API that a host offers to the pages of add-ons, as `HipChat` and as `AP`.
//
// Copy this file beside the scripts of your pages. What each function does is in the manual of glance-sdk, on
// the page about panels, dialogs and actions.

declare namespace HipChat {
  /** `error` is null where the call worked. */
  type Callback<T> = (error: { message: string } | null, value: T) => void;
  type Done = Callback<undefined>;

  interface RoomDetails {
    id: number;
    name: string;
    privacy: "public" | "private";
    topic: string;
  }

  interface Person {
    id: number;
    name: string;
    mention_name: string;
    presence: { show: "chat" | "unavailable" };
    photo_url: string;
    is_admin: boolean;
    email: string | null;
  }

  interface CurrentUser extends Person {
    is_guest: boolean;
    title: string;
  }

  interface Participants {
    guests: Person[];
    members: Person[];
  }

  /** A button of a dialog. */
  interface DialogButton {
    name: string | { value: string };
    key?: string;
    enabled?: boolean;
  }

  interface DialogOptions {
    size?: "small" | "medium" | "large" | "xlarge" | { width: string; height: string };
    style?: "normal" | "warning";
    hint?: string | { value: string };
    primaryAction?: DialogButton;
    secondaryActions?: DialogButton[];
    filter?: { placeholder: string | { value: string } };
  }

  /** What opens a panel, a dialog or a page. */
  interface Opening {
    /** The key of a module of this add-on, or of one of its glances. */
    key: string;
    /** What the opened page is told in the event `receive-parameters`. */
    parameters?: unknown;
    /** What the variables of the page's address stand for. */
    urlTemplateValues?: Record<string, unknown>;
  }

  /** The message that an action was chosen on; beside the input field it has no members. */
  interface ActionMessage {
    body?: string;
    sender?: { id: number | string; name: string; mention: string };
    mid?: string;
    type?: "message" | "notification";
    metadata?: unknown;
    card?: unknown;
    media?: unknown;
  }

  interface Events {
    "receive-parameters": unknown;
    "dialog-button-click": { action: string };
    "dialog-filter-changed": { value: string };
    "glance-update": { addon_key: string; module_key: string; metadata: unknown };
    "message-received": Record<string, never>;
  }

  /** The second argument answers the event: `closeDialog(false)` keeps a dialog open. */
  type Handler<E> = (event: E, answer: (value?: boolean) => void) => void;

  const auth: {
    /** Gets a fresh token, as the page's `signed_request`. */
    withToken(callback: Callback<string>): void;
  };

  const room: {
    getRoomDetails(callback: Callback<RoomDetails>): void;
    getParticipants(callback: Callback<Participants>): void;
    open(room: number | string | { id?: number | string; name?: string }, callback?: Done): void;
    /** Always fails on this host. */
    create(...values: unknown[]): void;
    /** Always fails on this host. */
    invite(...values: unknown[]): void;
  };

  const user: {
    getCurrentUser(callback: Callback<CurrentUser>): void;
    /** Always fails on this host. */
    open(...values: unknown[]): void;
  };

  const sidebar: {
    openView(opening: Opening, callback?: Done): void;
    closeView(callback?: Done): void;
  };

  const dialog: {
    open(opening: Opening & { options?: DialogOptions }, callback?: Done): void;
    /** What is given changes; `null` takes an option away. */
    update(
      changes: {
        title?: string | { value: string };
        options?: { [Name in keyof DialogOptions]?: DialogOptions[Name] | null };
      },
      callback?: Done,
    ): void;
    updatePrimaryAction(changes: Partial<DialogButton>, callback?: Done): void;
    close(callback?: Done): void;
  };

  const chat: {
    appendMessage(text: string, callback?: Done): void;
    focus(callback?: Done): void;
    /** Always fails on this host. */
    addFileForUploadWithBase64(...values: unknown[]): void;
  };

  const file: {
    /** Always fails on this host. */
    openInFileViewer(...values: unknown[]): void;
  };

  /** Listens to events, and to actions by their keys. Events of the last 30 seconds come at once. */
  function register(
    handlers: { [Event in keyof Events]?: Handler<Events[Event]> | Handler<Events[Event]>[] } & {
      [action: string]: Handler<any> | Handler<any>[] | undefined;
    },
  ): void;
  /** Listens to every event; the answer's `_context` has its name. */
  function registerAny(
    handlers: AnyHandler | AnyHandler[],
  ): void;
  type AnyHandler = (
    event: unknown,
    answer: ((value?: boolean) => void) & { _context: { eventName: string } },
  ) => void;
  /** Tells the other open pages of this add-on. */
  function emit(name: string, value?: unknown): void;
  function broadcast(name: string, value?: unknown): void;
  /** Calls back with the modules of these names; what there is not is undefined. */
  function require(modules: string | string[], callback: (...modules: any[]) => void): void;
}

declare const AP: typeof HipChat;

interface Window {
  /** Undefined where the page is in no frame of a host. */
  HipChat?: typeof HipChat;
  AP?: typeof HipChat;
}
