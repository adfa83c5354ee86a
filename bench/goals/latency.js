// @ts-check
// One set on a server that has nothing else to do, against the UPDATE that it consists of: batching must not
// wait.
import { figure } from "../figures.js";
import { median } from "../stats.js";
import { holdersOf, insertRows } from "../tables.js";

/** @typedef {import("../programs/alternating.js").Taken} Taken */
/** @typedef {import("../sessions.js").Holder} Holder */
/** @typedef {{ bare: number, ours: number }} Round milliseconds */

/** @type {import("../context.js").Goal} */
export default {
  name: "latency",
  title: "one set on an idle server, against one UPDATE of a row of the same size by mysql2",
  async run({ database, quick, rounds, say, startProgram }) {
    const times = quick ? 100 : 400;
    const connection = await database.admin();
    await insertRows(connection, { rows: 2 });
    const [ours, bare] = /** @type {[Holder, Holder]} */ (holdersOf({ rows: 2, count: 2 }));

    const server = startProgram(new URL("../programs/latency-server.js", import.meta.url));
    const client = startProgram(new URL("../programs/latency-client.js", import.meta.url));
    const options = { bare: await readRow(connection, bare) };
    const { port } = await server.ask("start", { databaseUrl: database.url, poolSize: 10, options });
    await client.ask("connect", { port, holder: ours });

    const compare = async (/** @type {import("../program.js").Program} */ program) => {
      /** @type {Taken} */
      const taken = await program.ask("compare", { times });
      const rows = { ours: await readRow(connection, ours), bare: await readRow(connection, bare) };
      for (const way of /** @type {const} */ (["ours", "bare"])) {
        const { last } = rows[way].values;
        if (last !== taken.last[way])
          throw new Error(`${way}: the row has ${last}, last set was ${taken.last[way]}.`);
      }
      return { bare: median(taken.bare), ours: median(taken.ours) };
    };
    // The first of all finds code that was never run, and connections that are not there yet.
    for (const program of [server, client]) await program.ask("compare", { times });
    /** @type {Round[]} */
    const inside = [];
    /** @type {Round[]} */
    const through = [];
    for (let round = 0; round < rounds; round += 1) {
      const taken = await compare(server);
      inside.push(taken);
      through.push(await compare(client));
      say(
        `  round ${round + 1} of ${rounds}: UPDATE ${taken.bare.toFixed(2)} ms, set ${taken.ours.toFixed(2)} ms`,
      );
    }
    await connection.end();
    return {
      figures: [
        figure("a set in the server, against one UPDATE", "×", inside.map(ratio), { most: 1.25 }),
        figure(
          "one UPDATE",
          "ms",
          inside.map(({ bare }) => bare),
        ),
        figure("the same through a socket", "×", through.map(ratio)),
      ],
      details: { times, inside, through },
    };
  },
};

/** @param {Round} round */
function ratio({ bare, ours }) {
  return ours / bare;
}

/**
 * @param {import("mysql2/promise").Connection} connection
 * @param {Holder} holder
 */
async function readRow(connection, { token }) {
  const sessionId = token.slice(0, 32);
  const [rows] = await connection.query("SELECT revision, data FROM session WHERE sessionId = ?", [
    sessionId,
  ]);
  const [row] = /** @type {{ revision: number, data: string }[]} */ (rows);
  if (!row) throw new Error("The row of a holder is not there.");
  return { sessionId, revision: row.revision, values: JSON.parse(row.data) };
}
