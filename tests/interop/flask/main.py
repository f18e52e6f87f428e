"""A tally per room, on AC-Flask-HipChat 0.2.12."""

import os
import re
import sys

try:
    import httplib
except ImportError:
    # The package is of Python 2 and asks for two modules by the names they had there.
    import http.client
    import urllib.parse

    sys.modules["httplib"] = http.client
    sys.modules["urlparse"] = urllib.parse

from ac_flask.hipchat import Addon, addon_client, context, room_client, sender
from ac_flask.hipchat.events import events
from ac_flask.hipchat.glance import Glance
from ac_flask.hipchat.tenant import OauthClientInvalidError
from flask import Flask, _app_ctx_stack, jsonify, request
from werkzeug.serving import make_server


class Cache:
    """What the framework asks of redis."""

    def __init__(self):
        self.kept = {}

    def get(self, key):
        return self.kept.get(key)

    def setex(self, key, value, seconds):
        self.kept[key] = value


class Clients:
    """What the framework asks of a collection of MongoDB."""

    def __init__(self):
        self.kept = {}

    def find_one(self, query):
        return self.kept.get(query["id"])

    def remove(self, query):
        self.kept.pop(query["id"], None)

    def insert(self, client):
        self.kept[client["id"]] = client


class Mongo(dict):
    """What the framework asks of a database of MongoDB."""

    clients = property(lambda self: self["clients"])


class Settings:
    # It prints every token otherwise.
    DEBUG = False


app = Flask(__name__)
cache = Cache()
mongo = Mongo(clients=Clients())
counts = {}
removals = []

add_on = Addon(
    app,
    config=Settings,
    key="com.example.tally.flask",
    name="Tally",
    description="Counts what people tell it to.",
    scopes=["send_notification", "view_room"],
)


@app.before_request
def use_memory():
    _app_ctx_stack.top.redis = cache
    _app_ctx_stack.top.mongo_db = mongo


def tally(room):
    count = counts.get(room, 0)
    lozenge = ("OPEN", "error") if count else ("CLEAR", "success")
    return Glance().with_label("<b>%d</b> open" % count).with_lozenge(*lozenge).data


@add_on.glance("tally", "Tally", "tally-panel", "/tally.png")
def glance():
    return tally(context["room_id"])


@add_on.webpanel("tally-panel", "Tally")
def panel():
    return "The tally of room %s for person %s" % (context["room_id"], sender.id)


@add_on.webhook("room_message", name="tally", pattern="^/tally [0-9]+$")
def said():
    item = request.json["item"]
    room = item["room"]["id"]
    counts[room] = int(re.search("[0-9]+", item["message"]["message"]).group())
    pushed = addon_client.update_room_glance("tally", tally(room), room)
    noticed = room_client.send_notification("The tally is %d" % counts[room])
    if (pushed.status_code, noticed.status_code) != (204, 204):
        return "%s %s" % (pushed.text, noticed.text), 500
    return jsonify(message="Noted", message_format="text")


# As add-ons did that wanted to be sure: an installation that is removed has no token left.
def check_credentials(event):
    try:
        event["client"].get_token(cache, token_only=False)
        removals.append("still valid")
    except OauthClientInvalidError:
        removals.append("refused")


events.register_event("uninstall", check_credentials)


@app.route("/removals")
def tell_removals():
    return jsonify(removals)


server = make_server("127.0.0.1", int(os.environ["PORT"]), app)
print("ready")
sys.stdout.flush()
server.serve_forever()
