// Calls the REST API through hipchatter 1.0.0, and prints what it was answered.
'use strict';

const { promisify } = require('util');
const Hipchatter = require('hipchatter');

const { API, TOKEN, ROOM } = process.env;
const client = new Hipchatter(TOKEN, API);

async function call(method, ...args) {
  return promisify(client[method]).call(client, ...args);
}

(async () => {
  const heard = {};
  heard.key = (await call('capabilities')).key;
  heard.rooms = (await call('rooms')).map((room) => room.name);
  heard.here = await call('room_exists', ROOM);
  heard.elsewhere = await call('room_exists', 'elsewhere');
  heard.people = (await call('users')).map((user) => user.name);
  heard.person = (await call('view_user', '1')).name;
  await call('set_topic', ROOM, 'Deploys');
  heard.topic = (await call('get_room', ROOM)).topic;
  await call('notify', ROOM, { message: 'It is <b>done</b>', color: 'green', notify: true });
  await call('send_room_message', ROOM, 'Is it?');
  await call('send_private_message', '@Olive', { message: 'Is it?' });
  heard.history = (await call('history', ROOM)).items.map((item) => item.message);

  const hook = { url: 'http://127.0.0.1:1/said', event: 'room_message', pattern: '^/x', name: 'x' };
  const { id } = await call('create_webhook', ROOM, hook);
  heard.webhook = (await call('get_webhook', ROOM, id)).pattern;
  heard.webhooks = (await call('webhooks', ROOM)).items.length;
  await call('delete_all_webhooks', ROOM);
  heard.webhooks_left = (await call('webhooks', ROOM)).items.length;

  await call('create_room', { name: 'made' });
  heard.made = (await call('rooms')).map((room) => room.name);
  const change = { name: 'made', privacy: 'private', topic: 'New', is_archived: false };
  await call('update_room', { ...change, is_guest_accessible: false, owner: { id: 1 } });
  const { topic, privacy } = await call('get_room', 'made');
  heard.changed = [topic, privacy];
  await call('delete_room', 'made');
  heard.deleted = !(await call('room_exists', 'made'));
  heard.refused = await call('notify', ROOM, { message: '' }).catch((error) => error.message);
  console.log(JSON.stringify(heard));
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
