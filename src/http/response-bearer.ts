import type { ServerResponse } from "node:http";
import onHeaders from "on-headers";
import type { Log } from "../base/log.js";
import type { Bearer } from "../handle/rotation.js";
import type { Credential } from "../token/credential.js";
import type { PresentedToken } from "../token/token.js";
import { TOKEN_HEADER } from "../wire.js";
import { isAnswered, isSent } from "./response-state.js";

/** Puts a token into an answer whose headers are about to go out. */
export type TokenWriter = (response: ServerResponse, token: string) => void;

/** The last token for each answer. */
const tokens = new WeakMap<ServerResponse, { text: string; write: TokenWriter }>();

/**
 * The client of one request, as a session's rotations see it: it gets a new token with the answer, in one
 * step.
 */
export class ResponseBearer implements Bearer {
  readonly credential: Credential;
  /** There is no way to hear that an answer has arrived. */
  readonly canConfirm = false;
  readonly #response: ServerResponse;
  readonly #write: TokenWriter;
  readonly #log: Log;

  constructor(
    response: ServerResponse,
    credential: Credential,
    { write, log }: { write: TokenWriter; log: Log },
  ) {
    this.#response = response;
    this.credential = credential;
    this.#write = write;
    this.#log = log;
  }

  get isGone(): boolean {
    return isAnswered(this.#response);
  }

  presentAgain(): Promise<boolean> {
    return Promise.resolve(false);
  }

  expectReplacement(): void {}

  offer(token: PresentedToken): Promise<boolean> {
    if (isSent(this.#response))
      this.#log.error(
        { sessionId: token.sessionId },
        "an answer was sent before the session's new token was ready, and went without it: wait for login() and its like before you answer",
      );
    else addTokenToHeaders(this.#response, token.text, this.#write, this.#log);
    return Promise.resolve(false);
  }
}

/**
 * Not before the headers go out: frameworks drop what was set when a handler throws, and handlers set headers
 * of their own.
 */
function addTokenToHeaders(response: ServerResponse, text: string, write: TokenWriter, log: Log): void {
  const isFirst = !tokens.has(response);
  tokens.set(response, { text, write });
  if (!isFirst) return;
  onHeaders(response, () => {
    const given = tokens.get(response);
    if (!given) return;
    // A token is for one client: no cache may keep it for others (RFC 9111, section 5.2.2.5).
    response.setHeader("Cache-Control", "no-store");
    given.write(response, given.text);
    const { statusCode } = response;
    if (statusCode >= 300 && statusCode < 400 && response.hasHeader(TOKEN_HEADER))
      log.warn(
        {},
        "an answer with a session's new token is a redirect: a browser follows it, and no script reads its headers",
      );
  });
}

/** For clients that keep the token themselves. */
export function writeTokenHeader(response: ServerResponse, token: string): void {
  response.setHeader(TOKEN_HEADER, token);
  // Without this, scripts of another origin (an app's WebView is one) may not read the header.
  if (response.req?.headers.origin) exposeHeader(response, TOKEN_HEADER);
}

function exposeHeader(response: ServerResponse, name: string): void {
  const exposed = [response.getHeader("Access-Control-Expose-Headers") ?? []].flat().join(", ");
  const isExposed = exposed
    .toLowerCase()
    .split(/\s*,\s*/)
    .includes(name.toLowerCase());
  if (!isExposed) response.setHeader("Access-Control-Expose-Headers", exposed ? `${exposed}, ${name}` : name);
}
