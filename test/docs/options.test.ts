import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "@jest/globals";
import { flag, type OptionTable, oneOf, text, wholeNumber } from "../../src/base/option-table.js";
import { bridgeOptions } from "../../src/http/cookie-bridge.js";
import { cookieOptions, koaCookieOptions } from "../../src/http/cookies.js";
import { requestOptions } from "../../src/http/session-middleware.js";
import { serverOptions } from "../../src/options.js";
import { connectBackendOptions } from "../../src/stores/express-session-backend/from-connect-store.js";
import {
  differences,
  differencesOfDocs,
  docstringsOf,
  literalDefaults,
  rowsOf,
} from "../support/option-docs.js";

const read = (file: string) => fs.readFileSync(path.join(import.meta.dirname, "../..", file), "utf8");

/**
 * Where the options of one function are: the table that the code goes by, the interface, the table of a page.
 */
interface Place {
  readonly table: OptionTable;
  readonly source: string;
  readonly name: string;
  readonly page?: string;
  readonly column?: string;
}

const server: Place = {
  table: serverOptions,
  source: "src/options.ts",
  name: "TokenSessionOptions",
  page: "README.md",
  column: "option",
};
const request: Place = {
  table: requestOptions,
  source: "src/http/session-middleware.ts",
  name: "RequestSessionOptions",
  page: "docs/http.md",
  column: "option",
};
const bridge: Place = {
  table: bridgeOptions,
  source: "src/http/cookie-bridge.ts",
  name: "CookieBridgeOptions",
  page: "docs/http.md",
  column: "option of cookie",
};
const cookies = { source: "src/http/cookies.ts" };
const places: readonly Place[] = [
  server,
  request,
  bridge,
  { ...cookies, table: cookieOptions, name: "FromCookieOptions" },
  { ...cookies, table: koaCookieOptions, name: "FromKoaCookieOptions" },
  {
    table: connectBackendOptions,
    source: "src/stores/express-session-backend/from-connect-store.ts",
    name: "ConnectBackendOptions",
  },
];

/**
 * Compares what is in the files, with `edit` made in what it finds: it is what somebody may do to one of
 * them.
 */
function compare({ table, source, name, page, column = "" }: Place, edit: Edit = {}): string[] {
  const edited = (file: string) => (edit.file === file ? replaced(read(file), edit) : read(file));
  return differences(
    { ...table, ...edit.table },
    docstringsOf(edited(source), name),
    page === undefined ? undefined : rowsOf(edited(page), column),
  );
}

interface Edit {
  readonly file?: string;
  readonly from?: string;
  readonly to?: string;
  readonly table?: OptionTable;
}

function replaced(content: string, { from = "", to = "" }: Edit): string {
  expect(content).toContain(from);
  return content.replace(from, to);
}

test.each(places)("$name: table, docstrings and page agree", (place) => {
  expect(compare(place)).toEqual([]);
});

describe("a change in one place is found:", () => {
  const docs = (file: string, from: string, to: string): Edit => ({ file, from, to });

  test.each<[string, Place, Edit, string]>([
    [
      "a default in the code",
      server,
      { table: { storeTimeout: wholeNumber({ least: 1, most: 3600 }, 11) } },
      "storeTimeout",
    ],
    ["a flag", bridge, { table: { secure: flag(false) } }, "secure"],
    ["a text", bridge, { table: { url: text(() => true, "a path", "/sessions") } }, "url"],
    [
      "a default that depends on another option",
      server,
      {
        table: {
          revalidate: wholeNumber(
            { least: 1, most: ({ expiration }: { expiration: number }) => Math.floor(expiration / 4) },
            ({ expiration }: { expiration: number }) => Math.min(30, Math.floor(expiration / 5)),
          ),
        },
      },
      "revalidate",
    ],
    [
      "a lower limit",
      server,
      { table: { maxBytes: wholeNumber({ least: 3, most: 16_777_215 }, 65_536) } },
      "maxBytes",
    ],
    [
      "an upper limit",
      server,
      { table: { maxBytes: wholeNumber({ least: 2, most: 16_777_216 }, 65_536) } },
      "maxBytes",
    ],
    ["a word less", server, { table: { idle: oneOf(["connection"], "connection") } }, "idle"],
    [
      "a word more",
      server,
      { table: { idle: oneOf(["connection", "events", "never"], "connection") } },
      "idle",
    ],
    ["an option more", request, { table: { optional: flag(true) } }, "optional"],
    [
      "another default on a page",
      server,
      docs("README.md", "| 65 536 ", "| 65 535 "),
      "maxBytes: row says 65 535, it is 65536",
    ],
    ["another sum", server, docs("README.md", "from 1 to 900", "from 1 to 600"), "touchEvery: row"],
    ["another limit", server, docs("README.md", "1 to 3600", "1 to 360"), "storeTimeout: row"],
    ["a limit left out", server, docs("README.md", "; 1 to 3600", ""), "storeTimeout: row says 0 ranges"],
    [
      "shorter secrets",
      server,
      docs("README.md", "at least 32 characters", "at least 16 characters"),
      "cookieSecret: row",
    ],
    ["another word", server, docs("README.md", '`"events"`', '`"event"`'), "idle: row"],
    ["other words for none", request, docs("docs/http.md", "| no cookie |", "| none |"), "cookie:"],
    ["an option of another name", request, docs("docs/http.md", "| `lazy` |", "| `late` |"), "rows: late"],
    ["a row too few", bridge, docs("docs/http.md", "| `domain` |", "| `name` |"), "rows: domain is missing"],
    [
      "a table that is not there",
      bridge,
      docs("docs/http.md", "| option of `cookie` |", "| x |"),
      "rows: url",
    ],
    ["no default", bridge, docs("docs/http.md", '| `"lax"` |', "| |"), "sameSite: row says no default"],
    [
      "another default in a docstring",
      server,
      docs("src/options.ts", "@default 86 400", "@default 3600"),
      "expiration: docstring says 3600 (a day), it is 86400",
    ],
    [
      "none there",
      server,
      docs("src/options.ts", ' @default "session"', ""),
      "table: docstring says no default",
    ],
    [
      "another limit there",
      server,
      docs("src/options.ts", "10 to 2 147 483 647", "1 to 2 147 483 647"),
      "expiration: docstring",
    ],
    [
      "another sum there",
      server,
      docs("src/options.ts", "@default expiration / 24", "@default expiration / 20"),
      "touchEvery: docstring",
    ],
  ])("%s", (_, place, edit, difference) => {
    expect(compare(place, edit)).toContainEqual(expect.stringContaining(difference));
  });

  test("each default, in each place", () => {
    for (const { table, source, name: of, page, column = "" } of places) {
      const docstrings = docstringsOf(read(source), of);
      const rows = page === undefined ? undefined : rowsOf(read(page), column);
      const other = { otherwise: '"something else"' };
      for (const [name, said] of docstrings) {
        if (said.isInternal) continue;
        const inCode = {
          ...table,
          [name]: { ...table[name], otherwise: () => other.otherwise },
        } as OptionTable;
        const inDocstring = new Map([...docstrings, [name, { ...said, ...other }]]);
        const found = [differences(inCode, docstrings, rows), differences(table, inDocstring, rows)];
        if (rows)
          found.push(differences(table, docstrings, new Map([...rows, [name, { ...said, ...other }]])));
        for (const each of found) expect(each).toContainEqual(expect.stringContaining(name));
      }
    }
  });
});

describe("the client's options", () => {
  const compareClient = (edit: Edit = {}) => {
    const edited = (file: string) => (edit.file === file ? replaced(read(file), edit) : read(file));
    return differencesOfDocs(
      docstringsOf(edited("client/types.ts"), "ClientOptions"),
      rowsOf(edited("docs/client.md"), "option"),
      new Map([
        ...literalDefaults(edited("client/token-session.ts")),
        ...literalDefaults(edited("client/stored-token.ts")),
      ]),
    );
  };

  test("types, code and page agree", () => {
    expect(compareClient()).toEqual([]);
  });

  test.each([
    ["client/token-session.ts", "restart = true", "restart = false"],
    ["client/stored-token.ts", 'identity = ""', 'identity = "me"'],
    ["client/stored-token.ts", 'identity = "",', "identity,"],
    ["client/types.ts", "@default true", "@default false"],
    ["client/types.ts", "restart?: boolean", "begin?: boolean"],
    ["docs/client.md", "| `true`  |", "| `false` |"],
    ["docs/client.md", "| the server's own |", "| all |"],
    ["docs/client.md", "| `client`      |", "| `device`      |"],
  ])("a change of %s is found: %s", (file, from, to) => {
    expect(compareClient({ file, from, to })).not.toEqual([]);
  });

  test("httpOnlyCookie asks where the server's bridge is", () => {
    const [[, url] = []] = literalDefaults(read("client/adapters/http-only-cookie.ts"));
    expect(url).toBe(bridgeOptions.url.otherwise?.({}));
    const { otherwise } = docstringsOf(
      read("client/adapters/http-only-cookie.ts"),
      "HttpOnlyCookieOptions",
    ).get("url") ?? { otherwise: undefined };
    expect(otherwise).toBe(JSON.stringify(url));
  });
});
