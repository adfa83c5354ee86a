import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { Turns } from "../../../src/base/turns.js";
import { TurnsByKey } from "../../../src/base/turns-by-key.js";

/** A queue, and what its host hears. */
function watched() {
  const heard: string[] = [];
  const turns = new Turns("owner", {
    onBusy: (owner) => heard.push(`${owner} works`),
    onIdle: (owner) => heard.push(`${owner} is settled`),
  });
  return { heard, turns };
}

test("operations run one at a time in the order of asking, however they are asked for and whatever they come to", async () => {
  const kinds = fc.constantFrom("run", "fail", "take", "begin");
  await fc.assert(
    fc.asyncProperty(fc.array(kinds, { minLength: 1, maxLength: 12 }), fc.nat(3), async (asked, pauses) => {
      const { heard, turns } = watched();
      const began: number[] = [];
      let running = 0;
      const work = async (n: number) => {
        began.push(n);
        running++;
        for (let left = pauses; left > 0; left--) await turn();
        expect(running--).toBe(1);
      };
      const whole = (n: number) => void work(n).then(() => turns.end());
      const all: Promise<unknown>[] = [];
      for (const [n, kind] of asked.entries()) {
        if (kind === "take" || (kind === "begin" && turns.isBusy)) turns.take(() => whole(n));
        else if (kind === "begin" && turns.begin()) whole(n);
        else if (kind === "fail") {
          const failing = turns.run(() => work(n).then(() => Promise.reject(new Error("no"))));
          all.push(failing.catch(() => {}));
        } else all.push(turns.run(() => work(n)));
      }
      expect(turns.count).toBe(asked.length);
      await Promise.all(all);
      while (turns.isBusy) await turn();
      expect(began).toEqual(asked.map((_, n) => n));
      expect(heard).toEqual(["owner works", "owner is settled"]);
    }),
  );
});

test("one that is released no longer holds up the next; its own answer still comes", async () => {
  const { turns } = watched();
  let release = () => {};
  let answer = (_: string) => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  const first = turns.run(() => new Promise<string>((resolve) => (answer = resolve)), released);
  const second = turns.run(async () => "second");
  release();
  expect(await second).toBe("second");
  answer("first");
  expect(await first).toBe("first");
  expect(turns.isBusy).toBe(false);
});

test("keys do not wait for each other, and one without work is forgotten", async () => {
  const turns = new TurnsByKey<string>();
  let end = () => {};
  const blocked = turns.run("a", () => new Promise<void>((resolve) => (end = resolve)));
  const behind = turns.run("a", async () => "a");
  expect(await turns.run("b", async () => "b")).toBe("b");
  expect([turns.count("a"), turns.count("b")]).toEqual([2, 0]);
  end();
  await blocked;
  expect(await behind).toBe("a");
  await turn();
  expect(turns.count("a")).toBe(0);
});
