import { TurnsByKey } from "../base/turns-by-key.js";
import { type HandlerScope, handlerScopes } from "../session/handler-scope.js";
import type { Session } from "../session/session.js";
import type { Values } from "../session/values.js";
import type { Credential } from "../token/credential.js";
import { applyEntries, changesOf, type DraftObject, newDraft } from "./draft.js";

/** The values of a session in the hands of one handler, and of the calls inside it. */
class Draft {
  /** `null` ends the session when the handler is done. */
  object: DraftObject | null;
  /** Those that did, to be waited for before the draft is saved. */
  readonly joined: Promise<unknown>[] = [];
  readonly session: Session;
  readonly #before: Values;

  constructor(session: Session) {
    this.session = session;
    this.#before = session.values.copy();
    this.object = newDraft(this.#before);
  }

  async save(by: Credential | undefined): Promise<void> {
    if (this.object === null) return this.session.destroy("destroyed", by);
    const entries = changesOf(this.object, this.#before);
    if (entries.length > 0) await this.session.edit(applyEntries(entries, this.#before), by);
  }
}

/** What a handler is given of the session. */
export interface DraftAccess {
  session: DraftObject | null;
}

/**
 * Handlers of one session that may wait for each other; more come from a loop, or from a client that sends
 * without end.
 */
const MAX_TURNS = 1_000;

const handlers = new TurnsByKey<Session>(new WeakMap());

/**
 * Runs `handler` alone on a draft of the session's values, and saves by key what it changed; when it throws,
 * nothing is saved. Handlers of one session in this process run one after the other. A call inside a handler
 * of the same session joins its draft. Answers `undefined` where there is no session any more. Errors: what
 * `handler` throws, those of reading and changing a session, `SESSION_CONFLICT`.
 */
export async function withDraft<Result>(
  session: Session,
  handler: (draft: DraftAccess) => Result | Promise<Result>,
  by?: Credential,
): Promise<{ result: Result } | undefined> {
  const around = handlerScopes.getStore() ?? [];
  const isOfSession = (draft?: object): draft is Draft => draft instanceof Draft && draft.session === session;
  const outer = around.map(({ draft }) => draft).find(isOfSession);
  if (outer) {
    if (outer.object === null) return undefined;
    by?.assertCanOpen(session.values.identity, session.id);
    const result = (async () => handler(accessTo(outer)))();
    outer.joined.push(result);
    return { result: await result };
  }
  const deadline = session.deadline();
  if (handlers.count(session) >= MAX_TURNS) throw session.error("SESSION_QUEUE_FULL");
  return handlers.run(session, async () => {
    // Others may have written long ago without our having heard of it: that would be no conflict to a handler
    // that begins now.
    if (!session.ended) await session.read({ deadline });
    if (session.ended || !session.row) return undefined;
    by?.assertCanOpen(session.values.identity, session.id);
    const draft = new Draft(session);
    const hand: HandlerScope = { draft };
    try {
      const hands = [...around.filter((other) => other.draft), hand];
      const result = await handlerScopes.run(hands, () => handler(accessTo(draft)));
      // Also those that the handler did not wait for; who comes later is on its own.
      for (let n = 0; n < draft.joined.length; n++) await Promise.allSettled([draft.joined[n]]);
      hand.draft = undefined;
      await draft.save(by);
      return { result };
    } finally {
      hand.draft = undefined;
    }
  });
}

function accessTo(draft: Draft): DraftAccess {
  return {
    get session() {
      return draft.object;
    },
    set session(object) {
      draft.object = object;
    },
  };
}
