import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { invalidOption, nothing, type Option } from "../base/option-table.js";
import { bytesToText, type HashText, textToBytes } from "./hash.js";

/**
 * For pages whose token is in an httpOnly cookie, out of their scripts' reach: what such a page holds, and
 * what passes through it, is a *stand-in*, `<sessionId>.cookie`, or for a short time a *ticket*,
 * `<sessionId>.cookie~<sealed>`, in which the token is encrypted. Before the first session it is `.cookie`.
 */
export interface StandIn {
  /** `""` before the first session. */
  readonly sessionId: string;
  /** The sealed token, of a ticket. */
  readonly sealed: string | undefined;
}

/**
 * What a ticket is for: to be presented over Socket.IO, or to be exchanged for a cookie. One is never good
 * for the other.
 */
export type TicketUse = "present" | "store";

/** What a ticket stands for. */
export interface TicketContent {
  /** `""` where the browser has no session yet. */
  readonly token: string;
  /**
   * The hash of the secret in the cookie of the browser that it is for, there before the first session too: a
   * ticket to be stored is exchanged for that browser, and for no other, whoever has seen it.
   */
  readonly boundTo: HashText;
}

/** A ticket of ours that was opened, of whatever age. */
export class Ticket {
  readonly content: TicketContent;
  /** By the clock of the server that sealed it, Unix milliseconds. */
  readonly sealedAtMs: number;

  constructor(content: TicketContent, sealedAtMs: number) {
    this.content = content;
    this.sealedAtMs = sealedAtMs;
  }
}

/** The clock that all servers share: the database's. */
export interface TicketClock {
  /** As far as known, Unix milliseconds. */
  readonly nowMs: number;
  /** Asks for it. Rejects where it cannot be learned now. */
  refreshClock(): Promise<void>;
}

/** How long a ticket is good, and how far the clocks of two servers may be apart. */
const GOOD_FOR_MS = 120_000;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const STAND_IN = /^([0-9a-f]{32})?\.cookie(?:~([A-Za-z0-9_-]{1,512}))?$/;

/** Reads what a page sent in place of a token; `undefined` for everything that is no stand-in. */
export function parseStandIn(presented: unknown): StandIn | undefined {
  const [matched, sessionId = "", sealed] = (typeof presented === "string" && STAND_IN.exec(presented)) || [];
  return matched === undefined ? undefined : { sessionId, sealed };
}

/** What a page holds in place of its token. */
export function standInFor(sessionId: string): string {
  return `${sessionId}.cookie`;
}

/** The keys of one use: the first seals, all open. */
type Keys = readonly [Buffer, ...Buffer[]];

/** One or more; the first seals, all open. */
export type TicketSecrets = readonly [string, ...string[]];

/**
 * Seals tokens for their way through a page, and opens them again: AES-256-GCM, so that each server with the
 * same secret can.
 */
export class Tickets {
  readonly #keys: Record<TicketUse, Keys>;
  readonly #clock: TicketClock;

  constructor(secrets: TicketSecrets, clock: TicketClock) {
    this.#keys = { present: keysFor("present", secrets), store: keysFor("store", secrets) };
    this.#clock = clock;
  }

  /**
   * To be awaited before {@link seal}: another server may know by now that the database's clock has been set.
   * Where the database is away, what is known has to do.
   */
  async refreshClock(): Promise<void> {
    await this.#clock.refreshClock().catch(() => {});
  }

  seal(use: TicketUse, sessionId: string, { token, boundTo }: TicketContent): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv("aes-256-gcm", this.#keys[use][0], iv);
    cipher.setAAD(Buffer.from(sessionId, "latin1"));
    const text = JSON.stringify([this.#clock.nowMs, token, textToBytes(boundTo).toString("base64url")]);
    const sealed = Buffer.concat([iv, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
    return `${standInFor(sessionId)}~${sealed.toString("base64url")}`;
  }

  /** A ticket for this use, of whatever age; `undefined` where it is none of ours. */
  open(use: TicketUse, { sessionId, sealed }: StandIn): Ticket | undefined {
    const bytes = Buffer.from(sealed ?? "", "base64url");
    if (bytes.length <= IV_BYTES + TAG_BYTES) return undefined;
    for (const key of this.#keys[use]) {
      const ticket = openWith(key, sessionId, bytes);
      if (ticket) return ticket;
    }
    return undefined;
  }

  /**
   * Whether a ticket is good, as far as the clock is known: where it is not, {@link isGood} has the last
   * word.
   */
  seemsGood({ sealedAtMs }: Ticket): boolean {
    return Math.abs(this.#clock.nowMs - sealedAtMs) <= GOOD_FOR_MS;
  }

  /**
   * Whether a ticket is good. None is invalidOption before the database has been asked for the time: rejects
   * where it cannot say.
   */
  async isGood(ticket: Ticket): Promise<boolean> {
    if (this.seemsGood(ticket)) return true;
    await this.#clock.refreshClock();
    return this.seemsGood(ticket);
  }
}

function openWith(key: Buffer, sessionId: string, bytes: Buffer): Ticket | undefined {
  try {
    const cipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, IV_BYTES));
    cipher.setAAD(Buffer.from(sessionId, "latin1"));
    cipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    const text = Buffer.concat([cipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES)), cipher.final()]);
    const [sealedAtMs, token, boundTo] = JSON.parse(text.toString("utf8"));
    return new Ticket({ token, boundTo: bytesToText(Buffer.from(boundTo, "base64url")) }, sealedAtMs);
  } catch {
    return undefined;
  }
}

function keysFor(use: TicketUse, [first, ...others]: TicketSecrets): Keys {
  return [keyFor(use, first), ...others.map((secret) => keyFor(use, secret))];
}

function keyFor(use: TicketUse, secret: string): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, "", `socket.io-token-session ticket ${use}`, 32));
}

const SHORTEST = 32;

/** The option `cookieSecret`: one secret, or a list of them. */
export const ticketSecrets: Option<string | readonly string[], TicketSecrets | undefined> = {
  accepts: (given): given is string | readonly string[] => {
    // A copy, as a list with a gap passes over it in `every`.
    const secrets: unknown[] = Array.isArray(given) ? [...given] : [given];
    return (
      secrets.length > 0 && secrets.every((secret) => typeof secret === "string" && secret.length >= SHORTEST)
    );
  },
  mustBe: () => `a text of at least ${SHORTEST} characters, or a list of such texts that is not empty`,
  toValue(given) {
    const secrets = [given].flat();
    if (new Set(secrets).size < secrets.length)
      throw invalidOption("cookieSecret must not have the same text twice");
    return secrets as unknown as TicketSecrets;
  },
  otherwise: nothing,
  isSecret: true,
};
