// The statements that read. Each has the server's guard as a condition, so that an answer is one to be
// believed, and a LIMIT, because the server may be set to one of its own (`sql_select_limit`): what that
// leaves out would be taken to be gone.
import type { ListOptions, Seconds } from "../../store.js";
import type { SqlText } from "./lent-connection.js";
import type { ServerFacts } from "./server-facts.js";
import { COLUMNS } from "./stored-row.js";
import { repeated } from "./writes.js";

/** Whether a row is alive is decided by the database's clock alone. */
export const LIVE = "expires > unix_timestamp()";

/** Devices of a user that one statement reads. */
export const USER_PAGE = 500;

const columns = COLUMNS.map((column) => `\`${column}\``).join(", ");
/** Values of an expired session never leave the database. */
const ROW = `${columns}, case when ${LIVE} then coalesce(data, '{}') else null end as data, unix_timestamp() as now`;
const BARE_ROW = `${columns}, null as data, unix_timestamp() as now`;
const REVISION = "`sessionId`, `revision`, expires, visitedAt, previousVisitAt, unix_timestamp() as now";
const DEVICE = "`sessionId`, userId, client, createdAt, visitedAt, previousVisitAt, expires";

/** Reads the rows of one table; its name is quoted. */
export class Reads {
  readonly #table: string;

  constructor(table: string) {
    this.#table = table;
  }

  rows(sessionIds: readonly string[], server: ServerFacts): SqlText {
    return this.#byIds(ROW, sessionIds, server);
  }

  revisions(sessionIds: readonly string[], server: ServerFacts): SqlText {
    return this.#byIds(REVISION, sessionIds, server);
  }

  #byIds(what: string, sessionIds: readonly string[], { guard }: ServerFacts): SqlText {
    const { length } = sessionIds;
    return {
      sql: `select ${what} from ${this.#table} where \`sessionId\` in (${repeated("?", length)}) and ${guard} limit ${length}`,
      parameters: sessionIds,
    };
  }

  /** A page of the living sessions of a user, by key. */
  ofUser(
    userId: string,
    { after, limit }: { after: string; limit: number },
    { guard }: ServerFacts,
  ): SqlText {
    const from = startAfter(after);
    return {
      sql:
        `select ${DEVICE} from ${this.#table} where userId = ? and ${from.sql}${LIVE} and ${guard}` +
        " order by sessionId limit ?",
      parameters: [userId, ...from.parameters, limit],
    };
  }

  /**
   * A page of the living rows. By key: the index on `expires` would have all of them sorted for each page.
   */
  page({ after = "", limit, values = true }: ListOptions, { guard }: ServerFacts): SqlText {
    const from = startAfter(after);
    return {
      sql:
        `select ${values ? ROW : BARE_ROW} from ${this.#table} force index (primary) where ${from.sql}${LIVE} and ${guard}` +
        " order by sessionId limit ?",
      parameters: [...from.parameters, limit],
    };
  }

  count({ guard }: ServerFacts): SqlText {
    return {
      sql: `select count(*) as count from ${this.#table} where ${LIVE} and ${guard} limit 1`,
      parameters: [],
    };
  }

  /** Of these, the living whose end would still move by more than a second, to `next`. */
  behind(sessionIds: readonly string[], next: SqlText, { guard }: ServerFacts): SqlText {
    const { length } = sessionIds;
    return {
      sql:
        `select sessionId from ${this.#table} as session where \`sessionId\` in (${repeated("?", length)})` +
        ` and ${LIVE} and ${next.sql} > expires + 1 and ${guard} limit ${length}`,
      parameters: [...sessionIds, ...next.parameters],
    };
  }

  expired(expiredFor: Seconds, limit: number, { guard }: ServerFacts): SqlText {
    return {
      sql:
        `select \`sessionId\` from ${this.#table} where expires < unix_timestamp() - ? and ${guard}` +
        " order by expires limit ?",
      parameters: [expiredFor, limit],
    };
  }
}

/** Not `> ''` for the first page: with MariaDB's sql_mode EMPTY_STRING_IS_NULL no row is behind that. */
function startAfter(after: string): SqlText {
  return after === "" ? { sql: "", parameters: [] } : { sql: "sessionId > ? and ", parameters: [after] };
}
