import { createClient } from "redis";

/** Runs one command on a server of a test's own. */
export async function tellRedis(url: string, command: string[]): Promise<unknown> {
  const client = createClient({ url });
  await client.connect();
  try {
    return await client.sendCommand(command);
  } finally {
    client.destroy();
  }
}

/** How often these commands have been run since it started, all together. */
export async function commandsRun(url: string, ...names: string[]): Promise<number> {
  const text = String(await tellRedis(url, ["INFO", "commandstats"]));
  return names.reduce((sum, name) => {
    const [, calls = 0] = new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(text) ?? [];
    return sum + Number(calls);
  }, 0);
}
