import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "@jest/globals";
import { type TransformOptions, transform } from "esbuild";
import ts from "typescript";
import { enginesTable, targets } from "../../../scripts/build/client-engines.js";

// What the emitted files of the client need of an engine, by their syntax and by the globals that they name.
// What is not in these lists is new: is it in every engine that docs/client.md promises, and if not, what
// happens there?

const folder = path.resolve("dist/client");
const SCRIPT = "socket.io-token-session.js";
const modules = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(
  // What is for Node alone is not among them.
  (name) => name.endsWith(".js") && name !== SCRIPT && !name.endsWith("node-file.js"),
);
const read = (name: string) => readFileSync(path.join(folder, name), "utf8");

/** In all of these engines from the beginning. */
const OLD = ["Object", "Promise", "Set", "TypeError", "console", "setTimeout", "clearTimeout", "Math"];
/** Of `session.fetch`, and of what is asked over HTTP: Chrome 42, Safari 10.1, Firefox 39. */
const FETCH = ["Headers", "Request", "fetch"];
/** These may be missing, in Node or in an old engine, and then something else is done. */
const GUARDED = ["localStorage", "navigator.locks"];

/** What each file names that it does not declare; of `navigator` and the global object the member too. */
const USED: Record<string, string[]> = {
  [SCRIPT]: [
    ...OLD,
    ...FETCH,
    ...GUARDED,
    "window",
    "window.addEventListener",
    "window.document",
    "window.location",
  ],
  "index.js": [
    ...OLD,
    ...FETCH,
    ...GUARDED,
    "globalThis.addEventListener",
    "globalThis.document",
    "globalThis.location",
  ],
};
const OTHERS = [...OLD, ...FETCH, "Error", "decodeURIComponent", "document", "encodeURIComponent"];

test("docs/client.md has the engines that the client is built for", () => {
  expect(readFileSync("docs/client.md", "utf8")).toContain(enginesTable());
});

describe("syntax", () => {
  /** Whether esbuild finds nothing in it that these engines lack. */
  async function isFor(options: TransformOptions, code: string): Promise<boolean> {
    const [made, asIs] = await Promise.all([transform(code, options), transform(code, { target: "esnext" })]);
    return made.code === asIs.code;
  }

  test("what is too new would be found", async () => {
    for (const code of ["a?.b", "try {} catch {}", "/(?<=a)b/", "async function* f() {}", "a ??= b"])
      expect([code, await isFor(targets.script, code)]).toEqual([code, false]);
    expect(await isFor(targets.module, "a ??= b")).toBe(false);
    expect(await isFor(targets.module, "a?.b")).toBe(true);
  });

  test(`${SCRIPT} has none that is too new`, async () => {
    expect(await isFor(targets.script, read(SCRIPT))).toBe(true);
  });

  test.each(modules)("nor has %s", async (name) => {
    expect(await isFor(targets.module, read(name))).toBe(true);
  });
});

describe("globals", () => {
  test("all are found", () => {
    const code =
      "const a = b; ({ c: d.e, f }); class G { h = i } function j(k) { k.l(globalThis.m, navigator.n) }";
    expect(globalsOf(code)).toEqual(["b", "d", "f", "globalThis.m", "i", "navigator.n"]);
  });

  test.each([SCRIPT, "index.js"])("%s names these", (name) => {
    expect(globalsOf(read(name))).toEqual([...new Set(USED[name])].sort());
  });

  test.each(modules.filter((name) => name !== "index.js"))("%s names no others", (name) => {
    expect(globalsOf(read(name)).filter((used) => !OTHERS.includes(used))).toEqual([]);
  });

  test("no method of newer objects is called", () => {
    const newer =
      /\.(at|flat|flatMap|trimStart|trimEnd|fromEntries|matchAll|replaceAll|findLast|toSorted|hasOwn|allSettled|any|timeout)\(/;
    expect(".flat()").toMatch(newer);
    for (const name of [SCRIPT, ...modules])
      expect([name, newer.exec(read(name))?.[0]]).toEqual([name, undefined]);
  });
});

/** What code names that it declares nowhere, sorted. */
function globalsOf(code: string): string[] {
  const name = "/client.js";
  const file = ts.createSourceFile(name, code, ts.ScriptTarget.ESNext, true, ts.ScriptKind.JS);
  const program = ts.createProgram({
    rootNames: [name],
    options: { allowJs: true, noLib: true, noResolve: true, types: [] },
    host: {
      ...ts.createCompilerHost({}),
      getSourceFile: (asked) => (asked === name ? file : undefined),
      fileExists: (asked) => asked === name,
      readFile: () => code,
    },
  });
  const checker = program.getTypeChecker();
  const found = new Set<string>();
  const visit = (node: ts.Node): void => {
    // The compiler knows `globalThis` without any library.
    const isFree = ({ text }: ts.Identifier) =>
      text === "globalThis" || !checker.resolveName(text, node, ts.SymbolFlags.Value, false);
    if (ts.isIdentifier(node) && isReference(node) && isFree(node)) {
      const { parent } = node;
      const isPlace = ["globalThis", "navigator", "window"].includes(node.text);
      const member = isPlace && ts.isPropertyAccessExpression(parent) ? `.${parent.name.text}` : "";
      found.add(node.text + member);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return [...found].sort();
}

/** Not the name of a member, of a property, or of what is imported or exported. */
function isReference(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isShorthandPropertyAssignment(parent)) return true;
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node;
  if (ts.isBindingElement(parent)) return parent.initializer === node;
  if (ts.isPropertyDeclaration(parent)) return parent.initializer === node;
  return !(
    ts.isMethodDeclaration(parent) ||
    ts.isAccessor(parent) ||
    ts.isImportSpecifier(parent) ||
    ts.isExportSpecifier(parent)
  );
}
