// A session over a real connection, with the package as the caller has it.
const { Server } = require("socket.io");
const { io: connect } = require("socket.io-client");

/** Mints a session by a first connection, opens it by a second one, and gives what that finds in it. */
exports.mintAndOpen = async ({ tokenSession, memoryStore }, client) => {
  const io = new Server(0);
  const sessions = tokenSession({ store: memoryStore(), logger: false }).attach(io);
  io.on("connection", (socket) => {
    socket.on(
      "set",
      sessions.handler(async (name, done) => {
        await socket.session.set("name", name);
        done();
      }),
    );
    socket.on("get", (done) => done(socket.session.get("name")));
  });
  if (!io.httpServer.listening) await new Promise((resolve) => io.httpServer.once("listening", resolve));
  const url = `http://127.0.0.1:${io.httpServer.address().port}`;
  const kept = new Map();
  const storage = {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  };
  const visit = async (...event) => {
    const socket = connect(url, { forceNew: true });
    await client.tokenSession(socket, { storage }).ready;
    const answer = await socket.emitWithAck(...event);
    socket.disconnect();
    return answer;
  };
  await visit("set", "Ada");
  const found = await visit("get");
  const script = await fetch(`${url}/socket.io/socket.io-token-session.js`);
  await io.close();
  await sessions.close();
  return [found, script.status];
};
