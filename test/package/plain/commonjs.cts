// The same names by `require`, types too.
import { createPool } from "mysql2/promise";

import tokens = require("socket.io-token-session");

import { memoryStore, type SessionHandle, tokenSession } from "socket.io-token-session";

const db = createPool("mysql://localhost/app");
const sessions = new tokenSession({ db, expiration: 3600 });
const again = tokens.tokenSession({ store: memoryStore() });
const userOf = (handle: SessionHandle) => handle.userId;
console.log(
  sessions.store,
  again.store,
  tokens.SessionError,
  tokens.fromCookie,
  tokens.fromKoaCookie,
  userOf,
);
