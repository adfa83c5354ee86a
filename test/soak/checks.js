// @ts-check
// What the table says, read from the server that is written to, past the nodes.

/** @typedef {import("./world.js").World} World */
/** @typedef {import("./ledger.js").Ledger} Ledger */
/** @typedef {import("./ledger.js").Snapshot} Snapshot */

const AT_ONCE = 200;

/**
 * Compares the row of each living session with its ledger. @param {World} world @returns {Promise<boolean>}
 * whether it could be read
 */
export async function checkRows(world) {
  const { servers, clients } = world;
  const { primary } = servers;
  if (servers.switching) return false;
  /** @type {[Ledger, Snapshot, World["clients"][number]][]} */
  const live = clients.flatMap((client) => {
    const { ledger } = client;
    const before = ledger.id ? ledger.snapshot() : undefined;
    return before ? [[ledger, before, client]] : [];
  });
  /** @type {Map<string, import("./server.js").Row>} */
  const rows = new Map();
  try {
    for (let at = 0; at < live.length; at += AT_ONCE) {
      const ids = live.slice(at, at + AT_ONCE).map(([{ id }]) => id);
      const found = await primary.query(
        "SELECT sessionId, data, userId FROM soak.session WHERE sessionId IN (?)",
        [ids],
      );
      for (const row of found) rows.set(row["sessionId"], row);
    }
  } catch {
    return false;
  }
  if (servers.switching || servers.primary !== primary) return false;
  for (const [ledger, before, client] of live) {
    // What has been replaced meanwhile is asked nothing.
    if (client.ledger !== ledger || ledger.phase !== "live") continue;
    const row = rows.get(ledger.id);
    if (!row) client.ended("its row is gone");
    else {
      ledger.check(before, JSON.parse(row["data"] ?? "{}"), `the row on server ${primary.name}`);
      if (ledger.epoch === before.epoch) client.checkUser(row["userId"] ?? "", "its row");
    }
  }
  return true;
}

/**
 * No row of a session whose end was acknowledged is there. @param {World} world @param {number} [last] so
 * many of them
 */
export async function checkEnded(world, last = 1000) {
  const { primary } = world.servers;
  const ids = world.ended.slice(-last).map(({ id }) => id);
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const some = ids.slice(at, at + AT_ONCE);
    const found = await primary
      .query("SELECT sessionId FROM soak.session WHERE sessionId IN (?)", [some])
      .catch(() => []);
    for (const { sessionId } of found) world.findings.add("revived", `the row of ${sessionId} is there`);
  }
}
