import { Few } from "./few.js";
import type { SessionWatcher } from "./session-host.js";

/** Who has a session open: one in most cases. */
export class Watchers extends Few<SessionWatcher> {}
