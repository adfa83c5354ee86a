// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are pieces of source text.
import type { TriedMutant } from "./list.js";

const writes = "src/stores/mysql/writes.ts";
const touches = "src/registry/touches.ts";

/** Of when sessions end that nobody ends. */
export const EXPIRY: readonly TriedMutant[] = [
  {
    name: "a touch revives",
    file: writes,
    from: 'const found = `sessionId in (${repeated("?", sessionIds.length)}) and expires > unix_timestamp()`;',
    to: 'const found = `sessionId in (${repeated("?", sessionIds.length)})`;',
  },
  {
    name: "a touch moves an end back",
    file: writes,
    from: "session.expires = greatest(session.expires, ${next.sql}), session.visitedAt",
    to: "session.expires = least(session.expires, ${next.sql}), session.visitedAt",
  },
  {
    name: "a touch goes beyond the longest life",
    file: writes,
    from: "coalesce(session.idleSeconds + ${gap}, ?), session.createdAt + ?)`",
    to: "coalesce(session.idleSeconds + ${gap}, ?), session.createdAt + 2 * ?)`",
  },
  {
    name: "no touch is ever due",
    file: touches,
    from: "if (!row || session.ended) return false;",
    to: "if (row) return false;",
  },
  {
    name: "a touch that failed is not tried again",
    file: touches,
    from: "this.#deferred.add(session.id, { beginVisit, untilMs });",
    to: "void { beginVisit, untilMs };",
  },
  {
    name: "being connected is no use",
    file: "src/registry/touch-pace.ts",
    from: 'if (settings.idle === "events") return 0;',
    to: "return -settings.expiration;",
  },
  {
    name: "what has expired is found when it is opened, and is given all the same",
    file: "src/registry/registry.ts",
    from: 'if (row.data === null) opened = { found: "expired" };\n        else if (!session.ended)',
    to: "if (row)",
  },
  {
    name: "a session ends ten seconds before its time",
    file: "src/session/session.ts",
    from: 'if (seen.expires <= seen.now) this.end("expired");',
    to: 'if (seen.expires <= seen.now + 10) this.end("expired");',
  },
];
