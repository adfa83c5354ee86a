// `require` gives the function itself, and the rest on it.
import socketSession = require("socket.io-token-session");

import { createPool } from "mysql2/promise";

const db = createPool("mysql://localhost/app");
const sessions = new socketSession({ db, expiration: 3600 });
const again = socketSession({ store: socketSession.memoryStore() });
console.log(sessions.store, again.store, socketSession.SessionError);
