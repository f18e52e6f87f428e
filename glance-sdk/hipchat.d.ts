// The JavaScript API that a host offers to the pages of add-ons, as `HipChat` and as `AP`.
//
// Copy this file beside the scripts of your pages. The manual of glance-sdk describes each function, on the page about
// panels, dialogs and actions.

declare namespace HipChat {
  /** `error` is null after success. */
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

  /** Opens a panel, a dialog or a page. */
  interface Opening {
    /** The key of a module of this add-on, or of one of its glances. */
    key: string;
    /** The opened page receives them in the event `receive-parameters`. */
    parameters?: unknown;
    /** The values of the variables in the page's URL. */
    urlTemplateValues?: Record<string, unknown>;
  }

  /** The message of an action; empty for an action beside the input field. */
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
    /** Changes the given options; `null` removes one. */
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

  /** Registers handlers of events, and of actions by their keys. Events of the past 30 seconds follow at once. */
  function register(
    handlers: { [Event in keyof Events]?: Handler<Events[Event]> | Handler<Events[Event]>[] } & {
      [action: string]: Handler<any> | Handler<any>[] | undefined;
    },
  ): void;
  /** Registers handlers of all events; `_context` of the second argument contains the name. */
  function registerAny(
    handlers: AnyHandler | AnyHandler[],
  ): void;
  type AnyHandler = (
    event: unknown,
    answer: ((value?: boolean) => void) & { _context: { eventName: string } },
  ) => void;
  /** Sends an event to the other open pages of this add-on. */
  function emit(name: string, value?: unknown): void;
  function broadcast(name: string, value?: unknown): void;
  /** Calls back with the modules of these names; a missing module is undefined. */
  function require(modules: string | string[], callback: (...modules: any[]) => void): void;
}

declare const AP: typeof HipChat;

interface Window {
  /** Undefined outside a frame of a host. */
  HipChat?: typeof HipChat;
  AP?: typeof HipChat;
}
