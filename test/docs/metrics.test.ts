import fs from "node:fs";
import path from "node:path";
import { expect, test } from "@jest/globals";
import { METRICS, type MetricDescription } from "../../src/admin/opentelemetry/metrics.js";
import { channelOf, Fact, Facts } from "../../src/facts.js";

const folder = path.join(import.meta.dirname, "../..");
const page = fs.readFileSync(path.join(folder, "docs/monitoring.md"), "utf8");
const metrics = new Map<string, MetricDescription>(Object.entries(METRICS));

/** The rows of the table whose first column has this title. */
function rowsOf(title: string): string[][] {
  const rows = page.split("\n").map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  const first = rows.findIndex(([head]) => head === title);
  const rest = rows.slice(first + 2);
  return rest.slice(
    0,
    rest.findIndex((cells) => cells.length === 0),
  );
}

const code = (text: string) => `\`${text}\``;

function rowOf([name, { type, unit, description, attributes = {} }]: [string, MetricDescription]): string[] {
  const told = Object.entries(attributes).map(
    ([key, values]) => `${code(key)}: ${values.map(code).join(", ")}`,
  );
  return [code(name), type, code(unit), description, told.join("<br>")];
}

test("the table of metrics is that of the code", () => {
  expect(rowsOf("metric")).toEqual([...metrics].map(rowOf));
});

test("the table of channels has each of them", () => {
  const facts = Object.entries(new Facts()).filter(([, fact]) => fact instanceof Fact);
  expect(rowsOf("channel").map(([name]) => name)).toEqual(facts.map(([name]) => code(name)));
  for (const [name] of facts) expect(channelOf(name as "open")).toBe(`socket.io-token-session:${name}`);
});

test("no attribute is a user's, a session's or a token's", () => {
  const keys = new Set([...metrics.values()].flatMap(({ attributes = {} }) => Object.keys(attributes)));
  expect([...keys].sort()).toEqual([
    "token_session.kind",
    "token_session.outcome",
    "token_session.reason",
    "token_session.state",
  ]);
});

test("each alert is told of on the page beside it", () => {
  const read = (name: string) => fs.readFileSync(path.join(folder, "examples/monitoring", name), "utf8");
  const alerts = [...read("alerts.yml").matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
  const told = [...read("README.md").matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
  expect(told).toEqual(alerts);
});
