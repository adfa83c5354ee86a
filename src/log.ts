import { pino } from "pino";

/** Fields of a log line. Only public ids, codes, names and numbers: never a token, a secret or a value. */
export interface LogFields {
  readonly code?: string;
  readonly sessionId?: string;
  readonly [field: string]: string | number | boolean | undefined;
}

type LogMethod = (fields: LogFields, text: string) => void;

/** The four levels that the library uses. */
export interface Log {
  readonly error: LogMethod;
  readonly warn: LogMethod;
  readonly info: LogMethod;
  readonly debug: LogMethod;
}

/** pino, or any logger whose methods take `(fields, text)` as pino's do. */
export interface PinoLike {
  error(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  info(fields: object, text: string): void;
  debug(fields: object, text: string): void;
}

/** The logger of the old package, for example filelogger: one method, the level by name. */
export interface LevelTextLogger {
  log(level: string, text: string): void;
}

export type Logger = PinoLike | LevelTextLogger | false;

const silent: Log = { error() {}, warn() {}, info() {}, debug() {} };

/** Makes one {@link Log} of whatever logger the application has; `undefined` is pino with its defaults, `false` is silence. */
export function toLog(logger: Logger | undefined): Log {
  if (logger === false) return silent;
  const target = logger ?? pino({ name: "socket.io-token-session" });
  if (isPinoLike(target)) {
    return guarded((level) => (fields, text) => target[level](fields, text));
  }
  return guarded((level) => (fields, text) => target.log(level, `${text} ${describe(fields)}`.trimEnd()));
}

export function isPinoLike(logger: object): logger is PinoLike {
  const methods = logger as Partial<Record<keyof PinoLike, unknown>>;
  return (["error", "warn", "info", "debug"] as const).every((level) => typeof methods[level] === "function");
}

/** A logger that throws must not break a session. */
function guarded(methodOf: (level: keyof Log) => LogMethod): Log {
  const method = (level: keyof Log): LogMethod => {
    const write = methodOf(level);
    return (fields, text) => {
      try {
        write(fields, text);
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
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}
