import { Thief } from "../actors/thief.js";
import { roomOf } from "../checks/rooms.js";
import type { World } from "../world/world.js";
import type { ClientAct } from "./client-acts.js";

type Over = (forMs: number, run: () => void) => void;

/** Has something happen that is about clients, or what the application does for its users. */
export function performClientAct(world: World, act: ClientAct & { readonly atMs: number }, over: Over): void {
  switch (act.do) {
    case "steal":
      return steal(world, act, over);
    case "storage fails": {
      const device = world.devices[act.device];
      if (!device) return;
      device.fails = { reading: act.how !== "writing", writing: act.how !== "reading" };
      over(act.forMs, () => {
        device.fails = { reading: false, writing: false };
      });
      return;
    }
    case "clear storage": {
      const device = world.devices[act.device];
      if (!device || device.items.size === 0) return;
      world.count("storage cleared");
      device.items.clear();
      world.ledger.identities.mayLose(device.name);
      return;
    }
    case "cache": {
      const page = world.devices[act.device]?.pages[act.tab];
      if (!page) return;
      world.count("page cached and back");
      page.process.pause(act.forMs);
      page.line?.cut();
      over(act.forMs + 1, () => page.hear("resume"));
      return;
    }
    case "send":
      return send(world, act);
    case "revoke":
      return revoke(world, act);
  }
}

function steal(
  world: World,
  { device: index, manner, waitMs, atMs }: Extract<ClientAct, { do: "steal" }> & { readonly atMs: number },
  over: Over,
): void {
  const device = world.devices[index];
  const token = device?.token;
  if (!device || !token) return world.count("(nothing to steal)");
  const name = `thief${world.people.length + 1}`;
  world.count(`a thief ${manner}`);
  world.thieves.steals(name, token);
  over(waitMs, () => {
    world.timeline.tell(name, () => `has the token of ${device.name} of ${atMs} ms, and ${manner}`);
    world.people.push(new Thief(world, name, { token, manner }));
  });
}

/** A user who is logged in somewhere by the rows, or was a moment ago. */
function anyUser(world: World, atMs: number): string | undefined {
  const random = world.random.stream(`user ${atMs}`);
  const users = world.database.rows.flatMap(({ userId }) => (userId === null ? [] : [String(userId)]));
  const last = world.users - random.below(3);
  if (last > 0) users.push(`user${last}`);
  return users.length > 0 ? random.pick(users) : undefined;
}

function send(
  world: World,
  { node: index, atMs }: Extract<ClientAct, { do: "send" }> & { readonly atMs: number },
): void {
  const node = world.nodes[index];
  const user = anyUser(world, atMs);
  if (!node?.isUp || user === undefined) return world.count("(nobody to send to)");
  node.process.receive(0, "sends", () => world.notes.send(node, user));
}

function revoke(
  world: World,
  { node: index, atMs }: Extract<ClientAct, { do: "revoke" }> & { readonly atMs: number },
): void {
  const node = world.nodes[index];
  const user = anyUser(world, atMs);
  if (!node?.isUp || user === undefined) return world.count("(nobody to log out)");
  node.process.receive(0, "revokes", () => revokeOn(world, node, user));
}

async function revokeOn(world: World, node: World["nodes"][number], user: string): Promise<void> {
  const { ledger, database, calm, timeline, standings } = world;
  const sessionId = ledger.identities.sessionOfLogin(user) ?? "";
  const { name } = node.process;
  const end = ledger.identities.acts("revoke", sessionId, user, name);
  let code = "";
  let count = 0;
  const beganAtMs = timeline.nowMs;
  try {
    count = await node.sessions.destroyForUser(user);
    world.count(count > 0 ? "sessions of a user ended" : "(no session of that user)");
  } catch (error) {
    code = (error as { code?: string }).code ?? String(error);
  }
  end(code);
  if (code !== "") return;
  const row = database.row(sessionId);
  const standing = standings.of(sessionId);
  const wasTheirs = standing?.userId === user && standing.sinceMs < beganAtMs;
  // What has expired opens nothing, and stays until somebody prunes.
  const isLeft = Number(row?.["expires"]) > database.time;
  if (isLeft && wasTheirs && calm.isBetween(beganAtMs, timeline.nowMs))
    ledger.findings.add("lost", `all sessions of ${user} were ended, and ${sessionId} is theirs still`);
  if (count === 0) return;
  for (const { rooms } of node.sockets)
    if (rooms.has(roomOf(user)))
      ledger.findings.add(
        "room",
        `a socket on ${node.name} is in the room of ${user}, whose sessions were ended`,
      );
}
