// A tally per room, on atlassian-connect-express-hipchat 0.3.9.
'use strict';

const connect = require('atlassian-connect-express');
const hipchat = require('atlassian-connect-express-hipchat');
const express = require('express');
const request = require('request');

const app = express();
app.use(express.json());
const addOn = connect(app);
const host = hipchat(addOn, app);
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

async function call(clientInfo, path, body) {
  const token = await host.getAccessToken(clientInfo);
  const url = clientInfo.capabilitiesDoc.links.api + path;
  const qs = { auth_token: token.access_token };
  await new Promise((resolve, reject) => {
    request.post({ url, qs, body, json: true }, (error, answer) => {
      if (error || answer.statusCode !== 204) {
        reject(error || new Error(`${path} answered ${answer.statusCode}`));
      } else {
        resolve();
      }
    });
  });
}

app.get('/tally', host.authenticate(), (req, res) => {
  res.set('Access-Control-Allow-Origin', '*');
  res.json(tally(req.identity.roomId));
});

app.get('/panel', host.authenticate(), (req, res) => {
  res.send(`The tally of room ${req.identity.roomId} for person ${req.identity.userId}`);
});

app.post('/said', host.authenticate(), (req, res, next) => {
  const { room, message } = req.body.item;
  const count = Number(message.message.split(' ')[1]);
  counts.set(room.id, count);
  const glance = [{ key: 'tally', content: tally(room.id) }];
  const notification = { message: `The tally is ${count}`, color: 'green' };
  call(req.clientInfo, `/addon/ui/room/${room.id}`, { glance })
    .then(() => call(req.clientInfo, `/room/${room.id}/notification`, notification))
    .then(() => res.json({ message: 'Noted', message_format: 'text' }))
    .catch(next);
});

addOn.on('uninstalled', (oauthId) => host.settings.del(oauthId));

app.listen(process.env.PORT, '127.0.0.1', () => console.log('ready'));
