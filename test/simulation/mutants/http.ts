import type { TriedMutant } from "./list.js";

const topics = ["cookies"] as const;
const rows = "src/cookie-sessions/cookie-rows.ts";
const express = "src/cookie-sessions/express-session-store.ts";
const exchange = "src/http/request-exchange.ts";
const bearer = "src/http/response-bearer.ts";
const session = "src/http/request-session.ts";
const bridge = "src/http/cookie-bridge.ts";

/** Of requests, cookies and the sessions of express-session. */
export const HTTP: readonly TriedMutant[] = [
  {
    name: "a request saves all that it was given, changed or not",
    topics,
    file: rows,
    from: "const changed = [...texts].filter(([key, text]) => before.texts.get(key) !== text);",
    to: "const changed = [...texts];",
  },
  {
    name: "a request deletes what it was not given",
    topics,
    file: rows,
    from: "for (const key of gone) values.delete(key);",
    to: "for (const key of [...values.keys()]) if (!texts.has(key)) values.delete(key); void gone;",
  },
  {
    name: "a late save makes a session anew that is over",
    topics,
    file: rows,
    from: "const now = known ? await this.#saveChanges(known, content) : await this.#saveFirst(cookieId, content);",
    to: "const now = (known && (await this.#saveChanges(known, content))) || (await this.#saveFirst(cookieId, content));",
  },
  {
    name: "a save of a session that was read is a first one",
    topics,
    file: rows,
    from: "const known = this.#findKnown(holder, cookieId);\n      const now",
    to: "const known = undefined as Known | undefined;\n      const now",
  },
  {
    name: "saves of one request do not wait for each other",
    topics,
    file: rows,
    from: "await this.#saves.run(holder, () => run(what));",
    to: "await run(what);",
  },
  {
    name: "a request reads what is on its way, too",
    topics,
    file: rows,
    from: "const { saved: values } = session;",
    to: "const { values } = session;",
  },
  {
    name: "a save that failed is taken for saved",
    topics,
    file: rows,
    from: "if (isOver(error)) return undefined;\n      throw error;\n    }\n  }\n\n  #checkSize",
    to: "return undefined;\n    }\n  }\n\n  #checkSize",
  },
  {
    name: "a first save whose row is there and cannot be read counts as refused",
    topics,
    file: "src/registry/registry.ts",
    from: 'if (isNew) throw new SessionError("SESSION_WRITE_UNCERTAIN", undefined, { sessionId, cause: error });',
    to: "",
  },
  {
    name: "the end of a cookie's session leaves its row",
    topics,
    file: rows,
    from: 'await session.destroy("destroyed", new Credential(secretHash));',
    to: "void [session, secretHash, Credential];",
  },
  {
    name: "a cookie's session is not held while it is changed",
    topics,
    file: rows,
    from: "const session = registry.acquireForChange(known);",
    to: "const session = known; registry.acquireForChange(known);",
  },
  {
    name: "all cookies open one session",
    topics,
    file: "src/token/opaque.ts",
    from: '{text}`, "utf8")',
    to: '{text.length}`, "utf8")',
  },
  {
    name: "requests with express-session do not remember what they were given",
    topics,
    file: express,
    from: "this.#rows.inherit(created, data, (key) => taken.has(key));",
    to: "void taken;",
  },
  {
    name: "a request without a session's token has the last one's",
    topics,
    file: exchange,
    from: "const isMissing = sent === undefined || (this.#bridge && parseStandIn(sent));",
    to: "const isMissing = sent === undefined;",
  },
  {
    name: "a request lets go of its session at once",
    topics,
    file: exchange,
    from: "if (this.#held.length === 1) onResponseOver(this.#request, this.#response, () => this.#release());",
    to: "this.#release(); void onResponseOver;",
  },
  {
    name: "a new token does not go out with the answer",
    topics,
    file: bearer,
    from: "given.write(response, given.text);",
    to: "void given;",
  },
  {
    name: "an answer brings the first of its new tokens",
    topics,
    file: bearer,
    from: "  tokens.set(response, { text, write });\n  if (!isFirst) return;",
    to: "  if (!isFirst) return;\n  tokens.set(response, { text, write });",
  },
  {
    name: "an answer that has begun is no reason to keep the old token",
    topics,
    file: bearer,
    from: "return isAnswered(this.#response);",
    to: "void isAnswered; return false;",
  },
  {
    name: "a new token goes into a header where it belongs into the cookie",
    topics,
    file: exchange,
    from: "? bridge.write\n      : writeTokenHeader",
    to: "? writeTokenHeader\n      : writeTokenHeader",
  },
  {
    name: "a ticket is exchanged for nothing",
    topics,
    file: bridge,
    from: "this.write(response, ticket.content.token);",
    to: "void response;",
  },
  {
    name: "each look for the cookie replaces its secret",
    topics,
    file: bridge,
    from: "const boundTo = held ?? this.#setFirstSecret(response);",
    to: "const boundTo = this.#setFirstSecret(response);",
  },
  {
    name: "start makes a session where there is one",
    topics,
    file: session,
    from: "if (this.active) return;\n    const { registry }",
    to: "const { registry }",
  },
  {
    name: "start makes a session where another request has logged in",
    topics,
    file: session,
    from: 'if (before && !before.ended) throw before.error("SESSION_TOKEN_CHANGED");',
    to: "",
  },
  {
    name: "start makes a session when the answer has begun",
    topics,
    file: session,
    from: 'if (this.#exchange.isAnswered) throw new SessionError("SESSION_NOT_CONFIRMED", "the answer has begun");\n    if (!this',
    to: "if (!this",
  },
  {
    name: "the client takes no token of an answer",
    topics,
    file: "client/session-fetch.ts",
    from: "await take(given, sent);",
    to: "void take;",
  },
  {
    name: "the client stores a token of an answer over a newer one",
    topics,
    file: "client/token-session.ts",
    from: "if (sent !== held) return;\n            stored.invalidToken",
    to: "stored.invalidToken",
  },
];
