import { once } from "node:events";
import { instrument } from "@socket.io/admin-ui";
import type { Server } from "socket.io";
import type { TestServer } from "../servers/server.js";

/** Socket.IO's Admin UI on a server, as in development: it shows all events of all sockets. */
export function addAdminUi(io: Server): void {
  instrument(io, { auth: false, mode: "development", namespaceName: "/admin" });
}

/** A page of the Admin UI. */
export interface AdminPage {
  /** All that it was sent so far, as one text. */
  readonly text: string;
  /** Events of applications that it shows: `event_received` or `event_sent`, and the event's name. */
  readonly shown: [how: string, event: unknown][];
  /** Resolves when it is shown that this event of an application was received or sent. */
  until(how: "event_received" | "event_sent", event: string): Promise<void>;
}

/** Opens a page of the Admin UI; resolves when it has been sent all sockets. */
export async function openAdminPage(server: TestServer): Promise<AdminPage> {
  const socket = server.client({ forceNew: true }).io.socket("/admin");
  const texts: string[] = [];
  const shown: [string, unknown][] = [];
  let waiting: (() => void)[] = [];
  socket.onAny((how: string, ...args: unknown[]) => {
    texts.push(JSON.stringify([how, ...args]));
    if (how === "event_received" || how === "event_sent") shown.push([how, (args[2] as unknown[])[0]]);
    for (const look of waiting.splice(0)) look();
  });
  await once(socket as never, "all_sockets");
  return {
    get text() {
      return texts.join("\n");
    },
    shown,
    until: (how, event) =>
      new Promise((resolve) => {
        const look = () => {
          if (shown.some((each) => each[0] === how && each[1] === event)) resolve();
          else waiting = [...waiting, look];
        };
        look();
      }),
  };
}
