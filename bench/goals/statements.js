// @ts-check
// How many statements the database gets for a thousand resumes, when a thousand clients ask at once.
import { figure } from "../figures.js";
import { insertSessions } from "../sessions.js";
import { countingStatements } from "../status.js";

/** @type {import("../context.js").Goal} */
export default {
  name: "statements",
  title: "statements of every kind for 1000 resumes, 1000 clients asking as fast as they are answered",
  async run({ database, quick, rounds, say, startContender, startDriver }) {
    const connection = await database.admin();
    const holders = await insertSessions(connection, "ours", 1000);
    const { port } = await startContender("ours");
    const driver = startDriver();
    await driver.ask("connect", { port, holders });
    // Connections are made and checked here, and code runs for the first time.
    await driver.ask("resume", { seconds: 0, warmUp: quick ? 0.5 : 3 });

    const perThousand = [];
    const counted = [];
    for (let round = 0; round < rounds; round += 1) {
      const { result, statements, total } = await countingStatements(connection, () =>
        driver.ask("resume", { seconds: quick ? 1 : 3, warmUp: 0 }),
      );
      perThousand.push((total / result.answered) * 1000);
      counted.push({ resumes: result.answered, statements });
      say(`  round ${round + 1} of ${rounds}: ${total} statements, ${result.answered} resumes`);
    }
    await connection.end();
    return {
      figures: [figure("statements for 1000 resumes", "", perThousand, { most: 20 })],
      details: { counted },
    };
  },
};
