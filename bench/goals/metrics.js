// @ts-check
// What metrics cost the server: the same library twice, once with OpenTelemetry's SDK, in turns.
import { cpuOf } from "../cpu.js";
import { figure } from "../figures.js";
import { insertSessions } from "../sessions.js";
import { rotated } from "../stats.js";

/** @typedef {{ off: number, on: number }} Round microseconds of the server for each operation */

/** @type {import("../context.js").Goal} */
export default {
  name: "metrics",
  title: "CPU time of the server for a resume and a set, with metrics against without",
  async run({ quick, rounds, say, database, startContender, startDriver }) {
    const clients = quick ? 50 : 500;
    const time = quick ? { seconds: 0.6, warmUp: 0.3 } : { seconds: 3, warmUp: 1 };
    const crowd = clients;
    const connection = await database.admin("ours");
    const holders = await insertSessions(connection, "ours", clients).finally(() => connection.end());
    const pairs = await Promise.all(
      /** @type {const} */ (["off", "on"]).map(async (metrics) => {
        const contender = await startContender("ours", { options: { metered: metrics === "on" } });
        const driver = startDriver();
        await driver.ask("connect", { port: contender.port, holders });
        return { metrics, contender, driver };
      }),
    );
    /** @type {Record<string, Round[]>} */
    const measured = { resume: [], set: [] };
    for (let round = 0; round < rounds; round += 1) {
      for (const [work, all] of Object.entries(measured)) {
        /** @type {Round} */
        const those = { off: 0, on: 0 };
        for (const { metrics, contender, driver } of rotated(pairs, round)) {
          // Both write the same rows: each has to hear first what the other one has written.
          await driver.ask(work, { seconds: 0, warmUp: time.warmUp, crowd });
          const ask = () => driver.ask(work, { seconds: time.seconds, warmUp: 0, crowd });
          const cpu = await cpuOf({ contender, database }, ask);
          those[metrics] = cpu.server;
          await contender.ask("idle");
        }
        all.push(those);
        const [off, on] = [those.off.toFixed(1), those.on.toFixed(1)];
        say(`  round ${round + 1} of ${rounds}, ${work}: ${off} µs without, ${on} µs with`);
      }
    }
    const figures = Object.entries(measured).map(([work, all]) =>
      figure(
        `${work}: with metrics, against without`,
        "×",
        all.map(({ off, on }) => on / off),
        { most: 1.01 },
      ),
    );
    return { figures, details: { clients, measured } };
  },
};
