// The script-tag form: a global function of the same name.
import { tokenSession } from "./index.js";

// `window`, not `globalThis`: the WebViews of older Android phones do not have that yet.
(window as unknown as { tokenSession: typeof tokenSession }).tokenSession = tokenSession;
