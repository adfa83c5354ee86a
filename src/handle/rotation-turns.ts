import type { Clock } from "../base/clock.js";
import { withTimeLimit } from "../base/time-limit.js";
import { Turns, type TurnsHost } from "../base/turns.js";
import type { Session } from "../session/session.js";

/**
 * So long a rotation waits for its turn. With the ten seconds that a client has to present its token, and the
 * ten to confirm, 25 in all.
 */
const TURN_WITHIN_MS = 5_000;
/** So long a client has for its answers while another one waits: many times what one that is there takes. */
const OVERTAKEN_AFTER_MS = 4_000;

/** Whether clients have answered the last time, as far as they were asked. */
const hasAnswered = new WeakMap<object, boolean>();

/** What waits for the session's turn, or has it. */
export interface Candidate {
  /** Whose client has to answer. */
  readonly bearer: object;
  readonly isLogin: boolean;
}

/**
 * Who has answered goes before who was never asked, and both before who has not; of these, a login before a
 * mere new token.
 */
function rankOf({ bearer, isLogin }: Candidate): number {
  const answered = hasAnswered.get(bearer);
  return (answered === undefined ? 2 : answered ? 4 : 0) + (isLogin ? 1 : 0);
}

/** The turn of one rotation: while it waits for its client, and only then, another may overtake it. */
export class RotationTurn implements Candidate {
  readonly bearer: object;
  readonly isLogin: boolean;
  readonly #turns: RotationTurns;
  readonly #beganAtMs: number;
  #isOvertaken = false;
  #giveUp: (() => void) | undefined;

  constructor(turns: RotationTurns, { bearer, isLogin }: Candidate, nowMs: number) {
    this.#turns = turns;
    this.bearer = bearer;
    this.isLogin = isLogin;
    this.#beganAtMs = nowMs;
  }

  /** When another may overtake it, milliseconds of the clock. */
  get overtakenAtMs(): number {
    return this.#beganAtMs + OVERTAKEN_AFTER_MS;
  }

  /**
   * Waits for the client, which answers `true` or `false`; `false` too where another one has overtaken it.
   */
  async waitForClient(ask: () => Promise<boolean>): Promise<boolean> {
    if (this.#isOvertaken) return false;
    const isAnswered = await this.#orOvertaken(ask());
    this.#giveUp = undefined;
    // It may have been overtaken when the answer was there and not yet read.
    const isConfirmed = isAnswered && !this.#isOvertaken;
    hasAnswered.set(this.bearer, isConfirmed);
    return isConfirmed;
  }

  #orOvertaken(answer: Promise<boolean>): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#giveUp = () => resolve(false);
      answer.then(resolve, reject);
    });
  }

  /** At once where it waits for its client; else before it next would. */
  overtake(): void {
    this.#isOvertaken = true;
    if (!this.#giveUp) return;
    hasAnswered.set(this.bearer, false);
    this.#giveUp();
    // Nothing of it changes the session from here on, so the next one need not wait for it to notice.
    this.#turns.end(this);
  }
}

/** One that waits. */
interface Waiting extends Candidate {
  begin(): void;
}

/**
 * The rotations of one session come one after the other, because a second new token must not take the place
 * of one that is on its way to a client. But nobody waits long for a client that does not answer: it is
 * overtaken, latest come, first served.
 */
export class RotationTurns {
  readonly #clock: Clock;
  /** Each that waits has one place in it; whose turn comes with a place is not settled before it does. */
  readonly #places: Turns<Session>;
  #current: RotationTurn | undefined;
  #waiting: Waiting[] = [];
  #cancel = () => {};

  constructor(session: Session, clock: Clock) {
    this.#clock = clock;
    this.#places = new Turns(session, turnsHost);
  }

  /** Resolves to its turn, to be given back by {@link end}; to `undefined` where none came in time. */
  async take(candidate: Candidate): Promise<RotationTurn | undefined> {
    if (this.#places.begin()) return this.#begin(candidate);
    let waiting: Waiting | undefined;
    const whenLate = () => this.#leave(waiting);
    return withTimeLimit({ clock: this.#clock, limitMs: TURN_WITHIN_MS, whenLate }, () => {
      return new Promise<RotationTurn>((resolve) => {
        waiting = { ...candidate, begin: () => resolve(this.#begin(candidate)) };
        this.#waiting.push(waiting);
        this.#places.take(() => this.#beginNext());
        this.#watch();
      });
    });
  }

  #begin(candidate: Candidate): RotationTurn {
    const turn = new RotationTurn(this, candidate, this.#clock.now());
    this.#current = turn;
    this.#watch();
    return turn;
  }

  /** A turn is over, or has been overtaken. */
  end(turn: RotationTurn): void {
    if (this.#current !== turn) return;
    this.#current = undefined;
    this.#cancel();
    this.#places.end();
  }

  #beginNext(): void {
    const next = this.#next();
    // None has waited so long.
    if (!next) return this.#places.end();
    this.#leave(next);
    next.begin();
  }

  #leave(waiting: Waiting | undefined): undefined {
    this.#waiting = this.#waiting.filter((other) => other !== waiting);
  }

  #next(): Waiting | undefined {
    let best: Waiting | undefined;
    for (const waiting of this.#waiting) if (!best || rankOf(waiting) >= rankOf(best)) best = waiting;
    // What one client asks for comes in the order in which it was asked for.
    return this.#waiting.find(({ bearer }) => bearer === best?.bearer);
  }

  /** Has the current one overtaken as soon as that may be. */
  #watch(): void {
    const current = this.#current;
    const next = this.#next();
    this.#cancel();
    if (!current || !next || rankOf(next) < rankOf(current)) return;
    const leftMs = current.overtakenAtMs - this.#clock.now();
    if (leftMs <= 0) current.overtake();
    else this.#cancel = this.#clock.after(leftMs, () => current.overtake());
  }
}

/** There while a rotation of the session is under way. */
const all = new WeakMap<Session, RotationTurns>();
const turnsHost: TurnsHost<Session> = {
  onBusy() {},
  onIdle: (session) => void all.delete(session),
};

/**
 * Runs a rotation in its session's turn. Errors: `SESSION_NOT_CONFIRMED` where none came in time; those of
 * `run`.
 */
export async function runInTurn(
  session: Session,
  { clock, ...candidate }: Candidate & { clock: Clock },
  run: (turn: RotationTurn) => Promise<void>,
): Promise<void> {
  let turns = all.get(session);
  if (!turns) {
    turns = new RotationTurns(session, clock);
    all.set(session, turns);
  }
  const turn = await turns.take(candidate);
  if (!turn)
    throw session.error("SESSION_NOT_CONFIRMED", "other clients of the session were waited for meanwhile");
  try {
    await run(turn);
  } finally {
    turns.end(turn);
  }
}
