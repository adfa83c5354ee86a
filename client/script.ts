// The script-tag form: a global function of the same name and, where Socket.IO's own script came before,
// io.connectWithSession.
import { addConnectWithSession, type Io } from "./connect-with-session.js";
import { tokenSession } from "./token-session.js";
import type { ClientSocket } from "./types.js";

// `window`, not `globalThis`: the two are one in every browser that has both.
const page = window as unknown as { tokenSession: typeof tokenSession; io?: Io<ClientSocket> };
page.tokenSession = tokenSession;
if (page.io) addConnectWithSession(page.io);
