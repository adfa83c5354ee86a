import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { build } from "esbuild";
import { nodeFile } from "../../../client/node/node-file.js";
import type { TokenStorage } from "../../../client/types.js";
import { describeStorage, LONG_KEY, TOKEN } from "../../support/clients/storage-cases.js";

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await fs.mkdtemp(path.join(os.tmpdir(), "node-file-"));
  file = path.join(folder, "tokens.json");
});
afterEach(() => fs.rm(folder, { recursive: true, force: true }));

const modeOf = async (name: string) => (await fs.stat(name)).mode & 0o777;
const content = async () => JSON.parse(await fs.readFile(file, "utf8"));

describeStorage("nodeFile", async () => {
  const rig = {
    storage: nodeFile(file),
    breakReading: () => fs.writeFile(file, "{"),
    // The name is as long as can be, so that there is no room for the temporary file's.
    async breakWriting() {
      const long = path.join(folder, "x".repeat(255));
      await fs.rename(file, long);
      rig.storage = nodeFile(long);
    },
  };
  return rig;
});

test("is a TokenStorage", async () => {
  const storage: TokenStorage = nodeFile(file);
  expect(await storage.getItem("key")).toBeNull();
  expect(await fs.readdir(folder)).toEqual([]);
});

test("makes a file that is its owner's alone, and leaves nothing else behind", async () => {
  await nodeFile(file).setItem("key", TOKEN);
  expect(await modeOf(file)).toBe(0o600);
  expect(await fs.readdir(folder)).toEqual(["tokens.json"]);
});

test.each(["another value", "the same value"])(
  "a file that others could read becomes the owner's: %s",
  async (value) => {
    await fs.writeFile(file, JSON.stringify({ key: "the same value" }));
    await fs.chmod(file, 0o644);
    await nodeFile(file).setItem("key", value);
    expect(await modeOf(file)).toBe(0o600);
  },
);

test("keeps several keys in one file, odd ones too", async () => {
  const storage = nodeFile(file);
  for (const key of [LONG_KEY, "__proto__", ""]) await storage.setItem(key, `of ${key}`);
  expect(Object.entries(await content())).toEqual([
    [LONG_KEY, `of ${LONG_KEY}`],
    ["__proto__", "of __proto__"],
    ["", "of "],
  ]);
  expect(await nodeFile(file).getItem("__proto__")).toBe("of __proto__");
  expect(await storage.getItem("toString")).toBeNull();
});

test.each([
  ["nothing", ""],
  ["half a file", `{"key":"${TOKEN}`],
  ["null", "null"],
  ["an array", `["${TOKEN}"]`],
  ["a value that is no text", `{"key":"${TOKEN}","other":1}`],
  ["bytes that are no text", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x22, 0x22, 0x7d])],
])("a file with %s in it is an error, tells no token, and stays", async (_what, bytes) => {
  await fs.writeFile(file, bytes);
  const storage = nodeFile(file);
  const steps = [storage.getItem("key"), storage.setItem("key", "new"), storage.removeItem("key")];
  for (const { status, reason } of (await Promise.allSettled(steps)) as PromiseRejectedResult[]) {
    expect(status).toBe("rejected");
    expect(reason.message).toBe(`${file} is not a JSON object of strings`);
    expect(reason.cause).toBeUndefined();
  }
  expect(await fs.readFile(file)).toEqual(Buffer.from(bytes));
  expect(await fs.readdir(folder)).toEqual(["tokens.json"]);
});

test("what cannot be read is an error: a folder in its place, no folder around it", async () => {
  await expect(nodeFile(folder).getItem("key")).rejects.toThrow("EISDIR");
  const lost = nodeFile(path.join(folder, "away", "tokens.json"));
  await expect(lost.getItem("key")).rejects.toThrow("ENOENT");
  await expect(lost.setItem("key", TOKEN)).rejects.toThrow("ENOENT");
});

test("is done in the order of asking, by all who use the file", async () => {
  const [first, second] = [nodeFile(file), nodeFile(path.relative(process.cwd(), file))];
  const reads: Promise<string | null>[] = [];
  const writes: Promise<unknown>[] = [];
  for (let index = 0; index < 50; index += 1) {
    writes.push(first.setItem(`key ${index}`, "kept"), second.setItem("last", String(index)));
    reads.push(first.getItem("last"));
  }
  writes.push(first.removeItem("key 0"));
  await Promise.all(writes);
  expect(await Promise.all(reads)).toEqual(Array.from({ length: 50 }, (_, index) => String(index)));
  expect(Object.keys(await content())).toHaveLength(50);
});

test("goes on after a failure, in the same order", async () => {
  const storage = nodeFile(file);
  await fs.writeFile(file, "{");
  await expect(storage.setItem("key", "lost")).rejects.toThrow();
  await fs.rm(file);
  await storage.setItem("key", TOKEN);
  expect(await storage.getItem("key")).toBe(TOKEN);
});

/** Sets "key" to "new" in a process of its own, where `fs.rename` is this. */
async function setWhereRenameIs(rename: string) {
  const program = path.join(folder, "program.mjs");
  await build({
    stdin: {
      contents: `
        import fs from "node:fs/promises";
        import { syncBuiltinESMExports } from "node:module";
        import { nodeFile } from "./client/node/node-file.js";
        fs.rename = ${rename};
        syncBuiltinESMExports();
        await nodeFile(process.argv[2]).setItem("key", "new").catch((error) => process.exit(error.message === "full" ? 7 : 8));`,
      resolveDir: path.resolve(import.meta.dirname, "../../.."),
      loader: "ts",
    },
    bundle: true,
    platform: "node",
    format: "esm",
    outfile: program,
  });
  const child = spawn(process.execPath, [program, file], { stdio: "inherit" });
  return once(child, "close");
}

test("a crash before the new file has its name leaves the old one as it was", async () => {
  await nodeFile(file).setItem("key", "old");
  expect(await setWhereRenameIs(`() => process.kill(process.pid, "SIGKILL")`)).toEqual([null, "SIGKILL"]);

  const [left = ""] = (await fs.readdir(folder)).filter((name) => name.endsWith(".tmp"));
  expect(await fs.readFile(path.join(folder, left), "utf8")).toBe('{"key":"new"}');
  expect(await modeOf(path.join(folder, left))).toBe(0o600);
  expect(await nodeFile(file).getItem("key")).toBe("old");
  await nodeFile(file).setItem("key", "newer");
  expect(await content()).toEqual({ key: "newer" });
});

test("a write that fails half-way leaves the old file, and no other", async () => {
  await nodeFile(file).setItem("key", "old");
  expect(await setWhereRenameIs(`async () => { throw new Error("full"); }`)).toEqual([7, null]);
  expect(await content()).toEqual({ key: "old" });
  expect(await fs.readdir(folder)).toEqual(["program.mjs", "tokens.json"]);
});
