// A room on socket.io: what is posted to /push goes to everyone who is connected. Prints its address.

import { createServer } from "node:http";
import { Server } from "socket.io";

const server = createServer(async (request, response) => {
  let body = "";
  for await (const piece of request) body += piece;
  io.emit("line", JSON.parse(body));
  response.writeHead(204).end();
});
// Nobody is asked whether they live while the benchmark runs.
const io = new Server(server, { transports: ["websocket"], pingInterval: 1e8, pingTimeout: 1e8 });
server.listen(0, "127.0.0.1", () => console.log(`127.0.0.1:${server.address().port}`));
