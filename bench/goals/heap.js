// @ts-check
// What a live session with nothing to do costs, beyond what its socket costs without one. Two crowds come,
// and the second makes the figure: what a server needs once, for whatever number of clients, does not count.
import { figure } from "../figures.js";
import { holdersOf, insertRows, makeEmptyTable } from "../tables.js";

/** @typedef {import("../context.js").Context} Context */
/** @typedef {import("../sessions.js").Holder} Holder */
/** @typedef {{ heapUsed: number, external: number, total: number }} Memory */
/** @typedef {{ ours: boolean, byEvent?: boolean, table?: string }} Kind */
/** @typedef {Record<string, Memory>} Round kilobytes for each client of each kind */

/** @type {Record<string, Kind>} */
const alwaysMeasured = { bare: { ours: false }, empty: { ours: true, table: "session_empty" } };
/** @type {Record<string, Kind>} */
const forInformation = {
  withValues: { ours: true },
  bareByEvent: { ours: false, byEvent: true },
  byEvent: { ours: true, byEvent: true, table: "session_empty" },
};

/** @type {import("../context.js").Goal} */
export default {
  name: "heap",
  title: "memory of an idle live session beyond the bare socket: heap, and Buffers outside of it",
  async run(context) {
    const { quick, rounds, say, database } = context;
    const sessions = quick ? 1_000 : 5_000;
    const rows = Math.ceil(sessions * 1.2);
    const connection = await database.admin();
    await insertRows(connection, { rows });
    await makeEmptyTable(connection, "session_empty");
    await insertRows(connection, { table: "session_empty", rows, values: "{}" });
    await connection.end();
    const holders = holdersOf({ rows, count: rows });
    const crowds = { first: holders.slice(sessions), second: holders.slice(0, sessions) };

    /** @type {Round[]} */
    const kB = [];
    for (let round = 0; round < rounds; round += 1) {
      /** @type {Round} */
      const measured = {};
      for (const [name, kind] of Object.entries({ ...alwaysMeasured, ...(quick ? {} : forInformation) }))
        measured[name] = await measure(context, crowds, kind);
      kB.push(measured);
      const told = Object.entries(measured).map(([name, { total }]) => `${name} ${total.toFixed(2)} kB`);
      say(`  round ${round + 1} of ${rounds}: ${told.join(", ")}`);
    }
    const beyond = (
      /** @type {string} */ kind,
      /** @type {string} */ bare,
      /** @type {keyof Memory} */ part = "total",
    ) => kB.map((round) => (round[kind]?.[part] ?? Number.NaN) - (round[bare]?.[part] ?? Number.NaN));
    return {
      figures: [
        figure("a session without values", "kB", beyond("empty", "bare"), { most: 1 }),
        figure("of that, Buffers outside of the heap", "kB", beyond("empty", "bare", "external")),
        ...(quick
          ? []
          : [
              figure("a session with 200 bytes of values", "kB", beyond("withValues", "bare")),
              figure("a session opened by event", "kB", beyond("byEvent", "bareByEvent")),
            ]),
      ],
      details: { sessions, kB },
    };
  },
};

/**
 * @param {Context} context
 * @param {{ first: Holder[], second: Holder[] }} crowds
 * @param {Kind} kind
 * @returns {Promise<Memory>} kilobytes for each client of the second crowd
 */
async function measure({ database, startProgram, startDriver }, { first, second }, { byEvent, ...options }) {
  const server = startProgram(new URL("../programs/idle-server.js", import.meta.url), {
    execArgv: ["--expose-gc"],
  });
  const { port } = await server.ask("start", { databaseUrl: database.url, poolSize: 10, options });
  const programs = [server];
  const come = async (/** @type {Holder[]} */ holders) => {
    const driver = startDriver();
    programs.unshift(driver);
    if (byEvent) await driver.ask("connect", { port, holders });
    else await driver.ask("storm", { port, holders, concurrent: 200, sessions: options.ours });
    /** @type {Memory} */
    const memory = await server.ask("memory");
    return memory;
  };
  const before = await come(first);
  const after = await come(second);
  for (const program of programs) await program.stop();
  const each = (/** @type {keyof Memory} */ part) => (after[part] - before[part]) / second.length / 1000;
  return { heapUsed: each("heapUsed"), external: each("external"), total: each("total") };
}
