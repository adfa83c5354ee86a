// @ts-check
// npm run bench: everything that it needs, then one goal after the other, on each engine; a table at the end.
import fs from "node:fs";
import path from "node:path";
import { ensureBuilt } from "../scripts/build/fresh-build.js";
import { ensureDependencies } from "../scripts/install.js";
import { checkNodeVersion } from "../scripts/node-version.js";
import { projectFolder } from "../scripts/paths.js";
import { isShuttingDown, shutdown } from "../scripts/shutdown.js";
import { readArguments, usage } from "./arguments.js";

/** @typedef {import("./context.js").Goal} Goal */
/** @typedef {import("./report.js").Results} Results */
/** @typedef {import("./report.js").GoalResult} GoalResult */

const benchFolder = path.join(projectFolder, "bench");
const say = (/** @type {string} */ line) => console.log(`· ${line}`);

/**
 * @param {import("./arguments.js").Arguments} options
 * @returns {Promise<Results>}
 */
async function measure({ quick, rounds, profile, engines, only }) {
  await ensureDependencies({ say });
  await ensureDependencies({ say, folder: benchFolder });
  await ensureBuilt({ say });
  // What stands on the dependencies is loaded when they are there.
  const { describeMachine, describeVersions } = await import("./machine.js");
  const { loadGoals } = await import("./goals.js");
  const { withBenchDatabase } = await import("./database.js");
  if (quick) say("A quick look: few clients, one short round of each, small tables.");
  const goals = await loadGoals(only);
  /** @type {Results} */
  const results = { quick, rounds, machine: describeMachine(), versions: describeVersions(), engines: [] };
  for (const engine of engines) {
    await withBenchDatabase({ engine, say }, async (database) => {
      /** @type {GoalResult[]} */
      const done = [];
      results.engines.push({ engine, version: database.version, goals: done });
      for (const goal of goals) done.push(await runOne(goal, { database, quick, rounds, profile, say }));
    });
  }
  return results;
}

/**
 * One goal that fails does not keep the others from being measured.
 * @param {Goal} goal
 * @param {import("./context.js").Given} given
 * @returns {Promise<GoalResult>}
 */
async function runOne(goal, given) {
  const { runGoal } = await import("./context.js");
  const { name, title } = goal;
  say(`${name}: ${title}`);
  const begun = performance.now();
  const seconds = () => Math.round((performance.now() - begun) / 100) / 10;
  try {
    await given.database.reset();
    const result = await runGoal(goal, given);
    return { name, title, seconds: seconds(), ...result };
  } catch (error) {
    if (isShuttingDown()) throw error;
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    console.error(text);
    return { name, title, seconds: seconds(), figures: [], error: text };
  }
}

/**
 * @param {Results} results
 * @param {boolean} write whether they are to be kept with the project
 */
async function keep(results, write) {
  const { toSvg } = await import("./chart.js");
  const [json, svg] = write
    ? [
        path.join(projectFolder, "docs", "performance.json"),
        path.join(projectFolder, "docs", "performance.svg"),
      ]
    : [path.join(benchFolder, "results", "latest.json"), undefined];
  fs.mkdirSync(path.dirname(json), { recursive: true });
  const kept = write && fs.existsSync(json) ? JSON.parse(fs.readFileSync(json, "utf8")) : undefined;
  const all = kept ? withKept(results, kept) : results;
  fs.writeFileSync(json, `${JSON.stringify(all, null, 2)}\n`);
  if (svg) fs.writeFileSync(svg, toSvg(all));
  say(
    `Written: ${path.relative(process.cwd(), json)}${svg ? `, ${path.relative(process.cwd(), svg)}` : ""}.`,
  );
}

/**
 * Goals that were not measured this time stay as they were: all of them together take most of an hour.
 * @param {Results} results
 * @param {Results} kept
 * @returns {Results}
 */
function withKept(results, kept) {
  const engines = results.engines.map((engine) => {
    const before = kept.engines.find((other) => other.engine === engine.engine)?.goals ?? [];
    const isNew = (/** @type {{ name: string }} */ { name }) =>
      engine.goals.some((goal) => goal.name === name);
    return { ...engine, goals: [...engine.goals, ...before.filter((goal) => !isNew(goal))] };
  });
  const others = kept.engines.filter(({ engine }) => !engines.some((other) => other.engine === engine));
  return { ...results, engines: [...engines, ...others] };
}

checkNodeVersion();
let failed = false;
try {
  const given = readArguments(process.argv.slice(2));
  const results = await measure(given);
  const { toText } = await import("./report.js");
  console.log(toText(results));
  await keep(results, given.write);
  // A goal that is not reached is a result; one that could not be measured is a failure.
  failed = results.engines.some(({ goals }) => goals.some(({ error }) => error !== undefined));
} catch (error) {
  failed = true;
  if (!isShuttingDown()) {
    const wrongUse = /** @type {{ code?: string }} */ (error).code?.startsWith("ERR_PARSE_ARGS");
    console.error(error instanceof Error ? error.message : error, wrongUse ? `\n\n${usage}` : "");
  }
}
if (!isShuttingDown()) {
  await shutdown();
  process.exit(failed ? 1 : 0);
}
