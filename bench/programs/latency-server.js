// @ts-check
// Ours and a bare UPDATE side by side in one process, on one pool. Further question: `compare` `{times}`.
import { tokenSession } from "../../dist/index.js";
import { serve } from "../contenders/serve.js";
import { alternating } from "./alternating.js";

/** What our write sends; `options.bare` is the row that it is tried on. */
const update =
  "UPDATE session SET data = ?, revision = ?, writers = ? WHERE sessionId = ? AND revision = ? AND expires > UNIX_TIMESTAMP()";

serve(({ io, pool, options }) => {
  const row = { ...options["bare"], writers: Buffer.alloc(16) };
  const sessions = tokenSession({ db: pool, logger: false });
  sessions.attach(io);
  /** @type {import("socket.io").Socket | undefined} */
  let client;

  const ways = {
    /** @param {string} value */
    async bare(value) {
      const text = JSON.stringify({ ...row.values, last: value });
      const [result] = await pool
        .promise()
        .query(update, [text, row.revision + 1, row.writers, row.sessionId, row.revision]);
      if (!("affectedRows" in result) || result.affectedRows !== 1)
        throw new Error("The bare UPDATE found no row.");
      row.revision += 1;
    },
    /** @param {string} value */
    async ours(value) {
      await client?.session.set("last", value);
    },
  };

  io.on("connection", (socket) => {
    client = socket;
    for (const [way, set] of Object.entries(ways)) {
      socket.on(way, async (/** @type {string} */ value, done) => {
        await set(value);
        done(value);
      });
    }
  });
  return {
    close: () => sessions.close(),
    answers: { compare: ({ times }) => alternating(times, (way, value) => ways[way](value)) },
  };
});
