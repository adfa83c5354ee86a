import type { PinoLike } from "../../src/index.js";

/** A logger that keeps what it is told, for tests that read it. */
export interface KeptLog extends PinoLike {
  readonly lines: { level: string; text: string; [field: string]: unknown }[];
  /** Everything ever logged, as one text. */
  readonly text: string;
  /** Resolves with the first line, past or coming, that matches. */
  line(pattern: RegExp): Promise<KeptLog["lines"][number]>;
}

export function keptLog(): KeptLog {
  const lines: KeptLog["lines"] = [];
  let waiting: { pattern: RegExp; resolve: (line: KeptLog["lines"][number]) => void }[] = [];
  const method = (level: string) => (fields: object, text: string) => {
    const line = { ...fields, level, text };
    lines.push(line);
    waiting = waiting.filter(({ pattern, resolve }) => {
      if (!pattern.test(text)) return true;
      resolve(line);
      return false;
    });
  };
  return {
    lines,
    get text() {
      return JSON.stringify(lines);
    },
    line(pattern) {
      const known = lines.find(({ text }) => pattern.test(text));
      if (known) return Promise.resolve(known);
      return new Promise((resolve) => {
        waiting.push({ pattern, resolve });
      });
    },
    error: method("error"),
    warn: method("warn"),
    info: method("info"),
    debug: method("debug"),
  };
}
