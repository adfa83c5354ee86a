import { TOKEN_HEADER } from "../src/wire.js";
import { originOf } from "./origin.js";
import { idOf } from "./stored-token.js";

/**
 * What the address of an answer to a GET begins with, after the page's own origin, where CapacitorHttp has
 * sent the request. It does not tell of redirects.
 */
const INTERCEPTED = "/_capacitor_http_interceptor_";

/**
 * `fetch`, with a token where the request goes to one of the origins. What it is given is handed on, not a
 * `Request` made of it: where `fetch` is not the browser's own, its body may come to harm. `take` goes on by
 * the new token that came with an answer.
 */
export async function fetchWithToken(
  input: RequestInfo | URL,
  init: RequestInit | undefined,
  origins: readonly string[],
  token: () => Promise<string>,
  take: (given: string, sent: string) => Promise<unknown>,
): Promise<Response> {
  const request = (input as Request).headers ? (input as Request) : new Request(input);
  const to = originOf(request.url);
  if (!origins.includes(to)) return fetch(input, init);

  const sent = await token();
  const headers = new Headers(init?.headers ?? request.headers);
  if (sent) headers.set("authorization", `Bearer ${sent}`);
  const response = await fetch(input, { ...init, headers });

  const given = response.headers.get(TOKEN_HEADER);
  const isHidden = response.url.startsWith(
    (globalThis.location?.origin ?? originOf(response.url)) + INTERCEPTED,
  );
  // Not after a redirect to another server, that has not seen the one before. Where that is hidden, none of
  // another session.
  if (sent && given && (isHidden ? given.startsWith(`${idOf(sent)}.`) : originOf(response.url) === to))
    await take(given, sent);
  return response;
}
