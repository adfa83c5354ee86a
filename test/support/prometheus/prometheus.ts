import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, describe } from "@jest/globals";
import { startPrometheus } from "../../../scripts/servers/prometheus.js";
import { findPrometheus, type PrometheusServer } from "../../../scripts/servers/prometheus-server.js";
import { notRun } from "../not-run.js";

const say = () => {};

/** One series of an answer: its labels, and its value. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A Prometheus that runs for one test. */
export interface RunningPrometheus {
  /** The answer to a query now. */
  query(expression: string): Promise<Sample[]>;
  /** Asks until the answer is one that `isIt` accepts. */
  until(expression: string, isIt: (samples: readonly Sample[]) => boolean): Promise<Sample[]>;
  /** The names of all metrics that it has heard of. */
  names(): Promise<string[]>;
  /** By name, the state of each alert that its rules have. */
  alerts(): Promise<Map<string, string>>;
}

/**
 * `describe` where Prometheus can be had; elsewhere the tests are skipped, and the runner is told. `start`
 * has one read /metrics of this port of the machine.
 */
export async function describeWithPrometheus(
  what: string,
  tests: (
    server: () => PrometheusServer,
    start: (target: number, rules: readonly string[]) => Promise<RunningPrometheus>,
  ) => void,
): Promise<void> {
  const found = await findPrometheus({ say });
  if ("missing" in found) {
    notRun({ what, why: found.missing, command: found.command });
    const none = () => undefined as never;
    return describe.skip(what, () => tests(none, none));
  }
  describe(what, () => {
    const ends: (() => Promise<void>)[] = [];
    afterEach(async () => {
      for (let end = ends.pop(); end; end = ends.pop()) await end();
    });
    tests(
      () => found,
      async (target, rules) => {
        const folder = fs.mkdtempSync(path.join(os.tmpdir(), "prometheus-"));
        const { url, stop } = await startPrometheus({ server: found, folder, targets: [target], rules, say });
        ends.push(async () => {
          await stop();
          fs.rmSync(folder, { recursive: true, force: true });
        });
        return clientOf(url);
      },
    );
  });
}

function clientOf(url: string): RunningPrometheus {
  async function get<Data>(path: string): Promise<Data> {
    const answer = (await (await fetch(`${url}/api/v1/${path}`)).json()) as { data: Data; error?: string };
    if (answer.error) throw new Error(`${path}: ${answer.error}`);
    return answer.data;
  }
  const query = async (expression: string) => {
    type Result = { result: { metric: Record<string, string>; value: [number, string] }[] };
    const { result } = await get<Result>(`query?query=${encodeURIComponent(expression)}`);
    return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
  };
  return {
    query,
    async until(expression, isIt) {
      for (;;) {
        const samples = await query(expression);
        if (isIt(samples)) return samples;
      }
    },
    names: () => get("label/__name__/values"),
    async alerts() {
      type Rules = { groups: { rules: { name: string; state: string; health: string }[] }[] };
      const { groups } = await get<Rules>("rules");
      return new Map(groups.flatMap(({ rules }) => rules.map(({ name, state }) => [name, state] as const)));
    },
  };
}
