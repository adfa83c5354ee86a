// @ts-check
// What the figures were measured on and with.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { projectFolder } from "../scripts/paths.js";

const shared = ["socket.io", "socket.io-client", "mysql2"];
const contenders = ["socket.io-mysql-session", "express-session", "express-mysql-session"];

export function describeMachine() {
  return {
    cpu: os.cpus()[0]?.model.trim() ?? "unknown",
    cores: os.cpus().length,
    memoryGb: Math.round(os.totalmem() / 1e9),
    system: nameOfSystem(),
  };
}

/** @returns {Record<string, string>} */
export function describeVersions() {
  const version = (/** @type {string} */ folder) =>
    JSON.parse(fs.readFileSync(path.join(projectFolder, folder, "package.json"), "utf8")).version;
  return {
    node: process.versions.node,
    "socket.io-token-session": version("."),
    ...Object.fromEntries(shared.map((name) => [name, version(`node_modules/${name}`)])),
    ...Object.fromEntries(contenders.map((name) => [name, version(`bench/node_modules/${name}`)])),
  };
}

function nameOfSystem() {
  const file = "/etc/os-release";
  if (!fs.existsSync(file)) return `${os.type()} ${os.release()}`;
  return /^PRETTY_NAME="?([^"\n]+)/m.exec(fs.readFileSync(file, "utf8"))?.[1] ?? os.type();
}
