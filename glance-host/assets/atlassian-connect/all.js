// The JavaScript API of add-on pages, as a classic script for old browsers too: `HipChat`, also named `AP`.
//
// The host writes into the frame's name who the page is, what it may call, and the host's origin.
// As all-debug.js the same file says in the console what goes back and forth.

(function (window, document) {
  "use strict";

  if (window.HipChat && window.HipChat === window.AP) return;

  var script = document.currentScript;
  var debug = Boolean(script) && /\/all-debug\.js([?#]|$)/.test(script.src);
  var contract = read(window.name);
  var handlers = {};
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

  function log(what, message) {
    if (debug && window.console) window.console.log("HipChat", what, message);
  }

  function post(message) {
    if (!contract) return;
    message.eid = contract.extension_id;
    log("to the host", message);
    window.parent.postMessage(message, contract.origin);
  }

  /** A function of the API: its last argument may be a callback of (error, value). */
  function caller(module, name) {
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

  function answered(message) {
    var callback = waiting[message.mid];
    delete waiting[message.mid];
    if (callback) callback.apply(null, message.args);
  }

  function happened(message) {
    var answers = message.mid !== undefined;
    function answer(value) {
      if (!answers) return;
      answers = false;
      post({ type: "resp", mid: message.mid, args: [value !== false] });
    }
    var handler = has(handlers, message.etyp) && handlers[message.etyp];
    if (handler) handler(message.evnt, answer);
    else answer(true);
  }

  function has(object, name) {
    return Object.prototype.hasOwnProperty.call(object, name);
  }

  var api = {
    /** Takes a function for each event; what happened before, up to 30 seconds ago, comes now. */
    register: function (events) {
      var names = Object.keys(events || {}).filter(function (name) {
        return typeof events[name] === "function";
      });
      names.forEach(function (name) { handlers[name] = events[name]; });
      post({ type: "event_query", args: names });
    },
    /** Tells the other open pages of this add-on. */
    emit: function (name, value) {
      post({ type: "broadcast", etyp: String(name), evnt: value === undefined ? null : JSON.parse(JSON.stringify(value)) });
    }
  };
  var modules = (contract && contract.api) || {};
  Object.keys(modules).forEach(function (module) {
    api[module] = {};
    Object.keys(modules[module]).forEach(function (name) { api[module][name] = caller(module, name); });
  });
  window.HipChat = window.AP = api;

  window.addEventListener("message", function (event) {
    if (!contract || event.source !== window.parent || event.origin !== contract.origin) return;
    var message = event.data;
    if (!message || typeof message !== "object") return;
    log("from the host", message);
    if (message.type === "resp") answered(message);
    else if (message.type === "evt") happened(message);
    else if (message.type === "key_listen") keys[message.keycode] = true;
  });

  // Last of all, so that a page that uses a key itself can keep it with preventDefault().
  window.addEventListener("keydown", function (event) {
    if (keys[event.keyCode] && !event.defaultPrevented) post({ type: "key_triggered", keycode: event.keyCode });
  });

  post({ type: "init" });
})(window, document);
