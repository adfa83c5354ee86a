// @ts-check
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";

/** @typedef {{ code: number | null, stdout: string, stderr: string }} Captured */

/**
 * Runs a program to its end and returns what it printed; a program that cannot be started has the code null.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, input?: string, shell?: boolean }} [options]
 * @returns {Promise<Captured>}
 */
export function capture(command, args, { input = "", ...options } = {}) {
  return new Promise((resolve) => {
    let stdout = "";
    let stderr = "";
    const child = spawn(command, args, { ...options, windowsHide: true, stdio: ["pipe", "pipe", "pipe"] });
    child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
    child.on("error", (error) => resolve({ code: null, stdout, stderr: error.message }));
    child.on("close", (code) => resolve({ code, stdout, stderr }));
    // A program that ends before it has read its input is judged by its code, not by the broken pipe.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}

/**
 * `capture` for programs that have to succeed.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {Parameters<typeof capture>[2]} [options]
 * @returns {Promise<string>} what it printed on standard output
 */
export async function run(command, args, options) {
  const { code, stdout, stderr } = await capture(command, args, options);
  if (code === 0) return stdout;
  const said = lastLines(`${stdout}\n${stderr}`, 15);
  throw new Error(
    `${path.basename(command)} failed (${code === null ? "not started" : `exit code ${code}`}):\n${said}`,
  );
}

/**
 * @param {string} text
 * @param {number} count
 */
export function lastLines(text, count) {
  return text.trim().split(/\r?\n/).slice(-count).join("\n");
}

/**
 * Waits for the end of a process that has been asked for it, and kills the process when it takes too long.
 * @param {import("node:child_process").ChildProcess} child
 * @param {Promise<unknown>} exited
 * @param {number} withinMs
 */
export async function waitForEnd(child, exited, withinMs) {
  const escalation = setTimeout(() => child.kill("SIGKILL"), withinMs);
  await exited;
  clearTimeout(escalation);
}

/**
 * Every program of this name, those on PATH first.
 * @param {string} name without ".exe"
 * @param {readonly string[]} [alsoIn] folders to look at after PATH
 * @returns {string[]}
 */
export function findPrograms(name, alsoIn = []) {
  const file = process.platform === "win32" ? `${name}.exe` : name;
  const folders = [...(process.env["PATH"] ?? "").split(path.delimiter), ...alsoIn];
  return folders
    .filter(Boolean)
    .map((folder) => path.join(folder, file))
    .filter(isExecutable);
}

/** @param {string} file */
function isExecutable(file) {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}

/**
 * The command line of a running process; "" when there is none, or only its zombie. A process id alone says
 * nothing: ids are given out again, so whoever wants to signal a process that it did not start compares this
 * first.
 * @param {number} pid
 * @returns {Promise<string>}
 */
export async function commandLineOf(pid) {
  if (process.platform === "linux") {
    try {
      return fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
    } catch {
      return "";
    }
  }
  const query = `(Get-CimInstance Win32_Process -Filter "ProcessId=${pid}").CommandLine`;
  const asked =
    process.platform === "win32"
      ? await capture("powershell", ["-NoProfile", "-Command", query])
      : await capture("ps", ["-ww", "-o", "command=", "-p", String(pid)]);
  return asked.stdout.trim();
}
