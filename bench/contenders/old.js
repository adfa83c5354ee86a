// @ts-check
// The old package as it is: a set returns, and is acknowledged, before anything is written.
import { serveOld } from "./old-server.js";

serveOld((session, key, value) => session.set(key, value));
