import type { TestDatabase } from "./database.js";

/** The server's own record of the statements that one account sent. */
export interface GeneralLog {
  /**
   * Statements since the last call of {@link clear}, without those that belong to setting a connection up.
   */
  statements(): Promise<string[]>;
  clear(): Promise<void>;
  stop(): Promise<void>;
}

/** What a connection is asked before it is used; statements on rows begin otherwise. */
const SET_UP =
  /^(select (@@|if\()|select .* as binary\(2\)\)|do if\(|show (grants|session variables)|set transaction )/;

/**
 * Turns the general log on; only one test file at a time may do so. `undefined` where this account may not.
 */
export async function startGeneralLog({ pool, account }: TestDatabase): Promise<GeneralLog | undefined> {
  try {
    await pool.query("set global log_output = 'TABLE'");
    await pool.query("set global general_log = on");
  } catch {
    return undefined;
  }
  return {
    async statements() {
      const [rows] = await pool.query(
        "select convert(argument using utf8mb4) as statement from mysql.general_log" +
          " where user_host like ? and command_type in ('Query', 'Execute', 'Prepare')",
        [`${account}[%`],
      );
      return (rows as { statement: string }[])
        .map(({ statement }) => statement)
        .filter((statement) => !SET_UP.test(statement));
    },
    async clear() {
      await pool.query("truncate table mysql.general_log");
    },
    async stop() {
      await pool.query("set global general_log = off");
      await pool.query("truncate table mysql.general_log");
    },
  };
}
