// In an empty project with the packed tarball installed: the function by import and by require, and what it
// needs at run time.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import defaultExport, * as imported from "socket.io-token-session";
import * as client from "socket.io-token-session/client";
import { contractSettings, storeContract } from "socket.io-token-session/testing";

const required = createRequire(import.meta.url)("socket.io-token-session");
assert.equal(required, imported.tokenSession);
assert.equal(defaultExport, imported.tokenSession);
// Every entry gives the same by import and by require, and each thing is there once.
const installed = createRequire(import.meta.url);
const { exports } = installed("socket.io-token-session/package.json");
const entries = Object.keys(exports).filter((entry) => exports[entry].require);
assert.ok(entries.length > 10);
for (const entry of entries) {
  const name = `socket.io-token-session${entry.slice(1)}`;
  const [byImport, byRequire] = [await import(name), installed(name)];
  for (const key of Object.keys(byImport)) assert.equal(byRequire[key], byImport[key], `${name}: ${key}`);
  for (const key of Object.keys(byRequire)) assert.ok(key in byImport, `${name}: ${key} by require only`);
}
assert.equal(typeof client.tokenSession, "function");
for (const [entry, name] of [
  ["capacitor-preferences", "capacitorPreferences"],
  ["aparajita-secure-storage", "aparajitaSecureStorage"],
  ["capacitor-secure-storage-plugin", "capacitorSecureStoragePlugin"],
  ["cordova-secure-storage-echo", "cordovaSecureStorageEcho"],
  ["cordova-nativestorage", "cordovaNativeStorage"],
  ["node-file", "nodeFile"],
  ["connect-with-session", "addConnectWithSession"],
]) {
  const module = await import(`socket.io-token-session/client/${entry}`);
  assert.equal(typeof module[name], "function", entry);
}
// One client, by whichever entry it is called.
const { io: connect } = await import("socket.io-client");
const { addConnectWithSession } = await import("socket.io-token-session/client/connect-with-session");
addConnectWithSession(connect);
const withSession = connect.connectWithSession("http://127.0.0.1:1", { autoConnect: false });
const sessionOf = client.tokenSession(withSession);
const { auth } = withSession;
assert.equal(client.tokenSession(withSession), sessionOf);
assert.equal(withSession.auth, auth);

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

// The stores of express-session and koa-session, each by its own entry: without these nobody needs those
// packages.
const { default: session } = await import("express-session");
const { ConnectStore } = await import("socket.io-token-session/express-session");
const { KoaSessionStore } = await import("socket.io-token-session/koa-session");
const cookieSessions = required({ store: required.memoryStore(), logger: false });
const connectStore = new ConnectStore(cookieSessions);
assert.ok(connectStore instanceof session.Store);
await connectStore.set("sid", { cookie: { originalMaxAge: null }, n: 1 });
assert.equal((await connectStore.get("sid")).n, 1);
assert.equal((await new KoaSessionStore(cookieSessions).get("sid")).n, 1);
await cookieSessions.close();

// Metrics need the API package, and nothing of an SDK.
const { instrument } = await import("socket.io-token-session/opentelemetry");
const measured = required({ store: required.memoryStore(), logger: false });
const stopMeasuring = instrument(measured);
await measured.find("0".repeat(32));
stopMeasuring();
await measured.close();

// The store contract needs no test framework: none is installed here. It passes a sound store, and not a
// broken one.
const store = required.memoryStore()(contractSettings);
const failures = async (one) => {
  const failed = [];
  const setTimes = async (id, times) => store.setTimes(id, times);
  for (const { name, run } of storeContract)
    await run({ store: one, setTimes }).catch((error) => failed.push(`${name}: ${error}`));
  return failed;
};
assert.deepEqual(await failures(store), []);
const deletesNothing = new Proxy(store, {
  get: (target, name) => (name === "delete" ? async () => {} : target[name]?.bind(target)),
});
assert.match(String(await failures(deletesNothing)), /delete deletes exactly the rows of its list/);

const fileOf = (specifier) => fileURLToPath(import.meta.resolve(specifier));
for (const file of ["sql/session.sql", "sql/grant.sql", "sql/prune.sql", "client/script"]) {
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
console.log("import, require, client, store contract, sql: all there");
