import type { Socket } from "socket.io";
import { thrownFields } from "../base/log.js";
import { errorTexts, isOrdinary, SessionError, type SessionErrorCode } from "../errors.js";
import type { SessionRegistry } from "../registry/registry.js";
import { attachments } from "./attachment.js";

/** What a client's acknowledgement is given when the handler has failed. */
export interface HandlerFailure {
  /** The code of the {@link SessionError}; `"SESSION_HANDLER_FAILED"` for every other error. */
  readonly error: SessionErrorCode;
}

/**
 * Makes of a handler one that never throws and whose promise never rejects; both would end the process. The
 * handler is called as Socket.IO calls it: with what the client sent, `this` being the socket. A function at
 * the end of that is the acknowledgement.
 *
 * - When the handler throws or rejects, the acknowledgement is called with {@link HandlerFailure}, unless it
 *   has been called already. The error is logged: a {@link SessionError} by its code, every other error
 *   whole. The client is never told a message.
 * - When the client sent no acknowledgement, and fewer arguments than the handler has parameters
 *   (`fn.length`), the last parameter is a function that does nothing. Parameters from the first one with a
 *   default value on, and rest parameters, do not count.
 * - What the handler returns is not sent to anybody.
 */
export type WrapHandler = <Args extends unknown[], This = Socket>(
  fn: (this: This, ...args: Args) => unknown,
) => (this: This, ...args: Args) => Promise<void>;

/**
 * {@link WrapHandler} that logs with the registry. Errors: `SESSION_OPTION_INVALID` for what is no function.
 */
export function handlerWrapper(registry: SessionRegistry): WrapHandler {
  return (fn) => {
    if (typeof fn !== "function")
      throw new SessionError("SESSION_OPTION_INVALID", `handler() takes a function, not ${typeof fn}`);
    return async function (...sent) {
      const answer = new Acknowledgement(sent, fn.length);
      try {
        await Reflect.apply(fn, this, answer.args);
      } catch (error) {
        answer.fail(logFailure(registry, this, error));
      }
    };
  };
}

/** What is left of the acknowledgement when the handler has failed. */
class Acknowledgement<Args extends unknown[]> {
  /** What the handler is called with. */
  readonly args: Args;
  #answer: ((...answer: unknown[]) => void) | undefined;

  constructor(sent: Args, parameters: number) {
    const args: unknown[] = [...sent];
    const last = args.at(-1);
    // A client can send no function: this one is Socket.IO's.
    if (typeof last === "function") {
      this.#answer = last as (...answer: unknown[]) => void;
      args[args.length - 1] = (...answer: unknown[]) => this.#tell(answer);
    } else if (args.length < parameters) args[parameters - 1] = nothing;
    this.args = args as Args;
  }

  fail(error: SessionErrorCode): void {
    try {
      this.#tell([{ error } satisfies HandlerFailure]);
    } catch {
      // Not even this can be sent; the failure itself has been logged.
    }
  }

  /** What cannot be sent (a cycle, a BigInt) throws here, in the handler, and is no answer yet. */
  #tell(answer: unknown[]): void {
    const tell = this.#answer;
    tell?.(...answer);
    this.#answer = undefined;
  }
}

/** Says what went wrong to the log alone, and gives the code that the client may know. */
function logFailure(registry: SessionRegistry, socket: unknown, error: unknown): SessionErrorCode {
  const sessionId = attachments.get(socket as Socket)?.handle.id;
  const fields = { ...(sessionId && { sessionId }), ...thrownFields(error) };
  if (error instanceof SessionError) {
    const { code, message } = error;
    // What comes of a change has been logged already.
    if (!registry.hasLogged(error)) registry.log[isOrdinary(code) ? "warn" : "error"](fields, message);
    return code;
  }
  const code = "SESSION_HANDLER_FAILED";
  registry.log.error({ code, ...fields }, errorTexts[code]);
  return code;
}

function nothing(): void {}
