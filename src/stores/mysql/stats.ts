// How much there is in the table, in bounded time: no statement looks at more than COUNTED entries of an
// index, or ROWS rows.
import type { StoreStats, UnixSeconds } from "../../store.js";
import { FIRST_ID_MS, firstIdAt } from "../../token/token.js";
import { factsOf, type RowFacts } from "../row-facts.js";
import type { Statement } from "./database-access.js";
import { LIVE } from "./reads.js";

/** Entries of the index on `expires` that are counted; what is more is estimated. */
export const COUNTED = 100_000;
/** So many living rows are all looked at; of more, a sample: from so many places … */
export const ROWS = 2_000;
export const PLACES = 40;
/** … and so many rows from each of them on. */
const ROWS_A_PLACE = ROWS / PLACES;

const DAY: UnixSeconds = 86_400;

const FACTS = "`sessionId`, userId, createdAt, octet_length(coalesce(data, '{}')) as bytes";

type StoredFacts = Record<keyof RowFacts | "sessionId", string | number | null>;
type Read = <Row>(statement: Statement) => Promise<Row[]>;

/** Statements that count what is in a table; its name is quoted, and then as in information_schema. */
export class Stats {
  readonly #read: Read;
  readonly #table: string;
  readonly #name: string;

  constructor(read: Read, table: string, name: string) {
    this.#read = read;
    this.#table = table;
    this.#name = name;
  }

  async collect(): Promise<StoreStats> {
    const [living, expired] = [await this.#count(LIVE), await this.#count("expires <= unix_timestamp()")];
    if (living <= ROWS && expired <= COUNTED) {
      const rows = await this.#facts(LIVE, [], ROWS);
      // Since they were counted, some may have come or gone.
      if (rows.length < ROWS)
        return { alive: rows.length, expired, ...factsOf(rows), sampled: false, rows: rows.length };
    }
    const rows = await this.#sample();
    const total = living > COUNTED || expired > COUNTED ? await this.#estimateTotal() : 0;
    const alive = living > COUNTED ? Math.max(living, total - expired) : living;
    const { loggedIn, bytes, oldest } = factsOf(rows);
    return {
      alive,
      expired: expired > COUNTED ? Math.max(expired, total - alive) : expired,
      loggedIn: rows.length === 0 ? 0 : Math.round((alive * loggedIn) / rows.length),
      bytes,
      oldest,
      sampled: true,
      rows: rows.length,
    };
  }

  /** How many entries of the index there are, up to one more than {@link COUNTED}. */
  async #count(condition: string): Promise<number> {
    const [row] = await this.#read<{ count: number | string }>(({ guard }) => ({
      sql:
        `select count(*) as count from (select expires from ${this.#table} where ${condition} and ${guard}` +
        ` limit ${COUNTED + 1}) as counted limit 1`,
      parameters: [],
    }));
    return Number(row?.count ?? 0);
  }

  /**
   * Living rows from places all over the order of `expires` and, as that may be uneven, of ids: neither alone
   * would meet most rows where some live for much longer than others.
   */
  async #sample(): Promise<RowFacts[]> {
    const rows = new Map<unknown, RowFacts>();
    const add = (found: readonly (RowFacts & { sessionId: unknown })[]) => {
      for (const row of found) rows.set(row.sessionId, row);
    };
    const [now, last] = await this.#ends("unix_timestamp()", "max(expires)");
    const [firstMs, lastMs] = await this.#ends(
      `conv(left(min(sessionId), 12), 16, 10)`,
      `conv(left(max(sessionId), 12), 16, 10)`,
      `sessionId between '${firstIdAt(FIRST_ID_MS)}' and '${firstIdAt((now + DAY) * 1000)}'`,
    );
    // Where in each part is left to chance, so that no rhythm of the application's is met.
    const phase = Math.random();
    for (let place = 0; place < PLACES / 2; place++) {
      const part = (place + phase) / (PLACES / 2);
      // Most of them near the beginning, because few sessions live for long without being used.
      const from = Math.floor(now + (last - now) * part ** 3);
      add(await this.#facts(`${LIVE} and expires >= ?`, [from], ROWS_A_PLACE, "order by expires"));
      add(await this.#byKey(firstIdAt(Math.floor(firstMs + (lastMs - firstMs) * part))));
    }
    // Ids have the time in them, so the oldest is mostly here.
    add(await this.#byKey(firstIdAt(firstMs)));
    return [...rows.values()];
  }

  async #ends(first: string, last: string, condition = "1 = 1"): Promise<[first: number, last: number]> {
    const [row] = await this.#read<Record<"first" | "last", number | string | null>>(({ guard }) => ({
      sql: `select ${first} as first, ${last} as last from ${this.#table} where ${condition} and ${guard} limit 1`,
      parameters: [],
    }));
    return [Number(row?.first ?? 0), Number(row?.last ?? 0)];
  }

  /** Expired rows are met on the way, and left out. */
  async #byKey(from: string): Promise<(RowFacts & { sessionId: unknown })[]> {
    const rows = await this.#read<StoredFacts & { living: number }>(({ guard }) => ({
      sql:
        `select ${FACTS}, ${LIVE} as living from ${this.#table} force index (primary)` +
        ` where sessionId >= ? and ${guard} order by sessionId limit ${ROWS_A_PLACE}`,
      parameters: [from],
    }));
    return rows.filter(({ living }) => Number(living) === 1).map(toFacts);
  }

  async #facts(condition: string, parameters: readonly UnixSeconds[], limit: number, order = "") {
    const rows = await this.#read<StoredFacts>(({ guard }) => ({
      sql: `select ${FACTS} from ${this.#table} where ${condition} and ${guard} ${order} limit ${limit}`,
      parameters,
    }));
    return rows.map(toFacts);
  }

  /** All rows of the table, as the database itself estimates. */
  async #estimateTotal(): Promise<number> {
    const [schema, name] = this.#name.includes(".") ? this.#name.split(".") : [null, this.#name];
    const [row] = await this.#read<{ total: number | string | null }>(() => ({
      sql:
        "select table_rows as total from information_schema.tables" +
        " where table_schema = coalesce(?, database()) and table_name = ? limit 1",
      parameters: [schema, name],
    }));
    return Number(row?.total ?? 0);
  }
}

function toFacts({ sessionId, userId, createdAt, bytes }: StoredFacts): RowFacts & { sessionId: unknown } {
  return { sessionId, userId: userId as string | null, createdAt: Number(createdAt), bytes: Number(bytes) };
}
