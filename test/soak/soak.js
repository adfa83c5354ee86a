// @ts-check
// One soak: servers, nodes and clients; fault after fault; what the rows say.
import fs from "node:fs";
import path from "node:path";
import { cacheFolder } from "../../scripts/paths.js";
import { endLeftOver } from "../../scripts/servers/database-left-over.js";
import { onShutdown } from "../../scripts/shutdown.js";
import { Browser } from "./browser.js";
import { checkEnded, checkRows } from "./checks.js";
import { Device } from "./device.js";
import { Findings } from "./findings.js";
import { Memory } from "./memory.js";
import { Node } from "./node.js";
import { seeded } from "./random.js";
import { Report } from "./report.js";
import { recover, runRound } from "./rounds.js";
import { schedule } from "./schedule.js";
import { Servers } from "./servers.js";
import { pause, World } from "./world.js";

/** @typedef {import("./arguments.js").Arguments} Arguments */

const POOL = 10;
/** Of a run of less than ten minutes there are too few to tell anything. */
const LOOK_MS = 60_000;
const OPTIONS = { expiration: 86_400, touchEvery: 5, revalidate: 3, storeTimeout: 10 };

/** @param {Arguments} given @returns {Promise<boolean>} whether nothing was found */
export async function soak({ minutes, engine, seed, devices, nodes: count, only }) {
  const report = new Report();
  const { say } = report;
  const findings = new Findings(say);
  const folder = path.join(cacheFolder, "soak", engine);
  await clear(folder, say);
  onShutdown(() => fs.rmSync(path.join(folder, "data"), { recursive: true, force: true }));
  const servers = await Servers.start({ engine, folder: path.join(folder, "data"), say });
  const settings = {
    access: { ...servers.access, port: servers.proxy.port },
    limit: POOL,
    cookieSecret: "no secret: everything ends with the soak",
    options: OPTIONS,
  };
  const nodes = Array.from({ length: count }, (_, n) => {
    const log = path.join(folder, `node-${n + 1}.log`);
    return new Node(`node ${n + 1}`, settings, log, (kind, text) => findings.add(kind, text));
  });
  for (const node of nodes) await node.start();
  const world = new World(servers, nodes, findings);
  for (let n = 1; n <= devices; n++) world.clients.push(new Device(`device ${n}`, world));
  for (let n = 1; n <= devices / 3; n++) world.clients.push(new Browser(`browser ${n}`, world));
  say(
    `${engine}, seed ${seed}: ${count} nodes, ${world.clients.length} clients; logs of the nodes in ${folder}.`,
  );
  const lives = world.clients.map((client) => client.live());

  const until = performance.now() + minutes * 60_000;
  const memory = new Memory();
  const timers = [
    setInterval(() => report.progress(world), 5000),
    setInterval(() => checkRows(world).then((done) => done && report.checked()), 5000),
    setInterval(() => nodes[0] && memory.look(nodes[0]), LOOK_MS),
  ];
  await recover(world, "the beginning");
  report.collect(world);
  if (only?.[0] === "none") await pause(until - performance.now());
  else
    for (const round of schedule(seeded(seed), engine, only)) {
      if (performance.now() > until) break;
      await runRound(round, { world, report });
    }
  for (const timer of timers) clearInterval(timer);
  await settle(world, lives, say);
  const { verdict } = memory;
  if (verdict.grew) findings.add("heap", `${verdict.second} MiB, then ${verdict.last} MiB`);
  report.collect(world);
  report.end(world, memory);
  return findings.total === 0;
}

/**
 * Lets everything that is on its way come to its end, and looks at it all once more. @param {World} world
 * @param {Promise<void>[]} lives @param {(line: string) => void} say
 */
async function settle(world, lives, say) {
  say("No more faults: everything comes to rest, and is compared once more.");
  world.findings.faults = "at the end";
  world.over = true;
  await Promise.all(lives);
  await pause(OPTIONS.storeTimeout * 1000);
  if (!(await checkRows(world))) throw new Error("the table could not be read at the end");
  await checkEnded(world, Number.MAX_SAFE_INTEGER);
  await Promise.all(world.clients.map((client) => client.verify()));
  for (const client of world.clients) client.close();
}

/** What an earlier run has left. @param {string} folder @param {(line: string) => void} say */
async function clear(folder, say) {
  for (const name of ["one", "two"]) await endLeftOver(path.join(folder, "data", name), say);
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
}
