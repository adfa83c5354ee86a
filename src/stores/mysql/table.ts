import { packagedText } from "../../base/packaged-text.js";
import { SessionError } from "../../errors.js";

/** A column as information_schema describes it. */
export interface ColumnFacts {
  name: string;
  type: string;
  fullType: string;
  length: number | null;
  charset: string | null;
  collation: string | null;
  nullable: string;
  /** 0 or 1; text on a pool with `bigNumberStrings`. */
  hasDefault: number | string;
  extra: string;
}

export interface IndexFacts {
  name: string;
  column: string;
  position: number | string;
  /** Length, where only the beginning of the column is indexed. */
  prefix: number | string | null;
  nonUnique: number | string;
}

type Rule = (column: ColumnFacts) => string | undefined;

/** Wider types are welcome, narrower ones would lose something: each rule says what is wrong, or nothing. */
const RULES: Readonly<Record<string, Rule>> = {
  sessionId: all(characters(32), caseSensitive),
  expires: seconds,
  data: all(largeText(16_777_215), utf8mb4),
  secretHash: all(hash, nullable),
  nextHash: all(hash, nullable),
  previousHash: all(hash, nullable),
  userId: all(characters(128), caseSensitive, utf8mb4, nullable),
  client: all(largeText(1024), utf8mb4, nullable),
  idleSeconds: all(seconds, nullable),
  revision: all((column) => (column.type === "bigint" ? undefined : "BIGINT UNSIGNED"), notNull),
  writers: all(bytes(128), notNull),
  createdAt: seconds,
  visitedAt: seconds,
  previousVisitAt: seconds,
};

/** Columns that statements find rows by. */
const INDEXED = ["expires", "userId"];

/**
 * Everything in which a table differs from sql/session.sql so that it would not work, in words for an
 * administrator.
 */
export function tableDifferences(
  columns: readonly ColumnFacts[],
  indexes: readonly IndexFacts[],
  engine: string | null,
): string[] {
  const byName = new Map(columns.map((column) => [column.name.toLowerCase(), column]));
  const differences: string[] = [];
  for (const [name, rule] of Object.entries(RULES)) {
    const column = byName.get(name.toLowerCase());
    byName.delete(name.toLowerCase());
    if (!column) {
      differences.push(`column ${name} is missing`);
      continue;
    }
    const needed = rule(column);
    if (needed) differences.push(`column ${name} is ${described(column)}, it must be ${needed}`);
  }
  for (const extra of byName.values()) {
    const fills =
      extra.nullable === "YES" ||
      Number(extra.hasDefault) === 1 ||
      /auto_increment|generated/i.test(extra.extra);
    if (!fills) differences.push(`the additional column ${extra.name} must have a default or allow NULL`);
  }
  const primary = indexes
    .filter(({ name }) => name === "PRIMARY")
    .map(({ column, prefix }) => (prefix === null ? column : `${column}(${prefix})`));
  if (primary.join().toLowerCase() !== "sessionid") {
    differences.push(`the primary key is (${primary.join(", ")}), it must be (sessionId)`);
  }
  for (const name of INDEXED) {
    if (!indexes.some(({ column, position }) => sameName(column, name) && Number(position) === 1)) {
      differences.push(`no index begins with column ${name}`);
    }
  }
  const unique = indexes.filter(({ name, nonUnique }) => name !== "PRIMARY" && Number(nonUnique) === 0);
  for (const name of new Set(unique.map((index) => index.name))) {
    differences.push(`the index ${name} is unique, which would refuse sessions`);
  }
  if (engine?.toLowerCase() !== "innodb")
    differences.push(`the engine is ${engine ?? "none (a view?)"}, it must be InnoDB`);
  return differences;
}

/** Whether this is the table of socket.io-mysql-session. */
export function isLegacyTable(columns: readonly ColumnFacts[]): boolean {
  const names = columns.map(({ name }) => name.toLowerCase()).sort();
  return names.join() === "data,expires,sessionid";
}

/**
 * The error that names the differences and carries the statement that makes the table, or makes it of the old
 * package's.
 */
export function tableInvalid(
  table: string,
  differences: readonly string[],
  { isLegacy = false } = {},
): SessionError {
  const [file, verb, how] = isLegacy
    ? (["sql/adopt.sql", "ALTER TABLE", "It is the old package's table; this makes it ours"] as const)
    : (["sql/session.sql", "CREATE TABLE", "The table as this version needs it"] as const);
  const ddl = readDdl(file, verb).replace(`${verb} \`session\``, `${verb} ${quoted(table)}`);
  return new SessionError(
    "SESSION_TABLE_INVALID",
    `${table}: ${differences.join("; ")}.\n${how} (${file}):\n\n${ddl}`,
  );
}

/** Only sql/ spells the DDL; here it is read. */
function readDdl(file: "sql/session.sql" | "sql/adopt.sql", verb: string): string {
  const text = packagedText(file);
  return text.slice(text.indexOf(verb)).trim();
}

/** A table's name, or `database.table`, as it stands in statements. */
export function quoted(table: string): string {
  return table
    .split(".")
    .map((part) => `\`${part}\``)
    .join(".");
}

function described(column: ColumnFacts): string {
  const parts = [
    column.fullType.toUpperCase(),
    column.collation,
    column.nullable === "YES" ? "NULL" : "NOT NULL",
  ];
  return parts.filter(Boolean).join(" ");
}

function all(...rules: Rule[]): Rule {
  return (column) => {
    const needed = rules.map((rule) => rule(column)).filter((text) => text !== undefined);
    return needed.length === 0 ? undefined : needed.join(", ");
  };
}

function characters(least: number): Rule {
  return ({ type, length }) =>
    (type === "char" || type === "varchar") && Number(length) >= least
      ? undefined
      : `CHAR or VARCHAR of at least ${least}`;
}

function largeText(least: number): Rule {
  // JSON is not text: it reorders keys and rounds numbers. (MariaDB's JSON is LONGTEXT, and fine.)
  return ({ type, length }) =>
    /^(var)?char$|text$/.test(type) && Number(length) >= least
      ? undefined
      : `text of at least ${least} bytes`;
}

function bytes(least: number): Rule {
  return ({ type, length }) =>
    /binary$|blob$/.test(type) && Number(length) >= least
      ? undefined
      : `BINARY or VARBINARY of at least ${least}`;
}

/** BINARY pads to its length, so a wider one would not give back what was written. */
function hash(column: ColumnFacts): string | undefined {
  const padded = column.type === "binary" && Number(column.length) !== 32;
  return padded ? "BINARY(32) exactly, or VARBINARY" : bytes(32)(column);
}

function notNull(column: ColumnFacts): string | undefined {
  return column.nullable === "YES" ? "NOT NULL" : undefined;
}

function sameName(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

function seconds({ type, fullType }: ColumnFacts): string | undefined {
  // A signed INT ends in 2038.
  return type === "bigint" || (type === "int" && /unsigned/i.test(fullType))
    ? undefined
    : "INT UNSIGNED or BIGINT";
}

function nullable(column: ColumnFacts): string | undefined {
  return column.nullable === "YES" ? undefined : "NULL";
}

function utf8mb4({ charset }: ColumnFacts): string | undefined {
  return charset === "utf8mb4" ? undefined : "in character set utf8mb4";
}

function caseSensitive({ collation }: ColumnFacts): string | undefined {
  return collation && /_(bin|cs)$/.test(collation) ? undefined : "in a binary collation (…_bin)";
}
