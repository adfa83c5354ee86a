import type { Socket } from "socket.io";
import { SessionError } from "../errors.js";
import { SessionHandle } from "../handle/handle.js";
import { type DraftAccess, withDraft } from "../handle/with-draft.js";
import type { SessionRegistry } from "../registry/registry.js";
import type { SessionDraft } from "../types.js";

declare module "socket.io" {
  interface Socket {
    /**
     * Runs `handler` alone on a draft of this socket's session, and saves what it changed, key by key, all or
     * nothing. Handlers of one session run one after the other in this process, and each begins with the
     * values in the row. A call inside a handler joins its draft. Resolves to what the handler returned, once
     * that is durable.
     *
     * - `context.session` is a plain object to be changed at will; `context.session = null` destroys the
     *   session.
     * - Nothing changed: nothing is written. The handler throws: nothing is saved, and its error comes out
     *   here.
     * - A key that the handler changed was changed elsewhere meanwhile: `SESSION_CONFLICT`, nothing saved;
     *   try again.
     * - No session: `SESSION_MISSING`, or as `onMissing` says: an `Error` is thrown, a function called for
     *   its result, and anything else, an explicit `undefined` too, is the result.
     *
     * The promise rejects: call it in a handler wrapped by `sessions.handler`, which answers the client then.
     * Do not wait in a handler for another session's handler that may wait for this one.
     *
     * @example
     * socket.on("visit", sessions.handler(async (done) => {
     *   const count = await socket.withSession(({ session }) => {
     *     session.visits = (session.visits ?? 0) + 1;
     *     return session.visits;
     *   });
     *   done(count);
     * }));
     */
    withSession<Result>(handler: WithSessionHandler<Result>): Promise<Result>;
    withSession<Result, Missing>(
      handler: WithSessionHandler<Result>,
      onMissing: Missing,
    ): Promise<Result | MissingResult<Missing>>;
  }
}

/** What a `withSession` handler is given. */
export interface SessionContext {
  /** The values, yours to change. */
  get session(): SessionDraft;
  /** Another plain object replaces all values; `null` destroys the session. */
  set session(values: SessionDraft | null);
  /** Public id of the session. */
  readonly sessionId: string;
  /** The socket whose `withSession` was called. */
  readonly socket: Socket;
}

/**
 * What `withSession` runs, alone with the session in this process. What it returns, or resolves to, is the
 * result.
 */
export type WithSessionHandler<Result> = (context: SessionContext) => Result | Promise<Result>;

/** What comes of `onMissing`. */
export type MissingResult<Missing> = Missing extends Error
  ? never
  : Missing extends (...args: never[]) => infer Result
    ? Awaited<Result>
    : Missing;

/** `onMissing` as a list: an explicit `undefined` is a wish, leaving it out is none. */
type OnMissing = readonly [] | readonly [onMissing: unknown];

export function withSession(
  registry: SessionRegistry,
  socket: Socket,
  handle: SessionHandle,
  handler: WithSessionHandler<unknown>,
  onMissing: OnMissing,
): Promise<unknown> {
  const session = SessionHandle.sessionOf(handle);
  const result = run(registry, socket, handle, handler, onMissing);
  // As with every change: a promise nobody waits for is no unhandled rejection, and who waits still sees it
  // rejected.
  result.catch((error: unknown) => {
    if (error instanceof SessionError) return registry.reportError(error);
    // The application's own error may have values in its message; to those who wait it comes whole.
    const kind = error instanceof Error ? error.name : typeof error;
    registry.log.warn({ ...(session && { sessionId: session.id }) }, `a withSession handler threw: ${kind}`);
  });
  return result;
}

async function run(
  registry: SessionRegistry,
  socket: Socket,
  handle: SessionHandle,
  handler: WithSessionHandler<unknown>,
  onMissing: OnMissing,
): Promise<unknown> {
  const session = SessionHandle.sessionOf(handle);
  if (typeof handler !== "function")
    throw new SessionError("SESSION_VALUE_INVALID", "withSession() takes a function");
  if (!session || session.ended) return missing(onMissing);
  // Held meanwhile: the socket may go, and then nobody else holds it.
  const held = registry.acquireForChange(session);
  try {
    const done = await withDraft(
      held,
      (draft) => handler(contextOf(draft, held.id, socket)),
      SessionHandle.credentialOf(handle),
    );
    return done ? done.result : await missing(onMissing);
  } finally {
    registry.release(held);
  }
}

function missing(onMissing: OnMissing): unknown {
  if (onMissing.length === 0) throw new SessionError("SESSION_MISSING");
  const [otherwise] = onMissing;
  if (otherwise instanceof Error) throw otherwise;
  return typeof otherwise === "function" ? otherwise() : otherwise;
}

function contextOf(draft: DraftAccess, sessionId: string, socket: Socket): SessionContext {
  return {
    // Typed as always there: only who has set it to null finds null.
    get session() {
      return draft.session as SessionDraft;
    },
    set session(values) {
      draft.session = values;
    },
    sessionId,
    socket,
  };
}
