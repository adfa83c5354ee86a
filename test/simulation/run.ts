import type { Finding } from "./checks/findings.js";
import { checkShown } from "./checks/shown.js";
import { perform } from "./plan/perform.js";
import type { Plan } from "./plan/plan.js";
import { UnknownStatement } from "./sql/tokens.js";
import type { Programs } from "./world/programs.js";
import { World } from "./world/world.js";

/** What came of a run. */
export interface Outcome {
  readonly findings: readonly Finding[];
  /** Two runs are the same where these are. */
  readonly hash: number;
  readonly events: number;
  readonly effects: ReadonlyMap<string, number>;
}

/** How long things may take to come to rest, once nothing goes wrong any more. */
const REST_MS = 60_000;
/** How long a page needs to come back that was disconnected: the client's longest pause, and an open. */
const BACK_MS = 10_000;
/** How long it may take until all nodes have heard of what one of them did. */
const HEARD_MS = 3_000;
/** More events than any run that comes to rest has. */
const MOST_EVENTS = 200_000;

/** Runs a plan from beginning to end, or to the first thing that is found. */
export async function run(
  plan: Plan,
  programs: Programs,
  teller?: (atMs: number, who: string, what: string) => void,
): Promise<Outcome> {
  const world = new World(plan, programs);
  const { timeline, ledger } = world;
  const { list } = ledger.findings;
  timeline.teller = teller;
  const stopListening = listenForRejections((error) => {
    ledger.findings.add("unhandled", error instanceof Error ? (error.stack ?? error.message) : String(error));
  });
  try {
    for (const act of plan.acts) timeline.at(act.atMs, world, JSON.stringify(act), () => perform(world, act));
    timeline.at(plan.endMs, world, "all faults are over", () => world.heal());
    await until(plan.endMs + REST_MS, world);
    if (list.length === 0) await rest(world);
    if (list.length === 0 && plan.settings.hasBus) await tellOthers(world);
    if (list.length === 0) await close(world, timeline.nowMs);
  } catch (error) {
    const kind = error instanceof UnknownStatement ? "simulator" : "thrown";
    ledger.findings.add(kind, error instanceof Error ? (error.stack ?? error.message) : String(error));
  } finally {
    world.end();
    stopListening();
    // A run that waits for real time would not be the same the next time.
    if (process.getActiveResourcesInfo().includes("Timeout"))
      ledger.findings.add("simulator", "something has set a real timer");
  }
  return { findings: list, hash: timeline.hash, events: timeline.count, effects: world.effects };
}

async function until(atMs: number, world: World): Promise<void> {
  const { timeline, ledger } = world;
  while (ledger.findings.list.length === 0 && timeline.step(atMs)) {
    await turn();
    world.afterStep();
    if (timeline.count > MOST_EVENTS) return ledger.findings.add("restless", "it does not come to rest");
  }
}

/** Nothing goes wrong any more, and has not for a while: what devices have, and who waits. */
async function rest(world: World): Promise<void> {
  const { devices, ledger, nodes, database, expiry, web, settings, sweptAfterMs, timeline } = world;
  checkShown(nodes, database, ledger.findings, settings.hasBus ? 0 : sweptAfterMs);
  web.rest();
  for (const { name, kind, token } of devices) {
    if (kind === "bridge") ledger.identities.restInCookie(name, token);
    else ledger.identities.rest(name, token);
  }
  // One whose session has just ended is about to be given another.
  const waiting = expiry.isRestless ? [] : pagesOf(world).filter((page) => !page.isOpen);
  if (waiting.length === 0) return;
  // One that has had a session which is over by now is disconnected once, and comes back by itself.
  await until(timeline.nowMs + BACK_MS, world);
  for (const page of waiting)
    if (!page.isOpen && pagesOf(world).includes(page))
      ledger.findings.add("stuck", `${page.process.name} is ${page.session.state} still`);
}

function pagesOf({ devices }: World) {
  return devices.flatMap(({ pages }) => pages.filter((page) => page !== undefined));
}

/** What one node does now, the others hear at once, and show it: a change of each session, then its end. */
async function tellOthers(world: World): Promise<void> {
  const { devices, nodes, database, timeline, ledger } = world;
  for (const what of [
    { do: "change", kind: "update" },
    { do: "ask", kind: "destroy" },
  ] as const) {
    for (const [device, { pages }] of devices.entries()) {
      const tab = pages.findIndex((page) => page?.isOpen);
      if (tab >= 0) perform(world, { ...what, device, tab, atMs: timeline.nowMs });
    }
    await until(timeline.nowMs + HEARD_MS, world);
    if (ledger.findings.list.length === 0) checkShown(nodes, database, ledger.findings);
  }
}

/** All pages go, and all nodes close: what is still held then is held for ever. */
async function close(world: World, atMs: number): Promise<void> {
  for (const device of world.devices) for (const tab of device.pages.keys()) device.close(tab);
  for (const thief of world.people) thief.close();
  await until(atMs + 50_000, world);
  const open = new Set(world.nodes.map(({ name }) => name));
  for (const { name, process, sessions } of world.nodes) {
    process.receive(0, "closes", () => {
      sessions.close().then(
        () => open.delete(name),
        (error) => world.ledger.findings.add("close", `${name}: ${error}`),
      );
    });
  }
  await until(atMs + 80_000, world);
  for (const name of open) world.ledger.findings.add("held", `${name} does not close`);
}

/**
 * Lets all promises settle that can. Nothing in a run waits for anything outside, so this is what one step of
 * a process is.
 */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function listenForRejections(hear: (error: unknown) => void): () => void {
  process.on("unhandledRejection", hear);
  return () => process.off("unhandledRejection", hear);
}
