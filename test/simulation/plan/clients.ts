import type { Random } from "../world/random.js";
import { MANNERS } from "./client-acts.js";
import type { Act, Settings, Topic } from "./plan.js";

/** Whether runs are about who hears what: then rooms and messages are checked after each step. */
export function isAboutRooms(topic: Topic): boolean {
  return topic === "rooms" || topic === "clients" || topic === "recovery";
}

/** Settings of a run that not every topic has. */
export function clientSettingsOf(random: Random, topic: Topic, settings: Settings): Partial<Settings> {
  const old: number[] = [];
  if (topic === "clients")
    for (let device = 0; device < settings.devices; device++) if (random.chance(0.2)) old.push(device);
  return {
    ...(old.length > 0 && { oldDevices: old }),
    ...(topic === "recovery" && { recovery: { skipMiddlewares: random.chance(0.6) } }),
  };
}

/** When things happen: at a moment of the plan, or after it. */
interface When {
  readonly endMs: number;
  pick(): number;
}

/** What is added to the plan of a topic that is about clients. */
export function clientActsOf(
  random: Random,
  topic: Topic,
  { settings, when }: { settings: Settings; when: When },
): Act[] {
  if (!isAboutRooms(topic)) return [];
  const { endMs } = when;
  const acts: Act[] = [];
  const node = () => random.below(settings.wrongByMs.length);
  const device = () => random.below(settings.devices);
  const at = (spreadMs: number) => Math.min(endMs, when.pick() + random.between(0, spreadMs));
  for (let n = random.between(3, 15); n > 0; n--) acts.push({ do: "send", node: node(), atMs: at(4_000) });
  if (random.chance(0.3)) acts.push({ do: "revoke", node: node(), atMs: at(10_000) });
  for (let n = random.pick([0, 1, 2]); n > 0; n--) {
    const [tab, atMs] = [random.below(2), random.between(1_000, endMs)];
    const who = device();
    acts.push({ do: "close", device: who, tab, atMs });
    acts.push({ do: "open", device: who, tab, atMs: atMs + random.pick([10, 500, 5_000]) });
  }
  if (random.chance(0.3))
    acts.push({
      do: "cache",
      device: device(),
      tab: 0,
      atMs: at(3_000),
      forMs: random.pick([2_000, 30_000]),
    });
  if (random.chance(0.4))
    acts.push({
      do: "network weather",
      atMs: at(0) - 300,
      forMs: random.pick([1_000, 5_000]),
      change: { cutAtToken: random.pick([0.2, 0.6]) },
    });
  if (topic === "clients") acts.push(...ofClients(random, { device, at, devices: settings.devices }));
  if (topic === "recovery")
    for (let n = random.between(2, 10); n > 0; n--)
      acts.push({ do: "cut lines", atMs: at(3_000), share: random.pick([0.3, 0.7, 1]) });
  return acts.filter(({ atMs }) => atMs >= 0);
}

function ofClients(
  random: Random,
  { device, at, devices }: { device: () => number; at: (spreadMs: number) => number; devices: number },
): Act[] {
  const acts: Act[] = [];
  for (let who = 0; who < devices; who++)
    for (let n = random.pick([0, 1, 1, 2]); n > 0; n--)
      acts.push({
        do: "steal",
        device: who,
        manner: random.pick(MANNERS),
        waitMs: random.pick([0, 10, 2_000, 10_000]),
        atMs: Math.max(1_500, at(2_000) - random.pick([0, 50, 5_000])),
      });
  if (random.chance(0.4))
    acts.push({
      do: "storage fails",
      device: device(),
      how: random.pick(["reading", "writing", "both"] as const),
      atMs: at(100) - random.between(0, 500),
      forMs: random.pick([200, 3_000, 15_000]),
    });
  if (random.chance(0.1)) acts.push({ do: "clear storage", device: device(), atMs: at(5_000) });
  return acts;
}
