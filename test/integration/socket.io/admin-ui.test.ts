import { expect, test } from "@jest/globals";
import type { Server } from "socket.io";
import type { TokenSessions } from "../../../src/index.js";
import { addAdminUi, openAdminPage } from "../../support/pages/admin-page.js";
import { Secrets } from "../../support/secrets.js";
import { cutOff } from "../../support/servers/cut.js";
import { OWN_EVENTS, speak } from "../../support/servers/ears.js";
import { useNodes } from "../../support/servers/nodes.js";
import { ask, gotToken, next } from "../../support/servers/server.js";

// Socket.IO's Admin UI in development shows its pages all events of all sockets, their data and their
// handshakes.

const nodes = useNodes();
const SECRET = "a secret of at least 32 characters";

const ORDERS: [string, (sessions: TokenSessions, io: Server) => void][] = [
  [
    "after the sessions",
    (sessions, io) => {
      sessions.attach(io);
      addAdminUi(io);
    },
  ],
  [
    "before the sessions",
    (sessions, io) => {
      addAdminUi(io);
      io.use(sessions);
    },
  ],
];

test.each(
  ORDERS.flatMap(([order, attach]) => [false, true].map((recovery) => ({ order, attach, recovery }))),
)("added $order, it shows no token; recovery $recovery", async ({ attach, recovery }) => {
  const node = await nodes.node({
    attach,
    options: { cookieSecret: SECRET },
    io: recovery ? { connectionStateRecovery: {} } : {},
    handlers: (io) => {
      speak(io);
      // A page that has its sockets here too has the same connection, and so the same cookies.
      io.of("/plain");
    },
  });
  const secrets = new Secrets();
  // As another process sets it, whose name for it is not known here.
  const cookie = `018f${"0".repeat(8)}7${"0".repeat(3)}8${"0".repeat(15)}.${"-Z_9".repeat(10)}abw`;
  secrets.add(cookie);
  const page = await openAdminPage(node);
  const first = node.client({
    auth: { token: "", confirm: true },
    extraHeaders: { cookie: `a=1; sid=${cookie}; b=2` },
  });
  first.on("gotToken", (_, confirm?: () => void) => confirm?.());
  const { token } = await gotToken(first);
  secrets.add(token);
  const plain = first.io.socket("/plain");
  await next(plain, "connect");
  const other = node.client();
  await next(other, "connect");
  await ask(other, "getToken", { token });
  const asked = next(other, "tokenChanged");
  const replaced = gotToken(first);
  expect(await ask(first, "login")).toBe("");
  await asked;
  const fresh = (await replaced).token;
  secrets.add(fresh);
  if (recovery) {
    first.auth = { token: fresh, confirm: true };
    const back = gotToken(first);
    await cutOff(node.io, first);
    first.connect();
    await back;
  }
  const late = await openAdminPage(node);
  const ended = next(first, "disconnect");
  const over = next(first, "sessionEnd");
  first.emit("destroy");
  await over;
  await ended;
  await page.until("event_received", "destroy");
  await page.until("event_sent", "welcome");

  expect([secrets.in(page.text), secrets.in(late.text)]).toEqual([[], []]);
  expect(page.shown.filter(([, event]) => OWN_EVENTS.includes(String(event)))).toEqual([]);
  expect(page.shown).toContainEqual(["event_received", "login"]);
  // It has been looked for where the application's own is.
  for (const { text } of [page, late]) expect(text).toContain('"cookie":"a=1; b=2"');
  // No room is made for an event that nobody hears.
  expect(page.text).not.toContain("tokenSession:");
});
