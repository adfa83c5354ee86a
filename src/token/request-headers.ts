import type { IncomingMessage } from "node:http";

type Request = Pick<IncomingMessage, "headers">;

/** Headers as they came, of requests from which a token has been taken out (token-cookies.ts). */
const cookiesAsSent = new WeakMap<object, string>();
const authorizationsAsSent = new WeakMap<object, string>();

/** The header `Cookie` of a request, as it came. */
export function cookieHeaderOf(request: Request): string | undefined {
  return cookiesAsSent.get(request) ?? request.headers.cookie;
}

/** The header `Authorization` of a request, as it came. */
export function authorizationOf(request: Request): string | undefined {
  return authorizationsAsSent.get(request) ?? request.headers.authorization;
}

/**
 * What follows the scheme's name in `Authorization: Bearer …` (RFC 6750, section 2.1); `undefined` without.
 */
export function bearerToken(request: Request): string | undefined {
  const [, token] = /^Bearer +(\S.*)$/i.exec(authorizationOf(request) ?? "") ?? [];
  return token?.trimEnd();
}

/** Before the header `Cookie` is changed. What is kept first stays. */
export function keepCookieHeader(request: object, sent: string): void {
  if (!cookiesAsSent.has(request)) cookiesAsSent.set(request, sent);
}

/** Before the header `Authorization` is taken out. */
export function keepAuthorization(request: object, sent: string): void {
  authorizationsAsSent.set(request, sent);
}
