import { expect, test } from "@jest/globals";
import { registryOf } from "../../../src/registry/registry-of.js";
import { useNodes } from "../../support/servers/nodes.js";

const nodes = useNodes();

test("one locked row is not said to be an outage of the store", async () => {
  const said: string[] = [];
  const logger = { log: (level: string, text: string) => void said.push(`${level} ${text}`) };
  const node = await nodes.node({ options: { logger } });
  const { id, session } = await node.connect();
  await nodes.database.rows("update session set expires = expires - 8000 where sessionId = ?", [id]);
  await session.reload();
  const lock = await nodes.lock(id);
  const registry = registryOf(node.sessions);
  await registry?.touchDue(registry.live(), { beginVisit: false });
  await lock.release();
  expect(said).toEqual([]);
});
