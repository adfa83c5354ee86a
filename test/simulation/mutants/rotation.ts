// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are pieces of source text.
import type { TriedMutant } from "./list.js";

const rotation = "src/handle/rotation.ts";
const topics = ["rotation"] as const;

/** Of new secrets, logins and logouts. */
export const ROTATION: readonly TriedMutant[] = [
  {
    name: "a slow confirmation brings an older token back",
    topics,
    file: rotation,
    from: "if (sameHash(identity.secretHash, later.secretHash)) throw",
    to: "if (later.secretHash.length === 0) throw",
  },
  {
    name: "a login that was asked for before a logout takes effect after it",
    topics,
    file: rotation,
    from: "isUndone = logouts.get(session) !== before;",
    to: "isUndone = false;",
  },
  {
    name: "a token takes effect without a confirmation",
    topics,
    file: rotation,
    from: 'if (!isConfirmed) throw session.error("SESSION_NOT_CONFIRMED");',
    to: "",
  },
  {
    name: "a token that waits unheard is replaced without a question",
    topics,
    file: rotation,
    from: "if (asked && !(await turn.hears(() => bearer.presentAgain())))",
    to: "if (asked && !asked.length)",
  },
  {
    name: "another server's token that waits is replaced",
    topics,
    file: rotation,
    from: "if (nextHash && !(asked && sameHash(asked, nextHash)))",
    to: "if (nextHash && !nextHash.length)",
  },
  {
    name: "tokens that were overtaken are not remembered",
    topics,
    file: rotation,
    from: "host.unheard.add(token.secretHash, replaces);",
    to: "",
  },
  {
    name: "a token that waits does not open the session",
    topics,
    file: "src/registry/registry.ts",
    from: 'return standing === "current" || standing === "next";',
    to: 'return standing === "current";',
  },
  {
    name: "a logout leaves the values",
    topics,
    file: "src/handle/logout.ts",
    from: "values.clear();",
    to: "",
  },
  {
    name: "a logout leaves the user",
    topics,
    file: "src/handle/logout.ts",
    from: "values.identity = { ...values.identity, userId: null };",
    to: "",
  },
];
