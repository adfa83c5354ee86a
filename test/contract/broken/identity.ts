import { setImmediate as turn } from "node:timers/promises";
import type { Identity, SessionRow, WriteAttempt } from "../../../src/store.js";
import { type Break, type BrokenStore, rowOf, type WholeStore } from "./harness.js";
import { C } from "./names.js";

const NOBODY: Identity = { userId: null, secretHash: null, nextHash: null, previousHash: null };

/** A store that does as another attempt says. */
function writing(change: (attempt: WriteAttempt, row: SessionRow | undefined) => WriteAttempt): Break {
  return (sound) => ({
    async write(attempts) {
      const rows = await sound.load(attempts.map(({ sessionId }) => sessionId));
      return sound.write(
        attempts.map((one) =>
          change(
            one,
            rows.find(({ sessionId }) => sessionId === one.sessionId),
          ),
        ),
      );
    },
  });
}

/** Keeps one of the hashes whatever a write says of it. */
function forgetting(name: "secretHash" | "nextHash" | "previousHash"): BrokenStore {
  return {
    name: `forgets ${name}`,
    breakIt: writing(({ identity, ...one }, row) => ({
      ...one,
      ...(identity && { identity: { ...identity, [name]: row?.[name] ?? null } }),
    })),
    caught: [C.identity, C.noIdentity, C.identityRace],
  };
}

/** Writes user and hashes of a row, whatever its revision. */
async function force(sound: WholeStore, { sessionId, identity }: WriteAttempt): Promise<void> {
  const row = await rowOf(sound, sessionId);
  if (!row?.data || !identity) return;
  const { revision, writers, data } = row;
  await sound.write([{ sessionId, baseRevision: revision, revision, writers, data, identity }]);
}

export const brokenIdentities: readonly BrokenStore[] = [
  forgetting("secretHash"),
  forgetting("nextHash"),
  forgetting("previousHash"),
  {
    name: "forgets the user",
    breakIt: writing(({ identity, ...one }, row) => ({
      ...one,
      ...(identity && { identity: { ...identity, userId: row?.userId ?? null } }),
    })),
    caught: [
      C.identity,
      C.noIdentity,
      C.identityRace,
      C.ofUser,
      C.userOrder,
      C.userExact,
      C.userFacts,
      C.userPage,
      C.stats,
    ],
  },
  {
    name: "takes null for nothing to change",
    breakIt: writing(({ identity, ...one }, row) => ({
      ...one,
      ...(identity && {
        identity: {
          userId: identity.userId ?? row?.userId ?? null,
          secretHash: identity.secretHash ?? row?.secretHash ?? null,
          nextHash: identity.nextHash ?? row?.nextHash ?? null,
          previousHash: identity.previousHash ?? row?.previousHash ?? null,
        },
      }),
    })),
    caught: [C.identity, C.ofUser],
  },
  {
    name: "takes no identity for nobody's",
    breakIt: writing((one, row) => ({
      ...one,
      identity: one.identity ?? { ...NOBODY, secretHash: row?.secretHash ?? null },
    })),
    caught: [C.noIdentity],
  },
  {
    name: "writes user and hashes whatever the revision",
    breakIt: (sound) => ({
      async write(attempts) {
        const done = await sound.write(attempts);
        for (const [n, attempt] of attempts.entries()) if (!done[n]) await force(sound, attempt);
        return done;
      },
    }),
    caught: [C.identityRefused, C.identityRace],
  },
  {
    name: "writes user and hashes in a second step",
    breakIt: (sound) => ({
      async write(attempts) {
        const done = await sound.write(attempts.map(({ identity: _, ...attempt }) => attempt));
        await turn();
        for (const [n, attempt] of attempts.entries()) if (done[n]) await force(sound, attempt);
        return done;
      },
    }),
    caught: [C.identityRace],
  },
  {
    name: "keeps the hashes that write is given",
    breakIt: (sound) => {
      const given = new Map<string, Identity>();
      return {
        async write(attempts) {
          const done = await sound.write(attempts);
          for (const [n, { sessionId, identity }] of attempts.entries())
            if (done[n] && identity) given.set(sessionId, identity);
          return done;
        },
        load: async (ids) => (await sound.load(ids)).map((row) => ({ ...row, ...given.get(row.sessionId) })),
      };
    },
    caught: [C.sharedWrite, C.sharedLoad],
  },
];
