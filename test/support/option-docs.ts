import ts from "typescript";
import type { OptionTable } from "../../src/base/option-table.js";

/** What one place says of an option. */
export interface Said {
  /** Without the marks of Markdown and JSDoc. */
  readonly text: string;
  /** What it is where it is not given; `undefined` where nothing is said of that. */
  readonly otherwise: string | undefined;
  readonly isInternal: boolean;
}

/** What one place says of all options, by their names. */
export type Sayings = ReadonlyMap<string, Said>;

/** The docstrings of an interface in the text of a source file, and of those that it extends there. */
export function docstringsOf(source: string, name: string): Sayings {
  const file = ts.createSourceFile("options.ts", source, ts.ScriptTarget.Latest, true);
  const sayings = new Map<string, Said>();
  const read = (wanted: string) => {
    for (const statement of file.statements) {
      if (!ts.isInterfaceDeclaration(statement) || statement.name.text !== wanted) continue;
      for (const base of statement.heritageClauses?.flatMap(({ types }) => types) ?? [])
        read(base.expression.getText());
      for (const member of statement.members) sayings.set(member.name?.getText() ?? "", docstringOf(member));
    }
  };
  read(name);
  return sayings;
}

function docstringOf(member: ts.Node): Said {
  const tags = ts.getJSDocTags(member);
  const tag = (name: string) => tags.find(({ tagName }) => tagName.text === name);
  const texts = ts.getJSDocCommentsAndTags(member).filter(ts.isJSDoc);
  const otherwise = tag("default");
  return {
    text: plain(texts.map(({ comment }) => ts.getTextOfJSDocComment(comment) ?? "").join(" ")),
    otherwise: otherwise && plain(ts.getTextOfJSDocComment(otherwise.comment) ?? ""),
    isInternal: tag("internal") !== undefined,
  };
}

/** The rows of the table whose first column has this title: an option, what it is, its default. */
export function rowsOf(markdown: string, title: string): Sayings {
  const rows = markdown.split("\n").map((line) => line.split("|").slice(1, -1).map(plain));
  const first = rows.findIndex(([head]) => head === title);
  const sayings = new Map<string, Said>();
  for (const [name, text, otherwise] of first < 0 ? [] : rows.slice(first + 2)) {
    if (name === undefined || text === undefined) break;
    sayings.set(name, { text, otherwise: otherwise || undefined, isInternal: false });
  }
  return sayings;
}

/** Defaults that destructuring gives in the text of a source file, where they are literals. */
export function literalDefaults(source: string): Map<string, unknown> {
  const found = new Map<string, unknown>();
  const visit = (node: ts.Node): void => {
    if (ts.isBindingElement(node) && node.initializer) {
      const value = meaningOf(node.initializer.getText());
      if (value) found.set((node.propertyName ?? node.name).getText(), value(0));
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile("source.ts", source, ts.ScriptTarget.Latest, true));
  return found;
}

function plain(text: string): string {
  return text
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/\{@link (\w+)\}/g, "$1")
    .replaceAll("`", "")
    .replace(/\s+/g, " ")
    .trim();
}

/** What a default is, by the option `expiration`. */
type Meaning = (expiration: number) => unknown;

const NUMBER = "\\d+(?: \\d{3})*";
const PART = `expiration / \\d+`;

/** What words for a default mean; `undefined` where they are no value and no sum. */
export function meaningOf(words: string): Meaning | undefined {
  const constant = (value: unknown) => () => value;
  const whole = (pattern: string) => new RegExp(`^${pattern}$`).exec(words)?.slice(1) as string[] | undefined;
  if (whole('"[^"]*"')) return constant(JSON.parse(words));
  if (whole("true|false")) return constant(words === "true");
  if (whole(NUMBER) || whole(PART)) return (expiration) => amount(words, expiration);
  const [ofRange, from = "", to = ""] = whole(`(${PART}), from (${NUMBER}) to (${NUMBER})`) ?? [];
  if (ofRange)
    return (expiration) => Math.max(toNumber(from), Math.min(toNumber(to), amount(ofRange, expiration)));
  const [one, other = ""] = whole(`(${NUMBER}), or (${PART}) if that is less`) ?? [];
  if (one) return (expiration) => Math.min(toNumber(one), amount(other, expiration));
  return undefined;
}

/** A number, or a part of `expiration` in whole seconds. */
function amount(words: string, expiration: number): number {
  const [, divisor] = /^expiration \/ (\d+)$/.exec(words) ?? [];
  return divisor === undefined ? toNumber(words) : Math.floor(expiration / Number(divisor));
}

function toNumber(words: string): number {
  return Number(words.replaceAll(" ", ""));
}

/** Idle times at which limits and defaults are compared: the ends, and where sums turn. */
const EXPIRATIONS = [10, 11, 24, 60, 119, 120, 2400, 21_600, 86_400, 2_147_483_647];

/** Without what is added in explanation. */
const bare = (words: string) => words.replace(/(?: \(|: ).*$/, "");

/**
 * In what the docstrings of options, and the rows of a page where there is one, differ from the table that
 * the code goes by, and from each other. Names, defaults, limits of numbers and of texts, and words to choose
 * from are compared, in both directions.
 */
export function differences(table: OptionTable, docstrings: Sayings, rows?: Sayings): string[] {
  const options = Object.entries<unknown>(table) as [string, Behaviour][];
  const faultsIn = (place: string, sayings: Sayings) =>
    options.flatMap(([name, option]) => {
      const said = sayings.get(name);
      if (!said || said.isInternal) return [];
      return faultsOf(option, said).map((fault) => `${name}: ${place} says ${fault}`);
    });
  const faults = [
    ...namesApart("docstrings", [...docstrings.keys()], Object.keys(table)),
    ...faultsIn("docstring", docstrings),
  ];
  if (!rows) return faults;
  return [
    ...faults,
    ...namesApart("rows", [...rows.keys()], publicNames(docstrings)),
    ...faultsIn("row", rows),
    ...defaultsApart(docstrings, rows),
  ];
}

/** The same where the code has no table: names and defaults alone. `literals`: of the code. */
export function differencesOfDocs(
  docstrings: Sayings,
  rows: Sayings,
  literals: ReadonlyMap<string, unknown>,
): string[] {
  const said = [...docstrings].flatMap(([name, { otherwise = "" }]) => {
    const meaning = meaningOf(bare(otherwise));
    return meaning ? [`${name} = ${meaning(0)}`] : [];
  });
  const real = [...literals].flatMap(([name, value]) => (docstrings.has(name) ? [`${name} = ${value}`] : []));
  return [
    ...namesApart("rows", [...rows.keys()], publicNames(docstrings)),
    ...namesApart("docstrings", said, real),
    ...defaultsApart(docstrings, rows),
  ];
}

/** How an option behaves, whatever its types. */
interface Behaviour {
  readonly accepts: (value: unknown, others: object) => boolean;
  readonly mustBe: (others: object) => string;
  readonly otherwise?: (others: object) => unknown;
}

function publicNames(docstrings: Sayings): string[] {
  return [...docstrings].flatMap(([name, { isInternal }]) => (isInternal ? [] : [name]));
}

function namesApart(what: string, names: readonly string[], expected: readonly string[]): string[] {
  return [
    ...names.filter((name) => !expected.includes(name)).map((name) => `${what}: ${name} is too many`),
    ...expected.filter((name) => !names.includes(name)).map((name) => `${what}: ${name} is missing`),
  ];
}

/** Defaults that are no values are told in the same words. */
function defaultsApart(docstrings: Sayings, rows: Sayings): string[] {
  return [...rows].flatMap(([name, { otherwise = "" }]) => {
    const other = docstrings.get(name)?.otherwise ?? "";
    const [row, docstring] = [bare(otherwise), bare(other)];
    const [meant, alsoMeant] = [meaningOf(row), meaningOf(docstring)];
    const agrees =
      meant && alsoMeant
        ? EXPIRATIONS.every((expiration) => meant(expiration) === alsoMeant(expiration))
        : row === docstring;
    return agrees ? [] : [`${name}: row says ${otherwise}, docstring ${other}`];
  });
}

function faultsOf(option: Behaviour, said: Said): string[] {
  return [...defaultFaults(option, said), ...limitFaults(option, said), ...wordFaults(option, said)];
}

function defaultFaults({ otherwise }: Behaviour, said: Said): string[] {
  if (!otherwise) return said.otherwise === undefined ? [] : [`${said.otherwise}, but it must be given`];
  if (said.otherwise === undefined) return ["no default"];
  const meaning = meaningOf(bare(said.otherwise));
  return EXPIRATIONS.flatMap((expiration) => {
    const real = otherwise({ expiration });
    // What is made, or not there, has words alone.
    const isValue = Array.isArray(real) ? real.length > 0 : real !== undefined && typeof real !== "object";
    const agrees = isValue ? meaning?.(expiration) === real : meaning === undefined;
    return agrees ? [] : [`${said.otherwise}, it is ${real} (expiration ${expiration})`];
  }).slice(0, 1);
}

function limitFaults({ accepts, mustBe }: Behaviour, { text }: Said): string[] {
  const ranges = [...text.matchAll(new RegExp(`(${NUMBER}) to (${PART}|${NUMBER})`, "g"))];
  const isNumber = mustBe({ expiration: 60 }).includes("a whole number from");
  if (ranges.length !== (isNumber ? 1 : 0)) return [`${ranges.length} ranges`];
  const faults = ranges.flatMap(([range, from = "", to = ""]) =>
    EXPIRATIONS.flatMap((expiration) => {
      const [least, most] = [amount(from, expiration), amount(to, expiration)];
      const takes = (value: number) => accepts(value, { expiration });
      const agrees = takes(least) && takes(most) && !takes(least - 1) && !takes(most + 1);
      return agrees ? [] : [`${range}, it must be ${mustBe({ expiration })} (expiration ${expiration})`];
    }).slice(0, 1),
  );
  const [, characters] = /at least (\d+) characters/i.exec(text) ?? [];
  const [, real] = /at least (\d+) characters/.exec(mustBe({})) ?? [];
  const takesText = (length: number) => accepts("x".repeat(length), {});
  if (real !== undefined && characters === undefined) faults.push(`nothing of at least ${real} characters`);
  else if (real !== undefined && !(takesText(Number(characters)) && !takesText(Number(characters) - 1)))
    faults.push(`at least ${characters} characters, it must be ${mustBe({})}`);
  return faults;
}

/** Of options that are one of a few words. */
function wordFaults({ accepts, mustBe }: Behaviour, { text }: Said): string[] {
  const quoted = (from: string) => new Set(from.match(/"[a-z]+"/g));
  const others = { expiration: 60 };
  const real = quoted(mustBe(others));
  if (real.size === 0) return [];
  const said = quoted(text);
  const refused = [...said].filter((word) => !accepts(JSON.parse(word), others));
  return [
    ...refused.map((word) => `${word}, which is refused`),
    ...[...real].filter((word) => !said.has(word)).map((word) => `nothing of ${word}`),
  ];
}
