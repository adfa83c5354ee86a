// The quick start, as an application without any declaration of its own writes it.
import { createServer } from "node:http";
import mysql from "mysql2";
import { createPool } from "mysql2/promise";
import { Server, type Socket } from "socket.io";
import defaultExport, {
  type GotToken,
  memoryStore,
  SessionError,
  tokenSession,
} from "socket.io-token-session";

const io = new Server(createServer());
const sessions = tokenSession({ db: createPool("mysql://localhost/app"), expiration: 3600, logger: console });
sessions.attach(io).attach(io.of("/chat"));
io.use(sessions);
io.use(new tokenSession({ db: mysql.createPool("mysql://localhost/app") }));
io.of("/memory").use(
  defaultExport({ store: memoryStore(), logger: { log(_level: string, _text: string) {} } }),
);
tokenSession({ db: mysql.createConnection("mysql://localhost/app") });

io.on("connection", async (socket: Socket) => {
  await socket.session.set("userId", 7);
  await socket.session.set({ userId: 7, cart: ["a"] });
  const userId: unknown = socket.session.get("userId");
  const visits = Number(socket.session.get("visits", 0)) + 1;
  const missing: unknown = socket.session.get("visits", undefined);
  await socket.session.clearSession();
  const id: string | undefined = socket.session.id;
  console.log(userId, visits, missing, id);
});
sessions.on("error", (error) => console.error(error.code));

// Typed events do not get in the way.
interface ServerEvents {
  hello: (name: string) => void;
  gotToken: (message: GotToken) => void;
}
const typed = new Server<{ ask: (done: (id: string) => void) => void }, ServerEvents>();
sessions.attach(typed);
typed.use(sessions);
typed.on("connection", (socket) => {
  socket.on("ask", (done) => done(socket.session.id ?? ""));
  socket.on(
    "ask",
    sessions.handler((done) => done(socket.session.id ?? "")),
  );
  socket.on(
    "ask",
    // @ts-expect-error the acknowledgement takes a text
    sessions.handler((done) => done(7)),
  );
});

const error: unknown = new SessionError("SESSION_MISSING");
if (error instanceof SessionError && error.code === "SESSION_TOO_LARGE") console.error(error.sessionId);

// @ts-expect-error there is no such code
new SessionError("SESSION_WHATEVER");
// @ts-expect-error a URL is not a database
tokenSession({ db: "mysql://localhost/app" });
// @ts-expect-error an option that does not exist
tokenSession({ db: createPool("mysql://localhost/app"), expires: 3600 });
// @ts-expect-error the pool of the mysql package has no promise()
tokenSession({ db: { getConnection(_callback: (error: Error) => void) {}, query() {}, end() {} } });
// @ts-expect-error seconds are a number
tokenSession({ db: createPool("mysql://localhost/app"), expiration: "1h" });
// @ts-expect-error not a Socket.IO server
sessions.attach({});
export function replace(socket: Socket): void {
  // @ts-expect-error it stays as it is
  socket.session = undefined;
}
