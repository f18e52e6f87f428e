"""A tally per room, on aiohttp_ac_hipchat 0.4.5."""

import asyncio
import json
import os
import re

import aiolocals
from aiohttp import web
from aiohttp_ac_hipchat.addon_app import get_config, init_addon
from aiohttp_ac_hipchat.cache import AbstractCache
from aiohttp_ac_hipchat.store import AbstractStore
from aiohttp_ac_hipchat.util import http_request
from aiohttp_ac_hipchat.webapp import WebApp


class Cache(AbstractCache):
    def __init__(self):
        self.kept = {}

    @asyncio.coroutine
    def get(self, key):
        return self.kept.get(key)

    @asyncio.coroutine
    def setex(self, key, seconds, value):
        self.kept[key] = value


class Store(AbstractStore):
    def __init__(self):
        self.kept = {}

    @asyncio.coroutine
    def get(self, key, client_id):
        return self.kept.get(client_id)

    @asyncio.coroutine
    def set(self, key, value, client_id):
        self.kept[client_id] = value

    @asyncio.coroutine
    def delete(self, key, client_id):
        self.kept.pop(client_id, None)


loop = asyncio.get_event_loop()
app = WebApp(loop=loop, middlewares=[aiolocals.context_middleware_factory])
# What is left out is null in the descriptor, and HipChat's own schema refuses that.
app["config"] = get_config(
    addon_key="com.example.tally.aiohttp",
    addon_name="Tally",
    from_name="Tally",
    vendor_name="Example",
    vendor_url="https://example.com",
)
app["addon_client_store"] = Store()
# Its own function for this wants a redis server and a MongoDB server.
app["cache"] = app["redis_pool"] = Cache()
add_on = init_addon(app, ["send_notification", "view_room", "admin_room"], None, False)
base = app["config"]["BASE_URL"]
counts = {}


def tally(room):
    count = counts.get(room, 0)
    lozenge = {"label": "OPEN", "type": "error"} if count else {"label": "CLEAR", "type": "success"}
    return {
        "label": {"type": "html", "value": "<b>%d</b> open" % count},
        "status": {"type": "lozenge", "value": lozenge},
    }


icon = base + "/tally.png"


@add_on.glance("tally", "Tally", icon, icon, target="tally-panel")
@asyncio.coroutine
def glance(request):
    room = request.jwt_data["context"]["room_id"]
    return web.Response(text=json.dumps(tally(room)))


@add_on.webpanel("tally-panel", "Tally")
@asyncio.coroutine
def panel(request):
    room, person = request.jwt_data["context"]["room_id"], request.jwt_data["sub"]
    return web.Response(text="The tally of room %s for person %s" % (room, person))


# It cannot read a token from a header of the form `JWT ...`: its webhooks find the tenant by the body.
@add_on.webhook("room_message", name="tally", pattern="^/tally [0-9]+$", auth=None)
@asyncio.coroutine
def said(request):
    body = yield from request.json()
    client = yield from add_on.load_client(body["oauth_client_id"])
    item = body["item"]
    room = item["room"]["id"]
    counts[room] = int(re.search("[0-9]+", item["message"]["message"]).group())
    token = yield from client.get_token(scopes=["view_room"])
    url = "%s/addon/ui/room/%s" % (client.api_base_url, room)
    headers = {"content-type": "application/json", "authorization": "Bearer " + token}
    update = json.dumps({"glance": [{"key": "tally", "content": tally(room)}]})
    with (yield from http_request("POST", url, headers=headers, data=update)) as pushed:
        if pushed.status != 204:
            return web.HTTPInternalServerError(text=(yield from pushed.text()))
    yield from client.room_client.send_notification(text="The tally is %d" % counts[room])
    answer = json.dumps({"message": "Noted", "message_format": "text"})
    return web.Response(text=answer, content_type="application/json")


@add_on.event_listener
def install(event):
    room = event["client"].room_client
    if (yield from room.create_webhook(base + "/topic", "room_topic_change")):
        yield from room.send_notification(text="Listening")


@asyncio.coroutine
def topic(request):
    body = yield from request.json()
    client = yield from add_on.load_client(body["oauth_client_id"])
    text = "The topic is %s" % body["item"]["topic"]
    yield from client.room_client.send_notification(text=text)
    return web.HTTPNoContent()


app.router.add_route("POST", "/topic", topic)
port = int(os.environ["PORT"])
loop.run_until_complete(loop.create_server(app.make_handler(), "127.0.0.1", port))
print("ready", flush=True)
loop.run_forever()
