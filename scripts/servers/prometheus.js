// @ts-check
// A private Prometheus server: this machine only, its data in its folder.
import fs from "node:fs";
import path from "node:path";
import { capture } from "../processes.js";
import { layoutOf } from "./database-folder.js";
import { endLeftOver } from "./database-left-over.js";
import { onFreePort } from "./ports.js";
import { startServer } from "./server-process.js";

/** @typedef {import("../paths.js").Say} Say */
/** @typedef {import("./prometheus-server.js").PrometheusServer} PrometheusServer */
/** @typedef {{ url: string, stop: () => Promise<void> }} Prometheus */

/**
 * Starts a server in `folder`, which is made when it is not there.
 * @param {object} options
 * @param {PrometheusServer} options.server what findPrometheus() gave
 * @param {string} options.folder
 * @param {readonly number[]} options.targets ports of this machine whose /metrics it reads
 * @param {readonly string[]} [options.rules] files with rules
 * @param {Say} options.say
 * @returns {Promise<Prometheus>}
 */
export async function startPrometheus({ server, folder: given, targets, rules = [], say }) {
  const folder = path.resolve(given);
  await endLeftOver(folder, say);
  const { data } = layoutOf(folder);
  fs.mkdirSync(data, { recursive: true, mode: 0o700 });
  const settings = path.join(folder, "prometheus.yml");
  // Each value as JSON, which is YAML too.
  fs.writeFileSync(
    settings,
    JSON.stringify({
      global: { scrape_interval: "200ms", scrape_timeout: "200ms", evaluation_interval: "200ms" },
      rule_files: rules.map((file) => path.resolve(file)),
      scrape_configs: [
        {
          job_name: "token-session",
          static_configs: [{ targets: targets.map((port) => `127.0.0.1:${port}`) }],
        },
      ],
    }),
  );
  return onFreePort(async (port) => {
    const { stop } = await startServer({
      title: "Prometheus",
      program: server.server.program,
      args: [
        ...server.server.leading,
        `--config.file=${settings}`,
        `--storage.tsdb.path=${data}`,
        `--web.listen-address=127.0.0.1:${port}`,
        "--log.level=warn",
      ],
      folder,
      port,
      greeting: { send: "GET /-/ready HTTP/1.0\r\n\r\n", answer: /^HTTP\/1\.\d 200 / },
    });
    return { url: `http://127.0.0.1:${port}`, stop };
  });
}

/**
 * Runs promtool.
 * @param {PrometheusServer} server
 * @param {readonly string[]} args
 * @param {string} [input] what it reads
 */
export function promtool({ promtool: { program, leading } }, args, input = "") {
  return capture(program, [...leading, ...args], { input });
}
