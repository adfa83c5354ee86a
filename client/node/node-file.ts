/**
 * A storage for the client: a file, on Node.
 *
 * @module
 */
import { randomUUID } from "node:crypto";
import { open, readFile, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import type { DeviceStorage } from "../adapters/device-storage.js";
import { inOrder } from "../adapters/in-order.js";

/** One queue for each file, whoever uses it in this process. */
const queues = new Map<string, ReturnType<typeof inOrder>>();

/**
 * Keeps tokens of a client that runs on Node in one JSON file, one property a key. The file is made with the
 * first token. Each write replaces it in one step, so that a crash leaves the old or the new one, and makes
 * it readable and writable by its owner only (mode 0600, whatever it was). Nothing is encrypted. The folder
 * has to be there.
 *
 * A file that cannot be read, or is not what was written, is an error, and stays as it is. Operations of one
 * process are done in order; between processes the later write wins, other keys included, so give each
 * process a file of its own. A symbolic link is replaced, not followed. A crash in the middle of a write can
 * leave a file `<name>.<uuid>.tmp` beside it, with mode 0600 too.
 *
 * @example
 * const session = tokenSession(socket, { storage: nodeFile("/var/lib/your-app/tokens.json") });
 */
export function nodeFile(file: string): DeviceStorage {
  const target = path.resolve(file);
  const run = queues.get(target) ?? inOrder();
  queues.set(target, run);

  async function change(key: string, value: string | undefined): Promise<void> {
    const items = await read(target);
    if (value !== undefined) items.set(key, value);
    else if (!items.delete(key)) return;
    await replace(target, JSON.stringify(Object.fromEntries(items)));
  }

  return {
    getItem: (key) => run(async () => (await read(target)).get(key) ?? null),
    setItem: (key, value) => run(() => change(key, value)),
    removeItem: (key) => run(() => change(key, undefined)),
    getKeys: () => run(async () => [...(await read(target)).keys()]),
  };
}

async function read(file: string): Promise<Map<string, string>> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    // Without its folder (a disk that is not mounted) the file is not missing: nobody knows.
    await stat(path.dirname(file));
    return new Map();
  }
  let items: unknown;
  try {
    items = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    // What JSON.parse throws quotes the text, tokens included.
  }
  if (
    typeof items !== "object" ||
    items === null ||
    Array.isArray(items) ||
    !Object.values(items).every(isText)
  ) {
    throw new Error(`${file} is not a JSON object of strings`);
  }
  return new Map(Object.entries(items));
}

const isText = (value: unknown) => typeof value === "string";

async function replace(file: string, text: string): Promise<void> {
  const temporary = `${file}.${randomUUID()}.tmp`;
  try {
    const handle = await open(temporary, "wx", 0o600);
    try {
      await handle.writeFile(text);
      // Before the rename: a power failure must not leave the new name with nothing in it.
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
