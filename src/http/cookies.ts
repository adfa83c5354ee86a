import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { parse } from "cookie";
import { unsign } from "cookie-signature";
import { complete, isFilledText, type Option, type OptionsOf, same, text } from "../base/option-table.js";
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
   * Pages of these origins may use the cookie, besides those of the server's own host. A browser sends
   * cookies with any page's WebSocket, so without this check a stranger's page could speak in the name of
   * whoever visits it (OWASP, cross-site WebSocket hijacking). Needed where a proxy changes the `Host`
   * header, and where pages come from another port. @default only the server's own host
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

type Keys = FromKoaCookieOptions["keys"];
type Signer = Exclude<Keys, readonly string[]>;

const FILLED = "a text that is not empty";

export const originList: Option<readonly string[]> = {
  accepts: (value): value is readonly string[] =>
    Array.isArray(value) &&
    value.every((origin) => URL.canParse(origin) && new URL(origin).pathname.length <= 1),
  mustBe: () => 'a list such as ["https://app.example.com"]',
  toValue: same,
  otherwise: () => [],
};

export const cookieOptions = {
  name: text(isFilledText, FILLED, "connect.sid"),
  secret: {
    accepts: (value): value is string | readonly string[] => isFilledText(value) || areFilledTexts(value),
    mustBe: () => FILLED,
    toValue: (secret) => [secret].flat(),
    isSecret: true,
  },
  origins: originList,
} satisfies OptionsOf<FromCookieOptions>;

export const koaCookieOptions = {
  name: text(isFilledText, FILLED, "koa.sess"),
  keys: {
    accepts: (value): value is Keys =>
      areFilledTexts(value) || typeof (value as Partial<Signer> | null | undefined)?.verify === "function",
    mustBe: () => "texts, as app.keys has them, or a Keygrip",
    toValue: (keys): Signer => ("verify" in keys ? keys : signerBy([...keys])),
    isSecret: true,
  },
  origins: originList,
} satisfies OptionsOf<FromKoaCookieOptions>;

/**
 * For the option `identify`: sockets whose handshake carries the cookie of express-session open the session
 * that the cookie opens, where express-session keeps its sessions here (`ConnectStore`). A cookie whose
 * signature is wrong, or that comes with another site's page, counts for nothing. Throws
 * `SESSION_OPTION_INVALID` for wrong options.
 *
 * @example
 * const sessions = tokenSession({ db, identify: fromCookie({ secret: process.env.SECRET }) });
 * const store = new ConnectStore(sessions);
 * app.use(session({ secret: process.env.SECRET, store, resave: false, saveUninitialized: false }));
 */
export function fromCookie({ name, secret, origins }: FromCookieOptions): CookieReader {
  // Others are passed over: what express-session is given may be handed on whole.
  const options = complete(cookieOptions, { name, secret, origins });
  return reader(options.origins, ({ cookie = "" }) => {
    const value = parse(cookie)[options.name];
    if (!value?.startsWith("s:")) return undefined;
    for (const each of options.secret) {
      const id = unsign(value.slice(2), each);
      if (id !== false) return id;
    }
    return undefined;
  });
}

/**
 * The same for the cookie of koa-session, with `KoaSessionStore`. Throws `SESSION_OPTION_INVALID` for wrong
 * options.
 *
 * @example
 * const sessions = tokenSession({ db, identify: fromKoaCookie({ keys: app.keys }) });
 */
export function fromKoaCookie({ name, keys, origins }: FromKoaCookieOptions): CookieReader {
  const options = complete(koaCookieOptions, { name, keys, origins });
  return reader(options.origins, ({ cookie = "" }) => {
    // As they stand in the header: what is signed is not decoded.
    const cookies = parse(cookie, { decode: (value) => value });
    const [value, signature] = [cookies[options.name], cookies[`${options.name}.sig`]];
    if (!value || !signature) return undefined;
    return options.keys.verify(`${options.name}=${value}`, signature) ? value : undefined;
  });
}

/** Koa's way: HMAC-SHA1 as base64url. Its own package for that, keygrip, has had no release since 2019. */
function signerBy(keys: readonly string[]): Signer {
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

function areFilledTexts(value: unknown): value is readonly string[] {
  // A copy, as a list with a gap passes over it in `every`.
  return Array.isArray(value) && value.length > 0 && [...value].every(isFilledText);
}
