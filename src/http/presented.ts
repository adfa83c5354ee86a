import type { IncomingMessage } from "node:http";

/** What follows the scheme's name in `Authorization: Bearer …` (RFC 6750, section 2.1); `undefined` without. */
export function bearerToken({ headers }: Pick<IncomingMessage, "headers">): string | undefined {
  const [, token] = /^Bearer +(\S.*)$/i.exec(headers.authorization ?? "") ?? [];
  return token?.trimEnd();
}
