import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { parse } from "cookie";
import { unsign } from "cookie-signature";
import { SessionError } from "../errors.js";
import { isTrustedPage } from "./origin.js";

/** What is used of a Socket.IO handshake. */
export interface CookieHandshake {
  /** Those of the request that opened the connection: `Cookie`, `Origin` and `Host` are looked at. */
  readonly headers: IncomingHttpHeaders;
}

/** Finds what identifies a session in a handshake; `undefined` where there is nothing. */
export type CookieReader = (handshake: CookieHandshake) => string | undefined;

/** What {@link fromCookie} and {@link fromKoaCookie} have in common. */
export interface CookieOptions {
  /**
   * Pages of these origins may use the cookie, besides those of the server's own host. A browser sends cookies with any page's
   * WebSocket, so without this check a stranger's page could speak in the name of whoever visits it (OWASP, cross-site WebSocket hijacking).
   * Needed where a proxy changes the `Host` header, and where pages come from another port. @default only the server's own host
   *
   * @example
   * origins: ["https://app.example.com"]
   */
  origins?: readonly string[];
}

/** For {@link fromCookie}. */
export interface FromCookieOptions extends CookieOptions {
  /** Name of the cookie. @default "connect.sid" */
  name?: string;
  /** What express-session signs it with: its option `secret`; of several, each counts. */
  secret: string | readonly string[];
}

/** For {@link fromKoaCookie}. */
export interface FromKoaCookieOptions extends CookieOptions {
  /** Name of the cookie, koa-session's option `key`. @default "koa.sess" */
  name?: string;
  /** What Koa signs it with: `app.keys`. */
  keys:
    | readonly string[]
    | {
        /** Whether the signature is right. */
        verify(data: string, digest: string): boolean;
      };
}

/**
 * For the option `identify`: sockets whose handshake carries the cookie of express-session open the session that the cookie opens, where
 * express-session keeps its sessions here (`ConnectStore`). A cookie whose signature is wrong, or that comes with another site's page, counts for nothing.
 * Throws `SESSION_OPTION_INVALID` for wrong options.
 *
 * @example
 * const sessions = tokenSession({ db, identify: fromCookie({ secret: process.env.SECRET }) });
 * app.use(session({ secret: process.env.SECRET, store: new ConnectStore(sessions), resave: false, saveUninitialized: false }));
 */
export function fromCookie({ name = "connect.sid", secret, origins = [] }: FromCookieOptions): CookieReader {
  const secrets = [secret].flat();
  checkTexts("secret", secrets);
  checkOptions(name, origins);
  return reader(origins, ({ cookie = "" }) => {
    const value = parse(cookie)[name];
    if (!value?.startsWith("s:")) return undefined;
    for (const each of secrets) {
      const id = unsign(value.slice(2), each);
      if (id !== false) return id;
    }
    return undefined;
  });
}

/**
 * The same for the cookie of koa-session, with `KoaSessionStore`. Throws `SESSION_OPTION_INVALID` for wrong options.
 *
 * @example
 * const sessions = tokenSession({ db, identify: fromKoaCookie({ keys: app.keys }) });
 */
export function fromKoaCookie({ name = "koa.sess", keys, origins = [] }: FromKoaCookieOptions): CookieReader {
  const signer = isKeys(keys) ? signerBy([...keys]) : keys;
  if (typeof signer?.verify !== "function")
    throw new SessionError(
      "SESSION_OPTION_INVALID",
      "keys must be texts, as app.keys has them, or a Keygrip",
    );
  checkOptions(name, origins);
  return reader(origins, ({ cookie = "" }) => {
    // As they stand in the header: what is signed is not decoded.
    const cookies = parse(cookie, { decode: (value) => value });
    const [value, signature] = [cookies[name], cookies[`${name}.sig`]];
    if (!value || !signature) return undefined;
    return signer.verify(`${name}=${value}`, signature) ? value : undefined;
  });
}

/** Koa's way: HMAC-SHA1 as base64url. Its own package for that, keygrip, has had no release since 2019. */
function signerBy(keys: readonly string[]): { verify(data: string, digest: string): boolean } {
  return {
    verify(data, digest) {
      const given = Buffer.from(digest);
      return keys.some((key) => {
        const right = Buffer.from(createHmac("sha1", key).update(data).digest("base64url"));
        return right.length === given.length && timingSafeEqual(right, given);
      });
    },
  };
}

function reader(
  origins: readonly string[],
  read: (headers: IncomingHttpHeaders) => string | undefined,
): CookieReader {
  return ({ headers }) => (isTrustedPage(headers, origins) ? read(headers) : undefined);
}

function isKeys(keys: FromKoaCookieOptions["keys"]): keys is readonly string[] {
  if (!Array.isArray(keys)) return false;
  checkTexts("keys", keys);
  return true;
}

function checkOptions(name: unknown, origins: unknown): void {
  checkTexts("name", [name]);
  if (
    !Array.isArray(origins) ||
    origins.some((origin) => !URL.canParse(origin) || new URL(origin).pathname.length > 1)
  )
    throw new SessionError(
      "SESSION_OPTION_INVALID",
      'origins must be a list such as ["https://app.example.com"]',
    );
}

function checkTexts(name: string, texts: readonly unknown[]): void {
  if (texts.length === 0 || texts.some((text) => typeof text !== "string" || text === ""))
    throw new SessionError("SESSION_OPTION_INVALID", `${name} must be a text that is not empty`);
}
