import { inspect } from "node:util";
import { pino } from "pino";
import { SessionError } from "../errors.js";
import { ignoreRejection } from "./promises.js";

/**
 * Fields of a log line. Only public ids, codes, names and numbers: never a token, a secret or a value. An
 * error that the application's own function threw is `err`, whole, with the message and the stack that the
 * application gave it.
 */
export interface LogFields {
  /** Code of an error. */
  readonly code?: string;
  /** Public id of the session concerned. */
  readonly sessionId?: string;
  /** Names and numbers that tell more. */
  readonly [field: string]: string | number | boolean | Error | undefined;
}

/** Writes one line of the log. */
export type LogMethod = (fields: LogFields, text: string) => void;

/**
 * The same of an application's logger, which may write later: what it returns is looked at only to see it
 * fail in peace.
 */
type WriteLine = (fields: LogFields, text: string) => unknown;

/** The four levels that the library uses. */
export interface Log {
  /** Something was lost, or has to be mended by somebody. */
  readonly error: LogMethod;
  /** Something is away or odd, and was coped with. */
  readonly warn: LogMethod;
  /** What is worth knowing of the course of things. */
  readonly info: LogMethod;
  /** What helps in looking for a fault. */
  readonly debug: LogMethod;
}

/** pino, or any logger whose methods take `(fields, text)` as pino's do. */
export interface PinoLike {
  /** Something was lost, or has to be mended by somebody. */
  error(fields: object, text: string): void;
  /** Something is away or odd, and was coped with. */
  warn(fields: object, text: string): void;
  /** What is worth knowing of the course of things. */
  info(fields: object, text: string): void;
  /** What helps in looking for a fault. */
  debug(fields: object, text: string): void;
}

/** The logger of the old package, for example filelogger: one method, the level by name. */
export interface LevelTextLogger {
  /**
   * `level` is `"error"`, `"warn"`, `"info"` or `"debug"`; `text` has the fields at its end, as `name=value`.
   */
  log(level: string, text: string): void;
}

/** Where the log goes; `false` is nowhere. It is never given a token, a secret or a value. */
export type Logger = PinoLike | LevelTextLogger | false;

const silent: Log = { error() {}, warn() {}, info() {}, debug() {} };

/**
 * Makes one {@link Log} of whatever logger the application has; `undefined` is pino with its defaults,
 * `false` is silence.
 */
export function toLog(logger: Logger | undefined): Log {
  if (logger === false) return silent;
  const target = logger ?? pino({ name: "socket.io-token-session" });
  if (isPinoLike(target)) {
    return guard((level) => (fields, text) => target[level](fields, text));
  }
  return guard((level) => (fields, text) => target.log(level, `${text} ${describe(fields)}`.trimEnd()));
}

export function isPinoLike(logger: object): logger is PinoLike {
  const methods = logger as Partial<Record<keyof PinoLike, unknown>>;
  return (["error", "warn", "info", "debug"] as const).every((level) => typeof methods[level] === "function");
}

/**
 * What a line says of what an application's function threw. Of an error of ours it is the code alone: its
 * cause may have the database's words in it.
 */
export function thrownFields(error: unknown): LogFields {
  if (error instanceof SessionError) {
    const { code, sessionId } = error;
    return { code, ...(sessionId && { sessionId }) };
  }
  return { err: error instanceof Error ? error : new Error(inspect(error, { customInspect: false })) };
}

/** A logger that throws, or gives a promise that is rejected, must not break a session or end the process. */
function guard(methodOf: (level: keyof Log) => WriteLine): Log {
  const method = (level: keyof Log): LogMethod => {
    const write = methodOf(level);
    return (fields, text) => {
      try {
        ignoreRejection(write(fields, text));
      } catch {
        // There is nowhere left to say it.
      }
    };
  };
  return { error: method("error"), warn: method("warn"), info: method("info"), debug: method("debug") };
}

function describe(fields: LogFields): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${value instanceof Error ? (value.stack ?? value) : value}`)
    .join(" ");
}
