// @ts-check
// Sessions that are there before anybody connects: rows as each contender writes them, and what their clients
// hold. The tokens of the others are shorter than ours (32 characters, not 76), and stay so: that is how they
// are.
import { createHmac, randomBytes } from "node:crypto";
import oldSession from "socket.io-mysql-session";
import { mintToken } from "../dist/token/token.js";

/** @typedef {import("mysql2/promise").Connection} Connection */
/** @typedef {import("./context.js").ContenderName} ContenderName */
/**
 * @typedef {object} Holder what a client is given to connect with
 * @property {string} token what `gotToken` has to show
 * @property {string} [cookie] for those that go by one
 */
/**
 * @typedef {object} Table
 * @property {string} insert the beginning of a statement
 * @property {string} row its part for one row
 * @property {() => { values: unknown[], holder: Holder }} make one session
 * @property {string} read by a list of keys: `id` and `data`
 * @property {(holder: Holder) => string} keyOf
 */

/** Signs the cookies of express-session, for this run. */
export const cookieSecret = randomBytes(24).toString("hex");

/** About 200 bytes in each row; `last` is what the sets change. */
const values = { userId: 123_456, cart: "x".repeat(133), last: "0".repeat(20) };
export const data = JSON.stringify(values);
const day = 86_400;

/** @type {Table} */
const ours = {
  insert:
    "INSERT INTO session (sessionId, expires, data, secretHash, revision, createdAt, visitedAt) VALUES ",
  row: `(?, UNIX_TIMESTAMP() + ${day}, ?, ?, FLOOR(RAND() * 281474976710656), UNIX_TIMESTAMP(), UNIX_TIMESTAMP())`,
  make() {
    const { text, sessionId, secretHash } = mintToken();
    return { values: [sessionId, data, secretHash], holder: { token: text } };
  },
  read: "SELECT sessionId AS id, data FROM session WHERE sessionId IN (?)",
  keyOf: ({ token }) => token.slice(0, 32),
};

/** @type {Table} */
const old = {
  insert: "INSERT INTO session (sessionId, expires, data) VALUES ",
  row: `(?, UNIX_TIMESTAMP() + ${day}, ?)`,
  make() {
    const token = randomBytes(24).toString("base64url");
    return { values: [token, data], holder: { token } };
  },
  read: "SELECT sessionId AS id, data FROM session WHERE sessionId IN (?)",
  keyOf: ({ token }) => token,
};

/** @type {Table} */
const express = {
  insert: "INSERT INTO sessions (session_id, expires, data) VALUES ",
  row: `(?, UNIX_TIMESTAMP() + ${day}, ?)`,
  make() {
    const id = randomBytes(24).toString("base64url");
    const signature = createHmac("sha256", cookieSecret).update(id).digest("base64").replace(/=+$/, "");
    const kept = { cookie: { originalMaxAge: null, expires: null, httpOnly: true, path: "/" }, ...values };
    return {
      values: [id, JSON.stringify(kept)],
      holder: { token: id, cookie: `connect.sid=${encodeURIComponent(`s:${id}.${signature}`)}` },
    };
  },
  read: "SELECT session_id AS id, data FROM sessions WHERE session_id IN (?)",
  keyOf: ({ token }) => token,
};

/** @type {Record<ContenderName, Table | undefined>} */
const tables = { bare: undefined, floor: ours, ours, old, "old-durable": old, express };

/**
 * Inserts sessions for a contender. The bare one has no table: its clients only hold something of the same
 * size.
 * @param {Connection} connection to the contender's database
 * @param {ContenderName} name
 * @param {number} count
 * @returns {Promise<Holder[]>}
 */
export async function insertSessions(connection, name, count) {
  const table = tables[name];
  const made = Array.from({ length: count }, () => (table ?? ours).make());
  for (let at = 0; table && at < count; at += 1000) {
    const rows = made.slice(at, at + 1000);
    await connection.query(
      table.insert + rows.map(() => table.row).join(", "),
      rows.flatMap((row) => row.values),
    );
  }
  return made.map(({ holder }) => holder);
}

/**
 * The value `last` of each of these sessions as it is in the table; undefined where there is no such row.
 * @param {Connection} connection
 * @param {ContenderName} name
 * @param {Holder[]} holders
 * @returns {Promise<unknown[]>} in the order of `holders`
 */
export async function readLast(connection, name, holders) {
  const table = tables[name];
  if (!table) throw new Error(`${name} has no table.`);
  const [rows] = await connection.query(table.read, [holders.map(table.keyOf)]);
  const found = /** @type {{ id: string, data: string }[]} */ (rows);
  const byId = new Map(found.map(({ id, data }) => [id, JSON.parse(data)?.last]));
  return holders.map((holder) => byId.get(table.keyOf(holder)));
}

/**
 * Makes the old package's table: it makes none itself, and prints what it needs.
 * @param {Connection} connection to its database
 */
export async function makeOldTable(connection) {
  /** @type {{ session?: import("socket.io-mysql-session").Session, on(): void }} */
  const socket = { on() {} };
  oldSession({ db: /** @type {any} */ ({}) })(socket, () => {});
  await connection.query(socket.session?._dbCreateError() ?? "");
}
