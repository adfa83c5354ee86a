import { expect, test } from "@jest/globals";
import { type Node, outcome, useNodes } from "../../support/servers/nodes.js";
import type { Connected } from "../../support/servers/rig.js";
import { gotToken, next } from "../../support/servers/server.js";

// What is over stays over: every way a session ends, against everything that writes, at once and in many
// rounds.

const nodes = useNodes();

const SESSIONS = 40;
/** What a handler meets whose session ends under its hands; anything else would be a wrong answer. */
const OVER = ["resolved", "SESSION_ENDED", "SESSION_MISSING", "SESSION_CONFLICT"];

interface Subject {
  readonly id: string;
  readonly token: string;
  readonly ends: readonly Connected[];
}

/** Sessions with values, each with a socket on each of two servers. */
async function subjects(both: readonly Node[]): Promise<Subject[]> {
  const [one, other] = both as [Node, Node];
  const all = await Promise.all(
    Array.from({ length: SESSIONS }, async () => {
      const here = await one.connect();
      await here.session.set("n", 0);
      const there = await other.connect(here.token);
      return { id: here.id, token: here.token, ends: [here, there] };
    }),
  );
  // So that each open has a touch to write.
  await nodes.database.pool.query("update session set expires = expires - 1000");
  return all;
}

/** Everything that writes a row, from both servers; resolves to what the changes came to. */
function assault(both: readonly Node[], { ends, token }: Subject, round: number): Promise<string[]> {
  const changes = ends.flatMap(({ session, socket }, n) => [
    outcome(session.set(`k${n}`, round)),
    outcome(session.update((draft) => void Object.assign(draft, { n: Number(draft["n"] ?? 0) + 1 }))),
    outcome(socket.withSession(({ session: draft }) => void Object.assign(draft, { w: round }))),
    outcome(session.clearSession()),
  ]);
  // An open, which touches the row as well.
  const opens = both.map(async (node) => {
    const client = node.client({ auth: { token } });
    await gotToken(client);
    return "resolved";
  });
  return Promise.all([...changes, ...opens]);
}

async function expectGone(both: readonly Node[], ids: readonly string[]): Promise<void> {
  // Closing waits for whatever is still under way.
  await Promise.all(both.map((node) => node.close()));
  const rows = await nodes.database.rows(
    "select sessionId, data, expires from session where sessionId in (?)",
    [ids],
  );
  expect(rows).toEqual([]);
}

const options = { expiration: 3600, touchEvery: 1, revalidate: 1 };

test("destroyed by either server, or by its id, while both write and open: gone", async () => {
  const both = [await nodes.node({ options }), await nodes.node({ options })];
  const all = await subjects(both);
  const outcomes = await Promise.all(
    all.map(async (subject, n) => {
      const { id, ends } = subject;
      // The end falls at another moment of the assault each time.
      const ways = [
        () => ends[0]?.session.destroy(),
        () => ends[1]?.session.destroy(),
        () => both[n % 2]?.sessions.destroy(id),
        () =>
          ends[0]?.socket.withSession((context) => {
            context.session = null;
          }),
      ];
      const before = n % 3 === 0 ? [] : [assault(both, subject, 1)];
      for (let turns = n % 7; turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
      const ended = outcome(Promise.resolve(ways[n % ways.length]?.()));
      const after = assault(both, subject, 2);
      return [await ended, ...(await Promise.all([...before, after])).flat()];
    }),
  );
  for (const each of outcomes.flat()) expect(OVER).toContain(each);
  expect(outcomes.flat().filter((each) => each === "SESSION_ENDED").length).toBeGreaterThan(SESSIONS);
  await expectGone(
    both,
    all.map(({ id }) => id),
  );
});

test("destroyed while answers are lost: gone", async () => {
  const both = [await nodes.node({ options }), await nodes.node({ options })];
  const all = await subjects(both);
  for (const [n, subject] of all.slice(0, 4).entries()) {
    const [here, there] = subject.ends as [Connected, Connected];
    const cut = both[0]?.proxy.cutNextAnswer("update ");
    const set = outcome(here.session.set("n", n));
    await cut;
    // The UPDATE may have been applied; its node does not know, and looks.
    const ended = n % 2 ? there.session.destroy() : both[1]?.sessions.destroy(subject.id);
    const rest = outcome(here.session.update((draft) => draft));
    await ended;
    for (const each of [await set, await rest]) expect(OVER).toContain(each);
  }
  await expectGone(
    both,
    all.slice(0, 4).map(({ id }) => id),
  );
});

test("expired while both write, touch and open: its values never come back, and pruned it is gone", async () => {
  const both = [await nodes.node({ options }), await nodes.node({ options })];
  const all = await subjects(both);
  const ids = all.map(({ id }) => id);
  const assaults = all.map(async (subject, n) => {
    for (let turns = n % 7; turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
    return assault(both, subject, 1);
  });
  // From here on it is over, by a moment that only the database knows.
  await nodes.database.pool.query("update session set expires = 1 where sessionId in (?)", [ids]);
  const frozen = await nodes.database.rows(
    "select sessionId, revision, data from session where sessionId in (?)",
    [ids],
  );
  const late = all.map((subject) => assault(both, subject, 2));
  const pruned = Promise.all(both.map((node) => node.sessions.prune()));
  for (const each of (await Promise.all([...assaults, ...late])).flat()) expect(OVER).toContain(each);
  const [one, other] = await pruned;
  expect((one ?? 0) + (other ?? 0)).toBe(SESSIONS);
  expect(frozen).toHaveLength(SESSIONS);
  await expectGone(both, ids);
});

test("expired, and not pruned: the row stays as it was at its end", async () => {
  const both = [await nodes.node({ options }), await nodes.node({ options })];
  const all = await subjects(both);
  const ids = all.map(({ id }) => id);
  const rows = () =>
    nodes.database.rows(
      "select sessionId, revision, data, expires, visitedAt from session where sessionId in (?)",
      [ids],
    );
  const early = all.map((subject) => assault(both, subject, 1));
  await nodes.database.pool.query("update session set expires = 1 where sessionId in (?)", [ids]);
  const atTheEnd = await rows();
  const late = all.map((subject) => assault(both, subject, 2));
  await Promise.all([...early, ...late]);
  await Promise.all(both.map((node) => node.close()));
  expect(await rows()).toEqual(atTheEnd);
});

test("a session that ends while it is being opened is not held open", async () => {
  const [one, other] = [await nodes.node({ options }), await nodes.node({ options })];
  const ids: string[] = [];
  for (let round = 0; round < 3; round++) {
    const { token, id, client: first } = await one.connect();
    ids.push(id);
    const left = next(first, "disconnect");
    const client = other.client({ auth: { token } });
    const reading = other.proxy.passed("from `session`");
    const opened = gotToken(client);
    await reading;
    const cut = next(client, "disconnect");
    await one.sessions.destroy(id);
    await left;
    const message = await opened;
    // Either it came too late for the session, or it had it for a moment and was told.
    if (message.token.slice(0, 32) === id) await cut;
    else expect(message.created).toBe(true);
  }
  await expectGone([one, other], ids);
});

test("a touch does not wait for a locked row, and comes to nothing where that expires meanwhile", async () => {
  const node = await nodes.node({ options });
  const { token, id } = await node.connect();
  await nodes.database.pool.query("update session set expires = expires - 1000 where sessionId = ?", [id]);
  const lock = await nodes.lock(id);
  const touching = node.proxy.passed("skip locked");
  // Opened, and closed with nothing left under way, while the row is locked.
  await node.connect(token);
  await touching;
  await node.close();
  await lock.connection.query("update session set expires = 1 where sessionId = ?", [id]);
  await lock.release();
  expect((await nodes.row(id))?.expires).toBe(1);
});
