// The time as a connection tells it. An application may have set it (`set timestamp = …`), and may have left
// it so on a pooled connection: the clock of that connection stands still from then on.
import type { DatabaseClock } from "./database-clock.js";
import type { LentConnection } from "./lent-connection.js";

/**
 * Columns that tell when their statement began, to the microsecond. Not `unix_timestamp(now(6))`: it goes by
 * way of the local time, which in the hour that comes twice stands for two moments. Two columns, as the
 * digits of a quotient depend on a setting.
 */
export const TIME = "unix_timestamp() as second, microsecond(now(6)) as micro";

/**
 * Whether a connection's time is the server's, as far as one statement can tell: `sysdate()` is not affected
 * by `set timestamp`. Both are local times of the same moment, so the hour that comes twice does not matter.
 * Three seconds, because a busy server may pause between the two. On one that was started with
 * `--sysdate-is-now` it is always true.
 */
export const TIME_IS_RIGHT = "abs(timestampdiff(microsecond, now(6), sysdate(6))) < 3000000";

const MICROSECOND = 1e-6;

/** What {@link TIME} says. */
export interface Time {
  readonly second: unknown;
  readonly micro: unknown;
}

/** Takes in the time that a statement has told; `sentAtMs` as for {@link DatabaseClock.heard}. */
export function hearTime(clock: DatabaseClock, { second, micro }: Time, sentAtMs: number): void {
  clock.heard(Number(second) + Number(micro) * MICROSECOND, sentAtMs, MICROSECOND);
}

/** Asks for the time by a statement of its own. */
export async function askTime(connection: Pick<LentConnection, "ask">, clock: DatabaseClock): Promise<void> {
  const sentAtMs = clock.sending();
  const { rows } = await connection.ask<Time>(`select ${TIME} limit 1`, []);
  if (rows[0]) hearTime(clock, rows[0], sentAtMs);
}

/** Whether the clock of a connection stood still from one statement to the next. */
export function standsStill(before: Time, after: Time): boolean {
  return Number(before.second) === Number(after.second) && Number(before.micro) === Number(after.micro);
}

/** Has a connection tell the server's time again. */
export async function releaseTime(connection: Pick<LentConnection, "ask">): Promise<void> {
  await connection.ask("set timestamp = default", []);
}
