import type { UserSession } from "../../../src/store.js";
import type { Break, BrokenStore } from "./harness.js";
import { C } from "./names.js";

/** A store that finds more than it is asked for: what it finds of these users too. */
function alsoOf(others: (userId: string) => string[]): Break {
  return (sound) => ({
    async forUser(userId) {
      const found: UserSession[] = [];
      for (const each of [userId, ...others(userId)]) found.push(...(await sound.forUser(each)));
      return found;
    },
  });
}

function changing(change: (found: UserSession[]) => UserSession[]): Break {
  return (sound) => ({ forUser: async (userId) => change(await sound.forUser(userId)) });
}

export const brokenUsers: readonly BrokenStore[] = [
  {
    name: "finds users with a space at the end",
    breakIt: alsoOf((userId) => [`${userId} `]),
    caught: [C.userExact],
  },
  {
    name: "finds users in another case",
    breakIt: alsoOf((userId) => [userId.toUpperCase()]),
    caught: [C.userExact],
  },
  {
    name: "finds users with another accent",
    breakIt: alsoOf((userId) => (userId.endsWith("a") ? [userId.replace(/a$/, "á")] : [])),
    caught: [C.userExact],
  },
  {
    name: "takes users for patterns",
    breakIt: alsoOf((userId) => (/[%_]$/.test(userId) ? [userId.replace(/.$/, "a")] : [])),
    caught: [C.userExact],
  },
  {
    name: "finds sessions of everybody",
    breakIt: (sound) => {
      const users = new Set<string>();
      return {
        async write(attempts) {
          for (const { identity } of attempts) if (identity?.userId) users.add(identity.userId);
          return sound.write(attempts);
        },
        forUser: async () => (await Promise.all([...users].map((userId) => sound.forUser(userId)))).flat(),
      };
    },
    caught: [C.ofUser, C.userOrder, C.userExact, C.userFacts, C.userPage],
  },
  {
    name: "finds expired sessions of a user",
    breakIt: (sound) => {
      const ids = new Map<string, string | null>();
      return {
        async write(attempts) {
          for (const { sessionId, identity } of attempts) if (identity) ids.set(sessionId, identity.userId);
          return sound.write(attempts);
        },
        async forUser(userId) {
          const found = await sound.forUser(userId);
          const rows = await sound.load([...ids].filter(([, owner]) => owner === userId).map(([id]) => id));
          for (const { sessionId, client, createdAt, visitedAt, previousVisitAt, expires, data } of rows)
            if (data === null)
              found.push({ sessionId, client, createdAt, visitedAt, previousVisitAt, expires });
          return found;
        },
      };
    },
    caught: [C.ofUser],
  },
  {
    name: "finds only one session of a user",
    breakIt: changing((found) => found.slice(0, 1)),
    caught: [C.ofUser, C.userOrder, C.userPage],
  },
  {
    name: "lists the oldest first",
    breakIt: changing((found) => found.reverse()),
    caught: [C.userOrder],
  },
  {
    name: "lists the last used first",
    breakIt: changing((found) => found.sort((one, other) => other.visitedAt - one.visitedAt)),
    caught: [C.userOrder],
  },
  {
    name: "lists what lasts longest first",
    breakIt: changing((found) => found.sort((one, other) => other.expires - one.expires)),
    caught: [C.userOrder],
  },
  {
    name: "takes the last use for the beginning",
    breakIt: changing((found) => found.map((each) => ({ ...each, createdAt: each.visitedAt }))),
    caught: [C.userFacts],
  },
  {
    name: "forgets what the client said in the list of a user",
    breakIt: changing((found) => found.map((each) => ({ ...each, client: null }))),
    caught: [C.userFacts],
  },
  {
    name: "lists values and hashes too",
    breakIt: (sound) => ({
      async forUser(userId) {
        const found = await sound.forUser(userId);
        const rows = await sound.load(found.map(({ sessionId }) => sessionId));
        return found.map((each) => ({
          ...rows.find(({ sessionId }) => sessionId === each.sessionId),
          ...each,
        }));
      },
    }),
    caught: [C.userFacts, C.sharedUser],
  },
  {
    name: "hands out shared objects in the list of a user",
    breakIt: (sound) => {
      const lists = new Map<string, UserSession[]>();
      return {
        async forUser(userId) {
          const found = await sound.forUser(userId);
          const known = lists.get(userId) ?? [];
          if (known.length === 0) lists.set(userId, found);
          return known.length > 0 ? known : [...found];
        },
      };
    },
    caught: [C.sharedUser],
  },
  {
    name: "pages the sessions of a user newest first",
    breakIt: (sound) => ({
      async forUser(userId, page) {
        const found = await sound.forUser(userId);
        return page ? found.slice(0, page.limit) : found;
      },
    }),
    caught: [C.userPage],
  },
  {
    name: "begins a page of a user's sessions with the last of the one before",
    breakIt: (sound) => ({
      async forUser(userId, page) {
        const found = await sound.forUser(userId);
        const ids = found.map(({ sessionId }) => sessionId).sort();
        if (!page) return found;
        const some = ids.filter((id) => id >= (page.after ?? "")).slice(0, page.limit);
        return found.filter(({ sessionId }) => some.includes(sessionId));
      },
    }),
    caught: [C.userPage],
  },
];
