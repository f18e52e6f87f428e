// The JavaScript API of add-on pages, as a classic script for old browsers too: `HipChat`, also named `AP`.
//
// The host writes into the frame's name the page's id, the functions that it may call, and the host's origin.
// The same file as all-debug.js logs all messages to the console.

(function (window, document) {
  "use strict";

  if (window.HipChat && window.HipChat === window.AP) return;

  var script = document.currentScript;
  var debug = Boolean(script) && /\/all-debug\.js([?#]|$)/.test(script.src);
  var contract = read(window.name);
  var handlers = {};
  var anyHandlers = [];
  var waiting = {};
  var calls = 0;
  var keys = {};

  function read(name) {
    try {
      var value = JSON.parse(name);
      return typeof value.extension_id === "string" && typeof value.origin === "string" ? value : null;
    } catch (notOurs) {
      return null;
    }
  }

  function log(direction, message) {
    if (debug && window.console) window.console.log("HipChat", direction, message);
  }

  function post(message) {
    if (!contract) return;
    message.eid = contract.extension_id;
    log("to the host", message);
    window.parent.postMessage(message, contract.origin);
  }

  /** Creates a function of the API. Its last argument may be a callback (error, value). */
  function createFunction(module, name) {
    return function () {
      var args = Array.prototype.slice.call(arguments);
      var callback = typeof args[args.length - 1] === "function" ? args.pop() : null;
      var message = { type: "req", mod: module, fn: name, args: JSON.parse(JSON.stringify(args)) };
      if (callback) {
        calls += 1;
        message.mid = String(calls);
        waiting[message.mid] = callback;
      }
      post(message);
    };
  }

  function handleResponse(message) {
    var callback = waiting[message.mid];
    delete waiting[message.mid];
    if (callback) callback.apply(null, message.args);
  }

  function handleEvent(message) {
    var answers = message.mid !== undefined;
    function answer(value) {
      if (!answers) return;
      answers = false;
      post({ type: "resp", mid: message.mid, args: [value !== false] });
    }
    // Handlers of all events read the name here, as in Atlassian's library.
    answer._context = { eventName: message.etyp };
    var own = has(handlers, message.etyp) ? handlers[message.etyp] : [];
    own.concat(anyHandlers).forEach(function (handler) {
      try {
        handler(message.evnt, answer);
      } catch (error) {
        if (window.console) window.console.error("HipChat", message.etyp, error);
      }
    });
    if (!own.length) answer(true);
  }

  function functions(value) {
    return (Array.isArray(value) ? value : [value]).filter(function (one) { return typeof one === "function"; });
  }

  /** Copies a value for another window, without functions. */
  function serializable(value) {
    return value === undefined ? null : JSON.parse(JSON.stringify(value));
  }

  function broadcast(name, value) {
    post({ type: "broadcast", etyp: name, evnt: serializable(value) });
  }

  function has(object, name) {
    return Object.prototype.hasOwnProperty.call(object, name);
  }

  var api = {
    /** Registers a function, or a list of them, for each event. Events of the past 30 seconds follow at once. */
    register: function (events) {
      var names = Object.keys(events || {}).filter(function (name) {
        return functions(events[name]).length > 0;
      });
      names.forEach(function (name) { handlers[name] = functions(events[name]); });
      post({ type: "event_query", args: names });
    },
    /** Registers a function, or a list of them, for all events; `_context.eventName` of its second argument is the name. */
    registerAny: function (events) {
      anyHandlers = functions(events);
      if (anyHandlers.length) post({ type: "event_query", args: ["_any"] });
    },
    /** Calls `callback` with the modules of these names, one or a list. A missing module is undefined. */
    require: function (modules, callback) {
      var found = (Array.isArray(modules) ? modules : [modules]).map(function (name) {
        return has(api, name) ? api[name] : undefined;
      });
      if (typeof callback === "function") callback.apply(window, found);
    },
    /** Sends an event to the other open pages of this add-on. */
    broadcast: function (name, value) {
      if (typeof name !== "string") throw new Error("Event type must be string");
      broadcast(name, value);
    },
    emit: function (name, value) {
      broadcast(String(name), value);
    }
  };
  var modules = (contract && contract.api) || {};
  Object.keys(modules).forEach(function (module) {
    api[module] = {};
    Object.keys(modules[module]).forEach(function (name) { api[module][name] = createFunction(module, name); });
  });
  window.HipChat = window.AP = api;

  window.addEventListener("message", function (event) {
    if (!contract || event.source !== window.parent || event.origin !== contract.origin) return;
    var message = event.data;
    if (!message || typeof message !== "object") return;
    log("from the host", message);
    if (message.type === "resp") handleResponse(message);
    else if (message.type === "evt") handleEvent(message);
    else if (message.type === "key_listen") keys[message.keycode] = true;
  });

  // Registered last, so that a page that uses a key itself can call preventDefault().
  window.addEventListener("keydown", function (event) {
    if (keys[event.keyCode] && !event.defaultPrevented) post({ type: "key_triggered", keycode: event.keyCode });
  });

  post({ type: "init" });
})(window, document);
