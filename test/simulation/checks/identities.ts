import { createHash } from "node:crypto";
import type { Database } from "../database/database.js";
import type { Change, Row } from "../sql/statement.js";
import type { Timeline } from "../world/timeline.js";
import type { Findings } from "./findings.js";
import { isUnknown, type Known, marksIn, type Sessions, valuesOf } from "./sessions.js";

/**
 * A login, a logout or an end that a page has asked for. Each login is of a user of its own, so that each
 * shows.
 */
interface Act {
  readonly kind: string;
  readonly sessionId: string;
  readonly user: string;
  readonly process: string;
  readonly beganAt: number;
  /** What opened the session then. */
  readonly secretHash: string;
  state: "pending" | "acknowledged" | "unknown" | "refused";
  /** It has been seen in the row. */
  isCommitted: boolean;
  /** It was acknowledged without that: there was nothing to take, as it seemed. */
  hadNothing?: boolean;
}

/** Who a session belongs to and what opens it, by what the application was told. */
export class Identities {
  readonly #database: Database;
  readonly #findings: Findings;
  readonly #sessions: Sessions;
  readonly #timeline: Timeline;
  readonly #logins = new Map<string, Act>();
  readonly #logouts: Act[] = [];
  readonly #others: Act[] = [];
  /** Hashes that have opened a session, and were replaced. */
  readonly #replaced = new Set<string>();
  /** The session that each device has. */
  readonly #devices = new Map<string, string>();
  /** Devices that put an old token back, or have been told to forget theirs. */
  readonly #mayLose = new Set<string>();
  /** When the database last lost something of a session. */
  readonly #lostAt = new Map<string, number>();
  #n = 0;
  /** How many logins and the like are on their way, or may be, of each session. */
  readonly #replacing = new Map<string, number>();

  constructor(given: {
    database: Database;
    findings: Findings;
    sessions: Sessions;
    timeline: Timeline;
  }) {
    this.#database = given.database;
    this.#findings = given.findings;
    this.#sessions = given.sessions;
    this.#timeline = given.timeline;
  }

  /** A handler begins something with a session; gives what is to be told its end. */
  acts(kind: string, sessionId: string, user: string, process: string): (code: string) => void {
    const known = this.#sessions.of(sessionId);
    this.#timeline.tell(process, () => `begins ${kind} ${user} of ${sessionId.slice(-4)}`);
    const act: Act = {
      kind,
      sessionId,
      user,
      process,
      beganAt: ++this.#n,
      secretHash: hex(this.#database.row(sessionId)?.["secretHash"]),
      state: "pending",
      isCommitted: false,
    };
    if (kind === "login") this.#logins.set(user, act);
    if (kind === "logout") {
      this.#logouts.push(act);
      known.clearing++;
    }
    if (kind === "destroy" || kind === "revoke") known.mayEnd++;
    else this.#replacing.set(sessionId, (this.#replacing.get(sessionId) ?? 0) + 1);
    if (kind === "regenerate") this.#others.push(act);
    return (code) => this.#told(act, known, code);
  }

  #told(act: Act, known: Known, code: string): void {
    const { kind, sessionId, user, process } = act;
    this.#timeline.tell(process, () => `${kind} ${user} of ${sessionId.slice(-4)} came to "${code}"`);
    if (kind !== "destroy" && !isUnknown(code))
      this.#replacing.set(sessionId, (this.#replacing.get(sessionId) ?? 0) - 1);
    act.state = code === "" ? "acknowledged" : isUnknown(code) ? "unknown" : "refused";
    if (act.state === "refused") {
      if (kind === "destroy" || kind === "revoke") known.mayEnd--;
      if (kind === "logout" && act.isCommitted && this.#passOn(act)) return;
      if (act.isCommitted && !known.isOver)
        this.#findings.add("false refusal", `${kind} of ${user} was refused (${code}), and is in the row`);
      else if (kind === "logout" && !act.isCommitted) known.clearing--;
      return;
    }
    const row = this.#database.row(sessionId);
    if (kind === "logout" && code === "" && !act.isCommitted) {
      act.isCommitted = true;
      if (!this.#takeFromOther(act)) {
        act.hadNothing = true;
        known.clearing--;
      }
    }
    if (code !== "" || !row || known.isOver) return;
    // What came of it may be among what the database has lost.
    if (act.beganAt < (this.#lostAt.get(sessionId) ?? 0)) return;
    if ((kind === "login" || kind === "regenerate") && hex(row["secretHash"]) === act.secretHash)
      this.#findings.add(
        "old secret",
        `${kind} of ${sessionId} was acknowledged, and its old secret still opens it`,
      );
    if (kind === "login" && !act.isCommitted)
      this.#findings.add("lost", `login of ${user} was acknowledged, and ${sessionId} was never theirs`);
    if (kind === "destroy" && Number(row["expires"]) > this.#database.time)
      this.#findings.add("lost", `the end of ${sessionId} was acknowledged, and its row is there`);
  }

  /** Whether what opens a session may be about to change. */
  isReplacing(sessionId: string): boolean {
    return (this.#replacing.get(sessionId) ?? 0) > 0;
  }

  /** Two logouts at a time cannot be told apart in the row: what one has taken was counted as the other's. */
  #takeFromOther(acknowledged: Act): boolean {
    const other = this.#logouts.find(
      (act) =>
        act !== acknowledged &&
        act.sessionId === acknowledged.sessionId &&
        act.isCommitted &&
        act.state === "pending",
    );
    if (other) other.isCommitted = false;
    return other !== undefined;
  }

  /** The same of one that was refused. */
  #passOn(refused: Act): boolean {
    const other = this.#logouts.find(
      (act) =>
        act.sessionId === refused.sessionId &&
        (act.hadNothing || (!act.isCommitted && act.state !== "refused")),
    );
    if (other) Object.assign(other, { isCommitted: true, hadNothing: false });
    return other !== undefined;
  }

  /**
   * The database has this row in place of the one that it had. What was acknowledged and is lost stays so;
   * what is still on its way may come through once more.
   */
  lost({ sessionId, row }: Change, before: Row | null): void {
    const known = this.#sessions.of(sessionId);
    this.#lostAt.set(sessionId, ++this.#n);
    const user = row?.["userId"] ?? null;
    let isOnItsWay = false;
    for (const act of [...this.#acts]) {
      if (act.sessionId !== sessionId) continue;
      if (act.state === "pending") isOnItsWay = true;
      if (act.kind === "login" && act.user === user) act.isCommitted = true;
      else if (act.state !== "acknowledged" && act.isCommitted) {
        act.isCommitted = false;
        if (act.kind === "logout") known.clearing++;
      } else if (act.kind === "logout" && act.state === "acknowledged")
        this.#logouts.splice(this.#logouts.indexOf(act), 1);
    }
    const secrets = (of: Row | null) => [hex(of?.["secretHash"]), hex(of?.["nextHash"])];
    const [are, were] = [secrets(row), secrets(before)];
    for (const secret of are) this.#replaced.delete(secret);
    if (row && !isOnItsWay)
      for (const secret of were) if (secret && !are.includes(secret)) this.#replaced.add(secret);
    // A token that was replaced is good again, the one in its place is not, and who has which nobody knows.
    if (are.join() !== were.join())
      for (const [device, has] of this.#devices) if (has === sessionId) this.#mayLose.add(device);
  }

  /** A handler is told who is logged in. */
  shows(process: string, sessionId: string, user: string | undefined): void {
    if (user && this.#logins.get(user)?.sessionId !== sessionId)
      this.#findings.add("of another", `${process} shows ${sessionId} logged in as ${user}`);
  }

  get #acts(): Iterable<Act> {
    return [...this.#logins.values(), ...this.#logouts, ...this.#others];
  }

  /** A change to a row of a session. */
  committed({ sessionId, row }: Change, before: Row | null, by: string): void {
    if (!row || !before) return;
    const known = this.#sessions.of(sessionId);
    this.#checkUser(known, sessionId, row, before, by);
    this.#checkSecrets(sessionId, row, before, by);
  }

  #checkUser(known: Known, sessionId: string, row: Row, before: Row, by: string): void {
    const user = row["userId"] as string | null;
    const were = marksIn(before);
    const logout = this.#openLogoutOf(sessionId);
    if (user === null) {
      // A logout of a session that nobody was logged in to clears its values too.
      if (before["userId"] === null && !isCleared(before, row)) return;
      if (logout) logout.isCommitted = true;
      else if (before["userId"] !== null)
        this.#findings.add(
          "logged out",
          `${by} has logged ${before["userId"]} out of ${sessionId}, which nobody wanted`,
        );
      if (logout) known.cleared(were);
      return;
    }
    if (user === before["userId"]) return;
    // A logout and a login that was asked for since may be one write.
    if (logout && isCleared(before, row)) {
      logout.isCommitted = true;
      known.cleared(were);
    }
    const login = this.#logins.get(user);
    if (login?.sessionId !== sessionId) {
      this.#findings.add("of another", `${by} has logged ${user} in to ${sessionId}`);
    } else if (login.isCommitted) {
      this.#findings.add("revived", `${by} has logged ${user} in to ${sessionId} once more`);
    } else if (login.state === "refused") {
      this.#findings.add("false refusal", `the login of ${user} had been refused, and ${by} has written it`);
    } else {
      login.isCommitted = true;
      const logout = this.#logouts.find(
        (act) =>
          act.sessionId === sessionId &&
          act.isCommitted &&
          act.process === login.process &&
          act.beganAt > login.beganAt,
      );
      if (logout)
        this.#findings.add(
          "login after logout",
          `the login of ${user} was asked for before the logout of ${sessionId}`,
        );
    }
  }

  #openLogoutOf(sessionId: string): Act | undefined {
    return this.#logouts.find(
      (act) => act.sessionId === sessionId && !act.isCommitted && act.state !== "refused",
    );
  }

  #checkSecrets(sessionId: string, row: Row, before: Row, by: string): void {
    const [secret, old] = [hex(row["secretHash"]), hex(before["secretHash"])];
    for (const name of ["secretHash", "nextHash"]) {
      const hash = hex(row[name]);
      if (hash !== hex(before[name]) && this.#replaced.has(hash))
        this.#findings.add("revived", `${by} has brought an old secret of ${sessionId} back, as ${name}`);
    }
    if (secret !== old) this.#replaced.add(old);
  }

  /** A page says that it has a session. */
  /** `isTwice`: another first session of a device, which it is known to get sometimes. */
  starts(
    device: string,
    sessionId: string,
    { created, isTwice }: { created: boolean; isTwice: boolean },
  ): void {
    const before = this.#devices.get(device);
    this.#devices.set(device, sessionId);
    this.#timeline.tell(device, () => `has session ${sessionId.slice(-4)}${created ? ", a new one" : ""}`);
    if (!created || isTwice || before === undefined || before === sessionId) return;
    if (this.#sessions.isAlive(before) && !this.#mayLose.has(device))
      this.#findings.add("logged out", `${device} had ${before}, which lives, and was given ${sessionId}`);
  }

  /** The session that a user has been logged in to. */
  sessionOfLogin(user: string): string | undefined {
    return this.#logins.get(user)?.sessionId;
  }

  /** Whether the database has lost something of a session. */
  hasLost(sessionId: string): boolean {
    return this.#lostAt.has(sessionId);
  }

  /** Whether a login has been acknowledged. */
  isLoggedIn(user: string): boolean {
    return this.#logins.get(user)?.state === "acknowledged";
  }

  /** An administrator ends it. */
  mayEnd(sessionId: string): void {
    this.#sessions.of(sessionId).mayEnd++;
  }

  keeps(device: string): boolean {
    return !this.#mayLose.has(device);
  }

  mayLose(device: string): void {
    this.#mayLose.add(device);
  }

  /** When all has come to rest: a device's token opens what the device has. */
  rest(device: string, token: string | undefined): void {
    const sessionId = this.#devices.get(device);
    if (sessionId !== undefined) this.#checkToken(device, sessionId, token);
  }

  /** The same of a cookie, which may be of the session of another tab. */
  restInCookie(device: string, token = ""): void {
    const [id = ""] = token.split(".");
    if (id !== "") this.#checkToken(device, id, token);
  }

  #checkToken(device: string, sessionId: string, token: string | undefined): void {
    if (this.#mayLose.has(device) || !this.#sessions.isAlive(sessionId)) return;
    const [id, secret = ""] = (token ?? "").split(".");
    const row = this.#database.row(sessionId);
    const hash = createHash("sha256").update(secret).digest("hex");
    if (id !== sessionId || !row || ![hex(row["secretHash"]), hex(row["nextHash"])].includes(hash))
      this.#findings.add("logged out", `${device} has ${sessionId}, and its token does not open it`);
  }
}

/** Whether a write has taken all values that there were. */
function isCleared(before: Row, row: Row): boolean {
  const [were, are] = [marksIn(before), marksIn(row)];
  // Changes that were asked for since may be in the same write: one that only sets the same keys again tells
  // nothing.
  const now = valuesOf(row);
  const isGone = Object.keys(valuesOf(before)).some((key) => !(key in now) || Array.isArray(now[key]));
  return isGone && [...were].every((mark) => !are.has(mark));
}

function hex(value: unknown): string {
  return Buffer.isBuffer(value) ? value.toString("hex") : "";
}
