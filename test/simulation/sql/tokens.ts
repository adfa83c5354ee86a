/** A word of a statement. */
export interface Token {
  readonly kind: "word" | "name" | "text" | "number" | "variable" | "mark" | "end";
  readonly text: string;
}

const PATTERN =
  /\s+|(?<variable>@@[\w.]+)|(?<name>`[^`]+`)|(?<text>'(?:[^'\\]|\\.|'')*')|(?<number>\d+(?:\.\d+)?)|(?<word>[A-Za-z_][\w]*)|(?<mark><=>|<>|<=|>=|[-+*/=<>(),.?&|])/y;

/** Takes a statement apart. Throws at what the language of our statements does not have. */
export function tokensOf(sql: string): Token[] {
  const tokens: Token[] = [];
  PATTERN.lastIndex = 0;
  while (PATTERN.lastIndex < sql.length) {
    const at = PATTERN.lastIndex;
    const groups = PATTERN.exec(sql)?.groups;
    if (!groups) throw new UnknownStatement(sql, `at "${sql.slice(at, at + 30)}"`);
    const found = Object.entries(groups).find(([, text]) => text !== undefined) as
      | [Token["kind"], string]
      | undefined;
    if (!found) continue;
    const [kind, text] = found;
    if (kind === "name" || kind === "text") tokens.push({ kind, text: text.slice(1, -1) });
    else tokens.push({ kind, text: kind === "word" || kind === "variable" ? text.toLowerCase() : text });
    if (kind === "word") tokens[tokens.length - 1] = { kind, text };
  }
  tokens.push({ kind: "end", text: "" });
  return tokens;
}

/**
 * A statement that the simulated database does not understand: the simulator is at fault, and the run ends.
 */
export class UnknownStatement extends Error {
  constructor(sql: string, where: string) {
    super(`the simulated database does not understand, ${where}: ${sql}`);
  }
}
