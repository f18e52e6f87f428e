// A tally per room, on ac-koa-hipchat 0.2.20.
'use strict';

const ack = require('ac-koa').require('hipchat');

const app = ack({}, { store: 'MemoryStore' });
const addOn = app
  .addon()
  .hipchat()
  .key('com.example.tally.koa')
  .name('Tally')
  .description('Counts what people tell it to.')
  .allowRoom(true)
  .scopes('send_notification', 'view_room', 'admin_room');
const counts = new Map();

function tally(room) {
  const count = counts.get(room) || 0;
  return {
    label: { type: 'html', value: `<b>${count}</b> open` },
    status: {
      type: 'lozenge',
      value: count ? { label: 'OPEN', type: 'error' } : { label: 'CLEAR', type: 'success' },
    },
  };
}

addOn.glance('tally', 'Tally', '/tally.png', 'tally-panel', '/tally');
addOn.webPanel('tally-panel', 'Tally', 'hipchat.sidebar.right', '/panel');

addOn.get('/tally', addOn.authenticate(), function* () {
  this.set('Access-Control-Allow-Origin', '*');
  this.body = tally(this.authentication.context.room_id);
});

addOn.get('/panel', addOn.authenticate(), function* () {
  const { context, userId } = this.authentication;
  this.body = `The tally of room ${context.room_id} for person ${userId}`;
});

addOn.webhook('room_message', /^\/tally ([0-9]+)$/, function* () {
  const room = this.room.id;
  counts.set(room, Number(this.match[1]));
  yield this.tenantClient.glancePushRoom(room, { glance: [{ key: 'tally', content: tally(room) }] });
  yield this.roomClient.sendNotification(`The tally is ${this.match[1]}`);
});

addOn.onWebhook('install', function* () {
  yield this.tenantWebhooks.add('room_topic_change');
  yield this.roomClient.sendNotification('Listening');
});

addOn.onWebhook('room_topic_change', function* () {
  yield this.roomClient.sendNotification(`The topic is ${this.topic}`);
});

app.listen(() => console.log('ready'));
