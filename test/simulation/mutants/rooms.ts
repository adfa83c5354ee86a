import type { TriedMutant } from "./list.js";

const membership = "src/socket.io/membership.ts";
const deadlines = "src/socket.io/deadlines.ts";
const topics = ["rooms", "clients"] as const;
const recovery = ["recovery"] as const;

/**
 * Of the cut: sockets that have not presented the new token, and the rooms of those who are not logged in any
 * more.
 */
export const ROOMS: readonly TriedMutant[] = [
  {
    name: "rooms are not left at a logout",
    topics,
    file: membership,
    from: "onLoginEnd({ secretHash, userId }: Identity, keep: ReadonlySet<string>): void {\n    this.#rooms.leave(keep);",
    to: "onLoginEnd({ secretHash, userId }: Identity, keep: ReadonlySet<string>): void {\n    void keep;",
  },
  {
    name: "rooms are kept by a socket that has lost its session",
    topics,
    file: membership,
    from: "this.#rooms.withhold(saved.compactIdentity.userId && userId);\n    this.ensuredDeadlines.detach(id);",
    to: "void [saved, userId];\n    this.ensuredDeadlines.detach(id);",
  },
  {
    name: "rooms are given back to whoever comes",
    topics,
    file: "src/socket.io/guarded-rooms.ts",
    from: "const isTheirs = withheld.userId === null || withheld.userId === userId;",
    to: "const isTheirs = true as boolean | (typeof userId);",
  },
  {
    name: "rooms that a cut socket is put into are joined",
    topics,
    file: "src/socket.io/guarded-rooms.ts",
    from: "if (!withheld) return rooms;",
    to: "if (withheld?.userId !== undefined || !withheld) return rooms;",
  },
  {
    name: "a socket that switches session keeps its rooms",
    topics,
    file: membership,
    from: "this.#hasSwitched = true;\n    this.#rooms.leave();",
    to: "this.#hasSwitched = true;",
  },
  {
    name: "a socket that switches session is not cut (escape 1)",
    topics,
    file: membership,
    from: "if (!this.#past.add(had, this.bearer?.credential)) this.closeTransport();",
    to: "",
  },
  {
    name: "a socket that asks for tokens all the time is not cut (escape 2)",
    topics,
    file: deadlines,
    from: "this.#cancelAsking = clock.after(AGAIN_AFTER_MS, ask);",
    to: "this.#cancelAsking = clock.after(AGAIN_AFTER_MS, ask);\n      this.#cancelMissing?.();\n      this.#cancelMissing = clock.after(DETACHED_FOR_MS, onMissed);",
  },
  {
    name: "a socket that is recovered is not cut (escape 3)",
    topics: recovery,
    file: "src/socket.io/socket-recovery.ts",
    from: 'if (returning === "replaced") return this.#refuse(pid);',
    to: 'if (returning === "replaced") return found;',
  },
  {
    name: "a socket that has lost its session is never cut",
    topics,
    file: deadlines,
    from: "this.#cancelMissing = clock.after(DETACHED_FOR_MS, onMissed);",
    to: "void onMissed;",
  },
  {
    name: "a new secret is not heard by the sockets of its session",
    topics,
    file: membership,
    from: "this.#detachFrom(session, identity.userId);\n    this.#releaseSession();",
    to: "void identity;",
  },
  {
    name: "the end of a session is not told to its sockets",
    topics,
    file: "src/session/session.ts",
    from: "for (const watcher of this.watchers) watcher.onEnd(reason);",
    to: "",
  },
  {
    name: "a socket that takes over an opened session does not compare its secret",
    topics,
    file: membership,
    from: "if (this.bearer?.credential.canOpen(compactIdentity) === false)\n      this.onTokenChange(session.saved.identity);",
    to: "",
  },
  {
    name: "a socket is recovered whose session is over",
    topics: recovery,
    file: "src/socket.io/socket-recovery.ts",
    from: 'if (returning === "over") return this.#giveOnce({ ...found, rooms: [], missedPackets: [] });',
    to: 'if (returning === "over") return found;',
  },
  {
    name: "a socket is recovered whatever its note says",
    topics: recovery,
    file: "src/socket.io/recovery-note.ts",
    from: "return secretHash !== null && proofOf({ secretHash, userId }) === proof;",
    to: "void userId; return secretHash !== null && proof.length > 0;",
  },
  {
    name: "a socket that has had another session is recovered",
    topics: ["clients", "recovery"],
    file: membership,
    from: "if (this.#hasSwitched) return false;",
    to: "",
  },
  {
    name: "a recovered socket gets its session later",
    topics: recovery,
    file: membership,
    from: "this.#takeSession({ session, ...(note.isFixed && { isFixed: note.isFixed }) });",
    to: "this.context.registry.release(session);",
  },
  {
    name: "a recovered socket is one, whatever it has when it connects",
    topics: recovery,
    file: membership,
    from: "if (was && this.socket.recovered && (",
    to: "if (was && this.isGone && (",
  },
  {
    name: "what is sent to a user is heard by those who were logged in before",
    topics,
    file: "src/registry/watched-sessions.ts",
    from: "this.#unindex(session, before);\n    if",
    to: "if",
  },
  {
    name: "what is sent to a user is not heard by whoever has just logged in",
    topics,
    file: "src/registry/watched-sessions.ts",
    from: "if (session.watchers.size > 0) this.#index(session, userId);",
    to: "",
  },
  {
    name: "what is sent to a user is heard by sockets that have not presented the new token",
    topics,
    file: membership,
    from: "registry.watched.remove(session, this);\n    registry.release(session);",
    to: "registry.release(session);",
  },
  {
    name: "a logout keeps no rooms",
    topics,
    file: membership,
    from: "onLoginEnd({ secretHash, userId }: Identity, keep: ReadonlySet<string>): void {\n    this.#rooms.leave(keep);",
    to: "onLoginEnd({ secretHash, userId }: Identity, keep: ReadonlySet<string>): void {\n    this.#rooms.leave(new Set([...keep].slice(1)));",
  },
  {
    name: "events do not wait for the token that has just replaced the one presented",
    topics,
    file: "src/socket.io/attachment.ts",
    from: "const needsSession = required || (this.isDetached && isAwaited);",
    to: "const needsSession = required || (this.isDetached && isAwaited && freshness !== undefined);",
  },
];
