// @ts-check
// Finds Prometheus and promtool: on the machine, else among Debian's packages.
import path from "node:path";
import { capture, findPrograms } from "../processes.js";
import { canUnpackPackages, unpackPackages } from "./debian.js";
import { throughLoader } from "./unpacked.js";

/** @typedef {import("../paths.js").Say} Say */
/** @typedef {{ program: string, leading: string[] }} Program what to spawn, and the arguments that come first */
/**
 * @typedef {object} PrometheusServer
 * @property {string} version such as "2.42.0"
 * @property {Program} server
 * @property {Program} promtool
 */
/** @typedef {{ missing: string, command: string }} NoPrometheus why there is none, and what would add one */

const command = "apt install prometheus";

/**
 * @param {{ say: Say }} options
 * @returns {Promise<PrometheusServer | NoPrometheus>}
 */
export async function findPrometheus({ say }) {
  const [server] = findPrograms("prometheus", ["/usr/local/bin", "/opt/homebrew/bin"]);
  const [promtool] = findPrograms("promtool", ["/usr/local/bin", "/opt/homebrew/bin"]);
  if (server && promtool) {
    const here = await identify({ program: server, leading: [] }, { program: promtool, leading: [] });
    if (here) return here;
  }
  if (!canUnpackPackages()) return { missing: "no prometheus on this machine", command };
  try {
    const folder = await unpackPackages({ name: "prometheus", packages: ["prometheus"], say });
    const unpacked = (/** @type {string} */ name) => throughLoader(folder, path.join("usr", "bin", name));
    const found = await identify(unpacked("prometheus"), unpacked("promtool"));
    return found ?? { missing: `prometheus unpacked in ${folder} does not run`, command };
  } catch (error) {
    const [first = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
    return { missing: `no prometheus on this machine; ${first.replace(/[.:]$/, "")}`, command };
  }
}

/**
 * @param {Program} server
 * @param {Program} promtool
 * @returns {Promise<PrometheusServer | undefined>}
 */
async function identify(server, promtool) {
  const said = await capture(server.program, [...server.leading, "--version"]);
  // Old ones say it on standard error.
  const [, version] = /prometheus, version (\d+\.\d+\.\d+)/.exec(`${said.stdout}${said.stderr}`) ?? [];
  return said.code === 0 && version ? { version, server, promtool } : undefined;
}
