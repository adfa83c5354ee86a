// In an empty project with the packed tarball installed: the function by import and by require, and what it needs at run time.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import defaultExport, * as imported from "socket.io-token-session";
import * as client from "socket.io-token-session/client";

const required = createRequire(import.meta.url)("socket.io-token-session");
assert.equal(required, imported.tokenSession);
assert.equal(defaultExport, imported.tokenSession);
assert.equal(required.memoryStore, imported.memoryStore);
assert.equal(required.SessionError, imported.SessionError);
assert.equal(typeof client.tokenSession, "function");

const { Server } = await import("socket.io");
for (const make of [required, imported.tokenSession]) {
  const io = new Server(0);
  const sessions = new make({ store: required.memoryStore(), logger: false });
  assert.equal(sessions.attach(io), sessions);
  await sessions.check();
  await io.close();
  await sessions.close();
}
assert.throws(() => required({ db: {} }), { code: "SESSION_OPTION_INVALID" });

const fileOf = (specifier) => fileURLToPath(import.meta.resolve(specifier));
for (const file of ["sql/session.sql", "sql/grant.sql", "client/script"]) {
  assert.ok(existsSync(fileOf(`socket.io-token-session/${file}`)), file);
}
// The DDL that an error quotes is found from the installed place.
const { createPool } = await import("mysql2");
const pool = createPool({ host: "127.0.0.1", port: 1 });
await assert.rejects(required({ db: pool, logger: false, storeTimeout: 1 }).check(), {
  code: "SESSION_STORE_UNAVAILABLE",
});
const { tableInvalid } = await import(
  new URL("./stores/mysql/table.js", import.meta.resolve("socket.io-token-session")).href
);
assert.match(tableInvalid("session", ["x"]).message, /CREATE TABLE `session`/);
assert.match(readFileSync(fileOf("socket.io-token-session/client/script"), "utf8"), /tokenSession/);
pool.end();
console.log("import, require, client, sql: all there");
