// Bundled for a server: it runs, serves the client script, and an error has its statement.
import assert from "node:assert/strict";
import * as server from "socket.io-token-session";
import * as client from "socket.io-token-session/client";
import { tableInvalid } from "./node_modules/socket.io-token-session/dist/stores/mysql/table.js";
import { mintAndOpen } from "./session.cjs";

mintAndOpen(server, client).then((found) => {
  assert.deepEqual(found, ["Ada", 200]);
  assert.match(tableInvalid("t", ["x"]).message, /CREATE TABLE `t`/);
  assert.match(tableInvalid("t", ["x"], { isLegacy: true }).message, /ALTER TABLE `t`/);
  console.log("bundle ran");
});
