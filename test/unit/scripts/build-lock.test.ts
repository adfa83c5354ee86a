import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { buildAlone } from "../../../scripts/build/build-lock.js";

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "build-lock-"));
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

test("builds that begin together run one after the other, after one that fails too", async () => {
  const order: string[] = [];
  const build = (name: string) => async () => {
    order.push(name);
    await new Promise((resolve) => setImmediate(resolve));
    order.push(name);
    if (name === "first") throw new Error("the sources do not compile");
    return name;
  };
  const said: string[] = [];
  const first = buildAlone(build("first"), { folder });
  const second = buildAlone(build("second"), { folder, say: (text) => said.push(text) });
  await expect(first).rejects.toThrow("the sources do not compile");
  expect(await second).toBe("second");
  expect(order).toEqual(["first", "first", "second", "second"]);
  expect(said).toHaveLength(1);
  expect(fs.readdirSync(folder)).toEqual([]);
});

test("the lock of a process that has ended holds nobody up", async () => {
  const { pid } = spawnSync(process.execPath, ["--version"]);
  fs.writeFileSync(path.join(folder, "building"), String(pid));
  expect(await buildAlone(async () => "built", { folder })).toBe("built");
  expect(fs.readdirSync(folder)).toEqual([]);
});
