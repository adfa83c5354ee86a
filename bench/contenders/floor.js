// @ts-check
// The least that a durable set can be: the same rows, changed on the same condition and committed before they
// are acknowledged, and nothing else. No secret is checked, nothing expires here, and a fault ends the
// process.
import { serve } from "./serve.js";

/** @typedef {{ id: string, revision: number, values: Record<string, unknown> }} Row */
/** @typedef {{ row: Row, data: string, done: (reply: { ok: true }) => void }} Change */

const width = 256;
/** As many bytes as ours writes into the column. */
const writers = Buffer.alloc(16, 1);

serve(async ({ io, pool }) => {
  const database = pool.promise();
  const [[{ isMariadb }]] = /** @type {any} */ (
    await database.query("SELECT VERSION() LIKE '%MariaDB%' AS isMariadb")
  );
  /** @type {Change[]} */
  let waiting = [];
  let isWriting = false;

  async function writeAll() {
    if (isWriting) return;
    isWriting = true;
    while (waiting.length > 0) {
      const changes = waiting.slice(0, width);
      waiting = waiting.slice(width);
      changes.sort((one, other) => (one.row.id < other.row.id ? -1 : 1));
      const [result] = await database.query(updateOf(changes.length, isMariadb), valuesOf(changes));
      const { affectedRows } = /** @type {{ affectedRows: number }} */ (/** @type {unknown} */ (result));
      if (affectedRows !== changes.length) throw new Error("floor: a row is not as it was left.");
      for (const { row, done } of changes) {
        row.revision += 1;
        done({ ok: true });
      }
    }
    isWriting = false;
  }

  /** @param {string} id */
  async function read(id) {
    const [rows] = await database.query("SELECT revision, data FROM session WHERE sessionId = ?", [id]);
    const [{ revision, data }] = /** @type {[{ revision: number, data: string }]} */ (rows);
    return { id, revision, values: JSON.parse(data) };
  }

  io.on("connection", (socket) => {
    /** @type {Row | undefined} */
    let row;
    socket.on("getToken", async ({ token }) => {
      row ??= await read(token.slice(0, 32));
      socket.emit("gotToken", { token, errors: "", created: false });
    });
    socket.on("set", ({ key, value }, done) => {
      if (!row) throw new Error("floor: a set came before getToken.");
      row.values[key] = value;
      waiting.push({ row, data: JSON.stringify(row.values), done });
      // What one turn of the event loop brings goes out together, as with ours.
      if (!isWriting && waiting.length === 1) setImmediate(writeAll);
    });
    socket.on("get", (key, done) => done(row?.values[key]));
  });
  return {};
});

/**
 * @param {number} count of rows
 * @param {boolean} isMariadb
 */
function updateOf(count, isMariadb) {
  const row = isMariadb ? "(?,?,?,?,?)" : "row(?,?,?,?,?)";
  return (
    `update (with given (id, base, revision, data, writers) as (values ${row}${`,${row}`.repeat(count - 1)})` +
    " select * from given) as new straight_join session force index (primary)" +
    " on session.sessionId = convert(new.id using ascii) and session.revision = new.base" +
    " set session.data = new.data, session.revision = new.revision, session.writers = new.writers" +
    " where session.expires > unix_timestamp()"
  );
}

/** @param {readonly Change[]} changes */
function valuesOf(changes) {
  return changes.flatMap(({ row: { id, revision }, data }) => [id, revision, revision + 1, data, writers]);
}
