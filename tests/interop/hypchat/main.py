"""Calls the REST API through hypchat 0.21, and prints what it was answered."""

import json
import os

from hypchat import HypChat
from hypchat.requests import HttpBadRequest, HttpNotFound

client = HypChat(os.environ["TOKEN"], endpoint=os.environ["API"])
room = client.get_room(os.environ["ROOM"])


def kind(thing):
    return type(thing).__name__


def refused(error, call, *arguments):
    try:
        call(*arguments)
    except error as refusal:
        return refusal.response.json()["error"]["message"]
    return None


heard = {
    "key": client.capabilities()["key"],
    "kinds": [kind(client.rooms()), kind(room), kind(room["owner"]), kind(client.users())],
    "created": int(room["created"].timestamp()),
    "person": client.get_user("@Olive")["name"],
}
client.create_room("made")
# A page has one of the rooms, and tells of the next.
heard["rooms"] = [one["name"] for one in client.rooms(max_results=1).contents()]
made = client.get_room("made")
made["topic"] = "New"
made.save()
heard["changed"] = client.get_room("made")["topic"]
made.delete()
heard["missing"] = refused(HttpNotFound, client.get_room, "made")
room.topic("Deploys")
heard["topic"] = room.self()["topic"]
room.notification("It is <b>done</b>", color="green", notify=True)
room.message("Is it?")
client.get_user("@Olive").message("Is it?")
heard["history"] = [one["message"] for one in room.history(maxResults=1).contents()]
heard["latest"] = [one["message"] for one in room.latest(maxResults=1)["items"]]
heard["participants"] = [one["name"] for one in room.participants()["items"]]
webhook = room.create_webhook("http://127.0.0.1:1/said", "room_message", "^/x", "x")
heard["webhook"] = [kind(webhook), len(room.webhooks()["items"])]
webhook.delete()
heard["webhooks_left"] = len(room.webhooks()["items"])
heard["emoticons"] = client.emoticons()["items"]
heard["empty"] = refused(HttpBadRequest, room.notification, "")
print(json.dumps(heard))
