import { request } from "../actors/requests.js";
import { fairWeather } from "../database/weather.js";
import type { World } from "../world/world.js";
import { performClientAct } from "./perform-clients.js";
import { loseCommits, spoilConnections, troubleNode } from "./perform-disasters.js";
import type { Act } from "./plan.js";

/** What brings a page another token. */
const REPLACING: readonly string[] = ["login", "logout", "regenerate"];

type ByHand = Extract<Act, { do: "edit rows" | "delete rows" }>;

/** Has an act happen. */
export function perform(world: World, given: Act): void {
  const act = within(world, given);
  const { timeline, database, bus, network } = world;
  const over = (forMs: number, run: () => void) =>
    timeline.at(timeline.nowMs + forMs, world, `end of ${act.do}`, run);
  timeline.tell(actor(act), () => toldOf(act));
  switch (act.do) {
    case "request":
      return request(world, act);
    case "open":
      world.rotations.disturbs(`device${act.device + 1}`);
      return world.devices[act.device]?.open(act.tab);
    case "close":
      world.rotations.disturbs(`device${act.device + 1}`);
      return world.devices[act.device]?.close(act.tab);
    case "freeze": {
      const page = world.devices[act.device]?.pages[act.tab];
      world.rotations.disturbs(`device${act.device + 1}`);
      page?.process.pause(act.forMs);
      over(act.forMs + 1, () => page?.hear("resume"));
      return;
    }
    case "change network": {
      const page = world.devices[act.device]?.pages[act.tab];
      page?.line?.cut();
      page?.hear("online");
      return;
    }
    case "keep":
      return world.devices[act.device]?.keep();
    case "put back": {
      const device = world.devices[act.device];
      if (!device?.putBack()) return;
      world.count("old token put back");
      world.ledger.identities.mayLose(device.name);
      for (const tab of device.pages.keys()) device.open(tab);
      return;
    }
    case "change":
    case "ask":
      return ask(world, act);
    case "database weather":
      Object.assign(database.weather, act.change);
      // Of two at a time, the first that is over ends what it has brought.
      over(act.forMs, () => back(database.weather, fairWeather(), act.change));
      return;
    case "network weather":
      Object.assign(network, act.change);
      over(act.forMs, () =>
        back(network, { way: [0, 3], slow: 0, slowMs: 3_000, cut: 0, cutAtToken: 0 }, act.change),
      );
      return;
    case "bus weather":
      Object.assign(bus.weather, act.change);
      over(act.forMs, () =>
        back(
          bus.weather,
          { way: [0, 3], lost: 0, doubled: 0, slow: 0, slowMs: 0, isAway: false },
          act.change,
        ),
      );
      return;
    case "crash": {
      const node = world.nodes[act.node];
      if (!node?.isUp) return;
      world.count("crash");
      world.crash(node);
      over(act.forMs, () => node.start());
      return;
    }
    case "pause":
      world.count("pause");
      world.nodes[act.node]?.process.pause(act.forMs);
      return;
    case "cut pool": {
      const node = world.nodes[act.node];
      if (!node?.isUp) return;
      world.count("pool cut");
      node.process.receive(0, "pool cut", () => node.pool.cut());
      return;
    }
    case "cut lines":
      for (const entry of world.lines) {
        if (!entry[0].isOpen) world.lines.delete(entry);
        else if (world.random.stream(`lines ${act.atMs}`).chance(act.share)) {
          world.count("line cut");
          entry[0].cut();
        }
      }
      return;
    case "lock rows": {
      const random = world.random.stream(`locks ${act.atMs}`);
      const ids = database.rows
        .map(({ sessionId }) => String(sessionId))
        .filter(() => random.chance(act.share));
      if (ids.length === 0) return;
      world.count("rows locked");
      database.lock(ids, act);
      over(act.forMs, () => database.unlock(act));
      return;
    }
    case "edit rows":
    case "delete rows":
      return byHand(world, act);
    case "fail over":
    case "restore":
      return loseCommits(world, act, (run) => over(act.forMs, run));
    case "node lags":
    case "node loses its cluster":
    case "node leaves":
      return troubleNode(world, act, (run) => over(act.forMs, run));
    case "proxy moves":
      return database.cluster?.move(act.host);
    case "spoil connections":
      return spoilConnections(world, act);
    case "delete expired rows":
      for (const { sessionId, expires } of [...database.rows])
        if (Number(expires) <= Math.floor(database.time) && !database.isLocked(String(sessionId)))
          database.commit([{ sessionId: String(sessionId), row: null }], "administrator");
      return;
    case "switch over": {
      if (database.cluster) return;
      world.count("switch over");
      database.primary.isUp = act.oldStays;
      const old = database.switchOver(act);
      database.primary.isUp = false;
      if (!act.oldStays)
        for (const { process, pool } of world.nodes)
          process.receive(0, "pool cut", () => pool.cut(({ host }) => host === old));
      over(act.forMs, () => {
        database.primary.isUp = true;
      });
      return;
    }
    case "database clock":
      world.count("database clock set");
      database.wrongByMs += act.byMs;
      return;
    default:
      performClientAct(world, act, over);
  }
}

function actor(act: Act): string {
  if ("device" in act) return `device${act.device + 1}${"tab" in act ? `.tab${act.tab}` : ""}`;
  return "node" in act ? `node${act.node + 1}` : "world";
}

/** For the story. */
function toldOf({ atMs, ...act }: Act): string {
  const more = Object.entries(act).filter(([name]) => !["do", "device", "tab", "node"].includes(name));
  return [act.do, ...more.map(([name, value]) => `${name} ${JSON.stringify(value)}`)].join(" ");
}

/** By an administrator, on rows that nobody has locked. */
function byHand({ random, database, ledger, count }: World, { do: what, share, atMs }: ByHand): void {
  const chances = random.stream(`by hand ${atMs}`);
  for (const row of [...database.rows]) {
    const sessionId = String(row["sessionId"]);
    if (!chances.chance(share) || database.isLocked(sessionId)) continue;
    count(what);
    if (what === "delete rows") {
      ledger.identities.mayEnd(sessionId);
      database.commit([{ sessionId, row: null }], "administrator");
      continue;
    }
    const mark = ledger.asks("administrator", "edited");
    ledger.begins(mark, sessionId, "administrator");
    const data = JSON.stringify({ ...JSON.parse(String(row["data"] ?? "{}")), edited: mark });
    const revision = Number(row["revision"]) + 1;
    database.commit([{ sessionId, row: { ...row, data, revision } }], "administrator");
    ledger.told(mark, "", "administrator");
  }
}

/** What lasts is over when all faults are. */
function within({ timeline, endMs }: World, act: Act): Act {
  return "forMs" in act ? { ...act, forMs: Math.max(1, Math.min(act.forMs, endMs - timeline.nowMs)) } : act;
}

function back<Weather extends object>(weather: Weather, fair: Weather, change: Partial<Weather>): void {
  for (const name of Object.keys(change) as (keyof Weather)[]) weather[name] = fair[name];
}

function ask(world: World, act: Extract<Act, { do: "change" | "ask" }>): void {
  const device = world.devices[act.device];
  const page = device?.pages[act.tab];
  // A page that has no session yet lets its user do nothing.
  if (!device || !page?.isOpen) return world.count("(not asked: no session)");
  const where = act.kind === "update" ? "updates" : act.kind === "handler" ? "handlers" : `key${act.tab}`;
  const given =
    act.do === "change" ? [world.ledger.asks(device.name, where), where] : [`user${++world.users}`];
  page.process.receive(0, `asks ${act.kind}`, () => {
    world.timeline.tell(page.process.name, () => `asks ${act.kind} ${given[0]}`);
    const ended = REPLACING.includes(act.kind) ? world.rotations.begins(device.name, "others") : undefined;
    page.ask(act.kind, given, (code) => {
      ended?.(code);
      world.count(`told "${code}"`);
      world.timeline.tell(page.process.name, () => `is told "${code}" of ${act.kind} ${given[0]}`);
    });
  });
}
