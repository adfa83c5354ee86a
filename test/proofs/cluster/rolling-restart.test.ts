import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { io, type Socket } from "socket.io-client";
import { type ClientSession, tokenSession } from "../../../client/index.js";
import { device } from "../../support/clients/device.js";
import { createTestDatabase, type TestDatabase } from "../../support/database/database.js";
import { startDemo } from "../../support/pages/demo-server.js";

// The demo, ended by SIGTERM and started again under clients that never stop: what was acknowledged is in the
// rows.

const CLIENTS = 8;
const BEFORE = 10;
const AFTER = 10;

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

/** A client that counts its visits, one after the other. */
class Visitor {
  sent = 0;
  acknowledged = 0;
  readonly session: ClientSession;
  readonly #socket: Socket;

  constructor(url: string) {
    this.#socket = io(url, { forceNew: true, transports: ["websocket"], reconnectionDelay: 20 });
    this.session = tokenSession(this.#socket, { storage: device() });
  }

  /** Goes on, over lost connections too, until so many are acknowledged. */
  async visitUntil(goal: () => number): Promise<void> {
    while (this.acknowledged < goal()) {
      this.sent++;
      try {
        const { state } = await this.#socket.timeout(20_000).emitWithAck("visit");
        if (state) this.acknowledged++;
      } catch {
        // The connection went before the answer came: it may have been counted, or not.
      }
    }
  }

  leave(): void {
    this.#socket.disconnect();
  }
}

test("a restart under load loses no accepted write", async () => {
  const first = await startDemo(database.url);
  const visitors = Array.from({ length: CLIENTS }, () => new Visitor(first.url));
  await Promise.all(visitors.map(({ session }) => session.ready));
  const ids = visitors.map(({ session }) => session.id);
  await Promise.all(visitors.map((visitor) => visitor.visitUntil(() => BEFORE)));

  // They go on while the server ends …
  let goal = Number.POSITIVE_INFINITY;
  const visiting = visitors.map((visitor) => visitor.visitUntil(() => goal));
  expect(await first.stop()).toBe(0);
  const endedAt = visitors.map(({ acknowledged }) => acknowledged);
  const written = await visits(ids);
  endedAt.forEach((acknowledged, n) => {
    expect(written[n]).toBeGreaterThanOrEqual(acknowledged);
  });

  // … and find the next one.
  const second = await startDemo(database.url, { port: first.port });
  goal = Math.max(...endedAt) + AFTER;
  await Promise.all(visiting);
  expect(visitors.map(({ session }) => session.id)).toEqual(ids);
  expect(await second.stop()).toBe(0);
  const counted = await visits(ids);
  visitors.forEach(({ sent, acknowledged }, n) => {
    expect(counted[n]).toBeGreaterThanOrEqual(acknowledged);
    expect(counted[n]).toBeLessThanOrEqual(sent);
  });
  for (const visitor of visitors) visitor.leave();
});

async function visits(ids: readonly string[]): Promise<(number | undefined)[]> {
  const rows = await database.rows<{ sessionId: string; data: string }>(
    "select sessionId, data from session",
  );
  const byId = new Map(rows.map(({ sessionId, data }) => [sessionId, JSON.parse(data).visits as number]));
  return ids.map((id) => byId.get(id));
}
