import { expect, test } from "@jest/globals";
import { offer } from "../../../scripts/jest/offers.js";
import { shutdown } from "../../../scripts/shutdown.js";

test("a server is started for the first who asks; who knows no path gets nothing", async () => {
  let started = 0;
  const address = await offer({
    redis: async () => ({ url: `redis://${++started}` }),
    browser: async () => ({ missing: "no browser on this machine", command: "apt install chromium" }),
    broken: () => Promise.reject(new Error("it did not start")),
  });
  const ask = async (url: string) => {
    const response = await fetch(url);
    return [response.status, await response.text()];
  };
  try {
    const answers = await Promise.all([ask(`${address}redis`), ask(`${address}redis`)]);
    expect(answers).toEqual(Array.from({ length: 2 }, () => [200, '{"url":"redis://1"}']));
    expect(JSON.parse(String((await ask(`${address}browser`))[1]))).toEqual({
      missing: "no browser on this machine",
      command: "apt install chromium",
    });
    expect(await ask(`${address}broken`)).toEqual([500, "it did not start"]);
    expect(await ask(`${address}toString`)).toEqual([404, ""]);
    expect(await ask(new URL("/redis", address).href)).toEqual([404, ""]);
  } finally {
    await shutdown();
  }
});
