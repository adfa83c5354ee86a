import type { IncomingHttpHeaders } from "node:http";

/**
 * Whether a request comes from a page that may use the server's cookies. Browsers name the page's origin with
 * each WebSocket and each script's request to another origin, and else whether it is another; without both it
 * is a page of this very server, or no browser.
 */
export function isTrustedPage(headers: IncomingHttpHeaders, origins: readonly string[]): boolean {
  const { host = headers[":authority"] } = headers;
  const origin = headers.origin ?? (isEmbedded(headers) ? originOf(headers.referer) : undefined);
  if (origin === undefined || origins.includes(origin)) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}

/**
 * Whether another origin's page has it in itself: an image, or a script, which is how old clients poll
 * (`allowEIO3`). Not where a link is followed.
 */
function isEmbedded(headers: IncomingHttpHeaders): boolean {
  const site = headers["sec-fetch-site"];
  return (site === "cross-site" || site === "same-site") && headers["sec-fetch-mode"] !== "navigate";
}

/** `"null"`, as browsers have it, where there is none. */
function originOf(url = ""): string {
  return URL.canParse(url) ? new URL(url).origin : "null";
}
