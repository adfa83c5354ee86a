import fs from "node:fs";
import path from "node:path";
import { expect, test } from "@jest/globals";
import express from "express";
import { serve } from "../../support/http/cookie-client.js";
import { useNodes } from "../../support/servers/nodes.js";

// The login over HTTP as the guide, and the docstring of `start()`, print it: whoever guesses passwords makes
// no rows.

const nodes = useNodes();
const project = path.resolve(import.meta.dirname, "../../..");
const read = (file: string) => fs.readFileSync(path.join(project, file), "utf8");

/** What begins with `app.post("/login"`, to the end of that statement. */
function loginIn(text: string): string {
  const [code] = /^app\.post\("\/login"[\s\S]*?^\}\);$/m.exec(text) ?? [];
  if (!code) throw new Error("there is no login");
  return code;
}

const printed: [string, string][] = [
  ["docs/http.md", loginIn(read("docs/http.md"))],
  [
    "the docstring of start()",
    loginIn(
      read("src/http/request-session.ts")
        .split("\n")
        .map((line) => line.replace(/^ +\* ?/, ""))
        .join("\n"),
    ),
  ],
];

test.each(printed)("%s", async (_, code) => {
  const node = await nodes.node();
  const app = express();
  app.use(express.json(), node.sessions.express());
  const checkPassword = async ({ password }: { password: string }) =>
    password === "right" ? { id: 7 } : undefined;
  new Function("app", "checkPassword", code)(app, checkPassword);
  serve(node.io, app);
  const login = (password: string) =>
    fetch(`${node.url}/login`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ password }),
    });
  const count = async () => {
    const [row] = await nodes.database.rows<{ count: number }>("select count(*) as count from session");
    return Number(row?.count);
  };

  const before = await count();
  const wrong = await Promise.all(Array.from({ length: 50 }, (_, n) => login(`guess ${n}`)));
  expect(new Set(wrong.map(({ status }) => status))).toEqual(new Set([401]));
  expect(wrong.filter(({ headers }) => headers.has("session-token"))).toEqual([]);
  expect(await count()).toBe(before);

  const right = await login("right");
  expect([right.status, await right.json()]).toEqual([200, { userId: "7" }]);
  expect(await count()).toBe(before + 1);
  const token = right.headers.get("session-token") ?? "";
  expect((await node.sessions.forUser(7)).map(({ sessionId }) => sessionId)).toContain(token.slice(0, 32));
});
