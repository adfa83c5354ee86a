import type { TriedMutant } from "./list.js";

const client = "client/token-session.ts";
const topics = ["rotation", "clients"] as const;
const stored = "client/stored-token.ts";

/** Of the client. */
export const CLIENT: readonly TriedMutant[] = [
  {
    name: "a client stores its token over another tab's",
    topics,
    file: client,
    from: "if ((raw ?? held) !== held) return presentLater();",
    to: "",
  },
  {
    name: "a client confirms before it has stored",
    topics,
    file: client,
    from: "let raw: string | null | undefined;\n      try {\n        raw = await stored.readToken();",
    to: "let raw: string | null | undefined;\n      confirm?.();\n      try {\n        raw = await stored.readToken();",
  },
  {
    name: "a client does not store",
    topics,
    file: client,
    from: "raw = (await storage.setItem(stored.itemKey, token)) as string;",
    to: "raw = token;",
  },
  {
    name: "a client does not confirm",
    topics,
    file: client,
    from: "since = nth;\n      confirm?.();",
    to: "since = nth;",
  },
  {
    name: "a client drops its token where the storage cannot be read",
    topics,
    file: client,
    from: "const token = await runInTurn(() => stored.readOrHeld(held));",
    to: 'const token = await runInTurn(() => stored.readOrHeld(held).catch(() => ""));',
  },
  {
    name: "a client presents what it holds, not what is stored",
    topics,
    file: stored,
    from: "return raw ?? held;",
    to: 'return held || (raw ?? "");',
  },
  {
    name: "a client believes an answer to what it presented before",
    topics,
    file: client,
    from: "if (!isCurrent() || nth < since || (token !== held && created === false)) return;",
    to: "if (!isCurrent() || nth < since) return;",
  },
  {
    name: "a client stores what was sent for a token that it has left",
    file: client,
    from: "if (!isCurrent() || nth < since || (token !== held && created === false)) return;",
    to: "if (!isCurrent() || (token !== held && created === false)) return;",
    topics: ["rotation"],
  },
  {
    name: "a client does not count from the token that it has taken up",
    file: client,
    from: "held = token;\n    since = number + 1;",
    to: "held = token;",
    topics: ["rotation"],
  },
  {
    name: "a client stores a session that was created by any presentation but the last",
    file: client,
    from: "if (created && nth < number) since = number;",
    to: "",
    topics: ["rotation"],
  },
  {
    name: "a client numbers all presentations alike",
    file: client,
    from: "nth: ++number,",
    to: "nth: number,",
    topics: ["rotation"],
  },
  {
    name: "a client believes an answer of an earlier connection",
    topics,
    file: "client/connection.ts",
    from: "return () => mine === number;",
    to: "return () => mine <= number;",
  },
  {
    name: "a client takes an empty answer for its token",
    topics,
    file: client,
    from: "if (!token?.length) {",
    to: "if (token == null) {",
  },
  {
    name: "a client does not come back for a new token",
    topics,
    file: client,
    from: "isAwaited = true;\n    // What has been stored elsewhere",
    to: "// What has been stored elsewhere",
  },
  {
    name: "a client that is asked for its token does not present it",
    topics,
    file: client,
    from: "presentLater(SEEN_AFTER_MS);",
    to: "",
  },
  {
    name: "a client removes what another tab has stored when its session ends",
    topics,
    file: client,
    from: "idOf(String(await storage.getItem(key))) === id && storage.removeItem(key)",
    to: "storage.removeItem(key)",
  },
  {
    name: "a client keeps a token that opens nothing",
    topics,
    file: client,
    from: "stored.invalidToken = held;\n    drop();",
    to: "drop();",
  },
  {
    name: "a client does not hear what another tab has stored",
    topics,
    file: client,
    from: 'if (socket.connected) connections.readState() !== "opening" && presentLater();',
    to: "if (socket.connected) return;",
  },
  {
    name: "what stands for a token of a session that was left never counts again",
    topics: ["cookies"],
    file: "client/stored-token.ts",
    from: "storage.present || ",
    to: "",
  },
];
