import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { expect, test } from "@jest/globals";
import * as expressSession from "../../src/cookie-sessions/express-session-store.js";
import * as koaSession from "../../src/cookie-sessions/koa-session-store.js";
import { RequestSession } from "../../src/http/request-session.js";
import * as main from "../../src/index.js";

// docs/coming-from.md says which of our names takes the place of which of theirs: ours must be there, theirs
// all be mentioned.

const project = path.resolve(import.meta.dirname, "../..");
const read = (...file: string[]) => fs.readFileSync(path.join(project, ...file), "utf8");
const page = read("docs", "coming-from.md");

/** The page without the first column of its tables, where the names are those of others. */
const ours = page
  .split("\n")
  .map((line) => (line.startsWith("| ") ? line.split(" | ").slice(1).join(" | ") : line))
  .join("\n");

const namesIn = (text: string, pattern: RegExp) =>
  [...new Set([...text.matchAll(pattern)].map(([, name = ""]) => name))].sort();

test("each member of sessions that the page names is there", async () => {
  const sessions = main.tokenSession({ store: main.memoryStore(), logger: false });
  const names = namesIn(ours, /\bsessions\.(\w+)/g);
  expect(names).toContain("forUser");
  expect(names.filter((name) => !(name in sessions))).toEqual([]);
  await sessions.close();
});

test("each member of a session that the page names is one of the server's handle or of the client", () => {
  const client = read("client", "types.ts");
  // These two are files.
  const names = namesIn(ours, /\bsession\.(?!sql\b|js\b)(\w+)/g);
  expect(names).toContain("previousVisitAt");
  const missing = names.filter(
    (name) =>
      !(name in RequestSession.prototype) && !new RegExp(`^  (readonly )?${name}\\b`, "m").test(client),
  );
  expect(missing).toEqual([]);
});

test("each code that the page names is one of ours", () => {
  const codes = namesIn(page, /\b(SESSION_[A-Z_]+)\b/g);
  expect(codes).toContain("SESSION_MISSING");
  const known = new Set(namesIn(read("docs", "errors.md"), /`(SESSION_[A-Z_]+)`/g));
  expect(codes.filter((code) => !known.has(code))).toEqual([]);
});

test("what the page imports is exported", () => {
  const modules: Record<string, object> = {
    "": main,
    "/express-session": expressSession,
    "/koa-session": koaSession,
  };
  const imports = [...page.matchAll(/^import \{ (.*) \} from "socket\.io-token-session(.*)";$/gm)];
  expect(imports).toHaveLength(Object.keys(modules).length);
  for (const [, names = "", entry = ""] of imports)
    expect(Object.keys(modules[entry] ?? {})).toEqual(expect.arrayContaining(names.split(", ")));
});

test("nothing of socket.io-mysql-session is left out", () => {
  const source = fs.readFileSync(createRequire(import.meta.url).resolve("socket.io-mysql-session"), "utf8");
  const theirs = namesIn(source, /(?:this|Session\.prototype)\.(\w+) = /g);
  expect(theirs).toEqual(expect.arrayContaining(["clearSession", "loadSession", "values", "token"]));
  const section = page.split(/^## /m).find((text) => text.startsWith("socket.io-mysql-session")) ?? "";
  // Its private helpers for time have nothing to come to.
  const helpers = ["_generateExpires", "_isExpired"];
  expect(theirs.filter((name) => !helpers.includes(name) && !section.includes(name))).toEqual([]);
});
