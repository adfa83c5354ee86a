import { createHash } from "node:crypto";
import {
  type Completed,
  complete,
  invalidOption,
  isWhole,
  type OptionsOf,
  type OptionTable,
  optional,
  unchecked,
  wholeNumber,
} from "../base/option-table.js";
import { toUserId } from "../session/ids.js";
import type { UnixSeconds } from "../store.js";

/** Which of the sessions that are alive are meant; all that is given must be true of them. */
export interface SessionFilter {
  /** Those that belong to this user, as `login` takes it. */
  userId?: string | number | undefined;
  /**
   * `true`: those that a socket of this server has open now; they are found in memory, without the database.
   * `false`: those that none of this server has open.
   */
  live?: boolean | undefined;
  /**
   * Those that began at this second or later, Unix seconds. Without `userId`, this and {@link before} go by
   * the time in session ids: sessions that came with a credential made elsewhere (a cookie's session id, a
   * token of the old package) have no time there, and are left out.
   */
  since?: UnixSeconds | undefined;
  /** Those that began before this second, Unix seconds. */
  before?: UnixSeconds | undefined;
}

/** What {@link Administration.list} takes. */
export interface ListSessionsOptions extends SessionFilter {
  /** How many sessions a page has at most, 1 to 1000. @default 50 */
  limit?: number | undefined;
  /** Where the page begins: what the page before gave as its `cursor`, for the same filter. */
  cursor?: string | null | undefined;
}

/** Which sessions {@link Administration.destroyMany} is to end. */
export interface DestroyFilter extends SessionFilter {
  /** In place of a filter: all. So that nothing left out by mistake ends the sessions of everybody. */
  all?: boolean | undefined;
}

/** INT UNSIGNED. */
const LAST_SECOND = 4_294_967_295;

const second = optional(
  (value): value is UnixSeconds => isWhole(value, 0, LAST_SECOND),
  `Unix seconds, a whole number from 0 to ${LAST_SECOND}`,
);
const yesOrNo = optional((value): value is boolean => typeof value === "boolean", "true or false");

const filterOptions = {
  userId: unchecked<string | number, undefined>(undefined),
  live: yesOrNo,
  since: second,
  before: second,
} satisfies OptionsOf<SessionFilter>;

const listOptions = {
  ...filterOptions,
  limit: wholeNumber({ least: 1, most: 1000 }, 50),
  cursor: unchecked<string | null, undefined>(undefined),
} satisfies OptionsOf<ListSessionsOptions>;

const destroyFilterOptions = { ...filterOptions, all: yesOrNo } satisfies OptionsOf<DestroyFilter>;

/** Columns that somebody may want to filter by, and by which no row can be found without reading all. */
const NOT_INDEXED = new Set(["client", "visitedAt", "previousVisitAt", "idleSeconds", "data"]);

/** A filter as it was checked: `userId` as the table has it. */
export interface Filter {
  readonly userId?: string | undefined;
  readonly live?: boolean | undefined;
  readonly since?: UnixSeconds | undefined;
  readonly before?: UnixSeconds | undefined;
}

/** Errors: `SESSION_OPTION_INVALID`, `SESSION_USER_INVALID`. */
export function toFilter(given: unknown, where: string): Filter {
  return filterOf(checked(filterOptions, given, where), where);
}

/** What is left of it is where the page begins, and how many it has. */
export function toListOptions(given: unknown): { filter: Filter; limit: number; after: string | undefined } {
  const { limit, cursor, ...values } = checked(listOptions, given, "list: ");
  const filter = filterOf(values, "list: ");
  return { filter, limit, after: cursor === undefined || cursor === null ? undefined : idOf(cursor, filter) };
}

/** Refuses to end everybody's sessions unless that is said. */
export function toDestroyFilter(given: unknown): Filter {
  const { all, ...values } = checked(destroyFilterOptions, given, "destroyMany: ");
  const filter = filterOf(values, "destroyMany: ");
  const isNamed = Object.values(filter).some((value) => value !== undefined);
  if (isNamed === (all === true))
    throw invalidOption("destroyMany: a filter must say which sessions, or else all: true");
  return filter;
}

function checked<T extends OptionTable>(
  table: T & Parameters<typeof complete<T>>[0],
  given: unknown,
  where: string,
): Completed<T> {
  if (Array.isArray(given)) throw invalidOption(`${where}options must be an object, not an array`);
  if (typeof given === "object" && given !== null)
    for (const name of Object.keys(given))
      if (NOT_INDEXED.has(name))
        throw invalidOption(`${where}there is no filter ${name}: no index begins with column ${name}`);
  return complete(table, given, where);
}

function filterOf(
  { userId, ...filter }: Omit<Filter, "userId"> & { userId?: string | number | undefined },
  where: string,
): Filter {
  const { since = 0, before = Number.POSITIVE_INFINITY } = filter;
  if (since >= before) throw invalidOption(`${where}since must be less than before`);
  return { ...filter, userId: userId === undefined ? undefined : toUserId(userId) };
}

/**
 * A cursor: the last id of a page, and of what filter the page was. Fit for a URL; it opens nothing, and
 * shows nothing of the user.
 */
export function toCursor(sessionId: string, filter: Filter): string {
  return Buffer.concat([Buffer.from(sessionId, "hex"), digestOf(filter)]).toString("base64url");
}

function idOf(cursor: unknown, filter: Filter): string {
  const bytes =
    typeof cursor === "string" && /^[A-Za-z0-9_-]{32}$/.test(cursor)
      ? Buffer.from(cursor, "base64url")
      : undefined;
  if (!bytes?.subarray(ID_BYTES).equals(digestOf(filter)))
    throw invalidOption("list: cursor must be what a page of the same filter gave");
  return bytes.subarray(0, ID_BYTES).toString("hex");
}

const ID_BYTES = 16;

function digestOf({ userId, live, since, before }: Filter): Buffer {
  const text = JSON.stringify([userId, live, since, before].map((value) => value ?? null));
  return createHash("sha256").update(text).digest().subarray(0, 8);
}
